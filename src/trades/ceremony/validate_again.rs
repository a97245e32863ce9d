//! The rules of scripts about a key that has been there before: new parts of
//! it, and the end of old sheets.

use super::script::{End, OnDeviation, Script};
use super::script_error::{Rule, refuse};
use super::validate::{Checked, components, id, once, places};

fn never(script: &Script, verbs: &[(&str, Rule, &str)]) -> Checked {
    for (verb, rule, why) in verbs {
        if let Some(at) = places(script, verb).first() {
            return refuse(*rule, id(script, *at).as_deref(), *why);
        }
    }
    Ok(())
}

/// As a generation, but for where the parts come from: printed one at a time,
/// sealed, read back.
pub(super) fn reissue(script: &Script) -> Checked {
    never(
        script,
        &[(
            "generate",
            Rule::Generate,
            "the key is there; it is split, and not made",
        )],
    )?;
    components(script)
}

pub(super) fn destroy(script: &Script) -> Checked {
    never(
        script,
        &[
            ("generate", Rule::Generate, "nothing is made"),
            ("print", Rule::Print, "nothing is printed"),
            ("seal", Rule::Seal, "nothing is sealed"),
            ("export", Rule::Export, "nothing leaves"),
            ("read-back", Rule::ReadBack, "the key is not touched"),
        ],
    )?;
    let at = once(script, "destroy", Rule::Destroy)?;
    match script.steps().get(at) {
        Some((step, _))
            if step.on_deviation != OnDeviation::End(End::Abort)
                || step.on_failure.then != End::Abort =>
        {
            refuse(
                Rule::Destroy,
                Some(&step.id),
                "a sheet that is not destroyed as it has to be ends the ceremony",
            )
        }
        _ => Ok(()),
    }
}
