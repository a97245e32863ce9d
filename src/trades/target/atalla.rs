//! Atalla network security processors: key blocks (AKB) under a key exchange key,
//! and the variants that systems from before the AKB take.
//!
//! The headers and variants by usage are in the profile. How a command reads that
//! imports them is the vendor's manual's: the run sheet has its name, and the
//! customer's own lines.

use std::fmt::Write as _;

use conclave_crypto::keyblock::{Akb, AkbHeader, akb_wrap};
use conclave_crypto::primitive::atalla_variant::{Variant, unwrap, wrap};
use conclave_crypto::primitive::key_scheme::Cryptogram;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::manifest::Encoding;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;

use super::import_maker::akb_is_for;
use super::payshield::strength;
use super::sheet_text::{
    errors, filled, foot, head, hex, plain_file, push_wrapped, rule, wrapping_key,
};
use super::{
    Conformance, Order, Payload, Sheet, Target, TargetError, are_what_they_are_called, fits,
    has_check_value,
};

/// Systems that take AKBs or Atalla variants.
pub struct Atalla;

fn file_name(key: &KeyRecord, under: &KeyRecord) -> String {
    match under.wrapping {
        Some(WrappingMethod::AtallaVariant) => format!("{}.txt", key.label),
        _ => format!("{}.akb", key.label),
    }
}

fn missing(settings: &Settings, key: &KeyRecord, table: &str) -> TargetError {
    rule(
        format!(
            "the profile {} has no {table} for usage {} of {}",
            settings.profile.stamp(),
            key.usage,
            key.label
        ),
        "add the usage to the profile's table, record the system with it again, and let it be \
         approved",
    )
}

/// The header by usage, with the key's own mode and exportability.
fn header(settings: &Settings, key: &KeyRecord) -> Result<AkbHeader, TargetError> {
    let text = settings.profile.entry("header", &key.usage);
    let text = text.ok_or_else(|| missing(settings, key, "header"))?;
    let wrong = |why: String| {
        rule(
            format!(
                "the header {text} of the profile is none for {}: {why}",
                key.label
            ),
            "correct the profile's table header",
        )
    };
    let header = AkbHeader::parse(text.as_bytes()).map_err(|e| wrong(e.to_string()))?;
    let letter = |text: &str| text.chars().next().unwrap_or_default();
    let header = header
        .with(letter(&key.mode_of_use), letter(&key.exportability))
        .ok_or_else(|| {
            wrong(format!(
                "a block has no mode {} with exportability {}",
                key.mode_of_use, key.exportability
            ))
        })?;
    header.fault().map_err(|e| wrong(e.to_string()))?;
    if !akb_is_for(&header, &key.usage) {
        return Err(wrong(format!("it is not one of usage {}", key.usage)));
    }
    Ok(header)
}

fn variant(settings: &Settings, key: &KeyRecord) -> Result<Variant, TargetError> {
    let text = settings.profile.entry("variant", &key.usage);
    let text = text.ok_or_else(|| missing(settings, key, "variant"))?;
    let number: Option<u8> = text.parse().ok();
    let known = number.and_then(|number| Some((number, Variant::new(number)?)));
    let (number, variant) = known.ok_or_else(|| {
        rule(
            format!("{text:?} is no variant: 0 to 31"),
            "correct the profile's table variant",
        )
    })?;
    fits::variant(key, &settings.profile.stamp(), number)?;
    Ok(variant)
}

impl Target for Atalla {
    fn name(&self) -> &'static str {
        "atalla"
    }

    fn title(&self) -> &'static str {
        "Atalla: key blocks (AKB) and variants"
    }

    fn conformance(&self) -> Conformance {
        Conformance::Documented
    }

    fn methods(&self) -> &'static [WrappingMethod] {
        &[
            WrappingMethod::AtallaAkb,
            WrappingMethod::AtallaVariant,
            WrappingMethod::AtallaMfk,
        ]
    }

    fn check(
        &self,
        key: &KeyRecord,
        under: &KeyRecord,
        settings: &Settings,
    ) -> Result<(), TargetError> {
        if !key.form.is_tdes() {
            return Err(rule(
                format!(
                    "{} is an {} key, and what is written here carries TDES keys",
                    key.label, key.form
                ),
                "export it in a TR-31 block of version D, under an AES key exchange key",
            ));
        }
        foreign_master(under, settings)?;
        strength(key, under)?;
        plain_file(&key.label, &file_name(key, under))?;
        match under.wrapping {
            Some(WrappingMethod::AtallaVariant) => variant(settings, key).map(drop),
            _ => header(settings, key).map(drop),
        }
    }

    fn export(
        &self,
        key: &KeyRecord,
        clear: &Secret,
        under: &KeyRecord,
        wrapping: &Secret,
        order: Order<'_>,
        _: &mut dyn RandomSource,
    ) -> Result<Vec<Payload>, TargetError> {
        let settings = order.settings;
        are_what_they_are_called(&[(key, clear), (under, wrapping)])?;
        strength(key, under)?;
        let (text, format) = match under.wrapping {
            Some(WrappingMethod::AtallaVariant) => {
                under_variant(variant(settings, key)?, key, clear, wrapping)?
            }
            _ => block(header(settings, key)?, key, clear, wrapping)?,
        };
        Ok(vec![Payload {
            name: file_name(key, under),
            bytes: text.into_bytes(),
            format,
            encoding: Encoding::AsciiText,
            lrecl: None,
            conformance: Conformance::Documented,
        }])
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        let settings = sheet.settings;
        let (how, import) = match sheet.under.wrapping {
            Some(WrappingMethod::AtallaVariant) => ("kek-variant", "import-variant"),
            Some(WrappingMethod::AtallaMfk) => ("mfk", "under-mfk"),
            _ => ("kek", "import-akb"),
        };
        let mut out = head(self, sheet);
        out.push_str(&wrapping_key(sheet, how));
        // Writing to a String does not fail.
        let _ = writeln!(
            out,
            "   check digits {}",
            sheet.under.kcv.value.get(..4).unwrap_or_default()
        );
        out.push_str("3. Import each file as one key. A file is its text alone, in ASCII.\n");
        let own = settings.value("import-line");
        for row in &sheet.rows {
            let key = row.key;
            for payload in row.payloads {
                let digits = key.kcv.value.get(..4).unwrap_or_default();
                let _ = write!(
                    out,
                    "\n   {}\n   {}, {} characters; {}\n   {}  {}  usage {}  mode {}\n   KCV {}, check digits {digits}\n",
                    payload.name,
                    payload.format,
                    payload.bytes.len(),
                    payload.conformance.words(),
                    key.label,
                    key.form,
                    key.usage,
                    key.mode_of_use,
                    key.kcv.words()
                );
                let header = header(settings, key).map_or(String::new(), |h| h.to_string());
                let number =
                    variant(settings, key).map_or(String::new(), |v| v.number().to_string());
                let values = [
                    ("file", payload.name.as_str()),
                    ("header", header.as_str()),
                    ("variant", number.as_str()),
                    ("digits", digits),
                ];
                for line in settings.profile.lines(import) {
                    push_wrapped(&mut out, "   ", &filled(line, &values));
                }
                if let Some(line) = own {
                    push_wrapped(&mut out, "   ", &filled(line, &values));
                }
            }
        }
        out.push_str(&errors(settings, "Where the answer is an error:"));
        out.push_str(&foot(4));
        out
    }
}

/// A master key of the other side wraps nothing here unless the system's record,
/// which the administrators signed, allows it.
pub(super) fn foreign_master(under: &KeyRecord, settings: &Settings) -> Result<(), TargetError> {
    let foreign = under
        .wrapping
        .is_some_and(WrappingMethod::is_foreign_master);
    if !foreign || settings.value("master-key") == Some("allowed") {
        return Ok(());
    }
    Err(rule(
        format!(
            "{} is a master key of the other side, and the record of this system does not allow \
             keys under it",
            under.label
        ),
        "export under a key that both sides share; where their system knows no such key, the \
         administrators set master-key to allowed in its record",
    ))
}

/// The key in a block, read back.
fn block(
    header: AkbHeader,
    key: &KeyRecord,
    clear: &Secret,
    wrapping: &Secret,
) -> Result<(String, String), TargetError> {
    let made = akb_wrap(wrapping, header, clear)
        .map_err(|e| TargetError::Wrap(format!("{}: {e}", key.label)))?;
    let text = made.text();
    let differs = || TargetError::SelfCheck(key.label.clone());
    let found = Akb::parse(text.as_bytes())
        .and_then(|block| block.unwrap(wrapping))
        .map_err(|_| differs())?;
    if found.header != header
        || !found.strong_enough
        || !has_check_value(key.form, &found.key, &key.kcv)
    {
        return Err(differs());
    }
    Ok((text, format!("Atalla key block {header}")))
}

/// The cryptogram under a variant, read back.
fn under_variant(
    variant: Variant,
    key: &KeyRecord,
    clear: &Secret,
    wrapping: &Secret,
) -> Result<(String, String), TargetError> {
    let wrapped = wrap(variant, wrapping, clear)
        .map_err(|e| TargetError::Wrap(format!("{}: {e}", key.label)))?;
    let text = hex(&wrapped);
    let differs = || TargetError::SelfCheck(key.label.clone());
    let read = Cryptogram::parse(&text).map_err(|_| differs())?;
    let back = unwrap(variant, wrapping, &read.bytes).map_err(|_| differs())?;
    if !has_check_value(key.form, &back, &key.kcv) {
        return Err(differs());
    }
    Ok((text, format!("Atalla variant {}", variant.number())))
}
