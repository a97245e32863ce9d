//! TR-31 key blocks (ANSI X9.143) under a zone master key: the default way
//! out (R19). The wrapping key's method is the version, for ever. A record of the
//! system may ask for other padding and for optional blocks (`tr31_writing`).

use std::fmt::Write as _;

use conclave_crypto::keyblock::{
    self, Algorithm, Attributes, Exportability, Kbpk, KeyVersion, LengthHiding, Mode, RuleError,
    Usage, Version,
};
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::manifest::Encoding;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;

use super::sheet_text::{check_bundle, troubles};
use super::tr31_writing as writing;
use super::{
    Conformance, Order, Payload, Sheet, Target, TargetError, are_what_they_are_called, cipher,
    has_check_value,
};
use crate::media::check_name;

/// Any system that takes TR-31 key blocks.
pub struct Tr31;

impl Target for Tr31 {
    fn name(&self) -> &'static str {
        "tr31"
    }

    fn title(&self) -> &'static str {
        "TR-31 key blocks (ANSI X9.143)"
    }

    fn conformance(&self) -> Conformance {
        Conformance::Proven
    }

    fn methods(&self) -> &'static [WrappingMethod] {
        &[
            WrappingMethod::Tr31A,
            WrappingMethod::Tr31B,
            WrappingMethod::Tr31C,
            WrappingMethod::Tr31D,
            WrappingMethod::Tr31E,
        ]
    }

    fn needs_system(&self) -> bool {
        false
    }

    fn check(
        &self,
        key: &KeyRecord,
        under: &KeyRecord,
        settings: &Settings,
    ) -> Result<(), TargetError> {
        attributes(key)?;
        writing::writing(under, settings)?;
        writing::fit(key, settings)?;
        check_name(&file_name(key)).map_err(|_| {
            rule(
                format!("the label {} makes no plain file name", key.label),
                "give the key a label that is no device name and begins with a letter or digit",
            )
        })?;
        match keyblock::check_rule(
            cipher(under.form),
            under.form.bytes(),
            algorithm(key.form),
            key.form.bytes(),
        ) {
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
                    "{} ({}) is weaker than {} ({}): a wrapping key is at least as strong as \
                     what it wraps (R6)",
                    under.label, under.form, key.label, key.form
                ),
                "export it under a stronger zone master key",
            )),
        }
    }

    fn check_all(&self, keys: &[KeyRecord], settings: &Settings) -> Result<(), TargetError> {
        writing::one_of_dukpt(keys, settings)
    }

    fn check_settings(&self, settings: &Settings) -> Result<(), TargetError> {
        writing::readable(settings)
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
        let attributes = attributes(key)?;
        let (text, version) = block(key, &attributes, clear, under, wrapping, order, random)?;
        let conformance = proven(&text, version);
        Ok(vec![Payload {
            name: file_name(key),
            bytes: text.into_bytes(),
            format: format!("TR-31 version {version}"),
            encoding: Encoding::AsciiText,
            lrecl: None,
            conformance,
        }])
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = write_sheet(self, sheet, &mut out);
        out
    }
}

fn write_sheet(target: &Tr31, sheet: &Sheet<'_>, out: &mut String) -> std::fmt::Result {
    let under = sheet.under;
    writeln!(out, "RUN SHEET  {}  {}", sheet.folder, sheet.mode)?;
    writeln!(out, "for {}", sheet.recipient)?;
    writeln!(out, "{}", target.title())?;
    writeln!(out, "conformance: {}", target.conformance().words())?;
    if let Ok(kind) = writing::writing(under, sheet.settings) {
        if matches!(kind.version, Version::A | Version::C) {
            let letter = kind.version.letter();
            writeln!(
                out,
                "EXCEPTION, deprecated version {letter}: the manifest says why"
            )?;
        }
        if kind.hiding == LengthHiding::Short {
            writeln!(
                out,
                "short padding: the blocks tell how long their keys are"
            )?;
        }
    }
    writeln!(out)?;
    write!(out, "{}", check_bundle(sheet.folder))?;
    writeln!(
        out,
        "2. Have this zone master key in your system, of this check value:"
    )?;
    writeln!(out, "   {}  {}", under.label, under.form)?;
    writeln!(out, "   KCV {}", under.kcv.words())?;
    writeln!(
        out,
        "3. Import each file as one key block under it. A file is the block"
    )?;
    writeln!(out, "   alone, in ASCII, without a line end.")?;
    for row in &sheet.rows {
        let key = row.key;
        for payload in row.payloads {
            writeln!(out)?;
            writeln!(out, "   {}", payload.name)?;
            writeln!(
                out,
                "   {}, {} characters",
                payload.format,
                payload.bytes.len()
            )?;
        }
        writeln!(
            out,
            "   {}  {}  usage {}  mode {}  exportability {}",
            key.label, key.form, key.usage, key.mode_of_use, key.exportability
        )?;
        writeln!(out, "   KCV {}", key.kcv.words())?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "4. Compare the check value of each key with the one above."
    )?;
    writeln!(
        out,
        "5. Send the receipt back, with the check values that you see."
    )?;
    write!(out, "{}", troubles(target, sheet.settings))
}

/// The block of a key with these attributes, read back, and its version's
/// letter.
///
/// # Errors
/// [`TargetError`]
pub(super) fn block(
    key: &KeyRecord,
    attributes: &Attributes,
    clear: &Secret,
    under: &KeyRecord,
    wrapping: &Secret,
    order: Order<'_>,
    random: &mut dyn RandomSource,
) -> Result<(String, char), TargetError> {
    are_what_they_are_called(&[(key, clear), (under, wrapping)])?;
    let wrap = |e: keyblock::WrapError| TargetError::Wrap(format!("{}: {e}", key.label));
    let kbpk = Kbpk::new(cipher(under.form), wrapping.duplicate()).map_err(wrap)?;
    let kind = writing::writing(under, order.settings)?;
    let blocks = writing::blocks((key, clear), (under, wrapping), order)?;
    let text = keyblock::wrap_as(kind, &kbpk, attributes, &blocks, clear, random).map_err(wrap)?;

    let differs = || TargetError::SelfCheck(key.label.clone());
    let back = keyblock::unwrap(&kbpk, text.as_bytes()).map_err(|_| differs())?;
    let version = kind.version;
    let same = back.header.version == version
        && back.header.attributes == *attributes
        && back.header.blocks == blocks
        && back.rule.is_ok()
        && back.key.ct_eq(clear.expose())
        && has_check_value(key.form, &back.key, &key.kcv);
    if !same {
        return Err(differs());
    }
    Ok((text, version.letter()))
}

/// Of version E the standard's example has no optional blocks, and no other program
/// read one that has.
fn proven(block: &str, version: char) -> Conformance {
    let plain = block.get(12..14) == Some("00");
    if version == 'E' && !plain {
        Conformance::Documented
    } else {
        Conformance::Proven
    }
}

/// `LABEL.tr31`.
pub(super) fn file_name(key: &KeyRecord) -> String {
    format!("{}.tr31", key.label)
}

fn rule(rule: impl Into<String>, advice: &str) -> TargetError {
    TargetError::Rule {
        rule: rule.into(),
        advice: advice.into(),
    }
}

fn algorithm(form: KeyForm) -> Algorithm {
    if form.is_tdes() {
        Algorithm::Tdes
    } else if form.is_hmac() {
        Algorithm::Hmac
    } else {
        Algorithm::Aes
    }
}

/// The header's attributes, from the record.
pub(super) fn attributes(key: &KeyRecord) -> Result<Attributes, TargetError> {
    let letter = |text: &str| {
        let mut chars = text.chars();
        chars.next().filter(|_| chars.next().is_none())
    };
    let missing = |what: &str| {
        rule(
            format!("{} has no {what} that TR-31 knows", key.label),
            "make the key from a template that says what TR-31 needs",
        )
    };
    Ok(Attributes {
        usage: Usage::new(&key.usage).ok_or_else(|| missing("usage"))?,
        algorithm: algorithm(key.form),
        mode: letter(&key.mode_of_use)
            .and_then(Mode::from_char)
            .ok_or_else(|| missing("mode of use"))?,
        key_version: KeyVersion::NONE,
        exportability: letter(&key.exportability)
            .and_then(Exportability::from_char)
            .ok_or_else(|| missing("exportability"))?,
    })
}
