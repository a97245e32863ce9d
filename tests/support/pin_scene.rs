//! A PIN room at its screens: a station whose people answer by themselves, with an
//! issuer on record, whose files openssl makes, and a batch under way.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test takes what it needs, and may stop at the first surprise"
)]

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use conclave_crypto::x509::cms::Recipient;
use conclave_evidence::{Bytes, GroupId, Hash, Id};
use conclave_keyroom::domain::certificate::EnrolledCertificate;
use conclave_keyroom::domain::pin_partner::PinPartner;
use conclave_keyroom::ports::clock::Clock;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Prompt, Show};
use conclave_station::front::{BatchRow, PinAct};
use conclave_station::host::clock::SystemClock;
use conclave_station::service::ActEnd;
use conclave_trades::pin::{ApprovePinTemplate, MakePinIdentity};

use crate::people::{Scene, done};
use crate::pin_house::{Plant, csv, openssl, template_text};
use crate::stage::{PIN_STAFF, furnish_with_pin_room};

pub const ZMK: &str = "BANKX.ZMK.001";
pub const PVK: &str = "BANKX.PVK.001";

/// One for each card of the pair.
const READERS: u8 = 2;

fn partner(at: &Path) -> PinPartner {
    let certificate = |name: &str| {
        let read = Recipient::read(&fs::read(at.join(name)).unwrap()).unwrap();
        EnrolledCertificate {
            der: Bytes(read.certificate().to_vec()),
            fingerprint: Hash(read.facts().fingerprint),
            subject: "BANKX".into(),
            key: "P-256".into(),
            from_ms: 0,
            until_ms: u64::MAX,
        }
    };
    PinPartner {
        id: Id([0x41; 16]),
        issuer: "BANKX".into(),
        signer: certificate("bank.pem"),
        recipient: certificate("host.pem"),
        recorded_ms: 0,
        by: vec!["Ada".into(), "Ben".into()],
        barred: None,
    }
}

/// The system's clock, set forward by so many milliseconds.
#[derive(Default)]
pub struct Ahead {
    clock: SystemClock,
    pub ms: Arc<AtomicU64>,
}

impl Clock for Ahead {
    fn wall_ms(&self) -> u64 {
        self.clock.wall_ms() + self.ms.load(Ordering::SeqCst)
    }

    fn mono_ms(&self) -> u64 {
        self.clock.mono_ms() + self.ms.load(Ordering::SeqCst)
    }
}

/// A station with a PIN room, everything on record, and the pair logged on.
pub fn room(folder: &Path, at: &Path) -> Scene {
    room_by(folder, at, Ahead::default())
}

pub fn room_by(folder: &Path, at: &Path, clock: Ahead) -> Scene {
    let mut scene = Scene::open_desk(folder, PIN_STAFF, Arc::new(clock), READERS);
    furnish(&mut scene, at, 6, "pin-mailer-continuous.toml");
    scene
}

/// The same in a station that is not founded yet, with PINs of so many digits and
/// forms of this layout.
pub fn furnish(scene: &mut Scene, at: &Path, digits: usize, layout: &'static str) {
    furnish_with_pin_room(scene);
    for who in ["bank", "host"] {
        openssl(
            at,
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {who}.key -out {who}.pem -days 300 -subj /O=BANKX/CN={who}"
            ),
        );
    }
    scene.logon_both();
    done(scene.zmk(ZMK, "zmk-tdes3", "2"));
    done(scene.working(PVK, "pvk-tdes2", ZMK));
    let keys = scene.station.keys();
    let pvk = keys.iter().find(|key| key.label == PVK).unwrap().id;
    done(scene.station.pin_room_key(pvk, &mut scene.people));
    scene.station.logout("logged out").unwrap();

    scene.logon(GroupId::Administrators);
    scene.enrol_printer(1, "MAIL-1", "PIN mailers", "line printer");
    let template = ApprovePinTemplate {
        template: template_text("csv-pvv")
            .replace("lengths = [4]", &format!("lengths = [{digits}]")),
    };
    scene
        .station
        .act(&template, "approve", &mut scene.people)
        .unwrap();
    approve_by_screens(scene, layout);
    let issuer = Plant::Partner(Box::new(partner(at)));
    scene
        .station
        .act(&issuer, "record", &mut scene.people)
        .unwrap();
    scene.station.logout("logged out").unwrap();

    scene.logon(GroupId::PinOperators);
    let identity = MakePinIdentity { generation: 1 };
    let made = scene
        .station
        .act(&identity, "certificates", &mut scene.people)
        .unwrap();
    for (name, der) in [("station", made.input), ("output", made.output)] {
        fs::write(at.join(format!("{name}.der")), der.0).unwrap();
        openssl(
            at,
            &format!("x509 -inform DER -in {name}.der -out {name}.pem"),
        );
    }
}

/// Administrators print a layout's page of X's, look at it, and approve it.
pub fn approve_by_screens(scene: &mut Scene, file: &'static str) {
    scene
        .people
        .form("layout.approve", &["closed, by a torch from the side"]);
    let mut looks = 0;
    scene.people.at = Box::new(move |prompt, _| match (prompt.code.as_str(), &prompt.ask) {
        ("layout.list", Ask::Choose { options }) => {
            let at = options.iter().position(|one| one.label == file);
            at.map(Answer::Chosen)
        }
        ("layout.next", _) => {
            looks += 1;
            Some(Answer::Chosen(looks))
        }
        _ => None,
    });
    done(scene.station.approve_layout(&mut scene.people));
    scene.people.at = Box::new(|_, _| None);
    let page = scene.room.printers.0[1].take_sheet().unwrap();
    assert!(page.contains("XXXX"), "no X's where the PIN is");
}

/// What the issuer sends lies on the stick.
pub fn send(scene: &Scene, at: &Path, cards: &str) {
    fs::write(at.join("cards"), cards).unwrap();
    openssl(
        at,
        "cms -sign -binary -nodetach -outform DER -signer bank.pem -inkey bank.key -md sha256 -in cards -out signed",
    );
    openssl(
        at,
        "cms -encrypt -binary -outform DER -aes256 -in signed -out in.p7m -recip station.pem -keyopt ecdh_kdf_md:sha256",
    );
    let import = scene.room.stick.folder().join("IMPORT");
    fs::create_dir_all(&import).unwrap();
    fs::copy(at.join("in.p7m"), import.join("cards.p7m")).unwrap();
}
pub fn rows(scene: &Scene) -> Vec<BatchRow> {
    scene.station.lists().batches.expect("the room is open")
}

/// What the people choose next, in order; then they go back. Screens of runs
/// are kept.
pub fn chooses(scene: &mut Scene, wanted: &[&str]) -> Arc<Mutex<Vec<Prompt>>> {
    let mut wanted: VecDeque<String> = wanted.iter().map(|w| (*w).to_owned()).collect();
    let runs = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&runs);
    scene.people.forget_questions();
    scene.people.at = Box::new(move |prompt, _| {
        if matches!(prompt.show, Some(Show::Run(_))) {
            kept.lock().unwrap().push(prompt.clone());
        }
        let Ask::Choose { options } = &prompt.ask else {
            return None;
        };
        if !["pins.next", "pins.more", "pins.safe"].contains(&prompt.code.as_str()) {
            return None;
        }
        let label = wanted
            .pop_front()
            .unwrap_or_else(|| "Back to the batches".into());
        let there = |label: &str| options.iter().position(|option| option.label == label);
        let at = there(&label).or_else(|| {
            // What is seldom done stands in the second list.
            wanted.push_front(label.clone());
            there("More")
        });
        Some(Answer::Chosen(at.unwrap_or_else(|| {
            panic!("{label} is not offered: {prompt:?}")
        })))
    });
    runs
}

pub fn works(scene: &mut Scene, id: Id, wanted: &[&str]) -> Vec<Prompt> {
    scene.people.refusals.clear();
    let runs = chooses(scene, wanted);
    let end = scene.station.pin_room(PinAct::Work(id), &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    runs.lock().unwrap().clone()
}

/// A batch that is open, with its blank forms taken out.
pub fn opened(scene: &mut Scene, at: &Path, cards: u32, forms: &str) -> Id {
    send(scene, at, &csv("B-0001", cards));
    let replacements = cards.min(5).to_string();
    scene.people.form("pins.limits", &["3", &replacements]);
    let end = scene.station.pin_room(PinAct::Open, &mut scene.people);
    assert!(
        matches!(end, Ok(ActEnd::Done { .. })),
        "{:?}",
        scene.people.refusals
    );
    let refusals = &scene.people.refusals;
    let Some(id) = rows(scene).remove(0).id else {
        panic!("not opened: {refusals:?}");
    };
    scene.people.form("pins.receive", &["2026-091", "1", forms]);
    done(scene.station.pin_room(PinAct::Stock, &mut scene.people));
    scene.people.form("pins.take", &["1", forms]);
    works(scene, id, &["Take out blank forms"]);
    id
}
