//! Encryption under a passphrase, as AlgorithmIdentifiers name it: PBES2
//! (RFC 8018 6.2), the schemes of PKCS#12 (RFC 7292 C), and Java's own of JCEKS.
//! Old ciphers are here to read old stores and to write for old readers.

use rc2::Rc2;
use rc2::cipher::{Array, BlockCipherDecrypt};

use super::kdf::{self, Hash, Use};
use super::tlv::{self, NULL, OCTETS, OID, Reader, SEQUENCE};
use super::{ITERATIONS_MOST, SALT_MOST, StoreError};
use crate::primitive::modes::{Algorithm, Cipher};
use crate::secret::{RandomSource, Secret};

/// 1.2.840.113549.1.5.13 and .12
const PBES2: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D];
pub(super) const PBKDF2: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C];
/// 1.2.840.113549.1.12.1: pkcs-12PbeIds, without the last number.
const PKCS12_PBE: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x01];
/// 1.3.6.1.4.1.42.2.19.1: Sun's JCE_KEYSTORE protection.
const JAVA: [u8; 9] = [0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x13, 0x01];
/// 2.16.840.1.101.3.4.1: AES; the last number is the mode and length.
const AES: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];
/// 1.2.840.113549.3.7: des-ede3-cbc.
const DES_EDE3: [u8; 8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x03, 0x07];

/// A cipher in CBC with its padding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cbc {
    Aes(usize),
    /// Three keys, or two.
    TripleDes(usize),
    /// With so many bits; for reading alone.
    Rc2(usize),
}

impl Cbc {
    fn key_len(self) -> usize {
        match self {
            Self::Aes(len) | Self::TripleDes(len) => len,
            Self::Rc2(bits) => bits / 8,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Aes(len) => format!("AES-{}-CBC", 8 * len),
            Self::TripleDes(24) => "3DES-CBC".into(),
            Self::TripleDes(_) => "two-key 3DES-CBC".into(),
            Self::Rc2(bits) => format!("RC2-{bits}-CBC"),
        }
    }

    fn decrypt(self, key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), StoreError> {
        let algorithm = match self {
            Self::Aes(_) => Algorithm::Aes,
            Self::TripleDes(_) => Algorithm::Tdes,
            Self::Rc2(bits) => return rc2_cbc(key, bits, iv, data),
        };
        let cipher = Cipher::new(algorithm, key).map_err(|_| StoreError::Passphrase)?;
        cipher
            .cbc_decrypt(iv, data)
            .map_err(|_| StoreError::Format("encrypted bytes are not whole blocks"))
    }
}

fn rc2_cbc(key: &[u8], bits: usize, iv: &[u8], data: &mut [u8]) -> Result<(), StoreError> {
    let cipher = Rc2::new_with_eff_key_len(key, bits);
    let mut chain: [u8; 8] = iv
        .try_into()
        .map_err(|_| StoreError::Format("an initialisation vector has another length"))?;
    for block in data.chunks_exact_mut(8) {
        let mut next = [0; 8];
        next.copy_from_slice(block);
        let mut one = Array::from(next);
        cipher.decrypt_block(&mut one);
        for ((to, clear), chained) in block.iter_mut().zip(one).zip(chain) {
            *to = clear ^ chained;
        }
        chain = next;
    }
    Ok(())
}

/// How something is encrypted under the passphrase.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Scheme {
    derive: Derive,
    cipher: Cbc,
    salt: Vec<u8>,
    iterations: u32,
}

#[derive(Clone, PartialEq, Eq)]
enum Derive {
    /// PBES2 with this HMAC, and the IV.
    Pbkdf2(Hash, Vec<u8>),
    /// RFC 7292 B with SHA-1; the last number of its OBJECT IDENTIFIER.
    Pkcs12(u8),
    Java,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// PBES2, PBKDF2 with HMAC-SHA-256, AES-256-CBC.
    Modern,
    /// pbeWithSHAAnd3-KeyTripleDES-CBC.
    Legacy,
    /// PBEWithMD5AndTripleDES.
    Java,
}

fn salt_and_iterations(parameters: &mut Reader<'_>) -> Result<(Vec<u8>, u32), StoreError> {
    let salt = parameters.take(OCTETS)?;
    if salt.is_empty() || salt.len() > SALT_MOST {
        return Err(StoreError::Limit("a salt is empty or longer than 64 bytes"));
    }
    Ok((salt.to_vec(), iterations(parameters.number()?)?))
}

/// A count that is not a bomb.
pub(super) fn iterations(count: u32) -> Result<u32, StoreError> {
    if (1..=ITERATIONS_MOST).contains(&count) {
        Ok(count)
    } else {
        Err(StoreError::Limit(
            "an iteration count is zero or over 2,000,000",
        ))
    }
}

/// The parameters of PBKDF2: salt, iterations, key length where given, hash.
pub(super) fn pbkdf2_parameters(
    mut parameters: Reader<'_>,
) -> Result<(Vec<u8>, u32, Option<u32>, Hash), StoreError> {
    let (salt, iterations) = salt_and_iterations(&mut parameters)?;
    let length = match parameters.next_tag() {
        Some(tlv::INTEGER) => Some(parameters.number()?),
        _ => None,
    };
    let hash = if parameters.is_empty() {
        Hash::Sha1
    } else {
        let mut prf = parameters.open(SEQUENCE)?;
        let oid = prf.take(OID)?;
        null_or_nothing(prf)?;
        Hash::ALL
            .into_iter()
            .find(|hash| hash.hmac_oid() == oid)
            .ok_or_else(|| StoreError::Algorithm("PBKDF2 with another HMAC".into()))?
    };
    parameters.end()?;
    Ok((salt, iterations, length, hash))
}

pub(super) fn null_or_nothing(mut parameters: Reader<'_>) -> Result<(), StoreError> {
    if !parameters.is_empty() && !parameters.take(NULL)?.is_empty() {
        return Err(StoreError::Format("a NULL is not empty"));
    }
    parameters.end()
}

impl Scheme {
    /// Reads what stands in an AlgorithmIdentifier.
    pub(super) fn read(mut algorithm: Reader<'_>) -> Result<Self, StoreError> {
        let oid = algorithm.take(OID)?;
        let mut parameters = algorithm.open(SEQUENCE)?;
        algorithm.end()?;
        if oid == PBES2 {
            return Self::read_pbes2(parameters);
        }
        let (derive, cipher) = match oid.split_at_checked(PKCS12_PBE.len()) {
            Some((head, [last])) if head == PKCS12_PBE => (
                Derive::Pkcs12(*last),
                match last {
                    3 => Cbc::TripleDes(24),
                    4 => Cbc::TripleDes(16),
                    5 => Cbc::Rc2(128),
                    6 => Cbc::Rc2(40),
                    _ => return Err(StoreError::Algorithm("PKCS#12 with RC4".into())),
                },
            ),
            _ if oid == JAVA => (Derive::Java, Cbc::TripleDes(24)),
            _ => return Err(StoreError::Algorithm(dotted(oid))),
        };
        let (salt, iterations) = salt_and_iterations(&mut parameters)?;
        parameters.end()?;
        Self {
            derive,
            cipher,
            salt,
            iterations,
        }
        .checked()
    }

    /// Reads Java's PBEParameterSpec, where the algorithm is named elsewhere.
    pub(super) fn read_java(mut parameters: Reader<'_>) -> Result<Self, StoreError> {
        let (salt, iterations) = salt_and_iterations(&mut parameters)?;
        parameters.end()?;
        Self {
            derive: Derive::Java,
            cipher: Cbc::TripleDes(24),
            salt,
            iterations,
        }
        .checked()
    }

    fn checked(self) -> Result<Self, StoreError> {
        if self.derive == Derive::Java && self.salt.len() != 8 {
            return Err(StoreError::Format("the salt of JCEKS has eight bytes"));
        }
        Ok(self)
    }

    fn read_pbes2(mut parameters: Reader<'_>) -> Result<Self, StoreError> {
        let mut derivation = parameters.open(SEQUENCE)?;
        let mut encryption = parameters.open(SEQUENCE)?;
        parameters.end()?;
        if derivation.take(OID)? != PBKDF2 {
            return Err(StoreError::Algorithm("PBES2 without PBKDF2".into()));
        }
        let (salt, iterations, length, hash) = pbkdf2_parameters(derivation.open(SEQUENCE)?)?;
        derivation.end()?;
        let oid = encryption.take(OID)?;
        let iv = encryption.take(OCTETS)?.to_vec();
        encryption.end()?;
        let cipher = match oid.split_at_checked(AES.len()) {
            Some((head, [2])) if head == AES => Cbc::Aes(16),
            Some((head, [22])) if head == AES => Cbc::Aes(24),
            Some((head, [42])) if head == AES => Cbc::Aes(32),
            _ if oid == DES_EDE3 => Cbc::TripleDes(24),
            _ => return Err(StoreError::Algorithm(format!("PBES2 with {}", dotted(oid)))),
        };
        if length.is_some_and(|len| usize::try_from(len) != Ok(cipher.key_len())) {
            return Err(StoreError::Format("the key length is another cipher's"));
        }
        let block = if matches!(cipher, Cbc::Aes(_)) { 16 } else { 8 };
        if iv.len() != block {
            return Err(StoreError::Format(
                "an initialisation vector has another length",
            ));
        }
        Ok(Self {
            derive: Derive::Pbkdf2(hash, iv),
            cipher,
            salt,
            iterations,
        })
    }

    /// A new one: fresh salt and IV.
    pub(super) fn new(
        choice: Choice,
        iterations: u32,
        random: &mut dyn RandomSource,
    ) -> Result<Self, StoreError> {
        let mut draw = |len| {
            let mut bytes = vec![0; len];
            random
                .public(&mut bytes)
                .map_err(|_| StoreError::Random)
                .map(|()| bytes)
        };
        let (derive, cipher, salt) = match choice {
            Choice::Modern => (
                Derive::Pbkdf2(Hash::Sha256, draw(16)?),
                Cbc::Aes(32),
                draw(20)?,
            ),
            Choice::Legacy => (Derive::Pkcs12(3), Cbc::TripleDes(24), draw(20)?),
            Choice::Java => {
                let mut salt = draw(8)?;
                // Halves that are the same meet a mistake of Java: see `kdf`.
                while salt.get(..4) == salt.get(4..) {
                    salt = draw(8)?;
                }
                (Derive::Java, Cbc::TripleDes(24), salt)
            }
        };
        Ok(Self {
            derive,
            cipher,
            salt,
            iterations,
        })
    }

    /// The AlgorithmIdentifier.
    pub(super) fn der(&self) -> Vec<u8> {
        let plain = self.parameters();
        match &self.derive {
            Derive::Pbkdf2(hash, iv) => {
                let prf = tlv::element(
                    SEQUENCE,
                    &[&tlv::oid(hash.hmac_oid()), &tlv::element(NULL, &[])],
                );
                let key_len = u32::try_from(self.cipher.key_len()).unwrap_or(0);
                let derivation = tlv::element(
                    SEQUENCE,
                    &[
                        &tlv::element(OCTETS, &[&self.salt]),
                        &tlv::integer(self.iterations),
                        &tlv::integer(key_len),
                        &prf,
                    ],
                );
                let cipher = match self.cipher {
                    Cbc::Aes(16) => [&AES[..], &[2]].concat(),
                    Cbc::Aes(24) => [&AES[..], &[22]].concat(),
                    Cbc::Aes(_) => [&AES[..], &[42]].concat(),
                    _ => DES_EDE3.to_vec(),
                };
                let parameters = tlv::element(
                    SEQUENCE,
                    &[
                        &tlv::element(SEQUENCE, &[&tlv::oid(&PBKDF2), &derivation]),
                        &tlv::element(
                            SEQUENCE,
                            &[&tlv::oid(&cipher), &tlv::element(OCTETS, &[iv])],
                        ),
                    ],
                );
                tlv::element(SEQUENCE, &[&tlv::oid(&PBES2), &parameters])
            }
            Derive::Pkcs12(last) => {
                let oid = [&PKCS12_PBE[..], &[*last]].concat();
                tlv::element(SEQUENCE, &[&tlv::oid(&oid), &plain])
            }
            Derive::Java => tlv::element(SEQUENCE, &[&tlv::oid(&JAVA), &plain]),
        }
    }

    /// `SEQUENCE { salt, iterations }` (PBEParameter).
    pub(super) fn parameters(&self) -> Vec<u8> {
        tlv::element(
            SEQUENCE,
            &[
                &tlv::element(OCTETS, &[&self.salt]),
                &tlv::integer(self.iterations),
            ],
        )
    }

    fn key_and_iv(&self, passphrase: &Secret) -> Result<(Secret, Secret), StoreError> {
        let (len, salt, count) = (self.cipher.key_len(), &self.salt, self.iterations);
        Ok(match &self.derive {
            Derive::Pbkdf2(hash, iv) => (
                kdf::pbkdf2(*hash, passphrase, salt, count, len)?,
                tlv::joined(&[iv]),
            ),
            Derive::Pkcs12(_) => (
                kdf::pkcs12(Hash::Sha1, Use::Key, passphrase, salt, count, len),
                kdf::pkcs12(Hash::Sha1, Use::Iv, passphrase, salt, count, 8),
            ),
            Derive::Java => {
                let salt = salt
                    .as_slice()
                    .try_into()
                    .map_err(|_| StoreError::Format("the salt of JCEKS has eight bytes"))?;
                let both = kdf::java(passphrase, salt, count);
                match (both.part(0..24), both.part(24..32)) {
                    (Some(key), Some(iv)) => (key, iv),
                    _ => return Err(StoreError::Passphrase),
                }
            }
        })
    }

    /// Decrypts, and takes the padding off (RFC 8018 6.1.1).
    pub(super) fn decrypt(
        &self,
        passphrase: &Secret,
        encrypted: &[u8],
    ) -> Result<Secret, StoreError> {
        let block = if matches!(self.cipher, Cbc::Aes(_)) {
            16
        } else {
            8
        };
        if encrypted.is_empty() || !encrypted.len().is_multiple_of(block) {
            return Err(StoreError::Format("encrypted bytes are not whole blocks"));
        }
        let (key, iv) = self.key_and_iv(passphrase)?;
        let mut clear = tlv::joined(&[encrypted]);
        self.cipher
            .decrypt(key.expose(), iv.expose(), clear.expose_mut())?;
        let padding = clear.expose().last().copied().unwrap_or(0);
        let len = usize::from(padding);
        let body = clear.len().checked_sub(len).ok_or(StoreError::Passphrase)?;
        let padded = clear.expose().get(body..).unwrap_or_default();
        if len == 0 || len > block || padded.iter().any(|byte| *byte != padding) {
            return Err(StoreError::Passphrase);
        }
        clear.part(0..body).ok_or(StoreError::Passphrase)
    }

    /// Pads and encrypts.
    pub(super) fn encrypt(
        &self,
        passphrase: &Secret,
        clear: &Secret,
    ) -> Result<Vec<u8>, StoreError> {
        let (algorithm, block) = match self.cipher {
            Cbc::Aes(_) => (Algorithm::Aes, 16),
            Cbc::TripleDes(_) => (Algorithm::Tdes, 8),
            Cbc::Rc2(_) => return Err(StoreError::Algorithm(self.words())),
        };
        let (key, iv) = self.key_and_iv(passphrase)?;
        let padding = block - clear.len() % block;
        let fill = vec![u8::try_from(padding).unwrap_or(0); padding];
        let mut out = tlv::joined(&[clear.expose(), &fill]);
        let encrypted = Cipher::new(algorithm, key.expose())
            .and_then(|cipher| cipher.cbc_encrypt(iv.expose(), out.expose_mut()));
        encrypted.map_err(|_| StoreError::Format("the cipher refused its input"))?;
        Ok(out.expose().to_vec())
    }

    /// How many iterations it takes.
    pub(super) fn count(&self) -> u32 {
        self.iterations
    }

    /// TRUE for what is only there for old readers.
    pub(super) fn is_old(&self) -> bool {
        !matches!(
            (&self.derive, self.cipher),
            (Derive::Pbkdf2(..), Cbc::Aes(_))
        )
    }

    /// For people.
    pub(super) fn words(&self) -> String {
        let how = match &self.derive {
            Derive::Pbkdf2(hash, _) => format!("PBES2, PBKDF2 with HMAC-{}", hash.words()),
            Derive::Pkcs12(_) => "PKCS#12 PBE with SHA-1".into(),
            Derive::Java => "PBEWithMD5AndTripleDES of JCEKS".into(),
        };
        format!(
            "{how}, {}, {} iterations",
            self.cipher.words(),
            self.iterations
        )
    }
}

/// An OBJECT IDENTIFIER as people write it.
pub(super) fn dotted(content: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0u64;
    for byte in content.iter().take(32) {
        arc = arc.wrapping_shl(7) | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.push(first);
                arc -= 40 * first;
            }
            arcs.push(arc);
            arc = 0;
        }
    }
    let arcs: Vec<String> = arcs.iter().map(u64::to_string).collect();
    arcs.join(".")
}
