//! The software update: chosen on a medium, its digest compared with the
//! maker's letter by two people, a backup first, administrators' signatures.

use conclave_evidence::update::{Update, fingerprint};
use conclave_evidence::words::digest_lines;
use conclave_evidence::{Hash, Point};
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, People, Prompt, PromptLine, Refusal, Show,
};
use conclave_keyroom::ports::programs::{Programs, ProgramsError, Standing};
use conclave_trades::update::{
    FoundUpdate, InstallUpdate, RollBack, VERSION, is_backed_up, may_install, no_way_back,
    update_folders,
};

use crate::act_minutes::Subject;
use crate::cards::{Interrupted, ask};
use crate::service::{ActEnd, stopped};
use crate::station::Station;

const TITLE: &str = "Software update";
const WHY: &str = "A program that is not the maker's could do anything here. The maker's key signs \
                   each update, a letter says which one it is, and two people compare the two \
                   before administrators sign. A backup comes first: it opens with the program \
                   that made it.";

/// Digits of the digest that are typed from the letter.
const TYPED: usize = 8;

fn prompt(code: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: TITLE.into(),
        title: TITLE.into(),
        waiting_for: "administrators".into(),
        safe: "yes, the program that stands is not touched before the last signature".into(),
        why: WHY.into(),
        ..Prompt::default()
    }
}

fn refused(happened: impl Into<String>, advice: impl Into<String>) -> Refusal {
    Refusal {
        happened: happened.into(),
        safe: "Nothing was installed.".into(),
        advice: advice.into(),
    }
}

fn never(_: &mut Prompt) -> Result<bool, Interrupted> {
    Ok(false)
}

/// One of several, by its place.
fn choose(
    question: &mut Prompt,
    options: Vec<Choice>,
    people: &mut dyn People,
) -> Result<usize, Interrupted> {
    let count = options.len();
    question.ask = Ask::Choose { options };
    loop {
        if let Answer::Chosen(at) = ask(people, question, &mut never)?
            && at < count
        {
            return Ok(at);
        }
    }
}

/// One person reads the words, another compares the letter; then the first
/// digits are typed from the letter, so that there is one.
fn compare(update: &Update, digest: &Hash, people: &mut dyn People) -> Result<(), Interrupted> {
    let mut question = prompt("update.digest");
    question.lines = vec![
        PromptLine::note(format!("Version {}: {}", update.words(), update.note)),
        PromptLine::note("One reads these words aloud, another compares the maker's letter."),
        PromptLine::note(format!("SHA-256 {}", digest.to_string().to_uppercase())),
    ];
    question.show = Some(Show::Words {
        of: format!("version {}", update.words()),
        words: digest_lines(digest)
            .iter()
            .flat_map(|line| line.split(' '))
            .map(str::to_owned)
            .collect(),
    });
    question.ask = Ask::Confirm {
        key: 'w',
        label: "the words are those of the letter".into(),
    };
    while !matches!(ask(people, &mut question, &mut never)?, Answer::Confirmed) {}
    let mut question = prompt("update.typed");
    question.lines = vec![PromptLine::note(
        "The other one types from the letter, not from the screen before.",
    )];
    question.ask = Ask::Text {
        label: format!("First {TYPED} digits of the SHA-256"),
        hint: "from the maker's letter".into(),
        max: TYPED,
        masked: false,
    };
    loop {
        if let Answer::Word(word) = ask(people, &mut question, &mut never)? {
            let digits = digest.to_string();
            if word.len() == TYPED && digits[..TYPED].eq_ignore_ascii_case(&word) {
                return Ok(());
            }
            question.refused = Some(refused(
                "These are not the first digits of this update.",
                "Compare the letter again. Another digest is another program: stop with Esc.",
            ));
        }
    }
}

impl Station {
    /// Tells the station where its programs are, and whose updates it takes.
    #[must_use]
    pub fn with_programs(mut self, programs: Box<dyn Programs>, key: Option<Point>) -> Self {
        self.programs = programs;
        self.release_key = key;
        self
    }

    fn standing(&mut self) -> Result<Standing, Refusal> {
        self.programs.standing().map_err(|error| match error {
            ProgramsError::Nowhere => refused(
                "This station is not told where its programs are installed.",
                "Whoever installs it writes [update] into station.toml; the page on updates says \
                 how.",
            ),
            other => self.refusal(&other.to_string()),
        })
    }

    /// The menu: install an update, or go back.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn update_software(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let standing = self.standing()?;
        let mut question = prompt("update.what");
        question.lines = vec![PromptLine::note(format!(
            "This is version {VERSION}. Installed: {}; before it: {}.",
            standing.current.as_deref().unwrap_or("none"),
            standing.former.as_deref().unwrap_or("none")
        ))];
        let options = vec![
            Choice {
                label: "Install an update".into(),
                detail: "from an enrolled medium".into(),
            },
            Choice {
                label: "Go back to the former program".into(),
                detail: "while it knows the repository's format".into(),
            },
        ];
        match choose(&mut question, options, people) {
            Ok(0) => self.install_update(people),
            Ok(_) => self.roll_back(people),
            Err(why) => stopped(why),
        }
    }

    /// Installs an update from the enrolled medium that is plugged in.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn install_update(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let Some(key) = self.release_key else {
            return Err(refused(
                "This station knows no release key.",
                "Whoever installs it writes [update] into station.toml; the page on updates says \
                 how.",
            ));
        };
        let current = self.standing()?.current;
        let found = match self.choose_update(people)? {
            Ok(found) => found,
            Err(why) => return stopped(why),
        };
        let update = found
            .update
            .map_err(|error| refused(format!("This update does not hold: {error}."), KEEP))?;
        may_install(&update, &key, current.as_deref())
            .map_err(|(happened, advice)| refused(happened, advice))?;
        if let Err(why) = compare(&update, &found.digest, people) {
            return stopped(why);
        }
        if let Some(end) = self.backup_first(people)? {
            return Ok(end);
        }
        let known = self.door.vault().format();
        let known = known.map_err(|error| self.refusal(&error.to_string()))?;
        let brings = (update.format > known).then_some(update.format);
        let action = InstallUpdate {
            version: update.version,
            brings,
            digest: found.digest,
            key,
            serial: found.place.serial,
            folder: found.place.folder,
            current,
        };
        let title = format!("Install version {}", update.words());
        match self.act_with_minutes(&action, Subject::house(&title, "update"), people) {
            Ok(((), filed)) => Ok(ActEnd::Done {
                good: true,
                title: format!("Version {} is installed", update.words()),
                lines: vec![
                    "Its self-test passed. It stands from the next start on: log out, end the \
                     program, start it again."
                        .into(),
                    match brings {
                        None => {
                            "Until then this program goes on. The former one is kept: «Go back to \
                                 the former program»."
                                .into()
                        }
                        Some(format) => format!("{}.", no_way_back(format)),
                    },
                    format!("Release key {}", fingerprint(&key)),
                    filed,
                ],
            }),
            Err(undone) => self.undone(undone),
        }
    }

    fn choose_update(
        &mut self,
        people: &mut dyn People,
    ) -> Result<Result<FoundUpdate, Interrupted>, Refusal> {
        let enrolled = self.enrolled_media();
        let mut found =
            update_folders(&mut *self.media).map_err(|error| self.refusal(&error.to_string()))?;
        found.retain(|one| enrolled.iter().any(|m| m.serial == one.place.serial));
        if found.is_empty() {
            return Err(refused(
                "No update is on an enrolled medium that is plugged in.",
                "Plug the medium in; administrators enrol it first: m.",
            ));
        }
        let mut question = prompt("update.choose");
        let options = found
            .iter()
            .map(|one| Choice {
                label: one.place.folder.clone(),
                detail: match &one.update {
                    Ok(update) => format!("version {}, {}", update.words(), update.target),
                    Err(_) => "does not hold".into(),
                },
            })
            .collect();
        Ok(choose(&mut question, options, people).map(|at| found.swap_remove(at)))
    }

    /// A backup that nothing has overtaken, or one that is made now. Gives the
    /// end of the act where there is none.
    fn backup_first(&mut self, people: &mut dyn People) -> Result<Option<ActEnd>, Refusal> {
        let headers = self.door.vault().headers();
        let headers = headers.map_err(|error| self.refusal(&error.to_string()))?;
        if is_backed_up(headers.iter()) {
            return Ok(None);
        }
        let mut question = prompt("update.backup");
        question.lines = vec![
            PromptLine::note("Something was changed after the last backup, or there is none."),
            PromptLine::note("A backup is made now, to the enrolled medium that is plugged in."),
        ];
        question.ask = Ask::Confirm {
            key: 'b',
            label: "make a backup".into(),
        };
        loop {
            match ask(people, &mut question, &mut never) {
                Ok(Answer::Confirmed) => break,
                Ok(_) => {}
                Err(why) => return stopped(why).map(Some),
            }
        }
        match self.make_backup(people)? {
            ActEnd::Done { title, lines, .. } => {
                let mut told = prompt("update.backed-up");
                told.title = title;
                told.lines = lines.into_iter().map(PromptLine::note).collect();
                told.ask = Ask::Read;
                match ask(people, &mut told, &mut never) {
                    Ok(_) => Ok(None),
                    Err(why) => stopped(why).map(Some),
                }
            }
            end => Ok(Some(end)),
        }
    }

    /// Lets the former program stand again.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn roll_back(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let Standing {
            current: Some(from),
            former: Some(to),
        } = self.standing()?
        else {
            return Err(refused(
                "There is no former program to go back to.",
                "Install an update, or have the station installed anew.",
            ));
        };
        let action = RollBack {
            from,
            to: to.clone(),
        };
        let title = format!("Go back to version {to}");
        match self.act_with_minutes(&action, Subject::house(&title, "update"), people) {
            Ok(((), filed)) => Ok(ActEnd::Done {
                good: true,
                title: format!("Version {to} stands again"),
                lines: vec![
                    "Log out, end the program, start it again. Tell the maker why.".into(),
                    filed,
                ],
            }),
            Err(undone) => self.undone(undone),
        }
    }
}

const KEEP: &str = "Do not use it. Keep the medium for the auditors, and ask the maker.";
