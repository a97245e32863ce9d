//! Key usages as a payShield has them: those of X9.143, and Thales's own numbers
//! beside them (payShield manual, clause 8.5.1.2, as quoted in public sources).

use crate::keyblock::header::{Algorithm, Mode, Usage};

/// One key usage of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThalesUsage {
    /// Two characters.
    pub code: &'static str,
    /// The usage of X9.143 that it becomes there; nothing where it has none.
    pub x9_143: Option<&'static str>,
    /// What the key is.
    pub meaning: &'static str,
    /// Letters of the algorithms that it may have.
    pub algorithms: &'static str,
    /// Letters of the modes that it may have.
    pub modes: &'static str,
}

impl ThalesUsage {
    /// Whether the table allows the algorithm and the mode with it.
    #[must_use]
    pub fn allows(&self, algorithm: Algorithm, mode: Mode) -> bool {
        self.algorithms.contains(algorithm.letter()) && self.modes.contains(mode.letter())
    }
}

/// The table's row of a usage.
#[must_use]
pub fn thales_usage(usage: Usage) -> Option<&'static ThalesUsage> {
    let code = usage.to_string();
    TABLE.iter().find(|row| row.code == code)
}

const fn row(
    code: &'static str,
    x9_143: Option<&'static str>,
    algorithms: &'static str,
    modes: &'static str,
    meaning: &'static str,
) -> ThalesUsage {
    ThalesUsage {
        code,
        x9_143,
        meaning,
        algorithms,
        modes,
    }
}

const TABLE: &[ThalesUsage] = &[
    row("01", None, "DT", "CGNV", "watchword key (WWK)"),
    row("02", None, "RE", "ENVX", "public key"),
    row(
        "03",
        None,
        "RE",
        "DNSX",
        "private key, signing or key management",
    ),
    row("04", None, "R", "DNS", "RSA private key for ICCs"),
    row(
        "05",
        None,
        "R",
        "DNS",
        "RSA private key for PIN translation",
    ),
    row("06", None, "R", "DNS", "RSA private key for TLS"),
    row("B0", Some("B0"), "AT", "NX", "base derivation key (BDK-1)"),
    row("41", Some("B0"), "AT", "NX", "base derivation key (BDK-2)"),
    row("42", Some("B0"), "T", "NX", "base derivation key (BDK-3)"),
    row("43", Some("B0"), "AT", "NX", "base derivation key (BDK-4)"),
    row("44", Some("B0"), "T", "NX", "base derivation key (BDK-5)"),
    row("B1", Some("B1"), "AT", "NX", "initial DUKPT key (IKEY)"),
    row("C0", Some("C0"), "AT", "CGNV", "card verification key"),
    row(
        "11",
        Some("C0"),
        "T",
        "CGNV",
        "card verification key, Amex CSC",
    ),
    row(
        "12",
        Some("C0"),
        "T",
        "CGNV",
        "card verification key, Mastercard CVC",
    ),
    row(
        "13",
        Some("C0"),
        "AT",
        "CGNV",
        "card verification key, Visa CVV",
    ),
    row("D0", Some("D0"), "ADT", "BDEN", "data encryption key"),
    row("21", Some("D0"), "ADT", "BDEN", "data encryption key (DEK)"),
    row(
        "22",
        Some("D0"),
        "ADT",
        "BDEN",
        "zone data encryption key (ZEK)",
    ),
    row(
        "23",
        Some("D0"),
        "ADT",
        "BDEN",
        "terminal data encryption key (TEK)",
    ),
    row("24", None, "A", "BDEN", "key encryption key, transport"),
    row(
        "25",
        Some("D0"),
        "A",
        "BDEN",
        "data encryption key, counter mode",
    ),
    row(
        "E0",
        Some("E0"),
        "AT",
        "NX",
        "EMV master key, application cryptograms (MK-AC)",
    ),
    row(
        "E1",
        Some("E1"),
        "AT",
        "NX",
        "EMV master key, confidentiality (MK-SMC)",
    ),
    row(
        "E2",
        Some("E2"),
        "AT",
        "NX",
        "EMV master key, integrity (MK-SMI)",
    ),
    row(
        "E3",
        Some("E3"),
        "AT",
        "NX",
        "EMV master key, data authentication code (MK-DAC)",
    ),
    row(
        "E4",
        Some("E4"),
        "T",
        "NX",
        "EMV master key, dynamic numbers (MK-DN)",
    ),
    row(
        "E5",
        Some("E5"),
        "T",
        "NX",
        "EMV master key, card personalisation",
    ),
    row("E6", Some("E6"), "AT", "NX", "EMV master key, other"),
    row("E7", None, "AT", "NX", "EMV master personalisation key"),
    row(
        "32",
        Some("E6"),
        "AT",
        "NX",
        "dynamic CVV master key (MK-CVC3)",
    ),
    row("37", None, "AT", "NX", "EMV card key, cryptograms"),
    row("38", None, "AT", "NX", "EMV card key, integrity"),
    row("39", None, "AT", "NX", "EMV card key, encryption"),
    row("40", None, "T", "N", "EMV personalisation system key"),
    row("K0", Some("K0"), "ADT", "BDEN", "key encryption key"),
    row("K1", Some("K1"), "AT", "BDEN", "key block protection key"),
    row("51", Some("K0"), "ADT", "BDEN", "terminal master key (TMK)"),
    row("52", Some("K0"), "ADT", "BDEN", "zone master key (ZMK)"),
    row("53", None, "AT", "X", "ZKA master key"),
    row("54", None, "AT", "BDEN", "key encryption key (KEK)"),
    row("55", None, "A", "E", "key encryption key, transport"),
    row("M0", Some("M0"), "T", "CGNV", "ISO 16609 MAC algorithm 1"),
    row("M1", Some("M1"), "DT", "CGNV", "ISO 9797-1 MAC algorithm 1"),
    row("M2", Some("M2"), "DT", "CGNV", "ISO 9797-1 MAC algorithm 2"),
    row("M3", Some("M3"), "T", "CGNV", "ISO 9797-1 MAC algorithm 3"),
    row("M4", Some("M4"), "T", "CGNV", "ISO 9797-1 MAC algorithm 4"),
    row(
        "M5",
        Some("M5"),
        "AT",
        "CGNV",
        "ISO 9797-1:1999 MAC algorithm 5",
    ),
    row("M6", Some("M6"), "A", "CGNV", "CMAC"),
    row("61", None, "H", "CGNV", "HMAC key, SHA-1"),
    row("62", None, "H", "CGNV", "HMAC key, SHA-224"),
    row("63", None, "H", "CGNV", "HMAC key, SHA-256"),
    row("64", None, "H", "CGNV", "HMAC key, SHA-384"),
    row("65", None, "H", "CGNV", "HMAC key, SHA-512"),
    row("P0", Some("P0"), "ADT", "BDEN", "PIN encryption key"),
    row("71", Some("P0"), "ADT", "BDEN", "terminal PIN key (TPK)"),
    row("72", Some("P0"), "ADT", "BDEN", "zone PIN key (ZPK)"),
    row("73", Some("P0"), "DT", "N", "terminal key register (TKR)"),
    row("V0", Some("V0"), "DT", "CGNV", "PIN verification key"),
    row(
        "V1",
        Some("V1"),
        "DT",
        "CGNV",
        "PIN verification key, IBM 3624",
    ),
    row(
        "V2",
        Some("V2"),
        "ADT",
        "CGNV",
        "PIN verification key, Visa PVV",
    ),
];
