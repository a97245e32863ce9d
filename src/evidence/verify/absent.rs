//! What was not given: what a journal tells of and nobody handed over, and the files
//! that a search passed over.
//!
//! The words of an entry are sealed, and its kind, action, act and hash are not: so a
//! stranger counts the bundles that were written and the ceremonies that were opened,
//! and names by entry and time those that are missing, the newest too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Work, name};
use crate::export::CheckedJournal;
use crate::ids::{Hash, Id};
use crate::journal::{EntryHeader, EntryKind};
use crate::show::{clean, utc};
use crate::words::{in_fours, in_words};

/// The actions that write a bundle.
pub const BUNDLE_ACTIONS: [&str; 3] = ["export-keys", "export-key-store", "export-public"];

/// The action that opens a ceremony; the transcript of the ceremony names its entry.
const OPEN: &str = "open-ceremony";

/// So many that are missing are named; the others are counted.
const NAMED: usize = 20;

/// So many files of a folder that were passed over are named.
const FILES_NAMED: usize = 4;

/// An act of the journal that should have left something.
struct Left {
    /// Its number among those of its kind, from 1.
    number: usize,
    /// The entry that says so.
    seq: u64,
    /// Wall clock of that entry, milliseconds since 1970.
    wall_ms: u64,
    given: bool,
}

impl Left {
    fn words(&self, what: &str, of: usize) -> String {
        format!(
            "{what} {} of {of} is not given: journal entry {}, {}",
            self.number,
            self.seq,
            utc(self.wall_ms)
        )
    }
}

fn number(left: impl Iterator<Item = (u64, u64, bool)>) -> Vec<Left> {
    (1..)
        .zip(left)
        .map(|(number, (seq, wall_ms, given))| Left {
            number,
            seq,
            wall_ms,
            given,
        })
        .collect()
}

/// The bundles that were written and read back, in order.
fn bundles(journal: &CheckedJournal, given: &BTreeSet<Hash>) -> Vec<Left> {
    let mut proposed: BTreeMap<Id, Hash> = BTreeMap::new();
    let mut left = Vec::new();
    let ours = |header: &EntryHeader| BUNDLE_ACTIONS.contains(&header.action.as_str());
    for (header, hash) in journal.entries.iter().filter(|(header, _)| ours(header)) {
        match header.kind {
            EntryKind::Proposed => {
                proposed.insert(header.act, *hash);
            }
            EntryKind::Outcome => {
                let here = proposed.get(&header.act).is_some_and(|p| given.contains(p));
                left.push((header.seq, header.wall_ms, here));
            }
            _ => {}
        }
    }
    number(left.into_iter())
}

/// The ceremonies that were opened, in order.
fn ceremonies(journal: &CheckedJournal, told: &BTreeSet<u64>) -> Vec<Left> {
    let opened = journal.entries.iter().map(|(header, _)| header);
    let opened = opened.filter(|h| h.kind == EntryKind::Outcome && h.action == OPEN);
    number(opened.map(|h| (h.seq, h.wall_ms, told.contains(&h.seq))))
}

impl Work {
    /// Of each station's longest journal: what it tells of and is not given.
    pub(super) fn absent(&mut self) {
        let stations: BTreeSet<Id> = self
            .journals
            .iter()
            .map(|journal| journal.checked.head.station)
            .collect();
        for station in &stations {
            let Some(journal) = self.journal_of(*station) else {
                continue;
            };
            let of_it = self.bundles.iter().map(|bundle| &bundle.manifest);
            let given = of_it.filter(|m| m.station == *station).map(|m| m.proposed);
            let bundles = bundles(&journal.checked, &given.collect());
            let told = self.transcribed.iter().filter(|(of, _)| of == station);
            let ceremonies = ceremonies(&journal.checked, &told.map(|(_, seq)| *seq).collect());
            let head = &journal.checked.head;
            let end = format!(
                "it ends with entry {}, {}: of what was done later nothing here tells. The \
                 station's journal screen shows its newest entry; this one's SHA-256 is {}, in \
                 words: {}",
                head.seq,
                utc(head.wall_ms),
                in_fours(&head.entry),
                in_words(&head.entry.0).join(" ")
            );
            let place = journal.place.clone();
            self.told(&place, "bundle", &bundles, "");
            let open = "; while a ceremony goes on it has no transcript";
            self.told(&place, "transcript of ceremony", &ceremonies, open);
            self.report.note(&place, end);
        }
        let without = |m: &crate::manifest::Manifest| !stations.contains(&m.station);
        if self.bundles.iter().any(|b| without(&b.manifest)) {
            let what = "no journal of their station is given, so that nothing here tells whether \
                        there are others, or newer ones";
            self.report.note("all bundles", what);
        }
    }

    fn told(&mut self, place: &str, what: &str, all: &[Left], but: &str) {
        let missing: Vec<&Left> = all.iter().filter(|left| !left.given).collect();
        let of = all.len();
        match (of, missing.len()) {
            (0, _) => {}
            (_, 0) => {
                let what = format!("each {what} that the journal tells of is given, {of}");
                self.report.good(place, what);
            }
            // Whoever gives the journal alone is not told of each.
            (_, none) if none == of => {
                let first = all.first().map(|left| left.seq).unwrap_or_default();
                let last = all.last().map(|left| left.seq).unwrap_or_default();
                let what = format!(
                    "the journal tells of {of}, and no {what} is given: entries {first} to \
                     {last}{but}"
                );
                self.report.still_to_do(place, what);
            }
            (_, some) => {
                for left in missing.iter().take(NAMED) {
                    let words = format!("{}{but}", left.words(what, of));
                    self.report.still_to_do(place, words);
                }
                if some > NAMED {
                    let words = format!("{what}: {} more are not given", some - NAMED);
                    self.report.still_to_do(place, words);
                }
            }
        }
    }

    /// A file that neither its mark nor its name calls evidence.
    pub(super) fn pass_over(&mut self, path: &Path) {
        let folder = path.parent().unwrap_or(Path::new("."));
        let (count, names) = self.passed.entry(folder.to_path_buf()).or_default();
        *count += 1;
        if names.len() < FILES_NAMED {
            let called = path.file_name().unwrap_or_default();
            names.push(clean(&called.to_string_lossy()));
        }
    }

    /// Says what was passed over, a line a folder: a bundle that lost its name and its
    /// marks lies among it.
    pub(super) fn passed_over(&mut self) {
        for (folder, (count, names)) in std::mem::take(&mut self.passed) {
            let more = match count - names.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let what = format!(
                "passed over, for neither mark nor name calls it evidence: {}{more}",
                names.join(", ")
            );
            self.report.note(&name(&folder), what);
        }
    }
}
