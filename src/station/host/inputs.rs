//! What can type: input devices of the kernel with keys of a keyboard, and what
//! else the USB device behind one of them is.

use std::fs;
use std::path::{Path, PathBuf};

use conclave_keyroom::ports::machine::{Keyboard, Seen};

use super::block::{is_usb_device, line_of};
use super::machine::shown;

/// Classes of USB interfaces that a keyboard may have beside its keys: HID, and
/// the reader of smart cards in its case (usb.org, defined class codes).
const HID: &str = "03";
const SMART_CARD: &str = "0b";

/// The folder of the USB device that this belongs to; `None` on no USB.
pub(super) fn usb_device(device: &Path) -> Option<PathBuf> {
    // `/sys/class/*/NAME` is a link into the tree of devices.
    let device = fs::canonicalize(device).ok()?;
    let found = device.ancestors().find(|folder| {
        let name = folder.file_name().and_then(|name| name.to_str());
        name.is_some_and(is_usb_device)
    });
    found.map(Path::to_path_buf)
}

/// Keyboards below `sys/class/input` of this root; none where the kernel has no
/// such folder.
pub(super) fn keyboards(root: &Path) -> Seen<Vec<Keyboard>> {
    let class = root.join("sys/class/input");
    let entries = match fs::read_dir(&class) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("/sys/class/input: {error}")),
    };
    let mut found: Vec<(Option<PathBuf>, Keyboard)> = Vec::new();
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    for folder in folders {
        let name = folder.file_name().and_then(|name| name.to_str());
        // `eventN` and `mouseN` are ways to read `inputN`.
        if !name.is_some_and(|name| name.starts_with("input")) {
            continue;
        }
        let keys = line_of(&folder.join("capabilities/key")).unwrap_or_default();
        if !types(&keys) {
            continue;
        }
        let usb = usb_device(&folder);
        // One keyboard may show itself as several input devices.
        if usb.is_some() && found.iter().any(|(known, _)| *known == usb) {
            continue;
        }
        let title = line_of(&folder.join("name")).unwrap_or_default();
        let port = usb.as_deref().and_then(Path::file_name);
        let keyboard = Keyboard {
            name: shown(&title),
            port: port.map(|port| shown(&port.to_string_lossy())),
            also: usb.as_deref().map(others).transpose()?.unwrap_or_default(),
            made_by_a_program: by_a_program(&folder),
        };
        found.push((usb, keyboard));
    }
    Ok(found.into_iter().map(|(_, keyboard)| keyboard).collect())
}

/// TRUE for an input device that no hardware stands behind: one of uinput has no
/// device, and the device of one of uhid is the kernel's virtual one.
fn by_a_program(folder: &Path) -> bool {
    let within = |path: &Path| {
        let names: Vec<_> = path.iter().collect();
        let virtual_one = |pair: &[&std::ffi::OsStr]| pair[0] == "devices" && pair[1] == "virtual";
        names.windows(2).any(virtual_one)
    };
    !folder.join("device").exists() || fs::canonicalize(folder).is_ok_and(|path| within(&path))
}

/// Whether the bits of `capabilities/key` (words of 64 bits, the highest first)
/// have a key that writes: digits, letters and Enter of the main block (`KEY_1` 2 to
/// `KEY_M` 50), or the keypad (`KEY_KP7` 71 to `KEY_KPDOT` 83), of
/// linux/input-event-codes.h. A lid, a power button and a mouse have none.
fn types(keys: &str) -> bool {
    const MAIN: u64 = (1 << 51) - (1 << 2);
    const KEYPAD: u64 = (1 << 20) - (1 << 7);
    // The modifiers among them (29, 42) write nothing by themselves.
    const WRITING: u64 = MAIN & !(1 << 29) & !(1 << 42);
    let mut words = keys.split_whitespace().rev().map(|word| {
        // What is no number is taken for a keyboard rather than overlooked.
        u64::from_str_radix(word, 16).unwrap_or(u64::MAX)
    });
    let low = words.next().unwrap_or(0);
    let high = words.next().unwrap_or(0);
    low & WRITING != 0 || high & KEYPAD != 0
}

/// What the interfaces of a USB device are, beside a keyboard's own.
fn others(device: &Path) -> Seen<Vec<String>> {
    let entries = fs::read_dir(device).map_err(|error| format!("a USB device: {error}"))?;
    let mut found: Vec<String> = entries
        .flatten()
        .filter_map(|entry| line_of(&entry.path().join("bInterfaceClass")))
        .filter(|class| class != HID && class != SMART_CARD)
        .map(|class| match class.as_str() {
            "01" => "sound".into(),
            "02" | "0a" => "communication".into(),
            "07" => "a printer".into(),
            "08" => "a disk".into(),
            "0e" => "a camera".into(),
            "e0" => "a radio".into(),
            other => format!("class {}", shown(other)),
        })
        .collect();
    found.sort();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::types;

    #[test]
    fn keys_that_write_make_a_keyboard() {
        for keyboard in [
            "402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe",
            "10000",   // Q alone
            "fff80 0", // a keypad
            "nothing that is a number",
        ] {
            assert!(types(keyboard), "{keyboard}");
        }
        for other in [
            "0",
            "",
            "10000000000000 0", // KEY_POWER, 116
            "ff0000 0 0 0 0",   // a mouse's buttons, 272
            "20000000",         // a Ctrl by itself
        ] {
            assert!(!types(other), "{other}");
        }
    }
}
