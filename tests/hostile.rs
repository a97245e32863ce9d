//! Hostile people at every action: whoever may not, however they try, is
//! refused with one journal entry, and no record changes.
//!
//! The rows stand in `hostile/rows.rs`. An action without a row does not pass.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise, also in what it shares with others"
)]

#[path = "support/acts.rs"]
mod acts;
#[path = "hostile/pin_rows.rs"]
mod pin_rows;
#[path = "ceremony/play.rs"]
#[allow(dead_code, reason = "of the player, its first state only")]
mod play;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/room.rs"]
mod room;
#[path = "hostile/rows.rs"]
mod rows;

use std::collections::BTreeSet;
use std::path::Path;

use acts::{Change, Need, OpenMandate};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::{Action, Authority, DoorError, PROPOSAL_MS, Refusal, Warrant};
use conclave_keyroom::vault::Compartment;
use conclave_trades::ceremony::action::OpenCeremony;
use refusal::{refused, suspend, warrant};
use room::{PIN_STAFF, Room, SECRET_GROUPS, STAFF};

type Signer = (&'static str, GroupId);

/// What one action asks for, flat.
struct Wanted {
    parts: Vec<Authority>,
    /// Groups that have to be logged on.
    groups: BTreeSet<GroupId>,
    /// People whose signatures are enough.
    signers: Vec<Signer>,
    mandate: Option<Id>,
}

fn name_of(room: &Room, person: Id) -> &'static str {
    STAFF
        .iter()
        .chain(&PIN_STAFF)
        .map(|(name, _)| *name)
        .filter(|name| room.has(name))
        .find(|name| room.holder(name).person.id == person)
        .unwrap()
}

impl Wanted {
    fn of<A: Action>(room: &Room, action: &A) -> Self {
        let needs = action.authority();
        let mut wanted = Self {
            parts: needs.parts().into_iter().cloned().collect(),
            groups: BTreeSet::new(),
            signers: Vec::new(),
            mandate: None,
        };
        assert!(!wanted.parts.is_empty(), "{}: nobody", A::NAME);
        // Those who are named first: nobody counts twice.
        for part in &wanted.parts {
            if let Authority::Person(person, group) = part {
                wanted.signers.push((name_of(room, *person), *group));
            }
        }
        for part in &wanted.parts {
            match part {
                Authority::Session(group) => _ = wanted.groups.insert(*group),
                Authority::Quorum(group) => {
                    wanted.groups.insert(*group);
                    let m = room.vault().authority().unwrap().group(*group).unwrap().m;
                    let free = room.members(*group).into_iter();
                    let free: Vec<_> = free
                        .filter(|name| wanted.signers.iter().all(|(n, _)| n != name))
                        .take(m.into())
                        .collect();
                    assert_eq!(free.len(), usize::from(m), "{}: {group}", A::NAME);
                    wanted
                        .signers
                        .extend(free.iter().map(|name| (*name, *group)));
                }
                Authority::Mandate(ceremony) => wanted.mandate = Some(*ceremony),
                Authority::Birth => panic!("{}: founding is no action", A::NAME),
                Authority::Person(..)
                | Authority::Locked
                | Authority::NotBy(_)
                | Authority::Holders(_)
                | Authority::All(_) => {}
            }
        }
        wanted
    }

    /// In words, as the rows have them.
    fn words(&self) -> String {
        let words: Vec<String> = self
            .parts
            .iter()
            .map(|part| match part {
                Authority::Birth | Authority::All(_) => panic!("not here"),
                Authority::Locked => "by signatures of its own".into(),
                Authority::Session(group) => format!("{group} logged on"),
                Authority::Quorum(group) => format!("{group} sign"),
                Authority::Person(_, group) => format!("a person of {group} signs"),
                Authority::Mandate(_) => "mandate".into(),
                Authority::NotBy(_) => "nobody who held it".into(),
                Authority::Holders(_) => "those who hold the run".into(),
            })
            .collect();
        words.join(", ")
    }

    /// The same needs for another act.
    fn needs(&self) -> Vec<Need> {
        self.parts
            .iter()
            .map(|part| match part {
                Authority::Birth | Authority::All(_) => panic!("not here"),
                Authority::Locked => Need::Locked,
                Authority::Session(group) => Need::Session(*group),
                Authority::Quorum(group) => Need::Quorum(*group),
                Authority::Person(person, group) => Need::Person(*person, *group),
                Authority::Mandate(ceremony) => Need::Mandate(*ceremony),
                Authority::NotBy(people) => Need::NotBy(people[0]),
                Authority::Holders(run) => Need::Holders(*run),
            })
            .collect()
    }

    fn signed(&self) -> bool {
        !self.signers.is_empty()
    }
}

/// Logs these groups on, but `without`; `barred` does not come.
fn logon(
    room: &mut Room,
    groups: &BTreeSet<GroupId>,
    without: Option<GroupId>,
    barred: Option<&str>,
) {
    let comes = |room: &Room, group| -> Vec<&'static str> {
        let members = room.members(group).into_iter();
        members
            .filter(|name| Some(*name) != barred)
            .take(2)
            .collect()
    };
    let kept_out = without.is_some_and(GroupId::is_pin_room);
    if groups.iter().any(|group| group.is_pin_room()) && !kept_out {
        let [operator, supervisor] = GroupId::PIN_ROOM.map(|group| comes(room, group)[0]);
        room.try_pin_logon(operator, supervisor).unwrap();
    }
    for group in groups {
        if Some(*group) != without && !group.is_pin_room() {
            let come = comes(room, *group);
            room.logon(*group, &come);
        }
    }
}

/// One action in the hands of people who may not.
pub struct Trial<A> {
    make: fn(&Room) -> A,
    /// Another act of the same kind that needs the same people.
    other: Option<fn(&mut A)>,
}

impl<A: Action> Trial<A> {
    fn new(make: fn(&Room) -> A, other: Option<fn(&mut A)>) -> Self {
        Self { make, other }
    }

    /// A station, with a PIN room where the act is one of it.
    fn founded(&self) -> Room {
        let of_pin_room = |(name, ..): &rows::Row| *name == A::NAME;
        Room::copied(pin_rows::ROWS.iter().any(of_pin_room))
    }

    /// A room with these groups logged on, and the action for it. `barred` does
    /// not come, so that the card can be suspended.
    fn room(&self, without: Option<GroupId>, barred: Option<&str>) -> (Room, A, Wanted) {
        let mut room = self.founded();
        let action = (self.make)(&room);
        let wanted = Wanted::of(&room, &action);
        if let Some(name) = barred {
            let by = ["Ada", "Ben"].into_iter().find(|by| *by != name).unwrap();
            suspend(&mut room, name, by);
            room.reopen();
        }
        // The key managers write the mandate, also where they are not needed.
        let writes = wanted.mandate.is_some() && without != Some(GroupId::KeyManagers);
        let mut groups = wanted.groups.clone();
        if writes {
            groups.insert(GroupId::KeyManagers);
        }
        // People who are named sign whoever is logged on; somebody has to be.
        if groups.is_empty() && wanted.signed() {
            groups.insert(GroupId::Auditors);
        }
        logon(&mut room, &groups, without, barred);
        if let (true, Some(ceremony)) = (writes, wanted.mandate) {
            self.mandate(&mut room, ceremony, A::NAME, false);
        }
        (room, action, wanted)
    }

    fn mandate(&self, room: &mut Room, ceremony: Id, covers: &str, closed: bool) {
        let mandate = OpenMandate {
            ceremony,
            covers: covers.into(),
            units: 9,
            expires_ms: room::START_MS + 24 * 3600 * 1000,
            closed,
            before_a_restore: false,
            barred: Vec::new(),
        };
        room.perform(&mandate, &Warrant::default()).unwrap();
    }

    /// All of it.
    fn run(&self, who: &str) {
        let (_, _, wanted) = self.room(None, None);
        // Else a weaker demand would be tried as thoroughly as a right one.
        assert_eq!(wanted.words(), who, "{}", A::NAME);
        self.without_each_group();
        self.by_strangers();
        self.without_the_mandate();
        if wanted.signed() {
            self.with_too_few();
            self.with_one_person_twice();
            self.with_old_signatures();
            self.with_signatures_for_something_else();
            self.with_a_barred_card();
            self.a_second_time();
        } else {
            self.with_signatures_that_nobody_checks();
        }
    }

    fn without_each_group(&self) {
        let (_, _, wanted) = self.room(None, None);
        for group in &wanted.groups {
            let (mut room, action, _) = self.room(Some(*group), None);
            let why = refused(&mut room, &action, &Warrant::default());
            // The PIN room's two come together, or neither.
            let missing = |why: &Refusal| match why {
                Refusal::NotLoggedOn(g) => g == group || g.is_pin_room() && group.is_pin_room(),
                other => *other == Refusal::NoMandate,
            };
            assert!(missing(&why), "{} without {group}: {why}", A::NAME);
        }
    }

    /// Every group that is not wanted is there, and none of those that are.
    fn by_strangers(&self) {
        let mut room = self.founded();
        let action = (self.make)(&room);
        let wanted = Wanted::of(&room, &action);
        if wanted.groups.is_empty() {
            // Good for a locked station too: its signatures are in the act
            // itself, and its own test looks at them.
            // Or people named in the act sign it, whoever is logged on.
            assert!(
                wanted.signed() || rows::OWN_SIGNATURES.contains(&A::NAME),
                "{} is open to all",
                A::NAME
            );
            return;
        }
        let nobody = refused(&mut room, &action, &Warrant::default());
        let expected = |why: &Refusal| matches!(why, Refusal::NotLoggedOn(_) | Refusal::NoMandate);
        assert!(expected(&nobody), "{}: {nobody}", A::NAME);
        for group in SECRET_GROUPS {
            // Those who recover a station open everything, and still are none
            // of the people who must stand behind the act.
            if !wanted.groups.contains(&group) {
                room.logon_all(&[group]);
            }
        }
        let why = refused(&mut room, &action, &Warrant::default());
        assert!(expected(&why), "{}: {why}", A::NAME);
    }

    fn without_the_mandate(&self) {
        let (_, _, wanted) = self.room(None, None);
        let Some(ceremony) = wanted.mandate else {
            return;
        };
        let none = Warrant::default();
        // None at all; of another ceremony; for another action; over; expired;
        // with the clock set back.
        type Spoil<A> = fn(&Trial<A>, &mut Room, Id);
        let spoils: [(&str, Spoil<A>); 4] = [
            ("over", |t, room, id| t.mandate(room, id, A::NAME, true)),
            ("another", |t, room, id| t.mandate(room, id, "other", false)),
            ("expired", |_, room, _| room.clock.pass(25 * 3600 * 1000)),
            ("set back", |_, room, _| room.clock.set(room::START_MS - 1)),
        ];
        for (name, spoil) in spoils {
            let (mut room, action, _) = self.room(None, None);
            spoil(self, &mut room, ceremony);
            let why = refused(&mut room, &action, &none);
            assert_eq!(why, Refusal::NoMandate, "{} {name}", A::NAME);
        }
        let mut room = self.founded();
        let action = (self.make)(&room);
        logon(&mut room, &wanted.groups, None, None);
        assert_eq!(refused(&mut room, &action, &none), Refusal::NoMandate);
        if wanted.groups.contains(&GroupId::KeyManagers) {
            self.mandate(&mut room, Id([0xEE; 16]), A::NAME, false);
            assert_eq!(refused(&mut room, &action, &none), Refusal::NoMandate);
        }
    }

    fn with_too_few(&self) {
        let (mut room, action, wanted) = self.room(None, None);
        let why = refused(&mut room, &action, &Warrant::default());
        assert_eq!(why, Refusal::NotProposed, "{}", A::NAME);
        for gone in 0..wanted.signers.len() {
            let mut signers = wanted.signers.clone();
            let (name, group) = signers.remove(gone);
            let signed = warrant(&mut room, &action, &signers);
            let why = refused(&mut room, &action, &signed);
            let expected = matches!(&why, Refusal::TooFew { group: g, .. } if *g == group)
                || why == Refusal::PersonMissing;
            assert!(expected, "{} without {name}: {why}", A::NAME);
        }
    }

    fn with_one_person_twice(&self) {
        let (mut room, action, wanted) = self.room(None, None);
        for at in 0..wanted.signers.len() {
            let mut signers = wanted.signers.clone();
            signers.push(signers[at]);
            let signed = warrant(&mut room, &action, &signers);
            let why = refused(&mut room, &action, &signed);
            assert_eq!(why, Refusal::Twice, "{}", A::NAME);
        }
        // In the place of a colleague, who stayed away.
        if let [first, second, ..] = wanted.signers.as_slice() {
            let mut signers = wanted.signers.clone();
            signers[1] = (first.0, second.1);
            let signed = warrant(&mut room, &action, &signers);
            let why = refused(&mut room, &action, &signed);
            let expected = matches!(why, Refusal::Twice | Refusal::Misfit(_));
            assert!(expected, "{}: {why}", A::NAME);
        }
    }

    fn with_old_signatures(&self) {
        let (mut room, action, wanted) = self.room(None, None);
        let signed = warrant(&mut room, &action, &wanted.signers);
        room.clock.pass(PROPOSAL_MS + 1);
        let why = refused(&mut room, &action, &signed);
        assert_eq!(why, Refusal::Stale, "{}", A::NAME);
    }

    fn with_signatures_for_something_else(&self) {
        let (mut room, action, wanted) = self.room(None, None);
        let mut others = Vec::new();
        if let Some(change) = self.other {
            let mut other = (self.make)(&room);
            change(&mut other);
            assert_eq!(other.authority(), action.authority(), "{}", A::NAME);
            others.push(warrant(&mut room, &other, &wanted.signers));
        }
        let other = Change::new(Compartment::Catalogue, "x", &wanted.needs());
        others.push(warrant(&mut room, &other, &wanted.signers));
        for signed in others {
            let why = refused(&mut room, &action, &signed);
            assert!(matches!(why, Refusal::Misfit(_)), "{}: {why}", A::NAME);
            // Moved under a proposal of this very act.
            let moved = Warrant {
                proposal: Some(room.propose(&action)),
                approvals: signed.approvals,
            };
            let why = refused(&mut room, &action, &moved);
            assert!(matches!(why, Refusal::Misfit(_)), "{}: {why}", A::NAME);
        }
    }

    fn with_a_barred_card(&self) {
        let (_, _, wanted) = self.room(None, None);
        for (name, _) in &wanted.signers {
            let (mut room, action, _) = self.room(None, Some(name));
            let signed = warrant(&mut room, &action, &wanted.signers);
            let why = refused(&mut room, &action, &signed);
            assert_eq!(why, Refusal::Barred, "{} with {name}", A::NAME);
        }
    }

    /// Whatever becomes of the act, its signatures are used up once it began.
    fn a_second_time(&self) {
        let (mut room, action, wanted) = self.room(None, None);
        let signed = warrant(&mut room, &action, &wanted.signers);
        let before = room.entries();
        let first = room.perform(&action, &signed);
        let refused_before = matches!(first, Err(DoorError::Refused(_)));
        assert!(
            !refused_before,
            "{}: the right people are let through",
            A::NAME
        );
        let began = room.entries() > before + 1;
        let second = room.perform(&action, &signed);
        let replayed = matches!(second, Err(DoorError::Refused(Refusal::Replayed)));
        let again = matches!(second, Err(DoorError::Failed(_)));
        assert!(replayed || !began && again, "{}", A::NAME);
    }

    fn with_signatures_that_nobody_checks(&self) {
        let (mut room, action, wanted) = self.room(None, None);
        let Some(group) = wanted.groups.first() else {
            return;
        };
        let name = room.members(*group)[0];
        let signed = warrant(&mut room, &action, &[(name, *group)]);
        let why = refused(&mut room, &action, &signed);
        assert_eq!(why, Refusal::NotNeeded, "{}", A::NAME);
    }
}

fn all_rows() -> impl Iterator<Item = &'static rows::Row> {
    rows::ROWS.iter().chain(pin_rows::ROWS)
}

/// All rows but the PIN room's, in two halves for two cores.
fn halves() -> (&'static [rows::Row], &'static [rows::Row]) {
    rows::ROWS.split_at(rows::ROWS.len() / 2)
}

#[test]
fn who_may_not_is_refused_at_every_action() {
    for (_, who, row) in halves().0 {
        row(who);
    }
}

#[test]
fn who_may_not_is_refused_at_every_other_action() {
    for (_, who, row) in halves().1 {
        row(who);
    }
}

#[test]
fn who_may_not_is_refused_in_the_pin_room() {
    for (_, who, row) in pin_rows::ROWS {
        row(who);
    }
}

/// R13: who has, or had, a part of the key is none of those who open its ceremony, and
/// it is the record that says who that is.
#[test]
fn whoever_has_a_part_of_the_key_does_not_open_its_ceremony() {
    let mut room = Room::copied(false);
    let (mut step, mut open) = rows::a_ceremony_on_record(&room);
    let ben = room.holder("Ben").person.id;
    step.state.parameters.held = vec![(ben, 1)];
    open.ceremony = step.state.ceremony;
    open.parameters = step.state.parameters_digest().unwrap();
    open.barred = step.state.had_parts();
    assert!(open.barred.contains(&ben));
    room.logon_all(&[GroupId::KeyManagers, GroupId::Approvers]);
    let by = |approver| {
        [
            ("Dora", GroupId::KeyManagers),
            ("Emil", GroupId::KeyManagers),
            ("Ada", GroupId::Approvers),
            (approver, GroupId::Approvers),
        ]
    };
    let failed = |room: &mut Room, act: &OpenCeremony| {
        let signed = warrant(room, act, &by("Ben"));
        match room.perform(act, &signed) {
            Err(DoorError::Failed(error)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let mut nobody = open.clone();
    nobody.barred.clear();
    assert!(failed(&mut room, &nobody).contains("no such ceremony"));
    room.perform(&step, &Warrant::default()).unwrap();
    // Named to nobody, or without the one who wants to sign.
    assert!(failed(&mut room, &nobody).contains("(R13)"));
    nobody.barred = open.barred.clone();
    nobody.barred.retain(|person| *person != ben);
    assert!(failed(&mut room, &nobody).contains("(R13)"));
    // Another cast than the one on record.
    nobody.parameters.0[0] ^= 1;
    assert!(failed(&mut room, &nobody).contains("another cast"));
    let signed = warrant(&mut room, &open, &by("Ben"));
    assert_eq!(refused(&mut room, &open, &signed), Refusal::Concerned);
    let signed = warrant(&mut room, &open, &by("Cid"));
    room.perform(&open, &signed).unwrap();
}

/// All sources, one after the other.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|e| e == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// What stands between quotes behind these words, or the constant that does.
fn named(text: &str, block: &str, words: &str) -> String {
    let value = block.split(words).nth(1).unwrap();
    let value = value.split(';').next().unwrap().trim();
    match value.strip_prefix('"') {
        Some(quoted) => quoted.trim_end_matches('"').to_owned(),
        None => named(text, text, &format!("pub const {value}: &str = ")),
    }
}

#[test]
fn every_action_has_its_row() {
    let mut text = String::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut text,
    );
    let found: BTreeSet<String> = text
        .split("impl Action for ")
        .skip(1)
        .map(|block| named(&text, block, "const NAME: &'static str = "))
        .collect();
    assert!(found.len() > 10, "{found:?}");
    let rows: BTreeSet<String> = all_rows().map(|(n, ..)| (*n).to_owned()).collect();
    assert_eq!(
        found, rows,
        "an action and its row in tests/hostile/rows.rs"
    );
}

#[test]
fn the_auditors_page_says_who_stands_behind_each_action() {
    let page = include_str!("../docs/auditors.md");
    let table: Vec<String> = page
        .lines()
        .skip_while(|line| !line.starts_with("| action |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(str::to_owned)
        .collect();
    let rows: Vec<String> = all_rows()
        .map(|(name, who, _)| format!("| `{name}` | {who} |"))
        .collect();
    assert_eq!(table, rows, "{}", rows.join("\n"));
}
