//! The inventory: the key list and what is due of it. A few thousand keys are
//! read when they are asked for; of more, a slice is read whenever nobody wants
//! anything, and the screen shows what there is so far, also while the records
//! are still being checked against what was signed: nothing can be changed then.
//! When a few of many change, their rows are put into the list at once; what is
//! due is read anew behind it.

use conclave_evidence::Hash;
use conclave_keyroom::domain::key::{KeyRecord, KeyState};
use conclave_keyroom::vault::Compartment;

use conclave_trades::keys::{Kin, Tainted};

use crate::custody_tasks::{Custodians, custody_tasks};
use crate::exceptions::exception_tasks;
use crate::front::{Event, KeyRow, KeyTable, KeyTableBuilder, TaskRow};
use crate::incident::{INCIDENT_DAYS, incident_task};
use crate::lists::expiry_task;
use crate::station::Station;

/// So many keys are read while the screen waits.
const AT_ONCE: usize = 5_000;

/// A day, in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// How long one slice takes, milliseconds: a key that is pressed waits no
/// longer.
const SLICE_MS: u64 = 30;

/// So many tasks of keys stand in the list; nobody reads more in a day.
const TASKS: usize = 500;

/// So many of what is wrong with keys stand before them.
const WRONG: usize = 10_000;

/// The screen gets what there is when so many are read, then twice as many and
/// so on, until an eighth is read: each time costs a copy in memory.
const TELL: usize = 500;

/// Keys that are read a slice at a time.
#[derive(Default)]
pub(crate) struct Inventory {
    /// What it is of: that change of the key records, or none while they are being
    /// checked, and that of the authority record and that day, which what is due
    /// depends on too.
    of: Option<(Option<u64>, Hash, u64)>,
    /// How far it is read, in the order of the vault's list; how long that is, and
    /// how much longer it may still become.
    at: usize,
    all: usize,
    to_come: usize,
    /// The rows so far; nothing where the list shown is right already.
    building: Option<KeyTableBuilder>,
    found: Urgent,
    /// Keys that hand on what became of them, as far as read; and what came of
    /// those when all were.
    kin: Vec<Kin>,
    tainted: Tainted,
    /// What is shown, and which change it is of once it is whole.
    table: KeyTable,
    whole: Option<u64>,
    tasks: Vec<TaskRow>,
}

impl Inventory {
    fn finished(&self) -> bool {
        self.at >= self.all
    }

    /// Whether the screen gets what there is so far.
    fn tells_now(&self) -> bool {
        let rounds = self.at / TELL;
        self.whole.is_none()
            && self.at.is_multiple_of(TELL)
            && rounds.is_power_of_two()
            && self.at * 8 <= self.all + self.to_come
    }
}

/// What is wrong with a key, and what is due of it.
#[derive(Default)]
struct Tasks {
    wrong: Vec<TaskRow>,
    due: Vec<TaskRow>,
}

/// Whatever is wrong, and of what is due the most urgent.
#[derive(Default)]
struct Urgent {
    /// None of them gives way to what is overdue.
    wrong: Vec<TaskRow>,
    /// Those that are counted and not listed: a wrapping key may have a million below it.
    more_wrong: usize,
    tasks: Vec<TaskRow>,
    /// Those that stand no more among them, and when the first of them is due.
    more: usize,
    next: Option<i64>,
}

impl Urgent {
    fn add(&mut self, tasks: Tasks) {
        self.wrong.extend(tasks.wrong);
        self.more_wrong += self.wrong.len().saturating_sub(WRONG);
        self.wrong.truncate(WRONG);
        self.tasks.extend(tasks.due);
        if self.tasks.len() > 2 * TASKS {
            self.keep();
        }
    }

    fn keep(&mut self) {
        self.tasks.sort_by_key(|task| task.days);
        if let Some(first) = self.tasks.get(TASKS) {
            let days = first.days;
            self.next = Some(self.next.map_or(days, |next| next.min(days)));
            self.more += self.tasks.len() - TASKS;
            self.tasks.truncate(TASKS);
        }
    }

    /// They, what is wrong first, and one row that counts the others.
    fn rows(mut self) -> Vec<TaskRow> {
        self.keep();
        if self.more_wrong > 0 {
            self.wrong.push(TaskRow {
                due: "now".into(),
                days: INCIDENT_DAYS,
                what: format!("{} more like these, when these are done", self.more_wrong),
                who: "Key managers, Approvers".into(),
                detail: vec!["They come as these are done; the key list has every key.".into()],
                resume: None,
            });
        }
        self.tasks.splice(0..0, std::mem::take(&mut self.wrong));
        if let Some(days) = self.next {
            self.tasks.push(TaskRow {
                due: "later".into(),
                days,
                what: format!("{} more tasks of keys, when these are done", self.more),
                who: "Key managers".into(),
                detail: vec!["The most urgent stand above; the key list has every key.".into()],
                resume: None,
            });
        }
        self.tasks
    }
}

/// What tasks depend on, beside the key itself.
struct Around {
    now_ms: u64,
    there: Custodians,
    tainted: Tainted,
}

/// What is to be done about a key.
fn tasks_of(key: &KeyRecord, around: &Around) -> Tasks {
    let now_ms = around.now_ms;
    let custody = custody_tasks(now_ms, key, &around.there);
    let (mut wrong, mut due): (Vec<_>, Vec<_>) = custody
        .into_iter()
        .partition(|task| task.days == INCIDENT_DAYS);
    wrong.extend(incident_task(key, &around.tainted));
    due.extend(exception_tasks(now_ms, key));
    if matches!(key.state, KeyState::Active | KeyState::PreActivation) {
        due.extend(expiry_task(now_ms, key));
    }
    Tasks { wrong, due }
}

impl Station {
    /// The key list as far as it is read, and the tasks of its keys.
    pub(crate) fn inventory(&self) -> (KeyTable, Vec<TaskRow>) {
        let vault = self.door.vault();
        let many = vault
            .seen_of_kind(Compartment::Catalogue, KeyRecord::KIND)
            .is_ok_and(|seen| seen.ids.len() + seen.to_come > AT_ONCE);
        if many {
            return (self.keys_read.table.clone(), self.keys_read.tasks.clone());
        }
        let keys = self.keys();
        let kin: Vec<Kin> = keys.iter().filter_map(Kin::of).collect();
        let around = self.around(Tainted::of(&kin));
        let mut found = Urgent::default();
        for key in &keys {
            found.add(tasks_of(key, &around));
        }
        let rows = keys.iter().map(|key| self.key_row(key));
        (KeyTable::from_rows(rows), found.rows())
    }

    fn around(&self, tainted: Tainted) -> Around {
        let record = self.door.vault().authority();
        Around {
            now_ms: self.clock.wall_ms(),
            there: record.map(Custodians::of).unwrap_or_default(),
            tainted,
        }
    }

    /// Reads a slice of a large inventory. TRUE while there is more to read.
    pub fn read_on(&mut self, tell: &mut dyn FnMut(Event)) -> bool {
        let vault = self.door.vault();
        let Ok(seen) = vault.seen_of_kind(Compartment::Catalogue, KeyRecord::KIND) else {
            // Logged off.
            if self.keys_read.of.is_some() {
                self.keys_read = Inventory::default();
            }
            return false;
        };
        let (all, to_come, change) = (seen.ids.len(), seen.to_come, seen.change);
        if all + to_come <= AT_ONCE {
            return false;
        }
        // Cards that are suspended, and midnight, change what is due; the list is
        // as it was then.
        let authority = vault.authority_hash().unwrap_or(Hash([0; 32]));
        let day = self.clock.wall_ms() / DAY_MS;
        let stand = (change, authority, day);
        // What was read while it was checked holds once it is: nobody wrote.
        let goes_on = Some((None, authority, day));
        if self.keys_read.of != Some(stand) && self.keys_read.of != goes_on {
            let mended = self.mended();
            let read = &mut self.keys_read;
            read.at = 0;
            (read.found, read.kin) = (Urgent::default(), Vec::new());
            // What is shown stays until the new list is whole.
            read.building = Some(KeyTableBuilder::default());
            if let Some(table) = mended {
                read.building = None;
                read.whole = change;
                read.table = table;
                tell(Event::Keys(read.table.clone()));
            }
        }
        let checked_now = change.is_some() && self.keys_read.of == goes_on;
        let read = &mut self.keys_read;
        (read.of, read.all, read.to_come) = (Some(stand), all, to_come);
        if read.finished() && !checked_now {
            return false;
        }
        let around = self.around(self.keys_read.tainted.clone());
        let began = self.clock.mono_ms();
        while self.clock.mono_ms().saturating_sub(began) < SLICE_MS {
            // The same list as long as `change` is the same.
            let kind = (Compartment::Catalogue, KeyRecord::KIND);
            let seen = self.door.vault().seen_of_kind(kind.0, kind.1);
            let id = seen.map(|seen| seen.ids.get(self.keys_read.at).copied());
            let Ok(Some(id)) = id else {
                break;
            };
            self.keys_read.at += 1;
            // One that cannot be read shows when somebody opens it.
            if let Ok(key) = self.door.vault().key(id) {
                let row = self.keys_read.building.is_some();
                let row = row.then(|| self.key_row(&key));
                if let (Some(building), Some(row)) = (&mut self.keys_read.building, &row) {
                    building.push(row);
                }
                self.keys_read.found.add(tasks_of(&key, &around));
                self.keys_read.kin.extend(Kin::of(&key));
            }
            if self.keys_read.tells_now()
                && let Some(building) = &self.keys_read.building
            {
                let to_come = all - self.keys_read.at + to_come;
                self.keys_read.table = building.so_far(to_come);
                tell(Event::Keys(self.keys_read.table.clone()));
            }
        }
        if !self.keys_read.finished() {
            return true;
        }
        if change.is_none() {
            // The rest comes when it was gone through.
            return false;
        }
        if let Some(building) = self.keys_read.building.take() {
            self.keys_read.table = building.finish();
            self.keys_read.whole = change;
            tell(Event::Keys(self.keys_read.table.clone()));
        }
        // Whether a key lies under a compromised one is known when all were read: then
        // they are looked through once more.
        let tainted = Tainted::of(&std::mem::take(&mut self.keys_read.kin));
        if tainted != self.keys_read.tainted {
            let read = &mut self.keys_read;
            (read.tainted, read.at, read.found) = (tainted, 0, Urgent::default());
            return true;
        }
        self.keys_read.tasks = std::mem::take(&mut self.keys_read.found).rows();
        tell(Event::Lists(Box::new(self.lists())));
        false
    }

    /// The list that is shown, with what changed since; nothing where that is
    /// not known, or was too much.
    fn mended(&self) -> Option<KeyTable> {
        let vault = self.door.vault();
        let whole = self.keys_read.whole?;
        let changed = vault.changed_since(Compartment::Catalogue, KeyRecord::KIND, whole);
        let changed = changed.ok().flatten()?;
        let rows: Vec<KeyRow> = changed
            .iter()
            .filter_map(|id| vault.key(*id).ok())
            .map(|key| self.key_row(&key))
            .collect();
        Some(self.keys_read.table.changed(&changed, &rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(days: i64) -> TaskRow {
        TaskRow {
            due: String::new(),
            days,
            what: format!("{days}"),
            who: String::new(),
            detail: Vec::new(),
            resume: None,
        }
    }

    fn due(due: Vec<TaskRow>) -> Tasks {
        Tasks {
            wrong: Vec::new(),
            due,
        }
    }

    /// More keys are overdue than the list takes, and a compromised key and a package
    /// in quarantine still stand at its head.
    #[test]
    fn what_is_wrong_with_a_key_is_never_cut_off_and_comes_first() {
        let mut found = Urgent::default();
        let all = 3 * i64::try_from(TASKS).unwrap_or_default();
        for n in 1..=all {
            found.add(due(vec![task(-1 - n)]));
            if n % 750 == 0 {
                found.add(Tasks {
                    wrong: vec![task(INCIDENT_DAYS)],
                    due: Vec::new(),
                });
            }
        }
        let rows = found.rows();
        assert_eq!(rows.len(), 2 + TASKS + 1);
        let first: Vec<i64> = rows.iter().take(3).map(|task| task.days).collect();
        assert_eq!(first, [INCIDENT_DAYS, INCIDENT_DAYS, -1 - all]);
        // The whole list is sorted by the day.
        assert!(rows.is_sorted_by_key(|task| task.days));
    }

    #[test]
    fn of_very_many_that_are_wrong_the_rest_is_counted() {
        let mut found = Urgent::default();
        for _ in 0..WRONG + 3 {
            found.add(Tasks {
                wrong: vec![task(INCIDENT_DAYS)],
                due: Vec::new(),
            });
        }
        found.add(due(vec![task(1)]));
        let rows = found.rows();
        assert_eq!(rows.len(), WRONG + 2);
        assert_eq!(rows[WRONG].what, "3 more like these, when these are done");
        assert!(rows.is_sorted_by_key(|task| task.days));
    }

    /// However many there are and in whatever order they come: the most urgent
    /// stand there, the others are counted.
    #[test]
    fn of_many_tasks_the_most_urgent_stay_and_the_rest_are_counted() {
        let mut found = Urgent::default();
        let all = 7_003;
        for n in 0..all {
            found.add(due(vec![task((n * 4_001) % all)]));
        }
        assert!(found.tasks.len() <= 2 * TASKS);
        let rows = found.rows();
        let days: Vec<i64> = rows.iter().map(|task| task.days).collect();
        let first = i64::try_from(TASKS).unwrap_or_default();
        assert_eq!(days, (0..=first).collect::<Vec<_>>());
        let last = rows.last().map(|task| task.what.as_str());
        assert_eq!(last, Some("6503 more tasks of keys, when these are done"));
        let mut few = Urgent::default();
        few.add(due(vec![task(3), task(-1)]));
        let days: Vec<i64> = few.rows().iter().map(|task| task.days).collect();
        assert_eq!(days, [-1, 3]);
    }
}
