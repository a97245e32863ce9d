//! Actions for tests of the door: one sets a record, one fails, one leaves its
//! outcome unknown, one unlocks.

#![allow(dead_code, reason = "each test takes what it needs")]

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

/// What an act needs, as a value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Need {
    /// As the authority of this name.
    Birth,
    Locked,
    Session(GroupId),
    Quorum(GroupId),
    Person(Id, GroupId),
    Mandate(Id),
    NotBy(Id),
    Holders(Id),
}

impl Need {
    fn authority(&self) -> Authority {
        match self {
            Self::Birth => Authority::Birth,
            Self::Locked => Authority::Locked,
            Self::Session(group) => Authority::Session(*group),
            Self::Quorum(group) => Authority::Quorum(*group),
            Self::Person(person, group) => Authority::Person(*person, *group),
            Self::Mandate(ceremony) => Authority::Mandate(*ceremony),
            Self::NotBy(person) => Authority::NotBy(vec![*person]),
            Self::Holders(run) => Authority::Holders(*run),
        }
    }
}

fn all(needs: &[Need]) -> Authority {
    Authority::All(needs.iter().map(Need::authority).collect())
}

/// How an act ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum End {
    Well,
    Failed,
    Unknown,
}

/// Sets one record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    pub compartment: Compartment,
    pub id: Id,
    pub text: String,
    pub needs: Vec<Need>,
    pub end: End,
}

impl Change {
    pub fn new(compartment: Compartment, text: &str, needs: &[Need]) -> Self {
        Self {
            compartment,
            id: Id([7; 16]),
            text: text.into(),
            needs: needs.to_vec(),
            end: End::Well,
        }
    }

    pub fn ending(mut self, end: End) -> Self {
        self.end = end;
        self
    }
}

impl Action for Change {
    const NAME: &'static str = "change";
    type Out = ();

    fn authority(&self) -> Authority {
        all(&self.needs)
    }

    fn words(&self) -> Vec<String> {
        vec![format!("set {} in {}", self.text, self.compartment)]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _secrets: Vec<Secret>,
        _ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        if !self.needs.iter().all(|need| matches!(need, Need::Locked)) {
            permit.put(self.compartment, "note", self.id, &self.text)?;
        }
        match self.end {
            End::Well => Ok(()),
            End::Failed => Err(ActionError::rule("it does not suit", "another time")),
            End::Unknown => Err(ActionError::Unknown {
                what: "the cable came off".into(),
            }),
        }
    }
}

/// Writes a mandate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenMandate {
    pub ceremony: Id,
    /// The name of the one action that it is for.
    pub covers: String,
    pub units: u32,
    pub expires_ms: u64,
    pub closed: bool,
    pub before_a_restore: bool,
    /// Who decides nothing in it.
    #[serde(default)]
    pub barred: Vec<Id>,
}

impl Action for OpenMandate {
    const NAME: &'static str = "open-mandate";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Session(GroupId::KeyManagers)
    }

    fn words(&self) -> Vec<String> {
        vec!["open a mandate".into()]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _secrets: Vec<Secret>,
        _ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        use conclave_evidence::Hash;
        use conclave_keyroom::door::Mandate;
        let mandate = Mandate {
            ceremony: self.ceremony,
            incarnation: match self.before_a_restore {
                true => Id([9; 16]),
                false => permit.authority()?.incarnation,
            },
            script: Hash([0; 32]),
            parameters: Hash([0; 32]),
            left: [(self.covers.clone(), self.units)].into(),
            expires_ms: self.expires_ms,
            closed: self.closed,
            barred: self.barred.clone(),
            minutes: None,
        };
        let id = Mandate::id_of(self.ceremony);
        Ok(permit.put(Compartment::Catalogue, Mandate::KIND, id, &mandate)?)
    }
}

/// Clears the guard.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unlock;

impl Action for Unlock {
    const NAME: &'static str = "unlock-station";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec!["unlock the station".into()]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _secrets: Vec<Secret>,
        _ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        Ok(permit.clear_guard()?)
    }
}

/// Sets as many records.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fill {
    pub from: u32,
    pub count: u32,
}

impl Fill {
    pub fn id(n: u32) -> Id {
        let mut id = [0xF1; 16];
        id[..4].copy_from_slice(&n.to_be_bytes());
        Id(id)
    }
}

impl Action for Fill {
    const NAME: &'static str = "fill";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Session(GroupId::KeyManagers)
    }

    fn words(&self) -> Vec<String> {
        vec![format!("{} notes", self.count)]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _secrets: Vec<Secret>,
        _ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        for n in self.from..self.from + self.count {
            permit.put(Compartment::Catalogue, "note", Self::id(n), &n)?;
        }
        Ok(())
    }
}
