//! The outside of a component's envelope, and the strip for its bag: printed from what
//! custody knows, so that nobody writes a serial or a check value by hand.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::AuthorityRecord;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::packages::{Package, packages};
use crate::print::open_form::{layout_of, print};
use crate::print::{FieldName, Kind, OpenForm, day_words};
use crate::target::{KeyName, rules};

/// What is printed for a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageForm {
    /// The outside of the envelope in which the sealed package travels or lies. It has no
    /// check value.
    Envelope,
    /// The strip for the tamper-evident bag, with the component's check value.
    Strip,
}

impl PackageForm {
    /// The kind of its layout.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Envelope => Kind::Envelope,
            Self::Strip => Kind::Label,
        }
    }

    /// The file of its layout.
    #[must_use]
    pub fn layout_file(self) -> &'static str {
        match self {
            Self::Envelope => "component-envelope.toml",
            Self::Strip => "label-strip.toml",
        }
    }

    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Envelope => "outside of the envelope",
            Self::Strip => "label strip",
        }
    }
}

/// Prints one form for one sealed package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrintPackageForm {
    /// The key.
    pub key: KeyName,
    /// The ceremony that printed the sheet.
    pub ceremony: Id,
    /// Which part of it, from 1.
    pub index: u8,
    /// The serial of its package, as the record has it.
    pub bag: String,
    /// What is printed.
    pub form: PackageForm,
    /// The report printer's name.
    pub printer: String,
    /// The layout's exact text.
    pub layout: String,
}

impl PrintPackageForm {
    /// The package of the key, as it is on record now.
    fn package<'k>(&self, key: &'k KeyRecord) -> Result<Package<'k>, ActionError> {
        rules::same(&self.key, key)?;
        packages(key)
            .into_iter()
            .find(|package| {
                package.ceremony == self.ceremony
                    && package.part.index == self.index
                    && package.bag == self.bag
            })
            .ok_or_else(|| {
                ActionError::rule(
                    format!(
                        "{} has no sealed package {} with part {}",
                        key.label, self.bag, self.index
                    ),
                    "Look at the key's page: the sheet may be opened, former or destroyed.",
                )
            })
    }
}

/// What the envelope and the strip say, as far as the layout has a place for it.
fn form(authority: &AuthorityRecord, key: &KeyRecord, package: &Package<'_>) -> OpenForm {
    use FieldName as F;
    let part = package.part;
    let mut texts = vec![
        (F::Station, authority.station_name.clone()),
        (F::Label, key.label.clone()),
        (F::Part, package.part_words()),
        (F::Group, part.group.title().to_owned()),
        (F::Custodian, part.custodian_name.clone()),
        (F::Ceremony, package.ceremony_words()),
        (F::Date, part.sealed_ms.map_or(String::new(), day_words)),
        (F::Bag, package.bag.to_owned()),
        (F::Kcv, part.kcv.words()),
    ];
    if let Some(m) = package.quorum {
        texts.push((F::Quorum, format!("any {m} of the {} shares", part.of)));
    }
    OpenForm {
        mode: authority.mode,
        texts,
    }
}

impl Action for PrintPackageForm {
    const NAME: &'static str = "print-package-form";
    type Out = ();

    /// There is no secret on it, and the packages are sealed.
    fn authority(&self) -> Authority {
        Authority::Session(GroupId::KeyManagers)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Print the {} for part {} of {}",
                self.form.words(),
                self.index,
                self.key.label
            ),
            format!("in package {}", self.bag),
            format!("on {}", self.printer),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let key: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        self.package(&key).map(|_| ())
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let key: KeyRecord = permit.get(Compartment::Catalogue, self.key.id)?;
        let package = self.package(&key)?;
        let layout = layout_of(permit, &self.layout, self.form.kind())?;
        let form = form(permit.authority()?, &key, &package);
        let title = format!("{} {}", self.form.words(), self.bag);
        print(permit, ports, (&self.printer, &title), &layout, &form)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["sent to the printer".into()]
    }
}
