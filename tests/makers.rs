//! Keys for Thales and Atalla systems: the formats against an implementation of
//! somebody else's ciphers, then through the real door to a stick. Whatever a
//! target forbids is named before a key is opened.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "makers/brought.rs"]
mod brought;
#[allow(dead_code, reason = "the desk of the export tests does more")]
#[path = "export/desk.rs"]
mod desk;
#[path = "makers/exported.rs"]
mod exported;
#[path = "makers/hmac.rs"]
mod hmac;
#[path = "support/room.rs"]
mod room;
#[path = "makers/to_channel.rs"]
mod to_channel;
#[path = "makers/to_rsa.rs"]
mod to_rsa;
#[path = "makers/with_certificate.rs"]
mod with_certificate;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use conclave_crypto::keyblock::{
    Akb, AkbHeader, Attributes, Kbpk, LmkId, ThalesBlock, akb_wrap, thales_wrap,
};
use conclave_crypto::primitive::atalla_variant::{Variant, wrap};
use conclave_crypto::primitive::des_keys::set_odd_parity;
use conclave_crypto::primitive::modes::Algorithm as Cipher;
use conclave_crypto::secret::{RandomError, RandomSource, Secret};

/// Asks `makers/oracle.py` all questions in one run; answers in upper case.
pub fn ask(questions: &[String]) -> Vec<Vec<String>> {
    let python = std::env::var_os("CONCLAVE_ORACLES")
        .map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".oracles"),
            PathBuf::from,
        )
        .join("bin/python3");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/makers/oracle.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("pyca: run ./scripts/test, which installs it");
    let mut stdin = child.stdin.take().unwrap();
    let lines = questions.join("\n") + "\n";
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let answers: Vec<Vec<String>> = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| line.unwrap().split('\t').map(str::to_uppercase).collect())
        .collect();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(answers.len(), questions.len(), "run ./scripts/test");
    answers
}

struct System(std::fs::File);

impl RandomSource for System {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        std::io::Read::read_exact(&mut self.0, buf)
            .map_err(|e| RandomError::Unavailable(e.to_string()))
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn random(source: &mut System, len: usize, des: bool) -> Secret {
    let mut key = Secret::zeroed(len);
    source.secret(key.expose_mut()).unwrap();
    if des {
        set_odd_parity(key.expose_mut());
    }
    key
}

/// What is written is read by the other implementation, what the other writes is
/// read here; version 0 is besides what psec reads as TR-31 version A.
#[test]
fn thales_blocks_of_random_keys() {
    let source = &mut System(std::fs::File::open("/dev/urandom").unwrap());
    let mut questions = Vec::new();
    let mut expected = Vec::new();
    let mut theirs = Vec::new();
    for round in 0..12 {
        for (cipher, under, len, header) in [
            (Cipher::Tdes, 16, 16, "72TB00E"),
            (Cipher::Tdes, 24, 24, "K0TN00S"),
            (Cipher::Tdes, 24, 8, "P0DB00N"),
            (Cipher::Aes, 16, 16, "D0AB00E"),
            (Cipher::Aes, 24, 24, "22AN01S"),
            (Cipher::Aes, 32, 32, "52AB00N"),
            (Cipher::Aes, 32, 16, "B0TX00E"),
        ] {
            let tdes = cipher == Cipher::Tdes;
            let kbpk = random(source, under, tdes);
            let key = random(source, len, !header.contains('A'));
            let of = Attributes::parse(header).unwrap();
            let under = Kbpk::new(cipher, kbpk.duplicate()).unwrap();
            let text = thales_wrap(&under, &of, LmkId::EXPORT, &key, source).unwrap();
            let k = hex(kbpk.expose());
            questions.push(format!("S\t{k}\t{text}"));
            expected.push(hex(key.expose()));
            if tdes {
                questions.push(format!("P\t{k}\t{text}"));
                expected.push(hex(key.expose()));
            }
            let unit = if tdes { 8 } else { 16 };
            let pad = (2 + len).next_multiple_of(unit) - 2 - len + unit * (round % 3);
            let pad = "A5".repeat(pad);
            let digit = if tdes { '0' } else { '1' };
            let head = format!("{digit}0000{header}0007");
            theirs.push((
                under,
                key.duplicate(),
                format!("SW\t{k}\t{head}\t{}\t{pad}", hex(key.expose())),
            ));
        }
    }
    for (answer, key) in ask(&questions).iter().zip(&expected) {
        assert_eq!(&answer[0], key, "{answer:?}");
    }
    let questions: Vec<String> = theirs.iter().map(|(.., q)| q.clone()).collect();
    for (answer, (under, key, _)) in ask(&questions).iter().zip(&theirs) {
        let found = ThalesBlock::parse(answer[0].as_bytes())
            .unwrap()
            .unwrap(under)
            .unwrap();
        assert!(found.key.ct_eq(key.expose()), "{answer:?}");
        assert_eq!(found.header.lmk.to_string(), "07");
    }
}

#[test]
fn atalla_blocks_and_variants_of_random_keys() {
    let source = &mut System(std::fs::File::open("/dev/urandom").unwrap());
    let mut questions = Vec::new();
    let mut expected = Vec::new();
    let mut theirs = Vec::new();
    for round in 0..20u8 {
        for (under, len) in [(16, 8), (16, 16), (24, 16), (24, 24)] {
            let kek = random(source, under, true);
            let key = random(source, len, true);
            let (k, clear) = (hex(kek.expose()), hex(key.expose()));
            let header = AkbHeader::parse(b"1PUNE000").unwrap();
            let text = akb_wrap(&kek, header, &key).unwrap().text();
            questions.push(format!("A\t{k}\t{text}"));
            expected.push(clear.clone());
            questions.push(format!("AW\t{k}\t1PUNE000\t{clear}"));
            expected.push(text);
            theirs.push((kek.duplicate(), key.duplicate(), clear.clone()));
            if len > 8 {
                let number = Variant::new(round % 8).unwrap();
                questions.push(format!("V\t{}\t{k}\t{clear}", number.number()));
                expected.push(hex(&wrap(number, &kek, &key).unwrap()));
            }
        }
    }
    for (answer, wanted) in ask(&questions).iter().zip(&expected) {
        assert_eq!(&answer[0], wanted, "{answer:?}");
    }
    let questions: Vec<String> = theirs
        .iter()
        .map(|(kek, _, clear)| format!("AW\t{}\t1ADNS000\t{clear}", hex(kek.expose())))
        .collect();
    for (answer, (kek, key, _)) in ask(&questions).iter().zip(&theirs) {
        let found = Akb::parse(answer[0].as_bytes())
            .unwrap()
            .unwrap(kek)
            .unwrap();
        assert!(found.key.ct_eq(key.expose()), "{answer:?}");
    }
}
