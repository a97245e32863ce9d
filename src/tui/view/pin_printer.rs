//! The training printer of PIN mailers: what lies in it, and what hands can do.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::boxes::{frame, underscored};
use super::paper::{Paper, fit, width};
use super::{Hint, hint};
use crate::tui::app::App;
use crate::tui::pin_printer::{Panel, hand_words};

/// Forms that are shown: as many as a person has to look at after a stop.
const FORMS: usize = 6;

/// What stands before the number of a reel.
const LEAD: &str = " First form of the reel   ";

/// Keys of the printer.
pub fn keys(panel: &Panel) -> Vec<Hint> {
    if panel.reel.is_some() {
        return vec![hint("Enter", "lay it in"), hint("Esc", "leave it")];
    }
    vec![
        hint("Enter", "do it"),
        hint("1-9", "at once"),
        hint("Esc", "back to the desk"),
        hint("F2", "close the desk"),
        hint("?", "help"),
    ]
}

/// The printer.
pub fn panel(app: &App, panel: &Panel, buf: &mut Buffer, body: Rect) -> Option<Position> {
    let theme = app.theme;
    let printer = panel.printer()?;
    let high = u16::try_from(FORMS + 10).unwrap_or(u16::MAX);
    let inner = frame(app, buf, body, (78, high), "Training desk: the PIN printer");
    let mut paper = Paper::new(theme, usize::from(inner.width));
    let style = match printer.stands {
        true => theme.warn(),
        false => theme.strong(),
    };
    paper.parts(vec![(format!(" It {}.", printer.state), style)]);
    let (title, style) = match panel.note {
        Some(note) => (format!(" ✗ {note}"), theme.bad()),
        None => (
            " Its last forms, from the outside:".to_owned(),
            theme.plain(),
        ),
    };
    paper.parts(vec![(title, style)]);
    let from = printer.forms.len().saturating_sub(FORMS);
    let shown = printer.forms.iter().skip(from);
    for form in shown {
        let mailer = match form.mailer.as_str() {
            "" => String::new(),
            mailer => format!("mailer {mailer}"),
        };
        let line = format!(
            "   form {}  {}  {mailer}",
            fit(&form.number.to_string(), 7),
            fit(&form.state, 34)
        );
        paper.parts(vec![(line, theme.plain())]);
    }
    for _ in printer.forms.len().min(FORMS)..=FORMS {
        paper.parts(vec![(String::new(), theme.plain())]);
    }
    let mut cursor = None;
    if let Some(line) = &panel.reel {
        let cells = line.max();
        paper.parts(vec![
            (LEAD.to_owned(), theme.plain()),
            (underscored(line.text(), cells), theme.strong()),
        ]);
        let y = inner.y + u16::try_from(paper.lines.len()).unwrap_or(1) - 1;
        let x = inner.x + u16::try_from(width(LEAD) + width(line.text())).unwrap_or(0);
        cursor = Some(Position::new(x, y.min(inner.bottom().saturating_sub(1))));
    } else {
        let last = printer.can.len().saturating_sub(1);
        for (at, hand) in printer.can.iter().enumerate() {
            let here = at == panel.at.min(last);
            let (what, comes) = hand_words(*hand);
            let mark = if here { "▸" } else { " " };
            let text = format!(" {mark} {}  {} {comes}", at + 1, fit(what, 24));
            let style = if here { theme.chosen() } else { theme.plain() };
            paper.parts(vec![(fit(&text, usize::from(inner.width)), style)]);
        }
    }
    paper.put(buf, inner, None);
    cursor
}
