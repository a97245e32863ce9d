//! What goes back to the issuer: for each card of the file what to store, or
//! that the card is to be reissued. No PIN, and card numbers only where the
//! template names cards by them.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::batch::Batch;
use super::issue::Values;
use super::run::{Run, RunError, State};
use super::template::{CardName, Template};

/// The heads of the columns.
const COLUMNS: &str = "card;sequence;result;pvv;key-index;offset;pin-block";

/// Why there is no output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// The run is not over, or does not balance.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Cards, states and values are not of one batch.
    #[error("the cards, their states and their values are not of one batch")]
    Mixed,
    /// A confirmed card without what its issuer has to store.
    #[error("card {0} is confirmed and has no values")]
    NoValues(usize),
}

/// The file, as text with lines that end in LF: the batch's line, the columns'
/// heads, a line for each card in the order of the input, and the count.
/// `values` are those of the confirmed mailers, one place for each card.
///
/// # Errors
/// [`OutputError`]: nothing leaves before every card is confirmed or cancelled
/// and every blank form accounted for.
pub fn write(
    template: &Template,
    batch: &Batch,
    run: &Run,
    values: &[Option<Values>],
) -> Result<Zeroizing<String>, OutputError> {
    let balance = run.may_export()?;
    let same = batch.cards.len() == run.items.len() && values.len() == run.items.len();
    if !same {
        return Err(OutputError::Mixed);
    }
    let mut text = Zeroizing::new(String::with_capacity(80 * values.len() + 200));
    let (id, issuer, name) = (&batch.id, &batch.issuer, &template.name);
    // Writing into a string does not fail.
    let _ = writeln!(text, "batch;{id};{issuer};{name}");
    let _ = writeln!(text, "{COLUMNS}");
    let cards = batch.cards.iter().zip(&run.items).zip(values);
    for (at, ((card, item), values)) in cards.enumerate() {
        let name = match (template.output.card, &card.reference) {
            (CardName::Reference, Some(reference)) => reference.as_str(),
            (CardName::Reference, None) => "",
            (CardName::Pan, _) => card.pan.digits(),
        };
        let _ = write!(text, "{name};{};", card.sequence);
        if item.state == State::Cancelled {
            let _ = writeln!(text, "reissue;;;;");
            continue;
        }
        let values = values.as_ref().ok_or(OutputError::NoValues(at + 1))?;
        let plain = |value: &Option<String>| value.clone().unwrap_or_default();
        let _ = writeln!(
            text,
            "issued;{};{};{};{}",
            plain(&values.pvv),
            plain(&values.key_index),
            plain(&values.offset),
            plain(&values.block)
        );
    }
    let (issued, reissue) = (balance.confirmed, balance.cancelled);
    let _ = writeln!(text, "count;{};{issued};{reissue}", balance.input);
    Ok(text)
}
