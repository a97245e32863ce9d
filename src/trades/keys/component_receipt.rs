//! The receipt for a component that went to a partner: who signed for it there, and the
//! serial of the package as they read it. The next component leaves when it is filed (R14).

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::component_dispatch::{ComponentDispatch, ReceivedComponent};
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};

use super::PrintExchangeLetter;
use super::exchange_letter::{LETTER_LINE_MOST, LETTER_SHORT_MOST, line};
use super::packages::Package;

/// Files one receipt. A package with another serial is not the one that left: the task
/// stays, and says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileComponentReceipt {
    /// The key.
    pub key: Id,
    /// Its label.
    pub label: String,
    /// The ceremony that printed the sheet.
    pub ceremony: Id,
    /// Which component, from 1.
    pub index: u8,
    /// Who signed for it at the partner's.
    pub by: String,
    /// The serial on the package, as the receipt has it.
    pub package: String,
}

impl FileComponentReceipt {
    fn on_record(
        &self,
        found: Result<ComponentDispatch, VaultError>,
    ) -> Result<ComponentDispatch, ActionError> {
        let dispatch = match found {
            Ok(dispatch) => dispatch,
            Err(VaultError::Missing(_)) => {
                return Err(ActionError::rule(
                    format!(
                        "no letter announced component {} of {}",
                        self.index, self.label
                    ),
                    "Print the exchange letter before the components leave.",
                ));
            }
            Err(error) => return Err(error.into()),
        };
        if dispatch.label != self.label {
            return Err(ActionError::rule(
                format!("this is a component of {}", dispatch.label),
                "Choose it from the list.",
            ));
        }
        if !dispatch.waits() {
            return Err(ActionError::rule(
                format!("component {} of {} is received", self.index, self.label),
                "A receipt is filed once.",
            ));
        }
        line("who received it", &self.by, LETTER_LINE_MOST)?;
        line("the serial of a package", &self.package, LETTER_SHORT_MOST)?;
        Ok(dispatch)
    }

    fn id(&self) -> Id {
        ComponentDispatch::id_of(self.key, self.ceremony, self.index)
    }
}

impl Action for FileComponentReceipt {
    const NAME: &'static str = "file-component-receipt";
    type Out = ComponentDispatch;

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::KeyManagers)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Component {} of {} arrived", self.index, self.label),
            format!("received by {}", self.by),
            format!("in a package that they read as {}", self.package),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let found = beforehand.get(Compartment::Catalogue, self.id());
        self.on_record(found).map(|_| ())
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<ComponentDispatch, ActionError> {
        let found = permit.get(Compartment::Catalogue, self.id());
        let mut dispatch = self.on_record(found)?;
        dispatch.received = Some(ReceivedComponent {
            by: self.by.clone(),
            package: self.package.clone(),
            at_ms: permit.now_ms(),
        });
        let kind = ComponentDispatch::KIND;
        permit.put(Compartment::Catalogue, kind, self.id(), &dispatch)?;
        Ok(dispatch)
    }

    fn outcome(&self, out: &ComponentDispatch) -> Vec<String> {
        if out.differs() {
            return vec![format!(
                "NOT as it left: the package was {}, and they read {}",
                out.package, self.package
            )];
        }
        vec!["the package is the one that left".into()]
    }
}

/// What the letter opens: one component on its way for each package.
pub(super) fn announce(
    letter: &PrintExchangeLetter,
    key: &KeyRecord,
    sealed: &[Package<'_>],
    permit: &mut Permit<'_>,
) -> Result<(), ActionError> {
    let now = permit.now_ms();
    for (package, way) in sealed.iter().zip(&letter.ways) {
        let index = package.part.index;
        let id = ComponentDispatch::id_of(key.id, package.ceremony, index);
        let before: Result<ComponentDispatch, _> = permit.get(Compartment::Catalogue, id);
        let received = match before {
            // A second letter to the same partner asks for no second receipt.
            Ok(before) if before.to == letter.to => before.received,
            Ok(_) | Err(VaultError::Missing(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let dispatch = ComponentDispatch {
            key: key.id,
            label: key.label.clone(),
            ceremony: package.ceremony,
            index,
            of: package.part.of,
            package: package.bag.to_owned(),
            to: letter.to.clone(),
            way: way.clone(),
            letter: letter.reference.clone(),
            announced_ms: now,
            received,
        };
        permit.put(
            Compartment::Catalogue,
            ComponentDispatch::KIND,
            id,
            &dispatch,
        )?;
    }
    Ok(())
}
