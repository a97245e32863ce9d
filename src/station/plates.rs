//! The plate of a medium without a serial number, typed by two people, each
//! without the other's entry.

use conclave_evidence::GroupId;
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::ports::media::KnownBy;
use conclave_trades::ceremony::state::{Player, Reply};
use conclave_trades::media::{PlateRead, ReadPlate, check_plate_number};

use crate::ceremony::begin::refused;
use crate::service::ActEnd;
use crate::station::Station;

/// How often the two may type it.
const TYPINGS: usize = 3;

impl Station {
    /// Two people of the session, of different groups where there are two.
    fn two_readers(&self) -> Result<[Player; 2], Refusal> {
        let order = [
            GroupId::KeyManagers,
            GroupId::Approvers,
            GroupId::Administrators,
        ];
        let mut all: Vec<Player> = Vec::new();
        // One of each group first, then the rest.
        for round in 0..2 {
            for group in order {
                let members = self.session.groups.get(&group).into_iter().flatten();
                let players = members.map(|m| Player {
                    id: m.person,
                    name: m.name.clone(),
                    group,
                    reports_to: String::new(),
                });
                let most = if round == 0 { 1 } else { usize::MAX };
                let fresh: Vec<Player> = players
                    .filter(|p| all.iter().all(|other| other.id != p.id))
                    .take(most)
                    .collect();
                all.extend(fresh);
            }
        }
        all.truncate(2);
        <[Player; 2]>::try_from(all)
            .map_err(|_| refused("Two people are wanted.", "A group logs on first."))
    }

    /// Has a plate's number typed by two, of the medium that `appeared` so.
    pub(crate) fn typed_plate(
        &mut self,
        name: &str,
        appeared: u64,
        people: &mut dyn People,
    ) -> Result<PlateRead, Refusal> {
        let given_up = || refused("It was given up.", "Begin again.");
        let two = self.two_readers()?;
        let mut again: Option<Refusal> = None;
        for _ in 0..TYPINGS {
            let mut typed: Vec<String> = Vec::new();
            for (at, who) in two.iter().enumerate() {
                let code = ["plate.first", "plate.second"][at];
                let mut prompt = Prompt {
                    code: format!("{code}.card"),
                    act: format!("The plate of {name}"),
                    title: "A medium without a serial number".into(),
                    lines: vec![PromptLine::note(format!(
                        "{} reads the number on its plate, and types it alone.",
                        who.name
                    ))],
                    waiting_for: who.name.clone(),
                    safe: "yes, nothing is written".into(),
                    why: "The station cannot tell this medium from another one in its port: two \
                          people do."
                        .into(),
                    refused: again.take(),
                    ..Prompt::default()
                };
                match self.identify(people, who, "read the plate", &mut prompt) {
                    Reply::Identified(id) if id == who.id => {}
                    Reply::Failed(why) => return Err(refused(why, "Begin again.")),
                    _ => return Err(given_up()),
                }
                prompt.code = code.into();
                prompt.ask = Ask::Text {
                    label: "Number".into(),
                    hint: "capital letters and digits".into(),
                    max: 12,
                    masked: at > 0,
                };
                match self.ask_watched(&mut prompt, people) {
                    Ok(Answer::Word(word)) => typed.push(word.trim().to_ascii_uppercase()),
                    _ => return Err(given_up()),
                }
            }
            let number = typed.first().cloned().unwrap_or_default();
            let why = if typed.iter().any(|other| *other != number) {
                "The two did not type the same number."
            } else if check_plate_number(&number).is_err() {
                "A plate has 4 to 12 capital letters and digits."
            } else {
                return Ok(PlateRead {
                    number,
                    appeared,
                    by: two.into(),
                });
            };
            again = Some(refused(why, "Look at the plate. Both type it again."));
        }
        // What cannot be journalled shows at the next act.
        let _ = self.door.note(
            "plate-read",
            format!("{name}: typed {TYPINGS} times, and never the same"),
        );
        Err(again.unwrap_or_else(given_up))
    }

    /// Two people say that the medium in a port is the enrolled one.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn read_plate(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let found = self
            .media
            .found()
            .map_err(|e| self.refusal(&e.to_string()))?;
        let unread = found.iter().find_map(|f| match f.known_by {
            KnownBy::Port {
                plate_read: false,
                appeared,
            } => Some((&f.serial, appeared)),
            _ => None,
        });
        let enrolled = self.enrolled_media();
        let medium = unread.and_then(|(serial, appeared)| {
            let known = enrolled.iter().find(|e| e.serial == *serial)?;
            Some((known.clone(), appeared))
        });
        let Some((medium, appeared)) = medium else {
            return Err(refused(
                "No medium is plugged in whose plate has to be read.",
                "Plug it into the port that it was enrolled in; others need no plate.",
            ));
        };
        let action = ReadPlate {
            medium: medium.id,
            name: medium.name.clone(),
            read: self.typed_plate(&medium.name, appeared, people)?,
        };
        match self.act(&action, &format!("The plate of {}", medium.name), people) {
            Ok(()) => Ok(ActEnd::Done {
                good: true,
                title: format!("{} is in its port", medium.name),
                lines: vec!["It may be used until it is pulled.".into()],
            }),
            Err(undone) => self.undone(undone),
        }
    }
}
