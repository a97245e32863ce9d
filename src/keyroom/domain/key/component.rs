//! A key's components on paper: who holds each, held it, and what was found.

use conclave_evidence::{GroupId, Hash, Id};
use serde::{Deserialize, Serialize};

use super::CheckValue;

/// How far a component's sheet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentState {
    /// Waits inside the provider.
    Waiting,
    /// Bytes may have left for the printer.
    Printed,
    /// In its envelope, serial recorded.
    Sealed,
    /// A partner's sheet, typed in here.
    Entered,
    /// A partner's sheet, typed in here, that went back in a package.
    Returned,
    /// A partner's sheet, typed in here and then destroyed before witnesses (R15).
    Destroyed,
}

/// Somebody who holds a component, held it, or may come in their place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The person.
    pub person: Id,
    /// Their name.
    pub name: String,
}

/// A package that was found otherwise than recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// When, wall clock.
    pub at_ms: u64,
    /// What was found: another serial, a torn seal; then what was found later, each
    /// with its day.
    pub found: String,
}

impl Quarantine {
    /// Something more was found: the first finding stays, and since when.
    pub fn also(&mut self, found: &str) {
        self.found.push_str("; ");
        self.found.push_str(found);
    }
}

/// One component of a key, and who holds it. Custody is permanent: it says who
/// *ever* held this part (R4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// From 1.
    pub index: u8,
    /// How many there are.
    pub of: u8,
    /// Its own check value.
    pub kcv: CheckValue,
    /// Who holds it.
    pub custodian: Id,
    /// Their name.
    pub custodian_name: String,
    /// As a member of which group.
    pub group: GroupId,
    /// How far it is.
    pub state: ComponentState,
    /// The envelope's serial, once sealed.
    pub envelope: Option<String>,
    /// Who witnessed the sealing, or what became of a typed sheet after it.
    pub witness: Option<String>,
    /// When it was printed, wall clock.
    pub printed_ms: Option<u64>,
    /// When it was sealed, wall clock.
    pub sealed_ms: Option<u64>,
    /// When the sheet, typed in here, went back or was destroyed, wall clock.
    #[serde(default)]
    pub gone_ms: Option<u64>,
    /// A commitment to its value under a key of the vault, made when it was
    /// printed or typed: what a custody exercise compares with.
    #[serde(default)]
    pub commitment: Option<Hash>,
    /// The exercise in which its package was opened, until it is sealed again.
    #[serde(default)]
    pub opened: Option<Id>,
    /// When an exercise last proved the sheet, wall clock.
    #[serde(default)]
    pub proven_ms: Option<u64>,
    /// When an exercise found the sheet unreadable or another; nothing once it
    /// was proven again.
    #[serde(default)]
    pub doubted_ms: Option<u64>,
    /// Its package was not as recorded (R11). A sheet that is proven does not end it:
    /// both quorums lift it, with a reason (R12).
    #[serde(default)]
    pub quarantine: Option<Quarantine>,
    /// Who opens it when the custodian cannot come (R16): of the same group,
    /// and never of another part of this key.
    #[serde(default)]
    pub backup: Option<Holder>,
    /// Who held it, or was its backup, before: custody is permanent (R4).
    #[serde(default)]
    pub former: Vec<Holder>,
}

impl Component {
    /// TRUE for the custodian and the backup.
    #[must_use]
    pub fn may_be_opened_by(&self, person: Id) -> bool {
        self.custodian == person || self.backup.as_ref().is_some_and(|b| b.person == person)
    }

    /// The serial of the package in which its sheet lies, where one is on record: not
    /// the package that an exercise has opened.
    #[must_use]
    pub fn package(&self) -> Option<&str> {
        self.envelope.as_deref().filter(|_| self.opened.is_none())
    }

    /// Everybody who holds it, may open it, or ever did.
    pub fn ever(&self) -> impl Iterator<Item = Id> + '_ {
        let others = self.backup.iter().chain(&self.former).map(|h| h.person);
        std::iter::once(self.custodian).chain(others)
    }

    /// The backup takes over from a custodian who is gone.
    pub fn take_over(&mut self) {
        let Some(backup) = self.backup.take() else {
            return;
        };
        let gone = Holder {
            person: std::mem::replace(&mut self.custodian, backup.person),
            name: std::mem::replace(&mut self.custodian_name, backup.name),
        };
        self.former.push(gone);
    }

    /// Names a backup; the one before stays on record.
    pub fn name_backup(&mut self, backup: Holder) {
        if self.backup.as_ref() != Some(&backup) {
            let before = self.backup.replace(backup);
            self.former.extend(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custody_is_permanent_also_for_who_was_only_a_backup() {
        let holder = |n: u8| Holder {
            person: Id([n; 16]),
            name: format!("MEMBER-{n}"),
        };
        let mut component = Component {
            index: 1,
            of: 2,
            kcv: CheckValue {
                value: "08D7B4".into(),
                method: "ENC-ZERO".into(),
            },
            custodian: Id([1; 16]),
            custodian_name: "MEMBER-1".into(),
            group: GroupId::CustodiansA,
            state: ComponentState::Sealed,
            envelope: None,
            witness: None,
            printed_ms: None,
            sealed_ms: None,
            gone_ms: None,
            commitment: None,
            opened: None,
            proven_ms: None,
            doubted_ms: None,
            quarantine: None,
            backup: Some(holder(2)),
            former: Vec::new(),
        };
        component.take_over();
        assert_eq!(component.custodian_name, "MEMBER-2");
        component.take_over();
        assert_eq!(component.custodian_name, "MEMBER-2", "nobody is left");
        component.name_backup(holder(3));
        component.name_backup(holder(3));
        component.name_backup(holder(4));
        let ever: Vec<Id> = component.ever().collect();
        assert_eq!(ever, [2, 4, 1, 3].map(|n| Id([n; 16])));
        assert!(component.may_be_opened_by(Id([4; 16])));
        assert!(!component.may_be_opened_by(Id([1; 16])));
    }
}
