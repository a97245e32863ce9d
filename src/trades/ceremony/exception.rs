//! How an exception reads, for approvers, screens, minutes and letters.

use conclave_keyroom::domain::legacy::LegacyException;

use crate::print::day_words;

/// `EXCEPTION to PCI PIN 18-3, key blocks, until 24NOV2026: their HSM has none`.
#[must_use]
pub fn exception_words(exception: &LegacyException) -> String {
    let until = match exception.until_ms {
        // Signed before exceptions had an end.
        0 => String::new(),
        then => format!(", until {}", day_words(then)),
    };
    format!(
        "EXCEPTION to PCI PIN 18-3, key blocks{until}: {}",
        exception.reason
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_said_where_there_is_one() {
        let mut exception = LegacyException::lasting("their HSM has none".into(), 90, 0);
        let said = exception_words(&exception);
        assert!(
            said.ends_with("key blocks, until 01APR1970: their HSM has none"),
            "{said}"
        );
        exception.until_ms = 0;
        assert!(!exception_words(&exception).contains("until"));
    }
}
