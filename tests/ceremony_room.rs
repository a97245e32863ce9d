//! What a ceremony says of itself, and whom it asks: attempts that failed, the
//! cast that signs, forms that choose nothing for anybody, auditors who look in.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/minutes_text.rs"]
mod minutes_text;
#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;

use std::sync::{Arc, Mutex};

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Choice, Field, FieldKind, Prompt};
use conclave_station::service::ActEnd;
use people::{Scene, WORKING, ZMK, done};
use stage::{STAFF, folder, scene};
use tempfile::TempDir;

fn wrong_pin() -> Answer {
    let wrong = b"914266";
    Answer::Secret(Secret::from_fn(wrong.len(), |out| {
        out.copy_from_slice(wrong)
    }))
}

fn lines(end: ActEnd) -> String {
    match end {
        ActEnd::Done { lines, .. } => lines.join("\n"),
        ActEnd::Stopped => panic!("given up"),
    }
}

#[test]
fn a_failed_attempt_stands_in_the_minutes_and_on_the_last_screen() {
    let folder = folder();
    let mut scene = scene(&folder);
    let mut mistyped = false;
    scene.people.at = Box::new(move |prompt, times| match prompt.code.as_str() {
        "confirm.clock.card" if matches!(prompt.ask, Ask::Pin { .. }) && !mistyped => {
            mistyped = true;
            Some(wrong_pin())
        }
        "readback.first" | "readback.second" if times <= 2 => {
            Some(Answer::Word("0000000000".into()))
        }
        _ => None,
    });
    let end = scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2").unwrap();
    let shown = lines(end);
    let state = scene.station.ceremonies().remove(0);
    let step = state
        .results
        .iter()
        .position(|r| r.step == "read-back")
        .unwrap()
        + 1;
    let told = format!("step {step}, twice: The entries are not the key's check value.");
    assert!(shown.contains("failed attempts:"), "{shown}");
    assert!(shown.contains(&told), "{shown}");
    assert!(shown.contains("typed a wrong PIN."), "{shown}");
    assert!(shown.contains("recorded exceptions: none"), "{shown}");
    assert!(!shown.contains("no exceptions"), "{shown}");
    let minutes = minutes_text::newest(folder.path());
    for words in [
        "Failed attempts",
        told.as_str(),
        "Dan typed a wrong PIN.",
        "Exceptions that people recorded: none",
    ] {
        assert!(minutes.contains(words), "{words}: {minutes}");
    }
}

#[test]
fn minutes_without_a_failed_attempt_say_so() {
    let folder = folder();
    let mut scene = scene(&folder);
    let end = scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2").unwrap();
    assert!(lines(end).contains("failed attempts: none"));
    let minutes = minutes_text::newest(folder.path());
    assert!(minutes.contains("Failed attempts: none"), "{minutes}");
    // Records of steps stand with their steps, and in one line of the journal.
    assert!(!minutes.contains("OUTCOME record-step"), "{minutes}");
    assert!(minutes.contains("records of the steps above"), "{minutes}");
    assert!(minutes.contains("OUTCOME open-ceremony"), "{minutes}");
    // A digest is read aloud in groups of four.
    let groups = |line: &str| {
        let words = line.split_whitespace();
        words
            .filter(|w| w.len() == 4 && w.bytes().all(|b| b.is_ascii_hexdigit()))
            .count()
    };
    let digest = minutes
        .lines()
        .find(|line| line.contains("SHA-256 of the script"));
    assert!(digest.is_some_and(|line| groups(line) >= 10), "{minutes}");
}

/// The names that each question for a signature wanted, and what it said.
type Asked = Arc<Mutex<Vec<(Vec<String>, Prompt)>>>;

/// Notes every question for a card that signs.
fn listen(scene: &mut Scene) -> Asked {
    let asked: Asked = Arc::default();
    let noted = Arc::clone(&asked);
    scene.people.at = Box::new(move |prompt, _| {
        if let (Ask::Card { wanted, .. }, "sign.card") = (&prompt.ask, prompt.code.as_str()) {
            noted.lock().unwrap().push((wanted.clone(), prompt.clone()));
        }
        None
    });
    asked
}

const CAST: [&str; 7] = ["Dan", "Eva", "Ada", "Cat", "Gus", "Hal", "Jim"];

#[test]
fn the_mandate_is_signed_by_people_of_the_cast() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    // Ben is here as an administrator and as an approver, and is not of the cast.
    scene.logon(GroupId::Administrators);
    scene.logon_both();
    scene.people.form("ceremony.cast", &CAST);
    let asked = listen(&mut scene);
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    let asked = asked.lock().unwrap();
    assert!(!asked.is_empty());
    for (wanted, prompt) in asked.iter() {
        assert!(
            !wanted.contains(&"Ben".to_owned()),
            "{wanted:?} {}",
            prompt.act
        );
        assert!(
            !wanted.contains(&"Fay".to_owned()),
            "{wanted:?} {}",
            prompt.act
        );
    }
    let state = scene.station.ceremonies().remove(0);
    let words = state.results.iter().flat_map(|r| r.words.clone());
    let words: Vec<String> = words.collect();
    assert!(!words.join("\n").contains("outside the cast"), "{words:?}");
}

/// All three approvers make the quorum; the script's cast has two.
fn three_approvers(scene: &mut Scene) {
    scene.people.at = Box::new(|prompt, _| {
        let Ask::Form { fields, .. } = &prompt.ask else {
            return None;
        };
        (prompt.code == "init.groups").then(|| {
            let size = |field: &Field| match field.label.contains("Approvers") {
                true => "3 of 3".to_owned(),
                false => field.value.clone(),
            };
            Answer::Fields(fields.iter().map(size).collect())
        })
    });
}

#[test]
fn somebody_else_signs_where_nobody_of_the_cast_is_left_and_it_is_said() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::open(folder.path(), STAFF);
    three_approvers(&mut scene);
    scene.furnish();
    scene.logon_both();
    scene.people.form("ceremony.cast", &CAST);
    let asked = listen(&mut scene);
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    let asked = asked.lock().unwrap();
    let alone = asked
        .iter()
        .filter(|(wanted, _)| wanted.contains(&"Ben".to_owned()));
    let alone: Vec<_> = alone.collect();
    assert!(!alone.is_empty());
    for (wanted, prompt) in alone {
        let of_the_cast = wanted.iter().any(|name| name == "Ada" || name == "Cat");
        assert!(!of_the_cast, "{wanted:?}");
        let said = prompt.lines.iter().any(|line| {
            line.text
                .contains("Nobody of the cast is left for Approvers")
        });
        assert!(said, "{:?}", prompt.lines);
    }
    let minutes = minutes_text::newest(folder.path());
    let words = "Ben signed for Approvers, outside the cast";
    assert!(minutes.contains(words), "{minutes}");
}

/// Gus is an approver too, and holds component 1 here: he does not decide on the key
/// (R13), also when nobody else is left.
#[test]
fn a_custodian_of_the_key_does_not_sign_in_the_place_of_the_cast() {
    let folder = TempDir::new().unwrap();
    let with_two_roles: Vec<_> = STAFF
        .iter()
        .map(|(name, manager, groups)| match *name {
            "Ben" => (*name, *manager, "Administrators"),
            "Gus" => (*name, *manager, "Approvers, Custodians A"),
            _ => (*name, *manager, *groups),
        })
        .collect();
    let mut scene = Scene::open(folder.path(), with_two_roles.leak());
    three_approvers(&mut scene);
    scene.furnish();
    scene.logon_both();
    scene.people.form("ceremony.cast", &CAST);
    let asked = listen(&mut scene);
    let mut hear = std::mem::replace(&mut scene.people.at, Box::new(|_, _| None));
    const NOBODY: &str = "Nobody who may sign is left for Approvers";
    scene.people.at = Box::new(move |prompt, times| {
        let heard = hear(prompt, times);
        let nobody = prompt
            .lines
            .iter()
            .any(|line| line.text.starts_with(NOBODY));
        nobody.then_some(Answer::Abort).or(heard)
    });
    let end = scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2");
    // The one reader's card was left behind in giving up: it pauses, or ends badly.
    assert!(
        !matches!(end, Ok(ActEnd::Done { good: true, .. })),
        "{end:?}"
    );
    assert_eq!(scene.key_state("BANK-LAKE.ZMK.001"), None);
    let asked = asked.lock().unwrap();
    let said = |(_, prompt): &(Vec<String>, Prompt)| {
        prompt
            .lines
            .iter()
            .any(|line| line.text.starts_with(NOBODY))
    };
    assert!(asked.iter().any(said), "{asked:?}");
    assert!(
        asked
            .iter()
            .all(|(wanted, _)| !wanted.contains(&"Gus".to_owned()))
    );
}

/// The fields of the form with which a ceremony begins; it is given up there.
fn form_of(scene: &mut Scene, script: &str) -> Vec<Field> {
    let seen: Arc<Mutex<Vec<Field>>> = Arc::default();
    let noted = Arc::clone(&seen);
    scene.people.at = Box::new(move |prompt, _| match (&prompt.ask, prompt.code.as_str()) {
        (Ask::Form { fields, .. }, "ceremony.parameters") => {
            noted.lock().unwrap().clone_from(fields);
            Some(Answer::Abort)
        }
        _ => None,
    });
    let end = scene.station.begin_ceremony(script, &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    scene.people.at = Box::new(|_, _| None);
    seen.lock().unwrap().clone()
}

fn offered(fields: &[Field], label: &str) -> Vec<Choice> {
    let field = fields.iter().find(|field| field.label == label).unwrap();
    assert_eq!(field.value, "", "{label} is chosen for nobody");
    match &field.kind {
        FieldKind::Told(choices) => choices.clone(),
        other => panic!("{label}: {other:?}"),
    }
}

#[test]
fn a_template_is_chosen_by_people_and_only_what_fits_is_offered() {
    let folder = folder();
    let mut scene = scene(&folder);
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    let names = |choices: &[Choice]| choices.iter().map(|c| c.label.clone()).collect::<Vec<_>>();

    let made = offered(&form_of(&mut scene, ZMK), "Template");
    let made_names = names(&made);
    assert_eq!(
        made_names[..6],
        [
            "zmk-aes128",
            "zmk-aes128-channel",
            "zmk-aes192",
            "zmk-aes256",
            "zmk-tdes2",
            "zmk-tdes3"
        ]
    );
    let first_master = made_names
        .iter()
        .position(|n| n.starts_with("icsf"))
        .unwrap();
    let last_zone = made_names
        .iter()
        .rposition(|n| n.starts_with("zmk"))
        .unwrap();
    assert!(last_zone < first_master, "{made_names:?}");
    assert!(
        !made_names.iter().any(|n| n.starts_with("zpk")),
        "{made_names:?}"
    );
    assert_eq!(made[3].detail, "Zone master key, AES-256");

    let fields = form_of(&mut scene, WORKING);
    let working = names(&offered(&fields, "Template"));
    assert!(working[0].starts_with("zpk"), "{working:?}");
    assert!(
        !working
            .iter()
            .any(|n| n.starts_with("zmk") || n.starts_with("pin-print"))
    );
    let under = offered(&fields, "Under");
    assert_eq!(names(&under), ["BANK-LAKE.ZMK.001"]);
    assert!(under[0].detail.contains("KCV"), "{}", under[0].detail);

    // Sent without a choice, it is refused and nothing has begun.
    scene.people.refusals.clear();
    let end = scene.ceremony(ZMK, &["BANK-LAKE.ZMK.002", "", "2"]);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("No template is chosen"), "{told}");
}

#[test]
fn an_older_key_does_not_take_the_place_of_a_newer_one() {
    let folder = folder();
    let mut scene = scene(&folder);
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    done(scene.zmk("BANK-LAKE.ZMK.002", "zmk-aes128", "2"));
    let id = |scene: &Scene, label: &str| {
        let keys = scene.station.keys();
        keys.iter().find(|key| key.label == label).unwrap().id
    };
    let newer = id(&scene, "BANK-LAKE.ZMK.002");
    let asked = listen(&mut scene);
    let end = scene.station.replace_key(newer, &mut scene.people);
    let told = end.unwrap_err().happened;
    assert!(told.contains("and not older"), "{told}");
    assert!(
        asked.lock().unwrap().is_empty(),
        "nobody signed for nothing"
    );
    let older = id(&scene, "BANK-LAKE.ZMK.001");
    scene.people.forms.clear();
    done(scene.station.replace_key(older, &mut scene.people));
}

#[test]
fn auditors_look_into_an_open_ceremony_and_do_not_go_on_with_it() {
    let folder = folder();
    let mut scene = scene(&folder);
    scene.people.at =
        Box::new(|prompt, _| (prompt.code == "generate.ready").then_some(Answer::Shutdown));
    let end = scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2");
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    scene.people.at = Box::new(|_, _| None);
    let lists = scene.station.lists();
    assert!(lists.ceremonies[0].open);
    assert_eq!(lists.ceremonies[0].title, "Generate ZMK BANK-LAKE.ZMK.001");
    let tasks: Vec<&str> = lists.tasks.iter().map(|task| task.what.as_str()).collect();
    assert!(
        tasks.contains(&"go on: Generate ZMK BANK-LAKE.ZMK.001"),
        "{tasks:?}"
    );
    scene.station.logout("logged out").unwrap();

    scene.logon(GroupId::Auditors);
    let row = scene.station.lists().ceremonies.remove(0);
    assert!(!row.open, "auditors go on with nothing");
    assert!(row.state.starts_with("open, "), "{}", row.state);
    let detail = row.detail.join("\n");
    for words in [
        "is open:",
        "key-manager: Dan and Eva",
        "Everybody of the cast comes forward",
        "Dan: card proven",
        "Key managers and approvers log on to go on with it",
    ] {
        assert!(detail.contains(words), "{words}: {detail}");
    }
    let end = scene.station.resume_ceremony(&row.id, &mut scene.people);
    assert!(end.unwrap_err().happened.contains("Not logged on"));
}
