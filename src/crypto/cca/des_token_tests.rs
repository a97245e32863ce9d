//! Published tokens, byte for byte; each rule by a token that breaks it alone,
//! with the right validation value.

use proptest::prelude::*;

use super::*;
use crate::cca::KeyType;
use crate::primitive::vectors::{field, of, unhex};

fn secret(bytes: &[u8]) -> Secret {
    Secret::from_fn(bytes.len(), |to| to.copy_from_slice(bytes))
}

fn defaults(name: &str, len: usize) -> ControlVector {
    KeyType::named(name).unwrap().default_vector(len).unwrap()
}

#[test]
fn published_tokens() {
    for published in of("cca.json", "external_des_token") {
        let inputs = &published["inputs"];
        let (kek, key) = (secret(&field(inputs, "kek")), secret(&field(inputs, "key")));
        let vector = defaults(inputs["key_type"].as_str().unwrap(), key.len());
        let version = field(inputs, "token_version")[0];
        let token = DesToken::of_version(&kek, &key, vector, version).unwrap();
        let expected = field(&published["expected"], "token");
        assert_eq!(token.to_bytes().to_vec(), expected, "{published}");
        let read = DesToken::parse(&expected).unwrap();
        assert_eq!(read, token, "{published}");
        assert!(read.open(&kek).unwrap().ct_eq(key.expose()), "{published}");
    }
    for published in of("cca.json", "external_des_token_reject") {
        let token = field(&published["inputs"], "token");
        assert_eq!(DesToken::parse(&token), Err(TokenError::Tvv), "{published}");
    }
}

/// Written out in the project's fact sheet, calculated by hand there.
#[test]
fn tokens_with_and_without_a_control_vector() {
    let kek = secret(&unhex("0123456789ABCDEFFEDCBA9876543210"));
    let key = secret(&unhex("1313131313131313F8F8F8F8F8F8F8F8"));
    for (vector, expected) in [
        (
            defaults("OPINENC", 16),
            "020000000000C0000000000000000000769299292819C2D19F8FDD1A4490AB45\
             002477000341000000247700032100000000000000000000000000008B789259",
        ),
        (
            ControlVector::ZERO,
            "020000000100800000000000000000002ADB94D065A390918141BE13E13EE50F\
             00000000000000000000000000000000000000000000000000000010F6004893",
        ),
    ] {
        let token = DesToken::make(&kek, &key, vector).unwrap();
        let expected = unhex(expected);
        assert_eq!(token.to_bytes().to_vec(), expected);
        assert_eq!(DesToken::parse(&expected).unwrap(), token);
    }
}

/// The token with some bytes changed and its validation value made right.
fn altered(of: &[u8; TOKEN_LEN], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut token = of.to_vec();
    for (at, byte) in changes {
        token[*at] = *byte;
    }
    let sum = token_validation_value(&token);
    token[60..].copy_from_slice(&sum);
    token
}

#[test]
fn each_rule_by_a_token_that_breaks_it() {
    let kek = secret(&[0x23; 16]);
    let key = |len: usize| secret(&vec![0x45; len]);
    let double = DesToken::make(&kek, &key(16), defaults("MAC", 16))
        .unwrap()
        .to_bytes();
    let single = DesToken::make(&kek, &key(8), defaults("MAC", 8))
        .unwrap()
        .to_bytes();
    let zero = DesToken::make(&kek, &key(16), ControlVector::ZERO)
        .unwrap()
        .to_bytes();
    for (token, changes, expected) in [
        (&double, &[(0, 0x01)][..], TokenError::Internal),
        (&double, &[(0, 0x00)], TokenError::Null),
        (&double, &[(0, 0x1E)], TokenError::Identifier(0x1E)),
        (&double, &[(4, 0x10)], TokenError::Rkx),
        (&double, &[(4, 0x03)], TokenError::Version(3)),
        (&double, &[(1, 1)], TokenError::Reserved(1)),
        (&double, &[(3, 1)], TokenError::Reserved(3)),
        (&double, &[(5, 1)], TokenError::Reserved(5)),
        (&double, &[(15, 1)], TokenError::Reserved(15)),
        (&double, &[(58, 1)], TokenError::Reserved(58)),
        (&double, &[(6, 0x40)], TokenError::Clear),
        (&double, &[(6, 0x00)], TokenError::Clear),
        (&double, &[(6, 0xE0)], TokenError::Flags(0xE0)),
        (
            &double,
            &[(6, 0x80)],
            TokenError::Applied("a control vector that was not applied (NOCV)"),
        ),
        (
            &zero,
            &[(6, 0xC0)],
            TokenError::Applied("no control vector to apply"),
        ),
        (&double, &[(7, 0x80)], TokenError::Method(0x80)),
        (&double, &[(7, 0x01)], TokenError::Method(0x01)),
        (&double, &[(59, 0x10)], TokenError::Marks(0x10)),
        (&zero, &[(59, 0x00)], TokenError::Marks(0x00)),
        (&zero, &[(59, 0x30)], TokenError::Marks(0x30)),
        (&zero, &[(4, 0x00)], TokenError::Marks(0x10)),
        (&single, &[(4, 0x01)], TokenError::Version(1)),
        (&single, &[(24, 1)], TokenError::Part { len: 8, part: 2 }),
        (&single, &[(40, 1)], TokenError::Vector(CvError::Form(8))),
        (&double, &[(48, 1)], TokenError::Part { len: 16, part: 3 }),
        (
            &double,
            &[(34, 0x4C)],
            TokenError::Vector(CvError::Parity(2)),
        ),
        (
            &double,
            &[(45, 0x41)],
            TokenError::Vector(CvError::Form(16)),
        ),
        (
            &double,
            &[(37, 0x48), (45, 0x28)],
            TokenError::Vector(CvError::KeyPart),
        ),
    ] {
        let bytes = altered(token, changes);
        assert_eq!(DesToken::parse(&bytes), Err(expected), "{changes:?}");
    }
    let empty = altered(&[0; TOKEN_LEN], &[(0, 0x02), (6, 0x40)]);
    assert_eq!(DesToken::parse(&empty), Err(TokenError::NoKey));
    for len in [0, 63, 65] {
        assert_eq!(DesToken::parse(&vec![2; len]), Err(TokenError::Length(len)));
    }
    let enhanced = altered(&double, &[(7, 0x20)]);
    let enhanced = DesToken::parse(&enhanced).unwrap();
    assert_eq!(
        enhanced.open(&kek).err(),
        Some(TokenError::Wrapped(Wrapping::Enhanced))
    );
}

#[test]
fn lengths_that_do_not_go_together() {
    let cv = defaults("MAC", 16);
    let (key, kek) = (secret(&[1; 16]), secret(&[2; 16]));
    for len in [0, 8, 17, 32] {
        let short = secret(&vec![2; len]);
        assert_eq!(wrap(&short, &key, &cv), Err(TokenError::Transport(len)));
    }
    assert_eq!(
        wrap(&kek, &secret(&[1; 32]), &cv),
        Err(TokenError::KeyLength(32))
    );
    assert_eq!(
        wrap(&kek, &secret(&[1; 8]), &cv),
        Err(TokenError::Vector(CvError::Form(8)))
    );
    for (len, vector, version) in [
        (16, cv, 2),
        (8, defaults("MAC", 8), 1),
        (16, ControlVector::ZERO, 0),
    ] {
        assert_eq!(
            DesToken::of_version(&kek, &secret(&vec![1; len]), vector, version),
            Err(TokenError::Version(version))
        );
    }
}

proptest! {
    #[test]
    fn what_is_wrapped_opens_again(
        kek in prop::collection::vec(any::<u8>(), 24),
        key in prop::collection::vec(any::<u8>(), 24),
        row in 0..crate::cca::DEFAULTS.len(),
        long in any::<bool>(),
    ) {
        let kek = secret(if long { &kek } else { &kek[..16] });
        for len in [8, 16, 24] {
            let Ok(vector) = crate::cca::DEFAULTS[row].default_vector(len) else { continue };
            let key = secret(&key[..len]);
            let token = DesToken::make(&kek, &key, vector).unwrap();
            let read = DesToken::parse(&token.to_bytes()).unwrap();
            prop_assert_eq!(&read, &token);
            prop_assert!(read.open(&kek).unwrap().ct_eq(key.expose()));
            let other = if vector.is_zero() { defaults("DATA", len) } else { ControlVector::ZERO };
            prop_assert!(!read.open_as(&kek, &other).unwrap().ct_eq(key.expose()));
        }
    }

    /// The sum notices a changed byte, but not two that change places four apart.
    #[test]
    fn a_changed_byte_is_noticed(at in 0usize..64, by in 1u8..) {
        let kek = secret(&[0x23; 16]);
        let token = DesToken::make(&kek, &secret(&[0x45; 16]), defaults("MAC", 16)).unwrap();
        let mut bytes = token.to_bytes();
        bytes[at] ^= by;
        prop_assert!(DesToken::parse(&bytes).is_err());
    }

    #[test]
    fn whatever_is_read_is_written_the_same(mut bytes in prop::collection::vec(any::<u8>(), 64)) {
        bytes[0] = 2;
        bytes[4] &= 1;
        let sum = token_validation_value(&bytes);
        bytes[60..].copy_from_slice(&sum);
        if let Ok(token) = DesToken::parse(&bytes) {
            prop_assert_eq!(token.to_bytes().to_vec(), bytes);
        }
    }
}
