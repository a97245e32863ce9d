//! What changes a batch of PIN mailers: each one commit, or one window of
//! mailers to the printer. Operators and supervisors stand behind all of it.

mod block_tries;
mod cancel;
mod card_file;
mod change_printer;
mod confirm;
mod export;
mod forms;
mod found;
mod found_unused;
mod hand_over;
mod input;
mod interrupted;
mod keys;
mod lose_output;
mod open;
mod output_left;
mod pages;
mod paper_ahead;
mod print;
mod print_sheet;
mod purge;
mod raise_limits;
mod read_output;
mod reconcile;
mod resolve;
mod restored;
mod safe;
mod sheet;
mod spoil;
mod stock;

pub use cancel::CancelCards;
pub use card_file::ReadCardFile;
pub use change_printer::ChangeBatchPrinter;
pub use confirm::ConfirmMailers;
pub use export::{CardValuesOut, ExportBatch, Output};
pub use forms::{IssueForms, ReturnForms, SetFormsAside};
pub use found::DestroyFoundForms;
pub use found_unused::{MissingFrom, RestockFoundForms};
pub use hand_over::HandOverBatch;
pub use input::{Checked, Faults, PartnerName, ReadBatch, TemplateName};
pub use interrupted::SettleInterrupted;
pub use keys::{BatchKeys, PinKeyName, pin_use};
pub use lose_output::LoseOutput;
pub use open::OpenBatch;
pub use output_left::OutputLeft;
pub use paper_ahead::FollowPaper;
pub use print::{PrintMailers, Printed};
pub use print_sheet::PrintBatchSheet;
pub use purge::PurgeBatch;
pub use raise_limits::RaiseLimits;
pub use read_output::ReadOutput;
pub use reconcile::ReconcileBatch;
pub use resolve::{Found, ResolveUnknown};
pub use restored::SettleRestoredBatch;
pub use safe::{CountSafe, WriteFormsOff};
pub use sheet::sheet;
pub use spoil::{Became, SpoilMailer};
pub use stock::{FORM_MOST, LOT_MOST, ReceiveStock};

use conclave_evidence::authority::AuthorityRecord;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::pin_batch::{BatchLayout, PinBatch, Signing};
use conclave_keyroom::domain::pin_card::PinCard;
use conclave_keyroom::domain::pin_run::RunError;
use conclave_keyroom::door::{ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::print::Layout;
use crate::print::approval::may_go_on;
use crate::print::letters::has_card_number;

/// A batch as signers see it. The record must be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchName {
    /// Its record.
    pub id: Id,
    /// The issuer's id for it.
    pub name: String,
    /// For whom.
    pub issuer: String,
}

impl BatchName {
    /// Of a record.
    #[must_use]
    pub fn of(batch: &PinBatch) -> Self {
        Self {
            id: batch.id,
            name: batch.name.clone(),
            issuer: batch.issuer.clone(),
        }
    }

    /// `batch B-0001 of BANKX`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("batch {} of {}", self.name, self.issuer)
    }

    /// The batch, if it may move: after a restore it is settled first.
    fn get(&self, permit: &Permit<'_>) -> Result<PinBatch, ActionError> {
        settled(self.on_record(permit)?, permit.authority()?)
    }

    /// The same before an act is begun, or before people are asked to sign it.
    fn beforehand(&self, beforehand: &Beforehand<'_>) -> Result<PinBatch, ActionError> {
        let batch = self.same(beforehand.get(Compartment::Pins, self.id))?;
        settled(batch, beforehand.authority()?)
    }

    fn on_record(&self, permit: &Permit<'_>) -> Result<PinBatch, ActionError> {
        self.same(permit.get(Compartment::Pins, self.id))
    }

    fn same(&self, found: Result<PinBatch, VaultError>) -> Result<PinBatch, ActionError> {
        let batch = match found {
            Ok(batch) => batch,
            Err(VaultError::Missing(_) | VaultError::Malformed(_)) => {
                return Err(refused("there is no such batch"));
            }
            Err(error) => return Err(error.into()),
        };
        match batch.id == self.id && batch.name == self.name && batch.issuer == self.issuer {
            true => Ok(batch),
            false => Err(refused("the batch on record is another one")),
        }
    }
}

fn settled(batch: PinBatch, record: &AuthorityRecord) -> Result<PinBatch, ActionError> {
    match batch.is_restored(record.incarnation) {
        true => Err(before_the_restore()),
        false => Ok(batch),
    }
}

/// Both groups sign, each with its quorum.
fn both_sign() -> Authority {
    Authority::All(vec![
        Authority::Quorum(GroupId::PinOperators),
        Authority::Quorum(GroupId::PinSupervisors),
    ])
}

/// Those who hold the batch's run sign, one quorum of each group.
fn holders_sign(batch: &BatchName) -> Authority {
    Authority::All(vec![both_sign(), Authority::Holders(batch.id)])
}

/// Both groups sign, and administrators beside them.
fn both_and_administrators() -> Authority {
    Authority::All(vec![
        both_sign(),
        Authority::Quorum(GroupId::Administrators),
    ])
}

/// Both groups are logged on.
fn both_here() -> Vec<Authority> {
    vec![
        Authority::Session(GroupId::PinOperators),
        Authority::Session(GroupId::PinSupervisors),
    ]
}

fn before_the_restore() -> ActionError {
    ActionError::rule(
        "this batch is from before the station was restored: what was printed since the backup \
         stands in no record",
        "Open the batch: it is settled first, and both sign.",
    )
}

fn refused(why: impl Into<String>) -> ActionError {
    ActionError::rule(why, "Look at the batch again.")
}

fn rule(error: RunError) -> ActionError {
    let advice = match error {
        RunError::Interrupted(_) => "Open the batch: it asks for these forms.",
        RunError::NoForms => "Take out a reel of blank forms for this batch.",
        RunError::OtherForm { .. } | RunError::Half(_) => {
            "Look at each form between the two. One that is really blank is set aside: Blank \
             forms not used. Is a mailer on it: More, The paper is ahead."
        }
        RunError::Ahead { .. } => {
            "Read both numbers again. If they stay: look back for the first form without a mailer. \
             Confirm what lies before it; then say \
             from where to where: More, The paper is ahead."
        }
        RunError::Shows { .. } => {
            "Read both numbers again, on the form itself. If they stay different, all forms from \
             the last that was right on are spoiled, together: the paper was ahead."
        }
        RunError::NotBlank(_) => {
            "Read the mailer's number on it. Where a form was fed without a mailer, its mailer \
             is on the next one."
        }
        RunError::Reading => {
            "Damaged forms are read at both ends where they can be; of blank ones, the one \
             behind them."
        }
        RunError::Behind(_) => "Read the very last form with a mailer on it.",
        RunError::CutShort(_) => "It is destroyed: its card gets another PIN, or is reissued.",
        RunError::NoOutput => "Look at the batch again.",
        RunError::Limits => {
            "Type what is allowed in all, not what comes to it. Where a PIN cannot change, or \
             after a restore, the card is reissued."
        }
        RunError::Blank(_) => {
            "Count them first: Forms back to the safe; those that are not here: Blank forms not \
             used."
        }
        RunError::Rows(_) => "Begin and end with a whole row, as the reel does.",
        RunError::Open(_) => "Confirm, replace or cancel each of them first.",
        RunError::Stock(_) => "Count the blank forms and put them back into the safe.",
        RunError::Surplus(_) => "Stop here and call whoever is responsible: the records are wrong.",
        RunError::Over => "What has to be changed now is a new batch.",
        _ => "Look at the forms and at the batch again.",
    };
    ActionError::rule(error.to_string(), advice)
}

fn put(permit: &mut Permit<'_>, batch: &PinBatch) -> Result<(), ActionError> {
    Ok(permit.put(Compartment::Pins, PinBatch::KIND, batch.id, batch)?)
}

fn card(permit: &Permit<'_>, batch: &PinBatch, number: u32) -> Result<PinCard, ActionError> {
    let id = PinCard::id_of(batch.id, number);
    let card: PinCard = permit.get(Compartment::Pins, id)?;
    match card.batch == batch.id && card.number == number {
        true => Ok(card),
        false => Err(refused(format!("card {number} is another batch's"))),
    }
}

fn put_card(permit: &mut Permit<'_>, card: &PinCard) -> Result<(), ActionError> {
    let id = PinCard::id_of(card.batch, card.number);
    Ok(permit.put(Compartment::Pins, PinCard::KIND, id, card)?)
}

/// All cards of a batch, in the order of its file.
fn cards(permit: &Permit<'_>, batch: &PinBatch) -> Result<Vec<PinCard>, ActionError> {
    (1..=batch.count)
        .map(|number| card(permit, batch, number))
        .collect()
}

fn layout(permit: &Permit<'_>, batch: &PinBatch) -> Result<Layout, ActionError> {
    let layout: BatchLayout = permit.get(Compartment::Pins, BatchLayout::id_of(batch.id))?;
    if digest(&layout.text) != batch.layout_digest {
        return Err(refused("the batch's layout is another one"));
    }
    // One that was withdrawn since prints no further mailer.
    may_go_on(permit, &layout.text)
}

fn digest(bytes: impl AsRef<[u8]>) -> Hash {
    Hash(Sha256::digest(bytes.as_ref()).into())
}

/// Who signed this act, and now.
fn signing(permit: &Permit<'_>) -> Signing {
    Signing {
        at_ms: permit.now_ms(),
        people: permit
            .approvals()
            .iter()
            .map(|signed| signed.approval.person)
            .collect(),
    }
}

/// Longest reason, in characters.
pub const REASON_MOST: usize = 200;

/// What somebody typed, for signers and the journal; not a number like a card's.
pub(in crate::pin) fn said(words: &str) -> &str {
    match has_card_number(words) {
        true => "left out, there is a number like a card's in it",
        false => words,
    }
}

/// A reason: one line of plain letters, and no card's number in it: what people
/// type stays in the journal after the cards are gone.
///
/// # Errors
/// [`ActionError::Rule`]
pub(in crate::pin) fn reason(words: &str) -> Result<(), ActionError> {
    if has_card_number(words) {
        return Err(ActionError::rule(
            "this has a number like a card's in it",
            "Name a card by its place in the file: the journal keeps what is typed here.",
        ));
    }
    let plain = words.chars().all(|c| !c.is_control());
    match plain && (3..=REASON_MOST).contains(&words.trim().chars().count()) {
        true => Ok(()),
        false => Err(ActionError::rule(
            format!("a reason has 3 to {REASON_MOST} characters"),
            "Say in one sentence what happened.",
        )),
    }
}
