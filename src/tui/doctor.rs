//! The doctor's page: every check, the one at the cursor in full.

use conclave_station::doctor::Finding;
use conclave_station::front::{Administration, Request};

use super::key::Key;

/// The findings as they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ward {
    /// What was found, in the order of the checks.
    pub findings: Vec<Finding>,
    /// The cursor.
    pub at: usize,
}

/// What becomes of a key.
pub enum After {
    /// The page stays; this is asked of the station.
    Stays(Vec<Request>),
    /// Back to what stands below.
    Closes,
}

impl Ward {
    /// Fresh findings; the cursor goes to the worst, where a person looks
    /// first.
    #[must_use]
    pub fn new(findings: Vec<Finding>) -> Self {
        let worst = findings
            .iter()
            .enumerate()
            .max_by_key(|(at, f)| (f.stops_production(), f.verdict, std::cmp::Reverse(*at)));
        let at = worst.map_or(0, |(at, _)| at);
        Self { findings, at }
    }

    /// Takes a key. `open` says whether anybody is logged on.
    pub fn key(&mut self, key: Key, open: bool) -> After {
        let last = self.findings.len().saturating_sub(1);
        let administer = |act| After::Stays(vec![Request::Administer(act)]);
        match key {
            Key::Esc | Key::Enter | Key::F(3) => return After::Closes,
            Key::Up => self.at = self.at.saturating_sub(1),
            Key::Down => self.at = (self.at + 1).min(last),
            Key::Home | Key::PageUp => self.at = 0,
            Key::End | Key::PageDown => self.at = last,
            Key::F(5) => return After::Stays(vec![Request::Doctor]),
            Key::Char('a') if open => return administer(Administration::AcceptFinding),
            Key::Char('w') if open => return administer(Administration::ConfirmClock),
            _ => {}
        }
        After::Stays(Vec::new())
    }
}
