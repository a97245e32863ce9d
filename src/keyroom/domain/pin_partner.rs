//! An issuer that sends files of cards and gets back what belongs to their
//! PINs: the certificate that signs what it sends, and the one to which its
//! files are encrypted.

use conclave_evidence::Id;
use serde::{Deserialize, Serialize};

use super::certificate::EnrolledCertificate;
use super::pin_key::Withdrawn;

/// The longest name of an issuer, in characters.
pub const ISSUER_MOST: usize = 20;

/// The name of an issuer.
///
/// # Errors
/// Why not, in words.
pub fn check_issuer(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || " .-_".contains(c);
    if name.trim() == name && (1..=ISSUER_MOST).contains(&name.len()) && name.chars().all(plain) {
        Ok(())
    } else {
        Err(format!(
            "an issuer has 1 to {ISSUER_MOST} letters, digits, spaces and .-_"
        ))
    }
}

/// An issuer on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinPartner {
    /// Random.
    pub id: Id,
    /// Its name, as the header of its files has it.
    pub issuer: String,
    /// Signs what it sends.
    pub signer: EnrolledCertificate,
    /// What it gets is encrypted to.
    pub recipient: EnrolledCertificate,
    /// When it was recorded, or changed, wall clock.
    pub recorded_ms: u64,
    /// Who typed the fingerprints, by name.
    pub by: Vec<String>,
    /// Set when it was barred: nothing comes from it and nothing goes to it.
    /// Recording a certificate of another signing key lifts that.
    #[serde(default)]
    pub barred: Option<Withdrawn>,
}

impl PinPartner {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "pin-partner";

    /// Why no new batch of this issuer is opened, if there is a reason. What
    /// was opened before goes on: a certificate's end destroys nothing.
    #[must_use]
    pub fn refuses(&self, now_ms: u64) -> Option<String> {
        if self.barred.is_some() {
            return Some(format!("{} is barred", self.issuer));
        }
        let each = [
            (&self.signer, "that signs the files"),
            (&self.recipient, "that files are encrypted to"),
        ];
        each.into_iter()
            .find(|(certificate, _)| !certificate.holds(now_ms))
            .map(|(certificate, what)| {
                let past = now_ms > certificate.until_ms;
                let how = if past {
                    "has expired"
                } else {
                    "does not hold yet"
                };
                format!("the certificate of {} {what} {how}", self.issuer)
            })
    }
}

#[cfg(test)]
mod tests {
    use conclave_evidence::{Bytes, Hash};

    use super::*;

    #[test]
    fn a_certificate_that_ends_refuses_new_batches() {
        let certificate = |from_ms, until_ms| EnrolledCertificate {
            der: Bytes(Vec::new()),
            fingerprint: Hash([0; 32]),
            subject: String::new(),
            key: String::new(),
            from_ms,
            until_ms,
        };
        let partner = PinPartner {
            id: Id([1; 16]),
            issuer: "BANKX".into(),
            signer: certificate(10, 20),
            recipient: certificate(12, 18),
            recorded_ms: 0,
            by: Vec::new(),
            barred: None,
        };
        let said = |now| partner.refuses(now).unwrap_or_default();
        assert!(said(9).contains("signs the files does not hold yet"));
        assert!(said(11).contains("encrypted to does not hold yet"));
        assert_eq!(partner.refuses(12), None);
        assert_eq!(partner.refuses(18), None);
        assert!(said(19).contains("encrypted to has expired"));
        assert!(said(21).contains("signs the files has expired"));
    }
}
