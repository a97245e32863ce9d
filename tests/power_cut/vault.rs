//! The vault and its door at work, and what must be left of it.

use std::path::Path;

use conclave_evidence::GroupId::{Administrators, Approvers, KeyManagers};
use conclave_evidence::Id;
use conclave_keyroom::door::Warrant;
use conclave_keyroom::ports::store::Write;
use conclave_keyroom::vault::Compartment;
use conclave_keyroom::vault::engine::SledStore;

use crate::acts::{Change, Need};
use crate::recording::{FOLDER, say};
use crate::renewal::{renew, renewal};
use crate::room::memory::{apply, content_of};
use crate::room::{Content, MemoryStore, Room};

const ACTS: usize = 120;

const MANAGERS: [&str; 3] = ["Dora", "Emil", "Fay"];

/// Notes of all sizes, some new, some changed; now and then a large one.
fn act(at: usize) -> Change {
    let length = match at % 40 {
        39 => 200_000,
        7 | 23 => 20_000,
        _ => 40 + at * 37 % 900,
    };
    let text = format!("{at} {}", "x".repeat(length));
    let mut act = Change::new(Compartment::Catalogue, &text, &[Need::Session(KeyManagers)]);
    act.id = Id([u8::try_from(at * 7 % 60).unwrap(); 16]);
    act
}

/// Everything that is done, with a word after each act that was acknowledged.
/// All chance comes from seeds, so it is the same in every run.
fn live(room: &mut Room, said: &mut dyn FnMut(&Room)) {
    room.try_found().unwrap();
    said(room);
    room.logon_all(&[KeyManagers]);
    said(room);
    for at in 0..ACTS {
        if at % 30 == 29 {
            room.reopen();
            room.logon_all(&[KeyManagers]);
            said(room);
        }
        if at % 40 == 20 {
            // A re-share: all that key managers open goes under new keys.
            room.logon_all(&[Administrators, Approvers]);
            renew(room, &renewal(room, KeyManagers, &MANAGERS, true));
            said(room);
        }
        room.clock.pass(1000);
        room.perform(&act(at), &Warrant::default()).unwrap();
        said(room);
    }
}

/// What is recorded.
#[test]
#[ignore = "run by the tests that cut its power"]
fn work() {
    let folder = std::env::var(FOLDER).unwrap();
    let mut room = Room::returning(&Path::new(&folder).join("repository"), 0).unwrap();
    say("ready");
    live(&mut room, &mut |_| say("done"));
    // Without a word: sled writes more when it is closed.
    std::process::exit(0);
}

/// Every commit of the work, and how many there were at each word.
pub struct History {
    batches: Vec<Vec<Write>>,
    at_word: Vec<usize>,
}

impl History {
    /// The same work on a store in memory.
    pub fn replayed() -> Self {
        let store = MemoryStore::default();
        let mut room = Room::before_founding(store.clone());
        let mut at_word = vec![store.batches().len()];
        live(&mut room, &mut |_| at_word.push(store.batches().len()));
        Self {
            batches: store.batches(),
            at_word,
        }
    }

    /// The repository is exactly what some number of commits made: at least
    /// those that were acknowledged, at most those of the act in work. It opens,
    /// proves itself, and goes on.
    pub fn check(&self, said: &[&str], folder: &Path) -> Result<String, String> {
        let folder = folder.join("repository");
        let sooner = self.at_word[said.len() - 1];
        let later = self.at_word.get(said.len()).copied();
        let later = later.unwrap_or(self.batches.len());
        let content = {
            let store = SledStore::open(&folder)
                .map_err(|error| format!("{} acknowledged acts, and {error}", said.len() - 1))?;
            content_of(&store)
        };
        let commits = self
            .commits_in(&content)
            .ok_or("no number of commits is this")?;
        if commits < sooner {
            return Err(format!("{commits} commits of {sooner} acknowledged"));
        }
        if commits > later {
            return Err(format!(
                "{commits} commits, and no more than {later} were begun"
            ));
        }
        let mut room = Room::returning(&folder, 1000).map_err(|error| error.to_string())?;
        if commits < self.at_word[1] {
            return Ok("before the founding's end".into());
        }
        room.examine(content).map_err(|error| error.to_string())?;
        let intents = room.vault().open_intents().map_err(|e| e.to_string())?;
        if intents.len() > 1 {
            return Err(format!("{} intents without an outcome", intents.len()));
        }
        room.logon_all(&[KeyManagers]);
        let next = act(ACTS);
        room.perform(&next, &Warrant::default())
            .map_err(|error| format!("it does not go on: {error}"))?;
        room.reopen();
        room.logon_all(&[KeyManagers]);
        let text: String = room
            .vault()
            .get(next.compartment, next.id)
            .map_err(|error| error.to_string())?;
        if text != next.text {
            return Err("what came after the cut is not there".into());
        }
        Ok(match (commits > sooner, intents.len()) {
            (false, _) => "all that was acknowledged",
            (true, 0) => "and the act in work, whole",
            (true, _) => "and the act in work as UNKNOWN",
        }
        .into())
    }

    fn commits_in(&self, content: &Content) -> Option<usize> {
        let mut made = Content::new();
        let mut found = (made == *content).then_some(0);
        for (at, batch) in self.batches.iter().enumerate() {
            apply(&mut made, batch);
            if made == *content {
                found = Some(at + 1);
            }
        }
        found
    }
}
