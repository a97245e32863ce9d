//! What the doctor looks at, and how a finding reads.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One question about the station and the machine below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// Where clear keys live.
    Provider,
    /// The wall clock.
    Clock,
    /// The random generator.
    Random,
    /// Card readers.
    Readers,
    /// Live cards of the groups.
    Cards,
    /// Printers.
    Printers,
    /// USB media.
    Media,
    /// Locked memory.
    LockedMemory,
    /// Memory written out to a disk.
    Swap,
    /// A crashed program's memory.
    CoreDumps,
    /// Programs that read another's memory.
    Debuggers,
    /// Network interfaces.
    Network,
    /// Radios.
    Radio,
    /// Loaded drivers of networks.
    Drivers,
    /// Listening sockets.
    Sockets,
    /// Mounted network file systems.
    Mounts,
    /// Other terminals.
    Terminals,
    /// What can type.
    Keyboards,
}

impl Check {
    /// All of them, in the order of the screen.
    pub const ALL: [Check; 18] = [
        Self::Provider,
        Self::Clock,
        Self::Random,
        Self::Readers,
        Self::Cards,
        Self::Printers,
        Self::Media,
        Self::LockedMemory,
        Self::Swap,
        Self::CoreDumps,
        Self::Debuggers,
        Self::Network,
        Self::Radio,
        Self::Drivers,
        Self::Sockets,
        Self::Mounts,
        Self::Terminals,
        Self::Keyboards,
    ];

    /// Its name on screens, in exceptions and in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Clock => "clock",
            Self::Random => "randomness",
            Self::Readers => "readers",
            Self::Cards => "cards",
            Self::Printers => "printers",
            Self::Media => "media",
            Self::LockedMemory => "locked memory",
            Self::Swap => "swap",
            Self::CoreDumps => "core dumps",
            Self::Debuggers => "debuggers",
            Self::Network => "network",
            Self::Radio => "radio",
            Self::Drivers => "drivers",
            Self::Sockets => "sockets",
            Self::Mounts => "network files",
            Self::Terminals => "terminals",
            Self::Keyboards => "keyboards",
        }
    }

    /// Why it matters.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Provider => {
                "PCI PIN wants keys made and used inside a secure cryptographic device. The \
                 memory of a general computer is none."
            }
            Self::Clock => {
                "Approvals, mandates and tasks count by it, and the journal's times are read by \
                 auditors. A clock that was set back lets an old approval live on."
            }
            Self::Random => "Every key is drawn from it. A faulty generator makes keys to guess.",
            Self::Readers => {
                "Without a reader nobody logs on, and a training reader proves nothing."
            }
            Self::Cards => {
                "A group with no more live cards than its quorum is closed for ever by the next \
                 lost card."
            }
            Self::Printers => {
                "Components leave on paper. A training printer keeps what it prints in a file."
            }
            Self::Media => {
                "A medium that nobody enrolled carries things in and out past the quorum."
            }
            Self::LockedMemory => {
                "Keys and PINs stay out of swap only in locked memory; the limit is \
                 RLIMIT_MEMLOCK."
            }
            Self::Swap => {
                "Memory written to a disk is found there years later. The card service beside \
                 this program sees PINs, and its memory is not locked."
            }
            Self::CoreDumps => {
                "A crashed program's memory in a file or a crash reporter is a copy of whatever \
                 it held: this program's keys, the card service's PINs."
            }
            Self::Debuggers => "Who traces a program reads its memory, keys included.",
            Self::Network => {
                "The station is air-gapped, or it is nothing: a network is a way in and out."
            }
            Self::Radio => {
                "A radio is a network without a cable, and nobody sees that it is plugged in."
            }
            Self::Drivers => "With its driver loaded, a network is one plug away.",
            Self::Sockets => "Something waits for others to call, and answers them.",
            Self::Mounts => "Files of another computer stand in this one's tree.",
            Self::Terminals => "Somebody else works on this computer at the same time.",
            Self::Keyboards => {
                "Whatever can type is believed like the person at the keyboard: a stick that \
                 says that it is one types by itself."
            }
        }
    }

    /// A red finding that people may take upon themselves for a while. A wrong
    /// clock is confirmed instead, and bad randomness by nothing.
    #[must_use]
    pub fn may_be_excepted(self) -> bool {
        !matches!(self, Self::Clock | Self::Random)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a finding is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Green,
    /// Fit for PRODUCTION, and to be looked at.
    Amber,
    /// Not fit for PRODUCTION.
    Red,
}

impl Verdict {
    /// The word that carries it, also without colour.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Amber => "amber",
            Self::Red => "red",
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// How it is judged.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do; empty where there is nothing to do.
    pub advice: String,
    /// Until when people have taken a red finding upon themselves, in words,
    /// and why.
    pub excepted: Option<String>,
}

impl Finding {
    pub(super) fn green(check: Check, found: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Green,
            found: found.into(),
            advice: String::new(),
            excepted: None,
        }
    }

    pub(super) fn amber(check: Check, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Amber,
            advice: advice.into(),
            ..Self::green(check, found)
        }
    }

    pub(super) fn red(check: Check, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Red,
            advice: advice.into(),
            ..Self::green(check, found)
        }
    }

    /// Red, and nobody has taken it upon themselves.
    #[must_use]
    pub fn stops_production(&self) -> bool {
        self.verdict == Verdict::Red && self.excepted.is_none()
    }

    /// The finding as lines of text: one that says all at a glance, then why it
    /// matters and what to do.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:<5}  {:<13}  {}",
            self.verdict.word(),
            self.check.name(),
            self.found
        )];
        if self.verdict != Verdict::Green {
            lines.push(format!("       why: {}", self.check.why()));
            if !self.advice.is_empty() {
                lines.push(format!("       do:  {}", self.advice));
            }
        }
        if let Some(excepted) = &self.excepted {
            lines.push(format!("       accepted {excepted}"));
        }
        lines
    }
}
