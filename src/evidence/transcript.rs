//! The transcript of a ceremony.

use serde::{Deserialize, Serialize};

use crate::authority::{AuthorityChain, CardSignature, CardState};
use crate::sign::{Tagged, open_signed, sha256, verify_p256};
use crate::{Bytes, EvidenceError, Hash, Id, Signature};

/// One step as it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranscriptLine {
    /// Number of the journal entry.
    pub seq: u64,
    /// Its hash.
    pub entry: Hash,
    /// Wall clock, milliseconds since 1970.
    pub wall_ms: u64,
    /// The step of the script.
    pub step: String,
    /// Who acted, by name.
    pub actors: Vec<String>,
    /// What was shown and said.
    pub words: Vec<String>,
    /// How it ended.
    pub result: String,
}

/// A ceremony as it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// The station.
    pub station: Id,
    /// Its name.
    pub station_name: String,
    /// Its incarnation.
    pub incarnation: Id,
    /// The ceremony.
    pub ceremony: Id,
    /// Its title.
    pub title: String,
    /// SHA-256 of the script.
    pub script_digest: Hash,
    /// The script's text.
    pub script: Bytes,
    /// The steps, in the order of the journal.
    pub lines: Vec<TranscriptLine>,
    /// SHA-256 of the printed minutes.
    pub minutes_sha256: Option<Hash>,
    /// Hash of the authority record in force.
    pub authority: Hash,
}

impl Tagged for Transcript {
    const TAG: &'static str = "conclave/transcript/1";
    const WHAT: &'static str = "transcript";
}

/// A transcript with the station's signature and those of people's cards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedTranscript {
    /// The tagged transcript.
    pub transcript: Bytes,
    /// By the station key.
    pub signature: Signature,
    /// By cards (slot 9C), over the same digest.
    pub cards: Vec<CardSignature>,
}

impl SignedTranscript {
    /// Checks all signatures, the script's digest and the order of the lines.
    ///
    /// # Errors
    /// [`EvidenceError`] with the first thing that does not fit.
    pub fn verify(&self, chain: &AuthorityChain) -> Result<Transcript, EvidenceError> {
        let broken = |reason: &str| EvidenceError::broken("transcript", reason);
        let said = Transcript::from_tagged(&self.transcript)?;
        let record = chain
            .by_hash(said.authority)
            .ok_or_else(|| broken("its authority record is not in the chain"))?;
        let transcript: Transcript =
            open_signed(&self.transcript, &record.station_key, &self.signature)?;
        if transcript.station != record.station
            || transcript.incarnation != record.incarnation
            || transcript.station_name != record.station_name
        {
            return Err(broken("it is another station's"));
        }
        if sha256(&transcript.script) != transcript.script_digest {
            return Err(broken("the script is not the one of its digest"));
        }
        if !transcript.lines.is_sorted_by(|a, b| a.seq < b.seq) {
            return Err(broken("its lines are out of order"));
        }
        let digest = sha256(&self.transcript);
        let mut seen = std::collections::BTreeSet::new();
        for signature in &self.cards {
            let card = record
                .card(signature.card)
                .filter(|c| c.state == CardState::Active && c.sign_key_9c == signature.key)
                .ok_or_else(|| broken("it is signed by a card that is not active here"))?;
            verify_p256(&card.sign_key_9c, &digest, &signature.signature).map_err(|_| {
                EvidenceError::Signature {
                    place: format!("transcript, signed by {}", card.person_name),
                }
            })?;
            if !seen.insert(card.card) {
                return Err(broken("one card signed twice"));
            }
        }
        Ok(transcript)
    }
}
