//! Both ceremonies by key strokes: a key in components, a working key under it
//! to the stick; then whether the paper's values were seen anywhere else.

use std::path::{Path, PathBuf};
use std::process::Command;

use conclave_crypto::keyblock;
use conclave_crypto::primitive::modes::Algorithm as Cipher;
use conclave_crypto::secret::Secret;

use super::acts::{begin, everybody};
use super::crew::{CAST, PIN};
use super::driver::ENTER;
use super::rooms::{given_back, logon_key_managers, no_pin, open, practice, quit};
use super::scan::{self, Needle};
use super::screen::{Asked, Screen};

/// Every file below a folder whose name ends so.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            all.push(path);
        }
    }
    all
}

fn unwrapped(zmk: &[u8], block: &Path) -> Vec<u8> {
    let key = Secret::from_fn(zmk.len(), |out| out.copy_from_slice(zmk));
    let kbpk = keyblock::Kbpk::new(Cipher::Aes, key).unwrap();
    let text = std::fs::read(block).unwrap();
    let unwrapped = keyblock::unwrap(&kbpk, &text).unwrap();
    unwrapped.key.expose().to_vec()
}

#[test]
fn a_zone_master_key_in_components_and_a_working_key_out_on_the_stick() {
    let folder = practice();
    let mut crew = open(&folder, &[]);
    logon_key_managers(&mut crew);
    crew.terminal.then("g", "Put into a reader:");
    crew.come("A. Lindqvist");
    crew.come("B. Okafor");
    crew.stay
        .extend(["A. Lindqvist".into(), "B. Okafor".into()]);
    crew.terminal.wait("both groups", |screen| {
        screen.asked() == Asked::List && screen.says("Approvers: A. Lindqvist, B. Okafor")
    });

    // 5a: three components.
    let label = "BANK-LAKE.ZMK.001";
    begin(
        &mut crew,
        "Generate ZMK",
        &[
            ("Label", label),
            ("Template", "zmk-aes256"),
            ("Components", "3"),
        ],
    );
    let cast = crew.terminal.says("Who takes part");
    for name in CAST {
        assert!(cast.has(name), "{}", cast.shown());
    }
    crew.answer(ENTER);
    let done = crew.play(&everybody, |_| false);
    assert_eq!(
        done.asked(),
        Asked::Done(format!("{label}: done")),
        "{}",
        done.shown()
    );
    let value = crew.value.clone();
    assert!(done.says(&value), "{}", done.shown());
    // Each serial typed by the custodian and the witness, the first one anew
    // because the witness typed another; the check value by a key manager and
    // an approver.
    let typed = |what: &str| crew.typed.iter().filter(|label| *label == what).count();
    assert_eq!(
        (
            typed("Envelope serial"),
            typed("Check value of the whole key")
        ),
        (8, 2)
    );
    assert_eq!(crew.envelopes.len(), 4);
    for envelope in &crew.envelopes[1..] {
        assert!(
            done.says(&format!("in envelope {envelope}")),
            "{}",
            done.shown()
        );
    }
    for name in CAST {
        assert!(
            crew.pins.iter().any(|pin| pin == name),
            "{name} typed no PIN"
        );
    }
    let pressed = |what: &str| crew.pressed.iter().filter(|label| *label == what).count();
    assert_eq!(
        (pressed("eject the sheet"), pressed("sheet is good")),
        (3, 3)
    );
    let list = crew.terminal.then(ENTER, "Ceremonies 3");
    // When it began, to the minute: nothing is cut.
    let row = list.row(label).unwrap();
    assert!(row.contains("done") && !row.contains('…'), "{row}");
    let keys = crew.terminal.then("k", "Keys 3");
    let row = keys.row(label).unwrap();
    assert!(
        row.contains(&value) && row.contains("AES-256") && row.contains("active"),
        "{row}"
    );

    // 5b: a working key under it, to the stick.
    let working = "BANK-LAKE.ZPK.001";
    begin(
        &mut crew,
        "Working key",
        &[
            ("Label", working),
            ("Template", "zpk-aes128"),
            ("Under", label),
            ("Recipient", "BANK-LAKE"),
            ("Medium", "STICK-1"),
        ],
    );
    crew.terminal.says("Who takes part");
    crew.answer(ENTER);
    let done = crew.play(&everybody, |_| false);
    assert_eq!(
        done.asked(),
        Asked::Done(format!("{working}: done")),
        "{}",
        done.shown()
    );
    let working_value = crew.value.clone();
    assert_ne!(working_value, value);
    assert!(done.says(&working_value), "{}", done.shown());
    crew.terminal.then(ENTER, "Ceremonies 4");
    let keys = crew.terminal.then("k", "Keys 4");
    let row = keys.row(working).unwrap();
    assert!(row.contains(&working_value), "{row}");
    let ended = quit(crew);
    given_back(&ended);

    // Whoever signed for another group does not complete this one.
    let early = |screen: &Screen| screen.says("must come, 0 here") && screen.has("not needed");
    assert!(!ended.capture.frames.iter().any(|(_, screen)| early(screen)));

    // The stick is in order, in the eyes of a program without a station.
    let stick = folder.path().join("stick");
    let verified = Command::new(env!("CARGO_BIN_EXE_conclave"))
        .arg("verify")
        .arg(&stick)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{said}");
    assert!(said.contains("checks, all of them held."), "{said}");
    let blocks = files(&stick, ".tr31");
    let [block] = blocks.as_slice() else {
        panic!("{blocks:?}");
    };

    // What lay on the sheets is a key under which the block opens; nothing of
    // it was seen anywhere else.
    no_pin(&ended, &[PIN]);
    let parted = scan::part(&ended.capture);
    let components: Vec<Vec<u8>> = parted.sheets.iter().map(|s| scan::sheet_value(s)).collect();
    assert_eq!(
        components.iter().map(Vec::len).collect::<Vec<_>>(),
        [32, 32, 32]
    );
    let mut zmk = vec![0u8; 32];
    for component in &components {
        for (sum, byte) in zmk.iter_mut().zip(component) {
            *sum ^= byte;
        }
    }
    let key = unwrapped(&zmk, block);
    assert_eq!(key.len(), 16);
    let mut needles = Vec::new();
    for (at, component) in components.iter().enumerate() {
        needles.extend(Needle::value(&format!("component {}", at + 1), component));
    }
    assert!(
        scan::all_on_sheets(&needles, &ended.capture),
        "the search does not find"
    );
    needles.extend(Needle::value("the zone master key", &zmk));
    needles.extend(Needle::value("the working key", &key));
    assert_eq!(needles.len(), 18);
    assert_eq!(scan::find(&needles, &ended.capture), None);
}
