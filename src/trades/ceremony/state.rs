//! A ceremony's record: everything the engine knows, and nothing secret.

use conclave_evidence::cbor::{self, CborError};
use conclave_evidence::{Bytes, GroupId, Hash, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, Holder};
use conclave_keyroom::domain::profile::BlockProfile;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::ports::dialogue::Answer;
use serde::{Deserialize, Serialize};

/// A person who takes part, and in which capacity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Player {
    /// The person.
    pub id: Id,
    /// Their name.
    pub name: String,
    /// The group as whose member they act.
    pub group: GroupId,
    /// Their manager (R17); empty where nobody is above.
    pub reports_to: String,
}

/// A part and who plays it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CastPart {
    /// Its name in the script.
    pub part: String,
    /// Its people; of a custodian part, in the order of the components.
    pub people: Vec<Player>,
}

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
    /// Why it leaves without a key block, where it does.
    #[serde(default)]
    pub exception: Option<String>,
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
        let at = usize::from(turn.saturating_sub(1));
        let places = self.shares.as_ref().map(|s| s.places.as_slice());
        places.and_then(|p| p.get(at)).copied().unwrap_or(turn)
    }

    /// The title of a turn of the repeat.
    #[must_use]
    pub fn title(&self, turn: u8) -> String {
        let (part, place, of) = (self.part(), self.place(turn), self.components);
        match self.shares {
            Some(_) => format!("{part} {place}, number {turn} of {of} that are typed"),
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
        usize::from(quorum.unwrap_or(self.components))
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
    /// The serial of each one's package, where one is recorded.
    pub serials: Vec<Option<String>>,
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
}

impl Exercise {
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
    /// Why it comes without a key block, where it does.
    #[serde(default)]
    pub exception: Option<String>,
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

/// The key that the ceremony made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyMade {
    /// Its id.
    pub id: Id,
    /// Its check value.
    pub kcv: CheckValue,
}

/// An envelope in which a component was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Which component.
    pub component: u8,
    /// The envelope's serial.
    pub serial: String,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepResult {
    /// The step's id.
    pub step: String,
    /// Its title.
    pub title: String,
    /// Which component, in the repeat.
    pub component: Option<u8>,
    /// What was done, one line each.
    pub words: Vec<String>,
    /// Numbers of the journal entries that tell of it.
    pub journal: Vec<u64>,
    /// When it ended, wall clock; filled by the driver.
    pub ended_ms: Option<u64>,
}

/// Something went differently, and was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// At which step.
    pub step: String,
    /// Which component, in the repeat.
    pub component: Option<u8>,
    /// What happened, in the words of the people.
    pub words: String,
    /// Who witnessed it, with their card.
    pub witness: String,
}

/// How a ceremony ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Every step is done.
    Done,
    /// The key is void, for this reason.
    Void(String),
    /// No key was made, for this reason.
    Aborted(String),
}

/// A refusal that the next prompt shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What happened.
    pub happened: String,
    /// What is safe now.
    pub safe: String,
    /// What to do.
    pub advice: String,
}

/// The whole state of a ceremony, as the catalogue keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The ceremony's id.
    pub ceremony: Id,
    /// The script's exact bytes.
    pub script: Bytes,
    /// Their SHA-256.
    pub digest: Hash,
    /// What was requested.
    pub parameters: Parameters,
    /// Who takes part.
    pub cast: Vec<CastPart>,
    /// Who is the backup of each component from now on, in their order (R16).
    #[serde(default)]
    pub backups: Vec<Option<Player>>,
    /// The step at hand, from 0, repeats counted out.
    pub at: u16,
    /// The move inside the step, from 0.
    pub inside: u16,
    /// What was typed in this step so far. Serials and check values: no
    /// secrets.
    pub entries: Vec<String>,
    /// Failed tries of this step.
    pub tries: u8,
    /// What happened in this step so far, for its result.
    pub words: Vec<String>,
    /// Journal entries of this step so far.
    pub journal: Vec<u64>,
    /// A deviation that waits for its witness.
    pub deviation: Option<String>,
    /// What the next prompt has to explain.
    pub refused: Option<Refused>,
    /// The component between print and seal: an interruption voids the key.
    pub window: Option<u8>,
    /// The key, once it is made.
    pub key: Option<KeyMade>,
    /// Sealed envelopes.
    pub envelopes: Vec<Envelope>,
    /// Components that were typed in, and live in this session only.
    #[serde(default)]
    pub entered: Vec<u8>,
    /// What became of each step, in order.
    pub results: Vec<StepResult>,
    /// Recorded deviations.
    pub exceptions: Vec<Exception>,
    /// How it ends; [`State::over`] says whether that is on record.
    pub ending: Option<Ending>,
    /// The ending is on record; nothing follows.
    pub over: bool,
}

impl State {
    /// Who is to be the backup of this component, as records keep it.
    #[must_use]
    pub fn backup(&self, index: u8) -> Option<Holder> {
        let at = usize::from(index).checked_sub(1)?;
        let player = self.backups.get(at)?.as_ref()?;
        Some(Holder {
            person: player.id,
            name: player.name.clone(),
        })
    }

    /// `1 Pat, 2 none`; nothing where no component has a backup to be named.
    #[must_use]
    pub fn backup_words(&self) -> Option<String> {
        // An exercise names those that change; the others stay.
        let all = self.parameters.exercise.is_none();
        let named = (1..).zip(&self.backups);
        let words: Vec<String> = named
            .filter(|(_, backup)| all || backup.is_some())
            .map(|(index, backup)| {
                let name = backup
                    .as_ref()
                    .map_or("none", |player| player.name.as_str());
                format!("{index} {name}")
            })
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// The record's kind in the catalogue.
    pub const KIND: &'static str = "ceremony";

    /// What the mandate covers beside the script: parameters and cast.
    ///
    /// # Errors
    /// [`CborError`]: a value that cannot be encoded; none of these is.
    pub fn parameters_digest(&self) -> Result<Hash, CborError> {
        cbor::digest(
            "conclave ceremony parameters 1",
            &(&self.parameters, &self.cast),
        )
    }

    /// The envelope of a component, once it is sealed.
    #[must_use]
    pub fn sealed(&self, component: u8) -> Option<&Envelope> {
        self.envelopes.iter().find(|e| e.component == component)
    }
}

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
    /// An intent without outcome.
    Unknown,
}
