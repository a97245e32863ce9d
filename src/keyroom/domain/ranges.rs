//! Numbers as ranges: forms of a reel, cards of a batch. A batch of ten
//! thousand cards, all of which wait, is one range.

use serde::{Deserialize, Serialize};

/// A set of numbers, kept as ranges in order that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ranges(Vec<(u64, u64)>);

/// Why a set does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Last before first.
    #[error("{0} to {1} runs backwards")]
    Backwards(u64, u64),
    /// Some of them are there already.
    #[error("some of {0} to {1} are here already")]
    There(u64, u64),
    /// Some of them are not there.
    #[error("not all of {0} to {1} are here")]
    Missing(u64, u64),
}

impl Ranges {
    /// The numbers from `first` to `last`, both included; none where `last` is
    /// smaller.
    #[must_use]
    pub fn of(first: u64, last: u64) -> Self {
        match first <= last {
            true => Self(vec![(first, last)]),
            false => Self::default(),
        }
    }

    /// How many numbers.
    #[must_use]
    pub fn count(&self) -> u64 {
        let each = self
            .0
            .iter()
            .map(|(a, b)| b.saturating_sub(*a).saturating_add(1));
        each.fold(0, u64::saturating_add)
    }

    /// TRUE for no number at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, in order.
    #[must_use]
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// Each number, in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().flat_map(|(a, b)| *a..=*b)
    }

    /// TRUE when it has this number.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        let at = self.0.partition_point(|(_, b)| *b < number);
        self.0.get(at).is_some_and(|(a, _)| *a <= number)
    }

    /// TRUE when it has any of these.
    #[must_use]
    pub fn meets(&self, first: u64, last: u64) -> bool {
        let at = self.0.partition_point(|(_, b)| *b < first);
        first <= last && self.0.get(at).is_some_and(|(a, _)| *a <= last)
    }

    /// Adds numbers, none of which is there.
    ///
    /// # Errors
    /// [`RangeError`]
    pub fn insert(&mut self, first: u64, last: u64) -> Result<(), RangeError> {
        if last < first {
            return Err(RangeError::Backwards(first, last));
        }
        if self.meets(first, last) {
            return Err(RangeError::There(first, last));
        }
        let mut at = self.0.partition_point(|(_, b)| *b < first);
        let (mut first, mut last) = (first, last);
        // The neighbours that it touches become one range with it.
        let before = at.checked_sub(1).and_then(|k| Some((k, *self.0.get(k)?)));
        if let Some((k, (a, b))) = before
            && b.checked_add(1) == Some(first)
        {
            self.0.remove(k);
            (first, at) = (a, k);
        }
        if let Some((a, b)) = self.0.get(at).copied()
            && last.checked_add(1) == Some(a)
        {
            self.0.remove(at);
            last = b;
        }
        self.0.insert(at, (first, last));
        Ok(())
    }

    /// Takes numbers out, all of which are there.
    ///
    /// # Errors
    /// [`RangeError`]
    pub fn remove(&mut self, first: u64, last: u64) -> Result<(), RangeError> {
        if last < first {
            return Err(RangeError::Backwards(first, last));
        }
        let at = self.0.partition_point(|(_, b)| *b < first);
        let held = self.0.get(at).copied();
        let Some((a, b)) = held.filter(|(a, b)| *a <= first && last <= *b) else {
            return Err(RangeError::Missing(first, last));
        };
        let rest = [
            (a < first).then(|| (a, first.saturating_sub(1))),
            (last < b).then(|| (last.saturating_add(1), b)),
        ];
        self.0.splice(at..=at, rest.into_iter().flatten());
        Ok(())
    }

    /// The first `count` numbers, or as many as there are.
    #[must_use]
    pub fn first(&self, count: usize) -> Vec<u64> {
        self.iter().take(count).collect()
    }

    /// What people type: `1001 to 1200, 1300`, in any order; hyphens and a space
    /// less are theirs. Nothing for anything else, and for a number that is
    /// there twice.
    #[must_use]
    pub fn typed(words: &str) -> Option<Self> {
        let number = |text: &str| {
            let text = text.trim();
            let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| text.parse::<u64>().ok()).flatten()
        };
        let mut all = Self::default();
        for part in words.split(',') {
            let ends = part.split_once("to").or_else(|| part.split_once('-'));
            let (first, last) = ends.unwrap_or((part, part));
            all.insert(number(first)?, number(last)?).ok()?;
        }
        Some(all)
    }

    /// `1001 to 1200, 1300`; `none`.
    #[must_use]
    pub fn words(&self) -> String {
        let each = self.0.iter().map(|(a, b)| match a == b {
            true => a.to_string(),
            false => format!("{a} to {b}"),
        });
        match self.0.is_empty() {
            true => "none".into(),
            false => each.collect::<Vec<_>>().join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_numbers_there_are_can_be_counted() {
        let all = Ranges::typed("0 to 18446744073709551615").unwrap();
        assert_eq!(all.count(), u64::MAX);
    }

    #[test]
    fn a_set_of_numbers_stays_in_few_ranges() {
        let mut set = Ranges::of(1, 10);
        set.remove(4, 5).unwrap();
        assert_eq!(set.ranges(), [(1, 3), (6, 10)]);
        assert_eq!((set.count(), set.words().as_str()), (8, "1 to 3, 6 to 10"));
        assert_eq!(set.insert(3, 4), Err(RangeError::There(3, 4)));
        assert_eq!(set.remove(3, 6), Err(RangeError::Missing(3, 6)));
        assert_eq!(set.remove(6, 3), Err(RangeError::Backwards(6, 3)));
        set.insert(4, 4).unwrap();
        set.insert(5, 5).unwrap();
        assert_eq!(set.ranges(), [(1, 10)]);
        set.insert(u64::MAX, u64::MAX).unwrap();
        assert!(set.contains(u64::MAX) && !set.contains(11));
        assert_eq!(set.first(2), [1, 2]);
        set.remove(1, 10).unwrap();
        set.remove(u64::MAX, u64::MAX).unwrap();
        assert!(set.is_empty() && set.words() == "none");
    }

    #[test]
    fn what_people_type_is_read_and_nothing_else() {
        let mut wanted = Ranges::of(102, 109);
        wanted.insert(115, 115).unwrap();
        for typed in [
            "102 to 109, 115",
            "115,102-109",
            " 0102to 105 ,106 - 109, 115",
        ] {
            assert_eq!(Ranges::typed(typed).as_ref(), Some(&wanted), "{typed}");
        }
        assert_eq!(Ranges::typed(&wanted.words()), Some(wanted));
        for wrong in [
            "",
            "none",
            "1 to",
            "to 5",
            "5 to 1",
            "1,,2",
            "1 to 5, 3",
            "-1",
            "1-2-3",
            "1 to 2 to 3",
            "1.0",
            "99999999999999999999999",
            "1;2",
            "1\n2",
        ] {
            assert_eq!(Ranges::typed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn it_is_the_set_that_it_stands_for() {
        // Against a plain set, over every short sequence of a small generator.
        let mut seed = 12345u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for _ in 0..200 {
            let (mut set, mut plain) = (Ranges::default(), std::collections::BTreeSet::new());
            for _ in 0..40 {
                let (a, b) = (next(30), next(30));
                let all: Vec<u64> = (a..=b).collect();
                if next(2) == 0 {
                    let free = a <= b && all.iter().all(|n| !plain.contains(n));
                    assert_eq!(set.insert(a, b).is_ok(), free);
                    plain.extend(all.iter().filter(|_| free));
                } else {
                    let held = a <= b && all.iter().all(|n| plain.contains(n));
                    assert_eq!(set.remove(a, b).is_ok(), held);
                    plain.retain(|n| !held || !all.contains(n));
                }
                assert!(set.iter().eq(plain.iter().copied()));
                assert_eq!(set.count(), plain.len() as u64);
                let apart = set.ranges().windows(2).all(|w| w[0].1 + 1 < w[1].0);
                assert!(apart, "{set:?}");
                assert!((0..31).all(|n| set.contains(n) == plain.contains(&n)));
                let meets = all.iter().any(|n| plain.contains(n));
                assert_eq!(set.meets(a, b), meets);
            }
        }
    }
}
