//! Message authentication codes of ISO/IEC 9797-1 over a block cipher.
//!
//! Algorithm 1 is CBC-MAC, 3 the retail MAC of ANSI X9.19, 5 is CMAC, which
//! [`super::modes::cmac`] computes. Algorithms 2 and 4 are here so that values
//! of others can be checked; nothing of ours makes them. A MAC comes whole, the
//! caller takes its leftmost bytes.

use zeroize::Zeroizing;

use super::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// How a message is brought to whole blocks (ISO/IEC 9797-1, 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Method 1: as few zeros as possible, which may be none. Nothing at all
    /// becomes one block of zeros.
    Zeros,
    /// Method 2: one bit that is set, then as few zeros as possible.
    OneThenZeros,
    /// Method 3: a block with the length in bits in front, then as method 1.
    LengthInFront,
}

impl Padding {
    /// The method by its number in the standard, 1 to 3.
    #[must_use]
    pub fn method(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Zeros),
            2 => Some(Self::OneThenZeros),
            3 => Some(Self::LengthInFront),
            _ => None,
        }
    }

    /// `data` in whole blocks of `block` bytes.
    #[must_use]
    pub fn pad(self, data: &[u8], block: usize) -> Zeroizing<Vec<u8>> {
        let mut padded = Zeroizing::new(Vec::with_capacity(data.len() + 2 * block));
        if self == Self::LengthInFront {
            let bits = (data.len() as u128) * 8;
            let bits = bits.to_be_bytes();
            padded.extend_from_slice(&bits[bits.len() - block.min(bits.len())..]);
        }
        padded.extend_from_slice(data);
        if self == Self::OneThenZeros {
            padded.push(0x80);
        }
        let whole = padded.len().max(1).next_multiple_of(block);
        padded.resize(whole, 0);
        // A message of no bytes is one block of zeros behind its length, too.
        if self == Self::LengthInFront && data.is_empty() {
            padded.resize(2 * block, 0);
        }
        padded
    }
}

/// The parts of a DES key of 16 bytes: K and K'.
fn halves(key: &[u8]) -> Result<(Cipher, Cipher), ModeError> {
    let wrong = ModeError::KeyLength {
        algorithm: Algorithm::Tdes,
        len: key.len(),
    };
    let (left, right) = key
        .split_at_checked(8)
        .filter(|(_, right)| right.len() == 8)
        .ok_or(wrong)?;
    Ok((
        Cipher::new(Algorithm::Tdes, left)?,
        Cipher::new(Algorithm::Tdes, right)?,
    ))
}

/// The last block of CBC from a vector of zeros.
fn last_of_chain(cipher: &Cipher, padded: &[u8]) -> Result<Secret, ModeError> {
    let block = cipher.block_len();
    let mut chain = Secret::zeroed(block);
    for part in padded.chunks(block) {
        for (to, from) in chain.expose_mut().iter_mut().zip(part) {
            *to ^= from;
        }
        cipher.ecb_encrypt(chain.expose_mut())?;
    }
    Ok(chain)
}

/// Algorithm 1, CBC-MAC: one block, 8 bytes for TDES, 16 for AES. A DES key of
/// 16 or 24 bytes runs the whole chain under TDES.
pub fn algorithm1(
    algorithm: Algorithm,
    key: &[u8],
    data: &[u8],
    padding: Padding,
) -> Result<Secret, ModeError> {
    let cipher = Cipher::new(algorithm, key)?;
    last_of_chain(&cipher, &padding.pad(data, cipher.block_len()))
}

/// Algorithm 2, EMAC, under K and K' of 8 bytes each: 8 bytes.
pub fn algorithm2(key: &[u8], padded: &[u8]) -> Result<Secret, ModeError> {
    let (k, k2) = halves(key)?;
    let mut mac = last_of_chain(&k, padded)?;
    k2.ecb_encrypt(mac.expose_mut())?;
    Ok(mac)
}

/// Algorithm 3, the retail MAC of ANSI X9.19: single DES under K up to the last
/// block, which is then decrypted under K' and encrypted under K (or under K'',
/// where the key has 24 bytes). 8 bytes.
pub fn algorithm3(key: &[u8], data: &[u8], padding: Padding) -> Result<Secret, ModeError> {
    let wrong = ModeError::KeyLength {
        algorithm: Algorithm::Tdes,
        len: key.len(),
    };
    let part = |at: usize| {
        let bytes = key.get(8 * at..8 * at + 8).ok_or(wrong)?;
        Cipher::new(Algorithm::Tdes, bytes)
    };
    let last = match key.len() {
        16 => part(0)?,
        24 => part(2)?,
        _ => return Err(wrong),
    };
    let mut mac = last_of_chain(&part(0)?, &padding.pad(data, 8))?;
    part(1)?.ecb_decrypt(mac.expose_mut())?;
    last.ecb_encrypt(mac.expose_mut())?;
    Ok(mac)
}

/// Algorithm 4, MacDES, under K and K' of 8 bytes each, K'' being K' with every
/// other four bits turned: 8 bytes. `padded` has two blocks at least, and
/// `None` says that it has not.
pub fn algorithm4(key: &[u8], padded: &[u8]) -> Result<Option<Secret>, ModeError> {
    let (k, k2) = halves(key)?;
    let Some((first, rest)) = padded.split_at_checked(8).filter(|(_, r)| r.len() >= 8) else {
        return Ok(None);
    };
    let turned = Secret::from_fn(8, |bytes| {
        for (to, from) in bytes.iter_mut().zip(key.iter().skip(8)) {
            *to = from ^ 0xF0;
        }
    });
    let k3 = Cipher::new(Algorithm::Tdes, turned.expose())?;
    let mut chain = last_of_chain(&k, first)?;
    k3.ecb_encrypt(chain.expose_mut())?;
    for part in rest.chunks(8) {
        for (to, from) in chain.expose_mut().iter_mut().zip(part) {
            *to ^= from;
        }
        k.ecb_encrypt(chain.expose_mut())?;
    }
    k2.ecb_encrypt(chain.expose_mut())?;
    Ok(Some(chain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::vectors::{field, of};

    fn padding(vector: &serde_json::Value) -> Padding {
        let number = vector["inputs"]["padding"].as_u64().unwrap();
        Padding::method(number as u8).unwrap()
    }

    #[test]
    fn published_macs() {
        for vector in of("cvv_mac.json", "mac_iso9797_alg1") {
            let (key, data) = (
                field(&vector["inputs"], "key"),
                field(&vector["inputs"], "data"),
            );
            let mac = algorithm1(Algorithm::Tdes, &key, &data, padding(&vector)).unwrap();
            assert!(mac.ct_eq(&field(&vector["expected"], "mac")), "{vector}");
        }
        for vector in of("cvv_mac.json", "mac_iso9797_alg3") {
            let (key, data) = (
                field(&vector["inputs"], "key"),
                field(&vector["inputs"], "data"),
            );
            let mac = algorithm3(&key, &data, padding(&vector)).unwrap();
            assert!(mac.ct_eq(&field(&vector["expected"], "mac")), "{vector}");
        }
    }

    #[test]
    fn padding_is_that_of_the_standard() {
        let pad = |number, data: &[u8]| Padding::method(number).unwrap().pad(data, 8).to_vec();
        assert_eq!(pad(1, &[]), [0; 8]);
        assert_eq!(pad(1, &[1; 8]), [1; 8]);
        assert_eq!(pad(1, &[1; 9]).len(), 16);
        assert_eq!(pad(2, &[]), [0x80, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(pad(2, &[1; 8]).len(), 16);
        assert_eq!(
            pad(3, &[0x12, 0x34]),
            [0, 0, 0, 0, 0, 0, 0, 16, 0x12, 0x34, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(pad(3, &[]), [0; 16]);
        assert_eq!(Padding::method(0), None);
        assert_eq!(Padding::method(4), None);
    }

    #[test]
    fn keys_of_other_lengths_are_refused() {
        for len in [0, 7, 8, 15, 17, 32] {
            let key = vec![0x10; len];
            assert!(algorithm2(&key, &[0; 8]).is_err(), "{len}");
            assert!(algorithm3(&key, &[0; 8], Padding::Zeros).is_err(), "{len}");
            assert!(algorithm4(&key, &[0; 16]).is_err(), "{len}");
        }
        assert!(algorithm4(&[0x10; 16], &[0; 8]).unwrap().is_none());
    }
}
