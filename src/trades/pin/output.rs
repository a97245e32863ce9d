//! What goes back to the issuer: for each card of the file what to store, or
//! that the card is to be reissued. No PIN, and card numbers only where the
//! template names cards by them.

use std::fmt::Write;

use zeroize::Zeroizing;

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::pin_batch::{PinBatch, State};
use conclave_keyroom::domain::pin_card::{Loss, PinCard};
use conclave_keyroom::domain::pin_run::RunError;

use super::card_values::{CardValueError, card_values};
use super::template::{CardName, Template};

/// The heads of the columns.
const COLUMNS: &str = "card;sequence;result;pvv;key-index;offset;pin-block";

/// The longest row without what names card and mailer: sequence, result, PVV, index,
/// offset of 12, block of 64, three card values, form, and their separators.
const ROW_MOST: usize = 192;

/// The longest heads of columns and count, with what stands around the names in the
/// first line.
const HEAD_MOST: usize = 256;

/// The heads of the columns of card values, where a template asks for some.
const CARD_COLUMNS: &str = ";cvv;cvv2;icvv";

/// Where the columns of card values come from.
#[derive(Clone, Copy)]
pub enum CardColumns<'a> {
    /// The template asks for none: there are no such columns.
    None,
    /// Made under this card verification key.
    Under(&'a Secret),
    /// The template asks for them, and they stay empty.
    Empty,
}

/// The heads of the columns of the mailer's paper, where a template asks for it.
const PAPER_COLUMNS: &str = ";form;tracking";

/// Why there is no output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// The run is not over, or does not balance.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Batch, cards and template are not of one batch.
    #[error("the cards are not this batch's, in its order")]
    Mixed,
    /// A confirmed card without what its issuer has to store.
    #[error("card {0} is confirmed and has no values")]
    NoValues(u32),
    /// A card value.
    #[error("card {0}: {1}")]
    CardValue(u32, CardValueError),
    /// What the template asks for, and what is said of its columns, differ.
    #[error("the template and the columns of card values do not go together")]
    Columns,
}

/// The result of a card that gets no PIN: whether a mailer of it went missing, so that
/// somebody may know a PIN that was made for it. Where a restore lost a range, mailers
/// of cards that were waiting in the backup may have been printed in it: nobody here
/// knows where those are.
fn reissue(batch: &PinBatch, card: &PinCard) -> &'static str {
    let nobody_knows = batch.lost_a_range && card.lost.is_empty();
    match nobody_knows || card.lost.iter().any(|lost| lost.loss == Loss::Missing) {
        true => "reissue-missing",
        false => "reissue",
    }
}

/// What the issuer knows the card by.
fn card_name<'a>(template: &Template, card: &'a PinCard) -> &'a str {
    match (template.output.card, &card.reference) {
        (CardName::Reference, Some(reference)) => reference,
        (CardName::Reference, None) => "",
        (CardName::Pan, _) => card.pan.as_str(),
    }
}

/// The file, as text with lines that end in LF: the batch's line, the columns'
/// heads, a line for each card in the order of the input, and the count.
/// `columns` says what becomes of card values, where the template asks for some.
/// `cards` are all of the batch, in that order.
///
/// # Errors
/// [`OutputError`]: nothing leaves before every card is confirmed or cancelled
/// and every blank form accounted for.
pub fn write(
    template: &Template,
    batch: &PinBatch,
    cards: &[PinCard],
    columns: CardColumns<'_>,
) -> Result<Zeroizing<String>, OutputError> {
    let balance = batch.may_export()?;
    let own =
        |(at, card): (usize, &PinCard)| card.batch == batch.id && card.number as usize == at + 1;
    if cards.len() != batch.count as usize || !cards.iter().enumerate().all(own) {
        return Err(OutputError::Mixed);
    }
    let (name, issuer) = (&batch.name, &batch.issuer);
    let names: usize = cards
        .iter()
        .map(|card| card_name(template, card).len() + card.tracking.as_ref().map_or(0, String::len))
        .sum();
    let names = names + name.len() + issuer.len() + template.name.len();
    // One that grows leaves copies behind that nobody wipes.
    let room = ROW_MOST * cards.len() + HEAD_MOST + names;
    let mut text = Zeroizing::new(String::with_capacity(room));
    // Writing into a string does not fail.
    let _ = writeln!(text, "batch;{name};{issuer};{}", template.name);
    let _ = write!(text, "{COLUMNS}");
    let rules = template.output.card_values;
    if rules.is_some() == matches!(columns, CardColumns::None) {
        return Err(OutputError::Columns);
    }
    // One semicolon for each column that stays empty.
    let (heads, empty) = match columns {
        CardColumns::None => ("", ""),
        CardColumns::Under(_) | CardColumns::Empty => (CARD_COLUMNS, ";;;"),
    };
    let paper = template.output.paper;
    let _ = writeln!(text, "{heads}{}", if paper { PAPER_COLUMNS } else { "" });
    for card in cards {
        let name = card_name(template, card);
        let _ = write!(text, "{name};{};", card.sequence);
        if batch.state_of(card.number) == Some(State::Cancelled) {
            let paper = if paper { ";;" } else { "" };
            let result = reissue(batch, card);
            let _ = writeln!(text, "{result};;;;{empty}{paper}");
            continue;
        }
        let values = card.values.as_ref();
        let values = values.ok_or(OutputError::NoValues(card.number))?;
        let _ = write!(
            text,
            "issued;{};{};{};{}",
            values.pvv.as_deref().unwrap_or_default(),
            values.key_index.as_deref().unwrap_or_default(),
            values.offset.as_deref().unwrap_or_default(),
            values.block.as_deref().unwrap_or_default()
        );
        match (&rules, columns) {
            (Some(rules), CardColumns::Under(key)) => {
                let made = card_values(rules, key, card);
                let made = made.map_err(|e| OutputError::CardValue(card.number, e))?;
                let _ = write!(text, ";{}", made.as_str());
            }
            _ => text.push_str(empty),
        }
        if paper {
            let form = card.form.map(|form| form.to_string()).unwrap_or_default();
            let tracking = card.tracking.as_deref().unwrap_or_default();
            let _ = write!(text, ";{form};{tracking}");
        }
        text.push('\n');
    }
    let (issued, reissue) = (balance.confirmed, balance.cancelled);
    let _ = writeln!(text, "count;{};{issued};{reissue}", balance.input);
    debug_assert!(text.len() <= room, "the longest row is longer than said");
    Ok(text)
}
