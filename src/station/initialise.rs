//! The initialise ceremony: an empty station becomes one, in one sitting.

use std::collections::{BTreeMap, BTreeSet};

use conclave_crypto::primitive::ec::KeyPair;
use conclave_evidence::authority::{CardSignature, Mode};
use conclave_evidence::{GroupId, Id, Signature};
use conclave_keyroom::domain::people::{Person, check_name, check_roles};
use conclave_keyroom::domain::staff::{
    Plan, Quorum, StaffError, check_plan, check_staff, permitted_double_roles, smallest_staff,
};
use conclave_keyroom::piv::PivError;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Field, FieldKind, Mark, People, Prompt, PromptLine, Refusal, Show, Table,
};
use conclave_keyroom::vault::VaultError;
use conclave_keyroom::vault::genesis::{Founded, Founding, NewCard};

use crate::cards::{Held, Interrupted, Judgement, PinFailure, ask, await_card, verify_pin};
use crate::enrol::{self, Authority, Holder};
use crate::logon::LogonEnd;
use crate::station::Station;
use crate::words;

const ACT: &str = "Initialise this station";
const SAFE_BEFORE: &str = "yes: nothing is written before all cards are ready";
const SAFE_AFTER: &str =
    "yes: the station exists; cards that are not finished are finished at the next start";
const WHY: &str = "A station is founded once, by all its people in one sitting. Its mode is \
                   chosen for ever. Afterwards nobody alone, not even with the whole disk, opens \
                   anything.";

/// How the initialise ceremony ended.
#[derive(Debug)]
pub enum InitialiseEnd {
    /// The station works.
    Done(Vec<String>),
    /// It did not take place, or has to be finished.
    Refused(Refusal),
    /// Esc.
    Aborted,
    /// The program ends.
    Shutdown,
}

impl From<Interrupted> for InitialiseEnd {
    fn from(why: Interrupted) -> Self {
        match why {
            Interrupted::Shutdown => Self::Shutdown,
            Interrupted::Refused(refusal) => Self::Refused(refusal),
            _ => Self::Aborted,
        }
    }
}

fn never(_: &mut Prompt) -> Result<bool, Interrupted> {
    Ok(false)
}

fn prompt(code: &str, title: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: ACT.into(),
        title: title.into(),
        waiting_for: "everybody here".into(),
        safe: SAFE_BEFORE.into(),
        why: WHY.into(),
        ..Prompt::default()
    }
}

fn note(text: impl Into<String>) -> PromptLine {
    PromptLine {
        mark: Mark::Note,
        text: text.into(),
    }
}

fn refused(happened: impl Into<String>, advice: impl Into<String>) -> Refusal {
    Refusal {
        happened: happened.into(),
        safe: "Nothing was written.".into(),
        advice: advice.into(),
    }
}

impl Station {
    /// Runs the ceremony on an empty station, or finishes one that was cut
    /// after its first commit.
    pub fn initialise(&mut self, people: &mut dyn People) -> InitialiseEnd {
        let unfinished = !self.door.vault().is_empty();
        let done = if unfinished {
            self.resume_initialise(people)
        } else {
            self.found(people)
        };
        match done {
            Ok(lines) => InitialiseEnd::Done(lines),
            Err(end) => end,
        }
    }

    fn found(&mut self, people: &mut dyn People) -> Result<Vec<String>, InitialiseEnd> {
        let (name, mode) = self.ask_name(people)?;
        let plan = ask_plan(people)?;
        let staff = self.ask_staff(people, &plan, &name, mode)?;
        let ca = Authority {
            name: name.clone(),
            key: KeyPair::generate(self.door.random())
                .map_err(|e| InitialiseEnd::Refused(self.refusal(&e.to_string())))?,
            now_s: self.clock.wall_ms() / 1000,
        };
        let mut cards: Vec<NewCard> = Vec::new();
        for (at, person) in staff.iter().enumerate() {
            let step = (at + 1, staff.len());
            let card = self.new_card(people, person, &ca, &cards, mode, step)?;
            cards.push(card);
        }
        let id = self.door.new_id().map_err(|e| self.broken(&e))?;
        let founded = self
            .door
            .found(Founding {
                station: id,
                name,
                mode,
                groups: plan.iter().map(|(g, q)| (*g, q.m)).collect(),
                people: staff,
                cards,
                ca_key: ca.key.secret().duplicate(),
            })
            .map_err(|e| self.broken(&e))?;
        self.sign_and_commit(people, founded)?;
        self.finish_cards(people)
    }

    fn broken(&self, error: &VaultError) -> InitialiseEnd {
        InitialiseEnd::Refused(self.refusal(&error.to_string()))
    }

    fn ask_name(&self, people: &mut dyn People) -> Result<(String, Mode), InitialiseEnd> {
        let modes: Vec<String> = if self.training {
            vec!["TEST".into()]
        } else {
            vec!["TEST".into(), "PRODUCTION".into()]
        };
        let mut question = prompt("init.name", "The station's name and mode");
        question.lines = vec![
            note("The mode is for ever, and stands on every screen, record, file and page."),
            note(if self.training {
                "This is a training station: it can only be TEST."
            } else {
                "Published test keys and training devices work on a TEST station only."
            }),
        ];
        question.ask = Ask::Form {
            fields: vec![
                Field {
                    label: "Name".into(),
                    kind: FieldKind::Text(24),
                    value: String::new(),
                    hint: "letters, digits, space, - . ' ; for example KEYROOM-1".into(),
                },
                Field {
                    label: "Mode".into(),
                    kind: FieldKind::One(modes),
                    value: "TEST".into(),
                    hint: "cannot be changed later".into(),
                },
            ],
            submit: "go on".into(),
            done: None,
        };
        loop {
            let Answer::Fields(values) = ask(people, &mut question, &mut never)? else {
                continue;
            };
            let (Some(name), Some(mode)) = (values.first(), values.get(1)) else {
                continue;
            };
            match check_name(name) {
                Ok(()) => {
                    let mode = if mode == "PRODUCTION" && !self.training {
                        Mode::Production
                    } else {
                        Mode::Test
                    };
                    return Ok((name.clone(), mode));
                }
                Err(error) => {
                    question.refused = Some(refused(
                        format!("The name does not work: {error}."),
                        "Type another.",
                    ));
                }
            }
        }
    }

    fn ask_staff(
        &self,
        people: &mut dyn People,
        plan: &Plan,
        name: &str,
        mode: Mode,
    ) -> Result<Vec<Person>, InitialiseEnd> {
        let mut shown = prompt("init.staff", "How many people this needs");
        shown.lines = staff_words(plan);
        shown.ask = Ask::Read;
        ask(people, &mut shown, &mut never)?;

        let mut refusal = None;
        loop {
            let staff = self.ask_people(people, plan, refusal.take())?;
            if let Err(error) = check_staff(plan, &staff) {
                refusal = Some(refused(
                    format!("The people do not fit the groups: {error}."),
                    "Record them again.",
                ));
                continue;
            }
            let mut last = prompt("init.confirm", "Is everything right?");
            last.lines = vec![
                note(format!("{name}, {mode}, for ever.")),
                note(format!(
                    "{} people, each with a card as delivered and an own PIN.",
                    staff.len()
                )),
                note("From here on the sitting is not interrupted until all cards are done."),
            ];
            last.table = Some(people_table(&staff));
            last.ask = Ask::Exactly { text: name.into() };
            loop {
                match ask(people, &mut last, &mut never)? {
                    Answer::Word(word) if word == name => return Ok(staff),
                    _ => {
                        last.refused = Some(refused(
                            "That is not the station's name.",
                            "Type the name exactly, or Esc to give up.",
                        ));
                    }
                }
            }
        }
    }

    fn ask_people(
        &self,
        people: &mut dyn People,
        plan: &Plan,
        refusal: Option<Refusal>,
    ) -> Result<Vec<Person>, InitialiseEnd> {
        let mut staff: Vec<Person> = Vec::new();
        let mut question = prompt("init.person", "The people, one after the other");
        question.refused = refusal;
        loop {
            question.table = Some(people_table(&staff));
            question.lines = open_places(plan, &staff);
            question.ask = Ask::Form {
                fields: vec![
                    Field {
                        label: "Name".into(),
                        kind: FieldKind::Text(24),
                        value: String::new(),
                        hint: String::new(),
                    },
                    Field {
                        label: "Reports to".into(),
                        kind: FieldKind::Text(24),
                        value: String::new(),
                        hint: "the manager's name".into(),
                    },
                    Field {
                        label: "Groups".into(),
                        kind: FieldKind::Many(plan.keys().map(|g| g.title().into()).collect()),
                        value: String::new(),
                        hint: String::new(),
                    },
                ],
                submit: "record".into(),
                done: (!staff.is_empty()).then(|| "everybody is recorded".into()),
            };
            let Answer::Fields(values) = ask(people, &mut question, &mut never)? else {
                continue;
            };
            if values.is_empty() {
                if staff.is_empty() {
                    continue;
                }
                return Ok(staff);
            }
            match self.read_person(&values, plan, &staff) {
                Ok(person) => {
                    question.refused = None;
                    staff.push(person);
                }
                Err(refusal) => question.refused = Some(refusal),
            }
        }
    }

    fn read_person(
        &self,
        values: &[String],
        plan: &Plan,
        staff: &[Person],
    ) -> Result<Person, Refusal> {
        let [name, reports_to, groups] = values else {
            return Err(refused("The form is not complete.", "Fill all fields."));
        };
        check_name(name)
            .map_err(|e| refused(format!("The name does not work: {e}."), "Type another."))?;
        if !reports_to.is_empty() {
            check_name(reports_to).map_err(|e| {
                refused(
                    format!("The manager's name does not work: {e}."),
                    "Type another.",
                )
            })?;
        }
        if staff.iter().any(|p| p.name == *name) {
            return Err(refused(
                format!("{name} is recorded already."),
                "Two people of one name need a difference, for example an initial.",
            ));
        }
        let roles: BTreeSet<GroupId> = groups
            .split(", ")
            .filter_map(|title| plan.keys().find(|g| g.title() == title).copied())
            .collect();
        if roles.is_empty() {
            return Err(refused(
                format!("{name} would belong to no group."),
                "Choose at least one group.",
            ));
        }
        check_roles(&roles).map_err(|conflict| {
            refused(
                format!(
                    "{} and {} do not go together: {}.",
                    conflict.first.title(),
                    conflict.second.title(),
                    conflict.rule
                ),
                "Give one of the two to somebody else.",
            )
        })?;
        for group in &roles {
            let have = staff.iter().filter(|p| p.roles.contains(group)).count();
            let n = plan.get(group).map_or(0, |q| usize::from(q.n));
            if have >= n {
                return Err(refused(
                    format!("The group {} has its {n} members already.", group.title()),
                    "Choose another group.",
                ));
            }
        }
        Ok(Person {
            id: self.person_id(name, staff.len()),
            name: name.clone(),
            reports_to: reports_to.clone(),
            roles,
        })
    }

    /// People get their random ids at the founding; until then the order does.
    fn person_id(&self, _name: &str, at: usize) -> Id {
        let mut id = [0u8; 16];
        id[8..].copy_from_slice(&(at as u64 + 1).to_be_bytes());
        id[..8].copy_from_slice(&self.clock.wall_ms().to_be_bytes());
        Id(id)
    }

    /// One person's blank card: keys, certificates, PIN.
    fn new_card(
        &mut self,
        people: &mut dyn People,
        person: &Person,
        ca: &Authority,
        before: &[NewCard],
        mode: Mode,
        (at, of): (usize, usize),
    ) -> Result<NewCard, InitialiseEnd> {
        let mut refusal = None;
        loop {
            let mut question = prompt("init.card", &format!("Card {at} of {of}: {}", person.name));
            question.step = Some((at as u16, of as u16));
            question.refused = refusal.take();
            question.cast = vec![("holder".into(), person.name.clone())];
            question.lines = vec![
                note(format!(
                    "{} puts a card as delivered into a reader.",
                    person.name
                )),
                note("Its keys are made on it, and never leave it."),
            ];
            question.waiting_for.clone_from(&person.name);
            question.ask = Ask::Card {
                wanted: vec![person.name.clone()],
                other_group: false,
            };
            let random = self.door.random();
            let states = self.readers.states().unwrap_or_default();
            let training: BTreeSet<_> = states
                .iter()
                .filter(|s| s.training)
                .map(|s| s.id.clone())
                .collect();
            let mut held = await_card(
                self.readers.as_ref(),
                people,
                &mut question,
                &mut never,
                &mut |card, guid| {
                    if guid.is_some_and(|guid| before.iter().any(|b| b.card == guid)) {
                        // In a room with many readers it sits there rightly.
                        return Ok(Judgement::Ignore);
                    }
                    let seen = card.inspect(random)?;
                    if !seen.factory_management {
                        return Ok(Judgement::Refuse(refused(
                            "This card is in use, here or at another station.",
                            "Take a card as delivered.",
                        )));
                    }
                    Ok(Judgement::Take)
                },
            )?;
            if mode == Mode::Production && training.contains(&held.place.reader) {
                refusal = Some(refused(
                    "A training card is never enrolled on a PRODUCTION station.",
                    "Use a real card.",
                ));
                continue;
            }
            match self.make_card(people, person, ca, before, &mut held, &mut question) {
                Ok(card) => return Ok(card),
                Err(Retry::Again(why)) => refusal = Some(why),
                Err(Retry::End(end)) => return Err(end),
            }
        }
    }

    fn make_card(
        &mut self,
        people: &mut dyn People,
        person: &Person,
        ca: &Authority,
        before: &[NewCard],
        held: &mut Held,
        question: &mut Prompt,
    ) -> Result<NewCard, Retry> {
        question.code = "init.pin".into();
        question.refused = None;
        question.lines = vec![
            note(format!(
                "{} chooses a PIN, 6 to 8 digits. The others look away.",
                person.name
            )),
            note("Factory PINs, one digit repeated, and rows like 123456 are refused."),
        ];
        question.ask = Ask::NewPin {
            person: person.name.clone(),
        };
        let pin = loop {
            let answer = ask(people, question, &mut never).map_err(|why| Retry::End(why.into()))?;
            let Answer::Secret(pin) = answer else {
                continue;
            };
            match conclave_keyroom::piv::PinRule::check(&pin) {
                Ok(()) => break pin,
                Err(rule) => {
                    question.refused = Some(refused(
                        format!("This PIN is refused: {rule}."),
                        "Choose another.",
                    ));
                }
            }
        };
        people.progress("Making the keys on the card", 0, 1);
        let holder = Holder {
            id: person.id,
            name: &person.name,
            pin: &pin,
        };
        let made = enrol::before_commit(&mut held.card, &holder, ca, self.door.random());
        match made {
            Ok(card) if before.iter().any(|b| b.card == card.card) => Err(Retry::Again(refused(
                "This card was taken by somebody else a moment ago.",
                "Every person has an own card.",
            ))),
            Ok(card) => Ok(card),
            Err(error) => Err(Retry::Again(refused(
                format!("The card could not be made ready: {error}."),
                "Put it in again, or take another card as delivered.",
            ))),
        }
    }

    /// The administrators whom the record names sign it; then everything is
    /// written at once.
    fn sign_and_commit(
        &mut self,
        people: &mut dyn People,
        mut founded: Founded,
    ) -> Result<(), InitialiseEnd> {
        let digest = founded.digest().map_err(|e| self.broken(&e))?;
        let record = founded.record().clone();
        let group = record
            .group(GroupId::Administrators)
            .ok_or_else(|| self.broken(&VaultError::NoSecret(GroupId::Administrators)))?
            .clone();
        let mut signed: Vec<Id> = Vec::new();
        while signed.len() < usize::from(group.m) {
            let names: Vec<String> = group
                .members
                .iter()
                .filter(|m| !signed.contains(&m.card))
                .filter_map(|m| record.card(m.card).map(|c| c.person_name.clone()))
                .collect();
            let mut question = prompt("init.sign", "Administrators sign the founding record");
            question.lines = vec![
                note(format!(
                    "It names {} cards and {} groups, and founds {}, {}.",
                    record.cards.len(),
                    record.groups.len(),
                    record.station_name,
                    record.mode
                )),
                note(format!("Signatures {} of {}.", signed.len(), group.m)),
            ];
            question.waiting_for = words::list(&names);
            question.ask = Ask::Card {
                wanted: names,
                other_group: false,
            };
            let mut held = await_card(
                self.readers.as_ref(),
                people,
                &mut question,
                &mut never,
                &mut |_, guid| {
                    let Some(guid) = guid else {
                        return Ok(Judgement::Ignore);
                    };
                    let wanted = group.members.iter().any(|m| m.card == guid);
                    Ok(if signed.contains(&guid) || !wanted {
                        Judgement::Ignore
                    } else {
                        Judgement::Take
                    })
                },
            )?;
            let Some(entry) = record.card(held.guid) else {
                continue;
            };
            let pin = match verify_pin(
                people,
                &mut question,
                &mut held,
                &entry.person_name.clone(),
                "sign: found this station",
                &mut never,
            ) {
                Ok(pin) => pin,
                Err(PinFailure::Interrupted { why, .. }) => return Err(why.into()),
                Err(_) => continue,
            };
            if let Ok(signature) = held.card.sign_with_fresh_pin(&pin, &digest.0) {
                founded.sign(CardSignature {
                    card: held.guid,
                    signature: Signature(signature),
                });
                signed.push(held.guid);
            }
        }
        people.progress("Founding the station", 0, 1);
        self.door
            .commit_founding(founded)
            .map_err(|e| self.broken(&e))
    }

    /// Cards that have their share and their management key carry an anchor.
    fn unfinished_cards(&self) -> Result<Vec<Id>, VaultError> {
        let vault = self.door.vault();
        let mut open = Vec::new();
        for card in &vault.authority()?.cards {
            if !vault.has_anchor(card.card)? {
                open.push(card.card);
            }
        }
        Ok(open)
    }

    fn finish_cards(&mut self, people: &mut dyn People) -> Result<Vec<String>, InitialiseEnd> {
        let record = self
            .door
            .vault()
            .authority()
            .map_err(|e| self.broken(&e))?
            .clone();
        let of = record.cards.len();
        loop {
            let open = self.unfinished_cards().map_err(|e| self.broken(&e))?;
            if open.is_empty() {
                break;
            }
            let names: Vec<String> = open
                .iter()
                .filter_map(|id| record.card(*id).map(|c| c.person_name.clone()))
                .collect();
            let mut question = prompt("init.finish", "Every card opens its share");
            question.step = Some(((of - open.len() + 1) as u16, of as u16));
            question.lines = vec![
                note("Each card proves that it opens its share, and gets its management key."),
                note(format!("Still to come: {}.", words::list(&names))),
            ];
            question.waiting_for = words::list(&names);
            question.safe = SAFE_AFTER.into();
            question.ask = Ask::Card {
                wanted: names,
                other_group: false,
            };
            let mut held = await_card(
                self.readers.as_ref(),
                people,
                &mut question,
                &mut never,
                &mut |_, guid| {
                    Ok(if guid.is_some_and(|guid| open.contains(&guid)) {
                        Judgement::Take
                    } else {
                        Judgement::Ignore
                    })
                },
            )?;
            let Some(entry) = record.card(held.guid).cloned() else {
                continue;
            };
            let pin = match verify_pin(
                people,
                &mut question,
                &mut held,
                &entry.person_name,
                "receive the share",
                &mut never,
            ) {
                Ok(pin) => pin,
                Err(PinFailure::Interrupted { why, .. }) => return Err(why.into()),
                Err(_) => continue,
            };
            people.progress(
                "The card opens its share",
                (of - open.len()) as u64,
                of as u64,
            );
            match enrol::after_commit(&mut self.door, &mut held.card, &entry, &pin) {
                Ok(()) => {
                    let words = format!(
                        "card {} of {} received its share",
                        entry.card.short(),
                        entry.person_name
                    );
                    self.door
                        .note("enrol-card", words)
                        .map_err(|e| InitialiseEnd::Refused(self.refusal(&e.to_string())))?;
                }
                Err(error) => {
                    let _ = self.door.note(
                        "enrol-card",
                        format!("card {}: {error}", entry.card.short()),
                    );
                }
            }
        }
        self.end_initialise(people)
    }

    fn end_initialise(&mut self, people: &mut dyn People) -> Result<Vec<String>, InitialiseEnd> {
        self.door
            .finish_genesis()
            .map_err(|e| InitialiseEnd::Refused(self.refusal(&e.to_string())))?;
        let hash = self
            .door
            .vault()
            .authority_hash()
            .map_err(|e| self.broken(&e))?;
        let mut read = prompt("init.words", "The founding record, in words");
        read.lines = vec![note(
            "Write these words on the founding sheet: any copy of this station that is older or \
             another has other words.",
        )];
        read.show = Some(Show::Words {
            of: "founding record".into(),
            words: conclave_evidence::words::in_words(&hash.0)
                .into_iter()
                .map(str::to_owned)
                .collect(),
        });
        read.ask = Ask::Read;
        read.safe = "yes: the station is complete".into();
        ask(people, &mut read, &mut never)?;
        let _ = self.logout("the initialise ceremony is over");
        Ok(vec![
            "The station is initialised.".into(),
            "All cards hold their shares; any quorum can log on.".into(),
        ])
    }

    /// After a cut behind the first commit: administrators log on, and the
    /// cards that are left are finished.
    fn resume_initialise(&mut self, people: &mut dyn People) -> Result<Vec<String>, InitialiseEnd> {
        if !self.is_open() {
            match self.logon(Some(GroupId::Administrators), people) {
                LogonEnd::Done(_) => {}
                LogonEnd::Refused(refusal) => return Err(InitialiseEnd::Refused(refusal)),
                LogonEnd::Aborted => return Err(InitialiseEnd::Aborted),
                LogonEnd::Shutdown => return Err(InitialiseEnd::Shutdown),
            }
        }
        self.finish_cards(people)
    }
}

enum Retry {
    Again(Refusal),
    End(InitialiseEnd),
}

/// What each group gets when nobody decides otherwise.
fn usual(group: GroupId) -> &'static str {
    match group {
        GroupId::Auditors => "2 of 2",
        group if group.is_custodian() => "1 of 1",
        _ => "2 of 3",
    }
}

fn ask_plan(people: &mut dyn People) -> Result<Plan, InitialiseEnd> {
    let mut question = prompt("init.groups", "The groups: how many of how many");
    question.lines = vec![note(
        "m of n: m members must come together. Up to 16 members; m at least 2 where a group \
         opens something alone.",
    )];
    question.ask = Ask::Form {
        fields: GroupId::ALL
            .iter()
            .map(|group| Field {
                label: group.title().into(),
                kind: FieldKind::Text(8),
                value: usual(*group).into(),
                hint: "for example 2 of 3".into(),
            })
            .collect(),
        submit: "go on".into(),
        done: None,
    };
    loop {
        let Answer::Fields(values) = ask(people, &mut question, &mut never)? else {
            continue;
        };
        match read_plan(&values) {
            Ok(plan) => return Ok(plan),
            Err(why) => {
                question.refused = Some(refused(why, "Change the numbers."));
                if let Ask::Form { fields, .. } = &mut question.ask {
                    for (field, value) in fields.iter_mut().zip(values) {
                        field.value = value;
                    }
                }
            }
        }
    }
}

fn read_plan(values: &[String]) -> Result<Plan, String> {
    let mut plan: BTreeMap<GroupId, Quorum> = BTreeMap::new();
    for (group, value) in GroupId::ALL.into_iter().zip(values) {
        let value = value.trim();
        if value.is_empty() && group.is_custodian() {
            continue;
        }
        let (m, n) = value
            .split_once(" of ")
            .and_then(|(m, n)| Some((m.trim().parse().ok()?, n.trim().parse().ok()?)))
            .ok_or_else(|| format!("{}: {value:?} is not of the form «2 of 3».", group.title()))?;
        plan.insert(group, Quorum { m, n });
    }
    check_plan(&plan).map_err(|error: StaffError| format!("{error}."))?;
    Ok(plan)
}

fn staff_words(plan: &Plan) -> Vec<PromptLine> {
    let smallest = smallest_staff(plan);
    let most: usize = plan.values().map(|q| usize::from(q.n)).sum();
    let mut lines = vec![note(format!(
        "The smallest legal staff is {} people; with nobody in two groups it is {most}.",
        smallest.people
    ))];
    for (team, size) in &smallest.teams {
        let titles: Vec<String> = team.iter().map(|g| g.title().to_owned()).collect();
        lines.push(note(format!("  {size} people: {}", words::list(&titles))));
    }
    lines.push(note("One person may belong to both groups of:"));
    for (first, second) in permitted_double_roles(plan) {
        lines.push(note(format!("  {} and {}", first.title(), second.title())));
    }
    lines.push(note("Nobody ever acts twice in one act."));
    lines
}

fn people_table(staff: &[Person]) -> Table {
    Table {
        head: vec!["Name".into(), "Reports to".into(), "Groups".into()],
        rows: staff
            .iter()
            .map(|p| {
                let roles: Vec<&str> = p.roles.iter().map(|g| g.title()).collect();
                vec![p.name.clone(), p.reports_to.clone(), roles.join(", ")]
            })
            .collect(),
    }
}

fn open_places(plan: &Plan, staff: &[Person]) -> Vec<PromptLine> {
    let mut open: Vec<String> = Vec::new();
    for (group, quorum) in plan {
        let have = staff.iter().filter(|p| p.roles.contains(group)).count();
        let left = usize::from(quorum.n).saturating_sub(have);
        if left > 0 {
            open.push(format!("{} {left}", group.title()));
        }
    }
    if open.is_empty() {
        vec![note("All places are filled.")]
    } else {
        vec![note(format!("Open places: {}.", open.join(", ")))]
    }
}

impl From<PivError> for InitialiseEnd {
    fn from(error: PivError) -> Self {
        Self::Refused(refused(
            format!("The card failed: {error}."),
            "Try again with the same card, or another.",
        ))
    }
}
