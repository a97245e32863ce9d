//! The lists, and what each shows of a row. Drawing is elsewhere; a frame
//! touches only the rows that it shows.

use conclave_evidence::words::{digest_lines, in_fours};
use conclave_station::front::{BatchRow, Lists};

use super::key_page::{self, Custody};

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
    /// Batches of PIN mailers.
    Mailers,
    /// The journal.
    Journal,
}

fn batch(lists: &Lists, at: usize) -> Option<&BatchRow> {
    lists.batches.as_ref().and_then(|batches| batches.get(at))
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
    /// Its cells are names in a row, of which none is left out.
    pub names: bool,
}

const fn col(title: &'static str, width: usize, grow: usize) -> Column {
    Column {
        title,
        width,
        grow,
        names: false,
    }
}

const fn names(title: &'static str, width: usize, grow: usize) -> Column {
    Column {
        names: true,
        ..col(title, width, grow)
    }
}

/// A day without its year, or a far one without its day: `26 Dec`, `Dec 2028`.
/// The row's own lines have it whole. Other words stay as they are.
fn short_day(due: &str, days: i64) -> String {
    match due.split(' ').collect::<Vec<_>>().as_slice() {
        [_, month, year] if days > NEAR => format!("{month} {year}"),
        [day, month, _] => format!("{day} {month}"),
        _ => due.to_owned(),
    }
}

/// So many days ahead a day and its month are not taken for another year's.
const NEAR: i64 = 300;

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
            Self::Mailers => "mailers",
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
            Self::Mailers => "Batches of PIN mailers",
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
            Self::Mailers => "No batch yet.  n: open one from its issuer's file",
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
            Self::Mailers => lists.batches.as_ref().map_or(0, Vec::len),
            Self::Journal => lists.journal.len(),
        }
    }

    /// The columns.
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        const TASKS: &[Column] = &[col("due", 9, 0), col("what", 45, 4), names("who", 18, 1)];
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
            names("roles", 24, 3),
            col("cards", 18, 2),
            col("reports to", 12, 1),
        ];
        const DEVICES: &[Column] = &[
            col("kind", 8, 0),
            col("name", 26, 2),
            col("enrolled for", 22, 2),
            col("state", 14, 1),
        ];
        const MAILERS: &[Column] = &[
            col("batch", 14, 2),
            col("issuer", 11, 1),
            col("state", 18, 0),
            col("mailers", 16, 1),
            col("opened", 9, 0),
        ];
        const JOURNAL: &[Column] = &[
            col("no.", 6, 0),
            col("at (UTC)", 17, 0),
            col("kind", 8, 0),
            col("action", 24, 0),
            col("what", 13, 1),
        ];
        match self {
            Self::Tasks => TASKS,
            Self::Keys => KEYS,
            Self::Ceremonies => CEREMONIES,
            Self::Scripts => SCRIPTS,
            Self::People => PEOPLE,
            Self::Devices => DEVICES,
            Self::Mailers => MAILERS,
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
                .map(|r| vec![short_day(&r.due, r.days), r.what.clone(), r.who.clone()]),
            Self::Keys => lists
                .keys
                .get(at)
                .map(|r| vec![r.label, r.algorithm, r.usage, r.kcv, r.state, r.expires]),
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
            Self::Mailers => batch(lists, at).map(|r| {
                vec![
                    r.name.clone(),
                    r.issuer.clone(),
                    r.state.clone(),
                    r.done.clone(),
                    r.opened.clone(),
                ]
            }),
            Self::Journal => lists.journal.get(at).map(|r| {
                let words = if r.words.is_empty() {
                    "sealed".to_owned()
                } else {
                    r.words.clone()
                };
                // The entry's own page has the seconds.
                let minute = r.at.get(..17).unwrap_or(&r.at);
                vec![
                    r.seq.to_string(),
                    minute.to_owned(),
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
            Self::Keys => {
                let label = lists.keys.label(at)?;
                let id = lists.keys.id(at).map(|id| id.to_string());
                Some(format!("{label}\n{}", id.unwrap_or_default()))
            }
            Self::Ceremonies => lists.ceremonies.get(at).map(|r| r.id.clone()),
            Self::Scripts => lists.scripts.get(at).map(|r| r.file.clone()),
            Self::People => lists.people.get(at).map(|r| r.name.clone()),
            Self::Devices => lists
                .devices
                .get(at)
                .map(|r| format!("{}\n{}", r.kind, r.name)),
            Self::Mailers => batch(lists, at).map(|r| format!("{}\n{}", r.issuer, r.name)),
            Self::Journal => lists.journal.get(at).map(|r| r.seq.to_string()),
        }
    }

    /// Where the row with this identity is.
    #[must_use]
    pub fn find(self, lists: &Lists, id: &str) -> Option<usize> {
        match self {
            Self::Keys => {
                let (label, id) = id.split_once('\n')?;
                let mut rows = lists.keys.all_of(label);
                rows.find(|at| {
                    lists
                        .keys
                        .id(*at)
                        .map(|id| id.to_string())
                        .unwrap_or_default()
                        == id
                })
            }
            // There may be as many as keys that expire soon.
            Self::Tasks => {
                let (what, who) = id.rsplit_once('\n')?;
                let mut tasks = lists.tasks.iter();
                tasks.position(|t| t.what == what && t.who == who)
            }
            _ => (0..self.len(lists)).find(|at| self.id(lists, *at).as_deref() == Some(id)),
        }
    }

    /// A row's own title and what is known of it, line by line.
    #[must_use]
    pub fn detail(self, lists: &Lists, custody: &Custody, at: usize) -> (String, Vec<String>) {
        let found = match self {
            Self::Tasks => lists.tasks.get(at).map(|r| {
                let mut lines = vec![format!("{}: {}", r.due, r.who)];
                lines.extend(r.detail.iter().cloned());
                (r.what.clone(), lines)
            }),
            Self::Keys => lists
                .keys
                .get(at)
                .map(|r| (r.label.clone(), key_page::lines(lists, custody, &r))),
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
            Self::Mailers => batch(lists, at).map(|r| {
                let mut lines = vec![format!("{}; {} mailers", r.state, r.done)];
                lines.extend(r.detail.iter().cloned());
                (format!("Batch {} of {}", r.name, r.issuer), lines)
            }),
            Self::Journal => lists.journal.get(at).map(|r| {
                let words = if r.words.is_empty() {
                    "Its words are closed to this session; auditors read them."
                } else {
                    &r.words
                };
                let fours = in_fours(&r.hash);
                let (begin, _) = fours.split_at(9);
                let (left, right) = fours.split_at(fours.len() / 2);
                let mut lines = vec![
                    words.to_owned(),
                    format!("{} UTC  SHA-256 begins {begin}", r.at),
                    format!("SHA-256 {}", left.trim()),
                    format!("        {}", right.trim()),
                    "In words, as minutes have them:".to_owned(),
                ];
                lines.extend(digest_lines(&r.hash));
                (format!("Entry {}  {} {}", r.seq, r.kind, r.action), lines)
            }),
        };
        found.unwrap_or_default()
    }

    /// What the filter looks in: everything that is shown, in lower case.
    #[must_use]
    pub fn haystack(self, lists: &Lists, at: usize) -> String {
        self.cells(lists, at).join(" ").to_lowercase()
    }
}
