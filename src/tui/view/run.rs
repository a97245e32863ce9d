//! A run of the printer: the next action in large letters, how far it is, and
//! the numbers that people compare with paper.

use conclave_keyroom::ports::dialogue::RunView;

use super::paper::{INDENT, Paper, fit, width};
use crate::tui::moment;
use crate::tui::words::thousands;

/// Rows of a large letter.
const ROWS: usize = 5;

/// A large letter, row by row; a small one is drawn as its capital, and what
/// has no shape as a space.
fn shape(letter: char) -> [&'static str; ROWS] {
    match letter.to_ascii_uppercase() {
        'A' => ["###", "# #", "###", "# #", "# #"],
        'B' => ["## ", "# #", "## ", "# #", "## "],
        'C' => ["###", "#  ", "#  ", "#  ", "###"],
        'D' => ["## ", "# #", "# #", "# #", "## "],
        'E' => ["###", "#  ", "## ", "#  ", "###"],
        'F' => ["###", "#  ", "## ", "#  ", "#  "],
        'G' => ["####", "#   ", "# ##", "#  #", "####"],
        'H' => ["# #", "# #", "###", "# #", "# #"],
        'I' => ["#", "#", "#", "#", "#"],
        'J' => ["  #", "  #", "  #", "# #", "###"],
        'K' => ["# #", "# #", "## ", "# #", "# #"],
        'L' => ["#  ", "#  ", "#  ", "#  ", "###"],
        'M' => ["#   #", "## ##", "# # #", "#   #", "#   #"],
        'N' => ["#  #", "## #", "# ##", "#  #", "#  #"],
        'O' => ["###", "# #", "# #", "# #", "###"],
        'P' => ["###", "# #", "###", "#  ", "#  "],
        'Q' => ["### ", "# # ", "# # ", "# # ", "####"],
        'R' => ["## ", "# #", "## ", "# #", "# #"],
        'S' => ["###", "#  ", "###", "  #", "###"],
        'T' => ["###", " # ", " # ", " # ", " # "],
        'U' => ["# #", "# #", "# #", "# #", "###"],
        'V' => ["# #", "# #", "# #", "# #", " # "],
        'W' => ["#   #", "#   #", "# # #", "## ##", "#   #"],
        'X' => ["# #", "# #", " # ", "# #", "# #"],
        'Y' => ["# #", "# #", " # ", " # ", " # "],
        'Z' => ["###", "  #", " # ", "#  ", "###"],
        '0' => ["###", "# #", "# #", "# #", "###"],
        '1' => [" #", "##", " #", " #", " #"],
        '2' => ["###", "  #", "###", "#  ", "###"],
        '3' => ["###", "  #", "###", "  #", "###"],
        '4' => ["# #", "# #", "###", "  #", "  #"],
        '5' => ["###", "#  ", "###", "  #", "###"],
        '6' => ["###", "#  ", "###", "# #", "###"],
        '7' => ["###", "  #", "  #", "  #", "  #"],
        '8' => ["###", "# #", "###", "# #", "###"],
        '9' => ["###", "# #", "###", "  #", "###"],
        _ => ["  ", "  ", "  ", "  ", "  "],
    }
}

/// The words in large letters: two rows of a letter stand in one cell.
fn large(words: &str) -> Vec<String> {
    let row = |at: usize| {
        let mut row = String::new();
        for letter in words.chars() {
            row.push_str(shape(letter).get(at).copied().unwrap_or_default());
            row.push(' ');
        }
        row
    };
    (0..ROWS)
        .step_by(2)
        .map(|at| {
            let lower = if at + 1 < ROWS {
                row(at + 1)
            } else {
                String::new()
            };
            let below = lower.chars().chain(std::iter::repeat(' '));
            row(at)
                .chars()
                .zip(below)
                .map(|pair| match pair {
                    ('#', '#') => '█',
                    ('#', _) => '▀',
                    (_, '#') => '▄',
                    _ => ' ',
                })
                .collect()
        })
        .collect()
}

/// Draws the run.
pub fn draw(run: &RunView, paper: &mut Paper) {
    let theme = paper.theme;
    let room = paper.width.saturating_sub(2 * INDENT);
    let lead = " ".repeat(INDENT);
    let letters = large(&run.large);
    if letters.iter().all(|row| width(row.trim_end()) <= room) {
        for row in letters {
            let row = row.trim_end().to_owned();
            paper.parts(vec![(lead.clone(), theme.plain()), (row, theme.strong())]);
        }
    } else {
        paper.text(&run.large, theme.strong());
    }
    paper.gap();
    paper.text(&run.next, theme.plain());
    paper.gap();
    let done = run.done.min(run.of);
    let bar = room.saturating_sub(26).min(60);
    let full = u128::from(done) * bar as u128 / u128::from(run.of.max(1));
    let full = usize::try_from(full).unwrap_or(bar).min(bar);
    paper.parts(vec![
        (format!("{lead}Mailers  "), theme.plain()),
        ("█".repeat(full), theme.good()),
        ("░".repeat(bar - full), theme.quiet()),
        (
            format!("  {} of {}", thousands(done), thousands(run.of)),
            theme.strong(),
        ),
    ]);
    let counts: Vec<String> = run
        .counts
        .iter()
        .map(|(name, count)| format!("{name} {}", thousands(*count)))
        .collect();
    if !counts.is_empty() {
        paper.text(&counts.join("   "), theme.plain());
    }
    let rate = match (run.rate, run.left) {
        (Some(rate), Some(left)) => {
            format!("{} an hour, {}", thousands(rate), moment::left(left))
        }
        _ => String::new(),
    };
    // The least comes last: a question below takes its room.
    for (name, value) in [
        ("Forms", &run.forms),
        ("Printer", &run.device),
        ("Rate", &rate),
    ] {
        if value.is_empty() {
            continue;
        }
        let name = fit(name, 9);
        paper.behind(
            &format!("{lead}{name}"),
            theme.plain(),
            value,
            theme.strong(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_letter_are_alike() {
        for letter in ('A'..='Z').chain('0'..='9').chain([' ', '?']) {
            let rows = shape(letter);
            assert!(
                rows.iter().all(|row| row.len() == rows[0].len()),
                "{letter}"
            );
        }
        let drawn = large("I1");
        let drawn: Vec<&str> = drawn.iter().map(|row| row.trim_end()).collect();
        assert_eq!(drawn, ["█ ▄█", "█  █", "▀  ▀"]);
    }
}
