//! A keyboard or a network that appears while people are logged on, as a tree
//! of files shows it: the session ends, and the journal has why.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use conclave_evidence::GroupId;
use conclave_keyroom::ports::clock::Clock;
use conclave_station::front::{Event, Phase, Request};
use conclave_station::host::clock::SystemClock;
use conclave_station::host::machine::HostMachine;
use conclave_station::newcomers::Newcomers;
use conclave_station::service::{Front, serve};
use tempfile::TempDir;

use crate::people::Scene;
use crate::stage::STAFF;

/// An input device; `device` tells a real one from one of the kernel's own.
fn input(root: &Path, number: u8, name: &str, keys: &str, device: bool) {
    let folder = root.join(format!("sys/class/input/input{number}"));
    fs::create_dir_all(folder.join("capabilities")).unwrap();
    fs::write(folder.join("capabilities/key"), keys).unwrap();
    fs::write(folder.join("name"), name).unwrap();
    if device {
        fs::create_dir_all(folder.join("device")).unwrap();
    }
}

fn network(root: &Path, name: &str, index: u8, device: bool) {
    let folder = root.join(format!("sys/class/net/{name}"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("ifindex"), index.to_string()).unwrap();
    if device {
        fs::create_dir_all(folder.join("device")).unwrap();
    }
}

/// A machine with a keyboard and a network card of its own.
fn machine() -> TempDir {
    let root = TempDir::new().unwrap();
    input(
        root.path(),
        3,
        "AT keyboard",
        "4 2000000 3803078f800d001\n",
        true,
    );
    network(root.path(), "lo", 1, false);
    network(root.path(), "eth0", 2, true);
    root
}

/// The next refusal, or nothing for a second and a half.
fn refused(events: &Receiver<Event>, phase: &mut Phase) -> Option<String> {
    for _ in 0..30 {
        match events.recv_timeout(Duration::from_millis(50)) {
            Ok(Event::Refused(refusal)) => return Some(refusal.happened),
            Ok(Event::Status(status)) => *phase = status.phase,
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("the station is gone"),
        }
    }
    None
}

#[test]
fn a_keyboard_or_a_network_that_appears_ends_the_session() {
    let folder = TempDir::new().unwrap();
    let root = machine();
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.found();
    scene.logon(GroupId::Administrators);
    let before = scene.entries();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let watched = Box::new(HostMachine::under(root.path()));
    let newcomers = Newcomers::after_now(watched, Arc::clone(&clock));
    let (requests, asked) = channel();
    let (tell, events) = channel();
    let blanked = Arc::new(AtomicBool::new(false));
    let mut front = Front::new(asked, tell, clock, blanked).watching(newcomers);
    let station = &mut scene.station;
    std::thread::scope(|scope| {
        let serving = scope.spawn(move || serve(station, &mut front));
        let mut phase = Phase::Empty;
        // A lid, a program's own keyboard, a network within the machine: nobody
        // plugged anything in.
        input(root.path(), 5, "Lid Switch", "0\n", true);
        input(root.path(), 6, "virtual keyboard", "1\n", false);
        network(root.path(), "veth0", 3, false);
        assert_eq!(refused(&events, &mut phase), None);
        assert_eq!(phase, Phase::Open);

        input(root.path(), 9, "Ducky\u{1b}[2J", "ffffffff\n", true);
        let words = refused(&events, &mut phase).expect("it is seen");
        assert_eq!(
            words,
            "Plugged in: keyboard or pointer «Ducky?[2J» (input9)."
        );
        assert_eq!(refused(&events, &mut phase), None, "it is said once");
        assert_eq!(phase, Phase::Closed);
        // Nobody logs on beside it.
        requests
            .send(Request::Logon(Some(GroupId::Administrators)))
            .unwrap();
        let again = refused(&events, &mut phase).expect("it is there still");
        assert_eq!(again, words);
        fs::remove_dir_all(root.path().join("sys/class/input/input9")).unwrap();

        // With nobody logged on it is said, too; gone and come again is new.
        network(root.path(), "usb0", 7, true);
        let words = refused(&events, &mut phase).expect("it is seen");
        assert_eq!(words, "Plugged in: network interface usb0 (7).");
        fs::remove_dir_all(root.path().join("sys/class/net/usb0")).unwrap();
        assert_eq!(refused(&events, &mut phase), None);
        network(root.path(), "usb0", 8, true);
        assert!(refused(&events, &mut phase).is_some());
        requests.send(Request::Quit).unwrap();
        serving.join().unwrap();
    });
    scene.logon(GroupId::Administrators);
    let entries = scene
        .station
        .door()
        .vault()
        .read_journal(before + 1)
        .unwrap();
    let actions = entries.iter().map(|entry| entry.header.action.as_str());
    let expected = ["plugged-in", "logout", "plugged-in", "plugged-in"];
    assert!(actions.take(4).eq(expected), "{}", entries.len());
    let words = entries[1].body.as_ref().unwrap().words.join(" ");
    assert!(
        words.contains("plugged in: keyboard or pointer «Ducky?[2J» (input9)"),
        "{words}"
    );
}

#[test]
fn a_question_ends_when_a_keyboard_appears() {
    let folder = TempDir::new().unwrap();
    let root = machine();
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.found();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let watched = Box::new(HostMachine::under(root.path()));
    let newcomers = Newcomers::after_now(watched, Arc::clone(&clock));
    let (requests, asked) = channel();
    let (tell, events) = channel();
    let blanked = Arc::new(AtomicBool::new(false));
    let mut front = Front::new(asked, tell, clock, blanked).watching(newcomers);
    let station = &mut scene.station;
    std::thread::scope(|scope| {
        let serving = scope.spawn(move || serve(station, &mut front));
        requests
            .send(Request::Logon(Some(GroupId::Administrators)))
            .unwrap();
        let mut phase = Phase::Empty;
        assert_eq!(refused(&events, &mut phase), None);
        input(root.path(), 9, "Ducky", "ffffffff\n", true);
        assert!(refused(&events, &mut phase).is_some());
        assert_eq!(phase, Phase::Closed);
        requests.send(Request::Quit).unwrap();
        serving.join().unwrap();
    });
}
