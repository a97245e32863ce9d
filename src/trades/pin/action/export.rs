//! The output leaves: only when every card is confirmed or cancelled, every
//! blank form accounted for, and both groups sign.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use conclave_evidence::{Hash, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::pin_batch::{Exported, PinBatch};
use conclave_keyroom::domain::pin_key::PinUse;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::keys::open_for;
use super::{
    BatchName, PartnerName, before_the_restore, both_sign, cards, digest, put, refused, rule,
    signing,
};
use crate::media::{self, Bundle, Interrupted};
use crate::pin::{approved_template, seal_output, write};
use crate::target::export::nothing_left;

/// Writes a batch's output to an enrolled medium, encrypted to its recipient.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportBatch {
    /// The batch.
    pub batch: BatchName,
    /// The number of this output, one more than those that are used up.
    pub output: u32,
    /// For whom: the issuer that sent its file.
    pub partner: PartnerName,
    /// The medium's record.
    pub medium: Id,
    /// The medium's name.
    pub medium_name: String,
    /// The medium's serial.
    pub serial: String,
}

/// An output that left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its folder on the medium.
    pub folder: String,
    /// Its file.
    pub file: String,
    /// SHA-256 of the file, to be read aloud.
    pub digest: Hash,
}

impl ExportBatch {
    fn folder(&self, mode: Mode) -> String {
        let mode = match mode {
            Mode::Production => "PRODUCTION",
            Mode::Test => "TEST",
        };
        // Names of batches may be longer than a folder's.
        let name: String = self.batch.name.chars().take(32).collect();
        format!("PIN-{name}-{:02}-{mode}", self.output)
    }
}

impl Action for ExportBatch {
    const NAME: &'static str = "export-batch";
    type Out = Output;

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Output {} of {} for {}",
                self.output,
                self.batch.words(),
                self.partner.issuer
            ),
            format!(
                "encrypted to the certificate of SHA-256 {}",
                self.partner.recipient
            ),
            format!("to medium {}, serial {}", self.medium_name, self.serial),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let mut batch: PinBatch = beforehand.get(Compartment::Pins, self.batch.id)?;
        if batch.is_restored(beforehand.authority()?.incarnation) {
            return Err(before_the_restore());
        }
        batch.may_export().map_err(rule)?;
        let medium: MediumRecord = beforehand.get(Compartment::Directory, self.medium)?;
        let production = beforehand.authority()?.mode == Mode::Production;
        if medium.serial != self.serial
            || medium.name != self.medium_name
            || (medium.training && production)
        {
            return Err(refused("the medium on record is another one"));
        }
        if self.output != batch.outputs.saturating_add(1) {
            return Err(refused(format!(
                "{} outputs of this batch were begun: this is not the next one",
                batch.outputs
            )));
        }
        // Used up whatever becomes of it.
        batch.outputs = self.output;
        beforehand
            .put(Compartment::Pins, PinBatch::KIND, batch.id, &batch)
            .map_err(Into::into)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<Output, ActionError> {
        // The wrong stick is named before anything is read.
        media::single(ports.media, &self.serial).map_err(nothing_left)?;
        let mut batch = self.batch.get(permit)?;
        batch.may_export().map_err(rule)?;
        if self.partner.id != batch.partner {
            return Err(refused("the output goes to the issuer that sent the file"));
        }
        let template = approved_template(permit, &batch.template_digest)?;
        let cards = cards(permit, &batch)?;
        let key = batch.cvv_key;
        let key = key.map(|key| open_for(permit, &batch.issuer, key, PinUse::Cvv));
        let key = key.transpose()?;
        let text =
            write(&template, &batch, &cards, key.as_ref()).map_err(|e| refused(e.to_string()))?;
        let partner = self.partner.get(permit)?;
        let sealed = seal_output(permit, &partner, batch.opened.at_ms, text.as_bytes())?;
        let out = Output {
            folder: self.folder(permit.authority()?.mode),
            file: "output.p7m".into(),
            digest: digest(&sealed),
        };
        let files = vec![(out.file.clone(), sealed)];
        let bundle = Bundle::new(&out.folder, files).map_err(|e| refused(e.to_string()))?;
        media::emit(permit, ports.media, &self.serial, &bundle).map_err(|cut| self.cut(cut))?;
        batch.exported = Some(Exported {
            file: out.digest,
            name: format!("{}/{}", out.folder, out.file),
            medium: self.medium_name.clone(),
            signed: signing(permit),
        });
        put(permit, &batch)?;
        Ok(out)
    }

    fn outcome(&self, out: &Output) -> Vec<String> {
        vec![
            format!("{}/{} was written and read back", out.folder, out.file),
            format!("SHA-256 {}", out.digest),
        ]
    }
}

impl ExportBatch {
    fn cut(&self, cut: Interrupted) -> ActionError {
        if cut.files == 0 && !cut.begun {
            return nothing_left(cut.cause);
        }
        if cut.may_be_whole {
            return ActionError::Unknown {
                what: format!(
                    "output {}, while the end of it was written: {}",
                    self.output, cut.cause
                ),
            };
        }
        ActionError::Device {
            what: format!(
                "output {} failed while it was written: {}",
                self.output, cut.cause
            ),
            advice: "Destroy this medium, and export again to another: with the next number, \
                     encrypted afresh."
                .into(),
        }
    }
}
