//! Signed and encrypted, in either order: what partners exchange.

use x509_cert::der::Document;
use zeroize::Zeroizing;

use super::ber::{Element, OID, Reader, SEQUENCE, constructed};
use super::enrolled::{Recipient, Signer};
use super::envelop::{DATA, envelop};
use super::open::{Own, is_enveloped};
use super::sign::sign;
use super::verify::{SIGNED_DATA, verify};
use super::{CmsError, open as enveloped};
use crate::secret::RandomSource;

/// The longest content that is taken, in bytes.
pub const PLAIN_MOST: usize = 64 << 20;
/// The longest file that is read, in bytes: in PEM it is a third longer.
pub const FILE_MOST: usize = PLAIN_MOST + PLAIN_MOST / 3 + (4 << 20);

/// What was in a file.
pub struct Opened {
    /// The bytes, wiped when dropped.
    pub content: Zeroizing<Vec<u8>>,
    /// When it was signed, as the signer says, in seconds since 1970.
    pub signed_at: Option<u64>,
}

/// A ContentInfo (RFC 5652, section 3): its type and what stands in it.
pub(super) fn content_info(bytes: &[u8]) -> Result<(&[u8], Element<'_>), CmsError> {
    let mut reader = Reader::new(bytes);
    let mut info = reader.enter(SEQUENCE)?;
    reader.end()?;
    let of = info.take(OID)?.value;
    let mut holder = info.enter(constructed(0))?;
    info.end()?;
    let content = holder.any()?;
    holder.end()?;
    Ok((of, content))
}

/// What stands inside another layer: a ContentInfo as data, as programs do that
/// sign and encrypt one after the other, or what the type itself is.
fn within<'a>(of: &'a [u8], bytes: &'a [u8]) -> Result<(&'a [u8], Element<'a>), CmsError> {
    let is_info = Reader::new(bytes)
        .enter(SEQUENCE)
        .is_ok_and(|inside| inside.next_tag() == Some(OID));
    if of == DATA || is_info {
        let (found, content) = content_info(bytes)?;
        return (of == DATA || of == found)
            .then_some((found, content))
            .ok_or(CmsError::Refused);
    }
    let mut reader = Reader::new(bytes);
    let content = reader.take(SEQUENCE)?;
    reader.end()?;
    Ok((of, content))
}

/// Opens a file that is encrypted to one of `own` and signed by `by`: signed
/// and then encrypted, or the other way round. DER, BER or PEM.
///
/// # Errors
/// [`CmsError::Refused`] for every reason.
pub fn open(file: &[u8], own: &[Own<'_>], by: &Signer) -> Result<Opened, CmsError> {
    if file.len() > FILE_MOST {
        return Err(CmsError::Refused);
    }
    if file.starts_with(b"-----BEGIN") {
        let text = std::str::from_utf8(file).map_err(|_| CmsError::Refused)?;
        return match Document::from_pem(text) {
            Ok(("CMS" | "PKCS7", document)) => opened(document.as_bytes(), own, by),
            _ => Err(CmsError::Refused),
        };
    }
    opened(file, own, by)
}

fn opened(file: &[u8], own: &[Own<'_>], by: &Signer) -> Result<Opened, CmsError> {
    let (of, content) = content_info(file)?;
    let opened = if is_enveloped(of) {
        let inside = enveloped::open(of, &content, own)?;
        let (of, content) = within(&inside.of, &inside.content)?;
        if of != SIGNED_DATA {
            return Err(CmsError::Refused);
        }
        let signed = verify(&content, by)?;
        if signed.of != DATA {
            return Err(CmsError::Refused);
        }
        Opened {
            content: signed.content.into_list(),
            signed_at: signed.at,
        }
    } else if of == SIGNED_DATA {
        let signed = verify(&content, by)?;
        let (of, content) = within(signed.of, &signed.content)?;
        if !is_enveloped(of) {
            return Err(CmsError::Refused);
        }
        let inside = enveloped::open(of, &content, own)?;
        if inside.of != DATA {
            return Err(CmsError::Refused);
        }
        Opened {
            content: inside.content,
            signed_at: signed.at,
        }
    } else {
        return Err(CmsError::Refused);
    };
    if opened.content.len() > PLAIN_MOST {
        return Err(CmsError::Refused);
    }
    Ok(opened)
}

/// Signs and then encrypts: `openssl cms -decrypt` gives what `openssl cms
/// -verify` reads. `now` in seconds since 1970.
///
/// # Errors
/// [`CmsError`]
pub fn seal(
    content: &[u8],
    to: &Recipient,
    by: &Signer,
    now: u64,
    with: impl FnOnce(&[u8; 32]) -> Option<[u8; 64]>,
    random: &mut dyn RandomSource,
) -> Result<Vec<u8>, CmsError> {
    let signed = sign(content, by, now, with)?;
    envelop(to, &signed, random)
}
