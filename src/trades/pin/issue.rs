//! A card's PIN and the values that prove it, by a template and its keys.

use conclave_crypto::pin::Pin;
use conclave_crypto::pin::block::BlockError;
use conclave_crypto::pin::ibm3624::{
    DecimalisationTable, Ibm3624Error, ValidationData, natural_pin, offset,
};
use conclave_crypto::pin::pvv::{KeyIndex, PvvError, pvv};
use conclave_crypto::pin::random::{Draw, DrawError};
use conclave_crypto::pin::translate::Enciphered;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_keyroom::domain::pin_card::{Lost, Values};

use super::card::Card;
use super::template::{Method, Template, block_format, output_format};

/// Most PINs that are drawn for one mailer.
const MOST_DRAWS: usize = 64;

/// The keys of a batch, open for one call.
pub struct Keys<'a> {
    /// PIN verification key, or the PIN-print key where the host made the PINs.
    pub pin: &'a Secret,
    /// Zone PIN key, where blocks go back.
    pub zone: Option<&'a Secret>,
}

/// Why there is no PIN. Never anything of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The template does not say how.
    #[error("the template lacks what its method needs")]
    Template,
    /// The host's block has no PIN for this card under this key.
    #[error("the host's PIN block: {0}")]
    HostBlock(BlockError),
    /// The host's PIN is of a length that the template does not have.
    #[error("the host's PIN is of a length that the template does not allow")]
    HostLength,
    /// The zone's block.
    #[error(transparent)]
    Block(BlockError),
    /// Another PIN than the lost ones did not come.
    #[error("each PIN that was drawn has the value of a lost one")]
    Again,
    /// Drawing.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// IBM 3624.
    #[error(transparent)]
    Ibm3624(#[from] Ibm3624Error),
    /// PVV.
    #[error(transparent)]
    Pvv(#[from] PvvError),
}

fn natural(template: &Template, key: &Secret, card: &Card) -> Result<Pin, IssueError> {
    let rules = &template.pin;
    let table = rules
        .decimalisation
        .as_deref()
        .ok_or(IssueError::Template)?;
    let table = DecimalisationTable::parse(table)?;
    let validation = rules.validation.ok_or(IssueError::Template)?;
    let (from, count, pad) = (validation.from, validation.count, validation.pad);
    let data = ValidationData::of(card.pan.digits(), from, count, pad)?;
    Ok(natural_pin(key, &table, &data, card.pin_length)?)
}

/// The PIN that the host sent for this card, of whatever length.
///
/// # Errors
/// [`IssueError`]
pub fn host_pin(template: &Template, key: &Secret, card: &Card) -> Result<Pin, IssueError> {
    let format = template.pin.block.as_deref().and_then(block_format);
    let format: Enciphered = format.ok_or(IssueError::Template)?;
    let block = card.pin_block.as_deref().ok_or(IssueError::Template)?;
    let opened = format.open(key, block, Some(&card.pan));
    opened.map_err(IssueError::HostBlock)
}

/// The card's PIN, and what the issuer stores of it. With a method that draws,
/// every call gives another PIN.
///
/// # Errors
/// [`IssueError`]
pub fn issue(
    template: &Template,
    keys: &Keys<'_>,
    card: &Card,
    random: &mut dyn RandomSource,
) -> Result<(Pin, Values), IssueError> {
    let rules = &template.pin;
    let mut values = Values::default();
    let draw = |random: &mut dyn RandomSource| {
        Draw::new(&template.denied(), card.pin_length)?.draw(random)
    };
    let pin = match rules.method {
        Method::RandomPvv => {
            let pin = draw(random)?;
            let index = rules.key_index.as_deref().ok_or(IssueError::Template)?;
            values.pvv = Some(pvv(keys.pin, KeyIndex::parse(index)?, &card.pan, &pin)?);
            values.key_index = Some(index.to_owned());
            pin
        }
        Method::Ibm3624Natural => natural(template, keys.pin, card)?,
        Method::Ibm3624Offset => {
            let pin = draw(random)?;
            let own = natural(template, keys.pin, card)?;
            values.offset = Some(offset(&own, &pin)?.digits());
            pin
        }
        Method::Host => {
            let pin = host_pin(template, keys.pin, card)?;
            if !rules.lengths.contains(&pin.len()) {
                return Err(IssueError::HostLength);
            }
            pin
        }
    };
    if let Some(name) = &template.output.block {
        let format = output_format(name).ok_or(IssueError::Template)?;
        let zone = keys.zone.ok_or(IssueError::Template)?;
        let block = format
            .close(zone, &pin, Some(&card.pan), random)
            .map_err(IssueError::Block)?;
        values.block = Some(block.iter().map(|byte| format!("{byte:02X}")).collect());
    }
    Ok((pin, values))
}

/// As [`issue`], and never a PIN of a form that was lost: what is drawn again
/// has another PVV, or another offset, than each of those.
///
/// # Errors
/// [`IssueError`]
pub fn issue_anew(
    template: &Template,
    keys: &Keys<'_>,
    card: &Card,
    lost: &[Lost],
    random: &mut dyn RandomSource,
) -> Result<(Pin, Values), IssueError> {
    for _ in 0..MOST_DRAWS {
        let (pin, values) = issue(template, keys, card, random)?;
        let of = |lost: &&Lost| lost.check.is_some() && lost.check.as_ref() == values.check();
        if !lost.iter().any(|lost| of(&lost)) {
            return Ok((pin, values));
        }
    }
    Err(IssueError::Again)
}
