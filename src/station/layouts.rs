//! Layouts that lie in the station's folder: a page of X's of each is filed,
//! and administrators approve one after they have looked at it.

use conclave_evidence::Hash;
use conclave_keyroom::domain::layout_approval::LayoutApproval;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Field, FieldKind, Mark, People, Prompt, PromptLine, Refusal,
};
use conclave_keyroom::vault::Compartment;
use conclave_trades::print::Layout;
use conclave_trades::print::approval::{
    ApproveLayout, INSPECTED_MAX, check_inspected, digest, is_shipped, sample_page,
};

use crate::approve::Undone;
use crate::cards::{Interrupted, ask};
use crate::service::ActEnd;
use crate::station::Station;

/// A layout that waits for approval.
struct Waiting {
    /// As people choose it.
    shown: String,
    text: String,
    /// Where its page of X's lies.
    page: String,
    sample: Hash,
}

impl Station {
    /// TRUE when forms may be printed by this layout here.
    pub(crate) fn layout_is_approved(&self, text: &str) -> bool {
        let digest = digest(text);
        is_shipped(text)
            || self
                .door
                .vault()
                .list::<LayoutApproval>(Compartment::Directory, LayoutApproval::KIND)
                .unwrap_or_default()
                .iter()
                .any(|(_, approval)| approval.digest == digest)
    }

    /// The text of a layout by which forms may be printed.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub(crate) fn approved_layout(&self, file: &str) -> Result<String, String> {
        let text = self.data.layout(file)?;
        if self.layout_is_approved(&text) {
            Ok(text)
        } else {
            Err(format!(
                "the layout {file} of this station is not approved: administrators approve it on \
                 a page of X's (devices, l)"
            ))
        }
    }

    /// Files the pages of X's, asks which layout is approved and what was
    /// inspected, and administrators sign.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn approve_layout(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let (waiting, refused) = self.layouts_waiting();
        if waiting.is_empty() {
            let mut refusal = self.refusal("no layout waits for approval");
            refusal.advice = match refused.first() {
                Some(first) => format!("Have this corrected: {first}"),
                None => "Put a layout file into the station's folder layouts.".into(),
            };
            return Err(refusal);
        }
        let done = self
            .ask_layout(&waiting, &refused, people)
            .map_err(Undone::Interrupted)
            .and_then(|action| {
                self.act(&action, "approve a layout", people)?;
                Ok(action)
            });
        match done {
            Ok(action) => Ok(ActEnd::Done {
                good: true,
                title: "The layout is approved".into(),
                lines: action.words(),
            }),
            Err(undone) => self.undone(undone),
        }
    }

    /// What waits, and what is refused with its reason.
    fn layouts_waiting(&self) -> (Vec<Waiting>, Vec<String>) {
        let mut waiting = Vec::new();
        let mut refused = Vec::new();
        for (file, text) in self.data.layouts() {
            let one = text.and_then(|text| {
                if self.layout_is_approved(&text) {
                    return Ok(None);
                }
                let layout = Layout::parse(&text).map_err(|e| e.to_string())?;
                let pdf = sample_page(&layout).map_err(|e| e.to_string())?;
                let sample = digest(&pdf);
                let name = format!(
                    "{}-{}-{}.pdf",
                    file.trim_end_matches(".toml"),
                    layout.version(),
                    sample.to_string().chars().take(8).collect::<String>()
                );
                // The page of an earlier look is the same: its name has its
                // digest, and a file is never written over.
                let page = self
                    .file("samples", &name, &pdf)
                    .unwrap_or_else(|_| format!("samples: {name}"));
                Ok(Some(Waiting {
                    shown: format!("{file} version {}", layout.version()),
                    text,
                    page,
                    sample,
                }))
            });
            match one {
                Ok(Some(one)) => waiting.push(one),
                Ok(None) => {}
                Err(why) => refused.push(format!("{file} is refused: {why}")),
            }
        }
        (waiting, refused)
    }

    fn ask_layout(
        &self,
        waiting: &[Waiting],
        refused: &[String],
        people: &mut dyn People,
    ) -> Result<ApproveLayout, Interrupted> {
        let choices: Vec<String> = waiting.iter().map(|one| one.shown.clone()).collect();
        let pages = waiting
            .iter()
            .map(|one| format!("{}: {}", one.shown, one.page));
        let lines = pages
            .chain(refused.iter().cloned())
            .map(|text| PromptLine {
                mark: Mark::Note,
                text,
            })
            .collect();
        let mut prompt = Prompt {
            code: "layout.approve".into(),
            act: "Approve a layout".into(),
            title: "Which layout, and what was inspected?".into(),
            lines,
            ask: Ask::Form {
                fields: vec![
                    Field {
                        label: "Layout".into(),
                        value: choices.first().cloned().unwrap_or_default(),
                        kind: FieldKind::One(choices.clone()),
                        hint: String::new(),
                    },
                    Field {
                        label: "Inspected".into(),
                        kind: FieldKind::Text(INSPECTED_MAX),
                        value: String::new(),
                        hint: "paper, toner or ribbon, printed page, by which light".into(),
                    },
                ],
                submit: "go on to the signatures".into(),
                done: None,
            },
            waiting_for: "administrators".into(),
            safe: "yes, nothing is changed before the last signature".into(),
            why: "Print the page of X's on the real paper, fold it as it is folded, and try to \
                  read the X's from outside: against the light, by a torch from the side, with a \
                  scanner. Every place that can be read is one where a secret can be."
                .into(),
            ..Prompt::default()
        };
        loop {
            let Answer::Fields(values) = ask(people, &mut prompt, &mut |_| Ok(false))? else {
                continue;
            };
            let inspected = values.get(1).cloned().unwrap_or_default();
            let at = choices.iter().position(|c| values.first() == Some(c));
            match (
                check_inspected(&inspected),
                at.and_then(|at| waiting.get(at)),
            ) {
                (Ok(()), Some(one)) => {
                    return Ok(ApproveLayout {
                        layout: one.text.clone(),
                        sample: one.sample,
                        inspected: inspected.trim().to_owned(),
                    });
                }
                (why, _) => {
                    prompt.refused = Some(Refusal {
                        happened: why
                            .err()
                            .unwrap_or_else(|| "Choose a layout of the list.".into()),
                        safe: "Nothing was changed.".into(),
                        advice: "Say what you looked at, in one sentence.".into(),
                    });
                }
            }
        }
    }
}
