//! The station comes back: from a backup on an empty machine, and from a
//! repository that went back in time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "restore/emptied.rs"]
mod emptied;
#[path = "support/filed_minutes.rs"]
mod filed_minutes;
#[path = "restore/formats.rs"]
mod formats;
#[path = "support/people.rs"]
mod people;
#[path = "restore/rollback.rs"]
mod rollback;
#[path = "support/stage.rs"]
mod stage;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use conclave_evidence::GroupId;
use conclave_evidence::journal::EntryKind;
use conclave_evidence::verify::verify_paths;
use conclave_keyroom::ports::dialogue::Refusal;
use conclave_station::front::Phase;
use conclave_station::logon::LogonEnd;
use conclave_station::service::ActEnd;
use people::{Scene, done};
use stage::{STAFF, folder};
use tempfile::TempDir;

const KEY: &str = "BANK-LAKE.ZMK.001";

/// Makes a backup with the administrators, who log on for it.
pub fn back_up(scene: &mut Scene) -> PathBuf {
    scene.logon(GroupId::Administrators);
    done(scene.station.make_backup(&mut scene.people));
    scene.station.logout("logged out").unwrap();
    let stick = std::fs::read_dir(scene.room.stick.folder()).unwrap();
    let mut found: Vec<PathBuf> = stick.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.join("backup.cbor").exists());
    found.sort();
    found.pop().unwrap()
}

/// An empty machine with copies of cards and stick, for what must not be seen
/// by the others.
pub fn machine_apart(folder: &Path) -> TempDir {
    let other = TempDir::new().unwrap();
    for shared in ["cards", "stick"] {
        stage::copy(&folder.join(shared), &other.path().join(shared));
    }
    other
}

/// An empty machine in the same room: the same cards, the same stick.
pub fn machine_beside(folder: &Path) -> TempDir {
    let other = TempDir::new().unwrap();
    for shared in ["cards", "stick"] {
        symlink(folder.join(shared), other.path().join(shared)).unwrap();
    }
    other
}

/// Restores, all the way.
pub fn restored(scene: &mut Scene) -> Vec<String> {
    match scene.station.restore_backup(&mut scene.people) {
        Ok(ActEnd::Done { title, lines, .. }) => {
            assert_eq!(title, "The station is restored");
            lines
        }
        Ok(ActEnd::Stopped) => panic!("given up: {:?}", scene.people.refusals),
        Err(refusal) => panic!("{refusal:?}: {:?}", scene.people.refusals),
    }
}

/// The refusal that stands when the first member's card comes.
pub fn refused_at_logon(scene: &mut Scene, group: GroupId) -> String {
    scene.people.refusals.clear();
    match scene.station.logon(Some(group), &mut scene.people) {
        LogonEnd::Done(_) => panic!("logged on"),
        LogonEnd::Refused(Refusal { happened, .. }) => scene.people.refusals.push(happened),
        _ => {}
    }
    scene.people.refusals.join("\n")
}

/// Makes a key with both groups.
pub fn make_key(scene: &mut Scene, label: &str) {
    scene.logon_both();
    done(scene.zmk(label, "zmk-aes128", "2"));
    scene.station.logout("logged out").unwrap();
}

/// The journal's export is what an auditor accepts.
pub fn auditor_accepts(scene: &mut Scene, extra: &[PathBuf]) -> String {
    let folder = TempDir::new().unwrap();
    let journal = folder.path().join("journal.cbor");
    std::fs::write(&journal, scene.station.journal_bytes().unwrap()).unwrap();
    let report = verify_paths(&[&[journal], extra].concat());
    assert!(report.ok(), "{report}");
    report.to_string()
}

#[test]
fn people_log_on_to_the_restored_station_as_before_and_the_old_one_is_refused() {
    let folder = folder();
    let mut old = Scene::open(folder.path(), STAFF);
    make_key(&mut old, KEY);
    let backup = back_up(&mut old);
    // Life goes on after the backup: this is lost.
    make_key(&mut old, "BANK-LAKE.ZMK.002");
    old.logon(GroupId::Auditors);
    old.station.logout("logged out").unwrap();
    let newest = old.entries();
    old.logon(GroupId::Auditors);
    let given_up = folder.path().join("given-up.cbor");
    std::fs::write(&given_up, old.station.journal_bytes().unwrap()).unwrap();
    drop(old);

    let other = machine_beside(folder.path());
    let mut new = Scene::open(other.path(), STAFF);
    assert_eq!(new.station.status(0).phase, Phase::Empty);
    let lines = restored(&mut new).join("\n");
    let kept = new.station.door().vault();
    let minutes = filed_minutes::only(other.path(), "restore", kept);
    for words in ["Recovery: Lea", "Administrators: Ada", "what they did"] {
        assert!(
            minutes.script.contains(words),
            "{words}: {}",
            minutes.script
        );
    }
    assert!(
        lines.contains("Every card that signed has the note"),
        "{lines}"
    );
    assert!(lines.contains("Lost: journal entries"), "{lines}");
    assert_eq!(kept.authority().unwrap().seq, 1);
    assert_eq!(kept.incarnations().unwrap().len(), 2);
    assert_eq!(new.station.status(0).phase, Phase::Closed);
    assert!(kept.open_intents().unwrap().is_empty());
    drop(new);

    // After a restart, with cards that were not there too.
    let mut new = Scene::open(other.path(), STAFF);
    new.logon_both();
    assert_eq!(new.key_state(KEY).as_deref(), Some("active"));
    assert_eq!(new.key_state("BANK-LAKE.ZMK.002"), None);
    make_working_key(&mut new);
    new.station.logout("logged out").unwrap();
    new.logon(GroupId::Auditors);
    let journal = new.station.door().vault().read_journal(0).unwrap();
    let told = |action: &str, kind: EntryKind| {
        journal
            .iter()
            .filter(|one| one.header.action == action && one.header.kind == kind)
            .map(|one| one.body.as_ref().unwrap().words.join("\n"))
            .collect::<Vec<_>>()
    };
    let restore = told("restore", EntryKind::Outcome);
    assert_eq!(restore.len(), 1);
    assert!(restore[0].contains("lost: journal entries"), "{restore:?}");
    assert!(
        restore[0].contains("a new incarnation begins"),
        "{restore:?}"
    );
    let backups = told("make-backup", EntryKind::Outcome);
    assert!(backups[0].contains("it was restored"), "{backups:?}");
    // Cards that come with what they saw in the lost range are let in, noted.
    let lost = told("lost-range", EntryKind::Note).join("\n")
        + &told("lost-range", EntryKind::Locked).join("\n");
    assert!(
        lost.contains(&format!("entry {newest}")) || lost.contains("had seen entry"),
        "{lost}"
    );
    let report = auditor_accepts(&mut new, &[backup, folder.path().join("stick")]);
    assert!(report.contains("records (2)"), "{report}");
    // Beside the journal of the lost range, which an auditor kept, too,
    // and the minutes of what was done in it.
    let minutes = folder.path().join("minutes");
    assert!(minutes.is_dir());
    let report = auditor_accepts(&mut new, &[given_up, minutes]);
    assert!(report.contains("a restore gave one of them up"), "{report}");
    new.station.logout("logged out").unwrap();
    drop(new);

    // The old disk is older than what these cards have seen now.
    let mut old = Scene::open(folder.path(), STAFF);
    for group in [
        GroupId::Administrators,
        GroupId::KeyManagers,
        GroupId::Recovery,
    ] {
        let told = refused_at_logon(&mut old, group);
        assert!(
            told.contains("not the one") || told.contains("locked"),
            "{group}: {told}"
        );
        assert!(!old.station.is_open());
    }
    let status = old.station.status(0);
    assert_eq!(status.phase, Phase::Locked);
    assert!(status.recovery);
}

/// Its bundle's number leaves a gap for those of the lost range.
fn make_working_key(scene: &mut Scene) {
    done(scene.working("BANK-LAKE.ZPK.001", "zpk-aes128", KEY));
    let stick = std::fs::read_dir(scene.room.stick.folder()).unwrap();
    let names: Vec<String> = stick
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        names.iter().any(|name| name == "CONCLAVE-1001-TEST"),
        "{names:?}"
    );
}

#[test]
fn a_station_that_is_there_takes_no_backup() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    back_up(&mut scene);
    let before = scene.entries();
    let refused = scene.station.restore_backup(&mut scene.people).unwrap_err();
    assert!(
        refused.happened.contains("a station here already"),
        "{refused:?}"
    );
    let refused = scene
        .station
        .recover_station(&mut scene.people)
        .unwrap_err();
    assert!(refused.happened.contains("Nothing here"), "{refused:?}");
    assert_eq!(scene.entries(), before);
}

/// The first restored machine breaks, and the same backup is restored again:
/// the cards have seen an incarnation that no repository holds any more.
#[test]
fn a_backup_is_restored_twice_with_the_same_cards() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    back_up(&mut scene);
    drop(scene);
    let broken = machine_beside(folder.path());
    let mut scene = Scene::open(broken.path(), STAFF);
    restored(&mut scene);
    scene.logon_both();
    scene.station.logout("logged out").unwrap();
    drop(scene);
    let other = machine_beside(folder.path());
    let mut scene = Scene::open(other.path(), STAFF);
    restored(&mut scene);
    drop(scene);
    let mut scene = Scene::open(other.path(), STAFF);
    for group in [
        GroupId::Administrators,
        GroupId::KeyManagers,
        GroupId::Approvers,
        GroupId::Recovery,
        GroupId::Auditors,
    ] {
        scene.logon(group);
        scene.station.logout("logged out").unwrap();
    }
    scene.logon(GroupId::Auditors);
    let journal = scene.station.door().vault().read_journal(0).unwrap();
    let given_up = journal.iter().filter(|one| one.header.action == "given-up");
    assert_eq!(given_up.count(), 1);
    auditor_accepts(&mut scene, &[]);
    drop(scene);
    // And the machine that broke is refused, should it come back.
    let mut scene = Scene::open(broken.path(), STAFF);
    let told = refused_at_logon(&mut scene, GroupId::Recovery);
    assert!(told.contains("not the one"), "{told}");
}
