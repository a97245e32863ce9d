//! A printer breaks for good in the middle of a batch.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::{PrinterLanguage, PrinterPurpose, PrinterRecord};
use conclave_keyroom::domain::layout_approval::LayoutSample;
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::action::{BatchName, ChangeBatchPrinter};
use conclave_trades::print::approval::ApproveLayout;
use conclave_trades::print::{EnrolPrinter, PrintSample, RetirePrinter, WithdrawLayout};

use super::pin_acts::{confirm, export, give_back};
use super::pin_house::{PAIR, PinHouse, Plant, approval_of, csv, digest, layout_text};
use super::refusals::{rule, rule_or_refused};
use super::sheet::{fact, rows};

const ADMINS: [(&str, GroupId); 2] = [
    ("Ada", GroupId::Administrators),
    ("Ben", GroupId::Administrators),
];

/// Administrators print a page of X's of a layout on a printer, while the pair waits.
fn page_of_xs(house: &mut PinHouse, layout: &str, printer: &str) {
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let page = PrintSample {
        group: GroupId::Administrators,
        printer: printer.into(),
        layout: layout_text(layout),
        flush: false,
    };
    house.act(&page, &[]).unwrap();
    house.room.logout();
    house.room.logon_pin_room();
}

/// A batch of four, of which two are printed.
fn half_printed() -> (PinHouse, BatchName) {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 4).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 1, 10);
    house.print(&batch, 2).unwrap();
    (house, batch)
}

#[test]
fn a_batch_goes_on_at_another_printer_when_its_own_is_retired() {
    let (mut house, batch) = half_printed();

    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    // Another stands at its socket from here on.
    house.paper.0.lock().unwrap().impostor = true;
    let new = |id: u8, name: &str, serial: &str, purpose, language| EnrolPrinter {
        printer: PrinterRecord {
            id: Id([id; 16]),
            name: name.into(),
            device: "/dev/usb/lp3".into(),
            serial: serial.into(),
            purpose,
            language,
            training: true,
        },
    };
    use PrinterLanguage::{EscP, Line};
    use PrinterPurpose::{Pins, Reports};
    // An enrolment is no way to write over another printer's record.
    let over = new(0x61, "REP-1", "OTHER", Reports, Line);
    assert!(rule(house.act(&over, &ADMINS)).contains("record is taken"));
    let retire = |name: &str, reason: &str| RetirePrinter {
        id: Id([0x61; 16]),
        name: name.into(),
        serial: "PIN-SERIAL".into(),
        reason: reason.into(),
    };
    rule(house.act(&retire("PIN-2", "it broke"), &ADMINS));
    rule(house.act(&retire("PIN-1", "x"), &ADMINS));
    house
        .act(&retire("PIN-1", "its head broke"), &ADMINS)
        .unwrap();
    rule(house.act(&retire("PIN-1", "its head broke"), &ADMINS));
    assert!(rule(house.act(&over, &ADMINS)).contains("record is taken"));
    // Its name is its own, and its purpose for ever.
    rule(house.act(&new(0x7a, "PIN-1", "OTHER", Pins, Line), &ADMINS));
    house.paper.0.lock().unwrap().impostor = false;
    let back = new(0x7a, "REP-9", "PIN-SERIAL", Reports, Line);
    assert!(rule(house.act(&back, &ADMINS)).contains("enrolled for PIN mailers"));
    house.paper.0.lock().unwrap().impostor = true;
    house
        .act(&new(0x7a, "PIN-2", "OTHER", Pins, Line), &ADMINS)
        .unwrap();
    house.room.logout();

    house.room.logon_pin_room();
    let told = house.print(&batch, 2).unwrap_err().to_string();
    assert!(told.contains("no printer PIN-1 is enrolled"), "{told}");
    let change = |from: &str, to: &str| ChangeBatchPrinter {
        batch: batch.clone(),
        from: from.into(),
        to: to.into(),
        reason: "the head of the first one broke".into(),
    };
    for (from, to) in [("PIN-2", "PIN-2"), ("PIN-1", "PIN-1"), ("PIN-1", "PIN-9")] {
        rule_or_refused(house.pair(&change(from, to)));
    }
    // Approved was how the forms come out of the other one.
    let told = rule_or_refused(house.pair(&change("PIN-1", "PIN-2")));
    assert!(told.contains("no page of X's"), "{told}");
    page_of_xs(&mut house, "pin-mailer-continuous", "PIN-2");
    house.pair(&change("PIN-1", "PIN-2")).unwrap();
    assert_eq!(house.print(&batch, 2).unwrap().sent, 2);

    // Not to one that speaks another language: the cards were not tried on it.
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let out = RetirePrinter {
        id: Id([0x7a; 16]),
        name: "PIN-2".into(),
        serial: "OTHER".into(),
        reason: "it went back to its maker".into(),
    };
    house.act(&out, &ADMINS).unwrap();
    house
        .act(&new(0x73, "PIN-3", "OTHER", Pins, EscP), &ADMINS)
        .unwrap();
    house.room.logout();
    house.room.logon_pin_room();
    let told = rule_or_refused(house.pair(&change("PIN-2", "PIN-3")));
    assert!(told.contains("another language"), "{told}");
    confirm(&mut house, &batch, 1, 4);
    give_back(&mut house, &batch);
    export(&mut house, &batch);
    // The sheet that is signed says why it was another one, and who said so.
    let (_, sheet) = house.reconciling(&batch);
    let changed = rows(&sheet, "Printers that were changed");
    assert_eq!(
        changed[0][..3],
        ["PIN-1", "PIN-2", "the head of the first one broke"]
    );
    assert!(changed[0][3].starts_with("Olga, Quinn, "), "{changed:?}");
    rule_or_refused(house.pair(&change("PIN-2", "PIN-3")));
}

/// What a printer has in its memory is printed over on each that a batch used, and the
/// sheet says so of each.
#[test]
fn each_printer_that_a_batch_used_is_flushed() {
    let (mut house, batch) = half_printed();
    let flush = |printer: &str| PrintSample {
        group: GroupId::PinOperators,
        printer: printer.into(),
        layout: layout_text("pin-mailer-continuous"),
        flush: true,
    };
    // Before the last mailer there it is none.
    house.act(&flush("PIN-1"), &[]).unwrap();
    house.print(&batch, 1).unwrap();
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    house.paper.0.lock().unwrap().impostor = true;
    let enrol = EnrolPrinter {
        printer: PrinterRecord {
            id: Id([0x7a; 16]),
            name: "PIN-2".into(),
            device: "/dev/usb/lp3".into(),
            serial: "OTHER".into(),
            purpose: PrinterPurpose::Pins,
            language: PrinterLanguage::Line,
            training: true,
        },
    };
    house.act(&enrol, &ADMINS).unwrap();
    page_of_xs(&mut house, "pin-mailer-continuous", "PIN-2");
    let change = ChangeBatchPrinter {
        batch: batch.clone(),
        from: "PIN-1".into(),
        to: "PIN-2".into(),
        reason: "it smears".into(),
    };
    house.pair(&change).unwrap();
    assert_eq!(house.print(&batch, 2).unwrap().sent, 1);
    house.act(&flush("PIN-2"), &[]).unwrap();
    confirm(&mut house, &batch, 1, 4);
    give_back(&mut house, &batch);
    export(&mut house, &batch);
    let on = |sheet: &_, printer: &str| fact(sheet, &format!("{printer} flushed in the end"));
    let (_, sheet) = house.reconciling(&batch);
    assert_eq!(on(&sheet, "PIN-1"), "no");
    assert!(on(&sheet, "PIN-2").starts_with("yes, "));
    house.paper.0.lock().unwrap().impostor = false;
    house.act(&flush("PIN-1"), &[]).unwrap();
    let (_, sheet) = house.reconciling(&batch);
    for printer in ["PIN-1", "PIN-2"] {
        assert!(on(&sheet, printer).starts_with("yes, "), "{printer}");
    }
    // A page of X's there is none of this batch any more.
    let page = PrintSample {
        flush: false,
        ..flush("PIN-1")
    };
    let before = house.batch(&batch).test_prints.len();
    house.act(&page, &[]).unwrap();
    assert_eq!(house.batch(&batch).test_prints.len(), before);
}

/// Another printer of PIN mailers opens no batch on closed forms, in whatever
/// language, before administrators printed a page of X's of the layout on it.
#[test]
fn a_batch_opens_on_a_printer_whose_page_of_xs_was_looked_at() {
    for language in [PrinterLanguage::Line, PrinterLanguage::Pcl5] {
        let mut house = PinHouse::new();
        house.room.logout();
        house.room.logon_all(&[GroupId::Administrators]);
        house.paper.0.lock().unwrap().impostor = true;
        let enrol = EnrolPrinter {
            printer: PrinterRecord {
                id: Id([0x7a; 16]),
                name: "PIN-2".into(),
                device: "/dev/usb/lp3".into(),
                serial: "OTHER".into(),
                purpose: PrinterPurpose::Pins,
                language,
                training: true,
            },
        };
        house.act(&enrol, &ADMINS).unwrap();
        house.room.logout();
        house.room.logon_pin_room();
        let file = house.sealed(csv("B-0001", 2).as_bytes());
        let mut open = house.opening("csv-pvv", "pin-mailer-laser", &file, 1);
        open.printer = "PIN-2".into();
        let secret = || vec![Secret::take(&mut file.clone())];
        let told = rule_or_refused(house.act_with(&open, &PAIR, secret()));
        assert!(told.contains("no page of X's of the layout"), "{told}");
        // One of another layout says nothing of this one.
        page_of_xs(&mut house, "pin-mailer-continuous", "PIN-2");
        rule_or_refused(house.act_with(&open, &PAIR, secret()));
        page_of_xs(&mut house, "pin-mailer-laser", "PIN-2");
        house.act_with(&open, &PAIR, secret()).unwrap();
    }
}

/// A window is printed by a layout whose page was looked at on this very printer, also
/// where the layout was approved anew since the batch was opened.
#[test]
fn no_window_is_printed_where_no_page_of_xs_was_looked_at() {
    let (mut house, batch) = half_printed();
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let layout = layout_text("pin-mailer-continuous");
    let withdraw = WithdrawLayout {
        digest: digest(layout.as_bytes()),
        name: "pin-mailer-continuous".into(),
        reason: "an X shows through".into(),
    };
    house.act(&withdraw, &ADMINS).unwrap();
    // Another printer stands there, on which it is approved again.
    house.paper.0.lock().unwrap().impostor = true;
    let enrol = EnrolPrinter {
        printer: PrinterRecord {
            id: Id([0x7a; 16]),
            name: "PIN-2".into(),
            device: "/dev/usb/lp3".into(),
            serial: "OTHER".into(),
            purpose: PrinterPurpose::Pins,
            language: PrinterLanguage::Line,
            training: true,
        },
    };
    house.act(&enrol, &ADMINS).unwrap();
    let page = |printer: &str| PrintSample {
        group: GroupId::Administrators,
        printer: printer.into(),
        layout: layout.clone(),
        flush: false,
    };
    house.act(&page("PIN-2"), &[]).unwrap();
    let samples = house.room.vault();
    let samples = samples.list(Compartment::Directory, LayoutSample::KIND);
    let samples: Vec<(Id, LayoutSample)> = samples.unwrap();
    let its = |(_, one): &&(Id, LayoutSample)| one.printer == Id([0x7a; 16]);
    let (_, sample) = samples.iter().find(its).unwrap();
    let approve = ApproveLayout {
        printer: "PIN-2".into(),
        printed_ms: sample.printed_ms,
        ..approval_of(layout.clone())
    };
    house.act(&approve, &ADMINS).unwrap();
    house.room.logout();
    house.paper.0.lock().unwrap().impostor = false;
    house.room.logon_pin_room();
    let told = house.print(&batch, 2).unwrap_err().to_string();
    assert!(told.contains("no page of X's of the layout"), "{told}");
    assert_eq!(house.batch(&batch).cards.waiting.count(), 2);
    page_of_xs(&mut house, "pin-mailer-continuous", "PIN-1");
    assert_eq!(house.print(&batch, 2).unwrap().sent, 2);
}

/// X's go to a printer of such forms, or to one of reports; a printer of secrets prints
/// nothing but its own forms (R10).
#[test]
fn pages_of_xs_go_to_printers_of_such_forms_and_of_reports() {
    use PrinterPurpose::{Components, Pins, Reports};
    let mut house = PinHouse::new();
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    for has in [Pins, Components, Reports] {
        // The one printer of the house, as if it were enrolled for that.
        let enrolled = Plant::Printer(PrinterRecord {
            id: Id([0x61; 16]),
            name: "PIN-1".into(),
            device: "/dev/usb/lp3".into(),
            serial: "PIN-SERIAL".into(),
            purpose: has,
            language: PrinterLanguage::Line,
            training: true,
        });
        house.act(&enrolled, &[]).unwrap();
        for (layout, wants) in [
            ("component", Components),
            ("password-mailer", Components),
            ("pin-mailer-continuous", Pins),
            ("label-strip", Reports),
        ] {
            let page = PrintSample {
                group: GroupId::Administrators,
                printer: "PIN-1".into(),
                layout: layout_text(layout),
                flush: false,
            };
            let done = house.act(&page, &[]);
            if has == Reports || has == wants {
                done.unwrap();
            } else {
                let told = rule(done);
                assert!(told.contains("is enrolled for"), "{told}");
            }
        }
    }
}
