//! PINs drawn at random.
//!
//! Each digit is drawn by rejection, so that none is likelier. A PIN on the
//! denied list is drawn again; what is left stays uniform. What the list costs
//! is counted exactly and recorded, and it may not cost more than one in a
//! hundred: a long list would help the one who guesses.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{Pin, PinError};
use crate::secret::{RandomError, RandomExt, RandomSource, Secret};

/// Draws before the source is thought to be broken: with one PIN in a hundred
/// denied, 32 in a row come up once in 10^64 batches.
const DRAWS: usize = 32;

/// PINs that are not issued.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Denied {
    /// One digit throughout: 0000, 1111.
    pub repeats: bool,
    /// Digits that go up or down by one: 1234, 9876.
    pub runs: bool,
    /// Years of birth in four digits, 1940 to 2009: what holders choose, and
    /// thieves try. With repeats and runs it stays below one in a hundred.
    pub years: bool,
    /// Others, as digits; those of other lengths do not matter.
    pub others: BTreeSet<String>,
}

/// Why there is no PIN.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DrawError {
    /// No such length.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The list denies too many.
    #[error("the denied list takes {denied} of {all} PINs; one in a hundred is the most")]
    TooManyDenied {
        /// How many PINs of this length are denied.
        denied: u64,
        /// How many there are.
        all: u64,
    },
    /// An entry that is no PIN, counted from 1.
    #[error("entry {0} of the denied list is not 4 to 12 digits")]
    Entry(usize),
    /// The source.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// One denied PIN after another.
    #[error("the random source gives denied PINs only")]
    Stuck,
}

/// What a denied list does to PINs of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// PINs that are not issued.
    pub denied: u64,
    /// PINs that there are: ten to the power of the length.
    pub all: u64,
}

/// Draws PINs of one length.
pub struct Draw {
    denied: BTreeSet<Vec<u8>>,
    effect: Effect,
    len: usize,
}

impl Denied {
    /// The denied PINs of `len` digits, each once.
    fn of(&self, len: usize) -> BTreeSet<Vec<u8>> {
        let mut all = BTreeSet::new();
        let last = (len as u8).saturating_sub(1);
        for digit in 0..10u8 {
            if self.repeats {
                all.insert(vec![digit; len]);
            }
            if self.runs && digit + last < 10 {
                all.insert((digit..=digit + last).collect());
                all.insert((digit..=digit + last).rev().collect());
            }
        }
        if self.years && len == 4 {
            for year in 1940..=2009u16 {
                let digits = [year / 1000, year / 100 % 10, year / 10 % 10, year % 10];
                all.insert(digits.iter().map(|digit| *digit as u8).collect());
            }
        }
        let others = self.others.iter().filter(|other| other.len() == len);
        all.extend(others.map(|other| other.bytes().map(|c| c.wrapping_sub(b'0')).collect()));
        all
    }

    /// What it does to PINs of `len` digits, 4 to 12.
    pub fn effect(&self, len: usize) -> Result<Effect, DrawError> {
        Draw::new(self, len).map(|draw| draw.effect)
    }
}

impl Draw {
    /// Prepares drawing PINs of `len` digits, 4 to 12.
    pub fn new(denied: &Denied, len: usize) -> Result<Self, DrawError> {
        if !(4..=12).contains(&len) {
            return Err(PinError::Length(len).into());
        }
        for (at, other) in denied.others.iter().enumerate() {
            if Pin::from_text(other.as_bytes()).is_err() {
                return Err(DrawError::Entry(at + 1));
            }
        }
        let denied = denied.of(len);
        let effect = Effect {
            denied: denied.len() as u64,
            all: 10u64.pow(len as u32),
        };
        if effect.denied * 100 > effect.all {
            let Effect { denied, all } = effect;
            return Err(DrawError::TooManyDenied { denied, all });
        }
        Ok(Self {
            denied,
            effect,
            len,
        })
    }

    /// What the denied list does.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether a PIN is not to be issued.
    #[must_use]
    pub fn denies(&self, pin: &Pin) -> bool {
        self.denied.contains(pin.expose())
    }

    /// One PIN.
    pub fn draw(&self, random: &mut dyn RandomSource) -> Result<Pin, DrawError> {
        for _ in 0..DRAWS {
            let mut digits = Secret::zeroed(self.len);
            for digit in digits.expose_mut() {
                *digit = random.secret_below(10)? as u8;
            }
            let pin = Pin::new(digits)?;
            if !self.denies(&pin) {
                return Ok(pin);
            }
        }
        Err(DrawError::Stuck)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::testing::Seeded;

    fn short() -> Denied {
        Denied {
            repeats: true,
            runs: true,
            years: false,
            others: ["1004", "123456"].map(str::to_owned).into(),
        }
    }

    #[test]
    fn the_effect_is_counted_exactly() {
        let effect = |len| short().effect(len).unwrap();
        assert_eq!(
            effect(4),
            Effect {
                denied: 10 + 14 + 1,
                all: 10_000
            }
        );
        // 123456 is a run already
        assert_eq!(
            effect(6),
            Effect {
                denied: 10 + 10,
                all: 1_000_000
            }
        );
        assert_eq!(
            effect(12),
            Effect {
                denied: 10,
                all: 1_000_000_000_000
            }
        );
        let none = Denied::default().effect(4).unwrap();
        assert_eq!(none.denied, 0);
    }

    #[test]
    fn a_list_that_denies_too_much_or_is_none_is_refused() {
        let years = Denied {
            years: true,
            ..Denied::default()
        };
        let effect = years.effect(4).unwrap();
        assert_eq!((effect.denied, effect.all), (70, 10_000));
        let denied = years.of(4);
        for (year, there) in [
            ("1939", false),
            ("1940", true),
            ("2009", true),
            ("2010", false),
        ] {
            let digits: Vec<u8> = year.bytes().map(|c| c - b'0').collect();
            assert_eq!(denied.contains(&digits), there, "{year}");
        }
        let all_three = Denied {
            years: true,
            repeats: true,
            runs: true,
            ..Denied::default()
        };
        assert_eq!(all_three.effect(4).unwrap().denied, 94);
        let too_many = Denied {
            others: (0..7).map(|n| format!("55{n}6")).collect(),
            ..all_three
        };
        assert_eq!(
            too_many.effect(4),
            Err(DrawError::TooManyDenied {
                denied: 101,
                all: 10_000
            })
        );
        let bad = Denied {
            others: ["12a4".to_owned()].into(),
            ..Denied::default()
        };
        assert_eq!(bad.effect(4), Err(DrawError::Entry(1)));
        assert!(short().effect(3).is_err() && short().effect(13).is_err());
    }

    #[test]
    fn every_digit_is_as_likely_in_every_place_and_none_denied() {
        let draw = Draw::new(&short(), 4).unwrap();
        let mut random = Seeded::new(7);
        let mut seen = [[0u32; 10]; 4];
        for _ in 0..10_000 {
            let pin = draw.draw(&mut random).unwrap();
            assert!(!draw.denies(&pin));
            for (place, digit) in pin.expose().iter().enumerate() {
                seen[place][usize::from(*digit)] += 1;
            }
        }
        // Standard deviation is 30; six of them.
        assert!(
            seen.iter().flatten().all(|n| (820..1180).contains(n)),
            "{seen:?}"
        );
    }

    #[test]
    fn a_source_that_gives_denied_pins_only_is_noticed() {
        struct Zeros;
        impl RandomSource for Zeros {
            fn public(&mut self, _: &mut [u8]) -> Result<(), RandomError> {
                Ok(())
            }
            fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
                buf.fill(0);
                Ok(())
            }
        }
        let draw = Draw::new(&short(), 4).unwrap();
        assert_eq!(draw.draw(&mut Zeros).err(), Some(DrawError::Stuck));
    }
}
