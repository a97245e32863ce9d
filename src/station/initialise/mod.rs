//! The initialise ceremony: an empty station becomes one, in one sitting.

mod blank_card;
mod fitness;
mod forms;
mod questions;
mod recovery;

use std::collections::BTreeSet;

use conclave_crypto::primitive::ec::KeyPair;
use conclave_evidence::authority::CardSignature;
use conclave_evidence::{Bytes, GroupId, Id, Signature};
use conclave_keyroom::domain::people::Person;
use conclave_keyroom::door::cards_and_groups;
use conclave_keyroom::piv::PivError;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal, Show};
use conclave_keyroom::vault::VaultError;
use conclave_keyroom::vault::genesis::{
    CA_CERTIFICATE, CA_CERTIFICATE_KIND, Founded, Founding, NewCard,
};

use self::forms::sign_forms;
use crate::cards::{Held, Interrupted, Judgement, PinFailure, Place, ask, await_card, verify_pin};
use crate::doctor::exception::ExceptionRecord;
use crate::enrol::{self, Authority};
use crate::logon::LogonEnd;
use crate::station::Station;
use crate::words;

pub(crate) use blank_card::Blank;

const ACT: &str = "Initialise this station";
const SAFE_BEFORE: &str = "yes, nothing is written before all cards are ready";
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

fn refused(happened: impl Into<String>, advice: impl Into<String>) -> Refusal {
    Refusal {
        happened: happened.into(),
        safe: "Nothing was written.".into(),
        advice: advice.into(),
    }
}

const ADVICE_SIGN: &str = "Put it in again, or let another administrator sign.";
const ADVICE_FINISH: &str =
    "Put it in again, or go on with the other cards and finish this one at the next start.";

/// Cards that failed in this sitting: each insertion is tried once, so that
/// one that is blocked does not keep the others from their turn.
#[derive(Default)]
struct Failed {
    places: BTreeSet<Place>,
    words: Option<Refusal>,
}

impl Failed {
    fn note(&mut self, held: &Held, name: &str, why: &str, advice: &str) {
        self.places.insert(held.place.clone());
        self.words = Some(Refusal {
            happened: format!("{name}'s card failed: {why}."),
            safe: "What the other cards have done stands.".into(),
            advice: advice.into(),
        });
    }
}

fn pin_words(why: PinFailure) -> String {
    match why {
        PinFailure::Blocked => "its PIN is blocked".into(),
        PinFailure::Card { error, .. } => error.to_string(),
        PinFailure::Interrupted { .. } => "it was interrupted".into(),
    }
}

impl Station {
    /// Runs the ceremony on an empty station, or finishes one that was cut
    /// after its first commit.
    pub fn initialise(&mut self, people: &mut dyn People) -> InitialiseEnd {
        if self.door.vault().is_frozen() {
            return InitialiseEnd::Refused(crate::rescue::read_only());
        }
        let unfinished = !self.door.vault().is_empty();
        let done = if unfinished {
            self.resume_initialise(people)
        } else {
            self.found(people)
        };
        match done {
            Ok(lines) => InitialiseEnd::Done(lines),
            Err(end) => {
                // The founding leaves the administrators' keys open for the
                // cards; nobody stays logged on behind a sitting that broke
                // off.
                let _ = self.logout("the initialise ceremony was interrupted");
                end
            }
        }
    }

    fn found(&mut self, people: &mut dyn People) -> Result<Vec<String>, InitialiseEnd> {
        // Found out now, not when every card is ready.
        self.duties_to_sign()?;
        let (name, mode) = self.ask_name(people)?;
        let accepted = self.accept_red(people, mode)?;
        let plan = questions::ask_plan(people)?;
        let staff = self.ask_staff(people, &plan, &name, mode)?;
        let ca = Authority {
            name: name.clone(),
            key: KeyPair::generate(self.door.random())
                .map_err(|e| InitialiseEnd::Refused(self.refusal(&e.to_string())))?,
            now_s: self.clock.wall_ms() / 1000,
        };
        let holders = recovery::ask_holders(people, &staff)?;
        let with_cards: Vec<&Person> = staff
            .iter()
            .filter(|person| recovery::has_card(person, &holders))
            .collect();
        let mut cards: Vec<NewCard> = Vec::new();
        for (at, &person) in with_cards.iter().enumerate() {
            let step = (at + 1, with_cards.len());
            let before: Vec<Id> = cards.iter().map(|card| card.card).collect();
            let blank = Blank {
                act: ACT,
                person,
                ca: &ca,
                before: &before,
                mode,
                step,
            };
            let card = self.new_card(people, &blank)?;
            cards.push(card);
        }
        let (_, duties) = self.duties_to_sign()?;
        let id = self.door.new_id().map_err(|e| self.broken(&e))?;
        let about = recovery::Of {
            station: id,
            name: &name,
            mode,
        };
        let sheets = self.make_sheets(people, &staff, &holders, &about)?;
        let mut records = Vec::new();
        for exception in &accepted {
            records.push(fitness::exception_record(exception)?);
        }
        if let Some(printer) = &sheets.printer {
            records.push(recovery::printer_record(printer)?);
        }
        let ca_certificate = ca
            .certificate(self.door.random())
            .map_err(|e| InitialiseEnd::Refused(self.refusal(&e.to_string())))?;
        let founded = self
            .door
            .found(Founding {
                station: id,
                name,
                mode,
                groups: plan.iter().map(|(g, q)| (*g, q.m)).collect(),
                people: staff,
                cards,
                words: sheets.words.iter().map(|new| new.entry.clone()).collect(),
                records,
                ca_key: ca.key.secret().duplicate(),
                ca_certificate,
                duties,
            })
            .map_err(|e| self.broken(&e))?;
        self.still_fit(mode, &accepted)?;
        let words = recovery::sheet_words(&sheets.words);
        self.sign_and_commit(people, founded, &words, &accepted)?;
        let open = sheets.words.into_iter().map(|new| new.held).collect();
        self.finish_words(people, open)?;
        self.finish_cards(people)
    }

    fn broken(&self, error: &VaultError) -> InitialiseEnd {
        InitialiseEnd::Refused(self.refusal(&error.to_string()))
    }

    /// The administrators whom the record names sign it; then everything is
    /// written at once.
    fn sign_and_commit(
        &mut self,
        people: &mut dyn People,
        mut founded: Founded,
        sheets: &[String],
        accepted: &[ExceptionRecord],
    ) -> Result<(), InitialiseEnd> {
        let digest = founded.digest().map_err(|e| self.broken(&e))?;
        let record = founded.record().clone();
        let group = record
            .group(GroupId::Administrators)
            .ok_or_else(|| self.broken(&VaultError::NoSecret(GroupId::Administrators)))?
            .clone();
        let mut signed: Vec<Id> = Vec::new();
        let mut failed = Failed::default();
        while signed.len() < usize::from(group.m) {
            let names: Vec<String> = group
                .members
                .iter()
                .filter(|m| !signed.contains(&m.card))
                .filter_map(|m| record.card(m.card).map(|c| c.person_name.clone()))
                .collect();
            let mut question = prompt("init.sign", "Administrators sign the founding record");
            question.lines = vec![
                PromptLine::note(format!(
                    "It names {}, and founds {}, {}.",
                    cards_and_groups(&record),
                    record.station_name,
                    record.mode
                )),
                PromptLine::note(format!("Signatures {} of {}.", signed.len(), group.m)),
                PromptLine::note(
                    "The first of them signs for management, too, that the custodians are \
                     authorised.",
                ),
            ];
            let more = sheets.iter().chain(founded.words());
            question.lines.extend(more.map(PromptLine::note));
            question.waiting_for = words::list(&names);
            question.refused = failed.words.take();
            question.ask = Ask::Card {
                wanted: names,
                other_group: false,
            };
            let mut held = await_card(
                self.readers.as_ref(),
                people,
                &mut question,
                &mut never,
                &mut |_, place, guid| {
                    let Some(guid) = guid.filter(|_| !failed.places.contains(place)) else {
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
                Err(why) => {
                    failed.note(&held, &entry.person_name, &pin_words(why), ADVICE_SIGN);
                    continue;
                }
            };
            match held.card.sign_with_fresh_pin(&pin, &digest.0) {
                Ok(signature) => {
                    if let Err(error) = sign_forms(&mut founded.forms, &mut held, &pin) {
                        let why = error.to_string();
                        failed.note(&held, &entry.person_name, &why, ADVICE_SIGN);
                        continue;
                    }
                    founded.sign(CardSignature {
                        card: held.guid,
                        signature: Signature(signature),
                    });
                    signed.push(held.guid);
                }
                Err(error) => {
                    let why = error.to_string();
                    failed.note(&held, &entry.person_name, &why, ADVICE_SIGN);
                }
            }
        }
        // Signatures take as long as people take to come.
        self.still_fit(record.mode, accepted)?;
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
            if card.words.is_none() && !vault.has_anchor(card.card)? {
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
        let of = record.cards.iter().filter(|c| c.words.is_none()).count();
        let mut failed = Failed::default();
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
                PromptLine::note(
                    "Each card proves that it opens its share, and gets its management key.",
                ),
                PromptLine::note(format!("Still to come: {}.", words::list(&names))),
            ];
            question.waiting_for = words::list(&names);
            question.safe = SAFE_AFTER.into();
            question.refused = failed.words.take();
            question.ask = Ask::Card {
                wanted: names,
                other_group: false,
            };
            let mut held = await_card(
                self.readers.as_ref(),
                people,
                &mut question,
                &mut never,
                &mut |_, place, guid| {
                    let wanted = guid.is_some_and(|guid| open.contains(&guid));
                    Ok(if wanted && !failed.places.contains(place) {
                        Judgement::Take
                    } else {
                        Judgement::Ignore
                    })
                },
            )?;
            let Some(entry) = record.card(held.guid).cloned() else {
                continue;
            };
            let form = self
                .door
                .vault()
                .form_to_sign(entry.person)
                .map_err(|e| self.broken(&e))?;
            let purpose = match &form {
                Some(form) => {
                    question.title = format!("{} signs as a custodian", entry.person_name);
                    question.lines = self.form_lines(form)?;
                    "receive the share, and sign these duties"
                }
                None => "receive the share",
            };
            let pin = match verify_pin(
                people,
                &mut question,
                &mut held,
                &entry.person_name,
                purpose,
                &mut never,
            ) {
                Ok(pin) => pin,
                Err(PinFailure::Interrupted { why, .. }) => return Err(why.into()),
                Err(why) => {
                    failed.note(&held, &entry.person_name, &pin_words(why), ADVICE_FINISH);
                    continue;
                }
            };
            people.progress(
                "The card opens its share",
                (of - open.len()) as u64,
                of as u64,
            );
            let finished = self.sign_own_form(form, &mut held, &pin).and_then(|()| {
                let card = held.card.piv().map_err(enrol::EnrolError::from)?;
                enrol::after_commit(&mut self.door, card, &entry, &pin)
            });
            match finished {
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
                    failed.note(&held, &entry.person_name, &error.to_string(), ADVICE_FINISH);
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
        let certificate = self
            .ca_certificate()
            .ok_or_else(|| self.refusal("the certificate of this station is not to be read"))
            .and_then(|der| {
                self.file("authority", "station-ca.der", &der)
                    .map_err(|e| self.refusal(&e))
            })
            .map_err(InitialiseEnd::Refused)?;
        let mut read = prompt("init.words", "The founding record, in words");
        read.lines = vec![PromptLine::note(
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
            format!("The cards' certificates are checked with {certificate}."),
            "The custodians' forms lie in the folder reports: print them, and let both sign."
                .into(),
        ])
    }

    /// The certificate of the station that issued the cards' certificates, in
    /// DER. Every group reads it; nobody does while nobody is logged on.
    #[must_use]
    pub fn ca_certificate(&self) -> Option<Vec<u8>> {
        use conclave_keyroom::vault::Compartment::Directory;
        let vault = self.door.vault();
        vault
            .get_kind(Directory, CA_CERTIFICATE_KIND, CA_CERTIFICATE)
            .map(|Bytes(der)| der)
            .ok()
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
        self.finish_words(people, Vec::new())?;
        self.finish_cards(people)
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
