//! Numbered forms as they come out of a printer, and what anybody sees of them
//! from the outside.
//!
//! A blank form has its number printed on it, so a form is known before and after
//! a restart of the program. What is on it is in locked memory and goes with the
//! program; its number, its state and the `17 of 24` outside are remembered in a
//! small file, so that people who practise a power cut can look at their paper.

use std::fmt::Write;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::paper;
use super::tray::Tray;

/// Most forms that lie in a tray; the oldest of more are gone.
pub const MOST_SHEETS: usize = 500;

/// Widest heading of a form.
const RULE: usize = 64;

/// What is to be seen of a form without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is printed on it, and it went through.
    Blank,
    /// Printed to its end.
    Whole,
    /// Half of it is printed, and it is still in the printer.
    UnderHead,
    /// It was torn out at a jam, or came out half printed.
    Torn,
}

impl State {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Whole => "whole and closed",
            Self::UnderHead => "half printed, still in the printer",
            Self::Torn => "damaged: not printed to its end",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Whole => "whole",
            Self::UnderHead => "half",
            Self::Torn => "torn",
        }
    }

    /// What was in the printer when the program ended is half printed for good.
    fn remembered(word: &str) -> Option<Self> {
        match word {
            "blank" => Some(Self::Blank),
            "whole" => Some(Self::Whole),
            "half" | "torn" => Some(Self::Torn),
            _ => None,
        }
    }
}

/// A form in the tray.
pub struct Sheet {
    /// The number that is printed on the blank form.
    pub number: u64,
    /// What is seen of it.
    pub state: State,
    /// Which mailer it is, `17 of 24`, as it stands outside; empty where none can be
    /// read.
    pub mailer: String,
    ink: Tray,
    /// It came out before the program ended the last time.
    earlier: bool,
}

impl Sheet {
    /// A form with nothing on it yet.
    #[must_use]
    pub fn new(number: u64, state: State) -> Self {
        Self {
            number,
            state,
            mailer: String::new(),
            ink: Tray::default(),
            earlier: false,
        }
    }

    /// Bytes that were printed on it.
    pub fn print(&mut self, bytes: &[u8]) {
        self.ink.add(bytes);
    }

    /// Reads what stands outside, as soon as it is there.
    pub fn look_outside(&mut self) {
        if self.mailer.is_empty() {
            self.mailer = outside(&paper::read(&self.ink.bytes()));
        }
    }
}

/// `17 of 24` on a form: two numbers and the word, at the end of a line.
fn outside(text: &str) -> String {
    let number = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    text.lines()
        .find_map(|line| {
            let mut words = line.split_whitespace().rev();
            let (last, of, first) = (words.next()?, words.next()?, words.next()?);
            (number(first) && of == "of" && number(last)).then(|| format!("{first} of {last}"))
        })
        .unwrap_or_default()
}

/// The forms as lines of text, each under its number.
#[must_use]
pub fn read(sheets: &[Sheet]) -> Zeroizing<String> {
    let room: usize = sheets.iter().map(|s| s.ink.len() * 2 + 512).sum();
    // As large as it gets: growing would leave what it had where it was.
    let mut out = Zeroizing::new(String::with_capacity(room));
    for sheet in sheets {
        if !out.is_empty() {
            out.push('\n');
        }
        let mut head = format!("── form {}: {} ", sheet.number, sheet.state.words());
        for _ in head.chars().count()..RULE {
            head.push('─');
        }
        out.push_str(&head);
        if sheet.earlier {
            let says = match sheet.mailer.as_str() {
                "" => "It came out before the program ended; nothing of it is kept.".to_owned(),
                mailer => format!(
                    "Outside: {mailer}. It came out before the program ended; its inside is not kept."
                ),
            };
            out.push('\n');
            out.push_str(&says);
        } else if !sheet.ink.is_empty() {
            let text = paper::read(&sheet.ink.bytes());
            out.push('\n');
            out.push_str(text.trim_end_matches(['-', '\n']));
        }
    }
    out
}

/// What is remembered of the forms while the program is not running: no letter of
/// their insides.
pub struct Ledger {
    path: PathBuf,
}

/// The longest ledger that is read, in bytes.
const LARGEST: u64 = 64 * 1024;

impl Ledger {
    /// The file at `path`, which is made when the first form is printed.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The number of the next blank form, and the forms in the tray. Where there is no
    /// such file, or it is not of its form, a new reel from 1 on lies there.
    #[must_use]
    pub fn read(&self) -> (u64, Vec<Sheet>) {
        let small = std::fs::metadata(&self.path).is_ok_and(|meta| meta.len() <= LARGEST);
        let text = small.then(|| std::fs::read_to_string(&self.path).unwrap_or_default());
        let (mut next, mut sheets) = (1, Vec::new());
        for line in text.unwrap_or_default().lines() {
            let mut words = line.splitn(3, ' ');
            let (Some(first), Some(second)) = (words.next(), words.next()) else {
                continue;
            };
            if let ("next", Ok(number)) = (first, second.parse()) {
                next = number;
            } else if let (Ok(number), Some(state)) = (first.parse(), State::remembered(second)) {
                let mut sheet = Sheet::new(number, state);
                sheet.mailer = outside(words.next().unwrap_or_default());
                sheet.earlier = true;
                sheets.push(sheet);
            }
        }
        sheets.truncate(MOST_SHEETS);
        (next, sheets)
    }

    /// Remembers them. A ledger that cannot be written costs no more than the
    /// numbers after a restart.
    pub fn keep(&self, next: u64, sheets: &[Sheet]) {
        let mut text = String::from(
            "# Forms of the training printer of PIN mailers: number, state, which mailer.\n",
        );
        for sheet in sheets {
            let _ = writeln!(
                text,
                "{} {} {}",
                sheet.number,
                sheet.state.word(),
                sheet.mailer
            );
        }
        let _ = writeln!(text, "next {next}");
        let new = self.path.with_extension("new");
        if let Some(folder) = self.path.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        let _ = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, &self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mailer_is_read_outside_and_nothing_else_is() {
        assert_eq!(
            outside("1 2 3 4\n            No. AB12\n      7 of 24"),
            "7 of 24"
        );
        for none in [
            "",
            "of",
            "7 of",
            "of 24",
            "1 2 3 4",
            "one of two",
            "7 of 24 x",
        ] {
            assert_eq!(outside(none), "");
        }
    }

    #[test]
    fn a_ledger_has_numbers_and_states_and_no_letter_of_the_inside() {
        let folder = std::env::temp_dir().join(format!("conclave-ledger-{}", std::process::id()));
        let ledger = Ledger::at(folder.join("forms"));
        assert!(matches!(ledger.read(), (1, sheets) if sheets.is_empty()));
        let mut whole = Sheet::new(7, State::Whole);
        whole.print(b"4 8 2 9\r\n           7 of 24\r\n");
        whole.look_outside();
        let mut half = Sheet::new(8, State::UnderHead);
        half.print(b"7 3 1 0\r\n");
        half.look_outside();
        ledger.keep(9, &[whole, half, Sheet::new(3, State::Blank)]);
        let text = std::fs::read_to_string(folder.join("forms")).unwrap();
        assert!(
            text.contains("7 whole 7 of 24") && text.contains("next 9"),
            "{text}"
        );
        assert!(!text.contains("4 8") && !text.contains("7 3"), "{text}");
        let (next, sheets) = ledger.read();
        let seen: Vec<(u64, State, &str)> = sheets
            .iter()
            .map(|s| (s.number, s.state, s.mailer.as_str()))
            .collect();
        assert_eq!(next, 9);
        assert_eq!(
            seen,
            [
                (7, State::Whole, "7 of 24"),
                (8, State::Torn, ""),
                (3, State::Blank, "")
            ]
        );
        assert!(read(&sheets).contains("Outside: 7 of 24."));
        for wrong in [
            "next x\nnext",
            "seven whole 7 of 24",
            "\u{0}",
            "7 gone 7 of 24",
        ] {
            std::fs::write(folder.join("forms"), wrong).unwrap();
            assert!(
                matches!(ledger.read(), (1, sheets) if sheets.is_empty()),
                "{wrong}"
            );
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
