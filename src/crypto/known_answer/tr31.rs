//! Key blocks: unwrapping, wrapping, derivations.

use super::checks::whole_check;
use super::inputs::refused;
use super::{Answer, Inputs, NoAnswer, Output, Value};
use crate::keyblock::{
    Algorithm, Attributes, BlockId, HEADER_LEN, Header, Kbpk, KeyBlock, LengthHiding,
    OptionalBlock, OptionalBlocks, Version, Writing, derive, wrap_as, wrap_with_padding,
};
use crate::primitive::kcv::Method;
use crate::primitive::modes::Algorithm as Cipher;
use crate::secret::{RandomError, RandomSource, Secret};

pub(super) fn answer(op: &str, inputs: &Inputs<'_>) -> Answer {
    match op {
        "tr31_unwrap" => unwrap_op(inputs),
        "tr31_wrap" => wrap_op(inputs),
        "tr31_header" | "tr31_header_parse" | "tr31_parse" => header_op(inputs),
        "tr31_derive_variant" => derive_op(Version::A, inputs),
        "tr31_derive_binding_tdes" => derive_op(Version::B, inputs),
        "tr31_derive_binding_aes" => derive_op(Version::D, inputs),
        "tr31_derive_binding_aes_ctr" => derive_op(Version::E, inputs),
        _ => Err(NoAnswer::Unknown),
    }
}

fn derive_op(version: Version, inputs: &Inputs<'_>) -> Answer {
    let key = inputs.bytes("kbpk")?;
    let kbpk = Kbpk::new(version.cipher(), key).map_err(refused)?;
    let keys = derive(version, kbpk.secret()).map_err(refused)?;
    Ok(vec![
        ("kbek", Output::hex(keys.kbek.expose())),
        ("kbak", Output::hex(keys.kbak.expose())),
    ])
}

fn header_outputs(header: &Header) -> Vec<(&'static str, Output)> {
    let attributes = &header.attributes;
    let blocks = header
        .blocks
        .iter()
        .map(|b| (b.id().to_string(), Value::Text(b.data().to_owned())))
        .collect();
    vec![
        ("version", Output::text(header.version.letter())),
        ("usage", Output::text(attributes.usage.to_string())),
        ("algorithm", Output::text(attributes.algorithm.letter())),
        ("mode", Output::text(attributes.mode.letter())),
        (
            "key_version",
            Output::text(attributes.key_version.to_string()),
        ),
        (
            "exportability",
            Output::text(attributes.exportability.letter()),
        ),
        ("optional_blocks", Output::Exact(Value::Map(blocks))),
    ]
}

fn header_op(inputs: &Inputs<'_>) -> Answer {
    let block = KeyBlock::parse(inputs.text("key_block")?.as_bytes()).map_err(refused)?;
    Ok(header_outputs(block.header()))
}

/// The protection key of the cipher that the block's version wants.
fn kbpk_for(version: Version, inputs: &Inputs<'_>) -> Result<Kbpk, NoAnswer> {
    Kbpk::new(version.cipher(), inputs.bytes("kbpk")?).map_err(refused)
}

fn unwrap_op(inputs: &Inputs<'_>) -> Answer {
    let text = inputs.text("key_block")?;
    inputs.value("kbpk")?;
    let block = KeyBlock::parse(text.as_bytes()).map_err(refused)?;
    let kbpk = kbpk_for(block.header().version, inputs)?;
    let found = block.unwrap(&kbpk).map_err(refused)?;
    let mut outputs = header_outputs(&found.header);
    outputs.push(("key", Output::hex(found.key.expose())));
    outputs.push(("key_length", number(found.key.len())));
    outputs.push(("length", number(text.len())));
    let methods: &[(&'static str, Method)] = match found.header.attributes.algorithm {
        Algorithm::Des | Algorithm::Tdes => &[
            ("kcv", Method::TdesZero),
            ("kcv_zero", Method::TdesZero),
            ("kcv_cmac", Method::TdesCmac),
        ],
        Algorithm::Aes => &[
            ("kcv", Method::AesCmac),
            ("kcv_zero", Method::AesZero),
            ("kcv_cmac", Method::AesCmac),
        ],
        _ => &[],
    };
    for (name, method) in methods {
        let whole = whole_check(*method, &found.key).map_err(refused)?;
        outputs.push((name, Output::Leftmost(whole)));
    }
    Ok(outputs)
}

fn number(value: usize) -> Output {
    Output::Exact(Value::Number(value.to_string()))
}

/// What a wrapping vector wants to be written: a `header` (16 characters, or
/// with its optional blocks), or its fields one by one.
struct Wanted {
    version: Version,
    attributes: Attributes,
    blocks: OptionalBlocks,
}

impl Wanted {
    fn read(inputs: &Inputs<'_>) -> Result<Self, NoAnswer> {
        let (version, attributes) = match inputs.optional("header") {
            Some(header) => {
                let header = header
                    .as_text()
                    .ok_or_else(|| NoAnswer::Incomplete("`header` is no text".into()))?;
                let version = header.get(..1).unwrap_or_default().to_owned();
                let fields = header.get(5..12).unwrap_or_default().to_owned();
                (version, fields)
            }
            None => {
                let names = ["usage", "algorithm", "mode", "key_version", "exportability"];
                let fields: Result<String, NoAnswer> =
                    names.iter().map(|name| inputs.text(name)).collect();
                (inputs.text("version")?.to_owned(), fields?)
            }
        };
        let version = version
            .parse()
            .ok()
            .and_then(Version::from_char)
            .ok_or_else(|| refused("no such version"))?;
        Ok(Self {
            version,
            attributes: Attributes::parse(&attributes).map_err(refused)?,
            blocks: Self::blocks(inputs)?,
        })
    }

    fn blocks(inputs: &Inputs<'_>) -> Result<OptionalBlocks, NoAnswer> {
        let header = inputs.optional("header").and_then(Value::as_text);
        let header = header.unwrap_or_default();
        if header.len() > HEADER_LEN {
            let count = header.get(12..14).unwrap_or_default().parse();
            let rest = header.get(HEADER_LEN..).unwrap_or_default();
            let count = count.map_err(refused)?;
            return OptionalBlocks::parse(rest, count).map_err(refused);
        }
        let mut blocks = OptionalBlocks::default();
        let listed = inputs.optional("optional_blocks").map(Value::fields);
        for (id, data) in listed.unwrap_or_default() {
            let block = BlockId::new(id)
                .zip(data.as_text())
                .and_then(|(id, data)| OptionalBlock::new(id, data))
                .ok_or_else(|| refused("an optional block is malformed"))?;
            blocks.push(block).map_err(refused)?;
        }
        Ok(blocks)
    }

    /// Whether a block, once authenticated, says and holds what is wanted.
    fn is(&self, text: &str, kbpk: &Kbpk, key: &Secret) -> Result<(), String> {
        let found = crate::keyblock::unwrap(kbpk, text.as_bytes()).map_err(|e| e.to_string())?;
        let same = found.header.version == self.version
            && found.header.attributes == self.attributes
            && found.header.blocks == self.blocks
            && found.key.ct_eq(key.expose());
        same.then_some(())
            .ok_or_else(|| "the block holds something else".into())
    }
}

/// Wraps and compares. With `padding` given, or with none at all (version E), the
/// text must be the expected one. Otherwise padding is anybody's choice: then both
/// blocks, the expected one and ours, must unwrap to what went in.
fn wrap_op(inputs: &Inputs<'_>) -> Answer {
    let key = inputs.bytes("key")?;
    inputs.value("kbpk")?;
    let wanted = Wanted::read(inputs)?;
    let version = wanted.version;
    let kbpk = kbpk_for(version, inputs)?;
    let expected = inputs.expected("key_block").and_then(Value::as_text);
    let (attributes, blocks) = (&wanted.attributes, &wanted.blocks);
    let (text, exact) = match inputs.optional("padding") {
        Some(_) => {
            let padding = inputs.bytes("padding")?;
            let text = wrap_with_padding(version, &kbpk, attributes, blocks, &key, &padding);
            (text.map_err(refused)?, true)
        }
        None => {
            // As long as the expected one, where one of the two ways is.
            let all = [LengthHiding::Longest, LengthHiding::Short].map(|hiding| {
                let writing = Writing { version, hiding };
                wrap_as(writing, &kbpk, attributes, blocks, &key, &mut Counting(0))
            });
            let same = |text: &String| expected.is_some_and(|e| e.len() == text.len());
            let [longest, short] = all;
            match (longest.map_err(refused)?, short) {
                (longest, Ok(short)) if !same(&longest) && same(&short) => (short, false),
                (longest, _) => (longest, false),
            }
        }
    };
    let block = match exact || expected == Some(text.as_str()) {
        true => Output::text(text.as_str()),
        false => {
            let ours = wanted.is(&text, &kbpk, &key);
            let theirs = wanted.is(expected.unwrap_or_default(), &kbpk, &key);
            Output::Judged(ours.and(theirs))
        }
    };
    let length = match exact {
        true => text.len(),
        false => expected.map_or(text.len(), str::len),
    };
    let header = text.get(..HEADER_LEN).unwrap_or_default();
    Ok(vec![
        ("key_block", block),
        ("length", number(length)),
        ("header", Output::text(header)),
    ])
}

/// Padding for a block that nobody keeps: known-answer runs draw no randomness.
struct Counting(u8);

impl RandomSource for Counting {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        for byte in buf {
            self.0 = self.0.wrapping_mul(5).wrapping_add(0x6B);
            *byte = self.0;
        }
        Ok(())
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}

/// Also used at power-on: the cipher goes with the version.
pub(super) fn unwraps(kbpk: &[u8], block: &str, key: &[u8]) -> bool {
    let cipher = match block.starts_with('D') {
        true => Cipher::Aes,
        false => Cipher::Tdes,
    };
    let kbpk = Secret::from_fn(kbpk.len(), |bytes| bytes.copy_from_slice(kbpk));
    Kbpk::new(cipher, kbpk)
        .ok()
        .and_then(|kbpk| crate::keyblock::unwrap(&kbpk, block.as_bytes()).ok())
        .is_some_and(|found| found.key.ct_eq(key))
}
