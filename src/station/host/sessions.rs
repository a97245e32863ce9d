//! Who else sits at a terminal of this computer: session leaders with a
//! terminal of their own, as the process table shows them. The accounting file
//! `utmp` is not asked: not every system writes it, and root may edit it.

use std::fs;
use std::path::Path;

use conclave_keyroom::ports::machine::Seen;

use super::machine::shown;

/// Programs that wait for somebody to log on; nobody has.
const WAITING: &[&str] = &["agetty", "getty", "mingetty", "login"];

/// One line of `/proc/PID/stat`.
struct Process {
    pid: u32,
    name: String,
    session: u32,
    terminal: i64,
}

/// `pid (name) state ppid pgrp session tty_nr …`; the name may hold spaces and
/// parentheses.
fn process(line: &str) -> Option<Process> {
    let (pid, rest) = line.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut words = rest.split(' ').skip(3);
    Some(Process {
        pid: pid.trim().parse().ok()?,
        name: shown(name),
        session: words.next()?.parse().ok()?,
        terminal: words.next()?.parse().ok()?,
    })
}

/// `tty1`, `ttyS0`, `pts/3`: names of the device numbers of `devices.txt`.
fn terminal_name(number: i64) -> String {
    let major = (number >> 8) & 0xFFF;
    let minor = (number & 0xFF) | ((number >> 12) & 0xFFF00);
    match (major, minor) {
        (4, 0..=63) => format!("tty{minor}"),
        (4, _) => format!("ttyS{}", minor - 64),
        (136..=143, _) => format!("pts/{}", (major - 136) * 256 + minor),
        _ => format!("terminal {major}:{minor}"),
    }
}

/// Terminal and program of one line, as they are shown.
pub(super) fn named(line: &str) -> Option<String> {
    let one = process(line)?;
    Some(format!("{} ({})", terminal_name(one.terminal), one.name))
}

/// Terminals with a session other than this process's own.
pub(super) fn elsewhere(proc: &Path) -> Seen<Vec<String>> {
    let own = fs::read_to_string(proc.join("self/stat"))
        .map_err(|error| format!("/proc/self/stat: {error}"))?;
    let own = process(&own).ok_or("/proc/self/stat: not as expected")?;
    let entries = fs::read_dir(proc).map_err(|error| format!("/proc: {error}"))?;
    let mut found: Vec<(i64, String)> = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_process = name
            .to_str()
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        if !is_process {
            continue;
        }
        // A process that ended meanwhile sits nowhere.
        let Ok(line) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let Some(one) = process(&line) else { continue };
        let leads = one.pid == one.session && one.terminal != 0;
        if leads && one.terminal != own.terminal && !WAITING.contains(&one.name.as_str()) {
            found.push((one.terminal, one.name));
        }
    }
    found.sort();
    Ok(found
        .into_iter()
        .map(|(terminal, name)| format!("{} ({name})", terminal_name(terminal)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_what_it_likes() {
        let one = process("77 (a) R 1 (b) S 1 77 77 34816 77 4194304").unwrap();
        assert_eq!((one.pid, one.session, one.terminal), (77, 77, 34816));
        assert_eq!(one.name, "a) R 1 (b");
        assert!(process("").is_none() && process("1 (x").is_none());
    }

    #[test]
    fn terminals_have_their_names() {
        for (number, name) in [
            (0x0401, "tty1"),
            (0x0440, "ttyS0"),
            (34816, "pts/0"),
            (34819, "pts/3"),
            (0x8901, "pts/257"),
        ] {
            assert_eq!(terminal_name(number), name);
        }
    }
}
