//! The public authority record: which cards, which groups, which keys. Signed
//! by an administrators' quorum of the record before it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cbor::{self, CborError};
use crate::ids::{Bytes, Hash, Id, Point, Signature};
use crate::sign::verify_p256;

/// The groups of a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupId {
    /// Security administrators: enrol, policy, devices.
    Administrators,
    /// Key managers: request, run ceremonies, export.
    KeyManagers,
    /// Approvers, also called security officers.
    Approvers,
    /// Custodians of component group A.
    CustodiansA,
    /// Custodians of component group B.
    CustodiansB,
    /// Custodians of component group C.
    CustodiansC,
    /// Auditors: read, verify, sign minutes.
    Auditors,
    /// Recovery holders.
    Recovery,
    /// PIN operators: print PIN mailers, with supervisors beside them.
    PinOperators,
    /// PIN supervisors: open nothing without operators.
    PinSupervisors,
}

impl GroupId {
    /// All of them.
    pub const ALL: [GroupId; 10] = [
        Self::Administrators,
        Self::KeyManagers,
        Self::Approvers,
        Self::CustodiansA,
        Self::CustodiansB,
        Self::CustodiansC,
        Self::Auditors,
        Self::Recovery,
        Self::PinOperators,
        Self::PinSupervisors,
    ];

    /// The two groups of the PIN room: a station has both or neither.
    pub const PIN_ROOM: [GroupId; 2] = [Self::PinOperators, Self::PinSupervisors];

    /// A custodian group: it holds no secret and opens nothing.
    #[must_use]
    pub fn is_custodian(self) -> bool {
        matches!(
            self,
            Self::CustodiansA | Self::CustodiansB | Self::CustodiansC
        )
    }

    /// One of the two groups of the PIN room.
    #[must_use]
    pub fn is_pin_room(self) -> bool {
        Self::PIN_ROOM.contains(&self)
    }

    /// Its quorum alone opens a compartment.
    #[must_use]
    pub fn opens_alone(self) -> bool {
        !self.is_custodian() && !self.is_pin_room()
    }

    /// The groups that log on together with this one, itself among them: only
    /// the PIN room's two, which open nothing alone.
    #[must_use]
    pub fn together(self) -> &'static [GroupId] {
        match self {
            Self::Administrators => &[Self::Administrators],
            Self::KeyManagers => &[Self::KeyManagers],
            Self::Approvers => &[Self::Approvers],
            Self::CustodiansA => &[Self::CustodiansA],
            Self::CustodiansB => &[Self::CustodiansB],
            Self::CustodiansC => &[Self::CustodiansC],
            Self::Auditors => &[Self::Auditors],
            Self::Recovery => &[Self::Recovery],
            Self::PinOperators | Self::PinSupervisors => &Self::PIN_ROOM,
        }
    }

    /// Its name in files: `key-managers`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Administrators => "administrators",
            Self::KeyManagers => "key-managers",
            Self::Approvers => "approvers",
            Self::CustodiansA => "custodians-a",
            Self::CustodiansB => "custodians-b",
            Self::CustodiansC => "custodians-c",
            Self::Auditors => "auditors",
            Self::Recovery => "recovery",
            Self::PinOperators => "pin-operators",
            Self::PinSupervisors => "pin-supervisors",
        }
    }

    /// Its name for people: `Key managers`.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Administrators => "Administrators",
            Self::KeyManagers => "Key managers",
            Self::Approvers => "Approvers",
            Self::CustodiansA => "Custodians A",
            Self::CustodiansB => "Custodians B",
            Self::CustodiansC => "Custodians C",
            Self::Auditors => "Auditors",
            Self::Recovery => "Recovery",
            Self::PinOperators => "PIN operators",
            Self::PinSupervisors => "PIN supervisors",
        }
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// TEST or PRODUCTION, chosen once for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// Training cards and published test keys work.
    Test,
    /// The real thing.
    Production,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Test => "TEST",
            Self::Production => "PRODUCTION",
        })
    }
}

/// Whether a card may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardState {
    /// It may.
    Active,
    /// Not until a quorum reinstates it.
    Suspended,
    /// Never again.
    Revoked,
}

/// A card is its pinned keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardEntry {
    /// GUID of its CHUID.
    pub card: Id,
    /// Who holds it.
    pub person: Id,
    /// The name that screens use before anybody is logged on.
    pub person_name: String,
    /// Proves presence at logon; signs anchors.
    pub auth_key_9a: Point,
    /// Signs approvals, with a fresh PIN each time.
    pub sign_key_9c: Point,
    /// Opens shares.
    pub agree_key_9d: Point,
    /// Whether it may act.
    pub state: CardState,
    /// Salt of the recovery words from which its keys come, where they are in
    /// no card; left out for a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Hash>,
}

/// A group and its quorum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupEntry {
    /// Which.
    pub group: GroupId,
    /// How many must come.
    pub m: u8,
    /// Grows with each re-share.
    pub epoch: u32,
    /// FALSE for custodian groups.
    pub holds_secret: bool,
    /// Members, in order of their share numbers.
    pub members: Vec<MemberEntry>,
    /// HMAC that a combined secret must give.
    pub secret_check: Option<Hash>,
    /// Compartments' keys are wrapped to it; its private half comes from the
    /// secret. So a key can be made anew for a group that is not here.
    pub wrap_key: Option<Point>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberEntry {
    /// The card.
    pub card: Id,
    /// The person.
    pub person: Id,
    /// Share number, from 1.
    pub x: u8,
    /// What the share must match, where the group holds a secret.
    pub commitment: Option<Commitment>,
}

/// SHA-256(salt ‖ share).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    /// 32 random bytes.
    pub salt: Hash,
    /// The value.
    pub hash: Hash,
}

/// The public key that signs a compartment's root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriterEntry {
    /// The compartment's name.
    pub compartment: String,
    /// Its epoch.
    pub epoch: u32,
    /// The key.
    pub key: Point,
}

/// The record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityRecord {
    /// The station's random id.
    pub station: Id,
    /// Its name.
    pub station_name: String,
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// New after each restore.
    pub incarnation: Id,
    /// 0 for genesis.
    pub seq: u64,
    /// Digest of the record before; none for genesis.
    pub previous: Option<Hash>,
    /// All cards, revoked ones too.
    pub cards: Vec<CardEntry>,
    /// All groups.
    pub groups: Vec<GroupEntry>,
    /// All compartments' writer keys.
    pub writers: Vec<WriterEntry>,
    /// Signs heads and transcripts: proves that a quorum was here.
    pub station_key: Point,
    /// Signs bundles.
    pub export_key: Point,
    /// Journal entries are sealed to it.
    pub journal_key: Point,
    /// Wall clock, milliseconds since 1970.
    pub made_at_ms: u64,
}

impl AuthorityRecord {
    /// A card by its GUID.
    #[must_use]
    pub fn card(&self, card: Id) -> Option<&CardEntry> {
        self.cards.iter().find(|c| c.card == card)
    }

    /// A group.
    #[must_use]
    pub fn group(&self, group: GroupId) -> Option<&GroupEntry> {
        self.groups.iter().find(|g| g.group == group)
    }

    /// TRUE when the card is a member of the group.
    #[must_use]
    pub fn is_member(&self, group: GroupId, card: Id) -> bool {
        self.group(group)
            .is_some_and(|g| g.members.iter().any(|m| m.card == card))
    }

    /// The groups of a person.
    #[must_use]
    pub fn groups_of(&self, person: Id) -> Vec<GroupId> {
        self.groups
            .iter()
            .filter(|g| g.members.iter().any(|m| m.person == person))
            .map(|g| g.group)
            .collect()
    }

    /// A compartment's writer key.
    #[must_use]
    pub fn writer(&self, compartment: &str) -> Option<&WriterEntry> {
        self.writers.iter().find(|w| w.compartment == compartment)
    }

    /// The digest that administrators sign and approvals name.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn digest(&self) -> Result<Hash, CborError> {
        cbor::digest("conclave/authority/1", self)
    }
}

/// A signature by a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardSignature {
    /// The card.
    pub card: Id,
    /// r ‖ s, slot 9C.
    pub signature: Signature,
}

/// A record with its signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedAuthority {
    /// The record, deterministic CBOR.
    pub record: Bytes,
    /// Administrators' signatures over its digest.
    pub signatures: Vec<CardSignature>,
}

impl SignedAuthority {
    /// A record that nobody has signed yet.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn unsigned(record: &AuthorityRecord) -> Result<Self, CborError> {
        Ok(Self {
            record: cbor::to_vec(record)?.into(),
            signatures: Vec::new(),
        })
    }

    /// The record.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn open(&self) -> Result<AuthorityRecord, CborError> {
        cbor::exact(&self.record)
    }

    /// What the signatures are over.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn digest(&self) -> Result<Hash, CborError> {
        self.open()?.digest()
    }
}

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
