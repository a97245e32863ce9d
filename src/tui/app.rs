//! The model and its update.

use std::collections::VecDeque;
use std::sync::Arc;

use conclave_keyroom::ports::dialogue::Refusal;
use conclave_station::front::{Desk, Event, Lists, Request, Status};
use conclave_station::service::{IDLE_BLANK_MS, IDLE_LOGOUT_MS};

use super::desk::Table;
use super::digest::Digest;
use super::doctor::Ward;
use super::key::Key;
use super::key_page::Custody;
use super::overlay::Overlay;
use super::place::Place;
use super::prompt::Standing;
use super::rows::Kind;
use super::theme::Theme;

/// What happens to the model.
#[allow(
    clippy::large_enum_variant,
    reason = "inputs are taken one by one, never kept"
)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// The station said something.
    Event(Event),
    /// Time passed: the monotonic clock, in milliseconds.
    Tick(u64),
}

/// A screen of the stack.
#[derive(Clone)]
pub enum Screen {
    /// A list.
    List(Place),
    /// One row of a list, by its identity, from this line on.
    Detail {
        /// Which list.
        kind: Kind,
        /// The row's identity.
        id: String,
        /// The first line shown.
        from: usize,
    },
}

/// Something that is shown until a key is pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An act ended well.
    Done {
        /// What it was for is there.
        good: bool,
        /// Title.
        title: String,
        /// What was done.
        lines: Vec<String>,
        /// The first line shown.
        from: usize,
    },
    /// An act was refused or failed.
    Refused(Refusal),
}

/// Long work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Working {
    /// What is done.
    pub words: String,
    /// So far.
    pub done: u64,
    /// Of all.
    pub of: u64,
    /// When the first report came, and how far it was: the rate counts from there.
    pub since: (u64, u64),
    /// It was asked to stop.
    pub stopping: bool,
}

/// The model of the terminal.
pub struct App {
    pub(super) theme: Theme,
    pub(super) status: Status,
    /// When the status came, monotonic.
    pub(super) status_at: u64,
    pub(super) now: u64,
    pub(super) lists: Lists,
    pub(super) digest: Digest,
    pub(super) custody: Custody,
    pub(super) stack: Vec<Screen>,
    pub(super) prompt: Option<Standing>,
    pub(super) working: Option<Working>,
    pub(super) notices: VecDeque<Notice>,
    pub(super) overlay: Option<Overlay>,
    pub(super) table: Option<Table>,
    pub(super) ward: Option<Ward>,
    pub(super) desk: Option<Arc<dyn Desk>>,
    pub(super) blank: bool,
    pub(super) ended: bool,
    awake_at: Option<u64>,
    /// When the idle clock last had the status's numbers.
    pub(super) idle_at: u64,
}

/// Milliseconds between two words to the station that somebody is there.
const AWAKE_EVERY: u64 = 1000;

impl App {
    /// A terminal that knows nothing yet. `desk` is the table of a training
    /// station.
    #[must_use]
    pub fn new(theme: Theme, desk: Option<Arc<dyn Desk>>) -> Self {
        Self {
            theme,
            status: Status::default(),
            status_at: 0,
            now: 0,
            lists: Lists::default(),
            digest: Digest::default(),
            custody: Custody::default(),
            stack: Vec::new(),
            prompt: None,
            working: None,
            notices: VecDeque::new(),
            overlay: None,
            table: None,
            ward: None,
            desk,
            blank: false,
            ended: false,
            awake_at: None,
            idle_at: 0,
        }
    }

    /// The station has ended; so must the terminal.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Whether this is a training station with a desk.
    #[must_use]
    pub fn has_desk(&self) -> bool {
        self.desk.is_some() && self.status.mode != "PRODUCTION"
    }

    /// The doctor's page, where nothing lies over it: a question, long work and
    /// a notice come first.
    pub(super) fn ward_shown(&self) -> Option<&Ward> {
        let free = self.notices.is_empty() && self.prompt.is_none() && self.working.is_none();
        self.ward.as_ref().filter(|_| free)
    }

    /// The wall clock, carried on from the last status. Milliseconds.
    pub(super) fn wall_ms(&self) -> u64 {
        self.status.wall_ms + self.since_status()
    }

    /// Seconds until the screen blanks and until the session ends.
    pub(super) fn idle(&self) -> Option<(u64, u64)> {
        let gone = self.now.saturating_sub(self.idle_at) / 1000;
        self.status
            .idle
            .map(|(blank, logout)| (blank.saturating_sub(gone), logout.saturating_sub(gone)))
    }

    /// Where help is, while it is open.
    pub(super) fn helping(&self) -> Option<usize> {
        match &self.overlay {
            Some(Overlay::Help(from)) => Some(*from),
            _ => None,
        }
    }

    /// The act at hand and its step, for the header.
    pub(super) fn act(&self) -> Option<(String, String)> {
        let prompt = &self.prompt.as_ref()?.prompt;
        let step = prompt
            .step
            .map_or_else(String::new, |(at, of)| format!("step {at} of {of}"));
        Some((prompt.act.clone(), step))
    }

    /// The label of an act that can be paused where it stands.
    pub(super) fn pauses(&self) -> Option<&str> {
        match (&self.working, &self.prompt) {
            (None, Some(standing)) => standing.prompt.pauses.as_deref(),
            _ => None,
        }
    }

    fn since_status(&self) -> u64 {
        self.now.saturating_sub(self.status_at)
    }

    /// Takes one input; gives what is to be asked of the station, in order.
    pub fn update(&mut self, input: Input) -> Vec<Request> {
        match input {
            Input::Tick(now) => {
                self.now = now;
                if let Some(table) = &mut self.table {
                    table.look();
                }
                self.work();
                Vec::new()
            }
            Input::Event(event) => {
                self.event(event);
                Vec::new()
            }
            Input::Key(key) => {
                let mut requests = Vec::new();
                let due = self
                    .awake_at
                    .is_none_or(|at| self.now.saturating_sub(at) >= AWAKE_EVERY);
                if self.blank || (self.status.idle.is_some() && due) {
                    self.awake_at = Some(self.now);
                    requests.push(match self.blank {
                        true => Request::Wake,
                        false => Request::Awake,
                    });
                    // During an act no status comes that would say so.
                    if self.status.idle.is_some() {
                        self.status.idle = Some((IDLE_BLANK_MS / 1000, IDLE_LOGOUT_MS / 1000));
                        self.idle_at = self.now;
                    }
                }
                // The key that wakes the screen does nothing else: whoever
                // pressed it did not see what it would do.
                if !self.blank {
                    requests.extend(self.key(key));
                }
                requests
            }
        }
    }

    /// The name of the screen at hand, for help.
    pub(super) fn place_name(&self) -> &'static str {
        if self.table.is_some() {
            return "desk";
        }
        if self.prompt.is_some() {
            return "prompt";
        }
        if self.working.is_some() {
            return "progress";
        }
        if self.ward_shown().is_some() {
            return "doctor";
        }
        match self.stack.last() {
            None => "start",
            Some(Screen::List(place)) => place.kind.name(),
            Some(Screen::Detail { .. }) => "detail",
        }
    }

    pub(super) fn typing(&self) -> bool {
        if self.table.is_some() || !self.notices.is_empty() {
            return false;
        }
        match (&self.prompt, self.stack.last()) {
            (Some(standing), _) => standing.types(),
            (None, Some(Screen::List(place))) => place.filtering,
            _ => false,
        }
    }
}
