//! The numbers of a batch, as its screens have them. Capitals stand only where
//! something is wrong.

use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::ports::dialogue::Table;

/// Cards on the left, forms on the right.
pub(super) fn numbers(batch: &PinBatch) -> Table {
    let balance = batch.balance();
    let row = |left: &str, a: u64, right: &str, b: u64| {
        vec![left.into(), a.to_string(), right.into(), b.to_string()]
    };
    let alone = |what: &str, forms: u64| -> Vec<String> {
        vec![String::new(), String::new(), what.into(), forms.to_string()]
    };
    let missing = match balance.missing {
        0 => "missing",
        _ => "MISSING",
    };
    let rows = vec![
        row("in the file", balance.input, "taken out", balance.issued),
        row(
            "confirmed",
            balance.confirmed,
            "blank here",
            batch.forms.blank.count(),
        ),
        row(
            "to be reissued",
            balance.cancelled,
            "spoiled",
            balance.spoiled,
        ),
        row(
            "printed, not confirmed",
            batch.cards.sent.count(),
            missing,
            balance.missing,
        ),
        row("unknown", balance.unknown, "test prints", balance.test),
        row(
            "waiting",
            batch.cards.waiting.count(),
            "back in the safe",
            balance.returned,
        ),
    ];
    // Forms that are blank here, or printed and not yet looked at, are in work.
    // What is nowhere stands first, where no screen is too small for it.
    let rows = match batch.astray() {
        0 => [rows, vec![alone("to account for", balance.unaccounted())]].concat(),
        astray => [vec![alone("UNACCOUNTED", astray)], rows].concat(),
    };
    Table {
        head: vec!["Cards".into(), String::new(), "Forms".into(), String::new()],
        rows,
    }
}
