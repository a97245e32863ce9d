//! A founded station with its people, for tests of the vault and the door.
//!
//! Fourteen people hold software cards: P-256 key pairs for 9A, 9C and 9D,
//! with no PIN before them. Everything is drawn from a seed, so a failure
//! repeats itself.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test takes what it needs, and may stop at the first surprise"
)]

#[path = "absent.rs"]
mod absent;
#[path = "memory.rs"]
pub mod memory;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use conclave_crypto::primitive::derive::sha256;
use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::primitive::shamir::Share;
use conclave_crypto::secret::{RandomError, RandomSource, Secret};
use conclave_evidence::approval::SignedApproval;
use conclave_evidence::authority::{CardEntry, CardSignature, Mode};
use conclave_evidence::journal::SignedAnchor;
use conclave_evidence::{GroupId, Hash, Id, Point, Signature};
use conclave_keyroom::domain::custodian_form::DutiesStamp;
use conclave_keyroom::domain::people::Person;
use conclave_keyroom::door::{Action, CameQuorum, Door, DoorError, Proposal, StopFlag, Warrant};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::clock::Clock;
use conclave_keyroom::ports::programs::NoPrograms;
use conclave_keyroom::ports::store::Store;
use conclave_keyroom::provider::SoftwareProvider;
use conclave_keyroom::vault::engine::SledStore;
use conclave_keyroom::vault::genesis::{Founded, Founding, NewCard};
use conclave_keyroom::vault::{Compartment, FORGED_WHILE_LOCKED, Surroundings, Vault, VaultError};

pub use absent::{NoMedia, NoPrinters};
pub use memory::{Content, MemoryStore};

/// The people by name, and their groups.
pub const STAFF: [(&str, &[GroupId]); 14] = [
    ("Ada", &[GroupId::Administrators, GroupId::Approvers]),
    ("Ben", &[GroupId::Administrators, GroupId::Approvers]),
    ("Cid", &[GroupId::Administrators, GroupId::Approvers]),
    ("Dora", &[GroupId::KeyManagers]),
    ("Emil", &[GroupId::KeyManagers]),
    ("Fay", &[GroupId::KeyManagers]),
    ("Gus", &[GroupId::CustodiansA]),
    ("Hana", &[GroupId::CustodiansB]),
    ("Ivo", &[GroupId::CustodiansC]),
    ("Jana", &[GroupId::Auditors]),
    ("Kim", &[GroupId::Auditors]),
    ("Lea", &[GroupId::Recovery]),
    ("Max", &[GroupId::Recovery]),
    ("Nora", &[GroupId::Recovery]),
];

/// Who comes on top where the station has a PIN room, one of two each.
pub const PIN_STAFF: [(&str, &[GroupId]); 4] = [
    ("Olga", &[GroupId::PinOperators]),
    ("Pavel", &[GroupId::PinOperators]),
    ("Quinn", &[GroupId::PinSupervisors]),
    ("Rosa", &[GroupId::PinSupervisors]),
];

/// The first moment: 2026-01-01 00:00 UTC, in milliseconds.
pub const START_MS: u64 = 1_767_225_600_000;

/// The groups that hold a secret.
pub const SECRET_GROUPS: [GroupId; 5] = [
    GroupId::Administrators,
    GroupId::KeyManagers,
    GroupId::Approvers,
    GroupId::Auditors,
    GroupId::Recovery,
];

/// Bytes that repeat themselves: SHA-256 over seed and counter.
pub struct Seeded {
    seed: u64,
    counter: u64,
}

impl Seeded {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: 0 }
    }
}

impl RandomSource for Seeded {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        for chunk in buf.chunks_mut(32) {
            self.counter += 1;
            let bytes = sha256(&[&self.seed.to_be_bytes(), &self.counter.to_be_bytes()]);
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}

/// The secrets of 16 bytes and more that a station has drawn.
pub type Drawn = Arc<Mutex<Vec<Vec<u8>>>>;

/// Keeps every secret that it gives out, for whoever looks for them.
struct Recording {
    inner: Seeded,
    drawn: Drawn,
}

impl RandomSource for Recording {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.inner.public(buf)
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.inner.secret(buf)?;
        if buf.len() >= 16 {
            self.drawn.lock().unwrap().push(buf.to_vec());
        }
        Ok(())
    }
}

/// A clock that a test sets.
#[derive(Clone)]
pub struct TestClock {
    /// Milliseconds since [`START_MS`] that really passed.
    passed: Arc<AtomicU64>,
    /// What the wall clock shows at its beginning.
    wall: Arc<AtomicU64>,
}

impl TestClock {
    fn new() -> Self {
        Self {
            passed: Arc::default(),
            wall: Arc::new(AtomicU64::new(START_MS)),
        }
    }

    /// Sets the wall clock; the other one goes on as before.
    pub fn set(&self, wall_ms: u64) {
        let passed = self.mono_ms();
        self.wall
            .store(wall_ms.wrapping_sub(passed), Ordering::SeqCst);
    }

    /// Lets time pass.
    pub fn pass(&self, ms: u64) {
        self.passed.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn wall_ms(&self) -> u64 {
        let wall = self.wall.load(Ordering::SeqCst);
        wall.wrapping_add(self.mono_ms())
    }

    fn mono_ms(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }
}

/// A card without a PIN.
pub struct SoftCard {
    /// Its GUID.
    pub card: Id,
    /// Slot 9A.
    pub auth_9a: KeyPair,
    /// Slot 9C.
    pub sign_9c: KeyPair,
    /// Slot 9D.
    pub agree_9d: KeyPair,
}

impl SoftCard {
    /// A card with fresh keys.
    pub fn new(random: &mut dyn RandomSource) -> Self {
        Self {
            card: Id(random_array(random)),
            auth_9a: KeyPair::generate(random).unwrap(),
            sign_9c: KeyPair::generate(random).unwrap(),
            agree_9d: KeyPair::generate(random).unwrap(),
        }
    }

    /// A 9C signature.
    pub fn sign(&self, digest: &Hash) -> Signature {
        Signature(self.sign_9c.sign(&digest.0).unwrap())
    }
}

fn random_array<const N: usize>(random: &mut dyn RandomSource) -> [u8; N] {
    let mut bytes = [0u8; N];
    random.public(&mut bytes).unwrap();
    bytes
}

/// A person with their card.
pub struct Holder {
    /// As the directory has them.
    pub person: Person,
    /// Their card.
    pub card: SoftCard,
}

/// Where a room keeps its repository.
enum Place {
    Folder(PathBuf),
    Memory(MemoryStore),
}

/// A founded station.
pub struct Room {
    /// The people, in the order of [`STAFF`].
    pub people: Vec<Holder>,
    /// The clock of the station.
    pub clock: TestClock,
    /// What the station has drawn since the room is there.
    pub drawn: Drawn,
    door: Option<Door>,
    place: Place,
    runs: u64,
    temporary: Option<tempfile::TempDir>,
}

impl Room {
    /// Founds a station in a folder, on the real store.
    pub fn found(folder: &Path) -> Self {
        Self::found_at(Place::Folder(folder.to_owned()))
    }

    /// The people of the station whose repository stands in this folder. What
    /// they draw is not what they drew before.
    pub fn returning(folder: &Path, runs: u64) -> Result<Self, VaultError> {
        let mut room = Self::unopened(Place::Folder(folder.to_owned()));
        room.runs = runs;
        room.try_reopen()?;
        Ok(room)
    }

    /// Founds a station in a temporary folder that goes with the room.
    pub fn temporary() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut room = Self::found(&folder.path().join("repository"));
        room.temporary = Some(folder);
        room
    }

    /// Founds a station in memory.
    pub fn in_memory() -> Self {
        Self::found_in(MemoryStore::default())
    }

    /// Founds a station in this store.
    pub fn found_in(store: MemoryStore) -> Self {
        Self::found_at(Place::Memory(store))
    }

    /// Founds a station in memory that has a PIN room.
    pub fn with_pin_room() -> Self {
        let mut room = Self::unopened_with(Place::Memory(MemoryStore::default()), true);
        room.reopen();
        room.try_found().unwrap();
        room
    }

    /// The people of a station with a PIN room whose repository stands in this
    /// folder, or is founded in it.
    pub fn with_pin_room_in(folder: &Path) -> Self {
        let mut room = Self::unopened_with(Place::Folder(folder.to_owned()), true);
        room.reopen();
        if room.vault().is_empty() {
            room.try_found().unwrap();
        }
        room
    }

    /// A station in memory, closed as after its founding: a copy of one that is
    /// founded once for all who ask, with or without a PIN room.
    pub fn copied(pin_room: bool) -> Self {
        static FOUNDED: [OnceLock<Content>; 2] = [const { OnceLock::new() }; 2];
        let content = FOUNDED[usize::from(pin_room)].get_or_init(|| {
            let founded = match pin_room {
                true => Self::with_pin_room(),
                false => Self::in_memory(),
            };
            founded.memory().content()
        });
        let store = MemoryStore::holding(content.clone());
        let mut room = Self::unopened_with(Place::Memory(store), pin_room);
        // The run of the founding is over.
        room.runs = 1;
        room.reopen();
        room
    }

    fn found_at(place: Place) -> Self {
        let mut room = Self::unfounded(place);
        room.try_found().unwrap();
        room
    }

    /// The people of a station that does not exist yet.
    pub fn before_founding(store: MemoryStore) -> Self {
        Self::unfounded(Place::Memory(store))
    }

    /// The people of a station that does not exist yet, on the real store.
    pub fn before_founding_in(folder: &Path) -> Self {
        Self::unfounded(Place::Folder(folder.to_owned()))
    }

    fn unfounded(place: Place) -> Self {
        let mut room = Self::unopened(place);
        room.reopen();
        room
    }

    fn unopened(place: Place) -> Self {
        Self::unopened_with(place, false)
    }

    fn unopened_with(place: Place, pin_room: bool) -> Self {
        let mut random = Seeded::new(0xC0);
        let more: &[(&str, &[GroupId])] = if pin_room { &PIN_STAFF } else { &[] };
        let people = STAFF
            .iter()
            .chain(more)
            .map(|(name, groups)| Holder {
                person: Person {
                    id: Id(random_array(&mut random)),
                    name: (*name).into(),
                    reports_to: String::new(),
                    roles: groups.iter().copied().collect(),
                },
                card: SoftCard::new(&mut random),
            })
            .collect();
        Self {
            people,
            clock: TestClock::new(),
            drawn: Drawn::default(),
            door: None,
            place,
            runs: 0,
            temporary: None,
        }
    }

    /// What the people decide. Ids are drawn from a seed, like everything.
    pub fn founding(&self) -> Founding {
        let mut random = Seeded::new(0xF0);
        let groups: BTreeMap<GroupId, u8> = self
            .people
            .iter()
            .flat_map(|holder| holder.person.roles.iter().copied())
            .map(|group| (group, if group.opens_alone() { 2 } else { 1 }))
            .collect();
        let cards = self.people.iter().map(|holder| NewCard {
            card: holder.card.card,
            person: holder.person.id,
            auth_key_9a: Point(*holder.card.auth_9a.public()),
            sign_key_9c: Point(*holder.card.sign_9c.public()),
            agree_key_9d: Point(*holder.card.agree_9d.public()),
            puk: Secret::take(&mut random_array::<8>(&mut random)),
            management_key: Secret::take(&mut random_array::<24>(&mut random)),
        });
        Founding {
            cards: cards.collect(),
            words: Vec::new(),
            records: Vec::new(),
            station: Id(random_array(&mut random)),
            name: "Training room".into(),
            mode: Mode::Test,
            groups,
            people: self.people.iter().map(|h| h.person.clone()).collect(),
            ca_key: random.secret_bytes(32).unwrap(),
            ca_certificate: b"no certificate here".to_vec(),
            duties: DutiesStamp {
                stamp: "custodian v1".into(),
                digest: Hash([0xD7; 32]),
            },
        }
    }

    /// Founds the station, signed by Ada and Ben, finishes the cards, and logs
    /// everybody off.
    pub fn try_found(&mut self) -> Result<(), VaultError> {
        let founding = self.founding();
        let mut founded = self.door_mut().found(founding)?;
        let digest = founded.digest()?;
        for name in ["Ada", "Ben"] {
            let card = &self.holder(name).card;
            founded.sign(CardSignature {
                card: card.card,
                signature: card.sign(&digest),
            });
        }
        self.management_signs(&mut founded);
        self.door_mut().commit_founding(founded)?;
        self.sign_forms()?;
        self.door_mut().finish_genesis()?;
        self.door_mut().logout("founded").map_err(vault_error)
    }

    /// Ada signs the custodians' forms for management.
    pub fn management_signs(&self, founded: &mut Founded) {
        let ada = &self.holder("Ada").card;
        let digests = founded.forms.digests().unwrap();
        let signatures = digests.iter().map(|digest| CardSignature {
            card: ada.card,
            signature: ada.sign(digest),
        });
        founded.forms.sign(signatures.collect());
    }

    /// The custodians sign their forms.
    pub fn sign_forms(&mut self) -> Result<(), VaultError> {
        let people: Vec<Id> = self.people.iter().map(|h| h.person.id).collect();
        for (at, person) in people.into_iter().enumerate() {
            let Some(form) = self.vault().form_to_sign(person)? else {
                continue;
            };
            let card = &self.people[at].card;
            let signed = CardSignature {
                card: card.card,
                signature: card.sign(&form.text.digest().unwrap()),
            };
            self.door_mut().complete_form(form, signed)?;
        }
        Ok(())
    }

    /// The door.
    pub fn door(&self) -> &Door {
        self.door.as_ref().unwrap()
    }

    /// The door, to act.
    pub fn door_mut(&mut self) -> &mut Door {
        self.door.as_mut().unwrap()
    }

    /// The vault, to read.
    pub fn vault(&self) -> &Vault {
        self.door().vault()
    }

    /// One of the people.
    pub fn holder(&self, name: &str) -> &Holder {
        self.people
            .iter()
            .find(|holder| holder.person.name == name)
            .unwrap()
    }

    /// TRUE for one of the people of this station.
    pub fn has(&self, name: &str) -> bool {
        self.people.iter().any(|holder| holder.person.name == name)
    }

    /// A person's card as the authority record has it.
    pub fn entry(&self, name: &str) -> CardEntry {
        let card = self.holder(name).card.card;
        self.vault()
            .authority()
            .unwrap()
            .card(card)
            .unwrap()
            .clone()
    }

    /// Stops the program without a word, and starts it again.
    pub fn reopen(&mut self) {
        self.try_reopen().unwrap();
    }

    /// Stops the program, and starts it on what is in the store now.
    pub fn try_reopen(&mut self) -> Result<(), VaultError> {
        self.close();
        self.runs += 1;
        let store: Box<dyn Store> = match &self.place {
            Place::Folder(folder) => Box::new(SledStore::open(folder)?),
            Place::Memory(store) => Box::new(store.clone()),
        };
        let mut random = Seeded::new(0x5EED_0000 + self.runs);
        let boot = Id(random_array(&mut random));
        let vault = Vault::open(
            store,
            Surroundings {
                clock: Arc::new(self.clock.clone()),
                random: Box::new(Recording {
                    inner: random,
                    drawn: Arc::clone(&self.drawn),
                }),
                boot,
            },
        )?;
        let provider = Box::new(SoftwareProvider::default());
        self.door = Some(Door::new(vault, provider, Arc::new(StopFlag::default())));
        Ok(())
    }

    /// Stops the program without a word.
    pub fn close(&mut self) {
        self.door = None;
    }

    /// The store in memory that this room has.
    pub fn memory(&self) -> &MemoryStore {
        match &self.place {
            Place::Memory(store) => store,
            Place::Folder(_) => panic!("this room is in a folder"),
        }
    }

    /// The folder that this room has.
    pub fn folder(&self) -> &Path {
        match &self.place {
            Place::Folder(folder) => folder,
            Place::Memory(_) => panic!("this room is in memory"),
        }
    }

    /// One person's share of a group, opened with their card.
    pub fn try_share(&self, group: GroupId, name: &str) -> Result<Share, VaultError> {
        let card = &self.holder(name).card;
        self.door().open_share(group, &self.entry(name), |point| {
            card.agree_9d
                .diffie_hellman(point)
                .map_err(|_| VaultError::Crypto("the card"))
        })
    }

    /// One person's share of a group.
    pub fn share(&self, group: GroupId, name: &str) -> Share {
        self.try_share(group, name).unwrap()
    }

    /// Logs a group on with these people.
    pub fn try_logon(&mut self, group: GroupId, names: &[&str]) -> Result<(), VaultError> {
        let shares = names
            .iter()
            .map(|name| self.try_share(group, name))
            .collect::<Result<Vec<_>, _>>()?;
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        self.door_mut().logon(group, &shares, &names)
    }

    /// Logs a group on with these people.
    pub fn logon(&mut self, group: GroupId, names: &[&str]) {
        self.try_logon(group, names).unwrap();
    }

    /// Logs on the first two of each of these groups.
    pub fn logon_all(&mut self, groups: &[GroupId]) {
        for group in groups {
            let names = self.members(*group);
            self.logon(*group, &names[..2]);
        }
    }

    /// Logs an operator and a supervisor on, together.
    pub fn try_pin_logon(&mut self, operator: &str, supervisor: &str) -> Result<(), VaultError> {
        let [operators, supervisors] = GroupId::PIN_ROOM;
        let shares = [
            [self.try_share(operators, operator)?],
            [self.try_share(supervisors, supervisor)?],
        ];
        let names = [[operator.to_owned()], [supervisor.to_owned()]];
        self.door_mut().logon_together(&[
            CameQuorum {
                group: operators,
                shares: &shares[0],
                members: &names[0],
            },
            CameQuorum {
                group: supervisors,
                shares: &shares[1],
                members: &names[1],
            },
        ])
    }

    /// Logs the first operator and the first supervisor on.
    pub fn logon_pin_room(&mut self) {
        self.try_pin_logon("Olga", "Quinn").unwrap();
    }

    /// The names of a group's members.
    pub fn members(&self, group: GroupId) -> Vec<&'static str> {
        STAFF
            .iter()
            .chain(&PIN_STAFF)
            .filter(|(_, groups)| groups.contains(&group))
            .map(|(name, _)| *name)
            .collect()
    }

    /// Logs everybody off.
    pub fn logout(&mut self) {
        self.door_mut().logout("the test says so").unwrap();
    }

    /// Proposes an action.
    pub fn propose<A: Action>(&mut self, action: &A) -> Proposal {
        self.door_mut().propose(action).unwrap()
    }

    /// One person's signature over a proposal, as a member of a group.
    pub fn approval(&self, proposal: &Proposal, name: &str, group: GroupId) -> SignedApproval {
        let vault = self.vault();
        let approval = proposal.approval(
            vault.authority().unwrap(),
            vault.authority_hash().unwrap(),
            &self.entry(name),
            group,
        );
        let signature = self.holder(name).card.sign(&approval.digest().unwrap());
        SignedApproval {
            approval,
            signature,
        }
    }

    /// The signatures of these people over a proposal.
    pub fn approve(&self, proposal: &Proposal, signers: &[(&str, GroupId)]) -> Vec<SignedApproval> {
        signers
            .iter()
            .map(|(name, group)| self.approval(proposal, name, *group))
            .collect()
    }

    /// Performs an action with this warrant, and no printer or medium.
    pub fn perform<A: Action>(
        &mut self,
        action: &A,
        warrant: &Warrant,
    ) -> Result<A::Out, DoorError> {
        let (mut printers, mut media) = (NoPrinters, NoMedia);
        let mut ports = Ports {
            printers: &mut printers,
            media: &mut media,
            programs: &mut NoPrograms,
        };
        self.door_mut()
            .perform(action, warrant, Vec::new(), &mut ports)
    }

    /// Performs an action. With signers it is proposed and signed first.
    pub fn perform_with<A: Action>(
        &mut self,
        action: &A,
        signers: &[(&str, GroupId)],
    ) -> Result<A::Out, DoorError> {
        let mut warrant = Warrant::default();
        if !signers.is_empty() {
            let proposal = self.door_mut().propose(action)?;
            warrant.approvals = self.approve(&proposal, signers);
            warrant.proposal = Some(proposal);
        }
        self.perform(action, &warrant)
    }

    /// The anchor that this person's card signs now.
    pub fn anchor(&self, name: &str) -> SignedAnchor {
        let card = &self.holder(name).card;
        let anchor = self.vault().anchor_for(card.card).unwrap();
        let digest = anchor.digest().unwrap();
        SignedAnchor {
            anchor,
            signature: Signature(card.auth_9a.sign(&digest.0).unwrap()),
        }
    }

    /// Opens a copy of a repository and looks at everything in it as these
    /// people can: every share, wrap, record, entry and anchor.
    pub fn examine(&self, content: Content) -> Result<(), VaultError> {
        let records: Vec<Vec<u8>> = content
            .keys()
            .filter(|key| key.starts_with(b"r/"))
            .cloned()
            .collect();
        let mut vault = Vault::open(
            Box::new(MemoryStore::holding(content)),
            Surroundings {
                clock: Arc::new(self.clock.clone()),
                random: Box::new(Seeded::new(0xE4)),
                boot: Id([0; 16]),
            },
        )?;
        if vault.is_empty() {
            return Err(VaultError::Empty);
        }
        for group in SECRET_GROUPS {
            let mut shares = Vec::new();
            for name in self.members(group) {
                let card = &self.holder(name).card;
                let entry = vault.authority()?.card(card.card).cloned();
                let entry = entry.ok_or(VaultError::Missing("card"))?;
                shares.push(vault.open_share(group, &entry, |point| {
                    card.agree_9d
                        .diffie_hellman(point)
                        .map_err(|_| VaultError::Crypto("the card"))
                })?);
            }
            vault.lock();
            vault.unlock(group, &shares)?;
        }
        // All together, in the order in which the pair opens what is a pair's.
        vault.lock();
        for group in SECRET_GROUPS {
            let names = self.members(group);
            let mut shares = Vec::new();
            for name in &names[..2] {
                let card = &self.holder(name).card;
                let entry = vault.authority()?.card(card.card).cloned();
                let entry = entry.ok_or(VaultError::Missing("card"))?;
                shares.push(vault.open_share(group, &entry, |point| {
                    card.agree_9d
                        .diffie_hellman(point)
                        .map_err(|_| VaultError::Crypto("the card"))
                })?);
            }
            vault.unlock(group, &shares)?;
        }
        if let [Some(_), Some(_)] =
            GroupId::PIN_ROOM.map(|group| vault.authority().ok().and_then(|r| r.group(group)))
        {
            let mut shares = Vec::new();
            for group in GroupId::PIN_ROOM {
                for name in &self.members(group)[..1] {
                    let card = &self.holder(name).card;
                    let entry = vault.authority()?.card(card.card).cloned();
                    let entry = entry.ok_or(VaultError::Missing("card"))?;
                    shares.push([vault.open_share(group, &entry, |point| {
                        card.agree_9d
                            .diffie_hellman(point)
                            .map_err(|_| VaultError::Crypto("the card"))
                    })?]);
                }
            }
            let [operators, supervisors] = GroupId::PIN_ROOM;
            vault.unlock_together(&[(operators, &shares[0]), (supervisors, &shares[1])])?;
        }
        for key in records {
            for compartment in Compartment::ALL {
                let prefix = format!("r/{compartment}/").into_bytes();
                if let Some(id) = key.strip_prefix(prefix.as_slice()) {
                    let id = id.try_into().map_err(|_| VaultError::Malformed("key"))?;
                    vault.check_record(compartment, Id(id))?;
                }
            }
        }
        for entry in vault.read_journal(0)? {
            let words = entry.body.map(|body| body.words).unwrap_or_default();
            if words.iter().any(|word| word == FORGED_WHILE_LOCKED) {
                return Err(VaultError::Journal(format!("entry {}", entry.header.seq)));
            }
        }
        for anchor in vault.anchors()? {
            let card = vault.authority()?.card(anchor.anchor.card).cloned();
            let card = card.ok_or(VaultError::Missing("card"))?;
            vault.check_anchor(&card, &anchor)?;
        }
        Ok(())
    }

    /// How many entries the journal has.
    pub fn entries(&self) -> usize {
        self.vault().entries(0).unwrap().len()
    }
}

fn vault_error(error: DoorError) -> VaultError {
    match error {
        DoorError::Vault(error) => error,
        other => panic!("{other}"),
    }
}
