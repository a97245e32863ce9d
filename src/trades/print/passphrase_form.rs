//! The password mailer for key stores: the sheet with one half of a store's passphrase.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::PrinterLanguage;

use super::error::PrintError;
use super::field::FieldName;
use super::filling::{Content, Filling};
use super::kind::Kind;
use super::layout::{Eject, Layout};
use super::mailer;

/// Characters of one half.
pub const HALF: usize = 28;
/// The file of its layout.
pub const HALF_LAYOUT: &str = "password-mailer.toml";

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

/// Whether halves can be printed by this layout.
///
/// # Errors
/// Why not, in words.
pub fn fits(layout: &Layout) -> Result<(), String> {
    let name = layout.name();
    if layout.kind() != Kind::PasswordMailer {
        return Err(format!(
            "{name} is a layout for another form: {}, not {}",
            layout.kind().words(),
            Kind::PasswordMailer.words()
        ));
    }
    if !layout.has(FieldName::Part) {
        return Err(format!("the layout {name} does not say which half it is"));
    }
    if layout.eject() == Eject::OnConfirmation {
        return Err(format!(
            "the layout {name} holds its sheet back, and nobody asks for it"
        ));
    }
    let form = HalfForm {
        mode: Mode::Test,
        station: String::new(),
        holder: String::new(),
        half: 1,
        bundle: String::new(),
        recipient: String::new(),
        date: String::new(),
        provenance: Some(String::new()),
    };
    preview(layout, &form, PrinterLanguage::EscP)
        .map(|_| ())
        .map_err(|why| format!("the layout {name} prints no half: {why}"))
}

/// The sheet with X's in place of the half.
///
/// # Errors
/// [`PrintError`]
pub fn preview(
    layout: &Layout,
    form: &HalfForm,
    language: PrinterLanguage,
) -> Result<Vec<u8>, PrintError> {
    mailer::preview(layout, &[form.filling(Content::Sample(HALF))], language)
}

/// The sheet, for the enrolled component printer; as PDF for a training printer.
///
/// # Errors
/// [`PrintError`]; a half that is not [`HALF`] characters long.
pub fn render(
    layout: &Layout,
    form: &HalfForm,
    half: &Secret,
    language: PrinterLanguage,
) -> Result<Secret, PrintError> {
    if half.len() != HALF {
        return Err(PrintError::Password);
    }
    mailer::render(layout, &[form.filling(Content::Secret(half))], language)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../keymailer-layouts/password-mailer.toml");

    #[test]
    fn a_layout_that_prints_no_half_is_refused_before_anything_leaves() {
        let of = |text: &str| Layout::parse(text).unwrap();
        assert_eq!(fits(&of(SHIPPED)), Ok(()));
        let other = include_str!("../../../keymailer-layouts/label-strip.toml");
        assert!(
            fits(&of(other))
                .unwrap_err()
                .contains("label, not password mailer")
        );
        let held = SHIPPED.replace("with-form", "on-confirmation");
        assert!(fits(&of(&held)).unwrap_err().contains("holds its sheet"));
        let short = SHIPPED.replace("repeat = 2\n", "repeat = 1\n");
        assert!(fits(&of(&short)).unwrap_err().contains("prints no half"));
        let unnamed = SHIPPED.replace("name = \"part\"", "name = \"reference\"");
        assert!(fits(&of(&unnamed)).unwrap_err().contains("which half"));
    }

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
        let layout = Layout::parse(SHIPPED).unwrap();
        let printed = render(&layout, &form, &half, PrinterLanguage::EscP).unwrap();
        let printed = String::from_utf8_lossy(printed.expose()).into_owned();
        let preview = preview(&layout, &form, PrinterLanguage::EscP).unwrap();
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
        assert!(render(&layout, &form, &short, PrinterLanguage::EscP).is_err());
    }
}
