//! Where a PIN, a card number and a name went: onto paper, sealed into the
//! repository, and nowhere else. PINs of six digits, so that none stands
//! somewhere by chance.

use std::path::Path;

use conclave_evidence::GroupId;
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_trades::pin::action::{BatchName, OpenBatch, TemplateName};
use conclave_trades::pin::{ApprovePinTemplate, Template};

use super::pin_acts::{confirm, export, give_back, reconcile, spoil};
use super::pin_house::{PAIR, PinHouse, csv, pan, template_text};
use super::room::Room;

/// Every file below a folder, as bytes.
pub fn files(folder: &Path, all: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, all),
            false => all.push((path.display().to_string(), std::fs::read(&path).unwrap())),
        }
    }
}

/// A PIN as it could stand somewhere.
pub fn forms_of(pin: &str) -> Vec<Vec<u8>> {
    let digits: Vec<u8> = pin.bytes().map(|c| c - b'0').collect();
    let packed = digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect();
    let spaced: Vec<String> = pin.chars().map(String::from).collect();
    vec![
        pin.as_bytes().to_vec(),
        spaced.join(" ").into_bytes(),
        digits,
        packed,
    ]
}

/// The six digits on a sheet.
fn pin_on(sheet: &[u8]) -> String {
    let text = String::from_utf8_lossy(sheet).into_owned();
    let spaced = |line: &&str| {
        let marks: Vec<char> = line.trim().chars().collect();
        let fits = |(at, c): (usize, &char)| match at % 2 {
            0 => c.is_ascii_digit(),
            _ => *c == ' ',
        };
        marks.len() == 11 && marks.iter().enumerate().all(fits)
    };
    let line = text.split(['\r', '\n']).find(spaced).unwrap();
    line.chars().filter(char::is_ascii_digit).collect()
}

#[test]
fn no_pin_card_number_or_name_is_in_a_file_or_in_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("repository");
    let room = Room::with_pin_room_in(&repository);
    let mut house = PinHouse::in_room(room, PrinterLanguage::Line);
    house.room.logout();
    let template = template_text("csv-pvv")
        .replace("lengths = [4]", "lengths = [6]")
        .replace("name = \"csv-pvv\"", "name = \"csv-six\"");
    house.room.logon_all(&[GroupId::Administrators]);
    let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
    let approve = ApprovePinTemplate {
        template: template.clone(),
    };
    house.act(&approve, &admins).unwrap();
    house.room.logout();
    house.room.logon_pin_room();
    let file = house.sealed(csv("B-0001", 8).as_bytes());
    let first = house.opening("csv-pvv", "pin-mailer-continuous", &file, 1);
    let name = TemplateName::of(&Template::parse(&template).unwrap(), &template);
    let act = OpenBatch {
        template: name,
        ..first
    };
    let secret = vec![conclave_crypto::secret::Secret::take(&mut file.clone())];
    house.act_with(&act, &PAIR, secret).unwrap();
    let batch: BatchName = act.batch;
    house.forms(&batch, 1, 20);
    house.print(&batch, 8).unwrap();
    spoil(&mut house, &batch, 3);
    house.print(&batch, 8).unwrap();
    confirm(&mut house, &batch, 1, 2);
    confirm(&mut house, &batch, 4, 9);
    give_back(&mut house, &batch);
    let (out, text) = export(&mut house, &batch);
    let signed = reconcile(&mut house, &batch);
    let sheets = house.paper.sheets();
    let pins: Vec<String> = sheets.iter().map(|sheet| pin_on(sheet)).collect();
    assert_eq!(pins.len(), 9);
    // What the issuer gets has no PIN either, and the sheet that both signed
    // has no card number.
    assert!(pins.iter().all(|pin| !text.contains(pin.as_str())));
    let mut all = Vec::new();
    files(&repository, &mut all);
    files(&house.folder.path().join("stick"), &mut all);
    assert!(all.iter().any(|(name, _)| name.contains(&out.folder)));
    all.push((
        "the reconciliation".into(),
        signed.numbers.join("\n").into(),
    ));
    // The journal, as its readers see it.
    house.room.logout();
    house.room.logon_all(&[GroupId::Auditors]);
    let entries = house.room.vault().read_journal(0).unwrap();
    let words: Vec<String> = entries
        .iter()
        .flat_map(|entry| entry.body.iter().flat_map(|body| body.words.clone()))
        .collect();
    assert!(
        words.iter().any(|line| line.contains("on forms 1 to 8")),
        "{words:#?}"
    );
    all.push(("the journal".into(), words.join("\n").into()));
    let mut needles: Vec<(String, Vec<u8>)> = Vec::new();
    for pin in &pins {
        needles.extend(forms_of(pin).into_iter().map(|form| ("a PIN".into(), form)));
    }
    for number in 1..=8 {
        needles.push(("a card number".into(), pan(number).into_bytes()));
        needles.push(("a name".into(), format!("HOLDER {number:05}").into_bytes()));
    }
    for (name, bytes) in &all {
        for (what, needle) in &needles {
            // Three packed bytes stand anywhere by chance.
            let there = bytes.windows(needle.len()).any(|part| part == needle);
            assert!(!there || needle.len() < 4, "{what} is in {name}");
        }
    }
}
