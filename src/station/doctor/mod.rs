//! The doctor: is this station, and the machine below it, fit for its work?
//!
//! Looking changes nothing and needs nobody logged on. On a PRODUCTION station
//! a red finding keeps every group but the administrators out, until it is put
//! right or [taken upon themselves](exception) by the administrators' quorum.

pub mod check;
pub mod clock;
pub mod exception;
pub mod judge;
pub(crate) mod people;

use conclave_evidence::GroupId;
use conclave_evidence::authority::{CardState, Mode};
use conclave_keyroom::ports::media::FoundMedium;
use conclave_keyroom::provider::Class;
use conclave_keyroom::vault::Compartment;

pub use check::{Check, Finding, Verdict};

use crate::station::Station;
use crate::words;
use exception::ExceptionRecord;

/// What is known of the provider.
#[must_use]
pub fn provider(class: Class) -> Finding {
    if class.is_secure_device() {
        return Finding::green(Check::Provider, class.words());
    }
    Finding::red(
        Check::Provider,
        class.words(),
        "Use a hardware provider, or let the administrators accept this by name and date: every \
         form and the minutes then say so.",
    )
}

/// What came of a draw from the random source under its health tests.
#[must_use]
pub fn random(drawn: Result<(), String>) -> Finding {
    match drawn {
        Ok(()) => Finding::green(
            Check::Random,
            "start-up test passed, no continuous test failed",
        ),
        Err(why) => Finding::red(
            Check::Random,
            why,
            "Do not use this computer. Call the administrators.",
        ),
    }
}

/// `3 readers`, `1 reader`.
fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// Of media that are all enrolled: whether devices and programs on them are nothing but
/// files here.
fn mounted_safely(found: &[FoundMedium], count: &str) -> Finding {
    let mut lacks: Vec<&str> = found
        .iter()
        .flat_map(|medium| medium.lacks.iter().map(String::as_str))
        .collect();
    lacks.sort_unstable();
    lacks.dedup();
    if lacks.is_empty() {
        return Finding::green(Check::Media, format!("{count}, enrolled"));
    }
    Finding::amber(
        Check::Media,
        format!("{count}, enrolled; mounted without {}", lacks.join(", ")),
        "Unmount it, and mount it with nodev, nosuid and noexec: docs, Media.",
    )
}

impl Station {
    /// Every check, in the order of [`Check::ALL`].
    pub fn examine(&mut self) -> Vec<Finding> {
        let drawn = self.door.challenge();
        let mut findings = vec![
            provider(self.door.provider_identity().class),
            self.clock_finding(),
            random(drawn.map(|_| ()).map_err(|error| error.to_string())),
            self.readers_finding(),
            self.cards_finding(),
            self.printers_finding(),
            self.media_finding(),
        ];
        findings.extend(judge::machine(&self.machine.look(), &self.hardening));
        let doubt = findings
            .iter()
            .any(|f| f.check == Check::Clock && f.verdict == Verdict::Red);
        let now = (!doubt).then(|| self.clock.wall_ms());
        for record in self.exceptions() {
            let covered = findings.iter_mut().find(|f| record.covers(f, now));
            if let Some(finding) = covered {
                let until = words::date_time(record.until_ms);
                finding.excepted = Some(format!("until {until} UTC: {}", record.reason));
            }
        }
        findings
    }

    /// Exceptions on record; none where nobody is logged on.
    fn exceptions(&self) -> Vec<ExceptionRecord> {
        let all = self
            .door
            .vault()
            .list::<ExceptionRecord>(Compartment::Directory, ExceptionRecord::KIND);
        all.map(|all| all.into_iter().map(|(_, record)| record).collect())
            .unwrap_or_default()
    }

    pub(crate) fn is_production(&self) -> bool {
        let record = self.door.vault().authority();
        record.is_ok_and(|record| record.mode == Mode::Production)
    }

    /// Why a PRODUCTION station may not work now, where a group is logged on
    /// whose session reads the exceptions; `None` on every other station.
    pub(crate) fn unfit(&mut self) -> Option<String> {
        if !self.is_production() {
            return None;
        }
        let findings = self.examine();
        let red: Vec<String> = findings
            .iter()
            .filter(|f| f.stops_production())
            .map(|f| format!("{} ({})", f.check, f.found))
            .collect();
        (!red.is_empty()).then(|| format!("red, and not accepted: {}", red.join("; ")))
    }

    fn readers_finding(&self) -> Finding {
        let check = Check::Readers;
        let states = match self.readers.states() {
            Ok(states) => states,
            Err(error) => {
                return Finding::red(
                    check,
                    error.to_string(),
                    "Start the card service (pcscd), and plug a reader in.",
                );
            }
        };
        let cards = states.iter().filter(|s| s.card_present).count();
        let found = format!(
            "{}, {} in",
            counted(states.len(), "reader"),
            counted(cards, "card")
        );
        if states.is_empty() {
            return Finding::red(check, "no reader", "Plug a reader in.");
        }
        if states.iter().any(|s| s.training) {
            return Finding::red(
                check,
                format!("{found}; of the training room"),
                "A PRODUCTION station takes real readers: no [training] in station.toml.",
            );
        }
        Finding::green(check, found)
    }

    fn cards_finding(&self) -> Finding {
        let check = Check::Cards;
        let Ok(record) = self.door.vault().authority() else {
            return Finding::green(check, "no card is enrolled yet");
        };
        let live = |card| {
            let entry = record.card(card);
            entry.is_some_and(|c| c.state == CardState::Active)
        };
        let mut short = Vec::new();
        let mut bare = Vec::new();
        for group in record.groups.iter().filter(|g| g.holds_secret) {
            let cards = group.members.iter().filter(|m| live(m.card)).count();
            let told = format!("{} {cards} of {} needed", group.group.title(), group.m);
            match cards.cmp(&usize::from(group.m)) {
                std::cmp::Ordering::Less => short.push(told),
                std::cmp::Ordering::Equal => bare.push(told),
                std::cmp::Ordering::Greater => {}
            }
        }
        if !short.is_empty() {
            return Finding::red(
                check,
                format!("too few live cards: {}", short.join(", ")),
                "Reinstate or replace cards before anything else.",
            );
        }
        if !bare.is_empty() {
            return Finding::amber(
                check,
                format!("none to spare: {}", bare.join(", ")),
                "Enrol another card for the group.",
            );
        }
        Finding::green(check, "every group has a card to spare")
    }

    fn printers_finding(&mut self) -> Finding {
        let check = Check::Printers;
        let found = match self.printers.found() {
            Ok(found) => found,
            Err(error) => {
                return Finding::amber(check, error.to_string(), "Look at cable and power.");
            }
        };
        if found.is_empty() {
            return Finding::amber(check, "none", "Plug in and switch on what will print.");
        }
        let count = counted(found.len(), "printer");
        if found.iter().any(|printer| printer.training) {
            return Finding::red(
                check,
                format!("{count}; of the training room"),
                "A PRODUCTION station takes real printers: no [training] in station.toml.",
            );
        }
        let enrolled = self.enrolled_printers();
        let strange = found
            .iter()
            .filter(|f| !enrolled.iter().any(|e| e.serial == f.serial))
            .count();
        match (self.is_open(), strange) {
            (false, _) => Finding::green(check, count),
            (true, 0) => Finding::green(check, format!("{count}, enrolled")),
            (true, strange) => Finding::amber(
                check,
                format!("{count}, {strange} of them not enrolled"),
                "Enrol it, or unplug it.",
            ),
        }
    }

    fn media_finding(&mut self) -> Finding {
        let check = Check::Media;
        let found = match self.media.found() {
            Ok(found) => found,
            Err(error) => {
                return Finding::amber(check, error.to_string(), "Unplug it, and look again.");
            }
        };
        if found.is_empty() {
            return Finding::green(check, "none plugged in");
        }
        let count = counted(found.len(), "medium");
        if found.iter().any(|medium| medium.training) {
            return Finding::red(
                check,
                format!("{count}; of the training room"),
                "A PRODUCTION station takes real media: no [training] in station.toml.",
            );
        }
        let enrolled = self.enrolled_media();
        let strange = found
            .iter()
            .filter(|f| !enrolled.iter().any(|e| e.serial == f.serial))
            .count();
        match (self.is_open(), strange) {
            (true, 0) => mounted_safely(&found, &count),
            (false, _) => Finding::amber(
                check,
                format!("{count} plugged in"),
                "Unplug it until it is asked for.",
            ),
            (true, _) => Finding::amber(
                check,
                format!("{count}, not enrolled"),
                "Unplug it, or let the administrators enrol it.",
            ),
        }
    }

    /// Whether a group that has just proven itself may stay: on a PRODUCTION
    /// station that is not fit, administrators alone may, to put it right.
    pub(crate) fn turned_away(&mut self, group: GroupId) -> Option<String> {
        if group == GroupId::Administrators {
            return None;
        }
        self.unfit()
    }
}

#[cfg(test)]
mod tests {
    use conclave_keyroom::ports::media::KnownBy;

    use super::*;

    #[test]
    fn a_medium_that_was_mounted_carelessly_is_amber() {
        let medium = |lacks: &[&str]| FoundMedium {
            serial: "S-1".into(),
            known_by: KnownBy::Serial,
            free: 1,
            read_only: false,
            lacks: lacks.iter().map(|lack| (*lack).to_owned()).collect(),
            training: false,
        };
        let good = mounted_safely(&[medium(&[])], "1 medium");
        assert_eq!(good, Finding::green(Check::Media, "1 medium, enrolled"));
        let found = mounted_safely(&[medium(&["nosuid"]), medium(&["noexec", "nosuid"])], "2");
        assert_eq!(found.verdict, Verdict::Amber);
        assert!(found.found.ends_with("mounted without noexec, nosuid"));
    }
}
