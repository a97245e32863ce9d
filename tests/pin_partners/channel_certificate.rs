//! The certificate of a channel: it comes from a file, belongs to a generation, and the
//! ones before it stay on record.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use conclave::tui::{App, Input, Theme, view};
use conclave_crypto::primitive::rsa::Public;
use conclave_crypto::x509::cms::Recipient;
use conclave_evidence::show::utc;
use conclave_evidence::{GroupId, Hash, Id, verify_path};
use conclave_keyroom::domain::target_system::TargetSystem;
use conclave_keyroom::ports::dialogue::{Answer, Prompt, Refusal};
use conclave_station::front::{Event, Phase, Status};
use conclave_station::service::ActEnd;
use conclave_trades::ceremony::state::Player;
use conclave_trades::target::{RecordSystem, system_certificate};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::people::{Scene, done};
use super::room::Room;
use super::web_pin::settings;
use super::{certificate, folder, happened, openssl, scene};

const DAY_MS: u64 = 86_400_000;

/// From the second day of a certificate on.
fn days(der: &[u8]) -> [String; 2] {
    let from_ms = Recipient::read(der).unwrap().facts().not_before * 1000;
    [2, 4].map(|after| utc(from_ms + after * DAY_MS)[..10].to_owned())
}

/// A room at the time of its certificates, with two administrators.
struct Desk {
    room: Room,
    folder: tempfile::TempDir,
}

impl Desk {
    fn certificate(&self, name: &str) -> Vec<u8> {
        certificate(self.folder.path(), name, "rsa:2048", "");
        fs::read(self.folder.path().join(format!("{name}.der"))).unwrap()
    }

    fn player(&self, name: &str) -> Player {
        Player {
            id: self.room.holder(name).person.id,
            name: name.into(),
            group: GroupId::Administrators,
            reports_to: String::new(),
        }
    }

    /// The record of a generation with this certificate, which is new in it.
    fn act(&self, generation: &str, der: Option<&[u8]>) -> RecordSystem {
        let [from, until] = days(&fs::read(self.folder.path().join("one.der")).unwrap());
        let mut settings = settings(&[
            ("generation", generation),
            ("from", &from),
            ("former-until", &until),
        ]);
        if let Some(der) = der {
            let typed = Recipient::read(der).unwrap().facts().fingerprint;
            let enrolled = system_certificate(der, &Hash(typed)).unwrap();
            settings.certificates.insert("certificate".into(), enrolled);
        }
        let people = self.room.members(GroupId::Administrators);
        RecordSystem {
            id: Id([1; 16]),
            name: "Internet banking".into(),
            settings,
            by: vec![self.player(people[0]), self.player(people[1])],
        }
    }

    fn record(&mut self, act: &RecordSystem) -> Result<TargetSystem, String> {
        let people = self.room.members(GroupId::Administrators);
        let signers = [people[0], people[1]].map(|name| (name, GroupId::Administrators));
        let done = self.room.perform_with(act, &signers);
        done.map_err(|e| e.to_string())
    }

    #[track_caller]
    fn refused(&mut self, act: &RecordSystem, why: &str) {
        let told = self.record(act).unwrap_err();
        assert!(told.contains(why), "{why}: {told}");
    }
}

#[test]
fn a_certificate_changes_with_the_generation_and_the_former_stays_on_record() {
    let mut desk = Desk {
        room: Room::in_memory(),
        folder: tempfile::tempdir().unwrap(),
    };
    desk.room.logon_all(&[GroupId::Administrators]);
    let [one, two] = ["one", "two"].map(|name| desk.certificate(name));
    let facts = Recipient::read(&one).unwrap().facts().clone();
    let now = facts.not_before * 1000 + 60_000;
    desk.room.clock.set(now);

    // By two, as the file says, with its own fingerprint.
    let act = desk.act("3", Some(&one));
    let mut alone = act.clone();
    alone.by.pop();
    desk.refused(&alone, "read by two people");
    let mut renamed = act.clone();
    let record = |act: &mut RecordSystem| act.settings.certificates.remove("certificate").unwrap();
    let mut certificate = record(&mut renamed);
    certificate.subject = "CN=other".into();
    let put = |act: &mut RecordSystem, certificate| {
        act.settings
            .certificates
            .insert("certificate".into(), certificate)
    };
    put(&mut renamed, certificate);
    desk.refused(&renamed, "says otherwise of the certificate");
    let mut typed = act.clone();
    let mut certificate = record(&mut typed);
    certificate.fingerprint.0[0] ^= 1;
    put(&mut typed, certificate);
    desk.refused(&typed, "another fingerprint than the letter");

    // Its days.
    for from_ms in [now - DAY_MS, facts.not_after * 1000] {
        let mut early = act.clone();
        let day = |ms: u64| utc(ms)[..10].to_owned();
        early.settings.values.insert("from".into(), day(from_ms));
        let until = day(from_ms + DAY_MS);
        early.settings.values.insert("former-until".into(), until);
        desk.refused(&early, "the first day has to lie within");
    }
    desk.room.clock.set(facts.not_after * 1000 + 1000);
    desk.refused(&act, "the certificate has expired");
    desk.room.clock.set(now);

    let recorded = desk.record(&act).unwrap();
    assert!(recorded.former.is_empty());
    // What is on record needs no second typing; another one, or none, needs the next
    // generation.
    let mut again = act.clone();
    again.by.clear();
    desk.record(&again).unwrap();
    let (other, none) = (desk.act("3", Some(&two)), desk.act("3", None));
    for act in [&other, &none] {
        desk.refused(act, "generation 3 has its certificate");
    }
    let mut unread = desk.act("4", Some(&two));
    unread.by.clear();
    desk.refused(&unread, "read by two people");
    let recorded = desk.record(&desk.act("4", Some(&two))).unwrap();
    let former: Vec<&[u8]> = recorded
        .former
        .iter()
        .map(|f| f.certificate.der.0.as_slice())
        .collect();
    assert_eq!(former, [one.as_slice()]);
    assert_eq!(recorded.former[0].until_ms, now);

    // The old generation does not come back, nor does its certificate.
    for der in [&one, &two] {
        let act = desk.act("3", Some(der));
        desk.refused(&act, "generation 4 is on record");
    }
    let act = desk.act("5", Some(&one));
    desk.refused(&act, "was replaced before");
    // A generation without one, and the next with one: all that were stay listed.
    desk.record(&desk.act("5", None)).unwrap();
    let three = desk.certificate("three");
    let act = desk.act("6", Some(&three));
    let recorded = desk.record(&act).unwrap();
    assert_eq!(recorded.former.len(), 2);
    let second = desk.act("7", Some(&two));
    desk.refused(&second, "was replaced before");
}

/// A record of the time when the digest alone was typed, by its own profile.
#[test]
fn a_digest_on_record_wants_its_own_file_or_the_next_generation() {
    let mut desk = Desk {
        room: Room::in_memory(),
        folder: tempfile::tempdir().unwrap(),
    };
    desk.room.logon_all(&[GroupId::Administrators]);
    let [one, two] = ["one", "two"].map(|name| desk.certificate(name));
    let facts = Recipient::read(&one).unwrap().facts().clone();
    desk.room.clock.set(facts.not_before * 1000 + 60_000);
    let mut older = desk.act("3", None);
    let digest = hex(&facts.fingerprint).to_uppercase();
    let field = older.settings.profile.fields.last_mut().unwrap();
    assert_eq!(field.name, "certificate");
    (field.certificate, field.most) = (false, 64);
    older.settings.values.insert("certificate".into(), digest);
    desk.record(&older).unwrap();
    let (other, none) = (desk.act("3", Some(&two)), desk.act("3", None));
    for act in [&other, &none] {
        desk.refused(act, "generation 3 has its certificate");
    }
    let act = desk.act("3", Some(&one));
    desk.record(&act).unwrap();
    // It may go on in the next generation, and is no former one then.
    let act = desk.act("4", Some(&one));
    assert!(desk.record(&act).unwrap().former.is_empty());
}

/// Records the channel through the screens; whoever is asked types this fingerprint.
fn record(
    scene: &mut Scene,
    generation: [&str; 3],
    file: &str,
    typed: &str,
) -> Result<ActEnd, Refusal> {
    record_from(scene, generation, &[file], typed)
}

/// The same; the form is filled in with one file after the other.
fn record_from(
    scene: &mut Scene,
    generation: [&str; 3],
    files: &[&str],
    typed: &str,
) -> Result<ActEnd, Refusal> {
    let [number, from, until] = generation;
    let known = scene.station.target_systems().len();
    scene.people.forms.remove("system.record");
    scene.people.forms.remove("system.certificate");
    let first = match known {
        0 => ["a new system", "Internet banking", "Web PIN channel"],
        _ => ["Internet banking", "", "as on record"],
    };
    scene.people.form("system.record", &first);
    let fields = ["RETAIL", "WEB.RETAIL.", number, from, until];
    scene.people.form("system.record", &fields);
    for file in files {
        let fields = ["from a file", "STICK-1", file];
        scene.people.form("system.certificate", &fields);
    }
    scene.people.refusals.clear();
    type_fingerprint(scene, typed);
    let end = scene.station.record_system(&mut scene.people);
    scene.people.at = Box::new(|_, _| None);
    end
}

/// Why it was refused: at the form, which stays until people leave it, or at its end.
fn refused(scene: &Scene, end: Result<ActEnd, Refusal>) -> String {
    match end {
        Err(refusal) => refusal.happened,
        Ok(ActEnd::Stopped) => scene.people.refusals.last().cloned().unwrap_or_default(),
        Ok(end) => panic!("{end:?}"),
    }
}

fn type_fingerprint(scene: &mut Scene, typed: &str) {
    let typed = typed.to_owned();
    scene.people.at = Box::new(move |prompt, _| match prompt.code.as_str() {
        "fingerprint.first" | "fingerprint.second" => Some(Answer::Word(typed.clone())),
        _ => None,
    });
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Each file by its name, and what is said of it.
const MALFORMED: [(&str, &str); 16] = [
    ("empty.der", "this is no certificate"),
    ("truncated.der", "this is no certificate"),
    ("truncated.pem", "this is no certificate"),
    ("trailing-byte.der", "this is no certificate"),
    ("two-certificates.der", "this is no certificate"),
    ("two-certificates.pem", "this is no certificate"),
    ("public-key-only.pem", "this is no certificate"),
    ("request.pem", "this is no certificate"),
    ("p384.pem", "of another elliptic curve"),
    ("ed25519.pem", "of another elliptic curve"),
    ("rsa-1024.pem", "the modulus has 1024 bits"),
    ("rsa-8192.pem", "the modulus has 8192 bits"),
    ("exponent-3.pem", "the exponent is even, less than 65537"),
    ("for-signatures.pem", "its key is not for encryption"),
    ("expired.pem", "the certificate has expired"),
    ("not-yet-valid.pem", "the first day has to lie within"),
];

#[test]
fn files_that_are_no_certificate_for_a_channel_are_named() {
    let folder = folder();
    let mut scene = scene(&folder);
    let stick = scene.room.stick.folder().join("IMPORT");
    fs::create_dir_all(&stick).unwrap();
    let malformed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/malformed");
    let malformed = malformed.join("channel-certificates");
    let there = fs::read_dir(&malformed).unwrap().count();
    assert_eq!(there, MALFORMED.len(), "every file is tried");
    for (file, why) in MALFORMED {
        let bytes = fs::read(malformed.join(file)).unwrap();
        fs::write(stick.join(file), &bytes).unwrap();
        let typed = Recipient::read(&bytes).map(|read| hex(&read.facts().fingerprint));
        let generation = ["1", "2031-01-01", ""];
        let end = record(&mut scene, generation, file, &typed.unwrap_or_default());
        let told = refused(&scene, end);
        assert!(told.to_lowercase().contains(why), "{file}: {told}");
        assert!(scene.station.target_systems().is_empty(), "{file}");
    }
}

#[test]
fn from_the_file_to_the_opened_wrapping_key_through_the_screens() {
    let folder = folder();
    let mut scene = scene(&folder);
    let stick = scene.room.stick.folder().join("IMPORT");
    fs::create_dir_all(&stick).unwrap();
    let rest = " -addext keyUsage=keyEncipherment";
    let words = "req -x509 -newkey rsa:3072 -nodes -keyout retail.key -out retail.pem -days 30 -subj /O=BANKX/CN=retail";
    openssl(&stick, &format!("{words}{rest}"));
    openssl(&stick, "x509 -in retail.pem -outform DER -out retail.der");
    let der = fs::read(stick.join("retail.der")).unwrap();
    let private = folder.path().join("retail.key");
    fs::rename(stick.join("retail.key"), &private).unwrap();
    let digest = hex(&Recipient::read(&der).unwrap().facts().fingerprint);
    let [from, until] = days(&der);

    let wrong = digest.replace('a', "b").replace('1', "2");
    let generation = ["1", from.as_str(), ""];
    let end = record(&mut scene, generation, "retail.pem", &wrong);
    let told = refused(&scene, end);
    assert!(
        told.contains("another fingerprint than the letter"),
        "{told}"
    );
    // A mistyped name is mended where it was typed; nothing before it is lost.
    let files = ["retial.pem", "retail.pem"];
    done(record_from(&mut scene, generation, &files, &digest));
    let refusals = &scene.people.refusals;
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert!(refusals[0].starts_with("system.certificate: File retial.pem: "));
    let system = scene.station.target_systems().remove(0);
    assert_eq!(system.settings.certificates["certificate"].der.0, der);
    let row = scene.station.lists().devices;
    let row = row.into_iter().find(|row| row.kind == "system").unwrap();
    assert!(row.state.starts_with("certificate until "), "{}", row.state);

    // The pair behind it is a key of the repository like any partner's.
    scene.station.logout("logged out").unwrap();
    scene.logon_both();
    done(scene.zmk("WEB.RETAIL.KEK.001", "zmk-aes128-channel", "2"));
    let public = Public::read(&der).unwrap();
    let fields = [
        "WEB.RETAIL.CERT.001",
        "BANKX",
        "K3 keys wrapped to it",
        "30",
    ];
    let fields = [&fields[..], &["STICK-1", "retail.pem"]].concat();
    scene.people.form("rsa.import", &fields);
    type_fingerprint(&mut scene, &hex(&public.fingerprint()));
    done(scene.station.import_public(&mut scene.people));
    scene.people.at = Box::new(|_, _| None);
    let keys = scene.station.keys();
    let kek = keys.iter().find(|key| key.label == "WEB.RETAIL.KEK.001");
    let kek = kek.unwrap().clone();
    let under = "WEB.RETAIL.CERT.001 (rsa-aes)";
    let why = "its HSM has no components";
    let fields = ["Internet banking", "", under, "STICK-1", why, "90"];
    scene.people.form("hand-over", &fields);
    let title = done(scene.station.hand_over(kek.id, &mut scene.people));
    assert!(title.ends_with("for Internet banking"), "{title}");
    let bundle = scene.room.stick.folder().join("CONCLAVE-0001-TEST");
    assert!(verify_path(&bundle).ok());
    assert_eq!(
        fs::read(bundle.join("channel-certificate.der")).unwrap(),
        der
    );
    let wrapped = fs::read(bundle.join("WEB.RETAIL.KEK.001.rsaaes")).unwrap();
    let at = folder.path();
    fs::write(at.join("under-rsa"), &wrapped[..384]).unwrap();
    fs::write(at.join("under-aes"), &wrapped[384..]).unwrap();
    openssl(
        at,
        "pkeyutl -decrypt -inkey retail.key -in under-rsa -out fresh -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256",
    );
    let fresh = hex(&fs::read(at.join("fresh")).unwrap());
    openssl(
        at,
        &format!("enc -d -id-aes256-wrap-pad -iv A65959A6 -K {fresh} -in under-aes -out key"),
    );
    fs::write(at.join("zeros"), [0; 16]).unwrap();
    let key = hex(&fs::read(at.join("key")).unwrap());
    openssl(
        at,
        &format!("mac -cipher AES-128-CBC -macopt hexkey:{key} -in zeros -out mac -binary CMAC"),
    );
    let mac = hex(&fs::read(at.join("mac")).unwrap()).to_uppercase();
    assert!(mac.starts_with(&kek.kcv.value), "{mac}, {}", kek.kcv.value);

    // The next generation, with a certificate of its own: the former one is shown.
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Administrators);
    let next = certificate(&stick, "next", "rsa:3072", rest);
    let generation = ["2", from.as_str(), until.as_str()];
    done(record(&mut scene, generation, "next.pem", &next));
    scene.people.shown.clear();
    let again = ["3", from.as_str(), until.as_str()];
    let told = happened(record(&mut scene, again, "retail.pem", &digest));
    assert!(told.contains("was replaced before"), "{told}");
    let asked = certificate_form(&mut scene);
    let drawn = drawn(&asked);
    for said in [
        "Certificate of the channel",
        "On record: CN=next,O=BANKX, until ",
        "Before, to ",
        "CN=retail,O=BANKX",
        &digest[..32].to_uppercase(),
        &digest[32..].to_uppercase(),
        &next[32..].to_uppercase(),
        "as on record",
        "Medium",
        "File",
    ] {
        assert!(drawn.contains(said), "{said}:\n{drawn}");
    }
}

/// The form as it is asked for the channel on record.
fn certificate_form(scene: &mut Scene) -> Prompt {
    let asked: Arc<Mutex<Option<Prompt>>> = Arc::default();
    let kept = Arc::clone(&asked);
    scene.people.forms.remove("system.record");
    let first = ["Internet banking", "", "as on record"];
    scene.people.form("system.record", &first);
    scene.people.at = Box::new(move |prompt, _| {
        (prompt.code == "system.certificate").then(|| {
            *kept.lock().unwrap() = Some(prompt.clone());
            Answer::Abort
        })
    });
    let end = scene.station.record_system(&mut scene.people).unwrap();
    assert!(matches!(end, ActEnd::Stopped));
    scene.people.at = Box::new(|_, _| None);
    asked.lock().unwrap().take().unwrap()
}

/// On the smallest terminal.
fn drawn(prompt: &Prompt) -> String {
    let mut app = App::new(Theme { colour: false }, None);
    let status = Status {
        station: "KEYROOM-TEST".into(),
        mode: "TEST".into(),
        phase: Phase::Open,
        ..Status::default()
    };
    app.update(Input::Event(Event::Status(status)));
    app.update(Input::Event(Event::Prompt(Box::new(prompt.clone()))));
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| view::draw(&app, frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let rows = buffer.content.chunks(80);
    let lines = rows.map(|row| row.iter().map(|c| c.symbol()).collect::<String>());
    lines.collect::<Vec<_>>().join("\n")
}
