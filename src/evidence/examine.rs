//! A backup examined in full depth, wherever its files come from.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::authority::{AuthorityChain, AuthorityRecord, SignedAuthority};
use crate::backup::{BACKUP_ACTION, Backup, BackupFile, Contents, SignedBackup, frames, record_of};
use crate::cbor;
use crate::error::EvidenceError;
use crate::export::{CheckedJournal, JournalExport};
use crate::ids::Hash;
use crate::journal::{EntryKind, RootEntry, SignedAnchor, SignedHead};
use crate::sign::verify_p256;
use crate::tagged;

/// Gives the content of a file, however long the manifest says it is.
pub type Read<'a> = &'a mut dyn FnMut(&BackupFile) -> Result<Vec<u8>, EvidenceError>;

/// Hears of each check: what it is about, and how it went.
pub type Tell<'a> = &'a mut dyn FnMut(String, Result<(), EvidenceError>);

/// A backup all of whose checks held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedBackup {
    /// The manifest.
    pub backup: Backup,
    /// Its digest.
    pub digest: Hash,
    /// The authority chain as it is signed.
    pub authority: Vec<SignedAuthority>,
    /// The journal.
    pub journal: CheckedJournal,
    /// How many records each compartment has.
    pub counts: BTreeMap<String, u64>,
}

/// Notes how a check went, and whether all went well so far.
struct Course<'a> {
    tell: Tell<'a>,
    good: bool,
}

impl Course<'_> {
    fn check<T>(&mut self, what: impl Into<String>, result: Result<T, EvidenceError>) -> Option<T> {
        match result {
            Ok(value) => {
                (self.tell)(what.into(), Ok(()));
                Some(value)
            }
            Err(error) => {
                self.good = false;
                (self.tell)(what.into(), Err(error));
                None
            }
        }
    }
}

/// Examines a backup. Gives it back when every check held.
pub fn examine(signed: &SignedBackup, read: Read<'_>, tell: Tell<'_>) -> Option<CheckedBackup> {
    let mut course = Course { tell, good: true };
    let backup = course.check("the manifest is of its form", signed.open())?;
    course.check("all names are flat", backup.check_files())?;
    for file in backup.files() {
        let what = format!("{}: size and SHA-256 agree", file.name);
        course.check(what, content(file, read));
    }
    // Not one value is looked at in a file that is not the one signed.
    if !course.good {
        return None;
    }
    let export = course.check(
        "authority records, head, entries and anchors are of their form",
        journal(&backup, read),
    )?;
    let what = format!(
        "the authority chain holds: each of its records ({}) is signed by its administrators",
        export.authority.len()
    );
    let chain = AuthorityChain::verify(&export.authority).map_err(EvidenceError::from);
    let chain = course.check(what, chain)?;
    let record = course.check(
        "made under the newest authority record that it brings",
        record_of(&backup, &chain),
    )?;
    course.check(
        "the manifest is signed by the station key",
        signed.check_signature(record),
    );
    let format = match backup.format {
        Some(format) => format!(", repository format {format}"),
        None => String::new(),
    };
    let what = format!(
        "of station {}, {}, incarnation {}{format}",
        backup.station_name, backup.mode, backup.incarnation
    );
    course.check(what, backup.check_station(record));
    let what = format!(
        "{} approvals of this very backup, a quorum of administrators",
        backup.approvals.len()
    );
    course.check(what, backup.check_approvals(record));
    let what = format!(
        "{} journal entries without a gap, the head is signed, {} anchors agree",
        export.entries.len(),
        export.anchors.len()
    );
    let checked = course.check(what, export.verify())?;
    course.check(
        "the journal tells of this backup, and ends with it",
        told(&backup, &checked),
    );
    let sealed = sealed(&backup, read, record, &checked);
    let counts = course.check(
        "what is sealed is what the cards signed for, and agrees with the signed roots",
        sealed,
    )?;
    course.good.then(|| CheckedBackup {
        digest: signed.digest(),
        backup,
        authority: export.authority,
        journal: checked,
        counts,
    })
}

/// A file's content, if it is the one that was signed.
///
/// # Errors
/// [`EvidenceError::File`]
pub fn content(file: &BackupFile, read: Read<'_>) -> Result<Vec<u8>, EvidenceError> {
    let bytes = read(file)?;
    if u64::try_from(bytes.len()).ok() != Some(file.size) {
        let reason = format!("it does not have the {} bytes that were signed", file.size);
        return Err(EvidenceError::file(&file.name, reason));
    }
    if tagged::sha256(&bytes) != file.sha256 {
        let reason = "its SHA-256 is not the one that was signed";
        return Err(EvidenceError::file(&file.name, reason));
    }
    Ok(bytes)
}

/// Keys ascend over all files of a kind, so none stands twice.
fn ascending(
    files: &[BackupFile],
    read: Read<'_>,
    each: &mut dyn FnMut(&[u8], &[u8]) -> Result<(), EvidenceError>,
) -> Result<(), EvidenceError> {
    let mut last: Option<Vec<u8>> = None;
    for file in files {
        let bytes = content(file, read)?;
        frames(&file.name, &bytes, &mut |key, value| {
            if last.as_deref().is_some_and(|last| last >= key) {
                let reason = "its values are not in the order of their keys";
                return Err(EvidenceError::file(&file.name, reason));
            }
            last = Some(key.to_vec());
            each(key, value)
        })?;
    }
    Ok(())
}

fn numbered(prefix: &str, number: usize) -> Vec<u8> {
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    [prefix.as_bytes(), &number.to_be_bytes()].concat()
}

fn journal(backup: &Backup, read: Read<'_>) -> Result<JournalExport, EvidenceError> {
    let (mut authority, mut entries, mut anchors) = (Vec::new(), Vec::new(), Vec::new());
    let mut head: Option<SignedHead> = None;
    ascending(&backup.journal, read, &mut |key, value| {
        if key == numbered("a/", authority.len()) {
            let place = format!("authority record {}", authority.len());
            authority.push(cbor::exact(value).map_err(EvidenceError::form(place))?);
        } else if key == b"h" {
            head = Some(cbor::exact(value).map_err(EvidenceError::form("journal head"))?);
        } else if key == numbered("j/", entries.len()) {
            let place = format!("journal entry {}", entries.len());
            entries.push(cbor::exact(value).map_err(EvidenceError::form(place))?);
        } else {
            let anchor: Option<SignedAnchor> = key
                .strip_prefix(b"n/")
                .and_then(|card| Some((card, cbor::exact::<SignedAnchor>(value).ok()?)))
                .and_then(|(card, anchor)| (anchor.anchor.card.0 == *card).then_some(anchor));
            anchors.push(anchor.ok_or_else(|| {
                EvidenceError::broken("backup, journal", "a value in it has no place there")
            })?);
        }
        Ok(())
    })?;
    let head = head.ok_or_else(|| EvidenceError::broken("journal head", "it is missing"))?;
    Ok(JournalExport {
        authority,
        entries,
        head,
        anchors,
    })
}

/// The journal ends with this backup's INTENT, and has its PROPOSED.
fn told(backup: &Backup, journal: &CheckedJournal) -> Result<(), EvidenceError> {
    let broken = |reason: &str| Err(EvidenceError::broken("backup", reason));
    if journal.head.seq != backup.head_seq || journal.head.entry != backup.head_entry {
        return broken("its journal's head is not the one that it names");
    }
    let action = backup
        .action_digest()
        .map_err(EvidenceError::form("backup, action"))?;
    let proposed = journal.by_hash(&backup.proposed).is_some_and(|entry| {
        entry.kind == EntryKind::Proposed
            && entry.act == backup.act
            && entry.action == BACKUP_ACTION
            && entry.commitment == Some(action)
    });
    if !proposed {
        return broken("its journal has no proposal of it");
    }
    let intent = journal.by_hash(&backup.head_entry).is_some_and(|entry| {
        entry.kind == EntryKind::Intent && entry.act == backup.act && entry.action == BACKUP_ACTION
    });
    if intent {
        Ok(())
    } else {
        broken("its journal does not end with its intent")
    }
}

/// A compartment's public state; what it sums up is sealed.
#[derive(Deserialize)]
struct State {
    root: RootEntry,
    #[serde(rename = "sum")]
    _sum: serde::de::IgnoredAny,
}

fn sealed(
    backup: &Backup,
    read: Read<'_>,
    record: &AuthorityRecord,
    journal: &CheckedJournal,
) -> Result<BTreeMap<String, u64>, EvidenceError> {
    let act = backup.act()?;
    let mut contents = Contents::default();
    let mut counts: BTreeMap<String, u64> = record
        .writers
        .iter()
        .map(|writer| (writer.compartment.clone(), 0))
        .collect();
    let mut roots: BTreeMap<String, RootEntry> = BTreeMap::new();
    let mut shares: BTreeSet<Vec<u8>> = BTreeSet::new();
    ascending(&backup.records, read, &mut |key, value| {
        contents.add(key, value);
        match place(key) {
            Some(Place::State(name)) if counts.contains_key(name) => {
                let place = format!("compartment {name}");
                let state: State = cbor::from_slice(value).map_err(EvidenceError::form(place))?;
                roots.insert(name.into(), state.root);
            }
            Some(Place::Record(name)) => match counts.get_mut(name) {
                Some(count) => *count += 1,
                None => return Err(no_place()),
            },
            Some(Place::Share) => {
                shares.insert(key.to_vec());
            }
            Some(Place::Wrap) => {}
            _ => return Err(no_place()),
        }
        Ok(())
    })?;
    let pairs = contents.pairs();
    let digest = contents
        .digest()
        .map_err(EvidenceError::form("backup, contents"))?;
    if digest != act.contents || pairs != act.pairs {
        let reason = "what is sealed in it is not what the cards signed for";
        return Err(EvidenceError::broken("backup", reason));
    }
    let last = journal.entries.iter().rev();
    let last = last.filter_map(|(header, _)| header.roots.as_ref()).next();
    for writer in &record.writers {
        let name = &writer.compartment;
        let broken =
            |reason: &str| EvidenceError::broken(format!("compartment {name}"), reason.to_owned());
        let root = roots.get(name).ok_or_else(|| broken("it is missing"))?;
        let shown = last.and_then(|roots| roots.iter().find(|root| root.compartment == *name));
        if shown != Some(root) || root.epoch != writer.epoch {
            return Err(broken("its root is not the newest in the journal"));
        }
        let said = (&root.compartment, root.epoch, root.count, root.mac);
        let said = cbor::digest("conclave/root/1", &said).map_err(EvidenceError::form("root"))?;
        verify_p256(&writer.key, &said, &root.signature)
            .map_err(|_| broken("its root is not signed by its writer key"))?;
        if counts.get(name) != Some(&root.count) {
            return Err(broken("it does not have as many records as its root says"));
        }
    }
    for group in record.groups.iter().filter(|group| group.holds_secret) {
        for member in &group.members {
            let key = format!("s/{}/{}/{}", group.group, group.epoch, member.x);
            if !shares.contains(key.as_bytes()) {
                let place = format!("{}, member {}", group.group, member.x);
                return Err(EvidenceError::broken(place, "the share is missing"));
            }
        }
    }
    Ok(counts)
}

fn no_place() -> EvidenceError {
    EvidenceError::broken("backup, records", "a value in it has no place there")
}

enum Place<'a> {
    State(&'a str),
    Record(&'a str),
    Share,
    Wrap,
}

/// What a key of the store is, see `docs/vault-format.md`.
fn place(key: &[u8]) -> Option<Place<'_>> {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    match key {
        [b'c', b'/', name @ ..] => Some(Place::State(text(name)?)),
        [b'r', b'/', rest @ ..] => {
            let name = rest.split(|byte| *byte == b'/').next()?;
            (rest.len() == name.len() + 17).then_some(Place::Record(text(name)?))
        }
        [b's', b'/', ..] => Some(Place::Share),
        [b'w', b'/', ..] => Some(Place::Wrap),
        _ => None,
    }
}
