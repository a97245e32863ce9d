//! What may leave, under what, for whom: asked before a key is opened.

use conclave_evidence::Id;
use std::collections::BTreeSet;

use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::key::{KeyRecord, KeyState, WrappingMethod};
use conclave_keyroom::domain::legacy::{LegacyException, check_exception};
use conclave_keyroom::domain::target_system::{Settings, TargetSystem};
use conclave_keyroom::door::{ActionError, Beforehand};
use conclave_keyroom::vault::Compartment;

use super::export::{ExportKeys, KeyName, SystemName};
use super::{Target, TargetError};

/// The most keys in one bundle.
pub(crate) const KEYS_MOST: usize = 1000;

/// The longest recipient, in characters.
const RECIPIENT_MOST: usize = 60;

/// The act's own parameters.
pub(crate) fn parameters(act: &ExportKeys) -> Result<(), ActionError> {
    if act.keys.is_empty() || act.keys.len() > KEYS_MOST {
        return Err(ActionError::rule(
            format!(
                "a bundle carries 1 to {KEYS_MOST} keys, not {}",
                act.keys.len()
            ),
            "choose the keys again",
        ));
    }
    let ids: BTreeSet<_> = act.keys.iter().map(|k| k.id).collect();
    if ids.len() != act.keys.len() {
        return Err(ActionError::rule(
            "a key stands twice in the bundle",
            "name each key once",
        ));
    }
    if ids.contains(&act.under.id) {
        return Err(ActionError::rule(
            format!("{} would be wrapped under itself", act.under.label),
            "leave the wrapping key out",
        ));
    }
    recipient(&act.recipient)
}

/// For whom: one line of a form.
pub(crate) fn recipient(recipient: &str) -> Result<(), ActionError> {
    let plain = |c: char| c.is_alphanumeric() || " .,-_/&()'".contains(c);
    if recipient.trim() != recipient
        || recipient.is_empty()
        || recipient.chars().count() > RECIPIENT_MOST
        || !recipient.chars().all(plain)
    {
        return Err(ActionError::rule(
            format!("a recipient has 1 to {RECIPIENT_MOST} letters, digits, spaces and .,-_/&()'"),
            "write the recipient again",
        ));
    }
    Ok(())
}

/// The record is the key that was approved: by id, label and check value.
pub(crate) fn same(name: &KeyName, record: &KeyRecord) -> Result<(), ActionError> {
    if name.label == record.label && name.kcv == record.kcv.words() {
        return Ok(());
    }
    Err(ActionError::rule(
        format!("{} is not the key that was approved", record.label),
        "propose the export again",
    ))
}

/// A master key of another machine is for its panel alone: what is under it is that
/// machine's, and nothing of it is opened here.
fn not_foreign(under: &KeyRecord) -> Result<(), ActionError> {
    if under.is_panel_key() {
        return Err(ActionError::rule(
            format!(
                "{} is a master key of another machine: it wraps and unwraps nothing here",
                under.label
            ),
            "choose a zone master key",
        ));
    }
    Ok(())
}

/// The wrapping key may wrap.
pub(crate) fn wrapping(under: &KeyRecord, now_ms: u64) -> Result<(), ActionError> {
    not_foreign(under)?;
    let label = &under.label;
    if !under.is_wrapping_key() || !matches!(under.mode_of_use.as_str(), "B" | "E" | "N") {
        return Err(ActionError::rule(
            format!(
                "{label} has usage {} and mode {}: only a key-encryption key that encrypts wraps \
                 others (R20)",
                under.usage, under.mode_of_use
            ),
            "choose a zone master key",
        ));
    }
    usable(under, now_ms)?;
    if !under.wrapping.is_some_and(|m| m.fits(under.form)) {
        return Err(ActionError::rule(
            format!("{label} has another wrapping method than its algorithm has"),
            "a zone master key has one method for ever: make a new one",
        ));
    }
    Ok(())
}

/// A key leaves, or comes, without a key block only with a reason that the
/// approvers read (PCI PIN 18-3), and until the day that they chose (R19).
pub(crate) fn exception(
    method: Option<WrappingMethod>,
    exception: Option<&LegacyException>,
    now_ms: u64,
) -> Result<(), ActionError> {
    let needed = method.is_some_and(WrappingMethod::is_exception);
    check_exception(needed, exception).map_err(|rule| {
        ActionError::rule(
            rule,
            "say why, or choose a zone master key that wraps key blocks",
        )
    })?;
    exception.map_or(Ok(()), |exception| {
        exception.holds(now_ms).map_err(|rule| {
            ActionError::rule(rule, "Begin again, and say how many days it is to last.")
        })
    })
}

/// The wrapping key may unwrap what a partner made under it: also after it stopped
/// wrapping, until the recipient's usage period ends.
///
/// # Errors
/// [`ActionError::Rule`]: R20, its state, or its cryptoperiod.
pub fn unwrapping(under: &KeyRecord, now_ms: u64) -> Result<(), ActionError> {
    not_foreign(under)?;
    if !under.is_wrapping_key() || !matches!(under.mode_of_use.as_str(), "B" | "D" | "N") {
        return Err(ActionError::rule(
            format!(
                "{} has usage {} and mode {}: only a key-encryption key that decrypts unwraps \
                 others (R20)",
                under.label, under.usage, under.mode_of_use
            ),
            "choose a zone master key",
        ));
    }
    match under.is_process_only(now_ms) {
        true => Ok(()),
        false => usable(under, now_ms),
    }
}

/// What is on record of the system that keys leave for: approved as it is, and
/// nothing missing.
pub(crate) fn settings(
    act: &ExportKeys,
    target: &dyn Target,
    system: Option<&TargetSystem>,
) -> Result<Settings, ActionError> {
    settings_of(
        target.name(),
        target.title(),
        target.needs_system(),
        (system, act.system.as_ref(), &act.recipient),
    )
}

/// The same of any target: the record of the system, what was approved of it,
/// and for whom.
pub(crate) fn settings_of(
    name: &str,
    title: &str,
    needs_system: bool,
    (system, approved, recipient): (Option<&TargetSystem>, Option<&SystemName>, &str),
) -> Result<Settings, ActionError> {
    let Some((system, approved)) = system.zip(approved) else {
        if needs_system {
            return Err(ActionError::rule(
                format!("{title} is written for a system on record alone"),
                "record the system first, with what its profile asks for",
            ));
        }
        return Ok(Settings::default());
    };
    if SystemName::of(system) != *approved || system.name != recipient {
        return Err(ActionError::rule(
            format!(
                "the record of {} is not the one that was approved",
                system.name
            ),
            "propose the export again",
        ));
    }
    if system.target() != name {
        return Err(ActionError::rule(
            format!("{} is a system of profile {}", system.name, system.target()),
            "choose the target that the system's record names",
        ));
    }
    let missing = system.settings.missing();
    if !missing.is_empty() {
        return Err(ActionError::rule(
            format!(
                "{} lacks what its profile asks for: {}",
                system.name,
                missing.join(", ")
            ),
            "complete its record; the administrators of that system know it",
        ));
    }
    Ok(system.settings.clone())
}

/// A key may leave under this one, for this target.
pub(crate) fn leaving(
    target: &dyn Target,
    key: &KeyRecord,
    under: &KeyRecord,
    settings: &Settings,
    ceremony: Option<Id>,
    now_ms: u64,
) -> Result<(), ActionError> {
    // A working key leaves inside the ceremony that makes it, and is active
    // once that is closed.
    let being_made = key.state == KeyState::PreActivation && ceremony == Some(key.ceremony);
    if !being_made {
        active(key)?;
    }
    in_its_period(key, now_ms)?;
    if !matches!(key.exportability.as_str(), "E" | "S") {
        return Err(ActionError::rule(
            format!("{} is not exportable: its template says so", key.label),
            "make a key from a template that allows export",
        ));
    }
    if !under
        .wrapping
        .is_some_and(|m| target.methods().contains(&m))
    {
        return Err(ActionError::rule(
            format!(
                "{} wraps by {}, which is nothing for {}: a wrapping key has one method",
                under.label,
                under.wrapping.map_or("no method", WrappingMethod::name),
                target.name()
            ),
            "choose the zone master key that was made for this",
        ));
    }
    certificates(settings, under.is_wrapped_to(), now_ms)?;
    target.check(key, under, settings).map_err(refused)
}

/// No certificate of the record has expired; where keys are wrapped to one now, it
/// holds.
fn certificates(settings: &Settings, used_now: bool, now_ms: u64) -> Result<(), ActionError> {
    for certificate in settings.certificates.values() {
        let how = if now_ms > certificate.until_ms {
            "has expired"
        } else if used_now && now_ms < certificate.from_ms {
            "does not hold yet"
        } else {
            continue;
        };
        return Err(ActionError::rule(
            format!("the certificate {} {how}", certificate.subject),
            "ask its owner for a new one, and have it recorded (devices, y); a system of \
             generations takes it with the next one. What left before stays as it is. Where the \
             clock is wrong, correct it first",
        ));
    }
    Ok(())
}

fn usable(key: &KeyRecord, now_ms: u64) -> Result<(), ActionError> {
    active(key)?;
    in_its_period(key, now_ms)
}

/// A cryptogram of the key is about to be made: with the intent its record says under
/// which key, for an act that does not end may have let it out all the same (R12). TRUE
/// where the record did not say so before.
pub(crate) fn begins_under(
    beforehand: &mut Beforehand<'_>,
    mut key: KeyRecord,
    under: &KeyRecord,
) -> Result<bool, ActionError> {
    let first = key.begun_under.insert(under.label.clone());
    if first {
        beforehand.put(Compartment::Catalogue, KeyRecord::KIND, key.id, &key)?;
    }
    Ok(first)
}

pub(crate) fn active(key: &KeyRecord) -> Result<(), ActionError> {
    if key.state != KeyState::Active {
        return Err(ActionError::rule(
            format!("{} is {}, not active (R21)", key.label, key.state.words()),
            "finish its ceremony, or choose another key",
        ));
    }
    Ok(())
}

pub(crate) fn in_its_period(key: &KeyRecord, now_ms: u64) -> Result<(), ActionError> {
    if key.is_process_only(now_ms) {
        return Err(ActionError::rule(
            format!(
                "{} opens what came under it, and makes nothing new: its originator's period is \
                 over (R21)",
                key.label
            ),
            "make a new key; where the clock is wrong, correct it first",
        ));
    }
    if now_ms > key.expires_ms {
        return Err(ActionError::rule(
            format!("the cryptoperiod of {} is over (R22)", key.label),
            "make a new key; where the clock is wrong, correct it first",
        ));
    }
    Ok(())
}

/// The medium is the enrolled one that was approved.
pub(crate) fn medium(act: &ExportKeys, record: &MediumRecord) -> Result<(), ActionError> {
    if record.serial == act.serial && record.name == act.medium_name {
        return Ok(());
    }
    Err(ActionError::rule(
        format!("{} is not the medium that was approved", record.name),
        "propose the export again",
    ))
}

/// A target's refusal, as the door knows it.
pub(crate) fn refused(error: TargetError) -> ActionError {
    match error {
        TargetError::Rule { rule, advice } => ActionError::Rule { rule, advice },
        other => ActionError::Device {
            what: other.to_string(),
            advice: "nothing left the room; do not use this key before it is known why".into(),
        },
    }
}
