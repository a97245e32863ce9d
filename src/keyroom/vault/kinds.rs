//! Which records of a compartment are of which kind: in memory only, from the
//! records' clear headers, so that a few of one kind are found among a million
//! of another.

use std::collections::BTreeMap;

use conclave_evidence::Id;

/// Ids by kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kinds(BTreeMap<String, Kind>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Kind {
    /// In order.
    ids: Vec<Id>,
    changes: u64,
}

impl Kinds {
    /// A record is there, new or changed.
    pub fn put(&mut self, kind: &str, id: Id) {
        let there = self.0.get(kind).map(|kind| kind.ids.binary_search(&id));
        if !matches!(there, Some(Ok(_))) {
            self.remove(id);
        }
        let kind = self.0.entry(kind.to_owned()).or_default();
        kind.changes += 1;
        if let Err(at) = kind.ids.binary_search(&id) {
            kind.ids.insert(at, id);
        }
    }

    /// A record is gone.
    pub fn remove(&mut self, id: Id) {
        for kind in self.0.values_mut() {
            if let Ok(at) = kind.ids.binary_search(&id) {
                kind.ids.remove(at);
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
}
