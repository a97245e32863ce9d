//! RSA keys of 2048, 3072 and 4096 bits: made, written as PKCS#8 and
//! SubjectPublicKeyInfo, read strictly, and used for signatures (RSASSA-PKCS1
//! v1.5 with SHA-256, RFC 8017 8.2) and, to a partner's public key, for
//! encryption (RSAES-OAEP, RFC 8017 7.1).
//!
//! There is no decryption here: RUSTSEC-2023-0071 (Marvin) is about the time it
//! takes. Signatures are blinded with fresh randomness.

use std::sync::OnceLock;

use crypto_bigint::BoxedUint;
use rsa::pkcs1::RsaPublicKey;
use rsa::pkcs1v15::{Signature, SigningKey, VerifyingKey};
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::sha2::Sha256;
use rsa::signature::{RandomizedSigner, SignatureEncoding, Verifier};
use rsa::traits::PublicKeyParts;
use rsa::{PrivateKey, PublicKey};
use sha1::Sha1;
use thiserror::Error;
use x509_cert::Certificate;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, UintRef};
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{Decode, Document, Encode};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::derive::sha256;
use crate::secret::{RandomError, RandomSource, Secret};

/// Lengths that are made and taken, in bits.
pub const SIZES: [usize; 3] = [2048, 3072, 4096];
/// The exponent of every key that is made here.
pub const EXPONENT: u64 = 65_537;
/// The longest file with a public key that is read, in bytes: a certificate.
pub const FILE_MOST: usize = 16 * 1024;

/// rsaEncryption (RFC 8017 A.1).
pub(super) const RSA_ENCRYPTION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// No prime below this divides a modulus.
const SMALL: usize = 1 << 16;
/// Primes modulo which the keys of a broken generator (ROCA, CVE-2017-15361)
/// are powers of 65537.
const ROCA: [u32; 17] = [
    11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
];

/// Why there is no key, or no signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RsaError {
    /// Neither SubjectPublicKeyInfo nor a certificate, in PEM or DER; or there
    /// is something behind it.
    #[error("this is no public key: SubjectPublicKeyInfo or a certificate is read, in PEM or DER")]
    NoKey,
    /// A key of another algorithm.
    #[error("this is no RSA key (rsaEncryption)")]
    Algorithm,
    /// Another length.
    #[error("the modulus has {0} bits; 2048, 3072 and 4096 are taken")]
    Size(usize),
    /// Even, below 65537, or longer than 32 bits.
    #[error("the exponent is even, less than 65537, or longer than 32 bits")]
    Exponent,
    /// The modulus can be divided.
    #[error("the modulus is divisible by {0}")]
    Divisible(u32),
    /// The modulus is one of the broken generator.
    #[error("the modulus is one of a generator that is known to be broken (ROCA)")]
    Roca,
    /// The modulus falls to Fermat's method.
    #[error("the two primes lie so close together that the modulus is factored at once (Fermat)")]
    Close,
    /// The random source.
    #[error("the random source gave nothing")]
    Random,
    /// More bytes than one encryption takes.
    #[error("{0} bytes are more than this key encrypts at once")]
    TooLong(usize),
    /// The private key does not read, or does not agree with itself.
    #[error("the private key does not agree with itself")]
    Private,
}

/// The hash of OAEP and of its mask, one for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OaepHash {
    /// SHA-1: older modules know no other. Nothing here leans on its resistance
    /// to collisions.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// A public key that keeps every rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    bits: usize,
    exponent: u64,
    spki: Vec<u8>,
}

fn read_spki(der: &[u8]) -> Result<Public, RsaError> {
    let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| RsaError::NoKey)?;
    if spki.algorithm.oid != RSA_ENCRYPTION || spki.algorithm.parameters != Some(AnyRef::NULL) {
        return Err(RsaError::Algorithm);
    }
    let bits = spki.subject_public_key.as_bytes().ok_or(RsaError::NoKey)?;
    let key = RsaPublicKey::<UintRef<'_>>::from_der(bits).map_err(|_| RsaError::NoKey)?;
    // One key, one writing: its digest is what people compare.
    if spki.to_der().ok().as_deref() != Some(der) || key.to_der().ok().as_deref() != Some(bits) {
        return Err(RsaError::NoKey);
    }
    let exponent = exponent(key.public_exponent.as_bytes())?;
    let bits = modulus(key.modulus.as_bytes())?;
    Ok(Public {
        bits,
        exponent,
        spki: der.to_vec(),
    })
}

fn exponent(bytes: &[u8]) -> Result<u64, RsaError> {
    if bytes.len() > 4 {
        return Err(RsaError::Exponent);
    }
    let value = bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b));
    if value < EXPONENT || value.is_multiple_of(2) {
        return Err(RsaError::Exponent);
    }
    Ok(value)
}

/// What is left of a modulus, by something below 2^32.
fn rest(modulus: &[u8], by: u32) -> u32 {
    let by = u64::from(by);
    let (head, words) = modulus.as_rchunks::<4>();
    let head = head
        .iter()
        .fold(0u64, |rest, byte| rest << 8 | u64::from(*byte));
    let rest = words.iter().fold(head % by, |rest, word| {
        (rest << 32 | u64::from(u32::from_be_bytes(*word))) % by
    });
    u32::try_from(rest).unwrap_or(0)
}

/// The primes below [`SMALL`], found once.
fn small_primes() -> &'static [u32] {
    static PRIMES: OnceLock<Vec<u32>> = OnceLock::new();
    PRIMES.get_or_init(|| {
        let mut divides = vec![true; SMALL];
        let mut primes = Vec::with_capacity(6542);
        for number in 2..SMALL {
            if divides.get(number) != Some(&true) {
                continue;
            }
            primes.extend(u32::try_from(number));
            for multiple in (2 * number..SMALL).step_by(number) {
                if let Some(place) = divides.get_mut(multiple) {
                    *place = false;
                }
            }
        }
        primes
    })
}

fn modulus(bytes: &[u8]) -> Result<usize, RsaError> {
    let first = bytes.first().copied().unwrap_or(0);
    let zeros = usize::try_from(first.leading_zeros()).unwrap_or(8);
    let bits = (8 * bytes.len()).saturating_sub(zeros);
    if !SIZES.contains(&bits) {
        return Err(RsaError::Size(bits));
    }
    if let Some(prime) = small_primes()
        .iter()
        .find(|prime| rest(bytes, **prime) == 0)
    {
        return Err(RsaError::Divisible(*prime));
    }
    if ROCA
        .iter()
        .all(|prime| is_power(rest(bytes, *prime), *prime))
    {
        return Err(RsaError::Roca);
    }
    if is_close(bytes) {
        return Err(RsaError::Close);
    }
    Ok(bits)
}

/// Steps of Fermat's method that are tried: the keys that were found in the
/// field (CVE-2022-26320) fall to the first few.
const FERMAT: usize = 100;

/// TRUE when the modulus is `a² - b²` for one of the first values of `a` from
/// its root upwards: its factors are then `a - b` and `a + b`. A modulus is
/// public, so the time this takes tells nothing.
fn is_close(modulus: &[u8]) -> bool {
    let bits = u32::try_from(8 * modulus.len() + 64).unwrap_or(u32::MAX);
    let Ok(n) = BoxedUint::from_be_slice(modulus, bits) else {
        return false;
    };
    let one = BoxedUint::one_with_precision(bits);
    let mut a = n.floor_sqrt_vartime();
    // Rounded up; of a square the root itself is a factor.
    if a.wrapping_mul(&a) != n {
        a.wrapping_add_assign(&one);
    }
    let mut difference = a.wrapping_mul(&a).wrapping_sub(&n);
    for _ in 0..FERMAT {
        // Squares end on twelve of the 64 possible six bits: the root of
        // the others is not looked for.
        let low = difference.as_words().first().copied().unwrap_or(0) & 63;
        let may_be_square = (0..32).any(|root| (root * root) & 63 == low);
        if may_be_square && difference.checked_sqrt_vartime().is_some() {
            return true;
        }
        // (a + 1)² is larger than a² by 2a + 1.
        difference.wrapping_add_assign(&a);
        difference.wrapping_add_assign(&a);
        difference.wrapping_add_assign(&one);
        a.wrapping_add_assign(&one);
    }
    false
}

/// TRUE when a number is a power of 65537 modulo a small prime.
fn is_power(of: u32, prime: u32) -> bool {
    let base = 65_537 % prime;
    let mut power = 1;
    for _ in 0..prime {
        if power == of {
            return true;
        }
        power = power * base % prime;
    }
    false
}

impl Public {
    /// Reads SubjectPublicKeyInfo or a certificate, in PEM or DER. Of a
    /// certificate the key alone is taken: nobody has checked who signed it.
    ///
    /// # Errors
    /// [`RsaError`]
    pub fn read(file: &[u8]) -> Result<Self, RsaError> {
        if file.len() > FILE_MOST {
            return Err(RsaError::NoKey);
        }
        if !file.starts_with(b"-----BEGIN") {
            return match read_spki(file) {
                Err(RsaError::NoKey) => read_certificate(file),
                other => other,
            };
        }
        let text = std::str::from_utf8(file).map_err(|_| RsaError::NoKey)?;
        let (label, document) = Document::from_pem(text).map_err(|_| RsaError::NoKey)?;
        match label {
            "PUBLIC KEY" => read_spki(document.as_bytes()),
            "CERTIFICATE" => read_certificate(document.as_bytes()),
            _ => Err(RsaError::NoKey),
        }
    }

    /// Length of the modulus.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// The exponent.
    #[must_use]
    pub fn exponent(&self) -> u64 {
        self.exponent
    }

    /// The modulus, highest byte first.
    ///
    /// # Errors
    /// [`RsaError::NoKey`]; of a key that was read there is none.
    pub fn modulus(&self) -> Result<Vec<u8>, RsaError> {
        let spki = SubjectPublicKeyInfoRef::from_der(&self.spki).map_err(|_| RsaError::NoKey)?;
        let bits = spki.subject_public_key.as_bytes().ok_or(RsaError::NoKey)?;
        let key = RsaPublicKey::<UintRef<'_>>::from_der(bits).map_err(|_| RsaError::NoKey)?;
        Ok(key.modulus.as_bytes().to_vec())
    }

    /// SubjectPublicKeyInfo, DER.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 over SubjectPublicKeyInfo: what people compare.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&[&self.spki])
    }

    /// SubjectPublicKeyInfo, PEM.
    ///
    /// # Errors
    /// [`RsaError::NoKey`]; of a key that was read there is none.
    pub fn pem(&self) -> Result<String, RsaError> {
        Document::try_from(self.spki.as_slice())
            .and_then(|document| document.to_pem("PUBLIC KEY", LineEnding::LF))
            .map_err(|_| RsaError::NoKey)
    }
}

fn read_certificate(der: &[u8]) -> Result<Public, RsaError> {
    let certificate = Certificate::from_der(der).map_err(|_| RsaError::NoKey)?;
    let spki = certificate.tbs_certificate().subject_public_key_info();
    read_spki(&spki.to_der().map_err(|_| RsaError::NoKey)?)
}

/// The library's view of our random source.
struct Rng<'a>(&'a mut dyn RandomSource);

impl TryRng for Rng<'_> {
    type Error = RandomError;

    fn try_next_u32(&mut self) -> Result<u32, RandomError> {
        let mut bytes = [0; 4];
        self.0.secret(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, RandomError> {
        let mut bytes = [0; 8];
        self.0.secret(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        self.0.secret(bytes)
    }
}

impl TryCryptoRng for Rng<'_> {}

/// A new key: PKCS#8 in DER, and its public half. It has signed something that
/// the public half verifies.
///
/// # Errors
/// [`RsaError`]
pub fn generate(bits: usize, random: &mut dyn RandomSource) -> Result<(Secret, Public), RsaError> {
    if !SIZES.contains(&bits) {
        return Err(RsaError::Size(bits));
    }
    let key = PrivateKey::new(&mut Rng(random), bits).map_err(|_| RsaError::Random)?;
    let public = key
        .to_public_key()
        .to_public_key_der()
        .map_err(|_| RsaError::Private)?;
    let public = read_spki(public.as_bytes())?;
    if public.bits != bits || public.exponent != EXPONENT {
        return Err(RsaError::Private);
    }
    // The document wipes itself; the copy lies in locked memory.
    let document = key.to_pkcs8_der().map_err(|_| RsaError::Private)?;
    let private = Secret::from_fn(document.as_bytes().len(), |to| {
        to.copy_from_slice(document.as_bytes());
    });
    if check_pair(&private, random)? != public {
        return Err(RsaError::Private);
    }
    Ok((private, public))
}

/// Encrypts a few bytes, a key, to the holder of the private half: OAEP with
/// MGF1 over the same hash, no label.
///
/// # Errors
/// [`RsaError`]
pub fn oaep_encrypt(
    to: &Public,
    hash: OaepHash,
    message: &Secret,
    random: &mut dyn RandomSource,
) -> Result<Vec<u8>, RsaError> {
    let key = PublicKey::from_public_key_der(&to.spki).map_err(|_| RsaError::NoKey)?;
    let hash_len = match hash {
        OaepHash::Sha1 => 20,
        OaepHash::Sha256 => 32,
    };
    if message.len() + 2 * hash_len + 2 > key.size() {
        return Err(RsaError::TooLong(message.len()));
    }
    let rng = &mut Rng(random);
    match hash {
        OaepHash::Sha1 => key.oaep_encrypt_with_rng::<Sha1, _>(rng, message.expose()),
        OaepHash::Sha256 => key.oaep_encrypt_with_rng::<Sha256, _>(rng, message.expose()),
    }
    .map_err(|_| RsaError::Random)
}

/// The private key's own public half.
///
/// # Errors
/// [`RsaError`]
pub fn public_of(private: &Secret) -> Result<Public, RsaError> {
    let key = PrivateKey::from_pkcs8_der(private.expose()).map_err(|_| RsaError::Private)?;
    let public = key.to_public_key().to_public_key_der();
    read_spki(public.map_err(|_| RsaError::Private)?.as_bytes())
}

/// A private key that came from elsewhere: it keeps every rule of a public key,
/// and has signed something that its public half verifies.
///
/// # Errors
/// [`RsaError`]
pub fn check_pair(private: &Secret, random: &mut dyn RandomSource) -> Result<Public, RsaError> {
    let public = public_of(private)?;
    let key = PrivateKey::from_pkcs8_der(private.expose()).map_err(|_| RsaError::Private)?;
    key.validate().map_err(|_| RsaError::Private)?;
    let probe = public.fingerprint();
    let signature = sign(private, &probe, random)?;
    let verifier = VerifyingKey::<Sha256>::new(key.to_public_key());
    let verified = Signature::try_from(signature.as_slice())
        .is_ok_and(|signature| verifier.verify(&probe, &signature).is_ok());
    if verified {
        Ok(public)
    } else {
        Err(RsaError::Private)
    }
}

/// Signs: PKCS#1 v1.5 with SHA-256.
///
/// # Errors
/// [`RsaError`]
pub fn sign(
    private: &Secret,
    message: &[u8],
    random: &mut dyn RandomSource,
) -> Result<Vec<u8>, RsaError> {
    let key = PrivateKey::from_pkcs8_der(private.expose()).map_err(|_| RsaError::Private)?;
    let length = key.size();
    let signature = SigningKey::<Sha256>::new(key)
        .try_sign_with_rng(&mut Rng(random), message)
        .map_err(|_| RsaError::Random)?
        .to_vec();
    if signature.len() == length {
        Ok(signature)
    } else {
        Err(RsaError::Private)
    }
}

#[cfg(test)]
#[path = "rsa_tests.rs"]
mod tests;
