//! What the files of a bundle are called in `demo.json`.

use std::path::Path;

use conclave_evidence::manifest::{FileEntry, Manifest};
use conclave_evidence::{SignedManifest, cbor};
use conclave_keyroom::door::Action;
use conclave_trades::keys::ExportPublic;
use conclave_trades::target::{ExportKeys, store::ExportKeyStore};

use super::report::{ExportLine, sheet_name};
use super::systems::store_sheets;

/// The name of a file's format, where it is something that is loaded.
fn name(target: &str, file: &FileEntry) -> Option<String> {
    let (format, name) = (file.format.as_str(), file.name.as_str());
    if let Some(version) = format.strip_prefix("TR-31 version ") {
        return Some(format!("tr31-{}", version.to_ascii_lowercase()));
    }
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let known = match (target, ending) {
        (_, "p12") => "pkcs12",
        (_, "jks") => "jks",
        (_, "jceks") => "jceks",
        ("thales-variant", _) => "thales-variant",
        ("x9.17", _) => "x9.17",
        ("payshield", "txt") if format.starts_with("scheme ") => "thales-variant",
        ("payshield", "txt") if format.starts_with("Thales key block") => "thales-keyblock",
        ("payshield-lmk", "txt") if format.starts_with("scheme ") => "thales-lmk",
        ("atalla", "akb") => "akb",
        ("atalla", "txt") if format.starts_with("Atalla variant") => "atalla-variant",
        ("icsf", _) if format.starts_with("CCA external DES token") => "cca-des",
        ("icsf", _) if name.starts_with("kgup") => "kgup",
        ("icsf" | ExportPublic::NAME, "rex") => "rexx",
        ("nshield", _) if format.starts_with("AES-KWP") => "nshield",
        ("pkcs11", _) if format.starts_with("AES-KWP") => "pkcs11",
        ("pkcs11-rsa", "rsaaes") => "pkcs11",
        ("racf", "rexx" | "jcl") => "racf",
        ("datapower", "cli" | "xml") => "datapower",
        ("kdb", "sh") => "kdb-script",
        ("sklm", "csv" | "json" | "py") => "sklm",
        ("acsp", "json") => "acsp",
        _ => return None,
    };
    Some(known.into())
}

/// The target's name, from the act that both quorums signed; of a key store, the name
/// of the sheets with the halves of its passphrase too.
fn target(manifest: &Manifest) -> Option<(String, Option<String>)> {
    let params = &manifest.action_params.0;
    match manifest.action_name.as_str() {
        // No target: the public half of a pair leaves as it is.
        ExportPublic::NAME => Some((ExportPublic::NAME.into(), None)),
        "export-keys" => cbor::from_slice::<ExportKeys>(params)
            .ok()
            .map(|act| (act.target, None)),
        "export-key-store" => cbor::from_slice::<ExportKeyStore>(params).ok().map(|act| {
            let system = act.system.is_some().then_some(act.recipient.as_str());
            (act.target, Some(store_sheets(system)))
        }),
        _ => None,
    }
}

/// A line for each file of a bundle that is loaded somewhere.
///
/// # Errors
/// What of the bundle does not read, in words.
pub fn lines(out: &Path, bundle: &str) -> Result<Vec<ExportLine>, String> {
    let path = out.join(bundle).join("manifest.cbor");
    let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let wrong = |e: &dyn std::fmt::Display| format!("{bundle}: {e}");
    let manifest = SignedManifest::from_file(&bytes)
        .and_then(|signed| signed.open())
        .map_err(|e| wrong(&e))?;
    let Some((target, sheets)) = target(&manifest) else {
        return Ok(Vec::new());
    };
    let mut lines = Vec::new();
    for file in &manifest.files {
        let Some(format) = name(&target, file) else {
            continue;
        };
        let path = format!("{bundle}/{}", file.name);
        if !out.join(&path).is_file() {
            return Err(format!("{path} is missing"));
        }
        let mut passphrase = Vec::new();
        if let (Some(sheets), "pkcs12" | "jks" | "jceks") = (&sheets, format.as_str()) {
            for half in [1, 2] {
                // Whichever printer it came from.
                let stem = format!("paper/{}", sheet_name(sheets, half));
                let sheet = ["pdf", "escp"].map(|ending| format!("{stem}.{ending}"));
                let there = sheet.into_iter().find(|sheet| out.join(sheet).is_file());
                passphrase.push(there.ok_or_else(|| format!("{stem} is missing"))?);
            }
        }
        let key = file.keys.first();
        let under = key.and_then(|key| key.under.as_ref());
        lines.push(ExportLine {
            format,
            path,
            key: key.map(|key| key.label.clone()).unwrap_or_default(),
            under: under.map(|under| under.label.clone()).unwrap_or_default(),
            kcv: key
                .and_then(|key| key.kcv.as_ref())
                .map(|kcv| kcv.value.clone())
                .unwrap_or_default(),
            passphrase,
        });
    }
    Ok(lines)
}
