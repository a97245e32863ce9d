//! Two groups log on one after the other, in one session.

use conclave_evidence::GroupId::{Administrators, KeyManagers};
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::ports::dialogue::MemberState;

use crate::house::House;

pub fn two_groups_log_on(house: &mut House) {
    let seq = house.newest();
    house.enter(KeyManagers);
    let seen = &house.hands.seen;
    let states: Vec<Vec<MemberState>> = seen
        .iter()
        .filter_map(|prompt| prompt.quorum.as_ref())
        .map(|quorum| {
            assert_eq!((quorum.m, quorum.n), (2, 2));
            quorum.members.iter().map(|m| m.state).collect()
        })
        .collect();
    use MemberState::{EnterPin, Missing, Proven};
    for expected in [
        [Missing, Missing],
        [EnterPin, Missing],
        [Proven, Missing],
        [Proven, EnterPin],
    ] {
        assert!(
            states.contains(&expected.to_vec()),
            "{expected:?}: {states:?}"
        );
    }
    let open = |house: &House| house.station.door().vault().open_groups();
    assert_eq!(open(house), [KeyManagers]);

    house.enter(Administrators);
    assert_eq!(open(house), [Administrators, KeyManagers]);
    let names = |house: &House, group| {
        let members = &house.station.session().groups[&group];
        members.iter().map(|m| m.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(house, KeyManagers), ["Dora", "Emil"]);
    assert_eq!(names(house, Administrators), ["Ada", "Ben"]);
    // Cards were swapped because the station asked for it: nothing blanked.
    assert!(house.blanks.try_recv().is_err());
    assert!(!house.station.card_lost());
    assert_eq!(
        house.since(seq),
        [
            (EntryKind::Session, "logon".to_owned()),
            (EntryKind::Session, "logon".to_owned()),
        ]
    );
    house.leave();
    assert!(house.is_shut());
    assert_eq!(house.actions(seq), ["logon", "logon", "logout"]);
}
