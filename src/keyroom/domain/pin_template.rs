//! A template for files of cards that administrators approved.

use conclave_evidence::{Hash, Id};
use serde::{Deserialize, Serialize};

use super::pin_key::Withdrawn;

/// PINs may be made by the template of this digest. The record holds its text:
/// what was approved does not change with a file of the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinTemplateApproval {
    /// SHA-256 of the template file.
    pub digest: Hash,
    /// The template's name.
    pub name: String,
    /// For people.
    pub title: String,
    /// The template's exact text.
    pub text: String,
    /// When, wall clock, in milliseconds since 1970.
    pub approved_ms: u64,
    /// Set when it opens no batch any more.
    #[serde(default)]
    pub withdrawn: Option<Withdrawn>,
}

impl PinTemplateApproval {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "pin-template";

    /// The record's id: the first half of the template's digest.
    #[must_use]
    pub fn id_of(digest: &Hash) -> Id {
        let mut id = [0u8; 16];
        for (to, from) in id.iter_mut().zip(&digest.0) {
            *to = *from;
        }
        Id(id)
    }

    /// What new batches are made by: of each name the one approved last, by
    /// name; none where that one was withdrawn. Those before stay for batches
    /// that were opened by them.
    #[must_use]
    pub fn newest(all: Vec<Self>) -> Vec<Self> {
        let mut by_name = std::collections::BTreeMap::<String, Self>::new();
        for one in all {
            match by_name.get(&one.name) {
                Some(there) if there.approved_ms > one.approved_ms => {}
                _ => {
                    by_name.insert(one.name.clone(), one);
                }
            }
        }
        let withdrawn = |one: &Self| one.withdrawn.is_some();
        by_name
            .into_values()
            .filter(|one| !withdrawn(one))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_approval_of_a_name_holds() {
        let one = |name: &str, byte: u8, approved_ms| PinTemplateApproval {
            digest: Hash([byte; 32]),
            name: name.into(),
            title: String::new(),
            text: String::new(),
            approved_ms,
            withdrawn: None,
        };
        let mut all = vec![
            one("b", 1, 5),
            one("a", 2, 9),
            one("b", 3, 7),
            one("b", 4, 6),
        ];
        let newest = PinTemplateApproval::newest(all.clone());
        let found: Vec<(&str, u8)> = newest
            .iter()
            .map(|one| (one.name.as_str(), one.digest.0[0]))
            .collect();
        assert_eq!(found, [("a", 2), ("b", 3)]);
        // Withdrawn, it makes no room for one before it.
        all[2].withdrawn = Some(Withdrawn {
            at_ms: 9,
            reason: "its table was wrong".into(),
        });
        let newest = PinTemplateApproval::newest(all);
        assert_eq!(newest.len(), 1);
        assert_eq!(newest[0].name, "a");
        assert_eq!(PinTemplateApproval::id_of(&Hash([7; 32])), Id([7; 16]));
    }
}
