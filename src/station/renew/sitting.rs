//! A renewal's sitting: members' cards receive their new shares,
//! administrators sign, everything is written at once.

use std::collections::BTreeSet;

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityRecord, CardEntry};
use conclave_evidence::{GroupId, Id, Signature};
use conclave_keyroom::door::Warrant;
use conclave_keyroom::piv::{PivError, SigningSlot};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::{Receipt, VaultError};

use super::action::RenewGroups;
use super::add_pin_room::AddPinRoom;
use super::plan::{Plan, undone};
use super::{WHY, never, prompt};
use crate::act_minutes::{Done, IN_RECORD, Subject, administrators};
use crate::anchor::{self, CheckError};
use crate::approve::Undone;
use crate::cards::{Held, Interrupted, Judgement, PinFailure, Place, await_card, verify_pin};
use crate::new_words::no_pin;
use crate::recovery_words::{WordsFailure, by_words};
use crate::service::ActEnd;
use crate::sign_record::RecordToSign;
use crate::station::Station;
use crate::words;

/// Why a card did not receive its share.
#[derive(Debug, thiserror::Error)]
enum ReceiveError {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Card(#[from] PivError),
}

/// `Key managers: 2 of 3 from now on: Dan, Eva and Fay`.
fn group_words(record: &AuthorityRecord, group: GroupId) -> Option<String> {
    let entry = record.group(group)?;
    let names: Vec<String> = entry
        .members
        .iter()
        .filter_map(|m| record.card(m.card).map(|c| c.person_name.clone()))
        .collect();
    Some(format!(
        "{}, {} of {}: {}",
        group.title(),
        entry.m,
        names.len(),
        words::list(&names)
    ))
}

impl Station {
    pub(super) fn renew(
        &mut self,
        mut plan: Plan,
        people: &mut dyn People,
    ) -> Result<ActEnd, Undone> {
        let record = self.record()?;
        // What comes only now has no quorum yet.
        let there = plan.groups.keys().copied();
        let there = there.filter(|group| record.group(*group).is_some());
        let by_recovery = self.open_for(there, plan.rotate).map_err(undone)?;
        self.door
            .prepare_renewal(&plan.renewal())
            .map_err(|e| undone(self.refusal(&e.to_string())))?;
        let since = self.next_seq();
        let receipts = self.receive(&mut plan, people)?;
        let received: BTreeSet<Id> = receipts.iter().map(|r| r.card).collect();
        let next = self
            .door
            .renewed_record(&received)
            .map_err(|e| undone(self.refusal(&e.to_string())))?;
        let mut words = plan.words.clone();
        words.extend(plan.groups.keys().filter_map(|g| group_words(&next, *g)));
        words.push(
            match plan.rotate {
                true => "What these groups open is encrypted under new keys.",
                false => "What these groups open keeps its keys.",
            }
            .into(),
        );
        let need = record
            .group(GroupId::Administrators)
            .map_or(usize::MAX, |g| usize::from(g.m));
        let (signed, mut held) = self.sign_record(
            &RecordToSign {
                next: &next,
                record: &record,
                barred: &plan.revoked,
                need,
                purpose: &plan.title,
                words: &words,
                why: WHY,
            },
            people,
        )?;
        people.progress("Writing new shares and keys", 0, 1);
        let people_then = self.changed_people(&plan, &next)?;
        let new_cards: Vec<Id> = plan.new_cards().map(|(card, _)| card.card).collect();
        let secrets: Vec<Secret> = plan
            .new_cards()
            .flat_map(|(card, _)| [card.puk.duplicate(), card.management_key.duplicate()])
            .collect();
        let mut ports = Ports {
            printers: &mut *self.printers,
            media: &mut *self.media,
            programs: &mut *self.programs,
        };
        let none = Warrant::default();
        let told = words.clone();
        let written = if plan.pin_room {
            let action = AddPinRoom {
                words,
                signed,
                receipts,
                people: people_then,
                new_cards,
            };
            self.door.perform(&action, &none, secrets, &mut ports)
        } else {
            let action = RenewGroups {
                words,
                groups: plan.groups.keys().copied().collect(),
                by_recovery,
                signed,
                receipts,
                people: people_then,
                new_cards,
            };
            self.door.perform(&action, &none, secrets, &mut ports)
        };
        written.map_err(Undone::Door)?;
        self.write_anchors(&mut held);
        let signers = administrators(&record, &held);
        drop(held);
        let done = Done {
            subject: Subject::house(&plan.title, "members"),
            words: told,
            signers,
            others: received
                .iter()
                .filter_map(|card| next.card(*card))
                .map(|card| ("Received a new share".to_owned(), card.person_name.clone()))
                .collect(),
            since,
            result: IN_RECORD,
        };
        Ok(self.renewed(&plan, &next, &done, people))
    }

    /// Afterwards: the new card gets what it still wants, the minutes are filed, and
    /// everybody logs on anew, under the new shares.
    fn renewed(
        &mut self,
        plan: &Plan,
        next: &AuthorityRecord,
        done: &Done<'_>,
        people: &mut dyn People,
    ) -> ActEnd {
        let mut good = true;
        let mut lines: Vec<String> = plan.words.clone();
        lines.extend(plan.groups.keys().filter_map(|g| group_words(next, *g)));
        let new_cards = plan
            .new_cards()
            .filter_map(|(card, _)| next.card(card.card));
        for entry in new_cards {
            self.pause_watch(true);
            if self.finish_card(entry, people).is_err() {
                good = false;
                lines.push(format!(
                    "{}'s new card is not finished: administrators do it, under «Members and \
                     cards».",
                    entry.person_name
                ));
            }
        }
        if let Some(person) = &plan.person
            && self.sign_first_form(person.id, people).is_err()
        {
            good = false;
            lines.push(format!(
                "{}'s custodian form is not signed: administrators and {} do it, under «Members \
                 and cards».",
                person.name, person.name
            ));
        }
        if plan.rotate && plan.groups.keys().any(|g| !g.is_custodian()) {
            lines.push(
                "The old shares open nothing of this disk any more. With an old backup they still \
                 open that: make a new backup, and destroy the old ones."
                    .into(),
            );
            let old = self.old_backups();
            if !old.is_empty() {
                lines.push(format!("Old backups: {}.", words::list(&old)));
            }
        }
        lines.extend(plan.afterwards.iter().cloned());
        lines.push(self.file_done(done, people));
        if self.logout("groups were renewed").is_err() {
            good = false;
        }
        lines.push("Everybody is logged off; log on with the new shares.".into());
        ActEnd::Done {
            good,
            title: format!("Done: {}", plan.title),
            lines,
        }
    }

    /// Every member's card opens its new share and signs that it did.
    fn receive(
        &mut self,
        plan: &mut Plan,
        people: &mut dyn People,
    ) -> Result<Vec<Receipt>, Undone> {
        let cards = self
            .door
            .renewal_cards()
            .map_err(|e| undone(self.refusal(&e.to_string())))?;
        let mut receipts: Vec<Receipt> = Vec::new();
        let mut failed: BTreeSet<Place> = BTreeSet::new();
        let mut refusal: Option<Refusal> = None;
        // Their holder has just typed them: their keys are open.
        if let Some(new) = &mut plan.new_words {
            let receipt = self
                .received(&mut new.held, &no_pin())
                .map_err(|error| Undone::Card(error.to_string()))?;
            receipts.push(receipt);
        }
        while receipts.len() < cards.len() {
            let open: Vec<&CardEntry> = cards
                .iter()
                .filter(|c| receipts.iter().all(|r| r.card != c.card))
                .collect();
            let names: Vec<String> = open.iter().map(|c| c.person_name.clone()).collect();
            let mut question = prompt(
                "renew.receive",
                &plan.title,
                "Every member receives a new share",
            );
            let at = (receipts.len() + 1, cards.len());
            question.step = u16::try_from(at.0).ok().zip(u16::try_from(at.1).ok());
            question.lines = vec![
                PromptLine::note("Each card opens its new share, and signs that it received it."),
                PromptLine::note(format!("Still to come: {}.", words::list(&names))),
            ];
            question.waiting_for = words::list(&names);
            question.refused = refusal.take();
            question.words = open.iter().any(|c| c.words.is_some());
            question.ask = Ask::Card {
                wanted: names,
                other_group: false,
            };
            let came = self.wait_for(&open, &failed, &mut question, people);
            if let Err(Undone::Interrupted(Interrupted::ByWords)) = came {
                let receipt = self.received_by_words(&open, &question, people)?;
                receipts.push(receipt);
                continue;
            }
            let mut held = came?;
            question.words = false;
            let Some(entry) = open.iter().find(|c| c.card == held.guid) else {
                continue;
            };
            let name = entry.person_name.clone();
            question.refused = None;
            question.waiting_for.clone_from(&name);
            let purpose = "receive the new share";
            let pin = match verify_pin(people, &mut question, &mut held, &name, purpose, &mut never)
            {
                Ok(pin) => pin,
                Err(PinFailure::Interrupted { why, .. }) => return Err(Undone::Interrupted(why)),
                Err(PinFailure::Blocked) => {
                    failed.insert(held.place.clone());
                    refusal = Some(not_received(&name, "its PIN is blocked"));
                    continue;
                }
                Err(PinFailure::Card { error, .. }) => {
                    failed.insert(held.place.clone());
                    refusal = Some(not_received(&name, &error.to_string()));
                    continue;
                }
            };
            match self.received(&mut held, &pin) {
                Ok(receipt) => {
                    receipts.push(receipt);
                    self.session.comes(held.guid);
                }
                Err(error) => {
                    failed.insert(held.place.clone());
                    refusal = Some(not_received(&name, &error.to_string()));
                }
            }
        }
        Ok(receipts)
    }

    fn wait_for(
        &self,
        open: &[&CardEntry],
        failed: &BTreeSet<Place>,
        question: &mut conclave_keyroom::ports::dialogue::Prompt,
        people: &mut dyn People,
    ) -> Result<Held, Undone> {
        let door = &self.door;
        await_card(
            self.readers.as_ref(),
            people,
            question,
            &mut never,
            // Others sit in their readers rightly.
            &mut |card, place, guid| {
                let Some(entry) = open.iter().find(|c| Some(c.card) == guid) else {
                    return Ok(Judgement::Ignore);
                };
                if failed.contains(place) {
                    return Ok(Judgement::Ignore);
                }
                match anchor::check(door, card, entry) {
                    Ok(_) => Ok(Judgement::Take),
                    Err(CheckError::Older(why)) => Ok(Judgement::Refuse(self.refusal(&why))),
                    Err(CheckError::Refused(refusal)) => Ok(Judgement::Refuse(refusal)),
                    Err(CheckError::Card(error)) => Err(error),
                    Err(CheckError::Vault(error)) => {
                        Ok(Judgement::Refuse(self.refusal(&error.to_string())))
                    }
                }
            },
        )
        .map_err(Undone::Interrupted)
    }

    /// A member who holds words types them, and has the new share.
    fn received_by_words(
        &mut self,
        open: &[&CardEntry],
        question: &Prompt,
        people: &mut dyn People,
    ) -> Result<Receipt, Undone> {
        let holders = open.iter().filter(|c| c.words.is_some());
        let holders: Vec<CardEntry> = holders.map(|c| (*c).clone()).collect();
        let (mut held, _) = by_words(&mut self.door, people, question, &holders).map_err(
            |failure| match failure {
                WordsFailure::Interrupted { why, .. } => Undone::Interrupted(why),
                WordsFailure::Failed { why, .. } => Undone::Card(why),
            },
        )?;
        self.received(&mut held, &no_pin())
            .map_err(|error| Undone::Card(error.to_string()))
    }

    fn received(&self, held: &mut Held, pin: &Secret) -> Result<Receipt, ReceiveError> {
        let card = held.guid;
        self.door
            .open_new_shares(card, |point| -> Result<Secret, ReceiveError> {
                held.card.verify_pin(pin)?;
                Ok(held.card.ecdh(point)?)
            })?;
        held.card.verify_pin(pin)?;
        let digest = self.door.receipt_digest(card)?;
        let signature = held.card.sign(SigningSlot::Authentication, &digest.0)?;
        Ok(Receipt {
            card,
            signature: Signature(signature),
        })
    }
}

fn not_received(name: &str, why: &str) -> Refusal {
    Refusal {
        happened: format!("{name}'s card did not receive its share: {why}."),
        safe: "The old shares and cards work as before.".into(),
        advice: "Put it in again; or press Esc, and begin again without this person.".into(),
    }
}
