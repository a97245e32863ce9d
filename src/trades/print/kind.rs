//! Kinds of forms, and what each has on its outside and its inside. The rules
//! stand in code, not in files: whoever writes a layout cannot move a secret
//! to the outside, or a card's number beside its PIN.

use conclave_keyroom::domain::device::PrinterPurpose;
use serde::Deserialize;

use super::field::FieldName as F;

/// What a form is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One component or share of a key, for one custodian.
    #[default]
    Component,
    /// A PIN for a cardholder.
    PinMailer,
    /// A key store's password.
    PasswordMailer,
    /// A recovery member's words.
    Passphrase,
    /// What is printed on the envelope of a component: no secret at all.
    Envelope,
    /// The letter that goes with a zone master key's parts: no secret at all.
    ExchangeLetter,
    /// A strip for a bag: its number and a check value.
    Label,
}

/// Who may look at the printed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Disclosure {
    /// The secret can be read on the sheet until it is folded: its custodian
    /// looks whether it is legible.
    #[default]
    OpenSheet,
    /// The secret is under a cover from the start: the form is checked by its
    /// serial and by a printed sample of X's, and read only when opened.
    BlindMailer,
}

impl Disclosure {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::OpenSheet => "open sheet",
            Self::BlindMailer => "blind mailer",
        }
    }
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Component,
        Self::PinMailer,
        Self::PasswordMailer,
        Self::Passphrase,
        Self::Envelope,
        Self::ExchangeLetter,
        Self::Label,
    ];

    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Component => "component form",
            Self::PinMailer => "PIN mailer",
            Self::PasswordMailer => "password mailer",
            Self::Passphrase => "sheet of recovery words",
            Self::Envelope => "envelope",
            Self::ExchangeLetter => "exchange letter",
            Self::Label => "label",
        }
    }

    /// The printers that such forms are printed on.
    #[must_use]
    pub fn purpose(self) -> PrinterPurpose {
        match self {
            Self::Component | Self::PasswordMailer | Self::Passphrase => PrinterPurpose::Components,
            Self::PinMailer => PrinterPurpose::Pins,
            Self::Envelope | Self::ExchangeLetter | Self::Label => PrinterPurpose::Reports,
        }
    }

    /// Whether a page of X's of such a form may go to a printer of this purpose. X's
    /// are no secret, so that a printer of reports shows them too; a printer of
    /// components or of PINs is used for nothing else (R10), and its forms are
    /// counted.
    #[must_use]
    pub fn takes_samples(self, printer: PrinterPurpose) -> bool {
        printer == PrinterPurpose::Reports || printer == self.purpose()
    }

    /// What may be read without opening the form.
    #[must_use]
    pub fn outside(self) -> &'static [F] {
        match self {
            Self::Component | Self::Passphrase => &[
                F::Banner,
                F::Title,
                F::Station,
                F::Label,
                F::Part,
                F::Group,
                F::Custodian,
            ],
            Self::PinMailer => &[
                F::Banner,
                F::Title,
                F::Station,
                F::Name,
                F::Address,
                F::Tracking,
                F::Sequence,
                F::Reference,
                F::Host(0),
            ],
            Self::PasswordMailer => &[
                F::Banner,
                F::Title,
                F::Station,
                F::Name,
                F::Address,
                F::Tracking,
                F::Sequence,
                F::Reference,
                F::Part,
            ],
            Self::Envelope | Self::ExchangeLetter | Self::Label => &[],
        }
    }

    /// What the outside must say.
    #[must_use]
    pub fn outside_needs(self) -> &'static [F] {
        match self {
            Self::Component => &[F::Banner, F::Label, F::Part, F::Custodian],
            Self::PinMailer => &[F::Tracking],
            Self::PasswordMailer => &[F::Banner, F::Name, F::Tracking],
            Self::Passphrase => &[F::Banner, F::Custodian, F::Part],
            Self::Envelope | Self::ExchangeLetter | Self::Label => &[],
        }
    }

    /// What the inside may say.
    #[must_use]
    pub fn inside(self) -> &'static [F] {
        match self {
            Self::Component => &[
                F::Banner,
                F::Title,
                F::Station,
                F::Label,
                F::Purpose,
                F::Algorithm,
                F::Part,
                F::Quorum,
                F::Kcv,
                F::KeyKcv,
                F::Fingerprint,
                F::Ceremony,
                F::Date,
                F::Group,
                F::Custodian,
                F::Serial,
                F::Provenance,
                F::Value,
            ],
            Self::PinMailer => &[
                F::Banner,
                F::Title,
                F::Station,
                F::Name,
                F::Address,
                F::Tracking,
                F::Sequence,
                F::Date,
                F::Pin,
                F::PinWords,
                F::CardHint,
                F::Host(0),
            ],
            Self::PasswordMailer => &[
                F::Banner,
                F::Title,
                F::Station,
                F::Name,
                F::Tracking,
                F::Sequence,
                F::Reference,
                F::Part,
                F::Date,
                F::Store,
                F::Alias,
                F::Password,
                F::Serial,
                F::Provenance,
            ],
            Self::Passphrase => &[
                F::Banner,
                F::Title,
                F::Station,
                F::Part,
                F::Group,
                F::Custodian,
                F::Date,
                F::Words,
                F::Provenance,
            ],
            Self::Envelope => &[
                F::Banner,
                F::Title,
                F::Station,
                F::Label,
                F::Part,
                F::Quorum,
                F::Group,
                F::Custodian,
                F::Ceremony,
                F::Date,
                F::Bag,
                F::Serial,
                F::Tracking,
                F::Reference,
                F::Name,
                F::Address,
                F::Courier,
            ],
            Self::ExchangeLetter => &[
                F::Banner,
                F::Title,
                F::Station,
                F::Label,
                F::Purpose,
                F::Algorithm,
                F::KeyKcv,
                F::Parts,
                F::Ceremony,
                F::Date,
                F::Reference,
                F::Name,
                F::Address,
                F::Courier,
                F::Provenance,
            ],
            Self::Label => &[
                F::Banner,
                F::Title,
                F::Station,
                F::Label,
                F::Part,
                F::Bag,
                F::Kcv,
                F::Date,
                F::Ceremony,
                F::Custodian,
            ],
        }
    }

    /// What the inside must say.
    #[must_use]
    pub fn inside_needs(self) -> &'static [F] {
        match self {
            Self::Component => &[
                F::Banner,
                F::Label,
                F::Algorithm,
                F::Part,
                F::Kcv,
                F::Ceremony,
                F::Date,
                F::Serial,
                F::Value,
            ],
            Self::PinMailer => &[F::Banner, F::Pin],
            Self::PasswordMailer => &[F::Banner, F::Store, F::Password],
            Self::Passphrase => &[F::Banner, F::Words],
            Self::Envelope => &[F::Banner, F::Label, F::Part, F::Custodian],
            Self::ExchangeLetter => &[
                F::Banner,
                F::Label,
                F::KeyKcv,
                F::Parts,
                F::Name,
                F::Date,
                F::Reference,
            ],
            Self::Label => &[F::Banner, F::Bag, F::Kcv],
        }
    }

    /// TRUE where the form has something that only its holder may read.
    #[must_use]
    pub fn has_secret(self) -> bool {
        self.inside().iter().any(|field| field.is_secret())
    }

    /// TRUE for what people outside of the house get: a banner that says
    /// PRODUCTION would tell them nothing, and is not printed.
    #[must_use]
    pub fn for_customers(self) -> bool {
        self == Self::PinMailer
    }

    /// TRUE where the field may stand in the area.
    #[must_use]
    pub(super) fn may(self, field: F, outside: bool) -> bool {
        let field = match field {
            F::Host(_) => F::Host(0),
            other => other,
        };
        let fields = if outside {
            self.outside()
        } else {
            self.inside()
        };
        fields.contains(&field)
    }
}
