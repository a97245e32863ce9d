//! Keys directly under the variant LMK of a payShield: a legacy exception, off
//! unless the record of the system allows it. The station holds the pairs in
//! components, a key record for each; which one encrypts a key, and with which
//! variant, follows from the key's type.

use std::fmt::Write as _;

use conclave_crypto::primitive::key_scheme::{Cryptogram, Scheme, unwrap, wrap};
use conclave_crypto::primitive::lmk::{KeyType, Pair};
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::manifest::Encoding;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;

use super::atalla::foreign_master;
use super::payshield::{file_name, key_type};
use super::sheet_text::{
    errors, filled, foot, head, hex, plain_file, push_wrapped, rule, wrapping_key,
};
use super::{
    Conformance, Order, Payload, Sheet, Target, TargetError, are_what_they_are_called,
    has_check_value, no_hmac, strong_enough,
};

/// A payShield whose LMK this station holds.
pub struct PayShieldLmk;

/// The field of the profile with the label of this pair.
fn field(pair: Pair) -> String {
    format!("lmk-{pair}")
}

/// The key's type, where this record is the pair that encrypts it.
fn of_pair(
    settings: &Settings,
    key: &KeyRecord,
    under: &KeyRecord,
) -> Result<KeyType, TargetError> {
    let kind = key_type(settings, key)?;
    let pair = kind.pair();
    match settings.value(&field(pair)) {
        Some(label) if label == under.label => Ok(kind),
        Some(label) => Err(rule(
            format!(
                "{} has key type {kind}, which the pair {pair} encrypts: that is {label}, not {}",
                key.label, under.label
            ),
            "export it under that pair",
        )),
        None => Err(rule(
            format!(
                "{} has key type {kind}, and the record of this system names no key as the pair \
                 {pair}",
                key.label
            ),
            "enter that pair from its components, and name its label in the system's record",
        )),
    }
}

fn scheme(key: &KeyRecord) -> Result<Scheme, TargetError> {
    let scheme = Scheme::of(true, key.form.bytes()).filter(|_| key.form.is_tdes());
    scheme.ok_or_else(|| {
        rule(
            format!(
                "{} is an {} key: a variant LMK encrypts TDES keys",
                key.label, key.form
            ),
            "export it under an AES zone master key that makes Thales key blocks",
        )
    })
}

impl Target for PayShieldLmk {
    fn name(&self) -> &'static str {
        "payshield-lmk"
    }

    fn title(&self) -> &'static str {
        "Thales payShield, under its LMK (legacy)"
    }

    fn conformance(&self) -> Conformance {
        // Published cryptograms under the test LMK, for U and keys of two parts.
        Conformance::Documented
    }

    fn methods(&self) -> &'static [WrappingMethod] {
        &[WrappingMethod::ThalesLmk]
    }

    fn check(
        &self,
        key: &KeyRecord,
        under: &KeyRecord,
        settings: &Settings,
    ) -> Result<(), TargetError> {
        foreign_master(under, settings)?;
        no_hmac(key, "a variant LMK")?;
        scheme(key)?;
        of_pair(settings, key, under)?;
        strong_enough(
            key,
            under,
            "export it under a zone master key of three parts",
        )?;
        plain_file(&key.label, &file_name(key))
    }

    fn check_settings(&self, settings: &Settings) -> Result<(), TargetError> {
        let named: Vec<(Pair, &str)> = Pair::all()
            .filter_map(|pair| Some((pair, settings.value(&field(pair))?)))
            .collect();
        for (at, (pair, label)) in named.iter().enumerate() {
            let before = named.iter().take(at).find(|(_, known)| known == label);
            if let Some((other, _)) = before {
                return Err(rule(
                    format!("{label} is named as the pair {other} and as the pair {pair}"),
                    "each pair of an LMK is a key of its own: name its own label",
                ));
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
        _: &mut dyn RandomSource,
    ) -> Result<Vec<Payload>, TargetError> {
        let settings = order.settings;
        are_what_they_are_called(&[(key, clear), (under, wrapping)])?;
        let (scheme, kind) = (scheme(key)?, of_pair(settings, key, under)?);
        let pair = kind.apply(wrapping);
        let wrapped = wrap(scheme, &pair, clear)
            .map_err(|e| TargetError::Wrap(format!("{}: {e}", key.label)))?;
        let text = format!("{scheme}{}", hex(&wrapped));
        let differs = || TargetError::SelfCheck(key.label.clone());
        let read = Cryptogram::parse(&text).map_err(|_| differs())?;
        let back = unwrap(scheme, &pair, &read.bytes).map_err(|_| differs())?;
        if read.letter != Some(scheme) || !has_check_value(key.form, &back, &key.kcv) {
            return Err(differs());
        }
        Ok(vec![Payload {
            name: file_name(key),
            bytes: text.into_bytes(),
            format: format!("scheme {scheme} under LMK {}, type {kind}", kind.pair()),
            encoding: Encoding::AsciiText,
            lrecl: None,
            conformance: match key.form {
                KeyForm::Tdes2 => Conformance::Proven,
                _ => Conformance::Documented,
            },
        }])
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        let settings = sheet.settings;
        let mut out = head(self, sheet);
        out.push_str(&wrapping_key(sheet, "lmk"));
        out.push_str("3. Use each file as the key's token. A file is its text alone, in ASCII.\n");
        for row in &sheet.rows {
            let key = row.key;
            for payload in row.payloads {
                // Writing to a String does not fail.
                let _ = write!(
                    out,
                    "\n   {}\n   {}; {}\n   {}  {}  usage {}\n   KCV {}\n",
                    payload.name,
                    payload.format,
                    payload.conformance.words(),
                    key.label,
                    key.form,
                    key.usage,
                    key.kcv.words()
                );
                let kind = key_type(settings, key).map_or(String::new(), |k| k.to_string());
                let values = [
                    ("file", payload.name.as_str()),
                    ("type", kind.as_str()),
                    ("kcv", key.kcv.value.as_str()),
                ];
                for line in settings.profile.lines("test") {
                    push_wrapped(&mut out, "   ", &filled(line, &values));
                }
            }
        }
        out.push_str(&errors(settings, "Where the answer is not 00:"));
        out.push_str(&foot(4));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_target_profile;
    use super::*;

    /// All twenty pairs have a field; what wraps no key is not asked for, and is checked
    /// like the others where it is filled in.
    #[test]
    fn every_pair_is_named_in_the_record_and_none_twice() {
        let text = include_str!("../../../profiles/targets/payshield-lmk.toml");
        let mut settings = Settings {
            profile: parse_target_profile(text).unwrap(),
            ..Settings::default()
        };
        assert!(settings.missing().is_empty());
        for pair in Pair::all() {
            let fields = &settings.profile.fields;
            let of_pair = fields.iter().find(|f| f.name == field(pair)).unwrap();
            assert!(of_pair.title.ends_with(&pair.to_string()), "{pair}");
            let wraps = pair.code().is_some();
            assert_eq!(!of_pair.hint.contains("wraps no"), wraps, "{pair}");
            settings.values.insert(field(pair), format!("LMK.{pair}"));
        }
        settings.check().unwrap();
        PayShieldLmk.check_settings(&settings).unwrap();
        let twice = settings
            .values
            .insert("lmk-08-09".into(), "LMK.06-07".into());
        assert!(twice.is_some());
        let Err(TargetError::Rule { rule, .. }) = PayShieldLmk.check_settings(&settings) else {
            panic!("taken");
        };
        assert!(rule.contains("06-07") && rule.contains("08-09"), "{rule}");
        settings.values.insert("lmk-08-09".into(), "lmk".into());
        assert!(settings.check().is_err(), "a label in lower case");
    }
}
