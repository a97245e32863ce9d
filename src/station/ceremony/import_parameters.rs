//! What is asked before a partner's key block is imported.

use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::{KeyTraits, KeysOf};
use conclave_trades::ceremony::script::Script;
use conclave_trades::ceremony::state::{ImportFrom, Parameters, WrappingKey};
use conclave_trades::target::unwrapping;

use super::fields::{choose, gave_up, keys_told, one, refused, sole, templates_told, text, told};
use super::partner::{METHODS, all, chosen_method};
use crate::cards::filled;
use crate::exceptions::{exception_fields, exception_of, known_value_field, reason_of};
use crate::station::Station;

/// Where no medium brings the block.
const TYPED: &str = "typed by two";

impl Station {
    pub(super) fn ask_import(
        &mut self,
        script: &Script,
        refusal: Option<Refusal>,
        people: &mut dyn People,
    ) -> Result<Option<Parameters>, Refusal> {
        let mut lines = vec![PromptLine::note(script.summary.clone())];
        // Working keys are what mostly comes in blocks.
        let templates = self.templates_for(true, |_| true, &mut lines);
        let mut profiles = Vec::new();
        for (file, profile) in self.data.profiles() {
            match profile {
                Ok(profile) => profiles.push(profile),
                Err(why) => lines.push(PromptLine::note(format!("✗ {file} is refused: {why}"))),
            }
        }
        // Nothing is tolerated unless somebody chooses it.
        profiles.sort_by_key(|p| (p.wraps_by().is_some(), p.short_padding || p.unknown_blocks));
        // What the act refuses is not offered: a partner's public key wraps, and
        // opens nothing.
        let now_ms = self.clock.wall_ms();
        let unwraps = |key: &KeyRecord| unwrapping(key, now_ms).is_ok();
        let wrapping: Vec<KeyRecord> = self
            .keys_of(KeysOf::Traits(KeyTraits::WRAPPING))
            .into_iter()
            .filter(unwraps)
            .collect();
        if wrapping.is_empty() {
            return Err(refused(
                "There is no zone master key under which a block could come.",
                "Make or enter one first, with its own ceremony.",
            ));
        }
        let media = self.enrolled_media();
        let mut ways = vec![TYPED.to_owned()];
        ways.extend(media.iter().map(|m| m.name.clone()));
        let mut fields = vec![
            text("Label", "", "for example BANK-LAKE.ZPK.001", 40),
            told("Template", templates_told(&templates)),
            told("Under", keys_told(&wrapping)),
            text("Partner", "", "whose key it is, as on the letter", 40),
            choose("Profile", profiles.iter().map(|p| p.name.clone()).collect()),
            one("Method", all(&METHODS), None),
            sole("Block", ways),
        ];
        fields.extend(exception_fields());
        fields.push(known_value_field());
        let mut prompt = Prompt {
            code: "ceremony.parameters".into(),
            act: script.title.clone(),
            title: "What is to be imported".into(),
            lines,
            ask: Ask::Form {
                fields,
                submit: "go on to the people".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is begun".into(),
            why: "These decisions are signed by both quorums, together with the script.".into(),
            refused: refusal,
            ..Prompt::default()
        };
        loop {
            let values = match filled(people, &mut prompt) {
                Ok(values) => values,
                Err(why) => return gave_up(why),
            };
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let chosen = (
                templates.iter().find(|t| t.name == value(1)),
                wrapping.iter().find(|k| k.label == value(2)),
                profiles.iter().find(|p| p.name == value(4)),
            );
            let (Some(template), Some(under), Some(profile)) = chosen else {
                prompt.refused = Some(refused(
                    "Template, wrapping key and profile?",
                    "Choose all three.",
                ));
                continue;
            };
            let label = value(0);
            if self.label_taken(label) {
                prompt.refused = Some(refused(
                    format!("There is a key {label} already."),
                    "A label is used once; count its last part up.",
                ));
                continue;
            }
            let typed = (value(7), value(8));
            let exception = match exception_of(profile.bare_method(), typed, now_ms) {
                Ok(exception) => exception,
                Err(refusal) => {
                    prompt.refused = Some(refusal);
                    continue;
                }
            };
            let method = profile.wraps_by();
            if method.is_some_and(|method| under.wrapping != Some(method)) {
                prompt.refused = Some(refused(
                    format!(
                        "{} does not wrap as the profile {} takes keys.",
                        under.label, profile.name
                    ),
                    "A zone master key has one method for ever.",
                ));
                continue;
            }
            let medium = media.iter().find(|m| m.name == value(6));
            return Ok(Some(Parameters {
                label: label.to_owned(),
                template: template.clone(),
                components: 0,
                delivery: None,
                requester: None,
                paper: None,
                import: Some(ImportFrom {
                    under: WrappingKey {
                        id: under.id,
                        label: under.label.clone(),
                        form: under.form,
                    },
                    partner: value(3).trim().to_owned(),
                    profile: profile.clone(),
                    method: chosen_method(value(5), template.form).to_owned(),
                    medium: medium.map(|m| (m.id, m.name.clone())),
                    exception,
                }),
                exercise: None,
                split: None,
                destroy: None,
                shares: None,
                held: Vec::new(),
                blind: false,
                known_value: reason_of(value(9)),
            }));
        }
    }
}
