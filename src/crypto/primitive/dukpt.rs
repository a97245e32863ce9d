//! Keys of one transaction: DUKPT with TDES (ANSI X9.24-1:2009, annex A) and
//! with AES (ANSI X9.24-3:2017, 6.3).
//!
//! A terminal holds the initial key; the base derivation key stays with the
//! bank, which finds any transaction's key again from the serial number.

use thiserror::Error;

use super::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DukptError {
    /// No such key length.
    #[error("a {what} has not {found} bytes")]
    Length {
        /// What it is.
        what: &'static str,
        /// Bytes given.
        found: usize,
    },
    /// Zero, or more bits than a terminal counts with.
    #[error("no terminal counts to that number")]
    Counter,
    /// A derived key that is stronger than the one it comes from.
    #[error("a key of this length does not come from a shorter one")]
    Stronger,
    /// The cipher.
    #[error(transparent)]
    Cipher(#[from] ModeError),
}

/// What is added to both halves of a TDES transaction key for one use
/// (X9.24-1:2009, A.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TdesUse {
    /// PIN encryption.
    Pin,
    /// MAC of a request, or both ways.
    MacRequest,
    /// MAC of a response.
    MacResponse,
    /// Encryption of data in a request, or both ways.
    DataRequest,
    /// Encryption of data in a response.
    DataResponse,
}

impl TdesUse {
    /// Which byte of each half is turned.
    fn byte(self) -> usize {
        match self {
            Self::Pin => 7,
            Self::MacRequest => 6,
            Self::MacResponse => 4,
            Self::DataRequest => 5,
            Self::DataResponse => 3,
        }
    }
}

/// The lower 21 bits of a TDES key serial number.
const COUNTER_BITS: u64 = 0x1F_FFFF;
/// Most ones in a TDES counter (X9.24-1:2009, A.2).
const MOST_ONES: u32 = 10;

/// A TDES key serial number of 10 bytes, in two numbers: the upper two bytes
/// and the lower eight.
fn serial(ksn: &[u8]) -> Result<[u8; 10], DukptError> {
    <[u8; 10]>::try_from(ksn).map_err(|_| DukptError::Length {
        what: "key serial number",
        found: ksn.len(),
    })
}

fn double(what: &'static str, key: &Secret) -> Result<(), DukptError> {
    let found = key.len();
    match found {
        16 => Ok(()),
        _ => Err(DukptError::Length { what, found }),
    }
}

/// The other key of a pair: the first four bytes of each half changed.
fn turned(key: &Secret) -> Secret {
    let mut other = key.duplicate();
    for half in other.expose_mut().chunks_exact_mut(8) {
        for byte in half.iter_mut().take(4) {
            *byte ^= 0xC0;
        }
    }
    other
}

/// The initial key of a terminal (IPEK), 16 bytes. `base` has 16 bytes, `ksn` 10.
pub fn tdes_initial_key(base: &Secret, ksn: &[u8]) -> Result<Secret, DukptError> {
    double("base derivation key", base)?;
    let mut ksn = serial(ksn)?;
    ksn[7] &= 0xE0;
    let mut key = Secret::zeroed(16);
    for (half, base) in key
        .expose_mut()
        .chunks_exact_mut(8)
        .zip([base, &turned(base)])
    {
        half.copy_from_slice(&ksn[..8]);
        Cipher::new(Algorithm::Tdes, base.expose())?.ecb_encrypt(half)?;
    }
    Ok(key)
}

/// One step that cannot be gone back (X9.24-1:2009, A.2, "non-reversible key
/// generation process").
fn step(key: &Secret, register: u64) -> Result<Secret, DukptError> {
    let mut next = Secret::zeroed(16);
    let places = next.expose_mut().chunks_exact_mut(8).rev();
    for (place, key) in places.zip([key, &turned(key)]) {
        let (left, right) = key.expose().split_at(8);
        for (to, (from, right)) in place
            .iter_mut()
            .zip(register.to_be_bytes().iter().zip(right))
        {
            *to = from ^ right;
        }
        Cipher::new(Algorithm::Tdes, left)?.ecb_encrypt(place)?;
        for (to, right) in place.iter_mut().zip(right) {
            *to ^= right;
        }
    }
    Ok(next)
}

/// The key of the transaction that `ksn` counts, 16 bytes, from the terminal's
/// initial key.
pub fn tdes_transaction_key(initial: &Secret, ksn: &[u8]) -> Result<Secret, DukptError> {
    double("initial key", initial)?;
    let ksn = serial(ksn)?;
    let lower = ksn[2..]
        .iter()
        .fold(0u64, |n, byte| n << 8 | u64::from(*byte));
    let counter = lower & COUNTER_BITS;
    if counter == 0 || counter.count_ones() > MOST_ONES {
        return Err(DukptError::Counter);
    }
    let mut register = lower & !COUNTER_BITS;
    let mut key = initial.duplicate();
    for bit in (0..21).rev().map(|at| 1u64 << at) {
        if counter & bit != 0 {
            register |= bit;
            key = step(&key, register)?;
        }
    }
    Ok(key)
}

/// The key for one use, from that of the transaction: 16 bytes. Keys for data
/// are encrypted under themselves once more.
pub fn tdes_working_key(transaction: &Secret, purpose: TdesUse) -> Result<Secret, DukptError> {
    double("transaction key", transaction)?;
    let mut key = transaction.duplicate();
    for half in key.expose_mut().chunks_exact_mut(8) {
        half[purpose.byte()] ^= 0xFF;
    }
    if matches!(purpose, TdesUse::DataRequest | TdesUse::DataResponse) {
        let cipher = Cipher::new(Algorithm::Tdes, key.expose())?;
        cipher.ecb_encrypt(key.expose_mut())?;
    }
    Ok(key)
}

/// What a key of AES DUKPT is for (X9.24-3:2017, 6.3.2, table "key usage").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AesUse {
    /// Encryption of keys.
    KeyEncryption,
    /// PIN encryption.
    Pin,
    /// MAC, made.
    MacGeneration,
    /// MAC, verified.
    MacVerification,
    /// MAC, both ways.
    MacBoth,
    /// Data, encrypted.
    DataEncryption,
    /// Data, decrypted.
    DataDecryption,
    /// Data, both ways.
    DataBoth,
    /// Derivation of further keys.
    Derivation,
    /// The initial key.
    InitialKey,
}

impl AesUse {
    fn code(self) -> u16 {
        match self {
            Self::KeyEncryption => 0x0002,
            Self::Pin => 0x1000,
            Self::MacGeneration => 0x2000,
            Self::MacVerification => 0x2001,
            Self::MacBoth => 0x2002,
            Self::DataEncryption => 0x3000,
            Self::DataDecryption => 0x3001,
            Self::DataBoth => 0x3002,
            Self::Derivation => 0x8000,
            Self::InitialKey => 0x8001,
        }
    }
}

/// What kind of key is derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AesKind {
    /// TDES, 16 bytes.
    Tdes2,
    /// TDES, 24 bytes.
    Tdes3,
    /// AES, 16 bytes.
    Aes128,
    /// AES, 24 bytes.
    Aes192,
    /// AES, 32 bytes.
    Aes256,
}

impl AesKind {
    /// The AES kind of a key of `len` bytes.
    #[must_use]
    pub fn of_len(len: usize) -> Option<Self> {
        match len {
            16 => Some(Self::Aes128),
            24 => Some(Self::Aes192),
            32 => Some(Self::Aes256),
            _ => None,
        }
    }

    fn code(self) -> u16 {
        match self {
            Self::Tdes2 => 0,
            Self::Tdes3 => 1,
            Self::Aes128 => 2,
            Self::Aes192 => 3,
            Self::Aes256 => 4,
        }
    }

    /// Length in bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Tdes2 | Self::Aes128 => 16,
            Self::Tdes3 | Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// Bits of security, by SP 800-57: what a key must not exceed its source in.
    fn strength(self) -> u16 {
        match self {
            Self::Tdes2 => 80,
            Self::Tdes3 => 112,
            Self::Aes128 => 128,
            Self::Aes192 => 192,
            Self::Aes256 => 256,
        }
    }
}

fn kind_of(what: &'static str, key: &Secret) -> Result<AesKind, DukptError> {
    let found = key.len();
    AesKind::of_len(found).ok_or(DukptError::Length { what, found })
}

/// X9.24-3:2017, 6.3.3: blocks of derivation data under the key, as many as the
/// new key has.
fn derive(
    from: &Secret,
    purpose: AesUse,
    kind: AesKind,
    tail: [u8; 8],
) -> Result<Secret, DukptError> {
    let cipher = Cipher::new(Algorithm::Aes, from.expose())?;
    let mut whole = Secret::zeroed(32);
    for (block, number) in whole.expose_mut().chunks_exact_mut(16).zip(1u8..) {
        block[0] = 1;
        block[1] = number;
        block[2..4].copy_from_slice(&purpose.code().to_be_bytes());
        block[4..6].copy_from_slice(&kind.code().to_be_bytes());
        block[6..8].copy_from_slice(&(8 * kind.bytes() as u16).to_be_bytes());
        block[8..].copy_from_slice(&tail);
        cipher.ecb_encrypt(block)?;
    }
    whole.part(0..kind.bytes()).ok_or(DukptError::Stronger)
}

fn identifier(id: &[u8]) -> Result<[u8; 8], DukptError> {
    <[u8; 8]>::try_from(id).map_err(|_| DukptError::Length {
        what: "initial key identifier",
        found: id.len(),
    })
}

/// The second half of the identifier and the counter.
fn tail(id: [u8; 8], counter: u32) -> [u8; 8] {
    let mut tail = [0; 8];
    tail[..4].copy_from_slice(&id[4..]);
    tail[4..].copy_from_slice(&counter.to_be_bytes());
    tail
}

/// A terminal's initial key, as long as `base`: 16, 24 or 32 bytes. `id` has 8.
pub fn aes_initial_key(base: &Secret, id: &[u8]) -> Result<Secret, DukptError> {
    let kind = kind_of("base derivation key", base)?;
    derive(base, AesUse::InitialKey, kind, identifier(id)?)
}

/// Most ones in an AES counter (X9.24-3:2017, 6.3.1).
const MOST_ONES_AES: u32 = 16;

/// The derivation key of one transaction, as long as `initial`. `u32::MAX` is
/// the counter that updates the initial key.
pub fn aes_derivation_key(initial: &Secret, id: &[u8], counter: u32) -> Result<Secret, DukptError> {
    let (kind, id) = (kind_of("initial key", initial)?, identifier(id)?);
    let ones = counter.count_ones();
    if counter == 0 || (ones > MOST_ONES_AES && counter != u32::MAX) {
        return Err(DukptError::Counter);
    }
    let mut working = 0;
    let mut key = initial.duplicate();
    for bit in (0..32).rev().map(|at| 1u32 << at) {
        if counter & bit != 0 {
            working |= bit;
            key = derive(&key, AesUse::Derivation, kind, tail(id, working))?;
        }
    }
    Ok(key)
}

/// The key for one use of one transaction, from its derivation key.
pub fn aes_working_key(
    derivation: &Secret,
    id: &[u8],
    counter: u32,
    purpose: AesUse,
    kind: AesKind,
) -> Result<Secret, DukptError> {
    let from = kind_of("derivation key", derivation)?;
    if kind.strength() > from.strength() {
        return Err(DukptError::Stronger);
    }
    derive(derivation, purpose, kind, tail(identifier(id)?, counter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(len: usize) -> Secret {
        Secret::from_fn(len, |bytes| bytes.fill(0x13))
    }

    #[test]
    fn counters_that_no_terminal_has() {
        let key = secret(16);
        let ksn = |counter: u32| {
            let [_, a, b, c] = counter.to_be_bytes();
            [0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0 | a, b, c]
        };
        let of = |counter| tdes_transaction_key(&key, &ksn(counter)).map(|_| ());
        assert_eq!(of(0), Err(DukptError::Counter));
        assert_eq!(of(0x7FF), Err(DukptError::Counter));
        assert_eq!(of(0x3FF), Ok(()));
        let of = |counter| aes_derivation_key(&key, &[1; 8], counter).map(|_| ());
        assert_eq!(of(0), Err(DukptError::Counter));
        assert_eq!(of(0x1_FFFF), Err(DukptError::Counter));
        assert_eq!(of(0xFFFF), Ok(()));
        assert_eq!(of(u32::MAX), Ok(()));
    }

    #[test]
    fn lengths_and_strengths() {
        assert!(tdes_initial_key(&secret(24), &[0; 10]).is_err());
        assert!(tdes_initial_key(&secret(16), &[0; 8]).is_err());
        assert!(aes_initial_key(&secret(15), &[0; 8]).is_err());
        assert!(aes_initial_key(&secret(16), &[0; 7]).is_err());
        let of = |kind| aes_working_key(&secret(16), &[0; 8], 1, AesUse::Pin, kind).map(|_| ());
        assert_eq!(of(AesKind::Aes192), Err(DukptError::Stronger));
        assert_eq!(of(AesKind::Tdes3), Ok(()));
    }
}
