//! Every screen as text, at the smallest size and at a comfortable one, with
//! and without colour; and what keys do to it.

#![allow(clippy::expect_used)] // a test may stop at the first surprise
#![allow(clippy::unwrap_used, clippy::panic)] // a screen that cannot be drawn ends the test

mod desk_printer;
mod doctor;
mod looks;
mod many_keys;
mod printing;
mod questions;
mod samples;
mod scenes;
mod typing;
mod updates;

use conclave::tui::{App, Input, Key, Theme, view};
use conclave_station::front::{Event, Request};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

pub(crate) const MONO: Theme = Theme { colour: false };
pub(crate) const COLOUR: Theme = Theme { colour: true };

/// One frame.
pub(crate) fn frame(app: &App, size: (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| view::draw(app, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// A frame's text, without spaces at the ends of lines.
pub(crate) fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        for x in 0..buffer.area.width {
            line.push_str(buffer[(x, y)].symbol());
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// What is read on a small screen.
pub(crate) fn seen(app: &App) -> String {
    text(&frame(app, (80, 24)))
}

pub(crate) fn press(app: &mut App, keys: &[Key]) -> Vec<Request> {
    keys.iter()
        .flat_map(|key| app.update(Input::Key(*key)))
        .collect()
}

pub(crate) fn write(app: &mut App, words: &str) -> Vec<Request> {
    words
        .chars()
        .flat_map(|c| app.update(Input::Key(Key::Char(c))))
        .collect()
}

pub(crate) fn tell(app: &mut App, events: Vec<Event>) {
    for event in events {
        app.update(Input::Event(event));
    }
}
