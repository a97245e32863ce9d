//! A page that anybody may read. What goes to a printer through another program
//! is one of these: a secret is none, and no function makes one of a secret.

/// A report, a form of X's or a form without a secret, as PDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPage {
    title: String,
    pdf: Vec<u8>,
}

impl OpenPage {
    /// Says of a PDF that nothing on it is secret. What sends reports, pages of X's and
    /// forms without a secret says so, and nobody else: a test holds that this is named
    /// nowhere else.
    #[must_use]
    pub fn without_secrets(title: &str, pdf: Vec<u8>) -> Self {
        let plain = |c: &char| matches!(c, ' '..='~');
        Self {
            title: title.chars().filter(plain).take(60).collect(),
            pdf,
        }
    }

    /// For the printer's display: up to 60 characters of ASCII.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The PDF.
    #[must_use]
    pub fn pdf(&self) -> &[u8] {
        &self.pdf
    }
}
