//! Key components: full length, combined by XOR (R2, R5).

use thiserror::Error;

use super::des_keys::{self, DesKeyError};
use super::key_kind::KeyKind;
use crate::secret::{RandomError, RandomSource, Secret};

/// Fewest and most components of a key (R2).
pub const COUNT: std::ops::RangeInclusive<usize> = 2..=9;

/// Why components do not make a key. Positions are counted from 1, as the
/// custodians are.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ComponentError {
    /// Fewer than two or more than nine.
    #[error("a key has 2 to 9 components, not {0}")]
    Count(usize),
    /// No key of this kind has this length; a half is not a component.
    #[error("component {position} has {len} bytes, which is no full key")]
    Length {
        /// Which component.
        position: usize,
        /// Its bytes.
        len: usize,
    },
    /// A component of another length than the first.
    #[error("component {position} has {len} bytes, the first has {first}")]
    Unequal {
        /// Which component.
        position: usize,
        /// Its bytes.
        len: usize,
        /// Bytes of the first.
        first: usize,
    },
    /// A component of zeros leaves the key to the others.
    #[error("component {0} is all zero")]
    Zero(usize),
    /// All components are one and the same.
    #[error("all components are equal")]
    AllEqual,
    /// The key that came out is zero.
    #[error("the components cancel out: the key is all zero")]
    KeyZero,
    /// The key that came out is no fit DES key.
    #[error("the key is not fit: {0}")]
    Key(#[from] DesKeyError),
    /// No randomness to split with.
    #[error(transparent)]
    Random(#[from] RandomError),
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |any, byte| any | byte) == 0
}

/// Zero as the cipher sees it: DES does not see the parity bits.
fn is_zero_key(kind: KeyKind, bytes: &[u8]) -> bool {
    match kind {
        KeyKind::Aes | KeyKind::Hmac | KeyKind::RsaPrime => is_zero(bytes),
        KeyKind::Tdes => bytes.iter().fold(0, |any, byte| any | (byte & 0xFE)) == 0,
    }
}

/// Checks one component by itself, so that the screen can say at once which one
/// is wrong. `position` is counted from 1.
pub fn check_one(
    kind: impl Into<KeyKind>,
    position: usize,
    component: &Secret,
) -> Result<(), ComponentError> {
    let (kind, len) = (kind.into(), component.len());
    if !kind.takes_len(len) {
        return Err(ComponentError::Length { position, len });
    }
    if is_zero_key(kind, component.expose()) {
        return Err(ComponentError::Zero(position));
    }
    Ok(())
}

fn check_key(kind: KeyKind, key: &Secret) -> Result<(), ComponentError> {
    if is_zero_key(kind, key.expose()) {
        return Err(ComponentError::KeyZero);
    }
    if kind == KeyKind::Tdes {
        des_keys::check(key.expose())?;
    }
    Ok(())
}

/// Combines components into a key. A TDES key leaves with odd parity; any other
/// is the plain sum.
pub fn combine(kind: impl Into<KeyKind>, components: &[&Secret]) -> Result<Secret, ComponentError> {
    let kind = kind.into();
    let first = match components {
        [first, ..] if COUNT.contains(&components.len()) => first,
        _ => return Err(ComponentError::Count(components.len())),
    };
    let mut key = Secret::zeroed(first.len());
    for (index, component) in components.iter().enumerate() {
        check_one(kind, index + 1, component)?;
        key.xor_in_place(component).ok_or(ComponentError::Unequal {
            position: index + 1,
            len: component.len(),
            first: first.len(),
        })?;
    }
    if components.iter().all(|c| c.ct_eq(first.expose())) {
        return Err(ComponentError::AllEqual);
    }
    if kind == KeyKind::Tdes {
        des_keys::set_odd_parity(key.expose_mut());
    }
    check_key(kind, &key)?;
    Ok(key)
}

/// Splits a key into `count` components that [`combine`] puts together again.
/// All but the last are random; for TDES each has odd parity, as custodians'
/// forms and other hosts expect.
pub fn split(
    kind: impl Into<KeyKind>,
    key: &Secret,
    count: usize,
    random: &mut dyn RandomSource,
) -> Result<Vec<Secret>, ComponentError> {
    let kind = kind.into();
    if !COUNT.contains(&count) {
        return Err(ComponentError::Count(count));
    }
    if !kind.takes_len(key.len()) {
        return Err(ComponentError::Length {
            position: 1,
            len: key.len(),
        });
    }
    check_key(kind, key)?;
    loop {
        let mut components = Vec::with_capacity(count);
        let mut last = key.duplicate();
        for _ in 1..count {
            let mut component = random.secret_bytes(key.len())?;
            if kind == KeyKind::Tdes {
                des_keys::set_odd_parity(component.expose_mut());
            }
            // The lengths are equal: both are the key's.
            let _ = last.xor_in_place(&component);
            components.push(component);
        }
        if kind == KeyKind::Tdes {
            des_keys::set_odd_parity(last.expose_mut());
        }
        components.push(last);
        // By chance (2^-112 at most) a set breaks a rule; then it is drawn anew.
        let all: Vec<&Secret> = components.iter().collect();
        match combine(kind, &all) {
            Err(ComponentError::Zero(_) | ComponentError::AllEqual) => {}
            Err(other) => return Err(other),
            Ok(_) => return Ok(components),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::kcv::{Kcv, Method};
    use crate::primitive::modes::Algorithm;
    use crate::primitive::vectors::{field, of, unhex};
    use crate::secret::testing::Seeded;
    use proptest::prelude::*;

    fn secrets(parts: &[&[u8]]) -> Vec<Secret> {
        parts
            .iter()
            .map(|p| Secret::take(&mut p.to_vec()))
            .collect()
    }

    fn try_combine(algorithm: Algorithm, parts: &[&[u8]]) -> Result<Vec<u8>, ComponentError> {
        let parts = secrets(parts);
        combine(algorithm, &parts.iter().collect::<Vec<_>>()).map(|key| key.expose().to_vec())
    }

    #[test]
    fn published_sums() {
        for (op, algorithm, methods) in [
            (
                "xor_components",
                Algorithm::Tdes,
                &[("kcv", Method::TdesZero)][..],
            ),
            (
                "xor_components_aes",
                Algorithm::Aes,
                &[("kcv_cmac", Method::AesCmac), ("kcv_zero", Method::AesZero)],
            ),
        ] {
            for vector in of("kcv.json", op) {
                let parts: Vec<Vec<u8>> = vector["inputs"]["components"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|c| unhex(c.as_str().unwrap()))
                    .collect();
                let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                // One published example has a component of zeros, which is refused.
                if let Some(zero) = parts.iter().position(|part| is_zero(part)) {
                    let refused = Err(ComponentError::Zero(zero + 1));
                    assert_eq!(try_combine(algorithm, &parts), refused);
                    continue;
                }
                let key = try_combine(algorithm, &parts).unwrap();
                let mut expected = field(&vector["expected"], "key");
                for (name, method) in methods {
                    let kcv = Kcv::compute(*method, &key).unwrap();
                    assert_eq!(kcv.bytes(), field(&vector["expected"], name), "{vector}");
                }
                if algorithm == Algorithm::Tdes {
                    // The vectors leave parity as the sum has it.
                    des_keys::set_odd_parity(&mut expected);
                }
                assert_eq!(key, expected, "{vector}");
            }
        }
    }

    #[test]
    fn each_rule_refuses_by_name() {
        let a = unhex("0123456789ABCDEF1032547698BADCFE");
        let b = unhex("8FCE0A4DD1C2A81B3E94F170255BC68A");
        let long = [&a[..], &b[..8]].concat();
        let zero = [0; 16];
        let tdes = Algorithm::Tdes;
        let cases: [(&[&[u8]], ComponentError); 8] = [
            (&[], ComponentError::Count(0)),
            (&[&a], ComponentError::Count(1)),
            (&[&a[..]; 10], ComponentError::Count(10)),
            (
                &[&a[..8], &b[..8]],
                ComponentError::Length {
                    position: 1,
                    len: 8,
                },
            ),
            (
                &[&a, &long],
                ComponentError::Unequal {
                    position: 2,
                    len: 24,
                    first: 16,
                },
            ),
            (&[&a, &zero], ComponentError::Zero(2)),
            (&[&a, &a, &a], ComponentError::AllEqual),
            (&[&a, &b, &a, &b], ComponentError::KeyZero),
        ];
        for (parts, expected) in cases {
            assert_eq!(try_combine(tdes, parts), Err(expected));
        }
        // Equal halves in the sum.
        let halves = [&a[..8], &a[..8]].concat();
        let mask: Vec<u8> = halves.iter().zip(&b).map(|(x, y)| x ^ y).collect();
        assert_eq!(
            try_combine(tdes, &[&b, &mask]),
            Err(ComponentError::Key(DesKeyError::EqualParts(1, 2)))
        );
        // For AES a key with equal halves is as good as any.
        assert!(try_combine(Algorithm::Aes, &[&b, &mask]).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_split_combines_again(
            (kind, len) in prop::sample::select(vec![
                (KeyKind::Tdes, 16usize), (KeyKind::Tdes, 24),
                (KeyKind::Aes, 16), (KeyKind::Aes, 24), (KeyKind::Aes, 32),
                (KeyKind::Hmac, 32), (KeyKind::Hmac, 48), (KeyKind::Hmac, 64),
                (KeyKind::RsaPrime, 128), (KeyKind::RsaPrime, 192), (KeyKind::RsaPrime, 256),
            ]),
            count in 2usize..=9,
            seed in any::<u64>(),
        ) {
            let mut random = Seeded::new(seed);
            let mut key = random.secret_bytes(len).unwrap();
            if kind == KeyKind::Tdes {
                des_keys::set_odd_parity(key.expose_mut());
            }
            let parts = split(kind, &key, count, &mut random).unwrap();
            prop_assert_eq!(parts.len(), count);
            for part in &parts {
                prop_assert!(!part.ct_eq(key.expose()));
                if kind == KeyKind::Tdes {
                    prop_assert_eq!(des_keys::first_even_byte(part.expose()), None);
                }
            }
            let again = combine(kind, &parts.iter().collect::<Vec<_>>()).unwrap();
            prop_assert!(again.ct_eq(key.expose()));
            if count > 2 {
                let fewer = combine(kind, &parts[1..].iter().collect::<Vec<_>>());
                prop_assert!(!fewer.is_ok_and(|k| k.ct_eq(key.expose())));
            }
        }
    }
}
