//! Layouts that lie in the station's folder: a page of X's of each is filed,
//! and administrators approve one after they have looked at it.

use conclave_evidence::{GroupId, Hash};
use conclave_keyroom::domain::layout_approval::LayoutApproval;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Field, FieldKind, Mark, People, Prompt, PromptLine, Refusal,
};
use conclave_keyroom::vault::Compartment;
use conclave_trades::print::approval::{
    ApproveLayout, INSPECTED_MAX, check_inspected, digest, is_shipped, sample_page,
};
use conclave_trades::print::{Layout, PrintSample};

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

    /// Asks for a layout and a printer, and prints a page of X's.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn print_sample(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let open = self.door.vault().open_groups();
        let group = [GroupId::Administrators, GroupId::KeyManagers]
            .into_iter()
            .find(|group| open.contains(group));
        let Some(group) = group else {
            let mut refusal = self.refusal("not logged on: Administrators or Key managers");
            refusal.advice = "Log on with one of these groups; press g.".into();
            return Err(refusal);
        };
        let printers: Vec<String> = self
            .enrolled_printers()
            .into_iter()
            .map(|printer| printer.name)
            .collect();
        if printers.is_empty() {
            let mut refusal = self.refusal("no printer is enrolled");
            refusal.advice = "Administrators enrol one (devices, e).".into();
            return Err(refusal);
        }
        let layouts: Vec<(String, String)> = self
            .data
            .layouts()
            .into_iter()
            .filter_map(|(file, text)| text.ok().map(|text| (file, text)))
            .filter(|(_, text)| Layout::parse(text).is_ok())
            .collect();
        let done = self
            .ask_sample(group, &layouts, &printers, people)
            .map_err(Undone::Interrupted)
            .and_then(|action| {
                self.act(&action, "print a page of X's", people)?;
                Ok(action)
            });
        match done {
            Ok(action) => Ok(ActEnd::Done {
                good: true,
                title: "The page of X's was sent to the printer".into(),
                lines: action.words(),
            }),
            Err(undone) => self.undone(undone),
        }
    }

    fn ask_sample(
        &self,
        group: GroupId,
        layouts: &[(String, String)],
        printers: &[String],
        people: &mut dyn People,
    ) -> Result<PrintSample, Interrupted> {
        const ONCE: &str = "one page of X's";
        const FLUSH: &str = "flush: twice over the printer's memory";
        let choice = |label: &str, choices: Vec<String>| Field {
            label: label.into(),
            value: choices.first().cloned().unwrap_or_default(),
            kind: FieldKind::One(choices),
            hint: String::new(),
        };
        let files: Vec<String> = layouts.iter().map(|(file, _)| file.clone()).collect();
        let mut prompt = Prompt {
            code: "layout.sample".into(),
            act: "Print a page of X's".into(),
            title: "Which layout, on which printer?".into(),
            lines: vec![PromptLine::note(
                "The page has no secret. Look whether each X stands in its place, and whether one \
                 can be read from outside.",
            )],
            ask: Ask::Form {
                fields: vec![
                    choice("Layout", files),
                    choice("Printer", printers.to_vec()),
                    choice("What", vec![ONCE.into(), FLUSH.into()]),
                ],
                submit: "print it".into(),
                done: None,
            },
            waiting_for: "whoever stands at the printer".into(),
            safe: "yes, nothing but X's is printed".into(),
            why: "Forms are brought into line before a batch, and what a printer may still have \
                  in its memory is printed over after it."
                .into(),
            ..Prompt::default()
        };
        loop {
            let Answer::Fields(values) = ask(people, &mut prompt, &mut |_| Ok(false))? else {
                continue;
            };
            let layout = layouts
                .iter()
                .find(|(file, _)| values.first() == Some(file));
            if let (Some((_, text)), Some(printer)) = (layout, values.get(1)) {
                return Ok(PrintSample {
                    group,
                    printer: printer.clone(),
                    layout: text.clone(),
                    flush: values.get(2).is_some_and(|what| what == FLUSH),
                });
            }
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
