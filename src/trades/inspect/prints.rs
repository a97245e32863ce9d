//! What a station prints, as a file: pages of a training station (PDF, and the bytes for
//! its printers), and PDFs that it files.

use conclave_crypto::describe::{Confidence, Described};

/// A secret may stand on the page.
const IN_CLEAR: &str = "the page may show a component, a share, a PIN or a passphrase in \
                        clear: such a file comes from a training station alone";

/// A kind of PDF: what its title begins with, what it is, and what it is good for.
const TITLES: [(&str, &str, &str); 8] = [
    (
        "Minutes: ",
        "minutes of a station, PDF",
        "conclave-verify compares them with the transcript that lies beside them",
    ),
    (
        "Reconciliation of PIN batch ",
        "reconciliation sheet of a PIN batch, PDF",
        "its digest stands in the journal, signed by both",
    ),
    (
        "Script: ",
        "script of a ceremony, PDF",
        "what is read aloud and signed; it holds no secret",
    ),
    (
        "Custodian form: ",
        "custodian form, PDF",
        "it is signed by hand; the journal has its digest",
    ),
    (
        "Key under a zone master key: ",
        "key letter, PDF",
        "a key under another one, which the receiver types in",
    ),
    (
        "EXCHANGE OF A ZONE MASTER KEY",
        "exchange letter, PDF",
        "it announces packages with components; it holds no secret",
    ),
    (
        "Component-access log ",
        "component-access log, PDF",
        "who touched which component; its digest stands in the journal beside the export",
    ),
    (
        "Controls: ",
        "roles, actions and evidence, PDF",
        "who may do what; its digest stands in the journal beside the export",
    ),
];

/// Who made a PDF, in its information dictionary: `Conclave` in UTF-16.
const CREATOR: &[u8] = b"/Creator<FEFF0043006F006E0063006C006100760065>";
/// What the title there begins with.
const TITLE: &[u8] = b"/Title<FEFF";
/// Longest title that is told, in characters.
const TITLE_MOST: usize = 120;

fn after<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let at = bytes.windows(mark.len()).position(|at| at == mark)?;
    bytes.get(at + mark.len()..)
}

/// The title of a PDF that this program made: text of UTF-16 in hexadecimal digits.
fn title(bytes: &[u8]) -> Option<String> {
    after(bytes, CREATOR)?;
    let digits = after(bytes, TITLE)?;
    let end = digits.iter().position(|b| *b == b'>')?;
    let units = digits.get(..end.min(4 * TITLE_MOST))?.chunks_exact(4);
    let units: Option<Vec<u16>> = units
        .map(|unit| u16::from_str_radix(std::str::from_utf8(unit).ok()?, 16).ok())
        .collect();
    let text = String::from_utf16_lossy(&units?);
    Some(text.chars().filter(|c| !c.is_control()).collect())
}

fn pdf(bytes: &[u8]) -> Option<Described> {
    let title = title(bytes)?;
    let known = TITLES.iter().find(|(head, ..)| title.starts_with(head));
    let (what, use_of) = known.map_or(
        ("printed form of a station, PDF", "one page of a layout"),
        |(_, what, use_of)| (*what, *use_of),
    );
    let mut said = Described::new(what, Confidence::Likely);
    said.field("title", title, "");
    said.field("use", "to be read", use_of);
    if known.is_none() {
        said.unusual(IN_CLEAR);
    }
    Some(said)
}

/// Bytes that begin with a printer's reset: ESC/P `ESC @`, PCL 5 `ESC E`.
fn printer(bytes: &[u8]) -> Option<Described> {
    // Whatever was left on the line, and a form feed before a form.
    let begin = bytes.iter().position(|b| !matches!(b, b'\r' | 0x0C))?;
    let what = match bytes.get(begin..)? {
        [0x1B, b'@', ..] => "bytes for a printer, ESC/P",
        [0x1B, b'E', ..] => "bytes for a printer, PCL 5",
        _ => return None,
    };
    let mut said = Described::new(what, Confidence::Likely);
    said.field("use", "for a printer", "they print the page again");
    said.unusual(IN_CLEAR);
    Some(said)
}

/// Describes a printed page.
#[must_use]
pub fn describe(bytes: &[u8]) -> Option<Described> {
    match bytes {
        [b'%', b'P', b'D', b'F', b'-', ..] => pdf(bytes),
        _ => printer(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::describe;

    fn page(title: &str) -> Vec<u8> {
        let units: String = title.encode_utf16().map(|u| format!("{u:04X}")).collect();
        let creator = std::str::from_utf8(super::CREATOR).unwrap();
        format!("%PDF-1.3\n<</Title<FEFF{units}>/Author(){creator}>>\n").into_bytes()
    }

    #[test]
    fn pages_are_told_by_who_made_them_and_their_title() {
        for (title, what, clear) in [
            ("Minutes: Generate ZMK A.ZMK.1", "minutes", false),
            ("Script: Generate ZMK", "script of a ceremony", false),
            ("KEY COMPONENT", "printed form", true),
            ("PERSÖNLICH", "printed form", true),
        ] {
            let said = describe(&page(title)).unwrap();
            assert!(said.what.contains(what), "{said:?}");
            assert_eq!(!said.unusual.is_empty(), clear, "{said:?}");
        }
        let other = String::from_utf8(page("KEY COMPONENT")).unwrap();
        assert!(describe(other.replace("0043006F", "0058006F").as_bytes()).is_none());
        let escp = describe(b"\r\x0C\x1B@\x1BP\x0F1234").unwrap();
        assert!(escp.what.contains("ESC/P") && escp.unusual[0].contains("in clear"));
        for other in [
            &b"%PDF-"[..],
            b"%PDF-1.3 /Title<FEFF00>",
            b"\x1B",
            b"",
            b"\x1BX",
        ] {
            assert!(describe(other).is_none());
        }
    }
}
