//! How a ceremony turns: an entry taken, a failure, a way back, an early end.

use super::moves::{Field, Move};
use super::prompts;
use super::script::{End, ScriptStep, Verb};
use super::state::{Ending, Player, State};

/// Nothing half made stays usable: where a key was made, it becomes void.
pub(super) fn finish(mut state: State, end: End, reason: String) -> State {
    state.deviation = None;
    // A key that was there before is as it was; new parts of it may be void.
    let untouched = state.parameters.existing().is_some() && state.parameters.split.is_none();
    let made = state.key.as_ref().filter(|_| !untouched);
    state.ending = Some(match (end, made) {
        (End::Void | End::Abort, Some(_)) => Ending::Void(reason),
        (_, None) => Ending::Aborted(reason),
    });
    state
}

pub(super) fn void_window(state: State) -> State {
    let component = state
        .window
        .map_or_else(String::new, |i| format!(" of component {i}"));
    let what = state.parameters.voided();
    finish(
        state,
        End::Void,
        format!(
            "interrupted between print and seal{component}: {what} is void, and nothing of it is printed again"
        ),
    )
}

/// Back to the last boundary inside the step: after its last unit.
pub(super) fn restart(mut state: State, moves: &[Move]) -> State {
    let inside = usize::from(state.inside);
    let before = moves.iter().take(inside);
    let boundary = before
        .enumerate()
        .filter(|(_, m)| matches!(m, Move::Act(_)))
        .map(|(at, _)| at + 1)
        .next_back()
        .unwrap_or(0);
    // Entries belong to the moves that are made again. Those before a unit
    // that is done have been used by it.
    state.entries.clear();
    state.deviation = None;
    state.inside = u16::try_from(boundary).unwrap_or(u16::MAX);
    state
}

pub(super) fn failed(mut state: State, step: &ScriptStep, moves: &[Move], words: &str) -> State {
    state.tries = state.tries.saturating_add(1);
    state.fail(words);
    if state.tries > step.on_failure.retries {
        return finish(
            state,
            step.on_failure.then,
            format!("{} failed: {words}", step.id),
        );
    }
    let left = step.on_failure.retries - state.tries;
    let advice = if left == 0 {
        "Do it once more; a further failure ends the ceremony.".to_owned()
    } else {
        format!("Do it again; it may fail {left} more times.")
    };
    let mut state = restart(state, moves);
    if step.verb == Verb::Export {
        // The sequence number is used up: bundle and cryptograms are made afresh.
        state.inside = 1;
    }
    state.refused = Some(prompts::refused(words, &advice));
    state
}

/// A partner's check value as it was typed: the method, where it was typed in
/// front, and the digits.
#[must_use]
pub fn partner_value(typed: &str) -> (Option<&'static str>, &str) {
    for method in ["ENC-ZERO", "CMAC", "SHA2VP1"] {
        if let Some(digits) = typed.strip_prefix(method) {
            return (Some(method), digits);
        }
    }
    (None, typed)
}

/// The recorded serial of the package at hand: one is sealed again before the
/// next is opened.
fn recorded(state: &State) -> Option<&String> {
    let exercise = state.parameters.exercise.as_ref().map(|e| &e.serials);
    let shares = state.parameters.shares.as_ref();
    let known = shares.and_then(|s| s.known.as_ref()).map(|k| &k.serials);
    exercise.or(known)?.get(state.envelopes.len())?.as_ref()
}

/// A package that is about to be destroyed has another serial than was recorded.
enum Another {
    /// It is the package of another turn.
    OnTheList,
    /// It is none that is known: it is set aside, and the others are destroyed.
    Unknown,
}

fn another(state: &State, turn: Option<u8>, serial: &str) -> Option<Another> {
    let destroy = state.parameters.destroy.as_ref()?;
    if !destroy.is_another(turn?, serial) {
        return None;
    }
    match destroy.lists(serial) {
        true => Some(Another::OnTheList),
        false => Some(Another::Unknown),
    }
}

pub(super) fn type_in(
    mut state: State,
    (step, component): (&ScriptStep, Option<u8>),
    moves: &[Move],
    person: &Player,
    field: Field,
    number: usize,
    word: &str,
) -> State {
    let entry: String = word
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let well_formed = match field {
        Field::Serial | Field::Package | Field::Old => {
            (4..=24).contains(&entry.len())
                && entry
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-')
        }
        Field::CheckValue => {
            (4..=16).contains(&entry.len()) && entry.chars().all(|c| c.is_ascii_hexdigit())
        }
        Field::PartnerValue => {
            let digits = partner_value(&entry).1;
            (4..=32).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_hexdigit())
        }
    };
    if !well_formed {
        state.refused = Some(prompts::malformed(field));
        return state;
    }
    state.entries.truncate(number);
    state.entries.push(entry);
    state.words.push(format!("{}: typed it", person.name));
    let last = !moves
        .iter()
        .skip(usize::from(state.inside) + 1)
        .any(|m| matches!(m, Move::Type(..)));
    if last {
        let first = state.entries.first();
        let agree = state.entries.iter().all(|e| Some(e) == first);
        let right = match (field, &state.key) {
            (Field::CheckValue, Some(key)) => first == Some(&key.kcv.value),
            (Field::CheckValue, None) => false,
            // What the partner's value is worth, the vault says.
            (Field::Serial | Field::PartnerValue | Field::Old, _) => true,
            (Field::Package, _) => recorded(&state).is_none_or(|serial| first == Some(serial)),
        };
        let old = first.filter(|_| field == Field::Old);
        let another = old.and_then(|serial| another(&state, component, serial));
        let used =
            field == Field::Serial && state.envelopes.iter().any(|e| Some(&e.serial) == first);
        if !agree {
            return failed(state, step, moves, "The entries are not the same.");
        }
        if !right {
            let package = field == Field::Package;
            let why = if package {
                "The serial is not the recorded one: the package goes into quarantine, unopened (R11). The key managers record it: k, the key, w."
            } else {
                "The entries are not the key's check value."
            };
            if package {
                // Two people read it: it is the package that is another.
                state.fail(why);
                let ended = format!("{} failed: {why}", step.id);
                return finish(state, step.on_failure.then, ended);
            }
            return failed(state, step, moves, why);
        }
        if used {
            return failed(
                state,
                step,
                moves,
                "An envelope of this serial was used already in this ceremony.",
            );
        }
        match another {
            Some(Another::OnTheList) => {
                let why = "That is another package of the list: each is destroyed in its turn.";
                return failed(state, step, moves, why);
            }
            Some(Another::Unknown) => state.fail(
                "The serial is not the recorded one: the package is set aside, unopened (R11).",
            ),
            None => {}
        }
    }
    state.inside = state.inside.saturating_add(1);
    state
}
