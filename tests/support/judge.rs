//! psec (and pyemv for CVC3) as an outside judge: one run of Python, fed by lines.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop at the first surprise"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Answers with one line for each line.
const ORACLE: &str = r#"
import sys, warnings
warnings.filterwarnings("ignore")
from psec import des, pin, pinblock, cvv, mac
import pyemv
b = bytes.fromhex
for line in sys.stdin:
    kind, *a = line.rstrip("\n").split(" ")
    if kind == "natural":
        r = pin.generate_ibm3624_pin(b(a[0]), a[1], "0" * int(a[5]), a[2], int(a[3]), int(a[4]), "F")
    elif kind == "offset":
        r = pin.generate_ibm3624_offset(b(a[0]), a[1], a[5], a[2], int(a[3]), int(a[4]), "F")
    elif kind == "pvv":
        r = pin.generate_visa_pvv(b(a[0]), a[1], a[3][:4], a[2])
    elif kind == "cvv":
        r = cvv.generate_cvv(b(a[0]), a[1], a[2], a[3])
    elif kind == "iso0":
        r = pinblock.encode_pinblock_iso_0(a[0], a[1]).hex().upper()
    elif kind == "iso2":
        r = pinblock.encode_pinblock_iso_2(a[0]).hex().upper()
    elif kind == "iso3":
        r = pinblock.decode_pinblock_iso_3(b(a[0]), a[1])
    elif kind == "iso3w":
        r = pinblock.encode_pinblock_iso_3(a[0], a[1]).hex().upper()
    elif kind == "iso4":
        r = pinblock.decipher_pinblock_iso_4(b(a[0]), b(a[1]), a[2])
    elif kind == "iso4w":
        r = pinblock.encipher_pinblock_iso_4(b(a[0]), a[1], a[2]).hex().upper()
    elif kind == "tdes":
        r = des.encrypt_tdes_ecb(b(a[0]), b(a[1])).hex().upper()
    elif kind == "untdes":
        r = des.decrypt_tdes_ecb(b(a[0]), b(a[1])).hex().upper()
    elif kind == "mac1":
        r = mac.generate_cbc_mac(b(a[0]), b(a[1]), int(a[2])).hex().upper()
    elif kind == "mac3":
        r = mac.generate_retail_mac(b(a[0])[:8], b(a[0])[8:], b(a[1]), int(a[2])).hex().upper()
    elif kind == "cvc3":
        key = pyemv.kd.derive_icc_mk_b(b(a[0]), a[1], a[2])
        r = pyemv.cvv.generate_cvc3(key, b(a[3]), b(a[4]), b(a[5]))
    print(r)
"#;

fn python() -> PathBuf {
    let folder = std::env::var_os("CONCLAVE_ORACLES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".oracles"),
        PathBuf::from,
    );
    folder.join("bin/python3")
}

/// Asks all questions in one run of the oracle.
pub fn ask(questions: &[String]) -> Vec<String> {
    let mut child = Command::new(python())
        .args(["-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("psec: run ./scripts/test, which installs it");
    let mut stdin = child.stdin.take().unwrap();
    let lines = questions.join("\n") + "\n";
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let answers: Vec<String> = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| line.unwrap())
        .collect();
    writer.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(answers.len(), questions.len(), "psec: run ./scripts/test");
    answers
}
