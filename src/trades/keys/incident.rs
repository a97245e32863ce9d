//! When something is wrong with a key: a package that is not as recorded, a key
//! that is set aside until it is known what happened, and one that somebody who
//! may not may know (R11, R12, R21). What was wrapped under such a key, or came
//! under it, may be known too: `kin` finds it.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityRecord, CardState};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::{
    Component, ComponentState, Compromise, KeyRecord, KeyState, Quarantine,
};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::release::withdraw;
use super::retire::{both_quorums, change, may_become, reason};
use crate::print::day_words;
use crate::target::{KeyName, rules};

/// The groups that say that a package leaves quarantine.
const BOTH: [GroupId; 2] = [GroupId::KeyManagers, GroupId::Approvers];

/// A package is not as recorded, and was not opened: one in custody, or an old one that
/// waits for its destruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuarantinePackage {
    /// The key.
    pub key: KeyName,
    /// The ceremony of a set of shares, or of an old set; none for the components.
    pub set: Option<Id>,
    /// Which part, from 1.
    pub index: u8,
    /// What was found, in one sentence.
    pub found: String,
}

impl QuarantinePackage {
    fn check(&self, record: &KeyRecord) -> Result<(), ActionError> {
        rules::same(&self.key, record)?;
        reason(&self.found)?;
        let sealed = |part: &Component| part.state == ComponentState::Sealed;
        match record.sheet(self.set, self.index).is_some_and(sealed) {
            true => Ok(()),
            false => Err(ActionError::rule(
                format!("{} has no sealed package {}", record.label, self.index),
                "Choose one of its sealed packages.",
            )),
        }
    }
}

impl Action for QuarantinePackage {
    const NAME: &'static str = "quarantine-package";
    // A full disk must not keep a finding out of the records.
    const NEEDS_ROOM: bool = false;
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::KeyManagers)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "The package of part {} of {}, {}, is not as recorded",
                self.index, self.key.label, self.key.kcv
            ),
            format!("found: {}", self.found),
            "it stays unopened, in quarantine, until it is known what happened".into(),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let record: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        self.check(&record)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let (now, found) = (permit.now_ms(), &self.found);
        change(permit, self.key.id, |record| {
            if let Some(part) = record.sheet_mut(self.set, self.index) {
                match &mut part.quarantine {
                    // What was found first stays, and since when.
                    Some(first) => first.also(&format!("{}: {found}", day_words(now))),
                    None => {
                        part.quarantine = Some(Quarantine {
                            at_ms: now,
                            found: found.clone(),
                        });
                    }
                }
            }
        })
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("part {} is in quarantine", self.index)]
    }
}

/// It is known what happened to a package, and that nobody has read its sheet.
///
/// A sheet that was proven is not enough: it is right, and somebody may have
/// read it all the same (R12). Whoever has it in their hands, or had, is the one whom the
/// question is about, and does not sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiftQuarantine {
    /// The key.
    pub key: KeyName,
    /// The ceremony of a set of shares, or of an old set; none for the components.
    pub set: Option<Id>,
    /// Which part, from 1.
    pub index: u8,
    /// Who holds it, may open it, or ever did: [`holders`]. None of them signs.
    pub holders: Vec<Id>,
    /// What was found out, in one sentence.
    pub reason: String,
}

/// Everybody in whose hands a sheet was, or may have been.
#[must_use]
pub fn holders(part: &Component) -> Vec<Id> {
    let mut people: Vec<Id> = part.ever().collect();
    people.sort();
    people.dedup();
    people
}

impl LiftQuarantine {
    fn check(&self, record: &KeyRecord) -> Result<(), ActionError> {
        rules::same(&self.key, record)?;
        reason(&self.reason)?;
        let part = record.sheet(self.set, self.index);
        let Some(part) = part.filter(|part| part.quarantine.is_some()) else {
            return Err(ActionError::rule(
                format!(
                    "part {} of {} is in no quarantine",
                    self.index, record.label
                ),
                "Choose one that is.",
            ));
        };
        match self.holders == holders(part) {
            true => Ok(()),
            false => Err(ActionError::rule(
                "the record names others who held the sheet",
                "Begin again: it changed meanwhile.",
            )),
        }
    }

    /// Enough others can sign.
    fn check_signers(&self, authority: &AuthorityRecord) -> Result<(), ActionError> {
        let able = |card: Id| {
            let card = authority.card(card);
            card.is_some_and(|card| {
                card.state == CardState::Active && !self.holders.contains(&card.person)
            })
        };
        for group in BOTH.iter().filter_map(|id| authority.group(*id)) {
            let others = group.members.iter().filter(|member| able(member.card));
            let others = others.count();
            if others < usize::from(group.m) {
                return Err(ActionError::rule(
                    format!(
                        "{others} of {} can sign who never had the sheet, and {} are needed",
                        group.group.title(),
                        group.m
                    ),
                    "Let administrators enrol another member first.",
                ));
            }
        }
        Ok(())
    }
}

impl Action for LiftQuarantine {
    const NAME: &'static str = "lift-quarantine";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![both_quorums(), Authority::NotBy(self.holders.clone())])
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "The package of part {} of {}, {}, leaves quarantine",
                self.index, self.key.label, self.key.kcv
            ),
            format!("reason: {}", self.reason),
            "whoever signs is sure that nobody has read its sheet".into(),
            "none of those who hold it, or held it, signs".into(),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let record: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        self.check(&record)?;
        self.check_signers(beforehand.authority()?)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        change(permit, self.key.id, |record| {
            if let Some(part) = record.sheet_mut(self.set, self.index) {
                part.quarantine = None;
            }
        })
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("part {} is out of quarantine", self.index)]
    }
}

/// What is said of a key as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Suspended,
    Resumed,
    Compromised,
}

impl Verdict {
    fn state(self) -> KeyState {
        match self {
            Self::Suspended => KeyState::Suspended,
            Self::Resumed => KeyState::Active,
            Self::Compromised => KeyState::Compromised,
        }
    }
}

fn check(
    verdict: Verdict,
    name: &KeyName,
    why: &str,
    record: &KeyRecord,
) -> Result<(), ActionError> {
    reason(why)?;
    may_become(name, record, verdict.state())
}

fn put(
    verdict: Verdict,
    name: &KeyName,
    why: &str,
    permit: &mut Permit<'_>,
) -> Result<(), ActionError> {
    let compromise = match verdict {
        Verdict::Resumed => None,
        Verdict::Suspended => {
            withdraw(permit, name.id, "the key is suspended")?;
            None
        }
        Verdict::Compromised => {
            withdraw(permit, name.id, "the key is compromised")?;
            Some(Compromise {
                at_ms: permit.now_ms(),
                reason: why.to_owned(),
            })
        }
    };
    change(permit, name.id, |record| {
        record.state = verdict.state();
        record.compromise = compromise.or(record.compromise.take());
    })
}

/// Sets a key aside: it does nothing until it is resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuspendKey {
    /// The key.
    pub key: KeyName,
    /// Why, in one sentence.
    pub reason: String,
}

impl Action for SuspendKey {
    const NAME: &'static str = "suspend-key";
    // A full disk must not keep a key in use.
    const NEEDS_ROOM: bool = false;
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::KeyManagers)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Suspend {}, {}", self.key.label, self.key.kcv),
            format!("reason: {}", self.reason),
            "it wraps, unwraps and signs nothing, and leaves the PIN room, until both quorums \
             resume it"
                .into(),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let record: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        check(Verdict::Suspended, &self.key, &self.reason, &record)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        put(Verdict::Suspended, &self.key, &self.reason, permit)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("{} is suspended", self.key.label)]
    }
}

/// A suspended key is in use again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumeKey {
    /// The key.
    pub key: KeyName,
    /// What was found out, in one sentence.
    pub reason: String,
}

impl Action for ResumeKey {
    const NAME: &'static str = "resume-key";
    type Out = ();

    fn authority(&self) -> Authority {
        both_quorums()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Take {}, {}, into use again", self.key.label, self.key.kcv),
            format!("reason: {}", self.reason),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let record: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        check(Verdict::Resumed, &self.key, &self.reason, &record)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        put(Verdict::Resumed, &self.key, &self.reason, permit)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("{} is active again", self.key.label)]
    }
}

/// Somebody who may not may know the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclareCompromised {
    /// The key.
    pub key: KeyName,
    /// What is known, in one sentence.
    pub reason: String,
}

impl Action for DeclareCompromised {
    const NAME: &'static str = "declare-compromised";
    // A full disk must not keep a key in use.
    const NEEDS_ROOM: bool = false;
    type Out = ();

    fn authority(&self) -> Authority {
        both_quorums()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Declare {}, {}, compromised", self.key.label, self.key.kcv),
            format!("reason: {}", self.reason),
            "it never comes back; it stays until it is destroyed".into(),
            "every key that was wrapped under it, or came under it, however far below, is to be \
             replaced: each is a task (R12)"
                .into(),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let record: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        check(Verdict::Compromised, &self.key, &self.reason, &record)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        put(Verdict::Compromised, &self.key, &self.reason, permit)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("{} is compromised", self.key.label)]
    }
}
