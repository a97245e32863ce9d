//! An RSA pair whose private half leaves in printed components: what is on the pages,
//! judged by Python, `cryptography` and openssl; proven in an exercise; and what is
//! refused.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use conclave_crypto::primitive::rsa::Public;
use conclave_evidence::GroupId;
use conclave_keyroom::domain::key::ComponentState;
use conclave_keyroom::domain::part_set::SetState;
use conclave_keyroom::ports::dialogue::{Answer, Ask, FieldKind};
use conclave_station::service::ActEnd;

use crate::people::{At, Scene, done};
use crate::reissue::{EXERCISE, REISSUE, nothing, play};
use crate::sheets::{self, custodians, printed};
use crate::stage::{folder, scene};
use crate::typist::{Typist, hex, sum};

const PAIR: &str = "OUR.RSA.001";
const ON_PAPER: &str = "may leave in printed components";

fn make(scene: &mut Scene, label: &str, bits: &str, half: &str) -> String {
    let fields = [label, bits, "365", "S0 signatures", half];
    scene.people.form("rsa.new", &fields);
    match scene.station.make_rsa(None, &mut scene.people) {
        Ok(ActEnd::Done { lines, .. }) => lines.join("\n"),
        other => panic!("{other:?}"),
    }
}

/// A furnished station whose components come out as PDF, too.
fn with_pdf(folder: &tempfile::TempDir) -> Scene {
    let mut scene = Scene::open(folder.path(), crate::stage::STAFF);
    scene.logon(GroupId::Administrators);
    scene.enrol_printer(1, "KOMP-2", "key components", "PDF");
    scene.station.logout("logged out").unwrap();
    scene.logon_both();
    scene
}

/// The pages in the second printer, one file each.
fn pages(scene: &Scene, to: &Path) -> Vec<PathBuf> {
    let tray = scene.room.printers.0[1].bytes();
    let tray = tray.expose();
    let starts: Vec<usize> = (0..tray.len())
        .filter(|at| tray[*at..].starts_with(b"%PDF-"))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([tray.len()]);
    let mut files = Vec::new();
    for (from, end) in starts.iter().zip(ends) {
        let file = to.join(format!("page-{}.pdf", files.len() + 1));
        std::fs::write(&file, &tray[*from..end]).unwrap();
        files.push(file);
    }
    files
}

/// The public half, as it is exported.
fn public_half(scene: &Scene, to: &Path) -> PathBuf {
    let facts = sheets::key(scene, PAIR).rsa.unwrap();
    let public = Public::read(&facts.spki.0).unwrap();
    let file = to.join(format!("{PAIR}.pem"));
    std::fs::write(&file, public.pem().unwrap()).unwrap();
    file
}

/// What the outsider says of these pages.
fn judged(pem: &Path, count: usize, pages: &[PathBuf]) -> Result<String, String> {
    let oracles = std::env::var("CONCLAVE_ORACLES")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/.oracles").into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/key_parts/rsa_parts.py");
    let run = Command::new(format!("{oracles}/bin/python3"))
        .arg(script)
        .arg(pem)
        .arg(count.to_string())
        .args(pages)
        .output()
        .unwrap_or_else(|error| panic!("the oracles: {error}; run ./scripts/test"));
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    match run.status.success() {
        true => Ok(said),
        false => Err(format!("{said}{}", String::from_utf8_lossy(&run.stderr))),
    }
}

/// The steps of the receiver's page, as they stand there, with these sheets typed in.
/// It gives the private half under `OUR.key`, and what openssl said of it.
fn by_the_page(at: &Path, pem: &Path, sheets: &[Vec<u8>]) -> Result<String, String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operators/rsa-keys.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, program) = page.split_once("```python\n").unwrap();
    let (program, _) = program.split_once("```").unwrap();
    let program_file = at.join("join.py");
    std::fs::write(&program_file, program).unwrap();
    let mut run = Command::new("python3")
        .arg(&program_file)
        .arg(pem)
        .arg(sheets.len().to_string())
        .current_dir(at)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = String::new();
    for sheet in sheets {
        for (line, bytes) in (1u8..).zip(sheet.chunks(8)) {
            let letter = conclave_trades::print::check::line_check(line, bytes);
            typed.push_str(&format!("{}{}\n", hex(bytes), char::from(letter)));
        }
    }
    run.stdin
        .take()
        .unwrap()
        .write_all(typed.as_bytes())
        .unwrap();
    let run = run.wait_with_output().unwrap();
    if !run.status.success() {
        return Err(String::from_utf8_lossy(&run.stderr).into_owned());
    }
    std::fs::write(at.join("pair.conf"), &run.stdout).unwrap();
    let openssl = |arguments: &[&str]| {
        let run = Command::new("openssl")
            .args(arguments)
            .current_dir(at)
            .output()
            .unwrap();
        assert!(run.status.success(), "openssl {arguments:?}: {run:?}");
        String::from_utf8_lossy(&run.stdout).into_owned()
    };
    for step in [
        "openssl asn1parse -genconf pair.conf -noout -out pair.der",
        "openssl pkey -inform DER -in pair.der -check -noout",
        "openssl pkey -inform DER -in pair.der -pubout -outform DER | openssl dgst -sha256",
    ] {
        assert!(page.contains(step), "the page has: {step}");
    }
    openssl(&[
        "asn1parse",
        "-genconf",
        "pair.conf",
        "-noout",
        "-out",
        "pair.der",
    ]);
    let checked = openssl(&[
        "pkey", "-inform", "DER", "-in", "pair.der", "-check", "-noout",
    ]);
    assert!(checked.contains("Key is valid"), "{checked}");
    openssl(&[
        "pkey", "-inform", "DER", "-in", "pair.der", "-pubout", "-outform", "DER", "-out",
        "pub.der",
    ]);
    Ok(openssl(&["dgst", "-sha256", "pub.der"]))
}

/// What the custodians' pages make, for each length; and nothing less than all of them.
#[test]
fn an_outsider_makes_the_pair_from_its_letters() {
    for (bits, count) in [("2048", 2), ("3072", 2), ("4096", 3)] {
        let folder = folder();
        let out = tempfile::tempdir().unwrap();
        let mut scene = with_pdf(&folder);
        let said = make(&mut scene, PAIR, bits, ON_PAPER);
        assert!(said.contains("may leave in components"), "{said}");
        let number = count.to_string();
        let (title, told) = play(&mut scene, REISSUE, &[PAIR, &number], nothing());
        assert!(
            title.ends_with("done") && told.is_empty(),
            "{title}: {told}"
        );
        let key = sheets::key(&scene, PAIR);
        assert_eq!(key.components.len(), count);
        for part in &key.components {
            assert_eq!(part.state, ComponentState::Sealed);
            assert_eq!(
                (part.kcv.value.len(), part.kcv.method.as_str()),
                (10, "SHA-256")
            );
            assert!(part.commitment.is_some() && part.envelope.is_some());
        }
        // Nothing was there before: no old set is to be destroyed.
        assert!(key.others.is_empty());

        let pem = public_half(&scene, out.path());
        let files = pages(&scene, out.path());
        assert_eq!(files.len(), count);
        let said = judged(&pem, count, &files).unwrap();
        let fingerprint = conclave_trades::keys::fingerprint_hex(&key.rsa.unwrap().fingerprint);
        assert!(said.contains(&fingerprint), "{said}");
        let less = judged(&pem, count, &files[1..]).unwrap_err();
        assert!(less.contains("NOT SO"), "{less}");

        // The same from the text printer, by the steps of the receiver's page.
        let typed = printed(&scene);
        assert!(
            typed
                .iter()
                .all(|sheet| sheet.len() * 16 == bits.parse::<usize>().unwrap())
        );
        let digest = by_the_page(out.path(), &pem, &typed).unwrap();
        assert!(
            digest.trim().to_uppercase().ends_with(&fingerprint),
            "{digest}"
        );
        let mut slip = typed.clone();
        slip[1][70] ^= 0x10;
        let told = by_the_page(out.path(), &pem, &slip).unwrap_err();
        assert!(told.contains("no prime of this key"), "{told}");
        let told = by_the_page(out.path(), &pem, &vec![typed[0].clone(); count]).unwrap_err();
        assert!(told.contains("no prime of this key"), "{told}");
    }
}

/// Later each sheet is proven by its custodian; a wrong digit and another sheet are
/// found. A new set takes the place of the old one, and no page of one goes with the
/// other.
#[test]
fn sheets_of_a_prime_are_proven_and_exchanged() {
    let folder = folder();
    let out = tempfile::tempdir().unwrap();
    let mut scene = with_pdf(&folder);
    make(&mut scene, PAIR, "2048", ON_PAPER);
    done(scene.ceremony(REISSUE, &[PAIR, "2"]));
    let first = printed(&scene);
    let key = sheets::key(&scene, PAIR);
    let at = custodians(&key.components, &first);
    let (title, told) = play(&mut scene, EXERCISE, &[PAIR], at);
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    let key = sheets::key(&scene, PAIR);
    assert!(key.components.iter().all(|c| c.proven_ms.is_some()));

    // A slip on line 13 is named by its group; the second sheet is another.
    let typist = Typist::new(vec![first[0].clone(), sum(&first)], "000000");
    typist.slip(|sheet, line, typing, digits| {
        if (sheet, line, typing) == (1, 13, 1) {
            digits.swap(0, 1);
        }
    });
    let mut named = sheets::serials(&key.components);
    let mut typed = typist.at();
    let at: At =
        Box::new(move |prompt, times| named(prompt, times).or_else(|| typed(prompt, times)));
    let (title, told) = play(&mut scene, EXERCISE, &[PAIR], at);
    assert!(title.ends_with("done"), "{title}: {told}");
    assert!(
        told.contains(
            "Component 1, line 13: the check letter does not agree; one of groups 49 to 52"
        ),
        "{told}"
    );
    assert!(
        told.contains("Component 2: what was typed is not the component"),
        "{told}"
    );
    let key = sheets::key(&scene, PAIR);
    let doubted: Vec<bool> = key
        .components
        .iter()
        .map(|c| c.doubted_ms.is_some())
        .collect();
    assert_eq!(doubted, [false, true]);

    done(scene.ceremony(REISSUE, &[PAIR, "2"]));
    let after = sheets::key(&scene, PAIR);
    let former = after.others.iter().filter(|s| s.state == SetState::Former);
    assert_eq!(former.map(|s| s.parts.len()).collect::<Vec<_>>(), [2]);
    let files = pages(&scene, out.path());
    assert_eq!(files.len(), 4);
    let pem = public_half(&scene, out.path());
    judged(&pem, 2, &files[..2]).unwrap();
    judged(&pem, 2, &files[2..]).unwrap();
    let mixed = [files[0].clone(), files[3].clone()];
    let told = judged(&pem, 2, &mixed).unwrap_err();
    assert!(told.contains("NOT SO: p divides the modulus"), "{told}");
    let detail = scene.station.key_detail(PAIR, after.id).join("\n");
    assert!(
        detail.contains("private half: may leave in printed components"),
        "{detail}"
    );
}

/// A pair that was not made for it is not offered, and leaves by no other way either:
/// neither in shares nor, where it may leave on paper, in a key store.
#[test]
fn only_a_pair_that_was_made_for_it_leaves_in_components() {
    let folder = folder();
    let mut scene = scene(&folder);
    make(&mut scene, "OUR.RSA.002", "2048", "never leaves");
    make(
        &mut scene,
        "OUR.RSA.003",
        "2048",
        "may leave in a key store",
    );
    let (told, _) = play(&mut scene, REISSUE, &["OUR.RSA.002", "2"], nothing());
    assert!(told.contains("No key in use can be split"), "{told}");
    make(&mut scene, PAIR, "2048", ON_PAPER);
    for (script, expected) in [(REISSUE, vec![PAIR]), ("paper-shares.toml", vec![])] {
        let offered = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&offered);
        let at: At = Box::new(move |prompt, _| {
            let Ask::Form { fields, .. } = &prompt.ask else {
                return None;
            };
            if prompt.code != "ceremony.parameters" {
                return None;
            }
            if let FieldKind::Told(choices) = &fields[0].kind {
                let labels = choices.iter().map(|choice| choice.label.clone());
                *seen.lock().unwrap() = labels.collect();
            }
            Some(Answer::Abort)
        });
        play(&mut scene, script, &[], at);
        assert_eq!(*offered.lock().unwrap(), expected, "{script}");
    }
    let pair = sheets::key(&scene, PAIR);
    let detail = scene
        .station
        .key_detail("OUR.RSA.003", sheets::key(&scene, "OUR.RSA.003").id);
    assert!(
        detail
            .join("\n")
            .contains("private half: may leave in a key store")
    );
    scene.people.form(
        "store.parameters",
        &[
            "a key store alone",
            "",
            "pkcs12",
            "BANK-LAKE",
            "Gus, Custodians A",
            "Hal, Custodians B",
            "STICK-1",
            "",
            "",
        ],
    );
    let refused = scene.station.hand_over(pair.id, &mut scene.people);
    let told = format!("{refused:?}{:?}", scene.people.refusals);
    assert!(
        told.contains("leaves in printed components alone"),
        "{told}"
    );
}
