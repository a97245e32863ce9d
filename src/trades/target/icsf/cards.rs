//! Text for z/OS: records of 80 columns, of which 71 are used, as ASCII lines or
//! as EBCDIC records without line ends.

use conclave_evidence::manifest::Encoding;

use super::super::{Companion, Conformance, Payload, Sheet, TargetError};

/// Columns of a record, and those that statements may use.
const RECORD: usize = 80;
pub(super) const USED: usize = 71;

/// Code page IBM-1047 of the printable ASCII characters, from the space.
const IBM_1047: [u8; 95] = [
    0x40, 0x5A, 0x7F, 0x7B, 0x5B, 0x6C, 0x50, 0x7D, 0x4D, 0x5D, 0x5C, 0x4E, 0x6B, 0x60, 0x4B, 0x61,
    0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0x7A, 0x5E, 0x4C, 0x7E, 0x6E, 0x6F,
    0x7C, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6,
    0xD7, 0xD8, 0xD9, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xAD, 0xE0, 0xBD, 0x5F, 0x6D,
    0x79, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96,
    0x97, 0x98, 0x99, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xC0, 0x4F, 0xD0, 0xA1,
];

fn ebcdic(c: char) -> Option<u8> {
    let at = u32::from(c).checked_sub(0x20)?;
    IBM_1047.get(usize::try_from(at).ok()?).copied()
}

fn bytes(lines: &[String], records: bool) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for line in lines {
        let fits = line.len() <= USED && line.chars().all(|c| (' '..='~').contains(&c));
        if !fits {
            return None;
        }
        if records {
            for c in line.chars() {
                out.push(ebcdic(c)?);
            }
            out.resize(out.len() + RECORD - line.len(), 0x40);
        } else {
            out.extend(line.as_bytes());
            out.push(b'\n');
        }
    }
    Some(out)
}

/// A companion with cryptograms of the keys in it.
///
/// # Errors
/// [`TargetError::Wrap`] where a line does not fit, which is this program's
/// fault.
pub(super) fn with_keys(
    name: &str,
    lines: &[String],
    sheet: &Sheet<'_>,
) -> Result<Companion, TargetError> {
    let records = sheet.settings.value("encoding") == Some("EBCDIC");
    let bytes = bytes(lines, records)
        .ok_or_else(|| TargetError::Wrap(format!("{name}: a line does not fit a record")))?;
    Ok(Companion {
        file: Payload {
            name: name.into(),
            bytes,
            format: if records {
                "records of 80, EBCDIC (IBM-1047)".into()
            } else {
                "lines for records of 80".into()
            },
            encoding: if records {
                Encoding::EbcdicText
            } else {
                Encoding::AsciiText
            },
            lrecl: Some(80),
            conformance: Conformance::Documented,
        },
        with_keys: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_eighty_columns_of_ibm_1047() {
        let line = vec!["//A JOB (X),'#$@'".to_owned()];
        let record = bytes(&line, true).unwrap();
        assert_eq!(record.len(), 80);
        assert_eq!(
            record[..17],
            [
                0x61, 0x61, 0xC1, 0x40, 0xD1, 0xD6, 0xC2, 0x40, 0x4D, 0xE7, 0x5D, 0x6B, 0x7D, 0x7B,
                0x5B, 0x7C, 0x7D
            ]
        );
        assert!(record[17..].iter().all(|byte| *byte == 0x40));
        assert_eq!(bytes(&line, false).unwrap(), b"//A JOB (X),'#$@'\n");
        for bad in ["é".to_owned(), "x".repeat(72), "\t".to_owned()] {
            assert_eq!(bytes(&[bad], true), None);
        }
        let mut all = IBM_1047;
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "one to one");
    }
}
