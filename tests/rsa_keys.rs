//! RSA pairs and partners' public keys through the whole station, judged by
//! openssl; and the end of every key's life.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "rsa_keys/compromised.rs"]
mod compromised;
#[allow(dead_code, reason = "the CCA tests run other loaders as well")]
#[path = "cca/loaders.rs"]
mod loaders;
#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use conclave_crypto::primitive::derive::sha256;
use conclave_evidence::Hash;
use conclave_evidence::journal::EntryKind;
use conclave_evidence::verify::verify_paths;
use conclave_keyroom::domain::key::{KeyRecord, KeySource};
use conclave_keyroom::ports::dialogue::{Answer, Ask, FieldKind, Refusal};
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::Compartment;
use conclave_station::service::ActEnd;
use conclave_trades::keys::fingerprint_hex;
use people::{Scene, done};
use stage::{folder, scene};

const OWN: &str = "OUR.RSA.001";
const PARTNER: &str = "BANK-LAKE.RSA.001";

/// Runs openssl in a folder; it must be there.
fn openssl(at: &Path, arguments: &[&str]) -> String {
    let run = Command::new("openssl")
        .args(arguments)
        .current_dir(at)
        .output()
        .unwrap_or_else(|error| panic!("openssl: {error}; run ./scripts/test, which installs it"));
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        run.status.success(),
        "openssl {arguments:?}: {said}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    said
}

fn record(scene: &Scene, label: &str) -> KeyRecord {
    let keys = scene.station.keys();
    let found = keys.into_iter().find(|k| k.label == label);
    found.unwrap_or_else(|| panic!("no {label}: {:?}", scene.people.refusals))
}

fn make(scene: &mut Scene, label: &str, bits: &str) -> String {
    scene
        .people
        .form("rsa.new", &[label, bits, "365", "S0 signatures"]);
    done(scene.station.make_rsa(None, &mut scene.people))
}

/// Whoever is asked for a fingerprint types this.
fn type_fingerprint(scene: &mut Scene, typed: &str) {
    let typed = typed.to_owned();
    scene.people.at = Box::new(move |prompt, _| match prompt.code.as_str() {
        "fingerprint.first" | "fingerprint.second" => Some(Answer::Word(typed.clone())),
        _ => None,
    });
}

fn export(scene: &mut Scene, label: &str, typed: &str) -> Result<ActEnd, Refusal> {
    let id = record(scene, label).id;
    scene.people.form("rsa.export", &["BANK-LAKE", "STICK-1"]);
    type_fingerprint(scene, typed);
    let end = scene.station.export_public(id, &mut scene.people);
    scene.people.at = Box::new(|_, _| None);
    end
}

/// Takes a file of the stick's import folder.
fn import(scene: &mut Scene, file: &str, typed: &str) -> Result<ActEnd, Refusal> {
    let fields = [
        PARTNER,
        "BANK-LAKE",
        "S0 signatures",
        "365",
        "STICK-1",
        file,
    ];
    scene.people.form("rsa.import", &fields);
    type_fingerprint(scene, typed);
    let end = scene.station.import_public(&mut scene.people);
    scene.people.at = Box::new(|_, _| None);
    end
}

fn said(end: Result<ActEnd, Refusal>) -> String {
    match end {
        Ok(end) => panic!("{end:?}"),
        Err(refusal) => refusal.happened,
    }
}

fn outcomes(scene: &Scene, action: &str) -> usize {
    let entries = scene.station.door().vault().entries(0).unwrap();
    let headers = entries.iter().map(|entry| entry.open_header().unwrap());
    headers
        .filter(|h| h.action == action && h.kind == EntryKind::Outcome)
        .count()
}

/// TRUE while the vault has a value for this key.
fn has_value(scene: &Scene, key: &KeyRecord) -> bool {
    let vault = scene.station.door().vault();
    vault.get::<StoredKey>(Compartment::Keys, key.id).is_ok()
}

/// The exec runs, its call has the parameters of the guide, and its token is the one
/// beside it, with openssl's modulus.
fn loads_into_the_pkds(bundle: &Path) {
    let exec = std::fs::read_to_string(bundle.join(format!("{OWN}.pkds.rex"))).unwrap();
    let run = |exec: &str, argument: &str| loaders::run_exec_with(exec, argument, &[]);
    let (said, code) = run(&exec, " our.rsa.001 ");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.trim(), "CSNDKRC return 0 reason 0 OUR.RSA.001");
    for (line, other) in [
        ("rule name tlen token", "rule tlen name token"),
        ("name = left(label,64)", "name = label"),
        ("tlen = d2c(length(token),4)", "tlen = d2c(64,4)"),
        ("rule = copies(' ',8)", "rule = ''"),
    ] {
        assert!(exec.contains(line), "{line}");
        let (said, code) = run(&exec.replace(line, other), "OUR.RSA.001");
        assert_eq!(code, Some(99), "{said}");
    }
    // What the service answers is the exec's end; without a label it calls nothing.
    let refused = exec.replace("rcode = '00000000'x", "rcode = '00000008'x");
    let (said, code) = run(&refused, "OUR.RSA.001");
    assert_eq!(code, Some(8), "{said}");
    for argument in ["", "  ", &"A".repeat(65)] {
        let (said, code) = run(&exec, argument);
        assert_eq!(code, Some(8), "{said}");
        assert!(!said.contains("CSNDKRC"), "{said}");
    }
    let token = std::fs::read(bundle.join(format!("{OWN}.pka"))).unwrap();
    let digits: String = token.iter().map(|b| format!("{b:02X}")).collect();
    assert!(exec.replace("'||,\n'", "").contains(&digits), "{exec}");
    let pem = format!("{OWN}.pem");
    let modulus = openssl(
        bundle,
        &["rsa", "-pubin", "-in", &pem, "-modulus", "-noout"],
    );
    let modulus = modulus.trim().strip_prefix("Modulus=").unwrap();
    assert!(digits.ends_with(modulus) && digits.starts_with("1E00"));
}

#[test]
fn a_pair_is_made_and_openssl_reads_and_verifies_what_leaves() {
    let folder = folder();
    let mut scene = scene(&folder);
    assert!(make(&mut scene, OWN, "2048").contains("is made"));
    let key = record(&scene, OWN);
    let rsa = key.rsa.clone().unwrap();
    assert_eq!((rsa.bits, rsa.exponent, rsa.generation), (2048, 65_537, 1));
    assert_eq!(key.state.words(), "active");
    assert!(has_value(&scene, &key));

    let right = fingerprint_hex(&rsa.fingerprint);
    let mut wrong = right.clone();
    let other = if right.ends_with('0') { "1" } else { "0" };
    wrong.replace_range(63.., other);
    let told = said(export(&mut scene, OWN, &wrong));
    assert!(told.contains("group 16 of four differs"), "{told}");
    assert_eq!(outcomes(&scene, "export-public"), 0);

    scene.people.codes.clear();
    let groups: Vec<&str> = (0..64).step_by(4).map(|at| &right[at..at + 4]).collect();
    done(export(&mut scene, OWN, &groups.join(" ").to_lowercase()));
    // Two people, each with their own card.
    for code in ["fingerprint.first.card", "fingerprint.second.card"] {
        assert!(scene.people.codes.iter().any(|c| c == code), "{code}");
    }
    let number = record(&scene, OWN).exports[0].bundle;
    let bundle = scene
        .room
        .stick
        .folder()
        .join(format!("CONCLAVE-{number:04}-TEST"));
    let (pem, der, sig) = (
        format!("{OWN}.pem"),
        format!("{OWN}.der"),
        format!("{OWN}.sig"),
    );
    let text = openssl(&bundle, &["rsa", "-pubin", "-in", &pem, "-text", "-noout"]);
    assert!(text.contains("Public-Key: (2048 bit)"), "{text}");
    assert!(text.contains("Exponent: 65537"), "{text}");
    openssl(
        &bundle,
        &[
            "pkey",
            "-pubin",
            "-inform",
            "DER",
            "-in",
            &der,
            "-pubcheck",
            "-noout",
        ],
    );
    let digest = openssl(&bundle, &["dgst", "-sha256", &der]);
    assert!(digest.trim().to_uppercase().ends_with(&right), "{digest}");
    let verified = openssl(
        &bundle,
        &["dgst", "-sha256", "-verify", &pem, "-signature", &sig, &der],
    );
    assert_eq!(verified.trim(), "Verified OK");
    loads_into_the_pkds(&bundle);
    // The private half is in no file of the bundle.
    for file in std::fs::read_dir(&bundle).unwrap() {
        let text =
            String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap()).into_owned();
        assert!(!text.contains("PRIVATE KEY"));
    }
    let binary = env!("CARGO_BIN_EXE_conclave");
    let verify = Command::new(binary)
        .arg("verify")
        .arg(&bundle)
        .output()
        .unwrap();
    assert!(verify.status.success(), "{verify:?}");

    // Making and exporting left minutes, which an auditor verifies beside the
    // journal, and which say who signed.
    let minutes = folder.path().join("minutes");
    let journal = folder.path().join("journal.cbor");
    std::fs::write(&journal, scene.station.journal_bytes().unwrap()).unwrap();
    let report = verify_paths(&[journal, minutes.clone()]);
    assert!(report.ok(), "{report}");
    let mut pages: Vec<_> = std::fs::read_dir(&minutes)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "pdf"))
        .map(|path| page_text(&path))
        .collect();
    // The export's first: whether both were filed in one second or not.
    pages.sort_by_key(|page| !page.contains("Export a public key"));
    let [exported, made] = pages.as_slice() else {
        panic!("{pages:?}")
    };
    assert!(exported.contains("Export a public key"), "{exported}");
    for words in [
        "Make an RSA key",
        OWN,
        "never leaves",
        "Key managers",
        "approver",
    ] {
        assert!(made.contains(words), "{words}: {made}");
    }
}

/// What stands on a page, by poppler.
fn page_text(path: &Path) -> String {
    let run = Command::new("pdftotext")
        .arg("-layout")
        .args([path, Path::new("-")])
        .output()
        .unwrap_or_else(|error| panic!("pdftotext: {error}; ./scripts/test installs it"));
    assert!(run.status.success());
    String::from_utf8_lossy(&run.stdout).into_owned()
}

/// Moduli whose primes lie close together, made by PyCryptodome.
fn close_primes(at: &Path) {
    let oracles = std::env::var("CONCLAVE_ORACLES")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/.oracles").into());
    let script = "
from Crypto.Util import number
from Crypto.PublicKey import RSA
for name, apart in (('close', 2), ('near', 1 << 516)):
    while True:
        p = number.getPrime(1024)
        q = p + apart
        while not number.isPrime(q):
            q += 2
        n = p * q
        if n.bit_length() == 2048 and (p - 1) % 65537 and (q - 1) % 65537:
            break
    open(name + '.pem', 'wb').write(RSA.construct((n, 65537)).export_key('PEM'))
";
    let run = Command::new(format!("{oracles}/bin/python3"))
        .args(["-c", script])
        .current_dir(at)
        .output()
        .unwrap_or_else(|error| panic!("the oracles: {error}; run ./scripts/test"));
    assert!(run.status.success(), "{run:?}");
}

#[test]
fn keys_of_openssl_are_taken_and_weak_or_foreign_ones_are_named() {
    let folder = folder();
    let mut scene = scene(&folder);
    let stick = scene.room.stick.folder().join("IMPORT");
    std::fs::create_dir_all(&stick).unwrap();
    let run = |arguments: &[&str]| openssl(&stick, arguments);
    run(&["genrsa", "-out", "private.key", "3072"]);
    run(&["rsa", "-in", "private.key", "-pubout", "-out", "lake.pem"]);
    run(&[
        "rsa",
        "-in",
        "private.key",
        "-pubout",
        "-outform",
        "DER",
        "-out",
        "lake.der",
    ]);
    run(&[
        "req",
        "-x509",
        "-new",
        "-key",
        "private.key",
        "-subj",
        "/CN=LAKE",
        "-out",
        "lake.crt",
    ]);
    run(&["genrsa", "-out", "short.key", "1024"]);
    run(&["rsa", "-in", "short.key", "-pubout", "-out", "short.pem"]);
    run(&[
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-pkeyopt",
        "rsa_keygen_pubexp:3",
        "-out",
        "three.key",
    ]);
    run(&["rsa", "-in", "three.key", "-pubout", "-out", "three.pem"]);
    run(&[
        "ecparam",
        "-name",
        "prime256v1",
        "-genkey",
        "-noout",
        "-out",
        "curve.key",
    ]);
    run(&["ec", "-in", "curve.key", "-pubout", "-out", "curve.pem"]);
    close_primes(&stick);
    let der = std::fs::read(stick.join("lake.der")).unwrap();
    let mut longer = der.clone();
    longer.push(0);
    std::fs::write(stick.join("longer.der"), longer).unwrap();
    let right = fingerprint_hex(&Hash(sha256(&[&der])));

    for (file, words) in [
        ("short.pem", "the modulus has 1024 bits"),
        ("three.pem", "the exponent is even, less than 65537"),
        ("curve.pem", "this is no rsa key"),
        ("close.pem", "so close together"),
        ("near.pem", "so close together"),
        ("longer.der", "this is no public key"),
        ("private.key", "this is no public key"),
        ("../authority.cbor", "is no plain file name"),
        ("missing.pem", "the key was not read"),
    ] {
        let told = said(import(&mut scene, file, &right)).to_lowercase();
        assert!(told.contains(words), "{file}: {told}");
    }
    // The letter decides, not the file.
    let told = said(import(&mut scene, "lake.pem", &"AB".repeat(32)));
    assert!(
        told.contains("another fingerprint than the partner's letter"),
        "{told}"
    );
    assert_eq!(scene.key_state(PARTNER), None);

    // Two typings that differ name the group, and are typed again.
    let (first, mut second) = (right.clone(), right.clone());
    second.replace_range(4..5, if &right[4..5] == "A" { "B" } else { "A" });
    let fields = [
        PARTNER,
        "BANK-LAKE",
        "S0 signatures",
        "365",
        "STICK-1",
        "lake.crt",
    ];
    scene.people.form("rsa.import", &fields);
    scene.people.refusals.clear();
    scene.people.forget_questions();
    scene.people.at = Box::new(move |prompt, times| match prompt.code.as_str() {
        "fingerprint.second" if times == 1 => Some(Answer::Word(second.clone())),
        "fingerprint.first" | "fingerprint.second" => Some(Answer::Word(first.clone())),
        _ => None,
    });
    done(scene.station.import_public(&mut scene.people));
    scene.people.at = Box::new(|_, _| None);
    let refusals = scene.people.refusals.join("\n");
    assert!(refusals.contains("part in group 2 of four"), "{refusals}");

    let key = record(&scene, PARTNER);
    let rsa = key.rsa.clone().unwrap();
    assert_eq!((rsa.bits, &rsa.spki.0), (3072, &der));
    assert_eq!(key.source, KeySource::Partner("BANK-LAKE".into()));
    assert!(!has_value(&scene, &key), "there is nothing secret of it");
    // The same key under another label, and a partner's key that would leave.
    scene.people.form(
        "rsa.import",
        &[
            "BANK-LAKE.RSA.002",
            "LAKE",
            "S0 signatures",
            "365",
            "STICK-1",
            "lake.der",
        ],
    );
    type_fingerprint(&mut scene, &right);
    let told = said(scene.station.import_public(&mut scene.people));
    assert!(
        told.contains("is here already, as BANK-LAKE.RSA.001"),
        "{told}"
    );
    let told = said(export(&mut scene, PARTNER, &right));
    assert!(told.contains("no RSA pair of this station"), "{told}");
}

#[test]
fn a_key_that_opens_nothing_is_not_offered_for_an_import() {
    let folder = folder();
    let mut scene = scene(&folder);
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    let stick = scene.room.stick.folder().join("IMPORT");
    std::fs::create_dir_all(&stick).unwrap();
    openssl(&stick, &["genrsa", "-out", "lake.key", "3072"]);
    openssl(
        &stick,
        &["rsa", "-in", "lake.key", "-pubout", "-out", "lake.pem"],
    );
    openssl(
        &stick,
        &[
            "rsa", "-in", "lake.key", "-pubout", "-outform", "DER", "-out", "lake.der",
        ],
    );
    let der = std::fs::read(stick.join("lake.der")).unwrap();
    let print = fingerprint_hex(&Hash(sha256(&[&der])));
    let usage = usage_k3(&mut scene).expect("the usage K3");
    let fields = [PARTNER, "BANK-LAKE", &usage, "365", "STICK-1", "lake.pem"];
    scene.people.form("rsa.import", &fields);
    type_fingerprint(&mut scene, &print);
    done(scene.station.import_public(&mut scene.people));
    let partner = record(&scene, PARTNER);
    assert!(partner.is_wrapped_to());

    let offered: Arc<Mutex<String>> = Arc::default();
    let noted = Arc::clone(&offered);
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Form { fields, .. } if prompt.code == "ceremony.parameters" => {
            *noted.lock().unwrap() = format!("{fields:?}");
            Some(Answer::Abort)
        }
        _ => None,
    });
    let end = scene
        .station
        .begin_ceremony("import-block.toml", &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    let offered = offered.lock().unwrap().clone();
    assert!(offered.contains("BANK-LAKE.ZMK.001"), "{offered}");
    assert!(!offered.contains(PARTNER), "{offered}");
    let told = said(scene.station.check_file(partner.id, &mut scene.people));
    assert!(told.contains("R20"), "{told}");
}

/// The words of the usage K3, as the form offers them.
fn usage_k3(scene: &mut Scene) -> Option<String> {
    let found: Arc<Mutex<Option<String>>> = Arc::default();
    let noted = Arc::clone(&found);
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Form { fields, .. } if prompt.code == "rsa.import" => {
            let usages = fields.iter().find(|field| field.label == "Usage");
            if let Some(FieldKind::One(all)) = usages.map(|field| &field.kind) {
                let k3 = all.iter().find(|words| words.starts_with("K3"));
                noted.lock().unwrap().clone_from(&k3.cloned());
            }
            Some(Answer::Abort)
        }
        _ => None,
    });
    let _ = scene.station.import_public(&mut scene.people);
    scene.people.at = Box::new(|_, _| None);
    found.lock().unwrap().clone()
}

#[test]
fn a_pair_is_replaced_and_destroyed_and_its_record_stays() {
    let folder = folder();
    let mut scene = scene(&folder);
    make(&mut scene, OWN, "2048");
    let old = record(&scene, OWN);
    let new = "OUR.RSA.002";
    scene.people.form("rsa.new", &[new, "2048", "365"]);
    done(scene.station.replace_key(old.id, &mut scene.people));
    let (old, young) = (record(&scene, OWN), record(&scene, new));
    let rsa = young.rsa.clone().unwrap();
    assert_eq!(
        (old.state.words(), old.successor),
        ("deactivated", Some(young.id))
    );
    assert_eq!(
        (young.state.words(), rsa.generation, rsa.predecessor),
        ("active", 2, Some(old.id))
    );
    assert_ne!(rsa.fingerprint, old.rsa.clone().unwrap().fingerprint);
    // A deactivated one has no successor again, and does not leave.
    scene
        .people
        .form("rsa.new", &["OUR.RSA.003", "2048", "365"]);
    let told = said(scene.station.replace_key(old.id, &mut scene.people));
    assert!(told.contains("is not an active RSA key"), "{told}");
    let typed = fingerprint_hex(&old.rsa.clone().unwrap().fingerprint);
    let told = said(export(&mut scene, OWN, &typed));
    assert!(told.contains("is not an active pair"), "{told}");

    assert!(has_value(&scene, &old));
    scene
        .people
        .form("key.destroy", &["its successor is in use everywhere"]);
    done(scene.station.destroy_key(old.id, &mut scene.people));
    let gone = record(&scene, OWN);
    assert_eq!(gone.state.words(), "destroyed");
    assert_eq!(gone.rsa, old.rsa, "the record stays");
    assert!(!has_value(&scene, &gone));
    assert!(has_value(&scene, &young));
    scene.people.form("key.destroy", &["once more"]);
    let told = said(scene.station.destroy_key(old.id, &mut scene.people));
    assert!(
        told.contains("is destroyed: it does not become destroyed"),
        "{told}"
    );
    assert_eq!(outcomes(&scene, "destroy-key"), 1);
    // After a restart too.
    scene.station.logout("logged out").unwrap();
    drop(scene);
    let mut scene = Scene::open(folder.path(), stage::STAFF);
    scene.people.serial = 9000;
    scene.logon_both();
    assert_eq!(scene.key_state(OWN).as_deref(), Some("destroyed"));
    assert_eq!(scene.key_state(new).as_deref(), Some("active"));
}

#[test]
fn a_symmetric_key_goes_out_of_use_and_is_destroyed() {
    let folder = folder();
    let mut scene = scene(&folder);
    let (zmk, old, new) = (
        "BANK-LAKE.ZMK.001",
        "BANK-LAKE.ZPK.001",
        "BANK-LAKE.ZPK.002",
    );
    done(scene.zmk(zmk, "zmk-aes128", "2"));
    done(scene.working(old, "zpk-aes128", zmk));
    let first = record(&scene, old);
    // Nothing is there to take its place.
    let told = said(scene.station.replace_key(first.id, &mut scene.people));
    assert!(told.contains("No other active key"), "{told}");
    done(scene.working(new, "zpk-aes128", zmk));
    done(scene.station.replace_key(first.id, &mut scene.people));
    assert_eq!(scene.key_state(old).as_deref(), Some("deactivated"));
    // It does not leave any more.
    scene.people.form(
        "letter.parameters",
        &[zmk, "BANK-LAKE", "on the screen only", ""],
    );
    let told = said(scene.station.print_key_letter(first.id, &mut scene.people));
    assert!(told.contains("deactivated, not active"), "{told}");

    // Whoever does not type the label destroys nothing.
    let answers = Arc::new(Mutex::new(0));
    let asked = Arc::clone(&answers);
    scene.people.form("key.destroy", &["not needed any more"]);
    scene.people.at = Box::new(move |prompt, _| {
        (prompt.code == "key.destroy.label").then(|| {
            *asked.lock().unwrap() += 1;
            Answer::Abort
        })
    });
    let end = scene.station.destroy_key(first.id, &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    assert_eq!(*answers.lock().unwrap(), 1);
    assert!(has_value(&scene, &first));
    scene.people.at = Box::new(|_, _| None);
    scene.people.form("key.destroy", &["x"]);
    let told = said(scene.station.destroy_key(first.id, &mut scene.people));
    assert!(told.contains("reason has 3 to"), "{told}");

    let wrapping = record(&scene, zmk);
    for key in [&first, &wrapping] {
        scene.people.form("key.destroy", &["not needed any more"]);
        done(scene.station.destroy_key(key.id, &mut scene.people));
        assert_eq!(scene.key_state(&key.label).as_deref(), Some("destroyed"));
        assert!(!has_value(&scene, key));
    }
    assert_eq!(
        record(&scene, zmk).components.len(),
        2,
        "custody stays on record"
    );
    assert!(has_value(&scene, &record(&scene, new)));
}
