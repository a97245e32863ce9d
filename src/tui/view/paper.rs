//! Lines of text for a part of the screen: wrapped, indented, cut with a sign.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::theme::Theme;

/// Cells to the left of everything.
pub const INDENT: usize = 3;

/// Width in cells.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        Span::raw(text).width()
    }
}

/// Exactly `cells` wide: cut with `…`, or filled with spaces.
#[must_use]
pub fn fit(text: &str, cells: usize) -> String {
    let wide = width(text);
    if wide <= cells {
        return format!("{text}{}", " ".repeat(cells - wide));
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = width(c.encode_utf8(&mut [0; 4]));
        if used + w + 1 > cells {
            break;
        }
        cut.push(c);
        used += w;
    }
    if cells > 0 {
        cut.push('…');
        used += 1;
    }
    format!("{cut}{}", " ".repeat(cells.saturating_sub(used)))
}

/// The words of a text; an initial and what follows it (`D. Novak`) are one.
fn words(text: &str) -> impl Iterator<Item = String> {
    let mut parts = text.split(' ');
    std::iter::from_fn(move || {
        let mut word = parts.next()?.to_owned();
        loop {
            let last = word.rsplit(' ').next().unwrap_or_default();
            let mut letters = last.chars();
            let initial = letters.next().is_some_and(char::is_uppercase)
                && letters.next() == Some('.')
                && letters.next().is_none();
            match initial.then(|| parts.next()).flatten() {
                Some(next) => word = format!("{word} {next}"),
                None => return Some(word),
            }
        }
    })
}

/// Breaks at spaces, and not inside a name; a word that is longer than a line
/// is broken inside.
#[must_use]
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for mut word in words(text) {
        while width(&word) > cells {
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            let head: String = word.chars().take(cells).collect();
            word = word.chars().skip(cells).collect();
            lines.push(head);
        }
        if !line.is_empty() && width(&line) + 1 + width(&word) > cells {
            lines.push(std::mem::take(&mut line));
            line = word;
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    lines.push(line);
    lines
}

/// Lines being collected for a part of the screen.
pub struct Paper {
    /// How they look.
    pub theme: Theme,
    /// How wide that part is.
    pub width: usize,
    /// The lines.
    pub lines: Vec<Line<'static>>,
    /// The line that must be seen.
    pub focus: Option<usize>,
    /// What says that there is more, further up and further down.
    pub more: [&'static str; 2],
}

impl Paper {
    /// An empty paper.
    #[must_use]
    pub fn new(theme: Theme, width: usize) -> Self {
        Self {
            theme,
            width,
            lines: Vec::new(),
            focus: None,
            more: [" ▲ PgUp", " ▼ PgDn"],
        }
    }

    /// An empty line, unless there is one already or nothing stands above.
    pub fn gap(&mut self) {
        if self.lines.last().is_some_and(|l| l.width() > 0) {
            self.lines.push(Line::default());
        }
    }

    /// A line of parts.
    pub fn parts(&mut self, parts: Vec<(String, Style)>) {
        let spans: Vec<Span<'static>> = parts
            .into_iter()
            .map(|(text, style)| Span::styled(text, style))
            .collect();
        self.lines.push(Line::from(spans));
    }

    /// Text, wrapped, with its first line behind `lead` and the others under it.
    pub fn behind(&mut self, lead: &str, lead_style: Style, text: &str, style: Style) {
        let indent = width(lead);
        for (at, line) in wrap(text, self.width.saturating_sub(indent + 2))
            .into_iter()
            .enumerate()
        {
            let lead = if at == 0 {
                lead.to_owned()
            } else {
                " ".repeat(indent)
            };
            self.parts(vec![(lead, lead_style), (line, style)]);
        }
    }

    /// Text, wrapped and indented.
    pub fn text(&mut self, text: &str, style: Style) {
        self.behind(&" ".repeat(INDENT), self.theme.plain(), text, style);
    }

    /// A key and what it does.
    pub fn key(&mut self, key: &str, label: &str) {
        let lead = format!("{}{}  ", " ".repeat(INDENT), fit(key, 9));
        self.behind(&lead, self.theme.key(), label, self.theme.plain());
    }

    /// Puts the lines on the screen from line `from` on (or so that the focus
    /// is seen), and says where there are more. The sign never stands over
    /// text: a line that is too long for both is one of those that are further
    /// up or down. Gives the first line that is shown.
    pub fn put(&self, buf: &mut Buffer, area: Rect, from: Option<usize>) -> usize {
        let height = usize::from(area.height);
        let most = self.lines.len().saturating_sub(height);
        let from = from
            .unwrap_or_else(|| {
                self.focus
                    .map_or(0, |line| (line + 2).saturating_sub(height))
            })
            .min(most);
        for (row, line) in self.lines.iter().skip(from).take(height).enumerate() {
            let y = area.y + u16::try_from(row).unwrap_or(0);
            buf.set_line(area.x, y, line, area.width);
        }
        if height == 0 {
            return from;
        }
        let more = |row: usize, text: &str, buf: &mut Buffer| {
            let at = area.y + u16::try_from(row).unwrap_or(0);
            let start = usize::from(area.width).saturating_sub(width(text) + 1);
            let written: String = self
                .lines
                .get(from + row)
                .map(|line| {
                    line.spans
                        .iter()
                        .map(|span| span.content.as_ref())
                        .collect()
                })
                .unwrap_or_default();
            if width(written.trim_end()) > start {
                let empty = " ".repeat(usize::from(area.width));
                buf.set_string(area.x, at, empty, self.theme.plain());
            }
            let x = area.x + u16::try_from(start).unwrap_or(0);
            buf.set_string(x, at, text, self.theme.key());
        };
        if from > 0 {
            more(0, self.more[0], buf);
        }
        if from < most && (height > 1 || from == 0) {
            more(height - 1, self.more[1], buf);
        }
        from
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cut_text_says_so() {
        assert_eq!(fit("BANK-LAKE", 6), "BANK-…");
        assert_eq!(fit("BANK", 6), "BANK  ");
        assert_eq!(fit("日本語", 4), "日… ");
        assert_eq!(fit("x", 0), "");
    }

    #[test]
    fn the_sign_of_more_stands_over_no_text() {
        let mut paper = Paper::new(Theme { colour: false }, 30);
        for at in 0..9 {
            let text = match at % 2 {
                0 => format!("{at}: as long as the page is wide"),
                _ => format!("{at}: short"),
            };
            paper.parts(vec![(text, paper.theme.plain())]);
        }
        for from in 0..9 {
            let area = Rect::new(0, 0, 30, 4);
            let mut buf = Buffer::empty(area);
            paper.put(&mut buf, area, Some(from));
            for y in 0..4 {
                let row: String = (0..30).map(|x| buf[(x, y)].symbol()).collect();
                let text = row.split(['▲', '▼']).next().unwrap_or_default().trim();
                let whole = |line: &Line| line.to_string().trim() == text;
                assert!(
                    text.is_empty() || paper.lines.iter().any(whole),
                    "from {from}: {row}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn fit_is_exact(text in "\\PC{0,30}", cells in 1usize..40) {
            prop_assert_eq!(width(&fit(&text, cells)), cells);
        }

        #[test]
        fn wrapping_loses_no_letter(text in "[a-z ]{0,120}", cells in 1usize..40) {
            let lines = wrap(&text, cells);
            prop_assert!(lines.iter().all(|l| width(l) <= cells));
            let letters = |t: &str| t.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }

    #[test]
    fn names_stay_whole_and_long_words_are_broken() {
        assert_eq!(
            wrap("Signed by D. Novak and E. F. Rossi", 15),
            ["Signed by", "D. Novak and", "E. F. Rossi"]
        );
        assert_eq!(wrap("abcdefgh i", 4), ["abcd", "efgh", "i"]);
        assert_eq!(wrap("ends with A.", 20), ["ends with A."]);
        assert_eq!(wrap("", 5), [""]);
    }
}
