//! The anchor: the newest journal head that this card has seen, kept twice.
//!
//! The containers of retired certificates 19 and 20 hold it, readable without
//! a PIN. They are written alternately, so that a card pulled in the middle
//! of a write still has the anchor before.

use std::fmt;

use super::PivCard;
use super::error::PivError;

/// Longest anchor, bytes: the container's 1,905 (SP 800-73-4 part 1, table
/// 13, plus its overhead).
pub const ANCHOR_MOST: usize = 1_905;

/// One of the two containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorObject {
    /// 5FC11F, of retired certificate 19.
    First,
    /// 5FC120, of retired certificate 20.
    Second,
}

impl AnchorObject {
    /// Both.
    pub const ALL: [Self; 2] = [Self::First, Self::Second];

    fn tag(self) -> [u8; 3] {
        match self {
            Self::First => [0x5F, 0xC1, 0x1F],
            Self::Second => [0x5F, 0xC1, 0x20],
        }
    }
}

impl fmt::Display for AnchorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tag().iter().try_for_each(|it| write!(f, "{it:02X}"))
    }
}

impl PivCard {
    /// Both copies as they are on the card, `None` for an empty container.
    /// Needs no PIN. Which of them are valid, and which is newer, only their
    /// reader can say.
    ///
    /// # Errors
    /// [`PivError::Card`], [`PivError::Malformed`].
    pub fn anchors(&mut self) -> Result<[Option<Vec<u8>>; 2], PivError> {
        Ok([
            self.get_object(AnchorObject::First.tag())?,
            self.get_object(AnchorObject::Second.tag())?,
        ])
    }

    /// Writes `anchor` over the copy that counts less, reads it back, and
    /// says where it is. Needs the management key.
    ///
    /// `rank` is the caller's order: it checks a copy (signature, station)
    /// and gives the journal sequence it names, or `None` if it is not valid.
    /// An absent or invalid copy is written over first, else the lower one.
    ///
    /// # Errors
    /// [`PivError::AnchorNotNewer`] if a valid copy on the card ranks higher
    /// (equal is allowed: the same head may be written again),
    /// [`PivError::AnchorInvalid`], [`PivError::TooLong`],
    /// [`PivError::ManagementNeeded`], [`PivError::ReadBackDiffers`].
    pub fn write_anchor(
        &mut self,
        anchor: &[u8],
        rank: &dyn Fn(&[u8]) -> Option<u64>,
    ) -> Result<AnchorObject, PivError> {
        if anchor.len() > ANCHOR_MOST {
            return Err(PivError::TooLong {
                length: anchor.len(),
                most: ANCHOR_MOST,
            });
        }
        let offered = rank(anchor).ok_or(PivError::AnchorInvalid)?;
        let [first, second] = self.anchors()?.map(|copy| copy.as_deref().and_then(rank));
        if let Some(on_card) = first.max(second).filter(|it| *it > offered) {
            return Err(PivError::AnchorNotNewer { on_card, offered });
        }
        // `None` sorts below every rank, so it is replaced first.
        let object = if first <= second {
            AnchorObject::First
        } else {
            AnchorObject::Second
        };
        self.put_object(object.tag(), anchor)?;
        if self.get_object(object.tag())?.as_deref() == Some(anchor) {
            Ok(object)
        } else {
            Err(PivError::ReadBackDiffers { object })
        }
    }
}
