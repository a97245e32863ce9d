//! A key without a key block, under a zone master key: schemes U, T, X, Y.
//!
//! Nothing authenticates it but the check value that two people typed. So
//! whatever does not give it has the one answer, except where one of the usual
//! mistakes does: its name says what to look at, and needs the right check
//! value to be heard at all.

use conclave_crypto::primitive::des_keys;
use conclave_crypto::primitive::kcv_fit::{self, Claim};
use conclave_crypto::primitive::key_scheme::{Cryptogram, Scheme, unwrap};
use conclave_crypto::primitive::modes::Algorithm;
use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::profile::BlockProfile;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::ActionError;

use super::conventions;
use super::import::{misfit, no_key, strong_enough};

/// A cryptogram with its scheme.
pub(super) struct Bare {
    pub scheme: Scheme,
    bytes: Vec<u8>,
}

/// Everything that is judged in clear, before a try is counted.
pub(super) fn in_clear(
    text: &str,
    profile: &BlockProfile,
    template: &KeyTemplate,
    under: &KeyRecord,
) -> Result<Bare, ActionError> {
    let Some(method) = profile.bare_method() else {
        return Err(misfit("the profile is one of key blocks".into()));
    };
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
    strong_enough(under, template)?;
    let read = Cryptogram::parse(text).map_err(|e| {
        ActionError::rule(e.to_string(), "Compare the cryptogram with the partner's.")
    })?;
    let variant = profile.schemes.contains(['U', 'T']);
    let scheme = read.letter.or(Scheme::of(variant, read.bytes.len()));
    let scheme = scheme.filter(|s| profile.schemes.contains(s.letter()));
    let Some(scheme) = scheme else {
        let named = read.letter.map_or_else(
            || format!("{} digits", 2 * read.bytes.len()),
            |s| format!("scheme {s}"),
        );
        return Err(misfit(format!(
            "the profile {} takes no {named}",
            profile.stamp()
        )));
    };
    if scheme.key_len() != template.form.bytes() {
        return Err(misfit(format!(
            "scheme {scheme} is for {} bytes, the template {} has {}",
            scheme.key_len(),
            template.stamp(),
            template.form.bytes()
        )));
    }
    Ok(Bare {
        scheme,
        bytes: read.bytes,
    })
}

impl Bare {
    /// The key, of the partner's check value and fit for use.
    pub(super) fn open(
        &self,
        wrapping: &Secret,
        claim: &Claim,
        profile: &BlockProfile,
        under: &str,
    ) -> Result<Secret, ActionError> {
        let Ok(mut key) = unwrap(self.scheme, wrapping, &self.bytes) else {
            return Err(no_key(under));
        };
        if !claim.is_of(key.expose()).unwrap_or(false) {
            return Err(self.explained(&key, wrapping, claim, under));
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

    /// The mistake that explains the check value, or the one answer.
    fn explained(
        &self,
        key: &Secret,
        wrapping: &Secret,
        claim: &Claim,
        under: &str,
    ) -> ActionError {
        let other = self.scheme.mistaken_for();
        let by_other = unwrap(other, wrapping, &self.bytes)
            .is_ok_and(|key| claim.is_of(key.expose()).unwrap_or(false));
        if by_other {
            return misfit(format!(
                "the check value is that of the cryptogram read by scheme {other}, not {}",
                self.scheme
            ));
        }
        if let Some(convention) = conventions::that_fits(wrapping, &self.bytes, claim) {
            return misfit(format!(
                "the check value is that of the cryptogram read by {convention}: not scheme {}",
                self.scheme
            ));
        }
        match kcv_fit::explain(Algorithm::Tdes, &[key], claim) {
            Some(fit) => ActionError::rule(
                format!("the key has another check value; the value that was typed: {fit}"),
                "Compare the check value with the partner's letter.",
            ),
            None => no_key(under),
        }
    }
}
