//! Keys without a key block under a zone master key: schemes U and T (Thales
//! variant), X and Y (ANSI X9.17). A legacy exception, for partners whose
//! systems take no key blocks: the wrapping key says which of the two, for
//! ever, and each act says why.

use std::fmt::Write as _;

use conclave_crypto::primitive::key_scheme::{Cryptogram, Scheme, unwrap, wrap};
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::manifest::Encoding;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;

use super::sheet_text::{check_bundle, troubles};
use super::{
    Conformance, Order, Payload, Sheet, Target, TargetError, are_what_they_are_called,
    strong_enough,
};
use crate::media::check_name;

/// A system that takes keys in one of the two ways.
pub struct Bare {
    method: WrappingMethod,
}

impl Bare {
    /// payShield and its kin: U and T.
    pub const THALES: Self = Self {
        method: WrappingMethod::ThalesVariant,
    };
    /// ANSI X9.17: X and Y.
    pub const X917: Self = Self {
        method: WrappingMethod::X917,
    };

    fn scheme(&self, key: &KeyRecord) -> Result<Scheme, TargetError> {
        let variant = self.method == WrappingMethod::ThalesVariant;
        Scheme::of(variant, key.form.bytes())
            .filter(|_| key.form.is_tdes())
            .ok_or_else(|| TargetError::Rule {
                rule: format!(
                    "{} is an {} key: it leaves in a key block alone (PCI PIN 18-3)",
                    key.label,
                    key.form.algorithm()
                ),
                advice: "export it under an AES zone master key".into(),
            })
    }
}

/// `U2C62A23D…`: the scheme's letter and the cryptogram, as it is typed.
fn text(scheme: Scheme, cryptogram: &[u8]) -> String {
    let mut text = String::from(scheme.letter());
    for byte in cryptogram {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}

fn file_name(key: &KeyRecord) -> String {
    format!("{}.txt", key.label)
}

impl Target for Bare {
    fn name(&self) -> &'static str {
        self.method.name()
    }

    fn title(&self) -> &'static str {
        match self.method {
            WrappingMethod::ThalesVariant => "keys without key block, Thales variant (U, T)",
            _ => "keys without key block, ANSI X9.17 (X, Y)",
        }
    }

    fn conformance(&self) -> Conformance {
        // U, T and X under keys of two parts have outside vectors; keys of
        // three parts have none.
        Conformance::Documented
    }

    fn methods(&self) -> &'static [WrappingMethod] {
        match self.method {
            WrappingMethod::ThalesVariant => &[WrappingMethod::ThalesVariant],
            _ => &[WrappingMethod::X917],
        }
    }

    fn needs_system(&self) -> bool {
        false
    }

    fn check(&self, key: &KeyRecord, under: &KeyRecord, _: &Settings) -> Result<(), TargetError> {
        self.scheme(key)?;
        strong_enough(key, under, "export it under a stronger zone master key")?;
        check_name(&file_name(key)).map_err(|_| TargetError::Rule {
            rule: format!("the label {} makes no plain file name", key.label),
            advice: "give the key a label that is no device name and begins with a letter or digit"
                .into(),
        })
    }

    fn export(
        &self,
        key: &KeyRecord,
        clear: &Secret,
        under: &KeyRecord,
        wrapping: &Secret,
        _: Order<'_>,
        _: &mut dyn RandomSource,
    ) -> Result<Vec<Payload>, TargetError> {
        are_what_they_are_called(&[(key, clear), (under, wrapping)])?;
        let scheme = self.scheme(key)?;
        let wrap_error =
            |e: &dyn std::fmt::Display| TargetError::Wrap(format!("{}: {e}", key.label));
        let text = text(
            scheme,
            &wrap(scheme, wrapping, clear).map_err(|e| wrap_error(&e))?,
        );
        let differs = || TargetError::SelfCheck(key.label.clone());
        let read = Cryptogram::parse(&text).map_err(|_| differs())?;
        let back = unwrap(scheme, wrapping, &read.bytes).map_err(|_| differs())?;
        if read.letter != Some(scheme) || !back.ct_eq(clear.expose()) {
            return Err(differs());
        }
        Ok(vec![Payload {
            name: file_name(key),
            bytes: text.into_bytes(),
            format: format!("scheme {scheme}"),
            encoding: Encoding::AsciiText,
            lrecl: None,
            conformance: self.conformance(),
        }])
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        let under = sheet.under;
        let mut out = format!(
            "RUN SHEET  {}  {}\nfor {}\n{}\nconformance: {}\n\n\
             NO KEY BLOCK: nothing in these files says what a key is for, and nothing\n\
             but its check value shows a wrong one.\n\n\
             {}\
             2. Have this zone master key in your system, of this check value:\n   \
             {}  {}\n   KCV {}\n\
             3. Import each file as one key: scheme letter and cryptogram, in hex.\n",
            sheet.folder,
            sheet.mode,
            sheet.recipient,
            self.title(),
            self.conformance().words(),
            check_bundle(sheet.folder),
            under.label,
            under.form,
            under.kcv.words(),
        );
        let of_rows = sheet.rows.iter();
        for (key, payload) in of_rows.flat_map(|r| r.payloads.iter().map(|p| (r.key, p))) {
            // Writing to a String does not fail.
            let _ = write!(
                out,
                "\n   {}\n   {}, {} characters\n   {}  {}  usage {}\n   KCV {}\n",
                payload.name,
                payload.format,
                payload.bytes.len(),
                key.label,
                key.form,
                key.usage,
                key.kcv.words()
            );
        }
        out.push_str(
            "\n4. Compare the check value of each key with the one above.\n\
             5. Send the receipt back, with the check values that you see.\n",
        );
        out.push_str(&troubles(self, sheet.settings));
        out
    }
}
