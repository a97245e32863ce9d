//! Which format the repository has. It stands in the clear, so that an older
//! program knows that it must not touch what a newer one has written, and a
//! newer one brings an older repository up before it does anything else.

use conclave_evidence::{Hash, cbor};

use super::error::VaultError;
use super::place;
use crate::ports::store::{Store, Write};

/// The format that this program writes.
///
/// In 2 a part of a key may be `returned` or `destroyed`, and keys and parts have value
/// marks: a program that knows neither would read such a key as damaged.
pub const FORMAT: u32 = 2;

/// Brings a repository from one format to the next: what is to be written, all
/// of it at once. Nothing is open then, so it moves and renames what is sealed
/// and changes none of it.
pub type Step = fn(&dyn Store) -> Result<Vec<Write>, VaultError>;

/// From format 1 to 2, from 2 to 3, and so on.
pub const STEPS: [Step; FORMAT as usize - 1] = [
    // Nothing moves: what a record of the first may say, one of the second may too.
    |_| Ok(Vec::new()),
];

/// The format of a store. A store that says nothing is of the first.
///
/// # Errors
/// [`VaultError::Malformed`], [`VaultError::Store`]
pub fn format_of(store: &dyn Store) -> Result<u32, VaultError> {
    read(store.get(place::FORMAT)?)
}

/// The one format whose mark is the bare number: programs that know no other are still
/// started on it. Every later one is marked with a digest, so that a flipped bit is
/// damage and not a newer program's work.
const BARE: u32 = 2;

/// What stands at its place in a repository of this format.
///
/// # Errors
/// [`VaultError::Malformed`] for the first, which needs no word.
pub fn mark_of(format: u32) -> Result<Vec<u8>, VaultError> {
    let malformed = |_| VaultError::Malformed("format");
    match format {
        ..BARE => Err(VaultError::Malformed("format")),
        BARE => cbor::to_vec(&format).map_err(malformed),
        _ => {
            let digest = cbor::digest("conclave/format/1", &format).map_err(malformed)?;
            cbor::to_vec(&(format, digest)).map_err(malformed)
        }
    }
}

/// Says that the repository is of this format.
pub(super) fn mark(format: u32) -> Result<Write, VaultError> {
    Ok(Write::Put(place::FORMAT.to_vec(), mark_of(format)?))
}

/// What stands at its place.
pub(super) fn read(value: Option<Vec<u8>>) -> Result<u32, VaultError> {
    let Some(bytes) = value else {
        return Ok(1);
    };
    let says = match cbor::exact::<(u32, Hash)>(&bytes) {
        Ok((format, _)) => format,
        Err(_) => BARE,
    };
    match mark_of(says)? == bytes {
        true => Ok(says),
        false => Err(VaultError::Malformed("format")),
    }
}

/// Brings a store up to the format that these steps end at, one step after the
/// other, each in one batch with the new format: cut anywhere, the next start
/// goes on from there.
///
/// # Errors
/// [`VaultError::NewerFormat`]; nothing is written then.
pub fn bring_up(store: &mut dyn Store, steps: &[Step]) -> Result<(), VaultError> {
    let knows = u32::try_from(steps.len()).unwrap_or(u32::MAX - 1) + 1;
    if store.last(b"")?.is_none() {
        // Nothing is here yet; whoever founds or restores a station marks it.
        return Ok(());
    }
    let mut format = format_of(store)?;
    if format > knows {
        return Err(VaultError::NewerFormat { format, knows });
    }
    while let Some(step) = steps.get(format as usize - 1) {
        let mut writes = step(store)?;
        format += 1;
        writes.push(mark(format)?);
        store.commit(&writes)?;
    }
    Ok(())
}
