//! Installing an update: read past every cache, compared with what was signed,
//! placed beside what stands, tried, and only then let stand.

use conclave_crypto::secret::Secret;
use conclave_evidence::backup::FILE_MOST;
use conclave_evidence::update::{SignedUpdate, UPDATE_FILE, Update, fingerprint, version_words};
use conclave_evidence::{GroupId, Hash, Point};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::{UpdateRecord, is_backed_up, may_install};

/// Installs one update from one medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstallUpdate {
    /// Major, minor, patch.
    pub version: [u16; 3],
    /// The newer format that its first start brings the repository to, where it does.
    pub brings: Option<u32>,
    /// The manifest's digest, as the letter has it.
    pub digest: Hash,
    /// The release key that this station was installed with.
    pub key: Point,
    /// The medium's serial.
    pub serial: String,
    /// The folder on it.
    pub folder: String,
    /// The version that stands.
    pub current: Option<String>,
}

/// What people read before they sign, and at the end.
#[must_use]
pub fn no_way_back(format: u32) -> String {
    format!(
        "Its first start brings the repository to format {format}: from then on there is no going \
         back to the former program, but by the backup from before"
    )
}

fn wrong(what: String) -> ActionError {
    ActionError::Rule {
        rule: what,
        advice: "Nothing stands that did not stand before. Keep the medium for the auditors."
            .into(),
    }
}

impl InstallUpdate {
    /// Every file of the update, compared with its manifest.
    fn read(
        &self,
        permit: &Permit<'_>,
        ports: &mut Ports<'_>,
    ) -> Result<Vec<(String, Vec<u8>)>, ActionError> {
        let mut one = |name: &str, most: u64| {
            ports
                .media
                .read_back(permit, &self.serial, &self.folder, name, most)
                .map_err(|error| ActionError::Device {
                    what: format!("{name}: {error}"),
                    advice: "Plug the medium with this update in, and begin again.".into(),
                })
        };
        let manifest = one(UPDATE_FILE, FILE_MOST)?;
        let signed =
            SignedUpdate::from_file(&manifest).map_err(|error| wrong(error.to_string()))?;
        let update = signed.verify().map_err(|error| wrong(error.to_string()))?;
        if signed.digest() != self.digest || update.version != self.version {
            return Err(wrong(
                "this is another update than the one that was signed".into(),
            ));
        }
        may_install(&update, &self.key, self.current.as_deref())
            .map_err(|(rule, advice)| ActionError::rule(rule, advice))?;
        let newer = update.format > permit.vault().format()?;
        if self.brings != newer.then_some(update.format) {
            return Err(wrong(
                "it brings another format of the repository than was signed".into(),
            ));
        }
        let mut files = Vec::new();
        for file in &update.files {
            let bytes = one(&file.name, file.size)?;
            Update::check_file(file, &bytes).map_err(|error| wrong(error.to_string()))?;
            files.push((file.name.clone(), bytes));
        }
        files.push((UPDATE_FILE.to_owned(), manifest));
        Ok(files)
    }
}

impl Action for InstallUpdate {
    const NAME: &'static str = "install-update";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![
            format!(
                "Install version {} in place of {}",
                version_words(self.version),
                self.current.as_deref().unwrap_or("what stands")
            ),
            format!("update SHA-256 {}", self.digest),
            format!("release key {}", fingerprint(&self.key)),
        ];
        words.extend(self.brings.map(no_way_back));
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        if is_backed_up(beforehand.headers()?.iter()) {
            return Ok(());
        }
        Err(ActionError::rule(
            "something was changed after the last backup, or there is none",
            "Make a backup first: only it brings back what an update may spoil.",
        ))
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let files = self.read(permit, ports)?;
        let version = version_words(self.version);
        let failed =
            |error: conclave_keyroom::ports::programs::ProgramsError| ActionError::Device {
                what: error.to_string(),
                advice: "What stood before stands; nothing was switched.".into(),
            };
        ports
            .programs
            .place(permit, &version, &files)
            .map_err(failed)?;
        ports.programs.self_test(permit, &version).map_err(failed)?;
        ports.programs.switch(permit, &version).map_err(failed)?;
        let record = UpdateRecord {
            version,
            former: self.current.clone(),
            digest: Some(self.digest),
            at_ms: permit.now_ms(),
        };
        permit.put(
            Compartment::Directory,
            UpdateRecord::KIND,
            UpdateRecord::ID,
            &record,
        )?;
        Ok(())
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["its self-test passed; it stands from the next start on".into()]
    }
}
