//! OpenSSL as the outside judge of the certificates on the cards.

use std::path::Path;
use std::process::{Command, Stdio};

fn openssl(folder: &Path, arguments: &str) -> (bool, String) {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .expect("openssl: run ./scripts/test, which installs it");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), text)
}

fn pem(folder: &Path, name: &str, der: &[u8]) {
    std::fs::write(folder.join("in.der"), der).expect("a file");
    let (fine, _) = openssl(folder, &format!("x509 -inform DER -in in.der -out {name}"));
    assert!(fine, "{name} is no certificate");
}

/// Whether a certificate is one of this authority's, at this second since
/// 1970.
pub fn verifies(authority: &[u8], certificate: &[u8], at_s: u64) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    pem(path, "ca.pem", authority);
    pem(path, "card.pem", certificate);
    let verify = format!("verify -x509_strict -attime {at_s} -no-CApath -CAfile ca.pem card.pem");
    openssl(path, &verify).0
}

/// Subject and issuer of a certificate, in OpenSSL's words.
pub fn names(certificate: &[u8]) -> (String, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    pem(folder.path(), "card.pem", certificate);
    let (fine, text) = openssl(
        folder.path(),
        "x509 -in card.pem -noout -subject -issuer -nameopt multiline",
    );
    assert!(fine);
    let mut names = text
        .lines()
        .filter_map(|line| line.split_once("commonName"))
        .map(|(_, rest)| rest.trim_start_matches([' ', '=']).to_owned());
    (
        names.next().expect("a subject"),
        names.next().expect("an issuer"),
    )
}
