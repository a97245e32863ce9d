//! What the PIN room has before a batch: templates, the issuer, a printer with its
//! approved layout, and the issuer's keys.

use conclave_evidence::{GroupId, Point};
use conclave_keyroom::domain::layout_approval::LayoutSample;
use conclave_keyroom::vault::Compartment;
use conclave_keyroom::vault::genesis::PIN_ROOM_PUBLIC;
use conclave_trades::ceremony::state::Player;
use conclave_trades::keys::ReleasePinKey;
use conclave_trades::pin::{ApprovePinTemplate, RecordPinPartner};
use conclave_trades::print::approval::{ApproveLayout, sample_page};
use conclave_trades::print::{Layout, PrintSample};
use conclave_trades::target::KeyName;
use conclave_training::printer::TrainingPrinter;

use super::issuer::{Issuer, IssuerKey, NAME, SHEETS};
use super::papers::Papers;
use super::pin_batch::{PRINTER, digest};
use super::{DemoError, Demonstration};
use crate::training_room::PIN_PRINTER;

impl Demonstration {
    /// Administrators approve the templates, record the issuer and enrol the
    /// printer.
    pub(super) fn equip_pin_room(
        &mut self,
        issuer: &Issuer,
        templates: &[&str],
    ) -> Result<(), DemoError> {
        self.logon(GroupId::Administrators, &[])?;
        for name in templates {
            let template = self.pin_template(name)?;
            self.does(&ApprovePinTemplate { template }, Vec::new())?;
        }
        let by: Vec<Player> = self
            .station
            .session()
            .groups
            .get(&GroupId::Administrators)
            .into_iter()
            .flatten()
            .map(|member| Player {
                id: member.person,
                name: member.name.clone(),
                group: GroupId::Administrators,
                reports_to: String::new(),
            })
            .collect();
        let certificates = issuer.signer().and_then(|a| Ok((a, issuer.recipient()?)));
        let (signer, recipient) = certificates.map_err(|why| self.failed("the issuer", why))?;
        let id = self
            .station
            .door
            .new_id()
            .map_err(|e| self.failed("the issuer", e.to_string()))?;
        let record = RecordPinPartner {
            id,
            issuer: NAME.into(),
            signer: signer.der,
            signer_fingerprint: signer.fingerprint,
            recipient: recipient.der,
            recipient_fingerprint: recipient.fingerprint,
            by,
            lifts: None,
        };
        self.does(&record, Vec::new())?;
        let found = self.pin_printer()?;
        let row = vec![
            PRINTER.into(),
            format!("{} serial {}", found.device(), found.serial()),
            "PIN mailers".into(),
            self.mailer_language().into(),
        ];
        self.hands.forms.insert("enrol.printer".into(), vec![row]);
        let end = self.station.ask_printer(&mut self.hands);
        self.done("enrol the printer of PIN mailers", end)?;
        self.approve_pin_layout(&found)?;
        self.logout()
    }

    /// On a page of X's, which is thrown away after it was looked at.
    fn approve_pin_layout(&mut self, printer: &TrainingPrinter) -> Result<(), DemoError> {
        let layout = self.pin_layout()?;
        let parsed = Layout::parse(&layout).map_err(|e| self.failed("PIN batch", e.to_string()))?;
        let page = sample_page(&parsed).map_err(|e| self.failed("PIN batch", e.to_string()))?;
        let print = PrintSample {
            group: GroupId::Administrators,
            printer: PRINTER.into(),
            layout: layout.clone(),
            flush: false,
        };
        self.does(&print, Vec::new())?;
        drop(printer.take_sheet());
        let samples: Vec<LayoutSample> = self.station.records(LayoutSample::KIND);
        let wanted = digest(layout.as_bytes());
        let printed = samples.iter().find(|sample| sample.digest == wanted);
        let printed_ms = printed
            .map(|sample| sample.printed_ms)
            .ok_or_else(|| self.failed("PIN batch", "no page of X's is on record"))?;
        let approve = ApproveLayout {
            layout,
            sample: digest(&page),
            printer: PRINTER.into(),
            printed_ms,
            inspected: "a training page of X's, folded, against a lamp".into(),
        };
        self.does(&approve, Vec::new())
    }

    /// A practice room shows its paper as text; the demonstration files it.
    fn mailer_language(&self) -> &'static str {
        match self.hands.sheets.is_some() {
            true => "PDF",
            false => "ESC/P",
        }
    }

    pub(super) fn pin_printer(&mut self) -> Result<TrainingPrinter, DemoError> {
        let found = self.printers.0.iter().find(|p| p.serial() == PIN_PRINTER);
        let found = found.cloned();
        found.ok_or_else(|| self.failed("PIN batch", "there is no printer of PIN mailers"))
    }

    pub(super) fn pin_template(&mut self, wanted: &str) -> Result<String, DemoError> {
        let all = self.station.data.pin_templates();
        let found = all.into_iter().find(|(name, _)| name == wanted);
        let found = found.and_then(|(_, text)| text.ok());
        found.ok_or_else(|| self.failed("PIN batch", format!("there is no template {wanted}")))
    }

    pub(super) fn pin_layout(&mut self) -> Result<String, DemoError> {
        let all = self.station.data.layouts();
        let found = all
            .into_iter()
            .find(|(name, _)| name == "pin-mailer-continuous.toml")
            .and_then(|(_, text)| text.ok());
        found.ok_or_else(|| self.failed("PIN batch", "the layout is not there"))
    }

    /// The issuer's keys are entered from its sheets, and released to the PIN room.
    pub(super) fn enter_keys(
        &mut self,
        keys: Vec<(IssuerKey, Papers)>,
        days: u32,
    ) -> Result<(), DemoError> {
        self.logon(GroupId::KeyManagers, &["D. Novak", "E. Fischer"])?;
        self.logon(GroupId::Approvers, &["A. Lindqvist", "B. Okafor"])?;
        for (key, papers) in keys {
            self.enter_key(key, papers, days)?;
        }
        self.logout()
    }

    fn enter_key(&mut self, key: IssuerKey, papers: Papers, days: u32) -> Result<(), DemoError> {
        let label = key.label;
        self.hands.papers = papers;
        self.ceremony(
            "enter-components.toml",
            label,
            [
                label,
                key.template,
                &SHEETS.to_string(),
                NAME,
                "behind each line",
                "on each component",
                "usual for the cipher",
                "",
            ]
            .map(str::to_owned)
            .to_vec(),
        )?;
        self.hands.papers = Papers::default();
        self.put_sheets_away(label)?;
        let record = self.station.keys().into_iter().find(|k| k.label == label);
        let record = record.ok_or_else(|| self.failed("the PIN key", "it is not there"))?;
        let room: Point = self.read(Compartment::Directory, PIN_ROOM_PUBLIC)?;
        let release = ReleasePinKey {
            key: KeyName::of(&record),
            pin_use: key.pin_use,
            issuer: NAME.into(),
            room,
            days,
        };
        self.does(&release, Vec::new()).map(drop)
    }
}
