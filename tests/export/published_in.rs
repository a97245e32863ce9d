//! Keys that stand in manuals, brought to a station in PRODUCTION in typed components or
//! in a key store: none comes in.

use conclave_crypto::keystore::{Entry, Item, Kind, SecretAlgorithm, write};
use conclave_crypto::primitive::derive::sha256;
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, KeyRecord};
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::{Action, ActionError, DoorError};
use conclave_keyroom::vault::Compartment;
use conclave_station::compose::random_source;
use conclave_trades::ceremony::action::{AcceptComponent, CombineKey};
use conclave_trades::ceremony::state::Player;
use conclave_trades::ceremony::template::parse_template;
use conclave_trades::keys::{Becomes, ImportStoreKey};

use crate::acts::OpenMandate;
use crate::desk::{APPROVERS, DAY_MS, Desk, MANAGERS};
use crate::published::in_production;
use crate::room::START_MS;

const CEREMONY: Id = Id([0xC2; 16]);
const LABEL: &str = "A.KEY.1";
/// AES key of FIPS 197, appendix C.1.
const PRINTED: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// Nobody has printed this one.
const OWN: [u8; 16] = *b"\x9c\x11\xe2\x74\x3a\x05\xd8\x6f\x21\xb7\x40\xca\x93\x5e\x88\x17";

/// Station in PRODUCTION, key in a manual; whether it comes in.
const CASES: [(bool, bool, bool); 3] = [
    (false, true, true),
    (true, false, true),
    (true, true, false),
];

fn check_value(key: &[u8]) -> CheckValue {
    let kcv = Kcv::compute(Method::AesCmac, key).unwrap();
    CheckValue {
        value: kcv.hex(),
        method: kcv.method().to_string(),
    }
}

fn template(name: &str, text: &str) -> KeyTemplate {
    parse_template(name, text).unwrap()
}

/// It came in, or it was refused by name and is not there.
fn ended<T>(desk: &Desk, made: Result<T, DoorError>, comes_in: bool) {
    match made {
        Ok(_) => assert!(comes_in),
        Err(DoorError::Failed(ActionError::Rule { rule, advice })) => {
            assert!(!comes_in, "{rule}");
            let named = format!("{LABEL} is a published test key (AES key of FIPS 197)");
            assert!(rule.contains(&named), "{rule}");
            assert!(advice.contains("make a key of your own"), "{advice}");
        }
        Err(other) => panic!("{other:?}"),
    }
    let all = desk
        .room
        .vault()
        .list::<KeyRecord>(Compartment::Catalogue, KeyRecord::KIND);
    let there = all.unwrap().iter().any(|(_, key)| key.label == LABEL);
    assert_eq!(there, comes_in);
}

fn player(desk: &Desk, name: &str, group: GroupId) -> Player {
    Player {
        id: desk.room.holder(name).person.id,
        name: name.into(),
        group,
        reports_to: String::new(),
    }
}

fn mandate<A: Action>(desk: &mut Desk) {
    let mandate = OpenMandate {
        ceremony: CEREMONY,
        covers: A::NAME.into(),
        units: 2,
        expires_ms: START_MS + DAY_MS,
        closed: false,
        before_a_restore: false,
        barred: Vec::new(),
    };
    desk.act(&mandate, &[]).unwrap();
}

#[test]
fn no_components_make_a_published_key_outside_test() {
    for (production, printed, comes_in) in CASES {
        let mut desk = if production {
            in_production()
        } else {
            Desk::new()
        };
        let key = if printed { PRINTED } else { OWN };
        let first: [u8; 16] = *b"\x51\x0d\xa6\x38\xf4\x8b\x27\xc9\x7e\x60\x1b\x95\xd2\x4f\xe3\x0a";
        let second: Vec<u8> = first.iter().zip(key).map(|(a, b)| a ^ b).collect();
        let parts = [
            ("Gus", GroupId::CustodiansA, first.to_vec()),
            ("Hana", GroupId::CustodiansB, second),
        ];
        mandate::<AcceptComponent>(&mut desk);
        for (index, (name, group, mut part)) in (1..).zip(parts) {
            let act = AcceptComponent {
                known_value: None,
                ceremony: CEREMONY,
                label: LABEL.into(),
                form: KeyForm::Aes128,
                index,
                of: 2,
                custodian: player(&desk, name, group),
                backup: None,
                kcv: check_value(&part),
                proven: "typed twice the same, blind".into(),
                share: None,
            };
            let typed = vec![Secret::take(&mut part)];
            desk.act_with(&act, &[(name, group)], typed).unwrap();
        }
        mandate::<CombineKey>(&mut desk);
        let kcv = check_value(&key);
        let act = CombineKey {
            known_value: None,
            ceremony: CEREMONY,
            key: Id([0xD2; 16]),
            label: LABEL.into(),
            template: template(
                "zmk-aes128.toml",
                include_str!("../../templates/keys/zmk-aes128.toml"),
            ),
            partner: "BANK-LAKE".into(),
            components: 2,
            value: kcv.value,
            method: kcv.method,
            by: ["Dora", "Emil"]
                .map(|name| player(&desk, name, GroupId::KeyManagers))
                .to_vec(),
        };
        let made = desk.act(&act, &[]);
        ended(&desk, made, comes_in);
    }
}

#[test]
fn no_key_store_brings_a_published_key_outside_test() {
    for kind in [Kind::Pkcs12, Kind::Jceks] {
        for (production, printed, comes_in) in CASES {
            let mut desk = if production {
                in_production()
            } else {
                Desk::new()
            };
            let mut key = if printed { PRINTED } else { OWN };
            let kcv = check_value(&key);
            let entry = Entry {
                alias: "data".into(),
                item: Item::Secret {
                    algorithm: SecretAlgorithm::Aes,
                    key: Secret::take(&mut key),
                },
            };
            let word = Secret::take(&mut b"first half second half".to_vec());
            let mut random = random_source().unwrap();
            let store = write(kind, &[entry], &word, START_MS, &mut *random).unwrap();
            let folder = desk.folder.join("IMPORT");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("lake.store"), &store).unwrap();
            let act = ImportStoreKey {
                key: Id([0xD3; 16]),
                label: LABEL.into(),
                partner: "BANK-LAKE".into(),
                medium: desk.medium.id,
                file: "lake.store".into(),
                store: Hash(sha256(&[&store])),
                alias: "data".into(),
                becomes: Becomes::Key(Box::new(template(
                    "data-aes128.toml",
                    include_str!("../../templates/keys/data-aes128.toml"),
                ))),
                check: kcv.value,
                known_value: None,
            };
            let halves = ["first half ", "second half"]
                .map(|half| Secret::take(&mut half.as_bytes().to_vec()))
                .into();
            let signers = [MANAGERS, APPROVERS].concat();
            let made = desk.act_with(&act, &signers, halves);
            ended(&desk, made, comes_in);
        }
    }
}
