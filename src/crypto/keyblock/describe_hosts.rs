//! What the blocks of Thales and Atalla say of themselves, without a key.

use super::{Akb, ThalesBlock, thales_usage};
use crate::describe::{Confidence, Described};

/// Describes a Thales key block, scheme `S`; line ends around it are allowed.
#[must_use]
pub fn describe_thales(bytes: &[u8]) -> Option<Described> {
    let text = bytes.trim_ascii();
    let lettered = text.first() == Some(&b'S');
    let block = match ThalesBlock::parse(text) {
        Ok(block) => block,
        Err(error) => {
            // Without its letter a damaged block is digits like any others.
            let digits = text.get(1..6)?.iter().all(u8::is_ascii_digit);
            let version = matches!(text.get(1), Some(b'0' | b'1'));
            let count = text.get(13..15)?.iter().all(u8::is_ascii_digit);
            if !lettered || !digits || !version || !count {
                return None;
            }
            let mut said = Described::new("Thales key block, damaged", Confidence::Likely);
            let head = String::from_utf8_lossy(text.get(..17).unwrap_or(text));
            said.field("header", head, "scheme letter and sixteen characters");
            said.damaged(error.to_string());
            return Some(said);
        }
    };
    let header = block.header();
    let of = &header.attributes;
    let digit = header.version.digit();
    let what = format!("Thales key block (scheme S), version {digit}");
    let mut said = Described::new(what, Confidence::Certain);
    let under = match digit {
        '0' => "under a TDES key",
        _ => "under an AES key",
    };
    said.field("version", digit.to_string(), under);
    let usage = thales_usage(of.usage);
    let meaning = usage.map(|row| row.meaning).or(of.usage.meaning());
    said.field(
        "key usage",
        of.usage.to_string(),
        meaning.unwrap_or("in no table that is known here"),
    );
    said.field("algorithm", of.algorithm.letter().to_string(), "");
    said.field(
        "mode of use",
        of.mode.letter().to_string(),
        of.mode.meaning(),
    );
    said.field("key version", of.key_version.to_string(), "");
    said.field("exportability", of.exportability.letter().to_string(), "");
    let lmk = header.lmk.to_string();
    let under = match lmk.as_str() {
        "FF" => "under a key that two share, as a ZMK",
        _ => "the number of the LMK: it opens on that payShield alone",
    };
    said.field("LMK identifier", &lmk, under);
    for optional in header.blocks.iter() {
        let data = optional.data();
        said.field(format!("optional block {}", optional.id()), data, "");
    }
    said.field(
        "encrypted key",
        format!("{} bytes", block.encrypted_len()),
        "length, key and padding",
    );
    let bytes = header.version.mac_len();
    said.field(
        "MAC",
        format!("{bytes} bytes"),
        "not checked: that takes the protection key",
    );
    if usage.is_none() && of.usage.meaning().is_none() {
        said.unusual("the key usage is in no table that is known here");
    }
    if usage.is_some_and(|row| !row.allows(of.algorithm, of.mode)) {
        said.unusual("the table does not allow this algorithm and mode with this usage");
    }
    if !lettered {
        said.unusual("without the letter S in front, which host commands want");
    }
    Some(said)
}

/// Describes an Atalla key block; line ends around it are allowed.
#[must_use]
pub fn describe_akb(bytes: &[u8]) -> Option<Described> {
    let text = bytes.trim_ascii();
    // Eight characters and a comma, and two commas in all.
    let commas = text.iter().filter(|byte| **byte == b',').count();
    if text.first() != Some(&b'1') || text.get(8) != Some(&b',') || commas != 2 {
        return None;
    }
    let head = text.get(..8)?;
    if !head.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let block = match Akb::parse(text) {
        Ok(block) => block,
        Err(error) => {
            let mut said = Described::new("Atalla key block (AKB), damaged", Confidence::Likely);
            said.field("header", String::from_utf8_lossy(head), "");
            said.damaged(error.to_string());
            return Some(said);
        }
    };
    let mut said = Described::new("Atalla key block (AKB)", Confidence::Certain);
    let header = block.header();
    said.field("header", header.to_string(), "");
    for (name, value, meaning) in header.fields() {
        said.field(
            name,
            value.to_string(),
            meaning.unwrap_or("in no table that is known here"),
        );
    }
    said.field("MAC", "8 bytes", "not checked: that takes the MFK or KEK");
    if let Err(fault) = header.fault() {
        said.unusual(fault.to_string());
    }
    if header.is_component() {
        said.unusual("it carries a component, not a whole key");
    }
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks that others published.
    #[test]
    fn published_blocks_are_described() {
        let akb = b"1PUNE000,D3266EC69C61820019F4A9640A8F603DA14F78E154C7522D,55720A06F8964B8F";
        let said = describe_akb(akb).unwrap();
        assert_eq!(said.confidence, Confidence::Certain);
        assert_eq!(describe_akb(&akb[..40]), None);
        let cut = describe_akb(&akb[..70]).unwrap();
        assert_eq!(cut.confidence, Confidence::Likely);
        let thales =
            b"S00072B0TN00E000256A37F894FD49E61DD3FA27FDE8919D07F7AA966F8BF39AB31D0003\r\n";
        let said = describe_thales(thales).unwrap();
        assert_eq!(said.confidence, Confidence::Certain);
        let cut = describe_thales(&thales[..50]).unwrap();
        assert_eq!(cut.confidence, Confidence::Likely);
        for other in [&b"S"[..], b"0123456789ABCDEFFEDCBA9876543210", b"1,2,3"] {
            assert!(describe_thales(other).is_none() && describe_akb(other).is_none());
        }
    }
}
