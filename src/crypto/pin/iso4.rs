//! PIN blocks of ISO 9564-1 format 4, of sixteen bytes under an AES key
//! (9.3.5); payShield 48.
//!
//! The PIN's field is encrypted, the card number's field is added and the sum is
//! encrypted again. A clear block of this format alone does not exist.

use zeroize::Zeroizing;

use super::Pin;
use super::block::{BlockError, bytes_of, halves_of};
use crate::card::pan::Pan;
use crate::primitive::modes::{Algorithm, Cipher};
use crate::secret::Secret;

/// Block length in bytes.
const BLOCK: usize = 16;

/// The PIN's field, 16 bytes: 4, length, digits, A up to eight bytes, and the
/// eight random bytes.
pub fn pin_field(pin: &Pin, random: &Secret) -> Result<Secret, BlockError> {
    if random.len() != 8 {
        return Err(BlockError::Fill);
    }
    let mut halves = Secret::zeroed(16);
    let (places, len) = (halves.expose_mut(), pin.len());
    places.fill(10);
    places[0] = 4;
    places[1] = len as u8;
    places[2..2 + len].copy_from_slice(pin.expose());
    let front = bytes_of(&halves);
    Ok(Secret::from_fn(BLOCK, |bytes| {
        bytes[..8].copy_from_slice(front.expose());
        bytes[8..].copy_from_slice(random.expose());
    }))
}

/// The card number's field, 16 bytes: how many digits it has beyond twelve, the
/// digits (shorter numbers with zeros in front), zeros.
#[must_use]
pub fn pan_field(pan: &Pan) -> Zeroizing<[u8; BLOCK]> {
    let digits = pan.digits();
    let more = digits.len().saturating_sub(12) as u8;
    let zeros = 12usize.saturating_sub(digits.len());
    let mut field = Zeroizing::new([0; BLOCK]);
    let halves = std::iter::once(more)
        .chain(std::iter::repeat_n(0, zeros))
        .chain(digits.bytes().map(|c| c - b'0'));
    for (at, half) in halves.enumerate() {
        field[at / 2] |= half << (4 * (1 - at % 2));
    }
    field
}

/// The PIN in a PIN's field.
pub fn pin_of_field(field: &Secret) -> Result<Pin, BlockError> {
    if field.len() != BLOCK {
        let found = field.len();
        return Err(BlockError::Length { want: BLOCK, found });
    }
    let halves = halves_of(&field.expose()[..8]);
    let halves = halves.expose();
    let len = usize::from(halves[1]);
    let fill = halves.get(2 + len..).unwrap_or_default();
    if halves[0] != 4 || !(4..=12).contains(&len) || fill.iter().any(|half| *half != 10) {
        return Err(BlockError::Content);
    }
    let digits = Secret::from_fn(len, |digits| digits.copy_from_slice(&halves[2..2 + len]));
    Pin::new(digits).map_err(|_| BlockError::Content)
}

fn add(block: &mut [u8], field: &[u8]) {
    for (to, from) in block.iter_mut().zip(field) {
        *to ^= from;
    }
}

/// The enciphered block, 16 bytes. `random` is eight bytes, new for each block.
pub fn encipher(
    key: &Secret,
    pin: &Pin,
    pan: &Pan,
    random: &Secret,
) -> Result<[u8; BLOCK], BlockError> {
    let cipher = Cipher::new(Algorithm::Aes, key.expose())?;
    let mut work = pin_field(pin, random)?;
    cipher.ecb_encrypt(work.expose_mut())?;
    add(work.expose_mut(), &pan_field(pan)[..]);
    cipher.ecb_encrypt(work.expose_mut())?;
    let mut block = [0; BLOCK];
    block.copy_from_slice(work.expose());
    Ok(block)
}

/// The PIN's field of an enciphered block, good or not.
pub fn decipher_field(key: &Secret, block: &[u8], pan: &Pan) -> Result<Secret, BlockError> {
    if block.len() != BLOCK {
        let found = block.len();
        return Err(BlockError::Length { want: BLOCK, found });
    }
    let cipher = Cipher::new(Algorithm::Aes, key.expose())?;
    let mut work = Secret::from_fn(BLOCK, |bytes| bytes.copy_from_slice(block));
    cipher.ecb_decrypt(work.expose_mut())?;
    add(work.expose_mut(), &pan_field(pan)[..]);
    cipher.ecb_decrypt(work.expose_mut())?;
    Ok(work)
}

/// The PIN in an enciphered block.
pub fn decipher(key: &Secret, block: &[u8], pan: &Pan) -> Result<Pin, BlockError> {
    pin_of_field(&decipher_field(key, block, pan)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(bytes: &[u8]) -> Secret {
        Secret::from_fn(bytes.len(), |to| to.copy_from_slice(bytes))
    }

    #[test]
    fn fields_of_other_formats_and_lengths_are_refused() {
        let pin = Pin::from_text(b"123456789012").unwrap();
        let field = pin_field(&pin, &secret(&[7; 8])).unwrap();
        assert!(pin_of_field(&field).unwrap().ct_eq(&pin));
        for (at, value) in [(0, 0x3C), (0, 0x43), (0, 0x4D), (7, 0x1F), (7, 0xFA)] {
            let mut bad = field.duplicate();
            bad.expose_mut()[at] = value;
            assert_eq!(
                pin_of_field(&bad).err(),
                Some(BlockError::Content),
                "{at} {value:x}"
            );
        }
        assert!(pin_field(&pin, &secret(&[7; 7])).is_err());
        assert!(pin_of_field(&secret(&[0x44; 15])).is_err());
        let pan = Pan::parse("4111111111111111").unwrap();
        assert!(decipher(&secret(&[1; 16]), &[0; 8], &pan).is_err());
        assert!(decipher(&secret(&[1; 8]), &[0; 16], &pan).is_err());
    }

    /// Short numbers have zeros in front (ISO 9564-1, 9.3.5.3).
    #[test]
    fn the_field_of_a_short_card_number() {
        let field = |text: &str| pan_field(&Pan::parse(text).unwrap())[..8].to_vec();
        assert_eq!(field("12345678"), [0, 0, 0x01, 0x23, 0x45, 0x67, 0x80, 0]);
        assert_eq!(
            field("123456789012"),
            [0x01, 0x23, 0x45, 0x67, 0x89, 0x01, 0x20, 0]
        );
        assert_eq!(field("1234567890123456789")[0], 0x71);
    }
}
