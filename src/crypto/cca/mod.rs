//! Key tokens of IBM's Common Cryptographic Architecture: ICSF, and the
//! coprocessors 4764, 4765, 4767, 4769 and Crypto Express alike.
//!
//! - [`ControlVector`]: what a DES key may do; the defaults of each key type as
//!   data, and the rules of one of one's own
//! - [`DesToken`]: the external fixed-length token of a DES key, 64 bytes, with
//!   its key under a transport key (the original wrapping: ECB)
//! - [`RsaToken`]: the external token of an RSA public key
//! - [`MasterKey`]: what the Master Key Entry panel asks about a key part
//! - [`describe`]: what a token says, without any key
//!
//! Sources: z/OS ICSF Application Programmer's Guide (appendices on key tokens
//! and control vectors), Administrator's Guide (appendix on checksum,
//! verification pattern and hash pattern). No token here was made or read by an
//! IBM coprocessor; see each module for what judges it.

mod control_vector;
mod des_token;
mod describe;
mod key_type;
mod master_key;
mod mdc;
mod rsa_token;

pub use control_vector::{ControlVector, CvError, KeyForm};
pub use des_token::{DesToken, TOKEN_LEN, TokenError, Wrapping, token_validation_value, wrap};
pub use describe::describe;
pub use key_type::{DEFAULTS, KeyType};
pub use master_key::{Confidence, MasterKey, PartError, checksum};
pub use mdc::{mdc2, mdc4};
pub use rsa_token::{RsaToken, RsaTokenError};
