//! The two wraps of PKCS#11, judged by OpenSSL: AES-KWP both ways, and a key to
//! an RSA key, which OpenSSL opens in both pieces. And what leaves for a token,
//! loaded into SoftHSM2 by the script that leaves with it and by another
//! implementation with the templates. What the profiles say of a key, and the
//! kinds of TR-31 blocks that a system on record may ask for, stand here too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "pkcs11/tables.rs"]
mod tables;
#[path = "pkcs11/token.rs"]
mod token;
#[path = "pkcs11/tr31_kinds.rs"]
mod tr31_kinds;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use conclave_crypto::keyblock::{kwp, rsa_aes};
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::primitive::rsa::{OaepHash, Public, generate};
use conclave_crypto::secret::{RandomError, RandomSource, Secret};
use conclave_evidence::{Bytes, Hash, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, KeyRecord, KeyState, RsaFacts, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;
use conclave_trades::target::{
    Conformance, Order, Sheet, SheetRow, TargetError, parse_target_profile, target,
};
use tables::shipped;
use token::{Token, run};
use tr31_kinds::tr31_settings;

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

const KEK_ID: &str = "4b454b01";

/// A key and its record, as the repository has them.
fn key(label: &str, form: KeyForm, usage: &str, mode: &str) -> (KeyRecord, Secret) {
    let clear = System.secret_bytes(form.bytes()).unwrap();
    let method = match form {
        KeyForm::HmacSha256 => Method::HmacSha2Vp1,
        _ if form.is_tdes() => Method::TdesZero,
        _ => Method::AesCmac,
    };
    let kcv = Kcv::compute(method, clear.expose()).unwrap();
    let mut id = [0; 16];
    System.public(&mut id).unwrap();
    let record = KeyRecord {
        id: Id(id),
        label: label.into(),
        form,
        usage: usage.into(),
        mode_of_use: mode.into(),
        exportability: "E".into(),
        template: "test v1".into(),
        kcv: CheckValue {
            value: kcv.hex(),
            method: kcv.method().to_string(),
        },
        state: KeyState::Active,
        provider: "test".into(),
        ceremony: Id([0; 16]),
        created_ms: 1_772_000_000_000,
        expires_ms: 1_835_000_000_000,
        recipient_until_ms: None,
        wrapping: (usage == "K0").then_some(WrappingMethod::AesKwp),
        components: Vec::new(),
        source: Default::default(),
        rsa: None,
        successor: None,
        exports: Vec::new(),
        begun_under: std::collections::BTreeSet::new(),
        others: Vec::new(),
        reissued: None,
        compromise: None,
    };
    (record, clear)
}

/// What a key is written for, and when.
fn for_system(settings: &Settings) -> Order<'_> {
    Order {
        settings,
        at_ms: 1_772_000_060_000,
    }
}

fn settings(module: &str) -> Settings {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/targets/pkcs11.toml");
    let profile = parse_target_profile(&std::fs::read_to_string(path).unwrap()).unwrap();
    let values = [
        ("module", module),
        ("token", token::NAME),
        ("kek-id", KEK_ID),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = Settings {
        profile,
        values: BTreeMap::from(values),
        ..Settings::default()
    };
    settings.check().unwrap();
    assert!(settings.missing().is_empty());
    settings
}

/// The zero check value, which tokens show.
fn zeros(form: KeyForm, clear: &Secret) -> String {
    let method = match form.is_tdes() {
        true => Method::TdesZero,
        false => Method::AesZero,
    };
    Kcv::compute(method, clear.expose()).unwrap().hex()[..6].to_owned()
}

/// What the token shows of a key: the zero check value, or what it signs with an HMAC
/// key, as OpenSSL does.
fn shown(form: KeyForm, clear: &Secret) -> String {
    if !form.is_hmac() {
        return zeros(form, clear);
    }
    let key = format!("hexkey:{}", hex(clear.expose()));
    let sign = [
        "dgst", "-sha256", "-mac", "HMAC", "-macopt", &key, "-binary",
    ];
    hex(&openssl(&sign, b"CONCLAVE CHECK VALUE").unwrap())
}

#[test]
fn softhsm_takes_what_leaves_for_it() {
    let token = Token::new();
    let settings = settings(token.module());
    let pkcs11 = target("pkcs11").unwrap();
    let (under, wrapping) = key("LAKE.KEK.001", KeyForm::Aes256, "K0", "B");
    let keys = [
        key("LAKE.ZPK.001", KeyForm::Aes128, "P0", "B"),
        key("LAKE.DEK.001", KeyForm::Aes256, "D0", "E"),
        key("LAKE.KEK.002", KeyForm::Aes192, "K0", "B"),
        key("LAKE.MAC.001", KeyForm::Aes128, "M6", "C"),
        key("LAKE.ZPK.002", KeyForm::Tdes2, "P0", "D"),
        key("LAKE.BDK.001", KeyForm::Tdes3, "B0", "X"),
        key("LAKE.HMAC.001", KeyForm::HmacSha256, "M7", "C"),
        key("LAKE.HMAC.002", KeyForm::HmacSha256, "M7", "V"),
    ];
    let mut payloads = Vec::new();
    for (record, clear) in &keys {
        pkcs11.check(record, &under, &settings).unwrap();
        let made = pkcs11.export(
            record,
            clear,
            &under,
            &wrapping,
            for_system(&settings),
            &mut System,
        );
        payloads.push(made.unwrap());
    }
    let rows = keys.iter().zip(&payloads);
    let sheet = Sheet {
        folder: "CONCLAVE-0001-TEST",
        mode: "TEST",
        recipient: "BANK-LAKE",
        under: &under,
        settings: &settings,
        made_ms: 1_772_000_000_000,
        rows: rows
            .map(|((key, _), payloads)| SheetRow { key, payloads })
            .collect(),
    };
    let companions = pkcs11.companions(&sheet).unwrap();
    let run_sheet = pkcs11.run_sheet(&sheet);
    let files = payloads.iter().flatten();
    for file in files.chain(companions.iter().map(|c| &c.file)) {
        std::fs::write(token.path().join(&file.name), &file.bytes).unwrap();
        // Neither a key nor the one above it stands in a file.
        for (_, clear) in &keys {
            let text = String::from_utf8_lossy(&file.bytes).to_uppercase();
            assert!(!text.contains(&hex(clear.expose())), "{}", file.name);
            assert!(!file.bytes.windows(clear.len()).any(|w| w == clear.expose()));
        }
        assert!(!file.bytes.windows(32).any(|w| w == wrapping.expose()));
    }

    std::fs::write(token.path().join("kek"), wrapping.expose()).unwrap();
    let write = [
        "--write-object",
        "kek",
        "--type",
        "secrkey",
        "--key-type",
        "AES:32",
    ];
    token.tool(
        &[
            &write[..],
            &["--id", KEK_ID, "--label", "KEK", "--usage-wrap"],
        ]
        .concat(),
    );

    // The script, as the administrator runs it: AES keys alone.
    let said = run(token.command("sh").arg("load-keys.sh"));
    assert_eq!(said.matches("Key unwrapped").count(), 4, "{said}");
    std::fs::write(token.path().join("zeros"), [0; 16]).unwrap();
    for (record, clear) in keys.iter().filter(|(record, _)| record.form.is_aes()) {
        let id = record.id.to_string().to_lowercase();
        let encrypt = [
            "--encrypt",
            "-m",
            "AES-ECB",
            "-i",
            "zeros",
            "-o",
            "out",
            "--id",
        ];
        token.tool(&[&encrypt[..], &[&id]].concat());
        let out = std::fs::read(token.path().join("out")).unwrap();
        assert_eq!(
            hex(&out[..3]),
            zeros(record.form, clear),
            "{}",
            record.label
        );
    }
    let list = token.tool(&["-O", "--type", "secrkey"]);
    for (record, _) in keys.iter().filter(|(record, _)| record.form.is_aes()) {
        assert!(list.contains(&record.label), "{list}");
        token.tool(&[
            "--delete-object",
            "--type",
            "secrkey",
            "--id",
            &record.id.to_string().to_lowercase(),
        ]);
    }

    // The templates, by another implementation: all keys, all attributes.
    let files: Vec<String> = keys
        .iter()
        .map(|(record, _)| {
            let file = token.path().join(format!("{}.json", record.label));
            file.to_str().unwrap().to_owned()
        })
        .collect();
    let mut arguments = vec!["template"];
    arguments.extend(files.iter().map(String::as_str));
    let found = token.oracle(&arguments);
    let may = [
        "ENCRYPT DECRYPT",
        "ENCRYPT",
        "WRAP UNWRAP",
        "SIGN VERIFY",
        "DECRYPT",
        "DERIVE",
        "SIGN VERIFY",
        "VERIFY",
    ];
    for (((record, clear), found), may) in keys.iter().zip(&found).zip(may) {
        let wanted = [
            record.label.as_str(),
            &record.id.to_string().to_lowercase(),
            &shown(record.form, clear),
            "True",
            "False",
            may,
        ];
        assert_eq!(*found, wanted);
        assert!(run_sheet.contains(&record.kcv.words()), "{run_sheet}");
    }
    assert!(
        run_sheet.lines().all(|line| line.chars().count() <= 80),
        "{run_sheet}"
    );
}

#[test]
fn softhsm_opens_a_key_to_its_rsa_key_in_two_steps() {
    let token = Token::new();
    token.tool(&[
        "--keypairgen",
        "--key-type",
        "rsa:2048",
        "--id",
        "77",
        "--label",
        "R",
        "--usage-wrap",
    ]);
    token.tool(&[
        "--read-object",
        "--type",
        "pubkey",
        "--id",
        "77",
        "-o",
        "public.der",
    ]);
    let public = Public::read(&std::fs::read(token.path().join("public.der")).unwrap()).unwrap();
    // SoftHSM2 knows OAEP with SHA-1 alone.
    for form in [KeyForm::Aes128, KeyForm::Aes256] {
        let clear = System.secret_bytes(form.bytes()).unwrap();
        let wrapped = rsa_aes::wrap(&public, OaepHash::Sha1, &clear, &mut System).unwrap();
        let [rsa, aes] = ["under-rsa", "under-aes"].map(|name| token.path().join(name));
        std::fs::write(&rsa, &wrapped.under_rsa).unwrap();
        std::fs::write(&aes, &wrapped.under_aes).unwrap();
        let found = token.oracle(&["rsa", "77", rsa.to_str().unwrap(), aes.to_str().unwrap()]);
        assert_eq!(found, [[zeros(form, &clear)]]);
    }
}

#[test]
fn softhsm_takes_keys_to_its_rsa_key_by_the_loader_that_leaves_with_them() {
    let token = Token::new();
    let pair = ["--keypairgen", "--key-type", "rsa:3072", "--usage-wrap"];
    token.tool(&[&pair[..], &["--id", "77", "--label", "R"]].concat());
    let read = ["--read-object", "--type", "pubkey", "--id", "77"];
    token.tool(&[&read[..], &["-o", "public.der"]].concat());
    let public = Public::read(&std::fs::read(token.path().join("public.der")).unwrap()).unwrap();
    let spki = public.spki().to_vec();
    let (mut under, _) = key("LAKE.RSA.001", KeyForm::Aes128, "K3", "E");
    let fingerprint = Hash(public.fingerprint());
    under.form = KeyForm::Rsa;
    under.wrapping = Some(WrappingMethod::RsaAes);
    under.kcv = CheckValue {
        value: fingerprint.to_string().to_uppercase()[..16].into(),
        method: "SHA-256".into(),
    };
    under.rsa = Some(RsaFacts {
        bits: 3072,
        exponent: public.exponent(),
        spki: Bytes(spki.clone()),
        fingerprint,
        generation: 1,
        predecessor: None,
        in_components: false,
    });
    let mut settings = shipped("pkcs11-rsa");
    // SoftHSM2 knows OAEP with SHA-1 alone.
    for (name, value) in [
        ("module", token.module()),
        ("token", token::NAME),
        ("key-id", "77"),
        ("hash", "SHA-1"),
    ] {
        settings.values.insert(name.into(), value.into());
    }
    settings.check().unwrap();
    let to_rsa = target("pkcs11-rsa").unwrap();
    let keys = [
        key("LAKE.ZPK.001", KeyForm::Aes128, "P0", "B"),
        key("LAKE.MAC.001", KeyForm::Aes128, "M6", "C"),
        key("LAKE.ZPK.002", KeyForm::Tdes2, "P0", "D"),
        key("LAKE.BDK.001", KeyForm::Tdes3, "B0", "X"),
    ];
    let mut payloads = Vec::new();
    for (record, clear) in &keys {
        to_rsa.check(record, &under, &settings).unwrap();
        let wrapping = Secret::take(&mut spki.clone());
        let made = to_rsa.export(
            record,
            clear,
            &under,
            &wrapping,
            for_system(&settings),
            &mut System,
        );
        payloads.push(made.unwrap());
        // The public key of somebody else.
        let (_, other) = generate(2048, &mut System).unwrap();
        let other = Secret::take(&mut other.spki().to_vec());
        let made = to_rsa.export(
            record,
            clear,
            &under,
            &other,
            for_system(&settings),
            &mut System,
        );
        assert!(matches!(made, Err(TargetError::CheckValue(_))), "{made:?}");
    }
    let rows = keys.iter().zip(&payloads);
    let sheet = Sheet {
        folder: "CONCLAVE-0001-TEST",
        mode: "TEST",
        recipient: "BANK-LAKE",
        under: &under,
        settings: &settings,
        made_ms: 1_772_000_000_000,
        rows: rows
            .map(|((key, _), payloads)| SheetRow { key, payloads })
            .collect(),
    };
    let companions = to_rsa.companions(&sheet).unwrap();
    let files = payloads.iter().flatten();
    for file in files.chain(companions.iter().map(|c| &c.file)) {
        std::fs::write(token.path().join(&file.name), &file.bytes).unwrap();
    }
    // As the administrator runs it. What it loads, the token encrypts with.
    let mut loader = token.python();
    loader.args(["load-keys.py", token.module()]);
    loader.args(keys.iter().map(|(key, _)| format!("{}.json", key.label)));
    let said = run(&mut loader);
    assert_eq!(said.matches("Key unwrapped").count(), keys.len(), "{said}");
    // The record says under which name the library has RFC 5649: SoftHSM2 does not
    // have it under the newer one, which is what the loader then asks for.
    let asked = std::fs::read_to_string(token.path().join("LAKE.ZPK.001.json")).unwrap();
    assert!(
        asked.contains("\"second_mechanism\": \"CKM_AES_KEY_WRAP_PAD\""),
        "{asked}"
    );
    let newer = settings.clone();
    let newer = [("mechanism", "AES_KEY_WRAP_KWP")]
        .into_iter()
        .fold(newer, |mut all, (n, v)| {
            all.values.insert(n.into(), v.into());
            all
        });
    newer.check().unwrap();
    let (record, clear) = &keys[0];
    let wrapping = Secret::take(&mut spki.clone());
    let made = to_rsa
        .export(
            record,
            clear,
            &under,
            &wrapping,
            for_system(&newer),
            &mut System,
        )
        .unwrap();
    for file in &made {
        std::fs::write(token.path().join(&file.name), &file.bytes).unwrap();
    }
    let mut loader = token.python();
    loader.args(["load-keys.py", token.module(), "LAKE.ZPK.001.json"]);
    let failed = loader.output().unwrap();
    let why = String::from_utf8_lossy(&failed.stderr);
    assert!(
        !failed.status.success() && why.contains("MechanismInvalid"),
        "{why}"
    );
    let ids: Vec<String> = keys
        .iter()
        .map(|(key, _)| key.id.to_string().to_lowercase())
        .collect();
    let mut arguments = vec!["loaded"];
    arguments.extend(ids.iter().map(String::as_str));
    let found = token.oracle(&arguments);
    let may = ["ENCRYPT DECRYPT", "SIGN VERIFY", "DECRYPT", "DERIVE"];
    for (((record, clear), found), may) in keys.iter().zip(&found).zip(may) {
        let value = match may.contains("CRYPT") {
            true => zeros(record.form, clear),
            false => String::new(),
        };
        assert_eq!(
            *found,
            [record.label.as_str(), &value, "True", "False", may],
            "{}",
            record.label
        );
    }
}

#[test]
fn what_the_target_does_not_take_is_named() {
    let settings = settings("/usr/lib/library.so");
    let pkcs11 = target("pkcs11").unwrap();
    let (under, wrapping) = key("LAKE.KEK.001", KeyForm::Aes128, "K0", "B");
    let refused =
        |record: &KeyRecord, settings: &Settings| match pkcs11.check(record, &under, settings) {
            Err(TargetError::Rule { rule, .. }) => rule,
            other => panic!("{other:?}"),
        };
    let (strong, _) = key("LAKE.ZPK.001", KeyForm::Aes256, "P0", "B");
    assert!(refused(&strong, &settings).contains("R6"));
    let (device, _) = key("NUL.ZPK", KeyForm::Aes128, "P0", "B");
    assert!(refused(&device, &settings).contains("plain file name"));
    let (odd, clear) = key("LAKE.ZPK.002", KeyForm::Aes128, "P0", "Y");
    assert!(refused(&odd, &settings).contains("mode of use Y"));
    let mut other = System.secret_bytes(16).unwrap();
    other.expose_mut()[0] ^= 1;
    let made = pkcs11.export(
        &odd,
        &other,
        &under,
        &wrapping,
        for_system(&settings),
        &mut System,
    );
    assert!(matches!(made, Err(TargetError::CheckValue(_))));
    let made = pkcs11.export(
        &odd,
        &clear,
        &under,
        &other,
        for_system(&settings),
        &mut System,
    );
    assert!(matches!(made, Err(TargetError::CheckValue(_))));
    for (name, value) in [
        ("module", "lib.so"),
        ("kek-id", "4B"),
        ("module", "/a'b"),
        ("token", "$(x)"),
    ] {
        let mut bent = settings.clone();
        bent.values.insert(name.into(), value.into());
        assert!(bent.check().is_err(), "{name} {value}");
    }
}

/// A key set identifier is one key's: a second key of DUKPT in the bundle has another.
#[test]
fn one_identifier_goes_with_one_key() {
    let tr31 = target("tr31").unwrap();
    let bdk = |label| key(label, KeyForm::Tdes2, "B0", "X").0;
    let zpk = key("LAKE.ZPK.001", KeyForm::Tdes2, "P0", "B").0;
    let keys = [bdk("LAKE.BDK.001"), bdk("LAKE.BDK.002"), zpk];
    for given in ["KS=FFFF9876543210E00000", "KV=0001 IK=1234567890123456"] {
        let settings = tr31_settings(&[("given-blocks", given)]);
        match tr31.check_all(&keys, &settings) {
            Err(TargetError::Rule { rule, .. }) => {
                assert!(rule.contains("LAKE.BDK.001, LAKE.BDK.002"), "{rule}");
            }
            other => panic!("{other:?}"),
        }
        tr31.check_all(&keys[1..], &settings).unwrap();
    }
    let settings = tr31_settings(&[("given-blocks", "KV=0001")]);
    tr31.check_all(&keys, &settings).unwrap();
}
