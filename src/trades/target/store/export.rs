//! The export in key stores: both quorums sign, the stores leave on an enrolled
//! medium, and the halves of their passphrase wait for their printer.

use conclave_crypto::keystore::Kind;
use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::key::{Exported, KeyRecord};
use conclave_keyroom::domain::target_system::{Settings, TargetSystem};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::contents::{self, HANDED_KEYS_MOST, Opened, StoredItem};
use super::{Place, StoreTarget, passphrase, rules, store_target};
use crate::ceremony::state::Player;
use crate::media::{self, Bundle, check_name};
use crate::target::bundle::text_digest;
use crate::target::export::{SystemName, conformance_words, interrupted, nothing_left};
use crate::target::register::{self, BundleRecord, BundleState};
use crate::target::rules as house;

/// Puts keys into stores under a new passphrase and writes them, with scripts,
/// run sheet and signed manifest, to one enrolled medium.
///
/// The passphrase is nowhere but in the provider, in two halves, each until it
/// is printed once. Where that fails, the stores open for nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportKeyStore {
    /// The bundle's number.
    pub bundle: u64,
    /// The keys.
    pub keys: Vec<StoredItem>,
    /// The kinds of stores: `pkcs12`, `jceks`.
    pub kinds: Vec<String>,
    /// For whom.
    pub recipient: String,
    /// The target's name: `racf`.
    pub target: String,
    /// The system on record that it is for; its name is the recipient.
    pub system: Option<SystemName>,
    /// Who takes the halves of the passphrase, the first half first.
    pub holders: Vec<Player>,
    /// The medium's record.
    pub medium: Id,
    /// The medium's name.
    pub medium_name: String,
    /// The medium's serial.
    pub serial: String,
    /// Why a store may protect less than a key in it is worth, where it does.
    pub exception: Option<String>,
}

/// The halves of a passphrase, and how far they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorePassphrase {
    /// Made of the bundle's number.
    pub id: Id,
    /// The bundle.
    pub bundle: u64,
    /// Its folder.
    pub folder: String,
    /// For whom.
    pub recipient: String,
    /// Who takes them.
    pub holders: Vec<Player>,
    /// When each was printed, wall clock.
    pub printed_ms: [Option<u64>; 2],
}

impl StorePassphrase {
    /// The record's kind in the export compartment.
    pub const KIND: &'static str = "store-passphrase";

    /// The id of a bundle's record; its halves wait in the provider under it.
    #[must_use]
    pub fn id_of(bundle: u64) -> Id {
        let mut id = *b"halves--\0\0\0\0\0\0\0\0";
        id[8..].copy_from_slice(&bundle.to_be_bytes());
        Id(id)
    }
}

/// What left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedStore {
    /// Its folder on the medium.
    pub folder: String,
    /// The manifest's digest, to be read aloud in words.
    pub digest: Hash,
    /// SHA-256 of its `manifest.txt`.
    pub text: Hash,
    /// The names of its files.
    pub files: Vec<String>,
}

impl ExportKeyStore {
    fn target(&self) -> Result<&'static dyn StoreTarget, ActionError> {
        store_target(&self.target).ok_or_else(|| {
            ActionError::rule(
                format!("there is no target {:?} that takes key stores", self.target),
                "choose one of the list",
            )
        })
    }

    pub(super) fn kinds(&self, target: &dyn StoreTarget) -> Result<Vec<Kind>, ActionError> {
        let mut kinds = Vec::new();
        for name in &self.kinds {
            let kind = Kind::of(name).filter(|kind| target.kinds().contains(kind));
            match kind {
                Some(kind) if !kinds.contains(&kind) => kinds.push(kind),
                _ => {
                    return Err(ActionError::rule(
                        format!(
                            "{} does not take a store {name:?}, or not twice",
                            target.title()
                        ),
                        "choose of the stores that it takes",
                    ));
                }
            }
        }
        if kinds.is_empty() {
            return Err(ActionError::rule(
                "no kind of store is named",
                "choose of the stores that the target takes",
            ));
        }
        Ok(kinds)
    }

    fn record(&self, begun_ms: u64, state: BundleState, manifest: Option<Hash>) -> BundleRecord {
        BundleRecord {
            id: BundleRecord::id_of(self.bundle),
            number: self.bundle,
            recipient: self.recipient.clone(),
            labels: self.keys.iter().map(|k| k.key.label.clone()).collect(),
            first_under: Vec::new(),
            medium: self.medium_name.clone(),
            state,
            manifest,
            begun_ms,
            keys: self.keys.iter().map(|k| k.key.id).collect(),
            received: None,
            again: BundleRecord::reading_of(state),
        }
    }

    fn approved(
        &self,
        target: &dyn StoreTarget,
        system: Option<&TargetSystem>,
    ) -> Result<Settings, ActionError> {
        house::settings_of(
            target.name(),
            target.title(),
            target.needs_system(),
            (system, self.system.as_ref(), &self.recipient),
        )
    }

    /// The aliases of the keys, checked for the target.
    fn check(
        &self,
        target: &dyn StoreTarget,
        keys: &[KeyRecord],
        settings: &Settings,
        now_ms: u64,
    ) -> Result<(), ActionError> {
        let kinds = self.kinds(target)?;
        let all: Vec<&KeyRecord> = keys.iter().collect();
        for key in keys {
            rules::leaving(target, key, now_ms)?;
            if key.rsa.is_none() && !kinds.iter().all(|kind| kind.holds_secret_keys()) {
                return Err(ActionError::rule(
                    format!("{} is no pair, and JKS holds pairs alone", key.label),
                    "choose JCEKS or PKCS#12",
                ));
            }
            check_name(&format!("{}.old.p12", key.label)).map_err(|_| {
                ActionError::rule(
                    format!("the label {} makes no plain file name", key.label),
                    "give the key a label that is no device name",
                )
            })?;
        }
        rules::exception(&all, &kinds, self.exception.as_deref())?;
        target.check(&all, settings).map_err(house::refused)
    }
}

impl Action for ExportKeyStore {
    const NAME: &'static str = "export-key-store";
    type Out = ExportedStore;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Quorum(GroupId::KeyManagers),
            Authority::Quorum(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![
            format!("export bundle {:04} for {}", self.bundle, self.recipient),
            format!(
                "{} key{} in a store ({}) for {}, to medium {}, serial {}",
                self.keys.len(),
                if self.keys.len() == 1 { "" } else { "s" },
                self.kinds.join(", "),
                self.target,
                self.medium_name,
                self.serial
            ),
        ];
        let target = store_target(&self.target);
        words.extend(target.map(|target| conformance_words(target.conformance())));
        words.extend(self.system.iter().flat_map(SystemName::words));
        for item in &self.keys {
            let certificate = match item.chain.len() {
                0 => String::new(),
                count => format!(", with {count} certificates of a CA"),
            };
            words.push(format!(
                "key {}, {}{certificate}",
                item.key.label, item.key.kcv
            ));
            words.extend(item.certificate_words());
        }
        for (at, holder) in (1..).zip(&self.holders) {
            words.push(format!(
                "half {at} of the passphrase on paper for {}, {}",
                holder.name,
                holder.group.title()
            ));
        }
        words.extend(self.exception.as_deref().map(rules::exception_words));
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let target = self.target()?;
        house::recipient(&self.recipient)?;
        rules::holders(beforehand, &self.holders)?;
        let ids: std::collections::BTreeSet<_> = self.keys.iter().map(|k| k.key.id).collect();
        if ids.len() != self.keys.len() || !(1..=HANDED_KEYS_MOST).contains(&ids.len()) {
            return Err(ActionError::rule(
                format!("a hand-over has 1 to {HANDED_KEYS_MOST} keys, none twice"),
                "choose the keys again",
            ));
        }
        let system = match &self.system {
            Some(system) => Some(beforehand.get(Compartment::Directory, system.id)?),
            None => None,
        };
        let settings = self.approved(target, system.as_ref())?;
        let mut keys = Vec::new();
        for item in &self.keys {
            let key: KeyRecord = beforehand.get(Compartment::Catalogue, item.key.id)?;
            house::same(&item.key, &key)?;
            if key.rsa.is_none() && !item.chain.is_empty() {
                return Err(ActionError::rule(
                    format!("{} is no pair and has no certificates", key.label),
                    "leave them out",
                ));
            }
            keys.push(key);
        }
        let now = beforehand.now_ms();
        self.check(target, &keys, &settings, now)?;
        let medium: MediumRecord = beforehand.get(Compartment::Directory, self.medium)?;
        if medium.serial != self.serial || medium.name != self.medium_name {
            return Err(ActionError::rule(
                format!("{} is not the medium that was approved", medium.name),
                "propose the export again",
            ));
        }
        media::in_use(&medium, |place, id| beforehand.get(place, id))?;
        register::take(beforehand, &self.record(now, BundleState::Begun, None))
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<ExportedStore, ActionError> {
        let target = self.target()?;
        // The wrong stick is named before a key is opened.
        media::single(ports.media, &self.serial).map_err(nothing_left)?;
        let settings = match &self.system {
            Some(system) => {
                let record: TargetSystem = permit.get(Compartment::Directory, system.id)?;
                record.settings
            }
            None => Settings::default(),
        };
        let (_, _, random) = permit.provider();
        let drawn = passphrase::half(random).and_then(|one| Ok((one, passphrase::half(random)?)));
        let (first, second) = drawn.map_err(|e| {
            ActionError::rule(e.to_string(), "do not use this station's randomness")
        })?;
        let whole = passphrase::whole_of(&first, &second);
        let mut keys = Vec::new();
        for (at, item) in (1..).zip(&self.keys) {
            let place = Place {
                bundle: self.bundle,
                at,
            };
            let opened = contents::open(permit, item, |key| target.alias(key, &settings, place))?;
            keys.push(opened);
        }
        let stores = self.stores(permit, (target, &settings), &keys, &whole)?;
        drop(whole);
        let (bundle, digest) = self.bundle(permit, target, &settings, (&keys, stores))?;
        if let Err(cut) = media::emit(permit, ports.media, &self.serial, &bundle) {
            media::condemn_after(permit, ports.media, self.medium, &cut.cause);
            return Err(interrupted(self.bundle, cut));
        }
        self.finish(permit, &bundle, digest, keys, [first, second])?;
        Ok(ExportedStore {
            folder: bundle.folder().to_owned(),
            digest,
            text: text_digest(&bundle),
            files: bundle
                .files()
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
        })
    }

    fn outcome(&self, out: &ExportedStore) -> Vec<String> {
        vec![
            format!("{} was written and read back", out.folder),
            format!("manifest SHA-256 {}", out.digest),
            format!("manifest.txt SHA-256 {}", out.text),
            "the two halves of its passphrase wait for their printer".into(),
        ]
    }
}

impl ExportKeyStore {
    /// The records, and the halves to where they wait.
    fn finish(
        &self,
        permit: &mut Permit<'_>,
        bundle: &Bundle,
        digest: Hash,
        keys: Vec<Opened>,
        halves: [Secret; 2],
    ) -> Result<(), ActionError> {
        let now = permit.now_ms();
        let record = self.record(now, BundleState::Written, Some(digest));
        permit.put(Compartment::Export, BundleRecord::KIND, record.id, &record)?;
        let id = StorePassphrase::id_of(self.bundle);
        let waiting = StorePassphrase {
            id,
            bundle: self.bundle,
            folder: bundle.folder().to_owned(),
            recipient: self.recipient.clone(),
            holders: self.holders.clone(),
            printed_ms: [None, None],
        };
        permit.put(Compartment::Export, StorePassphrase::KIND, id, &waiting)?;
        for opened in keys {
            let mut key = opened.record;
            key.exports.push(Exported {
                bundle: self.bundle,
                recipient: self.recipient.clone(),
                under: "a passphrase in two halves".into(),
                format: self.kinds.join(","),
                at_ms: now,
                exception_until_ms: None,
                void_ms: None,
            });
            permit.put(Compartment::Catalogue, KeyRecord::KIND, key.id, &key)?;
        }
        let (provider, mark, _) = permit.provider();
        for (at, half) in (1..).zip(halves) {
            provider.put_back_component(&mark, id, at, half);
        }
        Ok(())
    }
}
