//! A vector's inputs, asked for by name.

use super::NoAnswer;
use super::value::Value;
use crate::secret::Secret;

/// What an operation is given.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'v> {
    inputs: &'v Value,
    expected: &'v Value,
    must_fail: bool,
}

impl<'v> Inputs<'v> {
    /// Inputs of one vector.
    #[must_use]
    pub fn new(inputs: &'v Value, expected: &'v Value, must_fail: bool) -> Self {
        Self {
            inputs,
            expected,
            must_fail,
        }
    }

    /// Whether a refusal is wanted: then what the product does is asked, with
    /// all of its rules, and not the arithmetic alone.
    #[must_use]
    pub fn must_fail(&self) -> bool {
        self.must_fail
    }

    /// What must come out. For results with random bytes in them, and for
    /// questions of which form is wanted; comparing is done elsewhere.
    #[must_use]
    pub fn expected(&self, name: &str) -> Option<&'v Value> {
        self.expected.get(name)
    }

    /// An input that may be absent, or null.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<&'v Value> {
        self.inputs.get(name).filter(|v| **v != Value::Null)
    }

    /// An input that must be there.
    pub fn value(&self, name: &str) -> Result<&'v Value, NoAnswer> {
        self.optional(name)
            .ok_or_else(|| NoAnswer::Incomplete(format!("no input `{name}`")))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<&'v str, NoAnswer> {
        let value = self.value(name)?;
        value
            .as_text()
            .ok_or_else(|| NoAnswer::Incomplete(format!("input `{name}` is no text")))
    }

    /// Bytes of a hexadecimal text. Other text is refused, as an operator's
    /// entry would be.
    pub fn bytes(&self, name: &str) -> Result<Secret, NoAnswer> {
        unhex(name, self.text(name)?)
    }

    /// A list of hexadecimal texts.
    pub fn list(&self, name: &str) -> Result<Vec<Secret>, NoAnswer> {
        let no_list = || NoAnswer::Incomplete(format!("input `{name}` is no list of texts"));
        let Value::List(list) = self.value(name)? else {
            return Err(no_list());
        };
        list.iter()
            .map(|item| unhex(name, item.as_text().ok_or_else(no_list)?))
            .collect()
    }
}

pub(super) fn unhex(name: &str, text: &str) -> Result<Secret, NoAnswer> {
    let refused = || NoAnswer::Refused(format!("`{name}` is not hexadecimal"));
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect();
    let digits = digits
        .filter(|digits| digits.len().is_multiple_of(2))
        .ok_or_else(refused)?;
    let mut bytes: Vec<u8> = digits.chunks_exact(2).map(|p| p[0] << 4 | p[1]).collect();
    Ok(Secret::take(&mut bytes))
}

/// Any error of an operation is a refusal.
pub(super) fn refused<E: std::fmt::Display>(error: E) -> NoAnswer {
    NoAnswer::Refused(error.to_string())
}
