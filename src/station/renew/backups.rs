//! Backups that are older than the last renewal: with old shares they open, so
//! a new one is made and they are destroyed.

use conclave_evidence::GroupId;
use conclave_evidence::authority::AuthorityRecord;
use conclave_keyroom::vault::Compartment;
use conclave_trades::backup::BackupRecord;

use crate::front::TaskRow;
use crate::station::Station;

/// When keys were last made anew because of who belongs to a group: wall
/// clock of the record in which a compartment's epoch grew.
fn last_renewal(chain: &[AuthorityRecord]) -> Option<u64> {
    let grew = |pair: &&[AuthorityRecord]| match pair {
        [before, after] => after.writers.iter().any(|writer| {
            before
                .writer(&writer.compartment)
                .is_some_and(|old| old.epoch < writer.epoch)
        }),
        _ => false,
    };
    let renewed = chain.windows(2).rev().find(grew)?;
    renewed.last().map(|record| record.made_at_ms)
}

/// `BACKUP-000123-TEST on STICK-1`.
fn place(backup: &BackupRecord) -> String {
    format!("{} on {}", backup.folder, backup.medium)
}

impl Station {
    /// Backups on record, those before the last renewal and those after it;
    /// nothing where there was no renewal, or this session does not read them.
    fn backups_by_renewal(&self) -> Option<(Vec<BackupRecord>, Vec<BackupRecord>)> {
        let vault = self.door.vault();
        let chain = vault.authority_chain().ok()?.iter();
        let chain: Vec<AuthorityRecord> = chain.filter_map(|signed| signed.open().ok()).collect();
        let renewed_ms = last_renewal(&chain)?;
        let all = vault
            .list::<BackupRecord>(Compartment::Directory, BackupRecord::KIND)
            .ok()?;
        let all = all.into_iter().map(|(_, backup)| backup);
        Some(all.partition(|backup| backup.made_at_ms < renewed_ms))
    }

    /// What to destroy once there is a new backup.
    pub(super) fn old_backups(&self) -> Vec<String> {
        self.backups_by_renewal()
            .map(|(old, _)| old.iter().map(place).collect())
            .unwrap_or_default()
    }

    /// A new backup is wanted: the old ones open with shares that were renewed.
    pub(crate) fn backup_task(&self) -> Option<TaskRow> {
        let (old, new) = self.backups_by_renewal()?;
        if old.is_empty() || !new.is_empty() {
            return None;
        }
        let mut detail = vec![
            "Groups were renewed: old backups still open with the old shares.".to_owned(),
            "Once the new one is made and proven, destroy under witness:".to_owned(),
        ];
        detail.extend(old.iter().map(place));
        Some(TaskRow {
            due: "now".into(),
            days: -1,
            what: "make a new backup, and destroy the old ones".into(),
            who: GroupId::Administrators.title().into(),
            detail,
            resume: None,
        })
    }
}
