//! The vault: compartments that a quorum opens, records that cannot be
//! swapped unnoticed, and the journal that says what happened.
//!
//! `docs/vault-format.md` describes every byte, so that a stranger with a
//! quorum can decode a vault.

mod adding;
mod backup;
pub mod batch_key;
mod commit;
pub mod compartment;
mod copy;
pub mod engine;
mod erasable;
mod error;
mod finding;
pub mod format;
pub mod forms;
pub mod genesis;
pub mod guard;
mod history;
mod kinds;
mod layer;
mod parts;
mod place;
mod reading;
mod recovery;
mod renewal;
mod rescue;
mod root;
mod seal;
mod share;
mod words;
mod wrap;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conclave_crypto::primitive::derive;
use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::primitive::shamir::Share;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::authority::{AuthorityRecord, CardEntry, CardState, SignedAuthority};
use conclave_evidence::journal::Head;
use conclave_evidence::locked::LockedRuns;
use conclave_evidence::{GroupId, Hash, Id, cbor};

pub use commit::{Batch, NewEntry};
pub use compartment::Compartment;
pub use copy::{CopyContent, open_share_of, share_place};
pub use error::VaultError;
pub use finding::{KeyTraits, KeysOf};
pub use history::{EntryBody, FORGED_WHILE_LOCKED, OpenEntry, OpenIntent};
pub use reading::Seen;
pub use recovery::{AnchorFit, Fork};
pub(crate) use recovery::{GIVEN_UP, given_up_digest};
pub use renewal::{NewGroup, Receipt, Renewal};
pub use rescue::{Damaged, JournalSurvey, RecordHeader, RootFit, Survey, is_damage, record_header};
pub use words::{WordKeys, WordsError};

use crate::ports::clock::Clock;
use crate::ports::store::{Store, Write};
use adding::{Adding, Behind};
use compartment::Openers;
use kinds::Kinds;
use layer::Layered;
use root::{RootKeys, Sum};
use seal::{Binding, Sealed};
use share::SealedShare;

/// Bytes of the disk that have to be free when an act begins. Where there are
/// fewer, only the journal goes on, with who came and what was refused, and
/// acts that are wanted on a full disk.
pub const AUDIT_RESERVE: u64 = 8 << 20;

/// What the vault needs of the world besides its store.
pub struct Surroundings {
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// The random source, health-tested.
    pub random: Box<dyn RandomSource + Send>,
    /// A random id of this run of the program.
    pub boot: Id,
}

/// The station's repository.
pub struct Vault {
    store: Layered,
    world: Surroundings,
    station: Option<Station>,
    /// Secrets of the groups that are logged on.
    groups: BTreeMap<GroupId, Secret>,
    /// Whose shares those secrets were made of.
    came: BTreeMap<GroupId, Vec<Id>>,
    /// Compartments that those groups open.
    open: BTreeMap<Compartment, Open>,
    /// The station's signing key, while any group is logged on.
    station_key: Option<Secret>,
    /// A re-share that is being made, until it is durable or given up.
    renewal: Option<renewal::Prepared>,
    /// What a recovery that is going on gives up.
    fork: Option<Fork>,
    /// Nothing is written any more: what was found by looking.
    rescue: Option<rescue::Rescue>,
}

/// What is public before anybody logs on.
struct Station {
    chain: Vec<SignedAuthority>,
    record: AuthorityRecord,
    authority: Hash,
    next_seq: u64,
    last_entry: Hash,
    head: Option<Head>,
    locked: LockedRuns,
}

/// An open compartment.
struct Open {
    epoch: u32,
    data: Secret,
    roots: RootKeys,
    writer: Option<Secret>,
    sum: Sum,
    /// Its records by kind, once they are added up.
    records: Records,
}

/// A compartment's records, from the unlocking on.
enum Records {
    /// They are being added up.
    Adding(Behind),
    /// They agree with the root.
    Known(Kinds),
}

/// A compartment's state as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct CompartmentState {
    root: conclave_evidence::journal::RootEntry,
    sum: Sealed,
}

impl Vault {
    /// Opens a repository and checks everything that is checkable before
    /// anybody logs on: the authority chain, the journal's chain from its
    /// first entry, the newest head's signature.
    ///
    /// # Errors
    /// [`VaultError::Authority`] and [`VaultError::Journal`] name the place
    /// that does not verify; [`VaultError::NewerFormat`].
    pub fn open(mut store: Box<dyn Store>, world: Surroundings) -> Result<Self, VaultError> {
        // What a newer program has written is not even looked at.
        format::bring_up(&mut *store, &format::STEPS)?;
        let mut vault = Self::over(store, world);
        vault.begin()?;
        Ok(vault)
    }

    fn over(store: Box<dyn Store>, world: Surroundings) -> Self {
        Self {
            store: Layered::over(store),
            world,
            station: None,
            groups: BTreeMap::new(),
            came: BTreeMap::new(),
            open: BTreeMap::new(),
            station_key: None,
            renewal: None,
            fork: None,
            rescue: None,
        }
    }

    fn begin(&mut self) -> Result<(), VaultError> {
        self.clear_leftovers()?;
        self.station = self.load_station()?;
        Ok(())
    }

    /// TRUE while no station was initialised here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.station.is_none()
    }

    fn station(&self) -> Result<&Station, VaultError> {
        self.station.as_ref().ok_or(VaultError::Empty)
    }

    /// The newest authority record.
    ///
    /// # Errors
    /// [`VaultError::Empty`]
    pub fn authority(&self) -> Result<&AuthorityRecord, VaultError> {
        Ok(&self.station()?.record)
    }

    /// The digest of the newest authority record, which approvals and anchors
    /// name.
    ///
    /// # Errors
    /// [`VaultError::Empty`]
    pub fn authority_hash(&self) -> Result<Hash, VaultError> {
        Ok(self.station()?.authority)
    }

    /// All authority records from genesis on.
    ///
    /// # Errors
    /// [`VaultError::Empty`]
    pub fn authority_chain(&self) -> Result<&[SignedAuthority], VaultError> {
        Ok(&self.station()?.chain)
    }

    /// The random source.
    pub fn random(&mut self) -> &mut dyn RandomSource {
        self.world.random.as_mut()
    }

    /// The clocks.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.world.clock.as_ref()
    }

    /// The same, to be looked at while the vault is at work.
    #[must_use]
    pub fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.world.clock)
    }

    /// The repository's format.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn format(&self) -> Result<u32, VaultError> {
        format::read(self.store.get(place::FORMAT)?)
    }

    /// A fresh random id.
    ///
    /// # Errors
    /// [`VaultError::Random`]
    pub fn new_id(&mut self) -> Result<Id, VaultError> {
        let mut id = [0u8; 16];
        self.world
            .random
            .public(&mut id)
            .map_err(|_| VaultError::Random)?;
        Ok(Id(id))
    }

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

    fn close_what_nobody_opens(&mut self) {
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

    /// The groups that are logged on.
    #[must_use]
    pub fn open_groups(&self) -> Vec<GroupId> {
        self.groups.keys().copied().collect()
    }

    /// The people whose shares opened this group, by their records in the
    /// directory; nobody where it is not logged on, or was founded just now.
    #[must_use]
    pub fn people_of(&self, group: GroupId) -> &[Id] {
        self.came.get(&group).map_or(&[], Vec::as_slice)
    }

    /// The compartments that are open.
    #[must_use]
    pub fn open_compartments_list(&self) -> Vec<Compartment> {
        self.open.keys().copied().collect()
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

    fn compartment_state(&self, compartment: Compartment) -> Result<CompartmentState, VaultError> {
        let bytes = self
            .store
            .get(&place::compartment(compartment))?
            .ok_or(VaultError::Missing("compartment"))?;
        let state: CompartmentState =
            cbor::from_slice(&bytes).map_err(|_| VaultError::Malformed("compartment"))?;
        history::check_root(self.authority()?, compartment, &state.root)?;
        Ok(state)
    }

    fn opened(&self, compartment: Compartment) -> Result<&Open, VaultError> {
        self.open
            .get(&compartment)
            .ok_or(VaultError::Closed(compartment))
    }

    /// A secret that belongs to an open compartment and to `purpose`, for the
    /// provider that keeps its keys under it.
    ///
    /// # Errors
    /// [`VaultError::Closed`]
    pub(crate) fn derived(
        &self,
        compartment: Compartment,
        purpose: &str,
    ) -> Result<Secret, VaultError> {
        derived_from(&self.opened(compartment)?.data, purpose)
    }

    /// FALSE when the disk has less room than an act has to find.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.store.room().is_none_or(|bytes| bytes >= AUDIT_RESERVE)
    }

    /// Writes that are public or sealed already, outside of any record.
    pub(crate) fn write(&mut self, writes: &[Write]) -> Result<(), VaultError> {
        if self.is_frozen() {
            return Err(VaultError::Rescue);
        }
        Ok(self.store.commit(writes)?)
    }
}

fn derived_from(data: &Secret, purpose: &str) -> Result<Secret, VaultError> {
    derive::hkdf(data.expose(), &[], &[purpose.as_bytes()], 32)
        .map_err(|_| VaultError::Crypto("derivation"))
}

/// The purpose of a record's binding.
const RECORD: &str = "conclave/record/1";

fn sum_binding(station: Id, compartment: Compartment, epoch: u32, count: u64) -> Binding {
    Binding {
        purpose: "conclave/root-sum/1".into(),
        station,
        compartment,
        epoch,
        kind: String::new(),
        id: Id([0; 16]),
        version: count,
    }
}
