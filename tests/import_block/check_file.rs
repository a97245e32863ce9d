//! A file is tried before anything is imported: its check value is told, and which
//! convention a wrong one is of; nothing is changed, and tries are few.

use std::path::Path;

use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::Refusal;
use conclave_station::service::ActEnd;
use conclave_trades::target::{CheckFile, CheckFrom, KeyName};

use crate::people::Scene;
use crate::stage::{folder, scene};
use crate::{ZMK, case, enter_zmk, with_zmk};

/// By psec: 00…0F under 01…20.
const D: &str = "D0144P0AB00E0000D7BA8DDCB9579D8292CC3EDFF2B2262D87C2DEAB6B5644350045B7D33FCD104E46A2B1B4E0E60E1C3FAE96625340508DF9D34AF6BA2B7DE5C12400C27FFEC4B3";

const SHA256_OF_D: &str = "71716F1DF0115264087F98C15FB1D02CBF4CD22EE5CDA30858D490912459D9EA";

fn check(scene: &mut Scene, typed: &str, value: &str) -> Result<(bool, Vec<String>), Refusal> {
    let keys = scene.station.keys();
    let id = keys.iter().find(|k| k.label == ZMK).unwrap().id;
    scene.people.forms.remove("check-file");
    scene.people.form(
        "check-file",
        &["typed below", "", typed, value, "usual for the cipher"],
    );
    match scene.station.check_file(id, &mut scene.people)? {
        ActEnd::Done { good, lines, .. } => Ok((good, lines)),
        _ => panic!("it was stopped"),
    }
}

#[test]
fn a_block_is_told_with_its_check_value_and_nothing_is_made() {
    let (_folder, mut scene) = with_zmk();
    let keys = scene.station.keys().len();
    // AES-CMAC of 16 zeros under 00…0F, by openssl.
    let (good, lines) = check(&mut scene, D, "BE7ED6AE78").unwrap();
    assert!(good, "{lines:?}");
    let said = lines.join("\n");
    for part in [
        "TR-31 version D: it opens.",
        "check value BE7ED6",
        "Nothing was changed",
        "P0",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let (good, lines) = check(&mut scene, D, "C6A13B").unwrap();
    assert!(
        !good && lines.join("\n").contains("AES ENC-ZERO"),
        "{lines:?}"
    );
    assert_eq!(scene.station.keys().len(), keys);
}

#[test]
fn an_hmac_key_is_told_with_its_hash_and_its_check_value() {
    let (_folder, mut scene) = with_zmk();
    let (_, [_, _, value, block]) = case(Path::new("tests/imports/good-hmac-sha384.txt"));
    let (good, lines) = check(&mut scene, &block, &value).unwrap();
    let said = lines.join("\n");
    assert!(good, "{said}");
    for part in [
        format!("check value {value} (SHA2VP1)"),
        "The value that was typed is this key's.".into(),
        "HMAC with SHA-384".into(),
    ] {
        assert!(said.contains(&part), "{part}: {said}");
    }
}

#[test]
fn what_does_not_open_counts_as_a_failed_import() {
    let (_folder, mut scene) = with_zmk();
    let bent = D.replace("P0AB", "P0AE");
    // What opens is no try, and neither is what no key is needed for.
    for _ in 0..6 {
        assert!(check(&mut scene, D, "").unwrap().0);
        let (good, lines) = check(&mut scene, "U00112233445566778899AABBCCDDEEFF", "").unwrap();
        assert!(
            !good && lines[0].contains("not under this wrapping key"),
            "{lines:?}"
        );
    }
    for _ in 0..5 {
        let (good, lines) = check(&mut scene, &bent, "").unwrap();
        assert!(
            !good && lines[0].contains("What is wrong is not told"),
            "{lines:?}"
        );
    }
    let refused = check(&mut scene, D, "").unwrap_err();
    assert!(
        refused.happened.contains("within an hour"),
        "{}",
        refused.happened
    );
}

/// Nothing was tried, so it costs no try: a name that was mistyped, a medium that is
/// not there. What was typed stands in the journal by its SHA-256.
#[test]
fn a_file_that_is_not_there_costs_no_try() {
    let (_folder, mut scene) = with_zmk();
    let import = scene.room.stick.folder().join("IMPORT");
    std::fs::create_dir_all(&import).unwrap();
    for name in ["ZPK-2.tr31", "ZPK-1.tr31"] {
        std::fs::write(import.join(name), D).unwrap();
    }
    let keys = scene.station.keys();
    let id = keys.iter().find(|k| k.label == ZMK).unwrap().id;
    // A file is named and From stands as it stood: there is one medium, so it is meant.
    scene.people.forms.remove("check-file");
    let fields = ["typed below", "ZPK-1.tr31", "", "", "usual for the cipher"];
    scene.people.form("check-file", &fields);
    match scene.station.check_file(id, &mut scene.people).unwrap() {
        ActEnd::Done { good, lines, .. } => assert!(good, "{lines:?}"),
        _ => panic!("it was stopped"),
    }
    for _ in 0..7 {
        scene.people.forms.remove("check-file");
        let fields = ["STICK-1", "MISTYPED.tr31", "", "", "usual for the cipher"];
        scene.people.form("check-file", &fields);
        match scene.station.check_file(id, &mut scene.people).unwrap() {
            ActEnd::Done { good, lines, .. } => {
                assert!(
                    !good
                        && lines[0].contains("there is no file MISTYPED.tr31 in IMPORT on STICK-1"),
                    "{lines:?}"
                );
                let advice = "In it are: ZPK-1.tr31, ZPK-2.tr31. Look at the name.";
                assert!(lines.iter().any(|line| line == advice), "{lines:?}");
            }
            _ => panic!("it was stopped"),
        }
    }
    assert!(check(&mut scene, D, "").unwrap().0);
    // The journal's bodies are sealed: these are the words that go into it.
    let act = CheckFile {
        under: KeyName::of(&keys[0]),
        from: CheckFrom::Typed(D.into()),
        value: String::new(),
        method: String::new(),
    };
    // sha256sum of the block, without a line end, in capitals.
    assert!(act.words()[0].contains(SHA256_OF_D), "{:?}", act.words());
}

#[test]
fn a_cryptogram_is_named_by_the_convention_that_gives_the_partners_key() {
    let folder = folder();
    let mut scene = scene(&folder);
    let key: Vec<u8> = [0x01_23_45_67_89_AB_CD_EF_u64, 0xFE_DC_BA_98_76_54_32_10]
        .iter()
        .flat_map(|half| half.to_be_bytes())
        .collect();
    enter_zmk(&mut scene, "zmk-tdes2-variant", &key);
    for (typed, part) in [
        ("UFBDDFE2EF7CF23F1BE3CE647DB918852", "gives the key"),
        ("XFBDDFE2EF7CF23F1BE3CE647DB918852", "scheme U"),
        (
            "C325 C931 2EBD 753F 2FC6 EC3E 21B4 82CB",
            "Atalla variant 1",
        ),
    ] {
        let (good, lines) = check(&mut scene, typed, "B6CBD0").unwrap();
        assert!(lines[0].contains(part), "{lines:?}");
        assert_eq!(good, part == "gives the key");
    }
}
