//! What is told of a file's faults. What anybody sees who has the file has its
//! place. What only the PINs in its blocks say is no place for questions: a file
//! with one block that does not open has one answer, which never says which block,
//! nor how many, so that a file is one question however many cards it has.

use super::fault::{Fault, Wrong};
use super::rows::MOST_FAULTS;

/// Faults as they are found, up to a number.
#[derive(Default)]
pub(super) struct Findings {
    /// To be seen in the file.
    open: Vec<Fault>,
    /// Known from PINs in its blocks.
    of_pins: Vec<Fault>,
    /// A block does not open: under this key.
    unopened: Option<String>,
}

impl Findings {
    /// One more.
    pub(super) fn push(&mut self, fault: Fault) {
        let list = match &fault.what {
            Wrong::Unopened(key) => {
                self.unopened = Some(key.clone());
                return;
            }
            what if what.tells_of_pin() => &mut self.of_pins,
            _ => &mut self.open,
        };
        if list.len() < MOST_FAULTS {
            list.push(fault);
        }
    }

    /// One more, unless there is one in its place.
    pub(super) fn push_once(&mut self, fault: Fault) {
        let place = |one: &Fault| (one.line, one.column, one.field);
        let mut there = self.open.iter().chain(&self.of_pins);
        if !there.any(|one| place(one) == place(&fault)) {
            self.push(fault);
        }
    }

    /// One more, unless it was found before.
    pub(super) fn push_new(&mut self, fault: Fault) {
        let mut there = self.open.iter().chain(&self.of_pins);
        if !there.any(|one| *one == fault) {
            self.push(fault);
        }
    }

    /// So many can be seen that nothing more is looked for.
    pub(super) fn are_enough(&self) -> bool {
        self.open.len() >= MOST_FAULTS
    }

    /// Nothing is wrong.
    pub(super) fn are_none(&self) -> bool {
        self.open.is_empty() && self.of_pins.is_empty() && self.unopened.is_none()
    }

    /// What is told. Where a block does not open, or not each was tried, nothing of
    /// the PINs in the others: it would say which of them opened.
    pub(super) fn told(self) -> Vec<Fault> {
        let all_were_tried = !self.are_enough();
        let mut told = Vec::new();
        match self.unopened {
            Some(key) => {
                told.push(Fault {
                    line: 0,
                    column: 0,
                    field: None,
                    what: Wrong::Unopened(key),
                });
                told.extend(self.open);
            }
            None => {
                told.extend(self.open);
                told.extend(self.of_pins.into_iter().filter(|_| all_were_tried));
            }
        }
        told.truncate(MOST_FAULTS);
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: usize, what: Wrong) -> Fault {
        Fault {
            line,
            column: 9,
            field: None,
            what,
        }
    }

    fn lines(faults: &[Fault]) -> Vec<usize> {
        faults.iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn one_block_that_does_not_open_hides_what_the_others_say() {
        let mut found = Findings::default();
        found.push(fault(2, Wrong::PinLength));
        found.push(fault(3, Wrong::Luhn));
        for line in 4..9 {
            found.push(fault(line, Wrong::Unopened("K".into())));
        }
        found.push(fault(9, Wrong::SamePinAs(2)));
        assert!(!found.are_none());
        let told = found.told();
        assert_eq!(lines(&told), [0, 3]);
        assert_eq!(told[0].what, Wrong::Unopened("K".into()));
    }

    /// Fifty faults that can be seen end the looking: a block behind them may not open.
    #[test]
    fn what_pins_say_is_told_where_each_block_was_tried() {
        let mut found = Findings::default();
        found.push(fault(1, Wrong::PinWide(4)));
        for line in 2..=MOST_FAULTS {
            found.push(fault(line, Wrong::Luhn));
        }
        assert!(!found.are_enough());
        found.push(fault(MOST_FAULTS + 1, Wrong::Luhn));
        found.push(fault(MOST_FAULTS + 2, Wrong::Luhn));
        assert!(found.are_enough());
        let told = found.told();
        assert_eq!(told.len(), MOST_FAULTS);
        assert!(told.iter().all(|one| one.what == Wrong::Luhn));

        let mut found = Findings::default();
        for line in 1..=MOST_FAULTS + 9 {
            found.push(fault(line, Wrong::PinLength));
        }
        found.push_once(fault(3, Wrong::Luhn));
        assert!(!found.are_enough(), "the next block is tried all the same");
        assert_eq!(found.told().len(), MOST_FAULTS);
    }
}
