//! HKDF with SHA-256 and HMAC with SHA-2 (RFC 5869, FIPS 198-1), into locked memory.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha384, Sha512};
use thiserror::Error;
use zeroize::Zeroize;

use crate::secret::Secret;

/// More bytes asked for than HKDF gives: 255 blocks of 32 (RFC 5869 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("HKDF-SHA-256 gives at most 8160 bytes, not {0}")]
pub struct TooLong(pub usize);

/// SHA-256 of the parts, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// HKDF-SHA-256, extract and expand: `len` bytes from `parent`, with `info`
/// given in parts that are joined as they stand.
pub fn hkdf(parent: &[u8], salt: &[u8], info: &[&[u8]], len: usize) -> Result<Secret, TooLong> {
    let hkdf = Hkdf::<Sha256>::new(Some(salt), parent);
    let mut out = Secret::zeroed(len);
    hkdf.expand_multi_info(info, out.expose_mut())
        .map_err(|_| TooLong(len))?;
    Ok(out)
}

/// HKDF-SHA-256 extract alone: the pseudorandom key, 32 bytes.
#[must_use]
pub fn hkdf_extract(salt: &[u8], parts: &[&[u8]]) -> Secret {
    hmac(salt, parts)
}

/// HKDF-SHA-256 expand alone, from a pseudorandom key of 32 bytes or more.
pub fn hkdf_expand(prk: &Secret, info: &[&[u8]], len: usize) -> Result<Secret, TooLong> {
    let hkdf = Hkdf::<Sha256>::from_prk(prk.expose()).map_err(|_| TooLong(len))?;
    let mut out = Secret::zeroed(len);
    hkdf.expand_multi_info(info, out.expose_mut())
        .map_err(|_| TooLong(len))?;
    Ok(out)
}

/// HMAC-SHA-256 over the parts, one after the other: 32 bytes. Compare it with
/// [`Secret::ct_eq`].
#[must_use]
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> Secret {
    // A key of any length will do; one longer than a block is hashed first
    // (FIPS 198-1 clause 4), which is the only path of `new_from_slice`, so that
    // the hashing here leaves nothing to fail.
    let mut block = Secret::zeroed(64);
    match block.expose_mut().get_mut(..key.len()) {
        Some(start) => start.copy_from_slice(key),
        None => block.expose_mut()[..32].copy_from_slice(&Sha256::digest(key)),
    }
    let mut padded = [0; 64];
    padded.copy_from_slice(block.expose());
    let mut mac = Hmac::<Sha256>::new(&padded.into());
    padded.zeroize();
    for part in parts {
        mac.update(part);
    }
    let mut tag: [u8; 32] = mac.finalize().into_bytes().into();
    Secret::take(&mut tag)
}

/// HMAC-SHA-384 over the parts, one after the other: 48 bytes.
#[must_use]
pub fn hmac_sha384(key: &[u8], parts: &[&[u8]]) -> Secret {
    let mut block = [0; LONG_BLOCK];
    fill(&mut block, key, &Sha384::digest(key));
    let mut mac = Hmac::<Sha384>::new((&block).into());
    block.zeroize();
    for part in parts {
        mac.update(part);
    }
    let mut tag: [u8; 48] = mac.finalize().into_bytes().into();
    Secret::take(&mut tag)
}

/// HMAC-SHA-512 over the parts, one after the other: 64 bytes.
#[must_use]
pub fn hmac_sha512(key: &[u8], parts: &[&[u8]]) -> Secret {
    let mut block = [0; LONG_BLOCK];
    fill(&mut block, key, &Sha512::digest(key));
    let mut mac = Hmac::<Sha512>::new((&block).into());
    block.zeroize();
    for part in parts {
        mac.update(part);
    }
    let mut tag: [u8; 64] = mac.finalize().into_bytes().into();
    Secret::take(&mut tag)
}

/// The block of SHA-384 and SHA-512, in bytes.
const LONG_BLOCK: usize = 128;

/// The key at the block's beginning; the digest of it where it is longer (FIPS 198-1
/// clause 4).
fn fill(block: &mut [u8], key: &[u8], digest: &[u8]) {
    let from = if key.len() > block.len() { digest } else { key };
    for (at, byte) in block.iter_mut().zip(from) {
        *at = *byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::vectors::unhex;

    /// RFC 4231 test cases 2 and 6: a short key, and one longer than a block.
    #[test]
    fn longer_hashes_have_known_answers() {
        let (key, text) = (b"Jefe", [&b"what do ya want "[..], b"for nothing?"]);
        let tag = hmac_sha384(key, &text);
        assert_eq!(
            tag.expose(),
            unhex(
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c7\
                 8b3239ecfab21649"
            )
        );
        let tag = hmac_sha512(key, &text);
        assert_eq!(
            tag.expose(),
            unhex(
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a\
                 6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
            )
        );
        let text = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let tag = hmac_sha512(&[0xAA; 131], &[text]);
        assert_eq!(
            tag.expose(),
            unhex(
                "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598\
                 bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
            )
        );
    }

    /// RFC 5869 A.1.
    #[test]
    fn hkdf_known_answer() {
        let (ikm, salt) = ([0x0B; 22], unhex("000102030405060708090a0b0c"));
        let info = unhex("f0f1f2f3f4f5f6f7f8f9");
        let okm = unhex(
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        );
        let whole = hkdf(&ikm, &salt, &[&info[..4], &info[4..]], 42).unwrap();
        assert_eq!(whole.expose(), okm);
        let prk = hkdf_extract(&salt, &[&ikm]);
        assert!(prk.ct_eq(&unhex(
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
        )));
        assert!(hkdf_expand(&prk, &[&info], 42).unwrap().ct_eq(&okm));
        assert_eq!(hkdf(&ikm, &salt, &[], 8161).err(), Some(TooLong(8161)));
    }

    /// RFC 4231 cases 2 and 6: a short key, and one longer than a block.
    #[test]
    fn hmac_known_answers() {
        let tag = hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert!(tag.ct_eq(&unhex(
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        )));
        let tag = hmac(
            &[0xAA; 131],
            &[b"Test Using Larger Than Block-Size Key - Hash Key First"],
        );
        assert!(tag.ct_eq(&unhex(
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        )));
    }
}
