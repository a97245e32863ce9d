//! Known answers of SP 800-38A and B, and inverses.

use super::*;
use crate::primitive::vectors::unhex;
use proptest::prelude::*;

const AES128: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const AES192: &str = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
const AES256: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";

fn aes(key: &str) -> Cipher {
    Cipher::new(Algorithm::Aes, &unhex(key)).unwrap()
}

/// SP 800-38A F.1.1, F.1.3, F.1.5.
#[test]
fn ecb_known_answers() {
    for (key, first) in [
        (AES128, "3ad77bb40d7a3660a89ecaf32466ef97"),
        (AES192, "bd334f1d6e45f25ff712a214571fa5cc"),
        (AES256, "f3eed1bdb5d2a03c064b5a7e3db181f8"),
    ] {
        let mut data = unhex(PLAIN);
        aes(key).ecb_encrypt(&mut data).unwrap();
        assert_eq!(data[..16], unhex(first));
    }
}

/// SP 800-38A F.2.1.
#[test]
fn cbc_known_answer() {
    let iv = unhex("000102030405060708090a0b0c0d0e0f");
    let mut data = unhex(PLAIN);
    aes(AES128).cbc_encrypt(&iv, &mut data).unwrap();
    let expected = "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2";
    assert_eq!(data, unhex(expected));
}

/// SP 800-38A F.5.1; the last byte of the counter carries.
#[test]
fn ctr_known_answer() {
    let counter = unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    let mut data = unhex(PLAIN);
    aes(AES128).ctr(&counter, &mut data).unwrap();
    let expected = "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff";
    assert_eq!(data, unhex(expected));
}

/// SP 800-38B D.1 and D.4 (examples of length 0 and 16 and of TDES).
#[test]
fn cmac_known_answers() {
    let plain = unhex(PLAIN);
    for (algorithm, key, len, expected) in [
        (
            Algorithm::Aes,
            AES128,
            0,
            "bb1d6929e95937287fa37d129b756746",
        ),
        (
            Algorithm::Aes,
            AES128,
            16,
            "070a16b46b4d4144f79bdd9dd04a287c",
        ),
        (
            Algorithm::Aes,
            AES192,
            16,
            "9e99a7bf31e710900662f65e617c5184",
        ),
        (
            Algorithm::Aes,
            AES256,
            16,
            "28a7023f452e8f82bd4bf28d8c37c35c",
        ),
        (
            Algorithm::Tdes,
            "8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5",
            8,
            "8e8f293136283797",
        ),
        (
            Algorithm::Tdes,
            "4cf15134a2850dd58a3d10ba80570d384cf15134a2850dd5",
            8,
            "4ff2ab813c53ce83",
        ),
    ] {
        let tag = cmac(algorithm, &unhex(key), &plain[..len]).unwrap();
        assert_eq!(tag.expose(), unhex(expected), "{key} {len}");
    }
}

/// FIPS 46-3 in the shape of SP 800-67: the text of SP 800-67 B.1.
#[test]
fn tdes_known_answer() {
    let key = unhex("0123456789abcdef23456789abcdef01456789abcdef0123");
    let mut data = *b"The qufck brown fox jump";
    let cipher = Cipher::new(Algorithm::Tdes, &key).unwrap();
    cipher.ecb_encrypt(&mut data).unwrap();
    let expected = "a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900";
    assert_eq!(data.to_vec(), unhex(expected));
}

/// A key of two equal halves is single DES; K1K2K1 is the same as K1K2.
#[test]
fn short_tdes_keys_are_repeated() {
    let key = unhex("0123456789abcdeffedcba9876543210");
    let long = [&key[..], &key[..8]].concat();
    let single = [&key[..8], &key[..8]].concat();
    let encrypt = |key: &[u8]| {
        let mut data = [0x5A; 8];
        let cipher = Cipher::new(Algorithm::Tdes, key).unwrap();
        cipher.ecb_encrypt(&mut data).unwrap();
        data
    };
    assert_eq!(encrypt(&key), encrypt(&long));
    assert_eq!(encrypt(&key[..8]), encrypt(&single));
    assert_ne!(encrypt(&key), encrypt(&single));
}

#[test]
fn wrong_lengths_are_named() {
    for (algorithm, len) in [
        (Algorithm::Tdes, 0),
        (Algorithm::Tdes, 32),
        (Algorithm::Aes, 8),
        (Algorithm::Aes, 31),
    ] {
        let expected = ModeError::KeyLength { algorithm, len };
        assert_eq!(Cipher::new(algorithm, &vec![1; len]).err(), Some(expected));
        assert_eq!(cmac(algorithm, &vec![1; len], b"").err(), Some(expected));
    }
    let cipher = aes(AES128);
    let data_length = ModeError::DataLength { len: 17, block: 16 };
    assert_eq!(cipher.ecb_encrypt(&mut [0; 17]), Err(data_length));
    assert_eq!(cipher.ecb_decrypt(&mut [0; 17]), Err(data_length));
    assert_eq!(cipher.cbc_encrypt(&[0; 16], &mut [0; 17]), Err(data_length));
    assert_eq!(cipher.cbc_decrypt(&[0; 16], &mut [0; 17]), Err(data_length));
    let iv_length = ModeError::IvLength { len: 8, block: 16 };
    assert_eq!(cipher.ctr(&[0; 8], &mut [0; 17]), Err(iv_length));
}

proptest! {
    #[test]
    fn decryption_inverts(
        (algorithm, key) in prop_oneof![
            (Just(Algorithm::Tdes), prop::sample::select(vec![8usize, 16, 24])),
            (Just(Algorithm::Aes), prop::sample::select(vec![16usize, 24, 32])),
        ].prop_flat_map(|(a, len)| (Just(a), prop::collection::vec(any::<u8>(), len))),
        iv in any::<[u8; 16]>(),
        blocks in 0usize..6,
        seed in any::<u8>(),
    ) {
        let cipher = Cipher::new(algorithm, &key).unwrap();
        let len = algorithm.block_len();
        let iv = &iv[..len];
        let plain: Vec<u8> = (0..blocks * len).map(|i| (i as u8).wrapping_mul(seed)).collect();
        let mut data = plain.clone();
        cipher.cbc_encrypt(iv, &mut data).unwrap();
        prop_assert!(blocks == 0 || data != plain);
        cipher.cbc_decrypt(iv, &mut data).unwrap();
        prop_assert_eq!(&data, &plain);
        cipher.ecb_encrypt(&mut data).unwrap();
        cipher.ecb_decrypt(&mut data).unwrap();
        prop_assert_eq!(&data, &plain);
        data.push(1);
        cipher.ctr(iv, &mut data).unwrap();
        cipher.ctr(iv, &mut data).unwrap();
        prop_assert_eq!(&data[..plain.len()], &plain[..]);
    }
}
