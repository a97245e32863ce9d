//! Sheets as their custodians have them: read from the printer, typed back.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "each test takes what it needs, and may stop at the first surprise"
)]

use conclave_keyroom::domain::key::{Component, KeyRecord};
use conclave_keyroom::ports::dialogue::{Answer, Ask};

use crate::people::{At, Scene};
use crate::typist::{Typist, unhex};

/// The values on the sheets that lie in the component printer, in order.
pub fn printed(scene: &Scene) -> Vec<Vec<u8>> {
    let bytes = scene.room.printers.0[0].bytes();
    let text = String::from_utf8_lossy(bytes.expose()).into_owned();
    text.split(" VALUE: four groups")
        .skip(1)
        .map(|sheet| {
            let digits: String = sheet
                .lines()
                .filter(|line| line.contains("   check "))
                .flat_map(|line| line.split_whitespace())
                .filter(|w| w.len() == 4 && w.bytes().all(|b| b"0123456789ABCDEF".contains(&b)))
                .collect();
            unhex(&digits)
        })
        .collect()
}

pub fn key(scene: &Scene, label: &str) -> KeyRecord {
    scene
        .station
        .keys()
        .into_iter()
        .find(|k| k.label == label)
        .unwrap()
}

/// Custodians of these parts with these sheets, and the recorded serials.
pub fn custodians(parts: &[Component], sheets: &[Vec<u8>]) -> At {
    let mut usual = Typist::new(sheets.to_vec(), "000000").at();
    let mut named = serials(parts);
    Box::new(move |prompt, times| named(prompt, times).or_else(|| usual(prompt, times)))
}

/// Two people who read the recorded serials of the packages of these parts.
pub fn serials(parts: &[Component]) -> At {
    let serials: Vec<Option<String>> = parts.iter().map(|c| c.envelope.clone()).collect();
    Box::new(move |prompt, _| {
        if prompt.code.starts_with("exercise.serial") && matches!(prompt.ask, Ask::Text { .. }) {
            let sheet: usize = prompt
                .title
                .split([' ', ','])
                .nth(1)
                .unwrap()
                .parse()
                .unwrap();
            let serial = serials[sheet - 1].clone();
            return Some(Answer::Word(serial.unwrap_or("PARTNER-0001".into())));
        }
        None
    })
}
