//! What can stand on a form: the names that layout files use.

use std::fmt;

/// What can stand on a form. Which of them a kind of form has, and where, is
/// in [`kind`](super::kind).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldName {
    /// `TEST` or `PRODUCTION`.
    Banner,
    /// The layout's own title.
    Title,
    /// The station's name.
    Station,
    /// The key's label.
    Label,
    /// What the key is for.
    Purpose,
    /// Algorithm and length.
    Algorithm,
    /// `COMPONENT i of n`, or `SHARE i of n`.
    Part,
    /// `any m of the n shares`; nothing for a component.
    Quorum,
    /// The component's check value with its method.
    Kcv,
    /// The whole key's check value, where policy wants it printed.
    KeyKcv,
    /// Of a part of an RSA pair's prime: SHA-256 over SubjectPublicKeyInfo of its public
    /// half, in groups of eight, which nobody takes for a group of the value.
    Fingerprint,
    /// The ceremony.
    Ceremony,
    /// The date.
    Date,
    /// The custodian group.
    Group,
    /// The custodian's name.
    Custodian,
    /// An empty line for the package serial, written by hand.
    Serial,
    /// What is to be said of where the key was made; nothing where there is
    /// nothing to say.
    Provenance,
    /// The value, in lines of four groups with a check letter.
    Value,
    /// Names one letter, batch or order.
    Reference,
    /// A random number that follows the form and tells nothing of the card.
    Tracking,
    /// The number of this form in its batch: `17 of 200`.
    Sequence,
    /// To whom the form goes.
    Name,
    /// The lines of an address.
    Address,
    /// Who carries it.
    Courier,
    /// The number of the tamper-evident bag.
    Bag,
    /// The parts of a key with what is known of each, a line a part.
    Parts,
    /// The PIN's digits.
    Pin,
    /// The PIN's digits as words in a language.
    PinWords,
    /// The card number's last four digits, where policy wants them.
    CardHint,
    /// The card's number: known so that a layout with it is refused by name.
    Pan,
    /// The file of a key store.
    Store,
    /// The entry in a key store.
    Alias,
    /// A key store's password, in groups with check digits.
    Password,
    /// A recovery member's words.
    Words,
    /// A field that the host numbers, 0 to 15, as Thales print formats do.
    Host(u8),
}

use FieldName as F;

/// All but the sixteen of a host, with the names that layout files use.
const NAMED: [(FieldName, &str); 35] = [
    (F::Banner, "banner"),
    (F::Title, "title"),
    (F::Station, "station"),
    (F::Label, "label"),
    (F::Purpose, "purpose"),
    (F::Algorithm, "algorithm"),
    (F::Part, "part"),
    (F::Quorum, "quorum"),
    (F::Kcv, "kcv"),
    (F::KeyKcv, "key-kcv"),
    (F::Fingerprint, "fingerprint"),
    (F::Ceremony, "ceremony"),
    (F::Date, "date"),
    (F::Group, "group"),
    (F::Custodian, "custodian"),
    (F::Serial, "serial"),
    (F::Provenance, "provenance"),
    (F::Value, "value"),
    (F::Reference, "reference"),
    (F::Tracking, "tracking"),
    (F::Sequence, "sequence"),
    (F::Name, "name"),
    (F::Address, "address"),
    (F::Courier, "courier"),
    (F::Bag, "bag"),
    (F::Parts, "parts"),
    (F::Pin, "pin"),
    (F::PinWords, "pin-words"),
    (F::CardHint, "card-hint"),
    (F::Pan, "pan"),
    (F::Store, "store"),
    (F::Alias, "alias"),
    (F::Password, "password"),
    (F::Words, "words"),
    (F::Host(0), "host-0"),
];

impl FieldName {
    /// As layout files write it.
    #[must_use]
    pub fn name(self) -> String {
        if let Self::Host(number) = self {
            return format!("host-{number:x}");
        }
        NAMED
            .iter()
            .find(|(field, _)| *field == self)
            .map_or_else(String::new, |(_, name)| (*name).to_owned())
    }

    /// The field of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some(digit) = name.strip_prefix("host-") {
            let digits = b"0123456789abcdef";
            let at = digits.iter().position(|d| digit.as_bytes() == [*d])?;
            return u8::try_from(at).ok().map(Self::Host);
        }
        NAMED
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(field, _)| *field)
    }

    /// TRUE for what nobody but the holder reads.
    #[must_use]
    pub fn is_secret(self) -> bool {
        matches!(
            self,
            F::Value | F::Pin | F::PinWords | F::Password | F::Words
        )
    }

    /// For errors: what stands too near to the outside.
    pub(super) fn secret_title(self) -> &'static str {
        match self {
            F::Pin | F::PinWords => "the PIN",
            F::Password => "the password",
            F::Words => "the words",
            _ => "the value",
        }
    }

    /// Fewest columns, so that everything the station may put there fits: a
    /// label has up to 40 characters, a name up to 24. Secrets have rules of
    /// their own.
    pub(super) fn least_width(self) -> usize {
        match self {
            F::Sequence => 14,
            F::Banner | F::Parts => 10,
            F::Title | F::Group | F::Purpose | F::Bag | F::Reference | F::Alias => 12,
            F::Station | F::Custodian | F::Name | F::Address | F::Store => 24,
            F::Label => 40,
            F::Provenance => 42,
            F::Algorithm => 17,
            F::Fingerprint => 35,
            F::Part | F::Tracking | F::Courier => 16,
            F::Kcv | F::KeyKcv | F::Quorum => 21,
            F::Ceremony => 8,
            F::Date => 9,
            F::Serial => 20,
            F::CardHint => 4,
            F::Pan => 19,
            F::Host(_) => 1,
            F::Value | F::Pin | F::PinWords | F::Password | F::Words => 1,
        }
    }

    /// TRUE where `repeat` may give it several lines.
    pub(super) fn has_rows(self) -> bool {
        matches!(
            self,
            F::Value
                | F::Fingerprint
                | F::Address
                | F::Parts
                | F::PinWords
                | F::Password
                | F::Words
        )
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field \"{}\"", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_fields() {
        for (field, name) in NAMED {
            assert_eq!(field.name(), name);
            assert_eq!(FieldName::from_name(name), Some(field));
        }
        assert_eq!(FieldName::from_name("host-f"), Some(F::Host(15)));
        for wrong in ["host-", "host-10", "host-F", "Pin", ""] {
            assert_eq!(FieldName::from_name(wrong), None, "{wrong}");
        }
    }
}
