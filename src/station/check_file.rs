//! What is this file, and does it open under this key? Asked from the key list.

use conclave_evidence::Id;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_trades::target::{
    CheckFile, CheckFrom, IMPORT_FOLDER, KeyName, TYPED_MOST, unwrapping,
};

use crate::cards::filled;
use crate::ceremony::begin::{gave_up, one, optional, refused};
use crate::service::ActEnd;
use crate::station::Station;

/// Where no medium brings it.
const TYPED: &str = "typed below";
/// How the partner made the check value.
const METHODS: [&str; 3] = ["usual for the cipher", "ENC-ZERO", "CMAC"];
/// The most characters of a file's name.
const NAME_MOST: usize = 64;
/// The most digits of a check value.
const VALUE_MOST: usize = 32;

impl Station {
    /// Looks at a file and tries it under a wrapping key; changes nothing.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn check_file(&mut self, id: Id, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let under = self.key_record(id)?;
        if !under.is_wrapping_key() {
            return Err(refused(
                format!("{} wraps no other keys.", under.label),
                "Put the cursor on the wrapping key that the file should be under.",
            ));
        }
        if let Err(why) = unwrapping(&under, self.clock.wall_ms()) {
            return Err(refused(
                format!("{why}."),
                "Put the cursor on the wrapping key that the file should be under.",
            ));
        }
        let Some(action) = self.ask_check(&under, people)? else {
            return Ok(ActEnd::Stopped);
        };
        match self.act(&action, &format!("Check under {}", under.label), people) {
            Ok(checked) => {
                let title = match checked.good {
                    true => format!("It opens under {}", under.label),
                    false => format!("Not as it should be under {}", under.label),
                };
                // The answer first: it is what was asked.
                let mut lines = checked.answer;
                lines.push("Nothing was changed.".into());
                lines.extend(checked.what);
                Ok(ActEnd::Done {
                    good: checked.good,
                    title,
                    lines,
                })
            }
            Err(undone) => self.undone(undone),
        }
    }

    fn ask_check(
        &mut self,
        under: &KeyRecord,
        people: &mut dyn People,
    ) -> Result<Option<CheckFile>, Refusal> {
        let media = self.enrolled_media();
        let mut from = vec![TYPED.to_owned()];
        from.extend(media.iter().map(|m| m.name.clone()));
        let methods = METHODS.iter().map(|m| (*m).to_owned()).collect();
        let mut prompt = Prompt {
            code: "check-file".into(),
            act: "Check a file".into(),
            title: format!("Does it open under {}?", under.label),
            lines: vec![PromptLine::note(format!(
                "A file lies in the folder {IMPORT_FOLDER} of its medium."
            ))],
            ask: Ask::Form {
                fields: vec![
                    one("From", from, None),
                    optional("File", "", "of a medium, for example ZPK.tr31", NAME_MOST),
                    optional("Typed", "", "block or cryptogram", TYPED_MOST),
                    optional("Value", "", "the partner's check value", VALUE_MOST),
                    one("Method", methods, None),
                ],
                submit: "look".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is changed".into(),
            why: "It is told what the file is and whether it opens, with its check value alone. \
                  What does not open counts as a failed import; those are few an hour."
                .into(),
            ..Prompt::default()
        };
        loop {
            let values = match filled(people, &mut prompt) {
                Ok(values) => values,
                Err(why) => return gave_up(why),
            };
            let value = |at: usize| values.get(at).map(|v| v.trim()).unwrap_or_default();
            let typed: String = value(2).chars().filter(|c| !c.is_whitespace()).collect();
            let chosen = media.iter().find(|m| m.name == value(0));
            // It comes from where something was filled in.
            let from = match (chosen, media.as_slice(), value(1)) {
                (Some(medium), _, name) | (None, [medium], name)
                    if !name.is_empty() && (chosen.is_some() || typed.is_empty()) =>
                {
                    CheckFrom::File {
                        medium: medium.id,
                        name: name.to_owned(),
                    }
                }
                _ if !typed.is_empty() => CheckFrom::Typed(typed),
                (_, _, name) => {
                    prompt.refused = Some(no_place(name, media.is_empty()));
                    continue;
                }
            };
            return Ok(Some(CheckFile {
                under: KeyName::of(under),
                from,
                value: value(3).to_ascii_uppercase(),
                method: match value(4) {
                    method @ ("ENC-ZERO" | "CMAC") => method.to_owned(),
                    _ => String::new(),
                },
            }));
        }
    }
}

/// What is to be looked at is not clear: why, and what to fill in.
fn no_place(name: &str, no_media: bool) -> Refusal {
    if name.is_empty() {
        return refused(
            "Nothing to look at.",
            "Name the file, or type the cryptogram.",
        );
    }
    if no_media {
        return refused(
            format!("{name} is named, and no medium is enrolled."),
            "Administrators enrol it under devices; or type the cryptogram.",
        );
    }
    refused(
        format!("{name} is named, and From says \"{TYPED}\"."),
        "Choose its medium in From, with the arrow keys left and right.",
    )
}
