//! PINs of a host: their blocks are opened while the file is read, and what they
//! say is held against template and layout before anybody signs. psec makes the
//! blocks.

use conclave_crypto::primitive::derive::sha256;
use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::pin_marks::{MARK_LEN, PinMarks};
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::action::{Checked, OpenBatch, ReadBatch, TemplateName};
use conclave_trades::pin::{Against, IssueError, Keys, Template, issue, read};

use super::canary::{files, forms_of};
use super::judge::ask;
use super::methods::approve;
use super::pin_acts::pin_on;
use super::pin_house::{PAIR, PPK, PinHouse, Plant, digest, hex, pan, template_text};
use super::psec::System;
use super::refusals::rule;
use super::room::Room;

const TWO_UP: &str = "pin-mailer-two-up";
const CONTINUOUS: &str = "pin-mailer-continuous";

/// What stands on the line of a card before its PIN block.
const BLOCK_COLUMN: usize = 39;

/// ISO-0 blocks of these PINs, for cards from `first` on.
fn blocks(first: u32, pins: &[&str]) -> Vec<String> {
    let of = |(n, pin): (u32, &&str)| format!("iso0 {pin} {}", pan(n));
    let clear = ask(&(first..).zip(pins).map(of).collect::<Vec<_>>());
    let wrap = |clear: &String| format!("tdes {PPK} {clear}");
    ask(&clear.iter().map(wrap).collect::<Vec<_>>())
}

/// A file with a card on each line, the first on line 4; `more` is what follows
/// the block.
fn file(batch: &str, first: u32, blocks: &[String], more: &str) -> String {
    let mut total = 0u128;
    let mut lines = Vec::new();
    for (n, block) in (first..).zip(blocks) {
        let pan = pan(n);
        total += pan.parse::<u128>().unwrap();
        lines.push(format!(
            "{{\"pan\":\"{pan}\",\"pin-block\":\"{block}\",\"holder\":\"A B\",\"language\":\"en\"{more}}}"
        ));
    }
    format!(
        "{{\n\"batch\":\"{batch}\",\"issuer\":\"BANKX\",\"count\":{},\"hash-total\":\"{}\",\n\"records\":[\n{}\n]}}\n",
        blocks.len(),
        total % 10u128.pow(16),
        lines.join(",\n")
    )
}

fn reads(house: &mut PinHouse, reading: &ReadBatch, sealed: &[u8]) -> Result<Checked, Vec<String>> {
    let secret = vec![Secret::take(&mut sealed.to_vec())];
    house.act_with(reading, &[], secret).unwrap()
}

fn faults(house: &mut PinHouse, layout: &str, text: &str) -> Vec<String> {
    let sealed = house.sealed(text.as_bytes());
    let reading = house.reading("json-host", layout, &sealed);
    let faults = reads(house, &reading, &sealed).err().unwrap_or_default();
    for fault in &faults {
        let digits = fault.chars().filter(char::is_ascii_digit).count();
        assert!(digits < 12, "no card number is quoted: {fault}");
    }
    faults
}

#[test]
fn pins_of_each_length_are_asked_before_anybody_signs() {
    let mut house = PinHouse::new();
    let pins = ["4829", "73105", "005617", "1357246"];
    let text = file("B-0001", 1, &blocks(1, &pins), "");
    let at =
        |line: usize, what: &str| format!("line {line}, column {BLOCK_COLUMN}: pin-block {what}");
    let wide = "has a PIN of more digits than the layout prints, which is 4";
    let other = "has a PIN of a length that the template does not allow";
    assert_eq!(
        faults(&mut house, TWO_UP, &text),
        [at(5, wide), at(6, wide), at(7, other)]
    );
    assert_eq!(faults(&mut house, CONTINUOUS, &text), [at(7, other)]);

    // Those that fit are printed as the host made them.
    let text = file("B-0001", 1, &blocks(1, &pins[..3]), "");
    let sealed = house.sealed(text.as_bytes());
    let batch = house.open("json-host", CONTINUOUS, &sealed, 1);
    house.forms(&batch, 1, 9);
    assert_eq!(house.print(&batch, 9).unwrap().sent, 3);
    let printed: Vec<String> = house.paper.sheets().iter().map(|s| pin_on(s)).collect();
    assert_eq!(printed, pins[..3]);
    let lengths: Vec<u8> = (1..=3).map(|n| house.card(&batch, n).pin_length).collect();
    assert_eq!(lengths, [4, 5, 6], "the records have what is there");
}

/// Whatever a reader of files lets through, no PIN is issued in a length that
/// nobody approved.
#[test]
fn no_pin_is_issued_in_another_length_than_the_template_has() {
    let template = Template::parse(&template_text("json-host")).unwrap();
    let key = Secret::take(&mut hex(PPK));
    let keys = Keys {
        pin: &key,
        zone: None,
    };
    for (pin, good) in [("4829", true), ("482913", true), ("4829135", false)] {
        let text = file("B-0001", 1, &blocks(1, &[pin]), "");
        let batch = read(&template, text.as_bytes(), &Against::NOTHING)
            .ok()
            .unwrap();
        let made = issue(&template, &keys, &batch.cards[0], &mut System::new());
        match made {
            Ok((made, _)) => assert!(good && made.len() == pin.len()),
            Err(why) => assert!(!good && why == IssueError::HostLength, "{why}"),
        }
    }
}

#[test]
fn a_record_that_says_how_long_its_pin_is_says_it_right() {
    let mut house = PinHouse::new();
    let template = template_text("json-host")
        .replace("name = \"json-host\"", "name = \"host-length\"")
        .replace(
            "    { name = \"holder\"",
            "    { name = \"pin-length\", width = 2, optional = true },\n    { name = \"holder\"",
        );
    approve(&mut house, &template);
    let text = file(
        "B-0001",
        1,
        &blocks(1, &["4829", "73105"]),
        ",\"pin-length\":4",
    );
    let sealed = house.sealed(text.as_bytes());
    let reading = ReadBatch {
        template: TemplateName::of(&Template::parse(&template).unwrap(), &template),
        ..house.reading("json-host", CONTINUOUS, &sealed)
    };
    let faults = reads(&mut house, &reading, &sealed).unwrap_err();
    assert_eq!(
        faults,
        ["line 5, column 102: pin-length is not the length of the PIN in its block"]
    );
}

/// What a file is told of which a block does not open.
const UNOPENED: &str = "the file: has PIN blocks that do not open under BANKX.P0.004; ";

/// Whoever feeds made-up blocks learns nothing of any of them: neither which did not
/// open, nor how many, nor what PIN is in one that did.
#[test]
fn blocks_that_do_not_open_have_one_answer_and_five_times_an_hour() {
    let mut house = PinHouse::new();
    let made = blocks(1, &["4829", "7310", "0056", "9124"]);
    let mut first = made.clone();
    // Of another card, and none at all.
    first[1].clone_from(&made[2]);
    first[3] = "00".repeat(8);
    let mut second = made.clone();
    second[0] = "FF".repeat(8);
    // Nor is anything said of a PIN that is in one of the others: here of its length.
    let third = blocks(1, &["4829", "73105", "1357246"]);
    let third = [third.as_slice(), &["00".repeat(8)]].concat();
    let texts = [
        file("B-0001", 1, &first, ""),
        file("B-0001", 1, &second, ""),
        file("B-0001", 1, &third, ""),
    ];
    let mut answers: Vec<Vec<String>> = texts
        .iter()
        .map(|text| faults(&mut house, TWO_UP, text))
        .collect();
    assert!(answers[0][0].starts_with(UNOPENED), "{answers:?}");
    // What stands in the file is told as ever.
    let mut wrong = first.clone();
    wrong[2] = "00".into();
    let seen = faults(&mut house, TWO_UP, &file("B-0001", 1, &wrong, ""));
    let hex = format!("line 6, column {BLOCK_COLUMN}: pin-block is not a PIN block in hexadecimal");
    assert_eq!(seen[1..], [hex]);
    answers.push(seen[..1].to_vec());
    answers.push(faults(&mut house, CONTINUOUS, &texts[2]));
    assert!(answers.iter().all(|one| *one == answers[0]), "{answers:?}");
    // Nobody asks any further, whatever file it is, and whoever signs.
    let good = file("B-0001", 1, &blocks(1, &["4829"]), "");
    let sealed = house.sealed(good.as_bytes());
    let reading = house.reading("json-host", TWO_UP, &sealed);
    let secret = || vec![Secret::take(&mut sealed.clone())];
    let told = rule(house.act_with(&reading, &[], secret()));
    let many = "5 files had PIN blocks that do not open under BANKX.P0.004 within an hour";
    assert!(told.contains(many), "{told}");
    // Under another key, and where PINs are drawn, the room goes on.
    let other = house.further_key(12, PPK, ("P0", "D", "N"), KeyForm::Tdes2, "BANKX");
    let by_other = ReadBatch {
        host_key: Some(other),
        ..reading.clone()
    };
    assert_eq!(reads(&mut house, &by_other, &sealed).unwrap().count, 1);
    // A clock that is set forward gives no try back.
    let wall = house.room.vault().clock().wall_ms();
    house.room.clock.set(wall + 3_600_000);
    let told = rule(house.act_with(&reading, &[], secret()));
    assert!(told.contains(many), "{told}");
    house.room.clock.set(wall);
    house.room.clock.pass(3_600_000);
    let act: OpenBatch = house.opening("json-host", TWO_UP, &sealed, 1);
    house.act_with(&act, &PAIR, secret()).unwrap();
}

/// The act that opens a batch is asked no oftener than the one that reads its file,
/// though both of the pair sign it.
#[test]
fn a_file_that_is_opened_in_vain_counts_as_one_that_is_read() {
    let mut house = PinHouse::new();
    let good = file("B-0001", 1, &blocks(1, &["4829"]), "");
    let sealed = house.sealed(good.as_bytes());
    let act: OpenBatch = house.opening("json-host", TWO_UP, &sealed, 1);
    let bad = house.sealed(file("B-0001", 1, &["00".repeat(8)], "").as_bytes());
    let wrong = OpenBatch {
        file: digest(&bad),
        ..act.clone()
    };
    for _ in 0..5 {
        let secret = vec![Secret::take(&mut bad.clone())];
        let told = rule(house.act_with(&wrong, &PAIR, secret));
        assert!(
            told.contains("1 in all: the file: has PIN blocks"),
            "{told}"
        );
    }
    let many = "5 files had PIN blocks that do not open under BANKX.P0.004 within an hour";
    let secret = || vec![Secret::take(&mut sealed.clone())];
    let told = rule(house.act_with(&act, &PAIR, secret()));
    assert!(told.contains(many), "{told}");
    let reading = house.reading("json-host", TWO_UP, &sealed);
    let told = rule(house.act_with(&reading, &[], secret()));
    assert!(told.contains(many), "{told}");
}

#[test]
fn the_key_of_blocks_is_named_where_there_are_blocks() {
    let mut house = PinHouse::new();
    let text = file("B-0001", 1, &blocks(1, &["4829"]), "");
    let sealed = house.sealed(text.as_bytes());
    let good = house.reading("json-host", TWO_UP, &sealed);
    for (why, host_key) in [
        ("no key for them is named", None),
        ("it is for nothing else", Some(house.released(3))),
        ("it is for nothing else", Some(house.released(1))),
    ] {
        let reading = ReadBatch {
            host_key,
            ..good.clone()
        };
        let secret = vec![Secret::take(&mut sealed.clone())];
        let told = rule(house.act_with(&reading, &[], secret));
        assert!(told.contains(why), "{told}");
    }
    let drawn = house.reading("csv-pvv", CONTINUOUS, &sealed);
    let reading = ReadBatch {
        host_key: good.host_key,
        ..drawn
    };
    let secret = vec![Secret::take(&mut sealed.clone())];
    let told = rule(house.act_with(&reading, &[], secret));
    assert!(told.contains("it needs no key here"), "{told}");
}

/// The host counts the PINs that it made for a card: a job that ran twice has the
/// same number, a new PIN has another.
#[test]
fn a_new_pin_of_the_host_comes_with_another_version() {
    let mut house = PinHouse::new();
    let first = file(
        "B-0001",
        1,
        &blocks(1, &["4829", "7310"]),
        ",\"pin-version\":1",
    );
    let sealed = house.sealed(first.as_bytes());
    house.open("json-host", TWO_UP, &sealed, 1);
    let same = file(
        "B-0002",
        1,
        &blocks(1, &["1111", "7310"]),
        ",\"pin-version\":\"01\"",
    );
    let told = faults(&mut house, TWO_UP, &same);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(
        told[0],
        "line 4, column 8: pan is a card that had a mailer: its PIN would be on two. A new PIN \
         comes with a higher pin-version than any of its mailers had"
    );
    let next = file(
        "B-0002",
        1,
        &blocks(1, &["1246", "8024"]),
        ",\"pin-version\":2",
    );
    let sealed = house.sealed(next.as_bytes());
    let reading = house.reading("json-host", TWO_UP, &sealed);
    let checked = reads(&mut house, &reading, &sealed).unwrap();
    assert_eq!((checked.count, checked.again), (2, 0));
    house.open("json-host", TWO_UP, &sealed, 2);
    // Neither of the two is taken once more.
    let again = file(
        "B-0003",
        1,
        &blocks(1, &["4829", "7310"]),
        ",\"pin-version\":1",
    );
    assert_eq!(faults(&mut house, TWO_UP, &again).len(), 2);
}

/// A job that ran twice is told from a new PIN by the PIN itself: no other version,
/// sequence number or issuer makes it another one.
#[test]
fn the_same_pin_of_a_host_is_on_no_second_mailer() {
    let mut house = PinHouse::new();
    let version = |number: u32| format!(",\"pin-version\":{number}");
    let first = file("B-0001", 1, &blocks(1, &["4829", "7310"]), &version(3));
    let sealed = house.sealed(first.as_bytes());
    house.open("json-host", TWO_UP, &sealed, 1);
    let mailed = "line 4, column 8: pan is a card that had a mailer";
    let same = format!(
        "line 4, column {BLOCK_COLUMN}: pin-block has the PIN of a mailer that this card number had"
    );
    // The count goes up, and never down; a new PIN alone is not enough.
    for (number, pin, why) in [
        (2, "1246", mailed),
        (3, "1246", mailed),
        (4, "4829", same.as_str()),
    ] {
        let text = file("B-0002", 1, &blocks(1, &[pin]), &version(number));
        let told = faults(&mut house, TWO_UP, &text);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(why), "{told:?}");
    }
    // Another sequence number: a card of its own, with a count of its own.
    let other = |pin: &str| file("B-0002", 1, &blocks(1, &[pin]), ",\"sequence\":\"01\"");
    let told = faults(&mut house, TWO_UP, &other("4829"));
    assert!(told[0].contains("has the PIN of a mailer"), "{told:?}");
    assert_eq!(faults(&mut house, TWO_UP, &other("5821")), [""; 0]);
    // Two cards of one number in one file, with one PIN.
    let twice = blocks(1, &["5821"]);
    let text = file("B-0002", 1, &[twice[0].clone(), twice[0].clone()], "")
        .replace(&pan(2), &pan(1))
        .replacen("\"holder\"", "\"sequence\":\"01\",\"holder\"", 1)
        .replacen(",\"holder\"", ",\"pin-version\":4,\"holder\"", 2);
    let told = faults(&mut house, TWO_UP, &text).join("\n");
    assert!(
        told.contains("pin-block has the PIN of line 4, for the same card number"),
        "{told}"
    );

    // The issuer under another name, with the key released for that one.
    let mut record = house.partner.clone();
    record.id = conclave_evidence::Id([0x42; 16]);
    record.issuer = "BANKY".into();
    house.room.logout();
    house
        .room
        .logon_all(&[conclave_evidence::GroupId::Administrators]);
    let plant = Plant::Partner(Box::new(record.clone()));
    house.act(&plant, &[]).unwrap();
    house.room.logout();
    house.room.logon_pin_room();
    let key = house.further_key(13, PPK, ("P0", "D", "N"), KeyForm::Tdes2, "BANKY");
    house.partner = record;
    let mut by_other = |number: u32, pin: &str| {
        let text = file("B-0009", 1, &blocks(1, &[pin]), &version(number));
        let sealed = house.sealed(text.replace("BANKX", "BANKY").as_bytes());
        let reading = ReadBatch {
            host_key: Some(key.clone()),
            ..house.reading("json-host", TWO_UP, &sealed)
        };
        reads(&mut house, &reading, &sealed)
    };
    assert!(by_other(3, "1246").unwrap_err()[0].starts_with(mailed));
    assert!(by_other(4, "4829").unwrap_err()[0].starts_with(same.as_str()));
    assert_eq!(by_other(4, "1246").unwrap().count, 1);
}

/// Whether a PIN was on a mailer is asked as seldom as what is in a block.
#[test]
fn a_pin_of_a_mailer_is_asked_for_five_times_an_hour() {
    let mut house = PinHouse::new();
    let version = |number: u32| format!(",\"pin-version\":{number}");
    let first = file("B-0001", 1, &blocks(1, &["4829"]), &version(1));
    let sealed = house.sealed(first.as_bytes());
    house.open("json-host", TWO_UP, &sealed, 1);
    let again = file("B-0002", 1, &blocks(1, &["4829"]), &version(2));
    for _ in 0..5 {
        assert_eq!(faults(&mut house, TWO_UP, &again).len(), 1);
    }
    let new = file("B-0002", 1, &blocks(1, &["1246"]), &version(2));
    let sealed = house.sealed(new.as_bytes());
    let reading = house.reading("json-host", TWO_UP, &sealed);
    let secret = vec![Secret::take(&mut sealed.clone())];
    let told = rule(house.act_with(&reading, &[], secret));
    assert!(told.contains("PINs that were on a mailer"), "{told}");
    // The mark of the PIN is of no digest that needs no key.
    let vault = house.room.vault();
    let all = vault.list(Compartment::Pins, PinMarks::KIND).unwrap();
    let marks: PinMarks = all.into_iter().next().unwrap().1;
    assert_eq!(marks.versions, [1]);
    assert_eq!(marks.pins.0.len(), MARK_LEN);
    for pin in 0..10_000 {
        let text = format!("conclave/pin-value/1/{}/{pin:04}", pan(1));
        assert_ne!(sha256(&[text.as_bytes()])[..MARK_LEN], marks.pins.0[..]);
    }
}

/// A PIN is clear for one moment when its block is tried: nothing of it stays in a
/// file, a fault or the journal.
#[test]
fn no_pin_of_a_host_is_in_a_file_or_in_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("repository");
    let room = Room::with_pin_room_in(&repository);
    let mut house = PinHouse::in_room(room, PrinterLanguage::Line);
    let pins = ["482937", "731058", "005617"];
    let made = blocks(1, &pins);
    // Two that are refused, one of them with a block that does not open.
    let told = faults(&mut house, TWO_UP, &file("B-0001", 1, &made, ""));
    assert_eq!(told.len(), 3, "{told:?}");
    let mut moved = made.clone();
    moved.rotate_left(1);
    let told = [
        told,
        faults(&mut house, CONTINUOUS, &file("B-0001", 1, &moved, "")),
    ]
    .concat();
    assert_eq!(told.len(), 4, "{told:?}");
    let text = file("B-0001", 1, &made, "");
    let sealed = house.sealed(text.as_bytes());
    let batch = house.open("json-host", CONTINUOUS, &sealed, 1);
    house.forms(&batch, 1, 9);
    house.print(&batch, 9).unwrap();
    let printed: Vec<String> = house.paper.sheets().iter().map(|s| pin_on(s)).collect();
    assert_eq!(printed, pins);

    let mut all = Vec::new();
    files(&repository, &mut all);
    all.push(("the faults".into(), told.join("\n").into()));
    house.room.logout();
    house
        .room
        .logon_all(&[conclave_evidence::GroupId::Auditors]);
    let entries = house.room.vault().read_journal(0).unwrap();
    let bodies = entries.iter().flat_map(|entry| &entry.body);
    let words: Vec<String> = bodies.flat_map(|body| body.words.clone()).collect();
    let said = words.join("\n");
    assert!(said.contains("its PIN blocks under BANKX.P0.004"), "{said}");
    all.push(("the journal".into(), said.into()));
    for (name, bytes) in &all {
        for form in pins.iter().flat_map(|pin| forms_of(pin)) {
            // Three packed bytes stand anywhere by chance.
            let there = bytes.windows(form.len()).any(|part| part == form);
            assert!(!there || form.len() < 4, "a PIN is in {name}");
        }
        for block in &made {
            let there = bytes
                .windows(block.len())
                .any(|part| part == block.as_bytes());
            assert!(!there, "a PIN block is in {name}");
        }
    }
}
