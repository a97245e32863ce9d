//! What may be done with a batch as it stands, and in which order it is offered.

use conclave_keyroom::domain::pin_batch::{Exported, PinBatch, Stage};
use conclave_keyroom::ports::dialogue::{Answer, Ask, Choice, People, Prompt, Refusal};

use super::WAITS;
use super::numbers::{Counts, numbers};
use crate::cards::{Interrupted, ask};

/// What is done next with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Restored,
    OutputLeft,
    Settle,
    Print,
    Confirm,
    Spoil,
    Ahead,
    Unknown,
    TakeForms,
    AsideForms,
    ReturnForms,
    Cancel,
    Limits,
    HandOver,
    Printer,
    Found,
    Unused,
    Export,
    ReadAgain,
    LostOutput,
    Reconcile,
    Purge,
    More,
    Less,
    Back,
}

/// What a batch cannot say of itself.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    /// An act of printing has no outcome.
    pub(super) cut: bool,
    /// The batch is from before a restore.
    pub(super) restored: bool,
    /// The people who are here did not open the batch, nor take it over.
    pub(super) others: bool,
}

impl Standing {
    /// Others go on with it, and have not counted yet what is there.
    pub(super) fn is_taken_over_first(self, batch: &PinBatch) -> bool {
        self.others && batch.is_at_work()
    }

    /// What is counted next is not told before.
    pub(super) fn counts(self, batch: &PinBatch) -> Counts {
        match () {
            () if self.is_taken_over_first(batch) => Counts::Mailers,
            () if returns(batch) => Counts::Forms,
            () => Counts::Told,
        }
    }
}

/// The blank forms that are left go back next: no card gets one any more.
pub(super) fn returns(batch: &PinBatch) -> bool {
    let over = batch.balance().open == 0 || batch.passed_over_outputs > 0;
    over && !batch.forms.blank.is_empty()
}

/// The second reading of its output was given up.
fn unread(batch: &PinBatch) -> bool {
    let output = batch.exported.as_ref();
    output.is_some_and(Exported::lacks_reading)
}

impl Next {
    /// Name and meaning.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Restored => (
                "Settle after the restore",
                "what waits is reissued; what is printed is unknown",
            ),
            Self::OutputLeft => (
                "An output left before the restore",
                "the issuer has it: none is written; administrators sign too",
            ),
            Self::Settle => (
                "The last window was cut",
                "its mailers become unknown; look at their forms then",
            ),
            Self::Print => (
                "Print",
                "the mailers that wait, until forms or cards are out",
            ),
            Self::Confirm => (
                "Confirm mailers",
                "seen by both: whole, closed, number read",
            ),
            Self::Spoil => (
                "A mailer is spoiled",
                "torn, open, badly printed, missing, paper ahead",
            ),
            Self::Ahead => (
                "The paper is ahead",
                "a form has no mailer; those behind are good",
            ),
            Self::Unknown => (
                "An unknown mailer",
                "a cut left it open; its form was looked at",
            ),
            Self::TakeForms => ("Take out blank forms", "a reel comes out of the safe"),
            Self::AsideForms => ("Blank forms not used", "test prints, torn, missing"),
            Self::ReturnForms => (
                "Forms back to the safe",
                "flush the printer first; all that are blank",
            ),
            Self::Cancel => ("Cancel cards", "no PIN; the issuer reissues them"),
            Self::Limits => (
                "More replacements",
                "the limits are used up: administrators sign too",
            ),
            Self::HandOver => (
                "Take the batch over",
                "another operator or supervisor goes on",
            ),
            Self::Printer => ("Another printer", "the one it has broke, or is retired"),
            Self::Found => (
                "A missing form turned up",
                "it is destroyed now; the counts stay",
            ),
            Self::Unused => (
                "Missing forms lay in the safe",
                "blank and unused: they are stock again",
            ),
            Self::Export => ("Write the output", "encrypted to the issuer, on a medium"),
            Self::ReadAgain => (
                "Read the output again",
                "its medium is pulled and put back; before it leaves",
            ),
            Self::LostOutput => (
                "The output did not arrive",
                "lost on its way: it is written again, with the next number",
            ),
            Self::Reconcile => ("Reconcile", "both sign the sheet of numbers"),
            Self::Purge => (
                "Purge",
                "card numbers and PIN blocks are deleted; counts stay",
            ),
            Self::More => ("More", "blank forms, cards that get no PIN, other people"),
            Self::Less => ("Back to the batch", ""),
            Self::Back => ("Back to the batches", ""),
        }
    }

    /// What may be done, the likeliest first.
    fn of(batch: &PinBatch, standing: Standing) -> Vec<Self> {
        let cut = standing.cut || batch.stage() == Stage::Interrupted;
        if standing.restored && batch.stage() != Stage::Purged {
            return vec![Self::Restored, Self::Back];
        }
        if standing.is_taken_over_first(batch) {
            // Nothing is counted while a window is open.
            return match cut {
                true => vec![Self::Settle, Self::Back],
                false => vec![Self::HandOver, Self::More, Self::Back],
            };
        }
        let cards = &batch.cards;
        let blank = !batch.forms.blank.is_empty();
        let lost_range = batch.passed_over_outputs > 0;
        let mut next = Vec::new();
        let mut may = |what, if_so: bool| {
            if if_so {
                next.push(what);
            }
        };
        let stage = batch.stage();
        may(Self::Settle, cut);
        match stage {
            Stage::Interrupted => {}
            Stage::Printing | Stage::Counting => {
                may(Self::Unknown, !cards.unknown.is_empty());
                may(Self::Print, !cards.waiting.is_empty() && blank);
                may(Self::TakeForms, !cards.waiting.is_empty() && !blank);
                may(Self::Confirm, !cards.sent.is_empty());
                // The printer is flushed before what is left goes back.
                may(Self::AsideForms, returns(batch));
                may(Self::ReturnForms, returns(batch));
                may(Self::OutputLeft, lost_range);
                may(
                    Self::Spoil,
                    !cards.sent.is_empty() || !cards.confirmed.is_empty(),
                );
                may(Self::More, true);
            }
            Stage::Balanced => {
                may(Self::Export, true);
                may(Self::OutputLeft, lost_range);
                may(
                    Self::Spoil,
                    batch.moves().is_ok() && !cards.confirmed.is_empty(),
                );
            }
            Stage::Exported => {
                may(Self::ReadAgain, unread(batch));
                may(Self::Reconcile, true);
                may(Self::LostOutput, true);
            }
            Stage::Reconciled => {
                may(Self::Purge, true);
                may(Self::ReadAgain, unread(batch));
                may(Self::LostOutput, true);
            }
            Stage::Purged => {}
        }
        let at_work = matches!(
            stage,
            Stage::Interrupted | Stage::Printing | Stage::Counting
        );
        may(Self::Found, !at_work && !batch.missing_still().is_empty());
        may(Self::Unused, !at_work && !batch.missing_blank().is_empty());
        may(Self::Back, true);
        next
    }

    /// What is seldom done, behind [`Self::More`]: the numbers of the batch
    /// stay on the screen with either list.
    fn seldom(batch: &PinBatch, standing: Standing) -> Vec<Self> {
        if standing.is_taken_over_first(batch) {
            // What is missing is said before others can sign that the rest is there.
            return vec![Self::Spoil, Self::AsideForms, Self::Less];
        }
        let waiting = !batch.cards.waiting.is_empty();
        let blank = !batch.forms.blank.is_empty();
        let of = [
            (
                Self::Ahead,
                blank && !(batch.cards.sent.is_empty() && batch.cards.unknown.is_empty()),
            ),
            (Self::AsideForms, blank),
            (Self::TakeForms, waiting && blank),
            (Self::Cancel, waiting),
            (Self::Limits, batch.replaces && !batch.lost_a_range),
            (Self::HandOver, true),
            (Self::Printer, waiting),
            (Self::Found, !batch.missing_still().is_empty()),
            (Self::Unused, !batch.missing_blank().is_empty()),
            (Self::Less, true),
        ];
        of.into_iter()
            .filter_map(|(next, may)| may.then_some(next))
            .collect()
    }
}

/// Asks what is done next: the batch's numbers stand beside it.
///
/// # Errors
/// [`Interrupted`]
pub(super) fn ask_next(
    (batch, standing): (&PinBatch, Standing),
    said: Vec<String>,
    refused: Option<Refusal>,
    people: &mut dyn People,
) -> Result<Next, Interrupted> {
    let stage = match standing.restored && batch.stage() != Stage::Purged {
        true => "from before the restore",
        false => batch.stage().words(),
    };
    let mut prompt = Prompt {
        act: format!("Batch {} of {}", batch.name, batch.issuer),
        title: match said.is_empty() {
            true => format!("The batch: {stage}."),
            false => said.join("; "),
        },
        table: Some(numbers(batch, standing.counts(batch))),
        waiting_for: WAITS.into(),
        safe: "yes, the batch goes on where it stands".into(),
        why: "Each card is confirmed or cancelled once, and each numbered form is accounted for: \
              only then the output leaves. A mailer is never printed twice; whoever needs \
              another gets another PIN."
            .into(),
        refused,
        ..Prompt::default()
    };
    let mut seldom = false;
    loop {
        let next = match seldom {
            true => Next::seldom(batch, standing),
            false => Next::of(batch, standing),
        };
        prompt.code = if seldom { "pins.more" } else { "pins.next" }.into();
        prompt.ask = Ask::Choose {
            options: next.iter().map(|next| choice(*next)).collect(),
        };
        match ask(people, &mut prompt, &mut |_| Ok(false)) {
            Ok(Answer::Chosen(at)) => match next.get(at) {
                Some(Next::More | Next::Less) => {
                    // What was said of the last act is over.
                    prompt.title = format!("The batch: {stage}.");
                    (seldom, prompt.refused) = (!seldom, None);
                }
                Some(next) => return Ok(*next),
                None => {}
            },
            Ok(_) => {}
            // Out of the second list it goes back to the first.
            Err(Interrupted::Aborted) if seldom => seldom = false,
            Err(why) => return Err(why),
        }
    }
}

fn choice(next: Next) -> Choice {
    let (label, detail) = next.words();
    Choice {
        label: label.into(),
        detail: detail.into(),
    }
}
