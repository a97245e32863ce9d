//! The sheet with a recovery member's words. Its form stands here and not in a
//! layout file: there is one, and nobody moves the words to the outside.

use conclave_crypto::primitive::passphrase::{LONGEST, PRINTED, Passphrase};
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;

use super::component::write_over;
use super::error::PrintError;
use super::layout::{Eject, Layout, Page};
use super::letters::to_ascii;
use super::sheet::{Fold, Frame, Kind, Piece, Sheet};
use super::{escp, pdf};

/// Words on a line.
const PER_LINE: usize = 3;
/// A cell: the number, a space, the word's place and a space.
const CELL: usize = 3 + LONGEST + 1;

/// What is printed on the sheet, except the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordsForm {
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// The station's name.
    pub station: String,
    /// Who alone reads the inside.
    pub holder: String,
    /// Which member of the recovery group, from 1.
    pub part: u8,
    /// How many the group has.
    pub of: u8,
    /// The last digits of the member's id, as the screen shows them.
    pub member: String,
    /// The date.
    pub date: String,
    /// What is to be said of where the words were made, if anything.
    pub provenance: Option<String>,
}

/// Line `k` with X's: `` 1 XXXXXXXX  2 XXXXXXXX``, always as long.
fn placeholder(k: usize) -> String {
    let cells: Vec<String> = (k * PER_LINE..((k + 1) * PER_LINE).min(PRINTED))
        .map(|at| format!("{:>2} {}", at + 1, "X".repeat(LONGEST)))
        .collect();
    cells.join(" ")
}

fn page() -> Layout {
    Layout {
        name: "recovery-words".into(),
        title: "RECOVERY WORDS".into(),
        page: Page::A4,
        columns: 80,
        lines: 66,
        outside_lines: 22,
        eject: Eject::WithForm,
        items: Vec::new(),
    }
}

fn lay_out(form: &WordsForm) -> Result<Sheet, PrintError> {
    let mut sheet = Sheet {
        mode: form.mode,
        pieces: Vec::new(),
        frames: vec![
            Frame {
                line: 7,
                column: 1,
                width: 80,
                height: 9,
            },
            Frame {
                line: 27,
                column: 1,
                width: 80,
                height: 14,
            },
        ],
        folds: vec![
            Fold {
                line: 22,
                text: "FOLD 2: backwards, this part stays in front".into(),
            },
            Fold {
                line: 43,
                text: "FOLD 1: forwards, over the words".into(),
            },
        ],
        value_lines: (0..PRINTED.div_ceil(PER_LINE)).map(placeholder).collect(),
    };
    let mut put = |line, column, width, text: &str, (bold, wide), kind| {
        let text = to_ascii(text).map_err(|character| PrintError::Character {
            field: "recovery words".into(),
            character,
        })?;
        sheet.pieces.push(Piece {
            line,
            column,
            width,
            text,
            bold,
            wide,
            kind,
        });
        Ok::<_, PrintError>(())
    };
    let (plain, bold, large) = ((false, false), (true, false), (true, true));
    let part = format!("PART {} of {}", form.part, form.of);
    let banner = form.mode.to_string();
    put(2, 1, 80, &banner, large, Kind::Banner)?;
    put(5, 1, 50, "RECOVERY WORDS", large, Kind::Title)?;
    put(5, 57, 24, &form.station, plain, Kind::Data)?;
    put(8, 4, 10, "Held by", plain, Kind::Caption)?;
    put(9, 4, 40, &form.holder, bold, Kind::Data)?;
    put(12, 4, 40, &part, large, Kind::Data)?;
    put(
        14,
        4,
        74,
        &format!("Group Recovery, member {}", form.member),
        plain,
        Kind::Data,
    )?;
    put(
        19,
        1,
        80,
        "Only the holder opens this. If the package is damaged: do not open it, and tell",
        plain,
        Kind::Caption,
    )?;
    put(
        20,
        1,
        80,
        "the security administrators, who have new words made.",
        plain,
        Kind::Caption,
    )?;
    put(24, 1, 80, &banner, plain, Kind::Banner)?;
    put(
        28,
        4,
        70,
        "THE WORDS, in this order; the last two check the others",
        bold,
        Kind::Caption,
    )?;
    for k in 0..PRINTED.div_ceil(PER_LINE) {
        put(30 + 2 * k, 6, 70, &placeholder(k), large, Kind::Value)?;
    }
    put(
        45,
        1,
        80,
        &format!(
            "{}, {part}, station {}, {}",
            form.holder, form.station, form.date
        ),
        plain,
        Kind::Data,
    )?;
    for (line, text) in (47..).zip([
        "1. Nobody but you looks at this sheet. A word is not legible? Say so now.",
        "2. Type the words back once at the station, and fold: 1, then 2. Seal it.",
        "3. Whoever reads these words is you, at a restore. No copy, no photograph.",
        "4. They are typed at a restore, a recovery, a rehearsal or a renewal only.",
        "5. New words make these worthless: bring the sheet back, to be destroyed.",
    ]) {
        put(line, 1, 80, text, plain, Kind::Caption)?;
    }
    if let Some(provenance) = &form.provenance {
        put(64, 1, 80, provenance, bold, Kind::Data)?;
    }
    sheet.pieces.sort_by_key(|piece| (piece.line, piece.column));
    Ok(sheet)
}

fn fill(
    sheet: &Sheet,
    preview: &[u8],
    places: &[usize],
    words: &Passphrase,
) -> Result<Secret, PrintError> {
    write_over(sheet, preview, places, |k, line| {
        for at in k * PER_LINE..((k + 1) * PER_LINE).min(PRINTED) {
            let from = (at % PER_LINE) * CELL + 3;
            let place = line.get_mut(from..from + LONGEST);
            words.write(at, place.ok_or(PrintError::PlaceLost(k + 1))?);
        }
        Ok(())
    })
}

/// The sheet as ESC/P with X's in place of the words.
///
/// # Errors
/// [`PrintError`]
pub fn preview_escp(form: &WordsForm) -> Result<Vec<u8>, PrintError> {
    Ok(escp::draw(&page(), &lay_out(form)?).0)
}

/// The sheet as ESC/P, for the enrolled component printer.
///
/// # Errors
/// [`PrintError`]
pub fn render_escp(form: &WordsForm, words: &Passphrase) -> Result<Secret, PrintError> {
    let sheet = lay_out(form)?;
    let (bytes, places) = escp::draw(&page(), &sheet);
    fill(&sheet, &bytes, &places, words)
}

/// The sheet as a PDF page, for a training printer.
///
/// # Errors
/// [`PrintError`]
pub fn render_pdf(form: &WordsForm, words: &Passphrase) -> Result<Secret, PrintError> {
    let sheet = lay_out(form)?;
    let (bytes, places) = pdf::draw_form(&page(), &sheet)?;
    fill(&sheet, &bytes, &places, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_its_place_inside_and_none_outside() {
        let form = WordsForm {
            mode: Mode::Test,
            station: "KEYROOM-TEST".into(),
            holder: "Jürg Öçal".into(),
            part: 5,
            of: 5,
            member: "AB12".into(),
            date: "24NOV2026".into(),
            provenance: None,
        };
        let sheet = lay_out(&form).unwrap();
        assert_eq!(sheet.value_lines.len(), 5);
        let values: Vec<&Piece> = sheet
            .pieces
            .iter()
            .filter(|piece| piece.kind == Kind::Value)
            .collect();
        assert!(
            values
                .iter()
                .all(|piece| piece.line > 22 + 2 && piece.line < 41)
        );
        assert!(values.iter().all(|piece| 2 * piece.text.len() <= 70));
        let numbers: Vec<String> = (1..=PRINTED).map(|n| format!("{n:>2} XXXXXXXX")).collect();
        let text: Vec<&str> = values.iter().map(|piece| piece.text.as_str()).collect();
        let text = text.join(" ");
        assert!(numbers.iter().all(|number| text.contains(number)), "{text}");
        let preview = String::from_utf8(preview_escp(&form).unwrap()).unwrap();
        assert!(preview.contains("Juerg"), "{preview}");
    }
}
