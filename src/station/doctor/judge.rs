//! The judgement over what the machine says of itself: pure, so that a bad
//! machine can be written down as a test.

use conclave_crypto::secret::{Hardening, Measure, Outcome};
use conclave_keyroom::ports::machine::{Facts, Interface, Keyboard, Limit, Seen, Socket};

use super::check::{Check, Finding};
use crate::words::list;

/// What nobody could look at is not fit: the machine hides it, or is no Linux
/// that this program knows.
fn unseen(check: Check, why: &str) -> Finding {
    Finding::red(
        check,
        format!("could not be looked at: {why}"),
        "Start the station from a full system, with /proc and /sys mounted.",
    )
}

fn judged<T>(check: Check, seen: &Seen<T>, judge: impl FnOnce(&T) -> Finding) -> Finding {
    match seen {
        Ok(value) => judge(value),
        Err(why) => unseen(check, why),
    }
}

/// All findings about the machine and this process.
#[must_use]
pub fn machine(facts: &Facts, hardening: &Hardening) -> Vec<Finding> {
    vec![
        locked_memory(facts, hardening),
        judged(Check::Swap, &facts.swaps, |swaps| {
            let names = |in_memory: bool| -> Vec<String> {
                let of = swaps.iter().filter(|s| s.in_memory == in_memory);
                of.map(|s| s.name.clone()).collect()
            };
            let (disks, compressed) = (names(false), names(true));
            if !disks.is_empty() {
                let found = format!("on: {}", list(&disks));
                return Finding::red(Check::Swap, found, SWAP_ADVICE);
            }
            if !compressed.is_empty() {
                let found = format!("in compressed memory only: {}", list(&compressed));
                return Finding::amber(Check::Swap, found, SWAP_ADVICE);
            }
            Finding::green(Check::Swap, "none")
        }),
        core_dumps(facts, hardening),
        debuggers(facts, hardening),
        judged(Check::Network, &facts.interfaces, |all| {
            let others = || all.iter().filter(|one| !one.loopback);
            let plugged: Vec<String> = others().filter(|i| i.usb).map(named).collect();
            let up: Vec<String> = others().filter(|i| i.up).map(named).collect();
            let down: Vec<String> = others().filter(|i| !i.up).map(named).collect();
            if !up.is_empty() {
                return Finding::red(
                    Check::Network,
                    format!("up: {}", list(&up)),
                    "Pull the cable, switch the interface off in the firmware, or take it out.",
                );
            }
            // It may say that it is down, and nobody built it in.
            if !plugged.is_empty() {
                return Finding::red(
                    Check::Network,
                    format!("on USB: {}", list(&plugged)),
                    "Unplug it, and find out what it was plugged in for.",
                );
            }
            if !down.is_empty() {
                return Finding::amber(
                    Check::Network,
                    format!("there and down: {}", list(&down)),
                    "Take it out, or switch it off in the firmware.",
                );
            }
            Finding::green(Check::Network, "no interface but the loopback")
        }),
        judged(Check::Radio, &facts.radios, |all| match all.as_slice() {
            [] => Finding::green(Check::Radio, "none"),
            found => Finding::red(
                Check::Radio,
                list(found),
                "Take the radio out, or switch it off in the firmware.",
            ),
        }),
        judged(Check::Drivers, &facts.drivers, |all| {
            let names = |wireless: bool| -> Vec<String> {
                let of = all.iter().filter(|d| d.wireless == wireless);
                of.map(|d| d.name.clone()).collect()
            };
            let (radio, cable) = (names(true), names(false));
            if !radio.is_empty() {
                return Finding::red(
                    Check::Drivers,
                    format!("of radios: {}", list(&radio)),
                    "Forbid the modules (modprobe.d: install NAME /bin/false) and start again.",
                );
            }
            if !cable.is_empty() {
                return Finding::amber(
                    Check::Drivers,
                    format!("of cables: {}", list(&cable)),
                    "Forbid the modules (modprobe.d: install NAME /bin/false) and start again.",
                );
            }
            Finding::green(Check::Drivers, "no network driver is loaded as a module")
        }),
        judged(Check::Sockets, &facts.sockets, |all| sockets(all)),
        judged(Check::Mounts, &facts.network_mounts, |all| {
            match all.as_slice() {
                [] => Finding::green(Check::Mounts, "none"),
                found => Finding::red(
                    Check::Mounts,
                    list(found),
                    "Unmount it, and take it out of /etc/fstab.",
                ),
            }
        }),
        judged(Check::Terminals, &facts.terminals, |all| {
            match all.as_slice() {
                [] => Finding::green(Check::Terminals, "nobody else is logged on"),
                found => Finding::red(
                    Check::Terminals,
                    format!("in use: {}", list(found)),
                    "Log the others out, and let no service log anybody on.",
                ),
            }
        }),
        judged(Check::Keyboards, &facts.keyboards, |all| keyboards(all)),
    ]
}

const SWAP_ADVICE: &str = "Switch it off (swapoff -a), and take it out of /etc/fstab.";

fn named(interface: &Interface) -> String {
    match interface.wireless {
        true => format!("{} (wireless)", interface.name),
        false => interface.name.clone(),
    }
}

fn typing(keyboard: &Keyboard) -> String {
    let port = keyboard.port.as_ref();
    let port = port.map_or_else(String::new, |port| format!(" on USB {port}"));
    let also = match keyboard.also.as_slice() {
        [] => String::new(),
        also => format!(", and it is {}", list(also)),
    };
    format!("«{}»{port}{also}", keyboard.name)
}

fn keyboards(all: &[Keyboard]) -> Finding {
    let names = |which: fn(&Keyboard) -> bool| -> Vec<String> {
        all.iter().filter(|k| which(k)).map(typing).collect()
    };
    let (programs, double) = (
        names(|k| k.made_by_a_program),
        names(|k| !k.made_by_a_program && !k.also.is_empty()),
    );
    if !double.is_empty() {
        return Finding::red(
            Check::Keyboards,
            format!("something else too: {}", list(&double)),
            "Unplug it, and use a keyboard that is nothing else.",
        );
    }
    if !programs.is_empty() {
        return Finding::red(
            Check::Keyboards,
            format!("a program types: {}", list(&programs)),
            "Stop the program that makes the keyboard (uinput, uhid), and remove it.",
        );
    }
    let all = names(|_| true);
    match all.len() {
        0 => Finding::amber(
            Check::Keyboards,
            "this computer shows none",
            "Find out what people type on: a serial line is somebody else's keyboard.",
        ),
        1 => Finding::green(Check::Keyboards, list(&all)),
        many => Finding::amber(
            Check::Keyboards,
            format!("{many}: {}", list(&all)),
            "Look at each one, and unplug what nobody types on.",
        ),
    }
}

fn sockets(all: &[Socket]) -> Finding {
    let names = |local: bool| -> Vec<String> {
        let of = all.iter().filter(|s| s.local == local);
        of.map(|s| format!("{} {}", s.protocol, s.port)).collect()
    };
    let (open, local) = (names(false), names(true));
    if !open.is_empty() {
        return Finding::red(
            Check::Sockets,
            format!("open to others: {}", list(&open)),
            "Stop the service that listens (ss -lptu shows which), and remove it.",
        );
    }
    if !local.is_empty() {
        return Finding::amber(
            Check::Sockets,
            format!("open on this computer only: {}", list(&local)),
            "Stop the service that listens, if nothing here needs it.",
        );
    }
    Finding::green(Check::Sockets, "nothing listens")
}

/// What came of a measure; one that was never tried is not in force.
fn measure(hardening: &Hardening, wanted: Measure) -> Option<Outcome> {
    let mut all = hardening.measures.iter();
    all.find(|(measure, _)| *measure == wanted)
        .map(|(_, outcome)| *outcome)
}

fn in_force(hardening: &Hardening, wanted: Measure) -> bool {
    measure(hardening, wanted) == Some(Outcome::Done)
}

fn limit_words(limit: Limit) -> String {
    match limit {
        None => "no limit".into(),
        Some(bytes) => format!("limit {} KiB", bytes / 1024),
    }
}

fn locked_memory(facts: &Facts, hardening: &Hardening) -> Finding {
    const ADVICE: &str = "Raise RLIMIT_MEMLOCK: LimitMEMLOCK=infinity in the unit, or \
                          `ulimit -l unlimited` as root.";
    judged(Check::LockedMemory, &facts.locked_limit, |limit| {
        let limit = limit_words(*limit);
        if !in_force(hardening, Measure::SecretsLocked) {
            let found = format!("secrets are not locked; {limit}");
            return Finding::red(Check::LockedMemory, found, ADVICE);
        }
        if !in_force(hardening, Measure::AllMemoryLocked) {
            let found = format!("secrets are locked, other memory is not; {limit}");
            return Finding::amber(Check::LockedMemory, found, ADVICE);
        }
        let found = format!("all memory of this program is locked; {limit}");
        Finding::green(Check::LockedMemory, found)
    })
}

fn core_dumps(facts: &Facts, hardening: &Hardening) -> Finding {
    let closed =
        in_force(hardening, Measure::NoCoreFile) && in_force(hardening, Measure::NotDumpable);
    let (limit, pattern) = match (&facts.core_limit, &facts.core_pattern) {
        (Ok(limit), Ok(pattern)) => (*limit, pattern),
        (Err(why), _) | (_, Err(why)) => return unseen(Check::CoreDumps, why),
    };
    if !closed || limit != Some(0) {
        return Finding::red(
            Check::CoreDumps,
            format!(
                "this program may leave its memory behind; {}",
                limit_words(limit)
            ),
            "Do not use this build: it closes itself at its start, and could not.",
        );
    }
    if pattern.starts_with('|') {
        return Finding::amber(
            Check::CoreDumps,
            format!("none of this program; other programs' go to {pattern}"),
            "Set kernel.core_pattern to an empty file name, and fs.suid_dumpable to 0.",
        );
    }
    Finding::green(Check::CoreDumps, "none of this program")
}

fn debuggers(facts: &Facts, hardening: &Hardening) -> Finding {
    const ADVICE: &str = "Set kernel.yama.ptrace_scope to 2 or 3, and let only root log on.";
    let (tracer, scope) = match (&facts.tracer, &facts.ptrace_scope) {
        (Ok(tracer), Ok(scope)) => (*tracer, *scope),
        (Err(why), _) | (_, Err(why)) => return unseen(Check::Debuggers, why),
    };
    if let Some(pid) = tracer {
        return Finding::red(
            Check::Debuggers,
            format!("process {pid} traces this program"),
            "End the station, find out whose process it is, and call the administrators.",
        );
    }
    if !in_force(hardening, Measure::NotDumpable) {
        return Finding::red(
            Check::Debuggers,
            "this program's memory is open to other processes",
            "Do not use this build: it closes itself at its start, and could not.",
        );
    }
    match scope {
        Some(0) => Finding::amber(
            Check::Debuggers,
            "this program is closed to them; ptrace_scope 0 opens others of this user",
            ADVICE,
        ),
        None => Finding::amber(
            Check::Debuggers,
            "this program is closed to them; the kernel has no ptrace_scope (Yama)",
            ADVICE,
        ),
        Some(scope) => Finding::green(
            Check::Debuggers,
            format!("this program is closed to them; ptrace_scope {scope}"),
        ),
    }
}
