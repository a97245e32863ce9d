//! Machines as trees of files, so that no test asks the one it runs on.

#![allow(dead_code, reason = "each test file takes what it needs")]

use conclave_crypto::secret::{Hardening, Measure, Outcome};
use conclave_keyroom::ports::machine::{Facts, Machine};
use conclave_station::host::machine::HostMachine;

const MEASURES: [Measure; 5] = [
    Measure::NoCoreFile,
    Measure::NotDumpable,
    Measure::NoTracer,
    Measure::AllMemoryLocked,
    Measure::SecretsLocked,
];

/// Every measure in force.
pub fn closed() -> Hardening {
    Hardening {
        measures: MEASURES.map(|measure| (measure, Outcome::Done)).to_vec(),
    }
}

/// Every measure in force but this one.
pub fn without(wanted: Measure) -> Hardening {
    let mut hardening = closed();
    for (measure, outcome) in &mut hardening.measures {
        if *measure == wanted {
            *outcome = Outcome::LimitTooLow(65536);
        }
    }
    hardening
}

/// What the machine in `tests/machines/NAME` says.
pub fn facts(name: &str) -> Facts {
    machine(name).look()
}

/// The machine in `tests/machines/NAME`.
pub fn machine(name: &str) -> HostMachine {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/machines");
    HostMachine::under(format!("{root}/{name}"))
}
