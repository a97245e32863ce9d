//! `conclave doctor`. What it says of the machine depends on the machine; that
//! it says all of it, and that a software provider is red, does not.

use std::path::Path;
use std::process::Command;

use conclave_station::doctor::Check;
use tempfile::TempDir;

use crate::stage;

fn doctor(folder: &Path) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_conclave"))
        .args(["doctor", "--station"])
        .arg(folder)
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// The line of a check.
fn line(told: &str, check: Check) -> &str {
    told.lines()
        .find(|line| {
            let words = line.split_once("  ").map(|(_, rest)| rest.trim_start());
            !line.starts_with(' ') && words.is_some_and(|w| w.starts_with(check.name()))
        })
        .unwrap_or_else(|| panic!("no line for {check}:\n{told}"))
}

#[test]
fn a_station_without_logon_is_told_line_by_line_and_red_is_exit_code_1() {
    let folder = stage::folder();
    let (code, told, errors) = doctor(folder.path());
    assert_eq!(code, Some(1), "{told}{errors}");
    for check in Check::ALL {
        let line = line(&told, check);
        let word = line.split(' ').next().unwrap();
        assert!(["green", "amber", "red"].contains(&word), "{line}");
    }
    let provider = line(&told, Check::Provider);
    assert!(provider.starts_with("red"), "{provider}");
    assert!(provider.contains("not an HSM"), "{provider}");
    // Why it matters and what to do stand below.
    assert!(told.contains("why: PCI PIN wants keys made"), "{told}");
    assert!(told.contains("do:  Use a hardware provider"), "{told}");
    for (check, words) in [
        (Check::Readers, "of the training room"),
        (Check::Clock, "last signed event"),
        (Check::Random, "start-up test passed"),
    ] {
        assert!(line(&told, check).contains(words), "{told}");
    }
}

#[test]
fn looking_makes_no_station() {
    let folder = TempDir::new().unwrap();
    let nowhere = folder.path().join("none");
    let (code, told, _) = doctor(&nowhere);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("the machine alone"), "{told}");
    assert!(line(&told, Check::Provider).starts_with("red"));
    line(&told, Check::Network);
    assert!(!nowhere.exists(), "looking changes nothing");
}

#[test]
fn a_station_that_another_window_has_open_is_told_as_such() {
    let folder = stage::folder();
    let open = crate::people::Scene::open(folder.path(), stage::STAFF);
    let (code, _, errors) = doctor(folder.path());
    assert_eq!(code, Some(2), "{errors}");
    assert!(
        errors.contains("Another window has this station open"),
        "{errors}"
    );
    drop(open);
}

/// The folder may be named before the command or behind it; a command that has none
/// refuses it.
#[test]
fn the_folder_counts_wherever_it_is_named() {
    let folder = TempDir::new().unwrap();
    let named = folder.path().join("nowhere");
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_conclave"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let at = named.to_str().unwrap();
    for arguments in [["--station", at, "doctor"], ["doctor", "--station", at]] {
        let (_, said) = run(&arguments);
        assert!(said.contains(&format!("No station in {at}")), "{said}");
    }
    assert!(run(&["doctor"]).1.contains("No station in station"));
    // Practice wants a terminal and makes nothing without one.
    let (code, said) = run(&["--station", at, "practice"]);
    assert!(
        code == Some(1) && said.contains("needs a terminal"),
        "{said}"
    );
    for command in ["selftest", "verify", "inspect"] {
        let (code, said) = run(&["--station", at, command, at]);
        assert!(code == Some(2), "{command}: {said}");
    }
    let (code, said) = run(&["--station", at, "selftest"]);
    assert!(
        code == Some(2) && said.contains("--station is for"),
        "{said}"
    );
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}
