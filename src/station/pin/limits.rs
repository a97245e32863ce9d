//! More replacements than the pair may decide on.

use conclave_keyroom::domain::pin_batch::{Limits, PinBatch};
use conclave_keyroom::ports::dialogue::{Ask, People, PromptLine};
use conclave_trades::pin::MOST_TRIES;
use conclave_trades::pin::action::{REASON_MOST, RaiseLimits};

use super::{number, question};
use crate::approve::Undone;
use crate::cards::Interrupted;
use crate::ceremony::begin::{refused, text};
use crate::station::Station;

impl Station {
    /// Administrators come and sign beside the pair.
    pub(super) fn raise_limits(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        self.administrators_here()
            .map_err(|refusal| Undone::Interrupted(Interrupted::Refused(refusal)))?;
        let Limits {
            tries,
            replacements,
        } = batch.limits;
        let mut prompt = question(
            "pins.limits-raised",
            batch,
            "How many PINs may be replaced in all?",
            "The pair signs, and administrators beside it. First find \
             out why so many are spoiled. Cards that were given up for reissue stay so.",
        );
        prompt.lines.push(PromptLine::note(format!(
            "{} of {replacements} are replaced; a card may have {tries} PINs.",
            batch.replaced
        )));
        prompt.safe = "yes, nothing is changed before all have signed".into();
        prompt.ask = Ask::Form {
            fields: vec![
                text(
                    "PINs for a card",
                    &tries.to_string(),
                    &format!("{tries} to {MOST_TRIES}"),
                    1,
                ),
                text(
                    "Replacements",
                    &replacements.to_string(),
                    &format!("in all, at most {}", batch.count),
                    6,
                ),
                text("Why", "", "one sentence: what spoils them", REASON_MOST),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = self.foreseen_form(&mut prompt, people, |values| {
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let tries = number(value(0)).and_then(|n| u16::try_from(n).ok());
            let replacements = number(value(1)).and_then(|n| u32::try_from(n).ok());
            let (Some(tries), Some(replacements)) = (tries, replacements) else {
                return Err(refused(
                    "These are no limits.",
                    "Two numbers: what is allowed in all, not what comes to it.",
                ));
            };
            let to = Limits {
                tries,
                replacements,
            };
            Ok(RaiseLimits::of(batch, to, value(2)))
        })?;
        self.act(&action, "more replacements", people)?;
        Ok(vec![format!(
            "{} may be replaced in all, and a card may have {} PINs.",
            action.to.replacements, action.to.tries
        )])
    }
}
