//! A recovery member with words in place of a card: made, printed, typed back,
//! and used at logon, rehearsal, renewal and restore, mixed with cards.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use conclave::tui::{App, Input, Key, Theme, view};
use conclave_crypto::primitive::passphrase::{PRINTED, number_of};
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{
    AuthorityChain, AuthorityError, AuthorityRecord, CardEntry, CardState, SignedAuthority,
};
use conclave_evidence::verify::verify_paths;
use conclave_evidence::{GroupId, Hash, Point};
use conclave_keyroom::ports::dialogue::{Answer, Ask, Prompt, Refusal};
use conclave_keyroom::ports::store::{Store, Write};
use conclave_keyroom::vault::engine::SledStore;
use conclave_station::front::{Event, Phase, Request, Status};
use conclave_station::initialise::InitialiseEnd;
use conclave_station::logon::LogonEnd;
use conclave_station::renew::Change;
use conclave_station::service::ActEnd;
use conclave_training::printer::{TrainingPrinter, TrainingPrinters};
use people::{Scene, Trouble, done};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use stage::{STAFF, copy, folder};
use tempfile::TempDir;

const NED: &str = "Ned";

fn word(text: &str) -> Answer {
    Answer::Secret(Secret::from_fn(text.len(), |out| {
        out.copy_from_slice(text.as_bytes());
    }))
}

fn record(scene: &Scene) -> AuthorityRecord {
    scene.station.door().vault().authority().unwrap().clone()
}

fn entry(scene: &Scene, name: &str, words: bool) -> CardEntry {
    let record = record(scene);
    let fits = |c: &&CardEntry| c.person_name == name && c.words.is_some() == words;
    record.cards.iter().rfind(fits).unwrap().clone()
}

/// Gives this person words; the sheet is read from the printer as they would.
fn give_words(scene: &mut Scene, name: &'static str) -> Result<ActEnd, Refusal> {
    scene.people.form("renew.words.person", &[name, "Tom"]);
    let before = scene.people.words.remove(name);
    assert!(before.is_none());
    let sheet: Arc<Mutex<Vec<String>>> = Arc::default();
    scene.people.at = reading(&scene.room.printers, &sheet);
    let end = scene.station.change_group(Change::Words, &mut scene.people);
    scene.people.at = Box::new(|_, _| None);
    let words = sheet.lock().unwrap().clone();
    if !words.is_empty() {
        scene.people.words.insert(name.into(), words);
    }
    end
}

fn words_in(sheet: &str) -> Vec<String> {
    let (outside, inside) = sheet.split_once("THE WORDS, in this order").unwrap();
    let (inside, after) = inside.split_once("FOLD 1").unwrap();
    let cells: Vec<&str> = inside.split_whitespace().collect();
    let mut words: Vec<String> = Vec::new();
    while let Some(at) = cells
        .iter()
        .position(|c| *c == (words.len() + 1).to_string())
    {
        words.push(cells[at + 1].to_owned());
    }
    assert_eq!(words.len(), PRINTED, "{words:?}");
    for word in &words {
        assert!(number_of(word.as_bytes()).is_some(), "{word}");
    }
    // The outside names the holder and the part, and says no word.
    let names = outside.contains(NED) || outside.contains("Ola");
    assert!(names && outside.contains("PART"), "{outside}");
    let told = |text: &str| {
        let all: Vec<&str> = text.split_whitespace().collect();
        words
            .windows(2)
            .any(|pair| all.windows(2).any(|two| two == pair))
    };
    assert!(!told(outside) && !told(after));
    words
}

/// A station on which Ned has words in place of his card: made once, for each
/// making costs Argon2id.
fn with_words() -> (TempDir, Scene) {
    static BASE: OnceLock<(TempDir, Vec<String>)> = OnceLock::new();
    let (base, words) = BASE.get_or_init(|| {
        let folder = folder();
        let mut scene = Scene::open(folder.path(), STAFF);
        scene.logon(GroupId::Administrators);
        scene.logon(GroupId::Recovery);
        done(give_words(&mut scene, NED));
        let words = scene.people.words[NED].clone();
        drop(scene);
        (folder, words)
    });
    let folder = TempDir::new().unwrap();
    copy(base.path(), folder.path());
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.people.words.insert(NED.into(), words.clone());
    (folder, scene)
}

/// Answers a question for a word as whoever has just taken the sheet out.
fn reading(printers: &TrainingPrinters, sheet: &Arc<Mutex<Vec<String>>>) -> people::At {
    let (printers, read) = (printers.clone(), Arc::clone(sheet));
    Box::new(move |prompt, _| {
        let Ask::Word { place, .. } = prompt.ask else {
            return None;
        };
        let mut words = read.lock().unwrap();
        if words.is_empty() {
            // It is fed when it is whole.
            let fed = |printer: &TrainingPrinter| printer.bytes().expose().contains(&0x0C);
            while !fed(&printers.0[0]) {
                std::thread::yield_now();
            }
            *words = words_in(&printers.0[0].take_sheet().unwrap());
        }
        Some(word(&words[usize::from(place) - 1]))
    })
}

fn back_up(scene: &mut Scene) -> PathBuf {
    scene.logon(GroupId::Administrators);
    done(scene.station.make_backup(&mut scene.people));
    scene.station.logout("logged out").unwrap();
    let stick = std::fs::read_dir(scene.room.stick.folder()).unwrap();
    let mut found: Vec<PathBuf> = stick.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.join("backup.cbor").exists());
    found.sort();
    found.pop().unwrap()
}

/// Everything below a folder that is a file.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// How often the last prompts asked for a word.
fn asked_for_words(scene: &Scene) -> usize {
    scene
        .people
        .codes
        .iter()
        .filter(|c| *c == "words.type")
        .count()
}

#[test]
fn words_are_made_and_open_what_a_card_opened_up_to_a_restore() {
    let (folder, mut scene) = with_words();
    let ned = entry(&scene, NED, true);
    let now = record(&scene);
    assert_eq!(entry(&scene, NED, false).state, CardState::Revoked);
    assert!(now.is_member(GroupId::Recovery, ned.card));
    assert_eq!(now.groups_of(ned.person), [GroupId::Recovery]);
    assert_eq!(now.group(GroupId::Recovery).unwrap().epoch, 2);

    // One with a card, one with words: a quorum.
    scene.people.codes.clear();
    scene.logon(GroupId::Recovery);
    assert_eq!(asked_for_words(&scene), PRINTED);
    scene.station.logout("logged out").unwrap();

    let backup = back_up(&mut scene);
    let report = verify_paths(&[backup]);
    assert!(report.ok(), "{report}");
    scene.people.codes.clear();
    scene.logon(GroupId::Administrators);
    assert_eq!(
        done(scene.station.rehearse_restore(&mut scene.people)),
        "The backup is proven"
    );
    assert_eq!(asked_for_words(&scene), PRINTED);
    scene.station.logout("logged out").unwrap();
    let words = scene.people.words.clone();
    drop(scene);

    // Nothing of them is in any file of the station or the stick.
    let phrase = words[NED].join(" ");
    let numbers: Vec<u8> = words[NED]
        .iter()
        .flat_map(|w| number_of(w.as_bytes()).unwrap().to_be_bytes())
        .collect();
    let mut all = Vec::new();
    files(folder.path(), &mut all);
    assert!(all.len() > 10);
    for path in all {
        let bytes = std::fs::read(&path).unwrap();
        let has = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
        let three = |at: usize| words[NED][at..at + 3].join(" ");
        assert!(!has(phrase.as_bytes()) && !has(&numbers), "{path:?}");
        assert!(!(0..12).any(|at| has(three(at).as_bytes())), "{path:?}");
    }

    // The machine burns; cards, stick and paper are left.
    let other = TempDir::new().unwrap();
    for shared in ["cards", "stick"] {
        symlink(folder.path().join(shared), other.path().join(shared)).unwrap();
    }
    let mut new = Scene::open(other.path(), STAFF);
    new.people.words = words;
    match new.station.restore_backup(&mut new.people) {
        Ok(ActEnd::Done { title, .. }) => assert_eq!(title, "The station is restored"),
        Ok(ActEnd::Stopped) => panic!("given up: {:?}", new.people.refusals),
        Err(refusal) => panic!("{refusal:?}: {:?}", new.people.refusals),
    }
    // Once to log on, and once for the signature: each use is typed anew.
    assert_eq!(asked_for_words(&new), 2 * PRINTED);
    assert_eq!(new.station.status(0).phase, Phase::Closed);
    new.logon(GroupId::Auditors);
    let journal = folder.path().join("journal.cbor");
    std::fs::write(&journal, new.station.journal_bytes().unwrap()).unwrap();
    let report = verify_paths(&[journal]);
    assert!(report.ok(), "{report}");
}

/// A founding in which Ned holds words from the first day on: he has no card, the
/// sheet's printer is on record with the station, and the words open.
#[test]
fn a_station_is_founded_with_words_in_place_of_a_card() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::open(folder.path(), STAFF);
    let printer = &scene.room.printers.0[0];
    let found = format!("{} serial {}", printer.device(), printer.serial());
    scene.people.form("init.recovery", &[NED]);
    scene
        .people
        .form("init.printer", &["KOMP-1", &found, "ESC/P"]);
    let sheet: Arc<Mutex<Vec<String>>> = Arc::default();
    let mut read = reading(&scene.room.printers, &sheet);
    let (asked, finishes) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
    let (kept, cut) = (Arc::clone(&asked), Arc::clone(&finishes));
    scene.people.at = Box::new(move |prompt, times| {
        kept.lock().unwrap().push(prompt.clone());
        // After the commit the sitting breaks off.
        if prompt.code == "init.finish" && times == 2 {
            *cut.lock().unwrap() += 1;
            return Some(Answer::Abort);
        }
        read(prompt, times)
    });
    scene.people.form("init.name", &["KEYROOM-TEST", "TEST"]);
    for (name, manager, groups) in STAFF {
        scene.people.form("init.person", &[name, manager, groups]);
    }
    scene.people.form("init.person", &[]);
    let end = scene.station.initialise(&mut scene.people);
    assert!(matches!(end, InitialiseEnd::Aborted), "{end:?}");
    assert_eq!(*finishes.lock().unwrap(), 1);
    let words = sheet.lock().unwrap().clone();
    assert_eq!(words.len(), PRINTED);
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    let cards = asked.iter().filter(|p| p.code == "init.card");
    assert!(cards.clone().count() >= STAFF.len() - 1);
    assert!(cards.clone().all(|p| !p.title.ends_with(": Ned")));
    // The administrators read it before they sign.
    let sign = asked.iter().find(|p| p.code == "init.sign").unwrap();
    let lines: Vec<&str> = sign.lines.iter().map(|l| l.text.as_str()).collect();
    let lines = lines.join("\n");
    for said in [
        "13 cards, 1 sheet of recovery words, 8 groups",
        "Recovery words, no card: Ned",
        "printer KOMP-1 for key components",
    ] {
        assert!(lines.contains(said), "{said}: {lines}");
    }
    drop(scene);

    // As if the power had gone before the words opened their share: they are
    // typed once more.
    SledStore::open(&folder.path().join("repository"))
        .unwrap()
        .commit(&[Write::Put(b"g".to_vec(), b"words".to_vec())])
        .unwrap();
    let mut scene = Scene::open(folder.path(), STAFF);
    assert_eq!(scene.station.status(0).phase, Phase::Unfinished);
    scene.people.words.insert(NED.into(), words.clone());
    match scene.station.initialise(&mut scene.people) {
        InitialiseEnd::Done(_) => {}
        end => panic!("{end:?}: {:?}", scene.people.refusals),
    }
    assert_eq!(asked_for_words(&scene), PRINTED);

    let ned = entry(&scene, NED, true);
    let now = record(&scene);
    assert!(
        now.cards
            .iter()
            .all(|c| c.person != ned.person || c.card == ned.card)
    );
    assert!(now.is_member(GroupId::Recovery, ned.card));
    scene.logon(GroupId::Recovery);
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Auditors);
    let journal = scene.station.door().vault().read_journal(0).unwrap();
    let said: Vec<String> = journal
        .iter()
        .map(|e| {
            format!(
                "{}: {}",
                e.header.action,
                e.body.as_ref().unwrap().words.join("; ")
            )
        })
        .collect();
    let said = said.join("\n");
    for told in [
        "found-station: KEYROOM-TEST was founded, TEST; 13 cards, 1 sheet of recovery words",
        "printer KOMP-1 for key components: device",
        "founding-words: words",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    drop(scene);
    let bytes = all_bytes(folder.path());
    let phrase = words.join(" ");
    assert!(!bytes.windows(phrase.len()).any(|w| w == phrase.as_bytes()));
}

/// Everything that is in the files of a folder.
fn all_bytes(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    files(folder, &mut all);
    all.iter()
        .flat_map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// A renewal gives a member who holds words a new share for the same words,
/// and other words end the old ones.
#[test]
fn words_outlive_a_renewal_and_new_words_end_them() {
    let (_folder, mut scene) = with_words();
    let first = entry(&scene, NED, true);
    let old_words = scene.people.words[NED].clone();
    for group in [GroupId::Administrators, GroupId::Recovery] {
        scene.logon(group);
    }
    scene.people.at = Box::new(|prompt: &Prompt, _| match &prompt.ask {
        Ask::Choose { options } if prompt.code == "renew.group" => {
            let at = options.iter().position(|o| o.label == "Recovery");
            Some(Answer::Chosen(at.unwrap()))
        }
        _ => None,
    });
    let end = scene
        .station
        .change_group(Change::Secret, &mut scene.people);
    scene.people.at = Box::new(|_, _| None);
    done(end);
    assert_eq!(record(&scene).group(GroupId::Recovery).unwrap().epoch, 3);
    assert_eq!(entry(&scene, NED, true), first);
    scene.logon(GroupId::Recovery);

    // The sheet is lost.
    scene.logon(GroupId::Administrators);
    scene.people.words.remove(NED);
    done(give_words(&mut scene, NED));
    let second = entry(&scene, NED, true);
    assert_ne!(second.card, first.card);
    assert_eq!(
        record(&scene).card(first.card).unwrap().state,
        CardState::Revoked
    );
    let new_words = scene.people.words[NED].clone();
    assert_ne!(new_words, old_words);

    // The old sheet is somebody else's now.
    scene.people.words.insert(NED.into(), old_words);
    let before = scene.entries();
    let end = scene
        .station
        .logon(Some(GroupId::Recovery), &mut scene.people);
    let LogonEnd::Refused(refusal) = end else {
        panic!("{end:?}")
    };
    assert!(
        refusal.happened.contains("Ned typed wrong words 3 times"),
        "{refusal:?}"
    );
    assert!(
        refusal.happened.contains("Failed group logons: 1 of"),
        "{refusal:?}"
    );
    let said = scene.people.refusals.join("\n");
    assert!(said.contains("but not of Ned's"), "{said}");
    // Each try is in the journal, and the failed logon.
    scene.logon(GroupId::Auditors);
    let vault = scene.station.door().vault();
    let entries = vault.entries(before + 1).unwrap();
    let actions: Vec<String> = entries
        .iter()
        .map(|entry| entry.open_header().unwrap().action)
        .filter(|action| action == "words-refused")
        .collect();
    assert_eq!(actions.len(), 3);
}

#[test]
fn a_mistyped_word_is_named_at_once_or_after_the_last() {
    let (_folder, mut scene) = with_words();
    let words = scene.people.words[NED].clone();
    let other = if words[6] == "zoo" { "zero" } else { "zoo" };
    let slips = Arc::new(Mutex::new(0));
    let count = Arc::clone(&slips);
    scene.people.at = Box::new(move |prompt, _| {
        let Ask::Word { place, .. } = prompt.ask else {
            return None;
        };
        let mut slips = count.lock().unwrap();
        match (place, *slips) {
            // On no list; then another word of the list.
            (7, 0) => {
                *slips = 1;
                Some(word("zzzz"))
            }
            (7, 1) => {
                *slips = 2;
                Some(word(other))
            }
            // Four letters are enough.
            (at, _) => {
                let whole = &words[usize::from(at) - 1];
                Some(word(&whole[..whole.len().min(4)].to_uppercase()))
            }
        }
    });
    scene.people.refusals.clear();
    scene.people.codes.clear();
    scene.logon(GroupId::Recovery);
    let said = scene.people.refusals.join("\n");
    assert!(
        said.contains("Word 7 is not on the list of words."),
        "{said}"
    );
    assert!(
        said.contains("Word 7 is not the one on the sheet."),
        "{said}"
    );
    // Word 7 three times, and each other one once.
    assert_eq!(asked_for_words(&scene), PRINTED + 2);
}

/// No sheet, no words: what a printer did not print, and what was not typed
/// back, is no member's.
#[test]
fn words_that_were_not_printed_or_not_typed_back_count_for_nothing() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    for group in [GroupId::Administrators, GroupId::Recovery] {
        scene.logon(group);
    }
    let before = record(&scene);
    *scene.printer.lock().unwrap() = Some(Trouble::NotReady);
    let refused = give_words(&mut scene, NED).unwrap_err();
    assert!(refused.happened.contains("off line"), "{refused:?}");
    *scene.printer.lock().unwrap() = None;

    scene.people.form("renew.words.person", &[NED, "Tom"]);
    scene.people.at =
        Box::new(|prompt, _| matches!(prompt.ask, Ask::Word { .. }).then(|| word("abandon")));
    // Fourteen times the first word of the list: its checks agree, and it is
    // not what was printed.
    let refused = scene
        .station
        .change_group(Change::Words, &mut scene.people)
        .unwrap_err();
    assert!(
        refused.happened.contains("could not type the words back"),
        "{refused:?}"
    );
    scene.people.at = Box::new(|_, _| None);

    // Somebody who may not be in the recovery group gets none.
    scene.people.form("renew.words.person", &["Dan", "Yan"]);
    let end = scene.station.change_group(Change::Words, &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)));
    let said = scene.people.refusals.join("\n");
    assert!(said.contains("do not go together"), "{said}");
    assert_eq!(record(&scene), before);
}

/// Whoever signs a record cannot make words stand for another group's card:
/// no reader of the record accepts that.
#[test]
fn words_stand_for_recovery_alone() {
    let (_folder, scene) = with_words();
    let record = record(&scene);
    let vault = scene.station.door().vault();
    let chain = vault.authority_chain().unwrap().to_vec();
    assert!(AuthorityChain::verify(&chain).is_ok());
    let mut other = record.clone();
    let ada = other
        .cards
        .iter_mut()
        .find(|c| c.person_name == "Ada")
        .unwrap();
    ada.words = Some(Hash([7; 32]));
    let mut bad = chain.clone();
    let signatures = bad.pop().unwrap().signatures;
    let mut signed = SignedAuthority::unsigned(&other).unwrap();
    signed.signatures = signatures;
    bad.push(signed);
    match AuthorityChain::verify(&bad) {
        Err(AuthorityError::Malformed { why, .. }) => {
            assert!(why.contains("recovery words"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    // A card is encoded as it always was.
    let mut card = record.cards[0].clone();
    card.auth_key_9a = Point([4; 65]);
    let bytes = conclave_evidence::cbor::to_vec(&card).unwrap();
    assert!(!bytes.windows(5).any(|w| w == b"words"));
}

fn seen(app: &App) -> String {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| view::draw(app, frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let rows = buffer.content.chunks(80);
    let lines = rows.map(|row| row.iter().map(|c| c.symbol()).collect::<String>());
    lines.collect::<Vec<_>>().join("\n")
}

/// A word is typed with keys, and no letter of it is seen.
#[test]
fn the_screen_offers_words_and_shows_none() {
    let (_folder, mut scene) = with_words();
    let asked: Arc<Mutex<Vec<Prompt>>> = Arc::default();
    let kept = Arc::clone(&asked);
    scene.people.at = Box::new(move |prompt, _| {
        kept.lock().unwrap().push(prompt.clone());
        None
    });
    scene.logon(GroupId::Recovery);
    let asked = asked.lock().unwrap().clone();
    let offer = asked.iter().find(|p| p.code == "logon.card").unwrap();
    let typing = asked.iter().find(|p| p.code == "words.type").unwrap();

    let mut app = App::new(Theme { colour: false }, None);
    app.update(Input::Event(Event::Status(Status {
        station: "KEYROOM-TEST".into(),
        mode: "TEST".into(),
        phase: Phase::Closed,
        ..Status::default()
    })));
    app.update(Input::Event(Event::Prompt(Box::new(offer.clone()))));
    let screen = seen(&app);
    assert!(screen.contains("no card, but recovery words"), "{screen}");
    let said = app.update(Input::Key(Key::Char('w')));
    let by_words = |said: &[Request]| matches!(said, [Request::Answer(Answer::ByWords)]);
    assert!(by_words(&said));

    app.update(Input::Event(Event::Prompt(Box::new(typing.clone()))));
    for letter in "zoo".chars() {
        assert!(app.update(Input::Key(Key::Char(letter))).is_empty());
    }
    let screen = seen(&app);
    assert!(screen.contains("Word  1 of 14   ● ● ● ·"), "{screen}");
    assert!(!screen.contains("zoo"), "{screen}");
    let said = app.update(Input::Key(Key::Enter));
    let [Request::Answer(Answer::Secret(typed))] = said.as_slice() else {
        panic!("no word")
    };
    assert!(typed.ct_eq(b"zoo"));
}
