//! Certificates that a TR-31 key block carries in its optional block CT (X9.143): whose
//! they are. The block's own recogniser says the form; who stands in a certificate is
//! said here, where both are known.

use base64ct::{Base64, Encoding};
use conclave_crypto::describe::Described;
use conclave_crypto::keyblock::{self, BlockId, KeyBlock};
use conclave_crypto::x509::rsa_pair;

/// The most characters of a name that is shown.
const NAME_MOST: usize = 120;

/// [`keyblock::describe`], and the subject of each certificate in the block.
pub(super) fn describe(bytes: &[u8]) -> Option<Described> {
    let mut said = keyblock::describe(bytes)?;
    let block = KeyBlock::parse(keyblock::without_tag(bytes.trim_ascii())).ok();
    let data = block
        .as_ref()
        .and_then(|block| block.header().blocks.get(BlockId::CERTIFICATE));
    for (at, text) in (1..).zip(data.map(certificates).unwrap_or_default()) {
        let der = Base64::decode_vec(text).ok();
        let facts = der.as_deref().and_then(rsa_pair::facts);
        let name = format!("certificate {at} in CT");
        let Some((subject, _)) = facts else {
            said.unusual(format!("{name} does not read as X.509"));
            continue;
        };
        let plain = |c: char| if c.is_control() { '?' } else { c };
        let subject: String = subject.chars().take(NAME_MOST).map(plain).collect();
        said.field(&name, subject, "its subject; who issued it is not checked");
    }
    Some(said)
}

/// The X.509 certificates of a CT block, in base64: one behind `00`, or a chain behind
/// `02`, each with its kind and length. EMV's (`01`) have another form.
fn certificates(data: &str) -> Vec<&str> {
    let Some(("02", chain)) = data.split_at_checked(2) else {
        return data.strip_prefix("00").into_iter().collect();
    };
    let (mut found, mut rest) = (Vec::new(), chain);
    while let Some((kind, after)) = rest.split_at_checked(2) {
        let Some((len, after)) = after.split_at_checked(4) else {
            break;
        };
        let len = usize::from_str_radix(len, 16).ok();
        let Some((one, next)) = len.and_then(|len| after.split_at_checked(len)) else {
            break;
        };
        found.extend((kind == "00").then_some(one));
        rest = next;
    }
    found
}
