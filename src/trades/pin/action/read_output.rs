//! Reading an output once more, past every cache, after people were asked to pull its
//! medium and put it back. That it was away is their word: nothing here sees it.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::pin_batch::{Exported, PinBatch, Signing};
use conclave_keyroom::domain::second_reading::SecondReading;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::{Media, MediaError};
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::{BatchName, both_here, digest, put, refused, rule};
use crate::media::{self, FILE_MOST};

/// Why an output does not count that reads back differently: the station's word, and
/// nobody's signature.
pub(super) const OTHER_BYTES: &str = "its medium gave back other bytes when it was read again";

/// Compares the output that left last with what was signed for. Where its medium gives
/// back other bytes, it counts no more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadOutput {
    /// The batch.
    pub batch: BatchName,
    /// Its name on the medium.
    pub name: String,
    /// SHA-256 of the file.
    pub file: Hash,
}

impl ReadOutput {
    /// For the output of a batch that left last.
    ///
    /// # Errors
    /// [`ActionError::Rule`] where none has left.
    pub fn of(batch: &PinBatch) -> Result<Self, ActionError> {
        let output = batch.exported.as_ref();
        let output = output.ok_or_else(|| refused("no output of this batch has left"))?;
        Ok(Self {
            batch: BatchName::of(batch),
            name: output.name.clone(),
            file: output.file,
        })
    }

    fn output<'a>(&self, batch: &'a PinBatch) -> Result<&'a Exported, ActionError> {
        let left = batch.exported.as_ref();
        let own = left.filter(|output| output.file == self.file && output.name == self.name);
        let output = own.ok_or_else(|| refused("this is not the output that left last"))?;
        match output.known_by.is_none() && batch.purged_ms.is_none() {
            true => Ok(output),
            false => Err(refused("this output is not here to be read")),
        }
    }

    fn compare(
        &self,
        permit: &Permit<'_>,
        media: &mut dyn Media,
        serial: &str,
    ) -> Result<(), MediaError> {
        let differs = || MediaError::ReadBack(self.name.clone());
        media::single_to_read(media, serial)?;
        let (folder, file) = self.name.split_once('/').ok_or_else(differs)?;
        let most = u64::try_from(FILE_MOST).unwrap_or(u64::MAX);
        let bytes = media.read_back(permit, serial, folder, file, most)?;
        match digest(&bytes) == self.file {
            true => Ok(()),
            false => Err(differs()),
        }
    }
}

fn failed(cause: MediaError) -> ActionError {
    match cause {
        MediaError::Missing | MediaError::Several | MediaError::Wrong | MediaError::Plate => {
            ActionError::NoMedium {
                undone: "nothing was read again",
                cause,
                advice: "Plug the medium in that was written, and no other.".into(),
            }
        }
        MediaError::ReadBack(_) => ActionError::Device {
            what: cause.to_string(),
            advice: "This output counts no more. Destroy the medium, and write the output again \
                     on another one: with the next number, encrypted afresh."
                .into(),
        },
        other => ActionError::Device {
            what: other.to_string(),
            advice: "Put the medium of this output in, alone, and have it read again.".into(),
        },
    }
}

impl Action for ReadOutput {
    const NAME: &'static str = "read-output";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(both_here())
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "read output {} of {} again, past every cache",
                self.name,
                self.batch.words()
            ),
            format!("SHA-256 {}", self.file),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let batch = self.batch.beforehand(beforehand)?;
        self.output(&batch).map(drop)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let mut batch = self.batch.get(permit)?;
        let on = self.output(&batch)?.medium.clone();
        let medium = permit
            .list::<MediumRecord>(Compartment::Directory, MediumRecord::KIND)?
            .into_iter()
            .map(|(_, medium)| medium)
            .find(|medium| medium.name == on)
            .ok_or_else(|| failed(MediaError::Wrong))?;
        media::in_use(&medium, |place, id| permit.get(place, id))?;
        let at_ms = permit.now_ms();
        let cause = match self.compare(permit, ports.media, &medium.serial) {
            Ok(()) => {
                if let Some(output) = &mut batch.exported {
                    output.again = Some(SecondReading::Done { at_ms });
                }
                return put(permit, &batch);
            }
            Err(cause) => cause,
        };
        // At once, whatever becomes of the act: nobody sends what is not on the medium,
        // and the next output goes to another one.
        if matches!(cause, MediaError::ReadBack(_)) {
            let vault = permit.vault();
            let here = GroupId::PIN_ROOM.iter();
            let people = here.flat_map(|group| vault.people_of(*group).to_vec());
            let signed = Signing {
                at_ms,
                people: people.collect(),
            };
            let reason = OTHER_BYTES.to_owned();
            batch.lose_output(reason, signed).map_err(rule)?;
            put(permit, &batch)?;
            let words = format!("output {} does not count: {cause}", self.name);
            permit.commit_before_effect(vec![words])?;
            media::condemn_after(permit, ports.media, medium.id, &cause);
        }
        Err(failed(cause))
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("{} is as it was written", self.name)]
    }
}
