//! The letter that announces a zone master key to the partner who gets its components:
//! what the key is, its check value, and for each component who brings it, how, and in
//! which bag. It has no secret, and goes by another way than the components.

use std::collections::BTreeSet;

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_evidence::authority::{AuthorityRecord, Mode};
use conclave_keyroom::domain::key::{KeyRecord, KeySource, KeyState, WrappingMethod};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::component_receipt::announce;
use super::packages::{Package, packages};
use crate::print::open_form::{layout_of, print};
use crate::print::{FieldName, Kind, OpenForm, day_words};
use crate::target::{KeyName, rules};

/// The most characters of a line of the address, of a way, and of the reference.
pub const LETTER_LINE_MOST: usize = 40;
/// The most characters of whoever carries the letter, and of its reference.
pub const LETTER_SHORT_MOST: usize = 30;
/// The most lines of the address below the recipient's name.
pub const ADDRESS_MOST: usize = 5;
/// The file of its layout.
pub const EXCHANGE_LAYOUT: &str = "exchange-letter.toml";

/// Prints the letter once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrintExchangeLetter {
    /// The zone master key.
    pub key: KeyName,
    /// The partner.
    pub to: String,
    /// The lines of their address, up to [`ADDRESS_MOST`].
    pub address: Vec<String>,
    /// Names this letter in the house.
    pub reference: String,
    /// How the letter itself goes.
    pub courier: String,
    /// How each component goes, in their order.
    pub ways: Vec<String>,
    /// The report printer's name.
    pub printer: String,
    /// The layout's exact text.
    pub layout: String,
}

pub(super) fn line(what: &str, text: &str, most: usize) -> Result<(), ActionError> {
    let plain = |c: char| c.is_alphanumeric() || " .,-_/&()'".contains(c);
    let length = text.chars().count();
    if text.trim() == text && (1..=most).contains(&length) && text.chars().all(plain) {
        return Ok(());
    }
    Err(ActionError::rule(
        format!("{what} has 1 to {most} letters, digits, spaces and .,-_/&()'"),
        "Write it again.",
    ))
}

/// The key as it can be announced: made here as a zone master key, every component in
/// its sealed package and none of them doubted.
fn announced(key: &KeyRecord, now_ms: u64) -> Result<Vec<Package<'_>>, ActionError> {
    let refused =
        |why: &str, advice: &str| Err(ActionError::rule(format!("{} {why}", key.label), advice));
    let zone = key.encrypts_keys() && key.wrapping.is_some_and(|m| !m.is_foreign_master());
    if !zone || key.source != KeySource::Here {
        return refused(
            "is no zone master key of this station",
            "Choose a zone master key that was made here in components.",
        );
    }
    if !matches!(key.state, KeyState::PreActivation | KeyState::Active) || key.expires_ms <= now_ms
    {
        return refused("is not in use", "Announce the key that took its place.");
    }
    let sealed: Vec<Package<'_>> = packages(key)
        .into_iter()
        .filter(|package| package.quorum.is_none())
        .collect();
    if sealed.is_empty() || sealed.len() != key.components.len() {
        return refused(
            "has a component that lies in no sealed package",
            "Seal all of them, or give the key new components.",
        );
    }
    let sure = |p: &Package<'_>| p.part.doubted_ms.is_none() && p.part.quarantine.is_none();
    if !sealed.iter().all(sure) {
        return refused(
            "has a sheet that was not proven, or a package in quarantine",
            "Give the key new components before they leave.",
        );
    }
    Ok(sealed)
}

impl PrintExchangeLetter {
    fn check(&self, components: usize) -> Result<(), ActionError> {
        rules::recipient(&self.to)?;
        line("a recipient", &self.to, LETTER_LINE_MOST)?;
        if self.address.len() > ADDRESS_MOST {
            return Err(ActionError::rule(
                format!("an address has up to {ADDRESS_MOST} lines"),
                "Write it shorter.",
            ));
        }
        for of_address in &self.address {
            line("a line of the address", of_address, LETTER_LINE_MOST)?;
        }
        line("the reference", &self.reference, LETTER_SHORT_MOST)?;
        line("the way of the letter", &self.courier, LETTER_SHORT_MOST)?;
        for way in &self.ways {
            line("the way of a component", way, LETTER_LINE_MOST)?;
        }
        if self.ways.len() != components {
            return Err(ActionError::rule(
                format!("there are {components} components, each with its own way"),
                "Say how each of them goes.",
            ));
        }
        let all = self.ways.iter().chain([&self.courier]);
        let apart: BTreeSet<String> = all.map(|way| way.to_lowercase()).collect();
        if apart.len() != components + 1 {
            return Err(ActionError::rule(
                "two of them go the same way (R14)",
                "Each component and the letter goes by a way of its own.",
            ));
        }
        Ok(())
    }

    /// Two lines a component: what it is and where it lies; who brings it, and how.
    fn parts(&self, packages: &[Package<'_>]) -> String {
        let lines: Vec<String> = packages
            .iter()
            .zip(&self.ways)
            .flat_map(|(package, way)| {
                let kcv = package.part.kcv.words();
                [
                    format!("{}   KCV {kcv}   BAG {}", package.part_words(), package.bag),
                    format!("    {}, {way}", package.part.custodian_name),
                ]
            })
            .collect();
        lines.join("\n")
    }

    fn form(
        &self,
        authority: &AuthorityRecord,
        (key, packages): (&KeyRecord, &[Package<'_>]),
        provenance: Option<&str>,
        now_ms: u64,
    ) -> OpenForm {
        use FieldName as F;
        let ceremony = packages.first().map(Package::ceremony_words);
        let method = key.wrapping.map_or("", WrappingMethod::name);
        let mut texts = vec![
            (F::Station, authority.station_name.clone()),
            (F::Date, day_words(now_ms)),
            (F::Name, self.to.clone()),
            (F::Address, self.address.join("\n")),
            (F::Reference, self.reference.clone()),
            (F::Courier, self.courier.clone()),
            (F::Label, key.label.clone()),
            (
                F::Purpose,
                format!("exchange of keys, usage {}, wraps by {method}", key.usage),
            ),
            (
                F::Algorithm,
                format!("{}, {} bytes", key.form.name(), key.form.bytes()),
            ),
            (F::KeyKcv, key.kcv.words()),
            (F::Parts, self.parts(packages)),
            (F::Ceremony, ceremony.unwrap_or_default()),
        ];
        let said = provenance.filter(|_| authority.mode == Mode::Production);
        texts.extend(said.map(|words| (F::Provenance, words.to_owned())));
        OpenForm {
            mode: authority.mode,
            texts,
        }
    }
}

impl Action for PrintExchangeLetter {
    const NAME: &'static str = "print-exchange-letter";
    type Out = ();

    /// Both sign it by hand.
    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![
            format!(
                "Print the letter {} that announces {} to {}",
                self.reference, self.key.label, self.to
            ),
            format!("KCV {}; the letter goes: {}", self.key.kcv, self.courier),
        ];
        words.extend(
            (1..)
                .zip(&self.ways)
                .map(|(number, way)| format!("component {number} goes: {way}")),
        );
        words.push(format!("on {}", self.printer));
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let now = beforehand.now_ms();
        let key: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        rules::same(&self.key, &key)?;
        self.check(announced(&key, now)?.len())
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let now = permit.now_ms();
        let key: KeyRecord = permit.get(Compartment::Catalogue, self.key.id)?;
        rules::same(&self.key, &key)?;
        let packages = announced(&key, now)?;
        self.check(packages.len())?;
        let layout = layout_of(permit, &self.layout, Kind::ExchangeLetter)?;
        let provenance = permit.provider_identity().class.provenance();
        let form = self.form(permit.authority()?, (&key, &packages), provenance, now);
        let title = format!("letter {}", self.reference);
        announce(self, &key, &packages, permit)?;
        print(permit, ports, (&self.printer, &title), &layout, &form)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![
            "sent to the printer".into(),
            "each component's receipt is a task from now on".into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::packages::tests::sealed_key;
    use super::*;
    use conclave_evidence::Id;
    use conclave_keyroom::domain::key::ComponentState;

    fn refused(change: &dyn Fn(&mut KeyRecord)) -> String {
        let mut key = sealed_key();
        change(&mut key);
        match announced(&key, 1000) {
            Ok(_) => String::new(),
            Err(why) => why.to_string(),
        }
    }

    #[test]
    fn only_a_zone_master_key_with_every_component_sealed_is_announced() {
        assert_eq!(refused(&|_| {}), "");
        assert_eq!(refused(&|k| k.state = KeyState::PreActivation), "");
        for (change, why) in [
            (
                &(|k: &mut KeyRecord| k.usage = "P0".into()) as &dyn Fn(&mut KeyRecord),
                "no zone master key",
            ),
            (&|k| k.wrapping = None, "no zone master key"),
            (
                &|k| k.wrapping = Some(WrappingMethod::ThalesLmk),
                "no zone master key",
            ),
            (
                &|k| k.source = KeySource::Partner("BANK-HILL".into()),
                "no zone master key",
            ),
            (&|k| k.state = KeyState::Deactivated, "not in use"),
            (&|k| k.expires_ms = 999, "not in use"),
            (
                &|k| k.components[1].state = ComponentState::Printed,
                "in no sealed package",
            ),
            (
                &|k| k.components[0].opened = Some(Id([9; 16])),
                "in no sealed package",
            ),
            (&|k| k.components[0].doubted_ms = Some(1), "was not proven"),
        ] {
            let told = refused(change);
            assert!(told.contains(why), "{why}: {told}");
        }
    }
}
