//! Forms without a secret: envelopes, label strips, exchange letters. They are filled
//! from records and leave through a report printer, never through one for components
//! (R10).

use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::PrinterPurpose;
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::ports::Ports;

use super::approval::may_begin;
use super::enrolment::{fit, on_record};
use super::field::FieldName;
use super::filling::Filling;
use super::kind::Kind;
use super::layout::{Eject, Layout};
use super::mailer;
use super::print_report::send;

/// What a form without a secret says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenForm {
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// What stands in which field; lines of one field have `\n` between them.
    pub texts: Vec<(FieldName, String)>,
}

impl OpenForm {
    /// Fills the fields that the layout has. What it has beyond what the form says stays
    /// empty, and is filled in by hand.
    #[must_use]
    pub fn filling(&self, layout: &Layout) -> Filling<'static> {
        let open = |field: &FieldName| !field.is_secret();
        layout
            .fields()
            .into_iter()
            .filter(open)
            .fold(Filling::new(self.mode), |filling, field| {
                let said = self.texts.iter().find(|(of, _)| *of == field);
                filling.text(field, said.map_or("", |(_, text)| text.as_str()))
            })
    }
}

/// A layout of this kind by which forms may be printed here.
///
/// # Errors
/// [`ActionError`]: it breaks a rule, nobody approved it, it is of another kind or has a
/// secret.
pub(crate) fn layout_of(
    permit: &Permit<'_>,
    text: &str,
    kind: Kind,
) -> Result<Layout, ActionError> {
    let layout = may_begin(permit, text)?;
    if layout.kind() == kind && !kind.has_secret() {
        return Ok(layout);
    }
    Err(ActionError::rule(
        format!(
            "{} is a layout for another form: {}, not {}",
            layout.name(),
            layout.kind().words(),
            kind.words()
        ),
        "Have the layout corrected.",
    ))
}

/// Prints the form once, on a printer of that name that is enrolled for reports.
///
/// # Errors
/// [`ActionError`]; [`ActionError::Unknown`] where a part of it may be on paper.
pub(crate) fn print(
    permit: &Permit<'_>,
    ports: &mut Ports<'_>,
    (printer, title): (&str, &str),
    layout: &Layout,
    form: &OpenForm,
) -> Result<(), ActionError> {
    let enrolled = on_record(permit)?;
    let record = fit(form.mode, &enrolled, printer, PrinterPurpose::Reports).map_err(|e| {
        ActionError::rule(
            e.to_string(),
            "Forms without a secret leave through a printer enrolled for reports only (R10).",
        )
    })?;
    let language = record.language;
    let mut page = mailer::preview(layout, &[form.filling(layout)], language).map_err(|e| {
        ActionError::rule(
            e.to_string(),
            "Have the layout corrected, or use another printer.",
        )
    })?;
    // Nobody stands there to take it: it is fed out at once.
    if layout.eject() == Eject::OnConfirmation {
        page.extend_from_slice(mailer::eject(language));
    }
    send(permit, ports, record, title, page)
}
