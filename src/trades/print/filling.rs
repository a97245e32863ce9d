//! What goes into a form's places: texts, and secrets where they are. Nothing
//! here copies a secret.

use std::collections::BTreeMap;

use conclave_crypto::primitive::passphrase::Passphrase;
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use zeroize::Zeroizing;

use super::digit_words::{HOLDER, languages, longest};
use super::error::PrintError;
use super::field::FieldName;
use super::layout::{Layout, Place};
use super::letters::{has_card_number, to_ascii};
use super::marks::{PASSWORD_LINE, printable_in_password};

/// One field's content.
pub enum Content<'a> {
    /// Lines of text, with `\n` between them; wiped, because it may be an
    /// address.
    Text(Zeroizing<String>),
    /// A secret: the bytes of a `value`, the ASCII digits of a `pin`, the
    /// characters of a `password`. `pin-words` are made from `pin`.
    Secret(&'a Secret),
    /// A recovery member's words.
    Words(&'a Passphrase),
    /// X's in place of a secret of so many bytes, digits or characters.
    Sample(usize),
}

/// What is printed on one form.
pub struct Filling<'a> {
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// The holder's language (`en`, `de`, …), for digit words that follow it.
    pub language: Option<String>,
    contents: BTreeMap<FieldName, Content<'a>>,
}

impl<'a> Filling<'a> {
    /// Nothing yet.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            language: None,
            contents: BTreeMap::new(),
        }
    }

    /// With the holder's language.
    #[must_use]
    pub fn language(mut self, language: &str) -> Self {
        self.language = Some(language.to_owned());
        self
    }

    /// With a text. Letters outside of ASCII are printed plainly (`Jürg` as
    /// `Juerg`); an empty text prints nothing.
    #[must_use]
    pub fn text(self, field: FieldName, text: impl Into<String>) -> Self {
        self.with(field, Content::Text(Zeroizing::new(text.into())))
    }

    /// With a secret.
    #[must_use]
    pub fn secret(self, field: FieldName, secret: &'a Secret) -> Self {
        self.with(field, Content::Secret(secret))
    }

    /// With any content.
    #[must_use]
    pub fn with(mut self, field: FieldName, content: Content<'a>) -> Self {
        self.contents.insert(field, content);
        self
    }

    /// X's in every place of this layout, as far as each goes: the page on
    /// which a layout is approved, and with which forms are brought into line.
    #[must_use]
    pub fn sample(layout: &Layout, mode: Mode) -> Filling<'static> {
        let mut filling = Filling::new(mode);
        // Holders have all languages: the one with the longest words shows
        // how far they go.
        filling.language = if layout.language == HOLDER {
            let all = languages().keys();
            all.max_by_key(|language| longest(language)).cloned()
        } else {
            Some(layout.language.clone())
        };
        for field in layout.fields() {
            let places: Vec<&Place> = layout
                .places()
                .filter(|(_, place)| place.name == field)
                .map(|(_, place)| place)
                .collect();
            let least = |of: fn(&Place) -> usize| places.iter().map(|p| of(p)).min().unwrap_or(0);
            let rows = least(Place::lines);
            let room = least(|p| p.font.room(p.width));
            let content = match field {
                FieldName::Value => Content::Sample(rows * super::check::LINE_BYTES),
                FieldName::Pin => Content::Sample(layout.pin_digits),
                FieldName::Password => Content::Sample(rows * PASSWORD_LINE),
                FieldName::Words => Content::Sample(0),
                FieldName::Banner | FieldName::Title | FieldName::Serial | FieldName::PinWords => {
                    continue;
                }
                _ => Content::Text(Zeroizing::new(vec!["X".repeat(room); rows].join("\n"))),
            };
            filling = filling.with(field, content);
        }
        filling
    }

    /// The content, where it was given. Digit words are the PIN's.
    pub(super) fn content(&self, field: FieldName) -> Option<&Content<'a>> {
        self.contents.get(&match field {
            FieldName::PinWords => FieldName::Pin,
            other => other,
        })
    }

    /// Fields that were given.
    pub(super) fn given(&self) -> impl Iterator<Item = FieldName> + '_ {
        self.contents.keys().copied()
    }

    /// Lines of text in printable ASCII.
    ///
    /// # Errors
    /// [`PrintError`]: not given, a secret, a character that cannot be printed,
    /// a card's number on a form with a PIN.
    pub(super) fn lines(
        &self,
        layout: &Layout,
        field: FieldName,
    ) -> Result<Vec<String>, PrintError> {
        let Some(content) = self.content(field) else {
            return Err(PrintError::NotGiven(field));
        };
        let Content::Text(text) = content else {
            return Err(PrintError::WrongContent(field));
        };
        if layout.has(FieldName::Pin) && has_card_number(text) {
            return Err(PrintError::Pan(field));
        }
        text.split('\n')
            .map(|line| {
                to_ascii(line).map_err(|character| PrintError::Character {
                    field: field.to_string(),
                    character,
                })
            })
            .collect()
    }

    /// How many bytes, digits or characters the secret has, which is none
    /// itself.
    ///
    /// # Errors
    /// [`PrintError`]: not given, a text, not such a secret.
    pub(super) fn length(&self, layout: &Layout, field: FieldName) -> Result<usize, PrintError> {
        let length = match self.content(field) {
            None => return Err(PrintError::NotGiven(field)),
            Some(Content::Sample(length)) => *length,
            Some(Content::Words(_)) if field == FieldName::Words => 0,
            Some(Content::Secret(secret)) if field != FieldName::Words => {
                let bytes = secret.expose();
                let fits = match field {
                    FieldName::Pin | FieldName::PinWords => bytes
                        .iter()
                        .fold(true, |all, digit| all & digit.is_ascii_digit()),
                    FieldName::Password => bytes
                        .iter()
                        .fold(true, |all, c| all & printable_in_password(*c)),
                    _ => true,
                };
                match (field, fits) {
                    (_, true) => bytes.len(),
                    (FieldName::Password, false) => return Err(PrintError::Password),
                    (_, false) => {
                        return Err(PrintError::Pin {
                            most: layout.pin_digits,
                        });
                    }
                }
            }
            Some(_) => return Err(PrintError::WrongContent(field)),
        };
        match field {
            FieldName::Pin | FieldName::PinWords if !(4..=layout.pin_digits).contains(&length) => {
                Err(PrintError::Pin {
                    most: layout.pin_digits,
                })
            }
            FieldName::Password if length == 0 => Err(PrintError::Password),
            _ => Ok(length),
        }
    }
}
