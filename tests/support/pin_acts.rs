//! What the pair does with a batch of PIN mailers, act by act.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test takes what it needs, and may stop at the first surprise"
)]

use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::pin_seen::{Reading, Shown};
use conclave_trades::pin::action::{
    BatchName, Became, CardValuesOut, ConfirmMailers, ExportBatch, Found, Output, PartnerName,
    ReconcileBatch, ResolveUnknown, ReturnForms, SpoilMailer,
};

use crate::pin_house::PinHouse;

/// The digits on a sheet of the layout `pin-mailer-continuous`: what stands where
/// its sample has X's.
pub fn pin_on(sheet: &[u8]) -> String {
    let text = String::from_utf8_lossy(sheet).into_owned();
    let spaced = |line: &str| {
        let marks: Vec<char> = line.trim().chars().collect();
        let own = |(at, c): (usize, &char)| match at % 2 {
            0 => c.is_ascii_digit(),
            _ => *c == ' ',
        };
        (7..=23).contains(&marks.len()) && marks.len() % 2 == 1 && marks.iter().enumerate().all(own)
    };
    let line = text.split(['\r', '\n']).find(|line| spaced(line));
    let line = line.unwrap_or_else(|| panic!("no PIN on\n{text}"));
    line.chars().filter(char::is_ascii_digit).collect()
}

/// What is on these forms, as the records have it.
pub fn shown(house: &PinHouse, batch: &BatchName, first: u64, last: u64) -> Shown {
    let record = house.batch(batch);
    let on = |form| record.card_on(form).unwrap_or_default();
    Shown {
        first: on(first),
        last: on(last),
    }
}

pub fn confirm(house: &mut PinHouse, batch: &BatchName, first: u64, last: u64) {
    let act = ConfirmMailers {
        batch: batch.clone(),
        first,
        last,
        shows: shown(house, batch, first, last),
    };
    house.pair(&act).unwrap();
}

pub fn spoil(house: &mut PinHouse, batch: &BatchName, form: u64) -> Became {
    let act = SpoilMailer {
        batch: batch.clone(),
        first: form,
        last: form,
        loss: Loss::Damaged,
        reading: Reading::Shown(shown(house, batch, form, form)),
        reason: "torn at the fold".into(),
    };
    house.pair(&act).unwrap()
}

/// An unknown mailer is there whole, or is lost.
pub fn resolve(house: &mut PinHouse, batch: &BatchName, form: u64, lost: Option<Loss>) -> Became {
    let shown = shown(house, batch, form, form);
    let act = ResolveUnknown {
        batch: batch.clone(),
        first: form,
        last: form,
        found: match lost {
            None => Found::Whole(shown),
            Some(Loss::Damaged) => Found::Lost(Loss::Damaged, Reading::Shown(shown)),
            Some(Loss::Blank) => Found::Lost(Loss::Blank, Reading::Next(None)),
            Some(loss) => Found::Lost(loss, Reading::Nothing),
        },
        reason: "it lay in the tray".into(),
    };
    house.pair(&act).unwrap()
}

pub fn give_back(house: &mut PinHouse, batch: &BatchName) {
    let blank = house.batch(batch).forms.blank;
    let act = ReturnForms {
        batch: batch.clone(),
        count: blank.count(),
        counted: blank.words(),
    };
    house.pair(&act).unwrap();
}

pub fn exporting(house: &PinHouse, batch: &BatchName) -> ExportBatch {
    let own = house.batch(batch).cvv_key;
    ExportBatch {
        card_values: own.map_or(CardValuesOut::NotAsked, |key| {
            CardValuesOut::Under(house.released(key.0[0]))
        }),
        batch: batch.clone(),
        output: house.batch(batch).outputs + 1,
        partner: PartnerName::of(&house.partner),
        medium: house.medium.id,
        medium_name: house.medium.name.clone(),
        serial: house.medium.serial.clone(),
    }
}

pub fn export(house: &mut PinHouse, batch: &BatchName) -> (Output, String) {
    let act = exporting(house, batch);
    let out = house.pair(&act).unwrap();
    let at = house.folder.path().join("stick").join(&out.folder);
    let text = house.opened(&at.join(&out.file));
    (out, text)
}

pub fn reconcile(house: &mut PinHouse, batch: &BatchName) -> ReconcileBatch {
    let (act, _) = house.reconciling(batch);
    house.pair(&act).unwrap();
    act
}

/// Both look at everything that came out and is not confirmed, run by run.
pub fn confirm_all(house: &mut PinHouse, batch: &BatchName) {
    let record = house.batch(batch);
    let mut forms: Vec<u64> = record
        .cards
        .sent
        .iter()
        .map(|card| house.card(batch, card as u32).form.unwrap())
        .collect();
    forms.sort_unstable();
    while let Some(first) = forms.first().copied() {
        let run = (first..).zip(&forms).take_while(|(a, b)| a == *b).count();
        confirm(house, batch, first, first + run as u64 - 1);
        forms.drain(..run);
    }
}
