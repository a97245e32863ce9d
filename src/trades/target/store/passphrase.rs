//! A store's passphrase: 56 characters of 32, drawn one by one: 280 bits, 140 in
//! each half. Whoever has one half has less than a key of 128 bits to guess and
//! not one character of the other.

use conclave_crypto::secret::{RandomError, RandomExt, RandomSource, Secret};

use crate::print::passphrase_form::HALF;

/// Upper case, as a 3270 panel takes it; without I, O, 0 and 1.
const CHARACTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// One half.
pub(super) fn half(random: &mut dyn RandomSource) -> Result<Secret, RandomError> {
    let mut half = Secret::zeroed(HALF);
    for place in half.expose_mut() {
        let drawn = random.secret_below(32)?;
        let at = usize::try_from(drawn).unwrap_or(0);
        *place = CHARACTERS.get(at).copied().unwrap_or(b'A');
    }
    Ok(half)
}

/// A passphrase of its two halves, as they are printed or typed.
#[must_use]
pub fn whole_of(first: &Secret, second: &Secret) -> Secret {
    let len = first.len() + second.len();
    Secret::from_fn(len, |to| {
        let (start, end) = to.split_at_mut(first.len());
        start.copy_from_slice(first.expose());
        end.copy_from_slice(second.expose());
    })
}
