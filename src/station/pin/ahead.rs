//! The paper is ahead of the records: people say from where to where.

use conclave_keyroom::domain::pin_ahead::Ahead;
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::domain::pin_seen::Shown;
use conclave_keyroom::ports::dialogue::{Ask, People};
use conclave_trades::pin::action::{BatchName, FollowPaper, REASON_MOST};

use super::forms::{NUMBER, no_number};
use super::mailers::{MAILER, mailer, no_mailer};
use super::{number, question};
use crate::approve::Undone;
use crate::ceremony::begin::text;
use crate::station::Station;

impl Station {
    /// Forms that were fed without a mailer, and what lies behind them.
    pub(super) fn paper_ahead(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let mut prompt = question(
            "pins.ahead",
            batch,
            "From where to where is the paper ahead?",
            "Confirm what lies before the first form without a mailer first. The forms without \
             one are destroyed now, both look on; the mailers behind them are good, and are \
             confirmed afterwards.",
        );
        prompt.ask = Ask::Form {
            fields: vec![
                text(
                    "Without",
                    "",
                    "number of the first form without a mailer",
                    NUMBER,
                ),
                text(
                    "First form",
                    "",
                    "the first behind it with a mailer",
                    NUMBER,
                ),
                text("First mailer", "", MAILER, 8),
                text("Last form", "", "the very last with a mailer", NUMBER),
                text("Last mailer", "", MAILER, 8),
                text(
                    "How",
                    "",
                    "one sentence: what happened, who saw it",
                    REASON_MOST,
                ),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = self.foreseen_form(&mut prompt, people, |values| {
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let forms = (number(value(0)), number(value(1)), number(value(3)));
            let (Some(blank), Some(first), Some(last)) = forms else {
                return Err(no_number());
            };
            let shown = (mailer(value(2))?, mailer(value(4))?);
            let (Some(its), Some(on_last)) = shown else {
                return Err(no_mailer());
            };
            Ok(FollowPaper {
                batch: BatchName::of(batch),
                ahead: Ahead {
                    blank,
                    first,
                    last,
                    shown: Shown {
                        first: its,
                        last: on_last,
                    },
                },
                reason: value(5).trim().to_owned(),
            })
        })?;
        let moved = self.act(&action, "the paper is ahead", people)?;
        Ok(vec![format!(
            "{moved} mailers are where the paper has them: confirm them."
        )])
    }
}
