//! Installed programs in a folder: `0.2.0/`, `0.1.0/`, and two links, `current`
//! and `former`. Whoever starts the station starts `current/conclave`.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use conclave_evidence::backup::FILE_MOST;
use conclave_evidence::update::{UPDATE_FILE, read_version};
use conclave_keyroom::domain::Permission;
use conclave_keyroom::ports::programs::{Programs, ProgramsError, Standing};

const CURRENT: &str = "current";
const FORMER: &str = "former";
/// How often a running self-test is looked at, and how many looks it has.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: usize = 3000;
/// How often a program that is still busy is tried again.
const BUSY_LOOKS: usize = 100;

/// The folder.
pub struct HostPrograms {
    folder: PathBuf,
    /// Called before each step that changes the disk: a test cuts the power
    /// there.
    before: Box<dyn FnMut(&str) -> Result<(), ProgramsError> + Send>,
}

fn failed(error: std::io::Error) -> ProgramsError {
    ProgramsError::Failed(error.to_string())
}

fn sync(folder: &Path) -> Result<(), ProgramsError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}

impl HostPrograms {
    /// Programs below this folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            before: Box::new(|_| Ok(())),
        }
    }

    /// The same, with somebody who looks on before each step.
    #[must_use]
    pub fn watched(
        folder: &Path,
        before: Box<dyn FnMut(&str) -> Result<(), ProgramsError> + Send>,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            before,
        }
    }

    /// The version a link leads to, where it is one of ours.
    fn link(&self, name: &str) -> Result<Option<String>, ProgramsError> {
        match fs::read_link(self.folder.join(name)) {
            Ok(to) => {
                let version = to.to_str().filter(|to| read_version(to).is_some());
                version.map(str::to_owned).map(Some).ok_or_else(|| {
                    ProgramsError::Failed(format!("{name} leads to {}", to.display()))
                })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Lets a link lead elsewhere, at once.
    fn lead(&mut self, name: &str, to: &str) -> Result<(), ProgramsError> {
        let new = self.folder.join(format!(".{name}"));
        (self.before)("link")?;
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        symlink(to, &new).map_err(failed)?;
        (self.before)("turn the link")?;
        fs::rename(&new, self.folder.join(name)).map_err(failed)?;
        (self.before)("sync the folder")?;
        sync(&self.folder)
    }

    fn checked(&self, version: &str) -> Result<PathBuf, ProgramsError> {
        let folder = self.folder.join(version);
        match read_version(version).is_some() && folder.is_dir() {
            true => Ok(folder),
            false => Err(ProgramsError::Missing(version.into())),
        }
    }
}

impl Programs for HostPrograms {
    fn standing(&mut self) -> Result<Standing, ProgramsError> {
        Ok(Standing {
            current: self.link(CURRENT)?,
            former: self.link(FORMER)?,
        })
    }

    fn manifest(&mut self, version: &str) -> Result<Option<Vec<u8>>, ProgramsError> {
        let path = self.checked(version)?.join(UPDATE_FILE);
        match fs::metadata(&path) {
            Ok(meta) if meta.is_file() && meta.len() <= FILE_MOST => {
                fs::read(&path).map(Some).map_err(failed)
            }
            Ok(_) => Err(ProgramsError::Failed(format!(
                "{} is no manifest",
                path.display()
            ))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn place(
        &mut self,
        _: &dyn Permission,
        version: &str,
        files: &[(String, Vec<u8>)],
    ) -> Result<(), ProgramsError> {
        if read_version(version).is_none() {
            return Err(ProgramsError::Missing(version.into()));
        }
        let (new, place) = (self.folder.join(".new"), self.folder.join(version));
        fs::create_dir_all(&self.folder).map_err(failed)?;
        (self.before)("sweep")?;
        let standing = self.standing()?;
        if [standing.current, standing.former].contains(&Some(version.to_owned())) {
            return Err(ProgramsError::Failed(format!(
                "version {version} stands already"
            )));
        }
        // A try that was cut short, of this version or another.
        for left in [&new, &place] {
            match fs::remove_dir_all(left) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        fs::create_dir(&new).map_err(failed)?;
        for (name, bytes) in files {
            (self.before)("write a file")?;
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o755)
                .open(new.join(name))
                .map_err(failed)?;
            let (half, rest) = bytes.split_at(bytes.len() / 2);
            file.write_all(half).map_err(failed)?;
            (self.before)("write the rest")?;
            file.write_all(rest).map_err(failed)?;
            file.sync_all().map_err(failed)?;
        }
        sync(&new)?;
        (self.before)("name the version")?;
        fs::rename(&new, &place).map_err(failed)?;
        sync(&self.folder)
    }

    fn self_test(&mut self, _: &dyn Permission, version: &str) -> Result<(), ProgramsError> {
        let wrong = |why: String| ProgramsError::SelfTest(why);
        let program = self.checked(version)?.join("conclave");
        let mut child = start(&program).map_err(|error| wrong(error.to_string()))?;
        for _ in 0..LOOKS {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(wrong(status.to_string())),
                Ok(None) => std::thread::sleep(LOOK),
                Err(error) => return Err(wrong(error.to_string())),
            }
        }
        let _ = child.kill();
        let _ = child.wait();
        Err(wrong("it did not end within a minute".into()))
    }

    fn switch(&mut self, _: &dyn Permission, version: &str) -> Result<(), ProgramsError> {
        self.checked(version)?;
        let before = self.link(CURRENT)?;
        if before.as_deref() == Some(version) {
            return Ok(());
        }
        // The former first: cut between the two, the old one stands, and is its
        // own former until the next try.
        if let Some(before) = &before {
            self.lead(FORMER, before)?;
        }
        self.lead(CURRENT, version)
    }
}

/// Starts a program's self-test. A program of which a moment ago the bytes were
/// written may be *busy*: another thread that started some program at that
/// moment took the open file with it, until its own `exec`. That passes.
fn start(program: &Path) -> std::io::Result<Child> {
    let mut looks = 0;
    loop {
        let started = Command::new(program)
            .arg("selftest")
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match started {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && looks < BUSY_LOOKS => {
                looks += 1;
                std::thread::sleep(LOOK);
            }
            other => return other,
        }
    }
}
