//! A script before it starts, and a ceremony after it ended, as lines for
//! paper and transcript. Nothing here is secret.

use conclave_evidence::Hash;
use conclave_evidence::authority::Mode;
use conclave_evidence::journal::EntryKind;
use conclave_evidence::words::in_words;
use conclave_keyroom::domain::known_value::known_value_words;

use conclave_keyroom::door::Action;

use super::action::RecordStep;
use super::exception::exception_words;
use super::prompts::clock;
use super::script::{End, OnDeviation, OnFailure, Purpose, Role, Script};
use super::state::{Ending, Parameters, State};

/// What stands above the journal's entries.
pub const JOURNAL: &str = "Journal";

/// The station, as papers name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Station {
    /// Its name.
    pub name: String,
    /// TEST or PRODUCTION.
    pub mode: Mode,
}

/// A journal entry, opened for the minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalLine {
    /// Its number.
    pub seq: u64,
    /// Wall clock.
    pub wall_ms: u64,
    /// What it is.
    pub kind: EntryKind,
    /// The action's name.
    pub action: String,
    /// Its words.
    pub words: Vec<String>,
}

/// A paper in neutral form; the print room lays it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minutes {
    /// `Minutes: Generate ZMK BANK-LAKE.ZMK.001`.
    pub title: String,
    /// The station's name.
    pub station: String,
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// Facts, name and value: script and digest, ceremony, key, template, ….
    pub facts: Vec<(String, String)>,
    /// Part and person.
    pub people: Vec<(String, String)>,
    /// What happens, or what happened.
    pub lines: Vec<String>,
    /// How it ended; empty before it starts.
    pub result: String,
    /// Under each blank line for a signature: part and name.
    pub signatures: Vec<(String, String)>,
}

impl Minutes {
    /// The page with an entry of the journal and its hash, to be compared with the journal
    /// screen at another time: whoever holds the paper notices an older repository.
    ///
    /// `which` says what entry it is: `the last before the close is signed`.
    #[must_use]
    pub fn with_head(mut self, seq: u64, hash: &Hash, which: &str) -> Self {
        self.facts.push((
            "Journal at the close".to_owned(),
            format!("entry {seq}, {which}: SHA-256 {hash}"),
        ));
        self.facts
            .push((format!("Entry {seq} in words"), in_words(&hash.0).join(" ")));
        self
    }

    /// All of it as text lines, the same for the transcript.
    #[must_use]
    pub fn transcript(&self) -> Vec<String> {
        let mut lines = vec![
            self.title.clone(),
            format!("Station {} {}", self.station, self.mode),
        ];
        let pair = |(name, value): &(String, String)| format!("{name}: {value}");
        lines.extend(self.facts.iter().map(pair));
        lines.extend(self.people.iter().map(pair));
        lines.extend(self.lines.iter().cloned());
        if !self.result.is_empty() {
            lines.push(format!("Result: {}", self.result));
        }
        lines
    }
}

/// How a part on a blind mailer was checked.
const BLIND: &str = "blind mailers: each checked by its serial and by a printed page of X's, \
                     and read only when it is opened";

fn parameter_facts(parameters: &Parameters) -> Vec<(String, String)> {
    let mut facts = vec![
        ("Key".to_owned(), parameters.label.clone()),
        (
            "Template".to_owned(),
            format!(
                "{}, {}",
                parameters.template.stamp(),
                parameters.template.title
            ),
        ),
        ("Form".to_owned(), parameters.template.form.to_string()),
    ];
    if parameters.components > 0 {
        facts.push(("Components".to_owned(), parameters.components.to_string()));
    }
    if parameters.blind {
        facts.push(("Forms".to_owned(), BLIND.to_owned()));
    }
    if let (Some(paper), None) = (&parameters.paper, &parameters.shares) {
        facts.push(("Partner".to_owned(), paper.partner.clone()));
        facts.push(("Partner's paper".to_owned(), paper.words()));
    }
    if let Some(split) = &parameters.split {
        let what = match split.quorum {
            None => "new components of a key that is there".to_owned(),
            Some(m) => format!("shares of a key that is there, any {m} of them make it"),
        };
        facts.push(("Parts".to_owned(), what));
    }
    if let Some(shares) = &parameters.shares {
        let places: Vec<String> = shares.places.iter().map(u8::to_string).collect();
        let what = format!("{} of {}", places.join(", "), shares.of);
        facts.push(("Shares typed".to_owned(), what));
        let known = match shares.known {
            Some(_) => "a key that is there is proven",
            None => "a new key of this station",
        };
        facts.push(("They make".to_owned(), known.to_owned()));
    }
    if let Some(destroy) = &parameters.destroy {
        let serials = destroy.serials.iter().map(|s| match s {
            Some(serial) => serial.clone(),
            None => "not recorded".to_owned(),
        });
        let sheets: Vec<String> = destroy
            .parts
            .iter()
            .zip(serials)
            .map(|(part, serial)| format!("part {part}, package {serial}"))
            .collect();
        facts.push(("Sheets".to_owned(), sheets.join("; ")));
    }
    if let Some(exercise) = &parameters.exercise {
        facts.push(("Sheets".to_owned(), exercise.holders.len().to_string()));
        let passed_over = exercise.passed_over_words();
        facts.extend(passed_over.map(|words| ("Not opened".to_owned(), words)));
    }
    if let Some(from) = &parameters.import {
        facts.push(("Partner".to_owned(), from.partner.clone()));
        facts.push(("Wrapping key".to_owned(), from.under.label.clone()));
        facts.push(("Profile".to_owned(), from.profile.stamp()));
        let medium = from.medium.as_ref().map(|(_, name)| name.clone());
        facts.push(("Block".to_owned(), medium.unwrap_or("typed by two".into())));
        if let Some(exception) = &from.exception {
            facts.push((EXCEPTION.to_owned(), exception_words(exception)));
        }
    }
    if let Some(delivery) = &parameters.delivery {
        facts.push(("Wrapping key".to_owned(), delivery.under.label.clone()));
        facts.push(("Recipient".to_owned(), delivery.recipient.clone()));
        facts.push(("Medium chosen".to_owned(), delivery.medium_name.clone()));
        if let Some(exception) = &delivery.exception {
            facts.push((EXCEPTION.to_owned(), exception_words(exception)));
        }
    }
    if let Some(reason) = &parameters.known_value {
        facts.push((EXCEPTION.to_owned(), known_value_words(reason)));
    }
    facts
}

/// The script as the people read it before it starts. With parameters and cast
/// where they are chosen already.
#[must_use]
pub fn printed_script(script: &Script, station: &Station, state: Option<&State>) -> Minutes {
    let mut facts = vec![
        ("Script".to_owned(), script.stamp()),
        (
            "SHA-256 of the script".to_owned(),
            script.digest.to_string(),
        ),
        ("Summary".to_owned(), script.summary.clone()),
    ];
    let mut people = Vec::new();
    let mut title = format!("Script: {}", script.title);
    if let Some(state) = state {
        title = format!("{title} {}", state.parameters.label);
        facts.extend(parameter_facts(&state.parameters));
        facts.extend(backup_fact(state));
        people = cast(state);
    } else {
        for part in &script.cast {
            let count = if part.source.is_custodian() {
                "one for each component".to_owned()
            } else {
                part.count.to_string()
            };
            people.push((
                part.part.clone(),
                format!("{}, {count}", part.source.title()),
            ));
        }
    }
    let mut lines = Vec::new();
    let mut inside = false;
    for (number, (step, repeated)) in script.steps().into_iter().enumerate() {
        if repeated && !inside {
            lines.push("For each component, one custodian at a time:".to_owned());
        } else if inside && !repeated {
            lines.push("After the last component:".to_owned());
        }
        inside = repeated;
        lines.push(format!(
            "{:>2}  {} [{}]",
            number + 1,
            step.title,
            step.verb.name()
        ));
        let witness: Vec<String> = step.witness.iter().map(Role::to_string).collect();
        let witness = if witness.is_empty() {
            "no witness".to_owned()
        } else {
            format!("witness {}", witness.join(", "))
        };
        lines.push(format!("    actor {}; {witness}", step.actor));
        lines.push(format!("    expected: {}", step.expect));
        lines.push(format!(
            "    deviation: {}; failure: {}",
            deviation_words(script, step.on_deviation),
            failure_words(script, step.on_failure)
        ));
        lines.push("    time ______  initials ______  ______".to_owned());
    }
    let signatures = people
        .iter()
        .map(|(part, name)| (part.clone(), name.clone()))
        .collect();
    Minutes {
        title,
        station: station.name.clone(),
        mode: station.mode,
        facts,
        people,
        lines,
        result: String::new(),
        signatures,
    }
}

/// The name of a fact that is an exception which both quorums signed.
const EXCEPTION: &str = "Exception";

/// How many exceptions both quorums signed with the parameters.
pub(super) fn signed_exceptions(state: &State) -> usize {
    let facts = parameter_facts(&state.parameters);
    facts.iter().filter(|(name, _)| name == EXCEPTION).count()
}

/// The minutes of a ceremony.
#[must_use]
pub fn minutes(
    script: &Script,
    station: &Station,
    state: &State,
    journal: &[JournalLine],
) -> Minutes {
    let mut facts = Vec::new();
    if matches!(state.ending, Some(Ending::Void(_) | Ending::Aborted(_))) {
        // Whoever reads the first page alone sees no success in it.
        facts.push(("ENDED EARLY".to_owned(), result_words(state)));
    }
    facts.extend([
        ("Script".to_owned(), script.stamp()),
        ("SHA-256 of the script".to_owned(), state.digest.to_string()),
        (
            "Ceremony".to_owned(),
            format!("{} ({} on its sheets)", state.ceremony, state.short()),
        ),
    ]);
    let decided = parameter_facts(&state.parameters);
    let signed: Vec<String> = decided
        .iter()
        .filter(|(name, _)| name == EXCEPTION)
        .map(|(_, words)| words.clone())
        .collect();
    facts.extend(decided);
    facts.extend(backup_fact(state));
    if let Some(key) = &state.key {
        facts.push(("Check value".to_owned(), key.kcv.words()));
    }
    for envelope in &state.envelopes {
        facts.push((
            format!(
                "Envelope of component {}",
                state.parameters.place(envelope.component)
            ),
            envelope.serial.clone(),
        ));
    }
    let mut lines = vec!["Steps, times in UTC".to_owned()];
    for (number, result) in state.results.iter().enumerate() {
        let title = match result.component {
            // The title is a sentence, and goes on.
            Some(turn) => format!(
                "{}, component {}",
                result.title.trim_end_matches('.'),
                state.parameters.place(turn)
            ),
            None => result.title.clone(),
        };
        lines.push(format!(
            "{:>3}  {}  {title}",
            number + 1,
            clock(result.ended_ms)
        ));
        lines.extend(result.words.iter().map(|w| format!("            {w}")));
        if !result.journal.is_empty() {
            let numbers: Vec<String> = result.journal.iter().map(u64::to_string).collect();
            lines.push(format!("            journal {}", numbers.join(", ")));
        }
    }
    let failed = state.failed_words();
    lines.push(heading("Failed attempts", failed.is_empty()));
    lines.extend(failed.into_iter().map(|line| format!("     {line}")));
    let none = state.exceptions.is_empty() && signed.is_empty();
    lines.push(heading("Exceptions that people recorded", none));
    for words in &signed {
        lines.push(format!("     signed by both quorums: {words}"));
    }
    for exception in &state.exceptions {
        let component = exception
            .component
            .map(|turn| state.parameters.place(turn))
            .map_or_else(String::new, |i| format!(", component {i}"));
        lines.push(format!(
            "     {}{component}: {} (witness {})",
            exception.step, exception.words, exception.witness
        ));
    }
    if !journal.is_empty() {
        lines.push(JOURNAL.to_owned());
    }
    // Each step has a record of its own, and says above which: they stand in one line.
    let is_step = |entry: &&JournalLine| entry.action == RecordStep::NAME;
    let steps: Vec<&JournalLine> = journal.iter().filter(is_step).collect();
    if let [first, ..] = steps.as_slice() {
        let all: Vec<String> = steps.iter().map(|entry| entry.seq.to_string()).collect();
        lines.push(format!(
            "{:>6}  {}  {} records of the steps above, {}: {}",
            first.seq,
            clock(Some(first.wall_ms)),
            all.len(),
            RecordStep::NAME,
            all.join(", ")
        ));
    }
    for entry in journal.iter().filter(|entry| !is_step(entry)) {
        lines.push(format!(
            "{:>6}  {}  {} {}  {}",
            entry.seq,
            clock(Some(entry.wall_ms)),
            entry.kind.name(),
            entry.action,
            entry.words.join("; ")
        ));
    }
    let result = result_words(state);
    let people = cast(state);
    Minutes {
        title: format!("Minutes: {} {}", script.title, state.parameters.label),
        station: station.name.clone(),
        mode: station.mode,
        facts,
        lines,
        result,
        signatures: people.clone(),
        people,
    }
}

/// How it ended, as the last line of the page has it.
fn result_words(state: &State) -> String {
    match &state.ending {
        None => "not finished".to_owned(),
        Some(Ending::Done) => "every step done".to_owned(),
        Some(Ending::Void(why)) if state.parameters.split.is_some() => {
            format!("new set void, the key as it was: {why}")
        }
        Some(Ending::Void(why)) => format!("key void: {why}"),
        Some(Ending::Aborted(why)) if state.parameters.existing().is_some() => {
            format!("ended early, the key as it was: {why}")
        }
        Some(Ending::Aborted(why)) => format!("ended, no key was made: {why}"),
    }
}

fn heading(words: &str, none: bool) -> String {
    match none {
        true => format!("{words}: none"),
        false => words.to_owned(),
    }
}

fn backup_fact(state: &State) -> Option<(String, String)> {
    let words = state.backup_words()?;
    let name = match state.parameters.exercise {
        Some(_) => "New backups",
        None => "Backups",
    };
    Some((name.to_owned(), words))
}

fn cast(state: &State) -> Vec<(String, String)> {
    state
        .cast
        .iter()
        .flat_map(|part| {
            part.people.iter().map(|p| {
                (
                    part.part.clone(),
                    format!("{}, {}", p.name, p.group.title()),
                )
            })
        })
        .collect()
}

fn end_words(script: &Script, end: End) -> &'static str {
    match end {
        End::Void if matches!(script.purpose, Purpose::Reissue | Purpose::Shares) => {
            "the new set is void"
        }
        End::Void => "the key is void",
        End::Abort => "the ceremony ends",
    }
}

fn deviation_words(script: &Script, on: OnDeviation) -> &'static str {
    match on {
        OnDeviation::Record => "recorded, goes on",
        OnDeviation::End(end) => end_words(script, end),
    }
}

fn failure_words(script: &Script, on: OnFailure) -> String {
    match on.retries {
        0 => end_words(script, on.then).to_owned(),
        n => format!(
            "tried again up to {n} times, then {}",
            end_words(script, on.then)
        ),
    }
}
