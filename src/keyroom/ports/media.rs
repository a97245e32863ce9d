//! Removable media, as a port: a flat set of files on one enrolled medium.

use crate::domain::Permission;

/// A medium that is plugged in now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundMedium {
    /// USB serial and file-system id, or what stands for them.
    pub serial: String,
    /// Free bytes.
    pub free: u64,
    /// It takes no writing.
    pub read_only: bool,
    /// A medium of the training room.
    pub training: bool,
}

/// Why a medium did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// Nothing is plugged in.
    #[error("no medium is plugged in")]
    Missing,
    /// Another medium than the one asked for.
    #[error("this is not the enrolled medium")]
    Wrong,
    /// More than one medium is plugged in.
    #[error("more than one medium is plugged in")]
    Several,
    /// It takes no writing.
    #[error("the medium is write-protected")]
    ReadOnly,
    /// It is full.
    #[error("the medium is full")]
    Full,
    /// There is a file of this name; nothing is ever overwritten.
    #[error("there is a file {0} on the medium already")]
    Exists(String),
    /// A name that is not flat and plain.
    #[error("{0:?} is no plain file name")]
    Name(String),
    /// It was pulled, or failed, in the middle.
    #[error("the medium failed: {0}")]
    Broken(String),
    /// What was read back is not what was written.
    #[error("{0} reads back differently")]
    ReadBack(String),
    /// The permit's act was asked to stop.
    #[error("stopped at a safe boundary")]
    Stopped,
}

/// The media attached to the station.
pub trait Media: Send {
    /// What is plugged in now.
    ///
    /// # Errors
    /// [`MediaError`]
    fn found(&mut self) -> Result<Vec<FoundMedium>, MediaError>;

    /// Writes one file: exclusive create under a temporary name, fsync,
    /// rename, fsync of the folder. `folder` and `name` are plain
    /// (`[A-Za-z0-9._-]`, no leading dot). The first file makes the folder: one
    /// that stood there before is [`MediaError::Exists`].
    ///
    /// # Errors
    /// [`MediaError`]
    fn write(
        &mut self,
        permit: &dyn Permission,
        serial: &str,
        folder: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), MediaError>;

    /// Reads a file back past every cache. A file longer than `most` bytes, or
    /// anything that is no plain file, is [`MediaError::ReadBack`].
    ///
    /// # Errors
    /// [`MediaError`]
    fn read_back(
        &mut self,
        permit: &dyn Permission,
        serial: &str,
        folder: &str,
        name: &str,
        most: u64,
    ) -> Result<Vec<u8>, MediaError>;

    /// The names of the folders on a medium, sorted. Looking is no effect, so
    /// it takes no permit: a station without people looks for backups too.
    ///
    /// # Errors
    /// [`MediaError`]
    fn folders(&mut self, serial: &str) -> Result<Vec<String>, MediaError>;

    /// Reads a file as [`Media::read_back`] does, of whatever made it.
    ///
    /// # Errors
    /// [`MediaError`]
    fn read(
        &mut self,
        serial: &str,
        folder: &str,
        name: &str,
        most: u64,
    ) -> Result<Vec<u8>, MediaError>;
}
