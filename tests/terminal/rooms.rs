//! Practice rooms to drive, and what holds for every run in one.

use std::path::Path;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::crew::{Crew, PIN};
use super::driver::{ENTER, Ended, Terminal};
use super::scan::{self, Needle};
use super::screen::{Asked, Screen};

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

/// A practice room of its own, with six readers, furnished once for all tests.
pub fn practice() -> TempDir {
    static ROOM: OnceLock<TempDir> = OnceLock::new();
    let room = ROOM.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let mut terminal = Terminal::start(&["practice", "--readers", "6"], folder.path(), &[]);
        terminal.says("This station is closed.");
        terminal.then("q", "Nobody is logged on");
        terminal.keys("y");
        let ended = terminal.end();
        given_back(&ended);
        // Whoever asks for a practice room is told its PIN: the search finds.
        let pin = [Needle::digits("a PIN", PIN)];
        let found = scan::find(&pin, &ended.capture);
        assert_eq!(found.as_deref(), Some("a PIN among the bytes"));
        folder
    });
    let folder = TempDir::new().unwrap();
    copy(room.path(), folder.path());
    folder
}

/// A furnished room, opened, with its people.
pub fn open(folder: &TempDir, variables: &[(&str, &str)]) -> Crew {
    let mut terminal = Terminal::start(&["practice"], folder.path(), variables);
    terminal.says("This station is closed.");
    Crew::new(terminal, 6)
}

/// Ends the program from whatever list stands there.
pub fn quit(mut crew: Crew) -> Ended {
    crew.terminal.then("q", "Quit?");
    crew.terminal.keys("y");
    crew.terminal.end()
}

/// The terminal is as it was before.
#[track_caller]
pub fn given_back(ended: &Ended) {
    assert_eq!(ended.code, 0);
    assert!(!ended.alternate, "the alternate screen was not left");
    assert!(!ended.cursor_hidden, "the cursor is still hidden");
    let (before, after) = &ended.settings;
    assert_eq!(before, after, "the terminal's settings");
    let left = |needle: &[u8]| {
        let bytes = &ended.capture.bytes;
        bytes.windows(needle.len()).filter(|w| *w == needle).count()
    };
    assert_eq!((left(b"\x1b[?1049h"), left(b"\x1b[?1049l")), (1, 1));
    // Not even its first frame says of an existing station what is not so.
    let frames = ended.capture.frames.iter().map(|(_, screen)| screen);
    assert!(!frames.clone().any(|screen| screen.has("01 Jan 1970")));
    // Words that the screen itself puts there stand there once.
    let twice = |screen: &Screen| screen.says("Safe to stop: Safe to stop:");
    assert!(!frames.clone().any(twice));
    let (_, last) = ended.capture.frames.last().unwrap();
    let rows = last.rows.iter().filter(|row| !row.is_empty());
    let announced = rows.filter(|row| !row.starts_with("Furnishing the practice room"));
    assert_eq!(announced.count(), 0, "something is left on the terminal");
}

/// No PIN was ever shown.
#[track_caller]
pub fn no_pin(ended: &Ended, pins: &[&str]) {
    let needles: Vec<Needle> = pins
        .iter()
        .map(|pin| Needle::digits("a PIN", pin))
        .collect();
    assert_eq!(scan::find(&needles, &ended.capture), None);
}

#[track_caller]
pub fn logon_key_managers(crew: &mut Crew) {
    crew.terminal.then(ENTER, "Put into a reader:");
    crew.come("D. Novak");
    crew.come("E. Fischer");
    crew.stay.extend(["D. Novak".into(), "E. Fischer".into()]);
    crew.terminal.wait("the tasks", |screen| {
        screen.asked() == Asked::List && screen.says("Key managers: D. Novak, E. Fischer")
    });
}
