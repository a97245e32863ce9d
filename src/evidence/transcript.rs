//! The transcript of a ceremony: its script, what was done, and who signed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::authority::{AuthorityChain, AuthorityRecord, CardSignature, CardState, Mode};
use crate::cbor::{self, CborError};
use crate::error::EvidenceError;
use crate::ids::{Bytes, Hash, Id, Signature};
use crate::journal::EntryKind;
use crate::sign::verify_p256;
use crate::tagged;

const TAG: &str = "conclave/transcript/1";
const FILE_TAG: &str = "conclave/signed-transcript/1";

/// One step as it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptLine {
    /// Number of its journal entry.
    pub seq: u64,
    /// That entry's hash.
    pub entry: Hash,
    /// Wall clock, milliseconds since 1970.
    pub wall_ms: u64,
    /// The step of the script.
    pub step: String,
    /// Who acted.
    pub actors: Vec<String>,
    /// What was shown.
    pub words: String,
    /// How it ended.
    pub result: String,
}

/// A ceremony as it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// The station.
    pub station: Id,
    /// Its name.
    pub station_name: String,
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// Its incarnation.
    pub incarnation: Id,
    /// The ceremony.
    pub ceremony: Id,
    /// Its title.
    pub title: String,
    /// SHA-256 of the script's text.
    pub script_digest: Hash,
    /// The script's text.
    pub script: String,
    /// The steps, in the order of the journal.
    pub lines: Vec<TranscriptLine>,
    /// SHA-256 of the minutes as printed.
    pub minutes_sha256: Option<Hash>,
    /// Digest of the authority record in force.
    pub authority: Hash,
}

/// The action that closes a ceremony, signed by people's cards.
const CLOSE: &str = "close-ceremony";

impl Transcript {
    /// The line with the close, which is done where it was let through alone: people
    /// signed it with their cards. None where the ceremony ended otherwise.
    #[must_use]
    pub fn closed(&self) -> Option<&TranscriptLine> {
        let outcome = EntryKind::Outcome.name();
        let closes = |line: &&TranscriptLine| line.step == CLOSE && line.result == outcome;
        self.lines.iter().rev().find(closes)
    }
}

/// A transcript with the station's signature and those of people's cards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedTranscript {
    /// The tagged transcript, deterministic CBOR.
    pub transcript: Bytes,
    /// By the station key, over its SHA-256: a quorum was here.
    pub signature: Signature,
    /// By cards (slot 9C), over the same digest: who.
    pub cards: Vec<CardSignature>,
}

impl SignedTranscript {
    /// Signs a transcript with the station key. Cards sign [`Self::digest`]
    /// and their signatures are added to `cards`.
    ///
    /// # Errors
    /// What `signer` answers.
    pub fn sign<E: From<CborError>>(
        transcript: &Transcript,
        signer: impl FnOnce(&Hash) -> Result<Signature, E>,
    ) -> Result<Self, E> {
        let bytes = tagged::to_vec(TAG, transcript)?;
        let signature = signer(&tagged::sha256(&bytes))?;
        Ok(Self {
            transcript: bytes.into(),
            signature,
            cards: Vec::new(),
        })
    }

    /// What all signatures are over.
    #[must_use]
    pub fn digest(&self) -> Hash {
        tagged::sha256(&self.transcript)
    }

    /// The transcript, with nothing verified but its form.
    ///
    /// # Errors
    /// [`EvidenceError::Form`], [`EvidenceError::Tag`]
    pub fn open(&self) -> Result<Transcript, EvidenceError> {
        tagged::from_slice("transcript", TAG, &self.transcript)
    }

    /// Verifies station, signatures, the script's digest, and the order of
    /// the lines.
    ///
    /// # Errors
    /// [`EvidenceError`] with the first thing that does not fit.
    pub fn verify(&self, chain: &AuthorityChain) -> Result<Transcript, EvidenceError> {
        let broken = |reason: &str| EvidenceError::broken("transcript", reason);
        let transcript = self.open()?;
        let record = chain
            .by_hash(&transcript.authority)
            .ok_or_else(|| broken("its authority record is not in the chain"))?;
        self.check_signatures(record)?;
        if transcript.station != record.station
            || transcript.station_name != record.station_name
            || transcript.incarnation != record.incarnation
            || transcript.mode != record.mode
        {
            return Err(broken("it is another station's"));
        }
        if tagged::sha256(transcript.script.as_bytes()) != transcript.script_digest {
            return Err(broken("its script is not the one of its digest"));
        }
        if !transcript.lines.is_sorted_by(|a, b| a.seq < b.seq) {
            return Err(broken("its lines are out of order"));
        }
        Ok(transcript)
    }

    fn check_signatures(&self, record: &AuthorityRecord) -> Result<(), EvidenceError> {
        let digest = self.digest();
        let wrong = |whose: &str| EvidenceError::Signature {
            place: format!("transcript, by {whose}"),
        };
        verify_p256(&record.station_key, &digest, &self.signature)
            .map_err(|_| wrong("the station key"))?;
        let mut people = BTreeSet::new();
        for signature in &self.cards {
            let place = || format!("transcript, by card {}", signature.card);
            let card = record
                .card(signature.card)
                .filter(|c| c.state == CardState::Active)
                .ok_or_else(|| EvidenceError::broken(place(), "the card was not active"))?;
            verify_p256(&card.sign_key_9c, &digest, &signature.signature)
                .map_err(|_| wrong(&format!("card {}", signature.card)))?;
            if !people.insert(card.person) {
                return Err(EvidenceError::broken(place(), "one person signs twice"));
            }
        }
        Ok(())
    }

    /// The content of `transcript.cbor`.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn to_file(&self) -> Result<Vec<u8>, CborError> {
        tagged::to_vec(FILE_TAG, self)
    }

    /// Reads `transcript.cbor`.
    ///
    /// # Errors
    /// [`EvidenceError::Form`], [`EvidenceError::Tag`]
    pub fn from_file(bytes: &[u8]) -> Result<Self, EvidenceError> {
        tagged::from_slice("transcript", FILE_TAG, bytes)
    }

    /// TRUE when a file is marked as a signed transcript.
    #[must_use]
    pub fn is_file(bytes: &[u8]) -> bool {
        cbor::tag_of(bytes) == Some(FILE_TAG)
    }
}
