//! The way of an action through the door: proposed, signed, let through or
//! refused, run, its outcome committed.

use std::sync::Arc;

use conclave_crypto::secret::Secret;
use conclave_evidence::approval::action_digest;
use conclave_evidence::journal::EntryKind;
use conclave_evidence::{GroupId, Hash, Id, cbor};

use super::authority::check_approvals;
use super::{
    Action, ActionError, Authority, Beforehand, Door, DoorError, Mandate, PROPOSAL_MS, Permit,
    Proposal, Refusal, Warrant,
};
use crate::ports::Ports;
use crate::vault::{Batch, Compartment, EntryBody, NewEntry, Vault, VaultError};

impl Door {
    /// Writes an action to the journal as PROPOSED, for cards to sign over.
    ///
    /// # Errors
    /// [`DoorError::Vault`]
    pub fn propose<A: Action>(&mut self, action: &A) -> Result<Proposal, DoorError> {
        self.not_in_rescue()?;
        // Without a quorum nobody could sign the head that covers it.
        if self.vault.open_groups().is_empty() {
            return self.refuse(action, Refusal::NobodyLoggedOn.into());
        }
        if let Err(error) = self.room_for::<A>() {
            return self.refuse(action, error);
        }
        let params = encode(action)?;
        let nonce = self.vault.new_id()?;
        let act = self.vault.new_id()?;
        let digest =
            action_digest(A::NAME, &params, nonce).map_err(|_| VaultError::Malformed("action"))?;
        let mut batch = Batch::default();
        batch.entry(NewEntry {
            kind: EntryKind::Proposed,
            act,
            action: A::NAME.into(),
            commitment: Some(digest),
            body: EntryBody {
                words: action.words(),
                nonce: Some(nonce),
                params: Some(params.clone().into()),
                ..EntryBody::default()
            },
        });
        self.vault.commit(batch)?;
        let (seq, hash) = self.vault.newest()?;
        let made_ms = self
            .vault
            .ancestor(seq, hash)?
            .ok_or(VaultError::Missing("entry"))?
            .wall_ms;
        Ok(Proposal {
            act,
            name: A::NAME.into(),
            hash,
            seq,
            action: digest,
            params,
            nonce,
            words: action.words(),
            made_ms,
            expires_ms: made_ms.saturating_add(PROPOSAL_MS),
        })
    }

    /// Journals that a proposal came to nothing.
    ///
    /// # Errors
    /// [`DoorError::Vault`]
    pub fn withdraw(&mut self, proposal: &Proposal, why: &str) -> Result<(), DoorError> {
        let mut words = proposal.words.clone();
        words.push(why.into());
        self.record(NewEntry {
            kind: EntryKind::Failed,
            act: proposal.act,
            action: proposal.name.clone(),
            commitment: None,
            body: EntryBody {
                words,
                ..EntryBody::default()
            },
        })
    }

    /// Lets an action through, or refuses it. A refusal and a failure leave
    /// one journal entry each and change no record.
    ///
    /// # Errors
    /// [`DoorError`]
    pub fn perform<A: Action>(
        &mut self,
        action: &A,
        warrant: &Warrant,
        secrets: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<A::Out, DoorError> {
        self.not_in_rescue()?;
        let needs = action.authority();
        let act = match &warrant.proposal {
            Some(proposal) => proposal.act,
            None => self.vault.new_id()?,
        };
        if let Err(error) = self.admit(action, &needs, warrant) {
            return self.refuse(action, error);
        }
        let mut beforehand = Beforehand {
            vault: &self.vault,
            batch: Batch::default(),
        };
        let batch = match action.before(&mut beforehand) {
            Ok(()) => beforehand.batch,
            Err(error) => return self.refuse(action, error.into()),
        };
        if let Err(error) = self.intent(act, action, &needs, warrant, batch) {
            return self.refuse(action, error);
        }
        let mut permit = Permit {
            act,
            action: A::NAME,
            vault: &mut self.vault,
            provider: &mut *self.provider,
            batch: Batch::default(),
            stop: Arc::clone(&self.stop),
            proposal: warrant.proposal.as_ref(),
            approvals: &warrant.approvals,
        };
        let result = action.run(&mut permit, secrets, ports);
        let mut batch = permit.batch;
        match result {
            Ok(out) => {
                let mut words = action.words();
                words.extend(action.outcome(&out));
                batch.entry(NewEntry {
                    kind: self.kind(EntryKind::Outcome),
                    act,
                    action: A::NAME.into(),
                    commitment: None,
                    body: EntryBody {
                        words,
                        ..EntryBody::default()
                    },
                });
                let renews = batch.renews();
                self.vault.commit(batch)?;
                if renews {
                    self.provider_follows();
                }
                Ok(out)
            }
            // The intent stays without an outcome: UNKNOWN, for a person to
            // decide.
            Err(error @ ActionError::Unknown { .. }) => Err(error.into()),
            Err(error) => {
                let mut entry = failure(act, A::NAME, action.words(), error.to_string());
                if let ActionError::NoMedium { .. } = error {
                    entry.commitment = Some(no_medium_digest(act)?);
                }
                self.record(entry)?;
                Err(error.into())
            }
        }
    }

    /// A full disk is told before anything is done, not in the middle of it.
    fn room_for<A: Action>(&self) -> Result<(), DoorError> {
        match !A::NEEDS_ROOM || self.vault.has_room() {
            true => Ok(()),
            false => Err(Refusal::DiskFull.into()),
        }
    }

    fn admit<A: Action>(
        &self,
        action: &A,
        needs: &Authority,
        warrant: &Warrant,
    ) -> Result<(), DoorError> {
        if self.vault.is_empty() {
            return Err(Refusal::Empty.into());
        }
        self.room_for::<A>()?;
        let now = self.vault.clock().wall_ms();
        let open = self.vault.open_groups();
        let guard = self.vault.guard()?;
        if guard.locked.is_some() && (guard.recovery || !unlocks(needs)) {
            return Err(Refusal::StationLocked.into());
        }
        let nobody =
            |part: &&Authority| matches!(part, Authority::NotBy(_) | Authority::Holders(_));
        if needs.parts().iter().all(nobody) {
            return Err(Refusal::NoAuthority.into());
        }
        for part in needs.parts() {
            match part {
                Authority::Birth => return Err(Refusal::NotEmpty.into()),
                Authority::Session(group) | Authority::Quorum(group) => {
                    if !open.contains(group) {
                        return Err(Refusal::NotLoggedOn(*group).into());
                    }
                }
                Authority::Mandate(ceremony) => {
                    let (_, mandate) = self.mandate(*ceremony).map_err(|_| Refusal::NoMandate)?;
                    let set_back = now < self.vault.newest_wall_ms()?;
                    let elsewhere = mandate.incarnation != self.vault.authority()?.incarnation
                        || mandate.ceremony != *ceremony;
                    if set_back || elsewhere || !mandate.covers(A::NAME, now) {
                        return Err(Refusal::NoMandate.into());
                    }
                }
                Authority::Locked
                | Authority::Person(..)
                | Authority::NotBy(_)
                | Authority::Holders(_)
                | Authority::All(_) => {}
            }
        }
        if !needs.needs_signatures() {
            return if warrant.proposal.is_none() && warrant.approvals.is_empty() {
                self.by_its_holders(needs, warrant)
            } else {
                Err(Refusal::NotNeeded.into())
            };
        }
        let proposal = warrant.proposal.as_ref().ok_or(Refusal::NotProposed)?;
        self.check_proposal(action, proposal)?;
        check_approvals(
            needs,
            &self.barred(needs),
            proposal,
            &warrant.approvals,
            self.vault.authority()?,
            self.vault.authority_hash()?,
            now,
        )?;
        self.by_its_holders(needs, warrant)
    }

    /// Who may not decide on an act under a mandate: they have, or had, a part of its
    /// key (R13).
    fn barred(&self, needs: &Authority) -> Vec<Id> {
        let of = |part: &Authority| match part {
            Authority::Mandate(ceremony) => self.mandate(*ceremony).ok(),
            _ => None,
        };
        let mandates = needs.parts().into_iter().filter_map(of);
        mandates.flat_map(|(_, mandate)| mandate.barred).collect()
    }

    /// The proposal is this action's, stands in the journal, and was not used.
    fn check_proposal<A: Action>(&self, action: &A, proposal: &Proposal) -> Result<(), DoorError> {
        let misfit = |why: &str| DoorError::from(Refusal::Misfit(why.into()));
        if proposal.name != A::NAME || proposal.params != encode(action)? {
            return Err(misfit("it was proposed with other parameters"));
        }
        let digest = action_digest(A::NAME, &proposal.params, proposal.nonce)
            .map_err(|_| VaultError::Malformed("action"))?;
        if digest != proposal.action {
            return Err(misfit("its digest is another"));
        }
        // What the journal says, not what the caller remembers.
        let header = self
            .vault
            .ancestor(proposal.seq, proposal.hash)?
            .filter(|header| {
                header.kind == EntryKind::Proposed
                    && header.act == proposal.act
                    && header.action == proposal.name
                    && header.commitment == Some(proposal.action)
            })
            .ok_or_else(|| misfit("it was never proposed here"))?;
        if header.wall_ms != proposal.made_ms
            || header.wall_ms.saturating_add(PROPOSAL_MS) != proposal.expires_ms
        {
            return Err(misfit("its times are not those of its entry"));
        }
        let (nonce, act, seq) = (proposal.nonce, proposal.act, proposal.seq);
        if self.vault.proposal_used(nonce, act, seq)? {
            return Err(Refusal::Replayed.into());
        }
        Ok(())
    }

    /// An act's mandate, and where it lies: of a ceremony in the catalogue, of a
    /// batch of the PIN room in that room, whose pair writes nothing else.
    fn mandate(&self, ceremony: Id) -> Result<(Compartment, Mandate), VaultError> {
        let id = Mandate::id_of(ceremony);
        let of = |compartment| {
            let found = self.vault.get_kind(compartment, Mandate::KIND, id)?;
            Ok((compartment, found))
        };
        match of(Compartment::Pins) {
            Err(VaultError::Closed(_) | VaultError::Missing(_)) => of(Compartment::Catalogue),
            found => found,
        }
    }

    /// Journals a refusal under an id of its own: an entry that failed under
    /// the act's id would close an intent whose outcome is unknown.
    fn refuse<A: Action, T>(&mut self, action: &A, why: DoorError) -> Result<T, DoorError> {
        let act = self.vault.new_id()?;
        self.record(failure(act, A::NAME, action.words(), why.to_string()))?;
        Err(why)
    }

    fn intent<A: Action>(
        &mut self,
        act: Id,
        action: &A,
        needs: &Authority,
        warrant: &Warrant,
        mut batch: Batch,
    ) -> Result<(), DoorError> {
        for part in needs.parts() {
            if let Authority::Mandate(ceremony) = part {
                let id = Mandate::id_of(*ceremony);
                let (compartment, mut mandate) = self.mandate(*ceremony)?;
                mandate.consume(A::NAME);
                batch.put(compartment, Mandate::KIND, id, &mandate)?;
            }
        }
        if let Some(proposal) = &warrant.proposal {
            Vault::use_nonce(proposal.nonce, &mut batch);
        }
        batch.entry(NewEntry {
            kind: self.kind(EntryKind::Intent),
            act,
            action: A::NAME.into(),
            commitment: None,
            body: EntryBody {
                words: action.words(),
                approvals: warrant.approvals.clone(),
                ..EntryBody::default()
            },
        });
        self.vault.commit(batch)?;
        Ok(())
    }
}

/// What the entry of an act carries in clear that failed for want of its medium: after
/// a restart it is told from other failures before the journal is open to anybody.
///
/// # Errors
/// [`VaultError::Malformed`]
pub fn no_medium_digest(act: Id) -> Result<Hash, VaultError> {
    cbor::digest("conclave/no-medium/1", &act).map_err(|_| VaultError::Malformed("act"))
}

/// Unlocking is what a locked station is for.
fn unlocks(needs: &Authority) -> bool {
    needs
        .parts()
        .iter()
        .all(|part| matches!(part, Authority::Quorum(GroupId::Administrators)))
}

fn encode<A: Action>(action: &A) -> Result<Vec<u8>, VaultError> {
    cbor::to_vec(action).map_err(|_| VaultError::Malformed("action"))
}

fn failure(act: Id, name: &str, words: Vec<String>, why: String) -> NewEntry {
    let mut words = words;
    words.push(why);
    NewEntry {
        kind: EntryKind::Failed,
        act,
        action: name.into(),
        commitment: None,
        body: EntryBody {
            words,
            ..EntryBody::default()
        },
    }
}
