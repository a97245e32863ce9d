//! The management key (slot 9B): who may write to the card.
//! SP 800-73-4 part 2, section 3.2.4 and appendix A.1; algorithms of
//! SP 800-78-4 table 6-2. SET MANAGEMENT KEY is a de facto extension.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use conclave_crypto::secret::{RandomSource, Secret};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::apdu::exchange;
use super::error::{Instruction, PivError, StatusWord};
use super::{PivCard, tlv};

/// Key reference of the management key.
const MANAGEMENT: u8 = 0x9B;
const TEMPLATE: u16 = 0x7C;
const WITNESS: u16 = 0x80;
const CHALLENGE: u16 = 0x81;
const RESPONSE: u16 = 0x82;

/// Algorithm of a management key. The number is PIV's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ManagementAlgorithm {
    /// Three-key triple DES, 24 bytes: what cards are delivered with.
    Tdes = 0x03,
    /// 16 bytes.
    Aes128 = 0x08,
    /// 24 bytes.
    Aes192 = 0x0A,
    /// 32 bytes.
    Aes256 = 0x0C,
}

impl ManagementAlgorithm {
    const ALL: [Self; 4] = [Self::Tdes, Self::Aes128, Self::Aes192, Self::Aes256];

    /// The algorithm with this PIV number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|it| *it as u8 == number)
    }

    /// Bytes in a key.
    #[must_use]
    pub fn key_length(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Tdes | Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    fn block_length(self) -> usize {
        match self {
            Self::Tdes => 8,
            _ => 16,
        }
    }
}

/// A management key with its algorithm.
pub struct ManagementKey {
    algorithm: ManagementAlgorithm,
    key: Secret,
}

impl ManagementKey {
    /// The key that cards are delivered with: 3DES, `0102030405060708` three
    /// times.
    #[must_use]
    pub fn factory() -> Self {
        let algorithm = ManagementAlgorithm::Tdes;
        let key = Secret::from_fn(algorithm.key_length(), |key| {
            for (byte, value) in key.iter_mut().zip((1..=8).cycle()) {
                *byte = value;
            }
        });
        Self { algorithm, key }
    }

    /// A random key.
    ///
    /// # Errors
    /// When randomness is not to be had.
    pub fn random(
        algorithm: ManagementAlgorithm,
        random: &mut dyn RandomSource,
    ) -> Result<Self, PivError> {
        let key = random.secret_bytes(algorithm.key_length())?;
        Ok(Self { algorithm, key })
    }

    /// A key that was kept somewhere.
    ///
    /// # Errors
    /// [`PivError::KeyLength`] when `key` has not the algorithm's length.
    pub fn new(algorithm: ManagementAlgorithm, key: Secret) -> Result<Self, PivError> {
        if key.len() != algorithm.key_length() {
            return Err(PivError::KeyLength {
                length: key.len(),
                wanted: algorithm.key_length(),
            });
        }
        Ok(Self { algorithm, key })
    }

    /// Its algorithm.
    #[must_use]
    pub fn algorithm(&self) -> ManagementAlgorithm {
        self.algorithm
    }

    /// Its bytes, to be wrapped into the vault.
    #[must_use]
    pub fn key(&self) -> &Secret {
        &self.key
    }

    fn encrypt(&self, block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut out = self.block(block)?;
        let key = self.key.expose();
        match self.algorithm {
            ManagementAlgorithm::Tdes => des::TdesEde3::new_from_slice(key)
                .ok()?
                .encrypt_block(out.as_mut_slice().try_into().ok()?),
            ManagementAlgorithm::Aes128 => aes::Aes128::new_from_slice(key)
                .ok()?
                .encrypt_block(out.as_mut_slice().try_into().ok()?),
            ManagementAlgorithm::Aes192 => aes::Aes192::new_from_slice(key)
                .ok()?
                .encrypt_block(out.as_mut_slice().try_into().ok()?),
            ManagementAlgorithm::Aes256 => aes::Aes256::new_from_slice(key)
                .ok()?
                .encrypt_block(out.as_mut_slice().try_into().ok()?),
        }
        Some(out)
    }

    fn decrypt(&self, block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut out = self.block(block)?;
        let key = self.key.expose();
        match self.algorithm {
            ManagementAlgorithm::Tdes => des::TdesEde3::new_from_slice(key)
                .ok()?
                .decrypt_block(out.as_mut_slice().try_into().ok()?),
            ManagementAlgorithm::Aes128 => aes::Aes128::new_from_slice(key)
                .ok()?
                .decrypt_block(out.as_mut_slice().try_into().ok()?),
            ManagementAlgorithm::Aes192 => aes::Aes192::new_from_slice(key)
                .ok()?
                .decrypt_block(out.as_mut_slice().try_into().ok()?),
            ManagementAlgorithm::Aes256 => aes::Aes256::new_from_slice(key)
                .ok()?
                .decrypt_block(out.as_mut_slice().try_into().ok()?),
        }
        Some(out)
    }

    fn block(&self, block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        (block.len() == self.algorithm.block_length()).then(|| Zeroizing::new(block.to_vec()))
    }
}

impl PivCard {
    /// Mutual authentication with the management key: the card proves that
    /// it has the key, and so do we.
    ///
    /// # Errors
    /// [`PivError::WrongManagementKey`] when the card has another key, or one
    /// of another algorithm. There is no retry counter on it.
    pub fn authenticate_management(
        &mut self,
        key: &ManagementKey,
        random: &mut dyn RandomSource,
    ) -> Result<(), PivError> {
        let witness = self.management_step(key, &tlv::object(WITNESS, &[]), WITNESS)?;
        let witness = key.decrypt(&witness).ok_or(MALFORMED)?;
        let mut challenge = Zeroizing::new([0u8; 16]);
        let challenge = &mut challenge[..key.algorithm.block_length()];
        random.public(challenge)?;

        let mut proof = tlv::object(WITNESS, &witness);
        tlv::put(&mut proof, CHALLENGE, challenge);
        let response = self.management_step(key, &proof, RESPONSE)?;
        let expected = key.encrypt(challenge).ok_or(MALFORMED)?;
        if bool::from(response.ct_eq(&expected)) {
            Ok(())
        } else {
            Err(PivError::WrongManagementKey)
        }
    }

    /// One-way authentication with the management key, for cards without the
    /// mutual form: only we prove that we have the key.
    ///
    /// # Errors
    /// As [`PivCard::authenticate_management`].
    pub fn authenticate_management_one_way(&mut self, key: &ManagementKey) -> Result<(), PivError> {
        let challenge = self.management_step(key, &tlv::object(CHALLENGE, &[]), CHALLENGE)?;
        let response = key.encrypt(&challenge).ok_or(MALFORMED)?;
        let answer = self.management(key, &tlv::object(RESPONSE, &response))?;
        management_verdict(answer.status)
    }

    /// The strongest algorithm for a management key that the card says it
    /// has; 3DES, which all have, when it says nothing.
    #[must_use]
    pub fn strongest_management_algorithm(&self) -> ManagementAlgorithm {
        let mut strongest = ManagementAlgorithm::Tdes;
        let mut list = self.algorithms();
        while let Some(it) = tlv::take(list) {
            if let (0x80, [number]) = (it.tag, it.value) {
                let named = ManagementAlgorithm::from_number(*number);
                strongest = named.map_or(strongest, |named| strongest.max(named));
            }
            list = it.rest;
        }
        strongest
    }

    /// SET MANAGEMENT KEY. Needs the old one authenticated in this channel.
    ///
    /// # Errors
    /// [`PivError::ManagementNeeded`]; [`PivError::Refused`] by a card without
    /// this extension, which then must not be enrolled.
    pub fn set_management_key(&mut self, key: &ManagementKey) -> Result<(), PivError> {
        let bytes = key.key.expose();
        let mut data = Zeroizing::new(Vec::with_capacity(3 + bytes.len()));
        data.extend_from_slice(&[key.algorithm as u8, MANAGEMENT, bytes.len() as u8]);
        data.extend_from_slice(bytes);
        let instruction = Instruction::SetManagementKey;
        let answer = exchange(self.channel(), instruction, 0xFF, 0xFF, &data)?;
        written(instruction, answer.status)
    }

    fn management(
        &mut self,
        key: &ManagementKey,
        content: &[u8],
    ) -> Result<super::apdu::Answer, PivError> {
        let template = tlv::object(TEMPLATE, content);
        let instruction = Instruction::GeneralAuthenticate;
        let algorithm = key.algorithm as u8;
        exchange(
            self.channel(),
            instruction,
            algorithm,
            MANAGEMENT,
            &template,
        )
    }

    fn management_step(
        &mut self,
        key: &ManagementKey,
        content: &[u8],
        wanted: u16,
    ) -> Result<Zeroizing<Vec<u8>>, PivError> {
        let answer = self.management(key, content)?;
        management_verdict(answer.status)?;
        tlv::only(TEMPLATE, &answer.data)
            .and_then(|template| tlv::only(wanted, template))
            .filter(|value| value.len() == key.algorithm.block_length())
            .map(|value| Zeroizing::new(value.to_vec()))
            .ok_or(MALFORMED)
    }
}

const MALFORMED: PivError = PivError::Malformed {
    instruction: Instruction::GeneralAuthenticate,
    what: "management authentication",
};

/// A key of another algorithm is refused by P1, a wrong proof in one of
/// several ways: cards differ.
fn management_verdict(status: StatusWord) -> Result<(), PivError> {
    match status {
        StatusWord::OK => Ok(()),
        StatusWord::AUTHENTICATION_FAILED
        | StatusWord::SECURITY_STATUS
        | StatusWord::BAD_DATA
        | StatusWord::BAD_P1_P2 => Err(PivError::WrongManagementKey),
        status if status.tries().is_some() => Err(PivError::WrongManagementKey),
        status => Err(PivError::Refused {
            instruction: Instruction::GeneralAuthenticate,
            status,
        }),
    }
}

/// The verdict on a command that only the management key's holder may give.
pub(super) fn written(instruction: Instruction, status: StatusWord) -> Result<(), PivError> {
    match status {
        StatusWord::OK => Ok(()),
        StatusWord::SECURITY_STATUS => Err(PivError::ManagementNeeded { instruction }),
        status => Err(PivError::Refused {
            instruction,
            status,
        }),
    }
}
