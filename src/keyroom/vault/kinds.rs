//! Which records of a compartment are of which kind: in memory only, from the
//! records' clear headers, so that a few of one kind are found among a million
//! of another; and of each record a note, once somebody has read it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use conclave_evidence::Id;

/// Ids by kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kinds(BTreeMap<String, Kind>);

#[derive(Debug, Default)]
struct Kind {
    /// In order.
    ids: Vec<Id>,
    /// What is noted of each; 0 where nothing is. Of most kinds nothing ever is.
    notes: OnceLock<Vec<AtomicU64>>,
    changes: u64,
    /// Which record each of the last changes was of.
    recent: VecDeque<Id>,
}

/// From so many changes on they are merged in together.
const MANY: usize = 100;

/// So many changes can be looked at again.
const RECENT: usize = 1024;

impl Kind {
    fn changed(&mut self, id: Id) {
        self.changes += 1;
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(id);
    }

    /// Many at once; of too many it cannot be said which.
    fn changed_many(&mut self, ids: &[Id]) {
        if ids.len() > RECENT {
            self.changes += ids.len() as u64;
            self.recent.clear();
            return;
        }
        ids.iter().for_each(|id| self.changed(*id));
    }

    /// Forgets these; they are in order.
    fn leave_out(&mut self, ids: &[Id]) {
        let gone = self.ids.iter().filter(|id| ids.binary_search(id).is_ok());
        let gone: Vec<Id> = gone.copied().collect();
        let stays = |id: &Id| ids.binary_search(id).is_err();
        if let Some(notes) = self.notes.get_mut() {
            let noted = self.ids.iter().zip(std::mem::take(notes));
            *notes = noted
                .filter_map(|(id, note)| stays(id).then_some(note))
                .collect();
        }
        self.ids.retain(stays);
        self.changed_many(&gone);
    }

    /// Takes these in; they are in order, and none of them is there.
    fn take_in(&mut self, ids: Vec<Id>) {
        self.changed_many(&ids);
        let mut all = Vec::with_capacity(self.ids.len() + ids.len());
        let mut noted = Vec::new();
        let mut notes = self.notes.take().map(Vec::into_iter);
        let were_noted = notes.is_some();
        let mut coming = ids.into_iter().peekable();
        let mut take = |id, note: Option<AtomicU64>| {
            all.push(id);
            if were_noted {
                noted.push(note.unwrap_or_default());
            }
        };
        for id in std::mem::take(&mut self.ids) {
            while let Some(next) = coming.next_if(|next| *next < id) {
                take(next, None);
            }
            take(id, notes.as_mut().and_then(Iterator::next));
        }
        coming.for_each(|next| take(next, None));
        self.ids = all;
        if were_noted {
            self.notes = noted.into();
        }
    }

    fn notes(&self) -> &[AtomicU64] {
        self.notes
            .get_or_init(|| self.ids.iter().map(|_| AtomicU64::new(0)).collect())
    }
}

/// Notes say what was read already, not what there is.
impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        (&self.ids, self.changes) == (&other.ids, other.changes)
    }
}

impl Eq for Kind {}

impl Kinds {
    /// A record is there, new or changed.
    pub fn put(&mut self, kind: &str, id: Id) {
        let there = self.0.get(kind).map(|kind| kind.ids.binary_search(&id));
        if !matches!(there, Some(Ok(_))) {
            self.remove(id);
        }
        let kind = self.0.entry(kind.to_owned()).or_default();
        kind.changed(id);
        match kind.ids.binary_search(&id) {
            Err(at) => {
                kind.ids.insert(at, id);
                if let Some(notes) = kind.notes.get_mut() {
                    notes.insert(at, AtomicU64::new(0));
                }
            }
            // It says something else now.
            Ok(at) => {
                let notes = kind.notes.get();
                if let Some(note) = notes.and_then(|notes| notes.get(at)) {
                    note.store(0, Ordering::Relaxed);
                }
            }
        }
    }

    /// Takes in further records, none of which is there; where each comes behind
    /// all that are, as in a scan of the store, it costs no more than they.
    pub fn follow(&mut self, further: Self) {
        for (name, more) in further.0 {
            let kind = self.0.entry(name).or_default();
            if kind.ids.last() < more.ids.first() {
                kind.changed_many(&more.ids);
                if let Some(notes) = kind.notes.get_mut() {
                    notes.extend(more.ids.iter().map(|_| AtomicU64::new(0)));
                }
                kind.ids.extend(more.ids);
            } else {
                kind.take_in(more.ids);
            }
        }
    }

    /// A record is gone.
    pub fn remove(&mut self, id: Id) {
        for kind in self.0.values_mut() {
            if let Ok(at) = kind.ids.binary_search(&id) {
                kind.ids.remove(at);
                if let Some(notes) = kind.notes.get_mut() {
                    notes.remove(at);
                }
                kind.changed(id);
            }
        }
    }

    /// What one commit changed, by id, each with its kind or gone. Many at once
    /// cost one pass over what is there, not one each.
    pub fn change(&mut self, changed: Vec<(Id, Option<String>)>) {
        if changed.len() < MANY {
            for (id, kind) in changed {
                match kind {
                    Some(kind) => self.put(&kind, id),
                    None => self.remove(id),
                }
            }
            return;
        }
        let mut ids: Vec<Id> = changed.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        for kind in self.0.values_mut() {
            kind.leave_out(&ids);
        }
        let mut coming: BTreeMap<String, Vec<Id>> = BTreeMap::new();
        for (id, kind) in changed {
            if let Some(kind) = kind {
                coming.entry(kind).or_default().push(id);
            }
        }
        for (kind, mut ids) in coming {
            ids.sort_unstable();
            self.0.entry(kind).or_default().take_in(ids);
        }
    }

    /// How many records of all kinds.
    pub fn count(&self) -> usize {
        self.0.values().map(|kind| kind.ids.len()).sum()
    }

    /// The records of a kind, and a number that changes with them.
    pub fn of(&self, kind: &str) -> (&[Id], u64) {
        self.0
            .get(kind)
            .map_or((&[], 0), |kind| (kind.ids.as_slice(), kind.changes))
    }

    /// Which records of a kind changed, came or went since its number was
    /// `before`; nothing where that is too long ago to say.
    pub fn since(&self, kind: &str, before: u64) -> Option<Vec<Id>> {
        let kind = self.0.get(kind)?;
        let many = usize::try_from(kind.changes.checked_sub(before)?).ok()?;
        let first = kind.recent.len().checked_sub(many)?;
        let ids: BTreeSet<Id> = kind.recent.iter().skip(first).copied().collect();
        Some(ids.into_iter().collect())
    }

    /// What is noted of one record.
    pub fn note(&self, kind: &str, id: Id) -> Option<&AtomicU64> {
        let kind = self.0.get(kind)?;
        let at = kind.ids.binary_search(&id).ok()?;
        kind.notes().get(at)
    }

    /// The records of a kind, each with what is noted of it.
    pub fn noted(&self, kind: &str) -> impl Iterator<Item = (Id, &AtomicU64)> {
        let kind = self.0.get(kind);
        kind.into_iter()
            .flat_map(|kind| kind.ids.iter().copied().zip(kind.notes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> Id {
        Id([n; 16])
    }

    #[test]
    fn a_record_has_one_kind_and_one_place() {
        let mut kinds = Kinds::default();
        for n in [2, 5, 9, 5, 1] {
            kinds.put("key", id(n));
        }
        assert_eq!(kinds.of("key").0, [id(1), id(2), id(5), id(9)]);
        kinds.put("mandate", id(5));
        assert_eq!(kinds.of("key").0, [id(1), id(2), id(9)]);
        assert_eq!(kinds.of("mandate").0, [id(5)]);
        kinds.put("key", id(5));
        assert_eq!(kinds.of("key").0, [id(1), id(2), id(5), id(9)]);
        assert!(kinds.of("mandate").0.is_empty());
        kinds.put("mandate", id(12));
        kinds.put("key", id(12));
        assert!(kinds.of("mandate").0.is_empty());
        kinds.remove(id(12));
        let (_, before) = kinds.of("key");
        kinds.put("key", id(5));
        assert_ne!(kinds.of("key").1, before, "a changed record counts too");
        kinds.remove(id(9));
        kinds.remove(id(7));
        assert_eq!(kinds.of("key").0, [id(1), id(2), id(5)]);
        assert!(kinds.of("nothing").0.is_empty());
    }

    /// One by one and all at once come to the same records and the same notes.
    #[test]
    fn many_changes_at_once_are_as_one_by_one() {
        let wide = |n: u32| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&n.wrapping_mul(0x9E37_79B1).to_be_bytes());
            Id(id)
        };
        let mut one = Kinds::default();
        let mut all = Kinds::default();
        for kinds in [&mut one, &mut all] {
            for n in 0..300 {
                kinds.put(if n % 3 == 0 { "mandate" } else { "key" }, wide(n));
            }
            for (id, note) in kinds.noted("key").chain(kinds.noted("mandate")) {
                note.store(u64::from(id.0[0]) + 1, Ordering::Relaxed);
            }
        }
        // New ones, changed ones, some that become another kind, some that go.
        let changed: Vec<(Id, Option<String>)> = (150..500)
            .map(|n| {
                let kind = match n % 5 {
                    0 => None,
                    1 => Some("mandate".to_owned()),
                    _ => Some("key".to_owned()),
                };
                (wide(n), kind)
            })
            .collect();
        let (_, before) = all.of("key");
        for (id, kind) in &changed {
            match kind {
                Some(kind) => one.put(kind, *id),
                None => one.remove(*id),
            }
        }
        all.change(changed);
        assert_ne!(all.of("key").1, before);
        for kind in ["key", "mandate"] {
            assert_eq!(one.of(kind).0, all.of(kind).0);
            let notes = |kinds: &Kinds| -> Vec<u64> {
                let noted = kinds.noted(kind);
                noted.map(|(_, n)| n.load(Ordering::Relaxed)).collect()
            };
            assert_eq!(notes(&one), notes(&all));
            assert!(notes(&all).contains(&0) && notes(&all).iter().any(|n| *n > 0));
        }
    }

    #[test]
    fn it_says_which_records_changed_while_they_are_few() {
        let mut kinds = Kinds::default();
        for n in [2, 5, 9] {
            kinds.put("key", id(n));
        }
        let (_, before) = kinds.of("key");
        assert_eq!(kinds.since("key", before), Some(Vec::new()));
        kinds.put("key", id(7));
        kinds.put("mandate", id(20));
        kinds.remove(id(2));
        kinds.put("key", id(7));
        assert_eq!(kinds.since("key", before), Some(vec![id(2), id(7)]));
        // One that becomes another kind is gone from this one.
        kinds.put("mandate", id(9));
        assert_eq!(kinds.since("key", before), Some(vec![id(2), id(7), id(9)]));
        assert_eq!(kinds.since("key", before + 100), None);
        assert_eq!(kinds.since("nothing", 0), None);
        for _ in 0..RECENT {
            kinds.put("key", id(5));
        }
        assert_eq!(kinds.since("key", before), None);
        // A commit of many says which too, until they are more than it keeps.
        let wide = |n: usize| Id(u128::try_from(n).unwrap_or_default().to_be_bytes());
        let many = |count: usize| -> Vec<(Id, Option<String>)> {
            let all = (0..count).map(|n| (wide(n), Some("key".to_owned())));
            all.collect()
        };
        let (_, before) = kinds.of("key");
        kinds.change(many(MANY));
        kinds.change(many(MANY + 20));
        let since = kinds.since("key", before).unwrap_or_default();
        assert_eq!(since.len(), MANY + 20);
        assert_eq!(since.last(), Some(&wide(MANY + 19)));
        kinds.change(many(RECENT + 1));
        assert_eq!(kinds.since("key", before), None);
    }

    #[test]
    fn a_note_goes_with_its_record_and_ends_when_that_changes() {
        let mut kinds = Kinds::default();
        for n in [2, 5, 9] {
            kinds.put("key", id(n));
        }
        for (id, note) in kinds.noted("key") {
            note.store(u64::from(id.0[0]), Ordering::Relaxed);
        }
        let notes = |kinds: &Kinds| -> Vec<(u8, u64)> {
            let all = kinds.noted("key");
            all.map(|(id, note)| (id.0[0], note.load(Ordering::Relaxed)))
                .collect()
        };
        kinds.put("key", id(3));
        assert_eq!(notes(&kinds), [(2, 2), (3, 0), (5, 5), (9, 9)]);
        kinds.put("key", id(5));
        kinds.remove(id(2));
        assert_eq!(notes(&kinds), [(3, 0), (5, 0), (9, 9)]);
        assert_eq!(kinds.noted("nothing").count(), 0);
    }
}
