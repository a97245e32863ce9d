//! A damaged repository: what is told of it, the session that only looks, and
//! the way on.

use std::fs::File;
use std::path::Path;

use conclave_evidence::GroupId;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::engine::SledStore;
use conclave_keyroom::vault::{Compartment, RecordHeader, RootFit, Survey};
use conclave_trades::backup::{Losses, examine_on, losses, refused};

use crate::cards::ask;
use crate::front::{Administration, Request, TaskRow};
use crate::rehearse::refusal_of;
use crate::service::{ActEnd, stopped};
use crate::session::Member;
use crate::station::Station;
use crate::words;

/// The repository's folder below the station's.
pub const REPOSITORY: &str = "repository";

/// How the name of a repository begins that was set aside.
const ASIDE: &str = "repository-damaged-";

/// So many of one list are named on the screen and in the report.
const NAMED: usize = 200;

const WHY: &str = "Something in the repository is not what was written. A rescue shows what is \
                   good, names what is damaged, and writes nothing: no key leaves, nothing is \
                   signed, no card takes a note. It is no way around a card that has seen more \
                   than this disk holds: such a card refuses it as ever.";

/// What is wrong with the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// In words.
    pub(crate) why: String,
    /// A quorum can log on to look.
    pub(crate) readable: bool,
    /// Somebody has chosen to.
    pub(crate) chosen: bool,
}

impl Damage {
    /// It was found when the repository was opened, or at a logon.
    pub(crate) fn found(why: String, readable: bool) -> Self {
        Self {
            why,
            readable,
            chosen: false,
        }
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.why
    }

    /// For the first screen.
    pub(crate) fn refusal(&self) -> Refusal {
        let mut happened = format!("The repository is damaged: {}", self.why);
        if !happened.ends_with('.') {
            happened.push('.');
        }
        Refusal {
            happened,
            safe: "Nothing was opened, and no record was changed.".into(),
            advice: match (self.chosen, self.readable) {
                (true, _) => "Log on to see what is damaged and what is good. Then restore a \
                              backup; this repository is kept beside it."
                    .into(),
                (false, true) => "Call the administrators and the auditors. Look into it, \
                                  read-only; then restore a backup."
                    .into(),
                (false, false) => "Call the administrators and the auditors. Nobody can log on \
                                   to it: restore a backup; this repository is kept beside it."
                    .into(),
            },
        }
    }
}

/// What the act would have been is told in one way.
pub(crate) fn read_only() -> Refusal {
    Refusal {
        happened: "This is a rescue: the repository is damaged, and is only read.".into(),
        safe: "Nothing was done.".into(),
        advice: "Look at the task list for what is damaged; compare a backup on the devices \
                 screen (b); log out and restore it (r)."
            .into(),
    }
}

/// Whether a rescue does what is asked; everything else is refused before
/// anybody is asked for anything.
pub(crate) fn may(request: &Request) -> bool {
    match request {
        Request::Administer(act) => matches!(
            act,
            Administration::BeginRescue | Administration::CompareBackup | Administration::SetAside
        ),
        Request::Initialise
        | Request::Ceremony(_)
        | Request::Resume(_)
        | Request::Key { .. }
        | Request::MakeRsa
        | Request::Pins(_)
        | Request::ImportPublic => false,
        Request::Logon(_)
        | Request::Logout
        | Request::ExportJournal
        | Request::Doctor
        | Request::Refresh
        | Request::KeyDetail { .. }
        | Request::Answer(_)
        | Request::Awake
        | Request::Wake
        | Request::Quit => true,
    }
}

fn prompt(code: &str, title: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: "Rescue".into(),
        title: title.into(),
        waiting_for: "whoever is responsible for this station".into(),
        safe: "yes: nothing is changed".into(),
        why: WHY.into(),
        ..Prompt::default()
    }
}

/// Repositories that were set aside, oldest first.
pub(crate) fn set_aside(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<String> = names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(ASIDE))
        .collect();
    found.sort();
    found
}

/// TRUE where a folder has been a station and its repository says nothing: the
/// files were cut off, and the store took that for a new one.
pub(crate) fn emptied(folder: &Path, was_there: bool) -> bool {
    let filed = std::fs::read_dir(folder.join("authority"));
    was_there && filed.is_ok_and(|mut files| files.next().is_some()) && set_aside(folder).is_empty()
}

fn more(lines: &mut Vec<String>, of: usize) {
    if of > NAMED {
        lines.push(format!("… and {} more", of - NAMED));
    }
}

fn survey_lines(survey: &Survey) -> Vec<String> {
    let name = survey.compartment.name();
    if let Some(why) = &survey.closed {
        return vec![format!("✗ {name}: does not open: {why}")];
    }
    let (good, bad) = (survey.good_count(), survey.bad_count);
    let mark = if survey.is_sound() { '✓' } else { '✗' };
    let mut lines = vec![format!("{mark} {name}: {good} good, {bad} damaged")];
    lines.extend(
        survey
            .bad
            .iter()
            .take(NAMED)
            .map(|one| format!("    {} {}: {}", one.kind, one.id, one.why)),
    );
    more(&mut lines, usize::try_from(bad).unwrap_or(usize::MAX));
    let root = match &survey.root {
        RootFit::Agrees => None,
        RootFit::Unconfirmed => {
            Some("the journal cannot say whether this is the newest state".to_owned())
        }
        RootFit::Differs { signed } if bad == 0 => Some(format!(
            "{signed} records were signed for: one is missing, too many, or an older version"
        )),
        RootFit::Differs { signed } => Some(format!("{signed} records were signed for")),
        RootFit::NotNewest => Some("its root is not the one in the journal: older records".into()),
        RootFit::Broken(why) => Some(format!("its root does not verify: {why}")),
    };
    lines.extend(root.map(|words| format!("    {words}")));
    lines
}

impl Station {
    /// TRUE while the repository is only looked at.
    #[must_use]
    pub fn in_rescue(&self) -> bool {
        self.door.vault().is_frozen() && self.damage.as_ref().is_some_and(|d| d.chosen)
    }

    /// What is wrong with the repository, if anything was found.
    #[must_use]
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// What was found, line by line: what is damaged by name, how much is good,
    /// and how far the journal holds.
    #[must_use]
    pub fn damage_lines(&self) -> Vec<String> {
        let vault = self.door.vault();
        let mut lines = Vec::new();
        if let Some(damage) = &self.damage {
            lines.push(format!("found at first: {}", damage.why));
        }
        if let Some(journal) = vault.journal_survey() {
            let (entries, holds) = (journal.entries, journal.holds);
            match journal.damaged.first() {
                None => lines.push(format!("✓ journal: {entries} entries, one chain")),
                Some((seq, _)) => {
                    lines.push(format!(
                        "✗ journal: {entries} entries; it holds up to entry {}, and breaks at \
                         entry {seq}",
                        holds.saturating_sub(1)
                    ));
                    let named = journal.damaged.iter().take(NAMED);
                    lines.extend(named.map(|(seq, why)| format!("    entry {seq}: {why}")));
                    more(&mut lines, journal.damaged.len());
                }
            }
        }
        lines.extend(vault.surveys().flat_map(survey_lines));
        let looked: Vec<Compartment> = vault.surveys().map(|s| s.compartment).collect();
        let closed: Vec<String> = Compartment::ALL
            .iter()
            .filter(|one| !looked.contains(one))
            .filter(|one| vault.authority().is_ok_and(|record| one.is_of(record)))
            .map(|one| one.name().to_owned())
            .collect();
        if !closed.is_empty() {
            lines.push(format!(
                "not looked through, other groups open it: {}",
                words::list(&closed)
            ));
        }
        let places = vault.damaged_places();
        lines.extend(
            places
                .iter()
                .take(NAMED)
                .map(|one| format!("✗ {} {}: {}", one.kind, one.id, one.why)),
        );
        more(&mut lines, places.len());
        lines
    }

    /// The task that stands above all others in a rescue.
    pub(crate) fn damage_task(&self) -> Option<TaskRow> {
        if !self.in_rescue() {
            return None;
        }
        let vault = self.door.vault();
        let records: u64 = vault.surveys().map(|survey| survey.bad_count).sum();
        let entries = vault.journal_survey().map_or(0, |j| j.damaged.len());
        Some(TaskRow {
            due: "now".into(),
            // Above everything that is overdue.
            days: -100_000,
            what: format!("RESCUE: damaged records {records}, journal entries {entries}"),
            who: "Auditors, Administrators, Recovery".into(),
            detail: self.damage_lines(),
            resume: None,
        })
    }

    /// A card has seen more than this repository holds: the rescue is over, and
    /// whoever was in it is logged off.
    pub(crate) fn shut_if_older(&mut self) {
        let Some(why) = self.door.vault().rescue_shut().map(str::to_owned) else {
            return;
        };
        let _ = self.logout("the repository is older than what a card has seen");
        self.damage = Some(Damage::found(why, false));
    }

    /// Something in the repository did not authenticate at a logon. It is noted
    /// in the journal, which has verified.
    pub(crate) fn damage_found(&mut self, why: &str) {
        if self.in_rescue() {
            return;
        }
        let _ = self.door.note("damage", why.to_owned());
        self.damage = Some(Damage::found(why.to_owned(), true));
    }

    /// Begins to look into a damaged repository. From here on nothing is
    /// written to it until the program ends.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn begin_rescue(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let Some(damage) = self.damage.clone().filter(|damage| damage.readable) else {
            return Err(self.refusal("there is nothing here that a rescue could show"));
        };
        if self.is_open() {
            return Err(self.refusal("somebody is logged on; log out first"));
        }
        // An older copy is recovered or left alone; it is no damage.
        if self.door.vault().guard().is_ok_and(|guard| guard.recovery) {
            return Err(crate::logon::recovery_first());
        }
        let mut question = prompt("rescue.begin", "Look into a damaged repository, read-only");
        question.lines = vec![
            PromptLine::note(format!("Found: {}", damage.why)),
            PromptLine::note(
                "A group logs on as ever. It sees what is good, what is damaged by name, and can \
                 export the journal and compare a backup.",
            ),
            PromptLine::note(
                "Nothing is written, signed or handed out, until the program ends. Who logs on \
                 is noted in a file in the folder rescue.",
            ),
        ];
        question.ask = Ask::Confirm {
            key: 'x',
            label: "look into it, read-only".into(),
        };
        loop {
            match ask(people, &mut question, &mut |_| Ok(false)) {
                Ok(Answer::Confirmed) => break,
                Ok(_) => {}
                Err(why) => return stopped(why),
            }
        }
        if !self.door.vault().is_frozen() {
            // The last entry of this run. A journal that takes none holds
            // nobody up: the file below says it, too.
            let words = format!("a rescue was begun: {}", damage.why);
            let _ = self.door.note("rescue", words);
        }
        let readable = self.door.vault().is_frozen() || self.door.freeze();
        self.damage = Some(Damage {
            readable,
            chosen: readable,
            ..damage
        });
        match readable {
            true => Ok(ActEnd::Stopped),
            false => Err(self.refusal("nobody can log on to this repository any more")),
        }
    }

    /// Who looked, when, and what was found, in a file beside the repository:
    /// the repository itself takes no entry.
    pub(crate) fn note_rescue(&self, group: GroupId, members: &[Member]) -> Result<String, String> {
        let names: Vec<String> = members.iter().map(|member| member.name.clone()).collect();
        let now = self.clock.wall_ms();
        let mut lines = vec![
            "RESCUE: a damaged repository was looked into, read-only.".to_owned(),
            "This file is signed by nobody: it is a note, and no evidence.".to_owned(),
            format!(
                "{} UTC: {}: {}",
                words::date_time(now),
                group.title(),
                words::list(&names)
            ),
        ];
        lines.extend(self.damage_lines());
        let text = lines.join("\n") + "\n";
        self.file(
            "rescue",
            &format!("rescue-{}.txt", now / 1000),
            text.as_bytes(),
        )
    }

    /// The journal as far as it holds, for the export's last words.
    pub(crate) fn journal_break(&self) -> Option<String> {
        let journal = self.door.vault().journal_survey()?;
        let (seq, why) = journal.damaged.first()?;
        Some(format!(
            "It holds up to entry {}. It breaks at entry {seq}: {why}. conclave verify says that \
             what the head names is missing.",
            journal.holds.saturating_sub(1)
        ))
    }

    /// Says what would be lost with a backup that is plugged in.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn compare_backup(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        if !self.in_rescue() || !self.is_open() {
            return Err(self.refusal("this is for a rescue"));
        }
        let question = prompt("rescue.backup", "What would a backup lose?");
        let found = match self.choose_backup(&question, people)? {
            Ok(found) => found,
            Err(why) => return stopped(why),
        };
        let checked = examine_on(&mut *self.media, &found.place, &found.signed)
            .map_err(|error| refusal_of(&refused(&error)))?;
        let station = self.door.vault().authority().map(|record| record.station);
        if station.ok() != Some(checked.backup.station) {
            return Err(self.refusal("this is a backup of another station"));
        }
        let compared = losses(self.door.vault(), &mut *self.media, &found.place, &checked)
            .map_err(|error| self.refusal(&error.to_string()))?;
        let mut lines = vec![format!(
            "{}, of {}, with the journal up to entry {}",
            found.place.folder,
            words::date_time(checked.backup.made_at_ms),
            checked.backup.head_seq
        )];
        lines.extend(self.loss_lines(&compared));
        Ok(ActEnd::Done {
            good: true,
            title: "What this backup has, and what it would lose".into(),
            lines,
        })
    }

    fn loss_lines(&self, found: &Losses) -> Vec<String> {
        let mut lines = vec![
            format!("The same in both: {} records", found.same),
            format!("Lost with it: {} journal entries", found.entries),
        ];
        let parts = [
            ("Lost with it", &found.lost),
            ("Comes back with it, damaged here", &found.mended),
            ("Only in the backup", &found.only_there),
        ];
        for (title, records) in parts {
            lines.push(format!("{title}: {} records", records.len()));
            let named = records.iter().take(NAMED);
            lines.extend(named.map(|one| format!("    {}", self.record_words(one))));
            more(&mut lines, records.len());
        }
        if found.unreadable > 0 {
            lines.push(format!(
                "Lost in any case: {} places that cannot be read here and are not in the backup",
                found.unreadable
            ));
        }
        lines
    }

    /// A key by its label and check value, where it is good; else kind and id.
    fn record_words(&self, one: &RecordHeader) -> String {
        let vault = self.door.vault();
        let key = (one.compartment == Compartment::Catalogue && one.kind == KeyRecord::KIND)
            .then(|| vault.get::<KeyRecord>(Compartment::Catalogue, one.id).ok())
            .flatten();
        match key {
            Some(key) => format!("key {}, check value {}", key.label, key.kcv.words()),
            None => format!("{} {} in {}", one.kind, one.id, one.compartment),
        }
    }

    /// Sets a damaged repository aside, under another name, and goes on with an
    /// empty one beside it, into which a backup can be restored. Nothing is
    /// deleted.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn set_repository_aside(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        if !self.door.vault().is_frozen() || self.damage.is_none() {
            return Err(self.refusal("only a damaged repository is set aside"));
        }
        if self.is_open() {
            return Err(self.refusal("somebody is logged on; log out first"));
        }
        let now = self.clock.wall_ms() / 1000;
        let name = (0..100)
            .map(|again| match again {
                0 => format!("{ASIDE}{now}"),
                _ => format!("{ASIDE}{now}-{again}"),
            })
            .find(|name| !self.folder.join(name).exists())
            .ok_or_else(|| self.refusal("too many repositories are set aside here"))?;
        let mut question = prompt("rescue.aside", "Restore a backup beside this repository");
        question.safe = "yes: until you type it, nothing is moved".into();
        question.lines = vec![
            PromptLine::note(format!(
                "This repository is renamed to {name} and kept as it is, for the auditors. An \
                 empty one takes its place."
            )),
            PromptLine::note(
                "Then restore a backup (r), with the quorums of Recovery and Administrators. \
                 What came after that backup is lost.",
            ),
        ];
        question.ask = Ask::Exactly {
            text: "set aside".into(),
        };
        loop {
            match ask(people, &mut question, &mut |_| Ok(false)) {
                Ok(Answer::Word(word)) if word == "set aside" => break,
                Ok(_) => {}
                Err(why) => return stopped(why),
            }
        }
        let _ = self.logout("the repository is set aside");
        self.door
            .release()
            .map_err(|error| self.refusal(&error.to_string()))?;
        let moved = self.move_repository(&name);
        self.damage = match &moved {
            Ok(()) => None,
            Err(why) => Some(Damage::found(why.clone(), false)),
        };
        moved.map_err(|why| self.refusal(&why))?;
        Ok(ActEnd::Done {
            good: true,
            title: "The damaged repository is set aside".into(),
            lines: vec![
                format!("It is kept as {name} in the station's folder: keep it for the auditors."),
                "An empty repository stands in its place. Now restore a backup: r.".into(),
            ],
        })
    }

    fn move_repository(&mut self, name: &str) -> Result<(), String> {
        let from = self.folder.join(REPOSITORY);
        let words = |error: &dyn std::fmt::Display| format!("it was not set aside: {error}");
        std::fs::rename(&from, self.folder.join(name)).map_err(|e| words(&e))?;
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|e| words(&e))?;
        let store = SledStore::open(&from).map_err(|e| words(&e))?;
        self.door.begin_anew(Box::new(store)).map_err(|e| words(&e))
    }
}
