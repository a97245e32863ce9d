//! What an Atalla key block says of itself.

use super::{Akb, AkbError};
use crate::describe::{Confidence, Described};

/// Describes the text of one Atalla key block; line ends and blanks around it are
/// allowed. Nothing here is proven.
#[must_use]
pub fn describe_akb(bytes: &[u8]) -> Option<Described> {
    let text = bytes.trim_ascii();
    let mut parts = text.split(|b| *b == b',');
    let (head, body) = (parts.next()?, parts.next()?);
    let begins = head.len() == 8
        && head.iter().all(u8::is_ascii_alphanumeric)
        && matches!(head[0], b'1' | b'3')
        && body.iter().all(u8::is_ascii_hexdigit)
        && body.len() >= 16;
    if !begins {
        return None;
    }
    match Akb::parse(text) {
        Ok(block) => Some(whole(&block)),
        Err(error @ AkbError::Format('3')) => {
            let mut said = Described::new("Atalla key block, AES", Confidence::Likely);
            said.unusual(error.to_string());
            Some(said)
        }
        Err(error) => {
            let mut said = Described::new("Atalla key block, damaged", Confidence::Likely);
            said.damaged(error.to_string());
            Some(said)
        }
    }
}

fn whole(block: &Akb) -> Described {
    let header = block.header();
    let mut said = Described::new("Atalla key block (AKB)", Confidence::Certain);
    for (at, (name, value, meaning)) in header.fields().enumerate() {
        let meaning = meaning.unwrap_or("not in the maker's tables");
        said.field(format!("B{at} {name}"), value.to_string(), meaning);
    }
    let usages = header.x9_143_usages().join(", ");
    said.field("X9.143 usage", usages, "what a TR-31 block of it would say");
    said.field(
        "encrypted key",
        "24 bytes",
        "one, two or three parts: not told",
    );
    said.field("MAC", "8 bytes", "not checked: that takes the MFK or KEK");
    if let Err(fault) = header.fault() {
        said.damaged(fault.to_string());
    }
    if header.is_component() {
        said.unusual("it carries a component, not a key");
    }
    if header.to_string().get(6..7) == Some("M") {
        said.unusual("its header is that of an MFK, which never leaves a processor");
    }
    said
}
