//! A furnished station that each test gets a copy of.

#![allow(dead_code, reason = "each test file takes what it needs")]

use std::path::Path;
use std::sync::OnceLock;

use crate::people::{Scene, Staff};
use conclave_training::printer::TrainingPrinters;
use tempfile::TempDir;

pub const STAFF: Staff = &[
    ("Ada", "Zoe", "Administrators, Approvers"),
    ("Ben", "Zoe", "Administrators, Approvers"),
    ("Cat", "Zoe", "Administrators, Approvers"),
    ("Dan", "Yan", "Key managers"),
    ("Eva", "Yan", "Key managers"),
    ("Fay", "Yan", "Key managers"),
    ("Gus", "Xia", "Custodians A"),
    ("Hal", "Wim", "Custodians B"),
    ("Ida", "Val", "Custodians C"),
    ("Jim", "Uwe", "Auditors"),
    ("Kim", "Uwe", "Auditors"),
    ("Lea", "Tom", "Recovery"),
    ("Max", "Tom", "Recovery"),
    ("Ned", "Tom", "Recovery"),
];

/// The same, with the PIN room's people after them.
pub const PIN_STAFF: Staff = &[
    STAFF[0],
    STAFF[1],
    STAFF[2],
    STAFF[3],
    STAFF[4],
    STAFF[5],
    STAFF[6],
    STAFF[7],
    STAFF[8],
    STAFF[9],
    STAFF[10],
    STAFF[11],
    STAFF[12],
    STAFF[13],
    ("Olga", "Sid", "PIN operators"),
    ("Pavel", "Sid", "PIN operators"),
    ("Quinn", "Roy", "PIN supervisors"),
    ("Rosa", "Roy", "PIN supervisors"),
];

/// The quorums of a station with a PIN room, in the order of the form.
pub const PIN_QUORUMS: [&str; 10] = [
    "2 of 3", "2 of 3", "2 of 3", "1 of 1", "1 of 1", "1 of 1", "2 of 2", "2 of 3", "1 of 2",
    "1 of 2",
];

/// Founds a station with a PIN room, and enrols its devices.
pub fn furnish_with_pin_room(scene: &mut Scene) {
    scene.people.form("init.groups", &PIN_QUORUMS);
    scene.furnish();
}

/// Copies a folder.
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

/// A copy of a furnished station.
pub fn folder() -> TempDir {
    static BASE: OnceLock<TempDir> = OnceLock::new();
    let base = BASE.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        Scene::open(folder.path(), STAFF).furnish();
        folder
    });
    let folder = TempDir::new().unwrap();
    copy(base.path(), folder.path());
    folder
}

/// The station there, with both groups of a ceremony logged on.
pub fn scene(folder: &TempDir) -> Scene {
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.logon_both();
    scene
}

/// The sheets that lie in the printer.
pub fn sheets(scene: &Scene) -> usize {
    sheets_in(&scene.room.printers)
}

/// The sheets that lie in the first of these printers.
pub fn sheets_in(printers: &TrainingPrinters) -> usize {
    let bytes = printers.0[0].bytes();
    let value = b"COMPONENT VALUE";
    bytes
        .expose()
        .windows(value.len())
        .filter(|w| w == value)
        .count()
}
