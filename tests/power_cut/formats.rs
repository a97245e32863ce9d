//! A repository of the first format that this program brings up at its start,
//! and what must be left of it.

use std::path::{Path, PathBuf};

use conclave_keyroom::ports::store::{Store, Write};
use conclave_keyroom::vault::engine::SledStore;
use conclave_keyroom::vault::format::{FORMAT, format_of};

use crate::ceremony::{self, aside};
use crate::people::{Scene, done};
use crate::recording::{BESIDE, FOLDER, Recording};
use crate::stage::STAFF;

const KEY: &str = "BANK-LAKE.ZMK.001";
/// Where a repository says its format; one of the first says nothing.
const PLACE: &[u8] = b"v";

fn repository(station: &Path) -> SledStore {
    SledStore::open(&station.join("repository")).unwrap()
}

/// A station with a key, as an older program left it.
pub fn prepare(folder: &Path, beside: &Path) {
    ceremony::prepare(folder, beside);
    let station = folder.join("station");
    let mut scene = Scene::open(&station, STAFF);
    scene.logon_both();
    done(scene.zmk(KEY, "zmk-aes128", "2"));
    scene.station.logout("logged out").unwrap();
    drop(scene);
    let mut store = repository(&station);
    store.commit(&[Write::Delete(PLACE.to_vec())]).unwrap();
    assert_eq!(format_of(&store).unwrap(), 1);
}

/// What is recorded: the first start of the newer program, and a logon.
#[test]
#[ignore = "run by the test that cuts its power"]
fn work() {
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let beside = PathBuf::from(std::env::var(BESIDE).unwrap());
    aside(&beside, "before");
    let mut scene = Scene::open(&folder.join("station"), STAFF);
    aside(&beside, "brought up");
    scene.logon_both();
    aside(&beside, "logged on");
    std::process::exit(0);
}

/// The repository is of the one format or the other, and of the newer once that was
/// acknowledged; the next start ends it, and the key is there.
pub fn check(recording: &Recording, cut: usize, folder: &Path) -> Result<String, String> {
    let said = recording.said(cut);
    let at = said.len() - 1;
    let last = said[at];
    ceremony::lay_back(recording, at);
    let station = folder.join("station");
    let found = format_of(&repository(&station)).map_err(|why| format!("{last}: {why}"))?;
    if found != FORMAT && (found != 1 || last != "before") {
        return Err(format!("{last}, and it is of format {found}"));
    }
    let mut scene = Scene::open(&station, STAFF);
    scene.people.serial = 600;
    scene.logon_both();
    if !scene.station.keys().iter().any(|key| key.label == KEY) {
        return Err(format!("{last}: the key is gone"));
    }
    drop(scene);
    match format_of(&repository(&station)) {
        Ok(FORMAT) => Ok(format!("{last}: it was of format {found}")),
        other => Err(format!("{last}: {other:?} after the next start")),
    }
}
