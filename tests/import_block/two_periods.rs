//! A key-encryption key whose template gives the recipient a usage period of its own
//! (R21): what a partner made under it comes in after it has stopped wrapping.

use std::path::Path;
use std::sync::Arc;

use conclave_keyroom::ports::clock::Clock;
use conclave_station::compose::random_source;
use conclave_station::host::clock::SystemClock;

use crate::people::Scene;
use crate::stage::{STAFF, folder, scene};
use crate::{ZMK, case, enter_zmk, import, told};

const HOUR_MS: u64 = 3_600_000;

/// The system's clock, so many hours ahead.
struct Ahead(SystemClock, u64);

impl Clock for Ahead {
    fn wall_ms(&self) -> u64 {
        self.0.wall_ms() + self.1 * HOUR_MS
    }

    fn mono_ms(&self) -> u64 {
        self.0.mono_ms() + self.1 * HOUR_MS
    }
}

fn after(folder: &Path, hours: u64) -> Scene {
    let clock = Arc::new(Ahead(SystemClock::default(), hours));
    let mut scene = Scene::open_at(folder, STAFF, random_source().unwrap(), clock);
    scene.people.serial = 5000;
    scene.logon_both();
    scene
}

/// State, tasks and page of the wrapping key.
fn shown(scene: &Scene) -> (String, String, String) {
    let lists = scene.station.lists();
    let row = lists.keys.get(lists.keys.find(ZMK).unwrap()).unwrap();
    let page = scene
        .station
        .key_detail(&row.label, row.id.unwrap())
        .join("\n");
    (row.state, format!("{:?}", lists.tasks), page)
}

#[test]
fn a_late_block_comes_in_under_a_key_that_wraps_no_more() {
    let folder = folder();
    let keys = folder.path().join("keys");
    std::fs::create_dir_all(&keys).unwrap();
    let text = std::fs::read_to_string("templates/keys/zmk-aes256.toml").unwrap();
    let text = text
        .replace("name = \"zmk-aes256\"", "name = \"zmk-aes256-late\"")
        .replace(
            "cryptoperiod_days = 730",
            "cryptoperiod_days = 1\nrecipient_days = 2",
        );
    std::fs::write(keys.join("zmk-aes256-late.toml"), text).unwrap();
    let (_, [profile, template, value, block]) = case(Path::new("tests/imports/good-strict.txt"));
    {
        let mut scene = scene(&folder);
        enter_zmk(
            &mut scene,
            "zmk-aes256-late",
            &(1..=32).collect::<Vec<u8>>(),
        );
        let (state, tasks, page) = shown(&scene);
        assert_eq!(state, "active");
        for part in [
            "makes nothing new after ",
            "opens what came under it until ",
        ] {
            assert!(
                tasks.contains(part) && page.contains(part),
                "{tasks}\n{page}"
            );
        }
        scene.station.logout("logged out").unwrap();
    }
    // The originator's period is over.
    let mut late = after(folder.path(), 36);
    assert_eq!(shown(&late).0, "process only");
    // Nothing leaves under it: it is not offered, and no key is made for nothing.
    let ended = late.working("BANK-LAKE.ZPK.001", "zpk-aes128", ZMK);
    let words = format!("{ended:?}");
    assert!(words.contains("is over"), "{words}");
    assert_ne!(
        late.key_state("BANK-LAKE.ZPK.001").as_deref(),
        Some("active")
    );
    let title = import(&mut late, &template, &profile, &value, &block);
    assert!(title.ends_with("done"), "{title}: {}", told(&late));
    late.station.logout("logged out").unwrap();
    drop(late);
    // And the recipient's.
    let mut over = after(folder.path(), 73);
    assert_eq!(shown(&over).0, "active");
    let id = over
        .station
        .keys()
        .iter()
        .find(|k| k.label == ZMK)
        .unwrap()
        .id;
    let fields = [
        "typed below",
        "",
        block.as_str(),
        "",
        "usual for the cipher",
    ];
    over.people.form("check-file", &fields);
    let refused = over.station.check_file(id, &mut over.people).unwrap_err();
    let words = format!("{refused:?}");
    assert!(words.contains("cryptoperiod"), "{words}");
}
