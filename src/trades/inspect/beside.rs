//! What the manifest in a file's folder says of it: wrapped keys and bare cryptograms
//! have no marks of their own.

use conclave_crypto::describe::{Confidence, Described};
pub use conclave_evidence::manifest::MANIFEST_FILE;
use conclave_evidence::manifest::{FileEntry, Kcv, SignedManifest};

fn words(kcv: &Kcv) -> String {
    format!("{} ({})", kcv.value, kcv.method)
}

/// Describes a file by the manifest beside it: the one that lists this name with this
/// content. Its signatures are not checked.
#[must_use]
pub fn beside(name: &str, bytes: &[u8], manifest: &[u8]) -> Option<Described> {
    let manifest = SignedManifest::from_file(manifest).ok()?.open().ok()?;
    let entry = manifest.files.iter().find(|file| file.name == name)?;
    if FileEntry::measure(bytes) != (entry.size, entry.sha256) {
        return None;
    }
    let mut said = Described::new(&entry.format, Confidence::Likely);
    said.field(
        "bundle",
        format!("{:04}", manifest.sequence),
        format!("{MANIFEST_FILE} beside it says all of this; conclave-verify checks that"),
    );
    said.field("recipient", &manifest.recipient, "");
    for key in &entry.keys {
        let what = format!(
            "{} of {} bits, usage {}",
            key.algorithm, key.bits, key.usage
        );
        said.field("key", &key.label, what);
        if let Some(kcv) = &key.kcv {
            said.field("check value", words(kcv), "");
        }
        if let Some(under) = &key.under {
            let kcv = under.kcv.as_ref();
            let kcv = kcv.map(|kcv| format!("check value {}", words(kcv)));
            said.field("under", &under.label, kcv.unwrap_or_default());
        }
    }
    Some(said)
}
