//! The selection that runs before the program does anything (FIPS 140-3 IG
//! 10.3.A names the kind): one answer for each primitive, a few milliseconds in
//! all. A failure means that nothing here may be trusted with a key.

use thiserror::Error;

use super::tr31::unwraps;
use crate::card::cvv::cvv;
use crate::card::icc_key::{Diversification, icc_key};
use crate::card::pan::Pan;
use crate::pin::block::{Fill, Format, With};
use crate::pin::ibm3624::{DecimalisationTable, ValidationData, natural_pin};
use crate::pin::pvv::{KeyIndex, pvv};
use crate::pin::{Pin, iso4};
use crate::primitive::des_keys::set_odd_parity;
use crate::primitive::ec::{KeyPair, POINT_LEN, verify};
use crate::primitive::kcv::{Kcv, Method};
use crate::primitive::mac::{Padding, algorithm3};
use crate::primitive::modes::{Algorithm, Cipher, cmac};
use crate::primitive::{derive, passphrase, seal, shamir};
use crate::secret::Secret;

/// A primitive that gave another answer than the published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("power-on self-test failed: {0}")]
pub struct Failure(pub &'static str);

type Test = (&'static str, fn() -> Option<bool>);

const TESTS: [Test; 18] = [
    ("TDES (SP 800-67, appendix B)", tdes),
    ("AES-128, AES-192, AES-256 (FIPS 197, appendix C)", aes),
    ("AES in CBC and CTR, there and back", modes),
    ("TDES CMAC (SP 800-38B, D.4)", tdes_cmac),
    ("AES CMAC (SP 800-38B, D.1)", aes_cmac),
    ("SHA-256 (FIPS 180-4)", sha256),
    ("HMAC-SHA-256 (RFC 4231, case 2)", hmac),
    ("HKDF-SHA-256 (RFC 5869, A.1)", hkdf),
    ("Argon2id (RFC 9106, 5.3)", passphrase::known_answer),
    ("AES-256-GCM under HKDF", sealing),
    ("ECDSA P-256 (RFC 6979, A.2.5)", ecdsa),
    ("ECDH P-256 (RFC 5903, 8.1)", ecdh),
    ("check values and parity", checks),
    ("key blocks B and D (TR-31:2018, A.7)", key_blocks),
    ("secret sharing", sharing),
    ("retail MAC (ANSI X9.19), CVV", card_values),
    ("IBM 3624, PVV, PIN blocks 0 and 4", pins),
    ("keys of cards with SHA-1 (EMV Book 2, A1.4.2)", card_keys),
];

/// Computes the built-in known answers.
pub fn power_on() -> Result<(), Failure> {
    first_failure(&TESTS)
}

fn first_failure(tests: &[Test]) -> Result<(), Failure> {
    match tests.iter().find(|(_, test)| test() != Some(true)) {
        Some((name, _)) => Err(Failure(name)),
        None => Ok(()),
    }
}

/// Bytes of a constant.
fn hex(text: &str) -> Vec<u8> {
    let digit = |c: &u8| char::from(*c).to_digit(16).unwrap_or(0) as u8;
    let pairs = text.as_bytes().chunks_exact(2);
    pairs.map(|p| digit(&p[0]) << 4 | digit(&p[1])).collect()
}

fn secret(text: &str) -> Secret {
    Secret::take(&mut hex(text))
}

/// One ECB encryption, and back.
fn ecb(algorithm: Algorithm, key: &str, plain: &str, encrypted: &str) -> Option<bool> {
    let cipher = Cipher::new(algorithm, &hex(key)).ok()?;
    let mut data = hex(plain);
    cipher.ecb_encrypt(&mut data).ok()?;
    let there = data == hex(encrypted);
    cipher.ecb_decrypt(&mut data).ok()?;
    Some(there && data == hex(plain))
}

fn tdes() -> Option<bool> {
    let key = "0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123";
    // "The qufc"
    ecb(Algorithm::Tdes, key, "5468652071756663", "A826FD8CE53B855F")
}

fn aes() -> Option<bool> {
    let key = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
    let plain = "00112233445566778899AABBCCDDEEFF";
    let mut good = true;
    for (len, encrypted) in [
        (16, "69C4E0D86A7B0430D8CDB78070B4C55A"),
        (24, "DDA97CA4864CDFE06EAF70A0EC0D7191"),
        (32, "8EA2B7CA516745BFEAFC49904B496089"),
    ] {
        good &= ecb(Algorithm::Aes, key.get(..2 * len)?, plain, encrypted)?;
    }
    Some(good)
}

/// SP 800-38A F.2.1 and F.5.1, first blocks.
fn modes() -> Option<bool> {
    let key = hex("2B7E151628AED2A6ABF7158809CF4F3C");
    let plain = hex("6BC1BEE22E409F96E93D7E117393172A");
    let cipher = Cipher::new(Algorithm::Aes, &key).ok()?;
    let iv = hex("000102030405060708090A0B0C0D0E0F");
    let mut cbc = plain.clone();
    cipher.cbc_encrypt(&iv, &mut cbc).ok()?;
    let mut good = cbc == hex("7649ABAC8119B246CEE98E9B12E9197D");
    cipher.cbc_decrypt(&iv, &mut cbc).ok()?;
    good &= cbc == plain;
    let counter = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF");
    let mut ctr = plain;
    cipher.ctr(&counter, &mut ctr).ok()?;
    Some(good && ctr == hex("874D6191B620E3261BEF6864990DB6CE"))
}

fn tdes_cmac() -> Option<bool> {
    let key = hex("8AA83BF8CBDA10620BC1BF19FBB6CD58BC313D4A371CA8B5");
    let data = hex("6BC1BEE22E409F96E93D7E117393172AAE2D8A57");
    let tag = cmac(Algorithm::Tdes, &key, &data).ok()?;
    Some(tag.ct_eq(&hex("743DDBE0CE2DC2ED")))
}

fn aes_cmac() -> Option<bool> {
    let key = hex("2B7E151628AED2A6ABF7158809CF4F3C");
    let data =
        hex("6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E5130C81C46A35CE411");
    let tag = cmac(Algorithm::Aes, &key, &data).ok()?;
    Some(tag.ct_eq(&hex("DFA66747DE9AE63030CA32611497C827")))
}

fn sha256() -> Option<bool> {
    let digest = derive::sha256(&[b"a", b"bc"]);
    let known = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
    Some(digest.to_vec() == hex(known))
}

fn hmac() -> Option<bool> {
    let tag = derive::hmac(b"Jefe", &[b"what do ya want for nothing?"]);
    let known = "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843";
    Some(tag.ct_eq(&hex(known)))
}

fn hkdf() -> Option<bool> {
    let salt = hex("000102030405060708090A0B0C");
    let info = hex("F0F1F2F3F4F5F6F7F8F9");
    let key = derive::hkdf(&[0x0B; 22], &salt, &[&info], 42).ok()?;
    let known =
        "3CB25F25FAACD57A90434F64D0362F2A2D2D0A90CF1A5A4C5DB02D56ECC4C5BF34007208D5B887185865";
    Some(key.ct_eq(&hex(known)))
}

/// Computed with another library; the parent is 00..1F, the salt 20..3F.
fn sealing() -> Option<bool> {
    let parent = Secret::from_fn(32, |bytes| bytes.copy_from_slice(&counting::<32>(0)));
    let salt = counting::<{ seal::SALT_LEN }>(0x20);
    let known = hex("57413F4E5894D5C909E3ACEABF005CF43A154873B78E6778358F888C");
    let (context, header, plain) = (b"power-on", b"header", b"known answer");
    let sealed = seal::seal(&parent, &salt, context, header, plain).ok()?;
    let opened = seal::open(&parent, &salt, context, header, &sealed).ok()?;
    let mut changed = sealed.clone();
    *changed.first_mut()? ^= 1;
    let refused = seal::open(&parent, &salt, context, header, &changed).is_err();
    Some(sealed == known && opened.ct_eq(plain) && refused)
}

fn counting<const N: usize>(from: u8) -> [u8; N] {
    std::array::from_fn(|index| from + index as u8)
}

/// Verifies "sample", and refuses it with one bit changed.
fn ecdsa() -> Option<bool> {
    let point = "0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB67903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";
    let signature = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8";
    let point: [u8; POINT_LEN] = hex(point).try_into().ok()?;
    let signature: [u8; 64] = hex(signature).try_into().ok()?;
    let mut digest = derive::sha256(&[b"sample"]);
    let accepted = verify(&point, &digest, &signature).is_ok();
    digest[0] ^= 1;
    Some(accepted && verify(&point, &digest, &signature).is_err())
}

fn ecdh() -> Option<bool> {
    let pair = KeyPair::from_secret(secret(
        "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433",
    ));
    let peer = "04D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF6356FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB";
    let peer: [u8; POINT_LEN] = hex(peer).try_into().ok()?;
    let shared = pair.ok()?.diffie_hellman(&peer).ok()?;
    let known = "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE";
    Some(shared.ct_eq(&hex(known)))
}

fn checks() -> Option<bool> {
    let tdes = hex("0123456789ABCDEFFEDCBA9876543210");
    let aes = hex("000102030405060708090A0B0C0D0E0F");
    let hmac = counting::<32>(0);
    let hex_of = |method, key: &[u8]| Kcv::compute(method, key).ok().map(|kcv| kcv.hex());
    let mut parity = hex("E7A3C8B1");
    set_odd_parity(&mut parity);
    Some(
        hex_of(Method::TdesZero, &tdes)? == "08D7B4"
            && hex_of(Method::AesZero, &aes)? == "C6A13B"
            && hex_of(Method::AesCmac, &aes)? == "BE7ED6AE78"
            && hex_of(Method::HmacSha2Vp1, &hmac)? == "D54CAE6D23"
            && parity == hex("E6A2C8B0"),
    )
}

fn key_blocks() -> Option<bool> {
    let key = hex("3F419E1CB7079442AA37474C2EFBF8B8");
    let b = "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E";
    let d = "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";
    let b_key = hex("DD7515F2BFC17F85CE48F3CA25CB21F6");
    let d_key = hex("88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6");
    let altered = b.replace("P0TE", "P0TN");
    Some(unwraps(&b_key, b, &key) && unwraps(&d_key, d, &key) && !unwraps(&b_key, &altered, &key))
}

/// Two shares of 42 on the line 42 + 13x, worked out by hand.
fn sharing() -> Option<bool> {
    let shares = [(1, 0x51), (2, 0x64)].map(|(x, value)| shamir::Share {
        x,
        bytes: Secret::from_fn(1, |bytes| bytes.fill(value)),
    });
    let salt = [0; 32];
    let commitments = shares.each_ref().map(|share| shamir::Commitment {
        x: share.x,
        salt,
        digest: derive::sha256(&[&salt, &[share.x], share.bytes.expose()]),
    });
    let found = shamir::combine(&shares.each_ref(), 2, &commitments).ok()?;
    Some(found.ct_eq(&[0x42]))
}

const DOUBLE: &str = "0123456789ABCDEFFEDCBA9876543210";

fn card_values() -> Option<bool> {
    let data = b"Now is the time for all ";
    let mac = algorithm3(&hex(DOUBLE), data, Padding::Zeros).ok()?;
    let pan = Pan::parse("4123456789012345").ok()?;
    let value = cvv(&secret(DOUBLE), &pan, "8701", "101").ok()?;
    Some(mac.ct_eq(&hex("A1C72E74EA3FA9B6")) && value.digits() == "561")
}

fn pins() -> Option<bool> {
    let (key, number) = (secret(DOUBLE), "1122334455667788");
    let table = DecimalisationTable::parse("1234567890123456").ok()?;
    let data = ValidationData::parse(number).ok()?;
    let natural = natural_pin(&key, &table, &data, 4).ok()?;
    let pan = Pan::parse(number).ok()?;
    let value = pvv(&key, KeyIndex::parse("1").ok()?, &pan, &natural).ok()?;
    let pin = Pin::from_text(b"1234").ok()?;
    let pan = Pan::parse("5555555551234567").ok()?;
    let with = With {
        pan: Some(&pan),
        fill: Fill::Given(&[]),
    };
    let block = Format::Iso0.encode(&pin, with).ok()?;
    let pan = Pan::parse("4111111111111111").ok()?;
    let key = secret("000102030405060708090A0B0C0D0E0F");
    let long = iso4::encipher(&key, &pin, &pan, &secret("0123456789ABCDEF")).ok()?;
    Some(
        natural.text().ct_eq(b"4524")
            && value == "8523"
            && block.ct_eq(&hex("041261AAAAEDCBA9"))
            && long[..] == hex("70487881E82D3F1EF3A87678147EDAA7")
            && iso4::decipher(&key, &long, &pan).ok()?.ct_eq(&pin),
    )
}

fn card_keys() -> Option<bool> {
    let pan = Pan::parse("12345678901234567").ok()?;
    let key = icc_key(Diversification::B, &secret(DOUBLE), &pan, "00").ok()?;
    Some(key.ct_eq(&hex("1C13AE23B54AF7BA49FBE09192C87983")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_answer_comes_out() {
        assert_eq!(power_on(), Ok(()));
        for (name, test) in TESTS {
            assert_eq!(test(), Some(true), "{name}");
        }
    }

    #[test]
    fn a_wrong_answer_and_none_at_all_are_failures() {
        let with = |bad: Test| {
            let mut tests = TESTS.to_vec();
            tests.insert(7, bad);
            first_failure(&tests)
        };
        assert_eq!(with(("wrong", || Some(false))), Err(Failure("wrong")));
        assert_eq!(with(("none", || None)), Err(Failure("none")));
        assert_eq!(with(("good", || Some(true))), Ok(()));
    }
}
