//! The job that the PIN room is for, on a disk whose power goes in the middle of
//! it: ten thousand mailers, a jam and a damaged form on the way, and whatever the
//! platters really held, to the sheet that both sign and to the purge.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_keyroom::domain::pin_card::{Loss, PinCard};
use conclave_keyroom::domain::pin_seen::Reading;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::printer::PrinterError;
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::ApprovePinTemplate;
use conclave_trades::pin::action::{
    BatchName, Found, PrintMailers, PurgeBatch, ResolveUnknown, SettleInterrupted,
};
use conclave_training::stick::{FolderStick, StickPorts};

use crate::judge::ask;
use crate::mounts::Mounted;
use crate::pin_acts::{confirm_all, export, give_back, pin_on, reconcile, resolve, shown, spoil};
use crate::pin_house::{
    LONG, PAIR, PVK, PinHouse, Plant, approve_layout, csv_of_one_street, pan, sample_of,
    template_text, tracking_on,
};
use crate::platters::found;
use crate::recording::{Dice, FOLDER, Fate, Recording, say};
use crate::room::Room;
use crate::stage::copy;

const CARDS: u32 = 10_000;
/// As many as a cut may leave unknown.
const WINDOW: u16 = 64;
/// Windows whose writes are recorded one by one: the power goes in one of them.
const RECORDED: usize = 10;
/// Bytes of the disk.
pub const DISK: usize = 384 << 20;
/// The first and the last blank form.
const FORMS: (u64, u64) = (100_001, 110_300);

/// A mailer that came out whole, as whoever opens it reads it. PINs have twelve
/// digits, so that none stands on the platters by chance.
#[derive(Clone)]
pub struct Mailer {
    tracking: String,
    card: u32,
    pin: String,
}

impl Mailer {
    fn of(sheet: &[u8]) -> Self {
        let text = String::from_utf8_lossy(sheet).into_owned();
        let words: Vec<&str> = text.split_whitespace().collect();
        let end = CARDS.to_string();
        let at = words.windows(3).find(|w| w[1] == "of" && w[2] == end);
        Self {
            tracking: tracking_on(sheet),
            card: at.unwrap()[0].parse().unwrap(),
            pin: pin_on(sheet),
        }
    }

    fn words(&self) -> String {
        format!("mailer {} {} {}", self.tracking, self.card, self.pin)
    }

    fn told(words: &str) -> Option<Self> {
        let words: Vec<&str> = words.strip_prefix("mailer ")?.split(' ').collect();
        Some(Self {
            tracking: words[0].to_owned(),
            card: words[1].parse().unwrap(),
            pin: words[2].to_owned(),
        })
    }
}

/// The pair again, so many runs after the first one: what they draw is new.
fn returning(folder: &Path, runs: usize) -> PinHouse {
    let mut room = Room::with_pin_room_in(&folder.join("repository"));
    (0..runs).for_each(|_| room.reopen());
    PinHouse::returning(room)
}

/// The template and the layout of PINs of twelve digits, and a batch by them.
fn open(house: &mut PinHouse) -> BatchName {
    let template = template_text("csv-pvv")
        .replace("lengths = [4]", "lengths = [12]")
        .replace("name = \"csv-pvv\"", "name = \"csv-twelve\"");
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
    let approve = ApprovePinTemplate {
        template: template.clone(),
    };
    house.act(&approve, &admins).unwrap();
    let approve = approve_layout(LONG);
    house.act(&Plant::Sample(sample_of(&approve)), &[]).unwrap();
    house.act(&approve, &admins).unwrap();
    house.room.logout();
    house.room.logon_pin_room();
    let file = house.sealed(csv_of_one_street("B-9999", CARDS).as_bytes());
    let mut act = house.opening_by(&template, LONG, &file, 9, (1, None, None));
    act.limits.replacements = 200;
    let secret = vec![Secret::take(&mut file.clone())];
    house.act_with(&act, &PAIR, secret).unwrap();
    act.batch
}

/// A run up to a window by chance, with a jam and a damaged form in it: the mailers
/// that came out. What the issuer has lies beside the disk.
pub fn prepare(folder: &Path, beside: &Path, dice: &mut Dice) -> Vec<Mailer> {
    let room = Room::with_pin_room_in(&folder.join("repository"));
    let mut house = PinHouse::in_room(room, PrinterLanguage::Line);
    let batch = open(&mut house);
    house.forms(&batch, FORMS.0, FORMS.1);
    let windows = 40 + dice.below(90);
    let (jammed, torn) = (1 + dice.below(39), 1 + dice.below(39));
    for window in 1..=windows {
        if window == jammed {
            let stall = PrinterError::Broken("no data taken for 30 s".into());
            house.paper.fails_after(dice.below(WINDOW.into()), stall);
        }
        let printed = house.print(&batch, WINDOW).unwrap();
        assert_eq!(printed.unknown, usize::from(window == jammed));
        if window == jammed {
            // Half a form is in the printer.
            let card = house.batch(&batch).cards.unknown.iter().next().unwrap();
            let form = house.card(&batch, card as u32).form.unwrap();
            assert_eq!(
                resolve(&mut house, &batch, form, Some(Loss::Damaged)).again,
                1
            );
        }
        if window == torn {
            let card = house.batch(&batch).cards.sent.iter().last().unwrap();
            let form = house.card(&batch, card as u32).form.unwrap();
            assert_eq!(spoil(&mut house, &batch, form).again, 1);
        }
        if window % 16 == 0 {
            confirm_all(&mut house, &batch);
        }
    }
    house.room.close();
    copy(house.folder.path(), beside);
    let sheets = house.paper.sheets();
    sheets.iter().map(|sheet| Mailer::of(sheet)).collect()
}

/// What is recorded: further windows, each mailer told once its bytes have left, and
/// each window once it was acknowledged.
#[test]
#[ignore = "run by the test that cuts its power"]
fn work() {
    let folder = std::env::var(FOLDER).unwrap();
    let mut house = returning(Path::new(&folder), 4);
    let batch = house.only_batch();
    house.paper.0.lock().unwrap().tell = Some(|sheet| say(&Mailer::of(sheet).words()));
    say("ready");
    for _ in 0..RECORDED {
        house.print(&batch, WINDOW).unwrap();
        say("window");
    }
    std::process::exit(0);
}

/// What the platters have in the clear of these mailers, if anything: a PIN, a PIN
/// block of format 0, a card's number.
fn in_the_clear(platters: &[u8], mailers: &[Mailer]) -> Option<&'static str> {
    let pins: HashSet<&[u8]> = mailers.iter().map(|m| m.pin.as_bytes()).collect();
    let pans: HashSet<Vec<u8>> = (1..=CARDS).map(|n| pan(n).into_bytes()).collect();
    let blocks: HashSet<[u8; 8]> = mailers.iter().map(block).collect();
    for run in platters.split(|byte| !byte.is_ascii_digit()) {
        if run.windows(12).any(|w| pins.contains(w)) {
            return Some("a PIN");
        }
        if run.windows(16).any(|w| pans.contains(w)) {
            return Some("a card's number");
        }
    }
    for run in platters.split(|byte| !byte.is_ascii_digit() && *byte != b' ') {
        let spaced = |w: &[u8]| {
            let digits: Vec<u8> = w.iter().step_by(2).copied().collect();
            pins.contains(digits.as_slice())
        };
        if run.windows(23).any(spaced) {
            return Some("a PIN, digit by digit");
        }
    }
    let blocked = |w: &[u8]| w[0] == 0x0C && blocks.contains(w);
    platters.windows(8).any(blocked).then_some("a PIN block")
}

/// ISO 9564-1 format 0: control nibble, length, twelve digits and two of fill, and on
/// them twelve digits of the card's number.
fn block(mailer: &Mailer) -> [u8; 8] {
    let pan = pan(mailer.card);
    let of_pin = format!("0C{}FF", mailer.pin);
    let of_card = format!("0000{}", &pan[pan.len() - 13..pan.len() - 1]);
    let byte = |text: &str, at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(|at| byte(&of_pin, at) ^ byte(&of_card, at))
}

/// People look at the forms of the window that was cut: what came out is whole, the
/// rest is blank. How many of each.
fn settle(
    house: &mut PinHouse,
    batch: &BatchName,
    came: &HashSet<&str>,
) -> Result<[u64; 2], String> {
    let open = house.room.vault().open_intents();
    let open = open.map_err(|e| e.to_string())?;
    let cut = open.iter().any(|act| act.action == PrintMailers::NAME);
    if cut || !house.batch(batch).window.is_empty() {
        house
            .act(&SettleInterrupted {}, &[])
            .map_err(|e| format!("not settled: {e}"))?;
    }
    let mut forms: [Vec<u64>; 2] = Default::default();
    for number in house.batch(batch).cards.unknown.iter() {
        let card = house.card(batch, number as u32);
        let tracking = card.tracking.ok_or("an unknown mailer has no number")?;
        let form = card.form.ok_or("an unknown mailer has no form")?;
        forms[usize::from(!came.contains(tracking.as_str()))].push(form);
    }
    for (at, forms) in forms.iter_mut().enumerate() {
        forms.sort_unstable();
        let (Some(first), Some(last)) = (forms.first().copied(), forms.last().copied()) else {
            continue;
        };
        if last - first + 1 != forms.len() as u64 {
            return Err(format!("forms {forms:?} are no run"));
        }
        let act = ResolveUnknown {
            batch: batch.clone(),
            first,
            last,
            found: match at {
                0 => Found::Whole(shown(house, batch, first, last)),
                _ => Found::Lost(Loss::Blank, Reading::Next(None)),
            },
            reason: "both looked into the tray".into(),
        };
        house.pair(&act).map_err(|e| e.to_string())?;
    }
    Ok(forms.map(|forms| forms.len() as u64))
}

/// What another program finds on the platters, see [`found`].
fn opens(recording: &Recording, disk: &Mounted, house: &mut PinHouse) -> [usize; 3] {
    let folder = tempfile::tempdir_in(recording.space.path()).unwrap();
    std::fs::write(folder.path().join("disk"), disk.platters()).unwrap();
    found(house, &disk.path().join("repository"), folder.path())
}

/// The station comes up from what the platters held, and the pair ends the job.
pub fn check(
    recording: &Recording,
    (cut, fate): (usize, Fate),
    disk: &Mounted,
    before: &[Mailer],
) -> Result<String, String> {
    let said = recording.said(cut);
    let told = said.iter().filter_map(|words| Mailer::told(words));
    let mut all: Vec<Mailer> = before.iter().cloned().chain(told).collect();
    let came: HashSet<&str> = all.iter().map(|mailer| mailer.tracking.as_str()).collect();
    let out = came.len();
    let windows = said.iter().filter(|words| **words == "window").count();

    let mut house = returning(disk.path(), 9);
    copy(&recording.beside(), house.folder.path());
    let stick = FolderStick::new(house.folder.path().join("stick"), "S-1");
    house.media = StickPorts::new(vec![stick]);
    let batch = house.only_batch();
    let record = house.batch(&batch).cards;
    let known = (record.sent.count() + record.confirmed.count()) as usize;
    // All that came out before, but for the torn one.
    if known < before.len() - 1 + windows * usize::from(WINDOW) {
        return Err(format!("{known} on record after {windows} windows"));
    }
    let [whole, blank] = settle(&mut house, &batch, &came)?;

    let mut windows = 0;
    while !house.batch(&batch).cards.waiting.is_empty() {
        house.print(&batch, WINDOW).map_err(|e| e.to_string())?;
        windows += 1;
        if windows % 16 == 0 {
            confirm_all(&mut house, &batch);
        }
    }
    confirm_all(&mut house, &batch);
    give_back(&mut house, &batch);
    let balance = house
        .batch(&batch)
        .may_export()
        .map_err(|e| e.to_string())?;
    let issued = FORMS.1 - FORMS.0 + 1;
    // The jam, the torn form, and what never came out of the printer.
    let spoiled = 2 + blank;
    let wanted = [
        u64::from(CARDS),
        spoiled,
        issued - u64::from(CARDS) - spoiled,
        issued,
    ];
    let is = [
        balance.confirmed,
        balance.spoiled,
        balance.returned,
        balance.issued,
    ];
    if is != wanted || balance.open != 0 || balance.unaccounted() != 0 {
        return Err(format!("{balance:?}, and {wanted:?} are right"));
    }

    // By the paper: no form twice, each card's confirmed mailer once, and what else
    // came out of it has another PIN and is destroyed.
    let later = house.paper.sheets();
    all.extend(later.iter().map(|sheet| Mailer::of(sheet)));
    let numbers: HashSet<&str> = all.iter().map(|mailer| mailer.tracking.as_str()).collect();
    if numbers.len() != all.len() || all.len() != CARDS as usize + 1 {
        return Err(format!(
            "{} forms with {} numbers",
            all.len(),
            numbers.len()
        ));
    }
    let mut pins: BTreeMap<u32, &str> = BTreeMap::new();
    for mailer in &all {
        let card = house.card(&batch, mailer.card);
        if card.tracking.as_ref() == Some(&mailer.tracking) {
            pins.insert(mailer.card, &mailer.pin);
        }
    }
    let void = |m: &&Mailer| pins.get(&m.card).is_some_and(|pin| *pin != m.pin);
    if pins.len() != CARDS as usize || all.iter().filter(void).count() != 1 {
        return Err(format!("{} cards have their PIN", pins.len()));
    }

    let (_, text) = export(&mut house, &batch);
    if text.matches(";issued;").count() != pins.len() || !text.ends_with("count;10000;10000;0\n") {
        return Err("the output has another count".into());
    }
    let lines: HashSet<&str> = text.lines().collect();
    let asked: Vec<(&u32, &&str)> = pins.iter().step_by(5).collect();
    let question = |(card, pin): &(&u32, &&str)| format!("pvv {PVK} 1 {} {pin}", pan(**card));
    let theirs = ask(&asked.iter().map(question).collect::<Vec<_>>());
    for ((card, _), pvv) in asked.iter().zip(&theirs) {
        if !lines.contains(format!("{};00;issued;{pvv};1;;", pan(**card)).as_str()) {
            return Err(format!("card {card}: psec has another PVV"));
        }
    }
    let signed = reconcile(&mut house, &batch).numbers.join("\n");
    if !signed.contains("forms unaccounted for: 0") {
        return Err(signed);
    }

    // With the cards of the pair, another program opens whatever lies on the platters;
    // after the purge nothing of a card.
    let [sealed, opened, _] = opens(recording, disk, &mut house);
    if sealed < CARDS as usize || opened != sealed {
        return Err(format!("{opened} of {sealed} cards open"));
    }
    let purge = PurgeBatch {
        batch: batch.clone(),
        receipt: "R-9999".into(),
    };
    house.pair(&purge).map_err(|e| e.to_string())?;
    let left = house.room.vault().of_kind(Compartment::Pins, PinCard::KIND);
    let platters = disk.platters();
    if !left.is_ok_and(|(left, _)| left.is_empty()) {
        return Err("cards are left on record".into());
    }
    if let Some(what) = in_the_clear(&platters, &all) {
        return Err(format!("{what} lies on the platters"));
    }
    // The search does find: the paper has the PINs, the output the cards.
    let paper = in_the_clear(&later.concat(), &all);
    let output = in_the_clear(text.as_bytes(), &all);
    let planted = in_the_clear(&[[0; 9].as_slice(), &block(&all[0])].concat(), &all);
    assert_eq!(paper, Some("a PIN, digit by digit"));
    assert_eq!(
        (output, planted),
        (Some("a card's number"), Some("a PIN block"))
    );
    let [sealed, opened, others] = opens(recording, disk, &mut house);
    if sealed < CARDS as usize || others == 0 || opened != 0 {
        return Err(format!(
            "{opened} of {sealed} old cards open, {others} others"
        ));
    }
    Ok(format!(
        "cut at event {cut} of {}, {fate:?}, {out} mailers out: {whole} unknown were \
         there, {blank} blank; {} confirmed, {} spoiled, {} back, {} taken out, 0 unaccounted \
         for; {} PVVs as psec has them; purged, {sealed} old records on the platters, 0 open",
        recording.events.len(),
        balance.confirmed,
        balance.spoiled,
        balance.returned,
        balance.issued,
        theirs.len(),
    ))
}
