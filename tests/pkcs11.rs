//! The two wraps of PKCS#11, judged by OpenSSL: AES-KWP both ways, and a key to
//! an RSA key, which OpenSSL opens in both pieces.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

use std::io::Write;
use std::process::{Command, Stdio};

use conclave_crypto::keyblock::{kwp, rsa_aes};
use conclave_crypto::primitive::rsa::{OaepHash, generate};
use conclave_crypto::secret::{RandomError, RandomSource, Secret};

struct System;

impl RandomSource for System {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        let mut file = std::fs::File::open("/dev/urandom").unwrap();
        std::io::Read::read_exact(&mut file, buf)
            .map_err(|e| RandomError::Unavailable(e.to_string()))
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

/// What OpenSSL makes of the bytes, or `None` where it refuses them.
fn openssl(arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl 3: run ./scripts/test, which installs it");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    output.status.success().then_some(output.stdout)
}

fn wrap_pad(direction: &str, kek: &Secret, input: &[u8]) -> Option<Vec<u8>> {
    let cipher = format!("-id-aes{}-wrap-pad", 8 * kek.len());
    let key = hex(kek.expose());
    let arguments = ["enc", direction, &cipher, "-K", &key, "-iv", "A65959A6"];
    openssl(&arguments, input)
}

#[test]
fn openssl_and_we_open_one_anothers_wrapped_keys() {
    for kek_len in [16, 24, 32] {
        for len in [1, 7, 8, 9, 16, 20, 24, 31, 32, 33, 64, 1217] {
            let kek = System.secret_bytes(kek_len).unwrap();
            let key = System.secret_bytes(len).unwrap();
            let ours = kwp::wrap(&kek, &key).unwrap();
            assert_eq!(wrap_pad("-e", &kek, key.expose()).unwrap(), ours);
            assert_eq!(wrap_pad("-d", &kek, &ours).unwrap(), key.expose());
            assert!(kwp::unwrap(&kek, &ours).unwrap().ct_eq(key.expose()));
            let mut changed = ours;
            changed[0] ^= 1;
            assert_eq!(wrap_pad("-d", &kek, &changed), None);
            assert!(kwp::unwrap(&kek, &changed).is_err());
        }
    }
}

#[test]
fn openssl_opens_what_goes_to_an_rsa_key() {
    let folder = tempfile::tempdir().unwrap();
    let (private, public) = generate(2048, &mut System).unwrap();
    let file = folder.path().join("private.der");
    std::fs::write(&file, private.expose()).unwrap();
    for (hash, name) in [(OaepHash::Sha1, "sha1"), (OaepHash::Sha256, "sha256")] {
        for len in [16, 24, 32, 1217] {
            let key = System.secret_bytes(len).unwrap();
            let wrapped = rsa_aes::wrap(&public, hash, &key, &mut System).unwrap();
            assert_eq!(wrapped.under_rsa.len(), 256);
            let digest = format!("rsa_oaep_md:{name}");
            let mask = format!("rsa_mgf1_md:{name}");
            let arguments = [
                "pkeyutl",
                "-decrypt",
                "-keyform",
                "DER",
                "-inkey",
                file.to_str().unwrap(),
                "-pkeyopt",
                "rsa_padding_mode:oaep",
                "-pkeyopt",
                &digest,
                "-pkeyopt",
                &mask,
            ];
            let mut fresh = openssl(&arguments, &wrapped.under_rsa).unwrap();
            assert_eq!(fresh.len(), rsa_aes::AES_LEN);
            let fresh = Secret::take(&mut fresh);
            let opened = wrap_pad("-d", &fresh, &wrapped.under_aes).unwrap();
            assert_eq!(opened, key.expose());
            let (rsa, aes) = (wrapped.under_rsa.len(), wrapped.under_aes.len());
            assert_eq!(wrapped.joined().len(), rsa + aes);
        }
    }
}
