//! The form that makes somebody a custodian: duties, from when until when,
//! signed by the custodian and by management (R16, R18).

use conclave_evidence::approval::SignedApproval;
use conclave_evidence::authority::CardSignature;
use conclave_evidence::cbor::{self, CborError};
use conclave_evidence::{GroupId, Hash, Id};
use serde::{Deserialize, Serialize};

use super::key::Holder;

/// A form is reconfirmed once a year (R18).
pub const FORM_DAYS: u64 = 365;
/// A form that lapses is a task this long before.
pub const FORM_AHEAD_DAYS: u64 = 30;

const DAY_MS: u64 = 86_400_000;

/// How long a form has to hold when somebody is cast: a ceremony's mandate is
/// over after that, so that none lapses between a print and its seal.
pub const CEREMONY_MS: u64 = DAY_MS;

/// The duties, a reviewed file: `templates/duties/*.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duties {
    /// Its name: `custodian`.
    pub name: String,
    /// Counts up with each change.
    pub version: u32,
    /// For people.
    pub title: String,
    /// One line each.
    pub duties: Vec<String>,
}

impl Duties {
    /// `custodian v1`.
    #[must_use]
    pub fn stamp(&self) -> String {
        format!("{} v{}", self.name, self.version)
    }

    /// What is wrong with it, if anything. It is signed while it stands on the
    /// smallest terminal, so all of it fits there.
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
        let line = |text: &str, most: usize| {
            (1..=most).contains(&text.chars().count())
                && text.chars().all(|c| c == ' ' || c.is_ascii_graphic())
        };
        if !line(&self.title, 60) {
            return Err("its title has not 1 to 60 plain characters".into());
        }
        if !(1..=8).contains(&self.duties.len()) {
            return Err("it has not 1 to 8 duties".into());
        }
        if !self.duties.iter().all(|duty| line(duty, 78)) {
            return Err("a duty has not 1 to 78 plain characters".into());
        }
        Ok(())
    }
}

/// Which text of the duties somebody signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutiesStamp {
    /// `custodian v1`.
    pub stamp: String,
    /// SHA-256 of the file.
    pub digest: Hash,
}

/// What a custodian and management sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormText {
    /// The station.
    pub station: Id,
    /// The custodian.
    pub person: Id,
    /// Their name.
    pub name: String,
    /// The group of components that they are authorised for.
    pub group: GroupId,
    /// The duties.
    pub duties: DutiesStamp,
    /// From when, wall clock.
    pub effective_ms: u64,
    /// Until when, wall clock.
    pub until_ms: u64,
}

impl FormText {
    /// A form that takes effect now.
    #[must_use]
    pub fn new(
        station: Id,
        custodian: Holder,
        group: GroupId,
        duties: DutiesStamp,
        now_ms: u64,
    ) -> Self {
        Self {
            station,
            person: custodian.person,
            name: custodian.name,
            group,
            duties,
            effective_ms: now_ms,
            until_ms: now_ms.saturating_add(FORM_DAYS * DAY_MS),
        }
    }

    /// What the cards sign at the founding.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn digest(&self) -> Result<Hash, CborError> {
        cbor::digest("conclave/custodian-form/1", self)
    }
}

/// How a person's form stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is none for this group.
    Missing,
    /// A signature is still to come.
    Unsigned,
    /// It held until then, wall clock.
    Lapsed(u64),
    /// It holds until then, wall clock.
    Valid(u64),
}

impl Standing {
    /// TRUE for one that lets a custodian act.
    #[must_use]
    pub fn holds(self) -> bool {
        matches!(self, Self::Valid(_))
    }

    /// `the custodian form is missing`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "the custodian form is missing",
            Self::Unsigned => "the custodian form is not signed by both",
            Self::Lapsed(_) => "the custodian form has lapsed",
            Self::Valid(_) => "the custodian form holds",
        }
    }
}

/// Where a form that stands in the way is signed.
pub const FORM_REMEDY: &str = "An administrator and the custodian sign it: people screen, m, «Custodians», «Sign a custodian's form».";

/// A person's form, as the directory keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustodianForm {
    /// What was signed.
    pub text: FormText,
    /// At the founding: an administrator's signature over [`FormText::digest`],
    /// then the custodian's.
    pub signatures: Vec<CardSignature>,
    /// Later: the approvals of the act whose parameters have the text.
    pub approvals: Vec<SignedApproval>,
}

impl CustodianForm {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "custodian-form";

    /// The record's id: one form a person.
    #[must_use]
    pub fn id_of(person: Id) -> Id {
        let mut id = person.0;
        id.iter_mut().for_each(|byte| *byte ^= 0x5C);
        Id(id)
    }

    /// How it stands for a member of this group at this time. A form of
    /// another group authorises for nothing here.
    #[must_use]
    pub fn standing(form: Option<&Self>, group: GroupId, at_ms: u64) -> Standing {
        let Some(form) = form.filter(|form| form.text.group == group) else {
            return Standing::Missing;
        };
        let until = form.text.until_ms;
        if form.signatures.len().max(form.approvals.len()) < 2 {
            Standing::Unsigned
        } else if at_ms > until {
            Standing::Lapsed(until)
        } else {
            Standing::Valid(until)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_evidence::Signature;

    fn form(signatures: usize) -> CustodianForm {
        let duties = DutiesStamp {
            stamp: "custodian v1".into(),
            digest: Hash([1; 32]),
        };
        let signature = CardSignature {
            card: Id([2; 16]),
            signature: Signature([3; 64]),
        };
        let gus = Holder {
            person: Id([4; 16]),
            name: "Gus".into(),
        };
        CustodianForm {
            text: FormText::new(Id([5; 16]), gus, GroupId::CustodiansA, duties, 0),
            signatures: vec![signature; signatures],
            approvals: Vec::new(),
        }
    }

    #[test]
    fn a_form_holds_for_its_group_and_its_year_when_both_signed() {
        let year = FORM_DAYS * DAY_MS;
        let at = |form: Option<&CustodianForm>, group, ms| CustodianForm::standing(form, group, ms);
        let (both, one) = (form(2), form(1));
        let a = GroupId::CustodiansA;
        assert_eq!(at(Some(&both), a, year), Standing::Valid(year));
        assert_eq!(at(Some(&both), a, year + 1), Standing::Lapsed(year));
        assert_eq!(at(Some(&one), a, 0), Standing::Unsigned);
        assert_eq!(at(None, a, 0), Standing::Missing);
        let b = GroupId::CustodiansB;
        assert_eq!(at(Some(&both), b, 0), Standing::Missing);
    }
}
