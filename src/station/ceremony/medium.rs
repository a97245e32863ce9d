//! Which medium a ceremony's key may leave on, and whether it is in its place:
//! found out before the act begins, so that a wrong stick costs nothing.

use conclave_evidence::Id;
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::ports::dialogue::{People, Prompt, PromptLine};
use conclave_keyroom::ports::media::MediaError;
use conclave_keyroom::vault::Compartment;
use conclave_trades::ceremony::state::{MediumHere, Reply, State};
use conclave_trades::media::{single, single_to_read};
use conclave_trades::target::BundleRecord;

use crate::station::Station;
use crate::words::either;

/// How people come to another medium in the middle of a ceremony.
const ENROL: &str = "Esc, then y pauses the ceremony: administrators log on and enrol one (d, m); \
                     then both groups resume it from the task list.";

/// How a plate is read in the middle of a ceremony.
const PLATE: &str = "Leave it in its port. Esc, then y pauses the ceremony: two people read its \
                     plate (d, r), then resume it from the task list.";

/// Which medium may come now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MayCome {
    /// The one that the mandate names.
    Named(MediumRecord),
    /// That one is condemned: any other that is in use.
    Instead {
        condemned: String,
        others: Vec<MediumRecord>,
    },
    /// The one that was written.
    Written(MediumRecord),
    /// Its record is not read now.
    Unknown,
}

fn names(media: &[MediumRecord]) -> Vec<String> {
    media.iter().map(|medium| medium.name.clone()).collect()
}

impl MayCome {
    /// For the screen, before anybody plugs anything in.
    fn words(&self) -> String {
        match self {
            Self::Named(medium) => format!("Wanted: {}, and no other medium.", medium.name),
            Self::Written(medium) => format!("Wanted: {}, which was written.", medium.name),
            Self::Instead { condemned, others } if others.is_empty() => {
                format!("{condemned} is condemned, and no other medium is enrolled. {ENROL}")
            }
            Self::Instead { condemned, others } => format!(
                "{condemned} is condemned. Wanted in its place: {}. Both quorums sign for it.",
                either(&names(others))
            ),
            Self::Unknown => "Wanted: the enrolled medium.".into(),
        }
    }

    fn media(&self) -> &[MediumRecord] {
        match self {
            Self::Named(medium) | Self::Written(medium) => std::slice::from_ref(medium),
            Self::Instead { others, .. } => others,
            Self::Unknown => &[],
        }
    }

    /// What is in the way, and what to do about it.
    pub(super) fn not_ready(&self, station: &mut Station, cause: &MediaError) -> Reply {
        let wanted = either(&names(self.media()));
        let plug = match self.media() {
            [] => ENROL.to_owned(),
            _ => format!("Plug {wanted} in, then press the key again."),
        };
        let (happened, advice) = match cause {
            MediaError::Missing => ("No medium is plugged in.".into(), plug),
            MediaError::Several => (
                "More than one medium is plugged in.".into(),
                match self.media() {
                    [] => plug,
                    _ => {
                        format!("Leave {wanted} in and pull the others, then press the key again.")
                    }
                },
            ),
            MediaError::Wrong => (station.other_medium(), plug),
            MediaError::Plate => (format!("{}.", sentence(cause)), PLATE.into()),
            MediaError::ReadOnly => (
                format!("{}.", sentence(cause)),
                "Move its switch, or put a blank disc in, then press the key again.".into(),
            ),
            MediaError::Full => (
                format!("{}.", sentence(cause)),
                match self {
                    Self::Named(medium) => format!(
                        "Make room on it. Where that cannot be: Esc, then y pauses the ceremony, \
                         administrators condemn {} (d, w), and another enrolled one may come.",
                        medium.name
                    ),
                    _ => plug,
                },
            ),
            _ => (
                format!("{}.", sentence(cause)),
                "Look at the medium, then press the key again.".into(),
            ),
        };
        Reply::NotReady { happened, advice }
    }
}

/// An error's words with a capital letter.
fn sentence(cause: &MediaError) -> String {
    let words = cause.to_string();
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

impl Station {
    pub(super) fn medium_on_record(&self, id: Id) -> Option<MediumRecord> {
        self.media_on_record().into_iter().find(|m| m.id == id)
    }

    /// Which medium may come: the one that the mandate names; where that was condemned,
    /// another one, for which both quorums sign the export. What was written is read
    /// again from the medium that its bundle names.
    pub(super) fn medium_to_come(&self, state: &State, again: bool) -> MayCome {
        if again {
            let bundle = self.bundle_of(state).map(BundleRecord::id_of);
            let record = bundle.and_then(|id| {
                let vault = self.door.vault();
                vault.get::<BundleRecord>(Compartment::Export, id).ok()
            });
            let mut media = self.media_on_record().into_iter();
            let written = record.and_then(|record| media.find(|m| m.name == record.medium));
            return written.map_or(MayCome::Unknown, MayCome::Written);
        }
        let id = state.parameters.delivery.as_ref().map(|d| d.medium);
        let Some(named) = id.and_then(|id| self.medium_on_record(id)) else {
            return MayCome::Unknown;
        };
        match self.condemned(&named) {
            Ok(None) => MayCome::Named(named),
            Ok(Some(_)) => MayCome::Instead {
                condemned: named.name,
                others: self.enrolled_media(),
            },
            // Nobody says that it is in use.
            Err(_) => MayCome::Unknown,
        }
    }

    /// Asks for the medium, and looks at it when the key is pressed. Nothing where the
    /// question stands as it stood.
    pub(super) fn ask_medium_here(
        &mut self,
        state: &State,
        again: bool,
        prompt: &mut Prompt,
        people: &mut dyn People,
    ) -> Option<Reply> {
        let words = self.medium_to_come(state, again).words();
        prompt.lines.push(PromptLine::note(words));
        match self.ask_reply(people, prompt)? {
            Reply::Confirmed => Some(self.medium_here(state, again)),
            reply => Some(reply),
        }
    }

    fn medium_here(&mut self, state: &State, again: bool) -> Reply {
        let wanted = self.medium_to_come(state, again);
        let found = match self.media.found() {
            Ok(found) => found,
            Err(cause) => return wanted.not_ready(self, &cause),
        };
        let there = |medium: &&MediumRecord| found.iter().any(|f| f.serial == medium.serial);
        // Where none of them is there, `single` says what is.
        let medium = wanted.media().iter().find(there);
        let serial = medium.map(|m| m.serial.clone()).unwrap_or_default();
        let looked = match again {
            true => single_to_read(&mut *self.media, &serial),
            false => single(&mut *self.media, &serial),
        };
        match (looked, medium) {
            (Ok(_), Some(medium)) => Reply::Medium(MediumHere {
                id: medium.id,
                name: medium.name.clone(),
            }),
            (Ok(_), None) => wanted.not_ready(self, &MediaError::Wrong),
            (Err(cause), _) => wanted.not_ready(self, &cause),
        }
    }

    /// What the medium is that lies there in place of the right one.
    fn other_medium(&mut self) -> String {
        let found = self.media.found().unwrap_or_default();
        let on_record = self.media_on_record();
        let known = found
            .iter()
            .find_map(|f| on_record.iter().find(|m| m.serial == f.serial));
        let Some(known) = known else {
            return "The medium that is plugged in is not enrolled.".into();
        };
        match self.condemned(known) {
            Ok(None) => format!("This is {}, which is not wanted here.", known.name),
            Ok(Some(why)) => format!(
                "This is {}, which is condemned: {}.",
                known.name,
                why.reason().trim_end_matches('.')
            ),
            Err(error) => format!("This is {}: {error}.", known.name),
        }
    }
}
