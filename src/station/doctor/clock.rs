//! The wall clock against the last signed event, and its confirmation by the
//! administrators' quorum. A clock alone destroys nothing and ends nothing: it
//! keeps a PRODUCTION station closed until people have looked at another clock.

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::{Vault, VaultError};
use serde::{Deserialize, Serialize};

use super::check::{Check, Finding};
use super::exception::check_reason;
use crate::station::Station;
use crate::words::date_time;

/// What two clocks may differ by before people are asked, in milliseconds.
const TOLERANCE_MS: u64 = 60_000;
/// Longer than any station rests between two uses: 400 days.
const RESTS_MS: u64 = 400 * 86_400_000;
/// How long a confirmation may wait for its signatures.
const FRESH_MS: u64 = 15 * 60_000;
/// How many entries are looked at for the latest time. A clock that was set
/// back stays noticed for so many entries.
const LOOK_BACK: u64 = 4096;

/// What is known of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The wall clock now.
    pub wall_ms: u64,
    /// What was signed; `None` on a station without a journal.
    pub signed: Option<Signed>,
    /// By how much the wall clock has gone on more (or less) than the monotonic
    /// one since the start or the last confirmation.
    pub jump_ms: i64,
}

/// The times of the signed events since the clock was last confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The latest of them.
    pub latest_ms: u64,
    /// The first pair between which the clock ran further than any station
    /// rests.
    pub leap: Option<(u64, u64)>,
}

const ADVICE: &str = "Compare with two other clocks, set the clock right, and let the \
                      administrators confirm it: F3, then w.";

/// `3 days`, `2 h`, `5 min`: rounded down.
fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Judges the clock.
#[must_use]
pub fn judge(times: Times) -> Finding {
    let check = Check::Clock;
    let now = format!("{} UTC", date_time(times.wall_ms));
    let jump = times.jump_ms.unsigned_abs();
    if jump > TOLERANCE_MS {
        let way = if times.jump_ms < 0 { "back" } else { "ahead" };
        return Finding::red(
            check,
            format!(
                "{now}; it jumped {} {way}, or the computer slept",
                span(jump)
            ),
            ADVICE,
        );
    }
    let Some(Signed {
        latest_ms: latest,
        leap,
    }) = times.signed
    else {
        return Finding::green(check, format!("{now}; no event to compare with yet"));
    };
    let event = date_time(latest);
    if times.wall_ms < latest {
        let behind = latest - times.wall_ms;
        let found = format!(
            "{now}; {} behind the last signed event, {event}",
            span(behind)
        );
        return match behind > TOLERANCE_MS {
            true => Finding::red(check, found, ADVICE),
            false => Finding::amber(check, found, "Wait until it has caught up."),
        };
    }
    // The event that was signed just now, with whatever time, hides nothing.
    let ahead = match leap {
        None if times.wall_ms - latest > RESTS_MS => Some((latest, times.wall_ms)),
        leap => leap,
    };
    if let Some((before, after)) = ahead {
        let (gap, event) = (span(after - before), date_time(before));
        let found = format!("{now}; it went on {gap} after the signed event of {event}");
        return Finding::red(check, found, ADVICE);
    }
    Finding::green(check, format!("{now}; last signed event {event}"))
}

/// The times of the signed entries, back to the last confirmation. The newest
/// entry alone would not do: the first logon after a clock was set is itself an
/// entry with the wrong time.
///
/// # Errors
/// [`VaultError`]
pub fn signed(vault: &Vault) -> Result<Option<Signed>, VaultError> {
    let Some(head) = vault.head()? else {
        return Ok(None);
    };
    let mut latest_ms = head.wall_ms;
    let mut leap = None;
    let mut later = head.wall_ms;
    for seq in (head.seq.saturating_sub(LOOK_BACK)..=head.seq).rev() {
        let (header, _) = vault.header_at(seq)?;
        latest_ms = latest_ms.max(header.wall_ms);
        if later.saturating_sub(header.wall_ms) > RESTS_MS {
            leap = Some((header.wall_ms, later));
        }
        later = header.wall_ms;
        if header.kind == EntryKind::Outcome && header.action == ConfirmClock::NAME {
            break;
        }
    }
    Ok(Some(Signed { latest_ms, leap }))
}

/// Confirms that the clock is right as it is now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfirmClock {
    /// What it read when people compared it.
    pub wall_ms: u64,
    /// The latest signed event then.
    pub latest_ms: u64,
    /// What they compared it with, and what was wrong.
    pub reason: String,
}

impl ConfirmClock {
    /// By how much the clock differs from the last signed event, in words.
    #[must_use]
    pub fn offset(&self) -> String {
        match self.wall_ms.checked_sub(self.latest_ms) {
            Some(after) => format!("{} after the last signed event", span(after)),
            None => format!(
                "{} before the last signed event",
                span(self.latest_ms - self.wall_ms)
            ),
        }
    }
}

impl Action for ConfirmClock {
    const NAME: &'static str = "confirm-clock";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("The clock is right: {} UTC", date_time(self.wall_ms)),
            format!("{}, {} UTC", self.offset(), date_time(self.latest_ms)),
            format!("Compared: {}", self.reason),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        check_reason(&self.reason)?;
        // Whoever sets the clock between question and signatures has confirmed
        // another clock.
        if permit.now_ms().abs_diff(self.wall_ms) > FRESH_MS {
            return Err(ActionError::rule(
                "the clock was set while its confirmation was signed",
                "Compare it again, and confirm it anew.",
            ));
        }
        Ok(())
    }
}

impl Station {
    /// Where the clocks stand, to notice a jump later.
    pub(crate) fn mark_clocks(&mut self) {
        self.clocks_at = (self.clock.wall_ms(), self.clock.mono_ms());
    }

    /// What is known of time now.
    pub(crate) fn times(&self) -> Result<Times, VaultError> {
        let (wall, mono) = self.clocks_at;
        let wall_ms = self.clock.wall_ms();
        let gone = |now: u64, then: u64| i64::try_from(i128::from(now) - i128::from(then));
        let jump_ms = gone(wall_ms, wall)
            .unwrap_or(i64::MAX)
            .saturating_sub(gone(self.clock.mono_ms(), mono).unwrap_or(i64::MAX));
        let vault = self.door.vault();
        let signed = match vault.is_empty() {
            true => None,
            false => signed(vault)?,
        };
        Ok(Times {
            wall_ms,
            signed,
            jump_ms,
        })
    }

    pub(super) fn clock_finding(&self) -> Finding {
        match self.times() {
            Ok(times) => judge(times),
            Err(error) => Finding::red(
                Check::Clock,
                format!("the journal could not be read: {error}"),
                "Keep the disk as it is; call the administrators and the auditors.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    const NOW: u64 = 1_795_511_640_000;
    const DAY: u64 = 86_400_000;

    fn verdict(wall_ms: u64, jump_ms: i64) -> (Verdict, String) {
        let signed = Some(Signed {
            latest_ms: NOW,
            leap: None,
        });
        let finding = judge(Times {
            wall_ms,
            signed,
            jump_ms,
        });
        (finding.verdict, finding.found)
    }

    #[test]
    fn a_clock_is_judged_by_the_last_signed_event_and_by_its_jumps() {
        for (wall, jump, expected, words) in [
            (
                NOW + DAY,
                0,
                Verdict::Green,
                "last signed event 24 Nov 2026 09:14",
            ),
            (NOW, 59_000, Verdict::Green, "24 Nov 2026"),
            (NOW - 30_000, 0, Verdict::Amber, "30 s behind"),
            (
                NOW - 3 * DAY,
                0,
                Verdict::Red,
                "3 days behind the last signed event",
            ),
            (NOW + 401 * DAY, 0, Verdict::Red, "401 days after"),
            (NOW + DAY, 7_200_000, Verdict::Red, "jumped 2 h ahead"),
            (NOW + DAY, -600_000, Verdict::Red, "jumped 10 min back"),
        ] {
            let (verdict, found) = verdict(wall, jump);
            assert_eq!(verdict, expected, "{found}");
            assert!(found.contains(words), "{found}");
        }
    }

    #[test]
    fn extremes_are_judged_and_do_not_overflow() {
        for (wall, jump) in [(0, i64::MIN), (u64::MAX, i64::MAX), (u64::MAX, 0), (0, 0)] {
            assert_eq!(verdict(wall, jump).0, Verdict::Red);
        }
    }
}
