//! When something is wrong with a key: a package that is not as recorded, a key
//! that is set aside until it is known what happened, and one that somebody who
//! may not may know (R11, R12, R21). What was wrapped under such a key, or came
//! under it, may be known too: `kin` finds it.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::{ComponentState, Compromise, KeyRecord, KeyState, Quarantine};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::release::withdraw;
use super::retire::{both_quorums, may_become, reason};
use crate::target::{KeyName, rules};

/// A package is not as recorded, and was not opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuarantinePackage {
    /// The key.
    pub key: KeyName,
    /// The ceremony of a set of shares; none for the components.
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
        let gone = matches!(record.state, KeyState::Void | KeyState::Destroyed);
        let sealed = !gone
            && record
                .in_custody(self.set)
                .iter()
                .any(|part| part.index == self.index && part.state == ComponentState::Sealed);
        match sealed {
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
        let mut record: KeyRecord = permit.get(Compartment::Catalogue, self.key.id)?;
        let found = Quarantine {
            at_ms: permit.now_ms(),
            found: self.found.clone(),
        };
        let mut parts = record.in_custody_mut(self.set).iter_mut();
        if let Some(part) = parts.find(|part| part.index == self.index) {
            part.quarantine = Some(found);
        }
        Ok(permit.put(Compartment::Catalogue, KeyRecord::KIND, record.id, &record)?)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("part {} is in quarantine", self.index)]
    }
}

/// It is known what happened to a package, and that nobody has read its sheet.
///
/// A sheet that was proven is not enough: it is right, and somebody may have
/// read it all the same (R12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiftQuarantine {
    /// The key.
    pub key: KeyName,
    /// The ceremony of a set of shares; none for the components.
    pub set: Option<Id>,
    /// Which part, from 1.
    pub index: u8,
    /// What was found out, in one sentence.
    pub reason: String,
}

impl LiftQuarantine {
    fn check(&self, record: &KeyRecord) -> Result<(), ActionError> {
        rules::same(&self.key, record)?;
        reason(&self.reason)?;
        let parts = record.in_custody(self.set);
        match parts
            .iter()
            .any(|part| part.index == self.index && part.quarantine.is_some())
        {
            true => Ok(()),
            false => Err(ActionError::rule(
                format!(
                    "part {} of {} is in no quarantine",
                    self.index, record.label
                ),
                "Choose one that is.",
            )),
        }
    }
}

impl Action for LiftQuarantine {
    const NAME: &'static str = "lift-quarantine";
    type Out = ();

    fn authority(&self) -> Authority {
        both_quorums()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "The package of part {} of {}, {}, leaves quarantine",
                self.index, self.key.label, self.key.kcv
            ),
            format!("reason: {}", self.reason),
            "whoever signs is sure that nobody has read its sheet".into(),
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
        let mut record: KeyRecord = permit.get(Compartment::Catalogue, self.key.id)?;
        let mut parts = record.in_custody_mut(self.set).iter_mut();
        if let Some(part) = parts.find(|part| part.index == self.index) {
            part.quarantine = None;
        }
        Ok(permit.put(Compartment::Catalogue, KeyRecord::KIND, record.id, &record)?)
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
    let mut record: KeyRecord = permit.get(Compartment::Catalogue, name.id)?;
    record.state = verdict.state();
    match verdict {
        Verdict::Resumed => {}
        Verdict::Suspended => withdraw(permit, record.id, "the key is suspended")?,
        Verdict::Compromised => {
            withdraw(permit, record.id, "the key is compromised")?;
            record.compromise = Some(Compromise {
                at_ms: permit.now_ms(),
                reason: why.to_owned(),
            });
        }
    }
    Ok(permit.put(Compartment::Catalogue, KeyRecord::KIND, record.id, &record)?)
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
