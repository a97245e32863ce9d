//! `demo.json`: what the demonstration left, paths relative to its folder.

use std::path::Path;

use conclave_keyroom::domain::key::{KeyRecord, KeySource};
use serde::Serialize;

use super::formats;
use super::pin_batch::PinBatchLine;
use super::shares::{self, ShareLine};
use super::systems::LETTER;

/// The file.
#[derive(Debug, Serialize)]
pub struct DemoReport {
    /// The station's name.
    pub station: String,
    /// `TEST`.
    pub mode: String,
    /// All keys.
    pub keys: Vec<KeyLine>,
    /// All printed components.
    pub components: Vec<ComponentLine>,
    /// All printed shares.
    pub shares: Vec<ShareLine>,
    /// All exported key blocks.
    pub exports: Vec<ExportLine>,
    /// The bundles' folders.
    pub bundles: Vec<String>,
    /// The journal's export.
    pub journal: String,
    /// The founding sheet: the genesis record's digest in words, as it was shown
    /// when the station was initialised.
    pub genesis: String,
    /// The minutes as PDF.
    pub minutes: Vec<String>,
    /// The backup's folder.
    pub backup: String,
    /// The folder of the station that was restored from it.
    pub restored: String,
    /// The batch of PIN mailers.
    pub pin_batch: PinBatchLine,
}

/// A key.
#[derive(Debug, Serialize)]
pub struct KeyLine {
    label: String,
    algorithm: String,
    bits: u16,
    usage: String,
    kcv: String,
    kcv_method: String,
}

/// A component and its sheet.
#[derive(Debug, Serialize)]
pub struct ComponentLine {
    key: String,
    index: u8,
    of: u8,
    custodian: String,
    envelope: String,
    kcv: String,
    kcv_method: String,
    pdf: String,
    escp: String,
}

/// A key block.
#[derive(Debug, Serialize)]
pub struct ExportLine {
    /// What it is, by [`super::formats`].
    pub format: String,
    /// The file.
    pub path: String,
    /// The first key in it.
    pub key: String,
    /// The key it is wrapped under; empty for a key store.
    pub under: String,
    /// The first key's check value.
    pub kcv: String,
    /// Of a key store: the sheets with the two halves of its passphrase.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passphrase: Vec<String>,
}

/// What the founding sheet is called.
pub const GENESIS: &str = "TEST-genesis.txt";

/// The stem of a component's sheets in `paper/`.
#[must_use]
pub fn sheet_name(key: &str, index: u8) -> String {
    format!("TEST-{key}-{index}")
}

impl DemoReport {
    /// From the catalogue, and from what lies in `out`.
    ///
    /// # Errors
    /// What is missing there, in words.
    pub fn gather(
        out: &Path,
        station: &str,
        mode: &str,
        keys: &[KeyRecord],
        journal: String,
    ) -> Result<Self, String> {
        let there = |path: String| {
            if out.join(&path).is_file() {
                Ok(path)
            } else {
                Err(format!("{path} is missing"))
            }
        };
        let mut report = Self {
            station: station.into(),
            mode: mode.into(),
            keys: Vec::new(),
            components: Vec::new(),
            shares: Vec::new(),
            exports: Vec::new(),
            bundles: Vec::new(),
            journal: there(journal)?,
            genesis: there(format!("paper/{GENESIS}"))?,
            minutes: Vec::new(),
            backup: String::new(),
            restored: String::new(),
            pin_batch: PinBatchLine::default(),
        };
        for key in keys {
            report.keys.push(KeyLine {
                label: key.label.clone(),
                algorithm: key.form.algorithm().into(),
                bits: key.rsa.as_ref().map_or(key.form.bits(), |rsa| rsa.bits),
                usage: key.usage.clone(),
                kcv: key.kcv.value.clone(),
                kcv_method: key.kcv.method.clone(),
            });
            // What a partner printed is not ours to file.
            let printed = matches!(key.source, KeySource::Here);
            for c in key.components.iter().filter(|_| printed) {
                let stem = sheet_name(&key.label, c.index);
                report.components.push(ComponentLine {
                    key: key.label.clone(),
                    index: c.index,
                    of: c.of,
                    custodian: c.custodian_name.clone(),
                    envelope: c.envelope.clone().unwrap_or_default(),
                    kcv: c.kcv.value.clone(),
                    kcv_method: c.kcv.method.clone(),
                    pdf: there(format!("paper/{stem}.pdf"))?,
                    escp: there(format!("paper/{stem}.escp"))?,
                });
            }
            report.shares.extend(shares::lines(key, &there)?);
            for export in &key.exports {
                if export.bundle == 0 {
                    report.exports.push(ExportLine {
                        format: "partner-letter".into(),
                        path: there(format!("paper/{LETTER}"))?,
                        key: key.label.clone(),
                        under: export.under.clone(),
                        kcv: key.kcv.value.clone(),
                        passphrase: Vec::new(),
                    });
                    continue;
                }
                let bundle = format!("media/CONCLAVE-{:04}-{mode}", export.bundle);
                if !report.bundles.contains(&bundle) {
                    report.bundles.push(bundle);
                }
            }
        }
        report.bundles.sort();
        for bundle in &report.bundles {
            report.exports.extend(formats::lines(out, bundle)?);
        }
        let mut minutes: Vec<String> = std::fs::read_dir(out.join("minutes"))
            .map_err(|e| format!("minutes: {e}"))?
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.ends_with(".pdf"))
            .map(|name| format!("minutes/{name}"))
            .collect();
        minutes.sort();
        report.minutes = minutes;
        Ok(report)
    }
}
