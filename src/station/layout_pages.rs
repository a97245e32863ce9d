//! The list of layouts, each one's page of X's on the screen, and its approval
//! by administrators after they have looked at it.

use conclave_evidence::Hash;
use conclave_evidence::authority::Mode;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, DrawnPage, Field, FieldKind, People, Prompt, PromptLine, Refusal, Show,
};
use conclave_trades::print::approval::{
    ApproveLayout, INSPECTED_MAX, check_inspected, digest, is_shipped, sample_page,
};
use conclave_trades::print::{Layout, SENTENCE_MOST, WithdrawLayout, check_reason, draw_page};

use crate::approve::Undone;
use crate::cards::{Interrupted, ask, filled};
use crate::pin_take_back::takes_back;
use crate::service::ActEnd;
use crate::station::Station;

const ACT: &str = "Layouts of forms";

/// How many looks at the readers lie between two looks at the file.
const LOOKS: u32 = 10;

/// How a layout of the list stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Shipped,
    Approved,
    Waits,
    Refused,
}

/// A layout of the list.
struct Listed {
    file: String,
    standing: Standing,
    detail: String,
}

/// What administrators do about a layout.
enum Chosen {
    Approve(ApproveLayout),
    Withdraw(WithdrawLayout),
}

/// A layout that waits for approval.
struct Waiting {
    /// As people know it.
    shown: String,
    text: String,
    /// Where its page of X's lies.
    page: String,
    sample: Hash,
}

impl Station {
    /// Shows the layouts, and the page of X's of the one that is chosen; one
    /// that waits can be approved then: administrators say what they
    /// inspected, and sign.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn approve_layout(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let chosen = self.ask_layout(people).map_err(Undone::Interrupted);
        let done = chosen.and_then(|chosen| match chosen {
            Chosen::Approve(action) => {
                self.act(&action, "approve a layout", people)?;
                Ok(("The layout is approved", action.words()))
            }
            Chosen::Withdraw(action) => {
                self.act(&action, "withdraw a layout", people)?;
                Ok(("The layout is withdrawn", action.words()))
            }
        });
        match done {
            Ok((title, lines)) => Ok(ActEnd::Done {
                good: true,
                title: title.into(),
                lines,
            }),
            Err(undone) => self.undone(undone),
        }
    }

    /// From the list to the page and back, until one is to be approved or
    /// withdrawn.
    fn ask_layout(&self, people: &mut dyn People) -> Result<Chosen, Interrupted> {
        loop {
            let file = self.choose_layout(people)?;
            // What was looked at is what is signed, whatever the file says by
            // then.
            let Ok(text) = self.look_at_page(&file, people)? else {
                continue;
            };
            if is_shipped(&text) {
                continue;
            }
            if self.layout_is_approved(&text) {
                if let Some(action) = self.withdrawn(&text, people)? {
                    return Ok(Chosen::Withdraw(action));
                }
                continue;
            }
            let Ok(one) = self.waiting(&file, text) else {
                continue;
            };
            if self.wants_approval(&one, people)? {
                return self.inspected(one, people).map(Chosen::Approve);
            }
        }
    }

    fn choose_layout(&self, people: &mut dyn People) -> Result<String, Interrupted> {
        let mut prompt = Prompt {
            code: "layout.list".into(),
            act: ACT.into(),
            title: "Which layout?".into(),
            waiting_for: "administrators".into(),
            safe: "yes, looking changes nothing".into(),
            why: "Each layout is looked at as a page of X's. Those of the product are approved \
                  with it, but for mailers with PINs: what can be read through those is a matter \
                  of your paper. They, and layouts of this station's folder, are approved by \
                  administrators, and only then a form is printed by them."
                .into(),
            ..Prompt::default()
        };
        loop {
            let mut listed: Vec<Listed> = self
                .data
                .layouts()
                .into_iter()
                .map(|(file, _)| self.layout_state(&file))
                .collect();
            // What asks for something stands first.
            listed.sort_by_key(|one| match one.standing {
                Standing::Waits => 0,
                Standing::Refused => 1,
                Standing::Approved => 2,
                Standing::Shipped => 3,
            });
            prompt.ask = Ask::Choose {
                options: listed
                    .iter()
                    .map(|one| Choice {
                        label: one.file.clone(),
                        detail: one.detail.clone(),
                    })
                    .collect(),
            };
            if let Answer::Chosen(at) = ask(people, &mut prompt, &mut |_| Ok(false))?
                && at < listed.len()
            {
                return Ok(listed.swap_remove(at).file);
            }
        }
    }

    fn layout_state(&self, file: &str) -> Listed {
        let read = self.data.layout(file);
        let (standing, detail) = match &read {
            Err(why) => (Standing::Refused, format!("REFUSED: {why}")),
            Ok(text) => {
                let standing = if is_shipped(text) {
                    Standing::Shipped
                } else if self.layout_is_approved(text) {
                    Standing::Approved
                } else {
                    Standing::Waits
                };
                let what = Layout::parse(text).map_or_else(
                    |why| why.to_string(),
                    |layout| {
                        format!(
                            "{}, {}, version {}",
                            layout.kind().words(),
                            layout.disclosure().words(),
                            layout.version()
                        )
                    },
                );
                let state = match standing {
                    Standing::Waits => "WAITS: ",
                    Standing::Approved => "approved: ",
                    _ => "shipped: ",
                };
                (standing, format!("{state}{what}"))
            }
        };
        Listed {
            file: file.to_owned(),
            standing,
            detail,
        }
    }

    /// The page of X's on the screen. It is drawn again when the file changes:
    /// whoever writes a layout sees what they do.
    fn look_at_page(
        &self,
        file: &str,
        people: &mut dyn People,
    ) -> Result<Result<String, String>, Interrupted> {
        let mut prompt = Prompt {
            code: "layout.page".into(),
            act: format!("Page of X's: {file}"),
            ask: Ask::Read,
            safe: "yes, looking changes nothing".into(),
            why: "The page is drawn one letter a column, as wide as it is printed. What stands \
                  beside dots is outside: it can be read without opening the form. Below the \
                  page each field is named with its place."
                .into(),
            ..Prompt::default()
        };
        let mut seen = self.layout_text(file);
        prompt.show = Some(Show::Page(drawn(&seen)));
        let mut looks = 0;
        let mut again = |prompt: &mut Prompt| {
            looks += 1;
            if looks % LOOKS != 0 {
                return Ok(false);
            }
            let text = self.layout_text(file);
            let changed = seen != text;
            if changed {
                prompt.show = Some(Show::Page(drawn(&text)));
                seen = text;
            }
            Ok(changed)
        };
        while !matches!(
            ask(people, &mut prompt, &mut again)?,
            Answer::Confirmed | Answer::Deviated(_)
        ) {}
        Ok(seen)
    }

    /// A layout's file, whether it keeps the rules or not.
    fn layout_text(&self, file: &str) -> Result<String, String> {
        self.data
            .layouts()
            .into_iter()
            .find(|(name, _)| name == file)
            .map_or_else(
                || Err(format!("there is no layout {file}")),
                |(_, text)| text,
            )
    }

    fn wants_approval(&self, one: &Waiting, people: &mut dyn People) -> Result<bool, Interrupted> {
        let choice = |label: &str, detail: &str| Choice {
            label: label.into(),
            detail: detail.into(),
        };
        let mut prompt = Prompt {
            code: "layout.next".into(),
            act: ACT.into(),
            title: format!("{} waits for approval.", one.shown),
            lines: vec![PromptLine::note(format!("Its page of X's: {}", one.page))],
            ask: Ask::Choose {
                options: vec![
                    choice("Back to the list", "nothing is changed"),
                    choice(
                        "Approve it",
                        "the page was printed on the real paper and inspected",
                    ),
                ],
            },
            waiting_for: "administrators".into(),
            safe: "yes, nothing is changed before the last signature".into(),
            ..Prompt::default()
        };
        loop {
            if let Answer::Chosen(at) = ask(people, &mut prompt, &mut |_| Ok(false))? {
                return Ok(at == 1);
            }
        }
    }

    /// Whether an approved layout is taken back, and why.
    fn withdrawn(
        &self,
        text: &str,
        people: &mut dyn People,
    ) -> Result<Option<WithdrawLayout>, Interrupted> {
        let Ok(layout) = Layout::parse(text) else {
            return Ok(None);
        };
        let choices = [
            ("Back to the list", "nothing is changed"),
            ("Withdraw it", "nothing is printed by it any more"),
        ];
        if !takes_back(("layout.approved", ACT), choices, people)? {
            return Ok(None);
        }
        let mut prompt = Prompt {
            code: "layout.withdraw".into(),
            act: "Withdraw a layout".into(),
            title: format!("Why is {} withdrawn?", layout.name()),
            ask: Ask::Form {
                fields: vec![Field {
                    label: "Reason".into(),
                    kind: FieldKind::Text(SENTENCE_MOST),
                    value: String::new(),
                    hint: "what is wrong with it, in one sentence".into(),
                }],
                submit: "go on to the signatures".into(),
                done: None,
            },
            waiting_for: "administrators".into(),
            safe: "yes, nothing is changed before the last signature".into(),
            why: "Batches under way stop before their next mailer, until this layout is \
                  approved again."
                .into(),
            ..Prompt::default()
        };
        loop {
            let values = filled(people, &mut prompt)?;
            let reason = values.first().map(|v| v.trim().to_owned());
            let reason = reason.unwrap_or_default();
            let Err(happened) = check_reason(&reason) else {
                return Ok(Some(WithdrawLayout {
                    digest: digest(text),
                    name: layout.name().to_owned(),
                    reason,
                }));
            };
            prompt.refused = Some(Refusal {
                happened,
                safe: "Nothing was changed.".into(),
                advice: "Say in one sentence what is wrong with it.".into(),
            });
        }
    }

    /// A waiting layout with its page filed.
    fn waiting(&self, file: &str, text: String) -> Result<Waiting, String> {
        let layout = Layout::parse(&text).map_err(|e| e.to_string())?;
        let pdf = sample_page(&layout).map_err(|e| e.to_string())?;
        let sample = digest(&pdf);
        let name = format!(
            "{}-{}-{}.pdf",
            file.trim_end_matches(".toml"),
            layout.version(),
            sample.to_string().chars().take(8).collect::<String>()
        );
        // The page of an earlier look is the same: its name has its digest,
        // and a file is never written over.
        let page = self
            .file("samples", &name, &pdf)
            .unwrap_or_else(|_| format!("samples: {name}"));
        Ok(Waiting {
            shown: format!("{file} version {}", layout.version()),
            text,
            page,
            sample,
        })
    }

    fn inspected(
        &self,
        one: Waiting,
        people: &mut dyn People,
    ) -> Result<ApproveLayout, Interrupted> {
        let mut prompt = Prompt {
            code: "layout.approve".into(),
            act: "Approve a layout".into(),
            title: "What was inspected?".into(),
            lines: vec![PromptLine::note(format!("{}: {}", one.shown, one.page))],
            ask: Ask::Form {
                fields: vec![Field {
                    label: "Inspected".into(),
                    kind: FieldKind::Text(INSPECTED_MAX),
                    value: String::new(),
                    hint: "paper, toner or ribbon, printed page, by which light".into(),
                }],
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
            let inspected = values.first().cloned().unwrap_or_default();
            match check_inspected(&inspected) {
                Ok(()) => {
                    return Ok(ApproveLayout {
                        layout: one.text,
                        sample: one.sample,
                        inspected: inspected.trim().to_owned(),
                    });
                }
                Err(why) => {
                    prompt.refused = Some(Refusal {
                        happened: why,
                        safe: "Nothing was changed.".into(),
                        advice: "Say what you looked at, in one sentence.".into(),
                    });
                }
            }
        }
    }
}

/// The page of a layout's text; or everything that is wrong with it, by line.
fn drawn(text: &Result<String, String>) -> DrawnPage {
    let wrong = |about: &str, rows: Vec<String>| DrawnPage {
        about: vec![about.to_owned()],
        rows,
        ..DrawnPage::default()
    };
    let text = match text {
        Ok(text) => text,
        Err(why) => return wrong("This file cannot be read:", vec![format!("   {why}")]),
    };
    let layout = match Layout::read(text) {
        Ok(layout) => layout,
        Err(faults) => {
            let rows = faults.iter().map(|error| match error.file_line {
                Some(line) => format!("{line:>5}  {}", error.fault),
                None => format!("       {}", error.fault),
            });
            return wrong(
                "This layout is refused. Lines of the file, and what is wrong:",
                rows.collect(),
            );
        }
    };
    draw_page(&layout, Mode::Test)
        .unwrap_or_else(|why| wrong("This layout cannot be drawn:", vec![format!("   {why}")]))
}
