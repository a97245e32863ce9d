//! The pages are true where a machine can tell: their pictures are those of
//! the screen tests, their links lead somewhere, the files and commands that
//! they name exist.
//!
//! `CONCLAVE_WRITE_SCREENS=1` brings the pictures up to date.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise
#![allow(missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use conclave_trades::pin::FieldName;

const FENCE: &str = "```text screen=";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn below(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, pages);
        } else if path.extension().is_some_and(|e| e == "md") {
            pages.push(path);
        }
    }
}

fn pages() -> Vec<(PathBuf, String)> {
    let mut paths = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    below(&root().join("docs"), &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

fn picture(name: &str) -> Option<String> {
    fs::read_to_string(root().join("docs/screens").join(format!("{name}.txt"))).ok()
}

/// The page with each picture filled in afresh, and what pictures it shows.
fn redrawn(path: &Path, text: &str) -> (String, Vec<String>) {
    let mut out = String::new();
    let mut shown = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some((indent, name)) = line.split_once(FENCE) else {
            continue;
        };
        let drawn = picture(name)
            .unwrap_or_else(|| panic!("{}: there is no screen {name}", path.display()));
        for row in drawn.trim_end().lines() {
            out.push_str(format!("{indent}{row}").trim_end());
            out.push('\n');
        }
        shown.push(name.to_owned());
        let end = format!("{indent}```");
        let closing = lines
            .by_ref()
            .find(|line| *line == end)
            .unwrap_or_else(|| panic!("{}: the picture {name} has no end", path.display()));
        out.push_str(closing);
        out.push('\n');
    }
    (out, shown)
}

#[test]
fn pictures_are_those_of_the_screen_tests() {
    let mut shown = BTreeSet::new();
    for (path, text) in pages() {
        let (fresh, names) = redrawn(&path, &text);
        shown.extend(names);
        if fresh == text {
            continue;
        }
        if std::env::var_os("CONCLAVE_WRITE_SCREENS").is_some() {
            fs::write(&path, fresh).unwrap();
        } else {
            panic!(
                "{}: a picture is not the screen's; CONCLAVE_WRITE_SCREENS=1 cargo test --test docs",
                path.display()
            );
        }
    }
    assert!(shown.len() > 10, "only {shown:?}");
}

/// Anchors of a page's headings, as code hosts make them.
fn anchors(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let mut count = 0;
    for (path, text) in pages() {
        for rest in text.split("](").skip(1) {
            let target = rest.split(')').next().unwrap();
            if target.contains("://") {
                continue;
            }
            count += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(file)
            };
            assert!(to.exists(), "{}: {target} leads nowhere", path.display());
            if !anchor.is_empty() {
                let there = fs::read_to_string(&to).unwrap();
                assert!(
                    anchors(&there).contains(anchor),
                    "{}: {target} has no such heading",
                    path.display()
                );
            }
        }
    }
    assert!(count > 20, "only {count} links were found");
}

/// What stands between backquotes and looks like a path of the repository.
fn named_paths(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|code| {
        let first = code.split('/').next().unwrap_or_default();
        code.contains('/')
            && !code.contains([' ', '*', '\n', '{'])
            && matches!(
                first,
                "src"
                    | "tests"
                    | "templates"
                    | "keymailer-layouts"
                    | "benches"
                    | "docs"
                    | "scripts"
            )
    })
}

#[test]
fn named_files_exist() {
    let mut count = 0;
    for (path, text) in pages() {
        // Fenced blocks have their own backquotes.
        let text = text.replace("```", "");
        for name in named_paths(&text) {
            count += 1;
            // A test is named as file and function.
            let name = name.split("::").next().unwrap();
            assert!(
                root().join(name).exists(),
                "{}: {name} does not exist",
                path.display()
            );
        }
    }
    assert!(count > 15, "only {count} files were named");
}

#[test]
fn commands_of_the_pages_are_commands_of_the_program() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_conclave"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for (path, text) in pages() {
        for start in ["./scripts/run ", "\nconclave ", "`conclave "] {
            for rest in text.split(start).skip(1) {
                let word = rest
                    .split(|c: char| !(c.is_ascii_lowercase() || c == '-'))
                    .next()
                    .unwrap();
                if word.is_empty() || word.starts_with('-') {
                    continue;
                }
                assert!(
                    help.lines().any(|l| l.trim_start().starts_with(word)),
                    "{}: conclave {word} is no command",
                    path.display()
                );
            }
        }
    }
}

/// Looks for a test that a page names as `file::function`: it is there, is a
/// test, and is run.
fn assert_is_test(name: &str) {
    let (file, function) = name.split_once("::").unwrap();
    let text = fs::read_to_string(root().join(file)).unwrap_or_else(|_| panic!("no {file}"));
    let (before, _) = text
        .split_once(&format!("fn {function}("))
        .unwrap_or_else(|| panic!("{file} has no {function}"));
    // What stands between the function before and this one.
    let attributes = before.rsplit("}\n").next().unwrap();
    assert!(attributes.contains("#[test]"), "{name} is no test");
    assert!(!attributes.contains("#[ignore"), "{name} is not run");
}

/// The cells of a page's table rows.
fn rows(page: &str) -> Vec<Vec<String>> {
    page.lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| {
            let cells = line.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

/// The scenarios that the page answers, each once.
const SCENARIOS: [&str; 30] = [
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17",
    "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30",
];

/// Whoever writes a template finds each field that there is on the page.
#[test]
fn every_field_of_a_file_of_cards_is_described() {
    let page = fs::read_to_string(root().join("docs/pin-batches.md")).unwrap();
    for name in FieldName::ALL {
        let name = name.words();
        let one = name.starts_with("address") && page.contains("| `address1` to `address4` |");
        assert!(one || page.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn tests_that_the_scenarios_name_are_there() {
    let page = fs::read_to_string(root().join("docs/scenarios.md")).unwrap();
    let mut numbers = Vec::new();
    for row in rows(&page) {
        if row[0].parse::<u8>().is_err() {
            continue;
        }
        let named: Vec<&str> = row[3].split('`').filter(|w| w.contains("::")).collect();
        assert!(!named.is_empty(), "scenario {} has no test", row[0]);
        named.into_iter().for_each(assert_is_test);
        numbers.push(row[0].clone());
    }
    assert_eq!(numbers, SCENARIOS);
}

#[test]
fn every_threat_names_a_test() {
    let page = fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let threats: Vec<Vec<String>> = rows(&page).split_off(1);
    assert!(threats.len() > 25, "{}", threats.len());
    for row in threats {
        let named: Vec<&str> = row[2]
            .split('`')
            .filter(|word| word.starts_with("tests/") || word.contains("::"))
            .collect();
        assert!(!named.is_empty(), "{} names no test", row[0]);
        for name in named {
            match name.contains("::") {
                true => assert_is_test(name),
                false => assert!(root().join(name).exists(), "no {name}"),
            }
        }
    }
}
