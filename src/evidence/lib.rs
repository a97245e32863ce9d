//! What a stranger can check, alone and without cards.
//!
//! Everything here is public: signed, hashed or authenticated as a tagged,
//! deterministic CBOR array. Nothing here holds a secret or makes a signature.

pub mod approval;
pub mod authority;
pub mod cbor;
pub mod ids;
pub mod journal;
pub mod sign;

pub use authority::GroupId;
pub use ids::{Bytes, Hash, Id, Point, Signature};
