//! Payloads, run sheet, authority and signed manifest as one set of files.

use conclave_evidence::cbor::CborError;
use conclave_evidence::manifest::{
    AUTHORITY_FILE, Encoding, FileEntry, Kcv, KeyLine, MANIFEST_FILE, Medium, TEXT_FILE, Under,
};
use conclave_evidence::{Bytes, Hash, Manifest, SignedManifest, authority_file, manifest_text};
use conclave_keyroom::domain::key::{CheckValue, KeyRecord};
use conclave_keyroom::domain::target_system::Settings;
use conclave_keyroom::door::{ActionError, Permit, Proposal};
use conclave_keyroom::vault::VaultError;

use super::export::ExportKeys;
use super::receipt::{RECEIPT_FORM, receipt_form};
use super::{Companion, Payload, Sheet, SheetRow, Target, rules};
use crate::media::{Bundle, bundle_folder};

/// The run sheet's name in a bundle.
pub(crate) const RUN_SHEET: &str = "runsheet.txt";

/// A key with the file that it stands in.
pub(super) struct Wrapped {
    pub record: KeyRecord,
    pub payloads: Vec<Payload>,
}

/// Which bundle, for whom, on what.
pub(crate) struct To<'a> {
    pub number: u64,
    pub recipient: &'a str,
    pub medium_name: &'a str,
    pub serial: &'a str,
}

/// All files of an export's bundle, the signed manifest last, and its digest.
pub(super) fn assemble(
    act: &ExportKeys,
    permit: &Permit<'_>,
    target: &dyn Target,
    under: &KeyRecord,
    settings: &Settings,
    keys: &[Wrapped],
) -> Result<(Bundle, Hash), ActionError> {
    let authority = permit.authority()?;
    let mode = authority.mode;
    let folder = bundle_folder(
        act.bundle,
        mode == conclave_evidence::authority::Mode::Production,
    );
    let facts = Sheet {
        folder: &folder,
        mode: &mode.to_string(),
        recipient: &act.recipient,
        under,
        settings,
        made_ms: permit.now_ms(),
        rows: keys
            .iter()
            .map(|k| SheetRow {
                key: &k.record,
                payloads: &k.payloads,
            })
            .collect(),
    };
    let companions = target.companions(&facts).map_err(rules::refused)?;
    let sheet = target.run_sheet(&facts);
    let mut files = Vec::new();
    let mut entries = Vec::new();
    for key in keys {
        for payload in &key.payloads {
            entries.push(payload_file(payload, vec![key_line(&key.record, under)]));
            files.push((payload.name.clone(), payload.bytes.clone()));
        }
    }
    for Companion { file, with_keys } in companions {
        let of = if with_keys { keys } else { &[] };
        let lines = of.iter().map(|key| key_line(&key.record, under)).collect();
        entries.push(payload_file(&file, lines));
        files.push((file.name, file.bytes));
    }
    entries.push(sheet_file(
        target.conformance().of_its_sheet().words(),
        &sheet,
    ));
    files.push((RUN_SHEET.into(), sheet.into_bytes()));
    let records: Vec<&KeyRecord> = keys.iter().map(|key| &key.record).collect();
    let (form, entry) = receipt_file(&folder, act.bundle, &act.recipient, &records);
    entries.push(entry);
    files.push(form);
    let to = To {
        number: act.bundle,
        recipient: &act.recipient,
        medium_name: &act.medium_name,
        serial: &act.serial,
    };
    signed(&to, permit, entries, files)
}

/// These files with authority and signed manifest as one bundle.
pub(crate) fn signed(
    to: &To<'_>,
    permit: &Permit<'_>,
    entries: Vec<FileEntry>,
    mut files: Vec<(String, Vec<u8>)>,
) -> Result<(Bundle, Hash), ActionError> {
    let proposal = permit.proposal().ok_or_else(|| {
        ActionError::rule(
            "an export needs fresh signatures of key managers and approvers",
            "propose it",
        )
    })?;
    let folder = bundle_folder(
        to.number,
        permit.authority()?.mode == conclave_evidence::authority::Mode::Production,
    );
    let manifest = manifest(to, permit, proposal, entries)?;
    manifest
        .check_files()
        .map_err(|e| ActionError::rule(e.to_string(), "give the keys other labels"))?;
    let signed = SignedManifest::sign(&manifest, |digest| -> Result<_, Signing> {
        Ok(permit.sign_bundle(digest)?)
    })
    .map_err(Signing::into_action)?;
    let digest = signed.digest();

    let chain = authority_file(permit.vault().authority_chain()?).map_err(unencodable)?;
    files.push((AUTHORITY_FILE.into(), chain));
    let text = manifest_text(&manifest, &digest);
    files.push((TEXT_FILE.into(), text.into_bytes()));
    files.push((MANIFEST_FILE.into(), signed.to_file().map_err(unencodable)?));
    let bundle = Bundle::new(folder, files)
        .map_err(|e| ActionError::rule(e.to_string(), "export fewer keys at a time"))?;
    Ok((bundle, digest))
}

/// SHA-256 of the bundle's `manifest.txt`: read aloud beside the manifest's words to
/// who checks the files with tools of their own.
pub(crate) fn text_digest(bundle: &Bundle) -> Hash {
    let text = bundle.files().iter().find(|(name, _)| name == TEXT_FILE);
    let (_, digest) = FileEntry::measure(text.map_or(&[][..], |(_, bytes)| bytes));
    digest
}

fn manifest(
    to: &To<'_>,
    permit: &Permit<'_>,
    proposal: &Proposal,
    files: Vec<FileEntry>,
) -> Result<Manifest, ActionError> {
    let authority = permit.authority()?;
    Ok(Manifest {
        station: authority.station,
        station_name: authority.station_name.clone(),
        mode: authority.mode,
        incarnation: authority.incarnation,
        sequence: to.number,
        made_at_ms: permit.now_ms(),
        recipient: to.recipient.to_owned(),
        medium: Medium {
            name: to.medium_name.to_owned(),
            serial: to.serial.to_owned(),
        },
        files,
        action_name: proposal.name.clone(),
        action_params: Bytes(proposal.params.clone()),
        nonce: proposal.nonce,
        proposed: proposal.hash,
        approvals: permit.approvals().to_vec(),
        authority: permit.vault().authority_hash()?,
    })
}

fn payload_file(payload: &Payload, keys: Vec<KeyLine>) -> FileEntry {
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

fn key_line(record: &KeyRecord, under: &KeyRecord) -> KeyLine {
    KeyLine {
        label: record.label.clone(),
        algorithm: record.form.algorithm().into(),
        bits: u32::try_from(record.form.bytes() * 8).unwrap_or(u32::MAX),
        usage: record.usage.clone(),
        kcv: Some(kcv(&record.kcv)),
        under: Some(Under {
            label: under.label.clone(),
            kcv: Some(kcv(&under.kcv)),
        }),
    }
}

pub(crate) fn sheet_file(conformance: &str, sheet: &str) -> FileEntry {
    let (size, sha256) = FileEntry::measure(sheet.as_bytes());
    FileEntry {
        name: RUN_SHEET.into(),
        size,
        sha256,
        format: "run sheet".into(),
        encoding: Encoding::AsciiText,
        lrecl: None,
        conformance: conformance.into(),
        keys: Vec::new(),
    }
}

/// The form that comes back filled in, and its entry.
pub(crate) fn receipt_file(
    folder: &str,
    number: u64,
    recipient: &str,
    keys: &[&KeyRecord],
) -> ((String, Vec<u8>), FileEntry) {
    let form = receipt_form(folder, number, recipient, keys);
    let (size, sha256) = FileEntry::measure(form.as_bytes());
    let entry = FileEntry {
        name: RECEIPT_FORM.into(),
        size,
        sha256,
        format: "receipt, to be filled in".into(),
        encoding: Encoding::AsciiText,
        lrecl: None,
        conformance: "not loaded: it comes back filled in".into(),
        keys: Vec::new(),
    };
    ((RECEIPT_FORM.into(), form.into_bytes()), entry)
}

pub(crate) fn kcv(value: &CheckValue) -> Kcv {
    Kcv {
        value: value.value.clone(),
        method: value.method.clone(),
    }
}

fn unencodable(error: CborError) -> ActionError {
    ActionError::Device {
        what: format!("the bundle's evidence cannot be written: {error}"),
        advice: "nothing left the room".into(),
    }
}

/// What may go wrong while the manifest is signed.
enum Signing {
    Vault(VaultError),
    Cbor(CborError),
}

impl Signing {
    fn into_action(self) -> ActionError {
        match self {
            Self::Vault(error) => error.into(),
            Self::Cbor(error) => unencodable(error),
        }
    }
}

impl From<VaultError> for Signing {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<CborError> for Signing {
    fn from(error: CborError) -> Self {
        Self::Cbor(error)
    }
}
