//! What administrators took back: a template, an issuer. And what people type
//! is no way for a card number into the journal.

use std::fs;

use conclave_crypto::secret::Secret;
use conclave_crypto::x509::cms::Recipient;
use conclave_evidence::{Bytes, GroupId, Hash};
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::pin_seen::Reading;
use conclave_keyroom::door::Action;
use conclave_trades::ceremony::state::Player;
use conclave_trades::pin::action::{ExportBatch, SpoilMailer};
use conclave_trades::pin::{
    ApprovePinTemplate, BarPinPartner, MakePinIdentity, RecordPinPartner, Template,
    WithdrawPinTemplate,
};
use conclave_trades::print::WithdrawLayout;

use super::pin_acts::{confirm, export, exporting, give_back};
use super::pin_house::{
    PAIR, PinHouse, Plant, approval_of, csv, digest, layout_text, openssl, pan, sample_of,
    template_text,
};
use super::refusals::rule;

/// Administrators come, do this, and the pair is back.
fn as_administrators<A: Action>(house: &mut PinHouse, act: &A) {
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
    house.act(act, &admins).unwrap();
    house.room.logout();
    house.room.logon_pin_room();
}

#[test]
fn only_the_template_approved_last_and_not_withdrawn_opens_a_batch() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 3).as_bytes());
    let under_way = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&under_way, 1, 10);
    let file = house.sealed(csv("B-0002", 2).as_bytes());
    let old = house.opening("csv-pvv", "pin-mailer-continuous", &file, 2);
    let newer = template_text("csv-pvv").replace("runs = true", "runs = false");
    house.room.clock.pass(1_000);
    as_administrators(
        &mut house,
        &ApprovePinTemplate {
            template: newer.clone(),
        },
    );
    let secret = || vec![Secret::take(&mut file.clone())];
    let told = rule(house.act_with(&old, &PAIR, secret()));
    assert!(told.contains("a newer one was approved"), "{told}");
    let reading = house.reading("csv-pvv", "pin-mailer-continuous", &file);
    let told = rule(house.act_with(&reading, &[], secret()));
    assert!(told.contains("a newer one was approved"), "{told}");
    // What was opened before goes on by its own.
    assert_eq!(house.print(&under_way, 2).unwrap().sent, 2);

    let template = Template::parse(&newer).unwrap();
    let mut act = old.clone();
    act.template = conclave_trades::pin::action::TemplateName::of(&template, &newer);
    let withdraw = WithdrawPinTemplate {
        digest: act.template.digest,
        name: "csv-pvv".into(),
        reason: "its denied list was wrong".into(),
    };
    as_administrators(&mut house, &withdraw);
    for act in [&act, &old] {
        let told = rule(house.act_with(act, &PAIR, secret()));
        assert!(told.contains("was withdrawn"), "{told}");
    }
    assert_eq!(house.print(&under_way, 2).unwrap().sent, 1);
    // Approved anew, it opens batches again.
    as_administrators(&mut house, &ApprovePinTemplate { template: newer });
    house.act_with(&act, &PAIR, secret()).unwrap();
}

/// A layout that can be read through after all prints nothing more, by a batch
/// under way neither; what was printed stays as it is.
#[test]
fn a_withdrawn_layout_prints_no_further_mailer() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 3).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 1, 10);
    assert_eq!(house.print(&batch, 1).unwrap().sent, 1);
    let text = layout_text("pin-mailer-continuous");
    let withdraw = WithdrawLayout {
        digest: digest(text.as_bytes()),
        name: "pin-mailer-continuous".into(),
        reason: "the digits can be read by a torch from the side".into(),
    };
    as_administrators(&mut house, &withdraw);
    let told = rule(house.print(&batch, 1));
    assert!(told.contains("is not approved on this station"), "{told}");
    let now = house.batch(&batch);
    assert_eq!((now.cards.waiting.count(), now.cards.sent.count()), (2, 1));
    assert_eq!(house.paper.sheets().len(), 1);
    // Who withdraws it again is told that there is nothing.
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
    let told = rule(house.act(&withdraw, &admins));
    assert!(told.contains("no layout pin-mailer-continuous"), "{told}");
    // Its version stays its own: no other text takes it.
    let other = approval_of(format!("{text}\n# another text\n"));
    let told = rule(house.act(&other, &admins));
    assert!(told.contains("is another text"), "{told}");
    // The page that was looked at is the old paper's.
    let approve = approval_of(text);
    let told = rule(house.act(&approve, &admins));
    assert!(told.contains("no page of X's"), "{told}");
    house.act(&Plant::Sample(sample_of(&approve)), &[]).unwrap();
    let mut older = approve.clone();
    older.printed_ms -= 1;
    let told = rule(house.act(&older, &admins));
    assert!(told.contains("printed last"), "{told}");
    as_administrators(&mut house, &approve);
    assert_eq!(house.print(&batch, 2).unwrap().sent, 2);
}

/// A shipped layout leaves the paper open; as long as it does, nobody approves it.
#[test]
fn a_layout_that_names_no_paper_is_not_approved() {
    let mut house = PinHouse::new();
    let text = std::fs::read_to_string("keymailer-layouts/pin-mailer-laser.toml").unwrap();
    let approve = approval_of(text);
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
    let told = rule(house.act(&approve, &admins));
    assert!(
        told.contains("the stock of this layout is not named"),
        "{told}"
    );
}

#[test]
fn nothing_comes_from_a_barred_issuer_and_nothing_goes_to_it() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 1).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 1, 2);
    house.print(&batch, 1).unwrap();
    confirm(&mut house, &batch, 1, 1);
    give_back(&mut house, &batch);
    let file = house.sealed(csv("B-0002", 2).as_bytes());
    let act = house.opening("csv-pvv", "pin-mailer-continuous", &file, 2);
    let bar = BarPinPartner {
        id: house.partner.id,
        issuer: house.partner.issuer.clone(),
        signer: house.partner.signer.fingerprint,
        reason: "its signing key was copied".into(),
    };
    as_administrators(&mut house, &bar);
    let secret = vec![Secret::take(&mut file.clone())];
    let told = rule(house.act_with(&act, &PAIR, secret));
    assert!(told.contains("BANKX is barred"), "{told}");
    let leaving: ExportBatch = exporting(&house, &batch);
    let told = rule(house.pair(&leaving));
    assert!(told.contains("BANKX is barred"), "{told}");
    assert_eq!(house.batch(&batch).outputs, 0, "no output was begun");
}

/// Who lifts a bar signs why it was set, and the key that was in other hands signs
/// no file any more, under whatever certificate.
#[test]
fn a_bar_is_lifted_by_a_new_key_and_by_people_who_read_why_it_was_set() {
    let mut house = PinHouse::new();
    let why = "its signing key was copied";
    let bar = BarPinPartner {
        id: house.partner.id,
        issuer: house.partner.issuer.clone(),
        signer: house.partner.signer.fingerprint,
        reason: why.into(),
    };
    as_administrators(&mut house, &bar);
    let at = house.folder.path().to_owned();
    openssl(
        &at,
        "req -x509 -key bank.key -out again.pem -days 200 -subj /O=BANKX/CN=again",
    );
    openssl(
        &at,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout new.key -out new.pem -days 200 -subj /O=BANKX/CN=new",
    );
    house.room.clock.pass(120_000);
    let record = |house: &PinHouse, signer: &str, lifts: Option<&str>| {
        let signer = fs::read(at.join(signer)).unwrap();
        let signer = Recipient::read(&signer).unwrap();
        let by = ["Ada", "Ben"].map(|name| Player {
            id: house.room.holder(name).person.id,
            name: name.into(),
            group: GroupId::Administrators,
            reports_to: String::new(),
        });
        RecordPinPartner {
            id: house.partner.id,
            issuer: house.partner.issuer.clone(),
            signer: Bytes(signer.certificate().to_vec()),
            signer_fingerprint: Hash(signer.facts().fingerprint),
            recipient: house.partner.recipient.der.clone(),
            recipient_fingerprint: house.partner.recipient.fingerprint,
            by: by.to_vec(),
            lifts: lifts.map(Into::into),
        }
    };
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
    for lifts in [None, Some("it was a mistake")] {
        let act = record(&house, "new.pem", lifts);
        let told = rule(house.act(&act, &admins));
        assert!(told.contains("is not what was signed"), "{told}");
    }
    for same in ["bank.pem", "again.pem"] {
        let act = record(&house, same, Some(why));
        let told = rule(house.act(&act, &admins));
        assert!(told.contains("barred with this signing key"), "{told}");
    }
    let act = record(&house, "new.pem", Some(why));
    assert!(act.words().join("\n").contains(why));
    let partner = house.act(&act, &admins).unwrap();
    assert!(partner.barred.is_none());
}

#[test]
fn an_output_is_signed_by_what_its_issuer_knew_when_the_batch_was_opened() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 1).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.room.clock.pass(1_000);
    house.pair(&MakePinIdentity { generation: 2 }).unwrap();
    house.forms(&batch, 1, 2);
    house.print(&batch, 1).unwrap();
    confirm(&mut house, &batch, 1, 1);
    give_back(&mut house, &batch);
    // openssl verifies with the certificate of generation 1 alone.
    let (_, text) = export(&mut house, &batch);
    assert!(text.ends_with("count;1;1;0\n"), "{text}");
}

#[test]
fn a_card_number_in_a_reason_is_refused_and_in_no_journal() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 1).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 1, 2);
    house.print(&batch, 1).unwrap();
    let spaced: Vec<String> = pan(1)
        .as_bytes()
        .chunks(4)
        .map(|four| String::from_utf8_lossy(four).into_owned())
        .collect();
    for number in [pan(1), spaced.join(" "), spaced.join("-")] {
        let act = SpoilMailer {
            batch: batch.clone(),
            first: 1,
            last: 1,
            loss: Loss::Damaged,
            reading: Reading::Nothing,
            reason: format!("the mailer of {number} was torn"),
        };
        let told = rule(house.pair(&act));
        assert!(told.contains("a number like a card's"), "{told}");
    }
    house.room.logout();
    house.room.logon_all(&[GroupId::Auditors]);
    let entries = house.room.vault().read_journal(0).unwrap();
    let bodies = entries.iter().filter_map(|entry| entry.body.as_ref());
    let words: Vec<String> = bodies.flat_map(|body| body.words.clone()).collect();
    assert!(words.iter().any(|line| line.contains("reason: left out")));
    for line in words {
        let digits: String = line.chars().filter(char::is_ascii_digit).collect();
        assert!(!digits.contains(&pan(1)), "{line}");
    }
}
