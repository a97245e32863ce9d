//! Where a typed sheet is: its custodian says whether it is kept in a new
//! package, went back or was destroyed, and witnesses sign it too.

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::{Component, ComponentState, KeyRecord};
use conclave_keyroom::domain::part_set::SetState;
use conclave_keyroom::ports::dialogue::{Ask, Choice, Field, People, Refusal};
use conclave_trades::ceremony::state::Player;
use conclave_trades::keys::{Disposition, RecordSheet, is_typed_sheet};
use conclave_trades::target::KeyName;

use crate::approve::Undone;
use crate::cards::{Interrupted, filled};
use crate::ceremony::fields::{choose, refused, sole, text, told};
use crate::incident::{Package, packages_of, say};
use crate::station::Station;

/// What is chosen of a key to say where its sheets are.
pub(crate) const TITLE: &str = "Where a typed sheet is";
/// What is said of a sheet that stays.
pub(crate) const KEPT: &str = "kept in a new package";

/// What is chosen of a sheet, before the serial is read and the people are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Became {
    Kept,
    Returned,
    Destroyed,
}

impl Became {
    const ALL: [Self; 3] = [Self::Kept, Self::Returned, Self::Destroyed];

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Kept => (KEPT, "sealed; a custody exercise proves it once a year"),
            Self::Returned => (
                "gone back in a package",
                "to whom it came from; this station answers for it no more",
            ),
            Self::Destroyed => (
                "destroyed",
                "burnt, pulped or cross-cut, before two witnesses",
            ),
        }
    }

    fn named(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.words().0 == label)
    }

    fn with(self, serial: Option<String>) -> Option<Disposition> {
        match self {
            Self::Kept => serial.map(Disposition::Kept),
            Self::Returned => serial.map(Disposition::Returned),
            Self::Destroyed => Some(Disposition::Destroyed(serial)),
        }
    }
}

/// Typed sheets that are here: those of which nobody recorded where they are,
/// and those in a recorded package.
pub(crate) fn typed_sheets(key: &KeyRecord) -> Vec<Package> {
    packages_of(key, |set, part| {
        set.is_none_or(|set| set.state == SetState::Kept) && is_typed_sheet(part)
    })
}

/// The sheet that was chosen.
struct Chosen<'k> {
    set: Option<Id>,
    part: &'k Component,
    became: Became,
}

impl Chosen<'_> {
    /// A sheet that lies openly and is destroyed has no serial.
    fn has_serial(&self) -> bool {
        self.became != Became::Destroyed || self.part.state == ComponentState::Sealed
    }
}

impl Station {
    pub(crate) fn record_sheet(
        &mut self,
        key: &KeyRecord,
        people: &mut dyn People,
    ) -> Result<(String, Vec<String>), Undone> {
        let chosen = choose_sheet(key, people)?;
        let mut openers = self.players(chosen.part.group);
        openers.retain(|player| chosen.part.may_be_opened_by(player.id));
        let groups = [GroupId::Approvers, GroupId::Auditors];
        let mut witnesses: Vec<Player> = groups.iter().flat_map(|g| self.players(*g)).collect();
        witnesses.retain(|player| !key.ever_held(player.id));
        let title = format!("Sheet {} is {}", chosen.part.index, chosen.became.words().0);
        let mut prompt = say(key, &title, fields(&chosen, &openers, &witnesses));
        prompt.code = "key.sheet.say".into();
        prompt.why = "The serial is compared whenever the package is opened (R11). What goes out \
                      of custody has its witnesses, who never held a part of the key (R13, R15). \
                      The minutes are the affidavit."
            .into();
        let action = self
            .foreseen_form(&mut prompt, people, |values| {
                read(key, &chosen, (&openers, &witnesses), values)
            })
            .map_err(Undone::Interrupted)?;
        self.recorded(key, TITLE, &action, people)
    }
}

/// Which sheet, and what became of it.
fn choose_sheet<'k>(
    key: &'k KeyRecord,
    people: &mut dyn People,
) -> Result<Chosen<'k>, Interrupted> {
    let sheets = typed_sheets(key);
    let choices = Became::ALL.map(Became::words);
    let choices = choices.map(|(label, detail)| Choice {
        label: label.into(),
        detail: detail.into(),
    });
    let names = sheets.iter().map(|sheet| sheet.0.clone()).collect();
    let fields = vec![choose("Sheet", names), told("It is", choices.to_vec())];
    let mut prompt = say(key, TITLE, fields);
    prompt.code = "key.sheet".into();
    if let Ask::Form { submit, .. } = &mut prompt.ask {
        "go on to serial and witnesses".clone_into(submit);
    }
    loop {
        let values = filled(people, &mut prompt)?;
        let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
        let sheet = sheets.iter().find(|sheet| sheet.0 == value(0));
        let part = sheet.and_then(|(_, set, index)| {
            let mut parts = key.in_custody(*set).iter();
            Some((*set, parts.find(|part| part.index == *index)?))
        });
        let (Some((set, part)), Some(became)) = (part, Became::named(value(1))) else {
            prompt.refused = Some(refused(
                "Which sheet, and what became of it?",
                "Choose both.",
            ));
            continue;
        };
        if (part.state, became) == (ComponentState::Sealed, Became::Kept) {
            prompt.refused = Some(refused(
                "That sheet lies in a recorded package already.",
                "A custody exercise proves it, and gives it a new package.",
            ));
            continue;
        }
        return Ok(Chosen { set, part, became });
    }
}

fn fields(chosen: &Chosen<'_>, openers: &[Player], witnesses: &[Player]) -> Vec<Field> {
    let names = |players: &[Player]| players.iter().map(|p| p.name.clone()).collect();
    let mut fields = vec![
        sole("Custodian", names(openers)),
        choose("Witness", names(witnesses)),
    ];
    if chosen.became == Became::Destroyed {
        fields.push(choose("Second witness", names(witnesses)));
    }
    if chosen.has_serial() {
        fields.push(text("Serial", "", "the custodian reads it", 24));
        fields.push(text("Serial again", "", "the witness reads it", 24));
    }
    fields
}

fn read(
    key: &KeyRecord,
    chosen: &Chosen<'_>,
    (openers, witnesses): (&[Player], &[Player]),
    values: &[String],
) -> Result<RecordSheet, Refusal> {
    let mut values = values.iter().map(|value| value.trim());
    let mut named = |players: &[Player]| {
        let name = values.next().unwrap_or_default();
        players.iter().find(|player| player.name == name).cloned()
    };
    let custodian = named(openers);
    let mut seen = vec![named(witnesses)];
    if chosen.became == Became::Destroyed {
        seen.push(named(witnesses));
    }
    let seen: Option<Vec<Player>> = seen.into_iter().collect();
    let (Some(custodian), Some(witnesses)) = (custodian, seen) else {
        return Err(refused(
            "Whose hands was it in, and who saw it?",
            "Choose the custodian and every witness. Can neither custodian nor backup come, give \
             the key new components.",
        ));
    };
    let serials: Vec<String> = values.map(str::to_ascii_uppercase).collect();
    let serial = match serials.as_slice() {
        [first, second] if first == second => Some(first.clone()),
        [_, _] => {
            return Err(refused(
                "The two serials are not the same.",
                "Custodian and witness each read it from the package.",
            ));
        }
        _ => None,
    };
    let Some(disposition) = chosen.became.with(serial) else {
        return Err(refused(
            "The package has no serial yet.",
            "Custodian and witness each read it from the package.",
        ));
    };
    Ok(RecordSheet {
        key: KeyName::of(key),
        set: chosen.set,
        index: chosen.part.index,
        disposition,
        custodian,
        witnesses,
    })
}
