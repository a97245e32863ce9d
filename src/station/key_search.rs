//! Whether a row of a [`KeyTable`] has all the words of a filter, anywhere in
//! what the key list shows of it.

use crate::key_table::{Columns, KeyTable, Repeating, letters};

/// Words, made ready for one table.
#[derive(Clone)]
pub struct KeySearch {
    table: KeyTable,
    words: Vec<Word>,
}

/// A column of what repeats. A plain function of the columns, so that a search
/// can be kept beside the table it is for.
type Column = fn(&Columns) -> &Repeating;

/// What the list shows of a key beside its label and check value.
const COLUMNS: [Column; 4] = [|c| &c.algorithm, |c| &c.usage, |c| &c.state, |c| &c.expires];

#[derive(Clone)]
struct Word {
    lower: String,
    /// As it stands in labels; `None` when it cannot stand there.
    upper: Option<String>,
    letters: u64,
    /// Columns in which some text has the word, and which texts do.
    columns: Vec<(Column, Vec<bool>)>,
}

impl Word {
    fn new(columns: &Columns, word: &str) -> Self {
        let lower = word.to_lowercase();
        let upper = lower.is_ascii().then(|| lower.to_ascii_uppercase());
        let columns = COLUMNS
            .into_iter()
            .map(|column| {
                let texts = column(columns).texts.iter();
                let has = texts.map(|text| text.to_lowercase().contains(&lower));
                (column, has.collect::<Vec<bool>>())
            })
            .filter(|(_, has)| has.contains(&true))
            .collect();
        Self {
            letters: upper.as_deref().map_or(0, letters),
            lower,
            upper,
            columns,
        }
    }

    fn is_in(&self, columns: &Columns, at: usize) -> bool {
        let repeats = self.columns.iter().any(|(column, has)| {
            let place = column(columns).rows.get(at);
            place.and_then(|place| has.get(place)) == Some(&true)
        });
        if repeats {
            return true;
        }
        // Most rows lack a letter of the word: their text is not looked at.
        let there = columns.letters.get(at).copied().unwrap_or_default();
        if there & self.letters != self.letters {
            return false;
        }
        if !columns.odd.is_empty() {
            let odd = u32::try_from(at).ok().and_then(|at| columns.odd.get(&at));
            if let Some(text) = odd {
                return text.contains(&self.lower);
            }
        }
        self.upper
            .as_deref()
            .is_some_and(|word| columns.text(at).contains(word))
    }
}

impl KeySearch {
    /// For rows of `table` that have all of `words`; of upper and lower case no
    /// note is taken.
    #[must_use]
    pub fn new<W: AsRef<str>>(table: &KeyTable, words: &[W]) -> Self {
        let ready = words
            .iter()
            .map(|word| Word::new(&table.columns, word.as_ref()));
        Self {
            words: ready.collect(),
            table: table.clone(),
        }
    }

    /// Whether the row at this place has them.
    #[must_use]
    pub fn passes(&self, at: usize) -> bool {
        let columns = &*self.table.columns;
        self.words.iter().all(|word| word.is_in(columns, at))
    }
}
