//! The groups that people belong to.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A group of people. Its encoded name is kebab-case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupId {
    /// People, cards, devices, policy.
    Administrators,
    /// Keys, with the approvers.
    KeyManagers,
    /// The second quorum for keys.
    Approvers,
    /// Hold first components.
    CustodiansA,
    /// Hold second components.
    CustodiansB,
    /// Hold third components.
    CustodiansC,
    /// Read the journal.
    Auditors,
    /// Open everything after a loss.
    Recovery,
}

impl GroupId {
    /// All groups.
    pub const ALL: [Self; 8] = [
        Self::Administrators,
        Self::KeyManagers,
        Self::Approvers,
        Self::CustodiansA,
        Self::CustodiansB,
        Self::CustodiansC,
        Self::Auditors,
        Self::Recovery,
    ];

    /// The encoded name.
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
        }
    }

    /// TRUE for a group of custodians: it holds no secret of its own.
    #[must_use]
    pub fn is_custodian(self) -> bool {
        matches!(self, Self::CustodiansA | Self::CustodiansB | Self::CustodiansC)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Administrators => "administrators",
            Self::KeyManagers => "key managers",
            Self::Approvers => "approvers",
            Self::CustodiansA => "custodians A",
            Self::CustodiansB => "custodians B",
            Self::CustodiansC => "custodians C",
            Self::Auditors => "auditors",
            Self::Recovery => "recovery members",
        })
    }
}
