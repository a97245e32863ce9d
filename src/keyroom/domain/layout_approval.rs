//! A layout that administrators approved on a page of X's.

use conclave_evidence::{Hash, Id};
use serde::{Deserialize, Serialize};

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
    /// What they say of the page and the paper.
    pub inspected: String,
    /// When, wall clock.
    pub approved_ms: u64,
}

impl LayoutApproval {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "layout-approval";

    /// The record's id: the first half of the layout's digest.
    #[must_use]
    pub fn id_of(digest: &Hash) -> Id {
        let mut id = [0u8; 16];
        for (to, from) in id.iter_mut().zip(&digest.0) {
            *to = *from;
        }
        Id(id)
    }
}
