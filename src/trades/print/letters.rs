//! The letters a form may have: printable ASCII. The same on every printer,
//! so that a form does not depend on a code page.

/// The printable ASCII for one character, or `None`: it is refused.
///
/// Names are Latin for the most part; their letters lose the accent, the
/// German and Nordic ones are written out.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ä' | 'æ' => "ae",
        'ö' | 'œ' => "oe",
        'ü' => "ue",
        'Ä' | 'Æ' => "Ae",
        'Ö' | 'Œ' => "Oe",
        'Ü' => "Ue",
        'ß' => "ss",
        'å' => "aa",
        'Å' => "Aa",
        'ø' => "oe",
        'Ø' => "Oe",
        'à' | 'á' | 'â' | 'ã' | 'ă' | 'ą' | 'ā' => "a",
        'À' | 'Á' | 'Â' | 'Ã' | 'Ă' | 'Ą' | 'Ā' => "A",
        'ç' | 'ć' | 'č' => "c",
        'Ç' | 'Ć' | 'Č' => "C",
        'ď' | 'đ' | 'ð' => "d",
        'Ď' | 'Đ' | 'Ð' => "D",
        'è' | 'é' | 'ê' | 'ë' | 'ě' | 'ę' | 'ē' => "e",
        'È' | 'É' | 'Ê' | 'Ë' | 'Ě' | 'Ę' | 'Ē' => "E",
        'ğ' => "g",
        'Ğ' => "G",
        'ì' | 'í' | 'î' | 'ï' | 'ı' | 'ī' => "i",
        'Ì' | 'Í' | 'Î' | 'Ï' | 'İ' | 'Ī' => "I",
        'ł' | 'ľ' | 'ļ' => "l",
        'Ł' | 'Ľ' | 'Ļ' => "L",
        'ñ' | 'ń' | 'ň' => "n",
        'Ñ' | 'Ń' | 'Ň' => "N",
        'ò' | 'ó' | 'ô' | 'õ' | 'ő' | 'ō' => "o",
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ő' | 'Ō' => "O",
        'ř' => "r",
        'Ř' => "R",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'Ś' | 'Š' | 'Ş' | 'Ș' => "S",
        'ť' | 'ţ' | 'ț' => "t",
        'Ť' | 'Ţ' | 'Ț' => "T",
        'ù' | 'ú' | 'û' | 'ů' | 'ű' | 'ū' => "u",
        'Ù' | 'Ú' | 'Û' | 'Ů' | 'Ű' | 'Ū' => "U",
        'ý' | 'ÿ' => "y",
        'Ý' => "Y",
        'ź' | 'ż' | 'ž' => "z",
        'Ź' | 'Ż' | 'Ž' => "Z",
        'þ' => "th",
        'Þ' => "Th",
        '\u{2019}' | '\u{2018}' => "'",
        '\u{201C}' | '\u{201D}' | '\u{201E}' => "\"",
        '\u{2013}' | '\u{2014}' => "-",
        '\u{2026}' => "...",
        '\u{00A0}' => " ",
        _ => return None,
    })
}

/// The text in printable ASCII.
///
/// # Errors
/// The first character that has no such form: control characters, and
/// letters of other scripts.
pub fn to_ascii(text: &str) -> Result<String, char> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, ' '..='~') {
            out.push(c);
        } else {
            out.push_str(plain(c).ok_or(c)?);
        }
    }
    Ok(out)
}

/// TRUE when some word of `text` is four upper-case hex digits: on a form it
/// could be taken for a group of the value.
pub fn has_value_group(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(is_value_group)
}

fn is_value_group(word: &str) -> bool {
    word.len() == 4 && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'))
}

/// TRUE when some word of `text` is four to twelve digits: on a PIN mailer it
/// could be taken for the PIN.
pub fn has_pin_group(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| (4..=12).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit()))
}

/// TRUE when `text` has 13 to 19 digits in a row, with or without spaces,
/// punctuation and new lines between them, that pass the check of card numbers
/// (ISO/IEC 7812-1, annex B), whatever digits stand around them.
pub fn has_card_number(text: &str) -> bool {
    let between = |c: char| c.is_ascii_punctuation() || c.is_ascii_whitespace();
    text.split(|c: char| !c.is_ascii_digit() && !between(c))
        .any(|run| {
            let digits: Vec<u32> = run.chars().filter_map(|c| c.to_digit(10)).collect();
            (13..=19).any(|len| digits.windows(len).any(passes_luhn))
        })
}

fn passes_luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => *digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    // Sixteen zeros pass the check; they are no card.
    sum > 0 && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ascii_and_commands_do_not() {
        assert_eq!(to_ascii("Jürg Åström").as_deref(), Ok("Juerg Aastroem"));
        assert_eq!(to_ascii("Łukasz Żak").as_deref(), Ok("Lukasz Zak"));
        assert_eq!(to_ascii("A\u{1b}@"), Err('\u{1b}'));
        assert_eq!(to_ascii("a\tb"), Err('\t'));
        assert_eq!(to_ascii("a\u{9b}b"), Err('\u{9b}'));
        assert_eq!(to_ascii("鍵"), Err('鍵'));
    }

    #[test]
    fn groups_that_could_be_a_value() {
        assert!(has_value_group("see 0123"));
        assert!(has_value_group("24-NOV-2026"));
        assert!(has_value_group("BEEF"));
        assert!(!has_value_group("24NOV2026"));
        assert!(!has_value_group("face 12345 KEY1"));
    }

    #[test]
    fn card_numbers_and_pins_are_seen() {
        // Numbers that card schemes publish for tests.
        for card in [
            "4111111111111111",
            "no 5555 5555 5555 4444.",
            "3782-822463-10005",
            // Among more digits, too.
            "14111111111111111",
        ] {
            assert!(has_card_number(card), "{card}");
        }
        for none in [
            // 4111111111111112 would be one: its last thirteen digits pass.
            "4111111111111113",
            "12345",
            "0000 0000 0000 0000",
            "+41 31 555 01 00",
        ] {
            assert!(!has_card_number(none), "{none}");
        }
        assert!(has_pin_group("call 0800") && has_pin_group("123456789012"));
        assert!(!has_pin_group("PIN123 4 digits, 1234567890123"));
    }
}
