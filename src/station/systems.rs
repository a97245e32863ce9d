//! Systems on record: administrators choose a profile and fill in what it asks
//! for, a page at a time.

use std::collections::BTreeMap;

use conclave_keyroom::domain::target_system::{
    ProfileField, Settings, TargetProfile, TargetSystem,
};
use conclave_keyroom::door::ActionError;
use conclave_keyroom::ports::dialogue::{Ask, Field, People, Prompt, PromptLine, Refusal};
use conclave_trades::target::store::store_target;
use conclave_trades::target::{RecordSystem, check_settings, target};

use crate::cards::{Interrupted, filled};
use crate::ceremony::begin::{choose, one, optional, refused};
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::words;

/// So many fields stand on one page at 80 by 24.
const A_PAGE: usize = 6;

/// What stands in a list of choices where nothing is chosen.
const NOTHING: &str = "-";

/// A system that is not on record yet.
const NEW: &str = "a new system";

/// The profile of a system that is there already.
const AS_ON_RECORD: &str = "as on record";

fn page(title: &str, lines: Vec<PromptLine>, fields: Vec<Field>, submit: &str) -> Prompt {
    Prompt {
        code: "system.record".into(),
        act: "System on record".into(),
        title: title.into(),
        lines,
        ask: Ask::Form {
            fields,
            submit: submit.into(),
            done: None,
        },
        waiting_for: "administrators".into(),
        safe: "yes, nothing is changed".into(),
        why: "What is made for a system is made by what stands here. The administrators' \
              quorum signs it; approvers of an export sign its digest."
            .into(),
        ..Prompt::default()
    }
}

fn field(field: &ProfileField, value: Option<&str>) -> Field {
    if field.choices.is_empty() {
        let hint = match (&field.default, field.required) {
            (Some(default), _) if field.hint.is_empty() => format!("as it is: {default}"),
            (None, true) if field.hint.is_empty() => "has to be filled in".into(),
            _ => field.hint.clone(),
        };
        let value = value.unwrap_or_default();
        return optional(&field.title, value, &hint, field.most);
    }
    let mut choices = vec![NOTHING.to_owned()];
    choices.extend(field.choices.iter().cloned());
    let value = value.or(field.default.as_deref()).unwrap_or(NOTHING);
    one(&field.title, choices, Some(value.to_owned()))
}

impl Station {
    /// Systems on record, by name; none where the session does not read them.
    #[must_use]
    pub fn target_systems(&self) -> Vec<TargetSystem> {
        let mut all: Vec<TargetSystem> = self.records(TargetSystem::KIND);
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Records a system, or changes what is on record of one.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn record_system(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let known = self.target_systems();
        let (old, name, profile) = match self.ask_system(&known, people) {
            Ok(chosen) => chosen,
            Err(why) => return stopped(why),
        };
        let values = match ask_values(&profile, old.as_ref(), people) {
            Ok(values) => values,
            Err(why) => return stopped(why),
        };
        let (certificates, by) = match self.system_certificates(&profile, old.as_ref(), people) {
            Ok(enrolled) => enrolled,
            Err(undone) => return self.undone(undone),
        };
        let id = match &old {
            Some(old) => old.id,
            None => self
                .door
                .new_id()
                .map_err(|e| self.refusal(&e.to_string()))?,
        };
        let action = RecordSystem {
            id,
            name,
            settings: Settings {
                profile,
                values,
                certificates,
            },
            by,
        };
        match self.act(&action, &format!("Record {}", action.name), people) {
            Ok(record) => {
                let missing = record.settings.missing();
                let mut lines = if missing.is_empty() {
                    vec![
                        "Its record is complete: h on the key list hands keys over, as it allows."
                            .to_owned(),
                    ]
                } else {
                    vec![
                        format!("Not filled in yet: {}.", missing.join(", ")),
                        "Nothing leaves for it before that.".to_owned(),
                    ]
                };
                for certificate in record.settings.certificates.values() {
                    lines.push(format!(
                        "Its certificate holds until {}.",
                        words::date(certificate.until_ms)
                    ));
                }
                Ok(ActEnd::Done {
                    good: missing.is_empty(),
                    title: format!("{} is on record", record.name),
                    lines,
                })
            }
            Err(undone) => self.undone(undone),
        }
    }

    /// Which system, and of what profile; the profile is always the newest.
    fn ask_system(
        &self,
        known: &[TargetSystem],
        people: &mut dyn People,
    ) -> Result<(Option<TargetSystem>, String, TargetProfile), Interrupted> {
        let mut profiles = Vec::new();
        let mut lines = vec![PromptLine::note(
            "For a new one: its name in this house, and what kind of system it is.",
        )];
        for (file, profile) in self.data.target_profiles() {
            match profile {
                Ok(profile)
                    if target(&profile.name).is_some() || store_target(&profile.name).is_some() =>
                {
                    profiles.push(profile);
                }
                Ok(_) => {}
                Err(why) => {
                    lines.push(PromptLine::note(format!("{file} is refused: {why}.")));
                }
            }
        }
        let mut which = vec![NEW.to_owned()];
        which.extend(known.iter().map(|s| s.name.clone()));
        let mut titles: Vec<String> = profiles.iter().map(|p| p.title.clone()).collect();
        if !known.is_empty() {
            titles.insert(0, AS_ON_RECORD.to_owned());
        }
        let mut prompt = page(
            "A system that keys go to",
            lines,
            vec![
                one("System", which, None),
                optional("Name", "", "of a new one, for example BANK-LAKE PROD", 60),
                choose("Profile", titles),
            ],
            "go on",
        );
        loop {
            let values = filled(people, &mut prompt)?;
            let value = |at: usize| values.get(at).map(|v| v.trim()).unwrap_or_default();
            let old = known.iter().find(|s| s.name == value(0)).cloned();
            let found = match &old {
                Some(old) => profiles.iter().find(|p| p.name == old.target()),
                None => profiles.iter().find(|p| p.title == value(2)),
            };
            // Its kind stays: whoever chooses another one thinks that it changes.
            if old.is_some() && value(2) != AS_ON_RECORD {
                prompt.refused = Some(refused(
                    "A system on record keeps its profile.",
                    "Leave the profile as on record, or record a new system.",
                ));
                continue;
            }
            let name = old.as_ref().map_or(value(1), |old| old.name.as_str());
            if let Some(profile) = found.filter(|_| !name.is_empty()) {
                let name = name.to_owned();
                return Ok((old, name, profile.clone()));
            }
            prompt.refused = Some(refused("A name and a profile?", "Fill in both."));
        }
    }
}

/// What the target says against the values, in words of a form.
fn against(settings: &Settings) -> Option<Refusal> {
    match check_settings(settings) {
        Ok(()) => None,
        Err(ActionError::Rule { rule, advice }) => {
            let advice = format!("{}.", words::heading(&advice));
            Some(refused(format!("{}.", words::heading(&rule)), &advice))
        }
        Err(other) => Some(refused(format!("{other}."), "Type it again.")),
    }
}

/// What the profile asks for, a page at a time.
fn ask_values(
    profile: &TargetProfile,
    old: Option<&TargetSystem>,
    people: &mut dyn People,
) -> Result<BTreeMap<String, String>, Interrupted> {
    let mut values = old.map(|o| o.settings.values.clone()).unwrap_or_default();
    let texts = profile.fields.iter().filter(|field| !field.certificate);
    let texts: Vec<&ProfileField> = texts.collect();
    values.retain(|name, _| texts.iter().any(|f| f.name == *name));
    let last = texts.len() == profile.fields.len();
    let pages = texts.len().div_ceil(A_PAGE);
    for (at, fields) in texts.chunks(A_PAGE).enumerate() {
        let mut prompt = page(
            &format!("{}, page {} of {pages}", profile.title, at + 1),
            vec![PromptLine::note(
                "What stays empty keeps the profile's value, or has to be filled in later.",
            )],
            fields
                .iter()
                .map(|f| field(f, values.get(&f.name).map(String::as_str)))
                .collect(),
            match at + 1 == pages {
                true if last => "go on to the signatures",
                true => "go on to the certificate",
                false => "next page",
            },
        );
        loop {
            let typed = filled(people, &mut prompt)?;
            let mut wrong = None;
            for (field, typed) in fields.iter().zip(&typed) {
                let typed = typed.trim();
                if typed.is_empty() || typed == NOTHING && !field.choices.is_empty() {
                    values.remove(&field.name);
                    continue;
                }
                match field.check_value(typed) {
                    Ok(()) => {
                        values.insert(field.name.clone(), typed.to_owned());
                    }
                    Err(why) => {
                        wrong = wrong.or(Some(refused(format!("{why}."), "Type it again.")));
                    }
                }
            }
            let settings = Settings {
                profile: profile.clone(),
                values: values.clone(),
                ..Settings::default()
            };
            let wrong = wrong.or_else(|| against(&settings));
            match wrong {
                None => break,
                Some(why) => prompt.refused = Some(why),
            }
        }
    }
    Ok(values)
}
