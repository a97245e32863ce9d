//! Defaults against what others transcribed, and each rule by a vector that
//! breaks it alone.

use proptest::prelude::*;

use super::*;
use crate::primitive::vectors::{field, of};

fn vector(text: &str) -> ControlVector {
    ControlVector::parse(text).unwrap()
}

#[test]
fn published_defaults() {
    for published in of("cca.json", "default_control_vector") {
        let inputs = &published["inputs"];
        let name = inputs["key_type"].as_str().unwrap();
        let len = usize::try_from(inputs["length"].as_u64().unwrap()).unwrap();
        let found = KeyType::named(name).unwrap().default_vector(len).unwrap();
        let expected = &published["expected"];
        assert_eq!(
            found.left.to_vec(),
            field(expected, "cv_left"),
            "{published}"
        );
        assert_eq!(
            found.right.to_vec(),
            field(expected, "cv_right"),
            "{published}"
        );
    }
}

#[test]
fn every_default_keeps_the_rules_and_is_found_again() {
    let mut names = std::collections::BTreeSet::new();
    for row in &DEFAULTS {
        assert!(names.insert(row.name), "{} twice", row.name);
        for len in [8, 16, 24] {
            let Ok(cv) = row.default_vector(len) else {
                continue;
            };
            cv.check_strictly(len).unwrap();
            assert_eq!(cv.key_type().map(|t| t.name), Some(row.name));
            if row.is_zero() {
                continue;
            }
            assert_eq!(cv.key_len(), Some(len), "{} {len}", row.name);
            let bound = cv.without_export();
            bound.check_strictly(len).unwrap();
            assert!(!bound.may_be_exported());
            assert_eq!(bound.key_type().map(|t| t.name), Some(row.name));
            for other in [8, 16, 24].into_iter().filter(|other| *other != len) {
                assert!(cv.check(other).is_err(), "{} {len} as {other}", row.name);
            }
        }
    }
    // Written out in the guide.
    assert_eq!(
        KeyType::named("EXPORTER")
            .unwrap()
            .default_vector(16)
            .unwrap()
            .to_string(),
        "00417D0003410000 00417D0003210000"
    );
}

#[test]
fn types_and_lengths_that_are_not_there() {
    for name in ["", "exporter", "KEYGENKY", "ZERO-CV", "EXPORTER "] {
        assert_eq!(KeyType::named(name), Err(CvError::Type(name.into())));
    }
    let exporter = KeyType::named("EXPORTER").unwrap();
    assert!(matches!(
        exporter.default_vector(8),
        Err(CvError::NoLength { len: 8, .. })
    ));
    assert_eq!(exporter.default_vector(32), Err(CvError::KeyLength(32)));
    assert!(KeyType::named("DATAC").unwrap().default_vector(24).is_err());
}

#[test]
fn each_rule_by_a_vector_that_breaks_it() {
    let mac = "00054D0003410000 00054D0003210000";
    assert_eq!(vector(mac).check_strictly(16), Ok(()));
    for (text, len, expected) in [
        ("00054C0003410000 00054D0003210000", 16, CvError::Parity(2)),
        ("00054D0003410000 00054D0003210001", 16, CvError::Parity(15)),
        ("00054D0303410000 00054D0303210000", 16, CvError::Fixed(30)),
        ("00054D0000410000 00054D0000210000", 16, CvError::Fixed(38)),
        ("00054D0003410000 00054D0000210000", 16, CvError::Fixed(102)),
        ("00054D0003410000 00054D0003410000", 16, CvError::Form(16)),
        (mac, 24, CvError::Form(24)),
        (mac, 8, CvError::Form(8)),
        ("00054D0003410000 0005440003210000", 16, CvError::Halves(2)),
        ("00054D0003480000 00054D0003280000", 16, CvError::KeyPart),
        ("00964D0003410000 00964D0003210000", 16, CvError::Kind),
        ("00554D0003410000 00554D0003210000", 16, CvError::Kind),
        (
            "00054D0003410300 00054D0003210300",
            16,
            CvError::Reserved(54),
        ),
        (
            "03054D0003410000 03054D0003210000",
            16,
            CvError::Reserved(6),
        ),
        ("00054D0003800000", 8, CvError::Parity(5)),
        ("00054D0003810000", 8, CvError::Form(8)),
    ] {
        assert_eq!(vector(text).check_strictly(len), Err(expected), "{text}");
    }
    for text in [
        "",
        "00054D00034100",
        "00054D000341000G",
        "é",
        &"0".repeat(33),
    ] {
        assert_eq!(ControlVector::parse(text), Err(CvError::Text), "{text}");
    }
}

proptest! {
    /// One changed bit is noticed: every byte has its parity.
    #[test]
    fn a_flipped_bit_is_noticed(row in 0..DEFAULTS.len() - 1, at in 0usize..128) {
        for len in [8, 16, 24] {
            let Ok(cv) = DEFAULTS[row].default_vector(len) else { continue };
            let mut changed = cv;
            let half = if at < 64 { &mut changed.left } else { &mut changed.right };
            half[at % 64 / 8] ^= 0x80 >> (at % 8);
            prop_assert!(changed.check(len).is_err(), "{cv} {at}");
        }
    }

    #[test]
    fn what_is_written_reads_back(left in any::<[u8; 8]>(), right in any::<[u8; 8]>()) {
        let cv = ControlVector { left, right };
        prop_assert_eq!(ControlVector::parse(&cv.to_string()), Ok(cv));
        for len in [8, 16, 24] {
            let _ = cv.check_strictly(len);
        }
        let _ = (cv.key_type(), cv.key_len());
    }
}
