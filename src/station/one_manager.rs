//! A small organisation accepts that its custodians report to one manager
//! (R17): administrators sign, with a reason, until a day.

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::domain::one_manager::{ONE_MANAGER_DAYS, OneManager};
use conclave_keyroom::domain::people::{Person, check_name};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Field, FieldKind, People, Prompt, PromptLine, Refusal,
};
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use crate::approve::Undone;
use crate::cards::{Interrupted, ask};
use crate::doctor::exception::{REASON_MAX, check_reason};
use crate::service::ActEnd;
use crate::station::Station;
use crate::words;

const DAY_MS: u64 = 86_400_000;

/// Accepts that custodians who form a key all report to this manager.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AcceptOneManager {
    /// Whom they report to.
    pub manager: String,
    /// Why it is accepted.
    pub reason: String,
    /// Until when, wall clock.
    pub until_ms: u64,
}

impl Action for AcceptOneManager {
    const NAME: &'static str = "accept-one-manager";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Custodians who all report to {} may form a key",
                self.manager
            ),
            format!("Reason: {}", self.reason),
            format!("Until {}", words::date(self.until_ms)),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        check_name(&self.manager)
            .map_err(|e| ActionError::rule(e.to_string(), "Choose a manager of the directory."))?;
        check_reason(&self.reason)?;
        let now = permit.now_ms();
        let most = now.saturating_add(ONE_MANAGER_DAYS * DAY_MS);
        if self.until_ms <= now || self.until_ms > most {
            return Err(ActionError::rule(
                format!("one manager is accepted for 1 to {ONE_MANAGER_DAYS} days"),
                "Choose a nearer day.",
            ));
        }
        let record = OneManager {
            manager: self.manager.clone(),
            reason: self.reason.clone(),
            accepted_ms: now,
            until_ms: self.until_ms,
        };
        let id = OneManager::id_of(&self.manager);
        Ok(permit.put(Compartment::Directory, OneManager::KIND, id, &record)?)
    }
}

impl Station {
    /// The managers who are accepted now.
    pub(crate) fn accepted_managers(&self) -> Vec<OneManager> {
        let now = self.clock.wall_ms();
        let all = self
            .door
            .vault()
            .list::<OneManager>(Compartment::Directory, OneManager::KIND)
            .unwrap_or_default();
        let all = all.into_iter().map(|(_, one)| one);
        all.filter(|one| one.covers(&one.manager, now)).collect()
    }

    /// Administrators accept one manager: whom, why and how long is asked.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn accept_one_manager(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let done = self
            .ask_one_manager(people)
            .map_err(Undone::Interrupted)
            .and_then(|action| {
                self.act(&action, "accept one manager", people)?;
                Ok(action)
            });
        match done {
            Ok(action) => Ok(ActEnd::Done {
                good: true,
                title: format!("One manager is accepted: {}", action.manager),
                lines: action.words(),
            }),
            Err(undone) => self.undone(undone),
        }
    }

    fn ask_one_manager(&self, people: &mut dyn People) -> Result<AcceptOneManager, Interrupted> {
        let directory: Vec<Person> = self
            .door
            .vault()
            .list::<Person>(Compartment::Directory, "person")
            .map(|all| all.into_iter().map(|(_, person)| person).collect())
            .unwrap_or_default();
        let custodians = directory
            .iter()
            .filter(|p| p.roles.iter().any(|g| g.is_custodian()));
        let mut managers: Vec<String> = custodians.map(|p| p.reports_to.clone()).collect();
        managers.retain(|name| !name.trim().is_empty());
        managers.sort();
        managers.dedup();
        let field = |label: &str, kind, value: String, hint: &str| Field {
            label: label.into(),
            kind,
            value,
            hint: hint.into(),
        };
        let first = managers.first().cloned().unwrap_or_default();
        let mut prompt = Prompt {
            code: "manager.accept".into(),
            act: "Accept one manager".into(),
            title: "All custodians report to one manager".into(),
            lines: vec![PromptLine::note(
                "Only where nobody of another manager can be a custodian. It stands in the \
                 minutes of each ceremony.",
            )],
            ask: Ask::Form {
                fields: vec![
                    field("Manager", FieldKind::One(managers), first, ""),
                    field(
                        "Reason",
                        FieldKind::Text(REASON_MAX),
                        String::new(),
                        "in one sentence",
                    ),
                    field("Days", FieldKind::Text(3), "365".into(), "1 to 365"),
                ],
                submit: "sign it".into(),
                done: None,
            },
            waiting_for: "administrators".into(),
            safe: "yes, nothing is changed before the last signature".into(),
            why: "Custodians who can form a key together must not take orders from one person. A \
                  small organisation may have no choice; then that is written down."
                .into(),
            ..Prompt::default()
        };
        loop {
            let Answer::Fields(values) = ask(people, &mut prompt, &mut |_| Ok(false))? else {
                continue;
            };
            let value = |at: usize| values.get(at).map(|v| v.trim()).unwrap_or_default();
            if let Ask::Form { fields, .. } = &mut prompt.ask {
                for (field, value) in fields.iter_mut().zip(&values) {
                    field.value.clone_from(value);
                }
            }
            let days = value(2).parse().ok();
            let days = days.filter(|days| (1..=ONE_MANAGER_DAYS).contains(days));
            match (check_reason(value(1)), days) {
                (Ok(()), Some(days)) if !value(0).is_empty() => {
                    return Ok(AcceptOneManager {
                        manager: value(0).to_owned(),
                        reason: value(1).to_owned(),
                        until_ms: self.clock.wall_ms().saturating_add(days * DAY_MS),
                    });
                }
                _ => {
                    prompt.refused = Some(Refusal {
                        happened: "Manager, reason and days are wanted.".into(),
                        safe: "Nothing was changed.".into(),
                        advice: format!(
                            "A reason of 3 to {REASON_MAX} characters, and 1 to \
                             {ONE_MANAGER_DAYS} days."
                        ),
                    });
                }
            }
        }
    }
}
