//! Digits as words, in the languages of `keymailer-layouts/words/digits.toml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

/// What came with the program; a test reads it.
const FILE: &str = include_str!("../../../keymailer-layouts/words/digits.toml");

/// One language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigitWords {
    /// Its English name, for whoever reads the file.
    #[cfg_attr(not(test), allow(dead_code, reason = "a test reads it"))]
    pub name: String,
    /// The words for 0 to 9, in capitals A to Z.
    pub digits: [String; 10],
}

/// The name in a layout that stands for whatever language the holder has.
pub const HOLDER: &str = "holder";

/// All languages by their two letters (ISO 639-1).
pub fn languages() -> &'static BTreeMap<String, DigitWords> {
    static READ: OnceLock<BTreeMap<String, DigitWords>> = OnceLock::new();
    READ.get_or_init(|| toml::from_str(FILE).unwrap_or_default())
}

/// The longest word of a language, or of all for [`HOLDER`]. `None` for a
/// language that is not there.
pub fn longest(language: &str) -> Option<usize> {
    let of = |words: &DigitWords| words.digits.iter().map(String::len).max();
    if language == HOLDER {
        return languages().values().filter_map(of).max();
    }
    languages().get(language).and_then(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_ten_different_plain_words() {
        assert!(languages().len() >= 5);
        for needed in ["da", "de", "en", "es", "fr"] {
            assert!(languages().contains_key(needed), "{needed}");
        }
        for (language, words) in languages() {
            let mut seen = words.digits.to_vec();
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), 10, "{language}");
            for word in &seen {
                assert!(word.bytes().all(|b| b.is_ascii_uppercase()), "{word}");
            }
            assert_eq!(language.len(), 2);
            assert!(!words.name.is_empty());
        }
        assert_eq!(longest("en"), Some(5));
        assert!(longest(HOLDER) >= longest("fr"));
        assert_eq!(longest("xx"), None);
    }
}
