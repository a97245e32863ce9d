//! Importing a partner's key block: from an enrolled medium, or typed twice.

use conclave_crypto::primitive::key_scheme::{Cryptogram, CryptogramError};
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::ceremony::partner_value;
use conclave_trades::ceremony::state::{ImportFrom, Player, Reply, State};
use conclave_trades::target::{IMPORT_FOLDER, ImportBlock, KeyName, ReadBlock};

use super::enter::left;
use super::play::reply_for;
use crate::station::Station;

/// The longest block that is typed; longer ones come on a medium.
const TYPED_MOST: usize = 600;
/// How often the two typings may differ.
const TYPINGS: usize = 3;

/// Where two typings part, in groups of four from 1.
fn parts_at(one: &str, other: &str) -> usize {
    let same = one
        .bytes()
        .zip(other.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    same / 4 + 1
}

/// What cannot be a cryptogram of the letter: an O for a 0 is named, and never
/// changed silently. A key block's letters are all possible.
fn misread(state: &State, typed: &str) -> Option<Refusal> {
    let from = state.parameters.import.as_ref()?;
    from.profile.bare_method()?;
    if from.profile.cca_tokens {
        return misread_token(typed);
    }
    let why = Cryptogram::parse(typed).err()?;
    let advice = match why {
        CryptogramError::Digit { found: 'O', .. } => "It is a letter; the paper has a 0 there.",
        CryptogramError::Digit {
            found: 'I' | 'L' | 'l',
            ..
        } => "It is a letter; the paper has a 1 there.",
        _ => "Type scheme letter and hex digits in capitals, without the check letters.",
    };
    Some(Refusal {
        happened: format!("{why}."),
        safe: "No try was used up.".into(),
        advice: advice.into(),
    })
}

/// What cannot be a token of the letter.
fn misread_token(typed: &str) -> Option<Refusal> {
    let wrong = typed
        .chars()
        .position(|c| !matches!(c, '0'..='9' | 'A'..='F'));
    let happened = match (wrong, typed.chars().count()) {
        (Some(at), _) => format!("Group {} of four has what is no hex digit.", at / 4 + 1),
        (None, 128) => return None,
        (None, digits) => format!("{digits} digits; a token has 128."),
    };
    Some(Refusal {
        happened,
        safe: "No try was used up.".into(),
        advice: "Type the token's hex digits, in capitals.".into(),
    })
}

impl Station {
    pub(super) fn do_import(
        &mut self,
        state: &State,
        typed: &str,
        by: &[Player],
        title: &str,
        people: &mut dyn People,
    ) -> Reply {
        let Some(from) = &state.parameters.import else {
            return Reply::Failed("This ceremony imports nothing.".into());
        };
        let under: KeyRecord = match self.door.vault().get(Compartment::Catalogue, from.under.id) {
            Ok(record) => record,
            Err(error) => return Reply::Failed(error.to_string()),
        };
        let block = match self.fetch_block(state, from, by, people) {
            Ok(block) => block,
            Err(reply) => return reply,
        };
        let key = match self.door.new_id() {
            Ok(id) => id,
            Err(error) => return Reply::Failed(error.to_string()),
        };
        let (named, digits) = partner_value(typed);
        let action = ImportBlock {
            ceremony: state.ceremony,
            key,
            label: state.parameters.label.clone(),
            template: state.parameters.template.clone(),
            partner: from.partner.clone(),
            under: KeyName::of(&under),
            profile: from.profile.clone(),
            block,
            value: digits.to_owned(),
            method: named.unwrap_or(&from.method).to_owned(),
            by: by.to_vec(),
            exception: from.exception.clone(),
            known_value: state.parameters.known_value.clone(),
        };
        self.act_for_key(&action, title, people)
    }

    fn fetch_block(
        &mut self,
        state: &State,
        from: &ImportFrom,
        by: &[Player],
        people: &mut dyn People,
    ) -> Result<String, Reply> {
        let mut prompt = Prompt {
            act: format!("Import {}", state.parameters.label),
            title: format!("Key block of {} under {}", from.partner, from.under.label),
            pauses: Some(state.parameters.label.clone()),
            safe: "yes, no key is made yet".into(),
            why: "A key block is no secret, and its MAC finds every wrong character; typed twice, \
                  the wrong group is named before a try is used up."
                .into(),
            ..Prompt::default()
        };
        let Some((medium, name)) = &from.medium else {
            return self.type_block(state, by, &mut prompt, people);
        };
        prompt.code = "import.file".into();
        prompt.lines = vec![PromptLine::note(format!(
            "{name} is plugged in. The file lies in its folder {IMPORT_FOLDER}."
        ))];
        prompt.waiting_for = by.first().map(|p| p.name.clone()).unwrap_or_default();
        prompt.ask = Ask::Text {
            label: "File".into(),
            hint: "for example BANK-LAKE.ZPK.001.tr31".into(),
            max: 60,
            masked: false,
        };
        let Answer::Word(file) = self.ask_watched(&mut prompt, people).map_err(left)? else {
            return Err(Reply::Failed("No file was named.".into()));
        };
        let action = ReadBlock {
            ceremony: state.ceremony,
            medium: *medium,
            file: file.trim().to_owned(),
        };
        self.act(&action, "read the key block", people)
            .map_err(|undone| reply_for(&undone))
    }

    fn type_block(
        &mut self,
        state: &State,
        by: &[Player],
        prompt: &mut Prompt,
        people: &mut dyn People,
    ) -> Result<String, Reply> {
        let mut first: Option<String> = None;
        for typing in 0..=TYPINGS {
            let again = first.is_some();
            let who = by.get(usize::from(again)).or(by.first());
            prompt.waiting_for = who.map(|p| p.name.clone()).unwrap_or_default();
            let code = if again {
                "import.block.again"
            } else {
                "import.block"
            };
            // Each with their own card, and the other's entry is gone by then.
            if let Some(who) = who {
                let mut card = Prompt {
                    code: format!("{code}.card"),
                    lines: vec![PromptLine::note(format!(
                        "{} is about to type the block from the letter.",
                        who.name
                    ))],
                    refused: prompt.refused.take(),
                    ask: Ask::Nothing,
                    ..prompt.clone()
                };
                match self.identify(people, who, "type the block", &mut card) {
                    Reply::Identified(id) if id == who.id => {}
                    Reply::Identified(_) => {
                        return Err(Reply::Failed("Another person's card answered.".into()));
                    }
                    other => return Err(other),
                }
                prompt.refused = card.refused.take();
            }
            prompt.code = code.into();
            prompt.lines = vec![PromptLine::note(format!(
                "{} types the block from the letter; spaces do not count.",
                prompt.waiting_for
            ))];
            prompt.ask = Ask::Text {
                label: if again {
                    "The block, again"
                } else {
                    "The block"
                }
                .into(),
                hint: "as printed, in capitals".into(),
                max: TYPED_MOST,
                masked: again,
            };
            let Answer::Word(word) = self.ask_watched(prompt, people).map_err(left)? else {
                continue;
            };
            let block: String = word.chars().filter(|c| !c.is_whitespace()).collect();
            if let Some(why) = misread(state, &block) {
                prompt.refused = Some(why);
                continue;
            }
            match &first {
                None => {
                    prompt.refused = None;
                    first = Some(block);
                }
                Some(before) if *before == block => return Ok(block),
                Some(before) => {
                    if typing == TYPINGS {
                        break;
                    }
                    prompt.refused = Some(Refusal {
                        happened: format!(
                            "The two typings part in group {} of four characters.",
                            parts_at(before, &block)
                        ),
                        safe: "No try was used up.".into(),
                        advice: "Look at the letter there. Both type it again.".into(),
                    });
                    first = None;
                }
            }
        }
        Err(Reply::Failed(
            "The two typings of the block were never the same.".into(),
        ))
    }
}
