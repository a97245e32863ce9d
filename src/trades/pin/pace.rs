//! How many mailers are about to be printed at one time. After a power cut all
//! of a window are unknown, so it is small; each costs flushes of the journal,
//! so a printer that takes its mailers faster gets larger ones. What a window
//! may cost is bounded in time: half a second of printing.

use crate::print::Page;

/// As long as a window may take, in milliseconds.
const WINDOW_MS: u64 = 500;

/// Mailers of the largest window.
const MOST: u16 = 64;

/// The windows of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    least: u16,
    now: u16,
}

impl Pace {
    /// For a run that begins on paper of this kind. An impact printer takes a
    /// form at a time; a page printer takes many sheets before the first is out.
    #[must_use]
    pub fn of(page: Page) -> Self {
        let least = match page {
            Page::Continuous => 4,
            Page::A4 | Page::Letter => 16,
        };
        Self { least, now: least }
    }

    /// Mailers of the next window.
    #[must_use]
    pub fn window(self) -> u16 {
        self.now
    }

    /// A window went out whole, in so many milliseconds with its journal.
    pub fn took(&mut self, ms: u64) {
        self.now = match ms {
            ms if ms.saturating_mul(2) <= WINDOW_MS => self.now.saturating_mul(2).min(MOST),
            ms if ms > WINDOW_MS => (self.now / 2).max(self.least),
            _ => self.now,
        };
    }

    /// A window did not: the next is as small as the first.
    pub fn stopped(&mut self) {
        self.now = self.least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_half_a_second_of_printing() {
        let mut pace = Pace::of(Page::Continuous);
        // A form a second: the smallest windows.
        for _ in 0..5 {
            assert_eq!(pace.window(), 4);
            pace.took(4000);
        }
        // A printer that never waits: a window costs what its journal does.
        let windows: Vec<u16> = (0..6)
            .map(|_| {
                let window = pace.window();
                pace.took(25);
                window
            })
            .collect();
        assert_eq!(windows, [4, 8, 16, 32, 64, 64]);
        // Its memory is full, and it prints at its own speed.
        pace.took(20_000);
        assert_eq!(pace.window(), 32);
        pace.took(400);
        assert_eq!(pace.window(), 32);
        pace.stopped();
        assert_eq!(pace.window(), 4);
        assert_eq!(Pace::of(Page::A4).window(), 16);
    }
}
