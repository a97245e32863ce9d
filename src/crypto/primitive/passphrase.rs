//! Words that stand in the place of a card: twelve at random, two more that
//! check them, and Argon2id (RFC 9106) from the twelve to a secret.
//!
//! The list is the English one of BIP-39: 2048 words of three to eight letters,
//! each known by its first four. It is a data file beside this one, as its
//! authors publish it; a test holds its digest. Nothing else of BIP-39 is used.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use thiserror::Error;
use zeroize::Zeroize;

use crate::secret::{RandomError, RandomSource, Secret};

/// One word a line, in alphabetical order.
const LIST: &str = include_str!("recovery-words.txt");
/// Words that are chosen at random: 12 times 11 bits.
pub const WORDS: usize = 12;
/// Words on the sheet: two more, which follow from the twelve.
pub const PRINTED: usize = 14;
/// The longest word, in letters.
pub const LONGEST: usize = 8;
/// As many letters make a word known.
pub const PREFIX: usize = 4;

/// Argon2id: KiB, passes, lanes. Fixed: whoever restores, also on a smaller
/// machine, needs no parameter, and nobody can lower one.
pub const COST: (u32, u32, u32) = (256 * 1024, 3, 1);

/// What is wrong with words that were typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Slip {
    /// One word is not the one on the sheet: this, if it is only one.
    #[error("word {0} is not the one on the sheet")]
    Word(usize),
    /// Two words stand in each other's place, or several are wrong.
    #[error("two words changed places, or several are not those on the sheet")]
    Several,
}

/// Why no secret came of the words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PassphraseError {
    /// 256 MiB are needed, once.
    #[error("there are no 256 MiB of memory free")]
    Memory,
    /// Argon2id does not take this.
    #[error("Argon2id: {0}")]
    Argon2(String),
}

/// The words on a sheet: fourteen numbers of 11 bits, in locked memory.
pub struct Passphrase(Secret);

/// The number of a word, by its first four letters or the whole of it. It looks
/// at every word of the list, whichever it is.
#[must_use]
pub fn number_of(typed: &[u8]) -> Option<u16> {
    let mut found = None;
    for (number, word) in (0u16..).zip(LIST.lines()) {
        let word = word.as_bytes();
        let whole = typed.eq_ignore_ascii_case(word);
        let start = typed.len() >= PREFIX
            && word
                .get(..typed.len())
                .is_some_and(|start| typed.eq_ignore_ascii_case(start));
        if whole || start {
            found = Some(number);
        }
    }
    found
}

fn word(number: u16) -> &'static str {
    LIST.lines().nth(usize::from(number)).unwrap_or_default()
}

/// GF(2^11) with x^11 + x^2 + 1; `x` generates it.
fn times_x(a: u16) -> u16 {
    let a = a << 1;
    a ^ (0x805 * (a >> 11))
}

fn times(a: u16, b: u16) -> u16 {
    let (mut a, mut sum) = (a, 0);
    for bit in 0..11 {
        sum ^= a * (b >> bit & 1);
        a = times_x(a);
    }
    sum
}

/// a^(2^11 − 2).
fn inverse(a: u16) -> u16 {
    let (mut power, mut out) = (a, 1);
    for _ in 1..11 {
        power = times(power, power);
        out = times(out, power);
    }
    out
}

/// Σ c_i and Σ x^i c_i.
fn sums(numbers: impl Iterator<Item = u16>) -> (u16, u16) {
    let (mut plain, mut weighted, mut weight) = (0, 0, 1);
    for number in numbers {
        plain ^= number;
        weighted ^= times(weight, number);
        weight = times_x(weight);
    }
    (plain, weighted)
}

impl Passphrase {
    /// Twelve words at random, with their two check words.
    ///
    /// # Errors
    /// [`RandomError`]
    pub fn new(random: &mut dyn RandomSource) -> Result<Self, RandomError> {
        let drawn = random.secret_bytes(2 * WORDS)?;
        let mut numbers = Secret::zeroed(2 * PRINTED);
        let pairs = drawn.expose().chunks_exact(2);
        for (place, pair) in numbers.expose_mut().chunks_exact_mut(2).zip(pairs) {
            // Eleven of sixteen uniform bits are uniform.
            place.copy_from_slice(&[pair[0] & 0x07, pair[1]]);
        }
        let mut whole = Self(numbers);
        let (plain, weighted) = sums(whole.numbers().take(WORDS));
        // c12 + c13 = A and x^12 c12 + x^13 c13 = B.
        let weight = (0..WORDS).fold(1, |weight, _| times_x(weight));
        let next = times_x(weight);
        let first = times(weighted ^ times(next, plain), inverse(weight ^ next));
        whole.set(WORDS, first);
        whole.set(WORDS + 1, first ^ plain);
        Ok(whole)
    }

    /// Words that were typed, by their numbers, two bytes each, big-endian.
    ///
    /// # Errors
    /// [`Slip`]: the check words do not agree.
    pub fn typed(numbers: Secret) -> Result<Self, Slip> {
        let whole = Self(numbers);
        if whole.0.len() != 2 * PRINTED {
            return Err(Slip::Several);
        }
        let (plain, weighted) = sums(whole.numbers());
        if (plain, weighted) == (0, 0) {
            return Ok(whole);
        }
        let mut at = plain;
        for place in 1..=PRINTED {
            if plain != 0 && at == weighted {
                return Err(Slip::Word(place));
            }
            at = times_x(at);
        }
        Err(Slip::Several)
    }

    fn numbers(&self) -> impl Iterator<Item = u16> {
        let pairs = self.0.expose().chunks_exact(2);
        pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]]) & 0x07FF)
    }

    /// The same words once more, for the printer.
    #[must_use]
    pub fn duplicate(&self) -> Secret {
        self.0.duplicate()
    }

    /// Whether these are the same words.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.expose())
    }

    fn set(&mut self, at: usize, number: u16) {
        if let Some(place) = self.0.expose_mut().get_mut(2 * at..2 * at + 2) {
            place.copy_from_slice(&number.to_be_bytes());
        }
    }

    /// Writes word `at` (from 0) to the start of `out`, and spaces behind it.
    pub fn write(&self, at: usize, out: &mut [u8]) {
        out.fill(b' ');
        let word = self.numbers().nth(at).map_or("", word).as_bytes();
        if let Some(place) = out.get_mut(..word.len()) {
            place.copy_from_slice(word);
        }
    }

    /// The twelve words in small letters, one space between two: what Argon2id
    /// takes.
    #[must_use]
    pub fn text(&self) -> Secret {
        let mut line = Secret::zeroed(WORDS * (LONGEST + 1));
        let mut len = 0;
        for number in self.numbers().take(WORDS) {
            let word = word(number).as_bytes();
            if let Some(place) = line.expose_mut().get_mut(len..len + word.len()) {
                place.copy_from_slice(word);
            }
            len += word.len() + 1;
            if let Some(gap) = line.expose_mut().get_mut(len - 1) {
                *gap = b' ';
            }
        }
        line.part(0..len.saturating_sub(1)).unwrap_or(line)
    }

    /// The secret of these words: 32 bytes of Argon2id.
    ///
    /// # Errors
    /// [`PassphraseError`]
    pub fn derive(&self, salt: &[u8; 32]) -> Result<Secret, PassphraseError> {
        let text = self.text();
        argon2id(text.expose(), salt, COST)
    }
}

fn argon2id(
    password: &[u8],
    salt: &[u8],
    (kib, passes, lanes): (u32, u32, u32),
) -> Result<Secret, PassphraseError> {
    let why = |error: argon2::Error| PassphraseError::Argon2(error.to_string());
    let params = Params::new(kib, passes, lanes, Some(32)).map_err(why)?;
    let mut memory: Vec<Block> = Vec::new();
    memory
        .try_reserve_exact(params.block_count())
        .map_err(|_| PassphraseError::Memory)?;
    memory.resize(params.block_count(), Block::new());
    let mut out = Secret::zeroed(32);
    let done = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, salt, out.expose_mut(), &mut memory);
    for block in &mut memory {
        block.zeroize();
    }
    wipe_stack();
    done.map_err(why)?;
    Ok(out)
}

/// Writes over what the library's calls left below this one on the stack: their
/// last hash is the secret.
#[inline(never)]
fn wipe_stack() {
    let mut below = [0u8; 32 * 1024];
    below.fill(0xA5);
    below.zeroize();
    std::hint::black_box(&below);
}

/// RFC 9106, 5.3: Argon2id with every input there is.
pub(crate) fn known_answer() -> Option<bool> {
    let data = argon2::AssociatedData::new(&[4; 12]).ok()?;
    let params = argon2::ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(data)
        .output_len(32)
        .build()
        .ok()?;
    let argon2 =
        Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).ok()?;
    let mut tag = [0; 32];
    argon2
        .hash_password_into(&[1; 32], &[2; 16], &mut tag)
        .ok()?;
    Some(
        tag == [
            0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b,
            0x53, 0xc9, 0xd0, 0x1e, 0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9,
            0x6b, 0x01, 0xe6, 0x59,
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::derive::sha256;
    use crate::primitive::vectors::unhex;
    use crate::secret::testing::Seeded;

    fn some() -> Passphrase {
        Passphrase::new(&mut Seeded::new(1)).unwrap()
    }

    fn copy(of: &Passphrase) -> Secret {
        of.0.duplicate()
    }

    /// As published at github.com/bitcoin/bips, bip-0039/english.txt; four
    /// letters make a word known.
    #[test]
    fn the_list_is_the_published_one() {
        assert_eq!(
            sha256(&[LIST.as_bytes()]).to_vec(),
            unhex("2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda")
        );
        for (number, word) in (0u16..).zip(LIST.lines()) {
            assert!((3..=LONGEST).contains(&word.len()), "{word}");
            assert_eq!(number_of(word.as_bytes()), Some(number), "{word}");
            let short = &word[..word.len().min(PREFIX)];
            assert_eq!(number_of(short.as_bytes()), Some(number), "{word}");
        }
        assert_eq!(LIST.lines().count(), 2048);
        assert_eq!(number_of(b"ABANDON"), Some(0));
        for other in [&b"ab"[..], b"aba", b"abandons", b"zzzz", b"", b"abax"] {
            assert_eq!(number_of(other), None, "{other:?}");
        }
    }

    #[test]
    fn the_field_is_one() {
        // Every element but zero is a power of x, and has its inverse.
        let (mut power, mut seen) = (1, 0);
        loop {
            seen += 1;
            assert_eq!(times(power, inverse(power)), 1);
            power = times_x(power);
            if power == 1 {
                break;
            }
        }
        assert_eq!(seen, 2047);
    }

    /// Every other word at every place is named, and nothing else is.
    #[test]
    fn one_wrong_word_is_named() {
        let right = some();
        assert!(Passphrase::typed(copy(&right)).is_ok());
        for place in 0..PRINTED {
            let there = right.numbers().nth(place).unwrap();
            for wrong in (0..2048).filter(|other| *other != there) {
                let mut typed = Passphrase(copy(&right));
                typed.set(place, wrong);
                let slip = Passphrase::typed(typed.0).err();
                assert_eq!(slip, Some(Slip::Word(place + 1)));
            }
        }
    }

    /// Two that changed places are never taken for one wrong word, nor for the
    /// right ones.
    #[test]
    fn words_that_changed_places_are_found() {
        let right = some();
        let numbers: Vec<u16> = right.numbers().collect();
        for (a, b) in (0..PRINTED).flat_map(|a| (0..a).map(move |b| (a, b))) {
            if numbers[a] == numbers[b] {
                continue;
            }
            let mut typed = Passphrase(copy(&right));
            typed.set(a, numbers[b]);
            typed.set(b, numbers[a]);
            assert_eq!(Passphrase::typed(typed.0).err(), Some(Slip::Several));
        }
    }

    #[test]
    fn the_words_are_what_stands_on_the_sheet() {
        let some = some();
        let mut cells = Vec::new();
        for at in 0..PRINTED {
            let mut cell = [0; LONGEST];
            some.write(at, &mut cell);
            cells.push(String::from_utf8(cell.to_vec()).unwrap().trim().to_owned());
        }
        let text = some.text();
        assert_eq!(text.expose(), cells[..WORDS].join(" ").as_bytes());
    }

    #[test]
    fn argon2id_gives_the_published_answer() {
        assert_eq!(known_answer(), Some(true));
    }

    /// From the reference implementation's own tests: version 1.3, 64 MiB and
    /// two passes, no secret and no further data, one lane.
    #[test]
    fn argon2id_as_it_is_called_here() {
        let tag = argon2id(b"password", b"somesalt", (65536, 2, 1)).unwrap();
        assert!(tag.ct_eq(&unhex(
            "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"
        )));
    }
}
