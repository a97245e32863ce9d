//! Published and computed values, and each mistake made on purpose.

use crate::primitive::modes::Algorithm;
use proptest::prelude::*;

use super::*;
use crate::primitive::shamir;
use crate::primitive::vectors::{field, of, unhex};
use crate::secret::testing::Seeded;

fn secrets(parts: &[Vec<u8>]) -> Vec<Secret> {
    parts.iter().map(|p| Secret::take(&mut p.clone())).collect()
}

fn explained(algorithm: Algorithm, parts: &[Vec<u8>], claim: &Claim) -> Option<Change> {
    let parts = secrets(parts);
    let all: Vec<&Secret> = parts.iter().collect();
    explain(algorithm, &all, claim).map(|fit| fit.change)
}

fn xor(parts: &[&Vec<u8>]) -> Vec<u8> {
    let mut sum = vec![0; parts[0].len()];
    for part in parts {
        for (a, b) in sum.iter_mut().zip(*part) {
            *a ^= b;
        }
    }
    sum
}

fn claim(method: Method, key: &[u8], digits: usize) -> Claim {
    let block = Kcv::block(method, key).unwrap();
    let hex: String = block.expose().iter().map(|b| format!("{b:02X}")).collect();
    Claim::new(&hex[..digits], method).unwrap()
}

fn three() -> Vec<Vec<u8>> {
    // P-KCV-029 of the vectors.
    [
        "2EAEB89927AC43036CB3C986FB728FE8",
        "C1A4B406066C714DB49D5D406BB16E34",
        "B615FA758BD3C80F0568A76931F636D8",
    ]
    .iter()
    .map(|hex| unhex(hex))
    .collect()
}

#[test]
fn published_components_have_their_published_values() {
    for (op, algorithm, names) in [
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
        let vectors = of("kcv.json", op);
        assert!(!vectors.is_empty());
        for vector in vectors {
            let parts: Vec<Vec<u8>> = vector["inputs"]["components"]
                .as_array()
                .unwrap()
                .iter()
                .map(|c| unhex(c.as_str().unwrap()))
                .collect();
            let key = xor(&parts.iter().collect::<Vec<_>>());
            for (name, method) in names {
                let value = field(&vector["expected"], name);
                let hex: String = value.iter().map(|b| format!("{b:02X}")).collect();
                let claim = Claim::new(&hex, *method).unwrap();
                assert!(claim.is_of(&key).unwrap(), "{vector}");
                assert_eq!(
                    explained(algorithm, &parts, &claim),
                    Some(Change::Nothing),
                    "{vector}"
                );
            }
        }
    }
}

#[test]
fn a_claim_is_hex_of_a_sensible_length_and_counts_from_six_digits() {
    for bad in ["", "08d7b4", "08D7G4", "08 D7", &"0".repeat(33)] {
        assert_eq!(Claim::new(bad, Method::TdesZero), None, "{bad}");
    }
    let key = unhex("0123456789ABCDEFFEDCBA9876543210");
    for (digits, counts) in [("08D7", false), ("08D7B4", true), ("08D7B4FB", false)] {
        let claim = Claim::new(digits, Method::TdesZero).unwrap();
        assert_eq!(claim.is_of(&key).unwrap(), counts, "{digits}");
    }
    assert!(
        !Claim::new("08D7B5", Method::TdesZero)
            .unwrap()
            .is_of(&key)
            .unwrap()
    );
}

#[test]
fn every_mistake_is_named() {
    let parts = three();
    let [a, b, c] = [&parts[0], &parts[1], &parts[2]];
    let key = xor(&[a, b, c]);
    let tdes = Algorithm::Tdes;
    let zero = Method::TdesZero;
    let swapped = [&key[8..], &key[..8]].concat();
    let cases: [(Vec<u8>, Change); 7] = [
        (a.clone(), Change::Only(1)),
        (xor(&[a, c]), Change::Without(2)),
        (xor(&[a, b, c, c]), Change::Without(3)),
        // The first taken in place of the second.
        (xor(&[a, a, c]), Change::Only(3)),
        (key[..8].to_vec(), Change::Shorter(8)),
        (swapped, Change::Swapped),
        (key.clone(), Change::Nothing),
    ];
    for (other, change) in cases {
        let claim = claim(zero, &other, 6);
        assert_eq!(explained(tdes, &parts, &claim), Some(change));
    }
    let mut four = three();
    four.push(unhex("3642CDA0913998CFBE5B1288C52E3E72"));
    let twice = xor(&[&four[0], &four[0], &four[2], &four[3]]);
    let claimed = claim(zero, &twice, 6);
    assert_eq!(
        explained(tdes, &four, &claimed),
        Some(Change::WithoutTwo(1, 2))
    );
}

#[test]
fn method_digits_parity_and_cipher_are_named_in_words() {
    let parts = three();
    let key = xor(&parts.iter().collect::<Vec<_>>());
    let said = |algorithm, claim: &Claim| {
        let parts = secrets(&parts);
        let all: Vec<&Secret> = parts.iter().collect();
        explain(algorithm, &all, claim).map(|fit| fit.to_string())
    };
    let aes = Algorithm::Aes;
    // AES-128: the partner's host still encrypts zeros.
    let zeros = claim(Method::AesZero, &key, 6);
    let as_cmac = Claim::new(&zeros.digits, Method::AesCmac).unwrap();
    assert_eq!(
        said(aes, &as_cmac).unwrap(),
        "it is this key's, by the method AES ENC-ZERO, not CMAC"
    );
    let four = claim(Method::AesCmac, &key, 4);
    assert_eq!(
        said(aes, &four).unwrap(),
        "it is this key's, and has 4 digits where 6 to 10 are compared (R7)"
    );
    let sixteen = claim(Method::TdesZero, &key, 16);
    assert!(
        said(Algorithm::Tdes, &sixteen)
            .unwrap()
            .contains("has 16 digits")
    );
    let mut odd = key.clone();
    set_odd_parity(&mut odd);
    assert_ne!(odd, key);
    let parity = claim(Method::AesCmac, &odd, 10);
    assert!(said(aes, &parity).unwrap().contains("odd parity"));
    let each: Vec<Vec<u8>> = parts
        .iter()
        .map(|p| {
            let mut p = p.clone();
            set_odd_parity(&mut p);
            p
        })
        .collect();
    let added = claim(Method::AesCmac, &xor(&each.iter().collect::<Vec<_>>()), 10);
    assert!(said(aes, &added).unwrap().contains("odd parity"));
    let other = claim(Method::TdesZero, &key, 6);
    let other = Claim::new(&other.digits, Method::AesCmac).unwrap();
    assert!(said(aes, &other).unwrap().contains("other cipher"));
    // Nothing that is said holds a digit of a key or a value.
    assert_eq!(
        said(aes, &Claim::new("000000", Method::AesCmac).unwrap()),
        None
    );
    assert_eq!(said(aes, &Claim::new("00", Method::AesCmac).unwrap()), None);
}

/// Shares of a key by the Shamir of the station, as they would lie on paper.
fn shares_of(key: &[u8]) -> Vec<shamir::Share> {
    let mut random = Seeded::new(7);
    shamir::split(&Secret::take(&mut key.to_vec()), 2, 3, &mut random).unwrap()
}

#[test]
fn a_wrong_number_of_a_share_is_named() {
    let mut key = unhex("0123456789ABCDEFFEDCBA9876543210");
    set_odd_parity(&mut key);
    let shares = shares_of(&key);
    let right = claim(Method::TdesZero, &key, 6);
    // Typed: the sheets of these numbers, said to be those.
    let explained = |sheets: [u8; 2], said: [u8; 2], claim: &Claim| {
        let join = |numbers: &[u8]| {
            let taken: Vec<shamir::Share> = sheets
                .iter()
                .zip(numbers)
                .map(|(sheet, x)| shamir::Share {
                    x: *x,
                    bytes: shares[usize::from(sheet - 1)].bytes.duplicate(),
                })
                .collect();
            shamir::put_together(&taken.iter().collect::<Vec<_>>(), 2).ok()
        };
        let joined = join(&said).unwrap();
        let fit = explain_shares(Algorithm::Tdes, &joined, (&said, 9), join, claim);
        fit.map(|fit| fit.change)
    };
    assert_eq!(
        explained([1, 3], [2, 3], &right),
        Some(Change::Numbered(2, 1))
    );
    assert_eq!(
        explained([3, 1], [1, 3], &right),
        Some(Change::NumbersSwapped(1, 3))
    );
    assert_eq!(explained([1, 3], [1, 3], &right), Some(Change::Nothing));
    let four = claim(Method::TdesZero, &key, 4);
    assert_eq!(explained([1, 3], [1, 3], &four), Some(Change::Nothing));
    // Four digits of many keys fit by chance: they are not asked about.
    assert_eq!(explained([1, 3], [2, 3], &four), None);
    let half = claim(Method::TdesZero, &key[..8], 6);
    assert_eq!(explained([1, 3], [1, 3], &half), Some(Change::Shorter(8)));
    let other = Claim::new("000000", Method::TdesZero).unwrap();
    assert_eq!(explained([1, 3], [1, 3], &other), None);
}

proptest! {
    #[test]
    fn a_right_value_is_right_and_a_wrong_digit_is_not(
        seed in prop::collection::vec(any::<u8>(), 96),
        (algorithm, len) in prop::sample::select(vec![
            (Algorithm::Tdes, 16usize), (Algorithm::Tdes, 24),
            (Algorithm::Aes, 16), (Algorithm::Aes, 24), (Algorithm::Aes, 32),
        ]),
        wrong in 0usize..6,
    ) {
        let key = &seed[..len];
        let method = Method::usual(algorithm);
        let right = claim(method, key, 6);
        prop_assert!(right.is_of(key).unwrap());
        let mut digits: Vec<char> = right.digits.chars().collect();
        digits[wrong] = if digits[wrong] == '0' { '1' } else { '0' };
        let claim = Claim::new(&digits.iter().collect::<String>(), method).unwrap();
        prop_assert!(!claim.is_of(key).unwrap());
    }
}
