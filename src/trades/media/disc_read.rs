//! Files on a disc, looked up in its bytes: no kernel parses what a stranger may
//! have written, and nothing is mounted.

use std::borrow::Cow;

use conclave_keyroom::ports::media::MediaError;

use super::disc::{DISC_MOST, SECTOR};
use super::name::check_name;

/// The first volume descriptor (ECMA-119 6.7.1).
const FIRST: usize = 16;
/// Escape sequences of Joliet's three levels of names.
const JOLIET: [&[u8]; 3] = [b"%/@", b"%/C", b"%/E"];
/// Bytes of a directory record before its name (ECMA-119 9.1).
const RECORD: usize = 33;
/// The most descriptors, and the most bytes of a directory, that are looked at.
const DESCRIPTORS_MOST: usize = 32;
const DIRECTORY_MOST: usize = 2 << 20;

/// Why bytes are no disc of bundles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscError {
    /// No volume descriptor of ISO 9660.
    #[error("this is no disc image")]
    NoDisc,
    /// The disc has no Joliet names.
    #[error("the disc has no Joliet names: only such discs are read")]
    NoJoliet,
    /// A number points outside, or a record is cut off.
    #[error("the disc's directory is damaged")]
    Damaged,
    /// A file longer than it may be.
    #[error("{0} bytes are more than such a file has")]
    TooLong(usize),
    /// The drive did not give the bytes.
    #[error(transparent)]
    Drive(#[from] MediaError),
}

/// Where the bytes of a disc come from: an image in memory, or a drive that gives
/// what it is asked for.
pub trait DiscBytes {
    /// `len` bytes from `at` on.
    ///
    /// # Errors
    /// [`DiscError::Damaged`] for what lies outside; [`DiscError::Drive`]
    fn piece(&self, at: usize, len: usize) -> Result<Cow<'_, [u8]>, DiscError>;
}

impl DiscBytes for &[u8] {
    fn piece(&self, at: usize, len: usize) -> Result<Cow<'_, [u8]>, DiscError> {
        let end = at.checked_add(len).ok_or(DiscError::Damaged)?;
        let bytes = self.get(at..end).ok_or(DiscError::Damaged)?;
        Ok(Cow::Borrowed(bytes))
    }
}

/// A place in the image: where, and how long, bytes.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    len: usize,
}

/// One entry of a directory.
struct Entry {
    name: String,
    place: Place,
    folder: bool,
}

/// A disc with its root folder found.
pub struct Disc<B> {
    bytes: B,
    root: Place,
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(four)).ok()
}

/// How many bytes the disc says it has, from its first descriptor: at least what
/// stands before that, and no more than is ever read.
#[must_use]
pub fn disc_length(head: &[u8]) -> Option<usize> {
    let descriptor = head.get(FIRST * SECTOR..(FIRST + 1) * SECTOR)?;
    (descriptor.get(1..6)? == b"CD001").then_some(())?;
    let length = number(descriptor, 80)?.checked_mul(SECTOR)?;
    ((FIRST + 1) * SECTOR..=DISC_MOST)
        .contains(&length)
        .then_some(length)
}

impl<B: DiscBytes> Disc<B> {
    /// Finds the root folder of the Joliet names.
    ///
    /// # Errors
    /// [`DiscError`]
    pub fn parse(bytes: B) -> Result<Self, DiscError> {
        let mut known = false;
        for at in FIRST..FIRST + DESCRIPTORS_MOST {
            let descriptor = match bytes.piece(at * SECTOR, SECTOR) {
                Ok(descriptor) => descriptor,
                // The disc ends here.
                Err(DiscError::Damaged) => break,
                Err(error) => return Err(error),
            };
            if descriptor.get(1..6) != Some(b"CD001") {
                break;
            }
            known = true;
            let escape = descriptor.get(88..91).unwrap_or_default();
            match descriptor.first() {
                Some(2) if JOLIET.contains(&escape) => {
                    let root = descriptor.get(156..190).ok_or(DiscError::Damaged)?;
                    let root = place(root).ok_or(DiscError::Damaged)?;
                    return Ok(Self { bytes, root });
                }
                Some(0xFF) => break,
                _ => {}
            }
        }
        Err(match known {
            true => DiscError::NoJoliet,
            false => DiscError::NoDisc,
        })
    }

    /// The plainly named folders on it, sorted.
    ///
    /// # Errors
    /// [`DiscError::Damaged`]
    pub fn folders(&self) -> Result<Vec<String>, DiscError> {
        let entries = self.entries(self.root)?.into_iter();
        let mut names: Vec<String> = entries.filter(|e| e.folder).map(|e| e.name).collect();
        names.sort();
        Ok(names)
    }

    /// The plainly named files in a folder, sorted; none where there is no such folder.
    ///
    /// # Errors
    /// [`DiscError::Damaged`]
    pub fn files(&self, folder: &str) -> Result<Vec<String>, DiscError> {
        let mut found = self.entries(self.root)?.into_iter();
        let Some(folder) = found.find(|e| e.folder && e.name == folder) else {
            return Ok(Vec::new());
        };
        let entries = self.entries(folder.place)?.into_iter();
        let mut names: Vec<String> = entries.filter(|e| !e.folder).map(|e| e.name).collect();
        names.sort();
        Ok(names)
    }

    /// The bytes of a file in a folder; none where there is no such file. Nothing
    /// else of the disc is read than the way to it.
    ///
    /// # Errors
    /// [`DiscError::Damaged`]; [`DiscError::TooLong`] above `most` bytes
    pub fn file(
        &self,
        folder: &str,
        name: &str,
        most: usize,
    ) -> Result<Option<Cow<'_, [u8]>>, DiscError> {
        let named = |entries: Vec<Entry>, name: &str, folder: bool| {
            let mut found = entries.into_iter();
            found.find(|e| e.folder == folder && e.name == name)
        };
        let Some(folder) = named(self.entries(self.root)?, folder, true) else {
            return Ok(None);
        };
        let Some(file) = named(self.entries(folder.place)?, name, false) else {
            return Ok(None);
        };
        if file.place.len > most {
            return Err(DiscError::TooLong(file.place.len));
        }
        self.bytes(file.place).map(Some)
    }

    fn bytes(&self, place: Place) -> Result<Cow<'_, [u8]>, DiscError> {
        self.bytes.piece(place.at, place.len)
    }

    /// What stands in a folder under plain names.
    fn entries(&self, folder: Place) -> Result<Vec<Entry>, DiscError> {
        if folder.len > DIRECTORY_MOST {
            return Err(DiscError::Damaged);
        }
        let mut out = Vec::new();
        for sector in self.bytes(folder)?.chunks(SECTOR) {
            let mut rest = sector;
            // A length of zero: the next record stands in the next sector.
            while let Some(len) = rest.first().map(|b| usize::from(*b)).filter(|l| *l > 0) {
                let (record, behind) = rest.split_at_checked(len).ok_or(DiscError::Damaged)?;
                rest = behind;
                out.extend(entry(record)?);
            }
        }
        Ok(out)
    }
}

fn place(record: &[u8]) -> Option<Place> {
    Some(Place {
        at: number(record, 2)?.checked_mul(SECTOR)?,
        len: number(record, 10)?,
    })
}

/// One record; nothing for `.`, `..` and names that are not plain.
fn entry(record: &[u8]) -> Result<Option<Entry>, DiscError> {
    let len = record.get(RECORD - 1).ok_or(DiscError::Damaged)?;
    let end = RECORD + usize::from(*len);
    let name = record.get(RECORD..end).ok_or(DiscError::Damaged)?;
    let place = place(record).ok_or(DiscError::Damaged)?;
    let flags = *record.get(25).ok_or(DiscError::Damaged)?;
    // A file in several extents is none of ours.
    if flags & 0x80 != 0 {
        return Err(DiscError::Damaged);
    }
    let units: Vec<u16> = name
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect();
    let Ok(name) = String::from_utf16(&units) else {
        return Ok(None);
    };
    let name = name.split_once(';').map_or(name.as_str(), |(name, _)| name);
    if name.is_empty() || check_name(name).is_err() {
        return Ok(None);
    }
    Ok(Some(Entry {
        name: name.to_owned(),
        place,
        folder: flags & 2 != 0,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::bundle::Bundle;
    use super::super::disc::disc_image;
    use super::*;

    fn bundle() -> Bundle {
        let files = (0..120u8)
            .map(|at| {
                let name = format!("BANK-LAKE.SOME-LONG-LABEL-OF-A-KEY.{at:03}.tr31");
                (name, vec![at; usize::from(at) * 37])
            })
            .chain([("manifest.cbor".to_owned(), vec![7; 5000])])
            .collect();
        Bundle::new("CONCLAVE-0041-TEST", files).unwrap()
    }

    #[test]
    fn every_file_is_found_again_and_no_cut_or_flipped_byte_does_harm() {
        let bundle = bundle();
        let image = disc_image(&bundle).unwrap();
        assert_eq!(disc_length(&image), Some(image.len()));
        let disc = Disc::parse(&image[..]).unwrap();
        assert_eq!(disc.folders().unwrap(), ["CONCLAVE-0041-TEST"]);
        for (name, bytes) in bundle.files() {
            let found = disc.file(bundle.folder(), name, bytes.len()).unwrap();
            assert_eq!(found.as_deref(), Some(&bytes[..]), "{name}");
        }
        let most = image.len();
        assert_eq!(disc.file(bundle.folder(), "other.txt", most), Ok(None));
        assert_eq!(disc.file("OTHER", "manifest.cbor", most), Ok(None));
        let long = disc.file(bundle.folder(), "manifest.cbor", 4999);
        assert_eq!(long, Err(DiscError::TooLong(5000)));
        for cut in (0..image.len()).step_by(997) {
            if let Ok(disc) = Disc::parse(&image[..cut]) {
                let _ = disc.folders();
                let _ = disc.file(bundle.folder(), "manifest.cbor", most);
            }
        }
        let mut bent = image.clone();
        for at in (FIRST * SECTOR..40 * SECTOR).step_by(3) {
            bent[at] ^= 0xFF;
            if let Ok(disc) = Disc::parse(&bent[..]) {
                let _ = disc.folders();
                let _ = disc.file(bundle.folder(), "manifest.cbor", most);
            }
            bent[at] ^= 0xFF;
        }
    }

    /// An image that counts what is asked of it.
    struct Counted<'i>(&'i [u8], std::cell::Cell<usize>);

    impl DiscBytes for Counted<'_> {
        fn piece(&self, at: usize, len: usize) -> Result<Cow<'_, [u8]>, DiscError> {
            self.1.set(self.1.get() + len);
            let bytes = self.0.get(at..at + len).ok_or(DiscError::Damaged)?;
            Ok(Cow::Borrowed(bytes))
        }
    }

    #[test]
    fn one_file_is_read_and_not_the_disc() {
        let files = (0..8u8).map(|at| (format!("f{at}"), vec![at; 1 << 20]));
        let bundle = Bundle::new("F", files.collect()).unwrap();
        let image = disc_image(&bundle).unwrap();
        let disc = Disc::parse(Counted(&image, std::cell::Cell::new(0))).unwrap();
        let file = disc.file("F", "f5", 1 << 20).unwrap().unwrap();
        assert_eq!(*file, vec![5; 1 << 20]);
        let read = disc.bytes.1.get();
        assert!(read <= (1 << 20) + 8 * SECTOR, "{read} bytes");
        let long = disc.file("F", "f6", 1000);
        assert_eq!(long, Err(DiscError::TooLong(1 << 20)));
        assert!(disc.bytes.1.get() <= read + 8 * SECTOR, "it was read first");
    }

    #[test]
    fn what_is_no_disc_is_named() {
        assert_eq!(Disc::parse(&[][..]).err(), Some(DiscError::NoDisc));
        let zeros = [0; 1 << 16];
        assert_eq!(Disc::parse(&zeros[..]).err(), Some(DiscError::NoDisc));
        let mut image = disc_image(&bundle()).unwrap();
        // The Joliet descriptor taken for another one.
        image[(FIRST + 1) * SECTOR + 90] = b'X';
        assert_eq!(Disc::parse(&image[..]).err(), Some(DiscError::NoJoliet));
        image[FIRST * SECTOR + 80..FIRST * SECTOR + 84].fill(0xFF);
        assert_eq!(disc_length(&image), None);
    }
}
