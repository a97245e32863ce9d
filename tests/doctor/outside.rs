//! The look at the real machine, beside the system's own tools. What may
//! change between two looks is compared while it stands still.

use std::collections::BTreeSet;
use std::process::Command;

use conclave_keyroom::ports::machine::Machine;
use conclave_station::host::machine::HostMachine;

fn told(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}; apt-get install iproute2 util-linux"));
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The same twice in a row is standing still.
fn still<T: PartialEq>(look: impl Fn() -> T) -> T {
    let mut before = look();
    for _ in 0..50 {
        let now = look();
        if now == before {
            return now;
        }
        before = now;
    }
    panic!("it never stood still");
}

/// `1: lo: <LOOPBACK,UP,LOWER_UP> mtu …`
fn by_ip() -> BTreeSet<(String, bool)> {
    told("ip", &["-o", "link", "show"])
        .lines()
        .map(|line| {
            let mut parts = line.split(": ").skip(1);
            let name = parts.next().unwrap().split('@').next().unwrap();
            let flags = parts.next().unwrap();
            let flags = flags.split(['<', '>']).nth(1).unwrap();
            (name.to_owned(), flags.split(',').any(|flag| flag == "UP"))
        })
        .collect()
}

#[test]
fn interfaces_are_those_of_ip() {
    let (ours, theirs) = still(|| {
        let ours: BTreeSet<(String, bool)> = HostMachine::default()
            .look()
            .interfaces
            .unwrap()
            .into_iter()
            .map(|i| (i.name, i.up))
            .collect();
        (ours, by_ip())
    });
    assert_eq!(ours, theirs);
    assert!(!ours.is_empty(), "not even a loopback");
}

#[test]
fn swaps_are_those_of_swapon() {
    let (ours, theirs) = still(|| {
        let ours = HostMachine::default().look().swaps.unwrap();
        let ours: Vec<String> = ours.into_iter().map(|s| s.name).collect();
        let listed = told("swapon", &["--show=NAME", "--noheadings", "--raw"]);
        let theirs: Vec<String> = listed.lines().map(str::to_owned).collect();
        (ours, theirs)
    });
    assert_eq!(ours, theirs);
}

/// Of this process, which the shell inherits.
#[test]
fn limits_are_those_of_ulimit() {
    let facts = HostMachine::default().look();
    for (option, unit, ours) in [
        ("-l", 1024, facts.locked_limit.unwrap()),
        ("-c", 512, facts.core_limit.unwrap()),
    ] {
        let theirs = told("sh", &["-c", &format!("ulimit {option}")]);
        let theirs = match theirs.trim() {
            "unlimited" => None,
            number => Some(number.parse::<u64>().unwrap()),
        };
        assert_eq!(ours.map(|bytes| bytes / unit), theirs, "ulimit {option}");
    }
}
