//! A few keys found among a million: by their label, or by what sets them apart.
//! Of each key record eight bytes are noted when it is first read, in memory
//! only, so that a question does not open them all again. A note only says
//! which records to open: what is found is read from the records themselves.

use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::ops::BitOr;
use std::sync::atomic::Ordering;

use conclave_evidence::Id;

use super::{Compartment, Records, Vault, VaultError};
use crate::domain::key::{CheckValue, KeyRecord, KeyState};

/// What sets a key apart from the many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTraits(u64);

impl KeyTraits {
    /// Parts of it were ever made or typed.
    pub const PARTS: Self = Self(1 << 1);
    /// It wraps other keys.
    pub const WRAPPING: Self = Self(1 << 2);
    /// An RSA key.
    pub const RSA: Self = Self(1 << 3);
    /// It is being made.
    pub const COMING: Self = Self(1 << 4);
    /// It is, or was when it was destroyed, compromised.
    pub const COMPROMISED: Self = Self(1 << 6);
}

impl BitOr for KeyTraits {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Which keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysOf<'a> {
    /// Those of this label: one in use, and any number of void ones.
    Label(&'a str),
    /// Those of this check value: a few may have it by chance.
    CheckValue(&'a CheckValue),
    /// Active ones of this usage.
    Serving(&'a str),
    /// Those with any of these traits.
    Traits(KeyTraits),
}

/// The lowest bit says that the record was read.
const READ: u64 = 1;
/// It is active.
const ACTIVE: u64 = 1 << 5;
/// Bits of the usage, above those of the traits.
const USAGE: u64 = 0xFF00;
/// Bits of the check value, above them.
const CHECK_VALUE: u64 = 0xFFFF_0000;
/// Bits of the label, above them.
const LABEL: u64 = !0xFFFF_FFFF;

fn hashed(text: &str, bits: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish() & bits
}

fn note_of(key: &KeyRecord) -> u64 {
    let traits = [
        (key.parts_ever().next().is_some(), KeyTraits::PARTS),
        (key.is_wrapping_key(), KeyTraits::WRAPPING),
        (key.rsa.is_some(), KeyTraits::RSA),
        (key.state == KeyState::PreActivation, KeyTraits::COMING),
        (key.compromise.is_some(), KeyTraits::COMPROMISED),
    ];
    let traits = traits.iter().filter(|(has, _)| *has);
    let active = match key.state {
        KeyState::Active => ACTIVE,
        _ => 0,
    };
    let note = hashed(&key.label, LABEL)
        | hashed(&key.kcv.value, CHECK_VALUE)
        | hashed(&key.usage, USAGE)
        | active
        | READ;
    traits.fold(note, |note, (_, one)| note | one.0)
}

impl KeysOf<'_> {
    fn may_be(self, note: u64) -> bool {
        match self {
            Self::Label(label) => note & LABEL == hashed(label, LABEL),
            Self::CheckValue(kcv) => note & CHECK_VALUE == hashed(&kcv.value, CHECK_VALUE),
            Self::Serving(usage) => note & ACTIVE != 0 && note & USAGE == hashed(usage, USAGE),
            Self::Traits(traits) => note & traits.0 != 0,
        }
    }

    fn is(self, key: &KeyRecord) -> bool {
        match self {
            Self::Label(label) => key.label == label,
            Self::CheckValue(kcv) => key.kcv == *kcv,
            Self::Serving(usage) => key.state == KeyState::Active && key.usage == usage,
            Self::Traits(traits) => note_of(key) & traits.0 != 0,
        }
    }
}

impl Vault {
    /// The keys in question, in the order of their ids. The first question of a
    /// session opens every record that was not read before it.
    ///
    /// # Errors
    /// As [`Vault::list`].
    pub fn keys_of(&self, which: KeysOf<'_>) -> Result<Vec<(Id, KeyRecord)>, VaultError> {
        self.find(which, usize::MAX)
    }

    /// The same where there are at most so many; nothing where there are more,
    /// and then the others are not looked for.
    ///
    /// # Errors
    /// As [`Vault::list`].
    pub fn few_keys_of(
        &self,
        which: KeysOf<'_>,
        most: usize,
    ) -> Result<Option<Vec<(Id, KeyRecord)>>, VaultError> {
        let found = self.find(which, most.saturating_add(1))?;
        Ok((found.len() <= most).then_some(found))
    }

    /// The first so many.
    fn find(&self, which: KeysOf<'_>, many: usize) -> Result<Vec<(Id, KeyRecord)>, VaultError> {
        let compartment = Compartment::Catalogue;
        let Records::Known(kinds) = &self.opened(compartment)?.records else {
            return Err(VaultError::AddingUp(compartment));
        };
        let mut found = Vec::new();
        for (id, noted) in kinds.noted(KeyRecord::KIND) {
            if found.len() >= many {
                break;
            }
            let note = noted.load(Ordering::Relaxed);
            if note != 0 && !which.may_be(note) {
                continue;
            }
            let key: KeyRecord = self.get(compartment, id)?;
            noted.store(note_of(&key), Ordering::Relaxed);
            if which.is(&key) {
                found.push((id, key));
            }
        }
        Ok(found)
    }

    /// A key that is read for another purpose: it is noted by the way.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn key(&self, id: Id) -> Result<KeyRecord, VaultError> {
        let compartment = Compartment::Catalogue;
        let key: KeyRecord = self.get(compartment, id)?;
        let kinds = match &self.opened(compartment)?.records {
            Records::Known(kinds) => kinds,
            Records::Adding(behind) => behind.so_far(),
        };
        if let Some(noted) = kinds.note(KeyRecord::KIND, id) {
            noted.store(note_of(&key), Ordering::Relaxed);
        }
        Ok(key)
    }
}
