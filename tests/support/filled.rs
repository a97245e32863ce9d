//! A training station whose repository is filled with keys, and its door opened
//! by the cards of both groups.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test takes what it needs, and may stop at the first surprise"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::GroupId::{Approvers, KeyManagers};
use conclave_evidence::Id;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, KeyRecord, KeySource, KeyState};
use conclave_keyroom::door::{Action, ActionError, Authority, Door, Permit, StopFlag, Warrant};
use conclave_keyroom::piv::PivCard;
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::card::CardReaders;
use conclave_keyroom::ports::clock::Clock;
use conclave_keyroom::ports::programs::NoPrograms;
use conclave_keyroom::provider::SoftwareProvider;
use conclave_keyroom::vault::engine::SledStore;
use conclave_keyroom::vault::{Compartment, Surroundings, Vault, VaultError};
use conclave_station::compose::random_source;
use conclave_station::config::TrainingConfig;
use conclave_station::host::clock::SystemClock;
use conclave_station::rescue::REPOSITORY;
use conclave_station::training_room::TrainingRoom;
use conclave_training::card::TrainingReaders;
use serde::{Deserialize, Serialize};

use crate::absent::{NoMedia, NoPrinters};
use crate::people::PIN;
use crate::stage::STAFF;

/// So many keys go into the repository at once.
const BATCH: u32 = 5_000;
const YEAR_MS: u64 = 365 * 86_400_000;

/// Puts keys on record, each with a value as long as a real one.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Fill {
    from: u32,
    count: u32,
    now_ms: u64,
}

/// The id of the key with this number.
pub fn id(n: u32) -> Id {
    // Spread over the store as random ids are.
    let mut id = [0xA5; 16];
    id[..4].copy_from_slice(&n.wrapping_mul(0x9E37_79B1).to_be_bytes());
    id[4..8].copy_from_slice(&n.to_be_bytes());
    Id(id)
}

/// The label of the key with this number.
pub fn label(n: u32) -> String {
    format!("BANK-{:03}.ZPK.{n:07}", n % 997)
}

/// The record by which the value of the key with this number is found: its id is
/// one more that is spread like random ones.
#[derive(Serialize, Deserialize)]
struct KeyMark {
    keys: Vec<Id>,
}

fn mark(n: u32) -> (Id, KeyMark) {
    let mut mark = id(n.reverse_bits());
    mark.0[15] = 0x5A;
    (mark, KeyMark { keys: vec![id(n)] })
}

fn record(n: u32, now_ms: u64) -> KeyRecord {
    KeyRecord {
        id: id(n),
        label: label(n),
        form: KeyForm::Tdes2,
        usage: "P0".into(),
        mode_of_use: "B".into(),
        exportability: "E".into(),
        template: "zpk-tdes2 v1".into(),
        kcv: CheckValue {
            value: format!("{:06X}", n.wrapping_mul(7919) & 0xFF_FFFF),
            method: "ENC-ZERO".into(),
        },
        state: KeyState::Active,
        provider: "software in locked memory".into(),
        ceremony: id(n ^ 0x5555),
        created_ms: now_ms,
        // Of a hundred keys one is due.
        expires_ms: match n % 100 {
            0 => now_ms + YEAR_MS / 6,
            n => now_ms + YEAR_MS + u64::from(n) * 86_400_000,
        },
        recipient_until_ms: None,
        wrapping: None,
        components: Vec::new(),
        source: KeySource::Here,
        rsa: None,
        successor: None,
        exports: Vec::new(),
        begun_under: std::collections::BTreeSet::new(),
        others: Vec::new(),
        reissued: None,
        compromise: None,
    }
}

impl Action for Fill {
    const NAME: &'static str = "fill";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(KeyManagers),
            Authority::Session(Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![format!("{} keys", self.count)]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        for n in self.from..self.from + self.count {
            let key = record(n, self.now_ms);
            permit.put(Compartment::Catalogue, KeyRecord::KIND, id(n), &key)?;
            permit.put(
                Compartment::Keys,
                KeyRecord::VALUE_KIND,
                id(n),
                &vec![7u8; 60],
            )?;
            let (at, mark) = mark(n);
            permit.put(Compartment::Keys, "key-mark", at, &mark)?;
        }
        Ok(())
    }
}

/// The door of the station in this folder; both groups of a ceremony are in.
pub fn door(folder: &Path) -> Door {
    let config = TrainingConfig {
        readers: 1,
        cards: u8::try_from(STAFF.len()).expect("few"),
        form_ms: 0,
    };
    let room = TrainingRoom::open(folder, &config).expect("the room");
    let mut random = random_source().expect("random");
    let mut boot = [0; 16];
    random.public(&mut boot).expect("random");
    let world = Surroundings {
        clock: Arc::new(SystemClock::default()),
        random,
        boot: Id(boot),
    };
    let store = SledStore::open(&folder.join(REPOSITORY)).expect("the store");
    let vault = Vault::open(Box::new(store), world).expect("the vault");
    let provider = Box::new(SoftwareProvider::default());
    let mut door = Door::new(vault, provider, Arc::new(StopFlag::default()));
    for (group, who) in [(KeyManagers, ["Dan", "Eva"]), (Approvers, ["Ada", "Ben"])] {
        let mut shares = Vec::new();
        for name in who {
            let at = STAFF.iter().position(|(n, ..)| *n == name).expect("staff");
            let card = room.cards.lock().expect("cards")[at].clone();
            room.readers.pull(0);
            room.readers.insert(&card, 0).expect("a free reader");
            let channel = room.readers.connect(&TrainingReaders::id(0)).expect("it");
            let mut piv = PivCard::open(channel).expect("a PIV card");
            let pin = Secret::from_fn(PIN.len(), |out| out.copy_from_slice(PIN));
            piv.verify_pin(&pin).expect("the PIN");
            let record = door.vault().authority().expect("a station");
            let entry = record.cards.iter().find(|c| c.person_name == name);
            let entry = entry.expect("a card").clone();
            let share = door.open_share(group, &entry, |point| {
                piv.ecdh(point).map_err(|_| VaultError::Crypto("the card"))
            });
            shares.push(share.expect("a share"));
        }
        let names = who.map(str::to_owned);
        door.logon(group, &shares, &names).expect("a logon");
    }
    door
}

/// Waits until every record is added up.
pub fn added_up(door: &mut Door) {
    while door.adding_up().expect("what was signed").is_some() {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Puts so many keys into the furnished station in this folder.
pub fn fill(folder: &Path, keys: u32) {
    let mut door = door(folder);
    let now_ms = SystemClock::default().wall_ms();
    for from in (0..keys).step_by(BATCH as usize) {
        let fill = Fill {
            from,
            count: BATCH.min(keys - from),
            now_ms,
        };
        let mut ports = Ports {
            printers: &mut NoPrinters,
            media: &mut NoMedia,
            programs: &mut NoPrograms,
        };
        door.perform(&fill, &Warrant::default(), Vec::new(), &mut ports)
            .expect("a full batch");
    }
    door.logout("made").expect("logged out");
}
