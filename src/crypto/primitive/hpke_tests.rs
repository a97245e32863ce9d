//! RFC 9180's own vector for this KEM, the `hpke` crate as a second opinion, and
//! hostile input.

use std::cell::Cell;

use hpke::{Deserializable, OpModeR, OpModeS, Serializable};
use proptest::prelude::*;

use super::*;
use crate::primitive::vectors::{field, file};
use crate::secret::testing::Seeded;

type Kem = hpke::kem::DhP256HkdfSha256;
type Kdf = hpke::kdf::HkdfSha256;
type Aead = hpke::aead::AesGcm256;

fn pair(mut scalar: Vec<u8>) -> KeyPair {
    KeyPair::from_secret(Secret::take(&mut scalar)).unwrap()
}

/// RFC 9180 A.3.1: the KEM does not depend on the AEAD, so its shared secret is
/// an official answer for this suite too.
#[test]
fn the_rfc_s_shared_secret() {
    let vector = &file("hpke.json")[0];
    let (ephemeral, recipient) = (pair(field(vector, "skEm")), pair(field(vector, "skRm")));
    assert_eq!(ephemeral.public().to_vec(), field(vector, "enc"));
    assert_eq!(recipient.public().to_vec(), field(vector, "pkRm"));
    let dh = recipient.diffie_hellman(ephemeral.public()).unwrap();
    let shared = shared_secret(&dh, ephemeral.public(), recipient.public()).unwrap();
    assert!(shared.ct_eq(&field(vector, "shared_secret")));
}

#[test]
fn a_hostile_point_never_reaches_the_private_key() {
    let recipient = KeyPair::generate(&mut Seeded::new(1)).unwrap();
    let (enc, sealed) = seal_to(recipient.public(), b"", b"", b"x", &mut Seeded::new(2)).unwrap();
    let mut bad = enc;
    bad[40] ^= 1;
    let asked = Cell::new(0);
    let card = |_: &[u8; 65]| {
        asked.set(asked.get() + 1);
        Err("no card")
    };
    let opened = open_with(&bad, recipient.public(), card, b"", b"", &sealed);
    assert_eq!(opened.err(), Some(OpenError::NotAPoint));
    assert_eq!(asked.get(), 0);
    let opened = open_with(&enc, recipient.public(), card, b"", b"", &sealed);
    assert_eq!(opened.err(), Some(OpenError::DiffieHellman("no card")));
    assert_eq!(asked.get(), 1);
}

#[test]
fn an_answer_of_another_length_is_refused() {
    let recipient = KeyPair::generate(&mut Seeded::new(1)).unwrap();
    let (enc, sealed) = seal_to(recipient.public(), b"", b"", b"x", &mut Seeded::new(2)).unwrap();
    for len in [0, 31, 33] {
        let card = |_: &[u8; 65]| Ok::<_, ()>(Secret::zeroed(len));
        let opened = open_with(&enc, recipient.public(), card, b"", b"", &sealed);
        assert_eq!(opened.err(), Some(OpenError::AnswerLength(len)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_hpke_crate_opens_ours_and_we_open_its(
        seed in any::<u64>(),
        info in prop::collection::vec(any::<u8>(), 0..60),
        aad in prop::collection::vec(any::<u8>(), 0..60),
        plain in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let recipient = KeyPair::generate(&mut Seeded::new(seed)).unwrap();
        let (enc, sealed) = seal_to(recipient.public(), &info, &aad, &plain, &mut Seeded::new(!seed)).unwrap();
        let theirs = <Kem as hpke::Kem>::PrivateKey::from_bytes(recipient.secret().expose()).unwrap();
        let their_enc = <Kem as hpke::Kem>::EncappedKey::from_bytes(&enc).unwrap();
        let opened = hpke::single_shot_open::<Aead, Kdf, Kem>(&OpModeR::Base, &theirs, &their_enc, &info, &sealed, &aad);
        prop_assert_eq!(opened.unwrap(), plain.clone());

        let public = <Kem as hpke::Kem>::PublicKey::from_bytes(recipient.public()).unwrap();
        let (enc, sealed) = hpke::single_shot_seal::<Aead, Kdf, Kem>(&OpModeS::Base, &public, &info, &plain, &aad).unwrap();
        let enc: [u8; 65] = enc.to_bytes().as_slice().try_into().unwrap();
        prop_assert!(open(&enc, &recipient, &info, &aad, &sealed).unwrap().ct_eq(&plain));
        let more = [&info[..], b"x"].concat();
        prop_assert_eq!(open(&enc, &recipient, &more, &aad, &sealed).err(), Some(OpenError::DoesNotOpen));
        let other = KeyPair::generate(&mut Seeded::new(seed ^ 5)).unwrap();
        prop_assert_eq!(open(&enc, &other, &info, &aad, &sealed).err(), Some(OpenError::DoesNotOpen));
    }
}
