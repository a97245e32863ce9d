//! openssl opens what is encrypted to a certificate that it made.

use std::fs;
use std::path::Path;
use std::process::Command;

use conclave_crypto::x509::cms::{CmsError, Recipient, envelop};

use super::psec::System;

pub fn openssl(folder: &Path, arguments: &str) -> Vec<u8> {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .expect("openssl: run ./scripts/test, which installs it");
    assert!(
        output.status.success(),
        "{arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[test]
fn openssl_opens_the_output_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    openssl(
        at,
        "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 30 -subj /O=BANKX/CN=Host",
    );
    let pem = fs::read(at.join("certificate.pem")).unwrap();
    let recipient = Recipient::read(&pem).unwrap();
    assert_eq!(Recipient::read(recipient.certificate()).unwrap(), recipient);
    let mut random = System::new();
    for content in [&b""[..], b"batch;B-0001\n", &[0x30; 16], &[7; 200_000]] {
        let file = envelop(&recipient, content, &mut random).unwrap();
        assert!(content.is_empty() || !file.windows(content.len()).any(|part| part == content));
        fs::write(at.join("out.p7m"), &file).unwrap();
        let found = openssl(
            at,
            "cms -decrypt -binary -inform DER -in out.p7m -recip certificate.pem -inkey key.pem",
        );
        assert!(
            found == content,
            "{} bytes, {} came back",
            content.len(),
            found.len()
        );
        let shown = openssl(at, "cms -cmsout -print -inform DER -in out.p7m");
        let shown = String::from_utf8_lossy(&shown).into_owned();
        assert!(
            shown.contains("aes-256-cbc") && shown.contains("rsaesOaep"),
            "{shown}"
        );
    }
}

#[test]
fn what_is_no_certificate_of_a_key_that_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    openssl(
        at,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout key.pem -out ec.pem -days 30 -subj /CN=x",
    );
    let ec = fs::read(at.join("ec.pem")).unwrap();
    assert_eq!(Recipient::read(&ec), Err(CmsError::Curve));
    let key = fs::read(at.join("key.pem")).unwrap();
    for bad in [
        &b""[..],
        b"-----BEGIN CERTIFICATE-----\n",
        &[0x30, 0x80],
        &key,
    ] {
        assert_eq!(Recipient::read(bad), Err(CmsError::NotACertificate));
    }
}
