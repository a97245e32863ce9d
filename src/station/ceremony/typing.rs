//! A secret value typed from paper: line by line, masked, in groups of four.
//! What is wrong is named at once, and nothing that was typed leaves this
//! call but the value.

use conclave_crypto::secret::Secret;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Groups, People, Prompt, Refusal};
use conclave_trades::print::check::{LINE_BYTES, line_check};

use crate::cards::{Interrupted, ask};
use crate::station::Station;

/// How often one line is typed at most, before the paper is called unreadable.
const LINE_TYPINGS: usize = 5;
/// Digits of a line.
const DIGITS: usize = 2 * LINE_BYTES;
/// Groups of four on a line.
const GROUPS: usize = DIGITS / 4;

/// Why a value was not typed.
pub(super) enum Untyped {
    /// The question ended.
    Interrupted(Interrupted),
    /// Wrong too often; which line, in words.
    Wrong(String),
}

/// A value that is to be typed.
pub(super) struct Wanted<'a> {
    /// What it is, for the words: `Component 2`.
    pub what: String,
    /// Its length in bytes: whole lines.
    pub bytes: usize,
    /// Each line ends with a check letter.
    pub check_letters: bool,
    /// An earlier typing of it, to compare with.
    pub earlier: Option<&'a Secret>,
}

fn wrong(happened: String, advice: &str) -> Refusal {
    Refusal {
        happened,
        safe: "Nothing of it was taken.".into(),
        advice: advice.into(),
    }
}

/// The digits of a line as bytes; its check letter, where it has one.
fn packed(line: &Secret, check: bool) -> Option<(Secret, Option<u8>)> {
    let typed = line.expose();
    if typed.len() != DIGITS + usize::from(check) {
        return None;
    }
    let nibble = |at: usize| match typed.get(at).copied()? {
        digit @ b'0'..=b'9' => Some(digit - b'0'),
        digit @ b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    let mut bytes = Secret::zeroed(LINE_BYTES);
    for (at, byte) in bytes.expose_mut().iter_mut().enumerate() {
        *byte = nibble(2 * at)? << 4 | nibble(2 * at + 1)?;
    }
    Some((bytes, typed.get(DIGITS).copied()))
}

/// The groups, from 1, in which two lines differ.
fn differing(line: usize, one: &Secret, other: &Secret) -> Vec<usize> {
    let pairs = one.expose().chunks(2).zip(other.expose().chunks(2));
    pairs
        .enumerate()
        .filter(|(_, (a, b))| a != b)
        .map(|(group, _)| line * GROUPS + group + 1)
        .collect()
}

/// `group 7`, `groups 7 and 8`.
pub(super) fn groups_words(groups: &[usize]) -> String {
    let names: Vec<String> = groups.iter().map(usize::to_string).collect();
    match names.as_slice() {
        [one] => format!("group {one}"),
        _ => format!("groups {}", crate::words::list(&names)),
    }
}

impl Station {
    /// Asks, and takes no answer once a card that had to stay was pulled:
    /// whoever typed it may not be the one who is to sign.
    pub(crate) fn ask_watched(
        &self,
        prompt: &mut Prompt,
        people: &mut dyn People,
    ) -> Result<Answer, Interrupted> {
        let stays = || match self.card_lost() {
            true => Err(Interrupted::CardGone),
            false => Ok(false),
        };
        let answer = ask(people, prompt, &mut |_| stays())?;
        stays().map(|_| answer)
    }

    /// Has a value typed. `prompt` says for what and by whom; its question and
    /// refusal are set here.
    ///
    /// # Errors
    /// [`Untyped`]
    pub(super) fn type_value(
        &mut self,
        wanted: &Wanted<'_>,
        prompt: &mut Prompt,
        people: &mut dyn People,
    ) -> Result<Secret, Untyped> {
        let lines = wanted.bytes / LINE_BYTES;
        let mut value = Secret::zeroed(wanted.bytes);
        for line in 0..lines {
            let place = line * LINE_BYTES..(line + 1) * LINE_BYTES;
            let earlier = wanted.earlier.and_then(|e| e.part(place.clone()));
            let typed = self.type_line(wanted, (line, lines), earlier, prompt, people)?;
            if let Some(place) = value.expose_mut().get_mut(place) {
                place.copy_from_slice(typed.expose());
            }
        }
        Ok(value)
    }

    /// One line, until its check letter agrees, and it is the same as an
    /// earlier typing of it.
    fn type_line(
        &mut self,
        wanted: &Wanted<'_>,
        (line, lines): (usize, usize),
        earlier: Option<Secret>,
        prompt: &mut Prompt,
        people: &mut dyn People,
    ) -> Result<Secret, Untyped> {
        let small = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
        let mut seen: Vec<Secret> = earlier.into_iter().collect();
        let compare = !seen.is_empty();
        for typing in 1..=LINE_TYPINGS {
            prompt.ask = Ask::Groups(Groups {
                line: small(line + 1),
                lines: small(lines),
                digits: small(DIGITS),
                check: wanted.check_letters,
                typing: small(typing),
            });
            let answer = self
                .ask_watched(prompt, people)
                .map_err(Untyped::Interrupted)?;
            let Answer::Secret(typed) = answer else {
                continue;
            };
            let (first, last) = (line * GROUPS + 1, (line + 1) * GROUPS);
            let Some((bytes, letter)) = packed(&typed, wanted.check_letters) else {
                prompt.refused = Some(wrong(
                    format!(
                        "{}, line {}: these are not 16 hex digits.",
                        wanted.what,
                        line + 1
                    ),
                    "Type the line again from the paper, with 0-9 and A-F.",
                ));
                continue;
            };
            if letter.is_some_and(|l| l != line_check(small(line + 1), bytes.expose())) {
                self.wrong_line(&wanted.what, line, "its check letter does not agree");
                prompt.refused = Some(wrong(
                    format!(
                        "{}, line {}: the check letter does not agree; one of groups {first} to {last} is wrong, or the letter.",
                        wanted.what,
                        line + 1
                    ),
                    "Compare each group with the paper, and type the line again.",
                ));
                continue;
            }
            if !compare || seen.iter().any(|s| s.ct_eq(bytes.expose())) {
                prompt.refused = None;
                return Ok(bytes);
            }
            let groups = seen
                .last()
                .map(|before| groups_words(&differing(line, before, &bytes)))
                .unwrap_or_default();
            self.wrong_line(&wanted.what, line, &format!("{groups} typed differently"));
            prompt.refused = Some(wrong(
                format!("{}, {groups}: not what was typed before.", wanted.what),
                "Look at the paper there, and type the line again: what is typed twice the same is taken.",
            ));
            seen.push(bytes);
        }
        Err(Untyped::Wrong(format!(
            "{}, line {} was typed {LINE_TYPINGS} times and never right",
            wanted.what,
            line + 1
        )))
    }

    /// The journal knows of each wrong line; it tells no digit.
    fn wrong_line(&mut self, what: &str, line: usize, why: &str) {
        self.mistyped(format!("{what}, line {}: {why}.", line + 1));
    }
}
