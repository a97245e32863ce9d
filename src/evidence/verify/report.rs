//! What verification says: a line a check, and what it comes to.

use std::fmt;
use std::process::ExitCode;

use crate::error::EvidenceError;
use crate::show::clean;

/// How a line is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A check, and it held.
    Held,
    /// Something to know; nothing was compared.
    Note,
    /// Something that only a person can compare, with paper.
    ToDo,
    /// Something was given that could not be checked with what else was given.
    Unchecked,
    /// A check, and it did not hold.
    Wrong,
}

impl Mark {
    /// What a line begins with.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "ok",
            Self::Note => "note",
            Self::ToDo | Self::Unchecked => "to do",
            Self::Wrong => "WRONG",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// How it is meant.
    pub mark: Mark,
    /// The file or folder.
    pub place: String,
    /// What held, what is to be done, or what does not hold and why.
    pub what: String,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:5}  {}: {}", self.mark.word(), self.place, self.what)
    }
}

/// Whether the first authority record was compared with what is known from paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Genesis {
    /// No chain was met.
    #[default]
    NoneMet,
    /// A chain was met, and nothing was given to compare it with.
    NotCompared,
    /// Each chain that was met was compared.
    Compared,
}

/// All lines, in the order in which the checks were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// A line a check.
    pub lines: Vec<Check>,
    /// The first failure, typed.
    pub first: Option<EvidenceError>,
    pub(super) genesis: Genesis,
}

impl Report {
    /// Prints a line a check and what it comes to; on standard error the first
    /// reason, if one did not hold. Gives the program's exit code.
    #[must_use]
    pub fn tell(&self) -> ExitCode {
        print!("{self}");
        if self.ok() {
            println!("{}", self.sum());
            return ExitCode::SUCCESS;
        }
        eprintln!("NOT VERIFIED: {}", self.failure().unwrap_or_default());
        ExitCode::FAILURE
    }

    /// TRUE when something was checked, all of it held, and nothing was given
    /// that could not be checked. What a person has still to compare does not
    /// count.
    #[must_use]
    pub fn ok(&self) -> bool {
        let mut bad = self.lines.iter().map(|line| line.mark);
        self.first.is_none()
            && self.count(Mark::Held) > 0
            && !bad.any(|mark| matches!(mark, Mark::Wrong | Mark::Unchecked))
    }

    /// The first failure in words; where none failed, what was not checked.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let first = |mark| self.lines.iter().find(|line| line.mark == mark);
        let line = first(Mark::Wrong).or_else(|| first(Mark::Unchecked))?;
        Some(format!("{}: {}", line.place, line.what))
    }

    /// The last line of what held.
    #[must_use]
    pub fn sum(&self) -> String {
        let genesis = match self.genesis {
            Genesis::NoneMet => "",
            Genesis::NotCompared => {
                " The genesis was NOT compared: whose station this is, nothing here says."
            }
            Genesis::Compared => " The genesis is the one that was given.",
        };
        let to_do = match self.count(Mark::ToDo) {
            0 => String::new(),
            1 => " 1 thing to do.".into(),
            more => format!(" {more} things to do."),
        };
        let held = self.count(Mark::Held);
        format!("{held} checks, all of them held.{genesis}{to_do}")
    }

    fn count(&self, mark: Mark) -> usize {
        self.lines.iter().filter(|line| line.mark == mark).count()
    }

    fn line(&mut self, mark: Mark, place: &str, what: &str) {
        self.lines.push(Check {
            mark,
            place: place.into(),
            what: clean(what),
        });
    }

    pub(super) fn good(&mut self, place: &str, what: impl fmt::Display) {
        self.line(Mark::Held, place, &what.to_string());
    }

    pub(super) fn note(&mut self, place: &str, what: impl fmt::Display) {
        self.line(Mark::Note, place, &what.to_string());
    }

    pub(super) fn still_to_do(&mut self, place: &str, what: impl fmt::Display) {
        self.line(Mark::ToDo, place, &what.to_string());
    }

    pub(super) fn unchecked(&mut self, place: &str, what: impl fmt::Display) {
        self.line(Mark::Unchecked, place, &format!("not checked: {what}"));
    }

    pub(super) fn bad(&mut self, place: &str, error: EvidenceError) {
        let text = clean(&error.to_string());
        // The place is said once.
        let what = text.strip_prefix(&format!("{place}: ")).unwrap_or(&text);
        self.line(Mark::Wrong, place, what);
        self.first.get_or_insert(error);
    }

    /// Notes how a check went, and gives what it found.
    pub(super) fn check<T>(
        &mut self,
        place: &str,
        what: impl fmt::Display,
        result: Result<T, EvidenceError>,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.good(place, what);
                Some(value)
            }
            Err(error) => {
                self.bad(place, error);
                None
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
