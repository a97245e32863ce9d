//! Which layouts forms may be printed by here, and pages of X's on paper.

use conclave_evidence::GroupId;
use conclave_keyroom::domain::device::PrinterPurpose;
use conclave_keyroom::domain::layout_approval::LayoutApproval;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Field, FieldKind, People, Prompt, PromptLine, Refusal,
};
use conclave_keyroom::vault::Compartment;
use conclave_trades::print::approval::{digest, is_shipped};
use conclave_trades::print::{Kind, Layout, PrintSample};

use crate::approve::Undone;
use crate::cards::{Interrupted, ask};
use crate::ceremony::begin::refused;
use crate::service::ActEnd;
use crate::station::Station;

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
                .any(|(_, approval)| approval.holds(&digest))
    }

    /// The text of a layout by which forms may be printed.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub(crate) fn approved_layout(&self, file: &str) -> Result<String, String> {
        let text = self.data.layout(file)?;
        if self.layout_is_approved(&text) {
            self.is_newest(&text)?;
            Ok(text)
        } else {
            Err(format!(
                "the layout {file} of this station is not approved: administrators approve it on \
                 a page of X's (devices, l)"
            ))
        }
    }

    /// No newer version of this layout is approved.
    fn is_newest(&self, text: &str) -> Result<(), String> {
        let layout = Layout::parse(text).map_err(|e| e.to_string())?;
        let newer = self
            .records::<LayoutApproval>(LayoutApproval::KIND)
            .iter()
            .filter(|one| one.name == layout.name() && one.version > layout.version())
            .map(|one| one.version)
            .max();
        match newer {
            None => Ok(()),
            Some(newer) => Err(format!(
                "this is version {} of the layout {}, and version {newer} was approved: put that \
                 file back, or give this one a higher version and have it approved",
                layout.version(),
                layout.name()
            )),
        }
    }

    /// Asks for a layout and a printer, and prints a page of X's.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn print_sample(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let open = self.door.vault().open_groups();
        let here: Vec<GroupId> = [
            GroupId::Administrators,
            GroupId::KeyManagers,
            GroupId::PinOperators,
        ]
        .into_iter()
        .filter(|group| open.contains(group))
        .collect();
        if here.is_empty() {
            let mut refusal = self.refusal("not logged on: Administrators or Key managers");
            refusal.advice = "Log on with one of these groups; press g.".into();
            return Err(refusal);
        }
        let enrolled = self.enrolled_printers();
        if enrolled.is_empty() {
            let mut refusal = self.refusal("no printer is enrolled");
            refusal.advice = "Administrators enrol one (devices, e).".into();
            return Err(refusal);
        }
        let mut layouts: Vec<(String, String)> = self
            .data
            .layouts()
            .into_iter()
            .filter_map(|(file, text)| text.ok().map(|text| (file, text)))
            .filter(|(_, text)| Layout::parse(text).is_ok())
            .collect();
        // What is proposed is what is wanted: a page of X's by another layout
        // costs a numbered form as well.
        let mut printers: Vec<String> = enrolled.iter().map(|p| p.name.clone()).collect();
        if here.contains(&GroupId::PinOperators) {
            let batch = self.batch_at_work();
            let own = batch
                .as_ref()
                .map(|b| (b.printer.as_str(), b.layout_digest));
            let before = |name: &str| {
                let mut used = batch.iter().flat_map(|b| &b.printers);
                used.any(|change| change.from == name)
            };
            let for_pins = |name: &str| {
                let mut pins = enrolled.iter();
                pins.any(|p| p.name == name && p.purpose == PrinterPurpose::Pins)
            };
            printers.sort_by_key(|name| {
                let is_own = own.is_some_and(|(printer, _)| printer == name);
                (!is_own, !before(name), !for_pins(name))
            });
            layouts.sort_by_key(|(_, text)| {
                let is_own = own.is_some_and(|(_, layout)| layout == digest(text));
                let mailer = Layout::parse(text).is_ok_and(|l| l.kind() == Kind::PinMailer);
                (!is_own, !mailer)
            });
        }
        if let Some((_, first)) = layouts.first() {
            printers.sort_by_key(|name| self.other_forms(first, name).is_some());
        }
        let done = self
            .ask_sample(&here, &layouts, &printers, people)
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

    /// Whose page of X's it is, where several groups are here that may print one. The
    /// forms of a batch that is at work are the operators', and so is a flush of a
    /// printer of PIN mailers: it stands in the batch's record. Administrators' pages
    /// are those on which layouts are approved.
    fn whose_page(&self, here: &[GroupId], sample: &PrintSample) -> GroupId {
        let enrolled = self.enrolled_printers();
        let purpose = enrolled.iter().find(|one| one.name == sample.printer);
        let purpose = purpose.map(|one| one.purpose);
        let own = digest(&sample.layout);
        let of_batch = || {
            let batch = self.batch_at_work();
            batch.is_some_and(|b| b.layout_digest == own && b.printer == sample.printer)
        };
        let first = match purpose {
            Some(PrinterPurpose::Pins) if sample.flush || of_batch() => GroupId::PinOperators,
            Some(PrinterPurpose::Components) if sample.flush => GroupId::KeyManagers,
            _ => GroupId::Administrators,
        };
        let theirs = here.iter().find(|group| **group == first).or(here.first());
        theirs.copied().unwrap_or(sample.group)
    }

    /// Why a page of X's of a layout does not go to a printer; nothing where it does.
    fn other_forms(&self, layout: &str, printer: &str) -> Option<Refusal> {
        let kind = Layout::parse(layout).ok()?.kind();
        let enrolled = self.enrolled_printers();
        let purpose = enrolled.iter().find(|one| one.name == printer)?.purpose;
        let refusal = || {
            refused(
                format!(
                    "{printer} is for {}, and this layout is for a {}.",
                    purpose.words(),
                    kind.words()
                ),
                "A printer of secrets prints nothing but its own forms (R10). Choose one of such \
                 forms, or one for reports.",
            )
        };
        (!kind.takes_samples(purpose)).then(refusal)
    }

    fn ask_sample(
        &self,
        here: &[GroupId],
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
                if let Some(refusal) = self.other_forms(text, printer) {
                    prompt.refused = Some(refusal);
                    continue;
                }
                let mut sample = PrintSample {
                    group: GroupId::Administrators,
                    printer: printer.clone(),
                    layout: text.clone(),
                    flush: values.get(2).is_some_and(|what| what == FLUSH),
                };
                sample.group = self.whose_page(here, &sample);
                return Ok(sample);
            }
        }
    }
}
