//! A layout on a screen: every place with X's, lines and columns counted, and
//! the outside marked.

use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::PrinterLanguage;

use super::error::PrintError;
use super::layout::Layout;
use super::mailer;

/// The form of X's, line by line, as a line printer would print it. Before
/// each line stand its number and, where some of it is outside, an `o`.
///
/// # Errors
/// [`PrintError`]
pub fn screen_preview(layout: &Layout, mode: Mode) -> Result<Vec<String>, PrintError> {
    let bytes = mailer::sample(layout, mode, PrinterLanguage::Line)?;
    let text = String::from_utf8_lossy(&bytes).replace(['\r', '\u{c}'], "");
    let columns = layout.paper_columns();
    let tens: String = (1..=columns / 10)
        .map(|ten| format!("{:>10}", ten * 10))
        .collect();
    let mut shown = vec![
        format!(
            "{}, version {}: {}, {}",
            layout.name(),
            layout.version(),
            layout.kind().words(),
            layout.disclosure().words()
        ),
        format!("     {tens}"),
    ];
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.resize(layout.lines(), "");
    for (number, line) in (1..).zip(lines) {
        let outside = layout
            .outside()
            .iter()
            .any(|area| area.meets(number, area.column, area.width, 0));
        let mark = if outside { 'o' } else { ' ' };
        shown.push(format!("{number:>3}{mark}|{line}").trim_end().to_owned());
    }
    Ok(shown)
}
