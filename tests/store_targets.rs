//! Key stores through the whole station: a pair leaves for each system that
//! takes stores, its passphrase on two sheets of paper; what was made is opened
//! by openssl, keytool and pyjks with what stands on the sheets, and the scripts
//! are held to the grammar of each system. And keys come in out of stores.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "key_stores/oracles.rs"]
#[allow(dead_code, reason = "those who judge, for two test programs")]
mod oracles;
#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;

use std::path::PathBuf;
use std::process::Command;

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, verify_path};
use conclave_keyroom::domain::key::{KeyRecord, KeySource};
use conclave_keyroom::ports::dialogue::{Answer, Ask, Field, FieldKind, Refusal};
use conclave_station::service::ActEnd;
use oracles::Folder;
use people::{Scene, Trouble, done};
use stage::{folder, scene};

const PAIR: &str = "OUR.TLS.001";
const OTHER: &str = "OUR.TLS.002";
const ZMK: &str = "BANK-LAKE.ZMK.001";
const DATA: [&str; 2] = ["LTO.DATA.001", "LTO.DATA.002"];
const GUS: &str = "Gus, Custodians A";
const HAL: &str = "Hal, Custodians B";
/// A key store for nobody on record, its passphrase in halves.
const ALONE: [&str; 9] = [
    "a key store alone",
    "",
    "",
    "BANK-LAKE",
    GUS,
    HAL,
    "STICK-1",
    "",
    "",
];
const WHY: &str = "the older reader takes no other store";

/// Grammar of what is made for each system: one file after the other, by its
/// name. Says nothing where all is in order.
const LINT: &str = include_str!("key_stores/lint.py");

fn key(scene: &Scene, label: &str) -> KeyRecord {
    let keys = scene.station.keys();
    let found = keys.into_iter().find(|k| k.label == label);
    found.unwrap_or_else(|| panic!("no {label}: {:?}", scene.people.refusals))
}

fn make(scene: &mut Scene, label: &str, private: &str) {
    let form = [label, "2048", "365", "S0 signatures", private];
    scene.people.form("rsa.new", &form);
    done(scene.station.make_rsa(None, &mut scene.people));
}

/// Administrators record a system of this profile's title.
fn record(scene: &mut Scene, name: &str, profile: &str, pages: &[&[&str]]) {
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Administrators);
    scene.people.forms.remove("system.record");
    scene
        .people
        .form("system.record", &["a new system", name, profile]);
    for page in pages {
        scene.people.form("system.record", page);
    }
    done(scene.station.record_system(&mut scene.people));
    scene.station.logout("logged out").unwrap();
    scene.logon_both();
}

/// System, others, stores, recipient, CA's answers, exception.
fn hand_over(scene: &mut Scene, label: &str, fields: [&str; 6]) -> Result<ActEnd, Refusal> {
    let id = key(scene, label).id;
    let [system, also, stores, recipient, answers, exception] = fields;
    scene.people.forms.remove("store.parameters");
    scene.people.form(
        "store.parameters",
        &[
            system, also, stores, recipient, GUS, HAL, "STICK-1", answers, exception,
        ],
    );
    scene.people.refusals.clear();
    // A data key goes into a store as well, where people say so.
    scene.people.at =
        Box::new(|prompt, _| (prompt.code == "hand-over.way").then_some(Answer::Chosen(1)));
    let end = scene.station.hand_over(id, &mut scene.people);
    scene.people.at = Box::new(|_, _| None);
    end
}

/// The newest bundle on the stick.
fn newest(scene: &Scene) -> PathBuf {
    let all = std::fs::read_dir(scene.room.stick.folder()).unwrap();
    all.map(|entry| entry.unwrap().path())
        .filter(|path| path.join("manifest.cbor").exists())
        .max()
        .unwrap()
}

/// Its number, out of `CONCLAVE-0001-TEST`.
fn manifest_number(scene: &Scene) -> u64 {
    let path = newest(scene);
    let name = path.file_name().unwrap().to_str().unwrap();
    name.split('-').nth(1).unwrap().parse().unwrap()
}

/// The halves on the last two sheets of the component printer.
fn halves(scene: &Scene) -> [String; 2] {
    let bytes = scene.room.printers.0[0].bytes();
    let text = String::from_utf8_lossy(bytes.expose()).into_owned();
    let sheets: Vec<&str> = text.split("THE HALF: ").skip(1).collect();
    let half = |sheet: &str| -> String {
        let mut bare = sheet.to_owned();
        for style in ["\u{1b}E", "\u{1b}F", "\u{1b}W1", "\u{1b}W0"] {
            bare = bare.replace(style, "");
        }
        let plain = |b: u8| b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789".contains(&b);
        let own = |w: &&str| w.len() == 4 && w.bytes().all(plain);
        bare.split_whitespace().filter(own).take(7).collect()
    };
    let [.., first, second] = sheets.as_slice() else {
        panic!("{} sheets", sheets.len());
    };
    let both = [half(first), half(second)];
    assert!(both.iter().all(|half| half.len() == 28), "{both:?}");
    both
}

/// Verifies, has the grammar checked, looks for the passphrase in every file,
/// and copies the bundle to where it is judged.
fn judged(scene: &Scene) -> (Folder, String) {
    let bundle = newest(scene);
    let report = verify_path(&bundle);
    assert!(report.ok(), "{:?}", report.failure());
    let [first, second] = halves(scene);
    let folder = Folder::new();
    for file in std::fs::read_dir(&bundle).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&first[..8]) && !text.contains(&second[..8]));
        folder.put(path.file_name().unwrap().to_str().unwrap(), &bytes);
    }
    let said = folder.script(LINT, &[folder.path().to_str().unwrap()]);
    assert_eq!(said, "", "{}", bundle.display());
    for file in names(&folder, ".sh") {
        let run = Command::new("sh")
            .args(["-n", &file])
            .current_dir(folder.path())
            .status();
        assert!(run.unwrap().success(), "{file}");
    }
    let sheet = String::from_utf8(folder.get("runsheet.txt")).unwrap();
    assert!(sheet.lines().all(|line| line.len() <= 76), "{sheet}");
    // The steps are texts of the profile: every place in them is filled in.
    assert!(!sheet.contains(['{', '}']), "{sheet}");
    let words: Vec<&str> = sheet.split_whitespace().collect();
    let told = words.join(" ");
    assert!(told.contains("Gus types half 1, Hal half 2"), "{sheet}");
    (folder, format!("{first}{second}"))
}

/// What the exec has RACF do: run by Regina, with the panel filled in, and TSO writing
/// down each command, which is then held to the grammar. The passphrase in an answer of
/// RACF's is not shown.
fn issued(folder: &Folder) -> Vec<String> {
    let mut exec = String::from_utf8(folder.get("CONCRACF.rexx")).unwrap();
    let (one, two) = ("A".repeat(28), "B".repeat(28));
    let panel = format!("h1 = '{one}'; h2 = '{two}'; rc = 0");
    for (line, stub) in [
        ("address ispexec\n", ""),
        ("'DISPLAY PANEL(CONCPW)'", &*panel),
        ("'VPUT (H1 H2) SHARED'", "nop"),
        (
            "x = outtrap('said.')",
            "said.0 = 2; said.1 = 'IRRD1I'; said.2 = pw",
        ),
        ("x = outtrap('off')", "nop"),
        ("address tso,", "call tso,"),
    ] {
        assert_eq!(exec.matches(line).count(), 1, "{line}: {exec}");
        exec = exec.replace(line, stub);
    }
    exec.push_str("tso:\nparse arg issued\ncall lineout 'issued.racf', issued\nrc = 0\nreturn\n");
    folder.put("conclave.rex", exec.as_bytes());
    let run = Command::new("regina")
        .arg(folder.path().join("conclave.rex"))
        .current_dir(folder.path())
        .output()
        .expect("regina: run ./scripts/test, which installs it");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        run.status.success() && run.stderr.is_empty(),
        "{said}{run:?}"
    );
    assert!(
        said.contains("IRRD1I") && said.contains("return code 0"),
        "{said}"
    );
    assert!(!said.contains(&one) && !said.contains(&two), "{said}");
    let grammar = folder.script(LINT, &[folder.path().to_str().unwrap()]);
    assert_eq!(grammar, "");
    let issued = String::from_utf8(folder.get("issued.racf")).unwrap();
    assert!(
        issued
            .lines()
            .all(|line| line.contains(&format!("PASSWORD('{one}{two}')")))
    );
    issued.lines().map(str::to_owned).collect()
}

fn names(folder: &Folder, ending: &str) -> Vec<String> {
    let all = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> = all
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(ending))
        .collect();
    names.sort();
    names
}

fn fingerprint(folder: &Folder, p12: &str, word: &str, more: &[&str]) -> String {
    let pass = format!("pass:{word}");
    let mut arguments = vec![
        "pkcs12", "-in", p12, "-nocerts", "-nodes", "-passin", &pass, "-out", "own.key",
    ];
    arguments.extend(more);
    folder.openssl(&arguments);
    folder.openssl(&[
        "pkey", "-in", "own.key", "-pubout", "-outform", "DER", "-out", "own.der",
    ]);
    let digest = folder.openssl(&["dgst", "-sha256", "own.der"]);
    digest.trim().rsplit(' ').next().unwrap()[..16].to_uppercase()
}

#[test]
fn a_pair_leaves_in_stores_and_only_where_it_was_made_so() {
    let folder = folder();
    let mut scene = scene(&folder);
    make(&mut scene, PAIR, "may leave in a key store");
    make(&mut scene, OTHER, "never leaves");
    scene
        .people
        .form("rsa.new", &["OUR.TLS.003", "2048", "365", "S0 signatures"]);
    done(scene.station.make_rsa(None, &mut scene.people));
    for label in [OTHER, "OUR.TLS.003"] {
        assert_eq!(key(&scene, label).exportability, "N");
        let alone = ["a key store alone", "", "pkcs12", "BANK-LAKE", "", ""];
        let told = hand_over(&mut scene, label, alone).unwrap_err().happened;
        assert!(told.contains("never leaves: so it was made"), "{told}");
    }
    let alone = |stores| ["a key store alone", "", stores, "BANK-LAKE", "", ""];
    for (stores, words) in [
        ("pkcs13", "does not take a store"),
        ("jks jks", "does not take a store"),
    ] {
        let told = hand_over(&mut scene, PAIR, alone(stores))
            .unwrap_err()
            .happened;
        assert!(told.contains(words), "{told}");
    }
    done(hand_over(
        &mut scene,
        PAIR,
        alone("pkcs12 pkcs12-legacy jks jceks"),
    ));
    let (judge, word) = judged(&scene);
    let own = key(&scene, PAIR);
    assert_eq!(own.exports.len(), 1);
    assert_eq!(fingerprint(&judge, "keys.p12", &word, &[]), own.kcv.value);
    let old = fingerprint(&judge, "keys.old.p12", &word, &["-legacy"]);
    assert_eq!(old, own.kcv.value);
    for store in ["keys.jks", "keys.jceks", "keys.p12"] {
        let listed = judge.keytool(&["-list", "-keystore", store, "-storepass", &word]);
        assert!(listed.contains("our.tls.001,"), "{listed}");
    }
    let said = judge.openssl(&["verify", "-CAfile", "OUR.TLS.001.crt", "OUR.TLS.001.crt"]);
    assert!(said.contains("OK"), "{said}");

    // A second run has another passphrase.
    done(hand_over(&mut scene, PAIR, alone("pkcs12")));
    let (_, again) = judged(&scene);
    assert_ne!(word, again);
}

/// A half that its holder does not take whole ends the hand-over: the other one is not
/// printed, and nothing opens the store.
#[test]
fn the_second_half_is_printed_once_the_first_is_sealed() {
    let folder = folder();
    let mut scene = scene(&folder);
    make(&mut scene, PAIR, "may leave in a key store");
    let id = key(&scene, PAIR).id;
    for (at, printed) in [(1, 1), (2, 3)] {
        scene.people.form("store.parameters", &ALONE);
        scene.people.forget_questions();
        scene.people.at = Box::new(move |prompt, times| {
            (prompt.code == "store.half.taken" && times == at).then_some(Answer::Abort)
        });
        let end = scene.station.hand_over(id, &mut scene.people);
        let Ok(ActEnd::Done { good, lines, .. }) = end else {
            panic!("{:?}", scene.people.refusals);
        };
        let told = lines.join("\n");
        assert!(
            !good && told.contains(&format!("Half {at} is not in order")),
            "{told}"
        );
        assert!(told.contains("destroy what is printed"), "{told}");
        // Nobody waits for the receipt of a store that opens for nobody.
        let void = format!("Bundle {at:04} counts no more");
        assert!(told.contains(&void), "{told}");
        assert!(!told.contains("SHA-256"), "{told}");
        let tasks = format!("{:?}", scene.station.lists().tasks);
        assert!(!tasks.contains("receipt of bundle"), "{tasks}");
        assert_eq!(key(&scene, PAIR).delivered().count(), 0);
        let paper = scene.room.printers.0[0].bytes();
        let paper = String::from_utf8_lossy(paper.expose()).into_owned();
        assert_eq!(paper.matches("THE HALF: ").count(), printed);
    }
}

/// A half that may be printed is asked for once, and looked for: the provider has it no
/// more. Where nobody signs that the bundle is void, it is said that it still counts.
#[test]
fn a_half_that_may_be_printed_is_looked_for_and_not_printed_again() {
    let folder = folder();
    let mut scene = scene(&folder);
    make(&mut scene, PAIR, "may leave in a key store");
    let id = key(&scene, PAIR).id;
    scene.people.form("store.parameters", &ALONE);
    scene.people.refusals.clear();
    let printer = scene.printer.clone();
    scene.people.at = Box::new(move |prompt, _| {
        if prompt.code == "store.half.card" {
            *printer.lock().unwrap() = Some(Trouble::Broken);
        }
        (prompt.act == "Void bundle 0001").then_some(Answer::Abort)
    });
    let end = scene.station.hand_over(id, &mut scene.people);
    let Ok(ActEnd::Done { good, lines, .. }) = end else {
        panic!("{:?}", scene.people.refusals);
    };
    let told = lines.join("\n");
    assert!(!good && told.contains("Half 1 may be printed"), "{told}");
    assert!(!told.contains("was not printed"), "{told}");
    assert!(told.contains("Bundle 0001 STILL counts here"), "{told}");
    // The holder's card is not asked for again.
    let again = |said: &String| said.starts_with("store.half.card");
    assert!(!scene.people.refusals.iter().any(again));
    let tasks = format!("{:?}", scene.station.lists().tasks);
    assert!(tasks.contains("v makes it void"), "{tasks}");

    // Out of the task list, by both quorums, with a reason.
    scene.people.at = Box::new(|_, _| None);
    let named = "0001 on STICK-1 for BANK-LAKE";
    scene
        .people
        .form("void-bundle", &[named, "half 1 may be in the printer"]);
    let end = scene.station.void_bundle(&mut scene.people);
    let Ok(ActEnd::Done { title, .. }) = end else {
        panic!("{end:?}");
    };
    assert_eq!(title, "Bundle 0001 counts no more");
    let tasks = format!("{:?}", scene.station.lists().tasks);
    assert!(!tasks.contains("receipt of bundle"), "{tasks}");
    let own = key(&scene, PAIR);
    assert!(own.exports[0].void_ms.is_some());
    let page = scene.station.key_detail(PAIR, own.id).join("\n");
    assert!(
        page.contains("void since") && !page.contains("exported"),
        "{page}"
    );
    let none = scene.station.void_bundle(&mut scene.people).unwrap_err();
    assert!(
        none.happened.contains("No bundle is on its way"),
        "{none:?}"
    );
}

#[test]
fn each_system_gets_its_stores_and_scripts() {
    let folder = folder();
    let mut scene = scene(&folder);
    for label in [PAIR, OTHER] {
        make(&mut scene, label, "may leave in a key store");
    }
    record(
        &mut scene,
        "LAKE MVS",
        "RACF key rings, by RACDCERT",
        &[&["TLSUSER", "TLSRING", "yes", "SYS1.CONCLAVE", "PKDS"]],
    );
    record(
        &mut scene,
        "LAKE MQ",
        "CMS key database of IBM GSKit, by PKCS#12",
        &[&["runmqakm", "/var/mqm/qmgrs/QM1/ssl/key.kdb", "QM1"]],
    );
    record(&mut scene, "LAKE DP", "IBM DataPower", &[&["payments"]]);
    let disk: &[&str] = &[
        "DS8000",
        "123456789012",
        "5005076300C00001",
        "/opt/keys",
        "g",
        "lto",
    ];
    record(
        &mut scene,
        "LAKE DISK",
        "Tape and disk: ISKLM, SKLM, GKLM",
        &[disk, &["no"]],
    );
    record(
        &mut scene,
        "LAKE HSM",
        "Network HSM service (ACSP), TLS stores and key map",
        &[
            &[
                "hsm.lake.example",
                "7002",
                "TLS",
                "CCA",
                "BANK.ZPK.1",
                "cards",
            ],
            &["BANK.CVK.1", "issuing", "", "", "", ""],
            &["", "", "", "", "", ""],
        ],
    );

    done(hand_over(
        &mut scene,
        PAIR,
        ["LAKE MVS", OTHER, "", "", "", ""],
    ));
    let (racf, word) = judged(&scene);
    assert_eq!(names(&racf, ".p12").len(), 4);
    let own = key(&scene, PAIR).kcv.value;
    assert_eq!(fingerprint(&racf, "OUR.TLS.001.p12", &word, &[]), own);
    assert_eq!(
        fingerprint(&racf, "OUR.TLS.001.old.p12", &word, &["-legacy"]),
        own
    );
    let job = String::from_utf8(racf.get("CONCRING.jcl")).unwrap();
    assert!(
        job.contains("LABEL('OUR.TLS.001')") && job.contains("ADDRING(TLSRING)"),
        "{job}"
    );
    let exec = String::from_utf8(racf.get("CONCRACF.rexx")).unwrap();
    assert!(exec.contains("PKDS(OUR.TLS.002)"), "{exec}");
    let issued = issued(&racf);
    assert_eq!(issued.len(), 2, "{issued:?}");
    let sheet = String::from_utf8(racf.get("runsheet.txt")).unwrap();
    for (command, label) in issued.iter().zip([PAIR, OTHER]) {
        assert!(
            command.contains(&format!("WITHLABEL('{label}')")),
            "{command}"
        );
        assert!(command.ends_with(&format!("PKDS({label})")), "{command}");
        let data_set = command.split('\'').nth(1).unwrap();
        assert!(sheet.contains(data_set), "{command}");
    }
    let sheet = sheet.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(sheet.contains("RECFM=VB and LRECL=256"), "{sheet}");
    assert!(sheet.contains("RECFM=FB and LRECL=80"), "{sheet}");

    let two = hand_over(&mut scene, PAIR, ["LAKE MQ", OTHER, "", "", "", ""]).unwrap_err();
    assert!(two.happened.contains("one key"), "{}", two.happened);
    done(hand_over(&mut scene, PAIR, ["LAKE MQ", "", "", "", "", ""]));
    let (mq, word) = judged(&scene);
    let listed = mq.keytool(&["-list", "-keystore", "OUR.TLS.001.p12", "-storepass", &word]);
    assert!(listed.contains("ibmwebspheremqqm1,"), "{listed}");

    done(hand_over(
        &mut scene,
        PAIR,
        ["LAKE DP", OTHER, "", "", "", ""],
    ));
    let (dp, _) = judged(&scene);
    let script = String::from_utf8(dp.get("datapower-older.cli")).unwrap();
    assert!(
        script.contains("idcred OUR.TLS.002-id OUR.TLS.002-key OUR.TLS.002-crt"),
        "{script}"
    );
    let script = String::from_utf8(dp.get("datapower-10.cli")).unwrap();
    let mode = "idcred OUR.TLS.002-id\n key OUR.TLS.002-key\n certificate OUR.TLS.002-crt\n";
    assert!(script.contains(mode), "{script}");
    // Its files were decoded and compared by the grammar's reader; a changed one is told.
    let soma = String::from_utf8(dp.get("soma-files.xml")).unwrap();
    dp.put(
        "soma-files.xml",
        soma.replacen("\">MI", "\">MJ", 1).as_bytes(),
    );
    let said = dp.script(LINT, &[dp.path().to_str().unwrap()]);
    assert!(
        said.contains("soma-files.xml: another content for"),
        "{said}"
    );

    done(hand_over(
        &mut scene,
        PAIR,
        ["LAKE DISK", OTHER, "", "", "", ""],
    ));
    let (disk, _) = judged(&scene);
    let text = String::from_utf8(disk.get("load-keys.py")).unwrap();
    assert!(
        text.contains("{aliasOne our.tls.001} {aliasTwo our.tls.002}"),
        "{text}"
    );
    let text = String::from_utf8(disk.get("import-certificates.py")).unwrap();
    for label in ["OUR.TLS.001", "OUR.TLS.002"] {
        let command = format!(
            "tklmCertImport('[-fileName /opt/keys/{label}.crt -alias {} -format base64 ",
            label.to_lowercase()
        );
        assert!(text.contains(&command), "{text}");
        let file = format!("{label}.crt");
        let subject = disk.openssl(&["x509", "-in", &file, "-noout", "-subject"]);
        assert!(subject.contains(label), "{subject}");
    }
    assert!(
        !text.contains("password -") && !text.contains("Half"),
        "{text}"
    );

    let one = hand_over(&mut scene, PAIR, ["LAKE HSM", "", "", "", "", ""]).unwrap_err();
    assert!(
        one.happened.contains("a pair for the server"),
        "{}",
        one.happened
    );
    done(hand_over(
        &mut scene,
        PAIR,
        ["LAKE HSM", OTHER, "", "", "", ""],
    ));
    let (hsm, _) = judged(&scene);
    let map = String::from_utf8(hsm.get("service-map.json")).unwrap();
    let map: serde_json::Value = serde_json::from_str(&map).unwrap();
    let one = |application: &str, label: &str| serde_json::json!({"application": application, "label": label});
    let both = [one("cards", "BANK.ZPK.1"), one("issuing", "BANK.CVK.1")];
    assert_eq!(map["applications"], serde_json::json!(both));
    assert_eq!(map["interface"], "CCA");
}

/// What of the map of a network HSM does not read is refused where it is typed, by the
/// field's name; corrected there, it goes on record.
#[test]
fn a_malformed_map_is_refused_at_its_field() {
    let folder = folder();
    let mut scene = scene(&folder);
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Administrators);
    let first = |interface, label, application| {
        let general = ["hsm.lake.example", "7002", "TLS"];
        [&general[..], &[interface, label, application]].concat()
    };
    let empty = ["", "", "", "", "", ""];
    let profile = "Network HSM service (ACSP), TLS stores and key map";
    for (at, (page, told)) in [
        (
            first("CCA", "BANK.ZPK.1", ""),
            "Application of key 1 is empty",
        ),
        (first("CCA", "", "cards"), "Key label 1 is empty"),
        (
            first("CCA", "BANK ZPK", "cards"),
            "Key label 1 takes no ' '",
        ),
        (
            first("CCA", "Bank.ZPK", "cards"),
            "Key label 1: ICSF allows no 'a'",
        ),
        (
            first("CCA", "1BANK", "cards"),
            "Key label 1: an ICSF label begins",
        ),
        (
            first("CCA", "BANK.ZPK.1", "=cards"),
            "Application of key 1 takes no '='",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("LAKE HSM {at}");
        scene.people.forms.remove("system.record");
        scene.people.refusals.clear();
        scene
            .people
            .form("system.record", &["a new system", &name, profile]);
        scene.people.form("system.record", &page);
        // Typed again on the same page, then the others; a label may not come twice.
        scene
            .people
            .form("system.record", &first("CCA", "BANK.ZPK.1", "cards"));
        let twice = ["BANK.ZPK.1", "other", "", "", "", ""];
        scene.people.form("system.record", &twice);
        scene.people.form("system.record", &empty);
        scene.people.form("system.record", &empty);
        done(scene.station.record_system(&mut scene.people));
        let refusals = scene.people.refusals.join("; ");
        assert!(refusals.contains(told), "{told}: {refusals}");
        assert!(
            refusals.contains("Key label 2: BANK.ZPK.1 stands there twice"),
            "{refusals}"
        );
    }
    // Labels of objects of a token have small letters.
    scene.people.forms.remove("system.record");
    scene
        .people
        .form("system.record", &["a new system", "LAKE P11", profile]);
    scene
        .people
        .form("system.record", &first("PKCS11", "bank-zpk_1", "cards"));
    scene.people.form("system.record", &empty);
    scene.people.form("system.record", &empty);
    done(scene.station.record_system(&mut scene.people));
}

#[test]
fn data_keys_leave_for_tape_and_nothing_of_payments_does() {
    let folder = folder();
    let mut scene = scene(&folder);
    done(scene.zmk(ZMK, "zmk-aes256", "2"));
    for label in DATA {
        done(scene.working(label, "data-aes256", ZMK));
    }
    done(scene.working("BANK-LAKE.ZPK.001", "zpk-aes128", ZMK));
    let tape: &[&str] = &["LTO", "123456789012", "", "/opt/keys", "tapes", "abc"];
    record(
        &mut scene,
        "LAKE TAPE",
        "Tape and disk: ISKLM, SKLM, GKLM",
        &[tape, &["no"]],
    );
    let fields = |why| ["LAKE TAPE", DATA[1], "", "", "", why];
    let told = hand_over(&mut scene, DATA[0], fields(""))
        .unwrap_err()
        .happened;
    assert!(told.contains("R6"), "{told}");
    let with_pin = ["LAKE TAPE", "BANK-LAKE.ZPK.001", "", "", "", WHY];
    let told = hand_over(&mut scene, DATA[0], with_pin)
        .unwrap_err()
        .happened;
    assert!(told.contains("(R19)"), "{told}");
    done(hand_over(&mut scene, DATA[0], fields(WHY)));
    let (judge, word) = judged(&scene);
    let aliases = judge.keytool(&[
        "-list",
        "-storetype",
        "JCEKS",
        "-keystore",
        "keys.jceks",
        "-storepass",
        &word,
    ]);
    let number = manifest_number(&scene);
    for at in [1, 2] {
        let alias = format!("abc{number:016x}{at:02x},");
        assert!(aliases.contains(&alias), "{alias}: {aliases}");
    }
    let found = judge.secrets_with("keys.jceks", &word);
    assert_eq!(found.matches("aes ").count(), 2, "two keys of AES");

    // A later bundle has other aliases for the same drives.
    done(hand_over(&mut scene, DATA[0], fields(WHY)));
    let (judge, _) = judged(&scene);
    let commands = String::from_utf8(judge.get("load-keys.py")).unwrap();
    let later = format!("abc{:016x}01", number + 1);
    assert!(commands.contains(&later), "{commands}");
}

/// With the hash that it is for, as Java names it; its check value is openssl's SHA-256
/// of what IBM's text says.
#[test]
fn an_hmac_key_leaves_with_its_hash() {
    let folder = folder();
    let mut scene = scene(&folder);
    let label = "BANK-LAKE.HMAC.001";
    done(scene.zmk(ZMK, "zmk-aes256", "2"));
    done(scene.working(label, "hmac-sha512", ZMK));
    let alone = |why| {
        [
            "a key store alone",
            "",
            "pkcs12 jceks",
            "BANK-LAKE",
            "",
            why,
        ]
    };
    let told = hand_over(&mut scene, label, alone(""))
        .unwrap_err()
        .happened;
    assert!(told.contains("R6"), "{told}");
    done(hand_over(&mut scene, label, alone(WHY)));
    let (judge, word) = judged(&scene);
    let found = judge.secrets_with("keys.jceks", &word);
    let value = found.strip_prefix("hmacsha512 ").unwrap();
    let mut bytes = vec![3, 0, 2, 2, 0];
    bytes.extend((0..64).map(|at| u8::from_str_radix(&value[2 * at..2 * at + 2], 16).unwrap()));
    judge.put("pattern", &bytes);
    let digest = judge.openssl(&["dgst", "-sha256", "-r", "pattern"]);
    let kcv = key(&scene, label).kcv;
    assert_eq!(kcv.method, "SHA2VP1");
    assert!(digest.to_uppercase().starts_with(&kcv.value), "{digest}");
    let listed = judge.keytool(&["-list", "-keystore", "keys.p12", "-storepass", &word]);
    assert!(listed.contains("SecretKeyEntry"), "{listed}");
}

/// Two type these halves.
fn type_halves(scene: &mut Scene, first: &str, second: &str, check: &str) {
    let halves = [first.to_owned(), second.to_owned()];
    let check = check.to_owned();
    scene.people.at = Box::new(move |prompt, _| {
        let half = match prompt.code.as_str() {
            "import.what" => return Some(Answer::Chosen(1)),
            "store.half1" => &halves[0],
            "store.half2" => &halves[1],
            "store.entry" => {
                let Ask::Form { fields, .. } = &prompt.ask else {
                    panic!("no form");
                };
                // Nothing is chosen for anybody: the first of each list.
                let first = |field: &Field| match &field.kind {
                    FieldKind::One(all) if field.value.is_empty() => all[0].clone(),
                    FieldKind::Told(all) if field.value.is_empty() => all[0].label.clone(),
                    _ => field.value.clone(),
                };
                let mut values: Vec<String> = fields.iter().map(first).collect();
                if prompt.refused.is_some() {
                    return Some(Answer::Abort);
                }
                values[1] = "BANK-LAKE.IN.001".into();
                if !check.contains(' ') {
                    values[4].clone_from(&check);
                } else {
                    let (template, value) = check.split_once(' ').unwrap();
                    values[2] = template.into();
                    values[4] = value.into();
                }
                return Some(Answer::Fields(values));
            }
            _ => return None,
        };
        matches!(prompt.ask, Ask::Passphrase { .. }).then(|| {
            Answer::Secret(Secret::from_fn(half.len(), |to| {
                to.copy_from_slice(half.as_bytes());
            }))
        })
    });
}

fn import(scene: &mut Scene, file: &str) -> Result<ActEnd, Refusal> {
    scene.people.forms.remove("store.import");
    scene
        .people
        .form("store.import", &["BANK-LAKE", "STICK-1", file]);
    let end = scene.station.import_public(&mut scene.people);
    scene.people.at = Box::new(|_, _| None);
    end
}

fn put(scene: &Scene, folder: &Folder, name: &str) {
    let to = scene.room.stick.folder();
    std::fs::create_dir_all(to.join("IMPORT")).unwrap();
    std::fs::write(to.join("IMPORT").join(name), folder.get(name)).unwrap();
}

#[test]
fn keys_come_in_out_of_stores_of_others() {
    let folder = folder();
    let mut scene = scene(&folder);
    let judge = Folder::new();
    judge.openssl(&[
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
    let (one, two) = oracles::WORD.split_at(7);
    let pass = format!("pass:{}", oracles::WORD);
    judge.openssl(&[
        "pkcs12", "-export", "-inkey", "k.pem", "-in", "c.pem", "-name", "lake", "-passout", &pass,
        "-out", "lake.p12",
    ]);
    put(&scene, &judge, "lake.p12");
    let print = fingerprint(&judge, "lake.p12", oracles::WORD, &[]);

    type_halves(&mut scene, one, "-EFGH-wrong", &print);
    let told = import(&mut scene, "lake.p12").unwrap_err().happened;
    assert!(told.contains("passphrase is another one"), "{told}");
    type_halves(&mut scene, one, two, "0123456789ABCDEF");
    let told = import(&mut scene, "lake.p12").unwrap_err().happened;
    assert!(told.contains("another fingerprint"), "{told}");
    assert_eq!(scene.key_state("BANK-LAKE.IN.001"), None);
    type_halves(&mut scene, one, two, &print);
    done(import(&mut scene, "lake.p12"));
    let pair = key(&scene, "BANK-LAKE.IN.001");
    assert_eq!((pair.kcv.value, pair.exportability.as_str()), (print, "N"));
    assert!(matches!(pair.source, KeySource::Store { .. }));
    let id = pair.id;
    scene.people.form("retire.destroy", &["not needed"]);
    let _ = scene.station.destroy_key(id, &mut scene.people);

    // A secret key of JCEKS, with the check value that openssl makes of it.
    judge.keytool_secret("JCEKS", "tape", "AES", "256");
    put(&scene, &judge, "JCEKS");
    let value = judge.secrets("JCEKS").replace("aes ", "");
    let zeros = "00000000000000000000000000000000";
    judge.put("zeros", &[0; 16]);
    let mac = judge.openssl(&[
        "mac",
        "-macopt",
        "cipher:AES-256-CBC",
        "-macopt",
        &format!("hexkey:{value}"),
        "-in",
        "zeros",
        "CMAC",
    ]);
    assert_eq!(mac.trim().len(), zeros.len());
    let check = format!("data-aes256 {}", &mac[..10]);
    type_halves(&mut scene, oracles::WORD, "", &check);
    scene.people.at = {
        let mut usual = std::mem::replace(&mut scene.people.at, Box::new(|_, _| None));
        Box::new(move |prompt, times| {
            let answer = usual(prompt, times);
            match answer {
                Some(Answer::Fields(mut values)) if prompt.code == "store.entry" => {
                    values[1] = "BANK-LAKE.TAPE.001".into();
                    Some(Answer::Fields(values))
                }
                other => other,
            }
        })
    };
    done(import(&mut scene, "JCEKS"));
    let tape = key(&scene, "BANK-LAKE.TAPE.001");
    assert_eq!(tape.kcv.value, &mac[..10]);
    assert_eq!(tape.state.words(), "active");
}
