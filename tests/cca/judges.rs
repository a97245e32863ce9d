//! openssl and the second reader.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::typist::hex;

/// So many bytes of a sequence that is the same in each run.
pub fn numbers(count: usize, seed: &mut u64) -> Vec<u8> {
    (0..count)
        .map(|_| {
            *seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (*seed >> 40) as u8
        })
        .collect()
}

/// Runs openssl in a folder; it must be there.
pub fn openssl(at: &Path, arguments: &[&str]) -> String {
    let run = Command::new("openssl")
        .args(arguments)
        .current_dir(at)
        .output()
        .unwrap_or_else(|error| panic!("openssl: {error}; run ./scripts/test, which installs it"));
    assert!(
        run.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
    String::from_utf8(run.stdout).unwrap()
}

/// TDES in ECB, by openssl: these bytes decrypted under a key of two or three
/// parts.
pub fn decrypted(key: &[u8], data: &[u8]) -> Vec<u8> {
    tdes("-d", key, data)
}

/// The other way.
pub fn encrypted(key: &[u8], data: &[u8]) -> Vec<u8> {
    tdes("-e", key, data)
}

fn tdes(way: &str, key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut long = key.to_vec();
    if key.len() == 16 {
        long.extend(&key[..8]);
    }
    let mut child = Command::new("openssl")
        .args(["enc", "-des-ede3", way, "-nopad", "-K", &hex(&long)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl: run ./scripts/test, which installs it");
    child.stdin.take().unwrap().write_all(data).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "openssl has no TDES in ECB");
    out.stdout
}

/// Asks the second reader: an answer for each question (`card` lines up to an
/// `end` are one).
pub fn read_again(questions: &[String]) -> Vec<String> {
    let folder = std::env::var_os("CONCLAVE_ORACLES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".oracles"),
        PathBuf::from,
    );
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cca/read_token.py");
    let mut child = Command::new(folder.join("bin/python3"))
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("pycryptodome: run ./scripts/test, which installs it");
    let mut stdin = child.stdin.take().unwrap();
    let lines = questions.join("\n") + "\n";
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(out.status.success(), "the second reader refused something");
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}
