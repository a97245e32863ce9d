//! What a ceremony may be asked for, by its script's purpose.

use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::known_value::check_known_value;
use conclave_keyroom::domain::label::check_label;
use conclave_keyroom::domain::legacy::check_exception;

use super::engine::CeremonyError;
use super::script::{Purpose, Script};
use super::state::Parameters;

fn plain(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.chars().count() <= 40 && !text.chars().any(char::is_control)
}

pub(super) fn check_parameters(
    script: &Script,
    parameters: &Parameters,
) -> Result<(), CeremonyError> {
    let refuse = |words: String| Err(CeremonyError::Parameters(words));
    if parameters.blind && !script.suits_blind_forms() {
        return refuse(format!(
            "the form is a blind mailer, and the script {} does not say what is looked at on one",
            script.stamp()
        ));
    }
    if parameters.blind && parameters.template.panel.is_some() {
        return refuse(
            "the form is a blind mailer, and the page for the Master Key Entry panel is in clear: \
             print the parts of a master key on open sheets"
                .into(),
        );
    }
    if let Err(e) = check_label(&parameters.label) {
        return refuse(e.to_string());
    }
    let template = &parameters.template;
    // An RSA pair is made without a template: the parts of one that is there are printed,
    // proven and destroyed.
    let parts = matches!(
        script.purpose,
        Purpose::Reissue | Purpose::Exercise | Purpose::Destroy
    );
    if !(parts && template.form == KeyForm::Rsa)
        && let Err(rule) = template.check()
    {
        return refuse(format!("template {}: {rule}", template.name));
    }
    if let Err(rule) = check_known_value(parameters.known_value.as_deref()) {
        return refuse(rule);
    }
    let typed = matches!(script.purpose, Purpose::PartnerKey | Purpose::EnterShares);
    if parameters.paper.is_some() != typed {
        return refuse("only a partner's key has a partner's paper, and it always has".into());
    }
    if parameters.known_value.is_some() && !typed && script.purpose != Purpose::Import {
        return refuse("only a value that comes in can be one that is here".into());
    }
    if parameters.import.is_some() != (script.purpose == Purpose::Import) {
        return refuse("only an import has a block's wrapping key, and it always has".into());
    }
    if parameters.exercise.is_some() != (script.purpose == Purpose::Exercise) {
        return refuse("only an exercise has sheets to prove, and it always has".into());
    }
    let splits = match script.purpose {
        Purpose::Reissue => Some(false),
        Purpose::Shares => Some(true),
        _ => None,
    };
    if parameters.split.as_ref().map(|s| s.quorum.is_some()) != splits {
        return refuse("only new parts have a key to split, and they always have".into());
    }
    if parameters.shares.is_some() != (script.purpose == Purpose::EnterShares) {
        return refuse("only an entry of shares has their numbers, and it always has".into());
    }
    if parameters.destroy.is_some() != (script.purpose == Purpose::Destroy) {
        return refuse("only a destruction has sheets to destroy, and it always has".into());
    }
    match (script.purpose, &parameters.delivery) {
        (Purpose::EnterShares, None) => {
            let Some(shares) = &parameters.shares else {
                return refuse("the shares' numbers are missing".into());
            };
            if shares.known.is_some() != super::proves(script) {
                return refuse("a key that is there is proven by its own script".into());
            }
            let of = shares.of;
            let good = |at: usize, place: &u8| {
                (1..=of).contains(place) && !shares.places.iter().skip(at + 1).any(|p| p == place)
            };
            if !(2..=9).contains(&of)
                || !(2..=usize::from(of)).contains(&shares.places.len())
                || !shares.places.iter().enumerate().all(|(at, p)| good(at, p))
            {
                return refuse(format!(
                    "shares {:?} of {of}: different numbers from 1 to {of}, at least two of them",
                    shares.places
                ));
            }
            if shares.places.len() != usize::from(parameters.components) {
                return refuse("as many are typed as make the key".into());
            }
            if parameters.paper.as_ref().is_none_or(|p| !plain(&p.partner)) {
                return refuse("what the shares are of is missing, or is no plain text".into());
            }
        }
        (Purpose::Reissue | Purpose::Shares, None) => {
            let quorum = parameters.split.as_ref().and_then(|s| s.quorum);
            if let Some(m) = quorum
                && !(2..=parameters.components).contains(&m)
            {
                return refuse(format!(
                    "any {m} of {} shares: at least 2, and no more than there are",
                    parameters.components
                ));
            }
            if !(2..=9).contains(&parameters.components) {
                return refuse(format!(
                    "{} components; a key has 2 to 9 (R2)",
                    parameters.components
                ));
            }
        }
        (Purpose::Destroy, None) => {
            let sheets = parameters.destroy.as_ref().map_or(0, |d| d.parts.len());
            if !(1..=9).contains(&sheets) || sheets != usize::from(parameters.components) {
                return refuse(format!("{sheets} sheets; a set has 1 to 9 of them left"));
            }
        }
        (Purpose::Reissue | Purpose::Shares | Purpose::EnterShares | Purpose::Destroy, Some(_)) => {
            return refuse("nothing is exported to a medium".into());
        }
        (Purpose::Exercise, None) => {
            let opened = parameters.exercise.as_ref().map_or(0, |e| e.holders.len());
            let sheets = parameters.parts();
            if !(2..=9).contains(&sheets)
                || opened == 0
                || opened != usize::from(parameters.components)
            {
                return refuse(format!("{sheets} sheets; a key has 2 to 9 (R2)"));
            }
        }
        (Purpose::Exercise, Some(_)) => {
            return refuse("nothing is exported in an exercise".into());
        }
        (Purpose::Import, None) => {
            let Some(import) = &parameters.import else {
                return refuse("wrapping key and partner are missing".into());
            };
            if !plain(&import.partner) {
                return refuse("the partner's name is missing, or is no plain text".into());
            }
            if parameters.components != 0 {
                return refuse("a key block has no components".into());
            }
            if let Err(rule) = import.profile.check() {
                return refuse(format!("profile {}: {rule}", import.profile.name));
            }
            let bare = import.profile.bare_method();
            if let Err(rule) = check_exception(bare.is_some(), import.exception.as_ref()) {
                return refuse(rule);
            }
            if bare.is_some_and(|m| !m.fits(import.under.form) || !m.fits(template.form)) {
                return refuse(format!(
                    "profile {} is for TDES keys under TDES keys alone",
                    import.profile.stamp()
                ));
            }
            if import.under.form.strength() < template.form.strength() {
                return refuse(format!(
                    "{} is {}, weaker than the {} key it would have wrapped (R6)",
                    import.under.label, import.under.form, template.form
                ));
            }
        }
        (Purpose::Import, Some(_)) => {
            return refuse("an imported key is not exported by its import".into());
        }
        (Purpose::PartnerKey, None) => {
            let paper = parameters.paper.as_ref();
            if paper.is_none_or(|p| !plain(&p.partner)) {
                return refuse("the partner's name is missing, or is no plain text".into());
            }
            if !(2..=9).contains(&parameters.components) {
                return refuse(format!(
                    "{} components; a key has 2 to 9 (R2)",
                    parameters.components
                ));
            }
        }
        (Purpose::PartnerKey, Some(_)) => {
            return refuse("a partner's key is not exported by its entry".into());
        }
        (Purpose::Components, None) => {
            if !template.in_components {
                return refuse(format!(
                    "template {} is not made in printed components",
                    template.stamp()
                ));
            }
            if !(2..=9).contains(&parameters.components) {
                return refuse(format!(
                    "{} components; a key has 2 to 9 (R2)",
                    parameters.components
                ));
            }
        }
        (Purpose::WorkingKey, Some(delivery)) => {
            if template.in_components || parameters.components != 0 {
                return refuse(format!(
                    "template {} is made in printed components, this script makes a working key",
                    template.stamp()
                ));
            }
            if template.exportability == "N" {
                return refuse(format!(
                    "template {} is not exportable (TR-31 exportability N)",
                    template.stamp()
                ));
            }
            if delivery.under.form.strength() < template.form.strength() {
                return refuse(format!(
                    "{} is {}, weaker than the {} key it would wrap (R6)",
                    delivery.under.label, delivery.under.form, template.form
                ));
            }
        }
        (Purpose::Components, Some(_)) => {
            return refuse("a key in components is not exported to a medium".into());
        }
        (Purpose::WorkingKey, None) => {
            return refuse("wrapping key, recipient and medium are missing".into());
        }
    }
    Ok(())
}
