//! A partner's key from paper components, through the whole station: typed
//! line by line, proven, combined under the partner's check value; and every
//! way in which people get it wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;
#[path = "support/typist.rs"]
mod typist;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::secret::Secret;
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::domain::key::{ComponentState, KeySource};
use conclave_keyroom::ports::clock::Clock;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Field};
use conclave_station::compose::random_source;
use conclave_station::host::clock::SystemClock;
use conclave_station::service::ActEnd;
use people::{Scene, Staff, done};
use stage::{STAFF, folder, scene};
use tempfile::TempDir;
use typist::{Typist, hex, sum, unhex};

const ENTRY: &str = "enter-components.toml";
const LABEL: &str = "BANK-LAKE.ZMK.001";

/// Published components of the vectors: P-KCV-029 (TDES), P-KCV-028 (AES-256).
fn published(id: &str) -> (Vec<Vec<u8>>, String) {
    let text = std::fs::read_to_string("tests/vectors/kcv.json").unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    let vector = all
        .as_array()
        .unwrap()
        .iter()
        .find(|v| v["id"] == id)
        .unwrap();
    let parts = vector["inputs"]["components"].as_array().unwrap();
    let parts = parts.iter().map(|c| unhex(c.as_str().unwrap())).collect();
    let expected = &vector["expected"];
    let value = expected.get("kcv_cmac").unwrap_or(&expected["kcv"]);
    (parts, value.as_str().unwrap().to_owned())
}

fn typist(id: &str) -> Typist {
    let (parts, value) = published(id);
    Typist::new(parts, &value)
}

fn begin(
    scene: &mut Scene,
    template: &str,
    typist: &Typist,
    (letters, values, method): (&str, &str, &str),
) -> Result<ActEnd, conclave_keyroom::ports::dialogue::Refusal> {
    let count = typist.sheets().len().to_string();
    scene.people.at = typist.at();
    scene.ceremony(
        ENTRY,
        &[
            LABEL,
            template,
            &count,
            "BANK-LAKE",
            letters,
            values,
            method,
        ],
    )
}

const LETTERS: &str = "behind each line";
const VALUES: &str = "on each component";
const TWICE: &str = "none: each is typed twice";
const PLAIN: (&str, &str, &str) = ("none", VALUES, "usual for the cipher");

fn enter(scene: &mut Scene, template: &str, typist: &Typist) -> String {
    done(begin(scene, template, typist, PLAIN))
}

/// The key that was entered is there, active, and the partner's.
fn assert_entered(scene: &Scene, value: &str) {
    let key = scene
        .station
        .keys()
        .into_iter()
        .find(|k| k.label == LABEL)
        .unwrap_or_else(|| panic!("no key: {:?}", scene.people.refusals));
    assert_eq!(key.state.words(), "active");
    assert_eq!(key.kcv.value, value);
    assert_eq!(key.source, KeySource::Partner("BANK-LAKE".into()));
    let names: Vec<&str> = key
        .components
        .iter()
        .map(|c| c.custodian_name.as_str())
        .collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), names.len(), "one component a person");
    for component in &key.components {
        assert_eq!(component.state, ComponentState::Entered);
        assert!(component.commitment.is_some());
    }
}

/// There is no key, nothing waits in the provider, and the journal says why.
fn assert_nothing(scene: &Scene) {
    assert_eq!(scene.key_state(LABEL), None);
    for ceremony in scene.station.ceremonies() {
        assert!(ceremony.over, "it goes on");
        for index in 1..=9 {
            assert!(
                !scene
                    .station
                    .door()
                    .component_waits(ceremony.ceremony, index)
            );
        }
    }
}

fn told(scene: &Scene) -> String {
    scene.people.refusals.join("\n")
}

/// Words of the newest journal entries of this action.
fn journalled(scene: &Scene, action: &str, kind: EntryKind) -> usize {
    let vault = scene.station.door().vault();
    let entries = vault.entries(0).unwrap();
    entries
        .iter()
        .filter_map(|e| e.open_header().ok())
        .filter(|h| h.action == action && h.kind == kind)
        .count()
}

#[test]
fn published_components_make_the_published_key() {
    for (id, template) in [("P-KCV-029", "zmk-tdes2"), ("P-KCV-028", "zmk-aes256")] {
        let folder = folder();
        let mut scene = scene(&folder);
        let typist = typist(id);
        let title = enter(&mut scene, template, &typist);
        assert!(title.ends_with("done"), "{title}");
        let (_, value) = published(id);
        assert_entered(&scene, &value);
        assert!(scene.people.refusals.is_empty(), "{}", told(&scene));
    }
}

#[test]
fn every_form_with_check_letters_and_without_and_typed_twice() {
    for (n, (template, len)) in [
        ("zmk-tdes2", 16),
        ("zmk-tdes3", 24),
        ("zmk-aes128", 16),
        ("zmk-aes192", 24),
        ("zmk-aes256", 32),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = folder();
        let mut scene = scene(&folder);
        let parts: Vec<Vec<u8>> = (0..2 + n % 2)
            .map(|p| {
                (0..len)
                    .map(|b| (b * 37 + p * 101 + n * 59 + 11) as u8)
                    .collect()
            })
            .collect();
        let aes = template.contains("aes");
        let method = if aes {
            Method::AesCmac
        } else {
            Method::TdesZero
        };
        let value = Kcv::compute(method, &sum(&parts)).unwrap().hex();
        let typist = Typist::new(parts, &value);
        let paper = [
            (LETTERS, VALUES, "usual for the cipher"),
            ("none", TWICE, "usual for the cipher"),
            (LETTERS, TWICE, if aes { "CMAC" } else { "ENC-ZERO" }),
        ][n % 3];
        done(begin(&mut scene, template, &typist, paper));
        assert_entered(&scene, &value);
        assert!(scene.people.refusals.is_empty(), "{}", told(&scene));
        // What came in goes out again under its own rules.
        let wrapped = if aes { "zpk-aes128" } else { "zpk-tdes2" };
        let end = scene.working("BANK-LAKE.ZPK.001", wrapped, LABEL);
        let strong = !template.ends_with("tdes2") || wrapped == "zpk-tdes2";
        if strong {
            done(end);
        }
    }
}

#[test]
fn a_wrong_line_is_named_by_its_check_letter() {
    let folder = folder();
    let mut scene = scene(&folder);
    let typist = typist("P-KCV-029");
    typist.slip(|sheet, line, typing, digits| {
        if (sheet, line, typing) == (2, 2, 1) {
            digits.swap(3, 4);
        }
    });
    done(begin(
        &mut scene,
        "zmk-tdes2",
        &typist,
        (LETTERS, VALUES, "usual for the cipher"),
    ));
    let told = told(&scene);
    assert!(
        told.contains("Component 2, line 2: the check letter does not agree; one of groups 5 to 8"),
        "{told}"
    );
    assert_entered(&scene, "2DA7DB");
    assert_eq!(journalled(&scene, "component-typed", EntryKind::Note), 1);
}

#[test]
fn typed_twice_the_group_that_differs_is_named() {
    let folder = folder();
    let mut scene = scene(&folder);
    let typist = typist("P-KCV-029");
    // Wrong the first time: only the second and third typing agree.
    typist.slip(|sheet, line, typing, digits| {
        if (sheet, line, typing) == (3, 2, 1) {
            digits[11] = if digits[11] == b'0' { b'1' } else { b'0' };
        }
    });
    done(begin(
        &mut scene,
        "zmk-tdes2",
        &typist,
        ("none", TWICE, "ENC-ZERO"),
    ));
    let told = told(&scene);
    assert!(
        told.contains("Component 3, group 7: not what was typed before"),
        "{told}"
    );
    assert_entered(&scene, "2DA7DB");
}

#[test]
fn a_component_whose_check_value_differs_is_named_and_typed_again() {
    let folder = folder();
    let mut scene = scene(&folder);
    let typist = typist("P-KCV-029");
    typist.slip(|sheet, line, typing, digits| {
        if (sheet, line, typing) == (1, 1, 1) {
            digits[0] = b'F';
        }
    });
    enter(&mut scene, "zmk-tdes2", &typist);
    let told = told(&scene);
    assert!(
        told.contains("Component 1: its check value does not agree with what was typed"),
        "{told}"
    );
    // The second typing differs where the slip was.
    assert!(
        told.contains("Component 1, group 1: not what was typed before"),
        "{told}"
    );
    assert_entered(&scene, "2DA7DB");
}

#[test]
fn four_typings_are_enough_and_nothing_is_kept() {
    let folder = folder();
    let mut scene = scene(&folder);
    let typist = typist("P-KCV-029");
    typist.value_of(2, "000000");
    let title = enter(&mut scene, "zmk-tdes2", &typist);
    assert!(title.contains("without a key"), "{title}");
    let told = told(&scene);
    assert_eq!(
        told.matches("Component 2: its check value").count(),
        3,
        "{told}"
    );
    assert_eq!(journalled(&scene, "component-typed", EntryKind::Note), 4);
    assert_nothing(&scene);
}

#[test]
fn a_line_that_is_never_right_ends_it() {
    let folder = folder();
    let mut scene = scene(&folder);
    let typist = typist("P-KCV-029");
    typist.slip(|sheet, line, _, digits| {
        if (sheet, line) == (1, 1) {
            digits.swap(0, 1);
        }
    });
    let title = done(begin(
        &mut scene,
        "zmk-tdes2",
        &typist,
        (LETTERS, VALUES, "ENC-ZERO"),
    ));
    assert!(title.contains("without a key"), "{title}");
    assert_nothing(&scene);
}

#[test]
fn what_explains_a_wrong_combined_value_is_named_and_tries_are_few() {
    let parts = published("P-KCV-029").0;
    let value = |parts: &[Vec<u8>]| Kcv::compute(Method::TdesZero, &sum(parts)).unwrap().hex();
    let without_2 = value(&[parts[0].clone(), parts[2].clone()]);
    let only_3 = value(&[parts[2].clone()]);
    let half = Kcv::compute(Method::TdesZero, &sum(&parts)[..8])
        .unwrap()
        .hex();
    let cmac = Kcv::compute(Method::TdesCmac, &sum(&parts)).unwrap().hex();
    for (claimed, words) in [
        (without_2.as_str(), "component 2 is left out"),
        (&only_3, "component 3 alone"),
        (&half, "a shorter key"),
        (&cmac, "by the method TDES CMAC, not ENC-ZERO"),
        ("2DA7", "has 4 digits"),
        ("000000", "none of the usual mistakes"),
    ] {
        let folder = folder();
        let mut scene = scene(&folder);
        let typist = typist("P-KCV-029");
        typist.partner_says(claimed);
        let title = enter(&mut scene, "zmk-tdes2", &typist);
        assert!(title.contains("without a key"), "{claimed}: {title}");
        let told = told(&scene);
        assert!(told.contains(words), "{claimed}: {told}");
        // No digit of the right value stands on a screen.
        assert!(!told.contains("2DA7DB"), "{told}");
        let failed = journalled(&scene, "combine-key", EntryKind::Failed);
        assert_eq!(failed, 3, "{claimed}");
        assert_nothing(&scene);
    }
}

#[test]
fn a_second_look_at_the_letter_makes_the_key() {
    let folder = folder();
    let mut scene = scene(&folder);
    let (parts, _) = published("P-KCV-028");
    let zero = Kcv::compute(Method::AesZero, &sum(&parts)).unwrap().hex();
    let typist = typist("P-KCV-028");
    // The letter's host encrypts zeros; at the second look they say so.
    let zeros = zero.clone();
    typist.partner(move |time| match time {
        1 | 2 => zeros.clone(),
        _ => format!("enc-zero {zeros}"),
    });
    let title = enter(&mut scene, "zmk-aes256", &typist);
    assert!(title.ends_with("done"), "{title}");
    let told = told(&scene);
    assert!(
        told.contains("by the method AES ENC-ZERO, not CMAC"),
        "{told}"
    );
    assert_entered(&scene, &published("P-KCV-028").1);
}

#[test]
fn two_who_type_the_partners_value_have_to_agree() {
    let folder = folder();
    let mut scene = scene(&folder);
    let typist = typist("P-KCV-029");
    typist.partner(|time| if time == 2 { "111111" } else { "2DA7DB" }.to_owned());
    // First: right, wrong. Then both right.
    enter(&mut scene, "zmk-tdes2", &typist);
    assert!(
        told(&scene).contains("The entries are not the same"),
        "{}",
        told(&scene)
    );
    assert_entered(&scene, "2DA7DB");
}

#[test]
fn one_sheet_typed_twice_zero_and_weak_keys_are_refused_by_name() {
    let (parts, _) = published("P-KCV-029");
    let twice = vec![parts[0].clone(), parts[0].clone()];
    let zero = vec![parts[0].clone(), vec![0; 16]];
    // Equal halves.
    let halves = [&parts[1][..8], &parts[1][..8]].concat();
    let equal = vec![parts[0].clone(), sum(&[parts[0].clone(), halves])];
    let weak = [unhex("0101010101010101"), parts[1][..8].to_vec()].concat();
    let weak = vec![parts[0].clone(), sum(&[parts[0].clone(), weak])];
    for (parts, words) in [
        (twice, "component 2 is the same as component 1"),
        (zero, "component 2 is all zero"),
        (equal, "parts 1 and 2 are equal"),
        (weak, "part 1 is a Weak DES key"),
    ] {
        let folder = folder();
        let mut scene = scene(&folder);
        let value = Kcv::compute(Method::TdesZero, &sum(&parts)).unwrap().hex();
        let typist = Typist::new(parts, &value);
        let title = enter(&mut scene, "zmk-tdes2", &typist);
        assert!(title.contains("without a key"), "{words}: {title}");
        assert!(told(&scene).contains(words), "{words}: {}", told(&scene));
        assert_nothing(&scene);
    }
}

/// Three custodians in group B.
const MANY: Staff = &[
    ("Ada", "Zoe", "Administrators, Approvers"),
    ("Ben", "Zoe", "Administrators, Approvers"),
    ("Cat", "Zoe", "Administrators, Approvers"),
    ("Dan", "Yan", "Key managers"),
    ("Eva", "Yan", "Key managers"),
    ("Fay", "Yan", "Key managers"),
    ("Gus", "Xia", "Custodians A"),
    ("Hal", "Wim", "Custodians B"),
    ("Ida", "Val", "Custodians C"),
    ("Jim", "Uwe", "Auditors"),
    ("Kim", "Uwe", "Auditors"),
    ("Lea", "Tom", "Recovery"),
    ("Max", "Tom", "Recovery"),
    ("Ned", "Tom", "Recovery"),
    ("Pia", "Sol", "Custodians B"),
    ("Sam", "Rex", "Custodians B"),
];

#[test]
fn whoever_typed_a_component_never_types_another_of_that_key() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::open(folder.path(), MANY);
    scene.people.at = Box::new(|prompt, _| {
        let Ask::Form { fields, .. } = &prompt.ask else {
            return None;
        };
        (prompt.code == "init.groups").then(|| {
            let size = |field: &Field| match field.label.contains("Custodians B") {
                true => "1 of 3".to_owned(),
                false => field.value.clone(),
            };
            Answer::Fields(fields.iter().map(size).collect())
        })
    });
    scene.furnish();
    scene.logon_both();
    let scripts = folder.path().join("ceremonies");
    std::fs::create_dir_all(&scripts).unwrap();
    let shipped = std::fs::read_to_string("templates/ceremonies/enter-components.toml").unwrap();
    let from_b = shipped.replace("group = \"custodians\"", "group = \"custodians-b\"");
    std::fs::write(scripts.join("from-b.toml"), from_b).unwrap();
    let fields = [
        LABEL,
        "zmk-tdes2",
        "2",
        "BANK-LAKE",
        "none",
        VALUES,
        "ENC-ZERO",
    ];
    let mut play = |label: &str, custodians: [&str; 2], value: &str| {
        let typist = typist("P-KCV-030");
        typist.partner_says(value);
        scene.people.at = typist.at();
        scene.people.refusals.clear();
        scene.people.forms.remove("ceremony.cast");
        let [first, second] = custodians;
        let cast = ["Dan", "Eva", "Ada", "Ben", first, second, "Jim"];
        scene.people.form("ceremony.cast", &cast);
        let mut fields = fields;
        fields[0] = label;
        let end = scene.ceremony("from-b.toml", &fields);
        (end, told(&scene), scene.key_state(label))
    };
    let (end, ..) = play(LABEL, ["Hal", "Pia"], "000000");
    assert!(done(end).contains("without a key"));
    // It came to nothing, and Pia has seen component 2 all the same.
    let (end, told, key) = play(LABEL, ["Pia", "Sam"], "373994");
    assert!(
        end.is_ok_and(|end| matches!(end, ActEnd::Stopped)),
        "{told}"
    );
    assert!(
        told.contains("Pia holds, or once held, another component of this key (R4)"),
        "{told}"
    );
    assert_eq!(key, None);
    // Hal typed component 1, and may again.
    let (end, told, _) = play(LABEL, ["Hal", "Sam"], "373994");
    assert!(done(end).ends_with("done"), "{told}");
    // The sheets are that key's, whatever label is chosen now.
    let (end, told, key) = play("HILL.ZMK.001", ["Hal", "Sam"], "373994");
    assert!(done(end).contains("without a key"), "{told}");
    assert!(
        told.contains("this sheet is a part of BANK-LAKE.ZMK.001"),
        "{told}"
    );
    assert_eq!(key, None);
    assert_entered(&scene, "373994");
}

#[test]
fn a_pulled_card_at_any_step_leaves_nothing() {
    for code in [
        "confirm.package",
        "enter.ready",
        "enter.line",
        "enter.kcv",
        "combine.first",
        "combine.second",
    ] {
        let folder = folder();
        let mut scene = scene(&folder);
        let typist = typist("P-KCV-030");
        let mut usual = typist.at();
        let reader = scene.people.hand();
        let mut pulled = false;
        let fields = [
            LABEL,
            "zmk-tdes2",
            "2",
            "BANK-LAKE",
            LETTERS,
            VALUES,
            "ENC-ZERO",
        ];
        scene.people.at = Box::new(move |prompt, times| {
            // With the second component, so that one is in already.
            let second = prompt.title.starts_with("Component 2") || code.starts_with("combine");
            if prompt.code == code && second && !std::mem::replace(&mut pulled, true) {
                reader.pull(0);
                std::thread::sleep(std::time::Duration::from_millis(300));
            }
            usual(prompt, times)
        });
        let refusal = scene.ceremony(ENTRY, &fields).err();
        let refusal = refusal.unwrap_or_else(|| panic!("{code}: nobody saw it"));
        assert!(refusal.happened.contains("pulled"), "{code}: {refusal:?}");
        let open: Vec<String> = scene
            .station
            .ceremonies()
            .iter()
            .filter(|c| !c.over)
            .map(|c| c.ceremony.to_string())
            .collect();
        assert_eq!(open.len(), 1, "{code}");
        scene.station.logout("logged out").unwrap();
        scene.people.at = Box::new(|_, _| None);
        scene.logon_both();
        let title = done(scene.station.resume_ceremony(&open[0], &mut scene.people));
        assert!(title.contains("without a key"), "{code}: {title}");
        assert_nothing(&scene);
        // The label is free, and the same people may try again.
        let title = enter(&mut scene, "zmk-tdes2", &self::typist("P-KCV-030"));
        assert!(title.ends_with("done"), "{code}: {title}");
        assert_entered(&scene, "373994");
    }
}

#[test]
fn a_stranger_s_card_enters_nothing() {
    let folder = folder();
    let mut scene = scene(&folder);
    let typist = typist("P-KCV-030");
    let mut usual = typist.at();
    let reader = scene.people.hand();
    // Ida, who holds no component here.
    let mut seen = false;
    let stranger = scene.room.cards.lock().unwrap()[8].clone();
    scene.people.at = Box::new(move |prompt, times| {
        let asked = prompt.code == "enter.card" && matches!(prompt.ask, Ask::Card { .. });
        if asked && !std::mem::replace(&mut seen, true) {
            reader.pull(0);
            reader.insert(&stranger, 0).unwrap();
            // Nobody takes it out before the station has looked at it.
            return Some(Answer::Word(String::new()));
        }
        usual(prompt, times)
    });
    let fields = [
        LABEL,
        "zmk-tdes2",
        "2",
        "BANK-LAKE",
        LETTERS,
        VALUES,
        "ENC-ZERO",
    ];
    done(scene.ceremony(ENTRY, &fields));
    let told = told(&scene);
    assert!(told.contains("enter.card: This is Ida's card"), "{told}");
    assert_entered(&scene, "373994");
}

#[test]
fn given_up_or_deviated_the_components_are_wiped() {
    for (code, answer) in [
        ("enter.line", Answer::Abort),
        ("enter.kcv", Answer::Abort),
        ("combine.first", Answer::Abort),
        (
            "enter.ready",
            Answer::Deviated("the envelope is torn".into()),
        ),
    ] {
        let folder = folder();
        let mut scene = scene(&folder);
        let typist = typist("P-KCV-030");
        let mut usual = typist.at();
        let mut answer = Some(answer);
        scene.people.at = Box::new(move |prompt, times| {
            let second = prompt.title.starts_with("Component 2") || code.starts_with("combine");
            if prompt.code == code && second && answer.is_some() {
                return answer.take();
            }
            usual(prompt, times)
        });
        let fields = [
            LABEL,
            "zmk-tdes2",
            "2",
            "BANK-LAKE",
            LETTERS,
            VALUES,
            "ENC-ZERO",
        ];
        let title = done(scene.ceremony(ENTRY, &fields));
        assert!(title.contains("without a key"), "{code}: {title}");
        assert_nothing(&scene);
    }
}

#[test]
fn no_screen_of_the_entry_shows_a_digit_of_it() {
    let folder = folder();
    let mut scene = scene(&folder);
    let typist = typist("P-KCV-030");
    let mut usual = typist.at();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let all = std::sync::Arc::clone(&seen);
    scene.people.at = Box::new(move |prompt, times| {
        all.lock().unwrap().push_str(&format!("{prompt:?}\n"));
        usual(prompt, times)
    });
    let fields = [
        LABEL,
        "zmk-tdes2",
        "2",
        "BANK-LAKE",
        LETTERS,
        VALUES,
        "ENC-ZERO",
    ];
    done(scene.ceremony(ENTRY, &fields));
    let seen = seen.lock().unwrap();
    assert!(seen.contains("Groups"), "nothing was typed");
    for part in published("P-KCV-030").0 {
        for group in part.chunks(4) {
            assert!(!seen.contains(&hex(group)), "{}", hex(group));
        }
    }
}

#[test]
fn a_sheet_without_its_check_letter_is_no_line() {
    let folder = folder();
    let mut scene = scene(&folder);
    let typist = typist("P-KCV-030");
    let mut usual = typist.at();
    scene.people.at = Box::new(move |prompt, times| {
        // A front end that sends something else than it was asked for.
        if prompt.code == "enter.line" && times <= 3 {
            let text: &[u8] = [&b"0123456789ABCDEF"[..], b"0123456789ABCDEG0", b""][times - 1];
            return Some(Answer::Secret(Secret::from_fn(text.len(), |b| {
                b.copy_from_slice(text);
            })));
        }
        usual(prompt, times)
    });
    let fields = [
        LABEL,
        "zmk-tdes2",
        "2",
        "BANK-LAKE",
        LETTERS,
        VALUES,
        "ENC-ZERO",
    ];
    done(scene.ceremony(ENTRY, &fields));
    let told = told(&scene);
    assert!(told.contains("these are not 16 hex digits"), "{told}");
    assert_entered(&scene, "373994");
}

/// The system's clock, and what a test adds to it.
#[derive(Default)]
struct Later {
    now: SystemClock,
    by_ms: AtomicU64,
}

impl Clock for Later {
    fn wall_ms(&self) -> u64 {
        self.now.wall_ms() + self.by_ms.load(Ordering::SeqCst)
    }

    fn mono_ms(&self) -> u64 {
        self.now.mono_ms() + self.by_ms.load(Ordering::SeqCst)
    }
}

#[test]
fn an_entry_that_takes_more_than_a_day_ends_without_a_key() {
    let folder = folder();
    let clock = Arc::new(Later::default());
    let random = random_source().unwrap();
    let mut scene = Scene::open_at(folder.path(), STAFF, random, Arc::clone(&clock) as _);
    scene.logon_both();
    let typist = typist("P-KCV-030");
    let mut usual = typist.at();
    let night = Arc::clone(&clock);
    scene.people.at = Box::new(move |prompt, times| {
        // One component is in, the other custodian comes the day after.
        if prompt.code == "enter.ready" && prompt.title.starts_with("Component 2") {
            night.by_ms.store(24 * 3600 * 1000 + 1, Ordering::SeqCst);
        }
        usual(prompt, times)
    });
    let fields = [
        LABEL,
        "zmk-tdes2",
        "2",
        "BANK-LAKE",
        LETTERS,
        VALUES,
        "ENC-ZERO",
    ];
    let end = scene.ceremony(ENTRY, &fields);
    if end.is_err() {
        // Whoever is there the next day ends it.
        let open = scene.station.ceremonies();
        let open = open.iter().find(|c| !c.over).unwrap().ceremony.to_string();
        scene.station.logout("logged out").unwrap();
        scene.logon_both();
        done(scene.station.resume_ceremony(&open, &mut scene.people));
    }
    assert_nothing(&scene);
    assert!(told(&scene).contains("mandate"), "{}", told(&scene));
    // On another day it is entered as ever.
    let typist = self::typist("P-KCV-030");
    let title = enter(&mut scene, "zmk-tdes2", &typist);
    assert!(title.ends_with("done"), "{title}");
    assert_entered(&scene, "373994");
}
