//! What the station says, taken into the model; and what the model goes on with
//! by itself: a filter that is being counted, a key that is to be read.

use conclave_station::front::{Event, Lists, Phase, Request};

use super::app::{App, Notice, Screen, Working};
use super::digest::Digest;
use super::doctor::Ward;
use super::key_page::Custody;
use super::overlay::Overlay;
use super::place::Place;
use super::prompt::Standing;
use super::rows::Kind;

impl App {
    /// Takes what the station said.
    pub(super) fn event(&mut self, event: Event) {
        match event {
            Event::Prompt(prompt) => {
                self.working = None;
                match &mut self.prompt {
                    Some(standing) => {
                        let code = standing.prompt.code.clone();
                        standing.replace(*prompt);
                        if standing.prompt.code != code {
                            self.drop_overlay_of_prompt();
                        }
                    }
                    None => self.prompt = Some(Standing::new(*prompt)),
                }
            }
            Event::PromptDone => {
                self.custody.doubt();
                self.prompt = None;
                self.working = None;
                self.drop_overlay_of_prompt();
            }
            Event::Progress { words, done, of } => {
                let (since, stopping) = match &self.working {
                    Some(w) if w.words == words && w.done <= done => (w.since, w.stopping),
                    _ => ((self.now, done), false),
                };
                self.working = Some(Working {
                    words,
                    done,
                    of,
                    since,
                    stopping,
                });
            }
            Event::Done { good, title, lines } => {
                self.working = None;
                self.notices.push_back(Notice::Done {
                    good,
                    title,
                    lines,
                    from: 0,
                });
            }
            Event::Refused(refusal) => {
                self.working = None;
                self.notices.push_back(Notice::Refused(refusal));
            }
            Event::Status(status) => {
                let opened = status.phase == Phase::Open && self.status.phase != Phase::Open;
                if status.phase != Phase::Open {
                    self.stack.clear();
                    if self.status.phase == Phase::Open {
                        self.lists = Lists::default();
                        self.digest = Digest::default();
                        self.custody = Custody::default();
                    }
                }
                self.status = status;
                self.status_at = self.now;
                self.idle_at = self.now;
                if opened {
                    self.stack = vec![Screen::List(Place::new(Kind::Tasks, &self.lists))];
                }
            }
            Event::Lists(lists) => {
                let before = std::mem::replace(&mut self.lists, *lists);
                self.renew(&before, |_| true);
            }
            Event::Keys(keys) => {
                let before = Lists {
                    keys: std::mem::replace(&mut self.lists.keys, keys),
                    ..Lists::default()
                };
                self.renew(&before, |kind| kind == Kind::Keys);
            }
            Event::KeyDetail { label, id, detail } => self.custody.told((label, id), detail),
            Event::Doctor(findings) => {
                self.working = None;
                self.ward = Some(Ward::new(findings));
            }
            Event::Blank(true) => {
                // What was typed is gone: whoever comes back types it again.
                self.blank = true;
                self.table = None;
                self.ward = None;
                if self.overlay != Some(Overlay::Quit) {
                    self.overlay = None;
                }
                if let Some(standing) = &mut self.prompt {
                    standing.forget();
                }
            }
            Event::Blank(false) => self.blank = false,
            Event::Ended => self.ended = true,
        }
    }

    /// These lists are not what they were.
    fn renew(&mut self, before: &Lists, changed: impl Fn(Kind) -> bool) {
        self.digest = Digest::of(&self.lists);
        self.custody.doubt();
        for screen in &mut self.stack {
            if let Screen::List(place) = screen
                && changed(place.kind)
            {
                place.refresh(before, &self.lists);
            }
        }
    }

    /// Whether a filter is still being counted: the next tick goes on with it,
    /// and should come at once.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.stack
            .iter()
            .any(|screen| matches!(screen, Screen::List(place) if place.is_busy()))
    }

    /// A slice of what waits, the topmost screen first.
    pub(super) fn work(&mut self) {
        for screen in self.stack.iter_mut().rev() {
            if let Screen::List(place) = screen
                && place.is_busy()
            {
                place.work(&self.lists);
                return;
            }
        }
    }

    /// What the screen at hand lacks, to be asked of the station; nobody
    /// pressed a key for it.
    pub fn lacks(&mut self) -> Option<Request> {
        if self.prompt.is_some() || self.working.is_some() || self.status.phase != Phase::Open {
            return None;
        }
        let row = match self.stack.last()? {
            Screen::List(place) if place.kind == Kind::Keys => place.row(),
            Screen::Detail { kind, id, .. } if *kind == Kind::Keys => kind.find(&self.lists, id),
            _ => None,
        };
        let row = self.lists.keys.get(row?)?;
        self.custody.ask(&row)
    }

    fn drop_overlay_of_prompt(&mut self) {
        if matches!(
            self.overlay,
            Some(
                Overlay::Abandon
                    | Overlay::End(_)
                    | Overlay::Deviate(_)
                    | Overlay::NoMore
                    | Overlay::Help(_)
            )
        ) {
            self.overlay = None;
        }
    }
}
