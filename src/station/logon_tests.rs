//! Whom a logon wants.

use conclave_evidence::Point;
use conclave_evidence::authority::{CardState, GroupEntry, MemberEntry, Mode};

use super::*;
use crate::logon_entry::groups_of;
use crate::present::Wanted;

fn card(number: u8, person: u8, name: &str) -> CardEntry {
    CardEntry {
        card: Id([number; 16]),
        person: Id([person; 16]),
        person_name: name.into(),
        auth_key_9a: Point([number; 65]),
        sign_key_9c: Point([number; 65]),
        agree_key_9d: Point([number; 65]),
        state: CardState::Active,
        words: None,
    }
}

fn group(group: GroupId, holds_secret: bool, members: &[(u8, u8)]) -> GroupEntry {
    GroupEntry {
        group,
        m: 2,
        epoch: 1,
        holds_secret,
        members: (1u8..)
            .zip(members)
            .map(|(x, (card, person))| MemberEntry {
                card: Id([*card; 16]),
                person: Id([*person; 16]),
                x,
                commitment: None,
            })
            .collect(),
        secret_check: None,
        wrap_key: None,
    }
}

/// Ada has one card as key manager and another as approver.
fn record() -> AuthorityRecord {
    AuthorityRecord {
        station: Id([0; 16]),
        station_name: "KEYROOM-1".into(),
        mode: Mode::Test,
        incarnation: Id([0; 16]),
        seq: 0,
        previous: None,
        cards: vec![
            card(1, 1, "Ada"),
            card(2, 1, "Ada"),
            card(3, 3, "Ben"),
            card(4, 4, "Cid"),
        ],
        groups: vec![
            group(GroupId::KeyManagers, true, &[(1, 1), (3, 3)]),
            group(GroupId::Approvers, true, &[(2, 1), (3, 3)]),
            group(GroupId::CustodiansA, false, &[(4, 4)]),
        ],
        writers: Vec::new(),
        station_key: Point([0; 65]),
        export_key: Point([0; 65]),
        journal_key: Point([0; 65]),
        made_at_ms: 0,
    }
}

fn told(record: &AuthorityRecord, group: Option<GroupId>, done: &[(Id, Id)], at: usize) -> String {
    let wanted = OfGroup {
        record,
        group,
        done,
        restricted: false,
        open: BTreeSet::new(),
        first: None,
        sitting: BTreeSet::new(),
        words: true,
    };
    match wanted.wants(&record.cards[at]) {
        Ok(()) => String::new(),
        Err(refusal) => refusal.happened,
    }
}

#[test]
fn tab_is_named_where_it_chooses_another_group() {
    let record = record();
    let advice = |done: &[(Id, Id)], open: &[GroupId]| {
        let wanted = OfGroup {
            record: &record,
            group: Some(GroupId::KeyManagers),
            done,
            restricted: false,
            open: open.iter().copied().collect(),
            first: None,
            sitting: BTreeSet::new(),
            words: true,
        };
        let refused = wanted.wants(&record.cards[1]);
        refused
            .err()
            .map(|refusal| refusal.advice)
            .unwrap_or_default()
    };
    assert!(advice(&[], &[]).contains("press Tab"));
    // Somebody is proven, or no other group is left.
    let somebody = [(Id([9; 16]), Id([9; 16]))];
    assert_eq!(advice(&somebody, &[]), "Use a member's card.");
    assert_eq!(advice(&[], &[GroupId::Approvers]), "Use a member's card.");
}

#[test]
fn two_cards_of_one_person_are_one_member() {
    let record = record();
    let ada = [(Id([1; 16]), Id([1; 16]))];
    for group in [None, Some(GroupId::KeyManagers), Some(GroupId::Approvers)] {
        let why = told(&record, group, &ada, 1);
        assert!(why.contains("the same person's card"), "{why}");
        assert_eq!(told(&record, group, &ada, 2), "", "another person comes");
    }
}

#[test]
fn a_card_stands_for_its_own_groups_only() {
    let record = record();
    let why = told(&record, Some(GroupId::KeyManagers), &[], 1);
    assert!(why.contains("no member"), "{why}");
    assert_eq!(told(&record, Some(GroupId::Approvers), &[], 1), "");
    assert_eq!(groups_of(&record, Id([2; 16])), [GroupId::Approvers]);
    let why = told(&record, None, &[], 3);
    assert!(why.contains("custodians open nothing"), "{why}");
}

/// Olga and Pavel print, Quinn watches; one of each comes.
fn with_pin_room() -> AuthorityRecord {
    let mut record = record();
    for (number, name) in [(5, "Olga"), (6, "Pavel"), (7, "Quinn")] {
        record.cards.push(card(number, number, name));
    }
    for (of, members) in [
        (GroupId::PinOperators, &[(5, 5), (6, 6)][..]),
        (GroupId::PinSupervisors, &[(7, 7)]),
    ] {
        let mut entry = group(of, true, members);
        entry.m = 1;
        record.groups.push(entry);
    }
    record
}

#[test]
fn the_pin_rooms_two_groups_are_one_entry() {
    let record = with_pin_room();
    let pair = Some(GroupId::PinOperators);
    let olga = [(Id([5; 16]), Id([5; 16]))];
    let both = [(Id([5; 16]), Id([5; 16])), (Id([7; 16]), Id([7; 16]))];
    assert_eq!(told(&record, pair, &[], 4), "");
    assert_eq!(told(&record, pair, &[], 6), "");
    assert!(told(&record, pair, &olga, 4).contains("proven already"));
    assert!(told(&record, pair, &olga, 5).contains("are complete"));
    assert_eq!(told(&record, pair, &olga, 6), "");
    assert!(told(&record, pair, &[], 2).contains("no member"));
    let left = |done| wanting(&record, GroupId::PinOperators, done).collect::<Vec<_>>();
    assert_eq!(left(&[]), GroupId::PIN_ROOM);
    assert_eq!(left(&olga), [GroupId::PinSupervisors]);
    assert_eq!(left(&both), []);
    // Whichever half comes first, and in the order of Tab, it is one entry.
    let first = |at: usize| first_group(&record, &record.cards[at], false, &BTreeSet::new());
    assert_eq!(first(6), pair);
    assert_eq!(first(4), pair);
    let left = entries(&record, &BTreeSet::new());
    let mut shown = vec![next_group(&left, None)];
    while let Some(group) = shown.last().copied().flatten() {
        shown.push(next_group(&left, Some(group)));
    }
    let shown: Vec<GroupId> = shown.into_iter().flatten().collect();
    let expected = [
        GroupId::KeyManagers,
        GroupId::Approvers,
        GroupId::PinOperators,
    ];
    assert_eq!(shown, expected);
    let view = entry_view(&record, GroupId::PinOperators, &olga, None, None).unwrap();
    assert_eq!((view.m, view.n), (2, 3));
    let names: Vec<&str> = view.members.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(
        names,
        ["Olga, operator", "Pavel, operator", "Quinn, supervisor"]
    );
}

/// Ada's one card is an administrator's and an approver's, as the practice room
/// has it; Ben's too. The administrators and the key managers are on.
fn with_two_groups_each() -> (AuthorityRecord, BTreeSet<GroupId>) {
    let mut record = with_pin_room();
    record.groups[1] = group(GroupId::Approvers, true, &[(1, 1), (3, 3), (4, 4)]);
    let admins = group(GroupId::Administrators, true, &[(1, 1), (3, 3)]);
    record.groups.insert(0, admins);
    record.groups.remove(1);
    record.cards.push(card(8, 8, "Dan"));
    let managers = group(GroupId::KeyManagers, true, &[(8, 8)]);
    record.groups.insert(1, managers);
    let open = [GroupId::Administrators, GroupId::KeyManagers];
    (record, open.into_iter().collect())
}

#[test]
fn tab_goes_to_groups_that_are_not_on_and_cards_that_are_in_may_stand_for_them() {
    let (record, open) = with_two_groups_each();
    let left = entries(&record, &open);
    assert!(!left.iter().any(|group| open.contains(group)), "{left:?}");
    assert_eq!(first_entry(&record, &open), Some(GroupId::Approvers));
    let mut order = Vec::new();
    let mut at = first_entry(&record, &open);
    while let Some(group) = at {
        order.push(group);
        at = next_group(&left, at);
    }
    assert!(order.contains(&GroupId::Approvers) && order.contains(&GroupId::PinOperators));
    let sitting = [Id([1; 16]), Id([3; 16]), Id([8; 16])];
    let wanted = |group| OfGroup {
        record: &record,
        group,
        done: &[],
        restricted: false,
        open: open.clone(),
        first: None,
        sitting: sitting.into_iter().collect(),
        words: true,
    };
    let card_of = |name: &str| {
        let found = record.cards.iter().find(|c| c.person_name == name);
        found.unwrap().clone()
    };
    let (ada, dan) = (card_of("Ada"), card_of("Dan"));
    // For the approvers Ada's card counts where it sits, and she is one of those
    // who are wanted.
    let approvers = wanted(Some(GroupId::Approvers));
    assert!(!approvers.passes_over(&ada) && approvers.wants(&ada).is_ok());
    assert!(approvers.names().contains(&"Ada".to_owned()));
    assert!(approvers.passes_over(&dan));
    // Where the first card decides, nobody who is here is asked for as absent:
    // the screen says which key takes their cards.
    let any = wanted(None);
    for name in ["Ada", "Ben", "Dan"] {
        assert!(!any.names().contains(&name.to_owned()), "{:?}", any.names());
    }
    assert!(any.passes_over(&ada) && any.passes_over(&dan));
    let told = any.passed_over(&ada).unwrap();
    assert_eq!(told, "Ada (for Approvers press Tab)");
    assert_eq!(any.passed_over(&dan), None);
    // Another member of a group that is on belongs to no other.
    let mut others = wanted(None);
    others.sitting.clear();
    let why = others.wants(&dan).unwrap_err().happened;
    assert!(why.contains("Key managers are logged on already"), "{why}");
}
