//! Forms that are covered from the start: what a script's steps say instead
//! where nobody can read what was printed.
//!
//! The layout says *open sheet* or *blind mailer*, and that is part of what
//! both quorums sign. A script carries both wordings; who acts, what is done
//! and what a deviation does are the same in both.

use serde::Deserialize;

use super::script::{Item, Script, ScriptStep, Verb};

/// What a confirming step says where the form is a blind mailer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlindWords {
    /// What pressing the key says.
    pub label: String,
    /// What people read.
    pub title: String,
    /// The expected result.
    pub expect: String,
    /// Why the step exists.
    pub why: String,
}

impl Script {
    /// TRUE when the script says what to look at on a blind mailer: on a
    /// printed page of X's before the first print, and on the closed form
    /// between each print and its seal.
    #[must_use]
    pub fn suits_blind_forms(&self) -> bool {
        let steps = self.steps();
        let print = steps.iter().position(|(s, _)| s.verb == Verb::Print);
        let seal = steps.iter().position(|(s, _)| s.verb == Verb::Seal);
        let (Some(print), Some(seal)) = (print, seal) else {
            return false;
        };
        let says = |from: usize, to: usize| {
            steps
                .iter()
                .skip(from)
                .take(to.saturating_sub(from))
                .any(|(s, _)| s.blind.is_some())
        };
        says(0, print) && says(print, seal)
    }

    /// The script as it is played: with the words for blind mailers where the
    /// forms are such.
    #[must_use]
    pub fn played(mut self, blind: bool) -> Self {
        if blind {
            for item in &mut self.items {
                match item {
                    Item::Step(step) => cover(step),
                    Item::EachComponent(steps) => steps.iter_mut().for_each(cover),
                }
            }
        }
        self
    }
}

fn cover(step: &mut ScriptStep) {
    let Some(words) = step.blind.clone() else {
        return;
    };
    if let Verb::Confirm { label, .. } = &mut step.verb {
        *label = words.label;
    }
    step.title = words.title;
    step.expect = words.expect;
    step.why = words.why;
}
