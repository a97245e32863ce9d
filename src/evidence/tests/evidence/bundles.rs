//! What a manifest's approvals must withstand.

use conclave_evidence::approval::ApprovalError;
use conclave_evidence::authority::{AuthorityChain, AuthorityError, CardState, Mode};
use conclave_evidence::{EvidenceError, GroupId, Manifest, cbor};

use crate::station::{QUORUMS, Station, approve, id, person, sign, sign_manifest};

fn chain(station: &Station) -> AuthorityChain {
    AuthorityChain::verify(&station.authority).expect("the chain holds")
}

fn verdict(station: &Station, manifest: &Manifest) -> Result<Manifest, EvidenceError> {
    sign_manifest(manifest).verify(&chain(station))
}

fn made() -> (Station, Manifest) {
    let mut station = Station::new();
    let manifest = station.manifest(&QUORUMS);
    (station, manifest)
}

fn why(result: Result<Manifest, EvidenceError>) -> ApprovalError {
    match result {
        Err(EvidenceError::Approval { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_manifest_verifies() {
    let (station, manifest) = made();
    assert_eq!(verdict(&station, &manifest), Ok(manifest));
}

#[test]
fn the_export_key_must_sign() {
    let (station, manifest) = made();
    let mut signed = sign_manifest(&manifest);
    signed.signature = approve(&manifest, GroupId::Approvers, 7).signature;
    assert!(matches!(
        signed.verify(&chain(&station)),
        Err(EvidenceError::Signature { .. })
    ));
}

#[test]
fn approvals_do_not_move() {
    let (station, whole) = made();
    type Change = (&'static str, fn(&mut Manifest));
    let changes: [Change; 4] = [
        ("other parameters", |m| {
            m.action_params = cbor::to_vec(&("ZMK.0002", "Partner bank"))
                .expect("encodes")
                .into();
        }),
        ("another action", |m| m.action_name = "destroy".into()),
        ("another nonce", |m| m.nonce = id(0xEE)),
        ("another proposal", |m| m.proposed.0[0] ^= 1),
    ];
    for (what, change) in changes {
        let mut manifest = whole.clone();
        change(&mut manifest);
        assert_eq!(
            why(verdict(&station, &manifest)),
            ApprovalError::Act,
            "{what}"
        );
    }
    let mut late = whole.clone();
    late.made_at_ms += 60_001;
    assert_eq!(why(verdict(&station, &late)), ApprovalError::Expired);
}

#[test]
fn approvals_of_another_station_do_not_count() {
    let (station, whole) = made();
    let mut elsewhere = whole.clone();
    elsewhere.station = id(0xA9);
    let mut manifest = whole.clone();
    manifest.approvals = QUORUMS
        .iter()
        .map(|(group, card)| approve(&elsewhere, *group, *card))
        .collect();
    assert_eq!(why(verdict(&station, &manifest)), ApprovalError::Station);
    elsewhere = whole.clone();
    elsewhere.authority.0[0] ^= 1;
    manifest.approvals = QUORUMS
        .iter()
        .map(|(group, card)| approve(&elsewhere, *group, *card))
        .collect();
    assert_eq!(why(verdict(&station, &manifest)), ApprovalError::Authority);
}

#[test]
fn a_manifest_is_its_stations() {
    let (station, whole) = made();
    let changes: [fn(&mut Manifest); 4] = [
        |m| m.station = id(0xA9),
        |m| m.station_name = "Another".into(),
        |m| m.incarnation = id(0xA9),
        |m| m.mode = Mode::Production,
    ];
    for change in changes {
        let mut manifest = whole.clone();
        change(&mut manifest);
        manifest.approvals = QUORUMS
            .iter()
            .map(|(group, card)| approve(&manifest, *group, *card))
            .collect();
        assert!(
            matches!(
                verdict(&station, &manifest),
                Err(EvidenceError::Broken { .. })
            ),
            "{:?}",
            verdict(&station, &manifest)
        );
    }
}

#[test]
fn one_too_few() {
    for (without, group) in [(0, "key-managers"), (3, "approvers")] {
        let (station, mut manifest) = made();
        manifest.approvals.remove(without);
        assert_eq!(
            verdict(&station, &manifest),
            Err(EvidenceError::Quorum {
                place: format!("manifest, {group}"),
                have: 1,
                need: 2
            })
        );
    }
    let (station, mut manifest) = made();
    manifest.approvals.clear();
    assert!(matches!(
        verdict(&station, &manifest),
        Err(EvidenceError::Quorum { have: 0, .. })
    ));
}

#[test]
fn nobody_counts_twice() {
    // The same approval again, and card 4 once for each of its groups.
    for approvals in [
        vec![QUORUMS[0], QUORUMS[0], QUORUMS[2], QUORUMS[3]],
        vec![QUORUMS[0], QUORUMS[1], QUORUMS[2], (GroupId::Approvers, 4)],
    ] {
        let mut station = Station::new();
        let manifest = station.manifest(&approvals);
        let verdict = verdict(&station, &manifest);
        assert!(
            matches!(&verdict, Err(EvidenceError::Broken { reason, .. }) if reason.contains("twice")),
            "{verdict:?}"
        );
    }
}

#[test]
fn two_cards_of_one_person_are_one_person() {
    let mut station = Station::new();
    // Card 5 becomes a second card of person 4, and an approver's.
    station.next_record(&[1, 2], |record| {
        record.cards[4].person = person(4);
        record.groups[1].members.retain(|it| it.card != id(5));
        record.groups[2].members.retain(|it| it.card != id(4));
        record.groups[2].members[0].card = id(5);
        record.groups[2].members[0].person = person(4);
    });
    let mut manifest = station.manifest(&[
        (GroupId::KeyManagers, 4),
        (GroupId::KeyManagers, 6),
        (GroupId::Approvers, 5),
        (GroupId::Approvers, 8),
    ]);
    let second = &mut manifest.approvals[2];
    second.approval.person = person(4);
    second.signature = sign(3 * 5 + 1, &second.approval.digest().expect("encodes"));
    let verdict = verdict(&station, &manifest);
    assert!(
        matches!(&verdict, Err(EvidenceError::Broken { reason, .. }) if reason.contains("twice")),
        "{verdict:?}"
    );
}

#[test]
fn a_revoked_card_does_not_approve() {
    for state in [CardState::Revoked, CardState::Suspended] {
        let mut station = Station::new();
        // One administrator alone may bar a card.
        station.next_record(&[3], |record| record.cards[3].state = state);
        let manifest = station.manifest(&QUORUMS);
        assert!(matches!(
            verdict(&station, &manifest),
            Err(EvidenceError::Broken { .. })
        ));
        // Approvals made before do not name the new record.
        let mut station = Station::new();
        let mut manifest = station.manifest(&QUORUMS);
        station.next_record(&[3], |record| record.cards[3].state = state);
        assert!(verdict(&station, &manifest).is_ok(), "it was made before");
        manifest.authority = station.record_hash();
        assert_eq!(why(verdict(&station, &manifest)), ApprovalError::Authority);
    }
}

#[test]
fn other_groups_do_not_approve_exports() {
    let mut station = Station::new();
    let mut approvals = QUORUMS.to_vec();
    approvals.push((GroupId::Administrators, 1));
    let manifest = station.manifest(&approvals);
    assert!(matches!(
        verdict(&station, &manifest),
        Err(EvidenceError::Broken { .. })
    ));
    // Nor does anyone for a group that is not theirs.
    let manifest = station.manifest(&[(GroupId::KeyManagers, 9)]);
    assert_eq!(why(verdict(&station, &manifest)), ApprovalError::Card);
}

#[test]
fn one_administrator_alone_changes_nothing_else() {
    let mut station = Station::new();
    station.next_record(&[3], |record| record.groups[1].m = 1);
    assert_eq!(
        AuthorityChain::verify(&station.authority),
        Err(AuthorityError::TooFew {
            seq: 1,
            have: 1,
            need: 2
        })
    );
}
