//! Sets of parts of a key: split again, shared, replaced, void, destroyed.
//!
//! Each set is drawn afresh, so parts of two sets never go together. Whoever
//! held a part keeps their place in all sets of the key: nobody comes nearer
//! to it by an exchange of sheets (R4).

use conclave_evidence::Id;
use serde::{Deserialize, Serialize};

use super::key::{Component, ComponentState, KeyRecord, KeyState};

/// What becomes of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetState {
    /// Its ceremony is not closed yet: nobody may rely on it.
    Coming,
    /// In custody.
    Kept,
    /// Another set stands in its place: its sheets are to be destroyed.
    Former,
    /// Its ceremony was interrupted: its sheets are to be destroyed.
    Void,
}

/// A sheet that was destroyed, unopened where it was sealed (R15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destroyed {
    /// Which part.
    pub index: u8,
    /// The package's serial, as all typed it.
    pub serial: String,
    /// Who did it and who saw it: names.
    pub by: Vec<String>,
    /// In which ceremony.
    pub ceremony: Id,
    /// When, wall clock.
    pub at_ms: u64,
}

/// One set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSet {
    /// The ceremony that printed it, by which it is named.
    pub ceremony: Id,
    /// Any so many parts make the key; nothing where all are needed: XOR
    /// components.
    pub quorum: Option<u8>,
    /// What becomes of it.
    pub state: SetState,
    /// Its parts, and who holds them.
    pub parts: Vec<Component>,
    /// Since when it is in this state, wall clock.
    pub since_ms: u64,
    /// Its sheets that were destroyed.
    #[serde(default)]
    pub destroyed: Vec<Destroyed>,
}

impl PartSet {
    /// TRUE for a sheet that left the printer and is to be destroyed.
    fn is_left(&self, part: &Component) -> bool {
        matches!(self.state, SetState::Former | SetState::Void)
            && !matches!(
                part.state,
                ComponentState::Waiting | ComponentState::Returned | ComponentState::Destroyed
            )
            && self.destroyed.iter().all(|d| d.index != part.index)
    }

    /// The sheets of a former or void set that are not destroyed yet.
    #[must_use]
    pub fn left(&self) -> Vec<&Component> {
        self.parts.iter().filter(|p| self.is_left(p)).collect()
    }

    /// `3 components`, `5 shares, any 3 of them`.
    #[must_use]
    pub fn words(&self) -> String {
        match self.quorum {
            None => format!("{} components", self.parts.len()),
            Some(m) => format!("{} shares, any {m} of them", self.parts.len()),
        }
    }
}

impl KeyRecord {
    /// Every part that somebody holds or ever held. What never came out of the
    /// printer was in nobody's hands.
    pub fn parts_ever(&self) -> impl Iterator<Item = &Component> {
        let others = self.others.iter().flat_map(|set| {
            let void = set.state == SetState::Void;
            let held = move |p: &&Component| !void || p.state != ComponentState::Waiting;
            set.parts.iter().filter(held)
        });
        self.components.iter().chain(others)
    }

    /// TRUE when `person` ever held another part of this key than `index`, of
    /// whatever set, or might open one as its backup.
    #[must_use]
    pub fn held_other_part(&self, person: Id, index: u8) -> bool {
        self.parts_ever()
            .any(|c| c.index != index && c.ever().any(|id| id == person))
    }

    /// TRUE when `person` ever held a part of it, or might open one.
    #[must_use]
    pub fn ever_held(&self, person: Id) -> bool {
        self.parts_ever().any(|c| c.ever().any(|id| id == person))
    }

    /// The key is void: the sheets that were printed of it have no use, and are
    /// to be destroyed. A partner's own papers stay, they may be typed again.
    pub fn void_sheets(&mut self, at_ms: u64) {
        let printed = |c: &&Component| c.printed_ms.is_some() && c.state != ComponentState::Waiting;
        let parts = self.components.iter().filter(printed).cloned().collect();
        self.give_up(parts, SetState::Void, at_ms);
    }

    /// The key is destroyed: every sheet that is in custody is to be destroyed
    /// after it.
    pub fn give_sheets_up(&mut self, at_ms: u64) {
        for set in &mut self.others {
            if matches!(set.state, SetState::Kept | SetState::Coming) {
                set.state = SetState::Former;
                set.since_ms = at_ms;
            }
        }
        let there = |c: &&Component| c.state != ComponentState::Waiting;
        let parts = self.components.iter().filter(there).cloned().collect();
        self.give_up(parts, SetState::Former, at_ms);
    }

    /// Of a void key that is destroyed later they are given up already.
    fn give_up(&mut self, parts: Vec<Component>, state: SetState, at_ms: u64) {
        let ceremony = self.commitment_subject();
        if parts.is_empty() || self.set(ceremony).is_some() {
            return;
        }
        self.others.push(PartSet {
            ceremony,
            quorum: None,
            state,
            parts,
            since_ms: at_ms,
            destroyed: Vec::new(),
        });
    }

    /// The set of this ceremony.
    #[must_use]
    pub fn set(&self, ceremony: Id) -> Option<&PartSet> {
        self.others.iter().find(|s| s.ceremony == ceremony)
    }

    /// The set of this ceremony, to change it.
    pub fn set_mut(&mut self, ceremony: Id) -> Option<&mut PartSet> {
        self.others.iter_mut().find(|s| s.ceremony == ceremony)
    }

    /// The parts that a ceremony prints: of the set that is coming with it, or
    /// of the key that it makes.
    #[must_use]
    pub fn printed_in(&self, ceremony: Id) -> &[Component] {
        match self.set(ceremony) {
            Some(set) => &set.parts,
            None => &self.components,
        }
    }

    /// See [`KeyRecord::printed_in`].
    pub fn printed_in_mut(&mut self, ceremony: Id) -> &mut [Component] {
        match self.others.iter().position(|s| s.ceremony == ceremony) {
            Some(at) => self
                .others
                .get_mut(at)
                .map_or(&mut [], |set| set.parts.as_mut_slice()),
            None => &mut self.components,
        }
    }

    /// The sheets that lie in no package: those that this ceremony printed, and
    /// those that it opened, of whatever set.
    pub fn waiting_for_package(&mut self, ceremony: Id) -> impl Iterator<Item = &mut Component> {
        let own = self.others.iter().any(|s| s.ceremony == ceremony);
        let sets = self
            .others
            .iter_mut()
            .map(move |set| (set.ceremony == ceremony, &mut set.parts));
        std::iter::once((!own, &mut self.components))
            .chain(sets)
            .flat_map(move |(prints, parts)| {
                parts.iter_mut().filter(move |c| {
                    (prints && c.state == ComponentState::Printed) || c.opened == Some(ceremony)
                })
            })
    }

    /// The parts in custody: of a kept set by its ceremony, otherwise the
    /// components.
    #[must_use]
    pub fn in_custody(&self, set: Option<Id>) -> &[Component] {
        match set {
            None => &self.components,
            Some(ceremony) => self
                .set(ceremony)
                .filter(|s| s.state == SetState::Kept)
                .map_or(&[], |s| s.parts.as_slice()),
        }
    }

    /// See [`KeyRecord::in_custody`].
    pub fn in_custody_mut(&mut self, set: Option<Id>) -> &mut [Component] {
        match set {
            None => &mut self.components,
            Some(ceremony) => self
                .set_mut(ceremony)
                .filter(|s| s.state == SetState::Kept)
                .map_or(&mut [], |s| s.parts.as_mut_slice()),
        }
    }

    /// The sheets that are somewhere: in custody, and those of former and void sets that
    /// wait for their destruction; each with its set, nothing for the components.
    pub fn sheets(&self) -> impl Iterator<Item = (Option<&PartSet>, &Component)> {
        // Those of a key that is void or destroyed lie in the set that was given up.
        let kept = !matches!(self.state, KeyState::Void | KeyState::Destroyed);
        let own = self.components.iter().filter(move |_| kept);
        let others = self.others.iter().flat_map(|set| {
            let here = move |part: &&Component| set.state == SetState::Kept || set.is_left(part);
            let parts = set.parts.iter().filter(here);
            parts.map(move |part| (Some(set), part))
        });
        own.map(|part| (None, part)).chain(others)
    }

    /// One of the [sheets](Self::sheets): of a set by its ceremony, otherwise of the
    /// components.
    #[must_use]
    pub fn sheet(&self, set: Option<Id>, index: u8) -> Option<&Component> {
        self.sheets()
            .find(|(of, part)| of.map(|of| of.ceremony) == set && part.index == index)
            .map(|(_, part)| part)
    }

    /// See [`KeyRecord::sheet`].
    pub fn sheet_mut(&mut self, set: Option<Id>, index: u8) -> Option<&mut Component> {
        self.sheet(set, index)?;
        let parts = match set {
            None => &mut self.components,
            Some(ceremony) => &mut self.set_mut(ceremony)?.parts,
        };
        parts.iter_mut().find(|part| part.index == index)
    }

    /// What the commitments to the present components are made with: the key,
    /// or the ceremony in which they were typed or made anew.
    #[must_use]
    pub fn commitment_subject(&self) -> Id {
        match (self.reissued, &self.source) {
            (Some(ceremony), _) => ceremony,
            (None, super::key::KeySource::Here) => self.id,
            (None, _) => self.ceremony,
        }
    }

    /// A ceremony's set is whole: it takes the place of what stood there, which
    /// becomes former.
    pub fn keep(&mut self, ceremony: Id, now_ms: u64) {
        let Some(at) = self
            .others
            .iter()
            .position(|s| s.ceremony == ceremony && s.state == SetState::Coming)
        else {
            return;
        };
        let set = self.others.remove(at);
        if set.quorum.is_some() {
            for old in &mut self.others {
                if old.state == SetState::Kept {
                    old.state = SetState::Former;
                    old.since_ms = now_ms;
                }
            }
            self.others.push(PartSet {
                state: SetState::Kept,
                since_ms: now_ms,
                ..set
            });
            return;
        }
        let old = PartSet {
            ceremony: self.reissued.unwrap_or(self.ceremony),
            quorum: None,
            state: SetState::Former,
            parts: std::mem::replace(&mut self.components, set.parts),
            since_ms: now_ms,
            destroyed: Vec::new(),
        };
        self.reissued = Some(ceremony);
        if !old.parts.is_empty() {
            self.others.push(old);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::form::KeyForm;
    use crate::domain::key::{CheckValue, KeySource, KeyState};
    use conclave_evidence::GroupId;

    fn part(index: u8, person: u8, state: ComponentState) -> Component {
        Component {
            index,
            of: 2,
            kcv: CheckValue {
                value: "08D7B4".into(),
                method: "ENC-ZERO".into(),
            },
            custodian: Id([person; 16]),
            custodian_name: format!("MEMBER-{person}"),
            group: GroupId::CustodiansA,
            state,
            envelope: Some(format!("CE{person:04}")),
            witness: None,
            printed_ms: None,
            sealed_ms: None,
            gone_ms: None,
            commitment: None,
            opened: None,
            proven_ms: None,
            doubted_ms: None,
            quarantine: None,
            backup: None,
            former: Vec::new(),
        }
    }

    fn key() -> KeyRecord {
        KeyRecord {
            id: Id([1; 16]),
            label: "BANK-LAKE.ZMK.001".into(),
            form: KeyForm::Tdes2,
            usage: "K0".into(),
            mode_of_use: "B".into(),
            exportability: "N".into(),
            template: "zmk-tdes2 v1".into(),
            kcv: part(1, 1, ComponentState::Sealed).kcv,
            state: KeyState::Active,
            provider: "software".into(),
            ceremony: Id([2; 16]),
            created_ms: 0,
            expires_ms: u64::MAX,
            recipient_until_ms: None,
            wrapping: None,
            components: vec![
                part(1, 11, ComponentState::Sealed),
                part(2, 12, ComponentState::Sealed),
            ],
            source: KeySource::Here,
            rsa: None,
            successor: None,
            exports: Vec::new(),
            begun_under: std::collections::BTreeSet::new(),
            others: Vec::new(),
            reissued: None,
            compromise: None,
        }
    }

    fn coming(n: u8, quorum: Option<u8>, people: [u8; 2]) -> PartSet {
        PartSet {
            ceremony: Id([n; 16]),
            quorum,
            state: SetState::Coming,
            parts: vec![
                part(1, people[0], ComponentState::Sealed),
                part(2, people[1], ComponentState::Waiting),
            ],
            since_ms: 0,
            destroyed: Vec::new(),
        }
    }

    #[test]
    fn whoever_held_a_part_of_any_set_has_its_place_for_ever() {
        let mut of = key();
        of.others.push(coming(5, None, [13, 14]));
        of.keep(Id([5; 16]), 7);
        assert_eq!(of.reissued, Some(Id([5; 16])));
        assert_eq!(of.commitment_subject(), Id([5; 16]));
        assert_eq!(of.components[0].custodian, Id([13; 16]));
        let former = of.set(Id([2; 16])).unwrap();
        assert_eq!((former.state, former.left().len()), (SetState::Former, 2));
        for (person, place) in [(11, 1), (12, 2), (13, 1), (14, 2)] {
            assert!(!of.held_other_part(Id([person; 16]), place));
            assert!(of.held_other_part(Id([person; 16]), 3 - place));
        }
        assert!(!of.ever_held(Id([15; 16])));
    }

    #[test]
    fn a_sheet_is_found_wherever_it_waits_until_it_is_destroyed() {
        let mut of = key();
        let old = of.ceremony;
        assert!(of.sheet(None, 2).is_some() && of.sheet(Some(old), 2).is_none());
        of.others.push(coming(5, None, [13, 14]));
        assert_eq!(
            of.sheets().count(),
            2,
            "nothing of a set that is on its way"
        );
        of.keep(Id([5; 16]), 7);
        assert_eq!(of.sheets().count(), 4);
        let quarantine = crate::domain::key::Quarantine {
            at_ms: 8,
            found: "CE9999 on it".into(),
        };
        of.sheet_mut(Some(old), 2).unwrap().quarantine = Some(quarantine);
        assert!(of.has_quarantine(), "of an old sheet too");
        of.set_mut(old).unwrap().destroyed.push(Destroyed {
            index: 2,
            serial: "CE9999".into(),
            by: Vec::new(),
            ceremony: Id([6; 16]),
            at_ms: 9,
        });
        assert!(!of.has_quarantine() && of.sheet_mut(Some(old), 2).is_none());
        of.state = KeyState::Destroyed;
        of.give_sheets_up(9);
        assert!(
            of.sheet(None, 1).is_none(),
            "it lies in the set that was given up"
        );
        assert_eq!(of.sheets().count(), 2, "what was never printed is no sheet");
    }

    #[test]
    fn of_a_void_set_only_what_was_printed_was_in_somebodys_hands() {
        let mut of = key();
        let mut set = coming(5, None, [13, 14]);
        set.state = SetState::Void;
        assert_eq!(set.left().len(), 1);
        of.others.push(set);
        assert!(of.held_other_part(Id([13; 16]), 2));
        assert!(!of.ever_held(Id([14; 16])));
        // It is not kept, whatever anybody says.
        of.keep(Id([5; 16]), 7);
        assert_eq!(of.components, key().components);
    }

    #[test]
    fn what_was_printed_of_a_void_key_and_all_of_a_destroyed_one_is_to_be_destroyed() {
        let mut of = key();
        of.components[0].printed_ms = Some(3);
        of.void_sheets(9);
        of.void_sheets(10);
        assert_eq!(of.others.len(), 1);
        let left: Vec<u8> = of.others[0].left().iter().map(|p| p.index).collect();
        assert_eq!((of.others[0].state, left), (SetState::Void, vec![1]));
        of.give_sheets_up(11);
        assert_eq!(of.others.len(), 1, "not twice");

        let mut of = key();
        of.others.push(coming(5, Some(2), [11, 12]));
        of.keep(Id([5; 16]), 7);
        of.give_sheets_up(9);
        let left: usize = of.others.iter().map(|set| set.left().len()).sum();
        assert_eq!(
            (of.others.len(), left),
            (2, 3),
            "one share was never printed"
        );
    }

    #[test]
    fn shares_take_the_place_of_shares_and_leave_the_components() {
        let mut of = key();
        for n in [5, 6] {
            of.others.push(coming(n, Some(2), [11, 12]));
            of.keep(Id([n; 16]), 7);
        }
        assert_eq!(of.components, key().components);
        assert!(of.in_custody(Some(Id([5; 16]))).is_empty());
        assert_eq!(of.in_custody(Some(Id([6; 16]))).len(), 2);
        assert_eq!(of.set(Id([5; 16])).unwrap().state, SetState::Former);
    }
}
