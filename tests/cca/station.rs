//! A key comes in a token, and leaves in tokens, KGUP statements and execs.

use std::path::{Path, PathBuf};

use conclave_crypto::cca::{ControlVector, DesToken, KeyType};
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_evidence::{GroupId, verify_path};
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::ports::dialogue::{Answer, Refusal};
use conclave_station::service::ActEnd;

use crate::judges::{decrypted, encrypted, read_again};
use crate::loaders::{run_c, run_exec};
use crate::people::{Scene, done};
use crate::stage::{folder, scene};
use crate::typist::{Typist, hex, sum, unhex};

const KEK: &str = "LAKE.KEK.001";
const KEK_VALUE: &str = "851A0D9D0B2A1602622AD0B0E9E6B070";
const ZPK: &str = "BANK-LAKE.ZPK.001";
const ZPK_VALUE: &str = "D3DCC7EA9BCB755D254620B376B3D007";
const MAC: &str = "BANK-LAKE.MAC.001";
const MAC_VALUE: &str = "2F3B0E98B5E5DC1A70A80D4F676EBA54";
const SYSTEM: &str = "BANK-LAKE ZOS";
const WHY: &str = "ICSF there takes no key blocks until March";

fn value_of(key: &[u8]) -> String {
    Kcv::compute(Method::TdesZero, key).unwrap().hex()
}

/// The station's importer key, entered in two components.
fn enter_kek(scene: &mut Scene) {
    let key = unhex(KEK_VALUE);
    let first: Vec<u8> = (0..16u8)
        .map(|n| n.wrapping_mul(31).wrapping_add(7))
        .collect();
    let parts = vec![first.clone(), sum(&[first, key.clone()])];
    scene.people.at = Typist::new(parts, &value_of(&key)).at();
    let fields = [
        KEK,
        "zmk-tdes2-cca",
        "2",
        "PARTNER",
        "none",
        "on each component",
        "usual for the cipher",
    ];
    done(scene.ceremony("enter-components.toml", &fields));
    scene.people.at = Box::new(|_, _| None);
}

/// The partner's token: openssl's cryptogram, put in its place by hand.
fn token(key: &str, kind: &str) -> String {
    let vector = KeyType::named(kind).unwrap().default_vector(16).unwrap();
    let (kek, key) = (unhex(KEK_VALUE), unhex(key));
    let part = |at: usize| {
        let half = vector.of_part(at);
        let with: Vec<u8> = kek
            .iter()
            .zip(half.iter().cycle())
            .map(|(k, c)| k ^ c)
            .collect();
        encrypted(&with, &key[8 * at..8 * at + 8])
    };
    let mut token = vec![0; 60];
    token[0] = 2;
    token[6] = 0xC0;
    token[16..24].copy_from_slice(&part(0));
    token[24..32].copy_from_slice(&part(1));
    token[32..40].copy_from_slice(&vector.left);
    token[40..48].copy_from_slice(&vector.right);
    let words = token
        .chunks(4)
        .map(|w| u32::from_be_bytes(w.try_into().unwrap()));
    let sum = words.fold(0u32, u32::wrapping_add);
    token.extend(sum.to_be_bytes());
    hex(&token)
}

fn import(scene: &mut Scene, label: &str, template: &str, value: &str, block: &str) -> String {
    let (value, block) = (value.to_owned(), block.to_owned());
    scene.people.refusals.clear();
    scene.people.at = Box::new(move |prompt, _| match prompt.code.as_str() {
        "import.ready" if prompt.refused.is_some() => Some(Answer::Abort),
        code if code.starts_with("combine.") && !code.ends_with(".card") => {
            Some(Answer::Word(value.clone()))
        }
        "import.block" | "import.block.again" => Some(Answer::Word(block.clone())),
        _ => None,
    });
    let fields = [
        label,
        template,
        KEK,
        "PARTNER",
        "cca",
        "usual for the cipher",
        "typed by two",
        WHY,
        "90",
    ];
    let title = done(scene.ceremony("import-block.toml", &fields));
    scene.people.at = Box::new(|_, _| None);
    title
}

fn told(scene: &Scene) -> String {
    scene.people.refusals.join("\n")
}

fn record(scene: &mut Scene, pages: &[&[&str]]) {
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Administrators);
    scene.people.forms.remove("system.record");
    for page in pages {
        scene.people.form("system.record", page);
    }
    done(scene.station.record_system(&mut scene.people));
    scene.station.logout("logged out").unwrap();
    scene.logon_both();
}

fn key(scene: &Scene, label: &str) -> KeyRecord {
    let keys = scene.station.keys();
    keys.into_iter().find(|k| k.label == label).unwrap()
}

fn hand_over(scene: &mut Scene, system: &str) -> Result<ActEnd, Refusal> {
    let id = key(scene, ZPK).id;
    scene.people.forms.remove("hand-over");
    let under = format!("{KEK} (cca-ecb)");
    scene
        .people
        .form("hand-over", &[system, MAC, &under, "STICK-1", WHY, "90"]);
    scene.people.refusals.clear();
    scene.station.hand_over(id, &mut scene.people)
}

/// The newest bundle on the stick.
fn newest(scene: &Scene) -> PathBuf {
    std::fs::read_dir(scene.room.stick.folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && path.join("manifest.cbor").exists())
        .max()
        .unwrap()
}

fn text(bundle: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(bundle.join(name)).unwrap();
    assert!(text.is_ascii(), "{name}");
    text
}

#[test]
fn a_partners_token_comes_in_and_leaves_for_icsf() {
    let folder = folder();
    let mut scene = scene(&folder);
    enter_kek(&mut scene);
    for (label, template, value, kind) in [
        (ZPK, "zpk-tdes2", ZPK_VALUE, "IPINENC"),
        (MAC, "mac-tdes2", MAC_VALUE, "MAC"),
    ] {
        let kcv = value_of(&unhex(value));
        let title = import(&mut scene, label, template, &kcv, &token(value, kind));
        assert!(title.ends_with("done"), "{title}: {}", told(&scene));
        assert_eq!(key(&scene, label).kcv.value, kcv);
    }

    // A hyphen is no character of ICSF's labels: the record has to say what
    // stands for it.
    let icsf = "z/OS ICSF: DES tokens, KGUP, REXX";
    let first = ["DKMS.KEK.IMP", "CSF.CKDS", "BANKX.", "-", "-", "-"];
    let second = ["", "", "", ""];
    record(
        &mut scene,
        &[&["a new system", SYSTEM, icsf], &first, &second],
    );
    let why = match hand_over(&mut scene, SYSTEM) {
        Err(refusal) => refusal.happened,
        Ok(ActEnd::Done { title, .. }) => title,
        Ok(ActEnd::Stopped) => told(&scene),
    };
    assert!(why.contains("no '-' in a label"), "{why}");

    let first = ["DKMS.KEK.IMP", "CSF.CKDS", "BANKX.", "#", "-", "-"];
    record(
        &mut scene,
        &[&[SYSTEM, "", "as on record"], &first, &second],
    );
    done(hand_over(&mut scene, SYSTEM));
    let bundle = newest(&scene);
    let report = verify_path(&bundle);
    assert!(report.ok(), "{:?}", report.failure());

    // Each token, opened by openssl, is the key.
    let kek = unhex(KEK_VALUE);
    let mut cryptograms = Vec::new();
    for (file, value) in [
        (format!("{ZPK}.OPINENC.cca"), ZPK_VALUE),
        (format!("{ZPK}.IPINENC.cca"), ZPK_VALUE),
        (format!("{MAC}.MAC.cca"), MAC_VALUE),
    ] {
        let bytes = std::fs::read(bundle.join(&file)).unwrap();
        let token = DesToken::parse(&bytes).unwrap();
        let clear: Vec<u8> = (0..2)
            .flat_map(|at| {
                let half = token.vector().of_part(at);
                let with: Vec<u8> = kek
                    .iter()
                    .zip(half.iter().cycle())
                    .map(|(k, c)| k ^ c)
                    .collect();
                decrypted(&with, &bytes[16 + 8 * at..24 + 8 * at])
            })
            .collect();
        assert_eq!(hex(&clear), value, "{file}");
        cryptograms.push(bytes);
    }

    // KGUP's statements say the same, read by their own rules.
    let cards = text(&bundle, "kgup.txt");
    let mut questions: Vec<String> = cards.lines().map(|card| format!("card {card}")).collect();
    questions.push("end".into());
    let said = read_again(&questions).remove(0);
    let expected: Vec<String> = [
        ("OPINENC", "BANKX.BANK#LAKE.ZPK.001.OUT"),
        ("IPINENC", "BANKX.BANK#LAKE.ZPK.001.IN"),
        ("MAC", "BANKX.BANK#LAKE.MAC.001"),
    ]
    .iter()
    .zip(&cryptograms)
    .map(|((kind, label), token)| {
        format!(
            "{kind}|{label}|DKMS.KEK.IMP|{}|{}",
            hex(&token[16..24]),
            hex(&token[24..32])
        )
    })
    .collect();
    assert_eq!(said, expected.join(" "));
    let job = text(&bundle, "kgupjob.jcl");
    assert!(job.contains(&cards), "{job}");
    assert!(job.lines().all(|line| line.len() <= 71));
    assert!(job.contains("PARM='CSF.CKDS,REFRESH'"), "{job}");

    // The exec holds each token whole.
    let exec = text(&bundle, "ckdsload.rex");
    assert!(exec.starts_with("/* REXX */\n"));
    let joined: String = exec.replace("'||,\n'", "");
    for token in &cryptograms {
        assert!(joined.contains(&hex(token)), "{exec}");
    }
    // It runs, writes what shows the right check value, and nothing else.
    let (zpk, mac) = (value_of(&unhex(ZPK_VALUE)), value_of(&unhex(MAC_VALUE)));
    let labels = [
        "BANKX.BANK#LAKE.ZPK.001.OUT",
        "BANKX.BANK#LAKE.ZPK.001.IN",
        "BANKX.BANK#LAKE.MAC.001",
    ];
    let all = [(labels[0], &*zpk), (labels[1], &*zpk), (labels[2], &*mac)];
    let (said, code) = run_exec(&exec, &all);
    assert_eq!(code, Some(0), "{said}");
    for (label, value) in all {
        assert!(
            said.contains(&format!("loaded {label} check value {value}")),
            "{said}"
        );
    }
    // Swapped parameters, or one of another length, do not pass.
    for (line, other) in [
        ("ktype source kek target", "ktype kek source target"),
        ("exd target name", "exd name target"),
        ("kek = left(importer,64)", "kek = importer"),
    ] {
        assert!(exec.contains(line), "{line}");
        let (said, code) = run_exec(&exec.replace(line, other), &all);
        assert_eq!(code, Some(99), "{said}");
    }
    let (said, code) = run_exec(&exec, &[all[0], (labels[1], "ABCDEF"), all[2]]);
    assert_eq!(code, Some(8), "{said}");
    assert!(
        said.contains(&format!("*** check value ABCDEF expected {zpk}")),
        "{said}"
    );
    assert!(!said.contains(&format!("loaded {}", labels[1])), "{said}");
    assert!(
        !said.contains(&format!("CSNBKRC return 0 reason 0 {}", labels[1])),
        "{said}"
    );
    let sheet = text(&bundle, "runsheet.txt");
    for words in [
        "DKMS.KEK.IMP",
        "documented; not tried",
        "10012",
        &value_of(&unhex(MAC_VALUE)),
    ] {
        assert!(sheet.contains(words), "{words}: {sheet}");
    }

    // For CCA elsewhere: the same tokens, a list and a loader.
    let cca = "IBM CCA: DES tokens, C loader";
    let page = ["DKMS.KEK.IMP", "Linux", "", "#", "NO"];
    record(
        &mut scene,
        &[&["a new system", "BANK-LAKE AIX", cca], &page],
    );
    done(hand_over(&mut scene, "BANK-LAKE AIX"));
    let bundle = newest(&scene);
    let list = text(&bundle, "keys.txt");
    assert_eq!(list.lines().count(), 4, "{list}");
    assert!(list.starts_with("IMPORTER DKMS.KEK.IMP\nBANK#LAKE.ZPK.001.OUT OPINENC "));
    for line in list.lines().skip(1) {
        let token = unhex(line.split(' ').next_back().unwrap());
        assert!(!DesToken::parse(&token).unwrap().vector().may_be_exported());
    }
    let source = text(&bundle, "ccaload.c");
    let (said, code) = run_c(&source, &list, &[&zpk, &zpk, &mac]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(&format!("loaded BANK#LAKE.MAC.001, check value {mac}")),
        "{said}"
    );
    assert!(said.ends_with("3 loaded\n"), "{said}");
    let (said, code) = run_c(&source, &list, &[&zpk, "ABCDEF", &mac]);
    assert_eq!(code, Some(8), "{said}");
    assert!(
        said.contains("nothing was written") && said.ends_with("2 loaded\n"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_with_a_token_is_named_only_where_it_may_be() {
    let folder = folder();
    let mut scene = scene(&folder);
    enter_kek(&mut scene);
    let kcv = value_of(&unhex(ZPK_VALUE));
    let good = token(ZPK_VALUE, "OPINENC");
    let other = token(ZPK_VALUE, "MAC");
    let noise = token("0123456789ABCDEF1032547698BADCFE", "OPINENC");
    for (block, named) in [
        (good.replacen("02000000", "01000000", 1), "internal token"),
        (good.replacen("C0", "C1", 1), "validation value"),
        (other, "key type is MAC"),
        (noise, "does not give a key"),
        (good[..126].to_owned(), "a token has 128"),
    ] {
        let title = import(&mut scene, ZPK, "zpk-tdes2", &kcv, &block);
        assert!(!title.ends_with("done"), "{named}: {title}");
        assert!(told(&scene).contains(named), "{named}: {}", told(&scene));
    }
    // Without its control vector the key would be the one of the letter.
    let vector = KeyType::named("OPINENC")
        .unwrap()
        .default_vector(16)
        .unwrap();
    let plain = encrypted(&unhex(KEK_VALUE), &unhex(ZPK_VALUE));
    let nocv = DesToken::around(&plain, vector).unwrap().to_bytes();
    assert!(DesToken::around(&plain, ControlVector::ZERO).is_ok());
    let title = import(&mut scene, ZPK, "zpk-tdes2", &kcv, &hex(&nocv));
    assert!(!title.ends_with("done"), "{title}");
    assert!(told(&scene).contains("NOCV"), "{}", told(&scene));
}

/// EBCDIC records of 80 as lines, by iconv.
fn lines_of_records(bytes: &[u8]) -> String {
    assert!(bytes.len().is_multiple_of(80));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records");
    std::fs::write(&file, bytes).unwrap();
    let run = std::process::Command::new("iconv")
        .args(["-f", "IBM-1047", "-t", "ASCII"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let text = String::from_utf8(run.stdout).unwrap();
    let all: Vec<char> = text.chars().collect();
    let lines = all.chunks(80).map(|line| line.iter().collect::<String>());
    lines
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

#[test]
fn an_aes_pin_key_leaves_in_two_blocks_for_csnbt31i() {
    const AES_ZMK: &str = "LAKE.ZMK.001";
    let folder = folder();
    let mut scene = scene(&folder);
    done(scene.zmk(AES_ZMK, "zmk-aes256", "2"));
    done(scene.working(ZPK, "zpk-aes128", AES_ZMK));
    let profile = "z/OS ICSF: TR-31 key blocks (CSNBT31I)";
    let page = ["DKMS.KEK.AES", "BANKX.", "$", "EBCDIC"];
    record(&mut scene, &[&["a new system", SYSTEM, profile], &page]);
    let id = key(&scene, ZPK).id;
    let under = format!("{AES_ZMK} (tr31-d)");
    scene
        .people
        .form("hand-over", &[SYSTEM, "", &under, "STICK-1", ""]);
    done(scene.station.hand_over(id, &mut scene.people));
    let bundle = newest(&scene);
    assert!(verify_path(&bundle).ok());
    let mut blocks = Vec::new();
    for (mode, header) in [("E", "P0AE00E"), ("D", "P0AD00E")] {
        let block = text(&bundle, &format!("{ZPK}.{mode}.tr31"));
        assert_eq!(&block[5..12], header);
        assert!(block.starts_with('D'));
        blocks.push(block);
    }
    assert_ne!(blocks[0][16..], blocks[1][16..], "fresh cryptograms");
    let exec = lines_of_records(&std::fs::read(bundle.join("t31load.rex")).unwrap());
    let joined = exec.replace("'||,\n'", "");
    for block in &blocks {
        assert!(joined.contains(&hex(block.as_bytes())), "{exec}");
    }
    // T31I goes on over two lines, which the stand-in takes as one call.
    let (said, code) = run_exec(&exec, &[]);
    assert_eq!(code, Some(0), "{said}");
    for label in ["BANKX.BANK$LAKE.ZPK.001.OUT", "BANKX.BANK$LAKE.ZPK.001.IN"] {
        assert!(said.contains(&format!("loaded {label} ")), "{said}");
    }
    let sheet = text(&bundle, "runsheet.txt");
    assert!(sheet.contains("in binary too: they are EBCDIC"), "{sheet}");
}

/// The block says what the key becomes; its check value is asked for by CSNBKYT2 before
/// the record is made, and another one makes none.
#[test]
fn an_hmac_key_is_loaded_by_its_pattern() {
    const AES_ZMK: &str = "LAKE.ZMK.001";
    const HMAC: &str = "BANK-LAKE.HMAC.001";
    let folder = folder();
    let mut scene = scene(&folder);
    done(scene.zmk(AES_ZMK, "zmk-aes256", "2"));
    done(scene.working(HMAC, "hmac-sha512", AES_ZMK));
    let profile = "z/OS ICSF: TR-31 key blocks (CSNBT31I)";
    let page = ["DKMS.KEK.AES", "BANKX.", "$", "ASCII"];
    record(&mut scene, &[&["a new system", SYSTEM, profile], &page]);
    let made = key(&scene, HMAC);
    let under = format!("{AES_ZMK} (tr31-d)");
    scene
        .people
        .form("hand-over", &[SYSTEM, "", &under, "STICK-1", ""]);
    done(scene.station.hand_over(made.id, &mut scene.people));
    let bundle = newest(&scene);
    assert!(verify_path(&bundle).ok());
    let block = text(&bundle, &format!("{HMAC}.tr31"));
    assert_eq!((&block[..1], &block[5..12]), ("D", "M7HC00E"));
    assert!(block[16..].starts_with("HM0623"), "{block}");
    let exec = text(&bundle, "t31load.rex");
    let label = "BANKX.BANK$LAKE.HMAC.001";
    let value = made.kcv.value.as_str();
    let (said, code) = run_exec(&exec, &[(label, value)]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(&format!("loaded {label} check value {value}")),
        "{said}"
    );
    assert!(!said.contains("by hand"), "{said}");
    let (said, code) = run_exec(&exec, &[(label, "0123456789")]);
    assert_eq!(code, Some(8), "{said}");
    assert!(said.contains("nothing was written"), "{said}");
    let sheet = text(&bundle, "runsheet.txt");
    for word in [
        "becomes an HMAC key of type MAC",
        "for SHA-512 alone",
        "CSNBKYT2 with HMAC, GENERATE, SHA2VP1",
        &made.kcv.words(),
    ] {
        assert!(sheet.contains(word), "{word}: {sheet}");
    }
    let long = sheet.lines().find(|line| line.chars().count() > 80);
    assert!(long.is_none(), "{long:?}");
}
