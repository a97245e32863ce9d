//! The layout file that a Thales print format becomes.

use std::fmt::Write as _;

use super::field::FieldName;
use super::layout::Area;
use super::thales::{Found, Held, ImportFault, ImportOptions, Pitch};

/// Columns between a field and what stands behind it.
const GAP: usize = 1;

/// The items of one form, and where the second one stands.
pub(super) struct Part {
    items: Vec<Found>,
    /// Columns to the second form; nothing where there is none.
    offset: Option<usize>,
    /// What of the form can be read without opening it.
    outside: Vec<Area>,
    /// Host fields of the second form with those of the first one.
    twins: Vec<(u8, u8)>,
    columns: usize,
}

fn fault(found: &Found, what: &str) -> ImportFault {
    let symbol = match &found.held {
        Held::Text(text) => text.clone(),
        Held::Host(number) => format!("^{number:X}"),
        Held::Pin => "^P".to_owned(),
        Held::SecondPin => "^Q".to_owned(),
        Held::Escape(_) => "|".to_owned(),
    };
    ImportFault {
        at: found.at,
        symbol,
        what: what.to_owned(),
    }
}

impl Part {
    /// Takes the second form apart from the first one, and holds it to being
    /// the same, moved to the right.
    pub fn of(found: &[Found], options: &ImportOptions) -> Result<Self, Vec<ImportFault>> {
        let pin = found.iter().find(|item| item.held == Held::Pin);
        let second = found.iter().find(|item| item.held == Held::SecondPin);
        let (Some(pin), Some(second)) = (pin, second) else {
            return Ok(Self {
                items: found.to_vec(),
                offset: None,
                outside: options.outside.clone(),
                twins: Vec::new(),
                columns: options.columns,
            });
        };
        if second.line != pin.line || second.column <= pin.column {
            let what = "does not stand to the right of ^P, on its line";
            return Err(vec![fault(second, what)]);
        }
        let offset = second.column - pin.column;
        let (left, right): (Vec<&Found>, Vec<&Found>) =
            found.iter().partition(|item| item.column <= offset);
        let mut faults = Vec::new();
        let mut twins = Vec::new();
        let mut met = vec![false; left.len()];
        for item in &right {
            let same_place =
                |first: &&Found| first.line == item.line && first.column + offset == item.column;
            let at = left.iter().position(same_place);
            let first = at.and_then(|at| left.get(at).map(|first| (at, *first)));
            match first {
                Some((at, first)) if same(&first.held, &item.held) => {
                    if let Some(met) = met.get_mut(at) {
                        *met = true;
                    }
                    if let (Held::Host(a), Held::Host(b)) = (&first.held, &item.held) {
                        twins.push((*b, *a));
                    }
                }
                _ => faults.push(fault(
                    item,
                    "has nothing like it on the first form: both forms have to be the same",
                )),
            }
        }
        for (first, met) in left.iter().zip(&met) {
            if !met {
                let what = "has nothing like it on the second form";
                faults.push(fault(first, what));
            }
        }
        if faults.is_empty() {
            Ok(Self {
                items: left.into_iter().cloned().collect(),
                offset: Some(offset),
                outside: options.outside.clone(),
                twins,
                columns: offset,
            })
        } else {
            Err(faults)
        }
    }

    /// The lines of the holder's address, of which a host sends each as a field
    /// of its own: one field with as many rows.
    fn address(&self, options: &ImportOptions) -> Result<Vec<&Found>, Vec<ImportFault>> {
        let is_address = |item: &&Found| match &item.held {
            Held::Host(number) => options.fields.get(number) == Some(&FieldName::Address),
            _ => false,
        };
        let rows: Vec<&Found> = self.items.iter().filter(is_address).collect();
        let step = match rows.as_slice() {
            [first, second, ..] => second.line.saturating_sub(first.line),
            _ => 1,
        };
        let faults: Vec<ImportFault> = rows
            .windows(2)
            .filter_map(|pair| match pair {
                [above, below] if below.column == above.column && step > 0 => {
                    let wanted = above.line.saturating_add(step);
                    (below.line != wanted).then_some(*below)
                }
                [_, below] => Some(*below),
                _ => None,
            })
            .map(|item| {
                let what = "does not follow the address's line above it: all stand in one \
                            column, as far from one another";
                fault(item, what)
            })
            .collect();
        if faults.is_empty() {
            Ok(rows)
        } else {
            Err(faults)
        }
    }

    /// Columns up to what stands behind the item on its line, to where the outside
    /// that it begins in ends, or one begins behind it, or to the edge.
    fn room(&self, item: &Found) -> usize {
        let behind = self.items.iter().filter(|other| {
            other.line == item.line
                && other.column > item.column
                && !matches!(other.held, Held::Escape(_))
        });
        let end = behind.map(|other| other.column.saturating_sub(GAP)).min();
        let end = end.unwrap_or(self.columns + 1).min(self.side_end(item));
        end.saturating_sub(item.column).max(1)
    }

    /// The column behind the last one that is read as the item's first one is, from
    /// outside or under the cover: a field lies on one of the two.
    fn side_end(&self, item: &Found) -> usize {
        let outside = |column: usize| {
            let mut areas = self.outside.iter();
            areas.any(|area| area.meets(item.line, column, 1, 0))
        };
        let begins = outside(item.column);
        let areas = self.outside.iter();
        let edges = areas.flat_map(|area| [area.column, area.column.saturating_add(area.width)]);
        let other = edges.filter(|edge| *edge > item.column && outside(*edge) != begins);
        other.min().unwrap_or(usize::MAX)
    }
}

/// Texts are the same; of fields it is enough that both are the host's.
fn same(first: &Held, second: &Held) -> bool {
    match (first, second) {
        (Held::Pin, Held::SecondPin) | (Held::Host(_), Held::Host(_)) => true,
        (Held::Text(a), Held::Text(b)) => a == b,
        (Held::Escape(a), Held::Escape(b)) => a == b,
        _ => false,
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The layout file.
///
/// # Errors
/// Lines of an address that do not stand below one another.
pub(super) fn layout_text(
    part: &Part,
    pitch: Pitch,
    options: &ImportOptions,
) -> Result<String, Vec<ImportFault>> {
    let address = part.address(options)?;
    let mut out = String::new();
    // Writing to a text cannot fail.
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    line("# From a Thales print format. Compare a page of X's with a form of today before".into());
    line("# it is approved: a format does not say where a form can be read from outside,".into());
    line("# how long the host's fields are, or how long the form is.".into());
    for (second, first) in &part.twins {
        line(format!(
            "# Host field {second:X} was field {first:X} of the second form."
        ));
    }
    line(String::new());
    line(format!("name = {}", quoted(&options.name)));
    line("title = \"PERSONAL\"".into());
    line("version = 1".into());
    line("kind = \"pin-mailer\"".into());
    line("disclosure = \"blind-mailer\"".into());
    line("page = \"continuous\"".into());
    line(format!("columns = {}", part.columns));
    line(format!("lines = {}", options.lines));
    line(format!("columns_to_the_inch = {}", pitch.columns));
    line(format!("lines_to_the_inch = {}", pitch.lines));
    if let Some(offset) = part.offset {
        line("across = 2".into());
        line(format!("offset = {offset}"));
    }
    line(format!("pin_digits = {}", options.pin_digits));
    line("eject = \"with-form\"".into());
    for area in &options.outside {
        line("\n[[outside]]".into());
        line(format!("line = {}\ncolumn = {}", area.line, area.column));
        line(format!("width = {}\nheight = {}", area.width, area.height));
    }
    for item in &part.items {
        let place = format!("line = {}\ncolumn = {}", item.line, item.column);
        let bold = if item.bold { "\nbold = true" } else { "" };
        match &item.held {
            Held::Text(text) if text.trim().is_empty() => continue,
            Held::Text(text) => {
                // Blanks before a text only move it.
                let words = text.trim_start();
                let column = item.column + text.len() - words.len();
                line("\n[[text]]".into());
                line(format!("line = {}\ncolumn = {column}", item.line));
                line(format!("text = {}{bold}", quoted(words.trim_end())));
            }
            Held::Escape(code) => {
                let hex: String = code.iter().map(|byte| format!("{byte:02X}")).collect();
                line("\n[[escape]]".into());
                line(format!("{place}\nprinter = \"esc-p\"\nhex = \"{hex}\""));
            }
            field => {
                let (name, width) = match field {
                    Held::Host(number) => {
                        let named = options.fields.get(number).copied();
                        (named.unwrap_or(FieldName::Host(*number)), part.room(item))
                    }
                    _ => (FieldName::Pin, options.pin_digits),
                };
                let mut place = format!("{place}\nwidth = {width}");
                if name == FieldName::Address {
                    // All its lines at once, with the first of them.
                    if address.first().map(|first| first.at) != Some(item.at) {
                        continue;
                    }
                    place = rows_of(part, &address);
                }
                line("\n[[field]]".into());
                line(format!("name = \"{}\"\n{place}{bold}", name.name()));
            }
        }
    }
    Ok(out)
}

/// The place of several lines, as wide as the narrowest.
fn rows_of(part: &Part, rows: &[&Found]) -> String {
    let first = rows.first().map_or((1, 1), |row| (row.line, row.column));
    let width = rows.iter().map(|row| part.room(row)).min().unwrap_or(1);
    let step = match rows {
        [above, below, ..] => below.line.saturating_sub(above.line),
        _ => 1,
    };
    format!(
        "line = {}\ncolumn = {}\nwidth = {width}\nrepeat = {}\nstep = {step}",
        first.0,
        first.1,
        rows.len()
    )
}
