//! The inventory: the key list and what is due of it. A few thousand keys are
//! read when they are asked for; of more, a slice is read whenever nobody wants
//! anything, and the screen shows what there is so far.

use conclave_evidence::Id;
use conclave_keyroom::domain::key::{KeyRecord, KeyState};
use conclave_keyroom::vault::Compartment;

use crate::custody_tasks::{Custodians, custody_tasks};
use crate::front::{Event, KeyTable, KeyTableBuilder, TaskRow};
use crate::lists::expiry_task;
use crate::station::Station;

/// So many keys are read while the screen waits.
const AT_ONCE: usize = 5_000;

/// How long one slice takes, milliseconds: a key that is pressed waits no
/// longer.
const SLICE_MS: u64 = 30;

/// So many tasks of keys stand in the list; nobody reads more in a day.
const TASKS: usize = 500;

/// The screen gets what there is each time so many more are read.
const TELL: usize = 100_000;

/// Keys that are read a slice at a time.
#[derive(Default)]
pub(crate) struct Inventory {
    /// Which change of the key records it is of.
    of: Option<u64>,
    ids: Vec<Id>,
    at: usize,
    building: KeyTableBuilder,
    found: Vec<TaskRow>,
    /// What is shown.
    table: KeyTable,
    tasks: Vec<TaskRow>,
}

impl Inventory {
    fn finished(&self) -> bool {
        self.at >= self.ids.len()
    }
}

/// What is to be done about a key.
fn tasks_of(now_ms: u64, key: &KeyRecord, there: &Custodians) -> Vec<TaskRow> {
    let mut tasks = custody_tasks(now_ms, key, there);
    if matches!(key.state, KeyState::Active | KeyState::PreActivation) {
        tasks.extend(expiry_task(now_ms, key));
    }
    tasks
}

/// The most urgent of them, and one row that counts the others.
fn most_urgent(mut tasks: Vec<TaskRow>) -> Vec<TaskRow> {
    tasks.sort_by_key(|task| task.days);
    let more = tasks.len().saturating_sub(TASKS);
    if more == 0 {
        return tasks;
    }
    let next = tasks.get(TASKS).map_or(0, |task| task.days);
    tasks.truncate(TASKS);
    tasks.push(TaskRow {
        due: "later".into(),
        days: next,
        what: format!("{more} more tasks of keys, when these are done"),
        who: "Key managers".into(),
        detail: vec!["The most urgent stand above; the key list has every key.".into()],
        resume: None,
    });
    tasks
}

impl Station {
    /// The key list as far as it is read, and the tasks of its keys.
    pub(crate) fn inventory(&self) -> (KeyTable, Vec<TaskRow>) {
        let vault = self.door.vault();
        let many = vault
            .of_kind(Compartment::Catalogue, KeyRecord::KIND)
            .is_ok_and(|(ids, _)| ids.len() > AT_ONCE);
        if many {
            return (self.keys_read.table.clone(), self.keys_read.tasks.clone());
        }
        let now = self.clock.wall_ms();
        let keys = self.keys();
        let there = self.custodians_there();
        let tasks = keys.iter().flat_map(|key| tasks_of(now, key, &there));
        let tasks = tasks.collect();
        let tasks = most_urgent(tasks);
        let rows = keys.iter().map(|key| self.key_row(key));
        (KeyTable::from_rows(rows), tasks)
    }

    fn custodians_there(&self) -> Custodians {
        let record = self.door.vault().authority();
        record.map(Custodians::of).unwrap_or_default()
    }

    /// Reads a slice of a large inventory. TRUE while there is more to read.
    pub(crate) fn read_on(&mut self, tell: &mut dyn FnMut(Event)) -> bool {
        let vault = self.door.vault();
        let Ok((ids, change)) = vault.of_kind(Compartment::Catalogue, KeyRecord::KIND) else {
            // Logged off, or still being checked.
            if self.keys_read.of.is_some() {
                self.keys_read = Inventory::default();
            }
            return false;
        };
        if ids.len() <= AT_ONCE {
            return false;
        }
        if self.keys_read.of != Some(change) {
            // What is shown stays until the new list is whole.
            self.keys_read.of = Some(change);
            self.keys_read.ids = ids.to_vec();
            self.keys_read.at = 0;
            self.keys_read.building = KeyTableBuilder::default();
            self.keys_read.found.clear();
        }
        if self.keys_read.finished() {
            return false;
        }
        let there = self.custodians_there();
        let (now, began) = (self.clock.wall_ms(), self.clock.mono_ms());
        while self.clock.mono_ms().saturating_sub(began) < SLICE_MS {
            let Some(&id) = self.keys_read.ids.get(self.keys_read.at) else {
                break;
            };
            self.keys_read.at += 1;
            // One that cannot be read shows when somebody opens it.
            if let Ok(key) = self.door.vault().key(id) {
                let row = self.key_row(&key);
                self.keys_read.building.push(&row);
                self.keys_read.found.extend(tasks_of(now, &key, &there));
            }
            let first = self.keys_read.table.is_empty() || !self.keys_read.table.complete();
            if first && self.keys_read.at.is_multiple_of(TELL) && !self.keys_read.finished() {
                let to_come = self.keys_read.ids.len() - self.keys_read.at;
                self.keys_read.table = self.keys_read.building.so_far(to_come);
                tell(Event::Keys(self.keys_read.table.clone()));
            }
        }
        if self.keys_read.finished() {
            let building = std::mem::take(&mut self.keys_read.building);
            self.keys_read.table = building.finish();
            self.keys_read.tasks = most_urgent(std::mem::take(&mut self.keys_read.found));
            tell(Event::Keys(self.keys_read.table.clone()));
            tell(Event::Lists(Box::new(self.lists())));
            return false;
        }
        true
    }
}
