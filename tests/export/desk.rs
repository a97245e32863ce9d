//! A station whose export desk is played by hand: keys, sticks, signatures.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::room::{NoPrinters, Room, START_MS};
use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, KeyRecord, KeyState, WrappingMethod};
use conclave_keyroom::door::{Action, ActionError, Authority, DoorError, Permit, Warrant};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::Media;
use conclave_keyroom::ports::programs::NoPrograms;
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::Compartment;
use conclave_trades::media::EnrolMedium;
use conclave_trades::target::{BundleRecord, ExportKeys, ExportedBundle, KeyName, next_bundle};
use conclave_training::stick::{FolderStick, StickPorts};
use serde::{Deserialize, Serialize};

pub const DAY_MS: u64 = 24 * 60 * 60 * 1000;
pub const MANAGERS: [(&str, GroupId); 2] = [
    ("Dora", GroupId::KeyManagers),
    ("Emil", GroupId::KeyManagers),
];
pub const APPROVERS: [(&str, GroupId); 2] =
    [("Ada", GroupId::Approvers), ("Ben", GroupId::Approvers)];
pub const ADMINISTRATORS: [(&str, GroupId); 2] = [
    ("Ada", GroupId::Administrators),
    ("Ben", GroupId::Administrators),
];

/// The template whose keys have the value of the pair 06-07 of the test LMK.
pub const PUBLISHED: &str = "published v1";

/// Makes a key as a ceremony would leave it.
#[derive(Serialize, Deserialize)]
pub struct MakeKey {
    pub record: KeyRecord,
}

impl Action for MakeKey {
    const NAME: &'static str = "make-key";
    type Out = KeyRecord;

    fn authority(&self) -> Authority {
        Authority::Session(GroupId::KeyManagers)
    }

    fn words(&self) -> Vec<String> {
        Vec::new()
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<KeyRecord, ActionError> {
        let mut record = self.record.clone();
        let (provider, mark, random) = permit.provider();
        let made = if record.template == PUBLISHED {
            let mut pair = 0x6161_6161_6161_6161_7070_7070_7070_7070_u128.to_be_bytes();
            let clear = Secret::take(&mut pair);
            provider.store_imported(&mark, record.id, record.form, clear, random)?
        } else {
            provider.generate(&mark, record.id, record.form, random)?
        };
        record.kcv = CheckValue {
            value: made.kcv.hex(),
            method: made.kcv.method().to_string(),
        };
        permit.put(Compartment::Catalogue, KeyRecord::KIND, record.id, &record)?;
        permit.put(
            Compartment::Keys,
            KeyRecord::VALUE_KIND,
            record.id,
            &made.stored,
        )?;
        Ok(record)
    }
}

/// What no action of the product does: tells a key, for the oracle.
#[derive(Serialize, Deserialize)]
pub struct Tell {
    pub key: Id,
}

impl Action for Tell {
    const NAME: &'static str = "tell";
    type Out = String;

    fn authority(&self) -> Authority {
        Authority::Session(GroupId::KeyManagers)
    }

    fn words(&self) -> Vec<String> {
        Vec::new()
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<String, ActionError> {
        let stored: StoredKey = permit.get(Compartment::Keys, self.key)?;
        let mut told = String::new();
        let (provider, mark, _) = permit.provider();
        provider.open(&mark, &[&stored], &mut |keys| {
            told = keys[0]
                .expose()
                .iter()
                .map(|b| format!("{b:02X}"))
                .collect();
        })?;
        Ok(told)
    }
}

pub struct Desk {
    pub room: Room,
    pub stick: FolderStick,
    pub ports: Box<dyn Media>,
    pub medium: MediumRecord,
    pub count: u8,
    pub _folder: tempfile::TempDir,
    pub folder: PathBuf,
}

impl Desk {
    /// A station with everybody logged on and one stick enrolled.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("stick");
        std::fs::create_dir(&folder).unwrap();
        let stick = FolderStick::new(&folder, "S-1");
        let mut room = Room::in_memory();
        room.logon_all(&[
            GroupId::Administrators,
            GroupId::KeyManagers,
            GroupId::Approvers,
        ]);
        let mut desk = Self {
            room,
            ports: Box::new(StickPorts::new(vec![stick.clone()])),
            stick,
            medium: MediumRecord {
                id: Id([0x51; 16]),
                name: "STICK-1".into(),
                serial: "S-1".into(),
                training: true,
                plate: None,
            },
            count: 0,
            _folder: dir,
            folder,
        };
        desk.medium = desk.enrol(0x51, "STICK-1", "S-1").unwrap();
        desk
    }

    pub fn act<A: Action>(
        &mut self,
        action: &A,
        signers: &[(&str, GroupId)],
    ) -> Result<A::Out, DoorError> {
        self.act_with(action, signers, Vec::new())
    }

    /// With what people type beside it.
    pub fn act_with<A: Action>(
        &mut self,
        action: &A,
        signers: &[(&str, GroupId)],
        typed: Vec<Secret>,
    ) -> Result<A::Out, DoorError> {
        let mut warrant = Warrant::default();
        if action.authority().needs_signatures() {
            let proposal = self.room.propose(action);
            warrant.approvals = self.room.approve(&proposal, signers);
            warrant.proposal = Some(proposal);
        }
        let mut printers = NoPrinters;
        let mut ports = Ports {
            printers: &mut printers,
            media: &mut *self.ports,
            programs: &mut NoPrograms,
        };
        self.room
            .door_mut()
            .perform(action, &warrant, typed, &mut ports)
    }

    pub fn enrol(&mut self, id: u8, name: &str, serial: &str) -> Result<MediumRecord, DoorError> {
        let act = EnrolMedium {
            id: Id([id; 16]),
            name: name.into(),
            serial: serial.into(),
            plate: None,
        };
        self.act(&act, &ADMINISTRATORS)
    }

    pub fn key_with(
        &mut self,
        label: &str,
        form: KeyForm,
        usage: &str,
        change: impl FnOnce(&mut KeyRecord),
    ) -> KeyRecord {
        self.count += 1;
        let kek = usage == "K0";
        let mut record = KeyRecord {
            id: Id([self.count; 16]),
            label: label.into(),
            form,
            usage: usage.into(),
            mode_of_use: "B".into(),
            exportability: if kek { "N" } else { "E" }.into(),
            template: "test v1".into(),
            kcv: CheckValue {
                value: String::new(),
                method: String::new(),
            },
            state: KeyState::Active,
            provider: "software".into(),
            ceremony: Id([0xCE; 16]),
            created_ms: START_MS,
            expires_ms: START_MS + 365 * DAY_MS,
            recipient_until_ms: None,
            wrapping: kek.then(|| WrappingMethod::of(form)),
            components: Vec::new(),
            source: conclave_keyroom::domain::key::KeySource::Here,
            rsa: None,
            successor: None,
            exports: Vec::new(),
            begun_under: std::collections::BTreeSet::new(),
            others: Vec::new(),
            reissued: None,
            compromise: None,
        };
        change(&mut record);
        self.act(&MakeKey { record }, &[]).unwrap()
    }

    pub fn key(&mut self, label: &str, form: KeyForm, usage: &str) -> KeyRecord {
        self.key_with(label, form, usage, |_| {})
    }

    pub fn plan(&self, keys: &[&KeyRecord], under: &KeyRecord) -> ExportKeys {
        ExportKeys {
            bundle: self.next(),
            keys: keys.iter().map(|key| KeyName::of(key)).collect(),
            under: KeyName::of(under),
            recipient: "Bank by the Lake, HSM team".into(),
            target: "tr31".into(),
            system: None,
            medium: self.medium.id,
            medium_name: self.medium.name.clone(),
            serial: self.medium.serial.clone(),
            ceremony: None,
            exception: None,
        }
    }

    pub fn export(&mut self, act: &ExportKeys) -> Result<ExportedBundle, DoorError> {
        let signers = [MANAGERS, APPROVERS].concat();
        self.act(act, &signers)
    }

    pub fn next(&self) -> u64 {
        next_bundle(self.room.vault()).unwrap()
    }

    pub fn register(&self, number: u64) -> BundleRecord {
        self.room
            .vault()
            .get(Compartment::Export, BundleRecord::id_of(number))
            .unwrap()
    }

    pub fn record(&self, key: &KeyRecord) -> KeyRecord {
        self.room
            .vault()
            .get(Compartment::Catalogue, key.id)
            .unwrap()
    }

    pub fn on_stick(&self) -> usize {
        std::fs::read_dir(&self.folder).unwrap().count()
    }

    pub fn file(&self, bundle: &ExportedBundle, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(&bundle.folder).join(name)).unwrap()
    }
}

/// What an independent implementation finds in a block: key and header.
pub fn psec(kbpk: &str, block: &[u8]) -> (String, String) {
    let python = std::env::var_os("CONCLAVE_ORACLES")
        .map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join(".oracles"),
            PathBuf::from,
        )
        .join("bin/python3");
    let script = "import sys; from psec.tr31 import KeyBlock\n\
        b = KeyBlock(bytes.fromhex(sys.argv[1])); k = b.unwrap(sys.argv[2]); h = b.header\n\
        print(k.hex().upper(), h.version_id + h.key_usage + h.algorithm + h.mode_of_use \
        + h.exportability)";
    let block = std::str::from_utf8(block).unwrap();
    let done = Command::new(python)
        .args(["-c", script, kbpk, block])
        .output()
        .expect("psec: run ./scripts/test, which installs it");
    assert!(done.status.success(), "{done:?}");
    let answer = String::from_utf8(done.stdout).unwrap();
    let (key, header) = answer.trim().split_once(' ').unwrap();
    (key.into(), header.into())
}

pub fn rule(result: Result<ExportedBundle, DoorError>) -> String {
    match result {
        Err(DoorError::Failed(ActionError::Rule { rule, advice })) => {
            assert!(!advice.is_empty());
            rule
        }
        Err(other) => panic!("no rule: {other:?}"),
        Ok(_) => panic!("it was exported"),
    }
}

pub fn device(result: Result<ExportedBundle, DoorError>) -> String {
    match result {
        Err(DoorError::Failed(ActionError::Device { what, advice })) => {
            assert!(!advice.is_empty());
            what
        }
        Err(DoorError::Failed(ActionError::NoMedium {
            undone,
            cause,
            advice,
        })) => {
            assert!(!advice.is_empty());
            format!("{undone}: {cause}")
        }
        Err(other) => panic!("no device: {other:?}"),
        Ok(_) => panic!("it was exported"),
    }
}
