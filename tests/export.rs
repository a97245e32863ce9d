//! Keys leave the room: through the real door, to sticks that are pulled,
//! full, worn out or not the right ones. An independent implementation reads
//! what arrives.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

#[path = "support/room.rs"]
mod room;

use std::path::{Path, PathBuf};
use std::process::Command;

use conclave_crypto::secret::Secret;
use conclave_evidence::manifest::MANIFEST_FILE;
use conclave_evidence::{GroupId, Id, verify_path};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, KeyRecord, KeyState, WrappingMethod};
use conclave_keyroom::door::{Action, ActionError, Authority, DoorError, Permit, Refusal, Warrant};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::Media;
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::Compartment;
use conclave_station::host::media::{HostMedia, MediaPlaces};
use conclave_trades::media::EnrolMedium;
use conclave_trades::target::{
    BundleRecord, BundleState, ExportKeys, ExportedBundle, KeyName, next_bundle,
};
use conclave_training::stick::{FolderStick, Mishap, StickPorts};
use room::{NoPrinters, Room, START_MS};
use serde::{Deserialize, Serialize};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const MANAGERS: [(&str, GroupId); 2] = [
    ("Dora", GroupId::KeyManagers),
    ("Emil", GroupId::KeyManagers),
];
const APPROVERS: [(&str, GroupId); 2] = [("Ada", GroupId::Approvers), ("Ben", GroupId::Approvers)];
const ADMINISTRATORS: [(&str, GroupId); 2] = [
    ("Ada", GroupId::Administrators),
    ("Ben", GroupId::Administrators),
];

/// Makes a key as a ceremony would leave it.
#[derive(Serialize, Deserialize)]
struct MakeKey {
    record: KeyRecord,
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
        let made = provider.generate(&mark, record.id, record.form, random)?;
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
struct Tell {
    key: Id,
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

struct Desk {
    room: Room,
    stick: FolderStick,
    ports: Box<dyn Media>,
    medium: MediumRecord,
    count: u8,
    _folder: tempfile::TempDir,
    folder: PathBuf,
}

impl Desk {
    /// A station with everybody logged on and one stick enrolled.
    fn new() -> Self {
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
            },
            count: 0,
            _folder: dir,
            folder,
        };
        desk.medium = desk.enrol(0x51, "STICK-1", "S-1").unwrap();
        desk
    }

    fn act<A: Action>(
        &mut self,
        action: &A,
        signers: &[(&str, GroupId)],
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
        };
        self.room
            .door_mut()
            .perform(action, &warrant, Vec::new(), &mut ports)
    }

    fn enrol(&mut self, id: u8, name: &str, serial: &str) -> Result<MediumRecord, DoorError> {
        let act = EnrolMedium {
            id: Id([id; 16]),
            name: name.into(),
            serial: serial.into(),
        };
        self.act(&act, &ADMINISTRATORS)
    }

    fn key_with(
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
            wrapping: kek.then(|| WrappingMethod::of(form)),
            components: Vec::new(),
            exports: Vec::new(),
        };
        change(&mut record);
        self.act(&MakeKey { record }, &[]).unwrap()
    }

    fn key(&mut self, label: &str, form: KeyForm, usage: &str) -> KeyRecord {
        self.key_with(label, form, usage, |_| {})
    }

    fn plan(&self, keys: &[&KeyRecord], under: &KeyRecord) -> ExportKeys {
        ExportKeys {
            bundle: self.next(),
            keys: keys.iter().map(|key| KeyName::of(key)).collect(),
            under: KeyName::of(under),
            recipient: "Bank by the Lake, HSM team".into(),
            target: "tr31".into(),
            medium: self.medium.id,
            medium_name: self.medium.name.clone(),
            serial: self.medium.serial.clone(),
            ceremony: None,
        }
    }

    fn export(&mut self, act: &ExportKeys) -> Result<ExportedBundle, DoorError> {
        let signers = [MANAGERS, APPROVERS].concat();
        self.act(act, &signers)
    }

    fn next(&self) -> u64 {
        next_bundle(self.room.vault()).unwrap()
    }

    fn register(&self, number: u64) -> BundleRecord {
        self.room
            .vault()
            .get(Compartment::Export, BundleRecord::id_of(number))
            .unwrap()
    }

    fn record(&self, key: &KeyRecord) -> KeyRecord {
        self.room
            .vault()
            .get(Compartment::Catalogue, key.id)
            .unwrap()
    }

    fn on_stick(&self) -> usize {
        std::fs::read_dir(&self.folder).unwrap().count()
    }

    fn file(&self, bundle: &ExportedBundle, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(&bundle.folder).join(name)).unwrap()
    }
}

/// What an independent implementation finds in a block: key and header.
fn psec(kbpk: &str, block: &[u8]) -> (String, String) {
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

fn rule(result: Result<ExportedBundle, DoorError>) -> String {
    match result {
        Err(DoorError::Failed(ActionError::Rule { rule, advice })) => {
            assert!(!advice.is_empty());
            rule
        }
        Err(other) => panic!("no rule: {other:?}"),
        Ok(_) => panic!("it was exported"),
    }
}

fn device(result: Result<ExportedBundle, DoorError>) -> String {
    match result {
        Err(DoorError::Failed(ActionError::Device { what, advice })) => {
            assert!(!advice.is_empty());
            what
        }
        Err(other) => panic!("no device: {other:?}"),
        Ok(_) => panic!("it was exported"),
    }
}

#[test]
fn under_an_aes_zone_master_key_both_kinds_of_keys_leave_as_version_d() {
    let mut desk = Desk::new();
    let zmk = desk.key("BANK-LAKE.ZMK.001", KeyForm::Aes256, "K0");
    let aes = desk.key("BANK-LAKE.ZPK.001", KeyForm::Aes128, "P0");
    let tdes = desk.key("BANK-LAKE.ZPK.002", KeyForm::Tdes2, "P0");
    let act = desk.plan(&[&aes, &tdes], &zmk);
    let out = desk.export(&act).unwrap();

    assert_eq!(out.folder, "CONCLAVE-0001-TEST");
    assert_eq!(
        out.files,
        [
            "BANK-LAKE.ZPK.001.tr31",
            "BANK-LAKE.ZPK.002.tr31",
            "runsheet.txt",
            "authority.cbor",
            "manifest.txt",
            "manifest.cbor",
        ]
    );
    let kbpk = desk.act(&Tell { key: zmk.id }, &[]).unwrap();
    for (record, header) in [(&aes, "DP0ABE"), (&tdes, "DP0TBE")] {
        let clear = desk.act(&Tell { key: record.id }, &[]).unwrap();
        let block = desk.file(&out, &format!("{}.tr31", record.label));
        assert_eq!(psec(&kbpk, &block), (clear.clone(), header.to_owned()));
        // No file tells the key, and none the one above it.
        for name in &out.files {
            let text = String::from_utf8_lossy(&desk.file(&out, name)).to_uppercase();
            assert!(!text.contains(&clear) && !text.contains(&kbpk), "{name}");
        }
    }

    let report = verify_path(&desk.folder.join(&out.folder));
    assert!(report.ok(), "{:?}", report.failure());
    let sheet = String::from_utf8(desk.file(&out, "runsheet.txt")).unwrap();
    for word in ["CONCLAVE-0001-TEST", &zmk.kcv.words(), &aes.kcv.words()] {
        assert!(sheet.contains(word), "{sheet}");
    }
    assert!(sheet.lines().all(|line| line.len() <= 80), "{sheet}");

    let exports = desk.record(&aes).exports;
    assert_eq!(exports.len(), 1);
    assert_eq!(
        (exports[0].bundle, exports[0].format.as_str()),
        (1, "tr31-d")
    );
    let register = desk.register(1);
    assert_eq!(register.state, BundleState::Written);
    assert_eq!(register.manifest, Some(out.digest));
    assert_eq!(desk.next(), 2);
}

#[test]
fn a_tdes_zone_master_key_writes_version_b_and_carries_no_more_than_its_strength() {
    let mut desk = Desk::new();
    let zmk = desk.key("BANK.ZMK.002", KeyForm::Tdes2, "K0");
    let tdes = desk.key("BANK.ZPK.001", KeyForm::Tdes2, "P0");
    let act = desk.plan(&[&tdes], &zmk);
    let out = desk.export(&act).unwrap();
    let kbpk = desk.act(&Tell { key: zmk.id }, &[]).unwrap();
    let clear = desk.act(&Tell { key: tdes.id }, &[]).unwrap();
    let block = desk.file(&out, "BANK.ZPK.001.tr31");
    assert_eq!(psec(&kbpk, &block), (clear, "BP0TBE".to_owned()));

    let aes = desk.key("BANK.ZPK.003", KeyForm::Aes128, "P0");
    let act = desk.plan(&[&tdes, &aes], &zmk);
    assert!(rule(desk.export(&act)).contains("not wrapped under TDES (R6)"));
    let triple = desk.key("BANK.ZPK.004", KeyForm::Tdes3, "P0");
    let act = desk.plan(&[&triple], &zmk);
    assert!(rule(desk.export(&act)).contains("weaker"));
    // Refused before it began: no number was used, nothing was written.
    assert_eq!((desk.next(), desk.on_stick()), (2, 1));
}

#[test]
fn one_approval_short_is_not_enough_of_either_group() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let act = desk.plan(&[&key], &zmk);
    for (signers, short) in [
        ([&MANAGERS[..1], &APPROVERS].concat(), GroupId::KeyManagers),
        ([&MANAGERS, &APPROVERS[..1]].concat(), GroupId::Approvers),
    ] {
        let result = desk.act(&act, &signers);
        let Err(DoorError::Refused(Refusal::TooFew { group, have, need })) = result else {
            panic!("not refused");
        };
        assert_eq!((group, have, need), (short, 1, 2));
    }
    // Part of a ceremony that has no mandate.
    let in_ceremony = ExportKeys {
        ceremony: Some(Id([0xCE; 16])),
        ..act
    };
    assert!(matches!(
        desk.export(&in_ceremony),
        Err(DoorError::Refused(Refusal::NoMandate))
    ));
    assert_eq!((desk.next(), desk.on_stick()), (1, 0));
}

#[test]
fn only_active_exportable_keys_leave_and_only_as_they_were_approved() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let good = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let early = desk.key_with("A.ZMK.2", KeyForm::Aes128, "K0", |k| {
        k.state = KeyState::PreActivation;
    });
    let void = desk.key_with("A.ZPK.2", KeyForm::Aes128, "P0", |k| {
        k.state = KeyState::Void
    });
    let fixed = desk.key_with("A.ZPK.3", KeyForm::Aes128, "P0", |k| {
        k.exportability = "N".into();
    });
    let old = desk.key_with("A.ZPK.4", KeyForm::Aes128, "P0", |k| {
        k.expires_ms = START_MS - 1;
    });
    let device_name = desk.key("NUL.ZPK", KeyForm::Aes128, "P0");
    let bent = desk.key_with("A.ZMK.3", KeyForm::Aes128, "K0", |k| {
        k.wrapping = Some(WrappingMethod::Tr31B);
    });
    for (key, under, part) in [
        (&good, &early, "pre-activation"),
        (&void, &zmk, "void"),
        (&fixed, &zmk, "not exportable"),
        (&old, &zmk, "cryptoperiod"),
        (&device_name, &zmk, "plain file name"),
        (&good, &bent, "wrapping method"),
        (&good, &void, "key-encryption key"),
        (&zmk, &zmk, "under itself"),
    ] {
        let act = desk.plan(&[key], under);
        let said = rule(desk.export(&act));
        assert!(said.contains(part), "{said}");
    }
    let mut other = desk.plan(&[&good], &zmk);
    other.keys[0].label = "A.ZPK.9".into();
    assert!(rule(desk.export(&other)).contains("not the key that was approved"));
    let mut twice = desk.plan(&[&good, &good], &zmk);
    assert!(rule(desk.export(&twice)).contains("twice"));
    twice.keys.clear();
    assert!(rule(desk.export(&twice)).contains("1 to"));
    let mut steering = desk.plan(&[&good], &zmk);
    steering.recipient = "Bank\u{1b}@".into();
    assert!(rule(desk.export(&steering)).contains("recipient"));
    let mut elsewhere = desk.plan(&[&good], &zmk);
    elsewhere.serial = "S-2".into();
    assert!(rule(desk.export(&elsewhere)).contains("not the medium"));
    assert_eq!((desk.next(), desk.on_stick()), (1, 0));
}

#[test]
fn anything_but_the_one_approved_stick_is_named_and_nothing_leaves() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let other = tempfile::tempdir().unwrap();
    let second = FolderStick::new(other.path(), "S-2");
    desk.ports = Box::new(StickPorts::new(vec![desk.stick.clone(), second]));
    let attempt = |desk: &mut Desk, part: &str| {
        let act = desk.plan(&[&key], &zmk);
        let said = device(desk.export(&act));
        assert!(
            said.contains(part) && said.contains("nothing was exported"),
            "{said}"
        );
        assert_eq!(desk.register(act.bundle).state, BundleState::Begun);
        assert_eq!(desk.next(), act.bundle + 1);
    };
    attempt(&mut desk, "more than one");
    desk.stick.unplug();
    attempt(&mut desk, "not the enrolled");
    desk.ports = Box::new(StickPorts::new(vec![desk.stick.clone()]));
    attempt(&mut desk, "no medium");
    desk.stick.plug();
    desk.stick.protect(true);
    attempt(&mut desk, "write-protected");
    desk.stick.protect(false);
    desk.stick.expect(Some(Mishap::FullAfter(0)));
    attempt(&mut desk, "full");
    assert_eq!(desk.on_stick(), 0);
    desk.stick.expect(None);
    // A folder that stood there before is not used.
    let planted = desk
        .folder
        .join(format!("CONCLAVE-{:04}-TEST", desk.next()));
    std::fs::create_dir(&planted).unwrap();
    attempt(&mut desk, "already");
    assert_eq!(std::fs::read_dir(planted).unwrap().count(), 0);
    assert!(desk.record(&key).exports.is_empty());
}

#[test]
fn a_stick_pulled_anywhere_leaves_no_manifest_and_uses_the_number_up() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let whole = desk.plan(&[&key], &zmk);
    let whole = desk.export(&whole).unwrap();
    let lengths: Vec<u64> = whole
        .files
        .iter()
        .map(|name| u64::try_from(desk.file(&whole, name).len()).unwrap())
        .collect();
    let mut cuts = vec![Mishap::PulledAfter(0), Mishap::PulledAfter(1)];
    let mut sum = 0;
    for length in &lengths[..lengths.len() - 1] {
        sum += length;
        cuts.extend([sum - 1, sum, sum + 1].map(Mishap::PulledAfter));
    }
    for file in 1..u32::try_from(lengths.len()).unwrap() {
        cuts.push(Mishap::PulledAfterFile(file));
    }
    let mut blocks = vec![desk.file(&whole, "A.ZPK.1.tr31")];
    for cut in cuts {
        let act = desk.plan(&[&key], &zmk);
        desk.stick.expect(Some(cut));
        match desk.export(&act) {
            Err(DoorError::Failed(ActionError::Device { .. } | ActionError::Unknown { .. })) => {}
            other => panic!("{cut:?}: {other:?}"),
        }
        desk.stick.expect(None);
        desk.stick.plug();
        assert_eq!(desk.next(), act.bundle + 1, "{cut:?}");
        assert_eq!(desk.register(act.bundle).state, BundleState::Begun);
        let folder = desk.folder.join(format!("CONCLAVE-{:04}-TEST", act.bundle));
        assert!(!folder.join(MANIFEST_FILE).exists(), "{cut:?}");
        assert!(!verify_path(&folder).ok(), "{cut:?}");
        // The same number does not leave again.
        assert!(rule(desk.export(&act)).contains("used once"), "{cut:?}");
        if let Ok(block) = std::fs::read(folder.join("A.ZPK.1.tr31")) {
            blocks.push(block);
        }
    }
    assert_eq!(desk.record(&key).exports.len(), 1);
    let again = desk.plan(&[&key], &zmk);
    let again = desk.export(&again).unwrap();
    blocks.push(desk.file(&again, "A.ZPK.1.tr31"));
    let count = blocks.len();
    blocks.sort();
    blocks.dedup();
    assert_eq!(blocks.len(), count, "a cryptogram left twice");
    assert!(count > 10);
}

#[test]
fn pulled_behind_the_manifest_nobody_knows_and_the_intent_stays_open() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let act = desk.plan(&[&key], &zmk);
    // Key, run sheet, authority, text, manifest.
    desk.stick.expect(Some(Mishap::PulledAfterFile(5)));
    assert!(matches!(
        desk.export(&act),
        Err(DoorError::Failed(ActionError::Unknown { .. }))
    ));
    let folder = desk.folder.join("CONCLAVE-0001-TEST");
    assert!(folder.join(MANIFEST_FILE).exists());
    let open = desk.room.vault().open_intents().unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(desk.next(), 2);
}

#[test]
fn a_stick_that_gives_back_other_bytes_or_fills_up_is_told() {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    desk.stick.expect(Some(Mishap::Worn));
    let act = desk.plan(&[&key], &zmk);
    assert!(device(desk.export(&act)).contains("reads back differently"));
    desk.stick.expect(Some(Mishap::FullAfter(150)));
    let act = desk.plan(&[&key], &zmk);
    assert!(device(desk.export(&act)).contains("full"));
    assert_eq!(desk.next(), 3);
    assert!(desk.record(&key).exports.is_empty());
}

#[test]
fn a_medium_is_enrolled_once_while_it_is_there_and_under_a_plain_name() {
    let mut desk = Desk::new();
    let other = tempfile::tempdir().unwrap();
    desk.ports = Box::new(StickPorts::new(vec![
        desk.stick.clone(),
        FolderStick::new(other.path(), "S-2"),
    ]));
    let mut refused = |id, name: &str, serial: &str, part: &str| {
        let Err(DoorError::Failed(ActionError::Rule { rule, .. })) = desk.enrol(id, name, serial)
        else {
            panic!("{name} {serial} was enrolled");
        };
        assert!(rule.contains(part), "{rule}");
    };
    refused(2, "STICK-2", "S-1", "enrolled already, as STICK-1");
    refused(2, "stick-1", "S-2", "called STICK-1 already");
    refused(2, "STICK-2", "S-3", "while it is plugged in");
    refused(2, "../STICK", "S-2", "name");
    let found = desk.enrol(2, "STICK-2", "S-2").unwrap();
    assert!(found.training);
}

/// A file system in a file, mounted as a stick would be.
struct Image {
    dir: tempfile::TempDir,
    mounted: bool,
}

impl Image {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let image = Self {
            dir,
            mounted: false,
        };
        let file = std::fs::File::create(image.file()).unwrap();
        file.set_len(16 << 20).unwrap();
        let path = image.file().display().to_string();
        root(&["mkfs.ext4", "-q", "-U", UUID, &path]);
        std::fs::create_dir(image.point()).unwrap();
        image
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    fn point(&self) -> PathBuf {
        self.dir.path().join("media")
    }

    fn mount(&mut self, options: &str) {
        let (file, point) = (self.file(), self.point());
        let options = format!("loop,nodev,nosuid,noexec,{options}");
        let (file, point) = (file.display().to_string(), point.display().to_string());
        root(&["mount", "-o", &options, &file, &point]);
        self.mounted = true;
    }

    fn unmount(&mut self) {
        if std::mem::take(&mut self.mounted) {
            root(&["umount", &self.point().display().to_string()]);
        }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.unmount();
    }
}

const UUID: &str = "6b1d3c52-0000-4000-8000-00000000c0de";

fn root(words: &[&str]) -> String {
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("env")
    } else {
        let mut command = Command::new("sudo");
        command.args(["-n", "env"]);
        command
    };
    let done = command
        .arg(format!("PATH={path}"))
        .args(words)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{words:?} needs root, or sudo without a password, and what ./scripts/test installs: \
         {done:?}"
    );
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn a_mounted_file_system_is_found_enrolled_and_written_and_gone_when_unmounted() {
    let mut image = Image::new();
    let places = MediaPlaces::of_system(vec![image.point()]);
    // Without a serial of its own it is no medium.
    image.mount("rw");
    assert_eq!(HostMedia::new(places.clone()).found(), Ok(vec![]));

    let places = MediaPlaces {
        images: true,
        ..places
    };
    let mut desk = Desk::new();
    let mut host = HostMedia::new(places);
    let found = host.found().unwrap();
    assert_eq!(found.len(), 1);
    let serial = format!("IMAGE/{UUID}");
    assert_eq!(found[0].serial, serial);
    assert!(found[0].training && !found[0].read_only && found[0].free > 1 << 20);
    image.unmount();
    assert_eq!(host.found(), Ok(vec![]));

    image.mount("ro");
    assert!(host.found().unwrap()[0].read_only);
    desk.ports = Box::new(host);
    desk.medium = desk.enrol(7, "IMAGE-1", &serial).unwrap();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let act = desk.plan(&[&key], &zmk);
    assert!(device(desk.export(&act)).contains("write-protected"));
    image.unmount();
    let act = desk.plan(&[&key], &zmk);
    assert!(device(desk.export(&act)).contains("no medium"));

    image.mount("rw");
    if !rustix::process::geteuid().is_root() {
        root(&["chmod", "777", &image.point().display().to_string()]);
    }
    let act = desk.plan(&[&key], &zmk);
    let out = desk.export(&act).unwrap();
    assert!(verify_path(&image.point().join(&out.folder)).ok());
    image.unmount();
    // The tools of the file system itself see every file.
    let listed = root(&[
        "debugfs",
        "-R",
        &format!("ls -p /{}", out.folder),
        &image.file().display().to_string(),
    ]);
    for name in &out.files {
        assert!(listed.contains(&format!("/{name}/")), "{listed}");
    }
    assert!(!listed.contains(".part"), "{listed}");
}

#[test]
fn a_production_station_enrols_no_training_medium() {
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::before_founding(room::MemoryStore::default());
    let mut founding = room.founding();
    founding.mode = conclave_evidence::authority::Mode::Production;
    let mut founded = room.door_mut().found(founding).unwrap();
    let digest = founded.digest().unwrap();
    for name in ["Ada", "Ben"] {
        let card = &room.holder(name).card;
        founded.sign(conclave_evidence::authority::CardSignature {
            card: card.card,
            signature: card.sign(&digest),
        });
    }
    room.door_mut().commit_founding(founded).unwrap();
    room.door_mut().finish_genesis().unwrap();
    let act = EnrolMedium {
        id: Id([1; 16]),
        name: "STICK-1".into(),
        serial: "S-1".into(),
    };
    let proposal = room.propose(&act);
    let warrant = Warrant {
        approvals: room.approve(&proposal, &ADMINISTRATORS),
        proposal: Some(proposal),
    };
    let mut media = StickPorts::new(vec![FolderStick::new(folder.path(), "S-1")]);
    let mut printers = NoPrinters;
    let mut ports = Ports {
        printers: &mut printers,
        media: &mut media,
    };
    let result = room
        .door_mut()
        .perform(&act, &warrant, Vec::new(), &mut ports);
    let Err(DoorError::Failed(ActionError::Rule { rule, .. })) = result else {
        panic!("it was enrolled");
    };
    assert!(rule.contains("PRODUCTION"), "{rule}");
}
