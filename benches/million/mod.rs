//! 1,000,000 keys: a filter typed letter by letter and taken back, and what the
//! table costs in memory.

use conclave_station::front::{KeyRow, KeyTable, KeyTableBuilder};

use crate::showing;
use crate::typed::{memory, once, plain, tell, typing};

const ROWS: usize = 1_000_000;

fn row(at: usize) -> KeyRow {
    // A fixed stir, so that neighbours differ and every run has the same rows.
    let mixed = (at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    let pick = |of: usize, shift: u32| usize::try_from(mixed >> shift).unwrap_or(0) % of;
    let (use_, usage) = [
        ("ZPK.OUT", "P0 PIN encryption"),
        ("ZPK.IN", "P0 PIN encryption"),
        ("CVK", "C0 card verification"),
        ("ZMK", "K0 zone master key"),
    ][pick(4, 3)];
    KeyRow {
        id: None,
        label: format!("BANK-{}.{use_}.{at:07}", pick(997, 5)),
        algorithm: ["TDES-2", "TDES-3", "AES-128", "AES-256"][pick(4, 9)].to_owned(),
        usage: usage.to_owned(),
        kcv: format!("{:06X}", mixed & 0x00FF_FFFF),
        kcv_method: "ENC-ZERO".to_owned(),
        state: ["active", "active", "active", "pre-activation", "void"][pick(5, 11)].to_owned(),
        template: ["zpk-out v4", "zmk-tdes2 v1"][pick(2, 13)].to_owned(),
        under: format!("BANK-{}.ZMK.001", pick(997, 5)),
        expires: format!("{:02} Nov {}", 1 + pick(28, 7), 2026 + pick(5, 15)),
        days_left: Some(i64::try_from(pick(1800, 17)).unwrap_or(0)),
        detail: Vec::new(),
    }
}

pub fn run() {
    let before = memory("VmRSS");
    let mut builder = KeyTableBuilder::default();
    (0..ROWS).for_each(|at| builder.push(&row(at)));
    let mut table = KeyTable::default();
    let sorted = once(|| table = std::mem::take(&mut builder).finish());
    println!(
        "1,000,000 keys: {} bytes a key; put in order in {sorted:?}",
        table.size_in_bytes() / ROWS
    );
    let mut screen = showing(table.clone());
    let ours = typing(&mut screen);
    println!(
        "memory with the screen: {} MiB, {} MiB at its most while the table was made \
         ({before} MiB before it; wanted: under 400 MB)",
        memory("VmRSS"),
        memory("VmHWM"),
    );
    tell(
        "1,000,000 keys, one key stroke of the filter with its frame (wanted: p99 under 16 ms)",
        ours.key,
    );
    tell(
        "  a further slice, which the next key may have to wait for",
        ours.slice,
    );
    tell("  from the key stroke to the whole count", ours.counted);
    drop(screen);
    let (times, found) = plain(&table);
    println!("memory of the rival beside it: {} MiB", memory("VmRSS"));
    tell("rival: every row's string, no frame", times);
    assert_eq!(ours.found, found, "both find the same");
}
