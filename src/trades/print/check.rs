//! The check character at the end of each printed line of a value.
//!
//! A line has sixteen hex digits. Its check number is
//!
//! ```text
//! (line + 1·d1 + 2·d2 + … + 16·d16) mod 17
//! ```
//!
//! with `line` counted from 1, shown as one of the seventeen letters of
//! [`LETTERS`]: none of them is a hex digit, I, O, or the X of a preview. 17 is
//! prime and larger than any digit and any place, so that one wrong digit, any
//! two digits of a line swapped, and two lines swapped are always noticed;
//! of other slips one in seventeen goes unseen.
//!
//! It tells the custodian, who reads the value anyway, nothing new.

/// The letters for 0 to 16.
pub const LETTERS: &[u8; 17] = b"GHJKLMNPQRSTUVWYZ";

/// Bytes of a value on one line: sixteen digits, four groups of four.
pub const LINE_BYTES: usize = 8;

/// The check letter of line `line` (from 1) over the value's bytes on it.
#[must_use]
pub fn line_check(line: u8, bytes: &[u8]) -> u8 {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    let sum = (1u32..)
        .zip(digits)
        .fold(u32::from(line), |sum, (place, digit)| {
            (sum + place * u32::from(digit)) % 17
        });
    LETTERS.get(sum as usize).copied().unwrap_or(b'?')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixteen digits back to bytes.
    fn packed(digits: &[u8; 16]) -> Vec<u8> {
        digits.chunks(2).map(|d| d[0] << 4 | d[1]).collect()
    }

    #[test]
    fn known_lines() {
        // By hand: 1 + Σ place·digit of 0123456789ABCDEF = 1 + 1360 = 1361,
        // and 1361 mod 17 = 1.
        let line = [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF];
        assert_eq!(line_check(1, &line), b'H');
        assert_eq!(line_check(2, &line), b'J');
        assert_eq!(line_check(1, &[0; 8]), b'H');
    }

    #[test]
    fn every_wrong_digit_and_every_swap_is_seen() {
        let digits: [u8; 16] = std::array::from_fn(|i| (i as u8 * 7 + 3) % 16);
        let right = line_check(3, &packed(&digits));
        for at in 0..16 {
            for other in (0..16).filter(|d| *d != digits[at]) {
                let mut wrong = digits;
                wrong[at] = other;
                assert_ne!(line_check(3, &packed(&wrong)), right, "{at} {other}");
            }
            for with in at + 1..16 {
                let mut swapped = digits;
                swapped.swap(at, with);
                if digits[at] != digits[with] {
                    assert_ne!(line_check(3, &packed(&swapped)), right, "{at} {with}");
                }
            }
        }
    }

    #[test]
    fn no_letter_reads_as_a_digit() {
        for letter in LETTERS {
            assert!(!letter.is_ascii_hexdigit() && !b"IOX".contains(letter));
        }
    }
}
