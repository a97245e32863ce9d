//! Receipts: what the other side says it saw. A form leaves with the bundle;
//! filled in, it comes back, by whatever way, and closes the task.

use std::fmt::Write as _;

use conclave_evidence::Hash;
use conclave_keyroom::domain::key::KeyRecord;
use serde::{Deserialize, Serialize};

/// The form's name in a bundle.
pub(crate) const RECEIPT_FORM: &str = "receipt-form.txt";

/// The longest receipt, in bytes.
pub const RECEIPT_MAX: usize = 128 * 1024;

/// The fewest digits of the manifest's digest that name it.
const DIGEST_LEAST: usize = 16;

/// The fewest digits of a check value that tell keys apart.
const DIGITS_LEAST: usize = 4;

/// What stands where nothing is filled in.
const EMPTY: &str = "?";

/// How long a receipt may take: 30 days, in milliseconds.
pub const RECEIPT_DUE_MS: u64 = 30 * 86_400_000;

/// A receipt as it came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The bundle's number.
    pub bundle: u64,
    /// The manifest's digest, or its first digits: upper-case hex.
    pub manifest: String,
    /// Who says so.
    pub received_by: String,
    /// Label and check value that they saw, upper-case hex.
    pub keys: Vec<(String, String)>,
}

/// Why a text is no receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Longer than [`RECEIPT_MAX`].
    #[error("longer than {RECEIPT_MAX} bytes")]
    TooLong,
    /// Not plain text.
    #[error("line {0} holds something that is no plain character")]
    Plain(usize),
    /// A line that the form does not have.
    #[error("line {line}: {what}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Something is missing.
    #[error("{0} is not filled in")]
    Missing(&'static str),
}

/// The form that leaves with a bundle.
pub(crate) fn receipt_form(
    folder: &str,
    number: u64,
    recipient: &str,
    keys: &[&KeyRecord],
) -> String {
    let mut out = format!(
        "# RECEIPT for {folder}\n# for {recipient}\n#\n\
         # Write what YOUR system showed in the place of each {EMPTY}: the manifest's digest\n\
         # that conclave-verify prints and that stands in manifest.txt (its first\n\
         # {DIGEST_LEAST} digits are enough), who received it, and the check value of each\n\
         # key after it was loaded. Save it as\n\
         # receipt-{number:04}.txt and send it back. It holds no secret.\n\
         bundle {number:04}\nmanifest {EMPTY}\nreceived-by {EMPTY}\n"
    );
    for key in keys {
        // Writing to a String does not fail.
        let _ = writeln!(out, "key {} {EMPTY}", key.label);
    }
    out
}

fn hex(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| *c != ' ').collect();
    let good = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    good.then(|| digits.to_ascii_uppercase())
}

/// TRUE where two check values are the same as far as the shorter one goes: some
/// systems show fewer digits than the catalogue keeps, others show more.
fn agree(value: &str, seen: &str) -> bool {
    let most = value.len().min(seen.len());
    most >= DIGITS_LEAST && value.get(..most) == seen.get(..most)
}

impl Receipt {
    /// Reads a filled-in form. Keys that nothing is said of are left out.
    ///
    /// # Errors
    /// [`ReceiptError`]
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > RECEIPT_MAX {
            return Err(ReceiptError::TooLong);
        }
        let (mut bundle, mut manifest, mut received_by) = (None, None, None);
        let mut keys: Vec<(String, String)> = Vec::new();
        for (at, line) in bytes.split(|b| *b == b'\n').enumerate() {
            let line_no = at + 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.iter().all(|b| (0x20..0x7F).contains(b)) {
                return Err(ReceiptError::Plain(line_no));
            }
            let line: String = line.iter().map(|b| char::from(*b)).collect();
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what| ReceiptError::Line {
                line: line_no,
                what,
            };
            let (word, rest) = line.split_once(' ').ok_or_else(|| wrong("a word alone"))?;
            let rest = rest.trim();
            let once = |taken: bool| {
                if taken {
                    Err(wrong("it stands twice"))
                } else {
                    Ok(())
                }
            };
            match word {
                "bundle" => {
                    once(bundle.is_some())?;
                    let number = rest.parse().map_err(|_| wrong("no bundle's number"))?;
                    bundle = Some(number);
                }
                _ if rest.ends_with(EMPTY) => {}
                "manifest" => {
                    once(manifest.is_some())?;
                    let digits = hex(rest).ok_or_else(|| wrong("no digest"))?;
                    if !(DIGEST_LEAST..=64).contains(&digits.len()) {
                        return Err(wrong("a digest has 16 to 64 digits here"));
                    }
                    manifest = Some(digits);
                }
                "received-by" => {
                    once(received_by.is_some())?;
                    if rest.len() > 60 {
                        return Err(wrong("a name of more than 60 characters"));
                    }
                    received_by = Some(rest.to_owned());
                }
                "key" => {
                    let (label, value) = rest
                        .split_once(' ')
                        .ok_or_else(|| wrong("a key without a check value"))?;
                    once(keys.iter().any(|(known, _)| known == label))?;
                    let value = hex(value).ok_or_else(|| wrong("no check value"))?;
                    if !(DIGITS_LEAST..=64).contains(&value.len()) {
                        return Err(wrong("a check value has 4 to 64 digits"));
                    }
                    keys.push((label.to_owned(), value));
                }
                _ => return Err(wrong("the form has no such line")),
            }
        }
        Ok(Self {
            bundle: bundle.ok_or(ReceiptError::Missing("the bundle's number"))?,
            manifest: manifest.ok_or(ReceiptError::Missing("the manifest's digest"))?,
            received_by: received_by.ok_or(ReceiptError::Missing("who received it"))?,
            keys,
        })
    }

    /// TRUE where it is of the manifest of this digest.
    #[must_use]
    pub fn is_of(&self, manifest: &Hash) -> bool {
        let digest = manifest.to_string().replace(' ', "").to_ascii_uppercase();
        self.manifest.len() >= DIGEST_LEAST && digest.starts_with(&self.manifest)
    }

    /// What was seen otherwise than it should be, or is not spoken of, in
    /// words; `keys` are label and check value as the catalogue has them.
    #[must_use]
    pub fn differences(&self, keys: &[(String, String)]) -> Vec<String> {
        let mut found = Vec::new();
        for (label, value) in keys {
            match self.keys.iter().find(|(known, _)| known == label) {
                None => found.push(format!("{label}: nothing is said of it")),
                Some((_, seen)) if !agree(value, seen) => {
                    found.push(format!("{label}: they see {seen}, it has {value}"));
                }
                Some(_) => {}
            }
        }
        for (label, _) in &self.keys {
            if !keys.iter().any(|(known, _)| known == label) {
                found.push(format!("{label}: not a key of this bundle"));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# RECEIPT\r\nbundle 0007\r\nmanifest 0123 4567 89ab cdef\r\n\
        received-by J. Weber\r\nkey LAKE.ZPK.1 08d7b4\r\nkey LAKE.ZPK.2 ?\r\n";

    #[test]
    fn a_form_that_was_filled_in_is_read() {
        let receipt = Receipt::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(receipt.bundle, 7);
        assert_eq!(receipt.manifest, "0123456789ABCDEF");
        assert_eq!(receipt.keys, [("LAKE.ZPK.1".into(), "08D7B4".into())]);
        let mut digest = [0x55; 32];
        digest[..8].copy_from_slice(&[0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF]);
        assert!(receipt.is_of(&Hash(digest)));
        digest[7] ^= 1;
        assert!(!receipt.is_of(&Hash(digest)));
    }

    #[test]
    fn what_differs_is_named() {
        let receipt = Receipt::parse(GOOD.as_bytes()).unwrap();
        let keys = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect()
        };
        assert!(
            receipt
                .differences(&keys(&[("LAKE.ZPK.1", "08D7B4")]))
                .is_empty()
        );
        let found = receipt.differences(&keys(&[("LAKE.ZPK.1", "08D7B5"), ("LAKE.ZPK.2", "AA")]));
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(receipt.differences(&[]).len(), 1);
    }

    #[test]
    fn values_are_compared_as_far_as_the_shorter_one_goes() {
        for (value, seen, same) in [
            ("08D7B4", "08D7", true),
            ("08D7B4", "08D7B4FB629D0885", true),
            ("08D7B4", "08D7B5FB629D0885", false),
            ("08D7B4", "08D8", false),
            ("08D", "08D7B4", false),
        ] {
            let receipt = Receipt {
                bundle: 7,
                manifest: "0123456789ABCDEF".into(),
                received_by: "J. Weber".into(),
                keys: vec![("LAKE.ZPK.1".into(), seen.into())],
            };
            let found = receipt.differences(&[("LAKE.ZPK.1".into(), value.into())]);
            assert_eq!(found.is_empty(), same, "{value} {seen}: {found:?}");
        }
    }

    #[test]
    fn what_is_no_receipt_is_refused_by_line() {
        for (text, said) in [
            ("", "the bundle's number"),
            (
                "bundle 7\nmanifest ?\nreceived-by X",
                "the manifest's digest",
            ),
            ("bundle 7\nmanifest 0123456789ABCDEF", "who received it"),
            ("bundle x", "line 1"),
            ("bundle 7\nbundle 7", "line 2"),
            ("bundle 7\nmanifest 01", "line 2"),
            ("bundle 7\nmanifest 0123456789ABCDEG", "line 2"),
            ("bundle 7\nkey A.B", "line 2"),
            ("bundle 7\nkey A.B 08D7B4\nkey A.B 08D7B4", "line 3"),
            ("bundle 7\nkey A.B XX", "line 2"),
            ("bundle 7\nkey A.B 01", "line 2"),
            ("bundle 7\nkeys A.B 0102", "line 2"),
            ("bundle 7\nreceived-by \u{1b}[2J", "line 2"),
            ("alone", "line 1"),
        ] {
            let error = Receipt::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(said), "{text:?}: {error}");
        }
        let long = vec![b'#'; RECEIPT_MAX + 1];
        assert_eq!(Receipt::parse(&long), Err(ReceiptError::TooLong));
    }
}
