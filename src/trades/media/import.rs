//! A file that somebody brings: from the import folder of an enrolled medium.

use conclave_evidence::Id;
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::MediaError;
use conclave_keyroom::vault::Compartment;

use super::bundle::single_to_read;
use super::condemn::in_use;
use super::name::check_name;

/// The folder that files are brought in.
pub const IMPORT_FOLDER: &str = "IMPORT";

/// The most names that a refusal shows.
const SHOWN: usize = 8;

/// Why a file was not read; `what` it should have been: `the key block`.
pub(crate) fn not_read(what: &str, error: &MediaError) -> ActionError {
    ActionError::Device {
        what: format!("{what} was not read: {error}"),
        advice: format!("Look at the medium: the file lies in its folder {IMPORT_FOLDER}."),
    }
}

/// Nothing was written that could be read back differently: the file is not there,
/// or is none, or is too long. Whoever mistyped a name sees those that are there.
fn not_found(what: &str, on: &MediumRecord, name: &str, there: &[String]) -> ActionError {
    let place = format!("{IMPORT_FOLDER} on {}", on.name);
    if there.iter().any(|one| one == name) {
        return ActionError::Device {
            what: format!("{what} was not read: {name} in {place} is longer than it may be"),
            advice: "Look whether it is the right file.".into(),
        };
    }
    let shown: Vec<&str> = there.iter().take(SHOWN).map(String::as_str).collect();
    let more = there.len().saturating_sub(SHOWN);
    let advice = match (shown.is_empty(), more) {
        (true, _) => format!("There is no file in {place}: look whether it is the right medium."),
        (false, 0) => format!("In it are: {}. Look at the name.", shown.join(", ")),
        (false, more) => format!(
            "In it are: {}, and {more} more. Look at the name.",
            shown.join(", ")
        ),
    };
    ActionError::Device {
        what: format!("{what} was not read: there is no file {name} in {place}"),
        advice,
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
    in_use(&medium, |place, id| permit.get(place, id))?;
    let found = single_to_read(ports.media, &medium.serial).map_err(failed)?;
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let read = ports
        .media
        .read_back(permit, &found.serial, IMPORT_FOLDER, name, most);
    match read {
        Err(MediaError::ReadBack(_)) => {
            let there = ports.media.files(&found.serial, IMPORT_FOLDER);
            Err(not_found(what, &medium, name, &there.unwrap_or_default()))
        }
        other => other.map_err(failed),
    }
}
