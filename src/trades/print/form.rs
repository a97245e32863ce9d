//! What is printed on a component form, except the value.

use conclave_evidence::Hash;
use conclave_evidence::authority::Mode;
use conclave_evidence::calendar::civil;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::CheckValue;

use super::error::PrintError;
use super::field::FieldName;
use super::letters::{has_value_group, to_ascii};

/// The fields of one component form. Letters outside of ASCII are written
/// plainly (`Jürg` as `Juerg`); what has no plain form is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentForm {
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// The station's name.
    pub station: String,
    /// The key's label.
    pub label: String,
    /// What the key is for: the template's name.
    pub purpose: String,
    /// Algorithm and length.
    pub form: KeyForm,
    /// Which component, from 1.
    pub index: u8,
    /// How many there are.
    pub of: u8,
    /// A share, of which any so many make the key; nothing for a component.
    pub quorum: Option<u8>,
    /// The component's own check value.
    pub kcv: CheckValue,
    /// The whole key's check value, where policy wants it printed.
    pub key_kcv: Option<CheckValue>,
    /// The ceremony. May not have four hex digits standing alone, as a group
    /// of the value does: `C-0042` is refused, `C00042` is not.
    pub ceremony: String,
    /// The date, from [`day_words`]; the same restriction.
    pub date: String,
    /// The custodian group.
    pub group: String,
    /// The custodian's name.
    pub custodian: String,
    /// What is to be said of where the key was made, if anything.
    pub provenance: Option<String>,
    /// Of which pair's prime it is a part; nothing for a symmetric key.
    pub prime: Option<PrimeOf>,
}

/// The pair of a prime that is printed in components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrimeOf {
    /// Length of the modulus.
    pub bits: u16,
    /// SHA-256 over SubjectPublicKeyInfo of the public half.
    pub fingerprint: Hash,
}

impl PrimeOf {
    /// Two lines of four groups of eight digits.
    fn fingerprint_lines(&self) -> String {
        let digits = self.fingerprint.to_string().to_uppercase();
        let groups: Vec<&str> = (0..digits.len())
            .step_by(8)
            .filter_map(|at| digits.get(at..at + 8))
            .collect();
        let lines: Vec<String> = groups.chunks(4).map(|line| line.join(" ")).collect();
        lines.join("\n")
    }
}

impl ComponentForm {
    /// Bytes of the value: of the key, or of one prime of the pair.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self.prime {
            Some(of) => usize::from(of.bits) / 16,
            None => self.form.bytes(),
        }
    }

    /// The text of a field in printable ASCII; `None` for the value, the title
    /// and the serial, which the sheet knows how to print.
    pub(super) fn text(&self, field: FieldName) -> Result<Option<String>, PrintError> {
        let text = match field {
            FieldName::Banner | FieldName::Title | FieldName::Serial => return Ok(None),
            FieldName::Fingerprint => {
                return Ok(self.prime.as_ref().map(PrimeOf::fingerprint_lines));
            }
            FieldName::Station => self.station.clone(),
            FieldName::Label => self.label.clone(),
            FieldName::Purpose => self.purpose.clone(),
            // Its hash says an HMAC key's length, and the place is short.
            FieldName::Algorithm if self.form.is_hmac() => self.form.name().to_owned(),
            FieldName::Algorithm => match &self.prime {
                // No hyphen: four digits that stand alone look like a group of the value.
                Some(of) => format!("RSA{}, one prime, {} bytes", of.bits, self.bytes()),
                None => format!("{}, {} bytes", self.form.name(), self.form.bytes()),
            },
            FieldName::Part => {
                if !(2..=9).contains(&self.of) || !(1..=self.of).contains(&self.index) {
                    return Err(PrintError::Part {
                        index: self.index,
                        of: self.of,
                    });
                }
                match self.quorum {
                    None => format!("COMPONENT {} of {}", self.index, self.of),
                    Some(m) if (2..=self.of).contains(&m) => {
                        format!("SHARE {} of {}", self.index, self.of)
                    }
                    Some(_) => {
                        return Err(PrintError::Part {
                            index: self.index,
                            of: self.of,
                        });
                    }
                }
            }
            FieldName::Quorum => match self.quorum {
                Some(m) => format!("any {m} of the {} shares", self.of),
                None => return Ok(None),
            },
            FieldName::Kcv => self.kcv.words(),
            FieldName::KeyKcv => match &self.key_kcv {
                Some(kcv) => kcv.words(),
                None => "not printed".to_owned(),
            },
            FieldName::Ceremony => self.ceremony.clone(),
            FieldName::Date => self.date.clone(),
            FieldName::Group => self.group.clone(),
            FieldName::Custodian => self.custodian.clone(),
            FieldName::Provenance => match &self.provenance {
                Some(words) => words.clone(),
                None => return Ok(None),
            },
            // The value, and what other kinds of forms have.
            _ => return Ok(None),
        };
        let text = to_ascii(&text).map_err(|character| PrintError::Character {
            field: field.to_string(),
            character,
        })?;
        if text.trim().is_empty() {
            return Err(PrintError::Empty(field));
        }
        // Labels and names are what they are; these two we can choose.
        if matches!(field, FieldName::Ceremony | FieldName::Date) && has_value_group(&text) {
            return Err(PrintError::LooksLikeValue(field));
        }
        Ok(Some(text))
    }
}

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

/// The UTC day of a wall clock in milliseconds since 1970, as `24NOV2026`: no
/// doubt about day and month, and no four digits alone that could be taken for
/// a group of a value.
#[must_use]
pub fn day_words(wall_ms: u64) -> String {
    let (year, month, day) = civil(wall_ms / 86_400_000);
    let month = usize::try_from(month - 1).unwrap_or(usize::MAX);
    let name = MONTHS.get(month).copied().unwrap_or("???");
    format!("{day:02}{name}{year:04}")
}

/// Day and time in UTC, as `24NOV2026 09:14:05Z`.
#[must_use]
pub fn time_words(wall_ms: u64) -> String {
    let second = wall_ms / 1000 % 86_400;
    format!(
        "{} {:02}:{:02}:{:02}Z",
        day_words(wall_ms),
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_as_date_prints_them() {
        // `date -u -d @… +%d%b%Y`
        for (seconds, words) in [
            (0u64, "01JAN1970"),
            (951_782_400, "29FEB2000"),
            (1_795_515_245, "24NOV2026"),
            (4_107_542_400, "01MAR2100"),
            (253_402_300_799, "31DEC9999"),
        ] {
            assert_eq!(day_words(seconds * 1000), words);
        }
        assert_eq!(time_words(1_795_511_645_123), "24NOV2026 09:14:05Z");
        assert!(!day_words(u64::MAX).is_empty());
    }
}
