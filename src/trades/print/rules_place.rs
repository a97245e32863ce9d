//! Where the items of a form stand: what they cover, whether that is outside,
//! and whether it is enough.

use std::collections::{BTreeMap, BTreeSet};

use super::digit_words;
use super::error::{LayoutError, LayoutFault};
use super::field::FieldName as F;
use super::layout::{Area, Item, Layout, Page, Place, What};
use super::marks::{PASSWORD_CHARS, VALUE_CHARS, WORDS_CHARS, WORDS_ROWS};
use super::rules::at;

/// Most rows of a field: their numbers have two digits.
const MOST_ROWS: usize = 99;
/// Lines of a prime of an RSA pair of 4096 bits.
const PRIME_LINES: usize = 32;
/// Lines of a value on one row.
const MOST_BESIDE: usize = 2;
/// Wider than any form, in columns.
const MOST_CELLS: usize = 1000;

/// The cells that an item prints on, as runs (line, column, width).
fn runs(layout: &Layout, item: &Item) -> Vec<(usize, usize, usize)> {
    let (line, column) = (item.line, item.column);
    match &item.what {
        What::Field(place) => (0..place.lines().min(MOST_ROWS))
            .filter_map(|k| place.row(k))
            .map(|(down, right)| {
                (
                    line.saturating_add(down),
                    column.saturating_add(right),
                    place.width,
                )
            })
            .collect(),
        What::Text { text, font } => vec![(line, column, font.columns(text.len()))],
        What::Fold { text } => {
            // A dashed line through the form, with at least five dashes and a
            // space on each side of its words.
            vec![(line, 1, layout.columns.max(text.len() + 12))]
        }
        What::Frame { width, height } => {
            let last = line.saturating_add(height.saturating_sub(1));
            let right = column.saturating_add(width.saturating_sub(1));
            let mut runs = vec![(line, column, *width), (last, column, *width)];
            // No more lines than the form can have: the corner says the rest.
            for line in line.saturating_add(1)..last.min(layout.lines + 1) {
                runs.push((line, column, 1));
                runs.push((line, right, 1));
            }
            runs
        }
        What::Escape { .. } => vec![(line, column, 0)],
    }
}

/// The runs that ink falls on: wide letters are twice as high on a page, and reach
/// into the line above theirs.
fn inked(layout: &Layout, item: &Item) -> Vec<(usize, usize, usize)> {
    let mut runs = runs(layout, item);
    let wide = match &item.what {
        What::Field(place) => place.font.wide,
        What::Text { font, .. } => font.wide,
        What::Fold { .. } | What::Frame { .. } | What::Escape { .. } => false,
    };
    if wide {
        // Above the first line is the edge of the form.
        let above = runs.iter().filter(|(line, ..)| *line > 1);
        let above: Vec<_> = above.map(|(line, c, w)| (line - 1, *c, *w)).collect();
        runs.extend(above);
    }
    runs
}

/// TRUE when a cell of the item can be read from outside.
pub fn is_outside(layout: &Layout, item: &Item) -> bool {
    let runs = inked(layout, item);
    let meets = |area: &Area| {
        runs.iter()
            .any(|(line, column, width)| area.meets(*line, *column, *width, 0))
    };
    layout.outside.iter().any(meets)
}

/// TRUE when all of the item can be read from outside: what is half under the
/// cover is read by nobody, and what goes beside it is no outside.
pub fn is_wholly_outside(layout: &Layout, item: &Item) -> bool {
    runs(layout, item).iter().all(|(line, column, width)| {
        // Cell by cell: two areas may touch. What is wider than any form is a fault
        // of its own.
        *width <= MOST_CELLS
            && (*column..column.saturating_add(*width)).all(|cell| {
                let areas = &layout.outside;
                areas.iter().any(|area| area.meets(*line, cell, 1, 0))
            })
    })
}

/// TRUE when a cell of the item is less than `guard` cells from the outside, of
/// this form or of one that follows it, goes before it or stands beside it on
/// the paper: one line of slip would show it there.
pub fn near_outside(layout: &Layout, item: &Item, guard: usize) -> bool {
    // The neighbours' outside is this one moved by a form; instead of up or to
    // the left, the item is moved down or to the right.
    let down = match layout.page {
        Page::Continuous => vec![(0, 0), (0, layout.lines), (layout.lines, 0)],
        Page::A4 | Page::Letter => vec![(0, 0)],
    };
    let right = match layout.across {
        2 => vec![(0, 0), (0, layout.offset), (layout.offset, 0)],
        _ => vec![(0, 0)],
    };
    let runs = inked(layout, item);
    let near = |area: &Area, (item_down, area_down), (item_right, area_right)| {
        let area = Area {
            line: area.line.saturating_add(area_down),
            column: area.column.saturating_add(area_right),
            ..*area
        };
        runs.iter().any(|(line, column, width)| {
            let line = line.saturating_add(item_down);
            area.meets(line, column.saturating_add(item_right), *width, guard)
        })
    };
    layout.outside.iter().any(|area| {
        down.iter()
            .any(|down| right.iter().any(|right| near(area, *down, *right)))
    })
}

/// Items beyond the form's edge, and items on one another: each pair once.
pub fn overlaps(layout: &Layout, faults: &mut Vec<LayoutError>) {
    let mut taken: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut told = BTreeSet::new();
    for (number, item) in layout.items.iter().enumerate() {
        let mut beyond = false;
        for (line, column, width) in inked(layout, item) {
            let end = column.saturating_add(width);
            let fits = line >= 1
                && column >= 1
                && line <= layout.lines
                && width <= layout.columns
                && end <= layout.columns + 1;
            if !fits {
                if !beyond {
                    faults.push(at(
                        item,
                        LayoutFault::Overflow {
                            item: item.title(),
                            line,
                            column,
                            lines: layout.lines,
                            columns: layout.columns,
                        },
                    ));
                }
                beyond = true;
                continue;
            }
            for cell in column..end {
                let Some(other) = taken.insert((line, cell), number) else {
                    continue;
                };
                // Its own lines keep the step of its kind.
                if other == number {
                    continue;
                }
                let title = layout.items.get(other).map(Item::title);
                if told.insert((number, other)) {
                    faults.push(at(
                        item,
                        LayoutFault::Overlap {
                            item: item.title(),
                            other: title.unwrap_or_default(),
                            line,
                            column: cell,
                        },
                    ));
                }
            }
        }
    }
}

/// Fewest and most rows of a value: AES-256 has four lines, the longest symmetric key,
/// HMAC with SHA-512, has eight; and where there is the fingerprint of an RSA pair, the
/// prime of the longest one has to fit.
fn value_rows(layout: &Layout, place: &Place) -> (usize, usize) {
    let lines = match layout.has(F::Fingerprint) {
        true => (PRIME_LINES, PRIME_LINES),
        false => (4, 8),
    };
    let beside = place.beside.clamp(1, MOST_BESIDE);
    (lines.0.div_ceil(beside), lines.1 / beside)
}

/// Whether a field has as much room as what may stand there needs.
pub fn room(layout: &Layout, place: &Place) -> Option<LayoutFault> {
    let name = place.name;
    let rows = |what, found: usize, least, most| {
        (!(least..=most).contains(&found)).then_some(LayoutFault::Rows {
            field: name,
            what,
            found,
            least,
            most,
        })
    };
    let (fewest, most) = match name {
        F::Value => value_rows(layout, place),
        F::Fingerprint => (2, 2),
        F::PinWords if place.repeat > 1 => (layout.pin_digits, 12),
        F::Words => (WORDS_ROWS, WORDS_ROWS),
        // Two lines for each of nine components.
        F::Parts => (1, 18),
        name if name.has_rows() => (1, 16),
        _ => (1, 1),
    };
    let most_step = if name.has_rows() { 6 } else { 1 };
    // Wide letters are twice as high on a page.
    let least_step = if place.font.wide && place.repeat > 1 {
        2
    } else {
        1
    };
    let wrong = rows("repeat", place.repeat, fewest, most)
        .or_else(|| rows("step", place.step, least_step, most_step))
        .or_else(|| {
            let most = if name == F::Value { MOST_BESIDE } else { 1 };
            rows("beside", place.beside, 1, most)
        })
        .or_else(|| {
            let found = usize::from(place.spaced);
            rows("spaced", found, 0, usize::from(name == F::Pin))
        });
    if wrong.is_some() {
        return wrong;
    }
    if place.language.is_some() && name != F::PinWords {
        return rows("language", 1, 0, 0);
    }
    let language = place.language.as_deref().unwrap_or(&layout.language);
    let digits = layout.pin_digits;
    let least = match name {
        F::Value => VALUE_CHARS,
        F::Password => PASSWORD_CHARS,
        F::Words => WORDS_CHARS,
        F::Pin if place.spaced => 2 * digits - 1,
        F::Pin => digits,
        F::PinWords => {
            let Some(word) = digit_words::longest(language) else {
                return Some(LayoutFault::Language(language.to_owned()));
            };
            if place.repeat > 1 {
                word
            } else {
                digits * (word + 1) - 1
            }
        }
        other => other.least_width(),
    };
    // A secret is counted in its characters, which may be wide.
    let width = match name {
        F::Serial => place.width,
        _ => place.font.room(place.width),
    };
    (width < least).then_some(LayoutFault::Narrow {
        field: name,
        width,
        least,
    })
}
