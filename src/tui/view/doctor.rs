//! The doctor's page.

use conclave_station::doctor::{Finding, Verdict};
use conclave_station::front::Phase;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paper::{Paper, fit};
use super::{Hint, hint};
use crate::tui::app::App;
use crate::tui::doctor::Ward;

/// Rows for the finding at the cursor, below the list.
const DETAIL: u16 = 7;

/// Keys of the page.
pub fn keys(app: &App) -> Vec<Hint> {
    let mut hints = vec![hint("↑↓", "checks")];
    if app.status.phase == Phase::Open {
        hints.push(hint("a", "accept"));
        hints.push(hint("w", "confirm clock"));
    }
    hints.push(hint("F5", "look again"));
    hints.push(hint("Esc", "close"));
    hints.push(hint("?", "help"));
    hints
}

fn style(app: &App, verdict: Verdict) -> Style {
    match verdict {
        Verdict::Green => app.theme.good(),
        Verdict::Amber => app.theme.warn(),
        Verdict::Red => app.theme.bad(),
    }
}

fn counted(ward: &Ward, verdict: Verdict) -> usize {
    ward.findings
        .iter()
        .filter(|f| f.verdict == verdict)
        .count()
}

/// All checks, and the one at the cursor in full.
pub fn page(app: &App, ward: &Ward, buf: &mut Buffer, body: Rect) {
    let high = body.height.saturating_sub(DETAIL);
    let title = Rect::new(body.x, body.y, body.width, 1);
    let list = Rect::new(body.x, body.y + 1, body.width, high.saturating_sub(1));
    let detail = Rect::new(body.x, body.y + high, body.width, body.height - high);
    let theme = app.theme;
    let wide = usize::from(body.width);
    // It stays above the list, however far that is moved.
    let mut paper = Paper::new(theme, wide);
    paper.text(
        &format!(
            "Doctor: {} red, {} amber, {} green",
            counted(ward, Verdict::Red),
            counted(ward, Verdict::Amber),
            counted(ward, Verdict::Green)
        ),
        theme.strong(),
    );
    paper.put(buf, title, None);
    let mut paper = Paper::new(theme, wide);
    for (at, finding) in ward.findings.iter().enumerate() {
        let here = at == ward.at;
        let word = match &finding.excepted {
            Some(_) => "red, accepted",
            None => finding.verdict.word(),
        };
        let lead = format!(" {} {}", if here { "▸" } else { " " }, fit(word, 14));
        let rest = format!("{} {}", fit(finding.check.name(), 13), finding.found);
        let rest = fit(&rest, wide.saturating_sub(18));
        let (first, second) = match here {
            true => (theme.chosen(), theme.chosen()),
            false => (style(app, finding.verdict), theme.plain()),
        };
        paper.parts(vec![(lead, first), (rest, second)]);
        if here {
            paper.focus = Some(paper.lines.len() - 1);
        }
    }
    paper.put(buf, list, None);
    if let Some(finding) = ward.findings.get(ward.at) {
        one(app, finding, buf, detail);
    }
}

fn one(app: &App, finding: &Finding, buf: &mut Buffer, area: Rect) {
    let theme = app.theme;
    super::rule(app, buf, area, area.y);
    let below = Rect::new(
        area.x,
        area.y + 1,
        area.width,
        area.height.saturating_sub(1),
    );
    let mut paper = Paper::new(theme, usize::from(area.width).min(110));
    paper.behind("   found  ", theme.quiet(), &finding.found, theme.strong());
    if let Some(excepted) = &finding.excepted {
        paper.behind("   taken  ", theme.quiet(), excepted, theme.warn());
    }
    paper.behind(
        "   why    ",
        theme.quiet(),
        finding.check.why(),
        theme.plain(),
    );
    if !finding.advice.is_empty() {
        paper.behind("   do     ", theme.quiet(), &finding.advice, theme.plain());
    }
    paper.put(buf, below, None);
}
