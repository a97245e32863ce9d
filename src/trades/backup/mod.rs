//! Backups: what the repository holds, exactly as it lies there, on an
//! enrolled medium; and the proof that one can be opened again.
//!
//! - `make`: the action that writes one
//! - `read`: a backup on a medium, examined file by file

mod make;
mod read;

pub use make::{BackupRecord, MadeBackup, MakeBackup, contents};
pub use read::{FoundBackup, OnMedium, backup_folders, examine_on, refused};
