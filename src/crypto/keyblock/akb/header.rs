//! The header: eight characters, B0 to B7 as the vendor counts them. The tables
//! are those of the vendor's migration guide as quoted in public sources.

use std::fmt;

use super::block::AkbError;

/// Characters of a header.
const LEN: usize = 8;

/// A header: eight letters and digits, in format 1. That its fields are in the
/// tables is asked by [`AkbHeader::fault`], since blocks with other values exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AkbHeader([u8; LEN]);

/// One value of one field: the character, and what it says.
struct AkbRow {
    value: char,
    meaning: &'static str,
}

/// The first field with a value that no table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("byte B{at} of the header, {name}, is `{value}`, which the tables do not have")]
pub struct AkbFault {
    /// From 0.
    pub at: usize,
    /// The field's name.
    pub name: &'static str,
    /// What stands there.
    pub value: char,
}

impl AkbHeader {
    /// From its eight characters.
    pub fn parse(text: &[u8]) -> Result<Self, AkbError> {
        let header: [u8; LEN] = text.try_into().map_err(|_| AkbError::Header)?;
        if !header.iter().all(u8::is_ascii_alphanumeric) {
            return Err(AkbError::Header);
        }
        match header[0] {
            b'1' => Ok(Self(header)),
            other => Err(AkbError::Format(char::from(other))),
        }
    }

    /// Its bytes, which are the initialisation vector.
    pub(super) fn bytes(&self) -> [u8; LEN] {
        self.0
    }

    /// The fields: name, character, meaning where a table has it.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, char, Option<&'static str>)> + '_ {
        TABLES.iter().zip(self.0).map(|((name, rows), byte)| {
            let value = char::from(byte);
            let row = rows.iter().find(|row| row.value == value);
            (*name, value, row.map(|row| row.meaning))
        })
    }

    /// The first field that is in no table.
    pub fn fault(&self) -> Result<(), AkbFault> {
        let unknown = self
            .fields()
            .enumerate()
            .find(|(_, (_, _, meaning))| meaning.is_none());
        match unknown {
            None => Ok(()),
            Some((at, (name, value, _))) => Err(AkbFault { at, name, value }),
        }
    }

    /// B4: `E`, `N` or `S`.
    #[must_use]
    pub fn exportability(&self) -> char {
        char::from(self.0[4])
    }

    /// The usages of X9.143 that B1, B2 and B7 stand for; none where they have no
    /// counterpart there.
    #[must_use]
    pub fn x9_143_usages(&self) -> &'static [&'static str] {
        match [self.0[1], self.0[2], self.0[7]].map(char::from) {
            ['A' | 'K', ..] => &["K0"],
            ['k', ..] => &["K1"],
            ['P', ..] => &["P0"],
            ['D', ..] => &["D0"],
            ['C', ..] => &["C0"],
            ['d', ..] => &["B0"],
            ['M', _, '1'] => &["M1"],
            ['M', _, '3'] => &["M3"],
            ['M', ..] => &["M0", "M1", "M2", "M3", "M4", "M5"],
            ['V', '3', _] => &["V1"],
            ['V', 'V', _] => &["V2"],
            ['V', ..] => &["V0"],
            ['m', 'E', '0'] => &["E0"],
            ['m', 'E', 'E'] => &["E1"],
            ['m', 'E', 'M'] => &["E2"],
            _ => &[],
        }
    }

    /// The same header with the mode and the exportability of a key: X9.143's
    /// letters, of which `B`, `C` and `X` are no restriction here.
    #[must_use]
    pub fn with(self, mode: char, exportability: char) -> Option<Self> {
        let mut header = self.0;
        header[3] = match mode {
            'D' | 'E' | 'G' | 'V' => u8::try_from(mode).ok()?,
            'B' | 'C' | 'N' | 'X' => b'N',
            _ => return None,
        };
        header[4] = u8::try_from(exportability).ok()?;
        matches!(exportability, 'E' | 'N' | 'S').then_some(Self(header))
    }

    /// B3: what the key may do.
    #[must_use]
    pub fn mode(&self) -> char {
        char::from(self.0[3])
    }

    /// TRUE where the block carries a component and not a key.
    #[must_use]
    pub fn is_component(&self) -> bool {
        matches!(self.0[6], b'2'..=b'4')
    }
}

impl fmt::Display for AkbHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|b| write!(f, "{}", char::from(*b)))
    }
}

const fn row(value: char, meaning: &'static str) -> AkbRow {
    AkbRow { value, meaning }
}

const TABLES: [(&str, &[AkbRow]); LEN] = [
    ("format", &[row('1', "key under TDES")]),
    (
        "key usage",
        &[
            row('A', "ATM master key"),
            row('C', "card verification"),
            row('D', "data encryption"),
            row('I', "initialisation vector"),
            row('K', "key encryption"),
            row('M', "MAC"),
            row('P', "PIN encryption"),
            row('V', "PIN verification"),
            row('c', "communications"),
            row('d', "derivation"),
            row('k', "key block protection, TR-31 or TR-34"),
            row('m', "master key"),
            row('n', "table"),
        ],
    ),
    (
        "algorithm",
        &[
            row('3', "IBM 3624"),
            row('D', "DES"),
            row('E', "EMV"),
            row('F', "derivation"),
            row('N', "NCR"),
            row('R', "RSA"),
            row('U', "unspecified"),
            row('V', "Visa"),
            row('X', "American Express"),
            row('Z', "derivation"),
            row('2', "seen on MAC keys, in no table"),
        ],
    ),
    (
        "mode of use",
        &[
            row('D', "decrypt only"),
            row('E', "encrypt only"),
            row('G', "generate only"),
            row('N', "no restriction"),
            row('V', "verify only"),
        ],
    ),
    (
        "exportability",
        &[
            row('E', "exportable"),
            row('N', "not exportable"),
            row('S', "sensitive"),
        ],
    ),
    ("reserved", &[row('0', "always 0")]),
    (
        "special handling",
        &[
            row('0', "none"),
            row('2', "component, 2"),
            row('3', "component, 3"),
            row('4', "component, 4"),
            row('E', "export only"),
            row('I', "import only"),
            row('M', "MFK"),
        ],
    ),
    (
        "other",
        &[
            row('0', "none"),
            row('1', "MAC algorithm 1"),
            row('3', "MAC algorithm 3"),
            row('B', "B"),
            row('E', "EMV confidentiality"),
            row('M', "EMV integrity"),
        ],
    ),
];
