//! One prime of an RSA pair: all that has to be kept of a private half, because with
//! the public one everything else follows (RFC 8017 3.2): `q = n / p`, `d` and the
//! values of the Chinese remainder theorem.

use crypto_bigint::{BoxedUint, NonZero, Resize};
use crypto_primes::{Flavor, is_prime};
use rsa::PrivateKey;
use rsa::pkcs1::RsaPrivateKeyRef;
use rsa::pkcs8::{EncodePrivateKey, PrivateKeyInfoRef};
use x509_cert::der::Decode;
use zeroize::Zeroizing;

use super::rsa::{Public, RSA_ENCRYPTION, RsaError, check_pair};
use crate::secret::{RandomSource, Secret};

/// Bytes of one prime of a modulus of so many bits: half of them.
#[must_use]
pub const fn prime_bytes(bits: usize) -> usize {
    bits / 16
}

/// The first prime of a private key (PKCS#8, DER), as long as half of the modulus,
/// highest byte first. Copied once, from one locked place to another.
///
/// # Errors
/// [`RsaError::Private`]: no RSA key, or its primes are not half as long as the modulus.
pub fn prime_of(private: &Secret) -> Result<Secret, RsaError> {
    let info = PrivateKeyInfoRef::from_der(private.expose()).map_err(|_| RsaError::Private)?;
    if info.algorithm.oid != RSA_ENCRYPTION {
        return Err(RsaError::Private);
    }
    // The numbers stay where they are: these only point there.
    let key =
        RsaPrivateKeyRef::from_der(info.private_key.as_bytes()).map_err(|_| RsaError::Private)?;
    let len = prime_bytes(8 * key.modulus.as_bytes().len());
    let prime = key.prime1.as_bytes();
    if prime.len() != len || key.prime2.as_bytes().len() != len {
        return Err(RsaError::Private);
    }
    Ok(Secret::from_fn(len, |to| to.copy_from_slice(prime)))
}

/// The private half (PKCS#8, DER) of a public key, made from one of its primes. It is
/// checked before it is given: the prime is more than 1 and less than the modulus, and
/// divides it; both factors are prime (Baillie-PSW); the exponent has an inverse; and
/// the pair has signed something that the public half verifies.
///
/// # Errors
/// [`RsaError::Private`]: it is no prime of this key.
pub fn from_prime(
    public: &Public,
    prime: &Secret,
    random: &mut dyn RandomSource,
) -> Result<Secret, RsaError> {
    let wrong = RsaError::Private;
    let (bits, half) = (public.bits(), public.bits() / 2);
    if prime.len() != prime_bytes(bits) {
        return Err(wrong);
    }
    let number = |bytes: &[u8], bits: usize| {
        let bits = u32::try_from(bits).map_err(|_| wrong)?;
        BoxedUint::from_be_slice(bytes, bits).map_err(|_| wrong)
    };
    let n = number(&public.modulus()?, bits)?;
    let p = Zeroizing::new(number(prime.expose(), half)?);
    // As long as half of the modulus, so that it is less than it; and q is as long.
    if p.bit_width() as usize != half {
        return Err(wrong);
    }
    // What is not wiped here by name is wiped as it is freed (`ZeroOnFree`).
    let divisor: Option<NonZero<BoxedUint>> =
        NonZero::new(number(prime.expose(), bits)?).into_option();
    let (quotient, rest) = n.div_rem(&divisor.ok_or(wrong)?);
    if !bool::from(rest.is_zero()) || quotient.bit_width() as usize != half {
        return Err(wrong);
    }
    let q = Zeroizing::new(quotient.try_resize(p.bits_precision()).ok_or(wrong)?);
    if *p == *q || !is_prime(Flavor::Any, &*p) || !is_prime(Flavor::Any, &*q) {
        return Err(wrong);
    }
    let key = PrivateKey::from_p_q(
        (*p).clone(),
        (*q).clone(),
        BoxedUint::from(public.exponent()),
    )
    .map_err(|_| wrong)?;
    // The document wipes itself; the copy lies in locked memory.
    let document = key.to_pkcs8_der().map_err(|_| wrong)?;
    let private = Secret::from_fn(document.as_bytes().len(), |to| {
        to.copy_from_slice(document.as_bytes());
    });
    if check_pair(&private, random)? != *public {
        return Err(wrong);
    }
    Ok(private)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::components::{combine, split};
    use crate::primitive::key_kind::KeyKind;
    use crate::primitive::rsa::{generate, public_of};
    use crate::secret::testing::Seeded;

    #[test]
    fn the_pair_comes_back_from_one_prime_in_components_and_from_nothing_else() {
        let mut random = Seeded::new(11);
        let (private, public) = generate(2048, &mut random).unwrap();
        let prime = prime_of(&private).unwrap();
        assert_eq!(prime.len(), 128);
        let parts = split(KeyKind::RsaPrime, &prime, 3, &mut random).unwrap();
        let all: Vec<&Secret> = parts.iter().collect();
        let again = combine(KeyKind::RsaPrime, &all).unwrap();
        let made = from_prime(&public, &again, &mut random).unwrap();
        assert_eq!(public_of(&made).unwrap(), public);
        assert!(prime_of(&made).unwrap().ct_eq(prime.expose()));

        // Each of these is no prime of this key.
        let (other, _) = generate(2048, &mut random).unwrap();
        let mut digit = prime.duplicate();
        digit.expose_mut()[64] ^= 1;
        let one = Secret::from_fn(128, |to| to[127] = 1);
        let zero = Secret::zeroed(128);
        let short = prime.part(1..128).unwrap();
        let two = combine(KeyKind::RsaPrime, &all[..2]).unwrap();
        for wrong in [prime_of(&other).unwrap(), digit, one, zero, short, two] {
            let refused = from_prime(&public, &wrong, &mut random);
            assert!(matches!(refused, Err(RsaError::Private)));
        }
        // Nor is there a prime in what is no private key.
        assert!(prime_of(&prime).is_err());
    }
}
