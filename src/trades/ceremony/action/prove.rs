//! One sheet of a custody exercise: what its custodian typed against what the
//! station kept of the component, and never a second one beside it.

use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{Component, ComponentState, Holder, KeyRecord};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::provider::kind_of;
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};

use super::super::commitment;
use super::super::state::Player;

/// Proves that a component's sheet is readable and right.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProveComponent {
    /// Under this ceremony's mandate.
    pub ceremony: Id,
    /// The key.
    pub key: Id,
    /// Its label, for the words.
    pub label: String,
    /// The ceremony of its set; nothing for the key's components.
    pub set: Option<Id>,
    /// Which part, from 1.
    pub index: u8,
    /// Who holds it or is its backup, and typed it.
    pub custodian: Player,
    /// Who is its backup from now on; nothing where that stays as it is.
    pub backup: Option<Holder>,
    /// The serial of the package that was opened for it, as all typed it.
    pub serial: String,
    /// Nothing could be typed: the sheet is not readable, or not complete.
    pub unreadable: bool,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is the component, by its commitment.
    Proven,
    /// Its check value is the component's; there is no commitment from the time
    /// when it was printed.
    ByCheckValue,
    /// It is not, or nobody could read it.
    Doubted,
}

impl Proof {
    /// For journal, minutes and screen.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Proven => "proven: readable, and the component that left the station",
            Self::ByCheckValue => "readable, and of the component's check value",
            Self::Doubted => "NOT PROVEN: the sheet is not readable, or not the component",
        }
    }
}

/// A line of the results that tells what became of a sheet.
#[must_use]
pub fn tells_of_a_sheet(words: &str) -> bool {
    words.starts_with(SHEET)
}

/// How such a line begins.
const SHEET: &str = "sheet ";

impl ProveComponent {
    fn component<'r>(&self, record: &'r KeyRecord) -> Result<&'r Component, ActionError> {
        let component = record
            .in_custody(self.set)
            .iter()
            .find(|c| c.index == self.index)
            .ok_or_else(|| {
                ActionError::rule(
                    format!("{} has no component {}", self.label, self.index),
                    "Stop, and call the approvers.",
                )
            })?;
        if !component.may_be_opened_by(self.custodian.id)
            || record.held_other_part(self.custodian.id, self.index)
        {
            return Err(ActionError::rule(
                format!(
                    "component {} is not in the hands of {}",
                    self.index, self.custodian.name
                ),
                "Only the custodian on record or their backup opens it (R4).",
            ));
        }
        if component.state != ComponentState::Sealed {
            return Err(ActionError::rule(
                format!("component {} is not sealed and in custody", self.index),
                "Finish its ceremony first.",
            ));
        }
        if component.quarantine.is_some() {
            return Err(ActionError::rule(
                format!(
                    "the package of component {} is in quarantine (R11)",
                    self.index
                ),
                "Leave it unopened until the quarantine is settled: k, the key, w.",
            ));
        }
        let other = component
            .envelope
            .as_ref()
            .is_some_and(|e| *e != self.serial);
        if other {
            return Err(ActionError::rule(
                format!(
                    "the package of component {} has another serial than was recorded (R11)",
                    self.index
                ),
                "Put it into quarantine unopened, and call the security administrators.",
            ));
        }
        Ok(component)
    }
}

/// The check value of a component, as its record has it.
fn check_value_of(component: &Component, form: KeyForm, value: &Secret) -> bool {
    Kcv::compute(Method::usual(kind_of(form)), value.expose())
        .is_ok_and(|kcv| super::check_value(&kcv) == component.kcv)
}

impl Action for ProveComponent {
    const NAME: &'static str = "prove-component";
    type Out = Proof;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
            Authority::Person(self.custodian.id, self.custodian.group),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Custody exercise: {} {} of {}, opened and typed by {}",
                super::part_name(self.set.is_some()),
                self.index,
                self.label,
                self.custodian.name
            ),
            match &self.backup {
                Some(backup) => {
                    format!(
                        "its package was {}; its backup is {}",
                        self.serial, backup.name
                    )
                }
                None => format!("its package was {}", self.serial),
            },
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        secrets: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Proof, ActionError> {
        let mut record = super::key_record(permit, self.key)?;
        let component = self.component(&record)?.clone();
        let custodian = &self.custodian;
        super::form::holds(permit, (custodian.id, &custodian.name), custodian.group)?;
        let gone = {
            let groups = permit.authority()?.groups_of(component.custodian);
            !groups.contains(&component.group)
        };
        if let Some(backup) = &self.backup {
            super::backup::check(permit, backup, component.group)?;
            let stays = component.custodian == backup.person && !gone;
            // A backup who comes once, for a custodian who stays, stays the backup.
            let comes_once = component.custodian != custodian.id && !gone;
            if stays
                || comes_once
                || backup.person == custodian.id
                || record.held_other_part(backup.person, self.index)
            {
                return Err(ActionError::rule(
                    format!(
                        "{} cannot be the backup of component {} (R4)",
                        backup.name, self.index
                    ),
                    "The backup is another member of the group, without a part of this key.",
                ));
            }
        }
        let typed = match (secrets.as_slice(), self.unreadable) {
            ([value], false) => Some(value),
            ([], true) => None,
            _ => {
                return Err(ActionError::rule(
                    "one component is proven at a time",
                    "Type it again.",
                ));
            }
        };
        let right = typed.filter(|value| check_value_of(&component, record.form, value));
        let proof = match (right, component.commitment) {
            (None, _) => Proof::Doubted,
            (Some(_), None) => Proof::ByCheckValue,
            (Some(value), Some(kept)) => {
                let subject = self.set.unwrap_or(record.commitment_subject());
                let under = match permit.get_secret(Compartment::Keys, commitment::id_of(subject)) {
                    Ok(under) => under,
                    Err(VaultError::Missing(_)) => {
                        return Err(ActionError::rule(
                            format!("the key of {}'s commitments is not there", self.label),
                            "Do not use this key before it is known why.",
                        ));
                    }
                    Err(error) => return Err(error.into()),
                };
                let made = commitment::commit(&under, subject, self.index, value)?;
                let same = Secret::take(&mut made.0.to_vec()).ct_eq(&kept.0);
                if same { Proof::Proven } else { Proof::Doubted }
            }
        };
        drop(secrets);
        let now = permit.now_ms();
        let mut parts = record.in_custody_mut(self.set).iter_mut();
        if let Some(component) = parts.find(|c| c.index == self.index) {
            component.opened = Some(self.ceremony);
            if gone && component.custodian != custodian.id {
                component.take_over();
            }
            if let Some(backup) = &self.backup {
                component.name_backup(backup.clone());
            }
            match proof {
                Proof::Doubted => component.doubted_ms = Some(now),
                Proof::Proven | Proof::ByCheckValue => {
                    component.proven_ms = Some(now);
                    // A right sheet proves nothing about who has read it:
                    // a quarantine stands.
                    component.doubted_ms = None;
                }
            }
        }
        super::put_key(permit, &record)?;
        Ok(proof)
    }

    fn outcome(&self, out: &Proof) -> Vec<String> {
        vec![format!("{SHEET}{} {}", self.index, out.words())]
    }
}
