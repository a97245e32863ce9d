//! The training card: a PIV subset in process, so that people can practise
//! with nothing plugged in, and every test of cards runs without hardware.
//!
//! On the wire it behaves as a real card does: the same suite runs on it and
//! on a vendor's applet behind real PC/SC. Its file is the card: whoever can
//! read the file has the card's private keys, which is why a PRODUCTION
//! station refuses it.
//!
//! - `command`: bytes to one command, chains and GET RESPONSE
//! - `applet`: what each command does
//! - `crypto`: key pairs, management key, PIN check
//! - `state`: what outlives power, and its file
//! - `readers`: readers to put cards in, and hands to pull them

mod applet;
mod command;
mod crypto;
mod readers;
mod state;

pub use readers::{InsertError, Pull, TrainingCard, TrainingReaders};
pub use state::{CardFileError, CardLabel};
