//! The whole job, judged by openssl and psec.

use conclave_evidence::Hash;
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_keyroom::domain::form_stock::Aside;
use conclave_keyroom::domain::pin_batch::{Stage, State};
use conclave_keyroom::domain::pin_card::PinCard;
use conclave_keyroom::ports::printer::PrinterError;
use conclave_keyroom::vault::{Compartment, VaultError};
use conclave_trades::pin::action::{BatchName, PurgeBatch, SetFormsAside};

use conclave_keyroom::ports::clock::Clock as _;
use conclave_trades::print::day_words;

use super::judge::ask;
use super::pin_acts::{confirm, export, give_back, pin_on, reconcile, resolve, spoil};
use super::pin_house::{PVK, PinHouse, csv, csv_of, pan};
use super::room::Room;

#[test]
fn a_batch_with_a_jam_a_power_cut_and_a_damaged_form_balances_to_the_sheet() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 12).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 1000, 1030);
    let aside = SetFormsAside {
        batch: batch.clone(),
        first: 1000,
        last: 1000,
        aside: Aside::Test,
        reason: "page of X's before the batch".into(),
    };
    house.pair(&aside).unwrap();
    // One is not on the reel: it has a line of its own.
    let mut gone = aside.clone();
    (gone.first, gone.last, gone.aside) = (1030, 1030, Aside::Missing);
    gone.reason = "the reel ends at 1029".into();
    house.pair(&gone).unwrap();
    gone.aside = Aside::Returned;
    assert!(house.pair(&gone).is_err());

    // Five come well; the printer jams in the third of the next five.
    let printed = house.print(&batch, 5).unwrap();
    assert_eq!((printed.sent, printed.waiting), (5, 7));
    let broke = PrinterError::Broken("it takes no data".into());
    house.paper.fails_after(2, broke.clone());
    let printed = house.print(&batch, 5).unwrap();
    assert_eq!((printed.sent, printed.unknown, printed.kept), (2, 1, 2));
    assert_eq!(printed.stopped, Some(broke));
    let record = house.batch(&batch);
    assert_eq!(record.state_of(8), Some(State::Unknown));
    assert_eq!(record.card_on(1008), Some(8));
    let kept = house.card(&batch, 9);
    assert!(kept.attempt == 0 && kept.values.is_none() && kept.form.is_none());
    // The rest, with another reel's end on the way.
    let printed = house.print(&batch, 60).unwrap();
    assert_eq!((printed.sent, printed.waiting), (4, 0));
    assert_eq!(house.batch(&batch).stage(), Stage::Printing);

    // One is damaged, the unknown one lies there whole.
    confirm(&mut house, &batch, 1001, 1003);
    assert_eq!(spoil(&mut house, &batch, 1004).again, 1);
    confirm(&mut house, &batch, 1005, 1007);
    let became = resolve(&mut house, &batch, 1008, None);
    assert_eq!(became.confirmed, 1);
    confirm(&mut house, &batch, 1009, 1012);
    // The one that jammed was not kept by the fake printer: its sheet is not
    // there to be compared, so its card is left out below.
    let printed = house.print(&batch, 5).unwrap();
    assert_eq!((printed.sent, printed.waiting), (1, 0));
    let first = house.card(&batch, 4);
    assert_eq!((first.attempt, first.form), (2, Some(1013)));
    let lost = first.lost[0].check.as_ref().unwrap();
    assert_ne!(Some(lost), first.values.as_ref().unwrap().check());
    confirm(&mut house, &batch, 1013, 1013);
    assert_eq!(house.batch(&batch).stage(), Stage::Counting);
    give_back(&mut house, &batch);
    assert_eq!(house.batch(&batch).stage(), Stage::Balanced);

    let (out, text) = export(&mut house, &batch);
    assert_eq!(out.folder, "PIN-B-0001-01-TEST");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "batch;B-0001;BANKX;csv-pvv");
    assert_eq!(lines.last(), Some(&"count;12;12;0"));

    // The sheets as they came: cards 1 to 5, 6, 7, 9 to 12, and 4 again.
    let sheets = house.paper.sheets();
    assert_eq!(sheets.len(), 12);
    let order = [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 4];
    let mut pins = std::collections::BTreeMap::new();
    for (card, sheet) in order.into_iter().zip(&sheets) {
        let page = String::from_utf8_lossy(sheet);
        assert!(page.contains(&format!("HOLDER {card:05}")), "{page}");
        assert!(!page.contains(&pan(card)));
        pins.insert(card, pin_on(sheet));
    }
    let questions: Vec<String> = pins
        .iter()
        .map(|(card, pin)| format!("pvv {PVK} 1 {} {pin}", pan(*card)))
        .collect();
    for (theirs, card) in ask(&questions).iter().zip(pins.keys()) {
        let line = lines[1 + *card as usize];
        assert_eq!(line, format!("{};00;issued;{theirs};1;;", pan(*card)));
    }

    let signed = reconcile(&mut house, &batch);
    let numbers = signed.numbers.join("\n");
    for line in [
        "cards of the file: 12",
        "mailers confirmed: 12",
        "PINs replaced: 1",
        "blank forms taken out: 31",
        "forms spoiled: 1",
        "forms missing, an incident: 1",
        "forms with test prints: 1",
        "forms back in the safe: 16",
        "forms unaccounted for: 0",
    ] {
        assert!(numbers.contains(line), "{line} is not in\n{numbers}");
    }
    purge(&mut house, &batch);
}

/// After the purge: no record of a card, and in all that the store holds no
/// card number, name or value in clear, nor their sealed bytes.
fn purge(house: &mut PinHouse, batch: &BatchName) {
    // 64 bytes of each card's ciphertext; what stands around it is like others'.
    let sealed: Vec<Vec<u8>> = {
        let content = house.room.memory().content();
        let once = |part: &[u8]| {
            let has = |v: &Vec<u8>| v.windows(part.len()).any(|other| other == part);
            content.iter().filter(|(_, v)| has(v)).count() == 1
        };
        let of_cards = |n: u32| {
            let id = PinCard::id_of(batch.id, n);
            let mut found = content.iter().filter(|(key, _)| key.ends_with(&id.0));
            let value = &found.next().unwrap().1;
            let middle = value.len() / 2 - 32;
            let part = value[middle..middle + 64].to_vec();
            assert!(once(&part), "card {n}");
            part
        };
        (1..=12).map(of_cards).collect()
    };
    let receipt = "R-77 of the issuer".into();
    let act = PurgeBatch {
        batch: batch.clone(),
        receipt,
    };
    assert_eq!(house.pair(&act).unwrap(), 12);
    let record = house.batch(batch);
    assert_eq!(record.stage(), Stage::Purged);
    assert_eq!(record.balance().confirmed, 12);
    assert_ne!(record.input, Hash([0; 32]));
    let vault = house.room.vault();
    for number in 0..=13 {
        let id = PinCard::id_of(batch.id, number);
        let found = vault.get::<PinCard>(Compartment::Pins, id);
        let gone = matches!(found, Err(VaultError::Missing(_)));
        assert!(gone || number == 0, "card {number}");
    }
    assert_eq!(
        vault.of_kind(Compartment::Pins, PinCard::KIND).unwrap().0,
        []
    );
    let content = house.room.memory().content();
    let all: Vec<u8> = content
        .into_iter()
        .flat_map(|(k, v)| [k, v])
        .flatten()
        .collect();
    let there = |what: &[u8]| all.windows(what.len()).any(|part| part == what);
    for number in 1..=12 {
        assert!(!there(pan(number).as_bytes()));
        assert!(!there(format!("HOLDER {number:05}").as_bytes()));
    }
    for part in sealed {
        assert!(!there(&part));
    }
    // A purged batch is as used up as any.
    let file = house.sealed(csv("B-0001", 3).as_bytes());
    let reading = house.reading("csv-pvv", "pin-mailer-continuous", &file);
    let secret = vec![conclave_crypto::secret::Secret::take(&mut file.clone())];
    let faults = house.act_with(&reading, &[], secret).unwrap().unwrap_err();
    assert_eq!(
        faults,
        ["line 1, column 1: batch this batch was here before"]
    );
}

#[test]
fn where_the_pin_cannot_change_a_lost_mailer_is_a_card_to_be_reissued() {
    let mut house = PinHouse::new();
    let file = std::fs::read("tests/vectors/pins/good.json").unwrap();
    let text = String::from_utf8(file).unwrap();
    let file = house.sealed(text.as_bytes());
    let batch = house.open("json-host", "pin-mailer-two-up", &file, 2);
    house.forms(&batch, 1, 20);
    // Two forms beside one another: a window is whole pairs.
    let printed = house.print(&batch, 3).unwrap();
    assert_eq!((printed.sent, house.paper.sheets().len()), (2, 1));
    // The printer takes nothing: nothing has happened.
    house
        .paper
        .fails_after(0, PrinterError::NotReady("out of paper".into()));
    let printed = house.print(&batch, 4).unwrap();
    assert_eq!((printed.sent, printed.unknown, printed.kept), (0, 0, 4));
    let printed = house.print(&batch, 60).unwrap();
    assert_eq!((printed.sent, printed.waiting), (8, 0));
    assert_eq!(house.batch(&batch).card_on(3), Some(3));
    assert_eq!(spoil(&mut house, &batch, 3).reissued, 1);
    confirm(&mut house, &batch, 1, 2);
    confirm(&mut house, &batch, 4, 10);
    assert!(house.print(&batch, 5).is_err(), "nothing waits");
    give_back(&mut house, &batch);
    let (_, text) = export(&mut house, &batch);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.last(), Some(&"count;10;9;1"));
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains(";reissue;"))
            .count(),
        1
    );
    assert!(lines[4].contains(";reissue;"));
}

/// Every layout of PIN mailers that ships prints a batch, in every language of a
/// printer that it goes through: nothing of it is filled by nobody.
#[test]
fn every_shipped_layout_of_pin_mailers_prints_a_batch() {
    let languages = [
        PrinterLanguage::EscP9,
        PrinterLanguage::EscP24,
        PrinterLanguage::Line,
        PrinterLanguage::Pcl5,
        PrinterLanguage::Pdf,
    ];
    let layouts = [
        "pin-mailer-continuous",
        "pin-mailer-two-up",
        "pin-mailer-laser",
    ];
    for language in languages {
        let mut house = PinHouse::in_room(Room::with_pin_room(), language);
        for (at, layout) in (1u8..).zip(layouts) {
            let first = u32::from(at) * 10;
            let cards = csv_of(&format!("B-{at}"), first..=first + 1);
            let file = house.sealed(cards.as_bytes());
            let batch = house.open("csv-pvv", layout, &file, at);
            house.forms(&batch, u64::from(first), u64::from(first) + 5);
            let printed = house.print(&batch, 2);
            if (layout, language) == ("pin-mailer-two-up", PrinterLanguage::Pcl5) {
                assert!(printed.is_err(), "its forms are too wide");
                continue;
            }
            assert_eq!(printed.unwrap().sent, 2, "{layout} {language:?}");
            if language == PrinterLanguage::Line && layout == "pin-mailer-laser" {
                let sheets = house.paper.sheets();
                let page = String::from_utf8_lossy(sheets.last().unwrap()).into_owned();
                assert!(
                    page.contains(&day_words(house.room.clock.wall_ms())),
                    "{page}"
                );
            }
        }
    }
}
