//! The rules that a template keeps before it is approved, and before it opens a
//! batch: what goes together, and what a PIN or a block never is.

use std::collections::BTreeSet;

use conclave_crypto::pin::ibm3624::DecimalisationTable;
use conclave_crypto::pin::pvv::KeyIndex;
use conclave_crypto::pin::random::Draw;

use super::template::{
    CardName, CardValues, DeniedRules, Field, FieldName, FileFormat, ISO_2, MOST_RECORDS,
    MOST_TRIES, Method, Replacement, Template, TemplateError, Validation, block_format,
    output_format,
};
use crate::print::reason::check_reason;

fn rule(words: impl Into<String>) -> TemplateError {
    TemplateError::Rule(words.into())
}

impl Replacement {
    fn check(self, method: Method) -> Result<(), TemplateError> {
        if !method.can_replace() && self != Self::default() {
            return Err(rule(format!(
                "{} does not know replacement: its PINs cannot change",
                method.words()
            )));
        }
        if !(1..=MOST_TRIES).contains(&self.tries) || self.percent > 100 {
            return Err(rule(format!(
                "replacement has 1 to {MOST_TRIES} tries, and at most 100 percent"
            )));
        }
        Ok(())
    }
}

impl Template {
    /// What every template keeps.
    ///
    /// # Errors
    /// [`TemplateError::Rule`]: the first that it breaks.
    pub(super) fn check(&self) -> Result<(), TemplateError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(1..=32).contains(&self.name.len()) || !self.name.chars().all(plain) {
            return Err(rule("its name has 1 to 32 of a-z, 0-9 and -"));
        }
        let title = self.title.chars();
        if !(1..=60).contains(&title.clone().count()) || title.clone().any(char::is_control) {
            return Err(rule("its title has 1 to 60 plain characters"));
        }
        self.check_input()?;
        self.check_pin()?;
        self.replacement.check(self.pin.method)?;
        if self.output.card == CardName::Reference && !self.has(FieldName::Reference) {
            return Err(rule(
                "the output names cards by a reference that no record has",
            ));
        }
        if let Some(values) = &self.output.card_values {
            self.check_card_values(values)?;
        }
        if let Some(block) = &self.output.block {
            let back =
                output_format(block).ok_or_else(|| rule(format!("no PIN block is {block:?}")))?;
            let from = self.pin.block.as_deref().and_then(block_format);
            // ISO 9564-1 annex B: a PIN that a block binds to its card stays bound.
            if from.is_some_and(|from| from.takes_pan()) && !back.takes_pan() {
                return Err(rule(
                    "a PIN of a block with the card number goes back in no block without it \
                     (ISO 9564-1)",
                ));
            }
        }
        match (
            self.output.block.as_deref() == Some(ISO_2),
            &self.output.block_reason,
        ) {
            (false, None) => Ok(()),
            (true, Some(why)) if check_reason(why).is_ok() => Ok(()),
            (true, _) => Err(rule(
                "in iso-2 blocks equal PINs are equal: say in block-reason, in one sentence, why \
                 this issuer gets them (ISO 9564-1: for a chip alone)",
            )),
            (false, Some(_)) => Err(rule("only iso-2 blocks want a block-reason")),
        }
    }

    fn check_card_values(&self, values: &CardValues) -> Result<(), TemplateError> {
        if [values.cvv, values.cvv2, values.icvv]
            .iter()
            .all(Option::is_none)
        {
            return Err(rule("no card value is named: cvv, cvv2 or icvv"));
        }
        let always = |name: FieldName| {
            let found = self.input.record.iter().find(|field| field.name == name);
            found.is_some_and(|field| !field.optional)
        };
        if !always(FieldName::Expiry) {
            return Err(rule("card values need the expiry in every record"));
        }
        if values.cvv.is_some() && !always(FieldName::ServiceCode) {
            return Err(rule("CVV needs the service code in every record"));
        }
        Ok(())
    }

    fn check_input(&self) -> Result<(), TemplateError> {
        let input = &self.input;
        let csv = input.format == FileFormat::Csv;
        match input.separator {
            Some(',' | ';' | '|' | '\t') if csv => {}
            None if !csv => {}
            _ => {
                return Err(rule(
                    "CSV has a separator (, ; | or tab), other files have none",
                ));
            }
        }
        for (fields, header) in [(&input.header, true), (&input.record, false)] {
            let mut seen = BTreeSet::new();
            for Field { name, width, .. } in fields {
                let filler = *name == FieldName::Filler && input.format == FileFormat::Fixed;
                if !filler && (name.is_header() != header || !seen.insert(*name)) {
                    return Err(rule(format!(
                        "{} is twice there, or in the wrong line",
                        name.words()
                    )));
                }
                if !(1..=120).contains(width) {
                    return Err(rule(format!("{} is 1 to 120 wide", name.words())));
                }
            }
        }
        for name in [FieldName::Batch, FieldName::Count, FieldName::HashTotal] {
            if !input
                .header
                .iter()
                .any(|field| field.name == name && !field.optional)
            {
                return Err(rule(format!("the header needs {}", name.words())));
            }
        }
        let pan = input
            .record
            .iter()
            .find(|field| field.name == FieldName::Pan);
        if pan.is_none_or(|field| field.optional) {
            return Err(rule("every record needs the card number"));
        }
        if !(1..=MOST_RECORDS).contains(&input.most) {
            return Err(rule(format!("a batch has 1 to {MOST_RECORDS} records")));
        }
        Ok(())
    }

    fn check_pin(&self) -> Result<(), TemplateError> {
        let pin = &self.pin;
        let lengths = !pin.lengths.is_empty() && pin.lengths.iter().all(|l| (4..=12).contains(l));
        if !lengths {
            return Err(rule("PINs have 4 to 12 digits"));
        }
        let pvv = pin.method == Method::RandomPvv;
        let ibm = matches!(pin.method, Method::Ibm3624Natural | Method::Ibm3624Offset);
        let host = pin.method == Method::Host;
        let wanted = [
            (pvv, pin.key_index.is_some(), "key-index"),
            (ibm, pin.decimalisation.is_some(), "decimalisation"),
            (ibm, pin.validation.is_some(), "validation"),
            (host, pin.block.is_some(), "block"),
            (host, self.has(FieldName::PinBlock), "the field pin-block"),
        ];
        for (wanted, there, what) in wanted {
            if wanted != there {
                let words = if wanted { "needs" } else { "does not know" };
                return Err(rule(format!("{} {words} {what}", pin.method.words())));
            }
        }
        if self.has(FieldName::PinVersion) && !host {
            return Err(rule(format!(
                "{} does not know the field pin-version",
                pin.method.words()
            )));
        }
        // A list that nobody asks would be a promise that nobody keeps.
        if !pin.method.can_replace() && pin.denied != DeniedRules::default() {
            return Err(rule(format!(
                "{} does not know denied: no PIN is drawn",
                pin.method.words()
            )));
        }
        if pin.denied.years && !pin.lengths.contains(&4) {
            return Err(rule(
                "denied years are PINs of four digits, and no record may ask for one",
            ));
        }
        if let Some(index) = &pin.key_index {
            KeyIndex::parse(index)
                .and_then(KeyIndex::check_for_issuing)
                .map_err(|e| rule(e.to_string()))?;
        }
        if let Some(table) = &pin.decimalisation {
            DecimalisationTable::parse(table)
                .and_then(|table| table.check_for_issuing())
                .map_err(|e| rule(e.to_string()))?;
        }
        if let Some(Validation { count, pad, .. }) = pin.validation
            && (!(4..=16).contains(&count) || !pad.is_ascii_hexdigit())
        {
            return Err(rule(
                "validation data take 4 to 16 digits and a hex digit to fill",
            ));
        }
        if let Some(block) = &pin.block {
            block_format(block).ok_or_else(|| rule(format!("no PIN block is {block:?}")))?;
        }
        for length in &pin.lengths {
            Draw::new(&self.denied(), *length).map_err(|e| rule(e.to_string()))?;
        }
        Ok(())
    }
}
