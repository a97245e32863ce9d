//! Files that are encrypted to a certificate and signed: CMS (RFC 5652).
//!
//! - `ber`: the encoding, read within limits, and written
//! - `enrolled`: a certificate that somebody's file is for, or from
//! - `agree`: the key that two EC keys agree on (RFC 5753)
//! - `envelop`: EnvelopedData, written to an RSA or an EC key
//! - `open`: EnvelopedData and AuthEnvelopedData, read with a P-256 key
//! - `sign`, `verify`: SignedData, written by a P-256 key, and read
//! - `describe`: what a file is, told without a key
//! - `sealed`: signed and encrypted, as a partner's files are
//!
//! Nothing is decrypted by RSA: RUSTSEC-2023-0071 is about that. So what comes
//! in is encrypted to a P-256 key; what goes out may be to an RSA key.
//!
//! A file is taken when it opens with one of our keys and exactly one signer,
//! whose certificate is enrolled, signed what is in it. Certificates in the file
//! are not looked at: a chain proves nothing here. Every other file has one
//! answer, [`CmsError::Refused`], since an answer that depends on what was
//! decrypted would be an oracle.

mod agree;
mod ber;
mod describe;
mod enrolled;
mod envelop;
mod open;
mod sealed;
mod sign;
mod verify;

use thiserror::Error;

use crate::primitive::rsa::RsaError;
use crate::secret::RandomError;

pub use describe::describe;
pub use enrolled::{Facts, Recipient, Signer};
pub use envelop::envelop;
pub use open::Own;
pub use sealed::{FILE_MOST, Opened, PLAIN_MOST, open, seal};
pub use sign::{sign, verify_own};

/// Why there is no certificate, no file, or nothing in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CmsError {
    /// Not a certificate in PEM or DER.
    #[error("this is no certificate")]
    NotACertificate,
    /// Its key.
    #[error("the certificate's key: {0}")]
    Key(#[from] RsaError),
    /// A key of an elliptic curve that is not P-256.
    #[error("the certificate's key is of another elliptic curve; P-256 is taken")]
    Curve,
    /// The random source.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The file cannot be encoded.
    #[error("the file cannot be encoded")]
    Encode,
    /// Whoever signs gave nothing, or a signature that is not the
    /// certificate's.
    #[error("there is no signature by the key of the certificate")]
    Signature,
    /// Changed, cut, too large, encrypted to somebody else, signed by somebody
    /// else or by nobody, or no CMS. Which one is not told.
    #[error("the file is not encrypted to this station and signed by the enrolled certificate")]
    Refused,
}
