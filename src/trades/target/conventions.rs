//! A cryptogram without a key block that does not give the key of the partner's
//! check value: which of the conventions that hosts have would give it?
//!
//! It runs inside the vault and names a convention, never a value. Each call
//! answers a question about the wrapping key, so whoever calls it counts the tries.

use conclave_crypto::cca::{DEFAULTS, DesToken};
use conclave_crypto::primitive::atalla_variant::{self, Variant};
use conclave_crypto::primitive::kcv_fit::Claim;
use conclave_crypto::primitive::key_scheme::{self, Scheme};
use conclave_crypto::secret::Secret;

/// The schemes of payShield and X9.17.
const SCHEMES: [char; 4] = ['U', 'T', 'X', 'Y'];

/// The convention by which `cryptogram` under `wrapping`, both TDES of two or three
/// parts, gives a key of this check value.
pub(super) fn that_fits(wrapping: &Secret, cryptogram: &[u8], claim: &Claim) -> Option<String> {
    by_host(wrapping, cryptogram, claim)
        .or_else(|| {
            let turned = turned(wrapping)?;
            let convention = by_host(&turned, cryptogram, claim)?;
            Some(format!(
                "{convention}, with the halves of the wrapping key changed"
            ))
        })
        .or_else(|| {
            let bytes = Secret::from_fn(cryptogram.len(), |to| to.copy_from_slice(cryptogram));
            let convention = by_host(wrapping, turned(&bytes)?.expose(), claim)?;
            Some(format!(
                "{convention}, with the halves of the cryptogram changed"
            ))
        })
}

fn by_host(wrapping: &Secret, cryptogram: &[u8], claim: &Claim) -> Option<String> {
    let fits = |key: &Secret| claim.is_of(key.expose()).unwrap_or(false);
    let schemes = SCHEMES.into_iter().filter_map(Scheme::from_letter);
    for scheme in schemes.filter(|scheme| scheme.key_len() == cryptogram.len()) {
        if key_scheme::unwrap(scheme, wrapping, cryptogram).is_ok_and(|key| fits(&key)) {
            return Some(format!("scheme {scheme}"));
        }
    }
    // Variant 0 is X9.17, which was tried.
    for variant in (1..=31).filter_map(Variant::new) {
        if atalla_variant::unwrap(variant, wrapping, cryptogram).is_ok_and(|key| fits(&key)) {
            return Some(format!(
                "Atalla variant {} ({})",
                variant.number(),
                variant.meaning()
            ));
        }
    }
    for kind in &DEFAULTS {
        let Ok(vector) = kind.default_vector(cryptogram.len()) else {
            continue;
        };
        // A vector of another kind of wrapping is none for this cryptogram.
        let token = DesToken::around(cryptogram, vector);
        let key = token.and_then(|token| token.open(wrapping));
        if key.is_ok_and(|key| fits(&key)) {
            return Some(format!("IBM CCA, control vector of {}", kind.name));
        }
    }
    None
}

/// Two halves the other way round.
pub(super) fn turned(key: &Secret) -> Option<Secret> {
    let (left, right) = (key.part(0..8)?, key.part(8..16)?);
    (key.len() == 16).then(|| {
        Secret::from_fn(16, |to| {
            to[..8].copy_from_slice(right.expose());
            to[8..].copy_from_slice(left.expose());
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_crypto::cca::KeyType;
    use conclave_crypto::primitive::kcv::{Kcv, Method};

    fn secret(bytes: &[u8]) -> Secret {
        Secret::from_fn(bytes.len(), |to| to.copy_from_slice(bytes))
    }

    #[test]
    fn the_convention_is_named() {
        let wrapping = secret(&[
            0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54,
            0x32, 0x10,
        ]);
        let key = secret(&[[0x13; 8], [0xF8; 8]].concat());
        let kcv = Kcv::compute(Method::TdesZero, key.expose()).unwrap();
        let claim = Claim::new(&kcv.hex(), Method::TdesZero).unwrap();
        let scheme = |letter| {
            key_scheme::wrap(Scheme::from_letter(letter).unwrap(), &wrapping, &key).unwrap()
        };
        let atalla =
            |number| atalla_variant::wrap(Variant::new(number).unwrap(), &wrapping, &key).unwrap();
        let vector = KeyType::named("OPINENC")
            .unwrap()
            .default_vector(16)
            .unwrap();
        let cca = conclave_crypto::cca::wrap(&wrapping, &key, &vector).unwrap();
        // The value that targets of CCA show for this very key.
        assert_eq!(cca[..4], [0x76, 0x92, 0x99, 0x29]);
        let mut other_way = scheme('X');
        other_way.rotate_left(8);
        for (cryptogram, name) in [
            (scheme('U'), "scheme U"),
            (scheme('X'), "scheme X"),
            (atalla(1), "Atalla variant 1 (PIN encryption)"),
            (
                atalla(17),
                "Atalla variant 17 (no meaning that is published)",
            ),
            (cca, "IBM CCA, control vector of OPINENC"),
            (
                other_way,
                "scheme X, with the halves of the cryptogram changed",
            ),
        ] {
            assert_eq!(
                that_fits(&wrapping, &cryptogram, &claim).as_deref(),
                Some(name)
            );
        }
        let turned = turned(&wrapping).unwrap();
        let cryptogram =
            key_scheme::wrap(Scheme::from_letter('X').unwrap(), &turned, &key).unwrap();
        let found = that_fits(&wrapping, &cryptogram, &claim).unwrap();
        assert!(
            found.ends_with("halves of the wrapping key changed"),
            "{found}"
        );
        assert_eq!(that_fits(&wrapping, &[0x77; 16], &claim), None);
        assert_eq!(that_fits(&wrapping, &[0x77; 8], &claim), None);
    }
}
