//! Which printers a batch on closed forms may go to: those on which administrators
//! looked at a page of X's of its layout. Each printer strikes, heats and places in
//! its own way, and nobody sees through a closed form whether the PIN lies where the
//! paper hides it.

use conclave_evidence::{Hash, Id};
use conclave_keyroom::domain::device::PrinterRecord;
use conclave_keyroom::domain::layout_approval::{LayoutApproval, LayoutSample};
use conclave_keyroom::door::{ActionError, Beforehand, Permit};
use conclave_keyroom::vault::{Compartment, VaultError};

use crate::print::{Disclosure, Layout};

/// The pages of X's that administrators printed, and those they approved layouts on.
pub(super) struct Pages {
    approved: Vec<(Id, LayoutApproval)>,
    printed: Vec<(Id, LayoutSample)>,
}

impl Pages {
    pub(super) fn on_record(permit: &Permit<'_>) -> Result<Self, VaultError> {
        Ok(Self {
            approved: permit.list(Compartment::Directory, LayoutApproval::KIND)?,
            printed: permit.list(Compartment::Directory, LayoutSample::KIND)?,
        })
    }

    pub(super) fn beforehand(beforehand: &Beforehand<'_>) -> Result<Self, VaultError> {
        Ok(Self {
            approved: beforehand.list(Compartment::Directory, LayoutApproval::KIND)?,
            printed: beforehand.list(Compartment::Directory, LayoutSample::KIND)?,
        })
    }

    /// A batch by this layout, whose file has this SHA-256, may go to this printer.
    ///
    /// # Errors
    /// [`ActionError::Rule`] for closed forms, where no page of X's of it was printed
    /// there.
    pub(super) fn check(
        &self,
        layout: &Layout,
        digest: &Hash,
        printer: &PrinterRecord,
    ) -> Result<(), ActionError> {
        let printed =
            |(_, one): &(Id, LayoutSample)| one.digest == *digest && one.printer == printer.id;
        // The approval names the printer of the page that it is about.
        let approved =
            |(_, one): &(Id, LayoutApproval)| one.holds(digest) && one.printer == printer.name;
        if layout.disclosure() != Disclosure::BlindMailer
            || self.printed.iter().any(printed)
            || self.approved.iter().any(approved)
        {
            return Ok(());
        }
        Err(ActionError::rule(
            format!(
                "no page of X's of the layout {} was printed on {} by administrators",
                layout.name(),
                printer.name
            ),
            format!(
                "Administrators print one on {} (devices, x) and look at it, closed, against the \
                 light.",
                printer.name
            ),
        ))
    }
}

/// The same before people sign: nothing is said of a printer or an approval that is not
/// there, which the act itself refuses.
pub(super) fn foresee(
    beforehand: &Beforehand<'_>,
    layout: &str,
    digest: &Hash,
    printer: &str,
) -> Result<(), ActionError> {
    let enrolled: Vec<(Id, PrinterRecord)> =
        beforehand.list(Compartment::Directory, PrinterRecord::KIND)?;
    let printer = enrolled.iter().find(|(_, one)| one.name == printer);
    let pages = Pages::beforehand(beforehand)?;
    let approved = pages.approved.iter().any(|(_, one)| one.holds(digest));
    match (Layout::parse(layout), printer) {
        (Ok(layout), Some((_, printer))) if approved => pages.check(&layout, digest, printer),
        _ => Ok(()),
    }
}
