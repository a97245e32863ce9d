//! A value that a key of the station has already: a value has one label and one
//! purpose (R20). Whoever brings it once more, as a migration has to, signs why.

use super::legacy::check_reason;

/// Where a reason was given, it says something.
///
/// # Errors
/// A rule in words.
pub fn check_known_value(reason: Option<&str>) -> Result<(), String> {
    reason.map_or(Ok(()), check_reason)
}

/// What approvers read and minutes say.
#[must_use]
pub fn known_value_words(reason: &str) -> String {
    format!("EXCEPTION to one value, one key (R20), where a key of the station has it: {reason}")
}
