//! Backups: what the repository holds, exactly as it lies there, on an
//! enrolled medium; and the proof that one can be opened again.
//!
//! - `make`: the action that writes one
//! - `rehearse`: the action that proves one, beside the station
//! - `restore`: the act by which both quorums begin anew from one
//! - `losses`: what the repository has and a backup has not
//! - `read`: a backup on a medium, examined file by file

mod losses;
mod make;
mod read;
mod rehearse;
mod restore;

pub use losses::{Losses, LossesError, losses};
pub use make::{BackupRecord, MadeBackup, MakeBackup, contents};
pub use read::{FoundBackup, OnMedium, backup_folders, examine_on, refused};
pub use rehearse::{Proven, Rehearse, sealed_share};
pub use restore::{FillError, FromBackup, Restore, fill, reborn};
