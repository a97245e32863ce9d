//! Inputs that cost little to send and much to read, as large as their door
//! lets through. Each is read in a process of its own, which the kernel ends
//! when it takes more memory or processor time than it may: no clock on the
//! wall is asked.

use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::PARSERS;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What a file of evidence may weigh in these checks: four times the largest
/// manifest that a station reads back.
const EVIDENCE: usize = 16 * MIB;
/// The largest script, template or layout that a station reads.
const DATA: usize = 256 * KIB;
/// The largest `station.toml`.
const CONFIG: usize = 64 * KIB;

/// Memory beyond what the test program itself has, in bytes.
const MEMORY: u64 = 1536 * MIB as u64;
/// Processor time in seconds, in a build without optimisation of this code.
const SECONDS: u64 = 30;

/// What the child says at its end.
const DONE: &str = "read to the end";
/// The child's task, in its environment.
const TASK: &str = "CONCLAVE_BOMB";

struct Bomb {
    name: &'static str,
    parser: &'static str,
    make: fn() -> Vec<u8>,
}

const fn bomb(name: &'static str, parser: &'static str, make: fn() -> Vec<u8>) -> Bomb {
    Bomb { name, parser, make }
}

/// `[tag, …` as files of evidence begin.
fn tagged(tag: &str, rest: Vec<u8>) -> Vec<u8> {
    let mut bytes = vec![0x82, 0x78, u8::try_from(tag.len()).unwrap()];
    bytes.extend(tag.as_bytes());
    bytes.extend(rest);
    bytes
}

/// A head of this major type that promises 2^62 of whatever follows.
fn promise(major: u8) -> Vec<u8> {
    let mut bytes = vec![major << 5 | 27, 0x40];
    bytes.extend([0; 7]);
    bytes
}

fn repeated(unit: &[u8], size: usize) -> Vec<u8> {
    unit.iter().copied().cycle().take(size).collect()
}

fn toml(before: &str, unit: &str, size: usize) -> Vec<u8> {
    let mut bytes = before.as_bytes().to_vec();
    while bytes.len() + unit.len() <= size {
        bytes.extend(unit.as_bytes());
    }
    bytes
}

/// A header of version D with so many optional blocks, each as short as can be.
fn blocks(count: usize, length: &str) -> Vec<u8> {
    let mut text = format!("D9984K0AB00E{:02}00", count % 100).into_bytes();
    for _ in 0..count {
        text.extend(format!("PB{length}").bytes());
    }
    text.resize(9984, b'0');
    text
}

const BOMBS: &[Bomb] = &[
    bomb("arrays, each in the other", "cbor", || vec![0x81; EVIDENCE]),
    bomb("maps, each in the other", "cbor", || {
        repeated(&[0xA1, 0x00], EVIDENCE)
    }),
    bomb("tags, each in the other", "cbor", || vec![0xC1; EVIDENCE]),
    bomb("indefinite arrays, each in the other", "cbor", || {
        vec![0x9F; EVIDENCE]
    }),
    bomb("an indefinite text of empty pieces", "cbor", || {
        let mut bytes = vec![0x7F];
        bytes.resize(EVIDENCE, 0x60);
        bytes
    }),
    bomb("a promise of bytes", "cbor", || promise(2)),
    bomb("a promise of text", "cbor", || promise(3)),
    bomb("a promise of an array", "cbor", || promise(4)),
    bomb("a promise of a map", "cbor", || promise(5)),
    bomb("promises, each in the other", "cbor", || {
        promise(4).repeat(200_000)
    }),
    bomb("many small numbers", "cbor", || {
        let mut bytes = vec![0x9A, 0x00, 0xFF, 0xFF, 0x00];
        bytes.resize(EVIDENCE, 0x00);
        bytes
    }),
    // As many as the largest encoding has bytes: built, they would be 2 GiB.
    bomb("small numbers up to the largest encoding", "cbor", || {
        let mut bytes = vec![0x9A, 0x03, 0xFF, 0xFF, 0xFB];
        bytes.resize(64 * MIB, 0x00);
        bytes
    }),
    bomb("pairs of small numbers", "cbor", || {
        let mut bytes = vec![0xBA, 0x01, 0xFF, 0xFF, 0xFD];
        bytes.resize(64 * MIB, 0x00);
        bytes
    }),
    bomb("one long text", "cbor", || {
        let mut bytes = vec![0x7A, 0x00, 0xFF, 0xFF, 0x00];
        bytes.resize(bytes.len() + 0x00FF_FF00, b'a');
        bytes
    }),
    bomb("a manifest with a promise", "manifest", || {
        tagged("conclave/signed-manifest/1", promise(2))
    }),
    bomb("a manifest in a manifest", "manifest", || {
        tagged("conclave/signed-manifest/1", vec![0x81; EVIDENCE])
    }),
    bomb("a transcript with a promise", "transcript", || {
        tagged("conclave/signed-transcript/1", promise(4))
    }),
    bomb("a journal with a promise", "journal", || {
        tagged("conclave/journal-export/1", promise(4))
    }),
    bomb("a journal of empty maps", "journal", || {
        let mut bytes = vec![0x9A, 0x00, 0xFF, 0x00, 0x00];
        bytes.resize(EVIDENCE, 0xA0);
        tagged("conclave/journal-export/1", bytes)
    }),
    bomb("an authority chain with a promise", "authority", || {
        tagged("conclave/authority-chain/1", promise(4))
    }),
    bomb("an anchor with a promise", "anchor", || promise(5)),
    bomb("a script of one line", "script", || vec![b'a'; DATA]),
    bomb("a script of one text", "script", || {
        toml("title = \"", "x", DATA)
    }),
    bomb("a script of brackets", "script", || {
        toml("steps = ", "[", DATA)
    }),
    bomb("a script of braces", "script", || {
        toml("steps = ", "{a=", DATA)
    }),
    bomb("a script of one dotted key", "script", || {
        toml("a", ".a", DATA)
    }),
    bomb("a script of tables", "script", || {
        toml("", "[[step]]\n", DATA)
    }),
    bomb("a script of keys", "script", || {
        toml("", "\"\\u0061\"=1\n", DATA)
    }),
    bomb("a template of brackets", "template", || {
        toml("name = ", "[", DATA)
    }),
    bomb("a template of one dotted key", "template", || {
        toml("a", ".a", DATA)
    }),
    bomb("a layout of fields", "layout", || {
        toml(
            "",
            "[[field]]\nname=\"value\"\nline=1\ncolumn=1\nwidth=1\n",
            DATA,
        )
    }),
    bomb("a layout of brackets", "layout", || {
        toml("columns = ", "[", DATA)
    }),
    bomb("a configuration of brackets", "config", || {
        toml("media = ", "[", CONFIG)
    }),
    bomb("a configuration of one line", "config", || {
        vec![b'"'; CONFIG]
    }),
    bomb("99 optional blocks of no length", "tr31", || {
        blocks(99, "00")
    }),
    bomb("99 optional blocks of four", "tr31", || blocks(99, "04")),
    bomb("optional blocks of extended length", "tr31", || {
        blocks(99, "0008FFFFFFFF")
    }),
    bomb("a block of 16 MiB", "tr31", || vec![b'D'; EVIDENCE]),
    bomb("words without end", "words", || {
        repeated(b"aardvark ", EVIDENCE)
    }),
    bomb("a certificate with a promise", "certificate", || {
        vec![0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x30, 0x84, 0x7F]
    }),
    bomb("sequences, each in the other", "certificate", || {
        repeated(&[0x30, 0x80], 64 * KIB)
    }),
    bomb("a file of cards of one line of separators", "cards", || {
        repeated(b";", EVIDENCE)
    }),
    // Far more than the template takes.
    bomb("empty cards without end", "cards", || {
        let mut bytes = b"B1;ISSUER;1;0\n".to_vec();
        bytes.extend(repeated(b";;;;;;;;\n", 32 * MIB));
        bytes
    }),
    bomb("a card that always has more", "card-answers", || {
        let mut bytes = vec![0];
        bytes.extend(repeated(&[3, 0x00, 0x61, 0xFF], 64 * KIB));
        bytes
    }),
    bomb("a card that never stops talking", "card-answers", || {
        repeated(&[255], 256 * KIB)
    }),
    bomb("a process of one long name", "machine", || {
        let mut bytes = b"1 (".to_vec();
        bytes.resize(4 * MIB, b'(');
        bytes
    }),
    bomb("a machine full of mounts", "machine", || {
        repeated(b"a b nfs c 0 0\n", 4 * MIB)
    }),
    bomb("a sequence without end", "keyboard", || {
        repeated(b"\x1b[1;", EVIDENCE)
    }),
];

/// The memory that this process has now, in bytes.
fn has_now() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmSize:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

fn limit(resource: Resource, to: u64) {
    let maximum = getrlimit(resource).maximum;
    let limit = Rlimit {
        current: Some(to),
        maximum,
    };
    setrlimit(resource, limit).unwrap();
}

/// The child: reads one bomb under the limits. In an ordinary run there is
/// nothing to do.
#[test]
fn child() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let (bytes, run): (Vec<u8>, fn(&[u8])) = match task.as_str() {
        // Proof that the limits bite.
        "memory" => (Vec::new(), |_| {
            let hungry = vec![1u8; usize::try_from(2 * MEMORY).unwrap()];
            println!("{}", hungry.len());
        }),
        "time" => (Vec::new(), |_| {
            let mut x = 1u64;
            while std::hint::black_box(x) != 0 {
                x = x.wrapping_mul(3) | 1;
            }
        }),
        name => {
            let bomb = BOMBS.iter().find(|bomb| bomb.name == name).unwrap();
            let parser = PARSERS.iter().find(|p| p.name == bomb.parser).unwrap();
            ((bomb.make)(), parser.run)
        }
    };
    limit(Resource::As, has_now() + MEMORY);
    limit(Resource::Core, 0);
    let seconds = if task == "time" { 1 } else { SECONDS };
    limit(Resource::Cpu, seconds);
    run(&bytes);
    println!("\n{DONE}");
}

/// Whether the child came to its end, and what it said.
fn reads(task: &str) -> (bool, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["bombs::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(TASK, task)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let read = said.lines().any(|line| line == DONE);
    (
        output.status.success() && read,
        format!("{}: {said}", output.status),
    )
}

#[test]
fn bombs_meet_their_limits() {
    let mut failed = Vec::new();
    for bomb in BOMBS {
        let (read, said) = reads(bomb.name);
        if !read {
            failed.push(format!("{} ({}): {said}", bomb.name, bomb.parser));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(BOMBS.len() >= 40);
}

/// A limit that nothing can break is none.
#[test]
fn the_limits_bite() {
    for task in ["memory", "time"] {
        let (read, said) = reads(task);
        assert!(!read, "{task} was not limited: {said}");
    }
}
