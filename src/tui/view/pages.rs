//! Whole pages: start, blank, help, notices, progress.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use conclave_keyroom::ports::dialogue::Refusal;
use conclave_station::front::Phase;

use super::SMALLEST;
use super::paper::{INDENT, Paper, width};
use crate::tui::app::{App, Notice, Working};
use crate::tui::{moment, words};

/// Nothing but why there is nothing.
pub fn blank(app: &App, buf: &mut Buffer, area: Rect) {
    let lines = [
        "blanked: a card was removed, or nobody was here",
        "press any key",
    ];
    let top = area.y + area.height.saturating_sub(2) / 2;
    for (y, line) in (top..area.bottom()).zip(lines) {
        let room = usize::from(area.width);
        let x = area.x + u16::try_from(room.saturating_sub(width(line)) / 2).unwrap_or(0);
        buf.set_stringn(x, y, line, room, app.theme.plain());
    }
}

/// The window does not hold a screen: half a screen could be misread.
pub fn too_small(app: &App, buf: &mut Buffer, area: Rect) {
    let mut paper = Paper::new(app.theme, usize::from(area.width));
    paper.behind(
        "",
        app.theme.plain(),
        &format!(
            "Conclave needs {} columns and {} rows. This window has {} and {}. Make it larger.",
            SMALLEST.0, SMALLEST.1, area.width, area.height
        ),
        app.theme.strong(),
    );
    paper.put(buf, area, None);
}

/// Before anybody is logged on.
pub fn start(app: &App, buf: &mut Buffer, area: Rect) {
    let theme = app.theme;
    let mut paper = Paper::new(theme, usize::from(area.width).min(100));
    paper.lines.push(ratatui::text::Line::default());
    let status = &app.status;
    match status.phase {
        Phase::Empty => {
            paper.text("This station is new.", theme.strong());
            paper.gap();
            paper.text(
                "It holds no people, no keys and no journal yet. Initialising chooses TEST or PRODUCTION for ever, records the people and their groups, and enrols a card for each person, in one sitting.",
                theme.plain(),
            );
            paper.gap();
            paper.text(
                "Needed in the room: everybody who will belong to a group, each with a card as delivered.",
                theme.plain(),
            );
            for name in &status.aside {
                paper.gap();
                paper.text(
                    &format!(
                        "A damaged repository was set aside: {name}. It is kept; restore a backup."
                    ),
                    theme.warn(),
                );
            }
            paper.gap();
            paper.key("i", "initialise this station");
            paper.key("r", "restore a station from a backup");
        }
        Phase::Unfinished => {
            paper.text("Initialising was interrupted.", theme.warn());
            paper.gap();
            paper.text(
                "The first records are written, so this station cannot begin again; it must be finished. What was recorded is kept, and no key exists yet.",
                theme.plain(),
            );
            paper.gap();
            paper.key("i", "finish initialising");
        }
        Phase::Damaged => {
            let title = match status.rescue {
                true => "RESCUE: nothing is written. Nobody is logged on.",
                false => "The repository on this disk is damaged.",
            };
            paper.text(title, theme.bad());
            paper.gap();
            if let Some(refusal) = &status.damage {
                refused(&mut paper, refusal);
                paper.gap();
            }
            if status.rescue {
                paper.key("Enter", "log on to look; the first card shows which group");
            } else if status.rescuable {
                paper.key("x", "look into it, read-only: a quorum logs on");
            }
            paper.key("r", "restore a backup; this repository is kept beside it");
        }
        Phase::Closed if status.damage.is_some() => {
            if let Some(refusal) = &status.damage {
                refused(&mut paper, refusal);
                paper.gap();
            }
            paper.key("Enter", "log on another group, as ever");
            paper.key("x", "look into the damaged repository, read-only");
        }
        Phase::Closed => {
            paper.text("This station is closed.", theme.strong());
            paper.gap();
            paper.text(
                "A group opens it together: so many of its members as the group demands, each with card and PIN. Alone, nobody can.",
                theme.plain(),
            );
            paper.gap();
            paper.key("Enter", "log on; the first card shows which group");
            paper.key("s", "a card is lost: one administrator suspends it");
            paper.key("n", "a new PIN for your card");
        }
        Phase::Locked => {
            paper.text("This station is locked.", theme.bad());
            paper.gap();
            if let Some(refusal) = &status.locked {
                refused(&mut paper, refusal);
                paper.gap();
            }
            if status.recovery {
                paper.key("r", "recover, with recovery holders and administrators");
            } else {
                paper.key("u", "unlock, with the administrators' cards");
            }
        }
        Phase::Open => paper.text("The session opens.", theme.strong()),
    }
    paper.gap();
    warnings(app, &mut paper);
    paper.put(buf, area, None);
}

fn warnings(app: &App, paper: &mut Paper) {
    for warning in &app.status.warnings {
        paper.behind("   ! ", app.theme.warn(), warning, app.theme.plain());
    }
}

/// What happened, what is safe, what to do.
pub fn refused(paper: &mut Paper, refusal: &Refusal) {
    let theme = paper.theme;
    paper.behind("   ✗ ", theme.bad(), &refusal.happened, theme.bad());
    if !refusal.safe.is_empty() {
        paper.behind(
            "     safe now  ",
            theme.quiet(),
            &refusal.safe,
            theme.plain(),
        );
    }
    if !refusal.advice.is_empty() {
        paper.behind(
            "     do next   ",
            theme.quiet(),
            &refusal.advice,
            theme.plain(),
        );
    }
}

/// Something that is shown until Enter.
pub fn notice(app: &App, notice: &Notice, buf: &mut Buffer, area: Rect) {
    let theme = app.theme;
    let mut paper = Paper::new(theme, usize::from(area.width));
    paper.lines.push(ratatui::text::Line::default());
    let from = match notice {
        Notice::Done {
            good,
            title,
            lines,
            from,
        } => {
            let (mark, style) = if *good {
                ("   ✓ ", theme.good())
            } else {
                ("   ✗ ", theme.bad())
            };
            paper.behind(mark, style, title, theme.strong());
            paper.gap();
            for line in lines {
                paper.behind("     ", theme.plain(), line, theme.plain());
            }
            *from
        }
        Notice::Refused(refusal) => {
            refused(&mut paper, refusal);
            0
        }
    };
    paper.gap();
    paper.key("Enter", "go on");
    paper.put(buf, area, Some(from));
}

/// Long work.
pub fn progress(app: &App, working: &Working, buf: &mut Buffer, area: Rect) {
    let theme = app.theme;
    let wide = usize::from(area.width);
    let mut paper = Paper::new(theme, wide);
    paper.lines.push(ratatui::text::Line::default());
    paper.text(&working.words, theme.strong());
    paper.gap();
    let bar = wide.saturating_sub(2 * INDENT + 7).min(80);
    let done = working.done.min(working.of);
    let share = |whole: u64| u128::from(done) * u128::from(whole) / u128::from(working.of.max(1));
    let full = usize::try_from(share(bar as u64)).unwrap_or(0);
    paper.parts(vec![
        (" ".repeat(INDENT), theme.plain()),
        ("█".repeat(full), theme.good()),
        ("░".repeat(bar - full), theme.quiet()),
        (format!("  {:>3} %", share(100)), theme.strong()),
    ]);
    paper.gap();
    let mut facts = format!(
        "{} of {}",
        words::thousands(done),
        words::thousands(working.of)
    );
    let (since, first) = working.since;
    let spent = app.now.saturating_sub(since);
    let units = done.saturating_sub(first);
    if spent >= 1000 && units > 0 {
        let rate = u128::from(units) * 1000 / u128::from(spent);
        let left = u128::from(working.of - done) * u128::from(spent) / (u128::from(units) * 1000);
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        let per = if rate == 0 {
            format!("{} s each", spent / 1000 / units)
        } else {
            format!("{} a second", words::thousands(rate))
        };
        let left = moment::left(u64::try_from(left).unwrap_or(u64::MAX));
        facts = format!("{facts}     {per}     {left}");
    }
    paper.text(&facts, theme.plain());
    paper.gap();
    if working.stopping {
        paper.text(
            "Asked to stop. The unit at hand is finished first.",
            theme.warn(),
        );
    } else {
        paper.text(
            "Esc stops it between two units, never inside one.",
            theme.plain(),
        );
    }
    paper.put(buf, area, None);
}

/// What the screen at hand is for.
pub fn help(app: &App, buf: &mut Buffer, area: Rect) {
    let theme = app.theme;
    let mut paper = Paper::new(theme, usize::from(area.width).min(100));
    let place = app.place_name();
    match (&app.prompt, place) {
        (Some(standing), "prompt") => {
            let prompt = &standing.prompt;
            paper.text("Why this step", theme.strong());
            paper.gap();
            let why = if prompt.why.is_empty() {
                "The ceremony's script gives no reason for this step."
            } else {
                &prompt.why
            };
            paper.text(why, theme.plain());
            paper.gap();
            if !prompt.safe.is_empty() {
                paper.text(&format!("Stopping here: {}", prompt.safe), theme.plain());
            }
        }
        _ => {
            paper.text(&format!("Help: {place}"), theme.strong());
            paper.gap();
            for line in words::help(place) {
                if line.is_empty() {
                    paper.gap();
                } else {
                    paper.text(line, theme.plain());
                }
            }
            paper.gap();
            for (key, label) in words::keys(place) {
                paper.key(key, label);
            }
        }
    }
    paper.gap();
    warnings(app, &mut paper);
    paper.gap();
    for (key, label) in words::EVERYWHERE {
        paper.key(key, label);
    }
    paper.put(buf, area, app.helping());
}
