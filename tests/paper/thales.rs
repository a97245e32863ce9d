//! Print formats of Thales payShield become layouts, or are refused by place.

use std::fs;

use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_trades::print::{
    Area, FieldName, Filling, ImportOptions, Layout, LayoutFault, import, mailer,
};
use proptest::prelude::*;

use super::forms::secret;
use super::repository;

fn options() -> ImportOptions {
    ImportOptions {
        name: "imported".into(),
        lines: 12,
        columns: 80,
        pin_digits: 4,
        fields: [(0, FieldName::Tracking), (1, FieldName::Host(1))].into(),
        outside: vec![Area {
            line: 1,
            column: 1,
            width: 30,
            height: 3,
        }],
    }
}

fn lines(page: &[u8]) -> Vec<String> {
    let text = String::from_utf8(page.to_vec()).unwrap();
    let text = text.replace(['\r', '\u{c}'], "");
    text.split('\n').map(str::to_owned).collect()
}

#[test]
fn the_manuals_example_prints_what_the_manual_says() {
    // The example of the host command manual, its second form being the first
    // one moved by thirty columns; completed by two lines and a banner.
    let format = ">L>003^0>033^4>L>L>L>L>003^1>023^P>033^5>053^Q>L>F";
    let mut text = import(format, &options()).unwrap();
    // What no format can say: a TEST station's banner.
    text.push_str("\n[[field]]\nname = \"banner\"\nline = 8\ncolumn = 2\nwidth = 12\n");
    let layout = Layout::read(&text).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"));
    assert_eq!(layout.across(), 2);
    let (first, second) = (secret(b"1234"), secret(b"5678"));
    let form = |number: &str, pin| {
        Filling::new(Mode::Test)
            .text(FieldName::Tracking, number)
            .text(FieldName::Host(1), "INSIDE")
            .secret(FieldName::Pin, pin)
    };
    let fillings = [form("A-1", &first), form("B-2", &second)];
    let page = mailer::render(&layout, &fillings, PrinterLanguage::Line).unwrap();
    let lines = lines(page.expose());
    // Columns count from 1: column 3 is the third letter.
    assert_eq!(lines[1], format!("  A-1{}B-2", " ".repeat(27)));
    assert_eq!(
        lines[5],
        format!(
            "  INSIDE{}1234{}INSIDE{}5678",
            " ".repeat(14),
            " ".repeat(6),
            " ".repeat(14)
        )
    );
}

#[test]
fn commands_become_settings_fonts_or_stay() {
    let format = "|21B30|21B4D>L>003^0>L>L>L>L>010|21B45PIN|21B46>020^P|31B5531>L>F";
    let text = import(format, &options()).unwrap();
    assert!(text.contains("columns_to_the_inch = 12"), "{text}");
    assert!(text.contains("lines_to_the_inch = 8"), "{text}");
    assert!(text.contains("text = \"PIN\"\nbold = true"), "{text}");
}

/// A host sends each line of an address as a field of its own.
#[test]
fn the_lines_of_an_address_become_one_field() {
    let format = ">L>L>003^0>L>003^1>L>003^2>L>003^3>L>L>L>003^4>L>L>L>L>020^P>L>F";
    let mut options = options();
    options.lines = 16;
    options.outside[0].height = 9;
    options.outside[0].width = 80;
    options.fields = [(0, FieldName::Name), (4, FieldName::Tracking)].into();
    for line in 1..=3 {
        options.fields.insert(line, FieldName::Address);
    }
    let mut text = import(format, &options).unwrap();
    text.push_str("\n[[field]]\nname = \"banner\"\nline = 14\ncolumn = 2\nwidth = 12\n");
    let layout = Layout::read(&text).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"));
    assert!(layout.host_fields().is_empty(), "{text}");
    let pin = secret(b"1234");
    let filling = Filling::new(Mode::Test)
        .text(FieldName::Name, "ANNA")
        .text(FieldName::Address, "BOX 1\nLUND")
        .text(FieldName::Tracking, "ABCD")
        .secret(FieldName::Pin, &pin);
    let page = mailer::render(&layout, &[filling], PrinterLanguage::Line).unwrap();
    let lines = lines(page.expose());
    assert_eq!(lines[2..5], ["  ANNA", "  BOX 1", "  LUND"]);
    // One that stands elsewhere is no line of it.
    let elsewhere = ">L>L>003^0>L>003^1>L>003^2>L>005^3>L>L>L>003^4>L>L>L>L>020^P>L>F";
    let faults = import(elsewhere, &options).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(told.len() == 1 && told[0].contains("\"^3\""), "{told:?}");
    // One that is not named keeps its number, and comes from the issuer's file.
    options.fields.remove(&0);
    let text = import(format, &options).unwrap();
    assert!(text.contains("name = \"host-0\""), "{text}");
}

/// The outside may be a part of a line: a field that begins there ends there, and one
/// under the cover ends before it.
#[test]
fn a_field_ends_where_its_side_of_the_form_does() {
    let format = ">L>L>003^1>L>042^0>L>L>L>L>L>020^P>L>F";
    let mut options = options();
    let right = |column, width| Area {
        line: 1,
        column,
        width,
        height: 3,
    };
    let width_of = |options: &ImportOptions, name: &str| {
        let text = import(format, options).unwrap();
        let (_, field) = text.split_once(&format!("name = \"{name}\"\n")).unwrap();
        let width = field.lines().find_map(|line| line.strip_prefix("width = "));
        width.unwrap().parse::<usize>().unwrap()
    };
    options.outside = vec![Area {
        height: 4,
        ..right(40, 40)
    }];
    assert_eq!(width_of(&options, "tracking"), 38);
    assert_eq!(width_of(&options, "host-1"), 37);
    // Two areas that touch are one side; what begins further right is another line's.
    options.outside = vec![
        Area {
            height: 4,
            ..right(40, 10)
        },
        Area {
            height: 4,
            ..right(50, 20)
        },
        right(75, 2),
    ];
    assert_eq!(width_of(&options, "tracking"), 28);
    options.outside = Vec::new();
    assert_eq!(width_of(&options, "tracking"), 39);
    assert_eq!(width_of(&options, "host-1"), 78);
}

#[test]
fn bad_formats_are_refused_each_with_its_place() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for entry in fs::read_dir(repository("tests/malformed/print-formats")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let (head, format) = text.split_once('\n').unwrap();
        let expected = head.strip_prefix("# expect: ").unwrap();
        match import(format, &options()) {
            Ok(layout) => wrong.push(format!("{}: accepted\n{layout}", path.display())),
            Err(faults) => {
                let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
                if !told.iter().any(|fault| fault.contains(expected)) {
                    wrong.push(format!("{}: {told:?}", path.display()));
                }
                let length = format.chars().count();
                assert!(faults.iter().all(|f| (1..=length).contains(&f.at)));
            }
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(seen >= 12, "only {seen} files");
}

proptest! {
    #[test]
    fn any_format_is_read_or_refused(format in "(>L|>F|>[0-9]{3}|\\^[0-9A-FPQR]|\\|21B..|[ -~]){0,60}") {
        match import(&format, &options()) {
            // What is written is TOML of a layout, whatever rule it breaks.
            Ok(text) => {
                if let Err(faults) = Layout::read(&text) {
                    for fault in faults {
                        let is_file = matches!(fault.fault, LayoutFault::File(_));
                        prop_assert!(!is_file, "{fault}\n{text}");
                    }
                }
            }
            Err(faults) => prop_assert!(!faults.is_empty()),
        }
    }
}
