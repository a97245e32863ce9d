//! A key without a key block, under a zone master key: schemes U, T, X, Y.
//!
//! Its check value is the proof, see [`super::import_claimed`].

use conclave_crypto::primitive::kcv_fit::Claim;
use conclave_crypto::primitive::key_scheme::{Cryptogram, Scheme, unwrap};
use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::profile::BlockProfile;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::ActionError;

use super::conventions;
use super::import::{misfit, no_key};
use super::import_claimed::{claimed, may_come};

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
    may_come(method, template, under)?;
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
        let key = unwrap(self.scheme, wrapping, &self.bytes).map_err(|_| no_key(under))?;
        claimed(key, claim, profile, under, || self.mistake(wrapping, claim))
    }

    /// By what it was wrapped instead, where that gives the check value.
    fn mistake(&self, wrapping: &Secret, claim: &Claim) -> Option<String> {
        let other = self.scheme.mistaken_for();
        let by_other = unwrap(other, wrapping, &self.bytes)
            .is_ok_and(|key| claim.is_of(key.expose()).unwrap_or(false));
        if by_other {
            return Some(format!(
                "the cryptogram read by scheme {other}, not {}",
                self.scheme
            ));
        }
        let convention = conventions::that_fits(wrapping, &self.bytes, claim)?;
        Some(format!(
            "the cryptogram read by {convention}: not scheme {}",
            self.scheme
        ))
    }
}
