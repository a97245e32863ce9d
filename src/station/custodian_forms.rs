//! Custodians' forms after the founding: signed by the custodian and by an
//! administrator, once a year (R16, R18). Two cards, a minute.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::CardState;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::custodian_form::{
    CustodianForm, Duties, FORM_AHEAD_DAYS, FORM_DAYS, FORM_REMEDY, FormText, Standing,
};
use conclave_keyroom::domain::key::Holder;
use conclave_keyroom::door::{Action, ActionError, Authority, PROPOSAL_MS, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Choice, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::ceremony::minutes::Minutes;
use conclave_trades::ceremony::state::Player;
use serde::{Deserialize, Serialize};

use crate::approve::Undone;
use crate::cards::{Interrupted, ask};
use crate::front::TaskRow;
use crate::service::ActEnd;
use crate::station::Station;
use crate::words;

const DAY_MS: u64 = 86_400_000;

/// Signs a custodian's form, for the first time or for another year.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignCustodianForm {
    /// What is signed.
    pub text: FormText,
    /// Who signs for management, an administrator.
    pub manager: Id,
    /// Their name, for the words.
    pub manager_name: String,
}

impl Action for SignCustodianForm {
    const NAME: &'static str = "custodian-form";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(GroupId::Administrators),
            Authority::Person(self.text.person, self.text.group),
            Authority::Person(self.manager, GroupId::Administrators),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "{} is a custodian, {}, until {}",
                self.text.name,
                self.text.group.title(),
                words::date(self.text.until_ms)
            ),
            format!(
                "and keeps the duties {}; for management {}",
                self.text.duties.stamp, self.manager_name
            ),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let begin_again = |why: &str| ActionError::rule(why, "Begin again.");
        let record = permit.authority()?;
        let (text, now) = (&self.text, permit.now_ms());
        if text.station != record.station {
            return Err(begin_again("the form is of another station"));
        }
        let theirs = record
            .cards
            .iter()
            .any(|card| card.person == text.person && card.person_name == text.name);
        if !theirs || !text.group.is_custodian() {
            return Err(begin_again("the form names no custodian"));
        }
        // It is effective when it is signed, and holds for a year: not longer
        // because somebody wrote a longer one.
        let recent = text.effective_ms <= now && now - text.effective_ms <= PROPOSAL_MS;
        let year = text.until_ms.checked_sub(text.effective_ms) == Some(FORM_DAYS * DAY_MS);
        if !recent || !year {
            return Err(begin_again("a form holds for a year from its signing"));
        }
        let form = CustodianForm {
            text: text.clone(),
            signatures: Vec::new(),
            approvals: permit.approvals().to_vec(),
        };
        let id = CustodianForm::id_of(text.person);
        Ok(permit.put(Compartment::Directory, CustodianForm::KIND, id, &form)?)
    }
}

const TITLE: &str = "Sign a custodian's form";

fn prompt(code: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: TITLE.into(),
        title: TITLE.into(),
        waiting_for: "administrators".into(),
        safe: "yes, the form that there is stays until both have signed".into(),
        why: "Whoever holds a component knows the duties, is authorised by management, and \
              confirms both once a year. Without a form that holds nobody acts as a custodian."
            .into(),
        ..Prompt::default()
    }
}

/// A member of a custodian group, and how their form stands.
struct Custodian {
    person: Id,
    name: String,
    group: GroupId,
    standing: Standing,
}

impl Custodian {
    fn until(&self) -> u64 {
        match self.standing {
            Standing::Missing | Standing::Unsigned => 0,
            Standing::Lapsed(until) | Standing::Valid(until) => until,
        }
    }

    fn words(&self) -> String {
        match self.standing {
            Standing::Valid(until) => format!("holds until {}", words::date(until)),
            Standing::Lapsed(until) => format!("lapsed {}", words::date(until)),
            other => other.words().into(),
        }
    }

    fn task(&self, now_ms: u64) -> Option<TaskRow> {
        let until = self.until();
        let ahead = now_ms.saturating_add(FORM_AHEAD_DAYS * DAY_MS);
        if self.standing.holds() && until > ahead {
            return None;
        }
        let days = match self.standing {
            Standing::Valid(_) => i64::try_from(until.saturating_sub(now_ms) / DAY_MS).ok()?,
            _ => -1,
        };
        Some(TaskRow {
            due: if self.standing.holds() {
                words::date(until)
            } else {
                "now".into()
            },
            days,
            what: match self.standing {
                Standing::Valid(_) => format!("{} reconfirms the custodian form", self.name),
                standing => format!("{}: {}", self.name, standing.words()),
            },
            who: GroupId::Administrators.title().into(),
            detail: vec![
                format!("{}: {}", self.group.title(), self.words()),
                FORM_REMEDY.into(),
                "Without it nobody may be cast, type, receive or open a component.".into(),
            ],
            resume: None,
        })
    }
}

impl Station {
    /// How somebody's form stands at a time. Unknown, where this session does
    /// not read the directory, is as good as missing.
    pub(crate) fn form_standing(&self, person: Id, group: GroupId, at_ms: u64) -> Standing {
        let form: Option<CustodianForm> = self
            .door
            .vault()
            .get_kind(
                Compartment::Directory,
                CustodianForm::KIND,
                CustodianForm::id_of(person),
            )
            .ok();
        CustodianForm::standing(form.as_ref(), group, at_ms)
    }

    /// Whether somebody's form lets them be cast now; why not, in words.
    ///
    /// # Errors
    /// `Hal is not offered: the custodian form has lapsed`.
    pub(crate) fn may_be_custodian(&self, player: &Player) -> Result<(), String> {
        use conclave_keyroom::domain::custodian_form::CEREMONY_MS;
        let end = self.clock.wall_ms().saturating_add(CEREMONY_MS);
        let standing = self.form_standing(player.id, player.group, end);
        if standing.holds() {
            return Ok(());
        }
        Err(format!(
            "{} is not offered: {}.",
            player.name,
            standing.words()
        ))
    }

    fn custodian_list(&self) -> Vec<Custodian> {
        let Ok(record) = self.door.vault().authority() else {
            return Vec::new();
        };
        let now = self.clock.wall_ms();
        let groups = record.groups.iter().filter(|g| g.group.is_custodian());
        let mut all: Vec<Custodian> = groups
            .flat_map(|g| g.members.iter().map(|m| (g.group, m.card)))
            .filter_map(|(group, card)| Some((group, record.card(card)?)))
            .filter(|(_, card)| card.state == CardState::Active)
            .map(|(group, card)| Custodian {
                person: card.person,
                name: card.person_name.clone(),
                group,
                standing: self.form_standing(card.person, group, now),
            })
            .collect();
        all.sort_by_key(Custodian::until);
        all
    }

    /// Forms that are missing, have lapsed, or will soon.
    pub(crate) fn form_tasks(&self, now_ms: u64) -> Vec<TaskRow> {
        let readable = self
            .door
            .vault()
            .open_compartments_list()
            .contains(&Compartment::Directory);
        if !readable {
            return Vec::new();
        }
        let custodians = self.custodian_list();
        custodians.iter().filter_map(|c| c.task(now_ms)).collect()
    }

    /// A custodian and an administrator sign the form: of whom is asked, the
    /// duties are read, both cards sign.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn sign_custodian_form(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let done = self
            .choose_custodian(people)
            .map_err(Undone::Interrupted)
            .and_then(|who| self.sign_form(&who, people));
        done.or_else(|undone| self.undone(undone))
    }

    /// The form of somebody who has just become a custodian.
    ///
    /// # Errors
    /// [`Undone`]
    pub(crate) fn sign_first_form(
        &mut self,
        person: Id,
        people: &mut dyn People,
    ) -> Result<(), Undone> {
        let custodians = self.custodian_list().into_iter();
        for custodian in custodians.filter(|c| c.person == person && !c.standing.holds()) {
            self.sign_form(&custodian, people)?;
        }
        Ok(())
    }

    fn choose_custodian(&self, people: &mut dyn People) -> Result<Custodian, Interrupted> {
        let mut custodians = self.custodian_list();
        let mut question = prompt("form.who");
        question.lines = vec![PromptLine::note(
            "Whose form? The one that lapses first is first.",
        )];
        question.ask = Ask::Choose {
            options: custodians
                .iter()
                .map(|c| Choice {
                    label: c.name.clone(),
                    detail: format!("{}: {}", c.group.title(), c.words()),
                })
                .collect(),
        };
        loop {
            if let Answer::Chosen(at) = ask(people, &mut question, &mut |_| Ok(false))?
                && at < custodians.len()
            {
                return Ok(custodians.swap_remove(at));
            }
        }
    }

    /// Who signs for management: one of the administrators here.
    fn choose_manager(&self, people: &mut dyn People) -> Result<(Id, String), Interrupted> {
        let here: Vec<(Id, String)> = self
            .session
            .groups
            .get(&GroupId::Administrators)
            .map(|members| members.iter().map(|m| (m.person, m.name.clone())).collect())
            .unwrap_or_default();
        let mut question = prompt("form.manager");
        question.lines = vec![PromptLine::note("Who signs for management?")];
        question.ask = Ask::Choose {
            options: here
                .iter()
                .map(|(_, name)| Choice {
                    label: name.clone(),
                    detail: "administrator".into(),
                })
                .collect(),
        };
        loop {
            if let Answer::Chosen(at) = ask(people, &mut question, &mut |_| Ok(false))?
                && let Some(chosen) = here.get(at)
            {
                return Ok(chosen.clone());
            }
        }
    }

    fn sign_form(&mut self, who: &Custodian, people: &mut dyn People) -> Result<ActEnd, Undone> {
        let (duties, stamp) = self.data.duties().map_err(Undone::Card)?;
        let (manager, manager_name) = self.choose_manager(people).map_err(Undone::Interrupted)?;
        let station = self
            .door
            .vault()
            .authority()
            .map_err(|e| Undone::Door(e.into()))?
            .station;
        let name = who.name.as_str();
        let text = FormText::new(
            station,
            Holder {
                person: who.person,
                name: name.to_owned(),
            },
            who.group,
            stamp,
            self.clock.wall_ms(),
        );
        let mut read = prompt("form.read");
        read.title = format!("{name} reads this");
        read.lines = duties.duties.iter().map(PromptLine::note).collect();
        read.lines.push(PromptLine::note(format!(
            "{}, until {} ({}).",
            who.group.title(),
            words::date(text.until_ms),
            text.duties.stamp
        )));
        read.waiting_for = name.to_owned();
        read.ask = Ask::Read;
        ask(people, &mut read, &mut |_| Ok(false)).map_err(Undone::Interrupted)?;
        let action = SignCustodianForm {
            text,
            manager,
            manager_name,
        };
        self.act(&action, &format!("custodian form of {name}"), people)?;
        // Where it is, and that it wants two hands, before all that it says.
        let mut lines = vec![self.file_form(&action.text, &action.manager_name, &duties)];
        lines.extend(action.words());
        Ok(ActEnd::Done {
            good: true,
            title: format!("{name}'s custodian form holds"),
            lines,
        })
    }

    /// The form on paper, for the file; what became of it, in words.
    pub(crate) fn file_form(&self, text: &FormText, manager: &str, duties: &Duties) -> String {
        let here = self.paper_station();
        let fact = |name: &str, value: String| (name.to_owned(), value);
        let page = Minutes {
            title: format!("Custodian form: {}", text.name),
            station: here.name,
            mode: here.mode,
            facts: vec![
                fact("Authorised for", text.group.title().into()),
                fact("Effective", words::date(text.effective_ms)),
                fact("Until", words::date(text.until_ms)),
                fact("Duties", format!("{}, {}", text.duties.stamp, duties.title)),
                fact("SHA-256 of the duties", text.duties.digest.to_string()),
            ],
            people: Vec::new(),
            lines: (1..)
                .zip(&duties.duties)
                .map(|(number, duty)| format!("{number:>2}  {duty}"))
                .collect(),
            result: "Signed with both cards; the signatures stand in the journal.".into(),
            signatures: vec![
                ("custodian".into(), text.name.clone()),
                ("management".into(), manager.to_owned()),
            ],
        };
        let seq = self.door.vault().newest().map_or(0, |(seq, _)| seq);
        let name = format!("custodian-form-{seq}");
        match self.file_report("reports", &name, &page) {
            Ok(filed) => format!("Filed as {}: print it, both sign by hand.", filed.path),
            Err(why) => format!("The page could not be filed: {why}."),
        }
    }
}
