//! A payShield, and what came before it: keys under a zone master key in the
//! schemes U, T, X, Y or in Thales key blocks (S), with the host commands and the
//! console dialogue that import them, and the answers to expect.
//!
//! Key types by usage, usages of key blocks, texts and error codes are in the
//! profile: data that the customer corrects.

use std::fmt::Write as _;

use conclave_crypto::keyblock::{Algorithm, Exportability, KeyVersion, Mode};
use conclave_crypto::keyblock::{
    Attributes, Kbpk, LmkId, RuleError, ThalesBlock, Usage, check_rule, thales_usage, thales_wrap,
};
use conclave_crypto::primitive::key_scheme::{Cryptogram, Scheme, unwrap, wrap};
use conclave_crypto::primitive::lmk::KeyType;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::manifest::Encoding;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;

use super::payshield_sheet;
use super::sheet_text::{hex, plain_file, rule};
use super::{
    Companion, Conformance, Order, Payload, Sheet, Target, TargetError, are_what_they_are_called,
    cipher, fits, has_check_value, no_hmac,
};

/// Payment HSMs that speak Thales's host commands.
pub struct PayShield;

/// The file with the host commands of the whole set.
pub(super) const COMMANDS: &str = "hostcmds.txt";
/// The same for older firmware.
pub(super) const OLDER: &str = "hostcmds-old.txt";

pub(super) fn file_name(key: &KeyRecord) -> String {
    format!("{}.txt", key.label)
}

/// TRUE where keys go into a key-block LMK.
pub(super) fn into_key_blocks(settings: &Settings) -> bool {
    settings.value("lmk") == Some("key-block")
}

/// The entry of the table of keys between zones, or that of terminals' keys where
/// the record says so.
fn entry<'s>(settings: &'s Settings, table: &str, usage: &str) -> Option<&'s str> {
    let of_terminals = settings.value("side") == Some("terminal");
    let own = match of_terminals {
        true => settings.profile.entry(&format!("{table}-terminal"), usage),
        false => None,
    };
    own.or_else(|| settings.profile.entry(table, usage))
}

/// What an entry of the profile is asked for, where it is missing.
const PROFILE_ADVICE: &str =
    "add the usage to the profile's table, record the system with it again, and let it be approved";

/// The key type under a variant LMK.
pub(super) fn key_type(settings: &Settings, key: &KeyRecord) -> Result<KeyType, TargetError> {
    let text = entry(settings, "key-type", &key.usage).ok_or_else(|| {
        rule(
            format!(
                "the profile {} has no key type for usage {} of {}",
                settings.profile.stamp(),
                key.usage,
                key.label
            ),
            PROFILE_ADVICE,
        )
    })?;
    let kind = KeyType::new(text).ok_or_else(|| {
        rule(
            format!("{text:?} is no key type: a digit, 0, and 0 to E"),
            "correct the profile's table key-type",
        )
    })?;
    fits::lmk(key, &settings.profile.stamp(), text)?;
    Ok(kind)
}

fn algorithm(form: KeyForm) -> Algorithm {
    match form.is_tdes() {
        true => Algorithm::Tdes,
        false => Algorithm::Aes,
    }
}

/// What a key block's header says of the key: Thales's usage, checked against its
/// own table.
pub(super) fn attributes(settings: &Settings, key: &KeyRecord) -> Result<Attributes, TargetError> {
    let letter = |text: &str| {
        let mut chars = text.chars();
        chars.next().filter(|_| chars.next().is_none())
    };
    let usage = entry(settings, "usage", &key.usage).unwrap_or(&key.usage);
    let missing = |what: &str| {
        rule(
            format!("{} has no {what} that a key block knows", key.label),
            "make the key from a template that says what key blocks need",
        )
    };
    let of = Attributes {
        usage: Usage::new(usage).ok_or_else(|| missing("usage"))?,
        algorithm: algorithm(key.form),
        mode: letter(&key.mode_of_use)
            .and_then(Mode::from_char)
            .ok_or_else(|| missing("mode of use"))?,
        key_version: KeyVersion::NONE,
        exportability: letter(&key.exportability)
            .and_then(Exportability::from_char)
            .ok_or_else(|| missing("exportability"))?,
    };
    let row = thales_usage(of.usage).ok_or_else(|| {
        rule(
            format!(
                "a payShield has no key usage {usage}, which {} has",
                key.label
            ),
            PROFILE_ADVICE,
        )
    })?;
    fits::block(key, &settings.profile.stamp(), usage, row.x9_143)?;
    if !row.allows(of.algorithm, of.mode) {
        return Err(rule(
            format!(
                "a payShield takes usage {usage} ({}) with algorithms {} and modes {} alone; {} is {} {}",
                row.meaning,
                row.algorithms,
                row.modes,
                key.label,
                of.algorithm.letter(),
                of.mode.letter()
            ),
            "choose another usage in the profile's table, or make the key from another template",
        ));
    }
    Ok(of)
}

fn scheme(key: &KeyRecord, under: &KeyRecord) -> Result<Scheme, TargetError> {
    let variant = under.wrapping == Some(WrappingMethod::ThalesVariant);
    let scheme = Scheme::of(variant, key.form.bytes()).filter(|_| key.form.is_tdes());
    scheme.ok_or_else(|| {
        rule(
            format!(
                "{} is an {} key: it leaves in a key block alone (PCI PIN 18-3)",
                key.label, key.form
            ),
            "export it under an AES zone master key that makes Thales key blocks",
        )
    })
}

/// R6, in words.
pub(super) fn strength(key: &KeyRecord, under: &KeyRecord) -> Result<(), TargetError> {
    let ruled = check_rule(
        cipher(under.form),
        under.form.bytes(),
        algorithm(key.form),
        key.form.bytes(),
    );
    match ruled {
        Ok(()) => Ok(()),
        Err(RuleError::AesUnderTdes) => Err(rule(
            format!(
                "{} is an AES key and {} a TDES key: an AES key is not wrapped under TDES (R6)",
                key.label, under.label
            ),
            "export it under an AES zone master key",
        )),
        Err(RuleError::WeakerKbpk { .. }) => Err(rule(
            format!(
                "{} ({}) is weaker than {} ({}): a wrapping key is at least as strong as what \
                 it wraps (R6)",
                under.label, under.form, key.label, key.form
            ),
            "export it under a stronger zone master key",
        )),
    }
}

/// Published vectors exist for keys of two parts above U, T, X. Those of `S` are under an
/// LMK; under a ZMK psec reads version 0 (`tests/makers.rs`,
/// `thales_blocks_of_random_keys`), and version 1 is documented alone.
fn proven(method: Option<WrappingMethod>, key: &KeyRecord, under: &KeyRecord) -> Conformance {
    let proven = match method {
        Some(WrappingMethod::ThalesBlock) => under.form.is_tdes(),
        Some(WrappingMethod::ThalesVariant) => under.form == KeyForm::Tdes2,
        _ => under.form == KeyForm::Tdes2 && key.form == KeyForm::Tdes2,
    };
    match proven {
        true => Conformance::Proven,
        false => Conformance::Documented,
    }
}

impl Target for PayShield {
    fn name(&self) -> &'static str {
        "payshield"
    }

    fn title(&self) -> &'static str {
        "Thales payShield: host commands and console"
    }

    fn conformance(&self) -> Conformance {
        Conformance::Documented
    }

    fn methods(&self) -> &'static [WrappingMethod] {
        &[
            WrappingMethod::ThalesBlock,
            WrappingMethod::ThalesVariant,
            WrappingMethod::X917,
        ]
    }

    fn check(
        &self,
        key: &KeyRecord,
        under: &KeyRecord,
        settings: &Settings,
    ) -> Result<(), TargetError> {
        no_hmac(key, "a key block or cryptogram for a payShield")?;
        strength(key, under)?;
        plain_file(&key.label, &file_name(key))?;
        if under.wrapping == Some(WrappingMethod::ThalesBlock) {
            attributes(settings, key)?;
            if !into_key_blocks(settings) {
                return Err(rule(
                    "a Thales key block is imported under a key-block LMK, and the record of this \
                     system says that its LMK is of the variant kind (error A1)",
                    "correct the system's record, or choose a zone master key of the variant kind",
                ));
            }
        } else {
            scheme(key, under)?;
            match into_key_blocks(settings) {
                true => attributes(settings, key).map(drop)?,
                false => key_type(settings, key).map(drop)?,
            }
        }
        Ok(())
    }

    fn export(
        &self,
        key: &KeyRecord,
        clear: &Secret,
        under: &KeyRecord,
        wrapping: &Secret,
        order: Order<'_>,
        random: &mut dyn RandomSource,
    ) -> Result<Vec<Payload>, TargetError> {
        let settings = order.settings;
        are_what_they_are_called(&[(key, clear), (under, wrapping)])?;
        strength(key, under)?;
        let (text, format) = match under.wrapping {
            Some(WrappingMethod::ThalesBlock) => {
                block(settings, key, clear, under, wrapping, random)?
            }
            _ => cryptogram(key, clear, under, wrapping)?,
        };
        Ok(vec![Payload {
            name: file_name(key),
            bytes: text.into_bytes(),
            format,
            encoding: Encoding::AsciiText,
            lrecl: None,
            conformance: proven(under.wrapping, key, under),
        }])
    }

    fn companions(&self, sheet: &Sheet<'_>) -> Result<Vec<Companion>, TargetError> {
        let (mut now, mut older) = (String::new(), String::new());
        for row in &sheet.rows {
            for payload in row.payloads {
                // Writing to a String does not fail.
                let line = payshield_sheet::command(sheet, row.key, payload)?;
                let _ = writeln!(now, "{line}");
                if let Some(line) = payshield_sheet::older(sheet, row.key, payload) {
                    let _ = writeln!(older, "{line}");
                }
            }
        }
        let file = |name: &str, text: String| Companion {
            file: Payload {
                name: name.into(),
                bytes: text.into_bytes(),
                format: "payShield host commands, one a line".into(),
                encoding: Encoding::AsciiText,
                lrecl: None,
                conformance: Conformance::Documented,
            },
            with_keys: true,
        };
        let mut files = vec![file(COMMANDS, now)];
        if !older.is_empty() {
            files.push(file(OLDER, older));
        }
        Ok(files)
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        payshield_sheet::run_sheet(self, sheet)
    }
}

/// The key in scheme U, T, X or Y, read back.
fn cryptogram(
    key: &KeyRecord,
    clear: &Secret,
    under: &KeyRecord,
    wrapping: &Secret,
) -> Result<(String, String), TargetError> {
    let scheme = scheme(key, under)?;
    let failed = |e: &dyn std::fmt::Display| TargetError::Wrap(format!("{}: {e}", key.label));
    let wrapped = wrap(scheme, wrapping, clear).map_err(|e| failed(&e))?;
    let text = format!("{scheme}{}", hex(&wrapped));
    let differs = || TargetError::SelfCheck(key.label.clone());
    let read = Cryptogram::parse(&text).map_err(|_| differs())?;
    let back = unwrap(scheme, wrapping, &read.bytes).map_err(|_| differs())?;
    if read.letter != Some(scheme) || !has_check_value(key.form, &back, &key.kcv) {
        return Err(differs());
    }
    Ok((text, format!("scheme {scheme}")))
}

/// The key in a Thales key block, read back.
fn block(
    settings: &Settings,
    key: &KeyRecord,
    clear: &Secret,
    under: &KeyRecord,
    wrapping: &Secret,
    random: &mut dyn RandomSource,
) -> Result<(String, String), TargetError> {
    let of = attributes(settings, key)?;
    let failed = |e: &dyn std::fmt::Display| TargetError::Wrap(format!("{}: {e}", key.label));
    let kbpk = Kbpk::new(cipher(under.form), wrapping.duplicate()).map_err(|e| failed(&e))?;
    let text = thales_wrap(&kbpk, &of, LmkId::EXPORT, clear, random).map_err(|e| failed(&e))?;
    let differs = || TargetError::SelfCheck(key.label.clone());
    let found = ThalesBlock::parse(text.as_bytes())
        .and_then(|block| block.unwrap(&kbpk))
        .map_err(|_| differs())?;
    let same = found.header.attributes == of
        && found.header.lmk == LmkId::EXPORT
        && found.rule.is_ok()
        && has_check_value(key.form, &found.key, &key.kcv);
    if !same {
        return Err(differs());
    }
    let digit = found.header.version.digit();
    Ok((text, format!("Thales key block version {digit}")))
}
