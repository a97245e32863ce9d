//! What administrators are asked before they accept a finding or confirm the
//! clock.

use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, Field, FieldKind, People, Prompt, PromptLine, Refusal,
};

use super::clock::ConfirmClock;
use super::exception::{AcceptFinding, REASON_MAX, check_reason};
use super::{Finding, Verdict};
use crate::act_minutes::Subject;
use crate::cards::{Interrupted, ask};
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::words::date_time;

const ACCEPT: &str = "Accept a red finding";
const CONFIRM: &str = "Confirm the clock";

/// How long a finding may be accepted for.
const SPANS: [(&str, u64); 4] = [
    ("1 day", 1),
    ("7 days", 7),
    ("30 days", 30),
    ("90 days", super::exception::DAYS_MAX),
];

fn prompt(code: &str, title: &str, lines: Vec<String>, ask: Ask, why: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: title.into(),
        title: title.into(),
        lines: lines.into_iter().map(PromptLine::note).collect(),
        ask,
        waiting_for: "administrators".into(),
        safe: "yes, nothing is recorded before the administrators have signed".into(),
        why: why.into(),
        ..Prompt::default()
    }
}

fn reason_field(hint: &str) -> Field {
    Field {
        label: "Reason".into(),
        kind: FieldKind::Text(REASON_MAX),
        value: String::new(),
        hint: hint.into(),
    }
}

/// What is asked where a finding is accepted: the reason, and for how long.
pub(crate) fn accept_fields() -> Vec<Field> {
    let spans = SPANS.iter().map(|(name, _)| (*name).to_owned()).collect();
    vec![
        reason_field("who decided it, and what is done instead"),
        Field {
            label: "For".into(),
            kind: FieldKind::One(spans),
            value: "7 days".into(),
            hint: String::new(),
        },
    ]
}

/// How long that is, in milliseconds; a day where it is none of the spans.
pub(crate) fn span_ms(chosen: Option<&str>) -> u64 {
    let span = SPANS.iter().find(|(name, _)| chosen == Some(*name));
    span.map_or(1, |(_, days)| *days) * 86_400_000
}

/// Asks until the reason says something.
pub(crate) fn with_reason(
    people: &mut dyn People,
    prompt: &mut Prompt,
) -> Result<Vec<String>, Interrupted> {
    loop {
        let Answer::Fields(values) = ask(people, prompt, &mut |_| Ok(false))? else {
            continue;
        };
        let reason = values.first().map(|v| v.trim()).unwrap_or_default();
        match check_reason(reason) {
            Ok(()) => return Ok(values),
            Err(error) => {
                prompt.refused = Some(Refusal {
                    happened: format!("It does not work: {error}."),
                    safe: "Nothing was recorded.".into(),
                    advice: "Say in one sentence why.".into(),
                });
            }
        }
    }
}

impl Station {
    /// Administrators accept one red finding, with a reason, until a day.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn accept_finding(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let red: Vec<Finding> = self
            .examine()
            .into_iter()
            .filter(|f| f.verdict == Verdict::Red && f.check.may_be_excepted())
            .collect();
        if red.is_empty() {
            return Err(Refusal {
                happened: "There is no red finding that could be accepted.".into(),
                safe: "Nothing was changed.".into(),
                advice: "A red clock is confirmed (w); bad randomness is never accepted.".into(),
            });
        }
        let (finding, values) = match self.which(&red, people) {
            Ok(chosen) => chosen,
            Err(why) => return stopped(why),
        };
        let action = AcceptFinding {
            check: finding.check,
            found: finding.found,
            reason: values
                .first()
                .map(|v| v.trim().to_owned())
                .unwrap_or_default(),
            until_ms: self
                .clock
                .wall_ms()
                .saturating_add(span_ms(values.get(1).map(String::as_str))),
        };
        match self.act_with_minutes(&action, Subject::house(ACCEPT, "finding"), people) {
            Ok(((), filed)) => Ok(ActEnd::Done {
                good: true,
                title: format!("Accepted: {}", action.check),
                lines: vec![
                    format!("Until {} UTC.", date_time(action.until_ms)),
                    "The journal names the finding, the reason and who signed.".into(),
                    filed,
                ],
            }),
            Err(undone) => self.undone(undone),
        }
    }

    fn which(
        &self,
        red: &[Finding],
        people: &mut dyn People,
    ) -> Result<(Finding, Vec<String>), Interrupted> {
        let options = red
            .iter()
            .map(|finding| Choice {
                label: finding.check.name().into(),
                detail: finding.found.clone(),
            })
            .collect();
        let mut question = prompt(
            "doctor.which",
            ACCEPT,
            vec!["Which one?".into()],
            Ask::Choose { options },
            WHY_ACCEPT,
        );
        let finding = loop {
            if let Answer::Chosen(at) = ask(people, &mut question, &mut |_| Ok(false))?
                && let Some(finding) = red.get(at)
            {
                break finding.clone();
            }
        };
        let mut question = prompt(
            "doctor.accept",
            ACCEPT,
            vec![
                format!("{}: {}", finding.check, finding.found),
                finding.check.why().into(),
            ],
            Ask::Form {
                fields: accept_fields(),
                submit: "go on to the signatures".into(),
                done: None,
            },
            WHY_ACCEPT,
        );
        Ok((finding, with_reason(people, &mut question)?))
    }

    /// Administrators confirm that the clock is right as it is.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn confirm_clock(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let times = self.times().map_err(|e| self.refusal(&e.to_string()))?;
        let mut action = ConfirmClock {
            wall_ms: times.wall_ms,
            latest_ms: times
                .signed
                .map_or(times.wall_ms, |signed| signed.latest_ms),
            reason: String::new(),
        };
        let mut question = prompt(
            "doctor.clock",
            CONFIRM,
            vec![
                format!("The clock reads {} UTC,", date_time(action.wall_ms)),
                format!("{}.", action.offset()),
                "Two people compare it with two other clocks now. If it is wrong: Esc, set it \
                 right in the system, and come back."
                    .into(),
            ],
            Ask::Form {
                fields: vec![reason_field("compared with what, and what was wrong")],
                submit: "it is right; go on to the signatures".into(),
                done: None,
            },
            "A wrong clock is corrected by people, never by the program: nothing ends, lapses or \
             is destroyed because a clock says so.",
        );
        let values = match with_reason(people, &mut question) {
            Ok(values) => values,
            Err(why) => return stopped(why),
        };
        action.reason = values
            .first()
            .map(|v| v.trim().to_owned())
            .unwrap_or_default();
        let subject = Subject::house(CONFIRM, "clock");
        match self.act_with_minutes(&action, subject, people) {
            Ok(((), filed)) => {
                self.mark_clocks();
                Ok(ActEnd::Done {
                    good: true,
                    title: "The clock is confirmed".into(),
                    lines: vec![
                        format!("{} UTC, {}.", date_time(action.wall_ms), action.offset()),
                        "The journal has the difference and who signed.".into(),
                        filed,
                    ],
                })
            }
            Err(undone) => self.undone(undone),
        }
    }
}

const WHY_ACCEPT: &str = "A PRODUCTION station stays closed while a check is red. People may take a finding upon \
     themselves, by name, with a reason and until a day; the journal keeps who did.";
