//! From a passphrase to keys: PKCS#12's own way (RFC 7292 appendix B), PBKDF2
//! (RFC 8018 5.2), and the one of Java's JCEKS.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::StoreError;
use super::tlv::joined;
use crate::secret::Secret;

/// A hash function of key stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub(super) const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Bytes of a block.
    fn block(self) -> usize {
        match self {
            Self::Sha1 | Self::Sha256 => 64,
            Self::Sha384 | Self::Sha512 => 128,
        }
    }

    /// Bytes that come out.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// The content of the digest's OBJECT IDENTIFIER.
    pub(super) fn oid(self) -> &'static [u8] {
        match self {
            Self::Sha1 => &[0x2B, 0x0E, 0x03, 0x02, 0x1A],
            Self::Sha256 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
            Self::Sha384 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
            Self::Sha512 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
        }
    }

    /// The content of the OBJECT IDENTIFIER of HMAC with it (RFC 8018 B.1.2).
    pub(super) fn hmac_oid(self) -> &'static [u8] {
        match self {
            Self::Sha1 => &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x07],
            Self::Sha256 => &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x09],
            Self::Sha384 => &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x0A],
            Self::Sha512 => &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x0B],
        }
    }

    fn run(self, parts: &[&[u8]], out: &mut [u8]) {
        match self {
            Self::Sha1 => run::<Sha1>(parts, out),
            Self::Sha256 => run::<Sha256>(parts, out),
            Self::Sha384 => run::<Sha384>(parts, out),
            Self::Sha512 => run::<Sha512>(parts, out),
        }
    }

    /// HMAC over the parts.
    pub(super) fn hmac(self, key: &Secret, parts: &[&[u8]]) -> Result<Secret, StoreError> {
        match self {
            Self::Sha1 => hmac::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => hmac::<Hmac<Sha256>>(key, parts),
            Self::Sha384 => hmac::<Hmac<Sha384>>(key, parts),
            Self::Sha512 => hmac::<Hmac<Sha512>>(key, parts),
        }
    }
}

fn run<D: Digest>(parts: &[&[u8]], out: &mut [u8]) {
    let mut hash = D::new();
    for part in parts {
        Digest::update(&mut hash, part);
    }
    if let Ok(place) = out.try_into() {
        Digest::finalize_into(hash, place);
    }
}

/// SHA-1 of the parts.
pub(super) fn sha1(parts: &[&[u8]]) -> Zeroizing<[u8; 20]> {
    let mut out = Zeroizing::new([0; 20]);
    Hash::Sha1.run(parts, &mut *out);
    out
}

fn hmac<M: Mac + KeyInit>(key: &Secret, parts: &[&[u8]]) -> Result<Secret, StoreError> {
    let mut mac = <M as KeyInit>::new_from_slice(key.expose())
        .map_err(|_| StoreError::Format("a MAC key has no length"))?;
    for part in parts {
        mac.update(part);
    }
    let bytes = mac.finalize().into_bytes();
    Ok(Secret::from_fn(bytes.len(), |to| {
        to.copy_from_slice(&bytes)
    }))
}

/// A passphrase as PKCS#12 wants it: BMPString with a zero at its end.
pub(super) fn bmp(passphrase: &Secret, terminated: bool) -> Secret {
    let text = passphrase.expose();
    let len = text.len() + usize::from(terminated);
    Secret::from_fn(2 * len, |to| {
        for (pair, byte) in to.chunks_exact_mut(2).zip(text) {
            if let [_, low] = pair {
                *low = *byte;
            }
        }
    })
}

/// What a derived value is for (RFC 7292 B.3).
#[derive(Clone, Copy)]
pub(super) enum Use {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

fn repeated(bytes: &[u8], block: usize) -> Secret {
    let len = bytes.len().div_ceil(block) * block;
    Secret::from_fn(len, |to| {
        for (place, byte) in to.iter_mut().zip(bytes.iter().cycle()) {
            *place = *byte;
        }
    })
}

/// RFC 7292 B.2: `len` bytes from a passphrase as BMPString.
pub(super) fn pkcs12(
    hash: Hash,
    purpose: Use,
    passphrase: &Secret,
    salt: &[u8],
    iterations: u32,
    len: usize,
) -> Secret {
    let (v, u) = (hash.block(), hash.len());
    let diversifier = vec![purpose as u8; v];
    let (salt, word) = (
        repeated(salt, v),
        repeated(bmp(passphrase, true).expose(), v),
    );
    let mut input = joined(&[salt.expose(), word.expose()]);
    let mut out = Secret::zeroed(len);
    let mut a = Secret::zeroed(u);
    let mut before = Secret::zeroed(u);
    for chunk in out.expose_mut().chunks_mut(u) {
        hash.run(&[&diversifier, input.expose()], a.expose_mut());
        for _ in 1..iterations {
            before.expose_mut().copy_from_slice(a.expose());
            hash.run(&[before.expose()], a.expose_mut());
        }
        for (to, from) in chunk.iter_mut().zip(a.expose()) {
            *to = *from;
        }
        // I = I + B + 1, block by block, modulo 2^(8v).
        for block in input.expose_mut().chunks_exact_mut(v) {
            let mut carry = 1u16;
            for (at, byte) in block.iter_mut().enumerate().rev() {
                let b = a.expose().get(at % u).copied().unwrap_or(0);
                let sum = u16::from(*byte) + u16::from(b) + carry;
                let [high, low] = sum.to_be_bytes();
                *byte = low;
                carry = u16::from(high);
            }
        }
    }
    out
}

/// PBKDF2 with HMAC, RFC 8018 5.2. The passphrase is taken as its bytes.
pub(super) fn pbkdf2(
    hash: Hash,
    passphrase: &Secret,
    salt: &[u8],
    iterations: u32,
    len: usize,
) -> Result<Secret, StoreError> {
    match hash {
        Hash::Sha1 => pbkdf2_with::<Hmac<Sha1>>(passphrase, salt, iterations, len),
        Hash::Sha256 => pbkdf2_with::<Hmac<Sha256>>(passphrase, salt, iterations, len),
        Hash::Sha384 => pbkdf2_with::<Hmac<Sha384>>(passphrase, salt, iterations, len),
        Hash::Sha512 => pbkdf2_with::<Hmac<Sha512>>(passphrase, salt, iterations, len),
    }
}

fn pbkdf2_with<M: Mac + KeyInit + Clone>(
    passphrase: &Secret,
    salt: &[u8],
    iterations: u32,
    len: usize,
) -> Result<Secret, StoreError> {
    let keyed = <M as KeyInit>::new_from_slice(passphrase.expose())
        .map_err(|_| StoreError::Format("a passphrase has no length"))?;
    let mut out = Secret::zeroed(len);
    let size = <M as sha2::digest::OutputSizeUser>::output_size();
    for (block, number) in out.expose_mut().chunks_mut(size).zip(1u32..) {
        let mut mac = keyed.clone();
        mac.update(salt);
        mac.update(&number.to_be_bytes());
        let mut u = Zeroizing::new(mac.finalize().into_bytes().to_vec());
        let mut t = u.clone();
        for _ in 1..iterations {
            let mut mac = keyed.clone();
            mac.update(&u);
            u.copy_from_slice(&mac.finalize().into_bytes());
            for (sum, byte) in t.iter_mut().zip(u.iter()) {
                *sum ^= byte;
            }
        }
        for (to, from) in block.iter_mut().zip(t.iter()) {
            *to = *from;
        }
    }
    Ok(out)
}

/// Java's PBEWithMD5AndTripleDES: 24 bytes of key and 8 of IV. Each half of the
/// salt is hashed with the passphrase on its own; where both are the same, the
/// first is turned around as Java does it, which is not quite a reversal.
pub(super) fn java(passphrase: &Secret, salt: &[u8; 8], iterations: u32) -> Secret {
    let mut salt = *salt;
    let [a, b, c, d, e @ ..] = salt;
    if [a, b, c, d] == e {
        // For i = 0, 1: swaps salt[i] with salt[3 - i], but writes to salt[3 - 1].
        salt = [d, a, b, d, e[0], e[1], e[2], e[3]];
    }
    let mut out = Secret::zeroed(32);
    for (place, half) in out
        .expose_mut()
        .chunks_exact_mut(16)
        .zip(salt.chunks_exact(4))
    {
        run::<Md5>(&[half, passphrase.expose()], place);
        let mut before = Zeroizing::new([0; 16]);
        for _ in 1..iterations {
            before.copy_from_slice(place);
            run::<Md5>(&[&*before, passphrase.expose()], place);
        }
    }
    out
}
