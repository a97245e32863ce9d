//! Keys of a channel leave in generations; psec reads the blocks.

use std::path::PathBuf;
use std::process::Command;

use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::secret::{RandomError, RandomSource, Secret};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, KeyRecord, KeyState, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;
use conclave_trades::target::{
    Order, RecordSystem, Sheet, SheetRow, TargetError, parse_target_profile, target,
};

use super::room::Room;

struct System;

impl RandomSource for System {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        let mut file = std::fs::File::open("/dev/urandom").unwrap();
        std::io::Read::read_exact(&mut file, buf)
            .map_err(|e| RandomError::Unavailable(e.to_string()))
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

fn key(label: &str, form: KeyForm, usage: &str, mode: &str) -> (KeyRecord, Secret) {
    let clear = System.secret_bytes(form.bytes()).unwrap();
    let method = match form.is_tdes() {
        true => Method::TdesZero,
        false => Method::AesCmac,
    };
    let kcv = Kcv::compute(method, clear.expose()).unwrap();
    let record = KeyRecord {
        id: Id([label.len() as u8; 16]),
        label: label.into(),
        form,
        usage: usage.into(),
        mode_of_use: mode.into(),
        exportability: "E".into(),
        template: "test v1".into(),
        kcv: CheckValue {
            value: kcv.hex(),
            method: kcv.method().to_string(),
        },
        state: KeyState::Active,
        provider: "test".into(),
        ceremony: Id([0; 16]),
        created_ms: 1_772_000_000_000,
        expires_ms: 1_835_000_000_000,
        recipient_until_ms: None,
        wrapping: (usage == "K0").then(|| WrappingMethod::of(form)),
        components: Vec::new(),
        source: Default::default(),
        rsa: None,
        successor: None,
        exports: Vec::new(),
        begun_under: std::collections::BTreeSet::new(),
        others: Vec::new(),
        reissued: None,
        compromise: None,
    };
    (record, clear)
}

pub fn settings(changes: &[(&str, &str)]) -> Settings {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/targets/web-pin.toml");
    let profile = parse_target_profile(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut settings = Settings {
        profile,
        ..Settings::default()
    };
    let usual = [
        ("channel", "RETAIL"),
        ("key-prefix", "WEB.RETAIL."),
        ("generation", "3"),
        ("from", "2026-12-01"),
        ("former-until", "2026-12-15"),
    ];
    for (name, value) in usual.iter().chain(changes) {
        match value.is_empty() {
            true => settings.values.remove(*name),
            false => settings.values.insert((*name).into(), (*value).into()),
        };
    }
    settings.check().unwrap();
    settings
}

/// What psec finds in a block: the key and the first bytes of the header.
fn psec(under: &Secret, text: &str) -> String {
    const READ: &str = "import sys\nfrom psec.tr31 import KeyBlock\n\
        block = KeyBlock(bytes.fromhex(sys.argv[1]))\n\
        print(block.unwrap(sys.argv[2]).hex().upper())";
    let python = std::env::var_os("CONCLAVE_ORACLES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".oracles"),
        Into::into,
    );
    let run = Command::new(python.join("bin/python3"))
        .args(["-W", "ignore", "-c", READ, &hex(under.expose()), text])
        .output()
        .expect("psec: run ./scripts/test, which installs it");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    String::from_utf8(run.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_generation_leaves_with_its_list_and_psec_reads_the_blocks() {
    let web = target("web-pin").unwrap();
    let settings = settings(&[]);
    let (under, wrapping) = key("WEB.RETAIL.KEK.001", KeyForm::Aes256, "K0", "B");
    let keys = [
        key("WEB.RETAIL.ZPK.003", KeyForm::Aes128, "P0", "B"),
        key("WEB.RETAIL.DATA.003", KeyForm::Aes256, "D0", "B"),
        key("WEB.RETAIL.MAC.003", KeyForm::Tdes2, "M3", "C"),
    ];
    let mut made = Vec::new();
    for (record, clear) in &keys {
        web.check(record, &under, &settings).unwrap();
        let payloads = web
            .export(
                record,
                clear,
                &under,
                &wrapping,
                Order {
                    settings: &settings,
                    at_ms: 0,
                },
                &mut System,
            )
            .unwrap();
        let text = String::from_utf8(payloads[0].bytes.clone()).unwrap();
        assert!(text.starts_with('D') && text[5..7] == record.usage);
        assert_eq!(psec(&wrapping, &text), hex(clear.expose()));
        made.push(payloads);
    }
    let rows = |keys: &'static [usize]| -> Vec<usize> { keys.to_vec() };
    let sheet = |chosen: Vec<usize>| Sheet {
        folder: "CONCLAVE-0001-TEST",
        mode: "TEST",
        recipient: "Internet banking",
        under: &under,
        settings: &settings,
        made_ms: 1_772_000_000_000,
        rows: chosen
            .into_iter()
            .map(|at| SheetRow {
                key: &keys[at].0,
                payloads: &made[at],
            })
            .collect(),
    };
    let companions = web.companions(&sheet(rows(&[0, 1, 2]))).unwrap();
    let list: serde_json::Value = serde_json::from_slice(&companions[0].file.bytes).unwrap();
    assert_eq!(companions[0].file.name, "rotation.json");
    assert_eq!(list["channel"], "RETAIL");
    assert_eq!(
        (&list["generation"], &list["from"]),
        (&3.into(), &"2026-12-01".into())
    );
    assert_eq!(list["former"]["generation"], 2);
    assert_eq!(list["former"]["taken_until"], "2026-12-15");
    assert_eq!(list["certificate"], serde_json::Value::Null);
    assert_eq!(companions.len(), 1, "no certificate on record, none sent");
    let ids: Vec<&str> = (0..3)
        .map(|at| list["keys"][at]["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids,
        ["RETAIL.PIN.0003", "RETAIL.DATA.0003", "RETAIL.MAC.0003"]
    );
    assert_eq!(list["keys"][0]["check_value"], keys[0].0.kcv.value);
    let text = web.run_sheet(&sheet(rows(&[0, 1, 2])));
    for said in [
        "generation 3",
        "From 2026-12-01 on",
        "Until 2026-12-15, take generation 2 too",
        "WEB.RETAIL.ZPK.003.tr31  ->  RETAIL.PIN.0003",
        "to be completed by the customer",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    // No file tells a key.
    for (_, clear) in &keys {
        assert!(!text.contains(&hex(clear.expose())));
    }
    // One key for each use.
    let twice = web.companions(&sheet(rows(&[0, 0])));
    assert!(matches!(twice, Err(TargetError::Rule { .. })));
}

#[test]
fn what_is_no_key_of_the_channel_or_of_the_generation_stays() {
    let web = target("web-pin").unwrap();
    let (under, _) = key("WEB.RETAIL.KEK.001", KeyForm::Aes256, "K0", "B");
    let (foreign, _) = key("BANK-LAKE.ZMK.001", KeyForm::Aes256, "K0", "B");
    let pin = |label: &str, usage: &str| key(label, KeyForm::Aes128, usage, "B").0;
    let good = pin("WEB.RETAIL.ZPK.003", "P0");
    for (record, under, changes, why) in [
        (
            &pin("WEB.RETAIL.ZPK.002", "P0"),
            &under,
            &[][..],
            "not of generation 3",
        ),
        (
            &pin("WEB.RETAIL.ZPK", "P0"),
            &under,
            &[],
            "not of generation 3",
        ),
        (
            &pin("WEB.STAFF.ZPK.003", "P0"),
            &under,
            &[],
            "no key of the channel",
        ),
        (&good, &foreign, &[], "no wrapping key of the channel"),
        (
            &pin("WEB.RETAIL.CVK.003", "C0"),
            &under,
            &[],
            "a channel has none",
        ),
        (
            &pin("WEB.RETAIL.PVK.003", "V2"),
            &under,
            &[],
            "a channel has none",
        ),
        (
            &good,
            &under,
            &[("key-prefix", "WEB.RETAIL")],
            "ends with a dot",
        ),
        (&good, &under, &[("from", "2026-02-30")], "no date"),
        (
            &good,
            &under,
            &[("former-until", "2026-11-30")],
            "0 to 92 days",
        ),
        (
            &good,
            &under,
            &[("former-until", "2027-03-04")],
            "0 to 92 days",
        ),
        (&good, &under, &[("former-until", "")], "0 to 92 days"),
        (
            &good,
            &under,
            &[("generation", "1")],
            "there is none to be taken",
        ),
    ] {
        match web.check(record, under, &settings(changes)) {
            Err(TargetError::Rule { rule, .. }) => assert!(rule.contains(why), "{why}: {rule}"),
            other => panic!("{why}: {other:?}"),
        }
    }
    // As records were before: a digest that was typed, and no file.
    let mut older = settings(&[]);
    older.values.insert("certificate".into(), "AB".repeat(32));
    assert!(older.check().unwrap_err().contains("comes as a file"));
    match web.check(&good, &under, &older) {
        Err(TargetError::Rule { rule, .. }) => assert!(rule.contains("by its digest alone")),
        other => panic!("{other:?}"),
    }
    let first = settings(&[("generation", "1"), ("former-until", "")]);
    let (record, _) = key("WEB.RETAIL.ZPK.001", KeyForm::Aes128, "P0", "B");
    assert_eq!(web.check(&record, &under, &first), Ok(()));
}

#[test]
fn two_channels_share_neither_name_nor_labels() {
    let mut room = Room::in_memory();
    room.logon_all(&[GroupId::Administrators]);
    let people = room.members(GroupId::Administrators);
    let administrators = [people[0], people[1]].map(|name| (name, GroupId::Administrators));
    let mut record = |id: u8, name: &str, changes: &[(&str, &str)]| {
        let act = RecordSystem {
            id: Id([id; 16]),
            name: name.into(),
            settings: settings(changes),
            by: Vec::new(),
        };
        let done = room.perform_with(&act, &administrators);
        done.map(drop).map_err(|e| e.to_string())
    };
    record(1, "Internet banking", &[]).unwrap();
    record(1, "Internet banking", &[("from", "2026-12-02")]).unwrap();
    // A generation is corrected or followed by the next; none comes back.
    for (generation, why) in [("2", "generation 3 is on record"), ("5", "the next is 4")] {
        let told = record(1, "Internet banking", &[("generation", generation)]).unwrap_err();
        assert!(told.contains(why), "{generation}: {told}");
    }
    let told = record(1, "Internet banking", &[("channel", "SHOP")]).unwrap_err();
    assert!(told.contains("a channel keeps its name"), "{told}");
    record(1, "Internet banking", &[("generation", "4")]).unwrap();
    let told = record(1, "Internet banking", &[]).unwrap_err();
    assert!(told.contains("generation 4 is on record"), "{told}");
    for (changes, why) in [
        (&[("key-prefix", "WEB.OTHER.")][..], "the channel RETAIL"),
        (&[("channel", "APP")], "labels that begin with"),
        (
            &[("channel", "APP"), ("key-prefix", "WEB.")],
            "labels that begin with",
        ),
        (
            &[("channel", "APP"), ("key-prefix", "WEB.RETAIL.APP.")],
            "labels that begin with",
        ),
    ] {
        let told = record(2, "App", changes).unwrap_err();
        assert!(told.contains(why), "{changes:?}: {told}");
    }
    record(2, "App", &[("channel", "APP"), ("key-prefix", "WEB.APP.")]).unwrap();
}
