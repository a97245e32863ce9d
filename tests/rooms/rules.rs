//! The order of the rooms, and what may be named where.

use std::collections::{BTreeMap, BTreeSet};

use crate::references::{Reading, Reference, read};

/// One file under `src/`, its path relative to the repository.
#[derive(Debug, Clone)]
pub struct Source {
    pub path: String,
    pub text: String,
}

/// Crates from top to bottom; `root` is the program.
pub const CRATES: [&str; 7] = [
    "evidence", "crypto", "keyroom", "trades", "training", "station", "root",
];

/// The rooms of the crates that have several, a row for each step downwards.
/// Rooms in one row do not know of one another.
const ROOMS: [(&str, &[&[&str]]); 3] = [
    (
        "crypto",
        &[
            &["secret", "describe"],
            &["primitive"],
            &["cca", "keyblock", "x509", "card"],
            &["keystore", "pin"],
            &["emv"],
            &["known_answer"],
        ],
    ),
    (
        "keyroom",
        &[
            &["domain"],
            &["ports"],
            &["piv"],
            &["provider"],
            &["vault"],
            &["door"],
        ],
    ),
    (
        "trades",
        &[
            &["print"],
            &["ceremony"],
            &["media"],
            &["backup"],
            &["update"],
            &["inspect"],
            &["target"],
            &["keys"],
            &["pin"],
            &["emv"],
            &["cert"],
            &["atm"],
        ],
    ),
];

/// Two things that outgrew one file.
const MOST_LINES: usize = 700;

/// May `user` name `used`? The two crates at the top stand side by side.
pub fn crate_may_use(user: &str, used: &str) -> bool {
    let place = |name: &str| CRATES.iter().position(|c| *c == name);
    match (place(user), place(used)) {
        (Some(1), Some(0)) => false,
        (Some(user), Some(used)) => used <= user,
        _ => false,
    }
}

fn row(rooms: &[&[&str]], room: &str) -> Option<usize> {
    rooms.iter().position(|row| row.contains(&room))
}

fn room_may_use(rooms: &[&[&str]], user: &str, used: &str) -> bool {
    match (row(rooms, user), row(rooms, used)) {
        (Some(below), Some(above)) => above < below || user == used,
        _ => false,
    }
}

/// A file's crate and module path: `src/keyroom/piv/tlv.rs` is `keyroom`, `[piv, tlv]`.
fn place_of(path: &str) -> (String, Vec<String>) {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts: Vec<String> = inner.split('/').map(str::to_owned).collect();
    let krate = if parts.len() > 1 && CRATES[..6].contains(&parts[0].as_str()) {
        parts.remove(0)
    } else {
        "root".to_owned()
    };
    if parts
        .last()
        .is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main"))
    {
        parts.pop();
    }
    (krate, parts)
}

struct File<'a> {
    source: &'a Source,
    krate: String,
    module: Vec<String>,
    reading: Reading,
}

impl File<'_> {
    /// A reference's path from its own crate's root, where it stays in its crate.
    fn local(&self, reference: &Reference) -> Option<Vec<String>> {
        if reference.global {
            return None;
        }
        let mut base: Vec<String> = self
            .module
            .iter()
            .chain(&reference.inside)
            .cloned()
            .collect();
        let mut rest = reference.path.as_slice();
        match rest.first().map(String::as_str) {
            Some("crate") => {
                base.clear();
                rest = &rest[1..];
            }
            Some("self" | "super") => {
                while let Some(step @ ("self" | "super")) = rest.first().map(String::as_str) {
                    if step == "super" {
                        base.pop();
                    }
                    rest = &rest[1..];
                }
            }
            _ => return None,
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// The outside crate that a reference names, unless a module of that name is meant.
    fn outside<'r>(&self, reference: &'r Reference) -> Option<&'r str> {
        let head = reference.path.first()?.as_str();
        let own_module = self.reading.modules.iter().any(|(name, _)| name == head);
        (reference.global || !own_module).then_some(head)
    }

    fn names(&self, krate: &str) -> bool {
        self.reading
            .references
            .iter()
            .any(|r| self.outside(r) == Some(krate))
    }

    fn at(&self, reference: &Reference) -> String {
        format!("{}:{}", self.source.path, reference.line)
    }
}

/// Files that exist in tests only: `#[cfg(test)] mod x;` in another file says so.
fn test_modules(files: &[File]) -> BTreeSet<(String, Vec<String>)> {
    let mut found = BTreeSet::new();
    for file in files {
        for (name, _) in file.reading.modules.iter().filter(|(_, in_test)| *in_test) {
            let mut module = file.module.clone();
            module.push(name.clone());
            found.insert((file.krate.clone(), module));
        }
    }
    found
}

/// Everything that stands where it must not, one line each.
pub fn violations(sources: &[Source]) -> Vec<String> {
    let files: Vec<File> = sources
        .iter()
        .map(|source| {
            let (krate, module) = place_of(&source.path);
            File {
                source,
                krate,
                module,
                reading: read(&source.text),
            }
        })
        .collect();
    let mut found = Vec::new();
    order(&files, &mut found);
    clock_and_chance(&files, &mut found);
    ways_out(&files, &mut found);
    single_doors(&files, &mut found);
    shape(&files, &mut found);
    found
}

/// Crates use crates above them, rooms use rooms above them. Code that exists in
/// tests only is free to look down.
fn order(files: &[File], found: &mut Vec<String>) {
    let for_tests = test_modules(files);
    let mut reexports: BTreeMap<(&str, String), String> = BTreeMap::new();
    for file in files.iter().filter(|f| f.module.is_empty()) {
        for reference in &file.reading.references {
            let path = file
                .local(reference)
                .unwrap_or_else(|| reference.path.clone());
            if let [room, .., name] = path.as_slice() {
                reexports.insert((&file.krate, name.clone()), room.clone());
            }
        }
    }
    for file in files {
        let only_tests = (1..=file.module.len())
            .any(|end| for_tests.contains(&(file.krate.clone(), file.module[..end].to_vec())));
        let rooms = ROOMS
            .iter()
            .find(|(krate, _)| *krate == file.krate)
            .map(|(_, rooms)| *rooms);
        let own = file.module.first().map(String::as_str);
        if let (Some(rooms), Some(own)) = (rooms, own)
            && !only_tests
            && row(rooms, own).is_none()
        {
            found.push(format!(
                "{}: `{own}` is no room of `{}`",
                file.source.path, file.krate
            ));
            continue;
        }
        for reference in file
            .reading
            .references
            .iter()
            .filter(|r| !r.in_test && !only_tests)
        {
            if let Some(used) = file
                .outside(reference)
                .and_then(|h| h.strip_prefix("conclave_"))
                && !crate_may_use(&file.krate, used)
            {
                found.push(format!(
                    "{}: `{}` stands above `{used}`, or beside it",
                    file.at(reference),
                    file.krate
                ));
            }
            let (Some(rooms), Some(own), Some(path)) = (rooms, own, file.local(reference)) else {
                continue;
            };
            let Some(head) = path.first() else { continue };
            let used = match reexports.get(&(&file.krate, head.clone())) {
                Some(room) if row(rooms, head).is_none() => room,
                _ => head,
            };
            if used == "*" {
                found.push(format!("{}: a glob over all rooms", file.at(reference)));
            } else if row(rooms, used).is_some() && !room_may_use(rooms, own, used) {
                found.push(format!(
                    "{}: room `{own}` stands above `{used}`, or beside it",
                    file.at(reference)
                ));
            }
        }
    }
}

/// Time and randomness come in through the ports; the composition alone asks for them.
fn clock_and_chance(files: &[File], found: &mut Vec<String>) {
    for file in files {
        let path = &file.source.path;
        if path.starts_with("src/station/host") || path.starts_with("src/station/compose") {
            continue;
        }
        for reference in &file.reading.references {
            let now = reference.path.windows(2).any(|pair| {
                matches!(pair[0].as_str(), "SystemTime" | "Instant") && pair[1] == "now"
            });
            if now || reference.path.iter().any(|word| word == "getrandom") {
                found.push(format!(
                    "{}: `{}` outside of the station's composition",
                    file.at(reference),
                    reference.path.join("::")
                ));
            }
        }
    }
}

/// What says of a page that it has no secret, and what speaks to another program,
/// are each named where they belong.
fn ways_out(files: &[File], found: &mut Vec<String>) {
    const PAGES: &str = "src/trades/print/print_report.rs";
    const SOCKETS: &str = "src/station/host/ipp.rs";
    for file in files {
        let path = file.source.path.as_str();
        for reference in &file.reading.references {
            let page = reference
                .path
                .last()
                .is_some_and(|w| w == "without_secrets");
            let socket = reference.path.iter().any(|word| {
                matches!(
                    word.as_str(),
                    "TcpStream" | "TcpListener" | "UdpSocket" | "UnixDatagram"
                )
            });
            if page && path != PAGES || socket && path != SOCKETS {
                found.push(format!(
                    "{}: `{}` is not named here",
                    file.at(reference),
                    reference.path.join("::")
                ));
            }
        }
    }
}

/// Crates that one file hides from everything else: the store's engine, the readers.
pub const HIDDEN: [&str; 2] = ["sled", "pcsc"];

/// Does this file name that crate in its code?
pub fn names(source: &Source, krate: &str) -> bool {
    let (own, module) = place_of(&source.path);
    File {
        source,
        krate: own,
        module,
        reading: read(&source.text),
    }
    .names(krate)
}

fn single_doors(files: &[File], found: &mut Vec<String>) {
    for krate in HIDDEN {
        let namers: Vec<&str> = files
            .iter()
            .filter(|f| f.names(krate))
            .map(|f| f.source.path.as_str())
            .collect();
        if namers.len() > 1 {
            found.push(format!(
                "`{krate}` is named in more than one file: {}",
                namers.join(", ")
            ));
        }
    }
    for file in files {
        let path = &file.source.path;
        let draws = path.starts_with("src/tui/") || path == "src/main.rs";
        for krate in ["crossterm", "ratatui"] {
            if !draws && file.names(krate) {
                found.push(format!("{path}: `{krate}` belongs to src/tui"));
            }
        }
    }
}

/// Files stay readable, and every line knows its room by its name.
fn shape(files: &[File], found: &mut Vec<String>) {
    for file in files {
        let path = &file.source.path;
        let lines = file.source.text.lines().count();
        if lines > MOST_LINES {
            found.push(format!(
                "{path}: {lines} lines, more than {MOST_LINES}: it is two things"
            ));
        }
        let no_name = |name: &String| matches!(name.as_str(), "util" | "utils");
        let declared = file.reading.modules.iter().map(|(name, _)| name);
        if file.module.iter().chain(declared).any(no_name) {
            found.push(format!("{path}: `utils` is no room"));
        }
    }
}

/// What a crate's manifest asks for against the order. Dev-dependencies are free:
/// a test may look down.
pub fn manifest_violations(krate: &str, manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut ask = |name: &str| {
        if let Some(used) = name.strip_prefix("conclave-")
            && !crate_may_use(krate, used)
        {
            found.push(format!("{krate}'s manifest asks for `{name}`"));
        }
    };
    let mut counts = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_matches(['[', ']']);
            let (kind, name) = match header.rsplit_once("dependencies.") {
                Some((before, name)) => (format!("{before}dependencies"), Some(name)),
                None => (header.to_owned(), None),
            };
            counts = matches!(kind.as_str(), "dependencies" | "build-dependencies")
                || kind.starts_with("target.") && !kind.ends_with("dev-dependencies");
            if let Some(name) = name.filter(|_| counts) {
                ask(name);
            }
        } else if counts && !line.starts_with('#') {
            ask(line.split(['.', '=', ' ']).next().unwrap_or_default());
        }
    }
    found
}
