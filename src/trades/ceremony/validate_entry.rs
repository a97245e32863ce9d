//! The rules of scripts that enter a partner's key.

use super::script::{End, Item, OnDeviation, Script, ScriptStep};
use super::script_error::{Rule, refuse};
use super::validate::{Checked, id, once, places};

/// How often a component, or the check value of all, is typed again at most.
const RETRIES_MAX: u8 = 3;

/// What a script that brings a key in never does.
fn comes_in(script: &Script) -> Checked {
    for (verb, rule, why) in [
        (
            "generate",
            Rule::Generate,
            "a partner's key is not made here",
        ),
        ("print", Rule::Print, "what a partner sent is not printed"),
        ("export", Rule::Export, "a partner's key stays here"),
    ] {
        if let Some(at) = places(script, verb).first() {
            return refuse(rule, id(script, *at).as_deref(), why);
        }
    }
    Ok(())
}

/// A partner's paper goes back into whatever package people choose.
fn seals_nothing(script: &Script) -> Checked {
    match places(script, "seal").first() {
        Some(at) => refuse(
            Rule::Seal,
            id(script, *at).as_deref(),
            "only what was printed is sealed",
        ),
        None => Ok(()),
    }
}

/// Shares make a new key, or prove one that is there: then their packages are
/// on record, are named by two before they are opened, and sealed again.
pub(super) fn shares(script: &Script) -> Checked {
    entry(script)?;
    if !proves(script) {
        return Ok(());
    }
    let enter = once(script, "enter", Rule::Enter)?;
    let seal = once(script, "seal", Rule::Seal)?;
    if seal < enter {
        return refuse(
            Rule::Seal,
            id(script, seal).as_deref(),
            "it comes before the sheet is opened",
        );
    }
    match script.steps().get(enter) {
        Some((step, _)) if step.witness.is_empty() => refuse(
            Rule::OwnWitness,
            Some(&step.id),
            "enter needs a witness where a package on record is opened",
        ),
        _ => Ok(()),
    }
}

/// TRUE for a script of shares that proves a key which is there.
#[must_use]
pub fn proves(script: &Script) -> bool {
    !places(script, "seal").is_empty()
}

pub(super) fn import(script: &Script) -> Checked {
    comes_in(script)?;
    seals_nothing(script)?;
    let repeated = script
        .items
        .iter()
        .any(|item| matches!(item, Item::EachComponent(_)));
    if repeated {
        return refuse(
            Rule::Repeat,
            None,
            "a key block has no components to repeat for",
        );
    }
    let at = once(script, "import", Rule::Import)?;
    match script.steps().get(at) {
        Some((step, _)) => ends(step, Rule::Import),
        None => Ok(()),
    }
}

pub(super) fn exercise(script: &Script) -> Checked {
    for (verb, rule, why) in [
        ("generate", Rule::Generate, "an exercise makes no key"),
        ("print", Rule::Print, "nothing is printed again"),
        ("export", Rule::Export, "nothing leaves in an exercise"),
        ("read-back", Rule::ReadBack, "the key is not put together"),
    ] {
        if let Some(at) = places(script, verb).first() {
            return refuse(rule, id(script, *at).as_deref(), why);
        }
    }
    let at = once(script, "exercise", Rule::Exercise)?;
    let opened = id(script, at);
    match places(script, "seal").as_slice() {
        [seal] if *seal > at => Ok(()),
        [_, again, ..] => refuse(
            Rule::Seal,
            id(script, *again).as_deref(),
            "seal comes a second time",
        ),
        _ => refuse(
            Rule::Seal,
            opened.as_deref(),
            "what it opens is not sealed after it",
        ),
    }
}

pub(super) fn partner_key(script: &Script) -> Checked {
    seals_nothing(script)?;
    entry(script)
}

fn entry(script: &Script) -> Checked {
    comes_in(script)?;
    let repeated = script
        .items
        .iter()
        .any(|item| matches!(item, Item::EachComponent(_)));
    if !repeated {
        return refuse(Rule::Repeat, None, "there is no component repeat");
    }
    let enter = once(script, "enter", Rule::Enter)?;
    let combine = once(script, "combine", Rule::Combine)?;
    if combine < enter {
        return refuse(
            Rule::Combine,
            id(script, combine).as_deref(),
            "it comes before the components are entered",
        );
    }
    for (at, rule) in [(enter, Rule::Enter), (combine, Rule::Combine)] {
        if let Some((step, _)) = script.steps().get(at) {
            ends(step, rule)?;
        }
    }
    Ok(())
}

/// Nothing partial is kept: what goes wrong too often ends the ceremony.
fn ends(step: &ScriptStep, rule: Rule) -> Checked {
    if matches!(step.on_deviation, OnDeviation::End(_))
        && step.on_failure.then == End::Abort
        && step.on_failure.retries <= RETRIES_MAX
    {
        return Ok(());
    }
    refuse(
        rule,
        Some(&step.id),
        format!("it is tried again {RETRIES_MAX} times at most, and then the ceremony ends"),
    )
}
