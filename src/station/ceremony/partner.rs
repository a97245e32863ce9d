//! What is asked before a partner's key is entered.

use conclave_evidence::Id;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::{Compartment, KeysOf};
use conclave_trades::ceremony::action::EnteredComponent;
use conclave_trades::ceremony::script::Script;
use conclave_trades::ceremony::state::{Paper, Parameters};

use super::fields::{gave_up, one, refused, templates_told, text, told};
use crate::cards::filled;
use crate::exceptions::{known_value_field, reason_of};
use crate::station::Station;

const LETTERS: [&str; 2] = ["none", "behind each line"];
const VALUES: [&str; 2] = ["on each component", "none: each is typed twice"];
/// What most partners use, then the two by name.
pub(super) const METHODS: [&str; 3] = ["usual for the cipher", "ENC-ZERO", "CMAC"];

pub(super) fn all(of: &[&str]) -> Vec<String> {
    of.iter().map(|s| (*s).to_owned()).collect()
}

/// The method by its name, or the usual one.
pub(super) fn chosen_method(chosen: &str, form: KeyForm) -> &str {
    match chosen {
        "ENC-ZERO" | "CMAC" => chosen,
        _ if form.is_tdes() => "ENC-ZERO",
        _ if form.is_hmac() => "SHA2VP1",
        _ => "CMAC",
    }
}

impl Station {
    pub(super) fn ask_partner_key(
        &mut self,
        script: &Script,
        refusal: Option<Refusal>,
        people: &mut dyn People,
    ) -> Result<Option<Parameters>, Refusal> {
        let mut lines = vec![PromptLine::note(script.summary.clone())];
        // Zone master keys are what mostly comes on paper.
        let templates = self.templates_for(false, |_| true, &mut lines);
        let fields = vec![
            text("Label", "", "for example BANK-LAKE.ZMK.001", 40),
            told("Template", templates_told(&templates)),
            text("Components", "3", "2 to 9", 1),
            text("Partner", "", "whose key it is, as on the letter", 40),
            one("Check letters", all(&LETTERS), None),
            one("Check values", all(&VALUES), None),
            one("Method", all(&METHODS), None),
            known_value_field(),
        ];
        let mut prompt = Prompt {
            code: "ceremony.parameters".into(),
            act: script.title.clone(),
            title: "What is to be entered".into(),
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
            let template = templates.iter().find(|t| t.name == value(1));
            let components = value(2).trim().parse::<u8>();
            let (Some(template), Ok(components)) = (template, components) else {
                prompt.refused = Some(refused(
                    "Template and number of components?",
                    "Choose a template, and 2 to 9 components (R2).",
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
            let method = chosen_method(value(6), template.form);
            return Ok(Some(Parameters {
                label: label.to_owned(),
                template: template.clone(),
                components,
                delivery: None,
                requester: None,
                paper: Some(Paper {
                    partner: value(3).trim().to_owned(),
                    check_letters: value(4) == LETTERS[1],
                    check_values: value(5) != VALUES[1],
                    method: method.to_owned(),
                }),
                import: None,
                exercise: None,
                split: None,
                destroy: None,
                shares: None,
                held: self.ever_held(label),
                blind: false,
                known_value: reason_of(value(7)),
            }));
        }
    }

    /// Who ever held, or typed, which part of a key of this label.
    pub(super) fn ever_held(&self, label: &str) -> Vec<(Id, u8)> {
        let entered: Vec<(Id, EnteredComponent)> = self
            .door
            .vault()
            .list(Compartment::Catalogue, EnteredComponent::KIND)
            .unwrap_or_default();
        let typed = entered
            .iter()
            .filter(|(_, e)| e.label == label)
            .map(|(_, e)| (e.custodian.id, e.index));
        let keys = self.keys_of(KeysOf::Label(label));
        let printed = keys
            .iter()
            .flat_map(KeyRecord::parts_ever)
            .flat_map(|c| c.ever().map(|id| (id, c.index)));
        let mut held: Vec<(Id, u8)> = typed.chain(printed).collect();
        held.sort();
        held.dedup();
        held
    }
}
