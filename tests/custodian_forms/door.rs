//! What the door says to custodians whose form does not hold.

use conclave_evidence::authority::CardSignature;
use conclave_evidence::sign::verify_p256;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::custodian_form::{
    CEREMONY_MS, CustodianForm, DutiesStamp, FORM_DAYS, FormText, Standing,
};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, Holder};
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::{Action, ActionError, DoorError, Warrant};
use conclave_keyroom::vault::{Compartment, VaultError};
use conclave_station::custodian_forms::SignCustodianForm;
use conclave_trades::ceremony::action::{AcceptComponent, GenerateKey, Part};
use conclave_trades::ceremony::state::Player;
use conclave_trades::target::KeyName;
use conclave_trades::target::store::{ExportKeyStore, StoredItem};

use crate::acts::OpenMandate;
use crate::room::{MemoryStore, Room};

const CEREMONY: Id = Id([3; 16]);
const YEAR_MS: u64 = FORM_DAYS * 86_400_000;
const A: GroupId = GroupId::CustodiansA;

pub fn generate(room: &Room) -> GenerateKey {
    let part = |name: &str, group| Part {
        custodian: room.holder(name).person.id,
        name: name.into(),
        group,
        backup: None,
    };
    GenerateKey {
        ceremony: CEREMONY,
        key: Id([4; 16]),
        label: "BANK-LAKE.ZMK.001".into(),
        template: KeyTemplate {
            name: "zmk-aes256".into(),
            version: 1,
            title: "Zone master key".into(),
            form: KeyForm::Aes256,
            usage: "K0".into(),
            mode_of_use: "B".into(),
            exportability: "N".into(),
            cryptoperiod_days: 365,
            recipient_days: None,
            in_components: true,
            wrapping: None,
            panel: None,
        },
        parts: vec![part("Gus", A), part("Hana", GroupId::CustodiansB)],
    }
}

fn accept(room: &Room) -> AcceptComponent {
    AcceptComponent {
        known_value: None,
        ceremony: CEREMONY,
        label: "BANK-LAKE.ZMK.001".into(),
        form: KeyForm::Tdes2,
        index: 1,
        of: 2,
        custodian: Player {
            id: room.holder("Gus").person.id,
            name: "Gus".into(),
            group: A,
            reports_to: String::new(),
        },
        backup: None,
        share: None,
        kcv: CheckValue {
            value: "08D7B4".into(),
            method: "ENC-ZERO".into(),
        },
        proven: "typed twice the same, blind".into(),
    }
}

/// Key managers and approvers are here, and a mandate for this action.
pub fn mandated<A: Action>(room: &mut Room) {
    room.logon_all(&[GroupId::KeyManagers, GroupId::Approvers]);
    let mandate = OpenMandate {
        ceremony: CEREMONY,
        covers: A::NAME.into(),
        units: 9,
        expires_ms: u64::MAX,
        closed: false,
        before_a_restore: false,
        barred: Vec::new(),
    };
    room.perform(&mandate, &Warrant::default()).unwrap();
}

/// The rule that an act broke.
#[track_caller]
pub fn rule<T>(result: Result<T, DoorError>) -> String {
    match result {
        Err(DoorError::Failed(ActionError::Rule { rule, .. })) => rule,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("let through"),
    }
}

fn generated(room: &mut Room) -> Result<(), DoorError> {
    mandated::<GenerateKey>(room);
    let act = generate(room);
    room.perform(&act, &Warrant::default()).map(|_| ())
}

fn accepted(room: &mut Room) -> Result<(), DoorError> {
    mandated::<AcceptComponent>(room);
    let act = accept(room);
    room.perform_with(&act, &[("Gus", A)])
}

#[test]
fn a_founded_station_has_forms_that_a_stranger_can_check() {
    let mut room = Room::in_memory();
    room.logon_all(&[GroupId::Auditors]);
    let record = room.vault().authority().unwrap().clone();
    let forms: Vec<(Id, CustodianForm)> = room
        .vault()
        .list(Compartment::Directory, CustodianForm::KIND)
        .unwrap();
    let custodians = record.groups.iter().filter(|g| g.group.is_custodian());
    let members = custodians.flat_map(|g| &g.members).count();
    assert_eq!(forms.len(), members);
    for (id, form) in &forms {
        assert_eq!(*id, CustodianForm::id_of(form.text.person));
        assert_eq!(form.text.until_ms, form.text.effective_ms + YEAR_MS);
        let [management, own] = form.signatures.as_slice() else {
            panic!("{form:?}");
        };
        let digest = form.text.digest().unwrap();
        for signed in [management, own] {
            let card = record.card(signed.card).unwrap();
            verify_p256(&card.sign_key_9c, &digest, &signed.signature).unwrap();
        }
        assert!(record.is_member(GroupId::Administrators, management.card));
        assert_eq!(record.card(own.card).unwrap().person, form.text.person);
    }
}

#[test]
fn a_founding_takes_no_form_that_management_or_the_custodian_did_not_sign() {
    // Nobody, a custodian, or an administrator over something else.
    for signer in ["nobody", "Gus", "another form"] {
        let mut room = Room::before_founding(MemoryStore::default());
        let founding = room.founding();
        let mut founded = room.door_mut().found(founding).unwrap();
        let digest = founded.digest().unwrap();
        for name in ["Ada", "Ben"] {
            let card = &room.holder(name).card;
            founded.sign(CardSignature {
                card: card.card,
                signature: card.sign(&digest),
            });
        }
        let mut digests = founded.forms.digests().unwrap();
        if signer == "another form" {
            digests.rotate_left(1);
        }
        let name = if signer == "Gus" { "Gus" } else { "Ada" };
        let card = &room.holder(name).card;
        if signer != "nobody" {
            let signatures = digests.iter().map(|digest| CardSignature {
                card: card.card,
                signature: card.sign(digest),
            });
            founded.forms.sign(signatures.collect());
        }
        assert!(
            matches!(
                room.door_mut().commit_founding(founded),
                Err(VaultError::Authority(why)) if why.contains("custodian form")
            ),
            "{signer}"
        );
        assert!(room.vault().is_empty());
    }
}

/// A station whose custodians have not signed yet.
fn unsigned() -> Room {
    let mut room = Room::before_founding(MemoryStore::default());
    let founding = room.founding();
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
    room
}

#[test]
fn nobody_signs_a_custodians_form_in_their_place() {
    let mut room = unsigned();
    let gus = room.holder("Gus").person.id;
    let form = room.vault().form_to_sign(gus).unwrap().unwrap();
    for name in ["Ada", "Hana"] {
        let card = &room.holder(name).card;
        let signed = CardSignature {
            card: card.card,
            signature: card.sign(&form.text.digest().unwrap()),
        };
        let refused = room.door_mut().complete_form(form.clone(), signed);
        assert!(matches!(refused, Err(VaultError::Authority(_))), "{name}");
    }
    room.door_mut().finish_genesis().unwrap();
    // Too late: from here on it is an act of its own.
    let card = &room.holder("Gus").card;
    let signed = CardSignature {
        card: card.card,
        signature: card.sign(&form.text.digest().unwrap()),
    };
    let late = room.door_mut().complete_form(form, signed);
    assert!(matches!(late, Err(VaultError::NotEmpty)));
    let refused = rule(generated(&mut room));
    assert!(refused.contains("not signed by both (R18)"), "{refused}");
    let refused = rule(accepted(&mut room));
    assert!(refused.contains("not signed by both (R18)"), "{refused}");
}

#[test]
fn a_lapsed_form_blocks_and_one_that_lapses_during_a_ceremony_is_not_cast() {
    let mut room = Room::in_memory();
    room.clock.pass(YEAR_MS - CEREMONY_MS);
    generated(&mut room).unwrap();

    let mut room = Room::in_memory();
    room.clock.pass(YEAR_MS - CEREMONY_MS + 1);
    let refused = rule(generated(&mut room));
    assert!(
        refused.contains("Gus: the custodian form has lapsed"),
        "{refused}"
    );
    // Who was cast goes on to the last moment; the rule that stops it then is
    // about the value, which the test does not bring.
    room.clock.pass(CEREMONY_MS - 1);
    let refused = rule(accepted(&mut room));
    assert!(!refused.contains("form"), "{refused}");
    room.clock.pass(1);
    let refused = rule(accepted(&mut room));
    assert!(
        refused.contains("Gus: the custodian form has lapsed"),
        "{refused}"
    );
    // Nothing was destroyed: signed again, it works.
    let form: CustodianForm = room
        .vault()
        .get(
            Compartment::Directory,
            CustodianForm::id_of(room.holder("Gus").person.id),
        )
        .unwrap();
    assert_eq!(form.signatures.len(), 2);
}

fn sign(room: &Room, now_ms: u64) -> SignCustodianForm {
    let gus = &room.holder("Gus").person;
    let duties = DutiesStamp {
        stamp: "custodian v2".into(),
        digest: Hash([2; 32]),
    };
    let station = room.vault().authority().unwrap().station;
    SignCustodianForm {
        text: FormText::new(
            station,
            Holder {
                person: gus.id,
                name: "Gus".into(),
            },
            A,
            duties,
            now_ms,
        ),
        manager: room.holder("Ada").person.id,
        manager_name: "Ada".into(),
    }
}

#[test]
fn a_form_is_signed_for_one_year_from_now_by_custodian_and_administrator() {
    let mut room = Room::in_memory();
    room.clock.pass(YEAR_MS + 1);
    room.logon_all(&[GroupId::Administrators]);
    let signers = [("Gus", A), ("Ada", GroupId::Administrators)];
    let now = room.vault().clock().wall_ms();
    let good = sign(&room, now);
    type Spoil = fn(&mut SignCustodianForm);
    let spoils: [(&str, Spoil); 5] = [
        ("two years", |act| act.text.until_ms += YEAR_MS),
        ("from tomorrow", |act| {
            act.text.effective_ms += 86_400_000;
            act.text.until_ms += 86_400_000;
        }),
        ("from last week", |act| {
            act.text.effective_ms -= 7 * 86_400_000;
            act.text.until_ms -= 7 * 86_400_000;
        }),
        ("another station's", |act| act.text.station.0[0] ^= 1),
        ("another name", |act| act.text.name = "Hana".into()),
    ];
    for (name, spoil) in spoils {
        let mut bad = good.clone();
        spoil(&mut bad);
        let refused = rule(room.perform_with(&bad, &signers));
        assert!(!refused.is_empty(), "{name}");
    }
    let id = CustodianForm::id_of(good.text.person);
    let standing = |room: &Room| {
        let form: CustodianForm = room.vault().get(Compartment::Directory, id).unwrap();
        let now = room.vault().clock().wall_ms();
        CustodianForm::standing(Some(&form), A, now)
    };
    assert!(matches!(standing(&room), Standing::Lapsed(_)));
    room.perform_with(&good, &signers).unwrap();
    assert_eq!(standing(&room), Standing::Valid(good.text.until_ms));
    // The signatures that made it stand in it.
    let form: CustodianForm = room.vault().get(Compartment::Directory, id).unwrap();
    let record = room.vault().authority().unwrap();
    for signed in &form.approvals {
        let card = record.card(signed.approval.card).unwrap();
        let digest = signed.approval.digest().unwrap();
        verify_p256(&card.sign_key_9c, &digest, &signed.signature).unwrap();
        assert_eq!(signed.approval.action_name, SignCustodianForm::NAME);
    }
    assert_eq!(form.approvals.len(), 2);
    assert_eq!(form.text, good.text);
}

/// A pair leaves in a key store; the halves of its passphrase go to these.
fn key_store(holders: Vec<Player>) -> ExportKeyStore {
    ExportKeyStore {
        bundle: 1,
        keys: vec![StoredItem {
            key: KeyName {
                id: Id([12; 16]),
                label: "OUR.RSA.001".into(),
                kcv: "0011223344556677".into(),
            },
            chain: Vec::new(),
        }],
        kinds: vec!["pkcs12".into()],
        recipient: "BANK-LAKE".into(),
        target: "key-store".into(),
        system: None,
        holders,
        medium: Id([7; 16]),
        medium_name: "STICK-1".into(),
        serial: "S-1".into(),
        exception: None,
    }
}

fn exported(room: &mut Room, holders: &[(&str, &str, GroupId)]) -> Result<(), DoorError> {
    room.logon_all(&[GroupId::KeyManagers, GroupId::Approvers]);
    let player = |(who, name, group): &(&str, &str, GroupId)| Player {
        id: room.holder(who).person.id,
        name: (*name).into(),
        group: *group,
        reports_to: String::new(),
    };
    let act = key_store(holders.iter().map(player).collect());
    let mut sign = Vec::new();
    for group in [GroupId::KeyManagers, GroupId::Approvers] {
        sign.extend(room.members(group).into_iter().map(|name| (name, group)));
    }
    room.perform_with(&act, &sign[..]).map(|_| ())
}

/// Nothing is on record but people: what is refused otherwise is the key.
fn holders_pass(result: Result<(), DoorError>) {
    let Err(DoorError::Failed(ActionError::Vault(VaultError::Missing(_)))) = result else {
        panic!("{result:?}");
    };
}

#[test]
fn halves_of_a_passphrase_go_to_custodians_whose_forms_hold() {
    const B: GroupId = GroupId::CustodiansB;
    let mut room = Room::in_memory();
    let usual = [("Gus", "Gus", A), ("Hana", "Hana", B)];
    holders_pass(exported(&mut room, &usual));
    // A key manager who is written down as a custodian, and a custodian's
    // place under another's name.
    for stranger in [("Fay", "Fay", B), ("Hana", "Fay", B), ("Ivo", "Ivo", B)] {
        let refused = rule(exported(&mut room, &[usual[0], stranger]));
        assert!(refused.contains("is no member of"), "{refused}");
    }
    room.clock.pass(YEAR_MS);
    holders_pass(exported(&mut room, &usual));
    room.clock.pass(1);
    let refused = rule(exported(&mut room, &usual));
    assert!(refused.contains("form has lapsed (R18)"), "{refused}");

    let mut room = Room::before_founding(MemoryStore::default());
    for holder in &mut room.people {
        if ["Gus", "Hana"].contains(&holder.person.name.as_str()) {
            holder.person.reports_to = "Xia".into();
        }
    }
    room.try_found().unwrap();
    let refused = rule(exported(&mut room, &usual));
    assert!(refused.contains("all report to Xia (R17)"), "{refused}");
}
