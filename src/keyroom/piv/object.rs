//! Data objects: CHUID and certificates.
//! SP 800-73-4 part 1, table 3 and appendix A; part 2, sections 3.1.2, 3.3.1.

use conclave_crypto::secret::{RandomExt, RandomSource};

use super::apdu::exchange;
use super::error::{Instruction, PivError, StatusWord};
use super::management::written;
use super::{PivCard, Slot, tlv};

const CHUID: [u8; 3] = [0x5F, 0xC1, 0x02];
const TAG_LIST: u16 = 0x5C;
const CONTENT: u16 = 0x53;
const ERROR_DETECTION: u16 = 0xFE;
/// Table 10 of part 1: a certificate's container.
const CERTIFICATE_MOST: usize = 1_856;
/// The fixed FASC-N of a card that no federal agency issued (all nines, as
/// part 1, section 3.1.2 gives it for such cards).
const NON_FEDERAL_FASCN: [u8; 25] = [
    0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE, 0x73, 0x9D, 0xA1, 0x68, 0x5A, 0x10, 0x82,
    0x10, 0x8C, 0xE7, 0x39, 0x84, 0x11, 0x92, 0x57, 0xFC,
];

/// The card's identifier: the GUID in its CHUID, an RFC 4122 UUID. It names
/// a card on screen and finds its records; it proves nothing, for anybody can
/// write it to another card. What a card *is*, its pinned keys say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardGuid(pub [u8; 16]);

impl std::fmt::Display for CardGuid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl PivCard {
    /// The card's GUID, or `None` when it has no CHUID or an all-zero GUID.
    ///
    /// # Errors
    /// [`PivError::Malformed`] for a CHUID that does not parse.
    pub fn guid(&mut self) -> Result<Option<CardGuid>, PivError> {
        let Some(chuid) = self.get_object(CHUID)? else {
            return Ok(None);
        };
        let guid = tlv::find(0x34, &chuid)
            .and_then(|guid| <[u8; 16]>::try_from(guid).ok())
            .ok_or(PivError::Malformed {
                instruction: Instruction::GetData,
                what: "CHUID",
            })?;
        Ok((guid != [0; 16]).then_some(CardGuid(guid)))
    }

    /// The card's GUID; a card without one gets a CHUID with a random one.
    /// Needs the management key in that case.
    ///
    /// # Errors
    /// As [`PivCard::guid`]; [`PivError::ManagementNeeded`].
    pub fn guid_or_new(&mut self, random: &mut dyn RandomSource) -> Result<CardGuid, PivError> {
        if let Some(guid) = self.guid()? {
            return Ok(guid);
        }
        let mut guid: [u8; 16] = random.public_array()?;
        // RFC 4122 section 4.4: a version 4 UUID.
        guid[6] = guid[6] & 0x0F | 0x40;
        guid[8] = guid[8] & 0x3F | 0x80;
        let mut chuid = tlv::object(0x30, &NON_FEDERAL_FASCN);
        tlv::put(&mut chuid, 0x34, &guid);
        tlv::put(&mut chuid, 0x35, b"20991231");
        tlv::put(&mut chuid, 0x3E, &[]);
        tlv::put(&mut chuid, ERROR_DETECTION, &[]);
        self.put_object(CHUID, &chuid)?;
        Ok(CardGuid(guid))
    }

    /// The X.509 certificate (DER) in a slot's container, or `None`.
    ///
    /// # Errors
    /// [`PivError::Malformed`] when the container does not parse or holds a
    /// compressed certificate (this product writes none).
    pub fn certificate(&mut self, slot: Slot) -> Result<Option<Vec<u8>>, PivError> {
        let Some(container) = self.get_object(certificate_object(slot))? else {
            return Ok(None);
        };
        let malformed = PivError::Malformed {
            instruction: Instruction::GetData,
            what: "certificate container",
        };
        match (tlv::find(0x70, &container), tlv::find(0x71, &container)) {
            (Some([]), _) => Ok(None),
            (Some(der), None | Some([0])) => Ok(Some(der.to_vec())),
            _ => Err(malformed),
        }
    }

    /// Writes a certificate (DER) into a slot's container.
    ///
    /// # Errors
    /// [`PivError::TooLong`], [`PivError::ManagementNeeded`].
    pub fn put_certificate(&mut self, slot: Slot, der: &[u8]) -> Result<(), PivError> {
        if der.len() > CERTIFICATE_MOST {
            return Err(PivError::TooLong {
                length: der.len(),
                most: CERTIFICATE_MOST,
            });
        }
        let mut container = tlv::object(0x70, der);
        tlv::put(&mut container, 0x71, &[0]);
        tlv::put(&mut container, ERROR_DETECTION, &[]);
        self.put_object(certificate_object(slot), &container)
    }

    /// GET DATA: the content of an object, `None` when it is absent or empty.
    pub(super) fn get_object(&mut self, object: [u8; 3]) -> Result<Option<Vec<u8>>, PivError> {
        let instruction = Instruction::GetData;
        let tag_list = tlv::object(TAG_LIST, &object);
        let answer = exchange(self.channel(), instruction, 0x3F, 0xFF, &tag_list)?;
        match answer.status {
            StatusWord::OK => {}
            StatusWord::FILE_NOT_FOUND | StatusWord::REFERENCE_NOT_FOUND => return Ok(None),
            status => {
                return Err(PivError::Refused {
                    instruction,
                    status,
                });
            }
        }
        let content = tlv::only(CONTENT, &answer.data).ok_or(PivError::Malformed {
            instruction,
            what: "data object",
        })?;
        Ok((!content.is_empty()).then(|| content.to_vec()))
    }

    /// PUT DATA.
    pub(super) fn put_object(&mut self, object: [u8; 3], content: &[u8]) -> Result<(), PivError> {
        let instruction = Instruction::PutData;
        let mut data = tlv::object(TAG_LIST, &object);
        tlv::put(&mut data, CONTENT, content);
        let answer = exchange(self.channel(), instruction, 0x3F, 0xFF, &data)?;
        written(instruction, answer.status)
    }
}

fn certificate_object(slot: Slot) -> [u8; 3] {
    let last = match slot {
        Slot::Authentication => 0x05,
        Slot::Signature => 0x0A,
        Slot::KeyManagement => 0x0B,
    };
    [0x5F, 0xC1, last]
}
