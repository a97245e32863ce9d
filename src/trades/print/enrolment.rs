//! Which printer may do which work: one purpose a device, for ever (R10).

use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::{
    PrinterLanguage, PrinterPurpose, PrinterRecord, RetiredPrinter,
};
use conclave_keyroom::door::Permit;
use conclave_keyroom::vault::{Compartment, VaultError};

use super::ipp::Loopback;

/// Why a printer is refused before anything is sent to it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrolmentError {
    /// No printer of this name is enrolled.
    #[error("no printer {0} is enrolled")]
    Unknown(String),
    /// Enrolled for something else.
    #[error("{name} is enrolled for {}, not for {}", .has.words(), .wanted.words())]
    Purpose {
        /// The printer's name.
        name: String,
        /// What it is for.
        has: PrinterPurpose,
        /// What was to be printed.
        wanted: PrinterPurpose,
    },
    /// The same device, serial or name is enrolled a second time: a printer
    /// of components is used for nothing else.
    #[error("{name} is shared: {other} is the same device, serial or name")]
    Shared {
        /// The printer's name.
        name: String,
        /// The other record's name.
        other: String,
    },
    /// A printer behind another program, for something that has secrets.
    #[error(
        "{0} is reached through another program of this computer: it prints reports, as PDF, and \
         nothing else"
    )]
    Loopback(String),
    /// A training device on a PRODUCTION station.
    #[error("{0} is a training printer, and this is a PRODUCTION station")]
    Training(String),
}

/// The printers that administrators have enrolled.
///
/// # Errors
/// [`VaultError`]
pub(crate) fn on_record(permit: &Permit<'_>) -> Result<Vec<PrinterRecord>, VaultError> {
    let all = permit.list::<PrinterRecord>(Compartment::Directory, PrinterRecord::KIND)?;
    Ok(all.into_iter().map(|(_, record)| record).collect())
}

/// The printers that were retired.
///
/// # Errors
/// [`VaultError`]
pub(crate) fn retired(permit: &Permit<'_>) -> Result<Vec<RetiredPrinter>, VaultError> {
    let all = permit.list::<RetiredPrinter>(Compartment::Directory, RetiredPrinter::KIND)?;
    Ok(all.into_iter().map(|(_, record)| record).collect())
}

/// Checks a printer that is to be enrolled against those that were retired: its
/// purpose is for ever, and a name means one printer in the journal.
///
/// # Errors
/// [`EnrolmentError::Shared`], [`EnrolmentError::Purpose`]
pub fn may_return(retired: &[RetiredPrinter], new: &PrinterRecord) -> Result<(), EnrolmentError> {
    for old in retired.iter().map(|one| &one.printer) {
        if old.serial == new.serial && old.purpose != new.purpose {
            return Err(EnrolmentError::Purpose {
                name: old.name.clone(),
                has: old.purpose,
                wanted: new.purpose,
            });
        }
        if old.name == new.name && old.serial != new.serial {
            return Err(EnrolmentError::Shared {
                name: new.name.clone(),
                other: old.name.clone(),
            });
        }
    }
    Ok(())
}

/// TRUE when both records mean one device. The nodes of training printers are
/// dealt out anew at each start, so they tell nothing.
fn same(a: &PrinterRecord, b: &PrinterRecord) -> bool {
    let node = a.device == b.device && !(a.training && b.training);
    node || a.serial == b.serial || a.name == b.name
}

/// Checks a printer that is to be enrolled against those on record.
///
/// # Errors
/// [`EnrolmentError::Shared`], [`EnrolmentError::Training`]
pub fn may_enrol(
    mode: Mode,
    enrolled: &[PrinterRecord],
    new: &PrinterRecord,
) -> Result<(), EnrolmentError> {
    if new.training && mode == Mode::Production {
        return Err(EnrolmentError::Training(new.name.clone()));
    }
    let reports = new.purpose == PrinterPurpose::Reports && new.language == PrinterLanguage::Pdf;
    let at = Loopback::parse(&new.device).is_ok();
    if new.is_loopback() && !(reports && at) {
        return Err(EnrolmentError::Loopback(new.name.clone()));
    }
    match enrolled.iter().find(|other| same(other, new)) {
        Some(other) => Err(EnrolmentError::Shared {
            name: new.name.clone(),
            other: other.name.clone(),
        }),
        None => Ok(()),
    }
}

/// The enrolled printer `name`, if it may do this work: its purpose, its mode,
/// and no second record of the same device.
///
/// # Errors
/// [`EnrolmentError`]
pub fn fit<'r>(
    mode: Mode,
    enrolled: &'r [PrinterRecord],
    name: &str,
    wanted: PrinterPurpose,
) -> Result<&'r PrinterRecord, EnrolmentError> {
    let record = enrolled
        .iter()
        .find(|record| record.name == name)
        .ok_or_else(|| EnrolmentError::Unknown(name.to_owned()))?;
    if record.training && mode == Mode::Production {
        return Err(EnrolmentError::Training(record.name.clone()));
    }
    if record.purpose != wanted {
        return Err(EnrolmentError::Purpose {
            name: record.name.clone(),
            has: record.purpose,
            wanted,
        });
    }
    let twin = enrolled
        .iter()
        .find(|other| other.id != record.id && same(other, record));
    match twin {
        Some(other) => Err(EnrolmentError::Shared {
            name: record.name.clone(),
            other: other.name.clone(),
        }),
        None => Ok(record),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_evidence::Id;

    fn printer(id: u8, name: &str, device: &str, purpose: PrinterPurpose) -> PrinterRecord {
        PrinterRecord {
            id: Id([id; 16]),
            name: name.to_owned(),
            device: device.to_owned(),
            serial: format!("S{id}"),
            purpose,
            language: PrinterLanguage::EscP,
            training: false,
        }
    }

    #[test]
    fn wrong_purpose_shared_training_and_unknown_are_refused() {
        use PrinterPurpose::{Components, Reports};
        let parts = printer(1, "KOMP-1", "/dev/usb/lp0", Components);
        let reports = printer(2, "REP-1", "/dev/usb/lp1", Reports);
        let both = [parts.clone(), reports.clone()];
        let get = |list: &[PrinterRecord], name| {
            fit(Mode::Production, list, name, Components).map(|r| r.name.clone())
        };
        assert_eq!(get(&both, "KOMP-1"), Ok("KOMP-1".to_owned()));
        assert!(matches!(
            get(&both, "REP-1"),
            Err(EnrolmentError::Purpose { .. })
        ));
        assert!(matches!(get(&both, "X"), Err(EnrolmentError::Unknown(_))));

        let mut twin = printer(3, "REP-2", "/dev/usb/lp0", Reports);
        assert!(matches!(
            may_enrol(Mode::Production, &both, &twin),
            Err(EnrolmentError::Shared { .. })
        ));
        let shared = [parts.clone(), twin.clone()];
        assert!(matches!(
            get(&shared, "KOMP-1"),
            Err(EnrolmentError::Shared { .. })
        ));

        // Two starts of the training room may deal one node to both.
        twin.device = "/dev/pts/7".to_owned();
        twin.training = true;
        let mut earlier = twin.clone();
        (earlier.id, earlier.serial) = (Id([4; 16]), "S4".to_owned());
        earlier.name = "KOMP-2".to_owned();
        assert!(may_enrol(Mode::Test, &[earlier.clone()], &twin).is_ok());
        earlier.serial = twin.serial.clone();
        assert!(may_enrol(Mode::Test, &[earlier], &twin).is_err());
        assert!(may_enrol(Mode::Test, &both, &twin).is_ok());
        assert!(matches!(
            may_enrol(Mode::Production, &both, &twin),
            Err(EnrolmentError::Training(_))
        ));
    }

    #[test]
    fn a_retired_printer_keeps_its_purpose_and_its_name_and_frees_its_socket() {
        use PrinterPurpose::{Components, Pins};
        let old = printer(1, "MAIL-1", "/dev/usb/lp0", Pins);
        let gone = [RetiredPrinter {
            printer: old.clone(),
            at_ms: 1,
            reason: "it broke".into(),
        }];
        let mut again = printer(2, "MAIL-2", "/dev/usb/lp0", Components);
        assert_eq!(
            may_return(&gone, &again),
            Ok(()),
            "another one at its socket"
        );
        again.name = old.name.clone();
        assert!(matches!(
            may_return(&gone, &again),
            Err(EnrolmentError::Shared { .. })
        ));
        again.serial = old.serial.clone();
        assert!(matches!(
            may_return(&gone, &again),
            Err(EnrolmentError::Purpose { .. })
        ));
        again.purpose = Pins;
        assert_eq!(may_return(&gone, &again), Ok(()), "it was mended");
    }

    #[test]
    fn a_printer_behind_another_program_gets_reports_alone() {
        let at = |device: &str, purpose, language| {
            let mut new = printer(1, "REP-1", device, purpose);
            new.language = language;
            may_enrol(Mode::Production, &[], &new)
        };
        let good = "ipp://127.0.0.1:60000/ipp/print";
        assert_eq!(
            at(good, PrinterPurpose::Reports, PrinterLanguage::Pdf),
            Ok(())
        );
        for (device, purpose, language) in [
            (good, PrinterPurpose::Components, PrinterLanguage::Pdf),
            (good, PrinterPurpose::Pins, PrinterLanguage::Pdf),
            (good, PrinterPurpose::Reports, PrinterLanguage::EscP),
            (
                "ipp://10.0.0.1:631/ipp/print",
                PrinterPurpose::Reports,
                PrinterLanguage::Pdf,
            ),
        ] {
            let refused = at(device, purpose, language);
            assert_eq!(refused, Err(EnrolmentError::Loopback("REP-1".into())));
        }
    }
}
