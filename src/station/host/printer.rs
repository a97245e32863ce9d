//! Printers on this computer's USB: `/dev/usb/lp*`, which the kernel's printer
//! driver gives to one program at a time. No spooler: its error recovery sends
//! whole jobs again. What has no secret may also go to a printer on the loopback.

use std::fs;
use std::path::{Path, PathBuf};

use conclave_keyroom::domain::Permission;
use conclave_keyroom::domain::open_page::OpenPage;
use conclave_keyroom::ports::printer::{FoundPrinter, PrinterError, Printers};
use conclave_trades::print::device;

use super::ipp;

/// The printers attached to this machine.
pub struct HostPrinters {
    nodes: PathBuf,
    sysfs: PathBuf,
}

impl Default for HostPrinters {
    fn default() -> Self {
        Self::new()
    }
}

impl HostPrinters {
    /// Looks in `/dev/usb` and `/sys/dev/char`.
    #[must_use]
    pub fn new() -> Self {
        Self::under("/dev/usb", "/sys/dev/char")
    }

    /// Looks in other folders, for a machine that mounts them elsewhere.
    #[must_use]
    pub fn under(nodes: impl Into<PathBuf>, sysfs: impl Into<PathBuf>) -> Self {
        Self {
            nodes: nodes.into(),
            sysfs: sysfs.into(),
        }
    }

    /// Who stands behind a device number: the USB device's serial number, or
    /// where it has none its model and socket, in words that say so: whoever signs
    /// an enrolment reads them. sysfs is asked by number, so the name of a node
    /// proves nothing. A socket is told by where its USB controller sits in this
    /// computer: the kernel counts buses anew at each start, in the order in which it
    /// finds them.
    #[must_use]
    pub fn identity(&self, major: u32, minor: u32) -> Option<String> {
        let device = self.device(major, minor)?;
        // No device says of itself that it has none.
        let own = attribute(&device, "serial").filter(|own| !own.ends_with(NO_SERIAL));
        if own.is_some() {
            return own;
        }
        let vendor = attribute(&device, "idVendor")?;
        let product = attribute(&device, "idProduct")?;
        let socket = socket(&device)?;
        Some(format!(
            "model {vendor}:{product} in socket {socket} {NO_SERIAL}"
        ))
    }

    /// The device is some folders above its printer interface: the first one that
    /// has a vendor.
    fn device(&self, major: u32, minor: u32) -> Option<PathBuf> {
        let node = self.sysfs.join(format!("{major}:{minor}"));
        let interface = fs::canonicalize(node).ok()?;
        let mut above = interface.ancestors();
        let device = above.find(|folder| folder.join("idVendor").is_file())?;
        Some(device.to_owned())
    }

    /// The kernel numbers what is plugged in, one after another on each bus.
    fn attached(&self, major: u32, minor: u32) -> u64 {
        let number = |name: &str| -> Option<u64> {
            let device = self.device(major, minor)?;
            attribute(&device, name)?.parse().ok()
        };
        match (number("busnum"), number("devnum")) {
            (Some(bus), Some(device)) => bus * 1000 + device,
            _ => 0,
        }
    }
}

/// Where a USB device is plugged in: its ports behind the root hub, which bus of its
/// controller that is, and the controller: `4, bus 1 of 0000:00:14.0`. The kernel's name
/// of the device, `BUS-PORT.PORT`, has the ports behind the hyphen. `None` where the
/// folders are otherwise: what cannot be told apart is not enrolled.
fn socket(device: &Path) -> Option<String> {
    let (_, ports) = device.file_name()?.to_str()?.split_once('-')?;
    let bus = device
        .ancestors()
        .find(|folder| bus_number(folder).is_some())?;
    let controller = bus.parent()?;
    // A controller has one bus, or two, for fast devices and for faster ones, in an order
    // of its own.
    let beside = fs::read_dir(controller).ok()?.flatten();
    let beside = beside.filter_map(|entry| bus_number(&entry.path()));
    let place = beside
        .filter(|other| Some(*other) < bus_number(bus))
        .count()
        + 1;
    let name = controller.file_name()?.to_str()?;
    let fits = name.len() <= CONTROLLER_MOST && name.chars().all(|c| matches!(c, '!'..='~'));
    fits.then(|| format!("{ports}, bus {place} of {name}"))
}

/// The number in the kernel's name of a bus, `usb3`.
fn bus_number(folder: &Path) -> Option<u32> {
    let name = folder.file_name()?.to_str()?;
    name.strip_prefix("usb")?.parse().ok()
}

/// The longest name of a controller, in characters.
const CONTROLLER_MOST: usize = 40;

/// What ends the identity of a printer that has no serial number: another of its
/// model in its socket passes for it.
const NO_SERIAL: &str = "(no serial number: any of this model passes there)";

/// An attribute of sysfs without its line end; `None` when it is empty, or has
/// what a screen or a record must not.
fn attribute(device: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(device.join(name)).ok()?;
    let text = text.trim();
    let fits =
        !text.is_empty() && text.len() <= 126 && text.chars().all(|c| matches!(c, ' '..='~'));
    fits.then(|| text.to_owned())
}

/// `lp` and a number.
fn is_printer_name(name: &str) -> bool {
    name.strip_prefix("lp")
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

impl Printers for HostPrinters {
    fn found(&mut self) -> Result<Vec<FoundPrinter>, PrinterError> {
        // No folder: the driver makes it for the first printer.
        let Ok(entries) = fs::read_dir(&self.nodes) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for entry in entries.flatten() {
            if !entry.file_name().to_str().is_some_and(is_printer_name) {
                continue;
            }
            let path = entry.path();
            let (Some(name), Ok(stat)) = (path.to_str(), rustix::fs::lstat(&path)) else {
                continue;
            };
            let kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
            if kind != rustix::fs::FileType::CharacterDevice {
                continue;
            }
            let (major, minor) = (
                rustix::fs::major(stat.st_rdev),
                rustix::fs::minor(stat.st_rdev),
            );
            // What cannot be told apart cannot be enrolled.
            if let Some(serial) = self.identity(major, minor) {
                found.push(FoundPrinter {
                    device: name.to_owned(),
                    serial,
                    training: false,
                    attached: self.attached(major, minor),
                });
            }
        }
        found.sort_by(|a, b| a.device.cmp(&b.device));
        Ok(found)
    }

    fn print(
        &mut self,
        permit: &dyn Permission,
        device: &str,
        serial: &str,
        bytes: &[u8],
    ) -> Result<(), PrinterError> {
        device::open(device, serial, &|major, minor| self.identity(major, minor))?
            .write(permit, bytes)
    }

    fn found_for_reports(&mut self) -> Result<Vec<FoundPrinter>, PrinterError> {
        Ok(ipp::found(&ipp::usual()))
    }

    fn submit(
        &mut self,
        permit: &dyn Permission,
        device: &str,
        serial: &str,
        page: &OpenPage,
    ) -> Result<(), PrinterError> {
        ipp::submit(permit, device, serial, page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A tree of sysfs: a controller with a slow bus and a fast one, whose numbers are
    /// `first` and the next, and printers of one model in the same port of both.
    struct Tree {
        root: tempfile::TempDir,
        first: u32,
    }

    impl Tree {
        fn new(first: u32) -> Self {
            let tree = Self {
                root: tempfile::tempdir().unwrap(),
                first,
            };
            fs::create_dir_all(tree.root.path().join("char")).unwrap();
            for bus in 0..2 {
                let lp = tree
                    .device(bus)
                    .join("x:1.0/usbmisc")
                    .join(format!("lp{bus}"));
                fs::create_dir_all(&lp).unwrap();
                symlink(&lp, tree.root.path().join(format!("char/180:{bus}"))).unwrap();
                tree.write(bus, "idVendor", "04b8\n");
                tree.write(bus, "idProduct", "0005\n");
            }
            tree
        }

        /// The printer on the first bus, or the second.
        fn device(&self, bus: u32) -> PathBuf {
            let number = self.first + bus;
            let controller = self.root.path().join("devices/pci0000:00/0000:00:14.0");
            controller.join(format!("usb{number}/{number}-4"))
        }

        fn write(&self, bus: u32, name: &str, text: &str) {
            fs::write(self.device(bus).join(name), text).unwrap();
        }

        fn printers(&self) -> HostPrinters {
            HostPrinters::under(self.root.path().join("none"), self.root.path().join("char"))
        }

        fn identity(&self, bus: u32) -> Option<String> {
            self.printers().identity(180, bus)
        }
    }

    const NONE: &str = "model 04b8:0005 in socket 4, bus 1 of 0000:00:14.0 (no serial number: any \
                        of this model passes there)";

    #[test]
    fn the_identity_comes_from_the_device_above_the_interface() {
        let tree = Tree::new(1);
        let device = tree.device(0);
        fs::remove_file(device.join("idVendor")).unwrap();
        assert_eq!(tree.identity(0), None);
        tree.write(0, "idVendor", "04b8\n");
        assert_eq!(tree.identity(0).as_deref(), Some(NONE));
        tree.write(0, "serial", "L72P-0815\n");
        assert_eq!(tree.identity(0).as_deref(), Some("L72P-0815"));
        tree.write(0, "serial", "\x1b[2J\n");
        assert_eq!(tree.identity(0).as_deref(), Some(NONE));
        // A device that calls itself so has the socket that it is in.
        tree.write(0, "serial", &NONE.replace("socket 4", "socket 5"));
        assert_eq!(tree.identity(0).as_deref(), Some(NONE));
        let printers = tree.printers();
        assert_eq!(printers.attached(180, 0), 0);
        tree.write(0, "busnum", "1\n");
        tree.write(0, "devnum", "17\n");
        assert_eq!(printers.attached(180, 0), 1017);
        assert_eq!(printers.identity(180, 7), None);
    }

    #[test]
    fn a_printer_without_a_serial_is_told_by_its_socket_however_buses_are_counted() {
        let (before, after) = (Tree::new(1), Tree::new(3));
        for bus in 0..2 {
            assert!(before.identity(bus).is_some());
            assert_eq!(before.identity(bus), after.identity(bus));
        }
        assert_ne!(before.identity(0), before.identity(1));
        // Behind a hub, by the ports on the way to it.
        let hub = before.device(0).join("1-4.2/x:1.0/usbmisc/lp5");
        fs::create_dir_all(&hub).unwrap();
        symlink(&hub, before.root.path().join("char/180:5")).unwrap();
        for (name, text) in [("idVendor", "04b8"), ("idProduct", "0005")] {
            fs::write(before.device(0).join("1-4.2").join(name), text).unwrap();
        }
        let behind = before.printers().identity(180, 5).unwrap();
        assert_eq!(behind, NONE.replace("socket 4", "socket 4.2"));
        // Folders without a bus tell no socket.
        let lost = before.root.path().join("devices/elsewhere/1-4/lp6");
        fs::create_dir_all(&lost).unwrap();
        symlink(&lost, before.root.path().join("char/180:6")).unwrap();
        for (name, text) in [("idVendor", "04b8"), ("idProduct", "0005")] {
            fs::write(lost.parent().unwrap().join(name), text).unwrap();
        }
        assert_eq!(before.printers().identity(180, 6), None);
    }

    #[test]
    fn no_printers_is_no_error_and_names_are_strict() {
        let mut none = HostPrinters::under("/nonexistent/usb", "/nonexistent/char");
        assert_eq!(none.found(), Ok(Vec::new()));
        assert!(is_printer_name("lp0") && is_printer_name("lp12"));
        assert!(!is_printer_name("lp") && !is_printer_name("lp0x") && !is_printer_name("hiddev0"));
    }
}
