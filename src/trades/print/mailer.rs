//! Forms as bytes for a printer: a preview that anyone may see, and the printed
//! form that only its holder may.
//!
//! Both are the same bytes except for the X's. The page is drawn with X's
//! first; then it is copied into locked memory and the secrets are written over
//! the X's there. So no library, which copies what it gets many times, ever
//! gets a digit.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::PrinterLanguage;

use super::error::PrintError;
use super::filling::Filling;
use super::layout::Layout;
use super::sheet::{self, Sheet};
use super::{escp, pcl, pdf};

/// The page's bytes, and where each line of a secret starts in them.
type Drawn = (Vec<u8>, Vec<usize>);

fn draw(layout: &Layout, sheet: &Sheet, language: PrinterLanguage) -> Result<Drawn, PrintError> {
    match language {
        PrinterLanguage::Pdf => Ok((pdf::draw_form(layout, sheet), Vec::new())),
        PrinterLanguage::Pcl5 => pcl::draw(layout, sheet),
        text => Ok(escp::draw(layout, sheet, text)),
    }
}

/// The forms that stand beside one another on the paper, one for most layouts,
/// with X's in place of every secret.
///
/// # Errors
/// [`PrintError`]: what the layout cannot print.
pub fn preview(
    layout: &Layout,
    fillings: &[Filling<'_>],
    language: PrinterLanguage,
) -> Result<Vec<u8>, PrintError> {
    let sheet = sheet::lay_out(layout, fillings)?;
    Ok(draw(layout, &sheet, language)?.0)
}

/// The forms with their secrets, for an enrolled printer and nowhere else.
///
/// # Errors
/// [`PrintError`]: what the layout cannot print. Nothing of a secret has left
/// locked memory then.
pub fn render(
    layout: &Layout,
    fillings: &[Filling<'_>],
    language: PrinterLanguage,
) -> Result<Secret, PrintError> {
    let sheet = sheet::lay_out(layout, fillings)?;
    let (bytes, places) = draw(layout, &sheet, language)?;
    let places = match language {
        PrinterLanguage::Pdf => pdf::places(&bytes, &sheet)?,
        _ => places,
    };
    let mut page = Secret::from_fn(bytes.len(), |page| page.copy_from_slice(&bytes));
    for (k, (expected, mark)) in sheet.secrets().enumerate() {
        let place = places
            .get(k)
            .and_then(|at| page.expose_mut().get_mut(*at..at + expected.len()))
            .filter(|place| *place == expected.as_bytes())
            .ok_or(PrintError::PlaceLost(k + 1))?;
        mark.write(sheet::content_of(fillings, mark)?, place)?;
    }
    Ok(page)
}

/// A full form of X's, in every place of the layout: to approve the layout, to
/// bring forms into line before a batch, and to flush a printer after it.
///
/// # Errors
/// [`PrintError`]
pub fn sample(
    layout: &Layout,
    mode: Mode,
    language: PrinterLanguage,
) -> Result<Vec<u8>, PrintError> {
    let fillings: Vec<Filling<'static>> = (0..layout.across())
        .map(|_| Filling::sample(layout, mode))
        .collect();
    preview(layout, &fillings, language)
}

/// What is sent after the last form of a batch: twice a full form of X's over
/// whatever a printer's memory has of the last one, fed out, and a reset. A
/// laser printer is switched off afterwards all the same: a reset does not
/// promise that its memory is overwritten.
///
/// # Errors
/// [`PrintError`]
pub fn flush(
    layout: &Layout,
    mode: Mode,
    language: PrinterLanguage,
) -> Result<Vec<u8>, PrintError> {
    let form = sample(layout, mode, language)?;
    let mut out = Vec::new();
    for _ in 0..2 {
        out.extend_from_slice(&form);
        if layout.eject() == super::layout::Eject::OnConfirmation {
            out.extend_from_slice(eject(language));
        }
    }
    Ok(out)
}

/// What feeds a held form out.
#[must_use]
pub fn eject(language: PrinterLanguage) -> &'static [u8] {
    match language {
        PrinterLanguage::Pdf => b"",
        PrinterLanguage::Pcl5 => pcl::EJECT,
        PrinterLanguage::Line => escp::LINE_EJECT,
        PrinterLanguage::EscP | PrinterLanguage::EscP9 | PrinterLanguage::EscP24 => escp::EJECT,
    }
}
