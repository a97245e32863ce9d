//! What was handed over is read a second time, after people pulled its medium and put
//! it back: what a medium holds in its own memory is gone by then.

use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine};
use conclave_keyroom::vault::Compartment;
use conclave_trades::target::{BundleRecord, BundleState, ReadBundle};

use crate::approve::Undone;
use crate::cards::{Interrupted, ask};
use crate::station::Station;

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
        let mut prompt = Prompt {
            code: "hand-over.replug".into(),
            act: "Hand over".into(),
            title: format!("Bundle {bundle:04} is read again"),
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
            waiting_for: "key managers".into(),
            safe: "yes, the bundle is written; it should not leave before it was read again".into(),
            why: "A medium may give back from its memory what it does not keep.".into(),
            ..Prompt::default()
        };
        let action = ReadBundle {
            ceremony: None,
            bundle,
        };
        let title = prompt.title.clone();
        for _ in 0..TRIES {
            match ask(people, &mut prompt, &mut |_| Ok(false)) {
                Ok(Answer::Confirmed) => {}
                Ok(_) => continue,
                Err(Interrupted::Refused(refusal)) => return not_read(&refusal.happened),
                Err(_) => return not_read("it was given up."),
            }
            match self.act(&action, &title, people) {
                Ok(files) => {
                    return SecondReading {
                        good: true,
                        void: false,
                        lines: vec![format!(
                            "{medium} was read again: {files} files and the manifest are as written."
                        )],
                    };
                }
                Err(_) if self.counts_no_more(bundle) => {
                    return SecondReading {
                        good: false,
                        void: true,
                        lines: vec![
                            format!("{medium} gave back other bytes: it is condemned."),
                            format!(
                                "Bundle {bundle:04} counts no more. Destroy {medium}, and hand over \
                                 again on another medium."
                            ),
                        ],
                    };
                }
                Err(Undone::Door(error)) => prompt.refused = Some(self.door_refusal(&error)),
                Err(Undone::Card(why)) => prompt.refused = Some(self.refusal(&why)),
                Err(Undone::Interrupted(_)) => return not_read("it was given up."),
            }
        }
        let why = prompt.refused.map(|refusal| refusal.happened);
        not_read(why.as_deref().unwrap_or("nobody confirmed it."))
    }

    fn counts_no_more(&self, bundle: u64) -> bool {
        let record = self
            .door
            .vault()
            .get::<BundleRecord>(Compartment::Export, BundleRecord::id_of(bundle));
        record.is_ok_and(|record| record.state == BundleState::Void)
    }
}

fn not_read(why: &str) -> SecondReading {
    SecondReading {
        good: false,
        void: false,
        lines: vec![
            format!("NOT read again after the medium was pulled: {why}"),
            "It was read back while it was written, and counts. Check it before it leaves:".into(),
            "conclave-verify, on another machine.".into(),
        ],
    }
}
