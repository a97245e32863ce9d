//! The papers that go with a key's sealed components: envelopes, label strips, and the
//! letter to the partner. What they say comes from custody; nothing of it is typed.

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::PrinterPurpose;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Choice, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::keys::{
    ADDRESS_MOST, EXCHANGE_LAYOUT, LETTER_LINE_MOST, LETTER_SHORT_MOST, Package, PackageForm,
    PrintExchangeLetter, PrintPackageForm, packages,
};
use conclave_trades::target::KeyName;

use crate::approve::Undone;
use crate::cards::{Interrupted, ask, filled};
use crate::ceremony::begin::{gave_up, one, optional, refused, sole, text};
use crate::service::ActEnd;
use crate::station::Station;

const ACT: &str = "Papers of components";
/// A package that papers are printed for.
struct Wanted {
    ceremony: Id,
    index: u8,
    bag: String,
    /// As people know it.
    words: String,
}

/// Every package, one after the other.
const ALL: &str = "all of them";

/// What is printed.
#[derive(Clone, Copy)]
enum Paper {
    Package(PackageForm),
    Letter,
}

/// The papers in the order in which they are offered.
const PAPERS: [(Paper, &str, &str); 3] = [
    (
        Paper::Package(PackageForm::Envelope),
        "envelopes",
        "key, part, custodian, bag; no check value",
    ),
    (
        Paper::Package(PackageForm::Strip),
        "label strips",
        "for the bags: the same, and the check value",
    ),
    (
        Paper::Letter,
        "exchange letter",
        "tells a partner of a ZMK's components",
    ),
];

/// A package as people choose it.
pub(crate) fn package_words(package: &Package<'_>) -> String {
    format!(
        "{}, {}, {}",
        package.part_words().to_lowercase(),
        package.bag,
        package.part.custodian_name
    )
}

fn wanted(package: &Package<'_>) -> Wanted {
    Wanted {
        ceremony: package.ceremony,
        index: package.part.index,
        bag: package.bag.to_owned(),
        words: package_words(package),
    }
}

fn prompt(code: &str, title: String) -> Prompt {
    Prompt {
        code: code.into(),
        act: ACT.into(),
        title,
        waiting_for: "key managers".into(),
        safe: "yes, there is no secret on these papers".into(),
        why: "Serials and check values are printed as custody has them, so that nobody copies \
              one wrongly by hand. Each print is in the journal."
            .into(),
        ..Prompt::default()
    }
}

impl Station {
    /// Prints papers for a key's sealed packages, on a report printer.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn print_key_papers(&mut self, id: Id, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        if !self
            .door
            .vault()
            .open_groups()
            .contains(&GroupId::KeyManagers)
        {
            return Err(refused(
                "Not logged on: Key managers.",
                "The key managers log on first; press g.",
            ));
        }
        let key: KeyRecord = self
            .door
            .vault()
            .get_kind(Compartment::Catalogue, KeyRecord::KIND, id)
            .map_err(|e| self.refusal(&e.to_string()))?;
        if packages(&key).is_empty() {
            return Err(refused(
                format!("{} has no sealed component in custody.", key.label),
                "Choose a key that was made or re-issued in components here. A sheet that an \
                 exercise has opened is sealed again first.",
            ));
        }
        let printers: Vec<String> = self
            .enrolled_printers()
            .into_iter()
            .filter(|printer| printer.purpose == PrinterPurpose::Reports)
            .map(|printer| printer.name)
            .collect();
        if printers.is_empty() {
            return Err(refused(
                "No printer is enrolled for reports.",
                "Administrators enrol one (devices, e): these papers never leave through the \
                 component printer.",
            ));
        }
        let Some(paper) = Self::ask_paper(&key, people)? else {
            return Ok(ActEnd::Stopped);
        };
        match paper {
            Paper::Package(form) => self.print_package_forms(&key, form, &printers, people),
            Paper::Letter => self.print_exchange_letter(&key, &printers, people),
        }
    }

    fn ask_paper(key: &KeyRecord, people: &mut dyn People) -> Result<Option<Paper>, Refusal> {
        let mut question = prompt("papers.what", format!("Which papers of {}?", key.label));
        question.ask = Ask::Choose {
            options: PAPERS
                .iter()
                .map(|(_, label, detail)| Choice {
                    label: (*label).into(),
                    detail: (*detail).into(),
                })
                .collect(),
        };
        loop {
            match ask(people, &mut question, &mut |_| Ok(false)) {
                Ok(Answer::Chosen(at)) => {
                    if let Some((paper, ..)) = PAPERS.get(at) {
                        return Ok(Some(*paper));
                    }
                }
                Ok(_) => {}
                Err(why) => return gave_up(why),
            }
        }
    }

    /// Envelopes go in one by one; a roll of labels once.
    fn print_package_forms(
        &mut self,
        key: &KeyRecord,
        form: PackageForm,
        printers: &[String],
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        let layout = self.approved_layout(form.layout_file());
        let layout = layout.map_err(|why| refused(format!("{why}."), "Have it approved first."))?;
        let Some((wanted, printer)) = Self::ask_packages(key, form, printers, people)? else {
            return Ok(ActEnd::Stopped);
        };
        let mut lines = Vec::new();
        for (at, package) in wanted.into_iter().enumerate() {
            let words = package.words;
            let loaded = match form {
                PackageForm::Strip if at > 0 => Ok(()),
                _ => load(form, &words, &printer, people),
            };
            let action = PrintPackageForm {
                key: KeyName::of(key),
                ceremony: package.ceremony,
                index: package.index,
                bag: package.bag,
                form,
                printer: printer.clone(),
                layout: layout.clone(),
            };
            let printed = loaded.map_err(Undone::Interrupted).and_then(|()| {
                people.progress(&format!("Printing on {printer}"), 0, 1);
                self.act(&action, ACT, people)
            });
            match printed {
                Ok(()) => lines.push(format!("{words}: printed")),
                Err(undone) if lines.is_empty() => return self.undone(undone),
                Err(undone) => {
                    lines.push(match self.undone(undone) {
                        Err(refusal) => format!("{words}: not printed. {}", refusal.happened),
                        Ok(_) => format!("{words}: not printed, it was given up"),
                    });
                    return Ok(ActEnd::Done {
                        good: false,
                        title: format!("Not every {} was printed", form.words()),
                        lines,
                    });
                }
            }
        }
        lines.push("Compare each with its bag before it is used.".into());
        Ok(ActEnd::Done {
            good: true,
            title: format!("Printed on {printer}"),
            lines,
        })
    }

    /// Which packages, each with its words, and on which printer.
    fn ask_packages(
        key: &KeyRecord,
        form: PackageForm,
        printers: &[String],
        people: &mut dyn People,
    ) -> Result<Option<(Vec<Wanted>, String)>, Refusal> {
        let mut all: Vec<Wanted> = packages(key).iter().map(wanted).collect();
        let mut choices = vec![ALL.to_owned()];
        choices.extend(all.iter().map(|one| one.words.clone()));
        let mut question = prompt(
            "papers.packages",
            format!("{}: {} for which package?", key.label, form.words()),
        );
        question.ask = Ask::Form {
            fields: vec![
                one("For", choices, None),
                sole("Printer", printers.to_vec()),
            ],
            submit: "go on to the printer".into(),
            done: None,
        };
        match filled(people, &mut question) {
            Ok(values) => {
                let value = |at: usize| values.get(at).cloned().unwrap_or_default();
                let chosen = value(0);
                all.retain(|one| chosen == ALL || one.words == chosen);
                Ok(Some((all, value(1))))
            }
            Err(why) => gave_up(why),
        }
    }

    fn print_exchange_letter(
        &mut self,
        key: &KeyRecord,
        printers: &[String],
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        // Both groups sign the letter by hand.
        self.ceremony_quorums()?;
        let layout = self.approved_layout(EXCHANGE_LAYOUT);
        let layout = layout.map_err(|why| refused(format!("{why}."), "Have it approved first."))?;
        let mut to = self.letter_prompt(key, printers);
        let mut ways = ways_prompt(key);
        loop {
            let values = match filled(people, &mut to) {
                Ok(values) => values,
                Err(why) => return gave_up::<()>(why).map(|_| ActEnd::Stopped),
            };
            let by = match filled(people, &mut ways) {
                Ok(by) => by,
                Err(why) => return gave_up::<()>(why).map(|_| ActEnd::Stopped),
            };
            let action = planned(key, &layout, &values, &by);
            people.progress(&format!("Printing on {}", action.printer), 0, 1);
            match self.act(&action, ACT, people) {
                Ok(()) => {
                    let mut lines = action.words();
                    lines.push("Both sign it by hand before it leaves.".into());
                    return Ok(ActEnd::Done {
                        good: true,
                        title: format!("The letter for {}", action.to),
                        lines,
                    });
                }
                Err(undone) => match self.undone(undone) {
                    Err(refusal) => to.refused = Some(refusal),
                    stopped => return stopped,
                },
            }
        }
    }

    /// Whom the letter is for.
    fn letter_prompt(&self, key: &KeyRecord, printers: &[String]) -> Prompt {
        // The entry of the journal that the print will be, near enough to find it.
        let next = self.door.vault().newest().map_or(0, |(seq, _)| seq + 1);
        let mut to = prompt(
            "papers.letter",
            format!("{} is announced to a partner", key.label),
        );
        to.lines = vec![PromptLine::note(format!(
            "{}, KCV {}, {} components",
            key.form,
            key.kcv.words(),
            key.components.len()
        ))];
        let mut fields = vec![text("To", "", "the partner's name", LETTER_LINE_MOST)];
        fields.extend((1..=ADDRESS_MOST).map(|line| {
            let label = format!("Address {line}");
            optional(&label, "", "a line of their address", LETTER_LINE_MOST)
        }));
        fields.extend([
            text(
                "Reference",
                &format!("L-{next}"),
                "names this letter",
                LETTER_SHORT_MOST,
            ),
            text(
                "Letter goes",
                "",
                "not the way of a component",
                LETTER_SHORT_MOST,
            ),
            sole("Printer", printers.to_vec()),
        ]);
        to.ask = Ask::Form {
            fields,
            submit: "go on to the components".into(),
            done: None,
        };
        to
    }
}

/// How each component goes.
fn ways_prompt(key: &KeyRecord) -> Prompt {
    let mut ways = prompt("papers.ways", "How does each component go?".into());
    ways.lines = vec![PromptLine::note(
        "Each goes by another way, and none by that of the letter (R14).",
    )];
    ways.why = "Who carries one component, or opens one parcel, must not come by a second. The \
                next one leaves when the receipt for the one before is there."
        .into();
    ways.ask = Ask::Form {
        fields: key
            .components
            .iter()
            .map(|part| {
                text(
                    &format!("Component {}", part.index),
                    "",
                    &format!("{} brings it: how", part.custodian_name),
                    LETTER_LINE_MOST,
                )
            })
            .collect(),
        submit: "print the letter".into(),
        done: None,
    };
    ways
}

fn planned(
    key: &KeyRecord,
    layout: &str,
    values: &[String],
    ways: &[String],
) -> PrintExchangeLetter {
    let value = |at: usize| values.get(at).map(|v| v.trim()).unwrap_or_default();
    let address = (1..=ADDRESS_MOST)
        .map(value)
        .filter(|line| !line.is_empty());
    PrintExchangeLetter {
        key: KeyName::of(key),
        to: value(0).to_owned(),
        address: address.map(str::to_owned).collect(),
        reference: value(ADDRESS_MOST + 1).to_owned(),
        courier: value(ADDRESS_MOST + 2).to_owned(),
        ways: ways.iter().map(|way| way.trim().to_owned()).collect(),
        printer: value(ADDRESS_MOST + 3).to_owned(),
        layout: layout.to_owned(),
    }
}

fn load(
    form: PackageForm,
    words: &str,
    printer: &str,
    people: &mut dyn People,
) -> Result<(), Interrupted> {
    let mut question = prompt("papers.load", format!("Load {printer}"));
    question.lines = match form {
        PackageForm::Envelope => vec![
            PromptLine::note(format!(
                "Put the empty envelope for {words} into {printer}."
            )),
            PromptLine::note("The sealed bag goes into it afterwards."),
        ],
        PackageForm::Strip => vec![PromptLine::note(format!(
            "Put the roll of labels, 1.5 inches high, into {printer}."
        ))],
    };
    question.waiting_for = "whoever stands at the printer".into();
    question.ask = Ask::Confirm {
        key: 'y',
        label: "print".into(),
    };
    ask(people, &mut question, &mut |_| Ok(false)).map(|_| ())
}
