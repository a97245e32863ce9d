//! Layout files: the product's own, and named bad ones.

use std::fs;

use conclave_trades::print::{FieldName, Kind, Layout};
use proptest::prelude::*;

use super::{component_layout, repository};

#[test]
fn the_products_layout_passes_its_own_rules() {
    let layout = component_layout();
    assert_eq!(layout.name(), "component");
    assert_eq!(layout.outside_lines(), 22);
    for field in Kind::Component.inside().iter().copied() {
        // Printing the whole key's check value is a matter of policy, how many parts
        // make it a matter of shares, and a fingerprint is one of RSA pairs.
        let other = matches!(
            field,
            FieldName::KeyKcv | FieldName::Quorum | FieldName::Fingerprint
        );
        assert_eq!(layout.has(field), !other, "{field}");
    }
}

#[test]
fn bad_layouts_are_refused_each_with_its_reason() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for entry in fs::read_dir(repository("tests/malformed/layouts")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let expected = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# expect: "))
            .unwrap_or_else(|| panic!("{}: no expectation", path.display()));
        match Layout::parse(&text) {
            Ok(_) => wrong.push(format!("{}: accepted", path.display())),
            Err(error) if !error.to_string().contains(expected) => {
                wrong.push(format!("{}: {error}", path.display()));
            }
            Err(_) => {}
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(seen >= 30, "only {seen} files");
}

#[test]
fn an_error_says_the_line_of_the_file() {
    let file = repository("tests/malformed/layouts/value-on-the-outside.toml");
    let text = fs::read_to_string(file).unwrap();
    let error = Layout::parse(&text).unwrap_err();
    let line = text.lines().nth(error.file_line.unwrap() - 1).unwrap();
    let block: Vec<&str> = text
        .lines()
        .skip(error.file_line.unwrap() - 1)
        .take(3)
        .collect();
    assert_eq!(line, "[[field]]", "{error}");
    assert!(block.contains(&"name = \"value\""), "{error}: {block:?}");
}

#[test]
fn a_file_without_end_is_refused() {
    let text = "#".repeat(1 << 20);
    assert!(
        Layout::parse(&text)
            .unwrap_err()
            .to_string()
            .contains("larger")
    );
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,400}") {
        let _ = Layout::parse(&text);
    }

    /// The real layout with a piece cut out and another put in: never a panic,
    /// and never a value above the fold.
    #[test]
    fn a_damaged_layout_never_shows_the_value(
        at in 0usize..6000,
        cut in 0usize..40,
        put in "[0-9a-z\\[\\]= \"\n]{0,12}",
    ) {
        let text = fs::read_to_string(repository("keymailer-layouts/component.toml")).unwrap();
        let letters: Vec<char> = text.chars().collect();
        let at = at.min(letters.len());
        let end = (at + cut).min(letters.len());
        let damaged: String = letters[..at].iter().copied()
            .chain(put.chars())
            .chain(letters[end..].iter().copied())
            .collect();
        if let Ok(layout) = Layout::parse(&damaged) {
            let form = super::forms::form(conclave_keyroom::domain::form::KeyForm::Aes256);
            if let Ok(bytes) = conclave_trades::print::component::preview_escp(&layout, &form) {
                let above: Vec<u8> = bytes
                    .split(|b| *b == b'\n')
                    .take(layout.outside_lines())
                    .flatten()
                    .copied()
                    .collect();
                prop_assert!(!above.windows(4).any(|w| w == b"XXXX"));
            }
        }
    }
}
