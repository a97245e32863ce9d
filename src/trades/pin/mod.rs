//! PIN mailers: from a file of cards to sealed letters and what the issuer
//! stores. All pure but `room_key`; actions and devices stand elsewhere.
//! stores. The batch and its rules are nouns of `keyroom::domain`; `action` has
//! what changes it.
//! stores. All pure but `action`.
//! stores.
//!
//! - `approval`, `partner`: what administrators approve and record
//! - `template`: the file's fields, the method, the output; approved data
//! - `rows`, `json`, `batch`: a file is taken whole or refused, each fault with
//!   its line and column (`fault`)
//! - `issue`: a card's PIN, and the values that prove it
//! - `letter`: the PIN on its form, by an approved layout
//! - `output`: what goes back, when the run balances
//! - `room_key`: opens a key that was released to the PIN room

mod approval;
mod batch;
mod fault;
mod issue;
mod json;
mod letter;
mod output;
mod room_key;
mod partner;
mod rows;
mod template;

pub use approval::{ApprovePinTemplate, approved_template, template_words};
pub use batch::{Batch, Before, Card, Nothing, read};
pub use fault::{Fault, Wrong};
pub use issue::{IssueError, Keys, issue};
pub use letter::{Letter, tracking};
pub use output::{OutputError, write};
pub use room_key::{open as open_key, released as released_key};
pub use partner::{ISSUER_MOST, ReadPartnerCertificate, RecordPinPartner, check_issuer};
pub use rows::{MOST_BYTES, MOST_FAULTS};
pub use template::{
    CardName, DeniedRules, Field, FieldName, FileFormat, Input, MOST_RECORDS, Method, Output,
    PinRules, Template, TemplateError, Validation, block_format,
};
