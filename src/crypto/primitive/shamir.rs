//! Shamir's secret sharing over GF(2^8), byte by byte.
//!
//! The field is that of AES, polynomial x^8 + x^4 + x^3 + x + 1 (0x11b). No
//! table is indexed by a secret and no branch depends on one. The coefficients
//! are uniform *including zero*: leaving zero out would tell something about the
//! secret to fewer than m members.
//!
//! A share is checked against its public commitment SHA-256(salt || x || bytes)
//! before it is used, so that a bad one is named and not only noticed.

use subtle::ConstantTimeEq;
use thiserror::Error;

use super::derive::sha256;
use crate::secret::{RandomError, RandomExt, RandomSource, Secret};

/// Most shares of one secret.
pub const MAX_SHARES: u8 = 16;

/// One member's share.
pub struct Share {
    /// Where the polynomial was evaluated: 1 to [`MAX_SHARES`], public.
    pub x: u8,
    /// The values, as many as the secret has bytes.
    pub bytes: Secret,
}

/// What may be known of a share by everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment {
    /// The share's place.
    pub x: u8,
    /// Fresh for each share, so that equal shares do not look equal.
    pub salt: [u8; 32],
    /// SHA-256(salt || x || bytes).
    pub digest: [u8; 32],
}

/// Why a secret is not split or put together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShamirError {
    /// Not 1 <= m <= n <= 16.
    #[error("{m} of {n} shares is not possible")]
    Quorum {
        /// Shares needed.
        m: u8,
        /// Shares made.
        n: u8,
    },
    /// Nothing to share.
    #[error("an empty secret cannot be shared")]
    Empty,
    /// Not exactly as many shares as the quorum says.
    #[error("{have} shares, {need} are needed")]
    Count {
        /// Shares given.
        have: usize,
        /// Shares needed.
        need: u8,
    },
    /// A share at 0 (which would be the secret itself) or past the last place.
    #[error("there is no share {0}")]
    Place(u8),
    /// The same share twice.
    #[error("share {0} was given twice")]
    Duplicate(u8),
    /// A share of another length.
    #[error("share {x} has {len} bytes, not {expected}")]
    Length {
        /// The share.
        x: u8,
        /// Its bytes.
        len: usize,
        /// Bytes of the others.
        expected: usize,
    },
    /// A share that is not the one committed to, or for which there is no
    /// commitment.
    #[error("share {0} is not the one that was made")]
    Bad(u8),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Product in GF(2^8): eight steps for every pair of operands.
fn mul(a: u8, b: u8) -> u8 {
    let (mut a, mut product) = (a, 0);
    for bit in 0..8 {
        product ^= a & 0u8.wrapping_sub(b >> bit & 1);
        let carry = 0u8.wrapping_sub(a >> 7);
        a = a << 1 ^ (carry & 0x1B);
    }
    product
}

/// Inverse: a^254. Zero gives zero, which no caller asks for.
fn inverse(a: u8) -> u8 {
    // 254 = 0b1111_1110: the product of a^2, a^4, ... a^128.
    let (mut power, mut product) = (a, 1);
    for _ in 0..7 {
        power = mul(power, power);
        product = mul(product, power);
    }
    product
}

impl Share {
    fn digest(&self, salt: &[u8; 32]) -> [u8; 32] {
        sha256(&[salt, &[self.x], self.bytes.expose()])
    }

    /// Commits to this share with a fresh salt.
    pub fn commit(&self, random: &mut dyn RandomSource) -> Result<Commitment, RandomError> {
        let salt = random.public_array()?;
        Ok(Commitment {
            x: self.x,
            salt,
            digest: self.digest(&salt),
        })
    }

    /// Whether this is the share that `commitment` was made for.
    #[must_use]
    pub fn matches(&self, commitment: &Commitment) -> bool {
        self.x == commitment.x
            && self
                .digest(&commitment.salt)
                .ct_eq(&commitment.digest)
                .into()
    }
}

/// Splits `secret` into `n` shares at x = 1..=n, of which any `m` put it together
/// and fewer tell nothing.
pub fn split(
    secret: &Secret,
    m: u8,
    n: u8,
    random: &mut dyn RandomSource,
) -> Result<Vec<Share>, ShamirError> {
    if m == 0 || m > n || n > MAX_SHARES {
        return Err(ShamirError::Quorum { m, n });
    }
    if secret.is_empty() {
        return Err(ShamirError::Empty);
    }
    // One polynomial per byte; coefficient k of all of them lies together.
    let coefficients = (1..m)
        .map(|_| random.secret_bytes(secret.len()))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((1..=n)
        .map(|x| Share {
            x,
            bytes: evaluate(secret, &coefficients, x),
        })
        .collect())
}

/// Horner's rule at `x`, for every byte.
fn evaluate(secret: &Secret, coefficients: &[Secret], x: u8) -> Secret {
    Secret::from_fn(secret.len(), |bytes| {
        for coefficient in coefficients.iter().rev().chain([secret]) {
            for (byte, next) in bytes.iter_mut().zip(coefficient.expose()) {
                *byte = mul(*byte, x) ^ next;
            }
        }
    })
}

/// Puts a secret together from exactly `m` shares, each checked against its
/// commitment first.
pub fn combine(
    shares: &[&Share],
    m: u8,
    commitments: &[Commitment],
) -> Result<Secret, ShamirError> {
    check_places(shares, m)?;
    for share in shares {
        if !commitments.iter().any(|made| share.matches(made)) {
            return Err(ShamirError::Bad(share.x));
        }
    }
    interpolate(shares)
}

/// Puts a secret together from `m` shares for which there are no commitments
/// here: whoever calls has another way to know that they are right.
pub fn put_together(shares: &[&Share], m: u8) -> Result<Secret, ShamirError> {
    check_places(shares, m)?;
    interpolate(shares)
}

/// Places and number, which are public, before any value is looked at.
fn check_places(shares: &[&Share], m: u8) -> Result<(), ShamirError> {
    for (index, share) in shares.iter().enumerate() {
        if share.x == 0 || share.x > MAX_SHARES {
            return Err(ShamirError::Place(share.x));
        }
        if shares[..index].iter().any(|earlier| earlier.x == share.x) {
            return Err(ShamirError::Duplicate(share.x));
        }
    }
    if m == 0 || shares.len() != usize::from(m) {
        return Err(ShamirError::Count {
            have: shares.len(),
            need: m,
        });
    }
    Ok(())
}

/// Lagrange at 0. The places are distinct and not zero.
fn interpolate(shares: &[&Share]) -> Result<Secret, ShamirError> {
    let expected = shares.first().map_or(0, |share| share.bytes.len());
    let mut secret = Secret::zeroed(expected);
    for share in shares {
        if share.bytes.len() != expected {
            return Err(ShamirError::Length {
                x: share.x,
                len: share.bytes.len(),
                expected,
            });
        }
        let weight = shares
            .iter()
            .filter(|other| other.x != share.x)
            .fold(1, |weight, other| {
                mul(weight, mul(other.x, inverse(other.x ^ share.x)))
            });
        for (byte, value) in secret.expose_mut().iter_mut().zip(share.bytes.expose()) {
            *byte ^= mul(weight, *value);
        }
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::vectors::unhex;
    use crate::secret::testing::Seeded;
    use proptest::prelude::*;

    fn share(x: u8, bytes: &[u8]) -> Share {
        Share {
            x,
            bytes: Secret::take(&mut bytes.to_vec()),
        }
    }

    /// FIPS 197 4.2: {57} * {83} = {c1}, {57} * {13} = {fe}; and all inverses.
    #[test]
    fn the_field_is_that_of_aes() {
        assert_eq!((mul(0x57, 0x83), mul(0x57, 0x13)), (0xC1, 0xFE));
        assert!((1..=255).all(|a| mul(a, inverse(a)) == 1));
    }

    /// draft-mcgrew-tss-03, clause 9: the test case of a 2-of-2 sharing of
    /// "test\0", in both directions.
    #[test]
    fn published_shares() {
        let (one, two) = (unhex("b9fa07e185"), unhex("f5409b4511"));
        let (a, b) = (share(1, &one), share(2, &two));
        assert!(interpolate(&[&a, &b]).unwrap().ct_eq(b"test\0"));
        // The coefficient follows from the first share: secret + coefficient.
        let coefficient: Vec<u8> = one.iter().zip(b"test\0").map(|(a, b)| a ^ b).collect();
        let secret = Secret::take(&mut b"test\0".to_vec());
        let coefficients = [Secret::take(&mut coefficient.clone())];
        assert!(evaluate(&secret, &coefficients, 1).ct_eq(&one));
        assert!(evaluate(&secret, &coefficients, 2).ct_eq(&two));
    }

    fn set(m: u8, n: u8, seed: u64) -> (Secret, Vec<Share>, Vec<Commitment>) {
        let mut random = Seeded::new(seed);
        let secret = random.secret_bytes(32).unwrap();
        let shares = split(&secret, m, n, &mut random).unwrap();
        let commitments = shares
            .iter()
            .map(|share| share.commit(&mut random).unwrap())
            .collect();
        (secret, shares, commitments)
    }

    #[test]
    fn each_refusal_names_the_share() {
        let (_, shares, commitments) = set(3, 5, 1);
        let (a, b, c) = (&shares[0], &shares[1], &shares[2]);
        let refused = |shares: &[&Share]| combine(shares, 3, &commitments).err();
        let count = |have| Some(ShamirError::Count { have, need: 3 });
        assert_eq!(refused(&[a, b]), count(2));
        assert_eq!(refused(&[a, b, c, &shares[3]]), count(4));
        assert_eq!(refused(&[a, b, a]), Some(ShamirError::Duplicate(1)));
        let zero = share(0, &[0; 32]);
        assert_eq!(refused(&[a, b, &zero]), Some(ShamirError::Place(0)));
        let far = share(17, &[0; 32]);
        assert_eq!(refused(&[a, b, &far]), Some(ShamirError::Place(17)));
        let short = share(3, &c.bytes.expose()[..31]);
        assert_eq!(refused(&[a, b, &short]), Some(ShamirError::Bad(3)));
        // Another member's values under this place.
        let moved = share(3, shares[3].bytes.expose());
        assert_eq!(refused(&[a, &moved, b]), Some(ShamirError::Bad(3)));
        assert_eq!(
            combine(&[a, b, c], 3, &commitments[..2]).err(),
            Some(ShamirError::Bad(3))
        );
        assert!(matches!(
            interpolate(&[a, &short]),
            Err(ShamirError::Length {
                x: 3,
                len: 31,
                expected: 32
            })
        ));
    }

    #[test]
    fn impossible_quorums_are_refused() {
        let secret = Secret::from_fn(4, |b| b.fill(1));
        for (m, n) in [(0, 0), (0, 3), (4, 3), (2, 17)] {
            let split = split(&secret, m, n, &mut Seeded::new(1));
            assert_eq!(split.err(), Some(ShamirError::Quorum { m, n }));
        }
        let empty = split(&Secret::zeroed(0), 2, 3, &mut Seeded::new(1));
        assert_eq!(empty.err(), Some(ShamirError::Empty));
    }

    /// A source that gives zeros: the coefficients are taken as they come.
    #[test]
    fn zero_coefficients_are_taken() {
        struct Zeros;
        impl RandomSource for Zeros {
            fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
                buf.fill(0);
                Ok(())
            }
            fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
                self.public(buf)
            }
        }
        let secret = Secret::from_fn(8, |b| b.fill(0x5A));
        let shares = split(&secret, 3, 5, &mut Zeros).unwrap();
        assert!(shares.iter().all(|share| share.bytes.ct_eq(&[0x5A; 8])));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_quorum_in_any_order_and_a_changed_share_is_named(
            (n, m, order) in (1u8..=16).prop_flat_map(|n| (
                Just(n), 1u8..=n, Just((0..usize::from(n)).collect::<Vec<_>>()).prop_shuffle(),
            )),
            seed in any::<u64>(), at in 0usize..32, bit in 0u8..8,
        ) {
            let (secret, mut shares, commitments) = set(m, n, seed);
            let chosen = &order[..usize::from(m)];
            let pick = |shares: &[Share]| {
                let picked: Vec<&Share> = chosen.iter().map(|i| &shares[*i]).collect();
                combine(&picked, m, &commitments)
            };
            prop_assert!(pick(&shares).unwrap().ct_eq(secret.expose()));
            shares[chosen[0]].bytes.expose_mut()[at] ^= 1 << bit;
            prop_assert_eq!(pick(&shares).err(), Some(ShamirError::Bad(chosen[0] as u8 + 1)));
            if m > 1 {
                let fewer: Vec<&Share> = chosen[1..].iter().map(|i| &shares[*i]).collect();
                prop_assert!(!interpolate(&fewer).unwrap().ct_eq(secret.expose()));
            }
        }
    }
}
