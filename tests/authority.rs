//! Authority is cryptography: what opens, what does not, and what an approval
//! is good for.

#[path = "support/room.rs"]
mod room;

use conclave_evidence::GroupId;
use room::Room;

#[test]
fn a_founded_station_opens_for_each_quorum() {
    let mut room = Room::temporary();
    room.reopen();
    for group in room::SECRET_GROUPS {
        let names = room.members(group);
        room.logon(group, &names[..2]);
        assert_eq!(room.vault().open_groups(), [group]);
        room.logout();
    }
    room.logon_all(&[GroupId::KeyManagers, GroupId::Approvers]);
    assert_eq!(room.vault().open_groups().len(), 2);
}
