//! Reads ESC/P as a printer would, into lines of letters.

use conclave_crypto::secret::Secret;
use zeroize::Zeroizing;

/// Widest line that is kept; a real carriage ends at 80 or 136.
const COLUMNS: usize = 160;
/// Most lines that are kept: some forms.
const LINES: usize = 2000;

/// A sheet's letters as text: lines without trailing spaces, form feeds as a
/// line of dashes. Wide letters take two columns on paper; here they stand
/// together and the next thing on the line keeps its column. What is printed
/// over something else replaces it. Of a PDF only the size is told.
pub fn read(bytes: &Secret) -> Zeroizing<String> {
    let bytes = bytes.expose();
    if bytes.starts_with(b"%PDF-") {
        return Zeroizing::new(format!("(a PDF page, {} bytes)", bytes.len()));
    }
    let mut out = Zeroizing::new(String::with_capacity(bytes.len() * 2 + 128));
    // Cells hold letters of secrets: one line, wiped at the end.
    let mut line = Zeroizing::new([0u8; COLUMNS]);
    let (mut column, mut wide, mut lines) = (0usize, false, 0usize);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == 0x1B {
            let sequence = bytes.get(at..).unwrap_or_default();
            match sequence.get(1) {
                Some(b'@') => wide = false,
                Some(b'W') => wide = matches!(sequence.get(2), Some(b'1' | 1)),
                _ => {}
            }
            at += escape_len(sequence);
            continue;
        }
        at += 1;
        match byte {
            b'\r' => column = 0,
            b'\n' | 0x0C => {
                if lines < LINES {
                    end_line(&mut out, &mut line, byte == 0x0C);
                }
                lines += 1;
            }
            b' '..=b'~' => {
                if let Some(cell) = line.get_mut(column) {
                    *cell = byte;
                }
                column += 1;
                if wide {
                    // Marked, so that it can be left out below.
                    if let Some(cell) = line.get_mut(column) {
                        *cell = WIDE;
                    }
                    column += 1;
                }
            }
            _ => {}
        }
    }
    if lines < LINES && line.iter().any(|cell| *cell != 0) {
        end_line(&mut out, &mut line, false);
    }
    while out.ends_with('\n') {
        out.pop();
    }
    out
}

/// How many bytes a command of ESC/P has that begins here, with its escape.
pub fn escape_len(bytes: &[u8]) -> usize {
    match bytes.get(1) {
        // A zero means: in inches, in one more byte.
        Some(b'C') if bytes.get(2) == Some(&0) => 4,
        Some(b'W' | b'C' | b'-' | b'R' | b'x' | b'k' | b'3' | b'A' | b'!' | b'U' | b'N') => 3,
        _ => 2,
    }
}

/// The second half of a wide letter.
const WIDE: u8 = 1;

fn end_line(out: &mut Zeroizing<String>, line: &mut Zeroizing<[u8; COLUMNS]>, feed: bool) {
    let used = line
        .iter()
        .rposition(|cell| *cell != 0)
        .map_or(0, |at| at + 1);
    let start = out.len();
    let mut owed = 0;
    let mut after_wide = false;
    for cell in line.iter().take(used) {
        match *cell {
            WIDE => {
                owed += 1;
                after_wide = true;
                continue;
            }
            // What wide letters saved is made up for before the next column.
            0 | b' ' if !after_wide => {
                out.extend(std::iter::repeat_n(' ', owed + 1));
                owed = 0;
            }
            0 => {
                out.extend(std::iter::repeat_n(' ', owed + 1));
                owed = 0;
            }
            byte => out.push(char::from(byte)),
        }
        after_wide = false;
    }
    let kept = out.trim_end_matches(' ').len().max(start);
    out.truncate(kept);
    out.push('\n');
    if feed {
        out.push_str("--------------------------------\n");
    }
    line.fill(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        read(&Secret::take(&mut bytes.to_vec())).to_string()
    }

    #[test]
    fn lines_wide_letters_and_overstrike() {
        assert_eq!(text(b"\x1b@\x1bP\x1bCBab\r\n  c\r"), "ab\n  c");
        assert_eq!(text(b"\x1bE\x1bW1AB 1\x1bW0\x1bF   |"), "AB 1       |");
        assert_eq!(text(b"abc\rX"), "Xbc");
        // Without the carriage return the next line starts where this one ended.
        assert_eq!(text(b"ab\ncd"), "ab\n  cd");
        assert_eq!(text(b"a\r\x0cb"), "a\n--------------------------------\nb");
        assert_eq!(text(b"%PDF-1.3"), "(a PDF page, 8 bytes)");
    }

    #[test]
    fn anything_may_arrive() {
        let mut seed = 1u32;
        for len in 0..400 {
            let noise: Vec<u8> = (0..len)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 24) as u8 & 0x3F
                })
                .collect();
            let _ = text(&noise);
        }
    }
}
