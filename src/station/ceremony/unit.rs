//! The engine's units as actions for the door.

use std::collections::BTreeMap;

use conclave_keyroom::domain::device::PrinterPurpose;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::known_value::known_value_words;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::People;
use conclave_trades::ceremony::action::{
    AcceptComponent, CloseCeremony, CombineKey, CombineShares, DestroySheet, GenerateKey,
    OpenCeremony, Part, PrintComponent, ProveComponent, ReadBack, SealComponent, SplitKey,
};
use conclave_trades::ceremony::engine::Engine;
use conclave_trades::ceremony::script::Verb;
use conclave_trades::ceremony::state::{Did, KeyMade, Player, Reply, State, Unit};
use conclave_trades::ceremony::{exception_words, safe};
use conclave_trades::print::{EjectSheet, day_words};
use conclave_trades::target::{ExportKeys, ImportBlock, ReadBlock, ReadBundle, VoidKey};

use super::play::reply_for;
use crate::approve::{Casting, Undone};
use crate::station::Station;

/// The layout of component forms.
pub(super) const LAYOUT: &str = "component.toml";

/// The most bytes on the usual forms: four lines. Keys of HMAC have more, and primes of
/// RSA pairs have a form of their own.
const USUAL_MOST: usize = 32;

/// The layout of a part's form.
pub(super) fn layout_of(quorum: Option<u8>, form: KeyForm) -> &'static str {
    match (quorum, form.bytes() > USUAL_MOST) {
        (None, _) if form == KeyForm::Rsa => "component-rsa.toml",
        (None, false) => LAYOUT,
        (None, true) => "component-long.toml",
        (Some(_), false) => "share.toml",
        (Some(_), true) => "share-long.toml",
    }
}

/// A wrong value of a partner is a question about what came in: it is asked as
/// often as the script lets it be.
fn tries_again(engine: &Engine) -> u32 {
    let steps = engine.script().steps();
    let takes = |verb: &Verb| matches!(verb, Verb::Combine | Verb::Import);
    let step = steps.iter().find(|(s, _)| takes(&s.verb));
    step.map_or(0, |(step, _)| u32::from(step.on_failure.retries))
}

impl Station {
    pub(super) fn did(&self, words: Vec<String>, journal: Option<u64>) -> Did {
        Did {
            words,
            journal,
            at_ms: Some(self.clock.wall_ms()),
            key: None,
        }
    }

    pub(crate) fn newest_seq(&self) -> Option<u64> {
        self.door.vault().newest().ok().map(|(seq, _)| seq)
    }

    /// The name under which a ceremony goes on paper: the first eight hex
    /// digits of its id, marked so that no four of them stand alone.
    pub(super) fn do_unit(
        &mut self,
        engine: &Engine,
        state: &State,
        unit: &Unit,
        people: &mut dyn People,
    ) -> Reply {
        let at_stake = state.key.is_some() || !state.entered.is_empty();
        self.stake = at_stake.then(|| safe(state));
        self.casting = Casting::of(state);
        let reply = self.do_this_unit(engine, state, unit, people);
        self.stake = None;
        self.casting = Casting::default();
        reply
    }

    fn do_this_unit(
        &mut self,
        engine: &Engine,
        state: &State,
        unit: &Unit,
        people: &mut dyn People,
    ) -> Reply {
        let title = format!("{} {}", engine.script().title, state.parameters.label);
        let made = state.key.as_ref().map(|k| k.id);
        // A key that was there already is not voided, whatever becomes of the
        // ceremony.
        let existing = state.parameters.existing();
        let key = match unit {
            Unit::Void { .. } | Unit::Abort { .. } => made.filter(|_| existing.is_none()),
            _ => made.or(existing),
        };
        if let (Unit::Void { reason } | Unit::Abort { reason }, Some(split)) =
            (unit, &state.parameters.split)
        {
            return self.end_set(state, split.key, title, reason, people);
        }
        let done = match (unit, key) {
            (Unit::Begin { .. } | Unit::End { .. }, _) => Ok(Vec::new()),
            (Unit::Open, _) => self.do_open(engine, state, &title, people),
            (Unit::Generate, _) => return self.do_generate(engine, state, &title, people),
            (Unit::Split, _) => return self.do_split(engine, state, &title, people),
            (Unit::Destroy { index, serial, by }, _) => {
                return self.do_destroy(state, *index, serial, by, people);
            }
            (Unit::SetAside { index, serial, .. }, _) => {
                return self.do_set_aside(state, *index, serial, people);
            }
            (Unit::Enter { index, custodian }, _) => {
                return self.do_enter(state, *index, custodian, people);
            }
            (Unit::Combine { value, by }, _) => {
                return self.do_combine(state, value, by, &title, people);
            }
            (
                Unit::Exercise {
                    index,
                    custodian,
                    serial,
                },
                _,
            ) => {
                return self.do_exercise(state, (*index, custodian, serial), people);
            }
            (Unit::Import { value, by }, _) => {
                return self.do_import(state, value, by, &title, people);
            }
            (Unit::Print { index, custodian }, Some(_)) => {
                return match self.do_print(state, *index, custodian, people) {
                    Ok((words, journal)) => Reply::Did(self.did(words, journal)),
                    Err(undone) => reply_for(&undone),
                };
            }
            (
                Unit::Seal {
                    index,
                    serial,
                    custodian,
                    witnesses,
                },
                Some(key),
            ) => {
                let action = SealComponent {
                    ceremony: state.ceremony,
                    key,
                    label: state.parameters.label.clone(),
                    share: state.parameters.part() == "Share",
                    index: state.parameters.place(*index),
                    serial: serial.clone(),
                    custodian: custodian.clone(),
                    witnesses: witnesses.clone(),
                };
                let title = format!("seal {}", state.parameters.title(*index).to_lowercase());
                self.act_words(&action, &title, people)
            }
            (Unit::ReadBack { value, by }, Some(key)) => {
                let action = ReadBack {
                    ceremony: state.ceremony,
                    key,
                    label: state.parameters.label.clone(),
                    value: value.clone(),
                    by: by.iter().map(|p| p.name.clone()).collect(),
                };
                self.act_words(&action, "read back the check value", people)
            }
            (Unit::Export, Some(_)) => return self.do_export(state, people),
            (Unit::ReadMedium, Some(_)) => return self.do_read_medium(state, people),
            (Unit::Close { signers }, Some(key)) => {
                self.until_signed(state, people, |station, people| {
                    station.do_close(engine, state, key, signers, &title, people)
                })
            }
            (Unit::Void { reason } | Unit::Abort { reason }, key) => {
                let action = VoidKey {
                    ceremony: state.ceremony,
                    title,
                    key,
                    reason: reason.clone(),
                };
                self.act_words(&action, "end the ceremony", people)
            }
            (_, None) => return Reply::Failed("There is no key yet.".into()),
        };
        match done {
            Ok(words) => Reply::Did(self.did(words, self.newest_seq())),
            Err(undone) => reply_for(&undone),
        }
    }

    /// Does it, and says it in the action's own words.
    pub(super) fn act_words<A: Action>(
        &mut self,
        action: &A,
        title: &str,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let out = self.act(action, title, people)?;
        let mut words = action.words();
        words.extend(action.outcome(&out));
        words.append(&mut self.outside);
        Ok(words)
    }

    /// Does an act that brings a key, and says which.
    pub(super) fn act_for_key<A: Action<Out = KeyMade>>(
        &mut self,
        action: &A,
        title: &str,
        people: &mut dyn People,
    ) -> Reply {
        match self.act(action, title, people) {
            Ok(made) => {
                let mut words = action.words();
                words.extend(action.outcome(&made));
                let mut did = self.did(words, self.newest_seq());
                did.key = Some(made);
                Reply::Did(did)
            }
            Err(undone) => reply_for(&undone),
        }
    }

    fn do_open(
        &mut self,
        engine: &Engine,
        state: &State,
        title: &str,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let parts = u32::from(state.parameters.components);
        let retries: u32 = engine
            .script()
            .steps()
            .iter()
            .map(|(step, _)| u32::from(step.on_failure.retries))
            .sum();
        let once = |count: u32| count + retries;
        let limits: BTreeMap<String, u32> = [
            (GenerateKey::NAME, once(1)),
            (SplitKey::NAME, once(1)),
            (DestroySheet::NAME, parts + retries),
            (AcceptComponent::NAME, parts + retries),
            (CombineKey::NAME, 1 + tries_again(engine)),
            (CombineShares::NAME, 1 + tries_again(engine)),
            (ImportBlock::NAME, 1 + tries_again(engine)),
            (ReadBlock::NAME, once(1)),
            (ProveComponent::NAME, parts + retries),
            (PrintComponent::NAME, parts + retries),
            (EjectSheet::NAME, parts + retries),
            (SealComponent::NAME, parts + retries),
            (ReadBack::NAME, once(1)),
            (ExportKeys::NAME, once(1)),
            (ReadBundle::NAME, once(1)),
            (CloseCeremony::NAME, once(1)),
        ]
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count))
        .collect();
        let parameters = state
            .parameters_digest()
            .map_err(|e| Undone::Card(e.to_string()))?;
        let p = &state.parameters;
        let mut summary = vec![format!("{} by template {}", p.label, p.template.stamp())];
        if p.components > 0 && p.destroy.is_none() {
            summary.push(format!(
                "{} {}s, each for one custodian",
                p.components,
                p.part().to_lowercase()
            ));
        }
        match &p.split {
            Some(split) if split.quorum.is_some() => summary.push(format!(
                "of the key that is there; any {} of them make it",
                split.quorum.unwrap_or_default()
            )),
            Some(_) => {
                summary.push("of the key that is there; what is in custody becomes former".into())
            }
            None => {}
        }
        if let Some(destroy) = &p.destroy {
            summary.push(format!("{} old sheets are destroyed", destroy.parts.len()));
        }
        if let Some(paper) = &p.paper {
            summary.push(format!("a key of {}: {}", paper.partner, paper.words()));
        }
        if let Some(exercise) = &p.exercise {
            summary.push("each sheet is typed by its custodian, compared, and sealed again".into());
            summary.extend(exercise.passed_over_words());
        }
        if let Some(from) = &p.import {
            summary.push(format!(
                "a key of {} under {}, profile {}",
                from.partner,
                from.under.label,
                from.profile.stamp()
            ));
            summary.extend(from.exception.as_ref().map(exception_words));
        }
        if let Some(delivery) = &p.delivery {
            summary.push(format!(
                "leaves under {} for {} on {}",
                delivery.under.label, delivery.recipient, delivery.medium_name
            ));
            summary.extend(delivery.exception.as_ref().map(exception_words));
        }
        summary.extend(p.known_value.as_deref().map(known_value_words));
        for part in &state.cast {
            let names: Vec<String> = part.people.iter().map(|p| p.name.clone()).collect();
            summary.push(format!("{}: {}", part.part, crate::words::list(&names)));
        }
        if let Some(backups) = state.backup_words() {
            summary.push(format!("backups: {backups}"));
        }
        let action = OpenCeremony {
            ceremony: state.ceremony,
            title: title.to_owned(),
            script: state.digest,
            parameters,
            limits,
            barred: state.had_parts(),
            summary,
        };
        self.act_words(&action, &format!("open: {title}"), people)
    }

    /// Custodians in the order of the components: the actors of the print
    /// step.
    pub(super) fn custodians(engine: &Engine, state: &State) -> Vec<Part> {
        let part = engine
            .script()
            .steps()
            .iter()
            .find(|(step, _)| matches!(step.verb, Verb::Print))
            .map(|(step, _)| step.actor.part.clone());
        state
            .cast
            .iter()
            .filter(|cast| Some(&cast.part) == part.as_ref())
            .flat_map(|cast| &cast.people)
            .map(|p| Part {
                custodian: p.id,
                name: p.name.clone(),
                group: p.group,
                backup: None,
            })
            .zip(1..)
            .map(|(part, index)| Part {
                backup: state.backup(index),
                ..part
            })
            .collect()
    }

    fn do_generate(
        &mut self,
        engine: &Engine,
        state: &State,
        title: &str,
        people: &mut dyn People,
    ) -> Reply {
        let key = match self.door.new_id() {
            Ok(id) => id,
            Err(error) => return Reply::Failed(error.to_string()),
        };
        let action = GenerateKey {
            ceremony: state.ceremony,
            key,
            label: state.parameters.label.clone(),
            template: state.parameters.template.clone(),
            parts: if state.parameters.components == 0 {
                Vec::new()
            } else {
                Self::custodians(engine, state)
            },
        };
        self.act_for_key(&action, title, people)
    }

    fn do_print(
        &mut self,
        state: &State,
        index: u8,
        custodian: &Player,
        people: &mut dyn People,
    ) -> Result<(Vec<String>, Option<u64>), Undone> {
        let refuse = |why: String| Undone::Card(why);
        let mut printers: Vec<String> = self
            .enrolled_printers()
            .into_iter()
            .filter(|p| p.purpose == PrinterPurpose::Components)
            .map(|p| p.name)
            .collect();
        printers.sort();
        if !self.training {
            printers.truncate(1);
        }
        if printers.is_empty() {
            return Err(refuse(
                "no component printer is enrolled; administrators enrol one on the devices screen"
                    .into(),
            ));
        }
        let key = state
            .key
            .as_ref()
            .ok_or_else(|| refuse("there is no key yet".into()))?
            .id;
        let quorum = state.parameters.split.as_ref().and_then(|s| s.quorum);
        let action = PrintComponent {
            ceremony: state.ceremony,
            key,
            label: state.parameters.label.clone(),
            index,
            of: state.parameters.components,
            quorum,
            custodian: custodian.id,
            custodian_name: custodian.name.clone(),
            group: custodian.group,
            printers,
            layout: self
                .approved_layout(layout_of(quorum, state.parameters.template.form))
                .map_err(refuse)?,
            blind: state.parameters.blind,
            reference: state.short(),
            date: day_words(self.clock.wall_ms()),
            panel: state.parameters.template.panel.clone(),
        };
        let title = format!("print {}", state.parameters.title(index).to_lowercase());
        let attached = self.all_attached(&action.printers);
        let mut words = self.act_words(&action, &title, people)?;
        let journal = self.newest_seq();
        words.extend(self.eject(state, &action, attached, people)?);
        Ok((words, journal))
    }
}
