//! A power cut that really loses what was not made durable.
//!
//! A program works on an ext4 file system whose disk records every write and
//! every flush, in order, and between them what the program acknowledged. A cut
//! is any moment of that history; of the writes since the disk's last flush all,
//! none, or a torn choice reach it. The disk that is left is mounted again, and
//! the station opened on it.
//!
//! What this models: the kernel's page cache is lost, the disk's own cache is
//! lost or written in any order and cut off at any sector, and the file system
//! recovers from its journal. What it does not: a disk that lies about a flush,
//! that tears a sector, or that damages sectors nobody wrote; any other file
//! system than ext4 with its defaults. The cards lie on the table: a cut does
//! not touch them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/acts.rs"]
mod acts;
#[path = "power_cut/auditor.rs"]
mod auditor;
#[path = "power_cut/ceremony.rs"]
mod ceremony;
#[path = "power_cut/day.rs"]
mod day;
#[path = "power_cut/disk.rs"]
mod disk;
#[path = "power_cut/formats.rs"]
mod formats;
#[path = "power_cut/founding.rs"]
mod founding;
#[path = "support/judge.rs"]
mod judge;
#[path = "power_cut/mounts.rs"]
mod mounts;
#[path = "support/people.rs"]
mod people;
#[path = "support/pin_acts.rs"]
mod pin_acts;
#[path = "power_cut/pin_batch.rs"]
mod pin_batch;
#[path = "support/pin_house.rs"]
mod pin_house;
#[path = "support/platters.rs"]
mod platters;
#[path = "power_cut/recording.rs"]
mod recording;
#[path = "support/release.rs"]
mod release;
#[path = "support/renewal.rs"]
mod renewal;
#[path = "support/room.rs"]
mod room;
#[path = "power_cut/sheets.rs"]
mod sheets;
#[path = "support/stage.rs"]
mod stage;
#[path = "power_cut/ten_thousand.rs"]
mod ten_thousand;
#[path = "support/typist.rs"]
mod typist;
#[path = "power_cut/vault.rs"]
mod vault;

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use recording::{Dice, Fate, Recording, Sync};

/// Cuts the power at so many moments of a recording, prints how each ended, by
/// fate and words, and returns those that are not as they must be.
fn survey(
    recording: &Recording,
    cuts: usize,
    fates: &[Fate],
    after: &mut dyn FnMut(usize, &Path) -> Result<String, String>,
) -> Vec<String> {
    let mut dice = Dice::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    for (at, cut) in recording.moments(cuts, &mut dice).into_iter().enumerate() {
        let fate = fates[at % fates.len()];
        let left = recording.cut(cut, fate, &mut dice);
        let result = catch_unwind(AssertUnwindSafe(|| after(cut, left.path())))
            .unwrap_or_else(|panic| Err(words_of(panic.as_ref())));
        let words = match &result {
            Ok(words) => words.clone(),
            Err(words) => {
                faults.push(format!("cut {cut}, {fate:?}: {words}"));
                "NOT AS IT MUST BE".into()
            }
        };
        *counts.entry(format!("{fate:?}: {words}")).or_default() += 1;
    }
    println!("{}; {cuts} cuts:", recording.summary());
    for (words, count) in counts {
        println!("{count:5}  {words}");
    }
    faults
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    match panic.downcast_ref::<String>() {
        Some(words) => format!("panicked: {words}"),
        None => "panicked".into(),
    }
}

const FATES: [Fate; 5] = [Fate::Lost, Fate::Torn, Fate::Kept, Fate::Torn, Fate::Lost];

#[test]
fn what_the_vault_acknowledged_survives_and_nothing_is_half_there() {
    let recording = Recording::of("vault::work", Sync::Real, |_, _| {});
    let history = vault::History::replayed();
    let faults = survey(&recording, 50, &FATES, &mut |cut, folder| {
        history.check(&recording.said(cut), folder)
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_vault_without_its_fdatasync_loses_what_it_acknowledged() {
    // The test above can fail: sled's own flush is not enough.
    let recording = Recording::of("vault::work", Sync::Pretended, |_, _| {});
    let history = vault::History::replayed();
    let faults = survey(&recording, 8, &[Fate::Lost], &mut |cut, folder| {
        history.check(&recording.said(cut), folder)
    });
    let lost = |fault: &String| fault.contains("acknowledged");
    assert!(faults.iter().any(lost), "nothing was lost: {faults:#?}");
}

#[test]
fn a_ceremony_goes_on_or_is_void_after_a_cut_at_any_moment() {
    let recording = Recording::of("ceremony::work", Sync::Real, ceremony::prepare);
    let faults = survey(&recording, 30, &FATES, &mut |cut, folder| {
        ceremony::check(&recording, cut, folder)
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_founding_is_finished_or_never_was_after_a_cut_at_any_moment() {
    let recording = Recording::of("founding::work", Sync::Real, founding::prepare);
    let faults = survey(&recording, 20, &FATES, &mut |cut, folder| {
        founding::check(&recording, cut, folder)
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn entry_export_backup_and_renewal_survive_a_cut_at_any_moment() {
    let recording = Recording::of("day::work", Sync::Real, ceremony::prepare);
    let faults = survey(&recording, 30, &FATES, &mut |cut, folder| {
        day::check(&recording, cut, folder)
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_batch_of_pin_mailers_balances_after_a_cut_at_any_moment() {
    let recording = Recording::of("pin_batch::work", Sync::Real, pin_batch::prepare);
    let faults = survey(&recording, 15, &FATES, &mut |cut, folder| {
        pin_batch::check(&recording, cut, folder)
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn ten_thousand_mailers_balance_to_the_sheet_after_a_jam_a_damaged_form_and_a_cut() {
    let mut dice = Dice::new();
    let mut before = Vec::new();
    let work = "ten_thousand::work";
    let recording = Recording::of_disk(ten_thousand::DISK, work, Sync::Real, |folder, beside| {
        before = ten_thousand::prepare(folder, beside, &mut dice);
    });
    println!("{} mailers, then {}:", before.len(), recording.summary());
    let mut faults = Vec::new();
    for (fate, after_a_write) in [(Fate::Torn, true), (Fate::Lost, false)] {
        let cut = recording.moment(after_a_write, &mut dice);
        let left = recording.cut(cut, fate, &mut dice);
        match ten_thousand::check(&recording, (cut, fate), &left, &before) {
            Ok(words) => println!("{words}"),
            Err(words) => faults.push(format!("cut {cut}, {fate:?}: {words}")),
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_re_issue_and_an_update_survive_a_cut_at_any_moment() {
    let recording = Recording::of("sheets::work", Sync::Real, sheets::prepare);
    let faults = survey(&recording, 24, &FATES, &mut |cut, folder| {
        sheets::check(&recording, cut, folder)
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn an_older_repository_is_brought_up_or_is_as_it_was_after_a_cut_at_any_moment() {
    let recording = Recording::of("formats::work", Sync::Real, formats::prepare);
    let faults = survey(&recording, 12, &FATES, &mut |cut, folder| {
        formats::check(&recording, cut, folder)
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_ceremony_without_fdatasync_does_not_pass() {
    let recording = Recording::of("ceremony::work", Sync::Pretended, ceremony::prepare);
    let faults = survey(&recording, 6, &[Fate::Lost], &mut |cut, folder| {
        ceremony::check(&recording, cut, folder)
    });
    println!("{faults:#?}");
    assert!(!faults.is_empty(), "nothing was lost");
}
