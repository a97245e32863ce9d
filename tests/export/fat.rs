//! Sticks with FAT, as they are sold: a file system in a file, mounted through
//! FUSE, below devices that a folder in the shape of sysfs describes. They are
//! the wrong one, the second one, full, write-protected, pulled at any moment, and
//! without a serial number. What arrived is read by other tools than ours.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::desk::*;
use crate::mounted::root;
use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id, verify_path};
use conclave_keyroom::domain::Permission;
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::door::{Action, ActionError, Authority, DoorError, Permit, Refusal};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::{FoundMedium, KnownBy, Media, MediaError};
use conclave_station::host::media::{HostMedia, MediaPlaces};
use conclave_trades::ceremony::state::Player;
use conclave_trades::media::{Bundle, EnrolMedium, PlateRead, ReadPlate, emit};
use conclave_trades::target::BundleState;
use serde::{Deserialize, Serialize};

/// A computer with USB ports, as its kernel would describe it.
struct Computer {
    dir: tempfile::TempDir,
    /// Disks that appeared so far.
    appeared: u64,
}

/// A stick that is plugged in.
struct Plugged {
    point: PathBuf,
    image: PathBuf,
    link: PathBuf,
}

impl Computer {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["blocks", "sticks", "media"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        Self { dir, appeared: 0 }
    }

    fn media(&self) -> HostMedia {
        HostMedia::new(MediaPlaces {
            blocks: self.dir.path().join("blocks"),
            // The file system's id comes out of the file; devices are no images.
            images: true,
            ..MediaPlaces::of_system(vec![self.dir.path().join("media")])
        })
    }

    /// A new stick, formatted by the tools of FAT.
    fn stick(&self, name: &str, volume: &str) -> PathBuf {
        let image = self.dir.path().join("sticks").join(name);
        let file = std::fs::File::create(&image).unwrap();
        // FAT12: what serves it through FUSE damages FAT16.
        file.set_len(8 << 20).unwrap();
        let path = image.display().to_string();
        root(&["mkfs.vfat", "-i", volume, &path]);
        image
    }

    fn plug(&mut self, image: &Path, port: &str, serial: Option<&str>, options: &str) -> Plugged {
        self.appeared += 1;
        let name = image.file_name().unwrap().to_str().unwrap();
        let point = self.dir.path().join("media").join(name);
        std::fs::create_dir_all(&point).unwrap();
        let options = format!("{options},allow_other,fsname={}", image.display());
        root(&[
            "fusefat",
            "-o",
            &options,
            &image.display().to_string(),
            &point.display().to_string(),
        ]);
        let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let line = table
            .lines()
            .find(|line| line.contains(&format!(" {} ", point.display())))
            .expect("the stick is mounted");
        let number = line.split(' ').nth(2).unwrap();
        let usb = self.dir.path().join(format!(
            "devices/pci0000:00/0000:00:14.0/usb1/1-{port}-{}",
            self.appeared
        ));
        // Each time the kernel has another folder; the port in its name is the same.
        let device = usb.join(format!("1-{port}"));
        let disk = device.join(format!("1-{port}:1.0/host6/block/sdb"));
        let part = disk.join("sdb1");
        std::fs::create_dir_all(&part).unwrap();
        // As the kernel has it, the hub above every stick has a serial.
        std::fs::write(usb.parent().unwrap().join("serial"), "0000:00:14.0\n").unwrap();
        std::fs::write(disk.join("removable"), "1\n").unwrap();
        std::fs::write(disk.join("diskseq"), format!("{}\n", self.appeared)).unwrap();
        if let Some(serial) = serial {
            std::fs::write(device.join("serial"), format!("{serial}\n")).unwrap();
        }
        let link = self.dir.path().join("blocks").join(number);
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(part, &link).unwrap();
        Plugged {
            point,
            image: image.to_owned(),
            link,
        }
    }
}

/// The process that serves a mounted image.
fn server(image: &Path) -> Option<String> {
    let folders = std::fs::read_dir("/proc").unwrap().flatten();
    folders
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|pid| pid.bytes().all(|b| b.is_ascii_digit()))
        .find(|pid| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).into_owned();
            words.starts_with("fusefat\0") && words.contains(&*image.display().to_string())
        })
}

/// Pulls a stick: nothing of it answers any more, whatever is going on.
fn pull(image: &Path) {
    if let Some(pid) = server(image) {
        root(&["kill", "-KILL", &pid]);
    }
}

impl Plugged {
    /// Takes it out properly.
    fn eject(self) {}
}

impl Drop for Plugged {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.link);
        let point = self.point.display().to_string();
        root(&["umount", "-l", &point]);
        // The file is whole when nobody serves it any more.
        for _ in 0..500 {
            if server(&self.image).is_none() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// What the tools of FAT find in the image, copied to a folder.
fn copied_out(image: &Path, folder: &str) -> tempfile::TempDir {
    let path = image.display().to_string();
    root(&["fsck.vfat", "-n", &path]);
    let out = tempfile::tempdir().unwrap();
    let done = Command::new("mcopy")
        .args(["-s", "-i", &path, &format!("::/{folder}")])
        .arg(out.path())
        .output()
        .expect("mcopy: run ./scripts/test, which installs it");
    assert!(done.status.success(), "{done:?}");
    out
}

fn desk_with(media: impl Media + 'static) -> Desk {
    let mut desk = Desk::new();
    desk.ports = Box::new(media);
    desk
}

#[test]
fn a_bundle_on_a_fat_stick_is_read_by_the_tools_of_fat() {
    let mut computer = Computer::new();
    let image = computer.stick("one", "0041CAFE");
    let plugged = computer.plug(&image, "2", Some("4C53 0001"), "rw+");
    let mut desk = desk_with(computer.media());
    desk.medium = desk.enrol(7, "STICK-7", "4C53_0001/0041-CAFE").unwrap();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("BANK-LAKE.ZPK.001", KeyForm::Aes128, "P0");
    let act = desk.plan(&[&key], &zmk);
    let out = desk.export(&act).unwrap();
    plugged.eject();

    let copy = copied_out(&image, &out.folder);
    let folder = copy.path().join(&out.folder);
    let report = verify_path(&folder);
    assert!(report.ok(), "{:?}", report.failure());
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut written = out.files.clone();
    names.sort();
    written.sort();
    assert_eq!(names, written);
}

#[test]
fn another_fat_stick_a_second_one_a_full_one_and_a_protected_one_take_nothing() {
    let mut computer = Computer::new();
    let (one, other) = (
        computer.stick("one", "0041CAFE"),
        computer.stick("other", "0042CAFE"),
    );
    let plugged = computer.plug(&one, "2", Some("4C53"), "rw+");
    let mut desk = desk_with(computer.media());
    desk.medium = desk.enrol(7, "STICK-7", "4C53/0041-CAFE").unwrap();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let attempt = |desk: &mut Desk, part: &str| {
        let act = desk.plan(&[&key], &zmk);
        let said = device(desk.export(&act));
        assert!(
            said.contains(part) && said.contains("nothing was exported"),
            "{said}"
        );
        assert_eq!(desk.register(act.bundle).state, BundleState::Begun);
        assert_eq!(desk.next(), act.bundle + 1);
    };
    let second = computer.plug(&other, "3", Some("4C54"), "rw+");
    attempt(&mut desk, "more than one");
    plugged.eject();
    attempt(&mut desk, "not the enrolled");
    second.eject();
    attempt(&mut desk, "no medium");
    // The same device formatted anew is another medium.
    let plugged = computer.plug(&other, "2", Some("4C53"), "rw+");
    attempt(&mut desk, "not the enrolled");
    plugged.eject();
    let plugged = computer.plug(&one, "2", Some("4C53"), "ro");
    attempt(&mut desk, "write-protected");
    plugged.eject();
    let plugged = computer.plug(&one, "2", Some("4C53"), "rw+");
    let full = plugged.point.join("fill");
    let fill = format!(
        "dd if=/dev/zero of='{}' bs=64k status=none || true",
        full.display()
    );
    root(&["sh", "-c", &fill]);
    attempt(&mut desk, "full");
    assert!(desk.record(&key).exports.is_empty());
    let names: Vec<_> = std::fs::read_dir(&plugged.point).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

/// When a stick is pulled.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    InTheWrite,
    BetweenWriteAndReadBack,
    BehindTheReadBack,
}

/// The host's media, and a hand that pulls the stick.
struct Hand {
    host: HostMedia,
    image: PathBuf,
    point: PathBuf,
    at: Option<Moment>,
}

impl Media for Hand {
    fn found(&mut self) -> Result<Vec<FoundMedium>, MediaError> {
        self.host.found()
    }

    fn write(
        &mut self,
        permit: &dyn Permission,
        serial: &str,
        folder: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), MediaError> {
        let in_the_write = self.at.take_if(|at| *at == Moment::InTheWrite);
        let hand = in_the_write.map(|_| {
            let (image, point) = (self.image.clone(), self.point.clone());
            let folder = point.join(folder);
            let (part, whole) = (folder.join(format!("{name}.part")), folder.join(name));
            std::thread::spawn(move || {
                let begun = || std::fs::metadata(&part).is_ok_and(|file| file.len() > 0);
                while !begun() && !whole.exists() {
                    std::thread::yield_now();
                }
                pull(&image);
            })
        });
        let written = self.host.write(permit, serial, folder, name, bytes);
        if let Some(hand) = hand {
            hand.join().unwrap();
        }
        if self
            .at
            .take_if(|at| *at == Moment::BetweenWriteAndReadBack)
            .is_some()
        {
            pull(&self.image);
        }
        written
    }

    fn read_back(
        &mut self,
        permit: &dyn Permission,
        serial: &str,
        folder: &str,
        name: &str,
        most: u64,
    ) -> Result<Vec<u8>, MediaError> {
        let read = self.host.read_back(permit, serial, folder, name, most);
        if self
            .at
            .take_if(|at| *at == Moment::BehindTheReadBack)
            .is_some()
        {
            pull(&self.image);
        }
        read
    }

    fn folders(&mut self, serial: &str) -> Result<Vec<String>, MediaError> {
        self.host.folders(serial)
    }

    fn read(
        &mut self,
        serial: &str,
        folder: &str,
        name: &str,
        most: u64,
    ) -> Result<Vec<u8>, MediaError> {
        self.host.read(serial, folder, name, most)
    }
}

/// Writes a long file and a last one, as an export does.
#[derive(Serialize, Deserialize)]
struct Long {
    serial: String,
}

impl Action for Long {
    const NAME: &'static str = "long";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Session(GroupId::KeyManagers)
    }

    fn words(&self) -> Vec<String> {
        Vec::new()
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let files = vec![
            ("long.bin".to_owned(), vec![0x5A; 6 << 20]),
            ("manifest.cbor".to_owned(), vec![1]),
        ];
        let bundle = Bundle::new("LONG", files).unwrap();
        emit(permit, ports.media, &self.serial, &bundle).map_err(|cut| {
            assert!(cut.begun && !cut.may_be_whole, "{cut:?}");
            ActionError::Device {
                what: cut.to_string(),
                advice: "plug it in again".into(),
            }
        })
    }
}

#[test]
fn a_fat_stick_pulled_at_any_moment_of_a_write_has_no_last_file() {
    for at in [
        Moment::InTheWrite,
        Moment::BetweenWriteAndReadBack,
        Moment::BehindTheReadBack,
    ] {
        let mut computer = Computer::new();
        let image = computer.stick("one", "0041CAFE");
        let plugged = computer.plug(&image, "2", Some("4C53"), "rw+");
        let serial = "4C53/0041-CAFE";
        let mut desk = desk_with(Hand {
            host: computer.media(),
            image: image.clone(),
            point: plugged.point.clone(),
            at: Some(at),
        });
        let long = Long {
            serial: serial.into(),
        };
        let result = desk.act(&long, &[]);
        let Err(DoorError::Failed(ActionError::Device { what, .. })) = result else {
            panic!("{at:?}: {result:?}");
        };
        // It is gone: what the system says of it depends on the moment.
        assert!(
            what.contains("failed") || what.contains("no medium"),
            "{at:?}: {what}"
        );
        plugged.eject();
        // Plugged in again: no last file.
        let plugged = computer.plug(&image, "2", Some("4C53"), "rw+");
        let there = |name: &str| plugged.point.join("LONG").join(name).exists();
        assert!(!there("manifest.cbor"), "{at:?}");
    }
}

fn player(desk: &Desk, name: &str, group: GroupId) -> Player {
    Player {
        id: desk.room.holder(name).person.id,
        name: name.into(),
        group,
        reports_to: String::new(),
    }
}

/// Refused since another medium lies in the port than the one that people looked at.
fn exchanged<T>(result: &Result<T, DoorError>) -> bool {
    matches!(result, Err(DoorError::Failed(ActionError::Device { what, .. }))
        if what.contains("was exchanged"))
}

#[test]
fn a_stick_without_a_serial_is_bound_to_its_port_and_to_a_plate_that_two_read() {
    let mut computer = Computer::new();
    let (one, other) = (
        computer.stick("one", "0041CAFE"),
        // A copy of the file system's id proves nothing, and is easily made.
        computer.stick("other", "0041CAFE"),
    );
    let plugged = computer.plug(&one, "2.3", None, "rw+");
    let mut desk = desk_with(computer.media());
    let serial = "PORT:0000:00:14.0-2.3/0041-CAFE";
    let found = desk.ports.found().unwrap();
    assert_eq!(found[0].serial, serial);
    let KnownBy::Port {
        plate_read: false,
        appeared,
    } = found[0].known_by
    else {
        panic!("{found:?}");
    };

    let (dora, ada) = (
        player(&desk, "Dora", GroupId::KeyManagers),
        player(&desk, "Ada", GroupId::Approvers),
    );
    let signers = [MANAGERS[0], APPROVERS[0]];
    let read = |number: &str| PlateRead {
        number: number.into(),
        appeared,
        by: vec![dora.clone(), ada.clone()],
    };
    let enrol = |desk: &mut Desk, plate| -> Result<MediumRecord, DoorError> {
        let act = EnrolMedium {
            id: Id([7; 16]),
            name: "STICK-7".into(),
            serial: serial.into(),
            plate,
        };
        desk.act(&act, &ADMINISTRATORS)
    };
    let said = |result: Result<MediumRecord, DoorError>| {
        let Err(DoorError::Failed(ActionError::Rule { rule, .. })) = result else {
            panic!("{result:?}");
        };
        rule
    };
    assert!(said(enrol(&mut desk, None)).contains("number on its plate"));
    // Named as readers, and their cards signed nothing.
    let unsigned = enrol(&mut desk, Some(read("0417")));
    assert!(
        matches!(unsigned, Err(DoorError::Refused(Refusal::PersonMissing))),
        "{unsigned:?}"
    );
    let by_those_who_sign = |number: &str, desk: &Desk| PlateRead {
        number: number.into(),
        appeared,
        by: vec![
            player(desk, "Ada", GroupId::Administrators),
            player(desk, "Ben", GroupId::Administrators),
        ],
    };
    let short = by_those_who_sign("41", &desk);
    assert!(said(enrol(&mut desk, Some(short))).contains("4 to 12"));
    let mut alone = by_those_who_sign("0417", &desk);
    alone.by[1] = alone.by[0].clone();
    assert!(said(enrol(&mut desk, Some(alone))).contains("two people"));
    let mut before = by_those_who_sign("0417", &desk);
    before.appeared -= 1;
    let result = enrol(&mut desk, Some(before));
    assert!(exchanged(&result), "{result:?}");
    let both = by_those_who_sign("0417", &desk);
    desk.medium = enrol(&mut desk, Some(both)).unwrap();
    assert_eq!(desk.medium.plate.as_deref(), Some("0417"));

    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let act = desk.plan(&[&key], &zmk);
    assert!(device(desk.export(&act)).contains("plate was not read"));

    let plate = |number| ReadPlate {
        medium: Id([7; 16]),
        name: "STICK-7".into(),
        read: read(number),
    };
    // One of the two did not sign; then the number is another stick's.
    assert!(desk.act(&plate("0417"), &signers[..1]).is_err());
    let Err(DoorError::Failed(ActionError::Rule { rule, .. })) = desk.act(&plate("0418"), &signers)
    else {
        panic!("a wrong plate");
    };
    assert!(rule.contains("not the plate of STICK-7"), "{rule}");
    let act = desk.plan(&[&key], &zmk);
    assert!(device(desk.export(&act)).contains("plate was not read"));
    desk.act(&plate("0417"), &signers).unwrap();
    let act = desk.plan(&[&key], &zmk);
    let out = desk.export(&act).unwrap();
    plugged.eject();
    let copy = copied_out(&one, &out.folder);
    assert!(verify_path(&copy.path().join(&out.folder)).ok());

    // Another stick in the port, with the same id; and the same one, put back: the
    // plate is read again. What two signed of the one before holds for neither.
    for image in [&other, &one] {
        let plugged = computer.plug(image, "2.3", None, "rw+");
        for _ in 0..2 {
            let act = desk.plan(&[&key], &zmk);
            assert!(device(desk.export(&act)).contains("plate was not read"));
            let result = desk.act(&plate("0417"), &signers);
            assert!(exchanged(&result), "{result:?}");
        }
        plugged.eject();
    }
    // A stick that calls itself the port has no plate that anybody read.
    for itself in [
        "PORT:0000:00:14.0-2.3",
        "port:0000:00:14.0-2.3",
        "DRIVE:IMAGE-disc",
    ] {
        let plugged = computer.plug(&other, "5", Some(itself), "rw+");
        assert!(desk.ports.found().unwrap().is_empty(), "{itself}");
        let act = desk.plan(&[&key], &zmk);
        assert!(device(desk.export(&act)).contains("no medium is plugged in"));
        plugged.eject();
    }
    // In another port it is no medium of this station.
    let plugged = computer.plug(&one, "4", None, "rw+");
    let result = desk.act(&plate("0417"), &signers);
    assert!(
        matches!(result, Err(DoorError::Failed(ActionError::Device { .. }))),
        "{result:?}"
    );
    let act = desk.plan(&[&key], &zmk);
    assert!(device(desk.export(&act)).contains("not the enrolled"));
    plugged.eject();
}
