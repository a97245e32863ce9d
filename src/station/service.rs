//! The one thread that owns vault and provider: takes a front end's requests,
//! runs acts with the people, tells what is the case.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use conclave_keyroom::ports::clock::Clock;
use conclave_keyroom::ports::dialogue::{Answer, People, Prompt, Refusal};

use crate::cards::Interrupted;
use crate::front::{Administration, Event, KeyAct, Phase, Request, Status};
use crate::initialise::InitialiseEnd;
use crate::logon::LogonEnd;
use crate::newcomers::Newcomers;
use crate::rescue::Damage;
use crate::session::Checked;
use crate::station::Station;

/// Idle time until the screen blanks (R26), milliseconds.
pub const IDLE_BLANK_MS: u64 = 120_000;
/// Idle time until the session ends (R26), milliseconds.
pub const IDLE_LOGOUT_MS: u64 = 600_000;

/// How often the station looks around while nobody asks anything.
const LOOK: Duration = Duration::from_millis(200);

/// The people at a front end, behind two channels.
pub struct Front {
    requests: Receiver<Request>,
    events: Sender<Event>,
    clock: Arc<dyn Clock>,
    awake_ms: u64,
    blanked: Arc<AtomicBool>,
    /// An act that nobody goes on with is ended at its safe boundary. The
    /// initialise ceremony is not: it would have to be begun again.
    idle_ends: bool,
    ended: bool,
    /// What types or carries a network, where that is watched.
    newcomers: Option<Newcomers>,
    /// What came, until it is said.
    came: Vec<String>,
}

impl Front {
    /// People behind these channels.
    #[must_use]
    pub fn new(
        requests: Receiver<Request>,
        events: Sender<Event>,
        clock: Arc<dyn Clock>,
        blanked: Arc<AtomicBool>,
    ) -> Self {
        let awake_ms = clock.mono_ms();
        Self {
            requests,
            events,
            clock,
            awake_ms,
            blanked,
            idle_ends: true,
            ended: false,
            newcomers: None,
            came: Vec::new(),
        }
    }

    /// The same people, and nothing new that types or carries a network: the
    /// session ends when something of that kind comes.
    #[must_use]
    pub fn watching(mut self, newcomers: Newcomers) -> Self {
        self.newcomers = Some(newcomers);
        self
    }

    /// Whether something came that has no place here.
    fn somebody_came(&mut self) -> bool {
        if let Some(newcomers) = &mut self.newcomers {
            self.came.extend(newcomers.came());
        }
        !self.came.is_empty()
    }

    /// What came and is there still: nobody logs on beside it.
    fn strangers(&self) -> Vec<String> {
        self.newcomers
            .as_ref()
            .map(Newcomers::strangers)
            .unwrap_or_default()
    }

    fn send(&self, event: Event) {
        // A front end that is gone ends the loop by its requests' channel.
        let _ = self.events.send(event);
    }

    fn idle_ms(&self) -> u64 {
        self.clock.mono_ms().saturating_sub(self.awake_ms)
    }

    fn wake(&self) {
        if self.blanked.swap(false, Ordering::SeqCst) {
            self.send(Event::Blank(false));
        }
    }

    fn blank_when_idle(&mut self) {
        if self.idle_ms() > IDLE_BLANK_MS && !self.blanked.swap(true, Ordering::SeqCst) {
            self.send(Event::Blank(true));
        }
    }

    fn next(&mut self, timeout: Duration) -> Option<Request> {
        match self.requests.recv_timeout(timeout) {
            Ok(request) => {
                // The screen asks this by itself: nobody need be there.
                if !matches!(request, Request::KeyDetail { .. }) {
                    self.awake_ms = self.clock.mono_ms();
                }
                if matches!(request, Request::Wake) {
                    self.wake();
                }
                Some(request)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                self.ended = true;
                Some(Request::Quit)
            }
        }
    }
}

impl People for Front {
    fn show(&mut self, prompt: &Prompt) {
        self.send(Event::Prompt(Box::new(prompt.clone())));
    }

    fn answer(&mut self, timeout: Duration) -> Option<Answer> {
        self.blank_when_idle();
        if self.idle_ends && self.idle_ms() > IDLE_LOGOUT_MS {
            return Some(Answer::Shutdown);
        }
        // The act ends at its safe boundary, and the session with it.
        if self.somebody_came() {
            return Some(Answer::Shutdown);
        }
        loop {
            return match self.next(timeout)? {
                Request::Answer(answer) => Some(answer),
                Request::Quit => {
                    self.ended = true;
                    Some(Answer::Shutdown)
                }
                // Whoever does not wait wants the answer that is there already,
                // behind a key that only woke the screen.
                _ if timeout.is_zero() => continue,
                _ => None,
            };
        }
    }

    fn progress(&mut self, words: &str, done: u64, of: u64) {
        self.send(Event::Progress {
            words: words.into(),
            done,
            of,
        });
    }

    fn stay(&mut self, stay: bool) {
        self.idle_ends = !stay;
    }

    fn blank(&mut self, blank: bool) {
        self.blanked.store(blank, Ordering::SeqCst);
        self.send(Event::Blank(blank));
    }
}

/// Serves a front end until it quits.
pub fn serve(station: &mut Station, front: &mut Front) {
    let mut told: Option<Status> = None;
    station.tell(front, &mut told, true);
    loop {
        if station.card_lost() {
            let _ = station.logout("a card that had to stay was pulled");
            station.tell(front, &mut told, true);
        }
        match station.checked() {
            Checked::Before => {}
            Checked::Now => station.tell(front, &mut told, true),
            Checked::Wrong(refusal) => {
                front.send(Event::Refused(refusal));
                station.tell(front, &mut told, true);
            }
        }
        if front.somebody_came() {
            station.end_for(&std::mem::take(&mut front.came), front);
            station.tell(front, &mut told, true);
        }
        front.blank_when_idle();
        if station.is_open() && front.idle_ms() > IDLE_LOGOUT_MS {
            let _ = station.logout("nobody was there for ten minutes");
            station.tell(front, &mut told, true);
        }
        // What is large is read while nobody wants anything.
        let more = {
            let front = &*front;
            station.read_on(&mut |event| front.send(event))
        };
        let Some(request) = front.next(if more { Duration::ZERO } else { LOOK }) else {
            station.tell(front, &mut told, false);
            continue;
        };
        match request {
            Request::Quit => break,
            Request::Awake | Request::Wake | Request::Answer(_) => continue,
            Request::KeyDetail { label, id } => {
                let detail = station.key_detail(&label, id);
                let id = Some(id);
                front.send(Event::KeyDetail { label, id, detail });
                continue;
            }
            request => {
                front.idle_ends = !matches!(request, Request::Initialise);
                station.serve_one(request, front);
            }
        }
        if front.ended {
            break;
        }
        front.send(Event::PromptDone);
        station.tell(front, &mut told, true);
    }
    let _ = station.logout("the program was ended");
    front.send(Event::Ended);
}

fn stranger(what: &str, safe: &str) -> Refusal {
    Refusal {
        happened: format!("Plugged in: {what}."),
        safe: safe.into(),
        advice: "Pull it, and find out whose it is: nobody logs on beside it. A medium never \
                 types and is no network; if one does, call the auditors. What belongs here, as \
                 a keyboard in place of a broken one, is taken when the program starts anew."
            .into(),
    }
}

impl Station {
    /// Something came that types or carries a network: nobody stays logged on.
    fn end_for(&mut self, came: &[String], front: &Front) {
        let what = came.join(", ");
        let open = self.is_open();
        // The journal has it, whoever was here: what types can press Enter on
        // the words below.
        let _ = self.door.note("plugged-in", what.clone());
        if open {
            let _ = self.logout(&format!("plugged in: {what}"));
        }
        front.send(Event::Refused(stranger(
            &what,
            match open {
                true => "The session was ended.",
                false => "Nobody was logged on.",
            },
        )));
    }

    fn serve_one(&mut self, request: Request, front: &mut Front) {
        if self.door.vault().is_frozen() && !crate::rescue::may(&request) {
            front.send(Event::Refused(crate::rescue::read_only()));
            return;
        }
        match request {
            Request::Initialise | Request::Logon(_) if !front.strangers().is_empty() => {
                let what = front.strangers().join(", ");
                front.send(Event::Refused(stranger(&what, "Nobody is logged on.")));
            }
            Request::Initialise => {
                let end = self.initialise(front);
                self.tell_initialise(end, front);
            }
            Request::Logon(group) => match self.logon(group, front) {
                LogonEnd::Refused(refusal) => front.send(Event::Refused(refusal)),
                LogonEnd::Done(_) | LogonEnd::Aborted | LogonEnd::Shutdown => {}
            },
            Request::Logout => {
                if let Err(error) = self.logout("logged out") {
                    front.send(Event::Refused(self.refusal(&error.to_string())));
                }
            }
            Request::Ceremony(script) => {
                let end = self.begin_ceremony(&script, front);
                Self::tell_end(end, front);
            }
            Request::Resume(id) => {
                let end = self.resume_ceremony(&id, front);
                Self::tell_end(end, front);
            }
            Request::Administer(act) => {
                let end = match act {
                    Administration::EnrolPrinter => self.ask_printer(front),
                    Administration::RetireDevice => self.retire_device(front),
                    Administration::EnrolMedium => self.ask_medium(front),
                    Administration::ReadPlate => self.read_plate(front),
                    Administration::RecordSystem => self.record_system(front),
                    Administration::ApproveLayout => self.approve_layout(front),
                    Administration::ApprovePinTemplate => self.approve_pin_template(front),
                    Administration::RecordPinPartner => self.record_pin_partner(front),
                    Administration::MakePinIdentity => self.make_pin_identity(front),
                    Administration::PrintSample => self.print_sample(front),
                    Administration::UnlockStation => self.unlock_station(front),
                    Administration::VoidBundle => self.void_bundle(front),
                    Administration::AdoptEntries => self.adopt_entries(front),
                    Administration::SettleAct => self.settle_act(front),
                    Administration::FileReceipt => self.file_receipt(front),
                    Administration::ReadAgain => self.read_again(front),
                    Administration::SuspendCard => self.suspend_card(front),
                    Administration::ReinstateCard => self.reinstate_card(front),
                    Administration::ChangePin => self.change_pin(front),
                    Administration::UnblockPin => self.unblock_pin(front),
                    Administration::MakeBackup => self.make_backup(front),
                    Administration::RehearseRestore => self.rehearse_restore(front),
                    Administration::UpdateSoftware => self.update_software(front),
                    Administration::ChangeMembers => self.change_members(front),
                    Administration::AcceptFinding => self.accept_finding(front),
                    Administration::ConfirmClock => self.confirm_clock(front),
                    Administration::RestoreBackup => self.restore_backup(front),
                    Administration::RecoverStation => self.recover_station(front),
                    Administration::BeginRescue => self.begin_rescue(front),
                    Administration::CompareBackup => self.compare_backup(front),
                    Administration::SetAside => self.set_repository_aside(front),
                };
                Self::tell_end(end, front);
                // What stands on the screen is no longer so.
                if matches!(
                    act,
                    Administration::AcceptFinding | Administration::ConfirmClock
                ) {
                    front.send(Event::Doctor(self.examine()));
                }
            }
            Request::Key { act, id } => {
                let end = match act {
                    KeyAct::Letter => self.print_key_letter(id, front),
                    KeyAct::Papers => self.print_key_papers(id, front),
                    KeyAct::HandOver => self.hand_over(id, front),
                    KeyAct::CheckFile => self.check_file(id, front),
                    KeyAct::Public => self.export_public(id, front),
                    KeyAct::PinRoom => self.pin_room_key(id, front),
                    KeyAct::Replace => self.replace_key(id, front),
                    KeyAct::Incident => self.key_incident(id, front),
                    KeyAct::Destroy => self.destroy_key(id, front),
                };
                Self::tell_end(end, front);
            }
            Request::MakeRsa => {
                let end = self.make_rsa(None, front);
                Self::tell_end(end, front);
            }
            Request::Pins(act) => {
                let end = self.pin_room(act, front);
                front.stay(false);
                Self::tell_end(end, front);
            }
            Request::ImportPublic => {
                let end = self.import_public(front);
                Self::tell_end(end, front);
            }
            Request::Doctor => front.send(Event::Doctor(self.examine())),
            Request::ExportJournal => {
                let end = self.export_journal_file();
                Self::tell_end(end, front);
            }
            Request::Refresh
            | Request::KeyDetail { .. }
            | Request::Answer(_)
            | Request::Awake
            | Request::Wake
            | Request::Quit => {}
        }
    }

    fn tell_initialise(&self, end: InitialiseEnd, front: &Front) {
        match end {
            InitialiseEnd::Done(lines) => front.send(Event::Done {
                good: true,
                title: "The station is initialised".into(),
                lines,
            }),
            InitialiseEnd::Refused(refusal) => front.send(Event::Refused(refusal)),
            InitialiseEnd::Aborted | InitialiseEnd::Shutdown => {}
        }
    }

    fn tell_end(end: Result<ActEnd, Refusal>, front: &Front) {
        match end {
            Ok(ActEnd::Done { good, title, lines }) => {
                front.send(Event::Done { good, title, lines });
            }
            Ok(ActEnd::Stopped) => {}
            Err(refusal) => front.send(Event::Refused(refusal)),
        }
    }

    /// Tells a front end what is the case, if it changed.
    fn tell(&self, front: &Front, told: &mut Option<Status>, lists: bool) {
        let status = self.status(front.idle_ms());
        if told.as_ref() != Some(&status) {
            front.send(Event::Status(status.clone()));
            *told = Some(status);
        }
        if lists {
            front.send(Event::Lists(Box::new(self.lists())));
        }
    }

    /// What is always visible.
    #[must_use]
    pub fn status(&self, idle_ms: u64) -> Status {
        let vault = self.door.vault();
        let record = vault.authority().ok();
        let guard = vault.guard().unwrap_or_default();
        let (locked, recovery) = (guard.locked, guard.recovery);
        let frozen = vault.is_frozen();
        let phase = match &record {
            _ if frozen && !self.is_open() => Phase::Damaged,
            None => Phase::Empty,
            Some(_) if self.is_open() => Phase::Open,
            Some(_) if vault.genesis_unfinished().unwrap_or(false) => Phase::Unfinished,
            Some(_) if locked.is_some() => Phase::Locked,
            Some(_) => Phase::Closed,
        };
        let left = |limit: u64| limit.saturating_sub(idle_ms) / 1000;
        Status {
            station: record.map(|r| r.station_name.clone()).unwrap_or_default(),
            mode: record.map(|r| r.mode.to_string()).unwrap_or_default(),
            phase,
            locked: locked.map(|why| Refusal {
                happened: format!("The station is locked: {why}."),
                safe: "Nothing is open, and nothing was lost.".into(),
                advice: if recovery {
                    "Look for the newer disk or a newer backup. If there is neither, recovery \
                     holders and administrators together go on from here: press r."
                        .into()
                } else {
                    "Administrators unlock it with their cards: press u.".into()
                },
            }),
            recovery,
            damage: self.damage.as_ref().map(Damage::refusal).map(Box::new),
            rescuable: self
                .damage
                .as_ref()
                .is_some_and(|damage| damage.readable && !damage.chosen),
            rescue: self.in_rescue(),
            aside: match phase {
                Phase::Empty => crate::rescue::set_aside(&self.folder),
                _ => Vec::new(),
            },
            session: self
                .session
                .groups
                .iter()
                .map(|(group, members)| {
                    (
                        group.title().to_owned(),
                        members.iter().map(|m| m.name.clone()).collect(),
                    )
                })
                .collect(),
            // Seconds are enough for the clock on the screen.
            wall_ms: self.clock.wall_ms() / 1000 * 1000,
            idle: self
                .is_open()
                .then(|| (left(IDLE_BLANK_MS), left(IDLE_LOGOUT_MS))),
            provider: self.door.provider_identity().class.words().into(),
            warnings: self.warnings.clone(),
            training: self.training,
        }
    }
}

/// How an act ended that was no failure.
#[derive(Debug)]
pub enum ActEnd {
    /// It came to its end; the words are shown.
    Done {
        /// What it was for is there.
        good: bool,
        /// A title.
        title: String,
        /// Line by line.
        lines: Vec<String>,
    },
    /// Given up; the screen goes back.
    Stopped,
}

/// What an interruption means where nothing was done.
pub(crate) fn stopped(why: Interrupted) -> Result<ActEnd, Refusal> {
    match why {
        Interrupted::Refused(refusal) => Err(refusal),
        Interrupted::CardGone => Err(Refusal {
            happened: "A card was pulled.".into(),
            safe: "Nothing was done.".into(),
            advice: "Start again.".into(),
        }),
        Interrupted::TimedOut => Err(Refusal {
            happened: "It took too long.".into(),
            safe: "Nothing was done.".into(),
            advice: "Start again.".into(),
        }),
        Interrupted::Aborted
        | Interrupted::OtherGroup
        | Interrupted::ByWords
        | Interrupted::Shutdown => Ok(ActEnd::Stopped),
    }
}
