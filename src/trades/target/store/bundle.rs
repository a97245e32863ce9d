//! What a hand-over in key stores consists of: stores, certificates, scripts, run
//! sheet and signed manifest, as one set of files.

use conclave_crypto::keystore::Kind;
use conclave_crypto::secret::Secret;
use conclave_crypto::x509::rsa_pair;
use conclave_evidence::Hash;
use conclave_evidence::manifest::{Encoding, FileEntry, KeyLine};
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::target_system::Settings;
use conclave_keyroom::door::{ActionError, Permit};

use super::contents::{self, Opened};
use super::export::ExportKeyStore;
use super::{HandOver, HandedKey, StoreTarget, sheet};
use crate::media::{self, Bundle};
use crate::target::bundle::{RUN_SHEET, To, kcv, receipt_file, sheet_file, signed};
use crate::target::{Conformance, Payload, rules as house};

/// A store, with the keys in it.
pub(super) struct Made {
    kind: Kind,
    payload: Payload,
    keys: Vec<usize>,
}

impl ExportKeyStore {
    /// The stores: one with all keys, or one for each, of each kind.
    pub(super) fn stores(
        &self,
        permit: &mut Permit<'_>,
        (target, settings): (&dyn StoreTarget, &Settings),
        keys: &[Opened],
        passphrase: &Secret,
    ) -> Result<Vec<Made>, ActionError> {
        let groups: Vec<(String, Vec<usize>)> = if target.store_each(settings) {
            let one = |(at, key): (usize, &Opened)| (key.record.label.clone(), vec![at]);
            keys.iter().enumerate().map(one).collect()
        } else {
            vec![("keys".into(), (0..keys.len()).collect())]
        };
        let now = permit.now_ms();
        let mut made = Vec::new();
        for kind in self.kinds(target)? {
            for (name, places) in &groups {
                let of: Vec<&Opened> = places.iter().filter_map(|at| keys.get(*at)).collect();
                let (_, _, random) = permit.provider();
                let bytes = contents::store(kind, &of, passphrase, now, random)?;
                let old = if kind == Kind::Pkcs12Legacy {
                    ".old"
                } else {
                    ""
                };
                made.push(Made {
                    kind,
                    payload: Payload {
                        name: format!("{name}{old}.{}", kind.ending()),
                        bytes,
                        format: kind.title().into(),
                        encoding: Encoding::Binary,
                        lrecl: None,
                        conformance: target.conformance(),
                    },
                    keys: places.clone(),
                });
            }
        }
        Ok(made)
    }
    /// Stores, certificates, scripts, run sheet and manifest.
    pub(super) fn bundle(
        &self,
        permit: &Permit<'_>,
        target: &dyn StoreTarget,
        settings: &Settings,
        (keys, stores): (&[Opened], Vec<Made>),
    ) -> Result<(Bundle, Hash), ActionError> {
        let authority = permit.authority()?;
        let mode = authority.mode;
        let production = mode == conclave_evidence::authority::Mode::Production;
        let folder = media::bundle_folder(self.bundle, production);
        let name = |at: usize| self.holders.get(at).map_or("", |h| h.name.as_str());
        let mode = mode.to_string();
        let mut over = HandOver {
            folder: &folder,
            mode: &mode,
            recipient: &self.recipient,
            settings,
            holders: [name(0), name(1)],
            keys: Vec::new(),
            files: Vec::new(),
        };
        let (mut entries, mut files) = (Vec::new(), Vec::new());
        let mut add = |payload: Payload, lines: Vec<KeyLine>| {
            entries.push(entry(&payload, lines));
            files.push((payload.name, payload.bytes));
        };
        for (at, key) in keys.iter().enumerate() {
            let certificates = certificates(key)?;
            let of = stores.iter().filter(|made| made.keys.contains(&at));
            over.keys.push(HandedKey {
                key: &key.record,
                alias: key.alias.clone(),
                stores: of.map(|m| (m.kind, m.payload.name.clone())).collect(),
                certificates: certificates.iter().map(|c| c.name.clone()).collect(),
                until: key
                    .chain()
                    .first()
                    .and_then(|der| rsa_pair::facts(der))
                    .map(|(_, until)| until),
            });
            for certificate in certificates {
                let file = (certificate.name.clone(), certificate.bytes.clone());
                over.files.push(file);
                add(certificate, Vec::new());
            }
        }
        for made in stores {
            let of = made.keys.iter().filter_map(|at| keys.get(*at));
            let lines = of.map(|key| line(&key.record)).collect();
            let file = (made.payload.name.clone(), made.payload.bytes.clone());
            over.files.push(file);
            add(made.payload, lines);
        }
        for companion in target.companions(&over).map_err(house::refused)? {
            add(companion, Vec::new());
        }
        let sheet = sheet::write(target, &over);
        entries.push(sheet_file(
            target.conformance().of_its_sheet().words(),
            &sheet,
        ));
        files.push((RUN_SHEET.into(), sheet.into_bytes()));
        let records: Vec<&KeyRecord> = keys.iter().map(|key| &key.record).collect();
        let (form, form_entry) = receipt_file(&folder, self.bundle, &self.recipient, &records);
        entries.push(form_entry);
        files.push(form);
        let to = To {
            number: self.bundle,
            recipient: &self.recipient,
            medium_name: &self.medium_name,
            serial: &self.serial,
        };
        signed(&to, permit, entries, files)
    }
}

/// The certificates of a pair as files.
fn certificates(key: &Opened) -> Result<Vec<Payload>, ActionError> {
    let mut files = Vec::new();
    for (at, der) in key.chain().iter().enumerate() {
        let name = match at {
            0 => format!("{}.crt", key.record.label),
            above => format!("{}.ca{above}.crt", key.record.label),
        };
        let pem = rsa_pair::pem("CERTIFICATE", der)
            .ok_or_else(|| ActionError::rule("a certificate does not read", "nothing left"))?;
        files.push(Payload {
            name,
            bytes: pem.into_bytes(),
            format: "certificate, PEM".into(),
            encoding: Encoding::AsciiText,
            lrecl: None,
            conformance: Conformance::Proven,
        });
    }
    Ok(files)
}

fn line(key: &KeyRecord) -> KeyLine {
    let bits = key.rsa.as_ref().map(|rsa| u32::from(rsa.bits));
    let bytes = u32::try_from(key.form.bytes() * 8).unwrap_or(u32::MAX);
    KeyLine {
        label: key.label.clone(),
        algorithm: key.form.algorithm().into(),
        bits: bits.unwrap_or(bytes),
        usage: key.usage.clone(),
        kcv: Some(kcv(&key.kcv)),
        under: None,
    }
}

fn entry(payload: &Payload, keys: Vec<KeyLine>) -> FileEntry {
    let (size, sha256) = FileEntry::measure(&payload.bytes);
    FileEntry {
        name: payload.name.clone(),
        size,
        sha256,
        format: payload.format.clone(),
        encoding: payload.encoding,
        lrecl: payload.lrecl,
        conformance: payload.conformance.words().into(),
        keys,
    }
}
