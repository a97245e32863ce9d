//! What is decided before a ceremony opens: parameters and cast.

use conclave_evidence::authority::CardState;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::custodian_form::FORM_REMEDY;
use conclave_keyroom::domain::people::Person;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal, Show};
use conclave_keyroom::vault::Compartment;
use conclave_trades::ceremony::engine::{CeremonyError, Engine};
use conclave_trades::ceremony::minutes;
use conclave_trades::ceremony::script::{Purpose, Script, Verb};
use conclave_trades::ceremony::state::{
    CastPart, Delivery, Parameters, Player, State, WrappingKey,
};
use conclave_trades::print::{Disclosure, Layout};

use super::fields::templates_told;
pub(crate) use super::fields::{
    choose, gave_up, keys_told, one, optional, quarantine_notes, refused, sole, text, told,
};
use super::unit::{LAYOUT, layout_of};
use crate::cards::{Interrupted, ask, filled};
use crate::exceptions::{exception_fields, exception_of};
use crate::station::Station;

impl Station {
    /// Asks for parameters and cast until they keep every rule, and shows the
    /// script. Nothing when the people gave up.
    pub(super) fn ask_beginning(
        &mut self,
        script: &Script,
        engine: &Engine,
        people: &mut dyn People,
    ) -> Result<Option<State>, Refusal> {
        let mut refusal = None;
        loop {
            let mut parameters = match self.ask_parameters(script, refusal.take(), people) {
                Ok(Some(parameters)) => parameters,
                Ok(None) => return Ok(None),
                Err(refusal) => return Err(refusal),
            };
            parameters.blind = self.prints_blind(script, &parameters);
            let cast = match self.ask_cast(script, &parameters, people)? {
                Some(cast) => cast,
                None => return Ok(None),
            };
            let id = self
                .door
                .new_id()
                .map_err(|e| self.refusal(&e.to_string()))?;
            match engine.start_accepting(id, parameters, cast, &self.accepted_managers()) {
                Ok(mut state) => {
                    match self.ask_backups(script, &state, people) {
                        Ok(backups) => state.backups = backups,
                        Err(why) => return gave_up(why),
                    }
                    return match self.show_script(script, &state, people) {
                        Ok(()) => Ok(Some(state)),
                        Err(why) => gave_up(why),
                    };
                }
                Err(error) => {
                    let advice = match &error {
                        CeremonyError::Custody(rule) => rule.advice(),
                        _ => "Change it.",
                    };
                    refusal = Some(refused(format!("{error}."), advice));
                }
            }
        }
    }

    /// Whether the forms of this ceremony are blind mailers: their layout says
    /// so, and the script follows.
    fn prints_blind(&self, script: &Script, parameters: &Parameters) -> bool {
        let prints = script.steps().iter().any(|(s, _)| s.verb == Verb::Print);
        let quorum = parameters.split.as_ref().and_then(|split| split.quorum);
        prints
            && self
                .approved_layout(layout_of(quorum, parameters.template.form))
                .ok()
                .and_then(|text| Layout::parse(&text).ok())
                .is_some_and(|layout| layout.disclosure() == Disclosure::BlindMailer)
    }

    fn ask_parameters(
        &mut self,
        script: &Script,
        mut refusal: Option<Refusal>,
        people: &mut dyn People,
    ) -> Result<Option<Parameters>, Refusal> {
        match script.purpose {
            Purpose::PartnerKey => return self.ask_partner_key(script, refusal, people),
            Purpose::Exercise => return self.ask_exercise(script, refusal, people),
            Purpose::Import => return self.ask_import(script, refusal, people),
            Purpose::Reissue | Purpose::Shares => {
                return self.ask_reissue(script, refusal, people);
            }
            Purpose::EnterShares => return self.ask_shares(script, refusal, people),
            Purpose::Destroy => return self.ask_destroy(script, refusal, people),
            Purpose::Components | Purpose::WorkingKey => {}
        }
        let components = script.purpose == Purpose::Components;
        // Found out now, not with the first component in the printer.
        if components && let Err(why) = self.approved_layout(LAYOUT) {
            return Err(self.file_refused(
                format!("The component form may not be used: {why}."),
                "Have the layout corrected and reviewed.",
            ));
        }
        let mut lines = vec![PromptLine::note(script.summary.clone())];
        let fits = |template: &KeyTemplate| {
            template.in_components == components && !template.comes_from_outside()
        };
        let templates = self.templates_for(!components, fits, &mut lines);
        let mut offered = self.wrapping_keys();
        offered.retain(crate::hand_over::wraps_plainly);
        if !components {
            lines.extend(offered.note());
            lines.extend(quarantine_notes(&offered.keys));
        }
        let wrapping = &offered.keys;
        let media = self.enrolled_media();
        let example = match components {
            true => "for example BANK-LAKE.ZMK.001",
            false => "for example BANK-LAKE.ZPK.001",
        };
        let mut fields = vec![
            text("Label", "", example, 40),
            told("Template", templates_told(&templates)),
        ];
        if components {
            fields.push(text("Components", "3", "2 to 9", 1));
        } else {
            if offered.keys.is_empty() {
                return Err(offered.none(
                    "There is no zone master key to export under.",
                    "Make one first, with its own ceremony.",
                ));
            }
            if media.is_empty() {
                return Err(refused(
                    "No medium is enrolled.",
                    "Administrators enrol one on the devices screen.",
                ));
            }
            fields.push(told("Under", keys_told(wrapping)));
            fields.push(text("Recipient", "", "for whom, for example BANK-LAKE", 40));
            let plates = media.iter().map(|m| m.name.clone()).collect();
            fields.push(sole("Medium", plates));
            fields.extend(exception_fields());
        }
        let mut prompt = Prompt {
            code: "ceremony.parameters".into(),
            act: script.title.clone(),
            title: "What is to be made".into(),
            lines,
            ask: Ask::Form {
                fields,
                submit: "go on to the people".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is begun".into(),
            why: "These decisions are signed by both quorums, together with the script.".into(),
            refused: refusal.take(),
            ..Prompt::default()
        };
        loop {
            let values = match filled(people, &mut prompt) {
                Ok(values) => values,
                Err(why) => return gave_up(why),
            };
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let Some(template) = templates.iter().find(|t| t.name == value(1)) else {
                prompt.refused = Some(refused("No template is chosen.", "Choose one."));
                continue;
            };
            if self.label_taken(value(0)) {
                prompt.refused = Some(refused(
                    format!("There is a key {} already.", value(0)),
                    "A label is used once; count its last part up.",
                ));
                continue;
            }
            let mut parameters = Parameters {
                label: value(0).to_owned(),
                template: template.clone(),
                components: 0,
                delivery: None,
                requester: None,
                paper: None,
                import: None,
                exercise: None,
                split: None,
                destroy: None,
                shares: None,
                held: Vec::new(),
                blind: false,
                known_value: None,
            };
            if components {
                match value(2).trim().parse() {
                    Ok(count) => parameters.components = count,
                    Err(_) => {
                        prompt.refused = Some(refused(
                            format!("{:?} is no number of components.", value(2)),
                            "2 to 9 (R2).",
                        ));
                        continue;
                    }
                }
            } else {
                let under = wrapping.iter().find(|k| k.label == value(2));
                let medium = media.iter().find(|m| m.name == value(4));
                let (Some(under), Some(medium)) = (under, medium) else {
                    prompt.refused = Some(refused(
                        "Under which key, and to which medium?",
                        "Choose both: Under, and Medium.",
                    ));
                    continue;
                };
                if value(3).trim().is_empty() {
                    prompt.refused = Some(refused("For whom is it?", "Type the recipient."));
                    continue;
                }
                let typed = (value(5), value(6));
                let exception = match exception_of(under.wrapping, typed, self.clock.wall_ms()) {
                    Ok(exception) => exception,
                    Err(refusal) => {
                        prompt.refused = Some(refusal);
                        continue;
                    }
                };
                parameters.delivery = Some(Delivery {
                    under: WrappingKey {
                        id: under.id,
                        label: under.label.clone(),
                        form: under.form,
                    },
                    recipient: value(3).trim().to_owned(),
                    medium: medium.id,
                    medium_name: medium.name.clone(),
                    exception,
                });
            }
            return Ok(Some(parameters));
        }
    }

    /// Members of a group whose card is active, the people of the session
    /// first.
    pub(crate) fn players(&self, group: GroupId) -> Vec<Player> {
        let Ok(record) = self.door.vault().authority() else {
            return Vec::new();
        };
        let here: Vec<Id> = self
            .session
            .groups
            .get(&group)
            .map(|members| members.iter().map(|m| m.person).collect())
            .unwrap_or_default();
        let managers: Vec<(Id, Person)> = self
            .door
            .vault()
            .list(Compartment::Directory, "person")
            .unwrap_or_default();
        let mut players: Vec<Player> = record
            .group(group)
            .map(|g| g.members.as_slice())
            .unwrap_or_default()
            .iter()
            .filter_map(|m| record.card(m.card))
            .filter(|c| c.state == CardState::Active)
            .map(|c| Player {
                id: c.person,
                name: c.person_name.clone(),
                group,
                reports_to: managers
                    .iter()
                    .find(|(id, _)| *id == c.person)
                    .map(|(_, p)| p.reports_to.clone())
                    .unwrap_or_default(),
            })
            .collect();
        players.sort_by_key(|p| !here.contains(&p.id));
        players
    }

    /// One seat for each person of the cast, with the people who may take it;
    /// and why somebody is not offered.
    fn seats(
        &self,
        script: &Script,
        parameters: &Parameters,
    ) -> (Vec<(String, Vec<Player>)>, Vec<String>) {
        let mut seats = Vec::new();
        let mut not_offered: Vec<String> = Vec::new();
        for part in &script.cast {
            let groups = part.source.groups();
            let count = if part.source.is_custodian() {
                usize::from(parameters.components)
            } else {
                usize::from(part.count)
            };
            for at in 0..count {
                let Some(group) = groups.get(at % groups.len().max(1)) else {
                    continue;
                };
                let holders = parameters.holders();
                match holders.filter(|_| part.source.is_custodian()) {
                    // Whoever holds the sheet, or is its backup, and nobody
                    // else.
                    Some(holders) => {
                        let all = groups.iter().flat_map(|g| self.players(*g));
                        let may = all.filter(|p| parameters.may_open(at, p.id));
                        let mut may: Vec<Player> = may.collect();
                        may.sort_by_key(|p| Some(&p.id) != holders.get(at));
                        seats.push((part.part.clone(), may));
                    }
                    None => {
                        let mut players = self.players(*group);
                        // Whoever held another part of the key comes last, and
                        // is refused when chosen.
                        let other = |p: &Player| {
                            let mut held = parameters.held.iter();
                            let turn = u8::try_from(at + 1).unwrap_or(u8::MAX);
                            held.any(|(id, part)| *id == p.id && *part != parameters.place(turn))
                        };
                        // So does who held any, among those who decide and
                        // witness.
                        let any = |p: &Player| parameters.held.iter().any(|(id, _)| *id == p.id);
                        if part.source.is_custodian() {
                            players.sort_by_key(other);
                        } else {
                            players.sort_by_key(any);
                        }
                        seats.push((part.part.clone(), players));
                    }
                }
                if let Some((_, players)) = seats.last_mut().filter(|_| part.source.is_custodian())
                {
                    players.retain(|player| match self.may_be_custodian(player) {
                        Ok(()) => true,
                        Err(why) => {
                            if !not_offered.contains(&why) {
                                not_offered.push(why);
                            }
                            false
                        }
                    });
                }
            }
        }
        (seats, not_offered)
    }

    fn ask_cast(
        &self,
        script: &Script,
        parameters: &Parameters,
        people: &mut dyn People,
    ) -> Result<Option<Vec<CastPart>>, Refusal> {
        let (seats, not_offered) = self.seats(script, parameters);
        if let Some((part, _)) = seats.iter().find(|(_, players)| players.is_empty())
            && !not_offered.is_empty()
        {
            return Err(refused(
                format!("Nobody can be {part}. {}", not_offered.join(" ")),
                FORM_REMEDY,
            ));
        }
        let mut taken: Vec<Id> = Vec::new();
        let mut fields = Vec::new();
        for (part, players) in &seats {
            let first = players
                .iter()
                .find(|p| !taken.contains(&p.id))
                .or_else(|| players.first());
            taken.extend(first.map(|p| p.id));
            fields.push(one(
                part,
                players.iter().map(|p| p.name.clone()).collect(),
                first.map(|p| p.name.clone()),
            ));
        }
        let mut lines = vec![PromptLine::note(
            "Nobody takes two parts. Only custodians hold, or ever held, a part of this key.",
        )];
        lines.extend(not_offered.iter().map(PromptLine::note));
        let mut prompt = Prompt {
            code: "ceremony.cast".into(),
            act: format!("{} {}", script.title, parameters.label),
            title: "Who takes part".into(),
            lines,
            ask: Ask::Form {
                fields,
                submit: "go on to the script".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is begun".into(),
            why: "The cast is part of what both quorums sign; afterwards nobody can stand in for \
                  somebody else."
                .into(),
            ..Prompt::default()
        };
        loop {
            let values = match ask(people, &mut prompt, &mut |_| Ok(false)) {
                Ok(Answer::Fields(values)) => values,
                Ok(_) => continue,
                Err(why) => return gave_up(why),
            };
            match pick(script, &seats, &values) {
                Ok(cast) => return Ok(Some(cast)),
                Err(why) => prompt.refused = Some(refused(why, "Choose somebody else.")),
            }
        }
    }

    /// The script as it will be played, before it opens: read on the screen,
    /// filed, and printed where there is a printer for it.
    fn show_script(
        &mut self,
        script: &Script,
        state: &State,
        people: &mut dyn People,
    ) -> Result<(), Interrupted> {
        let here = self.paper_station();
        let played = script.clone().played(state.parameters.blind);
        let page = minutes::printed_script(&played, &here, Some(state));
        let name = format!("script-{}", state.short());
        let filed = self.file_report("reports", &name, &page);
        let mut lines: Vec<PromptLine> = page.lines.iter().map(PromptLine::note).collect();
        lines.insert(
            0,
            PromptLine::note(match filed {
                Ok(filed) => self.print_filed(&filed, people),
                Err(why) => format!("The page could not be filed: {why}."),
            }),
        );
        let mut prompt = Prompt {
            code: "ceremony.script".into(),
            act: format!("{} {}", script.title, state.parameters.label),
            title: format!("The script, {}", script.stamp()),
            lines,
            show: Some(Show::Words {
                of: "script".into(),
                words: conclave_evidence::words::in_words(&state.digest.0)
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
            }),
            ask: Ask::Read,
            waiting_for: "everybody here".into(),
            safe: "yes, nothing is begun".into(),
            why: "The script is a reviewed file. Its words are read aloud and compared with the \
                  printed page before both quorums sign its digest."
                .into(),
            ..Prompt::default()
        };
        ask(people, &mut prompt, &mut |_| Ok(false)).map(|_| ())
    }
}

fn pick(
    script: &Script,
    seats: &[(String, Vec<Player>)],
    values: &[String],
) -> Result<Vec<CastPart>, String> {
    let mut cast: Vec<CastPart> = script
        .cast
        .iter()
        .map(|part| CastPart {
            part: part.part.clone(),
            people: Vec::new(),
        })
        .collect();
    let mut taken: Vec<Id> = Vec::new();
    for ((part, players), value) in seats.iter().zip(values) {
        let player = players
            .iter()
            .find(|p| p.name == *value)
            .ok_or_else(|| format!("Nobody is chosen for {part}."))?;
        if taken.contains(&player.id) {
            return Err(format!("{} would take two parts.", player.name));
        }
        taken.push(player.id);
        if let Some(place) = cast.iter_mut().find(|c| c.part == *part) {
            place.people.push(player.clone());
        }
    }
    Ok(cast)
}
