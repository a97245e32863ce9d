//! The safe of blank forms: deliveries, what both count in it, and what leaves
//! the records because it is torn or not there.

use std::collections::BTreeSet;

use conclave_keyroom::domain::form_stock::{Aside, FormStock};
use conclave_keyroom::domain::ranges::Ranges;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, Field, People, Prompt, PromptLine, Refusal, Table,
};
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::action::{
    CountSafe, LOT_MOST, MissingFrom, REASON_MOST, ReceiveStock, WriteFormsOff,
};
use conclave_trades::print::{Kind, Layout};

use super::forms::{NUMBER, NUMBERS_MOST, found_fields, no_number, not_said, restock};
use super::tasks::WHO;
use super::{WAITS, number};
use crate::approve::Undone;
use crate::cards::{Interrupted, ask};
use crate::ceremony::begin::{choose, optional, refused, sole, text};
use crate::front::TaskRow;
use crate::lists::{days_until, due};
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::words;

/// The safe is counted once in so many days.
const COUNT_DAYS: u64 = 31;
const DAY_MS: u64 = 86_400_000;

/// What is done with the safe.
#[derive(Clone, Copy)]
enum Work {
    Receive,
    Count,
    WriteOff,
    Found,
}

impl Work {
    const ALL: [Self; 4] = [Self::Receive, Self::Count, Self::WriteOff, Self::Found];

    fn choice(self) -> Choice {
        let (label, detail) = match self {
            Self::Receive => ("A delivery comes in", "boxes of numbered blank forms"),
            Self::Count => (
                "Count the safe",
                "what both read is compared with the records",
            ),
            Self::WriteOff => (
                "Forms leave the safe",
                "torn and destroyed, or not there: an incident",
            ),
            Self::Found => (
                "Missing forms are in the safe",
                "they were not there, and lie in it unused",
            ),
        };
        Choice {
            label: label.into(),
            detail: detail.into(),
        }
    }
}

/// A question about the safe.
fn about(code: &str, title: &str, note: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: "Blank forms".into(),
        title: title.into(),
        lines: vec![PromptLine::note(note)],
        waiting_for: WAITS.into(),
        safe: "yes, nothing is changed before both have signed".into(),
        why: "A blank form is as good as a mailer in the wrong hands. Each number is in the \
              safe, with a batch, or accounted for."
            .into(),
        ..Prompt::default()
    }
}

/// Widest kind of form in the table, in characters.
const KIND_WIDTH: usize = 24;

/// A kind of form, for lists and choices.
fn kind_label(form: &str) -> String {
    match form {
        "" => "no kind named".to_owned(),
        named => named.to_owned(),
    }
}

/// The kind that was chosen among these; the only one where nobody had a choice.
fn kind_of(kinds: &[String], typed: &str) -> Result<String, Refusal> {
    let found = match kinds {
        [only] => Some(only),
        all => all.iter().find(|one| kind_label(one) == typed),
    };
    found
        .cloned()
        .ok_or_else(|| refused("No kind of form is chosen.", "Choose which forms they are."))
}

fn kind_field(kinds: &[String]) -> Field {
    let labels = kinds.iter().map(|one| kind_label(one)).collect();
    sole("Kind of form", labels)
}

/// The kinds of the deliveries, each once.
fn kinds_of(stocks: &[FormStock]) -> Vec<String> {
    let kinds: BTreeSet<&String> = stocks.iter().map(|stock| &stock.form).collect();
    kinds.into_iter().cloned().collect()
}

/// The deliveries, a line each below their kind and its number in the safe. Which
/// numbers lie there is not told: whoever counts reads them on the forms.
fn deliveries(stocks: &[FormStock]) -> Table {
    let gone = |stock: &FormStock| match (stock.destroyed.count(), stock.missing.count()) {
        (0, 0) => String::new(),
        (torn, 0) => format!("{torn} destroyed"),
        (0, missing) => format!("{missing} MISSING"),
        (torn, missing) => format!("{torn} destroyed, {missing} MISSING"),
    };
    let row = |stock: &FormStock| {
        let (first, last) = stock.delivered;
        vec![
            format!("  {}", stock.lot),
            format!("{first} to {last}"),
            stock.safe.count().to_string(),
            gone(stock),
            stock.counted_ms.map_or_else(String::new, words::date),
        ]
    };
    let mut rows = Vec::new();
    for kind in kinds_of(stocks) {
        let of_kind = || stocks.iter().filter(|stock| stock.form == kind);
        let all: u64 = of_kind().map(|stock| stock.safe.count()).sum();
        let name: String = kind_label(&kind).chars().take(KIND_WIDTH).collect();
        let nothing = String::new;
        rows.push(vec![name, nothing(), all.to_string(), nothing(), nothing()]);
        rows.extend(of_kind().map(row));
    }
    let head = ["Delivery", "Forms", "In safe", "Not any more", "Counted"];
    Table {
        head: head.map(String::from).to_vec(),
        rows,
    }
}

fn done(title: &str, action: &impl Action) -> ActEnd {
    ActEnd::Done {
        good: true,
        title: title.into(),
        lines: action.words(),
    }
}

impl Station {
    /// Deliveries of blank forms, the oldest first.
    pub(super) fn stocks(&self) -> Vec<FormStock> {
        let mut all: Vec<FormStock> = self
            .door
            .vault()
            .list::<FormStock>(Compartment::Pins, FormStock::KIND)
            .unwrap_or_default()
            .into_iter()
            .map(|(_, stock)| stock)
            .collect();
        all.sort_by_key(|stock| stock.received_ms);
        all
    }

    /// What lies in the safe, and what is done there.
    pub(super) fn form_stock(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let stocks = self.stocks();
        if stocks.is_empty() {
            return self.receive_forms(&stocks, people);
        }
        let mut prompt = about(
            "pins.safe",
            "The safe of blank forms",
            "Each form that came is in the safe, with a batch, or accounted for.",
        );
        prompt.table = Some(deliveries(&stocks));
        prompt.ask = Ask::Choose {
            options: Work::ALL.map(Work::choice).to_vec(),
        };
        let work = loop {
            match ask(people, &mut prompt, &mut |_| Ok(false)) {
                Ok(Answer::Chosen(at)) => {
                    if let Some(work) = Work::ALL.get(at) {
                        break *work;
                    }
                }
                Ok(_) => {}
                Err(why) => return stopped(why),
            }
        };
        match work {
            Work::Receive => self.receive_forms(&stocks, people),
            Work::Count => self.count_safe(&kinds_of(&stocks), people),
            Work::WriteOff => self.write_forms_off(&kinds_of(&stocks), people),
            Work::Found => self.missing_in_safe(&kinds_of(&stocks), people),
        }
    }

    /// A form until what it says is done, or people leave it.
    fn until_done<A: Action>(
        &mut self,
        (prompt, title, act): (&mut Prompt, &str, &str),
        people: &mut dyn People,
        mut read: impl FnMut(&[String]) -> Result<A, Refusal>,
    ) -> Result<ActEnd, Refusal> {
        loop {
            let action = match self.foreseen_form(prompt, people, &mut read) {
                Ok(action) => action,
                Err(why) => return stopped(why),
            };
            match self.act(&action, act, people) {
                Ok(_) => return Ok(done(title, &action)),
                Err(Undone::Interrupted(Interrupted::Shutdown)) => return Ok(ActEnd::Stopped),
                Err(undone) => match self.undone(undone) {
                    Ok(end) => return Ok(end),
                    Err(refusal) => prompt.refused = Some(refusal),
                },
            }
        }
    }

    fn receive_forms(
        &mut self,
        stocks: &[FormStock],
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        let kinds = self.kinds_of_forms(stocks);
        if kinds.is_empty() {
            return Err(refused(
                "No layout of PIN mailers is approved: nobody knows which forms these are.",
                "Administrators approve one on a page of X's (devices, l).",
            ));
        }
        let mut prompt = about(
            "pins.receive",
            "A delivery that comes in",
            "Both count the boxes, and read the first and the last number from the forms.",
        );
        prompt.table = (!stocks.is_empty()).then(|| deliveries(stocks));
        prompt.ask = Ask::Form {
            fields: vec![
                text("Delivery", "", "as on the delivery note", LOT_MOST),
                text("First form", "", "its printed number", NUMBER),
                text("Last form", "", "its printed number", NUMBER),
                kind_field(&kinds),
            ],
            submit: "receive it".into(),
            done: None,
        };
        let what = (
            &mut prompt,
            "The forms are in the safe",
            "receive blank forms",
        );
        let id = self.door.new_id();
        let id = id.map_err(|e| self.refusal(&e.to_string()))?;
        self.until_done(what, people, |values| {
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let (Some(first), Some(last)) = (number(value(1)), number(value(2))) else {
                return Err(no_number());
            };
            Ok(ReceiveStock {
                id,
                lot: value(0).trim().to_owned(),
                first,
                last,
                form: kind_of(&kinds, value(3))?,
            })
        })
    }

    /// What a delivery can be: forms of approved layouts of PIN mailers, and what came
    /// before.
    fn kinds_of_forms(&self, stocks: &[FormStock]) -> Vec<String> {
        let texts = self.data.layouts().into_iter();
        let approved = texts
            .filter_map(|(_, text)| text.ok())
            .filter(|text| self.layout_is_approved(text))
            .filter_map(|text| Layout::parse(&text).ok())
            .filter(|layout| layout.kind() == Kind::PinMailer)
            .map(|layout| layout.form().to_owned());
        let came = kinds_of(stocks).into_iter();
        let all: BTreeSet<String> = approved.chain(came).collect();
        all.into_iter().filter(|kind| !kind.is_empty()).collect()
    }

    fn count_safe(&mut self, kinds: &[String], people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let mut prompt = about(
            "pins.count",
            "What lies in the safe?",
            "Both count the boxes, and read the first and the last number of each. What is typed \
             is compared with the records once both have signed it.",
        );
        prompt.ask = Ask::Form {
            fields: vec![
                text("How many", "", "counted; 0 for an empty safe", 8),
                optional("Numbers", "", "as 102 to 109, 115", NUMBERS_MOST),
                kind_field(kinds),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let what = (&mut prompt, "The safe is counted", "count the safe");
        self.until_done(what, people, |values| {
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let counted = value(1).trim().to_owned();
            match (number(value(0)), Ranges::typed(&counted)) {
                (Some(count), typed) if typed.is_some() || counted.is_empty() => {
                    let form = kind_of(kinds, value(2))?;
                    Ok(CountSafe {
                        form,
                        count,
                        counted,
                    })
                }
                _ => Err(refused(
                    "These are no numbers of forms.",
                    "How many there are, and their numbers: 102 to 109, 115.",
                )),
            }
        })
    }

    fn write_forms_off(
        &mut self,
        kinds: &[String],
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        const TORN: &str = "torn or creased: destroyed now";
        const MISSING: &str = "not there: an incident";
        let mut prompt = about(
            "pins.off",
            "Which forms leave the safe?",
            "Nobody brings them back: their numbers are used up.",
        );
        prompt.ask = Ask::Form {
            fields: vec![
                text("First form", "", "its printed number", NUMBER),
                text("Last form", "", "the same where it is one", NUMBER),
                choose("They are", vec![TORN.into(), MISSING.into()]),
                text(
                    "Reason",
                    "",
                    "one sentence: why, and who saw it",
                    REASON_MOST,
                ),
                kind_field(kinds),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let what = (
            &mut prompt,
            "The forms are off the records",
            "take forms off the records",
        );
        self.until_done(what, people, |values| {
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let (Some(first), Some(last)) = (number(value(0)), number(value(1))) else {
                return Err(no_number());
            };
            let aside = match value(2) {
                TORN => Aside::Spoiled,
                MISSING => Aside::Missing,
                _ => return Err(not_said()),
            };
            Ok(WriteFormsOff {
                form: kind_of(kinds, value(4))?,
                first,
                last,
                aside,
                reason: value(3).trim().to_owned(),
            })
        })
    }

    /// Forms that left the records as not there are there.
    fn missing_in_safe(
        &mut self,
        kinds: &[String],
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        let mut prompt = about(
            "pins.found-safe",
            "Which missing forms are in the safe?",
            "Only blank ones that both of you found in the locked safe, whole. A form that lay \
             anywhere else stays off the records, and is destroyed.",
        );
        let mut fields = found_fields();
        fields.push(kind_field(kinds));
        prompt.ask = Ask::Form {
            fields,
            submit: "go on to the signatures".into(),
            done: None,
        };
        let what = (
            &mut prompt,
            "The forms are in the safe again",
            "put found forms back",
        );
        self.until_done(what, people, |values| {
            let typed = values.get(3).map(String::as_str).unwrap_or_default();
            restock(&MissingFrom::Safe(kind_of(kinds, typed)?), values)
        })
    }

    /// The safe is counted every month, from the first delivery on.
    pub(super) fn safe_task(&self, now_ms: u64) -> Option<TaskRow> {
        let stocks = self.stocks();
        let there = stocks.iter().filter(|stock| !stock.safe.is_empty());
        // Forms that were used since the backup stand in no record.
        let restored = self.door.vault().restored_ms().ok().flatten().unwrap_or(0);
        let times = there.map(|stock| {
            let counted = stock.counted_ms.unwrap_or(stock.received_ms);
            match counted < restored {
                true => restored,
                false => counted.saturating_add(COUNT_DAYS * DAY_MS),
            }
        });
        let due_ms = times.min()?;
        let days = days_until(now_ms, due_ms);
        Some(TaskRow {
            due: due(days, due_ms),
            days,
            what: "count the blank forms in the safe".into(),
            who: WHO.into(),
            detail: vec![
                format!(
                    "Every {COUNT_DAYS} days, each kind: what both read is compared with the records."
                ),
                "m, s, «Count the safe».".into(),
            ],
            resume: None,
        })
    }
}
