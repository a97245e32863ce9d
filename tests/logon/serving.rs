//! A station at work behind its front: requests go in, events come out, and
//! the people answer what is asked in between.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use conclave_evidence::GroupId::{Administrators, KeyManagers};
use conclave_evidence::Id;
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::ports::dialogue::{Answer, Ask, People};
use conclave_station::front::{Administration, Event, Phase, Request};
use conclave_station::service::{Front, serve};

use crate::hands::{Do, Hands};
use crate::house::{House, TestClock};

/// How long one look takes, and how many a test waits for what it expects.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: usize = 3000;

/// The front's side of a station at work.
struct Desk<'a> {
    requests: Sender<Request>,
    events: Receiver<Event>,
    hands: &'a mut Hands,
    clock: TestClock,
    asked: bool,
    /// The phase that was told last.
    phase: Phase,
    /// The wall clock that was told last.
    told_ms: u64,
    /// What the screen was told about being blank.
    blanks: Vec<bool>,
}

impl Desk<'_> {
    fn send(&self, request: Request) {
        self.requests.send(request).unwrap();
    }

    /// Takes events and answers questions until `is` says so.
    #[track_caller]
    fn until(&mut self, what: &str, mut is: impl FnMut(&Event, &Self) -> bool) -> Event {
        for _ in 0..LOOKS {
            match self.events.recv_timeout(LOOK) {
                Ok(event) => {
                    match &event {
                        Event::Prompt(prompt) => {
                            self.hands.show(prompt);
                            self.asked = true;
                        }
                        Event::PromptDone => self.asked = false,
                        Event::Blank(blank) => self.blanks.push(*blank),
                        Event::Status(status) => {
                            self.phase = status.phase;
                            self.told_ms = status.wall_ms;
                        }
                        _ => {}
                    }
                    if is(&event, self) {
                        return event;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("{what}: the station is gone"),
            }
            if self.asked
                && let Some(answer) = self.hands.answer(LOOK)
            {
                self.send(Request::Answer(answer));
            }
        }
        panic!("{what}: never");
    }

    /// Nothing is told while the station looks at its clock a few times.
    #[track_caller]
    fn silence(&self, why: &str) {
        let told = self.events.recv_timeout(Duration::from_millis(700));
        assert_eq!(told, Err(RecvTimeoutError::Timeout), "{why}");
    }

    fn until_phase(&mut self, phase: Phase) {
        self.until(&format!("{phase:?}"), |_, desk| desk.phase == phase);
    }

    /// Lets time pass and waits until the station has looked at the clock.
    fn pass(&mut self, ms: u64) {
        self.clock.pass(ms);
        let now = conclave_keyroom::ports::clock::Clock::wall_ms(&self.clock) / 1000 * 1000;
        self.until("the new time", |_, desk| desk.told_ms == now);
    }
}

/// Serves the house while `work` sits at the desk.
fn served<T>(house: &mut House, work: impl FnOnce(&mut Desk<'_>) -> T) -> T {
    let (to_station, requests) = channel();
    let (to_desk, events) = channel();
    let clock = house.clock.clone();
    let mut front = Front::new(
        requests,
        to_desk,
        Arc::new(clock.clone()),
        Arc::new(AtomicBool::new(false)),
    );
    let station = &mut house.station;
    std::thread::scope(|scope| {
        let serving = scope.spawn(move || serve(station, &mut front));
        let mut desk = Desk {
            requests: to_station,
            events,
            hands: &mut house.hands,
            clock,
            asked: false,
            phase: Phase::Empty,
            told_ms: 0,
            blanks: Vec::new(),
        };
        let done = work(&mut desk);
        desk.send(Request::Quit);
        serving.join().unwrap();
        done
    })
}

/// Administrators, who are logged on, unlock the station; the title of what
/// came of it.
pub fn unlock(house: &mut House) -> String {
    served(house, |desk| {
        desk.send(Request::Administer(Administration::UnlockStation));
        let event = desk.until("an end", |event, _| {
            matches!(event, Event::Done { .. } | Event::Refused(_))
        });
        match event {
            Event::Done { title, .. } => title,
            other => panic!("{other:?}"),
        }
    })
}

/// Idle time blanks the screen and then ends the session.
pub fn nobody_is_there(house: &mut House) {
    house.enter(KeyManagers);
    let seq = house.newest();
    served(house, |desk| {
        desk.until_phase(Phase::Open);
        desk.pass(60_000);
        desk.pass(60_000);
        desk.silence("two minutes are not over yet");
        assert_eq!(desk.blanks, [false; 0]);
        desk.clock.pass(1);
        desk.until("the blank", |event, _| *event == Event::Blank(true));
        // Blank, not ended.
        assert_eq!(desk.phase, Phase::Open);
        // A key that was pressed before wakes nothing.
        desk.send(Request::Awake);
        desk.until("the idle clock", |event, _| {
            matches!(event, Event::Status(_))
        });
        assert_eq!(desk.blanks, [true], "it stays blank");
        desk.send(Request::Wake);
        desk.until("the screen", |event, _| *event == Event::Blank(false));

        desk.pass(300_000);
        desk.pass(300_000);
        desk.silence("ten minutes are not over yet");
        assert_eq!(desk.phase, Phase::Open);
        // What a screen asks by itself keeps no session open.
        desk.send(Request::KeyDetail {
            label: "BANK.ZMK.001".to_owned(),
            id: Id([1; 16]),
        });
        let told = desk.until("an answer", |event, _| {
            matches!(event, Event::KeyDetail { .. })
        });
        let nowhere = Event::KeyDetail {
            label: "BANK.ZMK.001".to_owned(),
            id: Some(Id([1; 16])),
            detail: vec!["It is no longer in the catalogue.".to_owned()],
        };
        assert_eq!(told, nowhere);
        desk.clock.pass(1);
        desk.until_phase(Phase::Closed);
        assert_eq!(desk.blanks, [true, false, true]);
    });
    assert!(house.is_shut());
    assert_eq!(
        house.since(seq),
        [(EntryKind::Session, "logout".to_owned())]
    );
    house.leave();
}

/// A question that nobody answers for ten minutes ends, and the session with
/// it.
pub fn nobody_answers(house: &mut House) {
    house.enter(KeyManagers);
    let seq = house.newest();
    served(house, |desk| {
        desk.until_phase(Phase::Open);
        desk.hands.told(Box::new(|_, _| Do::Wait));
        desk.hands
            .holders
            .iter_mut()
            .for_each(|(name, _)| name.push('.'));
        desk.send(Request::Logon(Some(Administrators)));
        desk.until("the question", |event, _| matches!(event, Event::Prompt(_)));
        desk.asked = false;
        desk.clock.pass(600_001);
        desk.until_phase(Phase::Closed);
        desk.hands.holders.iter_mut().for_each(|(name, _)| {
            name.pop();
        });
    });
    assert!(house.is_shut());
    assert_eq!(house.actions(seq), ["logon-void", "logout"]);
    house.leave();
}

/// The station's own request is no removal; anybody's hand is.
pub fn the_session_card(house: &mut House) {
    house.enter(KeyManagers);
    house.enter(Administrators);
    assert!(house.blanks.try_recv().is_err(), "swapped as asked");
    assert!(!house.station.card_lost());
    let seq = house.newest();
    let table = house.table.clone();
    served(house, |desk| {
        desk.until_phase(Phase::Open);
        let ben = desk.hands.card_of("Ben");
        assert!(table.pull(table.seat_of(ben).unwrap()));
        desk.until_phase(Phase::Closed);
    });
    assert!(house.blanks_in_time());
    assert!(house.is_shut());
    assert_eq!(
        house.since(seq),
        [(EntryKind::Session, "logout".to_owned())]
    );
    house.leave();
}

/// Whoever comes forward in an act is the session card from then on, with one
/// reader.
pub fn the_last_signature_stays(house: &mut House) {
    house.enter(Administrators);
    let table = house.table.clone();
    let seq = house.newest();
    let title = served(house, |desk| {
        desk.until_phase(Phase::Open);
        // With one reader, whoever signed first puts the same card in again.
        let signer = table.clone();
        let alone = table.width() == 1;
        let mut first = None;
        desk.hands.told(Box::new(move |prompt, _| {
            match &prompt.ask {
                Ask::Pin { person, .. } => first = Some(person.clone()),
                Ask::Card { .. } if alone && prompt.refused.is_none() => {
                    let card = |name: &str| if name == "Ada" { 0 } else { 1 };
                    if let Some(name) = first.take() {
                        signer.put(card(&name), &[0, 1]);
                        return Do::Wait;
                    }
                }
                _ => {}
            }
            Do::Usual
        }));
        desk.send(Request::Administer(Administration::UnlockStation));
        let event = desk.until("an end", |event, _| {
            matches!(event, Event::Done { .. } | Event::Refused(_))
        });
        let refusals = desk.hands.refusals();
        let twice = |it: &String| it.ends_with("has signed this act already; nobody counts twice.");
        assert_eq!(refusals.len(), usize::from(alone), "{refusals:?}");
        assert!(refusals.iter().all(twice), "{refusals:?}");
        // Swapped as asked, which is nobody's removal.
        desk.pass(1_000);
        assert_eq!(desk.phase, Phase::Open);
        assert!(table.pull(0));
        desk.until_phase(Phase::Closed);
        match event {
            Event::Done { title, .. } => title,
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(title, "The station is unlocked");
    assert!(house.blanks_in_time());
    let actions = house.actions(seq);
    let refused = actions.iter().filter(|action| *action == "card-refused");
    assert_eq!(
        refused.count(),
        usize::from(table.width() == 1),
        "{actions:?}"
    );
    house.leave();
}

/// With readers enough, each card of both quorums has to stay, and no other.
pub fn every_quorum_card_stays(house: &mut House) {
    if house.table.width() == 1 {
        return with_one_reader_only_the_last(house);
    }
    for name in ["Dora", "Emil", "Ada", "Ben"] {
        for group in [KeyManagers, Administrators] {
            house.enter(group);
        }
        let gus = house.hands.card_of("Gus");
        let stay = ["Dora", "Emil", "Ada", "Ben"].map(|name| house.hands.card_of(name));
        let reader = house.table.put(gus, &stay);
        house.table.take(reader);
        assert!(house.blanks.try_recv().is_err(), "Gus is no part of this");
        assert!(!house.station.card_lost());
        let card = house.hands.card_of(name);
        let reader = house.table.seat_of(card).unwrap();
        assert!(house.table.pull(reader));
        assert!(house.blanks_in_time(), "{name}");
        assert!(house.station.card_lost());
        // Back in the reader it is another insertion: the session is over.
        house.table.bench.wait(reader, false);
        house.table.put(card, &stay);
        assert!(house.station.card_lost(), "{name}");
        // Cards that are in stay for the next round.
        house.station.logout("the check is over").unwrap();
        while house.blanks.try_recv().is_ok() {}
    }
    // While a second group logs on, the first one's cards have to stay, too.
    house.enter(KeyManagers);
    let table = house.table.clone();
    let dora = house.hands.card_of("Dora");
    house.hands.told(Box::new(move |_, times| {
        if times == 2 {
            table.pull(table.seat_of(dora).unwrap());
        }
        Do::Usual
    }));
    house.logon(Administrators);
    assert!(house.blanks_in_time());
    // The watch over both groups' cards comes to miss hers, too.
    while !house.station.card_lost() {
        assert!(house.blanks_in_time());
    }
    house.leave();
}

fn with_one_reader_only_the_last(house: &mut House) {
    house.enter(KeyManagers);
    let emil = house.hands.card_of("Emil");
    assert_eq!(house.table.seat_of(emil), Some(0), "he was last");
    assert!(house.table.pull(0));
    assert!(house.blanks_in_time());
    assert!(house.station.card_lost());
    house.leave();
    // A second group that gives up after the swap leaves nobody's card in.
    house.enter(KeyManagers);
    house.hands.told(Box::new(|prompt, _| {
        if matches!(prompt.ask, Ask::Pin { .. }) {
            return Do::Answer(Answer::Abort);
        }
        Do::Usual
    }));
    assert_eq!(house.logon(Administrators), "aborted");
    assert!(house.blanks_in_time());
    house.leave();
}
