//! What administrators say of a printed page, and why they take something back.

/// Longest such sentence, in characters.
pub const SENTENCE_MOST: usize = 200;

/// TRUE for one line of 3 to [`SENTENCE_MOST`] plain letters.
pub(super) fn is_sentence(words: &str) -> bool {
    let plain = words.chars().all(|c| !c.is_control());
    plain && (3..=SENTENCE_MOST).contains(&words.trim().chars().count())
}

/// Why a layout or a printer is taken back: one sentence.
///
/// # Errors
/// Why not, in words.
pub fn check_reason(words: &str) -> Result<(), String> {
    match is_sentence(words) {
        true => Ok(()),
        false => Err(format!("a reason has 3 to {SENTENCE_MOST} characters")),
    }
}
