//! Every shipped layout in every printer language: golden pages of X's, and
//! filled forms read back by others: poppler for PDF, an interpreter of PCL 5
//! written from its manual (`pcl.py`), the training printer for ESC/P. All
//! values are published test values.

use std::collections::BTreeSet;
use std::fs;

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_trades::print::{
    Content, FieldName, Filling, Kind, Layout, PrintError, approval, mailer, password_check,
};
use conclave_training::printer::TrainingPrinter;
use proptest::prelude::*;

use super::forms::{published, read_value, secret};
use super::{golden, oracle, page_text, qpdf_check, repository};

/// All layouts of the product: file name without its ending, and text.
pub fn shipped() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = fs::read_dir(repository("keymailer-layouts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    all.sort();
    assert!(all.len() >= 10, "{}", all.len());
    all
}

pub fn layout(name: &str) -> Layout {
    let (_, text) = shipped().into_iter().find(|(n, _)| n == name).unwrap();
    Layout::parse(&text).unwrap()
}

const LANGUAGES: [PrinterLanguage; 6] = PrinterLanguage::ALL;

/// 134 columns go through no page printer.
fn goes_through(name: &str, language: PrinterLanguage) -> bool {
    name != "pin-mailer-two-up" || language != PrinterLanguage::Pcl5
}

#[test]
fn golden_pages_of_every_layout_in_every_language() {
    for (name, text) in shipped() {
        let layout = Layout::read(&text).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        assert_eq!(layout.name(), name);
        for language in LANGUAGES {
            let page = mailer::sample(&layout, Mode::Test, language);
            if goes_through(&name, language) {
                let file = format!("sample-{name}.{}", language.name());
                golden(&file, &page.unwrap());
            } else {
                assert_eq!(page, Err(PrintError::TooWide(134)));
            }
        }
    }
}

#[test]
fn what_ships_needs_no_approval_but_for_mailers_with_pins() {
    for (name, text) in shipped() {
        let shipped = approval::is_shipped(&text);
        assert_eq!(shipped, !name.starts_with("pin-mailer"), "{name}");
        assert!(!approval::is_shipped(&format!("{text} ")), "{name}");
    }
}

fn texts(layout: &Layout) -> Filling<'static> {
    let all = [
        (FieldName::Station, "Key room Bern"),
        (FieldName::Label, "BANK-LAKE.ZMK.001"),
        (FieldName::Purpose, "Zone master key"),
        (FieldName::Algorithm, "AES-256, 32 bytes"),
        (FieldName::Part, "PART 2 of 3"),
        (FieldName::Quorum, "any 2 of the 3 shares"),
        (FieldName::Kcv, "08D7B4 (ECB)"),
        (FieldName::KeyKcv, "0AC3F1 (CMAC)"),
        (FieldName::Ceremony, "C0123456"),
        (FieldName::Date, "24NOV2026"),
        (FieldName::Group, "Custodians A"),
        (FieldName::Custodian, "J\u{fc}rg M\u{fc}ller"),
        (FieldName::Reference, "L-17"),
        (FieldName::Tracking, "7Q2K-91XD-QQ04"),
        (FieldName::Sequence, "17 of 200"),
        (FieldName::Name, "Zo\u{eb} \u{d8}stergaard"),
        (FieldName::Address, "Bahnhofstrasse 1\n3011 Bern\nSchweiz"),
        (FieldName::Courier, "by hand"),
        (FieldName::Bag, "CE0000017"),
        (
            FieldName::Parts,
            "COMPONENT 1 of 2   KCV 08D7B4 (ENC-ZERO)   BAG CE0000017\n    Gus, by hand\n\
             COMPONENT 2 of 2   KCV 6B1C00 (ENC-ZERO)   BAG CE0000018\n    Ida, by courier",
        ),
        (FieldName::Store, "acquirer-2026.p12"),
        (FieldName::Alias, "acquirer"),
    ];
    let mut filling = Filling::new(Mode::Test);
    for (field, text) in all.into_iter().filter(|(field, _)| layout.has(*field)) {
        filling = filling.text(field, text);
    }
    filling
}

/// The page as a reader of this language sees it.
fn seen(language: PrinterLanguage, bytes: &[u8]) -> String {
    match language {
        PrinterLanguage::Pdf => {
            qpdf_check(bytes);
            page_text(bytes)
        }
        PrinterLanguage::Pcl5 => {
            let script = repository("tests/paper/pcl.py");
            let read = oracle("python3", &[script.to_str().unwrap(), "FILE"], bytes);
            assert!(read.status.success(), "{read:?}");
            String::from_utf8(read.stdout).unwrap()
        }
        _ => {
            let printer = TrainingPrinter::start("TRAINING-M").unwrap();
            let mut node = fs::OpenOptions::new()
                .write(true)
                .open(printer.device())
                .unwrap();
            std::io::Write::write_all(&mut node, bytes).unwrap();
            assert!(printer.wait_for(bytes.len()));
            printer.take_sheet().unwrap().to_string()
        }
    }
}

fn words(text: &str) -> String {
    let plain = text.replace('|', " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Nothing but X's differs between a preview and the form, and as many of them
/// as the secret has characters.
fn only_secrets_differ(layout: &Layout, fillings: &[Filling<'_>], language: PrinterLanguage) {
    let preview = mailer::preview(layout, fillings, language).unwrap();
    let printed = mailer::render(layout, fillings, language).unwrap();
    assert_eq!(preview.len(), printed.len());
    let changed: BTreeSet<u8> = preview
        .iter()
        .zip(printed.expose())
        .filter(|(a, b)| a != b)
        .map(|(a, _)| *a)
        .collect();
    assert!(changed.is_empty() || changed == BTreeSet::from([b'X']));
}

#[test]
fn a_pin_is_read_from_every_language_and_stands_inside_only() {
    // 1234 and 5678 are the PINs of published examples.
    for name in ["pin-mailer-continuous", "pin-mailer-laser"] {
        let layout = layout(name);
        for (pin, spaced, in_words) in [
            ("1234", "1 2 3 4", vec!["ONE", "TWO", "THREE", "FOUR"]),
            (
                "567890",
                "5 6 7 8 9 0",
                vec!["FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "ZERO"],
            ),
        ] {
            let pin = secret(pin.as_bytes());
            for language in LANGUAGES {
                let filling = [texts(&layout).secret(FieldName::Pin, &pin)];
                only_secrets_differ(&layout, &filling, language);
                let page = mailer::render(&layout, &filling, language).unwrap();
                let text = words(&seen(language, page.expose()));
                assert_eq!(text.matches(spaced).count(), 1, "{language:?} {text}");
                for word in &in_words {
                    assert!(text.contains(word), "{language:?} {word} {text}");
                }
                for plain in [
                    "Zoe Oestergaard",
                    "Bahnhofstrasse 1",
                    "7Q2K-91XD-QQ04",
                    "TEST",
                ] {
                    assert!(text.contains(plain), "{language:?} {plain} {text}");
                }
                if !matches!(language, PrinterLanguage::Pdf | PrinterLanguage::Pcl5) {
                    outside_has_no_secret(&layout, &filling, language);
                }
            }
        }
    }
}

/// In bytes of text printers: no X of the preview falls into the outside.
fn outside_has_no_secret(layout: &Layout, filling: &[Filling<'_>], language: PrinterLanguage) {
    let preview = mailer::preview(layout, filling, language).unwrap();
    let printed = mailer::render(layout, filling, language).unwrap();
    let mut line = 1;
    for (a, b) in preview.iter().zip(printed.expose()) {
        line += usize::from(*a == b'\n');
        if a != b {
            // The whole first lines are outside where the layout says so.
            assert!(line > layout.outside_lines(), "{line}");
        }
    }
}

#[test]
fn a_production_mailer_does_not_tell_customers_so() {
    let layout = layout("pin-mailer-continuous");
    let pin = secret(b"1234");
    let mut filling = texts(&layout).secret(FieldName::Pin, &pin);
    filling.mode = Mode::Production;
    let page = mailer::render(&layout, &[filling], PrinterLanguage::Line).unwrap();
    let text = String::from_utf8(page.expose().to_vec()).unwrap();
    assert!(
        !text.contains("PRODUCTION") && !text.contains("TEST"),
        "{text}"
    );
}

#[test]
fn two_forms_beside_one_another_each_in_its_holders_language() {
    let layout = layout("pin-mailer-two-up");
    let (first, second) = (secret(b"1234"), secret(b"5678"));
    let fillings = [
        texts(&layout).language("de").secret(FieldName::Pin, &first),
        texts(&layout)
            .language("da")
            .text(FieldName::Tracking, "ANOTHER-NUMBER")
            .secret(FieldName::Pin, &second),
    ];
    for language in LANGUAGES
        .into_iter()
        .filter(|l| *l != PrinterLanguage::Pcl5)
    {
        only_secrets_differ(&layout, &fillings, language);
        let page = mailer::render(&layout, &fillings, language).unwrap();
        let text = words(&seen(language, page.expose()));
        assert!(
            text.contains("1 2 3 4") && text.contains("5 6 7 8"),
            "{text}"
        );
        assert!(text.contains("EINS ZWEI DREI VIER"), "{text}");
        assert!(text.contains("FEM SEKS SYV OTTE"), "{text}");
    }
    // One form on paper for two, and one too many.
    let alone = &fillings[..1];
    assert!(mailer::render(&layout, alone, PrinterLanguage::EscP9).is_ok());
    let three = [texts(&layout), texts(&layout), texts(&layout)];
    let error = mailer::preview(&layout, &three, PrinterLanguage::Line).unwrap_err();
    assert_eq!(error, PrintError::Forms { found: 3, room: 2 });
}

#[test]
fn components_are_read_from_every_language() {
    use conclave_keyroom::domain::form::KeyForm;
    for (name, value) in [
        ("component", published(KeyForm::Tdes2)),
        ("component", published(KeyForm::Aes256)),
    ] {
        let layout = layout(name);
        let kept = secret(&value);
        for language in LANGUAGES {
            let filling = [texts(&layout).secret(FieldName::Value, &kept)];
            only_secrets_differ(&layout, &filling, language);
            let page = mailer::render(&layout, &filling, language).unwrap();
            let text = seen(language, page.expose()).replace('|', " ");
            assert_eq!(read_value(&text), value, "{language:?} {text}");
        }
    }
}

#[test]
fn a_password_is_read_from_every_language_with_its_check_digits() {
    let layout = layout("password-mailer");
    // RFC 6070 and others use this one.
    let password = "passwordPASSWORDpassword$3";
    let kept = secret(password.as_bytes());
    for language in LANGUAGES {
        let filling = [texts(&layout).secret(FieldName::Password, &kept)];
        only_secrets_differ(&layout, &filling, language);
        let page = mailer::render(&layout, &filling, language).unwrap();
        let text = seen(language, page.expose()).replace('|', " ");
        let mut read = String::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [number, groups @ .., "check", digits] = words.as_slice() else {
                continue;
            };
            let Ok(number) = number.parse::<u8>() else {
                continue;
            };
            let groups = groups.concat();
            let check = password_check(number, groups.as_bytes());
            assert_eq!(*digits, format!("{check:02}"), "{line}");
            read.push_str(&groups);
        }
        assert_eq!(read, password, "{language:?} {text}");
    }
    for bad in ["", "with space", "par(en", "back\\slash", "umlaut\u{fc}"] {
        let kept = secret(bad.as_bytes());
        let filling = [texts(&layout).secret(FieldName::Password, &kept)];
        let error = mailer::render(&layout, &filling, PrinterLanguage::Pdf).err();
        assert_eq!(error, Some(PrintError::Password), "{bad:?}");
    }
}

#[test]
fn forms_without_secrets_say_what_they_are_for() {
    for (name, said) in [
        (
            "component-envelope",
            vec!["PART 2 of 3", "CE0000017", "Juerg Mueller"],
        ),
        (
            "exchange-letter",
            vec![
                "0AC3F1 (CMAC)",
                "BAG CE0000018 Ida, by courier",
                "3011 Bern",
            ],
        ),
        (
            "label-strip",
            vec!["CE0000017", "08D7B4 (ECB)", "PART 2 of 3"],
        ),
    ] {
        let layout = layout(name);
        assert!(!layout.kind().has_secret());
        for language in LANGUAGES {
            let page = mailer::render(&layout, &[texts(&layout)], language).unwrap();
            let text = words(&seen(language, page.expose()));
            for words in &said {
                assert!(text.contains(words), "{language:?} {words} {text}");
            }
        }
    }
}

#[test]
fn what_a_mailer_cannot_print_is_refused() {
    let layout = layout("pin-mailer-continuous");
    let pin = secret(b"1234");
    let change = |with: &dyn Fn(Filling<'static>) -> Filling<'static>| {
        let filling = with(texts(&layout)).secret(FieldName::Pin, &pin);
        mailer::render(&layout, &[filling], PrinterLanguage::EscP9)
            .err()
            .unwrap()
    };
    // A number that card schemes publish for tests, in a field of the host's.
    let card = "4111 1111 1111 1111";
    assert_eq!(
        change(&|f| f.text(FieldName::Name, format!("card {card}"))),
        PrintError::Pan(FieldName::Name)
    );
    assert!(matches!(
        change(&|f| f.text(FieldName::Name, "Eve\u{1b}@")),
        PrintError::Character {
            character: '\u{1b}',
            ..
        }
    ));
    assert!(matches!(
        change(&|f| f.text(FieldName::Address, "a\u{c}b")),
        PrintError::Character {
            character: '\u{c}',
            ..
        }
    ));
    assert!(matches!(
        change(&|f| f.text(FieldName::Name, "N".repeat(37))),
        PrintError::TooLong {
            field: FieldName::Name,
            len: 37,
            width: 36
        }
    ));
    assert!(matches!(
        change(&|f| f.text(FieldName::Address, "1\n2\n3\n4\n5\n6")),
        PrintError::TooManyRows {
            found: 6,
            room: 5,
            ..
        }
    ));
    assert_eq!(
        change(&|f| f.with(FieldName::Tracking, Content::Sample(4))),
        PrintError::WrongContent(FieldName::Tracking)
    );
    let words = secret(b"abcdefghijklm");
    let unplaced = texts(&layout)
        .secret(FieldName::Pin, &pin)
        .secret(FieldName::Password, &words);
    assert_eq!(
        mailer::preview(&layout, &[unplaced], PrinterLanguage::Line),
        Err(PrintError::NoPlace(FieldName::Password))
    );
    for bad in [&b"123"[..], b"1234567", b"12a4", b"", b"12 4"] {
        let pin = secret(bad);
        let filling = [texts(&layout).secret(FieldName::Pin, &pin)];
        let error = mailer::render(&layout, &filling, PrinterLanguage::EscP9).err();
        assert_eq!(error, Some(PrintError::Pin { most: 6 }), "{bad:?}");
    }
    let missing = Filling::new(Mode::Test).secret(FieldName::Pin, &pin);
    assert!(matches!(
        mailer::preview(&layout, &[missing], PrinterLanguage::Pdf),
        Err(PrintError::NotGiven(_))
    ));
}

#[test]
fn every_line_ends_with_a_carriage_return_before_the_paper_moves() {
    for (name, text) in shipped() {
        let layout = Layout::parse(&text).unwrap();
        for language in LANGUAGES.into_iter().filter(|l| l.is_text()) {
            let page = mailer::flush(&layout, Mode::Test, language).unwrap();
            for (at, byte) in page.iter().enumerate() {
                if matches!(byte, b'\n' | 0x0c) {
                    assert_eq!(page[at - 1], b'\r', "{name} {language:?} {at}");
                }
                if language == PrinterLanguage::Line {
                    let plain = matches!(byte, b' '..=b'~' | b'\r' | b'\n' | 0x0c);
                    assert!(plain, "{name} {at} {byte:02x}");
                }
            }
            // A batch ends with the paper out and nothing held.
            assert_eq!(page.iter().filter(|b| **b == 0x0c).count(), 2, "{name}");
        }
    }
}

#[test]
fn each_kind_has_its_secret_on_the_inside_and_never_on_the_outside() {
    for kind in Kind::ALL {
        assert!(kind.outside().iter().all(|field| !field.is_secret()));
        assert!(!kind.inside().contains(&FieldName::Pan));
        assert!(!kind.outside().contains(&FieldName::Pan));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever a host sends: refused, or the same bytes as the preview but for
    /// the PIN's own places, in every language.
    #[test]
    fn no_field_steers_a_printer_or_moves_the_pin(
        name in "\\PC{1,36}",
        address in "[ -~\n\u{e4}\u{1b}\u{c}]{1,60}",
        pin in "[0-9]{4,6}",
    ) {
        let layout = layout("pin-mailer-continuous");
        let kept: Secret = secret(pin.as_bytes());
        for language in LANGUAGES {
            let filling = [texts(&layout)
                .text(FieldName::Name, name.clone())
                .text(FieldName::Address, address.clone())
                .secret(FieldName::Pin, &kept)];
            let Ok(page) = mailer::render(&layout, &filling, language) else {
                continue;
            };
            let preview = mailer::preview(&layout, &filling, language).unwrap();
            let changed: Vec<u8> = preview.iter().zip(page.expose())
                .filter(|(a, b)| a != b)
                .map(|(_, b)| *b)
                .filter(u8::is_ascii_digit)
                .collect();
            prop_assert_eq!(String::from_utf8(changed).unwrap(), pin.clone());
            if language == PrinterLanguage::Line {
                let plain = page.expose().iter()
                    .all(|b| matches!(b, b' '..=b'~' | b'\r' | b'\n' | 0x0c));
                prop_assert!(plain);
            }
        }
    }
}
