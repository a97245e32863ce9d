//! The public authority record: which cards, which groups, which keys. Signed
//! by an administrators' quorum of the record before it.

mod chain;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cbor::{self, CborError};
use crate::ids::{Bytes, Hash, Id, Point, Signature};

pub use chain::{AuthorityChain, AuthorityError};

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
