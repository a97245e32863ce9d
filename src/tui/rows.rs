//! The lists: what each shows of a row, and how a list is moved in and
//! filtered. Drawing is elsewhere; a frame touches only the rows that it shows.

use std::collections::HashMap;

use conclave_station::front::{KeyRow, Lists};

use super::key::Key;
use super::typed::Line;

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What is due.
    Tasks,
    /// The inventory.
    Keys,
    /// Ceremonies, open ones first.
    Ceremonies,
    /// Scripts to choose from.
    Scripts,
    /// People; their groups stand above.
    People,
    /// Readers, printers, media.
    Devices,
    /// The journal.
    Journal,
}

/// A column: its title, its width in cells, and how much of the spare width it
/// takes.
pub struct Column {
    /// Title.
    pub title: &'static str,
    /// Width at 80 columns.
    pub width: usize,
    /// Share of what is left.
    pub grow: usize,
}

const fn col(title: &'static str, width: usize, grow: usize) -> Column {
    Column { title, width, grow }
}

impl Kind {
    /// Its name, for help and for titles.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Keys => "keys",
            Self::Ceremonies => "ceremonies",
            Self::Scripts => "scripts",
            Self::People => "people",
            Self::Devices => "devices",
            Self::Journal => "journal",
        }
    }

    /// Its title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Tasks => "Tasks",
            Self::Keys => "Keys",
            Self::Ceremonies => "Ceremonies",
            Self::Scripts => "Begin a ceremony",
            Self::People => "People and cards",
            Self::Devices => "Devices and media",
            Self::Journal => "Journal",
        }
    }

    /// What to do about an empty list.
    #[must_use]
    pub fn when_empty(self) -> &'static str {
        match self {
            Self::Tasks => "Nothing is due.  c ceremonies: begin one",
            Self::Keys => "No key yet.  c ceremonies, then n: generate the first",
            Self::Ceremonies => "No ceremony yet.  n: begin one from a script",
            Self::Scripts => "No script in the templates folder.",
            Self::People => "This session may not read people. Administrators may.",
            Self::Devices => "Nothing is attached, and nothing is enrolled.",
            Self::Journal => "This session may not read the journal. Auditors may.",
        }
    }

    /// How many rows.
    #[must_use]
    pub fn len(self, lists: &Lists) -> usize {
        match self {
            Self::Tasks => lists.tasks.len(),
            Self::Keys => lists.keys.len(),
            Self::Ceremonies => lists.ceremonies.len(),
            Self::Scripts => lists.scripts.len(),
            Self::People => lists.people.len(),
            Self::Devices => lists.devices.len(),
            Self::Journal => lists.journal.len(),
        }
    }

    /// The columns.
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        const TASKS: &[Column] = &[col("due", 9, 0), col("what", 45, 4), col("who", 18, 1)];
        const KEYS: &[Column] = &[
            col("label", 25, 3),
            col("type", 7, 0),
            col("use", 4, 3),
            col("KCV", 10, 0),
            col("state", 9, 1),
            col("expires", 11, 0),
        ];
        const CEREMONIES: &[Column] = &[
            col("ceremony", 35, 3),
            col("state", 20, 1),
            col("began", 17, 0),
        ];
        const SCRIPTS: &[Column] = &[
            col("ceremony", 34, 1),
            col("digest", 9, 0),
            col("file", 28, 1),
        ];
        const PEOPLE: &[Column] = &[
            col("name", 16, 1),
            col("roles", 24, 3),
            col("cards", 18, 2),
            col("reports to", 12, 1),
        ];
        const DEVICES: &[Column] = &[
            col("kind", 8, 0),
            col("name", 26, 2),
            col("enrolled for", 22, 2),
            col("state", 14, 1),
        ];
        const JOURNAL: &[Column] = &[
            col("no.", 6, 0),
            col("at (UTC)", 20, 0),
            col("kind", 9, 0),
            col("action", 15, 0),
            col("what", 18, 1),
        ];
        match self {
            Self::Tasks => TASKS,
            Self::Keys => KEYS,
            Self::Ceremonies => CEREMONIES,
            Self::Scripts => SCRIPTS,
            Self::People => PEOPLE,
            Self::Devices => DEVICES,
            Self::Journal => JOURNAL,
        }
    }

    /// The cells of a row, one for each column.
    #[must_use]
    pub fn cells(self, lists: &Lists, at: usize) -> Vec<String> {
        let cells = match self {
            Self::Tasks => lists
                .tasks
                .get(at)
                .map(|r| vec![r.due.clone(), r.what.clone(), r.who.clone()]),
            Self::Keys => lists.keys.get(at).map(|r| {
                vec![
                    r.label.clone(),
                    r.algorithm.clone(),
                    r.usage.clone(),
                    r.kcv.clone(),
                    r.state.clone(),
                    r.expires.clone(),
                ]
            }),
            Self::Ceremonies => lists
                .ceremonies
                .get(at)
                .map(|r| vec![r.title.clone(), r.state.clone(), r.began.clone()]),
            Self::Scripts => lists.scripts.get(at).map(|r| {
                let digest = match r.refused {
                    Some(_) => "✗ refused".to_owned(),
                    None => r.digest.clone(),
                };
                vec![r.title.clone(), digest, r.file.clone()]
            }),
            Self::People => lists.people.get(at).map(|r| {
                let cards: Vec<String> = r.cards.iter().map(|(c, s)| format!("{c} {s}")).collect();
                vec![
                    r.name.clone(),
                    r.roles.join(", "),
                    cards.join(", "),
                    r.reports_to.clone(),
                ]
            }),
            Self::Devices => lists.devices.get(at).map(|r| {
                vec![
                    r.kind.clone(),
                    r.name.clone(),
                    r.purpose.clone(),
                    r.state.clone(),
                ]
            }),
            Self::Journal => lists.journal.get(at).map(|r| {
                let words = if r.words.is_empty() {
                    "sealed".to_owned()
                } else {
                    r.words.clone()
                };
                vec![
                    r.seq.to_string(),
                    r.at.clone(),
                    r.kind.clone(),
                    r.action.clone(),
                    words,
                ]
            }),
        };
        cells.unwrap_or_default()
    }

    /// What makes a row the same one in a fresh list.
    #[must_use]
    pub fn id(self, lists: &Lists, at: usize) -> Option<String> {
        match self {
            Self::Tasks => lists
                .tasks
                .get(at)
                .map(|r| format!("{}\n{}", r.what, r.who)),
            Self::Keys => lists.keys.get(at).map(|r| r.label.clone()),
            Self::Ceremonies => lists.ceremonies.get(at).map(|r| r.id.clone()),
            Self::Scripts => lists.scripts.get(at).map(|r| r.file.clone()),
            Self::People => lists.people.get(at).map(|r| r.name.clone()),
            Self::Devices => lists
                .devices
                .get(at)
                .map(|r| format!("{}\n{}", r.kind, r.name)),
            Self::Journal => lists.journal.get(at).map(|r| r.seq.to_string()),
        }
    }

    /// A row's own title and what is known of it, line by line.
    #[must_use]
    pub fn detail(self, lists: &Lists, digest: &Digest, at: usize) -> (String, Vec<String>) {
        let found = match self {
            Self::Tasks => lists.tasks.get(at).map(|r| {
                let mut lines = vec![format!("{}: {}", r.due, r.who)];
                lines.extend(r.detail.iter().cloned());
                (r.what.clone(), lines)
            }),
            Self::Keys => lists
                .keys
                .get(at)
                .map(|r| (r.label.clone(), key(lists, digest, r))),
            Self::Ceremonies => lists.ceremonies.get(at).map(|r| {
                let mut lines = vec![format!("{}; began {}", r.state, r.began)];
                lines.extend(r.detail.iter().cloned());
                (r.title.clone(), lines)
            }),
            Self::Scripts => lists.scripts.get(at).map(|r| {
                let mut lines = vec![
                    r.summary.clone(),
                    format!("{}  digest {}", r.file, r.digest),
                ];
                if let Some(why) = &r.refused {
                    lines.insert(0, format!("✗ It may not be run: {why}"));
                }
                (r.title.clone(), lines)
            }),
            Self::People => lists.people.get(at).map(|r| {
                let mut lines = vec![r.roles.join(", ")];
                if !r.reports_to.is_empty() {
                    lines.push(format!("reports to {}", r.reports_to));
                }
                lines.extend(r.cards.iter().map(|(c, s)| format!("card {c}  {s}")));
                if r.cards.is_empty() {
                    lines.push("no card".to_owned());
                }
                (r.name.clone(), lines)
            }),
            Self::Devices => lists.devices.get(at).map(|r| {
                let purpose = if r.kind == "reader" {
                    "readers need no enrolling".to_owned()
                } else if r.purpose.is_empty() {
                    "not enrolled".to_owned()
                } else {
                    format!("enrolled for {}", r.purpose)
                };
                (
                    format!("{} {}", r.kind, r.name),
                    vec![purpose, r.state.clone()],
                )
            }),
            Self::Journal => lists.journal.get(at).map(|r| {
                let words = if r.words.is_empty() {
                    "Sealed for this session."
                } else {
                    &r.words
                };
                (
                    format!("Entry {}  {} {}", r.seq, r.kind, r.action),
                    vec![words.to_owned(), format!("{} UTC  hash {}…", r.at, r.hash)],
                )
            }),
        };
        found.unwrap_or_default()
    }

    /// What the filter looks in: everything that is shown, in lower case.
    fn haystack(self, lists: &Lists, at: usize) -> String {
        self.cells(lists, at).join(" ").to_lowercase()
    }
}

/// What is worked out once for fresh lists, so that a frame does not go through
/// all rows.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Digest {
    /// Tasks by week.
    pub due: String,
    /// Keys that expire, by week.
    pub expiring: String,
    /// The keys under a key, by its label.
    under: HashMap<String, Vec<usize>>,
}

impl Digest {
    /// Of these lists.
    #[must_use]
    pub fn of(lists: &Lists) -> Self {
        let mut under: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, key) in lists.keys.iter().enumerate() {
            if !key.under.is_empty() {
                under.entry(key.under.clone()).or_default().push(at);
            }
        }
        Self {
            due: weeks(lists.tasks.iter().map(|t| t.days)),
            expiring: weeks(lists.keys.iter().filter_map(|k| k.days_left)),
            under,
        }
    }
}

/// What is known of a key, with its place in the hierarchy as a tree.
fn key(lists: &Lists, digest: &Digest, row: &KeyRow) -> Vec<String> {
    let mut lines = vec![
        format!("{}  {}", row.algorithm, row.usage),
        format!("KCV {} ({})  {}", row.kcv, row.kcv_method, row.state),
    ];
    if !row.expires.is_empty() {
        let when = match row.days_left {
            Some(days) if days < 0 => format!("expired {} d ago", -days),
            Some(days) => format!("in {days} d"),
            None => String::new(),
        };
        lines.push(
            format!("expires {}  {when}", row.expires)
                .trim_end()
                .to_owned(),
        );
    }
    if !row.template.is_empty() {
        lines.push(format!("template {}", row.template));
    }
    lines.extend(row.detail.iter().cloned());
    let under: Vec<&KeyRow> = digest
        .under
        .get(&row.label)
        .into_iter()
        .flatten()
        .filter_map(|at| lists.keys.get(*at))
        .collect();
    if !row.under.is_empty() || !under.is_empty() {
        lines.push(String::new());
        let indent = if row.under.is_empty() {
            lines.push(format!("▪ {}", row.label));
            "  "
        } else {
            lines.push(row.under.clone());
            lines.push(format!("└─ ▪ {}", row.label));
            "     "
        };
        let last = under.len().saturating_sub(1);
        for (at, key) in under.iter().enumerate() {
            let branch = if at == last { "└─" } else { "├─" };
            lines.push(format!("{indent}{branch} {}  {}", key.label, key.state));
        }
    }
    lines
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

/// Where one is in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which list.
    pub kind: Kind,
    /// The rows that pass the filter, by their place in the list.
    pub shown: Vec<usize>,
    /// Where the cursor is among them.
    pub cursor: usize,
    /// The filter.
    pub filter: Line,
    /// Whether letters go to the filter.
    pub filtering: bool,
}

/// Rows that a page moves by.
const PAGE: usize = 10;

impl Place {
    /// The top of a list.
    #[must_use]
    pub fn new(kind: Kind, lists: &Lists) -> Self {
        Self {
            kind,
            shown: (0..kind.len(lists)).collect(),
            cursor: 0,
            filter: Line::new(40),
            filtering: false,
        }
    }

    /// The row under the cursor, by its place in the list.
    #[must_use]
    pub fn row(&self) -> Option<usize> {
        self.shown.get(self.cursor).copied()
    }

    /// The list has changed: filters afresh and stays on the same row.
    pub fn refresh(&mut self, before: &Lists, lists: &Lists) {
        let id = self.row().and_then(|row| self.kind.id(before, row));
        self.apply(lists);
        if let Some(at) = id.and_then(|id| {
            self.shown
                .iter()
                .position(|row| self.kind.id(lists, *row).as_ref() == Some(&id))
        }) {
            self.cursor = at;
        }
    }

    fn apply(&mut self, lists: &Lists) {
        let wanted = self.filter.text().to_lowercase();
        let words: Vec<&str> = wanted.split_whitespace().collect();
        self.shown = (0..self.kind.len(lists))
            .filter(|row| {
                words.is_empty() || {
                    let text = self.kind.haystack(lists, *row);
                    words.iter().all(|word| text.contains(word))
                }
            })
            .collect();
        self.cursor = self.cursor.min(self.shown.len().saturating_sub(1));
    }

    /// Takes a key of moving or filtering; `false` when it is neither.
    pub fn key(&mut self, key: Key, lists: &Lists) -> bool {
        let last = self.shown.len().saturating_sub(1);
        match key {
            Key::Up => self.cursor = self.cursor.saturating_sub(1),
            Key::Down => self.cursor = (self.cursor + 1).min(last),
            Key::PageUp => self.cursor = self.cursor.saturating_sub(PAGE),
            Key::PageDown => self.cursor = (self.cursor + PAGE).min(last),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = last,
            Key::Char('/') if !self.filtering => self.filtering = true,
            Key::Enter if self.filtering => self.filtering = false,
            Key::Esc if self.filtering || !self.filter.text().is_empty() => {
                self.filtering = false;
                self.filter.clear();
                self.apply(lists);
            }
            _ if self.filtering && self.filter.key(key) => self.apply(lists),
            _ => return false,
        }
        true
    }
}
