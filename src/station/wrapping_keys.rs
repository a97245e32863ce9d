//! Which keys are offered to wrap others under: active ones in their cryptoperiod. One
//! whose period is over opens what came under it, and nothing leaves under it: chosen,
//! it would end a ceremony with a void key.

use conclave_keyroom::domain::key::{KeyRecord, KeyState};
use conclave_keyroom::ports::dialogue::{PromptLine, Refusal};
use conclave_keyroom::vault::{KeyTraits, KeysOf};

use crate::station::Station;
use crate::words;

/// As the door says it of a key that is chosen all the same.
const OVER: &str = "Its cryptoperiod is over (R22): make a new key; where the clock is wrong, \
                    correct it first.";

/// Those, and the labels of the active ones whose period is over.
pub(crate) struct WrappingKeys {
    /// To choose from, by label.
    pub(crate) keys: Vec<KeyRecord>,
    over: Vec<String>,
}

impl WrappingKeys {
    /// Only these of them.
    pub(crate) fn retain(&mut self, fits: impl Fn(&KeyRecord) -> bool) {
        self.keys.retain(fits);
    }

    /// Why some are not offered.
    pub(crate) fn note(&self) -> Option<PromptLine> {
        let over = words::list(&self.over);
        (!self.over.is_empty()).then(|| PromptLine::note(format!("Not offered: {over}. {OVER}")))
    }

    /// There is none: what is said then.
    pub(crate) fn none(&self, happened: &str, advice: &str) -> Refusal {
        let over = match self.over.as_slice() {
            [] => String::new(),
            over => format!(" Not offered: {}. {OVER}", words::list(over)),
        };
        Refusal {
            happened: format!("{happened}{over}"),
            safe: "Nothing was changed.".into(),
            advice: advice.into(),
        }
    }
}

impl Station {
    /// Keys that others may be wrapped under today.
    pub(crate) fn wrapping_keys(&self) -> WrappingKeys {
        let now_ms = self.clock.wall_ms();
        let all = self.keys_of(KeysOf::Traits(KeyTraits::WRAPPING));
        let active = all.into_iter().filter(|k| k.state == KeyState::Active);
        let (keys, over): (Vec<_>, Vec<_>) = active.partition(|k| now_ms <= k.expires_ms);
        let over = over.into_iter().map(|key| key.label).collect();
        WrappingKeys { keys, over }
    }
}

#[cfg(test)]
mod tests {
    use super::WrappingKeys;

    /// Rule and remedy, as the door has them, and nothing where none is over.
    #[test]
    fn what_is_not_offered_is_named_with_rule_and_remedy() {
        let of = |over: &[&str]| WrappingKeys {
            keys: Vec::new(),
            over: over.iter().map(|label| (*label).to_owned()).collect(),
        };
        let told = of(&["A.ZMK.001", "B.ZMK.001"]).note().map(|line| line.text);
        let told = told.unwrap_or_default();
        assert!(
            told.starts_with("Not offered: A.ZMK.001 and B.ZMK.001."),
            "{told}"
        );
        assert!(
            told.contains("(R22)") && told.contains("correct it first"),
            "{told}"
        );
        let none = of(&["A.ZMK.001"]).none("There is none.", "Make one.");
        assert!(
            none.happened
                .starts_with("There is none. Not offered: A.ZMK.001.")
        );
        assert!(of(&[]).note().is_none());
        assert_eq!(
            of(&[]).none("There is none.", "").happened,
            "There is none."
        );
    }
}
