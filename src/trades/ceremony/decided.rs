//! What is decided before a ceremony begins, and signed by both quorums: the
//! key, its paper, its parts, its way.

use conclave_evidence::Id;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::legacy::LegacyException;
use conclave_keyroom::domain::profile::BlockProfile;
use conclave_keyroom::domain::template::KeyTemplate;
use serde::{Deserialize, Serialize};

/// The key under which a working key leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappingKey {
    /// Its id.
    pub id: Id,
    /// Its label.
    pub label: String,
    /// Its form: it is at least as strong as what it wraps (R6).
    pub form: KeyForm,
}

/// Where a working key goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The wrapping key.
    pub under: WrappingKey,
    /// For whom.
    pub recipient: String,
    /// The enrolled medium.
    pub medium: Id,
    /// Its name in the room.
    pub medium_name: String,
    /// Why it leaves without a key block, where it does, and until when.
    #[serde(default)]
    pub exception: Option<LegacyException>,
}

/// What was requested and approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// The new key's label.
    pub label: String,
    /// What kind of key.
    pub template: KeyTemplate,
    /// How many components, 2 to 9; 0 for a working key.
    pub components: u8,
    /// Where a working key goes.
    pub delivery: Option<Delivery>,
    /// Who asked for the key: never an approver or a custodian of it.
    pub requester: Option<Id>,
    /// How a partner's paper is, where a key is entered from it.
    #[serde(default)]
    pub paper: Option<Paper>,
    /// Where an imported key comes from.
    #[serde(default)]
    pub import: Option<ImportFrom>,
    /// Whose sheets an exercise proves.
    #[serde(default)]
    pub exercise: Option<Exercise>,
    /// The key that is split again.
    #[serde(default)]
    pub split: Option<Split>,
    /// Which sheets are destroyed.
    #[serde(default)]
    pub destroy: Option<Destroy>,
    /// Which shares are typed.
    #[serde(default)]
    pub shares: Option<SharesIn>,
    /// Who ever held which part of this key, also in an entry that came to
    /// nothing: they hold no other part of it (R4).
    #[serde(default)]
    pub held: Vec<(Id, u8)>,
    /// The forms are blind mailers: nobody looks whether a value is legible.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blind: bool,
    /// Why a value comes in that a key of the station has already, where that is said
    /// (R20).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_value: Option<String>,
}

impl Parameters {
    /// The key that was there before the ceremony: nothing that happens in it
    /// voids that one.
    #[must_use]
    pub fn existing(&self) -> Option<Id> {
        let split = self.split.as_ref().map(|s| s.key);
        let destroy = self.destroy.as_ref().map(|d| d.key);
        let known = self.shares.as_ref().and_then(|s| s.known.as_ref());
        split
            .or(destroy)
            .or(known.map(|k| k.key))
            .or(self.exercise.as_ref().map(|e| e.key))
    }

    /// TRUE where a key comes in from sheets that are typed: each of them is
    /// somewhere afterwards.
    #[must_use]
    pub fn types_in(&self) -> bool {
        let proven = self.shares.as_ref().is_some_and(|s| s.known.is_some());
        self.paper.is_some() && !proven
    }

    /// What a repeated step is about, for its title.
    #[must_use]
    pub fn part(&self) -> &'static str {
        let split = self.split.as_ref().is_some_and(|s| s.quorum.is_some());
        let proven = self.exercise.as_ref().is_some_and(|e| e.set.is_some());
        if self.destroy.is_some() {
            "Old sheet"
        } else if split || proven || self.shares.is_some() {
            "Share"
        } else {
            "Component"
        }
    }

    /// Which part a turn of the repeat is about.
    #[must_use]
    pub fn place(&self, turn: u8) -> u8 {
        if let Some(exercise) = &self.exercise {
            return exercise.place(turn);
        }
        let at = usize::from(turn.saturating_sub(1));
        let places = match (&self.destroy, &self.shares) {
            (Some(destroy), _) => Some(destroy.parts.as_slice()),
            (None, shares) => shares.as_ref().map(|s| s.places.as_slice()),
        };
        places.and_then(|p| p.get(at)).copied().unwrap_or(turn)
    }

    /// How many parts there are, those with it that an exercise passes over.
    #[must_use]
    pub fn parts(&self) -> u8 {
        let passed = self.exercise.as_ref().map_or(0, |e| e.passed_over.len());
        let passed = u8::try_from(passed).unwrap_or(u8::MAX);
        self.components.saturating_add(passed)
    }

    /// The title of a turn of the repeat.
    #[must_use]
    pub fn title(&self, turn: u8) -> String {
        let (part, place, of) = (self.part(), self.place(turn), self.parts());
        match self.shares {
            Some(_) => format!("{part} {place}, number {turn} of {of} that are typed"),
            // Of a set some sheets may be left.
            None if self.destroy.is_some() && place != turn => {
                format!("{part} {place}, number {turn} of {of}")
            }
            None => format!("{part} {place} of {of}"),
        }
    }

    /// Who holds the sheets that are typed, where the station knows it: nobody
    /// else opens them.
    #[must_use]
    pub fn holders(&self) -> Option<&[Id]> {
        let shares = self.shares.as_ref().and_then(|s| s.known.as_ref());
        let exercise = self.exercise.as_ref().map(|e| e.holders.as_slice());
        shares.map(|k| k.holders.as_slice()).or(exercise)
    }

    /// TRUE for who may open the sheet at this place of the cast, from 0.
    #[must_use]
    pub fn may_open(&self, at: usize, person: Id) -> bool {
        let holds = self.holders().and_then(|all| all.get(at)) == Some(&person);
        holds
            || self
                .exercise
                .as_ref()
                .is_some_and(|e| e.may_open(at, person))
    }

    /// How many of those who hold a part make the key together.
    #[must_use]
    pub fn sufficient(&self) -> usize {
        let quorum = self.split.as_ref().and_then(|s| s.quorum);
        usize::from(quorum.unwrap_or(self.parts()))
    }

    /// What an interruption between print and seal makes void.
    #[must_use]
    pub fn voided(&self) -> &'static str {
        match self.split {
            Some(_) => "the new set",
            None => "the key",
        }
    }
}

/// A key that is there, and is split into new parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The key.
    pub key: Id,
    /// Any so many of the parts make the key; nothing for XOR components.
    pub quorum: Option<u8>,
}

/// A set of shares of which the station keeps the commitments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownSet {
    /// The key.
    pub key: Id,
    /// The ceremony of the set.
    pub set: Id,
    /// Who holds each of those that are typed.
    pub holders: Vec<Id>,
    /// The serial of each one's package, where one is recorded.
    pub serials: Vec<Option<String>>,
}

/// Shares that are typed, as many as make the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharesIn {
    /// The set of a key that is there, which they prove; nothing for a key that
    /// is made of them.
    pub known: Option<KnownSet>,
    /// The numbers of those that are typed, in order.
    pub places: Vec<u8>,
    /// How many shares there are.
    pub of: u8,
}

/// Sheets that are to be destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destroy {
    /// The key.
    pub key: Id,
    /// The ceremony of their set.
    pub set: Id,
    /// Which parts, in order.
    pub parts: Vec<u8>,
    /// The serial of each one's package, where one is recorded. Of a package in
    /// quarantine none is compared: what is found on it is recorded.
    pub serials: Vec<Option<String>>,
}

impl Destroy {
    /// TRUE where another serial than this is recorded of a turn's package, from 1.
    #[must_use]
    pub fn is_another(&self, turn: u8, serial: &str) -> bool {
        let at = usize::from(turn).checked_sub(1);
        let recorded = at.and_then(|at| self.serials.get(at)?.as_deref());
        recorded.is_some_and(|recorded| recorded != serial)
    }

    /// TRUE for the serial of any package of the list.
    #[must_use]
    pub fn lists(&self, serial: &str) -> bool {
        self.serials.iter().any(|s| s.as_deref() == Some(serial))
    }
}

/// The sheets of a key, as they are on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exercise {
    /// The key.
    pub key: Id,
    /// Who holds each, in order: nobody else opens it.
    pub holders: Vec<Id>,
    /// The serial of each one's package, where one is recorded.
    pub serials: Vec<Option<String>>,
    /// Who is the backup of each, and may open it in its holder's place.
    #[serde(default)]
    pub backups: Vec<Option<Id>>,
    /// The ceremony of the set; nothing for the key's components.
    #[serde(default)]
    pub set: Option<Id>,
    /// Parts whose packages are in quarantine: they stay unopened, and the lists above
    /// have no place for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<u8>,
}

impl Exercise {
    /// Which part a turn is about.
    #[must_use]
    pub fn place(&self, turn: u8) -> u8 {
        let at = usize::from(turn.saturating_sub(1));
        let mut opened = (1..=u8::MAX).filter(|part| !self.passed_over.contains(part));
        opened.nth(at).unwrap_or(turn)
    }

    /// `component 2 is passed over, its package is in quarantine`; nothing where none is.
    #[must_use]
    pub fn passed_over_words(&self) -> Option<String> {
        let what = match self.set {
            Some(_) => "share",
            None => "component",
        };
        let parts: Vec<String> = self.passed_over.iter().map(u8::to_string).collect();
        match parts.as_slice() {
            [] => None,
            [one] => Some(format!(
                "{what} {one} is passed over: its package is in quarantine"
            )),
            _ => Some(format!(
                "{what}s {} are passed over: their packages are in quarantine",
                parts.join(", ")
            )),
        }
    }

    /// TRUE for who may open the sheet at this place, from 0.
    #[must_use]
    pub fn may_open(&self, at: usize, person: Id) -> bool {
        self.holders.get(at) == Some(&person) || self.backups.get(at) == Some(&Some(person))
    }
}

/// A key block that a partner made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportFrom {
    /// The key of this house that it is under.
    pub under: WrappingKey,
    /// Whose key it is.
    pub partner: String,
    /// What is tolerated in the block.
    pub profile: BlockProfile,
    /// How the partner makes check values: `ENC-ZERO` or `CMAC`.
    pub method: String,
    /// The enrolled medium it comes on; nothing where it is typed.
    pub medium: Option<(Id, String)>,
    /// Why it comes without a key block, where it does, and until when.
    #[serde(default)]
    pub exception: Option<LegacyException>,
}

/// The paper on which a partner sent components.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// Whose key it is.
    pub partner: String,
    /// Each line ends with a check letter, as on this station's own form.
    pub check_letters: bool,
    /// Each component has its own check value on it. Without, it is typed
    /// twice, blind.
    pub check_values: bool,
    /// How the partner makes check values: `ENC-ZERO` or `CMAC`.
    pub method: String,
}

impl Paper {
    /// For papers and screens.
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "{}; {}; check values by {}",
            if self.check_letters {
                "a check letter behind each line"
            } else {
                "no check letters"
            },
            if self.check_values {
                "a check value on each component"
            } else {
                "no check value on the components, so each is typed twice"
            },
            self.method
        )
    }
}
