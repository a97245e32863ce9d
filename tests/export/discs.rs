//! Discs that are written once: a bundle becomes one image, xorriso writes it to a
//! file that stands for a disc, and the tools of discs find every file in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::desk::*;
use conclave_evidence::verify_path;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::door::{ActionError, DoorError};
use conclave_keyroom::ports::media::{KnownBy, MediaError};
use conclave_station::host::media::{HostMedia, MediaPlaces};
use conclave_station::host::recorder::Recorder;
use conclave_trades::media::{Bundle, Disc, disc_image};
use conclave_trades::target::BundleState;

const SERIAL: &str = "DRIVE:IMAGE-disc";

fn recorder(disc: &Path, program: &str) -> HostMedia {
    HostMedia::new(MediaPlaces {
        images: true,
        recorders: vec![Recorder {
            device: disc.to_owned(),
            program: program.into(),
        }],
        ..MediaPlaces::of_system(vec!["/nowhere".into()])
    })
}

fn desk(disc: &Path) -> Desk {
    let mut desk = Desk::new();
    desk.ports = Box::new(recorder(disc, "/usr/bin/xorriso"));
    desk.medium = desk.enrol(7, "DRIVE-1", SERIAL).unwrap();
    desk
}

/// What xorriso finds on a disc by its Joliet names, copied to a folder.
fn extracted(disc: &Path) -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    let done = Command::new("xorriso")
        .args(["-read_fs", "norock", "-indev"])
        .arg(format!("stdio:{}", disc.display()))
        .args(["-osirrox", "on", "-extract", "/"])
        .arg(out.path().join("disc"))
        .output()
        .expect("xorriso: run ./scripts/test, which installs it");
    assert!(done.status.success(), "{done:?}");
    out
}

fn names_below(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_bundle_becomes_one_disc_that_other_tools_read_and_is_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let disc = dir.path().join("disc");
    std::fs::write(&disc, []).unwrap();
    let mut desk = desk(&disc);
    let found = desk.ports.found().unwrap();
    assert_eq!(found[0].known_by, KnownBy::Drive);
    assert!(!found[0].read_only && found[0].free > 1 << 20, "{found:?}");

    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("BANK-LAKE.SOME-LONG-NAME.ZPK.001", KeyForm::Aes128, "P0");
    let act = desk.plan(&[&key], &zmk);
    let out = desk.export(&act).unwrap();
    assert_eq!(desk.register(1).state, BundleState::Written);

    let there = extracted(&disc);
    let root = there.path().join("disc");
    assert_eq!(names_below(&root), std::slice::from_ref(&out.folder));
    let mut written = out.files.clone();
    written.sort();
    assert_eq!(names_below(&root.join(&out.folder)), written);
    let report = verify_path(&root.join(&out.folder));
    assert!(report.ok(), "{:?}", report.failure());
    // The first names of all are there too, for readers without Joliet.
    let plain = Command::new("xorriso")
        .args(["-read_fs", "nojoliet", "-indev"])
        .arg(format!("stdio:{}", disc.display()))
        .args(["-find", "/", "-type", "f"])
        .output()
        .unwrap();
    let plain = String::from_utf8_lossy(&plain.stdout).to_uppercase();
    assert_eq!(plain.matches("FILE0").count(), out.files.len(), "{plain}");

    // Through the port, without mounting: folders and files.
    assert_eq!(
        desk.ports.folders(SERIAL).unwrap(),
        std::slice::from_ref(&out.folder)
    );
    for name in &out.files {
        let bytes = desk.ports.read(SERIAL, &out.folder, name, 1 << 20).unwrap();
        let theirs = std::fs::read(root.join(&out.folder).join(name)).unwrap();
        assert_eq!(bytes, theirs, "{name}");
    }
    let long = desk.ports.read(SERIAL, &out.folder, "manifest.cbor", 10);
    assert!(matches!(long, Err(MediaError::ReadBack(_))), "{long:?}");

    // A disc whose last sector the drive does not give: what lies before it is read,
    // and the manifest, which is written last, is not.
    let whole = std::fs::read(&disc).unwrap();
    std::fs::write(&disc, &whole[..whole.len() - 2048]).unwrap();
    for name in &out.files {
        let read = desk.ports.read(SERIAL, &out.folder, name, 1 << 20);
        assert_eq!(read.is_ok(), name != "manifest.cbor", "{name}: {read:?}");
    }
    std::fs::write(&disc, whole).unwrap();

    // A second bundle does not go on it.
    let before = std::fs::read(&disc).unwrap();
    let act = desk.plan(&[&key], &zmk);
    let said = device(desk.export(&act));
    assert!(said.contains("a disc that is written"), "{said}");
    assert_eq!(std::fs::read(&disc).unwrap(), before);
    assert_eq!(desk.record(&key).exports.len(), 1);
}

#[test]
fn no_disc_a_recorder_that_fails_and_a_disc_that_reads_back_differently_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let disc = dir.path().join("disc");
    std::fs::write(&disc, []).unwrap();
    let mut desk = desk(&disc);
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");

    // A program that is not there, one that fails when it writes, and one that
    // writes other bytes: each says of the disc what xorriso says.
    let script = |name: &str, writes: &str| -> PathBuf {
        let path = dir.path().join(name);
        let text = format!(
            "#!/bin/sh\ncase \"$2\" in\n-outdev)\n\
             echo 'Media current: CD-R'\n\
             echo 'Media status : is blank'\n\
             echo 'Media blocks : 0 readable , 300000 writable , 300000 overall' ;;\n\
             *) {writes} ;;\nesac\n"
        );
        // Written by a program of its own: a file that this one has open for
        // writing is "busy" as long as another test's child holds it too.
        let wrote = std::process::Command::new("sh")
            .args(["-c", "printf %s \"$1\" >\"$0\" && chmod 755 \"$0\""])
            .arg(&path)
            .arg(&text)
            .status();
        assert!(wrote.unwrap().success());
        path
    };
    let disc_word = disc.display().to_string();
    let fails = script(
        "fails",
        "cat >/dev/null; echo 'xorriso : FAILURE : no laser' >&2; exit 5",
    );
    let differs = script("differs", &format!("tr '\\000' '\\001' >{disc_word}"));
    let short = script(
        "short",
        &format!("head -c 4096 >{disc_word}; cat >/dev/null"),
    );
    let told = |name: &str, says: &str| {
        let path = script(name, "exit 7");
        let text = format!("#!/bin/sh\nprintf '{says}'\n");
        std::fs::write(&path, text).unwrap();
        path
    };
    let empty = told("empty", "Media current: is not present\\n");
    let again = told(
        "again",
        "Media current: DVD+RW\\nMedia status : is blank\\nMedia blocks : 0 readable , 300000 writable , 300000 overall\\n",
    );
    for (program, part) in [
        // A recorder without its program is no medium.
        (PathBuf::from("/nowhere/xorriso"), "no medium is plugged in"),
        (empty, "no medium is plugged in"),
        (again, "a disc that is written"),
        (fails, "no laser"),
        (differs, "reads back differently"),
        (short, "reads back differently"),
    ] {
        desk.ports = Box::new(recorder(&disc, program.to_str().unwrap()));
        let act = desk.plan(&[&key], &zmk);
        let said = match desk.export(&act) {
            Err(DoorError::Failed(ActionError::Device { what, .. })) => what,
            Err(DoorError::Failed(error @ ActionError::NoMedium { .. })) => error.to_string(),
            // A recorder that failed may have written all of it.
            Err(DoorError::Failed(ActionError::Unknown { what })) => what,
            other => panic!("{program:?}: {other:?}"),
        };
        assert!(said.contains(part), "{program:?}: {said}");
        assert_eq!(desk.next(), act.bundle + 1);
    }
    assert!(desk.record(&key).exports.is_empty());
}

/// Discs that other programs made are read, where they have Joliet names; a disc
/// image of ours is one that a checker of images finds nothing wrong with.
#[test]
fn a_disc_of_another_program_is_read_and_ours_is_the_same_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree/IMPORT");
    std::fs::create_dir_all(&tree).unwrap();
    std::fs::write(tree.join("BANK-LAKE.ZPK.001.tr31"), b"D0144...").unwrap();
    std::fs::write(tree.join("receipt-0001.txt"), vec![b'x'; 5000]).unwrap();
    for (joliet, words) in [(true, &["-J", "-r"][..]), (false, &["-r"])] {
        let image = dir.path().join("image");
        let _ = std::fs::remove_file(&image);
        let done = Command::new("xorriso")
            .args(["-as", "mkisofs", "-quiet", "-o"])
            .arg(&image)
            .args(words)
            .arg(dir.path().join("tree"))
            .output()
            .expect("xorriso: run ./scripts/test, which installs it");
        assert!(done.status.success(), "{done:?}");
        let bytes = std::fs::read(&image).unwrap();
        let disc = Disc::parse(&bytes[..]);
        if !joliet {
            assert!(disc.is_err());
            continue;
        }
        let disc = disc.unwrap();
        assert_eq!(disc.folders().unwrap(), ["IMPORT"]);
        let most = bytes.len();
        let block = disc.file("IMPORT", "BANK-LAKE.ZPK.001.tr31", most).unwrap();
        assert_eq!(block.as_deref(), Some(&b"D0144..."[..]));
        let receipt = disc.file("IMPORT", "receipt-0001.txt", most).unwrap();
        assert_eq!(receipt.unwrap(), vec![b'x'; 5000]);
    }
    let files = vec![
        ("a".to_owned(), vec![1; 3000]),
        ("b".to_owned(), Vec::new()),
    ];
    let bundle = Bundle::new("F", files).unwrap();
    let ours = disc_image(&bundle).unwrap();
    assert_eq!(ours, disc_image(&bundle).unwrap());
    // What another program has to say against it.
    let image = dir.path().join("ours");
    std::fs::write(&image, &ours).unwrap();
    let checked = Command::new("xorriso")
        .args([
            "-no_rc",
            "-read_fs",
            "norock",
            "-abort_on",
            "FAILURE",
            "-indev",
        ])
        .arg(format!("stdio:{}", image.display()))
        .args(["-check_media", "--", "-lsl", "/F", "--"])
        .output()
        .expect("xorriso: run ./scripts/test, which installs it");
    let said = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
    assert!(checked.status.success(), "{said}");
    for part in ["3000", "'a'", "'b'"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("FAILURE"), "{said}");
}
