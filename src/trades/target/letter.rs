//! One key under a zone master key, on paper or read from the screen: partners
//! still ask for letters.

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::domain::device::PrinterPurpose;
use conclave_keyroom::domain::key::{Exported, KeyRecord, WrappingMethod};
use conclave_keyroom::domain::legacy::LegacyException;
use conclave_keyroom::domain::target_system::Settings;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::export::KeyName;
use super::letter_form::{LetterFacts, key_letter, lines};
use super::{Order, Payload, TargetError, rules, target_of};
use crate::ceremony::action::refuse_published;
use crate::ceremony::exception_words;
use crate::print::enrolment::{fit, on_record};
use crate::print::print_report::{page_for, send};
use crate::print::time_words;

/// Wraps one key under a zone master key, by that key's one method, for a
/// letter.
///
/// Where nobody knows whether it was printed, the key's record has no export; that it
/// was begun under that key stands there with the intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrintKeyLetter {
    /// The key.
    pub key: KeyName,
    /// The key it is wrapped under.
    pub under: KeyName,
    /// For whom.
    pub recipient: String,
    /// The report printer; nothing where it is read from the screen alone.
    pub printer: Option<String>,
    /// Why it leaves without a key block, where it does.
    pub exception: Option<LegacyException>,
}

/// A letter that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLetter {
    /// Its lines, for the screen.
    pub lines: Vec<String>,
    /// `scheme U`.
    pub format: String,
}

impl PrintKeyLetter {
    fn wrap(
        &self,
        permit: &mut Permit<'_>,
        key: &KeyRecord,
        under: &KeyRecord,
    ) -> Result<Payload, ActionError> {
        let target = target_of(under).map_err(rules::refused)?;
        let stored: StoredKey = permit.get(Compartment::Keys, key.id)?;
        let wrapping: StoredKey = permit.get(Compartment::Keys, under.id)?;
        for (of, value) in [(key, &stored), (under, &wrapping)] {
            if value.key != of.id || value.form != of.form {
                return Err(ActionError::rule(
                    format!("the stored value of {} is another key's", of.label),
                    "do not use this key before it is known why",
                ));
            }
        }
        let mut payload = None;
        let mode = permit.authority()?.mode;
        let at_ms = permit.now_ms();
        let (provider, mark, random) = permit.provider();
        provider.open(&mark, &[&stored, &wrapping], &mut |secrets| {
            if let [clear, wrapping] = secrets {
                let settings = Settings::default();
                let plain = Order {
                    settings: &settings,
                    at_ms,
                };
                let secret = refuse_published(mode, &key.label, clear)
                    .and_then(|()| refuse_published(mode, &under.label, wrapping));
                payload = Some(secret.and_then(|()| {
                    target
                        .export(key, clear, under, wrapping, plain, random)
                        .map_err(rules::refused)
                }));
            }
        })?;
        let differs = || rules::refused(TargetError::SelfCheck(key.label.clone()));
        payload
            .unwrap_or_else(|| Err(differs()))
            .and_then(|made| made.into_iter().next().ok_or_else(differs))
    }

    fn facts(
        &self,
        permit: &Permit<'_>,
        key: &KeyRecord,
        under: &KeyRecord,
        payload: &Payload,
    ) -> Result<LetterFacts, ActionError> {
        let authority = permit.authority()?;
        Ok(LetterFacts {
            mode: authority.mode,
            station: authority.station_name.clone(),
            made: time_words(permit.now_ms()),
            recipient: self.recipient.clone(),
            label: key.label.clone(),
            kind: format!(
                "{}, usage {}, mode {}, exportability {}",
                key.form, key.usage, key.mode_of_use, key.exportability
            ),
            kcv: key.kcv.words(),
            under: format!("{} ({})", under.label, under.form),
            under_kcv: under.kcv.words(),
            format: payload.format.clone(),
            conformance: payload.conformance.words().into(),
            cryptogram: payload.bytes.iter().map(|b| char::from(*b)).collect(),
            exception: self.exception.clone(),
        })
    }

    fn print(
        &self,
        name: &str,
        facts: &LetterFacts,
        permit: &Permit<'_>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let enrolled = on_record(permit)?;
        let record = fit(facts.mode, &enrolled, name, PrinterPurpose::Reports).map_err(|e| {
            ActionError::rule(
                e.to_string(),
                "Letters leave through a printer enrolled for reports only (R10).",
            )
        })?;
        let provenance = permit.provider_identity().class.provenance();
        let report = key_letter(facts).with_provenance(provenance);
        let bytes = page_for(record, &report, "Read it from the screen.")?;
        send(permit, ports, record, &report.title, bytes)
    }
}

impl Action for PrintKeyLetter {
    const NAME: &'static str = "print-key-letter";
    type Out = KeyLetter;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Quorum(GroupId::KeyManagers),
            Authority::Quorum(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![
            format!("key {}, KCV {}", self.key.label, self.key.kcv),
            format!(
                "as a letter for {}, under {}, KCV {}",
                self.recipient, self.under.label, self.under.kcv
            ),
            match &self.printer {
                Some(printer) => format!("printed on {printer}, and shown on the screen"),
                None => "shown on the screen".into(),
            },
        ];
        words.extend(self.exception.as_ref().map(exception_words));
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let now = beforehand.now_ms();
        rules::recipient(&self.recipient)?;
        if self.key.id == self.under.id {
            return Err(ActionError::rule(
                format!("{} would be wrapped under itself", self.under.label),
                "choose another wrapping key",
            ));
        }
        let under: KeyRecord = beforehand.get(Compartment::Catalogue, self.under.id)?;
        rules::same(&self.under, &under)?;
        rules::wrapping(&under, now)?;
        rules::exception(under.wrapping, self.exception.as_ref(), now)?;
        let key: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        rules::same(&self.key, &key)?;
        let target = target_of(&under).map_err(rules::refused)?;
        rules::leaving(target, &key, &under, &Settings::default(), None, now)?;
        rules::begins_under(beforehand, key, &under).map(drop)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<KeyLetter, ActionError> {
        let mut key: KeyRecord = permit.get(Compartment::Catalogue, self.key.id)?;
        let under: KeyRecord = permit.get(Compartment::Catalogue, self.under.id)?;
        let payload = self.wrap(permit, &key, &under)?;
        let facts = self.facts(permit, &key, &under, &payload)?;
        if let Some(printer) = &self.printer {
            self.print(printer, &facts, permit, ports)?;
        }
        key.exports.push(Exported {
            bundle: 0,
            recipient: self.recipient.clone(),
            under: self.under.label.clone(),
            format: under.wrapping.map_or("", WrappingMethod::name).into(),
            at_ms: permit.now_ms(),
            exception_until_ms: self.exception.as_ref().map(|e| e.until_ms),
            void_ms: None,
        });
        permit.put(Compartment::Catalogue, KeyRecord::KIND, key.id, &key)?;
        Ok(KeyLetter {
            lines: lines(&facts),
            format: payload.format,
        })
    }

    fn outcome(&self, out: &KeyLetter) -> Vec<String> {
        vec![format!("the letter was made, {}", out.format)]
    }
}
