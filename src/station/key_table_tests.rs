#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::key_search::KeySearch;

fn row(label: &str) -> KeyRow {
    KeyRow {
        id: Some(Id([7; 16])),
        label: label.into(),
        algorithm: "TDES-2".into(),
        usage: "P0 PIN encryption".into(),
        kcv: "08D7B4".into(),
        kcv_method: "ENC-ZERO".into(),
        state: "active".into(),
        template: "zpk-out v4".into(),
        under: "BANK.ZMK.001".into(),
        expires: "24 Nov 2027".into(),
        days_left: Some(365),
        detail: Vec::new(),
    }
}

/// Rows that differ in everything, some with letters that no label may have.
fn assorted() -> Vec<KeyRow> {
    let mut rows: Vec<KeyRow> = (0..500u32)
        .map(|at| {
            let mixed = at.wrapping_mul(2_654_435_761);
            KeyRow {
                id: (at % 3 > 0).then(|| Id(u128::from(mixed | 1).to_be_bytes())),
                label: format!("BANK-{}.ZPK.{:05}", mixed % 97, at),
                algorithm: ["TDES-2", "AES-256", "RSA 2048"][at as usize % 3].into(),
                usage: ["P0 PIN encryption", "K0 zone master key"][at as usize % 2].into(),
                kcv: format!("{:06X}", mixed >> 8),
                kcv_method: ["ENC-ZERO", "CMAC"][at as usize % 2].into(),
                state: ["active", "void", "destroyed"][at as usize % 3].into(),
                template: format!("t{} v1", at % 7),
                under: match at % 4 {
                    0 => String::new(),
                    _ => format!("BANK-{}.ZMK.001", at % 5),
                },
                expires: format!("{:02} Nov 2027", at % 28),
                days_left: (at % 5 > 0).then(|| i64::from(at) - 250),
                detail: Vec::new(),
            }
        })
        .collect();
    for label in [
        "ÖSTERREICH.zmk",
        "lower.Case.1",
        "Straße",
        "\u{212A}ELVIN",
        "",
    ] {
        rows.push(row(label));
    }
    rows
}

#[test]
fn rows_come_back_as_they_went_in_by_label() {
    let mut rows = assorted();
    let table = KeyTable::from_rows(rows.clone());
    rows.sort_by(|a, b| a.label.cmp(&b.label));
    assert!(table.iter().eq(rows.iter().cloned()));
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(table.find(&row.label), Some(at));
        assert_eq!(table.label(at), Some(row.label.as_str()));
    }
    assert_eq!(table.find("BANK-5"), None);
    assert_eq!(table.get(rows.len()), None);
    let days: Vec<i64> = rows.iter().filter_map(|r| r.days_left).collect();
    assert!(table.days_left().eq(days));
}

#[test]
fn days_beyond_all_counting_stay_the_farthest() {
    let far = |days| KeyRow {
        days_left: Some(days),
        ..row("A")
    };
    let table = KeyTable::from_rows([far(i64::MAX), far(i64::MIN)]);
    let days: Vec<i64> = table.days_left().collect();
    assert_eq!(days, [i64::from(i32::MAX), i64::from(i32::MIN + 1)]);
}

#[test]
fn keys_lie_under_their_key() {
    let table = KeyTable::from_rows(assorted());
    for label in ["BANK-0.ZMK.001", "BANK-4.ZMK.001", "BANK.ZMK.001"] {
        let wanted: Vec<String> = table
            .iter()
            .filter(|row| row.under == label)
            .map(|row| row.label)
            .collect();
        let found: Vec<&str> = table
            .under(label)
            .iter()
            .map(|at| table.label(*at as usize).unwrap())
            .collect();
        assert!(!wanted.is_empty());
        assert_eq!(found, wanted);
    }
    assert!(table.under("").is_empty());
    assert!(table.under("BANK-9.ZMK.001").is_empty());
}

/// The filter as it is described: every word is somewhere in what is shown.
fn described(row: &KeyRow, words: &[&str]) -> bool {
    let shown = [
        &row.label,
        &row.algorithm,
        &row.usage,
        &row.kcv,
        &row.state,
        &row.expires,
    ]
    .map(|cell| cell.to_lowercase())
    .join(" ");
    words
        .iter()
        .all(|word| shown.contains(&word.to_lowercase()))
}

#[test]
fn a_search_finds_what_a_plain_look_at_each_row_finds() {
    let table = KeyTable::from_rows(assorted());
    let filters: [&[&str]; 18] = [
        &["bank"],
        &["BANK-1"],
        &["zpk", "tdes"],
        &["pin", "void"],
        &["27"],
        &["00017"],
        &["nov", "2027", "aes"],
        &["08d7b4"],
        &["ost"],
        &["öst"],
        &["straß"],
        &["strass"],
        &["kelvin"],
        &["k"],
        &["case.1"],
        &["zmk.001"],
        &["-", "."],
        &["nowhere"],
    ];
    let mut hits = 0;
    for words in filters {
        let search = KeySearch::new(&table, words);
        for (at, row) in table.iter().enumerate() {
            let wanted = described(&row, words);
            hits += usize::from(wanted);
            assert_eq!(search.passes(at), wanted, "{words:?} in {}", row.label);
        }
    }
    assert!(hits > 1000);
}

#[test]
fn a_table_in_the_making_says_how_many_are_to_come() {
    let mut builder = KeyTableBuilder::default();
    assert!(builder.is_empty());
    builder.push(&row("B"));
    builder.push(&row("A"));
    let table = builder.so_far(3);
    assert_eq!(
        (table.len(), table.to_come(), table.complete()),
        (2, 3, false)
    );
    builder.push(&row("AA"));
    let whole = builder.finish();
    assert!(whole.complete());
    assert!(whole.iter().map(|r| r.label).eq(["A", "AA", "B"]));
    assert!(whole != table && whole.is_same(&whole.clone()));
}

#[test]
fn a_key_costs_no_more_than_150_bytes() {
    let rows = 20_000usize;
    let table = KeyTable::from_rows((0..rows).map(|at| KeyRow {
        label: format!("BANK-{}.ZPK.OUT.{at:07}", at * 7919 % 997),
        kcv: format!("{:010X}", at * 7919),
        under: format!("BANK-{}.ZMK.001", at * 7919 % 997),
        expires: format!("{} of {}", at % 365, at % 5),
        ..row("")
    }));
    assert_eq!(table.len(), rows);
    assert!(
        table.size_in_bytes() <= rows * 150,
        "{}",
        table.size_in_bytes() / rows
    );
}

/// A table with a few changed rows is the table that is made of the rows as
/// they are then.
#[test]
fn a_few_changed_rows_come_to_the_table_made_anew() {
    let mut rows: Vec<KeyRow> = assorted().into_iter().filter(|r| r.id.is_some()).collect();
    rows.retain(|r| r.id != Some(Id([7; 16])));
    let table = KeyTable::from_rows(rows.clone());
    let gone = [rows[3].id.unwrap(), rows[250].id.unwrap()];
    let changed = [rows[0].id.unwrap(), rows[100].id.unwrap()];
    let both = [gone, changed].concat();
    rows.retain(|r| !gone.contains(&r.id.unwrap()));
    let mut now = Vec::new();
    for row in &mut rows {
        if changed.contains(&row.id.unwrap()) {
            row.state = "deactivated".into();
            row.under = "ANOTHER.ZMK.001".into();
            now.push(row.clone());
        }
    }
    let new = KeyRow {
        id: Some(Id([8; 16])),
        ..row("BANK-5.NEW.001")
    };
    now.push(new.clone());
    rows.push(new);
    let anew = KeyTable::from_rows(rows);
    let changed = table.changed(&both, &now);
    assert!(changed == anew && changed.complete());
    assert_eq!(changed.find("BANK-5.NEW.001"), anew.find("BANK-5.NEW.001"));
    for under in ["ANOTHER.ZMK.001", "BANK-1.ZMK.001"] {
        assert!(!changed.under(under).is_empty());
        assert_eq!(changed.under(under), anew.under(under));
    }
    let words = ["deactivated"];
    let (one, other) = (
        KeySearch::new(&changed, &words),
        KeySearch::new(&anew, &words),
    );
    assert!((0..anew.len()).all(|at| one.passes(at) == other.passes(at)));
    assert!(table.changed(&[], &[]) == table);
}
