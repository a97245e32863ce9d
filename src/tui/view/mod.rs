//! From the model to a frame.

mod boxes;
mod doctor;
mod entry;
mod lists;
mod page;
mod pages;
mod paper;
mod pin_printer;
mod question;
mod run;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use self::paper::{fit, width};
use super::app::{App, Screen};
use super::moment;
use super::rows::Kind;
use super::words;
use conclave_station::front::Phase;

/// The smallest terminal that shows everything, in columns and rows.
pub const SMALLEST: (u16, u16) = (80, 24);

/// Most rows that say who is logged on.
const MOST_SESSION: usize = 3;

/// A key of the footer and what it does.
type Hint = (String, String);

fn hint(key: &str, label: &str) -> Hint {
    (key.to_owned(), label.to_owned())
}

/// Draws the model.
pub fn draw(app: &App, frame: &mut Frame) {
    let area = frame.area();
    let cursor = paint(app, frame.buffer_mut(), area);
    if let Some(position) = cursor {
        frame.set_cursor_position(position);
    }
}

/// Whether a terminal of this size shows no more than that it is too small.
#[must_use]
pub fn too_small(wide: u16, high: u16) -> bool {
    wide < SMALLEST.0 || high < SMALLEST.1
}

/// Draws into a buffer; gives the place of the text cursor, where something is
/// typed.
fn paint(app: &App, buf: &mut Buffer, area: Rect) -> Option<Position> {
    buf.set_style(area, app.theme.plain());
    if app.blank {
        pages::blank(app, buf, area);
        return None;
    }
    if too_small(area.width, area.height) {
        pages::too_small(app, buf, area);
        return None;
    }
    let top = header(app, buf, area);
    let (_, everywhere) = footer_keys(app);
    let rows = if everywhere.is_empty() { 1 } else { 2 };
    let bottom = area.bottom() - rows;
    provider_rule(app, buf, area, bottom - 1);
    if rows == 2 {
        footer(app, buf, area, bottom + 1, &everywhere);
    }
    let body = Rect::new(area.x, top, area.width, (bottom - 1).saturating_sub(top));
    let cursor = content(app, buf, body);
    // How much of it is shown decides what Enter does where something is read.
    footer(app, buf, area, bottom, &footer_keys(app).0);
    boxes::overlay(app, buf, body).or(cursor)
}

fn content(app: &App, buf: &mut Buffer, body: Rect) -> Option<Position> {
    if app.helping().is_some() {
        pages::help(app, buf, body);
        return None;
    }
    if app.table.is_some() {
        return boxes::desk(app, buf, body);
    }
    if let Some(ward) = app.ward_shown() {
        doctor::page(app, ward, buf, body);
        return None;
    }
    if let Some(notice) = app.notices.front() {
        pages::notice(app, notice, buf, body);
        return None;
    }
    if let Some(working) = &app.working {
        pages::progress(app, working, buf, body);
        return None;
    }
    if let Some(standing) = &app.prompt {
        return question::draw(app, standing, buf, body);
    }
    match app.stack.last() {
        None => {
            pages::start(app, buf, body);
            None
        }
        Some(Screen::List(place)) => lists::list(app, place, buf, body),
        Some(Screen::Detail { kind, id, from }) => {
            lists::detail(app, *kind, id, *from, buf, body);
            None
        }
    }
}

fn rule(app: &App, buf: &mut Buffer, area: Rect, y: u16) {
    buf.set_string(
        area.x,
        y,
        "─".repeat(usize::from(area.width)),
        app.theme.quiet(),
    );
}

/// Station, mode, who is here, the clock; then the act at hand. Gives the first
/// row below.
fn header(app: &App, buf: &mut Buffer, area: Rect) -> u16 {
    let wide = usize::from(area.width);
    let status = &app.status;
    let unreadable = status.phase == Phase::Damaged;
    let station = if status.station.is_empty() && unreadable {
        "unknown station".to_owned()
    } else if status.station.is_empty() {
        "new station".to_owned()
    } else {
        status.station.clone()
    };
    let mode = if status.mode.is_empty() && unreadable {
        "mode unknown"
    } else if status.mode.is_empty() {
        "no mode yet"
    } else {
        &status.mode
    };
    let who = if status.session.is_empty() {
        "nobody is logged on".to_owned()
    } else {
        let groups: Vec<String> = status
            .session
            .iter()
            .map(|(group, members)| format!("{group}: {}", members.join(", ")))
            .collect();
        groups.join(" · ")
    };
    // The zone is said: minutes are compared with other logs.
    let clock = format!("{} UTC", conclave_station::words::date_time(app.wall_ms()));
    let right = match app.idle() {
        Some((blank, _)) if blank <= 30 => format!("{clock}  blank in {}", moment::span(blank)),
        Some((_, logout)) => format!("{clock}  idle {}", moment::span(logout)),
        None => clock,
    };
    let x = area.right() - u16::try_from(width(&right) + 1).unwrap_or(0);
    buf.set_string(x, area.y, &right, app.theme.plain());
    // On every screen, and in words: a screen without colour says it, too.
    let marked = format!("{mode} · RESCUE, READ-ONLY");
    let mode = if status.rescue { &marked } else { mode };
    let mode_style = if status.rescue || mode == "PRODUCTION" {
        app.theme.bad()
    } else {
        app.theme.warn()
    };
    let station = fit(&station, width(&station).min(20));
    let x = put(buf, area.x + 1, area.y, &station, app.theme.strong());
    let x = put(buf, x, area.y, " · ", app.theme.quiet());
    let x = put(buf, x, area.y, mode, mode_style);
    let used = usize::from(x - area.x) + 3 + width(&who);
    let mut y = area.y + 1;
    if used + width(&right) + 3 <= wide {
        let x = put(buf, x, area.y, " · ", app.theme.quiet());
        buf.set_string(x, area.y, &who, app.theme.plain());
    } else {
        // Everybody who is here is named, in as many rows as that takes.
        let mut rows = paper::wrap(&who, wide - 2);
        if rows.len() > MOST_SESSION {
            let rest = rows.split_off(MOST_SESSION - 1).join(" ");
            rows.push(rest);
        }
        for row in rows {
            buf.set_string(area.x + 1, y, fit(&row, wide - 2), app.theme.plain());
            y += 1;
        }
    }
    if let Some((act, step)) = app.act() {
        let room = wide.saturating_sub(width(&step) + 4);
        buf.set_string(area.x + 1, y, fit(&act, room), app.theme.strong());
        let x = area.right() - u16::try_from(width(&step) + 1).unwrap_or(0);
        buf.set_string(x, y, &step, app.theme.strong());
        y += 1;
    }
    rule(app, buf, area, y);
    y + 1
}

/// Writes text and gives the column after it.
fn put(buf: &mut Buffer, x: u16, y: u16, text: &str, style: Style) -> u16 {
    buf.set_stringn(x, y, text, usize::MAX, style).0
}

/// The rule above the footer says what holds the keys, and what could not be
/// hardened: always visible, at the price of no row.
fn provider_rule(app: &App, buf: &mut Buffer, area: Rect, y: u16) {
    rule(app, buf, area, y);
    if !app.status.provider.is_empty() {
        let text = format!(" keys: {} ", app.status.provider);
        buf.set_stringn(area.x + 2, y, text, 50, app.theme.quiet());
    }
    let warnings = app.status.warnings.len();
    if warnings > 0 {
        let plural = if warnings == 1 { "" } else { "s" };
        let text = format!(" ! {warnings} warning{plural}, see ? ");
        let x = area.right() - u16::try_from(width(&text) + 2).unwrap_or(0);
        buf.set_string(x, y, text, app.theme.warn());
    }
}

fn footer(app: &App, buf: &mut Buffer, area: Rect, y: u16, hints: &[Hint]) {
    let long: usize = hints
        .iter()
        .map(|(k, l)| width(k) + 1 + width(l))
        .sum::<usize>();
    let gaps = hints.len().saturating_sub(1);
    let spare = usize::from(area.width).saturating_sub(long + 1);
    let gap = spare.checked_div(gaps).unwrap_or(4).clamp(2, 4);
    let mut x = area.x + 1;
    for (key, label) in hints {
        let room = usize::from(area.right().saturating_sub(x));
        (x, _) = buf.set_stringn(x, y, key, room, app.theme.key());
        let room = usize::from(area.right().saturating_sub(x));
        (x, _) = buf.set_stringn(x, y, format!(" {label}"), room, app.theme.plain());
        x += u16::try_from(gap).unwrap_or(2);
    }
}

/// What can be pressed here, and what can be pressed on every screen of a
/// session.
fn footer_keys(app: &App) -> (Vec<Hint>, Vec<Hint>) {
    let none = Vec::new();
    if let Some(hints) = boxes::overlay_keys(app) {
        return (hints, none);
    }
    if app.table.is_some() {
        return (boxes::desk_keys(app), none);
    }
    if app.ward_shown().is_some() {
        return (doctor::keys(app), none);
    }
    if !app.notices.is_empty() {
        return (vec![hint("Enter", "go on")], none);
    }
    let mut hints = Vec::new();
    if app.working.is_some() {
        hints.push(hint("Esc", "stop at the next safe place"));
    } else if let Some(standing) = &app.prompt {
        hints = question::keys(standing);
    } else if let Some(screen) = app.stack.last() {
        match screen {
            Screen::List(place) => hints = lists::keys(app, place),
            Screen::Detail { .. } => hints.push(hint("Esc", "back")),
        }
        let typing = matches!(screen, Screen::List(place) if place.filtering);
        if typing {
            return (hints, none);
        }
        if app.stack.len() == 1 {
            hints.push(hint("g", "log on a group"));
            hints.push(hint("q", "quit"));
        }
        if app.has_desk() {
            hints.push(hint("F2", "desk"));
        }
        return (hints, everywhere(app));
    } else {
        match app.status.phase {
            Phase::Empty => {
                hints.push(hint("i", "initialise"));
                hints.push(hint("r", "restore a backup"));
            }
            Phase::Unfinished => hints.push(hint("i", "finish initialising")),
            Phase::Closed if app.status.rescuable => {
                hints.push(hint("Enter", "log on"));
                hints.push(hint("x", "look, read-only"));
            }
            Phase::Closed => {
                hints.push(hint("Enter", "log on"));
                hints.push(hint("s", "suspend a lost card"));
            }
            Phase::Locked if app.status.recovery => hints.push(hint("r", "recover")),
            Phase::Locked => hints.push(hint("u", "unlock with administrators")),
            Phase::Damaged => {
                if app.status.rescue {
                    hints.push(hint("Enter", "log on, read-only"));
                } else if app.status.rescuable {
                    hints.push(hint("x", "look, read-only"));
                }
                hints.push(hint("r", "restore a backup"));
            }
            Phase::Open => {}
        }
        hints.push(hint("F3", "doctor"));
        hints.push(hint("q", "quit"));
    }
    if app.has_desk() {
        hints.push(hint("F2", "desk"));
    }
    let help = match &app.prompt {
        Some(standing) if standing.types() => "F1",
        _ => "?",
    };
    hints.push(hint(help, "help"));
    (hints, none)
}

fn everywhere(app: &App) -> Vec<Hint> {
    // Whoever opens the PIN room has no ceremonies.
    let here = match app.lists.batches {
        Some(_) => Kind::Mailers,
        None => Kind::Ceremonies,
    };
    let mut hints: Vec<Hint> = [
        Kind::Tasks,
        Kind::Keys,
        here,
        Kind::People,
        Kind::Devices,
        Kind::Journal,
    ]
    .into_iter()
    .map(|kind| {
        let name = kind.name();
        (name.chars().take(1).collect(), name.to_owned())
    })
    .collect();
    hints.push(hint("L", "logout"));
    // Where this line and the one above do not have all keys, help does.
    let more = match app.stack.last() {
        Some(Screen::List(place)) => !words::keys(place.kind.name()).is_empty(),
        _ => false,
    };
    hints.push(hint("?", if more { "more" } else { "help" }));
    hints
}
