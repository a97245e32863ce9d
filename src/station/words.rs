//! How times and lists read, for every screen and page.

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

/// Year, month, day of a day since 1970-01-01 (the proleptic Gregorian
/// calendar, counted in eras of 400 years that begin on 1 March).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

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
