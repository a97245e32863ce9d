//! Keys to a partner's RSA key, through the door: openssl opens both halves, and what
//! the house does not allow is named.

use std::path::Path;
use std::process::Command;

use conclave_crypto::primitive::rsa::Public;
use conclave_evidence::{Bytes, GroupId, Hash, Id, verify_path};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::door::Action;
use conclave_keyroom::vault::Compartment;
use conclave_trades::ceremony::state::Player;
use conclave_trades::keys::ImportPublic;

use super::exported::{clear, plan, sound, system, text, why};
use crate::desk::{APPROVERS, Desk, MANAGERS, rule};
use crate::{hex, unhex};

/// Runs openssl in a folder; stops the test where it fails.
pub fn openssl(at: &Path, words: &[&str]) -> String {
    let run = Command::new("openssl")
        .args(words)
        .current_dir(at)
        .output()
        .expect("openssl 3: run ./scripts/test, which installs it");
    assert!(run.status.success(), "{words:?}: {run:?}");
    String::from_utf8_lossy(&run.stdout).into_owned()
}

/// A partner's key of openssl's, taken with its fingerprint.
fn partner(desk: &mut Desk, at: &Path, label: &str, bits: &str, usage: &str) -> KeyRecord {
    let (private, public) = (format!("{label}.key"), format!("{label}.der"));
    openssl(at, &["genrsa", "-out", &private, bits]);
    let words = ["rsa", "-in", &private, "-pubout", "-outform", "DER"];
    openssl(at, &[&words[..], &["-out", &public]].concat());
    let der = std::fs::read(at.join(&public)).unwrap();
    self::public(desk, label, &der, usage)
}

/// A public key, taken with its fingerprint.
pub fn public(desk: &mut Desk, label: &str, file: &[u8], usage: &str) -> KeyRecord {
    let public = Public::read(file).unwrap();
    desk.count += 1;
    let player = |name: &str, group: GroupId| Player {
        id: desk.room.holder(name).person.id,
        name: name.into(),
        group,
        reports_to: String::new(),
    };
    let act = ImportPublic {
        key: Id([desk.count; 16]),
        label: label.into(),
        partner: "BANK-LAKE".into(),
        usage: usage.into(),
        days: 365,
        spki: Bytes(public.spki().to_vec()),
        fingerprint: Hash(public.fingerprint()),
        by: vec![
            player("Dora", GroupId::KeyManagers),
            player("Ada", GroupId::Approvers),
        ],
    };
    desk.act(&act, &[MANAGERS, APPROVERS].concat()).unwrap();
    let id = Id([desk.count; 16]);
    desk.room.vault().get(Compartment::Catalogue, id).unwrap()
}

/// What the holder of the private key finds in a file.
pub fn opened(at: &Path, private: &str, hash: &str, file: &[u8], modulus: usize) -> String {
    let (under_rsa, under_aes) = file.split_at(modulus);
    std::fs::write(at.join("under-rsa"), under_rsa).unwrap();
    std::fs::write(at.join("under-aes"), under_aes).unwrap();
    let (digest, mask) = (format!("rsa_oaep_md:{hash}"), format!("rsa_mgf1_md:{hash}"));
    let words = ["pkeyutl", "-decrypt", "-inkey", private, "-in", "under-rsa"];
    let options = [
        "-pkeyopt",
        "rsa_padding_mode:oaep",
        "-pkeyopt",
        &digest,
        "-pkeyopt",
        &mask,
        "-out",
        "fresh",
    ];
    openssl(at, &[&words[..], &options].concat());
    let fresh = hex(&std::fs::read(at.join("fresh")).unwrap());
    assert_eq!(fresh.len(), 64, "an AES-256 key");
    let words = ["enc", "-d", "-id-aes256-wrap-pad", "-iv", "A65959A6"];
    let files = ["-K", &fresh, "-in", "under-aes", "-out", "key"];
    openssl(at, &[&words[..], &files].concat());
    hex(&std::fs::read(at.join("key")).unwrap())
}

const RECORD: [(&str, &str); 3] = [
    ("module", "/usr/lib/library.so"),
    ("token", "LAKE"),
    ("key-id", "77"),
];

#[test]
fn keys_to_an_rsa_key_of_a_token_open_under_its_private_half() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut desk = Desk::new();
    let under = partner(&mut desk, at, "LAKE.RSA.001", "3072", "K3");
    assert_eq!(under.wrapping, Some(WrappingMethod::RsaAes));
    assert!(under.is_wrapping_key() && under.is_wrapped_to() && !under.is_panel_key());
    let aes = desk.key("BANK-LAKE.DATA.001", KeyForm::Aes128, "D0");
    let tdes = desk.key("BANK-LAKE.ZPK.001", KeyForm::Tdes3, "P0");
    for (hash, name) in [("SHA-256", "sha256"), ("SHA-1", "sha1")] {
        let values = [&RECORD[..], &[("hash", hash)]].concat();
        let token = system(&mut desk, "pkcs11-rsa", &values);
        let act = plan(&desk, &token, &[&aes, &tdes], &under);
        // Who signs reads how sure it is.
        let words = act.words().join("\n");
        assert!(
            words.contains("conformance: proven by an outside"),
            "{words}"
        );
        let out = desk.export(&act).unwrap();
        sound(&mut desk, &out, &[&aes, &tdes]);
        for key in [&aes, &tdes] {
            let file = desk.file(&out, &format!("{}.rsaaes", key.label));
            let told = opened(at, "LAKE.RSA.001.key", name, &file, 384);
            assert_eq!(told, clear(&mut desk, key), "{} {hash}", key.label);
            let template = text(&desk, &out, &format!("{}.json", key.label));
            for word in ["\"bytes_under_rsa\": 384", &key.kcv.words(), hash] {
                assert!(template.contains(word), "{word}: {template}");
            }
        }
        let sheet = text(&desk, &out, "runsheet.txt");
        for word in [
            "CKM_RSA_AES_KEY_WRAP",
            "NO KEY BLOCK",
            "load-keys.py",
            hash,
            &under.kcv.value,
        ] {
            assert!(sheet.contains(word), "{word}: {sheet}");
        }
        let listed = desk.record(&aes).exports.pop().unwrap();
        assert_eq!(
            (listed.format.as_str(), listed.under.as_str()),
            ("rsa-aes", "LAKE.RSA.001")
        );
    }
    // Each time another fresh key: nothing of two bundles is the same.
    let files = [1, 2].map(|number| {
        let name = format!("CONCLAVE-{number:04}-TEST");
        assert!(verify_path(&desk.folder.join(&name)).ok());
        std::fs::read(desk.folder.join(name).join("BANK-LAKE.ZPK.001.rsaaes")).unwrap()
    });
    assert!(files[0][..384] != files[1][..384] && files[0][384..] != files[1][384..]);
    assert_eq!(unhex(&hex(&files[0])), files[0]);
}

#[test]
fn what_does_not_go_to_an_rsa_key_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::new();
    let token = system(&mut desk, "pkcs11-rsa", &RECORD);
    let short = partner(&mut desk, folder.path(), "LAKE.RSA.002", "2048", "K3");
    let long = partner(&mut desk, folder.path(), "LAKE.RSA.003", "3072", "K3");
    let signs = partner(&mut desk, folder.path(), "LAKE.RSA.004", "2048", "S0");
    let aes = desk.key("BANK-LAKE.DATA.001", KeyForm::Aes128, "D0");
    let longer = desk.key("BANK-LAKE.DATA.002", KeyForm::Aes192, "D0");
    for (key, under) in [(&aes, &short), (&longer, &long)] {
        let act = plan(&desk, &token, &[key], under);
        assert!(rule(desk.export(&act)).contains("(R6)"));
    }
    let mut act = plan(&desk, &token, &[&aes], &long);
    act.exception = None;
    assert!(rule(desk.export(&act)).contains("18-3"));
    // A key for signatures wraps nothing, and a key of this kind opens nothing.
    let mut act = plan(&desk, &token, &[&aes], &signs);
    act.exception = Some(why(&desk, "their token"));
    assert!(rule(desk.export(&act)).contains("R20"));
    // Another target's method.
    let zmk = desk.key("BANK-LAKE.ZMK.001", KeyForm::Aes256, "K0");
    let mut act = plan(&desk, &token, &[&aes], &zmk);
    act.exception = None;
    assert!(rule(desk.export(&act)).contains("a wrapping key has one method"));
    // What only the customer knows is asked for by its names.
    let bare = system(&mut desk, "pkcs11-rsa", &[("token", "LAKE")]);
    let act = plan(&desk, &bare, &[&aes], &long);
    let told = rule(desk.export(&act));
    assert!(
        told.contains("lacks what its profile asks for: PKCS#11 library, CKA_ID"),
        "{told}"
    );
    assert_eq!(desk.on_stick(), 0);
}
