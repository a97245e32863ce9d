//! What a person types: a line that is shown, and digits that are not.

use conclave_crypto::secret::Secret;

use super::key::Key;

/// A line of text being typed, at most `max` characters. Typing happens at the
/// end: a line here is short.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Line {
    text: String,
    max: usize,
    /// What stands there was put there for the person: the first character
    /// typed takes its place.
    given: bool,
}

impl Line {
    /// An empty line of at most `max` characters.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self::with(max, "")
    }

    /// A line that begins with `text`.
    #[must_use]
    pub fn with(max: usize, text: &str) -> Self {
        Self {
            text: text.chars().take(max).collect(),
            max,
            given: !text.is_empty(),
        }
    }

    /// What stands there.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The most characters.
    #[must_use]
    pub fn max(&self) -> usize {
        self.max
    }

    /// Whether it holds no more than spaces.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.text.clear();
    }

    /// Takes a key; `false` when the key is not one of typing.
    pub fn key(&mut self, key: Key) -> bool {
        match key {
            Key::Char(c) => {
                if std::mem::take(&mut self.given) {
                    self.clear();
                }
                if self.text.chars().count() < self.max {
                    self.text.push(c);
                }
                true
            }
            Key::Backspace => {
                self.given = false;
                self.text.pop();
                true
            }
            Key::Ctrl('u') => {
                self.clear();
                true
            }
            _ => false,
        }
    }
}

/// The longest PIN that is taken, in digits. SP 800-73-4 part 2, 2.4.3: a PIN
/// has six to eight bytes.
pub const LONGEST_PIN: usize = 8;
/// The shortest.
pub const SHORTEST_PIN: usize = 6;
/// The shortest recovery word, in letters; the longest has eight, as a PIN has
/// digits.
pub const SHORTEST_WORD: usize = 3;

/// Digits or letters that nobody sees, in locked memory from the first one on.
pub struct Masked {
    digits: Secret,
    len: usize,
}

impl Default for Masked {
    fn default() -> Self {
        Self {
            digits: Secret::zeroed(LONGEST_PIN),
            len: 0,
        }
    }
}

impl Masked {
    /// Room for so many characters.
    #[must_use]
    pub fn of(most: usize) -> Self {
        Self {
            digits: Secret::zeroed(most),
            len: 0,
        }
    }

    /// How many digits stand there.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Adds a digit; `false` when there is no more room.
    pub fn push(&mut self, digit: u8) -> bool {
        match self.digits.expose_mut().get_mut(self.len) {
            Some(place) => {
                *place = digit;
                self.len += 1;
                true
            }
            None => false,
        }
    }

    /// Takes the last digit back.
    pub fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
        if let Some(place) = self.digits.expose_mut().get_mut(self.len) {
            *place = 0;
        }
    }

    /// Wipes all.
    pub fn clear(&mut self) {
        self.digits.expose_mut().fill(0);
        self.len = 0;
    }

    /// Moves the digits out, as long as they are, and leaves nothing.
    #[must_use]
    pub fn take(&mut self) -> Secret {
        let bytes = self.digits.expose_mut();
        let secret = Secret::take(bytes.get_mut(..self.len).unwrap_or_default());
        self.clear();
        secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_an_end() {
        let mut line = Line::new(3);
        for c in "abcd".chars() {
            assert!(line.key(Key::Char(c)));
        }
        assert_eq!(line.text(), "abc");
        line.key(Key::Backspace);
        assert_eq!(line.text(), "ab");
        line.key(Key::Ctrl('u'));
        assert!(line.is_blank());
        assert!(!line.key(Key::Up));
    }

    #[test]
    fn masked_digits_move_out_and_leave_nothing() {
        let mut masked = Masked::default();
        for digit in b"1357902468" {
            masked.push(*digit);
        }
        assert_eq!(masked.len(), 8);
        masked.pop();
        let pin = masked.take();
        assert_eq!(pin.expose(), b"1357902");
        assert_eq!(masked.len(), 0);
        assert_eq!(masked.digits.expose(), [0; 8]);
    }
}
