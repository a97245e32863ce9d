//! Paper: the component form, reports, and the way to a printer.
//!
//! A *layout* ([`Layout`]) is a file in `keymailer-layouts/` that says what
//! stands where on a form of lines and columns, and which lines are the
//! outside of the folded sheet. A *form* ([`ComponentForm`]) has what is
//! printed, except the value. Both become a sheet that is drawn as ESC/P or
//! as PDF, always **first with X's in place of the value**: that is the
//! preview, and no library ever gets more than it. Then the bytes are copied
//! into locked memory and the digits written over the X's ([`component`]), so
//! that a value is in [`Secret`](conclave_crypto::secret::Secret) from the
//! provider to the device node.
//!
//! # How the printing action calls it
//! 1. `Layout::parse` of the approved file, `ComponentForm` from the key's
//!    record, [`component::preview_escp`] or [`component::preview_pdf`] for
//!    the screen. All refusals happen here, before the provider is asked.
//! 2. [`enrolment::fit`] over the printers on record: purpose, mode, shared.
//! 3. Behind the door: INTENT is on disk, then `component::render_escp` (or
//!    `render_pdf` for a printer that takes PDF) inside the provider's
//!    closure, `Printers::print(permit, …, sheet.expose())`, drop the sheet.
//!    [`PrinterError::may_have_printed`](conclave_keyroom::ports::printer::PrinterError::may_have_printed)
//!    decides between "nothing left" and UNKNOWN.
//! 4. With a layout that holds its sheet ([`Eject::OnConfirmation`]) the form
//!    ends without a feed, so that no component falls to the floor: when the
//!    custodian confirms, print [`escp::EJECT`].
//!
//! Reports take another way: [`PrintReport`], on a printer that is enrolled for
//! reports, and never on one for components (R10).

pub mod check;
pub mod component;
pub mod device;
mod eject;
mod enrol;
pub mod enrolment;
mod error;
pub mod escp;
mod form;
mod layout;
mod letters;
mod metrics;
pub mod passphrase_form;
mod pdf;
pub(crate) mod print_report;
mod print_words;
pub mod report;
mod report_escp;
mod rules;
mod sheet;
pub mod words_form;

pub use eject::EjectSheet;
pub use enrol::EnrolPrinter;
pub use error::{LayoutError, LayoutFault, PrintError};
pub use form::{ComponentForm, day_words, time_words};
pub use layout::{Eject, FieldName, Layout, Page};
pub use print_report::PrintReport;
pub use print_words::PrintWords;
pub use report::{Block, Report, Signature, report_pdf};
pub use report_escp::report_escp;
