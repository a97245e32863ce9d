//! What a file gives under a wrapping key: which of the formats it is, whether it
//! opens, and by which convention.
//!
//! A format that authenticates answers for itself, and its key's check value is
//! told. One that does not gives *some* key under every wrapping key: nothing is
//! told of that but whether it is the key of the partner's check value, and by
//! which convention of hosts it is.

use conclave_crypto::cca::{ControlVector, DesToken, Wrapping};
use conclave_crypto::keyblock::{self, Akb, Kbpk, KeyBlock, ThalesBlock, kwp};
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::primitive::kcv_fit::{self, Claim};
use conclave_crypto::primitive::key_kind::KeyKind;
use conclave_crypto::primitive::key_scheme::{self, Cryptogram, Scheme};
use conclave_crypto::primitive::key_wrap;
use conclave_crypto::primitive::modes::Algorithm;
use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::form::KeyForm;

use super::{cipher, conventions};
use crate::ceremony::action::check_value;

/// The longest cryptogram without a frame, in bytes: a key of 32 in CBC, with a block
/// of padding.
const NAKED_MOST: usize = 48;

/// A file that something may be unwrapped from.
pub(super) enum Came {
    Block(Box<KeyBlock>),
    Thales(Box<ThalesBlock>),
    Akb(Box<Akb>),
    Token(Box<DesToken>),
    /// A cryptogram with its scheme's letter.
    Bare(Scheme, Vec<u8>),
    /// Bytes that say nothing of themselves: the wrapping key's cipher says what they
    /// may be.
    Naked(Vec<u8>),
}

/// What the partner says of the key, for either kind.
pub(super) struct Claims {
    pub tdes: Option<Claim>,
    pub aes: Option<Claim>,
    pub hmac: Option<Claim>,
}

impl Claims {
    fn of(&self, kind: KeyKind) -> Option<&Claim> {
        match kind {
            KeyKind::Tdes => self.tdes.as_ref(),
            KeyKind::Aes => self.aes.as_ref(),
            KeyKind::Hmac => self.hmac.as_ref(),
            KeyKind::RsaPrime => None,
        }
    }
}

/// What a key of a block's algorithm is a key of, where it has a check value here.
fn kind(of: keyblock::Algorithm) -> Option<KeyKind> {
    match of {
        keyblock::Algorithm::Aes => Some(KeyKind::Aes),
        keyblock::Algorithm::Des | keyblock::Algorithm::Tdes => Some(KeyKind::Tdes),
        keyblock::Algorithm::Hmac => Some(KeyKind::Hmac),
        _ => None,
    }
}

/// The answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// It opens as it says, and is the partner's key where a value was typed.
    pub good: bool,
    /// Something was tried under the wrapping key.
    pub tried: bool,
    /// In words.
    pub answer: Vec<String>,
}

impl Verdict {
    fn untried(answer: impl Into<String>) -> Self {
        Self {
            good: false,
            tried: false,
            answer: vec![answer.into()],
        }
    }

    fn told(good: bool, answer: Vec<String>) -> Self {
        Self {
            good,
            tried: true,
            answer,
        }
    }
}

impl Came {
    /// The format that the bytes are of; none where nothing is unwrapped from them.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        if let Ok(token) = DesToken::parse(bytes) {
            return Some(Self::Token(Box::new(token)));
        }
        let text = bytes.trim_ascii();
        let control = |b: &u8| b.is_ascii_control() && !b.is_ascii_whitespace();
        if !text.is_ascii() || text.iter().any(control) {
            return Self::naked(bytes.to_vec());
        }
        if let Ok(block) = KeyBlock::parse(keyblock::without_tag(text)) {
            return Some(Self::Block(Box::new(block)));
        }
        if let Ok(block) = Akb::parse(text) {
            return Some(Self::Akb(Box::new(block)));
        }
        if let Ok(block) = ThalesBlock::parse(text) {
            return Some(Self::Thales(Box::new(block)));
        }
        let word = std::str::from_utf8(text).ok()?;
        if let Some(bytes) = unhex(word) {
            return match DesToken::parse(&bytes) {
                Ok(token) => Some(Self::Token(Box::new(token))),
                Err(_) => Self::naked(bytes),
            };
        }
        let read = Cryptogram::parse(word).ok()?;
        Some(Self::Bare(read.letter?, read.bytes))
    }

    fn naked(bytes: Vec<u8>) -> Option<Self> {
        let fits = (16..=NAKED_MOST).contains(&bytes.len()) && bytes.len().is_multiple_of(8);
        fits.then_some(Self::Naked(bytes))
    }

    fn format(&self) -> String {
        match self {
            Self::Block(block) => format!("TR-31 version {}", block.header().version.letter()),
            Self::Thales(block) => {
                let digit = block.header().version.digit();
                format!("Thales key block version {digit}")
            }
            Self::Akb(block) => format!("Atalla key block {}", block.header()),
            Self::Token(token) => {
                let kind = token
                    .vector()
                    .key_type()
                    .map_or("unknown", |kind| kind.name);
                format!("CCA token, {kind}")
            }
            Self::Bare(scheme, _) => format!("cryptogram, scheme {scheme}"),
            Self::Naked(bytes) => format!("cryptogram of {} bytes without a scheme", bytes.len()),
        }
    }

    /// Whether it can be under keys of this cipher.
    fn may_be_under(&self, cipher: Algorithm) -> bool {
        let its = match self {
            Self::Block(block) => block.header().version.cipher(),
            Self::Thales(block) => block.header().version.cipher(),
            Self::Akb(_) | Self::Token(_) | Self::Bare(..) => Algorithm::Tdes,
            // A TDES key of two or three parts, and a padding; by a key wrap, or block
            // by block.
            Self::Naked(bytes) => {
                return cipher == Algorithm::Aes || matches!(bytes.len(), 16 | 24 | 32);
            }
        };
        its == cipher
    }

    /// What can be said without the wrapping key's value.
    pub(super) fn beforehand(&self, form: KeyForm, claims: &Claims) -> Option<Verdict> {
        let format = self.format();
        if !self.may_be_under(cipher(form)) {
            return Some(Verdict::untried(format!(
                "{format}: it is not under this wrapping key, which is {form}."
            )));
        }
        match self {
            Self::Token(token) if token.wrapping() != Wrapping::Ecb => {
                Some(Verdict::untried(format!(
                    "{format}: wrapped by {}, of which WRAP-ECB alone is opened here.",
                    token.wrapping()
                )))
            }
            Self::Token(_) | Self::Bare(..) if claims.tdes.is_none() => Some(unproven(&format)),
            Self::Naked(_) if form.is_tdes() && claims.tdes.is_none() => Some(unproven(&format)),
            _ => None,
        }
    }

    /// Tries it.
    pub(super) fn open(&self, wrapping: &Secret, form: KeyForm, claims: &Claims) -> Verdict {
        let format = self.format();
        match self {
            Self::Block(block) => {
                let opened = |wrapping: &Secret| {
                    let kbpk = Kbpk::new(cipher(form), wrapping.duplicate()).ok()?;
                    block.unwrap(&kbpk).ok()
                };
                let (found, how) = authentic(wrapping, &opened);
                let Some(found) = found else {
                    return nothing(&format);
                };
                let mut notes = Vec::new();
                notes.extend(
                    found
                        .rule
                        .err()
                        .map(|rule| format!("unusual: {rule} (R6).")),
                );
                if !block.hides_length() {
                    notes.push("unusual: its padding does not hide the key's length.".into());
                }
                let blocks = found.header.blocks.iter();
                notes.extend(blocks.filter(|b| !b.id().is_known()).map(|b| {
                    format!(
                        "unusual: an optional block {} that TR-31 does not know.",
                        b.id()
                    )
                }));
                let kind = kind(found.header.attributes.algorithm);
                gives(&format, how, &found.key, kind, claims, notes)
            }
            Self::Thales(block) => {
                let opened = |wrapping: &Secret| {
                    let kbpk = Kbpk::new(cipher(form), wrapping.duplicate()).ok()?;
                    block.unwrap(&kbpk).ok()
                };
                let (found, how) = authentic(wrapping, &opened);
                let Some(found) = found else {
                    return nothing(&format);
                };
                let notes: Vec<String> = found
                    .rule
                    .err()
                    .map(|rule| format!("unusual: {rule} (R6)."))
                    .into_iter()
                    .collect();
                let kind = kind(found.header.attributes.algorithm);
                gives(&format, how, &found.key, kind, claims, notes)
            }
            Self::Akb(block) => {
                let (found, how) = authentic(wrapping, &|wrapping| block.unwrap(wrapping).ok());
                let Some(found) = found else {
                    return nothing(&format);
                };
                let notes = match found.strong_enough {
                    true => Vec::new(),
                    false => vec!["unusual: the wrapping key is weaker than the key (R6).".into()],
                };
                gives(&format, how, &found.key, Some(KeyKind::Tdes), claims, notes)
            }
            Self::Token(token) => {
                let (key, cryptogram) = (token.open(wrapping).ok(), token.cryptogram());
                of_the_claim(&format, key, claims, cryptogram, wrapping, || {
                    let plain = token.open_as(wrapping, &ControlVector::ZERO);
                    let claim = claims.tdes.as_ref()?;
                    let nocv = plain.is_ok_and(|key| claim.is_of(key.expose()).unwrap_or(false));
                    nocv.then(|| "no control vector (NOCV)".to_owned())
                        .or_else(|| conventions::that_fits(wrapping, cryptogram, claim))
                })
            }
            Self::Bare(scheme, bytes) => {
                under_tdes(&format, Some(*scheme), bytes, wrapping, claims)
            }
            Self::Naked(bytes) if form.is_tdes() => {
                let scheme = Scheme::of(false, bytes.len());
                under_tdes(&format, scheme, bytes, wrapping, claims)
            }
            Self::Naked(bytes) => under_aes(bytes, wrapping, claims),
        }
    }
}

/// What nothing but the partner's value can prove, where there is none.
fn unproven(format: &str) -> Verdict {
    Verdict::untried(format!(
        "{format}: nothing in it proves a key. Type the partner's check value."
    ))
}

/// A cryptogram under TDES: by its scheme, by other conventions, and with the check
/// value made in other ways.
fn under_tdes(
    format: &str,
    scheme: Option<Scheme>,
    bytes: &[u8],
    wrapping: &Secret,
    claims: &Claims,
) -> Verdict {
    let key = scheme.and_then(|s| key_scheme::unwrap(s, wrapping, bytes).ok());
    of_the_claim(format, key, claims, bytes, wrapping, || {
        conventions::that_fits(wrapping, bytes, claims.tdes.as_ref()?)
    })
}

/// A cryptogram under AES that says nothing of itself: the two key wraps prove
/// themselves, anything else the partner's value alone.
fn under_aes(bytes: &[u8], wrapping: &Secret, claims: &Claims) -> Verdict {
    let of = |key: &Secret| {
        // Nothing in it says which cipher the key is of.
        let tdes = claims.tdes.as_ref();
        let is_tdes = tdes.is_some_and(|c| c.is_of(key.expose()).unwrap_or(false));
        match is_tdes {
            true => KeyKind::Tdes,
            false => KeyKind::Aes,
        }
    };
    if let Ok(key) = kwp::unwrap(wrapping, bytes) {
        return gives("AES-KWP", "", &key, Some(of(&key)), claims, Vec::new());
    }
    if let Ok(key) = key_wrap::unwrap(wrapping, bytes) {
        let how = " by AES-KW (RFC 3394), which is without padding and not AES-KWP";
        let format = format!("cryptogram of {} bytes", bytes.len());
        return gives(&format, how, &key, Some(of(&key)), claims, Vec::new());
    }
    let named = [
        (Algorithm::Aes, claims.aes.as_ref()),
        (Algorithm::Tdes, claims.tdes.as_ref()),
    ];
    let named: Vec<(Algorithm, &Claim)> = named
        .into_iter()
        .filter_map(|(kind, claim)| Some((kind, claim?)))
        .collect();
    match conventions::that_fits_aes(wrapping, bytes, &named) {
        Some((convention, fit)) => {
            let convention = format!("AES in {convention}");
            read_by("AES-KWP", &convention, fit)
        }
        None => nothing("AES-KWP"),
    }
}

/// The convention that makes the partner's value fit.
fn read_by(format: &str, convention: &str, fit: Option<kcv_fit::Fit>) -> Verdict {
    let mut answer = vec![format!(
        "{format}: the check value is that of the cryptogram read by {convention}."
    )];
    answer.extend(fit.map(|fit| format!("The value that was typed: {fit}.")));
    Verdict::told(false, answer)
}

/// What authenticates: under the key, or under its halves the other way round.
fn authentic<T>(
    wrapping: &Secret,
    open: &dyn Fn(&Secret) -> Option<T>,
) -> (Option<T>, &'static str) {
    if let Some(found) = open(wrapping) {
        return (Some(found), "");
    }
    let turned = conventions::turned(wrapping).and_then(|turned| open(&turned));
    (turned, ", with the halves of the wrapping key changed")
}

/// The one answer for whatever does not give a key.
fn nothing(format: &str) -> Verdict {
    Verdict::told(
        false,
        vec![format!(
            "{format}: it does not give a key under this wrapping key. What is wrong is not told."
        )],
    )
}

/// A key that authenticated.
fn gives(
    format: &str,
    how: &str,
    key: &Secret,
    kind: Option<KeyKind>,
    claims: &Claims,
    notes: Vec<String>,
) -> Verdict {
    let mut answer = vec![format!("{format}: it opens{how}.")];
    let mut good = how.is_empty();
    let kcv = kind.and_then(|kind| Kcv::compute(Method::usual(kind), key.expose()).ok());
    answer.push(match &kcv {
        Some(kcv) => format!("Its key has check value {}.", check_value(kcv).words()),
        None => "Its key is of a kind that has no check value here.".into(),
    });
    if let Some(kind) = kind
        && let Some(claim) = claims.of(kind)
    {
        let same = claim.is_of(key.expose()).unwrap_or(false);
        good &= same;
        answer.push(match same {
            true => "The value that was typed is this key's.".into(),
            false => match kcv_fit::explain(kind, &[key], claim) {
                Some(fit) => format!("The value that was typed: {fit}."),
                None => "None of the usual mistakes explains the value that was typed.".into(),
            },
        });
    }
    answer.extend(notes);
    Verdict::told(good, answer)
}

/// A key that the partner's check value alone can prove.
fn of_the_claim(
    format: &str,
    key: Option<Secret>,
    claims: &Claims,
    cryptogram: &[u8],
    wrapping: &Secret,
    other: impl Fn() -> Option<String>,
) -> Verdict {
    let Some(claim) = claims.tdes.as_ref() else {
        return nothing(format);
    };
    let fits = |key: &Secret| claim.is_of(key.expose()).unwrap_or(false);
    if key.as_ref().is_some_and(fits) {
        let answer = vec![
            format!("{format}: it gives the key of the check value that was typed."),
            "Nothing else proves it: it has no MAC.".into(),
        ];
        return Verdict::told(true, answer);
    }
    if let Some(convention) = other() {
        return read_by(format, &convention, None);
    }
    let explained = |key: &Secret| kcv_fit::explain(Algorithm::Tdes, &[key], claim);
    if let Some(fit) = key.as_ref().and_then(explained) {
        let answer = vec![format!("{format}: the value that was typed: {fit}.")];
        return Verdict::told(false, answer);
    }
    match conventions::that_fits_otherwise(wrapping, cryptogram, claim) {
        Some((convention, fit)) => read_by(format, &convention, Some(fit)),
        None => nothing(format),
    }
}

/// Bytes of a text that has nothing but upper-case hex digits, as a token or a
/// cryptogram is typed.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
    if !text.len().is_multiple_of(2) || !text.bytes().all(digits) {
        return None;
    }
    let digits = text.as_bytes().chunks_exact(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
#[path = "check_formats_tests.rs"]
mod tests;
