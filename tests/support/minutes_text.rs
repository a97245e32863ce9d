//! Minutes as a PDF reader sees them.

use std::path::Path;
use std::process::Command;

/// What stands on the newest page of minutes, with one space between words.
pub fn newest(folder: &Path) -> String {
    let all = std::fs::read_dir(folder.join("minutes")).unwrap();
    let pdf = all
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "pdf"))
        .max_by_key(|path| path.metadata().unwrap().modified().unwrap())
        .unwrap();
    let read = Command::new("pdftotext")
        .arg("-layout")
        .arg(pdf)
        .arg("-")
        .output()
        .expect("pdftotext: run ./scripts/test, which installs it");
    let text = String::from_utf8_lossy(&read.stdout).into_owned();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
