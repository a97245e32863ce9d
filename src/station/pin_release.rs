//! A key goes to the PIN room for a while, or comes back: from the key list.

use conclave_evidence::{GroupId, Id, Point, words};
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::pin_key::{PinKey, PinUse};
use conclave_keyroom::domain::pin_partner::ISSUER_MOST;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, Field, FieldKind, People, Prompt, PromptLine, Refusal,
};
use conclave_keyroom::vault::Compartment;
use conclave_keyroom::vault::genesis::PIN_ROOM_PUBLIC;
use conclave_trades::keys::{RELEASE_DAYS_MOST, ReleasePinKey, WithdrawPinKey, room_fingerprint};
use conclave_trades::target::KeyName;

use crate::cards::{ask, filled};
use crate::ceremony::begin::{choose, one, refused, text};
use crate::front::TaskRow;
use crate::lists::{days_until, due};
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::words::date;

/// How long a release is when nobody says otherwise, in days.
const USUAL_DAYS: &str = "31";
/// So many days before its end a release is a task.
const TASK_DAYS: i64 = 7;
/// So many words of the fingerprint are compared by ear.
const SPOKEN: usize = 8;

impl Station {
    /// The keys that the PIN room was given, with what became of them.
    #[must_use]
    pub fn pin_keys(&self) -> Vec<PinKey> {
        let vault = self.door.vault();
        let found = vault.list::<PinKey>(Compartment::Catalogue, PinKey::KIND);
        found
            .map(|all| all.into_iter().map(|(_, key)| key).collect())
            .unwrap_or_default()
    }

    /// The first words of the fingerprint of the PIN room's public key; `None`
    /// where there is no PIN room.
    #[must_use]
    pub fn pin_room_words(&self) -> Option<String> {
        let vault = self.door.vault();
        let room: Point = vault.get(Compartment::Directory, PIN_ROOM_PUBLIC).ok()?;
        let spoken = words::in_words(&room_fingerprint(&room).0);
        Some(
            spoken
                .into_iter()
                .take(SPOKEN)
                .collect::<Vec<_>>()
                .join(" "),
        )
    }

    /// Keys that the PIN room is about to lose, or has just lost, by time.
    pub(crate) fn pin_key_tasks(&self, now_ms: u64) -> Vec<TaskRow> {
        let there = self.pin_keys().into_iter();
        let timed = there.filter(|key| key.withdrawn.is_none() && key.sealed.is_some());
        timed
            .map(|key| (days_until(now_ms, key.released.until_ms), key))
            .filter(|(days, _)| *days <= TASK_DAYS)
            .map(|(days, key)| TaskRow {
                due: due(days, key.released.until_ms),
                days,
                what: format!("{} leaves the PIN room", key.released.label),
                who: GroupId::KeyManagers.title().into(),
                detail: vec![
                    format!("it is released until {}", date(key.released.until_ms)),
                    "Key list, o: release it anew, or take it back.".into(),
                ],
                resume: None,
            })
            .collect()
    }

    /// Releases a key to the PIN room, or withdraws it.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn pin_room_key(&mut self, id: Id, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let key = self.key_record(id)?;
        let room: Point = self
            .door
            .vault()
            .get(Compartment::Directory, PIN_ROOM_PUBLIC)
            .map_err(|_| {
                refused(
                    "This station has no PIN room.",
                    "Administrators add one: people screen, m.",
                )
            })?;
        let Some(pin_use) = PinUse::of(&key.usage, &key.mode_of_use, &key.exportability) else {
            return Err(refused(
                format!(
                    "The PIN room does nothing with {}: usage {}, mode {}.",
                    key.label, key.usage, key.mode_of_use
                ),
                "It uses PIN verification keys, card verification keys, zone PIN keys and \
                 PIN-print keys.",
            ));
        };
        let there = self.pin_keys().into_iter().find(|k| k.released.key == id);
        let now_ms = self.clock.wall_ms();
        let here = self.incarnation()?;
        if let Some(there) = there.filter(|there| there.is_usable(now_ms, here)) {
            let until = date(there.released.until_ms);
            let mut question = prompt(&key, "pin-key.what", "It is with the PIN room");
            question.lines.push(PromptLine::note(format!(
                "Released until {until} by {}.",
                crate::words::list(&there.released_by)
            )));
            question.ask = Ask::Choose {
                options: vec![
                    Choice {
                        label: "Take it back".into(),
                        detail: "its sealed value is erased; key managers sign".into(),
                    },
                    Choice {
                        label: "Release it anew".into(),
                        detail: "for another time; both quorums sign".into(),
                    },
                ],
            };
            match ask(people, &mut question, &mut |_| Ok(false)) {
                Ok(Answer::Chosen(0)) => return self.withdraw_pin_key(&key, people),
                Ok(Answer::Chosen(_)) => {}
                Ok(_) => return Ok(ActEnd::Stopped),
                Err(why) => return stopped(why),
            }
        }
        self.release_pin_key(&key, pin_use, room, people)
    }

    fn release_pin_key(
        &mut self,
        key: &KeyRecord,
        pin_use: PinUse,
        room: Point,
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        let known = self.pin_partners().into_iter();
        let issuers: Vec<String> = known.map(|partner| partner.issuer).collect();
        // Labels begin with whose key it is.
        let of = key.label.split('.').next().unwrap_or_default();
        let issuer = match issuers.is_empty() {
            // It may be released before its issuer is recorded.
            true => text("Issuer", of, "as its files of cards name it", ISSUER_MOST),
            false => {
                let own = issuers.iter().find(|name| *name == of).cloned();
                match own {
                    Some(own) => one("Issuer", issuers, Some(own)),
                    None => choose("Issuer", issuers),
                }
            }
        };
        let mut question = prompt(key, "pin-key.release", "Release it to the PIN room");
        question.lines.extend([
            PromptLine::note(format!(
                "There it {}, and does nothing else.",
                pin_use.words()
            )),
            PromptLine::note(format!(
                "The PIN room's key: {}.",
                self.pin_room_words().unwrap_or_default()
            )),
        ]);
        question.ask = Ask::Form {
            fields: vec![
                Field {
                    label: "Days".into(),
                    kind: FieldKind::Text(3),
                    value: USUAL_DAYS.into(),
                    hint: format!(
                        "2 to {RELEASE_DAYS_MOST} to open batches; not beyond the key's own end"
                    ),
                },
                issuer,
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = loop {
            let values = match filled(people, &mut question) {
                Ok(values) => values,
                Err(why) => return stopped(why),
            };
            let days = values.first().and_then(|typed| typed.trim().parse().ok());
            match (days, values.get(1)) {
                (Some(days), Some(issuer)) if (1..=RELEASE_DAYS_MOST).contains(&days) => {
                    let action = ReleasePinKey {
                        key: KeyName::of(key),
                        pin_use,
                        issuer: issuer.trim().to_owned(),
                        room,
                        days,
                    };
                    match self.foreseen(&action) {
                        Ok(()) => break action,
                        Err(refusal) => question.refused = Some(refusal),
                    }
                }
                _ => {
                    question.refused = Some(refused(
                        format!("A key is released for 1 to {RELEASE_DAYS_MOST} days."),
                        "Type a number, and choose for whose batches it is.",
                    ));
                }
            }
        };
        match self.act(&action, "Release a key to the PIN room", people) {
            Ok(until_ms) => Ok(ActEnd::Done {
                good: true,
                title: format!("{} is with the PIN room", key.label),
                lines: vec![
                    format!("Until {}.", date(until_ms)),
                    "PIN operators and supervisors use it together; nobody sees it.".into(),
                ],
            }),
            Err(undone) => self.undone(undone),
        }
    }

    fn withdraw_pin_key(
        &mut self,
        key: &KeyRecord,
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        let mut question = prompt(key, "pin-key.withdraw", "Take it back from the PIN room");
        question.ask = Ask::Form {
            fields: vec![text("Reason", "", "why, in one sentence", 100)],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = loop {
            let reason = match filled(people, &mut question) {
                Ok(values) => values.first().cloned().unwrap_or_default(),
                Err(why) => return stopped(why),
            };
            let action = WithdrawPinKey {
                key: KeyName::of(key),
                reason: reason.trim().to_owned(),
            };
            match self.foreseen(&action) {
                Ok(()) => break action,
                Err(refusal) => question.refused = Some(refusal),
            }
        };
        match self.act(&action, "Take a key from the PIN room", people) {
            Ok(()) => Ok(ActEnd::Done {
                good: true,
                title: format!("{} is with the PIN room no more", key.label),
                lines: vec![
                    "Its sealed value is erased here; backups have it until they are destroyed."
                        .into(),
                ],
            }),
            Err(undone) => self.undone(undone),
        }
    }
}

fn prompt(key: &KeyRecord, code: &str, title: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: key.label.clone(),
        title: title.into(),
        lines: vec![PromptLine::note(format!(
            "{}, usage {}, mode {}, KCV {}",
            key.form,
            key.usage,
            key.mode_of_use,
            key.kcv.words()
        ))],
        waiting_for: "key managers".into(),
        safe: "yes, nothing is changed".into(),
        why:
            "Who prints PINs cannot open the keys of this house. A key that the PIN room needs is \
              sealed to it by both quorums, for one use and for a while."
                .into(),
        ..Prompt::default()
    }
}
