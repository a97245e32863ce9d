//! The sheet that is signed in the end: what became of every card and every form,
//! and who said so.

use conclave_evidence::authority::AuthorityRecord;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::pin_batch::{PinBatch, Signing};
use conclave_keyroom::domain::pin_card::{Lost, PinCard};
use conclave_keyroom::domain::pin_said::{Became, FormsSaid};
use conclave_keyroom::domain::ranges::Ranges;
use conclave_keyroom::domain::second_reading::SecondReading;

use super::read_output::OTHER_BYTES;
use super::reconcile::numbers;
use crate::print::letters::to_ascii;
use crate::print::{Block, Report, Signature, time_words};

fn when(signing: &Signing) -> String {
    time_words(signing.at_ms)
}

/// What somebody typed, as every printer prints it: a letter that no form has must
/// not keep a batch from its end.
fn printable(text: &str) -> String {
    let plain = |c: char| to_ascii(&c.to_string()).unwrap_or_else(|_| "?".into());
    text.chars().map(plain).collect()
}

/// Somebody's name, as the record has it.
fn name(record: &AuthorityRecord, person: Id) -> String {
    let card = record.cards.iter().find(|card| card.person == person);
    card.map_or_else(
        || "somebody who is not on record any more".into(),
        |card| printable(&card.person_name),
    )
}

/// The names of those who signed.
fn names(record: &AuthorityRecord, signing: &Signing) -> String {
    let each = signing.people.iter().map(|one| name(record, *one));
    each.collect::<Vec<_>>().join(", ")
}

/// What somebody is in the PIN room, while they belong to it.
fn role(record: &AuthorityRecord, person: Id) -> Option<&'static str> {
    let groups = record.groups_of(person);
    groups.into_iter().find_map(|group| match group {
        GroupId::PinOperators => Some("PIN operator"),
        GroupId::PinSupervisors => Some("PIN supervisor"),
        _ => None,
    })
}

/// When, by whom, and what they are: `24NOV2026 09:14:05Z: Olga, PIN operator; ...`.
fn signed_by(record: &AuthorityRecord, signing: &Signing) -> String {
    let each = signing.people.iter().map(|one| {
        let name = name(record, *one);
        role(record, *one).map_or(name.clone(), |role| format!("{name}, {role}"))
    });
    format!("{}: {}", when(signing), each.collect::<Vec<_>>().join("; "))
}

/// What was said of forms, for a table.
fn became(said: &FormsSaid) -> String {
    match said.became {
        Became::Whole => "whole and closed, it goes out".into(),
        Became::Lost(loss) => loss.words().to_owned(),
        Became::Aside(aside) => aside.became(said.first == said.last).to_owned(),
        Became::Found => "found, destroyed under witness".into(),
        Became::Unused => "found in the safe, unused: it may come out again".into(),
    }
}

/// What operators printed of X's, and whether each printer was flushed in the end.
fn test_prints(batch: &PinBatch) -> Vec<(String, String)> {
    let pages: Vec<String> = batch
        .test_prints
        .iter()
        .filter(|one| !one.flush)
        .map(|one| format!("{}, {}", one.printer, time_words(one.at_ms)))
        .collect();
    let count = match pages.is_empty() {
        true => "0".into(),
        false => format!("{}: {}", pages.len(), pages.join("; ")),
    };
    let used = batch.flushed();
    let several = used.len() > 1;
    let flushed = used.into_iter().map(|(printer, at_ms)| {
        let what = match several {
            true => format!("{} flushed in the end", printable(printer)),
            false => "flushed in the end".to_owned(),
        };
        let when = at_ms.map_or_else(|| "no".into(), |at| format!("yes, {}", time_words(at)));
        (what, when)
    });
    let mut facts = vec![("test prints".to_owned(), count)];
    facts.extend(flushed);
    facts
}

/// A table of what was said, with a row for each act; nothing where nothing was.
fn said_table<'a>(
    record: &AuthorityRecord,
    heading: &str,
    said: impl Iterator<Item = &'a FormsSaid>,
) -> Vec<Block> {
    let rows: Vec<Vec<String>> = said
        .map(|one| {
            vec![
                Ranges::of(one.first, one.last).words(),
                became(one),
                printable(&one.reason),
                format!("{}, {}", names(record, &one.signed), when(&one.signed)),
            ]
        })
        .collect();
    let columns = ["Form:3", "What it is:5", "Reason:5", "Said by:4"];
    table(heading, &columns, rows)
}

/// A heading and a table, unless it is empty. A column is its title and weight.
fn table(heading: &str, columns: &[&str], rows: Vec<Vec<String>>) -> Vec<Block> {
    if rows.is_empty() {
        return Vec::new();
    }
    let column = |one: &&str| {
        let (title, weight) = one.split_once(':').unwrap_or((one, "1"));
        (title.to_owned(), weight.parse().unwrap_or(1))
    };
    vec![
        Block::Heading(heading.into()),
        Block::Table {
            columns: columns.iter().map(column).collect(),
            rows,
        },
    ]
}

/// The reconciliation sheet of a batch, as a report, with the names of `signers`
/// where they sign: no card number, and no card holder's name.
#[must_use]
pub fn sheet(
    record: &AuthorityRecord,
    batch: &PinBatch,
    cards: &[PinCard],
    signers: &[Id],
) -> Report {
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let mut about = vec![
        fact("batch", batch.name.clone()),
        fact("issuer", batch.issuer.clone()),
        fact("method", batch.method.clone()),
        fact("template", batch.template.clone()),
        fact("layout", batch.layout.clone()),
        fact("form", printable(&batch.form)),
        fact("printer", batch.printer.clone()),
        fact("opened", signed_by(record, &batch.opened)),
    ];
    about.extend(
        batch
            .hand_overs
            .iter()
            .map(|over| fact("taken over", signed_by(record, over))),
    );
    let mut blocks = vec![
        Block::Facts(about),
        Block::Heading("Cards and forms".into()),
        Block::Facts(numbers(batch)),
        Block::Heading("Forms".into()),
        Block::Facts(vec![
            fact("taken out", batch.forms.issued.words()),
            fact("test prints", batch.forms.test.words()),
            fact("spoiled while blank", batch.forms.spoiled.words()),
            fact("missing while blank", batch.forms.missing.words()),
            fact("back in the safe", batch.forms.returned.words()),
        ]),
    ];
    for raised in &batch.raised {
        blocks.push(Block::Text(format!(
            "Limits raised by the pair and administrators, {}: PINs for a card {} to {}, \
             replacements {} to {}. {}",
            signed_by(record, &raised.signed),
            raised.from.tries,
            raised.to.tries,
            raised.from.replacements,
            raised.to.replacements,
            printable(&raised.reason)
        )));
    }
    blocks.push(Block::Heading("Pages of X's by operators".into()));
    blocks.push(Block::Facts(test_prints(batch)));
    let unknown = batch.said.iter().filter(|one| one.unknown);
    blocks.extend(said_table(record, "Unknown, and what was found", unknown));
    blocks.extend(lost_mailers(record, batch, cards));
    blocks.extend(followed(record, batch));
    blocks.extend(other_printers(record, batch));
    let aside = batch.said.iter();
    let aside = aside.filter(|one| matches!(one.became, Became::Aside(_)));
    blocks.extend(said_table(record, "Blank forms that were not used", aside));
    let found = batch.said.iter();
    let found = found.filter(|one| matches!(one.became, Became::Found | Became::Unused));
    blocks.extend(said_table(record, "Missing forms that turned up", found));
    let missing = batch.missing_still();
    if !missing.is_empty() {
        blocks.push(Block::Text(format!(
            "Missing still, an open incident: forms {}.",
            missing.words()
        )));
    }
    blocks.push(Block::Digest {
        what: "file of cards".into(),
        sha256: batch.input,
    });
    let known = batch.lost_outputs.len() + usize::from(batch.exported.is_some());
    let passed_over = batch.passed_over_outputs;
    let cut = (batch.outputs.saturating_sub(passed_over) as usize).saturating_sub(known);
    if passed_over > 0 {
        blocks.push(Block::Text(format!(
            "{passed_over} numbers of outputs were passed over after a restore: outputs that were \
             written since the backup may have them. The issuer was asked."
        )));
    }
    if cut > 0 {
        blocks.push(Block::Text(format!(
            "{cut} outputs were begun and cut off: their media were to be destroyed."
        )));
    }
    for lost in &batch.lost_outputs {
        // What the station read, people did not sign for.
        let (became, what) = match lost.reason == OTHER_BYTES {
            true => (
                "does not count, as was found when it was read again",
                "does not count",
            ),
            false => ("did not arrive", "did not arrive"),
        };
        blocks.push(Block::Text(format!(
            "Output {} of {} {became}, {}: {}",
            lost.output.name,
            when(&lost.output.signed),
            when(&lost.signed),
            printable(&lost.reason)
        )));
        blocks.push(Block::Digest {
            what: format!("output that {what}"),
            sha256: lost.output.file,
        });
    }
    if let Some(exported) = &batch.exported {
        blocks.push(Block::Text(format!(
            "Output {} on medium {}, {}",
            exported.name,
            exported.medium,
            when(&exported.signed)
        )));
        let again = exported.again.map(|again| match again {
            SecondReading::Wanted => "It was NOT read again since it was written.".to_owned(),
            SecondReading::Done { at_ms } => format!(
                "Both said that its medium was pulled and put back; it was read again, {}: as \
                 written.",
                time_words(at_ms)
            ),
        });
        blocks.extend(again.map(Block::Text));
        blocks.extend(exported.known_by.as_ref().map(|known| {
            Block::Text(format!(
                "This output left before the station was restored, and no record saw it. What it \
                 says of the cards holds; the numbers above are those of the backup, and of the \
                 forms that were counted since. Known by: {}",
                printable(known)
            ))
        }));
        let values = exported.card_values.as_ref();
        blocks.extend(values.map(|v| Block::Text(format!("Card values of the output: {v}"))));
        blocks.push(Block::Digest {
            what: "output".into(),
            sha256: exported.file,
        });
    }
    let sign = |person: &Id| Signature {
        name: name(record, *person),
        role: role(record, *person).unwrap_or_default().to_owned(),
    };
    let mut places: Vec<Signature> = signers.iter().map(sign).collect();
    // Operators first, whoever signed first.
    places.sort_by(|a, b| (&a.role, &a.name).cmp(&(&b.role, &b.name)));
    blocks.push(Block::Signatures(places));
    // When the batch last changed: the same records give the same sheet.
    let made = batch
        .exported
        .as_ref()
        .map_or(&batch.opened, |exported| &exported.signed);
    Report {
        mode: record.mode,
        station: record.station_name.clone(),
        title: format!("Reconciliation of PIN batch {}", batch.name),
        made: when(made),
        blocks,
    }
}

/// Where the paper was ahead of the records, and how that came about.
fn followed(record: &AuthorityRecord, batch: &PinBatch) -> Vec<Block> {
    let rows = batch.followed.iter().map(|one| {
        let ahead = one.ahead;
        vec![
            Ranges::of(ahead.blank, ahead.first.saturating_sub(1)).words(),
            format!(
                "forms {} to {}: mailers {} to {}",
                ahead.first, ahead.last, ahead.shown.first, ahead.shown.last
            ),
            printable(&one.reason),
            format!("{}, {}", names(record, &one.signed), when(&one.signed)),
        ]
    });
    let columns = ["Without a mailer:3", "Behind it:5", "Reason:5", "Said by:4"];
    table(
        "The paper was ahead of the records",
        &columns,
        rows.collect(),
    )
}

/// Which printers it had, and why another one.
fn other_printers(record: &AuthorityRecord, batch: &PinBatch) -> Vec<Block> {
    let rows = batch.printers.iter().map(|one| {
        vec![
            printable(&one.from),
            printable(&one.to),
            printable(&one.reason),
            format!("{}, {}", names(record, &one.signed), when(&one.signed)),
        ]
    });
    let columns = ["Printer:3", "Another one:3", "Reason:6", "Said by:5"];
    table("Printers that were changed", &columns, rows.collect())
}

/// Each mailer that was given up, with the reason that was typed.
fn lost_mailers(record: &AuthorityRecord, batch: &PinBatch, cards: &[PinCard]) -> Vec<Block> {
    let lost = cards
        .iter()
        .flat_map(|card| card.lost.iter().map(move |lost| (card, lost)));
    let row = |(card, lost): (&PinCard, &Lost)| {
        let said = batch.given_up(lost.form);
        vec![
            lost.form.to_string(),
            card.number.to_string(),
            lost.attempt.to_string(),
            lost.loss.words().to_owned(),
            said.map_or_else(|| "not on record".into(), |one| printable(&one.reason)),
            said.map_or_else(String::new, |one| names(record, &one.signed)),
        ]
    };
    let columns = [
        "Form:3",
        "Card:2",
        "Try:1",
        "What became of it:4",
        "Reason:5",
        "Said by:3",
    ];
    table("Mailers that were lost", &columns, lost.map(row).collect())
}
