//! What some bytes are, told without a key.
//!
//! A [`Recogniser`] looks at the whole of a file, or at one line of a text, and
//! says what it is: fields with their meaning, and what is unusual about them. It
//! is pure, takes time and memory in proportion to its input, has no key, and
//! never puts a clear key value into what it says. The room whose format it is
//! brings one beside its parser; the list of all of them is in the room `inspect`
//! of the trades.
//!
//! A recogniser answers `None` as soon as the bytes do not begin as its format
//! does. Bytes that begin so and are damaged further on are *recognised*, and the
//! damage is named under [`Described::unusual`]: that is what people ask about.

/// Looks at bytes and says what they are.
pub type Recogniser = fn(&[u8]) -> Option<Described>;

/// Most characters of a value or a remark that are kept; the rest is cut off.
const MAX_TEXT: usize = 400;

/// Most fields and most remarks that are kept.
const MAX_FIELDS: usize = 200;

/// How sure the recogniser is that the bytes are what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Nothing contradicts it, and nothing is special to the format: forty-eight
    /// hexadecimal digits may be a key under another.
    Possible,
    /// It begins as the format does, and something in it is wrong or unchecked.
    Likely,
    /// Marks that only this format has, and all of its structure holds.
    Certain,
}

impl Confidence {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// One field of what was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedField {
    /// Its name in the format's own standard.
    pub name: String,
    /// Its value as it stands there; never that of a clear key.
    pub value: String,
    /// What the value means; may be empty.
    pub meaning: String,
}

/// What some bytes are. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The format, in a few words.
    pub what: String,
    /// How sure that is.
    pub confidence: Confidence,
    /// What stands in it, in its order.
    pub fields: Vec<DescribedField>,
    /// What is damaged, weak, obsolete or rare about it.
    pub unusual: Vec<String>,
    /// Whether a key or password stands in it in clear, for anyone to read.
    pub clear_secret: bool,
}

impl Described {
    /// A description without fields yet.
    pub fn new(what: impl AsRef<str>, confidence: Confidence) -> Self {
        Self {
            what: plain(what.as_ref()),
            confidence,
            fields: Vec::new(),
            unusual: Vec::new(),
            clear_secret: false,
        }
    }

    /// Adds a field. Control characters of the value are shown as escapes and a
    /// long one is cut off, so that the bytes of a stranger rule no terminal.
    pub fn field(
        &mut self,
        name: impl AsRef<str>,
        value: impl AsRef<str>,
        meaning: impl AsRef<str>,
    ) -> &mut Self {
        if self.fields.len() < MAX_FIELDS {
            self.fields.push(DescribedField {
                name: plain(name.as_ref()),
                value: plain(value.as_ref()),
                meaning: plain(meaning.as_ref()),
            });
        }
        self
    }

    /// Says what is unusual.
    pub fn unusual(&mut self, remark: impl AsRef<str>) -> &mut Self {
        if self.unusual.len() < MAX_FIELDS {
            self.unusual.push(plain(remark.as_ref()));
        }
        self
    }

    /// Says that it is damaged, which takes the certainty away.
    pub fn damaged(&mut self, remark: impl AsRef<str>) -> &mut Self {
        self.confidence = self.confidence.min(Confidence::Likely);
        self.unusual(remark)
    }

    /// Says that a secret stands in it in clear. The remark must not show it.
    pub fn clear_secret(&mut self, remark: impl AsRef<str>) -> &mut Self {
        self.clear_secret = true;
        self.unusual(remark)
    }
}

/// All that the bytes may be, the surest first; of several equally sure the one
/// first in the list.
#[must_use]
pub fn describe(bytes: &[u8], recognisers: &[Recogniser]) -> Vec<Described> {
    let mut found: Vec<Described> = recognisers.iter().filter_map(|of| of(bytes)).collect();
    found.sort_by_key(|described| std::cmp::Reverse(described.confidence));
    found
}

/// Printable, in one line, of bounded length.
fn plain(text: &str) -> String {
    let mut short = String::new();
    for letter in text.chars() {
        if short.len() >= MAX_TEXT {
            short.push_str("...");
            break;
        }
        match letter {
            '\u{20}'..='\u{7E}' => short.push(letter),
            letter if letter.is_alphanumeric() => short.push(letter),
            other => short.extend(other.escape_default()),
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surest_is_first_and_strangers_rule_no_terminal() {
        let list: &[Recogniser] = &[
            |_| Some(Described::new("perhaps", Confidence::Possible)),
            |_| None,
            |_| {
                let mut sure = Described::new("surely", Confidence::Certain);
                sure.field("name", "a\u{1b}[2J\u{202e}", "x".repeat(1000));
                Some(sure)
            },
        ];
        let found = describe(b"", list);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].what, "surely");
        assert_eq!(found[0].fields[0].value, "a\\u{1b}[2J\\u{202e}");
        assert_eq!(found[0].fields[0].meaning.len(), MAX_TEXT + 3);
    }
}
