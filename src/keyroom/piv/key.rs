//! Key pairs on the card: generate, sign, agree.
//! SP 800-73-4 part 2, sections 3.2.4, 3.3.2, appendices A.4 and A.5.

use std::fmt;

use conclave_crypto::secret::Secret;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};

use super::apdu::{Answer, exchange};
use super::error::{Instruction, PivError, StatusWord};
use super::management::written;
use super::{PivCard, tlv};

/// ECC P-256 (SP 800-78-4 table 6-2).
const P256: u8 = 0x11;
/// An uncompressed point of P-256: `04`, x, y.
pub const POINT: usize = 65;
/// A fixed-length signature: r, s.
pub const SIGNATURE: usize = 64;

/// The key slots this product uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Slot {
    /// 9A: answers a logon's challenge and signs anchors, after one VERIFY.
    Authentication = 0x9A,
    /// 9C: signs approvals, each after its own VERIFY.
    Signature = 0x9C,
    /// 9D: opens the member's share.
    KeyManagement = 0x9D,
}

impl Slot {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Authentication, Self::Signature, Self::KeyManagement];
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", *self as u8)
    }
}

/// A slot whose key signs. There is no third: 9D never signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningSlot {
    /// 9A.
    Authentication,
    /// 9C.
    Signature,
}

impl From<SigningSlot> for Slot {
    fn from(slot: SigningSlot) -> Self {
        match slot {
            SigningSlot::Authentication => Self::Authentication,
            SigningSlot::Signature => Self::Signature,
        }
    }
}

impl PivCard {
    /// Makes a new P-256 key pair in `slot`, over any that was there, and
    /// returns the public point, uncompressed and checked to be on the curve.
    ///
    /// # Errors
    /// [`PivError::ManagementNeeded`]; [`PivError::PointNotOnCurve`] when the
    /// card answers nonsense.
    pub fn generate(&mut self, slot: Slot) -> Result<[u8; POINT], PivError> {
        let instruction = Instruction::GenerateAsymmetric;
        let template = tlv::object(0xAC, &tlv::object(0x80, &[P256]));
        let answer = exchange(self.channel(), instruction, 0, slot as u8, &template)?;
        written(instruction, answer.status)?;
        let point = tlv::only(0x7F49, &answer.data)
            .and_then(|template| tlv::find(0x86, template))
            .and_then(|point| <[u8; POINT]>::try_from(point).ok())
            .ok_or(PivError::Malformed {
                instruction,
                what: "public key",
            })?;
        on_curve(&point)?;
        Ok(point)
    }

    /// ECDSA over a SHA-256 digest: r ‖ s, 32 bytes each.
    ///
    /// The card answers DER, which is checked to be well formed and canonical
    /// with r and s in range. Whether the signature fits the pinned public
    /// key is the caller's to verify ([`verify`]).
    ///
    /// # Errors
    /// [`PivError::PinNeeded`] (9A: in this channel; 9C: immediately before),
    /// [`PivError::NoKey`].
    pub fn sign(
        &mut self,
        slot: SigningSlot,
        digest: &[u8; 32],
    ) -> Result<[u8; SIGNATURE], PivError> {
        let mut request = tlv::object(0x82, &[]);
        tlv::put(&mut request, 0x81, digest);
        let answer = self.use_key(slot.into(), &request)?;
        let malformed = PivError::Malformed {
            instruction: Instruction::GeneralAuthenticate,
            what: "signature",
        };
        let Some(der) = response(&answer) else {
            return Err(malformed);
        };
        match Signature::from_der(der) {
            Ok(signature) if signature.to_der().as_bytes() == der => {
                Ok(signature.to_bytes().into())
            }
            _ => Err(malformed),
        }
    }

    /// VERIFY, then at once one signature with 9C, as each approval needs.
    ///
    /// # Errors
    /// As [`PivCard::verify_pin`] and [`PivCard::sign`].
    pub fn sign_with_fresh_pin(
        &mut self,
        pin: &Secret,
        digest: &[u8; 32],
    ) -> Result<[u8; SIGNATURE], PivError> {
        self.verify_pin(pin)?;
        self.sign(SigningSlot::Signature, digest)
    }

    /// Tests, at enrolment, that 9C signs after a VERIFY and refuses a second
    /// signature without another one.
    ///
    /// # Errors
    /// [`PivError::SignsWithoutFreshPin`]: the card must not be enrolled.
    pub fn probe_9c_needs_fresh_pin(&mut self, pin: &Secret) -> Result<(), PivError> {
        // Nothing that anybody verifies hashes to this.
        let digest = [0x9C; 32];
        self.sign_with_fresh_pin(pin, &digest)?;
        match self.sign(SigningSlot::Signature, &digest) {
            Err(PivError::PinNeeded { .. }) => Ok(()),
            Ok(_) => Err(PivError::SignsWithoutFreshPin),
            Err(other) => Err(other),
        }
    }

    /// Diffie-Hellman with the 9D key: the x coordinate of the shared point,
    /// always 32 bytes, leading zeros kept (SP 800-56A section 5.7.1.2).
    ///
    /// `point` is the peer's, uncompressed. It is checked to be on the curve
    /// before the card sees it.
    ///
    /// # Errors
    /// [`PivError::PointNotOnCurve`], [`PivError::PinNeeded`],
    /// [`PivError::NoKey`].
    pub fn ecdh(&mut self, point: &[u8; POINT]) -> Result<Secret, PivError> {
        on_curve(point)?;
        let mut request = tlv::object(0x82, &[]);
        tlv::put(&mut request, 0x85, point);
        let answer = self.use_key(Slot::KeyManagement, &request)?;
        let shared = response(&answer).filter(|it| it.len() == 32);
        let shared = shared.ok_or(PivError::Malformed {
            instruction: Instruction::GeneralAuthenticate,
            what: "shared secret",
        })?;
        Ok(Secret::from_fn(shared.len(), |secret| {
            secret.copy_from_slice(shared);
        }))
    }

    fn use_key(&mut self, slot: Slot, request: &[u8]) -> Result<Answer, PivError> {
        let template = tlv::object(0x7C, request);
        let instruction = Instruction::GeneralAuthenticate;
        let answer = exchange(self.channel(), instruction, P256, slot as u8, &template)?;
        match answer.status {
            StatusWord::OK => Ok(answer),
            StatusWord::SECURITY_STATUS => Err(PivError::PinNeeded { slot }),
            StatusWord::CONDITIONS
            | StatusWord::REFERENCE_NOT_FOUND
            | StatusWord::FILE_NOT_FOUND => Err(PivError::NoKey { slot }),
            status => Err(PivError::Refused {
                instruction,
                status,
            }),
        }
    }
}

/// Whether `signature` (r ‖ s) over `digest` is by the key with this public
/// point (uncompressed). False for a point off the curve.
#[must_use]
pub fn verify(point: &[u8; POINT], digest: &[u8; 32], signature: &[u8; SIGNATURE]) -> bool {
    let Ok(key) = VerifyingKey::from_sec1_bytes(point) else {
        return false;
    };
    Signature::from_slice(signature).is_ok_and(|it| key.verify_prehash(digest, &it).is_ok())
}

/// The response in a dynamic authentication template.
fn response(answer: &Answer) -> Option<&[u8]> {
    tlv::only(0x7C, &answer.data).and_then(|template| tlv::only(0x82, template))
}

fn on_curve(point: &[u8; POINT]) -> Result<(), PivError> {
    if point[0] != 0x04 {
        return Err(PivError::PointNotOnCurve);
    }
    p256::PublicKey::from_sec1_bytes(point)
        .map(drop)
        .map_err(|_| PivError::PointNotOnCurve)
}
