//! Making a backup.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use conclave_evidence::backup::{
    BACKUP_ACTION, BACKUP_FILE, Backup, BackupAct, BackupFile, Contents, PART_MOST, SignedBackup,
    frame,
};
use conclave_evidence::manifest::FileEntry;
use conclave_evidence::{GroupId, Hash, Id, cbor};
use conclave_keyroom::domain::Permission;
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::{Media, MediaError};
use conclave_keyroom::vault::format::FORMAT;
use conclave_keyroom::vault::{Compartment, Vault, VaultError};
use serde::{Deserialize, Serialize};

use crate::media::{PLATE_ADVICE, condemn_after, in_use, may_stand, single, write_one};

/// What a file system may need for itself, a file.
const ROUNDING: u64 = 8 * 1024;

/// Writes a backup to one enrolled medium.
///
/// Administrators sign, as for every device and for what leaves the room
/// sealed (the security administrators' duties of the ceremony rules): a
/// backup opens to nobody, for each value in it is sealed to the quorums that
/// it was sealed to before. The cards sign the digest of all that is sealed;
/// the station signs what its journal makes of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MakeBackup(pub BackupAct);

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeBackup {
    /// Its folder on the medium.
    pub folder: String,
    /// The manifest's digest, to be written on paper in words.
    pub digest: Hash,
    /// How many files.
    pub files: usize,
    /// How many bytes in them.
    pub bytes: u64,
}

/// A backup that was written: when, where, which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupRecord {
    /// Its number.
    pub number: u64,
    /// Its folder on the medium.
    pub folder: String,
    /// The medium's name.
    pub medium: String,
    /// The manifest's digest.
    pub digest: Hash,
    /// When, wall clock.
    pub made_at_ms: u64,
    /// When it was last proven by a rehearsal, wall clock.
    pub rehearsed_at_ms: Option<u64>,
}

impl BackupRecord {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "backup";

    /// The id of a backup's record: the beginning of its digest.
    #[must_use]
    pub fn id_of(digest: &Hash) -> Id {
        let mut id = [0; 16];
        id.copy_from_slice(digest.0.split_at(16).0);
        Id(id)
    }
}

/// The digest of everything that is sealed now, and how many values and bytes.
///
/// # Errors
/// [`VaultError`]
pub fn contents(vault: &Vault) -> Result<(Hash, u64, u64), VaultError> {
    let mut contents = Contents::default();
    vault.sealed_pairs(&mut |key, value| {
        contents.add(key, value);
        true
    })?;
    let (pairs, bytes) = (contents.pairs(), contents.bytes());
    let digest = contents
        .digest()
        .map_err(|_| VaultError::Malformed("contents"))?;
    Ok((digest, pairs, bytes))
}

/// The folder of a backup: `BACKUP-000123-TEST`.
fn folder_of(number: u64, mode: Mode) -> String {
    format!("BACKUP-{number:06}-{mode}")
}

/// Frames on their way to the medium, a file's worth at a time.
struct Parts<'a> {
    permission: &'a dyn Permission,
    media: &'a mut dyn Media,
    serial: &'a str,
    folder: &'a str,
    kind: &'static str,
    waiting: Vec<u8>,
    written: Vec<BackupFile>,
}

impl Parts<'_> {
    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), MediaError> {
        let more = self.waiting.len() + key.len() + value.len() + 8;
        if more > PART_MOST && !self.waiting.is_empty() {
            self.flush()?;
        }
        frame(&mut self.waiting, key, value);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), MediaError> {
        let name = format!("{}-{:04}.bin", self.kind, self.written.len() + 1);
        let bytes = std::mem::take(&mut self.waiting);
        write_one(
            self.permission,
            self.media,
            self.serial,
            self.folder,
            &name,
            &bytes,
        )?;
        let (size, sha256) = FileEntry::measure(&bytes);
        self.written.push(BackupFile { name, size, sha256 });
        Ok(())
    }
}

/// How values are given one by one.
type Scan<'a> = &'a dyn Fn(&mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), VaultError>;

impl MakeBackup {
    fn parts(
        &self,
        permission: &dyn Permission,
        media: &mut dyn Media,
        folder: &str,
        kind: &'static str,
        scan: Scan<'_>,
    ) -> Result<Vec<BackupFile>, Unmade> {
        let mut parts = Parts {
            permission,
            media,
            serial: &self.0.serial,
            folder,
            kind,
            waiting: Vec::new(),
            written: Vec::new(),
        };
        let mut failed = None;
        scan(&mut |key, value| {
            failed = parts.add(key, value).err();
            failed.is_none()
        })?;
        match failed {
            Some(error) => Err(Unmade::Medium(error)),
            None => {
                parts.flush().map_err(Unmade::Medium)?;
                Ok(parts.written)
            }
        }
    }
}

impl Action for MakeBackup {
    const NAME: &'static str = BACKUP_ACTION;
    const NEEDS_ROOM: bool = false;
    type Out = MadeBackup;

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Back up the station, {} sealed values, up to journal entry {}",
                self.0.pairs, self.0.number
            ),
            format!("to medium {}, serial {}", self.0.medium_name, self.0.serial),
            format!("contents SHA-256 {}", self.0.contents),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let medium: MediumRecord = beforehand.get(Compartment::Directory, self.0.medium)?;
        if medium.serial == self.0.serial && medium.name == self.0.medium_name {
            return in_use(&medium, |place, id| beforehand.get(place, id));
        }
        Err(ActionError::rule(
            "this is not the medium that is enrolled under that name",
            "propose the backup again",
        ))
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _secrets: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<MadeBackup, ActionError> {
        self.write(permit, ports).map_err(|unmade| match unmade {
            Unmade::Medium(cause) => {
                condemn_after(permit, ports.media, self.0.medium, &cause);
                not_made(cause)
            }
            Unmade::Act(error) => error,
        })
    }

    fn outcome(&self, out: &MadeBackup) -> Vec<String> {
        vec![
            format!("{} was written and read back", out.folder),
            format!("backup SHA-256 {}", out.digest),
        ]
    }
}

/// Why there is no backup.
enum Unmade {
    /// The medium.
    Medium(MediaError),
    /// Anything else.
    Act(ActionError),
}

impl From<ActionError> for Unmade {
    fn from(error: ActionError) -> Self {
        Self::Act(error)
    }
}

impl From<VaultError> for Unmade {
    fn from(error: VaultError) -> Self {
        Self::Act(error.into())
    }
}

impl MakeBackup {
    fn write(&self, permit: &mut Permit<'_>, ports: &mut Ports<'_>) -> Result<MadeBackup, Unmade> {
        let (digest, pairs, bytes) = contents(permit.vault())?;
        if digest != self.0.contents || pairs != self.0.pairs {
            return Err(ActionError::rule(
                "records changed after the cards had signed for what is backed up",
                "propose the backup again",
            )
            .into());
        }
        let mut public = 0u64;
        permit.vault().public_pairs(&mut |key, value| {
            let length = key.len() + value.len() + 8;
            public = public.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            true
        })?;
        let needs = bytes.saturating_add(public);
        let part = u64::try_from(PART_MOST).unwrap_or(u64::MAX);
        let needs = needs + (needs / part + 4) * ROUNDING;
        let medium = single(ports.media, &self.0.serial).map_err(Unmade::Medium)?;
        if medium.free < needs {
            return Err(Unmade::Medium(MediaError::Full));
        }
        let record = permit.authority()?.clone();
        let folder = folder_of(self.0.number, record.mode);
        let vault = permit.vault();
        let records = self.parts(permit, ports.media, &folder, "records", &|each| {
            vault.sealed_pairs(each)
        })?;
        let journal = self.parts(permit, ports.media, &folder, "journal", &|each| {
            vault.public_pairs(each)
        })?;
        let (signed, made_at_ms) = self.manifest(permit, &record, records, journal)?;
        let malformed = |_| VaultError::Malformed("backup");
        let file = signed.to_file().map_err(malformed)?;
        write_one(
            permit,
            ports.media,
            &self.0.serial,
            &folder,
            BACKUP_FILE,
            &file,
        )
        .map_err(|cause| match may_stand(&cause) {
            true => Unmade::Act(ActionError::Unknown {
                what: format!("{folder}, while its manifest was written: {cause}"),
            }),
            false => Unmade::Medium(cause),
        })?;
        let digest = signed.digest();
        let made = BackupRecord {
            number: self.0.number,
            folder: folder.clone(),
            medium: self.0.medium_name.clone(),
            digest,
            made_at_ms,
            rehearsed_at_ms: None,
        };
        permit.put(
            Compartment::Directory,
            BackupRecord::KIND,
            BackupRecord::id_of(&digest),
            &made,
        )?;
        let backup = signed.open().map_err(|_| VaultError::Malformed("backup"))?;
        Ok(MadeBackup {
            folder,
            digest,
            files: backup.files().count() + 1,
            bytes: backup.files().map(|file| file.size).sum(),
        })
    }

    fn manifest(
        &self,
        permit: &Permit<'_>,
        record: &conclave_evidence::authority::AuthorityRecord,
        records: Vec<BackupFile>,
        journal: Vec<BackupFile>,
    ) -> Result<(SignedBackup, u64), ActionError> {
        let proposal = permit
            .proposal()
            .ok_or_else(|| ActionError::rule("a backup is proposed first", "propose it"))?;
        let head = permit
            .vault()
            .head()?
            .ok_or(VaultError::Missing("head"))?
            .clone();
        let malformed = || VaultError::Malformed("backup");
        let made_at_ms = permit.now_ms();
        let backup = Backup {
            station: record.station,
            station_name: record.station_name.clone(),
            mode: record.mode,
            incarnation: record.incarnation,
            made_at_ms,
            head_seq: head.seq,
            head_entry: head.entry,
            records,
            journal,
            act: permit.act(),
            action_params: cbor::to_vec(&self.0).map_err(|_| malformed())?.into(),
            nonce: proposal.nonce,
            proposed: proposal.hash,
            approvals: permit.approvals().to_vec(),
            authority: permit.vault().authority_hash()?,
            format: Some(FORMAT),
        };
        backup.check_files().map_err(|error| {
            ActionError::rule(error.to_string(), "use the station's newest version")
        })?;
        let signed = SignedBackup::sign(&backup, |digest| permit.sign_as_station(digest))?;
        Ok((signed, made_at_ms))
    }
}

/// A backup without its manifest counts for nothing, however far it came.
fn not_made(cause: MediaError) -> ActionError {
    if cause == MediaError::Stopped {
        return ActionError::Stopped;
    }
    let advice = match cause {
        MediaError::Missing => "plug the enrolled medium in and make the backup again",
        MediaError::Several => "leave the enrolled medium only, and make the backup again",
        MediaError::Wrong => "take this medium out and plug the enrolled one in",
        MediaError::Plate => PLATE_ADVICE,
        MediaError::Sessions => "a backup is of many files: use an enrolled stick",
        MediaError::Full | MediaError::ReadOnly => "use another enrolled medium",
        MediaError::Exists(_) => {
            "this medium has a folder of that name: look at it, and use another medium"
        }
        MediaError::ReadBack(_) => {
            "condemn this medium and destroy it; make the backup again to another"
        }
        _ => "look at the medium, and make the backup again",
    };
    ActionError::Device {
        what: format!("no backup was made: {cause}"),
        advice: advice.into(),
    }
}
