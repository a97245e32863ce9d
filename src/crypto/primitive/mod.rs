//! Pure cryptographic functions: bytes in, bytes out. Randomness is passed in;
//! what is secret comes and goes as [`Secret`](crate::secret::Secret).

pub mod atalla_variant;
pub mod components;
pub mod derive;
pub mod des_keys;
pub mod dukpt;
pub mod ec;
pub mod hpke;
pub mod kcv;
pub mod kcv_fit;
pub mod key_kind;
pub mod key_scheme;
pub mod key_wrap;
pub mod lmk;
pub mod mac;
pub mod modes;
pub mod passphrase;
pub mod published;
pub mod raw_rsa;
pub mod rsa;
pub mod rsa_prime;
pub mod seal;
pub mod shamir;

#[cfg(test)]
pub(crate) mod vectors;
