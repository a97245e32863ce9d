//! Recovery words: what is left of them once their sheet is taken away.

use std::path::Path;
use std::sync::{Arc, Mutex};

use conclave_crypto::primitive::passphrase::{PRINTED, Passphrase, number_of};
use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Prompt};
use conclave_station::renew::Change;

use crate::people::{At, Scene, done};
use crate::stage::STAFF;
use crate::{MASK, Needles, TempDir, in_files, in_memory};

/// The words of a sheet, masked, one after the other.
type Kept = Arc<Mutex<Vec<Vec<u8>>>>;

/// Takes the sheet out of the printer, and keeps its words masked.
fn read_sheet(printer: &conclave_training::printer::TrainingPrinter) -> Vec<Vec<u8>> {
    while !printer.bytes().expose().contains(&0x0C) {
        std::thread::yield_now();
    }
    let sheet = printer.take_sheet().unwrap();
    let (_, inside) = sheet.split_once("THE WORDS, in this order").unwrap();
    let (inside, _) = inside.split_once("FOLD 1").unwrap();
    let mut cells = inside.split_whitespace();
    let words: Vec<Vec<u8>> = (1..=PRINTED)
        .map(|number| {
            let number = number.to_string();
            cells.find(|cell| *cell == number).unwrap();
            cells.next().unwrap().bytes().map(|b| b ^ MASK).collect()
        })
        .collect();
    words
}

fn clear(masked: &[u8]) -> Secret {
    Secret::from_fn(masked.len(), |out| {
        for (a, b) in out.iter_mut().zip(masked) {
            *a = b ^ MASK;
        }
    })
}

/// A holder who types what is kept; the sheet is read at the first word.
fn holder(scene: &Scene, kept: &Kept) -> At {
    let (printer, kept) = (scene.room.printers.0[0].clone(), Arc::clone(kept));
    Box::new(move |prompt: &Prompt, _| match &prompt.ask {
        Ask::Word { place, .. } => {
            let mut kept = kept.lock().unwrap();
            if kept.is_empty() {
                *kept = read_sheet(&printer);
            }
            Some(Answer::Secret(clear(&kept[usize::from(*place) - 1])))
        }
        _ => None,
    })
}

/// Pairs of words as a text has them, the numbers, and what Argon2id makes of
/// them.
fn needles(kept: &Kept, salt: &[u8; 32]) -> Needles {
    let kept = kept.lock().unwrap();
    let mut needles = Needles::default();
    for pair in kept.windows(2) {
        let both = pair.join(&(b' ' ^ MASK));
        needles.text("two words", "text", both.iter().map(|b| b ^ MASK));
    }
    let numbers = Secret::from_fn(2 * PRINTED, |out| {
        for (cell, word) in out.chunks_exact_mut(2).zip(kept.iter()) {
            let number = number_of(clear(word).expose()).unwrap();
            cell.copy_from_slice(&number.to_be_bytes());
        }
    });
    let masked: Vec<u8> = numbers.expose().iter().map(|b| b ^ MASK).collect();
    needles.secret(&masked, "the words' numbers");
    let secret = Passphrase::typed(numbers).unwrap().derive(salt).unwrap();
    let masked: Vec<u8> = secret.expose().iter().map(|b| b ^ MASK).collect();
    needles.secret(&masked, "the words' secret");
    needles
}

#[test]
fn no_recovery_word_stays_in_a_file_or_in_memory() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.furnish();
    for group in [GroupId::Administrators, GroupId::Recovery] {
        scene.logon(group);
    }
    let kept = Kept::default();
    scene.people.form("renew.words.person", &["Ned", "Tom"]);
    scene.people.at = holder(&scene, &kept);
    let end = scene.station.change_group(Change::Words, &mut scene.people);
    done(end);
    assert_eq!(kept.lock().unwrap().len(), PRINTED);
    used_and_gone(scene, &kept, &folder);
}

/// The words of a founding are typed back before its first entry.
#[test]
fn no_recovery_word_of_the_founding_stays_in_a_file_or_in_memory() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::open(folder.path(), STAFF);
    let printer = &scene.room.printers.0[0];
    let found = format!("{} serial {}", printer.device(), printer.serial());
    scene.people.form("init.recovery", &["Ned"]);
    scene
        .people
        .form("init.printer", &["KOMP-1", &found, "ESC/P"]);
    let kept = Kept::default();
    scene.people.at = holder(&scene, &kept);
    scene.found();
    assert_eq!(kept.lock().unwrap().len(), PRINTED);
    used_and_gone(scene, &kept, &folder);
}

/// The words are in no memory and no file: once they were made, in a session that
/// they opened, after it, and after the end.
fn used_and_gone(mut scene: Scene, kept: &Kept, folder: &TempDir) {
    let record = scene.station.door().vault().authority().unwrap();
    let salt = record.cards.iter().find_map(|c| c.words).unwrap();
    let needles = needles(kept, &salt.0);
    assert_eq!(in_memory(&needles), None, "once they were made");
    let mut usual = holder(&scene, kept);
    let mut first = true;
    scene.people.at = Box::new(move |prompt, times| match &prompt.ask {
        // The others have cards.
        Ask::Card { .. } => std::mem::take(&mut first).then_some(Answer::ByWords),
        _ => usual(prompt, times),
    });
    scene.logon(GroupId::Recovery);
    assert_eq!(in_memory(&needles), None, "in the open session");
    scene.station.logout("logged out").unwrap();
    drop(scene);
    assert_eq!(in_memory(&needles), None, "after the end");
    let none = Path::new("/none");
    assert_eq!(in_files(&needles, folder.path(), none), None);

    // And the search does find.
    let two: Vec<u8> = kept.lock().unwrap()[..2]
        .join(&(b' ' ^ MASK))
        .iter()
        .map(|b| b ^ MASK)
        .collect();
    assert!(in_memory(&needles).is_some());
    std::fs::write(folder.path().join("planted"), &two).unwrap();
    assert!(in_files(&needles, folder.path(), none).is_some());
}
