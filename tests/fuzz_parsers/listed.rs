//! The sources are looked through for parsers that stand in no list.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{files, root};
use crate::parsers::PARSERS;

/// Public functions that take bytes or text and read them, and are no target of
/// their own: each with its reason.
const NOT_PARSERS: &[(&str, &str)] = &[
    (
        "trades/media/folder.rs read_back",
        "reads a file of a stick whole; what is in it goes to target manifest",
    ),
    (
        "trades/media/bundle.rs new",
        "a bundle that this program is about to write",
    ),
    (
        "trades/media/name.rs check_name",
        "a name this program made; proptest in its own file",
    ),
    (
        "crypto/primitive/seal.rs open",
        "lengths only, then authenticated",
    ),
    (
        "crypto/primitive/hpke.rs open",
        "lengths only, then authenticated",
    ),
    (
        "crypto/keyblock/header.rs new",
        "one field that the caller has typed or cut out; tr31 goes through it",
    ),
    (
        "crypto/keyblock/blocks.rs new",
        "one field that the caller made; tr31 goes through it",
    ),
    (
        "crypto/primitive/kcv.rs from_bytes",
        "a value this program computed",
    ),
    ("crypto/primitive/modes.rs new", "a key, by its length"),
    (
        "crypto/primitive/atalla_variant.rs unwrap",
        "decrypts what target cryptogram has read; nothing in it is looked at",
    ),
    (
        "crypto/primitive/lmk.rs new",
        "a key type of a profile, three characters; every value in its own tests",
    ),
    (
        "crypto/primitive/lmk.rs from_name",
        "compares with twenty names",
    ),
    (
        "crypto/primitive/key_scheme.rs unwrap",
        "decrypts what target cryptogram has read; nothing in it is looked at",
    ),
    (
        "training/card/crypto.rs new",
        "the training card's own: never in PRODUCTION",
    ),
    (
        "training/card/command.rs receive",
        "the training card's own: never in PRODUCTION",
    ),
    (
        "keyroom/vault/seal.rs from_bytes",
        "a repository's value: evidence::cbor, target cbor, then authenticated; tests/repository.rs flips bits in each",
    ),
    (
        "keyroom/vault/wrap.rs open",
        "a repository's value, compared whole with what it should be, then authenticated",
    ),
    (
        "crypto/primitive/kcv_fit.rs new",
        "digits of a check value, at most 32; proptest in its own file",
    ),
    ("tui/rows.rs find", "looks for a row of this program's list"),
    (
        "station/key_table.rs find",
        "looks for a row of this program's list",
    ),
    ("trades/print/device.rs open", "a path, not its content"),
    (
        "keyroom/domain/form.rs from_name",
        "compares with eight names",
    ),
    (
        "crypto/pin/translate.rs open",
        "a PIN block, decrypted; proptest over any eight bytes in block_tests.rs",
    ),
    (
        "crypto/pin/number.rs from_text",
        "lengths and digits only; tests in its own file",
    ),
    (
        "crypto/pin/ibm3624.rs parse",
        "digits of a fixed length; target cards reads them out of templates",
    ),
    (
        "crypto/pin/pvv.rs parse",
        "one digit; target cards reads it out of templates",
    ),
    (
        "crypto/card/pan.rs parse",
        "digits; target cards goes through it",
    ),
    (
        "crypto/x509/cms/open.rs new",
        "our own certificate; target recipient reads any",
    ),
    (
        "training/printer/carriage.rs take",
        "the memory of a training printer: it takes what the station prints",
    ),
    (
        "trades/pin/batch.rs read",
        "takes a template too; target cards goes through it",
    ),
    (
        "evidence/ids.rs from_hex",
        "fixed length, checked first; target words and the transcript's use it",
    ),
];

/// Beginnings of the names of functions that read.
const READS: &[&str] = &[
    "parse",
    "read_",
    "from_",
    "decode",
    "unwrap",
    "feed",
    "receive",
    "tag_of",
    "exact",
    "subject_key",
    "verify_signature",
    "check_label",
    "check_name",
    "load",
];
/// Whole names.
const READS_WHOLE: &[&str] = &["read", "take", "only", "find", "open", "new", "id"];
/// Types of what comes from outside.
const BYTES: &[&str] = &["&[u8]", "&str", "Vec<u8>"];

/// `file function` of every public function that reads bytes or text. Reads the
/// text of the file: a name, then its parameters up to the closing bracket.
fn readers(path: &str, text: &str) -> Vec<String> {
    let (code, _) = text.split_once("#[cfg(test)]").unwrap_or((text, ""));
    let mut found = Vec::new();
    for rest in code.split("pub fn ").skip(1) {
        let Some((name, rest)) = rest.split_once(['(', '<']) else {
            continue;
        };
        let parameters = rest.split(") ").next().unwrap_or_default();
        // One argument or two, besides self: more is no parser.
        let reads =
            READS.iter().any(|start| name.starts_with(start)) || READS_WHOLE.contains(&name);
        if reads && BYTES.iter().any(|kind| parameters.contains(kind)) {
            found.push(format!("{path} {name}"));
        }
    }
    found
}

fn sources() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    let source = root().join("src");
    files(&source, &mut paths);
    paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .filter(|path| !path.iter().any(|part| part == "tests"))
        .map(|path| {
            let name: &Path = path.strip_prefix(&source).unwrap();
            (
                name.to_str().unwrap().to_owned(),
                fs::read_to_string(&path).unwrap(),
            )
        })
        .collect()
}

#[test]
fn every_parser_of_the_sources_is_listed() {
    let covered: BTreeSet<&str> = PARSERS.iter().flat_map(|p| p.covers).copied().collect();
    let excused: BTreeSet<&str> = NOT_PARSERS.iter().map(|(name, _)| *name).collect();
    let mut seen = BTreeSet::new();
    let mut missing = Vec::new();
    for (path, text) in sources() {
        for reader in readers(&path, &text) {
            if !covered.contains(reader.as_str()) && !excused.contains(reader.as_str()) {
                missing.push(reader.clone());
            }
            seen.insert(reader);
        }
    }
    assert!(
        missing.is_empty(),
        "no target for these: add them to tests/fuzz/parsers.rs, or say in \
         tests/fuzz_parsers/listed.rs why not:\n{}",
        missing.join("\n")
    );
    // What is listed is still there: a renamed parser loses its target.
    let there = |name: &str| {
        let (path, function) = name.split_once(' ').unwrap();
        let text = fs::read_to_string(root().join("src").join(path)).unwrap_or_default();
        text.contains(&format!("pub fn {function}("))
            || text.contains(&format!("pub fn {function}<"))
    };
    let mut gone = covered.iter().chain(&excused).filter(|name| !there(name));
    assert_eq!(gone.next(), None, "listed, and not in the sources");
    let idle: Vec<&&str> = excused
        .iter()
        .filter(|name| !seen.contains(**name))
        .collect();
    assert!(idle.is_empty(), "excused without need: {idle:?}");
    assert!(seen.len() >= 25, "only {} readers were found", seen.len());
}

/// The search itself finds what it should.
#[test]
fn a_new_parser_would_be_found() {
    let text = "
        pub fn parse_offer(bytes: &[u8]) -> Result<Offer, Error> { }
        pub fn read<T: X>(\n    &self,\n    text: &str,\n) -> Option<T> { }
        pub fn size(bytes: &[u8]) -> usize { }
        pub fn parse_count(number: usize) -> usize { }
        #[cfg(test)]
        mod tests { pub fn parse_this(bytes: &[u8]) -> bool { } }
    ";
    assert_eq!(
        readers("x.rs", text),
        ["x.rs parse_offer", "x.rs read"],
        "names and parameters decide, tests do not count"
    );
}
