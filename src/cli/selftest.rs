//! `conclave selftest`: known answers from files, computed again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use conclave_crypto::known_answer::{
    Operations, Primitives, Value, Vector, Verdict, check, power_on,
};
use serde_json::Value as Json;
use thiserror::Error;

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// Compute known answers again: the built-in ones, and those of files.
///
/// Prints one line for each operation and one for each failure, and names the
/// vectors that nobody else has reproduced. The exit code is
/// 1 if any vector failed or its operation is not known, 2 if a file is no
/// vector file.
#[derive(Debug, clap::Args)]
pub(super) struct Selftest {
    /// Vector files: JSON lists of {id, op, inputs, expected}.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    vectors: Vec<PathBuf>,
}

/// Why a file is no vector file.
#[derive(Debug, Error)]
enum FileError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("more than {MAX_FILE} bytes")]
    TooLong,
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("not a list of vectors")]
    NotAList,
    #[error("no vectors in it")]
    Empty,
    #[error(
        "vector {number}: `{field}` is missing or of the wrong kind; a vector is \
         {{\"id\", \"op\", \"inputs\", \"expected\"}}"
    )]
    Field { number: usize, field: &'static str },
}

/// All sets of operations that the product has.
const SETS: [&dyn Operations; 1] = [&Primitives];

#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    failed: usize,
    unsupported: usize,
}

impl Selftest {
    pub(super) fn run(&self) -> ExitCode {
        if let Err(failure) = power_on() {
            eprintln!("{failure}");
            return ExitCode::from(1);
        }
        if self.vectors.is_empty() {
            println!("power-on: passed");
            return ExitCode::SUCCESS;
        }
        let mut tallies = BTreeMap::new();
        let mut failures = Vec::new();
        let mut unchecked = Vec::new();
        let mut unreadable = false;
        for path in &self.vectors {
            match read(path) {
                Ok(vectors) => {
                    judge(&vectors, &mut tallies, &mut failures);
                    let nobodys = vectors.iter().filter(|known| known.unchecked);
                    unchecked.extend(nobodys.map(|known| known.vector.id.clone()));
                }
                Err(error) => {
                    eprintln!("{}: {error}", path.display());
                    unreadable = true;
                }
            }
        }
        // A reader that went away (`| head`) does not change the judgement.
        let _ = report(&tallies, &failures, &unchecked, &mut io::stdout().lock());
        match (unreadable, failures.is_empty()) {
            (true, _) => ExitCode::from(2),
            (false, false) => ExitCode::from(1),
            (false, true) => ExitCode::SUCCESS,
        }
    }
}

/// A vector of a file.
struct Known {
    vector: Vector,
    /// Its file says that no other program has reproduced the value: that it
    /// passes shows less.
    unchecked: bool,
}

fn judge(vectors: &[Known], tallies: &mut BTreeMap<String, Tally>, failures: &mut Vec<String>) {
    for Known { vector, .. } in vectors {
        let tally = tallies.entry(vector.op.clone()).or_default();
        let id = vector.id.escape_debug();
        match check(vector, &SETS) {
            Verdict::Passed => tally.passed += 1,
            Verdict::Failed(why) => {
                tally.failed += 1;
                failures.push(format!("FAILED {id}: {why}"));
            }
            Verdict::Unsupported => {
                tally.unsupported += 1;
                failures.push(format!("UNSUPPORTED {id}: no such operation"));
            }
        }
    }
}

fn report(
    tallies: &BTreeMap<String, Tally>,
    failures: &[String],
    unchecked: &[String],
    out: &mut dyn Write,
) -> io::Result<()> {
    for (op, tally) in tallies {
        writeln!(
            out,
            "{}: {} passed, {} failed, {} unsupported",
            op.escape_debug(),
            tally.passed,
            tally.failed,
            tally.unsupported
        )?;
    }
    for failure in failures {
        writeln!(out, "{failure}")?;
    }
    for id in unchecked {
        let id = id.escape_debug();
        writeln!(
            out,
            "UNCHECKED {id}: its file says that nobody else has reproduced it"
        )?;
    }
    out.flush()
}

fn read(path: &Path) -> Result<Vec<Known>, FileError> {
    let mut text = Vec::new();
    File::open(path)?
        .take(MAX_FILE + 1)
        .read_to_end(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(FileError::TooLong);
    }
    let Json::Array(list) = serde_json::from_slice(&text)? else {
        return Err(FileError::NotAList);
    };
    if list.is_empty() {
        return Err(FileError::Empty);
    }
    list.into_iter().zip(1..).map(vector).collect()
}

fn vector((mut json, number): (Json, usize)) -> Result<Known, FileError> {
    let unchecked = json.get("checked_with").and_then(Json::as_str) == Some("unchecked");
    let mut take = |field| match json.get_mut(field).map(Json::take) {
        Some(value) => Ok((value, FileError::Field { number, field })),
        None => Err(FileError::Field { number, field }),
    };
    let text = |found| match found {
        (Json::String(text), _) => Ok(text),
        (_, error) => Err(error),
    };
    let map = |found| match found {
        (map @ Json::Object(_), _) => Ok(value(map)),
        (_, error) => Err(error),
    };
    let vector = Vector {
        id: text(take("id")?)?,
        op: text(take("op")?)?,
        inputs: map(take("inputs")?)?,
        expected: map(take("expected")?)?,
    };
    Ok(Known { vector, unchecked })
}

fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => Value::Number(number.to_string()),
        Json::String(text) => Value::Text(text),
        Json::Array(list) => Value::List(list.into_iter().map(value).collect()),
        Json::Object(map) => Value::Map(map.into_iter().map(|(k, v)| (k, value(v))).collect()),
    }
}
