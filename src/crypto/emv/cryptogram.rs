//! Cryptograms and scripts of EMV cards (EMV Book 2, 8 and 9, A1.3): the keys
//! of one transaction, what a card and its issuer answer one another, and
//! commands that change a card.

use thiserror::Error;

use crate::pin::Pin;
use crate::pin::block::{BlockError, Fill, Format, With};
use crate::primitive::des_keys::set_odd_parity;
use crate::primitive::mac::{self, Padding};
use crate::primitive::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// Why there is no key, cryptogram or command.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CryptogramError {
    /// A part of another length.
    #[error("{what} has not {found} bytes")]
    Length {
        /// What it is.
        what: &'static str,
        /// Bytes given.
        found: usize,
    },
    /// A tree that has fewer leaves than there are transactions.
    #[error("a tree of this height and branching counts fewer than 65535 transactions")]
    Tree,
    /// A PIN block.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// The cipher.
    #[error(transparent)]
    Cipher(#[from] ModeError),
}

fn want(what: &'static str, bytes: &[u8], len: usize) -> Result<(), CryptogramError> {
    let found = bytes.len();
    match found == len {
        true => Ok(()),
        false => Err(CryptogramError::Length { what, found }),
    }
}

fn key_of(key: &Secret) -> Result<Cipher, CryptogramError> {
    want("a card's key", key.expose(), 16)?;
    Ok(Cipher::new(Algorithm::Tdes, key.expose())?)
}

/// The common session key (A1.3.1): `diversification` of 8 bytes, of which the
/// third is F0 for the left half and 0F for the right one. Odd parity.
pub fn common_session_key(
    card: &Secret,
    diversification: &[u8],
) -> Result<Secret, CryptogramError> {
    want("diversification data", diversification, 8)?;
    let cipher = key_of(card)?;
    let mut key = Secret::from_fn(16, |bytes| {
        for (half, third) in bytes.chunks_exact_mut(8).zip([0xF0, 0x0F]) {
            half.copy_from_slice(diversification);
            half[2] = third;
        }
    });
    cipher.ecb_encrypt(key.expose_mut())?;
    set_odd_parity(key.expose_mut());
    Ok(key)
}

/// Visa's session key for scripts: the counter added to the right of both
/// halves, its complement to the second. Parity as it comes.
pub fn visa_script_key(card: &Secret, counter: &[u8]) -> Result<Secret, CryptogramError> {
    want("a transaction counter", counter, 2)?;
    want("a card's key", card.expose(), 16)?;
    let mut key = card.duplicate();
    let bytes = key.expose_mut();
    for at in 0..2 {
        bytes[6 + at] ^= counter[at];
        bytes[14 + at] ^= counter[at] ^ 0xFF;
    }
    Ok(key)
}

/// The session key of EMV 2000 (Book 2 of 2000, A1.3): the key of a leaf in a
/// tree of `height` whose nodes have `branches` below them. `iv` has 16 bytes.
pub fn tree_session_key(
    card: &Secret,
    counter: &[u8],
    (height, branches): (u32, u32),
    iv: &[u8],
) -> Result<Secret, CryptogramError> {
    want("a transaction counter", counter, 2)?;
    want("a start value", iv, 16)?;
    want("a card's key", card.expose(), 16)?;
    let leaves = (1..=16)
        .contains(&height)
        .then(|| branches.checked_pow(height));
    if branches < 2 || leaves.flatten().is_none_or(|leaves| leaves < 65_535) {
        return Err(CryptogramError::Tree);
    }
    let node = |key: &Secret, above: &Secret, number: u32| -> Result<Secret, CryptogramError> {
        let mut next = above.duplicate();
        let cipher = Cipher::new(Algorithm::Tdes, key.expose())?;
        let rest = u64::from(number % branches).to_be_bytes();
        for (half, turn) in next.expose_mut().chunks_exact_mut(8).zip([0, 0xF0]) {
            for (to, from) in half.iter_mut().zip(rest) {
                *to ^= from;
            }
            half[7] ^= turn;
            cipher.ecb_encrypt(half)?;
        }
        Ok(next)
    };
    let counter = u32::from(counter[0]) << 8 | u32::from(counter[1]);
    let mut key = card.duplicate();
    let mut above = Secret::from_fn(16, |bytes| bytes.copy_from_slice(iv));
    // From the root down: the digits of the counter in the base of the tree.
    for level in (1..height).rev() {
        let number = counter / branches.pow(level);
        let next = node(&key, &above, number)?;
        above = key;
        key = next;
    }
    let mut leaf = node(&key, &above, counter)?;
    let _ = leaf.xor_in_place(&above);
    set_odd_parity(leaf.expose_mut());
    Ok(leaf)
}

/// An application cryptogram (8.1.1): the retail MAC, 8 bytes.
pub fn application_cryptogram(
    session: &Secret,
    data: &[u8],
    padding: Padding,
) -> Result<Secret, CryptogramError> {
    want("a session key", session.expose(), 16)?;
    Ok(mac::algorithm3(session.expose(), data, padding)?)
}

/// The issuer's answer by method 1 (8.2.1): 8 bytes. `arc` has two.
pub fn response_1(key: &Secret, cryptogram: &[u8], arc: &[u8]) -> Result<Secret, CryptogramError> {
    want("an application cryptogram", cryptogram, 8)?;
    want("an authorisation response code", arc, 2)?;
    let cipher = key_of(key)?;
    let mut answer = Secret::from_fn(8, |bytes| bytes.copy_from_slice(cryptogram));
    for (to, from) in answer.expose_mut().iter_mut().zip(arc) {
        *to ^= from;
    }
    cipher.ecb_encrypt(answer.expose_mut())?;
    Ok(answer)
}

/// The issuer's answer by method 2 (8.2.2): 4 bytes. `update` has four,
/// `proprietary` up to eight.
pub fn response_2(
    key: &Secret,
    cryptogram: &[u8],
    update: &[u8],
    proprietary: &[u8],
) -> Result<Secret, CryptogramError> {
    want("an application cryptogram", cryptogram, 8)?;
    want("a card status update", update, 4)?;
    if proprietary.len() > 8 {
        let (what, found) = ("proprietary authentication data", proprietary.len());
        return Err(CryptogramError::Length { what, found });
    }
    let data = [cryptogram, update, proprietary].concat();
    let mac = application_cryptogram(key, &data, Padding::OneThenZeros)?;
    mac.part(0..4).ok_or(CryptogramError::Tree)
}

/// How data of a script command are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptCipher {
    /// Visa: a byte with the length in front, padding 2, ECB.
    Visa,
    /// Mastercard: padding 2 only where blocks are not whole, CBC.
    Mastercard,
    /// EMV Book 2, 9.3: padding 2 always, CBC.
    Emv,
}

impl ScriptCipher {
    /// `data` as they are before they are encrypted: whole blocks.
    pub fn padded(self, data: &Secret) -> Result<Secret, CryptogramError> {
        let len = u8::try_from(data.len()).map_err(|_| CryptogramError::Length {
            what: "data of a command",
            found: data.len(),
        })?;
        let front: &[u8] = match self {
            Self::Visa => &[len],
            Self::Mastercard if data.len().is_multiple_of(8) && len > 0 => {
                return Ok(data.duplicate());
            }
            _ => &[],
        };
        let whole = (front.len() + data.len() + 1).next_multiple_of(8);
        Ok(Secret::from_fn(whole, |bytes| {
            let (start, rest) = bytes.split_at_mut(front.len());
            start.copy_from_slice(front);
            rest[..data.len()].copy_from_slice(data.expose());
            rest[data.len()] = 0x80;
        }))
    }

    /// Encrypted data.
    pub fn encrypt(self, session: &Secret, data: &Secret) -> Result<Vec<u8>, CryptogramError> {
        let cipher = key_of(session)?;
        let mut work = self.padded(data)?;
        match self {
            Self::Visa => cipher.ecb_encrypt(work.expose_mut())?,
            _ => cipher.cbc_encrypt(&[0; 8], work.expose_mut())?,
        }
        Ok(work.expose().to_vec())
    }
}

/// Visa's PIN block for scripts: length and PIN as in ISO format 0, with the
/// rightmost four bytes of the left half of the card's cryptogram key added;
/// with the present PIN added where the card wants it.
pub fn visa_pin_block(
    card: &Secret,
    pin: &Pin,
    present: Option<&Pin>,
) -> Result<Secret, CryptogramError> {
    want("a card's key", card.expose(), 16)?;
    let mut block = Secret::from_fn(8, |bytes| {
        let mut halves = zeroize::Zeroizing::new([15u8; 16]);
        halves[0] = 0;
        halves[1] = pin.len() as u8;
        halves[2..2 + pin.len()].copy_from_slice(pin.expose());
        for (byte, pair) in bytes.iter_mut().zip(halves.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
    });
    for (to, from) in block.expose_mut()[4..].iter_mut().zip(&card.expose()[4..8]) {
        *to ^= from;
    }
    if let Some(present) = present {
        for (at, digit) in present.expose().iter().enumerate() {
            block.expose_mut()[at / 2] ^= digit << (4 * (1 - at % 2));
        }
    }
    Ok(block)
}

/// The PIN block of ISO 9564-1 format 2, for scripts.
pub fn iso2_pin_block(pin: &Pin) -> Result<Secret, CryptogramError> {
    let fill = Fill::Given(&[]);
    Ok(Format::Iso2.encode(pin, With { pan: None, fill })?)
}
