//! A file that somebody brings: from the import folder of an enrolled medium.

use conclave_evidence::Id;
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::MediaError;
use conclave_keyroom::vault::Compartment;

use super::bundle::single_to_read;
use super::name::check_name;

/// The folder that files are brought in.
pub const IMPORT_FOLDER: &str = "IMPORT";

/// Why a file was not read; `what` it should have been: `the key block`.
pub(crate) fn not_read(what: &str, error: &MediaError) -> ActionError {
    // Nothing was written that could be read back differently.
    let why = match error {
        MediaError::ReadBack(name) => {
            format!("there is no file {name} in {IMPORT_FOLDER}, or it is longer than it may be")
        }
        other => other.to_string(),
    };
    ActionError::Device {
        what: format!("{what} was not read: {why}"),
        advice: format!("Look at the medium: the file lies in its folder {IMPORT_FOLDER}."),
    }
}

/// The file of this name in the import folder of this medium, of at most so many
/// bytes. The medium is the only one that is plugged in, and it is the one on record,
/// by its plate where it has one; it may be write-protected, or a written disc.
///
/// # Errors
/// [`ActionError::Device`]; the vault's, where there is no such medium.
pub(crate) fn import_file(
    permit: &Permit<'_>,
    ports: &mut Ports<'_>,
    (medium, name): (Id, &str),
    most: usize,
    what: &str,
) -> Result<Vec<u8>, ActionError> {
    let failed = |error: MediaError| not_read(what, &error);
    check_name(name).map_err(failed)?;
    let medium: MediumRecord = permit.get(Compartment::Directory, medium)?;
    let found = single_to_read(ports.media, &medium.serial).map_err(failed)?;
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    ports
        .media
        .read_back(permit, &found.serial, IMPORT_FOLDER, name, most)
        .map_err(failed)
}
