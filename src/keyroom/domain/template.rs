//! Key templates: what a kind of key is for. One purpose a key (R20).

use serde::{Deserialize, Serialize};

use super::form::KeyForm;
use super::key::WrappingMethod;
use super::pin_key::PinUse;

/// A key template, read from `templates/keys/*.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyTemplate {
    /// Its name: `zmk-aes256`.
    pub name: String,
    /// Counts up with each change.
    pub version: u32,
    /// For people: `Zone master key, AES-256`.
    pub title: String,
    /// Algorithm and length.
    pub form: KeyForm,
    /// TR-31 key usage (X9.143 table 6), two characters.
    pub usage: String,
    /// TR-31 mode of use, one character.
    pub mode_of_use: String,
    /// TR-31 exportability, one character.
    pub exportability: String,
    /// Cryptoperiod in days (R22).
    pub cryptoperiod_days: u32,
    /// How many days longer the recipient's usage period lasts, at most
    /// [`RECIPIENT_DAYS_MOST`]: what came under the key is opened until then, and nothing
    /// new is made (SP 800-57 part 1, 5.3.5). None: both periods are one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_days: Option<u32>,
    /// Made in printed components, 2 to 9 of them; otherwise inside the vault.
    #[serde(default)]
    pub in_components: bool,
    /// How a key-encryption key wraps others, where not as TR-31: an exception.
    #[serde(default)]
    pub wrapping: Option<WrappingMethod>,
    /// A master key of a CCA coprocessor, one of [`PANEL_KEYS`]: each component comes
    /// with a page for the Master Key Entry panel. It wraps nothing here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panel: Option<String>,
}

/// Master keys as the panel calls them, and the forms that each may have.
pub const PANEL_KEYS: [(&str, &[KeyForm]); 4] = [
    ("DES-MK", &[KeyForm::Tdes2, KeyForm::Tdes3]),
    ("RSA-MK", &[KeyForm::Tdes3]),
    ("AES-MK", &[KeyForm::Aes256]),
    ("ECC-MK", &[KeyForm::Aes256]),
];

/// The most days that the recipient's usage period of a symmetric key goes on beyond the
/// originator's: three years (SP 800-57 part 1, 5.3.5).
pub const RECIPIENT_DAYS_MOST: u32 = 3 * 365;

impl KeyTemplate {
    /// `zmk-aes256 v1`.
    #[must_use]
    pub fn stamp(&self) -> String {
        format!("{} v{}", self.name, self.version)
    }

    /// TRUE for a key that others made and that is used in this room alone, a
    /// PIN-print key: it is entered or imported, never made here.
    #[must_use]
    pub fn comes_from_outside(&self) -> bool {
        let found = PinUse::of(&self.usage, &self.mode_of_use, &self.exportability);
        found == Some(PinUse::PinPrint)
    }

    /// The one method of a key-encryption key; none for other keys.
    #[must_use]
    pub fn wrapping_method(&self) -> Option<WrappingMethod> {
        (self.panel.is_none() && matches!(self.usage.as_str(), "K0" | "K1"))
            .then(|| self.wrapping.unwrap_or(WrappingMethod::of(self.form)))
    }

    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// A rule in words.
    pub fn check(&self) -> Result<(), String> {
        let name_ok = !self.name.is_empty()
            && self.name.len() <= 32
            && self
                .name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !name_ok {
            return Err("its name is not made of a-z, 0-9 and -".into());
        }
        if self.title.is_empty() || self.title.chars().count() > 60 {
            return Err("its title has not 1 to 60 characters".into());
        }
        let capital = |text: &str, len: usize| {
            text.len() == len
                && text
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        };
        if !capital(&self.usage, 2) {
            return Err(format!("usage {:?} is no TR-31 key usage", self.usage));
        }
        if !matches!(
            self.mode_of_use.as_str(),
            "B" | "C" | "D" | "E" | "G" | "N" | "S" | "T" | "V" | "X" | "Y"
        ) {
            return Err(format!(
                "mode {:?} is no TR-31 mode of use",
                self.mode_of_use
            ));
        }
        if self.form == KeyForm::Rsa {
            return Err("an RSA key is made without a template".into());
        }
        if self.form.is_hmac() != (self.usage == "M7")
            || (self.form.is_hmac() && !matches!(self.mode_of_use.as_str(), "C" | "G" | "V"))
        {
            return Err(format!(
                "usage {}, mode {} and {}: usage M7 is for HMAC keys, they are for nothing else, \
                 and their mode is C, G or V",
                self.usage, self.mode_of_use, self.form
            ));
        }
        if !matches!(self.exportability.as_str(), "E" | "N" | "S") {
            return Err(format!(
                "exportability {:?} is not E, N or S",
                self.exportability
            ));
        }
        if self.in_components && !matches!(self.usage.as_str(), "K0" | "K1") {
            return Err("only key-encryption keys are made in printed components".into());
        }
        if let Some(panel) = &self.panel {
            let forms = PANEL_KEYS.iter().find(|(name, _)| name == panel);
            let known = forms.is_some_and(|(_, forms)| forms.contains(&self.form));
            if !known || !self.in_components || self.exportability != "N" {
                return Err(format!(
                    "panel {panel:?}: a master key is DES-MK, RSA-MK, AES-MK or ECC-MK, of its \
                     length, in components, and not exportable"
                ));
            }
        }
        if let Some(wrapping) = self.wrapping
            && (self.wrapping_method().is_none() || !wrapping.fits(self.form))
        {
            return Err(format!(
                "wrapping {} is not for usage {} and {}",
                wrapping.name(),
                self.usage,
                self.form
            ));
        }
        let most = if matches!(self.usage.as_str(), "K0" | "K1") {
            730
        } else {
            366
        };
        if self.cryptoperiod_days == 0 || self.cryptoperiod_days > most {
            return Err(format!(
                "a cryptoperiod of {} days; 1 to {most} are allowed without an exception (R22)",
                self.cryptoperiod_days
            ));
        }
        if self
            .recipient_days
            .is_some_and(|days| days == 0 || days > RECIPIENT_DAYS_MOST)
        {
            return Err(format!(
                "the recipient's period is 1 to {RECIPIENT_DAYS_MOST} days longer, three years \
                 (R21), or it is left out"
            ));
        }
        let opens = matches!(self.usage.as_str(), "K0" | "K1") && self.mode_of_use != "E";
        if self.recipient_days.is_some() && (!opens || self.panel.is_some()) {
            return Err(
                "a recipient's period is for key-encryption keys that decrypt: nothing else is \
                 opened here"
                    .into(),
            );
        }
        Ok(())
    }
}
