//! The form for components of an RSA pair's prime, in every printer language. The values
//! are bytes that count up, and no primes.

use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::secret::Secret;
use conclave_evidence::Hash;
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::CheckValue;
use conclave_trades::print::check::line_check;
use conclave_trades::print::component::{preview, preview_escp, render};
use conclave_trades::print::{ComponentForm, FieldName, Layout, PrimeOf, PrintError};

use super::forms::{all_groups, form, hex, published, secret};
use super::mailers::layout;
use super::{component_layout, golden, page_text, qpdf_check, repository};

const SIZES: [u16; 3] = [2048, 3072, 4096];

fn value(bits: u16) -> Vec<u8> {
    (0..usize::from(bits) / 16)
        .map(|n| (n * 7 + 1) as u8)
        .collect()
}

fn part(bits: u16) -> ComponentForm {
    let kcv = Kcv::compute(Method::Sha256, &value(bits)).unwrap();
    ComponentForm {
        label: "OUR.RSA.001".into(),
        purpose: format!("RSA-{bits}"),
        form: KeyForm::Rsa,
        kcv: CheckValue {
            value: kcv.hex(),
            method: kcv.method().to_string(),
        },
        prime: Some(PrimeOf {
            bits,
            fingerprint: Hash(std::array::from_fn(|n| (n as u8) * 8 + 5)),
        }),
        ..form(KeyForm::Tdes2)
    }
}

/// The lines of a value on a page: number, four groups, check letter, two on a row.
fn read(text: &str) -> Vec<u8> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut bytes = Vec::new();
    for seven in words.windows(7) {
        let [number, a, b, c, d, "check", letter] = seven else {
            continue;
        };
        let Ok(number) = number.parse::<u8>() else {
            continue;
        };
        let line = hex(&[*a, *b, *c, *d].concat());
        assert_eq!(usize::from(number), bytes.len() / 8 + 1, "row by row");
        assert_eq!(letter.as_bytes(), [line_check(number, &line)], "{seven:?}");
        bytes.extend(line);
    }
    bytes
}

#[test]
fn golden_components_of_primes_in_every_language() {
    let layout = layout("component-rsa");
    assert_eq!(layout.value_lines(), 32);
    for bits in SIZES {
        let bytes = value(bits);
        for language in PrinterLanguage::ALL {
            let sheet = render(&layout, &part(bits), &secret(&bytes), language).unwrap();
            let name = format!("component-RSA-{bits}.{}", language.name());
            golden(&name, sheet.expose());
            // Only digits and letters differ from the page of X's, and as many as there are.
            let sample = preview(&layout, &part(bits), language).unwrap();
            assert_eq!(sample.len(), sheet.len(), "{name}");
            let pairs = sample.iter().zip(sheet.expose());
            let changed: Vec<u8> = pairs.filter(|(a, b)| a != b).map(|(a, _)| *a).collect();
            assert!(changed.iter().all(|b| *b == b'X'), "{name}");
            let once = bytes.len() * 2 + bytes.len() / 8;
            assert!(
                changed.len().is_multiple_of(once) && !changed.is_empty(),
                "{name}"
            );
        }
    }
}

#[test]
fn poppler_reads_the_prime_row_by_row_and_nothing_that_looks_like_it() {
    let layout = layout("component-rsa");
    for bits in SIZES {
        let bytes = value(bits);
        let page = render(&layout, &part(bits), &secret(&bytes), PrinterLanguage::Pdf).unwrap();
        qpdf_check(page.expose());
        let text = page_text(page.expose());
        assert_eq!(read(&text), bytes, "{text}");
        assert_eq!(hex(&all_groups(&text).concat()), bytes, "{text}");
        for words in [
            format!("RSA{bits}, one prime, {} bytes", bytes.len()),
            "050D151D 252D353D 454D555D 656D757D".into(),
            "858D959D A5ADB5BD C5CDD5DD E5EDF5FD".into(),
            part(bits).kcv.words(),
            "q is modulus / p".into(),
        ] {
            assert!(text.contains(&words), "{words}\n{text}");
        }
    }
}

#[test]
fn a_prime_is_printed_on_its_own_form_alone_and_whole() {
    let own = layout("component-rsa");
    for other in [component_layout(), layout("component-long")] {
        let refused = preview_escp(&other, &part(2048)).unwrap_err();
        assert_eq!(refused, PrintError::NoPlace(FieldName::Fingerprint));
    }
    // And the form is for nothing else.
    let key = published(KeyForm::Aes256);
    let refused = render(
        &own,
        &form(KeyForm::Aes256),
        &secret(&key),
        PrinterLanguage::EscP,
    );
    assert!(matches!(
        refused,
        Err(PrintError::NotGiven(FieldName::Fingerprint))
    ));
    for len in [0, 120, 136, 192] {
        let short = Secret::zeroed(len);
        let refused = render(&own, &part(2048), &short, PrinterLanguage::EscP);
        let expected = PrintError::ValueLength {
            found: len,
            expected: 128,
        };
        assert!(matches!(refused, Err(error) if error == expected), "{len}");
    }
    // A layout without room for the longest pair is none.
    let text = std::fs::read_to_string(repository("keymailer-layouts/component-rsa.toml")).unwrap();
    for (rows, beside) in [(8, 2), (15, 2), (16, 1), (17, 2)] {
        let changed = text
            .replace("repeat = 16\n", &format!("repeat = {rows}\n"))
            .replace("beside = 2\n", &format!("beside = {beside}\n"));
        let refused = Layout::parse(&changed).unwrap_err().to_string();
        assert!(refused.contains("field \"value\" has repeat"), "{refused}");
    }
}
