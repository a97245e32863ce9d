//! Modification detection codes MDC-2 and MDC-4 with DES (ISO/IEC 10118-2;
//! "Modification Detection Code calculation" of the CCA documentation). IBM's
//! hash pattern of a master key is MDC-4.
//!
//! MDC-2 is here because it has a published value and MDC-4 has none: both are
//! made of the same step.

use zeroize::Zeroizing;

use crate::primitive::modes::{Algorithm, Cipher, ModeError};

type Block = Zeroizing<[u8; 8]>;

/// The keys to begin with.
const FIRST: ([u8; 8], [u8; 8]) = ([0x52; 8], [0x25; 8]);

/// One encipherment: `input` under a key whose bits 1 and 2 are set apart, with
/// the input added.
fn half(key: &Block, bits: u8, input: &Block) -> Result<Block, ModeError> {
    let mut key = key.clone();
    key[0] = key[0] & 0x9F | bits;
    let mut out = input.clone();
    Cipher::new(Algorithm::Tdes, &key[..])?.ecb_encrypt(&mut out[..])?;
    out.iter_mut()
        .zip(input.iter())
        .for_each(|(to, byte)| *to ^= byte);
    Ok(out)
}

/// MDC-1: both encipherments, right halves exchanged.
fn step(keys: (&Block, &Block), inputs: (&Block, &Block)) -> Result<(Block, Block), ModeError> {
    let mut first = half(keys.0, 0x40, inputs.0)?;
    let mut second = half(keys.1, 0x20, inputs.1)?;
    first[4..].swap_with_slice(&mut second[4..]);
    Ok((first, second))
}

fn run(text: &[u8], again: bool) -> Result<Zeroizing<[u8; 16]>, ModeError> {
    if !text.len().is_multiple_of(8) {
        return Err(ModeError::DataLength {
            len: text.len(),
            block: 8,
        });
    }
    let mut keys = (Zeroizing::new(FIRST.0), Zeroizing::new(FIRST.1));
    for block in text.chunks_exact(8) {
        let mut input = Zeroizing::new([0; 8]);
        input.copy_from_slice(block);
        let mut next = step((&keys.0, &keys.1), (&input, &input))?;
        if again {
            next = step((&next.0, &next.1), (&keys.1, &keys.0))?;
        }
        keys = next;
    }
    let mut out = Zeroizing::new([0; 16]);
    out[..8].copy_from_slice(&keys.0[..]);
    out[8..].copy_from_slice(&keys.1[..]);
    Ok(out)
}

/// MDC-2 of whole blocks of eight bytes: two encipherments a block.
///
/// # Errors
/// [`ModeError::DataLength`]
pub fn mdc2(text: &[u8]) -> Result<Zeroizing<[u8; 16]>, ModeError> {
    run(text, false)
}

/// MDC-4 of whole blocks of eight bytes: four encipherments a block.
///
/// # Errors
/// [`ModeError::DataLength`]
pub fn mdc4(text: &[u8]) -> Result<Zeroizing<[u8; 16]>, ModeError> {
    run(text, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::vectors::unhex;

    #[test]
    fn published_mdc2() {
        // Five bytes of zero to whole blocks, as published.
        for (text, expected) in [
            (
                "The quick brown fox jumps over the lazy dog",
                "000ED54E093D61679AEFBEAE05BFE33A",
            ),
            (
                "The quick brown fox jumps over the lazy cog",
                "775F59F8E51AEC29C57AC6AB850D58E8",
            ),
        ] {
            let mut text = text.as_bytes().to_vec();
            text.resize(48, 0);
            assert_eq!(mdc2(&text).unwrap().to_vec(), unhex(expected));
        }
        let nothing = [FIRST.0, FIRST.1].concat();
        assert_eq!(mdc2(&[]).unwrap().to_vec(), nothing);
        assert_eq!(mdc4(&[]).unwrap().to_vec(), nothing);
        assert!(mdc4(&[0; 7]).is_err());
    }
}
