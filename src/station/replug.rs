//! What was handed over is read a second time, after people pulled its medium and put
//! it back: what a medium holds in its own memory is gone by then. Where it was given up,
//! it stays a task.

use conclave_evidence::GroupId;
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::action::ReadOutput;
use conclave_trades::target::store::StorePassphrase;
use conclave_trades::target::{BundleRecord, BundleState, ReadBundle};

use crate::approve::Undone;
use crate::cards::{Interrupted, ask, filled};
use crate::ceremony::begin::{refused, sole};
use crate::front::{READS_AGAIN, TaskRow};
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::words;

/// How often it is asked for, where the medium is not there or another one is.
const TRIES: usize = 5;

/// What came of the second reading.
pub(crate) struct SecondReading {
    /// Every byte is as it was written.
    pub good: bool,
    /// The bundle counts no more: its medium gave back other bytes.
    pub void: bool,
    /// For the screen.
    pub lines: Vec<String>,
}

/// Why it did not end well.
enum NotRead {
    /// The medium gave back other bytes.
    Void,
    /// It did not take place.
    Told(String),
}

/// What is read, and by whom.
struct Left<'a> {
    act: String,
    what: String,
    medium: &'a str,
    waiting_for: &'a str,
}

fn bundle_words(bundle: &BundleRecord) -> String {
    format!(
        "{:04} on {}, for {}",
        bundle.number, bundle.medium, bundle.recipient
    )
}

impl Station {
    /// Asks that the medium is pulled and put back, and reads the bundle again, past
    /// every cache. It has left by then: whatever becomes of this is told, and undoes
    /// nothing but a bundle that does not read back.
    pub(crate) fn read_after_replug(
        &mut self,
        bundle: u64,
        medium: &str,
        people: &mut dyn People,
    ) -> SecondReading {
        let left = Left {
            act: "Hand over".into(),
            what: format!("Bundle {bundle:04}"),
            medium,
            waiting_for: "key managers",
        };
        let action = ReadBundle {
            ceremony: None,
            bundle,
        };
        let void = |station: &Self| station.counts_no_more(bundle);
        match self.when_back(&left, &action, &void, people) {
            Ok(files) => SecondReading {
                good: true,
                void: false,
                lines: vec![format!(
                    "{medium} was read again: {files} files and the manifest are as written."
                )],
            },
            Err(NotRead::Void) => SecondReading {
                good: false,
                void: true,
                lines: vec![
                    format!("{medium} gave back other bytes: it is condemned."),
                    format!(
                        "Bundle {bundle:04} counts no more. Destroy {medium}, and hand over again \
                         on another medium."
                    ),
                ],
            },
            Err(NotRead::Told(why)) => SecondReading {
                good: false,
                void: false,
                lines: vec![
                    format!("NOT read again after the medium was pulled: {why}"),
                    "It was read back while it was written, and counts. It should not leave before"
                        .into(),
                    "it was read again: that is a task now (tasks, a).".into(),
                ],
            },
        }
    }

    /// The same of a batch's output, for the line below its numbers.
    pub(crate) fn read_output_again(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let action = ReadOutput::of(batch).map_err(|error| {
            let refusal = refused(error.to_string(), "Look at the batch again.");
            Undone::Interrupted(Interrupted::Refused(refusal))
        })?;
        let medium = batch.exported.as_ref().map(|output| output.medium.clone());
        let medium = medium.unwrap_or_default();
        let left = Left {
            act: format!("Batch {} of {}", batch.name, batch.issuer),
            what: "The output".into(),
            medium: &medium,
            waiting_for: "PIN operator and supervisor",
        };
        let id = batch.id;
        let void = |station: &Self| {
            let vault = station.door.vault();
            let now = vault.get::<PinBatch>(Compartment::Pins, id);
            now.is_ok_and(|batch| batch.exported.is_none())
        };
        Ok(match self.when_back(&left, &action, &void, people) {
            Ok(()) => vec![format!("{medium} was read again: the output is as written")],
            Err(NotRead::Void) => vec![format!(
                "{medium} gave back other bytes: it is condemned, and the output counts no more. \
                 Destroy it, and write the output again on another medium"
            )],
            Err(NotRead::Told(why)) => vec![format!(
                "the output was NOT read again after its medium was pulled: {why} It should not \
                 leave before"
            )],
        })
    }

    fn when_back<A: Action>(
        &mut self,
        left: &Left<'_>,
        action: &A,
        void: &dyn Fn(&Self) -> bool,
        people: &mut dyn People,
    ) -> Result<A::Out, NotRead> {
        let medium = left.medium;
        let mut prompt = Prompt {
            code: "hand-over.replug".into(),
            act: left.act.clone(),
            title: format!("{} is read again", left.what),
            lines: vec![
                PromptLine::note(format!(
                    "Unmount {medium} where your system does not do so by itself, pull it, wait \
                     for its light to go out, and put it back. A disc: take it out, and put it in."
                )),
                PromptLine::note(
                    "The station cannot see that it was away; it reads past every cache.",
                ),
            ],
            ask: Ask::Confirm {
                key: 'r',
                label: "read again".into(),
            },
            waiting_for: left.waiting_for.into(),
            safe: "yes, it is written, and stays a task; it should not leave before it was read \
                   again"
                .into(),
            why: "A medium may give back from its memory what it does not keep.".into(),
            ..Prompt::default()
        };
        let told = |why: &str| NotRead::Told(why.to_owned());
        let title = prompt.title.clone();
        for _ in 0..TRIES {
            match ask(people, &mut prompt, &mut |_| Ok(false)) {
                Ok(Answer::Confirmed) => {}
                Ok(_) => continue,
                Err(Interrupted::Refused(refusal)) => return Err(told(&refusal.happened)),
                Err(_) => return Err(told("it was given up.")),
            }
            match self.act(action, &title, people) {
                Ok(out) => return Ok(out),
                Err(_) if void(self) => return Err(NotRead::Void),
                Err(Undone::Door(error)) => prompt.refused = Some(self.door_refusal(&error)),
                Err(Undone::Card(why)) => prompt.refused = Some(self.refusal(&why)),
                Err(Undone::Interrupted(_)) => return Err(told("it was given up.")),
            }
        }
        let why = prompt.refused.map(|refusal| refusal.happened);
        Err(told(why.as_deref().unwrap_or("nobody confirmed it.")))
    }

    fn counts_no_more(&self, bundle: u64) -> bool {
        let record = self
            .door
            .vault()
            .get::<BundleRecord>(Compartment::Export, BundleRecord::id_of(bundle));
        record.is_ok_and(|record| record.state == BundleState::Void)
    }

    /// The medium of this name may be read: it is not condemned.
    pub(crate) fn may_be_read(&self, name: &str) -> bool {
        let media = self.media_on_record();
        let medium = media.iter().find(|medium| medium.name == name);
        medium.is_some_and(|medium| !matches!(self.condemned(medium), Ok(Some(_))))
    }

    /// Bundles whose second reading was given up, and can still take place.
    fn unread_bundles(&self) -> Vec<BundleRecord> {
        let mut bundles = self.bundles();
        bundles.retain(|bundle| bundle.lacks_reading() && self.may_be_read(&bundle.medium));
        bundles
    }

    /// A task for each of them.
    pub(crate) fn reading_tasks(&self) -> Vec<TaskRow> {
        self.unread_bundles().iter().map(reading_task).collect()
    }

    /// The second reading of a bundle, taken up again from the task list.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn read_again(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let waiting = self.unread_bundles();
        if waiting.is_empty() {
            return Err(refused(
                "No bundle waits for its second reading.",
                "There is nothing to be done.",
            ));
        }
        let mut prompt = Prompt {
            code: "hand-over.again".into(),
            act: "Hand over".into(),
            title: "A bundle that was not read again".into(),
            ask: Ask::Form {
                fields: vec![sole("Bundle", waiting.iter().map(bundle_words).collect())],
                submit: "go on".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is changed".into(),
            why: "Its medium is pulled and put back, and every file is compared with the manifest \
                  that was signed."
                .into(),
            ..Prompt::default()
        };
        let bundle = loop {
            let values = match filled(people, &mut prompt) {
                Ok(values) => values,
                Err(why) => return stopped(why),
            };
            let chosen = values.first().map(String::as_str).unwrap_or_default();
            match waiting.iter().find(|one| bundle_words(one) == chosen) {
                Some(bundle) => break bundle,
                None => prompt.refused = Some(refused("Which bundle?", "Choose one.")),
            }
        };
        let number = bundle.number;
        let again = self.read_after_replug(number, &bundle.medium, people);
        let mut lines = again.lines;
        if again.void && self.has_halves(number) {
            lines.push("Both halves of its passphrase are destroyed, before a witness.".into());
        }
        let how = match (again.good, again.void) {
            (true, _) => "is as it was written",
            (_, true) => "counts no more",
            _ => "was NOT read again",
        };
        Ok(ActEnd::Done {
            good: again.good,
            title: format!("Bundle {number:04} {how}"),
            lines,
        })
    }

    /// TRUE for a key store whose passphrase lies on paper.
    fn has_halves(&self, bundle: u64) -> bool {
        let id = StorePassphrase::id_of(bundle);
        let vault = self.door.vault();
        let halves = vault.get::<StorePassphrase>(Compartment::Export, id);
        halves.is_ok_and(|halves| halves.printed_ms.iter().any(Option::is_some))
    }
}

fn reading_task(bundle: &BundleRecord) -> TaskRow {
    TaskRow {
        due: "now".into(),
        days: -1,
        what: format!(
            "bundle {:04} on {} was not read again",
            bundle.number, bundle.medium
        ),
        who: format!(
            "{}, {}",
            GroupId::KeyManagers.title(),
            GroupId::Approvers.title()
        ),
        detail: vec![
            format!(
                "for {}, written {}",
                bundle.recipient,
                words::date(bundle.begun_ms)
            ),
            "Its medium was not pulled and put back. Before it leaves the room:".into(),
            READS_AGAIN.into(),
        ],
        resume: None,
    }
}
