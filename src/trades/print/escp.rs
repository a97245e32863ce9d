//! ESC/P, the language of impact printers, and the plain line printer.
//!
//! Each line ends with CR *and* LF, in this order: a printer that moves the
//! paper only would strike the next line over the end of this one. A form feed
//! has a CR before it for the same reason. Nothing is sent that feeds paper by
//! itself.

use std::borrow::Cow;

use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::PrinterLanguage;

use super::escape::EscapeLanguage;
use super::kind::Disclosure;
use super::layout::{Eject, Font, Layout, Page};
use super::sheet::{Piece, PieceKind, Sheet};

/// Feeds a held sheet: to the left edge, form feed, reset.
pub const EJECT: &[u8] = b"\r\x0c\x1b@";
/// The same for a printer that knows no commands.
pub const LINE_EJECT: &[u8] = b"\r\x0c";

/// Reset: an earlier job's settings must not change this one.
pub(super) const RESET: &[u8] = b"\x1b@";
/// 10 characters to the inch.
pub(super) const TEN_PITCH: &[u8] = b"\x1bP";
/// 12 characters to the inch.
const TWELVE_PITCH: &[u8] = b"\x1bM";
/// 6 lines to the inch.
pub(super) const SIX_LINES: &[u8] = b"\x1b2";
/// 8 lines to the inch.
const EIGHT_LINES: &[u8] = b"\x1b0";
/// Followed by the page length in lines.
pub(super) const PAGE_LENGTH: &[u8] = b"\x1bC";
pub(super) const BOLD_ON: &[u8] = b"\x1bE";
pub(super) const BOLD_OFF: &[u8] = b"\x1bF";
pub(super) const WIDE_ON: &[u8] = b"\x1bW1";
pub(super) const WIDE_OFF: &[u8] = b"\x1bW0";
const UNDERLINE_ON: &[u8] = b"\x1b-1";
const UNDERLINE_OFF: &[u8] = b"\x1b-0";
/// The letters of the United States, which are ASCII: other countries print
/// their own in place of brackets and braces.
const ASCII: &[u8] = b"\x1bR\x00";
const DRAFT: &[u8] = b"\x1bx0";
const LETTER_QUALITY: &[u8] = b"\x1bx1";
/// Each dot twice: through the parts of a carbonless form.
const DOUBLE_STRIKE: &[u8] = b"\x1bG";

/// What a printer of text understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// What all ESC/P printers do.
    Plain,
    NinePin,
    TwentyFourPin,
    /// No commands.
    Line,
}

impl Dialect {
    fn of(language: PrinterLanguage) -> Self {
        match language {
            PrinterLanguage::EscP9 => Self::NinePin,
            PrinterLanguage::EscP24 => Self::TwentyFourPin,
            PrinterLanguage::Line => Self::Line,
            PrinterLanguage::EscP | PrinterLanguage::Pdf | PrinterLanguage::Pcl5 => Self::Plain,
        }
    }
}

fn begin(layout: &Layout, dialect: Dialect, out: &mut Vec<u8>) {
    if dialect == Dialect::Line {
        return;
    }
    out.extend_from_slice(RESET);
    if dialect != Dialect::Plain {
        out.extend_from_slice(ASCII);
    }
    match dialect {
        Dialect::NinePin => out.extend_from_slice(DRAFT),
        Dialect::TwentyFourPin => out.extend_from_slice(LETTER_QUALITY),
        _ => {}
    }
    let pitch = match layout.columns_to_the_inch {
        12 => TWELVE_PITCH,
        _ => TEN_PITCH,
    };
    let spacing = match layout.lines_to_the_inch {
        8 => EIGHT_LINES,
        _ => SIX_LINES,
    };
    for command in [pitch, spacing, PAGE_LENGTH] {
        out.extend_from_slice(command);
    }
    out.push(u8::try_from(layout.lines).unwrap_or(66));
    let parts = layout.page == Page::Continuous && layout.disclosure == Disclosure::BlindMailer;
    if parts && dialect == Dialect::NinePin {
        out.extend_from_slice(DOUBLE_STRIKE);
    }
}

/// The sheet with X's, and where each line of a secret starts in it.
pub(super) fn draw(
    layout: &Layout,
    sheet: &Sheet,
    language: PrinterLanguage,
) -> (Vec<u8>, Vec<usize>) {
    let dialect = Dialect::of(language);
    let mut pieces = sheet.pieces.clone();
    pieces.extend(lines_and_folds(sheet));
    pieces.sort_by_key(|piece| (piece.line, piece.column));

    let mut out = Vec::new();
    let mut places = Vec::new();
    begin(layout, dialect, &mut out);
    let (mut line, mut column) = (1, 1);
    for piece in &pieces {
        let escape = match piece.kind {
            PieceKind::Escape(EscapeLanguage::EscP) if dialect != Dialect::Line => true,
            PieceKind::Escape(_) => continue,
            _ => false,
        };
        while line < piece.line {
            out.extend_from_slice(b"\r\n");
            line += 1;
            column = 1;
        }
        if escape {
            out.extend_from_slice(piece.text.as_bytes());
            continue;
        }
        let spaces = piece.column.saturating_sub(column);
        out.extend(std::iter::repeat_n(b' ', spaces));
        let font = match dialect {
            Dialect::Line => Font::default(),
            _ => piece.font,
        };
        switch(font, true, &mut out);
        if piece.kind == PieceKind::Secret {
            places.push(out.len());
        }
        let text = printed(sheet, piece, font);
        out.extend_from_slice(text.as_bytes());
        switch(font, false, &mut out);
        column = piece.column + font.columns(text.len());
    }
    match layout.eject {
        Eject::OnConfirmation => out.push(b'\r'),
        Eject::WithForm if dialect == Dialect::Line => out.extend_from_slice(LINE_EJECT),
        Eject::WithForm => out.extend_from_slice(EJECT),
    }
    (out, places)
}

fn switch(font: Font, on: bool, out: &mut Vec<u8>) {
    let all = [
        (font.bold, BOLD_ON, BOLD_OFF),
        (font.wide, WIDE_ON, WIDE_OFF),
        (font.underline, UNDERLINE_ON, UNDERLINE_OFF),
    ];
    if on {
        for (_, command, _) in all.iter().filter(|(has, ..)| *has) {
            out.extend_from_slice(command);
        }
    } else {
        for (_, _, command) in all.iter().rev().filter(|(has, ..)| *has) {
            out.extend_from_slice(command);
        }
    }
}

/// The piece's text; TEST again and again over the banner's whole width, as
/// letters are all there is to warn with.
pub(super) fn printed<'p>(sheet: &Sheet, piece: &'p Piece, font: Font) -> Cow<'p, str> {
    if piece.kind != PieceKind::Banner || sheet.mode != Mode::Test {
        return Cow::Borrowed(&piece.text);
    }
    let room = font.room(piece.width);
    let times = (room + 4) / (piece.text.len() + 4);
    Cow::Owned(vec![piece.text.as_str(); times.max(1)].join("    "))
}

/// Frames and folds as characters.
pub(super) fn lines_and_folds(sheet: &Sheet) -> Vec<Piece> {
    let plain = |line, column, text: String| Piece {
        line,
        column,
        width: text.len(),
        text,
        font: Font::default(),
        kind: PieceKind::Caption,
        mark: None,
    };
    let mut pieces = Vec::new();
    for fold in &sheet.folds {
        let dashes = "- ".repeat(fold.width);
        let words = format!(" {} ", fold.text);
        let before = fold.width.saturating_sub(words.len()) / 2;
        let after = fold.width.saturating_sub(words.len() + before);
        let cut = |len: usize| dashes.chars().take(len).collect::<String>();
        let text = format!("{}{words}{}", cut(before), cut(after));
        pieces.push(plain(fold.line, fold.column, text.trim_end().to_owned()));
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
