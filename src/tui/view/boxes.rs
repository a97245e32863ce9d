//! Boxes over a screen: small questions, and the training desk.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use super::paper::{Paper, fit, width};
use super::{Hint, hint, pin_printer};
use conclave_station::front::Paper as Pages;

use crate::tui::app::App;
use crate::tui::desk::{Table, Thing, key_of, pile_words};
use crate::tui::overlay::Overlay;

/// An empty box in the middle; gives what is inside.
pub(super) fn frame(
    app: &App,
    buf: &mut Buffer,
    body: Rect,
    size: (u16, u16),
    title: &str,
) -> Rect {
    // On a small screen from edge to edge: no half words beside it.
    let wide = if body.width < 100 {
        body.width
    } else {
        size.0.min(body.width)
    };
    let high = size.1.min(body.height);
    let area = Rect::new(
        body.x + (body.width - wide) / 2,
        body.y + (body.height - high) / 2,
        wide,
        high,
    );
    Clear.render(area, buf);
    buf.set_style(area, app.theme.plain());
    let block = Block::bordered()
        .border_type(BorderType::Double)
        .border_style(app.theme.warn())
        .title(format!(" {title} "));
    let inner = block.inner(area);
    block.render(area, buf);
    inner
}

/// Keys of a small question.
pub fn overlay_keys(app: &App) -> Option<Vec<Hint>> {
    Some(match app.overlay.as_ref()? {
        Overlay::Help(_) => vec![hint("Esc", "close help"), hint("PgDn", "more")],
        Overlay::Quit => vec![hint("y", "quit"), hint("Esc", "stay")],
        Overlay::LogOut => vec![hint("y", "log out"), hint("Esc", "stay")],
        Overlay::Abandon if app.pauses().is_some() => vec![
            hint("y", "pause"),
            hint("e", "end for good…"),
            hint("Esc", "go on with it"),
        ],
        Overlay::Abandon => vec![hint("y", "stop"), hint("Esc", "go on with it")],
        Overlay::End(_) => vec![hint("Enter", "end it"), hint("Esc", "go on with it")],
        Overlay::Deviate(_) => vec![
            hint("Enter", "write it down"),
            hint("Esc", "nothing deviated"),
        ],
        Overlay::NoMore => vec![hint("y", "yes, complete"), hint("Esc", "go on typing")],
    })
}

/// What would be lost if the act at hand were left.
fn at_stake(app: &App) -> String {
    if let Some(working) = &app.working {
        return format!(
            "{}: it stops between two units, never inside one.",
            working.words
        );
    }
    match &app.prompt {
        Some(standing) if standing.prompt.safe.is_empty() => {
            "What was done so far in this act stays in the journal.".to_owned()
        }
        Some(standing) => format!("Safe to stop: {}", standing.prompt.safe),
        None => String::new(),
    }
}

/// Draws the small question, if one stands.
pub fn overlay(app: &App, buf: &mut Buffer, body: Rect) -> Option<Position> {
    let overlay = app.overlay.as_ref()?;
    let theme = app.theme;
    let (title, high) = match overlay {
        Overlay::Help(_) => return None,
        Overlay::Quit => ("Quit?", 9),
        Overlay::LogOut => ("Log out?", 7),
        Overlay::Abandon => ("Stop here?", 10),
        Overlay::End(_) => ("End for good?", 11),
        Overlay::Deviate(_) => ("Deviation", 10),
        Overlay::NoMore => ("Complete?", 7),
    };
    let inner = frame(app, buf, body, (70, high), title);
    let mut paper = Paper::new(theme, usize::from(inner.width));
    paper.lines.push(ratatui::text::Line::default());
    let mut cursor = None;
    match overlay {
        Overlay::Quit => {
            if app.prompt.is_some() || app.working.is_some() {
                let act = app.act().map(|(act, _)| act).unwrap_or_default();
                paper.text(
                    &format!("The program ends in the middle of: {act}"),
                    theme.warn(),
                );
                paper.text(&at_stake(app), theme.plain());
            } else if app.status.session.is_empty() {
                paper.text("The program ends. Nobody is logged on.", theme.plain());
            } else {
                paper.text("The session ends, then the program.", theme.plain());
            }
            paper.gap();
            paper.key("y", "quit");
            paper.key("Esc", "stay");
        }
        Overlay::LogOut => {
            paper.text("The session ends for every group.", theme.plain());
            paper.gap();
            paper.key("y", "log out");
            paper.key("Esc", "stay");
        }
        Overlay::Abandon => {
            if let Some((act, _)) = app.act() {
                paper.text(&act, theme.strong());
            }
            paper.text(&at_stake(app), theme.warn());
            paper.gap();
            if app.pauses().is_some() {
                paper.key("y", "stop here; where it is safe, the task list resumes it");
                paper.key("e", "end it for good");
            } else {
                paper.key("y", "stop");
            }
            paper.key("Esc", "go on with it");
        }
        Overlay::End(line) => {
            let label = app.pauses().unwrap_or_default();
            paper.text(
                "Nobody can resume it afterwards, and a key that was made in it is void: every \
                 printed sheet is destroyed under witness.",
                theme.warn(),
            );
            paper.gap();
            paper.text(&format!("To end it, type exactly   {label}"), theme.plain());
            paper.gap();
            let lead = "   typed   ";
            let cells = usize::from(inner.width).saturating_sub(width(lead) + 3);
            paper.parts(vec![
                (lead.to_owned(), theme.plain()),
                (underscored(line.text(), cells.min(40)), theme.strong()),
            ]);
            let y = inner.y + u16::try_from(paper.lines.len()).unwrap_or(1) - 1;
            let x = inner.x + u16::try_from(width(lead) + width(line.text())).unwrap_or(0);
            cursor = Some(Position::new(x, y.min(inner.bottom().saturating_sub(1))));
        }
        Overlay::NoMore => {
            let done = match app.prompt.as_ref().map(|s| &s.prompt.ask) {
                Some(conclave_keyroom::ports::dialogue::Ask::Form {
                    done: Some(done), ..
                }) => done.clone(),
                _ => "nothing more is added".to_owned(),
            };
            paper.text(
                &format!("Nothing is typed. Does that mean: {done}?"),
                theme.plain(),
            );
            paper.gap();
            paper.key("y", &done);
            paper.key("Esc", "go on typing");
        }
        Overlay::Deviate(line) => {
            paper.text(
                "What went differently from the procedure? Your words go into the minutes.",
                theme.plain(),
            );
            paper.gap();
            let cells = usize::from(inner.width).saturating_sub(6);
            let shown = super::paper::wrap(line.text(), cells);
            let last = shown.last().map_or(0, |l| width(l));
            for part in shown {
                paper.parts(vec![
                    ("   ".to_owned(), theme.plain()),
                    (underscored(&part, cells), theme.strong()),
                ]);
            }
            let y = inner.y + u16::try_from(paper.lines.len()).unwrap_or(1) - 1;
            let x = inner.x + 3 + u16::try_from(last).unwrap_or(0);
            cursor = Some(Position::new(x, y.min(inner.bottom().saturating_sub(1))));
        }
        Overlay::Help(_) => {}
    }
    paper.put(buf, inner, None);
    cursor
}

/// Text, then `_` where more can be typed.
pub fn underscored(text: &str, cells: usize) -> String {
    format!("{text}{}", "_".repeat(cells.saturating_sub(width(text))))
}

/// Keys of the desk.
pub fn desk_keys(app: &App) -> Vec<Hint> {
    if let Some(panel) = app.table.as_ref().and_then(|t| t.printer.as_ref()) {
        return pin_printer::keys(panel);
    }
    if let Some((pile, _)) = app.table.as_ref().and_then(|t| t.looking.as_ref()) {
        let mut keys = match (pile.bag, pile.paper) {
            (Some(_), _) => vec![hint("Esc", "back into its bag")],
            (None, Pages::Custodians) => vec![
                hint("Enter", "put it into its bag"),
                hint("Esc", "leave it there"),
            ],
            (None, _) => vec![
                hint("Enter", "take them away"),
                hint("Esc", "leave them there"),
            ],
        };
        keys.push(hint("PgUp PgDn", "more"));
        if pile.paper == Pages::Mailers {
            keys.push(hint("← →", "form"));
        }
        return keys;
    }
    let act = match app.table.as_ref().and_then(|t| t.things.get(t.at)) {
        Some(Thing::InReader { .. }) => "pull the card",
        Some(Thing::OnTable(_)) => "put the card in",
        Some(Thing::Sheet(_)) => "look at it",
        Some(Thing::PinPrinter(_)) => "put hands on it",
        None => "close",
    };
    let printer = app.table.as_ref().is_some_and(Table::has_pin_printer);
    let mut keys = vec![hint("Enter", act)];
    if printer {
        keys.extend([hint("1-z", "at once"), hint("P", "PIN printer")]);
    } else {
        keys.push(hint("1-9 a-z", "the same at once"));
    }
    keys.extend([
        hint("F3", "doctor"),
        hint("Esc", "close"),
        hint("?", "help"),
    ]);
    keys
}

/// The training desk.
pub fn desk(app: &App, buf: &mut Buffer, body: Rect) -> Option<Position> {
    let table = app.table.as_ref()?;
    let theme = app.theme;
    if let Some(panel) = &table.printer {
        return pin_printer::panel(app, panel, buf, body);
    }
    if table.looking.is_some() {
        sheet(app, table, buf, body);
        return None;
    }
    let free = match table.free.len() {
        0 => "no reader is free".to_owned(),
        1 => "1 reader is free".to_owned(),
        many => format!("{many} readers are free"),
    };
    let high = u16::try_from(table.things.len() + 6).unwrap_or(u16::MAX);
    let title = format!("Training desk: what hands do here · {free}");
    let inner = frame(app, buf, body, (78, high), &title);
    let mut paper = Paper::new(theme, usize::from(inner.width));
    if let Some(note) = table.note {
        paper.behind("   ✗ ", theme.bad(), note, theme.bad());
    }
    for (at, thing) in table.things.iter().enumerate() {
        let (place, what, act) = match thing {
            Thing::InReader { reader, card } => (reader.as_str(), card.clone(), "Enter pulls it"),
            Thing::OnTable(card) => ("on the table", card.clone(), "Enter puts it in"),
            Thing::Sheet(pile) => {
                let place = match pile.bag {
                    Some(_) => "put away",
                    None => "in the printer",
                };
                (place, pile_words(pile), "Enter looks at it")
            }
            Thing::PinPrinter(state) => ("", format!("PIN printer {state}"), "Enter: hands on it"),
        };
        let here = at == table.at;
        let number = key_of(at).unwrap_or(' ');
        let mark = if here { "▸" } else { " " };
        let wide = if place.is_empty() { (53, 0) } else { (30, 22) };
        let text = format!(
            " {mark} {number}  {} {} {}",
            fit(&what, wide.0),
            fit(place, wide.1),
            if here { act } else { "" }
        );
        let text = fit(&text, usize::from(inner.width));
        let style = if here { theme.chosen() } else { theme.plain() };
        paper.parts(vec![(text, style)]);
        if here {
            paper.focus = Some(paper.lines.len() - 1);
        }
    }
    if table.things.is_empty() {
        paper.text("No card and no sheet.", theme.plain());
    }
    if table.note.is_some() {
        paper.focus = Some(0);
    }
    paper.put(buf, inner, None);
    None
}

/// A sheet is as wide as its paper, 80 columns: no border takes some of them.
fn sheet(app: &App, table: &Table, buf: &mut Buffer, body: Rect) {
    let Some((pile, from)) = &table.looking else {
        return;
    };
    let theme = app.theme;
    Clear.render(body, buf);
    buf.set_style(body, theme.plain());
    let title = match pile.paper {
        Pages::Custodians => "for its custodian's eyes",
        Pages::Mailers => "read in practice rooms only, never at work",
        Pages::Reports => "for whoever reads reports",
    };
    let title = format!("═ Paper: {}: {title} ", pile_words(pile));
    let wide = usize::from(body.width);
    let rule = format!("{title}{}", "═".repeat(wide.saturating_sub(width(&title))));
    buf.set_stringn(body.x, body.y, rule, wide, theme.warn());
    let mut paper = Paper::new(theme, wide);
    for line in table.sheet() {
        paper.parts(vec![(line, theme.plain())]);
    }
    let below = Rect::new(
        body.x,
        body.y + 1,
        body.width,
        body.height.saturating_sub(1),
    );
    paper.put(buf, below, Some(*from));
}
