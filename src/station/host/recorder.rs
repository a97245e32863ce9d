//! Recorders for discs that are written once. The session is written by xorriso,
//! which speaks to the drive; what a disc holds is read from its device directly.

use std::borrow::Cow;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use conclave_keyroom::ports::media::{FoundMedium, KnownBy, MediaError};
use conclave_trades::media::{Disc, DiscBytes, DiscError, SECTOR, disc_length, folder};
use rustix::fs::{major, minor};

use super::block::{device_serial, line_of, usb_port};

/// What a recorder's serial begins with.
const PREFIX: &str = "DRIVE:";
/// Bytes in which a disc says how long it is.
const HEAD: usize = 17 * SECTOR;
/// Bytes at the beginning of a disc that are read at one go: all that says where its
/// files are, of any bundle of usual size.
const FRONT: usize = 128 * SECTOR;
/// How long a drive may take to say what lies in it.
const LOOK_MOST: Duration = Duration::from_secs(60);
/// How long the largest disc may take at the slowest speed.
const WRITE_MOST: Duration = Duration::from_secs(3600);
/// So much of what the program says is kept, in bytes.
const SAID_MOST: u64 = 64 * 1024;
/// Discs that are written once.
const ONCE: [&str; 4] = ["CD-R", "DVD-R", "DVD+R", "BD-R"];

/// A recorder of the host.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// Its device, `/dev/sr0`; or a file, which stands for a disc.
    pub device: PathBuf,
    /// The program that writes a session.
    pub program: PathBuf,
}

/// What lies in a recorder.
struct Lying {
    blank: bool,
    free: u64,
}

fn broken(error: &std::io::Error) -> MediaError {
    MediaError::Broken(error.to_string())
}

/// All that a program says, the first [`SAID_MOST`] bytes of it kept.
fn said(from: Option<impl Read>) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut from) = from {
        // What it says until it fails is all there is.
        let _ = from.by_ref().take(SAID_MOST).read_to_end(&mut kept);
        let _ = std::io::copy(&mut from, &mut std::io::sink());
    }
    kept
}

/// Waits for the program; one that does not end in time is ended.
fn ended(child: &mut Child, most: Duration) -> Result<ExitStatus, MediaError> {
    #[allow(clippy::disallowed_methods)]
    // this is the host: the recorder's patience is in real time
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|e| broken(&e))? {
            return Ok(status);
        }
        if begun.elapsed() > most {
            let _ = child.kill();
            let _ = child.wait();
            return Err(MediaError::Broken("the recorder does not answer".into()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn damaged(error: DiscError) -> MediaError {
    match error {
        DiscError::Drive(error) => error,
        other => MediaError::Broken(other.to_string()),
    }
}

/// A disc in its drive. What says where its files are stands at its beginning and is
/// read once; a file is read from where it lies.
struct Lain<'d> {
    device: &'d Path,
    /// What the disc says that it has, bytes.
    len: usize,
    front: Vec<u8>,
}

impl DiscBytes for Lain<'_> {
    fn piece(&self, at: usize, len: usize) -> Result<Cow<'_, [u8]>, DiscError> {
        let end = at.checked_add(len).ok_or(DiscError::Damaged)?;
        if end > self.len {
            return Err(DiscError::Damaged);
        }
        match self.front.get(at..end) {
            Some(bytes) => Ok(Cow::Borrowed(bytes)),
            None => Ok(Cow::Owned(folder::read_device(self.device, at, len)?)),
        }
    }
}

impl Recorder {
    /// The recorder of a device, with the program where Debian has it.
    #[must_use]
    pub fn at(device: PathBuf) -> Self {
        Self {
            device,
            program: "/usr/bin/xorriso".into(),
        }
    }

    /// TRUE for the serial of a recorder.
    pub(super) fn is_serial(serial: &str) -> bool {
        serial.starts_with(PREFIX)
    }

    /// A device is a block device; what else stands there stands for a disc.
    fn is_device(&self) -> bool {
        fs::metadata(&self.device).is_ok_and(|file| file.file_type().is_block_device())
    }

    /// How xorriso calls it.
    fn address(&self) -> String {
        match self.is_device() {
            true => self.device.display().to_string(),
            false => format!("stdio:{}", self.device.display()),
        }
    }

    /// What tells the recorder from others, and whether it is an image.
    fn serial(&self, blocks: &Path, images: bool) -> Option<(String, bool)> {
        if !self.is_device() {
            let name = self.device.file_name()?.to_str()?;
            return images.then(|| (format!("{PREFIX}IMAGE-{name}"), true));
        }
        let number = fs::metadata(&self.device).ok()?.rdev();
        let block = blocks.join(format!("{}:{}", major(number), minor(number)));
        let device = fs::canonicalize(block).ok()?;
        let own = device_serial(&device).or_else(|| {
            // A drive within the computer has none; its make and model, and where
            // it is plugged in.
            let line = |name: &str| line_of(&device.join("device").join(name));
            let made = format!("{}_{}", line("vendor")?, line("model")?);
            Some(match usb_port(&device) {
                Some(port) => format!("{made}@{port}"),
                None => made,
            })
        })?;
        let plain = |c: char| c.is_ascii_graphic() && c != '/';
        let own: String = own
            .chars()
            .map(|c| if plain(c) { c } else { '_' })
            .collect();
        Some((format!("{PREFIX}{own}"), false))
    }

    /// Runs the program to its end, which comes within `most`.
    fn run(
        &self,
        words: &[&str],
        input: Option<&[u8]>,
        most: Duration,
    ) -> Result<Output, MediaError> {
        let mut child = Command::new(&self.program)
            // Nothing that lies in a folder of settings says what it does.
            .arg("-no_rc")
            .args(words)
            .env_clear()
            .env("LC_ALL", "C")
            .stdin(if input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| MediaError::Broken(format!("{}: {error}", self.program.display())))?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // What it says is read while it is fed: it may say more than a pipe holds.
        std::thread::scope(|scope| {
            let fed = scope.spawn(move || match (stdin, input) {
                (Some(mut stdin), Some(bytes)) => stdin.write_all(bytes),
                _ => Ok(()),
            });
            let stdout = scope.spawn(move || said(stdout));
            let stderr = scope.spawn(move || said(stderr));
            let status = ended(&mut child, most);
            let fed = fed.join().unwrap_or(Ok(()));
            let output = Output {
                status: status?,
                stdout: stdout.join().unwrap_or_default(),
                stderr: stderr.join().unwrap_or_default(),
            };
            match (output.status.success(), fed) {
                (true, Err(error)) => Err(broken(&error)),
                _ => Ok(output),
            }
        })
    }

    /// What lies in it; nothing where no disc does.
    fn lying(&self) -> Result<Option<Lying>, MediaError> {
        let output = self.run(&["-outdev", &self.address(), "-toc"], None, LOOK_MOST)?;
        let said = [output.stdout, output.stderr].concat();
        Ok(read_toc(&String::from_utf8_lossy(&said)))
    }

    /// TRUE for the recorder of this serial; it is not asked what lies in it.
    pub(super) fn is(&self, serial: &str, blocks: &Path, images: bool) -> bool {
        self.serial(blocks, images)
            .is_some_and(|(own, _)| own == serial)
    }

    /// The recorder as a medium, where a disc lies in it.
    pub(super) fn found(
        &self,
        blocks: &Path,
        images: bool,
    ) -> Result<Option<FoundMedium>, MediaError> {
        let Some((serial, training)) = self.serial(blocks, images) else {
            return Ok(None);
        };
        Ok(self.lying()?.map(|lying| FoundMedium {
            serial,
            known_by: KnownBy::Drive,
            free: lying.free,
            read_only: !lying.blank,
            lacks: Vec::new(),
            training,
        }))
    }

    /// Writes a disc, in one session that is closed.
    pub(super) fn write(&self, image: &[u8]) -> Result<(), MediaError> {
        if !self.lying()?.ok_or(MediaError::Missing)?.blank {
            return Err(MediaError::ReadOnly);
        }
        let device = format!("dev={}", self.address());
        let words = ["-as", "cdrecord", &device, "-nopad", "-"];
        let output = self.run(&words, Some(image), WRITE_MOST)?;
        if output.status.success() {
            return Ok(());
        }
        // What it says first is why.
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let why = said.lines().find(|line| line.contains("FAILURE"));
        let why: String = why
            .unwrap_or("the recorder failed")
            .chars()
            .filter(|c| !c.is_control())
            .take(120)
            .collect();
        Err(MediaError::Broken(why))
    }

    /// The first bytes of the disc, past every cache.
    pub(super) fn read(&self, len: usize) -> Result<Vec<u8>, MediaError> {
        folder::read_device(&self.device, 0, len)
    }

    /// The disc that lies in it, of which no more is read than what is looked for.
    fn disc(&self) -> Result<Disc<Lain<'_>>, MediaError> {
        let mut head = self.read(HEAD)?;
        let len = disc_length(&head).ok_or_else(|| damaged(DiscError::NoDisc))?;
        // A disc that does not give all of it is read piece by piece.
        if let Ok(front) = self.read(len.min(FRONT)) {
            head = front;
        }
        let lain = Lain {
            device: &self.device,
            len,
            front: head,
        };
        Disc::parse(lain).map_err(damaged)
    }

    /// The folders on the disc.
    pub(super) fn folders(&self) -> Result<Vec<String>, MediaError> {
        self.disc()?.folders().map_err(damaged)
    }

    /// The files in a folder of the disc.
    pub(super) fn files(&self, folder: &str) -> Result<Vec<String>, MediaError> {
        self.disc()?.files(folder).map_err(damaged)
    }

    /// A file of the disc.
    pub(super) fn file(&self, folder: &str, name: &str, most: u64) -> Result<Vec<u8>, MediaError> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let disc = self.disc()?;
        match disc.file(folder, name, most) {
            Ok(Some(bytes)) => Ok(bytes.into_owned()),
            Ok(None) | Err(DiscError::TooLong(_)) => Err(MediaError::ReadBack(name.to_owned())),
            Err(error) => Err(damaged(error)),
        }
    }
}

/// What `-toc` says: `Media current: DVD-R sequential recording`,
/// `Media status : is blank`, `Media blocks : 0 readable , 359844 writable , 359844
/// overall`. A disc that can be written again takes nothing: it counts as written.
fn read_toc(text: &str) -> Option<Lying> {
    let of = |name: &str| {
        let mut lines = text.lines().rev();
        lines.find_map(|line| line.trim().strip_prefix(name)?.trim().strip_prefix(':'))
    };
    let status = of("Media status")?;
    if !status.contains("is blank") && !status.contains("is written") {
        return None;
    }
    let kind = of("Media current").unwrap_or_default();
    // `DVD-R/DL sequential recording`; a file stands for a disc of the training room.
    let kind = kind.trim().split([' ', '/']).next().unwrap_or_default();
    let once = ONCE.contains(&kind) || kind == "stdio";
    let blank = once && status.contains("is blank");
    let blocks = of("Media blocks").unwrap_or_default();
    let writable = blocks
        .split(',')
        .find_map(|part| part.trim().strip_suffix("writable")?.trim().parse().ok());
    let sector = u64::try_from(SECTOR).unwrap_or(u64::MAX);
    let free = match blank {
        true => writable.unwrap_or(0u64).saturating_mul(sector),
        false => 0,
    };
    Some(Lying { blank, free })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_says_of_a_disc_is_read() {
        let blank = "Media current: DVD-R sequential recording\n\
            Media status : is blank\n\
            Media blocks : 0 readable , 2297888 writable , 2297888 overall\n";
        let lying = read_toc(blank).unwrap();
        assert!(lying.blank);
        assert_eq!(lying.free, 2_297_888 * 2048);
        let written = blank.replace("is blank", "is written , is closed");
        let lying = read_toc(&written).unwrap();
        assert!(!lying.blank && lying.free == 0);
        for kind in [
            "CD-R",
            "DVD+R/DL",
            "BD-R random recording",
            "stdio file, overwriteable",
        ] {
            let one = blank.replace("DVD-R sequential recording", kind);
            assert!(read_toc(&one).unwrap().blank, "{kind}");
        }
        for kind in [
            "CD-RW",
            "DVD-RW sequential recording",
            "DVD+RW",
            "BD-RE",
            "DVD-RAM",
            "",
        ] {
            let one = blank.replace("DVD-R sequential recording", kind);
            assert!(
                !read_toc(&one).unwrap().blank,
                "{kind} may be written again"
            );
        }
        for none in [
            "",
            "Media status : is not recognizable\n",
            "Media current: is not present\n",
        ] {
            assert!(read_toc(none).is_none(), "{none}");
        }
    }
}
