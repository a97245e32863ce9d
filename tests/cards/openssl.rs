//! OpenSSL as the outside judge of what cards sign and agree on.

use std::path::Path;
use std::process::{Command, Stdio};

use p256::ecdsa::Signature;

/// SubjectPublicKeyInfo of a P-256 point (RFC 5480), without the point.
const SPKI_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A,
    0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

fn openssl(folder: &Path, arguments: &[&str]) -> (bool, Vec<u8>) {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("openssl: run ./scripts/test, which installs it");
    (output.status.success(), output.stdout)
}

fn write_public(folder: &Path, name: &str, point: &[u8; 65]) {
    let spki = [&SPKI_HEAD[..], point].concat();
    std::fs::write(folder.join(name), spki).expect("a file");
}

/// Whether openssl accepts the signature over a digest.
pub fn verifies(point: &[u8; 65], digest: &[u8; 32], signature: &[u8; 64]) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    write_public(path, "public.der", point);
    let signature = Signature::from_slice(signature).expect("r and s in range");
    std::fs::write(path.join("signature.der"), signature.to_der().as_bytes()).expect("a file");
    std::fs::write(path.join("digest"), digest).expect("a file");
    let arguments = "pkeyutl -verify -pubin -keyform DER -inkey public.der \
                     -in digest -sigfile signature.der";
    openssl(path, &arguments.split_whitespace().collect::<Vec<_>>()).0
}

/// A fresh key pair of openssl's: its public point, and what it agrees on
/// with another point.
pub struct Peer {
    folder: tempfile::TempDir,
    pub point: [u8; 65],
}

impl Peer {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = |arguments: &str| {
            let words: Vec<_> = arguments.split_whitespace().collect();
            let (fine, out) = openssl(folder.path(), &words);
            assert!(fine, "openssl {arguments}");
            out
        };
        run("ecparam -name prime256v1 -genkey -noout -out private.pem");
        let spki = run("ec -in private.pem -pubout -outform DER");
        let point = spki[SPKI_HEAD.len()..].try_into().expect("65 bytes");
        Self { folder, point }
    }

    pub fn agree(&self, with: &[u8; 65]) -> Vec<u8> {
        write_public(self.folder.path(), "peer.der", with);
        let arguments = "pkeyutl -derive -inkey private.pem -peerkey peer.der -peerform DER";
        let words: Vec<_> = arguments.split_whitespace().collect();
        let (fine, secret) = openssl(self.folder.path(), &words);
        assert!(fine, "openssl derives");
        secret
    }
}
