//! Keys that are there already leave for a system on record: cryptograms,
//! scripts and run sheet in one bundle.

use conclave_evidence::{Hash, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::TargetSystem;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_trades::target::{
    ExportKeys, KeyName, SystemName, Target, TargetError, next_bundle, target, target_of,
};

use crate::backup::in_words;
use crate::cards::filled;
use crate::ceremony::begin::{choose, gave_up, one, optional, quarantine_notes, refused};
use crate::exceptions::{exception_fields, exception_of};
use crate::rsa_keys::groups;
use crate::service::ActEnd;
use crate::station::Station;
use crate::void_bundle::counts_no_more;

/// The most characters of further labels.
const ALSO_MOST: usize = 240;

/// What can be chosen.
struct Offer {
    systems: Vec<TargetSystem>,
    wrapping: Vec<KeyRecord>,
    /// Which are not offered, and why.
    note: Option<PromptLine>,
    media: Vec<MediumRecord>,
}

/// How a wrapping key stands in the list: `LAKE.ZMK.1 (tr31-d)`.
fn with_method(key: &KeyRecord) -> String {
    let method = key.wrapping.map_or("", WrappingMethod::name);
    format!("{} ({method})", key.label)
}

impl Station {
    /// Hands a key, and others with it, over to a system on record: both
    /// quorums sign, and one bundle is written.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn hand_over(&mut self, id: Id, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let key = self.key_record(id)?;
        if self.goes_into_a_store(&key, people)? {
            return self.hand_over_store(&key, people);
        }
        let Some(action) = self.ask_hand_over(&key, people)? else {
            return Ok(ActEnd::Stopped);
        };
        let title = format!("Hand over to {}", action.recipient);
        match self.act(&action, &title, people) {
            Ok(out) => {
                let mut lines = vec![
                    format!("{} on {}", out.folder, action.medium_name),
                    format!(
                        "{} files; runsheet.txt tells the other side what to do.",
                        out.files.len()
                    ),
                ];
                let again = self.read_after_replug(out.number, &action.medium_name, people);
                if again.void {
                    return Ok(counts_no_more(out.number, again.lines));
                }
                lines.extend(again.lines);
                lines.extend(read_aloud(&out.digest, &out.text));
                Ok(ActEnd::Done {
                    good: again.good,
                    title: format!("Bundle {:04} for {}", out.number, action.recipient),
                    lines,
                })
            }
            Err(undone) => self.undone(undone),
        }
    }

    fn offer(&self, key: &KeyRecord) -> Result<Offer, Refusal> {
        let mut systems = self.target_systems();
        systems.retain(|system| target(system.target()).is_some());
        if systems.is_empty() {
            return Err(refused(
                "No system is on record.",
                "Administrators record one on the devices screen, with y.",
            ));
        }
        let mut offered = self.wrapping_keys();
        offered.retain(|k| k.id != key.id);
        if offered.keys.is_empty() {
            return Err(offered.none(
                "There is no key to wrap it under.",
                "Make or enter one first, with its own ceremony.",
            ));
        }
        Ok(Offer {
            systems,
            note: offered.note(),
            wrapping: offered.keys,
            media: self.media_or_none()?,
        })
    }

    fn ask_hand_over(
        &mut self,
        key: &KeyRecord,
        people: &mut dyn People,
    ) -> Result<Option<ExportKeys>, Refusal> {
        let offer = self.offer(key)?;
        let mut lines = vec![PromptLine::note(format!(
            "{}, usage {}, KCV {}",
            key.form,
            key.usage,
            key.kcv.words()
        ))];
        lines.extend(offer.note.clone());
        lines.extend(quarantine_notes(&offer.wrapping));
        let mut fields = vec![
            choose(
                "System",
                offer.systems.iter().map(|s| s.name.clone()).collect(),
            ),
            optional(
                "Also",
                "",
                "labels of other keys, a space between",
                ALSO_MOST,
            ),
            choose("Under", offer.wrapping.iter().map(with_method).collect()),
            one(
                "Medium",
                offer.media.iter().map(|m| m.name.clone()).collect(),
                None,
            ),
        ];
        fields.extend(exception_fields());
        let mut prompt = Prompt {
            code: "hand-over".into(),
            act: "Hand over".into(),
            title: format!("{} to a system on record", key.label),
            lines,
            ask: Ask::Form {
                fields,
                submit: "go on to the signatures".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing has left".into(),
            why: "Both quorums sign what leaves, under what, for whom, as the system's record \
                  says, and why without a key block."
                .into(),
            ..Prompt::default()
        };
        loop {
            let values = match filled(people, &mut prompt) {
                Ok(values) => values,
                Err(why) => return gave_up(why),
            };
            match self.planned(key, &offer, &values) {
                Ok(action) => return Ok(Some(action)),
                Err(refusal) => prompt.refused = Some(refusal),
            }
        }
    }

    fn planned(
        &self,
        key: &KeyRecord,
        offer: &Offer,
        values: &[String],
    ) -> Result<ExportKeys, Refusal> {
        let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
        let system = offer.systems.iter().find(|s| s.name == value(0));
        let under = offer.wrapping.iter().find(|k| with_method(k) == value(2));
        let medium = offer.media.iter().find(|m| m.name == value(3));
        let (Some(system), Some(under), Some(medium)) = (system, under, medium) else {
            return Err(refused("System, wrapping key and medium?", "Choose them."));
        };
        let kind = target(system.target()).ok_or_else(|| {
            refused(
                format!("There is no target {}.", system.target()),
                "Record the system again.",
            )
        })?;
        fits(kind, under)?;
        let typed = (value(4), value(5));
        let exception = exception_of(under.wrapping, typed, self.clock.wall_ms())?;
        let missing = system.settings.missing();
        if !missing.is_empty() {
            return Err(refused(
                format!("{} lacks: {}.", system.name, missing.join(", ")),
                "Administrators change the system's record: devices, y.",
            ));
        }
        let mut keys = Vec::new();
        let labels = value(1).split_whitespace().map(Some);
        for label in [None].into_iter().chain(labels) {
            let record = match label {
                None => key.clone(),
                Some(label) => self.key_labelled(label).ok_or_else(|| {
                    refused(format!("There is no key {label}."), "Type it again.")
                })?,
            };
            // What the target is against is known before anybody signs.
            kind.check(&record, under, &system.settings)
                .map_err(|error| match error {
                    TargetError::Rule { rule, advice } => refused(format!("{rule}."), &advice),
                    other => refused(
                        format!("{other}."),
                        "Choose another key, or another system.",
                    ),
                })?;
            keys.push(KeyName::of(&record));
        }
        Ok(ExportKeys {
            bundle: next_bundle(self.door.vault()).map_err(|e| self.refusal(&e.to_string()))?,
            keys,
            under: KeyName::of(under),
            recipient: system.name.clone(),
            target: kind.name().into(),
            system: Some(SystemName::of(system)),
            medium: medium.id,
            medium_name: medium.name.clone(),
            serial: medium.serial.clone(),
            ceremony: None,
            exception,
        })
    }
}

fn fits(kind: &dyn Target, under: &KeyRecord) -> Result<(), Refusal> {
    if under.wrapping.is_some_and(|m| kind.methods().contains(&m)) {
        return Ok(());
    }
    let methods: Vec<&str> = kind.methods().iter().map(|m| m.name()).collect();
    Err(refused(
        format!(
            "{} wraps by {}; this system takes {}.",
            under.label,
            under.wrapping.map_or("no method", WrappingMethod::name),
            methods.join(", ")
        ),
        "Choose another wrapping key: each has one method for ever.",
    ))
}

/// What the key room reads to the other side: the manifest's digest in words, and the
/// digest of its text for who has no program of ours.
pub(crate) fn read_aloud(manifest: &Hash, text: &Hash) -> Vec<String> {
    let mut lines = in_words(manifest);
    lines.push("SHA-256 of manifest.txt, for who checks with sha256sum:".into());
    lines.extend(groups(text));
    lines
}

/// TRUE where what the key wraps needs no system on record.
pub(crate) fn wraps_plainly(key: &KeyRecord) -> bool {
    target_of(key).is_ok()
}
