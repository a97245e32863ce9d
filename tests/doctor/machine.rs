//! The judgement over machines.

use std::collections::BTreeMap;
use std::fs;

use conclave_crypto::secret::Measure;
use conclave_keyroom::ports::machine::Machine;
use conclave_station::doctor::judge;
use conclave_station::doctor::{Check, Finding, Verdict};
use conclave_station::host::machine::HostMachine;

use crate::machines::{closed, facts, without};

fn findings(name: &str) -> BTreeMap<Check, Finding> {
    let found = judge::machine(&facts(name), &closed());
    found.into_iter().map(|f| (f.check, f)).collect()
}

fn verdicts(name: &str) -> Vec<(Check, Verdict, String)> {
    let found = judge::machine(&facts(name), &closed());
    found
        .into_iter()
        .map(|f| (f.check, f.verdict, f.found))
        .collect()
}

#[test]
fn a_fit_machine_is_green_throughout() {
    for (check, verdict, found) in verdicts("fit") {
        assert_eq!(verdict, Verdict::Green, "{check}: {found}");
    }
    assert_eq!(verdicts("fit").len(), 11);
}

#[test]
fn an_unfit_machine_is_red_throughout_and_each_finding_names_what_is_wrong() {
    let found = findings("unfit");
    for (check, words) in [
        (Check::Swap, "on: /dev/sda2"),
        (Check::CoreDumps, "no limit"),
        (Check::Debuggers, "process 4711 traces"),
        (Check::Network, "up: eth0 and wlan0 (wireless)"),
        (
            Check::Radio,
            "bluetooth hci0, wireless network phy0 and mobile telephone wwan0",
        ),
        (Check::Drivers, "btusb, iwlmvm and iwlwifi"),
        (Check::Sockets, "open to others: tcp 22 and udp 68"),
        (Check::Mounts, "/mnt/keys (nfs4) and /mnt/a\\040b (cifs)"),
        (Check::Terminals, "ttyS0 (sh) and pts/3 (bash) evil ()"),
        (
            Check::Keyboards,
            "something else too: «Stick» on USB 1-4, and it is a disk",
        ),
    ] {
        let finding = &found[&check];
        assert_eq!(finding.verdict, Verdict::Red, "{finding:?}");
        assert!(finding.found.contains(words), "{finding:?}");
        assert!(!finding.advice.is_empty(), "{finding:?}");
        assert!(finding.stops_production());
    }
}

#[test]
fn what_is_to_be_looked_at_is_amber_and_lets_production_work() {
    let found = findings("amber");
    for (check, words) in [
        (Check::Swap, "/dev/zram0"),
        (Check::CoreDumps, "|/usr/lib/systemd/systemd-coredump"),
        (Check::Debuggers, "no ptrace_scope"),
        (Check::Network, "there and down: eth0"),
        (Check::Drivers, "of cables: e1000e"),
        (Check::Sockets, "this computer only: tcp 631 and tcp 632"),
        (
            Check::Keyboards,
            "2: «AT Translated Set 2 keyboard» and «Office Keyboard» on USB 1-2",
        ),
    ] {
        let finding = &found[&check];
        assert_eq!(finding.verdict, Verdict::Amber, "{finding:?}");
        assert!(finding.found.contains(words), "{finding:?}");
        assert!(!finding.stops_production());
    }
}

#[test]
fn a_measure_that_is_not_in_force_is_told() {
    for (measure, check, verdict) in [
        (Measure::SecretsLocked, Check::LockedMemory, Verdict::Red),
        (
            Measure::AllMemoryLocked,
            Check::LockedMemory,
            Verdict::Amber,
        ),
        (Measure::NoCoreFile, Check::CoreDumps, Verdict::Red),
        (Measure::NotDumpable, Check::CoreDumps, Verdict::Red),
        (Measure::NotDumpable, Check::Debuggers, Verdict::Red),
    ] {
        let found = judge::machine(&facts("fit"), &without(measure));
        let finding = found.iter().find(|f| f.check == check).unwrap();
        assert_eq!(finding.verdict, verdict, "{measure}: {finding:?}");
    }
    // What was never tried is not in force either.
    let none = conclave_crypto::secret::Hardening { measures: vec![] };
    let found = judge::machine(&facts("fit"), &none);
    let red = found.iter().filter(|f| f.verdict == Verdict::Red).count();
    assert_eq!(red, 3, "{found:?}");
}

/// One line of `sys` below a root.
fn sys(root: &std::path::Path, path: &str, text: &str) {
    let path = root.join("sys").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What is plugged in before the program starts is no newcomer, and is looked at.
#[test]
fn a_network_on_usb_and_a_keyboard_of_a_program_are_red_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let finding = |check: Check| {
        let found = judge::machine(&HostMachine::under(root).look(), &closed());
        found.into_iter().find(|f| f.check == check).unwrap()
    };
    assert_eq!(finding(Check::Keyboards).verdict, Verdict::Amber);

    // A telephone that offers its network, which is down still.
    let usb = "devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/net/usb0";
    sys(root, &format!("{usb}/flags"), "0x1002\n");
    sys(root, "class/net/eth0/flags", "0x1002\n");
    assert_eq!(finding(Check::Network).verdict, Verdict::Amber);
    std::os::unix::fs::symlink(root.join("sys").join(usb), root.join("sys/class/net/usb0"))
        .unwrap();
    let network = finding(Check::Network);
    assert_eq!(network.found, "on USB: usb0");
    assert_eq!(network.verdict, Verdict::Red);

    // Letters, and no device: a program's own keyboard.
    sys(root, "class/input/input4/capabilities/key", "7fff0000\n");
    sys(root, "class/input/input4/name", "remote\u{1b}[2J\n");
    let keyboard = finding(Check::Keyboards);
    assert_eq!(keyboard.found, "a program types: «remote?[2J»");
    assert!(keyboard.stops_production());
    sys(root, "class/input/input4/device", "");
    assert_eq!(finding(Check::Keyboards).verdict, Verdict::Green);

    // One of uhid has a device, and no hardware behind it.
    let uhid = "devices/virtual/misc/uhid/0003:046D:C31C.0001";
    let input = format!("{uhid}/input/input5");
    sys(root, &format!("{input}/capabilities/key"), "7fff0000\n");
    sys(root, &format!("{input}/name"), "Logitech\n");
    let link = |from: String, to: String| {
        std::os::unix::fs::symlink(root.join("sys").join(from), root.join("sys").join(to)).unwrap();
    };
    link(uhid.into(), format!("{input}/device"));
    link(input, "class/input/input5".into());
    let keyboard = finding(Check::Keyboards);
    assert_eq!(keyboard.found, "a program types: «Logitech»");
    assert!(keyboard.stops_production());
}

/// A machine that shows nothing is no proof that nothing is there.
#[test]
fn what_cannot_be_looked_at_is_red() {
    let nowhere = HostMachine::under("/nonexistent");
    let found = judge::machine(&nowhere.look(), &closed());
    let unseen = [
        Check::LockedMemory,
        Check::Swap,
        Check::CoreDumps,
        Check::Debuggers,
        Check::Mounts,
        Check::Terminals,
    ];
    for finding in &found {
        if unseen.contains(&finding.check) {
            assert_eq!(finding.verdict, Verdict::Red, "{finding:?}");
            assert!(finding.found.contains("could not be looked at"));
        }
    }
}

/// Who names a mount, a process or a device does not write on our screen.
#[test]
fn names_of_the_machine_reach_no_terminal_raw() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (path, text) in [
        (
            "proc/self/mounts",
            "x /mnt/\x1b[2J\u{202e}\x07 nfs rw 0 0\n".to_owned(),
        ),
        ("proc/sys/kernel/core_pattern", "|\x1b]0;x\x07\n".to_owned()),
        (
            "proc/swaps",
            format!("F\n/dev/{} partition 1 0 -2\n", "\x1bA".repeat(4000)),
        ),
        ("sys/class/net/\x1b[2Jeth/flags", "0x1003\n".to_owned()),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    for finding in judge::machine(&HostMachine::under(root).look(), &closed()) {
        for line in finding.lines() {
            assert!(!line.chars().any(char::is_control), "{line:?}");
            assert!(line.chars().count() < 500, "{line:?}");
        }
    }
}
