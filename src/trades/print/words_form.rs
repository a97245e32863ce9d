//! The sheet with a recovery member's words.

use conclave_crypto::primitive::passphrase::Passphrase;
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::PrinterLanguage;

use super::error::PrintError;
use super::field::FieldName;
use super::filling::{Content, Filling};
use super::layout::Layout;
use super::mailer;

/// The one layout of it: nobody sets another in its place.
const LAYOUT: &str = include_str!("../../../keymailer-layouts/recovery-words.toml");

/// What is printed on the sheet, except the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordsForm {
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// The station's name.
    pub station: String,
    /// Who alone reads the inside.
    pub holder: String,
    /// Which member of the recovery group, from 1.
    pub part: u8,
    /// How many the group has.
    pub of: u8,
    /// The last digits of the member's id, as the screen shows them.
    pub member: String,
    /// The date.
    pub date: String,
    /// What is to be said of where the words were made, if anything.
    pub provenance: Option<String>,
}

impl WordsForm {
    fn filling<'w>(&self, words: Content<'w>) -> Filling<'w> {
        let mut filling = Filling::new(self.mode)
            .text(FieldName::Station, &self.station)
            .text(FieldName::Custodian, &self.holder)
            .text(
                FieldName::Part,
                format!("PART {} of {}", self.part, self.of),
            )
            .text(
                FieldName::Group,
                format!("Recovery, member {}", self.member),
            )
            .text(FieldName::Date, &self.date)
            .with(FieldName::Words, words);
        if let Some(provenance) = &self.provenance {
            filling = filling.text(FieldName::Provenance, provenance);
        }
        filling
    }
}

fn layout() -> Result<Layout, PrintError> {
    Layout::parse(LAYOUT).map_err(|_| PrintError::NoPlace(FieldName::Words))
}

/// The sheet with X's in place of the words.
///
/// # Errors
/// [`PrintError`]
pub fn preview(form: &WordsForm, language: PrinterLanguage) -> Result<Vec<u8>, PrintError> {
    mailer::preview(&layout()?, &[form.filling(Content::Sample(0))], language)
}

/// The sheet, for the enrolled component printer; as PDF for a training printer.
///
/// # Errors
/// [`PrintError`]
pub fn render(
    form: &WordsForm,
    words: &Passphrase,
    language: PrinterLanguage,
) -> Result<Secret, PrintError> {
    mailer::render(&layout()?, &[form.filling(Content::Words(words))], language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_crypto::primitive::passphrase::PRINTED;

    #[test]
    fn every_word_has_its_place_inside_and_none_outside() {
        let form = WordsForm {
            mode: Mode::Test,
            station: "KEYROOM-TEST".into(),
            holder: "Jürg Öçal".into(),
            part: 5,
            of: 5,
            member: "AB12".into(),
            date: "24NOV2026".into(),
            provenance: None,
        };
        let bytes = preview(&form, PrinterLanguage::EscP).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let shown: Vec<usize> = (0..lines.len())
            .filter(|at| lines[*at].contains("XXXX"))
            .collect();
        assert_eq!(shown.len(), 5);
        assert!(
            shown.iter().all(|line| (24..40).contains(line)),
            "{shown:?}"
        );
        for number in 1..=PRINTED {
            assert!(text.contains(&format!("{number:>2} XXXXXXXX")), "{text}");
        }
        assert!(text.contains("Juerg"), "{text}");
    }
}
