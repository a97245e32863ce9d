//! Something is wrong with a key: one of its packages is not as recorded, it is
//! set aside until it is known what happened, or somebody who may not may know it.

use conclave_evidence::Id;
use conclave_keyroom::domain::key::{Component, ComponentState, KeyRecord, KeyState};
use conclave_keyroom::domain::part_set::{PartSet, SetState};
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, Field, People, Prompt, PromptLine, Refusal,
};
use conclave_trades::keys::{
    DeclareCompromised, LiftQuarantine, QuarantinePackage, REASON_MAX, ResumeKey, SuspendKey,
    Taint, Tainted, holders,
};
use conclave_trades::target::KeyName;

use crate::act_minutes::Subject;
use crate::approve::Undone;
use crate::cards::{Interrupted, ask};
use crate::ceremony::begin::{choose, refused, text};
use crate::front::TaskRow;
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::typed_sheet::{TITLE, typed_sheets};

/// The day of what is wrong with a key, in the order of tasks: before whatever is
/// overdue.
pub(crate) const INCIDENT_DAYS: i64 = -50_000;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Package,
    Lift,
    Sheet,
    Suspend,
    Resume,
    Compromised,
}

impl Wrong {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Package => (
                "A package is not as recorded",
                "quarantine: another serial, a torn seal",
            ),
            Self::Lift => (
                "A package leaves quarantine",
                "it is known that nobody has read the sheet",
            ),
            Self::Sheet => (TITLE, "kept in a new package, gone back, or destroyed"),
            Self::Suspend => ("Suspend the key", "until it is known what happened"),
            Self::Resume => ("Resume the key", "it was found to be in order"),
            Self::Compromised => (
                "The key is compromised",
                "for ever; what is under it is replaced",
            ),
        }
    }

    /// What may be said of this key.
    fn of(key: &KeyRecord) -> Vec<Self> {
        let may = |next| key.state != KeyState::PreActivation && key.state.may_become(next);
        [
            (Self::Package, !packages(key).is_empty()),
            (Self::Lift, !in_quarantine(key).is_empty()),
            (
                Self::Sheet,
                !matches!(key.state, KeyState::Void | KeyState::Destroyed)
                    && !typed_sheets(key).is_empty(),
            ),
            (Self::Suspend, may(KeyState::Suspended)),
            (
                Self::Resume,
                key.state == KeyState::Suspended && may(KeyState::Active),
            ),
            (Self::Compromised, may(KeyState::Compromised)),
        ]
        .into_iter()
        .filter_map(|(wrong, may)| may.then_some(wrong))
        .collect()
    }
}

/// How people know a package, its set, and which part is in it.
pub(crate) type Package = (String, Option<Id>, u8);

/// Its sealed packages, the old ones too.
fn packages(key: &KeyRecord) -> Vec<Package> {
    packages_of(key, |_, part| part.state == ComponentState::Sealed)
}

/// Those that are in quarantine; an exercise may have left one open.
fn in_quarantine(key: &KeyRecord) -> Vec<Package> {
    packages_of(key, |_, part| part.quarantine.is_some())
}

/// What a sheet is called: `share`, `old component`.
pub(crate) fn sheet_words(set: Option<&PartSet>) -> &'static str {
    let share = set.is_some_and(|set| set.quorum.is_some());
    match (set.map(|set| set.state), share) {
        (None | Some(SetState::Kept | SetState::Coming), false) => "component",
        (None | Some(SetState::Kept | SetState::Coming), true) => "share",
        (Some(SetState::Former | SetState::Void), false) => "old component",
        (Some(SetState::Former | SetState::Void), true) => "old share",
    }
}

/// The sheets of a key that are wanted, each with its set.
pub(crate) fn packages_of(
    key: &KeyRecord,
    wanted: impl Fn(Option<&PartSet>, &Component) -> bool,
) -> Vec<Package> {
    let mut found: Vec<Package> = Vec::new();
    for (set, part) in key.sheets().filter(|(set, part)| wanted(*set, part)) {
        let serial = part.envelope.as_deref().unwrap_or("no serial");
        let mut called = format!("{} {}, {serial}", sheet_words(set), part.index);
        let ceremony = set.map(|set| set.ceremony);
        if let Some(id) = ceremony.filter(|_| found.iter().any(|other| other.0 == called)) {
            let id: String = id.to_string().chars().take(8).collect();
            called = format!("{called}, C{id}");
        }
        found.push((called, ceremony, part.index));
    }
    found
}

fn tainted_words(label: &str, taint: Taint<'_>) -> String {
    match taint {
        Taint::Under(above) => format!("{label} was under {above}, which may be known"),
        Taint::SameAs(other) => format!("{label} has the value of {other}, which may be known"),
    }
}

/// What the screens offer for a key that may be known, by its state.
fn way_out(state: KeyState) -> &'static str {
    match state {
        KeyState::PreActivation => {
            "Whoever knows the one may know the other (R12). Its ceremony is not over: go on with \
             it from this list, and end it for good (Esc, then e). The key becomes void; make a \
             new one, and hand it over under another."
        }
        KeyState::Suspended => {
            "Whoever knows the one may know the other (R12). Make a new key and hand it over; \
             destroy this one (k, the key, x) or declare it compromised too (k, the key, w)."
        }
        _ => {
            "Whoever knows the one may know the other (R12). Make a new key, hand it over, and \
             replace or destroy this one; or declare it compromised too: k, the key, w."
        }
    }
}

/// A key that is compromised, or that whoever knows a compromised one may know.
pub(crate) fn incident_task(key: &KeyRecord, tainted: &Tainted) -> Option<TaskRow> {
    let in_use = matches!(
        key.state,
        KeyState::Active | KeyState::PreActivation | KeyState::Suspended
    );
    let (what, detail) = match (key.state, tainted.why(key)) {
        (KeyState::Compromised, _) => (
            format!("{} is compromised", key.label),
            "Replace it at everybody who has it, and what it protected; then destroy it: k, x.",
        ),
        (KeyState::Suspended, None) => (
            format!("{} is suspended", key.label),
            "Find out what happened; then k, the key, w: resume it, or declare it compromised.",
        ),
        (state, Some(taint)) if in_use => (tainted_words(&key.label, taint), way_out(state)),
        _ => return None,
    };
    Some(TaskRow {
        due: "now".into(),
        days: INCIDENT_DAYS,
        what,
        who: "Key managers, Approvers".into(),
        detail: vec![detail.into()],
        resume: None,
    })
}

/// The form in which it is said.
pub(crate) fn say(key: &KeyRecord, title: &str, fields: Vec<Field>) -> Prompt {
    Prompt {
        code: "key.incident.say".into(),
        act: key.label.clone(),
        title: format!("{title}: {}", key.label),
        ask: Ask::Form {
            fields,
            submit: "go on to the signatures".into(),
            done: None,
        },
        waiting_for: "key managers".into(),
        safe: "yes, nothing is changed before the last signature".into(),
        why: "It stands in the journal and on the minutes: what was seen, by whom, and no more \
              than is known."
            .into(),
        ..Prompt::default()
    }
}

impl Station {
    /// What is wrong with a key is chosen, said and signed.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn key_incident(&mut self, id: Id, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let key = self.key_record(id)?;
        let wrong = Wrong::of(&key);
        if wrong.is_empty() {
            return Err(refused(
                format!("{} is {}.", key.label, key.state.words()),
                "Nothing more is said of a key in this state.",
            ));
        }
        let chosen = match Self::ask_wrong(&key, &wrong, people) {
            Ok(chosen) => chosen,
            Err(why) => return stopped(why),
        };
        let done = match chosen {
            Wrong::Package => {
                let found = text(
                    "Found",
                    "",
                    "the serial or the damage that was seen",
                    REASON_MAX,
                );
                let title = "A package is not as recorded";
                let of = packages(&key);
                self.of_package(
                    &key,
                    (title, &of, found),
                    people,
                    |key, set, index, found| QuarantinePackage {
                        key,
                        set,
                        index,
                        found,
                    },
                )
            }
            Wrong::Lift => {
                let reason = text("Reason", "", "how it is known, in one sentence", REASON_MAX);
                let title = "A package leaves quarantine";
                let of = in_quarantine(&key);
                self.of_package(
                    &key,
                    (title, &of, reason),
                    people,
                    |name, set, index, reason| LiftQuarantine {
                        key: name,
                        set,
                        index,
                        holders: key.sheet(set, index).map(holders).unwrap_or_default(),
                        reason,
                    },
                )
            }
            Wrong::Sheet => self.record_sheet(&key, people),
            Wrong::Suspend => self.said(&key, "Suspend a key", people, |key, reason| SuspendKey {
                key,
                reason,
            }),
            Wrong::Resume => self.said(&key, "Resume a key", people, |key, reason| ResumeKey {
                key,
                reason,
            }),
            Wrong::Compromised => {
                self.said(&key, "Declare a key compromised", people, |key, reason| {
                    DeclareCompromised { key, reason }
                })
            }
        };
        match done {
            Ok((title, lines)) => Ok(ActEnd::Done {
                good: true,
                title,
                lines,
            }),
            Err(undone) => self.undone(undone),
        }
    }

    fn ask_wrong(
        key: &KeyRecord,
        wrong: &[Wrong],
        people: &mut dyn People,
    ) -> Result<Wrong, Interrupted> {
        let options = wrong.iter().map(|one| {
            let (label, detail) = one.words();
            Choice {
                label: label.into(),
                detail: detail.into(),
            }
        });
        let mut prompt = Prompt {
            code: "key.incident".into(),
            act: key.label.clone(),
            title: format!("What is to be recorded of {}", key.label),
            lines: vec![PromptLine::note(format!(
                "{}, usage {}, {}, KCV {}",
                key.form,
                key.usage,
                key.state.words(),
                key.kcv.words()
            ))],
            ask: Ask::Choose {
                options: options.collect(),
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is changed before the last signature".into(),
            why: "What is said is signed and in the journal. What is wrong stays a red task until \
                  it is settled. A compromised key never comes back."
                .into(),
            ..Prompt::default()
        };
        loop {
            if let Answer::Chosen(at) = ask(people, &mut prompt, &mut |_| Ok(false))?
                && let Some(one) = wrong.get(at)
            {
                return Ok(*one);
            }
        }
    }

    fn said<A: Action>(
        &mut self,
        key: &KeyRecord,
        title: &str,
        people: &mut dyn People,
        make: impl Fn(KeyName, String) -> A,
    ) -> Result<(String, Vec<String>), Undone> {
        let reason = text("Reason", "", "what is known, in one sentence", REASON_MAX);
        let mut prompt = say(key, title, vec![reason]);
        let action = self
            .foreseen_form(&mut prompt, people, |values| {
                let reason = values.first().map(|v| v.trim().to_owned());
                Ok(make(KeyName::of(key), reason.unwrap_or_default()))
            })
            .map_err(Undone::Interrupted)?;
        self.recorded(key, title, &action, people)
    }

    /// Something is said of one of these packages.
    fn of_package<A: Action>(
        &mut self,
        key: &KeyRecord,
        (title, packages, said): (&str, &[Package], Field),
        people: &mut dyn People,
        make: impl Fn(KeyName, Option<Id>, u8, String) -> A,
    ) -> Result<(String, Vec<String>), Undone> {
        let names = packages.iter().map(|p| p.0.clone()).collect();
        let mut prompt = say(key, title, vec![choose("Package", names), said]);
        let action = self
            .foreseen_form(&mut prompt, people, |values| {
                let value = |at: usize| values.get(at).map(|v| v.trim()).unwrap_or_default();
                let package = packages.iter().find(|p| p.0 == value(0));
                let Some((_, set, index)) = package else {
                    let advice = "Choose the one that was found.";
                    return Err(refused("No package is chosen.", advice));
                };
                Ok(make(KeyName::of(key), *set, *index, value(1).to_owned()))
            })
            .map_err(Undone::Interrupted)?;
        self.recorded(key, title, &action, people)
    }

    pub(crate) fn recorded<A: Action>(
        &mut self,
        key: &KeyRecord,
        title: &str,
        action: &A,
        people: &mut dyn People,
    ) -> Result<(String, Vec<String>), Undone> {
        let subject = Subject::key(title, &key.label, key.id);
        let (out, filed) = self.act_with_minutes(action, subject, people)?;
        let mut lines = action.outcome(&out);
        lines.push(filed);
        Ok((format!("{}: recorded", key.label), lines))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test may stop at the first surprise

    use super::*;
    use crate::custody_tasks::tests::key;
    use conclave_keyroom::domain::key::Compromise;
    use conclave_trades::keys::Kin;

    /// What the advice names is what the screens do with a key of this state.
    #[test]
    fn the_advice_for_a_key_that_may_be_known_is_what_the_screens_offer() {
        let mut above = key(0);
        above.label = "BANK-LAKE.ZMK.009".into();
        above.compromise = Some(Compromise {
            at_ms: 1,
            reason: "the bag was open".into(),
        });
        let tainted = Tainted::of(&[Kin::of(&above).unwrap()]);
        let mut below = key(0);
        below.begun_under.insert(above.label.clone());
        for state in [
            KeyState::PreActivation,
            KeyState::Active,
            KeyState::Suspended,
        ] {
            below.state = state;
            let task = incident_task(&below, &tainted).unwrap();
            assert!(
                task.what.contains("was under BANK-LAKE.ZMK.009"),
                "{}",
                task.what
            );
            let advice = task.detail.concat();
            let offered = Wrong::of(&below).contains(&Wrong::Compromised);
            assert_eq!(
                advice.contains("declare it compromised"),
                offered,
                "{advice}"
            );
            let replaced = state.may_become(KeyState::Deactivated);
            assert_eq!(advice.contains("replace or destroy"), replaced, "{advice}");
            // A ceremony that is not over is ended where it is.
            let coming = state == KeyState::PreActivation;
            assert_eq!(advice.contains("end it for good"), coming, "{advice}");
        }
        below.state = KeyState::Void;
        assert!(incident_task(&below, &tainted).is_none());
    }
}
