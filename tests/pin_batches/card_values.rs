//! CVV, CVV2 and iCVV in the output, where a template asks for them; psec judges.

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::pin_card::PinCard;
use conclave_keyroom::domain::pin_key::PinUse;
use conclave_keyroom::door::Action;
use conclave_trades::pin::action::{
    BatchName, CardValuesOut, ExportBatch, Output, PurgeBatch, sheet,
};
use conclave_trades::pin::{ApprovePinTemplate, Template};

use super::judge::ask;
use super::pin_acts::{confirm, export, exporting, give_back, reconcile};
use super::pin_house::{PAIR, PVK, PinHouse, csv, pan, template_text};
use super::refusals::rule;

const CVK: &str = "0123456789ABCDEFFEDCBA9876543210";
const OTHER_CVK: &str = "7CB3A8D0E6F4925B1F2C3D4A5B687986";

/// Cards with expiry and service code, and all three values back.
fn template() -> String {
    template_text("csv-pvv")
        .replace("name = \"csv-pvv\"", "name = \"csv-cvv\"")
        .replace(
            "{ name = \"expiry\", width = 4, optional = true },",
            "{ name = \"expiry\", width = 4 },\n    { name = \"service-code\", width = 3 },",
        )
        + "\n[output.card-values]\nexpiry = \"yymm\"\ncvv = \"yymm\"\ncvv2 = \"mmyy\"\nicvv = \"yymm\"\n"
}

fn cards(batch: &str, count: u32) -> String {
    csv(batch, count).replace(";00;2912;", ";00;2912;201;")
}

fn house() -> PinHouse {
    let mut house = PinHouse::new();
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
    let template = template();
    house
        .act(&ApprovePinTemplate { template }, &admins)
        .unwrap();
    house.room.logout();
    house.room.logon_pin_room();
    house.further_key(5, CVK, ("C0", "C", "N"), KeyForm::Tdes2, "BANKX");
    house
}

#[test]
fn card_values_go_back_where_the_template_asks_and_psec_makes_the_same() {
    let mut house = house();
    let file = house.sealed(cards("B-0001", 4).as_bytes());
    let by = template();
    let act = house.opening_by(&by, "pin-mailer-continuous", &file, 1, (1, None, Some(5)));
    let secret = vec![Secret::take(&mut file.clone())];
    house.act_with(&act, &PAIR, secret).unwrap();
    let batch = act.batch;
    house.forms(&batch, 1, 6);
    house.print(&batch, 4).unwrap();
    confirm(&mut house, &batch, 1, 4);
    give_back(&mut house, &batch);
    let (_, text) = export(&mut house, &batch);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].ends_with(";pin-block;cvv;cvv2;icvv"), "{text}");
    for number in 1..=4 {
        let pan = pan(number);
        let theirs = ask(&[
            format!("cvv {CVK} {pan} 2912 201"),
            format!("cvv {CVK} {pan} 1229 000"),
            format!("cvv {CVK} {pan} 2912 999"),
        ]);
        let line = lines[1 + number as usize];
        assert!(
            line.ends_with(&format!(";;;{}", theirs.join(";"))),
            "{line}"
        );
    }
    // They stand in no record: a card's values are those of its PIN.
    let values = house.card(&batch, 1).values.unwrap();
    assert!(values.pvv.is_some() && values.offset.is_none());
}

/// A batch of four that is printed, confirmed and balanced.
fn balanced(house: &mut PinHouse) -> BatchName {
    let file = house.sealed(cards("B-0001", 4).as_bytes());
    let keys = (1, None, Some(5));
    let act = house.opening_by(&template(), "pin-mailer-continuous", &file, 1, keys);
    let secret = vec![Secret::take(&mut file.clone())];
    house.act_with(&act, &PAIR, secret).unwrap();
    house.forms(&act.batch, 1, 6);
    house.print(&act.batch, 4).unwrap();
    confirm(house, &act.batch, 1, 4);
    give_back(house, &act.batch);
    act.batch
}

fn opened(house: &PinHouse, out: &Output) -> String {
    let stick = house.folder.path().join("stick");
    house.opened(&stick.join(&out.folder).join(&out.file))
}

/// What is confirmed reaches its issuer, and the cards can be purged, whatever
/// became of the batch's key meanwhile: both sign what stands in the columns.
#[test]
fn an_output_leaves_though_the_batchs_card_verification_key_is_out_of_use() {
    let mut house = house();
    house.further_key(6, OTHER_CVK, ("C0", "C", "N"), KeyForm::Tdes2, "BANKX");
    house.further_key(7, OTHER_CVK, ("C0", "C", "N"), KeyForm::Tdes2, "BANKY");
    let batch = balanced(&mut house);
    let own = exporting(&house, &batch);
    house.deactivate(5, 6);

    // What cannot be done is said before an output's number is used up.
    let with = |columns: CardValuesOut| ExportBatch {
        card_values: columns,
        ..own.clone()
    };
    let other = house.released(6);
    let mut renamed = other.clone();
    renamed.kcv = own.batch.name.clone();
    for (columns, why) in [
        (own.card_values.clone(), "is withdrawn for the PIN room"),
        (CardValuesOut::NotAsked, "say what becomes of them"),
        (
            CardValuesOut::Under(house.released(7)),
            "released for batches of BANKY",
        ),
        (
            CardValuesOut::Under(house.released(1)),
            "nothing else (R20)",
        ),
        (CardValuesOut::Under(renamed), "another key on record"),
    ] {
        let told = rule(house.pair(&with(columns)));
        assert!(told.contains(why), "{why}: {told}");
    }
    assert_eq!(house.batch(&batch).outputs, 0);

    // Another key of the issuer: the values are those of that key.
    let under = with(CardValuesOut::Under(other));
    let words = under.words().join("\n");
    assert!(
        words.contains("card values: made under the card verification key BANKX.C0.006"),
        "{words}"
    );
    let out = house.pair(&under).unwrap();
    let text = opened(&house, &out);
    for number in 1..=4 {
        let pan = pan(number);
        let theirs = ask(&[
            format!("cvv {OTHER_CVK} {pan} 2912 201"),
            format!("cvv {OTHER_CVK} {pan} 1229 000"),
            format!("cvv {OTHER_CVK} {pan} 2912 999"),
        ]);
        let line = text.lines().nth(1 + number as usize).unwrap();
        assert!(
            line.ends_with(&format!(";;;{}", theirs.join(";"))),
            "{line}"
        );
    }
    let said = house.batch(&batch).exported.unwrap().card_values.unwrap();
    assert!(said.contains("BANKX.C0.006"), "{said}");
}

#[test]
fn an_output_without_card_values_says_so_and_its_cards_can_be_purged() {
    let mut house = house();
    house.further_key(6, OTHER_CVK, ("C0", "C", "N"), KeyForm::Tdes2, "BANKX");
    let batch = balanced(&mut house);
    house.deactivate(5, 6);
    let act = ExportBatch {
        card_values: CardValuesOut::Empty,
        ..exporting(&house, &batch)
    };
    let words = act.words().join("\n");
    assert!(words.contains("card values: none"), "{words}");
    let out = house.pair(&act).unwrap();
    let text = opened(&house, &out);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].ends_with(";pin-block;cvv;cvv2;icvv"), "{text}");
    for line in &lines[2..6] {
        let fields: Vec<&str> = line.split(';').collect();
        assert_eq!((fields.len(), &fields[7..]), (10, &["", "", ""][..]));
        assert!(fields[2] == "issued" && fields[3].len() == 4, "{line}");
    }
    reconcile(&mut house, &batch);
    let record = house.batch(&batch);
    let signed = house.room.vault().authority().unwrap().clone();
    let list: Vec<PinCard> = (1..=4).map(|n| house.card(&batch, n)).collect();
    let paper = format!("{:?}", sheet(&signed, &record, &list, &[]).blocks);
    assert!(
        paper.contains("Card values of the output: none"),
        "the sheet that both signed: {paper}"
    );
    let purge = PurgeBatch {
        batch: batch.clone(),
        receipt: "R-1 of the issuer".into(),
    };
    assert_eq!(house.pair(&purge).unwrap(), 4);

    // A batch without such columns has nothing to say of them.
    let file = house.sealed(csv("B-0002", 1).as_bytes());
    let plain = house.open("csv-pvv", "pin-mailer-continuous", &file, 2);
    house.forms(&plain, 101, 101);
    house.print(&plain, 1).unwrap();
    confirm(&mut house, &plain, 101, 101);
    let act = ExportBatch {
        card_values: CardValuesOut::Empty,
        ..exporting(&house, &plain)
    };
    assert!(rule(house.pair(&act)).contains("asks for no card values"));
    export(&mut house, &plain);
}

#[test]
fn no_batch_begins_with_a_key_that_ends_before_its_mandate() {
    let mut house = house();
    let file = house.sealed(cards("B-0001", 2).as_bytes());
    let keys = (1, None, Some(5));
    for (at, pin_use) in [(1, PinUse::Pvv), (5, PinUse::Cvv)] {
        let mut short = house.opening_by(&template(), "pin-mailer-continuous", &file, 1, keys);
        let soon = house.released_for(at, pin_use, 1);
        let label = soon.label.clone();
        match at {
            1 => short.pin_key = soon,
            _ => short.cvv_key = Some(soon),
        }
        let secret = vec![Secret::take(&mut file.clone())];
        let told = rule(house.act_with(&short, &PAIR, secret));
        assert!(
            told.starts_with(&label) && told.contains("before this batch may be printed"),
            "{told}"
        );
        house.released_for(at, pin_use, 2);
    }
    let good = house.opening_by(&template(), "pin-mailer-continuous", &file, 1, keys);
    let secret = vec![Secret::take(&mut file.clone())];
    house.act_with(&good, &PAIR, secret).unwrap();
}

#[test]
fn card_values_want_their_own_key_and_a_month() {
    let mut house = house();
    let by = template();
    let file = house.sealed(cards("B-0001", 2).as_bytes());
    let good = house.opening_by(&by, "pin-mailer-continuous", &file, 1, (1, None, Some(5)));
    let secret = || vec![Secret::take(&mut file.clone())];
    let mut act = good.clone();
    act.cvv_key = None;
    assert!(rule(house.act_with(&act, &PAIR, secret())).contains("no key for them"));
    act.cvv_key = Some(good.pin_key.clone());
    assert!(rule(house.act_with(&act, &PAIR, secret())).contains("nothing else (R20)"));
    act.cvv_key = Some(house.further_key(6, PVK, ("C0", "C", "N"), KeyForm::Tdes2, "BANKY"));
    assert!(rule(house.act_with(&act, &PAIR, secret())).contains("batches of BANKY"));
    house.act_with(&good, &PAIR, secret()).unwrap();

    let wrong = cards("B-0002", 2).replacen(";2912;201;", ";2913;2O1;", 1);
    let wrong = house.sealed(wrong.as_bytes());
    let mut reading = house.reading("csv-pvv", "pin-mailer-continuous", &wrong);
    reading.template =
        conclave_trades::pin::action::TemplateName::of(&Template::parse(&by).unwrap(), &by);
    let secret = vec![Secret::take(&mut wrong.clone())];
    let faults = house.act_with(&reading, &[], secret).unwrap().unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[0].contains("expiry is not a month and a year"),
        "{faults:?}"
    );
    assert!(
        faults[1].contains("service-code is not three digits"),
        "{faults:?}"
    );

    // What a template may not say.
    for (from, to, why) in [
        (
            "{ name = \"expiry\", width = 4 }",
            "{ name = \"expiry\", width = 4, optional = true }",
            "expiry in every",
        ),
        (
            "    { name = \"service-code\", width = 3 },",
            "",
            "service code in every",
        ),
        (
            "cvv = \"yymm\"\ncvv2 = \"mmyy\"\nicvv = \"yymm\"\n",
            "",
            "no card value is named",
        ),
        ("cvv2 = \"mmyy\"", "cvv2 = \"ddmm\"", "ddmm"),
    ] {
        let text = by.replace(from, to);
        assert_ne!(text, by, "{from}");
        let told = Template::parse(&text).unwrap_err().to_string();
        assert!(told.contains(why), "{why}: {told}");
    }
}

#[test]
fn form_and_tracking_go_back_where_the_template_asks() {
    let mut house = PinHouse::new();
    let by = template_text("csv-pvv").replace("\"csv-pvv\"", "\"csv-paper\"") + "paper = true\n";
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
    let template = by.clone();
    house
        .act(&ApprovePinTemplate { template }, &admins)
        .unwrap();
    house.room.logout();
    house.room.logon_pin_room();
    let file = house.sealed(csv("B-0001", 3).as_bytes());
    let act = house.opening_by(&by, "pin-mailer-continuous", &file, 1, (1, None, None));
    let secret = vec![Secret::take(&mut file.clone())];
    house.act_with(&act, &PAIR, secret).unwrap();
    let batch = act.batch;
    house.forms(&batch, 41, 46);
    let cancel = conclave_trades::pin::action::CancelCards {
        batch: batch.clone(),
        first: 2,
        last: 2,
        reason: "the issuer asked for it".into(),
    };
    house.pair(&cancel).unwrap();
    house.print(&batch, 3).unwrap();
    confirm(&mut house, &batch, 41, 42);
    give_back(&mut house, &batch);
    let (_, text) = export(&mut house, &batch);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].ends_with(";pin-block;form;tracking"), "{text}");
    // What stands on the paper.
    let sheets = house.paper.sheets();
    for (line, form, sheet) in [(lines[2], 41, &sheets[0]), (lines[4], 42, &sheets[1])] {
        let tracking = super::pin_house::tracking_on(sheet);
        assert!(line.ends_with(&format!(";{form};{tracking}")), "{line}");
    }
    assert!(lines[3].ends_with(";reissue;;;;;;"), "{text}");
    let columns = |line: &str| line.matches(';').count();
    assert!(
        lines[1..5]
            .iter()
            .all(|line| columns(line) == columns(lines[1]))
    );

    // The journal names the window's cards by their places in the file.
    house.room.logout();
    house.room.logon_all(&[GroupId::Auditors]);
    let entries = house.room.vault().read_journal(0).unwrap();
    let bodies = entries.iter().filter_map(|entry| entry.body.as_ref());
    let words: Vec<String> = bodies.flat_map(|body| body.words.clone()).collect();
    assert!(
        words
            .iter()
            .any(|line| line.ends_with("on forms 41 to 42: cards 1, 3")),
        "{words:?}"
    );
}
