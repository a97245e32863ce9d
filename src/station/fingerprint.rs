//! A fingerprint typed by two people, each with their own card and without the
//! other's entry.

use conclave_evidence::{GroupId, Hash};
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_trades::ceremony::state::{Player, Reply};
use conclave_trades::keys::fingerprint_hex;

use crate::ceremony::begin::refused;
use crate::station::Station;

/// How often the two may type it.
const TYPINGS: usize = 3;

/// The first group of four, from 1, in which two texts differ.
fn parts_at(one: &str, other: &str) -> usize {
    let mut pairs = one.bytes().zip(other.bytes());
    pairs.position(|(a, b)| a != b).unwrap_or(one.len()) / 4 + 1
}

/// `1a2b…` in any case, spaces left out; nothing where it is no SHA-256.
fn read(typed: &str) -> Option<Hash> {
    let digits: Vec<u8> = typed
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    let whole = digits.len() == 64;
    bytes.try_into().ok().filter(|_| whole).map(Hash)
}

impl Station {
    /// A key manager and an approver of the session.
    pub(crate) fn two_of_session(&self) -> Result<[Player; 2], Refusal> {
        let member = |group: GroupId, but: Option<&Player>| {
            let members = self.session.groups.get(&group)?;
            let other = |id| but.is_none_or(|b: &Player| b.id != id);
            let one = members.iter().find(|m| other(m.person))?;
            Some(Player {
                id: one.person,
                name: one.name.clone(),
                group,
                reports_to: String::new(),
            })
        };
        let missing = || refused("Two people are wanted.", "Both groups log on first.");
        let first = member(GroupId::KeyManagers, None).ok_or_else(missing)?;
        let second = member(GroupId::Approvers, Some(&first)).ok_or_else(missing)?;
        Ok([first, second])
    }

    /// Has a fingerprint typed by two. With `known` it has to be this one.
    pub(crate) fn typed_fingerprint(
        &mut self,
        label: &str,
        from: &str,
        known: Option<Hash>,
        people: &mut dyn People,
    ) -> Result<(Hash, Vec<Player>), Refusal> {
        let two = self.two_of_session()?;
        self.typed_by(&two, label, from, known, people)
    }

    /// Two administrators of the session.
    pub(crate) fn two_administrators(&self) -> Result<[Player; 2], Refusal> {
        let group = GroupId::Administrators;
        let members = self.session.groups.get(&group);
        let mut here = members.into_iter().flatten().map(|member| Player {
            id: member.person,
            name: member.name.clone(),
            group,
            reports_to: String::new(),
        });
        match (here.next(), here.next()) {
            (Some(first), Some(second)) => Ok([first, second]),
            _ => Err(refused(
                "Two administrators are wanted.",
                "Both log on first; press g.",
            )),
        }
    }

    /// Has a fingerprint typed by these two. With `known` it has to be this one.
    pub(crate) fn typed_by(
        &mut self,
        two: &[Player; 2],
        label: &str,
        from: &str,
        known: Option<Hash>,
        people: &mut dyn People,
    ) -> Result<(Hash, Vec<Player>), Refusal> {
        let mut again: Option<Refusal> = None;
        for _ in 0..TYPINGS {
            let mut first: Option<Hash> = None;
            let mut wrong = None;
            for (at, who) in two.iter().enumerate() {
                let code = ["fingerprint.first", "fingerprint.second"][at];
                let mut prompt = Prompt {
                    code: format!("{code}.card"),
                    act: label.to_owned(),
                    title: format!("The fingerprint of {label}"),
                    lines: vec![PromptLine::note(format!(
                        "{} types it from {from}: 64 hex digits; spaces do not count.",
                        who.name
                    ))],
                    waiting_for: who.name.clone(),
                    safe: "yes, nothing is signed yet".into(),
                    why: "A public key, or a file, is as good as its fingerprint: two people \
                          compare all of it, each alone."
                        .into(),
                    refused: again.take(),
                    ..Prompt::default()
                };
                match self.identify(people, who, "type the fingerprint", &mut prompt) {
                    Reply::Identified(id) if id == who.id => {}
                    Reply::Failed(why) => return Err(refused(why, "Begin again.")),
                    _ => return Err(refused("It was given up.", "Begin again.")),
                }
                prompt.code = code.into();
                prompt.ask = Ask::Text {
                    label: "SHA-256".into(),
                    hint: "64 hex digits, without the spaces".into(),
                    max: 100,
                    masked: at > 0,
                };
                let typed = match self.ask_watched(&mut prompt, people) {
                    Ok(Answer::Word(word)) => read(&word),
                    Ok(_) => None,
                    Err(_) => return Err(refused("It was given up.", "Begin again.")),
                };
                let Some(typed) = typed else {
                    wrong = Some("These are not 64 hex digits.".to_owned());
                    break;
                };
                let other = first.or(known).filter(|other| *other != typed);
                if let Some(other) = other {
                    let group = parts_at(&fingerprint_hex(&other), &fingerprint_hex(&typed));
                    wrong = Some(match first {
                        Some(_) => format!("The two typings part in group {group} of four."),
                        None => format!("It is not this key's: group {group} of four differs."),
                    });
                    break;
                }
                first = Some(typed);
            }
            match (wrong, first) {
                (None, Some(hash)) => return Ok((hash, two.to_vec())),
                (why, _) => {
                    again = Some(refused(
                        why.unwrap_or_default(),
                        "Look at the paper there. Both type it again.",
                    ));
                }
            }
        }
        // What cannot be journalled shows at the next act.
        let _ = self.door.note(
            "fingerprint-typed",
            format!("{label}: typed {TYPINGS} times, and never the same or never the key's"),
        );
        Err(again.unwrap_or_else(|| refused("It was never typed the same.", "Begin again.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_people_type_it() {
        let hash = Hash([0xAB; 32]);
        let text = fingerprint_hex(&hash);
        assert_eq!(read(&text), Some(hash));
        assert_eq!(read(&text.to_lowercase()), Some(hash));
        let spaced: Vec<&str> = (0..64).step_by(4).map(|at| &text[at..at + 4]).collect();
        assert_eq!(read(&spaced.join(" ")), Some(hash));
        for wrong in [
            "",
            "AB",
            &text[1..],
            &format!("{text}A"),
            &text.replace('A', "G"),
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(parts_at("AAAABBBB", "AAAABBBC"), 2);
    }
}
