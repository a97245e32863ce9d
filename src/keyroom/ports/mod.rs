//! The world as traits: clock, card readers, printers, media, store, and the
//! people. The random source is `conclave_crypto::secret::RandomSource`.

pub mod card;
pub mod clock;
pub mod dialogue;
pub mod machine;
pub mod media;
pub mod printer;
pub mod programs;
pub mod store;

/// What actions reach outside through; every call takes a permit.
pub struct Ports<'a> {
    /// The printers.
    pub printers: &'a mut dyn printer::Printers,
    /// The media.
    pub media: &'a mut dyn media::Media,
    /// The installed programs.
    pub programs: &'a mut dyn programs::Programs,
}
