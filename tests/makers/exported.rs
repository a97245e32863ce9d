//! Through the door: a system on record, its files read by the other
//! implementation, its run sheet, and what it refuses.

use std::collections::BTreeMap;

use conclave_evidence::{Id, verify_path};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::legacy::LegacyException;
use conclave_keyroom::domain::target_system::{Settings, TargetSystem};
use conclave_keyroom::door::Action;
use conclave_trades::target::store::ExportKeyStore;
use conclave_trades::target::{
    ExportKeys, ExportedBundle, RecordSystem, SystemName, parse_target_profile, settings_digest,
};

use crate::desk::{ADMINISTRATORS, Desk, Tell, rule};
use crate::{ask, hex, unhex};

/// The record of a system of this profile with these values, as it is proposed.
pub fn proposed(desk: &mut Desk, profile: &str, values: &[(&str, &str)]) -> RecordSystem {
    let text = std::fs::read_to_string(format!("profiles/targets/{profile}.toml")).unwrap();
    desk.count += 1;
    RecordSystem {
        id: Id([0x60 + desk.count; 16]),
        name: format!("BANK-LAKE {}", desk.count),
        settings: Settings {
            profile: parse_target_profile(&text).unwrap(),
            values: values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>(),
            ..Settings::default()
        },
        by: Vec::new(),
    }
}

/// Records a system of this profile with these values.
pub fn system(desk: &mut Desk, profile: &str, values: &[(&str, &str)]) -> TargetSystem {
    let act = proposed(desk, profile, values);
    desk.act(&act, &ADMINISTRATORS).unwrap()
}

/// An exception of 90 days.
pub fn why(desk: &Desk, reason: &str) -> LegacyException {
    LegacyException::lasting(reason.into(), 90, desk.room.vault().clock().wall_ms())
}

pub fn plan(
    desk: &Desk,
    system: &TargetSystem,
    keys: &[&KeyRecord],
    under: &KeyRecord,
) -> ExportKeys {
    let exception = under.wrapping.is_some_and(WrappingMethod::is_exception);
    ExportKeys {
        recipient: system.name.clone(),
        target: system.target().to_owned(),
        system: Some(SystemName::of(system)),
        exception: exception.then(|| why(desk, "their system takes no key blocks")),
        ..desk.plan(keys, under)
    }
}

fn zmk(desk: &mut Desk, label: &str, form: KeyForm, method: WrappingMethod) -> KeyRecord {
    desk.key_with(label, form, "K0", |record| record.wrapping = Some(method))
}

pub fn clear(desk: &mut Desk, key: &KeyRecord) -> String {
    desk.act(&Tell { key: key.id }, &[]).unwrap()
}

pub fn text(desk: &Desk, out: &ExportedBundle, name: &str) -> String {
    String::from_utf8(desk.file(out, name)).unwrap()
}

/// What holds of every bundle: it verifies, tells no key, and its sheet fits.
pub fn sound(desk: &mut Desk, out: &ExportedBundle, keys: &[&KeyRecord]) {
    let report = verify_path(&desk.folder.join(&out.folder));
    assert!(report.ok(), "{:?}", report.failure());
    let sheet = text(desk, out, "runsheet.txt");
    let long = sheet.lines().find(|line| line.chars().count() > 80);
    assert!(long.is_none(), "{long:?}");
    assert!(!sheet.contains('{'), "{sheet}");
    for key in keys {
        let value = clear(desk, key);
        assert!(sheet.contains(&key.kcv.words()), "{sheet}");
        for name in &out.files {
            let held = String::from_utf8_lossy(&desk.file(out, name)).to_uppercase();
            assert!(!held.contains(&value), "{name}");
        }
    }
}

#[test]
fn payshield_in_schemes_u_t_x_y() {
    let mut desk = Desk::new();
    let two = desk.key("BANK-LAKE.ZPK.001", KeyForm::Tdes2, "P0");
    let three = desk.key("BANK-LAKE.DATA.001", KeyForm::Tdes3, "D0");
    for (method, letters) in [
        (WrappingMethod::ThalesVariant, ["U", "T"]),
        (WrappingMethod::X917, ["X", "Y"]),
    ] {
        let label = format!("BANK-LAKE.ZMK.{}", letters[0]);
        let under = zmk(&mut desk, &label, KeyForm::Tdes3, method);
        let system = system(
            &mut desk,
            "payshield",
            &[
                ("zmk-token", "U0A26760BD07871026B6702C5F9BA25B3"),
                ("header", "HEAD"),
            ],
        );
        let act = plan(&desk, &system, &[&two, &three], &under);
        let out = desk.export(&act).unwrap();
        sound(&mut desk, &out, &[&two, &three, &under]);
        let kek = clear(&mut desk, &under);
        let commands = text(&desk, &out, "hostcmds.txt");
        for ((key, letter), kind) in [&two, &three].iter().zip(letters).zip(["001", "00A"]) {
            let token = text(&desk, &out, &format!("{}.txt", key.label));
            assert!(token.starts_with(letter), "{token}");
            let answer = ask(&[format!("E\t{letter}\t{kek}\t{}", &token[1..])]);
            assert_eq!(answer[0][0], clear(&mut desk, key));
            let scheme = if letter == "U" || letter == "X" {
                'U'
            } else {
                'T'
            };
            let line = format!("HEADA6{kind}U0A26760BD07871026B6702C5F9BA25B3{token}{scheme}%00");
            assert!(commands.lines().any(|l| l == line), "{commands}");
        }
        let older = text(&desk, &out, "hostcmds-old.txt");
        let codes: Vec<&str> = older.lines().map(|l| &l[..7]).collect();
        assert_eq!(codes, ["HEADFAU", "HEADFK0"], "{older}");
        let sheet = text(&desk, &out, "runsheet.txt");
        for word in [
            "key type 001",
            "ZPK",
            "hostcmds-old",
            "10  parity of the ZMK",
        ] {
            assert!(sheet.contains(word), "{word}: {sheet}");
        }
    }
}

#[test]
fn payshield_in_key_blocks_of_both_versions() {
    let mut desk = Desk::new();
    let zpk = desk.key("BANK-LAKE.ZPK.001", KeyForm::Tdes2, "P0");
    let aes = desk.key("BANK-LAKE.DATA.001", KeyForm::Aes128, "D0");
    let system = system(
        &mut desk,
        "payshield",
        &[("lmk", "key-block"), ("lmk-id", "03")],
    );
    for (form, keys, digit) in [
        (KeyForm::Tdes2, vec![&zpk], '0'),
        (KeyForm::Tdes3, vec![&zpk], '0'),
        (KeyForm::Aes256, vec![&zpk, &aes], '1'),
    ] {
        let under = zmk(
            &mut desk,
            &format!("ZMK.{form}"),
            form,
            WrappingMethod::ThalesBlock,
        );
        let act = plan(&desk, &system, &keys, &under);
        let out = desk.export(&act).unwrap();
        sound(&mut desk, &out, &keys);
        let kek = clear(&mut desk, &under);
        for key in &keys {
            let block = text(&desk, &out, &format!("{}.txt", key.label));
            let answer = ask(&[format!("S\t{kek}\t{block}")]);
            assert_eq!(answer[0][0], clear(&mut desk, key), "{block}");
            let usage = if key.usage == "P0" { "72TB" } else { "22AB" };
            assert!(block.starts_with(&format!("S{digit}")) && block[6..].starts_with(usage));
            assert_eq!(&block[15..17], "FF");
        }
        let commands = text(&desk, &out, "hostcmds.txt");
        assert!(commands.starts_with("0001A6FFF<ZMK>S"), "{commands}");
        assert!(commands.lines().all(|l| l.ends_with("S%03")), "{commands}");
    }
}

#[test]
fn atalla_in_blocks_and_variants() {
    let mut desk = Desk::new();
    let zpk = desk.key("BANK-LAKE.ZPK.001", KeyForm::Tdes2, "P0");
    let imk = desk.key_with("BANK-LAKE.IMK.001", KeyForm::Tdes2, "E2", |record| {
        record.mode_of_use = "X".into();
        record.exportability = "S".into();
    });
    let line = ("import-line", "<11B#{variant}#{header}#>");
    let system = system(&mut desk, "atalla", &[line]);
    let under = zmk(
        &mut desk,
        "BANK-LAKE.KEK.001",
        KeyForm::Tdes2,
        WrappingMethod::AtallaAkb,
    );
    let act = plan(&desk, &system, &[&zpk, &imk], &under);
    let out = desk.export(&act).unwrap();
    sound(&mut desk, &out, &[&zpk, &imk]);
    let kek = clear(&mut desk, &under);
    for (key, header) in [(&zpk, "1PUNE000"), (&imk, "1MENS00M")] {
        let block = text(&desk, &out, &format!("{}.akb", key.label));
        let answer = ask(&[format!("A\t{kek}\t{block}")]);
        assert_eq!(answer[0], [clear(&mut desk, key), header.to_owned()]);
    }
    let sheet = text(&desk, &out, "runsheet.txt");
    assert!(
        sheet.contains(&format!("check digits {}", &zpk.kcv.value[..4])),
        "{sheet}"
    );

    let under = zmk(
        &mut desk,
        "BANK-LAKE.KEK.002",
        KeyForm::Tdes2,
        WrappingMethod::AtallaVariant,
    );
    let act = plan(&desk, &system, &[&zpk], &under);
    let out = desk.export(&act).unwrap();
    sound(&mut desk, &out, &[&zpk]);
    let (kek, value) = (clear(&mut desk, &under), clear(&mut desk, &zpk));
    let answer = ask(&[format!("V\t1\t{kek}\t{value}")]);
    assert_eq!(answer[0][0], text(&desk, &out, "BANK-LAKE.ZPK.001.txt"));
    assert_eq!(hex(&unhex(&answer[0][0])), answer[0][0]);
    let sheet = text(&desk, &out, "runsheet.txt");
    assert!(sheet.contains("<11B#1#1PUNE000#>"), "{sheet}");
    let act = plan(&desk, &system, &[&imk], &under);
    assert!(rule(desk.export(&act)).contains("no variant for usage E2"));
}

/// A block of its own text, short padding and a changed table stand in no form that
/// approvers fill in: they read them in the words of the export.
#[test]
fn approvers_read_what_the_record_of_a_system_says() {
    let mut desk = Desk::new();
    let key = desk.key("BANK-LAKE.ZPK.001", KeyForm::Tdes2, "P0");
    let under = desk.key("BANK-LAKE.ZMK.001", KeyForm::Tdes2, "K0");
    let values = [("given-blocks", "KV=0001"), ("padding", "short")];
    let mut record = system(&mut desk, "tr31", &values);
    let act = plan(&desk, &record, &[&key], &under);
    let digest = settings_digest(&record.settings).to_string();
    let store = ExportKeyStore {
        bundle: 1,
        keys: Vec::new(),
        kinds: Vec::new(),
        recipient: act.recipient.clone(),
        target: act.target.clone(),
        system: act.system.clone(),
        holders: Vec::new(),
        medium: act.medium,
        medium_name: act.medium_name.clone(),
        serial: act.serial.clone(),
        exception: None,
    };
    for words in [act.words().join("\n"), store.words().join("\n")] {
        for part in [
            "Optional blocks with a text of their own: KV=0001",
            "Padding: short",
            &digest,
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
        assert!(!words.contains("NOT THE ONE"), "{words}");
    }
    let mut hidden = act.clone();
    hidden.system.as_mut().unwrap().says.remove(0);
    assert!(rule(desk.export(&hidden)).contains("not the one that was approved"));
    assert_eq!(desk.on_stick(), 0);
    desk.export(&act).unwrap();

    // The same name and version, another text.
    record
        .settings
        .profile
        .text
        .insert("load".into(), vec!["anything".into()]);
    let name = record.name.clone();
    let change = RecordSystem {
        id: record.id,
        name,
        settings: record.settings.clone(),
        by: Vec::new(),
    };
    let said = SystemName::of(&record).says.join("\n");
    let other = settings_digest(&record.settings).to_string();
    assert_ne!(other, digest);
    for words in [change.words().join("\n"), said] {
        for part in [
            "IS NOT THE ONE THAT CAME WITH THE PROGRAM",
            "text load",
            &other,
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }
}

/// A and C are made under keys that make nothing else, and the act says why.
#[test]
fn deprecated_key_blocks_leave_as_an_exception_of_the_act() {
    let mut desk = Desk::new();
    let key = desk.key("BANK-LAKE.ZPK.001", KeyForm::Tdes2, "P0");
    let record = system(&mut desk, "tr31", &[]);
    for (method, letter) in [(WrappingMethod::Tr31A, 'A'), (WrappingMethod::Tr31C, 'C')] {
        let label = format!("BANK-LAKE.ZMK.{letter}");
        let under = desk.key_with(&label, KeyForm::Tdes2, "K0", |k| k.wrapping = Some(method));
        let mut act = plan(&desk, &record, &[&key], &under);
        let signed = act.exception.take().unwrap();
        let said = rule(desk.export(&act));
        assert!(
            said.contains("TR-31 A or C") && said.contains("18-3"),
            "{said}"
        );
        act.exception = Some(signed.clone());
        assert!(act.words().join("\n").contains(&signed.reason));
        let out = desk.export(&act).unwrap();
        let block = text(&desk, &out, "BANK-LAKE.ZPK.001.tr31");
        assert!(block.starts_with(letter), "{block}");
        assert!(text(&desk, &out, "manifest.txt").contains(&signed.reason));
        let sheet = text(&desk, &out, "runsheet.txt");
        assert!(sheet.contains("EXCEPTION, deprecated version"), "{sheet}");
    }
    let under = desk.key("BANK-LAKE.ZMK.001", KeyForm::Tdes2, "K0");
    let mut act = plan(&desk, &record, &[&key], &under);
    act.exception = Some(why(&desk, "just in case"));
    assert!(rule(desk.export(&act)).contains("needs no exception"));
}

/// Each names the rule; nothing is on the stick but what was exported before.
#[test]
fn what_the_makers_systems_refuse() {
    let mut desk = Desk::new();
    let two = desk.key("BANK-LAKE.ZPK.001", KeyForm::Tdes2, "P0");
    let three = desk.key("BANK-LAKE.DATA.001", KeyForm::Tdes3, "D0");
    let aes = desk.key("BANK-LAKE.DATA.002", KeyForm::Aes128, "D0");
    let odd = desk.key("BANK-LAKE.ODD.001", KeyForm::Tdes2, "M6");
    let variant = zmk(
        &mut desk,
        "ZMK.U",
        KeyForm::Tdes2,
        WrappingMethod::ThalesVariant,
    );
    let block = zmk(
        &mut desk,
        "ZMK.S",
        KeyForm::Tdes2,
        WrappingMethod::ThalesBlock,
    );
    let akb = zmk(
        &mut desk,
        "KEK.A",
        KeyForm::Tdes2,
        WrappingMethod::AtallaAkb,
    );
    let tr31 = desk.key("ZMK.B", KeyForm::Tdes2, "K0");
    let of_variants = system(&mut desk, "payshield", &[]);
    let of_blocks = system(&mut desk, "payshield", &[("lmk", "key-block")]);
    let atalla = system(&mut desk, "atalla", &[]);
    for (system, key, under, word) in [
        (&of_variants, &three, &variant, "is weaker than"),
        (&of_blocks, &three, &block, "is weaker than"),
        (&atalla, &three, &akb, "is weaker than"),
        (&of_blocks, &aes, &block, "not wrapped under TDES (R6)"),
        (&of_variants, &aes, &variant, "not wrapped under TDES (R6)"),
        (&of_variants, &two, &block, "(error A1)"),
        (&of_variants, &odd, &variant, "no key type for usage M6"),
        (&of_blocks, &odd, &block, "takes usage M6"),
        (&atalla, &aes, &akb, "carries TDES keys"),
        (&atalla, &odd, &akb, "no header for usage M6"),
        (&atalla, &two, &tr31, "tr31-b"),
        (&of_variants, &two, &akb, "atalla-akb"),
    ] {
        let act = plan(&desk, system, &[key], under);
        let said = rule(desk.export(&act));
        assert!(said.contains(word), "{word}: {said}");
    }
    let mut act = plan(&desk, &of_variants, &[&two], &variant);
    act.exception = None;
    assert!(rule(desk.export(&act)).contains("PCI PIN 18-3"));
    assert_eq!(desk.on_stick(), 0);
}

/// Under a master key of the other side: off unless the record allows it, and
/// under the pair of the key's type alone.
#[test]
fn under_an_lmk_and_an_mfk_as_a_legacy_exception() {
    let mut desk = Desk::new();
    let zpk = desk.key("BANK-LAKE.ZPK.001", KeyForm::Tdes2, "P0");
    let cvk = desk.key("BANK-LAKE.CVK.001", KeyForm::Tdes2, "C0");
    let zones = zmk(
        &mut desk,
        "LMK.0607",
        KeyForm::Tdes2,
        WrappingMethod::ThalesLmk,
    );
    let cards = zmk(
        &mut desk,
        "LMK.1415",
        KeyForm::Tdes2,
        WrappingMethod::ThalesLmk,
    );
    let mfk = zmk(
        &mut desk,
        "MFK.001",
        KeyForm::Tdes3,
        WrappingMethod::AtallaMfk,
    );
    let pairs = [("lmk-06-07", "LMK.0607"), ("lmk-14-15", "LMK.1415")];
    let closed = system(&mut desk, "payshield-lmk", &pairs);
    let act = plan(&desk, &closed, &[&zpk], &zones);
    assert!(rule(desk.export(&act)).contains("does not allow"));
    let allowed = ("master-key", "allowed");
    let open = system(&mut desk, "payshield-lmk", &[pairs[0], pairs[1], allowed]);
    let act = plan(&desk, &open, &[&cvk], &zones);
    assert!(rule(desk.export(&act)).contains("that is LMK.1415"));

    // Variant 0 of 06-07, and variant 4 of 14-15.
    for (key, under, variant, kind) in [(&zpk, &zones, 0, "001"), (&cvk, &cards, 0xDE, "402")] {
        let act = plan(&desk, &open, &[key], under);
        let out = desk.export(&act).unwrap();
        sound(&mut desk, &out, &[key]);
        let mut lmk = unhex(&clear(&mut desk, under));
        lmk[0] ^= variant;
        let token = text(&desk, &out, &format!("{}.txt", key.label));
        let answer = ask(&[format!("E\tU\t{}\t{}", hex(&lmk), &token[1..])]);
        assert_eq!(answer[0][0], clear(&mut desk, key), "{token}");
        let sheet = text(&desk, &out, "runsheet.txt");
        assert!(sheet.contains(&format!("type {kind}")) && sheet.contains("LEGACY EXCEPTION"));
    }

    let closed = system(&mut desk, "atalla", &[]);
    let act = plan(&desk, &closed, &[&zpk], &mfk);
    assert!(rule(desk.export(&act)).contains("does not allow"));
    let open = system(&mut desk, "atalla", &[allowed]);
    let act = plan(&desk, &open, &[&zpk], &mfk);
    let out = desk.export(&act).unwrap();
    sound(&mut desk, &out, &[&zpk]);
    let block = text(&desk, &out, "BANK-LAKE.ZPK.001.akb");
    let master = clear(&mut desk, &mfk);
    let answer = ask(&[format!("A\t{master}\t{block}")]);
    assert_eq!(answer[0][0], clear(&mut desk, &zpk));
}

#[test]
fn nshield_as_input_of_an_unwrap_call() {
    let mut desk = Desk::new();
    let aes = desk.key("BANK-LAKE.DATA.001", KeyForm::Aes128, "D0");
    let tdes = desk.key("BANK-LAKE.ZPK.001", KeyForm::Tdes3, "P0");
    let under = zmk(
        &mut desk,
        "WORLD.KEK.001",
        KeyForm::Aes256,
        WrappingMethod::AesKwp,
    );
    let world = system(&mut desk, "nshield", &[("protect", "module")]);
    let act = plan(&desk, &world, &[&aes, &tdes], &under);
    let out = desk.export(&act).unwrap();
    sound(&mut desk, &out, &[&aes, &tdes]);
    let kek = clear(&mut desk, &under);
    for key in [&aes, &tdes] {
        let wrapped = desk.file(&out, &format!("{}.kwp", key.label));
        let answer = ask(&[format!("K\t{kek}\t{}", hex(&wrapped))]);
        assert_eq!(answer[0][0], clear(&mut desk, key));
    }
    // Each key has what its type wants; what lies clear nowhere is no way in.
    let sheet = text(&desk, &out, "runsheet.txt");
    let plain = sheet.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in [
        "CKA_KEY_TYPE CKK_AES;",
        "CKA_KEY_TYPE CKK_DES3;",
        "protection: module",
        "takes no new TDES keys",
        "which is a CMAC",
        "Have the world make it",
    ] {
        assert!(plain.contains(word), "{word}: {sheet}");
    }
    assert!(!plain.contains("pemreadfile"), "{sheet}");
    for (key, kind) in [(&aes, "CKK_AES"), (&tdes, "CKK_DES3")] {
        let json: serde_json::Value =
            serde_json::from_str(&text(&desk, &out, &format!("{}.json", key.label))).unwrap();
        assert_eq!(json["template"]["CKA_KEY_TYPE"], kind);
        assert_eq!(json["template"]["CKA_EXTRACTABLE"], false);
        assert_eq!(json["template"]["CKA_ENCRYPT"], true);
        let zeros = if kind == "CKK_AES" { "Z" } else { "ZD" };
        let answer = ask(&[format!("{zeros}\t{}", clear(&mut desk, key))]);
        assert_eq!(json["CKA_CHECK_VALUE"], answer[0][0]);
    }
    // Where the record allows a clear import, the sheet tells what it means.
    let allows = [("protect", "module"), ("clear-import", "allowed")];
    let careless = system(&mut desk, "nshield", &allows);
    let act = plan(&desk, &careless, &[&aes], &under);
    let out = desk.export(&act).unwrap();
    let sheet = text(&desk, &out, "runsheet.txt");
    let plain = sheet.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in ["WARNING", "in CLEAR", "pemreadfile=", "protect=module"] {
        assert!(plain.contains(word), "{word}: {sheet}");
    }
    let odd = desk.key("BANK-LAKE.ODD.001", KeyForm::Aes128, "E5");
    let act = plan(&desk, &world, &[&odd], &under);
    assert!(rule(desk.export(&act)).contains("no attributes for usage E5"));
}
