//! What stands on the medium, and what a stranger finds of it.

use std::path::{Path, PathBuf};

use conclave_evidence::backup::{Backup, SignedBackup, frames};
use conclave_evidence::verify::verify_path;
use conclave_evidence::words::digest_lines;
use conclave_evidence::{EvidenceError, GroupId};
use conclave_keyroom::ports::dialogue::{Answer, Ask};
use conclave_station::service::ActEnd;
use conclave_training::stick::Mishap;

use crate::people::{Scene, done};
use crate::stage::{STAFF, copy, folder};

/// The backups on the stick.
pub fn backups(scene: &Scene) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(scene.room.stick.folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("BACKUP-")
        })
        .collect();
    found.sort();
    found
}

/// Makes one with the administrators, who log on for it.
pub fn back_up(scene: &mut Scene) -> PathBuf {
    scene.logon(GroupId::Administrators);
    let title = done(scene.station.make_backup(&mut scene.people));
    assert_eq!(title, "The backup is made");
    scene.station.logout("logged out").unwrap();
    backups(scene).pop().unwrap()
}

fn manifest(folder: &Path) -> (SignedBackup, Backup) {
    let bytes = std::fs::read(folder.join("backup.cbor")).unwrap();
    let signed = SignedBackup::from_file(&bytes).unwrap();
    let backup = signed.open().unwrap();
    (signed, backup)
}

#[test]
fn a_backup_holds_everything_as_it_lies_and_verifies_without_cards() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.logon(GroupId::Administrators);
    let end = scene.station.make_backup(&mut scene.people);
    let Ok(ActEnd::Done { lines, .. }) = end else {
        panic!("not made");
    };
    let at = backups(&scene).pop().unwrap();
    let (signed, backup) = manifest(&at);
    for line in digest_lines(&signed.digest()) {
        assert!(lines.contains(&line), "the paper gets {line}");
    }
    let vault = scene.station.door().vault();
    let minutes = crate::filed_minutes::only(folder.path(), "backup", vault);
    let digest = signed.digest().to_string();
    assert!(minutes.script.contains(&digest), "{}", minutes.script);
    // Value for value what the store holds; nothing of it is opened.
    let mut stored = Vec::new();
    let vault = scene.station.door().vault();
    vault
        .sealed_pairs(&mut |key, value| {
            stored.push((key.to_vec(), value.to_vec()));
            true
        })
        .unwrap();
    let mut held = Vec::new();
    for file in &backup.records {
        let bytes = std::fs::read(at.join(&file.name)).unwrap();
        frames(&file.name, &bytes, &mut |key, value| {
            held.push((key.to_vec(), value.to_vec()));
            Ok(())
        })
        .unwrap();
    }
    // Since then one record came: that the backup was made.
    let changed = |pair: &&(Vec<u8>, Vec<u8>)| !held.contains(pair);
    let changed: Vec<_> = stored.iter().filter(changed).map(|(key, _)| key).collect();
    assert_eq!(changed.len(), 2, "{changed:?}");
    assert!(changed[0].starts_with(b"c/directory"));
    assert!(changed[1].starts_with(b"r/directory/"));
    assert_eq!(held.len() + 1, stored.len());

    for report in [verify_path(&at), verify_path(&scene.room.stick.folder())] {
        assert!(report.ok(), "{report}");
        assert!(report.to_string().contains("quorum of administrators"));
    }
    let small = env!("CARGO_BIN_EXE_conclave");
    let output = std::process::Command::new(small)
        .arg("verify")
        .arg(&at)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn every_byte_that_differs_is_found_and_its_file_named() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    let at = back_up(&mut scene);
    let copied = tempfile::tempdir().unwrap();
    let damaged = copied.path().join("damaged");
    copy(&at, &damaged);
    assert!(verify_path(&damaged).ok());
    let mut tried = 0usize;
    for entry in std::fs::read_dir(&damaged).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let good = std::fs::read(&path).unwrap();
        // The manifest byte by byte; of the long files the ends and a sample.
        let step = if name == "backup.cbor" {
            1
        } else {
            good.len() / 150 + 1
        };
        let places = (0..good.len()).step_by(step).chain([good.len() - 1]);
        for place in places {
            let mut bad = good.clone();
            bad[place] ^= 1 << (place % 8);
            std::fs::write(&path, &bad).unwrap();
            let report = verify_path(&damaged);
            let why = report
                .failure()
                .unwrap_or_else(|| panic!("{name} {place}: unseen"));
            assert!(!report.ok());
            if name != "backup.cbor" {
                assert!(why.contains(&name), "{name} {place}: {why}");
            }
            tried += 1;
        }
        for bad in [&good[..good.len() - 1], &[&good[..], b"x"].concat()] {
            std::fs::write(&path, bad).unwrap();
            let why = verify_path(&damaged).failure().unwrap();
            let named = name == "backup.cbor" || why.contains(&name);
            assert!(named, "{name} of another length: {why}");
        }
        std::fs::remove_file(&path).unwrap();
        let gone = verify_path(&damaged).failure().unwrap_or_default();
        assert!(!gone.is_empty(), "{name} is missed");
        std::fs::write(&path, &good).unwrap();
    }
    assert!(tried > 1000, "{tried}");
    std::fs::write(damaged.join("more.bin"), b"x").unwrap();
    let why = verify_path(&damaged).failure().unwrap();
    assert!(why.contains("more.bin"), "{why}");
}

/// A manifest that was made to fit other files has other signatures to answer
/// for.
#[test]
fn files_that_were_exchanged_with_the_manifest_are_not_what_was_signed() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    let older = back_up(&mut scene);
    scene.logon(GroupId::Administrators);
    scene.enrol_printer(1, "REP-1", "reports", "PDF");
    scene.station.logout("logged out").unwrap();
    let newer = back_up(&mut scene);
    let (mut signed, mut backup) = manifest(&newer);
    let (_, before) = manifest(&older);
    // The older records under the newer manifest, by somebody who can write
    // digests and cannot sign.
    let (from, to) = (&before.records[0].name, &backup.records[0].name);
    std::fs::copy(older.join(from), newer.join(to)).unwrap();
    backup.records[0] = before.records[0].clone();
    signed.backup = conclave_evidence::cbor::to_vec(&("conclave/backup/1", &backup))
        .unwrap()
        .into();
    std::fs::write(newer.join("backup.cbor"), signed.to_file().unwrap()).unwrap();
    let report = verify_path(&newer);
    assert!(
        matches!(report.first, Some(EvidenceError::Signature { .. })),
        "{report}"
    );
    let all = report.to_string();
    assert!(all.contains("not what the cards signed for"), "{all}");
}

#[test]
fn without_the_quorum_or_the_medium_there_is_none() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    let refused = scene.station.make_backup(&mut scene.people).unwrap_err();
    assert!(refused.happened.contains("Administrators"), "{refused:?}");
    scene.logon(GroupId::Administrators);
    let before = scene.entries();
    scene.room.stick.unplug();
    let refused = scene.station.make_backup(&mut scene.people).unwrap_err();
    assert!(refused.happened.contains("No medium"), "{refused:?}");
    assert_eq!(scene.entries(), before, "nothing was proposed");
    scene.room.stick.plug();
    // One signs, and the other does not come.
    scene.people.at = Box::new(|prompt, _| {
        let signed = prompt
            .lines
            .iter()
            .any(|line| line.text.starts_with("Signed so far"));
        (signed && matches!(prompt.ask, Ask::Card { .. })).then_some(Answer::Abort)
    });
    let end = scene.station.make_backup(&mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)));
    assert_eq!(scene.entries(), before + 2, "proposed, and failed");
    assert!(backups(&scene).is_empty());
}

#[test]
fn a_backup_that_is_cut_short_counts_for_nothing() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.logon(GroupId::Administrators);
    for mishap in [
        Mishap::PulledAfter(5000),
        Mishap::PulledAfterFile(1),
        Mishap::FullAfter(5000),
    ] {
        scene.room.stick.plug();
        scene.room.stick.expect(Some(mishap));
        let refused = scene.station.make_backup(&mut scene.people).unwrap_err();
        assert!(
            refused.happened.contains("No backup was made"),
            "{refused:?}"
        );
        scene.room.stick.expect(None);
        for one in backups(&scene) {
            assert!(!one.join("backup.cbor").exists(), "{mishap:?}");
            assert!(!verify_path(&one).ok());
            std::fs::remove_dir_all(one).unwrap();
        }
        let open = scene.station.door().vault().open_intents().unwrap();
        assert!(open.is_empty(), "the journal says that it failed");
    }
    scene.room.stick.plug();
    done(scene.station.make_backup(&mut scene.people));
    assert!(verify_path(&backups(&scene)[0]).ok());

    // One that gives back other bytes gets no backup again.
    scene.room.stick.expect(Some(Mishap::Worn));
    let refused = scene.station.make_backup(&mut scene.people).unwrap_err();
    assert!(refused.advice.contains("condemn"), "{refused:?}");
    scene.room.stick.expect(None);
    let refused = scene.station.make_backup(&mut scene.people).unwrap_err();
    assert!(refused.happened.contains("not enrolled"), "{refused:?}");
    assert_eq!(backups(&scene).len(), 2, "and nothing is written to it");
}
