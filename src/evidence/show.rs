//! Evidence as text: times, and names that cannot deceive a terminal.

use ciborium::Value;

use crate::calendar::civil;

/// Text from evidence, with control characters and those that change the
/// direction of writing made visible.
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            let turns = matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
            if c.is_control() || turns {
                c.escape_unicode().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// A wall clock time in UTC: `2026-03-01 09:30:00 UTC`.
#[must_use]
pub fn utc(ms: u64) -> String {
    let seconds = ms / 1000;
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// CBOR as text, after the diagnostic notation of RFC 8949 section 8.
#[must_use]
pub fn diagnostic(bytes: &[u8]) -> String {
    match crate::cbor::from_slice::<Value>(bytes) {
        Ok(value) => write(&value),
        Err(_) => format!("h'{}'", hex(bytes)),
    }
}

/// Hex digits, in capitals.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn write(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match value {
        Value::Integer(number) => i128::from(*number).to_string(),
        Value::Bytes(bytes) => format!("h'{}'", hex(bytes)),
        Value::Text(text) => format!("{:?}", clean(text)),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".into(),
        Value::Array(items) => format!("[{}]", list(items.iter().map(write).collect())),
        Value::Map(pairs) => format!(
            "{{{}}}",
            list(
                pairs
                    .iter()
                    .map(|(key, value)| format!("{}: {}", write(key), write(value)))
                    .collect()
            )
        ),
        _ => "?".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against `date -u -d @…`.
    #[test]
    fn times_as_the_system_writes_them() {
        for (ms, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_827_696_000, "2000-02-29 12:34:56 UTC"),
            (951_868_800_999, "2000-03-01 00:00:00 UTC"),
            (1_772_357_400_000, "2026-03-01 09:30:00 UTC"),
            (4_107_542_399_000, "2100-02-28 23:59:59 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(ms), text);
        }
        assert!(utc(u64::MAX).ends_with("UTC"));
    }

    #[test]
    fn a_terminal_is_not_deceived() {
        assert_eq!(clean("Zürich\u{1b}[2J"), "Zürich\\u{1b}[2J");
        assert_eq!(clean("a\nb\u{202e}"), "a\\u{a}b\\u{202e}");
    }
}
