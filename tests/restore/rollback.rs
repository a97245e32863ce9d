//! A repository that went back in time: found out by the first card that has
//! seen more, locked, and gone on with only by both quorums.

use std::path::Path;

use conclave_evidence::GroupId;
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::ports::dialogue::Answer;
use conclave_station::compose::{Parts, assemble, random_source};
use conclave_station::front::Phase;
use conclave_station::host::clock::SystemClock;
use conclave_station::service::ActEnd;
use conclave_training::printer::TrainingPrinters;
use conclave_training::stick::StickPorts;
use std::sync::Arc;
use tempfile::TempDir;

use crate::people::{Scene, done};
use crate::stage::{self, STAFF, folder};
use crate::{auditor_accepts, make_key, refused_at_logon};

fn repository(folder: &Path) -> std::path::PathBuf {
    folder.join("repository")
}

/// The repository as it was a key ago, and the station that it was taken from.
fn older_copy() -> (TempDir, TempDir, u64) {
    let folder = folder();
    let copied = TempDir::new().unwrap();
    stage::copy(&repository(folder.path()), &repository(copied.path()));
    let mut scene = Scene::open(folder.path(), STAFF);
    make_key(&mut scene, "BANK-LAKE.ZMK.001");
    scene.logon(GroupId::Administrators);
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Recovery);
    scene.station.logout("logged out").unwrap();
    let newest = scene.entries();
    (folder, copied, newest)
}

fn put_back(from: &Path, to: &Path) {
    std::fs::remove_dir_all(repository(to)).unwrap();
    stage::copy(&repository(from), &repository(to));
}

#[test]
fn an_older_copy_locks_until_both_quorums_go_on_with_it() {
    let (folder, copied, newest) = older_copy();
    put_back(copied.path(), folder.path());
    let mut scene = Scene::open(folder.path(), STAFF);
    let kept = scene.entries();
    let told = refused_at_logon(&mut scene, GroupId::Administrators);
    assert!(
        told.contains("a newer journal than this repository holds"),
        "{told}"
    );
    drop(scene);

    // The lock is on the disk, and administrators alone do not undo it.
    let mut scene = Scene::open(folder.path(), STAFF);
    let status = scene.station.status(0);
    assert_eq!((status.phase, status.recovery), (Phase::Locked, true));
    let told = refused_at_logon(&mut scene, GroupId::Administrators);
    assert!(!scene.station.is_open(), "{told}");
    assert!(scene.station.restore_backup(&mut scene.people).is_err());

    // Given up in the middle, it is locked as before.
    scene.people.at = Box::new(|prompt, _| (prompt.code == "card.sign").then_some(Answer::Abort));
    let end = scene.station.recover_station(&mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    let status = scene.station.status(0);
    assert_eq!((status.phase, status.recovery), (Phase::Locked, true));
    assert_eq!(
        scene.station.door().vault().incarnations().unwrap().len(),
        1
    );

    scene.people.at = Box::new(|_, _| None);
    let end = scene.station.recover_station(&mut scene.people).unwrap();
    let ActEnd::Done { lines, .. } = end else {
        panic!("given up")
    };
    let lines = lines.join("\n");
    assert!(lines.contains("Lost: journal entries"), "{lines}");
    let vault = scene.station.door().vault();
    let minutes = crate::filed_minutes::only(folder.path(), "restore", vault);
    for words in [
        "Recovery: Lea",
        "Administrators: Ada",
        "go on with this repository as it lies here",
        "lost: journal entries",
    ] {
        assert!(
            minutes.script.contains(words),
            "{words}: {}",
            minutes.script
        );
    }
    drop(scene);

    let mut scene = Scene::open(folder.path(), STAFF);
    assert_eq!(scene.station.status(0).phase, Phase::Closed);
    scene.logon_both();
    assert_eq!(scene.key_state("BANK-LAKE.ZMK.001"), None, "it is lost");
    scene.station.logout("logged out").unwrap();
    make_key(&mut scene, "BANK-LAKE.ZMK.001");
    scene.logon(GroupId::Auditors);
    let journal = scene.station.door().vault().read_journal(0).unwrap();
    let restore = journal
        .iter()
        .find(|one| one.header.action == "restore" && one.header.kind == EntryKind::Outcome)
        .unwrap();
    let words = restore.body.as_ref().unwrap().words.join("\n");
    // The newest entry that any of the cards had seen is named.
    let named = words.contains(&format!("to {newest} at least"))
        || words.contains(&format!("to {} at least", newest - 1));
    assert!(named, "{newest}: {words}");
    assert!(restore.header.seq > kept);
    let locked = journal
        .iter()
        .any(|one| one.header.action == "lock-for-recovery");
    assert!(locked);
    auditor_accepts(&mut scene, &[]);
}

#[test]
fn one_old_file_among_new_ones_opens_nothing() {
    let (folder, copied, _) = older_copy();
    let mut exchanged = 0;
    for entry in std::fs::read_dir(repository(copied.path())).unwrap() {
        let from = entry.unwrap().path();
        let to = repository(folder.path()).join(from.file_name().unwrap());
        if !from.is_file() || std::fs::read(&from).unwrap() == std::fs::read(&to).unwrap() {
            continue;
        }
        let machine = TempDir::new().unwrap();
        stage::copy(folder.path(), machine.path());
        std::fs::copy(
            &from,
            repository(machine.path()).join(from.file_name().unwrap()),
        )
        .unwrap();
        exchanged += 1;
        // It does not open at all, or the first card finds it out.
        let opened = try_open(machine.path());
        let Ok(()) = opened else {
            continue;
        };
        let mut scene = Scene::open(machine.path(), STAFF);
        let told = refused_at_logon(&mut scene, GroupId::Administrators);
        assert!(told.contains("this repository"), "{from:?}: {told}");
        assert!(scene.station.status(0).recovery);
    }
    assert!(exchanged > 0);
}

fn try_open(folder: &Path) -> Result<(), String> {
    let config = conclave_station::config::TrainingConfig {
        readers: 1,
        cards: u8::try_from(STAFF.len()).unwrap(),
        form_ms: 0,
    };
    let room = conclave_station::training_room::TrainingRoom::open(folder, &config).unwrap();
    assemble(Parts {
        folder: folder.to_owned(),
        training: true,
        readers: Arc::new(room.readers.clone()),
        printers: Box::new(TrainingPrinters(room.printers.0.clone())),
        media: Box::new(StickPorts::new(vec![room.stick.clone()])),
        clock: Arc::new(SystemClock::default()),
        random: random_source().unwrap(),
        blank: Arc::new(|_| {}),
    })
    .map_err(|error| error.to_string())
    .and_then(|station| match station.damage() {
        Some(damage) => Err(damage.words().to_owned()),
        None => Ok(()),
    })
}

/// Both disks were used: each is refused with the cards that were at the other.
#[test]
fn a_cloned_disk_is_found_out_and_one_history_is_given_up() {
    let folder = folder();
    let clone = crate::machine_beside(folder.path());
    stage::copy(&repository(folder.path()), &repository(clone.path()));
    let mut first = Scene::open(folder.path(), STAFF);
    first.logon(GroupId::Administrators);
    first.station.logout("logged out").unwrap();
    first.logon(GroupId::Recovery);
    first.station.logout("logged out").unwrap();
    drop(first);
    // The key managers did not see that, and go on with the clone.
    let mut second = Scene::open(clone.path(), STAFF);
    for _ in 0..3 {
        second.logon(GroupId::KeyManagers);
        second.station.logout("logged out").unwrap();
    }
    let told = refused_at_logon(&mut second, GroupId::Administrators);
    assert!(told.contains("not the one"), "{told}");
    drop(second);
    let mut first = Scene::open(folder.path(), STAFF);
    let told = refused_at_logon(&mut first, GroupId::KeyManagers);
    assert!(told.contains("not the one"), "{told}");
    // The first is gone on with; then everybody logs on there, and the clone
    // stays shut to all who were here.
    done(first.station.recover_station(&mut first.people));
    first.logon_both();
    first.station.logout("logged out").unwrap();
    first.logon(GroupId::Auditors);
    auditor_accepts(&mut first, &[]);
    first.station.logout("logged out").unwrap();
    drop(first);
    let mut second = Scene::open(clone.path(), STAFF);
    assert!(second.station.status(0).recovery);
    let told = refused_at_logon(&mut second, GroupId::KeyManagers);
    assert!(!second.station.is_open(), "{told}");
}
