//! The output leaves: only when every card is confirmed or cancelled, every
//! blank form accounted for, and both groups sign.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use conclave_evidence::{Hash, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::pin_batch::{Exported, PinBatch};
use conclave_keyroom::domain::pin_key::PinUse;
use conclave_keyroom::domain::second_reading::SecondReading;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::keys::{PinKeyName, open_for};
use super::{
    BatchName, PartnerName, before_the_restore, both_sign, cards, digest, put, refused, rule,
    signing,
};
use crate::media::{self, Bundle, Interrupted};
use crate::pin::{CardColumns, seal_output, template_of_batch, write};
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
    /// What becomes of the card values that the batch's template asks for.
    pub card_values: CardValuesOut,
}

/// What an output has in its columns of card values. The key that the batch was
/// opened with may be out of use by the end of it, and what is confirmed must
/// still reach its issuer: both groups sign which of these it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardValuesOut {
    /// The template asks for none.
    NotAsked,
    /// Made under this card verification key, which is released for batches of
    /// this issuer: the batch's own, or another.
    Under(PinKeyName),
    /// The columns stay empty: the issuer makes the values itself.
    Empty,
}

impl CardValuesOut {
    /// For signers, the batch's record and its reconciliation.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        match self {
            Self::NotAsked => None,
            Self::Under(key) => Some(format!(
                "made under the card verification key {}, KCV {}",
                key.label, key.kcv
            )),
            Self::Empty => Some("none: their columns stay empty".into()),
        }
    }

    /// It fits the batch, and the key may be used now: before an output's number
    /// is used up.
    fn check(&self, beforehand: &Beforehand<'_>, batch: &PinBatch) -> Result<(), ActionError> {
        let asked = batch.cvv_key.is_some();
        match self {
            Self::NotAsked if !asked => Ok(()),
            Self::Under(key) if asked => key.usable(beforehand, &batch.issuer, PinUse::Cvv),
            Self::Empty if asked => Ok(()),
            _ => Err(refused(match asked {
                true => "this batch's template asks for card values: say what becomes of them",
                false => "this batch's template asks for no card values",
            })),
        }
    }
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
        folder(&self.batch, self.output, mode)
    }
}

/// The folder of an output on its medium.
pub(super) fn folder(batch: &BatchName, output: u32, mode: Mode) -> String {
    let mode = match mode {
        Mode::Production => "PRODUCTION",
        Mode::Test => "TEST",
    };
    // Names of batches may be longer than a folder's.
    let name: String = batch.name.chars().take(32).collect();
    format!("PIN-{name}-{output:02}-{mode}")
}

/// The output's file in its folder.
pub(super) const OUTPUT_FILE: &str = "output.p7m";

impl Action for ExportBatch {
    const NAME: &'static str = "export-batch";
    type Out = Output;

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![
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
        ];
        let values = self.card_values.words();
        words.extend(values.map(|values| format!("card values: {values}")));
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let batch: PinBatch = beforehand.get(Compartment::Pins, self.batch.id)?;
        if batch.is_restored(beforehand.authority()?.incarnation) {
            return Err(before_the_restore());
        }
        batch.may_export().map_err(rule)?;
        if self.partner.id != batch.partner {
            return Err(refused("the output goes to the issuer that sent the file"));
        }
        self.card_values.check(beforehand, &batch)?;
        let medium: MediumRecord = beforehand.get(Compartment::Directory, self.medium)?;
        let production = beforehand.authority()?.mode == Mode::Production;
        if medium.serial != self.serial
            || medium.name != self.medium_name
            || (medium.training && production)
        {
            return Err(refused("the medium on record is another one"));
        }
        media::in_use(&medium, |place, id| beforehand.get(place, id))?;
        if self.output != batch.outputs.saturating_add(1) {
            return Err(refused(format!(
                "{} outputs of this batch were begun: this is not the next one",
                batch.outputs
            )));
        }
        Ok(())
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
        let template = template_of_batch(permit, &batch.template_digest)?;
        let cards = cards(permit, &batch)?;
        let key = match &self.card_values {
            CardValuesOut::Under(key) => {
                Some(open_for(permit, &batch.issuer, key.id, PinUse::Cvv)?)
            }
            CardValuesOut::NotAsked | CardValuesOut::Empty => None,
        };
        let columns = match (&self.card_values, &key) {
            (CardValuesOut::NotAsked, _) => CardColumns::None,
            (_, Some(key)) => CardColumns::Under(key),
            (_, None) => CardColumns::Empty,
        };
        let text = write(&template, &batch, &cards, columns).map_err(|e| refused(e.to_string()))?;
        drop(key);
        let partner = self.partner.get(permit)?;
        let sealed = seal_output(permit, &partner, batch.opened.at_ms, text.as_bytes())?;
        let out = Output {
            folder: self.folder(permit.authority()?.mode),
            file: OUTPUT_FILE.into(),
            digest: digest(&sealed),
        };
        let files = vec![(out.file.clone(), sealed)];
        let bundle = Bundle::new(&out.folder, files).map_err(|e| refused(e.to_string()))?;
        media::has_room(ports.media, &self.serial, &bundle).map_err(nothing_left)?;
        // Used up from here on, whatever becomes of it: bytes may leave. Not before:
        // the sheet would speak of outputs that nobody wrote.
        batch.outputs = self.output;
        put(permit, &batch)?;
        permit.commit_before_effect(vec![format!(
            "output {} of {} begins",
            self.output,
            self.batch.words()
        )])?;
        if let Err(cut) = media::emit(permit, ports.media, &self.serial, &bundle) {
            media::condemn_after(permit, ports.media, self.medium, &cut.cause);
            return Err(self.cut(cut));
        }
        batch.exported = Some(Exported {
            file: out.digest,
            name: format!("{}/{}", out.folder, out.file),
            medium: self.medium_name.clone(),
            card_values: self.card_values.words(),
            known_by: None,
            again: Some(SecondReading::Wanted),
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
