//! The vectors of `docs/vault-format.md`: written from a station whose every
//! random byte comes from a seed, and decoded by another language and library.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise, also in what it shares with others"
)]

#[path = "support/decode.rs"]
mod decode;
#[path = "support/renewal.rs"]
mod renewal;
#[path = "support/room.rs"]
mod room;

use std::path::{Path, PathBuf};
use std::process::Command;

use conclave_crypto::primitive::passphrase::{PRINTED, Passphrase, WORDS};
use conclave_evidence::{GroupId, Hash, Id, Signature};
use conclave_keyroom::door::Warrant;
use conclave_keyroom::piv::SigningSlot;
use conclave_keyroom::vault::{Receipt, Renewal, VaultError, WordKeys};
use room::{Room, STAFF, Seeded};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").exists())
        .unwrap()
        .to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One value a line, so that a difference shows where it is.
fn json(pairs: &[(&str, String)], indent: &str) -> String {
    let lines: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{indent}  \"{name}\": {value}"))
        .collect();
    format!("{{\n{}\n{indent}}}", lines.join(",\n"))
}

fn text(bytes: &[u8]) -> String {
    format!("\"{}\"", hex(bytes))
}

/// A member of recovery with words, in a station of the same bytes.
fn words() -> (String, Vec<(&'static str, String)>) {
    let mut room = Room::in_memory();
    room.logon(GroupId::Administrators, &["Ada", "Ben"]);
    room.logon(GroupId::Recovery, &["Lea", "Max"]);
    let words = Passphrase::new(&mut Seeded::new(0xAB)).unwrap();
    let (member, salt) = (Id([0xC5; 16]), Hash([0x5A; 32]));
    let station = room.vault().authority().unwrap().station;
    let keys = WordKeys::derive(&words, &salt, station, member).unwrap();
    let nora = room.holder("Nora").person.clone();
    let entry = keys.entry(member, (nora.id, &nora.name), salt);
    let mut plan = renewal::renewal(&room, GroupId::Recovery, &["Lea", "Max"], true);
    let group = plan.groups.get_mut(&GroupId::Recovery).unwrap();
    group.members.push((member, nora.id));
    plan = Renewal {
        cards: vec![entry.clone()],
        ..plan
    };
    room.door_mut().prepare_renewal(&plan).unwrap();
    let cards = room.door().renewal_cards().unwrap();
    let receipts: Vec<Receipt> = cards
        .iter()
        .map(|card| match card.words {
            None => {
                let mut all = room.people.iter().map(|h| &h.card);
                renewal::receipt(&room, all.find(|c| c.card == card.card).unwrap())
            }
            Some(_) => {
                let open = |point: &[u8; 65]| {
                    let opened = keys.diffie_hellman(point);
                    opened.map_err(|_| VaultError::Crypto("the words"))
                };
                room.door().open_new_shares(member, open).unwrap();
                let digest = room.door().receipt_digest(member).unwrap();
                let signature = keys.sign(SigningSlot::Authentication, &digest.0).unwrap();
                Receipt {
                    card: member,
                    signature: Signature(signature),
                }
            }
        })
        .collect();
    let received = receipts.iter().map(|r| r.card).collect();
    let record = room.door().renewed_record(&received).unwrap();
    let act = renewal::action(&room, &record, receipts);
    room.perform(&act, &Warrant::default()).unwrap();

    let content = room.memory().content();
    let group = record.group(GroupId::Recovery).unwrap();
    let place = group.members.iter().find(|m| m.card == member).unwrap();
    let made = place.commitment.as_ref().unwrap();
    let key = format!("s/recovery/{}/{}", group.epoch, place.x);
    let opened = conclave_keyroom::vault::open_share_of(
        &record,
        GroupId::Recovery,
        &entry,
        &content[key.as_bytes()],
        |point| {
            keys.diffie_hellman(point)
                .map_err(|_| VaultError::Crypto("the words"))
        },
    )
    .unwrap();
    let sheet: Vec<String> = (0..PRINTED)
        .map(|at| {
            let mut cell = [0; 8];
            words.write(at, &mut cell);
            String::from_utf8_lossy(&cell).trim().to_owned()
        })
        .collect();
    let secret = words.derive(&salt.0).unwrap();
    let pairs = [
        ("member", text(&member.0)),
        ("salt", text(&salt.0)),
        ("phrase", format!("\"{}\"", sheet[..WORDS].join(" "))),
        ("check_words", format!("\"{}\"", sheet[WORDS..].join(" "))),
        ("secret", text(secret.expose())),
        ("auth_key_9a", text(&entry.auth_key_9a.0)),
        ("sign_key_9c", text(&entry.sign_key_9c.0)),
        ("agree_key_9d", text(&entry.agree_key_9d.0)),
        ("epoch", group.epoch.to_string()),
        ("share_key", format!("\"{key}\"")),
        ("share_value", text(&content[key.as_bytes()])),
        ("commitment_salt", text(&made.salt.0)),
        ("commitment_hash", text(&made.hash.0)),
    ];
    let expected = vec![
        ("words-check", sheet[WORDS..].join(" ")),
        ("words-secret", hex(secret.expose())),
        ("words-9a", hex(&entry.auth_key_9a.0)),
        ("words-9c", hex(&entry.sign_key_9c.0)),
        ("words-9d", hex(&entry.agree_key_9d.0)),
        ("words-share", hex(opened.bytes.expose())),
    ];
    (json(&pairs, "  "), expected)
}

fn vectors() -> (String, Vec<(&'static str, String)>) {
    let room = Room::in_memory();
    let content = room.memory().content();
    let record = decode::authority(&content);
    let group = GroupId::KeyManagers;
    let entry = record.group(group).unwrap();
    let names = ["Dora", "Fay"];
    let mut expected = Vec::new();
    let mut members = Vec::new();
    for name in names {
        let card = &room.holder(name).card;
        let member = entry.members.iter().find(|m| m.card == card.card).unwrap();
        let place = format!("s/{group}/{}/{}", entry.epoch, member.x);
        let made = member.commitment.as_ref().unwrap();
        members.push(json(
            &[
                ("card_9d_private", text(card.agree_9d.secret().expose())),
                ("card_9d_public", text(card.agree_9d.public())),
                ("share_key", format!("\"{place}\"")),
                ("share_value", text(&content[place.as_bytes()])),
                ("commitment_salt", text(&made.salt.0)),
                ("commitment_hash", text(&made.hash.0)),
            ],
            "    ",
        ));
        expected.push(("share", hex(room.share(group, name).bytes.expose())));
    }
    let secret = decode::group_secret(&content, &room, group, &names);
    expected.push(("secret", hex(secret.expose())));
    let openers = "key-managers";
    let data = decode::wrapped_key(&content, "data", "directory", openers, &secret).unwrap();
    expected.push(("data", hex(data.expose())));
    let place = decode::record_place("directory", room.people[0].person.id);
    let person = conclave_evidence::cbor::to_vec(&room.people[0].person).unwrap();
    expected.push(("record", hex(&person)));
    assert_eq!(STAFF[0].0, "Ada");
    let (words, of_words) = words();
    expected.extend(of_words);
    let whole = json(
        &[
            (
                "note",
                "\"TEST values, published: never use any of them\"".into(),
            ),
            ("station", text(&record.station.0)),
            ("group", format!("\"{group}\"")),
            ("epoch", entry.epoch.to_string()),
            ("members", format!("[{}]", members.join(", "))),
            ("secret_check", text(&entry.secret_check.unwrap().0)),
            ("secret", text(secret.expose())),
            ("wrap_key", "\"w/data/directory/key-managers\"".into()),
            (
                "wrap_value",
                text(&content[b"w/data/directory/key-managers".as_slice()]),
            ),
            ("data_key", text(data.expose())),
            ("record_key", text(&place)),
            ("record_value", text(&content[&place])),
            ("record_body", text(&person)),
            ("words", words),
        ],
        "",
    );
    (whole + "\n", expected)
}

/// `CONCLAVE_WRITE_VECTORS=1` writes the file anew, when the format changes.
#[test]
fn the_page_has_the_vectors_of_this_format() {
    let file = root().join("docs/vault-format-vectors.json");
    let (whole, _) = vectors();
    if std::env::var_os("CONCLAVE_WRITE_VECTORS").is_some() {
        std::fs::write(&file, &whole).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), whole);
}

#[test]
fn another_language_decodes_them_from_the_cards_on() {
    let root = root();
    let oracles =
        std::env::var_os("CONCLAVE_ORACLES").map_or_else(|| root.join(".oracles"), PathBuf::from);
    let output = Command::new(oracles.join("bin/python3"))
        .arg(root.join("tests/support/vault_format.py"))
        .arg(root.join("docs/vault-format-vectors.json"))
        .arg(root.join("src/crypto/primitive/recovery-words.txt"))
        .output()
        .expect("the oracle is missing: run ./scripts/test, which installs it");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    let found = String::from_utf8(output.stdout).unwrap();
    let (_, expected) = vectors();
    let expected: String = expected
        .iter()
        .map(|(name, value)| format!("{name} {value}\n"))
        .collect();
    assert_eq!(found, expected);
}
