//! HMAC keys through the door: in TR-31 blocks that psec reads, with the hash that each
//! is for; and what does not carry them says so, and what to do instead.

use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::door::{ActionError, DoorError};

use crate::ask;
use crate::desk::{Desk, rule};
use crate::exported::{clear, plan, sound, system, text};

const FORMS: [(KeyForm, &str); 3] = [
    (KeyForm::HmacSha256, "21"),
    (KeyForm::HmacSha384, "22"),
    (KeyForm::HmacSha512, "23"),
];

fn hmac(desk: &mut Desk, form: KeyForm, mode: &str) -> KeyRecord {
    let label = format!("BANK-LAKE.{form}.{mode}");
    desk.key_with(&label, form, "M7", |record| {
        record.mode_of_use = mode.into()
    })
}

fn under(desk: &mut Desk, form: KeyForm, method: WrappingMethod) -> KeyRecord {
    let label = format!("ZMK.{form}.{}", method.name().to_ascii_uppercase());
    desk.key_with(&label.replace('/', "-"), form, "K0", |record| {
        record.wrapping = Some(method);
    })
}

/// Each mode of use, under AES-256: psec finds the key, its header and its hash, and
/// the check value is what Python makes of the key by IBM's text.
#[test]
fn psec_reads_the_key_and_its_hash() {
    let mut desk = Desk::new();
    let zmk = under(&mut desk, KeyForm::Aes256, WrappingMethod::Tr31D);
    let kek = clear(&mut desk, &zmk);
    for (form, code) in FORMS {
        for mode in ["C", "G", "V"] {
            let key = hmac(&mut desk, form, mode);
            let act = desk.plan(&[&key], &zmk);
            let out = desk.export(&act).unwrap();
            sound(&mut desk, &out, &[&key]);
            let block = text(&desk, &out, &format!("{}.tr31", key.label));
            let value = clear(&mut desk, &key);
            assert_eq!(value.len(), 2 * form.bytes());
            let found = ask(&[format!("T\t{kek}\t{block}"), format!("H\t{value}")]);
            let header = format!("DM7H{mode}00E");
            assert_eq!(found[0], [value, header, format!("HM={code}")], "{block}");
            assert_eq!(key.kcv.words(), format!("{} (SHA2VP1)", found[1][0]));
        }
    }
    // As ISO 20038 has them, and beside the blocks that a record asks for.
    let key = hmac(&mut desk, KeyForm::HmacSha384, "C");
    let iso = system(&mut desk, "tr31", &[("blocks", "LB KP")]);
    let zmk = under(&mut desk, KeyForm::Aes256, WrappingMethod::Tr31E);
    let act = plan(&desk, &iso, &[&key], &zmk);
    let out = desk.export(&act).unwrap();
    let block = text(&desk, &out, &format!("{}.tr31", key.label));
    assert!(
        block.starts_with('E') && block[16..].starts_with("HM0622LB"),
        "{block}"
    );
}

/// A wrapping key is worth as much as the key (R6): 256 bits, whichever hash.
#[test]
fn nothing_but_aes_256_wraps_one() {
    let mut desk = Desk::new();
    let keys = FORMS.map(|(form, _)| hmac(&mut desk, form, "C"));
    for (form, method) in [
        (KeyForm::Aes128, WrappingMethod::Tr31D),
        (KeyForm::Aes192, WrappingMethod::Tr31D),
        (KeyForm::Tdes2, WrappingMethod::Tr31B),
        (KeyForm::Tdes3, WrappingMethod::Tr31B),
    ] {
        let zmk = under(&mut desk, form, method);
        for key in &keys {
            let said = rule(desk.export(&desk.plan(&[key], &zmk)));
            assert!(
                said.contains("is weaker than") && said.contains("(R6)"),
                "{said}"
            );
        }
    }
    assert_eq!(desk.on_stick(), 0);
}

/// Each names the rule and the way that is left; nothing is on the stick.
#[test]
fn what_carries_no_hmac_key() {
    let mut desk = Desk::new();
    let key = hmac(&mut desk, KeyForm::HmacSha256, "C");
    let tokens = [("importer-label", "DKMS.KEK"), ("ckds", "SYS1.CKDS")];
    let other = [("importer-label", "DKMS.KEK"), ("platform", "Linux")];
    let channel = [
        ("channel", "RETAIL"),
        ("key-prefix", "BANK-LAKE."),
        ("generation", "1"),
        ("from", "2027-01-01"),
    ];
    let (aes, tdes) = (KeyForm::Aes256, KeyForm::Tdes3);
    for (profile, values, form, method, word) in [
        (
            "payshield",
            &[("lmk", "key-block")][..],
            aes,
            WrappingMethod::ThalesBlock,
            "for a payShield carries none",
        ),
        (
            "payshield",
            &[],
            tdes,
            WrappingMethod::ThalesVariant,
            "for a payShield carries none",
        ),
        (
            "atalla",
            &[],
            tdes,
            WrappingMethod::AtallaAkb,
            "carries TDES keys",
        ),
        (
            "icsf",
            &tokens,
            tdes,
            WrappingMethod::CcaEcb,
            "an external CCA token carries none",
        ),
        (
            "cca",
            &other,
            tdes,
            WrappingMethod::CcaEcb,
            "an external CCA token carries none",
        ),
        (
            "thales-variant",
            &[],
            tdes,
            WrappingMethod::ThalesVariant,
            "in a key block alone",
        ),
        (
            "x917",
            &[],
            tdes,
            WrappingMethod::X917,
            "in a key block alone",
        ),
        (
            "web-pin",
            &channel,
            aes,
            WrappingMethod::Tr31D,
            "usage M7: a channel has none",
        ),
        (
            "tr31",
            &[("blocks", "KC")],
            aes,
            WrappingMethod::Tr31D,
            "X9.143 has no check value",
        ),
    ] {
        let zmk = under(&mut desk, form, method);
        let there = system(&mut desk, profile, values);
        match desk.export(&plan(&desk, &there, &[&key], &zmk)) {
            Err(DoorError::Failed(ActionError::Rule { rule, advice })) => {
                assert!(rule.contains(word), "{profile}: {rule}");
                assert!(advice.len() > 10, "{profile}: {advice}");
            }
            other => panic!("{profile}: {other:?}"),
        }
    }
    assert_eq!(desk.on_stick(), 0);
}

/// A Security World takes all three: wrapped, with the type that its library signs with,
/// and a MAC that Python makes too.
#[test]
fn a_security_world_takes_them_with_what_they_sign() {
    let mut desk = Desk::new();
    let there = system(&mut desk, "nshield", &[]);
    let zmk = under(&mut desk, KeyForm::Aes256, WrappingMethod::AesKwp);
    let kek = clear(&mut desk, &zmk);
    for (form, hash) in [
        (KeyForm::HmacSha256, "SHA256"),
        (KeyForm::HmacSha384, "SHA384"),
        (KeyForm::HmacSha512, "SHA512"),
    ] {
        for (mode, may) in [("C", 2), ("G", 1), ("V", 1)] {
            let key = hmac(&mut desk, form, mode);
            let act = plan(&desk, &there, &[&key], &zmk);
            let out = desk.export(&act).unwrap();
            sound(&mut desk, &out, &[&key]);
            let value = clear(&mut desk, &key);
            let file = desk.file(&out, &format!("{}.kwp", key.label));
            let json = text(&desk, &out, &format!("{}.json", key.label));
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            let check = &json["check_by_signing"];
            assert_eq!(check["mechanism"], format!("CKM_{hash}_HMAC"));
            let said = check["text"].as_str().unwrap();
            let found = ask(&[
                format!("K\t{kek}\t{}", crate::hex(&file)),
                format!("M\t{}\t{value}\t{said}", hash.to_lowercase()),
            ]);
            assert_eq!(found[0][0], value);
            assert_eq!(check["mac"], found[1][0]);
            let template = json["template"].as_object().unwrap();
            assert_eq!(template["CKA_KEY_TYPE"], format!("CKK_{hash}_HMAC"));
            let does = |name: &&str| template.contains_key(*name);
            let uses = ["CKA_SIGN", "CKA_VERIFY", "CKA_ENCRYPT", "CKA_DERIVE"];
            assert_eq!(uses.iter().filter(|name| does(name)).count(), may);
            let sheet = text(&desk, &out, "runsheet.txt");
            assert!(sheet.contains("not CKK_GENERIC_SECRET"), "{sheet}");
        }
    }
}

/// A token takes HMAC with SHA-256 alone: nothing else was tried there.
#[test]
fn a_token_takes_hmac_with_sha_256_alone() {
    let mut desk = Desk::new();
    let library = [
        ("module", "/usr/lib/p11.so"),
        ("token", "T"),
        ("kek-id", "01"),
    ];
    let there = system(&mut desk, "pkcs11", &library);
    let zmk = under(&mut desk, KeyForm::Aes256, WrappingMethod::AesKwp);
    let long = hmac(&mut desk, KeyForm::HmacSha512, "C");
    match desk.export(&plan(&desk, &there, &[&long], &zmk)) {
        Err(DoorError::Failed(ActionError::Rule { rule, .. })) => {
            assert!(rule.contains("this token carries none"), "{rule}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(desk.on_stick(), 0);
}
