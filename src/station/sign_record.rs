//! Administrators' signatures over an authority record: who may act is never
//! decided by the station.

use conclave_evidence::authority::{
    AuthorityRecord, CardEntry, CardSignature, CardState, SignedAuthority,
};
use conclave_evidence::{GroupId, Id, Signature};
use conclave_keyroom::piv::PivError;
use conclave_keyroom::ports::dialogue::{People, Prompt, PromptLine, Refusal};

use crate::approve::Undone;
use crate::cards::{Held, Interrupted};
use crate::present::{Absent, Wanted, present};
use crate::station::Station;

/// A record that waits for its signatures.
pub(crate) struct RecordToSign<'a> {
    /// The record.
    pub next: &'a AuthorityRecord,
    /// The one before, whose administrators sign.
    pub record: &'a AuthorityRecord,
    /// Cards that are in question themselves, and do not sign.
    pub barred: &'a [Id],
    /// How many signatures.
    pub need: usize,
    /// What the PIN releases.
    pub purpose: &'a str,
    /// What the record changes.
    pub words: &'a [String],
    /// Help.
    pub why: &'a str,
}

/// Administrators who have not signed yet; not with a card in question.
struct Administrators<'a> {
    record: &'a AuthorityRecord,
    /// Cards that are in question themselves.
    barred: &'a [Id],
    done: &'a [CardSignature],
}

impl Wanted for Administrators<'_> {
    fn wants(&self, entry: &CardEntry) -> Result<(), Refusal> {
        let name = &entry.person_name;
        let happened = if self.barred.contains(&entry.card) {
            format!("This is the very card that is in question, {name}'s.")
        } else if !self.record.is_member(GroupId::Administrators, entry.card) {
            format!("{name} is no administrator.")
        } else if self.done.iter().any(|s| s.card == entry.card) {
            format!("{name} has signed already; nobody counts twice.")
        } else {
            return Ok(());
        };
        Err(Refusal {
            happened,
            safe: "Nothing was signed, and no PIN was asked for.".into(),
            advice: format!("Wanted now: {}.", crate::words::list(&self.names())),
        })
    }

    fn passes_over(&self, entry: &CardEntry) -> bool {
        self.done.iter().any(|s| s.card == entry.card)
            || !self.record.is_member(GroupId::Administrators, entry.card)
    }

    fn passed_over(&self, entry: &CardEntry) -> Option<String> {
        let stranger = !self.record.is_member(GroupId::Administrators, entry.card);
        stranger.then(|| format!("{} (no administrator)", entry.person_name))
    }

    fn names(&self) -> Vec<String> {
        self.record
            .cards
            .iter()
            .filter(|c| c.state == CardState::Active && !self.barred.contains(&c.card))
            .filter(|c| self.record.is_member(GroupId::Administrators, c.card))
            .filter(|c| !self.done.iter().any(|s| s.card == c.card))
            .map(|c| c.person_name.clone())
            .collect()
    }
}

impl Station {
    /// Signatures of administrators over the record itself.
    pub(crate) fn sign_record(
        &mut self,
        what: &RecordToSign<'_>,
        people: &mut dyn People,
    ) -> Result<(SignedAuthority, Vec<Held>), Undone> {
        let failed = |e: conclave_evidence::cbor::CborError| Undone::Card(e.to_string());
        let mut signed = SignedAuthority::unsigned(what.next).map_err(failed)?;
        let digest = what.next.digest().map_err(failed)?;
        let mut cards = Vec::new();
        while signed.signatures.len() < what.need {
            let wanted = Administrators {
                record: what.record,
                barred: what.barred,
                done: &signed.signatures,
            };
            let mut lines: Vec<PromptLine> = what.words.iter().map(PromptLine::note).collect();
            lines.extend([
                PromptLine::note(format!("Authority record {}, SHA-256", what.next.seq)),
                PromptLine::note(digest.to_string().to_uppercase()),
                PromptLine::note(format!(
                    "Signed: {} of {}",
                    signed.signatures.len(),
                    what.need
                )),
            ]);
            let mut question = Prompt {
                code: "card.sign".into(),
                act: what.purpose.into(),
                title: "This is what you sign:".into(),
                lines,
                waiting_for: match what.need {
                    1 => "any administrator".into(),
                    _ => "administrators".into(),
                },
                safe: "yes, nothing is changed before the last signature".into(),
                why: what.why.into(),
                ..Prompt::default()
            };
            let came = present(
                &mut self.door,
                &self.readers,
                people,
                &mut question,
                &wanted,
                &format!("sign: {}", what.purpose),
                false,
                &mut |_| Ok(false),
            )
            .map_err(|absent| match absent {
                Absent::Interrupted { why, .. } => Undone::Interrupted(why),
                Absent::Failed { why, .. } => Undone::Card(why),
            })?;
            let mut held = came.held;
            let signature = held
                .card
                .sign_with_fresh_pin(&came.pin, &digest.0)
                .map_err(|error| match error {
                    PivError::Card(_) => Undone::Interrupted(Interrupted::CardGone),
                    other => Undone::Card(other.to_string()),
                })?;
            signed.signatures.push(CardSignature {
                card: came.entry.card,
                signature: Signature(signature),
            });
            self.session.comes(held.guid);
            cards.push(held);
        }
        // Not before: whoever stays in is watched, and the cards are swapped.
        if let Some(last) = cards.last() {
            self.last_proven(last);
        }
        Ok((signed, cards))
    }
}
