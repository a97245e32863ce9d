//! Targets: the systems that keys go to, and the form each wants them in.
//!
//! A target is one file here, one line in [`TARGETS`], and operator text of
//! its own. The wrapping and its proof are the target's; the rules of the
//! house (`rules`), the bundle and the journal are the export action's.
//!
//! - `tr31`, `tr31_writing`: key blocks under a zone master key
//! - `bare`: cryptograms without a key block, an exception
//! - `payshield`, `payshield_sheet`: under a zone master key for Thales, with host
//!   commands and dialogue; `payshield_lmk`: under a pair of its LMK;
//!   `atalla`: key blocks and variants of Atalla;
//!   `nshield`: input of C_UnwrapKey
//! - `icsf`: IBM ICSF and CCA: DES tokens, KGUP, REXX; TR-31 blocks by CSNBT31I
//! - `rules`: what may leave under what, before a key is opened
//! - `register`: the numbers of the bundles
//! - `receipt`, `file_receipt`: what the other side says it saw
//! - `void_bundle`: a bundle that is worth nothing counts no more
//! - `void_key`: a ceremony that ends without a key, and what left in it
//! - `bundle`: payloads, run sheet and signed manifest as one set of files
//! - `export`: the action
//! - `import`: a partner's key block, bare cryptogram (`import_bare`), maker's block
//!   (`import_maker`) or CCA token (`import_token`), under a key of this house; where a
//!   typed check value is the only proof, `import_claimed`;
//!   `conventions` names what a partner's host did instead; `import_tries` counts
//!   what failed; `read_block` fetches it from a medium
//! - `check_file`: what a file is and whether it opens (`check_formats`), before
//!   anything is imported
//! - `profile`, `record_system`: what a kind of system needs to be told, and what
//!   the customer filled in for one
//! - `store`: keys in key stores under a passphrase, for systems that take no
//!   wrapped key
//! - `pkcs11`: AES-KWP and attribute templates (`pkcs11_template`) for a PKCS#11 token;
//!   `pkcs11_rsa`: the same to an RSA key of the token
//! - `web_pin`: keys of a channel for PINs, in generations, and its wrapping key
//! - `partner_certificate`: a certificate from a medium, as two people record it
//! - `letter`, `letter_form`: one key under a zone master key, on paper

mod atalla;
mod bare;
pub(crate) mod bundle;
mod check_file;
mod check_formats;
mod conventions;
pub(crate) mod export;
mod file_receipt;
mod fits;
pub(crate) mod icsf;
mod import;
mod import_bare;
mod import_claimed;
mod import_maker;
mod import_token;
mod import_tries;
mod letter;
mod letter_form;
mod nshield;
mod partner_certificate;
mod payshield;
mod payshield_lmk;
mod payshield_sheet;
mod pkcs11;
mod pkcs11_rsa;
mod pkcs11_template;
mod profile;
mod read_block;
mod read_bundle;
mod receipt;
mod record_system;
pub(crate) mod register;
pub(crate) mod rules;
pub(crate) mod sheet_text;
mod shipped;
pub mod store;
mod tr31;
mod tr31_writing;
mod void_bundle;
mod void_key;
mod web_pin;

use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::primitive::modes::Algorithm;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::manifest::Encoding;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;
use conclave_keyroom::provider::kind_of;

pub use crate::media::IMPORT_FOLDER;
pub use atalla::Atalla;
pub use bare::Bare;
pub use check_file::{CheckFile, CheckFrom, CheckedFile, TYPED_MOST};
pub use export::{ExportKeys, ExportedBundle, KeyName, SystemName};
pub use file_receipt::{FileReceipt, ReadReceipt};
pub use icsf::{CcaTokens, IcsfBlocks};
pub use import::ImportBlock;
pub use letter::{KeyLetter, PrintKeyLetter};
pub use letter_form::{LetterFacts, key_letter};
pub use nshield::NShield;
pub use partner_certificate::ReadPartnerCertificate;
pub(crate) use partner_certificate::{certificate_words, enrolled, for_this, unfit};
pub use payshield::PayShield;
pub use payshield_lmk::PayShieldLmk;
pub use pkcs11::Pkcs11;
pub use pkcs11_rsa::Pkcs11Rsa;
pub use profile::{PROFILE_MAX, ProfileError, parse_target_profile};
pub use read_block::ReadBlock;
pub use read_bundle::ReadBundle;
pub use receipt::{RECEIPT_DUE_MS, RECEIPT_MAX, Receipt, ReceiptError};
pub use record_system::{RecordSystem, check_settings, settings_digest, system_certificate};
pub use register::{BundleRecord, BundleState, Received, next_bundle};
pub use rules::unwrapping;
pub use tr31::Tr31;
pub use void_bundle::VoidBundle;
pub use void_key::VoidKey;
pub use web_pin::WebPin;

/// How sure it is that the target takes what is written for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conformance {
    /// An outside vector or tool reads it.
    Proven,
    /// Built from the target's documentation, not tried on it.
    Documented,
    /// Something has to be filled in or checked by the customer.
    ToBeCompleted,
}

impl Conformance {
    /// Of a run sheet: what a tool proves of a file is no proof of what people on
    /// the other side do with it.
    #[must_use]
    pub fn of_its_sheet(self) -> Self {
        match self {
            Self::Proven => Self::Documented,
            other => other,
        }
    }

    /// As the manifest and the run sheet say it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Proven => "proven by an outside vector or tool",
            Self::Documented => "documented; not tried on the target",
            Self::ToBeCompleted => "to be completed by the customer",
        }
    }
}

/// A file for a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// A plain name.
    pub name: String,
    /// What stands in it.
    pub bytes: Vec<u8>,
    /// The format: `TR-31 version D`.
    pub format: String,
    /// Binary or text.
    pub encoding: Encoding,
    /// Record length, where the target has records.
    pub lrecl: Option<u32>,
    /// How sure it is that the target takes this one.
    pub conformance: Conformance,
}

/// A file for the whole set: a script, job control, a neutral list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    /// The file.
    pub file: Payload,
    /// It carries cryptograms of the keys too: the manifest says so.
    pub with_keys: bool,
}

/// Why a target does not write a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A rule of the target forbids it.
    #[error("{rule}")]
    Rule {
        /// The rule, with its source.
        rule: String,
        /// What to do.
        advice: String,
    },
    /// The clear key is not the one that the catalogue describes.
    #[error("{0}: its check value is not the catalogue's")]
    CheckValue(String),
    /// What was written does not read back as the same key.
    #[error("{0}: what was written does not read back as the same key")]
    SelfCheck(String),
    /// The wrapping refused its input.
    #[error("{0}")]
    Wrap(String),
}

/// One row of a run sheet.
pub struct SheetRow<'a> {
    /// The key.
    pub key: &'a KeyRecord,
    /// Its files.
    pub payloads: &'a [Payload],
}

/// What a run sheet tells.
pub struct Sheet<'a> {
    /// The bundle's folder.
    pub folder: &'a str,
    /// `TEST` or `PRODUCTION`.
    pub mode: &'a str,
    /// For whom.
    pub recipient: &'a str,
    /// The wrapping key.
    pub under: &'a KeyRecord,
    /// Profile and what the customer filled in; empty where the target needs
    /// no record of the system.
    pub settings: &'a Settings,
    /// When, wall clock in milliseconds.
    pub made_ms: u64,
    /// The keys and their files.
    pub rows: Vec<SheetRow<'a>>,
}

/// A system that takes keys.
pub trait Target: Sync {
    /// Its name in actions and profiles: `tr31`.
    fn name(&self) -> &'static str;

    /// For people.
    fn title(&self) -> &'static str;

    /// How sure it is that the target takes this.
    fn conformance(&self) -> Conformance;

    /// The ways of wrapping it takes: of what wrapping keys keys can leave
    /// for it.
    fn methods(&self) -> &'static [WrappingMethod];

    /// TRUE where it cannot be written for without a record of the system, with
    /// what the customer fills in of the profile of the same name.
    fn needs_system(&self) -> bool {
        true
    }

    /// The target's own rules on a key and the key above it, asked before any
    /// key is opened: the label that it allows, the types that it knows. That
    /// its method is one of [`Self::methods`], and that nothing required is
    /// missing from the settings, was asked before.
    ///
    /// # Errors
    /// [`TargetError::Rule`]
    fn check(
        &self,
        key: &KeyRecord,
        under: &KeyRecord,
        settings: &Settings,
    ) -> Result<(), TargetError>;

    /// The target's own rules on all keys of one bundle together.
    ///
    /// # Errors
    /// [`TargetError::Rule`]
    fn check_all(&self, keys: &[KeyRecord], settings: &Settings) -> Result<(), TargetError> {
        let _ = (keys, settings);
        Ok(())
    }

    /// The target's own rules on what stands in the record of a system, asked where it
    /// is filled in and before anybody signs it. What is not filled in yet is nothing
    /// wrong.
    ///
    /// # Errors
    /// [`TargetError::Rule`]
    fn check_settings(&self, settings: &Settings) -> Result<(), TargetError> {
        let _ = settings;
        Ok(())
    }

    /// Writes a key for the target, and reads what was written back: the key,
    /// its check value and its attributes must be the same. `wrapping` is the value of
    /// the key above it; of a partner's public key, its SubjectPublicKeyInfo, and what
    /// that wraps only the partner reads back.
    ///
    /// # Errors
    /// [`TargetError`]
    fn export(
        &self,
        key: &KeyRecord,
        clear: &Secret,
        under: &KeyRecord,
        wrapping: &Secret,
        order: Order<'_>,
        random: &mut dyn RandomSource,
    ) -> Result<Vec<Payload>, TargetError>;

    /// What belongs to the set as a whole: scripts and job control, made from
    /// what was exported. The run sheet is not among them.
    ///
    /// # Errors
    /// [`TargetError`]
    fn companions(&self, sheet: &Sheet<'_>) -> Result<Vec<Companion>, TargetError> {
        let _ = sheet;
        Ok(Vec::new())
    }

    /// What the people at the target do with the files, step by step.
    fn run_sheet(&self, sheet: &Sheet<'_>) -> String;
}

/// What a key is written for.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The settings of the system.
    pub settings: &'a Settings,
    /// When the act is done, wall clock, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Every target.
pub const TARGETS: &[&dyn Target] = &[
    &Tr31,
    &Bare::THALES,
    &Bare::X917,
    &PayShield,
    &PayShieldLmk,
    &Atalla,
    &NShield,
    &CcaTokens::ICSF,
    &IcsfBlocks,
    &CcaTokens::ELSEWHERE,
    &Pkcs11,
    &Pkcs11Rsa,
    &WebPin,
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static dyn Target> {
    TARGETS.iter().copied().find(|target| target.name() == name)
}

/// The target that a wrapping key's one method writes for, where no system is
/// named.
///
/// # Errors
/// [`TargetError::Rule`] where the key wraps nothing, or only for a system on
/// record.
pub fn target_of(under: &KeyRecord) -> Result<&'static dyn Target, TargetError> {
    let method = under.wrapping.ok_or_else(|| TargetError::Rule {
        rule: format!("{} wraps no keys", under.label),
        advice: "choose a zone master key".into(),
    })?;
    TARGETS
        .iter()
        .copied()
        .find(|target| !target.needs_system() && target.methods().contains(&method))
        .ok_or_else(|| TargetError::Rule {
            rule: format!(
                "{} wraps by {}: what it wraps is made for a system on record",
                under.label,
                method.name()
            ),
            advice: "hand the key over from the key list, to a system on record".into(),
        })
}

/// The cipher of wrapping keys of this form; an HMAC key is none.
fn cipher(form: KeyForm) -> Algorithm {
    if form.is_tdes() {
        Algorithm::Tdes
    } else {
        Algorithm::Aes
    }
}

/// A wrapping key is at least as strong as what it wraps (R6).
fn strong_enough(
    key: &KeyRecord,
    under: &KeyRecord,
    advice: &'static str,
) -> Result<(), TargetError> {
    if under.form.strength() >= key.form.strength() {
        return Ok(());
    }
    Err(TargetError::Rule {
        rule: format!(
            "{} ({}) is weaker than {} ({}): a wrapping key is at least as strong as what it \
             wraps (R6)",
            under.label, under.form, key.label, key.form
        ),
        advice: advice.into(),
    })
}

/// What carries keys of ciphers alone: an HMAC key leaves in a TR-31 block, which binds its
/// hash to it.
fn no_hmac(key: &KeyRecord, carrier: &str) -> Result<(), TargetError> {
    if !key.form.is_hmac() {
        return Ok(());
    }
    Err(TargetError::Rule {
        rule: format!(
            "{} is an {} key, and {carrier} carries none here",
            key.label, key.form
        ),
        advice: "export it in a TR-31 key block of version D, under an AES-256 zone master key"
            .into(),
    })
}

/// Each clear key is the one that its record describes: asked before anything
/// is wrapped.
fn are_what_they_are_called(keys: &[(&KeyRecord, &Secret)]) -> Result<(), TargetError> {
    for (record, bytes) in keys {
        if !has_check_value(record.form, bytes, &record.kcv) {
            return Err(TargetError::CheckValue(record.label.clone()));
        }
    }
    Ok(())
}

/// TRUE when this is the check value of these bytes.
fn has_check_value(form: KeyForm, clear: &Secret, expected: &CheckValue) -> bool {
    clear.len() == form.bytes()
        && Kcv::compute(Method::usual(kind_of(form)), clear.expose()).is_ok_and(|kcv| {
            kcv.hex() == expected.value && kcv.method().to_string() == expected.method
        })
}
