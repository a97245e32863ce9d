//! A file of cards as its issuer sent it: opened, read whole or not at all.

use conclave_crypto::secret::Secret;
use conclave_evidence::{Hash, Id};
use conclave_keyroom::domain::pin_partner::PinPartner;
use conclave_keyroom::domain::pin_template::PinTemplateApproval;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::keys::{self, PinKeyName, pin_key_fits, pin_use};
use super::{block_tries, both_here, digest, refused};
use crate::pin::marks::{Earlier, MarksKey};
use crate::pin::{
    Against, Batch, BlockKey, Fault, Fitting, Method, OpenedInput, Template, approved_template,
    open_input, read,
};
use crate::print::approval::{check_for_batches, may_begin};
use crate::print::{Kind, Layout, time_words};

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
    /// The key of the host's PIN blocks; nothing where the room makes the PINs.
    pub host_key: Option<PinKeyName>,
}

/// How far the issuer's clock may be from the station's.
const CLOCKS_MS: u64 = 3_600_000;

/// TRUE where a file may have been printed before the station was restored, in
/// the range that is lost.
///
/// The signing time is the signer's word, so that a file which is signed ahead
/// of its time would seem younger than a restore that came after it was printed.
/// None is taken that is more than [`CLOCKS_MS`] ahead. So whatever was printed
/// before a restore says at most that much more than the restore's own time.
///
/// # Errors
/// [`ActionError::Rule`]: the time is still to come.
fn is_older(input: &OpenedInput, now_ms: u64, restored: Option<u64>) -> Result<bool, ActionError> {
    let Some(signed) = input.signed_ms else {
        return Ok(restored.is_some());
    };
    if signed > now_ms.saturating_add(CLOCKS_MS) {
        return Err(ActionError::rule(
            format!(
                "the file says that it was signed {}, which is still to come",
                time_words(signed)
            ),
            "Compare the station's clock. If it is right, the issuer sets its own, and signs the \
             file anew.",
        ));
    }
    Ok(restored.is_some_and(|at| signed < at.saturating_add(CLOCKS_MS)))
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
    /// The key of the host's PIN blocks, open: where the template has them, and
    /// nowhere else.
    fn open_blocks(
        &self,
        permit: &Permit<'_>,
        template: &Template,
        issuer: &str,
    ) -> Result<Option<(Secret, &PinKeyName)>, ActionError> {
        let method = template.pin.method;
        match (&self.host_key, method == Method::Host) {
            (None, false) => Ok(None),
            (Some(name), true) => {
                let key = name.on_record(permit)?;
                pin_key_fits(&key, template, issuer, permit.now_ms())?;
                block_tries::are_left(permit, name)?;
                let key = keys::open_for(permit, issuer, name.id, pin_use(method))?;
                Ok(Some((key, name)))
            }
            (named, _) => Err(ActionError::rule(
                match named {
                    None => {
                        "this template has PIN blocks of the host, and no key for them is named"
                    }
                    Some(_) => "this template has no PIN blocks of the host: it needs no key here",
                },
                "Choose template and PIN key again.",
            )),
        }
    }

    /// Counts a file whose faults tell something of the PINs in its blocks. TRUE where
    /// it did.
    pub(super) fn count_failed(
        &self,
        permit: &mut Permit<'_>,
        faults: &[Fault],
    ) -> Result<bool, ActionError> {
        match &self.host_key {
            Some(key) if faults.iter().any(|fault| fault.what.tells_of_pin()) => {
                block_tries::failed(permit, key)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The batch of the file, or its faults.
    pub(super) fn take(
        &self,
        permit: &Permit<'_>,
        secrets: &[Secret],
        marks: &MarksKey,
    ) -> Result<Result<(Batch, Checked), Vec<Fault>>, ActionError> {
        let template = self.template.to_open(permit)?;
        let layout = pin_layout(permit, &self.layout)?;
        let partner = self.partner.get(permit)?;
        let [file] = secrets else {
            return Err(refused("the file of cards is missing"));
        };
        if digest(file.expose()) != self.file {
            return Err(refused("this is another file than was named"));
        }
        let blocks = self.open_blocks(permit, &template, &partner.issuer)?;
        let input = open_input(permit, &partner, file.expose())?;
        let now_ms = permit.now_ms();
        let older = is_older(&input, now_ms, permit.vault().restored_ms()?)?;
        let earlier = Earlier::of(permit, marks)?;
        let house = permit.authority()?;
        let fitting = Fitting {
            template: &template,
            layout: &layout,
            blocks: blocks.as_ref().map(|(key, name)| BlockKey {
                key,
                label: &name.label,
                marks: marks.of_pins(key),
            }),
            mode: house.mode,
            station: &house.station_name,
            wall_ms: now_ms,
        };
        let against = Against {
            before: &earlier,
            issuer: Some(partner.issuer.as_str()),
            fit: Some(&fitting),
        };
        Ok(read(&template, &input.cards, &against).map(|batch| {
            let checked = Checked::of(&batch, older);
            (batch, checked)
        }))
    }
}

impl Action for ReadBatch {
    const NAME: &'static str = "read-batch";
    type Out = Result<Checked, Faults>;

    fn authority(&self) -> Authority {
        Authority::All(both_here())
    }

    fn words(&self) -> Vec<String> {
        [
            format!("Read a file of cards of {}", self.partner.issuer),
            format!("SHA-256 of the file as it came {}", self.file),
        ]
        .into_iter()
        .chain(
            self.host_key
                .as_ref()
                .map(|key| format!("its PIN blocks under {}, KCV {}", key.label, key.kcv)),
        )
        .collect()
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        secrets: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Self::Out, ActionError> {
        let marks = MarksKey::open(permit)?;
        let taken = self.take(permit, &secrets, &marks)?;
        if let Err(faults) = &taken {
            self.count_failed(permit, faults)?;
        }
        Ok(taken
            .map(|(_, checked)| checked)
            .map_err(|faults| faults.iter().map(Fault::to_string).collect()))
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
