//! OpenSSL as the outside judge of a manifest's signature.

use std::path::Path;
use std::process::Command;

use crate::station::{QUORUMS, Station, sign_manifest};

/// SubjectPublicKeyInfo of a P-256 point (RFC 5480), without the point.
const SPKI_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A,
    0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

fn openssl(folder: &Path, arguments: &str) -> bool {
    Command::new("openssl")
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .output()
        .expect("openssl: run ./scripts/test, which installs it")
        .status
        .success()
}

#[test]
fn openssl_verifies_a_manifest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    let mut station = Station::new();
    let manifest = station.manifest(&QUORUMS);
    let signed = sign_manifest(&manifest);
    let write = |name: &str, bytes: &[u8]| std::fs::write(path.join(name), bytes).expect("a file");
    write(
        "public.der",
        &[&SPKI_HEAD[..], &station.record().export_key.0].concat(),
    );
    let signature = p256::ecdsa::Signature::from_slice(&signed.signature.0).expect("in range");
    write("signature.der", signature.to_der().as_bytes());
    write("manifest", &signed.manifest);
    write("digest", &signed.digest().0);
    let whole = "dgst -sha256 -verify public.der -keyform DER -signature signature.der manifest";
    assert!(openssl(path, whole));
    let digest = "pkeyutl -verify -pubin -keyform DER -inkey public.der \
                  -in digest -sigfile signature.der";
    assert!(openssl(path, digest));
    // It can refuse.
    let mut bytes = signed.manifest.to_vec();
    bytes[100] ^= 1;
    write("manifest", &bytes);
    assert!(!openssl(path, whole));
}
