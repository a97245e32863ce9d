//! Which records of a compartment are of which kind: in memory only, from the
//! records' clear headers, so that a few of one kind are found among a million
//! of another; and of each record a note, once somebody has read it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use conclave_evidence::Id;

/// Ids by kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kinds(BTreeMap<String, Kind>);

#[derive(Debug, Default)]
struct Kind {
    /// In order.
    ids: Vec<Id>,
    /// What is noted of each; 0 where nothing is.
    notes: Vec<AtomicU64>,
    changes: u64,
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
        kind.changes += 1;
        match kind.ids.binary_search(&id) {
            Err(at) => {
                kind.ids.insert(at, id);
                kind.notes.insert(at, AtomicU64::new(0));
            }
            // It says something else now.
            Ok(at) => {
                if let Some(note) = kind.notes.get(at) {
                    note.store(0, Ordering::Relaxed);
                }
            }
        }
    }

    /// A record is gone.
    pub fn remove(&mut self, id: Id) {
        for kind in self.0.values_mut() {
            if let Ok(at) = kind.ids.binary_search(&id) {
                kind.ids.remove(at);
                kind.notes.remove(at);
                kind.changes += 1;
            }
        }
    }

    /// The records of a kind, and a number that changes with them.
    pub fn of(&self, kind: &str) -> (&[Id], u64) {
        self.0
            .get(kind)
            .map_or((&[], 0), |kind| (kind.ids.as_slice(), kind.changes))
    }

    /// What is noted of one record.
    pub fn note(&self, kind: &str, id: Id) -> Option<&AtomicU64> {
        let kind = self.0.get(kind)?;
        let at = kind.ids.binary_search(&id).ok()?;
        kind.notes.get(at)
    }

    /// The records of a kind, each with what is noted of it.
    pub fn noted(&self, kind: &str) -> impl Iterator<Item = (Id, &AtomicU64)> {
        let kind = self.0.get(kind);
        kind.into_iter()
            .flat_map(|kind| kind.ids.iter().copied().zip(&kind.notes))
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
