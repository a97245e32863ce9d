//! A compartment with many records is read while they are still added up, and
//! not written before they agree with the signed root.

use std::time::Duration;

use conclave_evidence::GroupId::KeyManagers;
use conclave_keyroom::door::{ActionError, DoorError, Warrant};
use conclave_keyroom::ports::store::{Store, Write};
use conclave_keyroom::vault::engine::SledStore;
use conclave_keyroom::vault::{Compartment, VaultError};

use crate::acts::{Change, Fill, Need};
use crate::room::Room;

/// Just too many to wait for.
const MANY: u32 = 20_001;

/// A station on the real store with many records.
fn full() -> Room {
    let mut room = Room::temporary();
    room.logon_all(&[KeyManagers]);
    for from in (0..MANY).step_by(5000) {
        let fill = Fill {
            from,
            count: (MANY - from).min(5000),
        };
        room.perform(&fill, &Warrant::default()).unwrap();
    }
    room
}

fn change(room: &mut Room) -> Result<(), DoorError> {
    let needs = [Need::Session(KeyManagers)];
    let act = Change::new(Compartment::Catalogue, "x", &needs);
    room.perform(&act, &Warrant::default())
}

/// Until it is added up, or not what was signed.
fn finish(room: &mut Room) -> Result<(), VaultError> {
    while let Some((done, of)) = room.door_mut().adding_up()? {
        assert!(done <= of && of >= u64::from(MANY), "{done} of {of}");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

#[test]
fn many_records_are_read_at_once_and_written_when_they_agree() {
    let mut room = full();
    room.reopen();
    room.logon_all(&[KeyManagers]);
    // By its id a record is there; a list would not be whole yet, and a change
    // could hide one that somebody made before.
    let note = |room: &Room, n: u32| room.vault().get::<u32>(Compartment::Catalogue, Fill::id(n));
    assert_eq!(note(&room, 7).unwrap(), 7);
    let list = room.vault().list::<u32>(Compartment::Catalogue, "note");
    assert!(matches!(list, Err(VaultError::AddingUp(_))), "{list:?}");
    let refused = change(&mut room);
    let adding = |error: &VaultError| matches!(error, VaultError::AddingUp(_));
    assert!(
        match &refused {
            Err(DoorError::Vault(error) | DoorError::Failed(ActionError::Vault(error))) =>
                adding(error),
            _ => false,
        },
        "{refused:?}"
    );
    finish(&mut room).unwrap();
    let list = room.vault().list::<u32>(Compartment::Catalogue, "note");
    assert_eq!(list.unwrap().len(), usize::try_from(MANY).unwrap());
    change(&mut room).unwrap();
    let list = room.vault().list::<String>(Compartment::Catalogue, "note");
    assert!(
        list.is_err(),
        "notes of both forms: the new one is listed too"
    );
    // Logging off while it goes on ends it, and the store is free again.
    room.reopen();
    room.logon_all(&[KeyManagers]);
    room.logout();
    room.reopen();
}

#[test]
fn one_record_among_many_that_is_not_what_was_signed_is_found() {
    let mut room = full();
    room.close();
    let folder = room.folder().to_owned();
    let victim = [b"r/catalogue/".as_slice(), &Fill::id(12_345).0].concat();
    let others = [b"r/catalogue/".as_slice(), &Fill::id(3).0].concat();
    for (what, spoil) in [("gone", false), ("exchanged", true)] {
        {
            let mut store = SledStore::open(&folder).unwrap();
            let other = store.get(&others).unwrap().unwrap();
            store
                .commit(&[match spoil {
                    false => Write::Delete(victim.clone()),
                    true => Write::Put(victim.clone(), other),
                }])
                .unwrap();
        }
        room.reopen();
        room.logon_all(&[KeyManagers]);
        let wrong = finish(&mut room);
        assert!(
            matches!(wrong, Err(VaultError::Root(Compartment::Catalogue))),
            "{what}: {wrong:?}"
        );
        assert!(change(&mut room).is_err(), "{what}");
        room.close();
    }
}
