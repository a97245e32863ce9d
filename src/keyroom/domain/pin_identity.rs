//! The PIN room's own key pairs for files: one to which issuers encrypt, one
//! that signs what goes back. A new pair of pairs takes over before the former
//! one's certificates end; the former still opens what was under way.

use conclave_evidence::{Bytes, Hash, Id};
use serde::{Deserialize, Serialize};

/// One generation. Its private keys are records of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinIdentity {
    /// Random; the ids of the private keys follow from it.
    pub id: Id,
    /// Counts up, from 1.
    pub generation: u32,
    /// The certificate to which issuers encrypt, DER, P-256, keyAgreement.
    pub input: Bytes,
    /// SHA-256 of it.
    pub input_fingerprint: Hash,
    /// The certificate that signs what goes back, DER, P-256, digitalSignature.
    pub output: Bytes,
    /// SHA-256 of it.
    pub output_fingerprint: Hash,
    /// When it was made, wall clock.
    pub made_ms: u64,
    /// Last millisecond of both certificates, wall clock.
    pub until_ms: u64,
}

impl PinIdentity {
    /// The record's kind among those of the PIN room.
    pub const KIND: &'static str = "pin-identity";
    /// The kind of the private key that opens input: 32 bytes.
    pub const INPUT_KEY: &'static str = "pin-input-key";
    /// The kind of the private key that signs output: 32 bytes.
    pub const OUTPUT_KEY: &'static str = "pin-output-key";

    /// The id of the private key that opens input: every byte XORed with 0A
    /// (hex).
    #[must_use]
    pub fn input_key(&self) -> Id {
        Id(self.id.0.map(|byte| byte ^ 0x0A))
    }

    /// The id of the private key that signs output: every byte XORed with 0B
    /// (hex).
    #[must_use]
    pub fn output_key(&self) -> Id {
        Id(self.id.0.map(|byte| byte ^ 0x0B))
    }

    /// The one that signs the output of a batch opened at `opened_ms`: the
    /// newest that its issuer could know then, while its certificate holds;
    /// after that the newest that holds. Wall clock, in milliseconds.
    #[must_use]
    pub fn for_output(all: &[Self], opened_ms: u64, now_ms: u64) -> Option<&Self> {
        let holds = || all.iter().filter(|one| one.until_ms >= now_ms);
        let then = holds().filter(|one| one.made_ms <= opened_ms);
        then.max_by_key(|one| one.generation)
            .or_else(|| holds().max_by_key(|one| one.generation))
    }

    /// The newest, if there is one.
    #[must_use]
    pub fn newest(all: &[Self]) -> Option<&Self> {
        all.iter().max_by_key(|one| one.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_signed_by_what_its_issuer_knew_while_that_holds() {
        let one = |generation, made_ms, until_ms| PinIdentity {
            id: Id([1; 16]),
            generation,
            input: Bytes(Vec::new()),
            input_fingerprint: Hash([0; 32]),
            output: Bytes(Vec::new()),
            output_fingerprint: Hash([0; 32]),
            made_ms,
            until_ms,
        };
        let all = [one(1, 10, 100), one(2, 50, 150), one(3, 90, 190)];
        for (opened, now, signs) in [
            (20, 60, Some(1)),
            (50, 95, Some(2)),
            // Its own has ended: the newest, which its issuer has meanwhile.
            (20, 101, Some(3)),
            (95, 190, Some(3)),
            (95, 191, None),
        ] {
            let found = PinIdentity::for_output(&all, opened, now);
            assert_eq!(found.map(|one| one.generation), signs, "{opened} {now}");
        }
    }
}
