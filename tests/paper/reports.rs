//! Reports: pages that poppler reads and qpdf accepts, and always the same.

use conclave_evidence::Hash;
use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::legacy::LegacyException;
use conclave_trades::print::{
    Block, PrintError, Report, Signature, report_escp, report_pdf, time_words,
};
use conclave_trades::target::{LetterFacts, key_letter};
use proptest::prelude::*;

use super::{golden, page_text, qpdf_check};

fn minutes() -> Report {
    let start = 1_795_511_645_000;
    let rows = (0..60u64)
        .map(|n| {
            vec![
                time_words(start + n * 61_000),
                format!("Step {}", n + 1),
                "Component printed, sealed and read back by the witness; the package \
                 serial agrees with the stock list."
                    .to_owned(),
                "J\u{fc}rg M\u{fc}ller".to_owned(),
            ]
        })
        .collect();
    Report {
        mode: Mode::Test,
        station: "Key room Bern".to_owned(),
        title: "Minutes of the key ceremony CER-00017".to_owned(),
        made: time_words(start),
        blocks: vec![
            Block::Facts(vec![
                ("Ceremony".to_owned(), "CER-00017".to_owned()),
                ("Key".to_owned(), "BANK-LAKE.ZMK.001".to_owned()),
                ("KCV".to_owned(), "08D7B4 (ENC-ZERO)".to_owned()),
            ]),
            Block::Heading("What happened".to_owned()),
            Block::Text(
                "All times are UTC, from the station's clock.\nTwo people confirmed it.".to_owned(),
            ),
            Block::Table {
                columns: vec![
                    ("Time".to_owned(), 26),
                    ("Step".to_owned(), 12),
                    ("What".to_owned(), 45),
                    ("Who".to_owned(), 17),
                ],
                rows,
            },
            Block::Heading("Script".to_owned()),
            Block::Step {
                number: "4.2".to_owned(),
                actor: "Custodian A".to_owned(),
                text: "Take the sheet, check that each digit is legible, compare the KCV with \
                       the one on the screen, fold it twice and seal it.\nExpected: the witness \
                       reads the package serial and it is accepted."
                    .to_owned(),
            },
            Block::Step {
                number: "4.3".to_owned(),
                actor: "Witness".to_owned(),
                text: "Type the serial again.".to_owned(),
            },
            Block::Digest {
                what: "the transcript".to_owned(),
                sha256: Hash(std::array::from_fn(|n| n as u8)),
            },
            Block::Heading("Signatures".to_owned()),
            Block::Signatures(vec![
                Signature {
                    name: "J\u{fc}rg M\u{fc}ller".to_owned(),
                    role: "Custodian A".to_owned(),
                },
                Signature {
                    name: String::new(),
                    role: "Witness".to_owned(),
                },
            ]),
        ],
    }
}

#[test]
fn minutes_have_pages_numbers_banner_digest_and_signatures() {
    let pdf = report_pdf(&minutes()).unwrap();
    golden("report-minutes.pdf", &pdf);
    assert!(
        pdf == report_pdf(&minutes()).unwrap(),
        "always the same bytes"
    );
    qpdf_check(&pdf);
    let text = page_text(&pdf);
    let pages: Vec<&str> = text
        .split('\x0c')
        .filter(|p| !p.trim().is_empty())
        .collect();
    assert!(pages.len() >= 3, "{} pages", pages.len());
    for (n, page) in pages.iter().enumerate() {
        let number = format!("page {} of {}", n + 1, pages.len());
        for words in [number.as_str(), "TEST", "Key room Bern", "CER-00017"] {
            assert!(page.contains(words), "{words} on page {}:\n{page}", n + 1);
        }
    }
    for words in [
        "0001 0203 0405 0607 0809 0a0b 0c0d 0e0f",
        "1011 1213 1415 1617 1819 1a1b 1c1d 1e1f",
        "24NOV2026 09:14:05Z",
        "Juerg Mueller",
        "signature",
        "Step 60",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

/// What a line printer of 80 columns and 66 lines puts on its pages: it knows
/// the commands that reports use, and stops at every other one.
fn printed(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut pages = vec![vec![String::new()]];
    let (mut rest, mut wide, mut left_edge, mut page_length) = (bytes, false, true, 0);
    loop {
        let line = pages.last_mut().unwrap().last_mut().unwrap();
        rest = match rest {
            [] => break,
            [0x1b, b'@', rest @ ..] => {
                wide = false;
                rest
            }
            [0x1b, b'P' | b'2' | b'E' | b'F', rest @ ..] => rest,
            [0x1b, b'C', lines, rest @ ..] => {
                page_length = usize::from(*lines);
                rest
            }
            [0x1b, b'W', on, rest @ ..] => {
                wide = *on == b'1';
                rest
            }
            [b'\r', rest @ ..] => {
                left_edge = true;
                rest
            }
            [feed @ (b'\n' | 0x0c), rest @ ..] => {
                assert!(left_edge, "no carriage return before the feed: {line:?}");
                let page = pages.last_mut().unwrap();
                if *feed == b'\n' {
                    page.push(String::new());
                    assert!(page.len() <= page_length, "the page runs over: {page:?}");
                } else {
                    pages.push(vec![String::new()]);
                }
                rest
            }
            [letter @ b' '..=b'~', rest @ ..] => {
                if left_edge {
                    assert!(line.is_empty(), "struck over: {line}");
                    left_edge = false;
                }
                line.push(char::from(*letter));
                if wide {
                    line.push('\u{b7}');
                }
                assert!(line.chars().count() <= 80, "too wide: {line}");
                rest
            }
            [byte, ..] => panic!("byte {byte:#04x} is no letter and no command here"),
        };
    }
    // The last form feed leaves an empty page in the printer.
    assert_eq!(pages.pop(), Some(vec![String::new()]));
    assert_eq!(page_length, 66);
    pages
}

fn filed() -> Hash {
    Hash(std::array::from_fn(|n| 0xf0 ^ n as u8))
}

#[test]
fn a_line_printer_gets_the_same_report_on_its_own_pages() {
    let bytes = report_escp(&minutes(), &filed()).unwrap();
    golden("report-minutes.escp", &bytes);
    assert!(bytes == report_escp(&minutes(), &filed()).unwrap());
    let pages = printed(&bytes);
    assert!(pages.len() >= 4, "{} pages", pages.len());
    for (n, page) in pages.iter().enumerate() {
        assert_eq!(page.len(), 66 - 1, "the last line is the perforation's");
        let banner: Vec<String> = page[0]
            .replace('\u{b7}', "")
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        assert_eq!(banner, ["TEST"; 5]);
        assert!(page[0].starts_with("   T\u{b7}E\u{b7}"), "{}", page[0]);
        assert!(page[1].contains("Key room Bern") && page[1].ends_with("24NOV2026 09:14:05Z"));
        let number = format!("page {} of {}", n + 1, pages.len());
        let foot = page.last().unwrap();
        assert!(
            foot.contains("CER-00017") && foot.ends_with(&number),
            "{foot}"
        );
        // The titles of the table stand on each of its pages.
        if page.iter().any(|line| line.contains("Component printed")) {
            let titles = page.iter().filter(|l| {
                ["Time", "Step", "What", "Who"]
                    .iter()
                    .all(|title| l.contains(title))
            });
            assert_eq!(titles.count(), 1, "page {}", n + 1);
        }
    }
    let text = pages.concat().join("\n");
    for words in [
        "0001 0203 0405 0607 0809 0a0b 0c0d 0e0f",
        "1011 1213 1415 1617 1819 1a1b 1c1d 1e1f",
        "SHA-256 of the filed PDF",
        "f0f1 f2f3 f4f5 f6f7 f8f9 fafb fcfd feff",
        "e0e1 e2e3 e4e5 e6e7 e8e9 eaeb eced eeef",
        "Step 60",
        "initials ______  time ______",
        "Expected: the witness reads the package serial",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    // Nothing is lost on the way: each word of the PDF is on this paper too.
    let pdf = page_text(&report_pdf(&minutes()).unwrap());
    let letters =
        |text: &str| -> String { text.replace('\u{b7}', "").split_whitespace().collect() };
    let (text, words) = (letters(&text), pdf.split_whitespace());
    let numbers = |word: &str| word.len() < 3;
    for word in words.filter(|word| !numbers(word)) {
        assert!(text.contains(word), "{word}\n{text}");
    }
}

#[test]
fn rows_that_belong_together_are_not_parted() {
    let row = |number: usize| {
        [
            vec![format!("{number}"), format!("title of {number}")],
            vec![
                String::new(),
                format!("what belongs to {number}, {}", "and more ".repeat(20)),
            ],
        ]
    };
    let report = Report {
        blocks: vec![Block::Table {
            columns: vec![("Step".to_owned(), 1), ("What".to_owned(), 12)],
            rows: (1..=60).flat_map(row).collect(),
        }],
        ..minutes()
    };
    let pages = printed(&report_escp(&report, &filed()).unwrap());
    assert!(pages.len() > 4);
    for number in 1..=60 {
        let page = |words: String| {
            pages
                .iter()
                .position(|page| page.iter().any(|line| line.contains(&words)))
        };
        let title = page(format!("title of {number}"));
        assert!(
            title.is_some() && title == page(format!("belongs to {number},")),
            "{number}"
        );
    }
}

#[test]
fn a_production_report_says_so_in_wide_letters() {
    let report = Report {
        mode: Mode::Production,
        ..minutes()
    };
    let pages = printed(&report_escp(&report, &filed()).unwrap());
    for page in pages {
        assert_eq!(page[0].trim().replace('\u{b7}', ""), "PRODUCTION");
        assert!(!page.concat().contains("TEST"));
    }
}

#[test]
fn what_a_report_cannot_print_is_refused() {
    let mut report = minutes();
    report.blocks.push(Block::Text("bell\x07".to_owned()));
    assert!(matches!(
        report_pdf(&report),
        Err(PrintError::Character {
            character: '\x07',
            ..
        })
    ));
    assert!(matches!(
        report_escp(&report, &filed()),
        Err(PrintError::Character {
            character: '\x07',
            ..
        })
    ));
    let mut report = minutes();
    report.blocks.push(Block::Table {
        columns: vec![("one".to_owned(), 1)],
        rows: vec![vec!["1".to_owned(), "2".to_owned()]],
    });
    assert_eq!(
        report_pdf(&report),
        Err(PrintError::Cells {
            found: 2,
            expected: 1
        })
    );
    assert_eq!(
        report_escp(&report, &filed()),
        Err(PrintError::Cells {
            found: 2,
            expected: 1
        })
    );
    let mut report = minutes();
    report.blocks.push(Block::Table {
        columns: vec![("x".to_owned(), 1); 25],
        rows: Vec::new(),
    });
    assert!(matches!(
        report_escp(&report, &filed()),
        Err(PrintError::TooManyColumns { found: 25, .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_text_becomes_pages_or_is_refused(
        text in "\\PC{0,600}",
        rows in prop::collection::vec(prop::collection::vec("[ -~]{0,300}", 3), 0..20),
        weights in prop::collection::vec(0u16..1000, 3),
        step in "[ -~]{0,200}",
    ) {
        let columns = weights.into_iter().map(|w| ("column".to_owned(), w)).collect();
        let report = Report {
            title: step.clone(),
            blocks: vec![
                Block::Text(text),
                Block::Table { columns, rows },
                Block::Facts(vec![(step.clone(), step.clone())]),
                Block::Step { number: step.clone(), actor: step.clone(), text: step.clone() },
                Block::Signatures(vec![Signature { name: step.clone(), role: step }]),
            ],
            ..minutes()
        };
        let _ = report_pdf(&report);
        // The printer of this test stops at whatever does not fit.
        if let Ok(bytes) = report_escp(&report, &filed()) {
            prop_assert!(!printed(&bytes).is_empty());
        }
    }
}

fn letter(cryptogram: &str, format: &str, exception: Option<&str>) -> Report {
    key_letter(&LetterFacts {
        mode: Mode::Test,
        station: "Key room Bern".to_owned(),
        made: time_words(1_795_511_645_000),
        recipient: "BANK-LAKE".to_owned(),
        label: "BANK-LAKE.ZPK.001".to_owned(),
        kind: "TDES-2, usage P0, mode B, exportability E".to_owned(),
        kcv: "070753 (ENC-ZERO)".to_owned(),
        under: "BANK-LAKE.ZMK.001 (TDES-2)".to_owned(),
        under_kcv: "8FC2C9 (ENC-ZERO)".to_owned(),
        format: format.to_owned(),
        conformance: "documented; not tried on the target".to_owned(),
        cryptogram: cryptogram.to_owned(),
        exception: exception.map(|reason| LegacyException {
            reason: reason.to_owned(),
            until_ms: 1_803_287_645_000,
        }),
    })
}

/// A published cryptogram: its groups of four with their check letters, by hand
/// (`print::check`), and everything that names key and wrapping key.
#[test]
fn a_letter_carries_its_cryptogram_in_groups_with_check_letters() {
    let bare = letter(
        "U2C62A23D001B97412950CD8BE66C7639",
        "scheme U",
        Some("no key blocks there until March"),
    );
    let pdf = report_pdf(&bare).unwrap();
    golden("key-letter-U.pdf", &pdf);
    let hash = Hash([0x17; 32]);
    golden("key-letter-U.escp", &report_escp(&bare, &hash).unwrap());
    qpdf_check(&pdf);
    let read = page_text(&pdf);
    let line = |number: u8, hex: &str, groups: &str| {
        let digits = hex.chars().map(|c| c.to_digit(16).unwrap());
        let sum: u32 = (1..).zip(digits).map(|(place, d)| place * d).sum();
        let letter = "GHJKLMNPQRSTUVWYZ".as_bytes()[((u32::from(number) + sum) % 17) as usize];
        let words: Vec<String> = [
            number.to_string(),
            groups.into(),
            char::from(letter).to_string(),
        ]
        .into();
        let there = read
            .lines()
            .any(|l| l.split_whitespace().collect::<Vec<_>>().join(" ") == words.join(" "));
        assert!(there, "{words:?} in {read}");
    };
    line(1, "2C62A23D001B9741", "2C62 A23D 001B 9741");
    line(2, "2950CD8BE66C7639", "2950 CD8B E66C 7639");
    for words in [
        "BANK-LAKE.ZPK.001",
        "070753 (ENC-ZERO)",
        "BANK-LAKE.ZMK.001 (TDES-2)",
        "8FC2C9 (ENC-ZERO)",
        "scheme U",
        "EXCEPTION to PCI PIN 18-3, key blocks, until 22FEB2027: no key blocks there until March",
    ] {
        assert!(read.contains(words), "{words}: {read}");
    }

    // A key block has no check letters: its MAC finds what is wrong.
    let block = letter(&"D0112P0AE00E0000".repeat(7), "TR-31 version D", None);
    let pdf = report_pdf(&block).unwrap();
    golden("key-letter-TR-31.pdf", &pdf);
    golden(
        "key-letter-TR-31.escp",
        &report_escp(&block, &hash).unwrap(),
    );
    let read = page_text(&pdf);
    assert!(
        read.lines()
            .any(|l| l.trim_end().ends_with("D011 2P0A E00E 0000")),
        "{read}"
    );
    assert!(!read.contains("EXCEPTION"), "{read}");
}
