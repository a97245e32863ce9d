//! What is known of one key: its row, its custody, and its place in the
//! hierarchy as a tree.

use conclave_evidence::Id;
use conclave_keyroom::domain::key::KeyState;
use conclave_station::front::{KeyRow, Lists, Request};

/// A key by label and record: a void key may share its label with the one that took
/// its place.
type Which = (String, Option<Id>);

/// Custody lines of one key: the station reads them when they are looked at.
#[derive(Clone, Debug, Default)]
pub struct Custody {
    /// The key that was read last.
    known: Option<(Which, Vec<String>)>,
    /// Something may have changed since.
    stale: bool,
    /// The key that was asked for.
    asked: Option<Which>,
}

impl Custody {
    /// The station has read a key.
    pub fn told(&mut self, which: Which, lines: Vec<String>) {
        self.asked = None;
        self.stale = false;
        self.known = Some((which, lines));
    }

    /// Keys may have changed, or a question may have been lost because an act
    /// ran: asks again, and shows what it has until then.
    pub fn doubt(&mut self) {
        self.asked = None;
        self.stale = true;
    }

    /// Asks for this key's lines, unless they are there or an answer is still
    /// to come: whoever runs through the list asks for few rows of it.
    pub fn ask(&mut self, row: &KeyRow) -> Option<Request> {
        let id = row.id?;
        if self.asked.is_some() || (!self.stale && self.of(row).is_some()) {
            return None;
        }
        self.asked = Some((row.label.clone(), row.id));
        Some(Request::KeyDetail {
            label: row.label.clone(),
            id,
        })
    }

    fn of(&self, row: &KeyRow) -> Option<&[String]> {
        let ((label, id), lines) = self.known.as_ref()?;
        (*label == row.label && *id == row.id).then_some(lines)
    }
}

/// So many of the keys under a key are named; a page of all would be a list
/// again.
const BRANCHES: usize = 200;

/// What is known of a key, line by line.
#[must_use]
pub fn lines(lists: &Lists, custody: &Custody, row: &KeyRow) -> Vec<String> {
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
    match custody.of(row) {
        Some(known) => lines.extend(known.iter().cloned()),
        None if row.id.is_some() => lines.push("reading…".to_owned()),
        None => {}
    }
    // Whatever lies under its label lies under the key that took its place.
    if row.state != KeyState::Void.words() {
        tree(lists, row, &mut lines);
    }
    lines
}

/// The key it lies under, and the keys under it.
fn tree(lists: &Lists, row: &KeyRow, lines: &mut Vec<String>) {
    let under = lists.keys.under(&row.label);
    if row.under.is_empty() && under.is_empty() {
        return;
    }
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
    for (at, key) in under.iter().take(BRANCHES).enumerate() {
        let Some(key) = lists.keys.get(*key as usize) else {
            continue;
        };
        let branch = if at == last { "└─" } else { "├─" };
        lines.push(format!("{indent}{branch} {}  {}", key.label, key.state));
    }
    if let Some(more) = under.len().checked_sub(BRANCHES).filter(|more| *more > 0) {
        let more = super::words::thousands(more);
        lines.push(format!("{indent}└─ and {more} more"));
    }
}
