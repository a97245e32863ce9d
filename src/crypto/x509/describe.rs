//! Certificates, requests and keys in ASN.1, described without a secret: a private
//! key's value is stepped over, never shown.

use x509_cert::Certificate;
use x509_cert::der::{Decode, Document, Encode};
use x509_cert::request::CertReq;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use super::crl;
use crate::describe::{Confidence, Described};
use crate::primitive::derive::sha256;
use crate::primitive::rsa::Public;

/// Longest file that is looked at, in bytes.
const FILE_MOST: usize = 1 << 20;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// Object identifiers, as content bytes, that people know by a name.
const NAMES: [(&[u8], &str); 22] = [
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01", "RSA"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x04", "RSA with MD5"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x05", "RSA with SHA-1"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A", "RSA-PSS"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B", "RSA with SHA-256"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0C", "RSA with SHA-384"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0D", "RSA with SHA-512"),
    (b"\x2A\x86\x48\xCE\x3D\x02\x01", "elliptic curve"),
    (b"\x2A\x86\x48\xCE\x3D\x04\x01", "ECDSA with SHA-1"),
    (b"\x2A\x86\x48\xCE\x3D\x04\x03\x02", "ECDSA with SHA-256"),
    (b"\x2A\x86\x48\xCE\x3D\x04\x03\x03", "ECDSA with SHA-384"),
    (b"\x2A\x86\x48\xCE\x3D\x04\x03\x04", "ECDSA with SHA-512"),
    (b"\x2A\x86\x48\xCE\x3D\x03\x01\x07", "P-256"),
    (b"\x2B\x81\x04\x00\x22", "P-384"),
    (b"\x2B\x81\x04\x00\x23", "P-521"),
    (b"\x2B\x81\x04\x00\x0A", "secp256k1"),
    (b"\x2B\x65\x70", "Ed25519"),
    (b"\x2B\x65\x6E", "X25519"),
    (b"\x2A\x86\x48\x86\xF7\x0D\x01\x05\x0D", "PBES2"),
    (
        b"\x2A\x86\x48\x86\xF7\x0D\x01\x05\x03",
        "PBE with MD5 and DES",
    ),
    (
        b"\x2A\x86\x48\x86\xF7\x0D\x01\x0C\x01\x03",
        "PBE with SHA-1 and 3-key TDES",
    ),
    (b"\x2A\x86\x48\xCE\x38\x04\x01", "DSA"),
];

/// Labels of PEM text that stand for something told apart by its label alone.
const PRIVATE: [(&str, &str); 6] = [
    ("PRIVATE KEY", "private key, PKCS#8, not encrypted"),
    ("RSA PRIVATE KEY", "RSA private key, PKCS#1"),
    ("EC PRIVATE KEY", "EC private key, SEC 1"),
    ("DSA PRIVATE KEY", "DSA private key"),
    ("OPENSSH PRIVATE KEY", "private key of OpenSSH"),
    ("ENCRYPTED PRIVATE KEY", "private key, PKCS#8, encrypted"),
];

/// Describes certificates, requests, public and private keys, in PEM or DER.
#[must_use]
pub fn describe(bytes: &[u8]) -> Option<Described> {
    if bytes.len() > FILE_MOST {
        return None;
    }
    match bytes.first() {
        Some(&SEQUENCE) => der(bytes),
        _ => pem(bytes),
    }
}

/// One element: its tag, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            let len = digits.iter().fold(0usize, |n, b| n << 8 | usize::from(*b));
            (len, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

fn of(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(bytes)?;
    (found == tag).then_some((content, rest))
}

/// The name of an algorithm, with its curve: content of an AlgorithmIdentifier.
fn algorithm(content: &[u8]) -> Option<String> {
    let (oid, rest) = of(OID, content)?;
    let name = name_of(oid);
    Some(match of(OID, rest) {
        Some((curve, _)) => format!("{name}, {}", name_of(curve)),
        None => name,
    })
}

fn name_of(oid: &[u8]) -> String {
    match NAMES.iter().find(|(known, _)| *known == oid) {
        Some((_, name)) => (*name).to_owned(),
        None => {
            let digits: String = oid.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("object identifier {digits}")
        }
    }
}

fn spaced(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes
        .chunks(2)
        .map(|pair| pair.iter().map(|b| format!("{b:02X}")).collect())
        .collect();
    pairs.join(" ")
}

fn der(bytes: &[u8]) -> Option<Described> {
    let (body, rest) = of(SEQUENCE, bytes)?;
    let whole = bytes.get(..bytes.len() - rest.len())?;
    let mut said = certificate(whole)
        .or_else(|| request(whole))
        .or_else(|| crl::describe(whole))
        .or_else(|| public(whole, body))
        .or_else(|| private(body))?;
    if !rest.is_empty() {
        said.damaged(format!("{} bytes follow it", rest.len()));
    }
    Some(said)
}

fn certificate(bytes: &[u8]) -> Option<Described> {
    let read = Certificate::from_der(bytes).ok()?;
    let tbs = read.tbs_certificate();
    let mut said = Described::new("certificate, X.509", Confidence::Certain);
    let (subject, issuer) = (tbs.subject().to_string(), tbs.issuer().to_string());
    said.field("subject", &subject, "whose key it is");
    let own = subject == issuer;
    let by = if own {
        "itself: a root, or self-signed"
    } else {
        "who says so; not checked"
    };
    said.field("issuer", &issuer, by);
    said.field("serial number", tbs.serial_number().to_string(), "");
    let validity = tbs.validity();
    said.field("not before", validity.not_before.to_string(), "");
    said.field("not after", validity.not_after.to_string(), "");
    signature(
        &mut said,
        read.signature_algorithm().to_der().ok().as_deref(),
    );
    if let Ok(spki) = tbs.subject_public_key_info().to_der() {
        key(&mut said, &spki);
    }
    said.field(
        "SHA-256 of the file",
        spaced(&sha256(&[bytes])),
        "what people compare",
    );
    Some(said)
}

fn request(bytes: &[u8]) -> Option<Described> {
    let read = CertReq::from_der(bytes).ok()?;
    let mut said = Described::new("certificate request, PKCS#10", Confidence::Certain);
    said.field(
        "subject",
        read.info.subject.to_string(),
        "who asks for a certificate",
    );
    signature(&mut said, read.algorithm.to_der().ok().as_deref());
    if let Ok(spki) = read.info.public_key.to_der() {
        key(&mut said, &spki);
    }
    Some(said)
}

pub(super) fn signature(said: &mut Described, identifier: Option<&[u8]>) {
    let name = identifier
        .and_then(|bytes| of(SEQUENCE, bytes))
        .and_then(|(content, _)| algorithm(content));
    let Some(name) = name else { return };
    said.field("signature", &name, "not checked");
    if name.contains("SHA-1") || name.contains("MD5") {
        said.unusual("its signature is by a broken hash");
    }
}

/// What a SubjectPublicKeyInfo says.
fn key(said: &mut Described, spki: &[u8]) {
    let identifier = of(SEQUENCE, spki).and_then(|(body, _)| of(SEQUENCE, body));
    let name = identifier.and_then(|(content, _)| algorithm(content));
    let name = name.unwrap_or_else(|| "unknown".into());
    let rsa = name == "RSA";
    said.field("public key", name, "");
    if rsa {
        match rsa_lengths(spki) {
            Some((bits, exponent)) => {
                said.field("modulus", format!("{bits} bits"), "");
                said.field("exponent", exponent, "");
            }
            None => {
                said.damaged("the RSA key has another form than it should");
            }
        }
        if let Err(error) = Public::read(spki) {
            said.unusual(format!("not taken here: {error}"));
        }
    }
    said.field(
        "SHA-256 of the public key",
        spaced(&sha256(&[spki])),
        "what people compare",
    );
}

fn rsa_lengths(spki: &[u8]) -> Option<(usize, String)> {
    let (body, _) = of(SEQUENCE, spki)?;
    let (_, rest) = of(SEQUENCE, body)?;
    let (bits, _) = of(BIT_STRING, rest)?;
    rsa_public(bits.get(1..)?)
}

/// Bits of the modulus and the exponent of an RSAPublicKey.
fn rsa_public(bytes: &[u8]) -> Option<(usize, String)> {
    let (key, _) = of(SEQUENCE, bytes)?;
    let (modulus, rest) = of(INTEGER, key)?;
    let (exponent, rest) = of(INTEGER, rest)?;
    if !rest.is_empty() || exponent.is_empty() || exponent.len() > 8 {
        return None;
    }
    let exponent = exponent.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
    Some((bits_of(modulus)?, exponent.to_string()))
}

fn bits_of(integer: &[u8]) -> Option<usize> {
    let start = integer.iter().position(|byte| *byte != 0)?;
    let first = integer.get(start)?;
    Some(8 * (integer.len() - start) - first.leading_zeros() as usize)
}

fn public(bytes: &[u8], body: &[u8]) -> Option<Described> {
    if SubjectPublicKeyInfoOwned::from_der(bytes).is_ok() {
        let mut said = Described::new("public key, SubjectPublicKeyInfo", Confidence::Certain);
        key(&mut said, bytes);
        return Some(said);
    }
    let (bits, exponent) = rsa_public(bytes).filter(|_| of(INTEGER, body).is_some())?;
    // Two integers alone may be an ECDSA signature too.
    if bits < 512 {
        return None;
    }
    let mut said = Described::new("RSA public key, PKCS#1", Confidence::Certain);
    said.field("modulus", format!("{bits} bits"), "");
    said.field("exponent", exponent, "");
    said.unusual("the older form: SubjectPublicKeyInfo is read here, openssl rsa -RSAPublicKey_in -pubout makes it");
    Some(said)
}

/// Private keys, told apart by what they begin with; the value is stepped over.
fn private(body: &[u8]) -> Option<Described> {
    // EncryptedPrivateKeyInfo: algorithm, encrypted bytes.
    if let Some((identifier, rest)) = of(SEQUENCE, body) {
        let (_, rest) = of(OCTET_STRING, rest)?;
        let name = algorithm(identifier).filter(|_| rest.is_empty())?;
        let mut said = Described::new("private key, PKCS#8, encrypted", Confidence::Certain);
        said.field("encryption", &name, "under a password");
        if name.contains("MD5") || name.contains("TDES") {
            said.unusual("an obsolete encryption: who has the file can try passwords fast");
        }
        return Some(said);
    }
    let (version, rest) = of(INTEGER, body)?;
    // PrivateKeyInfo: version, algorithm, the key.
    if let Some((identifier, rest)) = of(SEQUENCE, rest) {
        of(OCTET_STRING, rest)?;
        let name = algorithm(identifier)?;
        let mut said = Described::new("private key, PKCS#8, not encrypted", Confidence::Certain);
        said.field("algorithm", name, "");
        open(&mut said);
        return Some(said);
    }
    // SEC 1: version 1, the key.
    if version == [1] && of(OCTET_STRING, rest).is_some() {
        let mut said = Described::new("EC private key, SEC 1", Confidence::Certain);
        open(&mut said);
        return Some(said);
    }
    // PKCS#1: version 0 and eight integers.
    let (modulus, mut rest) = of(INTEGER, rest)?;
    for _ in 0..7 {
        (_, rest) = of(INTEGER, rest)?;
    }
    let mut said = Described::new("RSA private key, PKCS#1", Confidence::Certain);
    let bits = bits_of(modulus).unwrap_or(0);
    said.field("modulus", format!("{bits} bits"), "");
    open(&mut said);
    Some(said)
}

fn open(said: &mut Described) {
    said.clear_secret(
        "THE PRIVATE KEY STANDS IN CLEAR: whoever has a copy of this file has the key. \
         Find out where copies are, and replace the key.",
    );
}

fn pem(bytes: &[u8]) -> Option<Described> {
    const BEGIN: &str = "-----BEGIN ";
    let text = std::str::from_utf8(bytes).ok()?;
    let start = text.find(BEGIN)?;
    let (label, _) = text.get(start + BEGIN.len()..)?.split_once("-----")?;
    let end = format!("-----END {label}-----");
    let begun = text.get(start..)?;
    let one = match begun.find(&end) {
        Some(at) => begun.get(..at + end.len())?,
        None => begun,
    };
    let more = text.matches(BEGIN).count() - 1;
    let read = Document::from_pem(one).ok();
    let inner = read
        .as_ref()
        .and_then(|(_, document)| der(document.as_bytes()));
    let known = PRIVATE.iter().find(|(name, _)| *name == label);
    let mut said = match (inner, known) {
        (Some(said), _) => said,
        (None, Some((name, what))) => {
            let mut said = Described::new(*what, Confidence::Likely);
            // The older PEM says in a header whether it is encrypted.
            let sealed = one.contains("Proc-Type: 4,ENCRYPTED") || *name == "ENCRYPTED PRIVATE KEY";
            match sealed {
                true => said.unusual("encrypted under a password"),
                false => said.clear_secret(
                    "a private key that may stand in clear: treat every copy of this file as the key",
                ),
            };
            said
        }
        (None, None) => {
            let known = [
                "CERTIFICATE",
                "CERTIFICATE REQUEST",
                "NEW CERTIFICATE REQUEST",
                "PUBLIC KEY",
                "RSA PUBLIC KEY",
                "X509 CRL",
            ];
            if !known.contains(&label) {
                return None;
            }
            let mut said = Described::new(format!("PEM text, {label}"), Confidence::Likely);
            said.damaged("what stands in it does not read");
            said
        }
    };
    said.field("PEM label", label, "");
    if more > 0 {
        said.unusual(format!(
            "{more} more in the same file: the first is described"
        ));
        let clear = [
            "BEGIN PRIVATE KEY",
            "BEGIN RSA PRIVATE KEY",
            "BEGIN EC PRIVATE KEY",
        ];
        if !said.clear_secret && clear.iter().any(|begin| text.contains(begin)) {
            said.clear_secret("a private key that may stand in clear is among them");
        }
    }
    if start > 0 && !text.get(..start)?.trim().is_empty() {
        said.unusual("text stands before it");
    }
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::rsa::generate;
    use crate::secret::testing::Seeded;

    #[test]
    fn a_clear_private_key_is_told_loudly_and_not_shown() {
        let (private, public) = generate(2048, &mut Seeded::new(9)).unwrap();
        let said = describe(private.expose()).unwrap();
        assert!(
            said.clear_secret && said.what.contains("not encrypted"),
            "{said:?}"
        );
        let digits: String = private.expose()[64..80]
            .iter()
            .map(|b| format!("{b:02X}"))
            .collect();
        assert!(!format!("{said:?}").contains(&digits));
        let said = describe(public.spki()).unwrap();
        assert!(!said.clear_secret && said.confidence == Confidence::Certain);
        assert!(said.fields.iter().any(|f| f.value == "2048 bits"));
        let pem = describe(public.pem().unwrap().as_bytes()).unwrap();
        assert_eq!(pem.what, said.what);
        let cut = describe(&public.spki()[..200]);
        assert!(cut.is_none());
    }
}
