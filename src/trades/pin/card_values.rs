//! CVV, CVV2 and iCVV of a card, as a template asks for them. They follow from
//! the card alone, so that they are made when the output leaves and stand in no
//! record.

use conclave_crypto::card::cvv::{CvvError, cvv};
use conclave_crypto::card::pan::{Pan, PanError};
use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::pin_card::PinCard;
use zeroize::Zeroizing;

use super::template::{CardValues, DateOrder};

/// The service code of CVV2, which stands on the card's back.
const OF_CVV2: &str = "000";
/// The service code of iCVV, which stands in the card's chip.
const OF_ICVV: &str = "999";

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardValueError {
    /// The record does not have what the value is of.
    #[error("its record has no expiry, or no service code")]
    Lacks,
    /// The card number, never for a record of a batch.
    #[error(transparent)]
    Pan(#[from] PanError),
    /// The value.
    #[error(transparent)]
    Cvv(#[from] CvvError),
}

/// TRUE for four digits with a month where the order says.
#[must_use]
pub fn is_month(expiry: &str, order: DateOrder) -> bool {
    let month = match order {
        DateOrder::Yymm => expiry.get(2..4),
        DateOrder::Mmyy => expiry.get(..2),
    };
    let month = month.and_then(|digits| digits.parse::<u8>().ok());
    month.is_some_and(|month| (1..=12).contains(&month))
}

/// The expiry in another order.
fn in_order(expiry: &str, from: DateOrder, to: DateOrder) -> String {
    match (from == to, expiry.split_at_checked(2)) {
        (false, Some((first, second))) => format!("{second}{first}"),
        _ => expiry.to_owned(),
    }
}

/// `cvv;cvv2;icvv` of a card, each empty where the template does not ask for it.
///
/// # Errors
/// [`CardValueError`]
pub fn card_values(
    rules: &CardValues,
    key: &Secret,
    card: &PinCard,
) -> Result<Zeroizing<String>, CardValueError> {
    let pan = Pan::checked(card.pan.as_str())?;
    let expiry = card.expiry.as_deref().ok_or(CardValueError::Lacks)?;
    let own = card.service_code.as_deref();
    let mut text = Zeroizing::new(String::with_capacity(12));
    for (at, (order, service)) in [
        (rules.cvv, own),
        (rules.cvv2, Some(OF_CVV2)),
        (rules.icvv, Some(OF_ICVV)),
    ]
    .into_iter()
    .enumerate()
    {
        if at > 0 {
            text.push(';');
        }
        if let Some(order) = order {
            let service = service.ok_or(CardValueError::Lacks)?;
            let expiry = in_order(expiry, rules.expiry, order);
            let digits = Zeroizing::new(cvv(key, &pan, &expiry, service)?.digits());
            text.push_str(&digits);
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_orders() {
        assert!(is_month("2912", DateOrder::Yymm) && !is_month("2913", DateOrder::Yymm));
        assert!(is_month("0129", DateOrder::Mmyy) && !is_month("0029", DateOrder::Mmyy));
        assert_eq!(in_order("2912", DateOrder::Yymm, DateOrder::Mmyy), "1229");
        assert_eq!(in_order("2912", DateOrder::Yymm, DateOrder::Yymm), "2912");
    }
}
