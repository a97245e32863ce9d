//! Pure cryptographic functions: bytes in, bytes out. Randomness is passed in;
//! what is secret comes and goes as [`Secret`](crate::secret::Secret).

pub mod components;
pub mod des_keys;
pub mod kcv;
pub mod modes;

#[cfg(test)]
pub(crate) mod vectors;
