//! A PRODUCTION station is not founded on a machine that the doctor calls red:
//! the finding is put right first, or the founders take it upon themselves by
//! name, with a reason and until a day. What they accept is on record from the
//! first commit on, and stands before the administrators who sign it.

use conclave_evidence::authority::Mode;
use conclave_keyroom::ports::dialogue::{Ask, People};
use conclave_keyroom::vault::genesis::FoundingRecord;

use super::{InitialiseEnd, prompt, refused};
use crate::doctor::Finding;
use crate::doctor::exception::ExceptionRecord;
use crate::doctor::people::{accept_fields, span_ms, with_reason};
use crate::station::Station;
use crate::words::date_time;

impl Station {
    /// What is red now and not among these.
    fn red(&mut self, accepted: &[ExceptionRecord]) -> Vec<Finding> {
        let now = self.clock.wall_ms();
        let mut findings = self.examine();
        findings.retain(|finding| {
            let covered = accepted.iter().any(|a| a.covers(finding, Some(now)));
            finding.stops_production() && !covered
        });
        findings
    }

    /// What is red, finding by finding; nothing on a TEST station.
    pub(super) fn accept_red(
        &mut self,
        people: &mut dyn People,
        mode: Mode,
    ) -> Result<Vec<ExceptionRecord>, InitialiseEnd> {
        let mut accepted = Vec::new();
        if mode != Mode::Production {
            return Ok(accepted);
        }
        let red = self.red(&accepted);
        if let Some(never) = red.iter().find(|f| !f.check.may_be_excepted()) {
            return Err(InitialiseEnd::Refused(unfit(never)));
        }
        for (at, finding) in red.iter().enumerate() {
            let title = format!("Red: {}", finding.check);
            let mut question = prompt("init.red", &title);
            let step = (u16::try_from(at + 1), u16::try_from(red.len()));
            question.step = step.0.ok().zip(step.1.ok());
            question.lines = [
                format!("{}: {}.", finding.check, finding.found),
                finding.check.why().to_owned(),
                finding.advice.clone(),
                "No PRODUCTION station is founded on a red machine. Esc, and put it right; or take \
                 it upon yourselves, with a reason, until a day."
                    .to_owned(),
            ]
            .into_iter()
            .filter(|line| !line.is_empty())
            .map(conclave_keyroom::ports::dialogue::PromptLine::note)
            .collect();
            question.ask = Ask::Form {
                fields: accept_fields(),
                submit: "accept".into(),
                done: None,
            };
            let values = with_reason(people, &mut question)?;
            let now = self.clock.wall_ms();
            accepted.push(ExceptionRecord {
                check: finding.check,
                found: finding.found.clone(),
                reason: values
                    .first()
                    .map(|reason| reason.trim().to_owned())
                    .unwrap_or_default(),
                accepted_ms: now,
                until_ms: now.saturating_add(span_ms(values.get(1).map(String::as_str))),
            });
        }
        Ok(accepted)
    }

    /// The machine is still what the founders accepted: a sitting takes an hour,
    /// and a cable a second.
    pub(super) fn still_fit(
        &mut self,
        mode: Mode,
        accepted: &[ExceptionRecord],
    ) -> Result<(), InitialiseEnd> {
        if mode != Mode::Production {
            return Ok(());
        }
        match self.red(accepted).first() {
            Some(finding) => Err(InitialiseEnd::Refused(unfit(finding))),
            None => Ok(()),
        }
    }
}

fn unfit(finding: &Finding) -> conclave_keyroom::ports::dialogue::Refusal {
    refused(
        format!(
            "No PRODUCTION station is founded while this is red: {} ({}).",
            finding.check, finding.found
        ),
        match finding.advice.is_empty() {
            true => "Put it right, and begin again.".to_owned(),
            false => finding.advice.clone(),
        },
    )
}

/// An accepted finding as a record of the founding.
pub(super) fn exception_record(record: &ExceptionRecord) -> Result<FoundingRecord, InitialiseEnd> {
    FoundingRecord::new(
        ExceptionRecord::KIND,
        ExceptionRecord::id_of(record.check),
        record,
        format!(
            "accepted until {} UTC: {} ({}): {}",
            date_time(record.until_ms),
            record.check,
            record.found,
            record.reason
        ),
    )
    .map_err(|e| InitialiseEnd::Refused(refused(format!("{e}."), "Begin again.")))
}
