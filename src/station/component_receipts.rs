//! Components on their way to a partner: a task for each until its receipt is filed, and
//! filing it (R14).

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::component_dispatch::ComponentDispatch;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::keys::{FileComponentReceipt, LETTER_LINE_MOST, LETTER_SHORT_MOST};
use conclave_trades::target::RECEIPT_DUE_MS;

use crate::cards::filled;
use crate::ceremony::begin::{sole, text};
use crate::front::{FILES_RECEIPT, TaskRow};
use crate::lists::{days_until, due};
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::words;

/// A dispatch as people choose it.
fn named(dispatch: &ComponentDispatch) -> String {
    format!(
        "{}, component {} of {}",
        dispatch.label, dispatch.index, dispatch.of
    )
}

impl Station {
    /// Components on their way, by key and number; none where the session does not read
    /// them.
    pub(crate) fn dispatches(&self) -> Vec<ComponentDispatch> {
        let found = self
            .door
            .vault()
            .list::<ComponentDispatch>(Compartment::Catalogue, ComponentDispatch::KIND);
        let all: Vec<(Id, ComponentDispatch)> = found.unwrap_or_default();
        let mut all: Vec<ComponentDispatch> = all.into_iter().map(|(_, one)| one).collect();
        all.sort_by(|a, b| (&a.label, a.index).cmp(&(&b.label, b.index)));
        all
    }

    /// A task for each component that no good receipt came back of.
    pub(crate) fn dispatch_tasks(&self) -> Vec<TaskRow> {
        let now = self.clock.wall_ms();
        let all = self.dispatches();
        let waiting = all.iter().filter(|dispatch| dispatch.waits());
        waiting
            .map(|one| dispatch_task(now, one, first_waits(&all, one)))
            .collect()
    }

    /// Files the receipt of a component: key managers sign.
    pub(crate) fn file_component_receipt(
        &mut self,
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        let mut waiting = self.dispatches();
        waiting.retain(ComponentDispatch::waits);
        let mut prompt = Prompt {
            code: "receipt.component".into(),
            act: "Receipt".into(),
            title: "File the receipt of a component".into(),
            lines: vec![PromptLine::note(
                "As the receipt has it, not as this station has it.",
            )],
            ask: Ask::Form {
                fields: vec![
                    sole("Of", waiting.iter().map(named).collect()),
                    text(
                        "Package",
                        "",
                        "the serial that they read",
                        LETTER_SHORT_MOST,
                    ),
                    text("Received by", "", "who signed for it", LETTER_LINE_MOST),
                ],
                submit: "go on to the signatures".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is changed".into(),
            why: "The next component leaves when the one before has arrived: whoever takes \
                  parcels away must not come by two."
                .into(),
            ..Prompt::default()
        };
        let values = match filled(people, &mut prompt) {
            Ok(values) => values,
            Err(why) => return stopped(why),
        };
        let value = |at: usize| values.get(at).map(|v| v.trim()).unwrap_or_default();
        let Some(of) = waiting.iter().find(|one| named(one) == value(0)) else {
            return Err(crate::ceremony::begin::refused(
                "Which component is it of?",
                "Choose it: no two go to one partner in one package.",
            ));
        };
        let action = FileComponentReceipt {
            key: of.key,
            label: of.label.clone(),
            ceremony: of.ceremony,
            index: of.index,
            by: value(2).to_owned(),
            package: value(1).to_owned(),
        };
        let title = format!("Receipt of component {} of {}", of.index, of.label);
        match self.act(&action, &title, people) {
            Ok(filed) if filed.differs() => Ok(ActEnd::Done {
                good: false,
                title: format!("Component {}: NOT as it left", filed.index),
                lines: vec![
                    format!("The package was {}.", filed.package),
                    "The task stays. Call them, and send no other component of the key: k, the \
                     key, w says what was found."
                        .into(),
                ],
            }),
            Ok(filed) => Ok(ActEnd::Done {
                good: true,
                title: format!("Component {} is received", filed.index),
                lines: vec![match self.next_of(&filed) {
                    Some(next) => format!("Component {next} may leave now."),
                    None => "All of them have arrived.".into(),
                }],
            }),
            Err(undone) => self.undone(undone),
        }
    }

    /// The first component of the same letter that is still to arrive.
    fn next_of(&self, filed: &ComponentDispatch) -> Option<u8> {
        let all = self.dispatches();
        let mut same = all.iter().filter(|d| d.key == filed.key && d.waits());
        same.next().map(|next| next.index)
    }
}

/// TRUE when no earlier component of the key is still to arrive.
fn first_waits(all: &[ComponentDispatch], one: &ComponentDispatch) -> bool {
    let mut before = all
        .iter()
        .filter(|other| other.key == one.key && other.index < one.index);
    !before.any(ComponentDispatch::waits)
}

fn dispatch_task(now_ms: u64, one: &ComponentDispatch, first: bool) -> TaskRow {
    let until = one.announced_ms.saturating_add(RECEIPT_DUE_MS);
    let mut detail = vec![
        format!("to {}: {}", one.to, one.way),
        format!(
            "package {}, letter {} of {}",
            one.package,
            one.letter,
            words::date(one.announced_ms)
        ),
    ];
    let (what, days) = match &one.received {
        Some(received) => {
            detail.push(format!(
                "{} received a package {}: it is another one",
                received.by, received.package
            ));
            let what = format!(
                "{}: component {} was NOT received as sent",
                one.label, one.index
            );
            (what, 0)
        }
        None => (
            format!("receipt of component {}, {}", one.index, one.label),
            days_until(now_ms, until),
        ),
    };
    detail.push(match first {
        true => FILES_RECEIPT.to_owned(),
        false => "It leaves when the receipt of the one before is filed (R14).".into(),
    });
    TaskRow {
        due: match one.received {
            Some(_) => "today".into(),
            None => due(days, until),
        },
        days,
        what,
        who: GroupId::KeyManagers.title().into(),
        detail,
        resume: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_keyroom::domain::component_dispatch::ReceivedComponent;

    fn on_its_way(index: u8) -> ComponentDispatch {
        ComponentDispatch {
            key: Id([1; 16]),
            label: "BANK-LAKE.ZMK.001".into(),
            ceremony: Id([2; 16]),
            index,
            of: 2,
            package: format!("CE000000{index}"),
            to: "BANK-LAKE".into(),
            way: "by courier".into(),
            letter: "L-17".into(),
            announced_ms: 0,
            received: None,
        }
    }

    #[test]
    fn the_second_waits_for_the_receipt_of_the_first() {
        let mut all = vec![on_its_way(1), on_its_way(2)];
        assert!(first_waits(&all, &all[0]));
        assert!(!first_waits(&all, &all[1]));
        let task = dispatch_task(0, &all[1], false);
        assert!(task.detail[2].contains("the one before"), "{task:?}");
        let mut received = |package: &str| {
            all[0].received = Some(ReceivedComponent {
                by: "B. Lake".into(),
                package: package.into(),
                at_ms: 1,
            });
            all.clone()
        };
        let other = received("CE0000009");
        assert!(other[0].waits() && !first_waits(&other, &other[1]));
        let task = dispatch_task(0, &other[0], true);
        assert!(task.what.contains("NOT received as sent"), "{task:?}");
        let same = received("CE0000001");
        assert!(!same[0].waits() && first_waits(&same, &same[1]));
    }
}
