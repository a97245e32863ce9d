//! What is tolerated in a wrapped key that somebody else made, by name.

use serde::{Deserialize, Serialize};

use super::key::WrappingMethod;

/// The profile of a maker of key blocks or of bare cryptograms, read from `profiles/*.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockProfile {
    /// Its name: `payshield`.
    pub name: String,
    /// Counts up with each change.
    pub version: u32,
    /// For people.
    pub title: String,
    /// Letters of the versions that are taken, of `A` to `E`; empty where what
    /// comes is no key block.
    #[serde(default)]
    pub versions: String,
    /// The key's length need not be hidden by padding.
    #[serde(default)]
    pub short_padding: bool,
    /// Optional blocks that X9.143 does not know may be there.
    #[serde(default)]
    pub unknown_blocks: bool,
    /// The letter `R`, a payShield's key scheme, may stand in front of the block.
    #[serde(default)]
    pub scheme_tag: bool,
    /// Letters of the schemes without a key block that are taken: of `UT`, or
    /// of `XY`, since a wrapping key has one method; empty for key blocks.
    #[serde(default)]
    pub schemes: String,
    /// What comes is an external key token of IBM CCA.
    #[serde(default)]
    pub cca_tokens: bool,
    /// A key without a key block need not have odd parity; it is set.
    #[serde(default)]
    pub any_parity: bool,
    /// A way of wrapping that is neither TR-31 nor one of the schemes:
    /// `thales-s`, `atalla-akb`; nothing of the above is said then.
    #[serde(default)]
    pub method: Option<WrappingMethod>,
}

impl BlockProfile {
    /// `payshield v1`.
    #[must_use]
    pub fn stamp(&self) -> String {
        format!("{} v{}", self.name, self.version)
    }

    /// How a wrapping key has to wrap for this; nothing where its algorithm
    /// decides the TR-31 key block.
    #[must_use]
    pub fn wraps_by(&self) -> Option<WrappingMethod> {
        self.method.or_else(|| self.bare_method())
    }

    /// The same where what comes is no key block at all.
    #[must_use]
    pub fn bare_method(&self) -> Option<WrappingMethod> {
        match self.schemes.as_str() {
            "" if self.cca_tokens => Some(WrappingMethod::CcaEcb),
            "" => self.method.filter(|method| method.is_exception()),
            letters if letters.contains(['U', 'T']) => Some(WrappingMethod::ThalesVariant),
            _ => Some(WrappingMethod::X917),
        }
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
        if let Some(method) = self.method {
            let says_more = !self.versions.is_empty()
                || !self.schemes.is_empty()
                || self.short_padding
                || self.scheme_tag
                || self.cca_tokens
                || self.any_parity;
            let maker = matches!(
                method,
                WrappingMethod::ThalesBlock | WrappingMethod::AtallaAkb
            );
            if !maker {
                return Err(format!("nothing is read by the method {}", method.name()));
            }
            if says_more || (self.unknown_blocks && method != WrappingMethod::ThalesBlock) {
                return Err(format!(
                    "beside the method {} it says what is of other formats",
                    method.name()
                ));
            }
            return Ok(());
        }
        if self.cca_tokens {
            let of_others = !self.versions.is_empty()
                || !self.schemes.is_empty()
                || self.short_padding
                || self.scheme_tag
                || self.unknown_blocks;
            if of_others {
                return Err("it is for CCA tokens and for something else at once".into());
            }
            return Ok(());
        }
        if self.bare_method().is_some() {
            let known = matches!(self.schemes.as_str(), "U" | "T" | "UT" | "X" | "Y" | "XY");
            if !known {
                return Err(format!(
                    "schemes {:?} are not of UT or of XY: a wrapping key has one method",
                    self.schemes
                ));
            }
            let of_blocks = !self.versions.is_empty()
                || self.short_padding
                || self.scheme_tag
                || self.unknown_blocks;
            if of_blocks {
                return Err("it is for key blocks and for bare cryptograms at once".into());
            }
            return Ok(());
        }
        if self.any_parity {
            return Err("parity is a question of bare cryptograms only".into());
        }
        if self.versions.is_empty() || self.versions.chars().any(|c| !('A'..='E').contains(&c)) {
            return Err(format!("versions {:?} are not of A to E", self.versions));
        }
        Ok(())
    }
}
