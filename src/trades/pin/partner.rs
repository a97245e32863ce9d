//! Issuers on record, with the certificate that signs their files and the one to which
//! files for them are encrypted.

use conclave_crypto::secret::Secret;
use conclave_crypto::x509::cms::{Facts, Recipient, Signer};
use conclave_evidence::{Bytes, GroupId, Hash, Id};
use conclave_keyroom::domain::certificate::EnrolledCertificate;
use conclave_keyroom::domain::pin_partner::{PinPartner, check_issuer};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::action::said;
use crate::ceremony::action::two_people;
use crate::ceremony::state::Player;
use crate::target::{certificate_words, enrolled, for_this, unfit};

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
    /// Why the issuer on record is barred, where it is: this lifts it.
    pub lifts: Option<String>,
}

/// As the record has it, if it holds now.
fn holding(
    facts: &Facts,
    der: &[u8],
    typed: &Hash,
    now_ms: u64,
) -> Result<EnrolledCertificate, ActionError> {
    let record = enrolled(facts, der, typed, "the issuer's letter")?;
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
            if known.id == self.id {
                self.lifts_knowingly(known)?;
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

impl RecordPinPartner {
    /// A bar is lifted by people who read why it was set, and by a new key alone: the
    /// one that signed is what was in other hands.
    fn lifts_knowingly(&self, known: &PinPartner) -> Result<(), ActionError> {
        let barred = known.barred.as_ref();
        if self.lifts.as_deref() != barred.map(|bar| bar.reason.as_str()) {
            return Err(ActionError::rule(
                "whether the issuer on record is barred, and why, is not what was signed",
                "Look at the issuers again.",
            ));
        }
        if barred.is_none() {
            return Ok(());
        }
        // Read as somebody with a key, whatever it is for.
        let before = Recipient::read(&known.signer.der.0).map_err(unfit)?;
        let now = Signer::read(&self.signer.0).map_err(unfit)?;
        match now.same_key(&before) {
            false => Ok(()),
            true => Err(ActionError::rule(
                format!("{} was barred with this signing key", known.issuer),
                "Ask the issuer for a certificate of a new key.",
            )),
        }
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
        if let Some(why) = &self.lifts {
            words.push(format!(
                "this lifts its bar, which was set because: {}",
                said(why)
            ));
        }
        words.extend(certificate_words(
            "signs its files",
            signer.as_ref().map(Signer::facts).ok(),
            &self.signer_fingerprint,
        ));
        words.extend(certificate_words(
            "files go to",
            recipient.as_ref().map(Recipient::facts).ok(),
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
        two_people(&self.by, "the fingerprints of a PIN partner are read")?;
        self.fits(&permit.list(Compartment::Directory, PinPartner::KIND)?)?;
        let signer = Signer::read(&self.signer.0).map_err(unfit)?;
        let recipient = Recipient::read(&self.recipient.0).map_err(unfit)?;
        for_this(signer.may_sign(), "signatures")?;
        for_this(recipient.may_receive(), "encryption")?;
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
            signer: holding(
                signer.facts(),
                signer.certificate(),
                &self.signer_fingerprint,
                now,
            )?,
            recipient: holding(
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
