//! The rules a layout keeps. They stand in code, not in the file: whoever
//! writes a layout cannot move the value to the outside.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{LayoutError, LayoutFault};
use super::layout::{FieldName, Item, Layout, VALUE_CHARS, VALUE_LINES, VALUE_STEP, What};
use super::letters::has_value_group;

/// What may be read without opening the form (`ceremony.md` section 4).
const OUTSIDE: [FieldName; 7] = [
    FieldName::Banner,
    FieldName::Title,
    FieldName::Station,
    FieldName::Label,
    FieldName::Part,
    FieldName::Group,
    FieldName::Custodian,
];
/// What the outside must say.
const OUTSIDE_NEEDS: [FieldName; 4] = [
    FieldName::Banner,
    FieldName::Label,
    FieldName::Part,
    FieldName::Custodian,
];
/// What the inside must say.
const INSIDE_NEEDS: [FieldName; 9] = [
    FieldName::Banner,
    FieldName::Label,
    FieldName::Algorithm,
    FieldName::Part,
    FieldName::Kcv,
    FieldName::Ceremony,
    FieldName::Date,
    FieldName::Serial,
    FieldName::Value,
];
/// Empty lines between the outside and the value.
const GUARD: usize = 2;

/// Fewest columns of a field, so that everything the station may put into it
/// fits: a label has up to 40 characters, a name up to 24.
fn least_width(name: FieldName) -> usize {
    match name {
        FieldName::Banner => 10,
        FieldName::Title | FieldName::Group | FieldName::Purpose => 12,
        FieldName::Station | FieldName::Custodian => 24,
        FieldName::Label => 40,
        FieldName::Provenance => 42,
        FieldName::Algorithm => 17,
        FieldName::Part => 16,
        FieldName::Kcv | FieldName::KeyKcv | FieldName::Quorum => 21,
        FieldName::Ceremony => 8,
        FieldName::Date => 9,
        FieldName::Serial => 20,
        FieldName::Value => VALUE_CHARS,
    }
}

fn at(item: &Item, fault: LayoutFault) -> LayoutError {
    LayoutError {
        file_line: Some(item.file_line),
        fault,
    }
}

fn whole(fault: LayoutFault) -> LayoutError {
    LayoutError {
        file_line: None,
        fault,
    }
}

/// Refuses what a form must not be.
pub fn check(layout: &Layout) -> Result<(), LayoutError> {
    sizes(layout)?;
    letters("the name", &layout.name).map_err(whole)?;
    letters("the title", &layout.title).map_err(whole)?;
    for item in &layout.items {
        words(item)?;
        areas(layout, item)?;
    }
    places(layout)?;
    counts(layout)?;
    let folds = layout
        .items
        .iter()
        .any(|item| matches!(item.what, What::Fold { .. }) && item.line == layout.outside_lines);
    if folds {
        Ok(())
    } else {
        Err(whole(LayoutFault::NoFold(layout.outside_lines)))
    }
}

fn sizes(layout: &Layout) -> Result<(), LayoutError> {
    let size = |what, found: usize, least, most| {
        if (least..=most).contains(&found) {
            Ok(())
        } else {
            Err(whole(LayoutFault::Size {
                what,
                found,
                least,
                most,
            }))
        }
    };
    size("columns", layout.columns, 68, 80)?;
    size("lines", layout.lines, 24, layout.page.most_lines())?;
    size(
        "outside_lines",
        layout.outside_lines,
        6,
        layout.lines.saturating_sub(GUARD + 1),
    )
}

/// A fixed text: printable ASCII, not empty, not like a value.
fn letters(item: &str, text: &str) -> Result<(), LayoutFault> {
    if text.trim().is_empty() {
        return Err(LayoutFault::Empty(item.to_owned()));
    }
    if let Some(character) = text.chars().find(|c| !matches!(c, ' '..='~')) {
        return Err(LayoutFault::Character {
            item: item.to_owned(),
            character,
        });
    }
    if has_value_group(text) {
        return Err(LayoutFault::LooksLikeValue(item.to_owned()));
    }
    Ok(())
}

fn words(item: &Item) -> Result<(), LayoutError> {
    match &item.what {
        What::Text { text, .. } | What::Fold { text } => {
            letters(&item.title(), text).map_err(|fault| at(item, fault))
        }
        What::Frame { width, height } if *width < 2 || *height < 2 => {
            Err(at(item, LayoutFault::Empty(item.title())))
        }
        What::Field {
            name, width, wide, ..
        } => {
            let least = least_width(*name);
            // The value is counted in its characters, which may be wide.
            let width = match (*name, *wide) {
                (FieldName::Serial, _) | (_, false) => *width,
                (_, true) => *width / 2,
            };
            if width < least {
                return Err(at(
                    item,
                    LayoutFault::Narrow {
                        field: *name,
                        width,
                        least,
                    },
                ));
            }
            Ok(())
        }
        What::Frame { .. } => Ok(()),
    }
}

fn areas(layout: &Layout, item: &Item) -> Result<(), LayoutError> {
    let What::Field { name, .. } = item.what else {
        return Ok(());
    };
    if item.line > layout.outside_lines {
        if name == FieldName::Value && item.line <= layout.outside_lines + GUARD {
            return Err(at(item, LayoutFault::NearOutside(GUARD)));
        }
        return Ok(());
    }
    if OUTSIDE.contains(&name) {
        Ok(())
    } else {
        Err(at(
            item,
            LayoutFault::Outside {
                field: name,
                line: item.line,
            },
        ))
    }
}

/// The cells that an item prints on, as runs (line, column, width).
fn runs(layout: &Layout, item: &Item) -> Vec<(usize, usize, usize)> {
    match &item.what {
        What::Field {
            name: FieldName::Value,
            width,
            ..
        } => (0..VALUE_LINES)
            .map(|k| {
                let line = item.line.saturating_add(k * VALUE_STEP);
                (line, item.column, *width)
            })
            .collect(),
        What::Field { width, .. } => vec![(item.line, item.column, *width)],
        What::Text { text, wide, .. } => {
            let width = if *wide { 2 * text.len() } else { text.len() };
            vec![(item.line, item.column, width)]
        }
        What::Fold { text } => {
            // A dashed line through the form, with at least five dashes and a
            // space on each side of its words.
            vec![(item.line, 1, layout.columns.max(text.len() + 12))]
        }
        What::Frame { width, height } => {
            let last = item.line.saturating_add(height.saturating_sub(1));
            let right = item.column.saturating_add(width.saturating_sub(1));
            let mut runs = vec![
                (item.line, item.column, *width),
                (last, item.column, *width),
            ];
            // No more lines than the form can have: the corner says the rest.
            for line in item.line.saturating_add(1)..last.min(layout.lines + 1) {
                runs.push((line, item.column, 1));
                runs.push((line, right, 1));
            }
            runs
        }
    }
}

fn places(layout: &Layout) -> Result<(), LayoutError> {
    let mut taken: BTreeMap<(usize, usize), &Item> = BTreeMap::new();
    for item in &layout.items {
        for (line, column, width) in runs(layout, item) {
            let end = column.saturating_add(width);
            let fits = line >= 1
                && column >= 1
                && line <= layout.lines
                && width <= layout.columns
                && end <= layout.columns + 1;
            if !fits {
                return Err(at(
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
            for cell in column..end {
                if let Some(other) = taken.insert((line, cell), item) {
                    return Err(at(
                        item,
                        LayoutFault::Overlap {
                            item: item.title(),
                            other: other.title(),
                            line,
                            column: cell,
                        },
                    ));
                }
            }
        }
    }
    Ok(())
}

fn counts(layout: &Layout) -> Result<(), LayoutError> {
    let mut seen = BTreeSet::new();
    for item in &layout.items {
        if let What::Field { name, .. } = item.what {
            let area = area(item.line <= layout.outside_lines);
            if !seen.insert((name, area)) {
                return Err(at(item, LayoutFault::Duplicate { field: name, area }));
            }
        }
    }
    let needs = OUTSIDE_NEEDS
        .iter()
        .map(|field| (*field, area(true)))
        .chain(INSIDE_NEEDS.iter().map(|field| (*field, area(false))));
    for (field, area) in needs {
        if !seen.contains(&(field, area)) {
            return Err(whole(LayoutFault::Missing { field, area }));
        }
    }
    Ok(())
}

fn area(outside: bool) -> &'static str {
    if outside { "outside" } else { "inside" }
}
