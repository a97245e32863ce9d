//! A software update as its maker makes one, and the programs that stand.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test takes what it needs, and may stop at the first surprise"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::secret::Secret;
use conclave_evidence::backup::BackupFile;
use conclave_evidence::manifest::FileEntry;
use conclave_evidence::update::{SignedUpdate, UPDATE_FILE, Update, read_version};
use conclave_evidence::{Point, Signature};
use conclave_keyroom::ports::dialogue::{Answer, Ask};
use conclave_trades::update::{VERSION, target};

use crate::people::Scene;

pub const GOOD: &[u8] = b"#!/bin/sh\n[ \"$1\" = selftest ]\n";

/// An update as its maker makes one.
pub struct Made {
    pub update: Update,
    pub files: Vec<(&'static str, Vec<u8>)>,
}

impl Made {
    pub fn new(key: &KeyPair, version: [u16; 3], program: &[u8]) -> Self {
        let files = vec![
            ("conclave", program.to_vec()),
            ("conclave-verify", GOOD.to_vec()),
        ];
        let entries = files.iter().map(|(name, bytes)| {
            let (size, sha256) = FileEntry::measure(bytes);
            BackupFile {
                name: (*name).into(),
                size,
                sha256,
            }
        });
        Self {
            update: Update {
                version,
                target: target(),
                format: conclave_keyroom::vault::format::FORMAT,
                made_at_ms: 1_795_000_000_000,
                note: "Faster, and nothing else".into(),
                key: Point(*key.public()),
                files: entries.collect(),
            },
            files,
        }
    }

    pub fn sign(&self, key: &KeyPair) -> SignedUpdate {
        SignedUpdate::sign(&self.update, |digest| {
            Ok::<_, conclave_evidence::cbor::CborError>(Signature(key.sign(&digest.0).unwrap()))
        })
        .unwrap()
    }

    /// Puts it on a medium.
    pub fn put(&self, key: &KeyPair, stick: &Path) -> PathBuf {
        let folder = stick.join("UPDATE-1");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in &self.files {
            fs::write(folder.join(name), bytes).unwrap();
        }
        fs::write(folder.join(UPDATE_FILE), self.sign(key).to_file().unwrap()).unwrap();
        folder
    }
}

/// What stands before.
pub fn installed(folder: &Path) -> PathBuf {
    let programs = folder.join("programs");
    fs::create_dir_all(programs.join(VERSION)).unwrap();
    let program = programs.join(VERSION).join("conclave");
    fs::write(&program, GOOD).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    // The maker's manifest lies beside it, as the installer put it there.
    let key = KeyPair::from_secret(Secret::from_fn(32, |to| to.fill(0x2B))).unwrap();
    let made = Made::new(&key, read_version(VERSION).unwrap(), GOOD);
    let manifest = made.sign(&key).to_file().unwrap();
    fs::write(programs.join(VERSION).join(UPDATE_FILE), manifest).unwrap();
    symlink(VERSION, programs.join("current")).unwrap();
    programs
}

pub fn leads(programs: &Path, link: &str) -> Option<String> {
    let to = fs::read_link(programs.join(link)).ok()?;
    Some(to.to_str().unwrap().to_owned())
}

/// Two people with the maker's letter.
pub fn with_letter(scene: &mut Scene, made: &SignedUpdate) {
    let digits = made.digest().to_string()[..8].to_owned();
    scene.people.at = Box::new(move |prompt, _| match prompt.ask {
        Ask::Text { .. } if prompt.code == "update.typed" => Some(Answer::Word(digits.clone())),
        _ => None,
    });
}
