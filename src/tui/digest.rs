//! What is worked out once for fresh lists, so that a frame does not go through
//! all rows.

use conclave_station::front::Lists;

/// Counts over whole lists.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Digest {
    /// Tasks by week.
    pub due: String,
    /// Keys that expire, by week.
    pub expiring: String,
}

impl Digest {
    /// Of these lists.
    #[must_use]
    pub fn of(lists: &Lists) -> Self {
        Self {
            due: weeks(lists.tasks.iter().map(|t| t.days)),
            expiring: weeks(lists.keys.days_left()),
        }
    }
}

/// Bars for the twelve weeks from today; what is overdue counts in the first.
#[must_use]
fn weeks(days: impl Iterator<Item = i64>) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let mut counts = [0usize; 12];
    for day in days {
        let week = usize::try_from(day.max(0) / 7).unwrap_or(usize::MAX);
        if let Some(count) = counts.get_mut(week) {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    counts
        .iter()
        .map(|count| {
            let height = (count * 7).div_ceil(most);
            BARS.get(height).copied().unwrap_or('█')
        })
        .collect()
}
