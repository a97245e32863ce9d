//! What people read at each move.
//!
//! Codes, for tests and the demonstration:
//!
//! | code | what |
//! |---|---|
//! | `sign-in.card` | a person of the cast comes forward |
//! | `confirm.ID.card`, `confirm.ID` | card, then key, of the script's step ID |
//! | `generate.ready` | ready to make the key |
//! | `split.ready` | ready to split a key that is there |
//! | `destroy.serial.first[.card]`, `.second`, `destroy.ready` | the old package, and that it is no more |
//! | `enter.card`, `enter.ready` | the custodian comes to type, and is alone |
//! | `exercise.serial.first[.card]`, `.second` | the serial of the package before it is opened |
//! | `import.ready` | block and letter are here; then as `combine` |
//! | `combine.first[.card]` to `combine.fourth[.card]` | each types the partner's check value |
//! | `print.ready` | the custodian stands at the printer |
//! | `seal.serial.first.card`, `seal.serial.first` | the custodian types the serial |
//! | `seal.serial.second[.card]`, `.third`, `.fourth` | each witness types it again, masked |
//! | `readback.show` | the check value is shown, read aloud and written down |
//! | `readback.first[.card]` to `readback.fourth[.card]` | each types it from the paper |
//! | `export.ready`, `export.replug` | write the medium; pull it and put it back |
//! | `deviation.card` | a witness of a deviation |

use conclave_keyroom::ports::dialogue::{Ask, Mark, Prompt, PromptLine, Refusal, Show};

use super::moves::{Field, Move, Press, people};
use super::script::{End, OnDeviation, Script, ScriptStep};
use super::state::{Player, Refused, State, Unit};

/// Lines of the step list around the step at hand.
const BEFORE: usize = 2;
const LINES: usize = 6;

const ORDINALS: [&str; 4] = ["first", "second", "third", "fourth"];

pub(super) fn refused(happened: &str, advice: &str) -> Refused {
    Refused {
        happened: happened.to_owned(),
        safe: "Nothing of it counts; the minutes have it as a failed attempt.".into(),
        advice: advice.to_owned(),
    }
}

/// Something is not in its place: nothing was tried.
pub(super) fn not_ready(happened: String, advice: String) -> Refused {
    Refused {
        happened,
        safe: "Nothing was begun, and no try is used up.".into(),
        advice,
    }
}

/// The medium went while cards signed: the act had begun, and came to nothing.
pub(super) fn gone_meanwhile(unit: &Unit, happened: String, advice: String) -> Refused {
    let safe = match unit {
        Unit::Export => {
            "Nothing left, and no try is used up. The bundle's number is, and one of the exports \
             that were approved."
        }
        _ => "Nothing was read again, and no try is used up. The bundle is as it was.",
    };
    Refused {
        happened,
        safe: safe.into(),
        advice,
    }
}

pub(super) fn malformed(field: Field) -> Refused {
    match field {
        Field::Serial | Field::Package | Field::Old => refused(
            "That is no envelope serial: 4 to 24 letters, digits or hyphens.",
            "Type the serial that is printed on the envelope. Enter alone is no entry.",
        ),
        Field::CheckValue => refused(
            "That is no check value: digits 0-9 and letters A-F.",
            "Type the value from your paper. Enter alone is not reading back.",
        ),
        Field::PartnerValue => refused(
            "That is no check value: 4 to 32 digits 0-9 and letters A-F.",
            "Type the value from the partner's letter; where the letter names a method that was not chosen, type it in front: CMAC or ENC-ZERO.",
        ),
    }
}

/// What a key press says in the result.
pub(super) fn pressed(press: &Press) -> String {
    match press {
        Press::Confirm { label, .. } => label.clone(),
        Press::Generate => "ready to generate".into(),
        Press::Split => "ready to split".into(),
        Press::Destroyed => "package destroyed, unopened".into(),
        Press::SetAside => "package set aside, unopened".into(),
        Press::Import => "block and letter are here".into(),
        Press::Enter => "alone with paper and screen".into(),
        Press::Print => "at the printer, ready".into(),
        Press::Written => "check value read aloud and written down".into(),
        Press::Export => "medium in place".into(),
        Press::Replugged => "says that it was pulled and put back".into(),
    }
}

/// The screen of a step, without a question.
pub(super) fn scene(
    script: &Script,
    state: &State,
    step: &ScriptStep,
    component: Option<u8>,
    person: &Player,
) -> Prompt {
    let plan = script.plan(state.parameters.components.min(9));
    let at = usize::from(state.at);
    let count = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let mut cast = Vec::new();
    // Whoever witnesses is called so, as the step's own words do.
    let witnesses = step.witness.iter().map(|_| "witness".to_owned());
    let roles = std::iter::once(step.actor.part.clone()).chain(witnesses);
    for (role, player) in roles.zip(people(script, state, step, component)) {
        cast.push((role, player.name));
    }
    let from = at.saturating_sub(BEFORE);
    let lines = plan
        .iter()
        .enumerate()
        .skip(from)
        .take(LINES)
        .map(|(number, (listed, part))| {
            let mark = match number.cmp(&at) {
                std::cmp::Ordering::Less => {
                    Mark::Done(clock(state.results.get(number).and_then(|r| r.ended_ms)))
                }
                std::cmp::Ordering::Equal => Mark::Now,
                std::cmp::Ordering::Greater => Mark::Next,
            };
            let text = match part {
                Some(turn) if component != *part => {
                    format!("{} ({})", listed.title, state.parameters.place(*turn))
                }
                _ => listed.title.clone(),
            };
            PromptLine { mark, text }
        })
        .chain(std::iter::once(PromptLine {
            mark: Mark::Note,
            text: format!("Expected: {}", step.expect),
        }))
        .collect();
    Prompt {
        act: format!("{} {}", script.title, state.parameters.label),
        pauses: Some(state.parameters.label.clone()),
        step: Some((count(at + 1), count(plan.len()))),
        title: match component {
            Some(index) => state.parameters.title(index),
            None => step.title.clone(),
        },
        cast,
        lines,
        waiting_for: person.name.clone(),
        safe: safe(state),
        refused: state.refused.as_ref().map(|r| Refusal {
            happened: r.happened.clone(),
            safe: r.safe.clone(),
            advice: r.advice.clone(),
        }),
        why: step.why.clone(),
        ..Prompt::default()
    }
}

/// Whether stopping now is safe, for every question of the step at hand.
#[must_use]
pub fn safe(state: &State) -> String {
    if state.parameters.destroy.is_some() {
        return "yes, the key is not touched; a destroyed package has to be recorded".into();
    }
    if state.parameters.exercise.is_some() {
        return "yes, the key is not touched; an opened sheet has to be sealed again".into();
    }
    if let (None, false) = (&state.key, state.entered.is_empty()) {
        return "no: components live in this session only; leaving it means typing them again"
            .into();
    }
    let unprinted = state.parameters.paper.is_none()
        && state.envelopes.len() < usize::from(state.parameters.components);
    if state.key.is_some()
        && state
            .parameters
            .shares
            .as_ref()
            .is_some_and(|s| s.known.is_some())
    {
        return "yes, the key is as it was".into();
    }
    let what = state.parameters.voided();
    match (state.window, &state.key) {
        (Some(index), _) => format!(
            "NO: component {index} is printed and not sealed; any interruption voids {what}"
        ),
        (None, Some(_)) if unprinted => {
            format!("no: components live in this session only; leaving it voids {what}")
        }
        (None, Some(_)) => format!("yes, for a pause; ending the ceremony voids {what}"),
        (None, None) if state.parameters.split.is_some() => {
            "yes, nothing is split yet; the key stays as it is".into()
        }
        (None, None) => "yes, no key is made yet".into(),
    }
}

/// `HH:MM`, UTC.
pub(super) fn clock(ms: Option<u64>) -> String {
    ms.map_or_else(
        || "--:--".into(),
        |ms| {
            let minutes = ms / 60_000;
            format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
        },
    )
}

fn note(prompt: &mut Prompt, text: String) {
    prompt.lines.push(PromptLine {
        mark: Mark::Note,
        text,
    });
}

pub(super) fn press(
    mut prompt: Prompt,
    state: &State,
    step: &ScriptStep,
    person: &Player,
    press: &Press,
) -> Prompt {
    let name = &person.name;
    let (code, key, label, words) = match press {
        Press::Confirm { key, label } => (
            format!("confirm.{}", step.id),
            *key,
            label.clone(),
            format!("{name} looks, and presses the key when it is so."),
        ),
        Press::Generate => (
            "generate.ready".into(),
            'g',
            "generate".into(),
            format!(
                "{name} starts the generation of one {} key. Its value is shown to nobody.",
                state.parameters.template.form
            ),
        ),
        Press::Split => (
            "split.ready".into(),
            's',
            "split".into(),
            format!(
                "{name} has {} split into {} new parts. No value is shown to anybody.",
                state.parameters.label, state.parameters.components
            ),
        ),
        Press::Destroyed => (
            "destroy.ready".into(),
            'g',
            "the package is destroyed".into(),
            format!(
                "{name} destroys it unopened: cross-cut, burnt or pulped, before the eyes of the witness."
            ),
        ),
        Press::SetAside => (
            "destroy.aside".into(),
            'a',
            "the package is set aside".into(),
            format!(
                "Its serial is not the recorded one. {name} does not destroy it: it goes unopened \
                 into a bag of its own, and into quarantine. The key managers sign that; the \
                 others are destroyed."
            ),
        ),
        Press::Import => (
            "import.ready".into(),
            'i',
            "block and letter are here".into(),
            state.parameters.import.as_ref().map_or_else(String::new, |from| {
                format!(
                    "{name} has the key block of {} under {}, and its check value from another letter.",
                    from.partner, from.under.label
                )
            }),
        ),
        Press::Enter => (
            "enter.ready".into(),
            'e',
            "enter the component".into(),
            format!(
                "{name} opens the package alone. Everybody else steps back; nobody sees sheet or keyboard."
            ),
        ),
        Press::Print => (
            "print.ready".into(),
            'p',
            "print".into(),
            if state.parameters.blind {
                format!("{name} stands at the printer, alone. The form stays closed: nobody opens it here.")
            } else {
                format!("{name} stands at the printer, alone, with an unused envelope at hand.")
            },
        ),
        Press::Written => {
            prompt.show = state.key.as_ref().map(|key| Show::CheckValue {
                kcv: key.kcv.value.clone(),
                method: key.kcv.method.clone(),
                label: state.parameters.label.clone(),
            });
            (
                "readback.show".into(),
                'w',
                "written down".into(),
                format!(
                    "{name} reads the check value aloud. All who read back write it on paper; it is not shown while they type."
                ),
            )
        }
        Press::Export => {
            let words = state.parameters.delivery.as_ref().map_or_else(
                || format!("{name} puts one enrolled medium in."),
                |d| {
                    format!(
                        "{name} puts one medium in. The key leaves under {} for {}.",
                        d.under.label, d.recipient
                    )
                },
            );
            ("export.ready".into(), 'e', "export".into(), words)
        }
        Press::Replugged => (
            "export.replug".into(),
            'r',
            "read again".into(),
            format!(
                "{name} pulls the medium, waits for its light to go out, and puts it back. The station cannot see that it was away; it reads past every cache."
            ),
        ),
    };
    note(&mut prompt, words);
    prompt.code = code;
    prompt.ask = Ask::Confirm { key, label };
    prompt
}

fn field_code(field: Field, number: usize) -> String {
    let stem = match field {
        Field::Serial => "seal.serial",
        Field::CheckValue => "readback",
        Field::Package => "exercise.serial",
        Field::Old => "destroy.serial",
        Field::PartnerValue => "combine",
    };
    format!("{stem}.{}", ORDINALS.get(number).unwrap_or(&"further"))
}

pub(super) fn typed(
    mut prompt: Prompt,
    state: &State,
    person: &Player,
    field: Field,
    number: usize,
) -> Prompt {
    prompt.code = field_code(field, number);
    let (label, hint, max, from) = match field {
        Field::Serial if state.parameters.blind => (
            "Form serial",
            "as printed on the closed form",
            24,
            "from the closed form",
        ),
        Field::Serial => (
            "Envelope serial",
            "as printed on the envelope",
            24,
            "from the envelope",
        ),
        Field::CheckValue => (
            "Check value of the whole key",
            "digits 0-9 and letters A-F, from your paper",
            16,
            "from the paper",
        ),
        Field::Package => (
            "Package serial",
            "as on the package, before it is opened",
            24,
            "from the unopened package",
        ),
        Field::Old => (
            "Package serial",
            "as on the package, before it is destroyed",
            24,
            "from the unopened package",
        ),
        Field::PartnerValue => (
            "Check value that the partner gave for the whole key",
            "digits 0-9 and letters A-F, from the partner's letter",
            40,
            "from the partner's letter",
        ),
    };
    note(
        &mut prompt,
        format!("{} types it {from}. The others look away.", person.name),
    );
    prompt.ask = Ask::Text {
        label: label.into(),
        // A witness types anew what the custodian typed, and does not see it.
        hint: match (field, number) {
            (Field::Serial | Field::Package | Field::Old, 1..) => format!("again, {hint}"),
            _ => hint.into(),
        },
        max,
        masked: number > 0,
    };
    prompt
}

pub(super) fn identify(
    mut prompt: Prompt,
    step: &ScriptStep,
    person: &Player,
    upcoming: Option<&Move>,
) -> (String, Prompt) {
    let (code, purpose) = match upcoming {
        Some(Move::Type(_, field, number)) => (
            format!("{}.card", field_code(*field, *number)),
            match field {
                Field::Serial => "type the envelope serial".to_owned(),
                Field::Package | Field::Old => "type the package serial".to_owned(),
                Field::CheckValue => "read back the check value".to_owned(),
                Field::PartnerValue => "type the partner's check value".to_owned(),
            },
        ),
        Some(Move::Press(_, Press::Confirm { label, .. })) => {
            (format!("confirm.{}.card", step.id), label.clone())
        }
        Some(Move::Press(_, Press::Enter)) => {
            ("enter.card".to_owned(), "type the component".to_owned())
        }
        _ => (
            "sign-in.card".to_owned(),
            format!("take part for the group {}", person.group.title()),
        ),
    };
    note(
        &mut prompt,
        format!("{} comes with card and PIN: {purpose}.", person.name),
    );
    prompt.code = code;
    prompt.ask = Ask::Card {
        wanted: vec![person.name.clone()],
        other_group: false,
    };
    (purpose, prompt)
}

pub(super) fn deviation(
    mut prompt: Prompt,
    state: &State,
    person: &Player,
    words: &str,
    step: &ScriptStep,
) -> Prompt {
    note(&mut prompt, format!("Deviation: {words}"));
    let effect = match step.on_deviation {
        OnDeviation::Record => {
            "It will be recorded as an exception, and the ceremony goes on.".to_owned()
        }
        OnDeviation::End(End::Void) => {
            format!(
                "It ends the ceremony, and voids {}.",
                state.parameters.voided()
            )
        }
        OnDeviation::End(End::Abort) if state.parameters.existing().is_none() => {
            "It ends the ceremony. A key already made becomes void.".into()
        }
        OnDeviation::End(End::Abort) => "It ends the ceremony. The key stays as it is.".into(),
    };
    note(&mut prompt, effect);
    prompt.code = "deviation.card".into();
    prompt.title = format!("Deviation, witnessed by {}", person.name);
    prompt.waiting_for = person.name.clone();
    prompt.ask = Ask::Card {
        wanted: vec![person.name.clone()],
        other_group: false,
    };
    prompt
}
