//! The terminal's own small questions, over whatever stands.

use super::typed::Line;

/// A small question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// What this screen is for, from this line on.
    Help(usize),
    /// End the program?
    Quit,
    /// End the session?
    LogOut,
    /// Abandon the act at hand?
    Abandon,
    /// End an act for good that could be paused: its label is typed.
    End(Line),
    /// What went differently, in words.
    Deviate(Line),
    /// Nothing is typed: does that mean that the list is complete?
    NoMore,
}

/// The most characters of a deviation.
pub const DEVIATION: usize = 200;
