//! A batch that came back with a restore: it is settled, and where its output
//! had left already, the paper of that output ends it.

use conclave_evidence::GroupId;
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::ports::dialogue::{Ask, People, Refusal};
use conclave_trades::ceremony::state::Player;
use conclave_trades::pin::action::{BatchName, OutputLeft, REASON_MOST, SettleRestoredBatch};

use super::{number, question};
use crate::approve::Undone;
use crate::cards::{Interrupted, filled};
use crate::ceremony::begin::{refused, text};
use crate::station::Station;

impl Station {
    /// A batch that came back with a restore.
    pub(super) fn settle_restored(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let action = SettleRestoredBatch {
            batch: BatchName::of(batch),
            waiting: batch.cards.waiting.count(),
        };
        let (cancelled, unknown) = self.act(&action, "settle a restored batch", people)?;
        Ok(vec![format!(
            "{cancelled} cards are to be reissued, {unknown} mailers are unknown; count the blank \
             forms."
        )])
    }

    /// One operator and one supervisor of the session.
    fn two_of_the_room(&self) -> Result<[Player; 2], Refusal> {
        let one = |group: GroupId| -> Option<Player> {
            let member = self.session.groups.get(&group)?.first()?;
            Some(Player {
                id: member.person,
                name: member.name.clone(),
                group,
                reports_to: String::new(),
            })
        };
        one(GroupId::PinOperators)
            .zip(one(GroupId::PinSupervisors))
            .map(|(operator, supervisor)| [operator, supervisor])
            .ok_or_else(|| {
                refused(
                    "An operator and a supervisor are wanted.",
                    "One of each logs on; press g.",
                )
            })
    }

    /// The issuer has an output of which the records know nothing: both type its
    /// digest from the paper, and administrators sign beside them.
    pub(super) fn output_left(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        self.administrators_here()
            .map_err(|refusal| Undone::Interrupted(Interrupted::Refused(refusal)))?;
        let not = |refusal| Undone::Interrupted(Interrupted::Refused(refusal));
        let two = self.two_of_the_room().map_err(not)?;
        let mut prompt = question(
            "pins.output-left",
            batch,
            "Which output left before the restore?",
            "Only when the issuer says that it has this output. It holds then: none is written \
             from these records, and the batch ends by its sheet and its purge. Number, medium \
             and SHA-256 stand in the minutes or on the receipt; both type the SHA-256 next.",
        );
        prompt.ask = Ask::Form {
            fields: vec![
                text("Output", "", "its number: 1 in PIN-B-0001-01-TEST", 8),
                text("Medium", "", "as on the paper", 40),
                text(
                    "Known by",
                    "",
                    "one sentence: which paper, who of the issuer",
                    REASON_MOST,
                ),
            ],
            submit: "type the SHA-256".into(),
            done: None,
        };
        let (output, medium, known_by) = loop {
            let values = filled(people, &mut prompt)?;
            let value = |at: usize| values.get(at).map_or("", |value| value.trim());
            let output = number(value(0)).and_then(|n| u32::try_from(n).ok());
            let all = !value(1).is_empty() && !value(2).is_empty();
            match output.filter(|_| all) {
                Some(output) => break (output, value(1).to_owned(), value(2).to_owned()),
                None => {
                    prompt.refused = Some(refused(
                        "Number, medium and how it is known are all wanted.",
                        "Read them on the receipt, or in the minutes of the output.",
                    ));
                }
            }
        };
        let label = format!("output {output} of batch {}", batch.name);
        let paper = "the receipt or the minutes";
        let (file, _) = self
            .typed_by(&two, &label, paper, None, people)
            .map_err(not)?;
        let action = OutputLeft {
            batch: BatchName::of(batch),
            output,
            file,
            medium,
            known_by,
        };
        self.act(&action, "an output that left before the restore", people)?;
        Ok(vec![format!(
            "Output {output} is on record as the one that left. Reconcile, then purge."
        )])
    }
}
