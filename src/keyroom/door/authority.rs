//! Who must stand behind an action.

use std::collections::BTreeSet;

use conclave_evidence::approval::{Expected, SignedApproval};
use conclave_evidence::authority::{AuthorityRecord, CardState};
use conclave_evidence::{GroupId, Hash, Id};

use super::proposal::Proposal;

/// What an action needs before the door lets it through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// An empty repository only.
    Birth,
    /// Always, also while nobody is logged on: logon, and what goes wrong with
    /// it.
    Locked,
    /// The group is logged on.
    Session(GroupId),
    /// Fresh signatures (slot 9C, PIN each time) of the group's quorum.
    Quorum(GroupId),
    /// A fresh signature of this person, as a member of this group.
    Person(Id, GroupId),
    /// An open mandate of this ceremony.
    Mandate(Id),
    /// None of these people signs: the act is about what was in their hands.
    NotBy(Vec<Id>),
    /// Of the PIN room nobody but those who hold this batch's run: whoever opened the
    /// batch, or took it over last.
    Holders(Id),
    /// All of these; nobody counts twice.
    All(Vec<Authority>),
}

impl Authority {
    /// TRUE when cards must sign: the action is proposed first.
    #[must_use]
    pub fn needs_signatures(&self) -> bool {
        match self {
            Self::Quorum(_) | Self::Person(..) => true,
            Self::All(parts) => parts.iter().any(Self::needs_signatures),
            _ => false,
        }
    }

    /// TRUE where this person's signature does not count.
    #[must_use]
    pub fn keeps_out(&self, person: Id) -> bool {
        let mut parts = self.parts().into_iter();
        parts.any(|part| matches!(part, Self::NotBy(people) if people.contains(&person)))
    }

    /// The parts, flat.
    #[must_use]
    pub fn parts(&self) -> Vec<&Authority> {
        match self {
            Self::All(parts) => parts.iter().flat_map(Self::parts).collect(),
            single => vec![single],
        }
    }
}

/// Why the door refused an action. Each leaves one journal entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is a station already.
    #[error("this is for an empty station only")]
    NotEmpty,
    /// The station is empty.
    #[error("this station is not initialised yet")]
    Empty,
    /// Nobody is logged on.
    #[error("nobody is logged on")]
    NobodyLoggedOn,
    /// A group is not logged on.
    #[error("{0} are not logged on")]
    NotLoggedOn(GroupId),
    /// Too few approved.
    #[error("{group}: {have} of {need} approvals")]
    TooFew {
        /// The group.
        group: GroupId,
        /// Valid approvals of distinct people.
        have: usize,
        /// Needed.
        need: usize,
    },
    /// A person who must approve did not.
    #[error("the approval of the person concerned is missing")]
    PersonMissing,
    /// One person, or one card, twice.
    #[error("one person approved twice; every approval needs another person and another card")]
    Twice,
    /// A signature that does not fit: another action, other parameters, other
    /// card, altered.
    #[error("an approval does not fit this act: {0}")]
    Misfit(String),
    /// The approval or the proposal is too old.
    #[error("the approval has expired")]
    Stale,
    /// It was used before.
    #[error("this approval was used before")]
    Replayed,
    /// Somebody signed who is concerned.
    #[error("somebody signed in whose hands it was: their approval does not count here")]
    Concerned,
    /// Somebody of the PIN room who did not take the run over.
    #[error("others hold this run: they opened the batch, or took it over last")]
    NotHolder,
    /// The card is suspended or revoked.
    #[error("a card that approved is suspended or revoked")]
    Barred,
    /// The ceremony's mandate is missing, over, or expired.
    #[error("no open mandate covers this act")]
    NoMandate,
    /// The act had to be proposed first.
    #[error("this act needs fresh signatures, and none was asked for")]
    NotProposed,
    /// Signatures came for an act that needs none: nobody would check them,
    /// and they would stand in the journal as evidence.
    #[error("this act needs no signatures, and takes none")]
    NotNeeded,
    /// An action that names nobody who stands behind it.
    #[error("this act names no authority")]
    NoAuthority,
    /// The repository is damaged.
    #[error("this is a rescue: the repository is damaged, and nothing is done with it")]
    Rescue,
    /// Less room is left on the disk than an act has to find; it is for the
    /// journal.
    #[error("the disk is full: the room that is left is kept for the journal")]
    DiskFull,
    /// The station is locked.
    #[error("the station is locked")]
    StationLocked,
}

/// Checks all approvals of a proposal against the authority record, and that
/// they add up to what the action needs. Whoever is barred decides nothing: they are no
/// part of a quorum, and still sign what is theirs by name.
///
/// # Errors
/// The first [`Refusal`].
pub(super) fn check_approvals(
    needs: &Authority,
    barred: &[Id],
    proposal: &Proposal,
    approvals: &[SignedApproval],
    record: &AuthorityRecord,
    authority: Hash,
    now_ms: u64,
) -> Result<(), Refusal> {
    if now_ms > proposal.expires_ms || now_ms < proposal.made_ms {
        return Err(Refusal::Stale);
    }
    let expected = Expected {
        station: record.station,
        incarnation: record.incarnation,
        proposed: proposal.hash,
        action: proposal.action,
        action_name: proposal.name.clone(),
        authority,
        nonce: proposal.nonce,
        now_ms,
    };
    let mut people = BTreeSet::new();
    let mut cards = BTreeSet::new();
    let mut found: Vec<(Id, GroupId)> = Vec::new();
    for signed in approvals {
        let approval = signed
            .verify(record, &expected)
            .map_err(|e| Refusal::Misfit(e.to_string()))?;
        if approval.expires_ms > proposal.expires_ms {
            return Err(Refusal::Misfit(
                "it would live longer than its proposal".into(),
            ));
        }
        match record.card(approval.card).map(|c| c.state) {
            Some(CardState::Active) => {}
            _ => return Err(Refusal::Barred),
        }
        let decides = needs.parts().contains(&&Authority::Quorum(approval.group));
        if needs.keeps_out(approval.person) || (decides && barred.contains(&approval.person)) {
            return Err(Refusal::Concerned);
        }
        if !people.insert(approval.person) || !cards.insert(approval.card) {
            return Err(Refusal::Twice);
        }
        found.push((approval.person, approval.group));
    }
    for part in needs.parts() {
        match part {
            Authority::Quorum(group) => {
                let need = record.group(*group).map_or(usize::MAX, |g| g.m.into());
                let have = found.iter().filter(|(_, g)| g == group).count();
                if have < need {
                    return Err(Refusal::TooFew {
                        group: *group,
                        have,
                        need,
                    });
                }
            }
            Authority::Person(person, group) if !found.contains(&(*person, *group)) => {
                return Err(Refusal::PersonMissing);
            }
            _ => {}
        }
    }
    Ok(())
}
