//! A line of a secret value being typed, in groups of four, in locked memory.

use conclave_crypto::secret::Secret;
use conclave_keyroom::ports::dialogue::Groups;

use super::key::Key;
use super::words;

/// Digits of a group.
const GROUP: usize = 4;

/// What was typed of the line.
pub struct Typing {
    typed: Secret,
    len: usize,
    digits: usize,
}

/// What a key led to.
pub enum Took {
    /// A digit more or fewer.
    Changed,
    /// Not taken; why.
    Wrong(&'static str),
    /// The line.
    Complete(Secret),
    /// A key that is not of typing.
    Other,
}

impl Typing {
    /// An empty line.
    #[must_use]
    pub fn new(groups: &Groups) -> Self {
        let digits = usize::from(groups.digits);
        Self {
            typed: Secret::zeroed(digits + usize::from(groups.check)),
            len: 0,
            digits,
        }
    }

    /// Characters typed so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The digits as they are shown: `●●●● ●●__`.
    #[must_use]
    pub fn dots(&self) -> String {
        let mut shown = String::new();
        for at in 0..self.digits {
            if at > 0 && at % GROUP == 0 {
                shown.push(' ');
            }
            shown.push(if at < self.len { '●' } else { '_' });
        }
        shown
    }

    fn back_to(&mut self, len: usize) {
        for place in self.typed.expose_mut().iter_mut().skip(len) {
            *place = 0;
        }
        self.len = len;
    }

    fn push(&mut self, c: char) -> Took {
        let Some(place) = self.typed.expose_mut().get_mut(self.len) else {
            return Took::Wrong(words::LINE_FULL);
        };
        let c = c.to_ascii_uppercase();
        let digit = self.len < self.digits;
        let taken = match c {
            ' ' => return Took::Other,
            _ if digit => c.is_ascii_hexdigit(),
            _ => c.is_ascii_uppercase() && !c.is_ascii_hexdigit() && !matches!(c, 'O' | 'I' | 'X'),
        };
        if !taken {
            return Took::Wrong(match c {
                _ if !digit => words::NO_CHECK_LETTER,
                'O' => words::LETTER_O,
                'I' | 'L' => words::LETTER_I,
                _ => words::NO_HEX,
            });
        }
        *place = u8::try_from(c).unwrap_or_default();
        self.len += 1;
        Took::Changed
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Took {
        match key {
            Key::Char(c) => self.push(c),
            // A group is read from the paper as one, and typed again as one.
            Key::Backspace => {
                self.back_to(self.len.saturating_sub(1) / GROUP * GROUP);
                Took::Changed
            }
            Key::Ctrl('u') => {
                self.back_to(0);
                Took::Changed
            }
            Key::Enter if self.len < self.typed.len() => Took::Wrong(words::LINE_SHORT),
            Key::Enter => {
                let line = Secret::take(self.typed.expose_mut());
                self.len = 0;
                Took::Complete(line)
            }
            _ => Took::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typing(check: bool) -> Typing {
        Typing::new(&Groups {
            line: 1,
            lines: 2,
            digits: 16,
            check,
            typing: 1,
        })
    }

    fn type_all(typing: &mut Typing, text: &str) {
        for c in text.chars() {
            assert!(!matches!(typing.key(Key::Char(c)), Took::Wrong(_)), "{c}");
        }
    }

    #[test]
    fn a_line_is_typed_in_groups_and_never_shown() {
        let mut line = typing(true);
        assert_eq!(line.len(), 0);
        type_all(&mut line, "0123 4567 89ab cd");
        assert_eq!(line.dots(), "●●●● ●●●● ●●●● ●●__");
        line.key(Key::Backspace);
        assert_eq!(line.dots(), "●●●● ●●●● ●●●● ____");
        line.key(Key::Backspace);
        assert_eq!(line.len(), 8);
        assert!(matches!(
            line.key(Key::Enter),
            Took::Wrong(words::LINE_SHORT)
        ));
        type_all(&mut line, "89abcdefh");
        assert!(matches!(
            line.key(Key::Char('1')),
            Took::Wrong(words::LINE_FULL)
        ));
        let Took::Complete(secret) = line.key(Key::Enter) else {
            panic!("not complete")
        };
        assert_eq!(secret.expose(), b"0123456789ABCDEFH");
        assert_eq!(line.typed.expose(), [0; 17]);
    }

    #[test]
    fn letters_that_look_like_digits_are_flagged_and_not_changed() {
        let mut line = typing(true);
        for (c, note) in [
            ('O', words::LETTER_O),
            ('o', words::LETTER_O),
            ('I', words::LETTER_I),
            ('l', words::LETTER_I),
            ('G', words::NO_HEX),
            ('é', words::NO_HEX),
        ] {
            assert!(
                matches!(line.key(Key::Char(c)), Took::Wrong(n) if n == note),
                "{c}"
            );
            assert_eq!(line.len(), 0);
        }
        type_all(&mut line, "0123456789ABCDEF");
        for c in ['O', 'I', 'X', 'A', '0', '1'] {
            let took = line.key(Key::Char(c));
            assert!(matches!(took, Took::Wrong(words::NO_CHECK_LETTER)), "{c}");
        }
        line.key(Key::Ctrl('u'));
        assert_eq!(line.len(), 0);
    }
}
