//! A room without printer and without stick.

#![allow(dead_code, reason = "each test takes what it needs")]

use conclave_keyroom::domain::Permission;
use conclave_keyroom::ports::media::{FoundMedium, Media, MediaError};
use conclave_keyroom::ports::printer::{FoundPrinter, PrinterError, Printers};

/// No printer.
pub struct NoPrinters;

impl Printers for NoPrinters {
    fn found(&mut self) -> Result<Vec<FoundPrinter>, PrinterError> {
        Ok(Vec::new())
    }

    fn print(
        &mut self,
        _: &dyn Permission,
        _: &str,
        _: &str,
        _: &[u8],
    ) -> Result<(), PrinterError> {
        Err(PrinterError::Missing)
    }
}

/// No medium.
pub struct NoMedia;

impl Media for NoMedia {
    fn found(&mut self) -> Result<Vec<FoundMedium>, MediaError> {
        Ok(Vec::new())
    }

    fn write(
        &mut self,
        _: &dyn Permission,
        _: &str,
        _: &str,
        _: &str,
        _: &[u8],
    ) -> Result<(), MediaError> {
        Err(MediaError::Missing)
    }

    fn read_back(
        &mut self,
        _: &dyn Permission,
        _: &str,
        _: &str,
        _: &str,
        _: u64,
    ) -> Result<Vec<u8>, MediaError> {
        Err(MediaError::Missing)
    }

    fn folders(&mut self, _: &str) -> Result<Vec<String>, MediaError> {
        Err(MediaError::Missing)
    }

    fn read(&mut self, _: &str, _: &str, _: &str, _: u64) -> Result<Vec<u8>, MediaError> {
        Err(MediaError::Missing)
    }
}
