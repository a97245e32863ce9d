//! Somebody else's check value against a key in components or shares: whether it is the
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
    /// A share has another number than was said: taken as the one, it is the
    /// other.
    Numbered(u8, u8),
    /// Two shares have each other's number.
    NumbersSwapped(u8, u8),
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
            Change::Numbered(said, is) => write!(
                f,
                "it fits when what was typed as share {said} is share {is}: look at the sheet's number"
            )?,
            Change::NumbersSwapped(i, j) => write!(
                f,
                "it fits when shares {i} and {j} change numbers: look at the sheets' numbers"
            )?,
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
    let of = |change: Change, key: &Secret| named(kind, change, key, claim);
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
    if let Some(fit) = shorter(kind, &whole, claim) {
        return Some(fit);
    }
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
    of(Change::Parity, &added).or_else(|| altered(kind, &whole, claim))
}

/// The same for a key of shares: `key` is what `join` made of `places`, the
/// shares' numbers as they were said, from 1 to `most`.
#[must_use]
pub fn explain_shares(
    kind: impl Into<KeyKind>,
    key: &Secret,
    (places, most): (&[u8], u8),
    join: impl Fn(&[u8]) -> Option<Secret>,
    claim: &Claim,
) -> Option<Fit> {
    let kind = kind.into();
    if claim.digits.len() < FEWEST_TO_EXPLAIN {
        return None;
    }
    if let Some(fit) = named(kind, Change::Nothing, key, claim) {
        return Some(fit);
    }
    if claim.digits.len() < FEWEST {
        return None;
    }
    for (at, said) in places.iter().enumerate() {
        for is in (1..=most).filter(|is| is != said) {
            let other = places.iter().position(|place| *place == is);
            // The other way round it was tried before.
            if other.is_some_and(|other| other < at) {
                continue;
            }
            let number = |(i, place): (usize, &u8)| match i {
                i if i == at => is,
                i if Some(i) == other => *said,
                _ => *place,
            };
            let numbers: Vec<u8> = places.iter().enumerate().map(number).collect();
            let change = match other {
                Some(_) => Change::NumbersSwapped(*said, is),
                None => Change::Numbered(*said, is),
            };
            if let Some(key) = join(&numbers)
                && let Some(fit) = named(kind, change, &key, claim)
            {
                return Some(fit);
            }
        }
    }
    shorter(kind, key, claim).or_else(|| altered(kind, key, claim))
}

/// The first bytes of a key alone.
fn shorter(kind: KeyKind, whole: &Secret, claim: &Claim) -> Option<Fit> {
    [8, 16, 24, 32, 48]
        .into_iter()
        .filter(|bytes| *bytes < whole.len())
        .find_map(|bytes| named(kind, Change::Shorter(bytes), &whole.part(0..bytes)?, claim))
}

/// The whole key with its parity set, its halves exchanged, or of another
/// cipher.
fn altered(kind: KeyKind, whole: &Secret, claim: &Claim) -> Option<Fit> {
    let len = whole.len();
    let mut adjusted = whole.duplicate();
    set_odd_parity(adjusted.expose_mut());
    let half = len / 2;
    let mut swapped = Secret::zeroed(len);
    for (at, byte) in whole.expose().iter().enumerate() {
        if let Some(place) = swapped.expose_mut().get_mut((at + half) % len.max(1)) {
            *place = *byte;
        }
    }
    [
        (Change::Parity, &adjusted),
        (Change::Swapped, &swapped),
        (Change::OtherCipher, whole),
    ]
    .into_iter()
    .find_map(|(change, key)| named(kind, change, key, claim))
}

/// This change, if the key that it makes has the claimed value.
fn named(kind: KeyKind, change: Change, key: &Secret, claim: &Claim) -> Option<Fit> {
    let method = fits(kind, key, claim, change == Change::OtherCipher)?;
    Some(Fit {
        change,
        method,
        claimed: claim.method,
        digits: claim.digits.len(),
    })
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
