//! Each way in which a PIN comes about, and each format in which it goes back, by
//! whole batches: psec says what has to lie on paper.

use conclave_crypto::card::pan::Pan;
use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::domain::form::KeyForm;
use conclave_trades::pin::action::{BatchName, ReadBatch, TemplateName};
use conclave_trades::pin::{ApprovePinTemplate, Template};

use super::judge::ask;
use super::pin_acts::{confirm, export, give_back, pin_on, spoil};
use super::pin_house::{PAIR, PPK, PVK, PinHouse, ZPK, csv, csv_of, digest, pan, template_text};

/// AES-128 keys of these tests.
const AES_PPK: &str = "00112233445566778899AABBCCDDEEFF";
const AES_ZPK: &str = "FFEEDDCCBBAA99887766554433221100";

/// Administrators approve a further template; the pair is back then.
pub fn approve(house: &mut PinHouse, template: &str) {
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
    let act = ApprovePinTemplate {
        template: template.into(),
    };
    house.act(&act, &admins).unwrap();
    house.room.logout();
    house.room.logon_pin_room();
}

fn open(
    house: &mut PinHouse,
    (template, cards): (&str, &str),
    id: u8,
    keys: (u8, Option<u8>, Option<u8>),
) -> BatchName {
    let file = house.sealed(cards.as_bytes());
    let act = house.opening_by(template, "pin-mailer-continuous", &file, id, keys);
    let secret = vec![Secret::take(&mut file.clone())];
    house.act_with(&act, &PAIR, secret).unwrap();
    let first = u64::from(id) * 100;
    house.forms(&act.batch, first, first + 9);
    act.batch
}

/// The host's file: PINs in these blocks, for cards from `first` on.
fn host_file(batch: &str, first: u32, blocks: &[String]) -> String {
    let mut total = 0u128;
    let mut records = Vec::new();
    for (n, block) in (first..).zip(blocks) {
        let pan = pan(n);
        total += pan.parse::<u128>().unwrap();
        records.push(format!(
            "{{\"pan\":\"{pan}\",\"sequence\":\"00\",\"pin-block\":\"{block}\",\"holder\":\"A B\"}}"
        ));
    }
    format!(
        "{{\"batch\":\"{batch}\",\"issuer\":\"BANKX\",\"count\":{},\"hash-total\":\"{}\",\"records\":[{}]}}",
        blocks.len(),
        total % 10u128.pow(16),
        records.join(",")
    )
}

#[test]
fn pins_of_a_host_in_blocks_of_each_format_come_onto_paper() {
    let mut house = PinHouse::new();
    house.further_key(8, AES_PPK, ("P0", "D", "N"), KeyForm::Aes128, "BANKX");
    let pins = ["4829", "7310", "0056"];
    for (id, format) in [(1, "iso-0"), (2, "iso-1"), (3, "iso-3"), (4, "iso-4")] {
        // psec makes the blocks; format 1 is its definition: 1, length, PIN, fill.
        // A card whose PIN a host made gets no second mailer.
        let first = u32::from(id) * 10;
        let cards: Vec<(u32, &str)> = (first..).zip(pins).collect();
        let of = |line: &dyn Fn(&str, &str) -> String| -> Vec<String> {
            cards.iter().map(|(n, pin)| line(pin, &pan(*n))).collect()
        };
        let clear = match format {
            "iso-0" => ask(&of(&|pin, pan| format!("iso0 {pin} {pan}"))),
            "iso-1" => of(&|pin, _| format!("14{pin}5A6B7C8D9E")),
            "iso-3" => ask(&of(&|pin, pan| format!("iso3w {pin} {pan}"))),
            _ => Vec::new(),
        };
        let wrapped = |clear: &String| format!("tdes {PPK} {clear}");
        let blocks = match format {
            "iso-4" => ask(&of(&|pin, pan| format!("iso4w {AES_PPK} {pin} {pan}"))),
            _ => ask(&clear.iter().map(wrapped).collect::<Vec<_>>()),
        };
        let template = template_text("json-host")
            .replace("block = \"iso-0\"", &format!("block = \"{format}\""))
            .replace("name = \"json-host\"", &format!("name = \"host-{format}\""))
            .replace(
                "name = \"pin-block\", width = 16",
                &format!("name = \"pin-block\", width = {}", blocks[0].len()),
            );
        if format != "iso-0" {
            approve(&mut house, &template);
        }
        let template = match format {
            "iso-0" => template_text("json-host"),
            _ => template,
        };
        let key = if format == "iso-4" { 8 } else { 4 };
        let name = format!("B-{format}");
        let cards = host_file(&name, first, &blocks);
        let batch = open(&mut house, (&template, &cards), id, (key, None, None));
        house.paper.0.lock().unwrap().sheets.clear();
        house.print(&batch, 9).unwrap();
        let printed: Vec<String> = house.paper.sheets().iter().map(|s| pin_on(s)).collect();
        assert_eq!(printed, pins, "{format}");
    }
}

#[test]
fn a_natural_pin_is_what_psec_says_and_is_never_printed_again() {
    let mut house = PinHouse::new();
    let template = template_text("csv-pvv")
        .replace("name = \"csv-pvv\"", "name = \"csv-natural\"")
        .replace(
            "method = \"random-pvv\"",
            "method = \"ibm3624-natural\"\ndecimalisation = \"0123456789012345\"\nvalidation = { \
             from = 3, count = 13, pad = \"F\" }",
        )
        .replace("key-index = \"1\"\n", "")
        .replace("[pin.denied]\nrepeats = true\nruns = true\n", "");
    approve(&mut house, &template);
    let cards = csv("B-NATURAL", 3);
    let batch = open(&mut house, (&template, &cards), 5, (2, None, None));
    house.print(&batch, 9).unwrap();
    let printed: Vec<String> = house.paper.sheets().iter().map(|s| pin_on(s)).collect();
    let questions: Vec<String> = (1..=3)
        .map(|n| format!("natural {PVK} 0123456789012345 {} 3 13 4", pan(n)))
        .collect();
    assert_eq!(printed, ask(&questions));

    // Nor from another file: no other one comes for this card.
    let file = house.sealed(csv("B-AGAIN", 1).as_bytes());
    let reading = ReadBatch {
        template: TemplateName::of(&Template::parse(&template).unwrap(), &template),
        ..house.reading("csv-pvv", "pin-mailer-continuous", &file)
    };
    let secret = vec![Secret::take(&mut file.clone())];
    let told = house.act_with(&reading, &[], secret).unwrap().unwrap_err();
    let mailed = "pan has the validation data of a card that had a mailer: its PIN would be on \
                  two. Another PIN comes with another card number; another sequence number does \
                  not change it";
    assert_eq!(told, [format!("line 2, column 1: {mailed}")]);
    // Neither as a new card of the same number, nor twice in one file, nor as a
    // number that differs before the validation data alone.
    let renewed = csv("B-AGAIN", 1).replace(";00;", ";01;");
    let twice = csv_of("B-AGAIN", 7..=7);
    let (header, card) = twice.split_once('\n').unwrap();
    let total = 2 * pan(7).parse::<u128>().unwrap();
    assert!(header.starts_with("B-AGAIN;BANKX;1;"));
    let twice = format!(
        "B-AGAIN;BANKX;2;{total}\n{card}{}",
        card.replace(";00;", ";01;")
    );
    let other = (400..1000)
        .map(|front| format!("{front:03}{}", &pan(1)[3..]))
        .find(|number| *number != pan(1) && Pan::checked(number).is_ok())
        .unwrap();
    let shares = csv("B-AGAIN", 1).replace(&pan(1), &other);
    for (cards, is) in [
        (renewed, format!("line 2, column 1: {mailed}")),
        (
            twice,
            "line 3, column 1: pan has the validation data of line 2: both cards would have one \
             PIN. One of them gets another card number, or a PIN that is drawn, by another template"
                .into(),
        ),
        (shares, format!("line 2, column 1: {mailed}")),
    ] {
        let file = house.sealed(cards.as_bytes());
        let reading = ReadBatch {
            file: digest(&file),
            ..reading.clone()
        };
        let secret = vec![Secret::take(&mut file.clone())];
        let told = house.act_with(&reading, &[], secret).unwrap().unwrap_err();
        assert_eq!(told, [is]);
    }

    // Lost, it would be the same PIN again: the card is reissued.
    assert_eq!(spoil(&mut house, &batch, 502).reissued, 1);
    assert!(house.print(&batch, 9).is_err(), "nothing waits");
    confirm(&mut house, &batch, 500, 501);
    give_back(&mut house, &batch);
    let (_, text) = export(&mut house, &batch);
    assert!(text.contains(&format!("{};00;reissue;", pan(3))), "{text}");
    assert!(text.ends_with("count;3;2;1\n"), "{text}");
}

#[test]
fn pins_go_back_in_blocks_of_each_format_and_psec_opens_them() {
    let mut house = PinHouse::new();
    house.further_key(9, AES_ZPK, ("P0", "E", "E"), KeyForm::Aes128, "BANKX");
    for (id, format) in [
        (1, "iso-0"),
        (2, "iso-1"),
        (3, "iso-2"),
        (4, "iso-3"),
        (5, "iso-4"),
    ] {
        let reason = match format {
            "iso-2" => "\nblock-reason = \"the reference PIN of the chip, says their bureau\"",
            _ => "",
        };
        let template = template_text("csv-pvv")
            .replace("name = \"csv-pvv\"", &format!("name = \"back-{format}\""))
            .replace(
                "[output]\n",
                &format!("[output]\nblock = \"{format}\"{reason}\n"),
            );
        approve(&mut house, &template);
        let cards = csv(&format!("B-{format}"), 2);
        let zone = if format == "iso-4" { 9 } else { 3 };
        let batch = open(&mut house, (&template, &cards), id, (1, Some(zone), None));
        house.paper.0.lock().unwrap().sheets.clear();
        house.print(&batch, 9).unwrap();
        let printed: Vec<String> = house.paper.sheets().iter().map(|s| pin_on(s)).collect();
        let first = u64::from(id) * 100;
        confirm(&mut house, &batch, first, first + 1);
        give_back(&mut house, &batch);
        let (_, text) = export(&mut house, &batch);
        let blocks: Vec<&str> = text
            .lines()
            .skip(2)
            .take(2)
            .map(|line| line.split(';').nth(6).unwrap())
            .collect();
        let clear = |block: &&str| format!("untdes {ZPK} {block}");
        let opened: Vec<String> = match format {
            "iso-4" => {
                let question = |(n, block): (u32, &&str)| {
                    let pan = pan(n);
                    format!("iso4 {AES_ZPK} {block} {pan}")
                };
                ask(&(1..).zip(&blocks).map(question).collect::<Vec<_>>())
            }
            _ => {
                let clear = ask(&blocks.iter().map(clear).collect::<Vec<_>>());
                let pin = |(n, block): (u32, &String)| match format {
                    "iso-0" => {
                        let pin = &printed[n as usize - 1];
                        let made = ask(&[format!("iso0 {pin} {}", pan(n))]).remove(0);
                        assert_eq!(&made, block);
                        pin.clone()
                    }
                    "iso-3" => ask(&[format!("iso3 {block} {}", pan(n))]).remove(0),
                    "iso-2" => {
                        let pin = &printed[n as usize - 1];
                        assert_eq!(&ask(&[format!("iso2 {pin}")]).remove(0), block);
                        pin.clone()
                    }
                    _ => {
                        assert_eq!(&block[..2], "14");
                        block[2..6].to_owned()
                    }
                };
                (1..).zip(&clear).map(pin).collect()
            }
        };
        assert_eq!(opened, printed, "{format}");
    }
}
