//! What is told of a ceremony at its end.

use super::minutes::signed_exceptions;
use super::state::{SET_ASIDE, State};

/// What did not go as written, for the screen at the end: an exception is what
/// people recorded, a failed attempt what the station saw.
#[must_use]
pub fn failed_and_excepted(state: &State) -> Vec<String> {
    let failed = state.failed_words();
    let mut words = vec![match failed.len() {
        0 => "failed attempts: none".to_owned(),
        _ => "failed attempts:".to_owned(),
    }];
    words.extend(failed.into_iter().map(|line| format!("  {line}")));
    words.push(match state.exceptions.len() + signed_exceptions(state) {
        0 => "recorded exceptions: none".into(),
        n => format!("recorded exceptions: {n}"),
    });
    words
}

/// What was done, for the screen at the end.
pub(super) fn done_words(state: &State) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(key) = &state.key {
        words.push(format!(
            "{} {}, check value {}",
            state.parameters.template.form,
            state.parameters.label,
            key.kcv.words()
        ));
    }
    for envelope in &state.envelopes {
        words.push(format!(
            "component {} in envelope {}",
            state.parameters.place(envelope.component),
            envelope.serial
        ));
    }
    if let (Some(_), Some(shares)) = (&state.key, &state.parameters.shares) {
        words.push(match shares.known {
            Some(_) => format!("{} shares make the key: proven", shares.places.len()),
            None => format!("put together from {} shares", shares.places.len()),
        });
    } else if let Some(paper) = &state.parameters.paper {
        words.push(format!(
            "entered from {} components of {}",
            state.entered.len(),
            paper.partner
        ));
    }
    if let Some(from) = &state.parameters.import {
        words.push(format!(
            "imported from {} under {}",
            from.partner, from.under.label
        ));
    }
    if let Some(delivery) = &state.parameters.delivery {
        words.push(format!(
            // On which medium, the export's own words say: the one that was chosen
            // may have been condemned since.
            "exported under {} for {}",
            delivery.under.label, delivery.recipient
        ));
    }
    match &state.parameters.split {
        Some(split) if split.quorum.is_some() => {
            words.push("shares that were in custody before are former: a task says so".into());
        }
        Some(_) => words.push(
            "what was in custody before is former: a task says which sheets to destroy".into(),
        ),
        None => {}
    }
    if state.parameters.destroy.is_some() {
        let aside = state
            .exceptions
            .iter()
            .filter(|e| e.words.ends_with(SET_ASIDE));
        let aside = aside.count();
        let destroyed = usize::from(state.parameters.components).saturating_sub(aside);
        words.push(format!(
            "sheets destroyed, unopened where they were sealed: {destroyed}"
        ));
        if aside > 0 {
            words.push(format!(
                "set aside unopened, in quarantine, not destroyed: {aside}"
            ));
        }
    }
    if state.parameters.exercise.is_some() {
        let found = state.results.iter().flat_map(|r| &r.words);
        words.extend(
            found
                .filter(|w| super::action::tells_of_a_sheet(w))
                .cloned(),
        );
    }
    words.extend(failed_and_excepted(state));
    words
}
