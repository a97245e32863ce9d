//! A bundle as one disc image, for media that are written once: ISO 9660 with
//! Joliet names (ECMA-119; Joliet Specification, 1995), in one session. The image
//! is the same for the same bundle: no dates stand in it.
//!
//! Nothing is mounted to read one: [`super::Disc`] looks a file up in the image's bytes.

use conclave_keyroom::ports::media::MediaError;

use super::bundle::{Bundle, TOTAL_MOST};

/// A sector, and a block of the file system, bytes.
pub const SECTOR: usize = 2048;
/// The first volume descriptor (ECMA-119 6.7.1): the sectors before it are empty.
const FIRST: usize = 16;
/// Path tables follow primary, Joliet and last descriptor.
const TABLES: usize = FIRST + 3;
/// Bytes of a directory record before its name (ECMA-119 9.1).
const RECORD: usize = 33;
/// The longest image that is read: a bundle's bytes, and room for its tables.
pub const DISC_MOST: usize = TOTAL_MOST + (32 << 20);

/// Numbers in both byte orders (ECMA-119 7.3.3, 7.2.3).
fn both(number: usize) -> Vec<u8> {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    [number.to_le_bytes(), number.to_be_bytes()].concat()
}

/// A directory record.
fn record(name: &[u8], sector: usize, len: usize, folder: bool) -> Vec<u8> {
    let padding = usize::from(name.len().is_multiple_of(2));
    let whole = RECORD + name.len() + padding;
    let mut out = vec![u8::try_from(whole).unwrap_or(u8::MAX), 0];
    out.extend(both(sector));
    out.extend(both(len));
    // Seven bytes of a date: none is specified.
    out.extend([0; 7]);
    out.extend([if folder { 2 } else { 0 }, 0, 0, 1, 0, 0, 1]);
    out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    out.extend(name);
    out.resize(whole, 0);
    out
}

/// Records one after the other; none crosses a sector.
fn directory(records: &[Vec<u8>]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for record in records {
        let left = SECTOR - out.len() % SECTOR;
        if left < record.len() {
            out.resize(out.len() + left, 0);
        }
        out.extend(record);
    }
    out.resize(out.len().next_multiple_of(SECTOR), 0);
    out
}

/// A path table of the root and one folder (ECMA-119 9.4).
fn path_table(root: usize, folder: usize, name: &[u8], little: bool) -> Vec<u8> {
    let number = |n: usize| {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        if little {
            n.to_le_bytes()
        } else {
            n.to_be_bytes()
        }
    };
    let parent: [u8; 2] = if little { [1, 0] } else { [0, 1] };
    let mut out = vec![1, 0];
    out.extend(number(root));
    out.extend(parent);
    out.extend([0, 0, u8::try_from(name.len()).unwrap_or(u8::MAX), 0]);
    out.extend(number(folder));
    out.extend(parent);
    out.extend(name);
    if !name.len().is_multiple_of(2) {
        out.push(0);
    }
    out
}

/// Joliet's characters: big-endian UCS-2. The names are ASCII.
fn wide(text: &str) -> Vec<u8> {
    text.bytes().flat_map(|b| [0, b]).collect()
}

/// What a volume descriptor says beside its kind.
struct Volume {
    joliet: bool,
    sectors: usize,
    table_len: usize,
    tables: usize,
    root: usize,
    root_len: usize,
}

impl Volume {
    /// ECMA-119 8.4 and 8.5.
    fn descriptor(&self) -> Vec<u8> {
        let text = |out: &mut Vec<u8>, text: &str, len: usize| {
            let bytes = if self.joliet { wide(text) } else { text.into() };
            let start = out.len();
            out.extend(bytes.iter().take(len));
            while out.len() < start + len {
                // A blank, of one byte or two.
                out.extend(if self.joliet { &[0, b' '][..] } else { b" " });
            }
            out.truncate(start + len);
        };
        let mut out = vec![if self.joliet { 2 } else { 1 }];
        out.extend(b"CD001\x01\x00");
        text(&mut out, "", 32);
        text(&mut out, "CONCLAVE", 32);
        out.extend([0; 8]);
        out.extend(both(self.sectors));
        let mut escape = [0; 32];
        if let (true, Some(to)) = (self.joliet, escape.get_mut(..3)) {
            to.copy_from_slice(b"%/E");
        }
        out.extend(escape);
        // One volume, of sectors of 2048 bytes.
        out.extend([1, 0, 0, 1, 1, 0, 0, 1, 0, 8, 8, 0]);
        out.extend(both(self.table_len));
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        out.extend(number(self.tables).to_le_bytes());
        out.extend([0; 4]);
        out.extend(number(self.tables + 1).to_be_bytes());
        out.extend([0; 4]);
        out.extend(record(&[0], self.root, self.root_len, true));
        for len in [128, 128, 128, 128, 37, 37, 37] {
            text(&mut out, "", len);
        }
        // Created, modified, expires, effective: not specified.
        for _ in 0..4 {
            out.extend(b"0000000000000000\x00");
        }
        out.push(1);
        out.resize(SECTOR, 0);
        out
    }
}

/// A bundle as the image of a disc: its folder with its files, in their order.
///
/// # Errors
/// [`MediaError::Full`] for more than a disc's numbers can say.
pub fn disc_image(bundle: &Bundle) -> Result<Vec<u8>, MediaError> {
    let files = bundle.files();
    let count = |bytes: usize| bytes.div_ceil(SECTOR);
    // Names of ISO 9660 level 1: any reader takes them; the real ones are Joliet's.
    let plain: Vec<Vec<u8>> = (1..=files.len())
        .map(|at| format!("FILE{at:04}.BIN;1").into_bytes())
        .collect();
    let real: Vec<Vec<u8>> = files
        .iter()
        .map(|(name, _)| wide(&format!("{name};1")))
        .collect();
    let folders = [b"BUNDLE".to_vec(), wide(bundle.folder())];
    let length = |names: &[Vec<u8>]| {
        let dots = [record(&[0], 0, 0, true), record(&[1], 0, 0, true)];
        let all = names.iter().map(|name| record(name, 0, 0, false));
        directory(&dots.into_iter().chain(all).collect::<Vec<_>>()).len()
    };
    let root = TABLES + 4;
    let folder = root + 2;
    let lengths = [length(&plain), length(&real)];
    let folder_at = [folder, folder + count(lengths[0])];
    let mut next = folder_at[1] + count(lengths[1]);
    let mut places = Vec::new();
    for (_, bytes) in files {
        places.push((next, bytes.len()));
        next += count(bytes.len());
    }
    if u32::try_from(next).is_err() || next.saturating_mul(SECTOR) > DISC_MOST {
        return Err(MediaError::Full);
    }

    let mut image = vec![0; FIRST * SECTOR];
    let mut sector = |bytes: Vec<u8>| {
        image.extend(bytes);
        let len = image.len().next_multiple_of(SECTOR);
        image.resize(len, 0);
    };
    for (at, name) in folders.iter().enumerate() {
        let table = path_table(root + at, folder_at[at], name, true);
        let volume = Volume {
            joliet: at == 1,
            sectors: next,
            table_len: table.len(),
            tables: TABLES + 2 * at,
            root: root + at,
            root_len: SECTOR,
        };
        sector(volume.descriptor());
    }
    sector(b"\xFFCD001\x01".to_vec());
    for (at, name) in folders.iter().enumerate() {
        for little in [true, false] {
            sector(path_table(root + at, folder_at[at], name, little));
        }
    }
    for (at, name) in folders.iter().enumerate() {
        sector(directory(&[
            record(&[0], root + at, SECTOR, true),
            record(&[1], root + at, SECTOR, true),
            record(name, folder_at[at], lengths[at], true),
        ]));
    }
    for (at, names) in [plain, real].into_iter().enumerate() {
        let mut all: Vec<(Vec<u8>, (usize, usize))> =
            names.into_iter().zip(places.iter().copied()).collect();
        all.sort();
        let dots = [
            record(&[0], folder_at[at], lengths[at], true),
            record(&[1], root + at, SECTOR, true),
        ];
        let files = all
            .iter()
            .map(|(name, (place, len))| record(name, *place, *len, false));
        sector(directory(
            &dots.into_iter().chain(files).collect::<Vec<_>>(),
        ));
    }
    for (_, bytes) in files {
        sector(bytes.clone());
    }
    Ok(image)
}
