//! Backups: which medium, the administrators' signatures, the digest in words
//! for the paper.

use conclave_evidence::Hash;
use conclave_evidence::backup::BackupAct;
use conclave_evidence::words::digest_lines;
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::ports::dialogue::{People, Refusal};
use conclave_trades::backup::{MadeBackup, MakeBackup, contents};

use crate::act_minutes::Subject;
use crate::service::ActEnd;
use crate::station::Station;

/// A backup's digest for the paper.
pub(crate) fn in_words(digest: &Hash) -> Vec<String> {
    let mut lines = vec![format!("SHA-256 {digest}"), "In words:".to_owned()];
    lines.extend(digest_lines(digest));
    lines
}

impl Station {
    /// Makes a backup to the enrolled medium that is plugged in:
    /// administrators are logged on, and their quorum signs.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn make_backup(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let medium = self.backup_medium()?;
        let vault = self.door.vault();
        let (contents, pairs, _) =
            contents(vault).map_err(|error| self.refusal(&error.to_string()))?;
        let (number, _) = vault
            .newest()
            .map_err(|error| self.refusal(&error.to_string()))?;
        let action = MakeBackup(BackupAct {
            number,
            contents,
            pairs,
            medium: medium.id,
            medium_name: medium.name.clone(),
            serial: medium.serial,
        });
        let subject = Subject::house("Back up the station", "backup");
        match self.act_with_minutes(&action, subject, people) {
            Ok((made, filed)) => Ok(done(&made, &medium.name, filed)),
            Err(undone) => self.undone(undone),
        }
    }

    /// The enrolled medium that is plugged in, and no other.
    fn backup_medium(&mut self) -> Result<MediumRecord, Refusal> {
        let enrolled = self.enrolled_media();
        let found = self
            .media
            .found()
            .map_err(|error| self.refusal(&error.to_string()))?;
        let refuse = |happened: &str, advice: &str| Refusal {
            happened: happened.into(),
            safe: "Nothing was written.".into(),
            advice: advice.into(),
        };
        match found.as_slice() {
            [] => Err(refuse(
                "No medium is plugged in.",
                "Plug an enrolled medium in, and try again.",
            )),
            [one] => enrolled
                .into_iter()
                .find(|medium| medium.serial == one.serial)
                .ok_or_else(|| {
                    refuse(
                        "The medium that is plugged in is not enrolled.",
                        "Plug an enrolled one in, or have administrators enrol it: m.",
                    )
                }),
            _ => Err(refuse(
                "More than one medium is plugged in.",
                "Leave the one for the backup only.",
            )),
        }
    }
}

fn done(made: &MadeBackup, medium: &str, filed: String) -> ActEnd {
    let mut lines = vec![
        format!(
            "{} on {medium}: {} files, {} bytes",
            made.folder, made.files, made.bytes
        ),
        "Every file was read back and compared.".to_owned(),
        "Write these words on the paper that is kept apart from the medium:".to_owned(),
    ];
    lines.extend(in_words(&made.digest));
    lines.push("Anybody can check it, without cards: conclave verify FOLDER".into());
    lines.push(filed);
    ActEnd::Done {
        good: true,
        title: "The backup is made".into(),
        lines,
    }
}
