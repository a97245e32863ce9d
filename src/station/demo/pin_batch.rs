//! A batch of PIN mailers: its key from an issuer's sheets, a jam and a torn
//! form on the way, and what goes back.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::Permission;
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::form_stock::Aside;
use conclave_keyroom::domain::pin_batch::{Limits, PinBatch};
use conclave_keyroom::domain::pin_card::{Loss, PinCard};
use conclave_keyroom::domain::pin_identity::PinIdentity;
use conclave_keyroom::domain::pin_key::PinKey;
use conclave_keyroom::domain::pin_partner::PinPartner;
use conclave_keyroom::domain::pin_seen::{Reading, Shown};
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::printer::{FoundPrinter, PrinterError, Printers};
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::Template;
use conclave_trades::pin::action::{
    BatchName, CardValuesOut, ConfirmMailers, ExportBatch, Found, IssueForms, OpenBatch,
    PartnerName, PinKeyName, PrintMailers, PurgeBatch, ReadBatch, ReadCardFile, ReceiveStock,
    ReconcileBatch, ResolveUnknown, ReturnForms, SetFormsAside, SpoilMailer, TemplateName, sheet,
};
use conclave_trades::print::{Layout, PrintSample, report_pdf};
use conclave_trades::target::IMPORT_FOLDER;
use conclave_training::printer::TrainingPrinters;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::issuer::{BATCH, Issuer, NAME, PVK, PinKeyFiles, file, pdfs};
use super::{DemoError, Demonstration};
use crate::compose::random_source;

/// Its name on the station.
pub(super) const PRINTER: &str = "MAIL-1";
/// For how many days the PIN room has the key.
const RELEASED_DAYS: u32 = 30;
/// The template of the issuer's file.
pub(super) const TEMPLATE: &str = "csv-pvv.toml";
/// The blank forms: first and last of the delivery. The first one gets the page of X's.
const FORMS: (u64, u64) = (50_001, 50_210);
/// Mailers of one window.
const WINDOW: u16 = 10;
/// Forms of X's over what a printer's memory has.
const FLUSH: u64 = 2;
/// The sheet after which the printer takes no more.
const JAM: u32 = 76;

/// `pin_batch` in `demo.json`: paths relative to its folder.
#[derive(Debug, Default, Serialize)]
pub struct PinBatchLine {
    /// The issuer's file of cards, before it was signed and encrypted.
    pub input: String,
    /// The file as it came.
    pub envelope: String,
    /// What went back: signed, and encrypted to the issuer's host.
    pub output: String,
    /// Every sheet, in the order in which it was printed.
    pub mailers: Vec<String>,
    /// The sheet that was torn.
    pub spoiled: String,
    /// The sheet during which the printer failed.
    pub unknown: String,
    /// The reconciliation.
    pub reconciliation: String,
    /// The PIN verification key's sheets.
    pub pvk_components: Vec<String>,
    /// The host's private test key, PKCS#8 in PEM.
    pub host_key: String,
    /// The host's certificate, in PEM.
    pub host_certificate: String,
    /// The certificate that signed what went back, in PEM.
    pub signer: String,
}

/// A printer that stops taking data once, when a sheet has just come out.
struct Jams {
    inner: TrainingPrinters,
    after: u32,
}

impl Printers for Jams {
    fn found(&mut self) -> Result<Vec<FoundPrinter>, PrinterError> {
        self.inner.found()
    }

    fn print(
        &mut self,
        permit: &dyn Permission,
        device: &str,
        serial: &str,
        bytes: &[u8],
    ) -> Result<(), PrinterError> {
        self.inner.print(permit, device, serial, bytes)?;
        let left = self.after.checked_sub(1);
        self.after = left.unwrap_or(u32::MAX);
        match left {
            Some(_) => Ok(()),
            None => Err(PrinterError::Broken("it takes no data".into())),
        }
    }
}

pub(super) fn digest(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

fn secret(bytes: &[u8]) -> Secret {
    Secret::from_fn(bytes.len(), |out| out.copy_from_slice(bytes))
}

impl Demonstration {
    pub(super) fn does<A: Action>(
        &mut self,
        action: &A,
        secrets: Vec<Secret>,
    ) -> Result<A::Out, DemoError> {
        self.stage(&action.words().first().cloned().unwrap_or_default());
        let done = self
            .station
            .act_on(action, secrets, A::NAME, &mut self.hands);
        done.map_err(|undone| self.failed(A::NAME, format!("{undone:?}")))
    }

    pub(super) fn read<T: serde::de::DeserializeOwned>(
        &mut self,
        compartment: Compartment,
        id: Id,
    ) -> Result<T, DemoError> {
        let found = self.station.door.vault().get(compartment, id);
        found.map_err(|e| self.failed("PIN batch", e.to_string()))
    }

    /// Everything from the issuer's sheets to the purge.
    ///
    /// # Errors
    /// [`DemoError`]
    pub(super) fn pin_batch(&mut self) -> Result<(), DemoError> {
        let mut random = random_source()?;
        let now_ms = self.station.clock.wall_ms();
        let paper = self.out.join("paper");
        let (mut issuer, files) = Issuer::prepare(&paper, now_ms, &mut *random)
            .map_err(|why| self.failed("the issuer", why))?;
        self.equip_pin_room(&issuer, &[TEMPLATE])?;
        self.enter_keys(vec![(PVK, std::mem::take(&mut issuer.pvk))], RELEASED_DAYS)?;
        self.logon(GroupId::PinOperators, &[])?;
        let cards = issuer
            .cards(BATCH)
            .map_err(|why| self.failed("cards", why))?;
        let identity = self.make_pin_identity()?;
        let sealed = issuer
            .sealed(&cards, &identity.input.0, now_ms, &mut *random)
            .map_err(|why| self.failed("the issuer's file", why))?;
        let mut line = self.filed(&cards, &sealed, files)?;
        let batch = self.open_pin_batch(&sealed)?;
        self.print_pin_batch(&batch, &mut line)?;
        self.finish_pin_batch(&batch, &mut line)?;
        self.pin_line = line;
        self.logout()
    }

    /// The room's key pairs for files; their certificates are filed.
    pub(super) fn make_pin_identity(&mut self) -> Result<PinIdentity, DemoError> {
        let end = self.station.make_pin_identity(&mut self.hands);
        self.done("the room's certificates", end)?;
        let made = self.station.pin_identities().into_iter().next();
        made.ok_or_else(|| self.failed("the room's certificates", "none was made"))
    }

    /// What is filed for whoever checks, and what lies on the stick.
    fn filed(
        &mut self,
        cards: &str,
        sealed: &[u8],
        files: PinKeyFiles,
    ) -> Result<PinBatchLine, DemoError> {
        let line = PinBatchLine {
            input: "paper/TEST-B-0001.csv".into(),
            envelope: format!("media/{IMPORT_FOLDER}/cards.p7m"),
            signer: "certificates/TEST-pin-output-0001.pem".into(),
            pvk_components: files.components,
            host_key: files.host_key,
            host_certificate: files.host_certificate,
            ..PinBatchLine::default()
        };
        for (path, bytes) in [(&line.input, cards.as_bytes()), (&line.envelope, sealed)] {
            file(self.out.join(path), bytes).map_err(|why| self.failed("papers", why))?;
        }
        Ok(line)
    }

    /// The file is read, looked at and taken.
    fn open_pin_batch(&mut self, sealed: &[u8]) -> Result<BatchName, DemoError> {
        let media = self
            .station
            .door
            .vault()
            .list::<MediumRecord>(Compartment::Directory, MediumRecord::KIND);
        let medium = media.ok().and_then(|all| all.into_iter().next());
        let Some((medium, _)) = medium else {
            return Err(self.failed("PIN batch", "no medium is enrolled"));
        };
        let card_file = ReadCardFile {
            medium,
            file: "cards.p7m".into(),
        };
        let came = self.does(&card_file, Vec::new())?;
        if came.0 != sealed {
            return Err(self.failed("PIN batch", "another file came"));
        }
        let partner = self.station.pin_partners().into_iter().next();
        let partner: PinPartner =
            partner.ok_or_else(|| self.failed("PIN batch", "no issuer is on record"))?;
        let text = self.pin_template(TEMPLATE)?;
        let template =
            Template::parse(&text).map_err(|e| self.failed("PIN batch", e.to_string()))?;
        let layout = self.pin_layout()?;
        let reading = ReadBatch {
            file: digest(sealed),
            partner: PartnerName::of(&partner),
            template: TemplateName::of(&template, &text),
            layout,
            host_key: None,
        };
        let checked = self.does(&reading, vec![secret(sealed)])?;
        let checked = checked.map_err(|faults| self.failed("PIN batch", faults.join("; ")))?;
        let keys = self.station.pin_keys();
        let key: &PinKey = keys.first().ok_or_else(|| DemoError::Stage {
            stage: "PIN batch".into(),
            why: "no key is released".into(),
        })?;
        let mut id = self
            .station
            .door
            .new_id()
            .map_err(|e| self.failed("PIN batch", e.to_string()))?;
        if let Some(end) = id.0.get_mut(12..) {
            end.fill(0);
        }
        let act = OpenBatch {
            batch: BatchName {
                id,
                name: checked.name,
                issuer: NAME.into(),
            },
            partner: reading.partner,
            file: reading.file,
            count: checked.count,
            input: checked.input,
            template: reading.template,
            layout: reading.layout,
            printer: PRINTER.into(),
            pin_key: PinKeyName::of(key),
            zone_key: None,
            cvv_key: None,
            limits: Limits {
                tries: 3,
                replacements: 10,
            },
            older: checked.older,
            again: checked.again,
        };
        self.does(&act, vec![secret(sealed)])?;
        Ok(act.batch)
    }

    /// Prints what waits; each sheet is taken from the printer and filed.
    fn print_windows(
        &mut self,
        batch: &BatchName,
        line: &mut PinBatchLine,
    ) -> Result<(), DemoError> {
        let printer = self.pin_printer()?;
        loop {
            let record: PinBatch = self.read(Compartment::Pins, batch.id)?;
            if record.cards.waiting.is_empty() {
                return Ok(());
            }
            let act = PrintMailers {
                batch: batch.clone(),
                window: WINDOW,
                form: record.next_form().unwrap_or_default(),
            };
            let printed = self.does(&act, Vec::new())?;
            let tray = printer.bytes();
            for sheet in pdfs(&tray) {
                let path = format!("paper/TEST-PIN-{:03}.pdf", line.mailers.len() + 1);
                file(self.out.join(&path), sheet).map_err(|why| self.failed("a sheet", why))?;
                line.mailers.push(path);
            }
            drop(printer.take_sheet());
            if printed.stopped.is_some() {
                line.unknown = line.mailers.last().cloned().unwrap_or_default();
            }
        }
    }

    fn print_pin_batch(
        &mut self,
        batch: &BatchName,
        line: &mut PinBatchLine,
    ) -> Result<(), DemoError> {
        let (first, last) = FORMS;
        let id = self
            .station
            .door
            .new_id()
            .map_err(|e| self.failed("forms", e.to_string()))?;
        let layout = self.pin_layout()?;
        let layout = Layout::parse(&layout).map_err(|e| self.failed("forms", e.to_string()))?;
        let receive = ReceiveStock {
            id,
            lot: "LOT-77".into(),
            first,
            last,
            form: layout.form().to_owned(),
        };
        self.does(&receive, Vec::new())?;
        let issue = IssueForms {
            batch: batch.clone(),
            first,
            last,
        };
        self.does(&issue, Vec::new())?;
        self.print_xs(batch, first, 1)?;
        let first = first + 1;
        let jams = Box::new(Jams {
            inner: self.printers.clone(),
            after: JAM,
        });
        let whole = std::mem::replace(&mut self.station.printers, jams);
        let done = self.print_windows(batch, line);
        self.station.printers = whole;
        done?;
        // The form that came out while the printer failed is whole; another one
        // is torn, and its card gets another PIN.
        let unknown = first + u64::from(JAM);
        let resolve = ResolveUnknown {
            batch: batch.clone(),
            first: unknown,
            last: unknown,
            found: Found::Whole(Shown {
                first: JAM + 1,
                last: JAM + 1,
            }),
            reason: "it lay in the tray, closed".into(),
        };
        self.does(&resolve, Vec::new())?;
        let torn = first + 122;
        line.spoiled = line.mailers.get(122).cloned().unwrap_or_default();
        let spoil = SpoilMailer {
            batch: batch.clone(),
            first: torn,
            last: torn,
            loss: Loss::Damaged,
            reading: Reading::Shown(Shown {
                first: 123,
                last: 123,
            }),
            reason: "torn at the fold".into(),
        };
        self.does(&spoil, Vec::new())?;
        self.print_windows(batch, line)?;
        // One form for each card, and one more.
        let newest = first + u64::from(BATCH.1);
        // The last one has the torn form's card, with another PIN.
        for (from, to, shows) in [
            (first, unknown - 1, (1, JAM)),
            (unknown + 1, torn - 1, (JAM + 2, 122)),
            (torn + 1, newest, (124, 123)),
        ] {
            let confirm = ConfirmMailers {
                batch: batch.clone(),
                first: from,
                last: to,
                shows: Shown {
                    first: shows.0,
                    last: shows.1,
                },
            };
            self.does(&confirm, Vec::new())?;
        }
        self.print_xs(batch, newest + 1, FLUSH)?;
        let blank = newest + 1 + FLUSH;
        let give_back = ReturnForms {
            batch: batch.clone(),
            count: last + 1 - blank,
            counted: format!("{blank} to {last}"),
        };
        self.does(&give_back, Vec::new()).map(drop)
    }

    /// X's on so many blank forms, the first of which lies in the printer: one before
    /// the batch, or a flush after it. They are thrown away, and said to be used.
    fn print_xs(&mut self, batch: &BatchName, form: u64, count: u64) -> Result<(), DemoError> {
        let printer = self.pin_printer()?;
        let flush = count == FLUSH;
        let print = PrintSample {
            group: GroupId::PinOperators,
            printer: PRINTER.into(),
            layout: self.pin_layout()?,
            flush,
        };
        self.does(&print, Vec::new())?;
        drop(printer.take_sheet());
        let used = SetFormsAside {
            batch: batch.clone(),
            first: form,
            last: form + count - 1,
            aside: Aside::Test,
            reason: match flush {
                true => "flushed after the last mailer".into(),
                false => "page of X's, it stands in its lines".into(),
            },
        };
        self.does(&used, Vec::new())
    }

    /// Output, reconciliation, purge.
    fn finish_pin_batch(
        &mut self,
        batch: &BatchName,
        line: &mut PinBatchLine,
    ) -> Result<(), DemoError> {
        let partner = self.station.pin_partners().into_iter().next();
        let partner = partner.ok_or_else(|| self.failed("output", "no issuer is on record"))?;
        let media = self
            .station
            .door
            .vault()
            .list::<MediumRecord>(Compartment::Directory, MediumRecord::KIND);
        let medium = media.ok().and_then(|all| all.into_iter().next());
        let Some((_, medium)) = medium else {
            return Err(self.failed("output", "no medium is enrolled"));
        };
        let export = ExportBatch {
            batch: batch.clone(),
            output: 1,
            partner: PartnerName::of(&partner),
            medium: medium.id,
            medium_name: medium.name,
            serial: medium.serial,
            card_values: CardValuesOut::NotAsked,
        };
        let out = self.does(&export, Vec::new())?;
        line.output = format!("media/{}/{}", out.folder, out.file);
        let record: PinBatch = self.read(Compartment::Pins, batch.id)?;
        let mut cards: Vec<PinCard> = Vec::new();
        for number in 1..=record.count {
            cards.push(self.read(Compartment::Pins, PinCard::id_of(batch.id, number))?);
        }
        let signers = self.station.pin_room_people();
        let authority = self.station.door.vault().authority();
        let authority = authority.map_err(|e| DemoError::Stage {
            stage: "reconciliation".into(),
            why: e.to_string(),
        })?;
        let report = sheet(authority, &record, &cards, &signers);
        let signed = ReconcileBatch::of(&record, &report, &signers)
            .map_err(|e| self.failed("reconciliation", e.to_string()))?;
        self.does(&signed, Vec::new())?;
        let pdf = report_pdf(&report).map_err(|e| self.failed("reconciliation", e.to_string()))?;
        line.reconciliation = "paper/TEST-B-0001-reconciliation.pdf".into();
        file(self.out.join(&line.reconciliation), &pdf)
            .map_err(|why| self.failed("reconciliation", why))?;
        let purge = PurgeBatch {
            batch: batch.clone(),
            receipt: "R-0001 of BANKX".into(),
        };
        self.does(&purge, Vec::new()).map(drop)
    }
}
