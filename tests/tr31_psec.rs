//! Key blocks judged by an independent implementation: it reads what we write,
//! we read what it writes, keys and headers at random.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use conclave_crypto::keyblock::{
    Attributes, BlockId, Kbpk, LengthHiding, OptionalBlock, OptionalBlocks, ReadError, Version,
    Writing, unwrap, wrap, wrap_as,
};
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::primitive::modes::Algorithm as Cipher;
use conclave_crypto::secret::{RandomError, RandomSource, Secret};

/// `W kbpk header key` answers with a block, `U kbpk block` with the key, the
/// header's fields and its optional blocks in order.
const ORACLE: &str = r#"
import sys, warnings
warnings.filterwarnings("ignore")
from psec.tr31 import Header, KeyBlock
for line in sys.stdin:
    kind, kbpk, *rest = line.rstrip("\n").split("\t")
    kbpk = bytes.fromhex(kbpk)
    try:
        if kind == "W":
            block = KeyBlock(kbpk, rest[0])
            answer = [block.wrap(bytes.fromhex(rest[1]))]
        else:
            block = KeyBlock(kbpk)
            key = block.unwrap(rest[0])
            h = block.header
            answer = [key.hex().upper(), h.version_id + h.key_usage + h.algorithm
                      + h.mode_of_use + h.version_num + h.exportability]
            answer += [i + "=" + h.blocks[i] for i in h.blocks]
    except Exception as error:
        answer = ["ERROR", repr(error)]
    print("\t".join(answer), flush=True)
"#;

fn python() -> PathBuf {
    let folder = std::env::var_os("CONCLAVE_ORACLES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".oracles"),
        PathBuf::from,
    );
    folder.join("bin/python3")
}

/// psec takes the count of a long length's hex digits for one of bytes, other than
/// the example in the standard. With this one thing put right, all else of it reads
/// and writes long blocks.
const LONG: &str = r#"
import inspect, types, psec.tr31
source = inspect.getsource(psec.tr31)
for old, new in [("int(block_len_len_s, 16) * 2", "int(block_len_len_s, 16)"),
                 ('"0002"', '"0004"')]:
    assert old in source
    source = source.replace(old, new)
long = types.ModuleType("psec.long")
long.__package__ = "psec"
exec(source, long.__dict__)
Header, KeyBlock = long.Header, long.KeyBlock
"#;

/// Asks all questions in one run of the oracle.
fn ask(questions: &[String]) -> Vec<Vec<String>> {
    ask_of(ORACLE, questions)
}

fn ask_of(oracle: &str, questions: &[String]) -> Vec<Vec<String>> {
    let mut child = Command::new(python())
        .args(["-c", oracle])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("psec: run ./scripts/test, which installs it");
    let mut stdin = child.stdin.take().unwrap();
    let lines = questions.join("\n") + "\n";
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let answers: Vec<Vec<String>> = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| line.unwrap().split('\t').map(str::to_owned).collect())
        .collect();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(
        answers.len(),
        questions.len(),
        "psec: run ./scripts/test, which installs it"
    );
    answers
}

struct System(std::fs::File);

impl System {
    fn new() -> Self {
        Self(std::fs::File::open("/dev/urandom").unwrap())
    }
}

impl RandomSource for System {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        std::io::Read::read_exact(&mut self.0, buf)
            .map_err(|e| RandomError::Unavailable(e.to_string()))
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

fn kbpk(cipher: Cipher, key: &Secret) -> Kbpk {
    Kbpk::new(cipher, key.duplicate()).unwrap()
}

/// Header fields for keys of one length, under protection keys of some lengths.
const WRITTEN: [(Cipher, usize, &str, usize); 16] = [
    (Cipher::Tdes, 16, "B1TX00N", 8),
    (Cipher::Tdes, 16, "P0TE00E", 16),
    (Cipher::Tdes, 24, "K0TB12S", 16),
    (Cipher::Tdes, 24, "C0TCc1E", 24),
    (Cipher::Aes, 32, "M7HC00N", 33),
    (Cipher::Aes, 16, "P0TE00E", 16),
    (Cipher::Aes, 16, "V1TG00N", 24),
    (Cipher::Aes, 16, "D0AB00E", 16),
    (Cipher::Aes, 24, "K1AD99S", 16),
    (Cipher::Aes, 24, "B0AX00N", 24),
    (Cipher::Aes, 24, "E0TX00N", 16),
    (Cipher::Aes, 32, "K0AB00E", 16),
    (Cipher::Aes, 32, "M6AC00N", 24),
    (Cipher::Aes, 32, "K1AB00E", 32),
    (Cipher::Aes, 32, "M7HV00N", 64),
    (Cipher::Aes, 32, "S0ES00N", 121),
];

fn blocks(kind: usize, key: &Secret) -> OptionalBlocks {
    let mut blocks = OptionalBlocks::default();
    if kind > 0 {
        blocks
            .push(OptionalBlock::key_set(&[
                0x60, 0x4B, 0x12, 0x0F, 0x92, 0x92, 0x80, 0, 0, 0,
            ]))
            .unwrap();
    }
    if kind > 1 {
        let label = format!("ZMK {}", "x".repeat(kind));
        blocks.push(OptionalBlock::label(&label).unwrap()).unwrap();
        let kcv = Kcv::from_bytes(Method::AesCmac, &key.expose()[..5]).unwrap();
        blocks
            .push(OptionalBlock::key_check(&kcv).unwrap())
            .unwrap();
    }
    // All that X9.143 has beside those, a block at a time and once all together.
    // None is longer than 255 characters: those have a test of their own.
    let standard = [
        ("CT", "00QUJDQUJD"),
        ("DA", "01P0TEEM3TGN"),
        ("HM", "21"),
        ("IK", "1122334455667788"),
        ("KP", "00112233"),
        ("KV", "0100"),
        ("TC", "20200818004100Z"),
        ("TS", "2020-08-18T00:41:00Z"),
        ("WP", "000"),
    ];
    for (at, (id, data)) in standard.into_iter().enumerate() {
        if kind == 8 + at || kind == 17 {
            let id = BlockId::new(id).unwrap();
            blocks
                .push(OptionalBlock::written(id, data).unwrap())
                .unwrap();
        }
    }
    blocks
}

#[test]
fn psec_unwraps_what_we_wrap() {
    let mut random = System::new();
    let (mut questions, mut wanted) = (Vec::new(), Vec::new());
    for kind in 0..18 {
        for (cipher, kbpk_len, of, key_len) in WRITTEN {
            let protection = random.secret_bytes(kbpk_len).unwrap();
            let key = random.secret_bytes(key_len).unwrap();
            let kbpk = kbpk(cipher, &protection);
            let blocks = blocks(kind, &protection);
            let attributes = Attributes::parse(of).unwrap();
            // The oracle knows no version E, and no single DES in B and D.
            let versions: &[Version] = match cipher {
                Cipher::Aes => &[Version::D],
                Cipher::Tdes => &[Version::A, Version::B, Version::C],
            };
            for version in versions.iter().copied() {
                for hiding in [LengthHiding::Longest, LengthHiding::Short] {
                    let writing = Writing { version, hiding };
                    let text =
                        wrap_as(writing, &kbpk, &attributes, &blocks, &key, &mut random).unwrap();
                    questions.push(format!("U\t{}\t{text}", hex(protection.expose())));
                    let letter = version.letter();
                    let mut answer = vec![hex(key.expose()), format!("{letter}{of}")];
                    answer.extend(blocks.iter().map(|b| format!("{}={}", b.id(), b.data())));
                    wanted.push(answer);
                }
            }
        }
    }
    for ((found, wanted), question) in ask(&questions).iter().zip(&wanted).zip(&questions) {
        assert_eq!(found, wanted, "{question}");
    }
}

#[test]
fn we_unwrap_what_psec_wraps() {
    let mut random = System::new();
    let (mut questions, mut wanted) = (Vec::new(), Vec::new());
    let optional = [
        ("00", ""),
        ("01", "KS1800604B120F9292800000"),
        ("02", "LB09labelTS1320200818004100Z"),
    ];
    for version in ["A", "B", "C", "D"] {
        let cipher = if version == "D" {
            Cipher::Aes
        } else {
            Cipher::Tdes
        };
        let kbpk_lens: &[usize] = if version == "D" {
            &[16, 24, 32]
        } else {
            &[16, 24]
        };
        for kbpk_len in kbpk_lens {
            for (_, _, of, key_len) in WRITTEN {
                for (count, text) in optional {
                    if cipher == Cipher::Tdes && of.as_bytes()[2] == b'A' {
                        continue;
                    }
                    let protection = random.secret_bytes(*kbpk_len).unwrap();
                    let key = random.secret_bytes(key_len).unwrap();
                    questions.push(format!(
                        "W\t{}\t{version}0000{of}{count}00{text}\t{}",
                        hex(protection.expose()),
                        hex(key.expose())
                    ));
                    wanted.push((
                        kbpk(cipher, &protection),
                        format!("{version}{of}"),
                        key,
                        text,
                    ));
                }
            }
        }
    }
    assert!(questions.len() > 200);
    for (answer, (kbpk, of, key, blocks)) in ask(&questions).iter().zip(wanted) {
        let found = unwrap(&kbpk, answer[0].as_bytes());
        let found = found.unwrap_or_else(|error| panic!("{answer:?}: {error}"));
        assert!(found.key.ct_eq(key.expose()), "{answer:?}");
        let header = found.header;
        let said = format!("{}{}", header.version.letter(), header.attributes);
        assert_eq!(said, of);
        for block in header.blocks.iter() {
            assert!(blocks.contains(&format!(
                "{}{:02X}{}",
                block.id(),
                block.data().len() + 4,
                block.data()
            )));
        }
        assert_eq!(header.blocks.is_empty(), blocks.is_empty());

        let mut changed = answer[0].clone().into_bytes();
        let last = changed.len() - 1;
        changed[last] = if changed[last] == b'0' { b'1' } else { b'0' };
        let refused = unwrap(&kbpk, &changed).err();
        assert_eq!(refused, Some(ReadError::DoesNotAuthenticate));
    }
}

/// Optional blocks of more than 255 characters, both ways: certificates, say.
#[test]
fn long_optional_blocks_are_read_both_ways() {
    let oracle = ORACLE.replace("from psec.tr31 import Header, KeyBlock", LONG);
    let mut random = System::new();
    let (mut questions, mut wanted, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for length in [248, 249, 250, 252, 255, 256, 1000, 4092, 4096, 8000] {
        let data = format!("00{}", "QUJD".repeat(length / 4));
        for (cipher, kbpk_len, of) in [
            (Cipher::Aes, 32, "P0AE00E"),
            (Cipher::Aes, 16, "D0AB00E"),
            (Cipher::Tdes, 16, "P0TE00E"),
        ] {
            let version = if cipher == Cipher::Aes { "D" } else { "B" };
            let protection = random.secret_bytes(kbpk_len).unwrap();
            let key = random.secret_bytes(16).unwrap();
            let attributes = Attributes::parse(of).unwrap();
            let mut blocks = OptionalBlocks::default();
            let id = BlockId::new("CT").unwrap();
            blocks
                .push(OptionalBlock::written(id, &data).unwrap())
                .unwrap();
            let kbpk = kbpk(cipher, &protection);
            let text = wrap(&kbpk, &attributes, &blocks, &key, &mut random).unwrap();
            questions.push(format!("U\t{}\t{text}", hex(protection.expose())));
            wanted.push(vec![
                hex(key.expose()),
                format!("{version}{of}"),
                format!("CT={data}"),
            ]);
            let head = match data.len() + 4 {
                short if short <= 255 => format!("{short:02X}"),
                long => format!("0004{:04X}", long + 6),
            };
            asked.push((
                kbpk,
                format!(
                    "W\t{}\t{version}0000{of}0100CT{head}{data}\t{}",
                    hex(protection.expose()),
                    hex(key.expose())
                ),
                key,
                data.clone(),
            ));
        }
    }
    for (found, wanted) in ask_of(&oracle, &questions).iter().zip(&wanted) {
        assert_eq!(found, wanted);
    }
    let theirs: Vec<String> = asked
        .iter()
        .map(|(_, question, ..)| question.clone())
        .collect();
    for (answer, (kbpk, _, key, data)) in ask_of(&oracle, &theirs).iter().zip(&asked) {
        let found = unwrap(kbpk, answer[0].as_bytes());
        let found = found.unwrap_or_else(|error| panic!("{answer:?}: {error}"));
        assert!(found.key.ct_eq(key.expose()), "{answer:?}");
        let block = found.header.blocks.iter().next().unwrap();
        assert_eq!(block.data(), data);
    }
}

/// The oracle is not believed blindly: it refuses what we alter.
#[test]
fn psec_refuses_an_altered_block() {
    let mut random = System::new();
    let protection = random.secret_bytes(32).unwrap();
    let key = random.secret_bytes(16).unwrap();
    let attributes = Attributes::parse("P0AE00E").unwrap();
    let kbpk = kbpk(Cipher::Aes, &protection);
    let none = OptionalBlocks::default();
    let text = wrap(&kbpk, &attributes, &none, &key, &mut random).unwrap();
    let altered = text.replacen("P0AE", "P0AD", 1);
    assert_ne!(text, altered);
    let answers = ask(&[format!("U\t{}\t{altered}", hex(protection.expose()))]);
    assert_eq!(answers[0][0], "ERROR");
}
