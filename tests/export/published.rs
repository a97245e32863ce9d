//! Keys that stand in manuals, on a station in PRODUCTION: none leaves, wraps what
//! leaves, or opens what comes in.

use conclave_evidence::authority::{CardSignature, Mode};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::profile::BlockProfile;
use conclave_keyroom::door::{Action, ActionError, DoorError};
use conclave_keyroom::vault::Compartment;
use conclave_trades::ceremony::state::Player;
use conclave_trades::ceremony::template::parse_template;
use conclave_trades::target::{ImportBlock, KeyName, PrintKeyLetter};
use conclave_training::stick::StickPorts;

use crate::acts::OpenMandate;
use crate::desk::{APPROVERS, DAY_MS, Desk, MANAGERS, PUBLISHED};
use crate::room::{self, Room, START_MS};
use crate::watched::Watched;

/// A desk of a station in production.
pub fn in_production() -> Desk {
    let mut room = Room::before_founding(room::MemoryStore::default());
    let mut founding = room.founding();
    founding.mode = Mode::Production;
    let mut founded = room.door_mut().found(founding).unwrap();
    let digest = founded.digest().unwrap();
    for name in ["Ada", "Ben"] {
        let card = &room.holder(name).card;
        founded.sign(CardSignature {
            card: card.card,
            signature: card.sign(&digest),
        });
    }
    room.management_signs(&mut founded);
    room.door_mut().commit_founding(founded).unwrap();
    room.sign_forms().unwrap();
    room.door_mut().finish_genesis().unwrap();
    room.door_mut().logout("founded").unwrap();
    room.logon_all(&[
        GroupId::Administrators,
        GroupId::KeyManagers,
        GroupId::Approvers,
    ]);
    let mut desk = Desk::new();
    desk.room = room;
    desk.ports = Box::new(Watched {
        stick: StickPorts::new(vec![desk.stick.clone()]),
        training: false,
        written: Box::new(|| {}),
    });
    desk.medium = desk.enrol(0x51, "STICK-1", "S-1").unwrap();
    desk
}

/// A well-formed block of version B (P-TR31-004 of the published vectors) that was
/// wrapped under another key.
const OTHER_BLOCK: &str =
    "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E";

/// Which key of the two is in a manual, and whether the station is in PRODUCTION.
const CASES: [(bool, &str); 5] = [
    (false, "ZPK"),
    (false, "ZMK"),
    (true, "ZPK"),
    (true, "ZMK"),
    (true, ""),
];

/// A station with a zone master key and a key under it, of which `published` is in a
/// manual.
fn desk_with(production: bool, published: &str) -> (Desk, KeyRecord, KeyRecord) {
    let mut desk = if production {
        in_production()
    } else {
        Desk::new()
    };
    let mut key = |label: &str, usage: &str| {
        desk.key_with(label, KeyForm::Tdes2, usage, |record| {
            if !published.is_empty() && label.contains(published) {
                record.template = PUBLISHED.into();
            }
        })
    };
    let zmk = key("A.ZMK.1", "K0");
    let zpk = key("A.ZPK.1", "P0");
    (desk, zmk, zpk)
}

/// It is refused in PRODUCTION, by name, and nowhere else. Whether it took place.
fn ended<T>(made: Result<T, DoorError>, production: bool, published: &str) -> bool {
    match made {
        Ok(_) => {
            assert!(!production || published.is_empty(), "{published}");
            true
        }
        Err(DoorError::Failed(ActionError::Rule { rule, .. })) => {
            assert!(production && !published.is_empty(), "{rule}");
            let named = format!("A.{published}.1 is a published test key");
            assert!(rule.contains(&named), "{rule}");
            false
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn no_letter_carries_a_published_key_or_is_wrapped_under_one_outside_test() {
    for (production, published) in CASES {
        let (mut desk, zmk, zpk) = desk_with(production, published);
        let act = PrintKeyLetter {
            key: KeyName::of(&zpk),
            under: KeyName::of(&zmk),
            recipient: "BANK-LAKE".into(),
            printer: None,
            exception: None,
        };
        let made = desk.act(&act, &[MANAGERS, APPROVERS].concat());
        ended(made, production, published);
    }
}

#[test]
fn no_bundle_carries_a_published_key_or_is_wrapped_under_one_outside_test() {
    for (production, published) in CASES {
        let (mut desk, zmk, zpk) = desk_with(production, published);
        let act = desk.plan(&[&zpk], &zmk);
        let made = desk.export(&act);
        let left = ended(made, production, published);
        assert_eq!(
            desk.on_stick(),
            usize::from(left),
            "{production} {published}"
        );
        assert_eq!(desk.record(&zpk).exports.len(), usize::from(left));
    }
}

/// A key that comes in under a key that anybody can read is known to anybody.
#[test]
fn nothing_comes_in_under_a_published_key_outside_test() {
    for (production, published) in [(false, "ZMK"), (true, "ZMK")] {
        let (mut desk, zmk, _) = desk_with(production, published);
        let ceremony = Id([0xC1; 16]);
        let mandate = OpenMandate {
            ceremony,
            covers: ImportBlock::NAME.into(),
            units: 1,
            expires_ms: START_MS + DAY_MS,
            closed: false,
            before_a_restore: false,
            barred: Vec::new(),
        };
        desk.act(&mandate, &[]).unwrap();
        let act = ImportBlock {
            known_value: None,
            ceremony,
            key: Id([0xD1; 16]),
            label: "A.ZPK.2".into(),
            template: parse_template(
                "zpk-tdes2.toml",
                include_str!("../../templates/keys/zpk-tdes2.toml"),
            )
            .unwrap(),
            partner: "BANK-LAKE".into(),
            under: KeyName::of(&zmk),
            profile: BlockProfile {
                name: "tr31".into(),
                version: 1,
                title: "TR-31".into(),
                versions: "ABCDE".into(),
                short_padding: false,
                unknown_blocks: false,
                scheme_tag: false,
                schemes: String::new(),
                cca_tokens: false,
                any_parity: false,
                method: None,
            },
            exception: None,
            block: OTHER_BLOCK.into(),
            value: "57C409".into(),
            method: "ENC-ZERO".into(),
            by: ["Dora", "Emil"]
                .map(|name| Player {
                    id: desk.room.holder(name).person.id,
                    name: name.into(),
                    group: GroupId::KeyManagers,
                    reports_to: String::new(),
                })
                .to_vec(),
        };
        let why = desk.act(&act, &[]).map(drop).unwrap_err().to_string();
        let told = why.contains("A.ZMK.1 is a published test key");
        // In TEST the block is opened, and it is another key's.
        assert_eq!(told, production, "{why}");
        assert_eq!(why.contains("does not give a key"), !production, "{why}");
        let all = desk
            .room
            .vault()
            .list::<KeyRecord>(Compartment::Catalogue, KeyRecord::KIND);
        let labels: Vec<String> = all.unwrap().into_iter().map(|(_, key)| key.label).collect();
        assert!(!labels.contains(&"A.ZPK.2".to_owned()), "{labels:?}");
    }
}
