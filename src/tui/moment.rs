//! Spans, in the words that people read.

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
    fn spans() {
        assert_eq!(span(598), "9:58");
        assert_eq!(span(3661), "1:01:01");
        assert_eq!(left(1), "a second left");
        assert_eq!(left(120), "about 2 min left");
    }
}
