//! What is tolerated in a key block that somebody else made, by name.

use serde::{Deserialize, Serialize};

/// The profile of a maker of key blocks, read from `profiles/*.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockProfile {
    /// Its name: `payshield`.
    pub name: String,
    /// Counts up with each change.
    pub version: u32,
    /// For people.
    pub title: String,
    /// Letters of the versions that are taken, of `A` to `E`.
    pub versions: String,
    /// The key's length need not be hidden by padding.
    pub short_padding: bool,
    /// Optional blocks that X9.143 does not know may be there.
    pub unknown_blocks: bool,
}

impl BlockProfile {
    /// `payshield v1`.
    #[must_use]
    pub fn stamp(&self) -> String {
        format!("{} v{}", self.name, self.version)
    }

    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// A rule in words.
    pub fn check(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(1..=32).contains(&self.name.len()) || !self.name.chars().all(plain) {
            return Err("its name is not made of a-z, 0-9 and -".into());
        }
        if self.version == 0 {
            return Err("its version is 0; versions count from 1".into());
        }
        let title = self.title.chars();
        if !(1..=60).contains(&title.clone().count()) || title.clone().any(char::is_control) {
            return Err("its title has not 1 to 60 plain characters".into());
        }
        if self.versions.is_empty() || self.versions.chars().any(|c| !('A'..='E').contains(&c)) {
            return Err(format!("versions {:?} are not of A to E", self.versions));
        }
        Ok(())
    }
}
