//! Key stores judged by those who read and write them elsewhere: keytool,
//! openssl and pyjks; and what is made for each system that takes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "key_stores/oracles.rs"]
mod oracles;

use conclave_crypto::keystore::{
    Entry, EntryKind, Item, Kind, SecretAlgorithm, Store, StoreError, describe, write,
};
use conclave_crypto::primitive::rsa::{self, Public};
use conclave_crypto::secret::Secret;
use conclave_crypto::x509::rsa_pair::{
    PairRequest, facts, in_validity, issuer, read_chain, request, self_signed,
};
use conclave_evidence::{Bytes, Id};
use conclave_keyroom::door::Action;
use conclave_trades::target::KeyName;
use conclave_trades::target::store::{ExportKeyStore, StoredItem};
use oracles::{Folder, WORD, secret, system};

/// Not a real key: bytes that count up.
fn counting(len: u8) -> Secret {
    secret(&(1..=len).collect::<Vec<u8>>())
}

fn pair() -> (Secret, Public, Vec<u8>) {
    let (private, public) = rsa::generate(2048, &mut system()).unwrap();
    let facts = PairRequest {
        subject: "OUR.RSA.001",
        serial: &[0x12, 0x34],
        not_before: 1_790_000_000,
        not_after: 1_850_000_000,
    };
    let certificate = self_signed(&public, &facts, |message| {
        rsa::sign(&private, message, &mut system())
    });
    (private, public, certificate.unwrap())
}

fn entries(kind: Kind, private: &Secret, certificate: &[u8]) -> Vec<Entry> {
    let mut all = vec![
        Entry {
            alias: "our.rsa.001".into(),
            item: Item::Private {
                pkcs8: private.duplicate(),
                chain: vec![certificate.to_vec()],
            },
        },
        Entry {
            alias: "anchor".into(),
            item: Item::Trusted {
                certificate: certificate.to_vec(),
            },
        },
    ];
    if kind.holds_secret_keys() {
        for (alias, algorithm, len) in [
            ("lto000000000000000001", SecretAlgorithm::Aes, 32),
            ("tdes2", SecretAlgorithm::DesEde, 16),
            ("hmac", SecretAlgorithm::HmacSha256, 32),
            ("hmac384", SecretAlgorithm::HmacSha384, 48),
            ("hmac512", SecretAlgorithm::HmacSha512, 64),
        ] {
            let key = counting(len);
            all.push(Entry {
                alias: alias.into(),
                item: Item::Secret { algorithm, key },
            });
        }
    }
    all
}

/// What pyjks finds in the secret keys of `entries`.
const SECRETS: &str = "aes 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\n\
     desede 0102030405060708090a0b0c0d0e0f100102030405060708\n\
     hmacsha256 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\n\
     hmacsha384 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30\n\
     hmacsha512 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40";

#[test]
fn what_is_written_opens_in_keytool_openssl_and_pyjks() {
    let folder = Folder::new();
    let (private, public, certificate) = pair();
    folder.put("own.pem", public.pem().unwrap().as_bytes());
    let own = folder.openssl(&["pkey", "-pubin", "-in", "own.pem", "-outform", "PEM"]);
    for kind in Kind::ALL {
        let file = format!("{}.{}", kind.name(), kind.ending());
        let store = write(
            kind,
            &entries(kind, &private, &certificate),
            &secret(WORD.as_bytes()),
            1_790_000_000_000,
            &mut system(),
        );
        folder.put(&file, &store.unwrap());
        let listed = folder.keytool(&["-list", "-keystore", &file, "-storepass", WORD]);
        assert!(listed.contains("our.rsa.001,"), "{file}: {listed}");
        assert_eq!(listed.matches("PrivateKeyEntry").count(), 1, "{file}");
        assert_eq!(listed.matches("trustedCertEntry").count(), 1, "{file}");
        let secrets = if kind.holds_secret_keys() { 5 } else { 0 };
        assert_eq!(listed.matches("SecretKeyEntry").count(), secrets, "{file}");

        // Java takes the keys out and writes them anew; its store opens
        // elsewhere with the same keys.
        let again = format!("{file}.again.p12");
        folder.import_store(&file, &again, "PKCS12");
        let key = folder.private_of(&again, &[]);
        assert_eq!(key, own, "{file}");
        if secrets > 0 {
            let jceks = format!("{file}.again.jceks");
            folder.import_store(&file, &jceks, "JCEKS");
            assert_eq!(folder.secrets(&jceks), SECRETS, "{file}");
        }
    }
    // Without Java in between.
    assert_eq!(folder.private_of("pkcs12.p12", &[]), own);
    assert_eq!(folder.private_of("pkcs12-legacy.p12", &["-legacy"]), own);
    let info = folder.info("pkcs12.p12", &[]);
    assert!(info.contains("MAC: sha256, Iteration 100000"), "{info}");
    assert!(
        info.contains("PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256"),
        "{info}"
    );
    let info = folder.info("pkcs12-legacy.p12", &["-legacy"]);
    assert!(info.contains("MAC: sha1"), "{info}");
    assert!(info.contains("pbeWithSHA1And3-KeyTripleDES-CBC"), "{info}");
    assert_eq!(folder.secrets("jceks.jceks"), SECRETS);
    for file in ["jks.jks", "jceks.jceks"] {
        let pkcs8 = folder.pyjks_private(file, "our.rsa.001");
        assert_eq!(rsa::public_of(&secret(&pkcs8)).unwrap(), public, "{file}");
    }
}

#[test]
fn what_they_write_is_read() {
    let folder = Folder::new();
    let word = secret(WORD.as_bytes());
    let read = |file: &str| Store::read(&folder.get(file), &word).expect(file);
    let public = |store: &Store, alias: &str, file: &str| {
        let entry = store
            .entry(alias)
            .unwrap_or_else(|| panic!("{file}: {alias}"));
        assert_eq!(entry.kind, EntryKind::Private, "{file}");
        let Item::Private { pkcs8, chain } = entry.open(&word).unwrap() else {
            panic!("{file}: no private key");
        };
        let public = rsa::public_of(&pkcs8).unwrap();
        assert_eq!(Public::read(&chain[0]).unwrap(), public, "{file}");
        public
    };
    // keytool, with its own keys.
    for kind in ["PKCS12", "JKS", "JCEKS"] {
        folder.keytool_pair(kind, kind, &[]);
        let store = read(kind);
        public(&store, "pair", kind);
        assert!(kind == "PKCS12" || store.entries[0].created_ms.is_some());
        assert!(describe(&folder.get(kind)).is_some(), "{kind}");
    }
    for kind in ["PKCS12", "JCEKS"] {
        folder.keytool_secret(kind, "aes", "AES", "256");
        folder.keytool_secret(kind, "des3", "DESede", "168");
        let store = read(kind);
        let mut kinds = Vec::new();
        for (alias, algorithm, len) in [
            ("aes", SecretAlgorithm::Aes, 32),
            ("des3", SecretAlgorithm::DesEde, 24),
        ] {
            let Item::Secret { algorithm: of, key } =
                store.entry(alias).expect(alias).open(&word).unwrap()
            else {
                panic!("{kind}: {alias}");
            };
            assert_eq!((of, key.len()), (algorithm, len), "{kind}");
            kinds.push(
                key.expose()
                    .iter()
                    .map(|b| format!("{b:02x}"))
                    .collect::<String>(),
            );
        }
        if kind == "JCEKS" {
            let said = folder.secrets(kind);
            assert_eq!(said, format!("aes {}\ndesede {}", kinds[0], kinds[1]));
        }
    }
    // Java 8's PKCS#12, its certificates under RC2-40.
    folder.keytool_pair("old", "PKCS12", &["-J-Dkeystore.pkcs12.legacy"]);
    public(&read("old"), "pair", "old");
    let told = describe(&folder.get("old")).unwrap();
    assert!(
        told.unusual.iter().any(|line| line.contains("RC2-40")),
        "{told:?}"
    );
    // openssl, in all its forms.
    folder.openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "k.pem",
        "-out",
        "c.pem",
        "-subj",
        "/CN=elsewhere",
    ]);
    for (file, more) in [
        ("modern.p12", &[][..]),
        ("legacy.p12", &["-legacy"]),
        ("rc2.p12", &["-legacy", "-certpbe", "PBE-SHA1-RC2-40"]),
        (
            "des3.p12",
            &["-keypbe", "DES-EDE3-CBC", "-certpbe", "AES-128-CBC"],
        ),
        ("sha512.p12", &["-macalg", "SHA512", "-iter", "5000"]),
        ("twokey.p12", &["-legacy", "-keypbe", "PBE-SHA1-2DES"]),
    ] {
        let pass = format!("pass:{WORD}");
        let mut arguments = vec![
            "pkcs12",
            "-export",
            "-inkey",
            "k.pem",
            "-in",
            "c.pem",
            "-name",
            "elsewhere",
            "-passout",
            &pass,
            "-out",
            file,
        ];
        arguments.extend(more);
        folder.openssl(&arguments);
        let theirs = public(&read(file), "elsewhere", file);
        folder.openssl(&["pkey", "-in", "k.pem", "-pubout", "-out", "k.pub"]);
        assert_eq!(
            Public::read(&folder.get("k.pub")).unwrap(),
            theirs,
            "{file}"
        );
    }
    // No MAC: anybody can change it.
    let pass = format!("pass:{WORD}");
    folder.openssl(&[
        "pkcs12",
        "-export",
        "-inkey",
        "k.pem",
        "-in",
        "c.pem",
        "-nomac",
        "-passout",
        &pass,
        "-out",
        "nomac.p12",
    ]);
    assert!(matches!(
        Store::read(&folder.get("nomac.p12"), &word),
        Err(StoreError::Format(_))
    ));
    // pyjks.
    folder.openssl(&[
        "pkcs8", "-topk8", "-nocrypt", "-in", "k.pem", "-outform", "DER", "-out", "k.der",
    ]);
    folder.openssl(&["x509", "-in", "c.pem", "-outform", "DER", "-out", "c.der"]);
    folder.pyjks_write("py.jks");
    public(&read("py.jks"), "elsewhere", "py.jks");
}

#[test]
fn a_request_and_the_chain_that_answers_it() {
    let folder = Folder::new();
    let (private, public, own) = pair();
    let sign = |message: &[u8]| rsa::sign(&private, message, &mut system());
    let csr = request(&public, "OUR.RSA.001", sign).unwrap();
    folder.put("own.csr", &csr);
    folder.put("own.der", &own);
    let said = folder.openssl(&[
        "req", "-inform", "DER", "-in", "own.csr", "-verify", "-noout", "-subject",
    ]);
    assert!(said.contains("OUR.RSA.001"), "{said}");
    folder.openssl(&[
        "x509", "-inform", "DER", "-in", "own.der", "-out", "own.pem",
    ]);
    let said = folder.openssl(&[
        "verify",
        "-CAfile",
        "own.pem",
        "-no_check_time",
        "-check_ss_sig",
        "own.pem",
    ]);
    assert!(said.contains("OK"), "{said}");
    assert_eq!(read_chain(&own, &public).unwrap(), vec![own.clone()]);

    // A CA above a CA; the file has them in another order.
    let ca = |name: &str, key: &[&str], more: &[&str]| {
        let subject = format!("/CN={name}");
        let (pem, out) = (format!("{name}.key"), format!("{name}.pem"));
        let mut arguments = vec![
            "req",
            "-x509",
            "-nodes",
            "-subj",
            &subject,
            "-keyout",
            &pem,
            "-out",
            &out,
            "-addext",
            "keyUsage=keyCertSign",
        ];
        arguments.extend(key);
        arguments.extend(more);
        folder.openssl(&arguments);
    };
    ca("root", &["-newkey", "rsa:2048", "-sha512"], &[]);
    ca(
        "sub",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        &["-CA", "root.pem", "-CAkey", "root.key", "-sha384"],
    );
    folder.openssl(&[
        "x509",
        "-req",
        "-inform",
        "DER",
        "-in",
        "own.csr",
        "-CA",
        "sub.pem",
        "-CAkey",
        "sub.key",
        "-CAcreateserial",
        "-out",
        "reply.pem",
        "-days",
        "30",
        "-sha256",
    ]);
    let text =
        |names: &[&str]| -> Vec<u8> { names.iter().flat_map(|name| folder.get(name)).collect() };
    let chain = read_chain(&text(&["root.pem", "sub.pem", "reply.pem"]), &public).unwrap();
    assert_eq!(chain.len(), 3);
    let leaf = Public::read(&chain[0]).unwrap();
    assert_eq!(leaf, public);
    // The certificates hold from now on, the reply 30 days.
    let (_, until) = facts(&chain[0]).unwrap();
    assert_eq!(in_validity(&chain, until - 86_400), Ok(()));
    for other in [until + 1, until - 31 * 86_400] {
        let said = in_validity(&chain, other).unwrap_err().to_string();
        assert!(said.contains("certificate 1 is outside"), "{said}");
    }
    assert_eq!(issuer(&chain[0]).unwrap(), "CN=sub");
    signers_read_whose_they_are(&folder, &chain);
    // The chain goes into stores, and comes back out of them.
    for kind in Kind::ALL {
        let entry = Entry {
            alias: "our.rsa.001".into(),
            item: Item::Private {
                pkcs8: private.duplicate(),
                chain: chain.clone(),
            },
        };
        let word = secret(WORD.as_bytes());
        let bytes = write(kind, &[entry], &word, 0, &mut system()).unwrap();
        let store = Store::read(&bytes, &word).unwrap();
        assert_eq!(store.entries.len(), 1, "{kind:?}");
        assert_eq!(store.entries[0].certificates, chain, "{kind:?}");
        let file = format!("chain.{}", kind.name());
        folder.put(&file, &bytes);
        let listed = folder.keytool(&["-list", "-v", "-keystore", &file, "-storepass", WORD]);
        assert!(listed.contains("chain length: 3"), "{listed}");
    }
    // Broken in each way.
    ca("other", &["-newkey", "rsa:2048"], &[]);
    for (files, words) in [
        (
            &["root.pem"][..],
            "no certificate of the file is of this key",
        ),
        (&["reply.pem", "root.pem"], "not of the chain"),
        (&["reply.pem", "sub.pem", "other.pem"], "not of the chain"),
        (&["own.key"], "no certificates"),
    ] {
        if files == ["own.key"] {
            folder.put("own.key", b"nothing");
        }
        let said = read_chain(&text(files), &public).unwrap_err().to_string();
        assert!(said.contains(words), "{files:?}: {said}");
    }
    // Another CA of the same name, and one that is none.
    folder.openssl(&[
        "req", "-x509", "-nodes", "-subj", "/CN=sub", "-keyout", "s.key", "-out", "same.pem",
        "-newkey", "rsa:2048",
    ]);
    let said = read_chain(&text(&["reply.pem", "same.pem"]), &public).unwrap_err();
    assert!(
        said.to_string().contains("not signed by the one above"),
        "{said}"
    );
    folder.openssl(&[
        "req",
        "-x509",
        "-nodes",
        "-subj",
        "/CN=sub",
        "-key",
        "sub.key",
        "-out",
        "none.pem",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ]);
    let said = read_chain(&text(&["reply.pem", "none.pem"]), &public).unwrap_err();
    assert!(said.to_string().contains("is no CA's"), "{said}");
    // A CA by its constraints, whose key is for something else.
    folder.openssl(&[
        "req",
        "-x509",
        "-nodes",
        "-subj",
        "/CN=sub",
        "-key",
        "sub.key",
        "-out",
        "unfit.pem",
        "-addext",
        "keyUsage=critical,digitalSignature,cRLSign",
    ]);
    let said = read_chain(&text(&["reply.pem", "unfit.pem"]), &public).unwrap_err();
    assert!(said.to_string().contains("is no CA's"), "{said}");
}

/// What is signed for names issuer, end and digest of the first and the last,
/// as openssl has them.
fn signers_read_whose_they_are(folder: &Folder, chain: &[Vec<u8>]) {
    let act = ExportKeyStore {
        bundle: 7,
        keys: vec![StoredItem {
            key: KeyName {
                id: Id([1; 16]),
                label: "OUR.RSA.001".into(),
                kcv: "0011223344556677".into(),
            },
            chain: chain.iter().cloned().map(Bytes).collect(),
        }],
        kinds: vec!["pkcs12".into()],
        recipient: "BANK-LAKE".into(),
        target: "key-store".into(),
        system: None,
        holders: Vec::new(),
        medium: Id([7; 16]),
        medium_name: "STICK-1".into(),
        serial: "S-1".into(),
        exception: None,
    };
    let words = act.words().join("\n");
    for (file, name) in [("reply.pem", "CN=sub"), ("root.pem", "CN=root")] {
        let out = folder.openssl(&["x509", "-in", file, "-outform", "DER", "-out", "one.der"]);
        assert_eq!(out, "");
        let digest = folder.openssl(&["dgst", "-sha256", "one.der"]);
        let digest = digest.trim().rsplit(' ').next().unwrap();
        let told = words.to_lowercase().replace(' ', "");
        assert!(told.contains(digest), "{file}: {words}");
        assert!(
            words.contains(&format!("issued by {name}, until ")),
            "{words}"
        );
    }
}

/// Whether such a file is refused, with the right passphrase.
#[test]
fn damaged_and_hostile_stores_are_refused_and_none_is_worked_through() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/malformed/stores");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        let word = secret(b"passphrase");
        // What lies inside an entry shows when it is opened.
        let opened = Store::read(&bytes, &word).map(|store| {
            store.entries.iter().all(|entry| entry.open(&word).is_ok()) && !store.entries.is_empty()
        });
        assert!(!matches!(opened, Ok(true)), "{name}");
        let words = match (name.as_str(), &opened) {
            (bomb, Err(error)) if bomb.contains("illions") || bomb.contains("gigabytes") => {
                let early = StoreError::Format("the DER ends too early");
                let limit = matches!(error, StoreError::Limit(_)) || *error == early;
                assert!(limit, "{name}: {error}");
                error.to_string()
            }
            (_, Err(error)) => error.to_string(),
            (_, Ok(_)) => String::new(),
        };
        assert!(!words.contains('\u{1b}'), "{name}");
        seen += 1;
    }
    assert!(seen >= 30, "{seen}");
}
