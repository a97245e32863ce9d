//! Ceremonies as data: one engine, reviewed script files.
//!
//! A [`script::Script`] is read and validated, printed for the people, and
//! played by [`engine::Engine`]: state in, reply in, step out, without clock,
//! randomness or effects. What must happen is handed out as a
//! [`state::Unit`], which the station turns into an action for the door.
//! [`custody`] says who may hold which component, [`minutes`] puts a script or
//! a played ceremony on paper, [`template`] reads key templates.

pub mod action;
mod blind;
pub mod commitment;
pub mod custody;
mod decided;
pub mod engine;
mod exception;
pub mod minutes;
mod moves;
mod parameters;
mod prompts;
pub mod script;
pub mod script_error;
mod script_file;
mod sheet_mark;
pub mod state;
pub mod template;
mod told;
mod turns;
mod unit;
mod validate;
mod validate_again;
mod validate_entry;
pub(crate) mod value_mark;

pub use engine::{CeremonyError, Engine, Step};
pub use exception::exception_words;
pub use prompts::safe;
pub use script::Script;
pub use state::{Ending, State};
pub use template::{parse_duties, parse_profile, parse_template};
pub use told::failed_and_excepted;
pub use turns::partner_value;
pub use validate_entry::proves;
