//! PIN mailers: from a file of cards to sealed letters and what the issuer
//! stores. The batch and its rules are nouns of `keyroom::domain`; `action` has
//! what changes it, the rest is pure but for what opens keys by a permit.
//!
//! - `approval`, `partner`: what administrators approve and record
//! - `template`: the file's fields, the method, the output; approved data
//! - `template_rules`: what goes together in it, and what never does
//! - `rows`, `json`, `batch`: a file is taken whole or refused, each fault with
//!   its line and column (`fault`), and of its PINs as little as can be (`findings`)
//! - `against`, `fit`: what a file is held against besides its template: what was
//!   here before, the layout, the host's PIN key
//! - `marks`: a card that had a mailer, known again when it is sent anew
//! - `issue`: a card's PIN, and the values that prove it
//! - `letter`: the PIN on its form, by an approved layout
//! - `pace`: how many mailers are about to be printed at one time
//! - `output`: what goes back, when the run balances
//! - `room_key`: opens a key that was released to the PIN room
//! - `room_identity`, `exchange`: the PIN room's key pairs for files; what issuers
//!   send, opened, and what goes back, signed and encrypted

pub mod action;
mod against;
mod approval;
mod batch;
mod card;
mod card_values;
mod exchange;
mod fault;
mod findings;
mod fit;
mod issue;
mod json;
mod letter;
mod marks;
mod output;
mod pace;
mod partner;
mod room_identity;
mod room_key;
mod rows;
mod template;
mod template_rules;
mod withdraw;

pub use against::{Against, At, Before, Fit, InFile};
pub use approval::{ApprovePinTemplate, approved_template, template_of_batch, template_words};
pub use batch::{Batch, read};
pub use card::Card;
pub use card_values::{CardValueError, card_values};
pub use exchange::{Input as OpenedInput, open_input, seal_output};
pub use fault::{Fault, HERE_BEFORE, Wrong};
pub use fit::{BlockKey, Fitting};
pub use issue::{IssueError, Keys, host_pin, issue, issue_anew};
pub use letter::{Letter, Occasion, render_set, tracking};
pub use marks::PinMarking;
pub use output::{CardColumns, OutputError, write};
pub use pace::Pace;
pub use partner::RecordPinPartner;
pub use room_identity::{MakePinIdentity, VALIDITY_S};
pub use room_key::{open as open_key, released as released_key};
pub use rows::{MOST_BYTES, MOST_FAULTS};
pub use template::{
    CardName, CardValues, DateOrder, DeniedRules, Encoding, Field, FieldName, FileFormat, Input,
    MOST_RECORDS, MOST_TRIES, Method, Output, PinRules, Replacement, Template, TemplateError,
    Validation, block_format, output_format,
};
pub use withdraw::{BarPinPartner, WithdrawPinTemplate};
