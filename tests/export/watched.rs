//! A stick that is watched while something is written to it.

use conclave_keyroom::domain::Permission;
use conclave_keyroom::ports::media::{FoundMedium, Media, MediaError};
use conclave_training::stick::StickPorts;

/// A stick of the practice room that may say it is none, and with something that
/// happens behind each file.
pub struct Watched {
    pub stick: StickPorts,
    /// What it says of itself.
    pub training: bool,
    pub written: Box<dyn FnMut() + Send>,
}

impl Media for Watched {
    fn found(&mut self) -> Result<Vec<FoundMedium>, MediaError> {
        let mut all = self.stick.found()?;
        for medium in &mut all {
            medium.training = self.training;
        }
        Ok(all)
    }

    fn write(
        &mut self,
        permit: &dyn Permission,
        serial: &str,
        folder: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), MediaError> {
        self.stick.write(permit, serial, folder, name, bytes)?;
        (self.written)();
        Ok(())
    }

    fn read_back(
        &mut self,
        permit: &dyn Permission,
        serial: &str,
        folder: &str,
        name: &str,
        most: u64,
    ) -> Result<Vec<u8>, MediaError> {
        self.stick.read_back(permit, serial, folder, name, most)
    }

    fn folders(&mut self, serial: &str) -> Result<Vec<String>, MediaError> {
        self.stick.folders(serial)
    }

    fn read(
        &mut self,
        serial: &str,
        folder: &str,
        name: &str,
        most: u64,
    ) -> Result<Vec<u8>, MediaError> {
        self.stick.read(serial, folder, name, most)
    }
}
