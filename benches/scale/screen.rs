//! The station at its screen: from the last PIN to the first frame, until the
//! key list is whole, and a filter typed while it comes and after.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use conclave::tui::{Input, Key};
use conclave_evidence::GroupId;
use conclave_keyroom::ports::dialogue::Ask;
use conclave_station::front::{Event, KeyTable, Request};
use conclave_station::host::clock::SystemClock;
use conclave_station::service::{Front, serve};

use crate::people::Scene;
use crate::stage::STAFF;
use crate::typed::{Screen, memory, once, plain, strokes, tell, typing};
use crate::{LOGON_BOUND, MEMORY_BOUND, now, verdict};

/// The table in an event, where it has one with rows.
fn table_of(event: &Event) -> Option<KeyTable> {
    let table = match event {
        Event::Keys(table) => table,
        Event::Lists(lists) => &lists.keys,
        _ => return None,
    };
    (!table.is_empty()).then(|| table.clone())
}

/// Logs a group on; gives the time from the last PIN to the frame that shows
/// the station open.
fn logon(scene: &mut Scene, group: GroupId, screen: &mut Screen) -> Duration {
    let last: Arc<Mutex<Option<Instant>>> = Arc::default();
    let typed = Arc::clone(&last);
    scene.people.at = Box::new(move |prompt, _| {
        if matches!(prompt.ask, Ask::Pin { .. }) {
            *typed.lock().expect("the time") = Some(now());
        }
        None
    });
    scene.logon(group);
    let station = &scene.station;
    screen
        .app
        .update(Input::Event(Event::Status(station.status(0))));
    let lists = Event::Lists(Box::new(station.lists()));
    screen.take(Input::Event(lists));
    let last = last.lock().expect("the time").expect("a PIN");
    last.elapsed()
}

/// The repository's files read once from end to end, as whoever opens all of it
/// would have to before the first frame.
fn plain_read(folder: &Path) -> (u64, Duration) {
    let mut bytes = 0;
    let took = once(|| {
        let mut buffer = vec![0; 1 << 20];
        for entry in std::fs::read_dir(folder).expect("the repository") {
            let path = entry.expect("an entry").path();
            if !path.is_file() {
                continue;
            }
            let mut file = std::fs::File::open(path).expect("a file");
            loop {
                match file.read(&mut buffer).expect("bytes") {
                    0 => break,
                    more => bytes += more as u64,
                }
            }
        }
    });
    (bytes, took)
}

/// All that one process does that works with this station.
pub fn run(folder: &Path, keys: usize) {
    let mut opened = None;
    let took = once(|| opened = Some(Scene::open(folder, STAFF)));
    let mut scene = opened.expect("the station");
    println!("the program is there, with its self-test, in {took:.1?}");
    let mut screen = Screen::new();
    let began = now();
    for group in [GroupId::KeyManagers, GroupId::Approvers] {
        let took = logon(&mut scene, group, &mut screen);
        println!(
            "{keys} keys, {group}: from the last PIN to the first frame {took:.1?} (bound \
             {LOGON_BOUND:?}): {}",
            verdict(took < LOGON_BOUND)
        );
    }
    let (bytes, took) = plain_read(&folder.join("repository"));
    println!(
        "rival: its {} MB read once, no frame: {took:.1?}",
        bytes / 1_000_000
    );
    let (requests, asked) = channel();
    let (tells, events) = channel();
    let clock = Arc::new(SystemClock::default());
    let mut front = Front::new(asked, tells, clock, Arc::new(AtomicBool::new(false)));
    let mut station = scene.station;
    let worker = std::thread::spawn(move || serve(&mut station, &mut front));
    // While the list comes, somebody types into its filter.
    screen.take(Input::Key(Key::Char('k')));
    screen.take(Input::Key(Key::Char('/')));
    let mut during = Vec::new();
    let mut more = strokes().into_iter().cycle();
    let mut first = None;
    let (table, left) = loop {
        let mut whole = None;
        while let Ok(event) = events.try_recv() {
            if let Some(table) = table_of(&event) {
                first.get_or_insert_with(|| began.elapsed());
                whole = (table.complete() && table.len() == keys).then_some(table);
            }
            screen.app.update(Input::Event(event));
        }
        let (key, left) = more.next().expect("no end");
        during.push(once(|| screen.take(Input::Key(key))));
        if let Some(table) = whole {
            break (table, left);
        }
        std::thread::sleep(Duration::from_millis(30));
    };
    println!(
        "since the first card: the first keys in the list after {:.1?}, all after {:.1?}",
        first.unwrap_or_default(),
        began.elapsed()
    );
    tell(
        "one key stroke of the filter with its frame, while the list comes",
        during,
    );
    left.chars()
        .for_each(|_| screen.take(Input::Key(Key::Backspace)));
    for key in [Key::Esc, Key::Esc, Key::Char('k')] {
        screen.take(Input::Key(key));
    }
    let ours = typing(&mut screen);
    tell(
        "one key stroke of the filter with its frame, all keys there (bound: p99 under 16 ms)",
        ours.key,
    );
    tell(
        "  a further slice, which the next key may have to wait for",
        ours.slice,
    );
    tell("  from the key stroke to the whole count", ours.counted);
    let most = memory("VmHWM");
    println!(
        "memory of station, list and screen {} MiB, at most {most} MiB (bound {MEMORY_BOUND} \
         MB): {}",
        memory("VmRSS"),
        verdict(most * 1024 * 1024 < MEMORY_BOUND * 1_000_000)
    );
    let strings: usize = table
        .iter()
        .map(|r| r.label.len() + r.algorithm.len() + r.usage.len() + r.kcv.len())
        .sum();
    // Six strings a row, each with its pointer, length and room.
    println!(
        "rival: the rows as plain strings, no store and no index: over {} MiB",
        (strings + table.len() * 6 * 24) >> 20
    );
    requests.send(Request::Quit).expect("the station");
    worker.join().expect("its end");
    let (times, found) = plain(&table);
    tell("rival: every row's string looked through, no frame", times);
    assert_eq!(ours.found, found, "both find the same");
}
