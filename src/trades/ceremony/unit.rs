//! The units of a ceremony: what the driver does through the door, one after
//! the other, and what it says of each.

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::ports::dialogue::Answer;
use serde::{Deserialize, Serialize};

use super::state::{KeyMade, MediumHere, Player};

/// Whose fresh signature a unit needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signer {
    /// A quorum of the group.
    Quorum(GroupId),
    /// This person, as a member of this group.
    Person(Id, GroupId),
}

/// Something that the driver does through the door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Journal: the step begins.
    Begin {
        /// The step's id.
        step: String,
        /// Which component, in the repeat.
        component: Option<u8>,
        /// What is about to happen.
        words: Vec<String>,
    },
    /// Journal: the step is done.
    End {
        /// The step's id.
        step: String,
        /// Which component, in the repeat.
        component: Option<u8>,
        /// What was done, and by whom.
        words: Vec<String>,
    },
    /// The mandate on the script's digest: both quorums sign.
    Open,
    /// Make the key by the template. The outcome carries [`KeyMade`].
    Generate,
    /// Split the key that is there. The outcome carries [`KeyMade`].
    Split,
    /// One component of a partner is typed in.
    Enter {
        /// Which component, from 1.
        index: u8,
        /// Who types, and signs.
        custodian: Player,
    },
    /// Make the key of what was entered. The outcome carries [`KeyMade`].
    Combine {
        /// The partner's check value, as all typed it.
        value: String,
        /// Who typed it, each with their card.
        by: Vec<Player>,
    },
    /// Read a partner's key block. The outcome carries [`KeyMade`].
    Import {
        /// The partner's check value, as all typed it.
        value: String,
        /// Who typed it, each with their card.
        by: Vec<Player>,
    },
    /// A sheet is typed and compared.
    Exercise {
        /// Which component, from 1.
        index: u8,
        /// Who holds it, types, and signs.
        custodian: Player,
        /// The serial of its package, as all typed it.
        serial: String,
    },
    /// Record a destroyed sheet.
    Destroy {
        /// Which of the sheets, from 1.
        index: u8,
        /// The serial that all typed.
        serial: String,
        /// Who destroyed it and who saw it; all of them sign.
        by: Vec<Player>,
    },
    /// Record that a package is another than recorded: it is in quarantine, and not
    /// destroyed.
    SetAside {
        /// Which of the sheets, from 1.
        index: u8,
        /// The serial that all typed.
        serial: String,
        /// Who typed it.
        by: Vec<Player>,
    },
    /// Print one component. An outcome of `Failed` says that nothing left the
    /// station; whoever does not know says `Interrupted`.
    Print {
        /// Which component, from 1.
        index: u8,
        /// Who signs and takes the sheet.
        custodian: Player,
    },
    /// Record the sealed envelope.
    Seal {
        /// Which component, from 1.
        index: u8,
        /// The serial that all typed.
        serial: String,
        /// Who sealed.
        custodian: Player,
        /// Who saw it; all of them sign.
        witnesses: Vec<Player>,
    },
    /// Record that the whole key's check value was read back.
    ReadBack {
        /// The value that all typed.
        value: String,
        /// Who typed it, each with their card.
        by: Vec<Player>,
    },
    /// Wrap the key, write it and the manifest to the medium.
    Export,
    /// Read the medium again, uncached, after it was pulled and put back.
    ReadMedium,
    /// Close the mandate; the minutes are signed.
    Close {
        /// Who signs.
        signers: Vec<Player>,
    },
    /// The key becomes void, the mandate is closed.
    Void {
        /// Why.
        reason: String,
    },
    /// The mandate, if there is one, is closed. No key was made.
    Abort {
        /// Why.
        reason: String,
    },
}

impl Unit {
    /// A stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Begin { .. } => "begin",
            Self::End { .. } => "end",
            Self::Open => "open",
            Self::Generate => "generate",
            Self::Split => "split",
            Self::Destroy { .. } => "destroy",
            Self::SetAside { .. } => "set-aside",
            Self::Enter { .. } => "enter",
            Self::Combine { .. } => "combine",
            Self::Import { .. } => "import",
            Self::Exercise { .. } => "exercise",
            Self::Print { .. } => "print",
            Self::Seal { .. } => "seal",
            Self::ReadBack { .. } => "read-back",
            Self::Export => "export",
            Self::ReadMedium => "read-medium",
            Self::Close { .. } => "close",
            Self::Void { .. } => "void",
            Self::Abort { .. } => "abort",
        }
    }

    /// Whose fresh signatures it needs; the rest runs under session or mandate.
    #[must_use]
    pub fn signers(&self) -> Vec<Signer> {
        let person = |player: &Player| Signer::Person(player.id, player.group);
        match self {
            Self::Open | Self::Export => vec![
                Signer::Quorum(GroupId::KeyManagers),
                Signer::Quorum(GroupId::Approvers),
            ],
            Self::SetAside { .. } => vec![Signer::Quorum(GroupId::KeyManagers)],
            Self::Print { custodian, .. }
            | Self::Enter { custodian, .. }
            | Self::Exercise { custodian, .. } => {
                vec![person(custodian)]
            }
            Self::Seal {
                custodian,
                witnesses,
                ..
            } => std::iter::once(custodian)
                .chain(witnesses)
                .map(person)
                .collect(),
            Self::Destroy { by, .. } => by.iter().map(person).collect(),
            Self::Close { signers } => signers.iter().map(person).collect(),
            _ => Vec::new(),
        }
    }
}

/// What a unit brought.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Did {
    /// For the minutes.
    pub words: Vec<String>,
    /// The number of its journal entry.
    pub journal: Option<u64>,
    /// When, wall clock.
    pub at_ms: Option<u64>,
    /// The key, after [`Unit::Generate`], [`Unit::Split`] or [`Unit::Combine`].
    pub key: Option<KeyMade>,
}

/// What the driver gives back to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A typed text.
    Word(String),
    /// The key was pressed.
    Confirmed,
    /// Something went differently.
    Deviated(String),
    /// Somebody ends the ceremony, and confirmed it.
    Abort,
    /// The key was pressed, and this medium is in its place.
    Medium(MediumHere),
    /// What the act needs is not in its place: it was not begun, the same question
    /// stands again, and no try is used.
    NotReady {
        /// What is in the way.
        happened: String,
        /// What to do.
        advice: String,
    },
    /// This person's card answered a challenge after its PIN.
    Identified(Id),
    /// The unit was done.
    Did(Did),
    /// The unit, or the identification, failed and changed nothing.
    Failed(String),
    /// The unit failed as often as it may: it is not tried again.
    Exhausted(String),
    /// The unit was interrupted: nobody knows how far it came.
    Interrupted(String),
    /// A card that had to stay was pulled.
    CardGone,
    /// The program ends.
    Shutdown,
}

impl Reply {
    /// What a person answered at the station. A PIN, a form or a choice is no
    /// answer to a ceremony's prompt.
    #[must_use]
    pub fn from_answer(answer: Answer) -> Option<Self> {
        match answer {
            Answer::Word(word) => Some(Self::Word(word)),
            Answer::Confirmed => Some(Self::Confirmed),
            Answer::Deviated(words) => Some(Self::Deviated(words)),
            Answer::Abort => Some(Self::Abort),
            Answer::CardGone => Some(Self::CardGone),
            Answer::ByWords => None,
            Answer::Shutdown => Some(Self::Shutdown),
            Answer::Secret(_) | Answer::Fields(_) | Answer::Chosen(_) | Answer::OtherGroup => None,
        }
    }
}

/// What the journal says of the unit at hand when a ceremony is resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No intent of it: it never began.
    Nothing,
    /// Intent and outcome.
    Did(Did),
    /// It failed, and changed nothing.
    Failed(String),
    /// It failed because its medium was not there: that costs no try.
    NoMedium,
    /// An intent without outcome.
    Unknown,
}
