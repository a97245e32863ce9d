//! The external PKA token of an RSA public key: a header and one section.
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 1 | `1E` external |
//! | 2 | 2 | length of the token |
//! | 8 | 1 | `04` public section |
//! | 10 | 2 | length of the section |
//! | 14 | 2 | bytes of the exponent |
//! | 16 | 2 | bits of the modulus |
//! | 18 | 2 | bytes of the modulus |
//! | 20 | | exponent, then modulus |
//!
//! All else is zero ("RSA key token sections" of the ICSF Application
//! Programmer's Guide). A token with a private section is not read: its key
//! would be in clear, or under a key that stands nowhere in it.

use thiserror::Error;

/// Header of the token, and fixed part of the section.
const HEADER: usize = 8;
const FIXED: usize = 12;
/// The longest modulus, in bytes: 4096 bits.
const MODULUS_MOST: usize = 512;
/// The shortest modulus, in bits.
const BITS_LEAST: usize = 512;

/// Why a token is not read, or not made. Bytes are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RsaTokenError {
    /// Ends before its header does, or goes on behind its length.
    #[error("the token says {said} bytes, and there are {there}")]
    Length {
        /// In the header; 0 where there is none.
        said: usize,
        /// Bytes given.
        there: usize,
    },
    /// Another first byte; `1F` is an internal token.
    #[error("the first byte is {0:02X}; an external PKA token begins with 1E")]
    Identifier(u8),
    /// A byte that has to be zero.
    #[error("byte {0} of the token is reserved and not zero")]
    Reserved(usize),
    /// A section of a private key.
    #[error("section {0:02X} holds a private key: such a token is not taken here")]
    Private(u8),
    /// Any other section than the public one, or one behind it.
    #[error("section {0:02X} stands where the RSA public section (04) is expected")]
    Section(u8),
    /// The section's lengths do not add up.
    #[error("the lengths in the public section do not add up to the section's")]
    Lengths,
    /// The modulus has another length than the section says, or is none.
    #[error("the modulus is no number of {0} bits")]
    Modulus(usize),
    /// The exponent is even, 1, longer than the modulus, or has leading zeros.
    #[error("the exponent is no public exponent")]
    Exponent,
}

/// An RSA public key as a token has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaToken {
    exponent: Vec<u8>,
    modulus: Vec<u8>,
}

fn bits(number: &[u8]) -> usize {
    let zeros = number.first().map_or(8, |byte| byte.leading_zeros());
    (8 * number.len()).saturating_sub(usize::try_from(zeros).unwrap_or(8))
}

fn stripped(number: &[u8]) -> &[u8] {
    let first = number.iter().position(|byte| *byte != 0);
    number.get(first.unwrap_or(number.len())..).unwrap_or(&[])
}

impl RsaToken {
    /// Exponent and modulus, highest byte first; leading zeros are left out.
    ///
    /// # Errors
    /// [`RsaTokenError::Modulus`], [`RsaTokenError::Exponent`]
    pub fn make(exponent: &[u8], modulus: &[u8]) -> Result<Self, RsaTokenError> {
        let token = Self {
            exponent: stripped(exponent).to_vec(),
            modulus: stripped(modulus).to_vec(),
        };
        token.check(bits(&token.modulus))?;
        Ok(token)
    }

    fn check(&self, said: usize) -> Result<(), RsaTokenError> {
        let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        if bits(&self.modulus) != said
            || said < BITS_LEAST
            || self.modulus.len() > MODULUS_MOST
            || self.modulus.first() == Some(&0)
            || !odd(&self.modulus)
        {
            return Err(RsaTokenError::Modulus(said));
        }
        let one = self.exponent == [1];
        if !odd(&self.exponent)
            || one
            || self.exponent.first() == Some(&0)
            || self.exponent.len() > self.modulus.len()
        {
            return Err(RsaTokenError::Exponent);
        }
        Ok(())
    }

    /// The public exponent.
    #[must_use]
    pub fn exponent(&self) -> &[u8] {
        &self.exponent
    }

    /// The modulus.
    #[must_use]
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// Bits of the modulus.
    #[must_use]
    pub fn bits(&self) -> usize {
        bits(&self.modulus)
    }

    /// The token.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Both are short: `check` has seen to it.
        let two = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        let section = FIXED + self.exponent.len() + self.modulus.len();
        let mut out = vec![0x1E, 0];
        out.extend(two(HEADER + section));
        out.extend([0; 4]);
        out.extend([0x04, 0]);
        out.extend(two(section));
        out.extend([0; 2]);
        out.extend(two(self.exponent.len()));
        out.extend(two(self.bits()));
        out.extend(two(self.modulus.len()));
        out.extend(&self.exponent);
        out.extend(&self.modulus);
        out
    }

    /// Reads a token strictly.
    ///
    /// # Errors
    /// [`RsaTokenError`]
    pub fn parse(token: &[u8]) -> Result<Self, RsaTokenError> {
        let two = |at: usize| {
            let pair = token.get(at..at + 2).and_then(|pair| pair.try_into().ok());
            usize::from(u16::from_be_bytes(pair.unwrap_or_default()))
        };
        let there = token.len();
        match token.first() {
            Some(0x1E) => {}
            Some(other) => return Err(RsaTokenError::Identifier(*other)),
            None => return Err(RsaTokenError::Length { said: 0, there }),
        }
        if there < HEADER + FIXED || two(2) != there {
            return Err(RsaTokenError::Length {
                said: two(2),
                there,
            });
        }
        let zero = |at: usize| match token.get(at) {
            Some(0) => Ok(()),
            _ => Err(RsaTokenError::Reserved(at)),
        };
        [1, 4, 5, 6, 7].into_iter().try_for_each(zero)?;
        match token.get(HEADER) {
            Some(0x04) => {}
            Some(id @ (0x02 | 0x05 | 0x06 | 0x08 | 0x09 | 0x30 | 0x31)) => {
                return Err(RsaTokenError::Private(*id));
            }
            Some(other) => return Err(RsaTokenError::Section(*other)),
            None => return Err(RsaTokenError::Lengths),
        }
        [9, 12, 13].into_iter().try_for_each(zero)?;
        let (section, e, said, n) = (two(10), two(14), two(16), two(18));
        if section != FIXED + e + n {
            return Err(RsaTokenError::Lengths);
        }
        if HEADER + section != there {
            let next = token.get(HEADER + section).copied().unwrap_or_default();
            return Err(RsaTokenError::Section(next));
        }
        let at = HEADER + FIXED;
        let field = |range: std::ops::Range<usize>| {
            token
                .get(range)
                .map(<[u8]>::to_vec)
                .ok_or(RsaTokenError::Lengths)
        };
        let read = Self {
            exponent: field(at..at + e)?,
            modulus: field(at + e..at + e + n)?,
        };
        read.check(said)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token() -> RsaToken {
        let mut modulus = vec![0xC5; 256];
        modulus[255] = 0x11;
        RsaToken::make(&[0x01, 0x00, 0x01], &modulus).unwrap()
    }

    #[test]
    fn byte_for_byte() {
        let bytes = token().to_bytes();
        assert_eq!(bytes.len(), 279);
        assert_eq!(
            bytes[..24],
            [
                0x1E, 0, 0x01, 0x17, 0, 0, 0, 0, 0x04, 0, 0x01, 0x0F, 0, 0, 0, 3, 0x08, 0, 0x01, 0,
                0x01, 0, 0x01, 0xC5
            ]
        );
        assert_eq!(RsaToken::parse(&bytes), Ok(token()));
    }

    #[test]
    fn each_rule_by_a_token_that_breaks_it() {
        use RsaTokenError as E;
        let good = token().to_bytes();
        for (at, byte, expected) in [
            (0, 0x1F, E::Identifier(0x1F)),
            (1, 1, E::Reserved(1)),
            (
                3,
                0x16,
                E::Length {
                    said: 278,
                    there: 279,
                },
            ),
            (7, 1, E::Reserved(7)),
            (8, 0x08, E::Private(0x08)),
            (8, 0x30, E::Private(0x30)),
            (8, 0x10, E::Section(0x10)),
            (9, 1, E::Reserved(9)),
            (11, 0x10, E::Lengths),
            (13, 1, E::Reserved(13)),
            (15, 2, E::Lengths),
            (17, 1, E::Modulus(2049)),
            (22, 2, E::Exponent),
            (23, 0x01, E::Modulus(2048)),
            (278, 0x10, E::Modulus(2048)),
        ] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            assert_eq!(RsaToken::parse(&bytes), Err(expected), "{at} {byte}");
        }
        for len in [0, 1, 8, 19, 278] {
            let cut = RsaToken::parse(&good[..len]);
            assert!(matches!(cut, Err(E::Length { .. })), "{len}");
        }
        // A name section behind it.
        let mut named = good.clone();
        named.extend([0x10, 0, 0, 68]);
        named.extend([b' '; 64]);
        named[2..4].copy_from_slice(&347u16.to_be_bytes());
        assert_eq!(RsaToken::parse(&named), Err(E::Section(0x10)));
        for exponent in [&[][..], &[0], &[1], &[2]] {
            assert_eq!(
                RsaToken::make(exponent, token().modulus()),
                Err(E::Exponent)
            );
        }
        assert_eq!(RsaToken::make(&[3], &[0x81; 63]), Err(E::Modulus(504)));
        assert_eq!(RsaToken::make(&[3], &[0x81; 513]), Err(E::Modulus(4104)));
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(
            at in 0usize..24, byte in any::<u8>(), cut in 0usize..280,
        ) {
            let mut bytes = token().to_bytes();
            bytes[at] = byte;
            bytes.truncate(cut.max(1));
            if let Ok(read) = RsaToken::parse(&bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
            }
        }
    }
}
