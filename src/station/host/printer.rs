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
    /// proves nothing.
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
        let port = device.file_name()?.to_str()?;
        Some(format!(
            "model {vendor}:{product} in socket {port} {NO_SERIAL}"
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

    #[test]
    fn the_identity_comes_from_the_device_above_the_interface() {
        let root = std::env::temp_dir().join(format!("conclave-sysfs-{}", std::process::id()));
        let device = root.join("devices/usb1/1-4");
        let interface = device.join("1-4:1.0/usbmisc/lp0");
        fs::create_dir_all(&interface).unwrap();
        fs::create_dir_all(root.join("char")).unwrap();
        symlink(&interface, root.join("char/180:0")).unwrap();
        let printers = HostPrinters::under(root.join("none"), root.join("char"));
        assert_eq!(printers.identity(180, 0), None);
        fs::write(device.join("idVendor"), "04b8\n").unwrap();
        fs::write(device.join("idProduct"), "0005\n").unwrap();
        let none = "model 04b8:0005 in socket 1-4 (no serial number: any of this model passes \
                    there)";
        assert_eq!(printers.identity(180, 0).as_deref(), Some(none));
        fs::write(device.join("serial"), "L72P-0815\n").unwrap();
        assert_eq!(printers.identity(180, 0).as_deref(), Some("L72P-0815"));
        fs::write(device.join("serial"), "\x1b[2J\n").unwrap();
        assert_eq!(printers.identity(180, 0).as_deref(), Some(none));
        // A device that calls itself so has the socket that it is in.
        let other = none.replace("1-4", "1-5");
        fs::write(device.join("serial"), other).unwrap();
        assert_eq!(printers.identity(180, 0).as_deref(), Some(none));
        assert_eq!(printers.attached(180, 0), 0);
        fs::write(device.join("busnum"), "1\n").unwrap();
        fs::write(device.join("devnum"), "17\n").unwrap();
        assert_eq!(printers.attached(180, 0), 1017);
        assert_eq!(printers.identity(180, 1), None);
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn no_printers_is_no_error_and_names_are_strict() {
        let mut none = HostPrinters::under("/nonexistent/usb", "/nonexistent/char");
        assert_eq!(none.found(), Ok(Vec::new()));
        assert!(is_printer_name("lp0") && is_printer_name("lp12"));
        assert!(!is_printer_name("lp") && !is_printer_name("lp0x") && !is_printer_name("hiddev0"));
    }
}
