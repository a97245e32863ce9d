//! Key blocks that partners made, through the whole station: those of the
//! standards, of a payShield and of psec are taken; whatever is wrong with one
//! is refused, named where that helps nobody else, and tries are few.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "import_block/check_file.rs"]
mod check_file;
#[path = "import_block/letters.rs"]
mod letters;
#[path = "import_block/malformed.rs"]
mod malformed;
#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;
#[path = "import_block/two_periods.rs"]
mod two_periods;
#[path = "support/typist.rs"]
mod typist;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::domain::key::KeySource;
use conclave_keyroom::ports::dialogue::Answer;
use people::{Scene, done};
use stage::{STAFF, copy, folder, scene};
use tempfile::TempDir;
use typist::{Typist, sum, unhex};

const ENTRY: &str = "enter-components.toml";
const IMPORT: &str = "import-block.toml";
const ZMK: &str = "PARTNER.ZMK.001";
const LABEL: &str = "PARTNER.KEY.001";

/// Enters a wrapping key of this value in two components.
fn enter_zmk(scene: &mut Scene, template: &str, key: &[u8]) {
    let first: Vec<u8> = (0..key.len()).map(|n| (n * 31 + 7) as u8).collect();
    let parts = vec![first.clone(), sum(&[first, key.to_vec()])];
    let method = match template.contains("aes") {
        true => Method::AesCmac,
        false => Method::TdesZero,
    };
    let value = Kcv::compute(method, key).unwrap().hex();
    scene.people.at = Typist::new(parts, &value).at();
    let fields = [
        ZMK,
        template,
        "2",
        "PARTNER",
        "none",
        "on each component",
        "usual for the cipher",
    ];
    let title = done(scene.ceremony(ENTRY, &fields));
    assert!(
        title.ends_with("done"),
        "{title}: {:?}",
        scene.people.refusals
    );
    scene.people.at = Box::new(|_, _| None);
}

/// Types block and value; a second time it is given up, so that one failure is
/// one try.
fn import(scene: &mut Scene, template: &str, profile: &str, value: &str, block: &str) -> String {
    import_as(scene, [template, profile, value, block], "")
}

/// The same, with the reason why there is no key block.
fn import_as(
    scene: &mut Scene,
    [template, profile, value, block]: [&str; 4],
    exception: &str,
) -> String {
    let (value, block) = (value.to_owned(), block.to_owned());
    scene.people.refusals.clear();
    scene.people.at = Box::new(move |prompt, times| match prompt.code.as_str() {
        "import.ready" if prompt.refused.is_some() => Some(Answer::Abort),
        code if code.starts_with("combine.") && !code.ends_with(".card") => {
            let _ = times;
            Some(Answer::Word(value.clone()))
        }
        "import.block" | "import.block.again" => Some(Answer::Word(block.clone())),
        _ => None,
    });
    let fields = [
        LABEL,
        template,
        ZMK,
        "PARTNER",
        profile,
        "usual for the cipher",
        "typed by two",
        exception,
        "90",
    ];
    let title = done(scene.ceremony(IMPORT, &fields));
    scene.people.at = Box::new(|_, _| None);
    title
}

fn told(scene: &Scene) -> String {
    scene.people.refusals.join("\n")
}

/// A station with the AES wrapping key 01 to 20 (hex) of the files.
fn with_zmk() -> (TempDir, Scene) {
    static BASE: OnceLock<TempDir> = OnceLock::new();
    let base = BASE.get_or_init(|| {
        let folder = folder();
        let mut scene = scene(&folder);
        enter_zmk(&mut scene, "zmk-aes256", &(1..=32).collect::<Vec<u8>>());
        scene.station.logout("logged out").unwrap();
        folder
    });
    let folder = TempDir::new().unwrap();
    copy(base.path(), folder.path());
    let mut scene = Scene::open(folder.path(), STAFF);
    // Serials of the base are used up.
    scene.people.serial = 5000;
    scene.logon_both();
    (folder, scene)
}

/// A case of a file: its first line, profile, template, value, block.
fn case(path: &Path) -> (String, [String; 4]) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let head = lines.next().unwrap().trim_start_matches("# ").to_owned();
    let mut words = lines.next().unwrap().split(' ').map(str::to_owned);
    let mut word = || words.next().unwrap();
    let (profile, template, value) = (word(), word(), word());
    (
        head,
        [profile, template, value, lines.next().unwrap().to_owned()],
    )
}

fn cases(folder: &str) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    all.sort();
    all
}

/// Blocks of TR-31, of ISO 20038, of a payShield: the vector, the wrapping
/// key's template, the key's template, its check value.
const PUBLISHED: [(&str, &str, &str, &str); 6] = [
    ("P-TR31-001", "zmk-tdes2", "k0n-tdes2", "5C9405"),
    ("P-TR31-002", "zmk-tdes2", "k0n-tdes2", "5C9405"),
    ("P-TR31-004", "zmk-tdes2", "p0e-tdes2", "57C409"),
    ("P-TR31-007", "zmk-aes256", "p0e-aes128", "08793E"),
    ("P-TR31-008", "zmk-aes256", "bdk-tdes2", "FF5087"),
    ("ISO 20038", "zmk-aes256", "b0v-tdes2", ""),
];

fn vector(id: &str) -> (Vec<u8>, String, Vec<u8>) {
    let text = std::fs::read_to_string("tests/vectors/tr31.json").unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    let all = all.as_array().unwrap();
    let one = all.iter().find(|v| v["id"] == id).unwrap();
    let field = |of: &str, name: &str| one[of][name].as_str().unwrap().to_owned();
    (
        unhex(&field("inputs", "kbpk")),
        field("inputs", "key_block"),
        unhex(&field("expected", "key")),
    )
}

/// ISO 20038:2017, B.2: version E.
fn iso() -> (Vec<u8>, String, Vec<u8>) {
    (
        b"256-bit AES wrapping (ISO 20038)".to_vec(),
        "E0084B0TV16N0000B2AE5E26BBA7F246E84D5EA24167E208A6B66EF2E27E55A52DB52F0AEACB94C57547"
            .to_owned(),
        b"wrapped 3DES key".to_vec(),
    )
}

fn template(folder: &Path, name: &str, form: &str, usage: &str, mode: &str) {
    let keys = folder.join("keys");
    std::fs::create_dir_all(&keys).unwrap();
    let in_components = usage == "K0";
    let text = format!(
        "name = \"{name}\"\nversion = 1\ntitle = \"{name}\"\nform = \"{form}\"\nusage = \"{usage}\"\n\
         mode_of_use = \"{mode}\"\nexportability = \"E\"\ncryptoperiod_days = 365\n\
         in_components = {in_components}\n"
    );
    std::fs::write(keys.join(format!("{name}.toml")), text).unwrap();
}

#[test]
fn published_blocks_of_versions_a_to_e_are_taken() {
    for (id, zmk, key_template, value) in PUBLISHED {
        let folder = folder();
        template(folder.path(), "k0n-tdes2", "TDES-2", "K0", "N");
        template(folder.path(), "p0e-tdes2", "TDES-2", "P0", "E");
        template(folder.path(), "p0e-aes128", "AES-128", "P0", "E");
        template(folder.path(), "b0v-tdes2", "TDES-2", "B0", "V");
        let mut scene = scene(&folder);
        let (kbpk, block, key) = if id.starts_with("ISO") {
            iso()
        } else {
            vector(id)
        };
        enter_zmk(&mut scene, zmk, &kbpk);
        let aes = key_template.contains("aes");
        let method = if aes {
            Method::AesCmac
        } else {
            Method::TdesZero
        };
        let own = Kcv::compute(method, &key).unwrap().hex();
        let value = if value.is_empty() { &own } else { value };
        let title = import(&mut scene, key_template, "payshield", value, &block);
        assert!(title.ends_with("done"), "{id}: {title}: {}", told(&scene));
        let record = scene
            .station
            .keys()
            .into_iter()
            .find(|k| k.label == LABEL)
            .unwrap();
        assert_eq!(
            (record.state.words(), &record.kcv.value),
            ("active", &own),
            "{id}"
        );
        let source = KeySource::Block {
            partner: "PARTNER".into(),
            under: ZMK.into(),
            format: format!("TR-31 version {}", &block[..1]),
        };
        assert_eq!(record.source, source, "{id}");
        let said = &block[11..12];
        assert_eq!(
            record.exportability,
            if said == "N" { "N" } else { "E" },
            "{id}"
        );
    }
}

#[test]
fn what_psec_made_is_taken_and_tolerances_have_a_profile() {
    let files = cases("tests/imports");
    assert_eq!(files.len(), 10);
    for path in files {
        let (_, [profile, template, value, block]) = case(&path);
        let (_folder, mut scene) = with_zmk();
        let title = import(&mut scene, &template, &profile, &value, &block);
        assert!(
            title.ends_with("done"),
            "{}: {title}: {}",
            path.display(),
            told(&scene)
        );
        assert_eq!(scene.key_state(LABEL).as_deref(), Some("active"));
    }
}

#[test]
fn every_bad_block_is_refused_by_its_words() {
    let silent = refused_by_their_words("tests/malformed/import", 20);
    // Whatever does not authenticate has one answer.
    assert_eq!(silent.len(), 4);
    assert!(silent.iter().all(|told| *told == silent[0]), "{silent:?}");
}

/// The hash that an HMAC key is for is bound to it, and told.
#[test]
fn every_bad_block_of_an_hmac_key_is_refused_by_its_words() {
    let silent = refused_by_their_words("tests/malformed/hmac", 18);
    assert_eq!(silent.len(), 1, "{silent:?}");
}

/// Each file of a folder; what was said of those that do not authenticate.
fn refused_by_their_words(folder: &str, least: usize) -> Vec<String> {
    let files = cases(folder);
    assert!(files.len() >= least, "{} files", files.len());
    let mut silent = Vec::new();
    for path in files {
        let (head, [profile, template, value, block]) = case(&path);
        let expect = head.strip_prefix("expect: ").unwrap();
        let (_folder, mut scene) = with_zmk();
        let title = import(&mut scene, &template, &profile, &value, &block);
        let told = told(&scene);
        assert!(
            title.contains("without a key"),
            "{}: {title}",
            path.display()
        );
        assert!(told.contains(expect), "{}: {told}", path.display());
        assert_eq!(scene.key_state(LABEL), None);
        if expect.starts_with("does not give a key") {
            silent.push(told);
        }
    }
    silent
}

/// A key in components of eight lines, of the check value that CCA shows; under AES-128
/// none is imported, since an HMAC key is worth 256 bits (R6).
#[test]
fn an_hmac_key_is_entered_from_components_and_wants_aes_256_above_it() {
    let folder = folder();
    let mut scene = scene(&folder);
    let key: Vec<u8> = (1..=64).map(|n: u8| n.wrapping_mul(37)).collect();
    let first: Vec<u8> = (0..64).map(|n: u8| n.wrapping_mul(31) ^ 0x5A).collect();
    let parts = vec![first.clone(), sum(&[first, key.clone()])];
    let value = Kcv::compute(Method::HmacSha2Vp1, &key).unwrap().hex();
    scene.people.at = Typist::new(parts, &value).at();
    let fields = [
        LABEL,
        "hmac-sha512",
        "2",
        "PARTNER",
        "none",
        "on each component",
        "usual for the cipher",
    ];
    let title = done(scene.ceremony(ENTRY, &fields));
    assert!(title.ends_with("done"), "{title}: {}", told(&scene));
    let keys = scene.station.keys();
    let record = keys.iter().find(|k| k.label == LABEL).unwrap();
    assert_eq!(record.kcv.words(), format!("{value} (SHA2VP1)"));
    assert_eq!(record.components.len(), 2);

    enter_zmk(&mut scene, "zmk-aes128", &(1..=16).collect::<Vec<u8>>());
    let (_, [profile, template, ..]) = case(Path::new("tests/imports/good-hmac-sha256.txt"));
    let other = "PARTNER.HMAC.002";
    let fields = [
        other,
        &template,
        ZMK,
        "PARTNER",
        &profile,
        "usual for the cipher",
        "typed by two",
        "",
    ];
    let end = scene.ceremony(IMPORT, &fields);
    let said = format!("{end:?} {}", told(&scene));
    assert!(said.contains("weaker than the HMAC-SHA256 key"), "{said}");
    assert_eq!(scene.key_state(other), None);
}

fn failed(scene: &Scene) -> usize {
    let entries = scene.station.door().vault().entries(0).unwrap();
    entries
        .iter()
        .filter_map(|e| e.open_header().ok())
        .filter(|h| h.action == "import-block" && h.kind == EntryKind::Failed)
        .count()
}

#[test]
fn five_failures_under_a_key_bar_it_for_an_hour_also_for_the_right_block() {
    let (folder, mut scene) = with_zmk();
    let (_, [profile, template, value, bad]) =
        case(Path::new("tests/malformed/import/mac-altered.txt"));
    let (_, [.., good]) = case(Path::new("tests/imports/good-strict.txt"));
    for n in 1..=5 {
        import(&mut scene, &template, &profile, &value, &bad);
        assert!(
            told(&scene).contains("does not give a key"),
            "{n}: {}",
            told(&scene)
        );
    }
    assert_eq!(failed(&scene), 5);
    let title = import(&mut scene, &template, &profile, &value, &good);
    assert!(title.contains("without a key"), "{title}");
    assert!(told(&scene).contains("5 blocks failed under PARTNER.ZMK.001 within an hour"));
    // A restart does not help.
    scene.station.logout("logged out").unwrap();
    drop(scene);
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.people.serial = 9000;
    scene.logon_both();
    let title = import(&mut scene, &template, &profile, &value, &good);
    assert!(title.contains("without a key"), "{title}");
    assert!(told(&scene).contains("within an hour"), "{}", told(&scene));
}

#[test]
fn a_block_on_a_medium_is_read_from_the_import_folder_of_the_enrolled_one() {
    let (_, [profile, template, value, block]) = case(Path::new("tests/imports/good-strict.txt"));
    let (_folder, mut scene) = with_zmk();
    let stick = scene.room.stick.folder().join("IMPORT");
    std::fs::create_dir_all(&stick).unwrap();
    std::fs::write(stick.join("right.tr31"), format!("{block}\r\n")).unwrap();
    std::fs::write(stick.join("binary.tr31"), [0u8, 1, 2]).unwrap();
    std::fs::write(stick.join("long.tr31"), "A".repeat(20_000)).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", stick.join("link.tr31")).unwrap();
    let mut read = |file: &str, unplugged: bool| {
        let (file, value) = (file.to_owned(), value.clone());
        let hand = scene.room.stick.clone();
        scene.people.refusals.clear();
        scene.people.at = Box::new(move |prompt, _| match prompt.code.as_str() {
            "import.ready" if prompt.refused.is_some() => Some(Answer::Abort),
            code if code.starts_with("combine.") && !code.ends_with(".card") => {
                Some(Answer::Word(value.clone()))
            }
            "import.file" => {
                if unplugged {
                    hand.unplug();
                }
                Some(Answer::Word(file.clone()))
            }
            _ => None,
        });
        let method = "usual for the cipher";
        let fields = [
            LABEL, &template, ZMK, "PARTNER", &profile, method, "STICK-1",
        ];
        let title = done(scene.ceremony(IMPORT, &fields));
        scene.room.stick.plug();
        (title, told(&scene), scene.key_state(LABEL))
    };
    for (file, unplugged, words) in [
        ("../authority.cbor", false, "is no plain file name"),
        (
            "missing.tr31",
            false,
            "there is no file missing.tr31 in IMPORT on STICK-1",
        ),
        ("binary.tr31", false, "not one line of plain characters"),
        (
            "long.tr31",
            false,
            "long.tr31 in IMPORT on STICK-1 is longer than it may be",
        ),
        ("link.tr31", false, "there is no file link.tr31 in IMPORT"),
        ("right.tr31", true, "no medium is plugged in"),
    ] {
        let (title, told, key) = read(file, unplugged);
        assert!(title.contains("without a key"), "{file}: {title}");
        assert!(told.contains(words), "{file}: {told}");
        assert_eq!(key, None, "{file}");
    }
    let (title, told, key) = read("right.tr31", false);
    assert!(title.ends_with("done"), "{title}: {told}");
    assert_eq!(key.as_deref(), Some("active"));
}

#[test]
fn a_block_typed_differently_uses_up_no_try() {
    let (_, [profile, template, value, block]) = case(Path::new("tests/imports/good-strict.txt"));
    let (_folder, mut scene) = with_zmk();
    let mut wrong = block.clone().into_bytes();
    wrong[21] = if wrong[21] == b'0' { b'1' } else { b'0' };
    let wrong = String::from_utf8(wrong).unwrap();
    scene.people.at = Box::new(move |prompt, times| match prompt.code.as_str() {
        code if code.starts_with("combine.") && !code.ends_with(".card") => {
            Some(Answer::Word(value.clone()))
        }
        "import.block.again" if times == 1 => Some(Answer::Word(wrong.clone())),
        "import.block" | "import.block.again" => {
            // In groups, as printed.
            let groups: Vec<&str> = (0..block.len())
                .step_by(4)
                .map(|at| &block[at..(at + 4).min(block.len())])
                .collect();
            Some(Answer::Word(groups.join(" ")))
        }
        _ => None,
    });
    let method = "usual for the cipher";
    let fields = [
        LABEL,
        &template,
        ZMK,
        "PARTNER",
        &profile,
        method,
        "typed by two",
    ];
    let title = done(scene.ceremony(IMPORT, &fields));
    assert!(title.ends_with("done"), "{title}: {}", told(&scene));
    assert!(
        told(&scene).contains("part in group 6 of four"),
        "{}",
        told(&scene)
    );
    assert_eq!(failed(&scene), 0);
}

#[test]
fn a_pulled_card_imports_nothing() {
    let (_, [profile, template, value, block]) = case(Path::new("tests/imports/good-strict.txt"));
    for code in [
        "import.ready",
        "combine.second",
        "import.block",
        "import.block.again",
    ] {
        let (_folder, mut scene) = with_zmk();
        let reader = scene.people.hand();
        let (value, block) = (value.clone(), block.clone());
        let mut pulled = false;
        scene.people.at = Box::new(move |prompt, _| {
            if prompt.code == code && !std::mem::replace(&mut pulled, true) {
                reader.pull(0);
                std::thread::sleep(std::time::Duration::from_millis(300));
            }
            match prompt.code.as_str() {
                code if code.starts_with("combine.") && !code.ends_with(".card") => {
                    Some(Answer::Word(value.clone()))
                }
                "import.block" | "import.block.again" => Some(Answer::Word(block.clone())),
                _ => None,
            }
        });
        let method = "usual for the cipher";
        let fields = [
            LABEL,
            &template,
            ZMK,
            "PARTNER",
            &profile,
            method,
            "typed by two",
        ];
        let refusal = scene.ceremony(IMPORT, &fields).err();
        let refusal = refusal.unwrap_or_else(|| panic!("{code}: nobody saw it"));
        assert!(refusal.happened.contains("pulled"), "{code}: {refusal:?}");
        assert_eq!(scene.key_state(LABEL), None, "{code}");
        assert_eq!(failed(&scene), 0, "{code}");
    }
}

/// Blocks of makers: the wrapping key's template and value, the key's template,
/// the profile, the block, the key.
const MAKERS: [(&str, &str, &str, &str, &str, &str); 3] = [
    (
        "zmk-tdes3-thales-s",
        "0123456789ABCDEF8080808080808080FEDCBA9876543210",
        "b0x-tdes2",
        "payshield-s",
        "S00072B0TN00E000256A37F894FD49E61DD3FA27FDE8919D07F7AA966F8BF39AB31D00034",
        "735B3125EFF2E04ABFBFA1670180A168",
    ),
    (
        "zmk-aes256-thales-s",
        "9B71333A13F9FAE72F9D0E2DAB4AD6784718012F9244033F3F26A2DE0C8AA11A",
        "p0e-tdes2",
        "payshield-s",
        "10096P0TE00E0000CF29A901B5B5DA7028693D4BE058A7B366D3CD2F5862D94E97BCD6D9F28B414A377052CE7A04D821",
        "F039121BEC83D26B169BDCD5B22AAF8F",
    ),
    (
        "zmk-tdes3-akb",
        "2ABC3DEF4567018998107645FED3CBA20123456789ABCDEF",
        "p0e-tdes2",
        "atalla-akb",
        "1PUNE000,27F0026930C71646A3ADED3356C36BB0CCC2D6874DE6AB43,83237B4AEA731054",
        "0123456789ABCDEFFEDCBA9876543210",
    ),
];

#[test]
fn blocks_of_thales_and_atalla_are_taken_and_bad_ones_named() {
    for (zmk, kek, key_template, profile, block, key) in MAKERS {
        let folder = folder();
        template(folder.path(), "b0x-tdes2", "TDES-2", "B0", "X");
        template(folder.path(), "p0e-tdes2", "TDES-2", "P0", "E");
        template(folder.path(), "d0e-tdes2", "TDES-2", "D0", "E");
        let mut scene = scene(&folder);
        enter_zmk(&mut scene, zmk, &unhex(kek));
        let value = Kcv::compute(Method::TdesZero, &unhex(key)).unwrap().hex();
        let last = if block.ends_with('4') { "5" } else { "4" };
        let changed = format!("{}{last}", &block[..block.len() - 1]);
        let (head, tail) = block.split_at(18);
        let lower = format!("{head}{}", tail.to_lowercase());
        for (profile, template, value, block, word) in [
            (profile, "d0e-tdes2", &value, block, "d0e-tdes2 v1 has"),
            (
                "tr31",
                key_template,
                &value,
                block,
                "does not wrap key blocks",
            ),
            (
                profile,
                key_template,
                &value,
                &changed[..],
                "does not give a key",
            ),
            (profile, key_template, &value, &lower[..], "upper-case"),
            (
                profile,
                key_template,
                &"123456".to_owned(),
                block,
                "another check value",
            ),
        ] {
            let title = import(&mut scene, template, profile, value, block);
            assert!(title.contains("without a key"), "{word}: {title}");
            assert!(told(&scene).contains(word), "{word}: {}", told(&scene));
        }
        let title = import(&mut scene, key_template, profile, &value, block);
        assert!(
            title.ends_with("done"),
            "{profile}: {title}: {}",
            told(&scene)
        );
        let keys = scene.station.keys();
        let record = keys.into_iter().find(|k| k.label == LABEL).unwrap();
        assert_eq!(record.kcv.value, value);
        let KeySource::Block { format, .. } = record.source else {
            panic!("{:?}", record.source);
        };
        assert!(format.contains("key block"), "{format}");
    }
}
