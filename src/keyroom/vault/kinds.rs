//! Which records of a compartment are of which kind: in memory only, from the
//! records' clear headers, so that a few of one kind are found among a million
//! of another.

use std::collections::BTreeMap;

use conclave_evidence::Id;

/// Ids by kind, each kind's in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kinds(BTreeMap<String, Vec<Id>>);

impl Kinds {
    /// A record is there, new or changed.
    pub fn put(&mut self, kind: &str, id: Id) {
        let there = self.0.get(kind).map(|ids| ids.binary_search(&id));
        let at = match there {
            Some(Ok(_)) => return,
            Some(Err(at)) => at,
            None => 0,
        };
        self.remove(id);
        self.0.entry(kind.to_owned()).or_default().insert(at, id);
    }

    /// A record is gone.
    pub fn remove(&mut self, id: Id) {
        for ids in self.0.values_mut() {
            if let Ok(at) = ids.binary_search(&id) {
                ids.remove(at);
            }
        }
    }

    /// The records of a kind.
    pub fn of(&self, kind: &str) -> &[Id] {
        self.0.get(kind).map_or(&[], Vec::as_slice)
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
        assert_eq!(kinds.of("key"), [id(1), id(2), id(5), id(9)]);
        kinds.put("mandate", id(5));
        assert_eq!(kinds.of("key"), [id(1), id(2), id(9)]);
        assert_eq!(kinds.of("mandate"), [id(5)]);
        kinds.put("key", id(5));
        assert_eq!(kinds.of("key"), [id(1), id(2), id(5), id(9)]);
        assert!(kinds.of("mandate").is_empty());
        kinds.put("mandate", id(12));
        kinds.put("key", id(12));
        assert!(kinds.of("mandate").is_empty());
        kinds.remove(id(12));
        kinds.remove(id(9));
        kinds.remove(id(7));
        assert_eq!(kinds.of("key"), [id(1), id(2), id(5)]);
        assert!(kinds.of("nothing").is_empty());
    }
}
