//! A key's metadata, life cycle and custody. The value is elsewhere.

use conclave_evidence::{Bytes, GroupId, Hash, Id};
use serde::{Deserialize, Serialize};

use super::form::KeyForm;
use super::part_set::PartSet;

/// A key check value with the way it was made (R7): never one without the
/// other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckValue {
    /// Upper-case hex: 6 digits for TDES, 10 for AES and HMAC.
    pub value: String,
    /// `ENC-ZERO`, `CMAC`, or `SHA2VP1` for HMAC.
    pub method: String,
}

impl CheckValue {
    /// `08D7B4 (ENC-ZERO)`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} ({})", self.value, self.method)
    }
}

/// The states of SP 800-57 part 1, section 7 (R21). A compromised key never
/// comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// Made, and not to be used yet: components are on their way.
    PreActivation,
    /// In use.
    Active,
    /// Set aside until it is known what happened; it may come back.
    Suspended,
    /// Replaced, and kept for what it made: nothing new is done with it.
    Deactivated,
    /// Somebody who may not may know it. It never comes back.
    Compromised,
    /// The ceremony was interrupted: never to be used.
    Void,
    /// Destroyed; the metadata stays.
    Destroyed,
}

impl KeyState {
    /// For screens.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::PreActivation => "pre-activation",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deactivated => "deactivated",
            Self::Compromised => "compromised",
            Self::Void => "void",
            Self::Destroyed => "destroyed",
        }
    }

    /// TRUE when `next` may follow.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use KeyState::{
            Active, Compromised, Deactivated, Destroyed, PreActivation, Suspended, Void,
        };
        matches!(
            (self, next),
            (PreActivation, Active | Void | Destroyed)
                | (Active, Suspended | Deactivated)
                | (Suspended, Active)
                | (Active | Suspended | Deactivated, Compromised)
                | (
                    Active | Suspended | Deactivated | Compromised | Void,
                    Destroyed
                )
        )
    }
}

/// How keys are wrapped under a key-encryption key. A ZMK has one method for
/// ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WrappingMethod {
    /// TR-31 version B: TDES, key derivation (X9.143).
    #[serde(rename = "tr31-b")]
    Tr31B,
    /// TR-31 version D: AES, key derivation (X9.143).
    #[serde(rename = "tr31-d")]
    Tr31D,
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
            Self::Tr31B => "tr31-b",
            Self::Tr31D => "tr31-d",
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

    /// TRUE where it makes no key block: PCI PIN 18-3 wants an exception. So does
    /// whatever is under a master key of the other side.
    #[must_use]
    pub fn is_exception(self) -> bool {
        matches!(
            self,
            Self::ThalesVariant
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
        matches!(self, Self::Tr31B | Self::Tr31D)
    }

    /// TRUE where a wrapping key of this form can have it.
    #[must_use]
    pub fn fits(self, form: KeyForm) -> bool {
        match self {
            Self::Tr31D | Self::AesKwp => form.is_aes(),
            Self::Tr31B
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

/// How far a component's sheet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentState {
    /// Waits inside the provider.
    Waiting,
    /// Bytes may have left for the printer.
    Printed,
    /// In its envelope, serial recorded.
    Sealed,
    /// A partner's sheet, typed in here.
    Entered,
}

/// Where a key comes from.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeySource {
    /// Made on this station.
    #[default]
    Here,
    /// A partner's, entered from paper; their name.
    Partner(String),
    /// Put together from shares on paper; what they are of.
    Shares(String),
    /// A partner's, imported from a key store under a passphrase.
    Store {
        /// Their name.
        partner: String,
        /// `PKCS#12`.
        format: String,
    },
    /// A partner's, imported in a key block.
    Block {
        /// Their name.
        partner: String,
        /// The label of the key it came under.
        under: String,
        /// `TR-31 version D`.
        format: String,
    },
}

impl KeySource {
    /// For screens and papers.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Here => "made on this station".into(),
            Self::Partner(name) => format!("partner {name}"),
            Self::Shares(from) => format!("shares of {from}"),
            Self::Store { partner, format } => format!("partner {partner}, from a {format} store"),
            Self::Block {
                partner,
                under,
                format,
            } => format!("partner {partner}, {format} under {under}"),
        }
    }
}

/// Somebody who holds a component, held it, or may come in their place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The person.
    pub person: Id,
    /// Their name.
    pub name: String,
}

/// A package that was found otherwise than recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// When, wall clock.
    pub at_ms: u64,
    /// What was found: another serial, a torn seal.
    pub found: String,
}

/// A key that somebody who may not may know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compromise {
    /// When it was declared, wall clock.
    pub at_ms: u64,
    /// What is known.
    pub reason: String,
}

/// One component of a key, and who holds it. Custody is permanent: it says who
/// *ever* held this part (R4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// From 1.
    pub index: u8,
    /// How many there are.
    pub of: u8,
    /// Its own check value.
    pub kcv: CheckValue,
    /// Who holds it.
    pub custodian: Id,
    /// Their name.
    pub custodian_name: String,
    /// As a member of which group.
    pub group: GroupId,
    /// How far it is.
    pub state: ComponentState,
    /// The envelope's serial, once sealed.
    pub envelope: Option<String>,
    /// Who witnessed the sealing.
    pub witness: Option<String>,
    /// When it was printed, wall clock.
    pub printed_ms: Option<u64>,
    /// When it was sealed, wall clock.
    pub sealed_ms: Option<u64>,
    /// A commitment to its value under a key of the vault, made when it was
    /// printed or typed: what a custody exercise compares with.
    #[serde(default)]
    pub commitment: Option<Hash>,
    /// The exercise in which its package was opened, until it is sealed again.
    #[serde(default)]
    pub opened: Option<Id>,
    /// When an exercise last proved the sheet, wall clock.
    #[serde(default)]
    pub proven_ms: Option<u64>,
    /// When an exercise found the sheet unreadable or another; nothing once it
    /// was proven again.
    #[serde(default)]
    pub doubted_ms: Option<u64>,
    /// Its package was not as recorded, and was not opened; nothing once the sheet
    /// was proven again (R11).
    #[serde(default)]
    pub quarantine: Option<Quarantine>,
    /// Who opens it when the custodian cannot come (R16): of the same group,
    /// and never of another part of this key.
    #[serde(default)]
    pub backup: Option<Holder>,
    /// Who held it, or was its backup, before: custody is permanent (R4).
    #[serde(default)]
    pub former: Vec<Holder>,
}

impl Component {
    /// TRUE for the custodian and the backup.
    #[must_use]
    pub fn may_be_opened_by(&self, person: Id) -> bool {
        self.custodian == person || self.backup.as_ref().is_some_and(|b| b.person == person)
    }

    /// Everybody who holds it, may open it, or ever did.
    pub fn ever(&self) -> impl Iterator<Item = Id> + '_ {
        let others = self.backup.iter().chain(&self.former).map(|h| h.person);
        std::iter::once(self.custodian).chain(others)
    }

    /// The backup takes over from a custodian who is gone.
    pub fn take_over(&mut self) {
        let Some(backup) = self.backup.take() else {
            return;
        };
        let gone = Holder {
            person: std::mem::replace(&mut self.custodian, backup.person),
            name: std::mem::replace(&mut self.custodian_name, backup.name),
        };
        self.former.push(gone);
    }

    /// Names a backup; the one before stays on record.
    pub fn name_backup(&mut self, backup: Holder) {
        if self.backup.as_ref() != Some(&backup) {
            let before = self.backup.replace(backup);
            self.former.extend(before);
        }
    }
}

/// What the catalogue keeps of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Random; also the id of its value in the keys compartment.
    pub id: Id,
    /// Unique on the station.
    pub label: String,
    /// Algorithm and length.
    pub form: KeyForm,
    /// TR-31 key usage, two characters: `K0`, `P0`, ….
    pub usage: String,
    /// TR-31 mode of use, one character.
    pub mode_of_use: String,
    /// TR-31 exportability, one character: `E`, `N` or `S`.
    pub exportability: String,
    /// Template and version: `zmk-tdes2 v1`.
    pub template: String,
    /// Its check value.
    pub kcv: CheckValue,
    /// Where it stands.
    pub state: KeyState,
    /// The provider that made it, name and class in words.
    pub provider: String,
    /// The ceremony that made it.
    pub ceremony: Id,
    /// When, wall clock.
    pub created_ms: u64,
    /// End of its cryptoperiod, wall clock (R22).
    pub expires_ms: u64,
    /// A key-encryption key's one method, fixed by its template.
    pub wrapping: Option<WrappingMethod>,
    /// Its components, where it was made in parts.
    pub components: Vec<Component>,
    /// Where it comes from.
    #[serde(default)]
    pub source: KeySource,
    /// Of an RSA key: its public half.
    #[serde(default)]
    pub rsa: Option<RsaFacts>,
    /// The key that took its place.
    #[serde(default)]
    pub successor: Option<Id>,
    /// Why it is compromised; it stays when the key is destroyed, for what was under
    /// the key is still to be replaced (R12).
    #[serde(default)]
    pub compromise: Option<Compromise>,
    /// Where it went: bundle sequence number, recipient, wrapping key's label.
    pub exports: Vec<Exported>,
    /// Its other sets of parts: coming, kept, former, void.
    #[serde(default)]
    pub others: Vec<PartSet>,
    /// The ceremony that made its components anew, where one did.
    #[serde(default)]
    pub reissued: Option<Id>,
}

/// What is public of an RSA key. The check value is the beginning of its
/// fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RsaFacts {
    /// Length of the modulus.
    pub bits: u16,
    /// The public exponent.
    pub exponent: u64,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Bytes,
    /// SHA-256 over it.
    pub fingerprint: Hash,
    /// From 1; a successor's is one higher.
    pub generation: u32,
    /// The key whose place it took.
    pub predecessor: Option<Id>,
}

/// One time a key left the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// The bundle's sequence number; 0 for a letter, which has none.
    pub bundle: u64,
    /// For whom.
    pub recipient: String,
    /// The wrapping key's label.
    pub under: String,
    /// `tr31-b`, `tr31-d`.
    pub format: String,
    /// When, wall clock.
    pub at_ms: u64,
}

impl KeyRecord {
    /// The record's kind in the catalogue.
    pub const KIND: &'static str = "key";
    /// The kind of its value in the keys compartment.
    pub const VALUE_KIND: &'static str = "key-value";

    /// TRUE when it may encrypt other keys: TR-31 usages K0 and K1, and K3 of a
    /// partner's RSA key, with the one method that it has. A
    /// [master key](Self::is_panel_key) has none.
    #[must_use]
    pub fn is_wrapping_key(&self) -> bool {
        (self.encrypts_keys() || self.usage == "K3") && self.wrapping.is_some()
    }

    /// TRUE for a partner's public key that keys are wrapped to: there is no value of
    /// it to open.
    #[must_use]
    pub fn is_wrapped_to(&self) -> bool {
        self.wrapping == Some(WrappingMethod::RsaAes) && self.rsa.is_some()
    }

    /// TRUE for a master key of another machine, which was made here for its panel:
    /// it wraps and unwraps nothing here.
    #[must_use]
    pub fn is_panel_key(&self) -> bool {
        self.encrypts_keys() && self.wrapping.is_none()
    }

    /// TRUE for TR-31 usages K0 and K1.
    #[must_use]
    pub fn encrypts_keys(&self) -> bool {
        matches!(self.usage.as_str(), "K0" | "K1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custody_is_permanent_also_for_who_was_only_a_backup() {
        let holder = |n: u8| Holder {
            person: Id([n; 16]),
            name: format!("MEMBER-{n}"),
        };
        let mut component = Component {
            index: 1,
            of: 2,
            kcv: CheckValue {
                value: "08D7B4".into(),
                method: "ENC-ZERO".into(),
            },
            custodian: Id([1; 16]),
            custodian_name: "MEMBER-1".into(),
            group: GroupId::CustodiansA,
            state: ComponentState::Sealed,
            envelope: None,
            witness: None,
            printed_ms: None,
            sealed_ms: None,
            commitment: None,
            opened: None,
            proven_ms: None,
            doubted_ms: None,
            quarantine: None,
            backup: Some(holder(2)),
            former: Vec::new(),
        };
        component.take_over();
        assert_eq!(component.custodian_name, "MEMBER-2");
        component.take_over();
        assert_eq!(component.custodian_name, "MEMBER-2", "nobody is left");
        component.name_backup(holder(3));
        component.name_backup(holder(3));
        component.name_backup(holder(4));
        let ever: Vec<Id> = component.ever().collect();
        assert_eq!(ever, [2, 4, 1, 3].map(|n| Id([n; 16])));
        assert!(component.may_be_opened_by(Id([4; 16])));
        assert!(!component.may_be_opened_by(Id([1; 16])));
    }

    #[test]
    fn nothing_comes_back_from_void_or_destruction() {
        for next in [
            KeyState::PreActivation,
            KeyState::Active,
            KeyState::Suspended,
        ] {
            assert!(!KeyState::Compromised.may_become(next));
            assert!(!KeyState::Void.may_become(next));
            assert!(!KeyState::Deactivated.may_become(next));
            assert!(!KeyState::Destroyed.may_become(next));
        }
        assert!(KeyState::PreActivation.may_become(KeyState::Active));
        assert!(!KeyState::Active.may_become(KeyState::PreActivation));
        assert!(KeyState::Suspended.may_become(KeyState::Active));
        for from in [KeyState::Active, KeyState::Suspended, KeyState::Deactivated] {
            assert!(from.may_become(KeyState::Compromised));
        }
        assert!(KeyState::Compromised.may_become(KeyState::Destroyed));
    }
}
