//! Looking through compartments: each record opened, counted and wiped, each
//! wrapped key tried, and what the signed root says of it all.

use std::collections::BTreeMap;

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::AuthorityRecord;
use conclave_evidence::{Id, cbor};

use super::{Damaged, NAMED, RootFit, SHOWN, Survey, kind_words, place_words};
use crate::ports::store::Store;
use crate::vault::compartment::{Compartment, Openers};
use crate::vault::error::VaultError;
use crate::vault::kinds::Kinds;
use crate::vault::root::{RootKeys, Sum};
use crate::vault::seal::{Binding, Sealed};
use crate::vault::{CompartmentState, Open, RECORD, Records, Vault, batch_key, history, place};
use crate::vault::{sum_binding, wrap};

impl Vault {
    /// Looks through every compartment that the groups now logged on open.
    pub(in crate::vault) fn survey_compartments(&mut self) -> Result<(), VaultError> {
        let record = self.authority()?.clone();
        for compartment in Compartment::of(&record) {
            self.look_at_writers(&record, compartment);
            let data = self.data_key(&record, compartment);
            let known = self.rescue.as_ref().and_then(|r| {
                r.surveys
                    .get(&compartment)
                    .filter(|survey| survey.closed.is_none())
            });
            let shown = SHOWN.contains(&compartment);
            if self.open.contains_key(&compartment) || (known.is_some() && !shown) {
                continue;
            }
            let (survey, open) = match data {
                None => continue,
                Some(Err(error)) => (closed(compartment, &error), None),
                Some(Ok(data)) => match self.survey(&record, compartment, data) {
                    Ok((survey, open)) => (survey, Some(open)),
                    Err(error) => (closed(compartment, &error), None),
                },
            };
            if let Some(rescue) = &mut self.rescue {
                rescue.surveys.insert(compartment, survey);
            }
            if let Some(open) = open.filter(|_| shown) {
                self.open.insert(compartment, open);
            }
        }
        Ok(())
    }

    /// The compartment's data key by any of the sets of groups that are
    /// complete, each of which is tried; a failure where none opens.
    fn data_key(
        &mut self,
        record: &AuthorityRecord,
        compartment: Compartment,
    ) -> Option<Result<Secret, VaultError>> {
        let mut came = None;
        for openers in compartment.readers() {
            let one = self.unwrapped(record, "data", compartment, openers);
            if one.is_some() && !matches!(came, Some(Ok(_))) {
                came = one;
            }
        }
        came
    }

    /// Writer keys open nothing in a rescue: whether they would is all that is
    /// said.
    fn look_at_writers(&mut self, record: &AuthorityRecord, compartment: Compartment) {
        for openers in compartment.writers() {
            let _ = self.unwrapped(record, "writer", compartment, openers);
        }
    }

    /// Unwraps a key for a set of groups that is complete, and names what does
    /// not open.
    fn unwrapped(
        &mut self,
        record: &AuthorityRecord,
        purpose: &str,
        compartment: Compartment,
        openers: Openers,
    ) -> Option<Result<Secret, VaultError>> {
        if !openers.iter().all(|group| self.groups.contains_key(group)) {
            return None;
        }
        let key = place::wrap(purpose, compartment, openers);
        let opened = (|| {
            let pinned = record
                .writer(compartment.name())
                .ok_or(VaultError::Root(compartment))?;
            let bytes = self
                .store
                .get(&key)?
                .ok_or(VaultError::Missing("wrapped key"))?;
            let epoch = pinned.epoch;
            wrap::open(
                record,
                purpose,
                compartment,
                epoch,
                openers,
                &self.groups,
                &bytes,
            )
        })();
        if let (Err(error), Some(rescue)) = (&opened, &mut self.rescue) {
            let id = place_words(&key);
            let known = rescue.other.iter().any(|damaged| damaged.id == id);
            if !known && rescue.other.len() < NAMED {
                rescue.other.push(Damaged {
                    kind: "wrapped key".into(),
                    id,
                    why: error.to_string(),
                });
            }
        }
        Some(opened)
    }

    /// Opens each record, counts it, and wipes it.
    fn survey(
        &self,
        record: &AuthorityRecord,
        compartment: Compartment,
        data: Secret,
    ) -> Result<(Survey, Open), VaultError> {
        let epoch = record
            .writer(compartment.name())
            .ok_or(VaultError::Root(compartment))?
            .epoch;
        let roots = RootKeys::derive(&data)?;
        let prefix = place::records(compartment);
        let (mut sum, mut kinds) = (Sum::default(), Kinds::default());
        let mut survey = Survey {
            compartment,
            closed: None,
            good: BTreeMap::new(),
            bad: Vec::new(),
            bad_count: 0,
            root: RootFit::Agrees,
        };
        let ended = self.store.scan(&prefix, &mut |key, value| {
            let id = key
                .get(prefix.len()..)
                .and_then(|id| id.try_into().ok())
                .map(Id);
            let sealed = Sealed::from_bytes(value);
            let kind = sealed.as_ref().map_or("", |s| s.binding.kind.as_str());
            let opened = (|| {
                let (sealed, id) = (sealed.as_ref().ok()?, id?);
                let expected = Binding {
                    purpose: RECORD.into(),
                    station: record.station,
                    compartment,
                    epoch,
                    kind: sealed.binding.kind.clone(),
                    id,
                    version: sealed.binding.version,
                };
                let under = match batch_key::is_under(compartment, kind) {
                    false => None,
                    true => {
                        let key = place::record(compartment, batch_key::batch_key_id(id));
                        let stored = self.store.get(&key).ok()?;
                        let of = (record.station, epoch);
                        Some(batch_key::parent(&data, of, id, stored).ok()?)
                    }
                };
                drop(
                    sealed
                        .open(under.as_ref().unwrap_or(&data), &expected)
                        .ok()?,
                );
                roots
                    .add(&mut sum, id, sealed.binding.version, value)
                    .ok()?;
                Some(id)
            })();
            match opened {
                Some(id) => {
                    *survey.good.entry(kind.to_owned()).or_default() += 1;
                    kinds.put(kind, id);
                }
                None => {
                    survey.bad_count += 1;
                    if survey.bad.len() < NAMED {
                        survey.bad.push(Damaged {
                            kind: kind_words(kind),
                            id: id.map_or_else(|| place_words(key), |id| id.to_string()),
                            why: match sealed {
                                Ok(_) => "it fails its authentication".into(),
                                Err(_) => "it is not of its form".into(),
                            },
                        });
                    }
                }
            }
            true
        });
        survey.root = self.root_fit(record, compartment, &data, &roots, &sum);
        if let Err(error) = ended {
            survey.bad_count += 1;
            survey.bad.push(Damaged {
                kind: "records from here on".into(),
                id: compartment.name().into(),
                why: error.to_string(),
            });
        }
        let open = Open {
            epoch,
            data,
            roots,
            writer: None,
            sum,
            records: Records::Known(kinds),
        };
        Ok((survey, open))
    }

    fn root_fit(
        &self,
        record: &AuthorityRecord,
        compartment: Compartment,
        data: &Secret,
        roots: &RootKeys,
        sum: &Sum,
    ) -> RootFit {
        let read = (|| {
            let bytes = self
                .store
                .get(&place::compartment(compartment))?
                .ok_or(VaultError::Missing("compartment"))?;
            let state: CompartmentState =
                cbor::from_slice(&bytes).map_err(|_| VaultError::Malformed("compartment"))?;
            history::check_root(record, compartment, &state.root)?;
            let (epoch, count) = (state.root.epoch, state.root.count);
            let binding = sum_binding(record.station, compartment, epoch, count);
            let sealed = state.sum.open(data, &binding)?;
            let value = sealed
                .expose()
                .try_into()
                .map_err(|_| VaultError::Root(compartment))?;
            let stored = Sum { count, value };
            if roots.shown(compartment, epoch, &stored)? != state.root.mac {
                return Err(VaultError::Root(compartment));
            }
            Ok((state.root, stored))
        })();
        let shown = self.rescue.as_ref().and_then(|r| r.roots.as_ref());
        match (read, shown) {
            (Err(error), _) => RootFit::Broken(error.to_string()),
            (Ok((root, _)), Some(shown)) if shown.get(compartment.name()) != Some(&root) => {
                RootFit::NotNewest
            }
            (Ok((_, stored)), _) if stored != *sum => RootFit::Differs {
                signed: stored.count,
            },
            (Ok(_), Some(_)) => RootFit::Agrees,
            (Ok(_), None) => RootFit::Unconfirmed,
        }
    }
}

fn closed(compartment: Compartment, error: &VaultError) -> Survey {
    Survey {
        compartment,
        closed: Some(error.to_string()),
        good: BTreeMap::new(),
        bad: Vec::new(),
        bad_count: 0,
        root: RootFit::Unconfirmed,
    }
}
