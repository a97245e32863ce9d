//! The reconciliation: every card and every form, in numbers that both sign.

use conclave_crypto::secret::Secret;
use conclave_evidence::Hash;
use conclave_evidence::authority::AuthorityRecord;
use conclave_keyroom::domain::pin_batch::{PinBatch, Reconciled, Signing, Stage};
use conclave_keyroom::domain::pin_card::PinCard;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::{BatchName, both_sign, cards, digest, put, signing};
use crate::print::{Block, Report, Signature, report_pdf, time_words};

/// Signs a batch's reconciliation sheet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcileBatch {
    /// The batch.
    pub batch: BatchName,
    /// SHA-256 of the sheet as it is filed, a PDF: see [`sheet`].
    pub sheet: Hash,
    /// Its numbers, as the signers read them.
    pub numbers: Vec<String>,
}

/// The numbers of a batch, one a line.
fn numbers(batch: &PinBatch) -> Vec<(String, String)> {
    let balance = batch.balance();
    let fact = |name: &str, value: u64| (name.to_owned(), value.to_string());
    vec![
        fact("cards of the file", balance.input),
        fact("mailers confirmed", balance.confirmed),
        fact("cards to be reissued", balance.cancelled),
        fact("cards still open", balance.open),
        fact("PINs replaced", batch.replaced.into()),
        fact("blank forms taken out", balance.issued),
        fact("forms spoiled", balance.spoiled),
        fact("forms missing, an incident", balance.missing),
        fact("forms with test prints", balance.test),
        fact("forms back in the safe", balance.returned),
        fact("forms unaccounted for", balance.unaccounted()),
    ]
}

fn when(signing: &Signing) -> String {
    time_words(signing.at_ms)
}

/// The reconciliation sheet of a batch, as a report: no card number, no name.
#[must_use]
pub fn sheet(record: &AuthorityRecord, batch: &PinBatch, cards: &[PinCard]) -> Report {
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let mut about = vec![
        fact("batch", batch.name.clone()),
        fact("issuer", batch.issuer.clone()),
        fact("method", batch.method.clone()),
        fact("template", batch.template.clone()),
        fact("layout", batch.layout.clone()),
        fact("printer", batch.printer.clone()),
        fact("opened", when(&batch.opened)),
    ];
    about.extend(
        batch
            .hand_overs
            .iter()
            .map(|over| fact("taken over", when(over))),
    );
    let mut blocks = vec![
        Block::Facts(about),
        Block::Heading("Cards and forms".into()),
        Block::Facts(numbers(batch)),
        Block::Heading("Forms".into()),
        Block::Facts(vec![
            fact("taken out", batch.forms.issued.words()),
            fact("test prints", batch.forms.test.words()),
            fact("spoiled while blank", batch.forms.spoiled.words()),
            fact("missing while blank", batch.forms.missing.words()),
            fact("back in the safe", batch.forms.returned.words()),
        ]),
    ];
    for raised in &batch.raised {
        blocks.push(Block::Text(format!(
            "Limits raised by the pair and administrators, {}: PINs for a card {} to {}, \
             replacements {} to {}. {}",
            when(&raised.signed),
            raised.from.tries,
            raised.to.tries,
            raised.from.replacements,
            raised.to.replacements,
            raised.reason
        )));
    }
    let lost: Vec<Vec<String>> = cards
        .iter()
        .flat_map(|card| card.lost.iter().map(move |lost| (card, lost)))
        .map(|(card, lost)| {
            vec![
                lost.form.to_string(),
                card.number.to_string(),
                lost.attempt.to_string(),
                lost.loss.words().to_owned(),
            ]
        })
        .collect();
    if !lost.is_empty() {
        blocks.push(Block::Heading("Mailers that were lost".into()));
        let column = |title: &str, weight| (title.to_owned(), weight);
        blocks.push(Block::Table {
            columns: vec![
                column("Form", 3),
                column("Card", 2),
                column("Try", 1),
                column("What became of it", 6),
            ],
            rows: lost,
        });
    }
    blocks.push(Block::Digest {
        what: "file of cards".into(),
        sha256: batch.input,
    });
    let known = batch.lost_outputs.len() + usize::from(batch.exported.is_some());
    let passed_over = batch.passed_over_outputs;
    let cut = (batch.outputs.saturating_sub(passed_over) as usize).saturating_sub(known);
    if passed_over > 0 {
        blocks.push(Block::Text(format!(
            "{passed_over} numbers of outputs were passed over after a restore: outputs that were \
             written since the backup may have them. The issuer was asked."
        )));
    }
    if cut > 0 {
        blocks.push(Block::Text(format!(
            "{cut} outputs were begun and cut off: their media were to be destroyed."
        )));
    }
    for lost in &batch.lost_outputs {
        blocks.push(Block::Text(format!(
            "Output {} of {} did not arrive, {}: {}",
            lost.output.name,
            when(&lost.output.signed),
            when(&lost.signed),
            lost.reason
        )));
        blocks.push(Block::Digest {
            what: "output that did not arrive".into(),
            sha256: lost.output.file,
        });
    }
    if let Some(exported) = &batch.exported {
        blocks.push(Block::Text(format!(
            "Output {} on medium {}, {}",
            exported.name,
            exported.medium,
            when(&exported.signed)
        )));
        blocks.extend(exported.known_by.as_ref().map(|known| {
            Block::Text(format!(
                "This output left before the station was restored, and no record saw it. What it \
                 says of the cards holds; the numbers above are those of the backup, and of the \
                 forms that were counted since. Known by: {known}"
            ))
        }));
        let values = exported.card_values.as_ref();
        blocks.extend(values.map(|v| Block::Text(format!("Card values of the output: {v}"))));
        blocks.push(Block::Digest {
            what: "output".into(),
            sha256: exported.file,
        });
    }
    let sign = |role: &str| Signature {
        name: String::new(),
        role: role.to_owned(),
    };
    blocks.push(Block::Signatures(vec![
        sign("PIN operator"),
        sign("PIN supervisor"),
    ]));
    // When the batch last changed: the same records give the same sheet.
    let made = batch
        .exported
        .as_ref()
        .map_or(&batch.opened, |exported| &exported.signed);
    Report {
        mode: record.mode,
        station: record.station_name.clone(),
        title: format!("Reconciliation of PIN batch {}", batch.name),
        made: when(made),
        blocks,
    }
}

/// SHA-256 of the sheet as it is filed: whoever has the file compares it.
///
/// # Errors
/// [`ActionError`]; never for a sheet of [`sheet`].
fn digest_of(report: &Report) -> Result<Hash, ActionError> {
    let pdf = report_pdf(report).map_err(|e| super::refused(e.to_string()))?;
    Ok(digest(pdf))
}

impl ReconcileBatch {
    /// For the sheet that its signers have read.
    ///
    /// # Errors
    /// [`ActionError`]; never for a sheet of [`sheet`].
    pub fn of(batch: &PinBatch, sheet: &Report) -> Result<Self, ActionError> {
        let words = |(name, value): (String, String)| format!("{name}: {value}");
        Ok(Self {
            batch: BatchName::of(batch),
            sheet: digest_of(sheet)?,
            numbers: numbers(batch).into_iter().map(words).collect(),
        })
    }
}

impl Action for ReconcileBatch {
    const NAME: &'static str = "reconcile-batch";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![format!("The reconciliation of {}", self.batch.words())];
        words.extend(self.numbers.iter().cloned());
        words.push(format!("SHA-256 of the sheet's file {}", self.sheet));
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let mut batch = self.batch.get(permit)?;
        if batch.stage() != Stage::Exported {
            return Err(ActionError::rule(
                format!("this batch is {}", batch.stage().words()),
                "The sheet is signed once, after the output has left.",
            ));
        }
        let cards = cards(permit, &batch)?;
        let provenance = permit.provider_identity().class.provenance();
        let sheet = sheet(permit.authority()?, &batch, &cards).with_provenance(provenance);
        let own = Self::of(&batch, &sheet)?;
        if own.sheet != self.sheet || own.numbers != self.numbers {
            return Err(super::refused("these are not the numbers of this batch"));
        }
        batch.reconciled = Some(Reconciled {
            sheet: self.sheet,
            signed: signing(permit),
        });
        put(permit, &batch)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["the sheet is signed by both".into()]
    }
}
