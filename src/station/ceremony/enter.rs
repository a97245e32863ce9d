//! Entering a partner's key: each component by its custodian alone, then all
//! of them against the partner's check value.

use conclave_crypto::primitive::des_keys;
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::primitive::kcv_fit::{self, Claim};
use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::provider::kind_of;
use conclave_trades::ceremony::action::{AcceptComponent, CombineKey, check_value, method};
use conclave_trades::ceremony::state::{Paper, Player, Reply, State};
use conclave_trades::ceremony::{partner_value, safe};

use super::play::reply_for;
use super::typing::{Untyped, Wanted, groups_words};
use crate::cards::Interrupted;
use crate::station::Station;

/// A component is typed once, and again at most three times (scenario 25).
const TYPINGS: usize = 4;

/// An ended question of the typing, for the engine.
pub(super) fn left(why: Interrupted) -> Reply {
    match why {
        Interrupted::Aborted => Reply::Abort,
        Interrupted::CardGone => Reply::CardGone,
        Interrupted::Shutdown => Reply::Shutdown,
        Interrupted::Refused(refusal) => Reply::Failed(refusal.happened),
        Interrupted::OtherGroup | Interrupted::ByWords | Interrupted::TimedOut => {
            Reply::Failed("It took too long.".into())
        }
    }
}

fn refused(happened: String, advice: &str) -> Refusal {
    Refusal {
        happened,
        safe: "The component was not taken.".into(),
        advice: advice.into(),
    }
}

/// Groups of a DES component that hold a byte of even parity, where they are
/// few enough to point at.
fn even_groups(value: &Secret) -> Option<String> {
    let groups: Vec<usize> = value
        .expose()
        .chunks(2)
        .enumerate()
        .filter(|(_, pair)| des_keys::first_even_byte(pair).is_some())
        .map(|(at, _)| at + 1)
        .collect();
    (1..=2)
        .contains(&groups.len())
        .then(|| groups_words(&groups))
}

impl Station {
    pub(super) fn do_enter(
        &mut self,
        state: &State,
        index: u8,
        custodian: &Player,
        people: &mut dyn People,
    ) -> Reply {
        let Some(paper) = &state.parameters.paper else {
            return Reply::Failed("This ceremony enters nothing.".into());
        };
        let (value, proven) = match self.type_component(state, paper, index, custodian, people) {
            Ok(typed) => typed,
            Err(reply) => return reply,
        };
        let form = state.parameters.template.form;
        let shares = state.parameters.shares.as_ref();
        let usual = Method::usual(kind_of(form));
        let Ok(kcv) = Kcv::compute(usual, value.expose()) else {
            return Reply::Failed("The component has no check value.".into());
        };
        let action = AcceptComponent {
            ceremony: state.ceremony,
            label: state.parameters.label.clone(),
            form,
            index: state.parameters.place(index),
            of: shares.map_or(state.parameters.components, |s| s.of),
            custodian: custodian.clone(),
            backup: state.backup(index),
            kcv: check_value(&kcv),
            proven,
            share: shares.map(|s| s.known.clone()),
            known_value: state.parameters.known_value.clone(),
        };
        let title = state.parameters.title(index).to_lowercase();
        match self.act_on(&action, vec![value], &title, people) {
            Ok(()) => Reply::Did(self.did(action.words(), self.newest_seq())),
            Err(undone) => reply_for(&undone),
        }
    }

    /// The component, and how it was proven to be typed right.
    fn type_component(
        &mut self,
        state: &State,
        paper: &Paper,
        index: u8,
        custodian: &Player,
        people: &mut dyn People,
    ) -> Result<(Secret, String), Reply> {
        let form = state.parameters.template.form;
        let what = format!(
            "{} {}",
            state.parameters.part(),
            state.parameters.place(index)
        );
        let mut prompt = Prompt {
            code: "enter.line".into(),
            act: format!("Enter {}", state.parameters.label),
            title: state.parameters.title(index),
            cast: vec![("custodian".into(), custodian.name.clone())],
            pauses: Some(state.parameters.label.clone()),
            waiting_for: custodian.name.clone(),
            safe: safe(state),
            why: "Nobody else sees sheet or keyboard. A letter O is not taken as the digit 0, nor \
                  I as 1: what was printed is looked at again, never guessed."
                .into(),
            ..Prompt::default()
        };
        let mut earlier: Option<Secret> = None;
        for typing in 1..=TYPINGS {
            prompt.code = "enter.line".into();
            prompt.lines = vec![PromptLine::note(match (typing, paper.check_values) {
                (1, _) => format!("{} types it from the sheet, {form}.", custodian.name),
                (2, false) => {
                    "The same once more, blind: the two typings are compared group by group.".into()
                }
                _ => "Once more: what differs from the last typing is named at once.".into(),
            })];
            let value = self
                .type_value(
                    &Wanted {
                        what: what.clone(),
                        bytes: form.bytes(),
                        check_letters: paper.check_letters,
                        earlier: earlier.as_ref(),
                    },
                    &mut prompt,
                    people,
                )
                .map_err(|untyped| match untyped {
                    Untyped::Interrupted(why) => left(why),
                    Untyped::Wrong(why) => Reply::Exhausted(why),
                })?;
            if !paper.check_values {
                if earlier.is_some() {
                    return Ok((value, "typed twice the same, blind".into()));
                }
                earlier = Some(value);
                continue;
            }
            let Some(claim) = self.ask_component_value(paper, form, &what, &mut prompt, people)?
            else {
                return Err(Reply::Failed("There is no such method.".into()));
            };
            if claim.is_of(value.expose()).unwrap_or(false) {
                return Ok((value, "its own check value was typed and agrees".into()));
            }
            prompt.refused = Some(self.component_differs(form, &what, &value, &claim));
            earlier = Some(value);
        }
        Err(Reply::Exhausted(format!(
            "{what} was typed {TYPINGS} times, and its check value never agreed"
        )))
    }

    fn component_differs(
        &mut self,
        form: KeyForm,
        what: &str,
        value: &Secret,
        claim: &Claim,
    ) -> Refusal {
        let fit = kcv_fit::explain(kind_of(form), &[value], claim);
        let mut happened = format!("{what}: its check value does not agree with what was typed");
        if let Some(fit) = fit {
            happened = format!("{happened}; the check value: {fit}");
        }
        happened.push('.');
        self.mistyped(happened.clone());
        let parity = even_groups(value).filter(|_| form.is_tdes() && fit.is_none());
        match parity {
            Some(groups) => refused(
                happened,
                &format!(
                    "Look at {groups} first: there is a byte of even parity. Then type it again."
                ),
            ),
            None => refused(
                happened,
                "Compare every group with the sheet and type it again; then the check value, with its method in front where it is another.",
            ),
        }
    }

    /// The check value on the component's own sheet.
    fn ask_component_value(
        &mut self,
        paper: &Paper,
        form: KeyForm,
        what: &str,
        prompt: &mut Prompt,
        people: &mut dyn People,
    ) -> Result<Option<Claim>, Reply> {
        prompt.code = "enter.kcv".into();
        prompt.lines = vec![PromptLine::note(
            "Now the check value on the same sheet. It is compared, and never shown.",
        )];
        prompt.ask = Ask::Text {
            label: format!("Check value of {}", what.to_lowercase()),
            hint: format!("digits 0-9 and letters A-F, by the method {}", paper.method),
            max: 40,
            masked: false,
        };
        loop {
            let answer = self.ask_watched(prompt, people).map_err(left)?;
            let typed: String = match answer {
                Answer::Word(word) => word,
                _ => String::new(),
            }
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| c.to_ascii_uppercase())
            .collect();
            let (named, digits) = partner_value(&typed);
            let Some(method) = method(form, named.unwrap_or(&paper.method)) else {
                return Ok(None);
            };
            if let Some(claim) = Claim::new(digits, method).filter(|_| digits.len() >= 4) {
                prompt.refused = None;
                return Ok(Some(claim));
            }
            prompt.refused = Some(refused(
                "That is no check value: 4 to 32 digits 0-9 and letters A-F.".into(),
                "Type it from the sheet.",
            ));
        }
    }

    pub(super) fn do_combine(
        &mut self,
        state: &State,
        typed: &str,
        by: &[Player],
        title: &str,
        people: &mut dyn People,
    ) -> Reply {
        let Some(paper) = &state.parameters.paper else {
            return Reply::Failed("This ceremony enters nothing.".into());
        };
        if let Some(shares) = &state.parameters.shares {
            return self.do_combine_shares(state, (paper, shares), typed, by, title, people);
        }
        let key = match self.door.new_id() {
            Ok(id) => id,
            Err(error) => return Reply::Failed(error.to_string()),
        };
        let (named, digits) = partner_value(typed);
        let action = CombineKey {
            ceremony: state.ceremony,
            key,
            label: state.parameters.label.clone(),
            template: state.parameters.template.clone(),
            partner: paper.partner.clone(),
            components: state.parameters.components,
            value: digits.to_owned(),
            method: named.unwrap_or(&paper.method).to_owned(),
            by: by.to_vec(),
            known_value: state.parameters.known_value.clone(),
        };
        self.act_for_key(&action, title, people)
    }
}
