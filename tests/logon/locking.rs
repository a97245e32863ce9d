//! Five failed group logons lock the station, until administrators unlock it.

use conclave_evidence::GroupId::{Administrators, Approvers, Auditors, KeyManagers, Recovery};
use conclave_evidence::journal::EntryKind;
use conclave_station::front::Phase;

use crate::hands::{Do, wrong_pin};
use crate::house::{FOREIGN, House};
use crate::refusals::{at, attempt, esc, is_refused};
use crate::serving;

pub fn five_failures_lock(mut house: House) -> House {
    house.enter(KeyManagers);
    house.leave();
    let stranger = "This card belongs to no person of this station.";
    for (number, (group, name)) in [
        (KeyManagers, "Emil"),
        (Administrators, "Ada"),
        (Auditors, "Jana"),
        (Recovery, "Lea"),
        (Approvers, "Ben"),
    ]
    .into_iter()
    .enumerate()
    {
        // A stranger's card never counts, neither first nor before the last.
        if number == 0 || number == 4 {
            is_refused(&mut house, Some(group), FOREIGN, stranger);
        }
        assert_eq!(house.guard(), (number as u8, false));
        house.table.clear();
        let card = house.hands.card_of(name);
        let table = house.table.clone();
        let fails = at(
            move |_, times| {
                if times == 1 {
                    table.put(card, &[]);
                }
                Do::Wait
            },
            |_, times| match times {
                1 => Do::Answer(wrong_pin()),
                _ => esc(),
            },
        );
        let (end, actions) = attempt(&mut house, group, fails);
        assert_eq!(actions, ["logon"]);
        let expected = match number {
            4 => "The logon was given up. That was failure 5.".to_owned(),
            n => format!(
                "The logon was given up. Failed group logons: {} of 5.",
                n + 1
            ),
        };
        assert_eq!(end, expected);
    }
    assert_eq!(house.guard(), (5, true));
    house.table.clear();

    // The lock outlives the program.
    house = house.restart();
    assert_eq!(house.station.status(0).phase, Phase::Locked);
    let only = "The station is locked: only administrators may log on, to unlock it.";
    let (dora, jana) = (house.hands.card_of("Dora"), house.hands.card_of("Jana"));
    is_refused(&mut house, Some(KeyManagers), dora, only);
    is_refused(&mut house, None, jana, only);
    assert_eq!(house.guard(), (5, true));

    house.leave();
    house.enter(Administrators);
    assert!(house.guard().1, "a logon alone unlocks nothing");
    let seq = house.newest();
    let told = serving::unlock(&mut house);
    assert_eq!(told, "The station is unlocked");
    assert_eq!(
        house.since(seq)[..3],
        [EntryKind::Proposed, EntryKind::Intent, EntryKind::Outcome]
            .map(|kind| (kind, "unlock-station".to_owned()))
    );
    assert_eq!(house.guard(), (0, false));
    house.leave();
    house.enter(KeyManagers);
    house.leave();
    house
}
