//! Exceptions that an act is signed with: how they are asked for, and the tasks that
//! come before their end.

use std::collections::BTreeMap;

use conclave_keyroom::domain::key::{KeyRecord, KeyState, WrappingMethod};
use conclave_keyroom::domain::legacy::{
    EXCEPTION_DAYS_MOST, LegacyException, REASON_MAX, check_exception,
};
use conclave_keyroom::ports::dialogue::{Field, Refusal};

use crate::ceremony::begin::{optional, refused};
use crate::front::TaskRow;
use crate::lists::{EXPIRY_DAYS, days_until, due};
use crate::words;

/// What stands there: short, so that a longer one is somebody's choice.
const DAYS: &str = "90";

/// Why without a key block, and for how many days.
pub(crate) fn exception_fields() -> [Field; 2] {
    [
        optional(
            "Exception",
            "",
            "why no key block; empty for one",
            REASON_MAX,
        ),
        optional("For days", DAYS, "how long it lasts, 1 to 365", 3),
    ]
}

/// Why a value comes in once more.
pub(crate) fn known_value_field() -> Field {
    optional(
        "Known value",
        "",
        "why a value that is here comes again, if so",
        REASON_MAX,
    )
}

/// The reason that was typed, if one was.
pub(crate) fn reason_of(typed: &str) -> Option<String> {
    let typed = typed.trim();
    (!typed.is_empty()).then(|| typed.to_owned())
}

/// The exception that was typed, where this method needs one and nowhere else.
pub(crate) fn exception_of(
    method: Option<WrappingMethod>,
    (reason, days): (&str, &str),
    now_ms: u64,
) -> Result<Option<LegacyException>, Refusal> {
    let exception = match reason_of(reason) {
        None => None,
        Some(reason) => {
            let days = days.trim().parse().ok();
            let days = days.filter(|days| (1..=EXCEPTION_DAYS_MOST).contains(days));
            let days = days.ok_or_else(|| {
                refused(
                    "How many days is the exception to last?",
                    &format!("1 to {EXCEPTION_DAYS_MOST}; for longer, sign a new one then."),
                )
            })?;
            Some(LegacyException::lasting(reason, days, now_ms))
        }
    };
    let needed = method.is_some_and(WrappingMethod::is_exception);
    check_exception(needed, exception.as_ref()).map_err(|why| {
        refused(
            format!("{why}."),
            "A reason for a zone master key without key blocks; nothing for the others.",
        )
    })?;
    Ok(exception)
}

/// Where a key stands without a key block, and the exception ends soon. A key that went
/// to the same place in a key block, or under a later exception, is done with; what left
/// in a bundle that counts no more went nowhere.
pub(crate) fn exception_tasks(now_ms: u64, key: &KeyRecord) -> Vec<TaskRow> {
    if !matches!(key.state, KeyState::Active | KeyState::Suspended) {
        return Vec::new();
    }
    let mut newest: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    for export in key.delivered() {
        newest.insert(&export.recipient, export.exception_until_ms);
    }
    let ends = newest
        .into_iter()
        .filter_map(|(place, until)| Some((place, until?)));
    ends.filter_map(|(place, until_ms)| {
        let days = days_until(now_ms, until_ms);
        (days <= EXPIRY_DAYS).then(|| TaskRow {
            due: due(days, until_ms),
            days,
            what: format!("{} at {place}: the exception ends", key.label),
            who: "Key managers, Approvers".into(),
            detail: vec![
                format!(
                    "It left without a key block, as an exception until {}.",
                    words::date(until_ms)
                ),
                "Send it in a key block, replace it, or sign a new exception with its next export."
                    .into(),
            ],
            resume: None,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::custody_tasks::tests::key;
    use conclave_keyroom::domain::key::Exported;

    const DAY_MS: u64 = 86_400_000;

    fn export(recipient: &str, until_days: Option<u64>) -> Exported {
        Exported {
            bundle: 1,
            recipient: recipient.into(),
            under: "LAKE.ZMK.001".into(),
            format: "x9.17".into(),
            at_ms: 0,
            exception_until_ms: until_days.map(|days| days * DAY_MS),
            void_ms: None,
        }
    }

    #[test]
    fn an_exception_is_a_task_before_its_end_until_something_came_after_it() {
        let mut of = key(0);
        of.exports = vec![export("LAKE", Some(200)), export("HILL", Some(100))];
        assert!(exception_tasks(5 * DAY_MS, &of).is_empty());
        let soon = exception_tasks(20 * DAY_MS, &of);
        assert_eq!(soon.len(), 1);
        assert!(soon[0].what.contains("HILL"), "{}", soon[0].what);
        assert_eq!(exception_tasks(101 * DAY_MS, &of)[0].due, "overdue");
        of.exports.push(export("HILL", None));
        assert!(exception_tasks(101 * DAY_MS, &of).is_empty());
        // Its bundle counts no more: what stands there is what stood there before.
        of.exports[2].bundle = 2;
        of.void_bundle(2, 60 * DAY_MS);
        assert_eq!(exception_tasks(101 * DAY_MS, &of)[0].due, "overdue");
        of.exports.push(export("HILL", None));
        assert!(exception_tasks(101 * DAY_MS, &of).is_empty());
        of.exports.push(export("LAKE", Some(400)));
        assert!(exception_tasks(201 * DAY_MS, &of).is_empty());
        of.state = KeyState::Destroyed;
        assert!(exception_tasks(500 * DAY_MS, &of).is_empty());
    }

    #[test]
    fn days_are_wanted_with_a_reason() {
        let method = Some(WrappingMethod::X917);
        let of = |reason, days| exception_of(method, (reason, days), 0);
        assert!(of("no key blocks there", "").is_err());
        assert!(of("no key blocks there", "366").is_err());
        assert!(of("", "90").is_err());
        let made = of(" no key blocks there ", "7").unwrap().unwrap();
        assert_eq!(
            (made.reason.as_str(), made.until_ms),
            ("no key blocks there", 7 * DAY_MS)
        );
        assert_eq!(exception_of(None, ("", "90"), 0), Ok(None));
    }
}
