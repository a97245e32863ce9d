//! Looks for secrets in everything that a terminal was sent: in the bytes, and
//! in each frame as a person could read it.

use super::driver::Capture;
use super::screen::Screen;

/// Something that must not be seen.
pub struct Needle {
    name: String,
    /// How it could stand there, without spaces, in upper case.
    text: String,
    /// As bytes, if it is a value.
    raw: Vec<u8>,
}

impl Needle {
    /// Digits that were typed.
    pub fn digits(name: &str, digits: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: digits.to_owned(),
            raw: Vec::new(),
        }
    }

    /// Each eight bytes of a value.
    pub fn value(name: &str, value: &[u8]) -> Vec<Self> {
        let pieces = value.chunks_exact(8).enumerate();
        pieces
            .map(|(at, piece)| Self {
                name: format!("{name}, bytes from {}", at * 8),
                text: piece.iter().map(|b| format!("{b:02X}")).collect(),
                raw: piece.to_vec(),
            })
            .collect()
    }

    fn in_text(&self, dense: &str) -> bool {
        dense.contains(&self.text)
    }

    /// A value in any spelling, also drawn cell by cell; typed digits as they
    /// are: six of them come together by chance where cells of many frames are
    /// strung together, and the frames tell what was drawn one by one.
    fn in_bytes(&self, bytes: &[u8], dense: &str) -> bool {
        if self.raw.is_empty() {
            let digits = self.text.as_bytes();
            return bytes.windows(digits.len()).any(|w| w == digits);
        }
        self.in_text(dense) || bytes.windows(self.raw.len()).any(|w| w == self.raw)
    }
}

/// Behind an ESC: `[` and all up to a final letter, or one byte.
fn skip_sequence<'a>(rest: &mut impl Iterator<Item = &'a u8>) {
    if rest.next() == Some(&b'[') {
        let _ = rest.find(|b| (0x40..=0x7E).contains(*b));
    }
}

/// Letters and digits without spaces and control sequences, in upper case.
fn dense(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            0x1B => skip_sequence(&mut rest),
            b'!'..=b'~' => out.push(char::from(byte.to_ascii_uppercase())),
            _ => {}
        }
    }
    out
}

fn screen_text(screen: &Screen) -> String {
    let rows = screen.rows.join("\n").to_uppercase();
    rows.chars()
        .filter(|c| *c == '\n' || !c.is_whitespace())
        .collect()
}

/// What belongs to the sheet of the training printer: the frames that show it,
/// with the bytes that drew them.
pub struct Parted<'a> {
    /// Bytes that drew other frames, in one piece from sheet to sheet.
    pub outside: Vec<&'a [u8]>,
    pub outside_frames: Vec<&'a Screen>,
    pub sheets: Vec<Vec<&'a Screen>>,
}

/// Parts a capture into sheets and everything else.
pub fn part(capture: &Capture) -> Parted<'_> {
    let mut parted = Parted {
        outside: Vec::new(),
        outside_frames: Vec::new(),
        sheets: Vec::new(),
    };
    let (mut begin, mut end, mut sheet) = (0, 0, false);
    for (at, screen) in &capture.frames {
        if screen.is_sheet() {
            if !sheet {
                parted.outside.push(&capture.bytes[begin..end]);
                parted.sheets.push(Vec::new());
            }
            parted.sheets.last_mut().expect("begun").push(screen);
            begin = *at;
        } else {
            parted.outside_frames.push(screen);
        }
        sheet = screen.is_sheet();
        end = *at;
    }
    parted.outside.push(&capture.bytes[begin..]);
    parted
}

/// The value on a sheet that was looked at: its lines, each once.
pub fn sheet_value(frames: &[&Screen]) -> Vec<u8> {
    let mut lines = std::collections::BTreeMap::new();
    for row in frames.iter().flat_map(|screen| &screen.rows) {
        let Some((before, _)) = row.split_once("   check ") else {
            continue;
        };
        let words: Vec<&str> = before
            .trim_start_matches(['║', '|'])
            .split_whitespace()
            .collect();
        if let [number, groups @ ..] = words.as_slice() {
            lines.insert(
                number.parse::<u8>().expect("a line's number"),
                groups.concat(),
            );
        }
    }
    let hex: String = lines.into_values().collect();
    let digits: Vec<u8> = hex
        .chars()
        .map(|c| u8::try_from(c.to_digit(16).expect("hex digits")).expect("a nibble"))
        .collect();
    digits.chunks_exact(2).map(|d| d[0] << 4 | d[1]).collect()
}

/// The first needle that is found outside of the sheets.
pub fn find(needles: &[Needle], capture: &Capture) -> Option<String> {
    let parted = part(capture);
    for bytes in &parted.outside {
        let text = dense(bytes);
        for needle in needles {
            if needle.in_bytes(bytes, &text) {
                return Some(format!("{} among the bytes", needle.name));
            }
        }
    }
    for screen in &parted.outside_frames {
        let text = screen_text(screen);
        if let Some(needle) = needles.iter().find(|needle| needle.in_text(&text)) {
            return Some(format!("{} in a frame", needle.name));
        }
    }
    None
}

/// Whether the needles are found in the sheets: the search does find.
pub fn all_on_sheets(needles: &[Needle], capture: &Capture) -> bool {
    let parted = part(capture);
    let sheets: Vec<String> = parted
        .sheets
        .iter()
        .flatten()
        .map(|s| screen_text(s))
        .collect();
    needles
        .iter()
        .all(|needle| sheets.iter().any(|text| needle.in_text(text)))
}

/// Parameters of every SGR sequence that was sent.
pub fn styles(capture: &Capture) -> Vec<u32> {
    let mut all = Vec::new();
    let mut rest = &capture.bytes[..];
    while let Some(at) = rest.windows(2).position(|w| w == b"\x1b[") {
        rest = &rest[at + 2..];
        let end = rest
            .iter()
            .position(|b| (0x40..=0x7E).contains(b))
            .unwrap_or(rest.len());
        if rest.get(end) == Some(&b'm') {
            let text = String::from_utf8_lossy(&rest[..end]);
            all.extend(text.split([';', ':']).filter_map(|n| n.parse::<u32>().ok()));
        }
    }
    all
}

/// Whether an SGR parameter sets a colour, the default ones included.
pub fn is_colour(parameter: u32) -> bool {
    matches!(parameter, 30..=49 | 58 | 59 | 90..=107)
}
