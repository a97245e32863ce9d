//! What a key block says of itself, without its protection key.

use super::KeyBlock;
use super::blocks::BlockId;
use super::error::ReadError;
use super::header::{Algorithm, Exportability, HEADER_LEN, Header, KeyVersion, Version};
use crate::describe::{Confidence, Described};

/// Describes the text of one TR-31 or X9.143 key block; line ends and blanks
/// around it are allowed. The key in it stays encrypted: nothing here is proven.
#[must_use]
pub fn describe(bytes: &[u8]) -> Option<Described> {
    let text = bytes.trim_ascii();
    let block = without_tag(text);
    let head = block.get(..HEADER_LEN)?;
    let small = !begins(head);
    if small && !begins(&head.to_ascii_uppercase()) {
        return None;
    }
    let mut said = match KeyBlock::parse(block) {
        Ok(read) if !small => whole(&read, block.len()),
        other => in_lower_case(block).unwrap_or_else(|| match other {
            Err(error) => broken(block, &error),
            Ok(read) => whole(&read, block.len()),
        }),
    };
    if block.len() < text.len() {
        let meaning = "payShield's, for a TR-31 block; other systems want the block without it";
        said.field("tag in front", "R", meaning);
    }
    Some(said)
}

/// The block without the letter `R` that a payShield puts in front of one as its key
/// scheme's; anything else as it is.
#[must_use]
pub fn without_tag(text: &[u8]) -> &[u8] {
    let tagged = text.strip_prefix(b"R");
    tagged.filter(|block| begins(block)).unwrap_or(text)
}

/// A block that is whole but for its letters: some editors and systems change them.
fn in_lower_case(text: &[u8]) -> Option<Described> {
    if !text.iter().any(u8::is_ascii_lowercase) {
        return None;
    }
    let capitals = text.to_ascii_uppercase();
    let block = KeyBlock::parse(&capitals).ok()?;
    let mut said = whole(&block, text.len());
    said.what.push_str(", in lower case");
    said.damaged(
        "it stands in lower case, all of it or a part: a block has capitals, and its MAC is over \
         them. Ask for it as it was made; capitals in their place may open, and prove nothing",
    );
    Some(said)
}

/// TRUE where a block of this standard begins: no other format begins so.
fn begins(text: &[u8]) -> bool {
    let fixed = text.get(..HEADER_LEN).unwrap_or_default();
    let letter = fixed.first().copied().map_or(' ', char::from);
    // Version, length in digits, count in digits.
    let digits = |range: std::ops::Range<usize>| {
        let part = fixed.get(range);
        part.is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let letters = fixed
        .iter()
        .all(|c| c.is_ascii_alphanumeric() && !(c.is_ascii_lowercase() && *c != b'c'));
    Version::from_char(letter).is_some() && digits(1..5) && digits(12..14) && letters
}

fn whole(block: &KeyBlock, len: usize) -> Described {
    let header = block.header();
    let what = format!(
        "key block, TR-31 / ANSI X9.143 version {}",
        header.version.letter()
    );
    let mut said = Described::new(what, Confidence::Certain);
    fields(&mut said, header, len);
    let bytes = block.encrypted_len();
    let hidden = match block.hides_length() {
        _ if header.attributes.algorithm.longest_key().is_none() => {
            "key, its length and padding; its algorithm has no longest key to hide among"
        }
        true => "as long as the longest key of its algorithm needs: hides the key's length",
        false => "no more than this key needs: tells the key's length",
    };
    said.field("encrypted key", format!("{bytes} bytes"), hidden);
    let mac = header.version.mac_len();
    said.field(
        "MAC",
        format!("{mac} bytes"),
        "not checked: that takes the protection key",
    );
    remarks(&mut said, header);
    if !block.hides_length() && header.attributes.algorithm.longest_key().is_some() {
        said.unusual(
            "the padding is short: X9.143 pads to the longest key, payShield and others do not",
        );
    }
    said
}

fn fields(said: &mut Described, header: &Header, len: usize) {
    let of = &header.attributes;
    said.field(
        "version",
        header.version.letter().to_string(),
        meaning(header.version),
    );
    said.field("length", len.to_string(), "characters of the whole block");
    said.field(
        "key usage",
        of.usage.to_string(),
        of.usage.meaning().unwrap_or("proprietary or unknown"),
    );
    said.field(
        "algorithm",
        of.algorithm.letter().to_string(),
        algorithm(of.algorithm),
    );
    said.field(
        "mode of use",
        of.mode.letter().to_string(),
        of.mode.meaning(),
    );
    let version = match of.key_version {
        KeyVersion::NONE => "no key version",
        component if component.is_component() => "a component, not a whole key",
        _ => "a key version",
    };
    said.field("key version", of.key_version.to_string(), version);
    said.field(
        "exportability",
        of.exportability.letter().to_string(),
        exportability(of.exportability),
    );
    for block in header.blocks.iter() {
        let name = format!("optional block {}", block.id());
        let meaning = block.explain();
        said.field(&name, block.data(), meaning.as_deref().unwrap_or_default());
        if let Err(why) = meaning {
            said.unusual(format!("{name} has not the form of the standard: {why}"));
        }
    }
}

fn remarks(said: &mut Described, header: &Header) {
    let of = &header.attributes;
    if matches!(header.version, Version::A | Version::C) {
        said.unusual(
            "versions A and C bind the key to its header by a 32-bit MAC and are deprecated: ask for version B or D",
        );
    }
    if header.version == Version::E {
        said.unusual("version E (ISO 20038) is rare");
    }
    if of.algorithm == Algorithm::Des {
        said.unusual("single DES is broken");
    }
    if of.algorithm == Algorithm::Aes && header.version.cipher() != Version::D.cipher() {
        said.unusual("an AES key under TDES: weaker than the key (R6)");
    }
    let hash = header.blocks.get(BlockId::HMAC_HASH);
    if of.algorithm == Algorithm::Hmac && hash.is_none() {
        said.unusual("an HMAC key without optional block HM: nothing says which hash it is for");
    }
    if of.algorithm == Algorithm::Hmac && header.version.cipher() != Version::D.cipher() {
        said.unusual("an HMAC key under TDES: weaker than the key (R6)");
    }
    if of.algorithm != Algorithm::Hmac && hash.is_some() {
        said.unusual("optional block HM says the hash of an HMAC key, and the key is none");
    }
    if of.usage.meaning().is_none() {
        said.unusual("the key usage is a maker's own: ask the sender what it means");
    }
    if of.exportability == Exportability::Sensitive {
        said.unusual(
            "exportability S: the receiver may pass the key on under a key that it does not trust",
        );
    }
    if of.mode.letter() == 'N' {
        said.unusual("mode N: nothing restricts what the key may do");
    }
    let foreign: Vec<String> = header
        .blocks
        .iter()
        .map(super::OptionalBlock::id)
        .filter(|id| !id.is_known())
        .map(|id| id.to_string())
        .collect();
    if !foreign.is_empty() {
        said.unusual(format!(
            "optional blocks that no standard defines: {}",
            foreign.join(", ")
        ));
    }
}

fn broken(text: &[u8], error: &ReadError) -> Described {
    let letter = text.first().copied().map_or(' ', char::from);
    let what = format!("key block, TR-31 / ANSI X9.143 version {letter}, damaged");
    let mut said = Described::new(what, Confidence::Likely);
    let header = text.get(..HEADER_LEN).unwrap_or_default();
    said.field(
        "header",
        String::from_utf8_lossy(header),
        "the first sixteen characters",
    );
    said.field(
        "length",
        text.len().to_string(),
        "characters that are there",
    );
    said.damaged(error.to_string());
    said
}

fn meaning(version: Version) -> &'static str {
    match version {
        Version::A => "under a TDES key, variants; deprecated",
        Version::B => "under a TDES key, derived keys",
        Version::C => "under a TDES key, variants, as A; deprecated",
        Version::D => "under an AES key, derived keys, CBC",
        Version::E => "under an AES key, derived keys, CTR (ISO 20038)",
    }
}

fn algorithm(of: Algorithm) -> &'static str {
    match of {
        Algorithm::Aes => "AES",
        Algorithm::Des => "single DES",
        Algorithm::Ec => "elliptic curve",
        Algorithm::Hmac => "HMAC",
        Algorithm::Rsa => "RSA",
        Algorithm::Dsa => "DSA",
        Algorithm::Tdes => "TDES",
        Algorithm::Proprietary(_) => "a maker's own",
    }
}

fn exportability(of: Exportability) -> &'static str {
    match of {
        Exportability::Trusted => "exportable under a trusted key",
        Exportability::No => "not exportable",
        Exportability::Sensitive => "sensitive: exportable under any key",
        Exportability::Proprietary(_) => "a maker's own",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";

    #[test]
    fn a_block_of_the_standard_is_described() {
        let said = describe(format!("{EXAMPLE}\r\n").as_bytes()).unwrap();
        assert_eq!(said.confidence, Confidence::Certain);
        assert!(said.what.ends_with("version D"));
        let usage = &said.fields[2];
        assert_eq!(
            (usage.value.as_str(), usage.meaning.as_str()),
            ("P0", "PIN encryption")
        );
        assert!(said.unusual.iter().any(|r| r.contains("short")));
    }

    #[test]
    fn lower_case_and_the_tag_of_payshield_are_told() {
        let small = EXAMPLE.to_ascii_lowercase();
        let body = format!("{}{}", &EXAMPLE[..16], &small[16..]);
        for text in [&small, &body] {
            let said = describe(text.as_bytes()).unwrap();
            assert!(said.what.ends_with("in lower case"), "{said:?}");
            assert_eq!(said.confidence, Confidence::Likely);
        }
        let said = describe(format!("R{EXAMPLE}").as_bytes()).unwrap();
        assert_eq!(said.confidence, Confidence::Certain);
        assert!(said.fields.iter().any(|f| f.meaning.contains("payShield")));
        assert!(describe(b"RD0112P0").is_none());
    }

    #[test]
    fn a_damaged_one_is_still_one_and_other_texts_are_none() {
        let cut = describe(&EXAMPLE.as_bytes()[..100]).unwrap();
        assert_eq!(cut.confidence, Confidence::Likely);
        for other in [
            &b""[..],
            b"U0123456789ABCDEF",
            b"-----BEGIN CERTIFICATE-----",
            b"\x30\x82",
        ] {
            assert!(describe(other).is_none());
        }
    }
}
