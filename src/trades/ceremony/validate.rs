//! The rules that every script keeps, whatever its author had in mind.

use std::collections::BTreeSet;

use conclave_evidence::GroupId;

use super::script::{
    CAST_MAX, End, Item, OnDeviation, Purpose, Role, STEPS_MAX, Script, ScriptStep, TEXT_MAX, Verb,
    WITNESSES_MAX,
};
use super::script_error::{Rule, ScriptError, refuse};

pub(super) type Checked = Result<(), ScriptError>;

pub(super) fn validate(script: &Script) -> Checked {
    texts(script)?;
    cast(script)?;
    for (step, repeated) in script.steps() {
        roles(script, step, repeated)?;
    }
    repeat(script)?;
    order(script)?;
    match script.purpose {
        Purpose::Components => components(script),
        Purpose::Reissue | Purpose::Shares => super::validate_again::reissue(script),
        Purpose::Destroy => super::validate_again::destroy(script),
        Purpose::WorkingKey => working_key(script),
        Purpose::PartnerKey => super::validate_entry::partner_key(script),
        Purpose::EnterShares => super::validate_entry::shares(script),
        Purpose::Import => super::validate_entry::import(script),
        Purpose::Exercise => super::validate_entry::exercise(script),
    }
}

fn text(value: &str, what: &str, most: usize, step: Option<&str>) -> Checked {
    if value.trim().is_empty() {
        return refuse(Rule::Limits, step, format!("{what} is empty"));
    }
    if value.chars().count() > most {
        return refuse(
            Rule::Limits,
            step,
            format!("{what} is longer than {most} characters"),
        );
    }
    // Bidirectional overrides would let a screen show another order than the file.
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if value.chars().any(steers) {
        return refuse(
            Rule::PlainText,
            step,
            format!("{what} holds a control character"),
        );
    }
    Ok(())
}

fn name(value: &str, what: &str, step: Option<&str>) -> Checked {
    let good = !value.is_empty()
        && value.len() <= 32
        && value
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if good {
        return Ok(());
    }
    refuse(
        Rule::Names,
        step,
        format!("{what} is not made of 1 to 32 of a-z, 0-9 and -"),
    )
}

fn texts(script: &Script) -> Checked {
    name(&script.name, "the script's name", None)?;
    text(&script.title, "the title", 48, None)?;
    text(&script.summary, "the summary", TEXT_MAX, None)?;
    let steps = script.steps();
    if steps.is_empty() || steps.len() > STEPS_MAX {
        return refuse(
            Rule::Limits,
            None,
            format!("{} steps; 1 to {STEPS_MAX} are allowed", steps.len()),
        );
    }
    let mut ids = BTreeSet::new();
    for (step, _) in steps {
        name(&step.id, "a step's id", None)?;
        let at = Some(step.id.as_str());
        if !ids.insert(&step.id) {
            return refuse(Rule::Unique, at, "two steps have this id");
        }
        text(&step.title, "title", 120, at)?;
        text(&step.expect, "expect", 200, at)?;
        text(&step.why, "why", TEXT_MAX, at)?;
        if let Verb::Confirm { label, .. } = &step.verb {
            text(label, "label", 24, at)?;
        }
        if let Some(blind) = &step.blind {
            text(&blind.label, "blind label", 24, at)?;
            text(&blind.title, "blind title", 120, at)?;
            text(&blind.expect, "blind expect", 200, at)?;
            text(&blind.why, "blind why", TEXT_MAX, at)?;
        }
    }
    Ok(())
}

fn cast(script: &Script) -> Checked {
    if script.cast.is_empty() || script.cast.len() > CAST_MAX {
        return refuse(
            Rule::Limits,
            None,
            format!("{} parts; 1 to {CAST_MAX} are allowed", script.cast.len()),
        );
    }
    let mut parts = BTreeSet::new();
    let mut custodians = 0;
    for part in &script.cast {
        name(&part.part, "a part's name", None)?;
        if !parts.insert(&part.part) {
            return refuse(
                Rule::Unique,
                None,
                format!("two parts are called {}", part.part),
            );
        }
        if part.count == 0 || usize::from(part.count) > CAST_MAX {
            return refuse(
                Rule::Limits,
                None,
                format!("part {}: a count of {}", part.part, part.count),
            );
        }
        custodians += usize::from(part.source.is_custodian());
    }
    for group in [GroupId::KeyManagers, GroupId::Approvers] {
        if !script.cast.iter().any(|p| p.source.groups() == [group]) {
            return refuse(
                Rule::Duties,
                None,
                format!("no part is played by {}", group.title()),
            );
        }
    }
    let in_parts = matches!(
        script.purpose,
        Purpose::Components
            | Purpose::PartnerKey
            | Purpose::Exercise
            | Purpose::Reissue
            | Purpose::Shares
            | Purpose::EnterShares
    );
    match (script.purpose, custodians) {
        (_, 1) if in_parts => Ok(()),
        (_, 0) if !in_parts => Ok(()),
        (_, n) if in_parts => refuse(
            Rule::Custodian,
            None,
            format!("{n} custodian parts; a key in components has exactly one"),
        ),
        (Purpose::Destroy, _) => refuse(
            Rule::Custodian,
            None,
            "sheets are destroyed unopened, so nobody comes as custodian",
        ),
        _ => refuse(
            Rule::Custodian,
            None,
            "the key has no components, so nobody comes as custodian",
        ),
    }
}

fn roles(script: &Script, step: &ScriptStep, repeated: bool) -> Checked {
    let at = Some(step.id.as_str());
    if step.witness.len() > WITNESSES_MAX {
        return refuse(
            Rule::Limits,
            at,
            format!("more than {WITNESSES_MAX} witnesses"),
        );
    }
    for role in std::iter::once(&step.actor).chain(&step.witness) {
        let Some(part) = script.part(&role.part) else {
            return refuse(
                Rule::InCast,
                at,
                format!(
                    "{:?} is no part of the cast",
                    super::script::one_line(&role.part)
                ),
            );
        };
        if part.source.is_custodian() {
            // Two components are the fewest, so a first and a second custodian
            // are always there.
            let there = match role.number {
                None => repeated,
                Some(number) => !repeated && number <= 2,
            };
            if !there {
                return refuse(
                    Rule::InCast,
                    at,
                    "inside the repeat the custodian is named without a number, outside as .1 or .2",
                );
            }
        } else if role.number.unwrap_or(1) > part.count {
            return refuse(
                Rule::InCast,
                at,
                format!("{role}: the part has {} people", part.count),
            );
        }
    }
    // `approver` and `approver.1` are one person.
    let person = |role: &Role| (role.part.clone(), role.number.unwrap_or(1));
    let mut people = BTreeSet::from([person(&step.actor)]);
    for witness in &step.witness {
        if !people.insert(person(witness)) {
            return refuse(
                Rule::OwnWitness,
                at,
                format!("{witness} acts and witnesses in one step, or witnesses twice"),
            );
        }
    }
    let two = matches!(
        step.verb,
        Verb::Seal
            | Verb::ReadBack
            | Verb::Combine
            | Verb::Import
            | Verb::Exercise
            | Verb::Destroy
            | Verb::Close
    );
    if two && step.witness.is_empty() {
        return refuse(
            Rule::OwnWitness,
            at,
            format!("{} needs a witness", step.verb.name()),
        );
    }
    let custodian = |role: &Role| {
        script
            .part(&role.part)
            .is_some_and(|p| p.source.is_custodian())
    };
    match step.verb {
        Verb::Print | Verb::Seal | Verb::Enter | Verb::Exercise if !custodian(&step.actor) => {
            refuse(
                Rule::Custodian,
                at,
                format!("{} is not a custodian", step.actor),
            )
        }
        Verb::Print | Verb::Seal | Verb::Enter | Verb::Combine
            if step.witness.iter().any(custodian) =>
        {
            refuse(
                Rule::WitnessHoldsNothing,
                at,
                "a custodian witnesses the handling of a component",
            )
        }
        _ => Ok(()),
    }
}

fn repeat(script: &Script) -> Checked {
    let mut groups = 0;
    for item in &script.items {
        let Item::EachComponent(steps) = item else {
            continue;
        };
        groups += 1;
        for step in steps {
            if !matches!(
                step.verb,
                Verb::Confirm { .. }
                    | Verb::Print
                    | Verb::Seal
                    | Verb::Enter
                    | Verb::Exercise
                    | Verb::Destroy
            ) {
                let rule = match step.verb {
                    Verb::SignIn => Rule::SignIn,
                    Verb::Open => Rule::Open,
                    Verb::Generate => Rule::Generate,
                    Verb::Split => Rule::Split,
                    Verb::Combine => Rule::Combine,
                    Verb::Import => Rule::Import,
                    Verb::ReadBack => Rule::ReadBack,
                    Verb::Export => Rule::Export,
                    Verb::Close => Rule::Close,
                    _ => Rule::Repeat,
                };
                return refuse(
                    rule,
                    Some(&step.id),
                    format!("{} cannot be repeated for each component", step.verb.name()),
                );
            }
        }
    }
    if groups > 1 {
        return refuse(Rule::Repeat, None, "more than one repeat");
    }
    for item in &script.items {
        if let Item::Step(step) = item
            && matches!(
                step.verb,
                Verb::Print | Verb::Seal | Verb::Enter | Verb::Exercise | Verb::Destroy
            )
        {
            let rule = match step.verb {
                Verb::Print => Rule::Print,
                Verb::Enter => Rule::Enter,
                Verb::Exercise => Rule::Exercise,
                Verb::Destroy => Rule::Destroy,
                _ => Rule::Seal,
            };
            return refuse(
                rule,
                Some(&step.id),
                format!("{} stands outside the component repeat", step.verb.name()),
            );
        }
    }
    Ok(())
}

/// Where each verb stands in the flat list.
pub(super) fn places(script: &Script, verb: &str) -> Vec<usize> {
    script
        .steps()
        .iter()
        .enumerate()
        .filter(|(_, (step, _))| step.verb.name() == verb)
        .map(|(at, _)| at)
        .collect()
}

pub(super) fn id(script: &Script, at: usize) -> Option<String> {
    script.steps().get(at).map(|(step, _)| step.id.clone())
}

pub(super) fn once(script: &Script, verb: &str, rule: Rule) -> Result<usize, ScriptError> {
    match places(script, verb).as_slice() {
        [at] => Ok(*at),
        [] => refuse(rule, None, format!("there is no {verb}")),
        [_, second, ..] => refuse(
            rule,
            id(script, *second).as_deref(),
            format!("{verb} comes a second time"),
        ),
    }
}

fn order(script: &Script) -> Checked {
    let sign_in = once(script, "sign-in", Rule::SignIn)?;
    let open = once(script, "open", Rule::Open)?;
    // Where the key comes from: made here, of what was typed, or of a block.
    let (verb, rule, made) = match script.purpose {
        Purpose::PartnerKey | Purpose::EnterShares => ("combine", Rule::Combine, "is combined"),
        Purpose::Import => ("import", Rule::Import, "is imported"),
        Purpose::Exercise => ("exercise", Rule::Exercise, "is proven"),
        Purpose::Reissue | Purpose::Shares => ("split", Rule::Split, "is split"),
        Purpose::Destroy => ("destroy", Rule::Destroy, "'s sheet is destroyed"),
        Purpose::Components | Purpose::WorkingKey => ("generate", Rule::Generate, "is generated"),
    };
    let entry: &[Purpose] = &[Purpose::PartnerKey, Purpose::EnterShares];
    for (other, rule, of) in [
        ("enter", Rule::Enter, entry),
        ("combine", Rule::Combine, entry),
        ("import", Rule::Import, &[Purpose::Import]),
        ("exercise", Rule::Exercise, &[Purpose::Exercise]),
        ("split", Rule::Split, &[Purpose::Reissue, Purpose::Shares]),
        ("destroy", Rule::Destroy, &[Purpose::Destroy]),
    ] {
        if !of.contains(&script.purpose)
            && let Some(at) = places(script, other).first()
        {
            return refuse(
                rule,
                id(script, *at).as_deref(),
                format!("{other} belongs to another purpose"),
            );
        }
    }
    let generate = once(script, verb, rule)?;
    let close = once(script, "close", Rule::Close)?;
    if close + 1 != script.steps().len() {
        return refuse(
            Rule::Close,
            id(script, close + 1).as_deref(),
            "it comes after the closing",
        );
    }
    if sign_in > open {
        return refuse(
            Rule::SignIn,
            id(script, open).as_deref(),
            "it opens before people have signed in",
        );
    }
    for verb in [
        "generate",
        "split",
        "destroy",
        "enter",
        "combine",
        "import",
        "exercise",
        "print",
        "export",
        "read-back",
    ] {
        if let Some(at) = places(script, verb).into_iter().find(|at| *at < open) {
            return refuse(
                Rule::Open,
                id(script, at).as_deref(),
                format!("{verb} comes before the opening"),
            );
        }
    }
    for (verb, rule) in [
        ("print", Rule::Print),
        ("export", Rule::Export),
        ("read-back", Rule::ReadBack),
    ] {
        if let Some(at) = places(script, verb).into_iter().find(|at| *at < generate) {
            return refuse(
                rule,
                id(script, at).as_deref(),
                format!("{verb} comes before the key {made}"),
            );
        }
    }
    Ok(())
}

pub(super) fn components(script: &Script) -> Checked {
    if let Some(at) = places(script, "export").first() {
        return refuse(
            Rule::Export,
            id(script, *at).as_deref(),
            "a key in components leaves on paper, not on a medium",
        );
    }
    let group = script.items.iter().find_map(|item| match item {
        Item::EachComponent(steps) => Some(steps),
        Item::Step(_) => None,
    });
    let Some(group) = group else {
        return refuse(Rule::Repeat, None, "there is no component repeat");
    };
    let print = once(script, "print", Rule::Print)?;
    let place = |verb: &Verb| group.iter().position(|s| s.verb == *verb);
    let (Some(from), seal) = (place(&Verb::Print), place(&Verb::Seal)) else {
        return refuse(Rule::Print, None, "the repeat prints nothing");
    };
    let printing = id(script, print);
    let Some(to) = seal.filter(|to| *to > from) else {
        return refuse(
            Rule::Seal,
            printing.as_deref(),
            "what it prints is not sealed after it",
        );
    };
    once(script, "seal", Rule::Seal)?;
    let window = group.get(from..=to).unwrap_or_default();
    for step in window {
        if step.on_deviation != OnDeviation::End(End::Void) || step.on_failure.then != End::Void {
            return refuse(
                Rule::Window,
                Some(&step.id),
                "between print and seal anything unexpected voids the key",
            );
        }
    }
    let last = places(script, "seal").last().copied().unwrap_or_default();
    let read_back = places(script, "read-back");
    match read_back.first() {
        None => refuse(
            Rule::ReadBack,
            None,
            "the whole key's check value is never read back",
        ),
        Some(at) if *at < last => refuse(
            Rule::ReadBack,
            id(script, *at).as_deref(),
            "it comes before the last component is sealed",
        ),
        Some(_) => Ok(()),
    }
}

fn working_key(script: &Script) -> Checked {
    if script
        .items
        .iter()
        .any(|item| matches!(item, Item::EachComponent(_)))
    {
        return refuse(
            Rule::Repeat,
            None,
            "a working key has no components to repeat for",
        );
    }
    once(script, "export", Rule::Export)?;
    Ok(())
}
