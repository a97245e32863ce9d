//! Printers, as a port: bytes to one character device.

use crate::domain::Permission;
use crate::domain::open_page::OpenPage;

/// What the host sees at a device node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPrinter {
    /// The device node.
    pub device: String,
    /// Serial of the device, or of what stands for it.
    pub serial: String,
    /// A printer of the training room.
    pub training: bool,
    /// Another number whenever it is plugged in or switched on again; 0 where
    /// nobody can tell.
    pub attached: u64,
}

/// Why a printer did not take bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrinterError {
    /// There is nothing at the device node.
    #[error("the printer is not there")]
    Missing,
    /// The node is a file, a folder, or something else that would keep a
    /// secret.
    #[error("{0} is not a character device")]
    NotADevice(String),
    /// Another device stands where the enrolled one was.
    #[error("another printer is connected: serial {found}, enrolled {enrolled}")]
    Impostor {
        /// What is there.
        found: String,
        /// What was enrolled.
        enrolled: String,
    },
    /// Two printers say that they are this one.
    #[error("two printers are connected with the serial {0}")]
    Twins(String),
    /// It took no byte: off line, out of paper, or in another program's hands.
    #[error("the printer is not ready: {0}")]
    NotReady(String),
    /// Some bytes may have left: nobody knows how many reached paper.
    #[error("the printer stopped: {0}")]
    Broken(String),
    /// Some bytes may have left, and for certain not all: what came out is not
    /// what was sent.
    #[error("the printer stopped before the end of the page: {0}")]
    CutShort(String),
    /// The permit's act was asked to stop before the first byte.
    #[error("stopped before anything was printed")]
    Stopped,
}

impl PrinterError {
    /// TRUE when bytes may have left before the failure.
    #[must_use]
    pub fn may_have_printed(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::CutShort(_))
    }
}

/// The printers attached to the station.
pub trait Printers: Send {
    /// What is attached now.
    ///
    /// # Errors
    /// [`PrinterError`]
    fn found(&mut self) -> Result<Vec<FoundPrinter>, PrinterError>;

    /// Opens the node without creating it, checks that it is a character
    /// device with this serial, writes all bytes and drains. The caller wipes
    /// `bytes`.
    ///
    /// # Errors
    /// [`PrinterError`]; [`PrinterError::may_have_printed`] tells whether
    /// anything left.
    fn print(
        &mut self,
        permit: &dyn Permission,
        device: &str,
        serial: &str,
        bytes: &[u8],
    ) -> Result<(), PrinterError>;

    /// Printers that another program of this computer offers on the loopback:
    /// for reports, and for nothing that has a secret.
    ///
    /// # Errors
    /// [`PrinterError`]
    fn found_for_reports(&mut self) -> Result<Vec<FoundPrinter>, PrinterError> {
        Ok(Vec::new())
    }

    /// Hands a page without secrets to such a printer, if it is the one with
    /// this serial.
    ///
    /// # Errors
    /// [`PrinterError`]
    fn submit(
        &mut self,
        permit: &dyn Permission,
        device: &str,
        serial: &str,
        page: &OpenPage,
    ) -> Result<(), PrinterError> {
        let _ = (permit, device, serial, page);
        Err(PrinterError::Missing)
    }
}
