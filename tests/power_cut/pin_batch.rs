//! A batch of PIN mailers at work, and what must be left of it: whatever came
//! out of the printer is known by its number, and nothing comes out twice.

use std::collections::BTreeSet;
use std::path::Path;

use conclave_keyroom::domain::pin_batch::State;
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::pin_seen::{Reading, Shown};
use conclave_keyroom::door::Action;
use conclave_trades::pin::action::{
    ConfirmMailers, Found, PrintMailers, ResolveUnknown, ReturnForms, SettleInterrupted,
};

use crate::pin_house::{PinHouse, csv, tracking_on};
use crate::recording::{FOLDER, Recording, say};
use crate::room::Room;

const CARDS: u32 = 12;

/// So many runs lie behind those who come now: what they draw is new.
fn house(folder: &Path, runs: usize) -> PinHouse {
    let mut room = Room::with_pin_room_in(&folder.join("repository"));
    (0..runs).for_each(|_| room.reopen());
    PinHouse::returning(room)
}

/// A batch that is open, with its forms.
pub fn prepare(folder: &Path, _: &Path) {
    let room = Room::with_pin_room_in(&folder.join("repository"));
    let language = conclave_keyroom::domain::device::PrinterLanguage::Line;
    let mut house = PinHouse::in_room(room, language);
    let file = house.sealed(csv("B-0001", CARDS).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 1, 40);
    house.room.close();
}

/// What is recorded: windows of three, each sheet told once its bytes have left,
/// and each window once it was acknowledged.
#[test]
#[ignore = "run by the test that cuts its power"]
fn work() {
    let folder = std::env::var(FOLDER).unwrap();
    let mut house = house(Path::new(&folder), 4);
    let batch = house.only_batch();
    house.paper.0.lock().unwrap().tell =
        Some(|sheet| say(&format!("sheet {}", tracking_on(sheet))));
    say("ready");
    while house.print(&batch, 3).is_ok() {
        say("window");
    }
    std::process::exit(0);
}

/// The station opens; each sheet that came out is on record; people settle what
/// is unknown, print the rest, and it balances.
pub fn check(recording: &Recording, cut: usize, folder: &Path) -> Result<String, String> {
    let said = recording.said(cut);
    let came: BTreeSet<String> = said
        .iter()
        .filter_map(|word| word.strip_prefix("sheet "))
        .map(str::to_owned)
        .collect();
    let windows = said.iter().filter(|word| **word == "window").count();
    let mut house = house(folder, 9);
    let batch = house.only_batch();
    let open = house
        .room
        .vault()
        .open_intents()
        .map_err(|e| e.to_string())?;
    let cut_act = open.iter().any(|act| act.action == PrintMailers::NAME);
    let record = house.batch(&batch);
    if cut_act || !record.window.is_empty() {
        house
            .act(&SettleInterrupted {}, &[])
            .map_err(|e| format!("not settled: {e}"))?;
    }
    let record = house.batch(&batch);
    let (sent, unknown) = (record.cards.sent.count(), record.cards.unknown.count());
    if sent < 3 * windows as u64 {
        return Err(format!(
            "{sent} are printed, {windows} windows were acknowledged"
        ));
    }
    let tracked = |house: &PinHouse| -> BTreeSet<String> {
        let each = (1..=CARDS).filter_map(|n| house.card(&batch, n).tracking);
        each.collect()
    };
    let known = tracked(&house);
    if let Some(lost) = came.iter().find(|number| !known.contains(*number)) {
        return Err(format!("the form {lost} came out, and no card is on it"));
    }
    for number in record.cards.unknown.iter() {
        let card = house.card(&batch, number as u32);
        let tracking = card.tracking.ok_or("an unknown mailer has no number")?;
        let form = card.form.ok_or("an unknown mailer has no form")?;
        let resolve = ResolveUnknown {
            batch: batch.clone(),
            first: form,
            last: form,
            found: match came.contains(&tracking) {
                true => Found::Whole(Shown {
                    first: number as u32,
                    last: number as u32,
                }),
                false => Found::Lost(Loss::Blank, Reading::Next(None)),
            },
            reason: "people looked into the tray".into(),
        };
        house.pair(&resolve).map_err(|e| e.to_string())?;
    }
    while house.print(&batch, 5).is_ok() {}
    let sent: Vec<u64> = house.batch(&batch).cards.sent.iter().collect();
    for number in sent {
        let form = house.card(&batch, number as u32).form.ok_or("no form")?;
        let confirm = ConfirmMailers {
            batch: batch.clone(),
            first: form,
            last: form,
            shows: Shown {
                first: number as u32,
                last: number as u32,
            },
        };
        house.pair(&confirm).map_err(|e| e.to_string())?;
    }
    let blank = house.batch(&batch).forms.blank;
    let back = ReturnForms {
        batch: batch.clone(),
        count: blank.count(),
        counted: blank.words(),
    };
    house.pair(&back).map_err(|e| e.to_string())?;
    let record = house.batch(&batch);
    let balance = record.may_export().map_err(|e| e.to_string())?;
    let all: BTreeSet<String> = house
        .paper
        .sheets()
        .iter()
        .map(|sheet| tracking_on(sheet))
        .chain(came.iter().cloned())
        .collect();
    // Every card's form came out, before the cut or after it, and no other.
    if balance.confirmed != u64::from(CARDS) || tracked(&house) != all {
        return Err(format!("{balance:?}, {} forms came out", all.len()));
    }
    if all.len() != came.len() + house.paper.sheets().len() {
        return Err("a form came out twice".into());
    }
    let stage = record.state_of(1) == Some(State::Confirmed);
    Ok(format!("balances, {unknown} were unknown, {stage}"))
}
