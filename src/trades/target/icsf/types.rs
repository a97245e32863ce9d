//! Which CCA key type a key becomes, with which control vector, under which
//! label. The tables are the profile's.

use conclave_crypto::cca::{ControlVector, KeyType};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::target_system::Settings;

use super::super::{TargetError, fits};
use super::rule;

/// The longest label of a key data set.
const LABEL_MOST: usize = 64;

/// One record that a key becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The CCA key type, as the profile names it.
    pub kind: String,
    /// Its control vector.
    pub vector: ControlVector,
    /// Its label in the key data set.
    pub label: String,
}

/// Usage and mode as the profile's tables have them: `P0 B`.
pub(super) fn usage(key: &KeyRecord) -> String {
    format!("{} {}", key.usage, key.mode_of_use)
}

/// What stands behind a label where one key becomes several records.
fn suffix(of: &str, several: bool, settings: &Settings) -> String {
    if !several {
        return String::new();
    }
    let known = settings.profile.entry("suffix", of);
    known.map_or_else(|| format!(".{of}"), str::to_owned)
}

/// The label in the key data set: prefix, the key's own, and what tells two
/// records of one key apart.
///
/// # Errors
/// [`TargetError::Rule`]: what ICSF does not allow in a label.
pub(super) fn host_label(
    key: &KeyRecord,
    of: &str,
    several: bool,
    settings: &Settings,
) -> Result<String, TargetError> {
    let mut own = key.label.clone();
    match settings.value("hyphen") {
        Some(instead) if instead.len() == 1 => own = own.replace('-', instead),
        _ => {}
    }
    let prefix = settings.value("label-prefix").unwrap_or_default();
    let label = format!("{prefix}{own}{}", suffix(of, several, settings));
    match label_fault(&label) {
        None => Ok(label),
        Some((why, fault)) => Err(rule(
            why,
            match fault {
                LabelFault::Character('-') => {
                    "say in the record of the system what stands for a hyphen"
                }
                LabelFault::Character(_) => "correct the record's label prefix",
                LabelFault::First => "give the record of the system a label prefix",
                LabelFault::Long => "shorten the record's label prefix",
            },
        )),
    }
}

/// What of a label ICSF does not allow.
pub(in super::super) enum LabelFault {
    /// This character.
    Character(char),
    /// The first character.
    First,
    /// Its length.
    Long,
}

/// What ICSF does not allow in a label, in words; nothing where it allows all of it.
pub(in super::super) fn label_fault(label: &str) -> Option<(String, LabelFault)> {
    let national = |c: char| matches!(c, '#' | '$' | '@');
    let wrong = label
        .chars()
        .find(|c| !(c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '.' || national(*c)));
    if let Some(wrong) = wrong {
        let why = format!("ICSF allows no {wrong:?} in a label: {label} (A-Z, 0-9, # $ @ and .)");
        return Some((why, LabelFault::Character(wrong)));
    }
    let first = label.chars().next();
    if !first.is_some_and(|c| c.is_ascii_uppercase() || national(c)) {
        let why = format!("an ICSF label begins with a letter or # $ @: {label}");
        return Some((why, LabelFault::First));
    }
    (label.len() > LABEL_MOST).then(|| {
        let why = format!("an ICSF label has at most {LABEL_MOST} characters: {label}");
        (why, LabelFault::Long)
    })
}

fn vector(name: &str, len: usize, settings: &Settings) -> Result<ControlVector, TargetError> {
    let stamp = settings.profile.stamp();
    let wrong = |why: &dyn std::fmt::Display| {
        rule(
            format!("key type {name} of profile {stamp}: {why}"),
            "have the profile corrected",
        )
    };
    if name == "ZERO-CV" {
        return Ok(ControlVector::ZERO);
    }
    if let Some(text) = settings.profile.entry("vectors", name) {
        let vector = ControlVector::parse(text).map_err(|e| wrong(&e))?;
        vector.check_strictly(len).map_err(|e| wrong(&e))?;
        return Ok(vector);
    }
    KeyType::named(name)
        .and_then(|kind| kind.default_vector(len))
        .map_err(|e| wrong(&e))
}

/// TRUE where a key that was brought may leave that system again.
pub(super) fn may_be_exported(settings: &Settings) -> bool {
    settings.value("export-again") != Some("NO")
}

/// The records that a key becomes.
///
/// # Errors
/// [`TargetError::Rule`]
pub(super) fn parts(key: &KeyRecord, settings: &Settings) -> Result<Vec<Part>, TargetError> {
    let table = match key.form {
        KeyForm::Tdes2 => "types",
        KeyForm::Tdes3 => "types-24",
        _ => {
            return Err(rule(
                format!(
                    "{} is an {} key: CCA tokens of this form are for TDES keys alone",
                    key.label, key.form
                ),
                "export it as a TR-31 key block, to a system of profile icsf-tr31",
            ));
        }
    };
    let usage = usage(key);
    let names: Vec<&str> = settings
        .profile
        .entry(table, &usage)
        .map(|names| names.split(' ').filter(|name| !name.is_empty()).collect())
        .unwrap_or_default();
    if names.is_empty() {
        return Err(rule(
            format!(
                "profile {} has no CCA key type for {}: usage {}, mode {}, {}",
                settings.profile.stamp(),
                key.label,
                key.usage,
                key.mode_of_use,
                key.form
            ),
            "export it as a TR-31 key block (profile icsf-tr31), or have the profile's table \
             completed",
        ));
    }
    let several = names.len() > 1;
    let len = key.form.bytes();
    names
        .into_iter()
        .map(|name| {
            let mut vector = vector(name, len, settings)?;
            fits::cca(key, &settings.profile.stamp(), name, &vector)?;
            if !may_be_exported(settings) {
                vector = vector.without_export();
            }
            if vector.wants_enhanced() {
                return Err(rule(
                    format!(
                        "{} of {} bytes takes the enhanced wrapping alone (ENH-ONLY), which is \
                         not made here",
                        name, len
                    ),
                    "export it as a TR-31 key block, to a system of profile icsf-tr31",
                ));
            }
            Ok(Part {
                kind: name.to_owned(),
                vector,
                label: host_label(key, name, several, settings)?,
            })
        })
        .collect()
}
