//! A restore rehearsed: the backup is opened in memory with its own quorum's
//! shares, everything in it is opened and added up, and it is wiped. The
//! station that it is of is not touched.

use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::primitive::rsa;
use conclave_crypto::primitive::shamir::Share;
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityRecord, CardEntry};
use conclave_evidence::backup::{BACKUP_FILE, FILE_MOST, SignedBackup, frames};
use conclave_evidence::examine::{CheckedBackup, content};
use conclave_evidence::{EvidenceError, GroupId, Hash};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit, Rehearsal};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::Media;
use conclave_keyroom::provider::{StoredKey, kind_of};
use conclave_keyroom::vault::{Compartment, CopyContent, VaultError, share_place};
use serde::{Deserialize, Serialize};

use super::make::BackupRecord;
use super::read::{OnMedium, examine_on, refused};

/// Proves a backup. Its quorum's shares come as secrets, each its number and
/// its bytes; who has none proves nothing, so nobody signs for it besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehearse {
    /// The medium's serial.
    pub serial: String,
    /// The folder on it.
    pub folder: String,
    /// The digest of the manifest that was examined.
    pub digest: Hash,
    /// Whose shares they are.
    pub group: GroupId,
    /// The members, by name.
    pub members: Vec<String>,
}

/// What was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Records opened, by compartment.
    pub records: Vec<(String, u64)>,
    /// Keys whose check value was made anew and is the one on record.
    pub keys: usize,
    /// The newest journal entry in it.
    pub head_seq: u64,
}

fn fails(what: impl Into<String>) -> ActionError {
    ActionError::rule(
        what,
        "do not count on this backup: make another and prove it, and show this one to the auditors",
    )
}

fn unreadable(error: &EvidenceError) -> ActionError {
    let (what, advice) = refused(error);
    ActionError::rule(what, advice)
}

/// Every value of a backup that was examined, to `each`.
///
/// # Errors
/// [`EvidenceError`] where a file is not any more what it was.
pub(super) fn values(
    media: &mut dyn Media,
    place: &OnMedium,
    checked: &CheckedBackup,
    each: &mut dyn FnMut(&[u8], &[u8]) -> Result<(), EvidenceError>,
) -> Result<(), EvidenceError> {
    for file in checked.backup.files() {
        let bytes = content(file, &mut |file| place.read(media, file))?;
        frames(&file.name, &bytes, each)?;
    }
    Ok(())
}

/// A member's sealed share, as it lies in a backup that was examined.
///
/// # Errors
/// [`EvidenceError`] where there is none, or the medium fails.
pub fn sealed_share(
    media: &mut dyn Media,
    place: &OnMedium,
    checked: &CheckedBackup,
    group: GroupId,
    card: &CardEntry,
) -> Result<Vec<u8>, EvidenceError> {
    let missing = || EvidenceError::Broken {
        place: format!("{group}"),
        reason: "the member's share is missing".into(),
    };
    let record = newest(checked);
    let wanted = share_place(record, group, card).map_err(|_| missing())?;
    let mut found = None;
    values(media, place, checked, &mut |key, value| {
        if key == wanted.as_slice() {
            found = Some(value.to_vec());
        }
        Ok(())
    })?;
    found.ok_or_else(missing)
}

/// The authority record under which a backup was made.
pub(super) fn newest(checked: &CheckedBackup) -> &AuthorityRecord {
    checked.journal.chain.latest()
}

impl Action for Rehearse {
    const NAME: &'static str = "rehearse-restore";
    type Out = Proven;

    fn authority(&self) -> Authority {
        Authority::Session(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Rehearse the restore of {} in memory", self.folder),
            format!(
                "with the shares of {}: {}",
                self.group.title(),
                self.members.join(", ")
            ),
            format!("backup SHA-256 {}", self.digest),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        secrets: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<Proven, ActionError> {
        let place = OnMedium {
            serial: self.serial.clone(),
            folder: self.folder.clone(),
        };
        let device = |what: String| ActionError::Device {
            what,
            advice: "plug the medium with this backup in, and begin again".into(),
        };
        // Past every cache: what the medium holds, not what we wrote to it.
        let bytes = ports
            .media
            .read_back(permit, &self.serial, &self.folder, BACKUP_FILE, FILE_MOST)
            .map_err(|error| device(error.to_string()))?;
        let signed = SignedBackup::from_file(&bytes).map_err(|error| unreadable(&error))?;
        if signed.digest() != self.digest {
            return Err(device(
                "this is another backup than the one examined".into(),
            ));
        }
        let checked = examine_on(ports.media, &place, &signed).map_err(|e| unreadable(&e))?;
        if checked.backup.station != permit.authority()?.station {
            return Err(fails("this backup is another station's"));
        }
        let mut copied = CopyContent::default();
        let mut broken = None;
        values(ports.media, &place, &checked, &mut |key, value| {
            if let Err(error) = copied.add(key, value) {
                broken.get_or_insert(error);
            }
            Ok(())
        })
        .map_err(|error| unreadable(&error))?;
        if let Some(error) = broken {
            return Err(error.into());
        }
        let shares = secrets
            .into_iter()
            .map(|secret| {
                let x = secret.expose().first().copied();
                let bytes = secret.part(1..secret.len());
                x.zip(bytes).map(|(x, bytes)| Share { x, bytes })
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| fails("a share is not of its form"))?;
        let proven = permit
            .rehearse(copied, self.group, &shares)
            .map_err(|error| fails(format!("it does not open: {error}")))
            .and_then(|copy| prove(copy, &checked))?;
        self.note(permit)?;
        Ok(proven)
    }

    fn outcome(&self, out: &Proven) -> Vec<String> {
        let records: u64 = out.records.iter().map(|(_, count)| count).sum();
        vec![
            format!("{records} records opened, their sums agree with the signed roots"),
            format!("{} keys give the check values on record", out.keys),
            "the copy in memory was wiped".into(),
        ]
    }
}

impl Rehearse {
    /// The station's own record of this backup, where it has one.
    fn note(&self, permit: &mut Permit<'_>) -> Result<(), ActionError> {
        let id = BackupRecord::id_of(&self.digest);
        match permit.get::<BackupRecord>(Compartment::Directory, id) {
            Ok(mut record) => {
                record.rehearsed_at_ms = Some(permit.now_ms());
                permit.put(Compartment::Directory, BackupRecord::KIND, id, &record)?;
                Ok(())
            }
            Err(VaultError::Missing(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Opens everything, and makes every key's check value anew.
fn prove(mut copy: Rehearsal, checked: &CheckedBackup) -> Result<Proven, ActionError> {
    let counts = copy.check_all().map_err(|error| fails(error.to_string()))?;
    let mut records = Vec::new();
    for compartment in Compartment::ALL {
        let name = compartment.name();
        let count = counts.get(&compartment).copied();
        // A station without a PIN room.
        if compartment.is_optional() && count.is_none() && !checked.counts.contains_key(name) {
            continue;
        }
        if count.is_none() || count != checked.counts.get(name).copied() {
            return Err(fails(format!("compartment {name} did not open as a whole")));
        }
        records.push((name.to_owned(), count.unwrap_or_default()));
    }
    // One after the other: of a million keys never more than one is in clear.
    let stored = copy.ids(Compartment::Keys, KeyRecord::VALUE_KIND)?;
    let mut keys = 0;
    for id in stored {
        let value: StoredKey = copy.get(Compartment::Keys, KeyRecord::VALUE_KIND, id)?;
        let record: KeyRecord = match copy.get(Compartment::Catalogue, KeyRecord::KIND, id) {
            Ok(record) => record,
            Err(VaultError::Missing(_)) => {
                return Err(fails(format!("the value {} belongs to no key", id.short())));
            }
            Err(error) => return Err(error.into()),
        };
        let mut same = false;
        if let Some(facts) = &record.rsa {
            copy.open(&value, &mut |clear| {
                let public = rsa::public_of(clear);
                same = public.is_ok_and(|public| public.fingerprint() == facts.fingerprint.0);
            })?;
        }
        let method = Method::named(kind_of(value.form), &record.kcv.method)
            .filter(|_| value.form != KeyForm::Rsa);
        if let Some(method) = method {
            copy.open(&value, &mut |clear| {
                let made = Kcv::compute(method, clear.expose());
                same = made.is_ok_and(|made| made.hex() == record.kcv.value);
            })?;
        }
        if !same {
            return Err(fails(format!(
                "{} does not give its check value",
                record.label
            )));
        }
        keys += 1;
    }
    Ok(Proven {
        records,
        keys,
        head_seq: checked.backup.head_seq,
    })
}
