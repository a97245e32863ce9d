//! What a backup would lose: the records here that it has not, or has older.
//! Compared by what stands in clear, so nobody has to open it.

use std::collections::BTreeMap;

use conclave_evidence::EvidenceError;
use conclave_evidence::examine::CheckedBackup;
use conclave_keyroom::ports::media::Media;
use conclave_keyroom::vault::{RecordHeader, Vault, VaultError, record_header};

use super::read::OnMedium;
use super::rehearse::values;

/// A repository beside a backup of it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Losses {
    /// Records that are only here, or newer here.
    pub lost: Vec<RecordHeader>,
    /// Records that are only in the backup: deleted since, or damaged here
    /// beyond reading.
    pub only_there: Vec<RecordHeader>,
    /// How many are the same in both, to the bit.
    pub same: u64,
    /// Records that have the same version in both and differ: one of them is
    /// damaged, and the backup was checked.
    pub mended: Vec<RecordHeader>,
    /// Places here that cannot be read as a record, and are none in the backup.
    pub unreadable: u64,
    /// Journal entries here that came after the backup.
    pub entries: u64,
}

/// Why they could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum LossesError {
    /// The backup is not any more what was examined.
    #[error(transparent)]
    Backup(#[from] EvidenceError),
    /// The repository.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Compares this repository with a backup of it that was examined.
///
/// # Errors
/// [`LossesError`]
pub fn losses(
    vault: &Vault,
    media: &mut dyn Media,
    place: &OnMedium,
    checked: &CheckedBackup,
) -> Result<Losses, LossesError> {
    let mut there: BTreeMap<Vec<u8>, (RecordHeader, Vec<u8>)> = BTreeMap::new();
    values(media, place, checked, &mut |key, value| {
        if let Some(header) = record_header(key, value) {
            there.insert(key.to_vec(), (header, value.to_vec()));
        }
        Ok(())
    })?;
    let mut found = Losses::default();
    let newest = vault.journal_survey().map_or_else(
        || vault.newest().map_or(0, |(seq, _)| seq + 1),
        |journal| journal.entries,
    );
    found.entries = newest.saturating_sub(checked.backup.head_seq.saturating_add(1));
    vault.sealed_pairs(&mut |key, value| {
        if !key.starts_with(b"r/") {
            return true;
        }
        match (there.remove(key), record_header(key, value)) {
            (Some((_, old)), _) if old == value => found.same += 1,
            (Some((old, _)), Some(new)) if new.version == old.version => found.mended.push(old),
            (Some(_), Some(new)) => found.lost.push(new),
            (Some((old, _)), None) => found.mended.push(old),
            (None, Some(new)) => found.lost.push(new),
            (None, None) => found.unreadable += 1,
        }
        true
    })?;
    found.only_there = there.into_values().map(|(header, _)| header).collect();
    Ok(found)
}
