//! The session that only looks, played by people at the station.

use std::path::Path;
use std::sync::OnceLock;

use conclave_evidence::GroupId;
use conclave_evidence::export::JournalExport;
use conclave_evidence::verify::verify_paths;
use conclave_keyroom::ports::store::Write;
use conclave_station::front::Phase;
use conclave_station::logon::LogonEnd;
use conclave_station::service::ActEnd;
use tempfile::TempDir;

use crate::people::{Scene, done};
use crate::stage::{self, STAFF};
use crate::{content, spoil};

pub const KEY: &str = "BANK-LAKE.ZMK.001";
const LATER: &str = "BANK-LAKE.ZMK.002";

fn make_key(scene: &mut Scene, label: &str) {
    scene.logon_both();
    done(scene.zmk(label, "zmk-aes128", "2"));
    scene.station.logout("logged out").unwrap();
}

/// A copy of a station with a key, a backup of it on the stick, and a key that
/// was made later.
pub fn with_backup() -> TempDir {
    static BASE: OnceLock<TempDir> = OnceLock::new();
    let base = BASE.get_or_init(|| {
        let folder = stage::folder();
        let mut scene = Scene::open(folder.path(), STAFF);
        make_key(&mut scene, KEY);
        scene.logon(GroupId::Administrators);
        done(scene.station.make_backup(&mut scene.people));
        scene.station.logout("logged out").unwrap();
        make_key(&mut scene, LATER);
        folder
    });
    let folder = TempDir::new().unwrap();
    stage::copy(base.path(), folder.path());
    folder
}

fn repository(folder: &Path) -> std::path::PathBuf {
    folder.join("repository")
}

/// Flips a bit of the first value under a prefix whose clear header says this.
fn flip(folder: &Path, prefix: &str, says: &str) -> Vec<u8> {
    let all = content(&repository(folder)).unwrap();
    let found = all.iter().find(|(key, value)| {
        let says = says.as_bytes();
        key.starts_with(prefix.as_bytes()) && value.windows(says.len()).any(|part| part == says)
    });
    let (key, value) = found.unwrap();
    let mut value = value.clone();
    // The body stands last but for the salt: well inside of one of them.
    let at = value.len() - 60;
    value[at] ^= 0x10;
    spoil(&repository(folder), &[Write::Put(key.clone(), value)]);
    key.clone()
}

fn refused(scene: &mut Scene, group: GroupId) -> String {
    scene.people.refusals.clear();
    match scene.station.logon(Some(group), &mut scene.people) {
        LogonEnd::Refused(refusal) => scene.people.refusals.push(refusal.happened),
        LogonEnd::Done(_) => panic!("logged on"),
        _ => {}
    }
    scene.people.refusals.join("\n")
}

#[test]
fn a_damaged_record_is_named_the_rest_listed_and_nothing_written() {
    let folder = with_backup();
    let key = flip(folder.path(), "r/catalogue/", "ceremony");
    let id: String = key[key.len() - 16..]
        .iter()
        .map(|b| format!("{b:02X}"))
        .collect();
    let mut scene = Scene::open(folder.path(), STAFF);
    assert_eq!(
        scene.station.status(0).phase,
        Phase::Closed,
        "nothing is seen yet"
    );
    assert!(scene.station.begin_rescue(&mut scene.people).is_err());
    let told = refused(&mut scene, GroupId::KeyManagers);
    assert!(told.contains("catalogue"), "{told}");
    let status = scene.station.status(0);
    assert!(status.rescuable && !status.rescue && status.phase == Phase::Closed);

    // Esc leaves it closed; it is chosen, or it does not begin.
    scene.people.at = Box::new(|_, _| Some(conclave_keyroom::ports::dialogue::Answer::Abort));
    let end = scene.station.begin_rescue(&mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)));
    assert!(!scene.station.in_rescue());
    scene.people.at = Box::new(|_, _| None);
    scene.station.begin_rescue(&mut scene.people).unwrap();
    assert_eq!(scene.station.status(0).phase, Phase::Damaged);
    scene.logon_both();
    let status = scene.station.status(0);
    assert!(status.rescue && status.phase == Phase::Open);

    // What is good is listed, what is not stands above all other tasks.
    let lists = scene.station.lists();
    let labels: Vec<String> = scene
        .station
        .keys()
        .iter()
        .map(|k| k.label.clone())
        .collect();
    assert_eq!(labels, [KEY, LATER]);
    assert!(
        scene
            .station
            .keys()
            .iter()
            .all(|key| !key.kcv.value.is_empty())
    );
    assert_eq!(lists.people.len(), STAFF.len());
    assert!(!lists.journal.is_empty());
    let first = &lists.tasks[0];
    assert_eq!(first.what, "RESCUE: damaged records 1, journal entries 0");
    let detail = first.detail.join("\n");
    assert!(
        detail.contains(&id) && detail.contains("ceremony"),
        "{detail}"
    );
    assert!(
        detail.contains("✓ keys:") && detail.contains("✗ catalogue:"),
        "{detail}"
    );

    // No act, whoever is logged on; and nothing was asked for it.
    scene.logon(GroupId::Administrators);
    assert!(scene.zmk("BANK-LAKE.ZMK.003", "zmk-aes128", "2").is_err());
    assert!(scene.station.make_backup(&mut scene.people).is_err());
    assert!(
        scene
            .station
            .set_repository_aside(&mut scene.people)
            .is_err()
    );

    // What helps: the journal, which is whole, and what the backup would lose.
    let journal = folder.path().join("exported.cbor");
    std::fs::write(&journal, scene.station.journal_bytes().unwrap()).unwrap();
    let report = verify_paths(&[journal]);
    assert!(report.ok(), "{report}");
    let Ok(ActEnd::Done { lines, .. }) = scene.station.compare_backup(&mut scene.people) else {
        panic!("{:?}", scene.people.refusals)
    };
    let lines = lines.join("\n");
    assert!(
        lines.contains(&format!("key {LATER}, check value")),
        "{lines}"
    );
    assert!(
        !lines.contains(&format!("key {KEY}, check value")),
        "{lines}"
    );
    scene.station.logout("logged out").unwrap();
    drop(scene);

    // Refused logon and beginning are journalled, and nothing after them.
    let mut scene = Scene::open(folder.path(), STAFF);
    let headers: Vec<String> = scene
        .station
        .door()
        .vault()
        .entries(0)
        .unwrap()
        .iter()
        .map(|entry| entry.open_header().unwrap().action)
        .collect();
    assert_eq!(headers[headers.len() - 2..], ["damage", "rescue"]);
    let notes = std::fs::read_dir(folder.path().join("rescue")).unwrap();
    let notes: Vec<String> = notes
        .map(|note| std::fs::read_to_string(note.unwrap().path()).unwrap())
        .collect();
    assert_eq!(notes.len(), 3);
    assert!(
        notes
            .iter()
            .any(|n| n.contains(": Key managers: ") && n.contains(&id))
    );
    let told = refused(&mut scene, GroupId::Approvers);
    assert!(told.contains("catalogue"), "it is found again: {told}");
}

#[test]
fn a_damaged_journal_is_exported_as_far_as_it_holds() {
    let folder = with_backup();
    let before = content(&repository(folder.path())).unwrap();
    let place = [b"j/".as_slice(), &9u64.to_be_bytes()].concat();
    let mut value = before[&place].clone();
    let at = value.len() - 20;
    value[at] ^= 1;
    spoil(&repository(folder.path()), &[Write::Put(place, value)]);
    let damaged = content(&repository(folder.path())).unwrap();

    let mut scene = Scene::open(folder.path(), STAFF);
    let status = scene.station.status(0);
    assert!(status.phase == Phase::Damaged && status.rescuable);
    // Not before it is chosen.
    let told = refused(&mut scene, GroupId::Auditors);
    assert!(told.contains("damaged"), "{told}");
    scene.station.begin_rescue(&mut scene.people).unwrap();
    scene.logon(GroupId::Auditors);
    let lists = scene.station.lists();
    assert_eq!(
        lists.tasks[0].what,
        "RESCUE: damaged records 0, journal entries 1"
    );
    assert_eq!(lists.journal.len(), 9, "up to the break, and readable");
    assert!(lists.journal.iter().all(|row| !row.words.is_empty()));
    let detail = scene.station.damage_lines().join("\n");
    assert!(detail.contains("breaks at entry 9"), "{detail}");
    let bytes = scene.station.journal_bytes().unwrap();
    let export = JournalExport::from_file(&bytes).unwrap();
    assert_eq!(export.entries.len(), 9);
    let file = folder.path().join("exported.cbor");
    std::fs::write(&file, bytes).unwrap();
    let report = verify_paths(&[file]);
    assert!(
        !report.ok() && report.to_string().contains("missing"),
        "{report}"
    );
    drop(scene);
    assert!(content(&repository(folder.path())).unwrap() == damaged);
}

/// A bit that flips in an older copy is no way around the cards.
#[test]
fn an_older_copy_does_not_open_as_a_rescue() {
    let folder = with_backup();
    let copied = TempDir::new().unwrap();
    stage::copy(&repository(folder.path()), &repository(copied.path()));
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.logon_both();
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Auditors);
    scene.station.logout("logged out").unwrap();
    drop(scene);
    let old = |spoiled: &dyn Fn(&Path)| {
        std::fs::remove_dir_all(repository(folder.path())).unwrap();
        stage::copy(&repository(copied.path()), &repository(folder.path()));
        spoiled(folder.path());
        Scene::open(folder.path(), STAFF)
    };

    // Damaged records: the first card locks it, as it does any older copy.
    let mut scene = old(&|folder| drop(flip(folder, "r/catalogue/", "ceremony")));
    let told = refused(&mut scene, GroupId::KeyManagers);
    assert!(told.contains("newer journal"), "{told}");
    let status = scene.station.status(0);
    assert!(status.phase == Phase::Locked && status.recovery && !status.rescuable);
    assert!(scene.station.begin_rescue(&mut scene.people).is_err());
    drop(scene);

    // A damaged journal: the rescue begins, and the first such card ends it.
    let mut scene = old(&|folder| {
        let place = [b"j/".as_slice(), &9u64.to_be_bytes()].concat();
        spoil(&repository(folder), &[Write::Put(place, b"?".to_vec())]);
    });
    scene.station.begin_rescue(&mut scene.people).unwrap();
    // Dan and Fay were not there since, and could open it among themselves;
    // Eva's card has been seen, and that is enough.
    for group in [GroupId::KeyManagers, GroupId::Auditors, GroupId::Recovery] {
        let told = refused(&mut scene, group);
        assert!(told.contains("seen last"), "{group}: {told}");
        assert!(!scene.station.is_open() && !scene.station.in_rescue());
    }
    let status = scene.station.status(0);
    assert!(status.phase == Phase::Damaged && !status.rescuable);
    assert!(scene.station.begin_rescue(&mut scene.people).is_err());
}

/// Cut off to nothing, a station is no new one.
#[test]
fn an_emptied_repository_is_not_a_new_station() {
    let folder = stage::folder();
    std::fs::remove_dir_all(repository(folder.path())).unwrap();
    drop(conclave_keyroom::vault::engine::SledStore::open(&repository(folder.path())).unwrap());
    let scene = Scene::open(folder.path(), STAFF);
    let status = scene.station.status(0);
    assert_eq!(status.phase, Phase::Damaged);
    assert!(
        status
            .damage
            .unwrap()
            .happened
            .contains("has been a station's")
    );
}
