//! Randomness, passed in.

use thiserror::Error;

use super::Secret;

/// Why there are no random bytes. Nothing is produced in either case (R1).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RandomError {
    /// The source itself did not deliver.
    #[error("the random source did not answer: {0}")]
    Unavailable(String),
    /// A health test failed, now or earlier; the source stays shut until the
    /// process starts again.
    #[error("the random source failed its health test: {0}")]
    Faulted(#[from] HealthFault),
}

/// Which health test failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HealthFault {
    /// One byte value came too many times in a row (SP 800-90B 4.4.1).
    #[error("one value repeated")]
    Repetition,
    /// One byte value came too often in a window (SP 800-90B 4.4.2).
    #[error("one value too frequent")]
    Proportion,
    /// A block equals the block before it (FIPS 140-2 4.9.2).
    #[error("a block repeated")]
    StuckBlock,
}

/// A source of random bytes.
///
/// Two methods on purpose: the caller says which bytes the world may see.
pub trait RandomSource: Send {
    /// Fills `buf` with bytes that may become known: salts, identifiers, serial
    /// numbers, challenges.
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError>;

    /// Fills `buf`, which lies in locked memory, with bytes that may not:
    /// keys, components, shares, PINs.
    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError>;

    /// `len` secret bytes, drawn straight into locked memory.
    fn secret_bytes(&mut self, len: usize) -> Result<Secret, RandomError> {
        let mut secret = Secret::zeroed(len);
        self.secret(secret.expose_mut())?;
        Ok(secret)
    }
}

impl<R: RandomSource + ?Sized> RandomSource for &mut R {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        (**self).public(buf)
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        (**self).secret(buf)
    }
}

impl<R: RandomSource + ?Sized> RandomSource for Box<R> {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        (**self).public(buf)
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        (**self).secret(buf)
    }
}

/// What every source can do besides, also as a `dyn RandomSource`.
pub trait RandomExt: RandomSource {
    /// `N` public bytes.
    fn public_array<const N: usize>(&mut self) -> Result<[u8; N], RandomError> {
        let mut array = [0; N];
        self.public(&mut array)?;
        Ok(array)
    }

    /// A secret number in `0..bound`, uniform (by rejection, so that a PIN digit
    /// has no bias). A bound of zero gives zero.
    fn secret_below(&mut self, bound: u32) -> Result<u32, RandomError> {
        let Some(zone) = u32::MAX.checked_div(bound).map(|times| times * bound) else {
            return Ok(0);
        };
        loop {
            let drawn = self.secret_bytes(4)?;
            let number = drawn
                .expose()
                .iter()
                .fold(0u32, |number, byte| number << 8 | u32::from(*byte));
            if number < zone {
                return Ok(number % bound);
            }
        }
    }
}

impl<R: RandomSource + ?Sized> RandomExt for R {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::testing::Seeded;

    #[test]
    fn helpers_work_through_a_trait_object() {
        let mut seeded = Seeded::new(1);
        let source: &mut dyn RandomSource = &mut seeded;
        let salt: [u8; 32] = source.public_array().unwrap();
        assert_ne!(salt, [0; 32]);
        assert_eq!(source.secret_bytes(24).unwrap().len(), 24);
    }

    #[test]
    fn numbers_below_a_bound_reach_all_values_evenly() {
        let mut source = Seeded::new(2);
        let mut seen = [0u32; 10];
        for _ in 0..10_000 {
            seen[source.secret_below(10).unwrap() as usize] += 1;
        }
        // Standard deviation is 30; six of them.
        assert!(seen.iter().all(|n| (820..1180).contains(n)), "{seen:?}");
        assert_eq!(source.secret_below(1).unwrap(), 0);
        assert_eq!(source.secret_below(0).unwrap(), 0);
    }
}
