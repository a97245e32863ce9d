//! CVV, CVV2 and iCVV in the output, where a template asks for them; psec judges.

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::domain::form::KeyForm;
use conclave_trades::pin::{ApprovePinTemplate, Template};

use super::job::{confirm, export, give_back};
use super::pin_house::{PAIR, PVK, PinHouse, csv, pan, template_text};
use super::psec::ask;
use super::refusals::rule;

const CVK: &str = "0123456789ABCDEFFEDCBA9876543210";

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
