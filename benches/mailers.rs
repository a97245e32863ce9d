//! A batch of 10,000 PIN mailers with the fsynced journal and a printer that
//! never waits: mailers a second by the size of the window, the whole batch's
//! time and memory; and Visa PVVs a second, ours and psec's in the same run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a bench may stop at the first surprise
#![allow(clippy::disallowed_methods)] // a bench reads the clock

#[path = "../tests/support/pin_house.rs"]
mod pin_house;
#[path = "../tests/support/room.rs"]
mod room;

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use conclave_crypto::card::pan::Pan;
use conclave_crypto::pin::Pin;
use conclave_crypto::pin::pvv::{KeyIndex, pvv};
use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_trades::pin::Pace;
use conclave_trades::pin::action::ConfirmMailers;
use conclave_trades::print::Page;
use pin_house::{PVK, PinHouse, csv, hex, pan};
use room::Room;

/// Prints PVVs per second, the better of three rounds.
const PSEC: &str = r#"
import time, warnings
warnings.filterwarnings("ignore")
from psec import pin
key = bytes.fromhex("8CA64DE9C1B123A7A7B96D1C8F5E2A43")
def rate():
    start = time.perf_counter()
    for n in range(2000):
        pin.generate_visa_pvv(key, "1", "%04d" % n, "4001700000000010")
    return 2000 / (time.perf_counter() - start)
print(max(rate() for _ in range(3)))
"#;

fn psec_rate() -> f64 {
    let folder = std::env::var_os("CONCLAVE_ORACLES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".oracles"),
        PathBuf::from,
    );
    let done = Command::new(folder.join("bin/python3"))
        .args(["-c", PSEC])
        .output()
        .expect("psec: run ./scripts/test, which installs it");
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

fn our_rate() -> f64 {
    let key = Secret::take(&mut hex(PVK));
    let pan = Pan::parse("4001700000000010").unwrap();
    let mut best = 0f64;
    for _ in 0..3 {
        let start = Instant::now();
        for n in 0..2000u32 {
            let pin = Pin::from_text(format!("{n:04}").as_bytes()).unwrap();
            pvv(&key, KeyIndex::parse("1").unwrap(), &pan, &pin).unwrap();
        }
        best = best.max(2000.0 / start.elapsed().as_secs_f64());
    }
    best
}

/// The most memory that this process had, in MB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes / 1024
}

fn main() {
    const CARDS: u32 = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let room = Room::with_pin_room_in(&folder.path().join("repository"));
    let mut house = PinHouse::in_room(room, PrinterLanguage::Line);
    let before = most_memory();
    // Made-up card numbers are mostly zeros, as round house numbers are: a file in
    // which the one shows in the other is refused.
    let cards: String = csv("B-0001", CARDS)
        .lines()
        .map(|line| {
            let mut fields: Vec<&str> = line.split(';').collect();
            if let [_, _, _, _, street, town, ..] = fields.as_mut_slice() {
                (*street, *town) = ("LONG STREET", "TOWN");
            }
            fields.join(";") + "\n"
        })
        .collect();
    let file = house.sealed(cards.as_bytes());
    let start = Instant::now();
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    println!(
        "{CARDS} cards opened in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    house.forms(&batch, 1, u64::from(CARDS));
    house.paper.0.lock().unwrap().forgets = true;
    let whole = Instant::now();
    // As a run does it: windows grow while the printer takes them.
    let mut pace = Pace::of(Page::Continuous);
    let start = Instant::now();
    let mut sent = 0;
    while sent < 3000 {
        let begun = Instant::now();
        sent += house.print(&batch, pace.window()).unwrap().sent;
        pace.took(begun.elapsed().as_millis() as u64);
    }
    let rate = sent as f64 / start.elapsed().as_secs_f64();
    println!(
        "as a run does it: {rate:.0} mailers/s, windows up to {}",
        pace.window()
    );
    for (window, mailers) in [(1, 200), (4, 800), (16, 1600), (32, 2000)] {
        let start = Instant::now();
        let mut sent = 0;
        while sent < mailers {
            sent += house.print(&batch, window).unwrap().sent;
        }
        let rate = sent as f64 / start.elapsed().as_secs_f64();
        println!("windows of {window}: {rate:.0} mailers/s");
    }
    while house.print(&batch, 64).is_ok() {}
    println!("printed in {:.1} s", whole.elapsed().as_secs_f64());
    let start = Instant::now();
    let confirm = ConfirmMailers {
        batch: batch.clone(),
        first: 1,
        last: CARDS.into(),
        shows: conclave_keyroom::domain::pin_seen::Shown {
            first: 1,
            last: CARDS,
        },
    };
    house.pair(&confirm).unwrap();
    println!("confirmed in {:.2} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let (_, text) = {
        let act = conclave_trades::pin::action::ExportBatch {
            card_values: conclave_trades::pin::action::CardValuesOut::NotAsked,
            batch: batch.clone(),
            output: 1,
            partner: conclave_trades::pin::action::PartnerName::of(&house.partner),
            medium: house.medium.id,
            medium_name: house.medium.name.clone(),
            serial: house.medium.serial.clone(),
        };
        let out = house.pair(&act).unwrap();
        println!("output in {:.1} s", start.elapsed().as_secs_f64());
        let at = house.folder.path().join("stick").join(&out.folder);
        let text = house.opened(&at.join(&out.file));
        (out, text)
    };
    assert!(text.lines().count() == CARDS as usize + 3 && text.contains(&pan(CARDS)));
    println!("most memory {} MB, {before} MB before it", most_memory());
    println!("PVV/s: ours {:.0}, psec {:.0}", our_rate(), psec_rate());
}
