//! A layout that administrators approved on a page of X's, and the pages of X's
//! that were printed.

use conclave_evidence::{Hash, Id};
use serde::{Deserialize, Serialize};

use super::pin_key::Withdrawn;
use super::{derived_id, first_half};

/// The newest page of X's of a layout on a printer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutSample {
    /// SHA-256 of the layout file.
    pub digest: Hash,
    /// The printer's record.
    pub printer: Id,
    /// When its last byte was sent, wall clock.
    pub printed_ms: u64,
}

impl LayoutSample {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "layout-sample";

    /// The record's id: one for each layout and printer.
    #[must_use]
    pub fn id(&self) -> Id {
        derived_id(Self::KIND, &[&self.digest.0, &self.printer.0])
    }
}

/// Forms may be printed by the layout of this digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayoutApproval {
    /// SHA-256 of the layout file.
    pub digest: Hash,
    /// The layout's name.
    pub name: String,
    /// Its version, from 1.
    pub version: u32,
    /// SHA-256 of the page of X's that they saw, as a PDF.
    pub sample: Hash,
    /// The printer of the page that they held in their hands; empty in records of
    /// before a printed page was asked for.
    #[serde(default)]
    pub printer: String,
    /// When that page was printed, wall clock.
    #[serde(default)]
    pub printed_ms: u64,
    /// What they say of the page and the paper.
    pub inspected: String,
    /// When, wall clock.
    pub approved_ms: u64,
    /// Nothing is printed by it any more. The record stays: its version is another
    /// text's no more than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawn>,
}

impl LayoutApproval {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "layout-approval";

    /// Forms may be printed by the layout of this digest.
    #[must_use]
    pub fn holds(&self, digest: &Hash) -> bool {
        self.digest == *digest && self.withdrawn.is_none()
    }

    /// The record's id: the first half of the layout's digest.
    #[must_use]
    pub fn id_of(digest: &Hash) -> Id {
        first_half(&digest.0)
    }
}
