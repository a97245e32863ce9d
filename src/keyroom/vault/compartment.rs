//! The vault's compartments, and which groups open and write them.

use std::fmt;

use conclave_evidence::GroupId;
use conclave_evidence::authority::AuthorityRecord;
use serde::{Deserialize, Serialize};

/// A part of the vault with a data key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compartment {
    /// The station's signing key, which signs the journal's heads.
    Station,
    /// People, roles, policy, devices.
    Directory,
    /// The station CA's key, PUKs, enrolment.
    Administration,
    /// One management key a card. Misuse is denial of service only: a card is
    /// its pinned keys.
    Cardkeys,
    /// Key metadata, custody, tasks, ceremony records.
    Catalogue,
    /// Key values, opaque to the vault.
    Keys,
    /// The bundle signing key and the sequence number.
    Export,
    /// The private key that opens journal entries.
    Journal,
    /// The PIN room: batches, cards, stock, and the keys it opens keys with.
    /// Only on a station that has the PIN room's two groups.
    Pins,
}

/// The groups whose secrets together form one key-encryption key, in order.
pub type Openers = &'static [GroupId];

use GroupId::{
    Administrators, Approvers, Auditors, KeyManagers, PinOperators, PinSupervisors, Recovery,
};

const EVERY_GROUP: &[Openers] = &[
    &[Administrators],
    &[KeyManagers],
    &[Approvers],
    &[Auditors],
    &[Recovery],
    PIN_ROOM,
];
const PIN_ROOM: Openers = &[PinOperators, PinSupervisors];
const PINS: &[Openers] = &[PIN_ROOM, &[Recovery]];
const ADMINISTRATION: &[Openers] = &[&[Administrators], &[Recovery]];
const CATALOGUE: &[Openers] = EVERY_GROUP;
const BOTH: &[Openers] = &[&[KeyManagers, Approvers], &[Recovery]];
const JOURNAL: &[Openers] = &[&[Auditors], &[Administrators], &[Recovery]];

fn known(sets: &'static [Openers], record: &AuthorityRecord) -> impl Iterator<Item = Openers> {
    sets.iter()
        .copied()
        .filter(|set| set.iter().all(|group| record.group(*group).is_some()))
}

impl Compartment {
    /// All of them, in the order in which they open.
    pub const ALL: [Compartment; 9] = [
        Self::Station,
        Self::Directory,
        Self::Administration,
        Self::Cardkeys,
        Self::Catalogue,
        Self::Keys,
        Self::Export,
        Self::Journal,
        Self::Pins,
    ];

    /// TRUE for a compartment that a station without a PIN room does not have.
    #[must_use]
    pub fn is_optional(self) -> bool {
        matches!(self, Self::Pins)
    }

    /// TRUE when the station of this record has it, or cannot be without it.
    #[must_use]
    pub fn is_of(self, record: &AuthorityRecord) -> bool {
        !self.is_optional() || record.writer(self.name()).is_some()
    }

    /// The compartments of the station of this record, in the order in which
    /// they open.
    pub fn of(record: &AuthorityRecord) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|one| one.is_of(record))
    }

    /// The sets of groups that open it, of those groups that this record has.
    pub fn readers_of(self, record: &AuthorityRecord) -> impl Iterator<Item = Openers> {
        known(self.readers(), record)
    }

    /// The sets of groups that may write it, of those groups that this record
    /// has.
    pub fn writers_of(self, record: &AuthorityRecord) -> impl Iterator<Item = Openers> {
        known(self.writers(), record)
    }

    /// Every set of groups that opens this compartment for reading; a station
    /// may be without some of them.
    #[must_use]
    pub fn readers(self) -> &'static [Openers] {
        match self {
            Self::Station | Self::Directory | Self::Cardkeys => EVERY_GROUP,
            Self::Administration => ADMINISTRATION,
            Self::Catalogue => CATALOGUE,
            Self::Keys | Self::Export => BOTH,
            Self::Journal => JOURNAL,
            Self::Pins => PINS,
        }
    }

    /// Every set of groups that may write it: reading does not give writing.
    #[must_use]
    pub fn writers(self) -> &'static [Openers] {
        match self {
            Self::Station
            | Self::Directory
            | Self::Administration
            | Self::Cardkeys
            | Self::Journal => &[&[Administrators]],
            Self::Catalogue => &[&[KeyManagers], &[Approvers]],
            Self::Keys | Self::Export => &[&[KeyManagers, Approvers]],
            Self::Pins => &[PIN_ROOM],
        }
    }

    /// Its name in the store, in associated data and on screens.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Station => "station",
            Self::Directory => "directory",
            Self::Administration => "administration",
            Self::Cardkeys => "cardkeys",
            Self::Catalogue => "catalogue",
            Self::Keys => "keys",
            Self::Export => "export",
            Self::Journal => "journal",
            Self::Pins => "pins",
        }
    }
}

impl fmt::Display for Compartment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
