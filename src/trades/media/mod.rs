//! Removable media: what may stand on them, and how a bundle gets there.
//!
//! A bundle is one flat folder of plainly named files. Every file is read back
//! past every cache and compared before the next is written, and the manifest
//! comes last: a bundle that was cut short has none, and is none.
//!
//! - `name`: which names are plain
//! - `bundle`: a set of files, and its emission under a permit
//! - `folder`: files below one folder, as the host and the training stick
//!   both write and read them
//! - `disc`, `disc_read`: a bundle as one disc image, and files found in one
//! - `import`: a file that somebody brings, from the import folder of a medium
//! - `enrol`: the action by which administrators enrol a medium
//! - `condemn`: a medium that takes nothing any more
//! - `plate`: the number on a medium that has no serial number, read by two

mod bundle;
mod condemn;
mod disc;
mod disc_read;
mod enrol;
pub mod folder;
mod import;
mod name;
mod plate;

pub(crate) use bundle::may_stand;
pub use bundle::{
    Bundle, BundleError, FILE_MOST, FILES_MOST, Interrupted, TOTAL_MOST, bundle_folder, emit,
    has_room, single, single_to_read, write_one,
};
pub use condemn::{CondemnMedium, Condemnation, condemned};
pub(crate) use condemn::{condemn_after, condemn_with, in_use};
pub use disc::{DISC_MOST, SECTOR, disc_image};
pub use disc_read::{Disc, DiscBytes, DiscError, disc_length};
pub use enrol::EnrolMedium;
pub use import::IMPORT_FOLDER;
pub(crate) use import::{import_file, not_read};
pub use name::{NAME_MOST, check_name};
pub use plate::{PLATE_ADVICE, PlateRead, ReadPlate, check_plate_number};
