//! Certificates, judged by openssl.

use std::process::Command;

use super::*;
use crate::primitive::ec::KeyPair;
use crate::secret::testing::Seeded;
use proptest::prelude::*;

const FROM: u64 = 1_700_000_000;

fn request<'a>(subject: &'a str, key: &'a KeyPair, purpose: Purpose) -> Request<'a> {
    Request {
        subject,
        public: key.public(),
        purpose,
        serial: &[1, 2, 3],
        not_before: FROM,
        not_after: 4_000_000_000, // 2096: a GeneralizedTime
    }
}

fn two_keys() -> (KeyPair, KeyPair) {
    let mut random = Seeded::new(11);
    let ca = KeyPair::generate(&mut random).unwrap();
    (ca, KeyPair::generate(&mut random).unwrap())
}

fn make(ca: &KeyPair, request: &Request<'_>) -> Result<Vec<u8>, IssueError<EcError>> {
    let name = "Station \"1\", key room";
    let public = ca.public();
    issue(Issuer { name, public }, request, |digest| ca.sign(digest))
}

fn openssl(folder: &std::path::Path, arguments: &[&str]) -> String {
    let run = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("openssl is missing: run ./scripts/test, which installs it");
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        run.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    text
}

#[test]
fn openssl_verifies_what_was_issued() {
    let (ca, card) = two_keys();
    let folder = tempfile::tempdir().unwrap();
    let to_pem = |name: &str, der: &[u8]| {
        std::fs::write(folder.path().join("der"), der).unwrap();
        openssl(
            folder.path(),
            &["x509", "-inform", "DER", "-in", "der", "-out", name],
        );
    };
    let root = request("Station \"1\", key room", &ca, Purpose::Authority);
    to_pem("ca", &make(&ca, &root).unwrap());
    for (purpose, words) in [
        (Purpose::Authentication, "Digital Signature\n"),
        (Purpose::Approval, "Digital Signature, Non Repudiation\n"),
        (Purpose::KeyManagement, "Key Agreement\n"),
    ] {
        let der = make(&ca, &request("Zoë O'Neil, CN=admin", &card, purpose)).unwrap();
        assert_eq!(subject_key(&der).as_ref(), Ok(card.public()));
        assert_eq!(verify_signature(&der, ca.public()), Ok(()));
        assert_eq!(
            verify_signature(&der, card.public()),
            Err(ReadError::Signature)
        );
        to_pem("card", &der);
        let verified = openssl(
            folder.path(),
            &["verify", "-x509_strict", "-CAfile", "ca", "card"],
        );
        assert_eq!(verified, "card: OK\n");
        let shown = openssl(
            folder.path(),
            &[
                "x509",
                "-in",
                "card",
                "-noout",
                "-text",
                "-nameopt",
                "utf8,sep_multiline",
            ],
        );
        assert!(shown.contains(words), "{shown}");
        assert!(shown.contains("CN=Zoë O'Neil, CN=admin\n"), "{shown}");
        assert!(shown.contains("CA:FALSE"), "{shown}");
    }
}

#[test]
fn what_is_not_a_certificate_request_is_refused() {
    let (ca, card) = two_keys();
    let good = request("card", &card, Purpose::Approval);
    for serial in [&[][..], &[0], &[0x80], &[1; 21]] {
        let bad = Request {
            serial,
            ..good.clone()
        };
        assert!(matches!(make(&ca, &bad), Err(IssueError::Serial)));
    }
    let bad = Request {
        not_after: FROM,
        ..good.clone()
    };
    assert!(matches!(make(&ca, &bad), Err(IssueError::Validity)));
    let bad = Request {
        subject: "",
        ..good.clone()
    };
    assert!(matches!(make(&ca, &bad), Err(IssueError::CommonName(0))));
    let bad = Request {
        public: &[4; 65],
        ..good.clone()
    };
    assert!(matches!(
        make(&ca, &bad),
        Err(IssueError::Key(EcError::NotAPoint))
    ));
    let issuer = Issuer {
        name: "x",
        public: ca.public(),
    };
    let by_another = issue(issuer, &good, |digest| card.sign(digest));
    assert!(matches!(by_another, Err(IssueError::Signature)));
    let refused = issue(issuer, &good, |_| Err("locked"));
    assert!(matches!(refused, Err(IssueError::Signer("locked"))));
}

proptest! {
    #[test]
    fn bytes_that_are_no_certificate_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(subject_key(&bytes), Err(ReadError::NotACertificate));
    }

    #[test]
    fn a_changed_certificate_never_verifies(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let (ca, card) = two_keys();
        let mut der = make(&ca, &request("card", &card, Purpose::Approval)).unwrap();
        let at = at.index(der.len());
        der[at] ^= 1 << bit;
        prop_assert!(verify_signature(&der, ca.public()).is_err());
    }
}
