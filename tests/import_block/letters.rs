//! Keys without a key block, typed from a letter and printed as one: Thales
//! variant and ANSI X9.17. The vectors are others'
//! (`tests/vectors/thales.json`, P-THALES-013 and 014).

use conclave_crypto::primitive::key_scheme::{Scheme, unwrap, wrap};
use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_station::service::ActEnd;

use super::*;

const ZMK_VALUE: &str = "851A0D9D0B2A1602622AD0B0E9E6B070";
const KEY: &str = "D3DCC7EA9BCB755D254620B376B3D007";
const UNDER_U: &str = "U2C62A23D001B97412950CD8BE66C7639";
const UNDER_X: &str = "XF7D53991678347EFB3026882F724E6EE";
const VALUE: &str = "070753";
const WHY: &str = "the partner's HSM takes no key blocks until March";

fn secret(bytes: &[u8]) -> Secret {
    Secret::from_fn(bytes.len(), |to| to.copy_from_slice(bytes))
}

/// A station with the vectors' zone master key, of one of the two methods.
fn with(method: &str) -> (TempDir, Scene) {
    static VARIANT: OnceLock<TempDir> = OnceLock::new();
    static X917: OnceLock<TempDir> = OnceLock::new();
    let base = if method == "variant" { &VARIANT } else { &X917 };
    let base = base.get_or_init(|| {
        let folder = folder();
        let mut scene = scene(&folder);
        let template = format!("zmk-tdes2-{method}");
        enter_zmk(&mut scene, &template, &unhex(ZMK_VALUE));
        scene.station.logout("logged out").unwrap();
        scene.logon(GroupId::Administrators);
        scene.enrol_printer(1, "REP-1", "reports", "ESC/P");
        scene.station.logout("logged out").unwrap();
        folder
    });
    let folder = TempDir::new().unwrap();
    copy(base.path(), folder.path());
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.people.serial = 5000;
    scene.logon_both();
    (folder, scene)
}

fn record(scene: &Scene, label: &str) -> KeyRecord {
    let keys = scene.station.keys();
    keys.into_iter().find(|k| k.label == label).unwrap()
}

/// A letter of the key, as the screen shows it.
fn letter(scene: &mut Scene, label: &str, fields: [&str; 4]) -> Result<Vec<String>, String> {
    let id = record(scene, label).id;
    scene.people.forms.remove("letter.parameters");
    let [under, recipient, printer, exception] = fields;
    let fields = [under, recipient, printer, exception, "90"];
    scene.people.form("letter.parameters", &fields);
    scene.people.refusals.clear();
    match scene.station.print_key_letter(id, &mut scene.people) {
        Ok(ActEnd::Done { lines, .. }) => Ok(lines),
        Ok(ActEnd::Stopped) => Err(told(scene)),
        Err(refusal) => Err(refusal.happened),
    }
}

/// `U` and the groups of the letter's lines, check letters left out.
fn typed_from(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        if let Some(format) = line.strip_prefix("scheme ") {
            text = format.trim_end_matches(':').to_owned();
        }
        let mut words = line.split_whitespace();
        let numbered =
            line.starts_with("  ") && words.next().is_some_and(|w| w.parse::<u8>().is_ok());
        if numbered {
            text.extend(words.filter(|w| w.len() == 4));
        }
    }
    text
}

fn paper(scene: &Scene) -> String {
    let bytes = scene.room.printers.0[1].bytes();
    String::from_utf8_lossy(bytes.expose()).into_owned()
}

#[test]
fn a_published_letter_is_taken_and_the_same_one_printed() {
    for (method, profile, block) in [
        ("variant", "thales-variant", UNDER_U),
        ("x917", "x917", UNDER_X),
    ] {
        let (_folder, mut scene) = with(method);
        let title = import_as(&mut scene, ["zpk-tdes2", profile, VALUE, block], WHY);
        assert!(
            title.ends_with("done"),
            "{method}: {title}: {}",
            told(&scene)
        );
        // Each with their own card before they typed.
        for code in ["import.block.card", "import.block.again.card"] {
            assert!(scene.people.codes.iter().any(|c| c == code), "{code}");
        }
        let key = record(&scene, LABEL);
        assert_eq!(
            (key.state.words(), key.kcv.value.as_str()),
            ("active", VALUE)
        );
        let source = KeySource::Block {
            partner: "PARTNER".into(),
            under: ZMK.into(),
            format: format!("scheme {}", &block[..1]),
        };
        assert_eq!(key.source, source);

        let fields = [ZMK, "BANK-LAKE", "REP-1", WHY];
        let lines = letter(&mut scene, LABEL, fields).unwrap();
        assert_eq!(typed_from(&lines), block, "{lines:?}");
        let said = lines.join("\n");
        for words in [LABEL, ZMK, VALUE, "KCV", WHY, "EXCEPTION to PCI PIN 18-3"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        let sheet = paper(&scene);
        let groups: Vec<&str> = (1..17).step_by(4).map(|at| &block[at..at + 4]).collect();
        for words in [&groups.join(" "), LABEL, VALUE, "EXCEPTION to PCI PIN 18-3"] {
            assert!(sheet.contains(words), "{words}: {sheet}");
        }
        let exports = record(&scene, LABEL).exports;
        assert_eq!(exports.len(), 1);
        assert_eq!((exports[0].bundle, exports[0].under.as_str()), (0, ZMK));
    }
}

/// A case: profile, template, check value, what is typed, the reason, and what
/// is said.
type Case<'a> = (&'a str, &'a str, &'a str, String, &'a str, &'a str);

#[test]
fn what_does_not_fit_is_refused_and_usual_mistakes_have_a_name() {
    let zmk = secret(&unhex(ZMK_VALUE));
    let under = |bytes: &[u8]| {
        let hex: String = wrap(Scheme::U, &zmk, &secret(bytes))
            .unwrap()
            .iter()
            .map(|b| format!("{b:02X}"))
            .collect();
        format!("U{hex}")
    };
    let value_of = |key: &[u8]| Kcv::compute(Method::TdesZero, key).unwrap().hex();
    let mut even = unhex(KEY);
    even[5] ^= 1;
    let equal = [unhex("2A2A2A2A2A2A2A2C"), unhex("2A2A2A2A2A2A2A2C")].concat();
    let equal_value = value_of(&equal);
    let bare = "thales-variant";
    let same = UNDER_U.to_owned();
    let no_letter = UNDER_X[1..].to_owned();
    let cases: Vec<Case<'_>> = vec![
        (
            bare,
            "zpk-tdes2",
            "070754",
            same.clone(),
            WHY,
            "does not give a key under",
        ),
        (
            bare,
            "zpk-tdes2",
            VALUE,
            UNDER_U.replace("2C62", "2C63"),
            WHY,
            "does not give a key under",
        ),
        (
            bare,
            "zpk-tdes2",
            VALUE,
            no_letter,
            WHY,
            "read by scheme X, not U",
        ),
        (
            bare,
            "zpk-tdes2",
            "0707",
            same.clone(),
            WHY,
            "has 4 digits where 6 to 6 are compared",
        ),
        (
            bare,
            "zpk-tdes2",
            VALUE,
            under(&even),
            WHY,
            "has not odd parity",
        ),
        (
            bare,
            "zpk-tdes2",
            &equal_value,
            under(&equal),
            WHY,
            "parts 1 and 2 are equal",
        ),
        (
            bare,
            "zpk-tdes2",
            VALUE,
            UNDER_X.into(),
            WHY,
            "takes no scheme X",
        ),
        (
            bare,
            "zpk-tdes2",
            VALUE,
            UNDER_U[..17].into(),
            WHY,
            "a single-length DES key",
        ),
        (
            bare,
            "zpk-tdes2",
            VALUE,
            UNDER_U.replace("001B", "0O1B"),
            WHY,
            "group 3 has 'O'",
        ),
        (
            "tr31",
            "zpk-tdes2",
            VALUE,
            same.clone(),
            "",
            "does not wrap key blocks",
        ),
    ];
    let mut silent = Vec::new();
    for (profile, template, value, block, why, expect) in cases {
        let (_folder, mut scene) = with("variant");
        let title = import_as(&mut scene, [template, profile, value, &block], why);
        let told = told(&scene);
        assert!(title.contains("without a key"), "{expect}: {title}");
        assert!(told.contains(expect), "{expect}: {told}");
        assert!(!told.contains(&KEY[..8]), "{told}");
        assert_eq!(scene.key_state(LABEL), None);
        if expect.starts_with("does not give") {
            silent.push(told);
        }
    }
    assert_eq!(silent.len(), 2);
    assert_eq!(silent[0], silent[1]);
}

/// What the form refuses never becomes a ceremony.
#[test]
fn aes_other_methods_and_a_missing_reason_are_refused_before_anything_begins() {
    let (folder, mut scene) = with("variant");
    let before = scene.entries();
    for (template, profile, why, expect) in [
        ("zpk-tdes2", "thales-variant", "", "its reason is missing"),
        ("zpk-tdes2", "tr31", WHY, "a key block needs no exception"),
        (
            "zpk-tdes2",
            "x917",
            WHY,
            "does not wrap as the profile x917",
        ),
        (
            "zpk-aes128",
            "thales-variant",
            WHY,
            "TDES keys under TDES keys alone",
        ),
        ("zpk-tdes3", "thales-variant", WHY, "weaker than"),
    ] {
        scene.people.refusals.clear();
        let fields = [
            LABEL,
            template,
            ZMK,
            "PARTNER",
            profile,
            "CMAC",
            "typed by two",
            why,
            "90",
        ];
        let end = scene.ceremony(IMPORT, &fields);
        assert!(matches!(end, Ok(ActEnd::Stopped)), "{expect}");
        assert!(told(&scene).contains(expect), "{expect}: {}", told(&scene));
    }
    assert_eq!(scene.entries(), before);

    // A station may tolerate parity; the key it keeps is odd all the same.
    let profiles = folder.path().join("profiles");
    std::fs::create_dir_all(&profiles).unwrap();
    let shipped = std::fs::read_to_string("profiles/thales-variant.toml").unwrap();
    let tolerant = format!("{shipped}any_parity = true\n");
    std::fs::write(profiles.join("thales-variant.toml"), tolerant).unwrap();
    let mut even = unhex(KEY);
    even[5] ^= 1;
    let zmk = secret(&unhex(ZMK_VALUE));
    let block: String = wrap(Scheme::U, &zmk, &secret(&even))
        .unwrap()
        .iter()
        .map(|b| format!("{b:02X}"))
        .collect();
    let title = import_as(
        &mut scene,
        ["zpk-tdes2", "thales-variant", VALUE, &block],
        WHY,
    );
    assert!(title.ends_with("done"), "{title}: {}", told(&scene));
    let lines = letter(
        &mut scene,
        LABEL,
        [ZMK, "BANK-LAKE", "on the screen only", WHY],
    )
    .unwrap();
    assert_eq!(typed_from(&lines), UNDER_U);
    assert!(
        lines.iter().any(|l| l.starts_with("Not printed")),
        "{lines:?}"
    );
}

#[test]
fn five_wrong_letters_bar_the_wrapping_key_for_an_hour() {
    let (_folder, mut scene) = with("variant");
    let of = |value| ["zpk-tdes2", "thales-variant", value, UNDER_U];
    for _ in 1..=5 {
        import_as(&mut scene, of("070754"), WHY);
    }
    assert_eq!(failed(&scene), 5);
    let title = import_as(&mut scene, of(VALUE), WHY);
    assert!(title.contains("without a key"), "{title}");
    assert!(told(&scene).contains("within an hour"), "{}", told(&scene));
}

#[test]
fn a_working_key_leaves_by_the_method_of_its_wrapping_key_alone() {
    let (_folder, mut scene) = with("variant");
    let label = "BANK-LAKE.ZPK.001";
    let fields = [label, "zpk-tdes2", ZMK, "BANK-LAKE", "STICK-1"];
    let end = scene.ceremony(people::WORKING, &fields);
    assert!(matches!(end, Ok(ActEnd::Stopped)));
    assert!(
        told(&scene).contains("its reason is missing"),
        "{}",
        told(&scene)
    );

    let fields = [label, "zpk-tdes2", ZMK, "BANK-LAKE", "STICK-1", WHY, "90"];
    let title = done(scene.ceremony(people::WORKING, &fields));
    assert!(title.ends_with("done"), "{title}: {}", told(&scene));
    let key = record(&scene, label);
    assert_eq!(key.exports[0].format, "thales-variant");
    let bundle = format!("CONCLAVE-{:04}-TEST/{label}.txt", key.exports[0].bundle);
    let text = std::fs::read_to_string(scene.room.stick.folder().join(bundle)).unwrap();
    let clear = unwrap(Scheme::U, &secret(&unhex(ZMK_VALUE)), &unhex(&text[1..])).unwrap();
    let value = Kcv::compute(Method::TdesZero, clear.expose())
        .unwrap()
        .hex();
    assert_eq!((&text[..1], &value), ("U", &key.kcv.value));

    // The same letter again, and what it does not carry.
    let lines = letter(&mut scene, label, [ZMK, "BANK-LAKE", "REP-1", WHY]).unwrap();
    assert_eq!(typed_from(&lines), text);
    let told = letter(&mut scene, label, [ZMK, "BANK-LAKE", "REP-1", ""]).unwrap_err();
    assert!(told.contains("its reason is missing"), "{told}");
    let told = letter(&mut scene, label, [ZMK, "BANK\tLAKE", "REP-1", WHY]).unwrap_err();
    assert!(told.contains("A recipient has"), "{told}");
    let told = letter(&mut scene, label, [ZMK, "BANK-LAKE", "KOMP-1", WHY]).unwrap_err();
    assert!(
        told.contains("for key components, not for reports"),
        "{told}"
    );
    // What failed is on no record.
    assert_eq!(record(&scene, label).exports.len(), 2);
}

#[test]
fn a_key_block_as_a_letter_reads_back() {
    let (_, [_, template, value, block]) = case(Path::new("tests/imports/good-strict.txt"));
    let (_folder, mut scene) = with_zmk();
    let title = import(&mut scene, &template, "tr31", &value, &block);
    assert!(title.ends_with("done"), "{title}: {}", told(&scene));
    let lines = letter(
        &mut scene,
        LABEL,
        [ZMK, "BANK-LAKE", "on the screen only", ""],
    )
    .unwrap();
    let groups = typed_from(&lines);
    assert!(groups.starts_with("D0144P0AB00E0000"), "{lines:?}");
    assert_eq!(groups.len(), 144);
    let fields = [
        "PARTNER.KEY.002",
        &template,
        ZMK,
        "PARTNER",
        "tr31",
        "CMAC",
        "typed by two",
        "",
        "",
        "read back from our own letter",
    ];
    let (typed, kcv) = (groups.clone(), value.clone());
    scene.people.at = Box::new(move |prompt, _| match prompt.code.as_str() {
        code if code.starts_with("combine.") && !code.ends_with(".card") => {
            Some(Answer::Word(kcv.clone()))
        }
        "import.block" | "import.block.again" => Some(Answer::Word(typed.clone())),
        _ => None,
    });
    let title = done(scene.ceremony(IMPORT, &fields));
    assert!(title.ends_with("done"), "{title}: {}", told(&scene));
    assert_eq!(record(&scene, "PARTNER.KEY.002").kcv.value, value);
    // A zone master key does not leave: its template says so.
    let told = letter(
        &mut scene,
        ZMK,
        [ZMK, "BANK-LAKE", "on the screen only", ""],
    )
    .unwrap_err();
    assert!(told.contains("no other zone master key"), "{told}");
}
