//! What lies under a compromised key, however far below: whoever knows the key may
//! know whatever was wrapped under it, or came under it (R12).

use std::collections::BTreeSet;

use conclave_keyroom::domain::key::{KeyRecord, KeySource};

/// Labels of the keys under which this one ever was, away from here or on its way
/// here.
fn above(key: &KeyRecord) -> impl Iterator<Item = &str> {
    let came = match &key.source {
        KeySource::Block { under, .. } => Some(under.as_str()),
        _ => None,
    };
    let left = key.exports.iter().map(|export| export.under.as_str());
    came.into_iter().chain(left)
}

/// What a key hands on: of wrapping keys, and of compromised ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kin {
    label: String,
    above: Vec<String>,
    compromised: bool,
}

impl Kin {
    /// Nothing for a key under which nothing can be, and that is not compromised.
    #[must_use]
    pub fn of(key: &KeyRecord) -> Option<Self> {
        let compromised = key.compromise.is_some();
        (compromised || key.is_wrapping_key()).then(|| Self {
            label: key.label.clone(),
            above: above(key).map(str::to_owned).collect(),
            compromised,
        })
    }
}

/// Compromised keys and every wrapping key below them, by label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tainted(BTreeSet<String>);

impl Tainted {
    /// Of all keys of a station that are [`Kin`], in any order.
    #[must_use]
    pub fn of(keys: &[Kin]) -> Self {
        let compromised = keys.iter().filter(|key| key.compromised);
        let mut labels: BTreeSet<String> = compromised.map(|key| key.label.clone()).collect();
        loop {
            let below: Vec<String> = keys
                .iter()
                .filter(|key| !labels.contains(&key.label))
                .filter(|key| key.above.iter().any(|label| labels.contains(label)))
                .map(|key| key.label.clone())
                .collect();
            if below.is_empty() {
                return Self(labels);
            }
            labels.extend(below);
        }
    }

    /// The tainted key that this one was under, if it was under any.
    #[must_use]
    pub fn above<'k>(&self, key: &'k KeyRecord) -> Option<&'k str> {
        above(key).find(|label| self.0.contains(*label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kin(label: &str, above: &[&str], compromised: bool) -> Kin {
        Kin {
            label: label.into(),
            above: above.iter().map(|label| (*label).to_owned()).collect(),
            compromised,
        }
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
        let found: Vec<String> = Tainted::of(&keys).0.into_iter().collect();
        assert_eq!(found, ["ZMK.1", "ZMK.2", "ZMK.3"]);
        assert_eq!(Tainted::of(&keys[..2]), Tainted::default());
    }
}
