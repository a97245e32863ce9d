//! A disk that remembers every write and every flush in their order.
//!
//! It is a file served over `/dev/fuse`, without a cache, to a loop device: a
//! write that leaves the file system arrives here as WRITE, a barrier
//! (`fdatasync`, a journal commit) as FSYNC. A second file, `said`, takes what
//! the program acknowledges; it stands in the same order, because one thread
//! serves both and a writer waits until it is served.

use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::mounts;

/// What the disk saw.
#[derive(Clone)]
pub enum Event {
    Write { at: usize, bytes: Vec<u8> },
    Flush,
    Said(String),
}

#[derive(Default)]
struct Platters {
    content: Vec<u8>,
    events: Vec<Event>,
}

/// The disk, in its slot.
pub struct Disk {
    platters: Arc<Mutex<Platters>>,
    point: PathBuf,
    server: Option<JoinHandle<()>>,
}

const ROOT: u64 = 1;
const DISK: u64 = 2;
const SAID: u64 = 3;
const MAX_WRITE: usize = 1 << 20;

// linux/fuse.h
const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const SETATTR: u32 = 4;
const OPEN: u32 = 14;
const READ: u32 = 15;
const WRITE: u32 = 16;
const STATFS: u32 = 17;
const RELEASE: u32 = 18;
const FSYNC: u32 = 20;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const INTERRUPT: u32 = 36;
const BATCH_FORGET: u32 = 42;
const NO_ENTRY: i32 = 2;
const NO_SUCH_CALL: i32 = 38;

impl Disk {
    /// A disk with this content, served under `point`.
    pub fn insert(content: Vec<u8>, point: &Path) -> Self {
        let device = File::options()
            .read(true)
            .write(true)
            .open("/dev/fuse")
            .unwrap_or_else(|error| {
                panic!("/dev/fuse: {error}. This test needs root and a kernel with FUSE.")
            });
        std::fs::create_dir(point).unwrap();
        let platters = Arc::new(Mutex::new(Platters {
            content,
            events: Vec::new(),
        }));
        let (served, shared) = (device.try_clone().unwrap(), Arc::clone(&platters));
        let server = std::thread::spawn(move || serve(served, &shared));
        let options = "fd=0,rootmode=40755,user_id=0,group_id=0,allow_other";
        mounts::root_with(
            &["mount", "-i", "-t", "fuse", "-o", options, "conclave-disk"],
            point,
            Stdio::from(device),
        );
        Self {
            platters,
            point: point.to_owned(),
            server: Some(server),
        }
    }

    /// The disk as a file.
    pub fn file(&self) -> PathBuf {
        self.point.join("disk")
    }

    /// Where a program says what it acknowledges.
    pub fn said(&self) -> PathBuf {
        self.point.join("said")
    }

    /// Takes out what it saw up to its last flush: all of that is on the platters.
    pub fn settled(&self) -> Vec<Event> {
        let mut platters = self.platters.lock().unwrap();
        let last = platters
            .events
            .iter()
            .rposition(|event| matches!(event, Event::Flush));
        platters
            .events
            .drain(..last.map_or(0, |at| at + 1))
            .collect()
    }

    /// What it saw so far.
    pub fn events(&self) -> Vec<Event> {
        self.platters.lock().unwrap().events.clone()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        mounts::unmount(&self.point);
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

fn serve(mut device: File, platters: &Mutex<Platters>) {
    let mut request = vec![0; MAX_WRITE + 4096];
    loop {
        let length = match device.read(&mut request) {
            Ok(0) => return,
            Ok(length) => length,
            // Before the mount it is EPERM, and a request may be taken back.
            Err(error) if matches!(error.raw_os_error(), Some(1 | 2 | 4 | 11)) => {
                std::thread::sleep(std::time::Duration::from_millis(1));
                continue;
            }
            // Unmounted.
            Err(_) => return,
        };
        let request = &request[..length];
        let (code, unique, node) = (u32_at(request, 4), u64_at(request, 8), u64_at(request, 16));
        if matches!(code, FORGET | INTERRUPT | BATCH_FORGET) {
            continue;
        }
        let answer = answer(&mut platters.lock().unwrap(), code, node, &request[40..]);
        let (error, body) = match answer {
            Ok(body) => (0, body),
            Err(error) => (-error, Vec::new()),
        };
        let mut reply = Vec::with_capacity(16 + body.len());
        let length = u32::try_from(16 + body.len()).unwrap();
        reply.extend(length.to_le_bytes());
        reply.extend(error.to_le_bytes());
        reply.extend(unique.to_le_bytes());
        reply.extend(body);
        // It fails for a request that was taken back: nobody waits for it.
        let _ = device.write_all(&reply);
    }
}

fn answer(platters: &mut Platters, code: u32, node: u64, body: &[u8]) -> Result<Vec<u8>, i32> {
    match code {
        INIT => Ok(init()),
        LOOKUP => match body {
            b"disk\0" => Ok(entry(platters, DISK)),
            b"said\0" => Ok(entry(platters, SAID)),
            _ => Err(NO_ENTRY),
        },
        GETATTR | SETATTR => {
            let mut reply = vec![0; 16];
            reply.extend(attributes(platters, node));
            Ok(reply)
        }
        OPEN => {
            let mut reply = vec![0; 16];
            reply[8] = 1; // FOPEN_DIRECT_IO: nothing is cached on the way
            Ok(reply)
        }
        READ if node == DISK => {
            let (at, size) = place(body);
            let end = (at + size).min(platters.content.len());
            Ok(platters.content.get(at..end).unwrap_or_default().to_vec())
        }
        WRITE => {
            let (at, size) = place(body);
            let bytes = &body[40..40 + size];
            if node == SAID {
                let words = String::from_utf8(bytes.to_vec()).unwrap();
                platters.events.push(Event::Said(words));
            } else {
                platters.content[at..at + size].copy_from_slice(bytes);
                let bytes = bytes.to_vec();
                platters.events.push(Event::Write { at, bytes });
            }
            let mut reply = u32::try_from(size).unwrap().to_le_bytes().to_vec();
            reply.extend([0; 4]);
            Ok(reply)
        }
        FSYNC => {
            if node == DISK {
                platters.events.push(Event::Flush);
            }
            Ok(Vec::new())
        }
        STATFS => Ok(vec![0; 80]),
        FLUSH | RELEASE => Ok(Vec::new()),
        _ => Err(NO_SUCH_CALL),
    }
}

/// Protocol 7.31, big writes and as many pages as they take.
fn init() -> Vec<u8> {
    let mut reply = Vec::new();
    reply.extend(7u32.to_le_bytes());
    reply.extend(31u32.to_le_bytes());
    reply.extend(0u32.to_le_bytes());
    reply.extend(((1u32 << 5) | (1 << 22)).to_le_bytes());
    reply.extend([0; 4]);
    reply.extend(u32::try_from(MAX_WRITE).unwrap().to_le_bytes());
    reply.extend(1u32.to_le_bytes());
    reply.extend(u16::try_from(MAX_WRITE / 4096).unwrap().to_le_bytes());
    reply.resize(64, 0);
    reply
}

fn entry(platters: &Platters, node: u64) -> Vec<u8> {
    let mut reply = node.to_le_bytes().to_vec();
    reply.resize(40, 0);
    reply.extend(attributes(platters, node));
    reply
}

fn attributes(platters: &Platters, node: u64) -> Vec<u8> {
    let (mode, size) = match node {
        ROOT => (0o040_755u32, 0),
        DISK => (0o100_666, platters.content.len() as u64),
        _ => (0o100_666, 0),
    };
    let mut reply = node.to_le_bytes().to_vec();
    reply.extend(size.to_le_bytes());
    reply.extend((size / 512).to_le_bytes());
    reply.extend([0; 36]);
    reply.extend(mode.to_le_bytes());
    reply.extend(1u32.to_le_bytes());
    reply.extend([0; 12]);
    reply.extend(4096u32.to_le_bytes());
    reply.extend([0; 4]);
    reply
}

fn place(body: &[u8]) -> (usize, usize) {
    let at = usize::try_from(u64_at(body, 8)).unwrap();
    (at, u32_at(body, 16) as usize)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}
