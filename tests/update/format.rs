//! The repository's format: a newer one is refused, an older one is brought up,
//! whatever the power does.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use conclave_keyroom::ports::store::{Pair, Store, StoreError, Write};
use conclave_keyroom::vault::VaultError;
use conclave_keyroom::vault::engine::SledStore;
use conclave_keyroom::vault::format::{FORMAT, Step, bring_up, format_of, mark_of};

use conclave_station::service::ActEnd;

use crate::people::{Scene, done};
use crate::stage::STAFF;
use crate::{GOOD, Made, install, room, with_letter};

/// A store in memory whose power goes before a commit.
#[derive(Clone, Default)]
struct Cut {
    content: BTreeMap<Vec<u8>, Vec<u8>>,
    commits: usize,
    most: usize,
}

impl Store for Cut {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.content.get(key).cloned())
    }

    fn scan(
        &self,
        prefix: &[u8],
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        let below = self
            .content
            .iter()
            .filter(|(key, _)| key.starts_with(prefix));
        below.take_while(|(key, value)| each(key, value)).count();
        Ok(())
    }

    fn last(&self, prefix: &[u8]) -> Result<Option<Pair>, StoreError> {
        let below = self
            .content
            .iter()
            .rev()
            .find(|(key, _)| key.starts_with(prefix));
        Ok(below.map(|(key, value)| (key.clone(), value.clone())))
    }

    fn commit(&mut self, batch: &[Write]) -> Result<(), StoreError> {
        self.commits += 1;
        if self.commits > self.most {
            return Err(StoreError::Io("the power is gone".into()));
        }
        for write in batch {
            match write {
                Write::Put(key, value) => _ = self.content.insert(key.clone(), value.clone()),
                Write::Delete(key) => _ = self.content.remove(key),
            }
        }
        Ok(())
    }
}

/// Formats to come, for the test: names move, one value at a time.
fn moves(store: &dyn Store, from: &str, to: &str) -> Result<Vec<Write>, VaultError> {
    let mut writes = Vec::new();
    store.scan(from.as_bytes(), &mut |key, value| {
        let new = [to.as_bytes(), &key[from.len()..]].concat();
        writes.push(Write::Delete(key.to_vec()));
        writes.push(Write::Put(new, value.to_vec()));
        true
    })?;
    Ok(writes)
}

const STEPS: [Step; 2] = [
    |store| moves(store, "old/", "new/"),
    |store| moves(store, "new/", "newest/"),
];

#[test]
fn an_older_repository_is_brought_up_whatever_the_power_does() {
    let old: BTreeMap<Vec<u8>, Vec<u8>> = (0..5u8)
        .map(|n| (format!("old/{n}").into_bytes(), vec![n]))
        .collect();
    for most in 0..=2 {
        let mut store = Cut {
            content: old.clone(),
            commits: 0,
            most,
        };
        let done = bring_up(&mut store, &STEPS);
        assert_eq!(done.is_ok(), most == 2);
        // Whole, under one name or the other.
        assert_eq!(format_of(&store).unwrap(), 1 + u32::try_from(most).unwrap());
        let name = ["old/", "new/", "newest/"][most];
        let here = store
            .content
            .keys()
            .filter(|key| key.starts_with(name.as_bytes()));
        assert_eq!(here.count(), 5);
        // The next start ends it, and the one after that does nothing.
        (store.commits, store.most) = (0, 9);
        bring_up(&mut store, &STEPS).unwrap();
        assert_eq!(format_of(&store).unwrap(), 3);
        assert_eq!(store.content.len(), 6);
        let after = store.commits;
        bring_up(&mut store, &STEPS).unwrap();
        assert_eq!(store.commits, after);
    }
}

#[test]
fn a_newer_repository_is_refused_and_not_touched() {
    let folder = crate::folder();
    let repository = folder.path().join("repository");
    let newer = mark_of(FORMAT + 1).unwrap();
    {
        let mut store = SledStore::open(&repository).unwrap();
        assert_eq!(format_of(&store).unwrap(), FORMAT);
        let mark = Write::Put(b"v".to_vec(), newer.clone());
        store.commit(&[mark]).unwrap();
    }
    let config = conclave_station::config::Config::read(folder.path());
    drop(config);
    let blank = std::sync::Arc::new(|_: bool| {});
    let Err(error) = conclave_station::compose::open(folder.path(), blank) else {
        panic!("it opened")
    };
    let words = format!("{error}. {}", error.advice());
    assert!(words.contains("written by a newer program"), "{words}");
    assert!(words.contains("Start the newer program"), "{words}");
    let store = SledStore::open(&repository).unwrap();
    assert_eq!(store.get(b"v").unwrap(), Some(newer));
    // What is no format is none of the first, and a flipped bit is no newer program.
    let mut damaged: Vec<Vec<u8>> = [&b""[..], b"\x01", b"\x03", b"\x18\x02", b"\x61v"]
        .map(<[u8]>::to_vec)
        .into();
    for format in FORMAT..FORMAT + 3 {
        let mark = mark_of(format).unwrap();
        damaged.extend((0..mark.len() * 8).map(|bit| {
            let mut flipped = mark.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        }));
        damaged.push(mark[..mark.len() - 1].to_vec());
    }
    for wrong in damaged {
        let mut store = Cut {
            most: 9,
            ..Cut::default()
        };
        store.content.insert(b"v".to_vec(), wrong.clone());
        let refused = bring_up(&mut store, &STEPS);
        assert!(
            matches!(refused, Err(VaultError::Malformed(_))),
            "{wrong:?}"
        );
        assert_eq!(store.commits, 0);
    }
}

/// Going back stops where the former program would not know the repository.
#[test]
fn a_former_program_that_does_not_know_the_format_does_not_stand_again() {
    let (folder, mut scene, release, programs) = room();
    // The former one came with a manifest, and says what it knows.
    let mut made = Made::new(&release, [0, 0, 9], GOOD);
    made.update.format = 0;
    let former = programs.join("0.0.9");
    fs::create_dir_all(&former).unwrap();
    for (name, bytes) in &made.files {
        fs::write(former.join(name), bytes).unwrap();
    }
    let manifest = made.sign(&release).to_file().unwrap();
    fs::write(former.join("update.cbor"), manifest).unwrap();
    symlink("0.0.9", programs.join("former")).unwrap();
    let refused = scene.station.roll_back(&mut scene.people).unwrap_err();
    assert!(refused.happened.contains("knows up to 0"), "{refused:?}");
    assert!(refused.advice.contains("Restore the backup"), "{refused:?}");
    assert_eq!(
        crate::leads(&programs, "current").as_deref(),
        Some(conclave_trades::update::VERSION)
    );
    drop(scene);
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.logon(conclave_evidence::GroupId::Administrators);
    done(scene.station.make_backup(&mut scene.people));
}

/// An update after whose first start there is no way back says so before anybody signs,
/// in the journal, and at its end.
#[test]
fn an_update_that_brings_a_newer_format_says_that_there_is_no_way_back() {
    let (folder, mut scene, release, _programs) = room();
    let stick = scene.room.stick.folder();
    let mut made = Made::new(&release, [0, 2, 0], GOOD);
    made.update.format = FORMAT + 1;
    made.put(&release, &stick);
    with_letter(&mut scene, &made.sign(&release));
    let ended = install(&mut scene).unwrap();
    let ActEnd::Done { lines, .. } = ended else {
        panic!("{ended:?}");
    };
    let words = format!("brings the repository to format {}", FORMAT + 1);
    let told = lines.join(" ");
    assert!(told.contains(&words) && !told.contains("Go back"), "{told}");
    let vault = scene.station.door().vault();
    let minutes = crate::filed_minutes::only(folder.path(), "update", vault);
    // As both signed it.
    assert!(
        minutes.script.contains("brings the repository"),
        "{}",
        minutes.script
    );
}
