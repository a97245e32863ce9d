//! IBM CCA: tokens, statements and key parts judged by openssl and by a second
//! reader in Python; a token that openssl's cryptogram was put into is imported
//! and leaves again for ICSF, through the whole station.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "cca/judges.rs"]
mod judges;
#[path = "cca/loaders.rs"]
mod loaders;
#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;
#[path = "cca/station.rs"]
mod station;
#[path = "support/typist.rs"]
mod typist;

use conclave_crypto::cca::{ControlVector, DEFAULTS, DesToken, MasterKey, RsaToken, checksum};
use conclave_crypto::primitive::rsa::Public;
use conclave_crypto::secret::Secret;
use judges::{decrypted, numbers, openssl, read_again};
use typist::{hex, unhex};

fn secret(bytes: &[u8]) -> Secret {
    Secret::from_fn(bytes.len(), |to| to.copy_from_slice(bytes))
}

/// Every default type in every length: each part is what openssl encrypts under
/// the transport key with that half of the control vector, and the second
/// reader finds type and length.
#[test]
fn every_part_of_every_type_by_openssl() {
    let mut tokens = Vec::new();
    let mut seed = 7;
    for row in &DEFAULTS {
        for len in [8, 16, 24] {
            let Ok(vector) = row.default_vector(len) else {
                continue;
            };
            let kek = numbers(if seed % 2 == 0 { 16 } else { 24 }, &mut seed);
            let key = numbers(len, &mut seed);
            let token = DesToken::make(&secret(&kek), &secret(&key), vector).unwrap();
            for (at, part) in token.cryptogram().chunks(8).enumerate() {
                let half = vector.of_part(at);
                let with: Vec<u8> = kek
                    .iter()
                    .zip(half.iter().cycle())
                    .map(|(k, c)| k ^ c)
                    .collect();
                assert_eq!(
                    decrypted(&with, part),
                    key[8 * at..8 * at + 8],
                    "{} {len} part {at}",
                    row.name
                );
            }
            tokens.push((row.name, len, vector, token.to_bytes()));
        }
    }
    assert!(tokens.len() > 45, "{}", tokens.len());
    let questions = tokens
        .iter()
        .map(|(.., token)| format!("token {}", hex(token)));
    let answers = read_again(&questions.collect::<Vec<_>>());
    for ((name, len, vector, _), answer) in tokens.iter().zip(answers) {
        assert_eq!(answer, format!("{len} {name} {vector}"));
    }
}

#[test]
fn an_rsa_token_holds_what_openssl_made() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    openssl(at, &["genrsa", "-out", "pair.pem", "2048"]);
    openssl(
        at,
        &["rsa", "-in", "pair.pem", "-pubout", "-out", "public.pem"],
    );
    let said = openssl(
        at,
        &["rsa", "-pubin", "-in", "public.pem", "-modulus", "-noout"],
    );
    let public = Public::read(&std::fs::read(at.join("public.pem")).unwrap()).unwrap();
    let token =
        RsaToken::make(&public.exponent().to_be_bytes(), &public.modulus().unwrap()).unwrap();
    let modulus = said.trim().strip_prefix("Modulus=").unwrap();
    assert_eq!(hex(token.modulus()), modulus);
    let answer = read_again(&[format!("token {}", hex(&token.to_bytes()))]).remove(0);
    assert_eq!(answer, format!("10001 {}", modulus.trim_start_matches('0')));
}

/// Checksum, verification pattern and hash pattern, calculated a second time.
#[test]
fn key_parts_of_master_keys_are_calculated_again() {
    let mut seed = 3;
    let mut questions = Vec::new();
    let mut ours = Vec::new();
    for kind in MasterKey::ALL {
        for _ in 0..8 {
            let value = numbers(kind.len(), &mut seed);
            let part = secret(&value);
            let or_none = |bytes: Option<Vec<u8>>| bytes.map_or("-".to_owned(), |b| hex(&b));
            questions.push(format!("part {} {}", kind.name(), hex(&value)));
            ours.push(format!(
                "{:02X} {} {}",
                checksum(&part),
                or_none(
                    kind.verification_pattern(&part)
                        .unwrap()
                        .map(|b| b.expose().to_vec())
                ),
                or_none(
                    kind.hash_pattern(&part)
                        .unwrap()
                        .map(|b| b.expose().to_vec())
                )
            ));
        }
    }
    assert_eq!(read_again(&questions), ours);
}

/// Named files: what is wrong with each, as its name says.
#[test]
fn malformed_tokens_are_refused_by_name() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/malformed/cca");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        let expected = lines.next().unwrap().trim_start_matches("# ");
        let bytes = unhex(lines.next().unwrap());
        let why = match bytes.first() {
            Some(0x1E | 0x1F) => RsaToken::parse(&bytes).unwrap_err().to_string(),
            _ => DesToken::parse(&bytes).unwrap_err().to_string(),
        };
        assert!(why.contains(expected), "{}: {why}", path.display());
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
}

#[test]
fn a_zero_vector_is_plain_ecb() {
    let mut seed = 11;
    let (kek, key) = (numbers(16, &mut seed), numbers(24, &mut seed));
    let token = DesToken::make(&secret(&kek), &secret(&key), ControlVector::ZERO).unwrap();
    assert_eq!(decrypted(&kek, token.cryptogram()), key);
}
