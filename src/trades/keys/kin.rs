//! What whoever knows a compromised key may know: whatever was wrapped under it or
//! came under it, however far below (R12), and the same key put together from shares.

use std::collections::{BTreeMap, BTreeSet};

use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, KeySource};

/// Labels of the keys under which this one ever was, away from here or on its way
/// here; an act that did not end may have let a cryptogram out too.
fn above(key: &KeyRecord) -> impl Iterator<Item = &str> {
    let came = match &key.source {
        KeySource::Block { under, .. } => Some(under.as_str()),
        _ => None,
    };
    let left = key.exports.iter().map(|export| export.under.as_str());
    let begun = key.begun_under.iter().map(String::as_str);
    came.into_iter().chain(left).chain(begun)
}

/// What two keys of one value have in common. Check values of other keys may be the
/// same by chance, so it says something only of keys put together from shares.
type Value = (KeyForm, String);

fn value(key: &KeyRecord) -> Value {
    (key.form, key.kcv.words())
}

fn from_shares(key: &KeyRecord) -> bool {
    matches!(key.source, KeySource::Shares(_))
}

/// What a key hands on: of wrapping keys, of compromised ones, and of those that were
/// put together from shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kin {
    label: String,
    above: Vec<String>,
    value: Value,
    from_shares: bool,
    compromised: bool,
}

impl Kin {
    /// Nothing for a key under which nothing can be, that is not compromised, and whose
    /// value was not put together here from shares of another.
    #[must_use]
    pub fn of(key: &KeyRecord) -> Option<Self> {
        let compromised = key.compromise.is_some();
        let from_shares = from_shares(key);
        (compromised || from_shares || key.is_wrapping_key()).then(|| Self {
            label: key.label.clone(),
            above: above(key).map(str::to_owned).collect(),
            value: value(key),
            from_shares,
            compromised,
        })
    }
}

/// Why a key may be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taint<'a> {
    /// It was under the key of this label.
    Under(&'a str),
    /// It has the value of the key of this label: one of the two was put together from
    /// shares.
    SameAs(&'a str),
}

/// Keys of one value that may be known: their labels, and whether each was put together
/// from shares.
type Known = BTreeMap<String, bool>;

/// Compromised keys, every wrapping key below them, and keys of the same value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tainted {
    labels: BTreeSet<String>,
    values: BTreeMap<Value, Known>,
}

impl Tainted {
    /// Of all keys of a station that are [`Kin`], in any order.
    #[must_use]
    pub fn of(keys: &[Kin]) -> Self {
        let mut tainted = Self::default();
        let mut found: Vec<&Kin> = keys.iter().filter(|key| key.compromised).collect();
        while !found.is_empty() {
            for key in found {
                tainted.labels.insert(key.label.clone());
                let known = tainted.values.entry(key.value.clone()).or_default();
                known.insert(key.label.clone(), key.from_shares);
            }
            let reached = |key: &&Kin| {
                !tainted.labels.contains(&key.label)
                    && (key.above.iter().any(|label| tainted.labels.contains(label))
                        || tainted
                            .same(&key.value, &key.label, key.from_shares)
                            .is_some())
            };
            found = keys.iter().filter(reached).collect();
        }
        tainted
    }

    /// A key of this value that may be known, where it or the one in question was put
    /// together from shares.
    fn same(&self, value: &Value, label: &str, from_shares: bool) -> Option<&str> {
        let known = self.values.get(value)?.iter();
        let mut others = known.filter(|(other, _)| *other != label);
        let other = others.find(|(_, shares)| from_shares || **shares)?;
        Some(other.0)
    }

    /// Why this key may be known, if it may.
    #[must_use]
    pub fn why<'a>(&'a self, key: &'a KeyRecord) -> Option<Taint<'a>> {
        let under = above(key).find(|label| self.labels.contains(*label));
        let same = || self.same(&value(key), &key.label, from_shares(key));
        under
            .map(Taint::Under)
            .or_else(|| same().map(Taint::SameAs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kin(label: &str, above: &[&str], compromised: bool) -> Kin {
        Kin {
            label: label.into(),
            above: above.iter().map(|label| (*label).to_owned()).collect(),
            value: (KeyForm::Aes256, format!("{label} (CMAC)")),
            from_shares: false,
            compromised,
        }
    }

    fn labels(keys: &[Kin]) -> Vec<String> {
        Tainted::of(keys).labels.into_iter().collect()
    }

    #[test]
    fn what_is_under_a_compromised_key_is_found_however_far_below() {
        // In an order in which each comes before what it depends on, and a ring.
        let keys = [
            kin("ZMK.3", &["ZMK.2"], false),
            kin("ZMK.2", &["ZMK.9", "ZMK.1"], false),
            kin("ZMK.1", &["ZMK.3"], true),
            kin("ZMK.8", &["ZMK.9"], false),
        ];
        assert_eq!(labels(&keys), ["ZMK.1", "ZMK.2", "ZMK.3"]);
        assert_eq!(Tainted::of(&keys[..2]), Tainted::default());
    }

    /// Whichever of the two is compromised, the other is as known, and what is below it;
    /// two keys that only share a check value by chance say nothing of each other.
    #[test]
    fn a_key_put_together_from_shares_is_as_known_as_the_one_that_was_split() {
        let of = |label: &str, compromised, from_shares| Kin {
            value: (KeyForm::Aes256, "0A1B2C3D4E (CMAC)".into()),
            from_shares,
            ..kin(label, &[], compromised)
        };
        let below = kin("ZMK.4", &["ZMK.2"], false);
        for (first, second) in [(true, false), (false, true)] {
            let keys = [
                below.clone(),
                of("ZMK.2", second, true),
                of("ZMK.1", first, false),
            ];
            assert_eq!(labels(&keys), ["ZMK.1", "ZMK.2", "ZMK.4"]);
        }
        let by_chance = [of("ZMK.2", false, false), of("ZMK.1", true, false)];
        assert_eq!(labels(&by_chance), ["ZMK.1"]);
    }
}
