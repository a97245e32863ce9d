//! What administrators take back: a template opens no batch any more, an issuer is
//! barred, a printer is used no more.

use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Choice, People, Prompt, Refusal};
use conclave_trades::media::CondemnMedium;
use conclave_trades::pin::{BarPinPartner, WithdrawPinTemplate};
use conclave_trades::print::{RetirePrinter, check_reason};

use crate::cards::{Interrupted, ask, filled};
use crate::ceremony::begin::{sole, text};
use crate::service::{ActEnd, stopped};
use crate::station::Station;

/// Longest reason that is asked for, in characters.
const REASON: usize = 100;

fn prompt(code: &str, act: &str, title: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: act.into(),
        title: title.into(),
        waiting_for: "administrators".into(),
        safe: "yes, nothing is changed before the last signature".into(),
        ..Prompt::default()
    }
}

/// TRUE where something is taken back; `choices` are what to add and what to take
/// back, each with a line that says what comes of it.
pub(crate) fn takes_back(
    (code, act): (&str, &str),
    choices: [(&str, &str); 2],
    people: &mut dyn People,
) -> Result<bool, Interrupted> {
    let mut question = prompt(code, act, "What shall be done?");
    let options = choices.map(|(label, detail)| Choice {
        label: label.into(),
        detail: detail.into(),
    });
    question.ask = Ask::Choose {
        options: options.to_vec(),
    };
    match ask(people, &mut question, &mut |_| Ok(false))? {
        Answer::Chosen(at) => Ok(at == 1),
        _ => Err(Interrupted::Aborted),
    }
}

/// Asks which one, and why.
fn form(question: &mut Prompt, what: &str, names: Vec<String>) {
    question.ask = Ask::Form {
        fields: vec![
            sole(what, names),
            text("Reason", "", "why, in one sentence", REASON),
        ],
        submit: "go on to the signatures".into(),
        done: None,
    };
}

/// Which one, and why.
fn which_and_why(
    question: &mut Prompt,
    people: &mut dyn People,
) -> Result<(String, String), Interrupted> {
    let values = filled(people, question)?;
    let value = |at: usize| values.get(at).map(|v| v.trim().to_owned());
    Ok((value(0).unwrap_or_default(), value(1).unwrap_or_default()))
}

impl Station {
    pub(crate) fn withdraw_pin_template(
        &mut self,
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        let act = "Withdraw a PIN template";
        let all = self.pin_templates();
        let names = all.iter().map(|one| one.name.clone()).collect();
        let mut question = prompt(
            "pin-template.withdraw",
            act,
            "Which one opens no more batches?",
        );
        form(&mut question, "Template", names);
        let action = loop {
            let (name, reason) = match which_and_why(&mut question, people) {
                Ok(said) => said,
                Err(why) => return stopped(why),
            };
            let Some(found) = all.iter().find(|one| one.name == name) else {
                return stopped(Interrupted::Aborted);
            };
            let action = WithdrawPinTemplate {
                digest: found.digest,
                name,
                reason,
            };
            match self.foreseen(&action) {
                Ok(()) => break action,
                Err(refusal) => question.refused = Some(refusal),
            }
        };
        match self.act(&action, act, people) {
            Ok(()) => Ok(ActEnd::Done {
                good: true,
                title: format!("{} is withdrawn", action.name),
                lines: vec!["It opens no further batch; those under way keep it.".into()],
            }),
            Err(undone) => self.undone(undone),
        }
    }

    /// A printer or a medium that broke, is lost or goes away is used no more.
    pub(crate) fn retire_device(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let act = "Retire a device";
        let (all, media) = (self.enrolled_printers(), self.enrolled_media());
        if all.is_empty() && media.is_empty() {
            return Err(self.refusal("no printer and no medium is enrolled"));
        }
        let as_medium = |medium: &MediumRecord| format!("medium {}", medium.name);
        let names = all.iter().map(|one| one.name.clone());
        let names = names.chain(media.iter().map(as_medium)).collect();
        let mut question = prompt("device.retire", act, "Which one is used no more?");
        form(&mut question, "Device", names);
        let (name, reason) = loop {
            let (name, reason) = match which_and_why(&mut question, people) {
                Ok(said) => said,
                Err(why) => return stopped(why),
            };
            // Before anybody signs.
            let Err(happened) = check_reason(&reason) else {
                break (name, reason);
            };
            question.refused = Some(Refusal {
                happened,
                safe: "Nothing was changed.".into(),
                advice: "Say in one sentence what became of it.".into(),
            });
        };
        if let Some(medium) = media.iter().find(|medium| as_medium(medium) == name) {
            let action = CondemnMedium {
                id: medium.id,
                name: medium.name.clone(),
                serial: medium.serial.clone(),
                reason,
            };
            return match self.act(&action, act, people) {
                Ok(()) => Ok(ActEnd::Done {
                    good: true,
                    title: format!("{} is condemned", action.name),
                    lines: vec!["Destroy it. Nothing is written to it or read from it.".into()],
                }),
                Err(undone) => self.undone(undone),
            };
        }
        let Some(found) = all.into_iter().find(|one| one.name == name) else {
            return stopped(Interrupted::Aborted);
        };
        let action = RetirePrinter {
            id: found.id,
            name,
            serial: found.serial,
            reason,
        };
        match self.act(&action, act, people) {
            Ok(()) => Ok(ActEnd::Done {
                good: true,
                title: format!("{} is retired", action.name),
                lines: vec![
                    "Nothing is sent to it any more. Another may stand at its socket.".into(),
                    "Batches of PIN mailers that it had go on at another one: More, Another \
                     printer."
                        .into(),
                ],
            }),
            Err(undone) => self.undone(undone),
        }
    }

    pub(crate) fn bar_pin_partner(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let act = "Bar an issuer";
        let all = self.pin_partners();
        let names = all.iter().filter(|one| one.barred.is_none());
        let names = names.map(|one| one.issuer.clone()).collect();
        let mut question = prompt("pin-partner.bar", act, "Of whom is nothing taken?");
        form(&mut question, "Issuer", names);
        let action = loop {
            let (issuer, reason) = match which_and_why(&mut question, people) {
                Ok(said) => said,
                Err(why) => return stopped(why),
            };
            let Some(found) = all.iter().find(|one| one.issuer == issuer) else {
                return stopped(Interrupted::Aborted);
            };
            let action = BarPinPartner {
                id: found.id,
                issuer,
                signer: found.signer.fingerprint,
                reason,
            };
            match self.foreseen(&action) {
                Ok(()) => break action,
                Err(refusal) => question.refused = Some(refusal),
            }
        };
        match self.act(&action, act, people) {
            Ok(()) => Ok(ActEnd::Done {
                good: true,
                title: format!("{} is barred", action.issuer),
                lines: vec![
                    "Nothing of it is opened, no output leaves.".into(),
                    "Recording its certificates anew lifts that.".into(),
                ],
            }),
            Err(undone) => self.undone(undone),
        }
    }
}
