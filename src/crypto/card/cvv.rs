//! Card verification values.
//!
//! CVV and CVC are one algorithm over card number, expiry and service code
//! (IBM, CVV processing); service code 000 makes the value on the card's back
//! (CVV2, CVC2), 999 the one in its chip (iCVV). dCVV and CVC3 are values of
//! one contactless transaction, under a key of the card.

use thiserror::Error;

use super::pan::Pan;
use crate::primitive::mac::{self, Padding};
use crate::primitive::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CvvError {
    /// The key is no double-length DES key.
    #[error("a verification key has 16 bytes, not {0}")]
    Key(usize),
    /// Expiry is not four digits.
    #[error("an expiry has four digits")]
    Expiry,
    /// Service code is not three digits.
    #[error("a service code has three digits")]
    ServiceCode,
    /// A counter or a number of the terminal that has another length.
    #[error("{what} has {want} bytes, not {found}")]
    Length {
        /// What it is.
        what: &'static str,
        /// Bytes wanted.
        want: usize,
        /// Bytes given.
        found: usize,
    },
    /// The cipher.
    #[error(transparent)]
    Cipher(#[from] ModeError),
}

/// A verification value of three digits, which a card shows or carries.
#[derive(Clone, PartialEq, Eq)]
pub struct Cvv([u8; 3]);

impl Cvv {
    /// The three digits as text.
    #[must_use]
    pub fn digits(&self) -> String {
        self.0
            .iter()
            .map(|digit| char::from(b'0' + digit))
            .collect()
    }
}

fn decimal(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|c| c.is_ascii_digit())
}

/// The value for a card. `expiry` is four digits in the order that the scheme
/// uses for this value, `service_code` three.
pub fn cvv(key: &Secret, pan: &Pan, expiry: &str, service_code: &str) -> Result<Cvv, CvvError> {
    let halves: Vec<u8> = pan.digits().bytes().map(|c| c - b'0').collect();
    over(key, &halves, expiry, service_code)
}

/// dCVV: the value with the transaction counter in place of the card number's
/// first four digits, under the key of the card.
pub fn dcvv(
    card_key: &Secret,
    pan: &Pan,
    counter: &[u8],
    expiry: &str,
    service_code: &str,
) -> Result<Cvv, CvvError> {
    bytes("a transaction counter", counter, 2)?;
    let first = counter.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let rest = pan.digits().bytes().skip(4).map(|c| c - b'0');
    let halves: Vec<u8> = first.chain(rest).collect();
    over(card_key, &halves, expiry, service_code)
}

fn bytes(what: &'static str, given: &[u8], want: usize) -> Result<(), CvvError> {
    match given.len() == want {
        true => Ok(()),
        false => Err(CvvError::Length {
            what,
            want,
            found: given.len(),
        }),
    }
}

/// `number` holds four bits for each place of the card number.
fn over(key: &Secret, number: &[u8], expiry: &str, service: &str) -> Result<Cvv, CvvError> {
    if key.len() != 16 {
        return Err(CvvError::Key(key.len()));
    }
    if !decimal(expiry, 4) {
        return Err(CvvError::Expiry);
    }
    if !decimal(service, 3) {
        return Err(CvvError::ServiceCode);
    }
    let tail = expiry.bytes().chain(service.bytes()).map(|c| c - b'0');
    // 19 + 4 + 3 digits fit into 32 places, the rest of which are zeros.
    let mut halves = [0; 32];
    for (to, from) in halves.iter_mut().zip(number.iter().copied().chain(tail)) {
        *to = from;
    }
    let mut blocks = [0; 16];
    for (byte, pair) in blocks.iter_mut().zip(halves.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    let (first, second) = blocks.split_at_mut(8);
    Cipher::new(Algorithm::Tdes, &key.expose()[..8])?.ecb_encrypt(first)?;
    for (to, from) in first.iter_mut().zip(second.iter()) {
        *to ^= from;
    }
    Cipher::new(Algorithm::Tdes, key.expose())?.ecb_encrypt(first)?;
    Ok(Cvv(leftmost_digits(first)))
}

/// The first digits among the halves of eight bytes: the decimals in order,
/// then the letters, A as 0 to F as 5. A PVV is found in the same way.
pub(crate) fn leftmost_digits<const N: usize>(block: &[u8]) -> [u8; N] {
    let halves = || block.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let decimals = halves().filter(|half| *half < 10);
    let letters = halves().filter(|half| *half > 9).map(|half| half - 10);
    let mut found = [0; N];
    for (place, digit) in found.iter_mut().zip(decimals.chain(letters)) {
        *place = digit;
    }
    found
}

/// The start value of CVC3: the last two bytes of the retail MAC over the track
/// data of the card, padded by method 2.
pub fn iv_cvc3(card_key: &Secret, track: &[u8]) -> Result<[u8; 2], CvvError> {
    let mac = mac::algorithm3(card_key.expose(), track, Padding::OneThenZeros)?;
    let mut last = [0; 2];
    last.copy_from_slice(&mac.expose()[6..]);
    Ok(last)
}

/// CVC3 from its start value: a number of five digits, of which the track takes
/// the rightmost. `unpredictable` is the terminal's number, 4 bytes; `counter`
/// the card's, 2 bytes.
pub fn cvc3(
    card_key: &Secret,
    start: &[u8],
    unpredictable: &[u8],
    counter: &[u8],
) -> Result<u16, CvvError> {
    if card_key.len() != 16 {
        return Err(CvvError::Key(card_key.len()));
    }
    bytes("the start value of a CVC3", start, 2)?;
    bytes("an unpredictable number", unpredictable, 4)?;
    bytes("a transaction counter", counter, 2)?;
    let mut block = [start, unpredictable, counter].concat();
    Cipher::new(Algorithm::Tdes, card_key.expose())?.ecb_encrypt(&mut block)?;
    Ok(u16::from(block[6]) << 8 | u16::from(block[7]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::vectors::{field, of};

    #[test]
    fn published_values() {
        for vector in of("cvv_mac.json", "cvv") {
            let text = |name: &str| vector["inputs"][name].as_str().unwrap();
            let key = Secret::take(&mut field(&vector["inputs"], "cvk"));
            let pan = Pan::parse(text("pan")).unwrap();
            let found = cvv(&key, &pan, text("expiry"), text("service_code")).unwrap();
            assert_eq!(
                found.digits(),
                vector["expected"]["cvv"].as_str().unwrap(),
                "{vector}"
            );
        }
    }

    #[test]
    fn letters_follow_where_decimals_end() {
        assert_eq!(
            leftmost_digits::<4>(&[0x1A, 0xBC, 0x2D, 0xEF]),
            [1, 2, 0, 1]
        );
        assert_eq!(leftmost_digits::<3>(&[0xFE; 8]), [5, 4, 5]);
        assert_eq!(
            leftmost_digits::<4>(&[0x12, 0x34, 0x56, 0x78]),
            [1, 2, 3, 4]
        );
    }

    #[test]
    fn what_is_refused() {
        let pan = Pan::parse("4123456789012345").unwrap();
        let of = |len, expiry: &str, service: &str| {
            cvv(&Secret::zeroed(len), &pan, expiry, service).map(|_| ())
        };
        assert_eq!(of(24, "8701", "101"), Err(CvvError::Key(24)));
        assert_eq!(of(16, "870", "101"), Err(CvvError::Expiry));
        assert_eq!(of(16, "870a", "101"), Err(CvvError::Expiry));
        assert_eq!(of(16, "8701", "1011"), Err(CvvError::ServiceCode));
        let key = Secret::zeroed(16);
        assert!(dcvv(&key, &pan, &[0; 3], "8701", "101").is_err());
        assert!(cvc3(&key, &[0; 2], &[0; 3], &[0; 2]).is_err());
        assert!(cvc3(&key, &[0; 3], &[0; 4], &[0; 2]).is_err());
        assert!(iv_cvc3(&Secret::zeroed(8), &[]).is_err());
    }
}
