//! The component form in both languages. All values are published test keys.

use std::collections::BTreeSet;

use conclave_crypto::cca::MasterKey;
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::CheckValue;
use conclave_keyroom::provider::{Class, kind_of};
use conclave_trades::print::check::line_check;
use conclave_trades::print::component::{
    preview_escp, preview_pdf, render, render_escp, render_pdf,
};
use conclave_trades::print::master_key_part::MasterKeyPart;
use conclave_trades::print::{ComponentForm, FieldName, Layout, PrintError, day_words, escp};
use conclave_training::printer::TrainingPrinter;
use proptest::prelude::*;

use super::{component_layout, golden, page_text, qpdf_check, repository};

/// FIPS 197, SP 800-38A and the usual DES test keys.
pub fn published(form: KeyForm) -> Vec<u8> {
    hex(match form {
        KeyForm::Tdes2 => "0123456789ABCDEFFEDCBA9876543210",
        KeyForm::Tdes3 => "0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123",
        KeyForm::Aes128 => "2B7E151628AED2A6ABF7158809CF4F3C",
        KeyForm::Aes192 => "8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B",
        KeyForm::Aes256 => "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4",
        // RFC 4231 has no keys of these lengths: bytes that count up.
        KeyForm::HmacSha256 | KeyForm::HmacSha384 | KeyForm::HmacSha512 => {
            return (1..=form.bytes()).map(|n| (n * 7 + 1) as u8).collect();
        }
        KeyForm::Rsa => panic!("an RSA key has no components"),
    })
}

pub fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

pub fn secret(bytes: &[u8]) -> Secret {
    Secret::take(&mut bytes.to_vec())
}

pub fn form(form: KeyForm) -> ComponentForm {
    let method = Method::usual(kind_of(form));
    let kcv = Kcv::compute(method, &published(form)).unwrap();
    ComponentForm {
        mode: Mode::Test,
        station: "Key room Bern".to_owned(),
        label: "BANK-LAKE.ZMK.001".to_owned(),
        purpose: "Zone master key".to_owned(),
        form,
        index: 1,
        of: 3,
        quorum: None,
        kcv: CheckValue {
            value: kcv.hex(),
            method: method.to_string(),
        },
        key_kcv: None,
        ceremony: "CER-00017".to_owned(),
        date: day_words(1_795_511_645_000),
        group: "Custodians A".to_owned(),
        custodian: "J\u{fc}rg M\u{fc}ller".to_owned(),
        provenance: None,
        prime: None,
    }
}

/// The layout on which a ceremony prints a part of this length.
pub fn layout_of(form: KeyForm) -> Layout {
    if form.bytes() <= 32 {
        return component_layout();
    }
    let file = repository("keymailer-layouts/component-long.toml");
    Layout::parse(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// An outsider's way to the value: lines with a number, groups of four hex
/// digits, and a check letter.
pub fn read_value(text: &str) -> Vec<u8> {
    let mut digits = String::new();
    let mut number = 0u8;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [n, groups @ .., "check", letter] = words.as_slice() else {
            continue;
        };
        // The box's heading ends with such words too.
        if !n.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        number += 1;
        assert_eq!(*n, number.to_string(), "{line}");
        assert!(
            groups.len() == 4 && groups.iter().all(|g| is_group(g)),
            "{line}"
        );
        let joined = groups.concat();
        assert_eq!(
            letter.as_bytes(),
            [line_check(number, &hex(&joined))],
            "{line}"
        );
        digits.push_str(&joined);
    }
    hex(&digits)
}

fn is_group(word: &str) -> bool {
    word.len() == 4 && word.bytes().all(|b| b"0123456789ABCDEF".contains(&b))
}

/// Every word of the page that looks like a group.
pub fn all_groups(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| is_group(word))
        .map(str::to_owned)
        .collect()
}

/// What the Master Key Entry panel asks for, behind the form: letters of the printer.
#[test]
fn a_part_of_a_master_key_has_a_page_for_its_panel() {
    for key in MasterKey::ALL {
        let part = MasterKeyPart {
            key,
            head: "TEST  KEYROOM-TEST  component for Gus".into(),
            label: "ICSF.PROD.MK.001".into(),
            index: 1,
            of: 2,
        };
        let value = Secret::from_fn(key.len(), |to| {
            to.iter_mut().zip(1u8..).for_each(|(to, at)| *to = at * 7);
        });
        let shipped = std::fs::read_to_string(repository("keymailer-layouts/component.toml"));
        let shipped = shipped.unwrap();
        let layout = |from: &str, to: &str| Layout::parse(&shipped.replace(from, to)).unwrap();
        let sheet = Secret::from_fn(2, |to| to.copy_from_slice(b"F\x0C"));
        let at_once = layout("on-confirmation", "with-form");
        let page = part
            .behind(&sheet, &value, &at_once, PrinterLanguage::EscP)
            .unwrap();
        let text = String::from_utf8(page.expose().to_vec()).unwrap();
        assert!(text.starts_with("F\x0CTEST  KEYROOM-TEST") && text.ends_with("\r\x0C\x1b@"));
        golden(
            &format!("master-key-part-{}-{}.txt", key.name(), key.len()),
            page.expose(),
        );
        let pdf = part.behind(&sheet, &value, &at_once, PrinterLanguage::Pdf);
        assert!(matches!(pdf, Err(PrintError::PanelLanguage)));
        let blind = layout(
            "page = \"A4\"",
            "page = \"A4\"\ndisclosure = \"blind-mailer\"\nstock = \"Peel Form 7\"\ntoner = \"Toner K\"",
        );
        let refused = part.behind(&sheet, &value, &blind, PrinterLanguage::EscP);
        assert!(matches!(refused, Err(PrintError::PanelBlind)));
    }
}

/// The shipped layout holds its sheet back: the page for the panel is not printed on
/// top of it, and is held back in its place.
#[test]
fn the_panels_page_is_a_sheet_of_its_own_behind_the_shipped_form() {
    let layout = component_layout();
    let value = secret(&published(KeyForm::Aes256));
    let part = MasterKeyPart {
        key: MasterKey::Aes,
        head: "TEST  KEYROOM-TEST  component for Gus".into(),
        label: "ICSF.PROD.MK.001".into(),
        index: 1,
        of: 2,
    };
    let form = form(KeyForm::Aes256);
    for language in [
        PrinterLanguage::EscP,
        PrinterLanguage::Line,
        PrinterLanguage::Pcl5,
    ] {
        let sheet = render(&layout, &form, &value, language).unwrap();
        let both = part.behind(&sheet, &value, &layout, language).unwrap();
        let feeds = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\x0c').count();
        assert_eq!((feeds(sheet.expose()), feeds(both.expose())), (0, 1));
        let text = String::from_utf8_lossy(both.expose()).into_owned();
        let (first, second) = text.split_once('\x0c').unwrap();
        assert!(first.contains("COMPONENT VALUE") && !first.contains("Key Type"));
        assert!(second.contains("Key Type   ===> AES-MK") && !second.contains("COMPONENT"));
        assert!(second.ends_with('\r'), "its custodian feeds it");
    }
}

#[test]
fn golden_forms() {
    let layout = component_layout();
    for key_form in KeyForm::ALL {
        let layout = layout_of(key_form);
        let value = secret(&published(key_form));
        let form = form(key_form);
        let sheet = render_escp(&layout, &form, &value).unwrap();
        golden(&format!("component-{key_form}.escp"), sheet.expose());
        let page = render_pdf(&layout, &form, &value).unwrap();
        golden(&format!("component-{key_form}.pdf"), page.expose());
    }
    let production = ComponentForm {
        mode: Mode::Production,
        provenance: Class::Software.provenance().map(str::to_owned),
        ..form(KeyForm::Aes256)
    };
    let preview = preview_escp(&layout, &production).unwrap();
    golden("component-preview-PRODUCTION.escp", &preview);
    let preview = preview_pdf(&layout, &production).unwrap();
    golden("component-preview-PRODUCTION.pdf", &preview);
}

#[test]
fn poppler_reads_the_value_and_nothing_else_that_looks_like_it() {
    for key_form in KeyForm::ALL {
        let layout = layout_of(key_form);
        let bytes = published(key_form);
        let page = render_pdf(&layout, &form(key_form), &secret(&bytes)).unwrap();
        qpdf_check(page.expose());
        let text = page_text(page.expose());
        assert_eq!(read_value(&text), bytes, "{key_form}\n{text}");
        let groups = all_groups(&text).concat();
        assert_eq!(hex(&groups), bytes, "{key_form}\n{text}");
        for words in [
            "TEST",
            "BANK-LAKE.ZMK.001",
            "COMPONENT 1 of 3",
            "Juerg Mueller",
        ] {
            assert_eq!(text.matches(words).count().min(2), 2, "{words}\n{text}");
        }
        let kcv = form(key_form).kcv.words();
        assert!(text.contains(&kcv), "{kcv}\n{text}");
    }
}

#[test]
fn two_components_read_from_paper_make_the_key() {
    let layout = component_layout();
    let key = published(KeyForm::Aes256);
    let first = hex("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
    let second: Vec<u8> = key.iter().zip(&first).map(|(a, b)| a ^ b).collect();
    let mut sum = vec![0u8; 32];
    for (index, value) in (1u8..).zip([&first, &second]) {
        let mut form = form(KeyForm::Aes256);
        (form.index, form.of) = (index, 2);
        let page = render_pdf(&layout, &form, &secret(value)).unwrap();
        for (a, b) in sum.iter_mut().zip(read_value(&page_text(page.expose()))) {
            *a ^= b;
        }
    }
    assert_eq!(sum, key);
}

#[test]
fn the_preview_differs_only_where_the_value_stands() {
    for key_form in KeyForm::ALL {
        let layout = layout_of(key_form);
        let form = form(key_form);
        let value = secret(&published(key_form));
        let pairs = [
            (
                preview_escp(&layout, &form).unwrap(),
                render_escp(&layout, &form, &value).unwrap(),
            ),
            (
                preview_pdf(&layout, &form).unwrap(),
                render_pdf(&layout, &form, &value).unwrap(),
            ),
        ];
        for (preview, printed) in pairs {
            assert_eq!(preview.len(), printed.len());
            let changed: Vec<u8> = preview
                .iter()
                .zip(printed.expose())
                .filter(|(a, b)| a != b)
                .map(|(a, _)| *a)
                .collect();
            // Two digits a byte, and a letter for each eight bytes.
            let expected = key_form.bytes() * 2 + key_form.bytes() / 8;
            assert_eq!(changed, vec![b'X'; expected], "{key_form}");
        }
        let text = page_text(&preview_pdf(&layout, &form).unwrap());
        assert!(all_groups(&text).is_empty(), "{text}");
    }
}

#[test]
fn what_a_form_cannot_print_is_refused() {
    let layout = component_layout();
    let good = form(KeyForm::Tdes2);
    let change = |change: &dyn Fn(&mut ComponentForm)| {
        let mut form = good.clone();
        change(&mut form);
        preview_escp(&layout, &form).unwrap_err()
    };
    assert!(matches!(
        change(&|f| f.custodian = "Eve\x1b@".to_owned()),
        PrintError::Character {
            character: '\x1b',
            ..
        }
    ));
    assert!(matches!(
        change(&|f| f.label = "A\x0cB".to_owned()),
        PrintError::Character {
            character: '\x0c',
            ..
        }
    ));
    assert!(matches!(
        change(&|f| f.custodian = "\u{9375}".to_owned()),
        PrintError::Character { .. }
    ));
    assert_eq!(
        change(&|f| f.label = "L".repeat(75)),
        PrintError::TooLong {
            field: FieldName::Label,
            len: 75,
            width: 74
        }
    );
    assert_eq!(
        change(&|f| f.station = " ".to_owned()),
        PrintError::Empty(FieldName::Station)
    );
    assert_eq!(
        change(&|f| f.date = "24-11-2026".to_owned()),
        PrintError::LooksLikeValue(FieldName::Date)
    );
    for (index, of) in [(0, 3), (4, 3), (1, 1), (1, 10)] {
        assert_eq!(
            change(&|f| (f.index, f.of) = (index, of)),
            PrintError::Part { index, of }
        );
    }
    for len in [0, 8, 15, 17, 24] {
        let error = render_escp(&layout, &good, &Secret::zeroed(len)).err();
        assert_eq!(
            error,
            Some(PrintError::ValueLength {
                found: len,
                expected: 16
            })
        );
    }
}

#[test]
fn the_training_printer_shows_the_form() {
    use std::io::Write;
    let printer = TrainingPrinter::start("TRAINING-1").unwrap();
    let bytes = published(KeyForm::Tdes3);
    let sheet = render_escp(&component_layout(), &form(KeyForm::Tdes3), &secret(&bytes)).unwrap();
    let mut node = std::fs::OpenOptions::new()
        .write(true)
        .open(printer.device())
        .unwrap();
    node.write_all(sheet.expose()).unwrap();
    assert!(printer.wait_for(sheet.len()));
    assert!(printer.bytes().expose() == sheet.expose());
    let text = printer.take_sheet().unwrap();
    let unframed = text.replace('|', " ");
    assert_eq!(read_value(&unframed), bytes, "{}", text.as_str());
    assert!(
        text.lines().all(|line| line.len() <= 80),
        "{}",
        text.as_str()
    );
}

/// The control bytes of ESC/P and nothing else; what is left is printable.
fn unknown_controls(bytes: &[u8]) -> Vec<Vec<u8>> {
    let allowed: [&[u8]; 8] = [
        b"\x1b@", b"\x1bP", b"\x1b2", b"\x1bCB", b"\x1bE", b"\x1bF", b"\x1bW1", b"\x1bW0",
    ];
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        at += if let Some(command) = allowed.iter().find(|c| rest.starts_with(c)) {
            command.len()
        } else if rest.starts_with(b"\r\n") || rest.starts_with(b"\r\x0c") {
            2
        } else if rest[0] == b'\r' && at + 1 == bytes.len() || matches!(rest[0], b' '..=b'~') {
            1
        } else {
            found.push(rest[..rest.len().min(3)].to_vec());
            1
        };
    }
    found
}

#[test]
fn a_held_form_feeds_nothing_and_the_eject_feeds_once() {
    let sheet = preview_escp(&component_layout(), &form(KeyForm::Aes128)).unwrap();
    assert!(!sheet.contains(&0x0C));
    assert!(sheet.ends_with(b"\r") && !sheet.ends_with(b"\n\r"));
    assert_eq!(escp::EJECT, b"\r\x0c\x1b@");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the fields hold, no unknown control byte leaves, the outside
    /// has no group of the value, and the value is where it is read.
    #[test]
    fn no_field_can_steer_the_printer(
        custodian in "\\PC{1,24}",
        station in "[ -~\u{e4}\u{fc}\u{1b}]{1,24}",
        label in "[A-Z0-9.-]{1,40}",
        ceremony in "[ -~]{1,30}",
        value in prop::collection::vec(any::<u8>(), 32),
    ) {
        let layout = component_layout();
        let form = ComponentForm { custodian, station, label, ceremony, ..form(KeyForm::Aes256) };
        if let Ok(sheet) = render_escp(&layout, &form, &secret(&value)) {
            let unknown = unknown_controls(sheet.expose());
            prop_assert!(unknown.is_empty(), "{:?}", unknown);
            let lines: Vec<&[u8]> = sheet.expose().split(|b| *b == b'\n').collect();
            let groups: BTreeSet<String> = value
                .chunks(2)
                .map(|pair| format!("{:02X}{:02X}", pair[0], pair[1]))
                .collect();
            let label_groups: BTreeSet<String> = all_groups(&format!(
                "{} {} {}", form.label, form.custodian, form.station
            )).into_iter().collect();
            for line in &lines[..layout.outside_lines()] {
                for group in all_groups(&String::from_utf8_lossy(line)) {
                    prop_assert!(!groups.contains(&group) || label_groups.contains(&group));
                }
            }
        }
    }
}

/// A form that has to say where its key was made says it, or is not printed.
#[test]
fn a_form_says_that_its_key_was_made_outside_a_secure_device() {
    const WORDS: &str = "made outside a secure cryptographic device";
    let layout = component_layout();
    let said = ComponentForm {
        provenance: Class::Software.provenance().map(str::to_owned),
        ..form(KeyForm::Tdes2)
    };
    let value = secret(&published(KeyForm::Tdes2));
    let page = render_pdf(&layout, &said, &value).unwrap();
    assert!(page_text(page.expose()).contains(WORDS));
    let sheet = render_escp(&layout, &said, &value).unwrap();
    assert!(String::from_utf8_lossy(sheet.expose()).contains(WORDS));
    let silent = render_pdf(&layout, &form(KeyForm::Tdes2), &value).unwrap();
    assert!(!page_text(silent.expose()).contains(WORDS));

    let text = std::fs::read_to_string("keymailer-layouts/component.toml").unwrap();
    let (without, _) = text.rsplit_once("[[field]]").unwrap();
    let without = Layout::parse(without).unwrap();
    let refused = render_escp(&without, &said, &value).err();
    assert_eq!(refused, Some(PrintError::NoPlace(FieldName::Provenance)));
    render_escp(&without, &form(KeyForm::Tdes2), &value).unwrap();
}
