//! What X9.143 has in its optional blocks (clause 6.3.6), block by block: read for
//! people, and checked before one is written.

use super::blocks::OptionalBlock;
use super::header::{Algorithm, Exportability, Mode, Usage};

/// Hash algorithms of an HMAC key (table 13).
const HASHES: [(&str, &str); 13] = [
    ("10", "SHA-1"),
    ("20", "SHA-224"),
    ("21", "SHA-256"),
    ("22", "SHA-384"),
    ("23", "SHA-512"),
    ("24", "SHA-512/224"),
    ("25", "SHA-512/256"),
    ("30", "SHA3-224"),
    ("31", "SHA3-256"),
    ("32", "SHA3-384"),
    ("33", "SHA3-512"),
    ("40", "SHAKE128"),
    ("41", "SHAKE256"),
];

/// Characters of one derivation that is allowed: usage, algorithm, mode and
/// exportability.
const DERIVATION_LEN: usize = 5;

impl OptionalBlock {
    /// What its data mean, or why they have not the form of the standard. A block
    /// that no standard defines means what its maker says.
    ///
    /// # Errors
    /// What the data are not.
    pub fn explain(&self) -> Result<String, &'static str> {
        let data = self.data();
        match &self.id().0 {
            b"AL" => match data {
                "010" => Ok("asymmetric key life: ephemeral".into()),
                "011" => Ok("asymmetric key life: static".into()),
                _ => Err("01 and one digit, 0 or 1, are"),
            },
            b"BI" => base_key(data),
            b"CT" => certificate(data),
            b"DA" => derivations(data),
            b"FL" => Ok("flags".into()),
            b"HM" => hash(data),
            b"IK" => digits(data, &[16], "initial key identifier of AES DUKPT"),
            b"KC" => check_value(data, "the key"),
            b"KP" => check_value(data, "the protection key"),
            b"PK" => check_value(data, "the key that protects for export"),
            b"KS" => digits(
                data,
                &[10, 16, 20],
                "key set identifier or initial key serial number",
            ),
            b"KV" => match data.len() == 4 && data.bytes().all(|b| b.is_ascii_alphanumeric()) {
                true => Ok("version of the key block's field values; deprecated".into()),
                false => Err("four letters or digits are"),
            },
            b"LB" => match data.is_empty() {
                false => Ok("label".into()),
                true => Err("a label is not empty"),
            },
            b"PB" => Ok("padding".into()),
            b"TC" => time(data, "time the key was made"),
            b"TS" => time(data, "time the block was made"),
            b"WP" => pedigree(data),
            _ => Ok("a maker's own".into()),
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'))
}

fn digits(data: &str, lengths: &[usize], meaning: &str) -> Result<String, &'static str> {
    match lengths.contains(&data.len()) && is_hex(data) {
        true => Ok(meaning.into()),
        false => Err("its number of upper-case hexadecimal digits is another"),
    }
}

fn base_key(data: &str) -> Result<String, &'static str> {
    match data.split_at_checked(2) {
        Some(("00", id)) => digits(id, &[10], "key set identifier of TDES DUKPT"),
        Some(("01", id)) => digits(id, &[8], "base derivation key identifier of AES DUKPT"),
        _ => Err("00 or 01 and an identifier are"),
    }
}

/// Legacy check values have up to three bytes, CMACs up to five.
fn check_value(data: &str, of: &str) -> Result<String, &'static str> {
    let (method, most) = match data.get(..2) {
        Some("00") => ("encrypted zeros", 6),
        Some("01") => ("CMAC of zeros", 10),
        _ => return Err("00 or 01 and a check value are"),
    };
    let value = data.get(2..).unwrap_or_default();
    match (4..=most).contains(&value.len()) && value.len().is_multiple_of(2) && is_hex(value) {
        true => Ok(format!("check value of {of}, by {method}")),
        false => Err("a check value has two or three bytes, by CMAC up to five"),
    }
}

fn hash(data: &str) -> Result<String, &'static str> {
    let known = HASHES.iter().find(|(code, _)| *code == data);
    known
        .map(|(_, name)| format!("HMAC with {name}"))
        .ok_or("a hash algorithm of the standard's table is")
}

fn derivations(data: &str) -> Result<String, &'static str> {
    const WRONG: &str =
        "01 and, one behind the other, usage, algorithm, mode and exportability are";
    let list = data.strip_prefix("01").ok_or(WRONG)?;
    if list.is_empty() || !list.len().is_multiple_of(DERIVATION_LEN) {
        return Err(WRONG);
    }
    let mut said = Vec::new();
    for at in (0..list.len()).step_by(DERIVATION_LEN) {
        let one = list.get(at..at + DERIVATION_LEN).ok_or(WRONG)?;
        let letter = |at: usize| one.chars().nth(at).unwrap_or_default();
        let good = Algorithm::from_char(letter(2)).is_some()
            && Mode::from_char(letter(3)).is_some()
            && Exportability::from_char(letter(4)).is_some();
        let usage = one.get(..2).and_then(Usage::new).filter(|_| good);
        let usage = usage.ok_or(WRONG)?;
        said.push(format!(
            "{one} ({})",
            usage.meaning().unwrap_or("a maker's own")
        ));
    }
    Ok(format!("derivations that are allowed: {}", said.join(", ")))
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    !body.is_empty()
        && text.len() - body.len() <= 2
        && text.len().is_multiple_of(4)
        && body.bytes().all(plain)
}

fn certificate(data: &str) -> Result<String, &'static str> {
    const WRONG: &str = "00, 01 or 02 and certificates in base64 are";
    match data.split_at_checked(2) {
        Some(("00", text)) if is_base64(text) => Ok("X.509 certificate, base64".into()),
        Some(("01", text)) if is_base64(text) => Ok("EMV certificate, base64".into()),
        Some(("02", chain)) => {
            let (mut rest, mut count) = (chain, 0);
            while !rest.is_empty() {
                let len = rest.get(2..6).filter(|len| is_hex(len)).ok_or(WRONG)?;
                let len = usize::from_str_radix(len, 16).map_err(|_| WRONG)?;
                let one = rest.get(6..6 + len).ok_or(WRONG)?;
                if !matches!(rest.get(..2), Some("00" | "01")) || !is_base64(one) {
                    return Err(WRONG);
                }
                count += 1;
                rest = rest.get(6 + len..).unwrap_or_default();
            }
            match count {
                0 => Err(WRONG),
                _ => Ok(format!("chain of {count} certificates, base64")),
            }
        }
        _ => Err(WRONG),
    }
}

/// ISO 8601 in UTC, basic or extended, with or without parts of a second.
fn time(data: &str, meaning: &str) -> Result<String, &'static str> {
    const WRONG: &str = "a time of the form YYYYMMDDhhmmssZ or YYYY-MM-DDThh:mm:ssZ is";
    let body = data.strip_suffix('Z').ok_or(WRONG)?;
    let basic = match body.len() {
        // A fraction of two digits has no point in the basic form.
        14 | 16 => body.to_owned(),
        19 | 22 => {
            let marks = [
                (4, '-'),
                (7, '-'),
                (10, 'T'),
                (13, ':'),
                (16, ':'),
                (19, '.'),
            ];
            let mut plain = String::new();
            for (at, letter) in body.char_indices() {
                match marks.iter().find(|(place, _)| *place == at) {
                    Some((_, mark)) if *mark == letter => {}
                    Some(_) => return Err(WRONG),
                    None => plain.push(letter),
                }
            }
            plain
        }
        _ => return Err(WRONG),
    };
    if !basic.bytes().all(|b| b.is_ascii_digit()) {
        return Err(WRONG);
    }
    let number = |range| basic.get(range).and_then(|t: &str| t.parse::<u8>().ok());
    let within = |range: std::ops::Range<usize>, low: u8, high: u8| {
        number(range).is_some_and(|value| (low..=high).contains(&value))
    };
    let good = within(4..6, 1, 12)
        && within(6..8, 1, 31)
        && within(8..10, 0, 23)
        && within(10..12, 0, 59)
        && within(12..14, 0, 59);
    match good {
        true => Ok(format!("{meaning}, UTC")),
        false => Err(WRONG),
    }
}

fn pedigree(data: &str) -> Result<String, &'static str> {
    let meaning = match data {
        "000" => "never under a weaker key",
        "001" => "was under a weaker key",
        "002" => "was under an asymmetric key that a quantum computer may break",
        "003" => {
            "was under a weaker key and under an asymmetric key that a quantum computer may break"
        }
        _ => return Err("00 and one digit, 0 to 3, are"),
    };
    Ok(format!("pedigree of the wrapping: {meaning}"))
}

#[cfg(test)]
mod tests {
    use super::super::blocks::BlockId;
    use super::super::error::BlockError;
    use super::*;

    #[test]
    fn each_block_keeps_its_form() {
        for (id, good, bad) in [
            ("AL", &["010", "011"][..], &["", "00", "012"][..]),
            ("BI", &["001122334455", "0111223344"], &["0011223344", "02"]),
            (
                "CT",
                &["00AAAA", "01AAA=", "02000004AAAA010008AAAABB=="],
                &[
                    "",
                    "00",
                    "00A",
                    "03AAAA",
                    "02",
                    "02000005AAAA",
                    "02020004AAAA",
                    "02000004AAAA0",
                ],
            ),
            (
                "DA",
                &["01P0TEE", "01P0TEEM3TGN"],
                &["01", "P0TEE", "01P0TE", "01P0TZE"],
            ),
            ("HM", &["10", "21", "41"], &["", "11", "2"]),
            ("IK", &["1122334455667788"], &["11223344556677"]),
            (
                "KC",
                &["00112233", "011122334455"],
                &["", "00", "0011223344", "02112233", "0011223"],
            ),
            (
                "KS",
                &["00604B120F9292800000"],
                &["00604b120F9292800000", "0060"],
            ),
            ("KV", &["0100"], &["010", "01-0"]),
            ("LB", &["ZMK of the lake bank"], &[""]),
            (
                "TC",
                &[
                    "20200818004100Z",
                    "2020-08-18T00:41:00Z",
                    "2020-08-18T00:41:00.00Z",
                    "2020081800410099Z",
                ],
                &[
                    "20200818004100",
                    "20201318004100Z",
                    "2020-08-18 00:41:00Z",
                    "2020-08-18T00:60:00Z",
                ],
            ),
            ("WP", &["000", "003"], &["0", "004", "100"]),
            ("10", &["anything"], &[]),
        ] {
            let id = BlockId::new(id).unwrap();
            for data in good {
                assert!(OptionalBlock::written(id, data).is_ok(), "{id} {data}");
            }
            for data in bad {
                let error = OptionalBlock::written(id, data).err();
                assert!(
                    matches!(error, Some(BlockError::Form { .. })),
                    "{id} {data}"
                );
            }
        }
    }
}
