//! A restore rehearsed with the people whose cards would be needed.

use conclave_crypto::primitive::shamir::Share;
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityRecord, CardEntry, CardState};
use conclave_evidence::examine::CheckedBackup;
use conclave_evidence::words::digest_lines;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::Action;
use conclave_keyroom::piv::PivError;
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, People, Prompt, PromptLine, Refusal, Show,
};
use conclave_keyroom::vault::{VaultError, open_share_of};
use conclave_trades::backup::{
    FoundBackup, Proven, Rehearse, backup_folders, examine_on, refused, sealed_share,
};

use crate::act_minutes::{Done, Subject};
use crate::approve::Undone;
use crate::cards::{Interrupted, ask};
use crate::present::{Absent, Wanted, present};
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::words;

const TITLE: &str = "Rehearse a restore";

/// The group that opens everything a backup holds.
const GROUP: GroupId = GroupId::Recovery;

fn prompt(code: &str, title: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: TITLE.into(),
        title: title.into(),
        waiting_for: "administrators".into(),
        safe: "yes, this station is not touched at all".into(),
        why: "A backup that nobody has opened is a hope. Its quorum opens it in memory, every \
              record is opened and added up, every key gives its check value, and the copy is \
              wiped. The station at work stays as it is."
            .into(),
        ..Prompt::default()
    }
}

/// Members of the backup's group who have not come yet, by the backup's own
/// record and by this station's.
struct Members<'a> {
    record: &'a AuthorityRecord,
    done: &'a [(Id, String)],
}

impl Wanted for Members<'_> {
    fn wants(&self, entry: &CardEntry) -> Result<(), Refusal> {
        let name = &entry.person_name;
        let happened = if self.done.iter().any(|(card, _)| *card == entry.card) {
            format!("{name} has come already; nobody counts twice.")
        } else if !self.record.is_member(GROUP, entry.card) {
            format!(
                "{name} was not in the group {} of this backup.",
                GROUP.title()
            )
        } else {
            return Ok(());
        };
        Err(Refusal {
            happened,
            safe: "Nothing was opened, and no PIN was asked for.".into(),
            advice: format!("Wanted now: {}.", words::list(&self.names())),
        })
    }

    fn takes_words(&self) -> bool {
        true
    }

    fn passes_over(&self, entry: &CardEntry) -> bool {
        self.done.iter().any(|(card, _)| *card == entry.card)
            || !self.record.is_member(GROUP, entry.card)
    }

    fn names(&self) -> Vec<String> {
        self.record
            .cards
            .iter()
            .filter(|card| card.state == CardState::Active)
            .filter(|card| self.record.is_member(GROUP, card.card))
            .filter(|card| !self.done.iter().any(|(done, _)| *done == card.card))
            .map(|card| card.person_name.clone())
            .collect()
    }
}

/// Why a card did not open its share of the backup.
#[derive(Debug, thiserror::Error)]
enum ShareError {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Card(#[from] PivError),
}

fn as_secret(share: &Share) -> Secret {
    let bytes = share.bytes.expose();
    Secret::from_fn(bytes.len() + 1, |out| {
        if let Some((first, rest)) = out.split_first_mut() {
            *first = share.x;
            rest.copy_from_slice(bytes);
        }
    })
}

impl Station {
    /// Proves a backup on the medium that is plugged in: administrators are
    /// logged on, and the recovery quorum comes with its cards.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn rehearse_restore(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let found = match self.choose_backup(&prompt("rehearse.choose", TITLE), people)? {
            Ok(found) => found,
            Err(why) => return stopped(why),
        };
        let checked = examine_on(&mut *self.media, &found.place, &found.signed)
            .map_err(|error| refusal_of(&refused(&error)))?;
        if let Err(why) = show_digest(prompt("rehearse.digest", TITLE), &found, people) {
            return stopped(why);
        }
        let since = self.next_seq();
        self.pause_watch(true);
        let came = self.shares_of(&found, &checked, people);
        self.pause_watch(false);
        let (shares, members) = match came {
            Ok(came) => came,
            Err(undone) => return self.undone(undone),
        };
        let action = Rehearse {
            serial: found.place.serial.clone(),
            folder: found.place.folder.clone(),
            digest: checked.digest,
            group: GROUP,
            members,
        };
        people.progress("Opening the backup in memory", 0, 1);
        let mut ports = Ports {
            printers: &mut *self.printers,
            media: &mut *self.media,
            programs: &mut *self.programs,
        };
        let warrant = conclave_keyroom::door::Warrant::default();
        match self.door.perform(&action, &warrant, shares, &mut ports) {
            Ok(proven) => {
                let mut words = action.words();
                words.extend(action.outcome(&proven));
                let came = action.members.iter().map(|name| (GROUP, name.clone()));
                let minutes = Done {
                    subject: Subject {
                        of: Some(("Backup", &action.folder)),
                        ..Subject::house(TITLE, "rehearsal")
                    },
                    words,
                    signers: came.collect(),
                    others: Vec::new(),
                    since,
                    result: "Done. Nobody's signature is needed for it: the journal names those \
                             whose cards opened the backup.",
                };
                let filed = self.file_done(&minutes, people);
                Ok(done(&found, &proven, filed))
            }
            Err(error) => self.undone(Undone::Door(error)),
        }
    }

    /// One of the backups on the media that are plugged in.
    pub(crate) fn choose_backup(
        &mut self,
        question: &Prompt,
        people: &mut dyn People,
    ) -> Result<Result<FoundBackup, Interrupted>, Refusal> {
        let mut found =
            backup_folders(&mut *self.media).map_err(|error| self.refusal(&error.to_string()))?;
        if found.is_empty() {
            return Err(Refusal {
                happened: "No backup is on the media that are plugged in.".into(),
                safe: "Nothing was changed.".into(),
                advice: "Plug the medium with the backup in, and try again.".into(),
            });
        }
        let mut question = question.clone();
        question.lines = vec![PromptLine::note("Which backup? The newest stands first.")];
        question.ask = Ask::Choose {
            options: found
                .iter()
                .map(|one| Choice {
                    label: one.place.folder.clone(),
                    detail: format!(
                        "{}, {}, journal up to entry {}",
                        one.backup.station_name,
                        words::date_time(one.backup.made_at_ms),
                        one.backup.head_seq
                    ),
                })
                .collect(),
        };
        loop {
            match ask(people, &mut question, &mut |_| Ok(false)) {
                Ok(Answer::Chosen(at)) if at < found.len() => {
                    return Ok(Ok(found.swap_remove(at)));
                }
                Ok(_) => {}
                Err(why) => return Ok(Err(why)),
            }
        }
    }

    /// The recovery quorum's shares, opened by their cards.
    fn shares_of(
        &mut self,
        found: &FoundBackup,
        checked: &CheckedBackup,
        people: &mut dyn People,
    ) -> Result<(Vec<Secret>, Vec<String>), Undone> {
        let record = checked.journal.chain.latest();
        let need = record.group(GROUP).map_or(usize::MAX, |g| g.m.into());
        let mut done: Vec<(Id, String)> = Vec::new();
        let mut shares = Vec::new();
        let mut last = None;
        while done.len() < need {
            let wanted = Members {
                record,
                done: &done,
            };
            let mut question = prompt("rehearse.card", "The recovery quorum opens the backup");
            question.lines = vec![
                PromptLine::note(format!("{}: {} of {need} came.", GROUP.title(), done.len())),
                PromptLine::note("Each card opens its share of the backup, in memory."),
            ];
            question.waiting_for = words::list(&wanted.names());
            let came = present(
                &mut self.door,
                &self.readers,
                people,
                &mut question,
                &wanted,
                "open a share of the backup",
                false,
                &mut |_| Ok(false),
            )
            .map_err(|absent| match absent {
                Absent::Interrupted { why, .. } => Undone::Interrupted(why),
                Absent::Failed { why, .. } => Undone::Card(why),
            })?;
            let mut held = came.held;
            let sealed = sealed_share(&mut *self.media, &found.place, checked, GROUP, &came.entry)
                .map_err(|error| Undone::Card(format!("the backup cannot be read: {error}")))?;
            let share = open_share_of(record, GROUP, &came.entry, &sealed, |point| {
                Ok::<_, ShareError>(held.card.ecdh(point)?)
            })
            .map_err(|error| match error {
                ShareError::Card(PivError::Card(_)) => Undone::Interrupted(Interrupted::CardGone),
                other => Undone::Card(other.to_string()),
            })?;
            shares.push(as_secret(&share));
            done.push((came.entry.card, came.entry.person_name.clone()));
            last = Some(held);
        }
        if let Some(held) = &last {
            self.last_proven(held);
        }
        Ok((shares, done.into_iter().map(|(_, name)| name).collect()))
    }
}

pub(crate) fn refusal_of((happened, advice): &(String, &'static str)) -> Refusal {
    Refusal {
        happened: format!("{happened}."),
        safe: "Nothing was changed.".into(),
        advice: (*advice).into(),
    }
}

/// The words that are compared with the paper.
pub(crate) fn show_digest(
    mut question: Prompt,
    found: &FoundBackup,
    people: &mut dyn People,
) -> Result<(), Interrupted> {
    let digest = found.signed.digest();
    question.lines = vec![PromptLine::note(
        "Every check of this backup held. Compare these words with its paper: a good backup may \
         still be an older one.",
    )];
    question.show = Some(Show::Words {
        of: found.place.folder.clone(),
        words: digest_lines(&digest)
            .iter()
            .flat_map(|line| line.split(' '))
            .map(str::to_owned)
            .collect(),
    });
    question.ask = Ask::Confirm {
        key: 'w',
        label: "the words are those on the paper".into(),
    };
    loop {
        if let Answer::Confirmed = ask(people, &mut question, &mut |_| Ok(false))? {
            return Ok(());
        }
    }
}

fn done(found: &FoundBackup, proven: &Proven, filed: String) -> ActEnd {
    let records: u64 = proven.records.iter().map(|(_, count)| count).sum();
    ActEnd::Done {
        good: true,
        title: "The backup is proven".into(),
        lines: vec![
            format!(
                "{}: journal up to entry {}",
                found.place.folder, proven.head_seq
            ),
            format!("{records} records opened; each sum agrees with its signed root."),
            "The backup's other sealed values are no records: its journal, the shares of its \
             groups, and the keys that open it."
                .into(),
            format!(
                "{} keys opened; each gives the check value on record.",
                proven.keys
            ),
            "The copy in memory was wiped, and this station was not touched.".into(),
            filed,
        ],
    }
}
