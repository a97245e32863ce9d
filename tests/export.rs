//! Keys leave the room: through the real door, to sticks that are pulled,
//! full, worn out or not the right ones. An independent implementation reads
//! what arrives.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

#[path = "support/acts.rs"]
mod acts;
#[path = "export/desk.rs"]
mod desk;
#[path = "export/discs.rs"]
mod discs;
#[path = "export/fat.rs"]
mod fat;
#[path = "export/known_value.rs"]
mod known_value;
#[path = "export/mounted.rs"]
mod mounted;
#[path = "export/published.rs"]
mod published;
#[path = "export/published_in.rs"]
mod published_in;
#[path = "support/room.rs"]
mod room;
#[path = "export/sticks.rs"]
mod sticks;
#[path = "export/watched.rs"]
mod watched;

use conclave_evidence::{GroupId, Hash, Id, verify_path};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, KeyState, RsaFacts, WrappingMethod};
use conclave_keyroom::door::{DoorError, Refusal};
use conclave_trades::target::{BundleState, ExportKeys, FileReceipt, Receipt, unwrapping};
use desk::*;
use room::START_MS;

#[test]
fn under_an_aes_zone_master_key_both_kinds_of_keys_leave_as_version_d() {
    let mut desk = Desk::new();
    let zmk = desk.key("BANK-LAKE.ZMK.001", KeyForm::Aes256, "K0");
    let aes = desk.key("BANK-LAKE.ZPK.001", KeyForm::Aes128, "P0");
    let tdes = desk.key("BANK-LAKE.ZPK.002", KeyForm::Tdes2, "P0");
    let act = desk.plan(&[&aes, &tdes], &zmk);
    let out = desk.export(&act).unwrap();

    assert_eq!(out.folder, "CONCLAVE-0001-TEST");
    assert_eq!(
        out.files,
        [
            "BANK-LAKE.ZPK.001.tr31",
            "BANK-LAKE.ZPK.002.tr31",
            "runsheet.txt",
            "receipt-form.txt",
            "authority.cbor",
            "manifest.txt",
            "manifest.cbor",
        ]
    );
    let kbpk = desk.act(&Tell { key: zmk.id }, &[]).unwrap();
    for (record, header) in [(&aes, "DP0ABE"), (&tdes, "DP0TBE")] {
        let clear = desk.act(&Tell { key: record.id }, &[]).unwrap();
        let block = desk.file(&out, &format!("{}.tr31", record.label));
        assert_eq!(psec(&kbpk, &block), (clear.clone(), header.to_owned()));
        // No file tells the key, and none the one above it.
        for name in &out.files {
            let text = String::from_utf8_lossy(&desk.file(&out, name)).to_uppercase();
            assert!(!text.contains(&clear) && !text.contains(&kbpk), "{name}");
        }
    }

    let report = verify_path(&desk.folder.join(&out.folder));
    assert!(report.ok(), "{:?}", report.failure());
    let sheet = String::from_utf8(desk.file(&out, "runsheet.txt")).unwrap();
    for word in ["CONCLAVE-0001-TEST", &zmk.kcv.words(), &aes.kcv.words()] {
        assert!(sheet.contains(word), "{sheet}");
    }
    assert!(sheet.lines().all(|line| line.len() <= 80), "{sheet}");

    let exports = desk.record(&aes).exports;
    assert_eq!(exports.len(), 1);
    assert_eq!(
        (exports[0].bundle, exports[0].format.as_str()),
        (1, "tr31-d")
    );
    let register = desk.register(1);
    assert_eq!(register.state, BundleState::Written);
    assert_eq!(register.manifest, Some(out.digest));
    assert_eq!(desk.next(), 2);
}

#[test]
fn a_tdes_zone_master_key_writes_version_b_and_carries_no_more_than_its_strength() {
    let mut desk = Desk::new();
    let zmk = desk.key("BANK.ZMK.002", KeyForm::Tdes2, "K0");
    let tdes = desk.key("BANK.ZPK.001", KeyForm::Tdes2, "P0");
    let act = desk.plan(&[&tdes], &zmk);
    let out = desk.export(&act).unwrap();
    let kbpk = desk.act(&Tell { key: zmk.id }, &[]).unwrap();
    let clear = desk.act(&Tell { key: tdes.id }, &[]).unwrap();
    let block = desk.file(&out, "BANK.ZPK.001.tr31");
    assert_eq!(psec(&kbpk, &block), (clear, "BP0TBE".to_owned()));

    let aes = desk.key("BANK.ZPK.003", KeyForm::Aes128, "P0");
    let act = desk.plan(&[&tdes, &aes], &zmk);
    assert!(rule(desk.export(&act)).contains("not wrapped under TDES (R6)"));
    let triple = desk.key("BANK.ZPK.004", KeyForm::Tdes3, "P0");
    let act = desk.plan(&[&triple], &zmk);
    assert!(rule(desk.export(&act)).contains("weaker"));
    // Refused before it began: no number was used, nothing was written.
    assert_eq!((desk.next(), desk.on_stick()), (2, 1));
}

#[test]
fn one_approval_short_is_not_enough_of_either_group() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let act = desk.plan(&[&key], &zmk);
    for (signers, short) in [
        ([&MANAGERS[..1], &APPROVERS].concat(), GroupId::KeyManagers),
        ([&MANAGERS, &APPROVERS[..1]].concat(), GroupId::Approvers),
    ] {
        let result = desk.act(&act, &signers);
        let Err(DoorError::Refused(Refusal::TooFew { group, have, need })) = result else {
            panic!("not refused");
        };
        assert_eq!((group, have, need), (short, 1, 2));
    }
    // Part of a ceremony that has no mandate.
    let in_ceremony = ExportKeys {
        ceremony: Some(Id([0xCE; 16])),
        ..act
    };
    assert!(matches!(
        desk.export(&in_ceremony),
        Err(DoorError::Refused(Refusal::NoMandate))
    ));
    assert_eq!((desk.next(), desk.on_stick()), (1, 0));
}

#[test]
fn only_active_exportable_keys_leave_and_only_as_they_were_approved() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let good = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let early = desk.key_with("A.ZMK.2", KeyForm::Aes128, "K0", |k| {
        k.state = KeyState::PreActivation;
    });
    let void = desk.key_with("A.ZPK.2", KeyForm::Aes128, "P0", |k| {
        k.state = KeyState::Void
    });
    let fixed = desk.key_with("A.ZPK.3", KeyForm::Aes128, "P0", |k| {
        k.exportability = "N".into();
    });
    let old = desk.key_with("A.ZPK.4", KeyForm::Aes128, "P0", |k| {
        k.expires_ms = START_MS - 1;
    });
    let device_name = desk.key("NUL.ZPK", KeyForm::Aes128, "P0");
    let bent = desk.key_with("A.ZMK.3", KeyForm::Aes128, "K0", |k| {
        k.wrapping = Some(WrappingMethod::Tr31B);
    });
    for (key, under, part) in [
        (&good, &early, "pre-activation"),
        (&void, &zmk, "void"),
        (&fixed, &zmk, "not exportable"),
        (&old, &zmk, "cryptoperiod"),
        (&device_name, &zmk, "plain file name"),
        (&good, &bent, "wrapping method"),
        (&good, &void, "key-encryption key"),
        (&zmk, &zmk, "under itself"),
    ] {
        let act = desk.plan(&[key], under);
        let said = rule(desk.export(&act));
        assert!(said.contains(part), "{said}");
    }
    let mut other = desk.plan(&[&good], &zmk);
    other.keys[0].label = "A.ZPK.9".into();
    assert!(rule(desk.export(&other)).contains("not the key that was approved"));
    let mut twice = desk.plan(&[&good, &good], &zmk);
    assert!(rule(desk.export(&twice)).contains("twice"));
    twice.keys.clear();
    assert!(rule(desk.export(&twice)).contains("1 to"));
    let mut steering = desk.plan(&[&good], &zmk);
    steering.recipient = "Bank\u{1b}@".into();
    assert!(rule(desk.export(&steering)).contains("recipient"));
    let mut elsewhere = desk.plan(&[&good], &zmk);
    elsewhere.serial = "S-2".into();
    assert!(rule(desk.export(&elsewhere)).contains("not the medium"));
    assert_eq!((desk.next(), desk.on_stick()), (1, 0));
}

/// R21: after the originator's usage period a key wraps nothing and opens what came under
/// it, until the recipient's ends; replaced before that, likewise. With one period it does
/// neither.
#[test]
fn a_key_with_a_recipients_period_opens_what_it_wraps_no_more() {
    const DAY: u64 = 86_400_000;
    let mut desk = Desk::new();
    let good = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let mut key = |label: &str, state: KeyState, until: Option<u64>| {
        desk.key_with(label, KeyForm::Aes128, "K0", |k| {
            k.state = state;
            k.expires_ms = START_MS + 10 * DAY;
            k.recipient_until_ms = until.map(|days| START_MS + days * DAY);
        })
    };
    let one = key("A.ZMK.1", KeyState::Active, None);
    let two = key("A.ZMK.2", KeyState::Active, Some(30));
    let replaced = key("A.ZMK.3", KeyState::Deactivated, Some(30));
    let out = key("A.ZMK.4", KeyState::Deactivated, None);
    let held = key("A.ZMK.5", KeyState::Suspended, Some(30));
    let lost = key("A.ZMK.6", KeyState::Compromised, Some(30));
    let opens = |key: &KeyRecord, day: u64| unwrapping(key, START_MS + day * DAY).is_ok();
    for (key, days) in [
        (&one, [true, true, false, false]),
        (&two, [true, true, true, false]),
        (&replaced, [true, true, true, false]),
        (&out, [false; 4]),
        (&held, [false; 4]),
        (&lost, [false; 4]),
    ] {
        let found = [0, 10, 30, 31].map(|day| opens(key, day));
        assert_eq!(found, days, "{}", key.label);
    }
    // Before the end it wraps; after it the door refuses it, by what it is.
    desk.room.clock.set(START_MS + 11 * DAY);
    let act = desk.plan(&[&good], &two);
    let said = rule(desk.export(&act));
    assert!(
        said.contains("opens what came under it, and makes nothing new"),
        "{said}"
    );
    let act = desk.plan(&[&good], &replaced);
    let said = rule(desk.export(&act));
    assert!(said.contains("not active"), "{said}");
    let act = desk.plan(&[&good], &one);
    let said = rule(desk.export(&act));
    assert!(said.contains("cryptoperiod"), "{said}");
    desk.room.clock.set(START_MS + 9 * DAY);
    let act = desk.plan(&[&good], &two);
    desk.export(&act).unwrap();
}

/// Of a pair, the first digits of the fingerprint or the whole of it; a wrong digit
/// anywhere is a difference.
#[test]
fn a_receipt_may_have_the_whole_fingerprint_of_a_pair() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Tdes2, "K0");
    let pair = desk.key_with("A.PAIR.1", KeyForm::Tdes2, "P0", |k| {
        k.rsa = Some(RsaFacts {
            bits: 2048,
            exponent: 65537,
            spki: Vec::new().into(),
            fingerprint: Hash([0xA5; 32]),
            generation: 1,
            predecessor: None,
            in_components: false,
        });
    });
    let act = desk.plan(&[&pair], &zmk);
    let out = desk.export(&act).unwrap();
    let whole = "A5".repeat(32);
    let wrong = format!("{}A6", "A5".repeat(31));
    for (seen, same) in [(&whole[..], true), (&whole[..16], true), (&wrong, false)] {
        let act = FileReceipt {
            receipt: Receipt {
                bundle: out.number,
                manifest: out.digest.to_string().to_uppercase(),
                received_by: "J. Weber".into(),
                keys: vec![("A.PAIR.1".into(), seen.into())],
            },
        };
        let received = desk.act(&act, &MANAGERS).unwrap();
        assert_eq!(received.differs.is_empty(), same, "{:?}", received.differs);
    }
}
