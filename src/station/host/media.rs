//! Media of the host: file systems that are mounted now, told apart by the
//! serial of their device and the id of their file system.
//!
//! The system mounts them (udev, or an operator); this only looks. Where a
//! medium has no serial of its own it is not found at all: a stick that cannot
//! be told from another cannot be enrolled.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use conclave_keyroom::domain::Permission;
use conclave_keyroom::ports::media::{FoundMedium, Media, MediaError};
use conclave_trades::media::folder::{self, Made};
use rustix::fs::{fstat, major, makedev, minor};

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
        }
    }
}

/// The host's media.
pub struct HostMedia {
    places: MediaPlaces,
    made: Made,
}

/// A medium with where it is.
struct Mounted {
    medium: FoundMedium,
    root: OwnedFd,
}

impl HostMedia {
    /// Media of these places.
    #[must_use]
    pub fn new(places: MediaPlaces) -> Self {
        Self {
            places,
            made: Made::default(),
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
            let Some((serial, training)) = self.identity(&mount, &device) else {
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
            let medium = FoundMedium {
                serial,
                free,
                read_only: mount.read_only,
                training,
            };
            found.push((device_number, Mounted { medium, root }));
        }
        Ok(found.into_iter().map(|(_, mounted)| mounted).collect())
    }

    /// Device serial and file system id; and whether it is an image.
    fn identity(&self, mount: &Mount, device: &Path) -> Option<(String, bool)> {
        let id = filesystem_id(mount)?;
        match device_serial(device) {
            Some(serial) => Some((format!("{serial}/{id}"), false)),
            None if self.places.images => Some((format!("IMAGE/{id}"), true)),
            None => None,
        }
    }

    fn root(&self, serial: &str) -> Result<OwnedFd, MediaError> {
        let mounted = self.mounted()?;
        let there = !mounted.is_empty();
        mounted
            .into_iter()
            .find(|m| m.medium.serial == serial)
            .map(|m| m.root)
            .ok_or(if there {
                MediaError::Wrong
            } else {
                MediaError::Missing
            })
    }
}

impl Media for HostMedia {
    fn found(&mut self) -> Result<Vec<FoundMedium>, MediaError> {
        Ok(self.mounted()?.into_iter().map(|m| m.medium).collect())
    }

    fn write(
        &mut self,
        permit: &dyn Permission,
        serial: &str,
        folder: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), MediaError> {
        let root = self.root(serial)?;
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
        let root = self.root(serial)?;
        folder::read_back(root.as_fd(), folder, name, most)
    }

    fn folders(&mut self, serial: &str) -> Result<Vec<String>, MediaError> {
        let root = self.root(serial)?;
        folder::folders(root.as_fd())
    }

    fn read(
        &mut self,
        serial: &str,
        folder: &str,
        name: &str,
        most: u64,
    ) -> Result<Vec<u8>, MediaError> {
        let root = self.root(serial)?;
        folder::read_back(root.as_fd(), folder, name, most)
    }
}

fn broken(error: std::io::Error) -> MediaError {
    MediaError::Broken(error.to_string())
}

/// One line of mountinfo (proc(5)).
struct Mount {
    major: u32,
    minor: u32,
    point: PathBuf,
    read_only: bool,
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
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
            point: point.into(),
            read_only: read_only(options) || read_only(super_options),
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

/// A partition's disk says whether its medium can be taken out.
fn is_removable(device: &Path) -> bool {
    device
        .ancestors()
        .take(2)
        .any(|folder| line_of(&folder.join("removable")).is_some_and(|text| text == "1"))
}

/// The serial of the device that the block device belongs to: the nearest
/// folder above it that has one.
fn device_serial(device: &Path) -> Option<String> {
    device
        .ancestors()
        .take_while(|folder| folder.parent().is_some())
        .find_map(|folder| line_of(&folder.join("serial")))
        .filter(|serial| serial.chars().all(|c| c.is_ascii_graphic() || c == ' '))
        .map(|serial| serial.replace([' ', '/'], "_"))
}

/// The first line of a small file, if anything stands in it.
fn line_of(path: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(path)
        .ok()?
        .take(256)
        .read_to_string(&mut text)
        .ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// The file system's own id, as udev found it, or from its superblock.
fn filesystem_id(mount: &Mount) -> Option<String> {
    let number = makedev(mount.major, mount.minor);
    let by_udev = fs::read_dir("/dev/disk/by-uuid")
        .into_iter()
        .flatten()
        .flatten()
        .find(|entry| fs::metadata(entry.path()).is_ok_and(|found| found.rdev() == number))
        .and_then(|entry| entry.file_name().into_string().ok());
    by_udev.or_else(|| {
        let mut device = fs::File::open(&mount.source).ok()?;
        let opened = device.metadata().ok()?.rdev();
        (major(opened) == mount.major && minor(opened) == mount.minor).then_some(())?;
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
    fn escapes_are_octal() {
        assert_eq!(unescape("a\\040b\\134c"), "a b\\c");
        assert_eq!(unescape("a\\9x"), "a\\9x");
        assert_eq!(unescape("\\"), "\\");
    }

    #[test]
    fn the_serial_is_the_nearest_above_the_device() {
        let sys = tempfile::tempdir().unwrap();
        let usb = sys.path().join("usb1/1-2");
        let disk = usb.join("1-2:1.0/host0/block/sdb");
        let part = disk.join("sdb1");
        fs::create_dir_all(&part).unwrap();
        fs::write(usb.join("serial"), "4C53 0001\n").unwrap();
        fs::write(disk.join("removable"), "1\n").unwrap();
        assert_eq!(device_serial(&part).as_deref(), Some("4C53_0001"));
        assert!(is_removable(&part) && is_removable(&disk));
        fs::write(usb.join("serial"), "\n").unwrap();
        fs::write(disk.join("removable"), "0\n").unwrap();
        assert_eq!(device_serial(&part), None);
        assert!(!is_removable(&part));
    }
}
