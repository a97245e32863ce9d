//! Every parser that takes bytes from outside: here, and nowhere else.
//!
//! The fuzzer (`scripts/fuzz`) and the corpus test (`tests/fuzz_parsers.rs`) run
//! the same functions. A parser says what must hold of whatever it accepts, not
//! only that it does not fall over. The corpus test looks through the sources
//! for parsers that stand in no list.

use std::sync::OnceLock;

use conclave::tui::Decoder;
use conclave_crypto::cca::{ControlVector, DesToken, RsaToken};
use conclave_crypto::keyblock::{
    Akb, AkbHeader, Kbpk, KeyBlock, LmkId, ThalesBlock, describe_akb, describe_cryptogram,
    describe_thales, kwp,
};
use conclave_crypto::keystore::{self, EntryKind, Item, Store};
use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::primitive::key_scheme::Cryptogram;
use conclave_crypto::primitive::key_wrap;
use conclave_crypto::primitive::modes::Algorithm as Cipher;
use conclave_crypto::primitive::passphrase::{Passphrase, number_of};
use conclave_crypto::primitive::rsa::Public;
use conclave_crypto::secret::{RandomError, RandomSource, Secret};
use conclave_crypto::x509;
use conclave_crypto::x509::cms::{self, Own, Recipient, Signer};
use conclave_crypto::x509::rsa_pair;
use conclave_evidence::authority::AuthorityChain;
use conclave_evidence::backup::{SignedBackup, frame, frames};
use conclave_evidence::export::JournalExport;
use conclave_evidence::journal::SignedAnchor;
use conclave_evidence::manifest::SignedManifest;
use conclave_evidence::transcript::SignedTranscript;
use conclave_evidence::update::{SignedUpdate, read_version, version_words};
use conclave_evidence::{cbor, words};
use conclave_keyroom::domain::label::check_label;
use conclave_keyroom::domain::people::check_name;
use conclave_keyroom::piv::{PivCard, Slot, tlv};
use conclave_keyroom::ports::card::{CardChannel, CardError, Response};
use conclave_station::config::Config;
use conclave_station::host::ipp::http_body;
use conclave_station::host::machine::{Text, read_machine_text};
use conclave_station::host::superblock;
use conclave_trades::ceremony::{Engine, Script, parse_duties, parse_profile, parse_template};
use conclave_trades::inspect::{inspect, looks_like};
use conclave_trades::media::{Disc, SECTOR, disc_length};
use conclave_trades::pin;
use conclave_trades::print::{ImportOptions, Layout, import, ipp};
use serde::de::IgnoredAny;

/// A parser and how it is tried.
pub struct Parser {
    /// Its name, and that of its folder in `tests/fuzz/corpus`.
    pub name: &'static str,
    /// The functions it goes through, as the sources name them: file below
    /// `src/`, then function. The test that looks for parsers reads it.
    #[allow(dead_code, reason = "the fuzzing program itself does not read it")]
    pub covers: &'static [&'static str],
    /// More folders with seeds, from the repository's root.
    pub seeds: &'static [&'static str],
    /// Tries one input; stops the program where something does not hold.
    pub run: fn(&[u8]),
}

/// All of them.
pub const PARSERS: &[Parser] = &[
    Parser {
        name: "tr31",
        covers: &[
            "crypto/keyblock/unwrap.rs parse",
            "crypto/keyblock/unwrap.rs unwrap",
            "crypto/keyblock/header.rs parse",
            "crypto/keyblock/blocks.rs parse",
        ],
        seeds: &["tests/malformed/tr31"],
        run: tr31,
    },
    Parser {
        name: "thales",
        covers: &[
            "crypto/keyblock/thales/block.rs parse",
            "crypto/keyblock/thales/header.rs new",
        ],
        seeds: &["tests/malformed/thales"],
        run: thales,
    },
    Parser {
        name: "akb",
        covers: &[
            "crypto/keyblock/akb/block.rs parse",
            "crypto/keyblock/akb/header.rs parse",
        ],
        seeds: &["tests/malformed/akb"],
        run: akb,
    },
    Parser {
        name: "kwp",
        covers: &["crypto/keyblock/kwp.rs unwrap"],
        seeds: &[],
        run: wrapped_key,
    },
    Parser {
        name: "inspect",
        covers: &[
            "crypto/describe.rs describe",
            "crypto/keyblock/describe.rs describe",
            "crypto/x509/describe.rs describe",
            "crypto/x509/cms/describe.rs describe",
            "trades/inspect/mod.rs inspect",
            "trades/inspect/papers.rs describe",
            "trades/inspect/prints.rs describe",
            "trades/inspect/hosts.rs describe",
            "trades/inspect/looks.rs looks_like",
        ],
        seeds: &[
            "tests/inspect/samples",
            "tests/inspect/hosts",
            "tests/malformed/tr31",
            "tests/malformed/cms",
        ],
        run: any_file,
    },
    Parser {
        name: "cryptogram",
        covers: &["crypto/primitive/key_scheme.rs parse"],
        seeds: &["tests/malformed/cryptograms"],
        run: cryptogram,
    },
    Parser {
        name: "cca",
        covers: &[
            "crypto/cca/des_token.rs parse",
            "crypto/cca/rsa_token.rs parse",
            "crypto/cca/control_vector.rs parse",
        ],
        seeds: &["tests/malformed/cca"],
        run: cca,
    },
    Parser {
        name: "rsa-public",
        covers: &["crypto/primitive/rsa.rs read"],
        seeds: &["tests/malformed/rsa-public"],
        run: rsa_public,
    },
    Parser {
        name: "key-store",
        covers: &[
            "crypto/keystore/mod.rs read",
            "crypto/keystore/mod.rs open",
            "crypto/keystore/describe.rs describe",
        ],
        seeds: &["tests/malformed/stores"],
        run: key_store,
    },
    Parser {
        name: "certificate-chain",
        covers: &["crypto/x509/rsa_pair.rs read_chain"],
        seeds: &["tests/malformed/chains"],
        run: certificate_chain,
    },
    Parser {
        name: "cbor",
        covers: &[
            "evidence/cbor.rs from_slice",
            "evidence/cbor.rs exact",
            "evidence/cbor.rs tag_of",
        ],
        seeds: &["tests/fuzz/corpus/anchor", "tests/fuzz/corpus/manifest"],
        run: any_cbor,
    },
    Parser {
        name: "authority",
        covers: &["evidence/tagged.rs read_authority_file"],
        seeds: &[],
        run: authority,
    },
    Parser {
        name: "manifest",
        covers: &[
            "evidence/manifest.rs from_file",
            "evidence/manifest.rs check_name",
        ],
        seeds: &[],
        run: manifest,
    },
    Parser {
        name: "transcript",
        covers: &["evidence/transcript.rs from_file"],
        seeds: &[],
        run: transcript,
    },
    Parser {
        name: "journal",
        covers: &["evidence/export.rs from_file"],
        seeds: &[],
        run: journal,
    },
    Parser {
        name: "backup",
        covers: &["evidence/backup.rs from_file", "evidence/backup.rs frames"],
        seeds: &[],
        run: backup,
    },
    Parser {
        name: "update",
        covers: &[
            "evidence/update.rs from_file",
            "evidence/update.rs read_version",
        ],
        seeds: &["tests/malformed/updates"],
        run: update,
    },
    Parser {
        name: "anchor",
        covers: &["evidence/cbor.rs from_slice"],
        seeds: &[],
        run: anchor,
    },
    Parser {
        name: "words",
        covers: &[
            "evidence/words.rs read_digest",
            "evidence/words.rs from_words",
            "crypto/primitive/passphrase.rs number_of",
            "crypto/primitive/passphrase.rs typed",
            "keyroom/domain/label.rs check_label",
            "keyroom/domain/people.rs check_name",
        ],
        seeds: &[],
        run: typed,
    },
    Parser {
        name: "config",
        covers: &["station/config.rs parse"],
        seeds: &["tests/malformed/stations"],
        run: config,
    },
    Parser {
        name: "script",
        covers: &[
            "trades/ceremony/script.rs parse",
            "trades/ceremony/engine.rs new",
        ],
        seeds: &["templates/ceremonies", "tests/malformed/scripts"],
        run: script,
    },
    Parser {
        name: "template",
        covers: &[
            "trades/ceremony/template.rs parse_template",
            "trades/ceremony/template.rs parse_profile",
            "trades/ceremony/template.rs parse_duties",
            "trades/target/profile.rs parse_target_profile",
        ],
        seeds: &[
            "templates/keys",
            "templates/duties",
            "profiles",
            "profiles/targets",
            "tests/malformed/templates",
        ],
        run: template,
    },
    Parser {
        name: "receipt",
        covers: &["trades/target/receipt.rs parse"],
        seeds: &["tests/malformed/receipts"],
        run: receipt,
    },
    Parser {
        name: "layout",
        covers: &[
            "trades/print/layout.rs parse",
            "trades/print/layout.rs read",
            "trades/print/field.rs from_name",
            "trades/print/escape.rs from_name",
        ],
        seeds: &["keymailer-layouts", "tests/malformed/layouts"],
        run: layout,
    },
    Parser {
        name: "print-format",
        covers: &["trades/print/thales.rs import"],
        seeds: &["tests/malformed/print-formats"],
        run: print_format,
    },
    Parser {
        name: "card-answers",
        covers: &[
            "keyroom/piv/tlv.rs take",
            "keyroom/piv/tlv.rs only",
            "keyroom/piv/tlv.rs find",
            "keyroom/piv/mod.rs open",
            "keyroom/ports/card.rs new",
        ],
        seeds: &[],
        run: card_answers,
    },
    Parser {
        name: "certificate",
        covers: &[
            "crypto/x509/mod.rs subject_key",
            "crypto/x509/mod.rs verify_signature",
        ],
        seeds: &[],
        run: certificate,
    },
    Parser {
        name: "superblock",
        covers: &["station/host/superblock.rs id"],
        seeds: &[],
        run: file_system,
    },
    Parser {
        name: "disc",
        covers: &[
            "trades/media/disc_read.rs parse",
            "trades/media/disc_read.rs disc_length",
            "trades/media/disc_read.rs file",
        ],
        seeds: &[],
        run: disc,
    },
    Parser {
        name: "machine",
        covers: &["station/host/machine.rs read_machine_text"],
        seeds: &[
            "tests/machines/unfit/proc",
            "tests/machines/unfit/proc/self",
            "tests/machines/unfit/proc/net",
        ],
        run: machine,
    },
    Parser {
        name: "cards",
        covers: &["trades/pin/rows.rs read", "trades/pin/template.rs parse"],
        seeds: &[
            "tests/malformed/pins",
            "tests/malformed/pin-templates",
            "tests/vectors/pins",
            "templates/pins",
        ],
        run: cards,
    },
    Parser {
        name: "recipient",
        covers: &["crypto/x509/cms/enrolled.rs read"],
        seeds: &[
            "tests/fuzz/corpus/certificate",
            "tests/malformed/channel-certificates",
            "tests/vectors/cms",
        ],
        run: recipient,
    },
    Parser {
        name: "cms",
        covers: &[
            "crypto/x509/cms/sealed.rs open",
            "crypto/x509/cms/sign.rs verify_own",
            "crypto/primitive/key_wrap.rs unwrap",
        ],
        seeds: &["tests/malformed/cms"],
        run: cms_file,
    },
    Parser {
        name: "ipp",
        covers: &["trades/print/ipp.rs parse", "station/host/ipp.rs http_body"],
        seeds: &[],
        run: report_printer,
    },
    Parser {
        name: "keyboard",
        covers: &["tui/key.rs feed"],
        seeds: &[],
        run: keyboard,
    },
];

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// A file without the line end that an editor leaves.
fn line(data: &[u8]) -> &[u8] {
    data.strip_suffix(b"\n").unwrap_or(data)
}

fn tr31(data: &[u8]) {
    let data = line(data);
    let Ok(block) = KeyBlock::parse(data) else {
        return;
    };
    for (cipher, length) in [(Cipher::Tdes, 16), (Cipher::Tdes, 24), (Cipher::Aes, 32)] {
        let key = Secret::from_fn(length, |key| {
            for (at, byte) in key.iter_mut().enumerate() {
                *byte = u8::try_from(17 * (at + 1) % 251).unwrap_or(1);
            }
        });
        let Ok(kbpk) = Kbpk::new(cipher, key) else {
            continue;
        };
        if let Ok(unwrapped) = block.unwrap(&kbpk) {
            assert!(unwrapped.key.len() <= 512, "longer than any block");
        }
    }
}

/// What opens under a key is wrapped again to the same bytes.
fn wrapped_key(data: &[u8]) {
    for length in [16, 24, 32] {
        let kek = Secret::from_fn(length, |key| key.fill(0x5A));
        if let Ok(key) = kwp::unwrap(&kek, data) {
            assert_eq!(kwp::wrap(&kek, &key).ok().as_deref(), Some(data));
        }
    }
}

/// Whatever is said of a file is short, printable and bounded in number.
fn any_file(data: &[u8]) {
    let _ = looks_like(data);
    for found in inspect(data) {
        assert!(!found.may_be.is_empty(), "nothing is no finding");
        for said in found.may_be {
            assert!(said.fields.len() <= 200 && said.unusual.len() <= 200);
            let fields = said.fields.iter();
            let texts = fields.flat_map(|f| [&f.name, &f.value, &f.meaning]);
            for text in texts.chain(&said.unusual) {
                assert!(text.len() <= 420 && !text.chars().any(char::is_control));
            }
        }
    }
}

/// A file of cards by three templates, or a template itself.
fn cards(data: &[u8]) {
    const TEMPLATES: [&str; 3] = [
        include_str!("../../templates/pins/csv-pvv.toml"),
        include_str!("../../templates/pins/fixed-offset.toml"),
        include_str!("../../templates/pins/json-host.toml"),
    ];
    if let Some(text) = text(data) {
        let _ = pin::Template::parse(text);
    }
    for template in TEMPLATES {
        let template = pin::Template::parse(template).expect("a good template");
        match pin::read(&template, data, &pin::Against::NOTHING) {
            Ok(batch) => assert!(batch.cards.iter().all(|card| card.pan.digits().len() >= 12)),
            Err(faults) => {
                assert!((1..=pin::MOST_FAULTS).contains(&faults.len()));
                // A fault quotes nothing: it may be a card number.
                for fault in faults {
                    assert!(fault.to_string().len() < 120);
                }
            }
        }
    }
}

/// A certificate to which files are encrypted.
fn recipient(data: &[u8]) {
    if let Ok(recipient) = Recipient::read(data) {
        assert_eq!(Recipient::read(recipient.certificate()), Ok(recipient));
    }
}

/// The key of RFC 6979 A.2.5, which the seeds are encrypted to.
pub fn published_pair() -> KeyPair {
    let scalar = [
        0xC9, 0xAF, 0xA9, 0xD8, 0x45, 0xBA, 0x75, 0x16, 0x6B, 0x5C, 0x21, 0x57, 0x67, 0xB1, 0xD6,
        0x93, 0x4E, 0x50, 0xC3, 0xDB, 0x36, 0xE8, 0x9B, 0x12, 0x7B, 0x8A, 0x62, 0x2B, 0x12, 0x0F,
        0x67, 0x21,
    ];
    KeyPair::from_secret(Secret::from_fn(32, |to| to.copy_from_slice(&scalar))).expect("a key")
}

/// A file that is encrypted and signed. What opens was signed: nothing but the
/// seeds themselves does.
fn cms_file(data: &[u8]) {
    let pair = published_pair();
    let station = include_bytes!("../vectors/cms/station.pem");
    let own = [Own::new(&pair, station).expect("its certificate")];
    for signer in [
        &include_bytes!("../vectors/cms/signer.pem")[..],
        include_bytes!("../vectors/cms/signer-ec.pem"),
    ] {
        let signer = Signer::read(signer).expect("a certificate");
        if let Ok(opened) = cms::open(data, &own, &signer) {
            assert!(opened.content.starts_with(b"batch;B-0001;BANKX"));
        }
        let _ = cms::verify_own(data, &signer);
    }
    let kek = Secret::from_fn(32, |key| key.fill(0x5A));
    if let Ok(key) = key_wrap::unwrap(&kek, data) {
        assert_eq!(key_wrap::wrap(&kek, &key).ok().as_deref(), Some(data));
    }
}

/// What is accepted is written again to the same bytes: there is one way to
/// write anything.
fn any_cbor(data: &[u8]) {
    let _ = cbor::tag_of(data);
    let _ = cbor::from_slice::<IgnoredAny>(data);
    if let Ok(anchor) = cbor::exact::<SignedAnchor>(data) {
        assert_eq!(cbor::to_vec(&anchor).expect("encodes"), data);
    }
}

fn authority(data: &[u8]) {
    let Ok(chain) = conclave_evidence::read_authority_file(data) else {
        return;
    };
    let again = conclave_evidence::authority_file(&chain).expect("encodes");
    assert_eq!(again, data, "one way to write it");
    let _ = AuthorityChain::verify(&chain);
}

fn manifest(data: &[u8]) {
    let Ok(signed) = SignedManifest::from_file(data) else {
        return;
    };
    assert_eq!(
        signed.to_file().expect("encodes"),
        data,
        "one way to write it"
    );
    if let Ok(manifest) = signed.open() {
        let _ = manifest.check_files();
    }
}

fn transcript(data: &[u8]) {
    let Ok(signed) = SignedTranscript::from_file(data) else {
        return;
    };
    assert_eq!(
        signed.to_file().expect("encodes"),
        data,
        "one way to write it"
    );
    let _ = signed.open();
}

fn journal(data: &[u8]) {
    let Ok(export) = JournalExport::from_file(data) else {
        return;
    };
    assert_eq!(
        export.to_file().expect("encodes"),
        data,
        "one way to write it"
    );
    let _ = export.verify();
}

/// A backup's manifest, or a file of its frames.
fn backup(data: &[u8]) {
    let mut again = Vec::new();
    let read = frames("records-0001.bin", data, &mut |key, value| {
        frame(&mut again, key, value);
        Ok(())
    });
    if read.is_ok() {
        assert_eq!(again, data, "one way to write it");
    }
    let Ok(signed) = SignedBackup::from_file(data) else {
        return;
    };
    assert_eq!(
        signed.to_file().expect("encodes"),
        data,
        "one way to write it"
    );
    if let Ok(backup) = signed.open() {
        let _ = (backup.check_files(), backup.act());
    }
}

/// An update's manifest, and versions.
fn update(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Some(version) = read_version(text)
    {
        assert_eq!(version_words(version), text, "one way to write it");
    }
    let Ok(signed) = SignedUpdate::from_file(data) else {
        return;
    };
    assert_eq!(
        signed.to_file().expect("encodes"),
        data,
        "one way to write it"
    );
    if let Ok(update) = signed.verify() {
        update.check().expect("verified is checked");
    }
}

/// What lies in a card's anchor container.
fn anchor(data: &[u8]) {
    if let Ok(signed) = cbor::from_slice::<SignedAnchor>(data) {
        let _ = signed.anchor.digest();
        let nobody = conclave_evidence::Point([4; 65]);
        assert!(signed.verify(&nobody).is_err(), "no key signed this");
    }
}

/// What people type: a digest in words, labels, names.
/// The published test LMKs, so that seeds get below the MAC.
fn thales(data: &[u8]) {
    let said = describe_thales(data);
    let key = |digits: &[u8]| Secret::from_fn(digits.len(), |to| to.copy_from_slice(digits));
    let tdes = key(&[
        0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
        0x80, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10,
    ]);
    let aes = key(&[
        0x9B, 0x71, 0x33, 0x3A, 0x13, 0xF9, 0xFA, 0xE7, 0x2F, 0x9D, 0x0E, 0x2D, 0xAB, 0x4A, 0xD6,
        0x78, 0x47, 0x18, 0x01, 0x2F, 0x92, 0x44, 0x03, 0x3F, 0x3F, 0x26, 0xA2, 0xDE, 0x0C, 0x8A,
        0xA1, 0x1A,
    ]);
    let Ok(block) = ThalesBlock::parse(data) else {
        return;
    };
    if data.starts_with(b"S") {
        let sure = said.map(|said| said.confidence);
        assert_eq!(sure, Some(conclave_crypto::describe::Confidence::Certain));
    }
    let header = block.header();
    assert_eq!(LmkId::new(&header.lmk.to_string()), Some(header.lmk));
    assert!(header.blocks.len() <= 99 && block.encrypted_len() <= 5000);
    for (cipher, lmk) in [(Cipher::Tdes, tdes), (Cipher::Aes, aes)] {
        let under = Kbpk::new(cipher, lmk).unwrap();
        if let Ok(found) = block.unwrap(&under) {
            assert_eq!(cipher, header.version.cipher());
            let whole = 2 + found.key.len() + found.padding.len();
            assert_eq!(whole, block.encrypted_len());
        }
    }
}

fn akb(data: &[u8]) {
    let Ok(block) = Akb::parse(data) else {
        return;
    };
    assert!(describe_akb(data).is_some());
    assert_eq!(block.text().as_bytes(), data, "written back");
    let header = block.header().to_string();
    assert_eq!(
        AkbHeader::parse(header.as_bytes()).as_ref(),
        Ok(block.header())
    );
    assert_eq!(block.header().fields().count(), 8);
    let mfk = [
        0x2A, 0xBC, 0x3D, 0xEF, 0x45, 0x67, 0x01, 0x89, 0x98, 0x10, 0x76, 0x45, 0xFE, 0xD3, 0xCB,
        0xA2, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF,
    ];
    let mfk = Secret::from_fn(mfk.len(), |to| to.copy_from_slice(&mfk));
    if let Ok(found) = block.unwrap(&mfk) {
        assert!(matches!(found.key.len(), 8 | 16 | 24));
    }
}

fn cryptogram(data: &[u8]) {
    // Behind a first line that says what is wrong with it.
    let behind = |data: &'_ [u8]| data.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1);
    let from = if data.starts_with(b"# ") {
        behind(data)
    } else {
        0
    };
    let data = line(data.get(from..).unwrap_or_default());
    let Some(text) = text(data) else { return };
    if let Ok(read) = Cryptogram::parse(text) {
        assert!(matches!(read.bytes.len(), 16 | 24));
        assert_eq!(describe_cryptogram(data).is_some(), read.letter.is_some());
        let mut again: String = read.letter.map(|s| s.to_string()).unwrap_or_default();
        again.extend(read.bytes.iter().map(|b| format!("{b:02X}")));
        assert_eq!(again, text, "written back");
    }
}

/// CCA tokens, as bytes and as hex behind a first line.
fn cca(data: &[u8]) {
    let _ = conclave_crypto::cca::describe(data);
    if let Ok(token) = DesToken::parse(data) {
        assert_eq!(token.to_bytes(), data, "one way to write it");
        let kek = Secret::from_fn(16, |kek| kek.fill(0x23));
        if let Ok(key) = token.open(&kek) {
            assert_eq!(key.len(), token.key_len());
        }
    }
    if let Ok(token) = RsaToken::parse(data) {
        assert_eq!(token.to_bytes(), data, "one way to write it");
    }
    let Some(text) = text(data) else { return };
    if let Ok(vector) = ControlVector::parse(text) {
        assert_eq!(ControlVector::parse(&vector.to_string()), Ok(vector));
    }
    let Some((_, digits)) = text.split_once('\n') else {
        return;
    };
    let digits: Vec<u8> = digits
        .trim_end()
        .chars()
        .filter_map(|c| c.to_digit(16))
        .map(|d| d as u8)
        .collect();
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    if !bytes.is_empty() && bytes.len() < 1024 {
        let _ = (
            conclave_crypto::cca::describe(&bytes),
            DesToken::parse(&bytes),
            RsaToken::parse(&bytes),
        );
    }
}

/// What follows the 16 empty sectors of a disc: they are put in front, so that no
/// input is spent on them.
fn disc(data: &[u8]) {
    let image = [vec![0; 16 * SECTOR], data.to_vec()].concat();
    if let Some(length) = disc_length(&image) {
        assert!(length > 16 * SECTOR);
    }
    let Ok(disc) = Disc::parse(&image[..]) else {
        return;
    };
    for folder in disc.folders().unwrap_or_default() {
        assert!(conclave_trades::media::check_name(&folder).is_ok());
        if let Ok(Some(file)) = disc.file(&folder, "manifest.cbor", image.len()) {
            assert!(file.len() <= image.len());
        }
    }
}

fn rsa_public(data: &[u8]) {
    if let Ok(public) = Public::read(data) {
        assert!(matches!(public.bits(), 2048 | 3072 | 4096));
        assert!(public.exponent() >= 65_537 && public.exponent() % 2 == 1);
        // One key, one writing.
        assert_eq!(Public::read(public.spki()).as_ref(), Ok(&public));
        let pem = public.pem().unwrap();
        assert_eq!(Public::read(pem.as_bytes()), Ok(public));
    }
}

/// The seeds' passphrase is `passphrase`.
fn key_store(data: &[u8]) {
    let described = keystore::describe(data);
    let text = b"passphrase";
    let word = Secret::from_fn(text.len(), |to| to.copy_from_slice(text));
    let Ok(store) = Store::read(data, &word) else {
        return;
    };
    // What is read is recognised too.
    assert!(described.is_some());
    for entry in store.entries.iter().take(2) {
        match entry.open(&word) {
            Ok(Item::Private { pkcs8, chain }) => {
                assert_eq!(entry.kind, EntryKind::Private);
                assert!(!pkcs8.is_empty() && chain == entry.certificates);
            }
            Ok(Item::Secret { key, .. }) => assert!((1..=64).contains(&key.len())),
            Ok(Item::Trusted { certificate }) => assert_eq!(certificate[0], 0x30),
            Err(_) => {}
        }
    }
}

/// A chain is of this key, and what was read once is read again.
fn certificate_chain(data: &[u8]) {
    // Read once: a key is divided by every prime below 2^16, which would take a
    // hundred times as long as what is tried here.
    static OWN: OnceLock<Public> = OnceLock::new();
    let leaf = include_bytes!("corpus/certificate-chain/leaf.der");
    let own = OWN.get_or_init(|| Public::read(leaf).unwrap());
    let Ok(chain) = rsa_pair::read_chain(data, own) else {
        return;
    };
    // By another reader than the one that is tried.
    let digest: String = own
        .fingerprint()
        .iter()
        .map(|b| format!("{b:02X}"))
        .collect();
    let said = x509::describe(&chain[0]).expect("a certificate");
    let mut told = said.fields.iter().map(|f| f.value.replace([' ', ':'], ""));
    assert!(
        told.any(|value| value.eq_ignore_ascii_case(&digest)),
        "{said:?}"
    );
    let text: String = chain
        .iter()
        .map(|der| rsa_pair::pem("CERTIFICATE", der).unwrap())
        .collect();
    assert_eq!(rsa_pair::read_chain(text.as_bytes(), own), Ok(chain));
}

fn typed(data: &[u8]) {
    // A word of a sheet, and a sheet by its numbers.
    if let Some(number) = number_of(data) {
        assert!(number < 2048 && data.is_ascii());
    }
    let numbers = Secret::from_fn(data.len(), |out| out.copy_from_slice(data));
    let _ = Passphrase::typed(numbers);
    let Some(text) = text(data) else { return };
    let _ = words::from_words(text);
    if let Ok(digest) = words::read_digest(text) {
        let read = words::digest_lines(&digest).join(" ");
        assert_eq!(words::read_digest(&read).ok(), Some(digest), "reads back");
    }
    if check_label(text).is_ok() {
        assert!(text.is_ascii() && text.len() <= 40);
    }
    if check_name(text).is_ok() {
        assert!(!text.chars().any(char::is_control));
    }
}

fn config(data: &[u8]) {
    if let Some(text) = text(data)
        && let Err(why) = Config::parse(text)
    {
        assert!(!why.is_empty());
    }
}

fn script(data: &[u8]) {
    match Script::parse(data) {
        Ok(script) => {
            assert!(!script.steps().is_empty(), "a script without steps");
            let _ = Engine::new(data).expect("what is read can be played");
        }
        Err(why) => assert!(!why.to_string().is_empty()),
    }
}

fn template(data: &[u8]) {
    if let Some(text) = text(data) {
        let _ = parse_template("name.toml", text);
        let _ = parse_profile("name.toml", text);
        let _ = conclave_trades::target::parse_target_profile(text);
        let _ = parse_duties("name.toml", text);
    }
}

fn receipt(data: &[u8]) {
    if let Ok(read) = conclave_trades::target::Receipt::parse(data) {
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
        assert!((16..=64).contains(&read.manifest.len()) && digits(&read.manifest));
        assert!(!read.received_by.is_empty() && read.received_by.len() <= 60);
        assert!(
            read.keys
                .iter()
                .all(|(label, value)| !label.is_empty() && digits(value))
        );
    }
}

fn layout(data: &[u8]) {
    if let Some(text) = text(data)
        && let Ok(layout) = Layout::parse(text)
    {
        assert!(!layout.kind().has_secret() || !layout.outside().is_empty());
    }
}

fn print_format(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let options = ImportOptions {
        name: "imported".into(),
        lines: 24,
        columns: 80,
        pin_digits: 6,
        fields: std::collections::BTreeMap::new(),
        outside: Vec::new(),
    };
    match import(text, &options) {
        Ok(layout) => {
            if let Err(faults) = Layout::read(&layout) {
                assert!(!faults.is_empty());
            }
        }
        Err(faults) => assert!(faults.iter().all(|fault| !fault.what.is_empty())),
    }
}

/// A card that answers with whatever stands in the input: a length, then so
/// many bytes.
struct Liar {
    rest: Vec<u8>,
    answers: usize,
}

impl CardChannel for Liar {
    fn transmit(&mut self, _: &[u8]) -> Result<Response, CardError> {
        self.answers += 1;
        // A card may chain its answer for ever, a byte at a time; the client
        // follows as far as its longest answer, in each of some ten questions.
        assert!(self.answers < 200_000, "no end of questions");
        if self.rest.is_empty() {
            return Err(CardError::Removed);
        }
        let length = usize::from(self.rest.remove(0)).min(self.rest.len());
        let mut answer: Vec<u8> = self.rest.drain(..length).collect();
        // Every other input byte would be a status word that ends it at once.
        if length % 4 != 3 {
            answer.extend([0x90, 0x00]);
        }
        Response::new(answer)
    }
}

struct Counter(u8);

impl RandomSource for Counter {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        for byte in buf {
            self.0 = self.0.wrapping_mul(109).wrapping_add(57);
            *byte = self.0;
        }
        Ok(())
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}

fn card_answers(data: &[u8]) {
    let _ = tlv::only(0x53, data);
    let _ = tlv::find(0x5C, data);
    if let Some(first) = tlv::take(data) {
        assert!(first.value.len() + first.rest.len() < data.len());
    }
    let channel = Liar {
        rest: data.to_vec(),
        answers: 0,
    };
    let Ok(mut card) = PivCard::open(Box::new(channel)) else {
        return;
    };
    let mut random = Counter(1);
    let _ = card.guid();
    let _ = card.inspect(&mut random);
    let _ = card.certificate(Slot::Authentication);
    let _ = card.anchors();
    let _ = card.tries_left();
    let _ = card.generate(Slot::Signature);
    let mut point = [4u8; 65];
    let _ = random.public(&mut point[1..]);
    let _ = card.ecdh(&point);
}

fn certificate(data: &[u8]) {
    let _ = x509::subject_key(data);
    let issuer = [4u8; 65];
    assert!(
        x509::verify_signature(data, &issuer).is_err(),
        "no point of the curve signed this"
    );
}

/// The first bytes of a stick.
fn file_system(data: &[u8]) {
    if let Some(id) = superblock::id(data) {
        assert!(id.is_ascii() && id.len() <= 36, "{id}");
    }
}

/// `/proc` of a machine that lies.
fn machine(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for kind in Text::ALL {
        for word in read_machine_text(kind, &text) {
            assert!(word.chars().all(|c| matches!(c, ' '..='~')), "{word:?}");
        }
    }
}

/// What a report printer answers, with the head of HTTP or without.
fn report_printer(data: &[u8]) {
    for closed in [false, true] {
        if let Ok(Some(body)) = http_body(data, closed) {
            assert!(body.len() <= ipp::ANSWER_MOST);
            let _ = ipp::Answer::parse(&body);
        }
    }
    if let Ok(answer) = ipp::Answer::parse(data)
        && let Ok(about) = answer.printer()
    {
        assert!(about.uuid.len() <= 126 && about.uuid.is_ascii());
    }
    if let Some(text) = text(data)
        && let Ok(at) = ipp::Loopback::parse(text)
    {
        assert!(at.socket().ip().is_loopback() && at.uri() == text);
    }
}

fn keyboard(data: &[u8]) {
    let mut decoder = Decoder::default();
    let mut keys = 0;
    for (at, byte) in data.iter().enumerate() {
        keys += usize::from(decoder.feed(*byte).is_some());
        if at % 7 == 6 {
            keys += usize::from(decoder.pause().is_some());
        }
    }
    keys += usize::from(decoder.pause().is_some());
    assert!(keys <= 2 * data.len() + 1, "keys that nobody pressed");
}
