//! Files that openssl encrypted to a P-256 key and signed are opened; whatever
//! is not both, by the right people, has one answer.

use std::fs;
use std::path::{Path, PathBuf};

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::secret::Secret;
use conclave_crypto::x509::cms::{CmsError, Own, Recipient, Signer, open, seal, verify_own};
use conclave_crypto::x509::{Issuer, Purpose, Request, issue};

use super::cms::openssl;
use super::psec::System;

const CARDS: &str = "batch;B-0001;BANKX;1;4111111111111111\n4111111111111111;00;2912;A HOLDER\n";
/// RFC 6979 A.2.5: the key of the files in `tests/malformed/cms`.
const PUBLISHED: &str = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn published() -> KeyPair {
    let mut scalar: Vec<u8> = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(&PUBLISHED[at..at + 2], 16).unwrap())
        .collect();
    KeyPair::from_secret(Secret::take(&mut scalar)).unwrap()
}

fn vector(name: &str) -> Vec<u8> {
    fs::read(root().join("tests/vectors/cms").join(name)).unwrap()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(root().join(folder)).unwrap();
    let mut all: Vec<PathBuf> = all.map(|one| one.unwrap().path()).collect();
    all.sort();
    all
}

fn refused(file: &[u8], own: &[Own<'_>], by: &Signer, what: &str) {
    match open(file, own, by) {
        Err(error) => assert_eq!(error, CmsError::Refused, "{what}"),
        Ok(_) => panic!("{what} opens"),
    }
}

/// Our own certificate as we issue it, and its key.
fn station(purpose: Purpose, random: &mut System) -> (KeyPair, Vec<u8>) {
    let pair = KeyPair::generate(random).unwrap();
    let public = *pair.public();
    let issuer = Issuer {
        name: "PIN room",
        public: &public,
    };
    let request = Request {
        subject: "PIN room",
        public: &public,
        purpose,
        serial: &[0x41, 7],
        not_before: 1_700_000_000,
        not_after: 2_000_000_000,
    };
    let der = issue(issuer, &request, |digest| pair.sign(digest)).unwrap();
    (pair, der)
}

#[test]
fn openssl_encrypts_and_signs_in_every_way_that_is_taken() {
    let mut random = System::new();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (pair, certificate) = station(Purpose::KeyManagement, &mut random);
    fs::write(at.join("station.der"), &certificate).unwrap();
    openssl(at, "x509 -inform DER -in station.der -out station.pem");
    for (name, key) in [
        ("rsa", "rsa:2048"),
        ("ec", "ec -pkeyopt ec_paramgen_curve:P-256"),
    ] {
        openssl(
            at,
            &format!(
                "req -x509 -newkey {key} -nodes -keyout {name}.key -out {name}.pem -days 30 -subj /O=BANKX/CN=Cards"
            ),
        );
    }
    let long: Vec<u8> = CARDS.bytes().cycle().take(100_000).collect();
    fs::write(at.join("cards"), &long).unwrap();
    let own = [Own::new(&pair, &certificate).unwrap()];
    let signs = [
        ("rsa", "-md sha256"),
        ("rsa", "-md sha384"),
        ("rsa", "-md sha512 -keyid"),
        ("rsa", "-md sha256 -keyopt rsa_padding_mode:pss"),
        (
            "rsa",
            "-md sha512 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:20",
        ),
        ("ec", "-md sha256 -stream"),
        ("ec", "-md sha384"),
        ("ec", "-md sha512 -nocerts"),
    ];
    let encrypts = [
        "-aes256",
        "-aes128 -keyopt ecdh_kdf_md:sha256",
        "-aes192 -keyopt ecdh_kdf_md:sha384 -keyid",
        "-aes256 -keyopt ecdh_kdf_md:sha512 -stream",
        "-aes-128-gcm -keyopt ecdh_kdf_md:sha256",
        "-aes-192-gcm",
        "-aes-256-gcm -keyopt ecdh_kdf_md:sha256 -keyid",
        "-aes128 -aes256-wrap",
    ];
    let sign = |name: &str, how: &str, from: &str, to: &str| {
        openssl(
            at,
            &format!(
                "cms -sign -binary -nodetach -outform DER -signer {name}.pem -inkey {name}.key {how} -in {from} -out {to}"
            ),
        );
    };
    let encrypt = |how: &str, from: &str, to: &str| {
        openssl(
            at,
            &format!(
                "cms -encrypt -binary -outform DER -in {from} -out {to} -recip station.pem {how}"
            ),
        );
    };
    for ((name, sign_how), encrypt_how) in signs.into_iter().zip(encrypts) {
        let signer = fs::read(at.join(format!("{name}.pem"))).unwrap();
        let signer = Signer::read(&signer).unwrap();
        let other = if name == "rsa" { "ec.pem" } else { "rsa.pem" };
        let other = Signer::read(&fs::read(at.join(other)).unwrap()).unwrap();
        sign(name, sign_how, "cards", "signed");
        encrypt(encrypt_how, "signed", "in");
        encrypt(encrypt_how, "cards", "encrypted");
        sign(name, sign_how, "encrypted", "out");
        for file in ["in", "out"] {
            let file = fs::read(at.join(file)).unwrap();
            let what = format!("{sign_how}, {encrypt_how}");
            let opened = match open(&file, &own, &signer) {
                Ok(opened) => opened,
                Err(error) => panic!("{what}: {error}"),
            };
            assert!(*opened.content == long, "{what}");
            assert!(opened.signed_at.is_some_and(|at| at > 1_700_000_000));
            refused(&file, &own, &other, &what);
            refused(&file, &[], &signer, &what);
        }
    }
}

#[test]
fn every_file_that_is_wrong_has_one_answer() {
    let pair = published();
    let own = [Own::new(&pair, &vector("station.pem")).unwrap()];
    let signers = ["signer.pem", "signer-ec.pem"].map(|name| Signer::read(&vector(name)).unwrap());
    for path in files("tests/fuzz/corpus/cms") {
        let opened = open(&fs::read(&path).unwrap(), &own, &signers[0]);
        let opened = opened.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(*opened.content, CARDS.as_bytes(), "{}", path.display());
    }
    let bad = files("tests/malformed/cms");
    assert!(bad.len() >= 20);
    for path in bad {
        let file = fs::read(&path).unwrap();
        for signer in &signers {
            refused(&file, &own, signer, &path.display().to_string());
        }
    }
    // A changed byte is one that nobody signed, or one that no key opens.
    // What may differ is what is not looked at: algorithms said a second time,
    // certificates. They do not change the content.
    for name in ["encrypted-then-signed.der", "gcm-by-key-id.der"] {
        let good = fs::read(root().join("tests/fuzz/corpus/cms").join(name)).unwrap();
        for at in (0..good.len()).step_by(3) {
            let mut file = good.clone();
            file[at] ^= 0x11;
            if let Ok(opened) = open(&file, &own, &signers[0]) {
                assert_eq!(*opened.content, CARDS.as_bytes(), "{name}: byte {at}");
            }
        }
        for len in (0..good.len()).step_by(37) {
            refused(&good[..len], &own, &signers[0], name);
        }
    }
}

#[test]
fn openssl_opens_and_verifies_what_is_sealed() {
    let mut random = System::new();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (pair, certificate) = station(Purpose::Approval, &mut random);
    fs::write(at.join("room.der"), &certificate).unwrap();
    openssl(at, "x509 -inform DER -in room.der -out room.pem");
    let signer = Signer::read(&certificate).unwrap();
    assert!(signer.may_sign());
    for (name, key) in [
        ("rsa", "rsa:3072"),
        ("ec", "ec -pkeyopt ec_paramgen_curve:P-256"),
    ] {
        openssl(
            at,
            &format!(
                "req -x509 -newkey {key} -nodes -keyout {name}.key -out {name}.pem -days 30 -subj /O=BANKX/CN=Host"
            ),
        );
        let to = Recipient::read(&fs::read(at.join(format!("{name}.pem"))).unwrap()).unwrap();
        for content in [&b""[..], CARDS.as_bytes(), &[7; 100_000]] {
            let now = 1_795_000_000;
            let file = seal(
                content,
                &to,
                &signer,
                now,
                |d| pair.sign(d).ok(),
                &mut random,
            )
            .unwrap();
            fs::write(at.join("out.p7m"), &file).unwrap();
            openssl(
                at,
                &format!(
                    "cms -decrypt -binary -inform DER -in out.p7m -out signed.p7s -recip {name}.pem -inkey {name}.key"
                ),
            );
            // The certificate signed itself: it stands for itself as an anchor,
            // at a time at which it holds.
            let found = openssl(
                at,
                "cms -verify -binary -inform DER -in signed.p7s -CAfile room.pem -partial_chain -purpose any -attime 1795000000",
            );
            assert!(found == content, "{name}");
            let signed = fs::read(at.join("signed.p7s")).unwrap();
            let (own, time) = verify_own(&signed, &signer).unwrap();
            assert!(*own == content && time == Some(now));
            let shown = openssl(at, "cms -cmsout -print -inform DER -in out.p7m");
            let shown = String::from_utf8_lossy(&shown).into_owned();
            assert!(shown.contains("aes-256-cbc"), "{shown}");
        }
        // A signature of another key does not leave.
        let strange = KeyPair::generate(&mut random).unwrap();
        let made = seal(b"x", &to, &signer, 0, |d| strange.sign(d).ok(), &mut random);
        assert_eq!(made.err(), Some(CmsError::Signature));
    }
}

#[test]
fn certificates_say_what_their_keys_are_for() {
    let signer = Signer::read(&vector("signer.pem")).unwrap();
    assert!(signer.may_sign());
    assert_eq!(signer.facts().key, "RSA-2048");
    assert!(signer.facts().subject.contains("Card centre"));
    assert!(
        !Recipient::read(&vector("signer.pem"))
            .unwrap()
            .may_receive()
    );
    let station = Recipient::read(&vector("station.pem")).unwrap();
    assert!(station.may_receive() && station.facts().key == "P-256");
    assert!(!Signer::read(&vector("station.pem")).unwrap().may_sign());
    let pair = published();
    assert_eq!(
        Own::new(&pair, &vector("signer.pem")).err(),
        Some(CmsError::Curve)
    );
}
