//! The external token of a DES key: 64 bytes, the key under a transport key.
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 1 | `02` |
//! | 4 | 1 | version: `00`; `01` for a DATA key of two or three parts without control vector |
//! | 6 | 1 | `80` an encrypted key, `40` the control vector was applied |
//! | 7 | 1 | bits 0 to 2: how the key is wrapped |
//! | 16, 24, 48 | 8 each | parts of the key |
//! | 32, 40 | 8 each | control vector |
//! | 59 | 1 | without control vector: `10` two parts, `20` three |
//! | 60 | 4 | token validation value: the sum of the fifteen words before it |
//!
//! All else is zero ("DES external key token" of the ICSF Application
//! Programmer's Guide). Each part is encrypted by itself under the transport
//! key, into each eight bytes of which the part's half of the control vector is
//! added. Judged by the tokens of `tests/vectors/cca.json` (made from the guide,
//! not by a coprocessor) and by openssl, part for part.

use std::fmt;

use thiserror::Error;

use super::control_vector::{ControlVector, CvError, HALF};
use crate::primitive::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// Bytes of a token.
pub const TOKEN_LEN: usize = 64;
const TVV: usize = 60;

/// How the key in a token is wrapped: the first three bits of byte 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrapping {
    /// The original one: each part by itself, ECB.
    Ecb,
    /// Enhanced, SHA-1 and CBC.
    Enhanced,
    /// Enhanced, SHA-256.
    Enhanced2,
    /// Enhanced, SHA-256, authenticated.
    Enhanced3,
}

impl Wrapping {
    fn of(bits: u8) -> Option<Self> {
        Some(match bits {
            0b000 => Self::Ecb,
            0b001 => Self::Enhanced,
            0b010 => Self::Enhanced2,
            0b011 => Self::Enhanced3,
            _ => return None,
        })
    }
}

impl fmt::Display for Wrapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ecb => "WRAP-ECB",
            Self::Enhanced => "WRAP-ENH",
            Self::Enhanced2 => "WRAPENH2",
            Self::Enhanced3 => "WRAPENH3",
        })
    }
}

/// Why a token is not read, not made, or gives no key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Not 64 bytes.
    #[error("a DES key token has 64 bytes, not {0}")]
    Length(usize),
    /// First byte `01`.
    #[error("this is an internal token: its key is under a master key, which nobody here has")]
    Internal,
    /// First byte `00`.
    #[error("this is a null token: there is no key in it")]
    Null,
    /// Another first byte.
    #[error("the first byte is {0:02X}; an external token begins with 02")]
    Identifier(u8),
    /// Version `10`: another layout altogether.
    #[error("this is a token of remote key export (RKX), which is not read")]
    Rkx,
    /// Another version.
    #[error("token version {0:02X} is not known; 00 and 01 are")]
    Version(u8),
    /// A byte that has to be zero.
    #[error("byte {0} of the token is reserved and not zero")]
    Reserved(usize),
    /// The sum over the token is another.
    #[error("the token validation value is not the token's: a byte was altered")]
    Tvv,
    /// No key is in it.
    #[error("the token holds no key")]
    NoKey,
    /// The key stands in it unencrypted.
    #[error("the key in the token is in clear: it is spent, and not taken")]
    Clear,
    /// Byte 6 has other bits.
    #[error("flag byte 6 is {0:02X}; bits beside 80 and 40 are not known")]
    Flags(u8),
    /// Bits 0 to 2 of byte 7.
    #[error("flag byte 7 is {0:02X}, which names no wrapping")]
    Method(u8),
    /// Flag `40` and the control vector say different things.
    #[error("the token has {0}")]
    Applied(&'static str),
    /// Byte 59 does not go with version and control vector.
    #[error("byte 59 is {0:02X}, which does not go with the token's version and control vector")]
    Marks(u8),
    /// A part beyond the key's length is not zero.
    #[error("the token is that of {len} bytes, and part {part} of its key is not zero")]
    Part {
        /// Bytes of the key.
        len: usize,
        /// The part, from 1.
        part: usize,
    },
    /// The control vector.
    #[error(transparent)]
    Vector(#[from] CvError),
    /// A transport key of one part, or of no DES key's length.
    #[error("a transport key has 16 or 24 bytes, not {0}")]
    Transport(usize),
    /// A key of no DES key's length.
    #[error("a DES key has 8, 16 or 24 bytes, not {0}")]
    KeyLength(usize),
    /// The enhanced wrappings are not done here.
    #[error("the key is wrapped by {0}; WRAP-ECB alone is taken")]
    Wrapped(Wrapping),
    /// The cipher.
    #[error(transparent)]
    Cipher(#[from] ModeError),
}

/// An external token, read or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesToken {
    version: u8,
    applied: bool,
    wrapping: Wrapping,
    vector: ControlVector,
    cryptogram: Vec<u8>,
}

/// The sum of the fifteen words of four bytes before byte 60, carry dropped.
#[must_use]
pub fn token_validation_value(token: &[u8]) -> [u8; 4] {
    let sum = token
        .iter()
        .take(TVV)
        .enumerate()
        .fold(0u32, |sum, (at, byte)| {
            sum.wrapping_add(u32::from(*byte) << (24 - 8 * (at % 4)))
        });
    sum.to_be_bytes()
}

/// The transport key for one part: the half of the control vector added to each
/// of its eight bytes.
fn cipher(transport: &Secret, half: &[u8; HALF]) -> Result<Cipher, TokenError> {
    let mut key = transport.duplicate();
    for (at, byte) in key.expose_mut().iter_mut().enumerate() {
        *byte ^= half.get(at % HALF).copied().unwrap_or(0);
    }
    Ok(Cipher::new(Algorithm::Tdes, key.expose())?)
}

fn lengths(transport: &Secret, len: usize) -> Result<(), TokenError> {
    if !matches!(transport.len(), 16 | 24) {
        return Err(TokenError::Transport(transport.len()));
    }
    if !matches!(len, 8 | 16 | 24) {
        return Err(TokenError::KeyLength(len));
    }
    Ok(())
}

/// The cryptogram of a key under a transport key: the original wrapping. A zero
/// vector is plain ECB, as ANSI X9.17 has it. Parity, weak parts and strength
/// are the caller's.
///
/// # Errors
/// [`TokenError`]: lengths, and a control vector of another length of key.
pub fn wrap(
    transport: &Secret,
    key: &Secret,
    vector: &ControlVector,
) -> Result<Vec<u8>, TokenError> {
    lengths(transport, key.len())?;
    vector.check(key.len())?;
    let mut out = key.duplicate();
    for (at, part) in out.expose_mut().chunks_exact_mut(HALF).enumerate() {
        cipher(transport, vector.of_part(at))?.ecb_encrypt(part)?;
    }
    Ok(out.expose().to_vec())
}

impl DesToken {
    /// A token with this key, of the version that today's hosts write.
    ///
    /// # Errors
    /// As [`wrap`].
    pub fn make(
        transport: &Secret,
        key: &Secret,
        vector: ControlVector,
    ) -> Result<Self, TokenError> {
        let version = u8::from(vector.is_zero() && key.len() != 8);
        Self::of_version(transport, key, vector, version)
    }

    /// A token of version `00` or `01`. Older texts have `01` for every key of
    /// two or three parts; it is read, and made only for comparison with them.
    ///
    /// # Errors
    /// As [`wrap`]; [`TokenError::Version`].
    pub fn of_version(
        transport: &Secret,
        key: &Secret,
        vector: ControlVector,
        version: u8,
    ) -> Result<Self, TokenError> {
        let right = match version {
            0 => !vector.is_zero() || key.len() == 8,
            1 => key.len() != 8,
            _ => false,
        };
        let cryptogram = wrap(transport, key, &vector)?;
        if !right {
            return Err(TokenError::Version(version));
        }
        Ok(Self {
            version,
            applied: !vector.is_zero(),
            wrapping: Wrapping::Ecb,
            vector,
            cryptogram,
        })
    }

    /// A token around a cryptogram that came by itself.
    ///
    /// # Errors
    /// [`TokenError::KeyLength`], [`TokenError::Vector`]
    pub fn around(cryptogram: &[u8], vector: ControlVector) -> Result<Self, TokenError> {
        if !matches!(cryptogram.len(), 8 | 16 | 24) {
            return Err(TokenError::KeyLength(cryptogram.len()));
        }
        vector.check(cryptogram.len())?;
        Ok(Self {
            version: u8::from(vector.is_zero() && cryptogram.len() != 8),
            applied: !vector.is_zero(),
            wrapping: Wrapping::Ecb,
            vector,
            cryptogram: cryptogram.to_vec(),
        })
    }

    /// The 64 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; TOKEN_LEN] {
        let mut out = [0; TOKEN_LEN];
        let mut put = |at: usize, bytes: &[u8]| {
            for (to, byte) in out.iter_mut().skip(at).zip(bytes) {
                *to = *byte;
            }
        };
        put(0, &[0x02]);
        put(4, &[self.version]);
        put(6, &[if self.applied { 0xC0 } else { 0x80 }]);
        put(7, &[(self.wrapping as u8) << 5]);
        for (part, at) in self.cryptogram.chunks(HALF).zip([16, 24, 48]) {
            put(at, part);
        }
        put(32, &self.vector.left);
        put(40, &self.vector.right);
        put(59, &[self.marks()]);
        let sum = token_validation_value(&out);
        out.iter_mut()
            .skip(TVV)
            .zip(sum)
            .for_each(|(to, byte)| *to = byte);
        out
    }

    /// Byte 59.
    fn marks(&self) -> u8 {
        match (self.vector.is_zero(), self.cryptogram.len()) {
            (true, 16) => 0x10,
            (true, 24) => 0x20,
            _ => 0,
        }
    }

    /// Reads a token strictly. What it says is the token's own word: nothing but
    /// the key's check value shows whether it is true.
    ///
    /// # Errors
    /// [`TokenError`]
    pub fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        let token: &[u8; TOKEN_LEN] = bytes
            .try_into()
            .map_err(|_| TokenError::Length(bytes.len()))?;
        match (token[0], token[4]) {
            (0x02, 0x10) => return Err(TokenError::Rkx),
            (0x02, 0x00 | 0x01) => {}
            (0x02, version) => return Err(TokenError::Version(version)),
            (0x01, _) => return Err(TokenError::Internal),
            (0x00, _) => return Err(TokenError::Null),
            (other, _) => return Err(TokenError::Identifier(other)),
        }
        if token_validation_value(token) != token[TVV..] {
            return Err(TokenError::Tvv);
        }
        let reserved = [1, 2, 3, 5].into_iter().chain(8..16).chain(56..59);
        for at in reserved {
            if token.get(at) != Some(&0) {
                return Err(TokenError::Reserved(at));
            }
        }
        let half = |at: usize| {
            let mut half = [0; HALF];
            half.iter_mut()
                .zip(token.iter().skip(at))
                .for_each(|(to, byte)| *to = *byte);
            half
        };
        let parts = [half(16), half(24), half(48)];
        let vector = ControlVector {
            left: half(32),
            right: half(40),
        };
        let applied = match token[6] {
            0xC0 => true,
            0x80 => false,
            0x00 | 0x40 if parts.iter().flatten().all(|byte| *byte == 0) => {
                return Err(TokenError::NoKey);
            }
            0x00 | 0x40 => return Err(TokenError::Clear),
            other => return Err(TokenError::Flags(other)),
        };
        let wrapping = Wrapping::of(token[7] >> 5)
            .filter(|_| token[7] & 0x1F == 0)
            .ok_or(TokenError::Method(token[7]))?;
        let len = Self::length(token[4], token[59], &vector)?;
        match (applied, vector.is_zero()) {
            (true, true) => return Err(TokenError::Applied("no control vector to apply")),
            (false, false) => {
                return Err(TokenError::Applied(
                    "a control vector that was not applied (NOCV)",
                ));
            }
            _ => {}
        }
        for (at, part) in parts.iter().enumerate().skip(len / HALF) {
            if *part != [0; HALF] {
                return Err(TokenError::Part { len, part: at + 1 });
            }
        }
        vector.check(len)?;
        let mut cryptogram = parts.concat();
        cryptogram.truncate(len);
        Ok(Self {
            version: token[4],
            applied,
            wrapping,
            vector,
            cryptogram,
        })
    }

    /// Bytes of the key, by version, byte 59 and control vector.
    fn length(version: u8, marks: u8, vector: &ControlVector) -> Result<usize, TokenError> {
        if vector.is_zero() {
            return match (version, marks) {
                (0, 0x00) => Ok(8),
                (1, 0x10) => Ok(16),
                (1, 0x20) => Ok(24),
                _ => Err(TokenError::Marks(marks)),
            };
        }
        if marks != 0 {
            return Err(TokenError::Marks(marks));
        }
        // A form that says nothing is the vector's own fault, with its length
        // taken from the left half.
        let said = vector.key_len();
        let len = said.ok_or_else(|| {
            let of_left = match vector.left[5] >> 5 {
                0b000 => 8,
                0b011 | 0b111 => 24,
                _ => 16,
            };
            vector
                .check(of_left)
                .err()
                .unwrap_or(CvError::Form(of_left))
        })?;
        if version == 1 && len == 8 {
            return Err(TokenError::Version(1));
        }
        Ok(len)
    }

    /// Its version, `00` or `01`.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.version
    }

    /// Its control vector.
    #[must_use]
    pub fn vector(&self) -> &ControlVector {
        &self.vector
    }

    /// How its key is wrapped.
    #[must_use]
    pub fn wrapping(&self) -> Wrapping {
        self.wrapping
    }

    /// Bytes of its key.
    #[must_use]
    pub fn key_len(&self) -> usize {
        self.cryptogram.len()
    }

    /// Its key under the transport key, as long as the key.
    #[must_use]
    pub fn cryptogram(&self) -> &[u8] {
        &self.cryptogram
    }

    /// Whatever its key is under this transport key: nothing authenticates it.
    ///
    /// # Errors
    /// [`TokenError::Transport`]; [`TokenError::Wrapped`] for another wrapping
    /// than the original one.
    pub fn open(&self, transport: &Secret) -> Result<Secret, TokenError> {
        if self.wrapping != Wrapping::Ecb {
            return Err(TokenError::Wrapped(self.wrapping));
        }
        self.open_as(transport, &self.vector)
    }

    /// The same with another control vector than its own: what a partner who
    /// mistook one for the other has wrapped it with.
    ///
    /// # Errors
    /// [`TokenError`]
    pub fn open_as(
        &self,
        transport: &Secret,
        vector: &ControlVector,
    ) -> Result<Secret, TokenError> {
        lengths(transport, self.cryptogram.len())?;
        let mut key = Secret::from_fn(self.cryptogram.len(), |to| {
            to.copy_from_slice(&self.cryptogram);
        });
        for (at, part) in key.expose_mut().chunks_exact_mut(HALF).enumerate() {
            cipher(transport, vector.of_part(at))?.ecb_decrypt(part)?;
        }
        Ok(key)
    }
}

#[cfg(test)]
#[path = "des_token_tests.rs"]
mod tests;
