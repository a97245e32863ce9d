//! `conclave demo --out DIR`, judged by what it leaves: by its own `verify`,
//! by an outsider with other tools, and by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use conclave_evidence::export::JournalExport;
use conclave_evidence::words::in_words;
use serde_json::Value as Json;
use tempfile::TempDir;

fn conclave(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conclave"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn play(folder: &Path) {
    let done = conclave(&["demo", "--out", folder.to_str().unwrap()]);
    let said = text(&done.stdout) + &text(&done.stderr);
    assert!(done.status.success(), "{said}");
    assert!(said.contains("demo.json"), "{said}");
}

/// One demonstration for all tests; nobody writes into it.
fn demo() -> &'static Path {
    static DEMO: OnceLock<TempDir> = OnceLock::new();
    DEMO.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        play(folder.path());
        folder
    })
    .path()
}

fn report(folder: &Path) -> Json {
    serde_json::from_slice(&std::fs::read(folder.join("demo.json")).unwrap()).unwrap()
}

fn list<'a>(report: &'a Json, name: &str) -> &'a Vec<Json> {
    report[name]
        .as_array()
        .unwrap_or_else(|| panic!("{name} is no list"))
}

fn string(json: &Json) -> &str {
    json.as_str().unwrap_or_else(|| panic!("no text: {json}"))
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all.sort();
    all
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&file, target).unwrap();
    }
}

fn pdf_text(path: &Path) -> String {
    let read = Command::new("pdftotext")
        .arg("-layout")
        .arg(path)
        .arg("-")
        .output()
        .expect("pdftotext: run ./scripts/test, which installs it");
    assert!(read.status.success(), "{}", path.display());
    text(&read.stdout)
}

fn outsider(folder: &Path) -> Output {
    let oracles = std::env::var_os("CONCLAVE_ORACLES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join(".oracles"),
        PathBuf::from,
    );
    Command::new(oracles.join("bin/python3"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outsider.py"))
        .arg(folder)
        .output()
        .expect("psec: run ./scripts/test, which installs it")
}

fn names(json: &Json) -> BTreeSet<&str> {
    json.as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn set<const N: usize>(all: [&'static str; N]) -> BTreeSet<&'static str> {
    BTreeSet::from(all)
}

/// What the demonstration makes, for every kind of system.
const FORMATS: [&str; 24] = [
    "acsp",
    "akb",
    "atalla-variant",
    "cca-des",
    "datapower",
    "jceks",
    "jks",
    "kdb-script",
    "kgup",
    "nshield",
    "partner-letter",
    "pkcs11",
    "pkcs12",
    "racf",
    "rexx",
    "sklm",
    "thales-keyblock",
    "thales-lmk",
    "thales-variant",
    "tr31-a",
    "tr31-b",
    "tr31-c",
    "tr31-d",
    "tr31-e",
];

#[test]
fn the_report_has_its_shape() {
    let report = report(demo());
    let all = set([
        "station",
        "mode",
        "keys",
        "components",
        "shares",
        "exports",
        "bundles",
        "journal",
        "genesis",
        "minutes",
        "backup",
        "restored",
        "pin_batch",
    ]);
    assert!(all.is_subset(&names(&report)), "{:?}", names(&report));
    assert_eq!(report["mode"], "TEST");
    assert!(!string(&report["station"]).is_empty());
    let mut kinds = BTreeMap::new();
    for key in list(&report, "keys") {
        let fields = set(["label", "algorithm", "bits", "usage", "kcv", "kcv_method"]);
        assert!(fields.is_subset(&names(key)), "{key}");
        let bits = key["bits"].as_u64().unwrap();
        let (fits, digits) = match string(&key["algorithm"]) {
            "TDES" => ([112, 168].contains(&bits), 6),
            "AES" => ([128, 192, 256].contains(&bits), 10),
            "RSA" => (bits == 2048, 16),
            other => panic!("{other}"),
        };
        assert!(fits, "{key}");
        let kcv = string(&key["kcv"]);
        assert!(kcv.len() <= digits && kcv.bytes().all(|b| b"0123456789ABCDEF".contains(&b)));
        kinds.insert(string(&key["label"]).to_owned(), key.clone());
    }
    let zones: Vec<&Json> = kinds.values().filter(|k| k["usage"] == "K0").collect();
    let sizes: BTreeSet<u64> = zones.iter().map(|k| k["bits"].as_u64().unwrap()).collect();
    assert_eq!(sizes, BTreeSet::from([112, 168, 256]), "TDES and AES ZMKs");
    assert_eq!(list(&report, "components").len(), 6 + 20);
    let formats: BTreeSet<&str> = list(&report, "exports")
        .iter()
        .map(|export| string(&export["format"]))
        .collect();
    assert_eq!(formats, BTreeSet::from(FORMATS));
    let shares = list(&report, "shares");
    assert_eq!(shares.len(), 3);
    let mut envelopes = BTreeSet::new();
    for component in list(&report, "components") {
        let fields = set([
            "key",
            "index",
            "of",
            "custodian",
            "envelope",
            "kcv",
            "kcv_method",
            "pdf",
            "escp",
        ]);
        assert!(fields.is_subset(&names(component)), "{component}");
        assert!(kinds.contains_key(string(&component["key"])));
        assert!(component["of"] == 3 || component["of"] == 2);
        assert!(
            envelopes.insert(string(&component["envelope"])),
            "{component}"
        );
        for paper in ["pdf", "escp"] {
            assert!(
                string(&component[paper]).starts_with("paper/"),
                "{component}"
            );
        }
    }
    for share in shares {
        let fields = set([
            "key",
            "index",
            "of",
            "needed",
            "custodian",
            "envelope",
            "pdf",
        ]);
        assert!(fields.is_subset(&names(share)), "{share}");
        assert_eq!((&share["of"], &share["needed"]), (&3.into(), &2.into()));
        assert!(envelopes.insert(string(&share["envelope"])), "{share}");
    }
    for export in list(&report, "exports") {
        assert!(set(["format", "path", "key", "under", "kcv"]).is_subset(&names(export)));
        let key = string(&export["key"]);
        if !key.is_empty() {
            assert_eq!(export["kcv"], kinds[key]["kcv"]);
        }
        // A store says on which sheets its passphrase is.
        let store = ["pkcs12", "jks", "jceks"].contains(&string(&export["format"]));
        let sheets = export["passphrase"].as_array().map_or(0, Vec::len);
        assert_eq!(sheets, if store { 2 } else { 0 }, "{export}");
    }
}

#[test]
fn the_backup_verifies_and_the_station_restored_from_it_opens() {
    let report = report(demo());
    let backup = demo().join(string(&report["backup"]));
    let verified = conclave(&["verify", backup.to_str().unwrap()]);
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    let said = text(&verified.stdout);
    assert!(said.contains("quorum of administrators"), "{said}");
    let restored = demo().join(string(&report["restored"]));
    assert!(restored.join("repository/db").is_file());
}

#[test]
fn every_path_is_relative_and_there() {
    let report = report(demo());
    let mut paths = vec![string(&report["journal"])];
    for (name, field) in [
        ("components", "pdf"),
        ("components", "escp"),
        ("shares", "pdf"),
        ("shares", "escp"),
        ("exports", "path"),
    ] {
        paths.extend(list(&report, name).iter().map(|item| string(&item[field])));
    }
    for name in ["bundles", "minutes"] {
        paths.extend(list(&report, name).iter().map(string));
    }
    assert_eq!(list(&report, "bundles").len(), 4 + 11 + 8);
    // Ceremonies, three acts with RSA pairs, five typed sheets put away; a new card, a
    // backup, its rehearsal.
    assert_eq!(list(&report, "minutes").len(), 10 + 11 + 3 + 5 + 3);
    for path in paths {
        assert!(
            Path::new(path).is_relative() && !path.contains(".."),
            "{path}"
        );
        assert!(demo().join(path).exists(), "{path}");
    }
}

#[test]
fn an_outsider_arrives_at_the_same_keys() {
    let judged = outsider(demo());
    let said = text(&judged.stdout) + &text(&judged.stderr);
    assert!(judged.status.success(), "{said}");
    assert!(
        said.lines().filter(|l| l.starts_with("ok ")).count() > 60,
        "{said}"
    );
}

#[test]
fn the_outsider_sees_one_altered_digit() {
    let report = report(demo());
    // A digit of a line printer's sheet, of a check value, of a key block.
    let mut alter: Vec<(&str, Box<dyn Fn(&Path)>)> = Vec::new();
    let sheet = string(&list(&report, "components")[0]["escp"]).to_owned();
    alter.push((
        "both sheets agree",
        Box::new(move |folder| {
            let path = folder.join(&sheet);
            let mut bytes = std::fs::read(&path).unwrap();
            let line = bytes.windows(9).rposition(|w| w == b"   check ").unwrap();
            let at = (0..line)
                .rev()
                .find(|at| bytes[*at].is_ascii_hexdigit())
                .unwrap();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            std::fs::write(path, bytes).unwrap();
        }),
    ));
    let share = string(&list(&report, "shares")[2]["escp"]).to_owned();
    alter.push((
        "share 3: both sheets agree",
        Box::new(move |folder| {
            let path = folder.join(&share);
            let mut bytes = std::fs::read(&path).unwrap();
            let line = bytes.windows(9).rposition(|w| w == b"   check ").unwrap();
            let at = (0..line)
                .rev()
                .find(|at| bytes[*at].is_ascii_hexdigit())
                .unwrap();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            std::fs::write(path, bytes).unwrap();
        }),
    ));
    let block = list(&report, "exports")
        .iter()
        .find(|export| export["format"] == "tr31-d")
        .map(|export| string(&export["path"]).to_owned())
        .unwrap();
    alter.push((
        "",
        Box::new(move |folder| {
            let path = folder.join(&block);
            let mut bytes = std::fs::read(&path).unwrap();
            let last = bytes.len() - 1;
            bytes[last] = if bytes[last] == b'0' { b'1' } else { b'0' };
            std::fs::write(path, bytes).unwrap();
        }),
    ));
    alter.push((
        "NOT SO",
        Box::new(|folder| {
            let mut report = self::report(folder);
            // Of a key that the outsider can arrive at.
            let label = string(&list(&report, "components")[0]["key"]).to_owned();
            let keys = list(&report, "keys");
            let at = keys.iter().position(|key| string(&key["label"]) == label);
            let at = at.unwrap();
            let kcv = string(&report["keys"][at]["kcv"]).to_owned();
            let other = if kcv.starts_with('0') { "1" } else { "0" };
            report["keys"][at]["kcv"] = format!("{other}{}", &kcv[1..]).into();
            std::fs::write(folder.join("demo.json"), report.to_string()).unwrap();
        }),
    ));
    // A component of the PVK: every PIN on paper has another PVV then than went back.
    let sheet = string(&report["pin_batch"]["pvk_components"][1]).to_owned();
    alter.push((
        "the PVV",
        Box::new(move |folder| {
            let path = folder.join(&sheet);
            let mut bytes = std::fs::read(&path).unwrap();
            let last = bytes.iter().rposition(|b| b.is_ascii_hexdigit()).unwrap();
            // Its lowest bit is parity, which makes no other key.
            let digit = char::from(bytes[last]).to_digit(16).unwrap() ^ 8;
            let digit = char::from_digit(digit, 16).unwrap();
            bytes[last] = u8::try_from(digit.to_ascii_uppercase()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }),
    ));
    for (word, alter) in alter {
        let folder = TempDir::new().unwrap();
        copy(demo(), folder.path());
        alter(folder.path());
        let judged = outsider(folder.path());
        assert_eq!(judged.status.code(), Some(1), "{}", text(&judged.stdout));
        assert!(
            text(&judged.stderr).contains(word),
            "{}",
            text(&judged.stderr)
        );
    }
}

/// Everything that `verify` reads: bundles, the journal, transcripts.
fn evidence(folder: &Path) -> Vec<PathBuf> {
    let report = report(folder);
    let mut all = vec![folder.join(string(&report["journal"]))];
    all.extend(
        list(&report, "bundles")
            .iter()
            .map(|b| folder.join(string(b))),
    );
    all.extend(
        files(&folder.join("minutes"))
            .into_iter()
            .filter(|path| path.extension().is_some_and(|e| e == "cbor")),
    );
    all
}

fn verify(paths: &[PathBuf]) -> Output {
    let arguments: Vec<&str> = std::iter::once("verify")
        .chain(paths.iter().map(|path| path.to_str().unwrap()))
        .collect();
    conclave(&arguments)
}

#[test]
fn its_evidence_is_verified_a_line_a_check() {
    let paths = evidence(demo());
    assert_eq!(paths.len(), 1 + 23 + 32, "journal, bundles, transcripts");
    let judged = verify(&paths);
    let said = text(&judged.stdout);
    assert!(judged.status.success(), "{said}{}", text(&judged.stderr));
    let lines: Vec<&str> = said.lines().collect();
    let (last, checks) = lines.split_last().unwrap();
    let of = |mark: &str| checks.iter().filter(|line| line.starts_with(mark)).count();
    let (held, notes, to_do) = (of("ok  "), of("note "), of("to do "));
    assert_eq!(held + notes + to_do, checks.len(), "{said}");
    assert!(last.contains(&format!("{held} checks")), "{last}");
    // Nobody has compared the genesis: that is no check that held.
    assert_eq!(to_do, 1, "{said}");
    assert!(last.contains("genesis was NOT compared"), "{last}");
    assert!(!said.contains("0 cards"), "{said}");
    assert!(
        said.contains("those who closed it signed that with their cards"),
        "{said}"
    );
    for path in &paths {
        let name = path.to_str().unwrap();
        assert!(
            checks.iter().any(|line| line.contains(name)),
            "{name}: {said}"
        );
    }
}

/// The words of the founding sheet, as `demo.json` names it, and other words.
#[test]
fn the_genesis_is_compared_with_the_founding_sheet() {
    let folder = demo();
    let report = report(folder);
    let sheet = folder.join(string(&report["genesis"]));
    let words = std::fs::read_to_string(sheet).unwrap();
    assert_eq!(words.split_whitespace().count(), 32);
    let journal = folder.join(string(&report["journal"]));
    let judge = |words: &str| conclave(&["verify", "--genesis", words, journal.to_str().unwrap()]);
    let judged = judge(&words);
    let said = text(&judged.stdout);
    assert!(judged.status.success(), "{said}");
    assert!(!said.contains("paper of the genesis"), "{said}");
    assert!(
        said.contains("The genesis is the one that was given. 2 things to do.\n"),
        "{said}"
    );
    // The journal tells of what was not given with it.
    for words in ["no bundle is given", "no transcript of ceremony is given"] {
        assert!(said.contains(words), "{said}");
    }
    let mut other: Vec<&str> = words.split_whitespace().collect();
    other.swap(0, 2);
    let judged = judge(&other.join(" "));
    assert_eq!(judged.status.code(), Some(1));
    assert!(text(&judged.stderr).contains("not the genesis that was given"));
    // Words at the wrong places are no digest: no word stands before the first.
    other.remove(0);
    let refused = text(&judge(&other.join(" ")).stderr);
    assert!(
        refused.contains("word 1") && !refused.contains("before"),
        "{refused}"
    );
}

/// What a user gives to `verify` by mistake is answered, not called forged.
#[test]
fn what_alone_proves_nothing_is_told() {
    let folder = demo();
    let report = report(folder);
    let judge = |path: &Path| verify(&[path.to_owned()]);
    let judged = judge(&folder.join("minutes"));
    assert_eq!(judged.status.code(), Some(1));
    let said = text(&judged.stdout);
    assert!(!said.contains("WRONG"), "{said}");
    assert!(text(&judged.stderr).contains("not checked: give the journal export or a bundle"));
    let output = std::fs::read_dir(folder.join("media"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_str().unwrap().contains("PIN-B"))
        .unwrap();
    assert!(text(&judge(&output).stderr).contains("the output of a PIN batch"));
    let restored = folder.join(string(&report["restored"]));
    assert!(text(&judge(&restored).stderr).contains("a station's own folder"));
}

/// Given by folder, the whole of it verifies; what lost its mark is told beside what held.
#[test]
fn evidence_that_lost_its_mark_is_not_passed_over() {
    let whole = verify(&[demo().to_path_buf()]);
    assert!(whole.status.success());
    let said = text(&whole.stdout);
    assert!(!said.contains("not given"), "{said}");
    for what in ["bundle", "transcript of ceremony"] {
        let all = format!("each {what} that the journal tells of is given");
        assert!(said.contains(&all), "{said}");
    }
    // The reports of the auditors' export are there, and say what they are.
    let reports = files(&demo().join("reports"));
    for name in ["component-log", "controls"] {
        let of = reports
            .iter()
            .filter(|path| path.to_string_lossy().contains(name));
        assert_eq!(of.count(), 1, "{name}");
    }
    let folder = TempDir::new().unwrap();
    for name in ["minutes", "journal"] {
        copy(&demo().join(name), &folder.path().join(name));
    }
    let backup = std::fs::read_dir(demo().join("media"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_str().unwrap().contains("BACKUP-"))
        .unwrap();
    let kept = folder.path().join(backup.file_name().unwrap());
    copy(&backup, &kept);
    let judge = || verify(&[folder.path().to_path_buf()]);
    assert!(judge().status.success());
    let transcript = files(&folder.path().join("minutes"))
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "cbor"))
        .unwrap();
    let journal = folder.path().join("journal/TEST-journal.cbor");
    for file in [&kept.join("backup.cbor"), &transcript, &journal] {
        let whole = std::fs::read(file).unwrap();
        for at in [0, 3, 30] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(file, &damaged).unwrap();
            assert_eq!(judge().status.code(), Some(1), "{}: {at}", file.display());
        }
        if *file == journal {
            // The backup has the same entries: without the export nothing is missed.
            std::fs::write(file, &whole).unwrap();
            continue;
        }
        std::fs::remove_file(file).unwrap();
        let judged = judge();
        assert_eq!(judged.status.code(), Some(1), "{}", file.display());
        let said = text(&judged.stdout);
        assert!(
            said.contains("to do ") && said.contains("not checked"),
            "{said}"
        );
        std::fs::write(file, &whole).unwrap();
    }
    assert!(judge().status.success());
}

/// A folder is looked into, and each file that the station makes is known.
#[test]
fn inspect_knows_what_lies_in_a_bundle() {
    let folder = demo();
    let bundle = folder.join("media/CONCLAVE-0001-TEST");
    let looked = conclave(&["inspect", bundle.to_str().unwrap()]);
    let said = text(&looked.stdout);
    assert!(looked.status.success(), "{said}{}", text(&looked.stderr));
    for what in [
        "manifest of an export bundle, for people",
        "run sheet of an export bundle",
        "receipt form of an export bundle",
        "authority chain",
        "TR-31",
    ] {
        assert!(said.contains(what), "{what}\n{said}");
    }
    let minutes: Vec<PathBuf> = files(&folder.join("minutes"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "cbor"))
        .collect();
    let said = text(&conclave(&["inspect", minutes[0].to_str().unwrap()]).stdout);
    assert!(
        said.contains("closed") && said.contains("journal entry"),
        "{said}"
    );
    let nothing = TempDir::new().unwrap();
    let looked = conclave(&["inspect", nothing.path().to_str().unwrap()]);
    assert_eq!(looked.status.code(), Some(2));
    assert!(text(&looked.stderr).contains("no file in this folder"));
}

#[test]
fn one_flipped_bit_anywhere_is_seen() {
    let folder = TempDir::new().unwrap();
    copy(demo(), folder.path());
    let paths = evidence(folder.path());
    let mut targets = Vec::new();
    for path in &paths {
        if path.is_dir() {
            targets.extend(files(path));
        } else {
            targets.push(path.clone());
        }
        // Minutes lie beside their transcript, and are checked with it.
        if path.parent().is_some_and(|p| p.ends_with("minutes")) {
            targets.push(path.with_extension("pdf"));
        }
    }
    assert!(targets.len() > 26);
    for target in targets {
        let whole = std::fs::read(&target).unwrap();
        let mut bytes = whole.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x04;
        std::fs::write(&target, bytes).unwrap();
        let judged = verify(&paths);
        let why = text(&judged.stderr);
        assert_eq!(judged.status.code(), Some(1), "{}", target.display());
        let reason = why.strip_prefix("NOT VERIFIED: ").unwrap_or_default();
        assert!(reason.trim().len() > 20, "{}: {why}", target.display());
        std::fs::write(&target, whole).unwrap();
    }
    assert!(verify(&paths).status.success(), "everything is whole again");
    for minutes in files(&folder.path().join("minutes")) {
        if minutes.extension().is_some_and(|e| e == "pdf") {
            std::fs::remove_file(minutes).unwrap();
        }
    }
    let judged = verify(&paths);
    assert!(judged.status.success(), "{}", text(&judged.stderr));
    let notes = text(&judged.stdout)
        .matches("minutes are not given")
        .count();
    assert_eq!(notes, 32, "what was not checked is said");
}

#[test]
fn every_pdf_is_sound() {
    let pdfs: Vec<PathBuf> = files(demo())
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "pdf"))
        .collect();
    // The halves of passphrases come from either printer.
    let halves = |ending: &str| {
        files(demo())
            .iter()
            .filter_map(|path| path.file_name()?.to_str())
            .filter(|name| name.starts_with("TEST-STORE-") && name.ends_with(ending))
            .count()
    };
    assert_eq!(halves(".pdf") + halves(".escp"), 2 * 7);
    assert_eq!(
        pdfs.len() - halves(".pdf"),
        26 + 3 + 1 + 3 + 201 + 1 + 21 + 3 + 32 + 2,
        "components, shares, letter, papers of components, PIN mailers, their sheet, scripts, forms, minutes, the auditors' two reports"
    );
    for pdf in pdfs {
        let checked = Command::new("qpdf")
            .arg("--check")
            .arg(&pdf)
            .output()
            .expect("qpdf: run ./scripts/test, which installs it");
        assert!(
            checked.status.success(),
            "{}: {}",
            pdf.display(),
            text(&checked.stdout)
        );
    }
}

#[test]
fn the_papers_of_components_say_what_custody_has() {
    let report = report(demo());
    let of_key = |component: &&Json| component["key"] == "BANK-LAKE.ZMK.001";
    let components: Vec<&Json> = list(&report, "components").iter().filter(of_key).collect();
    let paper = |name: &str| {
        let text = pdf_text(&demo().join(format!("paper/TEST-{name}.pdf")));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let letter = paper("EXCHANGE-BANK-LAKE.ZMK.001");
    for component in &components {
        let said = format!(
            "KCV {} ({}) BAG {} {},",
            string(&component["kcv"]),
            string(&component["kcv_method"]),
            string(&component["envelope"]),
            string(&component["custodian"])
        );
        assert!(letter.contains(&said), "{said}: {letter}");
    }
    let first = components[0];
    for name in ["ENVELOPE-BANK-LAKE.ZMK.001-1", "STRIP-BANK-LAKE.ZMK.001-1"] {
        let page = paper(name);
        for field in ["envelope", "custodian"] {
            assert!(page.contains(string(&first[field])), "{field}: {page}");
        }
    }
}

/// The value's groups as they stand on a sheet.
fn groups(sheet: &str) -> Vec<String> {
    sheet
        .lines()
        .filter(|line| line.contains("check "))
        .flat_map(str::split_whitespace)
        .filter(|word| word.len() == 4 && word.bytes().all(|b| b"0123456789ABCDEF".contains(&b)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_minutes_tell_who_and_what_and_no_value() {
    let report = report(demo());
    let mut values: Vec<Vec<String>> = Vec::new();
    for component in list(&report, "components") {
        let sheet = pdf_text(&demo().join(string(&component["pdf"])));
        let value = groups(&sheet);
        assert!([8, 12, 16].contains(&value.len()), "{sheet}");
        values.push(value);
    }
    let mut minutes = String::new();
    let journal = std::fs::read(demo().join(string(&report["journal"]))).unwrap();
    let journal = JournalExport::from_file(&journal)
        .unwrap()
        .verify()
        .unwrap();
    for path in list(&report, "minutes") {
        let page = pdf_text(&demo().join(string(path)));
        // An entry of the journal, as another program reads it off the page.
        let dense: String = page.split_whitespace().collect();
        let (_, head) = dense.split_once("Journalatthecloseentry").unwrap();
        let seq: String = head.chars().take_while(char::is_ascii_digit).collect();
        let (_, hash) = head.split_once("SHA-256").unwrap();
        let entry = journal.hash_at(seq.parse().unwrap()).unwrap();
        assert!(hash.starts_with(&entry.to_string()), "{path}: {head}");
        let words = in_words(&entry.0).concat();
        assert!(dense.contains(&words), "{path}: {words}");
        let house = [
            "members",
            "suspension",
            "reinstatement",
            "backup",
            "rehearsal",
        ];
        if house
            .iter()
            .any(|kind| string(path).contains(&format!("TEST-{kind}-act-")))
        {
            assert!(page.contains("Done. "), "{path}");
            minutes.push_str(&page);
            continue;
        }
        // An act on one key has no script, and its signatures in the journal.
        let acts = [
            ("Minutes: Where a typed sheet is", "K. Larsen"),
            ("Minutes: Export a public key", "D. Novak"),
            ("Minutes: Make an RSA key", "D. Novak"),
        ];
        let (act, there) = acts
            .into_iter()
            .find(|(act, _)| page.contains(act))
            .unwrap_or(("Minutes: Make an RSA key", "D. Novak"));
        assert!(page.contains(there), "{path}");
        let of = match string(path).contains("-act-") {
            true => [act, "Journal", "signatures over it"],
            false => ["SHA-256 of the script", "every step done", "signed by "],
        };
        for told in of {
            assert!(page.contains(told), "{path}: {told}");
        }
        minutes.push_str(&page);
    }
    for component in list(&report, "components") {
        for field in ["custodian", "envelope"] {
            assert!(minutes.contains(string(&component[field])), "{component}");
        }
    }
    // RSA pairs have fingerprints, and minutes of their own.
    let made = list(&report, "keys").iter();
    for key in made.filter(|key| key["algorithm"] != "RSA") {
        let told = format!("{} ({})", string(&key["kcv"]), string(&key["kcv_method"]));
        assert!(minutes.contains(&told), "{told}");
    }
    let dense: String = minutes.split_whitespace().collect();
    for value in values {
        for pair in value.windows(2) {
            assert!(!minutes.contains(&pair.join(" ")), "a piece of a component");
            assert!(!dense.contains(&pair.concat()), "a piece of a component");
        }
    }
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder)
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

#[test]
fn a_folder_in_use_is_refused_and_nothing_in_it_changes() {
    let folder = TempDir::new().unwrap();
    copy(demo(), folder.path());
    let before = contents(folder.path());
    let refused = conclave(&["demo", "--out", folder.path().to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("not empty"),
        "{}",
        text(&refused.stderr)
    );
    assert!(contents(folder.path()) == before);
}

#[test]
fn a_folder_that_cannot_be_written_is_one_clear_error() {
    // The superuser writes anywhere; a file in the way stops everybody.
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("file"), "in the way").unwrap();
    let mut targets = vec![folder.path().join("file/demo"), folder.path().join("file")];
    let closed = folder.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).unwrap();
    if std::fs::write(closed.join("probe"), "").is_err() {
        targets.push(closed.join("demo"));
    }
    targets.push("/proc/demo".into());
    for target in targets {
        let refused = conclave(&["demo", "--out", target.to_str().unwrap()]);
        let why = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{why}");
        assert!(why.contains(target.to_str().unwrap()), "{why}");
        assert_eq!(why.trim().lines().count(), 1, "{why}");
    }
}

#[test]
fn another_run_makes_other_keys() {
    let folder = TempDir::new().unwrap();
    play(folder.path());
    let values = |folder: &Path| -> BTreeSet<String> {
        list(&report(folder), "components")
            .iter()
            .map(|c| groups(&pdf_text(&folder.join(string(&c["pdf"])))).concat())
            .collect()
    };
    let (here, there) = (values(demo()), values(folder.path()));
    assert_eq!((here.len(), there.len()), (26, 26));
    assert!(here.is_disjoint(&there));
}

/// Whatever the station leaves is told by `inspect`; what is not has no marks of its own,
/// or comes from others.
#[test]
fn inspect_knows_what_a_demonstration_leaves() {
    let mut wrong = Vec::new();
    for file in files(demo()) {
        let path = file.strip_prefix(demo()).unwrap().to_str().unwrap();
        let said = conclave(&["inspect", file.to_str().unwrap()]);
        let code = said.status.code().unwrap();
        // Components typed out for a partner, and the private test keys of the issuer that
        // the demonstration plays, are clear, and are told so.
        let sheet = path.starts_with("paper/TEST-BANKX.PVK.");
        let key = path.starts_with("paper/TEST-BANKX-") && path.ends_with("-key.pem");
        let expected = if sheet || key { 3 } else { 0 };
        if code != expected {
            wrong.push(format!("{path}: {code}\n{}", text(&said.stdout)));
        }
        // What is encrypted, public or a name raises no alarm.
        let bundle = path.starts_with("media/");
        if bundle && text(&said.stdout).contains("CLEAR") {
            wrong.push(format!("{path}: an alarm\n{}", text(&said.stdout)));
        }
    }
    let kwp = demo().join("media/CONCLAVE-0014-TEST/BANK-HILL.ZPK.001.kwp");
    let said = text(&conclave(&["inspect", kwp.to_str().unwrap()]).stdout);
    for word in [
        "AES-KWP",
        "BANK-HILL.ZPK.001",
        "BANK-HILL.KEK.KWP",
        "conclave-verify",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    // The manifest speaks of its own content alone.
    let other = TempDir::new().unwrap();
    let place = other.path().join("BANK-HILL.ZPK.001.kwp");
    std::fs::copy(
        kwp.with_file_name("manifest.cbor"),
        other.path().join("manifest.cbor"),
    )
    .unwrap();
    std::fs::write(&place, [7; 24]).unwrap();
    let looked = conclave(&["inspect", place.to_str().unwrap()]);
    assert_eq!(looked.status.code(), Some(1), "{}", text(&looked.stdout));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
