//! A printer is retired: it broke, or was given away. Administrators sign; its
//! record stays, and so does its purpose.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::{PrinterRecord, RetiredPrinter};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::enrolment::on_record;
use super::reason::check_reason;

/// Retires an enrolled printer: nothing is sent to it any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetirePrinter {
    /// Its record.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Its serial.
    pub serial: String,
    /// Why, in one sentence.
    pub reason: String,
}

impl Action for RetirePrinter {
    const NAME: &'static str = "retire-printer";
    // It takes away; a full disk must not keep a printer in use.
    const NEEDS_ROOM: bool = false;
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Retire the printer {}", self.name),
            format!("serial {}", self.serial),
            "nothing is sent to it any more; enrolled again, it has the same purpose (R10)".into(),
            format!("reason: {}", self.reason),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        check_reason(&self.reason).map_err(|why| {
            ActionError::rule(why, "Say in one sentence what became of the printer.")
        })?;
        let is_it = |one: &PrinterRecord| {
            one.id == self.id && one.name == self.name && one.serial == self.serial
        };
        let Some(printer) = on_record(permit)?.into_iter().find(is_it) else {
            return Err(ActionError::rule(
                format!("no printer {} of this serial is enrolled", self.name),
                "Choose a printer of the list.",
            ));
        };
        let retired = RetiredPrinter {
            at_ms: permit.now_ms(),
            reason: self.reason.trim().to_owned(),
            printer,
        };
        permit.delete(Compartment::Directory, self.id);
        let id = RetiredPrinter::id_of(self.id);
        Ok(permit.put(Compartment::Directory, RetiredPrinter::KIND, id, &retired)?)
    }
}
