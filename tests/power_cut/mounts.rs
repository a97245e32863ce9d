//! File systems, made and mounted as root.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn command(words: &[&str], last: &Path) -> Command {
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("env")
    } else {
        let mut command = Command::new("sudo");
        command.args(["-n", "env"]);
        command
    };
    command.arg(format!("PATH={path}")).args(words).arg(last);
    command
}

#[track_caller]
fn succeeded(words: &[&str], done: &Output) {
    assert!(
        done.status.success(),
        "{words:?} needs root, or sudo without a password, loop devices, and what \
         ./scripts/test installs (e2fsprogs, mount): {done:?}"
    );
}

/// Runs a command on a path, as root.
#[track_caller]
pub fn root(words: &[&str], last: &Path) {
    root_with(words, last, Stdio::null());
}

/// The same, with something on its standard input.
#[track_caller]
pub fn root_with(words: &[&str], last: &Path, input: Stdio) {
    let done = command(words, last).stdin(input).output().unwrap();
    succeeded(words, &done);
}

/// An ext4 file system of this size, as bytes.
pub fn ext4(folder: &Path, size: usize) -> Vec<u8> {
    let path = folder.join("fresh");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(size as u64).unwrap();
    let words = [
        "mkfs.ext4",
        "-q",
        "-m",
        "0",
        // Nothing is left to the kernel to write later on.
        "-E",
        "lazy_itable_init=0,lazy_journal_init=0",
    ];
    root(&words, &path);
    let content = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    content
}

/// A mounted image; unmounted when it goes.
pub struct Mounted {
    point: PathBuf,
    image: std::fs::File,
}

impl Mounted {
    /// Mounts the file system in `image`, replaying its journal.
    pub fn image(image: &Path, point: &Path) -> Self {
        std::fs::create_dir_all(point).unwrap();
        let from = image.display().to_string();
        root(&["mount", "-t", "ext4", "-o", "loop", &from], point);
        let image = std::fs::File::open(image).unwrap();
        let mounted = Self {
            point: point.to_owned(),
            image,
        };
        if !rustix::process::geteuid().is_root() {
            root(&["chmod", "777"], point);
        }
        mounted
    }

    pub fn path(&self) -> &Path {
        &self.point
    }

    /// All bytes of the image as they are now: what has reached it, and what is no
    /// part of a file any more.
    pub fn platters(&self) -> Vec<u8> {
        let mut image = &self.image;
        let mut bytes = Vec::new();
        image.seek(SeekFrom::Start(0)).unwrap();
        image.read_to_end(&mut bytes).unwrap();
        bytes
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        unmount(&self.point);
    }
}

/// Unmounts; sled's threads may hold its file for a moment after it was closed.
pub fn unmount(point: &Path) {
    for words in [&["umount"][..]; 40]
        .into_iter()
        .chain([&["umount", "-l"][..]])
    {
        let done = command(words, point).stdin(Stdio::null()).output();
        if done.is_ok_and(|done| done.status.success()) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
