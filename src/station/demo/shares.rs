//! Shares of a key on paper, and what `demo.json` says of them.

use conclave_keyroom::domain::key::KeyRecord;
use serde::Serialize;

use super::report::sheet_name;
use super::{DemoError, Demonstration, cast};

/// How many shares there are, and how many make the key.
const SHARES: [&str; 2] = ["3", "2"];

/// A share and its sheet.
#[derive(Debug, Serialize)]
pub struct ShareLine {
    key: String,
    index: u8,
    of: u8,
    needed: u8,
    custodian: String,
    envelope: String,
    kcv: String,
    kcv_method: String,
    pdf: String,
    escp: String,
}

/// The name under which a key's shares are filed, beside its components.
fn filed(label: &str) -> String {
    format!("{label}-share")
}

/// The lines of a key's shares in custody.
///
/// # Errors
/// What is missing, in words.
pub(super) fn lines(
    key: &KeyRecord,
    there: &dyn Fn(String) -> Result<String, String>,
) -> Result<Vec<ShareLine>, String> {
    let mut lines = Vec::new();
    for set in &key.others {
        let Some(needed) = set.quorum else { continue };
        for part in &set.parts {
            let stem = sheet_name(&filed(&key.label), part.index);
            lines.push(ShareLine {
                key: key.label.clone(),
                index: part.index,
                of: part.of,
                needed,
                custodian: part.custodian_name.clone(),
                envelope: part.envelope.clone().unwrap_or_default(),
                kcv: part.kcv.value.clone(),
                kcv_method: part.kcv.method.clone(),
                pdf: there(format!("paper/{stem}.pdf"))?,
                escp: there(format!("paper/{stem}.escp"))?,
            });
        }
    }
    Ok(lines)
}

impl Demonstration {
    /// The second zone's master key is shared on paper.
    pub(super) fn share(&mut self) -> Result<(), DemoError> {
        let Some(label) = cast::ZONES.last().map(|zone| zone.label) else {
            return Ok(());
        };
        self.stage(&format!("paper shares: {label}"));
        let mut fields = vec![label.to_owned()];
        fields.extend(SHARES.map(str::to_owned));
        self.hands
            .forms
            .insert("ceremony.parameters".into(), vec![fields]);
        if let Some(sheets) = &mut self.hands.sheets {
            sheets.name = filed(label);
        }
        let end = self
            .station
            .begin_ceremony("paper-shares.toml", &mut self.hands);
        self.done("paper shares", end)
    }
}
