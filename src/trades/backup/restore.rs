//! The act by which both quorums begin a new incarnation: of a station that
//! was filled from a backup, or of one that went back in time.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityRecord, SignedAuthority};
use conclave_evidence::backup::BACKUP_ACTION;
use conclave_evidence::examine::CheckedBackup;
use conclave_evidence::{EvidenceError, GroupId, Hash, Id};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Door, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::Media;
use conclave_keyroom::ports::store::Pair;
use conclave_keyroom::vault::VaultError;
use serde::{Deserialize, Serialize};

use super::read::OnMedium;
use super::rehearse::values;

/// How many bytes of values are written to the disk in one commit.
const STEP: usize = 1024 * 1024;

/// From which backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FromBackup {
    /// Its folder.
    pub folder: String,
    /// Its digest.
    pub digest: Hash,
    /// The act that made it: its INTENT is the last entry in it.
    pub act: Id,
}

/// RESTORE: what came after an entry is given up, and the station goes on from
/// there in a new incarnation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// The backup; none where the repository goes on as it lies.
    pub from: Option<FromBackup>,
    /// The last entry that is kept.
    pub last: u64,
    /// Its hash.
    pub entry: Hash,
    /// The highest entry after it that a card has shown.
    pub seen: Option<u64>,
    /// Incarnations that were begun elsewhere and are given up.
    pub elsewhere: Vec<Id>,
    /// The authority record with the new incarnation, signed by the
    /// administrators' quorum.
    pub signed: SignedAuthority,
}

/// The record that differs from this one in its incarnation.
#[must_use]
pub fn reborn(
    record: &AuthorityRecord,
    hash: Hash,
    incarnation: Id,
    made_at_ms: u64,
) -> AuthorityRecord {
    let mut next = record.clone();
    next.seq += 1;
    next.previous = Some(hash);
    next.incarnation = incarnation;
    next.made_at_ms = made_at_ms;
    next
}

impl Restore {
    /// What is lost, in words.
    #[must_use]
    pub fn lost(&self) -> String {
        let first = self.last.saturating_add(1);
        match self.seen {
            Some(seen) if seen > self.last => {
                format!("lost: journal entries {first} to {seen} at least, and what they did")
            }
            Some(seen) => format!(
                "given up: another history, of which a card has seen entry {seen}, and what it did"
            ),
            None => format!("lost: whatever came after journal entry {}", self.last),
        }
    }
}

impl Action for Restore {
    const NAME: &'static str = "restore";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Quorum(GroupId::Recovery),
            Authority::Quorum(GroupId::Administrators),
        ])
    }

    fn words(&self) -> Vec<String> {
        let mut words = match &self.from {
            Some(from) => vec![
                format!("RESTORE this station from {}", from.folder),
                format!("backup SHA-256 {}", from.digest),
            ],
            None => vec!["RESTORE: go on with this repository as it lies here".to_owned()],
        };
        words.push(self.lost());
        if !self.elsewhere.is_empty() {
            words.push(format!(
                "given up, too: {} restores elsewhere that cards have seen",
                self.elsewhere.len()
            ));
        }
        words.push(
            "cards that were barred there are live again: bar them again; bundle numbers leave \
             a gap"
                .to_owned(),
        );
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let again = |why: &str| Err(ActionError::rule(why, "begin the restore again"));
        let Some(fork) = beforehand.fork().cloned() else {
            return again("nothing is being restored");
        };
        if (fork.seq, fork.entry) != (self.last, self.entry)
            || fork.seen != self.seen
            || !fork.elsewhere.iter().eq(&self.elsewhere)
        {
            return again("it names another range than the one that is lost");
        }
        let says = beforehand.check_authority(&self.signed)?;
        let expected = reborn(
            beforehand.authority()?,
            beforehand.authority_hash()?,
            says.incarnation,
            says.made_at_ms,
        );
        if says != expected || beforehand.incarnations()?.contains(&says.incarnation) {
            return again("the signed record changes something else, or begins nothing new");
        }
        Ok(())
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        permit.put_authority(self.signed.clone());
        for incarnation in &self.elsewhere {
            permit.give_up(*incarnation)?;
        }
        if let Some(from) = &self.from {
            let words = vec![format!("{} was made: it was restored", from.folder)];
            permit.close_act(from.act, BACKUP_ACTION, words);
        }
        Ok(())
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["a new incarnation begins".into()]
    }
}

/// Why a repository was not filled.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// The backup is not any more what was examined.
    #[error(transparent)]
    Backup(#[from] EvidenceError),
    /// The repository.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Fills an empty repository from a backup that was examined. Until both
/// quorums have signed, it counts for nothing.
///
/// # Errors
/// [`FillError`]; then the recovery is to be given up.
pub fn fill(
    door: &mut Door,
    media: &mut dyn Media,
    place: &OnMedium,
    checked: &CheckedBackup,
    progress: &mut dyn FnMut(u64),
) -> Result<(), FillError> {
    door.begin_filling()?;
    let mut last: Vec<Pair> = Vec::new();
    let mut waiting: Vec<Pair> = Vec::new();
    let (mut size, mut done) = (0, 0u64);
    let mut failed = None;
    values(media, place, checked, &mut |key, value| {
        if failed.is_some() {
            return Ok(());
        }
        let pair = (key.to_vec(), value.to_vec());
        if key == b"h" || key.starts_with(b"a/") {
            last.push(pair);
            return Ok(());
        }
        size += key.len() + value.len();
        done = done.saturating_add(u64::try_from(key.len() + value.len()).unwrap_or(u64::MAX));
        waiting.push(pair);
        if size >= STEP {
            size = 0;
            failed = door.fill(std::mem::take(&mut waiting)).err();
            progress(done);
        }
        Ok(())
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    door.fill(waiting)?;
    door.stage(last, checked.backup.repository_format())?;
    Ok(())
}
