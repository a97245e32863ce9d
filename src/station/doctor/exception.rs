//! Taking a red finding upon themselves: administrators sign for one finding,
//! with a reason, until a day.
//!
//! It lapses at a day and not at the end of the program. An exception that had
//! to be signed at every start would be signed without a look from the second
//! week on; one that says a day comes back as a question, and the journal
//! shows how often it was put off. It covers the finding as it was signed: a
//! second interface that comes up under an exception for the first is red.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::check::{Check, Finding, Verdict};
use crate::words::date_time;

/// The longest that a finding is accepted for, in days.
pub const DAYS_MAX: u64 = 90;
/// The longest reason, in characters.
pub const REASON_MAX: usize = 120;

/// A finding that administrators accepted. In the directory: every group reads
/// it, administrators alone write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionRecord {
    /// The check.
    pub check: Check,
    /// Exactly what was found.
    pub found: String,
    /// Why it is accepted.
    pub reason: String,
    /// When it was accepted, wall clock.
    pub accepted_ms: u64,
    /// Until when, wall clock.
    pub until_ms: u64,
}

impl ExceptionRecord {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "doctor-exception";

    /// One record a check: a new exception takes the old one's place.
    #[must_use]
    pub fn id_of(check: Check) -> Id {
        let digest: [u8; 32] = Sha256::digest(format!("conclave/exception/1 {check}")).into();
        let mut id = [0u8; 16];
        id.copy_from_slice(&digest[..16]);
        Id(id)
    }

    /// TRUE when it stands for this very finding now; `None` while the clock is
    /// in doubt, by which nothing lapses.
    #[must_use]
    pub fn covers(&self, finding: &Finding, now_ms: Option<u64>) -> bool {
        finding.verdict == Verdict::Red
            && finding.check.may_be_excepted()
            && self.check == finding.check
            && self.found == finding.found
            && now_ms.is_none_or(|now| now <= self.until_ms)
    }
}

/// A reason that says something, and that a screen and a page can print.
pub(crate) fn check_reason(reason: &str) -> Result<(), ActionError> {
    let long = reason.chars().count();
    let printable = !reason.chars().any(char::is_control);
    if reason.trim().len() >= 3 && long <= REASON_MAX && printable {
        return Ok(());
    }
    Err(ActionError::rule(
        format!("a reason has 3 to {REASON_MAX} printable characters"),
        "Say in one sentence why.",
    ))
}

/// Accepts a red finding until a day.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AcceptFinding {
    /// The check.
    pub check: Check,
    /// Exactly what was found.
    pub found: String,
    /// Why it is accepted.
    pub reason: String,
    /// Until when, wall clock.
    pub until_ms: u64,
}

impl Action for AcceptFinding {
    const NAME: &'static str = "accept-finding";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Accept a red finding: {}", self.check),
            format!("Found: {}", self.found),
            format!("Reason: {}", self.reason),
            format!("Until {} UTC", date_time(self.until_ms)),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        if !self.check.may_be_excepted() {
            return Err(ActionError::rule(
                format!("a red finding of «{}» is never accepted", self.check),
                "Put it right. A clock is confirmed by the administrators.",
            ));
        }
        check_reason(&self.reason)?;
        let now = permit.now_ms();
        let most = now.saturating_add(DAYS_MAX * 86_400_000);
        if self.until_ms <= now || self.until_ms > most {
            return Err(ActionError::rule(
                format!("a finding is accepted for 1 to {DAYS_MAX} days"),
                "Choose a nearer day.",
            ));
        }
        let record = ExceptionRecord {
            check: self.check,
            found: self.found.clone(),
            reason: self.reason.clone(),
            accepted_ms: now,
            until_ms: self.until_ms,
        };
        permit.put(
            Compartment::Directory,
            ExceptionRecord::KIND,
            ExceptionRecord::id_of(self.check),
            &record,
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_covers_its_finding_until_its_day_and_nothing_else() {
        let record = ExceptionRecord {
            check: Check::Network,
            found: "up: eth0".into(),
            reason: "built in, no cable".into(),
            accepted_ms: 0,
            until_ms: 100,
        };
        let finding = Finding::red(Check::Network, "up: eth0", "");
        assert!(record.covers(&finding, Some(100)));
        assert!(!record.covers(&finding, Some(101)), "it lapses");
        assert!(record.covers(&finding, None), "not by a clock in doubt");
        let more = Finding::red(Check::Network, "up: eth0 and eth1", "");
        assert!(!record.covers(&more, Some(1)), "another finding");
        let radio = Finding::red(Check::Radio, "up: eth0", "");
        assert!(!record.covers(&radio, Some(1)), "another check");
        let clock = Finding::red(Check::Clock, "up: eth0", "");
        let of_clock = ExceptionRecord {
            check: Check::Clock,
            ..record
        };
        assert!(!of_clock.covers(&clock, Some(1)), "never for the clock");
    }

    #[test]
    fn every_check_has_a_record_of_its_own() {
        let ids: std::collections::BTreeSet<_> =
            Check::ALL.into_iter().map(ExceptionRecord::id_of).collect();
        assert_eq!(ids.len(), Check::ALL.len());
    }
}
