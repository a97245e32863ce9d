//! What a key does: in what is laid over the screens, in a notice, on the start
//! page, in a list.

use conclave_evidence::GroupId;
use conclave_keyroom::ports::dialogue::Answer;
use conclave_station::front::{Administration, KeyAct, Phase, PinAct, Request};

use super::app::{App, Notice, Screen};
use super::desk::{After, Table};
use super::doctor;
use super::key::Key;
use super::overlay::{DEVIATION, Overlay};
use super::place::Place;
use super::prompt::Reaction;
use super::rows::Kind;
use super::typed::Line;
use super::words;

impl App {
    pub(super) fn key(&mut self, key: Key) -> Vec<Request> {
        if let Some(overlay) = self.overlay.take() {
            return self.overlay_key(overlay, key);
        }
        match key {
            Key::Ctrl('c') => {
                self.overlay = Some(Overlay::Quit);
                return Vec::new();
            }
            // No suspending: the shell below would be a way around the station.
            Key::Ctrl('z') => return Vec::new(),
            Key::F(1) => {
                self.overlay = Some(Overlay::Help(0));
                return Vec::new();
            }
            Key::Char('?') if !self.typing() => {
                self.overlay = Some(Overlay::Help(0));
                return Vec::new();
            }
            Key::F(2) if self.table.is_none() && self.has_desk() => {
                self.table = self.desk.clone().map(Table::new);
                return Vec::new();
            }
            // While a question stands the station listens to its answer alone.
            Key::F(3) if self.prompt.is_none() && self.working.is_none() && self.ward.is_none() => {
                self.table = None;
                return vec![Request::Doctor];
            }
            _ => {}
        }
        if let Some(table) = &mut self.table {
            if table.key(key) == After::Closes {
                self.table = None;
            }
            return Vec::new();
        }
        if self.notices.front().is_some() {
            self.notice_key(key);
            return Vec::new();
        }
        if self.working.is_some() {
            if key == Key::Esc {
                self.overlay = Some(Overlay::Abandon);
            }
            return Vec::new();
        }
        if self.ward_shown().is_some()
            && let Some(ward) = &mut self.ward
        {
            return match ward.key(key, self.status.phase == Phase::Open) {
                doctor::After::Stays(requests) => requests,
                doctor::After::Closes => {
                    self.ward = None;
                    Vec::new()
                }
            };
        }
        if let Some(standing) = &mut self.prompt {
            return match standing.key(key) {
                Reaction::Stay => Vec::new(),
                Reaction::Answer(answer) => vec![Request::Answer(answer)],
                Reaction::Overlay(overlay) => {
                    self.overlay = Some(overlay);
                    Vec::new()
                }
            };
        }
        match self.stack.last() {
            None => self.start_key(key),
            Some(_) => self.screen_key(key),
        }
    }

    fn overlay_key(&mut self, overlay: Overlay, key: Key) -> Vec<Request> {
        let yes = matches!(key, Key::Char('y' | 'Y'));
        let no = matches!(key, Key::Esc | Key::Char('n' | 'N'));
        match overlay {
            Overlay::Help(from) => match key {
                Key::Down | Key::PageDown => {
                    self.overlay = Some(Overlay::Help((from + 5).min(100)));
                }
                Key::Up | Key::PageUp => {
                    self.overlay = Some(Overlay::Help(from.saturating_sub(5)));
                }
                Key::Ctrl('c') => self.overlay = Some(Overlay::Quit),
                _ => {}
            },
            Overlay::Quit if yes => return vec![Request::Quit],
            Overlay::LogOut if yes => return vec![Request::Logout],
            Overlay::Abandon if key == Key::Char('e') && self.pauses().is_some() => {
                self.overlay = Some(Overlay::End(Line::new(DEVIATION)));
            }
            Overlay::Abandon if yes => {
                // What can be paused is not ended by one letter.
                let answer = match self.pauses() {
                    Some(_) => Answer::Shutdown,
                    None => Answer::Abort,
                };
                match (&mut self.working, &mut self.prompt) {
                    (Some(working), _) => working.stopping = true,
                    (None, Some(standing)) => {
                        standing.forget();
                        standing.sent = true;
                    }
                    (None, None) => return Vec::new(),
                }
                return vec![Request::Answer(answer)];
            }
            Overlay::End(mut line) => match key {
                Key::Esc => {}
                Key::Ctrl('c') => self.overlay = Some(Overlay::Quit),
                Key::Enter if Some(line.text().trim()) == self.pauses() => {
                    if let Some(standing) = &mut self.prompt {
                        standing.forget();
                        standing.sent = true;
                    }
                    return vec![Request::Answer(Answer::Abort)];
                }
                _ => {
                    line.key(key);
                    self.overlay = Some(Overlay::End(line));
                }
            },
            Overlay::NoMore if yes => {
                if let Some(standing) = &mut self.prompt {
                    standing.sent = true;
                    return vec![Request::Answer(Answer::Fields(Vec::new()))];
                }
            }
            Overlay::Deviate(mut line) => match key {
                Key::Esc => {}
                Key::Ctrl('c') => self.overlay = Some(Overlay::Quit),
                Key::Enter if !line.is_blank() => {
                    if let Some(standing) = &mut self.prompt {
                        standing.sent = true;
                        let words = line.text().trim().to_owned();
                        return vec![Request::Answer(Answer::Deviated(words))];
                    }
                }
                _ => {
                    line.key(key);
                    self.overlay = Some(Overlay::Deviate(line));
                }
            },
            _ if no => {}
            Overlay::Quit => self.overlay = Some(overlay),
            _ if key == Key::Ctrl('c') => self.overlay = Some(Overlay::Quit),
            _ => self.overlay = Some(overlay),
        }
        Vec::new()
    }

    fn notice_key(&mut self, key: Key) {
        match (key, self.notices.front_mut()) {
            (Key::Down | Key::PageDown, Some(Notice::Done { lines, from, .. })) => {
                *from = (*from + 5).min(lines.len().saturating_sub(1));
            }
            (Key::Up | Key::PageUp, Some(Notice::Done { from, .. })) => {
                *from = from.saturating_sub(5);
            }
            (Key::Enter | Key::Esc, _) => {
                self.notices.pop_front();
            }
            _ => {}
        }
    }

    fn start_key(&mut self, key: Key) -> Vec<Request> {
        match (key, self.status.phase) {
            (Key::Char('q'), _) => self.overlay = Some(Overlay::Quit),
            (Key::Char('i'), Phase::Empty | Phase::Unfinished) => return vec![Request::Initialise],
            (Key::Enter | Key::Char('g'), Phase::Closed) => return vec![Request::Logon(None)],
            (Key::Enter | Key::Char('g'), Phase::Damaged) if self.status.rescue => {
                return vec![Request::Logon(None)];
            }
            (Key::Char('x'), Phase::Damaged | Phase::Closed) if self.status.rescuable => {
                return vec![Request::Administer(Administration::BeginRescue)];
            }
            (Key::Char('r'), Phase::Damaged) => {
                return vec![Request::Administer(Administration::SetAside)];
            }
            (Key::Char('r'), Phase::Empty) => {
                return vec![Request::Administer(Administration::RestoreBackup)];
            }
            (Key::Char('r'), Phase::Locked) if self.status.recovery => {
                return vec![Request::Administer(Administration::RecoverStation)];
            }
            (Key::Char('u'), Phase::Locked) if !self.status.recovery => {
                return vec![Request::Administer(Administration::UnlockStation)];
            }
            (Key::Char('s'), Phase::Closed) => {
                return vec![Request::Administer(Administration::SuspendCard)];
            }
            (Key::Char('n'), Phase::Closed) => {
                return vec![Request::Administer(Administration::ChangePin)];
            }
            (Key::F(5), _) => return vec![Request::Refresh],
            _ => {}
        }
        Vec::new()
    }

    fn screen_key(&mut self, key: Key) -> Vec<Request> {
        match self.stack.last_mut() {
            Some(Screen::List(place)) => {
                if place.key(key, &self.lists) {
                    return Vec::new();
                }
                let kind = place.kind;
                let row = place.row();
                if let Some(requests) = self.list_key(kind, row, key) {
                    return requests;
                }
            }
            Some(Screen::Detail { from, .. }) => match key {
                Key::Down | Key::PageDown => {
                    *from = (*from + 5).min(500);
                    return Vec::new();
                }
                Key::Up | Key::PageUp => {
                    *from = from.saturating_sub(5);
                    return Vec::new();
                }
                _ => {}
            },
            None => return Vec::new(),
        }
        match key {
            Key::Esc if self.stack.len() > 1 => {
                self.stack.pop();
            }
            Key::Char('t') => self.go(Kind::Tasks),
            Key::Char('k') => self.go(Kind::Keys),
            Key::Char('c') => self.go(Kind::Ceremonies),
            Key::Char('p') => self.go(Kind::People),
            Key::Char('d') => self.go(Kind::Devices),
            Key::Char('j') => self.go(Kind::Journal),
            Key::Char('m') if self.lists.batches.is_some() => self.go(Kind::Mailers),
            Key::Char('g') => return vec![Request::Logon(None)],
            Key::Char('L') => self.overlay = Some(Overlay::LogOut),
            Key::Char('q') => self.overlay = Some(Overlay::Quit),
            Key::F(5) => return vec![Request::Refresh],
            _ => {}
        }
        Vec::new()
    }

    /// FALSE where the PIN room is open without administrators: `m` leads to its
    /// batches then, from wherever they are.
    pub(super) fn administers(&self) -> bool {
        let administrators = GroupId::Administrators.title();
        let here = |(group, _): &(String, Vec<String>)| group == administrators;
        self.lists.batches.is_none() || self.status.session.iter().any(here)
    }

    /// Goes to a list: over the tasks, which stay at the bottom.
    fn go(&mut self, kind: Kind) {
        self.stack.truncate(1);
        if kind != Kind::Tasks {
            self.stack.push(Screen::List(Place::new(kind, &self.lists)));
        }
    }

    /// Keys of one list; `None` when the key is none of them.
    fn list_key(&mut self, kind: Kind, row: Option<usize>, key: Key) -> Option<Vec<Request>> {
        match (kind, key) {
            (Kind::Ceremonies, Key::Char('n')) => {
                self.stack
                    .push(Screen::List(Place::new(Kind::Scripts, &self.lists)));
                Some(Vec::new())
            }
            (Kind::Keys, Key::Char('e')) => Some(self.key_act(row, KeyAct::Letter)),
            (Kind::Keys, Key::Char('b')) => Some(self.key_act(row, KeyAct::Papers)),
            (Kind::Keys, Key::Char('h')) => Some(self.key_act(row, KeyAct::HandOver)),
            (Kind::Keys, Key::Char('f')) => Some(self.key_act(row, KeyAct::CheckFile)),
            (Kind::Keys, Key::Char('u')) => Some(self.key_act(row, KeyAct::Public)),
            (Kind::Keys, Key::Char('o')) => Some(self.key_act(row, KeyAct::PinRoom)),
            (Kind::Keys, Key::Char('r')) => Some(self.key_act(row, KeyAct::Replace)),
            (Kind::Keys, Key::Char('w')) => Some(self.key_act(row, KeyAct::Incident)),
            (Kind::Keys, Key::Char('x')) => Some(self.key_act(row, KeyAct::Destroy)),
            (Kind::Keys, Key::Char('a')) => Some(vec![Request::MakeRsa]),
            (Kind::Keys, Key::Char('i')) => Some(vec![Request::ImportPublic]),
            (Kind::Mailers, Key::Char('n')) => Some(vec![Request::Pins(PinAct::Open)]),
            (Kind::Mailers, Key::Char('s')) => Some(vec![Request::Pins(PinAct::Stock)]),
            (Kind::Devices, Key::Char('e')) => {
                Some(vec![Request::Administer(Administration::EnrolPrinter)])
            }
            (Kind::Devices, Key::Char('w')) => {
                Some(vec![Request::Administer(Administration::RetireDevice)])
            }
            (Kind::Devices, Key::Char('m')) if self.administers() => {
                Some(vec![Request::Administer(Administration::EnrolMedium)])
            }
            (Kind::Devices, Key::Char('r')) => {
                Some(vec![Request::Administer(Administration::ReadPlate)])
            }
            (Kind::Devices, Key::Char('y')) => {
                Some(vec![Request::Administer(Administration::RecordSystem)])
            }
            (Kind::Devices, Key::Char('l')) => {
                Some(vec![Request::Administer(Administration::ApproveLayout)])
            }
            (Kind::Devices, Key::Char('a')) => Some(vec![Request::Administer(
                Administration::ApprovePinTemplate,
            )]),
            (Kind::Devices, Key::Char('i')) => {
                Some(vec![Request::Administer(Administration::RecordPinPartner)])
            }
            (Kind::Devices, Key::Char('f')) => {
                Some(vec![Request::Administer(Administration::MakePinIdentity)])
            }
            (Kind::Devices, Key::Char('x')) => {
                Some(vec![Request::Administer(Administration::PrintSample)])
            }
            (Kind::Devices, Key::Char('b')) if self.status.rescue => {
                Some(vec![Request::Administer(Administration::CompareBackup)])
            }
            (Kind::Devices, Key::Char('b')) => {
                Some(vec![Request::Administer(Administration::MakeBackup)])
            }
            (Kind::Devices, Key::Char('v')) => {
                Some(vec![Request::Administer(Administration::RehearseRestore)])
            }
            (Kind::Devices, Key::Char('u')) => {
                Some(vec![Request::Administer(Administration::UpdateSoftware)])
            }
            (Kind::People, Key::Char('s')) => {
                Some(vec![Request::Administer(Administration::SuspendCard)])
            }
            (Kind::People, Key::Char('r')) => {
                Some(vec![Request::Administer(Administration::ReinstateCard)])
            }
            (Kind::People, Key::Char('n')) => {
                Some(vec![Request::Administer(Administration::ChangePin)])
            }
            (Kind::People, Key::Char('b')) => {
                Some(vec![Request::Administer(Administration::UnblockPin)])
            }
            (Kind::Tasks, Key::Char('v')) => {
                Some(vec![Request::Administer(Administration::VoidBundle)])
            }
            (Kind::Tasks, Key::Char('s')) => {
                Some(vec![Request::Administer(Administration::SettleAct)])
            }
            (Kind::Tasks, Key::Char('r')) => {
                Some(vec![Request::Administer(Administration::FileReceipt)])
            }
            (Kind::Tasks, Key::Char('a')) => {
                Some(vec![Request::Administer(Administration::ReadAgain)])
            }
            (Kind::Journal, Key::Char('a')) => {
                Some(vec![Request::Administer(Administration::AdoptEntries)])
            }
            (Kind::People, Key::Char('m')) if self.administers() => {
                Some(vec![Request::Administer(Administration::ChangeMembers)])
            }
            (Kind::Journal, Key::Char('x')) => Some(vec![Request::ExportJournal]),
            (_, Key::Enter) => Some(self.open(kind, row)),
            _ => None,
        }
    }

    /// Something with the key under the cursor.
    fn key_act(&self, row: Option<usize>, act: KeyAct) -> Vec<Request> {
        let key = row.and_then(|at| self.lists.keys.get(at));
        let id = key.and_then(|key| key.id);
        id.map(|id| Request::Key { act, id }).into_iter().collect()
    }

    fn open(&mut self, kind: Kind, row: Option<usize>) -> Vec<Request> {
        let Some(at) = row else { return Vec::new() };
        match kind {
            Kind::Tasks => {
                if let Some(id) = self.lists.tasks.get(at).and_then(|t| t.resume.clone()) {
                    return vec![Request::Resume(id)];
                }
            }
            Kind::Ceremonies => {
                if let Some(row) = self.lists.ceremonies.get(at).filter(|c| c.open) {
                    return vec![Request::Resume(row.id.clone())];
                }
            }
            Kind::Mailers => {
                let batches = self.lists.batches.iter().flatten();
                let id = batches.map(|batch| batch.id).nth(at).flatten();
                return id
                    .map(|id| Request::Pins(PinAct::Work(id)))
                    .into_iter()
                    .collect();
            }
            Kind::Scripts => {
                let Some(script) = self.lists.scripts.get(at) else {
                    return Vec::new();
                };
                match &script.refused {
                    None => {
                        self.stack.pop();
                        return vec![Request::Ceremony(script.file.clone())];
                    }
                    Some(why) => self
                        .notices
                        .push_back(Notice::Refused(words::script_refused(&script.title, why))),
                }
                return Vec::new();
            }
            _ => {}
        }
        if let Some(id) = kind.id(&self.lists, at) {
            self.stack.push(Screen::Detail { kind, id, from: 0 });
        }
        Vec::new()
    }
}
