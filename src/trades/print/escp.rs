//! ESC/P, the language of impact printers: the small part that every one of
//! them has.
//!
//! Each line ends with CR *and* LF, in this order: a printer that moves the
//! paper only would strike the next line over the end of this one. Nothing is
//! sent that feeds paper by itself.

use std::borrow::Cow;

use conclave_evidence::authority::Mode;

use super::layout::{Eject, Layout};
use super::sheet::{Kind, Piece, Sheet};

/// Feeds a held sheet: to the left edge, form feed, reset.
pub const EJECT: &[u8] = b"\r\x0c\x1b@";

/// Reset: an earlier job's settings must not change this one.
pub(super) const RESET: &[u8] = b"\x1b@";
/// 10 characters to the inch.
pub(super) const TEN_PITCH: &[u8] = b"\x1bP";
/// 6 lines to the inch.
pub(super) const SIX_LINES: &[u8] = b"\x1b2";
/// Followed by the page length in lines.
pub(super) const PAGE_LENGTH: &[u8] = b"\x1bC";
pub(super) const BOLD_ON: &[u8] = b"\x1bE";
pub(super) const BOLD_OFF: &[u8] = b"\x1bF";
pub(super) const WIDE_ON: &[u8] = b"\x1bW1";
pub(super) const WIDE_OFF: &[u8] = b"\x1bW0";

/// The sheet with X's, and where each value line starts in it.
pub(super) fn draw(layout: &Layout, sheet: &Sheet) -> (Vec<u8>, Vec<usize>) {
    let mut pieces = sheet.pieces.clone();
    pieces.extend(lines_and_folds(layout, sheet));
    pieces.sort_by_key(|piece| (piece.line, piece.column));

    let mut out = Vec::new();
    let mut places = Vec::new();
    for command in [RESET, TEN_PITCH, SIX_LINES, PAGE_LENGTH] {
        out.extend_from_slice(command);
    }
    out.push(u8::try_from(layout.lines).unwrap_or(66));
    let (mut line, mut column) = (1, 1);
    for piece in &pieces {
        while line < piece.line {
            out.extend_from_slice(b"\r\n");
            line += 1;
            column = 1;
        }
        out.extend(std::iter::repeat_n(
            b' ',
            piece.column.saturating_sub(column),
        ));
        if piece.bold {
            out.extend_from_slice(BOLD_ON);
        }
        if piece.wide {
            out.extend_from_slice(WIDE_ON);
        }
        if piece.kind == Kind::Value {
            places.push(out.len());
        }
        let text = printed(sheet, piece);
        out.extend_from_slice(text.as_bytes());
        if piece.wide {
            out.extend_from_slice(WIDE_OFF);
        }
        if piece.bold {
            out.extend_from_slice(BOLD_OFF);
        }
        column = piece.column + text.len() * if piece.wide { 2 } else { 1 };
    }
    match layout.eject {
        Eject::OnConfirmation => out.push(b'\r'),
        Eject::WithForm => out.extend_from_slice(EJECT),
    }
    (out, places)
}

/// The piece's text; TEST again and again over the banner's whole width, as
/// letters are all there is to warn with.
fn printed<'p>(sheet: &Sheet, piece: &'p Piece) -> Cow<'p, str> {
    if piece.kind != Kind::Banner || sheet.mode != Mode::Test {
        return Cow::Borrowed(&piece.text);
    }
    let room = if piece.wide {
        piece.width / 2
    } else {
        piece.width
    };
    let times = (room + 4) / (piece.text.len() + 4);
    Cow::Owned(vec![piece.text.as_str(); times.max(1)].join("    "))
}

/// Frames and folds as characters.
fn lines_and_folds(layout: &Layout, sheet: &Sheet) -> Vec<Piece> {
    let plain = |line, column, text: String| Piece {
        line,
        column,
        width: text.len(),
        text,
        bold: false,
        wide: false,
        kind: Kind::Caption,
    };
    let mut pieces = Vec::new();
    for fold in &sheet.folds {
        let dashes = "- ".repeat(layout.columns);
        let words = format!(" {} ", fold.text);
        let before = layout.columns.saturating_sub(words.len()) / 2;
        let after = layout.columns.saturating_sub(words.len() + before);
        let cut = |len: usize| dashes.chars().take(len).collect::<String>();
        let text = format!("{}{words}{}", cut(before), cut(after));
        pieces.push(plain(fold.line, 1, text.trim_end().to_owned()));
    }
    for frame in &sheet.frames {
        let edge = format!("+{}+", "-".repeat(frame.width.saturating_sub(2)));
        let last = frame.line + frame.height.saturating_sub(1);
        let right = frame.column + frame.width.saturating_sub(1);
        pieces.push(plain(frame.line, frame.column, edge.clone()));
        for line in frame.line + 1..last {
            pieces.push(plain(line, frame.column, "|".to_owned()));
            pieces.push(plain(line, right, "|".to_owned()));
        }
        pieces.push(plain(last, frame.column, edge));
    }
    pieces
}
