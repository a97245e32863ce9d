//! PINs of mailers: where they are once their paper is taken away. Twelve digits,
//! so that none stands somewhere by chance.

use std::path::Path;
use std::sync::Arc;

use conclave_evidence::GroupId;
use conclave_station::host::clock::SystemClock;
use conclave_training::printer::TrainingPrinter;

use crate::people::Scene;
use crate::pin_house::{LONG, layout_text, pan};
use crate::pin_scene::{furnish, opened, works};
use crate::stage::PIN_STAFF;
use crate::{MASK, Needles, TempDir, in_files, in_memory};

const DIGITS: usize = 12;
const CARDS: u32 = 9;

/// The PINs on the paper in a printer, masked.
fn printed(printer: &TrainingPrinter) -> Vec<Vec<u8>> {
    let bytes = printer.bytes();
    let lines = bytes.expose().split(|byte| b"\r\n\x0c".contains(byte));
    let spaced = |line: &&[u8]| {
        let own = |(at, byte): (usize, &u8)| match at % 2 {
            0 => byte.is_ascii_digit(),
            _ => *byte == b' ',
        };
        line.len() == 2 * DIGITS - 1 && line.iter().enumerate().all(own)
    };
    let digits = |line: &[u8]| line.iter().step_by(2).map(|b| b ^ MASK).collect();
    lines
        .map(<[u8]>::trim_ascii)
        .filter(spaced)
        .map(digits)
        .collect()
}

impl Needles {
    /// A PIN, given as masked digits, in every shape that it could have.
    fn pin(&mut self, masked: &[u8], name: &str) {
        self.count += 1;
        let digits = || masked.iter().map(|b| b ^ MASK);
        let packed = || {
            let pairs = masked.chunks_exact(2);
            pairs.map(|two| ((two[0] ^ MASK) & 15) << 4 | (two[1] ^ MASK) & 15)
        };
        let spaced = digits().flat_map(|digit| [digit, b' ']);
        self.text(name, "digits", digits());
        self.text(name, "digit by digit", spaced.take(2 * DIGITS - 1));
        self.text(name, "numbers 0 to 9", digits().map(|digit| digit - b'0'));
        self.text(
            name,
            "letters of 32 bits",
            digits().flat_map(|d| [d, 0, 0, 0]),
        );
        self.text(name, "packed", packed());
        // Lists, as a debug text has them: of digits, and of their codes.
        let list = digits().flat_map(|digit| [digit, b',', b' ']);
        self.text(name, "a list", list.take(3 * DIGITS - 2));
        let codes = digits().flat_map(|digit| {
            let (tens, ones) = (digit / 10, digit % 10);
            [b'0' + tens, b'0' + ones, b',', b' ']
        });
        self.text(name, "a list of codes", codes.take(4 * DIGITS - 2));
    }

    /// What a PVV is computed of: eleven digits of the card, the key's index, and
    /// the first four of the PIN.
    fn pvv_input(&mut self, masked: &[u8], pan: &str, name: &str) {
        let card: Vec<u8> = pan.bytes().skip(pan.len() - 12).take(11).collect();
        let digits = || {
            let card = card.iter().copied().chain([b'1']);
            card.chain(masked[..4].iter().map(|b| b ^ MASK))
        };
        self.text(name, "digits", digits());
        let packed = (0..8).map(|at| {
            let mut two = digits().skip(2 * at).map(|digit| digit & 15);
            two.next().unwrap() << 4 | two.next().unwrap()
        });
        self.text(name, "packed", packed);
    }
}

/// Nobody was shown one of them: neither in a question, nor in a list, nor in what
/// auditors read.
fn not_shown(scene: &mut Scene, needles: &Needles) {
    assert!(scene.people.shown.len() > 100);
    for screen in &scene.people.shown {
        assert_eq!(needles.find(screen.as_bytes()), None, "on a screen");
    }
    let lists = format!("{:?}", scene.station.lists());
    assert_eq!(needles.find(lists.as_bytes()), None, "in a list");
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Auditors);
    let entries = scene.station.door().vault().read_journal(0).unwrap();
    let told = |word: &str| entries.iter().any(|e| format!("{e:?}").contains(word));
    assert!(
        told("mailers of batch B-0001 on forms 1 to "),
        "auditors read of the window"
    );
    for entry in &entries {
        let entry = format!("{entry:?}");
        assert_eq!(needles.find(entry.as_bytes()), None, "in the journal");
    }
    scene.station.logout("logged out").unwrap();
}

#[test]
fn no_pin_of_a_mailer_stays_in_a_file_on_a_screen_or_in_memory() {
    let folder = TempDir::new().unwrap();
    let issuer = TempDir::new().unwrap();
    let layouts = folder.path().join("layouts");
    std::fs::create_dir_all(&layouts).unwrap();
    std::fs::write(layouts.join("pin-mailer-long.toml"), layout_text(LONG)).unwrap();
    let clock = Arc::new(SystemClock::default());
    let mut scene = Scene::open_desk(folder.path(), PIN_STAFF, clock, 2);
    furnish(&mut scene, issuer.path(), DIGITS, "pin-mailer-long.toml");
    let batch = opened(&mut scene, issuer.path(), CARDS, "20");
    let printer = scene.room.printers.0[1].clone();

    // Nine mailers; one is torn, and its card gets another PIN.
    scene.people.form("pins.form", &["1"]);
    works(&mut scene, batch, &["Print"]);
    let spoiled = "damaged: destroyed now, both look on";
    let torn = ["3", "3", spoiled, "torn at the fold"];
    scene.people.form("pins.spoil", &torn);
    scene.people.form("pins.shows", &["3"]);
    scene.people.form("pins.form", &["10"]);
    works(&mut scene, batch, &["A mailer is spoiled", "Print"]);
    let pins = printed(&printer);
    assert_eq!(pins.len(), 10, "{:?}", scene.people.refusals);
    let mut needles = Needles::default();
    for (at, masked) in pins.iter().enumerate() {
        needles.pin(masked, &format!("the PIN of form {}", at + 1));
    }
    for (n, masked) in (1..=CARDS).zip(&pins) {
        needles.pvv_input(masked, &pan(n), &format!("the PVV input of card {n}"));
    }
    assert_eq!(needles.count, 10);
    assert_ne!(pins[2], pins[9]);

    // The search finds what lies in the printer, which is in this process.
    let found = in_memory(&needles);
    assert!(found.is_some_and(|f| f.contains("digit by digit")));
    // The paper is taken away, and the pair's session still stands.
    drop(printer.take_sheet());
    assert_eq!(in_memory(&needles), None, "in the open session");

    // To the end of the batch.
    for reel in [["1", "1", "2", "2"], ["4", "4", "10", "3"]] {
        scene.people.form("pins.confirm", &reel);
    }
    scene.people.form("pins.return", &["10", "11-20"]);
    scene.people.form("pins.purge", &["R-17"]);
    let rest = [
        "Confirm mailers",
        "Confirm mailers",
        "Forms back to the safe",
        "Write the output",
        "Reconcile",
    ];
    works(&mut scene, batch, &rest);
    assert!(
        scene.people.refusals.is_empty(),
        "{:?}",
        scene.people.refusals
    );
    assert_eq!(in_memory(&needles), None, "when the output has left");
    let none = Path::new("/none");
    assert_eq!(in_files(&needles, folder.path(), none), None);
    works(&mut scene, batch, &["Purge"]);
    not_shown(&mut scene, &needles);
    assert_eq!(in_memory(&needles), None, "after logout");
    drop(scene);
    drop(printer);
    assert_eq!(in_memory(&needles), None, "after the end");
    assert_eq!(in_files(&needles, folder.path(), none), None);

    // And the search does find.
    let left: String = pins[0].iter().map(|b| char::from(b ^ MASK)).collect();
    assert!(in_memory(&needles).is_some_and(|f| f.contains("form 1, digits")));
    std::fs::write(folder.path().join("planted"), &left).unwrap();
    let found = in_files(&needles, folder.path(), none);
    assert!(found.is_some_and(|f| f.contains("planted")));
    drop(left);
    assert_eq!(in_memory(&needles), None, "freed is wiped");
}
