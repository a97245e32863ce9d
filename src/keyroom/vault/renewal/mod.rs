//! Re-share: groups get new secrets, and with them the compartments that they
//! open get new keys.
//!
//! Three steps. [`Vault::prepare_renewal`] makes everything in memory; each
//! card then opens its new share from there; and one batch writes the new
//! shares and wraps, deletes the old ones, and brings the authority record
//! that an administrators' quorum of the record before has signed. Until that
//! batch is durable the old shares work, from then on only the new ones do.

mod stage;

use std::collections::{BTreeMap, BTreeSet};

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{
    AuthorityRecord, CardEntry, CardState, GroupEntry, MemberEntry, SignedAuthority, WriterEntry,
};
use conclave_evidence::{GroupId, Hash, Id, Point, Signature, cbor, sign};
use serde::{Deserialize, Serialize};

use super::Vault;
use super::commit::Batch;
use super::compartment::{Compartment, Openers};
use super::error::VaultError;
use super::share::{self, Member, SECRET_LEN, SealedShare};
use crate::domain::staff::{GROUP_MAX, StaffError};

/// A group as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGroup {
    /// How many must come.
    pub m: u8,
    /// Whose cards get a share: card and person.
    pub members: Vec<(Id, Id)>,
}

/// What is to be different.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renewal {
    /// The groups that get a new secret, and who belongs to them then.
    pub groups: BTreeMap<GroupId, NewGroup>,
    /// Cards that are new here.
    pub cards: Vec<CardEntry>,
    /// Cards that may never act again.
    pub revoked: Vec<Id>,
    /// Compartments get new keys, and their records are encrypted anew. Without
    /// it an old copy of the store and old shares together still open what
    /// they opened. Whoever leaves a group makes it TRUE.
    pub rotate: bool,
}

/// A card's word that it opened its new shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The card.
    pub card: Id,
    /// Slot 9A, over [`Vault::receipt_digest`].
    pub signature: Signature,
}

pub(super) use stage::{Renewed, Staged};

/// A renewal that exists in memory only.
pub(super) struct Prepared {
    /// With every candidate as a member.
    record: AuthorityRecord,
    secrets: BTreeMap<GroupId, Secret>,
    shares: BTreeMap<GroupId, Vec<SealedShare>>,
    /// New data and writer keys.
    keys: BTreeMap<Compartment, (Secret, Secret)>,
    /// Every compartment that the groups open gets new keys.
    rotates: bool,
}

/// TRUE when both groups of the PIN room are to come to a station that has
/// neither: then its compartment comes with them.
fn founds_pin_room(before: &AuthorityRecord, renewal: &Renewal) -> bool {
    GroupId::PIN_ROOM
        .iter()
        .all(|group| before.group(*group).is_none() && renewal.groups.contains_key(group))
}

fn involves(compartment: Compartment, groups: &BTreeSet<GroupId>) -> bool {
    let any = |sets: &'static [Openers]| sets.iter().any(|set| touches(set, groups));
    any(compartment.readers()) || any(compartment.writers())
}

fn written_by(compartment: Compartment, groups: &BTreeSet<GroupId>) -> bool {
    compartment.writers().iter().any(|set| touches(set, groups))
}

fn touches(set: Openers, groups: &BTreeSet<GroupId>) -> bool {
    set.iter().any(|group| groups.contains(group))
}

/// TRUE when a member of a group that holds a secret does not stay in it.
fn leaves(before: &AuthorityRecord, group: GroupId, stays: impl Fn(Id) -> bool) -> bool {
    let entry = before.group(group).filter(|entry| entry.holds_secret);
    entry.is_some_and(|entry| entry.members.iter().any(|m| !stays(m.card)))
}

/// A group that opens something keeps one member more than must come: the next
/// lost card would close it for ever.
fn check_size(group: GroupId, m: u8, members: usize) -> Result<(), VaultError> {
    let spare = usize::from(!group.is_custodian());
    let need = usize::from(m) + spare;
    if m == 0 || members > usize::from(GROUP_MAX) {
        let n = u8::try_from(members).unwrap_or(u8::MAX);
        return Err(StaffError::Impossible { group, m, n }.into());
    }
    if m < 2 && group.opens_alone() {
        return Err(StaffError::Alone { group }.into());
    }
    if members < need {
        return Err(VaultError::NoneToSpare {
            group,
            have: members,
            need,
        });
    }
    Ok(())
}

impl Vault {
    /// The compartments that have to be open for a renewal of these groups.
    #[must_use]
    pub fn renewal_needs(record: &AuthorityRecord, groups: &BTreeSet<GroupId>) -> Vec<Compartment> {
        let all = Compartment::of(record);
        all.filter(|c| involves(*c, groups)).collect()
    }

    /// Makes a renewal in memory: secrets, shares sealed to the cards, new
    /// keys. Nothing is written, and logging off forgets it.
    ///
    /// # Errors
    /// [`VaultError::Closed`] or [`VaultError::ReadOnly`] for a compartment
    /// that these groups open and this session does not;
    /// [`VaultError::NoneToSpare`], [`VaultError::Staff`].
    pub fn prepare_renewal(&mut self, renewal: &Renewal) -> Result<(), VaultError> {
        self.renewal = None;
        let before = self.authority()?.clone();
        let mut record = before.clone();
        record.seq += 1;
        record.previous = Some(self.authority_hash()?);
        record.made_at_ms = self.world.clock.wall_ms();
        record.cards.extend(renewal.cards.iter().cloned());
        for card in &renewal.revoked {
            let entry = record.cards.iter_mut().find(|c| c.card == *card);
            entry.ok_or(VaultError::Missing("card"))?.state = CardState::Revoked;
        }
        let groups: BTreeSet<GroupId> = renewal.groups.keys().copied().collect();
        let secret_groups: BTreeSet<GroupId> = groups
            .iter()
            .copied()
            .filter(|group| !group.is_custodian())
            .collect();
        // Whoever leaves takes a share along that with an old copy opens the old
        // keys: those must not be the keys of what comes.
        let rotate = renewal.rotate
            || renewal.groups.iter().any(|(group, new)| {
                let stay = |card: Id| new.members.iter().any(|(c, _)| *c == card);
                leaves(&before, *group, stay)
            });
        let mut keys = BTreeMap::new();
        if founds_pin_room(&before, renewal) {
            let pins = Compartment::Pins;
            record.writers.push(WriterEntry {
                compartment: pins.name().into(),
                epoch: 0,
                key: Point([0; 65]),
            });
            keys.insert(pins, (self.new_secret(32)?, self.new_key()?));
        }
        for compartment in Self::renewal_needs(&record, &secret_groups) {
            if keys.contains_key(&compartment) {
                continue;
            }
            let open = self.opened(compartment)?;
            if rotate {
                keys.insert(compartment, (self.new_secret(32)?, self.new_key()?));
            } else if written_by(compartment, &secret_groups) && open.writer.is_none() {
                return Err(VaultError::ReadOnly(compartment));
            }
        }
        for (compartment, (_, writer)) in &keys {
            let public = KeyPair::from_secret(writer.duplicate())
                .map(|pair| Point(*pair.public()))
                .map_err(|_| VaultError::Crypto("key pair"))?;
            let entry = record
                .writers
                .iter_mut()
                .find(|w| w.compartment == compartment.name())
                .ok_or(VaultError::Root(*compartment))?;
            entry.epoch += 1;
            entry.key = public;
        }
        let (mut secrets, mut shares) = (BTreeMap::new(), BTreeMap::new());
        for (&group, new) in &renewal.groups {
            check_size(group, new.m, new.members.len())?;
            let entry = self.renew_group(&record, group, new, &mut secrets, &mut shares)?;
            match record.groups.iter_mut().find(|g| g.group == group) {
                Some(old) => *old = entry,
                None => record.groups.push(entry),
            }
        }
        // A group that keeps its secret must not lose its quorum on the way.
        for group in record.groups.iter().filter(|g| !groups.contains(&g.group)) {
            let live = |record: &AuthorityRecord| {
                let active = |id: Id| record.card(id).map(|c| c.state) == Some(CardState::Active);
                group.members.iter().filter(|m| active(m.card)).count()
            };
            if live(&record) < live(&before) && live(&record) < usize::from(group.m) {
                return Err(VaultError::NoneToSpare {
                    group: group.group,
                    have: live(&record),
                    need: usize::from(group.m),
                });
            }
        }
        self.renewal = Some(Prepared {
            record,
            secrets,
            shares,
            keys,
            rotates: rotate,
        });
        Ok(())
    }

    fn renew_group(
        &mut self,
        record: &AuthorityRecord,
        group: GroupId,
        new: &NewGroup,
        secrets: &mut BTreeMap<GroupId, Secret>,
        shares: &mut BTreeMap<GroupId, Vec<SealedShare>>,
    ) -> Result<GroupEntry, VaultError> {
        // Only the PIN room can come to a station that was founded without it;
        // half of it makes a record that does not verify.
        let old = record.group(group);
        if old.is_none() && !group.is_pin_room() {
            return Err(VaultError::NoSecret(group));
        }
        let epoch = old.map_or(0, |old| old.epoch) + 1;
        let mut members = Vec::new();
        for &(card, person) in &new.members {
            let entry = record.card(card).ok_or(VaultError::Missing("card"))?;
            if entry.state != CardState::Active {
                return Err(VaultError::Barred(card));
            }
            members.push(Member {
                card,
                person,
                key: entry.agree_key_9d,
            });
        }
        if let Some(old) = old.filter(|_| group.is_custodian()) {
            return Ok(GroupEntry {
                m: new.m,
                epoch,
                members: (1u8..)
                    .zip(&members)
                    .map(|(x, member)| MemberEntry {
                        card: member.card,
                        person: member.person,
                        x,
                        commitment: None,
                    })
                    .collect(),
                ..old.clone()
            });
        }
        let secret = self.new_secret(SECRET_LEN)?;
        let split = share::split(
            record.station,
            group,
            new.m,
            epoch,
            &members,
            &secret,
            &mut *self.world.random,
        )?;
        secrets.insert(group, secret);
        shares.insert(group, split.shares);
        Ok(split.entry)
    }

    fn prepared(&self) -> Result<&Prepared, VaultError> {
        self.renewal
            .as_ref()
            .ok_or(VaultError::Missing("prepared renewal"))
    }

    /// Forgets what was prepared.
    pub fn forget_renewal(&mut self) {
        self.renewal = None;
    }

    /// The cards that are to open a new share, in the order of the groups.
    ///
    /// # Errors
    /// [`VaultError::Missing`]
    pub fn renewal_cards(&self) -> Result<Vec<CardEntry>, VaultError> {
        let prepared = self.prepared()?;
        let mut cards: Vec<CardEntry> = Vec::new();
        for group in prepared.shares.keys() {
            for member in prepared
                .record
                .group(*group)
                .iter()
                .flat_map(|g| &g.members)
            {
                if cards.iter().all(|c| c.card != member.card) {
                    cards.extend(prepared.record.card(member.card).cloned());
                }
            }
        }
        Ok(cards)
    }

    /// Has a card open every new share that is sealed to it, and checks each
    /// against its commitment. The shares are wiped again.
    ///
    /// # Errors
    /// [`VaultError::BadShare`]; what `dh` answered.
    pub fn open_new_shares<E: From<VaultError>>(
        &self,
        card: Id,
        mut dh: impl FnMut(&[u8; 65]) -> Result<Secret, E>,
    ) -> Result<(), E> {
        let prepared = self.prepared()?;
        for (group, sealed) in &prepared.shares {
            let entry = prepared
                .record
                .group(*group)
                .ok_or(VaultError::NoSecret(*group))?;
            for member in entry.members.iter().filter(|m| m.card == card) {
                let pinned = prepared
                    .record
                    .card(card)
                    .ok_or(VaultError::Missing("card"))?;
                let sealed = sealed
                    .iter()
                    .find(|s| s.x == member.x)
                    .ok_or(VaultError::Missing("share"))?;
                drop(share::open(
                    &prepared.record,
                    entry,
                    member,
                    &pinned.agree_key_9d,
                    sealed,
                    &mut dh,
                )?);
            }
        }
        Ok(())
    }

    /// What a card signs (slot 9A) once it has opened its new shares.
    ///
    /// # Errors
    /// [`VaultError::Missing`]
    pub fn receipt_digest(&self, card: Id) -> Result<Hash, VaultError> {
        let record = &self.prepared()?.record;
        let groups: Vec<(GroupId, u32, Option<Hash>)> = self
            .prepared()?
            .shares
            .keys()
            .filter_map(|group| record.group(*group))
            .filter(|entry| entry.members.iter().any(|m| m.card == card))
            .map(|entry| (entry.group, entry.epoch, entry.secret_check))
            .collect();
        let said = (record.station, record.previous, card, groups);
        cbor::digest("conclave/receipt/1", &said).map_err(|_| VaultError::Malformed("receipt"))
    }

    /// The record that administrators sign: of the renewed groups only those
    /// are members whose cards received their shares.
    ///
    /// # Errors
    /// [`VaultError::NoneToSpare`] when too few did.
    pub fn renewed_record(&self, received: &BTreeSet<Id>) -> Result<AuthorityRecord, VaultError> {
        let prepared = self.prepared()?;
        let mut record = prepared.record.clone();
        for group in &mut record.groups {
            if prepared.shares.contains_key(&group.group) {
                group.members.retain(|m| received.contains(&m.card));
                check_size(group.group, group.m, group.members.len())?;
                let stays = |card: Id| received.contains(&card);
                if !prepared.rotates && leaves(self.authority()?, group.group, stays) {
                    return Err(VaultError::KeepsKeys(group.group));
                }
            }
        }
        Ok(record)
    }

    /// Whether this is the prepared renewal, signed by enough administrators,
    /// and every member of a new secret has received its share.
    ///
    /// # Errors
    /// [`VaultError::Authority`] with the reason.
    pub fn check_renewal(
        &self,
        signed: &SignedAuthority,
        receipts: &[Receipt],
    ) -> Result<AuthorityRecord, VaultError> {
        let (record, _) = self.check_authority(signed)?;
        let prepared = self.prepared()?;
        let mut received = BTreeSet::new();
        for receipt in receipts {
            let wrong = || {
                let card = receipt.card.short();
                VaultError::Authority(format!("card {card} did not sign that it received"))
            };
            let entry = prepared.record.card(receipt.card).ok_or_else(wrong)?;
            let digest = self.receipt_digest(receipt.card)?;
            sign::verify_p256(&entry.auth_key_9a, &digest, &receipt.signature)
                .map_err(|_| wrong())?;
            received.insert(receipt.card);
        }
        if record == self.renewed_record(&received)? {
            Ok(record)
        } else {
            let why = "it is not the record of this renewal";
            Err(VaultError::Authority(why.into()))
        }
    }

    /// A secret that belongs to a compartment's new data key, for the provider;
    /// nothing when that compartment keeps its key.
    ///
    /// # Errors
    /// [`VaultError::Missing`]
    pub(crate) fn derived_anew(
        &self,
        compartment: Compartment,
        purpose: &str,
    ) -> Result<Option<Secret>, VaultError> {
        match self.prepared()?.keys.get(&compartment) {
            Some((data, _)) => super::derived_from(data, purpose).map(Some),
            None => Ok(None),
        }
    }
}

impl Batch {
    /// Writes the prepared renewal, with the record that says so.
    pub(crate) fn renew(&mut self, signed: SignedAuthority, receipts: Vec<Receipt>) {
        self.authority(signed);
        self.renewal = Some(receipts);
    }

    /// TRUE when it renews a group.
    pub(crate) fn renews(&self) -> bool {
        self.renewal.is_some()
    }
}
