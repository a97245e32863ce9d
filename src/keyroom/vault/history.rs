//! The journal as the vault reads it: the chain before logon, bodies for those
//! who may open them, anchors on cards.

use std::collections::BTreeMap;

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::primitive::hpke;
use conclave_crypto::secret::Secret;
use conclave_evidence::approval::SignedApproval;
use conclave_evidence::authority::{AuthorityChain, AuthorityRecord, CardEntry, SignedAuthority};
use conclave_evidence::journal::{
    Anchor, Entry, EntryHeader, EntryKind, Head, RootEntry, SignedAnchor, SignedHead, entry_hash,
};
use conclave_evidence::locked::{LockedRun, LockedRuns};
use conclave_evidence::{Bytes, Hash, Id, Point, cbor, sign};
use serde::{Deserialize, Serialize};

use super::compartment::Compartment;
use super::error::VaultError;
use super::{Station, Vault, genesis, place};
use crate::ports::store::Store;

/// The sealed part of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EntryBody {
    /// What happened, in the words that screens, minutes and auditors see.
    pub words: Vec<String>,
    /// The people it concerns, by name.
    pub people: Vec<String>,
    /// Proposals: the nonce that blinds the commitment.
    pub nonce: Option<Id>,
    /// Proposals: the action, encoded.
    pub params: Option<Bytes>,
    /// Intents: the approvals that let it through.
    pub approvals: Vec<SignedApproval>,
}

/// An entry with its body opened.
#[derive(Clone, Debug)]
pub struct OpenEntry {
    /// Its hash in the chain.
    pub hash: Hash,
    /// The clear header.
    pub header: EntryHeader,
    /// The body, where this session may open it.
    pub body: Option<EntryBody>,
}

/// An act whose intent is on disk and whose outcome is not: nobody knows what
/// left the station. A person decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIntent {
    /// The act.
    pub act: Id,
    /// The action's name.
    pub action: String,
    /// Its number in the journal.
    pub seq: u64,
}

pub(super) fn body_info(station: Id) -> Result<Vec<u8>, VaultError> {
    cbor::to_vec(&("conclave/entry-body/1", station))
        .map_err(|_| VaultError::Malformed("entry body"))
}

pub(super) fn root_digest(root: &RootEntry) -> Result<Hash, VaultError> {
    cbor::digest(
        "conclave/root/1",
        &(&root.compartment, root.epoch, root.count, root.mac),
    )
    .map_err(|_| VaultError::Malformed("root"))
}

/// Checks a root's signature against the writer key that the authority record
/// pins.
pub(super) fn check_root(
    record: &AuthorityRecord,
    compartment: Compartment,
    root: &RootEntry,
) -> Result<(), VaultError> {
    let wrong = || VaultError::Root(compartment);
    let writer = record.writer(compartment.name()).ok_or_else(wrong)?;
    if root.compartment != compartment.name() || root.epoch != writer.epoch {
        return Err(wrong());
    }
    sign::verify_p256(&writer.key, &root_digest(root)?, &root.signature).map_err(|_| wrong())
}

impl Vault {
    /// The authority records from genesis on, verified; nothing where the
    /// repository is empty.
    pub(super) fn load_chain(
        &self,
    ) -> Result<Option<(Vec<SignedAuthority>, AuthorityChain)>, VaultError> {
        let mut chain: Vec<SignedAuthority> = Vec::new();
        let mut failed = None;
        let mut seq = 0u64;
        self.store.scan(place::AUTHORITY, &mut |key, value| {
            match cbor::from_slice(value) {
                Ok(signed) if key == place::authority(seq) => chain.push(signed),
                Ok(_) => failed = Some(VaultError::Authority(format!("record {seq} is missing"))),
                Err(_) => failed = Some(VaultError::Malformed("authority record")),
            }
            seq += 1;
            failed.is_none()
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if chain.is_empty() {
            // Anything without an authority record is no empty repository: a
            // station founded over what is left of another would not add up.
            return match self.store.last(b"")? {
                None => Ok(None),
                Some(_) => Err(VaultError::Authority("it is missing".into())),
            };
        }
        let verified =
            AuthorityChain::verify(&chain).map_err(|e| VaultError::Authority(e.to_string()))?;
        Ok(Some((chain, verified)))
    }

    pub(super) fn load_station(&self) -> Result<Option<Station>, VaultError> {
        let Some((chain, verified)) = self.load_chain()? else {
            return Ok(None);
        };
        let record = verified.latest().clone();
        let authority = verified.latest_hash();

        let mut next_seq = 0u64;
        let mut last_entry = Hash([0; 32]);
        let mut head_matches = None;
        let mut locked = LockedRuns::default();
        let mut last_roots: Option<Vec<RootEntry>> = None;
        let head = self.load_head(&verified)?;
        let mut failed = None;
        self.store.scan(place::JOURNAL, &mut |key, value| {
            let step = (|| {
                let entry: Entry =
                    cbor::from_slice(value).map_err(|_| at(next_seq, "is not of its form"))?;
                let header = entry
                    .open_header()
                    .map_err(|_| at(next_seq, "has a header that is not of its form"))?;
                if key != place::entry(next_seq) || header.seq != next_seq {
                    return Err(at(next_seq, "is missing or out of order"));
                }
                if header.previous != last_entry {
                    return Err(at(next_seq, "does not continue the entry before it"));
                }
                let after_head = head.as_ref().is_some_and(|h| next_seq > h.seq);
                // What is not under a signed head can be written by whoever
                // has the disk: it must not speak for the records. Old roots
                // are well signed, and would let old records back in.
                if after_head && (header.kind != EntryKind::Locked || header.roots.is_some()) {
                    return Err(at(next_seq, "stands after the last signed head"));
                }
                last_entry = entry_hash(&entry);
                if head.as_ref().is_some_and(|h| h.seq == next_seq) {
                    head_matches = Some(head.as_ref().is_some_and(|h| h.entry == last_entry));
                }
                locked.push(&header, last_entry);
                if header.roots.is_some() {
                    last_roots = header.roots;
                }
                next_seq += 1;
                Ok(())
            })();
            failed = step.err();
            failed.is_none()
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        match (&head, head_matches) {
            (None, _) => return Err(VaultError::Journal("its signed head is missing".into())),
            (Some(_), Some(true)) => {}
            (Some(h), Some(false)) => return Err(at(h.seq, "differs from the signed head")),
            (Some(h), None) => return Err(at(h.seq, "is missing, but the signed head names it")),
        }
        let station = Station {
            chain,
            record,
            authority,
            next_seq,
            last_entry,
            head,
            locked,
        };
        self.check_last_roots(&station.record, last_roots)?;
        Ok(Some(station))
    }

    pub(super) fn load_head(&self, chain: &AuthorityChain) -> Result<Option<Head>, VaultError> {
        let Some(bytes) = self.store.get(place::HEAD)? else {
            return Ok(None);
        };
        let signed: SignedHead =
            cbor::from_slice(&bytes).map_err(|_| VaultError::Malformed("head"))?;
        let head = signed
            .verify(&chain.latest().station_key)
            .map_err(|_| VaultError::Journal("the head's signature is wrong".into()))?;
        let record = chain.latest();
        if head.station != record.station || head.incarnation != record.incarnation {
            return Err(VaultError::Journal("the head is another station's".into()));
        }
        // A record that was taken off the end of the chain: a revocation, say.
        if chain.by_hash(&head.authority).is_none() {
            return Err(VaultError::Authority(
                "the head was signed under a record that is missing".into(),
            ));
        }
        Ok(Some(head))
    }

    /// The compartments' roots agree with the last record-changing entry.
    fn check_last_roots(
        &self,
        record: &AuthorityRecord,
        last: Option<Vec<RootEntry>>,
    ) -> Result<(), VaultError> {
        let expected: BTreeMap<String, RootEntry> = last
            .ok_or_else(|| VaultError::Journal("no entry shows the records' roots".into()))?
            .into_iter()
            .map(|root| (root.compartment.clone(), root))
            .collect();
        for compartment in Compartment::of(record) {
            let bytes = self
                .store
                .get(&place::compartment(compartment))?
                .ok_or(VaultError::Root(compartment))?;
            let state: super::CompartmentState =
                cbor::from_slice(&bytes).map_err(|_| VaultError::Malformed("compartment"))?;
            check_root(record, compartment, &state.root)?;
            if expected.get(compartment.name()) != Some(&state.root) {
                return Err(VaultError::Root(compartment));
            }
        }
        Ok(())
    }

    /// The number of the newest entry, and its hash.
    ///
    /// # Errors
    /// [`VaultError::Empty`]
    pub fn newest(&self) -> Result<(u64, Hash), VaultError> {
        let station = self.station()?;
        Ok((station.next_seq.saturating_sub(1), station.last_entry))
    }

    /// An entry's clear header and its hash.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::Malformed`]
    pub fn header_at(&self, seq: u64) -> Result<(EntryHeader, Hash), VaultError> {
        let bytes = self
            .store
            .get(&place::entry(seq))?
            .ok_or(VaultError::Missing("journal entry"))?;
        let entry: Entry = cbor::from_slice(&bytes).map_err(|_| VaultError::Malformed("entry"))?;
        let header = entry
            .open_header()
            .map_err(|_| VaultError::Malformed("entry"))?;
        let hash = entry_hash(&entry);
        Ok((header, hash))
    }

    /// When the newest entry under a signed head was written, wall clock.
    ///
    /// # Errors
    /// [`VaultError::Empty`]
    pub fn newest_wall_ms(&self) -> Result<u64, VaultError> {
        Ok(self.head()?.map_or(0, |head| head.wall_ms))
    }

    /// The header of the entry that has this number and this hash, if it
    /// stands in the journal.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn ancestor(&self, seq: u64, hash: Hash) -> Result<Option<EntryHeader>, VaultError> {
        let Some(bytes) = self.store.get(&place::entry(seq))? else {
            return Ok(None);
        };
        let malformed = || VaultError::Malformed("entry");
        let entry: Entry = cbor::from_slice(&bytes).map_err(|_| malformed())?;
        if entry_hash(&entry) != hash {
            return Ok(None);
        }
        entry.open_header().map(Some).map_err(|_| malformed())
    }

    /// TRUE when an intent has used this proposal up. The mark of the nonce
    /// stands in clear and could be taken away; the journal's intent cannot.
    ///
    /// # Errors
    /// [`VaultError::Store`], [`VaultError::Malformed`]
    pub fn proposal_used(&self, nonce: Id, act: Id, seq: u64) -> Result<bool, VaultError> {
        if self.store.get(&place::nonce(nonce))?.is_some() {
            return Ok(true);
        }
        for entry in self.entries(seq)? {
            let header = entry
                .open_header()
                .map_err(|_| VaultError::Malformed("entry"))?;
            if header.act == act && header.kind == EntryKind::Intent {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Uses a proposal's nonce up, in the intent's batch.
    pub(crate) fn use_nonce(nonce: Id, batch: &mut super::Batch) {
        batch.write(crate::ports::store::Write::Put(
            place::nonce(nonce),
            Vec::new(),
        ));
    }

    /// The newest head that the station key signed.
    ///
    /// # Errors
    /// [`VaultError::Empty`]
    pub fn head(&self) -> Result<Option<&Head>, VaultError> {
        Ok(self.station()?.head.as_ref())
    }

    /// The newest head with its signature, for an export.
    ///
    /// # Errors
    /// [`VaultError::Empty`], [`VaultError::Missing`]
    pub fn signed_head(&self) -> Result<SignedHead, VaultError> {
        self.station()?;
        let bytes = self
            .store
            .get(place::HEAD)?
            .ok_or(VaultError::Missing("head"))?;
        cbor::from_slice(&bytes).map_err(|_| VaultError::Malformed("head"))
    }

    /// The headers of all entries, in their order.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn headers(&self) -> Result<Vec<EntryHeader>, VaultError> {
        let entries = self.entries(0)?;
        let open = |entry: &Entry| entry.open_header();
        let headers: Result<Vec<_>, _> = entries.iter().map(open).collect();
        headers.map_err(|_| VaultError::Malformed("entry"))
    }

    /// The sealed entries from `first` on.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn entries(&self, first: u64) -> Result<Vec<Entry>, VaultError> {
        let mut entries = Vec::new();
        let mut failed = false;
        // In a rescue, as far as the chain holds.
        let end = place::entry(self.read_up_to());
        self.store.scan(place::JOURNAL, &mut |key, value| {
            if key >= end.as_slice() {
                return false;
            }
            if key >= place::entry(first).as_slice() {
                match cbor::from_slice(value) {
                    Ok(entry) => entries.push(entry),
                    Err(_) => failed = true,
                }
            }
            !failed
        })?;
        if failed {
            return Err(VaultError::Malformed("entry"));
        }
        Ok(entries)
    }

    /// The entries from `first` on, opened where the journal's key is at hand.
    ///
    /// # Errors
    /// [`VaultError::Malformed`], [`VaultError::Journal`] when a body does not
    /// authenticate.
    pub fn read_journal(&self, first: u64) -> Result<Vec<OpenEntry>, VaultError> {
        self.read_journal_where(first, &|_| true)
    }

    /// As [`Vault::read_journal`], of the entries alone whose header is wanted: to open
    /// one costs as much as to read hundreds.
    ///
    /// # Errors
    /// See [`Vault::read_journal`].
    pub fn read_journal_where(
        &self,
        first: u64,
        wanted: &dyn Fn(&EntryHeader) -> bool,
    ) -> Result<Vec<OpenEntry>, VaultError> {
        let record = self.authority()?;
        let key = match self.get_secret(Compartment::Journal, genesis::JOURNAL_KEY) {
            Ok(key) => Some(key),
            Err(VaultError::Closed(_)) => None,
            Err(error) => return Err(error),
        };
        let info = body_info(record.station)?;
        let mut opened = Vec::new();
        for entry in self.entries(first)? {
            let header = entry
                .open_header()
                .map_err(|_| VaultError::Malformed("entry"))?;
            if !wanted(&header) {
                continue;
            }
            let body = match &key {
                Some(key) => match open_body(key, &record.journal_key, &info, &header, &entry) {
                    // Whoever has the disk can append one. It must not keep
                    // the auditors from all the others.
                    Err(_) if header.kind == EntryKind::Locked => Some(EntryBody {
                        words: vec![FORGED_WHILE_LOCKED.into()],
                        ..EntryBody::default()
                    }),
                    body => Some(body?),
                },
                None => None,
            };
            opened.push(OpenEntry {
                hash: entry_hash(&entry),
                header,
                body,
            });
        }
        Ok(opened)
    }

    /// Acts whose intent has no outcome: shown as UNKNOWN.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn open_intents(&self) -> Result<Vec<OpenIntent>, VaultError> {
        let mut open: BTreeMap<Id, OpenIntent> = BTreeMap::new();
        for entry in self.entries(0)? {
            let header = entry
                .open_header()
                .map_err(|_| VaultError::Malformed("entry"))?;
            match header.kind {
                EntryKind::Intent => {
                    open.insert(
                        header.act,
                        OpenIntent {
                            act: header.act,
                            action: header.action,
                            seq: header.seq,
                        },
                    );
                }
                EntryKind::Outcome | EntryKind::Failed => {
                    open.remove(&header.act);
                }
                _ => {}
            }
        }
        Ok(open.into_values().collect())
    }

    /// LOCKED entries that nobody vouches for: their run ended before anybody
    /// logged on, and no quorum has adopted them.
    #[must_use]
    pub fn unauthenticated(&self) -> Vec<LockedRun> {
        let running = Some(self.world.boot);
        let station = self.station.as_ref();
        station.map_or_else(Vec::new, |s| s.locked.unauthenticated(running))
    }

    /// The anchor for a card to sign: the newest signed head.
    ///
    /// # Errors
    /// [`VaultError::Missing`] before the first head.
    pub fn anchor_for(&self, card: Id) -> Result<Anchor, VaultError> {
        let head = self.head()?.ok_or(VaultError::Missing("head"))?;
        Ok(Anchor {
            head: head.clone(),
            card,
        })
    }

    /// Whether this repository holds the entry that an anchor names.
    pub(super) fn anchor_agrees(
        &self,
        card: &CardEntry,
        anchor: &SignedAnchor,
    ) -> Result<(), VaultError> {
        let station = self.station()?;
        let wrong = |why: &str| VaultError::Journal(why.into());
        let anchor = anchor
            .verify(&card.auth_key_9a)
            .map_err(|_| wrong("the card's anchor is not signed by this card"))?;
        if anchor.card != card.card || anchor.head.station != station.record.station {
            return Err(wrong("the card's anchor is of another card or station"));
        }
        let known = AuthorityChain::verify(&station.chain)
            .map_err(|e| VaultError::Authority(e.to_string()))?;
        if known.by_hash(&anchor.head.authority).is_none() {
            return Err(wrong(
                "this card has seen an authority record that this repository does not hold",
            ));
        }
        let newest = station.head.as_ref().map_or(0, |h| h.seq);
        if anchor.head.seq > newest {
            return Err(wrong(
                "this card has seen a newer journal than this repository holds",
            ));
        }
        let bytes = self
            .store
            .get(&place::entry(anchor.head.seq))?
            .ok_or_else(|| wrong("the entry that the card has seen is missing"))?;
        let entry: Entry = cbor::from_slice(&bytes).map_err(|_| VaultError::Malformed("entry"))?;
        let hash = entry_hash(&entry);
        if hash != anchor.head.entry {
            return Err(wrong("the entry that the card has seen was altered"));
        }
        Ok(())
    }

    /// Keeps the newest anchor that a card signed, for the journal's export.
    ///
    /// # Errors
    /// [`VaultError::Store`]
    pub fn keep_anchor(&mut self, card: Id, anchor: &SignedAnchor) -> Result<(), VaultError> {
        let bytes = cbor::to_vec(anchor).map_err(|_| VaultError::Malformed("anchor"))?;
        self.write(&[crate::ports::store::Write::Put(place::anchor(card), bytes)])
    }

    /// TRUE when this card has written an anchor before: an empty one is then
    /// an alarm.
    ///
    /// # Errors
    /// [`VaultError::Store`]
    pub fn has_anchor(&self, card: Id) -> Result<bool, VaultError> {
        Ok(self.store.get(&place::anchor(card))?.is_some())
    }

    /// All anchors kept.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn anchors(&self) -> Result<Vec<SignedAnchor>, VaultError> {
        let mut anchors = Vec::new();
        let mut failed = false;
        self.store.scan(place::ANCHOR, &mut |key, value| {
            match cbor::from_slice::<SignedAnchor>(value) {
                Ok(anchor) if key == place::anchor(anchor.anchor.card) => anchors.push(anchor),
                // It is named among what is damaged.
                _ if self.is_frozen() => {}
                _ => failed = true,
            }
            !failed
        })?;
        if failed {
            return Err(VaultError::Malformed("anchor"));
        }
        Ok(anchors)
    }
}

/// What is shown for a LOCKED entry whose body does not open.
pub const FORGED_WHILE_LOCKED: &str = "this entry was written while the station was locked, and its content does not open: \
     it was damaged, or not written by this program";

fn at(seq: u64, why: &str) -> VaultError {
    VaultError::Journal(format!("entry {seq} {why}"))
}

fn open_body(
    key: &Secret,
    public: &Point,
    info: &[u8],
    header: &EntryHeader,
    entry: &Entry,
) -> Result<EntryBody, VaultError> {
    let pair = KeyPair::from_secret(key.duplicate())
        .map_err(|_| VaultError::Crypto("the journal's key"))?;
    let dh = |point: &[u8; 65]| pair.diffie_hellman(point);
    let plain = hpke::open_with(
        &entry.enc.0,
        &public.0,
        dh,
        info,
        &entry.header,
        &entry.sealed,
    )
    .map_err(|_| at(header.seq, "does not authenticate"))?;
    cbor::from_slice(plain.expose()).map_err(|_| VaultError::Malformed("entry body"))
}
