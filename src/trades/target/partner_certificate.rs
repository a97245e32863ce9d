//! A partner's certificate: it comes on an enrolled medium, and is the partner's
//! because two people typed its fingerprint from a letter. Who issued it is shown and
//! proves nothing here.

use conclave_crypto::primitive::rsa::FILE_MOST;
use conclave_crypto::secret::Secret;
use conclave_crypto::x509::cms::{CmsError, Facts, Recipient};
use conclave_evidence::show::{hex, utc};
use conclave_evidence::{Bytes, GroupId, Hash, Id};
use conclave_keyroom::domain::certificate::EnrolledCertificate;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use crate::media::{IMPORT_FOLDER, import_file};

/// Reads a certificate from the import folder of a medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadPartnerCertificate {
    /// The medium's record.
    pub medium: Id,
    /// The file's name.
    pub file: String,
}

/// A certificate that cannot be taken, as the door knows it.
pub(crate) fn unfit(error: CmsError) -> ActionError {
    ActionError::rule(
        error.to_string(),
        "Ask its owner for another certificate: RSA of 2048, 3072 or 4096 bits, or P-256.",
    )
}

impl Action for ReadPartnerCertificate {
    const NAME: &'static str = "read-partner-certificate";
    type Out = Bytes;

    fn authority(&self) -> Authority {
        Authority::Session(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![format!(
            "read the certificate {IMPORT_FOLDER}/{}",
            self.file
        )]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<Bytes, ActionError> {
        let place = (self.medium, self.file.as_str());
        let file = import_file(permit, ports, place, FILE_MOST, "the certificate")?;
        let read = Recipient::read(&file).map_err(unfit)?;
        Ok(Bytes(read.certificate().to_vec()))
    }

    fn outcome(&self, out: &Bytes) -> Vec<String> {
        vec![format!("a certificate of {} bytes", out.0.len())]
    }
}

/// What signers read of a certificate, from its bytes.
pub(crate) fn certificate_words(
    what: &str,
    certificate: Option<&Facts>,
    fingerprint: &Hash,
) -> Vec<String> {
    let mut words = match certificate {
        Some(facts) => vec![
            format!("{what}: {}, {}", facts.subject, facts.key),
            format!("issued by {}: nobody checks that", facts.issuer),
            format!("serial number {}", facts.serial),
            format!("until {}", utc(until_ms(facts))),
        ],
        None => vec![format!("{what}: NO CERTIFICATE THAT IS TAKEN")],
    };
    words.push(format!("SHA-256 {}", hex(&fingerprint.0)));
    words
}

fn until_ms(facts: &Facts) -> u64 {
    facts.not_after.saturating_mul(1000).saturating_add(999)
}

/// The certificate as it goes on record.
///
/// # Errors
/// [`ActionError::Rule`] where the fingerprint is not the one that was typed from
/// this letter.
pub(crate) fn enrolled(
    facts: &Facts,
    der: &[u8],
    typed: &Hash,
    letter: &str,
) -> Result<EnrolledCertificate, ActionError> {
    if facts.fingerprint != typed.0 {
        return Err(ActionError::rule(
            format!("the file has another fingerprint than {letter}"),
            "Ask its owner, by another way than the one the file came.",
        ));
    }
    Ok(EnrolledCertificate {
        der: Bytes(der.to_vec()),
        fingerprint: *typed,
        subject: facts.subject.clone(),
        key: facts.key.clone(),
        from_ms: facts.not_before.saturating_mul(1000),
        until_ms: until_ms(facts),
    })
}

/// A certificate that says that its key is not for this, is not taken (RFC 5280
/// 4.2.1.3).
///
/// # Errors
/// [`ActionError::Rule`]
pub(crate) fn for_this(may: bool, what: &str) -> Result<(), ActionError> {
    if may {
        return Ok(());
    }
    Err(ActionError::rule(
        format!("a certificate says that its key is not for {what}"),
        "Ask its owner for a certificate for this use.",
    ))
}
