//! Systems on record, and keys that leave for them: from the screen to the
//! medium, judged by the bundle's own verification.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;

use conclave_evidence::{GroupId, verify_path};
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::ports::dialogue::{Answer, Refusal};
use conclave_station::data::Data;
use conclave_station::service::ActEnd;
use conclave_trades::keys::fingerprint_hex;
use conclave_trades::target::store::store_target;
use conclave_trades::target::{TARGETS, target};
use conclave_training::stick::Mishap;
use people::{Scene, done};
use stage::{folder, scene};

const SYSTEM: &str = "BANK-LAKE PROD";
const ZMK: &str = "BANK-LAKE.ZMK.001";
const KEYS: [&str; 2] = ["BANK-LAKE.ZPK.001", "BANK-LAKE.ZPK.002"];

/// Administrators record a system of this profile's title; the pages of
/// fields follow.
fn record(scene: &mut Scene, name: &str, profile: &str) -> Result<ActEnd, Refusal> {
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Administrators);
    scene.people.forms.remove("system.record");
    scene
        .people
        .form("system.record", &["a new system", name, profile]);
    let end = scene.station.record_system(&mut scene.people);
    scene.station.logout("logged out").unwrap();
    scene.logon_both();
    end
}

fn key(scene: &Scene, label: &str) -> KeyRecord {
    let keys = scene.station.keys();
    keys.into_iter().find(|k| k.label == label).unwrap()
}

/// A station with a zone master key and two keys that left under it before.
fn furnished(scene: &mut Scene) {
    done(scene.zmk(ZMK, "zmk-aes256", "2"));
    for label in KEYS {
        done(scene.working(label, "zpk-aes128", ZMK));
    }
}

fn hand_over(scene: &mut Scene, fields: [&str; 5]) -> Result<ActEnd, Refusal> {
    let id = key(scene, KEYS[0]).id;
    scene.people.forms.remove("hand-over");
    scene.people.form("hand-over", &fields);
    scene.people.refusals.clear();
    scene.station.hand_over(id, &mut scene.people)
}

#[test]
fn every_target_that_needs_a_record_has_its_profile() {
    let nowhere = folder();
    let profiles = Data::new(&nowhere.path().join("nothing")).target_profiles();
    let mut names = Vec::new();
    for (file, profile) in profiles {
        let profile = profile.unwrap_or_else(|why| panic!("{file}: {why}"));
        let known = target(&profile.name).is_some() || store_target(&profile.name).is_some();
        assert!(known, "{file} is of no target");
        names.push(profile.name);
    }
    for target in TARGETS {
        assert!(
            names.iter().any(|n| n == target.name()),
            "{}",
            target.name()
        );
    }
}

#[test]
fn keys_that_are_there_are_handed_over_to_a_system_on_record() {
    let folder = folder();
    let mut scene = scene(&folder);
    furnished(&mut scene);
    let none = hand_over(&mut scene, ["", "", "", "", ""]).unwrap_err();
    assert!(none.happened.contains("No system"), "{}", none.happened);

    let title = done(record(&mut scene, SYSTEM, "TR-31 key blocks (ANSI X9.143)"));
    assert_eq!(title, format!("{SYSTEM} is on record"));
    let twice = record(&mut scene, SYSTEM, "TR-31 key blocks (ANSI X9.143)").unwrap_err();
    assert!(twice.happened.contains("already"), "{}", twice.happened);

    let under = format!("{ZMK} (tr31-d)");
    let title = done(hand_over(
        &mut scene,
        [SYSTEM, KEYS[1], &under, "STICK-1", ""],
    ));
    assert!(title.ends_with(SYSTEM), "{title}");
    for label in KEYS {
        let exports = key(&scene, label).exports;
        assert_eq!(exports.len(), 2, "{label}");
        assert_eq!(exports[1].recipient, SYSTEM);
    }
    let bundles = scene.room.stick.folder();
    let newest = std::fs::read_dir(bundles)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && path.join("manifest.cbor").exists())
        .max()
        .unwrap();
    for label in KEYS {
        assert!(newest.join(format!("{label}.tr31")).exists(), "{label}");
    }
    let report = verify_path(&newest);
    assert!(report.ok(), "{:?}", report.failure());
}

fn receipt_tasks(scene: &Scene) -> Vec<String> {
    let tasks = scene.station.lists().tasks;
    tasks
        .into_iter()
        .map(|task| task.what)
        .filter(|what| what.contains("bundle"))
        .collect()
}

/// The first line of the manifest's digest, in groups of four, as the text
/// beside it has it.
fn digest_on_paper(bundle: &std::path::Path) -> String {
    let text = std::fs::read_to_string(bundle.join("manifest.txt")).unwrap();
    let mut lines = text.lines().skip_while(|l| *l != "Manifest, SHA-256");
    lines.nth(1).unwrap().trim().to_owned()
}

fn file(scene: &mut Scene, fields: [&str; 3], typed: &[&[&str]]) -> Result<ActEnd, Refusal> {
    scene.people.forms.remove("receipt");
    scene.people.form("receipt", &fields);
    for page in typed {
        scene.people.form("receipt", page);
    }
    scene.station.file_receipt(&mut scene.people)
}

#[test]
fn a_receipt_ends_the_task_of_its_bundle_and_no_other() {
    let folder = folder();
    let mut scene = scene(&folder);
    furnished(&mut scene);
    assert_eq!(
        receipt_tasks(&scene),
        ["receipt of bundle 0001", "receipt of bundle 0002"]
    );
    let bundle = scene.room.stick.folder().join("CONCLAVE-0001-TEST");
    let digest = digest_on_paper(&bundle);
    let form = std::fs::read_to_string(bundle.join("receipt-form.txt")).unwrap();
    let seen = key(&scene, KEYS[0]).kcv.value;
    let filled = |value: &str| {
        form.replace("manifest ?", &format!("manifest {digest}"))
            .replace("received-by ?", "received-by J. Weber")
            .replace(&format!("{} ?", KEYS[0]), &format!("{} {value}", KEYS[0]))
    };
    let import = scene.room.stick.folder().join("IMPORT");
    std::fs::create_dir_all(&import).unwrap();
    let names = [
        ("wrong.txt", filled("000000")),
        ("empty.txt", form.clone()),
        (
            "other.txt",
            filled(&seen).replace("bundle 0001", "bundle 0002"),
        ),
        (
            "none.txt",
            filled(&seen).replace("bundle 0001", "bundle 0009"),
        ),
        ("good.txt", filled(&seen)),
    ];
    for (name, text) in &names {
        std::fs::write(import.join(name), text).unwrap();
    }
    for (name, said) in [
        ("empty.txt", "not filled in"),
        ("other.txt", "another manifest"),
        ("none.txt", ""),
        ("nothing.txt", "not read"),
    ] {
        let refusal = file(&mut scene, ["STICK-1", name, ""], &[]).unwrap_err();
        assert!(refusal.happened.contains(said), "{name}: {refusal:?}");
        assert_eq!(receipt_tasks(&scene).len(), 2, "{name}");
    }
    let title = done(file(&mut scene, ["STICK-1", "wrong.txt", ""], &[]));
    assert!(title.contains("NOT as it should be"), "{title}");
    assert_eq!(
        receipt_tasks(&scene)[0],
        "bundle 0001 was NOT received as sent"
    );
    let title = done(file(&mut scene, ["STICK-1", "good.txt", ""], &[]));
    assert_eq!(title, "Bundle 0001 is received");
    assert_eq!(receipt_tasks(&scene), ["receipt of bundle 0002"]);

    // From a letter, with the first digits of what the manifest says.
    let digest = digest_on_paper(&scene.room.stick.folder().join("CONCLAVE-0002-TEST"));
    let six = &key(&scene, KEYS[1]).kcv.value[..6];
    let typed: [&[&str]; 2] = [&[&digest[..19], "M. Rossi"], &[six]];
    let title = done(file(&mut scene, ["typed from a letter", "", "2"], &typed));
    assert_eq!(title, "Bundle 0002 is received");
    assert!(receipt_tasks(&scene).is_empty());
}

#[test]
fn a_wrapping_key_that_the_system_does_not_take_is_refused_by_name() {
    let folder = folder();
    let mut scene = scene(&folder);
    furnished(&mut scene);
    done(scene.zmk("LAKE.KEK.001", "zmk-tdes2-cca", "2"));
    done(record(&mut scene, SYSTEM, "TR-31 key blocks (ANSI X9.143)"));
    let end = hand_over(
        &mut scene,
        [SYSTEM, "", "LAKE.KEK.001 (cca-ecb)", "STICK-1", "because"],
    );
    assert!(!matches!(end, Ok(ActEnd::Done { .. })), "{end:?}");
    let said = &scene.people.refusals;
    assert!(
        said.iter()
            .any(|s| s.contains("takes tr31-a, tr31-b, tr31-c")),
        "{said:?}"
    );
    assert_eq!(key(&scene, KEYS[0]).exports.len(), 1);
}

/// Title and lines of an act that took place, and whether all of it is good.
fn ended(end: Result<ActEnd, Refusal>) -> (bool, String) {
    match end {
        Ok(ActEnd::Done { good, lines, .. }) => (good, lines.join("\n")),
        other => panic!("{other:?}"),
    }
}

/// What happens to the medium each time it is to be pulled; whoever is asked for a
/// fingerprint types this one.
fn at_replug(
    scene: &mut Scene,
    print: &str,
    mut act: impl FnMut(usize) -> Option<Answer> + Send + 'static,
) {
    let print = print.to_owned();
    scene.people.at = Box::new(move |prompt, times| match prompt.code.as_str() {
        "hand-over.replug" => act(times),
        "fingerprint.first" | "fingerprint.second" => Some(Answer::Word(print.clone())),
        _ => None,
    });
}

/// Which bundle is read again, out of the task list.
fn again(scene: &mut Scene, bundle: &str) {
    scene.people.forms.remove("hand-over.again");
    scene.people.form("hand-over.again", &[bundle]);
    scene.people.refusals.clear();
    scene.people.forget_questions();
}

/// Two second readings that were given up: one whose bundle is another one by then, and
/// one whose medium is condemned by that. Neither is a task any more.
#[test]
fn a_second_reading_that_was_given_up_finds_what_was_changed_meanwhile() {
    let folder = folder();
    let mut scene = scene(&folder);
    furnished(&mut scene);
    done(record(&mut scene, SYSTEM, "TR-31 key blocks (ANSI X9.143)"));
    let under = format!("{ZMK} (tr31-d)");
    for _ in 0..2 {
        at_replug(&mut scene, "", |_| Some(Answer::Abort));
        scene.people.forget_questions();
        let end = hand_over(&mut scene, [SYSTEM, "", &under, "STICK-1", ""]);
        assert!(!ended(end).0);
    }
    let unread = |scene: &Scene| {
        let mut tasks = receipt_tasks(scene);
        tasks.retain(|task| task.contains("was not read again"));
        tasks
    };
    assert_eq!(unread(&scene).len(), 2);

    // A bit of the second one's block.
    let file = scene.room.stick.folder().join("CONCLAVE-0004-TEST");
    let file = file.join(format!("{}.tr31", KEYS[0]));
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[30] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    at_replug(&mut scene, "", |_| None);
    again(&mut scene, &format!("0004 on STICK-1, for {SYSTEM}"));
    let (good, told) = ended(scene.station.read_again(&mut scene.people));
    assert!(
        !good && told.contains("Bundle 0004 counts no more"),
        "{told}"
    );
    assert!(unread(&scene).is_empty(), "{:?}", unread(&scene));
    assert!(receipt_tasks(&scene).contains(&"receipt of bundle 0003".to_owned()));
}

/// A medium that gives back other bytes after it was pulled and put back, however its
/// bundle came on it: it is condemned, and no receipt of the bundle is wanted.
#[test]
fn what_was_handed_over_is_read_again_after_its_medium_was_put_back() {
    let names = ["a hand-over", "a key store", "a public half"];
    for (of, name) in names.into_iter().enumerate() {
        let folder = folder();
        let mut scene = scene(&folder);
        furnished(&mut scene);
        let pair = [
            "OUR.TLS.001",
            "2048",
            "365",
            "S0 signatures",
            "may leave in a key store",
        ];
        done(record(&mut scene, SYSTEM, "TR-31 key blocks (ANSI X9.143)"));
        let made = if of == 0 {
            key(&scene, KEYS[0]).id
        } else {
            scene.people.form("rsa.new", &pair);
            done(scene.station.make_rsa(None, &mut scene.people));
            key(&scene, pair[0]).id
        };
        let under = format!("{ZMK} (tr31-d)");
        let leave = |scene: &mut Scene| {
            scene.people.forms.clear();
            scene.people.refusals.clear();
            scene.people.forget_questions();
            let store = [
                "a key store alone",
                "",
                "pkcs12",
                "BANK-LAKE",
                "Gus, Custodians A",
                "Hal, Custodians B",
                "STICK-1",
                "",
                "",
            ];
            scene
                .people
                .form("hand-over", &[SYSTEM, "", &under, "STICK-1", ""]);
            scene.people.form("store.parameters", &store);
            scene.people.form("rsa.export", &["BANK-LAKE", "STICK-1"]);
            ended(match of {
                2 => scene.station.export_public(made, &mut scene.people),
                _ => scene.station.hand_over(made, &mut scene.people),
            })
        };
        let print = match of {
            0 => String::new(),
            _ => fingerprint_hex(&key(&scene, pair[0]).rsa.unwrap().fingerprint),
        };
        let stick = scene.room.stick.clone();
        // It is not there at first: it is asked for again, and every byte is as written.
        let hand = stick.clone();
        at_replug(&mut scene, &print, move |times| {
            match times {
                1 => hand.unplug(),
                _ => hand.plug(),
            }
            None
        });
        let (good, told) = leave(&mut scene);
        assert!(good, "{name}: {told}");
        assert!(told.contains("are as written"), "{name}: {told}");
        assert!(told.contains("SHA-256 of manifest.txt"), "{name}: {told}");
        let refused = scene.people.refusals.join("\n");
        assert!(
            refused.contains("no medium is plugged in"),
            "{name}: {refused}"
        );
        assert!(receipt_tasks(&scene).iter().any(|t| t.contains("0003")));

        // Given up: it counts, and that it was not read again is told.
        at_replug(&mut scene, &print, |_| Some(Answer::Abort));
        let (good, told) = leave(&mut scene);
        assert!(!good && told.contains("NOT read again"), "{name}: {told}");
        assert!(receipt_tasks(&scene).iter().any(|t| t.contains("0004")));

        // That is a task, until it was done.
        let unread = "bundle 0004 on STICK-1 was not read again";
        let recipient = if of == 0 { SYSTEM } else { "BANK-LAKE" };
        let waiting = format!("0004 on STICK-1, for {recipient}");
        assert!(receipt_tasks(&scene).iter().any(|t| t == unread), "{name}");
        assert!(!receipt_tasks(&scene).iter().any(|t| t.contains("0003 on")));
        again(&mut scene, &waiting);
        let (good, told) = ended(scene.station.read_again(&mut scene.people));
        assert!(!good && told.contains("NOT read again"), "{name}: {told}");
        assert!(receipt_tasks(&scene).iter().any(|t| t == unread), "{name}");
        at_replug(&mut scene, &print, |_| None);
        again(&mut scene, &waiting);
        let (good, told) = ended(scene.station.read_again(&mut scene.people));
        assert!(good && told.contains("are as written"), "{name}: {told}");
        assert!(!receipt_tasks(&scene).iter().any(|t| t == unread), "{name}");
        let none = scene.station.read_again(&mut scene.people).unwrap_err();
        assert!(none.happened.contains("No bundle waits"), "{none:?}");

        let hand = stick.clone();
        at_replug(&mut scene, &print, move |_| {
            hand.expect(Some(Mishap::Worn));
            None
        });
        let (good, told) = leave(&mut scene);
        assert!(!good, "{name}: {told}");
        assert!(
            told.contains("Bundle 0005 counts no more"),
            "{name}: {told}"
        );
        assert_eq!(told.contains("halves"), of == 1, "{name}: {told}");
        // Nobody reads its digest to anybody, and the key did not get there with it.
        assert!(!told.contains("SHA-256"), "{name}: {told}");
        assert!(told.contains("No digest of it"), "{name}: {told}");
        let label = if of == 0 { KEYS[0] } else { pair[0] };
        let left = key(&scene, label).exports;
        let void = left.iter().filter(|left| left.void_ms.is_some());
        assert_eq!(void.map(|left| left.bundle).collect::<Vec<_>>(), [5]);
        let page = scene.station.key_detail(label, key(&scene, label).id);
        assert!(
            page.iter().any(|line| line.starts_with("void since")),
            "{page:?}"
        );
        // The minutes of a public half were filed after that.
        let minutes = folder.path().join("minutes");
        let know = std::fs::read_dir(minutes).unwrap().filter(|entry| {
            let path = entry.as_ref().unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let transcript = path.extension().is_some_and(|e| e == "cbor");
            transcript && String::from_utf8_lossy(&bytes).contains("gave back other bytes")
        });
        assert_eq!(know.count() > 0, of == 2, "{name}");
        assert!(!receipt_tasks(&scene).iter().any(|t| t.contains("0005")));
        let devices = format!("{:?}", scene.station.lists().devices);
        assert!(devices.contains("CONDEMNED"), "{name}: {devices}");
    }
}
