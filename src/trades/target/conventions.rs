//! A cryptogram without a key block that does not give the key of the partner's
//! check value: which of the conventions that hosts have would give it?
//!
//! It runs inside the vault and names a convention, never a value. Each call
//! answers a question about the wrapping key, so whoever calls it counts the tries.

use conclave_crypto::cca::{DEFAULTS, DesToken};
use conclave_crypto::primitive::atalla_variant::{self, Variant};
use conclave_crypto::primitive::kcv_fit::{self, Change, Claim, Fit};
use conclave_crypto::primitive::key_scheme::{self, Scheme};
use conclave_crypto::primitive::modes::{Algorithm, Cipher};
use conclave_crypto::secret::Secret;

/// The schemes of payShield and X9.17.
const SCHEMES: [char; 4] = ['U', 'T', 'X', 'Y'];

/// Bytes of a key of TDES or AES.
const KEY_LENGTHS: [usize; 3] = [16, 24, 32];

/// The most bytes of a padding: a block of AES.
const PADDING_MOST: usize = 16;

/// A convention's name, and what it takes besides for the partner's value to fit.
type Found<T> = Option<(String, T)>;

/// The convention by which `cryptogram` under `wrapping`, both TDES of two or three
/// parts, gives a key of this check value.
pub(super) fn that_fits(wrapping: &Secret, cryptogram: &[u8], claim: &Claim) -> Option<String> {
    let fits = |key: &Secret| claim.is_of(key.expose()).unwrap_or(false).then_some(());
    tdes(wrapping, cryptogram, &fits).map(|(convention, ())| convention)
}

/// The same with the check value made another way too: by another method, or of a key
/// whose parity was set. A value of fewer digits would fit one of so many by chance.
pub(super) fn that_fits_otherwise(
    wrapping: &Secret,
    cryptogram: &[u8],
    claim: &Claim,
) -> Found<Fit> {
    let fits = |key: &Secret| otherwise(Algorithm::Tdes, key, claim);
    tdes(wrapping, cryptogram, &fits)
}

/// What makes a value that of this very key.
fn otherwise(kind: Algorithm, key: &Secret, claim: &Claim) -> Option<Fit> {
    kcv_fit::explain(kind, &[key], claim).filter(|fit| {
        fit.digits >= kcv_fit::FEWEST && matches!(fit.change, Change::Nothing | Change::Parity)
    })
}

/// The convention by which `cryptogram` under an AES key gives a key of this check
/// value, where neither of the key wraps opened it.
pub(super) fn that_fits_aes(
    wrapping: &Secret,
    cryptogram: &[u8],
    claims: &[(Algorithm, &Claim)],
) -> Found<Option<Fit>> {
    for (name, key) in plain(Algorithm::Aes, wrapping, cryptogram) {
        for (kind, claim) in claims {
            if claim.is_of(key.expose()).unwrap_or(false) {
                return Some((name, None));
            }
            if let Some(fit) = otherwise(*kind, &key, claim) {
                return Some((name, Some(fit)));
            }
        }
    }
    None
}

/// Without any scheme: block by block, and chained from zeros; the whole of it, and
/// what is left where a padding is cut.
fn plain(
    cipher: Algorithm,
    wrapping: &Secret,
    cryptogram: &[u8],
) -> impl Iterator<Item = (String, Secret)> {
    let open = move |chained: bool| {
        let cipher = Cipher::new(cipher, wrapping.expose()).ok()?;
        let mut key = Secret::from_fn(cryptogram.len(), |to| to.copy_from_slice(cryptogram));
        match chained {
            true => cipher.cbc_decrypt(&[0; 16][..cipher.block_len()], key.expose_mut()),
            false => cipher.ecb_decrypt(key.expose_mut()),
        }
        .ok()?;
        Some(key)
    };
    let names = [("ECB, block by block", false), ("CBC from a zero IV", true)];
    names.into_iter().flat_map(move |(name, chained)| {
        let opened = open(chained);
        let cut = opened.as_ref().map(unpadded).unwrap_or_default();
        let cut = cut
            .into_iter()
            .map(move |(padding, key)| (format!("{name}, {padding} cut"), key));
        let whole = opened.into_iter().map(move |key| (name.to_owned(), key));
        whole.chain(cut)
    })
}

/// Keys of two, three or four blocks of 8 bytes before a padding of at most one block
/// of AES: by PKCS#7, by ISO/IEC 9797-1 method 2 (80 00), and by zeros.
fn unpadded(plain: &Secret) -> Vec<(&'static str, Secret)> {
    let mut found = Vec::new();
    for len in KEY_LENGTHS {
        let Some((_, rest)) = plain.expose().split_at_checked(len) else {
            continue;
        };
        let [first, after @ ..] = rest else { continue };
        if rest.len() > PADDING_MOST {
            continue;
        }
        let zeros = after.iter().all(|byte| *byte == 0);
        let padding = match *first {
            _ if rest.iter().all(|byte| usize::from(*byte) == rest.len()) => "PKCS#7 padding",
            0x80 if zeros => "80 00 padding",
            0x00 if zeros => "zero padding",
            _ => continue,
        };
        found.extend(plain.part(0..len).map(|key| (padding, key)));
    }
    found
}

fn tdes<T>(wrapping: &Secret, cryptogram: &[u8], fits: &dyn Fn(&Secret) -> Option<T>) -> Found<T> {
    let also = |(convention, fit): (String, T), what: &str| {
        let convention = format!("{convention}, with the halves of the {what} changed");
        (convention, fit)
    };
    by_host(wrapping, cryptogram, fits)
        .or_else(|| {
            let found = by_host(&turned(wrapping)?, cryptogram, fits)?;
            Some(also(found, "wrapping key"))
        })
        .or_else(|| {
            let bytes = Secret::from_fn(cryptogram.len(), |to| to.copy_from_slice(cryptogram));
            let found = by_host(wrapping, turned(&bytes)?.expose(), fits)?;
            Some(also(found, "cryptogram"))
        })
}

fn by_host<T>(
    wrapping: &Secret,
    cryptogram: &[u8],
    fits: &dyn Fn(&Secret) -> Option<T>,
) -> Found<T> {
    let schemes = SCHEMES.into_iter().filter_map(Scheme::from_letter);
    for scheme in schemes.filter(|scheme| scheme.key_len() == cryptogram.len()) {
        let key = key_scheme::unwrap(scheme, wrapping, cryptogram).ok();
        if let Some(fit) = key.and_then(|key| fits(&key)) {
            return Some((format!("scheme {scheme}"), fit));
        }
    }
    // The whole of it block by block is scheme X or Y, which were tried.
    for (name, key) in plain(Algorithm::Tdes, wrapping, cryptogram) {
        if let Some(fit) = fits(&key).filter(|_| matches!(key.len(), 16 | 24)) {
            return Some((name, fit));
        }
    }
    // Variant 0 is X9.17, which was tried.
    for variant in (1..=31).filter_map(Variant::new) {
        let key = atalla_variant::unwrap(variant, wrapping, cryptogram).ok();
        if let Some(fit) = key.and_then(|key| fits(&key)) {
            let (number, meaning) = (variant.number(), variant.meaning());
            return Some((format!("Atalla variant {number} ({meaning})"), fit));
        }
    }
    for kind in &DEFAULTS {
        let Ok(vector) = kind.default_vector(cryptogram.len()) else {
            continue;
        };
        // A vector of another kind of wrapping is none for this cryptogram.
        let token = DesToken::around(cryptogram, vector);
        let key = token.and_then(|token| token.open(wrapping)).ok();
        if let Some(fit) = key.and_then(|key| fits(&key)) {
            return Some((format!("IBM CCA, control vector of {}", kind.name), fit));
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
