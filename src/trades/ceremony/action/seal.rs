//! Sealing: the envelope's serial, typed by custodian and witnesses, who all
//! sign (R11).

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::ComponentState;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::{KeyTraits, KeysOf};
use serde::{Deserialize, Serialize};

use super::super::state::Player;

/// Records a sealed envelope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SealComponent {
    /// Under this ceremony's mandate.
    pub ceremony: Id,
    /// The key.
    pub key: Id,
    /// Its label, for the words.
    pub label: String,
    /// It is a share, and not a component.
    pub share: bool,
    /// Which part, from 1.
    pub index: u8,
    /// The envelope's serial, as all typed it.
    pub serial: String,
    /// Who sealed.
    pub custodian: Player,
    /// Who saw it.
    pub witnesses: Vec<Player>,
}

impl Action for SealComponent {
    const NAME: &'static str = "seal-component";
    type Out = ();

    fn authority(&self) -> Authority {
        let mut parts = vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
            Authority::Person(self.custodian.id, self.custodian.group),
        ];
        parts.extend(
            self.witnesses
                .iter()
                .map(|w| Authority::Person(w.id, w.group)),
        );
        Authority::All(parts)
    }

    fn words(&self) -> Vec<String> {
        let witnesses: Vec<&str> = self.witnesses.iter().map(|w| w.name.as_str()).collect();
        vec![
            format!(
                "{} {} of {} is sealed in envelope {}",
                if self.share { "Share" } else { "Component" },
                self.index,
                self.label,
                self.serial
            ),
            format!(
                "sealed by {}, seen by {}",
                self.custodian.name,
                witnesses.join(" and ")
            ),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let witnessed =
            !self.witnesses.is_empty() && self.witnesses.iter().all(|w| w.id != self.custodian.id);
        if !witnessed {
            return Err(ActionError::rule(
                "sealing needs a witness who is not the custodian (R13)",
                "Somebody else has to watch and type the serial.",
            ));
        }
        let keys = permit.keys_of(KeysOf::Traits(KeyTraits::PARTS))?;
        let used = keys
            .iter()
            .flat_map(|(_, key)| key.parts_ever())
            .any(|c| c.envelope.as_deref() == Some(self.serial.as_str()));
        if used {
            return Err(ActionError::rule(
                format!("envelope {} was used before (R11)", self.serial),
                "Take a new envelope; its serial counts once.",
            ));
        }
        let mut record = super::key_record(permit, self.key)?;
        if self.witnesses.iter().any(|w| record.ever_held(w.id)) {
            return Err(ActionError::rule(
                "a witness holds a component of this key (R13)",
                "Somebody without a component of it has to watch.",
            ));
        }
        let now = permit.now_ms();
        let component = record
            .waiting_for_package(self.ceremony)
            .find(|c| {
                // A sheet that was just printed is in nobody else's hands.
                let just_printed = c.opened.is_none();
                c.index == self.index
                    && (c.custodian == self.custodian.id
                        || (!just_printed && c.may_be_opened_by(self.custodian.id)))
            })
            .ok_or_else(|| {
                ActionError::rule(
                    format!("component {} is not waiting for its envelope", self.index),
                    "Follow the script's order.",
                )
            })?;
        component.state = ComponentState::Sealed;
        component.opened = None;
        component.envelope = Some(self.serial.clone());
        let names: Vec<&str> = self.witnesses.iter().map(|w| w.name.as_str()).collect();
        component.witness = Some(names.join(" and "));
        component.sealed_ms = Some(now);
        super::put_key(permit, &record)
    }
}
