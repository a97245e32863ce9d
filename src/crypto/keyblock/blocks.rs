//! Optional blocks (X9.143 clause 6.2.3): identifier, length, text.
//!
//! The length counts the whole block. Above 255 characters it is `00`, then two
//! hexadecimal digits saying how many digits follow, then those digits; that
//! count is of *hexadecimal digits*, which some readers take for bytes.

use std::fmt;

use super::error::BlockError;
use super::header::MAX_LEN;
use crate::primitive::kcv::{Kcv, Method};

/// Most optional blocks: their number has two digits.
pub const MAX_BLOCKS: usize = 99;

/// Identifier and length of a block in the short form.
const SHORT_HEAD: usize = 4;

/// Identifier, `00`, `04` and four digits, the long form as written here.
const LONG_HEAD: usize = 10;

/// Two upper-case letters or digits, as `KS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub(super) [u8; 2]);

impl BlockId {
    /// Padding, the last block, which makes the header whole cipher blocks.
    pub const PADDING: Self = Self(*b"PB");
    /// Certificates that go with the key.
    pub const CERTIFICATE: Self = Self(*b"CT");
    /// The hash that an HMAC key is for.
    pub const HMAC_HASH: Self = Self(*b"HM");

    /// Whether X9.143 or TR-31 defines it; numeric ones are a maker's own.
    #[must_use]
    pub fn is_known(self) -> bool {
        const KNOWN: [&[u8; 2]; 17] = [
            b"AL", b"BI", b"CT", b"DA", b"FL", b"HM", b"IK", b"KC", b"KP", b"KS", b"KV", b"LB",
            b"PB", b"PK", b"TC", b"TS", b"WP",
        ];
        KNOWN.contains(&&self.0)
    }

    /// From its two characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let id: [u8; 2] = text.as_bytes().try_into().ok()?;
        id.iter()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
            .then_some(Self(id))
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", char::from(self.0[0]), char::from(self.0[1]))
    }
}

/// One optional block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionalBlock {
    id: BlockId,
    data: String,
}

impl OptionalBlock {
    /// A block with printable ASCII text, or `None` if it is anything else.
    #[must_use]
    pub fn new(id: BlockId, data: &str) -> Option<Self> {
        printable(data).then(|| Self {
            id,
            data: data.to_owned(),
        })
    }

    /// A block as it is written: what X9.143 defines has the form that it gives
    /// it; a maker's own block is printable.
    ///
    /// # Errors
    /// [`BlockError::Form`], [`BlockError::Data`]
    pub fn written(id: BlockId, data: &str) -> Result<Self, BlockError> {
        let block = Self::new(id, data).ok_or(BlockError::Data(1))?;
        match block.explain() {
            Err(why) => Err(BlockError::Form { id, why }),
            Ok(_) => Ok(block),
        }
    }

    /// `LB`: a label.
    #[must_use]
    pub fn label(text: &str) -> Option<Self> {
        Self::new(BlockId(*b"LB"), text)
    }

    /// `KS`: the initial key serial number of a DUKPT key, in hexadecimal.
    #[must_use]
    pub fn key_set(ksn: &[u8]) -> Self {
        let data = hex(ksn);
        Self {
            id: BlockId(*b"KS"),
            data,
        }
    }

    /// `KC`: the check value of the wrapped key; none where the standard has no number
    /// for its method.
    #[must_use]
    pub fn key_check(kcv: &Kcv) -> Option<Self> {
        Self::check(*b"KC", kcv)
    }

    /// `KP`: the check value of the protection key.
    #[must_use]
    pub fn kbpk_check(kcv: &Kcv) -> Option<Self> {
        Self::check(*b"KP", kcv)
    }

    /// The method, `00` for encrypted zeros and `01` for CMAC, and the value.
    fn check(id: [u8; 2], kcv: &Kcv) -> Option<Self> {
        let method = match kcv.method() {
            Method::TdesZero | Method::AesZero => "00",
            Method::TdesCmac | Method::AesCmac => "01",
            Method::HmacSha2Vp1 | Method::Sha256 => return None,
        };
        let data = format!("{method}{}", kcv.hex());
        let id = BlockId(id);
        Some(Self { id, data })
    }

    /// Its identifier.
    #[must_use]
    pub fn id(&self) -> BlockId {
        self.id
    }

    /// Its text.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    fn text(&self) -> String {
        let (id, data) = (self.id, &self.data);
        match data.len() + SHORT_HEAD {
            short @ ..=0xFF => format!("{id}{short:02X}{data}"),
            _ => format!("{id}0004{:04X}{data}", data.len() + LONG_HEAD),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x20..=0x7E))
}

/// Optional blocks in their order, no identifier twice and none of them PB.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OptionalBlocks(Vec<OptionalBlock>);

impl OptionalBlocks {
    /// Adds one at the end.
    pub fn push(&mut self, block: OptionalBlock) -> Result<(), BlockError> {
        if block.id == BlockId::PADDING {
            return Err(BlockError::Padding);
        }
        if self.get(block.id).is_some() {
            return Err(BlockError::Duplicate(block.id));
        }
        // One place is kept for the padding block.
        if self.0.len() + 1 >= MAX_BLOCKS || block.data.len() > MAX_LEN {
            return Err(BlockError::TooMany);
        }
        self.0.push(block);
        Ok(())
    }

    /// Reads `count` blocks that fill `text`; a padding block is left out.
    pub fn parse(text: &str, count: usize) -> Result<Self, BlockError> {
        match parse(text, count)? {
            (blocks, used) if used == text.len() => Ok(blocks),
            _ => Err(BlockError::TooMany),
        }
    }

    /// The text of the block with that identifier.
    #[must_use]
    pub fn get(&self, id: BlockId) -> Option<&str> {
        self.iter().find(|b| b.id == id).map(OptionalBlock::data)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &OptionalBlock> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they stand in a header whose blocks have `align` characters, padding
    /// block and all, and how many they are then.
    pub(super) fn text(&self, align: usize) -> (String, usize) {
        let mut text: String = self.iter().map(OptionalBlock::text).collect();
        let over = text.len() % align;
        if over == 0 {
            return (text, self.len());
        }
        let mut wanting = align - over;
        while wanting < SHORT_HEAD {
            wanting += align;
        }
        let id = BlockId::PADDING;
        let data = "0".repeat(wanting - SHORT_HEAD);
        text.push_str(&OptionalBlock { id, data }.text());
        (text, self.len() + 1)
    }
}

/// Takes the first `len` characters off.
fn cut<'t>(rest: &mut &'t str, len: usize, number: usize) -> Result<&'t str, BlockError> {
    let (head, tail) = rest
        .split_at_checked(len)
        .ok_or(BlockError::Truncated(number))?;
    *rest = tail;
    Ok(head)
}

fn cut_number(rest: &mut &str, len: usize, number: usize) -> Result<usize, BlockError> {
    let digits = cut(rest, len, number)?;
    let upper = |c: u8| matches!(c, b'0'..=b'9' | b'A'..=b'F');
    if !digits.bytes().all(upper) {
        return Err(BlockError::Length(number));
    }
    usize::from_str_radix(digits, 16).map_err(|_| BlockError::Length(number))
}

/// Reads `count` blocks from the start of `text`; gives them without the padding
/// block, and how many characters they have.
pub(super) fn parse(text: &str, count: usize) -> Result<(OptionalBlocks, usize), BlockError> {
    let mut found = OptionalBlocks::default();
    let mut rest = text;
    for number in 1..=count {
        let id = cut(&mut rest, 2, number)?;
        let id = BlockId::new(id).ok_or(BlockError::Id(number))?;
        let (mut len, mut head) = (cut_number(&mut rest, 2, number)?, SHORT_HEAD);
        if len == 0 {
            let digits = cut_number(&mut rest, 2, number)?;
            // Four digits say more than a key block can have.
            if !(1..=4).contains(&digits) {
                return Err(BlockError::Length(number));
            }
            len = cut_number(&mut rest, digits, number)?;
            head = SHORT_HEAD + 2 + digits;
        }
        let len = len.checked_sub(head).ok_or(BlockError::Length(number))?;
        let data = cut(&mut rest, len, number)?;
        let block = OptionalBlock::new(id, data).ok_or(BlockError::Data(number))?;
        if id == BlockId::PADDING {
            if number != count {
                return Err(BlockError::Padding);
            }
        } else if found.get(id).is_some() {
            return Err(BlockError::Duplicate(id));
        } else {
            found.0.push(block);
        }
    }
    Ok((found, text.len() - rest.len()))
}
