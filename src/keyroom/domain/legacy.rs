//! Keys outside key blocks, or in deprecated ones (TR-31 A and C): PCI PIN requirement
//! 18-3 allows them as a recorded exception only. Whoever approves reads why, and
//! until when (R19).

use serde::{Deserialize, Serialize};

/// The longest reason, in characters.
pub const REASON_MAX: usize = 120;
/// The longest exception, in days; then a new one is signed.
pub const EXCEPTION_DAYS_MOST: u64 = 365;
const DAY_MS: u64 = 86_400_000;

/// Why a key is outside a key block, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct LegacyException {
    /// The reason, as the signers read it.
    pub reason: String,
    /// Its end, wall clock; 0 in what was signed before exceptions had one.
    pub until_ms: u64,
}

/// As records have it: with its end, or as it was before exceptions had one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Reason(String),
    Whole { reason: String, until_ms: u64 },
}

impl From<Written> for LegacyException {
    fn from(written: Written) -> Self {
        match written {
            Written::Reason(reason) => Self {
                reason,
                until_ms: 0,
            },
            Written::Whole { reason, until_ms } => Self { reason, until_ms },
        }
    }
}

impl LegacyException {
    /// One that ends so many days from now.
    #[must_use]
    pub fn lasting(reason: String, days: u64, now_ms: u64) -> Self {
        Self {
            reason,
            until_ms: now_ms.saturating_add(days.saturating_mul(DAY_MS)),
        }
    }

    /// It has not ended, and its end is in sight.
    ///
    /// # Errors
    /// A rule in words.
    pub fn holds(&self, now_ms: u64) -> Result<(), String> {
        if self.until_ms <= now_ms {
            return Err("the exception to PCI PIN 18-3 is over".into());
        }
        if self.until_ms - now_ms > EXCEPTION_DAYS_MOST * DAY_MS {
            return Err(format!(
                "an exception to PCI PIN 18-3 lasts at most {EXCEPTION_DAYS_MOST} days"
            ));
        }
        Ok(())
    }
}

/// A reason that a screen and a page can print.
///
/// # Errors
/// A rule in words.
pub fn check_reason(reason: &str) -> Result<(), String> {
    let long = reason.chars().count();
    if (3..=REASON_MAX).contains(&long)
        && reason.trim() == reason
        && !reason.chars().any(char::is_control)
    {
        return Ok(());
    }
    Err(format!(
        "the reason of an exception has 3 to {REASON_MAX} printable characters"
    ))
}

/// An exception is there where it is needed, and says something. Whether it has ended,
/// [`LegacyException::holds`] says.
///
/// # Errors
/// A rule in words.
pub fn check_exception(needed: bool, exception: Option<&LegacyException>) -> Result<(), String> {
    match (needed, exception) {
        (false, None) => Ok(()),
        (false, Some(_)) => Err("a key block needs no exception".into()),
        (true, None) => Err(
            "a key outside a key block, or in one of TR-31 A or C, is an exception to PCI PIN \
             18-3: its reason is missing"
                .into(),
        ),
        (true, Some(exception)) => check_reason(&exception.reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_evidence::cbor;

    fn why(reason: &str) -> LegacyException {
        LegacyException::lasting(reason.into(), 90, 0)
    }

    #[test]
    fn an_exception_is_there_exactly_where_it_is_needed() {
        assert!(check_exception(false, None).is_ok());
        assert!(check_exception(true, None).is_err());
        assert!(check_exception(false, Some(&why("just in case"))).is_err());
        assert!(check_exception(true, Some(&why("the partner's HSM has no key blocks"))).is_ok());
        for reason in ["", " x ", "two\nlines", &"x".repeat(REASON_MAX + 1)] {
            assert!(
                check_exception(true, Some(&why(reason))).is_err(),
                "{reason:?}"
            );
        }
    }

    #[test]
    fn it_ends_at_its_day_and_no_later_than_in_a_year() {
        let exception = why("their HSM has no key blocks");
        assert_eq!(exception.holds(90 * DAY_MS - 1), Ok(()));
        assert!(exception.holds(90 * DAY_MS).is_err());
        let long = LegacyException::lasting("why".into(), EXCEPTION_DAYS_MOST, 1);
        assert_eq!(long.holds(1), Ok(()));
        assert!(long.holds(0).is_err(), "a year and a millisecond");
    }

    #[test]
    fn what_was_signed_before_exceptions_ended_is_read_and_does_not_hold() {
        let old = cbor::to_vec(&"no key blocks there").unwrap();
        let read: LegacyException = cbor::from_slice(&old).unwrap();
        assert_eq!(read.reason, "no key blocks there");
        assert!(read.holds(1).is_err());
        let new = why("no key blocks there");
        let read: LegacyException = cbor::from_slice(&cbor::to_vec(&new).unwrap()).unwrap();
        assert_eq!(read, new);
    }
}
