//! Keys outside key blocks, or in deprecated ones (TR-31 A and C): PCI PIN requirement
//! 18-3 allows them as a recorded exception only. Whoever approves reads why.

/// The longest reason, in characters.
pub const REASON_MAX: usize = 120;

/// An exception is there where it is needed, and says something that a screen
/// and a page can print.
///
/// # Errors
/// A rule in words.
pub fn check_exception(needed: bool, reason: Option<&str>) -> Result<(), String> {
    match (needed, reason) {
        (false, None) => Ok(()),
        (false, Some(_)) => Err("a key block needs no exception".into()),
        (true, None) => Err(
            "a key outside a key block, or in one of TR-31 A or C, is an exception to PCI PIN \
             18-3: its reason is missing"
                .into(),
        ),
        (true, Some(reason)) => {
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
    }
}

/// What approvers read and minutes say.
#[must_use]
pub fn exception_words(reason: &str) -> String {
    format!("EXCEPTION to PCI PIN 18-3, key blocks: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_is_there_exactly_where_it_is_needed() {
        assert!(check_exception(false, None).is_ok());
        assert!(check_exception(true, Some("the partner's HSM has no key blocks")).is_ok());
        for (needed, reason) in [
            (true, None),
            (false, Some("just in case")),
            (true, Some("")),
            (true, Some(" x ")),
            (true, Some("two\nlines")),
        ] {
            assert!(check_exception(needed, reason).is_err(), "{reason:?}");
        }
        assert!(check_exception(true, Some(&"x".repeat(REASON_MAX + 1))).is_err());
    }
}
