//! A key that is there, split into new parts that wait for their printer. The
//! key and what is in custody of it stay as they are until the new set is whole.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::part_set::{PartSet, SetState};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::super::state::KeyMade;
use super::generate::{Part, check_parts, waiting};

/// Splits a key into a new set of parts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SplitKey {
    /// Under this ceremony's mandate; the set is named by it.
    pub ceremony: Id,
    /// The key.
    pub key: Id,
    /// Its label, for the words.
    pub label: String,
    /// Any so many parts make the key; nothing for XOR components.
    pub quorum: Option<u8>,
    /// Who holds which part, in order.
    pub parts: Vec<Part>,
}

impl SplitKey {
    /// An RSA pair is split where it was made for it, and into components.
    fn check_rsa(&self, record: &KeyRecord) -> Result<(), ActionError> {
        if record.rsa.is_some() && !record.leaves_in_components() {
            return Err(ActionError::rule(
                format!(
                    "the private half of {} may not leave in printed components: it was not so \
                     decided when the pair was made",
                    record.label
                ),
                "Choose a symmetric key, or make a pair whose private half may.",
            ));
        }
        if record.rsa.is_some() && self.quorum.is_some() {
            return Err(ActionError::rule(
                format!(
                    "{} is an RSA key: it has components, and no shares",
                    record.label
                ),
                "Have it split into components.",
            ));
        }
        Ok(())
    }

    fn check(&self, permit: &Permit<'_>, record: &KeyRecord) -> Result<(), ActionError> {
        if !record.state.keeps_sheets() {
            return Err(ActionError::rule(
                format!("{} is {}", record.label, record.state.words()),
                "Only a key in use, or suspended, is split again.",
            ));
        }
        self.check_rsa(record)?;
        if let Some(coming) = record.others.iter().find(|s| s.state == SetState::Coming) {
            return Err(ActionError::rule(
                format!(
                    "another set of {} is on its way, in ceremony {}",
                    record.label, coming.ceremony
                ),
                "Resume that ceremony from the task list, and finish or end it.",
            ));
        }
        if !(2..=9).contains(&self.parts.len()) {
            return Err(ActionError::rule(
                format!("{} parts; a key has 2 to 9 (R2)", self.parts.len()),
                "Choose 2 to 9.",
            ));
        }
        check_parts(permit, &self.parts, self.quorum)?;
        for (index, part) in (1u8..).zip(&self.parts) {
            let backup = part.backup.as_ref().map(|b| (b.person, &b.name));
            for (person, name) in [(part.custodian, &part.name)].into_iter().chain(backup) {
                if record.held_other_part(person, index) {
                    return Err(ActionError::rule(
                        format!("{name} has held another part of this key (R4)"),
                        "Another custodian has to take it.",
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Action for SplitKey {
    const NAME: &'static str = "split-key";
    type Out = KeyMade;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let count = self.parts.len();
        let mut words = vec![match self.quorum {
            None => format!("Split {} into {count} new components", self.label),
            Some(m) => format!("Split {} into {count} shares, any {m} of them", self.label),
        }];
        for (at, part) in self.parts.iter().enumerate() {
            words.push(format!(
                "part {} of {count}: {}, {}",
                at + 1,
                part.name,
                super::backup::words(part.backup.as_ref())
            ));
        }
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<KeyMade, ActionError> {
        let mut record = super::key_record(permit, self.key)?;
        self.check(permit, &record)?;
        let stored: StoredKey = permit.get(Compartment::Keys, self.key)?;
        if stored.key != record.id || stored.form != record.form {
            return Err(ActionError::rule(
                format!("the stored value of {} is another key's", record.label),
                "Do not use this key before it is known why.",
            ));
        }
        let count = u8::try_from(self.parts.len()).unwrap_or(u8::MAX);
        let (provider, mark, random) = permit.provider();
        let checks = provider.split(&mark, &stored, self.ceremony, (count, self.quorum), random)?;
        record.others.push(PartSet {
            ceremony: self.ceremony,
            quorum: self.quorum,
            state: SetState::Coming,
            parts: waiting(&self.parts, &checks),
            since_ms: permit.now_ms(),
            destroyed: Vec::new(),
        });
        super::put_key(permit, &record)?;
        Ok(KeyMade {
            id: record.id,
            kcv: record.kcv,
        })
    }

    fn outcome(&self, out: &KeyMade) -> Vec<String> {
        vec![format!(
            "the key and its check value {} stay as they are",
            out.kcv.words()
        )]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::sealed_key;
    use conclave_evidence::{Bytes, Hash};
    use conclave_keyroom::domain::key::{KeySource, RsaFacts};

    #[test]
    fn an_rsa_pair_is_refused_by_name_unless_it_was_made_for_components() {
        let pair = |in_components| KeyRecord {
            label: "OUR.RSA.001".into(),
            rsa: Some(RsaFacts {
                bits: 2048,
                exponent: 65_537,
                spki: Bytes(Vec::new()),
                fingerprint: Hash([7; 32]),
                generation: 1,
                predecessor: None,
                in_components,
            }),
            ..sealed_key()
        };
        let split = |quorum| SplitKey {
            ceremony: Id([3; 16]),
            key: Id([1; 16]),
            label: "OUR.RSA.001".into(),
            quorum,
            parts: Vec::new(),
        };
        let told = |quorum, record: &KeyRecord| match split(quorum).check_rsa(record) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        };
        let stays = told(None, &pair(false));
        assert!(
            stays.contains("the private half of OUR.RSA.001 may not leave"),
            "{stays}"
        );
        let shares = told(Some(2), &pair(true));
        assert!(
            shares.contains("OUR.RSA.001 is an RSA key: it has components"),
            "{shares}"
        );
        let partners = KeyRecord {
            source: KeySource::Partner("BANK-LAKE".into()),
            ..pair(true)
        };
        assert!(told(None, &partners).contains("may not leave"));
        assert_eq!(told(None, &pair(true)), "");
        assert_eq!(told(Some(2), &sealed_key()), "");
    }
}
