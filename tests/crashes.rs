//! The program ends in the middle of a ceremony, as by a power cut: nothing is
//! lost, nothing is printed twice, and no half-made key stays.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use conclave_crypto::primitive::derive::sha256;
use conclave_crypto::secret::{RandomError, RandomSource};
use conclave_evidence::Hash;
use conclave_evidence::journal::EntryKind;
use conclave_evidence::transcript::SignedTranscript;
use conclave_station::compose::random_source;
use conclave_station::service::ActEnd;
use people::{Scene, done};
use stage::{STAFF, folder, scene, sheets};
use tempfile::TempDir;

/// Ends the program at a question, as a power cut would: nothing is saved any
/// more.
fn crash(folder: &TempDir, code: &'static str, nth: usize) -> bool {
    let mut scene = scene(folder);
    scene.people.at = Box::new(move |prompt, times| {
        if prompt.code == code && times == nth {
            resume_unwind(Box::new(code));
        }
        None
    });
    catch_unwind(AssertUnwindSafe(|| {
        let _ = scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2");
    }))
    .is_err()
}

/// What a restart makes of it: the key's state at the end, and the sheets
/// printed after the restart.
fn resumed(folder: &TempDir) -> (Option<String>, usize) {
    let mut scene = scene(folder);
    scene.people.serial = 500;
    let open: Vec<String> = scene
        .station
        .ceremonies()
        .iter()
        .filter(|c| !c.over)
        .map(|c| c.ceremony.to_string())
        .collect();
    for id in open {
        let end = scene.station.resume_ceremony(&id, &mut scene.people);
        let told = &scene.people.refusals;
        assert!(!done(end).ends_with("interrupted"), "{told:?}");
    }
    assert!(scene.station.ceremonies().iter().all(|c| c.over));
    // Nobody is sent to the printer for a key that cannot come about.
    let sent = scene.people.codes.iter().any(|c| c == "print.ready");
    assert_eq!(sent, sheets(&scene) > 0);
    (scene.key_state("BANK-LAKE.ZMK.001"), sheets(&scene))
}

#[test]
fn after_a_crash_before_the_key_the_ceremony_goes_on() {
    for code in [
        "sign-in.card",
        "confirm.clock",
        "sign.card",
        "generate.ready",
    ] {
        let folder = folder();
        assert!(crash(&folder, code, 1), "{code} is never asked");
        let (state, sheets) = resumed(&folder);
        assert_eq!((state.as_deref(), sheets), (Some("active"), 2), "{code}");
    }
}

#[test]
fn after_a_crash_between_print_and_seal_the_key_is_void() {
    for (code, nth) in [
        ("print.collect", 1),
        ("confirm.sheet", 1),
        ("seal.serial.first", 1),
        ("seal.serial.second", 1),
        ("seal.serial.second", 2),
    ] {
        let folder = folder();
        assert!(crash(&folder, code, nth), "{code} is never asked");
        let (state, sheets) = resumed(&folder);
        assert_eq!((state.as_deref(), sheets), (Some("void"), 0), "{code}");
    }
}

#[test]
fn after_a_crash_with_every_component_sealed_the_ceremony_goes_on() {
    for code in ["readback.show", "readback.second", "confirm.tidy"] {
        let folder = folder();
        assert!(crash(&folder, code, 1), "{code} is never asked");
        let (state, sheets) = resumed(&folder);
        assert_eq!((state.as_deref(), sheets), (Some("active"), 0), "{code}");
    }
}

#[test]
fn components_that_were_never_printed_die_with_the_program() {
    // They live in the provider alone, so nothing can be printed afterwards,
    // and no half-made key is left behind.
    for (code, nth) in [("print.ready", 1), ("print.ready", 2)] {
        let folder = folder();
        assert!(crash(&folder, code, nth), "{code} is never asked");
        let (state, sheets) = resumed(&folder);
        assert_eq!((state.as_deref(), sheets), (Some("void"), 0), "{code}");
    }
}

/// The system's random source, which ends the program at a draw: every commit
/// draws, so these are points before and between the commits of a unit.
struct Fused {
    inner: Box<dyn RandomSource + Send>,
    left: Arc<AtomicUsize>,
}

impl Fused {
    fn draw(&self) {
        let draw = |left: usize| left.checked_sub(1);
        if self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, draw)
            == Ok(1)
        {
            resume_unwind(Box::new("cut"));
        }
    }
}

impl RandomSource for Fused {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.draw();
        self.inner.public(buf)
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.draw();
        self.inner.secret(buf)
    }
}

/// Ends the program at the nth draw after this question was answered; FALSE
/// when the next unit's question came first.
fn cut(folder: &TempDir, code: &'static str, next: &'static str, nth: usize) -> bool {
    let left = Arc::new(AtomicUsize::new(0));
    let random = Fused {
        inner: random_source().unwrap(),
        left: Arc::clone(&left),
    };
    let mut scene = Scene::open_with(folder.path(), STAFF, Box::new(random));
    scene.logon_both();
    let fuse = Arc::clone(&left);
    scene.people.at = Box::new(move |prompt, times| {
        if prompt.code == code && times == 1 {
            fuse.store(nth, Ordering::SeqCst);
        }
        if prompt.code == next && times == 1 {
            resume_unwind(Box::new("too late"));
        }
        None
    });
    let end = catch_unwind(AssertUnwindSafe(|| {
        let _ = scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2");
    }));
    end.unwrap_err().downcast_ref::<&str>() == Some(&"cut")
}

#[test]
fn a_cut_at_any_commit_around_the_making_of_a_key_leaves_all_or_nothing() {
    let mut outcomes = Vec::new();
    for nth in 1.. {
        let folder = folder();
        if !cut(&folder, "generate.ready", "confirm.step-back", nth) {
            break;
        }
        let (state, printed) = resumed(&folder);
        outcomes.push(match (state.as_deref(), printed) {
            (Some("active"), 2) => 0,
            (None, 0) => 1,
            (Some("void"), 0) => 2,
            other => panic!("draw {nth}: {other:?}"),
        });
    }
    // Before its intent the key is made afresh; while it is unknown whether it
    // was made the ceremony ends without one; once it is on record its
    // components are gone with the program, so it is void.
    assert!(outcomes.is_sorted(), "{outcomes:?}");
    assert!((0..3).all(|one| outcomes.contains(&one)), "{outcomes:?}");
}

/// Ends the program at the nth draw after the minutes went to their first
/// signer, and gives the draws that were left at the end.
fn cut_at_the_close(folder: &TempDir, nth: usize) -> usize {
    let left = Arc::new(AtomicUsize::new(0));
    let random = Fused {
        inner: random_source().unwrap(),
        left: Arc::clone(&left),
    };
    let mut scene = Scene::open_with(folder.path(), STAFF, Box::new(random));
    scene.logon_both();
    let fuse = Arc::clone(&left);
    let mut lit = false;
    scene.people.at = Box::new(move |prompt, _| {
        if prompt.act == "Close the ceremony" && !std::mem::replace(&mut lit, true) {
            fuse.store(nth, Ordering::SeqCst);
        }
        None
    });
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let _ = scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2");
    }));
    left.load(Ordering::SeqCst)
}

/// Files of the minutes' folder with this ending.
fn minutes(folder: &TempDir, ending: &str) -> Vec<Vec<u8>> {
    std::fs::read_dir(folder.path().join("minutes"))
        .into_iter()
        .flatten()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == ending))
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

#[test]
fn after_a_cut_behind_the_signatures_the_transcript_names_the_minutes_that_were_signed() {
    const MANY: usize = 1_000_000;
    let draws = MANY - cut_at_the_close(&folder(), MANY);
    let mut cuts = 0;
    for nth in (1..draws).rev() {
        let folder = folder();
        cut_at_the_close(&folder, nth);
        let active = scene(&folder).key_state("BANK-LAKE.ZMK.001").as_deref() == Some("active");
        if !active {
            break;
        }
        cuts += 1;
        let signed = minutes(&folder, "pdf");
        assert_eq!(resumed(&folder), (Some("active".into()), 0), "draw {nth}");
        assert_eq!(minutes(&folder, "pdf"), signed, "draw {nth}");
        let transcripts = minutes(&folder, "cbor");
        assert_eq!((signed.len(), transcripts.len()), (1, 1), "draw {nth}");
        let transcript = SignedTranscript::from_file(&transcripts[0]).unwrap();
        let named = transcript.open().unwrap().minutes_sha256;
        assert_eq!(named, Some(Hash(sha256(&[&signed[0]]))), "draw {nth}");
    }
    assert!(cuts > 3, "{cuts} of {draws} draws");
}

/// Pulls the stick while cards sign for the export, and ends the program at the nth
/// draw after that; gives the draws that were left when the question stood again.
fn cut_without_a_medium(folder: &TempDir, nth: usize) -> usize {
    let left = Arc::new(AtomicUsize::new(0));
    let random = Fused {
        inner: random_source().unwrap(),
        left: Arc::clone(&left),
    };
    let mut scene = Scene::open_with(folder.path(), STAFF, Box::new(random));
    scene.logon_both();
    let (stick, fuse) = (scene.room.stick.clone(), Arc::clone(&left));
    let mut pulled = false;
    scene.people.at = Box::new(move |prompt, times| {
        match prompt.code.as_str() {
            "sign.card" if prompt.act == "Export the key" && !pulled => {
                pulled = true;
                stick.unplug();
                fuse.store(nth, Ordering::SeqCst);
            }
            "export.ready" if times == 2 => resume_unwind(Box::new("asked again")),
            _ => {}
        }
        None
    });
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let _ = scene.working("BANK-LAKE.ZPK.001", "zpk-aes128", "BANK-LAKE.ZMK.001");
    }));
    left.load(Ordering::SeqCst)
}

/// What the journal ends with, of an export and of the saves around it.
fn newest(folder: &TempDir) -> (String, EntryKind) {
    let scene = Scene::open(folder.path(), STAFF);
    let entries = scene.station.door().vault().entries(0).unwrap();
    let headers = entries.iter().rev().map(|one| one.open_header().unwrap());
    let mut found = headers.filter(|one| ["record-step", "export-keys"].contains(&&*one.action));
    let newest = found.next().unwrap();
    (newest.action, newest.kind)
}

/// An export that found no medium costs no try, also where the power goes between the
/// journal's word of it and the ceremony's.
#[test]
fn a_cut_behind_an_export_that_found_no_medium_costs_no_try() {
    const MANY: usize = 1_000_000;
    let base = folder();
    done(scene(&base).zmk("BANK-LAKE.ZMK.001", "zmk-aes256", "2"));
    let apart = || {
        let folder = TempDir::new().unwrap();
        stage::copy(base.path(), folder.path());
        folder
    };
    let draws = MANY - cut_without_a_medium(&apart(), MANY);
    let mut cuts = 0;
    for nth in (1..=draws).rev() {
        let folder = apart();
        cut_without_a_medium(&folder, nth);
        match newest(&folder) {
            (action, EntryKind::Failed) if action == "export-keys" => cuts += 1,
            (action, _) if action == "record-step" && cuts == 0 => continue,
            _ => break,
        }
        let mut scene = scene(&folder);
        let mut open = scene.station.ceremonies();
        open.retain(|one| !one.over);
        let id = open[0].ceremony.to_string();
        let end = scene.station.resume_ceremony(&id, &mut scene.people);
        let Ok(ActEnd::Done { good, lines, .. }) = end else {
            panic!("draw {nth}: {end:?}")
        };
        assert!(good, "draw {nth}: {lines:?}");
        let none = "failed attempts: none".to_owned();
        assert!(lines.contains(&none), "draw {nth}: {lines:?}");
        let state = scene.key_state("BANK-LAKE.ZPK.001");
        assert_eq!(state.as_deref(), Some("active"), "draw {nth}");
    }
    assert!(cuts > 0, "no cut at that write in {draws} draws");
}
