//! What is given together must agree.

use std::collections::{BTreeMap, BTreeSet};

use super::bundle::Bundle;
use super::{Journal, Work};
use crate::authority::AuthorityChain;
use crate::error::EvidenceError;
use crate::export::CheckedJournal;
use crate::ids::{Hash, Id};
use crate::journal::EntryKind;
use crate::transcript::Transcript;

impl Work {
    pub(super) fn agree(&mut self) {
        self.journals_agree();
        self.bundles_differ();
        for bundle in std::mem::take(&mut self.bundles) {
            if !self.journals.is_empty() {
                let known = self.in_a_journal(bundle.manifest.station, |journal| {
                    in_journal(&bundle, journal)
                });
                let what = "the journal knows it: chain, PROPOSED, commitment and INTENT agree";
                let result = known.unwrap_or_else(|| {
                    Err(EvidenceError::broken(
                        "manifest",
                        "no journal that holds is of its station",
                    ))
                });
                self.report.check(&bundle.place, what, result);
            }
            self.bundles.push(bundle);
        }
    }

    /// The longest journal of a station.
    pub(super) fn journal_of(&self, station: Id) -> Option<&Journal> {
        self.journals
            .iter()
            .filter(|journal| journal.checked.head.station == station)
            .max_by_key(|journal| journal.checked.head.seq)
    }

    /// Whether the longest journal of a station knows something. What was done until a
    /// restore gave a journal up stands in that one alone; that two journals part nowhere
    /// else is looked at by itself.
    fn in_a_journal(
        &self,
        station: Id,
        known: impl Fn(&CheckedJournal) -> Result<(), EvidenceError>,
    ) -> Option<Result<(), EvidenceError>> {
        let longest = self.journal_of(station)?;
        let mut all = self.journals.iter().map(|journal| &journal.checked);
        let of = |journal: &&CheckedJournal| journal.head.station == station;
        Some(known(&longest.checked).or_else(|why| {
            match all.any(|journal| of(&journal) && known(journal).is_ok()) {
                true => Ok(()),
                false => Err(why),
            }
        }))
    }

    /// Of two journals of a station, one continues the other.
    fn journals_agree(&mut self) {
        let mut results = Vec::new();
        for (at, one) in self.journals.iter().enumerate() {
            for other in self.journals.iter().skip(at + 1) {
                if one.checked.head.station != other.checked.head.station {
                    continue;
                }
                let last = one.checked.head.seq.min(other.checked.head.seq);
                let same = one.checked.hash_at(last) == other.checked.hash_at(last);
                let given_up = lost_range(&one.checked, &other.checked)
                    .or_else(|| lost_range(&other.checked, &one.checked));
                let mut what = format!("agrees with {}", one.place);
                let result = match given_up {
                    _ if same => Ok(()),
                    Some(first) => {
                        what = format!(
                            "it and {} part at entry {first}: a restore gave one of them up",
                            one.place
                        );
                        Ok(())
                    }
                    None => Err(EvidenceError::broken(
                        format!("journal entry {last}"),
                        format!("it differs from the one in {}", one.place),
                    )),
                };
                results.push((other.place.clone(), what, result));
            }
        }
        for (place, what, result) in results {
            self.report.check(&place, what, result);
        }
    }

    /// A sequence number and an approved act are used once. The same bundle
    /// may be given twice.
    fn bundles_differ(&mut self) {
        let mut results = Vec::new();
        for (at, one) in self.bundles.iter().enumerate() {
            for other in self.bundles.iter().skip(at + 1) {
                let (a, b) = (&one.manifest, &other.manifest);
                if one.digest == other.digest || a.station != b.station {
                    continue;
                }
                let clash = if a.sequence == b.sequence {
                    Some(format!("its number {} is also that of", b.sequence))
                } else if a.proposed == b.proposed {
                    Some("its approvals were used for".into())
                } else {
                    None
                };
                if let Some(clash) = clash {
                    let error = EvidenceError::broken("manifest", format!("{clash} {}", one.place));
                    results.push((other.place.clone(), error));
                }
            }
        }
        let clashes = !results.is_empty();
        for (place, error) in results {
            self.report.bad(&place, error);
        }
        if self.bundles.len() > 1 && !clashes {
            let what = format!(
                "{} bundles, no number and no approval used twice",
                self.bundles.len()
            );
            self.report.good("all bundles", what);
            self.bundles_missing();
        }
    }

    /// Numbers between the given bundles that no given bundle has: an export
    /// that was interrupted uses its number up, and so does one that is kept
    /// back.
    fn bundles_missing(&mut self) {
        let mut numbers: BTreeMap<(Id, Id), BTreeSet<u64>> = BTreeMap::new();
        for bundle in &self.bundles {
            let m = &bundle.manifest;
            let of = numbers.entry((m.station, m.incarnation)).or_default();
            of.insert(m.sequence);
        }
        for of in numbers.values() {
            let gaps = of
                .iter()
                .zip(of.iter().skip(1))
                .filter(|(a, b)| *b - *a > 1);
            for (before, after) in gaps {
                let what = format!(
                    "between bundles {before} and {after} there are {} that are not given; \
                     the journal says what became of them",
                    after - before - 1
                );
                self.report.note("all bundles", what);
            }
        }
    }

    pub(super) fn transcript_in_journal(&mut self, place: &str, transcript: &Transcript) {
        if self.journals.is_empty() {
            return;
        }
        let known = self.in_a_journal(transcript.station, |journal| {
            lines_in_journal(transcript, journal)
        });
        let result = known.unwrap_or_else(|| {
            Err(EvidenceError::broken(
                "transcript",
                "no journal that holds is of its station",
            ))
        });
        self.report
            .check(place, "its lines are the journal's", result);
    }
}

fn lines_in_journal(
    transcript: &Transcript,
    journal: &CheckedJournal,
) -> Result<(), EvidenceError> {
    for line in &transcript.lines {
        if journal.hash_at(line.seq) != Some(line.entry) {
            return Err(EvidenceError::broken(
                format!("transcript, journal entry {}", line.seq),
                "the journal has another one",
            ));
        }
    }
    if let Some(line) = transcript.closed() {
        let mut entries = journal.entries.iter().map(|(header, _)| header);
        let told = entries.find(|header| header.seq == line.seq);
        if told.is_none_or(|h| h.action != line.step || h.kind.name() != line.result) {
            return Err(EvidenceError::broken(
                format!("transcript, journal entry {}", line.seq),
                "the journal does not say there that it was closed",
            ));
        }
    }
    if journal.chain.by_hash(&transcript.authority).is_none() {
        return Err(EvidenceError::broken(
            "transcript",
            "the journal does not know its authority record",
        ));
    }
    Ok(())
}

fn continues(longer: &AuthorityChain, shorter: &AuthorityChain) -> bool {
    let hashes = |chain: &AuthorityChain| -> Vec<Hash> {
        chain.records().iter().map(|(hash, _)| *hash).collect()
    };
    hashes(longer).starts_with(&hashes(shorter))
}

fn in_journal(bundle: &Bundle, journal: &CheckedJournal) -> Result<(), EvidenceError> {
    let manifest = &bundle.manifest;
    let broken = |reason: &str| EvidenceError::broken("manifest", reason);
    if !continues(&journal.chain, &bundle.chain) {
        return Err(broken(
            "the authority chain of its bundle is not the journal's",
        ));
    }
    let proposed = journal
        .by_hash(&manifest.proposed)
        .ok_or_else(|| broken("its PROPOSED entry is not in the journal"))?;
    let place = format!("journal entry {}", proposed.seq);
    let action = manifest
        .action_digest()
        .map_err(EvidenceError::form("manifest, action"))?;
    if proposed.kind != EntryKind::Proposed
        || proposed.action != manifest.action_name
        || proposed.commitment != Some(action)
    {
        return Err(EvidenceError::broken(
            place,
            "it proposed something else than the manifest says",
        ));
    }
    let let_through = journal.entries.iter().any(|(header, _)| {
        header.act == proposed.act && header.kind == EntryKind::Intent && header.seq > proposed.seq
    });
    if !let_through {
        return Err(EvidenceError::broken(
            place,
            "it was proposed and never let through",
        ));
    }
    Ok(())
}

/// Where the older history was given up: the newer one has another incarnation,
/// which administrators signed, and tells of the restore after that place.
fn lost_range(old: &CheckedJournal, new: &CheckedJournal) -> Option<u64> {
    let before = old.head.incarnation;
    let mut records = new.chain.records().iter();
    if new.head.incarnation == before || !records.any(|(_, r)| r.incarnation == before) {
        return None;
    }
    let first = (0..)
        .zip(old.entries.iter().zip(&new.entries))
        .find_map(|(seq, ((_, a), (_, b)))| (a != b).then_some(seq))?;
    let restored = new.entries.iter().any(|(entry, _)| {
        entry.seq >= first && entry.kind == EntryKind::Outcome && entry.action == "restore"
    });
    restored.then_some(first)
}
