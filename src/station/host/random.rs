//! The operating system's random source (R1): the kernel's DRBG, SP 800-90A
//! and 90B where the kernel is built so.

use conclave_crypto::secret::{RandomError, RandomSource};

/// `getrandom(2)`.
pub struct SystemRandom;

impl RandomSource for SystemRandom {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the composition's own random source"
    )]
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        getrandom::fill(buf).map_err(|e| RandomError::Unavailable(e.to_string()))
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}
