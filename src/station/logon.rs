//! Group logon: a quorum of distinct people and cards, each card answering a
//! challenge after its own PIN (R25).

use std::collections::BTreeSet;

use conclave_crypto::primitive::ec;
use conclave_crypto::primitive::shamir::Share;
use conclave_evidence::authority::{AuthorityRecord, CardEntry};
use conclave_evidence::{GroupId, Id, cbor};
use conclave_keyroom::door::CameQuorum;
use conclave_keyroom::piv::{PivError, SigningSlot};
use conclave_keyroom::ports::dialogue::{People, Prompt, Refusal};
use conclave_keyroom::vault::{VaultError, is_damage};

use crate::anchor;
use crate::cards::{Held, Interrupted};
use crate::logon_cards::OfGroup;
use crate::logon_entry::{
    entries, entry_of, entry_title, entry_view, first_entry, first_group, next_group, stands_for,
    wanting,
};
use crate::present::{Absent, Present, present};
use crate::rescue::{Damage, read_only};
use crate::session::{AFTER_DAMAGE, Member};
use crate::station::Station;
use crate::words;

/// From the first member's proof to the last one's (R25).
pub const LOGON_MS: u64 = 120_000;

/// How a logon ended.
#[derive(Debug, PartialEq, Eq)]
pub enum LogonEnd {
    /// The group is logged on.
    Done(GroupId),
    /// It did not take place; the words say why.
    Refused(Refusal),
    /// Esc.
    Aborted,
    /// The program ends.
    Shutdown,
}

/// One card that answered.
struct Proven {
    group: GroupId,
    member: Member,
    share: Share,
    held: Held,
}

impl Station {
    /// Logs a group on, the PIN room's two together. With none named it is the one
    /// that a ceremony still wants, or the first card decides; while nobody is
    /// proven, Tab goes to the next group that is not logged on.
    pub fn logon(&mut self, group: Option<GroupId>, people: &mut dyn People) -> LogonEnd {
        self.pause_watch(true);
        let end = self.collect_logon(group, people);
        self.pause_watch(false);
        self.shut_if_older();
        end
    }

    fn collect_logon(&mut self, group: Option<GroupId>, people: &mut dyn People) -> LogonEnd {
        let record = match self.door.vault().authority() {
            Ok(record) => record.clone(),
            Err(error) => return LogonEnd::Refused(self.refusal(&error.to_string())),
        };
        let frozen = self.door.vault().is_frozen();
        if frozen && !self.in_rescue() {
            let refusal = self.damage.as_ref().map(Damage::refusal);
            return LogonEnd::Refused(refusal.unwrap_or_else(read_only));
        }
        let locked = match self.door.vault().guard() {
            Ok(guard) if guard.recovery => return LogonEnd::Refused(recovery_first()),
            Ok(guard) => guard.locked.is_some(),
            // In a rescue what cannot be read counts as the stricter of both.
            Err(_) if frozen => true,
            Err(error) => return LogonEnd::Refused(self.refusal(&error.to_string())),
        };
        let open: BTreeSet<GroupId> = self.door.vault().open_groups().into_iter().collect();
        let left = entries(&record, &open);
        if group.is_none() && !locked && left.is_empty() {
            return LogonEnd::Refused(all_on());
        }
        let mut choice = group.map(entry_of);
        if choice.is_none() && !locked {
            choice = first_entry(&record, &open);
        }
        let mut proven: Vec<Proven> = Vec::new();
        let mut first: Option<(u64, u64, String)> = None;
        // Typing words takes longer than a PIN: its time is no part of the two
        // minutes.
        let mut typing = 0;
        loop {
            let done: Vec<(Id, Id)> = proven
                .iter()
                .map(|p| (p.member.card, p.member.person))
                .collect();
            if let Some(group) = choice
                && wanting(&record, group, &done).next().is_none()
            {
                return self.complete(group, proven);
            }
            let wanted = OfGroup {
                record: &record,
                group: choice,
                done: &done,
                restricted: locked,
                open: open.clone(),
                first: first.as_ref(),
                sitting: self.session.sitting(),
                words: !frozen,
            };
            let mut prompt = logon_prompt(&record, choice, &done, first.as_ref());
            if frozen {
                prompt.act = "Log on to a RESCUE: nothing is written".into();
            }
            let clock = std::sync::Arc::clone(&self.clock);
            let mut shown = u64::MAX;
            let mut tick = |prompt: &mut Prompt| {
                let Some((started, _, name)) = &first else {
                    return Ok(false);
                };
                let gone = clock
                    .mono_ms()
                    .saturating_sub(started.saturating_add(typing));
                if gone > LOGON_MS {
                    return Err(Interrupted::TimedOut);
                }
                let left = (LOGON_MS - gone).div_ceil(1000);
                let changed = left != shown;
                shown = left;
                if let (true, Some(view)) = (changed, prompt.quorum.as_mut()) {
                    view.deadline = Some((left, name.clone()));
                }
                Ok(changed)
            };
            let came = present(
                &mut self.door,
                &self.readers,
                people,
                &mut prompt,
                &wanted,
                "log on",
                proven.is_empty() && left.len() > 1,
                &mut tick,
            );
            let came = match came {
                Ok(came) => came,
                Err(absent) => match self.absent(absent, choice, &left, proven.is_empty()) {
                    Ok(next) => {
                        choice = next;
                        continue;
                    }
                    Err(end) => return end,
                },
            };
            if choice.is_none() {
                choice = first_group(&record, &came.entry, locked, &open);
            }
            let Some(group) = choice else {
                return LogonEnd::Aborted;
            };
            if first.is_some() {
                typing += came.typed_ms;
            }
            // `wants` let nobody else through.
            let own = stands_for(&record, group, came.entry.card).unwrap_or(group);
            match self.prove(own, came) {
                Ok(one) => {
                    if first.is_none() {
                        first = Some((
                            self.clock.mono_ms(),
                            self.clock.wall_ms(),
                            format!(
                                "{} was first, {}",
                                one.member.name,
                                words::clock(self.clock.wall_ms())
                            ),
                        ));
                    }
                    proven.push(one);
                }
                Err(end) => return end,
            }
        }
    }

    /// What an interruption means for the logon.
    fn absent(
        &mut self,
        absent: Absent,
        choice: Option<GroupId>,
        left: &[GroupId],
        nobody_yet: bool,
    ) -> Result<Option<GroupId>, LogonEnd> {
        match absent {
            Absent::Interrupted {
                why: Interrupted::OtherGroup,
                failed: None,
            } if nobody_yet => Ok(next_group(left, choice)),
            Absent::Interrupted {
                why: Interrupted::Shutdown,
                failed,
            } => {
                // Ending the program is no way around the count.
                let _ = self.failed_logon(failed, "The logon was broken off.", true);
                Err(LogonEnd::Shutdown)
            }
            Absent::Interrupted { why, failed } => {
                let words = match &why {
                    Interrupted::CardGone => "A card was pulled in the middle of its logon.",
                    Interrupted::TimedOut => "The quorum was not complete within 120 seconds.",
                    Interrupted::Refused(refusal) => {
                        return Err(LogonEnd::Refused(refusal.clone()));
                    }
                    _ => "The logon was given up.",
                };
                Err(self.failed_logon(failed, words, matches!(why, Interrupted::Aborted)))
            }
            Absent::Failed { card, why } => {
                Err(self.failed_logon(Some(card), &format!("{why}."), false))
            }
        }
    }

    /// Ends a logon that failed. Only a known card's failed challenge counts
    /// towards the lock; the rest is noted.
    fn failed_logon(&mut self, failed: Option<Id>, words: &str, aborted: bool) -> LogonEnd {
        let mut happened = words.to_owned();
        let mut advice = "All members start again.".to_owned();
        match failed {
            Some(card) => match self
                .door
                .logon_failed(format!("card {}: {words}", card.short()))
            {
                Ok(guard) if guard.locked.is_some() => {
                    happened = format!("{words} That was failure {}.", guard.failures);
                    advice =
                        "The station is locked until administrators log on and unlock it.".into();
                }
                // The card has counted its own tries.
                Ok(_) if self.in_rescue() => {}
                Ok(guard) => {
                    happened = format!(
                        "{words} Failed group logons: {} of {}.",
                        guard.failures,
                        conclave_keyroom::vault::guard::FAILURES_MAX
                    );
                }
                Err(error) => advice = format!("The journal could not be written: {error}."),
            },
            None => {
                if let Err(error) = self.door.note("logon-void", words.to_owned()) {
                    advice = format!("The journal could not be written: {error}.");
                }
                if aborted {
                    return LogonEnd::Aborted;
                }
            }
        }
        LogonEnd::Refused(Refusal {
            happened,
            safe: "Nothing was opened.".into(),
            advice,
        })
    }

    /// One card's challenge, and its share.
    fn prove(&mut self, group: GroupId, came: Present) -> Result<Proven, LogonEnd> {
        let Present {
            mut held, entry, ..
        } = came;
        let outcome = self.challenge(&mut held, &entry, group);
        match outcome {
            Ok(share) => Ok(Proven {
                group,
                member: Member {
                    person: entry.person,
                    card: entry.card,
                    name: entry.person_name.clone(),
                },
                share,
                held,
            }),
            Err(ProveError::Card(PivError::Card(_))) => {
                Err(self.failed_logon(None, "A card was pulled in the middle of its logon.", false))
            }
            Err(error) => Err(self.failed_logon(
                Some(entry.card),
                &format!(
                    "{}'s card failed its challenge: {error}.",
                    entry.person_name
                ),
                false,
            )),
        }
    }

    fn challenge(
        &mut self,
        held: &mut Held,
        entry: &CardEntry,
        group: GroupId,
    ) -> Result<Share, ProveError> {
        let nonce = self.door.challenge()?;
        let record = self.door.vault().authority()?;
        let digest = cbor::digest(
            "conclave/logon/1",
            &(
                record.station,
                self.door.vault().authority_hash()?,
                entry.card,
                conclave_evidence::Hash(nonce),
            ),
        )
        .map_err(|_| VaultError::Malformed("challenge"))?;
        let signature = held.card.sign(SigningSlot::Authentication, &digest.0)?;
        ec::verify(&entry.auth_key_9a.0, &digest.0, &signature)
            .map_err(|_| ProveError::NotThisCard)?;
        self.door
            .open_share(group, entry, |point| Ok(held.card.ecdh(point)?))
    }

    fn complete(&mut self, group: GroupId, proven: Vec<Proven>) -> LogonEnd {
        let mut quorums: Vec<Came> = Vec::new();
        for one in proven {
            let at = quorums.iter().position(|q| q.group == one.group);
            let at = at.unwrap_or_else(|| {
                quorums.push(Came::of(one.group));
                quorums.len() - 1
            });
            let quorum = &mut quorums[at];
            quorum.names.push(one.member.name.clone());
            quorum.members.push(one.member);
            quorum.shares.push(one.share);
            quorum.held.push(one.held);
        }
        let came: Vec<CameQuorum<'_>> = quorums
            .iter()
            .map(|quorum| CameQuorum {
                group: quorum.group,
                shares: &quorum.shares,
                members: &quorum.names,
            })
            .collect();
        if let Err(error) = self.door.logon_together(&came) {
            return match error {
                VaultError::BadShare { .. } | VaultError::NoSecret(_) => {
                    let first = quorums.iter().flat_map(|q| &q.members).next();
                    self.failed_logon(first.map(|m| m.card), &error.to_string(), false)
                }
                other if is_damage(&other) => {
                    self.damage_found(&other.to_string());
                    let mut refusal = self.refusal(&other.to_string());
                    refusal.safe = "Nothing was opened.".into();
                    refusal.advice = AFTER_DAMAGE.into();
                    LogonEnd::Refused(refusal)
                }
                other => LogonEnd::Refused(self.refusal(&other.to_string())),
            };
        }
        if let Some(why) = self.turned_away(group) {
            let told = self.door.turn_away(group, &why);
            return LogonEnd::Refused(Refusal {
                happened: format!("This PRODUCTION station is not fit: {why}."),
                safe: "What the group opened is closed again. Its logon does not count as failed."
                    .into(),
                advice: match told {
                    Ok(()) => "Put it right (F3 shows what to do), or let the administrators log \
                               on and accept it."
                        .into(),
                    Err(error) => format!("The journal could not be written: {error}."),
                },
            });
        }
        for quorum in &quorums {
            if self.in_rescue()
                && let Err(why) = self.note_rescue(quorum.group, &quorum.members)
            {
                // The trace is all that is left of it: without one nobody looks.
                self.door.turn_away_unnoted(group);
                return LogonEnd::Refused(
                    self.refusal(&format!("the note was not written: {why}")),
                );
            }
        }
        for quorum in quorums {
            let mut places = Vec::new();
            for mut card in quorum.held {
                // A card that was pulled before this has no place in the room any
                // more, and the watch says so where it had to stay.
                if !card.card.is_words() {
                    places.push(card.place.clone());
                }
                // A card that was swapped out answers nothing; the cards present
                // get the anchor, the others when they are next in.
                match anchor::write(&mut self.door, &mut card.card, card.guid) {
                    Ok(()) | Err(anchor::AnchorError::Card(PivError::Card(_))) => {}
                    Err(error) => {
                        let _ = self
                            .door
                            .note("anchor", format!("card {}: {error}", card.guid.short()));
                    }
                }
            }
            self.session_begins(quorum.group, quorum.members, places);
        }
        if !self.door.vault().is_recovering() && !self.in_rescue() {
            self.file_late();
        }
        LogonEnd::Done(group)
    }
}

/// A quorum whose cards all answered.
struct Came {
    group: GroupId,
    names: Vec<String>,
    members: Vec<Member>,
    shares: Vec<Share>,
    held: Vec<Held>,
}

impl Came {
    fn of(group: GroupId) -> Self {
        Self {
            group,
            names: Vec::new(),
            members: Vec::new(),
            shares: Vec::new(),
            held: Vec::new(),
        }
    }
}

/// What a station says that went back in time.
pub(crate) fn recovery_first() -> Refusal {
    Refusal {
        happened: "The station is locked: a card has seen what this disk does not hold.".into(),
        safe: "Nothing was opened, and no card was asked for.".into(),
        advice: "Look for the newer disk or a newer backup; else recovery holders and \
                 administrators go on from here: press r."
            .into(),
    }
}

/// Nobody is left who could join.
fn all_on() -> Refusal {
    Refusal {
        happened: "Every group is logged on.".into(),
        safe: "Nothing was changed.".into(),
        advice: "L logs all of them out.".into(),
    }
}

fn logon_prompt(
    record: &AuthorityRecord,
    group: Option<GroupId>,
    done: &[(Id, Id)],
    first: Option<&(u64, u64, String)>,
) -> Prompt {
    let deadline = first.map(|(_, _, words)| (LOGON_MS / 1000, words.clone()));
    Prompt {
        code: "logon.card".into(),
        act: "Log on".into(),
        title: group.map_or_else(
            || "Any member puts a card into a reader.".to_owned(),
            |group| entry_title(group).to_owned(),
        ),
        quorum: group.and_then(|group| entry_view(record, group, done, None, deadline)),
        waiting_for: group.map_or_else(
            || "any member".to_owned(),
            |group| format!("a member of the group {}", entry_title(group)),
        ),
        safe: "yes, nothing is open yet".into(),
        why: "A group opens its part of the repository only when enough of its members are \
              here, each with an own card and PIN. Between the first and the last at most 120 \
              seconds may pass."
            .into(),
        ..Prompt::default()
    }
}

/// Why a card did not prove itself.
#[derive(Debug, thiserror::Error)]
enum ProveError {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Card(#[from] PivError),
    #[error("it signs with another key than the one enrolled")]
    NotThisCard,
}

#[cfg(test)]
#[path = "logon_tests.rs"]
mod tests;
