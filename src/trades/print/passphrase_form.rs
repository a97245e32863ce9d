//! The sheet with one half of a key store's passphrase: the password mailer,
//! one for each half.

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

/// The layout that is printed.
const LAYOUT: &str = include_str!("../../../keymailer-layouts/password-mailer.toml");

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
            .text(FieldName::Address, format!("for {}", self.recipient))
            .text(
                FieldName::Tracking,
                format!("{}, HALF {}", self.bundle, self.half),
            )
            .text(FieldName::Store, &self.bundle)
            .text(
                FieldName::Alias,
                format!("HALF {} of 2: type half 1 first, then half 2", self.half),
            )
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
/// [`PrintError`]
pub fn render(
    form: &HalfForm,
    half: &Secret,
    language: PrinterLanguage,
) -> Result<Secret, PrintError> {
    if half.len() != HALF {
        return Err(PrintError::ValueLength {
            found: half.len(),
            expected: HALF,
        });
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
        let bytes = preview(&form, PrinterLanguage::EscP).unwrap();
        let preview = String::from_utf8_lossy(&bytes).into_owned();
        for group in ["ABCD", "EFGH", "JKLM", "NPQR", "STUV", "WXYZ", "2345"] {
            assert_eq!(printed.matches(group).count(), 1, "{group}: {printed}");
            assert!(!preview.contains(group), "{group}");
        }
        assert!(preview.contains("Juerg"), "{preview}");
        let short = Secret::zeroed(HALF - 1);
        assert!(matches!(
            render(&form, &short, PrinterLanguage::EscP),
            Err(PrintError::ValueLength { .. })
        ));
    }
}
