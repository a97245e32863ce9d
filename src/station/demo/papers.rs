//! What lies on the table for the hands to type: a partner's component sheets
//! and letter, and sheets that this station printed, brought back by their
//! custodians.

use std::collections::BTreeMap;

use conclave_crypto::keyblock::{Attributes, Kbpk, OptionalBlocks, wrap};
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::primitive::modes::Algorithm;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_keyroom::ports::dialogue::{Answer, Ask, Groups, Prompt};
use conclave_trades::print::check::{LINE_BYTES, line_check};

/// The papers of one ceremony.
#[derive(Default)]
pub struct Papers {
    /// Values of the component sheets, by number.
    sheets: BTreeMap<u8, Secret>,
    /// The check value on each component sheet.
    values: BTreeMap<u8, String>,
    /// Serials of the packages the sheets came in.
    pub packages: BTreeMap<u8, String>,
    /// The key's check value in the letter.
    letter: String,
    /// The key block beside the letter.
    block: String,
}

/// What a partner of the demonstration sends: a zone master key on sheets, and
/// a working key under it.
pub struct Partner {
    /// The zone master key's papers.
    pub zmk: Papers,
    /// The working key's papers.
    pub working: Papers,
}

fn digits(bytes: &[u8]) -> Secret {
    Secret::from_fn(bytes.len() * 2, |out| {
        // The place is twice as long as the bytes.
        let _ = base16ct::upper::encode(bytes, out);
    })
}

fn draw(bytes: usize, random: &mut dyn RandomSource) -> Result<Secret, String> {
    let mut value = Secret::zeroed(bytes);
    random
        .secret(value.expose_mut())
        .map_err(|e| e.to_string())?;
    Ok(value)
}

fn check_value(key: &Secret) -> Result<String, String> {
    Kcv::compute(Method::AesCmac, key.expose())
        .map(|kcv| kcv.hex())
        .map_err(|e| e.to_string())
}

impl Partner {
    /// Makes both keys, as the partner's own key room would: an AES-256 zone
    /// master key in `components` sheets, and a key of these header attributes
    /// and 16 bytes in a key block of version D.
    ///
    /// # Errors
    /// No randomness, in words.
    pub fn prepare(
        components: u8,
        attributes: &str,
        random: &mut dyn RandomSource,
    ) -> Result<Self, String> {
        let mut zmk = Papers::default();
        let mut key = Secret::zeroed(32);
        for index in 1..=components {
            let sheet = draw(32, random)?;
            key.xor_in_place(&sheet)
                .ok_or("the components differ in length")?;
            zmk.values.insert(index, check_value(&sheet)?);
            zmk.sheets.insert(index, sheet);
        }
        zmk.letter = check_value(&key)?;
        let clear = draw(16, random)?;
        let attributes = Attributes::parse(attributes).map_err(|e| e.to_string())?;
        let kbpk = Kbpk::new(Algorithm::Aes, key).map_err(|e| e.to_string())?;
        let blocks = OptionalBlocks::default();
        let working = Papers {
            letter: check_value(&clear)?,
            block: wrap(&kbpk, &attributes, &blocks, &clear, random).map_err(|e| e.to_string())?,
            ..Papers::default()
        };
        Ok(Self { zmk, working })
    }
}

/// A double-length TDES key on so many sheets, as an issuer prints them: the
/// papers for whoever types them, and the sheets' values.
///
/// # Errors
/// No randomness, in words.
pub fn pin_key_papers(
    sheets: u8,
    random: &mut dyn RandomSource,
) -> Result<(Papers, Vec<Secret>), String> {
    let of = |key: &Secret| {
        Kcv::compute(Method::TdesZero, key.expose())
            .map(|kcv| kcv.hex())
            .map_err(|e| e.to_string())
    };
    let mut papers = Papers::default();
    let mut values = Vec::new();
    let mut key = Secret::zeroed(16);
    for index in 1..=sheets {
        let mut sheet = draw(16, random)?;
        // Odd parity on each sheet: the lowest bit makes the count odd.
        for byte in sheet.expose_mut() {
            *byte ^= u8::from(byte.count_ones() % 2 == 0);
        }
        key.xor_in_place(&sheet)
            .ok_or("the components differ in length")?;
        papers.values.insert(index, of(&sheet)?);
        papers.sheets.insert(index, sheet.duplicate());
        values.push(sheet);
    }
    papers.letter = of(&key)?;
    Ok((papers, values))
}

impl Papers {
    /// A sheet that this station printed, read from its letters.
    pub fn add_printed(&mut self, index: u8, sheet: &str) {
        let groups: Vec<&str> = sheet
            .lines()
            .filter(|line| line.contains("   check "))
            .flat_map(str::split_whitespace)
            .filter(|word| word.len() == 4 && word.bytes().all(|b| b.is_ascii_hexdigit()))
            .collect();
        let value = Secret::from_fn(groups.len() * 2, |out| {
            for (group, place) in groups.iter().zip(out.chunks_mut(2)) {
                // Four hexadecimal digits are two bytes.
                let _ = base16ct::mixed::decode(group, place);
            }
        });
        self.sheets.insert(index, value);
    }

    /// One line of a sheet, with the letter that stands behind it.
    fn line(&self, index: u8, groups: &Groups) -> Option<Secret> {
        let from = usize::from(groups.line.checked_sub(1)?) * LINE_BYTES;
        let sheet = self.sheets.get(&index)?.expose();
        let line = sheet.get(from..sheet.len().min(from + LINE_BYTES))?;
        let typed = digits(line);
        if !groups.check {
            return Some(typed);
        }
        let letter = line_check(groups.line, line);
        Some(Secret::from_fn(typed.len() + 1, |out| {
            if let Some((last, first)) = out.split_last_mut() {
                first.copy_from_slice(typed.expose());
                *last = letter;
            }
        }))
    }

    /// What is typed from these papers, where a question is about them.
    pub fn answer(&self, prompt: &Prompt, component: u8) -> Option<Answer> {
        if let Ask::Groups(groups) = &prompt.ask {
            return self.line(component, groups).map(Answer::Secret);
        }
        if !matches!(prompt.ask, Ask::Text { .. }) {
            return None;
        }
        let code = prompt.code.as_str();
        let text = match code {
            "enter.kcv" => self.values.get(&component)?,
            "import.block" | "import.block.again" => &self.block,
            _ if code.starts_with("exercise.serial") => self.packages.get(&component)?,
            _ if code.starts_with("combine.") => &self.letter,
            _ => return None,
        };
        (!text.is_empty()).then(|| Answer::Word(text.clone()))
    }
}
