//! Plain names: what every file system and every receiver takes as it stands.

use conclave_keyroom::ports::media::MediaError;

/// The longest name, in bytes.
pub const NAME_MOST: usize = 64;

/// How a file is called while it is written. No finished file ends so.
pub(super) const UNFINISHED: &str = ".part";

/// Names that are devices on Windows, with any extension.
const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];

/// Checks a file's or folder's name: 1 to 64 of `[A-Za-z0-9._-]`, no dot at
/// either end, no device name of Windows, not the mark of an unfinished file.
/// So it can be no path, no option, no hidden file, and means the same on
/// FAT.
///
/// # Errors
/// [`MediaError::Name`]
pub fn check_name(name: &str) -> Result<(), MediaError> {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    let ends = |c: char| name.starts_with(c) || name.ends_with(c);
    if name.is_empty()
        || name.len() > NAME_MOST
        || !plain
        || ends('.')
        || name.starts_with('-')
        || is_device(name)
        || name.to_ascii_lowercase().ends_with(UNFINISHED)
    {
        return Err(MediaError::Name(name.chars().take(NAME_MOST).collect()));
    }
    Ok(())
}

fn is_device(name: &str) -> bool {
    let stem = name
        .split_once('.')
        .map_or(name, |(stem, _)| stem)
        .to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    DEVICES.contains(&stem.as_str()) || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_names_pass_and_everything_else_does_not() {
        for name in [
            "manifest.cbor",
            "BANK-LAKE.ZPK.001.tr31",
            "CONCLAVE-0041-TEST",
            "CONSOLE.tr31",
            "a",
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            ".hidden",
            "dot.",
            "../x",
            "a/b",
            "a\\b",
            "a b",
            "a\0",
            "a\n",
            "é",
            "-rf",
            "NUL.tr31",
            "con",
            "com1.tr31",
            "LPT9",
            "x.part",
            "x.PART",
            &"x".repeat(65),
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_that_passes_is_one_plain_component_of_a_path(name in ".{0,80}") {
            if check_name(&name).is_ok() {
                let path = std::path::Path::new(&name);
                let parts: Vec<_> = path.components().collect();
                prop_assert_eq!(parts.len(), 1);
                prop_assert!(matches!(parts[0], std::path::Component::Normal(_)));
                prop_assert!(name.is_ascii() && name.len() <= NAME_MOST);
            }
        }

        #[test]
        fn every_label_of_a_key_makes_a_plain_name_unless_a_device_has_it(
            label in "[A-Z0-9-]{1,12}(\\.[A-Z0-9-]{1,12}){0,2}"
        ) {
            let name = format!("{label}.tr31");
            let fits = !is_device(&name) && !name.starts_with('-');
            prop_assert_eq!(check_name(&name).is_ok(), fits);
        }
    }
}
