//! The component form: a preview that anyone may see, and the printed form
//! that only its custodian may. See [`mailer`] for how.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::device::PrinterLanguage;

use super::error::PrintError;
use super::field::FieldName;
use super::filling::{Content, Filling};
use super::form::ComponentForm;
use super::layout::Layout;
use super::mailer;

/// The form with X's in place of value and check letters. A PDF of it is the
/// only one of a component that a PRODUCTION station may keep (DESIGN 3).
///
/// # Errors
/// [`PrintError`]: a text that the layout cannot print.
pub fn preview(
    layout: &Layout,
    form: &ComponentForm,
    language: PrinterLanguage,
) -> Result<Vec<u8>, PrintError> {
    let filling = filling(layout, form, Content::Sample(form.bytes()))?;
    mailer::preview(layout, &[filling], language)
}

/// The form with its value, for the enrolled component printer. As PDF it may
/// go nowhere but to a training printer outside of a TEST station (DESIGN 3).
///
/// # Errors
/// [`PrintError`]; a value that is not as long as the form's key form says.
pub fn render(
    layout: &Layout,
    form: &ComponentForm,
    value: &Secret,
    language: PrinterLanguage,
) -> Result<Secret, PrintError> {
    if value.len() != form.bytes() {
        return Err(PrintError::ValueLength {
            found: value.len(),
            expected: form.bytes(),
        });
    }
    let filling = filling(layout, form, Content::Secret(value))?;
    mailer::render(layout, &[filling], language)
}

/// [`preview`] as ESC/P.
///
/// # Errors
/// [`PrintError`]
pub fn preview_escp(layout: &Layout, form: &ComponentForm) -> Result<Vec<u8>, PrintError> {
    preview(layout, form, PrinterLanguage::EscP)
}

/// [`preview`] as a PDF page.
///
/// # Errors
/// [`PrintError`]
pub fn preview_pdf(layout: &Layout, form: &ComponentForm) -> Result<Vec<u8>, PrintError> {
    preview(layout, form, PrinterLanguage::Pdf)
}

/// [`render`] as ESC/P.
///
/// # Errors
/// [`PrintError`]
pub fn render_escp(
    layout: &Layout,
    form: &ComponentForm,
    value: &Secret,
) -> Result<Secret, PrintError> {
    render(layout, form, value, PrinterLanguage::EscP)
}

/// [`render`] as a PDF page.
///
/// # Errors
/// [`PrintError`]
pub fn render_pdf(
    layout: &Layout,
    form: &ComponentForm,
    value: &Secret,
) -> Result<Secret, PrintError> {
    render(layout, form, value, PrinterLanguage::Pdf)
}

fn filling<'v>(
    layout: &Layout,
    form: &ComponentForm,
    value: Content<'v>,
) -> Result<Filling<'v>, PrintError> {
    // The part is on every layout, but a form that is none is refused first.
    form.text(FieldName::Part)?;
    let mut filling = Filling::new(form.mode).with(FieldName::Value, value);
    // These are said even where the layout has no place for them: it is
    // refused then.
    let said = [
        FieldName::Provenance,
        FieldName::Quorum,
        FieldName::Fingerprint,
    ];
    for field in layout.fields().into_iter().chain(said) {
        if let Some(text) = form.text(field)? {
            filling = filling.text(field, text);
        }
    }
    Ok(filling)
}
