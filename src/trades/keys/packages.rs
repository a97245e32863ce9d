//! Sheets in sealed packages: what custody knows of each, as the papers that go with
//! them say it.

use conclave_evidence::Id;
use conclave_keyroom::domain::key::{Component, ComponentState, KeyRecord, KeyState};
use conclave_keyroom::domain::part_set::SetState;

/// A sheet in its sealed package.
#[derive(Clone, Copy, Debug)]
pub struct Package<'k> {
    /// The ceremony that printed it.
    pub ceremony: Id,
    /// Any so many parts make the key; nothing where all are needed.
    pub quorum: Option<u8>,
    /// What custody has of it.
    pub part: &'k Component,
    /// The package's serial, as it was typed at the seal.
    pub bag: &'k str,
}

impl Package<'_> {
    /// `COMPONENT 1 of 3`, `SHARE 2 of 5`.
    #[must_use]
    pub fn part_words(&self) -> String {
        let what = match self.quorum {
            None => "COMPONENT",
            Some(_) => "SHARE",
        };
        format!("{what} {} of {}", self.part.index, self.part.of)
    }

    /// The ceremony's short name, as component forms have it.
    #[must_use]
    pub fn ceremony_words(&self) -> String {
        let id: String = self.ceremony.to_string().chars().take(8).collect();
        format!("C{id}")
    }
}

/// The sheet's package, where it lies in one: not one that an exercise has opened, and
/// not the paper of a partner, who sealed it.
fn package(ceremony: Id, quorum: Option<u8>, part: &Component) -> Option<Package<'_>> {
    let bag = part
        .package()
        .filter(|_| part.state == ComponentState::Sealed)?;
    Some(Package {
        ceremony,
        quorum,
        part,
        bag,
    })
}

/// The key's sheets in custody that lie in sealed packages: its components, then its
/// sets of shares. None of a key that is void or destroyed: those sheets wait for their
/// destruction.
#[must_use]
pub fn packages(key: &KeyRecord) -> Vec<Package<'_>> {
    if matches!(key.state, KeyState::Void | KeyState::Destroyed) {
        return Vec::new();
    }
    let printed_in = key.reissued.unwrap_or(key.ceremony);
    let components = key
        .components
        .iter()
        .filter_map(|part| package(printed_in, None, part));
    let kept = key.others.iter().filter(|set| set.state == SetState::Kept);
    let shares = kept.flat_map(|set| {
        let parts = set.parts.iter();
        parts.filter_map(|part| package(set.ceremony, set.quorum, part))
    });
    components.chain(shares).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use conclave_evidence::GroupId;
    use conclave_keyroom::domain::form::KeyForm;
    use conclave_keyroom::domain::key::{CheckValue, KeySource, WrappingMethod};
    use conclave_keyroom::domain::part_set::PartSet;

    fn kcv() -> CheckValue {
        CheckValue {
            value: "08D7B4".into(),
            method: "ENC-ZERO".into(),
        }
    }

    fn part(index: u8, of: u8, bag: &str) -> Component {
        Component {
            index,
            of,
            kcv: kcv(),
            custodian: Id([index; 16]),
            custodian_name: format!("MEMBER-{index}"),
            group: GroupId::CustodiansA,
            state: ComponentState::Sealed,
            envelope: Some(bag.into()),
            witness: None,
            printed_ms: Some(1),
            sealed_ms: Some(2),
            gone_ms: None,
            commitment: None,
            opened: None,
            proven_ms: None,
            doubted_ms: None,
            quarantine: None,
            backup: None,
            former: Vec::new(),
        }
    }

    /// A zone master key in two sealed components.
    pub fn sealed_key() -> KeyRecord {
        KeyRecord {
            id: Id([1; 16]),
            label: "BANK-LAKE.ZMK.001".into(),
            form: KeyForm::Tdes2,
            usage: "K0".into(),
            mode_of_use: "B".into(),
            exportability: "N".into(),
            template: "zmk-tdes2 v1".into(),
            kcv: kcv(),
            state: KeyState::Active,
            provider: "software".into(),
            ceremony: Id([2; 16]),
            created_ms: 0,
            expires_ms: u64::MAX,
            recipient_until_ms: None,
            wrapping: Some(WrappingMethod::Tr31B),
            components: vec![part(1, 2, "CE0000001"), part(2, 2, "CE0000002")],
            source: KeySource::Here,
            rsa: None,
            successor: None,
            exports: Vec::new(),
            begun_under: std::collections::BTreeSet::new(),
            others: Vec::new(),
            reissued: None,
            compromise: None,
        }
    }

    fn bags(key: &KeyRecord) -> Vec<&str> {
        packages(key).iter().map(|package| package.bag).collect()
    }

    #[test]
    fn only_what_lies_sealed_in_custody_has_papers() {
        let mut key = sealed_key();
        assert_eq!(bags(&key), ["CE0000001", "CE0000002"]);
        key.components[0].opened = Some(Id([9; 16]));
        assert_eq!(bags(&key), ["CE0000002"]);
        key.components[1].state = ComponentState::Entered;
        assert!(bags(&key).is_empty());
        for over in [KeyState::Void, KeyState::Destroyed] {
            let mut key = sealed_key();
            key.state = over;
            assert!(bags(&key).is_empty());
        }
    }

    #[test]
    fn shares_in_custody_have_papers_of_their_ceremony_and_former_ones_none() {
        let mut key = sealed_key();
        let set = |state, bag: &str| PartSet {
            ceremony: Id([0xAB; 16]),
            quorum: Some(2),
            state,
            parts: vec![part(3, 3, bag)],
            since_ms: 0,
            destroyed: Vec::new(),
        };
        key.others = vec![
            set(SetState::Former, "CE0000003"),
            set(SetState::Kept, "CE0000004"),
            set(SetState::Void, "CE0000005"),
        ];
        assert_eq!(bags(&key), ["CE0000001", "CE0000002", "CE0000004"]);
        let all = packages(&key);
        assert_eq!(all[0].part_words(), "COMPONENT 1 of 2");
        assert_eq!(all[0].ceremony_words(), "C02020202");
        assert_eq!(all[2].part_words(), "SHARE 3 of 3");
        assert_eq!(all[2].ceremony_words(), "CABABABAB");
        // New components: their ceremony is the one that printed them.
        key.reissued = Some(Id([7; 16]));
        assert_eq!(packages(&key)[0].ceremony_words(), "C07070707");
    }
}
