//! One atomic batch: records, roots, journal entries, and the new head.

use std::collections::BTreeMap;

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::primitive::hpke;
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityChain, AuthorityRecord, SignedAuthority};
use conclave_evidence::journal::{
    Entry, EntryHeader, EntryKind, Head, RootEntry, SignedHead, entry_hash,
};
use conclave_evidence::locked::LockedRuns;
use conclave_evidence::{Hash, Id, Point, Signature, cbor};
use serde::Serialize;

use super::compartment::Compartment;
use super::error::VaultError;
use super::history::{EntryBody, body_info};
use super::renewal::{Receipt, Renewed, Staged};
use super::root::Sum;
use super::seal::{Binding, Sealed};
use super::{CompartmentState, Open, RECORD, Records, Vault, batch_key, place, sum_binding};
use crate::ports::store::{Store, Write};

/// Changes that take place together or not at all.
#[derive(Default)]
pub struct Batch {
    records: Vec<RecordChange>,
    entries: Vec<NewEntry>,
    plain: Vec<Write>,
    authority: Option<SignedAuthority>,
    /// The prepared renewal takes place, with what its cards signed.
    pub(super) renewal: Option<Vec<Receipt>>,
    /// Sign the roots of all compartments, changed or not (the first commit).
    all_roots: bool,
}

enum RecordChange {
    Put(Compartment, &'static str, Id, Secret),
    Delete(Compartment, Id),
}

/// A journal entry to be.
pub struct NewEntry {
    /// What it is.
    pub kind: EntryKind,
    /// The act it belongs to.
    pub act: Id,
    /// The action's name.
    pub action: String,
    /// Hash of the proposed action and its nonce (proposals only).
    pub commitment: Option<Hash>,
    /// What only the journal's readers see.
    pub body: EntryBody,
}

impl Batch {
    pub(super) fn with_all_roots() -> Self {
        Self {
            all_roots: true,
            ..Self::default()
        }
    }

    /// Sets a record.
    ///
    /// # Errors
    /// [`VaultError::Malformed`] when it does not encode.
    pub fn put<T: Serialize>(
        &mut self,
        compartment: Compartment,
        kind: &'static str,
        id: Id,
        record: &T,
    ) -> Result<(), VaultError> {
        let mut bytes = cbor::to_vec(record).map_err(|_| VaultError::Malformed("record"))?;
        self.put_secret(compartment, kind, id, Secret::take(&mut bytes));
        Ok(())
    }

    /// Sets a record whose body is a secret.
    pub fn put_secret(
        &mut self,
        compartment: Compartment,
        kind: &'static str,
        id: Id,
        body: Secret,
    ) {
        self.records
            .push(RecordChange::Put(compartment, kind, id, body));
    }

    /// Deletes a record.
    pub fn delete(&mut self, compartment: Compartment, id: Id) {
        self.records.push(RecordChange::Delete(compartment, id));
    }

    /// Appends a journal entry.
    pub fn entry(&mut self, entry: NewEntry) {
        self.entries.push(entry);
    }

    /// Appends an authority record. The commit verifies it against the chain.
    pub fn authority(&mut self, signed: SignedAuthority) {
        self.authority = Some(signed);
    }

    /// Writes something that is public or sealed already.
    pub(crate) fn write(&mut self, write: Write) {
        self.plain.push(write);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.entries.is_empty()
            && self.plain.is_empty()
            && self.authority.is_none()
    }
}

impl Vault {
    /// Makes a batch durable. On return it survives a power cut; on an error
    /// nothing of it took place.
    ///
    /// While a group is logged on, every batch with an entry carries a head
    /// signed by the station key.
    ///
    /// # Errors
    /// [`VaultError::ReadOnly`] when the session may not write one of the
    /// compartments; [`VaultError::Store`].
    pub fn commit(&mut self, batch: Batch) -> Result<(), VaultError> {
        if self.is_frozen() {
            return Err(VaultError::Rescue);
        }
        if batch.is_empty() {
            return Ok(());
        }
        // Roots stand in an entry: without one, the records would not agree
        // with the journal at the next start.
        let changes = !batch.records.is_empty() || batch.authority.is_some();
        if batch.entries.is_empty() && changes {
            return Err(VaultError::Unjournalled);
        }
        let mut writes = batch.plain;
        if let (Some(signed), Some(receipts)) = (&batch.authority, &batch.renewal) {
            self.check_renewal(signed, receipts)?;
        }
        let changed = match batch.authority {
            Some(signed) => Some(self.stage_authority(signed, &mut writes)?),
            None => None,
        };
        let mut sums: BTreeMap<Compartment, Sum> = BTreeMap::new();
        if batch.all_roots {
            sums.extend(self.open.iter().map(|(&c, open)| (c, open.sum)));
        }
        // Two changes of one record in one batch see one another.
        let mut staged = Staged::new();
        let renewed = match (&changed, batch.renewal.is_some()) {
            (Some((_, record, _)), true) => {
                self.stage_renewal(record, &mut writes, &mut sums, &mut staged)?
            }
            _ => Renewed::default(),
        };
        for change in batch.records {
            self.stage_record(change, &renewed.open, &mut sums, &mut staged)?;
        }
        let mut kinds: BTreeMap<Compartment, Vec<(Id, Option<String>)>> = BTreeMap::new();
        for ((compartment, id), value) in staged {
            let key = place::record(compartment, id);
            let (kind, write) = match value {
                Some(bytes) => {
                    let kind = Sealed::from_bytes(&bytes)?.binding.kind;
                    (Some(kind), Write::Put(key, bytes))
                }
                None => (None, Write::Delete(key)),
            };
            kinds.entry(compartment).or_default().push((id, kind));
            writes.push(write);
        }
        let roots = self.stage_roots(&sums, &renewed.open, &mut writes)?;
        // The head is signed under the record that this batch brings.
        let (authority, incarnation) = match &changed {
            Some((_, record, authority)) => (*authority, record.incarnation),
            None => (self.authority_hash()?, self.authority()?.incarnation),
        };
        let (next_seq, last_entry, head, locked) =
            self.stage_entries(batch.entries, roots, (authority, incarnation), &mut writes)?;
        self.store.commit(&writes)?;
        if batch.renewal.is_some() {
            self.adopt(renewed);
        }
        for (compartment, changed) in kinds {
            let open = self.open.get_mut(&compartment);
            if let Some(Records::Known(known)) = open.map(|open| &mut open.records) {
                known.change(changed);
            }
        }
        for (compartment, sum) in sums {
            if let Some(open) = self.open.get_mut(&compartment) {
                open.sum = sum;
            }
        }
        if let Some(station) = self.station.as_mut() {
            station.next_seq = next_seq;
            station.last_entry = last_entry;
            station.locked = locked;
            if head.is_some() {
                station.head = head;
            }
            if let Some((signed, record, authority)) = changed {
                station.chain.push(signed);
                station.record = record;
                station.authority = authority;
            }
        }
        Ok(())
    }

    /// Whether this authority record continues the chain, and enough
    /// administrators of the record before it have signed it; gives it opened.
    ///
    /// # Errors
    /// [`VaultError::Authority`], with the reason.
    pub fn check_authority(
        &self,
        signed: &SignedAuthority,
    ) -> Result<(AuthorityRecord, Hash), VaultError> {
        let mut chain = self.authority_chain()?.to_vec();
        chain.push(signed.clone());
        let verified =
            AuthorityChain::verify(&chain).map_err(|e| VaultError::Authority(e.to_string()))?;
        Ok((verified.latest().clone(), verified.latest_hash()))
    }

    fn stage_authority(
        &self,
        signed: SignedAuthority,
        writes: &mut Vec<Write>,
    ) -> Result<(SignedAuthority, AuthorityRecord, Hash), VaultError> {
        let (record, hash) = self.check_authority(&signed)?;
        let bytes = cbor::to_vec(&signed).map_err(|_| VaultError::Malformed("authority record"))?;
        writes.push(Write::Put(place::authority(record.seq), bytes));
        Ok((signed, record, hash))
    }

    fn stage_record(
        &mut self,
        change: RecordChange,
        renewed: &BTreeMap<Compartment, Open>,
        sums: &mut BTreeMap<Compartment, Sum>,
        staged: &mut Staged,
    ) -> Result<(), VaultError> {
        let (compartment, id) = match &change {
            RecordChange::Put(compartment, _, id, _) | RecordChange::Delete(compartment, id) => {
                (*compartment, *id)
            }
        };
        let station = self.authority()?.station;
        let before = match staged.get(&(compartment, id)) {
            Some(value) => value.clone(),
            None => self.store.get(&place::record(compartment, id))?,
        };
        let open = renewed
            .get(&compartment)
            .or_else(|| self.open.get(&compartment))
            .ok_or(VaultError::Closed(compartment))?;
        if open.writer.is_none() {
            return Err(VaultError::ReadOnly(compartment));
        }
        if matches!(open.records, Records::Adding(_)) {
            return Err(VaultError::AddingUp(compartment));
        }
        let sum = sums.entry(compartment).or_insert(open.sum);
        let mut version = 0;
        if let Some(bytes) = &before {
            version = Sealed::from_bytes(bytes)?.binding.version;
            open.roots.remove(sum, id, version, bytes)?;
        }
        let after = match change {
            RecordChange::Delete(..) => None,
            RecordChange::Put(_, kind, _, body) => {
                let binding = Binding {
                    purpose: RECORD.into(),
                    station,
                    compartment,
                    epoch: open.epoch,
                    kind: kind.into(),
                    id,
                    version: version + 1,
                };
                let under = match batch_key::is_under(compartment, kind) {
                    false => None,
                    true => {
                        let key = batch_key::batch_key_id(id);
                        let stored = match staged.get(&(compartment, key)) {
                            Some(value) => value.clone(),
                            None => self.store.get(&place::record(compartment, key))?,
                        };
                        let of = (station, open.epoch);
                        Some(batch_key::parent(&open.data, of, id, stored)?)
                    }
                };
                let under = under.as_ref().unwrap_or(&open.data);
                let sealed = Sealed::seal(under, binding, body.expose(), &mut *self.world.random)?;
                let bytes = sealed.to_bytes()?;
                open.roots.add(sum, id, version + 1, &bytes)?;
                Some(bytes)
            }
        };
        staged.insert((compartment, id), after);
        Ok(())
    }

    /// Signs the roots of the compartments that changed, and returns the roots
    /// of all for the record-changing entry; those of compartments that are
    /// not open are carried unchanged.
    fn stage_roots(
        &mut self,
        sums: &BTreeMap<Compartment, Sum>,
        renewed: &BTreeMap<Compartment, Open>,
        writes: &mut Vec<Write>,
    ) -> Result<Option<Vec<RootEntry>>, VaultError> {
        if sums.is_empty() {
            return Ok(None);
        }
        let station = self.authority()?.station;
        let mut roots = Vec::new();
        for compartment in Compartment::ALL {
            let Some(sum) = sums.get(&compartment) else {
                if !compartment.is_of(self.authority()?) {
                    continue;
                }
                roots.push(self.compartment_state(compartment)?.root);
                continue;
            };
            let open = renewed
                .get(&compartment)
                .or_else(|| self.open.get(&compartment))
                .ok_or(VaultError::Closed(compartment))?;
            let writer = open
                .writer
                .as_ref()
                .ok_or(VaultError::ReadOnly(compartment))?;
            let root = sign_root(
                compartment,
                open.epoch,
                sum,
                open.roots.shown(compartment, open.epoch, sum)?,
                writer,
            )?;
            let binding = sum_binding(station, compartment, open.epoch, sum.count);
            let state = CompartmentState {
                root: root.clone(),
                sum: Sealed::seal(&open.data, binding, &sum.value, &mut *self.world.random)?,
            };
            let bytes = cbor::to_vec(&state).map_err(|_| VaultError::Malformed("compartment"))?;
            writes.push(Write::Put(place::compartment(compartment), bytes));
            roots.push(root);
        }
        Ok(Some(roots))
    }

    fn stage_entries(
        &mut self,
        entries: Vec<NewEntry>,
        roots: Option<Vec<RootEntry>>,
        under: (Hash, Id),
        writes: &mut Vec<Write>,
    ) -> Result<(u64, Hash, Option<Head>, LockedRuns), VaultError> {
        let station = self.station()?;
        let mut locked = station.locked.clone();
        let (mut seq, mut previous) = (station.next_seq, station.last_entry);
        let journal_key = station.record.journal_key;
        let station_id = station.record.station;
        let count = entries.len();
        for (at, new) in entries.into_iter().enumerate() {
            // Roots stand in the last entry of the batch: the outcome.
            let roots = if at + 1 == count { roots.clone() } else { None };
            let header = EntryHeader {
                seq,
                previous,
                wall_ms: self.world.clock.wall_ms(),
                mono_ms: self.world.clock.mono_ms(),
                boot: self.world.boot,
                // With no head over it, it is LOCKED, whatever its maker calls
                // it: anything else would keep the station from opening again.
                kind: match self.station_key {
                    Some(_) => new.kind,
                    None => EntryKind::Locked,
                },
                act: new.act,
                action: new.action,
                commitment: new.commitment,
                roots,
            };
            let entry = seal_entry(
                station_id,
                &journal_key,
                &header,
                &new.body,
                &mut *self.world.random,
            )?;
            previous = entry_hash(&entry);
            locked.push(&header, previous);
            let bytes = cbor::to_vec(&entry).map_err(|_| VaultError::Malformed("entry"))?;
            writes.push(Write::Put(place::entry(seq), bytes));
            seq += 1;
        }
        let head = match &self.station_key {
            Some(key) if count > 0 => {
                let signed = self.sign_head(key, under, seq - 1, previous)?;
                let bytes = cbor::to_vec(&signed.1).map_err(|_| VaultError::Malformed("head"))?;
                writes.push(Write::Put(place::HEAD.to_vec(), bytes));
                Some(signed.0)
            }
            _ => None,
        };
        Ok((seq, previous, head, locked))
    }

    fn sign_head(
        &self,
        key: &Secret,
        (authority, incarnation): (Hash, Id),
        seq: u64,
        entry: Hash,
    ) -> Result<(Head, SignedHead), VaultError> {
        let station = self.station()?;
        let head = Head {
            station: station.record.station,
            incarnation,
            seq,
            entry,
            authority,
            wall_ms: self.world.clock.wall_ms(),
        };
        let signed = SignedHead::sign(&head, |digest| sign(key, digest))
            .map_err(|_| VaultError::Crypto("signing the head"))?;
        Ok((head, signed))
    }

    /// Signs with the station's key, which is there while a group is logged on.
    ///
    /// # Errors
    /// [`VaultError::Closed`]
    pub(crate) fn sign_as_station(&self, digest: &Hash) -> Result<Signature, VaultError> {
        let key = self
            .station_key
            .as_ref()
            .ok_or(VaultError::Closed(Compartment::Station))?;
        sign(key, digest)
    }
}

impl Vault {
    /// Signs with the bundle signing key.
    ///
    /// # Errors
    /// [`VaultError::Closed`] unless key managers and approvers are logged on.
    pub(crate) fn sign_bundle(&self, digest: &Hash) -> Result<Signature, VaultError> {
        let key = self.get_secret(Compartment::Export, super::genesis::EXPORT_KEY)?;
        sign(&key, digest)
    }
}

pub(super) fn sign(key: &Secret, digest: &Hash) -> Result<Signature, VaultError> {
    KeyPair::from_secret(key.duplicate())
        .and_then(|pair| pair.sign(&digest.0))
        .map(Signature)
        .map_err(|_| VaultError::Crypto("signing"))
}

pub(super) fn sign_root(
    compartment: Compartment,
    epoch: u32,
    sum: &Sum,
    mac: Hash,
    writer: &Secret,
) -> Result<RootEntry, VaultError> {
    let mut root = RootEntry {
        compartment: compartment.name().into(),
        epoch,
        count: sum.count,
        mac,
        signature: Signature([0; 64]),
    };
    let digest = super::history::root_digest(&root)?;
    root.signature = sign(writer, &digest)?;
    Ok(root)
}

pub(super) fn seal_entry(
    station: Id,
    journal_key: &Point,
    header: &EntryHeader,
    body: &EntryBody,
    random: &mut dyn conclave_crypto::secret::RandomSource,
) -> Result<Entry, VaultError> {
    let header = cbor::to_vec(header).map_err(|_| VaultError::Malformed("entry"))?;
    let mut plain = cbor::to_vec(body).map_err(|_| VaultError::Malformed("entry body"))?;
    let plain = Secret::take(&mut plain);
    let (enc, sealed) = hpke::seal_to(
        &journal_key.0,
        &body_info(station)?,
        &header,
        plain.expose(),
        random,
    )
    .map_err(|_| VaultError::Crypto("sealing an entry"))?;
    Ok(Entry {
        header: header.into(),
        enc: Point(enc),
        sealed: sealed.into(),
    })
}
