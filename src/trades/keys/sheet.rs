//! What became of a sheet that was typed in: kept in a new package, gone back to
//! whom it came from, or destroyed. Until that is on record nobody knows where
//! this part of the key is (R11, R13, R15).

use std::collections::BTreeSet;

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::{Component, ComponentState, KeyRecord, KeyState};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::{Compartment, KeyTraits, KeysOf};
use serde::{Deserialize, Serialize};

use super::retire::change;
use crate::ceremony::state::Player;
use crate::target::{KeyName, rules};

/// What became of a typed sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// Kept here, in a new package of this serial.
    Kept(String),
    /// Gone back to whom it came from, in the package of this serial.
    Returned(String),
    /// Destroyed; unopened in the package of this serial, where it lay in one.
    Destroyed(Option<String>),
}

impl Disposition {
    /// The package's serial.
    #[must_use]
    pub fn package(&self) -> Option<&str> {
        match self {
            Self::Kept(serial) | Self::Returned(serial) => Some(serial),
            Self::Destroyed(serial) => serial.as_deref(),
        }
    }

    /// How many have to see it. A destroyed sheet shows itself to nobody again.
    #[must_use]
    pub fn witnesses(&self) -> usize {
        match self {
            Self::Kept(_) | Self::Returned(_) => 1,
            Self::Destroyed(_) => 2,
        }
    }
}

/// TRUE for a sheet that was typed in here and is still here: in no recorded
/// package, or in one that nobody has opened since.
#[must_use]
pub fn is_typed_sheet(part: &Component) -> bool {
    let typed = part.printed_ms.is_none();
    match part.state {
        ComponentState::Entered => typed,
        ComponentState::Sealed => typed && part.opened.is_none() && part.quarantine.is_none(),
        _ => false,
    }
}

/// Records what became of a typed sheet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSheet {
    /// The key.
    pub key: KeyName,
    /// The ceremony of a set of shares; none for the components.
    pub set: Option<Id>,
    /// Which part, from 1.
    pub index: u8,
    /// What became of its sheet.
    pub disposition: Disposition,
    /// Who has it in their hands: the custodian on record, or the backup.
    pub custodian: Player,
    /// Who saw it, and never held a part of the key: one, and of a destruction
    /// two.
    pub witnesses: Vec<Player>,
}

impl RecordSheet {
    fn part<'r>(&self, record: &'r KeyRecord) -> Result<&'r Component, ActionError> {
        let gone = matches!(record.state, KeyState::Void | KeyState::Destroyed);
        let parts = record.in_custody(self.set).iter();
        parts
            .filter(|part| !gone && is_typed_sheet(part))
            .find(|part| part.index == self.index)
            .ok_or_else(|| {
                ActionError::rule(
                    format!("{} has no typed sheet {} here", record.label, self.index),
                    "Choose one that was typed in, and is in no quarantine.",
                )
            })
    }

    /// The custodian has it, and as many as are needed see it who never had.
    fn check_people(&self, record: &KeyRecord, part: &Component) -> Result<(), ActionError> {
        if !part.may_be_opened_by(self.custodian.id) || part.group != self.custodian.group {
            return Err(ActionError::rule(
                format!(
                    "sheet {} is not in the hands of {}",
                    self.index, self.custodian.name
                ),
                "The custodian on record, or their backup, says where it is (R4).",
            ));
        }
        let held = |w: &&Player| w.group.is_custodian() || record.ever_held(w.id);
        if let Some(holder) = self.witnesses.iter().find(held) {
            return Err(ActionError::rule(
                format!(
                    "{} is no witness: a custodian, or somebody who once held a part of this key (R13)",
                    holder.name
                ),
                "Somebody who never held one has to see it.",
            ));
        }
        let people: BTreeSet<Id> = self.witnesses.iter().map(|w| w.id).collect();
        if people.len() < self.disposition.witnesses() || people.len() != self.witnesses.len() {
            return Err(match self.disposition {
                Disposition::Destroyed(_) => ActionError::rule(
                    "a sheet is destroyed before the eyes of two witnesses (R15)",
                    "Two people who never held a part of the key have to see it.",
                ),
                _ => ActionError::rule(
                    "a sheet is sealed before the eyes of a witness (R13)",
                    "Somebody who never held a part of the key has to see it.",
                ),
            });
        }
        Ok(())
    }

    fn check_package(&self, part: &Component) -> Result<(), ActionError> {
        let package = self.disposition.package();
        if part.state == ComponentState::Sealed {
            if matches!(self.disposition, Disposition::Kept(_)) {
                return Err(ActionError::rule(
                    format!("sheet {} lies in a recorded package already", self.index),
                    "A custody exercise gives it a new one.",
                ));
            }
            if package != part.envelope.as_deref() {
                return Err(ActionError::rule(
                    format!(
                        "the package of sheet {} has another serial than was recorded (R11)",
                        self.index
                    ),
                    "Leave it unopened, and put it into quarantine: w, A package is not as recorded.",
                ));
            }
            return Ok(());
        }
        match (&self.disposition, package) {
            (Disposition::Destroyed(_), Some(_)) => Err(ActionError::rule(
                format!("sheet {} lies in no recorded package", self.index),
                "It is destroyed as it is, without a serial.",
            )),
            (_, Some(serial)) if !good_serial(serial) => Err(ActionError::rule(
                "a serial has 4 to 24 capital letters, digits and hyphens",
                "Read it from the package again.",
            )),
            _ => Ok(()),
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.witnesses.iter().map(|w| w.name.as_str()).collect();
        names.join(" and ")
    }
}

/// As ceremonies take a package's serial.
fn good_serial(serial: &str) -> bool {
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
    (4..=24).contains(&serial.len()) && serial.bytes().all(plain)
}

impl Action for RecordSheet {
    const NAME: &'static str = "record-sheet";
    type Out = ();

    fn authority(&self) -> Authority {
        let mut parts = vec![
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
            Authority::Person(self.custodian.id, self.custodian.group),
        ];
        let witnesses = self.witnesses.iter();
        parts.extend(witnesses.map(|w| Authority::Person(w.id, w.group)));
        Authority::All(parts)
    }

    fn words(&self) -> Vec<String> {
        let sheet = format!(
            "The typed sheet of part {} of {}, {},",
            self.index, self.key.label, self.key.kcv
        );
        let (became, done) = match &self.disposition {
            Disposition::Kept(serial) => (format!("is kept in package {serial}"), "sealed"),
            Disposition::Returned(serial) => (
                format!("goes back to whom it came from, in package {serial}"),
                "sealed and handed over",
            ),
            Disposition::Destroyed(None) => (
                "is destroyed: burnt, pulped or cross-cut".into(),
                "destroyed",
            ),
            Disposition::Destroyed(Some(serial)) => (
                format!("is destroyed, unopened in package {serial}: burnt, pulped or cross-cut"),
                "destroyed",
            ),
        };
        vec![
            format!("{sheet} {became}"),
            format!(
                "{done} by {}, seen by {}, who never held a part of the key",
                self.custodian.name,
                self.names()
            ),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let record: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        rules::same(&self.key, &record)?;
        let part = self.part(&record)?;
        self.check_people(&record, part)?;
        self.check_package(part)?;
        let new = self.disposition.package();
        let Some(serial) = new.filter(|_| part.state == ComponentState::Entered) else {
            return Ok(());
        };
        let keys = beforehand.keys_of(KeysOf::Traits(KeyTraits::PARTS))?;
        let mut ever = keys.iter().flat_map(|(_, key)| key.parts_ever());
        if ever.any(|part| part.envelope.as_deref() == Some(serial)) {
            return Err(ActionError::rule(
                format!("package {serial} was used before (R11)"),
                "Take a new package; its serial counts once.",
            ));
        }
        Ok(())
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let now = permit.now_ms();
        change(permit, self.key.id, |record| {
            let Some(part) = record.sheet_mut(self.set, self.index) else {
                return;
            };
            part.witness = Some(self.names());
            part.envelope = self.disposition.package().map(str::to_owned);
            match &self.disposition {
                Disposition::Kept(_) => {
                    part.state = ComponentState::Sealed;
                    part.sealed_ms = Some(now);
                }
                Disposition::Returned(_) => part.state = ComponentState::Returned,
                Disposition::Destroyed(_) => part.state = ComponentState::Destroyed,
            }
            part.gone_ms = (part.state != ComponentState::Sealed).then_some(now);
        })
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![match &self.disposition {
            Disposition::Kept(serial) => format!("part {} lies in package {serial}", self.index),
            Disposition::Returned(serial) => {
                format!("part {} went back in package {serial}", self.index)
            }
            Disposition::Destroyed(_) => format!("the sheet of part {} is no more", self.index),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::super::packages::tests::sealed_key;
    use super::*;

    fn player(n: u8, group: GroupId) -> Player {
        Player {
            id: Id([n; 16]),
            name: format!("MEMBER-{n}"),
            group,
            reports_to: String::new(),
        }
    }

    /// A key whose first sheet was typed in.
    fn typed() -> KeyRecord {
        let mut key = sealed_key();
        let part = &mut key.components[0];
        part.state = ComponentState::Entered;
        part.printed_ms = None;
        part.envelope = None;
        key
    }

    fn told(key: &KeyRecord, change: &dyn Fn(&mut RecordSheet)) -> String {
        let part = &key.components[0];
        let mut act = RecordSheet {
            key: KeyName::of(key),
            set: None,
            index: part.index,
            disposition: Disposition::Kept("NEW-0001".into()),
            custodian: Player {
                id: part.custodian,
                ..player(0, part.group)
            },
            witnesses: vec![
                player(91, GroupId::Approvers),
                player(92, GroupId::Auditors),
            ],
        };
        change(&mut act);
        let checked = act.part(key).and_then(|part| {
            act.check_people(key, part)?;
            act.check_package(part)
        });
        checked.err().map_or(String::new(), |why| why.to_string())
    }

    #[test]
    fn its_custodian_says_it_and_others_saw_it() {
        let key = typed();
        assert_eq!(told(&key, &|_| {}), "");
        let second = key.components[1].custodian;
        let rows: [(&dyn Fn(&mut RecordSheet), &str); 7] = [
            (&|act| act.index = 7, "no typed sheet 7"),
            (&|act| act.index = 2, "no typed sheet 2"),
            (&|act| act.custodian.id = second, "not in the hands"),
            (&|act| act.witnesses.clear(), "eyes of a witness"),
            (&|act| act.witnesses[0].id = second, "is no witness"),
            (
                &|act| act.witnesses[0].group = GroupId::CustodiansA,
                "is no witness",
            ),
            (
                &|act| act.witnesses[0].id = act.witnesses[1].id,
                "eyes of a witness",
            ),
        ];
        for (change, why) in rows {
            let told = told(&key, change);
            assert!(told.contains(why), "{why}: {told}");
        }
        for state in [KeyState::Void, KeyState::Destroyed] {
            let mut gone = key.clone();
            gone.state = state;
            assert!(told(&gone, &|_| {}).contains("no typed sheet"));
        }
    }

    #[test]
    fn a_destruction_has_two_witnesses() {
        let key = typed();
        let gone = |act: &mut RecordSheet| act.disposition = Disposition::Destroyed(None);
        assert_eq!(told(&key, &gone), "");
        let one = told(&key, &|act| {
            gone(act);
            act.witnesses.pop();
        });
        assert!(one.contains("two witnesses (R15)"), "{one}");
    }

    #[test]
    fn the_serial_is_a_new_one_or_the_one_on_record() {
        let mut key = typed();
        for serial in ["ABC", "new-0001", "NEW 0001", "ABCDEFGHIJKLMNOPQRSTUVWXY"] {
            let told = told(&key, &|act| {
                act.disposition = Disposition::Returned(serial.into());
            });
            assert!(told.contains("4 to 24"), "{serial}: {told}");
        }
        let told_of = |key: &KeyRecord, disposition: &Disposition| {
            told(key, &|act| act.disposition = disposition.clone())
        };
        let in_package = Disposition::Destroyed(Some("NEW-0001".into()));
        assert!(told_of(&key, &in_package).contains("in no recorded package"));
        key.components[0].state = ComponentState::Sealed;
        key.components[0].envelope = Some("NEW-0001".into());
        assert_eq!(told_of(&key, &in_package), "");
        let back = Disposition::Returned("NEW-0001".into());
        assert_eq!(told_of(&key, &back), "");
        let kept = Disposition::Kept("NEW-0002".into());
        assert!(told_of(&key, &kept).contains("recorded package already"));
        for other in [
            Disposition::Destroyed(None),
            Disposition::Destroyed(Some("NEW-0002".into())),
            Disposition::Returned("NEW-0002".into()),
        ] {
            assert!(told_of(&key, &other).contains("another serial"));
        }
        // A printed sheet, an opened package and one in quarantine are no matter of this.
        let change: [&dyn Fn(&mut Component); 3] = [
            &|part| part.printed_ms = Some(1),
            &|part| part.opened = Some(Id([9; 16])),
            &|part| part.state = ComponentState::Returned,
        ];
        for change in change {
            let mut key = key.clone();
            change(&mut key.components[0]);
            assert!(told_of(&key, &back).contains("no typed sheet"));
        }
    }
}
