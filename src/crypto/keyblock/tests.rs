//! Published blocks, malformed blocks, and what must hold for all blocks.

use proptest::prelude::*;

use super::*;
use crate::primitive::modes::Algorithm as Cipher;
use crate::primitive::vectors::{field, of, unhex};
use crate::secret::Secret;
use crate::secret::testing::Seeded;

fn secret(bytes: &[u8]) -> Secret {
    Secret::take(&mut bytes.to_vec())
}

fn kbpk(cipher: Cipher, bytes: &[u8]) -> Kbpk {
    Kbpk::new(cipher, secret(bytes)).unwrap()
}

/// Unwraps with a protection key of the cipher that the version wants.
fn open(key: &[u8], text: &str) -> Result<Unwrapped, ReadError> {
    let cipher = match text.as_bytes().first() {
        Some(b'D' | b'E') => Cipher::Aes,
        _ => Cipher::Tdes,
    };
    unwrap(&kbpk(cipher, key), text.as_bytes())
}

#[test]
fn published_blocks() {
    let mut long = 0;
    for vector in of("tr31.json", "tr31_unwrap") {
        let (inputs, expected) = (&vector["inputs"], &vector["expected"]);
        let text = inputs["key_block"].as_str().unwrap();
        let found = open(&field(inputs, "kbpk"), text).unwrap();
        assert_eq!(found.key.expose(), field(expected, "key"), "{vector}");
        let mut said = expected["version"].as_str().unwrap().to_owned();
        for name in ["usage", "algorithm", "mode", "key_version", "exportability"] {
            said.push_str(expected[name].as_str().unwrap());
        }
        let header = found.header;
        let read = format!("{}{}", header.version.letter(), header.attributes);
        assert_eq!(read, said, "{vector}");
        // Written again, the optional blocks are those printed. One of X9.143, 8.6
        // is longer than 255 characters: the only outside word on how a long
        // length is written.
        let ours = header.blocks.text(1).0;
        assert!(text[16..].starts_with(&ours), "{vector}");
        long += usize::from(ours.contains("CT0004"));
        let blocks: serde_json::Map<_, _> = header
            .blocks
            .iter()
            .map(|b| (b.id().to_string(), b.data().into()))
            .collect();
        assert_eq!(expected["optional_blocks"], serde_json::Value::from(blocks));
    }
    assert_eq!(long, 1);
}

#[test]
fn published_derivations() {
    for (op, version) in [
        ("tr31_derive_variant", Version::A),
        ("tr31_derive_binding_tdes", Version::B),
        ("tr31_derive_binding_aes", Version::D),
    ] {
        for vector in of("tr31.json", op) {
            let keys = derive(version, &secret(&field(&vector["inputs"], "kbpk"))).unwrap();
            assert!(keys.kbek.ct_eq(&field(&vector["expected"], "kbek")));
            assert!(keys.kbak.ct_eq(&field(&vector["expected"], "kbak")));
        }
    }
}

#[test]
fn altered_blocks() {
    for vector in of("tr31.json", "tr31_unwrap_reject") {
        let text = vector["inputs"]["key_block"].as_str().unwrap();
        let found = open(&field(&vector["inputs"], "kbpk"), text);
        assert_eq!(found.err(), Some(ReadError::DoesNotAuthenticate));
    }
}

/// ISO 20038:2017, B.2: version E.
#[test]
fn published_block_in_counter_mode() {
    let text =
        "E0084B0TV16N0000B2AE5E26BBA7F246E84D5EA24167E208A6B66EF2E27E55A52DB52F0AEACB94C57547";
    let found = open(b"256-bit AES wrapping (ISO 20038)", text).unwrap();
    assert_eq!(found.key.expose(), b"wrapped 3DES key");
    assert_eq!(found.header.attributes.to_string(), "B0TV16N");
    // Without padding nothing in it is random.
    let writing = Writing {
        version: Version::E,
        hiding: LengthHiding::Short,
    };
    let kbpk = kbpk(Cipher::Aes, b"256-bit AES wrapping (ISO 20038)");
    let (of, blocks) = (found.header.attributes, &found.header.blocks);
    let again = wrap_as(writing, &kbpk, &of, blocks, &found.key, &mut Seeded::new(1));
    assert_eq!(again.unwrap(), text);
}

/// Bytes behind the key, below the encryption.
fn padding_of(text: &str, kbpk: &Kbpk, found: &Unwrapped) -> Secret {
    let version = found.header.version;
    let block = KeyBlock::parse(text.as_bytes()).unwrap();
    let mac_len = version.mac_len();
    let start = text.len() - 2 * (block.encrypted_len() + mac_len);
    let mut plain = unhex(&text[start..]);
    let mac = plain.split_off(plain.len() - mac_len);
    let keys = derive(version, kbpk.secret()).unwrap();
    let cipher =
        crate::primitive::modes::Cipher::new(version.cipher(), keys.kbek.expose()).unwrap();
    match version {
        Version::A | Version::C => cipher.cbc_decrypt(&text.as_bytes()[..8], &mut plain),
        Version::B | Version::D => cipher.cbc_decrypt(&mac, &mut plain),
        Version::E => cipher.ctr(&mac, &mut plain),
    }
    .unwrap();
    secret(&plain[2 + found.key.len()..])
}

/// What others published comes out as printed, given its padding.
#[test]
fn published_blocks_are_written_again() {
    let mut written = std::collections::BTreeMap::new();
    for vector in of("tr31.json", "tr31_unwrap") {
        let text = vector["inputs"]["key_block"].as_str().unwrap();
        let version = Version::from_char(text.chars().next().unwrap()).unwrap();
        let kbpk = kbpk(version.cipher(), &field(&vector["inputs"], "kbpk"));
        let found = unwrap(&kbpk, text.as_bytes()).unwrap();
        // A padding block of another maker has other characters than ours.
        if found.rule.is_err() || text.contains("PB") {
            continue;
        }
        let padding = padding_of(text, &kbpk, &found);
        let (attributes, blocks) = (found.header.attributes, &found.header.blocks);
        let again = wrap_with_padding(version, &kbpk, &attributes, blocks, &found.key, &padding);
        assert_eq!(again.unwrap(), text, "{vector}");
        *written.entry(version.letter()).or_insert(0) += 1;
    }
    let each: Vec<(char, bool)> = written.iter().map(|(v, n)| (*v, *n > 2)).collect();
    assert_eq!(each, [('A', true), ('B', true), ('C', true), ('D', true)]);
}

/// `tests/malformed/tr31`: the error's name, the protection key in hexadecimal,
/// the block. `\xNN` stands for a byte that is no text.
#[test]
fn malformed_blocks_are_refused_by_name() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/malformed/tr31");
    let (mut count, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        let (error, key) = (lines.next().unwrap(), lines.next().unwrap());
        let block = bytes_of(lines.next().unwrap_or_default());
        let cipher = match block.first() {
            Some(b'D' | b'E') => Cipher::Aes,
            _ => Cipher::Tdes,
        };
        let found = unwrap(&kbpk(cipher, &unhex(key)), &block).err();
        let found = found.map(|e| format!("{e:?}"));
        if found.as_deref() != Some(error) {
            wrong.push(format!("{}: {found:?}, not {error}", path.display()));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 30, "{count} malformed blocks");
}

fn bytes_of(line: &str) -> Vec<u8> {
    let mut parts = line.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.extend(unhex(&part[..2]));
        bytes.extend(part[2..].bytes());
    }
    bytes
}

fn attributes(text: &str) -> Attributes {
    Attributes::parse(text).unwrap()
}

#[test]
fn each_wrapping_rule_refuses_by_name() {
    let none = OptionalBlocks::default();
    let mut random = Seeded::new(1);
    let mut try_wrap = |cipher, kbpk_len: usize, of: &str, key_len: usize| {
        let kbpk = Kbpk::new(cipher, secret(&vec![0x5B; kbpk_len]))?;
        let key = secret(&vec![0x3D; key_len]);
        wrap(&kbpk, &attributes(of), &none, &key, &mut random).map(|text| text.len())
    };
    let (tdes, aes) = (Cipher::Tdes, Cipher::Aes);
    let weaker = |kbpk, key| Err(WrapError::Rule(RuleError::WeakerKbpk { kbpk, key }));
    let under_tdes = Err(WrapError::Rule(RuleError::AesUnderTdes));
    assert_eq!(try_wrap(tdes, 24, "P0AE00E", 16), under_tdes);
    assert_eq!(try_wrap(tdes, 16, "P0TE00E", 24), weaker(80, 112));
    assert_eq!(try_wrap(aes, 16, "P0AE00E", 24), weaker(128, 192));
    assert_eq!(try_wrap(aes, 24, "P0AE00E", 32), weaker(192, 256));
    // HMAC is worth 256 bits at most (SP 800-57 part 1, table 3).
    assert_eq!(try_wrap(aes, 16, "M7HC00E", 24), weaker(128, 192));
    assert_eq!(try_wrap(aes, 24, "M7HC00E", 64), weaker(192, 256));
    assert_eq!(try_wrap(tdes, 24, "M7HC00E", 32), weaker(112, 256));
    let single = WrapError::KbpkLength {
        cipher: tdes,
        len: 8,
    };
    assert_eq!(try_wrap(tdes, 8, "P0TE00E", 16), Err(single));
    assert_eq!(
        try_wrap(aes, 16, "P0AE00E", 15),
        Err(WrapError::KeyLength(15))
    );
    assert_eq!(
        try_wrap(aes, 16, "M7HC00E", 0),
        Err(WrapError::KeyLength(0))
    );
    assert_eq!(
        try_wrap(aes, 32, "M7HC00E", 8192),
        Err(WrapError::KeyLength(8192))
    );
    assert_eq!(
        try_wrap(aes, 32, "M7HC00E", 5000),
        Err(WrapError::TooLong(10_064))
    );
    // All lengths of one algorithm look alike.
    for (of, lengths, expected) in [
        ("P0AE00E", [16, 24, 32], 144),
        ("P0TE00E", [8, 16, 24], 112),
    ] {
        for len in lengths {
            assert_eq!(try_wrap(aes, 32, of, len), Ok(expected));
        }
    }
}

#[test]
fn optional_blocks_keep_their_rules() {
    fn block(id: &str, data: &str) -> OptionalBlock {
        OptionalBlock::new(BlockId::new(id).unwrap(), data).unwrap()
    }
    let mut blocks = OptionalBlocks::default();
    blocks.push(block("LB", "a")).unwrap();
    let twice = BlockError::Duplicate(BlockId::new("LB").unwrap());
    assert_eq!(blocks.push(block("LB", "b")), Err(twice));
    assert_eq!(blocks.push(block("PB", "0")), Err(BlockError::Padding));
    assert!(OptionalBlock::label("na\u{ef}ve").is_none());
    assert!(BlockId::new("lb").is_none());
    let mut full = OptionalBlocks::default();
    for number in 0..98 {
        full.push(block(&format!("{number:02}"), "")).unwrap();
    }
    assert_eq!(full.push(block("LB", "")), Err(BlockError::TooMany));
}

/// A key, its protection key, and what is said of it, within the rules.
fn wrappable() -> impl Strategy<Value = (Cipher, usize, &'static str, usize)> {
    prop::sample::select(vec![
        (Cipher::Tdes, 16, "P0TE00E", 16),
        (Cipher::Tdes, 24, "K0TBc1S", 24),
        (Cipher::Aes, 32, "M7HC00N", 40),
        (Cipher::Aes, 16, "B0AX12N", 16),
        (Cipher::Aes, 24, "D0AB00E", 24),
        (Cipher::Aes, 32, "10A000E", 32),
        (Cipher::Aes, 32, "S0ES00N", 121),
        (Cipher::Aes, 24, "V2TG00E", 16),
    ])
}

fn texts() -> impl Strategy<Value = OptionalBlocks> {
    let block = ("[A-OQ-Z][A-Z0-9]", "[ -~]{0,400}");
    prop::collection::vec(block, 0..6).prop_map(|list| {
        let mut blocks = OptionalBlocks::default();
        for (id, data) in list {
            // A second one of a name is dropped.
            let _ = blocks.push(OptionalBlock::new(BlockId::new(&id).unwrap(), &data).unwrap());
        }
        blocks
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = KeyBlock::parse(&bytes);
    }

    #[test]
    fn any_header_is_read_without_panic(
        version in "[A-E]", attributes in "[A-Z0-9]{7}", count in "0[0-5]",
        rest in "([A-Z]{2}(0[0-9A-F]|1[0-9A-F]|000[0-9]00[0-9A-F]{2})[ -~]{0,20}){0,4}[0-9A-F]{0,200}",
    ) {
        let len = 16 + rest.len();
        let text = format!("{version}{len:04}{attributes}{count}00{rest}");
        if let Ok(block) = KeyBlock::parse(text.as_bytes()) {
            let cipher = block.header().version.cipher();
            let found = block.unwrap(&kbpk(cipher, &[0x11; 16])).err();
            prop_assert!(found.is_some());
        }
    }

    #[test]
    fn what_is_wrapped_unwraps(
        (cipher, kbpk_len, of, key_len) in wrappable(), blocks in texts(), seed in any::<u64>(),
        at in any::<prop::sample::Index>(), other in 0x20u8..0x7F,
    ) {
        let mut random = Seeded::new(seed);
        use crate::secret::RandomSource;
        let kbpk = Kbpk::new(cipher, random.secret_bytes(kbpk_len).unwrap()).unwrap();
        let key = random.secret_bytes(key_len).unwrap();
        let of = attributes(of);
        let versions: &[Version] = match cipher {
            Cipher::Tdes => &[Version::A, Version::B, Version::C],
            Cipher::Aes => &[Version::D, Version::E],
        };
        let version = versions[seed as usize % versions.len()];
        let hiding = match seed & 64 {
            0 => LengthHiding::Longest,
            _ => LengthHiding::Short,
        };
        let writing = Writing { version, hiding };
        let text = wrap_as(writing, &kbpk, &of, &blocks, &key, &mut random).unwrap();
        let found = unwrap(&kbpk, text.as_bytes()).unwrap();
        prop_assert!(found.key.ct_eq(key.expose()));
        prop_assert_eq!(found.header.attributes, of);
        prop_assert_eq!(&found.header.blocks, &blocks);
        prop_assert_eq!(found.header.version, version);
        prop_assert!(found.rule.is_ok());

        let mut changed = text.into_bytes();
        let at = at.index(changed.len());
        prop_assume!(changed[at] != other);
        changed[at] = other;
        prop_assert!(unwrap(&kbpk, &changed).is_err());
    }
}
