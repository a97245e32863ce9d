//! PIN and PUK: SP 800-73-4 part 2, sections 3.2.1 to 3.2.3.

use conclave_crypto::secret::{RandomExt, RandomSource, Secret};
use zeroize::Zeroizing;

use super::PivCard;
use super::apdu::exchange;
use super::error::{Instruction, PivError, StatusWord};

/// Key reference of the PIV application PIN.
const PIN: u8 = 0x80;
/// Key reference of the PUK.
const PUK: u8 = 0x81;
/// PIN and PUK fields are always eight bytes.
const FIELD: usize = 8;
/// Filler behind a PIN shorter than the field.
const FILL: u8 = 0xFF;

/// PINs that cards are delivered with, and the ones people try first. None
/// may become a holder's PIN.
pub const FACTORY_PINS: &[&[u8]] = &[
    b"123456",
    b"1234567",
    b"12345678",
    b"000000",
    b"00000000",
    b"111111",
    b"11111111",
    b"654321",
    b"77777777",
    b"123123",
    b"112233",
    b"121212",
];

/// The PUK that cards are delivered with.
pub const FACTORY_PUK: &[u8; FIELD] = b"12345678";

/// Why a PIN is not accepted as a holder's new PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinRule {
    /// Not 6 to 8 characters.
    #[error("a PIN has 6 to 8 digits")]
    Length,
    /// Something else than a digit.
    #[error("a PIN has digits only")]
    NotDigits,
    /// One of [`FACTORY_PINS`].
    #[error("this is a PIN that cards are delivered with")]
    Factory,
    /// One digit or a short pattern repeated, or digits counting up or down.
    #[error("this PIN is too easy to guess")]
    Trivial,
}

impl PinRule {
    /// Whether `pin` (ASCII) may become a holder's PIN.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(pin: &Secret) -> Result<(), Self> {
        Self::check_digits(pin.expose())
    }

    /// 6 to 8 digits: what a card takes for a PIN at all.
    fn check_form(pin: &[u8]) -> Result<(), Self> {
        if !(6..=8).contains(&pin.len()) {
            return Err(Self::Length);
        }
        if !pin.iter().all(u8::is_ascii_digit) {
            return Err(Self::NotDigits);
        }
        Ok(())
    }

    fn check_digits(pin: &[u8]) -> Result<(), Self> {
        Self::check_form(pin)?;
        if FACTORY_PINS.contains(&pin) {
            return Err(Self::Factory);
        }
        let counts = |step: u8| {
            pin.windows(2)
                .all(|two| (two[0] - b'0' + step) % 10 == two[1] - b'0')
        };
        let repeats = |period: usize| pin.iter().zip(&pin[period..]).all(|(a, b)| a == b);
        if counts(1) || counts(9) || (1..=3).any(repeats) {
            return Err(Self::Trivial);
        }
        Ok(())
    }
}

/// A random PUK of eight digits. Digits, because every card and every tool
/// takes them; three tries against 10^8 is what the card's counter is for.
///
/// # Errors
/// When randomness is not to be had.
pub fn random_puk(random: &mut dyn RandomSource) -> Result<Secret, PivError> {
    let mut puk = Secret::zeroed(FIELD);
    for digit in puk.expose_mut() {
        // Below ten, so it fits.
        *digit = b'0' + random.secret_below(10)? as u8;
    }
    Ok(puk)
}

/// PIN or PUK in its field, filled up.
fn field(value: &Secret) -> Result<Zeroizing<[u8; FIELD]>, PinRule> {
    let value = value.expose();
    if value.is_empty() || value.len() > FIELD {
        return Err(PinRule::Length);
    }
    let mut field = Zeroizing::new([FILL; FIELD]);
    field[..value.len()].copy_from_slice(value);
    Ok(field)
}

fn two_fields(first: &Secret, second: &Secret) -> Result<Zeroizing<[u8; 2 * FIELD]>, PinRule> {
    let mut both = Zeroizing::new([0; 2 * FIELD]);
    both[..FIELD].copy_from_slice(&field(first)?[..]);
    both[FIELD..].copy_from_slice(&field(second)?[..]);
    Ok(both)
}

impl PivCard {
    /// PIN tries left before the card blocks: 0 when it is blocked, `None`
    /// when the PIN is verified in this channel (the card then does not say).
    /// Costs no try.
    ///
    /// # Errors
    /// [`PivError::Card`], or [`PivError::Refused`] by a card without this
    /// form of VERIFY.
    pub fn tries_left(&mut self) -> Result<Option<u8>, PivError> {
        let status = self.verify(&[])?;
        match status {
            StatusWord::OK => Ok(None),
            StatusWord::BLOCKED => Ok(Some(0)),
            _ => status.tries().map(Some).ok_or(PivError::Refused {
                instruction: Instruction::Verify,
                status,
            }),
        }
    }

    /// VERIFY. A right PIN sets the counter back.
    ///
    /// # Errors
    /// [`PivError::PinRule`] for what is no PIN, before anything is sent:
    /// some cards count it as a try, some answer with an error of their own.
    /// [`PivError::WrongPin`] with the tries left, [`PivError::PinBlocked`].
    pub fn verify_pin(&mut self, pin: &Secret) -> Result<(), PivError> {
        PinRule::check_form(pin.expose())?;
        let status = self.verify(&field(pin)?[..])?;
        self.pin_verdict(Instruction::Verify, status)
    }

    /// CHANGE REFERENCE DATA of the PIN, which is then verified. The new one
    /// must keep [`PinRule`].
    ///
    /// # Errors
    /// [`PivError::PinRule`] before anything is sent; else as
    /// [`PivCard::verify_pin`], about the old PIN.
    pub fn change_pin(&mut self, old: &Secret, new: &Secret) -> Result<(), PivError> {
        PinRule::check(new)?;
        let both = two_fields(old, new)?;
        let status = self.pin_command(Instruction::ChangeReferenceData, PIN, &both[..])?;
        self.pin_verdict(Instruction::ChangeReferenceData, status)
    }

    /// CHANGE REFERENCE DATA of the PUK.
    ///
    /// # Errors
    /// [`PivError::WrongPuk`] (0 tries left is [`PivError::PukBlocked`]).
    pub fn change_puk(&mut self, old: &Secret, new: &Secret) -> Result<(), PivError> {
        let both = two_fields(old, new)?;
        let status = self.pin_command(Instruction::ChangeReferenceData, PUK, &both[..])?;
        puk_verdict(Instruction::ChangeReferenceData, status)
    }

    /// RESET RETRY COUNTER: a new PIN, and its counter full again. The new
    /// one must keep [`PinRule`]; it still has to be verified.
    ///
    /// # Errors
    /// [`PivError::PinRule`] before anything is sent, [`PivError::WrongPuk`],
    /// [`PivError::PukBlocked`].
    pub fn unblock(&mut self, puk: &Secret, new: &Secret) -> Result<(), PivError> {
        PinRule::check(new)?;
        let both = two_fields(puk, new)?;
        let status = self.pin_command(Instruction::ResetRetryCounter, PIN, &both[..])?;
        puk_verdict(Instruction::ResetRetryCounter, status)
    }

    fn verify(&mut self, data: &[u8]) -> Result<StatusWord, PivError> {
        self.pin_command(Instruction::Verify, PIN, data)
    }

    fn pin_command(
        &mut self,
        instruction: Instruction,
        reference: u8,
        data: &[u8],
    ) -> Result<StatusWord, PivError> {
        Ok(exchange(self.channel(), instruction, 0, reference, data)?.status)
    }

    fn pin_verdict(
        &mut self,
        instruction: Instruction,
        status: StatusWord,
    ) -> Result<(), PivError> {
        match (status, status.tries()) {
            (StatusWord::OK, _) => Ok(()),
            (StatusWord::BLOCKED, _) | (_, Some(0)) => Err(PivError::PinBlocked),
            (_, Some(tries_left)) => Err(PivError::WrongPin { tries_left }),
            // ISO 7816-4 allows 6300 without the counter; then ask for it.
            (StatusWord::AUTHENTICATION_FAILED, _) => match self.tries_left()? {
                Some(0) => Err(PivError::PinBlocked),
                Some(tries_left) => Err(PivError::WrongPin { tries_left }),
                None => Err(PivError::Malformed {
                    instruction,
                    what: "PIN refused, yet verified",
                }),
            },
            _ => Err(PivError::Refused {
                instruction,
                status,
            }),
        }
    }
}

fn puk_verdict(instruction: Instruction, status: StatusWord) -> Result<(), PivError> {
    match (status, status.tries()) {
        (StatusWord::OK, _) => Ok(()),
        (StatusWord::BLOCKED, _) | (_, Some(0)) => Err(PivError::PukBlocked),
        (_, Some(tries_left)) => Err(PivError::WrongPuk {
            tries_left: Some(tries_left),
        }),
        // 6300: PIV has no way to ask for the PUK's counter.
        (StatusWord::AUTHENTICATION_FAILED, _) => Err(PivError::WrongPuk { tries_left: None }),
        _ => Err(PivError::Refused {
            instruction,
            status,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_judged() {
        for (pin, verdict) in [
            (&b"12345"[..], Err(PinRule::Length)),
            (b"", Err(PinRule::Length)),
            (b"123456789", Err(PinRule::Length)),
            (b"12345a", Err(PinRule::NotDigits)),
            (b"\xEF\xBC\x91123", Err(PinRule::NotDigits)),
            (b"123456", Err(PinRule::Factory)),
            (b"000000", Err(PinRule::Factory)),
            (b"222222", Err(PinRule::Trivial)),
            (b"345678", Err(PinRule::Trivial)),
            (b"890123", Err(PinRule::Trivial)),
            (b"876543", Err(PinRule::Trivial)),
            (b"47474747", Err(PinRule::Trivial)),
            (b"802802", Err(PinRule::Trivial)),
            (b"802803", Ok(())),
            (b"914266", Ok(())),
            (b"10293847", Ok(())),
        ] {
            assert_eq!(PinRule::check_digits(pin), verdict, "{pin:?}");
        }
    }
}
