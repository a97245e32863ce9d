//! The end of a batch: its output leaves, its numbers are signed, its cards go.

use conclave_evidence::Hash;
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::domain::pin_card::PinCard;
use conclave_keyroom::domain::pin_key::PinUse;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::action::{
    BatchName, CardValuesOut, ExportBatch, LoseOutput, PartnerName, PinKeyName, PrintBatchSheet,
    PurgeBatch, REASON_MOST, ReconcileBatch, sheet,
};
use conclave_trades::print::report_pdf;
use sha2::{Digest, Sha256};

use super::numbers::{Counts, numbers};
use super::{WAITS, question};
use crate::approve::Undone;
use crate::cards::{Interrupted, ask, filled};
use crate::ceremony::begin::{choose, refused, sole, text};
use crate::station::Station;

/// Card values that do not go back.
const LEFT_EMPTY: &str = "none: the columns stay empty";

fn not(refusal: Refusal) -> Undone {
    Undone::Interrupted(Interrupted::Refused(refusal))
}

impl Station {
    /// For a batch whose template asks for card values: the label of the key it
    /// was opened with, and the keys under which they can be made now, its own
    /// first.
    fn values_of(&self, batch: &PinBatch) -> Result<Option<(String, Vec<PinKeyName>)>, Refusal> {
        let Some(own) = batch.cvv_key else {
            return Ok(None);
        };
        let keys = self.pin_keys();
        let label = keys.iter().find(|key| key.released.key == own);
        let label = label.map_or_else(|| "The key".into(), |key| key.released.label.clone());
        let (now, here) = (self.clock.wall_ms(), self.incarnation()?);
        let mut usable: Vec<PinKeyName> = keys
            .iter()
            .filter(|key| key.is_usable(now, here))
            .filter(|key| key.released.pin_use == PinUse::Cvv)
            .filter(|key| key.released.issuer == batch.issuer)
            .map(PinKeyName::of)
            .collect();
        usable.sort_by_key(|key| (key.id != own, key.label.clone()));
        Ok(Some((label, usable)))
    }

    /// The output, encrypted to the issuer, to a medium.
    pub(super) fn export_batch(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let media = self.media_or_none().map_err(not)?;
        let partner = self
            .pin_partners()
            .into_iter()
            .find(|partner| partner.id == batch.partner)
            .ok_or_else(|| {
                not(refused(
                    format!("{} is not on record any more.", batch.issuer),
                    "Administrators record the issuer (devices, i).",
                ))
            })?;
        let mut prompt = question(
            "pins.export",
            batch,
            "On which medium does the output leave?",
            "One line for each card. It is encrypted to the issuer's certificate, and signed.",
        );
        let plates: Vec<String> = media.iter().map(|m| m.name.clone()).collect();
        let mut fields = vec![sole("Medium", plates)];
        let values = self.values_of(batch).map_err(not)?;
        if let Some((own, keys)) = &values {
            let mut choices: Vec<String> = keys.iter().map(|key| key.label.clone()).collect();
            choices.push(LEFT_EMPTY.into());
            let own_first = keys
                .first()
                .is_some_and(|key| Some(key.id) == batch.cvv_key);
            fields.push(choose("Card values", choices));
            if !own_first {
                prompt.lines.push(PromptLine::note(format!(
                    "{own}, the key that this batch was opened with, is not released to the PIN \
                     room any more. Under another key the issuer has to know of it; without one \
                     the columns stay empty.",
                )));
            }
        }
        prompt.ask = Ask::Form {
            fields,
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = loop {
            let typed = filled(people, &mut prompt)?;
            let value = |at: usize| typed.get(at).map(String::as_str).unwrap_or_default();
            let medium = media.iter().find(|m| m.name == value(0));
            let columns = match &values {
                None => Some(CardValuesOut::NotAsked),
                Some(_) if value(1) == LEFT_EMPTY => Some(CardValuesOut::Empty),
                Some((_, keys)) => keys
                    .iter()
                    .find(|key| key.label == value(1))
                    .map(|key| CardValuesOut::Under(key.clone())),
            };
            let (Some(medium), Some(card_values)) = (medium, columns) else {
                prompt.refused = Some(refused("Something is not chosen.", "Choose one of each."));
                continue;
            };
            let action = ExportBatch {
                batch: BatchName::of(batch),
                output: batch.outputs.saturating_add(1),
                partner: PartnerName::of(&partner),
                medium: medium.id,
                medium_name: medium.name.clone(),
                serial: medium.serial.clone(),
                card_values,
            };
            match self.foreseen(&action) {
                Ok(()) => break action,
                Err(refusal) => prompt.refused = Some(refusal),
            }
        };
        let out = self.act(&action, "write the output of a batch", people)?;
        let mut lines = vec![format!(
            "The output is on {}: {}/{}, SHA-256 {}",
            action.medium_name, out.folder, out.file, out.digest
        )];
        let vault = self.door.vault();
        if let Ok(written) = vault.get::<PinBatch>(Compartment::Pins, batch.id) {
            lines.extend(self.read_output_again(&written, people)?);
        }
        Ok(lines)
    }

    /// What left did not arrive.
    pub(super) fn lose_output(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let Some(output) = &batch.exported else {
            return Ok(Vec::new());
        };
        let mut prompt = question(
            "pins.lost",
            batch,
            "What became of the output?",
            "Only when the issuer says that it did not arrive, or cannot be read, and will not \
             use it. Another is written then, which says the same; the sheet of numbers is \
             signed again.",
        );
        prompt.lines.push(PromptLine::note(format!(
            "{} on {}, SHA-256 {}",
            output.name, output.medium, output.file
        )));
        prompt.ask = Ask::Form {
            fields: vec![text(
                "What happened",
                "",
                "one sentence: lost, unreadable; who of the issuer said so",
                REASON_MOST,
            )],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = self.foreseen_form(&mut prompt, people, |values| {
            let reason = values.first().map(String::as_str).unwrap_or_default();
            LoseOutput::of(batch, reason)
                .map_err(|e| refused(e.to_string(), "Look at the batch again."))
        })?;
        self.act(&action, "an output that did not arrive", people)?;
        Ok(vec![format!(
            "{} did not arrive: write the output again.",
            action.name
        )])
    }

    /// The sheet of numbers, filed and signed by both.
    pub(super) fn reconcile_batch(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let wrong = |why: String| not(refused(why, "Call the administrators."));
        let mut cards: Vec<PinCard> = Vec::new();
        for card in 1..=batch.count {
            let id = PinCard::id_of(batch.id, card);
            let vault = self.door.vault();
            cards.push(
                vault
                    .get(Compartment::Pins, id)
                    .map_err(|e| wrong(e.to_string()))?,
            );
        }
        let record = self
            .door
            .vault()
            .authority()
            .map_err(|e| wrong(e.to_string()))?;
        let signers = self.pin_room_people();
        let report = sheet(record, batch, &cards, &signers).with_provenance(self.provenance());
        drop(cards);
        let pdf = report_pdf(&report).map_err(|e| wrong(e.to_string()))?;
        let name = format!("reconciliation-{}-{}.pdf", batch.issuer, batch.name);
        let path = self.file("reports", &name, &pdf).map_err(wrong)?;
        let filed = Hash(Sha256::digest(&pdf).into());
        let printed = self.print_on_report_printer(&path, people, |station, printer| {
            station.perform_plain(&PrintBatchSheet {
                batch: BatchName::of(batch),
                printer,
                filed,
            })
        });
        let mut lines = vec![
            PromptLine::note(printed),
            PromptLine::note("Compare with the piles: mailers, spoiled forms, blank forms."),
        ];
        let flushed = batch.flushed();
        let left: Vec<&str> = flushed
            .iter()
            .filter(|(_, at_ms)| at_ms.is_none())
            .map(|(printer, _)| *printer)
            .collect();
        if !left.is_empty() {
            lines.push(PromptLine::note(format!(
                "Not flushed after its last mailer, as the sheet says: {}.",
                left.join(", ")
            )));
        }
        let mut prompt = Prompt {
            code: "pins.reconcile".into(),
            act: format!("Batch {} of {}", batch.name, batch.issuer),
            title: "The numbers that both sign".into(),
            table: Some(numbers(batch, Counts::Told)),
            lines,
            ask: Ask::Confirm {
                key: 'n',
                label: "the numbers are those of the piles".into(),
            },
            waiting_for: WAITS.into(),
            safe: "yes, nothing is signed yet".into(),
            ..Prompt::default()
        };
        while !matches!(
            ask(people, &mut prompt, &mut |_| Ok(false))?,
            conclave_keyroom::ports::dialogue::Answer::Confirmed
        ) {}
        let action =
            ReconcileBatch::of(batch, &report, &signers).map_err(|e| wrong(e.to_string()))?;
        self.act(&action, "sign the reconciliation", people)?;
        Ok(vec![format!(
            "The reconciliation is signed: {path}, SHA-256 {}",
            action.sheet
        )])
    }

    /// What the batch had of cards goes.
    pub(super) fn purge_batch(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let mut prompt = question(
            "pins.purge",
            batch,
            "How did the issuer confirm the output?",
            "Card numbers, names, addresses, PIN blocks and values of this batch are deleted, and \
             the key they lie under. Its counts stay. Backups that were made before still have \
             both: destroy them.",
        );
        prompt.ask = Ask::Form {
            fields: vec![text("Receipt", "", "number of the issuer's receipt", 40)],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = self.foreseen_form(&mut prompt, people, |values| {
            let receipt = values.first().map(|v| v.trim().to_owned());
            Ok(PurgeBatch {
                batch: BatchName::of(batch),
                receipt: receipt.unwrap_or_default(),
            })
        })?;
        let gone = self.act(&action, "purge a batch", people)?;
        Ok(vec![format!(
            "{gone} records are deleted; the counts stay. Destroy the backups that still have them."
        )])
    }
}
