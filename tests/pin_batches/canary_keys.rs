//! Where the room's own keys went, the key of a batch, card verification values
//! and what tells a lost PIN from the next one: sealed into the repository, and
//! nowhere else. Offsets of six digits, so that none stands somewhere by chance.

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::pin_marks::{MARKS_KEY_LEN, PinMarks};
use conclave_keyroom::vault::Compartment;
use conclave_keyroom::vault::batch_key::{BATCH_KEY, BATCH_KEY_LEN};
use conclave_trades::pin::ApprovePinTemplate;
use conclave_trades::pin::action::{BatchName, PurgeBatch};

use super::canary::files;
use super::pin_acts::{confirm, export, give_back, reconcile, spoil};
use super::pin_house::{PAIR, PVK, PinHouse, ZPK, hex, pan, template_text};
use super::room::Room;

const CVK: &str = "0123456789ABCDEFFEDCBA9876543210";

/// Cards of fixed width, PINs of six digits, offset and block and two card
/// values back.
fn template() -> String {
    template_text("fixed-offset")
        .replace("name = \"fixed-offset\"", "name = \"fixed-six\"")
        .replace("lengths = [4, 5, 6]", "lengths = [6]")
        + "\n[output.card-values]\nexpiry = \"yymm\"\ncvv2 = \"mmyy\"\nicvv = \"yymm\"\n"
}

fn cards(count: u32) -> String {
    let mut total = 0u128;
    let mut lines = String::new();
    for n in 1..=count {
        let pan = pan(n);
        total += pan.parse::<u128>().unwrap();
        let (holder, reference) = (format!("HOLDER {n:05}"), format!("REF-{n}"));
        lines.push_str(&format!(
            "{pan:<19}0029126 {holder:<30}{:3}{reference:<20}\n",
            ""
        ));
    }
    let total = total % 10u128.pow(16);
    let head = format!(
        "{:<12}{:<10}{count:<6}{total:<16}{:36}",
        "B-SIX", "BANKX", ""
    );
    format!("{head}\n{lines}")
}

type Needles = Vec<(String, Vec<u8>)>;

fn base64(value: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let three = value.chunks_exact(3).flat_map(|three| {
        let bits = three.iter().fold(0u32, |n, byte| n << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift & 63) as usize])
    });
    three.collect()
}

/// A secret as it could stand somewhere.
fn secret(needles: &mut Needles, name: &str, value: &[u8]) {
    let upper: String = value.iter().map(|byte| format!("{byte:02X}")).collect();
    let list: Vec<String> = value.iter().take(8).map(u8::to_string).collect();
    // Half of it is enough.
    let half = value.len() / 2;
    for form in [
        value[..half].to_vec(),
        value[half..].to_vec(),
        upper.as_bytes()[..16].to_vec(),
        upper.to_lowercase().as_bytes()[..16].to_vec(),
        list.join(", ").into_bytes(),
        list.join(",").into_bytes(),
        base64(&value[..12]),
    ] {
        needles.push((name.to_owned(), form));
    }
}

/// Digits of two values that stand beside one another.
fn beside(needles: &mut Needles, name: &str, two: [&str; 2]) {
    for between in ["", ";", " ", ",", ", ", "\",\"", "\n"] {
        let text = two.join(between);
        needles.push((name.to_owned(), text.into_bytes()));
    }
}

/// The station drew the private key of this certificate.
fn draws_the_key_of(drawn: &[Vec<u8>], certificate: &[u8]) -> bool {
    let pairs = drawn.iter().filter(|value| value.len() == 32);
    let mut pairs =
        pairs.filter_map(|value| KeyPair::from_secret(Secret::take(&mut value.clone())).ok());
    pairs.any(|pair| {
        let point = pair.public();
        certificate.windows(point.len()).any(|part| part == point)
    })
}

/// Everything that somebody could find, journal included.
fn haystack(house: &mut PinHouse, repository: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    files(repository, &mut all);
    files(&house.folder.path().join("stick"), &mut all);
    house.room.logout();
    house.room.logon_all(&[GroupId::Auditors]);
    let entries = house.room.vault().read_journal(0).unwrap();
    let words: Vec<String> = entries
        .iter()
        .flat_map(|entry| entry.body.iter().flat_map(|body| body.words.clone()))
        .collect();
    assert!(words.iter().any(|line| line.contains("B-SIX")));
    all.push(("the journal".into(), words.join("\n").into()));
    house.room.logout();
    house.room.logon_pin_room();
    all
}

fn found(needles: &Needles, all: &[(String, Vec<u8>)]) -> Option<String> {
    for (name, bytes) in all {
        for (what, needle) in needles {
            if bytes.windows(needle.len()).any(|part| part == needle) {
                return Some(format!("{what} is in {name}"));
            }
        }
    }
    None
}

#[test]
fn no_key_of_the_room_no_card_value_and_no_check_of_a_lost_pin_is_in_a_file_or_in_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("repository");
    let room = Room::with_pin_room_in(&repository);
    let mut house = PinHouse::in_room(room, PrinterLanguage::Line);
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
    let by = template();
    let approve = ApprovePinTemplate {
        template: by.clone(),
    };
    house.act(&approve, &admins).unwrap();
    house.room.logout();
    house.room.logon_pin_room();
    house.further_key(5, CVK, ("C0", "C", "N"), KeyForm::Tdes2, "BANKX");

    let file = house.sealed(cards(6).as_bytes());
    let keys = (2, Some(3), Some(5));
    let act = house.opening_by(&by, "pin-mailer-continuous", &file, 1, keys);
    let before = house.room.drawn.lock().unwrap().len();
    let taken = vec![Secret::take(&mut file.clone())];
    house.act_with(&act, &PAIR, taken).unwrap();
    let batch: BatchName = act.batch;
    // The key of the batch is among what was drawn, and that of the cards' marks.
    for kind in [BATCH_KEY, PinMarks::KEY_KIND] {
        let of_kind = house.room.vault().of_kind(Compartment::Pins, kind);
        assert_eq!(of_kind.unwrap().0.len(), 1, "{kind}");
    }
    let since = house.room.drawn.lock().unwrap()[before..].to_vec();
    assert_eq!(BATCH_KEY_LEN, MARKS_KEY_LEN);
    let drawn = since.iter().filter(|value| value.len() == BATCH_KEY_LEN);
    assert!(drawn.count() >= 2);

    house.forms(&batch, 1, 12);
    house.print(&batch, 6).unwrap();
    spoil(&mut house, &batch, 3);
    house.print(&batch, 6).unwrap();
    confirm(&mut house, &batch, 1, 2);
    confirm(&mut house, &batch, 4, 7);
    give_back(&mut house, &batch);
    let (_, text) = export(&mut house, &batch);
    reconcile(&mut house, &batch);

    let drawn = house.room.drawn.lock().unwrap().clone();
    let identity = house.identity();
    assert!(draws_the_key_of(&drawn, &identity.input.0));
    assert!(draws_the_key_of(&drawn, &identity.output.0));
    let mut needles = Needles::new();
    for (at, value) in drawn.iter().enumerate() {
        let name = format!("secret {at} of {} bytes", value.len());
        secret(&mut needles, &name, value);
    }
    for (name, key) in [("the PVK", PVK), ("the ZPK", ZPK), ("the CVK", CVK)] {
        secret(&mut needles, name, &hex(key));
    }
    // What tells the torn PIN from the next one of its card.
    let card = house.card(&batch, 3);
    let torn = card.lost[0].check.clone().unwrap();
    let next = card.values.unwrap().offset.unwrap();
    assert!(torn.len() == 6 && torn != next);
    for offset in [&torn, &next] {
        needles.push(("an offset".into(), offset.clone().into_bytes()));
    }
    // Card values, as the issuer reads them.
    let mut lines = 0;
    for line in text.lines().filter(|line| line.contains(";issued;")) {
        let [.., cvv2, icvv] = line.split(';').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        assert_eq!((cvv2.len(), icvv.len()), (3, 3), "{line}");
        beside(&mut needles, "CVV2 and iCVV", [cvv2, icvv]);
        lines += 1;
    }
    assert_eq!(lines, 6);

    let all = haystack(&mut house, &repository);
    assert_eq!(found(&needles, &all), None);
    // The search does find: the issuer's text has both.
    let open = [("the text".to_owned(), text.into_bytes())];
    assert!(found(&needles, &open).is_some());

    let act = PurgeBatch {
        batch,
        receipt: "R-78 of the issuer".into(),
    };
    house.pair(&act).unwrap();
    let of_kind = house.room.vault().of_kind(Compartment::Pins, BATCH_KEY);
    assert!(of_kind.unwrap().0.is_empty());
    let all = haystack(&mut house, &repository);
    assert_eq!(found(&needles, &all), None);
}
