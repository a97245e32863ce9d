//! The script file: what it says, read strictly.

use conclave_evidence::{GroupId, Hash};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::blind::BlindWords;
use super::script_error::{Rule, ScriptError, refuse};
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScript {
    format: String,
    name: String,
    version: u32,
    title: String,
    summary: String,
    purpose: Purpose,
    cast: Vec<RawPart>,
    step: Vec<RawStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPart {
    part: String,
    group: Source,
    count: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStep {
    repeat: Option<String>,
    #[serde(default)]
    step: Vec<RawStep>,
    id: Option<String>,
    verb: Option<String>,
    title: Option<String>,
    actor: Option<String>,
    witness: Option<Vec<String>>,
    expect: Option<String>,
    why: Option<String>,
    on_deviation: Option<String>,
    on_failure: Option<String>,
    key: Option<String>,
    label: Option<String>,
    cards: Option<bool>,
    blind: Option<BlindWords>,
}

impl RawScript {
    fn script(self) -> Result<Script, ScriptError> {
        if self.format != FORMAT {
            return refuse(Rule::Format, None, "another format tag");
        }
        let mut cast = Vec::new();
        for part in self.cast {
            if part.group.is_custodian() && part.count.is_some() {
                return refuse(
                    Rule::Custodian,
                    None,
                    format!(
                        "part {}: a custodian part has one person for each component, no count",
                        part.part
                    ),
                );
            }
            cast.push(Part {
                part: part.part,
                source: part.group,
                count: part.count.unwrap_or(1),
            });
        }
        let mut items = Vec::new();
        for raw in self.step {
            items.push(raw.item()?);
        }
        Ok(Script {
            name: self.name,
            version: self.version,
            title: self.title,
            summary: self.summary,
            purpose: self.purpose,
            cast,
            items,
            digest: Hash([0; 32]),
        })
    }
}

impl RawStep {
    fn item(self) -> Result<Item, ScriptError> {
        let Some(repeat) = &self.repeat else {
            return Ok(Item::Step(self.step()?));
        };
        if repeat != "component" {
            return refuse(Rule::Repeat, None, "only components are repeated");
        }
        if self.id.is_some() || self.verb.is_some() || self.actor.is_some() {
            return refuse(
                Rule::Repeat,
                None,
                "the repeat itself has no id, verb or actor",
            );
        }
        let mut steps = Vec::new();
        for raw in self.step {
            if raw.repeat.is_some() {
                return refuse(Rule::Repeat, None, "a repeat inside the repeat");
            }
            steps.push(raw.step()?);
        }
        Ok(Item::EachComponent(steps))
    }

    fn step(self) -> Result<ScriptStep, ScriptError> {
        let Some(id) = self.id else {
            return refuse(Rule::Parameters, None, "a step without an id");
        };
        let at = Some(id.as_str());
        if !self.step.is_empty() {
            return refuse(Rule::Repeat, at, "steps inside a step that is no repeat");
        }
        let need = |value: Option<String>, name: &str| match value {
            Some(value) => Ok(value),
            None => refuse(Rule::Parameters, at, format!("{name} is missing")),
        };
        let verb_name = need(self.verb, "verb")?;
        let extra = self.key.is_some() || self.label.is_some() || self.cards.is_some();
        let verb = match verb_name.as_str() {
            "confirm" => {
                let key = need(self.key, "key")?;
                let mut chars = key.chars();
                match (chars.next(), chars.next()) {
                    (Some(key), None) if key.is_ascii_lowercase() && !matches!(key, 'a' | 'd') => {
                        Verb::Confirm {
                            key,
                            label: need(self.label, "label")?,
                            cards: self.cards.unwrap_or(false),
                        }
                    }
                    _ => {
                        return refuse(
                            Rule::Parameters,
                            at,
                            "key is one lower-case letter; a and d belong to abort and deviation",
                        );
                    }
                }
            }
            _ if extra || self.blind.is_some() => {
                return refuse(
                    Rule::Parameters,
                    at,
                    "key, label, cards and blind belong to the verb confirm",
                );
            }
            "sign-in" => Verb::SignIn,
            "open" => Verb::Open,
            "generate" => Verb::Generate,
            "split" => Verb::Split,
            "destroy" => Verb::Destroy,
            "enter" => Verb::Enter,
            "combine" => Verb::Combine,
            "import" => Verb::Import,
            "exercise" => Verb::Exercise,
            "print" => Verb::Print,
            "seal" => Verb::Seal,
            "read-back" => Verb::ReadBack,
            "export" => Verb::Export,
            "close" => Verb::Close,
            other => {
                return refuse(
                    Rule::KnownVerb,
                    at,
                    format!("the verb {:?} is not known", one_line(other)),
                );
            }
        };
        let witness = self.witness.unwrap_or_default();
        Ok(ScriptStep {
            verb,
            title: need(self.title, "title")?,
            actor: role(&need(self.actor, "actor")?, at)?,
            witness: witness
                .iter()
                .map(|w| role(w, at))
                .collect::<Result<_, _>>()?,
            expect: need(self.expect, "expect")?,
            why: need(self.why, "why")?,
            on_deviation: match need(self.on_deviation, "on_deviation")?.as_str() {
                "record" => OnDeviation::Record,
                "void" => OnDeviation::End(End::Void),
                "abort" => OnDeviation::End(End::Abort),
                _ => {
                    return refuse(
                        Rule::Parameters,
                        at,
                        "on_deviation is record, void or abort",
                    );
                }
            },
            on_failure: on_failure(&need(self.on_failure, "on_failure")?, at)?,
            blind: self.blind.map(Box::new),
            id,
        })
    }
}

fn role(text: &str, at: Option<&str>) -> Result<Role, ScriptError> {
    let (part, number) = match text.split_once('.') {
        None => (text, None),
        Some((part, number)) => match number.parse::<u8>() {
            Ok(number) if number > 0 => (part, Some(number)),
            _ => {
                return refuse(
                    Rule::InCast,
                    at,
                    format!("{:?} names nobody", one_line(text)),
                );
            }
        },
    };
    Ok(Role {
        part: part.to_owned(),
        number,
    })
}

/// `void`, `abort`, `retry N` (and then void), `retry N then void|abort`.
fn on_failure(text: &str, at: Option<&str>) -> Result<OnFailure, ScriptError> {
    let words: Vec<&str> = text.split(' ').collect();
    let end = |word: &str| match word {
        "void" => Some(End::Void),
        "abort" => Some(End::Abort),
        _ => None,
    };
    let (retries, then) = match words.as_slice() {
        ["retry", n] => (n.parse().ok(), Some(End::Void)),
        ["retry", n, "then", word] => (n.parse().ok(), end(word)),
        [word] => (Some(0), end(word)),
        _ => (None, None),
    };
    match (retries, then) {
        (Some(retries @ 0..=9), Some(then)) => Ok(OnFailure { retries, then }),
        _ => refuse(
            Rule::Parameters,
            at,
            "on_failure is void, abort, or: retry 1 to 9 then void (or abort)",
        ),
    }
}
