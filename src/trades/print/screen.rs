//! A layout on a screen: every place with X's and as wide as on the paper,
//! lines and columns counted, the outside and the forms' edges marked.

use conclave_evidence::authority::Mode;
use conclave_keyroom::ports::dialogue::DrawnPage;

use super::error::PrintError;
use super::escp::{lines_and_folds, printed};
use super::filling::Filling;
use super::layout::{Area, Eject, Layout, Page};
use super::sheet::{self, Piece, PieceKind, Sheet};

/// Cells to the left of the paper: the line's number, the sign of the outside,
/// the paper's edge.
const GUTTER: usize = 5;
/// What an empty place of the outside has.
const OUTSIDE: char = '.';

/// The page of X's as lines of text: see [`draw_page`].
///
/// # Errors
/// [`PrintError`]
pub fn screen_preview(layout: &Layout, mode: Mode) -> Result<Vec<String>, PrintError> {
    let page = draw_page(layout, mode)?;
    let mut shown = page.about;
    shown.push(page.ruler);
    shown.extend(page.rows);
    Ok(shown)
}

/// The page of X's in printable ASCII, one cell a column: wide letters take
/// two. Before each line stand its number and, where some of it is outside, an
/// `o`; empty places of the outside are dots. Edges of the paper and between
/// two forms are drawn. Raw escapes are not: they only change letters.
///
/// # Errors
/// [`PrintError`]
pub fn draw_page(layout: &Layout, mode: Mode) -> Result<DrawnPage, PrintError> {
    let fillings: Vec<Filling<'static>> = (0..layout.across)
        .map(|_| Filling::sample(layout, mode))
        .collect();
    let sheet = sheet::lay_out(layout, &fillings)?;
    let columns = layout.paper_columns();
    let tens: String = (1..=columns / 10)
        .map(|ten| format!("{:>10}", ten * 10))
        .collect();
    let mut rows = vec![edge(layout)];
    for (number, line) in (1..).zip(canvas(layout, &sheet)) {
        let outside = areas(layout).any(|area| area.meets(number, area.column, area.width, 0));
        let mark = if outside { 'o' } else { ' ' };
        let text: String = line.into_iter().collect();
        rows.push(format!("{number:>3}{mark}|{text}|"));
    }
    rows.push(edge(layout));
    rows.extend(fields(layout));
    Ok(DrawnPage {
        about: about(layout),
        ruler: format!("{}{tens}", " ".repeat(GUTTER)),
        gutter: GUTTER,
        rows,
    })
}

/// What the page is, in a few lines.
fn about(layout: &Layout) -> Vec<String> {
    let paper = match layout.page {
        Page::A4 => "A4 sheet",
        Page::Letter => "Letter sheet",
        Page::Continuous => "continuous paper",
    };
    let forms = match layout.across {
        1 => "one-up".to_owned(),
        2 => "two-up".to_owned(),
        n => format!("{n}-up"),
    };
    let inches = |count: usize, to_the_inch: usize| {
        format!("{:.1}", count as f32 / to_the_inch.max(1) as f32)
    };
    let eject = match layout.eject {
        Eject::OnConfirmation => "held for its holder",
        Eject::WithForm => "fed out at once",
    };
    let mut about = vec![
        format!(
            "{}, version {}: {}, {}",
            layout.name(),
            layout.version(),
            layout.kind().words(),
            layout.disclosure().words()
        ),
        format!(
            "{paper}, {forms}: {} columns, {} lines, {} by {} in; {eject}",
            layout.columns,
            layout.lines,
            inches(layout.columns, layout.columns_to_the_inch),
            inches(layout.lines, layout.lines_to_the_inch),
        ),
    ];
    if !layout.outside.is_empty() {
        about.push("o and dots: the outside, which can be read without opening".to_owned());
    }
    about
}

/// The areas of the outside on the paper, those of each form.
fn areas(layout: &Layout) -> impl Iterator<Item = Area> {
    (0..layout.across).flat_map(move |form| {
        layout.outside.iter().map(move |area| Area {
            column: area.column + form * layout.offset,
            ..*area
        })
    })
}

/// The paper's upper or lower edge, with each form's number where there are
/// several. A fold between two continuous forms is perforated.
fn edge(layout: &Layout) -> String {
    let (dash, corner) = match layout.page {
        Page::Continuous => ("- ", '+'),
        Page::A4 | Page::Letter => ("--", '+'),
    };
    let mut line: Vec<char> = dash.repeat(layout.paper_columns()).chars().collect();
    line.truncate(layout.paper_columns());
    if layout.across > 1 {
        for form in 0..layout.across {
            let words = format!(" form {} ", form + 1);
            write(&mut line, form * layout.offset + 3, &words, 1);
        }
    }
    let line: String = line.into_iter().collect();
    format!("{}{corner}{line}{corner}", " ".repeat(GUTTER - 1))
}

/// The lines of the paper.
fn canvas(layout: &Layout, sheet: &Sheet) -> Vec<Vec<char>> {
    let mut lines = vec![vec![' '; layout.paper_columns()]; layout.lines];
    for area in areas(layout) {
        for line in lines
            .iter_mut()
            .skip(area.line.saturating_sub(1))
            .take(area.height)
        {
            let cells = line.iter_mut().skip(area.column.saturating_sub(1));
            cells.take(area.width).for_each(|cell| *cell = OUTSIDE);
        }
    }
    // Where there is room between two forms, they are torn apart there.
    if layout.offset > layout.columns {
        for form in 1..layout.across {
            for line in &mut lines {
                write(line, form * layout.offset, ":", 1);
            }
        }
    }
    let drawn = lines_and_folds(sheet);
    for piece in sheet.pieces.iter().chain(&drawn) {
        if matches!(piece.kind, PieceKind::Escape(_)) {
            continue;
        }
        let text = printed(sheet, piece, piece.font);
        if let Some(line) = lines.get_mut(piece.line.saturating_sub(1)) {
            write(line, piece.column, &text, cells(piece));
        }
    }
    lines
}

/// Cells of a letter.
fn cells(piece: &Piece) -> usize {
    piece.font.columns(1)
}

/// Writes text from a column on, counted from 1, so many cells a letter.
fn write(line: &mut [char], column: usize, text: &str, cells: usize) {
    let from = column.saturating_sub(1);
    for (at, letter) in text.chars().enumerate() {
        if let Some(cell) = line.get_mut(from + at * cells) {
            *cell = letter;
        }
        for after in 1..cells {
            if let Some(cell) = line.get_mut(from + at * cells + after) {
                *cell = ' ';
            }
        }
    }
}

/// Which field stands where: line, column, and columns that it may take.
fn fields(layout: &Layout) -> Vec<String> {
    let mut rows = vec!["     line  column  width  field".to_owned()];
    let mut places: Vec<_> = layout.places().collect();
    places.sort_by_key(|(item, _)| (item.line, item.column));
    for (item, place) in places {
        let outside = layout
            .outside
            .iter()
            .any(|area| area.meets(item.line, item.column, place.width, 0));
        let mut what = place.name.to_string();
        if place.repeat > 1 {
            what.push_str(&format!(", {} rows", place.repeat));
        }
        if place.beside > 1 {
            what.push_str(&format!(", {} beside one another", place.beside));
        }
        if place.name.is_secret() {
            what.push_str(", SECRET");
        }
        if outside {
            what.push_str(", outside");
        }
        rows.push(format!(
            "     {:>4}  {:>6}  {:>5}  {what}",
            item.line, item.column, place.width
        ));
    }
    rows
}
