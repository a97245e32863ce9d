//! Custodians' forms at the founding: nobody has to be asked for a card or a
//! PIN once more. Management's card signs them after the founding record, each
//! custodian's when it receives its share, with the duties on the screen.

use conclave_crypto::secret::Secret;
use conclave_evidence::Signature;
use conclave_evidence::authority::CardSignature;
use conclave_keyroom::domain::custodian_form::{CustodianForm, Duties, DutiesStamp};
use conclave_keyroom::ports::dialogue::PromptLine;
use conclave_keyroom::vault::VaultError;
use conclave_keyroom::vault::forms::Forms;

use super::{InitialiseEnd, refused};
use crate::cards::Held;
use crate::enrol::EnrolError;
use crate::station::Station;
use crate::words;

/// Management's signatures, by the first administrator who signs.
pub(super) fn sign_forms(
    forms: &mut Forms,
    held: &mut Held,
    pin: &Secret,
) -> Result<(), EnrolError> {
    if forms.are_signed() {
        return Ok(());
    }
    let mut signatures = Vec::new();
    for digest in forms.digests()? {
        signatures.push(CardSignature {
            card: held.guid,
            signature: Signature(held.card.sign_with_fresh_pin(pin, &digest.0)?),
        });
    }
    forms.sign(signatures);
    Ok(())
}

impl Station {
    pub(super) fn duties_to_sign(&self) -> Result<(Duties, DutiesStamp), InitialiseEnd> {
        self.data.duties().map_err(|why| {
            InitialiseEnd::Refused(refused(
                format!("The custodians' duties may not be used: {why}."),
                "Have the text corrected and reviewed.",
            ))
        })
    }

    /// What stands on the screen while the custodian types the PIN.
    pub(super) fn form_lines(
        &self,
        form: &CustodianForm,
    ) -> Result<Vec<PromptLine>, InitialiseEnd> {
        let (duties, stamp) = self.duties_to_sign()?;
        if stamp != form.text.duties {
            // The file was exchanged in the middle of the sitting.
            return Err(InitialiseEnd::Refused(refused(
                "The custodians' duties are not those that management signed.",
                "Put the text back that the founding began with.",
            )));
        }
        let mut lines: Vec<PromptLine> = duties.duties.iter().map(PromptLine::note).collect();
        lines.push(PromptLine::note(format!(
            "{}, until {} ({}).",
            form.text.group.title(),
            words::date(form.text.until_ms),
            form.text.duties.stamp,
        )));
        Ok(lines)
    }

    /// The custodian's own signature; nothing to do for everybody else.
    pub(super) fn sign_own_form(
        &mut self,
        form: Option<CustodianForm>,
        held: &mut Held,
        pin: &Secret,
    ) -> Result<(), EnrolError> {
        let Some(form) = form else {
            return Ok(());
        };
        let digest = form
            .text
            .digest()
            .map_err(|_| VaultError::Malformed("custodian form"))?;
        let signed = CardSignature {
            card: held.guid,
            signature: Signature(held.card.sign_with_fresh_pin(pin, &digest.0)?),
        };
        let text = form.text.clone();
        let manager = form.signatures.first().map(|signed| signed.card);
        self.door.complete_form(form, signed)?;
        // The page for the file. Where it cannot be filed the form holds all the
        // same, and the journal says so.
        let record = self.door.vault().authority()?;
        let manager = manager.and_then(|card| record.card(card));
        let manager = manager.map_or_else(String::new, |card| card.person_name.clone());
        let told = match self.data.duties() {
            Ok((duties, _)) => self.file_form(&text, &manager, &duties),
            Err(why) => format!("The page could not be filed: {why}."),
        };
        let words = format!("the custodian form of {}: {told}", text.name);
        let _ = self.door.note("custodian-form", words);
        Ok(())
    }
}
