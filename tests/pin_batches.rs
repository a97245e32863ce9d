//! Batches of PIN mailers, from the file that openssl encrypts and signs to the
//! output that openssl opens: with a jam, a power cut at every write, damaged
//! forms, and nothing printed twice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "pin_batches/again.rs"]
mod again;
#[path = "pin_batches/ahead.rs"]
mod ahead;
#[path = "pin_batches/canary.rs"]
mod canary;
#[path = "pin_batches/canary_keys.rs"]
mod canary_keys;
#[path = "pin_batches/card_values.rs"]
mod card_values;
#[path = "pin_batches/faults.rs"]
mod faults;
#[path = "pin_batches/handed_over.rs"]
mod handed_over;
#[path = "pin_batches/host.rs"]
mod host;
#[path = "pin_batches/host_fields.rs"]
mod host_fields;
#[path = "pin_batches/job.rs"]
mod job;
#[path = "support/judge.rs"]
mod judge;
#[path = "pin_batches/keys.rs"]
mod keys;
#[path = "pin_batches/limits.rs"]
mod limits;
#[path = "pin_batches/lost_output.rs"]
mod lost_output;
#[path = "pin_batches/methods.rs"]
mod methods;
#[path = "support/pin_acts.rs"]
mod pin_acts;
#[path = "support/pin_house.rs"]
mod pin_house;
#[path = "pin_batches/places.rs"]
mod places;
#[path = "support/platters.rs"]
mod platters;
#[path = "pin_batches/printers.rs"]
mod printers;
#[path = "pin_mailers/psec.rs"]
#[allow(dead_code, reason = "its random source only")]
mod psec;
#[path = "pin_batches/purged.rs"]
mod purged;
#[path = "support/reborn.rs"]
mod reborn;
#[path = "pin_batches/refusals.rs"]
mod refusals;
#[path = "pin_batches/restored.rs"]
mod restored;
#[path = "support/room.rs"]
mod room;
#[path = "pin_batches/safe.rs"]
mod safe;
#[path = "pin_batches/sheet.rs"]
mod sheet;
#[path = "pin_batches/taken_back.rs"]
mod taken_back;
#[path = "pin_batches/ten_thousand.rs"]
mod ten_thousand;
#[path = "pin_batches/updated.rs"]
mod updated;
