//! A key in an external CCA token, under an importer key of this house.
//!
//! Its check value is the proof, see [`super::import_claimed`]. What the token says of
//! itself in clear is judged before a try is counted.

use conclave_crypto::cca::{ControlVector, DesToken, Wrapping};
use conclave_crypto::primitive::kcv_fit::Claim;
use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::profile::BlockProfile;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::ActionError;

use super::import::{misfit, no_key};
use super::import_claimed::{claimed, may_come};

/// Key types that may become a key of this usage and mode. CCA has no PIN key
/// and no key-encryption key for both directions, so that a token of either one
/// becomes a key of mode B here; where it leaves again, each direction is a
/// record of its own. The zero vector is the old form of a DATA key.
const TYPES: [(&str, &str, &[&str]); 22] = [
    ("C0", "C", &["MAC"]),
    ("C0", "G", &["MAC"]),
    ("C0", "V", &["MAC", "MACVER"]),
    ("D0", "B", &["CIPHER", "DATA", "DATAC", "ZERO-CV"]),
    (
        "D0",
        "D",
        &["CIPHER", "DATA", "DATAC", "DECIPHER", "ZERO-CV"],
    ),
    (
        "D0",
        "E",
        &["CIPHER", "DATA", "DATAC", "ENCIPHER", "ZERO-CV"],
    ),
    ("K0", "B", &["EXPORTER", "IMPORTER"]),
    ("K0", "D", &["IMPORTER"]),
    ("K0", "E", &["EXPORTER"]),
    ("M1", "C", &["MAC", "DATAM"]),
    ("M1", "G", &["MAC", "DATAM"]),
    ("M1", "V", &["MAC", "MACVER", "DATAM", "DATAMV"]),
    ("M3", "C", &["MAC", "DATAM"]),
    ("M3", "G", &["MAC", "DATAM"]),
    ("M3", "V", &["MAC", "MACVER", "DATAM", "DATAMV"]),
    ("P0", "B", &["IPINENC", "OPINENC"]),
    ("P0", "D", &["IPINENC"]),
    ("P0", "E", &["OPINENC"]),
    ("V0", "C", &["PINGEN"]),
    ("V1", "C", &["PINGEN"]),
    ("V2", "C", &["PINGEN"]),
    ("V2", "V", &["PINGEN", "PINVER"]),
];

/// A token, read in clear.
pub(super) struct Token(DesToken);

impl Token {
    /// Everything that is judged in clear, before a try is counted. `text` is
    /// the token in 128 hex digits.
    pub(super) fn in_clear(
        text: &str,
        profile: &BlockProfile,
        template: &KeyTemplate,
        under: &KeyRecord,
    ) -> Result<Self, ActionError> {
        may_come(WrappingMethod::CcaEcb, template, under)?;
        let compare = |why: String| ActionError::rule(why, "Compare the token with the partner's.");
        let bytes = unhex(text)
            .ok_or_else(|| compare("a CCA token has 128 hex digits, in capitals".into()))?;
        let token = DesToken::parse(&bytes).map_err(|e| compare(e.to_string()))?;
        if token.wrapping() != Wrapping::Ecb {
            return Err(misfit(format!(
                "the token's key is wrapped by {}: WRAP-ECB alone is taken",
                token.wrapping()
            )));
        }
        if token.key_len() != template.form.bytes() {
            return Err(misfit(format!(
                "the token's key has {} bytes, the template {} has {}",
                token.key_len(),
                template.stamp(),
                template.form.bytes()
            )));
        }
        token
            .vector()
            .check_strictly(token.key_len())
            .map_err(|e| misfit(format!("{e}; the profile is {}", profile.stamp())))?;
        let kind = token
            .vector()
            .key_type()
            .map_or("unknown", |kind| kind.name);
        let taken = TYPES.iter().any(|(usage, mode, kinds)| {
            *usage == template.usage && *mode == template.mode_of_use && kinds.contains(&kind)
        });
        if !taken {
            return Err(misfit(format!(
                "the token's key type is {kind}, which is not of usage {} and mode {}",
                template.usage, template.mode_of_use
            )));
        }
        Ok(Self(token))
    }

    /// `CCA token, IPINENC`.
    pub(super) fn format(&self) -> String {
        let kind = self
            .0
            .vector()
            .key_type()
            .map_or("unknown", |kind| kind.name);
        format!("CCA token, {kind}")
    }

    /// TRUE where its maker lets the key leave again.
    pub(super) fn may_be_exported(&self) -> bool {
        self.0.vector().is_zero() || self.0.vector().may_be_exported()
    }

    /// The key, of the partner's check value and fit for use.
    pub(super) fn open(
        &self,
        wrapping: &Secret,
        claim: &Claim,
        profile: &BlockProfile,
        under: &str,
    ) -> Result<Secret, ActionError> {
        let key = self.0.open(wrapping).map_err(|_| no_key(under))?;
        claimed(key, claim, profile, under, || {
            let plain = self.0.open_as(wrapping, &ControlVector::ZERO).ok()?;
            let fits = claim.is_of(plain.expose()).unwrap_or(false);
            fits.then(|| "the key wrapped without its control vector (NOCV)".into())
        })
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let mut nibbles = Vec::with_capacity(128);
    for c in text.chars() {
        if nibbles.len() == 128 || !matches!(c, '0'..='9' | 'A'..='F') {
            return None;
        }
        nibbles.push(u8::try_from(c.to_digit(16)?).ok()?);
    }
    (nibbles.len() == 128).then(|| {
        nibbles
            .chunks_exact(2)
            .map(|pair| match pair {
                [high, low] => high << 4 | low,
                _ => 0,
            })
            .collect()
    })
}
