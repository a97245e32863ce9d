//! The cards that a logon waits for: who may come, and what the others are told.

use std::collections::BTreeSet;

use conclave_evidence::authority::{AuthorityRecord, CardEntry, CardState};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::ports::dialogue::{Prompt, Refusal};

use crate::logon::LOGON_MS;
use crate::logon_entry::{
    entries, entry_title, entry_view, first_group, groups_of, joining, stands_for, titles, wanting,
};
use crate::present::Wanted;
use crate::words;

/// Members of one group, or of the first group whose member comes.
pub(crate) struct OfGroup<'a> {
    /// Who is who.
    pub(crate) record: &'a AuthorityRecord,
    /// The group that was chosen; nothing before one is.
    pub(crate) group: Option<GroupId>,
    /// Cards and people that are proven already.
    pub(crate) done: &'a [(Id, Id)],
    /// Only administrators may come: the station is locked.
    pub(crate) restricted: bool,
    /// The groups that are logged on.
    pub(crate) open: BTreeSet<GroupId>,
    pub(crate) first: Option<&'a (u64, u64, String)>,
    /// Cards of the groups that are logged on already.
    pub(crate) sitting: BTreeSet<Id>,
    /// Words may stand for a card: not in a rescue, for they have seen nothing
    /// that this repository could be older than.
    pub(crate) words: bool,
}

impl OfGroup<'_> {
    pub(crate) fn joining(&self, entry: &CardEntry) -> Vec<GroupId> {
        joining(self.record, entry.card, &self.open)
    }
}

impl Wanted for OfGroup<'_> {
    fn wants(&self, entry: &CardEntry) -> Result<(), Refusal> {
        let refuse = |happened: String, advice: &str| {
            Err(Refusal {
                happened,
                safe: "Nothing is open yet, and no PIN was asked for.".into(),
                advice: advice.into(),
            })
        };
        let name = &entry.person_name;
        // A card that is proven is held until the quorum is complete, so one
        // that is judged here was pulled and put in again.
        if self.done.iter().any(|(card, _)| *card == entry.card) {
            return refuse(
                format!("{name}'s card is proven already; no card counts twice."),
                "The quorum needs another person with another card.",
            );
        }
        if self.done.iter().any(|(_, person)| *person == entry.person) {
            return refuse(
                format!("{name} is proven already; this is the same person's card."),
                "The quorum needs another person with another card.",
            );
        }
        if self.restricted && !self.record.is_member(GroupId::Administrators, entry.card) {
            return refuse(
                "The station is locked: only administrators may log on, to unlock it.".into(),
                "Ask the administrators.",
            );
        }
        match self.group {
            Some(group) => match stands_for(self.record, group, entry.card) {
                Some(own) if wanting(self.record, group, self.done).any(|g| g == own) => Ok(()),
                Some(own) => refuse(
                    format!("{} are complete; {name} is one of them.", own.title()),
                    "The other half of the pair is wanted now.",
                ),
                None => refuse(
                    format!("{name} is no member of the group {}.", entry_title(group)),
                    match self.done.is_empty() && entries(self.record, &self.open).len() > 1 {
                        true => "Use a member's card, or press Tab for another group.",
                        false => "Use a member's card.",
                    },
                ),
            },
            None if groups_of(self.record, entry.card).is_empty() => refuse(
                format!("{name} is a custodian, and custodians open nothing."),
                "Custodians come forward inside a ceremony that others have opened.",
            ),
            None if !self.restricted && self.joining(entry).is_empty() => refuse(
                format!(
                    "{} are logged on already; {name} belongs to no other group.",
                    words::list(&titles(&groups_of(self.record, entry.card)))
                ),
                "Use the card of a member of a group that is not logged on.",
            ),
            None => Ok(()),
        }
    }

    fn passes_over(&self, entry: &CardEntry) -> bool {
        self.sitting.contains(&entry.card)
            && self
                .group
                .is_none_or(|group| stands_for(self.record, group, entry.card).is_none())
    }

    fn passed_over(&self, entry: &CardEntry) -> Option<String> {
        let others = match self.group {
            None => titles(&self.joining(entry)),
            Some(_) => Vec::new(),
        };
        (!others.is_empty()).then(|| {
            format!(
                "{} (for {} press Tab)",
                entry.person_name,
                words::list(&others)
            )
        })
    }

    fn takes_words(&self) -> bool {
        self.words
    }

    fn came(&self, entry: &CardEntry, prompt: &mut Prompt) {
        let group = self
            .group
            .or_else(|| first_group(self.record, entry, self.restricted, &self.open));
        let Some(group) = group else { return };
        let before = prompt.quorum.take().and_then(|view| view.deadline);
        let deadline = before.or_else(|| {
            let (_, _, words) = self.first?;
            Some((LOGON_MS / 1000, words.clone()))
        });
        entry_title(group).clone_into(&mut prompt.title);
        prompt.quorum = entry_view(self.record, group, self.done, Some(entry.card), deadline);
    }

    fn names(&self) -> Vec<String> {
        let group = self
            .group
            .or(self.restricted.then_some(GroupId::Administrators));
        let done = |entry: &CardEntry| self.done.iter().any(|(_, p)| *p == entry.person);
        self.record
            .cards
            .iter()
            .filter(|c| c.state == CardState::Active && !done(c))
            .filter(|c| self.group.is_some() || !self.sitting.contains(&c.card))
            .filter(|c| match group {
                Some(group) => wanting(self.record, group, self.done)
                    .any(|wanted| self.record.is_member(wanted, c.card)),
                None => !self.joining(c).is_empty(),
            })
            .map(|c| c.person_name.clone())
            .collect()
    }
}
