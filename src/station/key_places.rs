//! Which text of a column each row has: in two bytes a row where the texts are
//! few, as they are but in the strangest of repositories.

use std::mem::{size_of, take};

/// Places among a column's texts, a row after another.
#[derive(Clone)]
pub(crate) enum Places {
    /// No text stands beyond 65,535.
    Narrow(Vec<u16>),
    /// Any number of texts.
    Wide(Vec<u32>),
}

impl Default for Places {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl Places {
    /// Of one more row.
    pub fn push(&mut self, place: u32) {
        match (self, u16::try_from(place)) {
            (Self::Narrow(rows), Ok(place)) => rows.push(place),
            (Self::Wide(rows), _) => rows.push(place),
            (narrow, Err(_)) => {
                let mut wide: Vec<u32> = narrow.iter().collect();
                wide.push(place);
                *narrow = Self::Wide(wide);
            }
        }
    }

    /// Of the row at this place.
    pub fn get(&self, at: usize) -> Option<usize> {
        match self {
            Self::Narrow(rows) => rows.get(at).map(|place| usize::from(*place)),
            Self::Wide(rows) => rows.get(at).map(|place| *place as usize),
        }
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Narrow(rows) => rows.len(),
            Self::Wide(rows) => rows.len(),
        }
    }

    /// Of all rows.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.len()).filter_map(|at| self.get(at).and_then(|place| u32::try_from(place).ok()))
    }

    /// These rows only, in this order.
    pub fn put_in_order(&mut self, order: &[u32]) {
        fn ordered<T: Copy>(rows: &[T], order: &[u32]) -> Vec<T> {
            let row = |at: &u32| rows.get(*at as usize).copied();
            order.iter().filter_map(row).collect()
        }
        *self = match take(self) {
            Self::Narrow(rows) => Self::Narrow(ordered(&rows, order)),
            Self::Wide(rows) => Self::Wide(ordered(&rows, order)),
        };
    }

    /// Gives back what is not used.
    pub fn shrink(&mut self) {
        match self {
            Self::Narrow(rows) => rows.shrink_to_fit(),
            Self::Wide(rows) => rows.shrink_to_fit(),
        }
    }

    /// What it takes in memory.
    pub fn size_in_bytes(&self) -> usize {
        match self {
            Self::Narrow(rows) => rows.capacity() * size_of::<u16>(),
            Self::Wide(rows) => rows.capacity() * size_of::<u32>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_texts_than_two_bytes_count_are_told_apart() {
        let mut places = Places::default();
        let all = [3, 65_535, 65_536, 70_001, 3];
        for (many, place) in all.into_iter().enumerate() {
            assert_eq!(places.len(), many);
            places.push(place);
        }
        assert_eq!(places.iter().collect::<Vec<_>>(), all);
        assert_eq!(places.get(3), Some(70_001));
        assert_eq!(places.get(5), None);
        places.put_in_order(&[3, 0, 1, 9]);
        assert_eq!(places.iter().collect::<Vec<_>>(), [70_001, 3, 65_535]);
        let mut few = Places::default();
        few.push(7);
        few.push(8);
        few.put_in_order(&[1]);
        few.shrink();
        assert_eq!(few.iter().collect::<Vec<_>>(), [8]);
        assert_eq!(few.size_in_bytes(), 2);
    }
}
