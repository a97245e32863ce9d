use super::*;
use crate::pin::translate::{Enciphered, TranslateError, translate};
use crate::secret::testing::Seeded;
use proptest::prelude::*;

fn secret(bytes: &[u8]) -> Secret {
    Secret::from_fn(bytes.len(), |to| to.copy_from_slice(bytes))
}

fn pin(text: &str) -> Pin {
    Pin::from_text(text.as_bytes()).unwrap()
}

fn pan() -> Pan {
    Pan::parse("5432101234567891").unwrap()
}

fn encode(
    format: Format,
    text: &str,
    pan: Option<&Pan>,
    given: &[u8],
) -> Result<Vec<u8>, BlockError> {
    let fill = Fill::Given(given);
    let block = format.encode(&pin(text), With { pan, fill })?;
    Ok(block.expose().to_vec())
}

/// payShield's manual has the first, the others are of the test data of a
/// public simulator of it.
#[test]
fn blocks_that_others_wrote() {
    let card = Pan::parse("4000001234562").unwrap();
    let iso0 = encode(Format::Iso0, "92389", Some(&card), &[]).unwrap();
    assert_eq!(iso0, [0x05, 0x92, 0x78, 0x9F, 0xFF, 0xED, 0xCB, 0xA9]);
    let docutel = encode(Format::Docutel, "92389", None, &[9, 8, 7, 6, 5, 4, 3, 2, 1]).unwrap();
    assert_eq!(docutel, [0x59, 0x23, 0x89, 0x09, 0x87, 0x65, 0x43, 0x21]);
    let card = Pan::parse("2283400000123456").unwrap();
    let plus = encode(Format::Plus, "92389", Some(&card), &[]).unwrap();
    assert_eq!(plus, [0x05, 0x92, 0x1A, 0x1C, 0xBF, 0xFF, 0xFF, 0xED]);
    let iso1 = encode(Format::Iso1, "1234567890", None, &[0; 4]).unwrap();
    assert_eq!(iso1, [0x1A, 0x12, 0x34, 0x56, 0x78, 0x90, 0, 0]);
}

#[test]
fn what_is_no_block_of_the_format() {
    let card = pan();
    let bad = |format: Format, bytes: [u8; 8]| format.decode(&secret(&bytes), None).err();
    let content = Some(BlockError::Content);
    // control field, length, digit, fill
    assert_eq!(
        bad(
            Format::Iso2,
            [0x14, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        ),
        content
    );
    assert_eq!(
        bad(
            Format::Iso2,
            [0x23, 0x12, 0x3F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        ),
        content
    );
    assert_eq!(
        bad(
            Format::Iso2,
            [0x2D, 0x12, 0x34, 0x12, 0x34, 0x12, 0x34, 0x1F]
        ),
        content
    );
    assert_eq!(
        bad(
            Format::Iso2,
            [0x24, 0x12, 0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        ),
        content
    );
    assert_eq!(
        bad(
            Format::Iso2,
            [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE]
        ),
        content
    );
    assert_eq!(
        bad(
            Format::Iso2,
            [0x2F, 0x12, 0x34, 0x12, 0x34, 0x12, 0x34, 0x12]
        ),
        content
    );
    assert_eq!(
        bad(
            Format::Diebold,
            [0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xF1]
        ),
        content
    );
    assert_eq!(bad(Format::Diebold, [0xFF; 8]), content);
    assert_eq!(
        bad(Format::Docutel, [0x71, 0x23, 0x45, 0x67, 0, 0, 0, 0]),
        content
    );
    assert_eq!(
        bad(Format::Docutel, [0x41, 0x23, 0x41, 0x00, 0, 0, 0, 0]),
        content
    );
    assert_eq!(
        bad(Format::Docutel, [0x41, 0x23, 0x40, 0x0A, 0, 0, 0, 0]),
        content
    );
    assert_eq!(
        bad(
            Format::Iso0,
            [0x04, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        ),
        Some(BlockError::Pan)
    );
    // a fill of 0 to 9 is not that of format 3
    let block = encode(Format::Iso3, "1234", Some(&card), &[10; 10]).unwrap();
    assert!(Format::Iso3.decode(&secret(&block), Some(&card)).is_ok());
    let mut digit = block.clone();
    digit[7] ^= 0x08;
    assert_eq!(
        Format::Iso3.decode(&secret(&digit), Some(&card)).err(),
        content
    );
    assert_eq!(
        encode(Format::Iso3, "1234", Some(&card), &[9; 10]).err(),
        Some(BlockError::Fill)
    );
    assert_eq!(
        encode(Format::Iso3, "1234", Some(&card), &[10; 9]).err(),
        Some(BlockError::Fill)
    );
    assert_eq!(
        encode(Format::Docutel, "1234567", None, &[0; 9]).err(),
        Some(BlockError::TooLong(6))
    );
    let short = Pan::parse("123456789012").unwrap();
    assert_eq!(
        encode(Format::Iso0, "1234", Some(&short), &[]).err(),
        Some(BlockError::Pan)
    );
    assert!(encode(Format::Plus, "1234", Some(&short), &[]).is_ok());
    for len in [0, 7, 9, 16] {
        let wrong = Some(BlockError::Length {
            want: 8,
            found: len,
        });
        assert_eq!(
            Format::Iso2.decode(&secret(&vec![0x24; len]), None).err(),
            wrong
        );
        assert_eq!(decipher(&secret(&[1; 16]), &vec![0; len]).err(), wrong);
    }
}

#[test]
fn a_bound_block_stays_bound() {
    let [from, to] = [[0x10; 16], [0x32; 16]].map(|bytes| secret(&bytes));
    let (card, mut random) = (pan(), Seeded::new(3));
    let iso0 = Enciphered::Tdes(Format::Iso0);
    let block = iso0
        .close(&from, &pin("4711"), Some(&card), &mut random)
        .unwrap();
    for (target, good) in [
        (Enciphered::Tdes(Format::Iso3), true),
        (Enciphered::Iso4, true),
        (Enciphered::Tdes(Format::Iso1), false),
        (Enciphered::Tdes(Format::Diebold), false),
    ] {
        let moved = translate(
            (iso0, &from),
            &block,
            (target, &to),
            Some(&card),
            &mut random,
        );
        match (moved, good) {
            (Ok(moved), true) => {
                assert!(
                    target
                        .open(&to, &moved, Some(&card))
                        .unwrap()
                        .ct_eq(&pin("4711"))
                );
                let other = Pan::parse("5432101234567909").unwrap();
                assert!(
                    !target
                        .open(&to, &moved, Some(&other))
                        .is_ok_and(|p| p.ct_eq(&pin("4711")))
                );
            }
            (Err(TranslateError::Unbound), false) => {}
            (other, _) => panic!("{target:?}: {other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn any_eight_bytes_are_read_or_refused(bytes in any::<[u8; 8]>()) {
        for format in Format::ALL {
            if let Ok(found) = format.decode(&secret(&bytes), Some(&pan())) {
                prop_assert!((4..=12).contains(&found.len()));
            }
        }
    }

    #[test]
    fn what_is_written_is_read(text in "[0-9]{4,12}", seed in any::<u64>()) {
        let card = pan();
        for format in Format::ALL {
            let fill: Vec<u8> = vec![if format == Format::Docutel { 3 } else { 12 }; 10];
            let mut random = Seeded::new(seed);
            let fill = match format.has_random_fill() {
                true => Fill::Drawn(&mut random),
                false => Fill::Given(&fill),
            };
            match format.encode(&pin(&text), With { pan: Some(&card), fill }) {
                Ok(block) => {
                    let found = format.decode(&block, Some(&card)).unwrap();
                    prop_assert!(found.ct_eq(&pin(&text)));
                }
                Err(error) => prop_assert_eq!(error, BlockError::TooLong(6)),
            }
        }
    }
}
