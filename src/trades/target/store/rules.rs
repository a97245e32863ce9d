//! What may leave in a key store, and in which.

use conclave_crypto::keystore::Kind;
use conclave_evidence::Id;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, KeySource};
use conclave_keyroom::domain::legacy::check_reason;
use conclave_keyroom::door::{ActionError, Beforehand};

use super::StoreTarget;
use crate::ceremony::action::{form, managers};
use crate::ceremony::state::Player;
use crate::target::rules::{active, in_its_period};

/// What the protection of a store is worth, in bits (SP 800-57 part 1 table 2):
/// of its cipher, since the passphrase is worth more.
#[must_use]
pub fn strength(kind: Kind) -> u16 {
    match kind {
        Kind::Pkcs12 => 256,
        Kind::Jks => 128,
        Kind::Pkcs12Legacy | Kind::Jceks => 112,
    }
}

/// What a key is worth, in bits.
fn worth(key: &KeyRecord) -> u16 {
    match key.rsa.as_ref().map(|rsa| rsa.bits) {
        Some(0..=2048) => 112,
        Some(2049..=3072) => 128,
        Some(_) => 150,
        None => key.form.strength(),
    }
}

/// TRUE where some store is weaker than some key in it: then approvers read why.
pub(super) fn needs_exception(keys: &[&KeyRecord], kinds: &[Kind]) -> bool {
    let weakest = kinds.iter().map(|kind| strength(*kind)).min();
    let strongest = keys.iter().map(|key| worth(key)).max();
    weakest < strongest
}

/// A reason is there exactly where it is needed.
pub(super) fn exception(
    keys: &[&KeyRecord],
    kinds: &[Kind],
    reason: Option<&str>,
) -> Result<(), ActionError> {
    let needed = needs_exception(keys, kinds);
    if !needed && reason.is_none() {
        return Ok(());
    }
    if !needed {
        return Err(ActionError::rule(
            "no exception is needed for these keys and stores",
            "leave the reason out",
        ));
    }
    match reason {
        Some(reason) => {
            check_reason(reason).map_err(|why| ActionError::rule(why, "say why in one line"))
        }
        None => Err(ActionError::rule(
            "a store protects less than a key in it is worth (R6): the reason is missing",
            "use PKCS#12 with AES-256, or say why the other side cannot",
        )),
    }
}

/// What approvers read.
pub(super) fn exception_words(reason: &str) -> String {
    format!("EXCEPTION, the store is weaker than the key (R6): {reason}")
}

/// TRUE for keys of data and their authentication. PIN, card, derivation and
/// wrapping keys go under a wrapping key alone (R19).
pub(crate) fn is_data_usage(usage: &str) -> bool {
    usage.starts_with('M') || matches!(usage, "D0" | "D2" | "D3")
}

/// A key may leave in a store, for this target.
pub(super) fn leaving(
    target: &dyn StoreTarget,
    key: &KeyRecord,
    now_ms: u64,
) -> Result<(), ActionError> {
    active(key)?;
    in_its_period(key, now_ms)?;
    let label = &key.label;
    if key.form == KeyForm::Rsa {
        if key.source != KeySource::Here || key.rsa.is_none() {
            return Err(ActionError::rule(
                format!("{label} is a partner's public key: there is nothing to put into a store"),
                "choose a pair of this station",
            ));
        }
        if key.exportability != "S" {
            return Err(ActionError::rule(
                match key.leaves_in_components() {
                    true => format!(
                        "the private half of {label} leaves in printed components alone: so it was \
                         made"
                    ),
                    false => format!("the private half of {label} never leaves: so it was made"),
                },
                "make a pair whose private half may leave in a key store, or send the public half",
            ));
        }
        return Ok(());
    }
    if !target.takes_secret_keys() {
        return Err(ActionError::rule(
            format!(
                "{label} is no pair, and {} takes pairs alone",
                target.title()
            ),
            "export it under a zone master key",
        ));
    }
    if !is_data_usage(&key.usage) {
        return Err(ActionError::rule(
            format!(
                "{label} has usage {}: payment keys and wrapping keys leave under a wrapping key \
                 alone (R19)",
                key.usage
            ),
            "export it under a zone master key",
        ));
    }
    if !matches!(key.exportability.as_str(), "E" | "S") {
        return Err(ActionError::rule(
            format!("{label} is not exportable: its template says so"),
            "make a key from a template that allows export",
        ));
    }
    Ok(())
}

/// Two custodians of two groups take the halves: by the authority record and
/// under their own names, with forms that hold (R18), and not of one manager
/// (R17), for the two halves open the store.
pub(super) fn holders(beforehand: &Beforehand<'_>, holders: &[Player]) -> Result<(), ActionError> {
    two_groups(holders)?;
    let authority = beforehand.authority()?;
    for player in holders {
        let named = authority
            .cards
            .iter()
            .any(|card| card.person == player.id && card.person_name == player.name);
        if !named || !authority.groups_of(player.id).contains(&player.group) {
            return Err(ActionError::rule(
                format!("{} is no member of {}", player.name, player.group),
                "Only custodians receive halves of a passphrase.",
            ));
        }
        form::holds(beforehand, (player.id, &player.name), player.group)?;
    }
    let people: Vec<Id> = holders.iter().map(|player| player.id).collect();
    managers::apart(beforehand, &people, None)
}

fn two_groups(holders: &[Player]) -> Result<(), ActionError> {
    if let [one, other] = holders
        && one.id != other.id
        && one.group != other.group
        && one.group.is_custodian()
        && other.group.is_custodian()
    {
        return Ok(());
    }
    Err(ActionError::rule(
        "the halves of a passphrase go to two custodians of two groups",
        "choose two custodians",
    ))
}
