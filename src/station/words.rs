//! How times and lists read, for every screen and page.

use conclave_evidence::calendar::civil;

/// `24 Nov 2026 09:14`, UTC.
#[must_use]
pub fn date_time(wall_ms: u64) -> String {
    let (date, seconds) = split(wall_ms);
    format!("{date} {:02}:{:02}", seconds / 3600, seconds / 60 % 60)
}

/// `24 Nov 2026`, UTC.
#[must_use]
pub fn date(wall_ms: u64) -> String {
    split(wall_ms).0
}

/// Words as they stand at the top of a screen: `Open a batch`.
#[must_use]
pub fn heading(words: &str) -> String {
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// `09:14:41`, UTC.
#[must_use]
pub fn clock(wall_ms: u64) -> String {
    let (_, seconds) = split(wall_ms);
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn split(wall_ms: u64) -> (String, u64) {
    let seconds = wall_ms / 1000;
    let (year, month, day) = civil(seconds / 86_400);
    let month = MONTHS[(month as usize + 11) % 12];
    (format!("{day:02} {month} {year}"), seconds % 86_400)
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `A, B and C`.
#[must_use]
pub fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// `A, B or C`: fewer than all of them will do.
#[must_use]
pub fn either(names: &[String]) -> String {
    match names {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => list(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_over_leap_days_and_centuries() {
        for (seconds, text) in [
            (0u64, "01 Jan 1970 00:00"),
            (951_782_400, "29 Feb 2000 00:00"),
            (951_868_799, "29 Feb 2000 23:59"),
            (1_795_511_640, "24 Nov 2026 09:14"),
            (4_107_542_400, "01 Mar 2100 00:00"),
        ] {
            assert_eq!(date_time(seconds * 1000), text);
        }
    }
}
