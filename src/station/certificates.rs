//! A card's certificates before they expire: issued anew for the keys that the
//! card has. Nothing is decided by them here, where a card is its pinned keys;
//! whoever checks a signature outside goes by them.

use std::collections::BTreeMap;

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{CardEntry, CardState};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::{Action, ActionError, Authority as Needs, Permit, Warrant};
use conclave_keyroom::piv::{PivError, Slot};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Choice, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::{Compartment, genesis};
use serde::{Deserialize, Serialize};

use crate::act_minutes::Subject;
use crate::anchor::management_from_secret;
use crate::approve::Undone;
use crate::cards::{Held, Interrupted, ask};
use crate::enrol::{self, Authority, VALIDITY_S};
use crate::present::{Absent, Wanted, present};
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::words;

/// Issues certificates for the keys of one card.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssueCertificates {
    /// The card.
    pub card: Id,
    /// Whose it is, for the words.
    pub person: String,
}

impl Action for IssueCertificates {
    const NAME: &'static str = "issue-certificates";
    type Out = Vec<(Slot, Vec<u8>)>;

    fn authority(&self) -> Needs {
        Needs::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![format!(
            "Issue new certificates for {}'s card {}, for the keys it has",
            self.person,
            self.card.short()
        )]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Self::Out, ActionError> {
        let record = permit.authority()?.clone();
        let entry = record
            .card(self.card)
            .filter(|card| card.state == CardState::Active)
            .ok_or_else(|| {
                ActionError::rule(
                    "a suspended or revoked card gets no certificates",
                    "Reinstate it first, or replace it.",
                )
            })?;
        let failed = |why: String| ActionError::rule(why, "Log out, and try again.");
        let secret = permit.get_secret(Compartment::Administration, genesis::CA_KEY)?;
        let ca = Authority {
            name: record.station_name.clone(),
            key: KeyPair::from_secret(secret).map_err(|e| failed(e.to_string()))?,
            now_s: permit.now_ms() / 1000,
        };
        let (_, _, random) = permit.provider();
        enrol::certificates(&ca, entry, random).map_err(|e| failed(e.to_string()))
    }
}

/// Records that a card carries new certificates.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileCertificates {
    /// The card.
    pub card: Id,
    /// Whose it is, for the words.
    pub person: String,
    /// When they were issued, wall clock.
    pub issued_ms: u64,
}

/// When a card's certificates were issued.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Issued {
    issued_ms: u64,
}

/// Kind of that record in the directory.
const ISSUED: &str = "card-certificates";

impl Action for FileCertificates {
    const NAME: &'static str = "file-certificates";
    type Out = ();

    fn authority(&self) -> Needs {
        Needs::Session(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![format!(
            "{}'s card {} carries new certificates",
            self.person,
            self.card.short()
        )]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let issued = Issued {
            issued_ms: self.issued_ms,
        };
        Ok(permit.put(Compartment::Directory, ISSUED, self.card, &issued)?)
    }
}

const TITLE: &str = "Renew a card's certificates";
const WHY: &str = "A certificate names the holder of a key and is valid for five years. This station itself \
     goes by the keys it has pinned; whoever checks a signature outside goes by the certificate.";

fn prompt(code: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: TITLE.into(),
        title: TITLE.into(),
        waiting_for: "administrators".into(),
        safe: "yes, the card keeps its certificates until the new ones are written".into(),
        why: WHY.into(),
        ..Prompt::default()
    }
}

/// The very card.
struct ThisCard<'a>(&'a CardEntry);

impl Wanted for ThisCard<'_> {
    fn wants(&self, _: &CardEntry) -> Result<(), Refusal> {
        Ok(())
    }

    fn passes_over(&self, entry: &CardEntry) -> bool {
        entry.card != self.0.card
    }

    fn names(&self) -> Vec<String> {
        vec![self.0.person_name.clone()]
    }
}

impl Station {
    /// Every active card, and when its certificates expire: wall clock, the
    /// soonest first. Empty where the session does not read the directory.
    pub(crate) fn certificates_expire(&self) -> Vec<(CardEntry, u64)> {
        let vault = self.door.vault();
        let Ok(renewed) = vault.list::<Issued>(Compartment::Directory, ISSUED) else {
            return Vec::new();
        };
        let mut issued: BTreeMap<Id, u64> = BTreeMap::new();
        // At its enrolment, which the first record that names it dates.
        for signed in vault.authority_chain().unwrap_or_default() {
            if let Ok(record) = signed.open() {
                for card in &record.cards {
                    issued.entry(card.card).or_insert(record.made_at_ms);
                }
            }
        }
        issued.extend(renewed.into_iter().map(|(card, r)| (card, r.issued_ms)));
        let Ok(record) = vault.authority() else {
            return Vec::new();
        };
        let mut all: Vec<(CardEntry, u64)> = record
            .cards
            .iter()
            .filter(|card| card.state == CardState::Active)
            .filter_map(|card| {
                let from = issued.get(&card.card)?;
                Some((card.clone(), from.saturating_add(VALIDITY_S * 1000)))
            })
            .collect();
        all.sort_by_key(|(_, expires)| *expires);
        all
    }

    /// A card's certificates are issued anew: administrators sign, then the
    /// holder puts the card in.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn renew_certificates(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let entry = match self.choose_expiring(people) {
            Ok(entry) => entry,
            Err(why) => return stopped(why),
        };
        let action = IssueCertificates {
            card: entry.card,
            person: entry.person_name.clone(),
        };
        self.pause_watch(true);
        let end = self.issue(&action, &entry, people);
        self.pause_watch(false);
        end.or_else(|undone| self.undone(undone))
    }

    fn choose_expiring(&self, people: &mut dyn People) -> Result<CardEntry, Interrupted> {
        let cards = self.certificates_expire();
        let mut question = prompt("certificates.which");
        question.lines = vec![PromptLine::note("Whose card?")];
        question.ask = Ask::Choose {
            options: cards
                .iter()
                .map(|(card, expires_ms)| Choice {
                    label: card.person_name.clone(),
                    detail: format!(
                        "card {}: they expire {}",
                        card.card.short(),
                        words::date(*expires_ms)
                    ),
                })
                .collect(),
        };
        loop {
            if let Answer::Chosen(at) = ask(people, &mut question, &mut |_| Ok(false))?
                && let Some((entry, _)) = cards.get(at)
            {
                return Ok(entry.clone());
            }
        }
    }

    fn issue(
        &mut self,
        action: &IssueCertificates,
        entry: &CardEntry,
        people: &mut dyn People,
    ) -> Result<ActEnd, Undone> {
        let name = &entry.person_name;
        let title = format!("new certificates for {name}");
        let since = self.next_seq();
        let proposal = self.door.propose(action).map_err(Undone::Door)?;
        let ready = self
            .collect(&proposal, &action.authority(), &title, people)
            .and_then(|(approvals, held)| {
                for card in &held {
                    self.session.comes(card.guid);
                }
                drop(held);
                Ok((approvals, self.holders_card(entry, people)?))
            });
        let (approvals, mut held) = match ready {
            Ok(ready) => ready,
            Err(undone) => {
                self.door
                    .withdraw(&proposal, "given up before anything was issued")
                    .map_err(Undone::Door)?;
                return Err(undone);
            }
        };
        self.last_proven(&held);
        self.signers = self.names_of(&approvals);
        let warrant = Warrant {
            proposal: Some(proposal),
            approvals,
        };
        let certificates = self.perform(action, &warrant).map_err(Undone::Door)?;
        if let Err(why) = self.put_certificates(&mut held, entry, &certificates) {
            self.door
                .note("issue-certificates", format!("{name}'s card: {why}"))
                .map_err(Undone::Door)?;
            return Err(Undone::Card(format!(
                "{name}'s card did not take its certificates: {why}; do it again"
            )));
        }
        let filed = FileCertificates {
            card: entry.card,
            person: name.clone(),
            issued_ms: self.clock.wall_ms(),
        };
        self.perform_plain(&filed).map_err(Undone::Door)?;
        self.write_anchors(std::slice::from_mut(&mut held));
        let mut told = action.words();
        told.extend(filed.words());
        let subject = Subject::house(TITLE, "certificates");
        let minutes = self.file_signed(subject, told, since, people);
        Ok(ActEnd::Done {
            good: true,
            title: format!("{name}'s card has new certificates"),
            lines: vec![
                format!(
                    "They are valid until {}.",
                    words::date(filed.issued_ms.saturating_add(VALIDITY_S * 1000))
                ),
                "Keys, shares and PIN are as they were.".into(),
                minutes,
            ],
        })
    }

    fn holders_card(&mut self, entry: &CardEntry, people: &mut dyn People) -> Result<Held, Undone> {
        let name = &entry.person_name;
        let mut question = prompt("certificates.card");
        question.lines = vec![PromptLine::note(format!(
            "{name} puts the card in; its certificates are written."
        ))];
        question.waiting_for.clone_from(name);
        let came = present(
            &mut self.door,
            &self.readers,
            people,
            &mut question,
            &ThisCard(entry),
            "take new certificates",
            false,
            &mut |_| Ok(false),
        )
        .map_err(|absent| match absent {
            Absent::Interrupted { why, .. } => Undone::Interrupted(why),
            Absent::Failed { why, .. } => Undone::Card(why),
        })?;
        Ok(came.held)
    }

    /// Writes them, and reads each back.
    fn put_certificates(
        &mut self,
        held: &mut Held,
        entry: &CardEntry,
        certificates: &[(Slot, Vec<u8>)],
    ) -> Result<(), String> {
        let words = |e: PivError| e.to_string();
        let kept = self
            .door
            .management_key(entry.card)
            .map_err(|e| e.to_string())?;
        let management = management_from_secret(&kept).map_err(|e| e.to_string())?;
        let card = held.card.piv().map_err(words)?;
        card.authenticate_management(&management, self.door.random())
            .map_err(words)?;
        for (slot, der) in certificates {
            card.put_certificate(*slot, der).map_err(words)?;
            if card.certificate(*slot).map_err(words)?.as_ref() != Some(der) {
                return Err("it reads another certificate than was written".into());
            }
        }
        Ok(())
    }
}
