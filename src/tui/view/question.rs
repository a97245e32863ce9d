//! The station's question: what it is about, what was done, what is asked, from
//! whom, and whether stopping is safe.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use conclave_keyroom::ports::dialogue::{
    Ask, Mark, MemberState, MemberView, Prompt, QuorumView, Show, Table,
};

use super::paper::{INDENT, Paper, fit, width, wrap};
use super::{Hint, entry, hint, page, run};
use crate::tui::app::App;
use crate::tui::prompt::Standing;
use crate::tui::theme::Theme;

/// Rows that are kept for what stands above the question, and for the question, where
/// one of them is longer than the screen.
const LEAST_ABOVE: u16 = 2;
const LEAST_ASKED: u16 = 5;

/// Keys of a question.
pub fn keys(standing: &Standing) -> Vec<Hint> {
    let mut hints = Vec::new();
    if !standing.sent {
        match &standing.prompt.ask {
            Ask::Nothing => {}
            Ask::Card { other_group, .. } => {
                if *other_group {
                    hints.push(hint("Tab", "other group"));
                }
                if standing.prompt.words {
                    hints.push(hint("W", "recovery words"));
                }
            }
            Ask::Pin { .. } if standing.reads_first() && standing.below.get().is_some() => {
                hints.push(hint("Enter", "read on, more follows"));
            }
            Ask::Pin { .. } | Ask::NewPin { .. } => {
                hints.push(hint("Enter", "confirm"));
                hints.push(hint("Ctrl-U", "start again"));
                if standing.prompt.other_group {
                    hints.push(hint("Tab", "other group"));
                }
            }
            Ask::Word { .. } => {
                hints.push(hint("Enter", "next word"));
                hints.push(hint("Ctrl-U", "word again"));
            }
            Ask::Passphrase { .. } => {
                hints.push(hint("Enter", "confirm"));
                hints.push(hint("Ctrl-U", "start again"));
            }
            Ask::Groups(_) => {
                hints.push(hint("Enter", "next"));
                hints.push(hint("Backspace", "group"));
                hints.push(hint("Ctrl-U", "line again"));
            }
            Ask::Text { .. } | Ask::Exactly { .. } => hints.push(hint("Enter", "confirm")),
            Ask::Form { submit, .. } => {
                hints.push(hint("Enter", submit));
                hints.push(hint("Tab", "next field"));
            }
            Ask::Choose { .. } => {
                hints.push(hint("Enter", "choose"));
                hints.push(hint("↑ ↓ 1-9", "move"));
            }
            Ask::Confirm { key, label } => {
                hints.push(hint(&key.to_ascii_uppercase().to_string(), label));
            }
            Ask::Read if standing.below.get().is_some() => {
                hints.push(hint("Enter", "read on, more follows"));
            }
            Ask::Read => hints.push(hint("Enter", "read, go on")),
        }
        if matches!(standing.prompt.show, Some(Show::Page(_))) {
            hints.push(hint("↑ ↓ ← →", "move"));
        }
        if standing.may_deviate() {
            hints.push(hint("D", "deviation"));
        }
    }
    hints.push(hint("Esc", "stop…"));
    hints
}

/// Draws it; gives the place of the text cursor.
pub fn draw(app: &App, standing: &Standing, buf: &mut Buffer, body: Rect) -> Option<Position> {
    let theme = app.theme;
    let prompt = &standing.prompt;
    let wide = usize::from(body.width);

    let mut foot = Paper::new(theme, wide);
    waiting(prompt, &mut foot);
    let foot_rows = u16::try_from(foot.lines.len())
        .unwrap_or(1)
        .min(body.height);

    let mut asked = entry::asked(theme, wide, standing);
    if standing.pages() && !standing.sent {
        // The footer says the same; the row is the page's.
        asked.paper.lines.clear();
    }
    let mut told = Paper::new(theme, wide);
    if let Some(refusal) = &prompt.refused {
        super::pages::refused(&mut told, refusal);
    }
    if let Some(note) = &standing.note {
        told.gap();
        told.behind("   ! ", theme.warn(), note, theme.warn());
    }
    let room = body.height - foot_rows;
    let rows = |paper: &Paper, room: u16| {
        let lines = u16::try_from(paper.lines.len()).unwrap_or(room);
        lines.min(room)
    };
    // Why it was refused is seen whole; then what is asked, where the cursor stands; and
    // of what stands above at least so much that it is seen that there is more.
    let told_rows = rows(&told, room.saturating_sub(LEAST_ABOVE + LEAST_ASKED));
    let told_gap = u16::from(told_rows > 0 && !asked.paper.lines.is_empty());
    let told_rows = told_rows + told_gap;
    let asked_rows = rows(&asked.paper, room.saturating_sub(told_rows + LEAST_ABOVE));
    let put_told = |buf: &mut Buffer, top: u16| {
        let height = told_rows - told_gap;
        let area = Rect::new(body.x, top + told_gap, body.width, height);
        told.put(buf, area, Some(0));
    };

    if let Some(Show::Page(drawn)) = &prompt.show {
        // The title stands in the header's act; the page has the room.
        let page_rows = room - asked_rows - told_rows;
        let area = Rect::new(body.x, body.y, body.width, page_rows);
        let moved = (standing.scroll.unwrap_or(0), standing.side);
        page::draw(theme, drawn, moved, buf, area);
        let top = body.y + page_rows;
        let area = Rect::new(body.x, top, body.width, asked_rows);
        asked.paper.put(buf, area, None);
        put_told(buf, top + asked_rows);
        foot.put(
            buf,
            Rect::new(body.x, body.bottom() - foot_rows, body.width, foot_rows),
            Some(0),
        );
        return None;
    }
    let mut above = context(theme, wide, prompt);
    if let Some(Show::Run(run)) = &prompt.show {
        above.gap();
        run::draw(run, &mut above);
    }
    let above_room = room - asked_rows - told_rows;
    let above_rows = u16::try_from(above.lines.len())
        .unwrap_or(above_room)
        .min(above_room);
    let mut from = standing.scroll;
    if standing.reads_first() {
        // What is read opens at its top, and Enter goes on at its end alone.
        let height = usize::from(above_rows);
        let most = above.lines.len().saturating_sub(height);
        let at = from.unwrap_or(0).min(most);
        // The last row of this page and the first of the next may be a sign of
        // more in the place of a line.
        let next = at + height.saturating_sub(2).max(1);
        standing.below.set((at < most).then_some(next));
        from = Some(at);
    }
    let area = Rect::new(body.x, body.y, body.width, above_rows);
    let from = above.put(buf, area, from);
    let most = above.lines.len().saturating_sub(usize::from(above_rows));
    standing.shown.set((from, most));
    let gap = u16::from(above_rows > 0 && above_rows + asked_rows + told_rows < room);
    let top = body.y + above_rows + gap;
    let asked_area = Rect::new(body.x, top, body.width, asked_rows);
    let moved = asked.paper.put(buf, asked_area, None);
    put_told(buf, top + asked_rows);
    foot.put(
        buf,
        Rect::new(body.x, body.bottom() - foot_rows, body.width, foot_rows),
        Some(0),
    );
    asked.cursor.map(|(row, column)| {
        Position::new(
            body.x + u16::try_from(column).unwrap_or(0),
            (top + u16::try_from(row.saturating_sub(moved)).unwrap_or(0)).min(body.bottom() - 1),
        )
    })
}

/// From whom, and whether stopping is safe: one line where both fit.
fn waiting(prompt: &Prompt, foot: &mut Paper) {
    let theme = foot.theme;
    let from = format!("   Waiting for  {}", prompt.waiting_for);
    let safe = format!("Safe to stop: {}", prompt.safe);
    let (has_from, has_safe) = (!prompt.waiting_for.is_empty(), !prompt.safe.is_empty());
    if has_from && has_safe && width(&from) + width(&safe) + 6 <= foot.width {
        let gap = (foot.width - width(&from) - width(&safe) - 3).min(40 - width(&from).min(38));
        foot.parts(vec![
            ("   Waiting for  ".to_owned(), theme.plain()),
            (prompt.waiting_for.clone(), theme.strong()),
            (" ".repeat(gap.max(3)), theme.plain()),
            (safe, theme.plain()),
        ]);
        return;
    }
    if has_from {
        foot.behind(
            "   Waiting for   ",
            theme.plain(),
            &prompt.waiting_for,
            theme.strong(),
        );
    }
    if has_safe {
        foot.behind(
            "   Safe to stop: ",
            theme.plain(),
            &prompt.safe,
            theme.plain(),
        );
    }
}

/// All that stands above the question.
fn context(theme: Theme, wide: usize, prompt: &Prompt) -> Paper {
    let mut paper = Paper::new(theme, wide);
    heading(prompt, &mut paper);
    steps(prompt, &mut paper);
    if let Some(quorum) = &prompt.quorum {
        paper.gap();
        draw_quorum(quorum, &mut paper);
    }
    if let Some(show) = &prompt.show {
        paper.gap();
        draw_show(show, &mut paper);
        paper.focus = Some(paper.lines.len().saturating_sub(1));
    }
    if let Some(table) = &prompt.table {
        paper.gap();
        draw_table(table, &mut paper);
    }
    paper
}

/// The title on the left, who plays which part on the right.
fn heading(prompt: &Prompt, paper: &mut Paper) {
    let theme = paper.theme;
    let role = prompt.cast.iter().map(|(r, _)| width(r)).max().unwrap_or(0);
    let name = prompt.cast.iter().map(|(_, n)| width(n)).max().unwrap_or(0);
    let cast = if prompt.cast.is_empty() {
        0
    } else {
        (role + 2 + name).min(paper.width / 2)
    };
    let left = paper.width.saturating_sub(2 * INDENT + cast + 2);
    // A quorum has its group's name as its own heading.
    let quorum = prompt.quorum.as_ref().map(|q| q.group.as_str());
    if prompt.cast.is_empty() && quorum == Some(prompt.title.as_str()) {
        return;
    }
    let title = if prompt.title.is_empty() {
        Vec::new()
    } else {
        wrap(&prompt.title, left)
    };
    for at in 0..title.len().max(prompt.cast.len()) {
        let text = title.get(at).map(String::as_str).unwrap_or_default();
        let mut parts = vec![
            (" ".repeat(INDENT), theme.plain()),
            (fit(text, left + 2), theme.strong()),
        ];
        if let Some((r, n)) = prompt.cast.get(at) {
            parts.push((format!("{}  ", fit(r, role)), theme.plain()));
            parts.push((
                fit(n, name.min(cast.saturating_sub(role + 2))),
                theme.strong(),
            ));
        }
        paper.parts(parts);
    }
    paper.gap();
}

/// Steps with their marks, numbered; notes between them as they are.
fn steps(prompt: &Prompt, paper: &mut Paper) {
    let theme = paper.theme;
    // Where the step at hand has a number, its line has the same.
    let counted = || prompt.lines.iter().filter(|l| l.mark != Mark::Note);
    let now = counted().position(|l| l.mark == Mark::Now);
    let mut number = match (prompt.step, now) {
        (Some((step, _)), Some(now)) => usize::from(step).saturating_sub(now + 1),
        _ => 0,
    };
    for line in &prompt.lines {
        let (style, mark, mark_style): (Style, String, Style) = match &line.mark {
            Mark::Note => {
                paper.text(&line.text, theme.plain());
                continue;
            }
            Mark::Done(at) => (theme.plain(), format!("✓ {at}"), theme.good()),
            Mark::Now => (theme.strong(), "◂ now".to_owned(), theme.warn()),
            Mark::Next => (theme.plain(), String::new(), theme.plain()),
        };
        number += 1;
        let now = line.mark == Mark::Now;
        let lead = format!(" {} {number:>2}  ", if now { "▸" } else { " " });
        let room = paper.width.saturating_sub(width(&lead) + 12);
        for (at, text) in wrap(&line.text, room).into_iter().enumerate() {
            let lead = if at == 0 {
                lead.clone()
            } else {
                " ".repeat(width(&lead))
            };
            let mut parts = vec![(lead, theme.plain()), (fit(&text, room + 2), style)];
            if at == 0 {
                parts.push((mark.clone(), mark_style));
            }
            paper.parts(parts);
        }
        if now {
            paper.focus = Some(paper.lines.len() - 1);
        }
    }
}

/// Cells of a drawn card: at least, and where a name needs them.
const CARD: std::ops::RangeInclusive<usize> = 16..=26;

fn draw_quorum(quorum: &QuorumView, paper: &mut Paper) {
    let theme = paper.theme;
    let here = quorum
        .members
        .iter()
        .filter(|m| m.state == MemberState::Proven)
        .count();
    paper.parts(vec![
        (" ".repeat(INDENT), theme.plain()),
        (quorum.group.clone(), theme.strong()),
        (
            format!("   {} of {} must come, {here} here", quorum.m, quorum.n),
            theme.plain(),
        ),
    ]);
    let longest = quorum.members.iter().map(|m| width(&m.name)).max();
    let card = (longest.unwrap_or(0) + 5).clamp(*CARD.start(), *CARD.end());
    let across = ((paper.width - INDENT) / (card + INDENT)).max(1);
    if quorum.members.len() > 2 * across {
        // Too many to draw: a list says the same.
        for member in &quorum.members {
            let (mark, say, style) = state(theme, member.state);
            paper.parts(vec![(
                format!(
                    "     {mark} {}  card {}  {say}",
                    fit(&member.name, 20),
                    fit(&member.card, 4)
                ),
                style,
            )]);
        }
    } else {
        for row in quorum.members.chunks(across) {
            cards(row, card, paper);
        }
    }
    if let Some((left, first)) = &quorum.deadline {
        let left = format!("{left} s left to complete the quorum");
        let gap = paper
            .width
            .saturating_sub(2 * INDENT + width(first) + width(&left))
            .min(60 - width(first).min(56));
        if gap >= 3 {
            paper.parts(vec![
                (
                    format!("{}{first}{}", " ".repeat(INDENT), " ".repeat(gap)),
                    theme.plain(),
                ),
                (left, theme.warn()),
            ]);
        } else {
            paper.text(first, theme.plain());
            paper.text(&left, theme.warn());
        }
    }
}

fn state(theme: Theme, state: MemberState) -> (&'static str, &'static str, Style) {
    match state {
        MemberState::Proven => ("✓", "proven", theme.good()),
        MemberState::EnterPin => ("▸", "enter PIN", theme.warn()),
        MemberState::Missing => ("·", "to come", theme.plain()),
        MemberState::NotNeeded => ("·", "not needed", theme.plain()),
        MemberState::NotInCast => ("·", "no part", theme.plain()),
        MemberState::Barred => ("✗", "barred", theme.bad()),
    }
}

/// Cards side by side. A dashed one has not come.
fn cards(row: &[MemberView], wide: usize, paper: &mut Paper) {
    let theme = paper.theme;
    let mut lines: [Vec<(String, Style)>; 5] = Default::default();
    for member in row {
        let (mark, say, style) = state(theme, member.state);
        let solid = matches!(member.state, MemberState::Proven | MemberState::EnterPin);
        let (flat, side) = if solid {
            ("─", "│")
        } else {
            ("╌", "╎")
        };
        let card = if member.card.is_empty() {
            String::new()
        } else {
            format!("card {}", member.card)
        };
        let inner = wide - 2;
        let middle = |text: String, style: Style| {
            vec![
                (side.to_owned(), theme.plain()),
                (fit(&text, inner), style),
                (side.to_owned(), theme.plain()),
            ]
        };
        let blocks = [
            vec![(format!("╭{}╮", flat.repeat(inner)), theme.plain())],
            middle(format!(" {mark} {}", member.name), style),
            middle(format!("   {card}"), theme.plain()),
            middle(format!("   {say}"), style),
            vec![(format!("╰{}╯", flat.repeat(inner)), theme.plain())],
        ];
        for (line, block) in lines.iter_mut().zip(blocks) {
            line.push((" ".repeat(INDENT), theme.plain()));
            line.extend(block);
        }
    }
    for line in lines {
        paper.parts(line);
    }
}

/// The word for a hex digit, as spoken between two people: ICAO's for letters.
fn spoken(digit: char) -> String {
    let word = match digit {
        '0' => "zero",
        '1' => "one",
        '2' => "two",
        '3' => "three",
        '4' => "four",
        '5' => "five",
        '6' => "six",
        '7' => "seven",
        '8' => "eight",
        '9' => "nine",
        'A' => "Alfa",
        'B' => "Bravo",
        'C' => "Charlie",
        'D' => "Delta",
        'E' => "Echo",
        'F' => "Foxtrot",
        other => return other.to_string(),
    };
    word.to_owned()
}

fn draw_show(show: &Show, paper: &mut Paper) {
    let theme = paper.theme;
    match show {
        // It has a screen of its own.
        Show::Page(_) | Show::Run(_) => {}
        Show::CheckValue { kcv, method, label } => {
            let digits: Vec<char> = kcv.chars().collect();
            let pairs: Vec<&[char]> = digits.chunks(2).collect();
            let room = paper.width - 2 * INDENT;
            // Read aloud from left to right, row by row: a word below another would
            // be taken for the next one.
            let cells = 18;
            let rows = pairs.len().div_ceil((room / cells).max(1)).max(1);
            let across = pairs.len().div_ceil(rows).max(1);
            for row in pairs.chunks(across) {
                let pad = " ".repeat((paper.width.saturating_sub(cells * row.len())) / 2);
                let line = |text: &dyn Fn(&[char]) -> String| {
                    let cell = |pair: &&[char]| centre(&text(pair), cells);
                    let text: String = row.iter().map(cell).collect();
                    (format!("{pad}{text}"), theme.strong())
                };
                let bar = (
                    format!("{pad}{}", "━".repeat(cells * row.len())),
                    theme.strong(),
                );
                let each = |pair: &[char], by: &str, say: &dyn Fn(char) -> String| {
                    let said: Vec<String> = pair.iter().map(|digit| say(*digit)).collect();
                    said.join(by)
                };
                paper.parts(vec![bar.clone()]);
                paper.parts(vec![line(&|pair| each(pair, "   ", &|d| d.to_string()))]);
                paper.parts(vec![line(&|pair| each(pair, " ", &spoken))]);
                paper.parts(vec![bar]);
            }
            paper.gap();
            paper.text(&format!("{label}    method: {method}"), theme.plain());
        }
        Show::Words { of, words } => {
            paper.text(&format!("{of}, in words:"), theme.plain());
            paper.gap();
            let longest = words.iter().map(|w| width(w)).max().unwrap_or(0).max(6);
            let cells = longest + 6;
            let across = ((paper.width - 2 * INDENT) / cells).clamp(1, 4);
            for (row, line) in words.chunks(across).enumerate() {
                let mut parts = vec![(" ".repeat(INDENT + 2), theme.plain())];
                for (at, word) in line.iter().enumerate() {
                    let number = row * across + at + 1;
                    parts.push((format!("{number:>2} "), theme.plain()));
                    parts.push((fit(word, longest + 3), theme.strong()));
                }
                paper.parts(parts);
            }
        }
    }
}

fn centre(text: &str, cells: usize) -> String {
    let left = cells.saturating_sub(width(text)) / 2;
    fit(&format!("{}{text}", " ".repeat(left)), cells)
}

fn draw_table(table: &Table, paper: &mut Paper) {
    let theme = paper.theme;
    let columns = table.head.len();
    if columns == 0 {
        return;
    }
    let mut widths: Vec<usize> = (0..columns)
        .map(|at| {
            table
                .rows
                .iter()
                .chain([&table.head])
                .filter_map(|row| row.get(at))
                .map(|cell| width(cell))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let room = paper.width.saturating_sub(2 * INDENT + 2 * (columns - 1));
    // The widest column gives way first.
    while widths.iter().sum::<usize>() > room {
        match widths.iter_mut().max() {
            Some(widest) if *widest > 4 => *widest -= 1,
            _ => break,
        }
    }
    let line = |row: &[String]| {
        let cells: Vec<String> = widths
            .iter()
            .enumerate()
            .map(|(at, wide)| fit(row.get(at).map_or("", String::as_str), *wide))
            .collect();
        format!("{}{}", " ".repeat(INDENT), cells.join("  "))
    };
    paper.parts(vec![(line(&table.head), theme.strong())]);
    let long = widths.iter().sum::<usize>() + 2 * (columns - 1);
    paper.parts(vec![(
        format!("{}{}", " ".repeat(INDENT), "─".repeat(long)),
        theme.quiet(),
    )]);
    for row in &table.rows {
        paper.parts(vec![(line(row), theme.plain())]);
    }
}
