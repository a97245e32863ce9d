//! The methods of wrapping keys under a key-encryption key, and what each takes.

use serde::{Deserialize, Serialize};

use crate::domain::form::KeyForm;

/// How keys are wrapped under a key-encryption key. A ZMK has one method for
/// ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WrappingMethod {
    /// TR-31 version A: TDES, variants of the wrapping key (X9.143, deprecated), an
    /// exception.
    #[serde(rename = "tr31-a")]
    Tr31A,
    /// TR-31 version B: TDES, key derivation (X9.143).
    #[serde(rename = "tr31-b")]
    Tr31B,
    /// TR-31 version C: as A, its header authenticated otherwise (X9.143, deprecated),
    /// an exception.
    #[serde(rename = "tr31-c")]
    Tr31C,
    /// TR-31 version D: AES, key derivation, CBC (X9.143).
    #[serde(rename = "tr31-d")]
    Tr31D,
    /// TR-31 version E: AES, key derivation, counter mode (ISO 20038).
    #[serde(rename = "tr31-e")]
    Tr31E,
    /// Thales variants, schemes U and T: no key block, an exception.
    #[serde(rename = "thales-variant")]
    ThalesVariant,
    /// ANSI X9.17, schemes X and Y: no key block, an exception.
    #[serde(rename = "x9.17")]
    X917,
    /// IBM CCA external tokens: TDES in ECB under control vectors, an exception.
    #[serde(rename = "cca-ecb")]
    CcaEcb,
    /// Thales key blocks, `S`.
    #[serde(rename = "thales-s")]
    ThalesBlock,
    /// Atalla key blocks (AKB).
    #[serde(rename = "atalla-akb")]
    AtallaAkb,
    /// Atalla variants: no key block, an exception.
    #[serde(rename = "atalla-variant")]
    AtallaVariant,
    /// AES key wrap with padding (SP 800-38F, RFC 5649): it binds no use to the
    /// key, an exception.
    #[serde(rename = "aes-kwp")]
    AesKwp,
    /// To a partner's RSA key: a fresh AES key by OAEP, the key by AES-KWP under that
    /// (`CKM_RSA_AES_KEY_WRAP` of PKCS#11). It binds no use either, an exception.
    #[serde(rename = "rsa-aes")]
    RsaAes,
    /// A pair of a payShield's variant LMK: what is wrapped is as the HSM keeps
    /// it. A legacy exception.
    #[serde(rename = "thales-lmk")]
    ThalesLmk,
    /// An Atalla's MFK: key blocks as the processor keeps them. A legacy exception.
    #[serde(rename = "atalla-mfk")]
    AtallaMfk,
}

impl WrappingMethod {
    /// What the wrapping key decides, where its template says nothing.
    #[must_use]
    pub fn of(form: KeyForm) -> Self {
        if form.is_tdes() {
            Self::Tr31B
        } else {
            Self::Tr31D
        }
    }

    /// `tr31-b`, `x9.17`: its name in templates and actions.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tr31A => "tr31-a",
            Self::Tr31B => "tr31-b",
            Self::Tr31C => "tr31-c",
            Self::Tr31D => "tr31-d",
            Self::Tr31E => "tr31-e",
            Self::ThalesVariant => "thales-variant",
            Self::X917 => "x9.17",
            Self::CcaEcb => "cca-ecb",
            Self::ThalesBlock => "thales-s",
            Self::AtallaAkb => "atalla-akb",
            Self::AtallaVariant => "atalla-variant",
            Self::AesKwp => "aes-kwp",
            Self::RsaAes => "rsa-aes",
            Self::ThalesLmk => "thales-lmk",
            Self::AtallaMfk => "atalla-mfk",
        }
    }

    /// TRUE where it makes no key block: PCI PIN 18-3 wants an exception. So do the
    /// deprecated key blocks of TR-31, A and C (X9.143), and whatever is under a master
    /// key of the other side.
    #[must_use]
    pub fn is_exception(self) -> bool {
        matches!(
            self,
            Self::Tr31A
                | Self::Tr31C
                | Self::ThalesVariant
                | Self::X917
                | Self::CcaEcb
                | Self::AtallaVariant
                | Self::AesKwp
                | Self::RsaAes
        ) || self.is_foreign_master()
    }

    /// TRUE for a master key of the system that keys go to, held here in components.
    #[must_use]
    pub fn is_foreign_master(self) -> bool {
        matches!(self, Self::ThalesLmk | Self::AtallaMfk)
    }

    /// TRUE where it makes TR-31 key blocks.
    #[must_use]
    pub fn is_tr31(self) -> bool {
        matches!(
            self,
            Self::Tr31A | Self::Tr31B | Self::Tr31C | Self::Tr31D | Self::Tr31E
        )
    }

    /// TRUE where a wrapping key of this form can have it.
    #[must_use]
    pub fn fits(self, form: KeyForm) -> bool {
        match self {
            Self::Tr31D | Self::Tr31E | Self::AesKwp => form.is_aes(),
            Self::Tr31A
            | Self::Tr31B
            | Self::Tr31C
            | Self::ThalesVariant
            | Self::X917
            | Self::CcaEcb
            | Self::AtallaAkb
            | Self::AtallaVariant
            | Self::AtallaMfk => form.is_tdes(),
            Self::ThalesLmk => form == KeyForm::Tdes2,
            Self::RsaAes => form == KeyForm::Rsa,
            // Version 0 under TDES, 1 under AES.
            Self::ThalesBlock => form.is_tdes() || form.is_aes(),
        }
    }
}
