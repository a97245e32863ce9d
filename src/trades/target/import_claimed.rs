//! A key that nothing authenticates but the check value that two people typed: a bare
//! cryptogram, an external CCA token. Whatever does not give that value has the one
//! answer, except where one of the usual mistakes does: its name says what to look at,
//! and needs the right check value to be heard at all.

use conclave_crypto::primitive::des_keys;
use conclave_crypto::primitive::kcv_fit::{self, Claim};
use conclave_crypto::primitive::modes::Algorithm;
use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::profile::BlockProfile;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::ActionError;

use super::import::{misfit, no_key, strong_enough};

/// What holds of both before either is looked at: the wrapping key has this method, and
/// the key is a TDES key that it may wrap.
///
/// # Errors
/// [`ActionError::Rule`]
pub(super) fn may_come(
    method: WrappingMethod,
    template: &KeyTemplate,
    under: &KeyRecord,
) -> Result<(), ActionError> {
    if under.wrapping != Some(method) || !method.fits(under.form) {
        return Err(misfit(format!(
            "{} does not wrap by {}: a wrapping key has one method",
            under.label,
            method.name()
        )));
    }
    if !template.form.is_tdes() {
        return Err(misfit(format!(
            "{} keys come in key blocks alone (PCI PIN 18-3)",
            template.form
        )));
    }
    strong_enough(under, template)
}

/// The key, of the partner's check value and fit for use. `mistake` names what the
/// partner's host did instead, where that gives the value.
///
/// # Errors
/// [`ActionError::Rule`]
pub(super) fn claimed(
    mut key: Secret,
    claim: &Claim,
    profile: &BlockProfile,
    under: &str,
    mistake: impl FnOnce() -> Option<String>,
) -> Result<Secret, ActionError> {
    if !claim.is_of(key.expose()).unwrap_or(false) {
        if let Some(what) = mistake() {
            return Err(misfit(format!("the check value is that of {what}")));
        }
        return Err(match kcv_fit::explain(Algorithm::Tdes, &[&key], claim) {
            Some(fit) => ActionError::rule(
                format!("the key has another check value; the value that was typed: {fit}"),
                "Compare the check value with the partner's letter.",
            ),
            None => no_key(under),
        });
    }
    if !profile.any_parity && des_keys::first_even_byte(key.expose()).is_some() {
        return Err(misfit(format!(
            "the key has not odd parity, and the profile {} does not allow that",
            profile.stamp()
        )));
    }
    des_keys::set_odd_parity(key.expose_mut());
    des_keys::check(key.expose()).map_err(|e| misfit(format!("{e} (R5)")))?;
    Ok(key)
}
