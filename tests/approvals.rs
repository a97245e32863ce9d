//! What an approval is good for: one act, once, in time, by distinct people.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise, also in what it shares with others"
)]

#[path = "support/acts.rs"]
mod acts;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/room.rs"]
mod room;

use acts::{Change, End, Need};
use conclave_evidence::GroupId::{Administrators, Approvers, CustodiansA, KeyManagers};
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::door::{DoorError, PROPOSAL_MS, Refusal, Warrant};
use conclave_keyroom::vault::Compartment;
use refusal::{ADA_AND_BEN, admin_room, directory, records, refused, warrant};
use room::Seeded;

const KEYS_QUORUMS: [GroupId; 2] = [KeyManagers, Approvers];

#[test]
fn an_approved_act_takes_place_once() {
    let mut room = admin_room();
    let act = directory("one");
    let signed = warrant(&mut room, &act, &ADA_AND_BEN);
    let before = room.entries();
    room.perform(&act, &signed).unwrap();
    assert_eq!(room.entries(), before + 2, "INTENT and OUTCOME");
    let text: String = room.vault().get(Compartment::Directory, act.id).unwrap();
    assert_eq!(text, "one");
    assert_eq!(refused(&mut room, &act, &signed), Refusal::Replayed);
    // Nor after a restart, nor after the mark of its nonce was taken away.
    room.reopen();
    let mut content = room.memory().content();
    content.retain(|key, _| !key.starts_with(b"u/"));
    room.memory().put_back(content);
    room.reopen();
    room.logon_all(&[Administrators]);
    assert_eq!(refused(&mut room, &act, &signed), Refusal::Replayed);
}

#[test]
fn a_signature_fits_one_act() {
    let mut room = admin_room();
    let (one, two) = (directory("one"), directory("two"));
    let signed = warrant(&mut room, &one, &ADA_AND_BEN);
    // Other parameters, with the proposal of the first.
    assert!(matches!(
        refused(&mut room, &two, &signed),
        Refusal::Misfit(_)
    ));
    // The signatures of the first under the proposal of the second; of a second
    // proposal of the very same act.
    for act in [&two, &one] {
        let moved = Warrant {
            proposal: Some(room.propose(act)),
            approvals: signed.approvals.clone(),
        };
        assert!(matches!(
            refused(&mut room, act, &moved),
            Refusal::Misfit(_)
        ));
    }
    // Each field of what is signed, changed after signing.
    type Change = fn(&mut conclave_evidence::approval::Approval);
    let changes: [Change; 12] = [
        |a| a.station = Id([1; 16]),
        |a| a.incarnation = Id([1; 16]),
        |a| a.proposed = Hash([1; 32]),
        |a| a.action = Hash([1; 32]),
        |a| a.action_name = "unlock-station".into(),
        |a| a.person = Id([1; 16]),
        |a| a.group = Approvers,
        |a| a.card = Id([1; 16]),
        |a| a.key.0[64] ^= 1,
        |a| a.authority = Hash([1; 32]),
        |a| a.nonce = Id([1; 16]),
        |a| a.expires_ms += 1,
    ];
    for change in changes {
        let mut altered = Warrant {
            proposal: signed.proposal.clone(),
            approvals: signed.approvals.clone(),
        };
        change(&mut altered.approvals[1].approval);
        assert!(matches!(
            refused(&mut room, &one, &altered),
            Refusal::Misfit(_)
        ));
    }
    for at in 0..64 {
        let mut altered = signed.approvals.clone();
        altered[0].signature.0[at] ^= 0x10;
        let altered = Warrant {
            proposal: signed.proposal.clone(),
            approvals: altered,
        };
        assert!(matches!(
            refused(&mut room, &one, &altered),
            Refusal::Misfit(_)
        ));
    }
    // A card that nobody enrolled.
    let stranger = room::SoftCard::new(&mut Seeded::new(99));
    let mut foreign = signed.approvals.clone();
    foreign[0].signature = stranger.sign(&foreign[0].approval.digest().unwrap());
    let foreign = Warrant {
        proposal: signed.proposal.clone(),
        approvals: foreign,
    };
    assert!(matches!(
        refused(&mut room, &one, &foreign),
        Refusal::Misfit(_)
    ));
    // After all that the first one still fits.
    room.perform(&one, &signed).unwrap();
}

/// Whoever is concerned does not sign, in whatever group; and an act is by nobody that
/// says only by whom it is not.
#[test]
fn who_is_concerned_does_not_count() {
    let mut room = admin_room();
    let ben = room.holder("Ben").person.id;
    let mut act = directory("one");
    act.needs.push(Need::NotBy(ben));
    for signers in [
        ADA_AND_BEN.to_vec(),
        vec![
            ("Ada", Administrators),
            ("Cid", Administrators),
            ("Ben", Approvers),
        ],
    ] {
        let signed = warrant(&mut room, &act, &signers);
        assert_eq!(refused(&mut room, &act, &signed), Refusal::Concerned);
    }
    let others = [("Ada", Administrators), ("Cid", Administrators)];
    let signed = warrant(&mut room, &act, &others);
    room.perform(&act, &signed).unwrap();
    let nobody = Change::new(Compartment::Directory, "two", &[Need::NotBy(ben)]);
    let none = Warrant::default();
    assert_eq!(refused(&mut room, &nobody, &none), Refusal::NoAuthority);
}

#[test]
fn a_quorum_is_distinct_people_of_the_group() {
    let mut room = admin_room();
    let act = directory("one");
    let two_of_one = [("Ada", Administrators), ("Ada", Administrators)];
    let both_hats = [("Ada", Administrators), ("Ada", Approvers)];
    for signers in [two_of_one, both_hats] {
        let signed = warrant(&mut room, &act, &signers);
        assert_eq!(refused(&mut room, &act, &signed), Refusal::Twice);
    }
    let few = Refusal::TooFew {
        group: Administrators,
        have: 1,
        need: 2,
    };
    for signers in [
        &ADA_AND_BEN[..1],
        &[("Ada", Administrators), ("Ben", Approvers)],
    ] {
        let signed = warrant(&mut room, &act, signers);
        assert_eq!(refused(&mut room, &act, &signed), few);
    }
    // A key manager in the name of the administrators.
    let signed = warrant(
        &mut room,
        &act,
        &[("Ada", Administrators), ("Dora", Administrators)],
    );
    assert!(matches!(
        refused(&mut room, &act, &signed),
        Refusal::Misfit(_)
    ));
    // Both quorums and the person concerned: five people.
    let gus = room.holder("Gus").person.id;
    room.logon_all(&KEYS_QUORUMS);
    let needs = [
        Need::Quorum(KeyManagers),
        Need::Quorum(Approvers),
        Need::Person(gus, CustodiansA),
    ];
    let act = Change::new(Compartment::Keys, "five", &needs);
    let mut signers = vec![
        ("Dora", KeyManagers),
        ("Emil", KeyManagers),
        ("Ada", Approvers),
        ("Ben", Approvers),
    ];
    let signed = warrant(&mut room, &act, &signers);
    assert_eq!(refused(&mut room, &act, &signed), Refusal::PersonMissing);
    signers.push(("Gus", CustodiansA));
    room.perform_with(&act, &signers).unwrap();
}

#[test]
fn approvals_age_and_the_clock_does_not_help() {
    let mut room = admin_room();
    let act = directory("one");
    let signed = warrant(&mut room, &act, &ADA_AND_BEN);
    room.clock.pass(PROPOSAL_MS + 1);
    assert_eq!(refused(&mut room, &act, &signed), Refusal::Stale);
    room.clock.set(room::START_MS - 1);
    assert_eq!(refused(&mut room, &act, &signed), Refusal::Stale);
    // A proposal whose times somebody stretched, signed as stretched.
    room.clock.set(room::START_MS);
    for (earlier, later) in [(0, PROPOSAL_MS * 1000), (10, 0)] {
        let mut proposal = room.propose(&act);
        proposal.made_ms -= earlier;
        proposal.expires_ms += later;
        let signed = Warrant {
            approvals: room.approve(&proposal, &ADA_AND_BEN),
            proposal: Some(proposal),
        };
        room.clock.pass(PROPOSAL_MS * 10);
        assert!(matches!(
            refused(&mut room, &act, &signed),
            Refusal::Misfit(_) | Refusal::Stale
        ));
    }
    // One signature that would live longer than its proposal.
    let proposal = room.propose(&act);
    let mut longer = proposal.clone();
    longer.expires_ms += 1;
    let mut approvals = room.approve(&proposal, &ADA_AND_BEN[..1]);
    approvals.extend(room.approve(&longer, &ADA_AND_BEN[1..]));
    let signed = Warrant {
        proposal: Some(proposal),
        approvals,
    };
    assert!(matches!(
        refused(&mut room, &act, &signed),
        Refusal::Misfit(_)
    ));
}

#[test]
fn what_was_never_proposed_is_not_approved() {
    let mut room = admin_room();
    let act = directory("one");
    assert_eq!(
        refused(&mut room, &act, &Warrant::default()),
        Refusal::NotProposed
    );
    // Another entry of the journal in the place of the PROPOSED one.
    room.door_mut().note("note", "nothing".into()).unwrap();
    let (seq, hash) = room.vault().newest().unwrap();
    let mut proposal = room.propose(&act);
    (proposal.seq, proposal.hash) = (seq, hash);
    let signed = Warrant {
        approvals: room.approve(&proposal, &ADA_AND_BEN),
        proposal: Some(proposal),
    };
    assert!(matches!(
        refused(&mut room, &act, &signed),
        Refusal::Misfit(_)
    ));
    // Another act's id, which would hide an intent of that act.
    let mut proposal = room.propose(&act);
    proposal.act = Id([9; 16]);
    let signed = Warrant {
        approvals: room.approve(&proposal, &ADA_AND_BEN),
        proposal: Some(proposal),
    };
    assert!(matches!(
        refused(&mut room, &act, &signed),
        Refusal::Misfit(_)
    ));
}

#[test]
fn signatures_that_nobody_checks_are_not_taken() {
    let mut room = admin_room();
    let act = Change::new(
        Compartment::Directory,
        "x",
        &[Need::Session(Administrators)],
    );
    let signed = warrant(&mut room, &act, &[("Ada", Administrators)]);
    assert_eq!(refused(&mut room, &act, &signed), Refusal::NotNeeded);
    let act = Change::new(Compartment::Directory, "x", &[]);
    assert_eq!(
        refused(&mut room, &act, &Warrant::default()),
        Refusal::NoAuthority
    );
    let act = Change::new(Compartment::Directory, "x", &[Need::Birth]);
    assert_eq!(
        refused(&mut room, &act, &Warrant::default()),
        Refusal::NotEmpty
    );
    let act = Change::new(Compartment::Catalogue, "x", &[Need::Session(KeyManagers)]);
    assert_eq!(
        refused(&mut room, &act, &Warrant::default()),
        Refusal::NotLoggedOn(KeyManagers)
    );
}

#[test]
fn an_unknown_outcome_stays_open_whatever_is_tried_after() {
    let mut room = admin_room();
    let act = directory("one").ending(End::Unknown);
    let signed = warrant(&mut room, &act, &ADA_AND_BEN);
    let before = records(&room.memory().content());
    assert!(room.perform(&act, &signed).is_err());
    let open = room.vault().open_intents().unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(refused(&mut room, &act, &signed), Refusal::Replayed);
    assert_eq!(room.vault().open_intents().unwrap(), open);
    room.reopen();
    assert_eq!(room.vault().open_intents().unwrap(), open);
    let mut after = records(&room.memory().content());
    after.retain(|key, _| !key.starts_with(b"u/"));
    let mut before = before;
    before.retain(|key, _| !key.starts_with(b"u/"));
    assert!(before == after, "no record changed");
}

#[test]
fn a_failed_act_leaves_intent_and_failure_and_no_record() {
    let mut room = admin_room();
    let act = directory("one").ending(End::Failed);
    let signed = warrant(&mut room, &act, &ADA_AND_BEN);
    let before = room.entries();
    assert!(matches!(
        room.perform(&act, &signed),
        Err(DoorError::Failed(_))
    ));
    assert_eq!(room.entries(), before + 2);
    assert!(room.vault().open_intents().unwrap().is_empty());
    assert!(
        room.vault()
            .get::<String>(Compartment::Directory, act.id)
            .is_err()
    );
}
