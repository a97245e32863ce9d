//! The numbers of a batch, as its screens have them. Capitals stand only where
//! something is wrong.

use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::ports::dialogue::Table;

/// Which of the numbers people are asked for next: those they count, and do not
/// copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// None: all are told.
    Told,
    /// The blank forms.
    Forms,
    /// The mailers too: others take the batch over.
    Mailers,
}

/// In place of a number that is counted next.
const TO_COUNT: &str = "to count";

/// Cards on the left, forms on the right.
pub(super) fn numbers(batch: &PinBatch, counts: Counts) -> Table {
    let balance = batch.balance();
    let told = |number: u64, hidden: bool| match hidden {
        true => TO_COUNT.to_owned(),
        false => number.to_string(),
    };
    let (forms, mailers) = (counts != Counts::Told, counts == Counts::Mailers);
    let missing = match batch.missing_still().is_empty() {
        true => "missing",
        false => "MISSING",
    };
    let waiting = batch.cards.waiting.count();
    let sent = batch.cards.sent.count();
    let left = [
        ("in the file", told(balance.input, false)),
        ("confirmed", told(balance.confirmed, mailers)),
        ("to be reissued", told(balance.cancelled, false)),
        ("printed, not confirmed", told(sent, mailers)),
        ("unknown", told(balance.unknown, false)),
        ("waiting", told(waiting, mailers)),
        ("", String::new()),
    ];
    // Forms that are blank here, or printed and not yet looked at, are in work.
    // What is to account for stands where no screen is too small for it, and what
    // is nowhere before everything.
    let (account, astray) = match batch.astray() {
        0 => (
            Some(("to account for", told(balance.unaccounted(), forms))),
            None,
        ),
        some => (None, Some(some)),
    };
    let taken = ("taken out", told(balance.issued, false));
    let others = [
        ("blank here", told(batch.forms.blank.count(), forms)),
        ("spoiled", told(balance.spoiled, false)),
        (missing, told(balance.missing, false)),
        ("test prints", told(balance.test, false)),
        ("back in the safe", told(balance.returned, false)),
    ];
    let right = std::iter::once(taken).chain(account).chain(others);
    let row = |((left, a), (right, b)): ((&str, String), (&str, String))| {
        vec![left.to_owned(), a, right.to_owned(), b]
    };
    let first = astray.map(|some| {
        let nothing = String::new;
        vec![nothing(), nothing(), "UNACCOUNTED".into(), some.to_string()]
    });
    let rows = first
        .into_iter()
        .chain(left.into_iter().zip(right).map(row))
        .collect();
    Table {
        head: vec!["Cards".into(), String::new(), "Forms".into(), String::new()],
        rows,
    }
}
