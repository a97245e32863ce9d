//! A bit flips, or the end is cut off, in the files that the store is made of.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use conclave_keyroom::ports::store::StoreError;
use conclave_station::front::Phase;
use conclave_station::initialise::InitialiseEnd;
use conclave_station::service::ActEnd;
use tempfile::TempDir;

use crate::people::Scene;
use crate::stage::{STAFF, copy, folder};
use crate::{Dice, content};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}

/// The file with one bit changed, or cut off there.
fn damaged(bytes: &[u8], at: usize, bit: usize, cut: bool) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    if cut {
        damaged.truncate(at);
    } else {
        damaged[at] ^= 1 << bit;
    }
    damaged
}

#[derive(Debug, Default)]
struct Counts {
    bits: usize,
    cuts: usize,
    untouched: usize,
    refused_by_the_store: usize,
    nothing_left: usize,
}

/// Whatever flips, what the store gives is what was written to the bit, or it
/// gives nothing and says so, and then the station opens to say the same.
#[test]
fn any_bit_of_any_file_is_unused_or_found_by_the_store() {
    let base = folder();
    let repository = base.path().join("repository");
    let whole = content(&repository).unwrap();
    let mut all = Vec::new();
    files(&repository, &mut all);
    all.retain(|file| std::fs::metadata(file).unwrap().len() > 0);
    assert!(all.len() >= 3, "{all:?}");
    let (mut dice, mut counts) = (Dice::new(12), Counts::default());
    for file in &all {
        let bytes = std::fs::read(file).unwrap();
        let name = file.strip_prefix(&repository).unwrap();
        // Few stations are opened on what the store refuses: each one is alike.
        let mut opened = 0;
        for run in 0..70 {
            // The ends as well; and every seventh is cut off instead.
            let at = match run {
                0 => 0,
                1 => bytes.len() - 1,
                _ => dice.below(bytes.len()),
            };
            let cut = run % 7 == 6 || run == 0;
            let machine = TempDir::new().unwrap();
            let place = machine.path().join("repository");
            copy(&repository, &place);
            let bytes = damaged(&bytes, at, dice.below(8), cut);
            std::fs::write(place.join(name), bytes).unwrap();
            match cut {
                true => counts.cuts += 1,
                false => counts.bits += 1,
            }
            let what = format!("{} at {at}, cut {cut}", name.display());
            let read = catch_unwind(AssertUnwindSafe(|| content(&place)))
                .unwrap_or_else(|_| panic!("a panic: {what}"));
            match read {
                Ok(found) if found == whole => counts.untouched += 1,
                Ok(found) if found.is_empty() => {
                    counts.nothing_left += 1;
                    // Not a new station: this folder has been one.
                    copy(
                        &base.path().join("authority"),
                        &machine.path().join("authority"),
                    );
                    says_so(machine.path(), &what);
                }
                Ok(found) => panic!("{what}: {} of {} values", found.len(), whole.len()),
                Err(StoreError::Damaged(_)) => {
                    counts.refused_by_the_store += 1;
                    opened += 1;
                    if opened <= 2 {
                        says_so(machine.path(), &what);
                    }
                }
                Err(other) => panic!("{what}: {other}"),
            }
        }
    }
    println!("{} files, {counts:?}", all.len());
    assert!(
        counts.refused_by_the_store > 50 && counts.untouched > 5,
        "{counts:?}"
    );
}

/// The station opens, shows what is wrong, and offers one way only.
fn says_so(machine: &Path, what: &str) {
    let mut scene = Scene::open(machine, STAFF);
    let status = scene.station.status(0);
    assert_eq!(status.phase, Phase::Damaged, "{what}");
    assert!(!status.rescuable && !status.rescue, "{what}");
    let told = status.damage.unwrap();
    assert!(told.happened.contains("damaged"), "{what}: {told:?}");
    assert!(told.advice.contains("restore a backup"), "{what}: {told:?}");
    // Neither founded anew over it, nor filled, nor looked into.
    let end = scene.station.initialise(&mut scene.people);
    assert!(matches!(end, InitialiseEnd::Refused(_)), "{what}");
    assert!(scene.station.restore_backup(&mut scene.people).is_err());
    assert!(scene.station.begin_rescue(&mut scene.people).is_err());
    assert!(scene.people.codes.is_empty(), "{:?}", scene.people.codes);
}

/// Everything below a folder.
fn bytes_of(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    files(folder, &mut all);
    all.iter()
        .map(|file| {
            let name = file.strip_prefix(folder).unwrap().to_owned();
            (name, std::fs::read(file).unwrap())
        })
        .collect()
}

/// A repository that the store refuses is set aside as it is, and the backup
/// comes back beside it.
#[test]
fn what_the_store_refuses_is_kept_and_a_backup_restored_beside_it() {
    let base = crate::session::with_backup();
    let repository = base.path().join("repository");
    let db = std::fs::read(repository.join("db")).unwrap();
    let mut dice = Dice::new(5);
    // The store mends what it can while it opens: what it refused once it may take
    // the next time.
    let mut scene = loop {
        let bytes = damaged(&db, dice.below(db.len()), dice.below(8), false);
        std::fs::write(repository.join("db"), bytes).unwrap();
        if content(&repository).is_err() {
            let scene = Scene::open(base.path(), STAFF);
            if scene.station.status(0).phase == Phase::Damaged {
                break scene;
            }
        }
    };
    let before = bytes_of(&repository);
    // Given up, everything stands where it stood.
    scene.people.at = Box::new(|_, _| Some(conclave_keyroom::ports::dialogue::Answer::Abort));
    let end = scene.station.set_repository_aside(&mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    assert_eq!(scene.station.status(0).phase, Phase::Damaged);
    scene.people.at = Box::new(|_, _| None);
    let title = crate::people::done(scene.station.set_repository_aside(&mut scene.people));
    assert_eq!(title, "The damaged repository is set aside");
    let status = scene.station.status(0);
    assert_eq!((status.phase, status.damage), (Phase::Empty, None));
    let [aside] = status.aside.as_slice() else {
        panic!("{:?}", status.aside)
    };
    assert!(
        bytes_of(&base.path().join(aside)) == before,
        "it is kept as it was"
    );
    drop(scene);

    // Started again before the restore, it says so still.
    let mut scene = Scene::open(base.path(), STAFF);
    let status = scene.station.status(0);
    assert_eq!((status.phase, status.aside.len()), (Phase::Empty, 1));
    let end = scene.station.set_repository_aside(&mut scene.people);
    assert!(end.is_err(), "only what is damaged is set aside: {end:?}");
    crate::people::done(scene.station.restore_backup(&mut scene.people));
    drop(scene);
    let mut scene = Scene::open(base.path(), STAFF);
    assert_eq!(scene.station.status(0).phase, Phase::Closed);
    scene.logon_both();
    assert_eq!(
        scene.key_state(crate::session::KEY).as_deref(),
        Some("active")
    );
    assert!(bytes_of(&base.path().join(aside)) == before);
}
