//! A script: who takes part, what happens in which order, and who acts.

use conclave_evidence::{GroupId, Hash};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::blind::BlindWords;
use super::script_error::{Rule, ScriptError, refuse};
use super::script_file::RawScript;
use super::validate::validate;

/// The format tag that every script begins with.
pub const FORMAT: &str = "conclave-ceremony-1";
/// The largest script, in bytes.
pub const SCRIPT_MAX: usize = 64 * 1024;
/// The longest text of a script, in characters.
pub const TEXT_MAX: usize = 600;
/// The most steps, those of the repeat counted once.
pub const STEPS_MAX: usize = 64;
/// The most parts of a cast, and the most people of a part.
pub const CAST_MAX: usize = 16;
/// The most witnesses of a step.
pub const WITNESSES_MAX: usize = 3;

/// What a script is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A key made in printed components.
    Components,
    /// A working key, made inside the vault and exported.
    WorkingKey,
    /// A partner's key, typed in from paper components.
    PartnerKey,
    /// A partner's key, in a key block under a wrapping key of this house.
    Import,
    /// The sheets of a key are proven, one at a time.
    Exercise,
    /// New components of a key that is there; the old ones become former.
    Reissue,
    /// Shares of a key that is there, on paper; any m of n make it.
    Shares,
    /// A key from m of its shares: a new one of this station, or the proof of
    /// one that is there.
    EnterShares,
    /// Sheets of a former or void set are destroyed.
    Destroy,
}

/// Where the people of a part come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The custodian groups A, B and C in turn: one person for each component.
    Custodians,
    /// See [`GroupId`].
    Administrators,
    /// See [`GroupId`].
    KeyManagers,
    /// See [`GroupId`].
    Approvers,
    /// One person of group A for each component.
    CustodiansA,
    /// One person of group B for each component.
    CustodiansB,
    /// One person of group C for each component.
    CustodiansC,
    /// See [`GroupId`].
    Auditors,
    /// See [`GroupId`].
    Recovery,
}

impl Source {
    /// The groups whose members may play the part, in rotation.
    #[must_use]
    pub fn groups(self) -> &'static [GroupId] {
        match self {
            Self::Custodians => &[
                GroupId::CustodiansA,
                GroupId::CustodiansB,
                GroupId::CustodiansC,
            ],
            Self::Administrators => &[GroupId::Administrators],
            Self::KeyManagers => &[GroupId::KeyManagers],
            Self::Approvers => &[GroupId::Approvers],
            Self::CustodiansA => &[GroupId::CustodiansA],
            Self::CustodiansB => &[GroupId::CustodiansB],
            Self::CustodiansC => &[GroupId::CustodiansC],
            Self::Auditors => &[GroupId::Auditors],
            Self::Recovery => &[GroupId::Recovery],
        }
    }

    /// TRUE for a part with one person for each component.
    #[must_use]
    pub fn is_custodian(self) -> bool {
        self.groups().iter().all(|g| g.is_custodian())
    }

    /// For people: `Custodians A, B, C`.
    #[must_use]
    pub fn title(self) -> String {
        match self {
            Self::Custodians => "Custodians A, B, C in turn".into(),
            one => one.groups().iter().map(|g| g.title()).collect(),
        }
    }
}

/// A part of the cast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name: `custodian`.
    pub part: String,
    /// Where its people come from.
    pub source: Source,
    /// How many; a custodian part has one for each component instead.
    pub count: u8,
}

/// A person of the cast, as a step names them: `approver`, `approver.2`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Role {
    /// The part.
    pub part: String,
    /// Which of its people, from 1. Nothing: the first, or, in the repeat, the
    /// custodian of the component at hand.
    pub number: Option<u8>,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.number {
            Some(number) => write!(f, "{}.{number}", self.part),
            None => f.write_str(&self.part),
        }
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// The cast comes forward, each with their card.
    SignIn,
    /// Somebody looks, and presses a key.
    Confirm {
        /// A lower-case letter.
        key: char,
        /// What pressing it says.
        label: String,
        /// Everybody asked proves it with their card.
        cards: bool,
    },
    /// Both quorums sign the mandate.
    Open,
    /// The key is made by its template.
    Generate,
    /// A key that is there is split into new parts.
    Split,
    /// One component of a partner is typed in.
    Enter,
    /// The partner's check value is typed by two, and the key is made of what
    /// was entered.
    Combine,
    /// A partner's key block is read, if its key has the check value that two
    /// typed.
    Import,
    /// A sheet's package is opened, and its component typed and compared.
    Exercise,
    /// A package's serial is typed by two, and it is destroyed unopened.
    Destroy,
    /// One component goes to the printer.
    Print,
    /// Envelope serial typed by the custodian and by each witness.
    Seal,
    /// The whole key's check value, typed by two.
    ReadBack,
    /// The key leaves under the wrapping key.
    Export,
    /// Signatures on the minutes.
    Close,
}

impl Verb {
    /// Its name in scripts.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Confirm { .. } => "confirm",
            Self::Open => "open",
            Self::Generate => "generate",
            Self::Split => "split",
            Self::Destroy => "destroy",
            Self::Enter => "enter",
            Self::Combine => "combine",
            Self::Import => "import",
            Self::Exercise => "exercise",
            Self::Print => "print",
            Self::Seal => "seal",
            Self::ReadBack => "read-back",
            Self::Export => "export",
            Self::Close => "close",
        }
    }
}

/// How a ceremony ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The key becomes void.
    Void,
    /// The ceremony ends. A key that was made in it is voided all the same:
    /// nothing half made stays usable.
    Abort,
}

/// What a deviation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDeviation {
    /// It is recorded as an exception, and the ceremony goes on.
    Record,
    /// It ends the ceremony.
    End(End),
}

/// What a failure does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnFailure {
    /// How often the step may be tried again.
    pub retries: u8,
    /// And then.
    pub then: End,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptStep {
    /// Unique in the script.
    pub id: String,
    /// What it does.
    pub verb: Verb,
    /// What people read: `Everyone else steps back from the printer`.
    pub title: String,
    /// Who acts.
    pub actor: Role,
    /// Who witnesses.
    pub witness: Vec<Role>,
    /// The expected result.
    pub expect: String,
    /// Why the step exists.
    pub why: String,
    /// What a deviation does.
    pub on_deviation: OnDeviation,
    /// What a failure does.
    pub on_failure: OnFailure,
    /// What it says instead where the form is a blind mailer.
    pub blind: Option<Box<BlindWords>>,
}

/// A step, or the group that is repeated for each component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// One step.
    Step(ScriptStep),
    /// These steps for each component.
    EachComponent(Vec<ScriptStep>),
}

/// A script that keeps every rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its name: `generate-zmk`.
    pub name: String,
    /// Counts up with each change.
    pub version: u32,
    /// For people: `Generate ZMK`.
    pub title: String,
    /// What it is for, in a sentence or two.
    pub summary: String,
    /// What it makes.
    pub purpose: Purpose,
    /// Who takes part.
    pub cast: Vec<Part>,
    /// What happens, in order.
    pub items: Vec<Item>,
    /// SHA-256 of the file's exact bytes.
    pub digest: Hash,
}

impl Script {
    /// Reads and validates a script file.
    ///
    /// # Errors
    /// [`ScriptError`] with the first broken rule.
    pub fn parse(bytes: &[u8]) -> Result<Self, ScriptError> {
        if bytes.len() > SCRIPT_MAX {
            return refuse(
                Rule::Readable,
                None,
                format!("{} bytes; at most {SCRIPT_MAX} are read", bytes.len()),
            );
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return refuse(Rule::Readable, None, "the file is not UTF-8");
        };
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(e) => return refuse(Rule::Readable, None, one_line(&e.to_string())),
        };
        let raw: RawScript = match table.try_into() {
            Ok(raw) => raw,
            Err(e) => {
                let e: toml::de::Error = e;
                return refuse(Rule::KnownKeys, None, one_line(e.message()));
            }
        };
        let script = Self {
            digest: Hash(Sha256::digest(bytes).into()),
            ..raw.script()?
        };
        validate(&script)?;
        Ok(script)
    }

    /// `generate-zmk v1`.
    #[must_use]
    pub fn stamp(&self) -> String {
        format!("{} v{}", self.name, self.version)
    }

    /// The part of this name.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.cast.iter().find(|p| p.part == name)
    }

    /// All steps, those of the repeat once, each with whether it is repeated.
    #[must_use]
    pub fn steps(&self) -> Vec<(&ScriptStep, bool)> {
        let mut steps = Vec::new();
        for item in &self.items {
            match item {
                Item::Step(step) => steps.push((step, false)),
                Item::EachComponent(group) => steps.extend(group.iter().map(|s| (s, true))),
            }
        }
        steps
    }

    /// The steps as they are played, each with its component.
    #[must_use]
    pub fn plan(&self, components: u8) -> Vec<(&ScriptStep, Option<u8>)> {
        let mut plan = Vec::new();
        for item in &self.items {
            match item {
                Item::Step(step) => plan.push((step, None)),
                Item::EachComponent(steps) => {
                    for index in 1..=components {
                        plan.extend(steps.iter().map(|s| (s, Some(index))));
                    }
                }
            }
        }
        plan
    }
}

/// An error text of the reader may quote the file: no line breaks, no control
/// characters, not endless.
pub(super) fn one_line(text: &str) -> String {
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200)
        .collect();
    line.truncate(line.trim_end().len());
    line
}
