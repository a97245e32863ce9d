//! Enrolling a medium: administrators say which stick may carry bundles.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::{KnownBy, MediaError};
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::condemn::in_use;
use super::name::check_name;
use super::plate::{EXCHANGED_ADVICE, PlateRead};

/// The longest name on a medium's plate, in characters.
const PLATE_MOST: usize = 20;

/// Enrols the medium that is plugged in now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolMedium {
    /// The record's id, random.
    pub id: Id,
    /// The plate on it: `STICK-1`.
    pub name: String,
    /// What identifies it, as the host saw it.
    pub serial: String,
    /// Of a medium without a serial number: the number on its plate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plate: Option<PlateRead>,
}

impl Action for EnrolMedium {
    const NAME: &'static str = "enrol-medium";
    type Out = MediumRecord;

    fn authority(&self) -> Authority {
        let administrators = Authority::Quorum(GroupId::Administrators);
        let Some(plate) = &self.plate else {
            return administrators;
        };
        // Who is said to have read the plate signs that they did.
        let read = plate.by.iter().map(|p| Authority::Person(p.id, p.group));
        Authority::All(std::iter::once(administrators).chain(read).collect())
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![format!("enrol medium {} for export bundles", self.name)];
        match &self.plate {
            None if self.serial.starts_with("DRIVE:") => {
                words.push(format!("a recorder of discs, {}", self.serial));
            }
            None => words.push(format!("serial {}", self.serial)),
            Some(plate) => {
                words.push(format!("no serial number; at {}", self.serial));
                words.push(plate.words());
            }
        }
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _secrets: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<MediumRecord, ActionError> {
        check_plate(&self.name)?;
        let found = ports.media.found().map_err(|e| ActionError::Device {
            what: e.to_string(),
            advice: "plug the medium in again".into(),
        })?;
        let Some(medium) = found.iter().find(|m| m.serial == self.serial) else {
            return Err(ActionError::rule(
                "a medium is enrolled while it is plugged in",
                "plug it in and enrol it again",
            ));
        };
        if medium.training && permit.authority()?.mode == Mode::Production {
            return Err(ActionError::rule(
                "a PRODUCTION station takes no training medium",
                "use a medium with a serial number of its own",
            ));
        }
        match (medium.known_by, &self.plate) {
            (KnownBy::Serial | KnownBy::Drive, None) => {}
            (KnownBy::Port { appeared, .. }, Some(plate)) => {
                plate.check()?;
                if appeared != plate.appeared {
                    return Err(ActionError::Device {
                        what: MediaError::Exchanged.to_string(),
                        advice: EXCHANGED_ADVICE.into(),
                    });
                }
            }
            (KnownBy::Serial | KnownBy::Drive, Some(_)) => {
                return Err(ActionError::rule(
                    "this medium is known without a plate",
                    "enrol it by that; it needs no plate number",
                ));
            }
            (KnownBy::Port { .. }, None) => {
                return Err(ActionError::rule(
                    "a medium without a serial number is enrolled with the number on its plate",
                    "put a plate with a number on it, which two people type",
                ));
            }
        }
        for (_, known) in permit.list::<MediumRecord>(Compartment::Directory, MediumRecord::KIND)? {
            let plate = self.plate.as_ref().map(|plate| &plate.number);
            if plate.is_some() && known.plate.as_ref() == plate {
                return Err(ActionError::rule(
                    format!("{} has this plate number", known.name),
                    "put a plate with another number on it",
                ));
            }
            if known.serial == self.serial {
                in_use(&known, |place, id| permit.get(place, id))?;
                return Err(ActionError::rule(
                    format!("this medium is enrolled already, as {}", known.name),
                    format!("use it as {}", known.name),
                ));
            }
            if known.name.eq_ignore_ascii_case(&self.name) {
                return Err(ActionError::rule(
                    format!("there is a medium called {} already", known.name),
                    "put another name on the plate",
                ));
            }
        }
        let record = MediumRecord {
            id: self.id,
            name: self.name.clone(),
            serial: self.serial.clone(),
            training: medium.training,
            plate: self.plate.as_ref().map(|plate| plate.number.clone()),
        };
        permit.put(Compartment::Directory, MediumRecord::KIND, self.id, &record)?;
        Ok(record)
    }

    fn outcome(&self, out: &MediumRecord) -> Vec<String> {
        vec![format!("{} is enrolled", out.name)]
    }
}

fn check_plate(name: &str) -> Result<(), ActionError> {
    if name.len() <= PLATE_MOST && check_name(name).is_ok() {
        return Ok(());
    }
    Err(ActionError::rule(
        format!("a medium's name has 1 to {PLATE_MOST} of A-Z, a-z, 0-9, '.', '_' and '-'"),
        "choose another name, for example STICK-1",
    ))
}
