//! Recovery members who hold words instead of a card from the first day on:
//! who they are, the printer of their sheets, and the proof that the words open
//! their share.

use conclave_crypto::primitive::passphrase::Passphrase;
use conclave_evidence::authority::{CardEntry, Mode};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::{PrinterLanguage, PrinterPurpose, PrinterRecord};
use conclave_keyroom::domain::people::{Person, check_name};
use conclave_keyroom::door::{ActionError, DoorError};
use conclave_keyroom::ports::dialogue::{Answer, Ask, Field, FieldKind, People, PromptLine};
use conclave_keyroom::vault::genesis::FoundingRecord;
use conclave_trades::print::may_enrol;

use super::{ACT, InitialiseEnd, SAFE_AFTER, never, prompt, refused};
use crate::approve::Undone;
use crate::cards::{Held, ask};
use crate::enrol::EnrolError;
use crate::new_words::{NewWords, Sheet};
use crate::recovery_words::{WordsFailure, by_words};
use crate::station::Station;
use crate::words;

const GROUP: GroupId = GroupId::Recovery;

/// Sheets that were printed and typed back, and the printer they came from.
#[derive(Default)]
pub(super) struct Sheets {
    pub words: Vec<NewWords>,
    pub printer: Option<PrinterRecord>,
}

/// What the founding is about, for a sheet.
pub(super) struct Of<'a> {
    pub station: Id,
    pub name: &'a str,
    pub mode: Mode,
}

/// Whether a person of the staff has a card: everybody but those who hold words
/// and belong to no other group.
pub(super) fn has_card(person: &Person, holders: &[Id]) -> bool {
    let other = person.roles.iter().any(|group| *group != GROUP);
    other || !holders.contains(&person.id)
}

/// Which recovery members hold words.
pub(super) fn ask_holders(
    people: &mut dyn People,
    staff: &[Person],
) -> Result<Vec<Id>, InitialiseEnd> {
    let members: Vec<&Person> = staff.iter().filter(|p| p.roles.contains(&GROUP)).collect();
    let mut question = prompt("init.recovery", "Recovery: cards, or words on paper?");
    question.lines = vec![
        PromptLine::note(
            "Twelve words and two check words stand for a card in this group only. They need no \
             reader and no card at a restore, and can be copied.",
        ),
        PromptLine::note("A quorum of words alone does not notice an older disk: keep cards, too."),
    ];
    question.ask = Ask::Form {
        fields: vec![Field {
            label: "Words for".into(),
            kind: FieldKind::Many(members.iter().map(|p| p.name.clone()).collect()),
            value: String::new(),
            hint: "nobody: all of them have cards".into(),
        }],
        submit: "go on".into(),
        done: None,
    };
    loop {
        let Answer::Fields(values) = ask(people, &mut question, &mut never)? else {
            continue;
        };
        let chosen = values.first().map(String::as_str).unwrap_or_default();
        let named = |person: &&&Person| chosen.split(", ").any(|name| name == person.name);
        return Ok(members.iter().filter(named).map(|p| p.id).collect());
    }
}

fn failed(station: &Station, undone: Undone) -> InitialiseEnd {
    match undone {
        Undone::Interrupted(why) => why.into(),
        Undone::Door(error) => InitialiseEnd::Refused(station.door_refusal(&error)),
        Undone::Card(why) => InitialiseEnd::Refused(station.refusal(&why)),
    }
}

impl Station {
    /// Prints everybody's words, and has them typed back.
    pub(super) fn make_sheets(
        &mut self,
        people: &mut dyn People,
        staff: &[Person],
        holders: &[Id],
        of: &Of<'_>,
    ) -> Result<Sheets, InitialiseEnd> {
        if holders.is_empty() {
            return Ok(Sheets::default());
        }
        let printer = self.ask_words_printer(people, of.mode)?;
        let class = self.door.provider_identity().class;
        let members: Vec<&Person> = staff.iter().filter(|p| p.roles.contains(&GROUP)).collect();
        let number = |at: usize| u8::try_from(at).unwrap_or(u8::MAX);
        let mut made = Vec::new();
        for (at, person) in members.iter().enumerate() {
            if !holders.contains(&person.id) {
                continue;
            }
            let sheet = Sheet {
                person,
                part: number(at + 1),
                of: number(members.len()),
                station: of.station,
                printer: &printer.name,
                question: prompt("", ""),
            };
            let done = self.new_words(&sheet, people, &mut |station, action, words| {
                let card = |why: &dyn std::fmt::Display| Undone::Card(why.to_string());
                let permit = station.door.permit_founding_sheet().map_err(|e| card(&e))?;
                let words = Passphrase::typed(words).map_err(|e| card(&e))?;
                let here = (of.name.to_owned(), of.mode, class);
                action
                    .print(&permit, &printer, here, words, &mut *station.printers)
                    .map_err(|error: ActionError| Undone::Door(DoorError::Failed(error)))
            });
            made.push(done.map_err(|undone| failed(self, undone))?);
        }
        Ok(Sheets {
            words: made,
            printer: Some(printer),
        })
    }

    /// The component printer of the station that is being founded: on record
    /// with it, for this purpose only, for ever.
    fn ask_words_printer(
        &mut self,
        people: &mut dyn People,
        mode: Mode,
    ) -> Result<PrinterRecord, InitialiseEnd> {
        let found = self
            .printers
            .found()
            .map_err(|e| InitialiseEnd::Refused(self.refusal(&e.to_string())))?;
        if found.is_empty() {
            return Err(InitialiseEnd::Refused(refused(
                "There is no printer that could print words.",
                "Plug in the printer for key components, and begin again.",
            )));
        }
        let choices: Vec<String> = found
            .iter()
            .map(|f| format!("{} serial {}", f.device, f.serial))
            .collect();
        let languages = PrinterLanguage::ALL.map(|l| l.words().to_owned()).to_vec();
        let mut question = prompt("init.printer", "The printer of the recovery words");
        question.lines = vec![PromptLine::note(
            "It becomes the printer for key components, and prints nothing else, for ever: words \
             are as secret as those.",
        )];
        let mut name = String::new();
        loop {
            let field = |label: &str, kind, value: &str, hint: &str| Field {
                label: label.into(),
                kind,
                value: value.into(),
                hint: hint.into(),
            };
            question.ask = Ask::Form {
                fields: vec![
                    field("Name", FieldKind::Text(24), &name, "for example KOMP-1"),
                    field(
                        "Device",
                        FieldKind::One(choices.clone()),
                        choices.first().map(String::as_str).unwrap_or_default(),
                        "",
                    ),
                    field("Language", FieldKind::One(languages.clone()), "ESC/P", ""),
                ],
                submit: "go on".into(),
                done: None,
            };
            let Answer::Fields(values) = ask(people, &mut question, &mut never)? else {
                continue;
            };
            let [typed, device, language] = values.as_slice() else {
                continue;
            };
            let at = choices.iter().position(|choice| choice == device);
            let Some(there) = at.and_then(|at| found.get(at)) else {
                continue;
            };
            name.clone_from(typed);
            let record = PrinterRecord {
                id: self.door.new_id().map_err(|e| self.broken(&e))?,
                name: name.clone(),
                device: there.device.clone(),
                serial: there.serial.clone(),
                purpose: PrinterPurpose::Components,
                language: PrinterLanguage::ALL
                    .into_iter()
                    .find(|l| l.words() == language)
                    .unwrap_or(PrinterLanguage::EscP),
                training: there.training,
            };
            let why = match (check_name(&name), may_enrol(mode, &[], &record)) {
                (Ok(()), Ok(())) => return Ok(record),
                (Err(error), _) => format!("The name does not work: {error}."),
                (_, Err(error)) => format!("It may not be used: {error}."),
            };
            question.refused = Some(refused(why, "Put it right, or choose another."));
        }
    }

    /// After the commit: whoever holds words opens their share with them. The
    /// keys of words that were typed a moment ago are still open; after a cut
    /// they are typed once more.
    pub(super) fn finish_words(
        &mut self,
        people: &mut dyn People,
        mut open: Vec<Held>,
    ) -> Result<(), InitialiseEnd> {
        if !self
            .door
            .vault()
            .founding_words_left()
            .map_err(|e| self.broken(&e))?
        {
            return Ok(());
        }
        let record = self.door.vault().authority().map_err(|e| self.broken(&e))?;
        let entries: Vec<CardEntry> = record
            .cards
            .iter()
            .filter(|c| c.words.is_some())
            .cloned()
            .collect();
        let mut lines = Vec::new();
        for entry in &entries {
            let at = open.iter().position(|held| held.guid == entry.card);
            let mut held = match at {
                Some(at) => open.swap_remove(at),
                None => self.typed_again(people, entry)?,
            };
            let share: Result<_, EnrolError> = self
                .door
                .open_share(GROUP, entry, |point| Ok(held.card.ecdh(point)?));
            drop(share.map_err(|e| InitialiseEnd::Refused(self.refusal(&e.to_string())))?);
            lines.push(format!(
                "words {} of {} opened their share",
                entry.card.short(),
                entry.person_name
            ));
        }
        self.door
            .founding_words_done(lines)
            .map_err(|e| self.broken(&e))
    }

    fn typed_again(
        &mut self,
        people: &mut dyn People,
        entry: &CardEntry,
    ) -> Result<Held, InitialiseEnd> {
        let mut question = prompt("init.words-left", "Recovery words open their share");
        question.act = ACT.into();
        question.safe = SAFE_AFTER.into();
        let typed = by_words(
            &mut self.door,
            people,
            &question,
            std::slice::from_ref(entry),
        );
        match typed {
            Ok((held, _)) => Ok(held),
            Err(WordsFailure::Interrupted { why, .. }) => Err(why.into()),
            Err(WordsFailure::Failed { why, .. }) => {
                Err(InitialiseEnd::Refused(self.refusal(&why)))
            }
        }
    }
}

/// The printer as a record of the founding.
pub(super) fn printer_record(printer: &PrinterRecord) -> Result<FoundingRecord, InitialiseEnd> {
    FoundingRecord::new(
        PrinterRecord::KIND,
        printer.id,
        printer,
        format!(
            "printer {} for key components: device {}, serial {}",
            printer.name, printer.device, printer.serial
        ),
    )
    .map_err(|e| InitialiseEnd::Refused(refused(format!("{e}."), "Begin again.")))
}

/// `recovery words AB12 for Ned`, for those who sign.
pub(super) fn sheet_words(sheets: &[NewWords]) -> Vec<String> {
    let names: Vec<String> = sheets
        .iter()
        .map(|new| format!("{} ({})", new.entry.person_name, new.entry.card.short()))
        .collect();
    match names.is_empty() {
        true => Vec::new(),
        false => vec![format!("Recovery words, no card: {}.", words::list(&names))],
    }
}
