//! The run: window after window to the printer, while both cards stay in.
//!
//! Nobody has to touch the keyboard: the screen blanks, and the run goes on.
//! Every so many mailers both say that they are still here.

use conclave_evidence::Id;
use conclave_keyroom::domain::pin_batch::{BatchLayout, PinBatch};
use conclave_keyroom::door::{ActionError, DoorError, Refusal as Refused};
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, People, Prompt, Refusal, RunView, Show,
};
use conclave_keyroom::ports::printer::PrinterError;
use conclave_keyroom::provider::ProviderError;
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::Pace;
use conclave_trades::pin::action::{BatchName, PrintMailers, SettleInterrupted};
use conclave_trades::print::Layout;
use std::time::Duration;

use super::forms::{NUMBER, no_number};
use super::pause::{ended, paused};
use super::{WAITS, number, question};
use crate::approve::Undone;
use crate::cards::{Interrupted, ask, filled};
use crate::ceremony::begin::text;
use crate::service::IDLE_LOGOUT_MS;
use crate::station::Station;

/// Mailers after which both say that they are still here.
const PRESENCE: u64 = 250;

/// Mailers after which a rate is told.
const ENOUGH: u64 = 8;

/// What the printer does while nothing is wrong.
const PRINTING: &str = "printing";

/// What the batch says of a run that the printer stopped.
const STOPPED: &str = "Stopped at the printer: look at the last forms; the rest waits.";

/// How a run went so far.
struct Run {
    /// When it began, or went on: monotonic milliseconds.
    since_ms: u64,
    /// Mailers that left since then.
    sent: u64,
    /// Mailers that left since both said that they are here.
    unseen: u64,
}

impl Run {
    /// Mailers an hour, and seconds for so many more.
    fn rate(&self, now_ms: u64, waiting: u64) -> Option<(u64, u64)> {
        let spent = now_ms.saturating_sub(self.since_ms);
        if self.sent < ENOUGH || spent == 0 {
            return None;
        }
        let rate = self.sent.saturating_mul(3_600_000) / spent;
        let left = waiting.saturating_mul(spent) / self.sent / 1000;
        Some((rate, left))
    }
}

/// What a run view says first.
struct Says<'a> {
    large: &'a str,
    next: &'a str,
    device: &'a str,
}

fn view(batch: &PinBatch, run: &Run, now_ms: u64, says: &Says<'_>) -> RunView {
    let waiting = batch.cards.waiting.count();
    // Nobody waits for a printer that stands.
    let rate = match says.device {
        PRINTING => run.rate(now_ms, waiting),
        _ => None,
    };
    let blank = &batch.forms.blank;
    RunView {
        large: says.large.to_owned(),
        next: says.next.to_owned(),
        done: u64::from(batch.count).saturating_sub(waiting),
        of: batch.count.into(),
        rate: rate.map(|(rate, _)| rate),
        left: rate.map(|(_, left)| left),
        forms: match blank.first(1).first() {
            None => "no blank form here".to_owned(),
            Some(next) if says.device == PRINTING => {
                format!("next {next}, {} blank here", blank.count())
            }
            // Where a run stands, the number of the form in the printer is asked next:
            // it is read there, and not here.
            Some(_) => format!("{} blank here", blank.count()),
        },
        device: format!("{}, {}", batch.printer, says.device),
        counts: vec![
            ("to confirm".to_owned(), batch.cards.sent.count()),
            ("confirmed".to_owned(), batch.cards.confirmed.count()),
            ("unknown".to_owned(), batch.cards.unknown.count()),
            ("to reissue".to_owned(), batch.cards.cancelled.count()),
        ],
    }
}

/// Another form lies in the printer than the next one on record. Which one that is
/// is not told: it would be typed.
fn other_form(form: u64, next: u64) -> Refusal {
    let advice = match form < next {
        // A jam loses what the printer's memory held.
        true => format!(
            "On record there are mailers from form {form} on. Read it again. If it stays: Esc, and \
             look at each of them. Say what it is: A mailer is spoiled, An unknown mailer."
        ),
        false => "Read it again. If it stays: Esc, and look at each form back to the last mailer. \
                  Blank ones: Blank forms not used. A mailer on one that the records have blank: \
                  The paper is ahead."
            .to_owned(),
    };
    Refusal {
        happened: format!("Form {form} is not the next one of the records."),
        safe: "Nothing was printed.".into(),
        advice,
    }
}

/// Before a run: both cards are put in, and each answers.
fn both_cards(batch: &PinBatch) -> Prompt {
    Prompt {
        code: "pins.cards".into(),
        act: format!("Print batch {} of {}", batch.name, batch.issuer),
        title: "Both cards go in, and stay in while mailers are printed.".into(),
        safe: "yes, nothing is being printed".into(),
        why: "Whoever prints PINs is there, and there are two. The run stops when one of the \
              cards is pulled; the journal has whose they were."
            .into(),
        ..Prompt::default()
    }
}

impl Station {
    /// What was about to be printed when the station stopped is unknown.
    pub(super) fn settle_window(&mut self, people: &mut dyn People) -> Result<Vec<String>, Undone> {
        let unknown = self.act(&SettleInterrupted {}, "settle a cut window", people)?;
        Ok(vec![match unknown {
            0 => "No mailer was on its way: none is unknown.".into(),
            some => format!("{some} mailers are unknown: look at their forms."),
        }])
    }

    /// Prints what waits.
    pub(super) fn print_batch(
        &mut self,
        id: Id,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let batch = self.batch_of(id)?;
        self.pair_begins(&batch.name, &both_cards(&batch), people)?;
        people.stay(true);
        let done = self.run_batch(id, people);
        people.stay(false);
        done
    }

    fn run_batch(&mut self, id: Id, people: &mut dyn People) -> Result<Vec<String>, Undone> {
        let mut run = Run {
            since_ms: self.clock.mono_ms(),
            sent: 0,
            unseen: 0,
        };
        let mut pace = self.pace_of(id)?;
        // What lies in the printer, as far as it is known.
        let mut lies = None;
        let mut attached = None;
        loop {
            let batch = self.batch_of(id)?;
            if batch.cards.waiting.is_empty() {
                let next =
                    "Look at each form, then confirm. Flush the printer when all is confirmed.";
                return self.halt(&batch, &run, ("ALL PRINTED", next), people);
            }
            if batch.forms.blank.count() < u64::from(batch.across) {
                let next = "The blank forms are used up: take out a reel, and print on.";
                return self.halt(&batch, &run, ("LOAD FORMS", next), people);
            }
            if run.unseen >= PRESENCE {
                self.still_here(&batch, &run, people)?;
                // They are at the printer: a form that was fed without a mailer
                // since then is found here.
                lies = None;
                // The time that it took is nobody's printing time.
                (run.since_ms, run.sent, run.unseen) = (self.clock.mono_ms(), 0, 0);
                continue;
            }
            // One that is not there the next mailer finds out.
            let now = self.attached(&batch.printer);
            if attached.is_some_and(|before| before != now) {
                // Whatever it had in its memory is gone, and people may have moved
                // the paper.
                (attached, lies) = (Some(now), None);
                pace.stopped();
                let trouble = format!(
                    "{} was switched off or unplugged since the last mailer.",
                    batch.printer
                );
                if !self.goes_on(id, &run, trouble, people)? {
                    return Ok(vec![STOPPED.into()]);
                }
                continue;
            }
            attached = Some(now);
            let form = match (lies, batch.next_form()) {
                (Some(lies), Some(next)) if lies == next => next,
                _ => {
                    let asked_ms = self.clock.mono_ms();
                    let form = self.form_there(&batch, people)?;
                    if self.here_after(asked_ms, &batch, &mut run, people)? {
                        // Whoever was away looks at the paper again.
                        continue;
                    }
                    form
                }
            };
            let prompt = self.run_prompt(
                &batch,
                &run,
                &Says {
                    large: "PRINTING",
                    next: "Both cards stay in. Esc, then y: pause after the sheet at hand.",
                    device: PRINTING,
                },
            );
            people.show(&prompt);
            let answer = people.answer(Duration::ZERO);
            self.pair_stays()?;
            if let Some(end) = ended(answer) {
                return end;
            }
            let here_for = PRESENCE.saturating_sub(run.unseen);
            let here_for = u16::try_from(here_for).unwrap_or(u16::MAX);
            let action = PrintMailers {
                batch: BatchName::of(&batch),
                window: pace.window().min(here_for),
                form,
            };
            let begun_ms = self.clock.mono_ms();
            let (printed, asked) = self.print_window(&action, people);
            let pauses = match ended(asked) {
                // Nobody is asked anything more, whatever the printer said meanwhile:
                // what left is on record.
                Some(Err(end)) => return Err(end),
                asked => asked.is_some(),
            };
            if pauses {
                // The watch may not have seen yet who pulled a card to stop it.
                self.pair_stays()?;
            }
            let trouble = match printed {
                Ok(printed) => {
                    let sent = u64::try_from(printed.sent).unwrap_or(0);
                    run.sent += sent;
                    run.unseen += sent;
                    lies = printed.lies;
                    match (printed.stopped, printed.unknown) {
                        (None, _) if pauses => return paused(),
                        (None, _) => {
                            pace.took(self.clock.mono_ms().saturating_sub(begun_ms));
                            continue;
                        }
                        // No byte of the rest has left: it waits again.
                        (Some(PrinterError::Stopped), 0) if pauses => return paused(),
                        (Some(error), 0) => format!("{error}. No byte of the rest has left."),
                        (Some(error), 1) => format!("{error}. One mailer is unknown."),
                        (Some(error), n) => format!("{error}. {n} mailers are unknown."),
                    }
                }
                // Before the keys were open, or the first sheet was made.
                Err(DoorError::Failed(
                    ActionError::Stopped | ActionError::Provider(ProviderError::Stopped),
                )) if pauses => return paused(),
                // Nothing has left; whoever looks at the printer can go on.
                Err(error @ DoorError::Failed(ActionError::Device { .. })) => {
                    self.door_refusal(&error).happened
                }
                Err(DoorError::Refused(Refused::NoMandate)) => {
                    return Err(Undone::Interrupted(Interrupted::Refused(Refusal {
                        happened: format!(
                            "Batch {} was opened, or taken over, more than 24 hours ago, or \
                             printed as often as was signed for.",
                            batch.name
                        ),
                        safe: "Nothing of it is lost; nothing more was printed.".into(),
                        advice: "Both count what is there, and sign for it anew: More, Take the \
                                 batch over. Then Print."
                            .into(),
                    })));
                }
                Err(error) => return Err(Undone::Door(error)),
            };
            pace.stopped();
            self.pair_stays()?;
            if pauses {
                return Ok(vec![format!("{trouble} {STOPPED}")]);
            }
            let stopped_ms = self.clock.mono_ms();
            if !self.goes_on(id, &run, trouble, people)? {
                return Ok(vec![STOPPED.into()]);
            }
            self.pair_stays()?;
            let batch = self.batch_of(id)?;
            self.here_after(stopped_ms, &batch, &mut run, people)?;
            // Whoever looked may have moved the paper, and switched the printer off to
            // clear a jam.
            (lies, attached) = (None, None);
        }
    }

    fn pace_of(&self, id: Id) -> Result<Pace, Undone> {
        let wrong = |why: String| Undone::Interrupted(Interrupted::Refused(self.refusal(&why)));
        let vault = self.door.vault();
        let layout: BatchLayout = vault
            .get(Compartment::Pins, BatchLayout::id_of(id))
            .map_err(|e| wrong(e.to_string()))?;
        let layout = Layout::as_approved(&layout.text).map_err(|e| wrong(e.to_string()))?;
        Ok(Pace::of(layout.page()))
    }

    /// The number of the form that lies in the printer, as people read it there:
    /// it is the next one on record, or nothing is printed.
    fn form_there(&self, batch: &PinBatch, people: &mut dyn People) -> Result<u64, Undone> {
        let mut prompt = question(
            "pins.form",
            batch,
            "Which form lies in the printer?",
            "Look, and read the number of the form that is printed next; of two beside one \
             another the smaller.",
        );
        prompt.safe = "yes, nothing is being printed".into();
        prompt.why = "The records say which card's PIN is on which form. They are right when the \
                      first form is the one that they say, and no number is left out after it."
            .into();
        prompt.ask = Ask::Form {
            fields: vec![text("Form", "", "its printed number", NUMBER)],
            submit: "print".into(),
            done: None,
        };
        loop {
            let values = filled(people, &mut prompt)?;
            let typed = values.first().and_then(|value| number(value));
            prompt.refused = Some(match (typed, batch.next_form()) {
                (Some(form), Some(next)) if form == next => return Ok(form),
                (Some(form), Some(next)) => other_form(form, next),
                _ => no_number(),
            });
        }
    }

    fn batch_of(&self, id: Id) -> Result<PinBatch, Undone> {
        self.pin_batch(id)
            .map_err(|refusal| Undone::Interrupted(Interrupted::Refused(refusal)))
    }

    fn run_prompt(&self, batch: &PinBatch, run: &Run, says: &Says<'_>) -> Prompt {
        Prompt {
            code: "pins.run".into(),
            act: format!("Print batch {} of {}", batch.name, batch.issuer),
            show: Some(Show::Run(view(batch, run, self.clock.mono_ms(), says))),
            ask: Ask::Nothing,
            waiting_for: batch.printer.clone(),
            safe: "yes, after the sheet at hand; nothing is printed twice".into(),
            why: "What is about to be printed is on disk before its first byte: whatever is cut \
                  is unknown, and people look at the numbered forms. The screen goes blank when \
                  nobody presses a key; the printer goes on while both cards stay in."
                .into(),
            ..Prompt::default()
        }
    }

    /// The run has come to an end that it cannot pass by itself: the screen
    /// waits until somebody reads it, however long that takes.
    fn halt(
        &mut self,
        batch: &PinBatch,
        run: &Run,
        (large, next): (&str, &str),
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let says = Says {
            large,
            next,
            device: "waiting",
        };
        let mut prompt = self.run_prompt(batch, run, &says);
        prompt.code = "pins.halt".into();
        prompt.ask = Ask::Read;
        prompt.waiting_for = WAITS.into();
        prompt.safe = "yes, nothing is being printed".into();
        ask(people, &mut prompt, &mut |_| Ok(false))?;
        Ok(vec![next.to_owned()])
    }

    /// The run stood since then: the time is nobody's printing time. Both cards
    /// stayed in, or the room were closed; but after as long as a session lasts
    /// in which nobody presses a key, both answer again before anything is
    /// printed: TRUE then.
    fn here_after(
        &mut self,
        since_ms: u64,
        batch: &PinBatch,
        run: &mut Run,
        people: &mut dyn People,
    ) -> Result<bool, Undone> {
        let long = self.clock.mono_ms().saturating_sub(since_ms) > IDLE_LOGOUT_MS;
        if long {
            self.still_here(batch, run, people)?;
            run.unseen = 0;
        }
        (run.since_ms, run.sent) = (self.clock.mono_ms(), 0);
        Ok(long)
    }

    /// Each card of the pair answers again, and the journal has who it was.
    fn still_here(
        &mut self,
        batch: &PinBatch,
        run: &Run,
        people: &mut dyn People,
    ) -> Result<(), Undone> {
        let mut prompt = self.run_prompt(
            batch,
            run,
            &Says {
                large: "WHO IS HERE",
                next: "The printer waits until both type their PINs; both cards stay in.",
                device: "waiting",
            },
        );
        prompt.code = "pins.presence".into();
        prompt.safe = "yes, nothing is being printed".into();
        self.pair_is_here(&batch.name, &prompt, people)
    }

    /// The printer wants people: whether they go on.
    fn goes_on(
        &mut self,
        id: Id,
        run: &Run,
        trouble: String,
        people: &mut dyn People,
    ) -> Result<bool, Undone> {
        let batch = self.batch_of(id)?;
        let mut prompt = self.run_prompt(
            &batch,
            run,
            &Says {
                large: "LOOK AT PRINTER",
                next: "Jam, forms, power, cable. Leave every form where it is until both look.",
                device: "stopped",
            },
        );
        prompt.code = "pins.stopped".into();
        prompt.refused = Some(Refusal {
            happened: trouble,
            safe: "Nothing is printed twice.".into(),
            advice: "Look at the last forms, too: a jam leaves some of them blank.".into(),
        });
        let choice = |label: &str, detail: &str| Choice {
            label: label.into(),
            detail: detail.into(),
        };
        prompt.ask = Ask::Choose {
            options: vec![
                choice("Back to the batch", "look at the forms first"),
                choice("Go on printing", "the number in the printer is asked first"),
            ],
        };
        prompt.waiting_for = WAITS.into();
        loop {
            if let Answer::Chosen(at) =
                ask(people, &mut prompt, &mut |_| Ok(false)).map_err(Undone::Interrupted)?
            {
                return Ok(at == 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_when_there_is_one() {
        let run = |sent| Run {
            since_ms: 1000,
            sent,
            unseen: 0,
        };
        assert_eq!(run(7).rate(11_000, 100), None);
        assert_eq!(run(10).rate(11_000, 100), Some((3600, 100)));
        assert_eq!(run(10).rate(1000, 100), None);
    }
}
