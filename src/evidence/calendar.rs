//! Days of the calendar, for everything that people read.

/// Year, month and day, both from 1, of so many days after 1970-01-01, by the
/// proleptic Gregorian calendar. Years begin in March here, so that the leap day is the
/// last one: 146,097 days in 400 years (Hinnant, *chrono-compatible low-level date
/// algorithms*).
#[must_use]
pub fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (400 * era + year + u64::from(month <= 2), month, day)
}

/// The last day that has a year of four digits: 9999-12-31.
const LAST: u64 = 2_932_896;

/// Days after 1970-01-01 of a date, month and day from 1, up to 9999-12-31: what
/// [`civil`] makes this date of. Nothing where there is no such day.
#[must_use]
pub fn day_of(year: u64, month: u64, day: u64) -> Option<u64> {
    let wanted = (year, month, day);
    let (mut low, mut high) = (0, LAST);
    while low < high {
        let middle = low + (high - low) / 2;
        match civil(middle) < wanted {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    (civil(low) == wanted).then_some(low)
}

#[cfg(test)]
mod tests {
    use super::{civil, day_of};

    #[test]
    fn a_date_has_its_day_and_what_is_none_has_none() {
        for days in (0..=2_932_896)
            .step_by(97)
            .chain([11_016, 47_540, 2_932_896])
        {
            let (year, month, day) = civil(days);
            assert_eq!(day_of(year, month, day), Some(days));
        }
        for (year, month, day) in [
            (1969, 12, 31),
            (2026, 2, 29),
            (2100, 2, 29),
            (2026, 13, 1),
            (2026, 0, 10),
            (2026, 4, 31),
            (2026, 4, 0),
            (10_000, 1, 1),
        ] {
            assert_eq!(day_of(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn days_are_right_at_the_edges() {
        // `date -u -d @$((DAYS*86400)) +%F`
        for (days, date) in [
            (0, (1970, 1, 1)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (20_781, (2026, 11, 24)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
            (2_932_896, (9999, 12, 31)),
        ] {
            assert_eq!(civil(days), date);
        }
    }
}
