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
mod unlock;
mod words;
mod wrap;

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_crypto::primitive::derive;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::authority::{AuthorityRecord, SignedAuthority};
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

use crate::domain::tries::Moment;
use crate::ports::clock::Clock;
use crate::ports::store::{Store, Write};
use adding::Behind;
use kinds::Kinds;
use layer::Layered;
use root::{RootKeys, Sum};
use seal::{Binding, Sealed};

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

    /// Now, by a clock that nobody sets.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment {
            boot: self.world.boot,
            mono_ms: self.world.clock.mono_ms(),
        }
    }

    /// The clocks, to be looked at while the vault is at work.
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
