//! Lists and the detail of a row. Only the rows that are seen are made.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use conclave_station::front::{FILES_RECEIPT, READS_AGAIN, UNKNOWN};

use super::paper::{Paper, fit, width, wrap};
use super::{Hint, hint, put, rule};
use crate::tui::app::App;
use crate::tui::place::Place;
use crate::tui::rows::Kind;
use crate::tui::words::thousands;

/// From this width on, the detail stands beside the list.
const BESIDE: u16 = 110;

/// Rows below the list for what is under the cursor.
const BELOW: u16 = 3;

/// Keys of a list.
pub fn keys(app: &App, place: &Place) -> Vec<Hint> {
    if place.filtering {
        return vec![
            hint("type", "to filter"),
            hint("Enter", "keep the filter"),
            hint("Esc", "show all"),
            hint("F1", "help"),
        ];
    }
    let row = place.row();
    let lists = &app.lists;
    let enter = match (place.kind, row) {
        (Kind::Tasks, Some(at)) if lists.tasks.get(at).is_some_and(|t| t.resume.is_some()) => {
            "resume"
        }
        (Kind::Ceremonies, Some(at)) if lists.ceremonies.get(at).is_some_and(|c| c.open) => {
            "resume"
        }
        (Kind::Scripts, _) => "begin",
        (Kind::Mailers, _) => "what is next",
        _ => "open",
    };
    let mut hints = vec![hint("Enter", enter), hint("/", "filter")];
    match place.kind {
        Kind::Tasks
            if lists
                .tasks
                .iter()
                .any(|task| task.what.starts_with(UNKNOWN)) =>
        {
            hints.push(hint("s", "settle"));
        }
        Kind::Tasks => {
            let told = |said: &str| {
                let mut tasks = lists.tasks.iter();
                tasks.any(|task| task.detail.iter().any(|line| line == said))
            };
            if told(READS_AGAIN) {
                hints.push(hint("a", "read again"));
            }
            if told(FILES_RECEIPT) {
                hints.push(hint("r", "receipt"));
            }
        }
        Kind::Ceremonies => hints.push(hint("n", "new ceremony")),
        Kind::Mailers => {
            hints.push(hint("n", "new batch"));
            hints.push(hint("s", "blank forms"));
        }
        Kind::Keys if app.status.rescue => {}
        Kind::Devices if app.status.rescue => hints.push(hint("b", "compare a backup")),
        Kind::Keys => {
            // One line has room for these; `?` has the others.
            hints.push(hint("h", "hand over"));
            hints.push(hint("e", "letter"));
            hints.push(hint("r", "replace"));
        }
        Kind::Devices => {
            hints.push(hint("e", "printer"));
            if app.administers() {
                hints.push(hint("m", "stick"));
            }
            // `?` has the others.
            hints.push(hint("b", "backup"));
            hints.push(hint("y", "system"));
        }
        Kind::People => {
            hints.push(hint("s", "suspend"));
            // One line has room for this many; `?` has r.
            hints.push(hint("n", "PIN"));
            hints.push(hint("b", "unblock"));
            if app.administers() {
                hints.push(hint("m", "members"));
            }
        }
        Kind::Journal => {
            hints.push(hint("x", "export"));
            hints.push(hint("a", "adopt"));
        }
        _ => {}
    }
    if !place.filter.text().is_empty() {
        hints.push(hint("Esc", "show all"));
    } else if place.kind != Kind::Tasks {
        hints.push(hint("Esc", "back"));
    }
    hints
}

/// A list with the detail of the row under the cursor.
pub fn list(app: &App, place: &Place, buf: &mut Buffer, body: Rect) -> Option<Position> {
    let theme = app.theme;
    let cursor = title(app, place, buf, body);
    let beside = body.width >= BESIDE;
    let wide = if beside {
        (body.width * 2 / 3).max(80)
    } else {
        body.width
    };
    let mut top = body.y + 1;
    if place.kind == Kind::People {
        let left = Rect {
            width: wide,
            ..body
        };
        top = groups(app, buf, left, top);
    }
    let bottom = if beside {
        body.bottom()
    } else {
        body.bottom() - BELOW - 1
    };
    let columns = widths(place.kind, usize::from(wide));
    let heads: Vec<String> = place
        .kind
        .columns()
        .iter()
        .map(|c| c.title.to_owned())
        .collect();
    put(
        buf,
        body.x,
        top,
        &row_text(place.kind, "   ", &heads, &columns),
        theme.quiet(),
    );
    let rows = Rect::new(body.x, top + 1, wide, bottom.saturating_sub(top + 1));
    table(app, place, buf, rows, &columns);

    let lines = place
        .row()
        .map(|row| place.kind.detail(&app.lists, &app.custody, row));
    if beside {
        let x = body.x + wide;
        for y in body.y + 1..body.bottom() {
            put(buf, x, y, "│", theme.quiet());
        }
        let area = Rect::new(x + 1, body.y + 1, body.width - wide - 1, body.height - 1);
        let mut paper = Paper::new(theme, usize::from(area.width));
        if let Some((title, lines)) = lines {
            paper.behind(" ", theme.plain(), &title, theme.strong());
            paper.gap();
            detail_lines(&mut paper, " ", &lines);
        }
        paper.put(buf, area, Some(0));
    } else {
        rule(app, buf, body, bottom);
        if let Some((title, lines)) = lines {
            let room = usize::from(body.width) - 2;
            put(
                buf,
                body.x + 1,
                bottom + 1,
                &fit(&title, room),
                theme.strong(),
            );
            let rows = packed(&lines, room);
            let most = usize::from(BELOW) - 1;
            for (at, row) in rows.iter().take(most).enumerate() {
                let y = bottom + 2 + u16::try_from(at).unwrap_or(0);
                // What does not fit stands on the row's own page.
                let text = if at + 1 == most && rows.len() > most {
                    fit(&format!("{row} …"), room)
                } else {
                    fit(row, room)
                };
                put(buf, body.x + 1, y, &text, theme.plain());
            }
        }
    }
    cursor
}

/// Lines that fit stand on one row; one that is longer than a row is wrapped.
fn packed(lines: &[String], room: usize) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        match rows.last_mut() {
            Some(row) if width(row) + width(line) + 5 <= room => {
                row.push_str("  ·  ");
                row.push_str(line);
            }
            _ => rows.extend(wrap(line, room)),
        }
    }
    rows
}

/// Title, how many, what is due when, and the filter.
fn title(app: &App, place: &Place, buf: &mut Buffer, body: Rect) -> Option<Position> {
    let theme = app.theme;
    let all = place.kind.len(&app.lists);
    let count = count(app, place, all);
    let text = place.filter.text();
    let typed = place.filtering || !text.is_empty();
    let shown = format!("/ {text}");
    let room = 24.max(width(&shown) + 1);
    let edge = if typed {
        let room = u16::try_from(room + 1).unwrap_or(0);
        body.right().saturating_sub(room)
    } else {
        body.right()
    };
    let mut x = put(buf, body.x + 1, body.y, place.kind.title(), theme.strong());
    x = put(buf, x, body.y, &format!(" {count}"), theme.plain());
    let bars = match place.kind {
        Kind::Tasks => Some(("due", &app.digest.due)),
        Kind::Keys => Some(("expiring", &app.digest.expiring)),
        _ => None,
    };
    if let Some((what, bars)) = bars.filter(|_| all > 0) {
        let after = "  12 weeks";
        let wide = 4 + width(what) + 2 + width(bars) + width(after);
        // A long count leaves them no room beside the filter.
        if usize::from(x) + wide <= usize::from(edge) {
            x = put(buf, x + 4, body.y, &format!("{what}  "), theme.plain());
            x = put(buf, x, body.y, bars, theme.warn());
            put(buf, x, body.y, after, theme.plain());
        }
    }
    if !typed {
        return None;
    }
    put(
        buf,
        edge,
        body.y,
        &super::boxes::underscored(&shown, room),
        theme.strong(),
    );
    let at = edge + u16::try_from(width(&shown)).unwrap_or(0);
    place.filtering.then_some(Position::new(at, body.y))
}

/// How many rows, of how many; and whether more are being counted or read.
fn count(app: &App, place: &Place, all: usize) -> String {
    let reading = match place.kind {
        Kind::Keys => app.lists.keys.to_come(),
        _ => 0,
    };
    let of = match reading {
        0 => thousands(all),
        _ => format!("{} of {} read", thousands(all), thousands(all + reading)),
    };
    let found = thousands(place.shown.len());
    if place.is_busy() {
        format!("{found} so far, of {of}")
    } else if place.shown.len() == all {
        of
    } else if reading > 0 {
        format!("{found}, of {of}")
    } else {
        format!("{found} of {of}")
    }
}

/// The groups with their quorum and the cards that live, above the people, in
/// two columns.
fn groups(app: &App, buf: &mut Buffer, body: Rect, y: u16) -> u16 {
    let theme = app.theme;
    let groups = &app.lists.groups;
    if groups.is_empty() {
        return y;
    }
    let rows = groups.len().div_ceil(2);
    for (at, group) in groups.iter().enumerate() {
        let quorum = format!("{} of {}", group.m, group.n);
        let (live, all) = (group.live, group.n.max(group.live));
        let cards: String = if all > 6 {
            format!("{live}/{all}")
        } else {
            (0..all)
                .map(|at| if at < live { '▮' } else { '▯' })
                .collect()
        };
        let (style, say) = match live.checked_sub(group.m) {
            None => (theme.bad(), "✗ too few"),
            Some(0) => (theme.warn(), "! 0 spare"),
            Some(_) => (theme.good(), "✓"),
        };
        let y = y + u16::try_from(at % rows).unwrap_or(0);
        let x = body.x + 1 + if at < rows { 0 } else { body.width / 2 };
        let x = put(buf, x, y, &fit(&group.name, 15), theme.strong());
        let x = put(buf, x + 1, y, &fit(&quorum, 7), theme.plain());
        let x = put(buf, x, y, &fit(&cards, 6), style);
        put(buf, x + 1, y, say, style);
    }
    let below = y + u16::try_from(rows).unwrap_or(0);
    rule(app, buf, body, below);
    below + 1
}

/// Column widths for a list of this width.
fn widths(kind: Kind, wide: usize) -> Vec<usize> {
    let columns = kind.columns();
    let gaps = 2 * columns.len().saturating_sub(1);
    let base: usize = columns.iter().map(|c| c.width).sum::<usize>() + gaps + 4;
    let spare = wide.saturating_sub(base);
    let shares = columns.iter().map(|c| c.grow).sum::<usize>().max(1);
    columns
        .iter()
        .map(|c| c.width + spare * c.grow / shares)
        .collect()
}

/// Names in a row, `Administrators, Approvers`: where there is no room for all
/// of them each is cut to its share, `Administr., Approvers`, so that none is
/// left out. The row's own lines have them whole.
fn fit_names(text: &str, cells: usize) -> String {
    let names: Vec<&str> = text.split(", ").collect();
    if width(text) <= cells || names.len() < 2 {
        return fit(text, cells);
    }
    let mut room = cells.saturating_sub(2 * (names.len() - 1));
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|at| names.get(*at).map_or(0, |name| width(name)));
    let mut cut = vec![String::new(); names.len()];
    for (done, at) in order.into_iter().enumerate() {
        let share = room / (names.len() - done);
        let name = names.get(at).copied().unwrap_or_default();
        let short = match width(name) <= share {
            true => name.to_owned(),
            false => {
                let head: String = name.chars().take(share.saturating_sub(1)).collect();
                format!("{}.", head.trim_end())
            }
        };
        room = room.saturating_sub(width(&short));
        if let Some(place) = cut.get_mut(at) {
            *place = short;
        }
    }
    fit(&cut.join(", "), cells)
}

fn row_text(kind: Kind, lead: &str, cells: &[String], columns: &[usize]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .zip(columns)
        .zip(kind.columns())
        .map(|((cell, wide), column)| {
            if column.names {
                return fit_names(cell, *wide);
            }
            // `K0 zone master key` is still itself as `K0`.
            let short = cell.split(' ').next().unwrap_or_default();
            if *wide <= 5 && width(cell) > *wide && width(short) <= *wide {
                fit(short, *wide)
            } else {
                fit(cell, *wide)
            }
        })
        .collect();
    format!("{lead}{}", cells.join("  "))
}

fn table(app: &App, place: &Place, buf: &mut Buffer, area: Rect, columns: &[usize]) {
    let theme = app.theme;
    let height = usize::from(area.height);
    if place.shown.len() == 0 {
        let text = if place.is_busy() {
            "Looking…"
        } else if place.kind.len(&app.lists) == 0 {
            place.kind.when_empty()
        } else {
            "Nothing passes the filter.  Esc: show all"
        };
        put(buf, area.x + 3, area.y + 1, text, theme.plain());
        return;
    }
    let most = place.shown.len().saturating_sub(height);
    let from = place.cursor.saturating_sub(height / 2).min(most);
    for at in from..from + height {
        let Some(row) = place.shown.get(at) else {
            break;
        };
        let y = area.y + u16::try_from(at - from).unwrap_or(0);
        let cells = place.kind.cells(&app.lists, row);
        let here = at == place.cursor;
        let lead = if here { " ▸ " } else { "   " };
        let text = fit(
            &row_text(place.kind, lead, &cells, columns),
            usize::from(area.width),
        );
        let style = if here {
            theme.chosen()
        } else {
            row_style(app, place.kind, row)
        };
        put(buf, area.x, y, &text, style);
    }
    let edge = area.right() - 1;
    if from > 0 {
        put(buf, edge, area.y, "▲", theme.key());
    }
    if from < most {
        put(buf, edge, area.bottom() - 1, "▼", theme.key());
    }
}

/// Colour repeats what the row's words say.
fn row_style(app: &App, kind: Kind, row: usize) -> ratatui::style::Style {
    let theme = app.theme;
    match kind {
        Kind::Tasks => match app.lists.tasks.get(row).map(|t| t.days) {
            Some(days) if days < 0 => theme.bad(),
            Some(0) => theme.warn(),
            _ => theme.plain(),
        },
        Kind::Scripts
            if app
                .lists
                .scripts
                .get(row)
                .is_some_and(|s| s.refused.is_some()) =>
        {
            theme.bad()
        }
        Kind::Ceremonies if app.lists.ceremonies.get(row).is_some_and(|c| c.open) => theme.warn(),
        _ => theme.plain(),
    }
}

fn detail_lines(paper: &mut Paper, lead: &str, lines: &[String]) {
    let theme = paper.theme;
    for line in lines {
        if line.is_empty() {
            paper.gap();
            continue;
        }
        // A tree keeps its indent when it is wrapped.
        let inner = line.len() - line.trim_start_matches([' ', '└', '├', '─', '│']).len();
        let (head, tail) = line.split_at(inner);
        paper.behind(&format!("{lead}{head}"), theme.quiet(), tail, theme.plain());
    }
}

/// One row on a page of its own.
pub fn detail(app: &App, kind: Kind, id: &str, from: usize, buf: &mut Buffer, body: Rect) {
    let theme = app.theme;
    let row = kind.find(&app.lists, id);
    let mut paper = Paper::new(theme, usize::from(body.width).min(110));
    match row {
        Some(row) => {
            let (title, lines) = kind.detail(&app.lists, &app.custody, row);
            paper.text(&title, theme.strong());
            paper.gap();
            detail_lines(&mut paper, "   ", &lines);
        }
        None => paper.text("It is no longer in the list.", theme.plain()),
    }
    paper.put(buf, body, Some(from));
}

#[cfg(test)]
mod tests {
    use super::fit_names;

    #[test]
    fn of_names_in_a_row_none_is_left_out() {
        assert_eq!(fit_names("Approvers", 12), "Approvers   ");
        assert_eq!(
            fit_names("Administrators, Approvers", 24),
            "Administrato., Approvers"
        );
        assert_eq!(
            fit_names("Administrators, Key managers, Approvers", 24),
            "Admini., Key ma., Appro."
        );
        assert_eq!(fit_names("PIN supervisors", 12), "PIN supervi…");
    }
}
