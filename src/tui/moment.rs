//! Days and spans, in the words that people read.

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `24 Nov 2026 09:14 UTC` of milliseconds since 1970. The zone is said: a
/// station has one clock, and minutes are compared with other logs.
#[must_use]
pub fn stamp(wall_ms: u64) -> String {
    let minutes = wall_ms / 60_000;
    let (year, month, day) = civil(minutes / 1440);
    let name = MONTHS.get(month - 1).copied().unwrap_or("???");
    let (hour, minute) = (minutes / 60 % 24, minutes % 60);
    format!("{day:02} {name} {year} {hour:02}:{minute:02} UTC")
}

/// Year, month and day of days since 1970 (proleptic Gregorian), by counting
/// from 1 March, after Hinnant, *chrono-compatible low-level date algorithms*.
fn civil(days: u64) -> (u64, usize, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + u64::from(month <= 2);
    (year, usize::try_from(month).unwrap_or(1), day)
}

/// `9:58` of seconds.
#[must_use]
pub fn span(seconds: u64) -> String {
    if seconds >= 3600 {
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        format!("{hours}:{minutes:02}:{:02}", seconds % 60)
    } else {
        format!("{}:{:02}", seconds / 60, seconds % 60)
    }
}

/// `about 2 min left` of seconds.
#[must_use]
pub fn left(seconds: u64) -> String {
    match seconds {
        0..=1 => "a second left".to_owned(),
        2..=90 => format!("about {seconds} s left"),
        91..=5400 => format!("about {} min left", seconds.div_ceil(60)),
        _ => format!("about {} h left", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_right_at_the_edges() {
        assert_eq!(stamp(0), "01 Jan 1970 00:00 UTC");
        assert_eq!(stamp(951_782_400_000), "29 Feb 2000 00:00 UTC");
        assert_eq!(stamp(1_795_511_640_000), "24 Nov 2026 09:14 UTC");
        assert_eq!(stamp(4_107_542_399_999), "28 Feb 2100 23:59 UTC");
        assert_eq!(stamp(4_107_542_400_000), "01 Mar 2100 00:00 UTC");
    }

    #[test]
    fn spans() {
        assert_eq!(span(598), "9:58");
        assert_eq!(span(3661), "1:01:01");
        assert_eq!(left(1), "a second left");
        assert_eq!(left(120), "about 2 min left");
    }
}
