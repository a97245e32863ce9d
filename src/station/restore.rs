//! The station comes back: from a backup on an empty machine, or from an older
//! repository that a card has found out. Both end with the same act, which the
//! recovery holders and the administrators sign.

use conclave_evidence::authority::{CardEntry, Mode};
use conclave_evidence::words::digest_lines;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::{Action, Warrant};
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_trades::backup::{
    FoundBackup, FromBackup, Restore, examine_on, fill, reborn, refused,
};

use crate::act_minutes::Subject;
use crate::anchor;
use crate::approve::Undone;
use crate::cards::{Held, Interrupted, ask};
use crate::logon::LogonEnd;
use crate::present::{Wanted, present};
use crate::rehearse::{refusal_of, show_digest};
use crate::service::{ActEnd, stopped};
use crate::sign_record::RecordToSign;
use crate::station::Station;
use crate::words;

const FROM_BACKUP: &str = "Restore from a backup";
const IN_PLACE: &str = "Recover this station";

const WHY: &str = "What is restored is older than what the cards have seen: something is lost, \
                   and somebody has to say so. The recovery holders and the administrators sign \
                   for the range that is lost; from then on the station has a new incarnation, \
                   and the old one is refused by the cards that were here.";

/// Whoever logs on to a restore, and signs it.
const GROUPS: [GroupId; 2] = [GroupId::Recovery, GroupId::Administrators];

fn prompt(title: &str, code: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: title.into(),
        title: title.into(),
        waiting_for: "recovery holders and administrators".into(),
        safe: "yes: until the last signature nothing of it counts".into(),
        why: WHY.into(),
        ..Prompt::default()
    }
}

/// Cards that have still to take their note of the new history.
struct Waiting<'a> {
    cards: &'a [CardEntry],
}

impl Wanted for Waiting<'_> {
    fn wants(&self, entry: &CardEntry) -> Result<(), Refusal> {
        if self.cards.iter().any(|card| card.card == entry.card) {
            return Ok(());
        }
        Err(Refusal {
            happened: format!(
                "{}'s card has the note already, or needs none.",
                entry.person_name
            ),
            safe: "Nothing was changed, and no PIN was asked for.".into(),
            advice: format!("Wanted now: {}.", words::list(&self.names())),
        })
    }

    fn passes_over(&self, entry: &CardEntry) -> bool {
        !self.cards.iter().any(|card| card.card == entry.card)
    }

    fn names(&self) -> Vec<String> {
        let names = self.cards.iter().map(|card| card.person_name.clone());
        names.collect()
    }
}

impl Station {
    /// Fills an empty station from a backup and begins a new incarnation of
    /// the station that it is of.
    ///
    /// # Errors
    /// Why not, in words; the station is then as empty as before.
    pub fn restore_backup(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        if self.door.vault().is_frozen() {
            return Err(crate::rescue::read_only());
        }
        if !self.door.vault().is_empty() {
            return Err(self.refusal("there is a station here already"));
        }
        let question = prompt(FROM_BACKUP, "restore.choose");
        let found = match self.choose_backup(&question, people)? {
            Ok(found) => found,
            Err(why) => return stopped(why),
        };
        let checked = examine_on(&mut *self.media, &found.place, &found.signed)
            .map_err(|error| refusal_of(&refused(&error)))?;
        if self.training && checked.backup.mode == Mode::Production {
            return Err(self.refusal("a training station takes no PRODUCTION backup"));
        }
        let genesis = checked
            .journal
            .chain
            .records()
            .first()
            .map(|(hash, _)| *hash);
        let agreed = show_digest(prompt(FROM_BACKUP, "restore.digest"), &found, people)
            .and_then(|()| name_it(&found, genesis.as_ref(), people));
        if let Err(why) = agreed {
            return stopped(why);
        }
        let of: u64 = checked.backup.files().map(|file| file.size).sum();
        let mut progress = |done| people.progress("Writing the repository", done, of);
        progress(0);
        let filled = fill(
            &mut self.door,
            &mut *self.media,
            &found.place,
            &checked,
            &mut progress,
        );
        if let Err(error) = filled {
            self.give_up()?;
            return Err(self.refusal(&format!("the backup was not written: {error}")));
        }
        let from = FromBackup {
            folder: found.place.folder.clone(),
            digest: checked.digest,
            act: checked.backup.act,
        };
        self.recover(Some(from), FROM_BACKUP, people)
    }

    /// Goes on with a repository that is older than what a card has seen.
    ///
    /// # Errors
    /// Why not, in words; the station is then locked as before.
    pub fn recover_station(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        if !self.door.vault().guard().is_ok_and(|guard| guard.recovery) {
            return Err(self.refusal("nothing here has to be recovered"));
        }
        let mut question = prompt(IN_PLACE, "restore.as-it-is");
        question.lines = vec![
            PromptLine::note("This repository is older than what a card has seen, or another."),
            PromptLine::note("Look first for the newer disk, and for a newer backup."),
            PromptLine::note("Go on with it as it lies here only if there is neither."),
        ];
        question.ask = Ask::Confirm {
            key: 'r',
            label: "there is neither; recover this one".into(),
        };
        loop {
            match ask(people, &mut question, &mut |_| Ok(false)) {
                Ok(Answer::Confirmed) => break,
                Ok(_) => {}
                Err(why) => return stopped(why),
            }
        }
        self.door
            .begin_recovery()
            .map_err(|error| self.refusal(&error.to_string()))?;
        self.recover(None, IN_PLACE, people)
    }

    /// Both quorums log on and sign; what they did comes down at once.
    fn recover(
        &mut self,
        from: Option<FromBackup>,
        title: &str,
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        for group in GROUPS {
            let refused = match self.logon(Some(group), people) {
                LogonEnd::Done(_) => continue,
                LogonEnd::Refused(refusal) => Some(refusal),
                LogonEnd::Aborted | LogonEnd::Shutdown => None,
            };
            self.give_up()?;
            return refused.map_or(Ok(ActEnd::Stopped), Err);
        }
        self.pause_watch(true);
        let signed = self.sign_restore(from, title, people);
        let (action, mut held) = match signed {
            Ok(signed) => signed,
            Err(undone) => {
                self.pause_watch(false);
                let end = self.undone(undone);
                self.give_up()?;
                return end;
            }
        };
        if let Err(error) = self.door.settle_recovery() {
            self.give_up()?;
            return Err(self.refusal(&error.to_string()));
        }
        let late = self.note_on_cards(&mut held, title, people);
        drop(held);
        self.pause_watch(false);
        // While the station key is open: nobody is logged on afterwards.
        let since = action.last.saturating_add(1);
        let filed = self.file_signed(
            Subject::house(title, "restore"),
            action.words(),
            since,
            people,
        );
        self.logout("the station was restored")
            .map_err(|error| self.refusal(&error.to_string()))?;
        Ok(done(&action, &late, filed))
    }

    /// The repository is what it was, and nobody is logged on.
    fn give_up(&mut self) -> Result<(), Refusal> {
        let _ = self.logout("a restore was given up");
        self.door.abandon_recovery().map_err(|error| Refusal {
            happened: format!("The restore was given up, and the repository fails: {error}."),
            safe: "Nothing of the restore counts.".into(),
            advice: "End the program and start it again.".into(),
        })?;
        // An empty station has no journal to note it in.
        if !self.door.vault().is_empty() {
            let words = "a recovery was begun, and given up".to_owned();
            self.door
                .note("restore", words)
                .map_err(|error| self.refusal(&error.to_string()))?;
        }
        Ok(())
    }

    /// The administrators sign the new authority record, then both quorums the
    /// act itself.
    fn sign_restore(
        &mut self,
        from: Option<FromBackup>,
        title: &str,
        people: &mut dyn People,
    ) -> Result<(Restore, Vec<Held>), Undone> {
        let failed = |error: &dyn std::fmt::Display| Undone::Card(error.to_string());
        let incarnation = self.door.new_id().map_err(|e| failed(&e))?;
        let vault = self.door.vault();
        let record = vault.authority().map_err(|e| failed(&e))?.clone();
        let hash = vault.authority_hash().map_err(|e| failed(&e))?;
        let next = reborn(&record, hash, incarnation, self.clock.wall_ms());
        let (signed, _) = self.sign_record(
            &RecordToSign {
                next: &next,
                record: &record,
                barred: &[],
                need: record
                    .group(GroupId::Administrators)
                    .map_or(usize::MAX, |group| group.m.into()),
                purpose: title,
                words: &["A new incarnation of this station. Nothing else changes.".to_owned()],
                why: WHY,
            },
            people,
        )?;
        let fork = self.door.vault().fork().cloned();
        let fork = fork.ok_or_else(|| Undone::Card("nothing is being restored".into()))?;
        let action = Restore {
            from,
            last: fork.seq,
            entry: fork.entry,
            seen: fork.seen,
            elsewhere: fork.elsewhere.into_iter().collect(),
            signed,
        };
        let proposal = self.door.propose(&action)?;
        let (approvals, held) = self.collect(&proposal, &action.authority(), title, people)?;
        self.signers = self.names_of(&approvals);
        let warrant = Warrant {
            proposal: Some(proposal),
            approvals,
        };
        self.perform(&action, &warrant)?;
        Ok((action, held))
    }

    /// Every card that signed takes its note of the new history, so that the
    /// old one is refused with it. Where there are few readers they come once
    /// more; who does not gets it at the next logon. Gives those, by name.
    fn note_on_cards(
        &mut self,
        held: &mut [Held],
        title: &str,
        people: &mut dyn People,
    ) -> Vec<String> {
        let mut open: Vec<Id> = Vec::new();
        for card in held {
            if anchor::write(&mut self.door, &mut card.card, card.guid).is_err() {
                open.push(card.guid);
            }
        }
        let known = |door: &conclave_keyroom::door::Door, open: &[Id]| -> Vec<CardEntry> {
            let record = door.vault().authority().ok();
            let entry = |id: &Id| record.and_then(|record| record.card(*id)).cloned();
            open.iter().filter_map(entry).collect()
        };
        while !open.is_empty() {
            let cards = known(&self.door, &open);
            let wanted = Waiting { cards: &cards };
            let mut question = prompt(title, "restore.note");
            question.title = "The restore stands. Each card takes a note of it".into();
            question.lines = vec![PromptLine::note(
                "With the note a card refuses the old disk. Esc: they get it at their next logon.",
            )];
            question.safe = "yes: the restore stands".into();
            question.waiting_for = words::list(&wanted.names());
            let came = present(
                &mut self.door,
                &self.readers,
                people,
                &mut question,
                &wanted,
                "note the restore on this card",
                false,
                &mut |_| Ok(false),
            );
            let Ok(mut came) = came else {
                break;
            };
            let written = anchor::write(&mut self.door, &mut came.held.card, came.held.guid);
            if let Err(error) = written {
                let card = came.held.guid.short();
                let _ = self.door.note("anchor", format!("card {card}: {error}"));
            }
            // A card that fails gets no second try here.
            open.retain(|card| *card != came.held.guid);
        }
        let late = known(&self.door, &open);
        late.into_iter().map(|card| card.person_name).collect()
    }
}

/// The station's name, typed, and its genesis beside it.
fn name_it(
    found: &FoundBackup,
    genesis: Option<&conclave_evidence::Hash>,
    people: &mut dyn People,
) -> Result<(), Interrupted> {
    let backup = &found.backup;
    let mut question = prompt(FROM_BACKUP, "restore.name");
    question.lines = vec![
        PromptLine::note(format!(
            "{}, {}, as it was on {}",
            backup.station_name,
            backup.mode,
            words::date_time(backup.made_at_ms)
        )),
        PromptLine::note(format!(
            "What came after journal entry {} is lost.",
            backup.head_seq
        )),
        PromptLine::note("Founded by the genesis record, on its paper in words:"),
    ];
    if let Some(genesis) = genesis {
        question
            .lines
            .extend(digest_lines(genesis).into_iter().map(PromptLine::note));
    }
    question.ask = Ask::Exactly {
        text: backup.station_name.clone(),
    };
    loop {
        match ask(people, &mut question, &mut |_| Ok(false))? {
            Answer::Word(word) if word == backup.station_name => return Ok(()),
            _ => {
                question.refused = Some(Refusal {
                    happened: "That is not the station's name.".into(),
                    safe: "Nothing was written.".into(),
                    advice: "Type the name exactly, or Esc to give up.".into(),
                });
            }
        }
    }
}

fn done(action: &Restore, late: &[String], filed: String) -> ActEnd {
    let mut lines = vec![
        format!("Kept: everything up to journal entry {}.", action.last),
        {
            let mut lost = action.lost();
            if let Some(first) = lost.get(..1).map(str::to_uppercase) {
                lost.replace_range(..1, &first);
            }
            format!("{lost}.")
        },
        "Now: bar again whatever card was barred there; make a new backup and prove it; destroy \
         the old disk. Keys and sheets made in the lost range are in no repository any more."
            .to_owned(),
    ];
    if late.is_empty() {
        lines.push("Every card that signed has the note, and refuses the old disk.".into());
    } else {
        lines.push(format!(
            "Without the note until their next logon: {}.",
            words::list(late)
        ));
    }
    lines.push(filed);
    ActEnd::Done {
        good: true,
        title: "The station is restored".into(),
        lines,
    }
}
