//! A card's PUK after it was used: it was in a reader, so the card gets another one.
//!
//! The next PUK lies beside the present one before the card hears of it. Wherever the
//! power goes, the card has one of the two, and the next unblocking finds out which.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::CardEntry;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::piv::{PivCard, PivError, random_puk};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};

use crate::cards::Held;
use crate::station::Station;

/// The kind of both records.
const PUK: &str = "puk";

/// Where the PUK lies that a card gets next.
fn next_id(card: Id) -> Id {
    let mut id = card.0;
    id.iter_mut().for_each(|byte| *byte ^= 0x3C);
    Id(id)
}

/// The PUKs that a card can have.
pub struct Puks {
    /// The one on record.
    pub own: Secret,
    /// The one that it gets when the other was used.
    pub next: Secret,
    /// The next one was made for an unblocking of before, which did not come to its
    /// end: the card may have it already.
    pub open: bool,
}

impl Puks {
    /// Out of the vault; a next one is made where there is none.
    ///
    /// # Errors
    /// [`ActionError`]
    pub(crate) fn of(permit: &mut Permit<'_>, card: Id) -> Result<Self, ActionError> {
        let own = permit.get_secret(Compartment::Administration, card)?;
        let (next, open) = match permit.get_secret(Compartment::Administration, next_id(card)) {
            Ok(next) => (next, true),
            Err(VaultError::Missing(_)) => (draw(permit, card)?, false),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { own, next, open })
    }

    /// Sets a blocked card's PIN with the PUK that it has. TRUE where that was the next
    /// one.
    ///
    /// # Errors
    /// [`PivError`]
    pub(crate) fn unblock(&self, card: &mut PivCard, pin: &Secret) -> Result<bool, PivError> {
        match card.unblock(&self.own, pin) {
            Err(PivError::WrongPuk { .. }) if self.open => {
                card.unblock(&self.next, pin)?;
                Ok(true)
            }
            done => done.map(|()| false),
        }
    }
}

/// Makes the PUK that a card gets next, and keeps it as the first one is kept.
fn draw(permit: &mut Permit<'_>, card: Id) -> Result<Secret, ActionError> {
    let (_, _, random) = permit.provider();
    let made = random_puk(random).map_err(|_| VaultError::Random)?;
    let kept = Secret::from_fn(made.len(), |out| out.copy_from_slice(made.expose()));
    permit.put_secret(Compartment::Administration, PUK, next_id(card), kept);
    Ok(made)
}

/// Files the PUK that a card took in place of the one that was used. There is one to
/// file where administrators signed that its PIN is set anew, and nowhere else.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePuk {
    /// The card.
    pub card: Id,
    /// Whose it is, for the words.
    pub person: String,
    /// The one that is filed was used, too: yet another is made.
    pub another: bool,
}

impl Action for FilePuk {
    const NAME: &'static str = "file-puk";
    type Out = Option<Secret>;

    fn authority(&self) -> Authority {
        Authority::Session(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![format!(
            "Card {} of {} took another PUK",
            self.card.short(),
            self.person
        )];
        if self.another {
            words.push("it was used, too: another is made".into());
        }
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Option<Secret>, ActionError> {
        let id = next_id(self.card);
        let next = match permit.get_secret(Compartment::Administration, id) {
            Err(VaultError::Missing(_)) => {
                return Err(ActionError::rule(
                    "no other PUK was made for this card",
                    "Set its PIN anew first (people, b).",
                ));
            }
            found => found?,
        };
        permit.put_secret(Compartment::Administration, PUK, self.card, next);
        if self.another {
            return draw(permit, self.card).map(Some);
        }
        permit.delete(Compartment::Administration, id);
        Ok(None)
    }

    fn outcome(&self, _: &Option<Secret>) -> Vec<String> {
        vec!["the PUK on record is the one that the card has".into()]
    }
}

impl Station {
    /// The card whose PIN was set anew gets another PUK than the one that did it.
    ///
    /// # Errors
    /// Why it has the old one still, or why that is not known, in words. Both stay on
    /// record then.
    pub(crate) fn renew_puk(
        &mut self,
        held: &mut Held,
        entry: &CardEntry,
        puks: Puks,
        used_next: bool,
    ) -> Result<(), String> {
        let file = |another| FilePuk {
            card: entry.card,
            person: entry.person_name.clone(),
            another,
        };
        let (used, next) = match used_next {
            false => (puks.own, puks.next),
            true => {
                let made = self.perform_plain(&file(true)).map_err(|e| e.to_string())?;
                let made = made.ok_or("no other one was made")?;
                (puks.next, made)
            }
        };
        let card = held.card.piv().map_err(|e| e.to_string())?;
        card.change_puk(&used, &next).map_err(|e| e.to_string())?;
        drop((used, next));
        self.perform_plain(&file(false))
            .map(drop)
            .map_err(|e| e.to_string())
    }
}
