//! Files below one folder: how the host's media and the training stick both
//! write and read back.
//!
//! No name is ever followed: every step is taken from an open folder, links
//! are refused, and nothing is replaced. Reading goes past the page cache, so
//! that what comes back is what the medium holds.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use conclave_keyroom::ports::media::MediaError;
use rustix::fs::{
    Advice, AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, SeekFrom, fadvise, fstat, fstatvfs,
    fsync, linkat, mkdirat, openat, renameat, renameat_with, seek, statat, unlinkat,
};
use rustix::io::Errno;

use super::name::{UNFINISHED, check_name};

/// What direct reading wants buffers and lengths to be multiples of, bytes.
const ALIGNED: usize = 4096;

/// How much is read at a time, bytes.
const PIECE: usize = 256 * 1024;

/// The folders that this run of the program made. A folder that stood on the
/// medium before takes no file of ours.
#[derive(Default)]
pub struct Made(BTreeSet<(String, String)>);

/// Opens a medium's root folder. The path is the station's own, not the
/// medium's.
///
/// # Errors
/// [`MediaError::Missing`], [`MediaError::Broken`]
pub fn open_root(path: &Path) -> Result<OwnedFd, MediaError> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(|e| match e {
        Errno::NOENT => MediaError::Missing,
        other => failed(other, ""),
    })
}

/// Bytes free for us on the file system of an open folder.
///
/// # Errors
/// [`MediaError::Broken`]
pub fn free(root: BorrowedFd<'_>) -> Result<u64, MediaError> {
    let stat = fstatvfs(root).map_err(|e| failed(e, ""))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// A file that is being written, under a name that says so. Dropped before
/// [`Draft::finish`], it stays as a cut would leave it.
pub struct Draft {
    folder: OwnedFd,
    file: OwnedFd,
    name: String,
}

impl Draft {
    /// Makes the folder, unless this run made it before, and in it an empty
    /// file of our own.
    ///
    /// # Errors
    /// [`MediaError::Exists`] where a folder of that name stood before, or a
    /// file or link of the unfinished file's; [`MediaError::Name`], and the
    /// medium's own failures.
    pub fn begin(
        root: BorrowedFd<'_>,
        made: &mut Made,
        serial: &str,
        folder: &str,
        name: &str,
    ) -> Result<Self, MediaError> {
        check_name(folder)?;
        check_name(name)?;
        let key = (serial.to_owned(), folder.to_owned());
        match mkdirat(root, folder, Mode::from_raw_mode(0o755)) {
            Ok(()) => {
                fsync(root).map_err(|e| failed(e, folder))?;
                made.0.insert(key);
            }
            Err(Errno::EXIST) if made.0.contains(&key) => {}
            Err(error) => return Err(failed(error, folder)),
        }
        let folder = open_folder(root, folder)?;
        let flags =
            OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(
            &folder,
            format!("{name}{UNFINISHED}"),
            flags,
            Mode::from_raw_mode(0o644),
        )
        .map_err(|e| failed(e, name))?;
        Ok(Self {
            folder,
            file,
            name: name.to_owned(),
        })
    }

    /// Writes more of it.
    ///
    /// # Errors
    /// [`MediaError::Full`], [`MediaError::Broken`]
    pub fn append(&mut self, mut bytes: &[u8]) -> Result<(), MediaError> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.file, bytes) {
                Ok(0) => return Err(MediaError::Broken("it takes no more bytes".into())),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(failed(error, &self.name)),
            }
        }
        Ok(())
    }

    /// Gives it its name, on the medium and not only in the cache.
    ///
    /// # Errors
    /// [`MediaError::Exists`] where something of that name stands there.
    pub fn finish(self) -> Result<(), MediaError> {
        let at = |error| failed(error, &self.name);
        fsync(&self.file).map_err(at)?;
        let unfinished = format!("{}{UNFINISHED}", self.name);
        let folder = self.folder.as_fd();
        match renameat_with(
            folder,
            &unfinished,
            folder,
            &self.name,
            RenameFlags::NOREPLACE,
        ) {
            Ok(()) => {}
            // Some file systems cannot promise not to replace.
            Err(Errno::INVAL | Errno::NOSYS) => {
                name_without_promise(folder, &unfinished, &self.name).map_err(at)?;
            }
            Err(error) => return Err(at(error)),
        }
        fsync(folder).map_err(at)
    }

    /// Takes it away, as far as the medium lets us.
    pub fn discard(self) {
        let unfinished = format!("{}{UNFINISHED}", self.name);
        let _ = unlinkat(&self.folder, unfinished, AtFlags::empty());
        let _ = fsync(&self.folder);
    }
}

/// Where a file system cannot promise not to replace: by a link; and where it has
/// none either (FAT below FUSE), by looking first. The folder is one that this run
/// made, so nobody else is at work in it.
fn name_without_promise(folder: BorrowedFd<'_>, unfinished: &str, name: &str) -> Result<(), Errno> {
    match linkat(folder, unfinished, folder, name, AtFlags::empty()) {
        Ok(()) => unlinkat(folder, unfinished, AtFlags::empty()),
        Err(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP) => {
            match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => Err(Errno::EXIST),
                Err(Errno::NOENT) => renameat(folder, unfinished, folder, name),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Writes one file whole, or leaves none.
///
/// # Errors
/// See [`Draft`].
pub fn write(
    root: BorrowedFd<'_>,
    made: &mut Made,
    serial: &str,
    folder: &str,
    name: &str,
    bytes: &[u8],
) -> Result<(), MediaError> {
    let mut draft = Draft::begin(root, made, serial, folder, name)?;
    match draft.append(bytes) {
        Ok(()) => draft.finish(),
        Err(error) => {
            draft.discard();
            Err(error)
        }
    }
}

/// Reads a file back from the medium itself: with direct reading where the
/// file system takes it; elsewhere after its pages were dropped.
///
/// # Errors
/// [`MediaError::ReadBack`] for a file that is not there, is a link or a
/// device, or is longer than `most`; [`MediaError::Broken`].
pub fn read_back(
    root: BorrowedFd<'_>,
    folder: &str,
    name: &str,
    most: u64,
) -> Result<Vec<u8>, MediaError> {
    check_name(folder)?;
    check_name(name)?;
    let differs = || MediaError::ReadBack(name.to_owned());
    let at = |error| match error {
        Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NXIO => differs(),
        other => failed(other, name),
    };
    let folder = match open_folder(root, folder) {
        Ok(folder) => folder,
        Err(MediaError::Missing) => return Err(differs()),
        Err(error) => return Err(error),
    };
    // Without NONBLOCK a pipe in the file's place would wait for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let (file, direct) = match openat(&folder, name, flags | OFlags::DIRECT, Mode::empty()) {
        Ok(file) => (file, true),
        Err(Errno::INVAL) => {
            let file = openat(&folder, name, flags, Mode::empty()).map_err(at)?;
            (file, false)
        }
        Err(error) => return Err(at(error)),
    };
    let stat = fstat(&file).map_err(at)?;
    let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || size > most {
        return Err(differs());
    }
    if !direct {
        fsync(&file).map_err(at)?;
        fadvise(&file, 0, None, Advice::DontNeed).map_err(at)?;
    }
    let size = usize::try_from(size).map_err(|_| differs())?;
    let out = read_whole(file.as_fd(), size, name)?;
    if out.len() == size {
        Ok(out)
    } else {
        Err(differs())
    }
}

/// Up to `size` bytes of an open file, in pieces that direct reading takes.
fn read_whole(file: BorrowedFd<'_>, size: usize, name: &str) -> Result<Vec<u8>, MediaError> {
    let mut out = Vec::with_capacity(size);
    let mut buffer = vec![0u8; PIECE + ALIGNED];
    let start = buffer.as_ptr().align_offset(ALIGNED);
    let piece = buffer
        .get_mut(start..start + PIECE)
        .ok_or_else(|| MediaError::Broken("no memory for direct reading".into()))?;
    while out.len() < size {
        // The last piece ends with the size, in whole blocks: a drive fails behind
        // the end of what was written.
        let most = (size - out.len()).next_multiple_of(ALIGNED).min(PIECE);
        let room = piece.get_mut(..most).unwrap_or_default();
        match rustix::io::read(file, room) {
            Ok(0) => break,
            Ok(read) => out.extend_from_slice(piece.get(..read).unwrap_or_default()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(failed(error, name)),
        }
    }
    Ok(out)
}

/// `len` bytes of a device, or of a file that stands for one, from the byte `from` on,
/// past every cache. The path is the station's own.
///
/// # Errors
/// [`MediaError::Missing`], [`MediaError::Broken`]; [`MediaError::ReadBack`] where
/// it has fewer.
pub fn read_device(path: &Path, from: usize, len: usize) -> Result<Vec<u8>, MediaError> {
    let at = |error| match error {
        Errno::NOENT | Errno::NOMEDIUM | Errno::NXIO => MediaError::Missing,
        other => failed(other, ""),
    };
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let (file, direct) = match rustix::fs::open(path, flags | OFlags::DIRECT, Mode::empty()) {
        Ok(file) => (file, true),
        Err(Errno::INVAL) => {
            let file = rustix::fs::open(path, flags, Mode::empty()).map_err(at)?;
            (file, false)
        }
        Err(error) => return Err(at(error)),
    };
    if !direct {
        fadvise(&file, 0, None, Advice::DontNeed).map_err(at)?;
    }
    // Direct reading begins at whole blocks too.
    let skipped = from % ALIGNED;
    let whole = skipped.saturating_add(len);
    let start = u64::try_from(from - skipped).unwrap_or(u64::MAX);
    seek(&file, SeekFrom::Start(start)).map_err(at)?;
    let out = read_whole(file.as_fd(), whole, "the disc")?;
    let wanted = out.get(skipped..whole).map(<[u8]>::to_vec);
    wanted.ok_or_else(|| MediaError::ReadBack("the disc".into()))
}

/// The most folders on a medium, or files in one, that are looked at.
const FOLDERS_MOST: usize = 10_000;

/// The plainly named folders on a medium, sorted.
///
/// # Errors
/// [`MediaError::Broken`]
pub fn folders(root: BorrowedFd<'_>) -> Result<Vec<String>, MediaError> {
    let at = |error| failed(error, "");
    let mut names = Vec::new();
    for entry in Dir::read_from(root).map_err(at)? {
        let entry = entry.map_err(at)?;
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        if check_name(name).is_ok() && open_folder(root, name).is_ok() {
            names.push(name.to_owned());
        }
        if names.len() > FOLDERS_MOST {
            return Err(MediaError::Broken("it has too many folders".into()));
        }
    }
    names.sort();
    Ok(names)
}

/// The plainly named files in a folder of a medium, sorted; none where there is no
/// such folder.
///
/// # Errors
/// [`MediaError::Broken`], [`MediaError::Name`]
pub fn files(root: BorrowedFd<'_>, folder: &str) -> Result<Vec<String>, MediaError> {
    check_name(folder)?;
    let folder = match open_folder(root, folder) {
        Ok(folder) => folder,
        Err(MediaError::Missing) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let at = |error| failed(error, "");
    let mut names = Vec::new();
    for (seen, entry) in Dir::read_from(&folder).map_err(at)?.enumerate() {
        let entry = entry.map_err(at)?;
        if seen > FOLDERS_MOST {
            return Err(MediaError::Broken("it has too many files".into()));
        }
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        let stat = statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW);
        let plain = |mode| FileType::from_raw_mode(mode) == FileType::RegularFile;
        if check_name(name).is_ok() && stat.is_ok_and(|stat| plain(stat.st_mode)) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn open_folder(root: BorrowedFd<'_>, folder: &str) -> Result<OwnedFd, MediaError> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    openat(root, folder, flags, Mode::empty()).map_err(|e| match e {
        Errno::NOENT => MediaError::Missing,
        Errno::LOOP | Errno::NOTDIR => {
            MediaError::Broken(format!("{folder} is not a folder any more"))
        }
        other => failed(other, folder),
    })
}

fn failed(error: Errno, name: &str) -> MediaError {
    match error {
        Errno::NOSPC | Errno::DQUOT => MediaError::Full,
        Errno::EXIST => MediaError::Exists(name.to_owned()),
        Errno::ROFS => MediaError::ReadOnly,
        other => MediaError::Broken(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    struct Stick {
        dir: tempfile::TempDir,
        root: OwnedFd,
        made: Made,
    }

    fn stick() -> Stick {
        let dir = tempfile::tempdir().unwrap();
        let root = open_root(dir.path()).unwrap();
        Stick {
            dir,
            root,
            made: Made::default(),
        }
    }

    impl Stick {
        fn write(&mut self, folder: &str, name: &str, bytes: &[u8]) -> Result<(), MediaError> {
            write(self.root.as_fd(), &mut self.made, "S", folder, name, bytes)
        }

        fn read(&self, folder: &str, name: &str, most: u64) -> Result<Vec<u8>, MediaError> {
            read_back(self.root.as_fd(), folder, name, most)
        }
    }

    #[test]
    fn what_was_written_reads_back_at_every_length_around_a_block() {
        let mut stick = stick();
        for len in [0, 1, 511, 512, 4095, 4096, 4097, PIECE, PIECE + 1] {
            let bytes: Vec<u8> = (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let name = format!("f{len}");
            stick.write("F", &name, &bytes).unwrap();
            let most = u64::try_from(len).unwrap();
            assert_eq!(stick.read("F", &name, most).unwrap(), bytes, "{len}");
            if len > 0 {
                assert_eq!(
                    stick.read("F", &name, most - 1),
                    Err(MediaError::ReadBack(name))
                );
            }
        }
        let unfinished = fs::read_dir(stick.dir.path().join("F"))
            .unwrap()
            .filter(|e| e.as_ref().unwrap().path().extension() == Some("part".as_ref()))
            .count();
        assert_eq!(unfinished, 0);
    }

    #[test]
    fn nothing_that_stood_there_is_used_or_replaced() {
        let mut stick = stick();
        let exists = |name: &str| Err(MediaError::Exists(name.into()));
        fs::create_dir(stick.dir.path().join("OLD")).unwrap();
        assert_eq!(stick.write("OLD", "a", b"x"), exists("OLD"));

        stick.write("F", "a", b"first").unwrap();
        assert_eq!(stick.write("F", "a", b"second"), exists("a"));
        assert_eq!(stick.read("F", "a", 5).unwrap(), b"first");
    }

    #[test]
    fn a_link_on_the_stick_leads_nowhere() {
        let mut stick = stick();
        let outside = tempfile::tempdir().unwrap();
        let victim = outside.path().join("victim");
        fs::write(&victim, b"keep").unwrap();

        symlink(outside.path(), stick.dir.path().join("F")).unwrap();
        assert_eq!(
            stick.write("F", "a", b"x"),
            Err(MediaError::Exists("F".into()))
        );

        stick.write("G", "a", b"x").unwrap();
        symlink(&victim, stick.dir.path().join("G/b")).unwrap();
        symlink(&victim, stick.dir.path().join("G/c.part")).unwrap();
        assert_eq!(
            stick.write("G", "b", b"x"),
            Err(MediaError::Exists("b".into()))
        );
        assert_eq!(
            stick.write("G", "c", b"x"),
            Err(MediaError::Exists("c".into()))
        );
        assert_eq!(
            stick.read("G", "b", 99),
            Err(MediaError::ReadBack("b".into()))
        );
        assert_eq!(fs::read(&victim).unwrap(), b"keep");

        // Our own folder turned into a link between two files.
        fs::rename(stick.dir.path().join("G"), stick.dir.path().join("H")).unwrap();
        symlink(outside.path(), stick.dir.path().join("G")).unwrap();
        assert!(matches!(
            stick.write("G", "d", b"x"),
            Err(MediaError::Broken(_))
        ));
        assert!(matches!(
            stick.read("G", "victim", 99),
            Err(MediaError::Broken(_))
        ));
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    }

    #[test]
    fn names_that_climb_are_refused_before_anything_is_opened() {
        let mut stick = stick();
        for (folder, name) in [
            ("..", "a"),
            ("F", "../a"),
            ("F/G", "a"),
            ("", "a"),
            ("F", ""),
        ] {
            assert!(matches!(
                stick.write(folder, name, b"x"),
                Err(MediaError::Name(_))
            ));
            assert!(matches!(
                stick.read(folder, name, 9),
                Err(MediaError::Name(_))
            ));
        }
        assert_eq!(fs::read_dir(stick.dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn files_are_named_and_nothing_else() {
        let mut stick = stick();
        stick.write("F", "b.tr31", b"x").unwrap();
        stick.write("F", "a.tr31", b"x").unwrap();
        fs::create_dir(stick.dir.path().join("F/folder")).unwrap();
        symlink("a.tr31", stick.dir.path().join("F/link")).unwrap();
        fs::write(stick.dir.path().join("F/.hidden"), b"").unwrap();
        fs::write(stick.dir.path().join("F/e\u{1b}[2J"), b"").unwrap();
        let named = files(stick.root.as_fd(), "F").unwrap();
        assert_eq!(named, ["a.tr31", "b.tr31"]);
        assert!(files(stick.root.as_fd(), "G").unwrap().is_empty());
        assert!(matches!(
            files(stick.root.as_fd(), "../F"),
            Err(MediaError::Name(_))
        ));
    }

    #[test]
    fn a_pipe_in_a_files_place_is_refused_and_does_not_wait() {
        let mut stick = stick();
        stick.write("F", "a", b"x").unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(stick.dir.path().join("F/pipe"))
            .status()
            .unwrap();
        assert!(made.success());
        assert_eq!(
            stick.read("F", "pipe", 99),
            Err(MediaError::ReadBack("pipe".into()))
        );
    }

    #[test]
    fn a_draft_that_is_dropped_is_no_file() {
        let mut stick = stick();
        let mut draft = Draft::begin(stick.root.as_fd(), &mut stick.made, "S", "F", "a").unwrap();
        draft.append(b"half").unwrap();
        drop(draft);
        assert_eq!(
            stick.read("F", "a", 99),
            Err(MediaError::ReadBack("a".into()))
        );
        assert_eq!(
            fs::read(stick.dir.path().join("F/a.part")).unwrap(),
            b"half"
        );
    }
}
