//! A key released to the PIN room: what it opens to, for whom, and until when.

use std::path::{Path, PathBuf};
use std::process::Command;

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId::{
    self, Administrators, Approvers, KeyManagers, PinOperators, PinSupervisors, Recovery,
};
use conclave_evidence::{Id, Point};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, KeySource, KeyState};
use conclave_keyroom::domain::pin_key::{PinKey, PinUse};
use conclave_keyroom::door::{Action, ActionError, Authority, DoorError, Permit, Warrant};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::genesis::{PIN_ROOM_KEY, PIN_ROOM_PUBLIC};
use conclave_keyroom::vault::{Compartment, VaultError};
use conclave_trades::ceremony::action::check_value;
use conclave_trades::keys::{DestroyKey, ReleasePinKey, WithdrawPinKey};
use conclave_trades::pin::open_key;
use conclave_trades::target::KeyName;
use serde::{Deserialize, Serialize};

use crate::decode;
use crate::reborn::begin_anew;
use crate::room::{Room, START_MS};

/// A key that everybody knows, which only a TEST station takes.
const CLEAR: [u8; 16] = 0x0123_4567_89AB_CDEF_FEDC_BA98_7654_3210_u128.to_be_bytes();
const DAY_MS: u64 = 86_400_000;
const BOTH: [(&str, GroupId); 4] = [
    ("Dora", KeyManagers),
    ("Emil", KeyManagers),
    ("Ada", Approvers),
    ("Ben", Approvers),
];

/// Puts a key into the repository, as a ceremony would.
#[derive(Clone, Serialize, Deserialize)]
struct Plant {
    key: Id,
    label: String,
    usage: String,
    mode: String,
    exportability: String,
}

impl Action for Plant {
    const NAME: &'static str = "plant";
    type Out = KeyRecord;

    fn authority(&self) -> Authority {
        let both = [KeyManagers, Approvers].map(Authority::Session);
        Authority::All(both.into())
    }

    fn words(&self) -> Vec<String> {
        vec!["plant a key".into()]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<KeyRecord, ActionError> {
        let now = permit.now_ms();
        let (provider, mark, random) = permit.provider();
        let clear = Secret::take(&mut CLEAR.to_vec());
        let made = provider.store_imported(&mark, self.key, KeyForm::Tdes2, clear, random)?;
        let record = KeyRecord {
            id: self.key,
            label: self.label.clone(),
            form: KeyForm::Tdes2,
            usage: self.usage.clone(),
            mode_of_use: self.mode.clone(),
            exportability: self.exportability.clone(),
            template: "test v1".into(),
            kcv: check_value(&made.kcv),
            state: KeyState::Active,
            provider: "test".into(),
            ceremony: Id([3; 16]),
            created_ms: now,
            expires_ms: now + 100 * DAY_MS,
            recipient_until_ms: None,
            wrapping: None,
            components: Vec::new(),
            source: KeySource::Here,
            rsa: None,
            successor: None,
            exports: Vec::new(),
            begun_under: std::collections::BTreeSet::new(),
            others: Vec::new(),
            reissued: None,
            compromise: None,
        };
        permit.put(Compartment::Catalogue, KeyRecord::KIND, self.key, &record)?;
        permit.put(
            Compartment::Keys,
            KeyRecord::VALUE_KIND,
            self.key,
            &made.stored,
        )?;
        Ok(record)
    }
}

/// Opens a released key and says whether it is the one.
#[derive(Clone, Serialize, Deserialize)]
struct Use {
    key: Id,
    pin_use: PinUse,
    session: GroupId,
}

impl Action for Use {
    const NAME: &'static str = "use";
    type Out = bool;

    fn authority(&self) -> Authority {
        Authority::Session(self.session)
    }

    fn words(&self) -> Vec<String> {
        vec!["use a key".into()]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<bool, ActionError> {
        let clear = open_key(permit, self.key, self.pin_use)?;
        Ok(clear.expose() == CLEAR)
    }
}

/// Writes a record of the PIN room's keys as a hostile program would.
#[derive(Clone, Serialize, Deserialize)]
struct Forge(PinKey);

impl Action for Forge {
    const NAME: &'static str = "forge";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Session(KeyManagers)
    }

    fn words(&self) -> Vec<String> {
        Vec::new()
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let id = PinKey::id_of(self.0.released.key);
        Ok(permit.put(Compartment::Catalogue, PinKey::KIND, id, &self.0)?)
    }
}

fn planted(room: &mut Room, number: u8, use_of: (&str, &str, &str)) -> KeyRecord {
    room.logon_all(&[KeyManagers, Approvers]);
    let plant = Plant {
        key: Id([number; 16]),
        label: format!("BANK-LAKE.PIN.{number:03}"),
        usage: use_of.0.into(),
        mode: use_of.1.into(),
        exportability: use_of.2.into(),
    };
    room.perform(&plant, &Warrant::default()).unwrap()
}

fn release(room: &Room, key: &KeyRecord, pin_use: PinUse, days: u32) -> ReleasePinKey {
    ReleasePinKey {
        key: KeyName::of(key),
        pin_use,
        issuer: "BANK-LAKE".into(),
        room: room
            .vault()
            .get(Compartment::Directory, PIN_ROOM_PUBLIC)
            .unwrap(),
        days,
    }
}

fn try_use(room: &mut Room, key: Id, pin_use: PinUse) -> Result<bool, String> {
    let act = Use {
        key,
        pin_use,
        session: PinOperators,
    };
    room.perform(&act, &Warrant::default())
        .map_err(|e| e.to_string())
}

const PVK: (&str, &str, &str) = ("V2", "C", "E");

/// A station whose PIN room has a PVK.
fn with_pvk() -> (Room, KeyRecord) {
    let mut room = Room::with_pin_room();
    let key = planted(&mut room, 9, PVK);
    let act = release(&room, &key, PinUse::Pvv, 31);
    let until = room.perform_with(&act, &BOTH).unwrap();
    assert_eq!(until, START_MS + 31 * DAY_MS);
    room.logout();
    (room, key)
}

#[test]
fn the_pair_opens_what_both_quorums_released_for_its_one_use() {
    let (mut room, key) = with_pvk();
    room.logon_pin_room();
    assert_eq!(try_use(&mut room, key.id, PinUse::Pvv), Ok(true));
    for other in PinUse::ALL
        .into_iter()
        .filter(|other| *other != PinUse::Pvv)
    {
        let refused = try_use(&mut room, key.id, other).unwrap_err();
        assert!(refused.contains("nothing else"), "{other:?}: {refused}");
    }
    let refused = try_use(&mut room, Id([8; 16]), PinUse::Pvv).unwrap_err();
    assert!(refused.contains("never released"), "{refused}");
    // The pair has no key but this: the keys themselves stay closed.
    let keys = room.vault().check_record(Compartment::Keys, key.id);
    assert!(matches!(keys, Err(VaultError::Closed(Compartment::Keys))));
    room.logout();
    // And those who released it cannot open what they sealed.
    room.logon_all(&[KeyManagers, Approvers]);
    let act = Use {
        key: key.id,
        pin_use: PinUse::Pvv,
        session: KeyManagers,
    };
    let refused = room.perform(&act, &Warrant::default()).unwrap_err();
    assert!(refused.to_string().contains("pins"), "{refused}");
}

#[test]
fn only_keys_of_the_pin_room_are_released_and_only_for_what_their_usage_says() {
    let mut room = Room::with_pin_room();
    for (number, use_of, pin_use) in [
        (10, ("V1", "C", "E"), PinUse::Ibm3624),
        (11, ("C0", "C", "E"), PinUse::Cvv),
        (12, ("P0", "B", "E"), PinUse::ZonePin),
        (13, ("P0", "D", "N"), PinUse::PinPrint),
    ] {
        let key = planted(&mut room, number, use_of);
        let act = release(&room, &key, pin_use, 400);
        assert!(room.perform_with(&act, &BOTH).is_err(), "too many days");
        let act = release(&room, &key, pin_use, 200);
        let until = room.perform_with(&act, &BOTH).unwrap();
        assert_eq!(until, key.expires_ms, "not beyond the key's own end");
        let wrong = release(&room, &key, PinUse::Pvv, 31);
        let refused = room.perform_with(&wrong, &BOTH).unwrap_err();
        assert!(refused.to_string().contains("another use"), "{refused}");
        room.logout();
        room.logon_pin_room();
        assert_eq!(try_use(&mut room, key.id, pin_use), Ok(true));
        room.logout();
    }
    for (number, use_of) in [
        (20, ("K0", "B", "E")),
        (21, ("D0", "B", "E")),
        (22, ("V2", "V", "E")),
        (23, ("P0", "D", "E")),
        (24, ("B0", "X", "E")),
    ] {
        let key = planted(&mut room, number, use_of);
        let act = release(&room, &key, PinUse::PinPrint, 31);
        let refused = room.perform_with(&act, &BOTH).unwrap_err();
        assert!(refused.to_string().contains("nothing with it"), "{refused}");
    }
    // To another point than the room's own, or where there is no room.
    let key = planted(&mut room, 9, PVK);
    let act = ReleasePinKey {
        room: Point([4; 65]),
        ..release(&room, &key, PinUse::Pvv, 31)
    };
    let refused = room.perform_with(&act, &BOTH).unwrap_err();
    assert!(
        refused.to_string().contains("another public key"),
        "{refused}"
    );
    let mut bare = Room::in_memory();
    let key = planted(&mut bare, 9, PVK);
    let act = ReleasePinKey {
        room: bare.vault().authority().unwrap().station_key,
        key: KeyName::of(&key),
        pin_use: PinUse::Pvv,
        issuer: "BANK-LAKE".into(),
        days: 31,
    };
    let refused = bare.perform_with(&act, &BOTH).unwrap_err();
    assert!(refused.to_string().contains("no PIN room"), "{refused}");
}

#[test]
fn a_released_key_ends_by_time_by_withdrawal_and_with_the_key() {
    let (mut room, key) = with_pvk();
    room.clock.set(START_MS + 31 * DAY_MS);
    room.logon_pin_room();
    let refused = try_use(&mut room, key.id, PinUse::Pvv).unwrap_err();
    assert!(refused.contains("expired"), "{refused}");

    let (mut room, key) = with_pvk();
    room.logon_all(&[KeyManagers]);
    let act = WithdrawPinKey {
        key: KeyName::of(&key),
        reason: "the batch is printed".into(),
    };
    room.perform_with(&act, &BOTH[..2]).unwrap();
    assert!(
        room.perform_with(&act, &BOTH[..2]).is_err(),
        "a second time"
    );
    let entry: PinKey = room
        .vault()
        .get(Compartment::Catalogue, PinKey::id_of(key.id))
        .unwrap();
    assert_eq!(entry.sealed, None, "the value is gone");
    room.logout();
    room.logon_pin_room();
    let refused = try_use(&mut room, key.id, PinUse::Pvv).unwrap_err();
    assert!(refused.contains("withdrawn"), "{refused}");

    let (mut room, key) = with_pvk();
    room.logon_all(&[KeyManagers, Approvers]);
    let act = DestroyKey {
        key: KeyName::of(&key),
        reason: "its life is over".into(),
    };
    room.perform_with(&act, &BOTH).unwrap();
    room.logout();
    room.logon_pin_room();
    let refused = try_use(&mut room, key.id, PinUse::Pvv).unwrap_err();
    assert!(refused.contains("withdrawn"), "{refused}");
}

/// A restore brings back what was withdrawn since the backup: it stays void until
/// both quorums release it again.
#[test]
fn a_key_of_before_a_restore_is_released_anew() {
    let (mut room, key) = with_pvk();
    begin_anew(&mut room, 9, START_MS);
    room.logon_pin_room();
    let refused = try_use(&mut room, key.id, PinUse::Pvv).unwrap_err();
    assert!(refused.contains("before the restore"), "{refused}");
    room.logout();
    // Who sets the incarnation alone breaks the signature.
    room.logon_all(&[KeyManagers]);
    let id = PinKey::id_of(key.id);
    let mut entry: PinKey = room.vault().get(Compartment::Catalogue, id).unwrap();
    entry.released.incarnation = Id([9; 16]);
    room.perform(&Forge(entry), &Warrant::default()).unwrap();
    room.logout();
    room.logon_pin_room();
    let refused = try_use(&mut room, key.id, PinUse::Pvv).unwrap_err();
    assert!(refused.contains("not signed"), "{refused}");
    room.logout();
    room.logon_all(&[KeyManagers, Approvers]);
    let act = release(&room, &key, PinUse::Pvv, 31);
    room.perform_with(&act, &BOTH).unwrap();
    room.logout();
    room.logon_pin_room();
    assert_eq!(try_use(&mut room, key.id, PinUse::Pvv), Ok(true));
}

#[test]
fn what_one_quorum_writes_alone_is_not_opened() {
    let (mut room, key) = with_pvk();
    let id = PinKey::id_of(key.id);
    room.logon_all(&[KeyManagers]);
    let good: PinKey = room.vault().get(Compartment::Catalogue, id).unwrap();
    let mut forged: Vec<(&str, PinKey)> = Vec::new();
    let mut longer = good.clone();
    longer.released.until_ms += DAY_MS;
    forged.push(("a longer time", longer));
    let mut other = good.clone();
    other.sealed.as_mut().unwrap().signature.0[63] ^= 1;
    forged.push(("another signature", other));
    // Anybody can seal to the room's public key: the signature says who did.
    let mut sealed = good.clone();
    sealed.sealed.as_mut().unwrap().body.0[0] ^= 1;
    forged.push(("another value", sealed));
    let mut named = good.clone();
    named.released.act = Id([1; 16]);
    forged.push(("another act", named));
    for (what, entry) in forged {
        room.logon_all(&[KeyManagers]);
        room.perform(&Forge(entry), &Warrant::default()).unwrap();
        room.logout();
        room.logon_pin_room();
        let refused = try_use(&mut room, key.id, PinUse::Pvv).unwrap_err();
        assert!(refused.contains("not signed"), "{what}: {refused}");
        room.logout();
    }
    room.logon_all(&[KeyManagers]);
    room.perform(&Forge(good), &Warrant::default()).unwrap();
    room.logout();
    room.logon_pin_room();
    assert_eq!(try_use(&mut room, key.id, PinUse::Pvv), Ok(true));
}

#[test]
fn one_quorum_releases_nothing_and_administrators_neither() {
    let mut room = Room::with_pin_room();
    let key = planted(&mut room, 9, PVK);
    let act = release(&room, &key, PinUse::Pvv, 31);
    for signers in [&BOTH[..2], &BOTH[2..], &BOTH[..3], &[]] {
        let refused = room.perform_with(&act, signers);
        assert!(matches!(refused, Err(DoorError::Refused(_))), "{refused:?}");
    }
    room.logon_all(&[Administrators]);
    let admins = [("Ada", Administrators), ("Ben", Administrators)];
    assert!(room.perform_with(&act, &admins).is_err());
    assert!(
        room.vault()
            .check_record(Compartment::Catalogue, PinKey::id_of(key.id))
            .is_err()
    );
    room.logon_all(&[Recovery]);
    room.logon_pin_room();
    let both = [("Olga", PinOperators), ("Quinn", PinSupervisors)];
    assert!(
        room.perform_with(&act, &both).is_err(),
        "nor the room itself"
    );
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .find(|folder| folder.join("Cargo.lock").exists())
        .unwrap()
        .to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The whole way from two cards to the key, walked by another program after
/// the page.
#[test]
fn another_language_opens_a_released_key_from_the_cards_on() {
    let (room, key) = with_pvk();
    let content = room.memory().content();
    let record = decode::authority(&content);
    let half = |group: GroupId, name: &str| {
        let card = &room.holder(name).card;
        let entry = record.group(group).unwrap();
        let member = entry.members.iter().find(|m| m.card == card.card).unwrap();
        let share = format!("s/{group}/{}/{}", entry.epoch, member.x);
        serde_json::json!({
            "card_9d_private": hex(card.agree_9d.secret().expose()),
            "card_9d_public": hex(card.agree_9d.public()),
            "share_value": hex(&content[share.as_bytes()]),
        })
    };
    let wrap = |compartment: &str| {
        let place = format!("w/data/{compartment}/pin-operators+pin-supervisors");
        hex(&content[place.as_bytes()])
    };
    let value = |compartment, id| hex(&content[&decode::record_place(compartment, id)]);
    let given = serde_json::json!({
        "station": hex(&record.station.0),
        "export_key": hex(&record.export_key.0),
        "operator": half(PinOperators, "Pavel"),
        "supervisor": half(PinSupervisors, "Quinn"),
        "pins_wrap": wrap("pins"),
        "catalogue_wrap": wrap("catalogue"),
        "opening_key": value("pins", PIN_ROOM_KEY),
        "pin_key": value("catalogue", PinKey::id_of(key.id)),
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("given.json");
    std::fs::write(&file, given.to_string()).unwrap();
    let root = root();
    let oracles =
        std::env::var_os("CONCLAVE_ORACLES").map_or_else(|| root.join(".oracles"), PathBuf::from);
    let output = Command::new(oracles.join("bin/python3"))
        .arg(root.join("tests/support/pin_key.py"))
        .arg(&file)
        .output()
        .expect("the oracle is missing: run ./scripts/test, which installs it");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    let until = START_MS + 31 * DAY_MS;
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("{} pvv {until} {}\n", key.label, hex(&CLEAR))
    );
}
