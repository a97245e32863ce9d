//! The key list of a large repository: rows in columns.
//!
//! A `KeyRow` of its own costs some 600 bytes in a dozen allocations; a million
//! of them would be all the memory a station may have. Here a label and a check
//! value stand in one text, what repeats (algorithms, usages, states, days) is
//! kept once, and a row is put together when somebody looks at it. Custody
//! lines are not kept at all: they are read for the row under the cursor.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::mem::{size_of, take};
use std::sync::Arc;

use conclave_evidence::Id;

use crate::front::KeyRow;
use places::Places;

#[path = "key_change.rs"]
mod change;
#[path = "key_places.rs"]
mod places;

/// Keys by label. A clone is another handle on the same rows.
#[derive(Clone, Default)]
pub struct KeyTable {
    pub(crate) columns: Arc<Columns>,
    to_come: usize,
}

/// Between label and check value, and after each row: no word of a filter has
/// it, so nothing is found across two fields.
const END: char = '\n';

/// No day is known.
const NO_DAY: i32 = i32::MIN;

/// No id is known. Ids are random; this one is not drawn.
const NO_ID: [u8; 16] = [0; 16];

/// A column of what repeats.
#[derive(Clone, Default)]
pub(crate) struct Repeating {
    /// Each text once.
    pub(crate) texts: Vec<Arc<str>>,
    places: HashMap<Arc<str>, u32>,
    /// Each row's, by its place among the texts.
    pub(crate) rows: Places,
}

impl Repeating {
    fn push(&mut self, text: &str) {
        let place = match self.places.get(text) {
            Some(place) => *place,
            None => {
                let place = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
                let text: Arc<str> = text.into();
                self.texts.push(Arc::clone(&text));
                self.places.insert(text, place);
                place
            }
        };
        self.rows.push(place);
    }

    fn get(&self, at: usize) -> String {
        let place = self.rows.get(at).unwrap_or(usize::MAX);
        self.texts
            .get(place)
            .map(|t| (**t).to_owned())
            .unwrap_or_default()
    }

    fn size_in_bytes(&self) -> usize {
        let texts: usize = self.texts.iter().map(|text| text.len()).sum();
        // A text, its two counts, its handle in the list; handle, place and
        // control byte in a map that is half full.
        let each = 2 * size_of::<usize>() + size_of::<Arc<str>>() + 2 * 25;
        texts + self.texts.len() * each + self.rows.size_in_bytes()
    }
}

/// The columns.
#[derive(Clone, Default)]
pub(crate) struct Columns {
    /// Label, end, check value, end; row after row.
    pub(crate) text: String,
    /// Where a row's text begins. Four gigabytes of text are more than a hundred
    /// million keys; rows beyond would have no text.
    starts: Vec<u32>,
    /// How long its label is.
    labels: Vec<u32>,
    /// Which letters are in its text.
    pub(crate) letters: Vec<u64>,
    /// Rows whose text is not upper-case ASCII, in lower case.
    pub(crate) odd: BTreeMap<u32, String>,
    ids: Vec<[u8; 16]>,
    days_left: Vec<i32>,
    pub(crate) algorithm: Repeating,
    pub(crate) usage: Repeating,
    kcv_method: Repeating,
    pub(crate) state: Repeating,
    template: Repeating,
    under: Repeating,
    pub(crate) expires: Repeating,
    /// Rows by the key they lie under, and where each key's begin.
    below: Vec<u32>,
    below_starts: Vec<u32>,
}

/// The letters of a text as a set: what is not in it is not found in it.
pub(crate) fn letters(text: &str) -> u64 {
    text.bytes().fold(0, |set, byte| {
        let place = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'0'..=b'9' => 26 + byte - b'0',
            b'-' => 36,
            b'.' => 37,
            b'\n' => return set,
            _ => 38,
        };
        set | 1 << place
    })
}

/// Upper-case ASCII, as labels and check values are: a filter finds it without
/// a second copy in lower case.
fn is_plain(text: &str) -> bool {
    text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_lowercase())
}

impl Columns {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn start(&self, at: usize) -> usize {
        let start = self.starts.get(at);
        start.map_or(self.text.len(), |start| *start as usize)
    }

    /// Label and check value.
    pub(crate) fn text(&self, at: usize) -> &str {
        self.text
            .get(self.start(at)..self.start(at + 1))
            .unwrap_or_default()
    }

    fn label(&self, at: usize) -> &str {
        let long = self.labels.get(at).map_or(0, |long| *long as usize);
        self.text(at).get(..long).unwrap_or_default()
    }

    fn kcv(&self, at: usize) -> &str {
        let long = self.labels.get(at).map_or(0, |long| *long as usize);
        self.text(at)
            .get(long + END.len_utf8()..)
            .and_then(|rest| rest.strip_suffix(END))
            .unwrap_or_default()
    }

    fn push(&mut self, row: &KeyRow) {
        let at = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let start = self.text.len();
        self.starts.push(u32::try_from(start).unwrap_or(u32::MAX));
        self.labels
            .push(u32::try_from(row.label.len()).unwrap_or(u32::MAX));
        self.text.push_str(&row.label);
        self.text.push(END);
        self.text.push_str(&row.kcv);
        self.text.push(END);
        let text = self.text.get(start..).unwrap_or_default();
        if is_plain(text) {
            self.letters.push(letters(text));
        } else {
            self.letters.push(u64::MAX);
            self.odd.insert(at, text.to_lowercase());
        }
        self.ids.push(row.id.map_or(NO_ID, |id| id.0));
        self.days_left.push(row.days_left.map_or(NO_DAY, |days| {
            i32::try_from(days.max(i64::from(NO_DAY + 1))).unwrap_or(i32::MAX)
        }));
        self.algorithm.push(&row.algorithm);
        self.usage.push(&row.usage);
        self.kcv_method.push(&row.kcv_method);
        self.state.push(&row.state);
        self.template.push(&row.template);
        self.under.push(&row.under);
        self.expires.push(&row.expires);
    }

    /// Rows by label. Column by column, so that there are never two of all.
    fn sort(&mut self) {
        let many = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..many).collect();
        order.sort_by(|a, b| self.label(*a as usize).cmp(self.label(*b as usize)));
        if !order.is_sorted() {
            self.put_in_order(&order);
        }
    }

    fn put_in_order(&mut self, order: &[u32]) {
        let mut text = String::with_capacity(self.text.len());
        let mut starts = Vec::with_capacity(order.len());
        for at in order {
            starts.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
            text.push_str(self.text(*at as usize));
        }
        self.text = text;
        self.starts = starts;
        let odd = take(&mut self.odd);
        if !odd.is_empty() {
            self.odd = (0u32..)
                .zip(order)
                .filter_map(|(new, old)| Some((new, odd.get(old)?.clone())))
                .collect();
        }
        reorder(&mut self.labels, order);
        reorder(&mut self.letters, order);
        reorder(&mut self.ids, order);
        reorder(&mut self.days_left, order);
        for column in self.repeating() {
            column.rows.put_in_order(order);
        }
    }

    fn repeating(&mut self) -> [&mut Repeating; 7] {
        [
            &mut self.algorithm,
            &mut self.usage,
            &mut self.kcv_method,
            &mut self.state,
            &mut self.template,
            &mut self.under,
            &mut self.expires,
        ]
    }

    /// Which rows lie under which key: counted, then put in their places.
    fn hang(&mut self) {
        let mut starts = vec![0u32; self.under.texts.len() + 1];
        for under in self.under.rows.iter() {
            if let Some(count) = starts.get_mut(under as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut below = vec![0u32; self.under.rows.len()];
        for (row, under) in (0u32..).zip(self.under.rows.iter()) {
            if let Some(place) = next.get_mut(under as usize) {
                if let Some(slot) = below.get_mut(*place as usize) {
                    *slot = row;
                }
                *place += 1;
            }
        }
        self.below = below;
        self.below_starts = starts;
    }

    fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.starts.shrink_to_fit();
        self.labels.shrink_to_fit();
        self.letters.shrink_to_fit();
        self.ids.shrink_to_fit();
        self.days_left.shrink_to_fit();
        for column in self.repeating() {
            column.rows.shrink();
        }
    }
}

fn reorder<T: Copy>(column: &mut Vec<T>, order: &[u32]) {
    *column = order
        .iter()
        .filter_map(|at| column.get(*at as usize).copied())
        .collect();
}

/// Takes rows in any order; the table has them by label.
#[derive(Clone, Default)]
pub struct KeyTableBuilder {
    columns: Columns,
}

impl KeyTableBuilder {
    /// Takes one row. Its detail lines are not kept.
    pub fn push(&mut self, row: &KeyRow) {
        self.columns.push(row);
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What there is so far, to be shown while `to_come` keys are still to be
    /// read.
    #[must_use]
    pub fn so_far(&self, to_come: usize) -> KeyTable {
        KeyTable {
            to_come,
            ..self.clone().finish()
        }
    }

    /// The whole table.
    #[must_use]
    pub fn finish(mut self) -> KeyTable {
        self.columns.sort();
        self.columns.hang();
        self.columns.shrink();
        KeyTable {
            columns: Arc::new(self.columns),
            to_come: 0,
        }
    }
}

impl KeyTable {
    /// Of these rows.
    #[must_use]
    pub fn from_rows(rows: impl IntoIterator<Item = KeyRow>) -> Self {
        let mut builder = KeyTableBuilder::default();
        for row in rows {
            builder.push(&row);
        }
        builder.finish()
    }

    /// How many keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every key of the catalogue is in it.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.to_come == 0
    }

    /// How many keys are still being read.
    #[must_use]
    pub fn to_come(&self) -> usize {
        self.to_come
    }

    /// Whether both are handles on the same rows.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.columns, &other.columns) && self.to_come == other.to_come
    }

    /// A row, without detail lines.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<KeyRow> {
        let c = &*self.columns;
        let days = *c.days_left.get(at)?;
        Some(KeyRow {
            id: self.id(at),
            label: c.label(at).to_owned(),
            algorithm: c.algorithm.get(at),
            usage: c.usage.get(at),
            kcv: c.kcv(at).to_owned(),
            kcv_method: c.kcv_method.get(at),
            state: c.state.get(at),
            template: c.template.get(at),
            under: c.under.get(at),
            expires: c.expires.get(at),
            days_left: (days != NO_DAY).then(|| i64::from(days)),
            detail: Vec::new(),
        })
    }

    /// A row's label.
    #[must_use]
    pub fn label(&self, at: usize) -> Option<&str> {
        (at < self.len()).then(|| self.columns.label(at))
    }

    /// A row's record.
    #[must_use]
    pub fn id(&self, at: usize) -> Option<Id> {
        let id = self.columns.ids.get(at)?;
        (*id != NO_ID).then_some(Id(*id))
    }

    /// The first row with this label.
    #[must_use]
    pub fn find(&self, label: &str) -> Option<usize> {
        self.all_of(label).next()
    }

    /// The rows with this label: more than one where a void key shares it.
    pub fn all_of<'t>(&'t self, label: &'t str) -> impl Iterator<Item = usize> + 't {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from + (to - from) / 2;
            match self.columns.label(middle) < label {
                true => from = middle + 1,
                false => to = middle,
            }
        }
        (from..self.len()).take_while(move |at| self.columns.label(*at) == label)
    }

    /// All rows, by label.
    pub fn iter(&self) -> impl Iterator<Item = KeyRow> + '_ {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// Days until expiry, of the keys that expire.
    pub fn days_left(&self) -> impl Iterator<Item = i64> + '_ {
        let days = self.columns.days_left.iter();
        days.filter(|d| **d != NO_DAY).map(|d| i64::from(*d))
    }

    /// The rows that lie under the key with this label.
    #[must_use]
    pub fn under(&self, label: &str) -> &[u32] {
        let c = &*self.columns;
        let Some(place) = c.under.places.get(label).filter(|_| !label.is_empty()) else {
            return &[];
        };
        let start = |at: usize| c.below_starts.get(at).map_or(0, |s| *s as usize);
        let place = *place as usize;
        c.below
            .get(start(place)..start(place + 1))
            .unwrap_or_default()
    }

    /// What it takes in memory.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        let c = &*self.columns;
        let odd: usize = c.odd.values().map(|text| text.capacity() + 40).sum();
        c.text.capacity()
            + odd
            + c.starts.capacity() * size_of::<u32>()
            + c.labels.capacity() * size_of::<u32>()
            + c.letters.capacity() * size_of::<u64>()
            + c.ids.capacity() * size_of::<[u8; 16]>()
            + c.days_left.capacity() * size_of::<i32>()
            + (c.below.capacity() + c.below_starts.capacity()) * size_of::<u32>()
            + [
                &c.algorithm,
                &c.usage,
                &c.kcv_method,
                &c.state,
                &c.template,
                &c.under,
                &c.expires,
            ]
            .map(Repeating::size_in_bytes)
            .iter()
            .sum::<usize>()
    }
}

impl PartialEq for KeyTable {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || (self.to_come == other.to_come && self.iter().eq(other.iter()))
    }
}

impl Eq for KeyTable {}

impl fmt::Debug for KeyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyTable")
            .field("len", &self.len())
            .field("to_come", &self.to_come)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "key_table_tests.rs"]
mod tests;
