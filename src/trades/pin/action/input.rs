//! A file of cards as its issuer sent it: opened, read whole or not at all.

use conclave_crypto::secret::Secret;
use conclave_evidence::{Hash, Id};
use conclave_keyroom::domain::pin_partner::PinPartner;
use conclave_keyroom::domain::pin_template::PinTemplateApproval;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::{both_here, digest, refused};
use crate::pin::letter::{Letter, Occasion};
use crate::pin::marks::Earlier;
use crate::pin::{Batch, Fault, Template, approved_template, open_input, read};
use crate::print::approval::{check_for_batches, may_begin};
use crate::print::{Kind, Layout};

/// An issuer as signers see it. The record must be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerName {
    /// Its record.
    pub id: Id,
    /// Its name, as the header of its files has it.
    pub issuer: String,
    /// SHA-256 of the certificate that signs its files.
    pub signer: Hash,
    /// SHA-256 of the certificate that its files are encrypted to.
    pub recipient: Hash,
}

impl PartnerName {
    /// Of a record.
    #[must_use]
    pub fn of(partner: &PinPartner) -> Self {
        Self {
            id: partner.id,
            issuer: partner.issuer.clone(),
            signer: partner.signer.fingerprint,
            recipient: partner.recipient.fingerprint,
        }
    }

    pub(super) fn get(&self, permit: &Permit<'_>) -> Result<PinPartner, ActionError> {
        let partner: PinPartner = permit.get(Compartment::Directory, self.id)?;
        match Self::of(&partner) == *self {
            true => Ok(partner),
            false => Err(refused("the issuer on record is another one")),
        }
    }
}

/// An approved template as signers see it. The approval must be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateName {
    /// SHA-256 of its file.
    pub digest: Hash,
    /// Its name.
    pub name: String,
    /// How PINs are made, in words.
    pub method: String,
}

impl TemplateName {
    /// Of a template and its file.
    #[must_use]
    pub fn of(template: &Template, text: &str) -> Self {
        Self {
            digest: digest(text),
            name: template.name.clone(),
            method: template.pin.method.words().to_owned(),
        }
    }

    /// The template, while it opens batches: the one approved last of its name,
    /// and not withdrawn.
    pub(super) fn to_open(&self, permit: &Permit<'_>) -> Result<Template, ActionError> {
        let template = approved_template(permit, &self.digest)?;
        let all = permit
            .list::<PinTemplateApproval>(Compartment::Directory, PinTemplateApproval::KIND)?;
        let all = all.into_iter().map(|(_, one)| one).collect();
        let newest = PinTemplateApproval::newest(all);
        if !newest.iter().any(|one| one.digest == self.digest) {
            return Err(ActionError::rule(
                format!(
                    "{} was withdrawn, or a newer one was approved: it opens no batch",
                    self.name
                ),
                "Choose a template of the list.",
            ));
        }
        let same = template.name == self.name && template.pin.method.words() == self.method;
        match same {
            true => Ok(template),
            false => Err(refused("the approved template is another one")),
        }
    }
}

/// Whether every card of a file has what the layout wants of it.
///
/// # Errors
/// Which card does not, and why; nothing of what stands there.
pub fn fits(layout: &Layout, batch: &Batch, on: &Occasion<'_>) -> Result<(), String> {
    let of = batch.cards.len();
    for (at, card) in batch.cards.iter().enumerate() {
        let letter = Letter {
            on,
            card,
            tracking: "XXXX-XXXX-XXXX".into(),
            number: (at + 1, of),
        };
        let fits = letter.fits(layout);
        fits.map_err(|e| format!("card {} does not fit the layout: {e}", at + 1))?;
    }
    Ok(())
}

/// The layout, if PIN mailers may be printed by it.
pub(super) fn pin_layout(permit: &Permit<'_>, text: &str) -> Result<Layout, ActionError> {
    let layout = may_begin(permit, text)?;
    match layout.kind() {
        Kind::PinMailer => {
            let advice = "Give the layout the field sequence outside, and have it approved again.";
            check_for_batches(&layout).map_err(|why| ActionError::rule(why, advice))?;
            Ok(layout)
        }
        other => Err(ActionError::rule(
            format!("{} is a layout for a {}", layout.name(), other.words()),
            "Choose a layout of PIN mailers.",
        )),
    }
}

/// Opens a file of cards and looks whether it can be taken: before anybody
/// signs for it. Its secret is the file as it came.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadBatch {
    /// SHA-256 of the file as it came.
    pub file: Hash,
    /// Who sent it.
    pub partner: PartnerName,
    /// The template.
    pub template: TemplateName,
    /// The layout's exact text.
    pub layout: String,
}

/// A file that can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The batch's id, of its header.
    pub name: String,
    /// Cards of the file.
    pub count: u32,
    /// SHA-256 of the file of cards, as it is read.
    pub input: Hash,
    /// Its signature is from before the station was restored, or says no time:
    /// it may have been printed in the range that is lost.
    pub older: bool,
    /// How many of its cards had a mailer before, and would get another PIN.
    pub again: u32,
}

impl Checked {
    fn of(batch: &Batch, older: bool) -> Self {
        Self {
            name: batch.id.clone(),
            count: batch.cards.len() as u32,
            input: Hash(batch.digest),
            older,
            again: batch.again,
        }
    }
}

/// Why a file is not taken: faults by line and column, at most fifty.
pub type Faults = Vec<String>;

impl ReadBatch {
    /// The batch of the file, or its faults.
    pub(super) fn take(
        &self,
        permit: &Permit<'_>,
        secrets: &[Secret],
    ) -> Result<Result<(Batch, Checked), Faults>, ActionError> {
        let template = self.template.to_open(permit)?;
        let layout = pin_layout(permit, &self.layout)?;
        let partner = self.partner.get(permit)?;
        let [file] = secrets else {
            return Err(refused("the file of cards is missing"));
        };
        if digest(file.expose()) != self.file {
            return Err(refused("this is another file than was named"));
        }
        let input = open_input(permit, &partner, file.expose())?;
        let earlier = Earlier::of(permit)?;
        let batch = match read(&template, &input.cards, &earlier) {
            Ok(batch) => batch,
            Err(faults) => return Ok(Err(faults.iter().map(Fault::to_string).collect())),
        };
        if batch.issuer != partner.issuer {
            let why = format!("the header names another issuer than {}", partner.issuer);
            return Ok(Err(vec![why]));
        }
        let house = permit.authority()?;
        let on = Occasion {
            mode: house.mode,
            station: &house.station_name,
            batch: &batch.id,
            wall_ms: permit.now_ms(),
        };
        if let Err(why) = fits(&layout, &batch, &on) {
            return Ok(Err(vec![why]));
        }
        let restored = permit.vault().restored_ms()?;
        let older = restored.is_some_and(|at| input.signed_ms.is_none_or(|signed| signed < at));
        let checked = Checked::of(&batch, older);
        Ok(Ok((batch, checked)))
    }
}

impl Action for ReadBatch {
    const NAME: &'static str = "read-batch";
    type Out = Result<Checked, Faults>;

    fn authority(&self) -> Authority {
        Authority::All(both_here())
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Read a file of cards of {}", self.partner.issuer),
            format!("SHA-256 of the file as it came {}", self.file),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        secrets: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Self::Out, ActionError> {
        let taken = self.take(permit, &secrets)?;
        Ok(taken.map(|(_, checked)| checked))
    }

    fn outcome(&self, out: &Self::Out) -> Vec<String> {
        match out {
            Ok(checked) => vec![format!(
                "batch {}, {} cards: it can be taken",
                checked.name, checked.count
            )],
            Err(faults) => vec![format!("{} faults: nothing is taken", faults.len())],
        }
    }
}
