//! This computer, as `/proc` and `/sys` show it. Every file is read from one
//! root folder, so that a tree of files can stand for a machine.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use conclave_keyroom::ports::machine::{
    Driver, Facts, Interface, Limit, Machine, Seen, Socket, Swap,
};

use super::{inputs, sessions};

/// No file of `/proc` that is looked at is longer, in bytes.
const LONGEST: u64 = 4 << 20;

/// The machine whose `/proc` and `/sys` lie in one folder.
pub struct HostMachine {
    root: PathBuf,
}

impl Default for HostMachine {
    fn default() -> Self {
        Self::under("/")
    }
}

impl HostMachine {
    /// A machine whose root is this folder.
    #[must_use]
    pub fn under(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn text(&self, path: &str) -> Seen<String> {
        read(&self.root.join(path)).map_err(|error| format!("/{path}: {error}"))
    }

    /// A file that is not there on every kernel.
    fn text_if_there(&self, path: &str) -> Seen<Option<String>> {
        match read(&self.root.join(path)) {
            Ok(text) => Ok(Some(text)),
            // Also below what is no folder.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(format!("/{path}: {error}")),
        }
    }

    /// Names in a folder; none where the kernel has no such folder.
    fn names(&self, path: &str) -> Seen<Vec<String>> {
        let entries = match fs::read_dir(self.root.join(path)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(format!("/{path}: {error}")),
        };
        let mut names: Vec<String> = entries
            .flatten()
            .map(|entry| shown(&entry.file_name().to_string_lossy()))
            .collect();
        names.sort();
        Ok(names)
    }

    fn limit(&self, name: &str) -> Seen<Limit> {
        let text = self.text("proc/self/limits")?;
        limit_of(&text, name).ok_or_else(|| format!("/proc/self/limits: no line {name:?}"))
    }

    fn tracer(&self) -> Seen<Option<u32>> {
        let text = self.text("proc/self/status")?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix("TracerPid:"));
        match value.and_then(|value| value.trim().parse().ok()) {
            Some(0) => Ok(None),
            Some(pid) => Ok(Some(pid)),
            None => Err("/proc/self/status: no line \"TracerPid\"".into()),
        }
    }

    fn ptrace_scope(&self) -> Seen<Option<u8>> {
        let path = "proc/sys/kernel/yama/ptrace_scope";
        match self.text_if_there(path)? {
            None => Ok(None),
            Some(text) => text
                .trim()
                .parse()
                .map(Some)
                .map_err(|_| format!("/{path}: {:?} is no number", shown(&text))),
        }
    }

    fn interfaces(&self) -> Seen<Vec<Interface>> {
        // A kernel without networks has no such folder.
        let mut found = Vec::new();
        for name in self.names("sys/class/net")? {
            let folder = format!("sys/class/net/{name}");
            // Not an interface: the bonding driver's own control file.
            let Some(flags) = self.text_if_there(&format!("{folder}/flags"))? else {
                continue;
            };
            let digits = flags.trim().trim_start_matches("0x");
            let flags = u32::from_str_radix(digits, 16)
                .map_err(|_| format!("/{folder}/flags: {digits:?} is no number"))?;
            let here = self.root.join(&folder);
            let there = |what: &str| here.join(what).exists();
            found.push(Interface {
                name,
                usb: inputs::usb_device(&here).is_some(),
                // IFF_UP and IFF_LOOPBACK, linux/if.h.
                up: flags & 0x1 != 0,
                loopback: flags & 0x8 != 0,
                wireless: there("wireless") || there("phy80211"),
            });
        }
        Ok(found)
    }

    fn radios(&self) -> Seen<Vec<String>> {
        let mut found = Vec::new();
        for name in self.names("sys/class/bluetooth")? {
            found.push(format!("bluetooth {name}"));
        }
        for name in self.names("sys/class/ieee80211")? {
            found.push(format!("wireless network {name}"));
        }
        for name in self.names("sys/class/wwan")? {
            found.push(format!("mobile telephone {name}"));
        }
        Ok(found)
    }

    fn drivers(&self) -> Seen<Vec<Driver>> {
        // A kernel without loadable modules has no such file, and no such
        // modules.
        let text = self.text_if_there("proc/modules")?.unwrap_or_default();
        Ok(drivers_of(&text))
    }

    fn sockets(&self) -> Seen<Vec<Socket>> {
        let mut found = Vec::new();
        for (file, protocol, listening) in [
            // TCP_LISTEN; a UDP socket without a peer is in TCP_CLOSE.
            ("proc/net/tcp", "tcp", "0A"),
            ("proc/net/tcp6", "tcp", "0A"),
            ("proc/net/udp", "udp", "07"),
            ("proc/net/udp6", "udp", "07"),
        ] {
            let text = self.text_if_there(file)?.unwrap_or_default();
            found.extend(sockets_of(&text, protocol, listening));
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn network_mounts(&self) -> Seen<Vec<String>> {
        Ok(network_mounts_of(&self.text("proc/self/mounts")?))
    }

    fn core_pattern(&self) -> Seen<String> {
        let text = self.text("proc/sys/kernel/core_pattern")?;
        Ok(shown(text.trim()))
    }
}

impl Machine for HostMachine {
    fn look(&self) -> Facts {
        Facts {
            swaps: self.text("proc/swaps").map(|text| swaps_of(&text)),
            core_pattern: self.core_pattern(),
            core_limit: self.limit("Max core file size"),
            locked_limit: self.limit("Max locked memory"),
            tracer: self.tracer(),
            ptrace_scope: self.ptrace_scope(),
            interfaces: self.interfaces(),
            radios: self.radios(),
            drivers: self.drivers(),
            sockets: self.sockets(),
            network_mounts: self.network_mounts(),
            terminals: sessions::elsewhere(&self.root.join("proc")),
            keyboards: inputs::keyboards(&self.root),
        }
    }

    fn attached(&self) -> Seen<Vec<String>> {
        let mut found = Vec::new();
        for name in self.names("sys/class/input")? {
            let folder = format!("sys/class/input/{name}");
            let has_device = self.root.join(&folder).join("device").exists();
            // `inputN` is the device; `eventN`, `mouseN` are ways to read it. N
            // is never used again until the next start of the machine.
            if !name.starts_with("input") || !has_device {
                continue;
            }
            let keys = self.text_if_there(&format!("{folder}/capabilities/key"))?;
            // A bit for each key or button: a lid or a plug has none.
            if keys.is_none_or(|bits| bits.trim().chars().all(|c| c == '0' || c == ' ')) {
                continue;
            }
            let title = self.text_if_there(&format!("{folder}/name"))?;
            let title = shown(title.unwrap_or_default().trim());
            found.push(format!("keyboard or pointer «{title}» ({name})"));
        }
        for name in self.names("sys/class/net")? {
            let folder = format!("sys/class/net/{name}");
            if !self.root.join(&folder).join("device").exists() {
                continue;
            }
            let index = self.text_if_there(&format!("{folder}/ifindex"))?;
            let index = shown(index.unwrap_or_default().trim());
            found.push(format!("network interface {name} ({index})"));
        }
        Ok(found)
    }
}

/// The texts of `/proc` that are read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// `/proc/swaps`
    Swaps,
    /// `/proc/modules`
    Modules,
    /// `/proc/net/tcp` and its like.
    Sockets,
    /// `/proc/self/mounts`
    Mounts,
    /// `/proc/self/limits`
    Limits,
    /// `/proc/PID/stat`
    Stat,
}

impl Text {
    /// All of them.
    pub const ALL: [Text; 6] = [
        Self::Swaps,
        Self::Modules,
        Self::Sockets,
        Self::Mounts,
        Self::Limits,
        Self::Stat,
    ];
}

/// What is read out of one text, as words: the same readers that look at the
/// machine, apart from its files.
#[must_use]
pub fn read_machine_text(kind: Text, text: &str) -> Vec<String> {
    match kind {
        Text::Swaps => swaps_of(text).into_iter().map(|s| s.name).collect(),
        Text::Modules => drivers_of(text).into_iter().map(|d| d.name).collect(),
        Text::Sockets => sockets_of(text, "tcp", "0A")
            .into_iter()
            .map(|s| s.port.to_string())
            .collect(),
        Text::Mounts => network_mounts_of(text),
        Text::Limits => limit_of(text, "Max locked memory")
            .map(|limit| format!("{limit:?}"))
            .into_iter()
            .collect(),
        Text::Stat => sessions::named(text).into_iter().collect(),
    }
}

/// What a program, a device or a mount calls itself is not ours: no control
/// character of it reaches a screen, and no more than one line.
pub(super) fn shown(text: &str) -> String {
    let plain = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
    text.chars().take(64).map(plain).collect()
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(LONGEST)
        .read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `Filename Type Size Used Priority`, below one line of titles.
fn swaps_of(text: &str) -> Vec<Swap> {
    text.lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .map(|name| Swap {
            name: shown(name),
            in_memory: name.starts_with("/dev/zram"),
        })
        .collect()
}

/// `Max locked memory   8388608   8388608   bytes`: the soft limit.
fn limit_of(text: &str, name: &str) -> Option<Limit> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    match rest.split_whitespace().next()? {
        "unlimited" => Some(None),
        number => number.parse().ok().map(Some),
    }
}

/// Stacks and drivers of radios.
const RADIO: &[&str] = &[
    "bluetooth",
    "bnep",
    "btusb",
    "btintel",
    "btrtl",
    "btbcm",
    "rfcomm",
    "cfg80211",
    "mac80211",
    "iwlwifi",
    "iwlmvm",
    "brcmfmac",
    "brcmsmac",
    "wl",
    "qmi_wwan",
    "cdc_mbim",
    "wwan",
    "ieee802154",
    "nfc",
    "rtl8xxxu",
];
/// Beginnings of names that radio drivers share.
const RADIO_FAMILIES: &[&str] = &["ath", "mt76", "mt79", "rtw", "rtl8192", "rtl8188", "wcn36"];
/// Drivers of cables.
const CABLE: &[&str] = &[
    "e1000",
    "e1000e",
    "igb",
    "igc",
    "ixgbe",
    "i40e",
    "ice",
    "r8169",
    "r8125",
    "tg3",
    "bnx2",
    "bnxt_en",
    "forcedeth",
    "sky2",
    "skge",
    "alx",
    "atl1c",
    "atlantic",
    "virtio_net",
    "vmxnet3",
    "usbnet",
    "cdc_ether",
    "cdc_ncm",
    "rndis_host",
    "asix",
    "ax88179_178a",
    "r8152",
    "smsc95xx",
    "thunderbolt_net",
    "firewire_net",
    "tun",
    "veth",
    "bridge",
    "wireguard",
];

/// `name size users user,user,… state address`.
fn drivers_of(text: &str) -> Vec<Driver> {
    let mut found: Vec<Driver> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter_map(|name| {
            let wireless = RADIO.contains(&name)
                || RADIO_FAMILIES.iter().any(|family| name.starts_with(family));
            (wireless || CABLE.contains(&name)).then(|| Driver {
                name: shown(name),
                wireless,
            })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// `sl local_address rem_address st …`, addresses as hex words in the order of
/// this machine's bytes.
fn sockets_of(text: &str, protocol: &'static str, listening: &str) -> Vec<Socket> {
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            let (address, port) = words.next()?.split_once(':')?;
            let state = words.nth(1)?;
            let port = u16::from_str_radix(port, 16).ok()?;
            (state == listening).then(|| Socket {
                protocol,
                port,
                local: is_loopback(address),
            })
        })
        .collect()
}

/// 127.0.0.0/8, ::1, and 127.0.0.0/8 written as an address of version 6.
fn is_loopback(address: &str) -> bool {
    const MAPPED: &str = "0000000000000000FFFF0000";
    match address.len() {
        8 => address.ends_with("7F"),
        32 => {
            address == "00000000000000000000000001000000"
                || address.starts_with(MAPPED) && address.ends_with("7F")
        }
        _ => false,
    }
}

/// File systems whose bytes come over a network.
const NETWORK_FILES: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ncpfs",
    "afs",
    "ceph",
    "9p",
    "glusterfs",
    "lustre",
    "fuse.sshfs",
    "fuse.s3fs",
    "fuse.glusterfs",
    "davfs",
    "fuse.davfs2",
    "ocfs2",
    "gfs2",
    "virtiofs",
];

/// `device place type options 0 0`.
fn network_mounts_of(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            let (place, kind) = (words.next()?, words.next()?);
            NETWORK_FILES
                .contains(&kind)
                .then(|| format!("{} ({kind})", shown(place)))
        })
        .collect()
}
