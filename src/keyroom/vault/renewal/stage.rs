//! A renewal on its way into one batch.

use std::collections::{BTreeMap, BTreeSet};

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::AuthorityRecord;
use conclave_evidence::{GroupId, Id, cbor};

use super::super::compartment::{Compartment, Openers};
use super::super::error::VaultError;
use super::super::kinds::Kinds;
use super::super::root::{RootKeys, Sum};
use super::super::seal::{Binding, Sealed};
use super::super::{Open, RECORD, Records, Vault, batch_key, place, wrap};
use super::{Prepared, touches};
use crate::ports::store::{Store, Write};

/// What a renewal leaves in memory once it is durable.
#[derive(Default)]
pub(in crate::vault) struct Renewed {
    secrets: BTreeMap<GroupId, Secret>,
    pub(in crate::vault) open: BTreeMap<Compartment, Open>,
}

/// One record as it stands within a batch: nothing once it is deleted.
pub(in crate::vault) type Staged = BTreeMap<(Compartment, Id), Option<Vec<u8>>>;

impl Vault {
    /// Stages a renewal: wraps and shares, and every record of a rotated
    /// compartment under its new key.
    pub(in crate::vault) fn stage_renewal(
        &mut self,
        record: &AuthorityRecord,
        writes: &mut Vec<Write>,
        sums: &mut BTreeMap<Compartment, Sum>,
        staged: &mut Staged,
    ) -> Result<Renewed, VaultError> {
        // Taken out while the random source is in use; a failed commit leaves
        // it as it was.
        let prepared = self
            .renewal
            .take()
            .ok_or(VaultError::Missing("prepared renewal"))?;
        let done = self.stage_prepared(&prepared, record, writes, sums, staged);
        self.renewal = Some(prepared);
        done
    }

    fn stage_prepared(
        &mut self,
        prepared: &Prepared,
        record: &AuthorityRecord,
        writes: &mut Vec<Write>,
        sums: &mut BTreeMap<Compartment, Sum>,
        staged: &mut Staged,
    ) -> Result<Renewed, VaultError> {
        let mut renewed = Renewed::default();
        let groups: BTreeSet<GroupId> = prepared.shares.keys().copied().collect();
        for (&group, sealed) in &prepared.shares {
            let old = self.authority()?.group(group);
            for (epoch, x) in old
                .iter()
                .flat_map(|g| g.members.iter().map(|m| (g.epoch, m.x)))
            {
                writes.push(Write::Delete(place::share(group, epoch, x)));
            }
            let entry = record.group(group).ok_or(VaultError::NoSecret(group))?;
            for share in sealed {
                // What nobody received is given to nobody.
                if entry.members.iter().any(|m| m.x == share.x) {
                    let bytes = cbor::to_vec(share).map_err(|_| VaultError::Malformed("share"))?;
                    writes.push(Write::Put(place::share(group, entry.epoch, share.x), bytes));
                }
            }
            if let Some(secret) = prepared.secrets.get(&group) {
                renewed.secrets.insert(group, secret.duplicate());
            }
        }
        for compartment in Self::renewal_needs(record, &groups) {
            if let Some((data, writer)) = prepared.keys.get(&compartment) {
                let open = self.rotate(record, compartment, data, writer, staged)?;
                sums.insert(compartment, open.sum);
                let keys = wrap::Keys {
                    epoch: open.epoch,
                    data,
                    writer,
                };
                writes.extend(wrap::all(
                    record,
                    compartment,
                    &keys,
                    &mut *self.world.random,
                )?);
                renewed.open.insert(compartment, open);
            } else {
                self.wrap_again(record, compartment, &groups, writes)?;
            }
        }
        Ok(renewed)
    }

    /// The wraps of a compartment that keeps its keys, for the sets that have a
    /// renewed group in them.
    fn wrap_again(
        &mut self,
        record: &AuthorityRecord,
        compartment: Compartment,
        groups: &BTreeSet<GroupId>,
        writes: &mut Vec<Write>,
    ) -> Result<(), VaultError> {
        let open = self
            .open
            .get(&compartment)
            .ok_or(VaultError::Closed(compartment))?;
        let readers: Vec<Openers> = compartment.readers_of(record).collect();
        let writers: Vec<Openers> = compartment.writers_of(record).collect();
        for (purpose, sets, key) in [
            ("data", readers, Some(&open.data)),
            ("writer", writers, open.writer.as_ref()),
        ] {
            for openers in sets.into_iter().filter(|set| touches(set, groups)) {
                let key = key.ok_or(VaultError::ReadOnly(compartment))?;
                writes.push(wrap::seal(
                    record,
                    purpose,
                    compartment,
                    open.epoch,
                    openers,
                    key,
                    &mut *self.world.random,
                )?);
            }
        }
        Ok(())
    }

    /// Every record of a compartment under its new key.
    fn rotate(
        &mut self,
        record: &AuthorityRecord,
        compartment: Compartment,
        data: &Secret,
        writer: &Secret,
        staged: &mut Staged,
    ) -> Result<Open, VaultError> {
        let epoch = record
            .writer(compartment.name())
            .ok_or(VaultError::Root(compartment))?
            .epoch;
        // What comes only now has nothing in it.
        if compartment.is_of(self.authority()?)
            && matches!(self.opened(compartment)?.records, Records::Adding(_))
        {
            return Err(VaultError::AddingUp(compartment));
        }
        let roots = RootKeys::derive(data)?;
        let mut sum = Sum::default();
        let mut values = Vec::new();
        self.store
            .scan(&place::records(compartment), &mut |_, value| {
                values.push(value.to_vec());
                true
            })?;
        for value in values {
            let old = Sealed::from_bytes(&value)?;
            let body = self.open_record(compartment, old.binding.id, &old)?;
            let binding = Binding {
                purpose: RECORD.into(),
                station: record.station,
                compartment,
                epoch,
                kind: old.binding.kind,
                id: old.binding.id,
                version: old.binding.version + 1,
            };
            let (id, version) = (binding.id, binding.version);
            let under = match batch_key::is_under(compartment, &binding.kind) {
                false => None,
                true => {
                    let key = self.get_secret(compartment, batch_key::batch_key_id(id))?;
                    Some(batch_key::together(data, &key)?)
                }
            };
            let under = under.as_ref().unwrap_or(data);
            let bytes =
                Sealed::seal(under, binding, body.expose(), &mut *self.world.random)?.to_bytes()?;
            roots.add(&mut sum, id, version, &bytes)?;
            staged.insert((compartment, id), Some(bytes));
        }
        Ok(Open {
            epoch,
            data: data.duplicate(),
            roots,
            writer: Some(writer.duplicate()),
            sum,
            records: Records::Known(Kinds::default()),
        })
    }

    /// What is open goes on under the new secrets.
    pub(in crate::vault) fn adopt(&mut self, renewed: Renewed) {
        for (group, secret) in renewed.secrets {
            if self.groups.contains_key(&group) {
                self.groups.insert(group, secret);
            }
        }
        self.open.extend(renewed.open);
        self.renewal = None;
        // Recovery made new writer keys, and is no writer.
        self.close_what_nobody_opens();
    }
}
