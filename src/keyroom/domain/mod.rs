//! The nouns that two rooms share, with their rules as pure functions.

pub mod certificate;
pub mod custodian_form;
mod derived_id;
pub mod device;
pub mod form;
pub mod form_stock;
pub mod key;
pub mod label;
pub mod layout_approval;
pub mod legacy;
pub mod one_manager;
pub mod open_page;
pub mod part_set;
pub mod people;
pub mod permission;
pub mod pin_ahead;
pub mod pin_batch;
pub mod pin_card;
pub mod pin_identity;
pub mod pin_key;
pub mod pin_marks;
pub mod pin_partner;
pub mod pin_restored;
mod pin_rows;
pub mod pin_run;
pub mod pin_said;
pub mod pin_seen;
pub mod pin_template;
pub mod profile;
pub mod ranges;
pub mod staff;
pub mod target_system;
pub mod template;
pub mod tries;

use derived_id::{derived_id, first_half};
pub use permission::Permission;
