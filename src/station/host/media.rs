//! Media of the host: file systems that are mounted now, told apart by the
//! serial of their device and the id of their file system.
//!
//! The system mounts them (udev, or an operator); this only looks. A stick that
//! has no serial of its own is known by the USB port that it is plugged into, and
//! takes nothing until two people have read its plate; another medium without one
//! is not found at all, since it cannot be told from others.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use conclave_keyroom::domain::Permission;
use conclave_keyroom::ports::media::{FoundMedium, KnownBy, Media, MediaError};
use conclave_trades::media::folder::{self, Made};
use rustix::fs::{fstat, major, makedev, minor};

use super::block::{device_serial, disk_sequence, is_removable, usb_port};
use super::recorder::Recorder;
use super::superblock;

/// Where the host's media are looked for.
#[derive(Clone, Debug)]
pub struct MediaPlaces {
    /// A file system mounted at or below one of these is a medium. Removable
    /// devices are media wherever they are mounted.
    pub mount_points: Vec<PathBuf>,
    /// What is mounted: `/proc/self/mountinfo`.
    pub mountinfo: PathBuf,
    /// Block devices by number: `/sys/dev/block`.
    pub blocks: PathBuf,
    /// Takes media without a serial of the device's own, by their file
    /// system's id alone. It can be copied, so this is for images that stand
    /// for sticks; they are training media.
    pub images: bool,
    /// Recorders for discs.
    pub recorders: Vec<Recorder>,
}

impl MediaPlaces {
    /// The system's own places, and these mount points.
    #[must_use]
    pub fn of_system(mount_points: Vec<PathBuf>) -> Self {
        Self {
            mount_points,
            mountinfo: "/proc/self/mountinfo".into(),
            blocks: "/sys/dev/block".into(),
            images: false,
            recorders: Vec::new(),
        }
    }
}

/// The host's media.
pub struct HostMedia {
    places: MediaPlaces,
    made: Made,
    /// Media without a serial number whose plate two people read, each with the
    /// number that its disk had then.
    plates_read: BTreeSet<(String, u64)>,
}

/// A medium with where it is.
struct Mounted {
    medium: FoundMedium,
    root: OwnedFd,
}

/// What tells a medium from others.
struct Identity {
    serial: String,
    training: bool,
    /// It is known by its port alone; the number its disk has this time.
    sequence: Option<u64>,
}

impl HostMedia {
    /// Media of these places.
    #[must_use]
    pub fn new(places: MediaPlaces) -> Self {
        Self {
            places,
            made: Made::default(),
            plates_read: BTreeSet::new(),
        }
    }

    /// What is mounted and can be told apart.
    fn mounted(&self) -> Result<Vec<Mounted>, MediaError> {
        let table = fs::read_to_string(&self.places.mountinfo).map_err(broken)?;
        let mut found: Vec<(u64, Mounted)> = Vec::new();
        for mount in table.lines().filter_map(Mount::parse) {
            let block = self
                .places
                .blocks
                .join(format!("{}:{}", mount.major, mount.minor));
            let Ok(device) = fs::canonicalize(&block) else {
                continue;
            };
            let named = self
                .places
                .mount_points
                .iter()
                .any(|place| mount.point.starts_with(place));
            let device_number = makedev(mount.major, mount.minor);
            if !(named || is_removable(&device))
                || found.iter().any(|(number, _)| *number == device_number)
            {
                continue;
            }
            let Some(identity) = self.identity(&mount, &device) else {
                continue;
            };
            // A medium that goes while we look is no medium.
            let Ok(root) = folder::open_root(&mount.point) else {
                continue;
            };
            if fstat(&root).map_or(true, |stat| stat.st_dev != device_number) {
                continue;
            }
            let Ok(free) = folder::free(root.as_fd()) else {
                continue;
            };
            let Identity {
                serial,
                training,
                sequence,
            } = identity;
            let known_by = match sequence {
                None => KnownBy::Serial,
                Some(sequence) => KnownBy::Port {
                    plate_read: self.plates_read.contains(&(serial.clone(), sequence)),
                    appeared: sequence,
                },
            };
            let medium = FoundMedium {
                serial,
                known_by,
                free,
                read_only: mount.read_only,
                lacks: mount.lacks,
                training,
            };
            let mounted = Mounted { medium, root };
            found.push((device_number, mounted));
        }
        Ok(found.into_iter().map(|(_, mounted)| mounted).collect())
    }

    /// Device serial and file system id. Without a serial, the port in its place,
    /// where the kernel tells that another disk is in it.
    fn identity(&self, mount: &Mount, device: &Path) -> Option<Identity> {
        let id = filesystem_id(mount, self.places.images)?;
        let known = |serial, training, sequence| {
            Some(Identity {
                serial,
                training,
                sequence,
            })
        };
        if let Some(serial) = device_serial(device) {
            // A stick says of itself what it likes, but not that it is a port, a
            // drive or an image: one that does is told from nothing.
            return (!stands_for_another(&serial))
                .then(|| known(format!("{serial}/{id}"), false, None))
                .flatten();
        }
        if let (Some(port), Some(sequence)) = (usb_port(device), disk_sequence(device)) {
            return known(format!("PORT:{port}/{id}"), false, Some(sequence));
        }
        self.places
            .images
            .then_some(())
            .and_then(|()| known(format!("IMAGE/{id}"), true, None))
    }

    fn one(&self, serial: &str) -> Result<Mounted, MediaError> {
        let mounted = self.mounted()?;
        let there = !mounted.is_empty();
        mounted
            .into_iter()
            .find(|m| m.medium.serial == serial)
            .ok_or(if there {
                MediaError::Wrong
            } else {
                MediaError::Missing
            })
    }

    /// The recorder of this serial.
    fn recorder(&self, serial: &str) -> Result<&Recorder, MediaError> {
        let (blocks, images) = (&self.places.blocks, self.places.images);
        let mut all = self.places.recorders.iter();
        all.find(|recorder| recorder.is(serial, blocks, images))
            .ok_or(MediaError::Missing)
    }

    fn root(&self, serial: &str) -> Result<OwnedFd, MediaError> {
        self.one(serial).map(|m| m.root)
    }

    /// The root of a medium that is certainly the one of this serial.
    fn certain(&self, serial: &str) -> Result<OwnedFd, MediaError> {
        let one = self.one(serial)?;
        match one.medium.known_by {
            KnownBy::Port {
                plate_read: false, ..
            } => Err(MediaError::Plate),
            KnownBy::Port { .. } | KnownBy::Serial | KnownBy::Drive => Ok(one.root),
        }
    }
}

impl Media for HostMedia {
    fn found(&mut self) -> Result<Vec<FoundMedium>, MediaError> {
        let mut found: Vec<FoundMedium> = self.mounted()?.into_iter().map(|m| m.medium).collect();
        for recorder in &self.places.recorders {
            // One that fails, or has no program, is no medium, and keeps no stick
            // from being one.
            let lying = recorder.found(&self.places.blocks, self.places.images);
            found.extend(lying.ok().flatten());
        }
        Ok(found)
    }

    fn write_disc(
        &mut self,
        permit: &dyn Permission,
        serial: &str,
        image: &[u8],
    ) -> Result<(), MediaError> {
        let recorder = self.recorder(serial)?;
        if !permit.may_continue() {
            return Err(MediaError::Stopped);
        }
        recorder.write(image)
    }

    fn read_disc(
        &mut self,
        _permit: &dyn Permission,
        serial: &str,
        len: usize,
    ) -> Result<Vec<u8>, MediaError> {
        self.recorder(serial)?.read(len)
    }

    fn plate_was_read(
        &mut self,
        _: &dyn Permission,
        serial: &str,
        appeared: u64,
    ) -> Result<(), MediaError> {
        match self.one(serial)?.medium.known_by {
            KnownBy::Port { appeared: now, .. } if now == appeared => {
                self.plates_read.insert((serial.to_owned(), appeared));
                Ok(())
            }
            KnownBy::Port { .. } => Err(MediaError::Exchanged),
            KnownBy::Serial | KnownBy::Drive => Err(MediaError::Wrong),
        }
    }

    fn write(
        &mut self,
        permit: &dyn Permission,
        serial: &str,
        folder: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), MediaError> {
        if Recorder::is_serial(serial) {
            return Err(MediaError::Sessions);
        }
        let root = self.certain(serial)?;
        if !permit.may_continue() {
            return Err(MediaError::Stopped);
        }
        folder::write(root.as_fd(), &mut self.made, serial, folder, name, bytes)
    }

    fn read_back(
        &mut self,
        _permit: &dyn Permission,
        serial: &str,
        folder: &str,
        name: &str,
        most: u64,
    ) -> Result<Vec<u8>, MediaError> {
        if Recorder::is_serial(serial) {
            return self.recorder(serial)?.file(folder, name, most);
        }
        let root = self.certain(serial)?;
        folder::read_back(root.as_fd(), folder, name, most)
    }

    fn folders(&mut self, serial: &str) -> Result<Vec<String>, MediaError> {
        if Recorder::is_serial(serial) {
            return self.recorder(serial)?.folders();
        }
        let root = self.root(serial)?;
        folder::folders(root.as_fd())
    }

    fn files(&mut self, serial: &str, folder: &str) -> Result<Vec<String>, MediaError> {
        if Recorder::is_serial(serial) {
            return self.recorder(serial)?.files(folder);
        }
        let root = self.root(serial)?;
        folder::files(root.as_fd(), folder)
    }

    fn read(
        &mut self,
        serial: &str,
        folder: &str,
        name: &str,
        most: u64,
    ) -> Result<Vec<u8>, MediaError> {
        if Recorder::is_serial(serial) {
            return self.recorder(serial)?.file(folder, name, most);
        }
        let root = self.root(serial)?;
        folder::read_back(root.as_fd(), folder, name, most)
    }
}

/// What this station writes in place of a serial begins with these: a device's own
/// serial may not.
fn stands_for_another(serial: &str) -> bool {
    ["PORT:", "DRIVE:", "IMAGE"].into_iter().any(|ours| {
        serial
            .get(..ours.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(ours))
    })
}

fn broken(error: std::io::Error) -> MediaError {
    MediaError::Broken(error.to_string())
}

/// What a medium should be mounted with (mount(8)): no devices, no set-user-id, no
/// programs.
const SAFE: [&str; 3] = ["nodev", "nosuid", "noexec"];

/// One line of mountinfo (proc(5)).
struct Mount {
    major: u32,
    minor: u32,
    point: PathBuf,
    read_only: bool,
    /// Of [`SAFE`] what is not there.
    lacks: Vec<String>,
    source: PathBuf,
}

impl Mount {
    /// Whole file systems only: a folder of one, mounted elsewhere, is none.
    fn parse(line: &str) -> Option<Self> {
        let (mount, filesystem) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(2);
        let (major, minor) = fields.next()?.split_once(':')?;
        let root = fields.next()?;
        let point = unescape(fields.next()?);
        let options = fields.next()?;
        let mut filesystem = filesystem.split(' ').skip(1);
        let source = unescape(filesystem.next()?);
        let super_options = filesystem.next().unwrap_or_default();
        let read_only = |options: &str| options.split(',').any(|option| option == "ro");
        (root == "/").then_some(())?;
        let lacks = SAFE
            .into_iter()
            .filter(|safe| !options.split(',').any(|option| option == *safe));
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
            point: point.into(),
            read_only: read_only(options) || read_only(super_options),
            lacks: lacks.map(str::to_owned).collect(),
            source: source.into(),
        })
    }
}

/// Blanks and backslashes stand there as three octal digits.
fn unescape(field: &str) -> String {
    let mut parts = field.split('\\');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                out.push(char::from(code));
                out.push_str(part.get(3..).unwrap_or_default());
            }
            None => {
                out.push('\\');
                out.push_str(part);
            }
        }
    }
    out
}

/// The file system's own id, as udev found it, or from its superblock.
///
/// `images`: the file system may be one in a file.
fn filesystem_id(mount: &Mount, images: bool) -> Option<String> {
    let number = makedev(mount.major, mount.minor);
    let by_udev = fs::read_dir("/dev/disk/by-uuid")
        .into_iter()
        .flatten()
        .flatten()
        .find(|entry| fs::metadata(entry.path()).is_ok_and(|found| found.rdev() == number))
        .and_then(|entry| entry.file_name().into_string().ok());
    by_udev.or_else(|| {
        let mut device = fs::File::open(&mount.source).ok()?;
        let opened = device.metadata().ok()?;
        let number = opened.rdev();
        let same = major(number) == mount.major && minor(number) == mount.minor;
        (same || images && opened.is_file()).then_some(())?;
        device.seek(SeekFrom::Start(0)).ok()?;
        let mut head = vec![0u8; superblock::HEAD];
        device.read_exact(&mut head).ok()?;
        superblock::id(&head)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_mountinfo_is_read() {
        let line = "42 27 8:17 / /media/STICK\\0401 rw,nosuid,nodev shared:7 - vfat /dev/sdb1 rw";
        let mount = Mount::parse(line).unwrap();
        assert_eq!((mount.major, mount.minor), (8, 17));
        assert_eq!(mount.point, Path::new("/media/STICK 1"));
        assert_eq!(mount.source, Path::new("/dev/sdb1"));
        assert!(!mount.read_only);
        assert_eq!(mount.lacks, ["noexec"]);
        let safe = line.replace("rw,nosuid", "rw,noexec,nosuid");
        assert!(Mount::parse(&safe).unwrap().lacks.is_empty());
        let bare = line.replace("rw,nosuid,nodev", "rw,relatime");
        assert_eq!(Mount::parse(&bare).unwrap().lacks, SAFE);
        assert!(
            Mount::parse(&line.replace("rw,nosuid", "ro,nosuid"))
                .unwrap()
                .read_only
        );
        assert!(
            Mount::parse(&line.replace("sdb1 rw", "sdb1 ro"))
                .unwrap()
                .read_only
        );
        // a folder of a file system, mounted elsewhere
        assert!(Mount::parse(&line.replace(" / /media", " /sub /media")).is_none());
        for cut in 0..40 {
            let _ = Mount::parse(&line[..cut]);
        }
    }

    #[test]
    fn no_device_says_that_it_is_a_port_a_drive_or_an_image() {
        for serial in [
            "PORT:0000:00:14.0-2.3",
            "port:1",
            "DRIVE:X",
            "IMAGE",
            "IMAGE-1",
        ] {
            assert!(stands_for_another(serial), "{serial}");
        }
        for serial in ["4C530001", "PORT", "XPORT:1", "ÄPORT:", ""] {
            assert!(!stands_for_another(serial), "{serial}");
        }
    }

    #[test]
    fn escapes_are_octal() {
        assert_eq!(unescape("a\\040b\\134c"), "a b\\c");
        assert_eq!(unescape("a\\9x"), "a\\9x");
        assert_eq!(unescape("\\"), "\\");
    }
}
