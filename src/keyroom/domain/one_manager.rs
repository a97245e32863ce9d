//! Custodians who can form a key together do not all report to one manager
//! (R17). A small organisation that has but one accepts that, for a time and
//! with a reason; it stands in the minutes of each ceremony.

use conclave_evidence::Id;
use conclave_evidence::cbor;
use serde::{Deserialize, Serialize};

/// The longest that it is accepted for, in days.
pub const ONE_MANAGER_DAYS: u64 = 365;

/// Custodians who all report to this manager are accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneManager {
    /// Whom they report to, as the directory has it.
    pub manager: String,
    /// Why it is accepted.
    pub reason: String,
    /// When, wall clock.
    pub accepted_ms: u64,
    /// Until when, wall clock.
    pub until_ms: u64,
}

fn plain(manager: &str) -> String {
    manager.trim().to_lowercase()
}

/// The manager to whom so many of them report as make the key; nothing where
/// there is none, or nobody is above.
pub fn manager_of<'a>(
    reports_to: impl IntoIterator<Item = &'a str>,
    need: usize,
) -> Option<String> {
    let all: Vec<&str> = reports_to.into_iter().map(str::trim).collect();
    let need = need.max(1);
    let count = |name: &str| all.iter().filter(|o| plain(o) == plain(name)).count();
    let found = all
        .iter()
        .find(|name| !name.is_empty() && count(name) >= need);
    found.map(|name| (*name).to_owned())
}

impl OneManager {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "one-manager";

    /// The record's id: one for each manager.
    #[must_use]
    pub fn id_of(manager: &str) -> Id {
        let mut id = [0u8; 16];
        // Text has no encoding that fails.
        if let Ok(digest) = cbor::digest("conclave/one-manager/1", &plain(manager)) {
            id.copy_from_slice(digest.0.split_at(16).0);
        }
        Id(id)
    }

    /// TRUE while it stands for this manager.
    #[must_use]
    pub fn covers(&self, manager: &str, now_ms: u64) -> bool {
        plain(&self.manager) == plain(manager) && now_ms <= self.until_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_manager_is_one_however_the_name_is_written() {
        assert_eq!(manager_of(["Zoe", " zoe "], 2), Some("Zoe".into()));
        assert_eq!(manager_of(["Zoe", "Yan", "Zoe"], 3), None);
        assert_eq!(manager_of(["", ""], 2), None, "nobody is above");
        assert_eq!(manager_of([], 0), None);
        // Of shares, as many as make the key are enough.
        let five = ["Zoe", "Yan", "Xia", "Zoe", "Zoe"];
        assert_eq!(manager_of(five, 3), Some("Zoe".into()));
        assert_eq!(manager_of(five, 4), None);
        assert_eq!(OneManager::id_of("Zoe"), OneManager::id_of(" ZOE"));
        assert_ne!(OneManager::id_of("Zoe"), OneManager::id_of("Yan"));
        let accepted = OneManager {
            manager: "Zoe".into(),
            reason: "four of us".into(),
            accepted_ms: 0,
            until_ms: 10,
        };
        assert!(accepted.covers("zoe", 10));
        assert!(!accepted.covers("zoe", 11));
        assert!(!accepted.covers("Yan", 1));
    }
}
