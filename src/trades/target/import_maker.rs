//! A key in a maker's own key block: Thales (`S`) or Atalla (AKB), under a key of
//! this house that wraps this way.
//!
//! Both authenticate. What is wrong in clear, or in a block that authenticates, is
//! named; whatever does not authenticate has the one answer.

use conclave_crypto::keyblock::{Akb, AkbHeader, Kbpk, ThalesBlock, thales_usage};
use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::profile::BlockProfile;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::ActionError;

use super::cipher;
use super::import::{misfit, no_key, strong_enough};

/// A block as it came, read in clear.
pub(super) enum Maker {
    Thales(Box<ThalesBlock>),
    Akb(Box<Akb>),
}

/// Everything that is judged in clear, before a try is counted.
pub(super) fn in_clear(
    method: WrappingMethod,
    text: &str,
    template: &KeyTemplate,
    under: &KeyRecord,
) -> Result<Maker, ActionError> {
    if under.wrapping != Some(method) || !method.fits(under.form) {
        return Err(misfit(format!(
            "{} does not wrap by {}: a wrapping key has one method",
            under.label,
            method.name()
        )));
    }
    if template.form.is_hmac() {
        return Err(misfit(format!(
            "an {} key comes in a TR-31 block, which says its hash",
            template.form
        )));
    }
    strong_enough(under, template)?;
    let named = |error: String| ActionError::rule(error, "Compare the block with the partner's.");
    match method {
        WrappingMethod::ThalesBlock => {
            let block = ThalesBlock::parse(text.as_bytes()).map_err(|e| named(e.to_string()))?;
            let version = block.header().version;
            if version.cipher() != cipher(under.form) {
                return Err(misfit(format!(
                    "a block of version {} is not under {}, which is {}",
                    version.digit(),
                    under.label,
                    under.form
                )));
            }
            Ok(Maker::Thales(Box::new(block)))
        }
        WrappingMethod::AtallaAkb => {
            let block = Akb::parse(text.as_bytes()).map_err(|e| named(e.to_string()))?;
            let header = block.header();
            header.fault().map_err(|e| named(e.to_string()))?;
            if header.is_component() {
                return Err(misfit("the block carries a component, not a key".into()));
            }
            if !template.form.is_tdes() {
                return Err(misfit(format!(
                    "an Atalla key block of format 1 carries no {} key",
                    template.form
                )));
            }
            Ok(Maker::Akb(Box::new(block)))
        }
        other => Err(misfit(format!("nothing is read by {}", other.name()))),
    }
}

/// One attribute of a block against the template's.
fn same(what: &str, said: &str, template: &KeyTemplate, wanted: &str) -> Result<(), ActionError> {
    if said == wanted {
        return Ok(());
    }
    Err(misfit(format!(
        "the block's {what} is {said}, the template {} has {wanted}",
        template.stamp()
    )))
}

/// Whoever may do more may do this alone: the record keeps the narrower.
fn wider(mode: char, wanted: &str) -> bool {
    match mode {
        'N' => true,
        'B' => matches!(wanted, "D" | "E"),
        'C' => matches!(wanted, "G" | "V"),
        _ => false,
    }
}

impl Maker {
    /// `Thales key block version 0`, `Atalla key block 1PUNE000`.
    pub(super) fn format(&self) -> String {
        match self {
            Self::Thales(block) => {
                format!(
                    "Thales key block version {}",
                    block.header().version.digit()
                )
            }
            Self::Akb(block) => format!("Atalla key block {}", block.header()),
        }
    }

    /// What the partner lets be done with the key.
    pub(super) fn exportability(&self) -> String {
        match self {
            Self::Thales(block) => block.header().attributes.exportability.letter(),
            Self::Akb(block) => block.header().exportability(),
        }
        .to_string()
    }

    /// The key, authenticated and fit for the template.
    pub(super) fn open(
        &self,
        wrapping: &Secret,
        under: &KeyRecord,
        template: &KeyTemplate,
        profile: &BlockProfile,
    ) -> Result<Secret, ActionError> {
        let key = match self {
            Self::Thales(block) => thales(block, wrapping, under, template, profile)?,
            Self::Akb(block) => akb(block, wrapping, under, template)?,
        };
        let (said, wanted) = (key.len(), template.form.bytes());
        same(
            "key length",
            &format!("{said} bytes"),
            template,
            &format!("{wanted} bytes"),
        )?;
        Ok(key)
    }
}

fn thales(
    block: &ThalesBlock,
    wrapping: &Secret,
    under: &KeyRecord,
    template: &KeyTemplate,
    profile: &BlockProfile,
) -> Result<Secret, ActionError> {
    let found = Kbpk::new(cipher(under.form), wrapping.duplicate())
        .ok()
        .and_then(|kbpk| block.unwrap(&kbpk).ok())
        .ok_or_else(|| no_key(&under.label))?;
    let of = &found.header.attributes;
    // Thales's own usages stand for one of X9.143.
    let usage = of.usage.to_string();
    let row = thales_usage(of.usage);
    let known = row.and_then(|row| row.x9_143).unwrap_or(&usage);
    same("usage", known, template, &template.usage)?;
    let algorithm = if template.form.is_tdes() { "T" } else { "A" };
    same(
        "algorithm",
        &of.algorithm.letter().to_string(),
        template,
        algorithm,
    )?;
    let mode = of.mode.letter();
    if !wider(mode, &template.mode_of_use) {
        same(
            "mode of use",
            &mode.to_string(),
            template,
            &template.mode_of_use,
        )?;
    }
    if of.key_version.is_component() {
        return Err(misfit("the block carries a component, not a key".into()));
    }
    if let Err(rule) = found.rule {
        return Err(misfit(format!("{rule} (R6)")));
    }
    let odd = |id: String| !matches!(id.as_str(), "00" | "03" | "04" | "05" | "KS" | "KV");
    let strange = found.header.blocks.iter().find(|b| odd(b.id().to_string()));
    if let (Some(strange), false) = (strange, profile.unknown_blocks) {
        return Err(misfit(format!(
            "the block has an optional block {} that a payShield does not know, and the profile {} does not allow that",
            strange.id(),
            profile.stamp()
        )));
    }
    Ok(found.key)
}

fn akb(
    block: &Akb,
    wrapping: &Secret,
    under: &KeyRecord,
    template: &KeyTemplate,
) -> Result<Secret, ActionError> {
    let found = block.unwrap(wrapping).map_err(|_| no_key(&under.label))?;
    let header = &found.header;
    if !header.x9_143_usages().contains(&template.usage.as_str()) {
        return Err(misfit(format!(
            "the block's header {header} is not that of a key of usage {}, which the template {} has",
            template.usage,
            template.stamp()
        )));
    }
    if !wider(header.mode(), &template.mode_of_use) {
        let mode = header.mode().to_string();
        same("mode of use", &mode, template, &template.mode_of_use)?;
    }
    if !found.strong_enough {
        return Err(misfit(
            "the wrapping key is weaker than the key (R6)".into(),
        ));
    }
    Ok(found.key)
}

/// Whether a header and a usage go together, for the way out as well.
pub(super) fn akb_is_for(header: &AkbHeader, usage: &str) -> bool {
    header.x9_143_usages().contains(&usage)
}
