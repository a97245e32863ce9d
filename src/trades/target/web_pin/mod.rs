//! Keys of a channel in which holders see or change their PINs: internet
//! banking, an app, a kiosk. Each channel has a wrapping key of its own and its
//! keys come in generations: a new one from a day on, the former one taken for a
//! while after it. TR-31 key blocks, with a list of the generation that any
//! program reads. The wrapping key itself may go to the channel's certificate.
//!
//! - `channel`: what the record says, and what one record allows the next
//! - `to_certificate`: the wrapping key to the key of the certificate
//! - `lists`: the certificate, and what goes with the keys

mod channel;
mod lists;
mod to_certificate;

use conclave_crypto::secret::{RandomSource, Secret};
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;

use super::sheet_text::{self as text, rule};
use super::tr31::Tr31;
use super::{Companion, Conformance, Order, Payload, Sheet, Target, TargetError};
use channel::{Channel, number_of, role};

pub(super) use channel::{days, follows, shared};

/// A channel for PINs.
pub struct WebPin;

fn file_name(key: &KeyRecord, under_rsa: bool) -> String {
    match under_rsa {
        true => super::pkcs11_rsa::file_name(key),
        false => super::tr31::file_name(key),
    }
}

impl Target for WebPin {
    fn name(&self) -> &'static str {
        "web-pin"
    }

    fn title(&self) -> &'static str {
        "Web PIN channel, TR-31 under the channel's own key"
    }

    fn conformance(&self) -> Conformance {
        Conformance::ToBeCompleted
    }

    fn methods(&self) -> &'static [WrappingMethod] {
        &[
            WrappingMethod::Tr31B,
            WrappingMethod::Tr31D,
            WrappingMethod::RsaAes,
        ]
    }

    fn check(
        &self,
        key: &KeyRecord,
        under: &KeyRecord,
        settings: &Settings,
    ) -> Result<(), TargetError> {
        let channel = Channel::of(settings)?;
        let to_certificate = under.is_wrapped_to();
        if !to_certificate && role(key).is_none() {
            return Err(rule(
                format!("{} has usage {}: a channel has none", key.label, key.usage),
                "hand over PIN encryption, data or message authentication keys (P0, D0, M1, M3, \
                 M6)",
            ));
        }
        for (record, what) in [(key, "key"), (under, "wrapping key")] {
            if !record.label.starts_with(channel.prefix) {
                return Err(rule(
                    format!(
                        "{} is no {what} of the channel {}: its keys begin with {}",
                        record.label, channel.name, channel.prefix
                    ),
                    "a channel has keys of its own, and a wrapping key of its own",
                ));
            }
        }
        if to_certificate {
            return to_certificate::check(&channel, key, under);
        }
        if number_of(&key.label) != Some(channel.generation) {
            return Err(rule(
                format!(
                    "{} is not of generation {}: the number at the end of its label says so",
                    key.label, channel.generation
                ),
                "choose the new keys, or have the record of the channel changed",
            ));
        }
        Tr31.check(key, under, settings)
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
        match under.is_wrapped_to() {
            true => to_certificate::export(key, clear, under, wrapping, random),
            false => Tr31.export(key, clear, under, wrapping, order, random),
        }
    }

    fn companions(&self, sheet: &Sheet<'_>) -> Result<Vec<Companion>, TargetError> {
        lists::companions(sheet)
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        let mut out = text::head(self, sheet);
        // Writing to a String does not fail; what is no channel was refused.
        let step = if sheet.under.is_wrapped_to() {
            let _ = lists::write_wrapping_key(sheet, &mut out);
            5
        } else {
            out.push_str(&text::wrapping_key(sheet, "wrapping-key"));
            let _ = lists::write_generation(sheet, &mut out);
            7
        };
        out.push_str(&text::foot(step));
        out
    }
}
