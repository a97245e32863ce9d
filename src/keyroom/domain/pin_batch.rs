//! A batch of PIN mailers: what was opened, how far each card is, which form
//! has whose mailer. The rules by which it moves stand in `pin_run`.

use conclave_evidence::{Hash, Id};
use serde::{Deserialize, Serialize};

use super::form_stock::BatchForms;
use super::pin_card::PinCard;
use super::pin_said::{Followed, FormsSaid, PrinterChange};
use super::pin_test_print::TestPrint;
use super::ranges::Ranges;
use super::second_reading::SecondReading;

/// How far a card's mailer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Waits.
    Queued,
    /// About to be printed: written before the first byte.
    Intent,
    /// All bytes have left the station.
    Sent,
    /// Two people saw the form, sealed and whole.
    Confirmed,
    /// Nobody knows whether it was printed.
    Unknown,
    /// Not issued: the card is reissued, and the output says so.
    Cancelled,
}

impl State {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Queued => "waiting",
            Self::Intent => "about to be printed",
            Self::Sent => "printed, not yet confirmed",
            Self::Confirmed => "confirmed",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Which cards are where, by their numbers. Each stands in one of these sets,
/// or in the batch's window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cards {
    /// [`State::Queued`]
    pub waiting: Ranges,
    /// [`State::Sent`]
    pub sent: Ranges,
    /// [`State::Confirmed`]
    pub confirmed: Ranges,
    /// [`State::Unknown`]
    pub unknown: Ranges,
    /// Those of the unknown ones of which it is known that not all bytes left:
    /// whatever lies there, it is no mailer.
    #[serde(default)]
    pub cut_short: Ranges,
    /// [`State::Cancelled`]
    pub cancelled: Ranges,
}

/// A card on its way to a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailer {
    /// The card's number.
    pub card: u32,
    /// The form's number.
    pub form: u64,
}

/// Cards and forms that followed one another: the k-th card is on the k-th
/// form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    /// The first.
    pub from: Mailer,
    /// How many.
    pub count: u32,
}

/// What was signed when, by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signing {
    /// When, wall clock.
    pub at_ms: u64,
    /// Who, by their records in the directory.
    pub people: Vec<Id>,
}

/// Limits that were signed with the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most PINs that are made for one card.
    pub tries: u16,
    /// Most PINs of the batch that are replaced; after that a lost mailer's
    /// card is cancelled.
    pub replacements: u32,
}

/// Limits that were raised while the batch ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raised {
    /// What they were.
    pub from: Limits,
    /// What they are since then.
    pub to: Limits,
    /// Why, in one sentence.
    pub reason: String,
    /// The pair and the administrators who signed it, and when.
    pub signed: Signing,
}

/// The output that left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    /// SHA-256 of the file as it left: encrypted and signed.
    pub file: Hash,
    /// Its name on the medium.
    pub name: String,
    /// The medium.
    pub medium: String,
    /// What its columns of card values have, in words; nothing where the
    /// batch's template asks for none.
    #[serde(default)]
    pub card_values: Option<String>,
    /// How it is known, of an output that left in a range that a restore lost:
    /// the record has it from people. Nothing for one that this record saw leave.
    #[serde(default)]
    pub known_by: Option<String>,
    /// Whether it was read again after its medium was pulled and put back; nothing for
    /// one that left before that was asked for, or that nobody here can read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<SecondReading>,
    /// Who signed it, and when.
    pub signed: Signing,
}

impl Exported {
    /// TRUE while nobody read it again.
    #[must_use]
    pub fn lacks_reading(&self) -> bool {
        self.again == Some(SecondReading::Wanted)
    }
}

/// An output that left and did not reach its issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LostOutput {
    /// What left.
    pub output: Exported,
    /// What became of it, in one sentence.
    pub reason: String,
    /// Who said so, and when.
    pub signed: Signing,
}

/// The reconciliation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconciled {
    /// SHA-256 of the sheet's text.
    pub sheet: Hash,
    /// Who signed it, and when.
    pub signed: Signing,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinBatch {
    /// Its record; the last four bytes are zero, see [`PinCard::id_of`].
    pub id: Id,
    /// The station's incarnation in which it was opened, or settled after a
    /// restore: see `pin_restored`.
    pub incarnation: Id,
    /// The issuer's id for it, never used twice.
    pub name: String,
    /// For whom.
    pub issuer: String,
    /// The issuer's record, with its certificates.
    pub partner: Id,
    /// The template's name.
    pub template: String,
    /// SHA-256 of the template file.
    pub template_digest: Hash,
    /// The layout's name.
    pub layout: String,
    /// SHA-256 of the layout file.
    pub layout_digest: Hash,
    /// The kind of form that it is printed on: see
    /// [`FormStock::form`](super::form_stock::FormStock::form). Empty in batches of
    /// before kinds were told apart.
    #[serde(default)]
    pub form: String,
    /// Forms beside one another on the paper: mailers of one layout-set.
    pub across: u8,
    /// The printer's name.
    pub printer: String,
    /// SHA-256 of the file of cards, as it is read.
    pub input: Hash,
    /// Cards of the file.
    pub count: u32,
    /// How its PINs are made, in words.
    pub method: String,
    /// Whether a lost mailer's card may get another PIN.
    pub replaces: bool,
    /// The key that makes or opens the PINs.
    pub pin_key: Id,
    /// The zone PIN key, where PIN blocks go back.
    pub zone_key: Option<Id>,
    /// The card verification key, where card values go back.
    #[serde(default)]
    pub cvv_key: Option<Id>,
    /// What was signed.
    pub limits: Limits,
    /// How the limits were raised since then.
    #[serde(default)]
    pub raised: Vec<Raised>,
    /// How far the cards are.
    pub cards: Cards,
    /// The mailers of the window that is about to be printed: on disk before
    /// the first byte. What stands here while nothing prints was interrupted.
    pub window: Vec<Mailer>,
    /// Which form has whose mailer, of all that were ever about to be printed.
    pub printed: Vec<Stretch>,
    /// PINs that were replaced.
    pub replaced: u32,
    /// Blank forms.
    pub forms: BatchForms,
    /// Who opened it.
    pub opened: Signing,
    /// Who took it over.
    pub hand_overs: Vec<Signing>,
    /// What was said of its forms, in order.
    #[serde(default)]
    pub said: Vec<FormsSaid>,
    /// How the records followed paper that was ahead of them, in order.
    #[serde(default)]
    pub followed: Vec<Followed>,
    /// The printers that it had before this one, in order.
    #[serde(default)]
    pub printers: Vec<PrinterChange>,
    /// Pages of X's that operators printed for it, in order.
    #[serde(default)]
    pub test_prints: Vec<TestPrint>,
    /// Numbers of outputs that are used up, also by those that were cut.
    pub outputs: u32,
    /// Of those: numbers that a restore passed over, because outputs of the lost
    /// range may have them.
    #[serde(default)]
    pub passed_over_outputs: u32,
    /// TRUE when it was settled after a restore, before its output left: cards
    /// that were cancelled by that may have mailers of the lost range.
    #[serde(default)]
    pub lost_a_range: bool,
    /// The output, when it has left.
    pub exported: Option<Exported>,
    /// Outputs that left before it and did not arrive.
    #[serde(default)]
    pub lost_outputs: Vec<LostOutput>,
    /// The reconciliation, when it is signed.
    pub reconciled: Option<Reconciled>,
    /// When card numbers, names and PIN blocks were deleted, wall clock.
    pub purged_ms: Option<u64>,
}

/// The layout's exact text, so that a batch is printed as it was opened,
/// whatever lies in the data folder meanwhile. Its template stands in the
/// template's approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchLayout {
    /// The layout file.
    pub text: String,
}

impl BatchLayout {
    /// The record's kind in `pins`.
    pub const KIND: &'static str = "pin-batch-layout";

    /// The record of a batch's layout.
    #[must_use]
    pub fn id_of(batch: Id) -> Id {
        PinCard::id_of(batch, u32::MAX)
    }
}

/// Where a batch is, in words for lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A window was cut: people look at its forms.
    Interrupted,
    /// Mailers wait, or are not confirmed yet.
    Printing,
    /// Every card is confirmed or cancelled; forms are still out.
    Counting,
    /// It balances: the output may leave.
    Balanced,
    /// The output has left.
    Exported,
    /// Reconciled after the export: what it had of cards may be deleted.
    Reconciled,
    /// Only numbers are left.
    Purged,
}

impl Stage {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Printing => "printing",
            Self::Counting => "forms to count",
            Self::Balanced => "balanced",
            Self::Exported => "output written",
            Self::Reconciled => "reconciled",
            Self::Purged => "purged",
        }
    }
}

impl PinBatch {
    /// The record's kind in `pins`.
    pub const KIND: &'static str = "pin-batch";

    /// Forms that were taken out and are nowhere: not blank here, without a
    /// mailer that somebody will look at, and nobody said what became of them.
    #[must_use]
    pub fn astray(&self) -> u64 {
        let cards = &self.cards;
        let in_work = [
            self.forms.blank.count(),
            cards.sent.count(),
            cards.unknown.count(),
            u64::try_from(self.window.len()).unwrap_or(u64::MAX),
        ];
        let known = in_work.into_iter().fold(0, u64::saturating_add);
        self.balance().unaccounted().saturating_sub(known)
    }

    /// Who holds it: whoever opened it, or took it over last.
    #[must_use]
    pub fn holders(&self) -> &Signing {
        self.hand_overs.last().unwrap_or(&self.opened)
    }

    /// TRUE while mailers are printed, looked at or counted.
    #[must_use]
    pub fn is_at_work(&self) -> bool {
        matches!(
            self.stage(),
            Stage::Interrupted | Stage::Printing | Stage::Counting
        )
    }

    /// Whose its run is; nobody's when every form is accounted for.
    #[must_use]
    pub fn run_holders(&self) -> Option<&Signing> {
        self.is_at_work().then(|| self.holders())
    }

    /// Where it is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        if self.purged_ms.is_some() {
            return Stage::Purged;
        }
        if !self.window.is_empty() {
            return Stage::Interrupted;
        }
        match (&self.exported, &self.reconciled) {
            (Some(_), Some(_)) => Stage::Reconciled,
            (Some(_), None) => Stage::Exported,
            (None, _) if self.balance().open > 0 => Stage::Printing,
            (None, _) if self.balance().unaccounted() > 0 => Stage::Counting,
            (None, _) => Stage::Balanced,
        }
    }
}
