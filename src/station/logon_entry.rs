//! Entries of the logon: a group, or the PIN room's two as one; whom an entry
//! still wants, and how its quorum is drawn.

use std::collections::BTreeSet;

use conclave_evidence::authority::{AuthorityRecord, CardEntry, CardState, MemberEntry};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::ports::dialogue::{MemberState, MemberView, QuorumView};

/// The group that stands for all that log on with this one: the PIN room's two
/// are one entry of the logon.
pub(crate) fn entry_of(group: GroupId) -> GroupId {
    group.together().first().copied().unwrap_or(group)
}

/// The groups of an entry whose quorum is not complete with these cards.
pub(crate) fn wanting<'a>(
    record: &'a AuthorityRecord,
    entry: GroupId,
    done: &'a [(Id, Id)],
) -> impl Iterator<Item = GroupId> + 'a {
    let groups = entry.together().iter().copied();
    groups.filter(|group| {
        record.group(*group).is_none_or(|entry| {
            let came = |m: &&MemberEntry| done.iter().any(|(card, _)| *card == m.card);
            entry.members.iter().filter(came).count() < usize::from(entry.m)
        })
    })
}

/// The group of an entry that a card is a member of.
pub(crate) fn stands_for(record: &AuthorityRecord, entry: GroupId, card: Id) -> Option<GroupId> {
    let mut groups = entry.together().iter().copied();
    groups.find(|group| record.is_member(*group, card))
}

/// How an entry of the logon is called.
pub(crate) fn entry_title(entry: GroupId) -> &'static str {
    if entry.is_pin_room() {
        "PIN operators and supervisors"
    } else {
        entry.title()
    }
}

/// Each group as the screen calls it, the PIN room's two once.
pub(crate) fn titles(groups: &[GroupId]) -> Vec<String> {
    let mut titles: Vec<String> = Vec::new();
    for group in groups {
        let title = entry_title(entry_of(*group)).to_owned();
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    titles
}

/// Groups that a card can log on with: those that hold a secret, and of which it
/// is itself a member. A second card of the same person is not.
pub(crate) fn groups_of(record: &AuthorityRecord, card: Id) -> Vec<GroupId> {
    record
        .groups
        .iter()
        .filter(|group| group.holds_secret && group.members.iter().any(|m| m.card == card))
        .map(|group| group.group)
        .collect()
}

/// Of these the groups that are not logged on yet.
pub(crate) fn joining(
    record: &AuthorityRecord,
    card: Id,
    open: &BTreeSet<GroupId>,
) -> Vec<GroupId> {
    let mut groups = groups_of(record, card);
    groups.retain(|group| !open.contains(group));
    groups
}

/// The entries of the logon that are not on yet, in the order of the screen.
pub(crate) fn entries(record: &AuthorityRecord, open: &BTreeSet<GroupId>) -> Vec<GroupId> {
    let groups = record
        .groups
        .iter()
        .map(|entry| (entry.holds_secret, entry.group));
    groups
        .filter(|(holds, group)| *holds && entry_of(*group) == *group && !open.contains(group))
        .map(|(_, group)| group)
        .collect()
}

/// The entry that a logon begins with where none is named: the last one that is
/// left, or the other half of a ceremony's pair. Else the first card decides.
pub(crate) fn first_entry(record: &AuthorityRecord, open: &BTreeSet<GroupId>) -> Option<GroupId> {
    let left = entries(record, open);
    let pair = [GroupId::KeyManagers, GroupId::Approvers];
    let half = left.iter().find(|group| pair.contains(group));
    let one_is_on = pair.iter().any(|group| open.contains(group));
    match (left.as_slice(), half) {
        ([only], _) => Some(*only),
        (_, Some(half)) if one_is_on => Some(*half),
        _ => None,
    }
}

/// The group that a first card stands for: one that is not logged on yet.
pub(crate) fn first_group(
    record: &AuthorityRecord,
    entry: &CardEntry,
    locked: bool,
    open: &BTreeSet<GroupId>,
) -> Option<GroupId> {
    if locked {
        return Some(GroupId::Administrators);
    }
    let all = groups_of(record, entry.card);
    // Key managers who are in already wait for the other half of their pair.
    let pair = [GroupId::KeyManagers, GroupId::Approvers];
    if let (true, Some(other)) = (
        pair.iter().any(|group| open.contains(group)),
        pair.iter()
            .find(|group| !open.contains(group) && all.contains(group)),
    ) {
        return Some(*other);
    }
    let group = all
        .iter()
        .find(|group| !open.contains(group))
        .or_else(|| all.first());
    group.copied().map(entry_of)
}

/// The next entry in the order of the screen; after the last, the first card
/// decides again.
pub(crate) fn next_group(left: &[GroupId], choice: Option<GroupId>) -> Option<GroupId> {
    match choice {
        None => left.first().copied(),
        Some(group) => match left.iter().position(|g| *g == group) {
            Some(at) => left.get(at + 1).copied(),
            // One that was named and is on already.
            None => left.first().copied(),
        },
    }
}

/// The quorum as the screen draws it.
#[must_use]
pub fn quorum_view(
    record: &AuthorityRecord,
    group: GroupId,
    done: &[(Id, Id)],
    typing: Option<Id>,
    deadline: Option<(u64, String)>,
) -> Option<QuorumView> {
    let entry = record.group(group)?;
    // Others may have signed the same act for another group.
    let is_done = |card: Id| done.iter().any(|(c, _)| *c == card);
    let here = entry.members.iter().filter(|m| is_done(m.card)).count();
    let complete = here >= usize::from(entry.m);
    let members = entry
        .members
        .iter()
        .filter_map(|m| {
            let card = record.card(m.card)?;
            let state = if card.state != CardState::Active {
                MemberState::Barred
            } else if is_done(m.card) {
                MemberState::Proven
            } else if complete {
                MemberState::NotNeeded
            } else if typing == Some(m.card) {
                MemberState::EnterPin
            } else {
                MemberState::Missing
            };
            Some(MemberView {
                name: card.person_name.clone(),
                card: card.card.short(),
                state,
            })
        })
        .collect();
    Some(QuorumView {
        group: group.title().into(),
        m: entry.m,
        n: u8::try_from(entry.members.len()).unwrap_or(u8::MAX),
        members,
        deadline,
    })
}

/// The quorum of an entry as the screen draws it: of the PIN room's two groups
/// as one, each member with the half that they stand for.
pub(crate) fn entry_view(
    record: &AuthorityRecord,
    entry: GroupId,
    done: &[(Id, Id)],
    typing: Option<Id>,
    deadline: Option<(u64, String)>,
) -> Option<QuorumView> {
    if !entry.is_pin_room() {
        return quorum_view(record, entry, done, typing, deadline);
    }
    let mut whole = QuorumView {
        group: entry_title(entry).into(),
        m: 0,
        n: 0,
        members: Vec::new(),
        deadline,
    };
    for (group, half) in GroupId::PIN_ROOM
        .into_iter()
        .zip(["operator", "supervisor"])
    {
        let view = quorum_view(record, group, done, typing, None)?;
        whole.m = whole.m.saturating_add(view.m);
        whole.n = whole.n.saturating_add(view.n);
        whole
            .members
            .extend(view.members.into_iter().map(|member| MemberView {
                name: format!("{}, {half}", member.name),
                ..member
            }));
    }
    Some(whole)
}
