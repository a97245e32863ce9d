//! TDES and AES in ECB, CBC and CTR, and CMAC over both.
//!
//! FIPS 46-3, FIPS 197, SP 800-38A, SP 800-38B. No padding: the formats that
//! use these modes each say how they pad. The key's length tells its kind, and
//! a TDES key of one, two or three parts is brought to three (K1, K1K2K1).

use aes::{Aes128, Aes128Enc, Aes192, Aes192Enc, Aes256, Aes256Enc};
use cmac::digest::FixedOutputReset;
use cmac::{Cmac, KeyInit, Mac};
use des::TdesEde3;
use des::cipher::{Array, Block, BlockCipherDecrypt, BlockCipherEncrypt};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::secret::Secret;

/// A block cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// DES with 8, 16 or 24 key bytes (single, double, triple length).
    Tdes,
    /// AES with 16, 24 or 32 key bytes.
    Aes,
}

impl Algorithm {
    /// Block length in bytes.
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self {
            Self::Tdes => 8,
            Self::Aes => 16,
        }
    }

    /// Whether a key may have `len` bytes.
    #[must_use]
    pub const fn takes_key_len(self, len: usize) -> bool {
        match self {
            Self::Tdes => matches!(len, 8 | 16 | 24),
            Self::Aes => matches!(len, 16 | 24 | 32),
        }
    }
}

/// Bytes of the wrong length. The lengths are not secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ModeError {
    /// No such key length for this cipher.
    #[error("{algorithm:?} has no keys of {len} bytes")]
    KeyLength {
        /// The cipher.
        algorithm: Algorithm,
        /// Bytes given.
        len: usize,
    },
    /// Data that is not whole blocks.
    #[error("{len} bytes are not whole blocks of {block}")]
    DataLength {
        /// Bytes given.
        len: usize,
        /// Block length in bytes.
        block: usize,
    },
    /// An initialisation vector or counter that is not one block.
    #[error("the initialisation vector has {len} bytes, not {block}")]
    IvLength {
        /// Bytes given.
        len: usize,
        /// Block length in bytes.
        block: usize,
    },
}

/// A cipher with its key schedule, which is wiped on drop.
pub struct Cipher(Schedule);

enum Schedule {
    Tdes(Box<TdesEde3>),
    Aes128(Box<Aes128>),
    Aes192(Box<Aes192>),
    Aes256(Box<Aes256>),
}

/// A TDES key brought to 24 bytes.
fn three_parts(key: &[u8]) -> Option<Zeroizing<[u8; 24]>> {
    let mut long = Zeroizing::new([0; 24]);
    let parts = match key.len() {
        8 => [key, key, key],
        16 => [&key[..8], &key[8..], &key[..8]],
        24 => [&key[..8], &key[8..16], &key[16..]],
        _ => return None,
    };
    for (to, from) in long.chunks_exact_mut(8).zip(parts) {
        to.copy_from_slice(from);
    }
    Some(long)
}

fn key_length(algorithm: Algorithm, len: usize) -> ModeError {
    ModeError::KeyLength { algorithm, len }
}

impl Cipher {
    /// The cipher under `key`; parity bits of a DES key are not looked at.
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Result<Self, ModeError> {
        let wrong = || key_length(algorithm, key.len());
        Ok(Self(match (algorithm, key.len()) {
            (Algorithm::Tdes, _) => {
                let long = three_parts(key).ok_or_else(wrong)?;
                Schedule::Tdes(Box::new(
                    TdesEde3::new_from_slice(&*long).map_err(|_| wrong())?,
                ))
            }
            (Algorithm::Aes, 16) => {
                Schedule::Aes128(Box::new(Aes128::new_from_slice(key).map_err(|_| wrong())?))
            }
            (Algorithm::Aes, 24) => {
                Schedule::Aes192(Box::new(Aes192::new_from_slice(key).map_err(|_| wrong())?))
            }
            (Algorithm::Aes, 32) => {
                Schedule::Aes256(Box::new(Aes256::new_from_slice(key).map_err(|_| wrong())?))
            }
            (Algorithm::Aes, _) => return Err(wrong()),
        }))
    }

    /// Block length in bytes.
    #[must_use]
    pub fn block_len(&self) -> usize {
        match self.0 {
            Schedule::Tdes(_) => 8,
            _ => 16,
        }
    }

    /// Encrypts one block in place. `block` has [`Cipher::block_len`] bytes.
    fn encrypt_one(&self, block: &mut [u8]) {
        fn one<C: BlockCipherEncrypt>(cipher: &C, block: &mut [u8]) {
            if let Ok(block) = <&mut Block<C>>::try_from(block) {
                cipher.encrypt_block(block);
            }
        }
        match &self.0 {
            Schedule::Tdes(c) => one(&**c, block),
            Schedule::Aes128(c) => one(&**c, block),
            Schedule::Aes192(c) => one(&**c, block),
            Schedule::Aes256(c) => one(&**c, block),
        }
    }

    fn decrypt_one(&self, block: &mut [u8]) {
        fn one<C: BlockCipherDecrypt>(cipher: &C, block: &mut [u8]) {
            if let Ok(block) = <&mut Block<C>>::try_from(block) {
                cipher.decrypt_block(block);
            }
        }
        match &self.0 {
            Schedule::Tdes(c) => one(&**c, block),
            Schedule::Aes128(c) => one(&**c, block),
            Schedule::Aes192(c) => one(&**c, block),
            Schedule::Aes256(c) => one(&**c, block),
        }
    }

    fn whole_blocks(&self, data: &[u8]) -> Result<(), ModeError> {
        if data.len().is_multiple_of(self.block_len()) {
            return Ok(());
        }
        Err(ModeError::DataLength {
            len: data.len(),
            block: self.block_len(),
        })
    }

    /// One block of chaining value, from `iv`.
    fn chain(&self, iv: &[u8]) -> Result<Zeroizing<[u8; 16]>, ModeError> {
        if iv.len() != self.block_len() {
            return Err(ModeError::IvLength {
                len: iv.len(),
                block: self.block_len(),
            });
        }
        let mut chain = Zeroizing::new([0; 16]);
        chain[..iv.len()].copy_from_slice(iv);
        Ok(chain)
    }

    /// ECB, in place (SP 800-38A 6.1).
    pub fn ecb_encrypt(&self, data: &mut [u8]) -> Result<(), ModeError> {
        self.whole_blocks(data)?;
        for block in data.chunks_exact_mut(self.block_len()) {
            self.encrypt_one(block);
        }
        Ok(())
    }

    /// Inverse of [`Cipher::ecb_encrypt`].
    pub fn ecb_decrypt(&self, data: &mut [u8]) -> Result<(), ModeError> {
        self.whole_blocks(data)?;
        for block in data.chunks_exact_mut(self.block_len()) {
            self.decrypt_one(block);
        }
        Ok(())
    }

    /// CBC, in place (SP 800-38A 6.2); for TDES the outer chaining of TCBC.
    pub fn cbc_encrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), ModeError> {
        self.whole_blocks(data)?;
        let mut chain = self.chain(iv)?;
        for block in data.chunks_exact_mut(self.block_len()) {
            add(block, &chain[..]);
            self.encrypt_one(block);
            chain[..block.len()].copy_from_slice(block);
        }
        Ok(())
    }

    /// Inverse of [`Cipher::cbc_encrypt`].
    pub fn cbc_decrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), ModeError> {
        self.whole_blocks(data)?;
        let mut chain = self.chain(iv)?;
        for block in data.chunks_exact_mut(self.block_len()) {
            let mut next = [0; 16];
            next[..block.len()].copy_from_slice(block);
            self.decrypt_one(block);
            add(block, &chain[..]);
            *chain = next;
        }
        Ok(())
    }

    /// CTR, in place, both directions (SP 800-38A 6.5): the whole block counts,
    /// big-endian, and wraps. Data may end inside a block.
    pub fn ctr(&self, counter: &[u8], data: &mut [u8]) -> Result<(), ModeError> {
        let len = self.block_len();
        let mut counter = self.chain(counter)?;
        let mut stream = Zeroizing::new([0; 16]);
        for part in data.chunks_mut(len) {
            *stream = *counter;
            self.encrypt_one(&mut stream[..len]);
            add(part, &stream[..]);
            for byte in counter[..len].iter_mut().rev() {
                *byte = byte.wrapping_add(1);
                if *byte != 0 {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// XOR of as many bytes as `to` has.
fn add(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to ^= from;
    }
}

/// CMAC of `data` (SP 800-38B), a whole block: 8 bytes for TDES, 16 for AES.
/// A MAC can be a derived key, so it comes as a [`Secret`].
pub fn cmac(algorithm: Algorithm, key: &[u8], data: &[u8]) -> Result<Secret, ModeError> {
    let mut mac = Secret::zeroed(algorithm.block_len());
    cmacs(algorithm, key, [(data, mac.expose_mut())])?;
    Ok(mac)
}

/// CMACs under one key, each into as many bytes as its place has: the key's
/// schedule is made once, and only the half that encrypts.
pub fn cmacs<'a>(
    algorithm: Algorithm,
    key: &[u8],
    messages: impl IntoIterator<Item = (&'a [u8], &'a mut [u8])>,
) -> Result<(), ModeError> {
    fn run<'a, M: Mac + KeyInit + FixedOutputReset>(
        key: &[u8],
        messages: impl IntoIterator<Item = (&'a [u8], &'a mut [u8])>,
        wrong: ModeError,
    ) -> Result<(), ModeError> {
        let mut mac = <M as KeyInit>::new_from_slice(key).map_err(|_| wrong)?;
        for (data, place) in messages {
            Mac::update(&mut mac, data);
            let mut tag: Array<u8, M::OutputSize> = Mac::finalize_reset(&mut mac).into_bytes();
            for (to, from) in place.iter_mut().zip(&tag) {
                *to = *from;
            }
            tag.as_mut_slice().zeroize();
        }
        Ok(())
    }
    let wrong = key_length(algorithm, key.len());
    match (algorithm, key.len()) {
        (Algorithm::Tdes, _) => {
            let long = three_parts(key).ok_or(wrong)?;
            run::<Cmac<TdesEde3>>(&*long, messages, wrong)
        }
        (Algorithm::Aes, 16) => run::<Cmac<Aes128Enc>>(key, messages, wrong),
        (Algorithm::Aes, 24) => run::<Cmac<Aes192Enc>>(key, messages, wrong),
        (Algorithm::Aes, 32) => run::<Cmac<Aes256Enc>>(key, messages, wrong),
        (Algorithm::Aes, _) => Err(wrong),
    }
}

#[cfg(test)]
#[path = "modes_tests.rs"]
mod tests;
