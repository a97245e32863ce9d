//! What administrators do outside of ceremonies: enrol printers and media,
//! unlock the station.

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::{
    MediumRecord, PrinterLanguage, PrinterPurpose, PrinterRecord,
};
use conclave_keyroom::domain::people::check_name;
use conclave_keyroom::door::{Action, DoorError, Refusal as Refused};
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Field, FieldKind, Mark, People, Prompt, PromptLine, Refusal,
};
use conclave_keyroom::ports::media::KnownBy;
use conclave_keyroom::vault::{Compartment, VaultError};
use conclave_trades::media::{Condemnation, EnrolMedium, condemned};
use conclave_trades::print::EnrolPrinter;

use crate::approve::Undone;
use crate::cards::{Interrupted, ask, filled};
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::unlock::UnlockStation;

fn form(code: &str, title: &str, lines: &[String], fields: Vec<Field>) -> Prompt {
    Prompt {
        code: code.into(),
        act: title.into(),
        title: title.into(),
        lines: lines
            .iter()
            .map(|text| PromptLine {
                mark: Mark::Note,
                text: text.clone(),
            })
            .collect(),
        ask: Ask::Form {
            fields,
            submit: "go on to the signatures".into(),
            done: None,
        },
        waiting_for: "administrators".into(),
        safe: "yes, nothing is changed before two administrators have signed".into(),
        why: "A device that may take key components or carry files out is chosen by a quorum of \
              administrators, and only for one purpose."
            .into(),
        ..Prompt::default()
    }
}

fn nothing(what: &str) -> Refusal {
    Refusal {
        happened: format!("No {what} is plugged in that is not enrolled already."),
        safe: "Nothing was changed.".into(),
        advice: format!("Plug the {what} in, and try again."),
    }
}

impl Station {
    pub(crate) fn undone(&self, undone: Undone) -> Result<ActEnd, Refusal> {
        match undone {
            Undone::Interrupted(why) => stopped(why),
            Undone::Door(error) => Err(self.door_refusal(&error)),
            Undone::Card(why) => Err(self.refusal(&why)),
        }
    }

    /// What only the administrators may begin needs them logged on.
    pub(crate) fn administrators_here(&self) -> Result<(), Refusal> {
        if self
            .door
            .vault()
            .open_groups()
            .contains(&GroupId::Administrators)
        {
            return Ok(());
        }
        Err(Refusal {
            happened: "Not logged on: Administrators.".into(),
            safe: "Nothing was changed.".into(),
            advice: "The administrators log on first; press g.".into(),
        })
    }

    /// What the records say against an act: asked while its form stands there,
    /// before anybody is asked to sign.
    pub(crate) fn foreseen<A: Action>(&self, action: &A) -> Result<(), Refusal> {
        let error = self.door.foresee(action).err();
        match error {
            None => Ok(()),
            Some(error) => Err(self.door_refusal(&DoorError::Failed(error))),
        }
    }

    /// A form until what it says is an act that the records are not against: it
    /// keeps what was typed, and says what is wrong.
    ///
    /// # Errors
    /// [`Interrupted`] when people leave it.
    pub(crate) fn foreseen_form<A: Action>(
        &self,
        prompt: &mut Prompt,
        people: &mut dyn People,
        mut read: impl FnMut(&[String]) -> Result<A, Refusal>,
    ) -> Result<A, Interrupted> {
        loop {
            let values = filled(people, prompt)?;
            let action = read(&values).and_then(|action| {
                self.foreseen(&action)?;
                Ok(action)
            });
            match action {
                Ok(action) => return Ok(action),
                Err(refusal) => prompt.refused = Some(refusal),
            }
        }
    }

    /// What the door said, in three parts.
    pub(crate) fn door_refusal(&self, error: &DoorError) -> Refusal {
        use conclave_keyroom::door::ActionError;
        let mut refusal = self.refusal(&error.to_string());
        if let DoorError::Failed(
            ActionError::Rule { advice, .. }
            | ActionError::Device { advice, .. }
            | ActionError::NoMedium { advice, .. },
        ) = error
        {
            refusal.advice.clone_from(advice);
        }
        if matches!(error, DoorError::Refused(Refused::DiskFull)) {
            refusal.advice = "Move what others have put on the station's disk away, or have the \
                              disk replaced: make a backup now, and restore it on the new one."
                .into();
        }
        refusal
    }

    /// Printers that are there and not enrolled.
    fn new_printers(&mut self) -> Result<Vec<(String, String, bool)>, Refusal> {
        let found = self
            .printers
            .found()
            .map_err(|e| self.refusal(&e.to_string()))?;
        let behind = self
            .printers
            .found_for_reports()
            .map_err(|e| self.refusal(&e.to_string()))?;
        let enrolled = self.enrolled_printers();
        Ok(found
            .into_iter()
            .chain(behind)
            .filter(|f| !enrolled.iter().any(|e| e.serial == f.serial))
            .map(|f| (f.device, f.serial, f.training))
            .collect())
    }

    /// Enrols a printer that is not enrolled yet: which, its name and purpose are
    /// asked, and administrators sign.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn ask_printer(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let new = self.new_printers()?;
        if new.is_empty() {
            return Err(nothing("printer"));
        }
        let choices: Vec<String> = new
            .iter()
            .map(|(device, serial, _)| match device.starts_with("ipp://") {
                // The serial is a long one; signers read it.
                true => device.clone(),
                false => format!("{device} serial {serial}"),
            })
            .collect();
        let mut prompt = form(
            "enrol.printer",
            "Enrol a printer",
            &["One purpose a device, for ever: components, PINs, or reports.".to_owned()],
            vec![
                Field {
                    label: "Name".into(),
                    kind: FieldKind::Text(24),
                    value: String::new(),
                    hint: "its name in the room, for example KOMP-1".into(),
                },
                Field {
                    label: "Device".into(),
                    kind: FieldKind::One(choices.clone()),
                    value: String::new(),
                    hint: String::new(),
                },
                Field {
                    label: "Purpose".into(),
                    kind: FieldKind::One(
                        PrinterPurpose::ALL.map(|p| p.words().to_owned()).to_vec(),
                    ),
                    value: String::new(),
                    hint: "cannot be changed later".into(),
                },
                Field {
                    label: "Language".into(),
                    kind: FieldKind::One(
                        PrinterLanguage::ALL.map(|l| l.words().to_owned()).to_vec(),
                    ),
                    value: "ESC/P".into(),
                    hint: String::new(),
                },
            ],
        );
        let values = match self.ask_form(people, &mut prompt) {
            Ok(values) => values,
            Err(why) => return stopped(why),
        };
        let at = choices.iter().position(|c| values.get(1) == Some(c));
        let Some((device, serial, training)) = at.and_then(|at| new.get(at)).cloned() else {
            return Err(nothing("printer"));
        };
        let id = self
            .door
            .new_id()
            .map_err(|e| self.refusal(&e.to_string()))?;
        let printer = PrinterRecord {
            id,
            name: values.first().cloned().unwrap_or_default(),
            device,
            serial,
            purpose: PrinterPurpose::ALL
                .into_iter()
                .find(|p| values.get(2).is_some_and(|v| v == p.words()))
                .unwrap_or(PrinterPurpose::Components),
            language: PrinterLanguage::ALL
                .into_iter()
                .find(|l| values.get(3).is_some_and(|v| v == l.words()))
                .unwrap_or(PrinterLanguage::EscP),
            training,
        };
        let name = printer.name.clone();
        let title = format!("Enrol the printer {name}");
        match self.act(&EnrolPrinter { printer }, &title, people) {
            Ok(()) => Ok(ActEnd::Done {
                good: true,
                title: format!("{name} is enrolled"),
                lines: vec!["It may be used for its purpose from now on.".into()],
            }),
            Err(undone) => self.undone(undone),
        }
    }

    /// Enrols the medium that is plugged in, as [`Station::ask_printer`] does a
    /// printer.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn ask_medium(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let enrolled = self.media_on_record();
        let found = self
            .media
            .found()
            .map_err(|e| self.refusal(&e.to_string()))?;
        let new: Vec<_> = found
            .into_iter()
            .filter(|f| !enrolled.iter().any(|e| e.serial == f.serial))
            .collect();
        let Some(first) = new.first().cloned() else {
            return Err(nothing("medium"));
        };
        let mut prompt = form(
            "enrol.medium",
            "Enrol a medium",
            &[match first.known_by {
                KnownBy::Serial => format!("Plugged in: serial {}", first.serial),
                KnownBy::Port { .. } => format!("No serial number; at {}", first.serial),
                KnownBy::Drive => format!("A recorder of discs: {}", first.serial),
            }],
            vec![Field {
                label: "Name".into(),
                kind: FieldKind::Text(24),
                value: String::new(),
                hint: "the plate on it, for example STICK-1".into(),
            }],
        );
        let values = match self.ask_form(people, &mut prompt) {
            Ok(values) => values,
            Err(why) => return stopped(why),
        };
        let id = self
            .door
            .new_id()
            .map_err(|e| self.refusal(&e.to_string()))?;
        let name = values.first().cloned().unwrap_or_default();
        let plate = match first.known_by {
            KnownBy::Serial | KnownBy::Drive => None,
            KnownBy::Port { appeared, .. } => Some(self.typed_plate(&name, appeared, people)?),
        };
        let action = EnrolMedium {
            id,
            name: name.clone(),
            serial: first.serial,
            plate,
        };
        match self.act(&action, &format!("Enrol the medium {name}"), people) {
            Ok(_) => Ok(ActEnd::Done {
                good: true,
                title: format!("{name} is enrolled"),
                lines: vec![match first.known_by {
                    KnownBy::Drive => "A blank disc in it takes one bundle, once.".into(),
                    KnownBy::Serial => "Exports may be written to it from now on.".into(),
                    KnownBy::Port { .. } => {
                        "Each time it is plugged in, two people read its plate first: key r.".into()
                    }
                }],
            }),
            Err(undone) => self.undone(undone),
        }
    }

    fn ask_form(
        &self,
        people: &mut dyn People,
        prompt: &mut Prompt,
    ) -> Result<Vec<String>, Interrupted> {
        loop {
            let Answer::Fields(values) = ask(people, prompt, &mut |_| Ok(false))? else {
                continue;
            };
            let name = values.first().cloned().unwrap_or_default();
            match check_name(&name) {
                Ok(()) => return Ok(values),
                Err(error) => {
                    prompt.refused = Some(Refusal {
                        happened: format!("The name does not work: {error}."),
                        safe: "Nothing was changed.".into(),
                        advice: "Type another.".into(),
                    });
                }
            }
        }
    }

    pub(crate) fn unlock_station(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        match self.act(&UnlockStation {}, "Unlock the station", people) {
            Ok(()) => Ok(ActEnd::Done {
                good: true,
                title: "The station is unlocked".into(),
                lines: vec!["The count of failed logons is zero again.".into()],
            }),
            Err(undone) => self.undone(undone),
        }
    }

    /// Printers on record; none where the session does not read them.
    pub(crate) fn enrolled_printers(&self) -> Vec<PrinterRecord> {
        self.records(PrinterRecord::KIND)
    }

    /// How often this printer was plugged in or switched on: see
    /// [`FoundPrinter`](conclave_keyroom::ports::printer::FoundPrinter). None while it
    /// is not there.
    pub(crate) fn attached(&mut self, printer: &str) -> Option<u64> {
        let enrolled = self.enrolled_printers();
        let own = enrolled.into_iter().find(|p| p.name == printer)?;
        let found = self.printers.found().ok()?;
        let there = found.iter().find(|found| found.serial == own.serial)?;
        Some(there.attached)
    }

    /// Media in use; none where the session does not read them.
    pub(crate) fn enrolled_media(&self) -> Vec<MediumRecord> {
        let mut media = self.media_on_record();
        media.retain(|medium| matches!(self.condemned(medium), Ok(None)));
        media
    }

    /// Whether a medium takes nothing any more.
    ///
    /// # Errors
    /// [`VaultError`] where that cannot be read.
    pub(crate) fn condemned(
        &self,
        medium: &MediumRecord,
    ) -> Result<Option<Condemnation>, VaultError> {
        let vault = self.door.vault();
        condemned(medium.id, |place, id| vault.get(place, id))
    }

    /// Those, and the condemned ones.
    pub(crate) fn media_on_record(&self) -> Vec<MediumRecord> {
        self.records(MediumRecord::KIND)
    }

    pub(crate) fn records<T: serde::de::DeserializeOwned>(&self, kind: &str) -> Vec<T> {
        self.door
            .vault()
            .list::<T>(Compartment::Directory, kind)
            .map(|all: Vec<(Id, T)>| all.into_iter().map(|(_, record)| record).collect())
            .unwrap_or_default()
    }
}
