//! Somebody else's check value against a key in components: whether it is the
//! key's, and if not, which of the usual mistakes would make it so.
//!
//! It runs inside the vault and tells a mistake's name, never a value. Whoever
//! calls it counts the tries: each answers a question about the components.

use std::fmt;

use super::des_keys::set_odd_parity;
use super::kcv::{Kcv, KcvError, Method};
use super::key_kind::KeyKind;
use crate::secret::Secret;

/// The fewest digits that count as a check value.
pub const FEWEST: usize = 6;
/// The fewest digits that a mistake is looked for with: with fewer, chance
/// fits.
const FEWEST_TO_EXPLAIN: usize = 4;
/// The most digits that anybody gives: one block of AES.
pub const MOST: usize = 32;

/// A check value as a partner gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    digits: String,
    method: Method,
}

impl Claim {
    /// Upper-case hex digits, 1 to 32 of them, and the method that the partner
    /// names. `None` when they are not.
    #[must_use]
    pub fn new(digits: &str, method: Method) -> Option<Self> {
        let good = (1..=MOST).contains(&digits.len())
            && digits
                .bytes()
                .all(|d| d.is_ascii_digit() || (b'A'..=b'F').contains(&d));
        good.then(|| Self {
            digits: digits.to_owned(),
            method,
        })
    }

    /// The method that the partner names.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// TRUE when it is the check value of `key`: by its own method, with at
    /// least [`FEWEST`] digits and no more than R7 allows.
    pub fn is_of(&self, key: &[u8]) -> Result<bool, KcvError> {
        Ok(self.counts() && self.begins(self.method, key)?)
    }

    fn counts(&self) -> bool {
        (FEWEST..=2 * self.method.max_len()).contains(&self.digits.len())
    }

    /// All its digits are the first ones of this key's block.
    fn begins(&self, method: Method, key: &[u8]) -> Result<bool, KcvError> {
        let block = Kcv::block(method, key)?;
        let digit = |at: usize| {
            let byte = block.expose().get(at / 2)?;
            Some(if at.is_multiple_of(2) {
                byte >> 4
            } else {
                byte & 15
            })
        };
        // Every digit is looked at: the time tells nothing.
        Ok(self
            .digits
            .chars()
            .enumerate()
            .fold(true, |same, (at, shown)| {
                let shown = shown.to_digit(16).and_then(|d| u8::try_from(d).ok());
                same & (shown.is_some() && digit(at) == shown)
            }))
    }
}

/// What would have to be different with the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it is the value's own method or length.
    Nothing,
    /// Not the key's value but that of one component.
    Only(u8),
    /// A component is not in it: left out, or put in twice, which cancels it.
    Without(u8),
    /// Two components are not in it: one stands in the other's place.
    WithoutTwo(u8, u8),
    /// The key is shorter: these bytes alone.
    Shorter(usize),
    /// Odd parity was set, as DES keys have it.
    Parity,
    /// The two halves are the other way round.
    Swapped,
    /// The same bytes are a key of another kind.
    OtherCipher,
}

/// The mistake that explains a check value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// What is different with the key.
    pub change: Change,
    /// The method by which it then fits.
    pub method: Method,
    /// The claim's own method, for the words.
    pub claimed: Method,
    /// How many digits were given.
    pub digits: usize,
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.change {
            Change::Nothing => f.write_str("it is this key's")?,
            Change::Only(i) => write!(f, "it is that of component {i} alone, not of the key")?,
            Change::Without(i) => write!(
                f,
                "it fits when component {i} is left out, or was put in twice"
            )?,
            Change::WithoutTwo(i, j) => write!(
                f,
                "it fits without components {i} and {j}: one was taken in place of the other"
            )?,
            Change::Shorter(bytes) => {
                write!(f, "it fits a shorter key: the first {bytes} bytes alone")?;
            }
            Change::Parity => f.write_str("it fits when odd parity is set, as for a DES key")?,
            Change::Swapped => f.write_str("it fits when the key's two halves change places")?,
            Change::OtherCipher => {
                f.write_str("it fits when the bytes are a key of the other cipher")?
            }
        }
        if self.method != self.claimed {
            let kind = self.method.kind().name();
            write!(
                f,
                ", by the method {kind} {}, not {}",
                self.method, self.claimed
            )?;
        }
        let most = 2 * self.method.max_len();
        if !(FEWEST..=most).contains(&self.digits) {
            write!(
                f,
                ", and has {} digits where {FEWEST} to {most} are compared (R7)",
                self.digits
            )?;
        }
        Ok(())
    }
}

/// In the order of their likelihood.
const METHODS: [Method; 5] = [
    Method::TdesZero,
    Method::AesCmac,
    Method::AesZero,
    Method::TdesCmac,
    Method::HmacSha2Vp1,
];

/// The likeliest mistake that makes the claim true of these components, where
/// one does. Components are numbered from 1.
#[must_use]
pub fn explain(kind: impl Into<KeyKind>, components: &[&Secret], claim: &Claim) -> Option<Fit> {
    let kind = kind.into();
    if claim.digits.len() < FEWEST_TO_EXPLAIN {
        return None;
    }
    let len = components.first()?.len();
    let number = |at: usize| u8::try_from(at + 1).unwrap_or(u8::MAX);
    let others = |left_out: &[usize]| {
        let all = components.iter().enumerate();
        sum(
            len,
            all.filter(|(at, _)| !left_out.contains(at))
                .map(|(_, c)| *c),
        )
    };
    let whole = others(&[])?;
    let of = |change: Change, key: &Secret| {
        let found = fits(kind, key, claim, change == Change::OtherCipher);
        found.map(|method| Fit {
            change,
            method,
            claimed: claim.method,
            digits: claim.digits.len(),
        })
    };
    if let Some(fit) = of(Change::Nothing, &whole) {
        return Some(fit);
    }
    // Four digits of many keys fit by chance.
    if claim.digits.len() < FEWEST {
        return None;
    }
    for (at, component) in components.iter().enumerate() {
        if let Some(fit) = of(Change::Only(number(at)), component) {
            return Some(fit);
        }
    }
    for at in 0..components.len() {
        if let Some(fit) = of(Change::Without(number(at)), &others(&[at])?) {
            return Some(fit);
        }
    }
    for first in 0..components.len() {
        for second in first + 1..components.len() {
            let change = Change::WithoutTwo(number(first), number(second));
            if let Some(fit) = of(change, &others(&[first, second])?) {
                return Some(fit);
            }
        }
    }
    for bytes in [8, 16, 24, 32, 48] {
        if bytes < len
            && let Some(key) = whole.part(0..bytes)
            && let Some(fit) = of(Change::Shorter(bytes), &key)
        {
            return Some(fit);
        }
    }
    let mut adjusted = whole.duplicate();
    set_odd_parity(adjusted.expose_mut());
    // Set on each component before they were added, or on the sum.
    let each: Vec<Secret> = components
        .iter()
        .map(|c| {
            let mut one = c.duplicate();
            set_odd_parity(one.expose_mut());
            one
        })
        .collect();
    let added = sum(len, each.iter())?;
    for key in [&adjusted, &added] {
        if let Some(fit) = of(Change::Parity, key) {
            return Some(fit);
        }
    }
    let half = len / 2;
    let mut swapped = Secret::zeroed(len);
    for (at, byte) in whole.expose().iter().enumerate() {
        if let Some(place) = swapped.expose_mut().get_mut((at + half) % len.max(1)) {
            *place = *byte;
        }
    }
    of(Change::Swapped, &swapped).or_else(|| of(Change::OtherCipher, &whole))
}

/// The method of the key's own kind, or of another, by which the claim
/// begins with this key's block.
fn fits(kind: KeyKind, key: &Secret, claim: &Claim, other: bool) -> Option<Method> {
    METHODS
        .into_iter()
        .filter(|method| (method.kind() == kind) != other)
        .find(|method| claim.begins(*method, key.expose()).unwrap_or(false))
}

/// The sum of components of one length; nothing where they are not.
fn sum<'a>(len: usize, components: impl Iterator<Item = &'a Secret>) -> Option<Secret> {
    let mut sum = Secret::zeroed(len);
    for component in components {
        sum.xor_in_place(component)?;
    }
    Some(sum)
}

#[cfg(test)]
#[path = "kcv_fit_tests.rs"]
mod tests;
