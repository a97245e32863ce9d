//! `conclave inspect FILE...`: what is this? Without a station, cards or keys.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use conclave_crypto::describe::Described;
use conclave_trades::inspect::{FILE_MOST, Found, MANIFEST_FILE, beside, inspect, looks_like};
use serde_json::{Value, json};

/// Say what a file is: a key block, a token, a key store, a certificate, a
/// manifest, a backup. It needs no keys, checks no signature and shows no clear
/// key. A folder is looked into, file by file.
///
/// The exit code is 0 when every file was recognised, 1 when one was not, 2 when
/// one could not be read, and 3 when a key or password stands in one in clear.
#[derive(Debug, clap::Args)]
pub(super) struct Inspect {
    /// The files, or folders of files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Tell it as JSON: a list, an object a file.
    #[arg(long)]
    json: bool,
}

/// How it went; the worst of all files is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Result {
    Recognised = 0,
    NotRecognised = 1,
    Unreadable = 2,
    ClearSecret = 3,
}

impl Inspect {
    pub(super) fn run(&self) -> ExitCode {
        let mut worst = Result::Recognised;
        let mut list = Vec::new();
        let mut out = io::stdout().lock();
        let mut files = Vec::new();
        for path in &self.files {
            if let Err(error) = find(path, 0, &mut files) {
                eprintln!("{}: {error}", path.display());
                worst = worst.max(Result::Unreadable);
            }
        }
        for path in &files {
            let bytes = match read(path) {
                Ok(bytes) => bytes,
                Err(error) => {
                    eprintln!("{}: {error}", path.display());
                    worst = worst.max(Result::Unreadable);
                    continue;
                }
            };
            let mut found = inspect(&bytes);
            if found.is_empty() {
                found.extend(by_manifest(path, &bytes));
            }
            worst = worst.max(result(&found));
            if self.json {
                list.push(in_json(path, &bytes, &found));
            } else {
                // A reader that went away (`| head`) does not change the judgement.
                let _ = out.write_all(words(path, &bytes, &found).as_bytes());
            }
        }
        if self.json {
            let _ = writeln!(out, "{:#}", Value::Array(list));
        }
        ExitCode::from(worst as u8)
    }
}

/// Folders nested deeper than this are not looked into.
const DEEPEST: usize = 6;

/// Most files that are looked at.
const FILES_MOST: usize = 10_000;

/// A file as it was named, or the files below a folder, sorted by name. Links
/// below a folder are not followed.
fn find(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let kind = std::fs::metadata(path)?;
    if !kind.is_dir() {
        // A pipe would be waited for, and a device read without end.
        if !kind.is_file() {
            return Err(io::Error::other("it is no plain file"));
        }
        files.push(path.to_owned());
        return Ok(());
    }
    if depth > DEEPEST {
        return Err(io::Error::other(
            "it has folders that are nested too deeply",
        ));
    }
    let mut inner: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() || kind.is_file() {
            inner.push(entry.path());
        }
        if inner.len() > FILES_MOST {
            break;
        }
    }
    if inner.is_empty() && depth == 0 {
        return Err(io::Error::other("there is no file in this folder"));
    }
    inner.sort();
    for path in inner {
        find(&path, depth + 1, files)?;
        if files.len() > FILES_MOST {
            return Err(io::Error::other(format!("more than {FILES_MOST} files")));
        }
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(FILE_MOST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_MOST {
        return Err(io::Error::other(format!("more than {FILE_MOST} bytes")));
    }
    Ok(bytes)
}

/// What the manifest in the same folder says of a file that has no marks of its own.
fn by_manifest(path: &Path, bytes: &[u8]) -> Option<Found> {
    let manifest = path.with_file_name(MANIFEST_FILE);
    if !std::fs::metadata(&manifest).is_ok_and(|kind| kind.is_file()) {
        return None;
    }
    let manifest = read(&manifest).ok()?;
    let said = beside(path.file_name()?.to_str()?, bytes, &manifest)?;
    Some(Found {
        line: None,
        may_be: vec![said],
    })
}

fn result(found: &[Found]) -> Result {
    let mut all = found.iter().flat_map(|found| &found.may_be);
    match (found.is_empty(), all.any(|said| said.clear_secret)) {
        (true, _) => Result::NotRecognised,
        (_, true) => Result::ClearSecret,
        _ => Result::Recognised,
    }
}

/// The text for people: a block for each thing found.
fn words(path: &Path, bytes: &[u8], found: &[Found]) -> String {
    let name = path.display().to_string().escape_debug().to_string();
    let mut out = String::new();
    if found.is_empty() {
        out.push_str(&format!("{name}: not recognised\n"));
        out.push_str(&format!("  looks like  {}\n\n", looks_like(bytes)));
    }
    for one in found {
        let place = one
            .line
            .map(|line| format!(", line {line}"))
            .unwrap_or_default();
        for (number, said) in one.may_be.iter().enumerate() {
            let or = if number == 0 { "" } else { "or: " };
            out.push_str(&format!(
                "{name}{place}: {or}{} ({})\n",
                said.what,
                said.confidence.word()
            ));
            describe(said, &mut out);
            out.push('\n');
        }
    }
    out
}

/// Widest name that still has its value in the same column.
const NAME_MOST: usize = 24;

fn describe(said: &Described, out: &mut String) {
    if said.clear_secret {
        out.push_str("  ************ A SECRET STANDS IN THIS FILE IN CLEAR ************\n");
    }
    let widest = said.fields.iter().map(|f| f.name.chars().count()).max();
    let width = widest.unwrap_or(0).min(NAME_MOST);
    for field in &said.fields {
        let (name, value, meaning) = (&field.name, &field.value, &field.meaning);
        out.push_str(&format!("  {name:width$}  {value}\n"));
        if !meaning.is_empty() {
            out.push_str(&format!("  {:width$}    {meaning}\n", ""));
        }
    }
    for remark in &said.unusual {
        out.push_str(&format!("  ! {remark}\n"));
    }
}

fn in_json(path: &Path, bytes: &[u8], found: &[Found]) -> Value {
    let one = |found: &Found| {
        let may_be: Vec<Value> = found
            .may_be
            .iter()
            .map(|said| {
                let fields: Vec<Value> = said
                    .fields
                    .iter()
                    .map(|f| json!({"name": f.name, "value": f.value, "meaning": f.meaning}))
                    .collect();
                json!({
                    "what": said.what,
                    "confidence": said.confidence.word(),
                    "clear_secret": said.clear_secret,
                    "fields": fields,
                    "unusual": said.unusual,
                })
            })
            .collect();
        json!({"line": found.line, "may_be": may_be})
    };
    let list: Vec<Value> = found.iter().map(one).collect();
    let looks = found.is_empty().then(|| looks_like(bytes));
    json!({
        "file": path.display().to_string(),
        "bytes": bytes.len(),
        "recognised": !found.is_empty(),
        "found": list,
        "looks_like": looks,
    })
}
