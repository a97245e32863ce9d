//! A quorum's shares open what their group opens: the group's secret, its
//! compartments, each checked against what was signed; and it is locked again.

use std::collections::BTreeSet;

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::primitive::shamir::Share;
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{CardEntry, CardState};
use conclave_evidence::{GroupId, cbor};

use super::adding::Adding;
use super::compartment::{Compartment, Openers};
use super::root::{RootKeys, Sum};
use super::share::SealedShare;
use super::{Open, Records, Vault, VaultError, genesis, place, share, sum_binding, wrap};
use crate::ports::store::Store;

impl Vault {
    /// Opens one member's share of a group with the card's key agreement, and
    /// checks it against its commitment.
    ///
    /// # Errors
    /// [`VaultError::BadShare`]; what `dh` answered.
    pub fn open_share<E: From<VaultError>>(
        &self,
        group: GroupId,
        card: &CardEntry,
        dh: impl FnOnce(&[u8; 65]) -> Result<Secret, E>,
    ) -> Result<Share, E> {
        let record = self.authority()?;
        let entry = record.group(group).ok_or(VaultError::NoSecret(group))?;
        let member = entry
            .members
            .iter()
            .find(|m| m.card == card.card)
            .ok_or(VaultError::NoSecret(group))?;
        let bytes = self
            .store
            .get(&place::share(group, entry.epoch, member.x))
            .map_err(VaultError::from)?
            .ok_or(VaultError::Missing("share"))?;
        // By the record, not by what the caller holds.
        let pinned = record
            .card(member.card)
            .ok_or(VaultError::Missing("card"))?;
        if pinned.state != CardState::Active {
            return Err(VaultError::Barred(pinned.card).into());
        }
        let sealed: SealedShare =
            cbor::from_slice(&bytes).map_err(|_| VaultError::Malformed("share"))?;
        share::open(record, entry, member, &pinned.agree_key_9d, &sealed, dh)
    }

    /// Logs a group on: combines a quorum's shares and opens every
    /// compartment that the groups now logged on may open, checking each
    /// against its signed root.
    ///
    /// # Errors
    /// [`VaultError::TooFew`], [`VaultError::NoSecret`],
    /// [`VaultError::OnlyTogether`] for half of the PIN room, or what a
    /// compartment shows to be altered; then nothing more is open than before.
    pub fn unlock(&mut self, group: GroupId, shares: &[Share]) -> Result<(), VaultError> {
        self.unlock_together(&[(group, shares)])
    }

    /// Logs groups on that open what they open only together: all or none.
    ///
    /// # Errors
    /// As [`Self::unlock`].
    pub fn unlock_together(&mut self, came: &[(GroupId, &[Share])]) -> Result<(), VaultError> {
        let record = self.authority()?;
        let mut secrets = Vec::new();
        let mut people = Vec::new();
        for &(group, shares) in came {
            let entry = record.group(group).ok_or(VaultError::NoSecret(group))?;
            let comes = |other: &GroupId| {
                self.groups.contains_key(other) || came.iter().any(|(group, _)| group == other)
            };
            if !group.together().iter().all(comes) {
                return Err(VaultError::OnlyTogether(group));
            }
            for member in &entry.members {
                let came = shares.iter().any(|share| share.x == member.x);
                let active = record
                    .card(member.card)
                    .is_some_and(|card| card.state == CardState::Active);
                if came && !active {
                    return Err(VaultError::Barred(member.card));
                }
            }
            secrets.push((group, share::combine(record.station, entry, shares)?));
            // Those whose shares were looked at, and nobody else.
            let proven = shares.iter().take(entry.m.into());
            let member = |share: &Share| entry.members.iter().find(|member| member.x == share.x);
            let cards = proven.filter_map(|share| record.card(member(share)?.card));
            people.push((group, cards.map(|card| card.person).collect()));
        }
        self.groups.extend(secrets);
        self.came.extend(people);
        let opened = match self.rescue {
            Some(_) => self.survey_compartments(),
            None => self.open_compartments(),
        };
        if opened.is_err() {
            for (group, _) in came {
                self.lock_group(*group);
            }
        }
        opened
    }

    /// Logs one group off, and those that open nothing without it: whatever
    /// only they opened is wiped.
    pub fn lock_group(&mut self, group: GroupId) {
        for one in group.together() {
            self.groups.remove(one);
            self.came.remove(one);
        }
        self.close_what_nobody_opens();
    }

    pub(super) fn close_what_nobody_opens(&mut self) {
        let have: BTreeSet<GroupId> = self.groups.keys().copied().collect();
        let opens =
            |sets: &'static [Openers]| sets.iter().any(|set| set.iter().all(|g| have.contains(g)));
        self.open.retain(|compartment, open| {
            if !opens(compartment.writers()) {
                open.writer = None;
            }
            opens(compartment.readers())
        });
        if self.groups.is_empty() {
            self.station_key = None;
            self.renewal = None;
        }
    }

    /// Logs everybody off and wipes all keys.
    pub fn lock(&mut self) {
        self.groups.clear();
        self.came.clear();
        self.open.clear();
        self.station_key = None;
        self.renewal = None;
    }

    fn open_compartments(&mut self) -> Result<(), VaultError> {
        let all: Vec<Compartment> = Compartment::of(self.authority()?).collect();
        for compartment in all {
            if !self.open.contains_key(&compartment) {
                let Some(data) = self.unwrap_key("data", compartment, compartment.readers())?
                else {
                    continue;
                };
                let opened = self.check_compartment(compartment, data)?;
                self.open.insert(compartment, opened);
            }
            let writer = match self.open.get(&compartment) {
                Some(open) if open.writer.is_none() => self.unwrap_writer(compartment)?,
                _ => continue,
            };
            if let Some(open) = self.open.get_mut(&compartment) {
                open.writer = writer;
            }
        }
        if self.station_key.is_none() && self.open.contains_key(&Compartment::Station) {
            let id = genesis::STATION_KEY;
            self.station_key = Some(self.get_secret(Compartment::Station, id)?);
        }
        Ok(())
    }

    /// Unwraps a compartment's key with the first set of groups that is
    /// complete.
    fn unwrap_key(
        &self,
        purpose: &str,
        compartment: Compartment,
        sets: &'static [Openers],
    ) -> Result<Option<Secret>, VaultError> {
        let Some(openers) = sets
            .iter()
            .find(|set| set.iter().all(|g| self.groups.contains_key(g)))
        else {
            return Ok(None);
        };
        let record = self.authority()?;
        let bytes = self
            .store
            .get(&place::wrap(purpose, compartment, openers))?
            .ok_or(VaultError::Missing("wrapped key"))?;
        let pinned = record
            .writer(compartment.name())
            .ok_or(VaultError::Root(compartment))?;
        wrap::open(
            record,
            purpose,
            compartment,
            pinned.epoch,
            openers,
            &self.groups,
            &bytes,
        )
        .map(Some)
    }

    /// Unwraps a compartment's writer key, and compares it with the pinned
    /// one: a root signed by another would lock everybody out.
    fn unwrap_writer(&self, compartment: Compartment) -> Result<Option<Secret>, VaultError> {
        let Some(writer) = self.unwrap_key("writer", compartment, compartment.writers())? else {
            return Ok(None);
        };
        let pair = KeyPair::from_secret(writer.duplicate())
            .map_err(|_| VaultError::Crypto("the writer key"))?;
        let pinned = self
            .authority()?
            .writer(compartment.name())
            .map(|w| w.key.0);
        if pinned == Some(*pair.public()) {
            Ok(Some(writer))
        } else {
            Err(VaultError::Forged {
                what: format!("{compartment} writer key"),
            })
        }
    }

    /// Opens a compartment's state and adds up its records, or begins to.
    fn check_compartment(
        &self,
        compartment: Compartment,
        data: Secret,
    ) -> Result<Open, VaultError> {
        let record = self.authority()?;
        let state = self.compartment_state(compartment)?;
        let epoch = state.root.epoch;
        let roots = RootKeys::derive(&data)?;
        let wrong = || VaultError::Root(compartment);

        let binding = sum_binding(record.station, compartment, epoch, state.root.count);
        let sealed = state.sum.open(&data, &binding)?;
        let stored = Sum {
            count: state.root.count,
            value: sealed.expose().try_into().map_err(|_| wrong())?,
        };
        if roots.shown(compartment, epoch, &stored)? != state.root.mac {
            return Err(wrong());
        }
        let work = Adding::new(compartment, roots.duplicate(), stored);
        let records = match self.store.reader().filter(|_| work.is_long()) {
            Some(reader) => Records::Adding(work.behind(reader)),
            None => Records::Known(work.add_up(&|prefix, each| self.store.scan(prefix, each))?),
        };
        Ok(Open {
            epoch,
            data,
            roots,
            writer: None,
            sum: stored,
            records,
        })
    }

    /// How many records of large compartments are added up so far, and of how
    /// many; nothing when all is done.
    ///
    /// # Errors
    /// [`VaultError::Root`] for a compartment that comes to something else.
    pub fn adding_up(&mut self) -> Result<Option<(u64, u64)>, VaultError> {
        let mut left = (0, 0);
        for open in self.open.values_mut() {
            let Records::Adding(behind) = &mut open.records else {
                continue;
            };
            match behind.result() {
                Some(kinds) => open.records = Records::Known(kinds?),
                None => {
                    let (done, of) = behind.progress();
                    left = (left.0 + done, left.1 + of);
                }
            }
        }
        Ok((left.1 > 0).then_some(left))
    }
}
