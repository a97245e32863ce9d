//! The terminal: draws, asks, shows. It decides nothing and holds nothing that
//! outlives a question.
//!
//! Model, update, view. [`App`] is the model: what the station last said
//! ([`Event`](conclave_station::front::Event)), a stack of screens, the
//! question that stands and what was typed into it. [`App::update`] takes one
//! [`Input`] and gives back what is to be asked of the station; [`view::draw`]
//! makes a frame of the model. Both are plain functions, so every screen is
//! tested without a terminal; [`terminal::run`] is the only part that needs
//! one.
//!
//! What lies over what, from the top: the blank screen, a small question of the
//! terminal's own (quit? stop? what deviated?), help, the training desk, a
//! notice, the station's question, progress, the screens. The topmost takes the
//! key.
//!
//! Oddities, admitted: every question of every ceremony is drawn by the same
//! code from a [`Prompt`](conclave_keyroom::ports::dialogue::Prompt), so no
//! ceremony has a screen of its own; and keys are read from the terminal's file
//! descriptor into a `Secret` and decoded here, because an event queue of a
//! library would keep a typed PIN in memory that nobody wipes.

mod app;
mod desk;
mod digest;
mod doctor;
mod events;
mod field;
mod groups;
mod key;
mod key_page;
mod moment;
mod overlay;
mod pin_printer;
mod place;
mod prompt;
mod rows;
mod sieve;
mod strokes;
pub mod terminal;
mod theme;
mod typed;
pub mod view;
mod words;

pub use app::{App, Input};
pub use key::{Decoder, Key};
pub use theme::Theme;
