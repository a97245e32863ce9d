//! The states of a key's life, and which follows which.

use serde::{Deserialize, Serialize};

/// The states of SP 800-57 part 1, section 7 (R21). A compromised key never
/// comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// Made, and not to be used yet: components are on their way.
    PreActivation,
    /// In use.
    Active,
    /// Set aside until it is known what happened; it may come back.
    Suspended,
    /// Replaced, and kept for what it made: nothing new is done with it.
    Deactivated,
    /// Somebody who may not may know it. It never comes back.
    Compromised,
    /// The ceremony was interrupted: never to be used.
    Void,
    /// Destroyed; the metadata stays.
    Destroyed,
}

impl KeyState {
    /// For screens.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::PreActivation => "pre-activation",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deactivated => "deactivated",
            Self::Compromised => "compromised",
            Self::Void => "void",
            Self::Destroyed => "destroyed",
        }
    }

    /// TRUE while its sheets are kept for the day on which it is put together again.
    /// New sheets of a suspended key, and the proof of the old ones, are custody and no
    /// use of it: nothing is protected or processed with it (SP 800-57 part 1, 7.3).
    #[must_use]
    pub fn keeps_sheets(self) -> bool {
        matches!(self, Self::Active | Self::Suspended)
    }

    /// TRUE when `next` may follow.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use KeyState::{
            Active, Compromised, Deactivated, Destroyed, PreActivation, Suspended, Void,
        };
        matches!(
            (self, next),
            (PreActivation, Active | Void | Destroyed)
                | (Active, Suspended | Deactivated)
                | (Suspended, Active)
                | (Active | Suspended | Deactivated, Compromised)
                | (
                    Active | Suspended | Deactivated | Compromised | Void,
                    Destroyed
                )
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_back_from_void_or_destruction() {
        for next in [
            KeyState::PreActivation,
            KeyState::Active,
            KeyState::Suspended,
        ] {
            assert!(!KeyState::Compromised.may_become(next));
            assert!(!KeyState::Void.may_become(next));
            assert!(!KeyState::Deactivated.may_become(next));
            assert!(!KeyState::Destroyed.may_become(next));
        }
        assert!(KeyState::PreActivation.may_become(KeyState::Active));
        assert!(!KeyState::Active.may_become(KeyState::PreActivation));
        assert!(KeyState::Suspended.may_become(KeyState::Active));
        for from in [KeyState::Active, KeyState::Suspended, KeyState::Deactivated] {
            assert!(from.may_become(KeyState::Compromised));
        }
        assert!(KeyState::Compromised.may_become(KeyState::Destroyed));
        assert!(KeyState::Active.keeps_sheets() && KeyState::Suspended.keeps_sheets());
        assert!(!KeyState::Compromised.keeps_sheets() && !KeyState::PreActivation.keeps_sheets());
    }
}
