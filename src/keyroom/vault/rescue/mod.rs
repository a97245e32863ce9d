//! RESCUE: a repository in which something does not authenticate, read and
//! never written.
//!
//! It opens less than the same quorum opens on a sound repository: lists and
//! journal. Keys, signing keys and PUKs are looked through and closed again,
//! writer keys open nothing, and the station's key is not at hand. Whoever
//! damages a repository gains nothing by it. Who may log on stands in the
//! authority record, and the signed head vouches for the newest one: without
//! both nobody does.

mod survey;

use std::collections::BTreeMap;

use conclave_evidence::authority::AuthorityChain;
use conclave_evidence::journal::{
    Entry, EntryHeader, EntryKind, Head, RootEntry, SignedAnchor, entry_hash,
};
use conclave_evidence::locked::LockedRuns;
use conclave_evidence::{Hash, Id, cbor};

use super::compartment::Compartment;
use super::error::VaultError;
use super::layer::{InMemory, Layered};
use super::seal::Sealed;
use super::share::SealedShare;
use super::{Station, Surroundings, Vault, format, place};
use crate::ports::store::{Store, StoreError};

/// What stays open after it was looked through.
const SHOWN: [Compartment; 3] = [
    Compartment::Directory,
    Compartment::Catalogue,
    Compartment::Journal,
];

/// So many damaged places of one kind are named; the rest is counted.
const NAMED: usize = 1000;

/// A place that does not authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// What it says it is, where that can still be read.
    pub kind: String,
    /// Its id, or the place in the store.
    pub id: String,
    /// Why it is named here.
    pub why: String,
}

/// What the signed root says of a compartment's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootFit {
    /// They are what was signed, and the journal shows this root.
    Agrees,
    /// They are what was signed; the journal is damaged where it would say
    /// whether this is the newest root.
    Unconfirmed,
    /// They are not what was signed.
    Differs {
        /// How many records were signed for.
        signed: u64,
    },
    /// The root is well signed, and is not the one in the journal: an older
    /// one, or another's.
    NotNewest,
    /// The root does not verify.
    Broken(String),
}

/// A compartment, looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Which.
    pub compartment: Compartment,
    /// Why it could not be looked through.
    pub closed: Option<String>,
    /// Records that authenticate, by kind.
    pub good: BTreeMap<String, u64>,
    /// Records that do not, the first of them by name.
    pub bad: Vec<Damaged>,
    /// How many do not.
    pub bad_count: u64,
    /// What the root says.
    pub root: RootFit,
}

impl Survey {
    /// How many records authenticate.
    #[must_use]
    pub fn good_count(&self) -> u64 {
        self.good.values().sum()
    }

    /// TRUE when all of it is what was signed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let root = matches!(self.root, RootFit::Agrees | RootFit::Unconfirmed);
        self.closed.is_none() && self.bad_count == 0 && root
    }
}

/// The journal, looked through.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct JournalSurvey {
    /// Entries that are there, damaged or not.
    pub entries: u64,
    /// Entries from 0 on that form one chain.
    pub holds: u64,
    /// Entries that do not fit, by number, and why.
    pub damaged: Vec<(u64, String)>,
}

/// Everything that was found so far.
#[derive(Default)]
pub struct Rescue {
    journal: JournalSurvey,
    /// The roots that the journal shows, where it is whole from there on.
    roots: Option<BTreeMap<String, RootEntry>>,
    /// Shares, wrapped keys, anchors.
    other: Vec<Damaged>,
    surveys: BTreeMap<Compartment, Survey>,
    /// A card has seen more than this repository holds: nobody looks any more.
    older: Option<String>,
}

fn place_words(key: &[u8]) -> String {
    key.escape_ascii().to_string()
}

/// What a record says it is: from a damaged place, so at most a short word.
fn kind_words(kind: &str) -> String {
    let fits = |c: char| c.is_ascii_lowercase() || c == '-';
    match kind.len() <= 40 && !kind.is_empty() && kind.chars().all(fits) {
        true => kind.to_owned(),
        false => "record".into(),
    }
}

/// TRUE for what a rescue is there for: something is not what was written.
#[must_use]
pub fn is_damage(error: &VaultError) -> bool {
    matches!(
        error,
        VaultError::Authority(_)
            | VaultError::Journal(_)
            | VaultError::Forged { .. }
            | VaultError::Root(_)
            | VaultError::Malformed(_)
            | VaultError::Missing(_)
            | VaultError::Store(StoreError::Damaged(_))
    )
}

impl Vault {
    /// Opens a repository as [`Vault::open`] does. Where something does not
    /// verify, the error comes beside a vault that writes nothing: one that
    /// can be looked into, or one over nothing.
    ///
    /// # Errors
    /// What is no damage: a full disk, a failing medium, a newer format.
    pub fn open_or_freeze(
        mut store: Box<dyn Store>,
        world: Surroundings,
    ) -> Result<(Self, Option<VaultError>), VaultError> {
        // What a newer program has written is not even looked at.
        let known = format::bring_up(&mut *store, &format::STEPS);
        let mut vault = Self::over(store, world);
        match known.and_then(|()| vault.begin()) {
            Ok(()) => Ok((vault, None)),
            Err(error) if is_damage(&error) => {
                vault.freeze();
                Ok((vault, Some(error)))
            }
            Err(error) => Err(error),
        }
    }

    /// A vault over nothing, which takes nothing: the store below could not be
    /// opened.
    #[must_use]
    pub fn over_nothing(world: Surroundings) -> Self {
        let mut vault = Self::over(Box::new(InMemory::default()), world);
        vault.store.freeze();
        vault.rescue = Some(Rescue::default());
        vault
    }

    /// From now on nothing is written, and nobody is logged on. TRUE where a
    /// quorum can log on to look.
    pub fn freeze(&mut self) -> bool {
        self.lock();
        self.store.freeze();
        self.station = None;
        let mut rescue = Rescue::default();
        if let Ok(station) = self.look_at_what_is_public(&mut rescue) {
            self.station = Some(station);
        }
        self.rescue = Some(rescue);
        self.station.is_some()
    }

    /// Lets go of the store, whose files are about to be moved.
    pub fn release(&mut self) {
        self.lock();
        self.store = Layered::over(Box::new(InMemory::default()));
        self.store.freeze();
        self.station = None;
        self.fork = None;
        self.rescue = Some(Rescue::default());
    }

    /// Goes on over an empty store, after [`Vault::release`].
    ///
    /// # Errors
    /// [`VaultError::NotEmpty`] for a store that holds anything, or where the
    /// one before was not released.
    pub fn begin_anew(&mut self, store: Box<dyn Store>) -> Result<(), VaultError> {
        let released = self.rescue.is_some() && self.station.is_none();
        if !released || store.last(b"")?.is_some() {
            return Err(VaultError::NotEmpty);
        }
        self.store = Layered::over(store);
        self.rescue = None;
        self.begin()
    }

    /// TRUE while nothing is written any more.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.rescue.is_some()
    }

    /// A card has seen what this repository does not hold. No lock can be
    /// written; nobody logs on until the program ends.
    pub(crate) fn shut_rescue(&mut self, why: &str) {
        self.lock();
        if let Some(rescue) = &mut self.rescue {
            rescue.older.get_or_insert_with(|| why.to_owned());
        }
    }

    /// Why nobody logs on to this rescue any more.
    #[must_use]
    pub fn rescue_shut(&self) -> Option<&str> {
        self.rescue.as_ref()?.older.as_deref()
    }

    /// The journal, looked through; nothing outside of a rescue.
    #[must_use]
    pub fn journal_survey(&self) -> Option<&JournalSurvey> {
        self.rescue.as_ref().map(|rescue| &rescue.journal)
    }

    /// The compartments that were looked through.
    pub fn surveys(&self) -> impl Iterator<Item = &Survey> {
        self.rescue.iter().flat_map(|r| r.surveys.values())
    }

    /// Damaged places that are no records: shares, wrapped keys, anchors.
    pub fn damaged_places(&self) -> &[Damaged] {
        self.rescue.as_ref().map_or(&[], |rescue| &rescue.other)
    }

    /// The number of the first entry that is not read: where the chain breaks.
    pub(in crate::vault) fn read_up_to(&self) -> u64 {
        self.journal_survey().map_or(u64::MAX, |j| j.holds)
    }

    fn look_at_what_is_public(&self, rescue: &mut Rescue) -> Result<Station, VaultError> {
        let loaded = self.load_chain()?.ok_or(VaultError::Empty)?;
        let (chain, verified) = loaded;
        let head = self
            .load_head(&verified)?
            .ok_or_else(|| VaultError::Journal("its signed head is missing".into()))?;
        let links = self.look_at_journal(&head, rescue)?;
        self.look_at_forms(&verified, &mut rescue.other)?;
        if format::read(self.store.get(place::FORMAT)?).is_err() {
            rescue.other.push(Damaged {
                kind: "format".into(),
                id: place_words(place::FORMAT),
                why: "it is not of its form".into(),
            });
        }
        let mut locked = LockedRuns::default();
        let mut last_entry = Hash([0; 32]);
        for (header, hash) in links.values() {
            locked.push(header, *hash);
            last_entry = *hash;
        }
        Ok(Station {
            chain,
            record: verified.latest().clone(),
            authority: verified.latest_hash(),
            next_seq: rescue.journal.holds,
            last_entry,
            head: Some(head),
            locked,
        })
    }

    /// From the signed head back: each entry that is what the one after it
    /// names vouches for the one before. Gives the entries up to the first
    /// that does not fit.
    fn look_at_journal(
        &self,
        head: &Head,
        rescue: &mut Rescue,
    ) -> Result<BTreeMap<u64, (EntryHeader, Hash)>, VaultError> {
        let mut found: BTreeMap<u64, Option<(EntryHeader, Hash)>> = BTreeMap::new();
        let mut entries = 0;
        self.store.scan(place::JOURNAL, &mut |key, value| {
            entries += 1;
            let number = key.get(place::JOURNAL.len()..);
            let Some(seq) = number.and_then(|n| n.try_into().ok()) else {
                return true;
            };
            let seq = u64::from_be_bytes(seq);
            let entry = cbor::from_slice::<Entry>(value).ok().and_then(|entry| {
                let header = entry.open_header().ok().filter(|h| h.seq == seq)?;
                Some((header, entry_hash(&entry)))
            });
            found.insert(seq, entry);
            true
        })?;
        let mut damaged = Vec::new();
        let mut expected = Some(head.entry);
        for seq in (0..=head.seq).rev() {
            let why = match found.get(&seq) {
                None => Some("it is missing"),
                Some(None) => Some("it is not of its form"),
                Some(Some((_, hash))) if expected.is_some_and(|e| e != *hash) => {
                    Some("it is not what was signed for at its place")
                }
                Some(Some((header, _))) => {
                    if damaged.is_empty() && rescue.roots.is_none() {
                        rescue.roots = header.roots.clone().map(|roots| {
                            let named = roots.into_iter().map(|r| (r.compartment.clone(), r));
                            named.collect()
                        });
                    }
                    None
                }
            };
            damaged.extend(why.map(|why| (seq, why.to_owned())));
            // Also what does not fit says which one it followed: damage is
            // seldom in that very place.
            let entry = found.get(&seq).and_then(Option::as_ref);
            expected = entry.map(|(header, _)| header.previous);
        }
        damaged.reverse();
        // What was made while locked follows the head.
        let mut previous = head.entry;
        for (seq, entry) in found.range(head.seq.saturating_add(1)..) {
            let fits = entry.as_ref().filter(|(header, _)| {
                header.previous == previous
                    && header.kind == EntryKind::Locked
                    && header.roots.is_none()
            });
            match fits {
                Some((_, hash)) => previous = *hash,
                None => {
                    let why = "it does not continue the entry before it, or is not LOCKED";
                    damaged.push((*seq, why.to_owned()));
                    break;
                }
            }
        }
        let last = found.keys().next_back().map_or(0, |seq| seq + 1);
        let holds = damaged.first().map_or(last, |(seq, _)| *seq);
        damaged.truncate(NAMED);
        rescue.journal = JournalSurvey {
            entries,
            holds,
            damaged,
        };
        found.retain(|seq, _| *seq < holds);
        let whole = found.into_iter();
        Ok(whole
            .filter_map(|(seq, entry)| Some((seq, entry?)))
            .collect())
    }

    /// What nobody has to be logged on for: are shares of their form, and the
    /// cards' anchors signed.
    fn look_at_forms(
        &self,
        chain: &AuthorityChain,
        other: &mut Vec<Damaged>,
    ) -> Result<(), VaultError> {
        let mut look = |prefix: &[u8], kind: &str, well: &dyn Fn(&[u8], &[u8]) -> bool| {
            self.store.scan(prefix, &mut |key, value| {
                if !well(key, value) && other.len() < NAMED {
                    other.push(Damaged {
                        kind: kind.into(),
                        id: place_words(key),
                        why: "it is not of its form, or not signed".into(),
                    });
                }
                true
            })
        };
        // Whether a share opens only its card can tell.
        look(b"s/", "share", &|_, value| {
            cbor::from_slice::<SealedShare>(value).is_ok()
        })?;
        look(place::ANCHOR, "anchor", &|key, value| {
            let Ok(anchor) = cbor::from_slice::<SignedAnchor>(value) else {
                return false;
            };
            let card = anchor.anchor.card;
            // Also of a card that has left since.
            let keys = chain.records().iter().filter_map(|(_, r)| r.card(card));
            let mut signed = keys.map(|entry| &entry.auth_key_9a);
            key == place::anchor(card) && signed.any(|k| anchor.verify(k).is_ok())
        })?;
        Ok(())
    }
}

/// What stands in clear at a record's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// In which compartment.
    pub compartment: Compartment,
    /// Its id.
    pub id: Id,
    /// What it says it is.
    pub kind: String,
    /// Its version, as it says.
    pub version: u64,
}

/// The clear header of the record at a place of the store; nothing where it is
/// no record, or says something else than its place.
#[must_use]
pub fn record_header(key: &[u8], value: &[u8]) -> Option<RecordHeader> {
    let sealed = Sealed::from_bytes(value).ok()?;
    let binding = sealed.binding;
    (place::record(binding.compartment, binding.id) == key).then(|| RecordHeader {
        compartment: binding.compartment,
        id: binding.id,
        kind: kind_words(&binding.kind),
        version: binding.version,
    })
}
