//! The export: keys under a zone master key, to an enrolled medium.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::key::{Exported, KeyRecord, WrappingMethod};
use conclave_keyroom::domain::legacy::LegacyException;
use conclave_keyroom::domain::target_system::{Settings, TargetSystem};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::MediaError;
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::bundle::{Wrapped, assemble, text_digest};
use super::record_system::{says, settings_digest};
use super::register::{self, BundleRecord, BundleState};
use super::{Conformance, Order, Target, rules, target};
use crate::ceremony::action::refuse_published;
use crate::ceremony::exception_words;
use crate::media::{self, Interrupted, PLATE_ADVICE};

/// A key as the approvers see it. The record must be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyName {
    /// Its record's id.
    pub id: Id,
    /// Its label.
    pub label: String,
    /// Its check value and how it is made.
    pub kcv: String,
}

impl KeyName {
    /// Of a record.
    #[must_use]
    pub fn of(record: &KeyRecord) -> Self {
        Self {
            id: record.id,
            label: record.label.clone(),
            kcv: record.kcv.words(),
        }
    }
}

/// A system on record as the approvers see it. The record must be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemName {
    /// Its record's id.
    pub id: Id,
    /// Its profile and the profile's version.
    pub profile: String,
    /// The digest of profile and values.
    pub settings: Hash,
    /// What was filled in, how the profile differs from the shipped one, and the
    /// digest, in words: what approvers read.
    pub says: Vec<String>,
}

impl SystemName {
    /// Of a record.
    #[must_use]
    pub fn of(record: &TargetSystem) -> Self {
        Self {
            id: record.id,
            profile: record.settings.profile.stamp(),
            settings: settings_digest(&record.settings),
            says: says(&record.settings),
        }
    }

    /// For approvers.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = vec![format!(
            "as the record of this system says, profile {}",
            self.profile
        )];
        words.extend(self.says.iter().cloned());
        words
    }
}

/// How sure it is that the other side takes it, as approvers read it.
pub(crate) fn conformance_words(conformance: Conformance) -> String {
    format!("conformance: {}", conformance.words())
}

/// Wraps keys under a zone master key and writes them, with run sheet and
/// signed manifest, to one enrolled medium.
///
/// The bundle's number is used up with the intent. An export that is cut
/// leaves files without a manifest, which count for nothing; the next one has
/// another number and fresh cryptograms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportKeys {
    /// The bundle's number, see [`super::next_bundle`].
    pub bundle: u64,
    /// The keys.
    pub keys: Vec<KeyName>,
    /// The key they are wrapped under.
    pub under: KeyName,
    /// For whom.
    pub recipient: String,
    /// The target's name: `tr31`.
    pub target: String,
    /// The system on record that it is for; its name is the recipient.
    pub system: Option<SystemName>,
    /// The medium's record.
    pub medium: Id,
    /// The medium's name.
    pub medium_name: String,
    /// The medium's serial.
    pub serial: String,
    /// The ceremony whose mandate must cover it, where it is part of one.
    pub ceremony: Option<Id>,
    /// Why it leaves without a key block, where it does.
    pub exception: Option<LegacyException>,
}

/// What left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedBundle {
    /// Its number.
    pub number: u64,
    /// Its folder on the medium.
    pub folder: String,
    /// The manifest's digest, to be read aloud in words.
    pub digest: Hash,
    /// SHA-256 of its `manifest.txt`.
    pub text: Hash,
    /// The names of its files, in the order in which they were written.
    pub files: Vec<String>,
}

impl ExportKeys {
    fn target(&self) -> Result<&'static dyn Target, ActionError> {
        target(&self.target).ok_or_else(|| {
            ActionError::rule(
                format!("there is no target {:?}", self.target),
                "choose one of the list",
            )
        })
    }
}

impl Action for ExportKeys {
    const NAME: &'static str = "export-keys";
    type Out = ExportedBundle;

    fn authority(&self) -> Authority {
        let mut parts = vec![
            Authority::Quorum(GroupId::KeyManagers),
            Authority::Quorum(GroupId::Approvers),
        ];
        parts.extend(self.ceremony.map(Authority::Mandate));
        Authority::All(parts)
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![
            format!("export bundle {:04} for {}", self.bundle, self.recipient),
            format!(
                "{} key{} as {} to medium {}, serial {}",
                self.keys.len(),
                if self.keys.len() == 1 { "" } else { "s" },
                self.target,
                self.medium_name,
                self.serial
            ),
            format!("under {}, KCV {}", self.under.label, self.under.kcv),
        ];
        words.extend(target(&self.target).map(|target| conformance_words(target.conformance())));
        words.extend(self.system.iter().flat_map(SystemName::words));
        words.extend(
            self.keys
                .iter()
                .map(|key| format!("key {}, KCV {}", key.label, key.kcv)),
        );
        words.extend(self.exception.as_ref().map(exception_words));
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let target = self.target()?;
        rules::parameters(self)?;
        let now = beforehand.now_ms();
        let under: KeyRecord = beforehand.get(Compartment::Catalogue, self.under.id)?;
        rules::same(&self.under, &under)?;
        rules::wrapping(&under, now)?;
        rules::exception(under.wrapping, self.exception.as_ref(), now)?;
        let system = match &self.system {
            Some(system) => Some(beforehand.get(Compartment::Directory, system.id)?),
            None => None,
        };
        let settings = rules::settings(self, target, system.as_ref())?;
        let mut keys = Vec::with_capacity(self.keys.len());
        for name in &self.keys {
            let key: KeyRecord = beforehand.get(Compartment::Catalogue, name.id)?;
            rules::same(name, &key)?;
            rules::leaving(target, &key, &under, &settings, self.ceremony, now)?;
            keys.push(key);
        }
        target.check_all(&keys, &settings).map_err(rules::refused)?;
        let medium: MediumRecord = beforehand.get(Compartment::Directory, self.medium)?;
        rules::medium(self, &medium)?;
        media::in_use(&medium, |place, id| beforehand.get(place, id))?;
        let mut record = self.record(now, BundleState::Begun, None);
        for key in keys {
            let id = key.id;
            if rules::begins_under(beforehand, key, &under)? {
                record.first_under.push(id);
            }
        }
        register::take(beforehand, &record)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _secrets: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<ExportedBundle, ActionError> {
        let target = self.target()?;
        // The wrong stick is named before a key is opened.
        if let Err(cause) = media::single(ports.media, &self.serial) {
            self.no_cryptogram(permit)?;
            return Err(nothing_left(cause));
        }
        let under: KeyRecord = permit.get(Compartment::Catalogue, self.under.id)?;
        let settings = self.settings(permit)?;
        let mut keys = self.wrap(permit, target, &under, &settings)?;
        let (bundle, digest) = assemble(self, permit, target, &under, &settings, &keys)?;
        if let Err(cut) = media::emit(permit, ports.media, &self.serial, &bundle) {
            media::condemn_after(permit, ports.media, self.medium, &cut.cause);
            return Err(interrupted(self.bundle, cut));
        }

        let now = permit.now_ms();
        let record = self.record(now, BundleState::Written, Some(digest));
        permit.put(Compartment::Export, BundleRecord::KIND, record.id, &record)?;
        for Wrapped { record, .. } in &mut keys {
            record.exports.push(Exported {
                bundle: self.bundle,
                recipient: self.recipient.clone(),
                under: self.under.label.clone(),
                format: under.wrapping.map_or("", WrappingMethod::name).into(),
                at_ms: now,
                exception_until_ms: self.exception.as_ref().map(|e| e.until_ms),
                void_ms: None,
            });
            permit.put(Compartment::Catalogue, KeyRecord::KIND, record.id, record)?;
        }
        Ok(ExportedBundle {
            number: self.bundle,
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

    fn outcome(&self, out: &ExportedBundle) -> Vec<String> {
        vec![
            format!("{} was written and read back", out.folder),
            format!("manifest SHA-256 {}", out.digest),
            format!("manifest.txt SHA-256 {}", out.text),
        ]
    }
}

impl ExportKeys {
    /// Takes back what the intent was the first to say of the keys: none was opened.
    fn no_cryptogram(&self, permit: &mut Permit<'_>) -> Result<(), ActionError> {
        let id = BundleRecord::id_of(self.bundle);
        let begun: BundleRecord = permit.get(Compartment::Export, id)?;
        if begun.first_under.is_empty() {
            return Ok(());
        }
        for id in begun.first_under {
            let mut key: KeyRecord = permit.get(Compartment::Catalogue, id)?;
            key.begun_under.remove(&self.under.label);
            permit.put(Compartment::Catalogue, KeyRecord::KIND, id, &key)?;
        }
        let words = format!("no cryptogram was made under {}", self.under.label);
        Ok(permit.commit_before_effect(vec![words])?)
    }

    fn record(&self, begun_ms: u64, state: BundleState, manifest: Option<Hash>) -> BundleRecord {
        BundleRecord {
            id: BundleRecord::id_of(self.bundle),
            number: self.bundle,
            recipient: self.recipient.clone(),
            labels: self.keys.iter().map(|key| key.label.clone()).collect(),
            first_under: Vec::new(),
            medium: self.medium_name.clone(),
            state,
            manifest,
            begun_ms,
            keys: self.keys.iter().map(|key| key.id).collect(),
            received: None,
            again: BundleRecord::reading_of(state),
        }
    }

    fn settings(&self, permit: &Permit<'_>) -> Result<Settings, ActionError> {
        let Some(system) = &self.system else {
            return Ok(Settings::default());
        };
        let record: TargetSystem = permit.get(Compartment::Directory, system.id)?;
        Ok(record.settings)
    }

    /// Opens each key together with the wrapping key, for as long as its
    /// cryptogram takes.
    fn wrap(
        &self,
        permit: &mut Permit<'_>,
        target: &dyn Target,
        under: &KeyRecord,
        settings: &Settings,
    ) -> Result<Vec<Wrapped>, ActionError> {
        // Of a partner's public key there is nothing to open.
        let public = under.rsa.as_ref().filter(|_| under.is_wrapped_to());
        let public = public.map(|rsa| {
            let spki = &rsa.spki.0;
            Secret::from_fn(spki.len(), |room| room.copy_from_slice(spki))
        });
        let wrapping: Option<StoredKey> = match public {
            Some(_) => None,
            None => Some(permit.get(Compartment::Keys, under.id)?),
        };
        let mut wrapped = Vec::with_capacity(self.keys.len());
        for name in &self.keys {
            let record: KeyRecord = permit.get(Compartment::Catalogue, name.id)?;
            let stored: StoredKey = permit.get(Compartment::Keys, name.id)?;
            let above = wrapping.as_ref().map(|value| (under, value));
            for (of, value) in std::iter::once((&record, &stored)).chain(above) {
                if value.key != of.id || value.form != of.form {
                    return Err(ActionError::rule(
                        format!("the stored value of {} is another key's", of.label),
                        "do not use this key before it is known why",
                    ));
                }
            }
            let mut payloads = None;
            let mode = permit.authority()?.mode;
            let order = Order {
                settings,
                at_ms: permit.now_ms(),
            };
            let (provider, mark, random) = permit.provider();
            let opened: Vec<&StoredKey> = std::iter::once(&stored).chain(&wrapping).collect();
            provider.open(&mark, &opened, &mut |secrets| {
                let pair = match (secrets, &public) {
                    ([clear, wrapping], None) => Some((*clear, *wrapping)),
                    ([clear], Some(public)) => Some((*clear, public)),
                    _ => None,
                };
                if let Some((clear, wrapping)) = pair {
                    let secret = refuse_published(mode, &record.label, clear)
                        .and_then(|()| refuse_published(mode, &under.label, wrapping));
                    payloads = Some(secret.and_then(|()| {
                        target
                            .export(&record, clear, under, wrapping, order, random)
                            .map_err(rules::refused)
                    }));
                }
            })?;
            let payloads = payloads.unwrap_or_else(|| {
                let label = record.label.clone();
                Err(rules::refused(super::TargetError::SelfCheck(label)))
            })?;
            wrapped.push(Wrapped { record, payloads });
        }
        Ok(wrapped)
    }
}

/// An emission that was cut. Files without a manifest are a known state: they
/// count for nothing. Only a manifest that may stand there whole is for a person
/// to decide.
pub(crate) fn interrupted(number: u64, cut: Interrupted) -> ActionError {
    if cut.files == 0 && !cut.begun {
        return nothing_left(cut.cause);
    }
    if cut.may_be_whole {
        return ActionError::Unknown {
            what: format!(
                "bundle {number:04}, while its manifest was written: {}",
                cut.cause
            ),
        };
    }
    ActionError::Device {
        what: format!(
            "bundle {number:04} failed after {} files: {}. It has no manifest and counts for \
                 nothing",
            cut.files, cut.cause
        ),
        advice: match cut.cause {
            MediaError::ReadBack(_) => {
                "condemn this medium and destroy it; export again to another, with the next \
                     number and fresh cryptograms"
            }
            _ => "export again, with the next number and fresh cryptograms",
        }
        .into(),
    }
}

pub(crate) fn nothing_left(cause: MediaError) -> ActionError {
    if cause == MediaError::Stopped {
        return ActionError::Stopped;
    }
    let advice = match cause {
        MediaError::Missing => "plug the approved medium in and propose the export again",
        MediaError::Several => "leave the approved medium only, and propose the export again",
        MediaError::Wrong => "take this medium out and plug the approved one in",
        MediaError::Plate => PLATE_ADVICE,
        MediaError::Sessions => "use another enrolled medium",
        MediaError::Full | MediaError::ReadOnly => "use another enrolled medium",
        MediaError::Exists(_) => {
            "this medium has a folder of that name: look at it, and use another medium"
        }
        _ => "look at the medium, and propose the export again",
    };
    ActionError::NoMedium {
        undone: "nothing was exported",
        cause,
        advice: advice.into(),
    }
}
