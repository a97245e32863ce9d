//! One frame as a person reads it, and what it asks for.

/// The letters of a frame, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    pub rows: Vec<String>,
}

/// Over the sheet of the training printer, and over PIN mailers.
const SHEETS: [&str; 2] = [
    "for its custodian's eyes",
    "read in practice rooms only, never at work",
];

/// What a frame waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nothing that this test knows of.
    Other,
    /// The station works.
    Busy,
    /// The card of one of these.
    Card(Vec<String>),
    /// This person's PIN.
    Pin(String),
    /// A new PIN of this person, or the same again.
    NewPin(String, bool),
    /// A key, and what it does.
    Press(char, String),
    /// Reading, then Enter.
    Read,
    /// A line with this label.
    Line(String),
    /// A form.
    Form,
    /// This text.
    Exactly(String),
    /// Nothing more: it is done; the title.
    Done(String),
    /// Refused; the words.
    Refused(String),
    /// A list.
    List,
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let rest = text.split_once(from)?.1;
    Some(rest.split_once(to)?.0)
}

/// One space between words.
pub fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Screen {
    pub fn of(screen: &vt100::Screen) -> Self {
        let width = screen.size().1.get();
        let rows = screen.rows(0, width).map(|row| row.trim_end().to_owned());
        Self {
            rows: rows.collect(),
        }
    }

    pub fn has(&self, text: &str) -> bool {
        self.rows.iter().any(|row| row.contains(text))
    }

    /// The row with this text.
    pub fn row(&self, text: &str) -> Option<&str> {
        let row = self.rows.iter().find(|row| row.contains(text))?;
        Some(row.as_str())
    }

    /// Whether words stand there, wherever their lines break.
    pub fn says(&self, words: &str) -> bool {
        plain(&self.rows.join(" ")).contains(&plain(words))
    }

    /// The sheet lies open.
    pub fn is_sheet(&self) -> bool {
        SHEETS.iter().any(|title| self.has(title))
    }

    /// The training desk stands there, and no sheet is looked at.
    pub fn is_desk(&self) -> bool {
        self.has("╔ Training desk")
    }

    /// What a failing test may show of it.
    pub fn shown(&self) -> String {
        if self.is_sheet() {
            return "(the sheet of the training printer is not shown)".to_owned();
        }
        self.rows.join("\n")
    }

    /// Without what changes by itself: clock, idle time, countdown.
    pub fn still(&self) -> Vec<&str> {
        let rows = self.rows.iter().skip(1).map(String::as_str);
        rows.filter(|row| !row.contains(" s left to complete"))
            .collect()
    }

    fn last_row(&self) -> &str {
        self.rows.last().map_or("", String::as_str)
    }

    /// The wrapped text that begins with `lead`, up to an empty row.
    fn paragraph(&self, lead: &str) -> Option<String> {
        let at = self.rows.iter().position(|row| row.contains(lead))?;
        let first = self.rows[at].split_once(lead)?.1;
        let more = self.rows[at + 1..]
            .iter()
            .take_while(|row| row.starts_with("     ") && !row.trim().is_empty());
        let all = std::iter::once(first).chain(more.map(String::as_str));
        Some(plain(&all.collect::<Vec<_>>().join(" ")))
    }

    /// What is asked.
    pub fn asked(&self) -> Asked {
        if self.is_desk() || self.is_sheet() {
            return Asked::Other;
        }
        let foot = self.last_row();
        if foot == " Enter go on" {
            if let Some(title) = self.paragraph("   ✓ ") {
                return Asked::Done(title);
            }
            return Asked::Refused(self.paragraph("   ✗ ").unwrap_or_default());
        }
        if foot.starts_with(" Esc stop at the next") || self.has("… the station works on it") {
            return Asked::Busy;
        }
        if foot.starts_with(" t tasks") {
            return Asked::List;
        }
        if let Some(words) = self.paragraph("▸ Put into a reader: ") {
            let names = words.trim_start_matches("the card of ");
            let names = names.split(", ").flat_map(|part| part.split(" or "));
            return Asked::Card(names.map(|name| name.trim().to_owned()).collect());
        }
        if let Some(row) = self.row(", your card PIN   ") {
            let name = row
                .split_once(", your card PIN")
                .map_or("", |(name, _)| name);
            return Asked::Pin(name.trim().to_owned());
        }
        if let Some(row) = self.row(", a new PIN   ") {
            let (name, rest) = row.split_once(", a new PIN").unwrap_or_default();
            return Asked::NewPin(name.trim().to_owned(), rest.contains('✓'));
        }
        if let Some(text) = self
            .rows
            .iter()
            .find_map(|row| row.split_once("type exactly   "))
        {
            return Asked::Exactly(text.1.trim().to_owned());
        }
        if let Some(row) = self.rows.iter().find(|row| row.starts_with("   Press  ")) {
            let (key, label) = row["   Press  ".len()..].split_at(1);
            let key = key.chars().next();
            let label = label.trim().trim_start_matches("to confirm: ");
            return Asked::Press(key.unwrap_or(' '), label.to_owned());
        }
        if foot.starts_with(" Enter read") {
            return Asked::Read;
        }
        if foot.contains("Tab next field") {
            return Asked::Form;
        }
        if foot.starts_with(" Enter confirm")
            && let Some(row) = self.rows.iter().find(|row| row.contains('_'))
        {
            let label = between(row, "   ", "   ").unwrap_or_default();
            return Asked::Line(label.to_owned());
        }
        Asked::Other
    }

    /// The check value that is read aloud.
    pub fn check_value(&self) -> Option<String> {
        let bars: Vec<usize> = (0..self.rows.len())
            .filter(|at| self.rows[*at].trim_start().starts_with('━'))
            .collect();
        let values = bars.chunks(2).filter_map(|pair| self.rows.get(pair[0] + 1));
        let digits: String = values
            .flat_map(|row| row.chars())
            .filter(|c| !c.is_whitespace())
            .collect();
        let hex = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit());
        hex.then_some(digits)
    }
}
