//! Printing one component: the custodian's fresh signature, the enrolled
//! printer's device node, and the component is gone from the provider.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityRecord, Mode};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::Permission;
use conclave_keyroom::domain::device::{PrinterLanguage, PrinterPurpose, PrinterRecord};
use conclave_keyroom::domain::key::{Component, ComponentState, KeyRecord};
use conclave_keyroom::door::{Action, ActionError, Authority, Mandate, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::printer::PrinterError;
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};

use super::super::sheet_mark::{self, Sighting};
use super::super::state::State;
use super::super::{commitment, value_mark};
use crate::print::approval::may_print;
use crate::print::component::render;
use crate::print::enrolment::{fit, on_record};
use crate::print::master_key_part::{MasterKeyPart, master_key};
use crate::print::print_report::node;
use crate::print::{ComponentForm, Disclosure, Layout, PrimeOf};

/// Prints one component on its one sheet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PrintComponent {
    /// Under this ceremony's mandate.
    pub ceremony: Id,
    /// The key.
    pub key: Id,
    /// Its label, for the words.
    pub label: String,
    /// Which component, from 1.
    pub index: u8,
    /// How many there are.
    pub of: u8,
    /// A share, of which any so many make the key; nothing for a component.
    pub quorum: Option<u8>,
    /// Who takes the sheet.
    pub custodian: Id,
    /// Their name.
    pub custodian_name: String,
    /// Their group.
    pub group: GroupId,
    /// The printer's name. A training station may file the same sheet as a
    /// PDF on a second training printer; nobody else has two.
    pub printers: Vec<String>,
    /// The layout's exact text.
    pub layout: String,
    /// The script that both quorums signed is played for blind mailers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blind: bool,
    /// The ceremony's short name on the form.
    pub reference: String,
    /// The date on the form.
    pub date: String,
    /// A part of this master key of a CCA coprocessor: a page for its panel follows
    /// the form, out of the same printer in one piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panel: Option<String>,
}

impl PrintComponent {
    fn component<'r>(&self, record: &'r KeyRecord) -> Result<&'r Component, ActionError> {
        if record.set(self.ceremony).and_then(|set| set.quorum) != self.quorum {
            return Err(ActionError::rule(
                format!("{} was not split in this way", self.label),
                "Stop, and call the approvers.",
            ));
        }
        let component = record
            .printed_in(self.ceremony)
            .iter()
            .find(|c| c.index == self.index)
            .ok_or_else(|| {
                ActionError::rule(
                    format!("{} has no component {}", self.label, self.index),
                    "Stop, and call the approvers.",
                )
            })?;
        if component.state != ComponentState::Waiting {
            return Err(ActionError::rule(
                "this component was printed before; it is never printed again",
                "If its sheet is not in order, the key is void and made afresh.",
            ));
        }
        if component.custodian != self.custodian {
            return Err(ActionError::rule(
                format!(
                    "component {} is not for {}",
                    self.index, self.custodian_name
                ),
                "Only the named custodian receives it.",
            ));
        }
        if record.held_other_part(self.custodian, self.index) {
            return Err(ActionError::rule(
                format!(
                    "{} has held another part of this key (R4)",
                    self.custodian_name
                ),
                "Another custodian has to take it.",
            ));
        }
        Ok(component)
    }

    /// Blind mailers and the panel's page are as both quorums signed them, and not as
    /// the caller says.
    fn as_signed(&self, permit: &Permit<'_>) -> Result<(), ActionError> {
        let other = || {
            ActionError::rule(
                "this is not how both quorums signed that the parts are printed",
                "Stop, and call the approvers.",
            )
        };
        let state: State = match permit.get(Compartment::Catalogue, self.ceremony) {
            Err(VaultError::Missing(_)) => return Err(other()),
            state => state?,
        };
        let mandate: Mandate = permit.get(Compartment::Catalogue, Mandate::id_of(self.ceremony))?;
        let parameters = &state.parameters;
        let signed = state.parameters_digest().ok() == Some(mandate.parameters);
        if signed && (self.blind, &self.panel) == (parameters.blind, &parameters.template.panel) {
            return Ok(());
        }
        Err(other())
    }

    /// The page for the panel, where it is a part of a master key.
    fn master_key_part(
        &self,
        record: &KeyRecord,
        authority: &AuthorityRecord,
    ) -> Result<Option<MasterKeyPart>, ActionError> {
        let Some(panel) = &self.panel else {
            return Ok(None);
        };
        let key = master_key(panel, record.form.bytes());
        let key = key.filter(|_| self.quorum.is_none()).ok_or_else(|| {
            ActionError::rule(
                format!("{} of {} is no part of a {panel}", self.label, record.form),
                "Make it by the template of its master key, in components.",
            )
        })?;
        Ok(Some(MasterKeyPart {
            key,
            head: format!(
                "{}  {}  component for {}",
                authority.mode, authority.station_name, self.custodian_name
            ),
            label: record.label.clone(),
            index: self.index,
            of: self.of,
        }))
    }

    fn printers(&self, permit: &Permit<'_>) -> Result<Vec<PrinterRecord>, ActionError> {
        let mode = permit.authority()?.mode;
        let enrolled = on_record(permit)?;
        let mut chosen = Vec::new();
        for name in &self.printers {
            let record = fit(mode, &enrolled, name, PrinterPurpose::Components).map_err(|e| {
                ActionError::rule(
                    e.to_string(),
                    "Components leave through their own enrolled printer only (R10).",
                )
            })?;
            chosen.push(record.clone());
        }
        let several = chosen.len() > 1 && chosen.iter().any(|p| !p.training);
        if chosen.is_empty() || several {
            return Err(ActionError::rule(
                "a component goes to exactly one printer",
                "Choose the component printer.",
            ));
        }
        if chosen
            .iter()
            .any(|p| p.language == PrinterLanguage::Pdf && !p.training)
        {
            return Err(ActionError::rule(
                "a component as PDF is for training stations only",
                "Use the enrolled line printer.",
            ));
        }
        Ok(chosen)
    }
}

fn device(error: &PrinterError) -> ActionError {
    ActionError::Device {
        what: error.to_string(),
        advice:
            "Check the printer: it must be the enrolled one, on and with paper; without a serial \
                 number also in its own socket. If that is named otherwise now, have the printer \
                 retired and enrolled anew."
                .into(),
    }
}

/// Sends the filled form to every printer.
///
/// # Errors
/// [`ActionError::Unknown`] when bytes may have left; anything else when none
/// has.
fn emit(
    printers: &[PrinterRecord],
    nodes: &[String],
    (layout, form, value): (&Layout, &ComponentForm, &Secret),
    panel: Option<&MasterKeyPart>,
    mark: &dyn Permission,
    ports: &mut Ports<'_>,
) -> Result<(), ActionError> {
    // All sheets are made before the first byte leaves.
    let sheets = printers
        .iter()
        .map(|printer| {
            let sheet = render(layout, form, value, printer.language)?;
            match panel {
                Some(part) => part.behind(&sheet, value, layout, printer.language),
                None => Ok(sheet),
            }
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| ActionError::rule(e.to_string(), "Correct the form's fields."))?;
    let mut any_left = false;
    for ((printer, node), sheet) in printers.iter().zip(nodes).zip(&sheets) {
        let printed = ports
            .printers
            .print(mark, node, &printer.serial, sheet.expose());
        match printed {
            Ok(()) => any_left = true,
            Err(error) if any_left || error.may_have_printed() => {
                return Err(ActionError::Unknown {
                    what: error.to_string(),
                });
            }
            Err(error) => return Err(device(&error)),
        }
    }
    Ok(())
}

impl Action for PrintComponent {
    const NAME: &'static str = "print-component";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
            Authority::Person(self.custodian, self.group),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Print {} {} of {} of {}",
                super::part_name(self.quorum.is_some()),
                self.index,
                self.of,
                self.label
            ),
            format!("for {}, who alone takes the sheet", self.custodian_name),
            format!("on {}", self.printers.join(" and ")),
        ]
        .into_iter()
        .chain(
            self.panel
                .as_ref()
                .map(|panel| format!("with a page for the Master Key Entry panel: {panel}")),
        )
        .collect()
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let mut record = super::key_record(permit, self.key)?;
        let component = self.component(&record)?.clone();
        super::form::holds(permit, (self.custodian, &self.custodian_name), self.group)?;
        self.as_signed(permit)?;
        let printers = self.printers(permit)?;
        let layout = may_print(permit, &self.layout)?;
        // The script has its custodian read the sheet, or look at the closed
        // form's serial: what was signed is what comes out of the printer.
        match (self.blind, layout.disclosure()) {
            (false, Disclosure::OpenSheet) | (true, Disclosure::BlindMailer) => {}
            (false, Disclosure::BlindMailer) => {
                return Err(ActionError::rule(
                    format!("the layout {} is a blind mailer", layout.name()),
                    "This ceremony prints open sheets: its custodian looks whether the value is legible.",
                ));
            }
            (true, Disclosure::OpenSheet) => {
                return Err(ActionError::rule(
                    format!("the layout {} is an open sheet", layout.name()),
                    "This ceremony prints blind mailers: nobody is to read a value before it is opened.",
                ));
            }
        }
        let found = ports.printers.found().map_err(|e| device(&e))?;
        // The serial is the printer; its node may be another one today.
        let mut nodes = Vec::new();
        for printer in &printers {
            let node = node(printer, &found).map_err(|e| device(&e))?;
            nodes.push(node.device.clone());
        }
        let provenance = permit.provider_identity().class.provenance();
        let authority = permit.authority()?;
        let form = ComponentForm {
            mode: authority.mode,
            station: authority.station_name.clone(),
            label: record.label.clone(),
            purpose: record.template.clone(),
            form: record.form,
            index: self.index,
            of: self.of,
            quorum: self.quorum,
            kcv: component.kcv,
            key_kcv: None,
            ceremony: self.reference.clone(),
            date: self.date.clone(),
            group: self.group.title().into(),
            custodian: self.custodian_name.clone(),
            provenance: match authority.mode {
                Mode::Production => provenance.map(str::to_owned),
                Mode::Test => None,
            },
            prime: record.rsa.as_ref().map(|rsa| PrimeOf {
                bits: rsa.bits,
                fingerprint: rsa.fingerprint,
            }),
        };
        let panel = self.master_key_part(&record, authority)?;
        // A set of its own waits, and is committed to, under its ceremony.
        let subject = match record.set(self.ceremony) {
            Some(_) => self.ceremony,
            None => self.key,
        };
        let under = commitment::key_for(permit, subject)?;
        let marks = value_mark::secret(permit)?;
        // From here on the component is nowhere but in this call: when a byte
        // of it may have left, the key is void. When none has, it waits again.
        let (provider, mark, _) = permit.provider();
        let value = provider.take_component(&mark, subject, self.index)?;
        if let Err(error) = emit(
            &printers,
            &nodes,
            (&layout, &form, &value),
            panel.as_ref(),
            &mark,
            ports,
        ) {
            if !matches!(error, ActionError::Unknown { .. }) {
                provider.put_back_component(&mark, subject, self.index, value);
            }
            return Err(error);
        }
        let commitment = commitment::commit(&under, subject, self.index, &value);
        let mark = sheet_mark::mark(&marks, record.form, &value);
        drop(value);
        let now = permit.now_ms();
        let mut parts = record.printed_in_mut(self.ceremony).iter_mut();
        if let Some(component) = parts.find(|c| c.index == self.index) {
            component.state = ComponentState::Printed;
            component.printed_ms = Some(now);
            component.commitment = commitment.ok();
        }
        if let Ok(mark) = mark {
            let seen = Sighting {
                subject,
                key: Some(self.key),
                index: self.index,
            };
            sheet_mark::sheet(permit, mark)?.saw(permit, mark, seen)?;
        }
        super::put_key(permit, &record)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["sent to the printer".into()]
    }
}
