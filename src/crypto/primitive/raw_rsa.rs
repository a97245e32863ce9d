//! RSA as plain arithmetic, for formats that bring their own padding (EMV's
//! certificates): one modular exponentiation, in time that does not depend on
//! the values. No padding: nothing but such formats may use it.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};

/// `base` to the power of `exponent`, modulo `modulus`, all big-endian; as long
/// as the modulus. `None` where the modulus is even, its first byte is zero, it
/// has more than 512 bytes, or the base is not smaller.
#[must_use]
pub fn power(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Option<Vec<u8>> {
    let bits = u32::try_from(modulus.len().checked_mul(8)?).ok()?;
    let odd = modulus.last().is_some_and(|last| last % 2 == 1);
    let sized = (32..=512).contains(&modulus.len()) && modulus.first() != Some(&0);
    // Of one length, numbers compare as bytes do.
    if !odd || !sized || base.len() != modulus.len() || base >= modulus || exponent.is_empty() {
        return None;
    }
    let number = |bytes: &[u8], bits| BoxedUint::from_be_slice(bytes, bits).ok();
    let n: Option<Odd<BoxedUint>> = Odd::new(number(modulus, bits)?).into();
    let params = BoxedMontyParams::new(n?);
    let base = BoxedMontyForm::new(number(base, params.bits_precision())?, &params);
    let exponent_bits = u32::try_from(exponent.len().checked_mul(8)?).ok()?;
    let exponent = number(exponent, exponent_bits)?;
    let power = base.pow_bounded_exp(&exponent, exponent_bits).retrieve();
    let bytes = power.to_be_bytes();
    let start = bytes.len().checked_sub(modulus.len())?;
    Some(bytes[start..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_number_and_refusals() {
        // 2^255 + 95 is odd, and larger than 3^5.
        let mut n = [0; 32];
        (n[0], n[31]) = (0x80, 95);
        let mut base = [0; 32];
        base[31] = 3;
        let found = power(&base, &[5], &n).unwrap();
        assert_eq!((found.len(), found[31]), (32, 243));
        assert_eq!(power(&n, &[5], &n), None, "not smaller");
        assert_eq!(power(&base[1..], &[5], &n), None, "shorter");
        assert_eq!(power(&base, &[], &n), None);
        n[31] = 96;
        assert_eq!(power(&base, &[5], &n), None, "even");
        assert_eq!(power(&[1; 513], &[5], &[0xFF; 513]), None, "long");
    }
}
