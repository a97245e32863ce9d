//! Looking through a folder: what has lost its mark is told, not passed over.
//!
//! A name promises evidence (`*.cbor`, `CONCLAVE-0001-TEST`, `BACKUP-000012-TEST`),
//! and so does a PDF that calls itself minutes. Everything else in a folder belongs to
//! somebody else: it is named as passed over, and nothing more is said of it.

use std::path::Path;

use super::read::{Kind, kind, list, most, read_capped};
use super::{PIN_OUTPUT, Work, name, read};
use crate::backup::BACKUP_FILE;
use crate::error::EvidenceError;
use crate::manifest::{AUTHORITY_FILE, MANIFEST_FILE, TEXT_FILE};
use crate::update::UPDATE_FILE;
use crate::{cbor, tagged};

/// Folders nested deeper than this are not searched.
const DEEPEST: usize = 6;

/// What the folders of evidence are called, what each is, and the file that marks it.
const FOLDERS: [(&str, &str, &str); 3] = [
    ("CONCLAVE-", "bundle", MANIFEST_FILE),
    ("BACKUP-", "backup", BACKUP_FILE),
    ("UPDATE-", "software update", UPDATE_FILE),
];

/// What the title of minutes begins with in a PDF of the station, whose text stands open.
const MINUTES_TITLE: &[u8] = b"(Minutes: ";

/// What another system writes beside each file of a stick: AppleDouble, RFC 1740.
const APPLE_DOUBLE: [u8; 4] = [0x00, 0x05, 0x16, 0x07];

/// What follows a prefix, without regard to case: some media have capitals only.
fn after<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let head = name.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| name.get(prefix.len()..))
        .flatten()
}

/// What a folder of this name should be, and the file that it lacks then. A copy has
/// something behind the number.
fn promised(name: &str) -> Option<(&'static str, &'static str)> {
    let numbered =
        |prefix| after(name, prefix).is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()));
    if let Some((_, what, mark)) = FOLDERS.iter().find(|(prefix, ..)| numbered(prefix)) {
        return Some((what, mark));
    }
    let upper = name.to_ascii_uppercase();
    let ends = upper.ends_with("-TEST") || upper.ends_with("-PRODUCTION");
    (ends && upper.starts_with("PIN-")).then_some(("output of a PIN batch", PIN_OUTPUT))
}

/// The number that a bundle's folder has in its name: `CONCLAVE-NNNN-MODE`.
pub(super) fn bundle_number(folder: &Path) -> Option<u64> {
    let name = folder.file_name()?.to_str()?;
    let digits = after(name, "CONCLAVE-")?;
    let end = digits.find(|c: char| !c.is_ascii_digit());
    digits.get(..end.unwrap_or(digits.len()))?.parse().ok()
}

/// Parts of a backup, whatever its folder is called.
fn backup_part(name: &str) -> bool {
    let number = name
        .strip_prefix("records-")
        .or_else(|| name.strip_prefix("journal-"))
        .and_then(|rest| rest.strip_suffix(".bin"));
    number.is_some_and(|n| n.len() >= 4 && n.bytes().all(|b| b.is_ascii_digit()))
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case(wanted))
}

/// TRUE for what may be minutes by its name: in a folder of minutes, or called so.
fn named_minutes(path: &Path) -> bool {
    let is =
        |part: Option<&std::ffi::OsStr>| part.is_some_and(|p| p.eq_ignore_ascii_case("minutes"));
    is(path.file_stem()) || is(path.parent().and_then(Path::file_name))
}

impl Work {
    pub(super) fn folder(&mut self, path: &Path, depth: usize) {
        let place = name(path);
        let names = match list(path) {
            Ok(names) => names,
            Err(error) => return self.report.bad(&place, error),
        };
        if names.iter().any(|n| n == MANIFEST_FILE || n == TEXT_FILE) {
            return self.bundle(path);
        }
        if names.iter().any(|n| n == BACKUP_FILE) {
            return self.backup(path);
        }
        if names.iter().any(|n| n == UPDATE_FILE) {
            return self.update(path);
        }
        if names == [PIN_OUTPUT] {
            return self.pin_output(path, depth);
        }
        self.without_mark(path, &names);
        for entry in &names {
            let inner = path.join(entry);
            match kind(&inner, false) {
                Ok(Kind::File) => self.searched(&inner),
                Ok(Kind::Folder) if depth < DEEPEST => self.folder(&inner, depth + 1),
                Ok(Kind::Folder) => {
                    let error = EvidenceError::file(name(&inner), "it is nested too deeply");
                    self.report.bad(&name(&inner), error);
                }
                Ok(Kind::Other) => {
                    if has_extension(&inner, "cbor") || promised(entry).is_some() {
                        self.unmarked(&inner, "it is a link or a device, which is not followed");
                    } else {
                        self.pass_over(&inner);
                    }
                }
                Err(error) => self.report.bad(&name(&inner), error),
            }
        }
    }

    /// A folder that should be evidence by its name or its parts, and has no mark.
    fn without_mark(&mut self, path: &Path, names: &[String]) {
        let called = path.file_name().and_then(|n| n.to_str());
        let parts = names.iter().any(|n| backup_part(n));
        let of = called
            .and_then(promised)
            .or_else(|| parts.then_some(("backup", BACKUP_FILE)));
        let Some((what, mark)) = of else {
            return;
        };
        if mark == PIN_OUTPUT && names.iter().any(|n| n == PIN_OUTPUT) {
            let why = format!("an output of a PIN batch is {PIN_OUTPUT} and nothing else");
            return self.unmarked(path, &why);
        }
        let by = if parts {
            "the parts in it are a"
        } else {
            "its name is a"
        };
        self.unmarked(path, &format!("{by} {what}'s, and {mark} is not in it"));
    }

    fn unmarked(&mut self, path: &Path, why: &str) {
        self.found += 1;
        self.report.unchecked(&name(path), why);
    }

    /// A file that nobody named: evidence by its mark, or by what its name promises.
    fn searched(&mut self, path: &Path) {
        if has_extension(path, "cbor") {
            return self.searched_cbor(path);
        }
        let text = has_extension(path, "txt") && path.file_stem().is_some_and(|s| s == "minutes");
        let page = has_extension(path, "pdf") && (named_minutes(path) || titled_minutes(path));
        if text || page {
            self.minutes_met.push(path.to_path_buf());
        } else {
            self.pass_over(path);
        }
    }

    fn searched_cbor(&mut self, path: &Path) {
        let start = read::start(path).unwrap_or_default();
        let beside = path
            .file_name()
            .is_some_and(|n| n.to_string_lossy().starts_with("._"));
        if beside && start.starts_with(&APPLE_DOUBLE) {
            return self.pass_over(path);
        }
        if path.file_name().is_some_and(|n| n == AUTHORITY_FILE)
            && tagged::is_authority_file(&start)
        {
            return self.authorities_met.push(path.to_path_buf());
        }
        self.file(path, true);
    }

    /// After the transcripts: what stood beside none of them was checked by nothing.
    pub(super) fn left_over(&mut self) {
        for path in std::mem::take(&mut self.authorities_met) {
            if !self.used.contains(&path) {
                let why = "authority records alone: no transcript stands beside them, and no \
                           bundle's manifest";
                self.unmarked(&path, why);
            }
        }
        for path in std::mem::take(&mut self.minutes_met) {
            if !self.used.contains(&path) {
                self.minutes_alone(&path);
            }
        }
    }

    /// Minutes without a transcript under their name: another may name them.
    fn minutes_alone(&mut self, path: &Path) {
        let digest = read_capped(path, most(cbor::LARGEST)).map(|bytes| tagged::sha256(&bytes));
        match digest {
            Ok(digest) if self.minutes_named.contains(&digest) => {
                let what = "the minutes are those that a transcript names";
                self.report.good(&name(path), what);
            }
            _ => self.unmarked(path, "minutes, and no transcript that names them is given"),
        }
    }
}

/// TRUE when a PDF of the station says in its title that it is minutes.
fn titled_minutes(path: &Path) -> bool {
    read_capped(path, most(cbor::LARGEST)).is_ok_and(|bytes| {
        bytes.starts_with(b"%PDF-")
            && bytes
                .windows(MINUTES_TITLE.len())
                .any(|at| at == MINUTES_TITLE)
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{backup_part, bundle_number, promised};

    #[test]
    fn names_promise_evidence_and_others_do_not() {
        for (name, what) in [
            ("CONCLAVE-0001-TEST", "bundle"),
            ("conclave-12-production", "bundle"),
            ("CONCLAVE-0001-TEST (1)", "bundle"),
            ("BACKUP-000123-TEST", "backup"),
            ("UPDATE-0.2.0", "software update"),
            ("PIN-B-0001-01-TEST", "output of a PIN batch"),
        ] {
            assert_eq!(promised(name).map(|(what, _)| what), Some(what), "{name}");
        }
        for name in [
            "CONCLAVE",
            "CONCLAVE-files",
            "BACKUP",
            "Backup-old",
            "PIN-LIST",
            "media",
            "é",
        ] {
            assert_eq!(promised(name), None, "{name}");
        }
        assert_eq!(bundle_number(Path::new("x/CONCLAVE-0012-TEST")), Some(12));
        assert_eq!(bundle_number(Path::new("CONCLAVE-TEST")), None);
        assert!(backup_part("records-0001.bin") && backup_part("journal-10000.bin"));
        assert!(!backup_part("records-1.bin") && !backup_part("records.bin"));
    }
}
