//! Reports: pages that poppler reads and qpdf accepts, and always the same.

use conclave_evidence::Hash;
use conclave_evidence::authority::Mode;
use conclave_trades::print::{Block, PrintError, Report, Signature, report_pdf, time_words};
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
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_text_becomes_pages_or_is_refused(
        text in "\\PC{0,600}",
        rows in prop::collection::vec(prop::collection::vec("[ -~]{0,300}", 3), 0..20),
        weights in prop::collection::vec(0u16..1000, 3),
    ) {
        let columns = weights.into_iter().map(|w| ("column".to_owned(), w)).collect();
        let report = Report {
            blocks: vec![Block::Text(text), Block::Table { columns, rows }],
            ..minutes()
        };
        let _ = report_pdf(&report);
    }
}
