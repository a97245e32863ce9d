//! A layout that waits for its approval: its page of X's is printed on the
//! printer of its forms, and what was seen on that page is said.

use conclave_evidence::Hash;
use conclave_evidence::show::utc;
use conclave_keyroom::domain::device::PrinterPurpose;
use conclave_keyroom::domain::layout_approval::LayoutSample;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, Field, FieldKind, People, Prompt, PromptLine, Refusal,
};
use conclave_trades::print::Layout;
use conclave_trades::print::approval::{
    ApproveLayout, INSPECTED_MAX, check_inspected, digest, sample_page,
};

use crate::cards::{Interrupted, ask};
use crate::layout_pages::ACT;
use crate::station::Station;

/// A layout that waits for approval.
pub(crate) struct Waiting {
    /// As people know it.
    shown: String,
    /// Its file.
    pub text: String,
    /// Where its page of X's lies.
    page: String,
    sample: Hash,
    /// Printers of such forms.
    purpose: PrinterPurpose,
}

/// The page of X's that was printed last: on which printer, and when.
pub(crate) struct Printed {
    printer: String,
    at_ms: u64,
}

/// What is done about a layout that waits.
pub(crate) enum Next {
    Back,
    /// Its page of X's is printed on this printer.
    Print(String),
    Approve(Printed),
}

impl Station {
    /// A waiting layout with its page filed.
    pub(crate) fn waiting(&self, file: &str, text: String) -> Result<Waiting, String> {
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
            purpose: layout.kind().purpose(),
        })
    }

    fn printers_of(&self, purpose: PrinterPurpose) -> Vec<String> {
        let all = self.enrolled_printers().into_iter();
        all.filter(|printer| printer.purpose == purpose)
            .map(|printer| printer.name)
            .collect()
    }

    /// The newest page of X's of a layout on a printer of its forms.
    fn printed(&self, one: &Waiting) -> Option<Printed> {
        let wanted = digest(&one.text);
        let printers = self.enrolled_printers();
        self.records::<LayoutSample>(LayoutSample::KIND)
            .into_iter()
            .filter(|sample| sample.digest == wanted)
            .filter_map(|sample| {
                let printer = printers.iter().find(|p| p.id == sample.printer)?;
                (printer.purpose == one.purpose).then(|| Printed {
                    printer: printer.name.clone(),
                    at_ms: sample.printed_ms,
                })
            })
            .max_by_key(|printed| printed.at_ms)
    }

    pub(crate) fn ask_next(
        &self,
        one: &Waiting,
        people: &mut dyn People,
    ) -> Result<Next, Interrupted> {
        let printers = self.printers_of(one.purpose);
        let printed = self.printed(one);
        let choice = |label: &str, detail: &str| Choice {
            label: label.into(),
            detail: detail.into(),
        };
        let on_paper = match &printed {
            Some(printed) => format!("printed on {}, {}", printed.printer, utc(printed.at_ms)),
            None => "it was not printed yet".into(),
        };
        let mut prompt = Prompt {
            code: "layout.next".into(),
            act: ACT.into(),
            title: format!("{} waits for approval.", one.shown),
            lines: vec![
                PromptLine::note(format!("Its page of X's as a file: {}", one.page)),
                PromptLine::note(format!("On paper: {on_paper}.")),
            ],
            ask: Ask::Choose {
                options: vec![
                    choice("Back to the list", "nothing is changed"),
                    choice("Print its page of X's", "on the paper of its forms"),
                    choice("Approve it", "the printed page was inspected"),
                ],
            },
            waiting_for: "administrators".into(),
            safe: "yes, nothing is changed before the last signature".into(),
            why: "What can be read from outside is a matter of printer, ribbon and paper: a page \
                  on the screen does not show it."
                .into(),
            ..Prompt::default()
        };
        let refused = |happened: String, advice: &str| Refusal {
            happened,
            safe: "Nothing was changed.".into(),
            advice: advice.into(),
        };
        loop {
            match (
                ask(people, &mut prompt, &mut |_| Ok(false))?,
                printed.as_ref(),
            ) {
                (Answer::Chosen(0), _) => return Ok(Next::Back),
                (Answer::Chosen(1), _) => match printers.as_slice() {
                    [] => {
                        prompt.refused = Some(refused(
                            format!("No printer of {} is enrolled.", one.purpose.words()),
                            "Enrol it first (devices, e).",
                        ));
                    }
                    [only] => return Ok(Next::Print(only.clone())),
                    several => return Self::which_printer(one, several, people),
                },
                (Answer::Chosen(_), Some(printed)) => {
                    return Ok(Next::Approve(Printed {
                        printer: printed.printer.clone(),
                        at_ms: printed.at_ms,
                    }));
                }
                (Answer::Chosen(_), None) => {
                    prompt.refused = Some(refused(
                        "Its page of X's was not printed yet.".into(),
                        "Print it on the paper of its forms, and look at that page.",
                    ));
                }
                _ => {}
            }
        }
    }

    fn which_printer(
        one: &Waiting,
        printers: &[String],
        people: &mut dyn People,
    ) -> Result<Next, Interrupted> {
        let options = printers.iter().map(|name| Choice {
            label: name.clone(),
            detail: one.purpose.words().into(),
        });
        let mut prompt = Prompt {
            code: "layout.printer".into(),
            act: ACT.into(),
            title: "On which printer?".into(),
            ask: Ask::Choose {
                options: options.collect(),
            },
            waiting_for: "whoever stands at the printer".into(),
            safe: "yes, nothing but X's is printed".into(),
            ..Prompt::default()
        };
        loop {
            if let Answer::Chosen(at) = ask(people, &mut prompt, &mut |_| Ok(false))?
                && let Some(name) = printers.get(at)
            {
                return Ok(Next::Print(name.clone()));
            }
        }
    }

    /// What administrators saw on the page.
    pub(crate) fn inspected(
        &self,
        one: Waiting,
        printed: Printed,
        people: &mut dyn People,
    ) -> Result<ApproveLayout, Interrupted> {
        let mut prompt = Prompt {
            code: "layout.approve".into(),
            act: "Approve a layout".into(),
            title: "What was inspected?".into(),
            lines: vec![PromptLine::note(format!(
                "{}, its page of X's on {}, {}",
                one.shown,
                printed.printer,
                utc(printed.at_ms)
            ))],
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
            why: "Fold the printed page of X's as it is folded, and try to read the X's from \
                  outside: against the light, by a torch from the side, with a scanner. Every \
                  place that can be read is one where a secret can be."
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
                        printer: printed.printer,
                        printed_ms: printed.at_ms,
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
