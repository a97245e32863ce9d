//! Actions of the PIN room, one file each.

mod approve_template;

pub use approve_template::{ApprovePinTemplate, approved_template, template_words};
