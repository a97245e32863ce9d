//! Rows that pass a filter, found a slice at a time: a key stroke never waits
//! for a million rows.
//!
//! A further letter looks only at what passed before and at what was not looked
//! at yet. Both lie in one list: what passed so far at its front, what passed
//! an earlier filter behind it, and the rows after those were never looked at.

/// Which rows of a list are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sieve {
    /// How many rows the list has.
    all: usize,
    /// `None`: no filter, and no list of a million numbers.
    found: Option<Found>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct Found {
    /// Ascending: `kept` rows that pass, a gap, and from `read` on rows that
    /// passed an earlier filter.
    rows: Vec<u32>,
    kept: usize,
    read: usize,
    /// The first row that was never looked at.
    next: u32,
}

fn number(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}

impl Sieve {
    /// Every row of a list of this length.
    #[must_use]
    pub fn all(all: usize) -> Self {
        Self { all, found: None }
    }

    /// Looks for rows among all of a list of this length, from its first on.
    pub fn restart(&mut self, all: usize) {
        *self = Self {
            all,
            found: Some(Found::default()),
        };
    }

    /// Goes on with a filter that lets nothing pass that the one before did
    /// not.
    pub fn narrow(&mut self) {
        let found = self.found.get_or_insert_default();
        found.rows.drain(found.kept..found.read);
        (found.kept, found.read) = (0, 0);
    }

    /// Whether every row was looked at.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.found
            .as_ref()
            .is_none_or(|found| found.read == found.rows.len() && found.next >= number(self.all))
    }

    /// Looks at this many rows.
    pub fn look(&mut self, many: usize, passes: impl Fn(usize) -> bool) {
        let Some(found) = &mut self.found else {
            return;
        };
        let again = many.min(found.rows.len() - found.read);
        for at in found.read..found.read + again {
            if let Some(row) = found.rows.get(at).copied()
                && passes(row as usize)
            {
                if let Some(slot) = found.rows.get_mut(found.kept) {
                    *slot = row;
                }
                found.kept += 1;
            }
        }
        found.read += again;
        if found.read < found.rows.len() {
            return;
        }
        found.rows.truncate(found.kept);
        let until = number(self.all).min(found.next.saturating_add(number(many - again)));
        let rows = found.next..until;
        found.rows.extend(rows.filter(|row| passes(*row as usize)));
        found.next = until;
        found.kept = found.rows.len();
        found.read = found.kept;
    }

    fn kept(&self) -> Option<&[u32]> {
        let found = self.found.as_ref()?;
        Some(found.rows.get(..found.kept).unwrap_or_default())
    }

    /// How many passed so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept().map_or(self.all, <[u32]>::len)
    }

    /// The row at this place among those that passed.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<usize> {
        match self.kept() {
            None => (at < self.all).then_some(at),
            Some(kept) => kept.get(at).map(|row| *row as usize),
        }
    }

    /// The place of a row among those that passed so far.
    #[must_use]
    pub fn place(&self, row: usize) -> Option<usize> {
        match self.kept() {
            None => (row < self.all).then_some(row),
            Some(kept) => kept.binary_search(&number(row)).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(sieve: &Sieve) -> Vec<usize> {
        (0..sieve.len()).filter_map(|at| sieve.get(at)).collect()
    }

    #[test]
    fn without_a_filter_every_row_is_there() {
        let sieve = Sieve::all(3);
        assert!(sieve.is_done());
        assert_eq!(rows(&sieve), [0, 1, 2]);
        assert_eq!((sieve.place(2), sieve.place(3)), (Some(2), None));
    }

    #[test]
    fn an_empty_list_is_looked_through_at_once() {
        let mut sieve = Sieve::all(9);
        sieve.restart(0);
        assert!(sieve.is_done() && sieve.len() == 0);
    }

    proptest! {
        /// Whenever the next letter comes, and however long the slices are, what
        /// passes in the end is what passes every filter.
        #[test]
        fn narrowed_in_the_middle_nothing_is_lost(
            all in 0usize..300,
            steps in prop::collection::vec((1usize..8, 0usize..6, 1usize..60), 1..6),
        ) {
            let mut sieve = Sieve::all(all);
            let mut divisors: Vec<usize> = Vec::new();
            let pass = |divisors: &[usize], row: usize| divisors.iter().all(|d| row.is_multiple_of(*d));
            for (divisor, slices, long) in steps {
                if divisors.is_empty() {
                    sieve.restart(all);
                } else {
                    sieve.narrow();
                }
                divisors.push(divisor);
                for _ in 0..slices {
                    sieve.look(long, |row| pass(&divisors, row));
                    let so_far = rows(&sieve);
                    prop_assert!(so_far.is_sorted());
                    prop_assert!(so_far.iter().all(|row| pass(&divisors, *row)));
                }
            }
            while !sieve.is_done() {
                sieve.look(7, |row| pass(&divisors, row));
            }
            let wanted: Vec<usize> = (0..all).filter(|row| pass(&divisors, *row)).collect();
            prop_assert_eq!(rows(&sieve), wanted);
        }
    }
}
