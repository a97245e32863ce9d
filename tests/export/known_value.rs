//! A value that a key of the station has, or had, brought once more; and sheets that
//! were in other hands before, under another label.

use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, KeyRecord};
use conclave_keyroom::door::{Action, ActionError, DoorError};
use conclave_trades::ceremony::action::{AcceptComponent, CombineKey};
use conclave_trades::ceremony::state::{KeyMade, Player};
use conclave_trades::ceremony::template::parse_template;
use conclave_trades::keys::DestroyKey;
use conclave_trades::target::KeyName;

use crate::acts::OpenMandate;
use crate::desk::{APPROVERS, DAY_MS, Desk, MANAGERS, Tell};
use crate::room::START_MS;

const GUS: (&str, GroupId) = ("Gus", GroupId::CustodiansA);
const HANA: (&str, GroupId) = ("Hana", GroupId::CustodiansB);
const FORM: KeyForm = KeyForm::Aes128;

fn check_value(key: &[u8]) -> CheckValue {
    let kcv = Kcv::compute(Method::AesCmac, key).unwrap();
    CheckValue {
        value: kcv.hex(),
        method: kcv.method().to_string(),
    }
}

fn player(desk: &Desk, (name, group): (&str, GroupId)) -> Player {
    Player {
        id: desk.room.holder(name).person.id,
        name: name.into(),
        group,
        reports_to: String::new(),
    }
}

fn told<T>(made: Result<T, DoorError>) -> String {
    match made {
        Err(DoorError::Failed(ActionError::Rule { rule, .. })) => rule,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it went through"),
    }
}

/// An entry: which one, its label, and why a value comes again.
#[derive(Clone, Copy)]
struct Entry<'a> {
    n: u8,
    label: &'a str,
    again: Option<&'a str>,
}

impl Entry<'_> {
    fn mandate<A: Action>(self, desk: &mut Desk) {
        let mandate = OpenMandate {
            ceremony: Id([self.n; 16]),
            covers: A::NAME.into(),
            units: 9,
            expires_ms: START_MS + DAY_MS,
            closed: false,
            before_a_restore: false,
            barred: Vec::new(),
        };
        desk.act(&mandate, &[]).unwrap();
    }

    fn sheet(
        self,
        desk: &mut Desk,
        index: u8,
        part: &[u8],
        who: (&str, GroupId),
    ) -> Result<(), DoorError> {
        self.mandate::<AcceptComponent>(desk);
        let act = AcceptComponent {
            ceremony: Id([self.n; 16]),
            label: self.label.into(),
            form: FORM,
            index,
            of: 2,
            custodian: player(desk, who),
            backup: None,
            kcv: check_value(part),
            proven: "typed twice the same, blind".into(),
            share: None,
            known_value: self.again.map(str::to_owned),
        };
        let typed = vec![Secret::take(&mut part.to_vec())];
        desk.act_with(&act, &[who], typed)
    }

    fn combine(self, desk: &mut Desk, value: &[u8]) -> Result<KeyMade, DoorError> {
        self.mandate::<CombineKey>(desk);
        let kcv = check_value(value);
        let text = include_str!("../../templates/keys/zmk-aes128.toml");
        let act = CombineKey {
            ceremony: Id([self.n; 16]),
            key: Id([0x80 + self.n; 16]),
            label: self.label.into(),
            template: parse_template("zmk-aes128.toml", text).unwrap(),
            partner: "BANK-LAKE".into(),
            components: 2,
            value: kcv.value,
            method: kcv.method,
            by: MANAGERS.map(|who| player(desk, who)).to_vec(),
            known_value: self.again.map(str::to_owned),
        };
        desk.act(&act, &[])
    }

    /// The value in two components that nobody has seen.
    fn enter(self, desk: &mut Desk, value: &[u8]) -> Result<KeyMade, DoorError> {
        let first: Vec<u8> = (0..16).map(|b| b * 7 + self.n).collect();
        self.sheet(desk, 1, &first, GUS)?;
        self.sheet(desk, 2, &xor(&first, value), HANA)?;
        self.combine(desk, value)
    }
}

fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter().zip(other).map(|(a, b)| a ^ b).collect()
}

fn value_of(desk: &mut Desk, key: &KeyRecord) -> Vec<u8> {
    let hex = desk.act(&Tell { key: key.id }, &[]).unwrap();
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn entry<'a>(n: u8, label: &'a str) -> Entry<'a> {
    Entry {
        n,
        label,
        again: None,
    }
}

const TAKEN: &str = "the value of B.ZMK.2 is that of A.ZMK.1";

/// A key of before there were marks is found by its check value; then by its mark.
#[test]
fn a_value_that_a_key_has_is_refused_by_name_unless_a_reason_was_signed() {
    let mut desk = Desk::new();
    let old = desk.key("A.ZMK.1", FORM, "K0");
    let value = value_of(&mut desk, &old);
    let said = told(entry(1, "B.ZMK.2").enter(&mut desk, &value));
    assert!(said.starts_with(TAKEN), "{said}");
    let again = Entry {
        again: Some("the host moves, both sides hold it until May"),
        ..entry(2, "B.ZMK.2")
    };
    again.enter(&mut desk, &value).unwrap();
    let said = told(entry(3, "C.ZMK.3").enter(&mut desk, &value));
    assert!(said.contains("C.ZMK.3 is that of A.ZMK.1"), "{said}");
    // Another value of the same form comes in as ever.
    let mut other = value.clone();
    other[0] ^= 0x40;
    entry(4, "C.ZMK.3").enter(&mut desk, &other).unwrap();
}

#[test]
fn a_value_that_a_destroyed_key_had_does_not_come_back_by_itself() {
    let mut desk = Desk::new();
    let old = desk.key("A.ZMK.1", FORM, "K0");
    let value = value_of(&mut desk, &old);
    let destroy = DestroyKey {
        key: KeyName::of(&old),
        reason: "the partner has gone".into(),
    };
    let both = [MANAGERS, APPROVERS].concat();
    desk.act(&destroy, &both).unwrap();
    let said = told(entry(1, "B.ZMK.2").enter(&mut desk, &value));
    assert!(
        said.starts_with(TAKEN) && said.contains("which is destroyed"),
        "{said}"
    );
}

#[test]
fn a_sheet_is_a_part_of_one_key_alone() {
    let mut desk = Desk::new();
    let value = [0x5A; 16].map(|b: u8| b ^ 3);
    entry(1, "A.ZMK.1").enter(&mut desk, &value).unwrap();
    let first: Vec<u8> = (0..16).map(|b| b * 7 + 1).collect();
    let said = told(entry(2, "B.ZMK.2").sheet(&mut desk, 2, &first, HANA));
    assert!(said.contains("a part of A.ZMK.1"), "{said}");
}

/// Whatever label it has, and whoever types it this time: the sheets of an entry that
/// came to nothing are known (R4).
#[test]
fn nobody_types_the_other_sheet_of_one_they_had_under_another_label() {
    let mut desk = Desk::new();
    let (one, two) = ([0x11; 16].map(|b: u8| b ^ 0x20), [0x77; 16]);
    let given_up = entry(1, "A.ZMK.1");
    given_up.sheet(&mut desk, 1, &one, GUS).unwrap();
    // Gus came for the second one; the first is Hana's now.
    let under_another = entry(2, "B.ZMK.2");
    under_another.sheet(&mut desk, 2, &two, GUS).unwrap();
    let said = told(under_another.sheet(&mut desk, 1, &one, HANA));
    assert!(
        said.contains("Gus has had this sheet and that of part 2"),
        "{said}"
    );
    // With the same sheet in the same hands it goes on.
    let again = entry(3, "B.ZMK.3");
    again.sheet(&mut desk, 1, &one, GUS).unwrap();
    let said = told(again.sheet(&mut desk, 2, &two, HANA));
    assert!(
        said.contains("Gus has had this sheet and that of part 1"),
        "{said}"
    );
}
