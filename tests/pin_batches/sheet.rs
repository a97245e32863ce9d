//! The sheet that is signed in the end: every number on it has somebody's name and
//! words behind it.

use conclave_evidence::GroupId;
use conclave_keyroom::domain::form_stock::Aside;
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::ports::printer::PrinterError;
use conclave_trades::pin::action::{DestroyFoundForms, HandOverBatch, SetFormsAside};
use conclave_trades::print::{Block, PrintSample, Report, report_pdf};

use super::pin_acts::{confirm, export, give_back, resolve, spoil};
use super::pin_house::{PAIR, PinHouse, csv, layout_text, pan};
use super::refusals::{rule, rule_or_refused};

/// The rows of the table below a heading; nothing where there is none.
pub(super) fn rows(sheet: &Report, heading: &str) -> Vec<Vec<String>> {
    let at = |block: &Block| matches!(block, Block::Heading(text) if text == heading);
    let at = sheet.blocks.iter().position(at);
    match at.and_then(|at| sheet.blocks.get(at + 1)) {
        Some(Block::Table { rows, .. }) => rows.clone(),
        _ => Vec::new(),
    }
}

pub(super) fn fact(sheet: &Report, name: &str) -> String {
    let facts = sheet.blocks.iter().filter_map(|block| match block {
        Block::Facts(facts) => Some(facts),
        _ => None,
    });
    let found = facts.flatten().find(|(of, _)| of == name);
    found.unwrap_or_else(|| panic!("no {name}")).1.clone()
}

/// Pages of X's and flush, as the sheet has them.
fn test_prints(sheet: &Report) -> (String, String) {
    let heading =
        |block: &Block| matches!(block, Block::Heading(text) if text.starts_with("Pages of X"));
    let at = sheet.blocks.iter().position(heading).unwrap();
    match &sheet.blocks[at + 1] {
        Block::Facts(facts) => (facts[0].1.clone(), facts[1].1.clone()),
        other => panic!("{other:?}"),
    }
}

/// The operator prints a page of X's on the batch's printer, or flushes it.
fn page_of_xs(house: &mut PinHouse, flush: bool) {
    let page = PrintSample {
        group: GroupId::PinOperators,
        printer: "PIN-1".into(),
        layout: layout_text("pin-mailer-continuous"),
        flush,
    };
    house.act(&page, &[]).unwrap();
}

#[test]
fn what_was_said_stands_on_the_sheet_with_names_and_reasons() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 6).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 100, 120);
    let aside = SetFormsAside {
        batch: batch.clone(),
        first: 100,
        last: 101,
        aside: Aside::Test,
        reason: "pages of X\u{2019}s, \u{416} beside".into(),
    };
    house.pair(&aside).unwrap();
    page_of_xs(&mut house, false);
    house.print(&batch, 2).unwrap();
    house
        .paper
        .fails_after(1, PrinterError::Broken("it takes no data".into()));
    house.print(&batch, 3).unwrap();
    let take_over = HandOverBatch {
        batch: batch.clone(),
        confirmed: 0,
        printed: 3,
        blank: house.batch(&batch).forms.blank.count(),
    };
    house.pair(&take_over).unwrap();
    resolve(&mut house, &batch, 105, None);
    house
        .paper
        .fails_after(0, PrinterError::Broken("it takes no data".into()));
    house.print(&batch, 1).unwrap();
    resolve(&mut house, &batch, 106, Some(Loss::Missing));
    house.print(&batch, 9).unwrap();
    spoil(&mut house, &batch, 102);
    page_of_xs(&mut house, true);
    house.print(&batch, 9).unwrap();
    confirm(&mut house, &batch, 103, 104);
    let last = house.batch(&batch).printed.last().unwrap().from.form;
    confirm(&mut house, &batch, 107, last);
    // A flush before the last mailer is none in the end.
    assert_eq!(house.batch(&batch).flushed(), [("PIN-1", None)]);
    page_of_xs(&mut house, true);
    give_back(&mut house, &batch);
    export(&mut house, &batch);

    let (_, sheet) = house.reconciling(&batch);
    let open = Block::Text("Missing still, an open incident: forms 106.".into());
    assert!(sheet.blocks.contains(&open));
    let before = house.batch(&batch).balance();
    let found = |first, last| DestroyFoundForms {
        batch: batch.clone(),
        first,
        last,
        reason: "below the printer, closed".into(),
    };
    // One that was destroyed before does not turn up.
    for (first, last) in [(102, 102), (105, 106), (106, 107), (7, 6)] {
        let told = rule_or_refused(house.pair(&found(first, last)));
        assert!(told.contains("missing from this batch"), "{told}");
    }
    house.pair(&found(106, 106)).unwrap();
    rule_or_refused(house.pair(&found(106, 106)));
    assert_eq!(house.batch(&batch).balance(), before);

    let (act, sheet) = house.reconciling(&batch);
    assert!(!sheet.blocks.contains(&open));
    let turned_up = rows(&sheet, "Missing forms that turned up");
    assert_eq!(
        turned_up[0][..3],
        [
            "106",
            "found, destroyed under witness",
            "below the printer, closed"
        ]
    );
    assert_eq!(fact(&sheet, "of them found and destroyed"), "1");
    let unknown = rows(&sheet, "Unknown, and what was found");
    assert_eq!(unknown.len(), 2, "{unknown:?}");
    for (row, (form, what)) in unknown.iter().zip([
        ("105", "whole and closed, it goes out"),
        ("106", "missing, an incident"),
    ]) {
        assert_eq!(row[..3], [form, what, "it lay in the tray"]);
        assert!(row[3].starts_with("Olga, Quinn, "), "{row:?}");
    }
    let lost = rows(&sheet, "Mailers that were lost");
    let of = |form: &str| lost.iter().find(|row| row[0] == form).unwrap();
    assert_eq!(of("106")[4..], ["it lay in the tray", "Olga, Quinn"]);
    assert_eq!(of("102")[4..], ["torn at the fold", "Olga, Quinn"]);
    let aside = rows(&sheet, "Blank forms that were not used");
    assert_eq!(aside[0][0], "100 to 101");
    // A letter that no printer has does not keep the batch from its end.
    assert_eq!(aside[0][2], "pages of X's, ? beside");
    let pages = test_prints(&sheet);
    assert!(pages.0.starts_with("1: PIN-1, "), "{pages:?}");
    assert!(pages.1.starts_with("yes, "), "{pages:?}");
    for name in ["opened", "taken over"] {
        let said = fact(&sheet, name);
        assert!(
            said.ends_with(": Olga, PIN operator; Quinn, PIN supervisor"),
            "{said}"
        );
    }
    let signed = sheet.blocks.iter().find_map(|block| match block {
        Block::Signatures(people) => Some(people),
        _ => None,
    });
    let signed: Vec<(&str, &str)> = signed
        .unwrap()
        .iter()
        .map(|one| (one.name.as_str(), one.role.as_str()))
        .collect();
    assert_eq!(
        signed,
        [("Olga", "PIN operator"), ("Quinn", "PIN supervisor")]
    );
    let said = format!("{sheet:?}");
    for card in 1..=6 {
        assert!(!said.contains(&pan(card)) && !said.contains(&format!("HOLDER {card:05}")));
    }
    let pdf = report_pdf(&sheet).unwrap();
    if let Some(to) = std::env::var_os("CONCLAVE_SHEET") {
        std::fs::write(to, &pdf).unwrap();
    }

    // Whoever is named signs, and nobody else.
    let others = [("Pavel", GroupId::PinOperators), PAIR[1]];
    let told = rule(house.act(&act, &others));
    assert!(told.contains("names others"), "{told}");
    house.pair(&act).unwrap();
}
