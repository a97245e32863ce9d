//! The PIN room at the screen: batches of mailers, from the issuer's file to
//! the purge. Operators and supervisors are logged on together.
//!
//! No PIN is ever shown, and of a card nothing but its number in the file.

mod ahead;
mod end;
mod forms;
mod limits;
mod mailers;
mod next;
mod numbers;
mod open;
mod pause;
mod presence;
mod restored;
mod run;
mod safe;
mod tasks;

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::pin_batch::{PinBatch, Stage};
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::action::PrintMailers;
use conclave_trades::print::day_words;

use self::next::{Next, Standing, ask_next};
use self::numbers::Counts;
use crate::approve::Undone;
use crate::cards::Interrupted;
use crate::front::{BatchRow, PinAct};
use crate::service::ActEnd;
use crate::station::Station;

/// For every question of the room.
const WAITS: &str = "PIN operator and supervisor";

impl Station {
    /// Serves an act of the PIN room.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn pin_room(&mut self, act: PinAct, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.pin_room_here()?;
        match act {
            PinAct::Open => self.open_batch(people),
            PinAct::Stock => self.form_stock(people),
            PinAct::Work(id) => self.work_on_batch(id, people),
        }
    }

    fn pin_room_here(&self) -> Result<(), Refusal> {
        let open = self.door.vault().open_groups();
        if GroupId::PIN_ROOM.iter().all(|group| open.contains(group)) {
            return Ok(());
        }
        let mut refusal = self.refusal("not logged on: PIN operators and supervisors");
        refusal.advice = "One of each logs on; press g.".into();
        Err(refusal)
    }

    /// Who is logged on for the room: operators, then supervisors.
    pub(crate) fn pin_room_people(&self) -> Vec<Id> {
        let vault = self.door.vault();
        let each = GroupId::PIN_ROOM.iter();
        each.flat_map(|group| vault.people_of(*group).to_vec())
            .collect()
    }

    /// The station's incarnation: what is of another came back with a restore.
    pub(crate) fn incarnation(&self) -> Result<Id, Refusal> {
        let record = self.door.vault().authority();
        record
            .map(|record| record.incarnation)
            .map_err(|e| self.refusal(&e.to_string()))
    }

    /// Whether those who are here count the batch before anything of it is told.
    fn count_first(&self, batch: &PinBatch) -> bool {
        let standing = Standing {
            cut: false,
            restored: false,
            others: self.are_others(batch),
        };
        standing.is_taken_over_first(batch)
    }

    /// Whether the people who are here neither opened the batch nor took it over
    /// last.
    fn are_others(&self, batch: &PinBatch) -> bool {
        let signed = batch.holders();
        let vault = self.door.vault();
        let mut here = GroupId::PIN_ROOM
            .iter()
            .flat_map(|group| vault.people_of(*group));
        here.any(|one| !signed.people.contains(one))
    }

    fn pin_batches(&self) -> Vec<PinBatch> {
        let mut all: Vec<PinBatch> = self
            .door
            .vault()
            .list::<PinBatch>(Compartment::Pins, PinBatch::KIND)
            .unwrap_or_default()
            .into_iter()
            .map(|(_, batch)| batch)
            .collect();
        all.sort_by_key(|batch| std::cmp::Reverse(batch.opened.at_ms));
        all
    }

    /// The newest batch of which something is still printed or counted; none
    /// where the room is closed.
    pub(crate) fn batch_at_work(&self) -> Option<PinBatch> {
        self.pin_room_here().ok()?;
        let at_work = |batch: &PinBatch| {
            !matches!(
                batch.stage(),
                Stage::Exported | Stage::Reconciled | Stage::Purged
            )
        };
        self.pin_batches().into_iter().find(at_work)
    }

    fn pin_batch(&self, id: Id) -> Result<PinBatch, Refusal> {
        self.door
            .vault()
            .get(Compartment::Pins, id)
            .map_err(|e| self.refusal(&e.to_string()))
    }

    /// The list of batches; nothing where the room is closed.
    pub(crate) fn batch_rows(&self) -> Option<Vec<BatchRow>> {
        self.pin_room_here().ok()?;
        let row = |batch: &PinBatch| batch_row(batch, self.are_others(batch));
        Some(self.pin_batches().iter().map(row).collect())
    }

    /// TRUE when an act of printing has no outcome: the station stopped in it,
    /// maybe before its window was on disk.
    fn print_was_cut(&self) -> bool {
        let open = self.door.vault().open_intents().unwrap_or_default();
        open.iter().any(|act| act.action == PrintMailers::NAME)
    }

    /// The numbers of a batch and what is next, until the people have done.
    fn work_on_batch(&mut self, id: Id, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let mut said = Vec::new();
        let mut refused = None;
        let mut cut = self.print_was_cut();
        loop {
            let batch = self.pin_batch(id)?;
            let standing = Standing {
                cut,
                restored: batch.is_restored(self.incarnation()?),
                others: self.are_others(&batch),
            };
            let next = match ask_next(
                (&batch, standing),
                std::mem::take(&mut said),
                refused.take(),
                people,
            ) {
                Ok(next) => next,
                Err(why) => return crate::service::stopped(why),
            };
            let done = match next {
                Next::Back | Next::More | Next::Less => return Ok(ActEnd::Stopped),
                Next::Restored => self.settle_restored(&batch, people),
                Next::Settle => self.settle_window(people),
                Next::Print => self.print_batch(id, people),
                Next::Confirm => self.confirm_mailers(&batch, people),
                Next::Spoil => self.spoil_mailer(&batch, people),
                Next::Ahead => self.paper_ahead(&batch, people),
                Next::Unknown => self.resolve_unknown(&batch, people),
                Next::TakeForms => self.take_forms(&batch, people),
                Next::AsideForms => self.forms_aside(&batch, people),
                Next::ReturnForms => self.return_forms(&batch, people),
                Next::Cancel => self.cancel_cards(&batch, people),
                Next::Limits => self.raise_limits(&batch, people),
                Next::OutputLeft => self.output_left(&batch, people),
                Next::HandOver => self.hand_over_batch(&batch, people),
                Next::Printer => self.change_printer(&batch, people),
                Next::Found => self.found_forms(&batch, people),
                Next::Unused => self.unused_forms(&batch, people),
                Next::Export => self.export_batch(&batch, people),
                Next::ReadAgain => self.read_output_again(&batch, people),
                Next::LostOutput => self.lose_output(&batch, people),
                Next::Reconcile => self.reconcile_batch(&batch, people),
                Next::Purge => self.purge_batch(&batch, people),
            };
            if matches!(next, Next::Print | Next::Settle) {
                cut = self.print_was_cut();
            }
            match done {
                Ok(words) => said = words,
                Err(Undone::Interrupted(Interrupted::Shutdown)) => return Ok(ActEnd::Stopped),
                // Without both cards the room is closed.
                Err(_) if self.card_lost() && next == Next::Print => return Err(run_ended()),
                Err(undone) if self.card_lost() => return self.undone(undone),
                Err(undone) => refused = self.undone(undone).err(),
            }
        }
    }
}

/// A card of the pair was pulled while mailers were printed.
fn run_ended() -> Refusal {
    Refusal {
        happened: "A card was pulled: the run has stopped, and the session is over.".into(),
        safe: "What left is on record, as printed or as unknown. Nothing is printed twice.".into(),
        advice: "Log on again, and look at the last forms before anything else is printed.".into(),
    }
}

/// A row of the list.
fn batch_row(batch: &PinBatch, others: bool) -> BatchRow {
    let done = batch.cards.confirmed.count() + batch.cards.cancelled.count();
    let standing = Standing {
        cut: false,
        restored: false,
        others,
    };
    let done = match standing.counts(batch) {
        // They count them, when they take it over.
        Counts::Mailers => "to count".to_owned(),
        Counts::Told | Counts::Forms => format!("{done} of {}", batch.count),
    };
    BatchRow {
        id: Some(batch.id),
        name: batch.name.clone(),
        issuer: batch.issuer.clone(),
        state: batch.stage().words().to_owned(),
        done,
        opened: day_words(batch.opened.at_ms),
        detail: vec![
            format!("{} on {}", batch.layout, batch.printer),
            format!("PINs: {}, template {}", batch.method, batch.template),
        ],
    }
}

/// A question of the room with a form.
fn question(code: &str, batch: &PinBatch, title: &str, note: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: format!("Batch {} of {}", batch.name, batch.issuer),
        title: title.into(),
        lines: vec![PromptLine::note(note)],
        waiting_for: WAITS.into(),
        safe: "yes, nothing is changed before both have signed".into(),
        ..Prompt::default()
    }
}

/// A form's number as people type it: leading zeros and spaces are theirs.
fn number(typed: &str) -> Option<u64> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_digits() {
        assert_eq!(number(" 000 483 "), Some(483));
        for wrong in ["", "4a", "-1", "+1", "1.0", "99999999999999999999999"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}
