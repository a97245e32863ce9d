//! A PIN room at work: its keys released, an issuer on record, whose files
//! openssl encrypts, signs and opens; a printer that keeps its paper and fails
//! when it is told to; a stick that is a folder.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "openssl reads the system's clock; each test takes what it needs, and may stop at the first surprise"
)]

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use conclave_crypto::primitive::kcv::{Kcv, Method as KcvMethod};
use conclave_crypto::secret::Secret;
use conclave_crypto::x509::cms::{Recipient, Signer};
use conclave_evidence::{Bytes, GroupId, Hash, Id, Point};
use conclave_keyroom::domain::Permission;
use conclave_keyroom::domain::certificate::EnrolledCertificate;
use conclave_keyroom::domain::device::{
    MediumRecord, PrinterLanguage, PrinterPurpose, PrinterRecord,
};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, KeyRecord, KeySource, KeyState};
use conclave_keyroom::domain::layout_approval::{LayoutApproval, LayoutSample};
use conclave_keyroom::domain::pin_batch::{BatchLayout, Limits, PinBatch};
use conclave_keyroom::domain::pin_card::PinCard;
use conclave_keyroom::domain::pin_identity::PinIdentity;
use conclave_keyroom::domain::pin_key::{PinKey, PinUse};
use conclave_keyroom::domain::pin_marks::PinMarks;
use conclave_keyroom::domain::pin_partner::PinPartner;
use conclave_keyroom::domain::pin_template::PinTemplateApproval;
use conclave_keyroom::door::{Action, ActionError, Authority, DoorError, Permit, Warrant};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::printer::{FoundPrinter, PrinterError, Printers};
use conclave_keyroom::ports::programs::NoPrograms;
use conclave_keyroom::vault::Compartment;
use conclave_keyroom::vault::genesis::PIN_ROOM_PUBLIC;
use conclave_trades::keys::{DeactivateKey, ReleasePinKey};
use conclave_trades::pin::action::{
    BatchName, IssueForms, OpenBatch, PartnerName, PinKeyName, PrintMailers, Printed, ReadBatch,
    ReceiveStock, ReconcileBatch, TemplateName, sheet,
};
use conclave_trades::pin::{ApprovePinTemplate, MakePinIdentity, Method, Template};
use conclave_trades::print::approval::{ApproveLayout, sample_page};
use conclave_trades::print::{Layout, Report};
use conclave_trades::target::KeyName;
use conclave_training::stick::{FolderStick, StickPorts};
use serde::{Deserialize, Serialize};

use crate::room::Room;

/// The printer of PIN mailers.
const PRINTER: Id = Id([0x61; 16]);
/// When pages of X's were printed on it.
const SAMPLE_MS: u64 = 1_700_000_000_000;

pub const OPERATOR: (&str, GroupId) = ("Olga", GroupId::PinOperators);
pub const SUPERVISOR: (&str, GroupId) = ("Quinn", GroupId::PinSupervisors);
pub const PAIR: [(&str, GroupId); 2] = [OPERATOR, SUPERVISOR];

/// The keys of tests, in hexadecimal.
pub const PVK: &str = "8CA64DE9C1B123A7A7B96D1C8F5E2A43";
pub const ZPK: &str = "13F10E5D868A529E9D2F1A4C07B0C8D3";
/// The key of the PIN blocks in `tests/vectors/pins/good.json`.
pub const PPK: &str = "0123456789ABCDEFFEDCBA9876543210";

const DAY_MS: u64 = 86_400_000;

/// The room's keys: id, value, usage, mode of use, exportability, use.
const KEYS: [(u8, &str, &str, &str, &str, PinUse); 4] = [
    (1, PVK, "V2", "C", "N", PinUse::Pvv),
    (2, PVK, "V1", "C", "N", PinUse::Ibm3624),
    (3, ZPK, "P0", "E", "E", PinUse::ZonePin),
    (4, PPK, "P0", "D", "N", PinUse::PinPrint),
];

pub fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Key managers and approvers, both with their quorum.
const BOTH_QUORUMS: [(&str, GroupId); 4] = [
    ("Dora", GroupId::KeyManagers),
    ("Emil", GroupId::KeyManagers),
    ("Ada", GroupId::Approvers),
    ("Ben", GroupId::Approvers),
];

/// What no action of the product does: sets a record as it is.
#[derive(Serialize, Deserialize)]
pub enum Plant {
    Printer(PrinterRecord),
    /// A page of X's that was printed.
    Sample(LayoutSample),
    Medium(MediumRecord),
    Partner(Box<PinPartner>),
    Key(Box<KeyRecord>, String),
    /// Marks of cards, of whatever day.
    Marks(PinMarks),
    /// Deletes a batch's card.
    NoCard(Id),
    /// A template, as it was approved before an update.
    Template(Box<PinTemplateApproval>),
    /// A layout, likewise.
    Layout(Box<LayoutApproval>),
    /// A batch that was opened by these, with its layout's text.
    Batch(Box<PinBatch>, String),
}

impl Action for Plant {
    const NAME: &'static str = "plant";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Session(match self {
            Self::Key(..) => GroupId::KeyManagers,
            Self::NoCard(_) | Self::Marks(_) | Self::Batch(..) => GroupId::PinOperators,
            _ => GroupId::Administrators,
        })
    }

    fn words(&self) -> Vec<String> {
        Vec::new()
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let at = Compartment::Directory;
        match self {
            Self::Printer(record) => permit.put(at, PrinterRecord::KIND, record.id, record)?,
            Self::Sample(record) => permit.put(at, LayoutSample::KIND, record.id(), record)?,
            Self::Medium(record) => permit.put(at, MediumRecord::KIND, record.id, record)?,
            Self::Partner(record) => permit.put(at, PinPartner::KIND, record.id, record)?,
            Self::Marks(marks) => {
                let id = PinMarks::id_of(marks.batch);
                permit.put(Compartment::Pins, PinMarks::KIND, id, marks)?;
            }
            Self::NoCard(id) => permit.delete(Compartment::Pins, *id),
            Self::Template(record) => {
                let id = PinTemplateApproval::id_of(&record.digest);
                permit.put(at, PinTemplateApproval::KIND, id, &**record)?;
            }
            Self::Layout(record) => {
                let id = LayoutApproval::id_of(&record.digest);
                permit.put(at, LayoutApproval::KIND, id, &**record)?;
            }
            Self::Batch(record, text) => {
                let layout = BatchLayout { text: text.clone() };
                let id = BatchLayout::id_of(record.id);
                permit.put(Compartment::Pins, PinBatch::KIND, record.id, &**record)?;
                permit.put(Compartment::Pins, BatchLayout::KIND, id, &layout)?;
            }
            Self::Key(record, value) => {
                let clear = Secret::take(&mut hex(value));
                let (provider, mark, random) = permit.provider();
                let made = provider.store_imported(&mark, record.id, record.form, clear, random)?;
                let at = Compartment::Catalogue;
                permit.put(at, KeyRecord::KIND, record.id, &**record)?;
                let kind = KeyRecord::VALUE_KIND;
                permit.put(Compartment::Keys, kind, record.id, &made.stored)?;
            }
        }
        Ok(())
    }
}

/// What a printer has printed, and what is going to happen to it.
#[derive(Default)]
pub struct Tray {
    /// Each sheet that came whole.
    pub sheets: Vec<Vec<u8>>,
    /// Of the next sheets: `None` comes well.
    pub mishaps: VecDeque<Option<PrinterError>>,
    /// It is not there.
    pub unplugged: bool,
    /// Another device says that it is this one.
    pub twin: bool,
    /// Counts up when it is plugged in again.
    pub attached: u64,
    /// Another one stands in its place.
    pub impostor: bool,
    /// It keeps no paper.
    pub forgets: bool,
    /// Is called with each sheet that comes.
    pub tell: Option<fn(&[u8])>,
}

/// A printer that keeps its paper: clones are the same printer.
#[derive(Clone, Default)]
pub struct Paper(pub Arc<Mutex<Tray>>);

impl Paper {
    pub fn sheets(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().sheets.clone()
    }

    /// The sheets that are to come: the last one of these fails.
    pub fn fails_after(&self, sheets: usize, error: PrinterError) {
        let mut tray = self.0.lock().unwrap();
        tray.mishaps = vec![None; sheets].into();
        tray.mishaps.push_back(Some(error));
    }
}

impl Printers for Paper {
    fn found(&mut self) -> Result<Vec<FoundPrinter>, PrinterError> {
        let tray = self.0.lock().unwrap();
        let serial = if tray.impostor { "OTHER" } else { "PIN-SERIAL" };
        let at = |device: &str| FoundPrinter {
            device: device.into(),
            serial: serial.into(),
            training: true,
            attached: tray.attached,
        };
        Ok(match (tray.unplugged, tray.twin) {
            (true, _) => Vec::new(),
            (false, false) => vec![at("/dev/usb/lp3")],
            (false, true) => vec![at("/dev/usb/lp2"), at("/dev/usb/lp3")],
        })
    }

    fn print(
        &mut self,
        _: &dyn Permission,
        _: &str,
        serial: &str,
        bytes: &[u8],
    ) -> Result<(), PrinterError> {
        let mut tray = self.0.lock().unwrap();
        let there = if tray.impostor { "OTHER" } else { "PIN-SERIAL" };
        assert_eq!(serial, there);
        match tray.mishaps.pop_front().flatten() {
            Some(error) => Err(error),
            None => {
                if let Some(tell) = tray.tell {
                    tell(bytes);
                }
                if !tray.forgets {
                    tray.sheets.push(bytes.to_vec());
                }
                Ok(())
            }
        }
    }
}

pub fn openssl(folder: &Path, arguments: &str) -> Vec<u8> {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .expect("openssl: run ./scripts/test, which installs it");
    assert!(
        output.status.success(),
        "{arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A PIN room with everything that a batch needs.
pub struct PinHouse {
    pub room: Room,
    pub paper: Paper,
    pub media: StickPorts,
    pub folder: tempfile::TempDir,
    pub partner: PinPartner,
    pub medium: MediumRecord,
    pub language: PrinterLanguage,
    printer: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn template_text(name: &str) -> String {
    fs::read_to_string(root().join(format!("templates/pins/{name}.toml"))).unwrap()
}

/// A layout of a station's own, for PINs of twelve digits: so many stand nowhere
/// by chance.
pub const LONG: &str = "pin-mailer-long";

/// The shipped layout of continuous forms, with more room for the PIN.
fn long_layout() -> String {
    let mut text = layout_text("pin-mailer-continuous");
    for (was, is) in [
        ("\"pin-mailer-continuous\"", "\"pin-mailer-long\""),
        ("pin_digits = 6", "pin_digits = 12"),
        ("repeat = 6", "repeat = 12"),
        (
            "width = 22\nspaced = true\nbold = true\nwide = true",
            "width = 23\nspaced = true\nbold = true",
        ),
        // The words take the lines of the advice, which moves to the other half.
        ("line = 16\ncolumn = 1\n", "line = 18\ncolumn = 42\n"),
        ("line = 17\ncolumn = 1\n", "line = 19\ncolumn = 42\n"),
        ("line = 19\ncolumn = 1\n", "line = 20\ncolumn = 42\n"),
        ("line = 20\ncolumn = 1\n", "line = 21\ncolumn = 42\n"),
        ("line = 21\ncolumn = 1\n", "line = 22\ncolumn = 42\n"),
    ] {
        assert!(text.contains(was), "{was}");
        text = text.replace(was, is);
    }
    text
}

/// The text of a layout that ships, by its name; a text is itself.
pub fn layout_text(name: &str) -> String {
    if name.contains('\n') {
        return name.to_owned();
    }
    if name == LONG {
        return long_layout();
    }
    let text = fs::read_to_string(root().join(format!("keymailer-layouts/{name}.toml"))).unwrap();
    // What a station completes of the one for laser printers.
    text.replace("\"to be completed: ", "\"inspected: ")
}

/// The approval of a layout on a page of X's of the house's printer.
pub fn approval_of(layout: String) -> ApproveLayout {
    let page = sample_page(&Layout::parse(&layout).unwrap()).unwrap();
    ApproveLayout {
        layout,
        sample: digest(&page),
        printer: "PIN-1".into(),
        printed_ms: SAMPLE_MS,
        inspected: "a form of X's, closed, by a torch from the side".into(),
    }
}

/// The approval of a layout that ships.
pub fn approve_layout(name: &str) -> ApproveLayout {
    approval_of(layout_text(name))
}

/// The page of X's of the house's printer that an approval is about.
pub fn sample_of(approve: &ApproveLayout) -> LayoutSample {
    LayoutSample {
        digest: digest(approve.layout.as_bytes()),
        printer: PRINTER,
        printed_ms: approve.printed_ms,
    }
}

/// A valid card number, another one for each `n`.
pub fn pan(n: u32) -> String {
    let mut digits = format!("40017{n:010}");
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0');
            match (at % 2 == 0, digit * 2) {
                (true, twice) if twice > 9 => twice - 9,
                (true, twice) => twice,
                (false, _) => digit,
            }
        })
        .sum();
    digits.push(char::from(b'0' + ((10 - sum % 10) % 10) as u8));
    digits
}

/// A file of so many cards for the template `csv-pvv`.
pub fn csv(batch: &str, cards: u32) -> String {
    csv_of(batch, 1..=cards)
}

/// The same, of these cards.
pub fn csv_of(batch: &str, which: std::ops::RangeInclusive<u32>) -> String {
    let mut total = 0u128;
    let mut lines = String::new();
    let cards = which.clone().count();
    for n in which {
        let pan = pan(n);
        total += pan.parse::<u128>().unwrap();
        lines.push_str(&format!(
            "{pan};00;2912;HOLDER {n:05} OF BANKX;STREET {n};10000 TOWN;;en;REF-{n}\n"
        ));
    }
    let total = total % 10u128.pow(16);
    format!("{batch};BANKX;{cards};{total}\n{lines}")
}

/// The same for very many cards, whose numbers run: a house number that runs with
/// them would be digits of one, here and there.
pub fn csv_of_one_street(batch: &str, cards: u32) -> String {
    csv(batch, cards)
        .lines()
        .map(|line| match line.split_once(";STREET ") {
            Some((card, rest)) => {
                let (_, behind) = rest.split_once(';').unwrap();
                format!("{card};HIGH STREET;{behind}\n")
            }
            None => format!("{line}\n"),
        })
        .map(|line| line.replace(";10000 TOWN;", ";TOWN;"))
        .collect()
}

impl PinHouse {
    /// In memory.
    pub fn new() -> Self {
        Self::in_room(Room::with_pin_room(), PrinterLanguage::Line)
    }

    /// The room as it was left, with the pair back in it; nothing comes from its
    /// issuer any more.
    pub fn returning(mut room: Room) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        room.clock.set(now.as_millis() as u64 + 60_000);
        room.logon_pin_room();
        let partners = room.vault().list(Compartment::Directory, PinPartner::KIND);
        let partner: PinPartner = partners.unwrap().remove(0).1;
        let media = room
            .vault()
            .list(Compartment::Directory, MediumRecord::KIND);
        let medium: MediumRecord = media.unwrap().remove(0).1;
        Self {
            room,
            paper: Paper::default(),
            media: StickPorts::new(Vec::new()),
            folder: tempfile::tempdir().unwrap(),
            partner,
            medium,
            language: PrinterLanguage::Line,
            printer: "PIN-1".into(),
        }
    }

    /// What is on record of the only batch.
    pub fn only_batch(&self) -> BatchName {
        let all = self.room.vault().list(Compartment::Pins, PinBatch::KIND);
        let batch: PinBatch = all.unwrap().remove(0).1;
        BatchName::of(&batch)
    }

    pub fn in_room(room: Room, language: PrinterLanguage) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        room.clock.set(now.as_millis() as u64);
        let folder = tempfile::tempdir().unwrap();
        let stick = folder.path().join("stick");
        fs::create_dir(&stick).unwrap();
        let media = StickPorts::new(vec![FolderStick::new(&stick, "S-1")]);
        for who in ["bank", "host"] {
            openssl(
                folder.path(),
                &format!(
                    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {who}.key -out {who}.pem -days 300 -subj /O=BANKX/CN={who}"
                ),
            );
        }
        // What openssl made just now holds a moment later.
        room.clock.pass(2_000);
        let partner = partner(folder.path());
        let medium = MediumRecord {
            id: Id([0x51; 16]),
            name: "STICK-1".into(),
            serial: "S-1".into(),
            training: true,
            plate: None,
        };
        let mut house = Self {
            room,
            paper: Paper::default(),
            media,
            folder,
            partner,
            medium,
            language,
            printer: "PIN-1".into(),
        };
        house.furnish();
        house
    }

    /// Another record of the medium: stands for another one.
    pub fn enrol_another(&mut self) {
        self.room.logout();
        self.room.logon_all(&[GroupId::Administrators]);
        self.medium.id.0[0] ^= 0xff;
        let medium = self.medium.clone();
        self.act(&Plant::Medium(medium), &[]).unwrap();
        self.room.logout();
        self.room.logon_pin_room();
    }

    fn furnish(&mut self) {
        self.room.logon_all(&[GroupId::Administrators]);
        let printer = PrinterRecord {
            id: PRINTER,
            name: self.printer.clone(),
            device: "/dev/usb/lp3".into(),
            serial: "PIN-SERIAL".into(),
            purpose: PrinterPurpose::Pins,
            language: self.language,
            training: true,
        };
        self.act(&Plant::Printer(printer), &[]).unwrap();
        let medium = self.medium.clone();
        self.act(&Plant::Medium(medium), &[]).unwrap();
        let partner = self.partner.clone();
        self.act(&Plant::Partner(Box::new(partner)), &[]).unwrap();
        let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
        for name in ["csv-pvv", "fixed-offset", "json-host"] {
            let template = template_text(name);
            self.act(&ApprovePinTemplate { template }, &admins).unwrap();
        }
        for name in [
            "pin-mailer-continuous",
            "pin-mailer-two-up",
            "pin-mailer-laser",
        ] {
            let approve = approve_layout(name);
            self.act(&Plant::Sample(sample_of(&approve)), &[]).unwrap();
            self.act(&approve, &admins).unwrap();
        }
        self.room.logout();

        self.room
            .logon_all(&[GroupId::KeyManagers, GroupId::Approvers]);
        for (at, value, usage, mode, exportability, _) in KEYS {
            let record = self.key(at, value, (usage, mode, exportability), KeyForm::Tdes2);
            let plant = Plant::Key(Box::new(record), value.into());
            self.act(&plant, &[]).unwrap();
        }
        self.room.logout();
        self.release_keys();

        self.room.logon_pin_room();
        let made = self.act(&MakePinIdentity { generation: 1 }, &PAIR).unwrap();
        let der = self.folder.path().join("station.der");
        fs::write(der, &made.input.0).unwrap();
        let der = self.folder.path().join("output.der");
        fs::write(der, &made.output.0).unwrap();
        let at = self.folder.path();
        for name in ["station", "output"] {
            openssl(
                at,
                &format!("x509 -inform DER -in {name}.der -out {name}.pem"),
            );
        }
    }

    /// Both quorums release the keys to the room.
    pub fn release_keys(&mut self) {
        self.room
            .logon_all(&[GroupId::KeyManagers, GroupId::Approvers]);
        for (at, _, _, _, _, pin_use) in KEYS {
            self.release_key(at, pin_use, "BANKX", 30);
        }
        self.room.logout();
    }

    /// A key comes, and is released for batches of this issuer.
    fn release(
        &mut self,
        at: u8,
        value: &str,
        usage: (&str, &str, &str),
        form: KeyForm,
        issuer: &str,
    ) {
        let record = self.key(at, value, usage, form);
        let pin_use = PinUse::of(usage.0, usage.1, usage.2).unwrap();
        let plant = Plant::Key(Box::new(record), value.into());
        self.act(&plant, &[]).unwrap();
        self.release_key(at, pin_use, issuer, 30);
    }

    /// Both quorums release a key that is there.
    fn release_key(&mut self, at: u8, pin_use: PinUse, issuer: &str, days: u32) {
        let record: KeyRecord = self
            .room
            .vault()
            .get(Compartment::Catalogue, Id([at; 16]))
            .unwrap();
        let name = KeyName::of(&record);
        let room: Point = self
            .room
            .vault()
            .get(Compartment::Directory, PIN_ROOM_PUBLIC)
            .unwrap();
        let release = ReleasePinKey {
            key: name,
            pin_use,
            issuer: issuer.into(),
            room,
            days,
        };
        self.act(&release, &BOTH_QUORUMS).unwrap();
    }

    /// A further key, while the pair waits outside; it is back then.
    pub fn further_key(
        &mut self,
        at: u8,
        value: &str,
        usage: (&str, &str, &str),
        form: KeyForm,
        issuer: &str,
    ) -> PinKeyName {
        self.room.logout();
        self.room
            .logon_all(&[GroupId::KeyManagers, GroupId::Approvers]);
        self.release(at, value, usage, form, issuer);
        self.room.logout();
        self.room.logon_pin_room();
        self.released(at)
    }

    /// A key that is there is released anew, for so many days, while the pair
    /// waits outside.
    pub fn released_for(&mut self, at: u8, pin_use: PinUse, days: u32) -> PinKeyName {
        self.room.logout();
        self.room
            .logon_all(&[GroupId::KeyManagers, GroupId::Approvers]);
        self.release_key(at, pin_use, "BANKX", days);
        self.room.logout();
        self.room.logon_pin_room();
        self.released(at)
    }

    /// A key goes out of use, while the pair waits outside.
    pub fn deactivate(&mut self, at: u8, successor: u8) {
        self.room.logout();
        self.room
            .logon_all(&[GroupId::KeyManagers, GroupId::Approvers]);
        let name = |at: u8| {
            let vault = self.room.vault();
            KeyName::of(
                &vault
                    .get::<KeyRecord>(Compartment::Catalogue, Id([at; 16]))
                    .unwrap(),
            )
        };
        let act = DeactivateKey {
            key: name(at),
            successor: name(successor),
        };
        self.act(&act, &BOTH_QUORUMS).unwrap();
        self.room.logout();
        self.room.logon_pin_room();
    }

    fn key(
        &self,
        at: u8,
        value: &str,
        (usage, mode_of_use, exportability): (&str, &str, &str),
        form: KeyForm,
    ) -> KeyRecord {
        let method = match form.is_aes() {
            true => KcvMethod::AesCmac,
            false => KcvMethod::TdesZero,
        };
        let kcv = Kcv::compute(method, &hex(value)).unwrap();
        let now = self.room.vault().clock().wall_ms();
        KeyRecord {
            id: Id([at; 16]),
            label: format!("BANKX.{usage}.{at:03}"),
            form,
            usage: usage.into(),
            mode_of_use: mode_of_use.into(),
            exportability: exportability.into(),
            template: "test v1".into(),
            kcv: CheckValue {
                value: kcv.hex(),
                method: kcv.method().to_string(),
            },
            state: KeyState::Active,
            provider: "software".into(),
            ceremony: Id([0xCE; 16]),
            created_ms: now,
            expires_ms: now + 365 * DAY_MS,
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

    /// Acts, signed by these people where it needs signatures.
    pub fn act<A: Action>(
        &mut self,
        action: &A,
        signers: &[(&str, GroupId)],
    ) -> Result<A::Out, DoorError> {
        self.act_with(action, signers, Vec::new())
    }

    /// Signed by the pair.
    pub fn pair<A: Action>(&mut self, action: &A) -> Result<A::Out, DoorError> {
        self.act(action, &PAIR)
    }

    pub fn act_with<A: Action>(
        &mut self,
        action: &A,
        signers: &[(&str, GroupId)],
        secrets: Vec<Secret>,
    ) -> Result<A::Out, DoorError> {
        let mut warrant = Warrant::default();
        if action.authority().needs_signatures() {
            let proposal = self.room.door_mut().propose(action)?;
            warrant.approvals = self.room.approve(&proposal, signers);
            warrant.proposal = Some(proposal);
        }
        let mut paper = self.paper.clone();
        let mut ports = Ports {
            printers: &mut paper,
            media: &mut self.media,
            programs: &mut NoPrograms,
        };
        self.room
            .door_mut()
            .perform(action, &warrant, secrets, &mut ports)
    }

    /// What the issuer sends: signed by it, encrypted to the PIN room.
    pub fn sealed(&self, cards: &[u8]) -> Vec<u8> {
        let at = self.folder.path();
        fs::write(at.join("cards"), cards).unwrap();
        openssl(
            at,
            "cms -sign -binary -nodetach -outform DER -signer bank.pem -inkey bank.key -md sha256 -in cards -out signed",
        );
        openssl(
            at,
            "cms -encrypt -binary -outform DER -aes256 -in signed -out in.p7m -recip station.pem -keyopt ecdh_kdf_md:sha256",
        );
        fs::read(at.join("in.p7m")).unwrap()
    }

    /// What the issuer reads in an output: opened, its signature checked.
    pub fn opened(&self, output: &Path) -> String {
        let at = self.folder.path();
        fs::copy(output, at.join("out.p7m")).unwrap();
        openssl(
            at,
            "cms -decrypt -binary -inform DER -in out.p7m -out out.signed -recip host.pem -inkey host.key",
        );
        let text = openssl(
            at,
            "cms -verify -binary -inform DER -in out.signed -certfile output.pem -noverify -nointern",
        );
        String::from_utf8(text).unwrap()
    }

    pub fn reading(&self, template: &str, layout: &str, file: &[u8]) -> ReadBatch {
        let text = template_text(template);
        ReadBatch {
            file: digest(file),
            partner: PartnerName::of(&self.partner),
            template: TemplateName::of(&Template::parse(&text).unwrap(), &text),
            layout: layout_text(layout),
            host_key: (template == "json-host").then(|| self.released(4)),
        }
    }

    pub fn released(&self, at: u8) -> PinKeyName {
        let id = PinKey::id_of(Id([at; 16]));
        let key: PinKey = self.room.vault().get(Compartment::Catalogue, id).unwrap();
        PinKeyName::of(&key)
    }

    /// The act that opens a batch of this file, for which people signed.
    pub fn opening(&mut self, template: &str, layout: &str, file: &[u8], id: u8) -> OpenBatch {
        let keys = match template {
            "csv-pvv" => (1, None, None),
            "fixed-offset" => (2, Some(3), None),
            _ => (4, None, None),
        };
        self.opening_by(&template_text(template), layout, file, id, keys)
    }

    /// The same by any approved template, with the numbers of PIN key, zone PIN
    /// key and card verification key.
    pub fn opening_by(
        &mut self,
        template: &str,
        layout: &str,
        file: &[u8],
        id: u8,
        (pin_key, zone, cvv): (u8, Option<u8>, Option<u8>),
    ) -> OpenBatch {
        let read = Template::parse(template).unwrap();
        let reading = ReadBatch {
            template: TemplateName::of(&read, template),
            host_key: (read.pin.method == Method::Host).then(|| self.released(pin_key)),
            ..self.reading("csv-pvv", layout, file)
        };
        let secret = vec![Secret::take(&mut file.to_vec())];
        let checked = self.act_with(&reading, &[], secret).unwrap().unwrap();
        let mut batch = [id; 16];
        batch[12..].fill(0);
        OpenBatch {
            batch: BatchName {
                id: Id(batch),
                name: checked.name,
                issuer: self.partner.issuer.clone(),
            },
            partner: reading.partner,
            file: reading.file,
            count: checked.count,
            input: checked.input,
            template: reading.template,
            layout: reading.layout,
            printer: self.printer.clone(),
            pin_key: self.released(pin_key),
            zone_key: zone.map(|zone| self.released(zone)),
            cvv_key: cvv.map(|cvv| self.released(cvv)),
            limits: Limits {
                tries: 3,
                replacements: checked.count.min(10),
            },
            older: checked.older,
            again: checked.again,
        }
    }

    pub fn open(&mut self, template: &str, layout: &str, file: &[u8], id: u8) -> BatchName {
        let act = self.opening(template, layout, file, id);
        let secret = vec![Secret::take(&mut file.to_vec())];
        self.act_with(&act, &PAIR, secret).unwrap();
        act.batch
    }

    /// A delivery, and all of it taken out for this batch.
    pub fn forms(&mut self, batch: &BatchName, first: u64, last: u64) {
        let mut id = [0x71; 16];
        id[..8].copy_from_slice(&first.to_be_bytes());
        let receive = ReceiveStock {
            id: Id(id),
            lot: format!("LOT-{first}"),
            first,
            last,
            form: self.batch(batch).form,
        };
        self.pair(&receive).unwrap();
        let issue = IssueForms {
            batch: batch.clone(),
            first,
            last,
        };
        self.pair(&issue).unwrap();
    }

    pub fn print(&mut self, batch: &BatchName, window: u16) -> Result<Printed, DoorError> {
        let act = PrintMailers {
            batch: batch.clone(),
            window,
            form: self.batch(batch).next_form().unwrap_or_default(),
        };
        self.act(&act, &[])
    }

    pub fn batch(&self, name: &BatchName) -> PinBatch {
        self.room.vault().get(Compartment::Pins, name.id).unwrap()
    }

    pub fn card(&self, name: &BatchName, number: u32) -> PinCard {
        let id = PinCard::id_of(name.id, number);
        self.room.vault().get(Compartment::Pins, id).unwrap()
    }

    /// The act that signs a batch's numbers, for the pair, and its sheet.
    pub fn reconciling(&self, name: &BatchName) -> (ReconcileBatch, Report) {
        let record = self.batch(name);
        let cards: Vec<PinCard> = (1..=record.count).map(|n| self.card(name, n)).collect();
        let vault = self.room.vault();
        let signers = GroupId::PIN_ROOM.map(|group| vault.people_of(group).to_vec());
        let signers = signers.concat();
        let sheet = sheet(vault.authority().unwrap(), &record, &cards, &signers);
        let act = ReconcileBatch::of(&record, &sheet, &signers).unwrap();
        (act, sheet)
    }

    /// The program is stopped and started, and the pair is back.
    pub fn restart(&mut self) {
        self.room.reopen();
        self.room.logon_pin_room();
    }

    pub fn identity(&self) -> PinIdentity {
        let all = self.room.vault().list(Compartment::Pins, PinIdentity::KIND);
        all.unwrap().remove(0).1
    }
}

/// The tracking number on a form.
pub fn tracking_on(sheet: &[u8]) -> String {
    let text = String::from_utf8_lossy(sheet).into_owned();
    let number = |word: &&str| {
        let dashes = word.bytes().enumerate().all(|(at, c)| match at {
            4 | 9 => c == b'-',
            _ => c.is_ascii_alphanumeric(),
        });
        word.len() == 14 && dashes
    };
    text.split_whitespace().find(number).unwrap().to_owned()
}

pub fn digest(bytes: &[u8]) -> Hash {
    Hash(conclave_crypto::primitive::derive::sha256(&[bytes]))
}

fn partner(folder: &Path) -> PinPartner {
    let certificate = |name: &str| {
        let pem = fs::read(folder.join(name)).unwrap();
        let read = Recipient::read(&pem).unwrap();
        assert!(Signer::read(&pem).is_ok());
        let facts = read.facts();
        EnrolledCertificate {
            der: Bytes(read.certificate().to_vec()),
            fingerprint: Hash(facts.fingerprint),
            subject: "BANKX".into(),
            key: "P-256".into(),
            from_ms: 0,
            until_ms: u64::MAX,
        }
    };
    PinPartner {
        id: Id([0x41; 16]),
        issuer: "BANKX".into(),
        signer: certificate("bank.pem"),
        recipient: certificate("host.pem"),
        recorded_ms: 0,
        by: vec!["Ada".into(), "Ben".into()],
        barred: None,
    }
}
