//! A backup's folder.

use std::path::Path;

use super::bundle::plain;
use super::read::{list, most, read_capped};
use super::{Journal, Work, name};
use crate::backup::{BACKUP_FILE, SignedBackup};
use crate::cbor;
use crate::error::EvidenceError;
use crate::examine::examine;
use crate::words::digest_lines;

impl Work {
    pub(super) fn backup(&mut self, folder: &Path) {
        self.found += 1;
        let place = name(folder);
        let signed = plain(&folder.join(BACKUP_FILE))
            .and_then(|path| read_capped(&path, most(cbor::LARGEST)))
            .and_then(|bytes| SignedBackup::from_file(&bytes));
        let Some(signed) = self.report.check(&place, "is a signed backup", signed) else {
            return;
        };
        if let Ok(backup) = signed.open() {
            let known = |name: &String| {
                name == BACKUP_FILE || backup.files().any(|file| file.name == *name)
            };
            let extra = list(folder).and_then(|names| match names.iter().find(|n| !known(n)) {
                None => Ok(()),
                Some(extra) => {
                    let reason = "it is not in the manifest";
                    Err(EvidenceError::file(extra.clone(), reason))
                }
            });
            self.report.check(&place, "nothing else is in it", extra);
        }
        let report = &mut self.report;
        let checked = examine(
            &signed,
            &mut |file| {
                plain(&folder.join(&file.name)).and_then(|path| read_capped(&path, file.size))
            },
            &mut |what, result| {
                report.check(&place, what, result);
            },
        );
        let Some(checked) = checked else {
            return;
        };
        self.genesis(&place, &checked.journal.chain);
        let digest = checked.digest;
        let what = format!(
            "backup digest {digest}, {}",
            digest_lines(&digest).join(" ")
        );
        self.report.note(&place, what);
        self.journals.push(Journal {
            place,
            checked: checked.journal,
        });
    }
}
