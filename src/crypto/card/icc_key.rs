//! Keys of one card from an issuer's master key (EMV Book 2, A1.4).

use sha1::{Digest, Sha1};
use thiserror::Error;
use zeroize::Zeroizing;

use super::pan::Pan;
use crate::primitive::des_keys::set_odd_parity;
use crate::primitive::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// Which sixteen digits a card's key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diversification {
    /// A1.4.1: the rightmost sixteen digits of card number and sequence number.
    A,
    /// A1.4.2: as A up to sixteen digits of card number; for longer ones the
    /// decimals of a SHA-1 over card number and sequence number.
    B,
}

/// Why there is no card key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IccKeyError {
    /// The master key is no double-length DES key.
    #[error("an issuer master key has 16 bytes, not {0}")]
    Master(usize),
    /// The card sequence number is not two digits.
    #[error("a card sequence number has two digits")]
    Sequence,
    /// The cipher.
    #[error(transparent)]
    Cipher(#[from] ModeError),
}

/// Four bits for each of sixteen digits.
fn packed(digits: &[u8; 16]) -> [u8; 8] {
    let mut packed = [0; 8];
    for (byte, pair) in packed.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    packed
}

/// The first sixteen decimals of a digest; where there are fewer, its letters
/// follow in order, A as 0 to F as 5 (A1.4.2).
#[must_use]
pub fn decimals(digest: &[u8]) -> Option<[u8; 16]> {
    let halves = || digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let decimals = halves().filter(|half| *half < 10);
    let letters = halves().filter(|half| *half > 9).map(|half| half - 10);
    let mut all = decimals.chain(letters);
    let mut found = [0; 16];
    for place in &mut found {
        *place = all.next()?;
    }
    Some(found)
}

fn sixteen(how: Diversification, pan: &Pan, sequence: &str) -> Option<[u8; 16]> {
    let text = Zeroizing::new(format!("{}{sequence}", pan.digits()));
    if how == Diversification::A || pan.digits().len() <= 16 {
        let mut digits = [0; 16];
        for (to, from) in digits.iter_mut().rev().zip(text.bytes().rev()) {
            *to = from - b'0';
        }
        return Some(digits);
    }
    let odd = if text.len() % 2 == 1 { "0" } else { "" };
    let text = Zeroizing::new(format!("{odd}{}", *text));
    let mut hash = Sha1::new();
    for pair in text.as_bytes().chunks_exact(2) {
        hash.update([(pair[0] - b'0') << 4 | (pair[1] - b'0')]);
    }
    decimals(&hash.finalize())
}

/// The key of one card, 16 bytes of odd parity, from `master` of 16 bytes.
/// `sequence` is the card sequence number, two digits.
pub fn icc_key(
    how: Diversification,
    master: &Secret,
    pan: &Pan,
    sequence: &str,
) -> Result<Secret, IccKeyError> {
    if master.len() != 16 {
        return Err(IccKeyError::Master(master.len()));
    }
    if sequence.len() != 2 || !sequence.bytes().all(|c| c.is_ascii_digit()) {
        return Err(IccKeyError::Sequence);
    }
    let digits = sixteen(how, pan, sequence).ok_or(IccKeyError::Sequence)?;
    let y = packed(&digits);
    let mut key = Secret::from_fn(16, |bytes| {
        for (at, byte) in y.iter().enumerate() {
            bytes[at] = *byte;
            bytes[at + 8] = byte ^ 0xFF;
        }
    });
    Cipher::new(Algorithm::Tdes, master.expose())?.ecb_encrypt(key.expose_mut())?;
    set_odd_parity(key.expose_mut());
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::vectors::{field, of};

    #[test]
    fn published_card_keys() {
        for vector in of("emv.json", "icc_master_key") {
            let inputs = &vector["inputs"];
            let text = |name: &str| inputs[name].as_str().unwrap();
            let how = match text("option") {
                "A" => Diversification::A,
                _ => Diversification::B,
            };
            let master = Secret::take(&mut field(inputs, "imk"));
            let pan = Pan::parse(text("pan")).unwrap();
            let key = icc_key(how, &master, &pan, text("psn")).unwrap();
            assert!(key.ct_eq(&field(&vector["expected"], "icc_mk")), "{vector}");
        }
    }

    /// EMV Book 2, A1.4.2.
    #[test]
    fn the_decimals_of_the_books_example() {
        for vector in of("emv.json", "option_b_decimalize") {
            let y = decimals(&field(&vector["inputs"], "sha1")).unwrap();
            assert_eq!(packed(&y).to_vec(), field(&vector["expected"], "y"));
        }
        assert_eq!(decimals(&[0xFF; 20]), Some([5; 16]));
        assert_eq!(decimals(&[0x11; 7]), None);
    }

    #[test]
    fn what_is_no_master_key_or_sequence_number() {
        let pan = Pan::parse("1234567890123456").unwrap();
        let key = |len, psn: &str| {
            icc_key(Diversification::A, &Secret::zeroed(len), &pan, psn).map(|_| ())
        };
        assert_eq!(key(24, "00"), Err(IccKeyError::Master(24)));
        for psn in ["", "0", "000", "0a"] {
            assert_eq!(key(16, psn), Err(IccKeyError::Sequence));
        }
    }
}
