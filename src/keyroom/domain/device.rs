//! Devices that administrators enrolled: printers and media.

use conclave_evidence::Id;
use serde::{Deserialize, Serialize};

/// What a printer is for. One purpose a device, for ever (R10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrinterPurpose {
    /// Key components, and nothing else.
    Components,
    /// Reports without secrets.
    Reports,
}

impl PrinterPurpose {
    /// For screens.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Components => "key components",
            Self::Reports => "reports",
        }
    }
}

/// What bytes a printer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrinterLanguage {
    /// Epson ESC/P.
    EscP,
    /// PDF directly.
    Pdf,
}

/// An enrolled printer: a character device with an identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrinterRecord {
    /// Random.
    pub id: Id,
    /// Its name in the room: `KOMP-1`.
    pub name: String,
    /// The device node it was enrolled at.
    pub device: String,
    /// Its serial, or what identifies it as the host sees it.
    pub serial: String,
    /// What it is for.
    pub purpose: PrinterPurpose,
    /// What bytes it takes.
    pub language: PrinterLanguage,
    /// A training device: TEST stations only.
    pub training: bool,
}

impl PrinterRecord {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "printer";
}

/// An enrolled medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediumRecord {
    /// Random.
    pub id: Id,
    /// The plate on it: `STICK-1`.
    pub name: String,
    /// What identifies it as the host sees it: USB serial and file system id.
    pub serial: String,
    /// A training medium: TEST stations only.
    pub training: bool,
}

impl MediumRecord {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "medium";
}
