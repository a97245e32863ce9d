//! What is to be done about batches of mailers: forms of which nobody knows,
//! what a cut or a restore left, and what is to be purged.

use conclave_keyroom::domain::pin_batch::{Exported, PinBatch, Stage, State};

use super::mailers::forms_in;
use super::next::Standing;
use crate::front::TaskRow;
use crate::lists::{days_until, due};
use crate::station::Station;

/// A reconciled batch is purged in so many days: encrypted PIN material goes
/// once the issuer has confirmed the output (R31).
const PURGE_DAYS: u64 = 7;
const DAY_MS: u64 = 86_400_000;

/// For every task of the room.
pub(super) const WHO: &str = "PIN operators and supervisors";

impl Station {
    /// What is to be done about batches; nothing where the room is closed.
    pub(crate) fn pin_batch_tasks(&self, now_ms: u64) -> Vec<TaskRow> {
        let Some(incarnation) = self.pin_room_here().ok().and(self.incarnation().ok()) else {
            return Vec::new();
        };
        let batches = self.pin_batches();
        let task = |batch: &PinBatch| {
            let standing = Standing {
                cut: false,
                restored: batch.is_restored(incarnation),
                others: self.are_others(batch),
            };
            let output = batch.exported.as_ref();
            let unread = output.filter(|output| output.lacks_reading());
            let unread = unread.filter(|output| self.may_be_read(&output.medium));
            batch_task(now_ms, batch, standing, unread)
        };
        let counting = self.safe_task(now_ms);
        batches.iter().filter_map(task).chain(counting).collect()
    }
}

fn now(what: String, detail: Vec<String>) -> TaskRow {
    TaskRow {
        due: "now".into(),
        days: -1,
        what,
        who: WHO.into(),
        detail,
        resume: None,
    }
}

/// The most pressing one of a batch: the others follow it.
fn batch_task(
    now_ms: u64,
    batch: &PinBatch,
    standing: Standing,
    unread: Option<&Exported>,
) -> Option<TaskRow> {
    let name = format!("batch {} of {}", batch.name, batch.issuer);
    let stage = batch.stage();
    if stage == Stage::Purged {
        return None;
    }
    if standing.restored {
        return Some(now(
            format!("{name}: settle it after the restore"),
            vec!["m, the batch, «Settle after the restore».".into()],
        ));
    }
    if stage == Stage::Interrupted {
        return Some(now(
            format!("{name}: its last window was cut"),
            vec!["m, the batch, «The last window was cut».".into()],
        ));
    }
    let open = |what: String, how: &str| Some(now(format!("{name}: {what}"), vec![how.into()]));
    // They count what is there before they are told what they should find.
    if standing.is_taken_over_first(batch) {
        let what = "another pair left it, and nobody took it over".into();
        return open(what, "m, the batch, «Take the batch over».");
    }
    if !batch.cards.unknown.is_empty() && batch.exported.is_none() {
        let forms = forms_in(batch, State::Unknown).words();
        return Some(now(
            match batch.cards.unknown.count() {
                1 => format!("{name}: 1 mailer is unknown"),
                some => format!("{name}: {some} mailers are unknown"),
            },
            vec![
                format!("forms {forms}: take each from the printer, and look"),
                "m, the batch, «An unknown mailer».".into(),
            ],
        ));
    }
    if batch.astray() > 0 {
        return Some(now(
            match batch.astray() {
                1 => format!("{name}: 1 form is UNACCOUNTED"),
                some => format!("{name}: {some} forms are UNACCOUNTED"),
            },
            vec!["Stop, and look for them; tell the administrators.".into()],
        ));
    }
    if let Some(output) = unread.filter(|_| matches!(stage, Stage::Exported | Stage::Reconciled)) {
        return Some(now(
            format!("{name}: its output was not read again"),
            vec![
                format!(
                    "on {}; its medium was not pulled and put back",
                    output.medium
                ),
                match stage {
                    Stage::Exported => {
                        "Before it leaves: m, the batch, «Read the output again»; then «Reconcile»."
                    }
                    _ => {
                        "m, the batch, «Read the output again»; where it left already, ask the \
                         issuer whether it could be read, before the batch is purged."
                    }
                }
                .into(),
            ],
        ));
    }
    if stage == Stage::Exported {
        return Some(now(
            format!("{name}: its output left, and nobody reconciled it"),
            vec!["m, the batch, «Reconcile».".into()],
        ));
    }
    let (waiting, sent) = (batch.cards.waiting.count(), batch.cards.sent.count());
    match stage {
        Stage::Printing if waiting > 0 => {
            let what = format!("{waiting} of {} mailers are not printed", batch.count);
            return open(what, "m, the batch, «Print».");
        }
        Stage::Printing => {
            let what = format!("{sent} mailers are printed, and nobody confirmed them");
            return open(what, "m, the batch, «Confirm mailers».");
        }
        Stage::Counting => {
            let what = "its blank forms are not counted".into();
            return open(what, "m, the batch, «Forms back to the safe».");
        }
        Stage::Balanced => {
            let what = "it balances, and its output has not left".into();
            return open(what, "m, the batch, «Write the output».");
        }
        _ => {}
    }
    let reconciled = batch.reconciled.as_ref()?;
    let due_ms = reconciled.signed.at_ms.saturating_add(PURGE_DAYS * DAY_MS);
    let days = days_until(now_ms, due_ms);
    Some(TaskRow {
        due: due(days, due_ms),
        days,
        what: format!("purge {name}"),
        who: WHO.into(),
        detail: vec![
            "When the issuer has confirmed the output: card numbers and PIN blocks go.".into(),
            "m, the batch, «Purge».".into(),
        ],
        resume: None,
    })
}
