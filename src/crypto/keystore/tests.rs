use proptest::prelude::*;

use super::kdf::{Hash, Use};
use super::*;
use crate::primitive::rsa;
use crate::secret::testing::Seeded;
use crate::x509::rsa_pair::{PairRequest, self_signed};

fn word(text: &str) -> Secret {
    tlv::joined(&[text.as_bytes()])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn derivations_give_the_published_values() {
    // RFC 6070, RFC 7914 clause 11.
    for (hash, pass, salt, count, right) in [
        (
            Hash::Sha1,
            "password",
            "salt",
            4096,
            "4b007901b765489abead49d926f721d065a429c1",
        ),
        (
            Hash::Sha1,
            "passwordPASSWORDpassword",
            "saltSALTsaltSALTsaltSALTsaltSALTsalt",
            4096,
            "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038",
        ),
        (
            Hash::Sha256,
            "passwd",
            "salt",
            1,
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc\
             49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
        ),
    ] {
        let len = right.len() / 2;
        let got = kdf::pbkdf2(hash, &word(pass), salt.as_bytes(), count, len).unwrap();
        assert_eq!(hex(got.expose()), right);
    }
    // The values of the PKCS#12 test file that OpenSSL and Bouncy Castle share.
    let salt = [0x0A, 0x58, 0xCF, 0x64, 0x53, 0x0D, 0x82, 0x3F];
    let key = kdf::pkcs12(Hash::Sha1, Use::Key, &word("smeg"), &salt, 1, 24);
    assert_eq!(
        hex(key.expose()),
        "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3"
    );
    let iv = kdf::pkcs12(Hash::Sha1, Use::Iv, &word("smeg"), &salt, 1, 8);
    assert_eq!(hex(iv.expose()), "79993dfe048d3b76");
    let salt = [0x3D, 0x83, 0xC0, 0xE4, 0x54, 0x6A, 0xC1, 0x40];
    let mac = kdf::pkcs12(Hash::Sha1, Use::Mac, &word("smeg"), &salt, 1, 20);
    assert_eq!(
        hex(mac.expose()),
        "8d967d88f6caa9d714800ab3d48051d63f73a312"
    );
}

/// One entry of each kind that the store holds.
fn entries(kind: Kind) -> Vec<Entry> {
    let (pkcs8, public) = rsa::generate(2048, &mut Seeded::new(1)).unwrap();
    let request = PairRequest {
        subject: "OUR.RSA.001",
        serial: &[1],
        not_before: 1_700_000_000,
        not_after: 1_800_000_000,
    };
    let certificate = self_signed(&public, &request, |message| {
        rsa::sign(&pkcs8, message, &mut Seeded::new(2))
    })
    .unwrap();
    let mut all = vec![
        Entry {
            alias: "Our.RSA.001".into(),
            item: Item::Private {
                pkcs8,
                chain: vec![certificate.clone()],
            },
        },
        Entry {
            alias: "trusted".into(),
            item: Item::Trusted { certificate },
        },
    ];
    if kind.holds_secret_keys() {
        for (alias, algorithm, len) in [
            ("aes", SecretAlgorithm::Aes, 32),
            ("double", SecretAlgorithm::DesEde, 16),
            ("hmac", SecretAlgorithm::HmacSha256, 32),
            ("hmac384", SecretAlgorithm::HmacSha384, 48),
            ("hmac512", SecretAlgorithm::HmacSha512, 64),
        ] {
            all.push(Entry {
                alias: alias.into(),
                item: Item::Secret {
                    algorithm,
                    key: Secret::from_fn(len, |to| {
                        for (byte, n) in to.iter_mut().zip(1..) {
                            *byte = n;
                        }
                    }),
                },
            });
        }
    }
    all
}

fn written(kind: Kind) -> (Vec<u8>, Vec<Entry>) {
    let entries = entries(kind);
    let bytes = write(
        kind,
        &entries,
        &word("correct horse"),
        1_700_000_000_123,
        &mut Seeded::new(3),
    );
    (bytes.unwrap(), entries)
}

fn same(kind: Kind, written: &Item, read: &Item) -> bool {
    match (written, read) {
        (
            Item::Private { pkcs8, chain },
            Item::Private {
                pkcs8: other,
                chain: others,
            },
        ) => pkcs8.ct_eq(other.expose()) && chain == others,
        (Item::Trusted { certificate }, Item::Trusted { certificate: other }) => {
            certificate == other
        }
        (
            Item::Secret { algorithm, key },
            Item::Secret {
                algorithm: other,
                key: bytes,
            },
        ) => {
            assert!(kind.holds_secret_keys());
            algorithm == other && bytes.ct_eq(algorithm.written(key).expose())
        }
        _ => false,
    }
}

#[test]
fn every_kind_reads_back_and_no_other_passphrase_opens_it() {
    for kind in Kind::ALL {
        let (bytes, entries) = written(kind);
        let store = Store::read(&bytes, &word("correct horse")).unwrap();
        assert_eq!(store.entries.len(), entries.len(), "{kind:?}");
        for entry in &entries {
            let found = store.entry(&entry.alias).expect(&entry.alias);
            let item = found.open(&word("correct horse")).unwrap();
            assert!(same(kind, &entry.item, &item), "{kind:?} {}", entry.alias);
        }
        let other = Store::read(&bytes, &word("correct horsf"));
        assert_eq!(other.err(), Some(StoreError::Passphrase), "{kind:?}");
        let told = describe(&bytes).unwrap();
        assert_eq!(told.what.contains("PKCS#12"), kind.ending() == "p12");
        let broken = describe(&bytes[..bytes.len() - 1]).is_none_or(|d| !d.unusual.is_empty());
        assert!(broken, "{kind:?}");
    }
}

#[test]
fn what_a_store_cannot_hold_is_refused() {
    let refuse = |kind, entries: &[Entry]| {
        write(kind, entries, &word("x"), 0, &mut Seeded::new(3)).expect_err("refused")
    };
    let secret = |alias: &str, algorithm, len| Entry {
        alias: alias.into(),
        item: Item::Secret {
            algorithm,
            key: Secret::zeroed(len),
        },
    };
    let aes = SecretAlgorithm::Aes;
    assert!(matches!(
        refuse(Kind::Jks, &[secret("a", aes, 16)]),
        StoreError::Entry(_)
    ));
    assert!(matches!(
        refuse(Kind::Pkcs12, &[secret("a", aes, 17)]),
        StoreError::Entry(_)
    ));
    for alias in ["", "two words", "\u{e4}", &"x".repeat(65)] {
        assert!(matches!(
            refuse(Kind::Jceks, &[secret(alias, aes, 16)]),
            StoreError::Alias(_)
        ));
    }
    assert!(matches!(
        refuse(Kind::Jceks, &[secret("a", aes, 16), secret("A", aes, 16)]),
        StoreError::Alias(_)
    ));
    assert!(matches!(refuse(Kind::Jceks, &[]), StoreError::Limit(_)));
    for bad in ["", "p\u{e4}ss", "tab\t", &"x".repeat(129)] {
        let got = write(
            Kind::Jceks,
            &[secret("a", aes, 16)],
            &word(bad),
            0,
            &mut Seeded::new(3),
        );
        assert_eq!(got.err(), Some(StoreError::PassphraseForm));
    }
}

#[test]
fn the_two_halves_of_a_java_salt_may_be_the_same() {
    // What Java makes of them: salt[i] is swapped with salt[3 - i], but what is
    // put back lands in salt[2].
    let same = kdf::java(&word("pass"), &[1, 2, 3, 4, 1, 2, 3, 4], 3);
    let turned = kdf::java(&word("pass"), &[4, 1, 2, 4, 1, 2, 3, 4], 3);
    assert!(same.ct_eq(turned.expose()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_changed_byte_goes_unnoticed(at in 0usize..10_000, bit in 0u8..8, jks in any::<bool>()) {
        static STORES: std::sync::OnceLock<[Vec<u8>; 2]> = std::sync::OnceLock::new();
        let stores = STORES
            .get_or_init(|| [written(Kind::Pkcs12Legacy).0, written(Kind::Jks).0]);
        let mut bytes = stores[usize::from(jks)].clone();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let read = Store::read(&bytes, &word("correct horse"));
        prop_assert!(read.is_err());
        let _ = describe(&bytes);
    }
}
