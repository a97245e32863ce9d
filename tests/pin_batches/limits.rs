//! How many PINs are replaced: the template says what the pair decides alone, and
//! beyond it administrators sign beside the pair.

use conclave_evidence::GroupId;
use conclave_keyroom::domain::pin_batch::Limits;
use conclave_trades::pin::Template;
use conclave_trades::pin::action::{BatchName, RaiseLimits, sheet};

use super::pin_acts::{confirm, export, give_back, spoil};
use super::pin_house::{OPERATOR, PAIR, PinHouse, SUPERVISOR, csv, template_text};
use super::refusals::rule;

pub const ALL: [(&str, GroupId); 4] = [
    OPERATOR,
    SUPERVISOR,
    ("Ada", GroupId::Administrators),
    ("Ben", GroupId::Administrators),
];

fn limits(tries: u16, replacements: u32) -> Limits {
    Limits {
        tries,
        replacements,
    }
}

fn opened(own: Limits) -> (PinHouse, BatchName) {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 12).as_bytes());
    let mut act = house.opening("csv-pvv", "pin-mailer-continuous", &file, 1);
    let secret = || vec![conclave_crypto::secret::Secret::take(&mut file.clone())];
    for beyond in [limits(3, 11), limits(4, 10), limits(5, 12)] {
        act.limits = beyond;
        let told = rule(house.act_with(&act, &PAIR, secret()));
        assert!(
            told.contains("3 PINs for a card and 10 replacements in a batch of 12 cards"),
            "{told}"
        );
    }
    act.limits = own;
    house.act_with(&act, &PAIR, secret()).unwrap();
    let batch = act.batch;
    house.forms(&batch, 1, 20);
    (house, batch)
}

#[test]
fn what_goes_beyond_the_pair_is_signed_by_administrators_too() {
    let (mut house, batch) = opened(limits(3, 1));
    house.print(&batch, 3).unwrap();
    assert_eq!(spoil(&mut house, &batch, 1).again, 1);
    assert_eq!(spoil(&mut house, &batch, 2).reissued, 1);
    let record = house.batch(&batch);
    let good = RaiseLimits::of(&record, limits(4, 3), " the ribbon tore twice ");
    let told = house.act(&good, &ALL).unwrap_err().to_string();
    assert!(told.contains("administrators are not logged on"), "{told}");
    house.room.logon(GroupId::Administrators, &["Ada", "Ben"]);
    // Neither the pair alone, nor with one of two, nor administrators alone.
    for few in [&ALL[..2], &ALL[..3], &ALL[1..], &ALL[2..]] {
        let told = house.act(&good, few).unwrap_err().to_string();
        assert!(told.contains("approvals"), "{told}");
    }
    let with = |to, replaced, reason: &str| RaiseLimits {
        to,
        replaced,
        reason: reason.into(),
        ..good.clone()
    };
    for (wrong, why) in [
        (with(limits(3, 1), 1, "torn"), "no higher limits"),
        (with(limits(2, 3), 1, "torn"), "no higher limits"),
        (with(limits(3, 0), 1, "torn"), "no higher limits"),
        (with(limits(3, 13), 1, "torn"), "no higher limits"),
        (with(limits(6, 3), 1, "torn"), "1 to 5 PINs"),
        (with(limits(0, 3), 1, "torn"), "1 to 5 PINs"),
        (with(limits(4, 3), 0, "torn"), "went on since"),
        (with(limits(4, 3), 1, " "), "a reason has 3 to 200"),
        (with(limits(4, 3), 1, "4111111111111111"), "a card's"),
        (
            with(limits(4, 3), 1, "\u{3c7}\u{3ac}\u{3b8}"),
            "cannot print",
        ),
    ] {
        let told = rule(house.act(&wrong, &ALL));
        assert!(told.contains(why), "{why}: {told}");
    }
    assert_eq!(house.batch(&batch), record);
    house.act(&good, &ALL).unwrap();
    rule(house.act(&good, &ALL));
    let record = house.batch(&batch);
    assert_eq!(record.limits, limits(4, 3));
    assert_eq!(record.raised[0].signed.people.len(), 4);
    assert_eq!(record.raised[0].reason, "the ribbon tore twice");

    // The one that was given up stays so; the next gets another PIN.
    assert_eq!(record.cards.cancelled.count(), 1);
    assert_eq!(spoil(&mut house, &batch, 3).again, 1);
    while house.print(&batch, 4).is_ok() {}
    confirm(&mut house, &batch, 4, 14);
    give_back(&mut house, &batch);
    export(&mut house, &batch);
    let over = RaiseLimits::of(&house.batch(&batch), limits(5, 9), "too late");
    assert!(rule(house.act(&over, &ALL)).contains("the output has left"));
    let authority = house.room.vault().authority().unwrap().clone();
    let text = format!("{:?}", sheet(&authority, &house.batch(&batch), &[], &[]));
    assert!(text.contains("PINs for a card 3 to 4, replacements 1 to 3"));
    assert!(text.contains("the ribbon tore twice"), "{text}");
}

#[test]
fn a_template_says_what_the_pair_decides() {
    let text = template_text("csv-pvv");
    let of = |more: &str| Template::parse(&format!("{text}\n[replacement]\n{more}"));
    let most = |template: &Template, cards| {
        let Limits {
            tries,
            replacements,
        } = template.replacement.of(cards);
        (tries, replacements)
    };
    let usual = Template::parse(&text).unwrap();
    for (cards, is) in [(4, 4), (12, 10), (200, 10), (220, 11), (10_000, 500)] {
        assert_eq!(most(&usual, cards), (3, is));
    }
    let strict = of("tries = 2\nbatch = 0\npercent = 1").unwrap();
    assert_eq!(most(&strict, 99), (2, 0));
    assert_eq!(most(&strict, 100_000), (2, 1000));
    for wrong in [
        "tries = 0",
        "tries = 6",
        "percent = 101",
        "batch = -1",
        "card = 3",
    ] {
        assert!(of(wrong).is_err(), "{wrong}");
    }
}
