//! A restore rehearsed: the recovery quorum's cards open the backup in memory,
//! and the station goes on as if nothing had been.

use std::collections::BTreeMap;

use conclave_evidence::GroupId;
use conclave_keyroom::ports::dialogue::{Answer, Ask};
use conclave_keyroom::vault::Compartment;
use conclave_station::service::ActEnd;
use conclave_trades::backup::BackupRecord;

use crate::made::back_up;
use crate::people::{Scene, ZMK};
use crate::stage::{STAFF, folder};

fn sealed(scene: &Scene) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut content = BTreeMap::new();
    let vault = scene.station.door().vault();
    vault
        .sealed_pairs(&mut |key, value| {
            content.insert(key.to_vec(), value.to_vec());
            true
        })
        .unwrap();
    content
}

fn with_a_key(scene: &mut Scene) {
    scene.logon_both();
    scene
        .ceremony(ZMK, &["BANK-LAKE.ZMK.001", "zmk-aes128", "2"])
        .unwrap();
    assert_eq!(
        scene.key_state("BANK-LAKE.ZMK.001").as_deref(),
        Some("active")
    );
    scene.station.logout("logged out").unwrap();
}

#[test]
fn a_backup_is_proven_and_the_station_is_not_touched() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    with_a_key(&mut scene);
    back_up(&mut scene);
    scene.logon(GroupId::Administrators);
    let before = sealed(&scene);
    scene.people.codes.clear();
    let end = scene.station.rehearse_restore(&mut scene.people).unwrap();
    let ActEnd::Done { good, title, lines } = end else {
        panic!("given up")
    };
    assert!(good && title == "The backup is proven", "{title}");
    let told = lines.join("\n");
    assert!(told.contains("1 keys opened"), "{told}");
    assert!(scene.people.codes.iter().any(|c| c == "rehearse.digest"));
    // Of what is sealed only the station's note of the backup changed.
    let after = sealed(&scene);
    let changed: Vec<_> = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(value))
        .map(|(key, _)| String::from_utf8_lossy(key).into_owned())
        .collect();
    assert_eq!(changed.len(), 2, "{changed:?}");
    assert!(changed.iter().all(|key| key.contains("/directory")));
    let vault = scene.station.door().vault();
    let notes = vault
        .list::<BackupRecord>(Compartment::Directory, BackupRecord::KIND)
        .unwrap();
    assert!(notes[0].1.rehearsed_at_ms.is_some());
    assert_eq!(vault.open_groups(), [GroupId::Administrators]);
    let minutes = crate::filed_minutes::only(folder.path(), "rehearsal", vault);
    for words in [
        "Recovery: Lea",
        "Recovery: Max",
        "1 keys give the check values",
    ] {
        assert!(
            minutes.script.contains(words),
            "{words}: {}",
            minutes.script
        );
    }
    // The journal says what was proven, and by whom.
    let journal = vault.read_journal(0).unwrap();
    let entry = journal.last().unwrap();
    let body = entry.body.as_ref().unwrap();
    let words = body.words.join("\n");
    assert_eq!(entry.header.action, "rehearse-restore");
    for wanted in ["Lea, Max", "1 keys give the check values", "wiped"] {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
}

#[test]
fn without_the_recovery_quorum_nothing_is_opened() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    back_up(&mut scene);
    let refused = scene.station.rehearse_restore(&mut scene.people);
    assert!(refused.unwrap_err().happened.contains("Administrators"));
    scene.logon(GroupId::Administrators);
    let before = scene.entries();
    scene.people.at = Box::new(|prompt, _| {
        let second = prompt
            .lines
            .iter()
            .any(|line| line.text.contains("1 of 2 came"));
        (second && matches!(prompt.ask, Ask::Card { .. })).then_some(Answer::Abort)
    });
    let end = scene.station.rehearse_restore(&mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)));
    assert_eq!(scene.entries(), before, "nothing was begun");
}

#[test]
fn a_backup_that_rots_meanwhile_is_not_proven() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    let at = back_up(&mut scene);
    let records = at.join("records-0001.bin");
    let good = std::fs::read(&records).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 4;
    scene.logon(GroupId::Administrators);
    // Before it is examined, and after the cards came.
    std::fs::write(&records, &bad).unwrap();
    let refused = scene
        .station
        .rehearse_restore(&mut scene.people)
        .unwrap_err();
    assert!(refused.happened.contains("records-0001.bin"), "{refused:?}");
    std::fs::write(&records, &good).unwrap();
    let (path, before) = (records.clone(), scene.entries());
    scene.people.at = Box::new(move |prompt, _| {
        if prompt.code == "rehearse.card" && matches!(prompt.ask, Ask::Pin { .. }) {
            std::fs::write(&path, &bad).unwrap();
        }
        None
    });
    let refused = scene
        .station
        .rehearse_restore(&mut scene.people)
        .unwrap_err();
    assert!(refused.happened.contains("records-0001.bin"), "{refused:?}");
    assert_eq!(scene.entries(), before, "nothing was begun");
    std::fs::write(&records, &good).unwrap();
    scene.people.at = Box::new(|_, _| None);
    assert!(scene.station.rehearse_restore(&mut scene.people).is_ok());
}
