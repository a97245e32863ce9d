//! An update's folder.

use std::path::Path;

use super::bundle::plain;
use super::read::{list, most, read_capped};
use super::{Work, name};
use crate::cbor;
use crate::error::EvidenceError;
use crate::update::{SignedUpdate, UPDATE_FILE, Update, fingerprint};
use crate::words::digest_lines;

impl Work {
    pub(super) fn update(&mut self, folder: &Path) {
        self.found += 1;
        let place = name(folder);
        let signed = plain(&folder.join(UPDATE_FILE))
            .and_then(|path| read_capped(&path, most(cbor::LARGEST)))
            .and_then(|bytes| SignedUpdate::from_file(&bytes));
        let Some(signed) = self.report.check(&place, "is a signed update", signed) else {
            return;
        };
        let Some(update) = self.report.check(
            &place,
            "the signature of the release key that it names holds",
            signed.verify(),
        ) else {
            return;
        };
        let known = |n: &String| n == UPDATE_FILE || update.files.iter().any(|f| f.name == *n);
        let extra = list(folder).and_then(|names| match names.iter().find(|n| !known(n)) {
            None => Ok(()),
            Some(extra) => Err(EvidenceError::file(
                extra.clone(),
                "it is not in the manifest",
            )),
        });
        self.report.check(&place, "nothing else is in it", extra);
        for file in &update.files {
            let checked = plain(&folder.join(&file.name))
                .and_then(|path| read_capped(&path, file.size))
                .and_then(|bytes| Update::check_file(file, &bytes));
            let what = format!("{}, {} bytes, has its digest", file.name, file.size);
            self.report.check(&place, what, checked);
        }
        let (digest, key) = (signed.digest(), fingerprint(&update.key));
        self.report.note(
            &place,
            format!(
                "version {} for {}, repository format {}",
                update.words(),
                update.target,
                update.format
            ),
        );
        let what = format!(
            "update digest {digest}, {}",
            digest_lines(&digest).join(" ")
        );
        self.report.note(&place, what);
        let what = format!(
            "compare the release key with the maker's letter: {key}, {}",
            digest_lines(&key).join(" ")
        );
        self.report.still_to_do(&place, what);
    }
}
