//! The sheet with one half of a key store's passphrase.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::PrinterLanguage;

use super::error::PrintError;
use super::field::FieldName;
use super::filling::{Content, Filling};
use super::layout::Layout;
use super::mailer;

/// Characters of one half.
pub const HALF: usize = 28;
/// The one layout of it: nobody sets another in its place.
const LAYOUT: &str = include_str!("../../../keymailer-layouts/store-half.toml");

/// What is printed on the sheet, except the half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HalfForm {
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// The station's name.
    pub station: String,
    /// Who alone reads the inside.
    pub holder: String,
    /// 1 or 2.
    pub half: u8,
    /// The bundle that it opens: `CONCLAVE-0007-TEST`.
    pub bundle: String,
    /// For whom.
    pub recipient: String,
    /// The date.
    pub date: String,
    /// What is to be said of where the keys were made, if anything.
    pub provenance: Option<String>,
}

impl HalfForm {
    fn filling<'h>(&self, half: Content<'h>) -> Filling<'h> {
        let mut filling = Filling::new(self.mode)
            .text(FieldName::Station, &self.station)
            .text(FieldName::Name, &self.holder)
            .text(FieldName::Part, format!("HALF {} of 2", self.half))
            .text(FieldName::Tracking, &self.bundle)
            .text(FieldName::Store, &self.recipient)
            .text(FieldName::Date, &self.date)
            .with(FieldName::Password, half);
        if let Some(provenance) = &self.provenance {
            filling = filling.text(FieldName::Provenance, provenance);
        }
        filling
    }
}

fn layout() -> Result<Layout, PrintError> {
    Layout::parse(LAYOUT).map_err(|_| PrintError::NoPlace(FieldName::Password))
}

/// The sheet with X's in place of the half.
///
/// # Errors
/// [`PrintError`]
pub fn preview(form: &HalfForm, language: PrinterLanguage) -> Result<Vec<u8>, PrintError> {
    mailer::preview(&layout()?, &[form.filling(Content::Sample(HALF))], language)
}

/// The sheet, for the enrolled component printer; as PDF for a training printer.
///
/// # Errors
/// [`PrintError`]; a half that is not [`HALF`] characters long.
pub fn render(
    form: &HalfForm,
    half: &Secret,
    language: PrinterLanguage,
) -> Result<Secret, PrintError> {
    if half.len() != HALF {
        return Err(PrintError::Password);
    }
    mailer::render(&layout()?, &[form.filling(Content::Secret(half))], language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_half_stands_inside_whole_and_nowhere_else() {
        let form = HalfForm {
            mode: Mode::Test,
            station: "KEYROOM-TEST".into(),
            holder: "Jürg Öçal".into(),
            half: 2,
            bundle: "CONCLAVE-0007-TEST".into(),
            recipient: "BANK-LAKE".into(),
            date: "24NOV2026".into(),
            provenance: None,
        };
        let text = b"ABCDEFGHJKLMNPQRSTUVWXYZ2345";
        let half = Secret::from_fn(HALF, |to| to.copy_from_slice(text));
        let printed = render(&form, &half, PrinterLanguage::EscP).unwrap();
        let printed = String::from_utf8_lossy(printed.expose()).into_owned();
        let preview = preview(&form, PrinterLanguage::EscP).unwrap();
        let preview = String::from_utf8(preview).unwrap();
        assert!(preview.contains("Juerg"), "{preview}");
        assert_eq!(preview.matches("XXXX XXXX XXXX").count(), 2, "{preview}");
        for group in text.chunks(4) {
            let group = std::str::from_utf8(group).unwrap();
            let at: Vec<usize> = (1..)
                .zip(printed.lines())
                .filter_map(|(at, line)| line.contains(group).then_some(at))
                .collect();
            assert!(
                matches!(at.as_slice(), [line] if (25..42).contains(line)),
                "{at:?}"
            );
            assert!(!preview.contains(group));
        }
        let short = Secret::zeroed(HALF - 1);
        assert!(render(&form, &short, PrinterLanguage::EscP).is_err());
    }
}
