//! `station.toml`: how this workstation is put together.

use std::path::{Path, PathBuf};

use conclave_crypto::primitive::ec::check_point;
use conclave_evidence::Point;
use serde::Deserialize;

/// The file's name in the station's folder.
pub const FILE: &str = "station.toml";

/// The longest file that is read, in bytes.
const LARGEST: u64 = 64 * 1024;

/// What a new training station gets.
const TRAINING: &str = "\
# How this workstation is put together.
#
# A training station: cards in software readers, a printer that shows its
# paper, and a stick that is the folder `stick`. Take the section out for real
# readers, printers and media.
[training]
readers = 6
cards = 24
# Milliseconds that a PIN mailer takes on the training printer; 0: it prints at once,
# and neither jams nor runs out of forms.
form_ms = 700
";

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A training station.
    pub training: Option<TrainingConfig>,
    /// Folders below which media are mounted.
    #[serde(default = "default_media")]
    pub media: Vec<PathBuf>,
    /// Recorders for discs: devices, for example `/dev/sr0`.
    #[serde(default, deserialize_with = "recorders")]
    pub recorders: Vec<PathBuf>,
    /// Where programs are installed, and whose updates are taken.
    pub update: Option<UpdateConfig>,
}

/// Software updates.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateConfig {
    /// The folder with a folder for each version, and the link `current`.
    pub programs: PathBuf,
    /// The maker's release key: an uncompressed point of P-256, 130 hex digits.
    #[serde(deserialize_with = "point")]
    pub release_key: Point,
}

fn point<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Point, D::Error> {
    use serde::de::Error;
    let text = String::deserialize(deserializer)?;
    let wrong = || D::Error::custom("release_key: a point of P-256 in 130 hex digits, from 04 on");
    let digits = text.as_bytes();
    if digits.len() != 130 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(wrong());
    }
    let mut bytes = [0; 65];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    check_point(&bytes).map(Point).map_err(|_| wrong())
}

/// Devices alone: a recorder gets what leaves the room.
fn recorders<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    use serde::de::Error;
    let all = Vec::<String>::deserialize(deserializer)?;
    let device = |path: &String| {
        let name = path.strip_prefix("/dev/").unwrap_or_default();
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if !all.iter().all(device) {
        return Err(D::Error::custom("recorders: devices, for example /dev/sr0"));
    }
    Ok(all.into_iter().map(PathBuf::from).collect())
}

fn default_media() -> Vec<PathBuf> {
    vec!["/media".into(), "/run/media".into(), "/mnt".into()]
}

/// What stands in the training room.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Readers, 1 to 16.
    pub readers: u8,
    /// Cards as delivered that lie on the table at first, 1 to 99.
    pub cards: u8,
    /// Milliseconds that the printer of PIN mailers takes for a form, at most 10,000.
    /// Zero: it prints at once, on paper without numbers.
    #[serde(default = "default_form_ms")]
    pub form_ms: u16,
}

/// What a form takes where the file does not say it, in milliseconds: long enough for
/// a hand to stop it, short enough to wait for a batch.
pub const FORM_MS: u16 = 700;

/// Longest time of a form, in milliseconds.
const MOST_FORM_MS: u16 = 10_000;

fn default_form_ms() -> u16 {
    FORM_MS
}

/// Why the file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is larger than any reviewed file.
    #[error("{0}: larger than {LARGEST} bytes")]
    Large(PathBuf),
    /// It is not of its form.
    #[error("{path}: {why}")]
    Form {
        /// The file.
        path: PathBuf,
        /// Where, and why.
        why: String,
    },
}

impl Config {
    /// Reads the file; a folder without one gets that of a training station.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn read(folder: &Path) -> Result<Self, ConfigError> {
        let path = folder.join(FILE);
        let io = |error| ConfigError::Io {
            path: path.clone(),
            error,
        };
        match std::fs::metadata(&path) {
            Ok(meta) if meta.len() > LARGEST => return Err(ConfigError::Large(path)),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                std::fs::write(&path, TRAINING).map_err(io)?;
            }
            Err(error) => return Err(io(error)),
        }
        let text = std::fs::read_to_string(&path).map_err(io)?;
        Self::parse(&text).map_err(|why| ConfigError::Form { path, why })
    }

    /// Reads the text.
    ///
    /// # Errors
    /// Where it is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|e| e.to_string().trim().to_owned())?;
        if let Some(training) = &config.training {
            if !(1..=16).contains(&training.readers) {
                return Err(format!(
                    "{} readers; 1 to 16 are possible",
                    training.readers
                ));
            }
            if !(1..=99).contains(&training.cards) {
                return Err(format!("{} cards; 1 to 99 are possible", training.cards));
            }
            if training.form_ms > MOST_FORM_MS {
                return Err(format!(
                    "form_ms = {}; 0 to {MOST_FORM_MS} are possible",
                    training.form_ms
                ));
            }
        }
        if config
            .update
            .as_ref()
            .is_some_and(|u| !u.programs.is_absolute())
        {
            return Err("update: programs is an absolute path".into());
        }
        if config.media.is_empty() || config.media.iter().any(|path| !path.is_absolute()) {
            return Err("media: at least one absolute path".into());
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_training_file_is_in_order() {
        let config = Config::parse(TRAINING).unwrap();
        assert_eq!(
            config.training,
            Some(TrainingConfig {
                readers: 6,
                cards: 24,
                form_ms: FORM_MS
            })
        );
        // What an older file does not say.
        let older = Config::parse("[training]\nreaders = 1\ncards = 3").unwrap();
        assert_eq!(older.training.map(|t| t.form_ms), Some(FORM_MS));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in [
            ("[training]\nreaders = 0\ncards = 3", "readers"),
            ("[training]\nreaders = 1\ncards = 100", "cards"),
            ("[training]\nreaders = 1", "cards"),
            (
                "[training]\nreaders = 1\ncards = 3\nform_ms = 10001",
                "form_ms",
            ),
            ("reader = 1", "reader"),
            ("media = []", "media"),
            ("media = [\"stick\"]", "absolute"),
            ("media = 3", "media"),
            ("[training", "training"),
        ] {
            let why = Config::parse(text).unwrap_err();
            assert!(why.contains(word), "{text}: {why}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            let _ = Config::parse(&text);
        }
    }
}
