//! The plate of a medium that has no serial number: two people read it, each
//! time the medium is plugged in, and sign what they read.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::MediaError;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use crate::ceremony::action::two_people;
use crate::ceremony::state::Player;

/// What to do where a plate was not read.
pub const PLATE_ADVICE: &str = "let two people read its plate (d, then r), and propose it again";

/// What to do where another medium lies in the port than the one that was looked at.
pub(super) const EXCHANGED_ADVICE: &str = "leave the medium in its port, and read its plate again. Tell the auditors if nobody pulled \
     it";

/// Digits and letters on a plate.
const NUMBER: std::ops::RangeInclusive<usize> = 4..=12;

/// Checks the number on a plate: 4 to 12 of `A-Z` and `0-9`, so that nobody hits
/// it by chance, and it reads the same whoever reads it.
///
/// # Errors
/// [`ActionError::Rule`]
pub fn check_plate_number(number: &str) -> Result<(), ActionError> {
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    if NUMBER.contains(&number.len()) && number.bytes().all(plain) {
        return Ok(());
    }
    Err(ActionError::rule(
        "a plate has a number of 4 to 12 capital letters and digits",
        "type it as it stands on the plate, without spaces",
    ))
}

/// A number, and who read it, each alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlateRead {
    /// As both typed it.
    pub number: String,
    /// Which plugging in they looked at, see
    /// [`conclave_keyroom::ports::media::KnownBy::Port`]: what they sign holds
    /// for that medium, and for none that takes its place meanwhile.
    pub appeared: u64,
    /// Who typed it.
    pub by: Vec<Player>,
}

impl PlateRead {
    /// For those who sign.
    #[must_use]
    pub fn words(&self) -> String {
        let by: Vec<&str> = self.by.iter().map(|p| p.name.as_str()).collect();
        format!("plate {}, read by {}", self.number, by.join(" and "))
    }

    /// A number, read by two.
    ///
    /// # Errors
    /// [`ActionError::Rule`]
    pub fn check(&self) -> Result<(), ActionError> {
        check_plate_number(&self.number)?;
        two_people(&self.by, "a plate is read")
    }
}

/// Says that the medium in a port is the enrolled one: two read its plate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadPlate {
    /// The medium's record.
    pub medium: Id,
    /// Its name, for the words.
    pub name: String,
    /// The number, and who read it; both sign.
    pub read: PlateRead,
}

impl Action for ReadPlate {
    const NAME: &'static str = "read-plate";
    type Out = ();

    fn authority(&self) -> Authority {
        let people = self.read.by.iter();
        let mut parts: Vec<Authority> = people.map(|p| Authority::Person(p.id, p.group)).collect();
        if parts.len() < 2 {
            // Fewer than two are refused; until then nobody gets in by naming none.
            parts.push(Authority::Quorum(GroupId::Administrators));
        }
        Authority::All(parts)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("the medium that is plugged in is {}", self.name),
            self.read.words(),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        self.read.check()?;
        let medium: MediumRecord = permit.get(Compartment::Directory, self.medium)?;
        let Some(plate) = &medium.plate else {
            return Err(ActionError::rule(
                format!("{} has a serial number of its own", medium.name),
                "its plate need not be read",
            ));
        };
        if *plate != self.read.number {
            return Err(ActionError::rule(
                format!("this is not the plate of {}", medium.name),
                "take the medium out: another one is in its port. Tell the auditors if nobody \
                 knows how it came there",
            ));
        }
        let serial = &medium.serial;
        ports
            .media
            .plate_was_read(&*permit, serial, self.read.appeared)
            .map_err(|error| ActionError::Device {
                what: error.to_string(),
                advice: match error {
                    MediaError::Exchanged => EXCHANGED_ADVICE,
                    _ => "plug the medium into the port that it was enrolled in",
                }
                .into(),
            })
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("{} until it is pulled", self.name)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plate_has_a_number_that_nobody_hits_by_chance() {
        for good in ["0417", "A1B2C3", "123456789012"] {
            assert!(check_plate_number(good).is_ok(), "{good}");
        }
        for bad in ["", "417", "1234567890123", "04 17", "ab12", "04-17", "ÄB12"] {
            assert!(check_plate_number(bad).is_err(), "{bad}");
        }
    }
}
