//! Systems that keys go to: what a kind of system needs to be told (a profile,
//! data that came with the program or lies in the station's folder), and what
//! the customer filled in for one of them (a record).

use std::collections::{BTreeMap, BTreeSet};

use conclave_evidence::Id;
use serde::{Deserialize, Serialize};

use super::certificate::EnrolledCertificate;

/// The longest value of a field, in characters.
pub const VALUE_MOST: usize = 256;

/// Something the customer fills in: a label prefix, a job card, a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileField {
    /// Its name in the record: `importer-label`.
    pub name: String,
    /// For people.
    pub title: String,
    /// What stands beside it on the screen.
    #[serde(default)]
    pub hint: String,
    /// Which characters it takes, as ranges: `A-Z0-9.#$@`. Empty: every
    /// printable character.
    #[serde(default)]
    pub characters: String,
    /// Which characters may stand first, where not all of them may.
    #[serde(default)]
    pub first: String,
    /// The most characters, at most [`VALUE_MOST`]; 0 where it is a certificate.
    #[serde(default)]
    pub most: usize,
    /// The only values, where there is a list.
    #[serde(default)]
    pub choices: Vec<String>,
    /// What holds where nothing is filled in.
    #[serde(default)]
    pub default: Option<String>,
    /// Nothing leaves for this system before it is filled in.
    #[serde(default)]
    pub required: bool,
    /// It is no text but a certificate, which comes as a file.
    #[serde(default, skip_serializing_if = "is_false")]
    pub certificate: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// What a kind of system needs, read from `profiles/targets/*.toml`. Its quirks
/// are data: whoever knows better corrects the file, and the version says so.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetProfile {
    /// The target's name: `icsf`.
    pub name: String,
    /// Counts up with each change.
    pub version: u32,
    /// For people.
    pub title: String,
    /// What the customer fills in.
    #[serde(default, rename = "field")]
    pub fields: Vec<ProfileField>,
    /// Tables: key types by usage, header fields, commands.
    #[serde(default, rename = "table")]
    pub tables: BTreeMap<String, BTreeMap<String, String>>,
    /// Texts of the run sheet, by name; a line each.
    #[serde(default)]
    pub text: BTreeMap<String, Vec<String>>,
}

/// A profile with what was filled in: all that a target knows of a system.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// As it was approved.
    pub profile: TargetProfile,
    /// By field's name.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Certificates by field's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub certificates: BTreeMap<String, EnrolledCertificate>,
}

/// A certificate in whose place another one came, or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerCertificate {
    /// The field that it stood in.
    pub field: String,
    /// The certificate.
    pub certificate: EnrolledCertificate,
    /// Until when it stood in the record, wall clock.
    pub until_ms: u64,
}

/// A system that keys go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetSystem {
    /// Random.
    pub id: Id,
    /// Its name in this house, and the recipient of what is made for it:
    /// `BANK-LAKE PROD`.
    pub name: String,
    /// Profile and values.
    pub settings: Settings,
    /// When it was recorded, wall clock.
    pub recorded_ms: u64,
    /// Certificates that it had before, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<FormerCertificate>,
}

impl TargetSystem {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "target-system";

    /// The target's name: `icsf`.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.settings.profile.name
    }
}

/// `A-Z0-9.#`: a character, or two with a hyphen between. A hyphen at the end
/// is itself.
fn takes(ranges: &str, c: char) -> bool {
    let all: Vec<char> = ranges.chars().collect();
    let mut at = 0;
    while let Some(&low) = all.get(at) {
        match (all.get(at + 1), all.get(at + 2)) {
            (Some('-'), Some(&high)) => {
                if (low..=high).contains(&c) {
                    return true;
                }
                at += 3;
            }
            _ => {
                if low == c {
                    return true;
                }
                at += 1;
            }
        }
    }
    false
}

impl ProfileField {
    /// What is wrong with a value, if anything.
    ///
    /// # Errors
    /// A rule in words.
    pub fn check_value(&self, value: &str) -> Result<(), String> {
        let title = &self.title;
        let most = self.most.min(VALUE_MOST);
        let long = value.chars().count();
        if long == 0 || long > most {
            return Err(format!("{title} has 1 to {most} characters, not {long}"));
        }
        if !self.choices.is_empty() {
            return if self.choices.iter().any(|c| c == value) {
                Ok(())
            } else {
                Err(format!("{title} is one of {}", self.choices.join(", ")))
            };
        }
        let taken = |c: char| match self.characters.as_str() {
            "" => !c.is_control(),
            ranges => takes(ranges, c),
        };
        if let Some(wrong) = value.chars().find(|c| !taken(*c)) {
            return Err(format!("{title} takes no {wrong:?}: {}", self.characters));
        }
        let starts = value.chars().next();
        if !self.first.is_empty() && !starts.is_some_and(|c| takes(&self.first, c)) {
            return Err(format!("{title} begins with one of {}", self.first));
        }
        Ok(())
    }
}

fn plain_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

impl TargetProfile {
    /// `icsf v1`.
    #[must_use]
    pub fn stamp(&self) -> String {
        format!("{} v{}", self.name, self.version)
    }

    /// An entry of a table.
    #[must_use]
    pub fn entry(&self, table: &str, key: &str) -> Option<&str> {
        self.tables.get(table)?.get(key).map(String::as_str)
    }

    /// A text's lines; none where the profile does not have it.
    #[must_use]
    pub fn lines(&self, name: &str) -> &[String] {
        self.text.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// A rule in words.
    pub fn check(&self) -> Result<(), String> {
        // A dot for `x9.17`.
        if !plain_name(&self.name.replacen('.', "", 1)) {
            return Err("its name is not made of a-z, 0-9, - and one dot".into());
        }
        if self.version == 0 {
            return Err("its version is 0; versions count from 1".into());
        }
        let title = self.title.chars();
        if !(1..=60).contains(&title.clone().count()) || title.clone().any(char::is_control) {
            return Err("its title has not 1 to 60 plain characters".into());
        }
        let mut names = BTreeSet::new();
        for field in &self.fields {
            if !plain_name(&field.name) || !names.insert(field.name.as_str()) {
                return Err(format!(
                    "the field {:?} stands twice, or is not made of a-z, 0-9 and -",
                    field.name
                ));
            }
            if field.certificate {
                let text = field.most > 0 || field.default.is_some() || !field.choices.is_empty();
                if text {
                    return Err(format!("{} is a certificate and a text", field.name));
                }
                continue;
            }
            if field.most == 0 || field.most > VALUE_MOST {
                return Err(format!("{} takes 1 to {VALUE_MOST} characters", field.name));
            }
            if let Some(default) = &field.default {
                field
                    .check_value(default)
                    .map_err(|why| format!("the default of {}: {why}", field.name))?;
            }
        }
        let texts = self.text.values().flatten();
        let entries = self.tables.values().flatten();
        let words = texts.chain(entries.flat_map(|(key, value)| [key, value]));
        for word in words {
            if word.chars().any(char::is_control) {
                return Err(format!("{word:?} holds a control character"));
            }
        }
        Ok(())
    }
}

impl Settings {
    /// A field's value, or its default.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        if let Some(value) = self.values.get(name) {
            return Some(value);
        }
        let field = self.profile.fields.iter().find(|f| f.name == name)?;
        field.default.as_deref()
    }

    fn has(&self, name: &str) -> bool {
        self.value(name).is_some() || self.certificates.contains_key(name)
    }

    /// What has to be filled in and is not, as titles.
    #[must_use]
    pub fn missing(&self) -> Vec<&str> {
        self.profile
            .fields
            .iter()
            .filter(|field| field.required && !self.has(&field.name))
            .map(|field| field.title.as_str())
            .collect()
    }

    /// What is wrong with profile or values, if anything. What is missing is
    /// nothing wrong: a record may be completed later.
    ///
    /// # Errors
    /// A rule in words.
    pub fn check(&self) -> Result<(), String> {
        self.profile.check()?;
        for (name, value) in &self.values {
            let field = self.field(name)?;
            if field.certificate {
                return Err(format!("{} comes as a file, not as a text", field.title));
            }
            field.check_value(value)?;
        }
        for name in self.certificates.keys() {
            let field = self.field(name)?;
            if !field.certificate {
                return Err(format!("{} is no certificate", field.title));
            }
        }
        Ok(())
    }

    fn field(&self, name: &str) -> Result<&ProfileField, String> {
        let field = self.profile.fields.iter().find(|f| f.name == name);
        field.ok_or_else(|| format!("{} has no field {name:?}", self.profile.stamp()))
    }
}

#[cfg(test)]
mod tests {
    use conclave_evidence::{Bytes, Hash, cbor};

    use super::*;

    fn field(name: &str) -> ProfileField {
        ProfileField {
            name: name.into(),
            title: format!("The {name}"),
            hint: String::new(),
            characters: "A-Z0-9.#$@-".into(),
            first: "A-Z#$@".into(),
            most: 8,
            choices: Vec::new(),
            default: None,
            required: true,
            certificate: false,
        }
    }

    fn settings() -> Settings {
        Settings {
            profile: TargetProfile {
                name: "icsf".into(),
                version: 1,
                title: "ICSF".into(),
                fields: vec![field("label")],
                ..TargetProfile::default()
            },
            ..Settings::default()
        }
    }

    #[test]
    fn a_value_keeps_to_the_characters_of_its_field() {
        let label = field("label");
        for good in ["A", "#X.1-2", "KEK.IMP"] {
            assert_eq!(label.check_value(good), Ok(()), "{good}");
        }
        for bad in ["", "1A", "-A", "a", "A B", "A_B", "ABCDEFGHI", "A\n"] {
            assert!(label.check_value(bad).is_err(), "{bad:?}");
        }
        let mut choice = field("release");
        choice.choices = vec!["OLD".into(), "NEW".into()];
        assert_eq!(choice.check_value("NEW"), Ok(()));
        assert!(choice.check_value("NEWER").is_err());
    }

    #[test]
    fn what_is_required_and_not_filled_in_is_named() {
        let mut system = settings();
        assert_eq!(system.missing(), ["The label"]);
        assert_eq!(system.check(), Ok(()));
        system.values.insert("label".into(), "KEK.IMP".into());
        assert!(system.missing().is_empty());
        assert_eq!(system.value("label"), Some("KEK.IMP"));
        system.values.insert("other".into(), "X".into());
        assert!(system.check().is_err(), "a value without a field");
    }

    #[test]
    fn a_certificate_is_no_text_and_a_text_no_certificate() {
        let certificate = EnrolledCertificate {
            der: Bytes(vec![1]),
            fingerprint: Hash([2; 32]),
            subject: "CN=RETAIL".into(),
            key: "RSA-3072".into(),
            from_ms: 0,
            until_ms: 1,
        };
        let mut system = settings();
        let encoded = cbor::to_vec(&system).unwrap();
        assert_eq!(system.missing(), ["The label"]);
        let certificates = BTreeMap::from([("label".to_owned(), certificate)]);
        system.certificates.clone_from(&certificates);
        assert!(system.check().unwrap_err().contains("is no certificate"));
        let field = &mut system.profile.fields[0];
        (field.certificate, field.most) = (true, 0);
        assert_eq!(system.check(), Ok(()));
        assert!(system.missing().is_empty());
        system.values.insert("label".into(), "ABCD".into());
        assert!(system.check().unwrap_err().contains("comes as a file"));
        // A record without one is the record that it always was.
        for name in ["certificate", "former"] {
            let has = encoded.windows(name.len()).any(|at| at == name.as_bytes());
            assert!(!has, "{name}");
        }
        assert_eq!(cbor::exact::<Settings>(&encoded).unwrap(), settings());
    }

    #[test]
    fn a_profile_that_says_nonsense_is_refused() {
        for spoil in [
            |p: &mut TargetProfile| p.version = 0,
            |p: &mut TargetProfile| p.name = "IC SF".into(),
            |p: &mut TargetProfile| p.title = "x\ny".into(),
            |p: &mut TargetProfile| p.fields.push(field("label")),
            |p: &mut TargetProfile| p.fields[0].most = VALUE_MOST + 1,
            |p: &mut TargetProfile| p.fields[0].default = Some("1".into()),
            |p: &mut TargetProfile| p.fields[0].certificate = true,
            |p: &mut TargetProfile| {
                p.text.insert("sheet".into(), vec!["\u{1b}[2J".into()]);
            },
        ] {
            let mut profile = settings().profile;
            spoil(&mut profile);
            assert!(profile.check().is_err(), "{profile:?}");
        }
    }
}
