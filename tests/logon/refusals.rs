//! What a logon refuses, and what it leaves behind: nothing open, one entry in
//! the journal, a count only where a known card failed.

use conclave_evidence::GroupId::{self, Administrators, Auditors, KeyManagers};
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::ports::dialogue::{Answer, Ask, MemberState, Prompt};

use crate::bench::secret;
use crate::hands::{At, Do, PIN, pin, usual, wrong_pin};
use crate::house::{BLANK, FOREIGN, House};
use crate::table::{Cut, Table};

/// People who do this at questions for a card and that at questions for a
/// PIN, each told how often such a question was asked.
pub fn at(
    mut card: impl FnMut(&Prompt, usize) -> Do + Send + 'static,
    mut pin: impl FnMut(&Prompt, usize) -> Do + Send + 'static,
) -> At {
    let (mut cards, mut pins) = (0, 0);
    Box::new(move |prompt, _| match &prompt.ask {
        Ask::Card { .. } => {
            cards += 1;
            card(prompt, cards)
        }
        Ask::Pin { .. } => {
            pins += 1;
            pin(prompt, pins)
        }
        _ => Do::Usual,
    })
}

pub fn as_usual(_: &Prompt, _: usize) -> Do {
    Do::Usual
}

pub fn esc() -> Do {
    Do::Answer(Answer::Abort)
}

/// Puts this card in at the first question; gives up at the second.
fn offers(table: &Table, card: usize) -> At {
    let table = table.clone();
    at(
        move |_, times| match times {
            1 => {
                table.put(card, &[]);
                Do::Wait
            }
            _ => esc(),
        },
        as_usual,
    )
}

fn pins_asked(house: &House) -> usize {
    let pins = |prompt: &&Prompt| matches!(prompt.ask, Ask::Pin { .. });
    house.hands.seen.iter().filter(pins).count()
}

/// A card that is refused before its PIN: the words, one entry, no count.
#[track_caller]
pub fn is_refused(house: &mut House, group: Option<GroupId>, card: usize, happened: &str) {
    let (seq, guard) = (house.newest(), house.guard());
    house.table.clear();
    house.hands.told(offers(&house.table, card));
    assert_eq!(house.logon(group), "aborted");
    assert_eq!(house.hands.refusals(), [happened]);
    assert_eq!(pins_asked(house), 0);
    assert_eq!(
        house.since(seq),
        [
            (EntryKind::Locked, "card-refused".to_owned()),
            (EntryKind::Locked, "logon-void".to_owned()),
        ]
    );
    assert_eq!(house.guard(), guard);
    assert!(house.is_shut());
}

/// What a logon of this group came to, and the entries it left.
pub fn attempt(
    house: &mut House,
    group: impl Into<Option<GroupId>>,
    at: At,
) -> (String, Vec<String>) {
    let seq = house.newest();
    house.hands.told(at);
    let end = house.logon(group);
    if !end.starts_with("done") {
        assert!(house.is_shut(), "{end}");
    }
    (end, house.actions(seq))
}

pub fn cards_that_do_not_belong_here(house: &mut House) {
    let stranger = "This card belongs to no person of this station.";
    for group in [None, Some(KeyManagers)] {
        is_refused(house, group, FOREIGN, stranger);
        is_refused(house, group, BLANK, stranger);
    }
    let (gus, jana) = (house.hands.card_of("Gus"), house.hands.card_of("Jana"));
    is_refused(
        house,
        None,
        gus,
        "Gus is a custodian, and custodians open nothing.",
    );
    for (name, card) in [("Gus", gus), ("Jana", jana)] {
        let happened = format!("{name} is no member of the group Key managers.");
        is_refused(house, Some(KeyManagers), card, &happened);
    }
    // A card that stays in is refused at each logon, and journalled once.
    house.table.clear();
    let first = offers(&house.table, FOREIGN);
    let (_, entries) = attempt(house, KeyManagers, first);
    assert_eq!(entries, ["card-refused", "logon-void"]);
    let stays = at(
        |prompt, _| match prompt.refused {
            Some(_) => esc(),
            None => Do::Wait,
        },
        as_usual,
    );
    let (_, entries) = attempt(house, KeyManagers, stays);
    assert_eq!(house.hands.refusals(), [stranger]);
    assert_eq!(entries, ["logon-void"]);
    house.leave();
}

pub fn no_card_counts_twice(house: &mut House) {
    let dora = house.hands.card_of("Dora");
    let table = house.table.clone();
    let at = at(
        move |_, times| {
            if times == 2 {
                table.put(dora, &[]);
                return Do::Wait;
            }
            Do::Usual
        },
        as_usual,
    );
    let (end, actions) = attempt(house, KeyManagers, at);
    assert_eq!(end, "done: key-managers");
    assert_eq!(actions, ["card-refused", "logon"]);
    assert_eq!(
        house.hands.refusals(),
        ["Dora's card is proven already; no card counts twice."]
    );
    let members = &house.station.session().groups[&KeyManagers];
    assert_ne!(members[0].person, members[1].person);
    assert_ne!(members[0].card, members[1].card);
    // Where every card has to stay, hers was pulled.
    assert_eq!(house.blanks_in_time(), house.table.width() > 1);
    house.leave();
}

pub fn wrong_pins_to_the_block(house: &mut House) {
    let kim = house.hands.card_of("Kim");
    let table = house.table.clone();
    let wrong = || {
        let table = table.clone();
        at(
            move |_, times| {
                if times == 1 {
                    table.put(kim, &[]);
                }
                Do::Wait
            },
            |_, _| Do::Answer(wrong_pin()),
        )
    };
    let (end, actions) = attempt(house, Auditors, wrong());
    assert_eq!(
        end,
        "the PIN of Kim's card is blocked. Failed group logons: 1 of 5."
    );
    assert_eq!(actions, ["logon"]);
    let tries: Vec<Option<u8>> = house
        .hands
        .seen
        .iter()
        .filter_map(|prompt| match &prompt.ask {
            Ask::Pin { tries_left, .. } => Some(*tries_left),
            _ => None,
        })
        .collect();
    assert_eq!(tries, [Some(3), Some(2), Some(1)]);
    assert_eq!(
        house.hands.refusals(),
        ["Wrong PIN. 2 tries left.", "Wrong PIN. One try is left."]
    );
    // Again: it is refused before its PIN, and another auditor may come instead.
    is_refused(
        house,
        Some(Auditors),
        kim,
        "The PIN of Kim's card is blocked.",
    );
    house.leave();

    // The PUK that the administrators hold gives the card back.
    house.enter(Administrators);
    let entry = crate::cards_of(house)["Kim"].clone();
    let puk = house.station.door().puk(entry.card).unwrap();
    house.leave();
    house.card(kim).unblock(&puk, &secret(PIN)).unwrap();
    house.table.clear();
    house.enter(Auditors);
    assert_eq!(house.guard(), (0, false));
    house.leave();
}

pub fn a_wrong_pin_made_good_is_no_failure(house: &mut House) {
    let once = at(as_usual, |_, times| match times {
        1 => Do::Answer(wrong_pin()),
        _ => Do::Usual,
    });
    let (end, actions) = attempt(house, KeyManagers, once);
    assert_eq!(end, "done: key-managers");
    assert_eq!(actions, ["logon"]);
    assert_eq!(house.guard(), (0, false));
    house.leave();
    // Too short: the card is not even asked.
    let short = at(as_usual, |_, times| match times {
        1 => Do::Answer(Answer::Secret(secret(b"12345"))),
        _ => Do::Usual,
    });
    let (end, _) = attempt(house, KeyManagers, short);
    assert_eq!(end, "done: key-managers");
    assert_eq!(house.hands.refusals().len(), 1);
    house.leave();
}

pub fn members_come_within_two_minutes(house: &mut House) {
    // At the second member's card, or at their PIN.
    for (at_card, passed, on_time) in [
        (true, 120_000, true),
        (true, 120_001, false),
        (false, 120_001, false),
    ] {
        let clock = house.clock.clone();
        let pin_clock = house.clock.clone();
        let slow = at(
            move |prompt, times| {
                if times == 2 {
                    let quorum = prompt.quorum.as_ref().unwrap();
                    let (left, words) = quorum.deadline.clone().unwrap();
                    assert_eq!(left, 120);
                    assert!(words.starts_with("Dora was first, "), "{words}");
                    let state = |name: &str| {
                        let mut all = quorum.members.iter();
                        all.find(|m| m.name == name).unwrap().state
                    };
                    assert_eq!(state("Dora"), MemberState::Proven);
                    assert_eq!(state("Emil"), MemberState::Missing);
                    if at_card {
                        clock.pass(passed);
                    }
                }
                Do::Usual
            },
            move |_, times| {
                if times == 2 && !at_card {
                    pin_clock.pass(passed);
                    return Do::Wait;
                }
                Do::Usual
            },
        );
        let guard = house.guard();
        let (end, actions) = attempt(house, KeyManagers, slow);
        if on_time {
            assert_eq!(end, "done: key-managers");
        } else {
            assert_eq!(end, "The quorum was not complete within 120 seconds.");
            assert_eq!(actions, ["logon-void"]);
            assert_eq!(house.guard(), guard);
        }
        house.leave();
    }
}

pub fn giving_up(house: &mut House) {
    let guard = house.guard();
    let (end, actions) = attempt(house, KeyManagers, at(|_, _| esc(), as_usual));
    assert_eq!(
        (end.as_str(), actions),
        ("aborted", vec!["logon-void".into()])
    );
    let (end, actions) = attempt(house, KeyManagers, at(as_usual, |_, _| esc()));
    assert_eq!(
        (end.as_str(), actions),
        ("aborted", vec!["logon-void".into()])
    );
    let second = at(as_usual, |_, times| match times {
        1 => Do::Usual,
        _ => esc(),
    });
    let (end, actions) = attempt(house, KeyManagers, second);
    assert_eq!(
        (end.as_str(), actions),
        ("aborted", vec!["logon-void".into()])
    );
    assert_eq!(house.guard(), guard);
    // The end of the program is no way around the count.
    for (answer, ends) in [
        (
            Answer::Abort,
            "The logon was given up. Failed group logons: 1 of 5.",
        ),
        (Answer::Shutdown, "shut down"),
    ] {
        house.enter(KeyManagers);
        house.leave();
        assert_eq!(house.guard(), (0, false));
        let mut answer = Some(answer);
        let wrong = at(as_usual, move |_, times| match times {
            1 => Do::Answer(wrong_pin()),
            _ => answer.take().map_or(Do::Wait, Do::Answer),
        });
        let (end, actions) = attempt(house, KeyManagers, wrong);
        assert_eq!(end, ends);
        assert_eq!(actions, ["logon"]);
        assert_eq!(house.guard(), (1, false));
    }
    house.enter(KeyManagers);
    house.leave();
}

pub fn tab_chooses_another_group(house: &mut House) {
    let tab = at(
        |prompt, times| match times {
            1 | 2 => {
                assert!(matches!(
                    prompt.ask,
                    Ask::Card {
                        other_group: true,
                        ..
                    }
                ));
                Do::Answer(Answer::OtherGroup)
            }
            3 => {
                assert_eq!(prompt.title, "Key managers");
                Do::Usual
            }
            _ => {
                // Somebody is proven: the group is chosen.
                assert!(matches!(
                    prompt.ask,
                    Ask::Card {
                        other_group: false,
                        ..
                    }
                ));
                Do::Usual
            }
        },
        as_usual,
    );
    let (end, actions) = attempt(house, None, tab);
    assert_eq!(end, "done: key-managers");
    assert_eq!(actions, ["logon"]);
    house.leave();
    // With nothing chosen the first card decides.
    let emil = house.hands.card_of("Emil");
    let table = house.table.clone();
    let first = at(
        move |_, times| {
            if times == 1 {
                table.put(emil, &[]);
            }
            Do::Usual
        },
        as_usual,
    );
    // The people wanted would be others: his card must not be swapped out.
    house.table.clear();
    let (end, _) = attempt(house, None, first);
    assert_eq!(end, "done: key-managers");
    house.leave();
}

pub fn pulled_at_the_pin(house: &mut House) {
    for wrong_before in [false, true] {
        for member in [1, 2] {
            if house.guard().0 > 0 {
                house.enter(KeyManagers);
                house.leave();
            }
            let table = house.table.clone();
            let mut wrong = wrong_before;
            let mut asked = 0;
            let pulls = at(as_usual, move |prompt, _| {
                if prompt.refused.is_none() {
                    asked += 1;
                }
                if asked < member {
                    return Do::Usual;
                }
                if std::mem::take(&mut wrong) {
                    return Do::Answer(wrong_pin());
                }
                let Ask::Pin { person, .. } = &prompt.ask else {
                    panic!("a PIN is asked");
                };
                let card = if person == "Dora" { 3 } else { 4 };
                table.take(table.seat_of(card).unwrap());
                Do::Answer(pin())
            });
            let (end, actions) = attempt(house, KeyManagers, pulls);
            let words = "A card was pulled in the middle of its logon.";
            if wrong_before {
                assert_eq!(end, format!("{words} Failed group logons: 1 of 5."));
                assert_eq!(actions, ["logon"]);
            } else {
                assert_eq!(end, words);
                assert_eq!(actions, ["logon-void"]);
            }
            assert_eq!(house.guard(), (u8::from(wrong_before), false));
            house.leave();
        }
    }
    house.enter(KeyManagers);
    house.leave();
}

/// A card pulled at any of its commands is no failure, opens nothing, and is
/// missed where it had to stay. Commands are counted from the first look at a
/// card, each `stride`; and, one by one, from either member's PIN on.
pub fn pulled_at_each_command(house: &mut House, stride: usize) {
    let mut ends = [0, 0];
    for number in 0.. {
        let cut = either(number, number * stride);
        house.table.cut(Some(cut));
        let came = pulled_once(house, cut, usual(), &mut ends);
        if !came {
            break;
        }
    }
    for (member, command) in [(1, 0), (2, 1), (1, 2), (2, 2)] {
        let cut = either(command, command);
        let table = house.table.clone();
        let from_the_pin = at(as_usual, move |_, times| {
            if times == member {
                table.cut(Some(cut));
            }
            Do::Usual
        });
        assert!(pulled_once(house, cut, from_the_pin, &mut ends));
    }
    let [done, void] = ends;
    assert!(done > 1 && void >= 4, "{done} logons, {void} cut");
}

fn either(number: usize, command: usize) -> Cut {
    match number % 2 {
        0 => Cut::Before(command),
        _ => Cut::After(command),
    }
}

/// One logon with a cut. Counts how it ended; says whether the cut came.
fn pulled_once(house: &mut House, cut: Cut, people: At, ends: &mut [usize; 2]) -> bool {
    let members = ["Dora", "Emil"].map(|name| house.hands.card_of(name));
    let stay: &[usize] = match house.table.width() {
        1 => &members[1..],
        _ => &members,
    };
    let (end, actions) = attempt(house, KeyManagers, people);
    let came = house.table.was_cut();
    house.table.cut(None);
    assert_eq!(house.guard(), (0, false), "{cut:?}: {end}");
    if end == "done: key-managers" {
        ends[0] += 1;
        assert_eq!(actions, ["logon"], "{cut:?}");
        let gone = stay.iter().any(|card| house.table.seat_of(*card).is_none());
        if gone {
            assert!(house.blanks_in_time(), "{cut:?}");
        }
        assert_eq!(house.station.card_lost(), gone, "{cut:?}");
    } else {
        ends[1] += 1;
        let words = "A card was pulled in the middle of its logon.";
        assert_eq!(end, words, "{cut:?}");
        assert_eq!(actions, ["logon-void"], "{cut:?}");
    }
    house.leave();
    came
}
