//! The list of layouts, each one's page of X's on the screen, and its approval
//! by administrators after they have looked at it.

use conclave_evidence::GroupId;
use conclave_evidence::authority::Mode;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, DrawnPage, Field, FieldKind, People, Prompt, Refusal, Show,
};
use conclave_trades::print::approval::{ApproveLayout, digest, is_shipped};
use conclave_trades::print::{
    Layout, PrintSample, SENTENCE_MOST, WithdrawLayout, check_reason, draw_page,
};

use crate::approve::Undone;
use crate::cards::{Interrupted, ask, filled};
use crate::layout_next::{Next, Waiting};
use crate::pin_take_back::takes_back;
use crate::service::ActEnd;
use crate::station::Station;

pub(crate) const ACT: &str = "Layouts of forms";

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
    /// Its page of X's goes to a printer; what is next with it is asked again.
    Print(PrintSample, Waiting),
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
        match self.do_with_layout(people) {
            Ok((title, lines)) => Ok(ActEnd::Done {
                good: true,
                title: title.into(),
                lines,
            }),
            Err(undone) => self.undone(undone),
        }
    }

    fn do_with_layout(
        &mut self,
        people: &mut dyn People,
    ) -> Result<(&'static str, Vec<String>), Undone> {
        let mut chosen = self.ask_layout(people).map_err(Undone::Interrupted)?;
        loop {
            match chosen {
                Chosen::Approve(action) => {
                    self.act(&action, "approve a layout", people)?;
                    return Ok(("The layout is approved", action.words()));
                }
                Chosen::Withdraw(action) => {
                    self.act(&action, "withdraw a layout", people)?;
                    return Ok(("The layout is withdrawn", action.words()));
                }
                Chosen::Print(action, one) => {
                    self.act(&action, "print a page of X's", people)?;
                    let next = self.next_with(one, people).and_then(|next| match next {
                        Some(chosen) => Ok(chosen),
                        None => self.ask_layout(people),
                    });
                    chosen = next.map_err(Undone::Interrupted)?;
                }
            }
        }
    }

    /// What administrators want of a layout that waits; nothing where they go
    /// back to the list.
    fn next_with(
        &self,
        one: Waiting,
        people: &mut dyn People,
    ) -> Result<Option<Chosen>, Interrupted> {
        Ok(match self.ask_next(&one, people)? {
            Next::Back => None,
            Next::Print(printer) => {
                let action = PrintSample {
                    group: GroupId::Administrators,
                    printer,
                    layout: one.text.clone(),
                    flush: false,
                };
                Some(Chosen::Print(action, one))
            }
            Next::Approve(printed) => {
                let action = self.inspected(one, printed, people)?;
                Some(Chosen::Approve(action))
            }
        })
    }

    /// From the list to the page and back, until something is to be done about
    /// one.
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
            if let Some(chosen) = self.next_with(one, people)? {
                return Ok(chosen);
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
