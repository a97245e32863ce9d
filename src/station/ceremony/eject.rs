//! The printed sheet comes out of its printer, once its custodian stands there.

use conclave_keyroom::door::{Action, ActionError, DoorError};
use conclave_keyroom::ports::dialogue::{Answer, Ask, Mark, People, Prompt, PromptLine, Refusal};
use conclave_trades::ceremony::action::PrintComponent;
use conclave_trades::ceremony::state::State;
use conclave_trades::print::{Eject, EjectSheet, Layout};

use crate::approve::Undone;
use crate::cards::ask;
use crate::station::Station;

/// Where each printer of a sheet stands: see [`Station::attached`].
pub(super) type Attached = Vec<Option<u64>>;

fn unplugged(printers: &[String], voided: &str) -> Refusal {
    Refusal {
        happened: format!(
            "{} was switched off or unplugged while it printed, or with the sheet in it.",
            printers.join(", ")
        ),
        safe: "The key is safe; of the sheet nobody knows, and no more bytes were sent.".into(),
        advice: format!(
            "Custodian and witness look: is the sheet there, once and whole? Then eject it. If \
             not: Esc voids {voided}."
        ),
    }
}

fn unknown(custodian: &str) -> Undone {
    Undone::Door(DoorError::Failed(ActionError::Unknown {
        what: format!("{custodian} did not take the sheet"),
    }))
}

impl Station {
    /// Where these printers stand with being plugged in.
    pub(super) fn all_attached(&mut self, printers: &[String]) -> Attached {
        printers.iter().map(|name| self.attached(name)).collect()
    }

    /// Where the layout holds the sheet back: it comes out when its custodian
    /// is ready to take it. Whatever happens now, it is printed. `before`: where its
    /// printers stood before its first byte; one that went off and on since may have
    /// lost a part of it, or print it again. What its custodian said, where it came
    /// out by hand.
    pub(super) fn eject(
        &mut self,
        state: &State,
        printed: &PrintComponent,
        mut before: Attached,
        people: &mut dyn People,
    ) -> Result<Option<String>, Undone> {
        let held = Layout::parse(&printed.layout)
            .is_ok_and(|layout| layout.eject() == Eject::OnConfirmation);
        if !held {
            return Ok(None);
        }
        let name = &printed.custodian_name;
        let mut prompt = Prompt {
            code: "print.collect".into(),
            act: printed.label.clone(),
            title: state.parameters.title(printed.index),
            cast: vec![("custodian".into(), name.clone())],
            lines: vec![
                PromptLine {
                    mark: Mark::Note,
                    text: "The sheet is printed and still in the printer.".into(),
                },
                PromptLine {
                    mark: Mark::Now,
                    text: format!("{name} stands at the printer and takes the sheet."),
                },
            ],
            ask: Ask::Confirm {
                key: 'e',
                label: "eject the sheet".into(),
            },
            waiting_for: name.clone(),
            safe: format!(
                "NO: the sheet is printed and not sealed; any interruption voids {}",
                state.parameters.voided()
            ),
            why: "A sheet that falls to the floor has been out of its custodian's hands.".into(),
            ..Prompt::default()
        };
        let first = before.clone();
        loop {
            let ready = ask(people, &mut prompt, &mut |_| Ok(false));
            if !matches!(ready, Ok(Answer::Confirmed)) {
                return Err(unknown(name));
            }
            let now = self.all_attached(&printed.printers);
            // One that is off, or not plugged in, ejects nothing.
            let away =
                |(now, first): (&Option<u64>, &Option<u64>)| now.is_none() && first.is_some();
            if now == before && !now.iter().zip(&first).any(away) {
                break;
            }
            let went = printed
                .printers
                .iter()
                .zip(now.iter().zip(&before).zip(&first));
            let went =
                went.filter(|(_, ((now, before), first))| now != before || away((now, first)));
            let went: Vec<String> = went.map(|(name, _)| name.clone()).collect();
            if now == before {
                // It does not come back.
                let why = format!("{} is not there", went.join(", "));
                return self.by_hand(&why, prompt, people);
            }
            prompt.refused = Some(unplugged(&went, state.parameters.voided()));
            before = now;
        }
        let action = EjectSheet {
            ceremony: state.ceremony,
            printers: printed.printers.clone(),
            custodian: name.clone(),
        };
        match self.perform_plain(&action) {
            Ok(()) => Ok(None),
            // What remains is between the printer and its custodian's hands.
            Err(DoorError::Failed(ActionError::Device { what, .. })) => {
                self.by_hand(&what, prompt, people)
            }
            Err(error) => Err(Undone::Door(error)),
        }
    }

    /// The printer did not eject the sheet: its custodian takes it out by hand, or by the
    /// printer's own key, and says so in the journal; or nobody knows of it.
    fn by_hand(
        &mut self,
        why: &str,
        mut prompt: Prompt,
        people: &mut dyn People,
    ) -> Result<Option<String>, Undone> {
        let name = prompt.waiting_for.clone();
        prompt.code = "print.by-hand".into();
        prompt.lines = vec![PromptLine {
            mark: Mark::Now,
            text: format!(
                "{name} gets the sheet out by hand, or by the printer's own key, and looks: once, \
                 and whole?"
            ),
        }];
        prompt.refused = Some(Refusal {
            happened: format!("The printer did not eject the sheet: {why}."),
            safe: "The key is safe; the sheet is printed, and nothing more is sent.".into(),
            advice: "If it is not there once and whole: Esc.".into(),
        });
        prompt.ask = Ask::Confirm {
            key: 'h',
            label: "the sheet is in hand, once and whole".into(),
        };
        match ask(people, &mut prompt, &mut |_| Ok(false)) {
            Ok(Answer::Confirmed) => {
                let words = format!("{name} got the sheet out by hand: {why}");
                let noted = self.door.note(EjectSheet::NAME, words.clone());
                noted.map(|()| Some(words)).map_err(Undone::Door)
            }
            _ => Err(unknown(&name)),
        }
    }
}
