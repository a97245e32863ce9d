//! The life of groups: re-share, a replaced card, a leaver, a new member,
//! another quorum. Each is one renewal, made in memory, received by the
//! members' cards, signed by the administrators, and written at once.

mod action;
mod add_pin_room;
mod backups;
mod card;
mod pin_room;
mod plan;
mod questions;
mod sitting;
mod words;

use conclave_evidence::GroupId;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Choice, People, Prompt, PromptLine, Refusal};

pub use action::RenewGroups;
pub use add_pin_room::AddPinRoom;

use crate::cards::{Interrupted, ask};
use crate::service::{ActEnd, stopped};
use crate::station::Station;

const SAFE: &str = "yes, the old shares and cards work until the last signature";
const WHY: &str = "A share that was given out is never taken back: whoever has the card, its PIN and an old copy \
     of the disk has it for ever. So the group's secret is made anew, its members' cards receive \
     new shares, and what the old secret opened is encrypted under new keys.";

fn never(_: &mut Prompt) -> Result<bool, Interrupted> {
    Ok(false)
}

fn prompt(code: &str, act: &str, title: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: act.into(),
        title: title.into(),
        waiting_for: "administrators".into(),
        safe: SAFE.into(),
        why: WHY.into(),
        ..Prompt::default()
    }
}

fn refused(happened: impl Into<String>, advice: impl Into<String>) -> Refusal {
    Refusal {
        happened: happened.into(),
        safe: "Nothing was changed.".into(),
        advice: advice.into(),
    }
}

/// What the administrators may do with members and cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A person's card is replaced by a new one.
    ReplaceCard,
    /// A person leaves.
    Leaver,
    /// A person comes, or comes to more groups.
    AddMember,
    /// A recovery member holds words in place of a card.
    Words,
    /// What concerns a group as a whole: one of the next three.
    Groups,
    /// The two groups that print PINs come to a station without them.
    PinRoom,
    /// Another number of a group's members must come.
    Quorum,
    /// The same people, a new secret.
    Secret,
    /// A card's certificates are issued anew, for the same keys.
    Certificates,
    /// What concerns custodians alone: one of the next two.
    Custodians,
    /// A custodian's form is signed, for the first time or for another year.
    CustodianForm,
    /// One manager of all custodians is accepted.
    OneManager,
    /// A new card that was not finished gets its PUK, management key and
    /// anchor.
    FinishCard,
}

impl Change {
    /// All, in the order of the menu.
    pub const ALL: [Change; 8] = [
        Self::ReplaceCard,
        Self::Leaver,
        Self::AddMember,
        Self::Words,
        Self::Groups,
        Self::Certificates,
        Self::Custodians,
        Self::FinishCard,
    ];

    /// Its name in the menu and in the header.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::ReplaceCard => "Replace a card",
            Self::Leaver => "A person leaves",
            Self::AddMember => "Add a person to groups",
            Self::Words => "Recovery words for a person",
            Self::Groups => "Groups",
            Self::PinRoom => "Add a PIN room",
            Self::Quorum => "Change how many must come",
            Self::Secret => "Renew a group's secret",
            Self::Certificates => "Renew a card's certificates",
            Self::Custodians => "Custodians",
            Self::CustodianForm => "Sign a custodian's form",
            Self::OneManager => "Accept one manager",
            Self::FinishCard => "Finish a new card",
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::ReplaceCard => "lost or broken: the old one is revoked for ever",
            Self::Leaver => "their cards are revoked, their groups get new shares",
            Self::AddMember => "somebody new with a new card, or one more role",
            Self::Words => "in place of a card, in the recovery group only",
            Self::Groups => "how many must come; a new secret; add a PIN room",
            Self::PinRoom => "operators and supervisors, who print PINs together",
            Self::Quorum => "m of a group; its members receive new shares",
            Self::Secret => "on suspicion: same members, new shares, new keys",
            Self::Certificates => "before they expire; keys, shares and PIN stay",
            Self::Custodians => "the yearly form; one manager of all of them",
            Self::CustodianForm => "once a year: custodian and management",
            Self::OneManager => "of all custodians, in a small organisation",
            Self::FinishCard => "one that was pulled before it was ready",
        }
    }
}

impl Station {
    /// The menu of what changes a group: the administrators are logged on.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn change_members(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let note = "The groups concerned, or recovery, log on beside the administrators.";
        match choose_change("renew.what", note, &Change::ALL, people) {
            Ok(change) => self.change_group(change, people),
            Err(why) => stopped(why),
        }
    }

    /// One of those changes.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn change_group(
        &mut self,
        change: Change,
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        if change == Change::FinishCard {
            return self
                .finish_a_card(people)
                .or_else(|undone| self.undone(undone));
        }
        if change == Change::Certificates {
            return self.renew_certificates(people);
        }
        let (code, note, among): (_, _, &[Change]) = match change {
            Change::Custodians => (
                "renew.custodians",
                "Nobody's card, share or group is changed by these.",
                &[Change::CustodianForm, Change::OneManager],
            ),
            Change::Groups => (
                "renew.groups",
                "The groups that there are keep their members.",
                &[Change::Quorum, Change::Secret, Change::PinRoom],
            ),
            _ => return self.make_change(change, people),
        };
        match choose_change(code, note, among, people) {
            Ok(change) => self.make_change(change, people),
            Err(why) => stopped(why),
        }
    }

    /// A change that is none of the lists.
    fn make_change(&mut self, change: Change, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        if change == Change::OneManager {
            return self.accept_one_manager(people);
        }
        if change == Change::CustodianForm {
            return self.sign_custodian_form(people);
        }
        self.pause_watch(true);
        let end = self
            .ask_change(change, people)
            .and_then(|plan| self.renew(plan, people));
        self.door.forget_renewal();
        self.pause_watch(false);
        end.or_else(|undone| self.undone(undone))
    }
}

fn choose_change(
    code: &str,
    note: &str,
    changes: &[Change],
    people: &mut dyn People,
) -> Result<Change, Interrupted> {
    let mut question = prompt(code, "Members and cards", "What is to change?");
    question.lines = vec![PromptLine::note(note)];
    question.ask = Ask::Choose {
        options: changes
            .iter()
            .map(|change| Choice {
                label: change.title().into(),
                detail: change.detail().into(),
            })
            .collect(),
    };
    loop {
        if let Answer::Chosen(at) = ask(people, &mut question, &mut never)?
            && let Some(change) = changes.get(at)
        {
            return Ok(*change);
        }
    }
}

/// Titles of groups for people.
fn titles(groups: impl IntoIterator<Item = GroupId>) -> String {
    let titles: Vec<&str> = groups.into_iter().map(GroupId::title).collect();
    crate::words::list(&titles.iter().map(ToString::to_string).collect::<Vec<_>>())
}
