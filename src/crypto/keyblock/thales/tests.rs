use super::*;
use crate::keyblock::{Attributes, Kbpk};
use crate::primitive::modes::Algorithm as Cipher;
use crate::primitive::vectors::{field, of, unhex};
use crate::secret::{RandomError, RandomSource, Secret};
use proptest::prelude::*;

fn secret(bytes: &[u8]) -> Secret {
    Secret::from_fn(bytes.len(), |to| to.copy_from_slice(bytes))
}

fn tdes(hex: &str) -> Kbpk {
    Kbpk::new(Cipher::Tdes, secret(&unhex(hex))).unwrap()
}

const LMK: &str = "0123456789ABCDEF8080808080808080FEDCBA9876543210";
const BLOCK: &str = "S00072B0TN00E000256A37F894FD49E61DD3FA27FDE8919D07F7AA966F8BF39AB31D00034";

/// Reads each published block, and writes it again with the padding it had.
#[test]
fn published_blocks_both_ways() {
    for (op, cipher) in [
        ("keyblock_s_tdes", Cipher::Tdes),
        ("keyblock_s_aes", Cipher::Aes),
    ] {
        for vector in of("thales.json", op) {
            let text = vector["inputs"]["key_block"].as_str().unwrap();
            let lmk = secret(&field(&vector["inputs"], "lmk"));
            let lmk = Kbpk::new(cipher, lmk).unwrap();
            let found = ThalesBlock::parse(text.as_bytes())
                .unwrap()
                .unwrap(&lmk)
                .unwrap();
            assert!(
                found.key.ct_eq(&field(&vector["expected"], "key")),
                "{vector}"
            );
            assert_eq!(found.rule, Ok(()));
            let (attributes, id) = (found.header.attributes, found.header.lmk);
            let again = thales_wrap_with_padding(&lmk, &attributes, id, &found.key, &found.padding);
            assert_eq!(
                again.unwrap().trim_start_matches('S'),
                text.trim_start_matches('S')
            );
        }
    }
}

/// Each character of a block, changed, is noticed.
#[test]
fn no_character_can_be_changed() {
    let lmk = tdes(LMK);
    for at in 1..BLOCK.len() {
        for other in ['0', '1', 'A', 'E', 'N', 'S'] {
            let mut changed = BLOCK.to_owned();
            changed.replace_range(at..=at, &other.to_string());
            let read = ThalesBlock::parse(changed.as_bytes()).and_then(|b| b.unwrap(&lmk));
            assert_eq!(read.is_ok(), changed == BLOCK, "{at} {other}");
        }
    }
}

#[test]
fn what_is_no_block_is_named() {
    let parse = |text: &str| ThalesBlock::parse(text.as_bytes()).unwrap_err();
    let body = &BLOCK[17..];
    let with = |head: &str| format!("S{head}{body}");
    assert_eq!(parse(""), ThalesReadError::TooShort(0));
    assert_eq!(parse("S0007"), ThalesReadError::TooShort(4));
    assert_eq!(
        parse(&with("B0072B0TN00E0002")),
        ThalesReadError::Version('B')
    );
    assert_eq!(
        parse(&with("0007AB0TN00E0002")),
        ThalesReadError::LengthField
    );
    let length = ThalesReadError::Length {
        declared: 80,
        actual: 72,
    };
    assert_eq!(parse(&with("00080B0TN00E0002")), length);
    let lmk = ThalesReadError::Field("LMK identifier");
    assert_eq!(parse(&with("00072B0TN00E000F")), lmk);
    assert_eq!(parse(&with("00072B0TN00E00F0")), lmk);
    let mode = ThalesReadError::Field("mode of use");
    assert_eq!(parse(&with("00072B0TQ00E0002")), mode);
    assert_eq!(
        parse(&BLOCK.replace("56A3", "56a3")),
        ThalesReadError::NotHex(18)
    );
    assert_eq!(
        parse("00024B0TN00E000256A3F7AA"),
        ThalesReadError::PayloadLength(8)
    );
    assert_eq!(parse("S00072B0TN00E0002é"), ThalesReadError::NotAscii(16));
    assert_eq!(parse(&"0".repeat(10_001)), ThalesReadError::TooLong(10_001));
}

#[test]
fn rules_of_strength_and_of_ciphers() {
    let attributes = Attributes::parse("D0AB00E").unwrap();
    let key = secret(&[7; 16]);
    let random = &mut Fixed(3);
    assert!(matches!(
        thales_wrap(&tdes(LMK), &attributes, LmkId::EXPORT, &key, random),
        Err(ThalesWrapError::Rule(_))
    ));
    let aes = Kbpk::new(Cipher::Aes, secret(&[9; 32])).unwrap();
    let block = ThalesBlock::parse(BLOCK.as_bytes()).unwrap();
    assert!(matches!(
        block.unwrap(&aes).err(),
        Some(ThalesReadError::WrongKey { .. })
    ));
    let text = thales_wrap(&aes, &attributes, LmkId::EXPORT, &key, random).unwrap();
    assert!(text.starts_with("S10096D0AB00E00FF"));
    assert!(matches!(
        ThalesBlock::parse(text.as_bytes())
            .unwrap()
            .unwrap(&tdes(LMK))
            .err(),
        Some(ThalesReadError::WrongKey { .. })
    ));
}

#[test]
fn the_usage_table_is_one() {
    let usage = |text: &str| thales_usage(crate::keyblock::Usage::new(text).unwrap());
    assert_eq!(usage("72").unwrap().x9_143, Some("P0"));
    assert_eq!(usage("52").unwrap().x9_143, Some("K0"));
    assert_eq!(usage("99"), None);
    let allows = |said: &str| {
        let of = Attributes::parse(said).unwrap();
        thales_usage(of.usage).is_some_and(|row| row.allows(of.algorithm, of.mode))
    };
    assert!(allows("72TB00E"));
    assert!(!allows("72TC00E"));
    assert!(!allows("E4AN00E"));
}

struct Fixed(u8);

impl RandomSource for Fixed {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        buf.fill(self.0);
        Ok(())
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(
        key in prop::collection::vec(any::<u8>(), 32),
        under in prop::collection::vec(any::<u8>(), 32),
        aes in any::<bool>(), long in any::<bool>(), parts in 0usize..3,
    ) {
        let (cipher, lens, usage) = match aes {
            true => (Cipher::Aes, [16, 24, 32], "D0AB00E"),
            false => (Cipher::Tdes, [8, 16, 24], "72TB00S"),
        };
        let kbpk = match (aes, long) {
            (true, true) => 32,
            (true, false) | (false, true) => 24,
            (false, false) => 16,
        };
        let kbpk = Kbpk::new(cipher, secret(&under[..kbpk])).unwrap();
        let key = secret(&key[..lens[parts]]);
        let attributes = Attributes::parse(usage).unwrap();
        let text = thales_wrap(&kbpk, &attributes, LmkId::EXPORT, &key, &mut Fixed(5));
        prop_assume!(text.is_ok() == (kbpk.secret().len() >= key.len()));
        let Ok(text) = text else { return Ok(()) };
        let found = ThalesBlock::parse(text.as_bytes()).unwrap().unwrap(&kbpk).unwrap();
        prop_assert!(found.key.ct_eq(key.expose()));
        prop_assert_eq!(found.header.attributes, attributes);
        prop_assert_eq!(found.header.lmk, LmkId::EXPORT);
    }
}
