//! What stands in place of a secret while a form is drawn, always as long as
//! the secret, and how the secret is written over it in locked memory.

use conclave_crypto::primitive::passphrase::{LONGEST, PRINTED};

use super::check::{LINE_BYTES, line_check};
use super::digit_words;
use super::error::PrintError;
use super::field::FieldName;
use super::filling::Content;

/// Characters of a value line.
pub const VALUE_CHARS: usize = 32;
/// Characters of a password line.
pub const PASSWORD_CHARS: usize = 33;
/// Characters of a line of recovery words.
pub const WORDS_CHARS: usize = PER_ROW * CELL - 1;
/// Lines of recovery words.
pub const WORDS_ROWS: usize = PRINTED.div_ceil(PER_ROW);

/// Characters of a password on one line.
pub const PASSWORD_LINE: usize = 16;
/// Recovery words on a line.
const PER_ROW: usize = 3;
/// A cell of recovery words: the number, a space, the word's place and a space.
const CELL: usize = 3 + LONGEST + 1;
/// Where the sixteen digits of a value line, and the characters of a password
/// line, stand.
const SIXTEEN: [usize; 16] = [3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 16, 18, 19, 20, 21];
/// Where the check letter of a value line stands.
const VALUE_CHECK: usize = 31;
/// Where the first check digit of a password line stands.
const PASSWORD_CHECK: usize = 31;

/// What one line of a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which of the forms beside one another, from 0.
    pub form: usize,
    /// Which field.
    pub field: FieldName,
    /// Its line, from 0.
    pub row: usize,
    pub shape: Shape,
}

/// How a line of a secret looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Number, four groups of four hex digits, check letter.
    Value,
    /// Digits, with a space between two where they are spaced.
    Pin { digits: usize, spaced: bool },
    /// Words of so many letters each for the digits from `first`.
    PinWords {
        first: usize,
        count: usize,
        letters: usize,
        language: String,
    },
    /// Number, up to four groups of four characters, two check digits.
    Password { characters: usize },
    /// Up to three recovery words, each with its number.
    Words,
}

impl Mark {
    /// The line with X's. No other line of a form is a number followed by
    /// groups of four: whoever copies a value by hand or by program has one
    /// pattern to look for.
    pub fn placeholder(&self) -> String {
        let number = self.row + 1;
        match &self.shape {
            Shape::Value => format!("{number:<3}XXXX XXXX XXXX XXXX   check X"),
            Shape::Pin { digits, spaced } => {
                let between = if *spaced { " " } else { "" };
                vec!["X"; *digits].join(between)
            }
            Shape::PinWords { count, letters, .. } => vec!["X".repeat(*letters); *count].join(" "),
            Shape::Password { characters } => {
                let mut line: Vec<u8> = format!("{number:<3}{:28}check XX", "").into_bytes();
                line.truncate(PASSWORD_CHARS);
                for at in SIXTEEN.iter().take(*characters) {
                    if let Some(cell) = line.get_mut(*at) {
                        *cell = b'X';
                    }
                }
                const CHECK: &[u8] = b"check XX";
                if let Some(place) = line.get_mut(PASSWORD_CHARS - CHECK.len()..) {
                    place.copy_from_slice(CHECK);
                }
                String::from_utf8(line).unwrap_or_default()
            }
            Shape::Words => (self.row * PER_ROW..((self.row + 1) * PER_ROW).min(PRINTED))
                .map(|at| format!("{:>2} {}", at + 1, "X".repeat(LONGEST)))
                .collect::<Vec<_>>()
                .join(" "),
        }
    }

    /// Writes the secret over the X's of this line, in place.
    ///
    /// # Errors
    /// [`PrintError`] when the content is another one than the form was drawn
    /// for.
    pub fn write(&self, content: &Content<'_>, place: &mut [u8]) -> Result<(), PrintError> {
        let lost = PrintError::WrongContent(self.field);
        match (&self.shape, content) {
            (Shape::Value, Content::Secret(value)) => {
                let from = self.row * LINE_BYTES;
                let bytes = value.expose().get(from..from + LINE_BYTES).ok_or(lost)?;
                write_value(place, self.row, bytes);
            }
            (Shape::Pin { digits, spaced }, Content::Secret(pin)) => {
                let pin = pin.expose();
                if pin.len() != *digits {
                    return Err(lost);
                }
                let step = if *spaced { 2 } else { 1 };
                for (cell, digit) in place.iter_mut().step_by(step).zip(pin) {
                    *cell = *digit;
                }
            }
            (
                Shape::PinWords {
                    first,
                    count,
                    letters,
                    language,
                },
                Content::Secret(pin),
            ) => {
                let words = digit_words::languages().get(language);
                let words = words.ok_or(PrintError::Language(language.clone()))?;
                let pin = pin.expose().get(*first..first + count).ok_or(lost)?;
                for (cell, digit) in place.chunks_mut(letters + 1).zip(pin) {
                    let word = words.digits.get(usize::from(digit.wrapping_sub(b'0')));
                    let word = word.map(String::as_bytes).unwrap_or_default();
                    for (at, out) in cell.iter_mut().enumerate() {
                        *out = word.get(at).copied().unwrap_or(b' ');
                    }
                }
            }
            (Shape::Password { characters }, Content::Secret(password)) => {
                let from = self.row * PASSWORD_LINE;
                let line = password.expose().get(from..from + characters).ok_or(lost)?;
                write_password(place, self.row, line);
            }
            (Shape::Words, Content::Words(words)) => {
                for at in self.row * PER_ROW..((self.row + 1) * PER_ROW).min(PRINTED) {
                    let from = (at % PER_ROW) * CELL + 3;
                    let cell = place.get_mut(from..from + LONGEST);
                    words.write(at, cell.ok_or(PrintError::WrongContent(self.field))?);
                }
            }
            _ => return Err(lost),
        }
        Ok(())
    }
}

/// Eight bytes of the value and their check letter.
fn write_value(place: &mut [u8], row: usize, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    for (at, digit) in SIXTEEN.iter().zip(digits) {
        if let (Some(cell), Some(hex)) = (place.get_mut(*at), HEX.get(usize::from(digit))) {
            *cell = *hex;
        }
    }
    if let Some(cell) = place.get_mut(VALUE_CHECK) {
        *cell = line_check(u8::try_from(row + 1).unwrap_or(u8::MAX), bytes);
    }
}

fn write_password(place: &mut [u8], row: usize, line: &[u8]) {
    for (at, character) in SIXTEEN.iter().zip(line) {
        if let Some(cell) = place.get_mut(*at) {
            *cell = *character;
        }
    }
    let check = password_check(u8::try_from(row + 1).unwrap_or(u8::MAX), line);
    if let Some([tens, ones]) = place.get_mut(PASSWORD_CHECK..PASSWORD_CHECK + 2) {
        (*tens, *ones) = (b'0' + check / 10, b'0' + check % 10);
    }
}

/// The check number of line `line` (from 1) of a password: `(line + Σ
/// place·code) mod 97`, with places from 1 and ASCII codes. 97 is prime, larger
/// than the range of the codes and than any place: one wrong character, two
/// characters of a line swapped and two lines swapped are always noticed.
#[must_use]
pub fn password_check(line: u8, characters: &[u8]) -> u8 {
    let sum = (1u32..)
        .zip(characters)
        .fold(u32::from(line), |sum, (place, code)| {
            (sum + place * u32::from(*code)) % 97
        });
    u8::try_from(sum).unwrap_or(0)
}

/// TRUE for a character that a form can print, and that a person cannot take
/// for the space between two groups.
#[must_use]
pub fn printable_in_password(character: u8) -> bool {
    matches!(character, b'!'..=b'~') && !matches!(character, b'(' | b')' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_crypto::secret::Secret;

    fn mark(field: FieldName, row: usize, shape: Shape) -> Mark {
        Mark {
            form: 0,
            field,
            row,
            shape,
        }
    }

    fn written(mark: &Mark, secret: &[u8]) -> String {
        let secret = Secret::take(&mut secret.to_vec());
        let mut place = mark.placeholder().into_bytes();
        mark.write(&Content::Secret(&secret), &mut place).unwrap();
        String::from_utf8(place).unwrap()
    }

    #[test]
    fn lines_as_they_are_drawn_and_written() {
        let value = mark(FieldName::Value, 9, Shape::Value);
        assert_eq!(value.placeholder(), "10 XXXX XXXX XXXX XXXX   check X");
        assert_eq!(value.placeholder().len(), VALUE_CHARS);
        let pin = Shape::Pin {
            digits: 5,
            spaced: true,
        };
        let pin = mark(FieldName::Pin, 0, pin);
        assert_eq!(pin.placeholder(), "X X X X X");
        assert_eq!(written(&pin, b"12345"), "1 2 3 4 5");
        let words = Shape::PinWords {
            first: 0,
            count: 4,
            letters: 6,
            language: "de".into(),
        };
        let words = mark(FieldName::PinWords, 0, words);
        assert_eq!(words.placeholder(), "XXXXXX XXXXXX XXXXXX XXXXXX");
        assert_eq!(written(&words, b"5107"), "FUENF  EINS   NULL   SIEBEN");
        let long = mark(FieldName::Password, 0, Shape::Password { characters: 16 });
        assert_eq!(long.placeholder(), "1  XXXX XXXX XXXX XXXX   check XX");
        assert_eq!(long.placeholder().len(), PASSWORD_CHARS);
        let short = mark(FieldName::Password, 1, Shape::Password { characters: 6 });
        assert_eq!(short.placeholder(), "2  XXXX XX               check XX");
        // By hand: 2 + 97 + 2·98 + 3·99 + 4·100 + 5·101 + 6·102 = 2109, mod 97 = 72.
        let mut six = mark(FieldName::Password, 0, Shape::Password { characters: 6 });
        assert_eq!(password_check(2, b"abcdef"), 72);
        six.row = 0;
        assert_eq!(
            written(&six, b"abcdef"),
            "1  abcd ef               check 71"
        );
        let last = mark(FieldName::Words, WORDS_ROWS - 1, Shape::Words);
        assert_eq!(last.placeholder(), "13 XXXXXXXX 14 XXXXXXXX");
    }

    #[test]
    fn every_wrong_character_and_every_swap_of_a_password_is_seen() {
        let line = b"aB3$xY9!kL0.mN7-";
        let right = password_check(1, line);
        for at in 0..line.len() {
            for other in (b'!'..=b'~').filter(|c| *c != line[at]) {
                let mut wrong = *line;
                wrong[at] = other;
                assert_ne!(password_check(1, &wrong), right);
            }
            for with in at + 1..line.len() {
                let mut swapped = *line;
                swapped.swap(at, with);
                assert_ne!(password_check(1, &swapped), right);
            }
        }
    }
}
