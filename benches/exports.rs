//! Exports of 10,000 keys, in keys a second on one core, as the export action calls
//! its targets: each key is wrapped, opened again and compared with its record. TR-31
//! beside psec in the same run, which wraps and does not compare. Then whole bundles,
//! signed by both quorums, with fsync and with every file read back past the cache.
//!
//! `CONCLAVE_EXPORT_KEYS` sets another number of keys.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a bench may stop at the first surprise
#![allow(dead_code, reason = "the desk of the tests does more")]

#[path = "../tests/export/desk.rs"]
mod desk;
#[path = "../tests/support/room.rs"]
mod room;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use conclave_crypto::primitive::des_keys;
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::primitive::modes::Algorithm;
use conclave_crypto::secret::{RandomError, RandomSource, Secret};
use conclave_evidence::Id;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, KeyRecord, KeySource, KeyState, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;
use conclave_trades::target::{KeyName, Order, parse_target_profile, target};
use desk::Desk;

const KEYS: u32 = 10_000;
const BUNDLES: [usize; 2] = [1, 100];

/// Wraps a second, the best of three rounds.
const PSEC: &str = r#"
import time, warnings
warnings.filterwarnings("ignore")
import psec
kbpk, key = bytes(range(32)), bytes(range(16))
header = psec.tr31.Header("D", "P0", "A", "E", "00", "E")
best = 0
for _ in range(3):
    start = time.perf_counter()
    for _ in range(500):
        psec.tr31.wrap(kbpk, header, key)
    best = max(best, 500 / (time.perf_counter() - start))
print(best)
"#;

#[allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// Cheap bytes, so that the generator is not what is measured.
struct Counting(u64);

impl RandomSource for Counting {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        for byte in buf {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *byte = self.0.to_be_bytes()[0];
        }
        Ok(())
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}

fn clear(form: KeyForm, random: &mut Counting) -> Secret {
    let mut key = random.secret_bytes(form.bytes()).unwrap();
    if form.is_tdes() {
        des_keys::set_odd_parity(key.expose_mut());
    }
    key
}

fn record(
    label: &str,
    form: KeyForm,
    (usage, mode): (&str, &str),
    wrapping: Option<WrappingMethod>,
    key: &Secret,
) -> KeyRecord {
    let algorithm = match form.is_tdes() {
        true => Algorithm::Tdes,
        false => Algorithm::Aes,
    };
    let kcv = Kcv::compute(Method::usual(algorithm), key.expose()).unwrap();
    KeyRecord {
        id: Id([1; 16]),
        label: label.into(),
        form,
        usage: usage.into(),
        mode_of_use: mode.into(),
        exportability: "E".into(),
        template: "bench v1".into(),
        kcv: CheckValue {
            value: kcv.hex(),
            method: kcv.method().to_string(),
        },
        state: KeyState::Active,
        provider: "software".into(),
        ceremony: Id([2; 16]),
        created_ms: 0,
        expires_ms: u64::MAX,
        recipient_until_ms: None,
        wrapping,
        components: Vec::new(),
        source: KeySource::Here,
        rsa: None,
        successor: None,
        exports: Vec::new(),
        begun_under: std::collections::BTreeSet::new(),
        others: Vec::new(),
        reissued: None,
        compromise: None,
    }
}

fn settings(name: &str, values: &[(&str, &str)]) -> Settings {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("profiles/targets");
    let text = std::fs::read_to_string(root.join(format!("{name}.toml"))).unwrap();
    let values = values.iter().map(|(n, v)| ((*n).into(), (*v).into()));
    Settings {
        profile: parse_target_profile(&text).unwrap(),
        values: values.collect::<BTreeMap<_, _>>(),
        ..Settings::default()
    }
}

/// Keys a second of one target.
fn rate(
    name: &str,
    (form, kek_form): (KeyForm, KeyForm),
    method: WrappingMethod,
    settings: &Settings,
    count: u32,
) -> f64 {
    let target = target(name).unwrap();
    let mut random = Counting(7);
    let wrapping = clear(kek_form, &mut random);
    let under = record("A.ZMK.1", kek_form, ("K0", "B"), Some(method), &wrapping);
    let keys: Vec<(KeyRecord, Secret)> = (0..count)
        .map(|n| {
            let key = clear(form, &mut random);
            let label = format!("A.ZPK.{n:05}");
            (record(&label, form, ("P0", "E"), None, &key), key)
        })
        .collect();
    target.check(&keys[0].0, &under, settings).unwrap();
    let start = now();
    for (key, clear) in &keys {
        let made = target.export(
            key,
            clear,
            &under,
            &wrapping,
            Order { settings, at_ms: 0 },
            &mut random,
        );
        std::hint::black_box(made.unwrap().len());
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

fn psec() -> f64 {
    let folder = std::env::var_os("CONCLAVE_ORACLES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".oracles"),
        PathBuf::from,
    );
    let output = Command::new(folder.join("bin/python3"))
        .args(["-c", PSEC])
        .output()
        .expect("psec: run ./scripts/test, which installs it");
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim()
        .parse()
        .expect("psec: run ./scripts/test, which installs it")
}

/// Seconds for a bundle of so many keys, from the signed proposal to the last
/// read-back; and its files.
fn bundle(keys: usize) -> (f64, usize) {
    let mut desk = Desk::new();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes256, "K0");
    let records: Vec<KeyRecord> = (0..keys)
        .map(|n| {
            desk.key_with("", KeyForm::Aes128, "P0", |key| {
                let number = u128::try_from(n).unwrap() + 0x1_0000;
                key.id = Id(number.to_be_bytes());
                key.label = format!("A.ZPK.{n:05}");
            })
        })
        .collect();
    let mut act = desk.plan(&[], &zmk);
    act.keys = records.iter().map(KeyName::of).collect();
    let start = now();
    let out = desk.export(&act).unwrap();
    (start.elapsed().as_secs_f64(), out.files.len())
}

fn main() {
    let count = std::env::var("CONCLAVE_EXPORT_KEYS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(KEYS);
    let cca = settings(
        "cca",
        &[
            ("importer-label", "KEK.IMP"),
            ("platform", "Linux"),
            ("hyphen", "$"),
        ],
    );
    let psec = psec();
    let tr31 = rate(
        "tr31",
        (KeyForm::Aes128, KeyForm::Aes256),
        WrappingMethod::Tr31D,
        &Settings::default(),
        count,
    );
    let times = tr31 / psec;
    println!(
        "TR-31 version D: {tr31:.0} keys/s; psec, wrapping alone, {psec:.0}/s: {times:.0} times"
    );
    let tdes = (KeyForm::Tdes2, KeyForm::Tdes2);
    let thales = rate(
        "thales-variant",
        tdes,
        WrappingMethod::ThalesVariant,
        &Settings::default(),
        count,
    );
    println!("Thales, scheme U: {thales:.0} keys/s");
    let cca = rate("cca", tdes, WrappingMethod::CcaEcb, &cca, count);
    println!("CCA token: {cca:.0} keys/s");
    for keys in BUNDLES {
        let (seconds, files) = bundle(keys);
        println!(
            "bundle of {keys} keys, {files} files, fsync and read-back: {:.1} ms",
            seconds * 1000.0
        );
    }
}
