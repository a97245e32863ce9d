//! Scripts and templates as files: the shipped ones play to the end, an unseen
//! one does, the malformed ones are refused by the rule they name, and no
//! sequence of answers or interruptions gets past a required step.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "ceremony/play.rs"]
mod play;

use std::fs;
use std::path::{Path, PathBuf};

use conclave_evidence::authority::Mode;
use conclave_evidence::cbor;
use conclave_keyroom::domain::form::KeyForm;
use conclave_trades::ceremony::engine::{Engine, Step};
use conclave_trades::ceremony::minutes::{Station, minutes, printed_script};
use conclave_trades::ceremony::script::Script;
use conclave_trades::ceremony::state::{Ending, Found, Reply, State, Unit};
use conclave_trades::ceremony::template::parse_template;
use play::{Stage, answer_well, start};
use proptest::prelude::*;

const ZMK: &str = "templates/ceremonies/generate-zmk.toml";
const WORKING: &str = "templates/ceremonies/working-key.toml";
const ENTRY: &str = "templates/ceremonies/enter-components.toml";
const IMPORT: &str = "templates/ceremonies/import-block.toml";
const EXERCISE: &str = "templates/ceremonies/custody-exercise.toml";
const REISSUE: &str = "templates/ceremonies/reissue-components.toml";
const DESTROY: &str = "templates/ceremonies/destroy-sheets.toml";
const SHARES: &str = "templates/ceremonies/paper-shares.toml";
const ENTER_SHARES: &str = "templates/ceremonies/enter-shares.toml";
const PROVE_SHARES: &str = "templates/ceremonies/prove-shares.toml";
const UNSEEN: &str = "tests/scripts/unseen.toml";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut list: Vec<PathBuf> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    list.sort();
    list
}

fn engine(path: &str) -> Engine {
    Engine::new(&fs::read(root().join(path)).unwrap()).unwrap()
}

#[test]
fn shipped_scripts_play_to_the_end_for_every_form() {
    for form in KeyForm::CIPHERS {
        for components in [2, 3, 9] {
            let stage = Stage::play(&engine(ZMK), form, components);
            assert_eq!(stage.count("print"), usize::from(components));
            assert_eq!(stage.count("seal"), usize::from(components));
            assert_eq!(stage.state.envelopes.len(), usize::from(components));
            assert_eq!(stage.count("read-back"), 1);
        }
        for components in [2, 3, 9] {
            let stage = Stage::play(&engine(ENTRY), form, components);
            assert_eq!(stage.count("enter"), usize::from(components));
            assert_eq!(stage.state.entered.len(), usize::from(components));
            assert_eq!(stage.count("combine"), 1);
        }
        let stage = Stage::play(&engine(EXERCISE), form, 3);
        assert_eq!((stage.count("exercise"), stage.count("seal")), (3, 3));
        for components in [2, 3, 9] {
            let stage = Stage::play(&engine(REISSUE), form, components);
            let units = ["split", "print", "seal", "read-back", "close"].map(|u| stage.count(u));
            let each = usize::from(components);
            assert_eq!(units, [1, each, each, 1, 1]);
        }
        for shares in [2, 9] {
            let stage = Stage::play(&engine(SHARES), form, shares);
            let units = ["split", "print", "seal", "close"].map(|u| stage.count(u));
            let each = usize::from(shares);
            assert_eq!(units, [1, each, each, 1]);
            for (path, sealed) in [(ENTER_SHARES, 0), (PROVE_SHARES, each)] {
                let stage = Stage::play(&engine(path), form, shares);
                let units = ["enter", "seal", "combine"].map(|u| stage.count(u));
                assert_eq!(units, [each, sealed, 1], "{path}");
            }
        }
        for sheets in [1, 9] {
            let stage = Stage::play(&engine(DESTROY), form, sheets);
            assert_eq!(stage.count("destroy"), usize::from(sheets));
        }
        let stage = Stage::play(&engine(IMPORT), form, 0);
        assert_eq!(stage.count("import"), 1);
        let stage = Stage::play(&engine(WORKING), form, 0);
        assert_eq!(stage.count("export"), 1);
        assert_eq!(stage.count("read-medium"), 1);
    }
}

#[test]
fn an_unseen_script_plays_to_the_end_with_its_extra_witness() {
    let stage = Stage::play(&engine(UNSEEN), KeyForm::Aes256, 3);
    let seals: Vec<&Unit> = stage.units.iter().filter(|u| u.name() == "seal").collect();
    assert_eq!(seals.len(), 3);
    for unit in seals {
        assert_eq!(unit.signers().len(), 3, "{unit:?}");
    }
    assert!(stage.codes.iter().any(|c| c == "seal.serial.third"));
    assert!(stage.codes.iter().any(|c| c == "readback.third"));
}

#[test]
fn every_malformed_script_is_refused_by_its_rule() {
    let list = files("tests/malformed/scripts");
    assert!(list.len() >= 60, "{} files", list.len());
    for path in list {
        let bytes = fs::read(&path).unwrap();
        let head = bytes.split(|b| *b == b'\n').next().unwrap();
        let head = String::from_utf8(head.to_vec()).unwrap();
        let mut expect = head.strip_prefix("# expect: ").unwrap().split(' ');
        let error = Script::parse(&bytes).expect_err(&path.display().to_string());
        let found = (error.rule.name(), error.step.as_deref());
        let wanted = (expect.next().unwrap(), expect.next());
        assert_eq!(found, wanted, "{}: {error}", path.display());
        assert!(!error.advice().is_empty());
    }
}

#[test]
fn a_script_beyond_the_limit_is_not_read() {
    let mut bytes = fs::read(root().join(ZMK)).unwrap();
    bytes.resize(64 * 1024 + 1, b'#');
    assert_eq!(Script::parse(&bytes).unwrap_err().rule.name(), "readable");
}

#[test]
fn shipped_templates_are_good_and_malformed_ones_name_file_and_field() {
    let list = files("templates/keys");
    let mut leave = Vec::new();
    for form in KeyForm::CIPHERS {
        let zmk = list.iter().filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let template = parse_template(name, &fs::read_to_string(path).unwrap()).unwrap();
            assert_eq!(format!("{}.toml", template.name), name);
            let wraps = template.in_components && template.panel.is_none();
            if template.form != form || !wraps {
                return None;
            }
            if template.exportability != "N" {
                leave.push(template.name);
                return None;
            }
            Some(template.wrapping)
        });
        // One makes TR-31 blocks; each other way of wrapping stands once.
        let (blocks, others): (Vec<_>, Vec<_>) = zmk.partition(Option::is_none);
        assert_eq!(blocks.len(), 1, "{form}");
        let mut named: Vec<_> = others.iter().flatten().map(|m| m.name()).collect();
        named.sort_unstable();
        let expected: &[&str] = match form {
            KeyForm::Tdes2 => &[
                "atalla-akb",
                "atalla-variant",
                "cca-ecb",
                "thales-lmk",
                "thales-s",
                "thales-variant",
                "tr31-a",
                "tr31-c",
                "x9.17",
            ],
            KeyForm::Tdes3 => &[
                "atalla-akb",
                "atalla-mfk",
                "thales-s",
                "thales-variant",
                "tr31-a",
                "tr31-c",
                "x9.17",
            ],
            KeyForm::Aes128 => &["tr31-e"],
            KeyForm::Aes256 => &["aes-kwp", "thales-s", "tr31-e"],
            _ => &[],
        };
        assert_eq!(named, expected, "{form}");
    }
    // A wrapping key leaves the room in its components alone, but for a channel's.
    assert_eq!(leave, ["zmk-aes128-channel"]);
    for path in files("tests/malformed/templates") {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let head = text.lines().next().unwrap();
        let expect = head.strip_prefix("# expect: ").unwrap();
        let error = parse_template(name, &text).expect_err(name).to_string();
        assert!(error.contains(name) && error.contains(expect), "{error}");
    }
}

/// R13, at the casting of every script that knows who held a part.
#[test]
fn whoever_ever_held_a_part_neither_decides_nor_witnesses() {
    for path in [
        ENTRY,
        EXERCISE,
        REISSUE,
        DESTROY,
        SHARES,
        ENTER_SHARES,
        PROVE_SHARES,
    ] {
        let engine = engine(path);
        for role in ["approver", "auditor", "key-manager"] {
            let mut state = start(&engine, KeyForm::Tdes2, 3).unwrap();
            let part = state.cast.iter().find(|part| part.part == role).unwrap();
            let player = part.people[0].clone();
            state.parameters.held = vec![(player.id, 2)];
            let error = engine
                .start(state.ceremony, state.parameters, state.cast)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains(&format!("{} cannot be {role}", player.name))
                    && error.contains("part 2 of this key"),
                "{path}: {error}"
            );
        }
    }
}

#[test]
fn components_outside_two_to_nine_and_weak_wrapping_are_refused() {
    let zmk = engine(ZMK);
    for components in [0, 1, 10] {
        let error = start(&zmk, KeyForm::Aes128, components).unwrap_err();
        assert!(error.to_string().contains("2 to 9"), "{error}");
    }
    let working = engine(WORKING);
    let mut state = start(&working, KeyForm::Aes256, 0).unwrap();
    if let Some(delivery) = &mut state.parameters.delivery {
        delivery.under.form = KeyForm::Tdes3;
    }
    let error = working
        .start(state.ceremony, state.parameters, state.cast)
        .unwrap_err();
    assert!(error.to_string().contains("R6"), "{error}");
}

#[test]
fn one_person_never_plays_two_parts() {
    let zmk = engine(ZMK);
    let state = start(&zmk, KeyForm::Tdes2, 3).unwrap();
    for from in 0..state.cast.len() {
        for to in 0..state.cast.len() {
            if from == to {
                continue;
            }
            let mut cast = state.cast.clone();
            let group = cast[to].people[0].group;
            cast[to].people[0] = cast[from].people[0].clone();
            cast[to].people[0].group = group;
            let tried = zmk.start(state.ceremony, state.parameters.clone(), cast);
            assert!(tried.is_err(), "{from} {to}");
        }
    }
}

/// The state just before the first prompt or card of this code.
fn until(engine: &Engine, mut state: State, code: &str) -> State {
    for _ in 0..2000 {
        let at = match engine.next(&state) {
            Step::Ask(prompt) | Step::Medium { prompt, .. } | Step::Identify { prompt, .. } => {
                prompt.code
            }
            _ => String::new(),
        };
        if at == code {
            return state;
        }
        let reply = answer_well(engine, &state).expect("not over yet");
        state = engine.answer(state, reply);
    }
    panic!("{code} was never asked");
}

/// Whether the medium is there, the driver says, not a key; one that is not there is
/// asked for again and again, and uses no try.
#[test]
fn a_medium_that_is_not_there_is_asked_for_again_and_uses_no_try() {
    let working = engine(WORKING);
    let mut state = start(&working, KeyForm::Aes128, 0).unwrap();
    let missing = || Reply::NotReady {
        happened: "No medium is plugged in.".into(),
        advice: "Plug it in.".into(),
    };
    for code in ["export.ready", "export.replug"] {
        state = until(&working, state, code);
        let before = state.clone();
        for _ in 0..50 {
            state = working.answer(state, missing());
            let refused = state.refused.take().unwrap();
            assert!(refused.safe.contains("no try"), "{refused:?}");
            assert_eq!(state, before, "{code}");
        }
        assert_eq!(working.answer(state.clone(), Reply::Confirmed), before);
        // Gone while cards signed: the act came to nothing, and the key is pressed anew.
        for _ in 0..50 {
            let reply = answer_well(&working, &state).unwrap();
            state = working.answer(state, reply);
            assert!(matches!(working.next(&state), Step::Perform(_)), "{code}");
            state = working.answer(state, missing());
            let Step::Medium { again, prompt } = working.next(&state) else {
                panic!("{code}")
            };
            assert_eq!(
                (prompt.code.as_str(), again),
                (code, code == "export.replug")
            );
        }
        assert_eq!((state.tries, state.failures.len()), (0, 0), "{code}");
    }
    let end = Stage::finish(&working, state);
    assert_eq!(end.state.ending, Some(Ending::Done));
    assert_eq!(end.count("read-medium"), 1);
}

#[test]
fn the_second_entry_is_masked_and_neither_value_is_on_the_screen() {
    let zmk = engine(ZMK);
    let state = start(&zmk, KeyForm::Tdes2, 2).unwrap();
    let state = until(&zmk, state, "seal.serial.second");
    let Step::Ask(prompt) = zmk.next(&state) else {
        panic!("a prompt")
    };
    assert!(format!("{:?}", prompt.ask).contains("masked: true"));
    assert!(!format!("{prompt:?}").contains(&state.entries[0]));
    let state = until(&zmk, state, "readback.first");
    let Step::Ask(prompt) = zmk.next(&state) else {
        panic!("a prompt")
    };
    assert!(!format!("{prompt:?}").contains(&state.key.clone().unwrap().kcv.value));
}

#[test]
fn enter_is_not_reading_back_and_three_wrong_entries_void_the_key() {
    let zmk = engine(ZMK);
    let state = start(&zmk, KeyForm::Tdes2, 2).unwrap();
    let mut state = until(&zmk, state, "readback.first");
    for reply in [Reply::Confirmed, Reply::Word(String::new())] {
        let before = state.inside;
        state = zmk.answer(state, reply);
        assert_eq!(state.inside, before);
        assert!(state.refused.is_some());
    }
    for _ in 0..4 {
        state = until(&zmk, state, "readback.first");
        state = zmk.answer(state, Reply::Word("000000".into()));
        state = until(&zmk, state, "readback.second");
        state = zmk.answer(state, Reply::Word("000000".into()));
    }
    assert!(matches!(zmk.next(&state), Step::Perform(Unit::Void { .. })));
}

#[test]
fn a_stranger_s_card_does_not_type() {
    let zmk = engine(ZMK);
    let state = start(&zmk, KeyForm::Tdes2, 2).unwrap();
    let state = until(&zmk, state, "seal.serial.second.card");
    let custodian = state.cast[2].people[0].id;
    let after = zmk.answer(state.clone(), Reply::Identified(custodian));
    assert_eq!(after.inside, state.inside);
    assert!(after.refused.is_some());
}

/// At every single reply of a whole ceremony the station stops once, and goes
/// on: the key is void exactly between print start and seal done, and nothing
/// is printed twice.
#[test]
fn an_interruption_anywhere_voids_exactly_the_window() {
    for (path, components) in [
        (ZMK, 2),
        (UNSEEN, 2),
        (WORKING, 0),
        (ENTRY, 2),
        (IMPORT, 0),
        (EXERCISE, 2),
        (REISSUE, 2),
        (DESTROY, 2),
        (SHARES, 2),
        (ENTER_SHARES, 2),
        (PROVE_SHARES, 2),
    ] {
        let engine = engine(path);
        let mut cut = start(&engine, KeyForm::Tdes2, components).unwrap();
        while let Some(reply) = answer_well(&engine, &cut) {
            let unit = engine.unit(&cut);
            let name = unit.as_ref().map_or("", Unit::name);
            let did = |reply: &Reply| match reply {
                Reply::Did(did) => Found::Did(did.clone()),
                _ => Found::Nothing,
            };
            let mut founds = vec![Found::Nothing];
            if unit.is_some() {
                founds.extend([Found::Unknown, did(&reply), Found::Failed("x".into())]);
            }
            for found in founds {
                let stored: State = cbor::from_slice(&cbor::to_vec(&cut).unwrap()).unwrap();
                let again = Engine::of(&stored).unwrap();
                let resumed = again.resume(stored, found.clone());
                let void = matches!(
                    again.next(&resumed),
                    Step::Perform(Unit::Void { .. }) | Step::Void(_)
                );
                let made = matches!(found, Found::Did(_));
                let unknown = matches!(found, Found::Unknown);
                let in_window = match name {
                    // An exercise has no key to void: it seals again.
                    "seal" => !made && path != EXERCISE && path != PROVE_SHARES,
                    "print" => made || unknown,
                    _ => cut.window.is_some(),
                };
                // Two more that void: a key of which nothing is known, and a
                // failure that the script does not let try again.
                let lost = matches!(name, "generate" | "split" | "combine" | "import")
                    && unknown
                    && path != PROVE_SHARES;
                let failed = matches!(found, Found::Failed(_)) && void;
                assert_eq!(void, in_window || lost || failed, "{path} {name} {found:?}");
                if failed && !in_window {
                    assert!(!name.is_empty(), "{path} {name}");
                }
                if !void {
                    Stage::finish(&again, resumed);
                }
            }
            cut = engine.answer(cut, reply);
        }
        assert!(matches!(engine.next(&cut), Step::Done(_)), "{path}");
    }
}

#[test]
fn script_and_minutes_carry_digest_people_and_envelopes() {
    let zmk = engine(ZMK);
    let station = Station {
        name: "KEYROOM-1".into(),
        mode: Mode::Test,
    };
    let stage = Stage::play(&zmk, KeyForm::Aes256, 3);
    let before = printed_script(zmk.script(), &station, None).transcript();
    let after = minutes(zmk.script(), &station, &stage.state, &[]).transcript();
    let digest = zmk.script().digest.to_string();
    for lines in [&before, &after] {
        assert!(lines.iter().any(|l| l.contains(&digest)));
        assert!(lines.iter().all(|l| !l.chars().any(char::is_control)));
    }
    for envelope in &stage.state.envelopes {
        assert!(after.iter().any(|l| l.contains(&envelope.serial)));
    }
    assert_eq!(stage.state.results.len(), zmk.script().plan(3).len());
}

#[derive(Clone, Debug)]
enum Noise {
    Good,
    Other(Reply),
    Cut(Found),
}

fn noise() -> impl Strategy<Value = Noise> {
    let words = prop_oneof![
        Just(String::new()),
        Just("AB-0001".to_owned()),
        "\\PC{0,12}"
    ];
    let bad = (0..9u8, words).prop_map(|(kind, words)| match kind {
        0 => Reply::Word(words),
        1 => Reply::Confirmed,
        2 => Reply::Deviated(words),
        3 => Reply::Identified(play::id(words.len() as u8)),
        4 => Reply::Failed(words),
        5 => Reply::Interrupted(words),
        6 => Reply::CardGone,
        7 => Reply::NotReady {
            happened: words.clone(),
            advice: words,
        },
        _ => Reply::Did(conclave_trades::ceremony::state::Did::default()),
    });
    prop_oneof![
        40 => Just(Noise::Good),
        2 => bad.prop_map(Noise::Other),
        1 => prop_oneof![Just(Found::Nothing), Just(Found::Unknown)].prop_map(Noise::Cut),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_is_answered_nothing_is_skipped_or_printed_twice(
        which in 0..5usize,
        list in proptest::collection::vec(noise(), 1..260),
    ) {
        let (path, components) = [(ZMK, 2), (UNSEEN, 3), (WORKING, 0), (ENTRY, 3), (REISSUE, 2)][which];
        let engine = engine(path);
        let mut state = start(&engine, KeyForm::Aes128, components).unwrap();
        let mut stage = Stage::new(state.clone());
        let noisy = list.into_iter().chain(std::iter::repeat_n(Noise::Good, 600));
        for next in noisy {
            let Some(good) = answer_well(&engine, &state) else { break };
            let unit = engine.unit(&state);
            state = match next {
                Noise::Cut(found) => {
                    // A journal does not lose an intent: a print that began is
                    // never reported as nothing.
                    if matches!(unit, Some(Unit::Print { .. })) && found == Found::Unknown {
                        stage.record(unit.as_ref(), &Reply::Interrupted(String::new()));
                    }
                    engine.resume(state, found)
                }
                Noise::Good => {
                    stage.record(unit.as_ref(), &good);
                    engine.answer(state, good)
                }
                Noise::Other(reply) => {
                    stage.record(unit.as_ref(), &reply);
                    engine.answer(state, reply)
                }
            };
        }
        for index in 1..=components {
            prop_assert!(stage.prints(index) <= 1, "component {} printed twice", index);
        }
        match engine.next(&state) {
            Step::Done(_) => {
                prop_assert_eq!(state.results.len(), engine.script().plan(components).len());
                let typed = path == ENTRY;
                let sealed = if typed { 0 } else { usize::from(components) };
                let entered = if typed { usize::from(components) } else { 0 };
                prop_assert_eq!(state.envelopes.len(), sealed);
                prop_assert_eq!(state.entered.len(), entered);
                let made = match path {
                    ENTRY => "combine",
                    REISSUE => "split",
                    _ => "generate",
                };
                for unit in ["open", made, "close"] {
                    prop_assert!(stage.count(unit) >= 1, "{}", unit);
                }
                let leaves = if components == 0 { "export" } else { "read-back" };
                prop_assert!(typed || stage.count(leaves) >= 1);
            }
            Step::Void(_) | Step::Aborted(_) => {}
            other => prop_assert!(false, "stuck at {:?}", other),
        }
    }

    #[test]
    fn no_bytes_make_the_reader_stumble(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Script::parse(&bytes);
    }

    #[test]
    fn a_damaged_script_is_refused_or_still_keeps_the_rules(
        at in 0..5000usize, byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = fs::read(root().join(ZMK)).unwrap();
        let at = at % bytes.len();
        if cut { bytes.truncate(at); } else { bytes[at] = byte; }
        if let Ok(script) = Script::parse(&bytes) {
            let verbs: Vec<&str> = script.steps().iter().map(|(s, _)| s.verb.name()).collect();
            for verb in ["open", "generate", "print", "seal", "read-back", "close"] {
                prop_assert!(verbs.contains(&verb), "{}", verb);
            }
        }
    }
}
