//! A field of a form, and what was typed or chosen in it.

use conclave_keyroom::ports::dialogue::{Field, FieldKind};

use super::key::Key;
use super::typed::Line;

/// A field's contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Text.
    Text(Line),
    /// Text that may stay empty.
    Optional(Line),
    /// One of these.
    One {
        /// Names.
        of: Vec<String>,
        /// Which; nothing is chosen yet where there is none.
        at: Option<usize>,
        /// What each means; empty where the names say it.
        told: Vec<String>,
    },
    /// Any of these.
    Many {
        /// Names, each with whether it is taken.
        of: Vec<(String, bool)>,
        /// Where the cursor is.
        at: usize,
    },
}

impl Input {
    pub(super) fn of(field: &Field) -> Self {
        match &field.kind {
            FieldKind::Text(max) => Self::Text(Line::with(*max, &field.value)),
            FieldKind::Optional(max) => Self::Optional(Line::with(*max, &field.value)),
            FieldKind::One(of) => Self::one(of.clone(), Vec::new(), &field.value),
            FieldKind::Told(of) => {
                let names = of.iter().map(|choice| choice.label.clone()).collect();
                let told = of.iter().map(|choice| choice.detail.clone()).collect();
                Self::one(names, told, &field.value)
            }
            FieldKind::Many(of) => {
                let taken: Vec<&str> = field.value.split(", ").collect();
                Self::Many {
                    of: of
                        .iter()
                        .map(|o| (o.clone(), taken.contains(&o.as_str())))
                        .collect(),
                    at: 0,
                }
            }
        }
    }

    fn one(of: Vec<String>, told: Vec<String>, value: &str) -> Self {
        let at = of.iter().position(|name| name == value);
        Self::One {
            at: at.or((!value.is_empty()).then_some(0)),
            of,
            told,
        }
    }

    /// Whether nothing is chosen where something has to be.
    #[must_use]
    pub fn is_unchosen(&self) -> bool {
        matches!(self, Self::One { at: None, of, .. } if !of.is_empty())
    }

    /// The value as the station receives it.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Text(line) | Self::Optional(line) => line.text().trim().to_owned(),
            Self::One { of, at, .. } => at.and_then(|at| of.get(at)).cloned().unwrap_or_default(),
            Self::Many { of, .. } => {
                let taken: Vec<&str> = of
                    .iter()
                    .filter(|(_, taken)| *taken)
                    .map(|(name, _)| name.as_str())
                    .collect();
                taken.join(", ")
            }
        }
    }

    pub(super) fn is_untouched_text(&self) -> bool {
        matches!(self, Self::Text(line) if line.is_blank())
    }

    /// Takes a key that is not one of moving between fields.
    pub(super) fn key(&mut self, key: Key) {
        match self {
            Self::Text(line) | Self::Optional(line) => {
                line.key(key);
            }
            Self::One { of, at, .. } => {
                let last = of.len().saturating_sub(1);
                match (key, *at) {
                    (Key::Right | Key::Char(' '), Some(here)) if here < last => {
                        *at = Some(here + 1);
                    }
                    (Key::Right | Key::Char(' '), _) => *at = Some(0),
                    (Key::Left, here) => {
                        *at = Some(here.and_then(|here| here.checked_sub(1)).unwrap_or(last));
                    }
                    _ => {}
                }
            }
            Self::Many { of, at } => match key {
                Key::Right => *at = (*at + 1) % of.len().max(1),
                Key::Left => *at = at.checked_sub(1).unwrap_or(of.len().saturating_sub(1)),
                Key::Char(' ') => {
                    if let Some((_, taken)) = of.get_mut(*at) {
                        *taken = !*taken;
                    }
                }
                _ => {}
            },
        }
    }
}
