//! Ceremony scripts, key templates and layouts: those that came with the
//! program, and those that lie in the station's folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use conclave_evidence::Hash;
use conclave_keyroom::domain::custodian_form::{Duties, DutiesStamp};
use conclave_keyroom::domain::profile::BlockProfile;
use conclave_keyroom::domain::target_system::TargetProfile;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_trades::ceremony::{Script, parse_duties, parse_profile, parse_template};
use conclave_trades::print::Layout;
use conclave_trades::target::parse_target_profile;
use sha2::{Digest, Sha256};

/// No reviewed file is larger, in bytes.
const LARGEST: u64 = 256 * 1024;

/// What came with the program: folder, file name, text.
const SHIPPED: &[(&str, &str, &str)] = include!("shipped.in");

/// The data of a station.
pub struct Data {
    folder: PathBuf,
}

impl Data {
    /// The shipped data, and what lies in `ceremonies/`, `duties/`, `keys/`,
    /// `pins/`, `profiles/`, `targets/` and `layouts/` of this folder. A file of the folder stands in for a shipped
    /// one of the same name.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// All files of one kind, by name.
    fn files(&self, kind: &str, ending: &str) -> BTreeMap<String, Result<Vec<u8>, String>> {
        let mut files: BTreeMap<String, Result<Vec<u8>, String>> = SHIPPED
            .iter()
            .filter(|(of, _, _)| *of == kind)
            .map(|(_, name, text)| ((*name).to_owned(), Ok(text.as_bytes().to_vec())))
            .collect();
        let Ok(entries) = std::fs::read_dir(self.folder.join(kind)) else {
            return files;
        };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if !name.ends_with(ending) || name.starts_with('.') {
                continue;
            }
            files.insert(name, read(&entry.path()));
        }
        files
    }

    /// The ceremony scripts by file name; a refused one with its reason.
    #[must_use]
    pub fn scripts(&self) -> Vec<(String, Result<Script, String>)> {
        self.files("ceremonies", ".toml")
            .into_iter()
            .map(|(name, bytes)| {
                let script =
                    bytes.and_then(|bytes| Script::parse(&bytes).map_err(|e| e.to_string()));
                (name, script)
            })
            .collect()
    }

    /// One script and its exact bytes.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn script(&self, file: &str) -> Result<(Script, Vec<u8>), String> {
        let bytes = self
            .files("ceremonies", ".toml")
            .remove(file)
            .ok_or_else(|| format!("there is no script {file}"))??;
        let script = Script::parse(&bytes).map_err(|e| e.to_string())?;
        Ok((script, bytes))
    }

    /// The key templates by file name; a refused one with its reason.
    #[must_use]
    pub fn templates(&self) -> Vec<(String, Result<KeyTemplate, String>)> {
        self.files("keys", ".toml")
            .into_iter()
            .map(|(name, bytes)| {
                let template = bytes
                    .and_then(|bytes| text(&name, bytes))
                    .and_then(|text| parse_template(&name, &text).map_err(|e| e.to_string()));
                (name, template)
            })
            .collect()
    }

    /// The profiles of makers of key blocks by file name; a refused one with
    /// its reason.
    #[must_use]
    pub fn profiles(&self) -> Vec<(String, Result<BlockProfile, String>)> {
        self.files("profiles", ".toml")
            .into_iter()
            .map(|(name, bytes)| {
                let profile = bytes
                    .and_then(|bytes| text(&name, bytes))
                    .and_then(|text| parse_profile(&name, &text).map_err(|e| e.to_string()));
                (name, profile)
            })
            .collect()
    }

    /// The profiles of systems that keys go to, by file name; a refused one
    /// with its reason.
    #[must_use]
    pub fn target_profiles(&self) -> Vec<(String, Result<TargetProfile, String>)> {
        self.files("targets", ".toml")
            .into_iter()
            .map(|(name, bytes)| {
                let profile = bytes
                    .and_then(|bytes| text(&name, bytes))
                    .and_then(|text| parse_target_profile(&text).map_err(|e| e.to_string()));
                (name, profile)
            })
            .collect()
    }

    /// The duties that custodians sign for, and which text it is.
    ///
    /// # Errors
    /// Why there are none, in words.
    pub fn duties(&self) -> Result<(Duties, DutiesStamp), String> {
        let name = "custodian.toml";
        let bytes = self
            .files("duties", ".toml")
            .remove(name)
            .ok_or_else(|| format!("there are no duties {name}"))??;
        let digest = Hash(Sha256::digest(&bytes).into());
        let duties = parse_duties(name, &text(name, bytes)?).map_err(|e| e.to_string())?;
        let stamp = DutiesStamp {
            stamp: duties.stamp(),
            digest,
        };
        Ok((duties, stamp))
    }

    /// The templates for files of cards by file name, as text; an unreadable
    /// one with its reason.
    #[must_use]
    pub fn pin_templates(&self) -> Vec<(String, Result<String, String>)> {
        self.files("pins", ".toml")
            .into_iter()
            .map(|(name, bytes)| {
                let text = bytes.and_then(|bytes| text(&name, bytes));
                (name, text)
            })
            .collect()
    }

    /// The layouts by file name, as text; an unreadable one with its reason.
    #[must_use]
    pub fn layouts(&self) -> Vec<(String, Result<String, String>)> {
        self.files("layouts", ".toml")
            .into_iter()
            .map(|(name, bytes)| {
                let text = bytes.and_then(|bytes| text(&name, bytes));
                (name, text)
            })
            .collect()
    }

    /// The text of a layout that keeps every rule.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn layout(&self, file: &str) -> Result<String, String> {
        let bytes = self
            .files("layouts", ".toml")
            .remove(file)
            .ok_or_else(|| format!("there is no layout {file}"))?;
        let text = bytes.and_then(|bytes| text(file, bytes));
        let text = text.map_err(|why| format!("the layout {file} is refused: {why}"))?;
        Layout::parse(&text).map_err(|why| format!("the layout {file} is refused: {why}"))?;
        Ok(text)
    }
}

fn text(name: &str, bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|_| format!("{name} is not text"))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let size = std::fs::symlink_metadata(path)
        .map_err(|e| e.to_string())
        .and_then(|m| {
            if m.is_file() {
                Ok(m.len())
            } else {
                Err("not a file".into())
            }
        })?;
    if size > LARGEST {
        return Err(format!("larger than {LARGEST} bytes"));
    }
    std::fs::read(path).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_repository_ships_with_the_program() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let lists = [
            ("ceremonies", "templates/ceremonies"),
            ("duties", "templates/duties"),
            ("keys", "templates/keys"),
            ("pins", "templates/pins"),
            ("profiles", "profiles"),
            ("targets", "profiles/targets"),
        ];
        for (kind, folder) in lists {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                if path.is_dir() || !name.ends_with(".toml") {
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(
                    SHIPPED.contains(&(kind, name.as_str(), text.as_str())),
                    "{folder}/{name} is not in shipped.in"
                );
            }
        }
    }
}
