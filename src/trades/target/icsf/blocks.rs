//! AES and TDES keys for ICSF in TR-31 key blocks, loaded by CSNBT31I: the way
//! that binds a key's use to it.
//!
//! CCA has no PIN key for both directions, and no key-encryption key either:
//! where the profile says so, a key leaves in two blocks of narrower modes.

use std::collections::BTreeSet;

use conclave_crypto::keyblock::Mode;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::manifest::Encoding;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;

use super::super::{Companion, Conformance, Order, Payload, Sheet, Target, TargetError, tr31};
use super::types::{host_label, usage};
use super::{cards, rexx, rule, run_sheet};
use crate::media::check_name;

/// z/OS ICSF by TR-31 key blocks.
pub struct IcsfBlocks;

/// A block that the set loads.
pub(super) struct LoadedBlock<'a> {
    pub key: &'a KeyRecord,
    pub mode: String,
    pub label: String,
    /// The rule-array keyword that says what it becomes; empty where the block
    /// says it.
    pub keyword: String,
    pub block: String,
}

/// The modes of use in whose blocks a key leaves.
fn modes(key: &KeyRecord, settings: &Settings) -> Result<Vec<String>, TargetError> {
    let usage = usage(key);
    let Some(modes) = settings.profile.entry("modes", &usage) else {
        return Err(rule(
            format!(
                "profile {} does not say how CSNBT31I takes {}: usage {}, mode {}",
                settings.profile.stamp(),
                key.label,
                key.usage,
                key.mode_of_use
            ),
            "have the profile's table `modes` completed by the administrators of that system",
        ));
    };
    let modes: Vec<String> = modes.split(' ').map(str::to_owned).collect();
    let narrower = |mode: &str| {
        key.mode_of_use == mode
            || matches!(
                (key.mode_of_use.as_str(), mode),
                ("B", "E" | "D") | ("C", "G" | "V") | ("N", _)
            )
    };
    if modes.is_empty() || !modes.iter().all(|mode| narrower(mode)) {
        return Err(rule(
            format!(
                "profile {} would give {} another mode of use than it has",
                settings.profile.stamp(),
                key.label
            ),
            "have the profile corrected",
        ));
    }
    Ok(modes)
}

fn file_name(key: &KeyRecord, mode: &str, several: bool) -> String {
    if several {
        format!("{}.{mode}.tr31", key.label)
    } else {
        format!("{}.tr31", key.label)
    }
}

fn keyword(key: &KeyRecord, mode: &str, settings: &Settings) -> String {
    let of = format!("{} {mode}", key.usage);
    let known = settings.profile.entry("keywords", &of);
    known.unwrap_or_default().to_owned()
}

impl IcsfBlocks {
    fn loaded<'a>(sheet: &Sheet<'a>) -> Result<Vec<LoadedBlock<'a>>, TargetError> {
        let mut out = Vec::new();
        let mut labels = BTreeSet::new();
        for row in &sheet.rows {
            let modes = modes(row.key, sheet.settings)?;
            let several = modes.len() > 1;
            for (mode, payload) in modes.into_iter().zip(row.payloads) {
                let label = host_label(row.key, &mode, several, sheet.settings)?;
                if !labels.insert(label.clone()) {
                    return Err(rule(
                        format!("two keys of the bundle have the label {label} there"),
                        "export them in two bundles with other prefixes",
                    ));
                }
                out.push(LoadedBlock {
                    key: row.key,
                    keyword: keyword(row.key, &mode, sheet.settings),
                    mode,
                    label,
                    block: String::from_utf8_lossy(&payload.bytes).into_owned(),
                });
            }
        }
        Ok(out)
    }
}

impl Target for IcsfBlocks {
    fn name(&self) -> &'static str {
        "icsf-tr31"
    }

    fn title(&self) -> &'static str {
        "z/OS ICSF: TR-31 key blocks by CSNBT31I"
    }

    fn conformance(&self) -> Conformance {
        Conformance::Documented
    }

    fn methods(&self) -> &'static [WrappingMethod] {
        &[WrappingMethod::Tr31B, WrappingMethod::Tr31D]
    }

    fn check(
        &self,
        key: &KeyRecord,
        under: &KeyRecord,
        settings: &Settings,
    ) -> Result<(), TargetError> {
        tr31::Tr31.check(key, under, settings)?;
        let modes = modes(key, settings)?;
        for mode in &modes {
            host_label(key, mode, modes.len() > 1, settings)?;
            check_name(&file_name(key, mode, modes.len() > 1)).map_err(|_| {
                rule(
                    format!("the label {} makes no plain file name", key.label),
                    "give the key a label that is no device name",
                )
            })?;
        }
        Ok(())
    }

    fn export(
        &self,
        key: &KeyRecord,
        clear: &Secret,
        under: &KeyRecord,
        wrapping: &Secret,
        order: Order<'_>,
        random: &mut dyn RandomSource,
    ) -> Result<Vec<Payload>, TargetError> {
        let modes = modes(key, order.settings)?;
        let several = modes.len() > 1;
        let mut out = Vec::new();
        for mode in modes {
            let attributes = {
                let mut attributes = tr31::attributes(key)?;
                let letter = mode.chars().next().and_then(Mode::from_char);
                attributes.mode = letter.ok_or_else(|| {
                    rule(
                        format!("{mode:?} is no mode of use"),
                        "have the profile corrected",
                    )
                })?;
                attributes
            };
            let (text, version) =
                tr31::block(key, &attributes, clear, under, wrapping, order, random)?;
            out.push(Payload {
                name: file_name(key, &mode, several),
                bytes: text.into_bytes(),
                format: format!("TR-31 version {version}"),
                encoding: Encoding::AsciiText,
                lrecl: None,
                conformance: Conformance::Proven,
            });
        }
        Ok(out)
    }

    fn companions(&self, sheet: &Sheet<'_>) -> Result<Vec<Companion>, TargetError> {
        let loaded = Self::loaded(sheet)?;
        let lines = rexx::block_loader(sheet, &loaded)?;
        Ok(vec![cards::with_keys("t31load.rex", &lines, sheet)?])
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        let loaded = Self::loaded(sheet).unwrap_or_default();
        let labels: Vec<(String, String)> = loaded
            .iter()
            .map(|one| (one.label.clone(), format!("{} {}", one.key.usage, one.mode)))
            .collect();
        run_sheet::blocks(self, sheet, &labels)
    }
}
