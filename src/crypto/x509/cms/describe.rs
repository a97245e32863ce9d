//! What an encrypted or signed file is, told without a key: for whom it is
//! encrypted, who is said to have signed it, by which algorithms. Where a file
//! that is refused has one answer, this says what whoever made it took.

use x509_cert::Certificate;
use x509_cert::der::{Decode, Document};

use super::CmsError;
use super::agree::{Kdf, wrap_len};
use super::ber::{Element, OCTETS, OID, SEQUENCE, SET, constructed, primitive};
use super::envelop::DATA;
use super::open::{AUTH_ENVELOPED_DATA, is_enveloped};
use super::sealed::{FILE_MOST, content_info};
use super::verify::SIGNED_DATA;
use crate::describe::{Confidence, Described};

/// The most recipients or signers that are told one by one.
const TOLD_MOST: usize = 16;

/// Names of algorithms, by the bytes of their OIDs.
const NAMES: [(&[u8], &str); 26] = [
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x02", "AES-128 in CBC"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x16", "AES-192 in CBC"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x2A", "AES-256 in CBC"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x06", "AES-128 in GCM"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x1A", "AES-192 in GCM"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x2E", "AES-256 in GCM"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x03\x07", "3DES in CBC"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01", "RSA PKCS#1 v1.5"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x07", "RSA OAEP"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A", "RSASSA-PSS"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x05", "RSA with SHA-1"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B", "RSA with SHA-256"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0C", "RSA with SHA-384"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0D", "RSA with SHA-512"),
    (b"\x2A\x86\x48\xCE\x3D\x04\x01", "ECDSA with SHA-1"),
    (b"\x2A\x86\x48\xCE\x3D\x04\x03\x02", "ECDSA with SHA-256"),
    (b"\x2A\x86\x48\xCE\x3D\x04\x03\x03", "ECDSA with SHA-384"),
    (b"\x2A\x86\x48\xCE\x3D\x04\x03\x04", "ECDSA with SHA-512"),
    (b"\x2B\x0E\x03\x02\x1A", "SHA-1"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x01", "SHA-256"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x02", "SHA-384"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x03", "SHA-512"),
    (DATA, "data"),
    (SIGNED_DATA, "signed data"),
    (super::envelop::ENVELOPED_DATA, "encrypted data"),
    (AUTH_ENVELOPED_DATA, "encrypted data with a tag"),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn name(oid: &[u8]) -> String {
    match NAMES.iter().find(|(known, _)| *known == oid) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("object identifier {}", hex(oid)),
    }
}

/// A certificate as CMS names it: by issuer and serial number, or by the
/// identifier of its key.
fn certificate(id: &Element<'_>) -> Result<String, CmsError> {
    if id.tag == SEQUENCE {
        let mut inside = id.inside();
        inside.take(SEQUENCE)?;
        return Ok(format!("serial number {}", hex(inside.any()?.value)));
    }
    let key = match id.inside().take(OCTETS) {
        Ok(octets) if id.tag == constructed(0) => octets.value,
        _ => id.value,
    };
    Ok(format!("key identifier {}", hex(key)))
}

/// Describes EnvelopedData, AuthEnvelopedData and SignedData, in DER, BER or PEM.
#[must_use]
pub fn describe(bytes: &[u8]) -> Option<Described> {
    if bytes.len() > FILE_MOST {
        return None;
    }
    if bytes.starts_with(b"-----BEGIN") {
        let text = std::str::from_utf8(bytes).ok()?;
        return match Document::from_pem(text).ok()? {
            ("CMS" | "PKCS7", document) => info(document.as_bytes()),
            _ => None,
        };
    }
    info(bytes)
}

fn info(bytes: &[u8]) -> Option<Described> {
    let (of, content) = content_info(bytes).ok()?;
    if is_enveloped(of) {
        let mut said = Described::new("encrypted file, CMS", Confidence::Certain);
        if enveloped(&mut said, &content).is_err() {
            said.damaged("it is damaged, or of a kind that is not read");
        }
        return Some(said);
    }
    if of == SIGNED_DATA {
        if let Some(said) = certificates_alone(&content) {
            return Some(said);
        }
        let mut said = Described::new("signed file, CMS", Confidence::Certain);
        if signed(&mut said, &content).is_err() {
            said.damaged("it is damaged, or of a kind that is not read");
        }
        return Some(said);
    }
    None
}

/// SignedData that nobody signed and that has no content carries certificates, as a
/// `.p7b` does (RFC 5652 clause 5.1).
fn certificates_alone(content: &Element<'_>) -> Option<Described> {
    let mut data = content.inside();
    data.version().ok()?;
    data.take(SET).ok()?;
    let mut inner = data.enter(SEQUENCE).ok()?;
    inner.take(OID).ok()?;
    let certificates = data.maybe(constructed(0)).ok()??;
    let lists = data.maybe(constructed(1)).ok()?;
    let signers = data.enter(SET).ok()?;
    if !inner.is_empty() || !signers.is_empty() {
        return None;
    }
    let what = "certificates, PKCS#7 (.p7b): a bundle of them, nothing is signed";
    let mut said = Described::new(what, Confidence::Certain);
    let mut inside = certificates.inside();
    let mut count = 0;
    while !inside.is_empty() {
        let Ok(one) = inside.any() else {
            said.damaged("it is damaged behind these certificates");
            return Some(said);
        };
        count += 1;
        if count > TOLD_MOST {
            continue;
        }
        match Certificate::from_der(one.whole) {
            Ok(read) => {
                let tbs = read.tbs_certificate();
                let until = format!("until {}", tbs.validity().not_after);
                said.field("certificate", tbs.subject().to_string(), until);
            }
            Err(_) => {
                said.damaged("a certificate in it does not read");
            }
        }
    }
    if count > TOLD_MOST {
        said.unusual(format!(
            "{count} certificates: the first {TOLD_MOST} are told"
        ));
    }
    if lists.is_some() {
        said.field("revocation lists", "there are some", "");
    }
    Some(said)
}

fn enveloped(said: &mut Described, content: &Element<'_>) -> Result<(), CmsError> {
    let mut data = content.inside();
    data.version()?;
    data.maybe(constructed(0))?;
    let mut recipients = data.enter(SET)?;
    let mut count = 0;
    while !recipients.is_empty() {
        let recipient = recipients.any()?;
        count += 1;
        if count <= TOLD_MOST {
            self::recipient(said, &recipient)?;
        }
    }
    if count > TOLD_MOST {
        said.unusual(format!("{count} recipients"));
    }
    let mut info = data.enter(SEQUENCE)?;
    let of = info.take(OID)?.value;
    let cipher = name(info.algorithm()?.oid);
    said.field("content encryption", &cipher, "");
    said.field("content", name(of), "what is said to be in it");
    if cipher.starts_with("3DES") {
        said.unusual("3DES: no file of cards is taken so");
    }
    Ok(())
}

fn recipient(said: &mut Described, recipient: &Element<'_>) -> Result<(), CmsError> {
    let mut info = recipient.inside();
    match recipient.tag {
        SEQUENCE => {
            info.version()?;
            let whose = certificate(&info.any()?)?;
            let how = name(info.algorithm()?.oid);
            said.field("recipient", whose, format!("its key by {how}"));
        }
        tag if tag == constructed(1) => {
            info.version()?;
            info.take(constructed(0))?;
            info.maybe(constructed(1))?;
            let algorithm = info.algorithm()?;
            let kdf = match Kdf::of(algorithm.oid) {
                Some(kdf) => format!("{kdf:?}").replace("Sha", "SHA-"),
                None => name(algorithm.oid),
            };
            let wrap = algorithm
                .parameters
                .as_ref()
                .filter(|p| p.tag == SEQUENCE)
                .and_then(|p| wrap_len(p.inside().take(OID).ok()?.value))
                .map_or_else(
                    || "another wrap".to_owned(),
                    |len| format!("AES-{} key wrap", 8 * len),
                );
            let mut keys = info.enter(SEQUENCE)?;
            for _ in 0..TOLD_MOST {
                if keys.is_empty() {
                    break;
                }
                let mut key = keys.enter(SEQUENCE)?;
                let whose = certificate(&key.any()?)?;
                said.field(
                    "recipient",
                    whose,
                    format!("its key by ECDH, derivation {kdf}, {wrap}"),
                );
            }
        }
        tag if tag == constructed(3) => {
            said.field("recipient", "a password", "");
            said.unusual("encrypted to a password");
        }
        _ => {
            said.field("recipient", "of another kind", "");
        }
    }
    Ok(())
}

fn signed(said: &mut Described, content: &Element<'_>) -> Result<(), CmsError> {
    let mut data = content.inside();
    data.version()?;
    data.take(SET)?;
    let mut inner = data.enter(SEQUENCE)?;
    let of = inner.take(OID)?.value;
    said.field("content", name(of), "what is said to be in it");
    if inner.is_empty() {
        said.unusual("the content is not in the file: it stands beside it");
    }
    let certificates = data.maybe(constructed(0))?;
    data.maybe(constructed(1))?;
    let mut signers = data.enter(SET)?;
    let mut count = 0;
    while !signers.is_empty() {
        let mut signer = signers.enter(SEQUENCE)?;
        count += 1;
        if count > TOLD_MOST {
            continue;
        }
        signer.version()?;
        let id = signer.any()?;
        let whose = match id.tag == primitive(0) {
            true => format!("key identifier {}", hex(id.value)),
            false => certificate(&id)?,
        };
        let digest = name(signer.algorithm()?.oid);
        let attributes = signer.maybe(constructed(0))?.is_some();
        let how = name(signer.algorithm()?.oid);
        said.field(
            "signer",
            whose,
            format!("{how}, digest {digest}; not checked"),
        );
        if !attributes {
            said.unusual("a signature without signed attributes");
        }
        if digest == "SHA-1" {
            said.unusual("its digest is a broken one");
        }
    }
    if count != 1 {
        said.unusual(format!("{count} signers"));
    }
    if certificates.is_none() {
        said.field("certificates", "none", "in the file");
    }
    Ok(())
}
