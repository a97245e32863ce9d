//! Devices that administrators enrolled: printers and media.

use conclave_evidence::Id;
use serde::{Deserialize, Serialize};

use super::derived_id;

/// What a printer is for. One purpose a device, for ever (R10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrinterPurpose {
    /// Key components, and nothing else.
    Components,
    /// PIN mailers, and nothing else.
    Pins,
    /// Reports without secrets.
    Reports,
}

impl PrinterPurpose {
    /// All purposes.
    pub const ALL: [Self; 3] = [Self::Components, Self::Reports, Self::Pins];

    /// For screens.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Components => "key components",
            Self::Pins => "PIN mailers",
            Self::Reports => "reports",
        }
    }
}

/// What bytes a printer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrinterLanguage {
    /// Epson ESC/P: what every impact printer of that family takes.
    EscP,
    /// PDF directly.
    Pdf,
    /// ESC/P of nine-pin printers, struck twice for carbonless forms.
    EscP9,
    /// ESC/P of 24-pin printers, in letter quality.
    EscP24,
    /// Letters, CR, LF and FF only.
    Line,
    /// HP PCL 5.
    Pcl5,
}

impl PrinterLanguage {
    /// All languages.
    pub const ALL: [Self; 6] = [
        Self::EscP,
        Self::Pdf,
        Self::EscP9,
        Self::EscP24,
        Self::Line,
        Self::Pcl5,
    ];

    /// As files and the command line name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EscP => "escp",
            Self::Pdf => "pdf",
            Self::EscP9 => "escp9",
            Self::EscP24 => "escp24",
            Self::Line => "line",
            Self::Pcl5 => "pcl5",
        }
    }

    /// For screens.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::EscP => "ESC/P",
            Self::Pdf => "PDF",
            Self::EscP9 => "ESC/P 9-pin",
            Self::EscP24 => "ESC/P 24-pin",
            Self::Line => "line printer",
            Self::Pcl5 => "PCL 5",
        }
    }

    /// TRUE when a held sheet is fed by [a command of its own](Self::EscP)
    /// that is the same for all printers of text.
    #[must_use]
    pub fn is_text(self) -> bool {
        !matches!(self, Self::Pdf | Self::Pcl5)
    }
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

    /// TRUE for a printer that another program offers on the loopback: it gets
    /// reports and pages of X's.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.device.starts_with("ipp://")
    }
}

/// A printer that is in use no more. Its record stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetiredPrinter {
    /// As it was enrolled.
    pub printer: PrinterRecord,
    /// When it was retired, wall clock.
    pub at_ms: u64,
    /// Why.
    pub reason: String,
}

impl RetiredPrinter {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "printer-retired";

    /// Its record, from that of the printer.
    #[must_use]
    pub fn id_of(printer: Id) -> Id {
        Id(printer.0.map(|byte| byte ^ 0x33))
    }
}

/// Why a medium takes nothing any more: it gave back other bytes than it took, is
/// lost or was given away. A record of its own, where whoever found it may write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condemned {
    /// The medium's record.
    pub medium: Id,
    /// When, wall clock.
    pub at_ms: u64,
    /// What became of it, in one sentence.
    pub reason: String,
}

impl Condemned {
    /// The record's kind.
    pub const KIND: &'static str = "medium-condemned";

    /// Its record, from that of the medium.
    #[must_use]
    pub fn id_of(medium: Id) -> Id {
        derived_id(Self::KIND, &[&medium.0])
    }
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
    /// The number on the plate of a medium without a serial number: `serial` is its
    /// port's, and two people read this each time it is plugged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plate: Option<String>,
}

impl MediumRecord {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "medium";
}
