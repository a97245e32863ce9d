//! A script as it stands in its file, and what becomes of each word there.

use conclave_evidence::Hash;
use serde::Deserialize;

use super::blind::BlindWords;
use super::script::{
    End, FORMAT, Item, OnDeviation, OnFailure, Part, Purpose, Role, Script, ScriptStep, Source,
    Verb, one_line,
};
use super::script_error::{Rule, ScriptError, refuse};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawScript {
    format: String,
    name: String,
    version: u32,
    title: String,
    summary: String,
    purpose: Purpose,
    cast: Vec<RawPart>,
    step: Vec<RawStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPart {
    part: String,
    group: Source,
    count: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStep {
    repeat: Option<String>,
    #[serde(default)]
    step: Vec<RawStep>,
    id: Option<String>,
    verb: Option<String>,
    title: Option<String>,
    actor: Option<String>,
    witness: Option<Vec<String>>,
    expect: Option<String>,
    why: Option<String>,
    on_deviation: Option<String>,
    on_failure: Option<String>,
    key: Option<String>,
    label: Option<String>,
    cards: Option<bool>,
    blind: Option<BlindWords>,
}

impl RawScript {
    pub(super) fn script(self) -> Result<Script, ScriptError> {
        if self.format != FORMAT {
            return refuse(Rule::Format, None, "another format tag");
        }
        let mut cast = Vec::new();
        for part in self.cast {
            if part.group.is_custodian() && part.count.is_some() {
                return refuse(
                    Rule::Custodian,
                    None,
                    format!(
                        "part {}: a custodian part has one person for each component, no count",
                        part.part
                    ),
                );
            }
            cast.push(Part {
                part: part.part,
                source: part.group,
                count: part.count.unwrap_or(1),
            });
        }
        let mut items = Vec::new();
        for raw in self.step {
            items.push(raw.item()?);
        }
        Ok(Script {
            name: self.name,
            version: self.version,
            title: self.title,
            summary: self.summary,
            purpose: self.purpose,
            cast,
            items,
            digest: Hash([0; 32]),
        })
    }
}

impl RawStep {
    fn item(self) -> Result<Item, ScriptError> {
        let Some(repeat) = &self.repeat else {
            return Ok(Item::Step(self.step()?));
        };
        if repeat != "component" {
            return refuse(Rule::Repeat, None, "only components are repeated");
        }
        if self.id.is_some() || self.verb.is_some() || self.actor.is_some() {
            return refuse(
                Rule::Repeat,
                None,
                "the repeat itself has no id, verb or actor",
            );
        }
        let mut steps = Vec::new();
        for raw in self.step {
            if raw.repeat.is_some() {
                return refuse(Rule::Repeat, None, "a repeat inside the repeat");
            }
            steps.push(raw.step()?);
        }
        Ok(Item::EachComponent(steps))
    }

    fn step(self) -> Result<ScriptStep, ScriptError> {
        let Some(id) = self.id else {
            return refuse(Rule::Parameters, None, "a step without an id");
        };
        let at = Some(id.as_str());
        if !self.step.is_empty() {
            return refuse(Rule::Repeat, at, "steps inside a step that is no repeat");
        }
        let need = |value: Option<String>, name: &str| match value {
            Some(value) => Ok(value),
            None => refuse(Rule::Parameters, at, format!("{name} is missing")),
        };
        let verb_name = need(self.verb, "verb")?;
        let extra = self.key.is_some() || self.label.is_some() || self.cards.is_some();
        let verb = match verb_name.as_str() {
            "confirm" => {
                let key = need(self.key, "key")?;
                let mut chars = key.chars();
                match (chars.next(), chars.next()) {
                    (Some(key), None) if key.is_ascii_lowercase() && !matches!(key, 'a' | 'd') => {
                        Verb::Confirm {
                            key,
                            label: need(self.label, "label")?,
                            cards: self.cards.unwrap_or(false),
                        }
                    }
                    _ => {
                        return refuse(
                            Rule::Parameters,
                            at,
                            "key is one lower-case letter; a and d belong to abort and deviation",
                        );
                    }
                }
            }
            _ if extra || self.blind.is_some() => {
                return refuse(
                    Rule::Parameters,
                    at,
                    "key, label, cards and blind belong to the verb confirm",
                );
            }
            "sign-in" => Verb::SignIn,
            "open" => Verb::Open,
            "generate" => Verb::Generate,
            "split" => Verb::Split,
            "destroy" => Verb::Destroy,
            "enter" => Verb::Enter,
            "combine" => Verb::Combine,
            "import" => Verb::Import,
            "exercise" => Verb::Exercise,
            "print" => Verb::Print,
            "seal" => Verb::Seal,
            "read-back" => Verb::ReadBack,
            "export" => Verb::Export,
            "close" => Verb::Close,
            other => {
                return refuse(
                    Rule::KnownVerb,
                    at,
                    format!("the verb {:?} is not known", one_line(other)),
                );
            }
        };
        let witness = self.witness.unwrap_or_default();
        Ok(ScriptStep {
            verb,
            title: need(self.title, "title")?,
            actor: role(&need(self.actor, "actor")?, at)?,
            witness: witness
                .iter()
                .map(|w| role(w, at))
                .collect::<Result<_, _>>()?,
            expect: need(self.expect, "expect")?,
            why: need(self.why, "why")?,
            on_deviation: match need(self.on_deviation, "on_deviation")?.as_str() {
                "record" => OnDeviation::Record,
                "void" => OnDeviation::End(End::Void),
                "abort" => OnDeviation::End(End::Abort),
                _ => {
                    return refuse(
                        Rule::Parameters,
                        at,
                        "on_deviation is record, void or abort",
                    );
                }
            },
            on_failure: on_failure(&need(self.on_failure, "on_failure")?, at)?,
            blind: self.blind.map(Box::new),
            id,
        })
    }
}

fn role(text: &str, at: Option<&str>) -> Result<Role, ScriptError> {
    let (part, number) = match text.split_once('.') {
        None => (text, None),
        Some((part, number)) => match number.parse::<u8>() {
            Ok(number) if number > 0 => (part, Some(number)),
            _ => {
                return refuse(
                    Rule::InCast,
                    at,
                    format!("{:?} names nobody", one_line(text)),
                );
            }
        },
    };
    Ok(Role {
        part: part.to_owned(),
        number,
    })
}

/// `void`, `abort`, `retry N` (and then void), `retry N then void|abort`.
fn on_failure(text: &str, at: Option<&str>) -> Result<OnFailure, ScriptError> {
    let words: Vec<&str> = text.split(' ').collect();
    let end = |word: &str| match word {
        "void" => Some(End::Void),
        "abort" => Some(End::Abort),
        _ => None,
    };
    let (retries, then) = match words.as_slice() {
        ["retry", n] => (n.parse().ok(), Some(End::Void)),
        ["retry", n, "then", word] => (n.parse().ok(), end(word)),
        [word] => (Some(0), end(word)),
        _ => (None, None),
    };
    match (retries, then) {
        (Some(retries @ 0..=9), Some(then)) => Ok(OnFailure { retries, then }),
        _ => refuse(
            Rule::Parameters,
            at,
            "on_failure is void, abort, or: retry 1 to 9 then void (or abort)",
        ),
    }
}
