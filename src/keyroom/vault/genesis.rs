//! The first commit of a station: everything that later needs a quorum, made
//! at once while no quorum exists.
//!
//! Two steps, because the record that founds the station is signed by the
//! administrators whom it names: [`Vault::found`] makes everything in memory,
//! [`Vault::commit_founding`] writes it with their signatures in one batch.

use std::collections::BTreeMap;

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{
    AuthorityRecord, CardEntry, CardSignature, CardState, GroupEntry, MemberEntry, Mode,
    SignedAuthority, WriterEntry,
};
use conclave_evidence::locked::LockedRuns;
use conclave_evidence::{Bytes, GroupId, Hash, Id, Point, cbor};
use serde::Serialize;

use super::commit::{Batch, NewEntry};
use super::compartment::Compartment;
use super::error::VaultError;
use super::forms::Forms;
use super::kinds::Kinds;
use super::root::{RootKeys, Sum};
use super::share::{self, Member, SECRET_LEN};
use super::{Open, Records, Station, Vault, format, place, wrap};
use crate::domain::custodian_form::DutiesStamp;
use crate::domain::people::Person;
use crate::domain::staff::{Plan, Quorum, check_staff};
use crate::ports::store::{Store, Write};

/// Id of the station's signing key.
pub const STATION_KEY: Id = Id(*b"station-signing.");
/// Id of the key that opens journal entries.
pub const JOURNAL_KEY: Id = Id(*b"journal-opening.");
/// Id of the key that signs bundles.
pub const EXPORT_KEY: Id = Id(*b"bundle-signing..");
/// Id of the station CA's key.
pub const CA_KEY: Id = Id(*b"station-ca-key..");
/// Id of the station CA's certificate.
pub const CA_CERTIFICATE: Id = Id(*b"station-ca-cert.");
/// Id of the private key to which keys of the PIN room are sealed.
pub const PIN_ROOM_KEY: Id = Id(*b"pin-room-opening");
/// Kind of a record whose body is a private key that opens what is sealed to it.
pub const OPENING_KIND: &str = "opening-key";
/// Id of the public half of the PIN room's key, a point in `directory`.
pub const PIN_ROOM_PUBLIC: Id = Id(*b"pin-room-public.");
/// Kind of the record that holds the public half.
pub const PIN_ROOM_PUBLIC_KIND: &str = "pin-room-key";
/// Kind of the record that holds the station CA's certificate.
pub const CA_CERTIFICATE_KIND: &str = "ca-certificate";
/// How far a founding came after its first commit: recovery words and cards
/// have to open their shares, or cards alone.
const WORDS_LEFT: &[u8] = b"words";
const CARDS_LEFT: &[u8] = b"cards";

/// A card that answered, generated its keys, and is to be pinned.
pub struct NewCard {
    /// GUID of its CHUID.
    pub card: Id,
    /// Who holds it.
    pub person: Id,
    /// Public key of slot 9A.
    pub auth_key_9a: Point,
    /// Public key of slot 9C.
    pub sign_key_9c: Point,
    /// Public key of slot 9D.
    pub agree_key_9d: Point,
    /// The PUK it will get.
    pub puk: Secret,
    /// The management key it will get.
    pub management_key: Secret,
}

/// What the people decided, before anything is written.
pub struct Founding {
    /// The station's random id.
    pub station: Id,
    /// Its name.
    pub name: String,
    /// TEST or PRODUCTION, for ever.
    pub mode: Mode,
    /// m of each group.
    pub groups: BTreeMap<GroupId, u8>,
    /// The people.
    pub people: Vec<Person>,
    /// Their cards, one each; none for who holds recovery words and nothing else.
    pub cards: Vec<NewCard>,
    /// Recovery members with words in place of a card: what the record pins.
    pub words: Vec<CardEntry>,
    /// What is on record from the first commit on, besides all this.
    pub records: Vec<FoundingRecord>,
    /// The station CA's private key, which issued the cards' certificates.
    pub ca_key: Secret,
    /// The station CA's own certificate, in DER: without it nobody outside
    /// could check what the cards carry.
    pub ca_certificate: Vec<u8>,
    /// The text that custodians sign for (R16).
    pub duties: DutiesStamp,
}

/// A record of the directory that the founding brings: a device, a finding that
/// people took upon themselves. The administrators read it where they sign.
pub struct FoundingRecord {
    kind: &'static str,
    id: Id,
    body: Secret,
    words: String,
}

impl FoundingRecord {
    /// `words`: one line, for those who sign and for the journal.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn new<T: Serialize>(
        kind: &'static str,
        id: Id,
        record: &T,
        words: impl Into<String>,
    ) -> Result<Self, VaultError> {
        let mut bytes = cbor::to_vec(record).map_err(|_| VaultError::Malformed("record"))?;
        Ok(Self {
            kind,
            id,
            body: Secret::take(&mut bytes),
            words: words.into(),
        })
    }
}

/// A station that exists in memory only.
pub struct Founded {
    words: Vec<String>,
    record: AuthorityRecord,
    /// The custodians' forms, which management signs now and each custodian
    /// when their card is finished.
    pub forms: Forms,
    signed: SignedAuthority,
    groups: BTreeMap<GroupId, Secret>,
    open: BTreeMap<Compartment, Open>,
    station_key: Secret,
    batch: Batch,
}

impl Founded {
    /// What the administrators' cards sign (slot 9C).
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn digest(&self) -> Result<Hash, VaultError> {
        self.signed
            .digest()
            .map_err(|_| VaultError::Malformed("authority record"))
    }

    /// The record itself, to be shown and printed.
    #[must_use]
    pub fn record(&self) -> &AuthorityRecord {
        &self.record
    }

    /// What is on record with it, a line each.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Adds an administrator's signature.
    pub fn sign(&mut self, signature: CardSignature) {
        self.signed.signatures.push(signature);
    }
}

impl Vault {
    /// Makes a station in memory: group secrets, shares sealed to the cards,
    /// compartments, wraps, the station's keys, and the authority record.
    ///
    /// # Errors
    /// [`VaultError::NotEmpty`], [`VaultError::Random`], [`VaultError::Staff`],
    /// [`VaultError::Missing`] for a person without a card.
    pub fn found(&mut self, founding: Founding) -> Result<Founded, VaultError> {
        if !self.is_empty() {
            return Err(VaultError::NotEmpty);
        }
        let plan: Plan = founding
            .groups
            .iter()
            .map(|(&group, &m)| {
                let members = founding.people.iter().filter(|p| p.roles.contains(&group));
                let n = u8::try_from(members.count()).unwrap_or(u8::MAX);
                (group, Quorum { m, n })
            })
            .collect();
        check_staff(&plan, &founding.people)?;
        let mut batch = Batch::with_all_roots();
        let mut groups = BTreeMap::new();
        let mut entries = Vec::new();
        for (&group, &m) in &founding.groups {
            entries.push(self.found_group(&founding, group, m, &mut groups, &mut batch)?);
        }
        let station_key = self.new_key()?;
        let export_key = self.new_key()?;
        let journal_key = self.new_key()?;
        let public = |key: &Secret| {
            KeyPair::from_secret(key.duplicate())
                .map(|pair| Point(*pair.public()))
                .map_err(|_| VaultError::Crypto("key pair"))
        };
        let mut open = BTreeMap::new();
        let mut writers = Vec::new();
        let pin_room = founding.groups.keys().any(|group| group.is_pin_room());
        let all = Compartment::ALL.into_iter();
        for compartment in all.filter(|one| pin_room || !one.is_optional()) {
            let data = self.new_secret(32)?;
            let writer = self.new_key()?;
            writers.push(WriterEntry {
                compartment: compartment.name().into(),
                epoch: 1,
                key: public(&writer)?,
            });
            open.insert(
                compartment,
                Open {
                    epoch: 1,
                    roots: RootKeys::derive(&data)?,
                    data,
                    writer: Some(writer),
                    sum: Sum::default(),
                    records: Records::Known(Kinds::default()),
                },
            );
        }
        let record = AuthorityRecord {
            station: founding.station,
            station_name: founding.name.clone(),
            mode: founding.mode,
            incarnation: self.new_id()?,
            seq: 0,
            previous: None,
            cards: founding
                .cards
                .iter()
                .map(|c| card_entry(c, &founding.people))
                .chain(founding.words.iter().cloned())
                .collect(),
            groups: entries,
            writers,
            station_key: public(&station_key)?,
            export_key: public(&export_key)?,
            journal_key: public(&journal_key)?,
            made_at_ms: self.world.clock.wall_ms(),
        };
        for (&compartment, opened) in &open {
            let writer = opened
                .writer
                .as_ref()
                .ok_or(VaultError::ReadOnly(compartment))?;
            let keys = wrap::Keys {
                epoch: opened.epoch,
                data: &opened.data,
                writer,
            };
            for write in wrap::all(&record, compartment, &keys, &mut *self.world.random)? {
                batch.write(write);
            }
        }
        found_records(
            &founding,
            &station_key,
            &export_key,
            &journal_key,
            &mut batch,
        )?;
        if pin_room {
            let opening = self.new_key()?;
            let point = public(&opening)?;
            batch.put(
                Compartment::Directory,
                PIN_ROOM_PUBLIC_KIND,
                PIN_ROOM_PUBLIC,
                &point,
            )?;
            batch.put_secret(Compartment::Pins, OPENING_KIND, PIN_ROOM_KEY, opening);
        }
        batch.put_secret(
            Compartment::Administration,
            "ca-key",
            CA_KEY,
            founding.ca_key,
        );
        let mut words = Vec::new();
        for record in founding.records {
            batch.put_secret(Compartment::Directory, record.kind, record.id, record.body);
            words.push(record.words);
        }
        for card in founding.cards {
            batch.put_secret(Compartment::Administration, "puk", card.card, card.puk);
            batch.put_secret(
                Compartment::Cardkeys,
                "management-key",
                card.card,
                card.management_key,
            );
        }
        Ok(Founded {
            words,
            forms: Forms::of(&record, &founding.people, &founding.duties),
            signed: SignedAuthority::unsigned(&record)
                .map_err(|_| VaultError::Malformed("authority record"))?,
            record,
            groups,
            open,
            station_key,
            batch,
        })
    }

    /// The first commit. On return the station exists, and the administrators'
    /// group is logged on to finish the cards.
    ///
    /// # Errors
    /// [`VaultError::Authority`] when the signatures are not an
    /// administrators' quorum; [`VaultError::Store`]. The repository is then
    /// as empty as before.
    pub fn commit_founding(
        &mut self,
        founded: Founded,
        outcome: Vec<NewEntry>,
    ) -> Result<(), VaultError> {
        if !self.is_empty() {
            return Err(VaultError::NotEmpty);
        }
        let chain = vec![founded.signed];
        let verified = conclave_evidence::authority::AuthorityChain::verify(&chain)
            .map_err(|e| VaultError::Authority(e.to_string()))?;
        let authority = verified.latest_hash();
        let bytes =
            cbor::to_vec(&chain[0]).map_err(|_| VaultError::Malformed("authority record"))?;
        let mut batch = founded.batch;
        founded.forms.put(&founded.record, &mut batch)?;
        batch.write(Write::Put(place::authority(0), bytes));
        batch.write(format::mark(format::FORMAT)?);
        let worded = founded.record.cards.iter().any(|c| c.words.is_some());
        let left = if worded { WORDS_LEFT } else { CARDS_LEFT };
        batch.write(Write::Put(place::GENESIS.to_vec(), left.to_vec()));
        for entry in outcome {
            batch.entry(entry);
        }
        self.station = Some(Station {
            chain,
            record: founded.record,
            authority,
            next_seq: 0,
            last_entry: Hash([0; 32]),
            head: None,
            locked: LockedRuns::default(),
        });
        self.groups = founded.groups;
        self.open = founded.open;
        self.station_key = Some(founded.station_key);
        if let Err(error) = self.commit(batch) {
            self.lock();
            self.station = None;
            return Err(error);
        }
        for group in self.open_groups() {
            if group != GroupId::Administrators {
                self.lock_group(group);
            }
        }
        Ok(())
    }

    /// TRUE between the first commit and the last card: the initialise
    /// ceremony must be finished.
    ///
    /// # Errors
    /// [`VaultError::Store`]
    pub fn genesis_unfinished(&self) -> Result<bool, VaultError> {
        let left = self.store.get(place::GENESIS)?;
        Ok(matches!(left.as_deref(), Some(left) if left == CARDS_LEFT || left == WORDS_LEFT))
    }

    /// TRUE while recovery words of the founding have not yet opened their
    /// share.
    ///
    /// # Errors
    /// [`VaultError::Store`]
    pub fn founding_words_left(&self) -> Result<bool, VaultError> {
        Ok(self.store.get(place::GENESIS)?.as_deref() == Some(WORDS_LEFT))
    }

    /// Marks, in `batch`, that all words of the founding opened their share.
    pub fn founding_words_done(&self, batch: &mut Batch) {
        batch.write(Write::Put(place::GENESIS.to_vec(), CARDS_LEFT.to_vec()));
    }

    /// Marks the initialise ceremony as finished, in `batch`.
    pub fn finish_genesis(&self, batch: &mut Batch) {
        batch.write(Write::Put(place::GENESIS.to_vec(), b"done".to_vec()));
    }

    pub(super) fn new_secret(&mut self, len: usize) -> Result<Secret, VaultError> {
        self.world
            .random
            .secret_bytes(len)
            .map_err(|_| VaultError::Random)
    }

    pub(super) fn new_key(&mut self) -> Result<Secret, VaultError> {
        KeyPair::generate(&mut *self.world.random)
            .map(|pair| pair.secret().duplicate())
            .map_err(|_| VaultError::Random)
    }

    fn found_group(
        &mut self,
        founding: &Founding,
        group: GroupId,
        m: u8,
        groups: &mut BTreeMap<GroupId, Secret>,
        batch: &mut Batch,
    ) -> Result<GroupEntry, VaultError> {
        let mut members = Vec::new();
        for person in founding.people.iter().filter(|p| p.roles.contains(&group)) {
            let words = founding
                .words
                .iter()
                .find(|entry| entry.person == person.id);
            let card = founding.cards.iter().find(|card| card.person == person.id);
            let (card, key) = match (words, card) {
                (Some(entry), _) if group == GroupId::Recovery => (entry.card, entry.agree_key_9d),
                (_, Some(card)) => (card.card, card.agree_key_9d),
                _ => return Err(VaultError::Missing("card of a member")),
            };
            members.push(Member {
                card,
                person: person.id,
                key,
            });
        }
        if group.is_custodian() {
            // Custodians sign inside others' sessions; their group opens
            // nothing.
            let mut x = 0u8;
            return Ok(GroupEntry {
                group,
                m,
                epoch: 1,
                holds_secret: false,
                members: members
                    .iter()
                    .map(|member| {
                        x += 1;
                        MemberEntry {
                            card: member.card,
                            person: member.person,
                            x,
                            commitment: None,
                        }
                    })
                    .collect(),
                secret_check: None,
                wrap_key: None,
            });
        }
        let secret = self.new_secret(SECRET_LEN)?;
        let split = share::split(
            founding.station,
            group,
            m,
            1,
            &members,
            &secret,
            &mut *self.world.random,
        )?;
        for sealed in &split.shares {
            let bytes = cbor::to_vec(sealed).map_err(|_| VaultError::Malformed("share"))?;
            batch.write(Write::Put(place::share(group, 1, sealed.x), bytes));
        }
        groups.insert(group, secret);
        Ok(split.entry)
    }
}

fn card_entry(card: &NewCard, people: &[Person]) -> CardEntry {
    CardEntry {
        card: card.card,
        person: card.person,
        person_name: people
            .iter()
            .find(|p| p.id == card.person)
            .map(|p| p.name.clone())
            .unwrap_or_default(),
        auth_key_9a: card.auth_key_9a,
        sign_key_9c: card.sign_key_9c,
        agree_key_9d: card.agree_key_9d,
        state: CardState::Active,
        words: None,
    }
}

fn found_records(
    founding: &Founding,
    station_key: &Secret,
    export_key: &Secret,
    journal_key: &Secret,
    batch: &mut Batch,
) -> Result<(), VaultError> {
    for person in &founding.people {
        batch.put(Compartment::Directory, "person", person.id, person)?;
    }
    batch.put(
        Compartment::Directory,
        CA_CERTIFICATE_KIND,
        CA_CERTIFICATE,
        &Bytes(founding.ca_certificate.clone()),
    )?;
    batch.put_secret(
        Compartment::Station,
        "signing-key",
        STATION_KEY,
        station_key.duplicate(),
    );
    batch.put_secret(
        Compartment::Export,
        "signing-key",
        EXPORT_KEY,
        export_key.duplicate(),
    );
    batch.put_secret(
        Compartment::Journal,
        OPENING_KIND,
        JOURNAL_KEY,
        journal_key.duplicate(),
    );
    Ok(())
}
