//! Sticks that are pulled, full, worn out or not the right ones.

use std::sync::Arc;

use crate::desk::*;
use crate::watched::Watched;
use conclave_evidence::manifest::MANIFEST_FILE;
use conclave_evidence::{GroupId, verify_path};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{Compromise, KeyRecord};
use conclave_keyroom::door::{Action, ActionError, Authority, DoorError, Stop};
use conclave_trades::keys::{Kin, Taint, Tainted};
use conclave_trades::target::{
    BundleState, KeyName, PrintKeyLetter, ReadBundle, ReadReceipt, VoidBundle,
};
use conclave_training::stick::{FolderStick, Mishap, StickPorts};

#[test]
fn anything_but_the_one_approved_stick_is_named_and_nothing_leaves() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let other = tempfile::tempdir().unwrap();
    let second = FolderStick::new(other.path(), "S-2");
    desk.ports = Box::new(StickPorts::new(vec![desk.stick.clone(), second]));
    let attempt = |desk: &mut Desk, part: &str| {
        let act = desk.plan(&[&key], &zmk);
        let said = device(desk.export(&act));
        assert!(
            said.contains(part) && said.contains("nothing was exported"),
            "{said}"
        );
        assert_eq!(desk.register(act.bundle).state, BundleState::Begun);
        assert_eq!(desk.next(), act.bundle + 1);
    };
    attempt(&mut desk, "more than one");
    desk.stick.unplug();
    attempt(&mut desk, "not the enrolled");
    desk.ports = Box::new(StickPorts::new(vec![desk.stick.clone()]));
    attempt(&mut desk, "no medium");
    desk.stick.plug();
    desk.stick.protect(true);
    attempt(&mut desk, "write-protected");
    desk.stick.protect(false);
    desk.stick.expect(Some(Mishap::FullAfter(0)));
    attempt(&mut desk, "full");
    assert_eq!(desk.on_stick(), 0);
    desk.stick.expect(None);
    // A folder that stood there before is not used.
    let planted = desk
        .folder
        .join(format!("CONCLAVE-{:04}-TEST", desk.next()));
    std::fs::create_dir(&planted).unwrap();
    attempt(&mut desk, "already");
    assert_eq!(std::fs::read_dir(planted).unwrap().count(), 0);
    assert!(desk.record(&key).exports.is_empty());
}

#[test]
fn a_stick_pulled_anywhere_leaves_no_manifest_and_uses_the_number_up() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let whole = desk.plan(&[&key], &zmk);
    let whole = desk.export(&whole).unwrap();
    let lengths: Vec<u64> = whole
        .files
        .iter()
        .map(|name| u64::try_from(desk.file(&whole, name).len()).unwrap())
        .collect();
    let mut cuts = vec![Mishap::PulledAfter(0), Mishap::PulledAfter(1)];
    let mut sum = 0;
    for length in &lengths[..lengths.len() - 1] {
        sum += length;
        cuts.extend([sum - 1, sum, sum + 1].map(Mishap::PulledAfter));
    }
    for file in 1..u32::try_from(lengths.len()).unwrap() {
        cuts.push(Mishap::PulledAfterFile(file));
    }
    let mut blocks = vec![desk.file(&whole, "A.ZPK.1.tr31")];
    for cut in cuts {
        let act = desk.plan(&[&key], &zmk);
        desk.stick.expect(Some(cut));
        match desk.export(&act) {
            Err(DoorError::Failed(
                ActionError::Device { .. }
                | ActionError::NoMedium { .. }
                | ActionError::Unknown { .. },
            )) => {}
            other => panic!("{cut:?}: {other:?}"),
        }
        desk.stick.expect(None);
        desk.stick.plug();
        assert_eq!(desk.next(), act.bundle + 1, "{cut:?}");
        assert_eq!(desk.register(act.bundle).state, BundleState::Begun);
        let folder = desk.folder.join(format!("CONCLAVE-{:04}-TEST", act.bundle));
        assert!(!folder.join(MANIFEST_FILE).exists(), "{cut:?}");
        assert!(!verify_path(&folder).ok(), "{cut:?}");
        // The same number does not leave again.
        assert!(rule(desk.export(&act)).contains("used once"), "{cut:?}");
        if let Ok(block) = std::fs::read(folder.join("A.ZPK.1.tr31")) {
            blocks.push(block);
        }
    }
    assert_eq!(desk.record(&key).exports.len(), 1);
    let again = desk.plan(&[&key], &zmk);
    let again = desk.export(&again).unwrap();
    blocks.push(desk.file(&again, "A.ZPK.1.tr31"));
    let count = blocks.len();
    blocks.sort();
    blocks.dedup();
    assert_eq!(blocks.len(), count, "a cryptogram left twice");
    assert!(count > 10);
}

#[test]
fn pulled_behind_the_manifest_nobody_knows_and_the_intent_stays_open() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let act = desk.plan(&[&key], &zmk);
    // Key, run sheet, receipt form, authority, text, manifest.
    desk.stick.expect(Some(Mishap::PulledAfterFile(6)));
    assert!(matches!(
        desk.export(&act),
        Err(DoorError::Failed(ActionError::Unknown { .. }))
    ));
    let folder = desk.folder.join("CONCLAVE-0001-TEST");
    assert!(folder.join(MANIFEST_FILE).exists());
    let open = desk.room.vault().open_intents().unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(desk.next(), 2);
}

#[test]
fn a_stick_that_gives_back_other_bytes_or_fills_up_is_told() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    desk.stick.expect(Some(Mishap::Worn));
    let act = desk.plan(&[&key], &zmk);
    assert!(device(desk.export(&act)).contains("reads back differently"));
    // It is condemned, and another one gets what the first did not keep.
    desk.stick.expect(None);
    let act = desk.plan(&[&key], &zmk);
    let told = rule(desk.export(&act));
    assert!(told.contains("STICK-1 is condemned: "), "{told}");
    assert!(
        desk.enrol(3, "STICK-3", "S-1").is_err(),
        "not enrolled again"
    );
    let read = ReadReceipt {
        medium: desk.medium.id,
        file: "receipt.txt".into(),
    };
    let told = desk.act(&read, &[]).map(drop).unwrap_err().to_string();
    assert!(told.contains("STICK-1 is condemned: "), "{told}");
    let other = tempfile::tempdir().unwrap();
    desk.stick.exchange(other.path(), "S-2");
    desk.medium = desk.enrol(2, "STICK-2", "S-2").unwrap();
    let act = desk.plan(&[&key], &zmk);
    let out = desk.export(&act).unwrap();
    assert!(verify_path(&other.path().join(out.folder)).ok());
    assert_eq!(desk.record(&key).exports.len(), 1);
    desk.stick.expect(Some(Mishap::FullAfter(150)));
    let act = desk.plan(&[&key], &zmk);
    assert!(device(desk.export(&act)).contains("full"));
    assert_eq!(desk.next(), 4);
    assert_eq!(desk.record(&key).exports.len(), 1);
}

/// A cryptogram may have left in an act that did not end: whoever knows the wrapping key
/// may know the key. Only what was refused before it began says nothing.
#[test]
fn an_export_or_a_letter_that_did_not_end_is_found_below_its_wrapping_key() {
    let mut desk = Desk::new();
    let zmks = ["A.ZMK.1", "A.ZMK.2", "A.ZMK.3"];
    let zmks = zmks.map(|label| desk.key(label, KeyForm::Aes128, "K0"));
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    desk.stick.expect(Some(Mishap::PulledAfter(300)));
    let act = desk.plan(&[&key], &zmks[0]);
    assert!(desk.export(&act).is_err());
    desk.stick.plug();
    desk.stick.expect(None);
    let letter = PrintKeyLetter {
        key: KeyName::of(&key),
        under: KeyName::of(&zmks[1]),
        recipient: "BANK-LAKE".into(),
        // There is none of this name.
        printer: Some("LETTERS".into()),
        exception: None,
    };
    let both = [MANAGERS, APPROVERS].concat();
    assert!(desk.act(&letter, &both).is_err());
    let mut act = desk.plan(&[&key], &zmks[2]);
    act.recipient = String::new();
    assert!(desk.export(&act).is_err());

    let found = desk.record(&key);
    assert!(found.exports.is_empty());
    let below = zmks.map(|mut zmk| {
        zmk.compromise = Some(Compromise {
            at_ms: 1,
            reason: "the bag was open".into(),
        });
        let tainted = Tainted::of(&[Kin::of(&zmk).unwrap()]);
        tainted.why(&found) == Some(Taint::Under(&zmk.label))
    });
    assert_eq!(below, [true, true, false]);
}

/// A member leaves during an export: it stops before the next file, and what lies
/// there has no manifest.
#[test]
fn a_card_that_is_pulled_stops_an_export_before_the_next_file() {
    // Key, run sheet, receipt form, authority, text, manifest.
    for files in 1..=5 {
        let mut desk = Desk::new();
        let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
        let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
        let stop = Arc::clone(desk.room.door_mut().stop());
        let mut left = files;
        desk.ports = Box::new(Watched {
            stick: StickPorts::new(vec![desk.stick.clone()]),
            training: true,
            written: Box::new(move || {
                left -= 1;
                if left == 0 {
                    stop.raise(Stop::QuorumLost);
                }
            }),
        });
        let act = desk.plan(&[&key], &zmk);
        let told = desk.export(&act).unwrap_err();
        assert!(
            matches!(told, DoorError::Failed(ActionError::Device { .. })),
            "{files}: {told:?}"
        );
        let folder = desk.folder.join("CONCLAVE-0001-TEST");
        let there = std::fs::read_dir(&folder).unwrap().count();
        assert_eq!(there, files, "stopped before the next");
        assert!(!folder.join(MANIFEST_FILE).exists());
        assert!(!verify_path(&folder).ok());
        assert_eq!(desk.register(1).state, BundleState::Begun);
        assert_eq!(desk.next(), 2, "its number is used up");
        assert!(desk.record(&key).exports.is_empty());
        assert!(desk.room.vault().open_intents().unwrap().is_empty());
    }
}

#[test]
fn a_medium_is_enrolled_once_while_it_is_there_and_under_a_plain_name() {
    let mut desk = Desk::new();
    let other = tempfile::tempdir().unwrap();
    desk.ports = Box::new(StickPorts::new(vec![
        desk.stick.clone(),
        FolderStick::new(other.path(), "S-2"),
    ]));
    let mut refused = |id, name: &str, serial: &str, part: &str| {
        let Err(DoorError::Failed(ActionError::Rule { rule, .. })) = desk.enrol(id, name, serial)
        else {
            panic!("{name} {serial} was enrolled");
        };
        assert!(rule.contains(part), "{rule}");
    };
    refused(2, "STICK-2", "S-1", "enrolled already, as STICK-1");
    refused(2, "stick-1", "S-2", "called STICK-1 already");
    refused(2, "STICK-2", "S-3", "while it is plugged in");
    refused(2, "../STICK", "S-2", "name");
    let found = desk.enrol(2, "STICK-2", "S-2").unwrap();
    assert!(found.training);
}

/// The second reading outside of a ceremony: under both groups' session, of a bundle that
/// counts, and of no other.
#[test]
fn a_bundle_is_read_again_while_it_counts() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let read = |bundle| ReadBundle {
        ceremony: None,
        bundle,
    };
    let sessions = [GroupId::KeyManagers, GroupId::Approvers].map(Authority::Session);
    assert_eq!(read(1).authority(), Authority::All(sessions.to_vec()));

    let act = desk.plan(&[&key], &zmk);
    let out = desk.export(&act).unwrap();
    assert!(desk.register(1).lacks_reading());
    // Key, run sheet, receipt form, authority, text.
    assert_eq!(desk.act(&read(1), &[]).unwrap(), 5);
    assert!(!desk.register(1).lacks_reading());
    // A file of it that is another one now.
    let file = desk.folder.join(&out.folder).join("A.ZPK.1.tr31");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let newest = |desk: &Desk| desk.room.vault().newest().unwrap().0;
    let before = newest(&desk);
    let told = desk.act(&read(1), &[]).map(drop).unwrap_err().to_string();
    assert!(told.contains("A.ZPK.1.tr31"), "{told}");
    // Intent, one note with both, and that it failed: bundle and medium fall together.
    assert_eq!(newest(&desk) - before, 3);
    assert_eq!(desk.register(1).state, BundleState::Void);
    let left = desk.record(&key).exports;
    assert!(left.len() == 1 && left[0].void_ms.is_some(), "{left:?}");
    let told = desk.act(&read(1), &[]).map(drop).unwrap_err().to_string();
    assert!(told.contains("counts no more"), "{told}");
    let act = desk.plan(&[&key], &zmk);
    assert!(rule(desk.export(&act)).contains("STICK-1 is condemned"));
}

/// What people know of a bundle: both quorums make void what counts and did not arrive,
/// with a reason, and as its record says.
#[test]
fn a_bundle_that_is_worthless_counts_no_more() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let keys = ["A.ZPK.1", "A.ZPK.2"].map(|label| desk.key(label, KeyForm::Aes128, "P0"));
    for _ in 0..2 {
        let act = desk.plan(&[&keys[0], &keys[1]], &zmk);
        desk.export(&act).unwrap();
    }
    let both = [MANAGERS, APPROVERS].concat();
    let void = VoidBundle::of(&desk.register(1), "lost in the post");
    let refused = |desk: &mut Desk, act: &VoidBundle, part: &str| {
        let told = desk.act(act, &both).unwrap_err().to_string();
        assert!(told.contains(part), "{told}");
    };
    for (act, part) in [
        (
            VoidBundle {
                reason: " ".into(),
                ..void.clone()
            },
            "a reason",
        ),
        (
            VoidBundle {
                medium: "STICK-2".into(),
                ..void.clone()
            },
            "not the one that was approved",
        ),
        (
            VoidBundle {
                labels: Vec::new(),
                ..void.clone()
            },
            "not the one that was approved",
        ),
    ] {
        refused(&mut desk, &act, part);
    }
    assert!(desk.act(&void, &MANAGERS).is_err());
    desk.act(&void, &both).unwrap();
    assert_eq!(desk.register(1).state, BundleState::Void);
    assert_eq!(desk.register(2).state, BundleState::Written);
    let zmk = KeyRecord {
        compromise: Some(Compromise {
            at_ms: 1,
            reason: "the bag was open".into(),
        }),
        ..zmk
    };
    let tainted = Tainted::of(&[Kin::of(&zmk).unwrap()]);
    for key in &keys {
        let now = desk.record(key);
        let left: Vec<u64> = now.delivered().map(|left| left.bundle).collect();
        assert_eq!(left, [2]);
        // Whoever has it may know it, whatever it counts for.
        assert!(tainted.why(&now).is_some());
    }
    refused(&mut desk, &void, "counts for nothing already");
}

/// The medium goes while cards sign: no cryptogram was made, and no record says that one
/// may be outside; what another act said before stays.
#[test]
fn what_never_was_wrapped_is_not_called_outside() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let keys = ["A.ZPK.1", "A.ZPK.2"].map(|label| desk.key(label, KeyForm::Aes128, "P0"));
    desk.stick.expect(Some(Mishap::PulledAfter(300)));
    let act = desk.plan(&[&keys[0]], &zmk);
    assert!(desk.export(&act).is_err());
    desk.stick.expect(None);
    let under = |desk: &Desk| {
        let of = |key: &KeyRecord| desk.record(key).begun_under.contains("A.ZMK.1");
        keys.each_ref().map(of)
    };
    assert_eq!(under(&desk), [true, false]);
    desk.stick.unplug();
    let act = desk.plan(&[&keys[0], &keys[1]], &zmk);
    assert!(device(desk.export(&act)).contains("nothing was exported"));
    assert_eq!(under(&desk), [true, false]);
    desk.stick.plug();
    let act = desk.plan(&[&keys[1]], &zmk);
    desk.export(&act).unwrap();
    assert_eq!(under(&desk), [true, true]);
}
