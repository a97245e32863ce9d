//! A small station of nine cards whose keys are software, and its evidence.

use std::path::Path;

use conclave_evidence::approval::{Approval, SignedApproval, action_digest};
use conclave_evidence::authority::{
    AuthorityRecord, CardEntry, CardSignature, CardState, GroupEntry, MemberEntry, Mode,
    SignedAuthority,
};
use conclave_evidence::cbor::CborError;
use conclave_evidence::journal::{
    Anchor, Entry, EntryHeader, EntryKind, Head, SignedAnchor, SignedHead, entry_hash,
};
use conclave_evidence::manifest::{Encoding, FileEntry, Kcv, KeyLine, Medium, Under};
use conclave_evidence::transcript::TranscriptLine;
use conclave_evidence::{
    Bytes, GroupId, Hash, Id, JournalExport, Manifest, Point, Signature, SignedManifest,
    SignedTranscript, Transcript, authority_file, cbor, manifest_text,
};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use sha2::{Digest, Sha256};

/// 2026-03-01 09:30:00 UTC.
pub const NOW: u64 = 1_772_357_400_000;
/// The payload of bundles.
pub const PAYLOAD: &[u8] = b"a cryptogram\n";
/// Its name.
pub const PAYLOAD_NAME: &str = "ZMK-0001.bin";

const STATION_KEY: u8 = 201;
const EXPORT_KEY: u8 = 202;
const JOURNAL_KEY: u8 = 203;

/// Cards 1 to 3: administrators; 4 to 6: key managers; 7 to 9: approvers.
/// Card 4 is an approver's too.
pub const CARDS: std::ops::RangeInclusive<u8> = 1..=9;

fn key(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number; 32]).expect("a scalar in range")
}

pub fn point(number: u8) -> Point {
    let point = key(number).verifying_key().to_sec1_point(false);
    Point(point.as_bytes().try_into().expect("65 bytes"))
}

pub fn sign(number: u8, digest: &Hash) -> Signature {
    let signature: p256::ecdsa::Signature = key(number).sign_prehash(&digest.0).expect("signs");
    Signature(signature.to_bytes().into())
}

/// Slot 9A, 9C, 9D of a card.
fn slot(card: u8, at: u8) -> u8 {
    3 * card + at
}

pub fn id(number: u8) -> Id {
    Id([number; 16])
}

/// The id of a card's holder.
pub fn person(card: u8) -> Id {
    id(100 + card)
}

fn group(group: GroupId, m: u8, cards: &[u8]) -> GroupEntry {
    GroupEntry {
        group,
        m,
        epoch: 1,
        holds_secret: true,
        members: (1..)
            .zip(cards)
            .map(|(x, card)| MemberEntry {
                card: id(*card),
                person: person(*card),
                x,
                commitment: None,
            })
            .collect(),
        secret_check: None,
        wrap_key: None,
    }
}

pub struct Station {
    pub authority: Vec<SignedAuthority>,
    pub entries: Vec<Entry>,
    pub bundles: u64,
}

impl Station {
    pub fn new() -> Self {
        let record = AuthorityRecord {
            station: id(0xA1),
            station_name: "Vault Zürich".into(),
            mode: Mode::Test,
            incarnation: id(0xA2),
            seq: 0,
            previous: None,
            cards: CARDS
                .map(|card| CardEntry {
                    card: id(card),
                    person: person(card),
                    person_name: format!("Person {card}"),
                    auth_key_9a: point(slot(card, 0)),
                    sign_key_9c: point(slot(card, 1)),
                    agree_key_9d: point(slot(card, 2)),
                    state: CardState::Active,
                    words: None,
                })
                .collect(),
            groups: vec![
                group(GroupId::Administrators, 2, &[1, 2, 3]),
                group(GroupId::KeyManagers, 2, &[4, 5, 6]),
                group(GroupId::Approvers, 2, &[7, 8, 9, 4]),
            ],
            writers: Vec::new(),
            station_key: point(STATION_KEY),
            export_key: point(EXPORT_KEY),
            journal_key: point(JOURNAL_KEY),
            made_at_ms: NOW,
        };
        let mut station = Self {
            authority: Vec::new(),
            entries: Vec::new(),
            bundles: 0,
        };
        station.enact(&record, &[1, 2]);
        station.append(EntryKind::Note, 1, "genesis", None);
        station.append(EntryKind::Session, 2, "logon", None);
        station
    }

    pub fn record(&self) -> AuthorityRecord {
        self.authority
            .last()
            .and_then(|signed| signed.open().ok())
            .expect("a record")
    }

    pub fn record_hash(&self) -> Hash {
        self.record().digest().expect("encodes")
    }

    pub fn enact(&mut self, record: &AuthorityRecord, cards: &[u8]) {
        let mut signed = SignedAuthority::unsigned(record).expect("encodes");
        let digest = signed.digest().expect("encodes");
        signed.signatures = cards
            .iter()
            .map(|card| CardSignature {
                card: id(*card),
                signature: sign(slot(*card, 1), &digest),
            })
            .collect();
        self.authority.push(signed);
    }

    /// The next record, changed.
    pub fn next_record(&mut self, cards: &[u8], change: impl FnOnce(&mut AuthorityRecord)) {
        let mut record = self.record();
        record.previous = Some(self.record_hash());
        record.seq += 1;
        record.made_at_ms += 1;
        change(&mut record);
        self.enact(&record, cards);
    }

    pub fn append(&mut self, kind: EntryKind, act: u8, action: &str, commitment: Option<Hash>) {
        let seq = u64::try_from(self.entries.len()).expect("few");
        let previous = self.entries.last().map_or(Hash([0; 32]), entry_hash);
        let header = EntryHeader {
            seq,
            previous,
            wall_ms: NOW + seq,
            mono_ms: seq,
            boot: id(0xB0),
            kind,
            act: id(act),
            action: action.into(),
            commitment,
            roots: None,
        };
        self.entries.push(Entry {
            header: cbor::to_vec(&header).expect("encodes").into(),
            enc: point(JOURNAL_KEY),
            sealed: Bytes(vec![u8::try_from(seq).expect("few"); 48]),
        });
    }

    pub fn newest(&self) -> Hash {
        entry_hash(self.entries.last().expect("an entry"))
    }

    pub fn head(&self) -> Head {
        let record = self.record();
        Head {
            station: record.station,
            incarnation: record.incarnation,
            seq: u64::try_from(self.entries.len()).expect("few") - 1,
            entry: self.newest(),
            authority: self.record_hash(),
            wall_ms: NOW,
        }
    }

    pub fn signed_head(&self) -> SignedHead {
        SignedHead::sign(&self.head(), |digest| {
            Ok::<_, CborError>(sign(STATION_KEY, digest))
        })
        .expect("signs")
    }

    pub fn anchor(&self, card: u8) -> SignedAnchor {
        let anchor = Anchor {
            head: self.head(),
            card: id(card),
        };
        let signature = sign(slot(card, 0), &anchor.digest().expect("encodes"));
        SignedAnchor { anchor, signature }
    }

    pub fn export(&self) -> JournalExport {
        JournalExport {
            authority: self.authority.clone(),
            entries: self.entries.clone(),
            head: self.signed_head(),
            anchors: vec![self.anchor(4), self.anchor(7)],
        }
    }

    /// A bundle's manifest, its act proposed and let through, with the
    /// approvals of these cards.
    pub fn manifest(&mut self, approvals: &[(GroupId, u8)]) -> Manifest {
        self.bundles += 1;
        let act = 10 + u8::try_from(self.bundles).expect("few");
        let record = self.record();
        let params = cbor::to_vec(&("ZMK.0001", "Partner bank")).expect("encodes");
        let nonce = id(act);
        let action = action_digest("export-keys", &params, nonce).expect("encodes");
        self.append(EntryKind::Proposed, act, "export-keys", Some(action));
        let (size, sha256) = FileEntry::measure(PAYLOAD);
        let kcv = |value: &str| {
            Some(Kcv {
                value: value.into(),
                method: "legacy".into(),
            })
        };
        let mut manifest = Manifest {
            station: record.station,
            station_name: record.station_name.clone(),
            mode: record.mode,
            incarnation: record.incarnation,
            sequence: self.bundles,
            made_at_ms: NOW,
            recipient: "Partner bank".into(),
            medium: Medium {
                name: "Stick 1".into(),
                serial: "0123".into(),
            },
            files: vec![FileEntry {
                name: PAYLOAD_NAME.into(),
                size,
                sha256,
                format: "TR-31 B".into(),
                encoding: Encoding::Binary,
                lrecl: None,
                conformance: "proven by an outside tool".into(),
                keys: vec![KeyLine {
                    label: "ZMK.0001".into(),
                    algorithm: "TDES".into(),
                    bits: 128,
                    usage: "K0".into(),
                    kcv: kcv("08D7B4"),
                    under: Some(Under {
                        label: "KEK.0001".into(),
                        kcv: kcv("D5D44F"),
                    }),
                }],
            }],
            action_name: "export-keys".into(),
            action_params: params.into(),
            nonce,
            proposed: self.newest(),
            approvals: Vec::new(),
            authority: self.record_hash(),
        };
        manifest.approvals = approvals
            .iter()
            .map(|(group, card)| approve(&manifest, *group, *card))
            .collect();
        self.append(EntryKind::Intent, act, "export-keys", None);
        self.append(EntryKind::Outcome, act, "export-keys", None);
        manifest
    }

    pub fn transcript(&self) -> SignedTranscript {
        let record = self.record();
        let script = "title = \"Make a ZMK\"\n";
        let line = |seq: u64| TranscriptLine {
            seq,
            entry: entry_hash(&self.entries[usize::try_from(seq).expect("few")]),
            wall_ms: NOW + seq,
            step: format!("step-{seq}"),
            actors: vec!["Person 4".into()],
            words: "Shown".into(),
            result: "done".into(),
        };
        let transcript = Transcript {
            station: record.station,
            station_name: record.station_name.clone(),
            mode: record.mode,
            incarnation: record.incarnation,
            ceremony: id(0xC0),
            title: "Make a ZMK".into(),
            script_digest: Hash(Sha256::digest(script.as_bytes()).into()),
            script: script.into(),
            lines: vec![line(0), line(1)],
            minutes_sha256: Some(Hash(Sha256::digest(b"minutes").into())),
            authority: self.record_hash(),
        };
        sign_transcript(&transcript, &[4, 7])
    }

    /// Writes a bundle as it stands on a stick.
    pub fn write_bundle(&self, folder: &Path, manifest: &Manifest) {
        std::fs::create_dir_all(folder).expect("a folder");
        let signed = sign_manifest(manifest);
        let write = |name: &str, content: &[u8]| {
            std::fs::write(folder.join(name), content).expect("a file");
        };
        write("manifest.cbor", &signed.to_file().expect("encodes"));
        write(
            "authority.cbor",
            &authority_file(&self.authority).expect("encodes"),
        );
        write(
            "manifest.txt",
            manifest_text(manifest, &signed.digest()).as_bytes(),
        );
        write(PAYLOAD_NAME, PAYLOAD);
    }
}

/// Both quorums.
pub const QUORUMS: [(GroupId, u8); 4] = [
    (GroupId::KeyManagers, 4),
    (GroupId::KeyManagers, 5),
    (GroupId::Approvers, 7),
    (GroupId::Approvers, 8),
];

pub fn approve(manifest: &Manifest, group: GroupId, card: u8) -> SignedApproval {
    let approval = Approval {
        station: manifest.station,
        incarnation: manifest.incarnation,
        proposed: manifest.proposed,
        action: manifest.action_digest().expect("encodes"),
        action_name: manifest.action_name.clone(),
        person: person(card),
        group,
        card: id(card),
        key: point(slot(card, 1)),
        authority: manifest.authority,
        nonce: manifest.nonce,
        expires_ms: NOW + 60_000,
    };
    let signature = sign(slot(card, 1), &approval.digest().expect("encodes"));
    SignedApproval {
        approval,
        signature,
    }
}

pub fn sign_manifest(manifest: &Manifest) -> SignedManifest {
    SignedManifest::sign(manifest, |digest| {
        Ok::<_, CborError>(sign(EXPORT_KEY, digest))
    })
    .expect("signs")
}

pub fn sign_transcript(transcript: &Transcript, cards: &[u8]) -> SignedTranscript {
    let mut signed = SignedTranscript::sign(transcript, |digest| {
        Ok::<_, CborError>(sign(STATION_KEY, digest))
    })
    .expect("signs");
    let digest = signed.digest();
    signed.cards = cards
        .iter()
        .map(|card| CardSignature {
            card: id(*card),
            signature: sign(slot(*card, 1), &digest),
        })
        .collect();
    signed
}
