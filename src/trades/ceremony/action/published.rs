//! Keys that anybody can read in a manual are no keys: outside TEST none comes
//! in, and none leaves or wraps what leaves.

use conclave_crypto::primitive::published::published;
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::provider::StoredKey;

/// The rule for a key that is open at the moment.
///
/// # Errors
/// [`ActionError::Rule`]
pub(crate) fn refuse_published(mode: Mode, label: &str, key: &Secret) -> Result<(), ActionError> {
    let known = match mode {
        Mode::Test => None,
        Mode::Production => published(key),
    };
    match known {
        None => Ok(()),
        Some(what) => Err(ActionError::rule(
            format!("{label} is a published test key ({what}): no secret outside TEST"),
            "make a key of your own, or ask the partner for one that nobody has printed",
        )),
    }
}

/// The same for a key as it is stored. On a TEST station it is not even opened.
///
/// # Errors
/// [`ActionError`]
pub(crate) fn not_published(
    permit: &mut Permit<'_>,
    label: &str,
    stored: &StoredKey,
) -> Result<(), ActionError> {
    let mode = permit.authority()?.mode;
    if mode == Mode::Test {
        return Ok(());
    }
    let mut told = Ok(());
    let (provider, mark, _) = permit.provider();
    provider.open(&mark, &[stored], &mut |keys| {
        if let [key] = keys {
            told = refuse_published(mode, label, key);
        }
    })?;
    told
}

#[cfg(test)]
mod tests {
    use conclave_crypto::primitive::lmk::Pair;

    use super::*;

    #[test]
    fn published_keys_are_refused_outside_test() {
        let mut lmk = 0x6161_6161_6161_6161_7070_7070_7070_7070_u128.to_be_bytes();
        let lmk = Secret::take(&mut lmk);
        assert!(refuse_published(Mode::Test, "ZMK.001", &lmk).is_ok());
        let Err(ActionError::Rule { rule, advice }) =
            refuse_published(Mode::Production, "ZMK.001", &lmk)
        else {
            panic!("taken");
        };
        assert!(rule.contains("ZMK.001") && rule.contains("06-07"), "{rule}");
        assert!(!rule.contains("6161") && !advice.is_empty());
        // Every pair of the test LMK, also those that wrap no key.
        for pair in Pair::all() {
            let told = refuse_published(Mode::Production, "LMK.PAIR", &pair.published());
            assert!(told.is_err(), "{pair}");
        }
        let own = Secret::take(&mut [0x5B; 16]);
        assert!(refuse_published(Mode::Production, "ZMK.001", &own).is_ok());
    }
}
