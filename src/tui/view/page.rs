//! A printed page in characters: a window that is moved over it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use conclave_keyroom::ports::dialogue::DrawnPage;

use super::paper::{Paper, width};
use crate::tui::theme::Theme;

/// Where the window stands: rows down, cells to the right.
pub type Moved = (usize, usize);

/// Draws the page from there on, or as far as it goes; the ruler and the
/// numbers of the lines stay. What lies beyond is said in the corners.
pub fn draw(theme: Theme, page: &DrawnPage, moved: Moved, buf: &mut Buffer, area: Rect) {
    let wide = usize::from(area.width);
    let mut about = Paper::new(theme, wide);
    for line in &page.about {
        about.text(line, theme.plain());
    }
    let high = usize::from(area.height);
    // On a small screen the page goes before what is said about it.
    about.lines.truncate(high / 4);
    let about_rows = u16::try_from(about.lines.len()).unwrap_or(0);
    about.put(
        buf,
        Rect::new(area.x, area.y, area.width, about_rows),
        Some(0),
    );
    let rows = high.saturating_sub(about.lines.len() + 1);
    let longest = page.rows.iter().map(|row| width(row)).max().unwrap_or(0);
    let from = moved.0.min(page.rows.len().saturating_sub(rows));
    let side = moved.1.min(longest.saturating_sub(wide));
    let mut line = |y: u16, text: &str, strong: bool| {
        let shown: String = text
            .chars()
            .take(page.gutter)
            .chain(text.chars().skip(page.gutter + side))
            .take(wide)
            .collect();
        let style = if strong { theme.quiet() } else { theme.plain() };
        buf.set_string(area.x, y, shown, style);
    };
    let top = area.y + about_rows;
    line(top, &page.ruler, true);
    for (at, row) in page.rows.iter().skip(from).take(rows).enumerate() {
        line(top + 1 + u16::try_from(at).unwrap_or(0), row, false);
    }
    if rows == 0 {
        return;
    }
    let mut beyond = String::new();
    for (is, sign) in [
        (from > 0, " ▲ PgUp"),
        (from + rows < page.rows.len(), " ▼ PgDn"),
        (side > 0, " ◀"),
        (side + wide < longest, " ▶"),
    ] {
        if is {
            beyond.push_str(sign);
        }
    }
    if !beyond.is_empty() {
        beyond.push(' ');
        let x = area
            .right()
            .saturating_sub(u16::try_from(width(&beyond)).unwrap_or(0));
        buf.set_string(x, top, beyond, theme.key());
    }
}
