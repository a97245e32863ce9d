//! Where one is in a list: the cursor, and the filter that is typed.

use conclave_station::front::{KeySearch, Lists};

use super::key::Key;
use super::rows::Kind;
use super::sieve::Sieve;
use super::typed::Line;

/// Where one is in a list.
#[derive(Clone)]
pub struct Place {
    /// Which list.
    pub kind: Kind,
    /// The rows that pass the filter.
    pub shown: Sieve,
    /// Where the cursor is among them.
    pub cursor: usize,
    /// The filter.
    pub filter: Line,
    /// Whether letters go to the filter.
    pub filtering: bool,
    /// The words that rows are looked at for.
    words: Vec<String>,
    /// The same, made ready for the keys at hand.
    search: Option<KeySearch>,
    /// The row that the cursor was on in the list before, until it is found.
    follow: Option<usize>,
}

/// Rows that a page moves by.
const PAGE: usize = 10;

/// Keys that are looked at in one go: 2 or 3 ms of work, a fraction of a frame.
const KEYS_AT_ONCE: usize = 1 << 16;

/// Rows of other lists, whose words are put together to be looked at.
const ROWS_AT_ONCE: usize = 1 << 12;

impl Place {
    /// The top of a list.
    #[must_use]
    pub fn new(kind: Kind, lists: &Lists) -> Self {
        Self {
            kind,
            shown: Sieve::all(kind.len(lists)),
            cursor: 0,
            filter: Line::new(40),
            filtering: false,
            words: Vec::new(),
            search: None,
            follow: None,
        }
    }

    /// The row under the cursor, by its place in the list.
    #[must_use]
    pub fn row(&self) -> Option<usize> {
        self.shown.get(self.cursor)
    }

    /// The list has changed: filters afresh and stays on the same row.
    pub fn refresh(&mut self, before: &Lists, lists: &Lists) {
        if self.kind == Kind::Keys && before.keys.is_same(&lists.keys) {
            return;
        }
        self.follow = self
            .follow
            .or_else(|| self.row())
            .and_then(|row| self.kind.id(before, row))
            .and_then(|id| self.kind.find(lists, &id));
        self.sift(lists, false);
    }

    /// Whether rows wait to be looked at.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.shown.is_done()
    }

    /// Looks at the next rows.
    pub fn work(&mut self, lists: &Lists) {
        let (kind, words) = (self.kind, &self.words);
        match &self.search {
            Some(search) => self.shown.look(KEYS_AT_ONCE, |row| search.passes(row)),
            None => self.shown.look(ROWS_AT_ONCE, |row| {
                let text = kind.haystack(lists, row);
                words.iter().all(|word| text.contains(word))
            }),
        }
        if let Some(at) = self.follow.and_then(|row| self.shown.place(row)) {
            self.cursor = at;
            self.follow = None;
        } else if self.shown.is_done() {
            self.follow = None;
        }
        self.cursor = self.cursor.min(self.shown.len().saturating_sub(1));
    }

    /// The filter has changed.
    fn apply(&mut self, lists: &Lists) {
        let wanted = self.filter.text().to_lowercase();
        let words: Vec<String> = wanted.split_whitespace().map(str::to_owned).collect();
        if words == self.words {
            return;
        }
        let narrower = !self.words.is_empty()
            && self
                .words
                .iter()
                .all(|before| words.iter().any(|word| word.contains(before)));
        self.words = words;
        self.follow = None;
        self.sift(lists, narrower);
    }

    /// Begins to look for the words; what fills a screen is nearly always among
    /// the first rows.
    fn sift(&mut self, lists: &Lists, narrower: bool) {
        let all = self.kind.len(lists);
        self.search = None;
        if self.words.is_empty() {
            self.shown = Sieve::all(all);
        } else {
            if self.kind == Kind::Keys {
                self.search = Some(KeySearch::new(&lists.keys, &self.words));
            }
            if narrower {
                self.shown.narrow();
            } else {
                self.shown.restart(all);
            }
        }
        self.work(lists);
    }

    /// Takes a key of moving or filtering; `false` when it is neither.
    pub fn key(&mut self, key: Key, lists: &Lists) -> bool {
        let last = self.shown.len().saturating_sub(1);
        let cursor = match key {
            Key::Up => self.cursor.saturating_sub(1),
            Key::Down => (self.cursor + 1).min(last),
            Key::PageUp => self.cursor.saturating_sub(PAGE),
            Key::PageDown => (self.cursor + PAGE).min(last),
            Key::Home => 0,
            Key::End => last,
            _ => return self.filter_key(key, lists),
        };
        self.cursor = cursor;
        self.follow = None;
        true
    }

    fn filter_key(&mut self, key: Key, lists: &Lists) -> bool {
        match key {
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
