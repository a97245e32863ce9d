//! A file of an issuer comes in and another goes back, openssl at the other
//! end.

use std::fs;
use std::path::Path;

use conclave_crypto::primitive::derive::sha256;
use conclave_crypto::secret::Secret;
use conclave_crypto::x509::cms::Recipient;
use conclave_evidence::{Bytes, GroupId, Hash, Id};
use conclave_keyroom::domain::pin_identity::PinIdentity;
use conclave_keyroom::domain::pin_partner::PinPartner;
use conclave_keyroom::door::{Action, ActionError, Authority, DoorError, Permit};
use conclave_keyroom::ports::Ports;
use conclave_trades::ceremony::state::Player;
use conclave_trades::pin::{
    MakePinIdentity, RecordPinPartner, VALIDITY_S, open_input, seal_output,
};
use serde::{Deserialize, Serialize};

use super::room::Room;
use super::{EC, openssl};

const BOTH: [(&str, GroupId); 2] = [
    ("Olga", GroupId::PinOperators),
    ("Quinn", GroupId::PinSupervisors),
];
const CARDS: &str = "batch;B-0001;BANKX;1;4111111111111111\n4111111111111111;00;2912;A HOLDER\n";

/// What a batch does with a file: opens it, or seals what goes back.
#[derive(Serialize, Deserialize)]
struct Exchange {
    partner: PinPartner,
    file: Bytes,
    back: bool,
}

impl Action for Exchange {
    const NAME: &'static str = "exchange";
    type Out = (Vec<u8>, Option<Hash>);

    fn authority(&self) -> Authority {
        Authority::All(GroupId::PIN_ROOM.map(Authority::Session).to_vec())
    }

    fn words(&self) -> Vec<String> {
        Vec::new()
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Self::Out, ActionError> {
        if self.back {
            let now = permit.now_ms();
            let sealed = seal_output(permit, &self.partner, now, &self.file.0)?;
            return Ok((sealed, None));
        }
        let input = open_input(permit, &self.partner, &self.file.0)?;
        assert_eq!(input.envelope, Hash(sha256(&[&self.file.0])));
        assert!(input.signed_ms.is_some());
        Ok((input.cards.to_vec(), Some(input.signer)))
    }
}

fn refusal<T>(done: Result<T, DoorError>) -> String {
    match done {
        Err(DoorError::Failed(ActionError::Rule { rule, advice })) => format!("{rule}. {advice}"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was done"),
    }
}

fn encrypted(at: &Path, to: &PinIdentity) -> Vec<u8> {
    fs::write(at.join("station.der"), &to.input.0).unwrap();
    openssl(at, "x509 -inform DER -in station.der -out station.pem");
    openssl(
        at,
        "cms -encrypt -binary -outform DER -aes256 -in signed -out in -recip station.pem -keyopt ecdh_kdf_md:sha256",
    );
    fs::read(at.join("in")).unwrap()
}

#[test]
fn what_an_issuer_sends_opens_and_what_goes_back_opens_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (name, key) in [("signs", "rsa:2048"), ("gets", EC), ("other", "rsa:2048")] {
        openssl(
            at,
            &format!(
                "req -x509 -newkey {key} -nodes -keyout {name}.key -out {name}.pem -days 30 -subj /O=BANKX/CN={name}"
            ),
        );
    }
    fs::write(at.join("cards"), CARDS).unwrap();
    openssl(
        at,
        "cms -sign -binary -nodetach -outform DER -md sha256 -in cards -out signed -signer signs.pem -inkey signs.key",
    );
    let read = |name: &str| Recipient::read(&fs::read(at.join(name)).unwrap()).unwrap();
    let (signs, gets) = (read("signs.pem"), read("gets.pem"));
    let now_s = signs.facts().not_before + 60;
    let mut room = Room::with_pin_room();
    room.clock.set(now_s * 1000);

    room.logon_all(&[GroupId::Administrators]);
    let people = room.members(GroupId::Administrators);
    let by = [people[0], people[1]].map(|name| Player {
        id: room.holder(name).person.id,
        name: name.into(),
        group: GroupId::Administrators,
        reports_to: String::new(),
    });
    let record = RecordPinPartner {
        id: Id([7; 16]),
        issuer: "BANKX".into(),
        signer: Bytes(signs.certificate().to_vec()),
        signer_fingerprint: Hash(signs.facts().fingerprint),
        recipient: Bytes(gets.certificate().to_vec()),
        recipient_fingerprint: Hash(gets.facts().fingerprint),
        by: by.to_vec(),
        lifts: None,
    };
    let mut alone = record.clone();
    alone.by.pop();
    let administrators = [people[0], people[1]].map(|name| (name, GroupId::Administrators));
    let told = refusal(room.perform_with(&alone, &administrators));
    assert!(told.contains("two people"), "{told}");
    let partner = room.perform_with(&record, &administrators).unwrap();
    room.logout();

    room.logon_pin_room();
    let exchange = |file: &[u8], back| Exchange {
        partner: partner.clone(),
        file: Bytes(file.to_vec()),
        back,
    };
    let none = refusal(room.perform_with(&exchange(b"x", false), &[]));
    assert!(
        none.contains("no certificate for input that holds"),
        "{none}"
    );
    let told = refusal(room.perform_with(&MakePinIdentity { generation: 2 }, &BOTH));
    assert!(told.contains("the last generation is 0"), "{told}");
    let first = room
        .perform_with(&MakePinIdentity { generation: 1 }, &BOTH)
        .unwrap();
    assert_ne!(first.input, first.output);

    let file = encrypted(at, &first);
    let (cards, signer) = room.perform_with(&exchange(&file, false), &[]).unwrap();
    assert_eq!(cards, CARDS.as_bytes());
    assert_eq!(signer, Some(partner.signer.fingerprint));
    // Signed by somebody else of the same house, or not at all.
    openssl(
        at,
        "cms -sign -binary -nodetach -outform DER -md sha256 -in cards -out signed -signer other.pem -inkey other.key",
    );
    for strange in [encrypted(at, &first), CARDS.as_bytes().to_vec()] {
        let told = refusal(room.perform_with(&exchange(&strange, false), &[]));
        assert!(
            told.contains("is not encrypted to this station and signed"),
            "{told}"
        );
    }

    // A new generation takes over; the former still opens what was under way.
    let second = room
        .perform_with(&MakePinIdentity { generation: 2 }, &BOTH)
        .unwrap();
    let opened = room.perform_with(&exchange(&file, false), &[]);
    assert_eq!(opened.unwrap().0, CARDS.as_bytes());
    let (back, _) = room
        .perform_with(&exchange(b"count;0;0;0\n", true), &[])
        .unwrap();
    fs::write(at.join("out"), back).unwrap();
    fs::write(at.join("room.der"), &second.output.0).unwrap();
    openssl(at, "x509 -inform DER -in room.der -out room.pem");
    openssl(
        at,
        "cms -decrypt -binary -inform DER -in out -out opened -recip gets.pem -inkey gets.key",
    );
    openssl(
        at,
        &format!(
            "cms -verify -binary -inform DER -in opened -out plain -CAfile room.pem -partial_chain -purpose any -attime {now_s}"
        ),
    );
    assert_eq!(fs::read(at.join("plain")).unwrap(), b"count;0;0;0\n");

    // A certificate that ended refuses new files, and destroys nothing.
    room.clock.set(partner.signer.until_ms + 1);
    let told = refusal(room.perform_with(&exchange(&file, false), &[]));
    assert!(
        told.contains("has expired") && told.contains("Nothing is lost"),
        "{told}"
    );
    room.perform_with(&exchange(b"count;0;0;0\n", true), &[])
        .unwrap();
    assert!(partner.refuses(partner.signer.until_ms + 1).is_some());
    assert!(second.until_ms > (now_s + VALIDITY_S) * 1000);
}
