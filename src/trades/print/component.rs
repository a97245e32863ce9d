//! The component form: a preview that anyone may see, and the printed form
//! that only its custodian may.
//!
//! Both are the same bytes except for the X's. The page is drawn with X's
//! first; then it is copied into locked memory and digits and check letters
//! are written over the X's there. So the PDF library, which copies what it
//! gets many times, never gets a digit.

use conclave_crypto::secret::Secret;

use super::check::LINE_BYTES;
use super::error::PrintError;
use super::form::ComponentForm;
use super::layout::Layout;
use super::sheet::{self, Sheet};
use super::{escp, pdf};

/// The form as ESC/P with X's in place of value and check letters.
///
/// # Errors
/// [`PrintError`]: a text that the layout cannot print.
pub fn preview_escp(layout: &Layout, form: &ComponentForm) -> Result<Vec<u8>, PrintError> {
    let sheet = sheet::lay_out(layout, form)?;
    Ok(escp::draw(layout, &sheet).0)
}

/// The form as a PDF page with X's in place of value and check letters: the
/// only PDF of a component that a PRODUCTION station may keep (DESIGN 3).
///
/// # Errors
/// [`PrintError`]
pub fn preview_pdf(layout: &Layout, form: &ComponentForm) -> Result<Vec<u8>, PrintError> {
    let sheet = sheet::lay_out(layout, form)?;
    Ok(pdf::draw_form(layout, &sheet)?.0)
}

/// The form as ESC/P with its value, for the enrolled component printer.
///
/// # Errors
/// [`PrintError`]; a value that is not as long as the form's key form says.
pub fn render_escp(
    layout: &Layout,
    form: &ComponentForm,
    value: &Secret,
) -> Result<Secret, PrintError> {
    let sheet = sheet::lay_out(layout, form)?;
    let (bytes, places) = escp::draw(layout, &sheet);
    fill(form, &sheet, &bytes, &places, value)
}

/// The form as a PDF page with its value, for an enrolled component printer
/// that takes PDF. Outside of a TEST station it may go nowhere else (DESIGN 3).
///
/// # Errors
/// [`PrintError`]
pub fn render_pdf(
    layout: &Layout,
    form: &ComponentForm,
    value: &Secret,
) -> Result<Secret, PrintError> {
    let sheet = sheet::lay_out(layout, form)?;
    let (bytes, places) = pdf::draw_form(layout, &sheet)?;
    fill(form, &sheet, &bytes, &places, value)
}

/// Copies the preview into locked memory and writes the value over its X's.
fn fill(
    form: &ComponentForm,
    sheet: &Sheet,
    preview: &[u8],
    places: &[usize],
    value: &Secret,
) -> Result<Secret, PrintError> {
    if value.len() != form.form.bytes() {
        return Err(PrintError::ValueLength {
            found: value.len(),
            expected: form.form.bytes(),
        });
    }
    write_over(sheet, preview, places, |k, place| {
        let bytes = value
            .expose()
            .get(k * LINE_BYTES..(k + 1) * LINE_BYTES)
            .ok_or(PrintError::PlaceLost(k + 1))?;
        sheet::fill_line(place, k, bytes);
        Ok(())
    })
}

/// Copies a preview into locked memory, and has each of its value lines, with
/// its X's, written over there.
pub(super) fn write_over(
    sheet: &Sheet,
    preview: &[u8],
    places: &[usize],
    mut write: impl FnMut(usize, &mut [u8]) -> Result<(), PrintError>,
) -> Result<Secret, PrintError> {
    let mut page = Secret::from_fn(preview.len(), |page| page.copy_from_slice(preview));
    for (k, expected) in sheet.value_lines.iter().enumerate() {
        let place = places
            .get(k)
            .and_then(|at| page.expose_mut().get_mut(*at..at + expected.len()))
            .filter(|place| *place == expected.as_bytes())
            .ok_or(PrintError::PlaceLost(k + 1))?;
        write(k, place)?;
    }
    Ok(page)
}
