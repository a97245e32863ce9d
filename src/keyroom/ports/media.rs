//! Removable media, as a port: a flat set of files on one enrolled medium.

use crate::domain::Permission;

/// How a medium is told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownBy {
    /// It has a serial number of its own.
    Serial,
    /// It has none: it is whatever is plugged into its port. Two people read the
    /// number on its plate each time it is plugged in.
    Port {
        /// They did.
        plate_read: bool,
        /// The number that the system gave it when it was plugged in, and gives to
        /// no other until the next start: what is in the port later may be another.
        appeared: u64,
    },
    /// It is a disc, known by the drive in which it lies; a blank one takes one
    /// image, once.
    Drive,
}

/// A medium that is plugged in now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundMedium {
    /// USB serial and file-system id, or what stands for them: see
    /// [`FoundMedium::known_by`].
    pub serial: String,
    /// How it is told from others.
    pub known_by: KnownBy,
    /// Free bytes.
    pub free: u64,
    /// It takes no writing.
    pub read_only: bool,
    /// Which of `nodev`, `nosuid` and `noexec` it was mounted without; nothing where it
    /// is not mounted.
    pub lacks: Vec<String>,
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
    /// It has no serial number, and nobody read its plate.
    #[error("the medium has no serial number, and its plate was not read since it was plugged in")]
    Plate,
    /// It takes no writing.
    #[error("the medium is write-protected, or a disc that is written")]
    ReadOnly,
    /// Another one than the one whose plate was read lies in its port now.
    #[error("the medium was exchanged, or pulled and put back, while its plate was read")]
    Exchanged,
    /// What is written here is more than one file set, and a disc takes one.
    #[error("a disc takes one bundle, in one session")]
    Sessions,
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

    /// Two people read the plate of the medium of this serial, which `appeared` as
    /// [`KnownBy::Port`] says. It holds until the medium is pulled, and no longer than
    /// this program runs. Media with a serial number of their own need no plate:
    /// [`MediaError::Wrong`].
    ///
    /// # Errors
    /// [`MediaError::Exchanged`] where the one in the port is not the one that was
    /// looked at; [`MediaError`]
    fn plate_was_read(
        &mut self,
        permit: &dyn Permission,
        serial: &str,
        appeared: u64,
    ) -> Result<(), MediaError> {
        let _ = (permit, serial, appeared);
        Err(MediaError::Wrong)
    }

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

    /// Writes a blank disc: one image, one session, which is closed.
    ///
    /// # Errors
    /// [`MediaError::ReadOnly`] for a disc that is not blank, and for whatever is
    /// no disc.
    fn write_disc(
        &mut self,
        permit: &dyn Permission,
        serial: &str,
        image: &[u8],
    ) -> Result<(), MediaError> {
        let _ = (permit, serial, image);
        Err(MediaError::ReadOnly)
    }

    /// Reads the first `len` bytes of a disc past every cache.
    ///
    /// # Errors
    /// [`MediaError`]
    fn read_disc(
        &mut self,
        permit: &dyn Permission,
        serial: &str,
        len: usize,
    ) -> Result<Vec<u8>, MediaError> {
        let _ = (permit, serial, len);
        Err(MediaError::Wrong)
    }

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
    /// it takes no permit, and asks for no plate: a station without people looks
    /// for backups too.
    ///
    /// # Errors
    /// [`MediaError`]
    fn folders(&mut self, serial: &str) -> Result<Vec<String>, MediaError>;

    /// The plainly named files in a folder, sorted: what to choose from where a name
    /// was mistyped. A medium that cannot tell names none. No permit and no plate,
    /// as for [`Media::folders`].
    ///
    /// # Errors
    /// [`MediaError`]
    fn files(&mut self, serial: &str, folder: &str) -> Result<Vec<String>, MediaError> {
        let _ = (serial, folder);
        Ok(Vec::new())
    }

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
