//! Issuers on record: their certificates come on an enrolled medium, and are
//! theirs because two people typed the fingerprints from the issuer's letter.
//! Who issued a certificate is shown and proves nothing here.

use conclave_crypto::primitive::rsa::FILE_MOST;
use conclave_crypto::secret::Secret;
use conclave_crypto::x509::cms::{CmsError, Facts, Recipient, Signer};
use conclave_evidence::{Bytes, GroupId, Hash, Id};
use conclave_keyroom::domain::pin_partner::{PartnerCertificate, PinPartner, check_issuer};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use crate::ceremony::action::two_people;
use crate::ceremony::state::Player;
use crate::keys::fingerprint_hex;
use crate::media::import_file;
use crate::target::IMPORT_FOLDER;

/// Reads a certificate from the import folder of a medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadPartnerCertificate {
    /// The medium's record.
    pub medium: Id,
    /// The file's name.
    pub file: String,
}

fn unfit(error: CmsError) -> ActionError {
    ActionError::rule(
        error.to_string(),
        "Ask the issuer for another certificate: RSA of 2048 to 4096 bits, or P-256.",
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

/// Records an issuer, or new certificates of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordPinPartner {
    /// Random for a new one; the record's for a change.
    pub id: Id,
    /// Its name, as the header of its files has it.
    pub issuer: String,
    /// The certificate that signs its files, DER.
    pub signer: Bytes,
    /// Its SHA-256, as two typed it.
    pub signer_fingerprint: Hash,
    /// The certificate to which files are encrypted, DER.
    pub recipient: Bytes,
    /// Its SHA-256, as two typed it.
    pub recipient_fingerprint: Hash,
    /// Who typed them, each with an own card.
    pub by: Vec<Player>,
}

fn words_of(what: &str, certificate: Result<&Facts, ()>, fingerprint: &Hash) -> Vec<String> {
    let mut words = match certificate {
        Ok(facts) => vec![
            format!("{what}: {}, {}", facts.subject, facts.key),
            format!("issued by {}: nobody checks that", facts.issuer),
        ],
        Err(()) => vec![format!("{what}: NO CERTIFICATE THAT IS TAKEN")],
    };
    words.push(format!("SHA-256 {}", fingerprint_hex(fingerprint)));
    words
}

fn record_of(
    facts: &Facts,
    der: &[u8],
    typed: &Hash,
    now_ms: u64,
) -> Result<PartnerCertificate, ActionError> {
    if facts.fingerprint != typed.0 {
        return Err(ActionError::rule(
            "the file has another fingerprint than the issuer's letter",
            "Ask the issuer, by another way than the one the file came.",
        ));
    }
    let record = PartnerCertificate {
        der: Bytes(der.to_vec()),
        fingerprint: *typed,
        subject: facts.subject.clone(),
        key: facts.key.clone(),
        from_ms: facts.not_before.saturating_mul(1000),
        until_ms: facts.not_after.saturating_mul(1000).saturating_add(999),
    };
    if record.holds(now_ms) {
        Ok(record)
    } else {
        Err(ActionError::rule(
            format!("the certificate {} does not hold now", record.subject),
            "Ask the issuer for one that does, or look at the station's clock.",
        ))
    }
}

impl RecordPinPartner {
    /// What stands in the way among the issuers on record.
    fn fits(&self, known: &[(Id, PinPartner)]) -> Result<(), ActionError> {
        for (_, known) in known {
            if known.id == self.id && known.issuer != self.issuer {
                return Err(ActionError::rule(
                    format!("this record is {}'s", known.issuer),
                    "Record a new issuer under its own name.",
                ));
            }
            if known.id != self.id && known.issuer.eq_ignore_ascii_case(&self.issuer) {
                return Err(ActionError::rule(
                    format!("{} is on record already", known.issuer),
                    "Change its record.",
                ));
            }
        }
        Ok(())
    }
}

impl Action for RecordPinPartner {
    const NAME: &'static str = "record-pin-partner";
    type Out = PinPartner;

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        let by: Vec<&str> = self.by.iter().map(|p| p.name.as_str()).collect();
        let signer = Signer::read(&self.signer.0);
        let recipient = Recipient::read(&self.recipient.0);
        let mut words = vec![format!("Record the issuer {} of PIN batches", self.issuer)];
        words.extend(words_of(
            "signs its files",
            signer.as_ref().map(Signer::facts).map_err(|_| ()),
            &self.signer_fingerprint,
        ));
        words.extend(words_of(
            "files go to",
            recipient.as_ref().map(Recipient::facts).map_err(|_| ()),
            &self.recipient_fingerprint,
        ));
        words.push(format!(
            "fingerprints typed from the issuer's letter by {}",
            by.join(" and ")
        ));
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<PinPartner, ActionError> {
        check_issuer(&self.issuer)
            .map_err(|why| ActionError::rule(why, "Write the name again."))?;
        two_people(&self.by)?;
        self.fits(&permit.list(Compartment::Directory, PinPartner::KIND)?)?;
        let signer = Signer::read(&self.signer.0).map_err(unfit)?;
        let recipient = Recipient::read(&self.recipient.0).map_err(unfit)?;
        for (may, what) in [
            (signer.may_sign(), "signatures"),
            (recipient.may_receive(), "encryption"),
        ] {
            if !may {
                return Err(ActionError::rule(
                    format!("a certificate says that its key is not for {what}"),
                    "Ask the issuer for a certificate for this use.",
                ));
            }
        }
        if signer.same_key(&recipient) {
            return Err(ActionError::rule(
                "one key would sign and be encrypted to",
                "Ask the issuer for two: a key does one thing.",
            ));
        }
        let now = permit.now_ms();
        let record = PinPartner {
            id: self.id,
            issuer: self.issuer.clone(),
            signer: record_of(
                signer.facts(),
                signer.certificate(),
                &self.signer_fingerprint,
                now,
            )?,
            recipient: record_of(
                recipient.facts(),
                recipient.certificate(),
                &self.recipient_fingerprint,
                now,
            )?,
            recorded_ms: now,
            by: self.by.iter().map(|p| p.name.clone()).collect(),
            barred: None,
        };
        permit.put(Compartment::Directory, PinPartner::KIND, self.id, &record)?;
        Ok(record)
    }

    fn outcome(&self, out: &PinPartner) -> Vec<String> {
        vec![format!("{} is on record", out.issuer)]
    }
}
