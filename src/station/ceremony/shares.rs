//! A key from m of its shares: which key and which shares, and what becomes of
//! them once they are typed.

use conclave_evidence::Id;
use conclave_keyroom::domain::key::{Component, KeyRecord, KeyState};
use conclave_keyroom::domain::part_set::{PartSet, SetState};
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::{KeyTraits, KeysOf};
use conclave_trades::ceremony::action::CombineShares;
use conclave_trades::ceremony::script::Script;
use conclave_trades::ceremony::state::{
    KnownSet, Paper, Parameters, Player, Reply, SharesIn, State,
};
use conclave_trades::ceremony::{partner_value, proves};

use super::exercise::{may_be_opened, template};
use super::fields::{choose, gave_up, refused, templates_told, text, told};
use super::partner::chosen_method;
use super::reissue::ever_held;
use crate::cards::filled;
use crate::exceptions::{known_value_field, reason_of};
use crate::station::Station;

/// The numbers of shares, as `1, 3`.
fn numbers(typed: &str) -> Option<Vec<u8>> {
    typed
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .map(|word| word.parse().ok())
        .collect()
}

/// Sets of shares that were printed here and lie in custody.
fn known_sets(keys: &[KeyRecord]) -> Vec<(String, &KeyRecord, &PartSet)> {
    let mut sets = Vec::new();
    for key in keys.iter().filter(|k| k.state == KeyState::Active) {
        for set in key.others.iter().filter(|s| s.state == SetState::Kept) {
            let printed = set.parts.iter().all(|p| p.printed_ms.is_some());
            if set.quorum.is_some() && printed {
                sets.push((format!("{}, {}", key.label, set.words()), key, set));
            }
        }
    }
    sets
}

impl Station {
    pub(super) fn ask_shares(
        &mut self,
        script: &Script,
        refusal: Option<Refusal>,
        people: &mut dyn People,
    ) -> Result<Option<Parameters>, Refusal> {
        let mut lines = vec![PromptLine::note(script.summary.clone())];
        let templates = self.templates_for(false, |_| true, &mut lines);
        let keys = self.keys_of(KeysOf::Traits(KeyTraits::PARTS));
        let proving = proves(script);
        let sets = match proving {
            true => known_sets(&keys),
            false => Vec::new(),
        };
        if proving && sets.is_empty() {
            return Err(refused(
                "No key in use has shares in custody.",
                "Print shares of it first.",
            ));
        }
        let here = text("Shares", "1, 2", "the numbers of those that are here", 20);
        let fields = match proving {
            true => {
                let sets = sets.iter().map(|(called, ..)| called.clone()).collect();
                vec![choose("Key", sets), here]
            }
            false => vec![
                text("Label", "", "for example BANK-LAKE.ZMK.001", 40),
                here,
                text("Of", "3", "how many shares there are", 1),
                told("Template", templates_told(&templates)),
                text("From", "", "whose shares, as on the sheets", 40),
                known_value_field(),
            ],
        };
        let mut prompt = Prompt {
            code: "ceremony.parameters".into(),
            act: script.title.clone(),
            title: "Which shares are typed".into(),
            lines,
            ask: Ask::Form {
                fields,
                submit: "go on to the people".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is begun".into(),
            why: "As many are typed as make the key, each by its own custodian. They are put \
                  together inside the vault only."
                .into(),
            refused: refusal,
            ..Prompt::default()
        };
        loop {
            let values = match filled(people, &mut prompt) {
                Ok(values) => values,
                Err(why) => return gave_up(why),
            };
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let places = numbers(value(1)).unwrap_or_default();
            if proving {
                let Some((_, key, set)) = sets.iter().find(|(called, ..)| called == value(0))
                else {
                    prompt.refused = Some(refused("No key is chosen.", "Choose one."));
                    continue;
                };
                match proof(key, set, &places) {
                    Ok(parameters) => return Ok(Some(parameters)),
                    Err(refusal) => prompt.refused = Some(refusal),
                }
                continue;
            }
            let template = templates.iter().find(|t| t.name == value(3));
            let of = value(2).trim().parse::<u8>();
            let (Some(template), Ok(of), false) = (template, of, places.is_empty()) else {
                prompt.refused = Some(refused(
                    "Which shares, of how many, and what kind of key?",
                    "Type the numbers of the shares that are here, for example 1, 3.",
                ));
                continue;
            };
            let label = value(0);
            if keys
                .iter()
                .any(|k| k.label == label && k.state != KeyState::Void)
            {
                prompt.refused = Some(refused(
                    format!("There is a key {label} already."),
                    "A label is used once; a key that is there is proven by its own set.",
                ));
                continue;
            }
            let held = self.ever_held(label);
            let shares = SharesIn {
                known: None,
                places,
                of,
            };
            let mut parameters = plain(label.to_owned(), template.clone(), shares, held);
            if let Some(paper) = &mut parameters.paper {
                value(4).trim().clone_into(&mut paper.partner);
            }
            parameters.known_value = reason_of(value(5));
            return Ok(Some(parameters));
        }
    }

    pub(super) fn do_combine_shares(
        &mut self,
        state: &State,
        (paper, shares): (&Paper, &SharesIn),
        typed: &str,
        by: &[Player],
        title: &str,
        people: &mut dyn People,
    ) -> Reply {
        let key = match &shares.known {
            Some(known) => known.key,
            None => match self.door.new_id() {
                Ok(id) => id,
                Err(error) => return Reply::Failed(error.to_string()),
            },
        };
        let (named, digits) = partner_value(typed);
        let action = CombineShares {
            ceremony: state.ceremony,
            key,
            label: state.parameters.label.clone(),
            template: state.parameters.template.clone(),
            of: paper.partner.clone(),
            known: shares.known.clone(),
            places: shares.places.clone(),
            value: digits.to_owned(),
            method: named.unwrap_or(&paper.method).to_owned(),
            by: by.to_vec(),
            known_value: state.parameters.known_value.clone(),
        };
        self.act_for_key(&action, title, people)
    }
}

/// The parameters that every entry of shares has.
fn plain(
    label: String,
    template: conclave_keyroom::domain::template::KeyTemplate,
    shares: SharesIn,
    held: Vec<(Id, u8)>,
) -> Parameters {
    Parameters {
        components: u8::try_from(shares.places.len()).unwrap_or(u8::MAX),
        delivery: None,
        requester: None,
        // The station's own form: letters and a check value are on it.
        paper: Some(Paper {
            partner: label.clone(),
            check_letters: true,
            check_values: true,
            method: chosen_method("", template.form).to_owned(),
        }),
        import: None,
        exercise: None,
        split: None,
        destroy: None,
        shares: Some(shares),
        held,
        blind: false,
        known_value: None,
        label,
        template,
    }
}

/// A key that is there is proven by these shares of it.
fn proof(key: &KeyRecord, set: &PartSet, places: &[u8]) -> Result<Parameters, Refusal> {
    let part = |place: &u8| set.parts.iter().find(|p| p.index == *place);
    let parts: Option<Vec<&Component>> = places.iter().map(part).collect();
    let needed = set.quorum.map(usize::from);
    let Some(parts) = parts.filter(|p| Some(p.len()) == needed) else {
        return Err(refused(
            format!("It is proven by {} of its shares.", needed.unwrap_or(0)),
            "Type their numbers, for example 1, 3.",
        ));
    };
    if let Some(part) = parts.iter().find(|part| !may_be_opened(part)) {
        return Err(refused(
            format!("The package of share {} is in quarantine.", part.index),
            "Leave it unopened, and take another share.",
        ));
    }
    let shares = SharesIn {
        known: Some(KnownSet {
            key: key.id,
            set: set.ceremony,
            holders: parts.iter().map(|p| p.custodian).collect(),
            serials: parts.iter().map(|p| p.envelope.clone()).collect(),
        }),
        places: places.to_vec(),
        of: u8::try_from(set.parts.len()).unwrap_or(u8::MAX),
    };
    let held = ever_held(key);
    Ok(plain(key.label.clone(), template(key), shares, held))
}
