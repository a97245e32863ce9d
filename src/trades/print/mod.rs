//! Paper: forms with secrets, reports, and the way to a printer.
//!
//! # For whoever prints a mailer
//! ```text
//! let layout = Layout::parse(approved_text)?;            // approval::may_print first
//! let filling = Filling::new(mode)
//!     .language("de")                                    // the holder's
//!     .text(FieldName::Name, "Jürg Müller")
//!     .text(FieldName::Tracking, "7Q2K-91XD-0004-22")
//!     .secret(FieldName::Pin, &pin);                     // ASCII digits in a Secret
//! let bytes: Secret = mailer::render(&layout, &[filling], printer.language)?;
//! ports.printers.print(permit, &node, &printer.serial, bytes.expose())?;
//! ```
//! Two fillings for a layout with `across = 2`. [`mailer::preview`] has the
//! same bytes with X's, [`mailer::sample`] a form full of X's,
//! [`mailer::flush`] what is sent after a batch. [`FieldName::is_secret`] says
//! what is given as a secret; a missing field and a text
//! that does not fit are refused before a byte is made.
//!
//! A *layout* ([`Layout`]) is a file in `keymailer-layouts/` that says what
//! stands where on a form of lines and columns, and what of it is the outside.
//! Its [`Kind`] says which fields it may have, and where. A *filling*
//! ([`Filling`]) has what is printed. Both become a sheet that is drawn in the
//! printer's language, always **first with X's in place of secrets**: that is
//! the preview, and no library ever gets more than it. Then the bytes are
//! copied into locked memory and the digits written over the X's ([`mailer`]),
//! so that a value is in [`Secret`](conclave_crypto::secret::Secret) from the
//! provider to the device node.
//!
//! # How the printing action of components calls it
//! 1. `Layout::parse` of the approved file, `ComponentForm` from the key's
//!    record, [`component::preview`] for the screen. All refusals happen here,
//!    before the provider is asked.
//! 2. [`enrolment::fit`] over the printers on record: purpose, mode, shared.
//! 3. Behind the door: INTENT is on disk, then [`component::render`] inside the
//!    provider's closure, `Printers::print(permit, …, sheet.expose())`, drop the
//!    sheet.
//!    [`PrinterError::may_have_printed`](conclave_keyroom::ports::printer::PrinterError::may_have_printed)
//!    decides between "nothing left" and UNKNOWN.
//! 4. With a layout that holds its sheet ([`Eject::OnConfirmation`]) the form
//!    ends without a feed, so that no component falls to the floor: when the
//!    custodian confirms, print [`mailer::eject`].
//!
//! Reports take another way: [`PrintReport`], on a printer that is enrolled for
//! reports, and never on one for components (R10). So do forms of those [`Kind`]s that
//! have no secret ([`OpenForm`]).

pub mod approval;
pub mod check;
pub mod component;
pub mod device;
mod digit_words;
mod eject;
mod enrol;
pub mod enrolment;
mod error;
mod escape;
pub mod escp;
mod field;
mod filling;
mod form;
mod grid;
pub mod ipp;
mod kind;
mod layout;
mod layout_file;
pub(crate) mod letters;
pub mod mailer;
mod marks;
pub mod master_key_part;
mod metrics;
pub(crate) mod open_form;
pub mod passphrase_form;
mod pcl;
mod pdf;
pub(crate) mod print_report;
mod print_sample;
mod print_words;
pub mod reason;
mod report;
mod report_escp;
mod retire;
mod rules;
mod rules_place;
mod screen;
mod sheet;
mod thales;
mod thales_layout;
mod withdraw;
pub mod words_form;

pub use approval::ApproveLayout;
pub use eject::EjectSheet;
pub use enrol::EnrolPrinter;
pub use enrolment::may_enrol;
pub use error::{LayoutError, LayoutFault, PrintError};
pub use field::FieldName;
pub use filling::{Content, Filling};
pub use form::{ComponentForm, PrimeOf, day_words, time_words};
pub use kind::{Disclosure, Kind};
pub use layout::{Area, Eject, Font, Layout, Page};
pub use marks::password_check;
pub use open_form::OpenForm;
pub use print_report::PrintReport;
pub use print_sample::PrintSample;
pub use print_words::PrintWords;
pub use reason::{SENTENCE_MOST, check_reason};
pub use report::{Block, Report, Signature, report_pdf};
pub use report_escp::report_escp;
pub use retire::RetirePrinter;
pub use screen::{draw_page, screen_preview};
pub use thales::{ImportFault, ImportOptions, import};
pub use withdraw::WithdrawLayout;
