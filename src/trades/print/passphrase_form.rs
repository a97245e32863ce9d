//! The sheet with one half of a key store's passphrase. Its form stands here,
//! as the one of recovery words does: nobody moves the half to the outside.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;

use super::component::write_over;
use super::error::PrintError;
use super::layout::{Eject, Layout, Page};
use super::letters::to_ascii;
use super::sheet::{Fold, Frame, Kind, Piece, Sheet};
use super::{escp, pdf};

/// Characters of one half.
pub const HALF: usize = 28;
/// Characters of a group.
const GROUP: usize = 4;
/// Groups of each line.
const LINES: [usize; 2] = [4, 3];

/// What is printed on the sheet, except the half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HalfForm {
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// The station's name.
    pub station: String,
    /// Who alone reads the inside.
    pub holder: String,
    /// 1 or 2.
    pub half: u8,
    /// The bundle that it opens: `CONCLAVE-0007-TEST`.
    pub bundle: String,
    /// For whom.
    pub recipient: String,
    /// The date.
    pub date: String,
    /// What is to be said of where the keys were made, if anything.
    pub provenance: Option<String>,
}

fn page() -> Layout {
    Layout {
        name: "store-passphrase".into(),
        title: "KEY STORE PASSPHRASE".into(),
        page: Page::A4,
        columns: 80,
        lines: 66,
        outside_lines: 22,
        eject: Eject::WithForm,
        items: Vec::new(),
    }
}

fn lay_out(form: &HalfForm) -> Result<Sheet, PrintError> {
    let placeholder = |groups: usize| vec!["X".repeat(GROUP); groups].join(" ");
    let frame = |line, height| Frame {
        line,
        column: 1,
        width: 80,
        height,
    };
    let fold = |line, text: &str| Fold {
        line,
        text: text.into(),
    };
    let mut sheet = Sheet {
        mode: form.mode,
        pieces: Vec::new(),
        frames: vec![frame(7, 9), frame(27, 10)],
        folds: vec![
            fold(22, "FOLD 2: backwards, this part stays in front"),
            fold(43, "FOLD 1: forwards, over the half"),
        ],
        value_lines: LINES.map(placeholder).to_vec(),
    };
    let mut put = |line, column, width, text: &str, (bold, wide), kind| {
        let text = to_ascii(text).map_err(|character| PrintError::Character {
            field: "passphrase".into(),
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
    let half = format!("HALF {} of 2", form.half);
    let banner = form.mode.to_string();
    put(2, 1, 80, &banner, large, Kind::Banner)?;
    put(5, 1, 54, "KEY STORE PASSPHRASE", large, Kind::Title)?;
    put(5, 57, 24, &form.station, plain, Kind::Data)?;
    put(8, 4, 10, "Held by", plain, Kind::Caption)?;
    put(9, 4, 40, &form.holder, bold, Kind::Data)?;
    put(12, 4, 40, &half, large, Kind::Data)?;
    let of = format!("of {}, for {}", form.bundle, form.recipient);
    put(14, 4, 74, &of, plain, Kind::Data)?;
    for (line, text) in (19..).zip([
        "Only the holder opens this, where the key store is loaded. If the package is",
        "damaged: do not open it, and tell the key managers: the store is made anew.",
    ]) {
        put(line, 1, 80, text, plain, Kind::Caption)?;
    }
    put(24, 1, 80, &banner, plain, Kind::Banner)?;
    put(
        28,
        4,
        70,
        "THE HALF: upper-case letters and digits, without the spaces",
        bold,
        Kind::Caption,
    )?;
    for (k, groups) in LINES.into_iter().enumerate() {
        put(31 + 2 * k, 6, 70, &placeholder(groups), large, Kind::Value)?;
    }
    let below = format!(
        "{}, {half}, station {}, {}",
        form.holder, form.station, form.date
    );
    put(45, 1, 80, &below, plain, Kind::Data)?;
    for (line, text) in (47..).zip([
        "1. Nobody but you looks at this sheet. A character is not legible? Say so now.",
        "2. There is no I, no O, no 0 and no 1 in it. Fold: 1, then 2. Seal it.",
        "3. Carry it by another way than the medium, and than the other half.",
        "4. Where the store is loaded: type it yourself, half 1 first, then half 2.",
        "5. After the load the sheet is destroyed before a witness. There is no copy.",
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
    half: &Secret,
) -> Result<Secret, PrintError> {
    if half.len() != HALF {
        return Err(PrintError::ValueLength {
            found: half.len(),
            expected: HALF,
        });
    }
    write_over(sheet, preview, places, |k, line| {
        let before: usize = LINES.iter().take(k).map(|groups| groups * GROUP).sum();
        let characters = half.expose().get(before..).unwrap_or_default();
        for (place, group) in line.chunks_mut(GROUP + 1).zip(characters.chunks(GROUP)) {
            place
                .get_mut(..GROUP)
                .ok_or(PrintError::PlaceLost(k + 1))?
                .copy_from_slice(group);
        }
        Ok(())
    })
}

/// The sheet as ESC/P with X's in place of the half.
///
/// # Errors
/// [`PrintError`]
pub fn preview_escp(form: &HalfForm) -> Result<Vec<u8>, PrintError> {
    Ok(escp::draw(&page(), &lay_out(form)?).0)
}

/// The sheet as ESC/P, for the enrolled component printer.
///
/// # Errors
/// [`PrintError`]
pub fn render_escp(form: &HalfForm, half: &Secret) -> Result<Secret, PrintError> {
    let sheet = lay_out(form)?;
    let (bytes, places) = escp::draw(&page(), &sheet);
    fill(&sheet, &bytes, &places, half)
}

/// The sheet as a PDF page, for a training printer.
///
/// # Errors
/// [`PrintError`]
pub fn render_pdf(form: &HalfForm, half: &Secret) -> Result<Secret, PrintError> {
    let sheet = lay_out(form)?;
    let (bytes, places) = pdf::draw_form(&page(), &sheet)?;
    fill(&sheet, &bytes, &places, half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_half_stands_inside_whole_and_nowhere_else() {
        let form = HalfForm {
            mode: Mode::Test,
            station: "KEYROOM-TEST".into(),
            holder: "Jürg Öçal".into(),
            half: 2,
            bundle: "CONCLAVE-0007-TEST".into(),
            recipient: "BANK-LAKE".into(),
            date: "24NOV2026".into(),
            provenance: None,
        };
        let text = b"ABCDEFGHJKLMNPQRSTUVWXYZ2345";
        let half = Secret::from_fn(HALF, |to| to.copy_from_slice(text));
        let printed = render_escp(&form, &half).unwrap();
        let printed = String::from_utf8_lossy(printed.expose()).into_owned();
        let (first, second) = ("ABCD EFGH JKLM NPQR", "STUV WXYZ 2345");
        let preview = String::from_utf8_lossy(&preview_escp(&form).unwrap()).into_owned();
        assert!(
            printed.contains(first) && printed.contains(second),
            "{printed}"
        );
        assert!(preview.contains("Juerg"), "{preview}");
        assert_eq!(
            printed
                .replace(first, "XXXX XXXX XXXX XXXX")
                .replace(second, "XXXX XXXX XXXX"),
            preview
        );
        let inside = lay_out(&form).unwrap();
        let values = inside.pieces.iter().filter(|p| p.kind == Kind::Value);
        assert!(values.clone().all(|piece| (25..41).contains(&piece.line)));
        assert_eq!(values.count(), LINES.len());
        let short = Secret::zeroed(HALF - 1);
        assert!(matches!(
            render_escp(&form, &short),
            Err(PrintError::ValueLength { .. })
        ));
    }
}
