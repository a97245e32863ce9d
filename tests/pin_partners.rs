//! What administrators approve and record for PIN batches, through the whole
//! station: templates for files of cards, issuers with their certificates; and
//! the keys of a channel in which holders change their PINs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "pin_partners/channel_certificate.rs"]
mod channel_certificate;
#[path = "pin_partners/exchange.rs"]
mod exchange;
#[path = "support/people.rs"]
mod people;
#[path = "support/room.rs"]
mod room;
#[path = "support/stage.rs"]
mod stage;
#[path = "pin_partners/web_pin.rs"]
mod web_pin;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use conclave_evidence::GroupId;
use conclave_keyroom::ports::dialogue::{Answer, Refusal};
use conclave_station::service::ActEnd;
use people::{Scene, done};
use stage::{STAFF, folder};

/// A furnished station with administrators logged on.
fn scene(folder: &tempfile::TempDir) -> Scene {
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.logon(GroupId::Administrators);
    scene
}

fn happened(end: Result<ActEnd, Refusal>) -> String {
    match end {
        Ok(end) => panic!("{end:?}"),
        Err(refusal) => refusal.happened,
    }
}

fn approve(scene: &mut Scene, shown: &str) -> Result<ActEnd, Refusal> {
    scene.people.forms.remove("pin-template.approve");
    scene.people.form("pin-template.approve", &[shown]);
    scene.station.approve_pin_template(&mut scene.people)
}

#[test]
fn templates_are_approved_one_by_one_and_a_changed_letter_is_another_one() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    let alone = scene.station.approve_pin_template(&mut scene.people).err();
    assert!(alone.unwrap().happened.contains("Administrators"));
    scene.logon(GroupId::Administrators);
    assert!(scene.station.pin_templates().is_empty(), "none by itself");

    let read = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&read);
    scene.people.at = Box::new(move |prompt, _| {
        let lines: Vec<&str> = prompt.lines.iter().map(|line| line.text.as_str()).collect();
        seen.lock().unwrap().push_str(&lines.join("\n"));
        None
    });
    let title = done(approve(&mut scene, "fixed-offset.toml"));
    assert_eq!(title, "The PIN template is approved");
    scene.people.at = Box::new(|_, _| None);
    let words = read.lock().unwrap().clone();
    for said in [
        "random PIN, IBM 3624 offset; 4, 5, 6 digits",
        "decimalisation table: 0123456789012345",
        "13 digits of the card number from digit 1, filled with F",
        "24 of 10000 PINs of 4 digits are not issued",
        "by the issuer's reference: offset; PIN blocks iso-0 under the zone PIN key",
        "fixed width, at most 50000 cards",
        "SHA-256 of its file",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    let approved = scene.station.pin_templates();
    assert_eq!(approved.len(), 1);
    let text = fs::read_to_string("templates/pins/fixed-offset.toml").unwrap();
    assert_eq!(approved[0].text, text);

    // The folder's file takes the place of the shipped one, and waits again.
    let pins = folder.path().join("pins");
    fs::create_dir_all(&pins).unwrap();
    let changed = text.replace("lengths = [4, 5, 6]", "lengths = [4]");
    fs::write(pins.join("fixed-offset.toml"), &changed).unwrap();
    fs::write(pins.join("wrong.toml"), "name = \"wrong\"").unwrap();
    assert_eq!(scene.station.pin_templates()[0].text, text);
    done(approve(&mut scene, "fixed-offset.toml, changed"));
    let approved = scene.station.pin_templates();
    assert_eq!((approved.len(), &approved[0].text), (1, &changed));
}

fn openssl(at: &Path, arguments: &str) {
    let run = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(at)
        .output()
        .expect("openssl: run ./scripts/test, which installs it");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{arguments}: {said}");
}

/// A certificate and its SHA-256.
fn certificate(at: &Path, name: &str, key: &str, rest: &str) -> String {
    openssl(
        at,
        &format!(
            "req -x509 -newkey {key} -nodes -keyout /dev/null -out {name}.pem -days 30 -subj /O=BANKX/CN={name}{rest}"
        ),
    );
    openssl(
        at,
        &format!("x509 -in {name}.pem -outform DER -out {name}.der"),
    );
    let der = fs::read(at.join(format!("{name}.der"))).unwrap();
    let digest = conclave_crypto::primitive::derive::sha256(&[&der]);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

const EC: &str = "ec -pkeyopt ec_paramgen_curve:P-256";

/// Records an issuer; whoever is asked for a fingerprint types one of these.
fn record(
    scene: &mut Scene,
    fields: [&str; 5],
    fingerprints: [&str; 2],
) -> Result<ActEnd, Refusal> {
    scene.people.forms.remove("pin-partner.record");
    scene.people.form("pin-partner.record", &fields);
    let typed = fingerprints.map(str::to_owned);
    scene.people.at = Box::new(move |prompt, _| {
        let which = usize::from(prompt.act.contains("for encryption"));
        match prompt.code.as_str() {
            "fingerprint.first" | "fingerprint.second" => Some(Answer::Word(typed[which].clone())),
            _ => None,
        }
    });
    let end = scene.station.record_pin_partner(&mut scene.people);
    scene.people.at = Box::new(|_, _| None);
    end
}

#[test]
fn an_issuer_is_recorded_by_the_fingerprints_that_two_type() {
    let folder = folder();
    let mut scene = scene(&folder);
    let stick = scene.room.stick.folder().join("IMPORT");
    fs::create_dir_all(&stick).unwrap();
    let signs = certificate(
        &stick,
        "signs",
        "rsa:2048",
        " -addext keyUsage=digitalSignature",
    );
    let gets = certificate(
        &stick,
        "gets",
        "rsa:2048",
        " -addext keyUsage=keyEncipherment",
    );
    let other = certificate(&stick, "other", EC, "");
    openssl(
        &stick,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout /dev/null -out curve.pem -days 30 -subj /CN=curve",
    );
    let new = |signer, recipient| ["a new issuer", "BANKX", "STICK-1", signer, recipient];
    let wrong = signs.replace('a', "b");
    for (fields, typed, why) in [
        (
            new("signs.pem", "gets.pem"),
            [&wrong, &gets],
            "another fingerprint than the issuer's letter",
        ),
        (
            new("gets.pem", "signs.pem"),
            [&gets, &signs],
            "its key is not for signatures",
        ),
        (
            new("signs.pem", "signs.der"),
            [&signs, &signs],
            "its key is not for encryption",
        ),
        (
            new("other.pem", "other.der"),
            [&other, &other],
            "One key would sign and be encrypted to",
        ),
        (new("signs.pem", "curve.pem"), [&signs, &signs], "P-256"),
        (
            new("signs.pem", "missing.pem"),
            [&signs, &gets],
            "was not read",
        ),
    ] {
        let refused = happened(record(&mut scene, fields, [typed[0], typed[1]]));
        assert!(refused.contains(why), "{fields:?}: {refused}");
        assert!(scene.station.pin_partners().is_empty());
    }
    let title = done(record(
        &mut scene,
        new("signs.pem", "gets.der"),
        [&signs, &gets],
    ));
    assert_eq!(title, "BANKX is on record");
    let partner = scene.station.pin_partners().remove(0);
    assert_eq!(partner.signer.key, "RSA-2048");
    assert!(partner.signer.subject.contains("signs"));
    assert_eq!(partner.by.len(), 2);
    assert_ne!(partner.by[0], partner.by[1]);

    // One record an issuer; new certificates go into it.
    let twice = happened(record(
        &mut scene,
        new("signs.pem", "gets.pem"),
        [&signs, &gets],
    ));
    assert!(twice.contains("on record already"), "{twice}");
    done(record(
        &mut scene,
        ["BANKX", "", "STICK-1", "signs.pem", "other.pem"],
        [&signs, &other],
    ));
    let changed = scene.station.pin_partners();
    assert_eq!(changed.len(), 1);
    assert_eq!(
        (changed[0].id, &*changed[0].recipient.key),
        (partner.id, "P-256")
    );
}
