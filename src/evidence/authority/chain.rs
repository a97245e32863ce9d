//! The records of a station, one behind the other: each is judged by the people of
//! the one before it.

use std::collections::BTreeSet;

use super::{AuthorityRecord, CardState, GroupId, SignedAuthority};
use crate::ids::{Hash, Id};
use crate::sign::verify_p256;

/// Why a chain of records does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// There is no record at all.
    #[error("there is no authority record")]
    Empty,
    /// A record is not of its form.
    #[error("authority record {seq}: {why}")]
    Malformed {
        /// Which.
        seq: u64,
        /// What is wrong.
        why: String,
    },
    /// It does not continue the one before.
    #[error("authority record {seq} does not continue the one before it")]
    Broken {
        /// Which.
        seq: u64,
    },
    /// Too few administrators signed it.
    #[error("authority record {seq}: {have} of {need} administrators' signatures")]
    TooFew {
        /// Which.
        seq: u64,
        /// Valid signatures of distinct administrators.
        have: usize,
        /// Needed.
        need: usize,
    },
    /// A signature is wrong.
    #[error("authority record {seq}: the signature of card {card} is wrong")]
    Signature {
        /// Which.
        seq: u64,
        /// Whose.
        card: Id,
    },
}

/// A chain of records that was verified from genesis on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityChain {
    records: Vec<(Hash, AuthorityRecord)>,
}

impl AuthorityChain {
    /// Verifies a chain.
    ///
    /// Genesis is signed by a quorum of the administrators it names, each next
    /// record by a quorum of the administrators of the one before. One
    /// administrator alone may only suspend or revoke cards: that binds at
    /// once.
    ///
    /// # Errors
    /// [`AuthorityError`], naming the record.
    pub fn verify(chain: &[SignedAuthority]) -> Result<Self, AuthorityError> {
        let mut records: Vec<(Hash, AuthorityRecord)> = Vec::new();
        for (seq, signed) in (0u64..).zip(chain) {
            let malformed = |why: String| AuthorityError::Malformed { seq, why };
            let record = signed.open().map_err(|e| malformed(e.to_string()))?;
            let digest = record.digest().map_err(|e| malformed(e.to_string()))?;
            check_shape(&record).map_err(malformed)?;
            let previous = records.last();
            let continues = record.seq == seq
                && record.previous == previous.map(|(hash, _)| *hash)
                && previous.is_none_or(|(_, before)| {
                    before.station == record.station && before.mode == record.mode
                });
            if !continues {
                return Err(AuthorityError::Broken { seq });
            }
            let judge = previous.map_or(&record, |(_, before)| before);
            check_signatures(seq, judge, previous.is_some(), &record, &digest, signed)?;
            records.push((digest, record));
        }
        if records.is_empty() {
            return Err(AuthorityError::Empty);
        }
        Ok(Self { records })
    }

    /// The newest record.
    #[must_use]
    pub fn latest(&self) -> &AuthorityRecord {
        // `verify` refuses an empty chain.
        &self.records[self.records.len() - 1].1
    }

    /// The newest record's digest.
    #[must_use]
    pub fn latest_hash(&self) -> Hash {
        self.records[self.records.len() - 1].0
    }

    /// The record of this digest.
    #[must_use]
    pub fn by_hash(&self, hash: &Hash) -> Option<&AuthorityRecord> {
        self.records
            .iter()
            .find(|(digest, _)| digest == hash)
            .map(|(_, record)| record)
    }

    /// All records, with their digests, from genesis on.
    #[must_use]
    pub fn records(&self) -> &[(Hash, AuthorityRecord)] {
        &self.records
    }
}

fn check_shape(record: &AuthorityRecord) -> Result<(), String> {
    let mut cards = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for card in &record.cards {
        if !cards.insert(card.card) {
            return Err(format!("card {} stands twice", card.card));
        }
        for key in [card.auth_key_9a, card.sign_key_9c, card.agree_key_9d] {
            if !keys.insert(key) {
                return Err(format!("card {} shares a key with another", card.card));
            }
        }
    }
    let mut groups = BTreeSet::new();
    for group in &record.groups {
        if !groups.insert(group.group) {
            return Err(format!("group {} stands twice", group.group));
        }
        let mut people = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        for member in &group.members {
            let known = record
                .card(member.card)
                .is_some_and(|c| c.person == member.person);
            // Words stand for a recovery member, and for nobody else.
            let worded = record.card(member.card).is_some_and(|c| c.words.is_some());
            if worded && group.group != GroupId::Recovery {
                return Err(format!(
                    "group {} has a member with recovery words in place of a card",
                    group.group
                ));
            }
            if !known || !people.insert(member.person) || !numbers.insert(member.x) || member.x == 0
            {
                return Err(format!(
                    "group {} has a member that does not fit",
                    group.group
                ));
            }
        }
        if group.m == 0 || usize::from(group.m) > group.members.len() {
            return Err(format!("group {} has an impossible quorum", group.group));
        }
    }
    check_pin_room(record)
}

/// Both groups of the PIN room or neither, and nobody in both: a group of one
/// is safe only where the other half of its pair is somebody else.
fn check_pin_room(record: &AuthorityRecord) -> Result<(), String> {
    let [operators, supervisors] = GroupId::PIN_ROOM.map(|group| record.group(group));
    let (Some(operators), Some(supervisors)) = (operators, supervisors) else {
        return match operators.or(supervisors) {
            Some(alone) => Err(format!(
                "group {} stands without its other half",
                alone.group
            )),
            None => Ok(()),
        };
    };
    let both = operators
        .members
        .iter()
        .any(|one| supervisors.members.iter().any(|m| m.person == one.person));
    if both {
        return Err("a person is PIN operator and PIN supervisor".into());
    }
    Ok(())
}

fn check_signatures(
    seq: u64,
    judge: &AuthorityRecord,
    has_previous: bool,
    record: &AuthorityRecord,
    digest: &Hash,
    signed: &SignedAuthority,
) -> Result<(), AuthorityError> {
    let mut people = BTreeSet::new();
    for signature in &signed.signatures {
        let wrong = AuthorityError::Signature {
            seq,
            card: signature.card,
        };
        let Some(card) = judge.card(signature.card).filter(|c| {
            c.state == CardState::Active && judge.is_member(GroupId::Administrators, c.card)
        }) else {
            return Err(wrong);
        };
        verify_p256(&card.sign_key_9c, digest, &signature.signature).map_err(|_| wrong)?;
        people.insert(card.person);
    }
    let need = judge
        .group(GroupId::Administrators)
        .map_or(usize::MAX, |g| usize::from(g.m));
    let have = people.len();
    if have >= need || (have == 1 && has_previous && only_bars_cards(judge, record)) {
        Ok(())
    } else {
        Err(AuthorityError::TooFew { seq, have, need })
    }
}

/// The new record differs from the old one in nothing but cards that were
/// active and are not any more.
fn only_bars_cards(before: &AuthorityRecord, after: &AuthorityRecord) -> bool {
    if before.cards.len() != after.cards.len() {
        return false;
    }
    let mut restored = after.clone();
    for (new, old) in restored.cards.iter_mut().zip(&before.cards) {
        let bars = old.state == CardState::Active && new.state != CardState::Active;
        let revokes = old.state == CardState::Suspended && new.state == CardState::Revoked;
        if bars || revokes {
            new.state = old.state;
        }
    }
    restored.seq = before.seq;
    restored.previous = before.previous;
    restored.made_at_ms = before.made_at_ms;
    restored == *before
}
