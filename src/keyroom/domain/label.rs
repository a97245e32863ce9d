//! The label scheme: `PARTNER.USE.NNN`, upper case.

/// The longest label, in characters (TR-31 LB blocks and forms take it whole).
pub const LABEL_MAX: usize = 40;

/// Why a label is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Nothing, or longer than [`LABEL_MAX`].
    #[error("a label has 1 to {LABEL_MAX} characters")]
    Length,
    /// Not A-Z, 0-9, `-` or `.`.
    #[error("the character {0:?} is not allowed; a label has A-Z, 0-9, - and .")]
    Character(char),
    /// An empty segment: two dots in a row, or a dot at an end.
    #[error("a label has no empty part between its dots")]
    EmptyPart,
}

/// Checks a key label.
///
/// # Errors
/// [`LabelError`]
pub fn check_label(label: &str) -> Result<(), LabelError> {
    if label.is_empty() || label.len() > LABEL_MAX {
        return Err(LabelError::Length);
    }
    if let Some(c) = label
        .chars()
        .find(|c| !(c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '-' | '.')))
    {
        return Err(LabelError::Character(c));
    }
    if label.split('.').any(str::is_empty) {
        return Err(LabelError::EmptyPart);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_strict() {
        assert_eq!(check_label("BANK-LAKE.ZMK.001"), Ok(()));
        assert_eq!(check_label("bank"), Err(LabelError::Character('b')));
        assert_eq!(check_label("A..B"), Err(LabelError::EmptyPart));
        assert_eq!(check_label("A/B"), Err(LabelError::Character('/')));
        assert_eq!(check_label(""), Err(LabelError::Length));
    }
}
