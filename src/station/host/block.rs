//! What the kernel tells of a block device: the folders of sysfs.

use std::fs;
use std::io::Read;
use std::path::Path;

/// A partition's disk says whether its medium can be taken out.
pub(super) fn is_removable(device: &Path) -> bool {
    device
        .ancestors()
        .take(2)
        .any(|folder| line_of(&folder.join("removable")).is_some_and(|text| text == "1"))
}

/// The serial of the device that the block device belongs to: the nearest
/// folder above it that has one. What stands above the USB device itself is a
/// hub's, the same for every stick in it.
pub(super) fn device_serial(device: &Path) -> Option<String> {
    let mut serial = None;
    for folder in device.ancestors() {
        serial = line_of(&folder.join("serial"));
        let name = folder.file_name().and_then(|name| name.to_str());
        if serial.is_some() || name.is_some_and(is_usb_device) {
            break;
        }
    }
    serial
        .filter(|serial| serial.chars().all(|c| c.is_ascii_graphic() || c == ' '))
        .map(|serial| serial.replace([' ', '/'], "_"))
}

/// The first line of a small file, if anything stands in it.
pub(super) fn line_of(path: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(path)
        .ok()?
        .take(256)
        .read_to_string(&mut text)
        .ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// The USB port that the device is plugged into, as `0000:00:14.0-2.3`: the
/// controller and the way from it through the hubs. Unlike the bus's number it is
/// the same after every start.
pub(super) fn usb_port(device: &Path) -> Option<String> {
    let name = |folder: &Path| Some(folder.file_name()?.to_str()?.to_owned());
    // .../0000:00:14.0/usb1/1-2/1-2.3/1-2.3:1.0/host6/.../block/sdb/sdb1
    let bus = device
        .ancestors()
        .find(|folder| name(folder).is_some_and(|n| is_numbered(&n, "usb")))?;
    let (number, controller) = (name(bus)?, name(bus.parent()?)?);
    let prefix = format!("{}-", number.strip_prefix("usb")?);
    let route = device.ancestors().filter_map(name).find_map(|n| {
        let route = n.strip_prefix(&prefix)?;
        let plain = route.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        (plain && !route.is_empty()).then(|| route.to_owned())
    })?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'.' | b'_' | b'-');
    controller
        .bytes()
        .all(plain)
        .then(|| format!("{controller}-{route}"))
}

/// `1-2.3`: the folder of a USB device; `1-2.3:1.0` is one of its interfaces.
pub(super) fn is_usb_device(name: &str) -> bool {
    let digits = |text: &str, more: fn(u8) -> bool| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || more(b))
    };
    name.split_once('-')
        .is_some_and(|(bus, route)| digits(bus, |_| false) && digits(route, |b| b == b'.'))
}

fn is_numbered(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// The number that the kernel gives a disk when it appears, and never again while
/// it runs: one that was pulled and put back has another. Kernels from 5.15 on.
pub(super) fn disk_sequence(device: &Path) -> Option<u64> {
    // A partition's folder lies in its disk's.
    let mut folders = device.ancestors().take(2);
    folders.find_map(|folder| line_of(&folder.join("diskseq"))?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_serial_is_the_nearest_above_the_device() {
        let sys = tempfile::tempdir().unwrap();
        let usb = sys.path().join("usb1/1-2");
        let disk = usb.join("1-2:1.0/host0/block/sdb");
        let part = disk.join("sdb1");
        fs::create_dir_all(&part).unwrap();
        fs::write(usb.join("serial"), "4C53 0001\n").unwrap();
        fs::write(disk.join("removable"), "1\n").unwrap();
        assert_eq!(device_serial(&part).as_deref(), Some("4C53_0001"));
        assert!(is_removable(&part) && is_removable(&disk));
        fs::write(usb.join("serial"), "\n").unwrap();
        fs::write(disk.join("removable"), "0\n").unwrap();
        assert_eq!(device_serial(&part), None);
        assert!(!is_removable(&part));
    }

    #[test]
    fn the_serial_of_a_hub_is_no_sticks() {
        let sys = tempfile::tempdir().unwrap();
        let bus = sys.path().join("0000:00:14.0/usb1");
        let part = bus.join("1-2/1-2.3/1-2.3:1.0/host0/block/sdb/sdb1");
        fs::create_dir_all(&part).unwrap();
        // The kernel gives a root hub its controller's address as a serial.
        fs::write(bus.join("serial"), "0000:00:14.0\n").unwrap();
        fs::write(bus.join("1-2/serial"), "HUB7\n").unwrap();
        assert_eq!(device_serial(&part), None);
        fs::write(bus.join("1-2/1-2.3/serial"), "4C53\n").unwrap();
        assert_eq!(device_serial(&part).as_deref(), Some("4C53"));
    }

    #[test]
    fn the_port_is_the_way_from_the_controller_and_the_sequence_is_the_disks() {
        let sys = tempfile::tempdir().unwrap();
        let root = sys.path().join("pci0000:00/0000:00:14.0/usb3");
        let part = root.join("3-2/3-2.4/3-2.4:1.0/host6/target6:0:0/6:0:0:0/block/sdb/sdb1");
        fs::create_dir_all(&part).unwrap();
        assert_eq!(usb_port(&part).as_deref(), Some("0000:00:14.0-2.4"));
        assert_eq!(disk_sequence(&part), None);
        fs::write(part.parent().unwrap().join("diskseq"), "17\n").unwrap();
        assert_eq!(disk_sequence(&part), Some(17));
        // a disk of no USB port
        for other in [
            "virtual/block/loop0",
            "pci0000:00/0000:00:1f.2/ata1/block/sda",
            "usb/x",
        ] {
            assert_eq!(usb_port(&sys.path().join(other)), None, "{other}");
        }
    }
}
