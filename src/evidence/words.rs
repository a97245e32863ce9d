//! A digest in words, to be read aloud and compared by ear.

use crate::ids::Hash;
use crate::word_list::WORDS;

/// Why words are not bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// It is not in the list.
    #[error("word {place} is not in the list")]
    Unknown {
        /// Its place, from 1.
        place: usize,
    },
    /// Neither 64 hex digits nor 32 words.
    #[error("a digest has 64 hex digits or 32 words")]
    NoDigest,
    /// It is in the list of the other place: a word is missing, stands twice,
    /// or two changed places.
    #[error("{}", out_of_place(*.place))]
    OutOfPlace {
        /// Its place, from 1.
        place: usize,
    },
}

fn out_of_place(place: usize) -> String {
    let why = match place {
        1 => "the first word is missing or exchanged",
        _ => "it or a word before it is missing or exchanged",
    };
    format!("word {place} cannot stand there: {why}")
}

/// Bytes in words of the PGP word list, one word a byte.
#[must_use]
pub fn in_words(bytes: &[u8]) -> Vec<&'static str> {
    let list: Vec<&'static str> = WORDS.split_ascii_whitespace().collect();
    bytes
        .iter()
        .enumerate()
        .filter_map(|(at, byte)| list.get(2 * usize::from(*byte) + at % 2).copied())
        .collect()
}

/// A digest as people hand it over: 64 hex digits, or its 32 words.
///
/// # Errors
/// [`WordError`]
pub fn read_digest(text: &str) -> Result<Hash, WordError> {
    let dense: String = text.split_whitespace().collect();
    let bytes = if dense.len() == 64 && dense.bytes().all(|b| b.is_ascii_hexdigit()) {
        (0..64)
            .step_by(2)
            .filter_map(|at| u8::from_str_radix(dense.get(at..at + 2)?, 16).ok())
            .collect()
    } else {
        from_words(text)?
    };
    <[u8; 32]>::try_from(bytes.as_slice())
        .map(Hash)
        .map_err(|_| WordError::NoDigest)
}

/// A digest in sixteen groups of four hex digits, to be read aloud.
#[must_use]
pub fn in_fours(digest: &Hash) -> String {
    let pairs = digest.0.chunks(2);
    let groups: Vec<String> = pairs
        .map(|pair| pair.iter().map(|byte| format!("{byte:02X}")).collect())
        .collect();
    groups.join(" ")
}

/// A digest in 32 words, in lines of eight.
#[must_use]
pub fn digest_lines(digest: &Hash) -> Vec<String> {
    in_words(&digest.0)
        .chunks(8)
        .map(|line| line.join(" "))
        .collect()
}

/// The bytes of these words. Letter case does not matter.
///
/// # Errors
/// [`WordError`]
pub fn from_words(text: &str) -> Result<Vec<u8>, WordError> {
    text.split_whitespace()
        .enumerate()
        .map(|(at, word)| {
            let place = at + 1;
            let found = WORDS
                .split_ascii_whitespace()
                .position(|known| known.eq_ignore_ascii_case(word))
                .ok_or(WordError::Unknown { place })?;
            if found % 2 != at % 2 {
                return Err(WordError::OutOfPlace { place });
            }
            u8::try_from(found / 2).map_err(|_| WordError::Unknown { place })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Known answers: the fingerprint of the list's own encyclopedia entry,
    /// and one from the tests of another implementation.
    const KNOWN: [(&str, &str); 2] = [
        (
            "E58294F2E9A227486E8B061B31CC528FD7FA3F19",
            "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa \
             afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless",
        ),
        (
            "12b4b0057400076fa5c0f5cbf726ac65",
            "atlas politeness ruffled almighty indoors adroitness ahead hemisphere reindeer recipe \
             vapor revival virus caretaker ribcage glossary",
        ),
    ];

    #[test]
    fn fours_are_read_back() {
        let digest = Hash(std::array::from_fn(|at| (at * 7) as u8));
        let fours = in_fours(&digest);
        assert!(fours.starts_with("0007 0E15 1C23 "), "{fours}");
        assert_eq!(fours.split(' ').count(), 16);
        assert_eq!(read_digest(&fours), Ok(digest));
    }

    #[test]
    fn known_answers() {
        for (hex, words) in KNOWN {
            let bytes: Vec<u8> = (0..hex.len())
                .step_by(2)
                .filter_map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
                .collect();
            assert_eq!(in_words(&bytes).join(" "), words);
            assert_eq!(from_words(words), Ok(bytes));
        }
    }

    /// Both columns are alphabetical but for one pair of the published list,
    /// so a slip shows.
    #[test]
    fn the_list_is_whole() {
        let list: Vec<String> = WORDS
            .split_ascii_whitespace()
            .map(str::to_ascii_lowercase)
            .collect();
        assert_eq!(list.len(), 512);
        assert_eq!(list.iter().collect::<BTreeSet<_>>().len(), 512);
        let turned: Vec<_> = list
            .iter()
            .zip(list.iter().skip(2))
            .filter(|(word, next)| word > next)
            .collect();
        assert_eq!(turned, [(&"applicant".to_string(), &"apollo".to_string())]);
    }

    #[test]
    fn slips_of_the_tongue_are_heard() {
        assert_eq!(
            from_words("topmost Pluto"),
            Err(WordError::OutOfPlace { place: 2 })
        );
        assert_eq!(
            from_words("topmost Instanbul"),
            Err(WordError::Unknown { place: 2 })
        );
        assert_eq!(from_words(""), Ok(Vec::new()));
        // Nothing stands before the first.
        let first = from_words("Istanbul").unwrap_err();
        assert_eq!(first, WordError::OutOfPlace { place: 1 });
        assert!(!first.to_string().contains("before"), "{first}");
    }
}
