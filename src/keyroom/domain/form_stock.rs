//! Numbered blank forms: those in the safe, and those that a batch has taken
//! out.

use conclave_evidence::Id;
use serde::{Deserialize, Serialize};

use super::ranges::{RangeError, Ranges};

/// The highest number of a form: eighteen digits.
pub const LAST_FORM: u64 = 999_999_999_999_999_999;

/// Most forms of one delivery, and of one reel that is taken out.
pub const MOST_FORMS: u64 = 1_000_000;

/// A delivery of blank forms in the safe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormStock {
    /// Its record.
    pub id: Id,
    /// The delivery's name, as on its delivery note.
    pub lot: String,
    /// Which kind of form it is: the stock, or else the name, of the layout that is
    /// printed on it. Empty in records of before kinds were told apart: such forms
    /// go to a batch of any kind.
    #[serde(default)]
    pub form: String,
    /// The forms' numbers as they came: first and last.
    pub delivered: (u64, u64),
    /// Those that lie in the safe.
    pub safe: Ranges,
    /// Those that were destroyed in the safe.
    #[serde(default)]
    pub destroyed: Ranges,
    /// Those that were not there when both looked.
    #[serde(default)]
    pub missing: Ranges,
    /// When it came, wall clock.
    pub received_ms: u64,
    /// When both counted the safe last and found what is on record, wall clock.
    #[serde(default)]
    pub counted_ms: Option<u64>,
}

/// Why forms do not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormsError {
    /// No numbers of forms.
    #[error(
        "forms {0} to {1} are no reel: numbers run up, have at most 18 digits, and are at most a million"
    )]
    Reel(u64, u64),
    /// Elsewhere.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// No end of a form in the safe.
    #[error("forms in the safe are destroyed, or they are not there")]
    NotSo,
}

/// First and last number of a reel.
///
/// # Errors
/// [`FormsError::Reel`]
pub fn check_reel(first: u64, last: u64) -> Result<(), FormsError> {
    let long = last
        .checked_sub(first)
        .is_none_or(|more| more >= MOST_FORMS);
    match long || last > LAST_FORM {
        true => Err(FormsError::Reel(first, last)),
        false => Ok(()),
    }
}

impl FormStock {
    /// The record's kind in `pins`.
    pub const KIND: &'static str = "form-stock";

    /// TRUE where forms of this kind are in it, or may be. Forms of two kinds may have
    /// the same numbers.
    #[must_use]
    pub fn is_of(&self, form: &str) -> bool {
        self.form.is_empty() || form.is_empty() || self.form == form
    }

    /// Forms that were not there lie in the safe after all, unused: they may come out
    /// again.
    ///
    /// # Errors
    /// [`FormsError::Range`] unless all of them were missing from the safe.
    pub fn found(&mut self, first: u64, last: u64) -> Result<(), FormsError> {
        self.missing.remove(first, last)?;
        Ok(self.safe.insert(first, last)?)
    }

    /// Forms in the safe are destroyed, or are not there.
    ///
    /// # Errors
    /// [`FormsError::Range`] unless all of them are in the safe;
    /// [`FormsError::NotSo`] for another end.
    pub fn write_off(&mut self, first: u64, last: u64, why: Aside) -> Result<(), FormsError> {
        let to = match why {
            Aside::Spoiled => &mut self.destroyed,
            Aside::Missing => &mut self.missing,
            Aside::Test | Aside::Returned => return Err(FormsError::NotSo),
        };
        self.safe.remove(first, last)?;
        Ok(to.insert(first, last)?)
    }
}

/// Why a blank form is not used for a mailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aside {
    /// It has a test print.
    Test,
    /// Torn or creased: destroyed under witness.
    Spoiled,
    /// Not on the reel: an incident.
    Missing,
    /// It went back into the safe.
    Returned,
}

/// The blank forms of one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchForms {
    /// All that were taken out for it.
    pub issued: Ranges,
    /// Those that are blank and here.
    pub blank: Ranges,
    /// Those with test prints.
    pub test: Ranges,
    /// Those that were destroyed while blank.
    pub spoiled: Ranges,
    /// Those that were not there while blank.
    pub missing: Ranges,
    /// Those that went back.
    pub returned: Ranges,
    /// How many forms with mailers were destroyed.
    pub lost: u64,
    /// How many forms with mailers are not there.
    pub gone: u64,
}

impl Aside {
    /// What became of one blank form, or of several, as the end of a sentence.
    #[must_use]
    pub fn became(self, one: bool) -> &'static str {
        match (self, one) {
            (Self::Test, true) => "was used for a test print",
            (Self::Test, false) => "were used for test prints",
            (Self::Spoiled, true) => "was torn, creased or printed on, and destroyed before both",
            (Self::Spoiled, false) => "were torn, creased or printed on, and destroyed before both",
            (Self::Missing, true) => "is not there: an incident",
            (Self::Missing, false) => "are not there: an incident",
            (Self::Returned, true) => "is back in the safe",
            (Self::Returned, false) => "are back in the safe",
        }
    }
}

impl BatchForms {
    /// A reel comes out of the safe.
    ///
    /// # Errors
    /// [`FormsError`]
    pub fn take(&mut self, first: u64, last: u64) -> Result<(), FormsError> {
        check_reel(first, last)?;
        // Forms that went back may come out again.
        if !self.issued.meets(first, last) {
            self.issued.insert(first, last)?;
        } else {
            self.returned.remove(first, last)?;
        }
        Ok(self.blank.insert(first, last)?)
    }

    /// Blank forms are not used for mailers.
    ///
    /// # Errors
    /// [`FormsError::Range`] unless all of them are blank and here.
    pub fn set_aside(&mut self, first: u64, last: u64, why: Aside) -> Result<(), FormsError> {
        self.blank.remove(first, last)?;
        let to = match why {
            Aside::Test => &mut self.test,
            Aside::Spoiled => &mut self.spoiled,
            Aside::Missing => &mut self.missing,
            Aside::Returned => &mut self.returned,
        };
        Ok(to.insert(first, last)?)
    }
}
