//! Raw printer commands that a layout may have: those that change how letters
//! look, and none that moves paper or carriage, stores what is printed, or
//! prints something again.

/// A printer language for which a layout may have commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EscapeLanguage {
    /// Impact printers.
    EscP,
    /// Laser printers.
    Pcl5,
}

impl EscapeLanguage {
    /// As layout files write it.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "esc-p" => Some(Self::EscP),
            "pcl-5" => Some(Self::Pcl5),
            _ => None,
        }
    }
}

/// ESC/P: draft and letter quality, typeface, double strike, italics, one
/// direction (Epson's manuals: `ESC x`, `ESC k`, `ESC G`/`H`, `ESC 4`/`5`, `ESC U`).
const ESC_P: [&[u8]; 16] = [
    b"\x1bx0",
    b"\x1bx1",
    b"\x1bx\x00",
    b"\x1bx\x01",
    b"\x1bk\x00",
    b"\x1bk\x01",
    b"\x1bk\x02",
    b"\x1bk\x03",
    b"\x1bk\x05",
    b"\x1bG",
    b"\x1bH",
    b"\x1b4",
    b"\x1b5",
    b"\x1bU0",
    b"\x1bU1",
    b"\x1bU\x01",
];

/// PCL 5: upright and italic, stroke weight, Courier and Letter Gothic.
const PCL_5: [&[u8]; 6] = [
    b"\x1b(s0S",
    b"\x1b(s1S",
    b"\x1b(s0B",
    b"\x1b(s3B",
    b"\x1b(s4099T",
    b"\x1b(s4102T",
];

/// TRUE when the command is on the list.
pub fn allowed(language: EscapeLanguage, code: &[u8]) -> bool {
    match language {
        EscapeLanguage::EscP => ESC_P.contains(&code),
        EscapeLanguage::Pcl5 => PCL_5.contains(&code),
    }
}
