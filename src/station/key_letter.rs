//! A key under a zone master key as a letter: under which, for whom, where it
//! is printed, and why without a key block where it is none.

use conclave_evidence::Id;
use conclave_keyroom::domain::device::PrinterPurpose;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::ceremony::exception_words;
use conclave_trades::target::{KeyName, PrintKeyLetter};

use crate::cards::filled;
use crate::ceremony::begin::{gave_up, one, quarantine_notes, refused, sole, text};
use crate::exceptions::{exception_fields, exception_of};
use crate::hand_over::wraps_plainly;
use crate::service::ActEnd;
use crate::station::Station;

/// Where no printer is wanted, or none is there.
const SCREEN: &str = "on the screen only";

impl Station {
    /// Makes the letter: both quorums sign.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn print_key_letter(&mut self, id: Id, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let key: KeyRecord = self
            .door
            .vault()
            .get_kind(Compartment::Catalogue, KeyRecord::KIND, id)
            .map_err(|e| self.refusal(&e.to_string()))?;
        let action = match self.ask_letter(&key, people)? {
            Some(action) => action,
            None => return Ok(ActEnd::Stopped),
        };
        let title = format!("Letter: {} under {}", action.key.label, action.under.label);
        match self.act(&action, &title, people) {
            Ok(letter) => {
                let mut lines = letter.lines;
                lines.push(match &action.printer {
                    Some(printer) => format!("Printed on {printer}."),
                    None => "Not printed: copy it by hand, and have it compared.".into(),
                });
                lines.extend(action.exception.as_ref().map(exception_words));
                Ok(ActEnd::Done {
                    good: true,
                    title: format!("The letter for {}", action.recipient),
                    lines,
                })
            }
            Err(undone) => self.undone(undone),
        }
    }

    fn ask_letter(
        &mut self,
        key: &KeyRecord,
        people: &mut dyn People,
    ) -> Result<Option<PrintKeyLetter>, Refusal> {
        let mut offered = self.wrapping_keys();
        offered.retain(|k| k.id != key.id && wraps_plainly(k));
        if offered.keys.is_empty() {
            return Err(offered.none(
                "There is no other zone master key to wrap it under.",
                "Make or enter one first, with its own ceremony.",
            ));
        }
        let over = offered.note();
        let wrapping = offered.keys;
        let mut printers: Vec<String> = self
            .enrolled_printers()
            .into_iter()
            .filter(|printer| printer.purpose == PrinterPurpose::Reports)
            .map(|printer| printer.name)
            .collect();
        printers.push(SCREEN.into());
        let mut lines = vec![PromptLine::note(format!(
            "{}, usage {}, KCV {}",
            key.form,
            key.usage,
            key.kcv.words()
        ))];
        lines.extend(over);
        lines.extend(quarantine_notes(&wrapping));
        let mut fields = vec![
            sole("Under", wrapping.iter().map(|k| k.label.clone()).collect()),
            text("Recipient", "", "for whom, for example BANK-LAKE", 40),
            one("Printer", printers, None),
        ];
        fields.extend(exception_fields());
        let mut prompt = Prompt {
            code: "letter.parameters".into(),
            act: "Key letter".into(),
            title: format!("{} under a zone master key, as a letter", key.label),
            lines,
            ask: Ask::Form {
                fields,
                submit: "go on to the signatures".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing has left".into(),
            why:
                "The wrapping key has one way to wrap. Both quorums sign what leaves, under what, \
                  for whom, and why without a key block."
                    .into(),
            ..Prompt::default()
        };
        loop {
            let values = match filled(people, &mut prompt) {
                Ok(values) => values,
                Err(why) => return gave_up(why),
            };
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let Some(under) = wrapping.iter().find(|k| k.label == value(0)) else {
                prompt.refused = Some(refused("Under which key?", "Choose one."));
                continue;
            };
            let typed = (value(3), value(4));
            let exception = match exception_of(under.wrapping, typed, self.clock.wall_ms()) {
                Ok(exception) => exception,
                Err(refusal) => {
                    prompt.refused = Some(refusal);
                    continue;
                }
            };
            return Ok(Some(PrintKeyLetter {
                key: KeyName::of(key),
                under: KeyName::of(under),
                recipient: value(1).trim().to_owned(),
                printer: (value(2) != SCREEN).then(|| value(2).to_owned()),
                exception,
            }));
        }
    }
}
