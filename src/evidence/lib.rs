//! What a stranger can check, alone and without cards.
//!
//! Everything here is public: signed, hashed or authenticated as a tagged,
//! deterministic CBOR array. Nothing here holds a secret or makes a signature.

pub mod approval;
pub mod authority;
pub mod backup;
pub mod calendar;
pub mod cbor;
mod error;
pub mod examine;
pub mod export;
pub mod ids;
pub mod journal;
pub mod locked;
pub mod manifest;
mod manifest_text;
pub mod show;
pub mod sign;
mod tagged;
pub mod transcript;
pub mod update;
pub mod verify;
mod word_list;
pub mod words;

pub use authority::GroupId;
pub use error::EvidenceError;
pub use export::{CheckedJournal, JournalExport};
pub use ids::{Bytes, Hash, Id, Point, Signature};
pub use manifest::{Manifest, SignedManifest};
pub use manifest_text::manifest_text;
pub use tagged::{authority_file, read_authority_file};
pub use transcript::{SignedTranscript, Transcript};
pub use verify::{Check, Mark, Report, verify_path, verify_paths};
