//! What is asked, with what was typed so far.

use conclave_keyroom::ports::dialogue::{Ask, Choice, Field, Groups};

use super::boxes::underscored;
use super::paper::{INDENT, Paper, fit, width, wrap};
use crate::tui::field::Input;
use crate::tui::groups::Typing;
use crate::tui::prompt::{Entry, Standing};
use crate::tui::theme::Theme;
use crate::tui::typed::{LONGEST_PIN, Masked};

/// Lines of a value that are shown above the one being typed.
const DONE_SHOWN: u8 = 4;

/// Choices shown at once: as many as there are digits to move by.
const WINDOW: usize = 9;

/// The question, and where its text cursor stands (row, column).
pub struct Asked {
    /// The lines.
    pub paper: Paper,
    /// Row and column of the cursor.
    pub cursor: Option<(usize, usize)>,
}

/// What is asked.
pub fn asked(theme: Theme, wide: usize, standing: &Standing) -> Asked {
    let mut asked = Asked {
        paper: Paper::new(theme, wide),
        cursor: None,
    };
    // The arrows move it, not the pages.
    asked.paper.more = [" ▲ more", " ▼ more"];
    if standing.sent {
        asked
            .paper
            .text("… the station works on it.", theme.plain());
        return asked;
    }
    match (&standing.prompt.ask, &standing.entry) {
        (Ask::Card { wanted, .. }, _) => {
            asked.card(wanted);
            if standing.prompt.words {
                asked
                    .paper
                    .key("W", "no card, but recovery words on a sheet");
            }
        }
        (
            Ask::Pin {
                person,
                tries_left,
                purpose,
            },
            Entry::Pin(pin),
        ) => asked.pin(person, *tries_left, purpose, pin),
        (Ask::NewPin { person }, Entry::NewPin { first, now }) => {
            asked.new_pin(person, first.is_some(), now);
        }
        (
            Ask::Text {
                label,
                hint,
                masked,
                ..
            },
            Entry::Line(line),
        ) => {
            let shown = if *masked {
                "●".repeat(line.text().chars().count())
            } else {
                line.text().to_owned()
            };
            asked.line(label, &shown, line.max());
            asked.hint(hint);
        }
        (Ask::Word { place, of }, Entry::Word(letters)) => asked.word(*place, *of, letters),
        (Ask::Passphrase { .. }, Entry::Passphrase(typed)) => asked.passphrase(typed),
        (Ask::Groups(groups), Entry::Groups(typing)) => asked.groups(groups, typing),
        (Ask::Exactly { text }, Entry::Line(line)) => {
            asked.paper.parts(vec![
                ("   To go on, type exactly   ".to_owned(), theme.plain()),
                (text.clone(), theme.strong()),
            ]);
            asked.paper.gap();
            asked.line("typed", line.text(), text.chars().count());
            if line.text() == text {
                asked.paper.text("✓ the same; Enter confirms", theme.good());
            }
        }
        (Ask::Form { fields, done, .. }, Entry::Form { fields: typed, at }) => {
            asked.form(fields, typed, *at);
            if let Some(done) = done {
                asked.paper.gap();
                asked
                    .paper
                    .text(&format!("Enter with nothing typed: {done}."), theme.plain());
            }
        }
        (Ask::Choose { options }, Entry::Choice(at)) => asked.choose(options, *at),
        (Ask::Confirm { key, label }, _) => {
            asked.paper.parts(vec![
                ("   Press  ".to_owned(), theme.plain()),
                (key.to_ascii_uppercase().to_string(), theme.key()),
                ("  to confirm: ".to_owned(), theme.plain()),
                (label.clone(), theme.strong()),
            ]);
        }
        (Ask::Nothing, _) => asked.paper.text(
            "… nothing to press; the station goes on by itself.",
            theme.plain(),
        ),
        (Ask::Read, _) => asked.paper.key("Enter", "read to the end, then go on"),
        _ => {}
    }
    asked
}

/// Typed digits as dots, six places at least.
fn dots(pin: &Masked) -> String {
    let places = pin.len().clamp(6, LONGEST_PIN);
    let marks: Vec<&str> = (0..places)
        .map(|at| if at < pin.len() { "●" } else { "·" })
        .collect();
    marks.join(" ")
}

impl Asked {
    fn card(&mut self, wanted: &[String]) {
        let theme = self.paper.theme;
        let people = match wanted {
            [] => "any member's card".to_owned(),
            [one] => format!("the card of {one}"),
            [all @ .., last] => format!("the card of {} or {last}", all.join(", ")),
        };
        self.paper.behind(
            "   ▸ ",
            theme.warn(),
            &format!("Put into a reader: {people}"),
            theme.strong(),
        );
    }

    fn pin(&mut self, person: &str, tries: Option<u8>, purpose: &str, pin: &Masked) {
        let theme = self.paper.theme;
        let label = format!("   {person}, your card PIN   ");
        let (tries, style) = match tries {
            None => (String::new(), theme.plain()),
            Some(0) => ("✗ no try left".to_owned(), theme.bad()),
            Some(1) => ("! last try".to_owned(), theme.bad()),
            Some(left) => (format!("tries left {left}"), theme.plain()),
        };
        let column = width(&label) + (2 * pin.len()).min(2 * LONGEST_PIN - 1);
        self.cursor = Some((self.paper.lines.len(), column));
        self.paper.parts(vec![
            (label, theme.plain()),
            (fit(&dots(pin), 2 * LONGEST_PIN + 2), theme.strong()),
            (tries, style),
        ]);
        if !purpose.is_empty() {
            self.paper.behind(
                "   The PIN is for: ",
                theme.plain(),
                purpose,
                theme.strong(),
            );
        }
    }

    fn word(&mut self, place: u8, of: u8, letters: &Masked) {
        let theme = self.paper.theme;
        let label = format!("   Word {place:>2} of {of}   ");
        let column = width(&label) + (2 * letters.len()).min(2 * LONGEST_PIN - 1);
        self.cursor = Some((self.paper.lines.len(), column));
        self.paper.parts(vec![
            (label, theme.plain()),
            (fit(&dots(letters), 2 * LONGEST_PIN + 2), theme.strong()),
        ]);
        self.paper.text(
            "the first four letters are enough; nobody else looks at the keyboard",
            theme.plain(),
        );
    }

    /// As many dots as fit, and how many characters there are.
    fn passphrase(&mut self, typed: &Masked) {
        const DOTS: usize = 40;
        let theme = self.paper.theme;
        let label = "   Passphrase   ";
        let shown = typed.len().min(DOTS);
        self.cursor = Some((self.paper.lines.len(), width(label) + shown));
        self.paper.parts(vec![
            (label.to_owned(), theme.plain()),
            (fit(&"●".repeat(shown), DOTS + 2), theme.strong()),
            (format!("{:>3}", typed.len()), theme.plain()),
        ]);
        self.paper.text(
            "upper and lower case differ; nobody else looks at the keyboard",
            theme.plain(),
        );
    }

    fn new_pin(&mut self, person: &str, again: bool, now: &Masked) {
        let theme = self.paper.theme;
        let full = "● ● ● ● ● ●";
        let first_label = format!("   {person}, a new PIN   ");
        let second_label = format!("{}   ", fit("   the same again", width(&first_label) - 3));
        let row = self.paper.lines.len() + usize::from(again);
        self.cursor = Some((row, width(&first_label) + 2 * now.len()));
        let first = if again { full.to_owned() } else { dots(now) };
        let second = if again { dots(now) } else { String::new() };
        let done = if again { "✓" } else { "" };
        self.paper.parts(vec![
            (first_label, theme.plain()),
            (fit(&first, 2 * LONGEST_PIN + 2), theme.strong()),
            (done.to_owned(), theme.good()),
        ]);
        self.paper.parts(vec![
            (second_label, theme.plain()),
            (second, theme.strong()),
        ]);
        self.paper.text(
            "six to eight digits; nobody else looks at the keyboard",
            theme.plain(),
        );
    }

    fn line(&mut self, label: &str, shown: &str, max: usize) {
        let theme = self.paper.theme;
        let label = format!("   {label}   ");
        let cells = max
            .min(self.paper.width.saturating_sub(width(&label) + 3))
            .max(1);
        // The end is where one types: a long text shows its end.
        let skip = width(shown).saturating_sub(cells);
        let shown: String = shown.chars().skip(skip).collect();
        let column = width(&label) + width(&shown).min(cells.saturating_sub(1).max(width(&shown)));
        self.cursor = Some((self.paper.lines.len(), column));
        self.paper.parts(vec![
            (label, theme.plain()),
            (underscored(&shown, cells), theme.strong()),
        ]);
    }

    /// Lines that are done, and the one being typed: dots, never digits.
    fn groups(&mut self, groups: &Groups, typing: &Typing) {
        let theme = self.paper.theme;
        let letter = |mark: &str| {
            if groups.check {
                format!("   check {mark}")
            } else {
                String::new()
            }
        };
        let full = vec!["●●●●"; usize::from(groups.digits / 4)].join(" ");
        // A prime of an RSA pair has up to 32 lines: the last few are enough to see
        // where one is.
        let first = groups.line.saturating_sub(DONE_SHOWN).max(1);
        if first > 1 {
            let lines = match first - 1 {
                1 => "line 1".to_owned(),
                last => format!("lines 1 to {last}"),
            };
            self.paper.parts(vec![
                (format!("   {lines}   "), theme.plain()),
                ("✓".to_owned(), theme.good()),
            ]);
        }
        for done in first..groups.line {
            self.paper.parts(vec![
                (
                    format!("   {done:<2}  {full}{}   ", letter("●")),
                    theme.plain(),
                ),
                ("✓".to_owned(), theme.good()),
            ]);
        }
        let lead = format!("   {:<2}  ", groups.line);
        let dots = typing.dots();
        let at = typing.len();
        let digits = usize::from(groups.digits);
        // Four cells and a gap a group; the check letter stands behind its word.
        let column = if at < digits {
            at + at / 4
        } else {
            digits + digits / 4 + 8
        };
        self.cursor = Some((self.paper.lines.len(), width(&lead) + column));
        let mark = if at > digits { "●" } else { "_" };
        let of = usize::from(groups.lines) * digits / 4;
        let here =
            usize::from(groups.line - groups.line.min(1)) * digits / 4 + at.min(digits - 1) / 4 + 1;
        self.paper.parts(vec![
            (lead, theme.plain()),
            (dots, theme.strong()),
            (letter(mark), theme.plain()),
            (format!("   group {here} of {of}"), theme.plain()),
        ]);
        self.hint("digits 0-9 and letters A-F; O and I are not taken as 0 and 1, look again");
    }

    fn hint(&mut self, hint: &str) {
        if !hint.is_empty() {
            self.paper.text(hint, self.paper.theme.plain());
        }
    }

    fn form(&mut self, fields: &[Field], typed: &[Input], at: usize) {
        let theme = self.paper.theme;
        let label = fields.iter().map(|f| width(&f.label)).max().unwrap_or(0);
        for (number, (field, input)) in fields.iter().zip(typed).enumerate() {
            let here = number == at;
            let lead = format!(
                " {} {}   ",
                if here { "▸" } else { " " },
                fit(&field.label, label)
            );
            let room = self.paper.width.saturating_sub(width(&lead) + 3);
            let style = if here { theme.strong() } else { theme.plain() };
            match input {
                Input::Text(line) | Input::Optional(line) => {
                    let cells = line.max().min(room).max(1);
                    let skip = width(line.text()).saturating_sub(cells);
                    let shown: String = line.text().chars().skip(skip).collect();
                    if here {
                        self.cursor = Some((self.paper.lines.len(), width(&lead) + width(&shown)));
                    }
                    self.paper.parts(vec![
                        (lead, theme.plain()),
                        (underscored(&shown, cells), style),
                    ]);
                }
                Input::One { of, at, told } => {
                    let value = match (at.and_then(|at| Some((at, of.get(at)?))), here) {
                        (Some((at, value)), true) => {
                            format!("‹ {value} ›   ← → {} of {}", at + 1, of.len())
                        }
                        (Some((_, value)), false) => value.clone(),
                        (None, true) => format!("‹ choose ›   ← → of {}", of.len()),
                        (None, false) => "not chosen yet".to_owned(),
                    };
                    self.paper
                        .parts(vec![(lead, theme.plain()), (fit(&value, room), style)]);
                    if let Some(told) = at.and_then(|at| told.get(at)) {
                        let lead = " ".repeat(INDENT + label + 3);
                        self.paper.behind(&lead, theme.plain(), told, theme.plain());
                    }
                }
                Input::Many { of, at } => self.many(&lead, of, *at, here, room),
            }
            if here && !field.hint.is_empty() {
                let lead = " ".repeat(INDENT + label + 3);
                self.paper
                    .behind(&lead, theme.plain(), &field.hint, theme.plain());
            }
            if here {
                self.paper.focus = Some(self.paper.lines.len().saturating_sub(1));
            }
        }
    }

    fn many(&mut self, lead: &str, of: &[(String, bool)], at: usize, here: bool, room: usize) {
        let theme = self.paper.theme;
        let mut row: Vec<(String, ratatui::style::Style)> = Vec::new();
        let mut used = 0;
        let mut first = true;
        for (number, (name, taken)) in of.iter().enumerate() {
            let cursor = here && number == at;
            let text = format!(
                "{}[{}] {name}  ",
                if cursor { "▸" } else { " " },
                if *taken { "x" } else { " " }
            );
            if used > 0 && used + width(&text) > room {
                let lead = if first {
                    lead.to_owned()
                } else {
                    " ".repeat(width(lead))
                };
                first = false;
                row.insert(0, (lead, theme.plain()));
                self.paper.parts(std::mem::take(&mut row));
                used = 0;
            }
            used += width(&text);
            let style = if cursor {
                theme.strong()
            } else {
                theme.plain()
            };
            row.push((text, style));
        }
        let lead = if first {
            lead.to_owned()
        } else {
            " ".repeat(width(lead))
        };
        row.insert(0, (lead, theme.plain()));
        self.paper.parts(row);
    }

    fn choose(&mut self, options: &[Choice], at: usize) {
        let theme = self.paper.theme;
        let label = options
            .iter()
            .map(|o| width(&o.label))
            .max()
            .unwrap_or(0)
            .min(30);
        let from = at
            .saturating_sub(WINDOW / 2)
            .min(options.len().saturating_sub(WINDOW));
        for (number, option) in options.iter().enumerate().skip(from).take(WINDOW) {
            let here = number == at;
            let digit = if number < 9 {
                (number + 1).to_string()
            } else {
                " ".to_owned()
            };
            let lead = format!(
                " {} {digit}  {}   ",
                if here { "▸" } else { " " },
                fit(&option.label, label)
            );
            let style = if here { theme.chosen() } else { theme.plain() };
            let room = self.paper.width.saturating_sub(width(&lead) + 2).max(8);
            let lines = wrap(&option.detail, room);
            let all = lines.len();
            for (row, text) in lines.into_iter().enumerate() {
                // The chosen one says all; the others their first line.
                if row > 0 && !here {
                    break;
                }
                let text = if !here && all > 1 {
                    fit(&format!("{text} …"), room)
                } else {
                    text
                };
                let lead = if row == 0 {
                    lead.clone()
                } else {
                    " ".repeat(width(&lead))
                };
                self.paper.parts(vec![(
                    fit(&format!("{lead}{text}"), self.paper.width),
                    style,
                )]);
            }
            if here {
                self.paper.focus = Some(self.paper.lines.len().saturating_sub(1));
            }
        }
        if options.len() > WINDOW {
            self.paper
                .text(&format!("{} of {}", at + 1, options.len()), theme.plain());
        }
    }
}
