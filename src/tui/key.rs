//! Keys, from the bytes that a terminal sends.

/// One key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// A letter with Ctrl, lower case.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Esc.
    Esc,
    /// Tab.
    Tab,
    /// Shift-Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first.
    Home,
    /// To the last.
    End,
    /// A function key, 1 to 12.
    F(u8),
}

/// Longest sequence that is waited for; a longer one is no key of ours.
const LONGEST: usize = 12;

/// Makes keys of bytes: ASCII, UTF-8, and the control sequences of ECMA-48 as
/// xterm, the Linux console and VT220 send them. What it does not know it
/// drops whole, so that no tail of a sequence is taken for typing.
#[derive(Default)]
pub struct Decoder {
    held: [u8; LONGEST],
    len: usize,
    /// Inside a sequence that grew too long: dropped until its final byte.
    overlong: bool,
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Decoder {
    fn forget(&mut self) {
        // Volatile wiping is the Secret's business; what is held here is at most
        // one character.
        self.held = [0; LONGEST];
        self.len = 0;
    }

    /// Takes one byte; gives a key when one is complete.
    pub fn feed(&mut self, byte: u8) -> Option<Key> {
        if self.overlong {
            self.overlong = !(0x40..=0x7E).contains(&byte);
            return None;
        }
        // Esc Esc: the first stood alone.
        if byte == 0x1B && self.len > 0 {
            let alone = self.held.get(..self.len) == Some(&[0x1B]);
            self.forget();
            self.hold(byte);
            return alone.then_some(Key::Esc);
        }
        if !self.hold(byte) {
            let escape = self.held.first() == Some(&0x1B);
            self.forget();
            self.overlong = escape && !(0x40..=0x7E).contains(&byte);
            return None;
        }
        let held = self.held;
        let bytes = held.get(..self.len).unwrap_or_default();
        match read(bytes) {
            Read::More => None,
            Read::Nothing => {
                self.forget();
                None
            }
            Read::Key(key) => {
                self.forget();
                Some(key)
            }
        }
    }

    /// No byte came for a while: an Esc that waited was the Esc key; anything
    /// else unfinished is dropped.
    pub fn pause(&mut self) -> Option<Key> {
        let alone = self.held.get(..self.len) == Some(&[0x1B]);
        self.forget();
        self.overlong = false;
        alone.then_some(Key::Esc)
    }

    fn hold(&mut self, byte: u8) -> bool {
        match self.held.get_mut(self.len) {
            Some(place) => {
                *place = byte;
                self.len += 1;
                true
            }
            None => false,
        }
    }
}

enum Read {
    More,
    Nothing,
    Key(Key),
}

fn read(bytes: &[u8]) -> Read {
    match bytes {
        [] | [0x1B] | [0x1B, b'[' | b'O'] => Read::More,
        [b'\r' | b'\n'] => Read::Key(Key::Enter),
        [b'\t'] => Read::Key(Key::Tab),
        [0x7F | 0x08] => Read::Key(Key::Backspace),
        [0] => Read::Nothing,
        [byte @ 1..=26] => Read::Key(Key::Ctrl(char::from(byte + 0x60))),
        [byte @ 0x20..=0x7E] => Read::Key(Key::Char(char::from(*byte))),
        [0x1B, b'O', last] => named(*last).map_or(Read::Nothing, Read::Key),
        // The Linux console: Esc [ [ A to E are F1 to F5.
        [0x1B, b'[', b'['] => Read::More,
        [0x1B, b'[', b'[', last @ b'A'..=b'E'] => Read::Key(Key::F(last - b'A' + 1)),
        [0x1B, b'[', inner @ .., last] => match last {
            b'0'..=b'9' | b';' => Read::More,
            b'~' => numbered(inner).map_or(Read::Nothing, Read::Key),
            0x40..=0x7E => named(*last).map_or(Read::Nothing, Read::Key),
            _ => Read::Nothing,
        },
        [0x1B, ..] => Read::Nothing, // Alt with a key: none of ours
        [first, ..] => utf8(*first, bytes),
    }
}

fn utf8(first: u8, bytes: &[u8]) -> Read {
    let whole = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return Read::Nothing,
    };
    if bytes.len() < whole {
        return Read::More;
    }
    match std::str::from_utf8(bytes)
        .ok()
        .and_then(|t| t.chars().next())
    {
        Some(c) if !c.is_control() => Read::Key(Key::Char(c)),
        _ => Read::Nothing,
    }
}

fn named(last: u8) -> Option<Key> {
    Some(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        b'Z' => Key::BackTab,
        b'P' => Key::F(1),
        b'Q' => Key::F(2),
        b'R' => Key::F(3),
        b'S' => Key::F(4),
        b'M' => Key::Enter,
        _ => return None,
    })
}

fn numbered(inner: &[u8]) -> Option<Key> {
    let number = inner.split(|b| *b == b';').next()?;
    Some(
        match std::str::from_utf8(number).ok()?.parse::<u8>().ok()? {
            1 | 7 => Key::Home,
            4 | 8 => Key::End,
            3 => Key::Delete,
            5 => Key::PageUp,
            6 => Key::PageDown,
            n @ 11..=15 => Key::F(n - 10),
            n @ 17..=21 => Key::F(n - 11),
            n @ 23..=24 => Key::F(n - 12),
            _ => return None,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut decoder = Decoder::default();
        let mut found: Vec<Key> = bytes.iter().filter_map(|b| decoder.feed(*b)).collect();
        found.extend(decoder.pause());
        found
    }

    #[test]
    fn what_terminals_send() {
        let cases: [(&[u8], &[Key]); 14] = [
            (b"aB3", &[Key::Char('a'), Key::Char('B'), Key::Char('3')]),
            (b"\x1b", &[Key::Esc]),
            (b"\x1b\x1b", &[Key::Esc, Key::Esc]),
            (b"\x1b[A\x1bOB", &[Key::Up, Key::Down]),
            (b"\x1b[1;5C", &[Key::Right]),
            (b"\x1b[Z\t", &[Key::BackTab, Key::Tab]),
            (b"\x1bOP\x1b[11~\x1b[[A", &[Key::F(1), Key::F(1), Key::F(1)]),
            (b"\x1bOQ\x1b[12~\x1b[[B", &[Key::F(2), Key::F(2), Key::F(2)]),
            (
                b"\x1b[5~\x1b[6~\x1b[3~",
                &[Key::PageUp, Key::PageDown, Key::Delete],
            ),
            (
                b"\x1b[15~\x1b[21~\x1b[24~",
                &[Key::F(5), Key::F(10), Key::F(12)],
            ),
            (b"\r\x7f\x08", &[Key::Enter, Key::Backspace, Key::Backspace]),
            (b"\x03\x1a", &[Key::Ctrl('c'), Key::Ctrl('z')]),
            ("é€".as_bytes(), &[Key::Char('é'), Key::Char('€')]),
            (b"\x1b[200~x", &[Key::Char('x')]),
        ];
        for (bytes, expected) in cases {
            assert_eq!(keys(bytes), expected, "{bytes:02X?}");
        }
    }

    #[test]
    fn the_tail_of_an_unknown_sequence_is_not_typing() {
        assert_eq!(keys(b"\x1b[1234567890123456789q"), []);
        assert_eq!(keys(b"\x1b[1234567890123456789qz"), [Key::Char('z')]);
        assert_eq!(keys(b"\x1bq"), []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_and_plain_text_comes_through(noise in prop::collection::vec(any::<u8>(), 0..60), text in "[a-z0-9]{1,20}") {
            let mut decoder = Decoder::default();
            for byte in noise {
                decoder.feed(byte);
            }
            decoder.pause();
            let typed: String = text.bytes().filter_map(|b| decoder.feed(b)).map(|k| match k {
                Key::Char(c) => c,
                _ => '\0',
            }).collect();
            prop_assert_eq!(typed, text);
        }
    }
}
