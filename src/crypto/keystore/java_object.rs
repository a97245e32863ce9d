//! A secret key as Java serialises it (Java Object Serialization Specification,
//! chapter 6): a SealedObject, and in it a SecretKeySpec or a KeyRep. Nothing is
//! built of what is read but these: a stream is compared with the one writing
//! of each, and only its lengths, names and bytes are taken.

use super::pbe::Scheme;
use super::tlv::{self, Reader, SEQUENCE};
use super::{SecretAlgorithm, StoreError};
use crate::secret::Secret;

/// A sealed object, in parts, up to the length of `encodedParams`.
const SEALED: &[&[u8]] = &[
    &[0xAC, 0xED, 0x00, 0x05, 0x73, 0x72],
    b"\x00\x33com.sun.crypto.provider.SealedObjectForKeyProtector",
    &[0xCD, 0x57, 0xCA, 0x59, 0xE7, 0x30, 0xBB, 0x53],
    &[0x02, 0x00, 0x00, 0x78, 0x72],
    b"\x00\x19javax.crypto.SealedObject",
    &[0x3E, 0x36, 0x3D, 0xA6, 0xC3, 0xB7, 0x54, 0x70],
    &[0x02, 0x00, 0x04],
    b"[\x00\x0dencodedParamst\x00\x02[B",
    b"[\x00\x10encryptedContentq\x00\x7e\x00\x02",
    b"L\x00\x09paramsAlgt\x00\x12Ljava/lang/String;",
    b"L\x00\x07sealAlgq\x00\x7e\x00\x03",
    &[0x78, 0x70],
    BYTES,
];
/// The class of byte arrays, up to the length of the first of them.
const BYTES: &[u8] = b"ur\x00\x02[B\xac\xf3\x17\xf8\x06\x08\x54\xe0\x02\x00\x00xp";
/// A further byte array of a sealed object.
const MORE_BYTES: &[u8] = b"uq\x00\x7e\x00\x05";
/// How many characters of an algorithm that is not read are shown.
const NAME_SHOWN: usize = 32;
const ALGORITHM: &[u8] = b"PBEWithMD5AndTripleDES";

const SPEC: &[&[u8]] = &[
    b"\xac\xed\x00\x05sr",
    b"\x00\x1fjavax.crypto.spec.SecretKeySpec",
    &[0x5B, 0x47, 0x0B, 0x66, 0xE2, 0x30, 0x61, 0x4D],
    &[0x02, 0x00, 0x02],
    b"L\x00\x09algorithmt\x00\x12Ljava/lang/String;",
    b"[\x00\x03keyt\x00\x02[Bxp",
];
/// What KeyGenerator's own classes leave in their place.
const KEY_REP: &[&[u8]] = &[
    b"\xac\xed\x00\x05sr",
    b"\x00\x14java.security.KeyRep",
    &[0xBD, 0xF9, 0x4F, 0xB3, 0x88, 0x9A, 0xA5, 0x43],
    &[0x02, 0x00, 0x04],
    b"L\x00\x09algorithmt\x00\x12Ljava/lang/String;",
    b"[\x00\x07encodedt\x00\x02[B",
    b"L\x00\x06formatq\x00\x7e\x00\x01",
    b"L\x00\x04typet\x00\x1bLjava/security/KeyRep$Type;xp",
];
const KEY_REP_END: &[&[u8]] = &[
    b"t\x00\x03RAW",
    b"~r\x00\x19java.security.KeyRep$Type",
    &[0; 8],
    b"\x12\x00\x00xr\x00\x0ejava.lang.Enum",
    &[0; 8],
    b"\x12\x00\x00xpt\x00\x06SECRET",
];
/// The longest sealed content: a KeyRep with a key of 64 bytes has less.
const SEALED_MOST: usize = 1024;

/// Takes bytes from the front.
struct Stream<'a> {
    rest: &'a [u8],
}

impl<'a> Stream<'a> {
    const OTHER: StoreError =
        StoreError::Format("a secret key is not the Java object that it should be");

    fn bytes(&mut self, len: usize) -> Result<&'a [u8], StoreError> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(Self::OTHER)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn literal(&mut self, parts: &[&[u8]]) -> Result<(), StoreError> {
        for part in parts {
            if self.bytes(part.len())? != *part {
                return Err(Self::OTHER);
            }
        }
        Ok(())
    }

    /// Bytes behind a length of four.
    fn long(&mut self, most: usize) -> Result<&'a [u8], StoreError> {
        let len = self
            .bytes(4)?
            .iter()
            .fold(0, |n, b| n << 8 | usize::from(*b));
        if len > most {
            return Err(StoreError::Limit("a Java object holds too many bytes"));
        }
        self.bytes(len)
    }

    /// A string behind its mark and a length of two.
    fn string(&mut self) -> Result<&'a [u8], StoreError> {
        self.literal(&[b"t"])?;
        let len = self
            .bytes(2)?
            .iter()
            .fold(0, |n, b| n << 8 | usize::from(*b));
        self.bytes(len)
    }
}

/// A sealed object that was read.
pub(super) struct SealedObject {
    scheme: Scheme,
    content: Vec<u8>,
}

fn count(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes()
}

impl SealedObject {
    /// Reads one from the front, and says how long it was.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize), StoreError> {
        let mut stream = Stream { rest: bytes };
        stream.literal(SEALED)?;
        let parameters = stream.long(64)?;
        stream.literal(&[MORE_BYTES])?;
        let content = stream.long(SEALED_MOST)?.to_vec();
        for _ in ["paramsAlg", "sealAlg"] {
            let name = stream.string()?;
            if name != ALGORITHM {
                let shown: String = String::from_utf8_lossy(name)
                    .chars()
                    .take(NAME_SHOWN)
                    .collect();
                return Err(StoreError::Algorithm(format!("{shown:?}")));
            }
        }
        let mut reader = Reader::new(parameters);
        let inside = reader.open(SEQUENCE)?;
        reader.end()?;
        let scheme = Scheme::read_java(inside)?;
        Ok((Self { scheme, content }, bytes.len() - stream.rest.len()))
    }

    /// Seals a key as a SecretKeySpec.
    pub(super) fn seal(
        scheme: &Scheme,
        passphrase: &Secret,
        algorithm: SecretAlgorithm,
        key: &Secret,
    ) -> Result<Vec<u8>, StoreError> {
        let key = algorithm.written(key);
        let name = algorithm.name().as_bytes();
        let name_len = [0, u8::try_from(name.len()).unwrap_or(0)];
        let clear = tlv::joined(
            &[
                SPEC,
                &[
                    b"t",
                    &name_len,
                    name,
                    BYTES,
                    &count(key.len()),
                    key.expose(),
                ],
            ]
            .concat(),
        );
        let content = scheme.encrypt(passphrase, &clear)?;
        let parameters = scheme.parameters();
        let string = [
            &b"t\x00"[..],
            &[u8::try_from(ALGORITHM.len()).unwrap_or(0)],
            ALGORITHM,
        ]
        .concat();
        let mut out = SEALED.concat();
        for part in [
            &count(parameters.len())[..],
            &parameters,
            MORE_BYTES,
            &count(content.len()),
            &content,
            &string,
            &string,
        ] {
            out.extend_from_slice(part);
        }
        Ok(out)
    }

    /// The key.
    pub(super) fn open(
        &self,
        passphrase: &Secret,
    ) -> Result<(SecretAlgorithm, Secret), StoreError> {
        let clear = self.scheme.decrypt(passphrase, &self.content)?;
        let spec = SPEC.concat();
        let is_spec = clear.expose().starts_with(&spec);
        let mut stream = Stream {
            rest: clear.expose(),
        };
        stream.literal(if is_spec { SPEC } else { KEY_REP })?;
        let algorithm = SecretAlgorithm::named(stream.string()?)?;
        stream.literal(&[BYTES])?;
        let key = tlv::joined(&[stream.long(64)?]);
        if !is_spec {
            stream.literal(KEY_REP_END)?;
        }
        if !stream.rest.is_empty() || !algorithm.takes(key.len()) {
            return Err(Stream::OTHER);
        }
        Ok((algorithm, key))
    }

    /// How it is encrypted.
    pub(super) fn scheme(&self) -> &Scheme {
        &self.scheme
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_read_is_shown_quoted_and_cut() {
        let none = count(0);
        let mut stream = SEALED.concat();
        stream.extend([&none[..], MORE_BYTES, &none, b"t\x00\x50"].concat());
        stream.extend([0x1B; 80]);
        let Err(StoreError::Algorithm(name)) = SealedObject::read(&stream) else {
            panic!("read");
        };
        assert!(!name.contains('\u{1b}'), "{name:?}");
        assert_eq!(name.matches("u{1b}").count(), NAME_SHOWN);
    }
}
